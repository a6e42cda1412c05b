// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU plugin that counts what EL2 executes.
 *
 *   -plugin libel2count.so,lo=<address>,hi=<address>
 *
 * Addresses from lo up to hi, exclusive, are the code of EL2, which has its own
 * virtual addresses. Between two HVCs with the immediates 0x1750 and 0x1751 (see
 * tests/guest/module/its_attack.h), the plugin counts entries to EL2 and instructions
 * at EL2 and elsewhere, without the two HVCs themselves, and prints one line:
 *
 *   el2count: entries <n> el2 <n> other <n> longest <n>
 *
 * longest is the entry with the most instructions. A last line, "el2count: total ...",
 * is about the whole run.
 *
 * Blocks of code are counted as a whole when they are entered. One CPU only.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What is used of QEMU's plugin interface: Debian has the functions in QEMU, but no
 * package has the header.
 */
typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef void (*tb_trans_cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb);
typedef void (*exec_cb)(unsigned int vcpu, void *data);
typedef void (*exit_cb)(qemu_plugin_id_t id, void *data);
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, tb_trans_cb cb);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb, exec_cb cb, int flags,
					  void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb cb, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
void qemu_plugin_outs(const char *text);
#if PLUGIN_VERSION < 3
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#else
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *data, size_t size);
#endif

#define EXPORT	__attribute__((visibility("default")))
EXPORT int qemu_plugin_version = PLUGIN_VERSION;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			       char **argv);

#define HVC(imm)	(0xd4000002 | (imm) << 5)
#define NO_REGS		0

/* In the data of a block: its number of instructions, and what it is. */
#define BLOCK_EL2	(1UL << 32)
#define BLOCK_START	(1UL << 33)
#define BLOCK_END	(1UL << 34)

struct counts {
	uint64_t entries, el2, other, longest;
};

static uint64_t lo, hi;
static struct counts burst, total;
static uint64_t this_entry;
static bool counting, at_el2, of_marker;

static void print(const char *what, const struct counts *counts)
{
	char text[200];

	snprintf(text, sizeof(text), "el2count:%s entries %" PRIu64 " el2 %" PRIu64
		 " other %" PRIu64 " longest %" PRIu64 "\n", what, counts->entries,
		 counts->el2, counts->other, counts->longest);
	qemu_plugin_outs(text);
}

static void leave_el2(void)
{
	if (counting && !of_marker && this_entry > burst.longest)
		burst.longest = this_entry;
	of_marker = false;
}

static void block(unsigned int vcpu, void *data)
{
	uint64_t what = (uint64_t)data, nr = (uint32_t)what;
	bool el2 = what & BLOCK_EL2;

	if (el2 && !at_el2) {
		this_entry = 0;
		total.entries++;
		burst.entries += !of_marker;
	} else if (!el2 && at_el2) {
		leave_el2();
	}
	at_el2 = el2;

	if (el2) {
		total.el2 += nr;
		this_entry += nr;
		if (!of_marker)
			burst.el2 += nr;
	} else {
		total.other += nr;
		burst.other += nr;
	}

	if (what & BLOCK_END && counting) {
		print("", &burst);
		counting = false;
	}
	if (what & BLOCK_START) {
		memset(&burst, 0, sizeof(burst));
		counting = true;
	}
	/* The next entry is the marker's own */
	if (what & (BLOCK_START | BLOCK_END))
		of_marker = true;
}

static uint32_t insn_at(const struct qemu_plugin_tb *tb, size_t i)
{
	struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
	uint32_t word;

#if PLUGIN_VERSION < 3
	memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
#else
	qemu_plugin_insn_data(insn, &word, sizeof(word));
#endif
	return word;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	uint64_t vaddr = qemu_plugin_tb_vaddr(tb), nr = qemu_plugin_tb_n_insns(tb);
	uint64_t what = nr;

	if (vaddr >= lo && vaddr < hi)
		what |= BLOCK_EL2;
	/* An HVC ends a block. */
	switch (insn_at(tb, nr - 1)) {
	case HVC(0x1750):
		what |= BLOCK_START;
		break;
	case HVC(0x1751):
		what |= BLOCK_END;
		break;
	}
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block, NO_REGS, (void *)what);
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	print(" total", &total);
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "lo=", 3))
			lo = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "hi=", 3))
			hi = strtoull(argv[i] + 3, NULL, 0);
		else
			return -1;
	}
	if (!lo || hi <= lo)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
