// SPDX-License-Identifier: GPL-2.0
/*
 * GITS_CWRITER, and what else makes the queue go on or start again: nonsense changes
 * nothing, and no interrupt is lost.
 *
 * queue-cwriter: offsets that make no sense, many rounds through the queue, a queue
 * that fills while the ITS is disabled, and a restart as after a suspend.
 * queue-lost: a restart with commands that the ITS has not consumed. Nobody knows what
 * has become of them: the ITS stays disabled for good, and EL2 goes on.
 * suspend-refused: no suspend with an ITS that has not written its caches back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

#define BATCH	32
#define ROUNDS	4

static uint64_t device;		/* event 0 says that its configuration changed */
static char config[48];

static bool find_config_interrupt(void)
{
	struct io_device *dev = &io_devices[0];
	unsigned int bus, slot, fn;

	if (!io_wait(dev) || sscanf(dev->pci, "%*x:%x:%x.%x", &bus, &slot, &fn) != 3)
		return false;
	device = bus << 8 | slot << 3 | fn;
	snprintf(config, sizeof(config), "%s-config", dev->virtio);
	return true;
}

static bool write_reg(unsigned int offset, unsigned int size, uint64_t value)
{
	struct attack_access access = {
		.phys = ITS_FRAME + offset,
		.value = value,
		.insn = size == 8 ? ATTACK_STR64 : ATTACK_STR32,
	};

	return !attack_access(&access) && !access.faulted;
}

static bool arrives(uint64_t count)
{
	for (int tries = 0; tries < 200; tries++) {
		if (irq_count(config, -1) >= count)
			return irq_count(config, -1) == count;
		sleep_ms(tries / 20);
	}
	return false;
}

/* One INT and SYNCs behind it, nr slots in all: one more interrupt. */
static bool post_interrupt(unsigned int nr, bool wide)
{
	static struct command batch[QUEUE_SLOTS];
	uint64_t count = irq_count(config, -1);

	batch[0] = on_event(INT, device, 0);
	for (unsigned int i = 1; i < nr; i++)
		batch[i] = sync_cmd(0);
	return (wide ? queue_post_wide(batch, nr) : queue_post(batch, nr)) && arrives(count + 1);
}

static void nonsense(const struct attack_queue *queue, const char *when)
{
	const uint64_t size = queue->size, at = queue->write;
	const struct {
		unsigned int offset, size;
		uint64_t value;
	} writes[] = {
		{ GITS_CWRITER, 4, size }, { GITS_CWRITER, 8, size + 32 },
		{ GITS_CWRITER, 4, 0xfffe0 }, { GITS_CWRITER, 4, 1 << 20 },
		{ GITS_CWRITER, 8, at | 1UL << 32 }, { GITS_CWRITER, 8, at | 1UL << 63 },
		{ GITS_CWRITER, 4, at + 2 }, { GITS_CWRITER, 4, at + 4 },
		{ GITS_CWRITER, 8, at + 8 }, { GITS_CWRITER, 8, at + 16 },
		{ GITS_CWRITER, 8, ~0UL }, { GITS_CWRITER, 4, ~0U },
		{ GITS_CWRITER + 4, 4, 0 }, { GITS_CWRITER + 4, 4, at },
		{ GITS_CREADR, 8, at + 32 }, { GITS_CREADR, 4, 0 },
	};
	struct counters before, after;

	for (size_t i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		counters_read(&before);
		check(write_reg(writes[i].offset, writes[i].size, writes[i].value) &&
		      its_read(GITS_CWRITER) == at && its_read(GITS_CREADR) == at,
		      "%s: write %zu changes nothing", when, i);
		counters_read(&after);
		/* EL2 knows no GITS_CREADR to write */
		if (writes[i].offset < GITS_CREADR)
			check_eq(after.ignored, before.ignored + 1, "and is counted");
		check_eq(after.commands, before.commands,
			 "and submits nothing");
	}
	check(write_reg(GITS_CWRITER, 4, at | 1), "a write with Retry");
	check_eq(its_read(GITS_CWRITER), at, "does nothing, without Retry");
}

static void many_rounds(void)
{
	unsigned int slots, good = 0;

	for (slots = 0; slots < ROUNDS * QUEUE_SLOTS; slots += BATCH + 1)
		good += post_interrupt(BATCH + 1, slots & 1);
	check_eq(good, (slots + BATCH) / (BATCH + 1), "%u rounds: each interrupt arrives", ROUNDS);
	for (int i = 0; i < 3; i++)
		check(post_interrupt(QUEUE_SLOTS - 1, false), "all slots but one at once");
	check(post_interrupt(1, true), "and a single one");
}

/*
 * The ITS does nothing while it is disabled, and all when it is enabled again. Nothing
 * is reported meanwhile: that takes interrupts.
 */
