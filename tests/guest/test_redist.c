// SPDX-License-Identifier: GPL-2.0
/*
 * The redistributors: bus masters, too, and driven by the host.
 *
 * redist-registers: where they find their tables stays as it is, whatever the host
 * writes, while LPIs are enabled and while they are not. expect=changed: it doesn't.
 * redist-attack: the host has a redistributor write a pending bit into memory of the
 * hypervisor. The test case looks at that memory from outside; see redist.py.
 * redist-memory: the tables are out of the host's reach, or stay where they are.
 * redist-vpe: GICv4.0, a vPE becomes resident with the tables it was bound to, and with
 * no others; they stay pinned for as long as it takes.
 * redist-power: a redistributor that may be without power isn't believed to be idle, and
 * its own CPU alone says whether it is.
 * redist-late: a CPU that was not online at boot; nobody gets its redistributor to work.
 * redist-cost: bursts for the test case to count the EL2 entries of.
 *
 * Argument: gic=3|4.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"
#include "redist.h"

#define MAX_REDISTS	8
#define TABLE_SIZE	0x10000UL
#define LPI_BITS	16

#define PSCI_CPU_SUSPEND	0xc4000001UL

struct regs {
	uint32_t ctlr, waker;
	uint64_t propbaser, pendbaser, vpropbaser, vpendbaser;
};

static char *frames[MAX_REDISTS];
static uint64_t page_size;
static bool v4;

static uint64_t redist_phys(unsigned int n)
{
	return REDIST_BASE + n * (v4 ? 0x40000 : 0x20000);
}

static bool redist_open(void)
{
	unsigned int size = (arg_long("gic", 4) == 4 ? 4 : 2) * REDIST_FRAME;

	v4 = arg_long("gic", 4) == 4;
	page_size = sysconf(_SC_PAGESIZE);
	for (int n = 0; n < cpus_present() && n < MAX_REDISTS; n++)
		frames[n] = phys_map(redist_phys(n), size, true);
	return check(frames[cpus_present() - 1], "the redistributors can be mapped");
}

static uint64_t reg(unsigned int n, unsigned int offset)
{
	uint64_t value = 0;

	read64(frames[n] + offset, &value, NULL);
	return value;
}

static uint32_t reg32(unsigned int n, unsigned int offset)
{
	uint32_t value = 0;

	read32(frames[n] + offset, &value, NULL);
	return value;
}

static void snapshot(unsigned int n, struct regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	regs->ctlr = reg32(n, GICR_CTLR);
	regs->waker = reg32(n, GICR_WAKER);
	regs->propbaser = reg(n, GICR_PROPBASER);
	regs->pendbaser = reg(n, GICR_PENDBASER);
	if (!v4)
		return;
	regs->vpropbaser = reg(n, GICR_VPROPBASER);
	regs->vpendbaser = reg(n, GICR_VPENDBASER);
}

/* What EL2 counts; 0 without the series */
static uint64_t redist_counter(const char *name)
{
	char text[512], key[64], *found;

	if (read_file("/sys/kernel/debug/pkvm_redist", text, sizeof(text)) < 0)
		return 0;
	snprintf(key, sizeof(key), "%s ", name);
	found = strstr(text, key);
	return found ? strtoull(found + strlen(key), NULL, 0) : 0;
}

/*
 * All sorts of values in all widths, written by its own CPU. Returns how many of these
 * changed a register.
 */
static unsigned int hostile_writes(unsigned int n, unsigned int offset, uint64_t evil)
{
	const uint64_t was = reg(n, offset);
	const uint64_t values[] = {
		0, ~0UL, was ^ 1UL << 63, was ^ 1UL << 62, was ^ 1UL << 16, was ^ 1UL << 12,
		was ^ 3UL << 10, was ^ 7UL << 56, was ^ 1, was + 1, evil, evil | 1UL << 63,
		evil | (was & 0xfff), evil | 1UL << 63 | 1UL << 61 | 0x78f,
	};
	unsigned int changes = 0;
	struct regs before, after;

	pin_to_cpu(n);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		for (int form = 0; form < 3; form++) {
			snapshot(n, &before);
			if (form == 0)
				write64(frames[n] + offset, values[i], NULL);
			else
				write32(frames[n] + offset + 4 * (form - 1),
					values[i] >> 32 * (form - 1), NULL);
			snapshot(n, &after);
			changes += !!memcmp(&before, &after, sizeof(before));
		}

	return changes;
}

