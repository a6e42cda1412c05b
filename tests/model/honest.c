// SPDX-License-Identifier: GPL-2.0
/*
 * The host of I6: a driver that does what it always did, on many kinds of machine.
 * No command is refused, all are consumed, and nothing grows.
 */
#include "model.h"

#include <linux/array_size.h>
#include <linux/err.h>

#include <nvhe/redist.h>

static u64 random_state;

/* What refusals() has provoked */
static u64 nr_rd_refusals;

static u32 pick(u32 n)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;

	return (random_state >> 33) % n;
}

static struct config random_config(u64 seed)
{
	static const u32 page_sizes[] = { SZ_4K, SZ_16K, SZ_64K };
	static const u32 versions[] = { 30, 40, 41 };
	static const u32 entry_sizes[] = { 8, 12, 16 };
	struct config c = {};

	random_state = seed;
	pick(2);
	c.nr_its = 1 + pick(MAX_ITS);
	c.version = versions[seed % 3];
	c.pta = pick(2);
	c.vmovp = c.version >= 41 || pick(2);
	c.indirect = pick(2);
	c.in_chip = !pick(4);
	c.page_size = page_sizes[pick(3)];
	c.queue_size = pick(3) ? SZ_4K : SZ_64K;
	c.itt_entry_size = entry_sizes[pick(3)];
	c.lying_typer = c.itt_entry_size == 16 && pick(2);
	c.vlpi_rd_offset = c.pta && pick(2) ? 0x20000 : 0;
	c.device_bits = 10 + pick(9);
	c.shared_vpes = c.version >= 41 && pick(2);
	c.non_coherent = pick(2);
	c.dma32 = pick(2);
	c.stall = pick(2);
	c.busy = pick(2);
	c.eager = pick(2);
	c.direct_lpis = pick(2);
	c.inv_lpis = pick(2);
	c.sticky_lpis = pick(2);
	c.rd_tables = 1 + pick(2);

	return c;
}

static void check_all(u64 arena)
{
	for (u32 its = 0; its < config.nr_its; its++) {
		require("I6", hw_is_idle(its), "commands are left");
		require("I6", its_stat(FRAME_BASE(its), PKVM_ITS_STATE) == PKVM_ITS_TAKEN,
			"ITS %u isn't taken over", its);
		require("I6", !its_stat(FRAME_BASE(its), PKVM_ITS_REJECTED), "commands rejected");
		require("I6", !its_stat(FRAME_BASE(its), PKVM_ITS_STALLS), "the queue stalled");
	}
	require("I6", !hw_errors(), "the ITS found errors");
	require("I6", !arena || arena == its_arena_bytes(), "the arena grows");
	require("I6", redist_stat(PKVM_REDIST_IGNORED) == nr_rd_refusals, "writes to redistributors ignored");
	oracle_check_drained();
}

/* Devices come and go, some of them on several ITSs with the same DeviceID. */
static void devices(void)
{
	for (u32 its = 0; its < config.nr_its; its++) {
		for (u32 i = 0; i < 4; i++) {
			u32 device = 0x80 + i * 7, bits = 1 + (i * 3 + its) % 6;
			u32 nr = min(8U, 1U << bits);

			drv_map_device(its, device, bits);
			for (u32 event = 0; event < nr; event++)
				drv_map_event(its, device, event,
					      16384 + its * 1024 + i * 64 + event, event % NR_RDS);
			for (u32 event = 0; event < nr; event++) {
				drv_event(its, GITS_CMD_INV, device, event);
				drv_event(its, GITS_CMD_INT, device, event);
				hw_msi(its, device, event);
				drv_move_event(its, device, event, (event + 1) % NR_RDS);
			}
		}
		for (u32 i = 0; i < 4; i++) {
			u32 device = 0x80 + i * 7, bits = 1 + (i * 3 + its) % 6;

			for (u32 event = 0; event < min(8U, 1U << bits); event++)
				drv_unmap_event(its, device, event);
			drv_unmap_device(its, device);
			hw_evict(its);
		}
	}
}

