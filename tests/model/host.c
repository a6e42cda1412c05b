// SPDX-License-Identifier: GPL-2.0
/*
 * The host: a driver that does what drivers/irqchip/irq-gic-v3-its.c does, in
 * functions small enough to be called in any order by a host that is not honest.
 */
#include "model.h"

#include <linux/align.h>

#include <asm/esr.h>
#include <asm/ptrace.h>

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

static u32 cursor;
static u16 sequence;
static phys_addr_t itt_pool, itt_pool_end;

void host_reset(void)
{
	memset(drivers, 0, sizeof(drivers));
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
bool host_abort(unsigned int its, u64 offset, u64 esr, u64 spsr, u64 value)
{
	u64 pa = FRAME_BASE(its) + offset, start = 0, end = ~0ULL;
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
		"the frame of ITS %u is not found", its);
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

enum pkvm_mmio_result host_mmio(unsigned int its, u64 offset, u64 value, unsigned int size)
{
	u64 esr = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_IL | ESR_ELx_ISV |
		  ESR_ELx_WNR | ESR_ELx_FSC_PERM_L(3);

	/* As a compiler has it, 0 is in XZR */
	esr |= FIELD_PREP(ESR_ELx_SRT_MASK, value ? 3 : 31);
	esr |= FIELD_PREP(ESR_ELx_SAS, ilog2(size));

	return host_abort(its, offset, esr, 0, value) ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED;
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

u64 host_rdbase(unsigned int cpu)
{
	/* Not in the order of their addresses */
	return config.pta ? RD_BASE(cpu) : (u64)((cpu * 5 + 3) % 16) << 16;
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

int host_boot(const struct boot *boot)
{
	u64 its;

	for (its = 0; its < config.nr_its; its++)
		boot_its(its);
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
	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		require("model", !its_add_redistributor(RD_BASE(cpu), (cpu * 5 + 3) % 16),
			"its_add_redistributor()");
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
	if (its_seal()) {
		require("I4", boot->give_up && !its_is_sealed(), "not sealed");
		require("I4", call_prepare(config.nr_its - 1, 0, 0) < 0 && its_seal() &&
			!its_is_sealed(), "the set-up goes on");
		return -EIO;
	}
	require("I4", its_is_sealed(), "not sealed");
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
