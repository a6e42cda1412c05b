// SPDX-License-Identifier: GPL-2.0
/*
 * The host: a driver that does what drivers/irqchip/irq-gic-v3-its.c does, in
 * functions small enough to be called in any order by a host that is not honest.
 */
#include "model.h"

#include <linux/align.h>
#include <linux/array_size.h>

#include <asm/esr.h>
#include <asm/ptrace.h>

#include <nvhe/redist.h>

static struct {
	phys_addr_t	queue;		/* where commands are written */
	u64		write;
	phys_addr_t	device_table, collection_table, vpe_table;
	bool		protected;
	u32		devices[64], bits[64], nr_devices;
	phys_addr_t	itts[64];
	u64		cbaser, baser[GITS_BASER_NR_REGS];
	u32		ctlr;
} drivers[MAX_ITS];

/* What redistributors use: as the driver has allocated it */
static struct {
	phys_addr_t	config, pending[NR_RDS], vpes[2];
	bool		protected;
	bool		away[NR_RDS];	/* firmware has the CPU */
	bool		in_el2[NR_RD_FRAMES];
} rds;

static u32 cursor;
static u16 sequence;
static phys_addr_t itt_pool, itt_pool_end;

void host_reset(void)
{
	memset(drivers, 0, sizeof(drivers));
	memset(&rds, 0, sizeof(rds));
	cursor = 0;
	sequence = 0;
	itt_pool = 0;
	itt_pool_end = 0;
}

/*
 * Memory
 */
phys_addr_t host_alloc(u64 size, bool below_4g)
{
	u64 nr = PAGE_ALIGN(size) >> PAGE_SHIFT, align = 1UL << order_base_2(nr);
	u64 end = (below_4g ? SZ_4G - RAM_BASE : RAM_SIZE) >> PAGE_SHIFT;

	for (int again = 0; again < 2; again++) {
		for (u64 at = ALIGN(cursor, align); at + nr <= end; at += align) {
			struct page *page = page_of(RAM_BASE + (at << PAGE_SHIFT));
			bool taken = false;

			for (u64 i = 0; i < nr && !taken; i++)
				taken = page[i].used || page[i].owner != OWNER_HOST || page[i].shared;
			if (taken)
				continue;
			for (u64 i = 0; i < nr; i++)
				page[i].used = true;
			cursor = at + nr;
			return RAM_BASE + (at << PAGE_SHIFT);
		}
		cursor = 0;
	}

	return 0;
}

void host_free(phys_addr_t pa, u64 size)
{
	for (u64 at = pa; at < pa + size; at += PAGE_SIZE)
		page_of(at)->used = false;
}

static phys_addr_t zalloc(u64 size)
{
	phys_addr_t pa = host_alloc(size, config.dma32);

	require("model", pa, "out of memory");
	host_fill(pa, 0, PAGE_ALIGN(size), true);

	return pa;
}

/* ITTs of all ITSs share pages, as in the driver. */
static phys_addr_t alloc_itt(u64 size)
{
	phys_addr_t pa;

	size = ALIGN(max(size, (u64)SZ_256), (u64)SZ_256);
	if (size >= PAGE_SIZE)
		return zalloc(size);
	if (!itt_pool || itt_pool + size > itt_pool_end) {
		itt_pool = zalloc(PAGE_SIZE);
		itt_pool_end = itt_pool + PAGE_SIZE;
	}
	pa = itt_pool;
	itt_pool += size;

	return pa;
}

/*
 * Registers
 */
bool host_abort_at(phys_addr_t pa, u64 esr, u64 spsr, u64 value)
{
	u64 start = 0, end = ~0ULL;
	const struct pkvm_mmio_range *range;
	struct user_pt_regs regs = {};
	struct pkvm_mmio_write write;
	enum pkvm_mmio_result res;

	for (u32 i = 0; i < 31; i++)
		regs.regs[i] = value;
	regs.sp = 0xdead;

	el2_enter();
	range = pkvm_mmio_find(pa, &start, &end);
	require("I4", range && pa >= range->base && pa - range->base < range->size &&
		start == range->base && end == range->base + range->size,
		"the frame around %llx is not found", pa);
	if (pkvm_mmio_is_read(esr) || !range->write) {
		el2_leave();
		return false;
	}
	res = pkvm_mmio_decode(esr, spsr, pa - range->base, range->size, &regs, &write);
	if (res == PKVM_MMIO_OK) {
		require("I4", write.size == 4 || write.size == 8, "%u bytes are written", write.size);
		require("I4", write.offset % write.size == 0 &&
			write.offset + write.size <= range->size, "a write at %llx", write.offset);
		require("I4", write.size == 8 || !(write.value >> 32), "a write of %llx with 4 bytes",
			write.value);
		require("I4", (esr & ESR_ELx_WNR) && (esr & ESR_ELx_ISV) &&
			!(esr & (ESR_ELx_CM | ESR_ELx_S1PTW)) && !(spsr & PSR_MODE32_BIT) &&
			ESR_ELx_EC(esr) == ESR_ELx_EC_DABT_LOW && !(esr & GENMASK(12, 11)) &&
			write.size == 1U << FIELD_GET(ESR_ELx_SAS, esr),
			"ESR %llx is taken as a write", esr);
		require("I4", ((esr >> 16) & 31) != 31 || !write.value, "XZR is %llx", write.value);
		res = range->write(range, &write);
	}
	el2_leave();

	return res == PKVM_MMIO_OK;
}

bool host_abort(unsigned int its, u64 offset, u64 esr, u64 spsr, u64 value)
{
	return host_abort_at(FRAME_BASE(its) + offset, esr, spsr, value);
}

static enum pkvm_mmio_result write_at(phys_addr_t pa, u64 value, unsigned int size)
{
	u64 esr = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_IL | ESR_ELx_ISV |
		  ESR_ELx_WNR | ESR_ELx_FSC_PERM_L(3);