static void disabled(struct attack_queue *queue)
{
	static struct command full[QUEUE_SLOTS];
	bool off, posted, idle, consumed;
	struct counters before, after;
	uint64_t count, read, write;

	irq_rest();
	off = write_reg(GITS_CTLR, 4, 0) && !(its_read(GITS_CTLR) & 1);
	check(write_reg(GITS_CTLR, 4, 1) && off, "the ITS is disabled and enabled");
	check(post_interrupt(2, false), "an interrupt arrives");

	count = irq_count(config, -1);
	full[0] = on_event(INT, device, 0);
	for (unsigned int i = 1; i < QUEUE_SLOTS; i++)
		full[i] = sync_cmd(0);
	write_reg(GITS_CTLR, 4, 0);
	read = its_read(GITS_CREADR);
	posted = queue_post(full, QUEUE_SLOTS - 1);
	counters_read(&before);
	for (uint64_t i = 0; i < 3; i++)
		write_reg(GITS_CWRITER, 4, (read + i * 32) % queue->size);
	counters_read(&after);
	write = its_read(GITS_CWRITER);
	sleep_ms(10);
	idle = its_read(GITS_CREADR) == read && irq_count(config, -1) == count;
	write_reg(GITS_CTLR, 4, 1);
	consumed = its_read(GITS_CREADR) == its_read(GITS_CWRITER);

	check(!posted && idle, "a queue that is disabled can be filled, and waits");
	check_eq(after.ignored, before.ignored + 3, "no write of CWRITER passes CREADR");
	check_eq(after.commands, before.commands, "nor submits anything");
	check_eq(write, (read + queue->size - 32) % queue->size, "nor changes it");
	irq_work();
	check(consumed, "enabled, the ITS consumes all");
	check(arrives(count + 1), "the interrupt arrives");
}

static void restart(struct attack_queue *queue)
{
	struct counters before, after;

	counters_read(&before);
	irq_rest();
	check(!queue_restart(), "the queue is restarted");
	irq_work();
	counters_read(&after);
	check_eq(after.restarts, before.restarts + 1, "EL2 has seen that");
	check_eq(after.state, 2, "and the ITS is still taken over");
	check(!its_read(GITS_CWRITER) && !its_read(GITS_CREADR), "it begins at 0");
	check(post_interrupt(BATCH, false), "an interrupt arrives");
	check(!attack_queue(queue) && queue->write == BATCH * 32, "the driver is in step");
}

static void test_queue_cwriter(void)
{
	struct counters before, after;
	struct attack_queue queue;

	if (!queue_open(&queue) || !check(find_config_interrupt(), "there is a device"))
		return;
	check_io_everywhere("before");
	check(!attack_queue(&queue) && counters_read(&before), "the driver is idle");
	info("device", "%#llx", (unsigned long long)device);
	info("before", "%llu", (unsigned long long)irq_count(config, -1));
	trace_mark(0);

	nonsense(&queue, "queue empty");
	many_rounds();
	disabled(&queue);
	check_io_everywhere("disabled and enabled");
	for (int i = 0; i < 3; i++) {
		restart(&queue);
		check_io_everywhere("restarted");
	}
	nonsense(attack_queue(&queue) ? NULL : &queue, "restarted");
	check(post_interrupt(BATCH, true), "in the end: an interrupt arrives");

	trace_mark(1);
	counters_read(&after);
	check(after.rejected == before.rejected && !after.stalls, "no command was rejected");
	info("after", "%llu", (unsigned long long)irq_count(config, -1));
}
GUEST_TEST("queue-cwriter", test_queue_cwriter);

static void test_queue_lost(void)
{
	struct command pending = sync_cmd(0);
	unsigned int dead = 0, unused = 0;
	struct counters counters;
	struct attack_queue queue;

	if (!queue_open(&queue))
		return;
	/* The ITS is disabled with a command that is pending, and its queue restarted */
	write_reg(GITS_CTLR, 4, 0);
	queue_post(&pending, 1);
	write_reg(GITS_CBASER, 8, its_read(GITS_CBASER));
	check(counters_read(&counters) && counters.state == 4, "EL2 has lost track of the ITS");
	for (int i = 0; i < 3; i++) {
		dead += write_reg(GITS_CTLR, 4, 1) && !(its_read(GITS_CTLR) & 1);
		unused += !queue_post(&pending, 1) && !its_read(GITS_CREADR);
		write_reg(GITS_CBASER, 8, its_read(GITS_CBASER));
	}
	check_eq(dead, 3, "it can't be enabled any more");
	check_eq(unused, 3, "nor used");
	check_eq(hypercall(ATTACK_CALL_STAT, ITS_FRAME, 0, 0, 0, 0, 0), 4, "EL2 goes on");
}
GUEST_TEST("queue-lost", test_queue_lost);

#define PSCI_SYSTEM_SUSPEND	0xc400000eUL
#define PSCI_NOT_SUPPORTED	-1
#define PSCI_DENIED		-3

static int32_t system_suspend(void)
{
	uint64_t regs[8] = { PSCI_SYSTEM_SUSPEND };

	return attack_smc(regs) ? 1 : (int32_t)regs[0];
}

static void test_suspend_refused(void)
{
	struct attack_queue queue;
	int32_t ret;

	if (!queue_open(&queue) || !check(find_config_interrupt(), "there is a device"))
		return;
	check_eq(system_suspend(), PSCI_DENIED, "EL2 refuses it, with the ITS enabled");
	irq_rest();
	write_reg(GITS_CTLR, 4, 0);
	ret = system_suspend();
	write_reg(GITS_CTLR, 4, 1);
	irq_work();
	/* QEMU's firmware has no such call */
	check_eq(ret, PSCI_NOT_SUPPORTED, "the firmware is asked, with the ITS disabled");
	check_eq(system_suspend(), PSCI_DENIED, "EL2 refuses it, with the ITS enabled again");
	check(post_interrupt(2, false), "an interrupt arrives");
	check_io_everywhere("afterwards");
}
GUEST_TEST("suspend-refused", test_suspend_refused);