/* The driver reserves a device as soon as it sees the SYNC after MAPD consumed. */
static void remap_at_once(void)
{
	for (u32 i = 0; i < 6; i++) {
		drv_map_device(0, 0x90, 1 + i % 5);
		drv_map_event(0, 0x90, 1, 20000 + i, 0);
		drv_unmap_event(0, 0x90, 1);
		drv_unmap_device(0, 0x90);
	}
}

static u32 neighbour;

static void reserve_neighbour(void)
{
	require("I6", !host_call(call_reserve_device, 0, neighbour, 2), "no memory for %x", neighbour);
}

/* Two CPUs, and devices that share a level-2 page which isn't there yet */
static void reserve_at_once(void)
{
	u32 per_page = config.page_size / 8;

	for (u32 i = 0; config.indirect && i < 8 && (i + 2) * per_page <= BIT(config.device_bits); i++) {
		neighbour = BIT(config.device_bits) - (i + 1) * per_page;
		race = reserve_neighbour;
		race_after = i;
		require("I6", !host_call(call_reserve_device, 0, neighbour + 1, 2),
			"no memory for %x", neighbour + 1);
		if (race)
			reserve_neighbour();
		race = NULL;
		drv_map_device(0, neighbour, 2);
		drv_map_device(0, neighbour + 1, 2);
		check_all(0);
		drv_unmap_device(0, neighbour);
		drv_unmap_device(0, neighbour + 1);
	}
}

/* What was mapped before the take-over: unmap, map again */
static void rebind(u32 nr_devices)
{
	for (u32 its = 0; its < config.nr_its; its++)
		for (u32 i = 0; i < nr_devices; i++) {
			u32 device = 0x20 + i * 3, bits = 1 + i % 4;

			for (u32 event = 0; event < BIT(bits) / 2; event++) {
				drv_event(its, GITS_CMD_CLEAR, device, event);
				drv_unmap_event(its, device, event);
			}
			drv_unmap_device(its, device);
			drv_map_device(its, device, 2);
			drv_map_event(its, device, 3, 24000 + its * 64 + i, 1);
			drv_unmap_event(its, device, 3);
			drv_unmap_device(its, device);
		}
}

/* Physical LPIs, without the ITS */
static void lpis(void)
{
	for (u32 cpu = 0; cpu < NR_RDS; cpu++) {
		for (u32 i = 0; config.direct_lpis && i < 4; i++) {
			drv_lpi(cpu, GICR_SETLPIR, 8192 + i * 7);
			drv_lpi(cpu, GICR_CLRLPIR, 65535 - i);
		}
		if (!rd_has_inv())
			continue;
		drv_lpi(cpu, GICR_INVLPIR, 8192);
		drv_lpi(cpu, GICR_INVLPIR, 65535);
		drv_lpi(cpu, GICR_INVALLR, 0);
	}
}

/* vCPUs run, wherever they find a CPU. */
static void run_vcpus(const phys_addr_t *vpt, phys_addr_t vconf)
{
	for (u32 i = 0; i < 2 * NR_RDS; i++) {
		for (u32 vpe = 0; vpe < 3; vpe++)
			drv_load_vpe((i + vpe) % NR_RDS, vpe, vpt[vpe], vconf);
		for (u32 cpu = 0; cpu < NR_RDS; cpu++)
			rd_step(cpu);
		for (u32 vpe = 0; config.version >= 41 && vpe < 3; vpe++)
			drv_inv_vpe((i + vpe) % NR_RDS, vpe);
		for (u32 vpe = 0; vpe < 3; vpe++)
			drv_put_vpe((i + vpe) % NR_RDS, i & 1);
	}
}

