// SPDX-License-Identifier: GPL-2.0
/*
 * Several CPUs reserve, map and unmap the same few devices, in any order and at any
 * moment. EL2 must not give memory to one ITT that another still has.
 *
 * The test case follows QEMU's trace: ITTs in use never overlap; see cmdqueue.py.
 *
 * Argument: rounds=<n>, for each CPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

/* DeviceIDs that no device has, in one page of the device table. */
#define FIRST		0x1000
#define DEVICES		6
#define LPI		0xf000

/* Few, so that what one CPU wants is what another one has reserved, now and then. */
static unsigned int any_bits(void)
{
	static const unsigned int bits[] = { 2, 5, 8 };

	return bits[random() % 3];
}

static struct command any_command(uint64_t device, uint64_t evil)
{
	switch (random() % 6) {
	case 0:		return mapd(device, any_bits(), evil);
	case 1:		return unmapd(device);
	case 2:		return mapti(device, random() % 2, LPI + random() % 16, 0);
	case 3:
	case 4:		return on_event(DISCARD, device, random() % 2);
	default:	return sync_cmd(0);
	}
}

/* What a driver does, though not at a time when it makes sense. */
static unsigned int map(struct command *command, uint64_t device, uint64_t evil)
{
	unsigned int bits = any_bits();

	reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, device, bits);
	command[0] = mapd(device, bits, evil);
	command[1] = mapti(device, 0, LPI + random() % 16, 0);
	return 2;
}

static unsigned int unmap(struct command *command, uint64_t device)
{
	command[0] = on_event(DISCARD, device, 0);
	command[1] = on_event(DISCARD, device, 1);
	command[2] = unmapd(device);
	command[3] = sync_cmd(0);
	return 3 + random() % 2;
}

static void attack(unsigned int seed, long rounds, uint64_t evil)
{
	struct command command[8];

	srandom(seed);
	for (; rounds; rounds--) {
		uint64_t device = FIRST + random() % DEVICES;
		unsigned int nr = 0;

		switch (random() % 3) {
		case 0:
			nr = map(command, device, evil);
			break;
		case 1:
			nr = unmap(command, device);
			break;
		default:
			while (nr < 3)
				command[nr++] = any_command(FIRST + random() % DEVICES, evil);
		}
		if (!queue_post(command, nr))
			_exit(1);
	}
	_exit(0);
}

static void test_queue_stress(void)
{
	long rounds = arg_long("rounds", 1000);
	struct counters before, after;
	struct attack_queue queue;
	int status, cpus = cpus_present();
	uint64_t evil;

	if (!queue_open(&queue))
		return;
	evil = pages_alloc(4);
	if (!check(evil && counters_read(&before), "there is memory"))
		return;
	check_io_everywhere("before");
	trace_mark(0);
	for (int cpu = 0; cpu < cpus; cpu++) {
		if (fork())
			continue;
		pin_to_cpu(cpu);
		attack(cpu, rounds, evil);
	}
	for (int cpu = 0; cpu < cpus; cpu++)
		check(wait(&status) > 0 && !status, "the queue never stops");
	trace_mark(1);

	check(counters_read(&after) && !after.stalls && !after.ignored, "nothing stalled");
	info("accepted", "%llu", (unsigned long long)(after.commands - before.commands -
			     after.rejected + before.rejected));
	info("rejected", "%llu", (unsigned long long)(after.rejected - before.rejected));
	info("arena", "%llu", (unsigned long long)(after.arena_bytes - before.arena_bytes));
	/* A table page, a leaf of records, and an ITT of 4 KiB for each, at most twice */
	check(after.arena_bytes - before.arena_bytes <= 0x10000 + 0x4000 + 2 * DEVICES * 0x1000,
	      "EL2 does not take more and more memory");
	check_io_everywhere("afterwards");
	check(info_closed_memory(), "EL2 has memory");
}
GUEST_TEST("queue-stress", test_queue_stress);
