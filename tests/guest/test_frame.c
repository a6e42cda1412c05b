// SPDX-License-Identifier: GPL-2.0
/*
 * The control frame of the ITS, touched by a compromised host in every way an
 * instruction can, from EL1 and from EL0.
 *
 * Property: an access of a form that no driver uses changes no register of the
 * ITS and has a defined end (the instruction faults, or does nothing), and
 * interrupts work afterwards. The test case also reads QEMU's trace, which
 * tells what reached the ITS: nothing but what is listed there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "attack.h"
#include "guest.h"
#include "its.h"
#include "queue.h"

struct its_regs {
	uint64_t ctlr, cbaser, cwriter, creadr, baser[8];
};

static char *frame;

static uint64_t reg(unsigned int offset)
{
	uint64_t value = 0;

	read64(frame + offset, &value, NULL);
	return value;
}

static uint32_t ctlr(void)
{
	uint32_t value = 0;

	read32(frame + GITS_CTLR, &value, NULL);
	return value;
}

static void snapshot(struct its_regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	regs->ctlr = ctlr();
	regs->cbaser = reg(GITS_CBASER);
	regs->cwriter = reg(GITS_CWRITER);
	regs->creadr = reg(GITS_CREADR);
	for (int i = 0; i < 8; i++)
		regs->baser[i] = reg(GITS_BASER(i));
}

static void bad_read(uint64_t phys)
{
	char *va = phys_map(phys, 0x1000, false);
	uint32_t value;

	if (va) {
		read32(va, &value, NULL);
		phys_unmap(va, 0x1000);
	}
}

enum expected {
	FAULTS,
	IGNORED,
	EITHER,		/* the emulator or the architecture leaves it open */
};

struct form {
	enum attack_insn insn;
	enum expected expected;
};

static const struct form refused[] = {
	{ ATTACK_STRB, FAULTS }, { ATTACK_STRH, FAULTS },
	{ ATTACK_STP32, FAULTS }, { ATTACK_STP64, FAULTS },
	{ ATTACK_STR32_PRE, FAULTS }, { ATTACK_STR32_POST, FAULTS },
	{ ATTACK_STR64_POST, FAULTS },
	{ ATTACK_STR_S, FAULTS }, { ATTACK_STR_D, FAULTS }, { ATTACK_STR_Q, FAULTS },
	{ ATTACK_ST1, FAULTS }, { ATTACK_SWP32, FAULTS }, { ATTACK_LDADD64, FAULTS },
	{ ATTACK_CAS64, FAULTS }, { ATTACK_LDXR_STXR32, FAULTS },
	{ ATTACK_DC_ZVA, FAULTS },
	/* QEMU has no caches to maintain. */
	{ ATTACK_DC_IVAC, EITHER }, { ATTACK_DC_CVAC, EITHER }, { ATTACK_DC_CIVAC, EITHER },
};

static const unsigned int targets[] = {
	GITS_CTLR, GITS_CBASER, GITS_CWRITER, GITS_CREADR, GITS_BASER(0), GITS_BASER(2),
	ITS_FRAME_SIZE - 16,
};

static void try(const char *from, enum attack_insn insn, enum attack_map map,
		unsigned int offset, enum expected expected)
{
	struct attack_access access = {
		.phys = ITS_FRAME + offset,
		.value = 0x8000000041414141UL,
		.insn = insn,
		.map = map,
	};
	struct its_regs before, after;
	int ret;

	snapshot(&before);
	ret = attack_access(&access);
	snapshot(&after);

	if (ret == -EOPNOTSUPP) {
		info("unsupported", "%s", attack_name(insn));
		return;
	}
	if (!check(!ret, "%s: %s at %#x can be tried", from, attack_name(insn), offset))
		return;
	if (expected != EITHER)
		check_eq(access.faulted, expected == FAULTS, "%s: %s at %#x %s", from,
			 attack_name(insn), offset,
			 expected == FAULTS ? "faults" : "does not fault");
	check(!memcmp(&before, &after, sizeof(before)),
	      "%s: %s at %#x changes no register", from, attack_name(insn), offset);
}