/* GICv4.0, ITSs that map a vPE only while they have something for it: it may be running. */
static void map_lazily(u32 vpe, phys_addr_t vpt, phys_addr_t vconf)
{
	drv_load_vpe(1, vpe, vpt, vconf);
	for (u32 its = 0; its < config.nr_its; its++)
		drv_unmap_vpe(its, vpe);
	rd_step(1);
	drv_put_vpe(1, false);
	drv_load_vpe(2, vpe, vpt, vconf);
	for (u32 its = 0; its < config.nr_its; its++)
		drv_map_vpe(its, vpe, vpt, vconf, 2);
	drv_put_vpe(2, false);
}

static struct {
	phys_addr_t vpt, vconf;
} next_load;

static void load_on_1(void)
{
	drv_load_vpe(1, 0, next_load.vpt, next_load.vconf);
}

/* A vCPU goes on elsewhere while the CPU that it comes from is becoming idle. */
static void move_while_leaving(phys_addr_t vpt, phys_addr_t vconf)
{
	next_load.vpt = vpt;
	next_load.vconf = vconf;
	drv_load_vpe(0, 0, vpt, vconf);
	drv_put_vpe(0, false);
	race = load_on_1;
	race_after = 0;
	host_cpu_down(0);
	require("I6", !race, "nobody took a lock");
	drv_put_vpe(1, false);
	host_cpu_is_back(0);
}

/* A CPU leaves before its redistributor is done with a vPE, and comes back. */
static void leave_in_haste(phys_addr_t vpt, phys_addr_t vconf)
{
	drv_load_vpe(0, 0, vpt, vconf);
	put_vpe_in_haste(0);
	host_cpu_down(0);
	host_cpu_is_back(0);
	for (u32 i = 0; i < 8; i++)
		rd_step(0);
	drv_load_vpe(1, 0, vpt, vconf);
	drv_put_vpe(1, false);
}

/* A VM of three vCPUs, whose VLPIs come from a device on the last ITS */
static void vm(void)
{
	u32 last = config.nr_its - 1;
	phys_addr_t vconf = host_alloc(VPE_BLOCK, config.dma32), vpt[3];
	u64 all = BIT(config.nr_its) - 1;
	bool v40 = config.version == 40;

	if (config.version < 40)
		return;

	for (u32 vpe = 0; vpe < 3; vpe++) {
		vpt[vpe] = host_alloc(VPE_BLOCK, config.dma32);
		require("model", vpt[vpe] && vconf, "out of memory");
		drv_alloc_vpe(vpe, vpt[vpe], vconf);
		if (v40)
			drv_bind_vpe(vpe, vpt[vpe], vconf);
	}
	if (v40)
		run_vcpus(vpt, vconf);
	for (u32 vpe = 0; vpe < 3; vpe++)
		for (u32 its = 0; its < config.nr_its; its++)
			drv_map_vpe(its, vpe, vpt[vpe], vconf, vpe);
	drv_map_device(last, 0xa0, 3);
	for (u32 event = 0; event < 3; event++) {
		drv_map_virtual(last, 0xa0, event, event, 8200 + event);
		drv_event(last, GITS_CMD_INT, 0xa0, event);
		hw_msi(last, 0xa0, event);
	}
	run_vcpus(vpt, vconf);
	move_while_leaving(vpt[0], vconf);
	leave_in_haste(vpt[0], vconf);
	/* Back and forth between a vLPI and an LPI */
	drv_event(last, GITS_CMD_DISCARD, 0xa0, 0);
	drv_map_event(last, 0xa0, 0, 30000, 2);
	drv_unmap_event(last, 0xa0, 0);
	drv_map_virtual(last, 0xa0, 0, 0, 8300);

	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		for (u32 vpe = 0; vpe < 3; vpe++) {
			drv_move_vpe(vpe, (cpu + vpe) % NR_RDS, all);
			host_cpu_is_back((cpu + vpe) % NR_RDS);
			drv_load_vpe((cpu + vpe) % NR_RDS, vpe, vpt[vpe], vconf);
			drv_put_vpe((cpu + vpe) % NR_RDS, true);
			host_cpu_down((cpu + vpe) % NR_RDS);
		}
	for (u32 event = 0; event < 3; event++)
		drv_event(last, GITS_CMD_DISCARD, 0xa0, event);
	drv_unmap_device(last, 0xa0);
	for (u32 cpu = 0; v40 && cpu < NR_RDS; cpu++)
		host_cpu_is_back(cpu);
	for (u32 vpe = 0; v40 && vpe < 3; vpe++)
		map_lazily(vpe, vpt[vpe], vconf);
	for (u32 vpe = 0; vpe < 3; vpe++)
		for (u32 its = 0; its < config.nr_its; its++)
			drv_unmap_vpe(its, vpe);
	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		host_cpu_is_back(cpu);
	if (v40)
		run_vcpus(vpt, vconf);
	for (u32 vpe = 0; vpe < 3; vpe++) {
		if (v40)
			drv_unbind_vpe(vpe);
		for (u64 at = 0; at < VPE_BLOCK; at += PAGE_SIZE)
			require("I6", !host_unshare(vpt[vpe] + at), "a pending table is kept");
		host_free(vpt[vpe], VPE_BLOCK);
	}
	for (u64 at = 0; at < VPE_BLOCK; at += PAGE_SIZE)
		require("I6", !host_unshare(vconf + at), "a configuration table is kept");
	host_free(vconf, VPE_BLOCK);
}

