// SPDX-License-Identifier: GPL-2.0
/*
 * A QEMU plugin that counts what EL2 executes.
 *
 *   -plugin libel2count.so,lo=<address>,hi=<address>[,profile=<n>]
 *
 * Addresses from lo up to hi, exclusive, are the code of EL2, which has its own
 * virtual addresses. Two HVCs with the immediates 0x1750 and 0x1751 (see
 * tests/guest/module/its_attack.h) are the start and the end of a burst. The plugin
 * counts entries to EL2, and instructions at EL2 and elsewhere, without the two HVCs
 * themselves, and prints
 *
 *   el2count: between entries <n> el2 <n> other <n> longest <n>
 *   el2count: burst entries <n> el2 <n> other <n> longest <n>
 *   el2count: total entries <n> el2 <n> other <n> longest <n>
 *
 * at the start of each burst, about all since the last one; at its end; and about the
 * whole run, HVCs included. longest is the entry with the most instructions.
 *
 * profile: print which instructions of EL2 the n-th burst (0 is the first) executed,
 *
 *   el2count: at <address> <times>
 *
 * or, for -1, the whole run.
 *
 * Each instruction is counted when it starts. One CPU only.
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
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_cb cb,
					    int flags, void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, exit_cb cb, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
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

enum marker { NONE, START, END };

/* What is profiled, if it is no burst. */
enum { WHOLE_RUN = -1, NOTHING = -2 };

struct counts {
	uint64_t entries, el2, other, longest;
};

/* An instruction of EL2, as often as it was translated. */
struct site {
	struct site *next;
	uint64_t vaddr, times;
};

static uint64_t lo, hi, this_entry;
static struct counts span, total;
static struct site *sites;
static bool at_el2, of_marker;
static long bursts, profiled = NOTHING;

static void print(const char *what, const struct counts *counts)
{
	char text[200];

	snprintf(text, sizeof(text), "el2count: %s entries %" PRIu64 " el2 %" PRIu64
		 " other %" PRIu64 " longest %" PRIu64 "\n", what, counts->entries,
		 counts->el2, counts->other, counts->longest);
	qemu_plugin_outs(text);
}

static void print_sites(void)
{
	char text[100];

	for (const struct site *site = sites; site; site = site->next) {
		if (!site->times)
			continue;
		snprintf(text, sizeof(text), "el2count: at %" PRIx64 " %" PRIu64 "\n",
			 site->vaddr, site->times);
		qemu_plugin_outs(text);
	}
}

static void leave_el2(void)
{
	if (this_entry > total.longest)
		total.longest = this_entry;
	if (!of_marker && this_entry > span.longest)
		span.longest = this_entry;
	of_marker = false;
	at_el2 = false;
}

static void el2_insn(unsigned int vcpu, void *data)
{
	struct site *site = data;

	if (!at_el2) {
		at_el2 = true;
		this_entry = 0;
		total.entries++;
		span.entries += !of_marker;
	}
	this_entry++;
	total.el2++;
	if (!of_marker) {
		span.el2++;
		site->times++;
	}
}

/* A marker was executed, or that was not the code of EL2 that it led to. */
static void other_insn(unsigned int vcpu, void *data)
{
	enum marker marker = (uintptr_t)data;

	if (at_el2)
		leave_el2();
	else if (of_marker)
		qemu_plugin_outs("el2count: EL2 is elsewhere\n");
	total.other++;
	if (marker == NONE) {
		span.other++;
		return;
	}

	print(marker == START ? "between" : "burst", &span);
	if (marker == END && bursts++ == profiled)
		print_sites();
	memset(&span, 0, sizeof(span));
	for (struct site *site = sites; site && profiled != WHOLE_RUN; site = site->next)
		site->times = 0;
	/* The next entry is the marker's own */
	of_marker = true;
}

static enum marker marker_of(const struct qemu_plugin_insn *insn)
{
	uint32_t word;

#if PLUGIN_VERSION < 3
	memcpy(&word, qemu_plugin_insn_data(insn), sizeof(word));
#else
	qemu_plugin_insn_data(insn, &word, sizeof(word));
#endif
	return word == HVC(0x1750) ? START : word == HVC(0x1751) ? END : NONE;
}

static struct site *site_at(uint64_t vaddr)
{
	struct site *site = calloc(1, sizeof(*site));

	if (!site)
		abort();
	site->vaddr = vaddr;
	site->next = sites;
	sites = site;
	return site;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint64_t vaddr = qemu_plugin_insn_vaddr(insn);

		if (vaddr >= lo && vaddr < hi)
			qemu_plugin_register_vcpu_insn_exec_cb(insn, el2_insn, NO_REGS,
							       site_at(vaddr));
		else
			qemu_plugin_register_vcpu_insn_exec_cb(insn, other_insn, NO_REGS,
							       (void *)(uintptr_t)marker_of(insn));
	}
}

static void at_exit(qemu_plugin_id_t id, void *data)
{
	print("total", &total);
	if (profiled == WHOLE_RUN)
		print_sites();
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc,
			char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "lo=", 3))
			lo = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "hi=", 3))
			hi = strtoull(argv[i] + 3, NULL, 0);
		else if (!strncmp(argv[i], "profile=", 8))
			profiled = strtol(argv[i] + 8, NULL, 0);
		else
			return -1;
	}
	if (!lo || hi <= lo)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	qemu_plugin_register_atexit_cb(id, at_exit, NULL);
	return 0;
}