static void from_el1(void)
{
	static const struct {
		enum attack_insn insn;
		unsigned int offset;
	} unaligned[] = {
		{ ATTACK_STR32, GITS_CBASER + 2 }, { ATTACK_STR32, GITS_CTLR + 1 },
		{ ATTACK_STR64, GITS_CBASER + 4 }, { ATTACK_STR64, GITS_BASER(0) + 1 },
		{ ATTACK_STR64, ITS_FRAME_SIZE - 4 }, { ATTACK_STR32, ITS_FRAME_SIZE - 2 },
		{ ATTACK_STR64, 0x1000 - 4 },
	};
	static const struct {
		enum attack_insn insn;
		unsigned int offset;
	} ignored[] = {
		{ ATTACK_STR64, GITS_CTLR }, { ATTACK_STR64_XZR, GITS_CTLR },
		{ ATTACK_STR32, GITS_IIDR }, { ATTACK_STR64, GITS_TYPER },
		{ ATTACK_STR32, 0x20 }, { ATTACK_STR64, 0x28 }, { ATTACK_STR32, GITS_STATUSR },
		{ ATTACK_STR64, GITS_CREADR }, { ATTACK_STR32, GITS_CREADR },
		{ ATTACK_STR32_XZR, GITS_CREADR + 4 }, { ATTACK_STR64, 0x98 },
		{ ATTACK_STR64, 0xf8 }, { ATTACK_STR64, 0x140 }, { ATTACK_STR32, 0x8000 },
		{ ATTACK_STR32, GITS_CIDR3 }, { ATTACK_STR64, ITS_FRAME_SIZE - 8 },
		{ ATTACK_STLR32, GITS_IIDR }, { ATTACK_STLR64, GITS_CREADR },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
			try("EL1", refused[i].insn, ATTACK_MAP_DEVICE, targets[t],
			    refused[i].expected);
			try("EL1, Normal memory", refused[i].insn, ATTACK_MAP_NORMAL_NC,
			    targets[t], refused[i].expected);
		}
	for (size_t i = 0; i < sizeof(unaligned) / sizeof(unaligned[0]); i++)
		try("EL1, unaligned", unaligned[i].insn, ATTACK_MAP_NORMAL_NC,
		    unaligned[i].offset, FAULTS);
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		try("EL1, no such register", ignored[i].insn, ATTACK_MAP_DEVICE,
		    ignored[i].offset, IGNORED);
}

/*
 * What EL1 may do, and what comes of it, is seen in the trace; see frame.py.
 * The ITS is disabled meanwhile, so nothing is reported before it is enabled.
 */
static void allowed_from_el1(void)
{
	static const struct {
		enum attack_insn insn;
		unsigned int offset;
		uint64_t value;
	} allowed[] = {
		{ ATTACK_STR32_XZR, GITS_CTLR, ~0UL },
		{ ATTACK_STR64_XZR, GITS_BASER(7), ~0UL },
		{ ATTACK_STR64, GITS_BASER(7), 0x1122334455667788 },
		{ ATTACK_STR32, GITS_BASER(7) + 4, 0xffffffff00000000 },
		{ ATTACK_STR32, GITS_BASER(7), 0x99 },
		{ ATTACK_STLR32, GITS_CTLR, 0xffffffff7ffffff1 },
	};
	const size_t nr = sizeof(allowed) / sizeof(allowed[0]);
	bool good[sizeof(allowed) / sizeof(allowed[0])];

	irq_rest();
	for (size_t i = 0; i < nr; i++) {
		struct attack_access access = {
			.phys = ITS_FRAME + allowed[i].offset,
			.value = allowed[i].value,
			.insn = allowed[i].insn,
		};

		good[i] = !attack_access(&access) && !access.faulted;
	}
	irq_work();
	for (size_t i = 0; i < nr; i++)
		check(good[i], "EL1: %s at %#x does not fault", attack_name(allowed[i].insn),
		      allowed[i].offset);
}