/* What no driver writes, in either frame of a CPU: nothing comes of it. */
static void rd_refusals(unsigned int cpu)
{
	static const u32 known[] = { GICR_CTLR, GICR_WAKER, GICR_SETLPIR, GICR_CLRLPIR,
				     GICR_PROPBASER, GICR_PENDBASER, GICR_INVLPIR, GICR_INVALLR,
				     VLPI_FRAME + GICR_VPROPBASER, VLPI_FRAME + GICR_VPENDBASER,
				     VLPI_FRAME + GICR_VSGIR };
	u32 end = config.version >= 40 ? VLPI_FRAME + SZ_64K : SZ_64K;

	for (u32 offset = 0; offset < end; offset += offset % SZ_64K < 0x200 ? 4 : 0x7c) {
		bool is_known = offset >= SZ_64K && offset < VLPI_FRAME;

		for (u32 i = 0; i < ARRAY_SIZE(known); i++)
			is_known |= (offset & ~7U) == (known[i] & ~7U);
		if (!is_known)
			require("I4", host_rd_mmio(cpu, offset, 1, 4) != PKVM_MMIO_OK,
				"write at %x of CPU %u performed", offset, cpu);
	}
	/* host_rd_mmio_from() looks whether another CPU may do it. */
	for (u32 i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i] < end && rd_is_own(known[i], ~0ULL))
			for (u32 from = 0; from < NR_RDS; from++)
				require("I4", from == cpu ||
					host_rd_mmio_from(from, cpu, known[i], rd_pinned(cpu, known[i]),
							  known[i] <= GICR_WAKER ? 4 : 8) !=
					PKVM_MMIO_OK, "register %x", known[i]);
	require("I4", host_rd_mmio(cpu, GICR_CTLR, 1, 8) != PKVM_MMIO_OK, "GICR_CTLR, 64 bits");
	require("I4", host_rd_mmio(cpu, GICR_WAKER - 4, 0, 8) != PKVM_MMIO_OK, "GICR_WAKER, 64 bits");
	if (cpu < NR_RDS)
		return;

	/* A CPU that has never been online, with what firmware has left there, and without */
	require("I4", host_rd_mmio(cpu, GICR_CTLR, 1, 4) != PKVM_MMIO_OK, "LPIs enabled");
	rd_lose_power(cpu, false);
	require("I4", host_rd_mmio(cpu, GICR_CTLR, 1, 4) != PKVM_MMIO_OK, "LPIs enabled");
	require("I4", host_rd_mmio(cpu, GICR_PROPBASER, 0, 8) != PKVM_MMIO_OK, "GICR_PROPBASER");
	require("I4", host_rd_mmio(cpu, GICR_PENDBASER, 0, 8) != PKVM_MMIO_OK, "GICR_PENDBASER");
	if (config.version >= 40) {
		require("I4", host_rd_mmio(cpu, VLPI_FRAME + GICR_VPROPBASER, 0, 8) != PKVM_MMIO_OK,
			"GICR_VPROPBASER");
		require("I4", host_rd_mmio(cpu, VLPI_FRAME + GICR_VPENDBASER, BIT_ULL(63), 8) !=
			PKVM_MMIO_OK, "GICR_VPENDBASER");
	}
}