	/* As a compiler has it, 0 is in XZR */
	esr |= FIELD_PREP(ESR_ELx_SRT_MASK, value ? 3 : 31);
	esr |= FIELD_PREP(ESR_ELx_SAS, ilog2(size));

	return host_abort_at(pa, esr, 0, value) ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED;
}

enum pkvm_mmio_result host_mmio(unsigned int its, u64 offset, u64 value, unsigned int size)
{
	return write_at(FRAME_BASE(its) + offset, value, size);
}

/* What is not a matter of time */
static void rd_snapshot(unsigned int cpu, u64 *regs)
{
	regs[0] = rd_peek(cpu, GICR_CTLR) & ~GICR_CTLR_RWP;
	regs[1] = rd_peek(cpu, GICR_WAKER);
	regs[2] = rd_peek(cpu, GICR_PROPBASER);
	regs[3] = rd_peek(cpu, GICR_PENDBASER);
	if (config.version < 40)
		return;
	regs[4] = rd_peek(cpu, VLPI_FRAME + GICR_VPROPBASER);
	regs[5] = rd_peek(cpu, VLPI_FRAME + GICR_VPENDBASER) & ~GICR_VPENDBASER_Dirty;
}

/* Neither in the hands of firmware nor in EL2, as another one has come in */
static bool can_run(unsigned int cpu)
{
	return !rds.in_el2[cpu] && (cpu >= NR_RDS || !rds.away[cpu]);
}

/* @cpu, if it can run, or the next one that can */
static unsigned int somebody(unsigned int cpu)
{
	for (u32 i = 0; i < NR_RDS && !can_run(cpu); i++)
		cpu = (cpu + 1) % NR_RDS;

	return cpu;
}

/* Everything that CPU @from does in EL2 is between these two. */
static unsigned int enter_on(unsigned int from)
{
	unsigned int before = this_cpu;

	rds.in_el2[from] = true;
	this_cpu = from;

	return before;
}

static void leave_on(unsigned int from, unsigned int before)
{
	rds.in_el2[from] = false;
	this_cpu = before;
}

/* @offset is one of RD_base, or of VLPI_base if there is that frame. */
enum pkvm_mmio_result host_rd_mmio_from(unsigned int from, unsigned int cpu, u32 offset, u64 value,
					unsigned int size)
{
	u64 before[6] = {}, after[6] = {}, pinned = rd_pinned(cpu, offset & ~7U);
	bool v40 = config.version == 40;
	enum pkvm_mmio_result res;
	unsigned int on;
	bool raced = race;

	if (!can_run(from))
		return PKVM_MMIO_IGNORED;
	rd_snapshot(cpu, before);
	on = enter_on(from);
	res = write_at(RD_BASE(cpu) + offset, value, size);
	leave_on(from, on);
	rd_snapshot(cpu, after);
	require("I4", res != PKVM_MMIO_OK || from == cpu || !oracle_on ||
		!rd_is_own(offset & ~7U, ~0ULL), "CPU %u writes register %x of CPU %u", from, offset, cpu);
	if (raced)
		return res;

	if (res != PKVM_MMIO_OK) {
		/* The vPE before is looked at, and its configuration table may be forgotten */
		if (v40 && offset == VLPI_FRAME + GICR_VPENDBASER &&
		    !(after[4] & GENMASK_ULL(51, 12)))
			after[4] = before[4];
		require("I4", !memcmp(before, after, sizeof(before)),
			"a refused write of register %x of CPU %u changes one", offset, cpu);
		return res;
	}
	if (size == 4 && offset & 4)
		pinned >>= 32;
	if (size == 4) {
		pinned = (u32)pinned;
		value = (u32)value;
	}
	switch (offset & ~7U) {
	case VLPI_FRAME + GICR_VPROPBASER:
		require("I4", !v40 || size == 8, "a half of GICR_VPROPBASER is written");
		if (v40)
			break;
		fallthrough;
	case GICR_PROPBASER:
	case GICR_PENDBASER:
		require("I4", value == pinned, "write of register %x, %llx, is taken for another",
			offset, value);
		break;
	case VLPI_FRAME + GICR_VPENDBASER:
		require("I4", size == 8, "a half of GICR_VPENDBASER is written");
		break;
	default:
		break;
	}

	return res;
}

/* By the CPU itself, unless it can't */
enum pkvm_mmio_result host_rd_mmio(unsigned int cpu, u32 offset, u64 value, unsigned int size)
{
	return host_rd_mmio_from(somebody(cpu), cpu, offset, value, size);
}

static void write_rd_from(unsigned int from, unsigned int cpu, u32 offset, u64 value,
			  unsigned int size)
{
	if (!rds.protected) {
		rd_poke(cpu, offset, value, size);
		return;
	}
	require("I6", host_rd_mmio_from(from, cpu, offset, value, size) == PKVM_MMIO_OK || !honest,
		"write of register %x of CPU %u ignored", offset, cpu);
}

static void write_rd(unsigned int cpu, u32 offset, u64 value, unsigned int size)
{
	write_rd_from(somebody(cpu), cpu, offset, value, size);
}

/* Drivers write few registers of other CPUs. */
static unsigned int another(unsigned int cpu)
{
	return somebody((cpu + 1) % NR_RDS);
}

static void write_reg(unsigned int its, u32 offset, u64 value, unsigned int size)
{
	if (!drivers[its].protected) {
		hw_poke(its, offset, value, offset == GITS_CTLR ? 4 : 8);
		return;
	}
	require("I6", host_mmio(its, offset, value, size) == PKVM_MMIO_OK || !honest,
		"write of register %x ignored", offset);
}

/*
 * The queue
 */
u64 host_offset(unsigned int its)
{
	return drivers[its].write;
}

void host_set_offset(unsigned int its, u64 offset)
{
	drivers[its].write = offset;
}

phys_addr_t host_proxy(unsigned int its)
{
	return drivers[its].queue;
}

void host_queue(unsigned int its, const u64 *cmd)
{
	host_write_clean(drivers[its].queue + drivers[its].write, cmd, 32);
	drivers[its].write = (drivers[its].write + 32) % config.queue_size;
}