#define EL0_STORE(name, insn)						\
static void el0_##name(void *addr)					\
{									\
	uint64_t value = 0x8000000041414141UL;				\
									\
	asm volatile(insn : [addr] "+r" (addr), [val] "+r" (value) : :	\
		     "memory", "v0", "x30");				\
}

EL0_STORE(strb, "strb %w[val], [%[addr]]")
EL0_STORE(strh, "strh %w[val], [%[addr]]")
EL0_STORE(stp, "stp %[val], %[val], [%[addr]]")
EL0_STORE(post, "str %[val], [%[addr]], #8")
EL0_STORE(simd, "fmov d0, %[val]\nstr q0, [%[addr]]")
EL0_STORE(branch, "blr %[addr]")

static void from_el0(void)
{
	static const struct {
		const char *name;
		void (*fn)(void *);
	} forms[] = {
		{ "strb", el0_strb }, { "strh", el0_strh }, { "stp64", el0_stp },
		{ "str64_post", el0_post }, { "str_simd128", el0_simd },
	};
	struct its_regs before, after;
	char *writable, *exec;
	struct fault fault;

	writable = phys_map(ITS_FRAME, ITS_FRAME_SIZE, true);
	if (!check(writable, "EL0: the frame can be mapped for writing"))
		return;

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		for (size_t t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
			snapshot(&before);
			check(catch_fault(forms[i].fn, writable + targets[t], &fault) &&
			      fault.signo == SIGSEGV && fault.addr == writable + targets[t],
			      "EL0: %s at %#x is a SIGSEGV there", forms[i].name, targets[t]);
			snapshot(&after);
			check(!memcmp(&before, &after, sizeof(before)),
			      "EL0: %s at %#x changes no register", forms[i].name, targets[t]);
		}

	exec = attack_map_exec(ITS_FRAME, ITS_FRAME_SIZE);
	if (check(exec, "EL0: the frame can be mapped for execution"))
		check(catch_fault(el0_branch, exec + GITS_TYPER, &fault) &&
		      fault.signo == SIGSEGV && fault.addr == exec + GITS_TYPER,
		      "EL0: an instruction fetch is a SIGSEGV there");

	check(!write32(writable + GITS_IIDR, 0, &fault), "EL0: str32 at IIDR does nothing");
	check(!write64(writable + GITS_BASER(5), 0x5555, &fault), "EL0: str64 does nothing");
	phys_unmap(writable, ITS_FRAME_SIZE);
}

static void test_frame_forms(void)
{
	frame = phys_map(ITS_FRAME, ITS_FRAME_SIZE, false);
	if (!check(frame, "the frame can be read") || !attack_open())
		return;

	from_el1();
	from_el0();
	allowed_from_el1();
	check_io_everywhere("afterwards");
}
GUEST_TEST("frame-forms", test_frame_forms);

static int write_reg(unsigned int offset, unsigned int size, uint64_t value)
{
	struct attack_access access = {
		.phys = ITS_FRAME + offset,
		.value = value,
		.insn = size == 8 ? ATTACK_STR64 : ATTACK_STR32,
	};

	return attack_access(&access) || access.faulted ? -1 : 0;
}

/*
 * Write a register with all sorts of values in all widths. Returns how many of
 * these changed any register; the first is described in what.
 */