/* A loss of power: LPIs need both tables again, in whatever order. */
static void rd_half_restored(unsigned int cpu)
{
	static const u32 tables[] = { GICR_PROPBASER, GICR_PENDBASER };

	for (u32 i = 0; i < 4; i++) {
		u32 first = tables[i & 1], second = tables[~i & 1];

		host_cpu_down(cpu);
		rd_lose_power(cpu, false);
		host_cpu_is_back(cpu);
		require("I4", host_rd_mmio(cpu, GICR_CTLR, 1, 4) != PKVM_MMIO_OK, "LPIs without tables");
		require("I6", host_rd_mmio(cpu, first, rd_pinned(cpu, first), 8) == PKVM_MMIO_OK,
			"register %x isn't restored", first);
		require("I4", host_rd_mmio(cpu, GICR_CTLR, 1, 4) != PKVM_MMIO_OK,
			"LPIs without register %x", second);
		require("I6", host_rd_mmio(cpu, second, rd_pinned(cpu, second), 8) == PKVM_MMIO_OK,
			"register %x isn't restored", second);
		require("I6", host_rd_mmio(cpu, GICR_CTLR, 1, 4) == PKVM_MMIO_OK, "LPIs stay off");
		require("I6", host_rd_mmio(cpu, GICR_WAKER, 0, 4) == PKVM_MMIO_OK, "asleep");
		drv_restore_vpe_table(cpu);
	}
}

/* A frame that is not in use, and what EL2 does not know */
static void refusals(void)
{
	host_abort(0, GITS_CWRITER, 0, 0, 0);
	for (u32 offset = 0; offset < FRAME_SIZE; offset += 0x7c) {
		bool known = offset == 0 || (offset >= 0x80 && offset < 0x90) ||
			     (offset >= 0x100 && offset < 0x140);

		if (!known)
			require("I4", host_mmio(0, offset, 1, 4) != PKVM_MMIO_OK,
				"write at %x performed", offset);
	}
	require("I4", host_mmio(0, GITS_CREADR, 32, 8) != PKVM_MMIO_OK, "GITS_CREADR is written");
	require("I4", host_mmio(0, 0x10000 - 8, 32, 8) != PKVM_MMIO_OK, "the last register");
	require("I4", host_mmio(0, GITS_CWRITER, config.queue_size, 4) != PKVM_MMIO_OK,
		"GITS_CWRITER beyond the queue");
	require("I4", host_mmio(0, GITS_CTLR, 1, 8) != PKVM_MMIO_OK, "GITS_CTLR with 64 bits");
	for (u32 cpu = 0; cpu < NR_RD_FRAMES; cpu++)
		rd_refusals(cpu);
	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		rd_half_restored(cpu);
	nr_rd_refusals = redist_stat(PKVM_REDIST_IGNORED);
	require("I4", nr_rd_refusals && redist_stat(PKVM_REDIST_WRITES) >= nr_rd_refusals &&
		redist_stat(PKVM_REDIST_COUNT) == NR_RD_FRAMES &&
		redist_stat(PKVM_REDIST_TAKEN) == NR_RDS && !redist_stat(PKVM_REDIST_NR_STATS),
		"counters of redistributors");
}

