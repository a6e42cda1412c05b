// SPDX-License-Identifier: GPL-2.0
/*
 * The hypercalls about the ITS, from a host that is no longer trusted.
 *
 * hypercalls-its: those of the set-up are refused, and those that stay take nothing
 * but what makes sense. What they don't take changes nothing.
 * rebind-memory: devices that come and go don't make EL2 ask for more memory.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

#define DEVICE		0x1000
#define UART		0x9000000UL
#define REDISTRIBUTOR	0x80a0000UL
#define IDBITS		16		/* of EventIDs and DeviceIDs of QEMU's ITS */

static uint64_t page_size;

static uint64_t arena(void)
{
	struct counters counters = { };

	counters_read(&counters);
	return counters.arena_bytes;
}

/* The set-up is over: whatever the arguments are. */
static void set_up(uint64_t memory)
{
	const uint64_t values[] = { ITS_FRAME, 0, ITS_FRAME + 0x10000, ITS_FRAME + 8,
				    REDISTRIBUTOR, memory, 1UL << 52, ~0UL };
	static const struct {
		enum attack_call_id call;
		const char *name;
		int64_t result;
	} calls[] = {
		{ ATTACK_CALL_ADD_RDBASE, "add_rdbase", -EPERM },
		{ ATTACK_CALL_PREPARE, "prepare", -EPERM },
		{ ATTACK_CALL_HAND_OVER_DEVICE, "hand_over_device", -ENODEV },
		{ ATTACK_CALL_HAND_OVER_EVENTS, "hand_over_events", -EINVAL },
		{ ATTACK_CALL_HAND_OVER_COLLECTION, "hand_over_collection", -EINVAL },
		{ ATTACK_CALL_TAKE_OVER, "take_over", -ENODEV },
	};
	const size_t nr = sizeof(values) / sizeof(values[0]);
	struct counters counters;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		for (size_t v = 0; v < nr; v++) {
			check_eq(hypercall(calls[i].call, values[v], 0, memory, 5, 16, 0),
				 calls[i].result, "%s is refused", calls[i].name);
			check_eq(hypercall(calls[i].call, values[v], values[(v + 1) % nr],
					   values[(v + 2) % nr], values[(v + 3) % nr],
					   ~0UL, ~0UL),
				 calls[i].result, "%s is refused", calls[i].name);
		}
	for (size_t v = 0; v < nr; v++)
		hypercall(ATTACK_CALL_ABORT, values[v], 0, 0, 0, 0, 0);
	check_eq(hypercall(ATTACK_CALL_SEAL, 0, 0, 0, 0, 0, 0), 0, "what is sealed stays so");
	check(counters_read(&counters) && counters.state == 2, "the ITS is still taken over");
}

static int64_t donate(uint64_t phys, uint64_t order)
{
	return hypercall(ATTACK_CALL_DONATE, phys / page_size, order, 0, 0, 0, 0);
}

static void check_donated(uint64_t phys, size_t size)
{
	char *va = phys_map(phys, size, true);
	struct fault fault;
	uint32_t value;

	check(va && read32(va, &value, &fault) && fault.signo == SIGSEGV &&
	      write32(va + size - 4, 0, &fault) && fault.signo == SIGSEGV,
	      "it is out of the host's reach");
	phys_unmap(va, size);
}

static unsigned int nr_readable(uint64_t start, unsigned int nr)
{
	char *va = phys_map(start, nr * page_size, false);
	unsigned int readable = 0;
	uint32_t value;

	for (unsigned int i = 0; va && i < nr; i++)
		readable += !read32(va + i * page_size, &value, NULL);
	phys_unmap(va, nr * page_size);

	return readable;
}

/* A block of 1 MiB with phys in it: what else is in it stays the host's. */
static void check_not_donated(const char *what, uint64_t phys)
{
	unsigned int order = 0, before;
	uint64_t start = phys & -0x100000UL;

	while (page_size << order < 0x100000)
		order++;
	before = nr_readable(start, 1 << order);
	check(donate(start, order) < 0, "a block with %s in it is no donation", what);
	check(before && nr_readable(start, 1 << order) == before, "and stays the host's");
}

