// SPDX-License-Identifier: GPL-2.0
/*
 * Another CPU rewrites the slot while EL2 reads it, all the time: between a command
 * that is fine and several that are not. What was checked is what the ITS gets.
 *
 * The test case looks for commands of the other kind in QEMU's trace; see cmdqueue.py.
 *
 * Argument: seconds=<n>, for each of the races.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

/* DeviceIDs that no device has, in one page of the device table. */
#define MINE		0x1000
#define MAPPED		0x1001
#define UNRESERVED	0x1002
#define EVENT_BITS	5
#define LPI		0xf000
#define LPI_BITS	16
#define VPE		5
#define VPT_SIZE	0x10000UL

/* What the two processes share. */
static struct race {
	volatile uint64_t offset;	/* of the slot that is next */
	volatile uint64_t turns;
	struct command command[8];
	unsigned int nr;
} *race;

/* Whole doublewords, in either order: the architecture knows no larger store. */
static void rewrite_for_ever(volatile uint64_t *queue)
{
	for (;; race->turns++) {
		volatile uint64_t *slot = queue + race->offset / sizeof(uint64_t);
		const uint64_t *dw = race->command[race->turns % race->nr].dw;

		for (int i = 0; i < 4; i++)
			slot[race->turns & 1 ? i : 3 - i] = dw[race->turns & 1 ? i : 3 - i];
	}
}

static pid_t start_rewriting(const struct attack_queue *queue)
{
	volatile uint64_t *slots = phys_map(queue->queue, queue->size, true);
	pid_t pid;

	if (!slots)
		return -1;
	/* Not what is left of others, where the rewriter comes too late */
	for (unsigned int i = 0; i < QUEUE_SLOTS * 4; i++)
		slots[i] = race->command[0].dw[i % 4];
	race->offset = queue->write;
	race->turns = 0;
	pid = fork();
	if (!pid) {
		pin_to_cpu(1);
		rewrite_for_ever(slots);
	}
	phys_unmap((void *)slots, queue->size);
	return pid;
}

/* Post slot after slot as it happens to be. Returns how many. */
static unsigned int run(struct attack_queue *queue, long seconds, void (*each)(void))
{
	double end = now() + seconds;
	unsigned int posted = 0;
	pid_t pid;

	pin_to_cpu(0);
	attack_queue(queue);
	pid = start_rewriting(queue);
	while (pid > 0 && now() < end) {
		if (each)
			each();
		if (attack_queue(queue))
			break;
		race->offset = queue->write;
		if (!queue_post(NULL, 1))
			break;
		posted++;
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	unpin();
	return posted;
}

static void set_commands(const struct command *command, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		race->command[i] = command[i];
	race->nr = nr;
}

static void judge(const char *kind, const struct counters *before, unsigned int posted)
{
	struct counters after;
	uint64_t rejected;
	char key[32];

	check(counters_read(&after), "there are counters");
	rejected = after.rejected - before->rejected;
	snprintf(key, sizeof(key), "%s.posted", kind);
	info(key, "%u", posted);
	snprintf(key, sizeof(key), "%s.accepted", kind);
	info(key, "%llu", (unsigned long long)(posted - rejected));
	check_eq(after.commands - before->commands, posted, "%s: each slot is submitted once",
		 kind);
	check(rejected > 100 && posted - rejected > 100, "%s: both kinds of commands were there",
	      kind);
	check(!after.stalls && !after.ignored, "%s: nothing stalled", kind);
}

/* Between INT of a mapped event and what must not come through. */
static void race_int(struct attack_queue *queue, uint64_t evil, long seconds)
{
	const struct command command[] = {
		on_event(INT, MAPPED, 0), mapd(UNRESERVED, EVENT_BITS, evil),
		on_event(INT, MAPPED, 0), mapc(0, 0x1234, true),
		on_event(INT, MAPPED, 0), mapd(MAPPED, EVENT_BITS, evil),
		on_event(INT, MAPPED, 0), mapti(MAPPED, 0, LPI + 1, 0xffff),
	};
	struct counters before;
	unsigned int posted;

	set_commands(command, 8);
	counters_read(&before);
	posted = run(queue, seconds, NULL);
	info("int.turns", "%llu", (unsigned long long)race->turns);
	judge("int", &before, posted);
}

static void reserve_mine(void)
{
	reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, MINE, EVENT_BITS);
}

/* MAPD of a device that may be mapped: the ITT is EL2's, whatever the slot says. */
static void race_mapd(struct attack_queue *queue, uint64_t evil, long seconds)
{
	const struct command command[] = {
		mapd(MINE, EVENT_BITS, evil), unmapd(MINE), mapd(MINE, 16, evil),
		sync_cmd(0), mapd(MINE, EVENT_BITS, evil + 0x1000), sync_cmd(0),
	};
	struct counters before;
	unsigned int posted;

	set_commands(command, 6);
	counters_read(&before);
	posted = run(queue, seconds, reserve_mine);
	judge("mapd", &before, posted);
}

/* VMAPP with a pending table that is pinned, and with one that is EL2's own. */
static void race_vmapp(struct attack_queue *queue, uint64_t vpt, long seconds)
{
	uint64_t size, el2 = el2_memory(&size);
	const struct command unmap = { { VMAPP, (uint64_t)VPE << 32, 0, el2 } };
	const struct command command[] = {
		vmapp(VPE, 0, vpt, LPI_BITS), vmapp(VPE, 0, el2, LPI_BITS), unmap,
		on_vpe(VSYNC, VPE), vmapp(VPE, 0, el2, LPI_BITS),
		vmapp(VPE, 0x1234, vpt, LPI_BITS),
	};
	struct counters before;
	unsigned int posted;

	set_commands(command, 6);
	counters_read(&before);
	posted = run(queue, seconds, NULL);
	judge("vmapp", &before, posted);
}

static uint64_t share_vpt(void)
{
	uint64_t vpt = pages_alloc(4);

	if (!vpt || on_pages(ATTACK_CALL_SHARE_HYP, vpt, VPT_SIZE))
		return 0;
	return reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, VPE, 0) ? 0 : vpt;
}

static void test_queue_race(void)
{
	long seconds = arg_long("seconds", 2);
	uint64_t evil = 0, vpt, warm, arena;
	struct attack_queue queue;
	struct counters counters;

	if (!queue_open(&queue))
		return;
	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		    0);
	evil = pages_alloc(4);
	vpt = share_vpt();
	if (!check(race != MAP_FAILED && evil && vpt, "there is memory"))
		return;
	info("vpt", "%#llx", (unsigned long long)vpt);
	info("evil", "%#llx", (unsigned long long)evil);
	check_io_everywhere("before");
	check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, MAPPED, EVENT_BITS), 0,
		 "a device is reserved");
	check_eq(queue_judge(mapd(MAPPED, EVENT_BITS, 0)), ACCEPTED, "and mapped");
	check_eq(queue_judge(mapti(MAPPED, 0, LPI, 0)), ACCEPTED, "so is an event");
	reserve_mine();
	counters_read(&counters);
	warm = counters.arena_bytes;

	trace_mark(0);
	race_int(&queue, evil, seconds);
	trace_mark(1);
	race_mapd(&queue, evil, seconds);
	trace_mark(2);
	race_vmapp(&queue, vpt, seconds);
	trace_mark(3);

	counters_read(&counters);
	arena = counters.arena_bytes;
	check(arena - warm <= 0x1000, "EL2 has lost no memory");
	check_io_everywhere("afterwards");
	check(info_closed_memory(), "EL2 has memory");
}
GUEST_TEST("queue-race", test_queue_race);