void host_post(unsigned int its)
{
	write_reg(its, GITS_CWRITER, drivers[its].write, 4);
}

void host_wait(unsigned int its)
{
	for (u32 i = 0; i < config.queue_size / 32 && !hw_is_idle(its); i++)
		hw_step(its, 1 + i % 3);
	require("I6", hw_is_idle(its) || !honest, "ITS queue timeout");
}

static void post_and_wait(unsigned int its)
{
	host_post(its);
	/* Whoever waits, somebody else may be on its way; only now and then all is quiet */
	if (honest)
		host_wait(its);
}

static void send(unsigned int its, u64 dw0, u64 dw1, u64 dw2, u64 dw3)
{
	host_queue(its, (u64[]){ dw0, dw1, dw2, dw3 });
}

/* Not in the order of their addresses */
u32 host_processor(unsigned int cpu)
{
	return (cpu * 5 + 3) % 16;
}

u64 host_rdbase(unsigned int cpu)
{
	return config.pta ? RD_BASE(cpu) : (u64)host_processor(cpu) << 16;
}

static void send_sync(unsigned int its, unsigned int cpu)
{
	send(its, GITS_CMD_SYNC, 0, host_rdbase(cpu), 0);
}

static void send_vsync(unsigned int its, u32 vpe)
{
	send(its, GITS_CMD_VSYNC, (u64)vpe << 32, 0, 0);
}

static void map_collections(unsigned int its)
{
	for (u32 cpu = 0; cpu < NR_RDS; cpu++) {
		send(its, GITS_CMD_MAPC, 0, BIT_ULL(63) | host_rdbase(cpu) | cpu, 0);
		send_sync(its, cpu);
		send(its, GITS_CMD_INVALL, 0, cpu, 0);
		send_sync(its, cpu);
		post_and_wait(its);
	}
}

/*
 * Calls of EL2 that ask for memory until they don't
 */
s64 call_reserve_device(unsigned int its, u32 device, u32 bits)
{
	return its_reserve_device(FRAME_BASE(its), device, bits);
}

s64 call_reserve_vpe(unsigned int its, u32 vpe, u32 unused)
{
	return its_reserve_vpe(FRAME_BASE(its), vpe);
}

static s64 donate(u64 size)
{
	phys_addr_t pa = host_alloc(size, config.dma32);
	int ret;

	if (!pa)
		return -ENOMEM;
	/* Memory of a host has been used before */
	host_fill(pa, 0xbad0bad0bad0bad1ULL, PAGE_ALIGN(min(size, (u64)SZ_64K)), false);
	el2_enter();
	ret = its_arena_donate(PHYS_PFN(pa), order_base_2(PAGE_ALIGN(size) >> PAGE_SHIFT));
	el2_leave();
	require("I6", !ret || !honest, "memory refused: %d", ret);

	return ret;
}

s64 host_call(s64 (*fn)(unsigned int its, u32 a, u32 b), unsigned int its, u32 a, u32 b)
{
	s64 ret;

	for (u32 tries = 0; tries < 16; tries++) {
		el2_enter();
		ret = fn(its, a, b);
		el2_leave();
		if (ret <= 0)
			return ret;
		ret = donate(ret);
		if (ret)
			return ret;
	}
	require("I5", !honest, "EL2 never has enough memory");

	return -ENOMEM;
}

/*
 * Boot
 */
static u64 baser_of(unsigned int its, u32 n, u64 type, phys_addr_t pa, u32 nr, bool indirect)
{
	u64 psz = config.page_size == SZ_4K ? 0 : config.page_size == SZ_16K ? 1 : 2;
	u64 value = hw_peek(its, GITS_BASER + 8 * n) & (GENMASK_ULL(58, 56) | GENMASK_ULL(52, 48));

	require("model", GITS_BASER_TYPE(value) == type, "no such table");
	if (psz == 2)
		pa = GITS_BASER_PHYS_52_to_48(pa);
	value |= BIT_ULL(63) | (u64)indirect << 62 | pa | psz << 8 | (nr - 1);
	if (!config.non_coherent)
		value |= 7ULL << 59 | 1 << 10;

	return value;
}

static void add_level2(unsigned int its, phys_addr_t table, u32 entry_size, u32 id)
{
	phys_addr_t where = table + id / (config.page_size / entry_size) * 8;
	u64 entry;

	if (!config.indirect || host_read64(where))
		return;
	entry = zalloc(config.page_size) | BIT_ULL(63);
	host_write_clean(where, &entry, 8);
}

/* its_cpu_init_lpis() */
static void boot_redist(unsigned int cpu, enum rd_fail fail)
{
	u64 attributes = GICR_PROPBASER_InnerShareable | GICR_PROPBASER_RaWaWb;
	bool last = cpu == NR_RDS - 1;
	u64 bits = LPI_BITS - 1;
	phys_addr_t table;

	rds.pending[cpu] = zalloc(SZ_64K);
	/* Not at the start of memory: its address is not a part of every other one. */
	if (!cpu)
		rds.config = zalloc(SZ_64K);
	table = rds.config;
	if (config.non_coherent)
		attributes = GICR_PROPBASER_nC;
	if (last && fail == RD_OTHER_CONFIG)
		table = zalloc(SZ_64K);
	if (last && fail == RD_OTHER_SIZE)
		bits--;

	write_rd(cpu, GICR_WAKER, GICR_WAKER_ChildrenAsleep, 4);
	if (last && fail == RD_NO_LPIS)
		return;
	write_rd(cpu, GICR_PROPBASER, table | bits | attributes, 8);
	write_rd(cpu, GICR_PENDBASER, rds.pending[cpu] | attributes | GICR_PENDBASER_PTZ, 8);
	write_rd(cpu, GICR_CTLR, GICR_CTLR_ENABLE_LPIS | BIT(24), 4);
	if (config.version != 40)
		return;
	write_rd(cpu, VLPI_FRAME + GICR_VPROPBASER, LPI_BITS - 1, 8);
	write_rd(cpu, VLPI_FRAME + GICR_VPENDBASER, 0, 8);
}