static void donations(const struct attack_queue *queue)
{
	uint64_t size, el2 = el2_memory(&size), page = pages_alloc(0), block = pages_alloc(4);
	uint64_t hardware = its_read(GITS_CBASER) & 0xffffffffff000, before = arena();
	const struct {
		const char *what;
		uint64_t phys, order;
	} bad[] = {
		{ "a device", UART, 0 },
		{ "the control frame", ITS_FRAME, 0 },
		{ "the translation register", ITS_FRAME + 0x10000, 0 },
		{ "a redistributor", REDISTRIBUTOR, 0 },
		{ "nothing", 0, 0 },
		{ "memory of EL2", el2, 0 },
		{ "the end of it", el2 + size - page_size, 0 },
		{ "all of it", el2, 10 },
		{ "the hardware queue", hardware, 0 },
		{ "the proxy queue", queue->queue, 0 },
		{ "memory beyond the end", 1UL << 40, 0 },
		{ "more of it", 1UL << 40, 10 },
		{ "a block too large", block & -(page_size << 11), 11 },
		{ "order 63", 0, 63 }, { "order 64", 0, 64 }, { "order 255", 0, 255 },
		{ "the largest order", 0, 0xffffffff },
		{ "an unaligned block", block + page_size, 4 },
		{ "another one", block + page_size, 1 },
	};
	static const uint64_t pfns[] = { ~0UL, 1UL << 63, 1UL << 52, 1UL << 40, 1UL << 36 };

	if (!check(page && block && el2, "there is memory"))
		return;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(donate(bad[i].phys, bad[i].order) < 0, "%s is no donation", bad[i].what);
	for (size_t i = 0; i < sizeof(pfns) / sizeof(pfns[0]); i++)
		check(hypercall(ATTACK_CALL_DONATE, pfns[i], 0, 0, 0, 0, 0) < 0,
		      "no memory has frame number %#llx", (unsigned long long)pfns[i]);
	check_not_donated("the proxy queue", queue->queue);
	check_not_donated("the hardware queue", hardware);
	check_eq(arena(), before, "EL2 got nothing");

	check_eq(donate(page, 0), 0, "a page is a donation");
	check_donated(page, page_size);
	check_eq(arena(), before + page_size, "EL2 has counted it");
	check_eq(donate(page, 0), -EPERM, "it can't be donated twice");
	check_eq(hypercall(ATTACK_CALL_SHARE_HYP, page / page_size, 0, 0, 0, 0, 0), -EPERM,
		 "nor shared");
	check_eq(donate(block, 4), 0, "a block is a donation");
	check_donated(block, 16 * page_size);
	check_eq(arena(), before + 17 * page_size, "EL2 has counted it");
}

static int64_t reserve_device(uint64_t base, uint64_t id, uint64_t bits)
{
	return reserve(ATTACK_CALL_RESERVE_DEVICE, base, id, bits);
}