/* The registry of frames by itself: any order, holes, neighbours, the last one */
static void registry(void)
{
	static const u32 order[] = { 5, 1, 7, 3, 0, 6, 2, 4 };
	struct pkvm_mmio_range range = { .size = SZ_64K };
	const struct pkvm_mmio_range *found;
	u64 start, end;

	for (u32 i = 0; i < ARRAY_SIZE(order); i++) {
		range.base = SZ_1M * (1 + order[i]);
		require("I4", !IS_ERR(pkvm_mmio_insert(&range)), "not inserted");
		for (u64 base = range.base - SZ_64K + 1; base < range.base + SZ_64K; base += 0xfff) {
			struct pkvm_mmio_range overlap = { .base = base, .size = SZ_64K };

			require("I4", IS_ERR(pkvm_mmio_insert(&overlap)), "overlap at %llx", base);
		}
	}
	for (u32 i = 0; i < 2 * ARRAY_SIZE(order); i++) {
		bool hole = i & 1;
		u64 base = SZ_1M * (1 + i / 2) + (hole ? SZ_64K : 0);
		u64 size = hole ? SZ_1M - SZ_64K : SZ_64K;

		for (u64 at = base; at < base + size; at += size - 1) {
			start = 0;
			end = ~0ULL;
			found = pkvm_mmio_find(at, &start, &end);
			require("I4", !found == hole, "%llx is%s in a range", at, found ? "" : "n't");
			require("I4", start == base, "%llx: starts at %llx", at, start);
			require("I4", end == base + size || i == 15, "%llx: ends at %llx", at, end);
		}
		start = base + 0x10;
		end = base + 0x20;
		pkvm_mmio_find(base + 0x18, &start, &end);
		require("I4", start == base + 0x10 && end == base + 0x20, "widened at %llx", base);
	}
	pkvm_mmio_remove(SZ_1M * 4);
	pkvm_mmio_remove(SZ_1M * 4);
	require("I4", !pkvm_mmio_find(SZ_1M * 4, NULL, NULL), "not removed");
	require("I4", pkvm_mmio_find(SZ_1M * 5, NULL, NULL), "another one removed");
	for (u32 i = 0; i < PKVM_MMIO_MAX_RANGES - 7; i++) {
		range.base = SZ_1M * (100 - i);
		require("I4", !IS_ERR(pkvm_mmio_insert(&range)), "not inserted");
	}
	range.base = SZ_1M * 200;
	require("I4", IS_ERR(pkvm_mmio_insert(&range)), "too many inserted");
}

/* What the trusted host says and EL2 finds to be otherwise */
static void wrong_set_up(const struct config *c)
{
	struct pkvm_its_quirks good = { c->itt_entry_size, c->vlpi_rd_offset, LPI_BITS, VPE_BITS,
					c->device_bits, 0 }, bad[6];

	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		bad[i] = good;
	bad[0].itt_entry_size = 257;
	bad[1].itt_entry_size = 1;
	bad[2].lpi_bits = 13;
	bad[3].lpi_bits = 17;
	bad[4].vpe_bits = 17;
	bad[5].device_bits = 33;
	for (u32 i = 0; i < ARRAY_SIZE(bad); i++)
		require("I4", its_prepare(FRAME_BASE(0), &bad[i]) < 0, "bad quirks %u", i);
	require("I4", its_prepare(FRAME_BASE(0) + 8, &good) == -ENODEV, "no such ITS");
	require("I4", its_hand_over_device(FRAME_BASE(0), 0x20, RAM_BASE, 2) < 0, "not prepared");
	require("I4", its_take_over(FRAME_BASE(0), RAM_BASE, 0) < 0, "not prepared");
	require("I4", its_add_redistributor(RD_BASE(0) + 1, 0) == -EINVAL, "bad redistributor");
}

