// SPDX-License-Identifier: GPL-2.0
/*
 * What is counted by bench/: pieces of work between two markers each, named in the
 * report in the order in which they come. "info burst=<name>" announces a burst,
 * "info region=<name>" what lies between two empty ones.
 *
 * cost: accesses to the frame, each kind of command in batches, hypercalls.
 * cost-device: a device loses its driver and gets it back.
 * cost-worst: the worst that a hostile host can do in one trap.
 *
 * The first two work on a kernel without the series as well: there, nothing of it
 * enters EL2.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"
#include "redist.h"

#define DEVICE		0x300
#define EVENT_BITS	7
#define EVENTS		(1 << EVENT_BITS)
#define LPI		0xe000
#define LPI_BITS	16
#define VPE		5
#define VPT_SIZE	0x10000UL

static struct command batch[EVENTS];

static void burst(const char *what, unsigned int nr)
{
	char key[64];

	snprintf(key, sizeof(key), "%s %u", what, nr);
	info("burst", "%s", key);
	check(queue_post_marked(batch, nr), "%s is consumed", key);
}

static void access_burst(const char *what, enum attack_insn insn, uint64_t offset,
			 uint64_t value, unsigned int nr)
{
	info("burst", "%s %u", what, nr);
	check(!attack_burst(insn, ITS_FRAME + offset, value, nr), "%s %u", what, nr);
}

/* Both ends of a region: a burst of nothing. */
static void region_end(void)
{
	attack_burst(ATTACK_LDR32, ITS_FRAME, 0, 0);
}

static void region_start(const char *what, unsigned int nr)
{
	info("region", "%s %u", what, nr);
	region_end();
}

static void fill(struct command (*command)(unsigned int), unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		batch[i] = command(i);
}

static struct command sync_of(unsigned int i)
{
	return sync_cmd(i & 0);		/* the only CPU */
}

static unsigned int first_event;

static struct command mapti_of(unsigned int i)
{
	return mapti(DEVICE, first_event + i, LPI + first_event + i, 0);
}

static struct command inv_of(unsigned int i)
{
	return on_event(INV, DEVICE, first_event + i);
}

static struct command int_of(unsigned int i)
{
	return on_event(INT, DEVICE, first_event + i);
}

static struct command movi_of(unsigned int i)
{
	return movi(DEVICE, first_event + i, 0);
}

static struct command discard_of(unsigned int i)
{
	return on_event(DISCARD, DEVICE, first_event + i);
}

static struct command refused_of(unsigned int i)
{
	return on_event(INV, DEVICE + 1, i);
}

static const struct {
	const char *name;
	struct command (*command)(unsigned int);
} kinds[] = {
	{ "SYNC", sync_of }, { "MAPTI", mapti_of }, { "INV", inv_of }, { "INT", int_of },
	{ "MOVI", movi_of }, { "DISCARD", discard_of }, { "refused", refused_of },
};

/* Reserved twice, so that EL2 has memory for one more and needs no donation. */
static void spare_block(uint64_t device)
{
	for (int i = 0; i < 2; i++)
		check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, device, EVENT_BITS), 0,
			 "EL2 has memory to spare");
}

/* Each with a marker before and after, and the way into the kernel and back. */
static void calls(void)
{
	int64_t ret;

	region_start("hypercall: unknown ITS", 1);
	ret = hypercall(ATTACK_CALL_RESERVE_DEVICE, 0, 0, 0, 0, 0, 0);
	region_end();
	check(ret < 0, "there is no such ITS");
	spare_block(DEVICE);
	region_start("hypercall: reserve a device again", 1);
	ret = hypercall(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, DEVICE, EVENT_BITS, 0, 0, 0);
	region_end();
	check_eq(ret, 0, "a device is reserved again");
}

/* Of a vPE, from the pinning of its pending table to the end of it. */
static void vpe_commands(void)
{
	uint64_t vpt = pages_alloc(4);

	if (!check(vpt && !on_pages(ATTACK_CALL_SHARE_HYP, vpt, VPT_SIZE) &&
		   !reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, VPE, 0), "a vPE is reserved"))
		return;
	batch[0] = vmapp(VPE, 0, vpt, LPI_BITS);
	burst("VMAPP", 1);
	batch[0] = on_vpe(VINVALL, VPE);
	burst("VINVALL", 1);
	batch[0] = on_vpe(VSYNC, VPE);
	burst("VSYNC", 1);
	batch[0] = (struct command){ { VMAPP, (uint64_t)VPE << 32 } };
	batch[1] = on_vpe(VSYNC, VPE);
	burst("VMAPP-V0+VSYNC", 2);
	burst("nothing, a vPE is released", 0);
}

#define BOUND		(VPE + 1)