static const struct {
	const char *name;
	unsigned int offset;
	bool v4;
} addresses[] = {
	{ "GICR_PROPBASER", GICR_PROPBASER, false },
	{ "GICR_PENDBASER", GICR_PENDBASER, false },
	{ "GICR_VPROPBASER", GICR_VPROPBASER, true },
	{ "GICR_VPENDBASER", GICR_VPENDBASER, true },
	/* What is there is no register, or one that takes no address */
	{ "GICR_SETLPIR", GICR_SETLPIR, false }, { "GICR_CLRLPIR", GICR_CLRLPIR, false },
	{ "GICR_INVLPIR", GICR_INVLPIR, false }, { "GICR_INVALLR", GICR_INVALLR, false },
	{ "an unknown register", 0x20, false }, { "another", 0x7ff8, false },
	{ "one in VLPI_base", 0x20100, true },
};

#define NR_ADDRESSES	(sizeof(addresses) / sizeof(addresses[0]))

/* These are written by the CPU that the redistributor is of, as drivers do. */
static void set_lpis(unsigned int n, bool on)
{
	uint32_t ctlr = reg32(n, GICR_CTLR);

	pin_to_cpu(n);
	write32(frames[n] + GICR_CTLR, on ? ctlr | 1 : ctlr & ~1U, NULL);
}

/* And by another one, while LPIs are disabled: of what would be legitimate, what is done? */
static bool another_cpu_writes(unsigned int n, const struct regs *good)
{
	struct regs before, after;

	pin_to_cpu(!n);
	snapshot(n, &before);
	write64(frames[n] + GICR_PROPBASER, good->propbaser, NULL);
	write64(frames[n] + GICR_PENDBASER, good->pendbaser, NULL);
	write32(frames[n] + GICR_WAKER, before.waker | 2, NULL);
	write32(frames[n] + GICR_WAKER, before.waker & ~2U, NULL);
	write32(frames[n] + GICR_CTLR, before.ctlr | 1, NULL);
	snapshot(n, &after);
	return memcmp(&before, &after, sizeof(before));
}