/* allocate_vpe_l1_table(): of an ITS, of another redistributor, or new */
static void boot_vpe_table(unsigned int cpu, enum rd_fail fail)
{
	u64 psz = config.page_size == SZ_4K ? 0 : config.page_size == SZ_16K ? 1 : 2;
	u32 nr = config.indirect ? 1 : 2, group = cpu % max(config.rd_tables, 1U);
	u64 value = GICR_VPROPBASER_4_1_VALID | psz << 53 | (nr - 1) | 3ULL << 59;

	if (config.version < 41)
		return;
	if (config.shared_vpes) {
		rds.vpes[group] = drivers[0].vpe_table;
	} else if (!rds.vpes[group]) {
		rds.vpes[group] = zalloc(nr * config.page_size);
		value |= GICR_VPROPBASER_4_1_Z;
	}
	value |= rds.vpes[group];
	/* Within the table: nothing else is hurt */
	if (fail == RD_VPES_UNALIGNED && cpu == NR_RDS - 1)
		value = (value | 1ULL << 53) + SZ_4K;
	if (config.indirect)
		value |= GICR_VPROPBASER_4_1_INDIRECT;
	if (!config.non_coherent)
		value |= GICR_VPROPBASER_InnerShareable | GICR_VPROPBASER_RaWb;
	write_rd(cpu, VLPI_FRAME + GICR_VPROPBASER, value, 8);
}

static void boot_its(unsigned int its)
{
	u32 nr = config.indirect ? 1 : 2;
	u64 cbaser;

	drivers[its].queue = zalloc(max(config.queue_size, (u32)SZ_64K));
	drivers[its].device_table = zalloc(nr * config.page_size);
	write_reg(its, GITS_BASER, baser_of(its, 0, GITS_BASER_TYPE_DEVICE,
					    drivers[its].device_table, nr, config.indirect), 8);
	if (!config.in_chip) {
		drivers[its].collection_table = zalloc(config.page_size);
		write_reg(its, GITS_BASER + 8, baser_of(its, 1, GITS_BASER_TYPE_COLLECTION,
							drivers[its].collection_table, 1, false), 8);
	}
	if (config.version >= 40) {
		if (its && config.shared_vpes)
			drivers[its].vpe_table = drivers[0].vpe_table;
		else
			drivers[its].vpe_table = zalloc(nr * config.page_size);
		write_reg(its, GITS_BASER + 16, baser_of(its, 2, GITS_BASER_TYPE_VCPU,
							 drivers[its].vpe_table, nr,
							 config.indirect), 8);
	}
	cbaser = BIT_ULL(63) | drivers[its].queue | (config.queue_size / SZ_4K - 1);
	if (!config.non_coherent)
		cbaser |= 7ULL << 59 | 1 << 10;
	write_reg(its, GITS_CBASER, cbaser, 8);
	write_reg(its, GITS_CWRITER, 0, 8);
	write_reg(its, GITS_CTLR, hw_peek(its, GITS_CTLR) | GITS_CTLR_ENABLE, 4);
	map_collections(its);
}

/* Device @i gets 2^(1 + i % 4) events, half of which are mapped. */
static void boot_device(unsigned int its, u32 i)
{
	u32 device = 0x20 + i * 3, bits = 1 + i % 4;
	u64 size = (u64)config.itt_entry_size << bits;
	phys_addr_t itt = alloc_itt(size);

	add_level2(its, drivers[its].device_table, 8, device);
	send(its, GITS_CMD_MAPD | (u64)device << 32, bits - 1, BIT_ULL(63) | itt, 0);
	drivers[its].devices[i] = device;
	drivers[its].bits[i] = bits;
	drivers[its].itts[i] = itt;
	drivers[its].nr_devices++;
	for (u32 event = 0; event < BIT(bits) / 2; event++) {
		u64 intid = 8192 + its * 1024 + i * 16 + event;

		send(its, GITS_CMD_MAPTI | (u64)device << 32, intid << 32 | event, i % NR_RDS, 0);
		send_sync(its, i % NR_RDS);
		post_and_wait(its);
	}
}

static s64 call_prepare(unsigned int its, u32 unused1, u32 unused2)
{
	struct pkvm_its_quirks quirks = {
		.itt_entry_size	= config.itt_entry_size,
		.vlpi_rd_offset	= config.vlpi_rd_offset,
		.lpi_bits	= LPI_BITS,
		.vpe_bits	= VPE_BITS,
		.device_bits	= config.device_bits,
		.flags		= (config.dma32 ? PKVM_ITS_DMA32 : 0) |
				  (config.non_coherent ? PKVM_ITS_NON_COHERENT : 0),
	};

	return its_prepare(FRAME_BASE(its), &quirks);
}

static s64 call_hand_over(unsigned int its, u32 i, u32 unused)
{
	return its_hand_over_device(FRAME_BASE(its), drivers[its].devices[i],
				    drivers[its].itts[i], drivers[its].bits[i]);
}

/* The steps of its_deprivilege_one(); @fail is which of them goes wrong */
static s64 take_over(unsigned int its, int fail, void (*prepared)(void))
{
	phys_addr_t base = FRAME_BASE(its), proxy = zalloc(config.queue_size);
	u64 taken = memory_taken();
	s64 ret;

	for (u64 at = proxy; at < proxy + PAGE_ALIGN(config.queue_size); at += PAGE_SIZE)
		require("model", !host_share(at), "proxy can't be shared");

	ret = fail == 1 ? -EIO : host_call(call_prepare, its, 0, 0);
	if (!ret && !its && prepared)
		prepared();
	for (u32 i = 0; i < drivers[its].nr_devices && !ret; i++)
		ret = fail == 2 + (int)i ? -EIO : host_call(call_hand_over, its, i, 0);
	for (u32 i = 0; i < drivers[its].nr_devices && !ret; i++) {
		u64 mask = (1ULL << BIT(drivers[its].bits[i]) / 2) - 1;

		ret = its_hand_over_events(base, drivers[its].devices[i], 0,
					   8192 + its * 1024 + i * 16, mask);
	}
	for (u32 cpu = 0; cpu < NR_RDS && !ret; cpu++)
		ret = its_hand_over_collection(base, cpu, host_rdbase(cpu));
	if (!ret)
		ret = fail == 100 ? -EIO : its_take_over(base, proxy, drivers[its].write);
	if (!ret) {
		drivers[its].queue = proxy;
		return 0;
	}

	its_abort(base);
	require("I6", fail, "take-over of ITS %u: %lld", its, ret);
	for (u64 at = proxy; at < proxy + PAGE_ALIGN(config.queue_size); at += PAGE_SIZE)
		require("I6", !host_unshare(at), "the proxy is still in use after an abort");
	host_free(proxy, config.queue_size);
	require("I6", memory_taken() == taken, "pages are still EL2's after an abort");

	return ret;
}