/* As large as a page, but in two of them: the driver has no such ITT, another may. */
static void itt_across_pages(void)
{
	phys_addr_t pa = host_alloc(2 * PAGE_SIZE, config.dma32);
	u64 keep = its_nr_taken(), missing;

	require("I3", !its_take_pages(pa + SZ_256, PAGE_SIZE, &missing), "not taken");
	require("I3", page_of(pa)->owner == OWNER_HYP &&
		page_of(pa + PAGE_SIZE)->owner == OWNER_HYP,
		"the last page of an ITT at %llx is still the host's", pa + SZ_256);
	its_give_back_pages(keep);
	require("I6", page_of(pa)->owner == OWNER_HOST, "not given back");
	host_free(pa, 2 * PAGE_SIZE);
}

/* When the first ITS is prepared */
static void wrong_hand_over(void)
{
	u64 its = FRAME_BASE(0);

	itt_across_pages();
	require("I4", its_take_redistributor(RD_BASE(0)) == -EBUSY, "a redistributor in between");

	require("I4", its_hand_over_device(its, 0x20, RAM_BASE + 8, 2) < 0, "unaligned ITT");
	require("I4", its_hand_over_device(its, 0x20, RAM_BASE, 0) < 0, "no ITT");
	require("I4", its_hand_over_device(its, 0x20, RAM_BASE, 17) < 0, "huge ITT");
	require("I4", its_hand_over_device(its, ~0U, RAM_BASE, 2) < 0, "no such device");
	require("I4", its_hand_over_events(its, 0x21, 0, 8192, 1) < 0, "no such device");
	require("I4", its_hand_over_collection(its, 0, 0x123) < 0, "no redistributor");
	require("I4", its_hand_over_collection(its, 99, host_rdbase(0)) < 0, "no collection");
}

static void run(const struct config *c, u32 seed)
{
	struct boot boot = {
		.before		= wrong_set_up,
		.prepared	= wrong_hand_over,
		.nr_devices	= seed % 6,
		.busy		= seed % 5,
		.fail		= seed % 7 == 0 ? 1 + seed % 5 : seed % 11 == 0 ? 100 : 0,
	};
	u64 arena = 0;

	model_reset(c);
	say("machine %u", seed);
	honest = true;
	host_boot(&boot);
	for (u32 its = 0; its < config.nr_its; its++)
		host_wait(its);
	nr_rd_refusals = 0;
	require("I6", !its_is_sealed() || !its_seal(), "a seal isn't one the second time");
	check_all(0);
	refusals();

	for (u32 i = 0; i < 6; i++) {
		devices();
		remap_at_once();
		lpis();
		vm();
		if (!i) {
			rebind(boot.nr_devices);
			reserve_at_once();
		}
		/* Blocks are split and never joined: it takes some rounds until all fits */
		if (i == 3)
			arena = its_arena_bytes();
		check_all(i > 3 ? arena : 0);
		if (i == 4)
			require("I6", host_suspend(seed & 1), "suspend refused");
		for (u32 cpu = 0; i > 1 && cpu < NR_RDS; cpu++)
			drv_cpu_suspend(cpu, (i + seed) & 1, (i + seed) & 2);
	}
	host_suspend(!(seed & 1));
	for (u32 its = 0; its < config.nr_its; its++)
		host_restart_driver(its);
	devices();
	check_all(arena);
}

/* Without a seal, a vPE becomes resident as ever. */
static void forwarded(u32 offset, u64 value)
{
	/* Also if it is another CPU's */
	require("I6", host_rd_mmio_from(1, 0, offset, value, 8) == PKVM_MMIO_OK &&
		rd_peek(0, offset) == value, "write of register %x isn't forwarded", offset);
	require("I4", host_rd_mmio(0, offset, 1, 4) != PKVM_MMIO_OK, "half of register %x", offset);
}