static void reservations(bool v4, uint64_t memory)
{
	const uint64_t bases[] = { 0, ITS_FRAME + 0x10000, ITS_FRAME + 8, ITS_FRAME - 1,
				   REDISTRIBUTOR, memory, ~0UL };
	static const uint64_t bad_bits[] = { 0, IDBITS + 1, 32, 63, 64, 255, 0xffffffff };
	static const uint64_t bad_ids[] = { 1 << IDBITS, 1 << 24, 0x7fffffff, 0xffffffff };
	uint64_t before = arena(), warm;

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		check_eq(reserve_device(bases[i], DEVICE, 5), -ENODEV, "no such ITS");
		check_eq(reserve(ATTACK_CALL_RESERVE_VPE, bases[i], 1, 0), -ENODEV,
			 "no such ITS for vPEs");
		check_eq(hypercall(ATTACK_CALL_STAT, bases[i], 1, 0, 0, 0, 0), 0, "no counter");
	}
	for (uint64_t stat = 12; stat < 1UL << 32; stat = stat * 2 + 1)
		check_eq(hypercall(ATTACK_CALL_STAT, ITS_FRAME, stat, 0, 0, 0, 0), 0,
			 "no such counter");
	for (size_t i = 0; i < sizeof(bad_bits) / sizeof(bad_bits[0]); i++)
		check_eq(reserve_device(ITS_FRAME, DEVICE, bad_bits[i]), -EINVAL,
			 "%llu event bits are refused", (unsigned long long)bad_bits[i]);
	for (size_t i = 0; i < sizeof(bad_ids) / sizeof(bad_ids[0]); i++) {
		check_eq(reserve_device(ITS_FRAME, bad_ids[i], 5), -ERANGE,
			 "DeviceID %#llx is refused", (unsigned long long)bad_ids[i]);
		check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, bad_ids[i], 0),
			 v4 ? -ERANGE : -ENODEV, "so is the vPEID");
	}
	check_eq(arena(), before, "EL2 has asked for nothing");

	check_eq(reserve_device(ITS_FRAME, DEVICE, IDBITS), 0, "as many events as there can be");
	check_eq(reserve_device(ITS_FRAME, DEVICE, 5), 0, "and fewer");
	check_eq(reserve_device(ITS_FRAME, (1 << IDBITS) - 2, 1), 0, "a large DeviceID");
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, (1 << IDBITS) - 1, 0),
		 v4 ? 0 : -ENODEV, "the largest vPEID");
	for (unsigned int i = 1; i <= IDBITS; i++)
		reserve_device(ITS_FRAME, DEVICE, i);
	warm = arena();
	for (unsigned int i = 0; i < 1000; i++)
		reserve_device(ITS_FRAME, DEVICE, 1 + i * 7 % IDBITS);
	check_eq(arena(), warm, "reserving a device again and again takes no more memory");

	check_eq(reserve_device(ITS_FRAME, DEVICE, 5), 0, "a device is reserved");
	check_eq(queue_judge(mapd(DEVICE, 5, memory)), ACCEPTED, "and mapped");
	check_eq(reserve_device(ITS_FRAME, DEVICE, 5), -EBUSY, "a mapped device stays as it is");
	check_eq(reserve_device(ITS_FRAME, DEVICE, 6), -EBUSY, "also for another size");
	check_eq(queue_judge(mapti(DEVICE, 31, 0xf000, 0)), ACCEPTED, "all its events");
	check_eq(queue_judge(mapti(DEVICE, 32, 0xf001, 0)), BAD_EVENT, "and no more");
}

static void test_hypercalls_its(void)
{
	struct attack_queue queue;
	uint64_t memory;

	page_size = sysconf(_SC_PAGESIZE);
	if (!queue_open(&queue))
		return;
	memory = pages_alloc(4);
	if (!check(memory, "there is memory"))
		return;
	set_up(memory);
	donations(&queue);
	reservations(arg_long("gic", 4) == 4, memory);
	check_io_everywhere("afterwards");
}
GUEST_TEST("hypercalls-its", test_hypercalls_its);

#define DRIVER	"/sys/bus/pci/drivers/virtio-pci/"
#define WARM_UP	5

static void test_rebind_memory(void)
{
	long cycles = arg_long("cycles", 100), done;
	struct io_device *dev = &io_devices[0];
	struct counters before, after;
	uint64_t warm = 0;

	if (!check(io_wait(dev) && counters_read(&before), "there is a device"))
		return;
	for (done = 0; done < cycles; done++) {
		if (write_file(DRIVER "unbind", dev->pci) ||
		    write_file(DRIVER "bind", dev->pci) || !io_wait(dev))
			break;
		if (done == WARM_UP)
			warm = arena();
	}
	check_eq(done, cycles, "a device comes and goes");
	check(warm && counters_read(&after) && after.arena_bytes == warm,
	      "EL2 needs no more memory than in the beginning");
	/* MAPD, twice, and SYNC */
	check(after.commands >= before.commands + 3 * cycles, "the device was mapped each time");
	info("arena", "%llu", (unsigned long long)after.arena_bytes);
	check_io_everywhere("afterwards");
}
GUEST_TEST("rebind-memory", test_rebind_memory);