s64 call_take_redist(unsigned int its, u32 cpu, u32 unused)
{
	return its_take_redistributor(RD_BASE(cpu));
}

static int share(phys_addr_t pa, u64 size)
{
	int ret = 0;

	for (u64 at = pa; at < pa + size && !ret; at += PAGE_SIZE)
		ret = host_share(at);

	return ret;
}

/* its_deprivilege_rdists(), after what goes wrong before it */
static s64 take_redists(enum rd_fail fail)
{
	u32 last = NR_RDS - 1;
	s64 ret;

	require("model", fail == RD_NOT_SHARED || !share(rds.config, SZ_64K), "can't be shared");
	if (fail == RD_NOT_OWNED)
		share(rds.pending[last], SZ_64K);
	if (fail == RD_VPES_NOT_OWNED)
		share(rds.vpes[0], PAGE_SIZE);

	require("I4", its_take_redistributor(RD_BASE(0) + 8) < 0 &&
		its_take_redistributor(FRAME_BASE(0)) < 0 &&
		its_take_redistributor(RD_BASE(NR_RD_FRAMES)) < 0, "no such redistributor");

	for (u32 cpu = 0; cpu < NR_RDS; cpu++) {
		if (cpu == last && fail == RD_NOT_TAKEN)
			return 0;
		ret = host_call(call_take_redist, 0, cpu, 0);
		if (ret)
			return ret;
		/* Or there was nothing to take */
		require("I4", call_take_redist(0, cpu, 0) ==
			(cpu == last && (fail == RD_NO_LPIS || fail == RD_RESIDENT_EARLY) ?
			 0 : -ENODEV), "taken twice");
	}
	/* It has nothing that could be taken. */
	require("I6", !call_take_redist(0, NR_RDS, 0), "LPIs that are off");

	return 0;
}

static void protect_redists(enum rd_fail fail)
{
	/* What firmware has left behind */
	rd_poke(NR_RDS, GICR_PROPBASER, RAM_BASE | (LPI_BITS - 1), 8);
	rd_poke(NR_RDS, GICR_PENDBASER, RAM_BASE, 8);

	for (u32 cpu = 0; cpu < NR_RD_FRAMES; cpu++) {
		bool busy = cpu == NR_RDS - 1 && fail == RD_RESIDENT_EARLY;

		require("I4", redist_protect(RD_BASE(cpu)) == (busy ? -EBUSY : 0),
			"CPU %u: redist_protect()", cpu);
		require("I4", pkvm_mmio_find(RD_BASE(cpu), NULL, NULL) &&
			!pkvm_mmio_find(RD_BASE(cpu) + FRAME_SIZE, NULL, NULL) &&
			!pkvm_mmio_find(RD_BASE(cpu) + VLPI_FRAME, NULL, NULL) ==
			(config.version < 40), "frames of CPU %u", cpu);
	}
	require("I4", redist_protect(RD_BASE(0)) < 0, "protected twice");
	rds.protected = true;
	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		require("model", !its_add_redistributor(RD_BASE(cpu), host_processor(cpu)),
			"its_add_redistributor()");
}

static void save_disable(unsigned int its);

int host_boot(const struct boot *boot)
{
	s64 error;
	u64 its;

	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		boot_redist(cpu, boot->rd_fail);
	for (its = 0; its < config.nr_its; its++)
		boot_its(its);
	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		boot_vpe_table(cpu, boot->rd_fail);
	for (u32 i = 0; i < boot->nr_devices; i++)
		for (its = 0; its < config.nr_its; its++)
			boot_device(its, i);
	for (its = 0; its < config.nr_its; its++) {
		host_post(its);
		host_wait(its);
		for (u32 i = 0; i < boot->busy; i++)
			send_sync(its, 0);
		host_post(its);
	}

	for (its = 0; its < config.nr_its; its++) {
		require("model", !its_protect(FRAME_BASE(its), false), "its_protect()");
		drivers[its].protected = true;
	}
	if (boot->rd_fail == RD_RESIDENT_EARLY)
		rd_leave_resident(NR_RDS - 1);
	protect_redists(boot->rd_fail);
	if (boot->one_more)
		require("model", !its_protect(FRAME_BASE(config.nr_its), false), "its_protect()");
	if (boot->at_work)
		hw_leave_at_work(config.nr_its);
	mmio_sealed = !boot->mmio_open;
	if (boot->before)
		boot->before(&config);
	for (its = 0; its < config.nr_its; its++) {
		bool last = its + 1 == config.nr_its;

		/* Nothing fails if there are less devices than that */
		if (last && take_over(its, boot->fail, boot->prepared)) {
			host_wait(its);
			if (!boot->give_up)
				take_over(its, 0, boot->prepared);
		} else if (!last) {
			take_over(its, 0, boot->prepared);
		}
	}
	if (boot->rd_fail == RD_RESIDENT)
		rd_leave_resident(NR_RDS - 1);
	if (boot->rd_fail == RD_LOST || boot->rd_fail == RD_LOST_VPES)
		rd_lose_power(NR_RDS - 1, boot->rd_fail == RD_LOST_VPES);
	error = take_redists(boot->rd_fail);
	if (boot->rd_fail == RD_RESIDENT_LATE)
		rd_leave_resident(NR_RDS - 1);
	if (boot->rd_fail == RD_LPIS_LATE)
		rd_poke(NR_RDS, GICR_CTLR, GICR_CTLR_ENABLE_LPIS, 4);
	require("I6", !error || boot->rd_fail, "redistributors: %lld", error);
	require("I4", error < 0 || !boot->rd_fail || boot->rd_fail == RD_NOT_TAKEN ||
		boot->rd_fail == RD_NO_LPIS || boot->rd_fail == RD_RESIDENT_LATE ||
		boot->rd_fail == RD_RESIDENT_EARLY || boot->rd_fail == RD_LPIS_LATE,
		"redistributors with %u are taken", boot->rd_fail);
	if (boot->disable)
		save_disable(config.nr_its - 1);
	if (its_seal()) {
		require("I4", (boot->give_up || boot->rd_fail || boot->mmio_open || boot->at_work) &&
			!its_is_sealed(), "not sealed");
		require("I4", call_prepare(config.nr_its - 1, 0, 0) < 0 && its_seal() &&
			!its_is_sealed(), "the set-up goes on");
		require("I4", call_take_redist(0, NR_RDS - 1, 0) < 0, "the set-up goes on");
		return -EIO;
	}
	require("I4", its_is_sealed() && !boot->rd_fail && !boot->mmio_open && !boot->at_work,
		"sealed: %u, in spite of %u", its_is_sealed(), boot->rd_fail);
	rd_pin_registers();
	hw_pin_registers();
	oracle_on = true;
	oracle_check();

	return 0;
}