/* No ITS is taken over once the seal has failed, and the driver goes on. */
static void run_unsealed(const struct config *c)
{
	model_reset(c);
	require("I4", host_boot(&(struct boot){ .nr_devices = 1, .fail = 100, .give_up = true }),
		"sealed");
	its_abort(FRAME_BASE(c->nr_its - 1));
	for (u32 i = 0; i < 200; i++)
		drv_event(c->nr_its - 1, GITS_CMD_INV, 0x20, 0);
	host_restart_driver(c->nr_its - 1);
	host_wait(c->nr_its - 1);
	require("I6", hw_is_idle(c->nr_its - 1), "commands are left");
	if (c->version == 40)
		forwarded(VLPI_FRAME + GICR_VPROPBASER, LPI_BITS - 2);
	if (c->version >= 40)
		forwarded(VLPI_FRAME + GICR_VPENDBASER, GICR_VPENDBASER_PendingLast);
}

/* Redistributors that are not as EL2 wants them: no seal */
static void run_rd_failures(const struct config *c)
{
	for (enum rd_fail fail = 1; fail < RD_NR_FAILS; fail++) {
		bool needs_table = fail == RD_VPES_NOT_OWNED || fail == RD_VPES_UNALIGNED;

		if (c->version < 40 && fail >= RD_RESIDENT && fail <= RD_RESIDENT_LATE)
			continue;
		if (c->version < 41 && (needs_table || fail == RD_NO_LPIS || fail == RD_LOST_VPES))
			continue;
		if (c->shared_vpes && needs_table)
			continue;
		model_reset(c);
		require("I4", host_boot(&(struct boot){ .rd_fail = fail }), "sealed");
	}
}

/* Likewise, for other reasons */
static void run_its_failures(const struct config *c)
{
	static const struct boot boots[] = {
		{ .mmio_open = true },
		/* It could be enabled again. */
		{ .nr_devices = 1, .fail = 100, .give_up = true, .disable = true },
		{ .one_more = true, .at_work = true },
	};

	for (u32 i = 0; i < ARRAY_SIZE(boots); i++) {
		if (boots[i].one_more && c->nr_its == MAX_ITS)
			continue;
		model_reset(c);
		require("I4", host_boot(&boots[i]), "sealed");
	}
	if (c->nr_its == MAX_ITS)
		return;
	model_reset(c);
	require("I6", !host_boot(&(struct boot){ .one_more = true }), "not sealed");
}

/* A fault of the ITS stops the queue until the next command, and no longer. */
static void run_stall(const struct config *c)
{
	struct config stalling = *c;
	u32 device;

	stalling.stall = true;
	model_reset(&stalling);
	host_boot(&(struct boot){});
	for (device = 0x40; device < 0x43; device++) {
		drv_map_device(0, device, 2);
		if (device > 0x40)
			host_wait(0);
		drv_map_event(0, device, 1, 9000 + device, 0);
		hw_fail_next(0);
		host_wait(0);
		require("model", !hw_is_idle(0), "no stall");
		drv_event(0, GITS_CMD_INV, 0x40, 1);
		for (u32 i = 0; i < 8; i++) {
			host_wait(0);
			host_post(0);
		}
		require("I6", hw_is_idle(0), "the queue is stalled for ever");
		drv_unmap_event(0, device, 1);
		drv_unmap_device(0, device);
		for (u32 i = 0; i < 16; i++) {
			host_wait(0);
			host_post(0);
		}
		require("I6", hw_is_idle(0), "the queue is stalled for ever");
	}
	require("I6", its_stat(FRAME_BASE(0), PKVM_ITS_STALLS), "no stall counted");
}

int main(int argc, char **argv)
{
	u32 first = argc > 1 ? atoi(argv[1]) : 0, nr = argc > 1 ? 1 : 150;

	verbose = argc > 1;
	for (u32 seed = first; seed < first + nr; seed++) {
		struct config c = random_config(seed);

		if (seed == first) {
			model_reset(&c);
			registry();
		}
		run(&c, seed);
		run_stall(&c);
		run_unsealed(&c);
		run_rd_failures(&c);
		run_its_failures(&c);
	}
	printf("%u machines\n", nr);

	return 0;
}