static void test_redist_registers(void)
{
	bool pinned = strcmp(arg("expect", "pinned"), "changed");
	unsigned int on[MAX_REDISTS][NR_ADDRESSES] = { }, off[MAX_REDISTS][NR_ADDRESSES] = { };
	struct regs before[MAX_REDISTS], after[MAX_REDISTS];
	bool disabled[MAX_REDISTS], pending_off[MAX_REDISTS] = { }, others[MAX_REDISTS];
	uint64_t size, evil = el2_memory(&size) + 0x10000;
	int nr = cpus_present();

	if (!redist_open() || !check(size, "the hypervisor has memory"))
		return;
	evil &= -TABLE_SIZE;

	/* Nothing is reported while there are no interrupts. */
	irq_rest();
	for (int n = 0; n < nr; n++) {
		snapshot(n, &before[n]);
		for (size_t i = 0; i < NR_ADDRESSES; i++)
			if (v4 || !addresses[i].v4)
				on[n][i] = hostile_writes(n, addresses[i].offset, evil);
		write32(frames[n] + GICR_STATUSR, ~0U, NULL);
		/* All but EnableLPIs */
		write32(frames[n] + GICR_CTLR, ~0U, NULL);
		set_lpis(n, false);
		disabled[n] = !(reg32(n, GICR_CTLR) & 1);
		others[n] = another_cpu_writes(n, &before[n]);
		set_lpis(n, false);
		for (size_t i = 0; i < NR_ADDRESSES; i++)
			if (v4 || !addresses[i].v4)
				off[n][i] = hostile_writes(n, addresses[i].offset, evil);
		/* What was there may be written, as after a loss of power */
		write64(frames[n] + GICR_PROPBASER, before[n].propbaser, NULL);
		write64(frames[n] + GICR_PENDBASER, before[n].pendbaser, NULL);
		pending_off[n] = reg(n, GICR_PENDBASER) == before[n].pendbaser;
		set_lpis(n, true);
		snapshot(n, &after[n]);
	}
	irq_work();

	for (int n = 0; n < nr; n++) {
		info("redistributor", "%d: propbaser %#llx pendbaser %#llx", n,
		     (unsigned long long)before[n].propbaser,
		     (unsigned long long)before[n].pendbaser);
		check(before[n].ctlr & 1, "redistributor %d has LPIs", n);
		check(disabled[n] && pending_off[n], "they can be disabled, and set up again");
		check_eq(others[n], !pinned, "by this CPU alone, or not, as expected");
		for (size_t i = 0; i < NR_ADDRESSES; i++) {
			if (addresses[i].v4 && !v4)
				continue;
			if (!pinned) {
				if (i < 4)
					check(on[n][i] && off[n][i], "%s of %d can be changed",
					      addresses[i].name, n);
				continue;
			}
			check(!on[n][i], "%s of %d, LPIs enabled: no write changes anything",
			      addresses[i].name, n);
			check(!off[n][i], "%s of %d, LPIs disabled: no write changes anything",
			      addresses[i].name, n);
		}
		if (pinned)
			check(!memcmp(&before[n], &after[n], sizeof(before[n])),
			      "redistributor %d is as it was", n);
	}
	unpin();
	if (pinned)
		check_io_everywhere("afterwards");
}
GUEST_TEST("redist-registers", test_redist_registers);

/* DeviceIDs that no device has */
#define ATTACKER	0x100
#define EVENT_BITS	5
#define LPI		0xf000

static void test_redist_attack(void)
{
	uint64_t el2, size, victim, itt, was;
	struct attack_queue queue;
	struct command command[3];
	bool series;

	el2 = el2_memory(&size);
	if (!queue_open(&queue) || !redist_open() || !check(el2, "the hypervisor has memory"))
		return;
	victim = (el2 + size / 4 * 3) & -TABLE_SIZE;
	info("victim", "%#llx", (unsigned long long)victim);
	info("lpi", "%#x", LPI);
	series = redist_counter("redistributors");
	info("series", "%d", series);
	itt = pages_alloc(0);
	if (series)
		check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, ATTACKER, EVENT_BITS), 0,
			 "a device is reserved");

	was = reg(0, GICR_PENDBASER);
	irq_rest();
	set_lpis(0, false);
	write64(frames[0] + GICR_PENDBASER, (was & 0xfff) | victim, NULL);
	set_lpis(0, true);
	irq_work();
	check_eq(reg(0, GICR_PENDBASER) != was, !series,
		 "the pending table is elsewhere, or not, as expected");
	/* Not enabled in the configuration table: it stays pending */
	command[0] = mapd(ATTACKER, EVENT_BITS, itt);
	command[1] = mapti(ATTACKER, 0, LPI, 0);
	command[2] = on_event(INT, ATTACKER, 0);
	check(queue_post(command, 3), "the queue goes on");
	unpin();
	if (series)
		check_io_everywhere("afterwards");
}
GUEST_TEST("redist-attack", test_redist_attack);

static void check_hypercall(const char *what, enum attack_call_id call, uint64_t phys,
			    int64_t result)
{
	for (uint64_t at = phys; at < phys + TABLE_SIZE; at += page_size)
		check_eq(hypercall(call, at / page_size, 0, 0, 0, 0, 0), result, "%s", what);
}