/*
 * After boot
 */
void drv_map_device(unsigned int its, u32 device, u32 bits)
{
	s64 ret = host_call(call_reserve_device, its, device, bits);

	require("I6", !ret || !honest, "device %x can't be reserved: %lld", device, ret);
	send(its, GITS_CMD_MAPD | (u64)device << 32, bits - 1, BIT_ULL(63), 0);
	post_and_wait(its);
}

void drv_unmap_device(unsigned int its, u32 device)
{
	send(its, GITS_CMD_MAPD | (u64)device << 32, 3, 0xabcd00, 0);
	send_sync(its, 1);
	post_and_wait(its);
}

void drv_map_event(unsigned int its, u32 device, u32 event, u32 intid, unsigned int cpu)
{
	send(its, GITS_CMD_MAPTI | (u64)device << 32, (u64)intid << 32 | event, cpu, 0);
	send_sync(its, cpu);
	post_and_wait(its);
}

void drv_move_event(unsigned int its, u32 device, u32 event, unsigned int cpu)
{
	send(its, GITS_CMD_MOVI | (u64)device << 32, event, cpu, 0);
	send_sync(its, cpu);
	post_and_wait(its);
}

/* INV, INT, CLEAR, DISCARD */
void drv_event(unsigned int its, u32 opcode, u32 device, u32 event)
{
	send(its, opcode | (u64)device << 32, event, 0, 0);
	send_sync(its, 0);
	post_and_wait(its);
}

void drv_unmap_event(unsigned int its, u32 device, u32 event)
{
	drv_event(its, GITS_CMD_INV, device, event);
	drv_event(its, GITS_CMD_DISCARD, device, event);
}

/* its_vpe_init(): share what the ITSs reach, have room for the entry */
int drv_alloc_vpe(u32 vpe, phys_addr_t vpt, phys_addr_t vconf)
{
	for (u64 at = 0; at < VPE_BLOCK; at += PAGE_SIZE) {
		host_share(vpt + at);
		host_share(vconf + at);
	}
	for (u32 its = 0; its < config.nr_its; its++) {
		s64 ret = host_call(call_reserve_vpe, its, vpe, 0);

		require("I6", !ret || !honest, "vPE %x can't be reserved: %lld", vpe, ret);
	}

	return 0;
}

void drv_map_vpe(unsigned int its, u32 vpe, phys_addr_t vpt, phys_addr_t vconf, unsigned int cpu)
{
	u64 dw0 = GITS_CMD_VMAPP, dw1 = (u64)vpe << 32;

	if (config.version >= 41) {
		dw0 |= vconf | BIT(9) | BIT(8);		/* PTZ and Alloc: EL2 knows better */
		dw1 |= 9000 + vpe % 64;
	}
	send(its, dw0, dw1, BIT_ULL(63) | (host_rdbase(cpu) + config.vlpi_rd_offset),
	     vpt | (LPI_BITS - 1));
	send_vsync(its, vpe);
	post_and_wait(its);
	send(its, GITS_CMD_VINVALL, (u64)vpe << 32, 0, 0);
	send_vsync(its, vpe);
	post_and_wait(its);
	if (config.version >= 41) {
		send(its, GITS_CMD_VSGI | BIT(8) | 3ULL << 32, (u64)vpe << 32, 0, 0);
		send_vsync(its, vpe);
		send(its, GITS_CMD_INVDB, (u64)vpe << 32, 0, 0);
		post_and_wait(its);
	}
}

void drv_map_virtual(unsigned int its, u32 device, u32 event, u32 vpe, u32 vintid)
{
	send(its, GITS_CMD_VMAPTI | (u64)device << 32, (u64)vpe << 32 | event,
	     1023ULL << 32 | vintid, 0);
	send_vsync(its, vpe);
	send(its, GITS_CMD_VMOVI | (u64)device << 32, (u64)vpe << 32 | event, 9001ULL << 32 | 1, 0);
	send_vsync(its, vpe);
	post_and_wait(its);
}