/* As the driver does it when it loads a vCPU with vLPIs, and puts it; GICv4.0. */
static void loads(void)
{
	char *vlpi = phys_map(REDIST_BASE + GICR_VLPI_BASE, 0x1000, true);
	uint64_t vpt = pages_alloc(4), vconf = pages_alloc(4), value;
	int64_t ret;

	if (!check(vlpi && vpt && vconf && !on_pages(ATTACK_CALL_SHARE_HYP, vpt, VPT_SIZE) &&
		   !on_pages(ATTACK_CALL_SHARE_HYP, vconf, VPT_SIZE) &&
		   !reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, BOUND, 0), "a vPE is reserved"))
		return;
	region_start("hypercall: bind a vPE", 1);
	ret = hypercall(ATTACK_CALL_BIND_VPE, BOUND, vpt, vconf, 0, 0, 0);
	region_end();
	check_eq(ret, 0, "a vPE is bound");
	/* The first time, the frame is mapped */
	for (int measured = 0; measured < 2; measured++) {
		if (measured)
			region_start("vPE is made resident", 1);
		write64(vlpi + GICR_VPROPBASER - GICR_VLPI_BASE, vconf | 0x500 | (LPI_BITS - 1),
			NULL);
		write64(vlpi + GICR_VPENDBASER - GICR_VLPI_BASE, VALID | vpt | 0x780, NULL);
		if (measured)
			region_end();
		read64(vlpi + GICR_VPENDBASER - GICR_VLPI_BASE, &value, NULL);
		check_eq(value & ~(1UL << 61), VALID | vpt | 0x780, "it is resident");
		if (measured)
			region_start("vPE ceases to be resident", 1);
		write64(vlpi + GICR_VPENDBASER - GICR_VLPI_BASE, vpt | 0x780, NULL);
		if (measured)
			region_end();
	}
	region_start("hypercall: unbind a vPE", 1);
	ret = hypercall(ATTACK_CALL_UNBIND_VPE, BOUND, 0, 0, 0, 0, 0);
	region_end();
	check_eq(ret, 0, "a vPE is unbound");
	phys_unmap(vlpi, 0x1000);
}

static void test_cost(void)
{
	static const unsigned int batches[] = { 1, 16, 64 };
	struct attack_queue queue;
	bool series;

	if (!queue_open(&queue))
		return;
	series = hypercall(ATTACK_CALL_STAT, ITS_FRAME, 0, 0, 0, 0, 0) == 2;
	info("series", "%d", series);

	/* The first access maps the frame again, if the host has forgotten that */
	its_read(GITS_CREADR);
	access_burst("read", ATTACK_LDR32, GITS_CREADR, 0, 100);
	access_burst("CWRITER", ATTACK_STR32, GITS_CWRITER, its_read(GITS_CWRITER), 100);
	access_burst("ignored write", ATTACK_STR32, GITS_IIDR, 0, 1);
	burst("nothing", 0);
	/* Without the series, the ITT would be the host's; MAPD is all that needs one. */
	if (series)
		check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, DEVICE, EVENT_BITS), 0,
			 "a device is reserved");
	if (series)
		calls();
	batch[0] = mapd(DEVICE, EVENT_BITS, series ? 0 : pages_alloc(0));
	burst("MAPD", 1);
	for (size_t b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (!series && kinds[k].command == refused_of)
				continue;
			fill(kinds[k].command, batches[b]);
			burst(kinds[k].name, batches[b]);
		}
	}
	first_event = 64;
	batch[0] = mapti_of(0);
	batch[1] = sync_cmd(0);
	burst("MAPTI+SYNC", 2);
	batch[0] = inv_of(0);
	batch[1] = sync_cmd(0);
	burst("INV+SYNC", 2);
	batch[0] = discard_of(0);
	batch[1] = sync_cmd(0);
	burst("DISCARD+SYNC", 2);
	batch[0] = unmapd(DEVICE);
	batch[1] = sync_cmd(0);
	burst("MAPD-V0+SYNC", 2);
	if (series) {
		burst("nothing, a device is released", 0);
		vpe_commands();
		loads();
	}
}
GUEST_TEST("cost", test_cost);

#define DRIVER	"/sys/bus/pci/drivers/virtio-pci/"

static void test_cost_device(void)
{
	long cycles = arg_long("cycles", 100);
	struct io_device *dev;
	bool good = true;

	for_each_io_device(dev) {
		if (!check(attack_open() && io_wait(dev), "%s is there", dev->kind))
			return;
		/* The first time, the kernel allocates what it keeps */
		for (int measured = 0; measured < 2; measured++) {
			if (measured)
				region_start("unbind+bind", cycles);
			for (long i = 0; i < cycles; i++)
				good &= !write_file(DRIVER "unbind", dev->pci) &&
					!write_file(DRIVER "bind", dev->pci);
			if (measured)
				region_end();
		}
		check(good && io_wait(dev), "%s is back", dev->kind);
	}
}
GUEST_TEST("cost-device", test_cost_device);

/*
 * The queue is as long as it can be, QUEUE_SLOTS - 1 commands in one write, and full of
 * the dearest commands. What EL2 releases for them is part of the next write.
 */
#define FULL		(QUEUE_SLOTS - 1)
#define WORST_BITS	11			/* as many events as slots */

static struct command full[QUEUE_SLOTS];

static void worst(const char *what)
{
	info("burst", "%s %u", what, FULL);
	check(queue_post_marked(full, FULL), "%s are consumed", what);
}