static void test_redist_memory(void)
{
	struct attack_queue queue;
	uint64_t config, value;
	struct fault fault;

	if (!queue_open(&queue) || !redist_open())
		return;
	config = reg(0, GICR_PROPBASER) & 0xffffffffff000;
	for (int n = 0; n < cpus_present(); n++) {
		uint64_t pending = reg(n, GICR_PENDBASER) & 0xffffffff0000;
		char *va = phys_map(pending, TABLE_SIZE, true);

		check_eq(reg(n, GICR_PROPBASER) & 0xffffffffff000, config,
			 "redistributor %d has the same configuration table", n);
		for (uint64_t at = 0; va && at < TABLE_SIZE; at += page_size) {
			check(read64(va + at, &value, &fault) && fault.signo == SIGSEGV,
			      "pending table %d: a read faults", n);
			check(write64(va + at, ~0UL, &fault) && fault.signo == SIGSEGV,
			      "pending table %d: a write faults", n);
		}
		check_hypercall("a pending table can't be shared", ATTACK_CALL_SHARE_HYP, pending,
				-EPERM);
		check_hypercall("nor unshared", ATTACK_CALL_UNSHARE_HYP, pending, -EPERM);
		check_hypercall("nor donated", ATTACK_CALL_DONATE, pending, -EPERM);
	}
	check_hypercall("the configuration table stays shared", ATTACK_CALL_UNSHARE_HYP, config,
			-EBUSY);
	check_hypercall("and can't be donated", ATTACK_CALL_DONATE, config, -EPERM);
	check_eq(redist_counter("redistributors"), cpus_present(), "EL2 knows them all");
	check_eq(redist_counter("taken"), cpus_present(), "and their tables");
	check_eq(redist_counter("ignored"), 0, "it has nothing against the driver");
	check_io_everywhere("afterwards");
}
GUEST_TEST("redist-memory", test_redist_memory);

#define VPE	5
#define VALID_BIT	(1UL << 63)
#define VPENDBASER_ATTR	0x787UL		/* RaWaWb, inner shareable, and a bit that is RES0 */
#define VPROPBASER(pa)	((pa) | 0x500 | (LPI_BITS - 1))
/* With the attributes of the tables of LPIs, whatever the host asks for */
#define HW_VPROPBASER(pa)	((pa) | 0x780 | (LPI_BITS - 1))

/* As the driver does it; returns whether a vPE is resident afterwards. */
static bool load(unsigned int n, uint64_t vpropbaser, uint64_t vpt)
{
	pin_to_cpu(n);
	write64(frames[n] + GICR_VPROPBASER, vpropbaser, NULL);
	write64(frames[n] + GICR_VPENDBASER, VALID_BIT | 1UL << 61 | (vpt & 0xffffffff0000) |
		VPENDBASER_ATTR, NULL);
	return reg(n, GICR_VPENDBASER) & VALID_BIT;
}

static void put_here(unsigned int n)
{
	write64(frames[n] + GICR_VPENDBASER, reg(n, GICR_VPENDBASER) & ~VALID_BIT, NULL);
}

static void put(unsigned int n)
{
	pin_to_cpu(n);
	put_here(n);
}

static uint64_t shared_table(void)
{
	uint64_t phys = pages_alloc(__builtin_ctzl(TABLE_SIZE / page_size));

	return phys && !on_pages(ATTACK_CALL_SHARE_HYP, phys, TABLE_SIZE) ? phys : 0;
}

static int64_t bind_vpe(uint64_t vpe, uint64_t vpt, uint64_t vconf)
{
	return hypercall(ATTACK_CALL_BIND_VPE, vpe, vpt, vconf, 0, 0, 0);
}

static int64_t unbind_vpe(uint64_t vpe)
{
	return hypercall(ATTACK_CALL_UNBIND_VPE, vpe, 0, 0, 0, 0, 0);
}

