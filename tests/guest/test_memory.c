// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that is not the host's, by way of the ITS and directly.
 *
 * memory-attack: the host has the ITS write interrupt translation entries into memory
 * of the hypervisor, and a device table entry, by a level-1 entry that it has forged.
 * The test case looks at that memory from outside; see memory.py.
 * memory-closed: queue and tables of the ITS, as the host finds them in the registers
 * and remembers them from its boot, are out of its reach for good.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

/* DeviceIDs that no device has; the driver has a table for both. */
#define ATTACKER	0x100
#define RESERVED	0x101
#define EVENT_BITS	5
#define EVENTS		(1U << EVENT_BITS)
#define LPI		0xf000

/* MAPD with an ITT of the attacker's choice, and an entry for each event. */
static unsigned int map_all(struct command *command, uint64_t dev, uint64_t itt,
			    unsigned int lpi)
{
	unsigned int nr = 0;

	command[nr++] = mapd(dev, EVENT_BITS, itt);
	for (unsigned int event = 0; event < EVENTS; event++)
		command[nr++] = mapti(dev, event, lpi + event, 0);
	return nr;
}

/* In a page of the device table that the driver has not needed, this far into it. */
#define FORGED		0x4a00
#define TABLE_PAGE	0x10000UL
#define ENTRY_SIZE	8

/* Returns whether the level-1 entry could be written. */
static bool forge_entry(uint64_t target)
{
	uint64_t baser = its_read(GITS_BASER(0));
	uint64_t phys = baser & 0xffffffff0000;
	unsigned int index = FORGED / (TABLE_PAGE / ENTRY_SIZE);
	char *table = phys_map(phys, 0x1000, true);
	bool faulted;

	/* Two levels of 64 KiB */
	if (!check(baser >> 62 == 3 && (baser >> 8 & 3) == 2 && table,
		   "the device table is as expected"))
		return false;
	faulted = write64(table + index * sizeof(uint64_t), VALID | target, NULL);
	phys_unmap(table, 0x1000);

	return !faulted;
}

static void test_memory_attack(void)
{
	struct command command[EVENTS + 1];
	struct counters before, after;
	struct attack_queue queue;
	uint64_t el2, size, victim, table;
	unsigned int nr;
	bool series;

	el2 = el2_memory(&size);
	if (!queue_open(&queue) || !check(el2, "the hypervisor has memory"))
		return;
	/* Tables come from lower addresses; a free page is zero, but the first of a block */
	victim = el2 + size / 4 * 3 + 0x5000;
	info("victim", "%#llx", (unsigned long long)victim);
	table = el2 + size / 4 * 3 + TABLE_PAGE;
	info("forged", "%#llx", (unsigned long long)table +
	     FORGED * ENTRY_SIZE % TABLE_PAGE);
	series = counters_read(&before);
	info("series", "%d", series);

	trace_mark(0);
	nr = map_all(command, ATTACKER, victim, LPI);
	check(queue_post(command, nr), "the queue goes on");
	trace_mark(1);
	if (series) {
		check(counters_read(&after) && after.rejected == before.rejected + nr,
		      "EL2 has rejected all of it");
		/* The way a driver does it, but for the address */
		check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, RESERVED, EVENT_BITS),
			 0, "a device is reserved");
		nr = map_all(command, RESERVED, victim, LPI);
		check(queue_post(command, nr), "the queue goes on");
		check(counters_read(&before) && after.commands + nr == before.commands &&
		      before.rejected == after.rejected,
		      "EL2 has accepted all of it");
	}
	trace_mark(2);
	check_eq(forge_entry(table), !series, "the host writes the device table, or not, as expected");
	command[0] = mapd(FORGED, EVENT_BITS, victim);
	check(queue_post(command, 1), "the queue goes on");
	check_io_everywhere("afterwards");
}
GUEST_TEST("memory-attack", test_memory_attack);

static uint64_t page_size;

/* The host can neither read nor write it, nor have it from EL2. */
static void check_page(const char *what, uint64_t phys)
{
	char *va = phys_map(phys & -page_size, page_size, true);
	struct fault fault;
	uint64_t value;

	if (!check(va, "%s can be mapped at stage 1", what))
		return;
	va += phys & (page_size - 1);
	check(read64(va, &value, &fault) && fault.signo == SIGSEGV, "%s: a read faults", what);
	check(write64(va, 0x5a5a5a5a5a5a5a5a, &fault) && fault.signo == SIGSEGV,
	      "%s: a write faults", what);
	phys_unmap(va - (phys & (page_size - 1)), page_size);

	check_eq(hypercall(ATTACK_CALL_SHARE_HYP, phys / page_size, 0, 0, 0, 0, 0), -EPERM,
		 "%s can't be shared", what);
	check_eq(hypercall(ATTACK_CALL_UNSHARE_HYP, phys / page_size, 0, 0, 0, 0, 0), -EPERM,
		 "%s can't be unshared", what);
	check_eq(hypercall(ATTACK_CALL_DONATE, phys / page_size, 0, 0, 0, 0, 0), -EPERM,
		 "%s can't be donated", what);
}

static void check_table(unsigned int n)
{
	static const uint64_t its_page[] = { 0x1000, 0x4000, 0x10000, 0x10000 };
	uint64_t baser = its_read(GITS_BASER(n));
	uint64_t psz = its_page[baser >> 8 & 3], size = ((baser & 0xff) + 1) * psz;
	uint64_t phys = baser & 0xffffffffffff & -psz;

	if (!(baser & VALID))
		return;
	info("table", "%u at %#llx, %s", n, (unsigned long long)phys,
	     baser >> 62 & 1 ? "two levels" : "flat");
	check_page("start of a table", phys);
	/* The level-1 entry of the next level-2 page */
	check_page("second entry of a table", phys + 8);
	check_page("end of a table", phys + size - 8);
}

static void test_memory_closed(void)
{
	struct attack_queue queue;
	struct counters before, after;
	uint64_t hardware, offset;

	page_size = sysconf(_SC_PAGESIZE);
	if (!queue_open(&queue) || !check(counters_read(&before), "EL2 counts"))
		return;
	hardware = its_read(GITS_CBASER) & 0xffffffffff000;
	info("cbaser", "%#llx", (unsigned long long)hardware);

	check(hardware != queue.queue, "the driver and the ITS have queues of their own");
	for (offset = 0; offset < queue.size; offset += page_size)
		check_page("hardware queue", hardware + offset);
	for (unsigned int n = 0; n < 8; n++)
		check_table(n);

	/* The proxy queue is the host's, but what EL2 reads stays where it is */
	for (offset = 0; offset < queue.size; offset += page_size) {
		uint64_t pfn = (queue.queue + offset) / page_size;

		check_eq(hypercall(ATTACK_CALL_UNSHARE_HYP, pfn, 0, 0, 0, 0, 0), -EBUSY,
			 "the proxy queue stays shared");
		check_eq(hypercall(ATTACK_CALL_SHARE_HYP, pfn, 0, 0, 0, 0, 0), -EPERM,
			 "and is not shared twice");
		check_eq(hypercall(ATTACK_CALL_DONATE, pfn, 0, 0, 0, 0, 0), -EPERM,
			 "nor donated");
	}
	check(counters_read(&after) && after.arena_bytes == before.arena_bytes,
	      "EL2 got no memory");
	check_io_everywhere("afterwards");
	check(info_closed_memory(), "EL2 has memory");
}
GUEST_TEST("memory-closed", test_memory_closed);