static struct command full_mapti(unsigned int i)
{
	return mapti(DEVICE, i, LPI + i, 0);
}

static struct command full_discard(unsigned int i)
{
	return on_event(DISCARD, DEVICE, i);
}

static struct command full_unmapd(unsigned int i)
{
	return unmapd(DEVICE + i);
}

static struct command full_mapd(unsigned int i)
{
	return mapd(DEVICE + i, 1, 0);
}

/* A pending table for each vPE: no two may have the same. */
#define VPT_BLOCK	(64 * VPT_SIZE)
#define VPT_BLOCKS	(QUEUE_SLOTS * VPT_SIZE / VPT_BLOCK)

static uint64_t vpt_blocks[VPT_BLOCKS];

static uint64_t vpt_of(unsigned int vpe)
{
	uint64_t at = vpe * VPT_SIZE;

	return vpt_blocks[at / VPT_BLOCK] + at % VPT_BLOCK;
}

static struct command full_vmapp(unsigned int i)
{
	return vmapp(i, 0, vpt_of(i), LPI_BITS);
}

/* Half as many vPEs as slots, which the next write releases. */
static unsigned int first_vpe;

static struct command full_unvmapp(unsigned int i)
{
	uint64_t vpe = first_vpe + i / 2;

	return i & 1 ? on_vpe(VSYNC, vpe) : (struct command){ { VMAPP, vpe << 32 } };
}

static struct command full_refused_vmapp(unsigned int i)
{
	(void)i;
	return vmapp(FULL, 0, vpt_of(FULL), LPI_BITS);
}

static void fill_full(struct command (*command)(unsigned int))
{
	for (unsigned int i = 0; i < FULL; i++)
		full[i] = command(i);
}

static void worst_devices(void)
{
	int64_t ret = 0;

	for (unsigned int i = 0; i < FULL && !ret; i++)
		ret = reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, DEVICE + i,
			      i ? 1 : WORST_BITS);
	if (!check_eq(ret, 0, "devices are reserved"))
		return;
	fill_full(full_mapd);
	full[0] = mapd(DEVICE, WORST_BITS, 0);
	worst("MAPD");
	fill_full(full_mapti);
	worst("MAPTI");
	fill_full(full_discard);
	worst("DISCARD");
	spare_block(DEVICE + FULL);
	fill_full(full_unmapd);
	full[FULL - 1] = sync_cmd(0);
	worst("MAPD-V0 and a SYNC");
	/* What these release is released by whoever comes next with the lock of the ITS */
	region_start("hypercall: reserve a device, all others are released", 1);
	ret = hypercall(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, DEVICE, EVENT_BITS, 0, 0, 0);
	region_end();
	check_eq(ret, 0, "a device is reserved, the others are released");
}

static void worst_vpes(void)
{
	const uint64_t page = getpagesize();
	int64_t ret = 0;

	for (unsigned int i = 0; i < VPT_BLOCKS && !ret; i++) {
		vpt_blocks[i] = pages_alloc(__builtin_ctzl(VPT_BLOCK / page));
		ret = vpt_blocks[i] ? on_pages(ATTACK_CALL_SHARE_HYP, vpt_blocks[i], VPT_BLOCK) :
				      -ENOMEM;
	}
	if (!check_eq(ret, 0, "there is memory for the vPEs"))
		return;
	for (unsigned int i = 0; i < FULL && !ret; i++)
		ret = reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, i, 0);
	if (!check_eq(ret, 0, "vPEs are reserved"))
		return;
	fill_full(full_vmapp);
	worst("VMAPP");
	fill_full(full_unvmapp);
	worst("VMAPP-V0+VSYNC");
	first_vpe = FULL / 2;
	fill_full(full_unvmapp);
	worst("VMAPP-V0+VSYNC, others are released");
	/* The second half is released, and both halves are pinned in the same trap */
	fill_full(full_vmapp);
	worst("VMAPP, after VMAPP-V0+VSYNC");
	/* By a hypercall */
	spare_block(DEVICE);
	fill_full(full_unvmapp);
	worst("VMAPP-V0+VSYNC, again");
	region_start("hypercall: reserve a device, vPEs are released", 1);
	ret = hypercall(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, DEVICE, EVENT_BITS, 0, 0, 0);
	region_end();
	check_eq(ret, 0, "a device is reserved, the vPEs are released");
	/* All pages of the table are looked at, but the last is the host's alone */
	hypercall(ATTACK_CALL_UNSHARE_HYP, (vpt_of(FULL) + VPT_SIZE) / page - 1, 0, 0, 0, 0, 0);
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, FULL, 0), 0, "one more vPE");
	fill_full(full_refused_vmapp);
	worst("VMAPP, refused");
}

static void test_cost_worst(void)
{
	struct attack_queue queue;

	if (!queue_open(&queue))
		return;
	worst_devices();
	if (arg_long("gic", 4) == 4)
		worst_vpes();
	region_start("restart of the queue", 1);
	check(!queue_restart(), "the queue is restarted");
	region_end();
}
GUEST_TEST("cost-worst", test_cost_worst);