static void check_bind(uint64_t vpt, uint64_t vconf)
{
	uint64_t size, el2 = el2_memory(&size) & -TABLE_SIZE, page = pages_alloc(4);

	check_eq(bind_vpe(VPE, vpt, vconf), -ENOENT, "a vPE that isn't reserved can't be bound");
	check_eq(bind_vpe(1 << 16, vpt, vconf), -EINVAL, "nor one that can't be");
	check_eq(unbind_vpe(VPE), -EINVAL, "nor is there one to unbind");
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, VPE, 0), 0, "a vPE is reserved");
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, VPE + 1, 0), 0, "and another");
	check_eq(bind_vpe(VPE, 0, vconf), -EPERM, "not without a pending table");
	check_eq(bind_vpe(VPE, vpt, 0), -EINVAL, "nor without a configuration table");
	check_eq(bind_vpe(VPE, vpt + 0x1000, vconf), -EINVAL, "nor misaligned");
	check_eq(bind_vpe(VPE, vpt, vconf | 1), -EINVAL, "nor with other bits set");
	check_eq(bind_vpe(VPE, vpt | 1UL << 63, vconf), -EINVAL, "nor beyond all memory");
	check_eq(bind_vpe(VPE, el2 + TABLE_SIZE, vconf), -EPERM, "nor to memory of the hypervisor");
	check_eq(bind_vpe(VPE, vpt, el2 + TABLE_SIZE), -EPERM, "neither table");
	check_eq(bind_vpe(VPE, page, vconf), -EPERM, "nor to memory that isn't shared");
	check_eq(bind_vpe(VPE, vpt, page), -EPERM, "neither table");
	check_eq(bind_vpe(VPE, 0x9000000, vconf), -EPERM, "nor to a device");
	check(!load(0, VPROPBASER(vconf), vpt), "an unbound vPE can't be resident");

	check_eq(bind_vpe(VPE, vpt, vconf), 0, "a vPE is bound");
	check_eq(bind_vpe(VPE, vpt, vconf), -EBUSY, "once");
	check_eq(bind_vpe(VPE + 1, vpt, vconf), -EPERM, "and another can't have its pending table");
}

static void check_load(uint64_t vpt, uint64_t vconf, uint64_t other)
{
	uint64_t size, el2 = el2_memory(&size) & -TABLE_SIZE;

	check(!load(0, VPROPBASER(vconf), el2 + TABLE_SIZE), "not with memory of the hypervisor");
	check(!load(0, VPROPBASER(vconf), other), "not with shared memory that is no vPE's");
	check(!load(0, VPROPBASER(el2), vpt), "not with configuration from the hypervisor");
	check(!load(0, VPROPBASER(other), vpt), "nor from elsewhere");
	check(!load(0, VPROPBASER(vconf) + 1, vpt), "not with a larger table");
	check(!load(0, VPROPBASER(vconf) - 1, vpt), "nor a smaller one");
	write32(frames[0] + GICR_VPENDBASER + 4, VALID_BIT >> 32, NULL);
	check(!(reg(0, GICR_VPENDBASER) & VALID_BIT), "not by a half");
	pin_to_cpu(1);
	write64(frames[0] + GICR_VPENDBASER, VALID_BIT | vpt | VPENDBASER_ATTR, NULL);
	check(!(reg(0, GICR_VPENDBASER) & VALID_BIT), "not by another CPU");

	check(load(0, VPROPBASER(vconf), vpt), "a vPE becomes resident");
	check_eq(reg(0, GICR_VPENDBASER) & ~(1UL << 61), VALID_BIT | vpt | 0x780,
		 "with its pending table, and nothing but");
	check_eq(reg(0, GICR_VPROPBASER), HW_VPROPBASER(vconf), "and its configuration");
	check(load(0, VPROPBASER(other), other) && (reg(0, GICR_VPENDBASER) & 0xffffffff0000) == vpt,
	      "that stays so");
	check_eq(reg(0, GICR_VPROPBASER), HW_VPROPBASER(vconf), "in both registers");
	check(!load(1, VPROPBASER(vconf), vpt), "it isn't resident twice");
	put_here(0);
	check(reg(0, GICR_VPENDBASER) & VALID_BIT, "another CPU doesn't put it");
	check_eq(unbind_vpe(VPE), -EBUSY, "it can't be unbound now");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, page_size), -EBUSY, "its tables are pinned");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vconf, page_size), -EBUSY, "both");
	put(0);
	check(!(reg(0, GICR_VPENDBASER) & VALID_BIT), "it isn't resident any more");
	check((reg(0, GICR_VPROPBASER) & 0xfffffffff000) != vconf,
	      "and the configuration has been forgotten");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, TABLE_SIZE), 0,
		 "as it was to be unbound, its tables are the host's again");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vconf, TABLE_SIZE), 0, "both");
	check(!load(0, VPROPBASER(vconf), vpt), "it can't be resident then");
}