/* One ITS is enough, or all that map it have to be told, with a number in common */
void drv_move_vpe(u32 vpe, unsigned int cpu, u64 its_mask)
{
	u64 target = host_rdbase(cpu) + config.vlpi_rd_offset;

	sequence++;
	for (u32 its = 0; its < config.nr_its; its++) {
		u64 dw2 = target | (config.version >= 41 ? BIT_ULL(63) : 0);

		if (!(its_mask & BIT(its)))
			continue;
		send(its, GITS_CMD_VMOVP | (config.vmovp ? 0 : (u64)sequence << 32),
		     (u64)vpe << 32 | (config.vmovp ? 0 : its_mask), dw2,
		     config.version >= 41 ? 9002 : 0);
		send_vsync(its, vpe);
		post_and_wait(its);
		if (config.vmovp)
			break;
	}
}

/* its_send_vmapp(), V=0: with the additional write of GITS_CWRITER */
void drv_unmap_vpe(unsigned int its, u32 vpe)
{
	send(its, GITS_CMD_VMAPP, (u64)vpe << 32 | 7, 0, 0x12345);
	if (config.version < 41)
		send_vsync(its, vpe);
	post_and_wait(its);
	host_post(its);
}

void drv_free_vpe(phys_addr_t vpt, phys_addr_t vconf)
{
	for (u64 at = 0; at < VPE_BLOCK; at += PAGE_SIZE) {
		int ret = host_unshare(vpt + at) ?: host_unshare(vconf + at);

		require("I6", !ret || !honest, "a table of a vPE is still in use: %d", ret);
	}
}

/* GICv4.0: its_hyp_bind_vpe(), part of its_vpe_init() */
int drv_bind_vpe(u32 vpe, phys_addr_t vpt, phys_addr_t vconf)
{
	int ret;

	el2_enter();
	ret = its_bind_vpe(vpe, vpt, vconf);
	el2_leave();
	require("I6", !ret || !honest, "vPE %x isn't bound: %d", vpe, ret);
	require("I4", ret || !(vpe >> 16), "vPE %x is bound", vpe);

	return ret;
}

int drv_unbind_vpe(u32 vpe)
{
	int ret;

	el2_enter();
	ret = its_unbind_vpe(vpe);
	el2_leave();
	require("I6", !ret || !honest, "vPE %x isn't unbound: %d", vpe, ret);
	require("I4", ret == -EINVAL || !(vpe >> 16), "vPE %x is unbound", vpe);

	return ret;
}

/* Time passes, and with an honest driver enough of it. */
static u64 read_clean(unsigned int cpu)
{
	u64 value;

	do {
		value = rd_peek(cpu, VLPI_FRAME + GICR_VPENDBASER);
		if (honest)
			rd_step(cpu);
	} while (honest && value & GICR_VPENDBASER_Dirty);

	return value;
}

/* With other bits than a driver, in @vpropbaser and @flip */
void load_vpe(unsigned int cpu, u32 vpe, phys_addr_t vpt, u64 vpropbaser, u64 flip)
{
	u64 value = GICR_VPENDBASER_Valid, now;
	enum pkvm_mmio_result res;

	if (config.version >= 41) {
		value |= vpe | GICR_VPENDBASER_4_1_VGRP1EN | (vpe & 1 ? GICR_VPENDBASER_4_1_VGRP0EN : 0);
	} else {
		u64 attributes = 0;

		if (!config.non_coherent)
			attributes = GICR_VPROPBASER_RaWb | GICR_VPROPBASER_InnerShareable;
		vpropbaser |= attributes;
		write_rd(cpu, VLPI_FRAME + GICR_VPROPBASER, vpropbaser, 8);
		value |= vpt | attributes | GICR_VPENDBASER_PendingLast;
		value |= vpe & 1 ? GICR_VPENDBASER_IDAI : 0;
	}
	res = host_rd_mmio(cpu, VLPI_FRAME + GICR_VPENDBASER, value ^ flip, 8);
	require("I6", res == PKVM_MMIO_OK || !honest, "vPE %x isn't made resident", vpe);
	now = rd_peek(cpu, VLPI_FRAME + GICR_VPROPBASER);
	require("I4", res != PKVM_MMIO_OK || !((value ^ flip) >> 63) || config.version >= 41 ||
		!((now ^ vpropbaser) & (GENMASK_ULL(51, 12) | 0x1f)),
		"vPE %x is resident with other tables: %llx, %llx", vpe, vpropbaser, now);
	read_clean(cpu);
}

/* its_vpe_schedule(), its_vpe_4_1_schedule() and its_wait_vpt_parse_complete() */
void drv_load_vpe(unsigned int cpu, u32 vpe, phys_addr_t vpt, phys_addr_t vconf)
{
	load_vpe(cpu, vpe, vpt, vconf | (LPI_BITS - 1), 0);
}

/* its_clear_vpend_valid() */
void drv_put_vpe(unsigned int cpu, bool doorbell)
{
	u64 value = read_clean(cpu) & ~GICR_VPENDBASER_Valid;

	if (config.version >= 41 && doorbell)
		value = (value & ~GICR_VPENDBASER_PendingLast) | GICR_VPENDBASER_4_1_DB;
	else if (config.version >= 41)
		value |= GICR_VPENDBASER_PendingLast;
	write_rd(cpu, VLPI_FRAME + GICR_VPENDBASER, value, 8);
	read_clean(cpu);
}

/* Nobody waits until it is done. */
void put_vpe_in_haste(unsigned int cpu)
{
	u64 value = rd_peek(cpu, VLPI_FRAME + GICR_VPENDBASER);

	write_rd(cpu, VLPI_FRAME + GICR_VPENDBASER, value & ~GICR_VPENDBASER_Valid, 8);
}

/* GICR_SETLPIR, GICR_CLRLPIR, GICR_INVLPIR */
void drv_lpi(unsigned int cpu, u32 offset, u32 intid)
{
	write_rd_from(intid & 1 ? cpu : another(cpu), cpu, offset, intid, 8);
}

/* GICv4.1: its_vpe_4_1_invall_locked(), direct_lpi_inv(), vgic_v4's pending SGIs */
void drv_inv_vpe(unsigned int cpu, u32 vpe)
{
	u64 value = GICR_INVALLR_V | (u64)vpe << 32;

	write_rd_from(another(cpu), cpu, GICR_INVALLR, value, 8);
	write_rd(cpu, GICR_INVLPIR, value | 8200, 8);
	write_rd_from(another(cpu), cpu, VLPI_FRAME + GICR_VSGIR, vpe, 4);
}