static unsigned int hostile_writes(unsigned int offset, char *what, size_t size)
{
	const uint64_t now = reg(offset);
	const uint64_t values[] = {
		0, ~0UL, now ^ 1UL << 63, now ^ 1UL << 62, now ^ 1UL << 16, now ^ 1UL << 12,
		now ^ 3UL << 10, now ^ 7UL << 59, now ^ 1, now + 1, 0x8000000047f0040fUL,
	};
	unsigned int changes = 0;
	struct its_regs before, after;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (int form = 0; form < 3; form++) {
			snapshot(&before);
			if (form == 0)
				write_reg(offset, 8, values[i]);
			else
				write_reg(offset + 4 * (form - 1), 4,
					  values[i] >> 32 * (form - 1));
			snapshot(&after);
			/*
			 * A half that is right restores GITS_CBASER, which starts the
			 * queue again. Whoever does that without the driver's knowledge
			 * makes it submit old commands: they are filtered once more.
			 */
			after.creadr = before.creadr;
			after.cwriter = before.cwriter;
			if (!memcmp(&before, &after, sizeof(before)))
				continue;
			if (!changes++)
				snprintf(what, size, "%#llx at %#x, form %d",
					 (unsigned long long)values[i], offset, form);
		}

	return changes;
}

/*
 * The registers that tell an ITS where to work keep their values, whatever the
 * host writes, while the ITS is enabled and while it is not; it can be disabled
 * and enabled again, as it was. On a kernel without the series (expect=changed)
 * they do not, which is what makes this an attack.
 */
static void test_frame_registers(void)
{
	bool pinned = strcmp(arg("expect", "pinned"), "changed");
	unsigned int enabled[9], disabled[9];
	struct attack_queue queue;
	char what[9][2][80] = { };
	struct its_regs before, after;
	bool off, on;

	frame = phys_map(ITS_FRAME, ITS_FRAME_SIZE, false);
	if (!check(frame, "the frame can be read") || !attack_open())
		return;
	snapshot(&before);

	/* Nothing is reported while there are no interrupts. */
	for (int i = 0; i < 9; i++)
		enabled[i] = hostile_writes(i < 8 ? GITS_BASER(i) : GITS_CBASER,
					    what[i][0], sizeof(what[i][0]));
	irq_rest();
	write_reg(GITS_CTLR, 4, 0);
	off = !(ctlr() & 1);
	for (int i = 0; i < 9; i++)
		disabled[i] = hostile_writes(i < 8 ? GITS_BASER(i) : GITS_CBASER,
					     what[i][1], sizeof(what[i][1]));
	if (!pinned) {
		check(off, "the ITS can be disabled");
		check(disabled[0] && disabled[8], "GITS_BASER0 and GITS_CBASER can be changed");
		return;
	}
	write_reg(GITS_CTLR, 4, 0xffffffff);
	on = ctlr() & 1;
	snapshot(&after);
	irq_work();
	/* The queue has started again: tell the driver, or it submits old commands. */
	if (!queue_open(&queue) || !check(!queue_restart(), "the driver starts again, too"))
		return;

	check(off, "the ITS can be disabled");
	check(on, "and enabled");
	info("cbaser", "%#llx", (unsigned long long)before.cbaser);
	for (int i = 0; i < 8; i++) {
		char name[] = { 'b', 'a', 's', 'e', 'r', '0' + i, '\0' };

		info(name, "%#llx", (unsigned long long)before.baser[i]);
	}
	for (int i = 0; i < 9; i++) {
		check(!enabled[i], "register %d, ITS enabled: no write changes it", i);
		check(!disabled[i], "register %d, ITS disabled: no write changes it", i);
		if (enabled[i] || disabled[i])
			info("changed", "%s; %s", what[i][0], what[i][1]);
	}
	check_eq(after.cbaser, before.cbaser, "GITS_CBASER is what it was");
	check(!memcmp(before.baser, after.baser, sizeof(before.baser)),
	      "so are all GITS_BASER<n>");
	check_io_everywhere("afterwards");
}
GUEST_TEST("frame-registers", test_frame_registers);