/* An ITS maps it or doesn't: that is another matter. */
static void check_mapped(uint64_t vpt, uint64_t vconf)
{
	struct command unmap = { { VMAPP, (uint64_t)VPE << 32 } };

	check_eq(on_pages(ATTACK_CALL_SHARE_HYP, vpt, TABLE_SIZE), 0, "a table is shared again");
	check_eq(on_pages(ATTACK_CALL_SHARE_HYP, vconf, TABLE_SIZE), 0, "and another");
	check_eq(bind_vpe(VPE, vpt, vconf), 0, "the vPE is bound again");
	check(load(1, VPROPBASER(vconf), vpt), "and resident, elsewhere");
	check_eq(queue_judge(vmapp(VPE, 1, vconf, LPI_BITS)), BAD_MEMORY,
		 "it can't be mapped with another table");
	check_eq(queue_judge(vmapp(VPE, 1, vpt, LPI_BITS)), ACCEPTED, "but with its own");
	put(1);
	check_eq(unbind_vpe(VPE), -EBUSY, "mapped, it stays pinned");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, page_size), -EBUSY, "both tables");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vconf, page_size), -EBUSY, "do");
	check(load(0, VPROPBASER(vconf), vpt), "and can be resident");
	check_eq(queue_judge(unmap), ACCEPTED, "it is unmapped");
	check_eq(queue_judge(on_vpe(VSYNC, VPE)), ACCEPTED, "for good");
	queue_post(NULL, 0);
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, page_size), -EBUSY,
		 "resident, its tables are pinned");
	put(0);
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, TABLE_SIZE), 0, "and then they aren't");
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vconf, TABLE_SIZE), 0, "neither of them");
}

static void test_redist_vpe(void)
{
	uint64_t vpt, vconf, other;
	struct attack_queue queue;

	if (!queue_open(&queue) || !redist_open())
		return;
	vpt = shared_table();
	vconf = shared_table();
	other = shared_table();
	if (!check(vpt && vconf && other, "there are tables"))
		return;
	check_bind(vpt, vconf);
	check_load(vpt, vconf, other);
	check_mapped(vpt, vconf);
	unpin();
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, other, TABLE_SIZE), 0, "nothing else was pinned");
	check_io_everywhere("afterwards");
}
GUEST_TEST("redist-vpe", test_redist_vpe);

/*
 * CPU 1 gives itself to firmware, which has it back at the next tick, with a vPE resident:
 * that isn't refused, but counted.
 */
static bool suspend_cpu_1(uint64_t vpt, uint64_t vconf)
{
	uint64_t regs[8] = { PSCI_CPU_SUSPEND };

	return load(1, VPROPBASER(vconf), vpt) && !attack_smc(regs) && !regs[0];
}