static void restore_table(unsigned int cpu, u32 offset, u64 value, bool by_halves)
{
	if (!by_halves) {
		write_rd(cpu, offset, value, 8);
		return;
	}
	write_rd(cpu, offset + 4, value >> 32, 4);
	write_rd(cpu, offset, (u32)value, 4);
}

/* What a driver could do after a loss of power, if firmware hasn't. */
void drv_restore_lpis(unsigned int cpu, bool by_halves)
{
	restore_table(cpu, GICR_PROPBASER, rd_pinned(cpu, GICR_PROPBASER), by_halves);
	restore_table(cpu, GICR_PENDBASER, rd_pinned(cpu, GICR_PENDBASER), by_halves);
	write_rd(cpu, GICR_CTLR, GICR_CTLR_ENABLE_LPIS, 4);
}

/* GICv4.1 */
void drv_restore_vpe_table(unsigned int cpu)
{
	if (config.version >= 41)
		restore_table(cpu, VLPI_FRAME + GICR_VPROPBASER,
			      rd_pinned(cpu, VLPI_FRAME + GICR_VPROPBASER), false);
}

/*
 * What the PSCI relay does upon CPU_OFF and CPU_SUSPEND, and when the CPU is back. The power
 * goes later, if it does, and comes before.
 */
void host_cpu_leaves(unsigned int cpu)
{
	unsigned int on;

	if (!can_run(cpu))
		return;
	say("  CPU %u leaves", cpu);
	on = enter_on(cpu);
	el2_enter();
	redist_power_down(redist_find());
	el2_leave();
	leave_on(cpu, on);
	rds.away[cpu] = true;
}

void host_cpu_is_back(unsigned int cpu)
{
	unsigned int on;

	if (!rds.away[cpu])
		return;
	say("  CPU %u is back", cpu);
	rd_power(cpu, true);
	on = enter_on(cpu);
	el2_enter();
	redist_power_up(redist_find());
	el2_leave();
	leave_on(cpu, on);
	rds.away[cpu] = false;
}

/* Firmware does as it likes. */
void host_power(unsigned int cpu, bool on)
{
	if (rds.away[cpu])
		rd_power(cpu, on);
}

void host_cpu_down(unsigned int cpu)
{
	host_cpu_leaves(cpu);
	host_power(cpu, false);
}

void drv_cpu_suspend(unsigned int cpu, bool restore, bool by_halves)
{
	/* Busy elsewhere */
	if (rds.in_el2[cpu])
		return;
	write_rd(cpu, GICR_WAKER, rd_peek(cpu, GICR_WAKER) | GICR_WAKER_ProcessorSleep, 4);
	require("I6", !honest || rd_peek(cpu, GICR_WAKER) & GICR_WAKER_ChildrenAsleep, "awake");
	host_cpu_down(cpu);
	rd_lose_power(cpu, restore);
	host_cpu_is_back(cpu);
	write_rd(cpu, GICR_WAKER, rd_peek(cpu, GICR_WAKER) & ~GICR_WAKER_ProcessorSleep, 4);
	if (!restore)
		drv_restore_lpis(cpu, by_halves);
	drv_restore_vpe_table(cpu);
}

/* For a host that would like to have them back */
phys_addr_t host_rd_table(unsigned int n)
{
	const phys_addr_t list[] = { rds.config, rds.pending[0], rds.pending[NR_RDS - 1],
				     rds.vpes[0], rds.vpes[1] };

	return list[n % ARRAY_SIZE(list)];
}

static void save_disable(unsigned int its)
{
	drivers[its].ctlr = hw_peek(its, GITS_CTLR);
	write_reg(its, GITS_CTLR, drivers[its].ctlr & ~(GITS_CTLR_ENABLE | GITS_CTLR_ImDe), 4);
	for (u32 i = 0; i < 10; i++)
		hw_step(its, 1);
	drivers[its].cbaser = hw_peek(its, GITS_CBASER);
	for (u32 n = 0; n < GITS_BASER_NR_REGS; n++)
		drivers[its].baser[n] = hw_peek(its, GITS_BASER + 8 * n);
}

static void restore_enable(unsigned int its)
{
	write_reg(its, GITS_CBASER, drivers[its].cbaser, 8);
	drivers[its].write = 0;
	write_reg(its, GITS_CWRITER, 0, 8);
	for (u32 n = 0; n < GITS_BASER_NR_REGS; n++)
		if (drivers[its].baser[n] >> 63)
			write_reg(its, GITS_BASER + 8 * n, drivers[its].baser[n], 8);
	write_reg(its, GITS_CTLR, drivers[its].ctlr, 4);
	if (config.in_chip)
		map_collections(its);
}

void host_restart_driver(unsigned int its)
{
	save_disable(its);
	restore_enable(its);
}

/* May the system lose power? If so, the ITSs have nothing left to write. */
bool host_ask(void)
{
	bool may;

	el2_enter();
	may = its_may_lose_power();
	el2_leave();
	for (u32 its = 0; may && its < config.nr_its; its++)
		require("I3", (hw_peek(its, GITS_CTLR) & (GITS_CTLR_ENABLE | GITS_CTLR_QUIESCENT)) ==
			GITS_CTLR_QUIESCENT, "ITS %u isn't quiescent", its);

	return may;
}

/* Suspend to RAM. True if EL2 let it happen. */
bool host_suspend(bool restore)
{
	bool may;

	for (u32 its = 0; its < config.nr_its; its++)
		save_disable(its);
	may = host_ask();
	require("I6", may || !honest, "suspend refused");
	for (u32 its = 0; may && its < config.nr_its; its++)
		hw_lose_power(its, restore);
	for (u32 its = 0; its < config.nr_its; its++)
		restore_enable(its);

	return may;
}