/* GITS_CWRITER takes offsets of slots in the queue and nothing else. */
static void test_frame_cwriter(void)
{
	struct its_regs before, after;
	uint64_t size;

	frame = phys_map(ITS_FRAME, ITS_FRAME_SIZE, false);
	if (!check(frame, "the frame can be read") || !attack_open())
		return;
	snapshot(&before);
	size = ((before.cbaser & 0xff) + 1) * 0x1000;
	info("queue", "%#llx", (unsigned long long)size);
	const uint64_t bad[] = {
		size, size + 32, 0xfffe0, 1UL << 20, 1UL << 63, before.cwriter + 2,
		before.cwriter + 4, before.cwriter + 8, before.cwriter + 16, ~0UL,
		before.cwriter | 1UL << 32,
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		write_reg(GITS_CWRITER, 8, bad[i]);
		if (bad[i] << 32)
			write_reg(GITS_CWRITER, 4, bad[i] == (before.cwriter | 1UL << 32) ?
				  size : bad[i]);
		write_reg(GITS_CWRITER + 4, 4, bad[i]);
		snapshot(&after);
		check(!memcmp(&before, &after, sizeof(before)), "value %zu changes nothing", i);
	}
	check(!write_reg(GITS_CWRITER, 4, before.cwriter), "the offset it has can be written");
	check_io_everywhere("afterwards");
}
GUEST_TEST("frame-cwriter", test_frame_cwriter);

/* Bursts for the test case to count the EL2 entries of; see frame.py. */
static void test_frame_cost(void)
{
	uint64_t cwriter;

	frame = phys_map(ITS_FRAME, ITS_FRAME_SIZE, false);
	if (!check(frame, "the frame can be read") || !attack_open())
		return;
	cwriter = reg(GITS_CWRITER);

	check(!attack_burst(ATTACK_LDR32, ITS_FRAME + GITS_CREADR, 0, 100), "read CREADR");
	check(!attack_burst(ATTACK_LDR64, ITS_FRAME + GITS_TYPER, 0, 100), "read TYPER");
	check(!attack_burst(ATTACK_LDR32, ITS_FRAME + GITS_CTLR, 0, 100), "read CTLR");
	check(!attack_burst(ATTACK_STR32, ITS_FRAME + GITS_CWRITER, cwriter, 100),
	      "write CWRITER");
	check(!attack_burst(ATTACK_STR64, ITS_FRAME + GITS_CWRITER, cwriter, 100),
	      "write CWRITER, 64 bits");
	check(!attack_burst(ATTACK_STR32, ITS_FRAME + GITS_IIDR, 0, 100), "write IIDR");
}
GUEST_TEST("frame-cost", test_frame_cost);

/*
 * EL2 has to translate the address of a store that its permissions forbid. At
 * that very moment, another CPU pulls the page table away from under it.
 *
 * target=frame: a store to the frame, emulated by EL2. target=text: one to the
 * code of the hypervisor, which the host may read and never gets to write.
 */
static volatile unsigned long stores;

static int store_for_ever(void *page)
{
	for (;;) {
		asm volatile("str wzr, [%0]" : : "r" ((char *)page + GITS_IIDR) : "memory");
		stores++;
	}
	return 0;
}

/*
 * The kernel answers an abort on a table walk with SIGKILL: let a process die
 * that shares our memory, so that nobody takes the mapping apart meanwhile.
 */