/* The redistributor of a CPU may be powered down while firmware has the CPU. */
static void check_power(uint64_t vpt, uint64_t vconf)
{
	unsigned int times = 50, moved = 0;

	check(load(1, VPROPBASER(vconf), vpt), "a vPE is resident on CPU 1");
	pin_to_cpu(0);
	check(!cpu_set_online(1, false), "which goes offline");
	check_eq(redist_counter("abandoned"), 1, "EL2 has seen that");
	check(!load(0, VPROPBASER(vconf), vpt), "it isn't loaded elsewhere");
	put_here(1);
	check(reg(1, GICR_VPENDBASER) & VALID_BIT, "nor does another CPU put it");
	check(!cpu_set_online(1, true), "CPU 1 comes back");
	check(!load(0, VPROPBASER(vconf), vpt), "the vPE has stayed there");
	put(1);
	check(load(0, VPROPBASER(vconf), vpt), "until it is put");
	put(0);

	check(load(1, VPROPBASER(vconf), vpt), "it is resident on CPU 1 again");
	put(1);
	pin_to_cpu(0);
	check(!cpu_set_online(1, false), "and isn't any more when that goes offline");
	check_eq(redist_counter("abandoned"), 1, "as EL2 has seen");
	check(load(0, VPROPBASER(vconf), vpt), "then it can be loaded elsewhere");
	put(0);
	check(!cpu_set_online(1, true), "CPU 1 comes back once more");

	while (times && suspend_cpu_1(vpt, vconf)) {
		put(1);
		moved += load(0, VPROPBASER(vconf), vpt);
		put(0);
		times--;
	}
	check(!times, "CPU 1 suspends itself");
	check_eq(redist_counter("abandoned"), 51, "EL2 sees each time that a vPE is resident");
	check_eq(moved, 50, "and when it isn't any more");
}

static void test_redist_power(void)
{
	uint64_t vpt, vconf;

	if (!redist_open() || !attack_open())
		return;
	vpt = shared_table();
	vconf = shared_table();
	if (!check(vpt && vconf, "there are tables"))
		return;
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, VPE, 0), 0, "a vPE is reserved");
	check_eq(bind_vpe(VPE, vpt, vconf), 0, "and bound");
	check_power(vpt, vconf);
	unpin();
	check_eq(unbind_vpe(VPE), 0, "it can be unbound");
	check_io_everywhere("afterwards");
}
GUEST_TEST("redist-power", test_redist_power);

static void test_redist_late(void)
{
	uint64_t size, evil = el2_memory(&size) & -TABLE_SIZE;
	struct regs before, after;
	bool series = redist_counter("redistributors");
	unsigned int n = 1;

	if (!redist_open() || !check(size, "the hypervisor has memory"))
		return;
	check(!cpu_is_online(n), "a CPU has never been online");
	check(cpu_set_online(n, true) && !cpu_is_online(n), "and will not be");
	snapshot(n, &before);
	check(!(before.ctlr & 1), "its LPIs are not enabled");
	write64(frames[n] + GICR_PROPBASER, evil | 0x78f, NULL);
	write64(frames[n] + GICR_PENDBASER, evil | 0x780, NULL);
	set_lpis(n, true);
	if (v4)
		load(n, evil | 0x50f, evil);
	snapshot(n, &after);
	/* Only its state of sleep is the host's */
	before.waker = after.waker;
	if (!series) {
		check(after.ctlr & 1 && after.pendbaser == (evil | 0x780), "it takes all of it");
		return;
	}
	check(!memcmp(&before, &after, sizeof(before)), "its registers stay as they are");
	check_eq(redist_counter("redistributors"), cpus_present(), "EL2 knows them all");
	check_eq(redist_counter("taken"), 1, "and the tables of the other");
	check_io_everywhere("afterwards");
}
GUEST_TEST("redist-late", test_redist_late);

static void test_redist_cost(void)
{
	uint64_t phys;
	uint32_t waker;

	if (!redist_open() || !attack_open())
		return;
	phys = redist_phys(0);
	waker = reg32(0, GICR_WAKER);
	pin_to_cpu(0);
	write32(frames[0] + GICR_ISENABLER0, 0, NULL);

	check(!attack_burst(ATTACK_LDR32, phys + GICR_CTLR, 0, 100), "read CTLR");
	check(!attack_burst(ATTACK_LDR64, phys + GICR_PENDBASER, 0, 100), "read PENDBASER");
	check(!attack_burst(ATTACK_STR32, phys + GICR_ISENABLER0, 0, 100), "write ISENABLER0");
	check(!attack_burst(ATTACK_STR32, phys + GICR_WAKER, waker, 100), "write WAKER");
	check(!attack_burst(ATTACK_STR64, phys + GICR_PENDBASER, 0, 100), "write PENDBASER");
	check_io_everywhere("afterwards");
}
GUEST_TEST("redist-cost", test_redist_cost);