static bool killed_at(void *page, double seconds)
{
	static char stack[0x10000] __attribute__((aligned(16)));
	int status = 0;
	pid_t pid = clone(store_for_ever, stack + sizeof(stack), CLONE_VM | SIGCHLD, page);

	for (double end = now() + seconds; pid > 0 && !waitpid(pid, &status, WNOHANG);) {
		if (now() > end)
			kill(pid, SIGTERM);
		sleep_ms(1);
	}

	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void test_frame_walk(void)
{
	bool to_frame = !strcmp(arg("target", "frame"), "frame");
	uint64_t phys, flips = 0;
	unsigned int killed = 0;
	uint32_t value;
	char *page;

	phys = to_frame ? ITS_FRAME : kernel_symbol_phys("__hyp_text_start");
	if (!check(phys, "the target is known") || !attack_open())
		return;
	pin_to_cpu(0);
	/* Nothing else is near, so the kernel has no reason to walk that table. */
	page = phys_map_at((void *)0x2000000000, phys & ~0xfffUL, 0x1000, true);
	if (!check(page && !read32(page, &value, NULL), "the target can be read"))
		return;
	/*
	 * The kernel notes the first store in the PTE if the CPU doesn't, and would walk the
	 * table for that. Not by this process: the base kernel doesn't get over the abort of
	 * a store to EL2's code.
	 */
	check(!killed_at(page, 0.1), "a store doesn't meet a bad table yet");
	/* Make the stage-2 mapping of the bad table there: nothing answers. */
	bad_read(arg_long("bad", NOTHING));

	if (!check(!attack_flip(page, arg_long("bad", NOTHING), 1, true, NULL),
		   "the page table is being pulled away"))
		return;
	for (double end = now() + arg_long("seconds", 10); now() < end && killed < 50;)
		killed += killed_at(page, 1);
	check(!attack_flip(page, 0, 1, false, &flips), "and put back");
	info("killed", "%u", killed);
	info("stores", "%lu", stores);
	info("flips", "%llu", (unsigned long long)flips);
	check(killed, "some stores met the bad table");
	check(stores, "some stores did not");
	unpin();
	check_io_everywhere("afterwards");
}
GUEST_TEST("frame-walk", test_frame_walk);

/* Read something in every "step" of the physical address space. */
static void touch_everywhere(uint64_t step, unsigned int bits)
{
	for (uint64_t pa = step; pa < 1UL << bits; pa += step) {
		uint32_t value;
		char *va = phys_map(pa, 0x10000, false);

		if (!va)
			continue;
		/* There is nothing: the read ends in an external abort. */
		read32(va, &value, NULL);
		phys_unmap(va, 0x10000);
	}
}

/*
 * The host stage-2 forgets its MMIO mappings when it runs out of pages: make
 * it do so, again and again, and look for a way to come out with a writable
 * mapping of the frame. Bursts as above.
 */
static void test_frame_recycle(void)
{
	uint64_t step = 1UL << arg_long("step", 42);
	unsigned int bits = arg_long("bits", 48);
	char *translater;
	uint32_t value;

	frame = phys_map(ITS_FRAME, ITS_FRAME_SIZE, false);
	translater = phys_map(ITS_FRAME + ITS_FRAME_SIZE, ITS_FRAME_SIZE, true);
	if (!check(frame && translater, "the frames can be mapped") || !attack_open())
		return;

	for (int round = 0; round < 3; round++) {
		/* Mapped now: reads are free, writes are not. */
		read32(frame, &value, NULL);
		check(!attack_burst(ATTACK_LDR32, ITS_FRAME, 0, 10), "read while mapped");
		check(!attack_burst(ATTACK_STR32, ITS_FRAME + GITS_IIDR, 0, 10),
		      "write while mapped");

		touch_everywhere(step, bits);

		/* A write that faults for want of a mapping must not make one. */
		check(!attack_burst(ATTACK_STR32, ITS_FRAME + GITS_IIDR, 0, 10),
		      "write after recycling");
		/* Nor may what its neighbour gets. */
		check(!write32(translater + 0x44, 0, NULL), "write to the next frame");
		check(!attack_burst(ATTACK_STR32, ITS_FRAME + GITS_IIDR, 0, 10),
		      "write after its neighbour");
		/* The first read faults, the others do not. */
		check(!attack_burst(ATTACK_LDR32, ITS_FRAME, 0, 10), "read after recycling");
		check(!attack_burst(ATTACK_STR32, ITS_FRAME + GITS_IIDR, 0, 10),
		      "write after that read");
	}
	check_io_everywhere("afterwards");
}
GUEST_TEST("frame-recycle", test_frame_recycle);
