// SPDX-License-Identifier: GPL-2.0
/*
 * A hostile host: the bytes of an input say what it does, one action after another.
 * Values come from short lists of what is interesting, or are taken as they are.
 */
#include "model.h"

#include <linux/array_size.h>

#include <asm/esr.h>

#include <nvhe/redist.h>

#define MAX_ACTIONS	2000

/* Memory that the host plays with; the last two blocks are beyond 4 GiB */
#define BLOCKS		(RAM_BASE + (12ULL << 20))
#define NR_BLOCKS	8

static u64 block_address(u32 n)
{
	return (n < NR_BLOCKS - 2 ? BLOCKS : SZ_4G) + n * VPE_BLOCK;
}

static const u8 *input, *input_end;
static u32 its;			/* the one that actions are about */

static u8 next8(void)
{
	return input < input_end ? *input++ : 0;
}

#define one_of(list, n)	((list)[(n) % ARRAY_SIZE(list)])

static u32 a_device(u8 n)
{
	u32 table = 2 * config.page_size / 8, space = BIT(config.device_bits);
	const u32 list[] = { 0x20, 0x23, 0x26, 0x80, 0x81, 0, 3, 0x3ff, table - 1, table,
			     space - 1, space, 0x200, 0x2001, ~0U, 0x82 };

	return one_of(list, n);
}

static u32 an_event(u8 n)
{
	static const u32 list[] = { 0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 63, 64, 8192, 8193, 0xffff,
				    0x10000, 0x7fffffff, ~0U };

	return one_of(list, n);
}

static u32 event_bits(u8 n)
{
	static const u32 list[] = { 1, 2, 3, 4, 5, 6, 2, 1, 0, 14, 16, 17, 31, 32, 255, ~0U };

	return one_of(list, n);
}

static u32 an_intid(u8 n)
{
	static const u32 list[] = { 8192, 8193, 8194, 8195, 9000, 65535, 65536, 8191, 1023, 0, 32,
				    0x18192, ~0U, 8208 };

	return one_of(list, n);
}

static u32 an_icid(u8 n)
{
	static const u32 list[] = { 0, 1, 2, 3, 4, 7, 8, 15, 16, 255, 0xffff };

	return one_of(list, n);
}

static u32 a_vpe(u8 n)
{
	static const u32 list[] = { 0, 1, 2, 3, 127, 128, 255, 4095, 4096, 0xffff };

	return one_of(list, n);
}

static u64 a_block(u8 n)
{
	n %= NR_BLOCKS + 8;
	if (n < NR_BLOCKS)
		return block_address(n);
	switch (n - NR_BLOCKS) {
	case 0: return host_proxy(its);
	case 1: return hw_peek(its, GITS_CBASER) & GENMASK_ULL(51, 12);
	case 2: return hw_peek(its, GITS_BASER) & GENMASK_ULL(47, 12);
	case 3: return FRAME_BASE(its);
	case 4: return RAM_END - SZ_64K + PAGE_SIZE;
	case 5: return RAM_END;
	case 6: return GENMASK_ULL(51, 16);
	default: return 0;
	}
}

/* Of a block, any */
static u64 a_page(u8 n)
{
	return a_block(n) + (n >> 4) * PAGE_SIZE;
}

static u64 an_rdbase(u8 n)
{
	if (n % 4)
		return host_rdbase(n % NR_RDS) + (n & 8 ? config.vlpi_rd_offset : 0);
	switch (n / 4 % 6) {
	case 0: return host_rdbase(0) + config.vlpi_rd_offset;
	case 1: return 0;
	case 2: return RD_BASE(1);
	case 3: return 3 << 16;
	case 4: return block_address(0);
	default: return host_rdbase(1) + 0x10000;
	}
}

/* From ten bytes */
static void a_command(u64 *dw, const u8 *r)
{
	static const u8 opcodes[] = {
		GITS_CMD_MAPD, GITS_CMD_MAPC, GITS_CMD_MAPTI, GITS_CMD_MAPI, GITS_CMD_MOVI,
		GITS_CMD_DISCARD, GITS_CMD_INV, GITS_CMD_INT, GITS_CMD_CLEAR, GITS_CMD_INVALL,
		GITS_CMD_SYNC, GITS_CMD_MOVALL, GITS_CMD_VMAPP, GITS_CMD_VMAPTI, GITS_CMD_VMAPI,
		GITS_CMD_VMOVI, GITS_CMD_VMOVP, GITS_CMD_VSGI, GITS_CMD_VSYNC, GITS_CMD_VINVALL,
		GITS_CMD_INVDB, GITS_CMD_MAPD, GITS_CMD_VMAPP, 0xff,
	};

	dw[0] = r[0] < 0xf8 ? one_of(opcodes, r[0]) : r[1];
	dw[1] = 0;
	dw[2] = 0;
	dw[3] = 0;
	switch (dw[0]) {
	case GITS_CMD_MAPD:
		dw[0] |= (u64)a_device(r[1]) << 32;
		dw[1] = (event_bits(r[2]) - 1) & 31;
		dw[2] = (u64)(r[3] & 1) << 63 | (r[4] ? a_page(r[4]) : 0);
		break;
	case GITS_CMD_MAPC:
		dw[2] = (u64)!!(r[1] % 8) << 63 | an_rdbase(r[2]) | an_icid(r[3]);
		break;
	case GITS_CMD_INVALL:
		dw[2] = an_icid(r[1]);
		break;
	case GITS_CMD_SYNC:
	case GITS_CMD_MOVALL:
		dw[2] = an_rdbase(r[1]);
		dw[3] = dw[0] == GITS_CMD_SYNC ? 0 : an_rdbase(r[2]);
		break;
	case GITS_CMD_VMAPP:
		dw[1] = (u64)a_vpe(r[1]) << 32;
		dw[2] = (u64)(r[2] & 1) << 63 | an_rdbase(r[3]);
		dw[3] = a_block(r[4]) | (r[5] & 0x80 ? r[5] & 31 : LPI_BITS - 1);
		if (config.version >= 41) {
			dw[0] |= a_block(r[6]) | (u64)(r[2] >> 6) << 8;
			dw[1] |= an_intid(r[7]);
		}
		break;
	case GITS_CMD_VMOVP:
		dw[0] |= (u64)(r[1] & 3) << 32;
		dw[1] = (u64)a_vpe(r[2]) << 32 | (r[3] & 7);
		dw[2] = an_rdbase(r[4]) | (u64)(r[3] >> 7) << 63;
		dw[3] = an_intid(r[5]);
		break;
	case GITS_CMD_VSGI:
	case GITS_CMD_VSYNC:
	case GITS_CMD_VINVALL:
	case GITS_CMD_INVDB:
		dw[1] = (u64)a_vpe(r[1]) << 32;
		break;
	case 0xff:	/* anything */
		for (u32 i = 0; i < 32; i++)
			((u8 *)dw)[i] = r[1 + i % 8] + i;
		break;
	default:
		dw[0] |= (u64)a_device(r[1]) << 32;
		dw[1] = an_event(r[2]);
		if (dw[0] & 0x20)
			dw[1] |= (u64)a_vpe(r[3]) << 32;
		else
			dw[1] |= (u64)an_intid(r[3]) << 32;
		dw[2] = an_icid(r[4]);
		if (dw[0] & 0x20)
			dw[2] = (u64)an_intid(r[5]) << 32 | an_intid(r[4]);
	}
	/* One bit more or less */
	if (r[8] & 0x80)
		dw[r[8] & 3] ^= BIT_ULL(r[9] % 64);
}

static u64 a_value(u64 now, u64 pinned, const u8 *r)
{
	switch (r[0] % 11) {
	case 0: return now;
	case 1: return now ^ BIT_ULL(r[1] % 64);
	case 2: return 0;
	case 3: return 1;
	case 4: return ~0ULL;
	case 5: return r[1] * 32ULL;
	case 6: return host_offset(its);
	case 7: return (now & ~GENMASK_ULL(47, 16)) | a_block(r[1]);
	case 8: return pinned >> 32;
	case 9: return pinned;
	default: return r[1] | r[2] << 8 | (u64)r[3] << 16 | (u64)r[4] << 56;
	}
}

static void write_a_register(const u8 *r)
{
	static const u16 list[] = { GITS_CTLR, GITS_CBASER, GITS_CBASER + 4, GITS_CWRITER,
				    GITS_CWRITER + 4, GITS_CREADR, GITS_BASER, GITS_BASER + 4,
				    GITS_BASER + 8, GITS_BASER + 16, GITS_BASER + 56, 0x140, 4, 8,
				    0x20, 0x40, 0xf000, 0xfff8, 0xfffc, 0xc };
	u32 offset = one_of(list, r[0]);
	bool known = offset == GITS_CTLR || (offset & ~4U) == GITS_CBASER ||
		     (offset & ~4U) == GITS_CWRITER || (offset >= GITS_BASER && offset < 0x140);
	u64 now = known ? hw_peek(its, offset & ~4U) : 0;

	host_mmio(its, offset, a_value(now, hw_pinned(its, offset & ~4U), r + 2), r[1] & 1 ? 4 : 8);
}

static void abort_somehow(const u8 *r)
{
	u64 esr = (u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT | ESR_ELx_IL | ESR_ELx_ISV |
		  ESR_ELx_WNR | ESR_ELx_FSC_PERM_L(3);

	esr ^= (u64)(r[0] & 3) << 22 | (u64)(r[1] & 31) << 16;
	if (r[2] & 1)
		esr ^= BIT_ULL(r[3] % 32);
	host_abort(its, r[4] << 8 | r[5], esr, r[6] & 1 ? 0x10 : 0, a_value(0, 0, r + 7));
}

/* Calls of the trusted host, too late */
static void set_up_again(const u8 *r)
{
	struct pkvm_its_quirks quirks = {
		.itt_entry_size	= config.itt_entry_size,
		.lpi_bits	= LPI_BITS,
		.vpe_bits	= VPE_BITS,
		.device_bits	= config.device_bits,
	};
	u64 base = r[0] % 4 ? FRAME_BASE(its) : a_page(r[1]);
	s64 ret = -1;

	el2_enter();
	switch (r[2] % 8) {
	case 0: ret = its_prepare(base, &quirks); break;
	case 1: ret = its_hand_over_device(base, a_device(r[3]), a_page(r[4]), event_bits(r[5]));
		break;
	case 2: ret = its_hand_over_events(base, a_device(r[3]), an_event(r[4]), an_intid(r[5]), r[6]);
		break;
	case 3: ret = its_hand_over_collection(base, an_icid(r[3]), an_rdbase(r[4])); break;
	case 4: ret = its_take_over(base, a_page(r[3]), host_offset(its)); break;
	case 5: ret = its_add_redistributor(block_address(0), 77); break;
	case 6: its_abort(base); break;
	default: its_seal();
	}
	el2_leave();
	require("I4", ret < 0, "set-up after the seal: %lld", ret);
}

static void donate_to_arena(const u8 *r)
{
	u64 pfn = PHYS_PFN(a_page(r[1]));

	if (r[0] & 0x80)
		pfn = ~0ULL >> (r[0] & 31);
	else if (r[0] & 0x40)
		pfn = PHYS_PFN(RAM_BASE + r[1] % 32 * SZ_1M);
	el2_enter();
	its_arena_donate(pfn, r[2] < 0x80 ? r[2] % 13 : r[2]);
	el2_leave();
}

static void change_owner(u64 page, u8 how)
{
	switch (how % 6) {
	case 0: host_share(page); break;
	case 1: host_unshare(page); break;
	case 2: host_donate_guest(page); break;
	case 3: host_reclaim_guest(page); break;
	case 4: host_donate_private(page); break;
	default: /* what it can still write, it writes */
		if (host_may_access(page, 64))
			host_write(page, (u64[8]){ ~0ULL, 1, page | 1, BIT_ULL(63) | page }, 64);
	}
}

static void change_block(u64 block, int (*fn)(phys_addr_t pa))
{
	for (u64 at = block; at < block + VPE_BLOCK; at += PAGE_SIZE)
		fn(at);
}

/* Something is different after a loss of power, even if firmware restores GITS_CBASER. */
static bool el2_can_tell(unsigned int its)
{
	return hw_peek(its, GITS_CTLR) & GITS_CTLR_ENABLE || hw_peek(its, GITS_CREADR);
}

/*
 * Firmware doesn't ask, or does, and restores what registers it likes; not if EL2
 * wasn't asked and can't tell.
 */
static void lose_power(u8 how)
{
	bool may = true;

	if (how & 1)
		may = host_ask();
	for (u32 n = 0; may && n < config.nr_its; n++)
		hw_lose_power(n, how & 2 && (how & 1 || el2_can_tell(n)));
}

static u64 a_redist_value(u64 now, u64 pinned, const u8 *r)
{
	switch (r[0] % 14) {
	case 0: return now;
	case 1: return now ^ BIT_ULL(r[1] % 64);
	case 2: return 0;
	case 3: return 1;
	case 4: return ~0ULL;
	case 5: return pinned;
	case 6: return pinned >> 32;
	case 7: return pinned ^ BIT_ULL(r[1] % 64);
	case 8: return a_block(r[1]) | r[2];
	case 9: return a_block(r[1]) | (u64)(8 | r[2]) << 60;
	case 10: return BIT_ULL(63) | (u64)r[2] << 56 | a_vpe(r[1]);
	case 11: return an_intid(r[1]);
	case 12: return BIT_ULL(63) | (u64)a_vpe(r[1]) << 32 | an_intid(r[2]);
	default: return r[1] | r[2] << 8 | (u64)r[3] << 16 | (u64)r[4] << 56;
	}
}

static void write_a_redist_register(unsigned int cpu, const u8 *r)
{
	static const u32 list[] = { GICR_CTLR, GICR_WAKER, GICR_SETLPIR, GICR_CLRLPIR,
				    GICR_PROPBASER, GICR_PENDBASER, GICR_INVLPIR, GICR_INVALLR,
				    VLPI_FRAME + GICR_VPROPBASER, VLPI_FRAME + GICR_VPENDBASER,
				    VLPI_FRAME + GICR_VSGIR, GICR_IIDR, GICR_TYPER, GICR_STATUSR,
				    GICR_SYNCR, 0x20, 0xf000, 0xfff8, VLPI_FRAME,
				    VLPI_FRAME + GICR_VSGIPENDR, VLPI_FRAME + 0xfff8 };
	u32 n = r[0] % ARRAY_SIZE(list), offset = list[n];
	bool readable = n < 2 || n == 4 || n == 5 || n == 8 || n == 9;
	unsigned int size = r[1] & 1 ? 4 : 8;
	u64 now;

	if (offset >= VLPI_FRAME && config.version < 40)
		return;
	now = readable ? rd_peek(cpu, offset) : 0;
	/* GICR_WAKER with 64 bits: its neighbour */
	if (r[1] & 2)
		offset ^= 4;
	if (size == 8 && offset % 8)
		offset -= 4;
	now = a_redist_value(now, rd_pinned(cpu, list[n]), r + 2);
	if (r[1] >> 6 == 1)
		host_rd_mmio_from((r[1] >> 2) % NR_RDS, cpu, offset, now, size);
	else
		host_rd_mmio(cpu, offset, now, size);
}

/* Calls of the trusted host, too late */
static void set_up_redist_again(unsigned int cpu, u8 what)
{
	u64 bases[] = { RD_BASE(cpu), RD_BASE(cpu) + VLPI_FRAME, RD_BASE(NR_RD_FRAMES),
			FRAME_BASE(its), block_address(what % NR_BLOCKS) };
	u64 base = one_of(bases, what >> 1);
	s64 ret;

	el2_enter();
	ret = what & 1 ? its_take_redistributor(base) : redist_protect(base);
	el2_leave();
	require("I4", ret < 0, "set-up after the seal: %lld", ret);
}

/* Tables that EL2 keeps in the same list; shared, as nobody else knows of them */
static u64 a_far_block(u8 n, bool far)
{
	u64 block = a_block(n) + (far ? SZ_16M : 0);

	if (far)
		change_block(block, host_share);

	return block;
}

static void act_on_redist(const u8 *r)
{
	unsigned int cpu = (r[1] & 7) % NR_RD_FRAMES;
	u64 offset = r[2];

	switch (r[0] % 16) {
	case 0:
	case 1:
		write_a_redist_register(cpu, r + 2);
		break;
	case 2:
		for (u32 i = 0; i <= r[2] % 4; i++)
			rd_step(cpu);
		break;
	case 3:
		drv_bind_vpe(a_vpe(r[2]) | (r[7] & 1) << 16 | (r[7] & 2U) << 30,
			     a_far_block(r[3], r[8] & 1) | (r[5] & 1 ? r[6] << 8 : 0),
			     a_block(r[4]) | (r[5] & 2 ? r[6] << 8 : 0));
		break;
	case 4:
		drv_unbind_vpe(a_vpe(r[2]) | (r[3] & 1) << 16 | (r[3] & 2U) << 30);
		break;
	case 5:
	case 6:
		if (config.version < 40)
			break;
		/* One bit more or less */
		load_vpe(cpu, a_vpe(r[2]), a_far_block(r[3], r[7] & 1),
			 (a_block(r[4]) | (LPI_BITS - 1)) ^ (r[5] & 0x80 ? BIT_ULL(r[5] % 64) : 0),
			 r[6] & 0x80 ? BIT_ULL(r[6] % 64) : 0);
		break;
	case 7:
		if (config.version >= 40)
			drv_put_vpe(cpu, r[2] & 1);
		break;
	case 8:
		if (cpu >= NR_RDS)
			break;
		if (!(r[2] & 1))
			host_cpu_leaves(cpu);
		if (!(r[2] & 0x10))
			host_power(cpu, r[2] & 0x20);
		if ((r[2] & 3) == 2 && !rd_has_power(cpu))
			rd_lose_power(cpu, r[2] & 4);
		if (r[2] & 9)
			host_cpu_is_back(cpu);
		break;
	case 9:
		host_rd_mmio(cpu, GICR_CTLR, (rd_peek(cpu, GICR_CTLR) & ~1U) | (r[2] & 1), 4);
		break;
	case 10:
		drv_restore_lpis(cpu, r[2] & 1);
		drv_restore_vpe_table(cpu);
		break;
	case 11:
		change_owner(host_rd_table(r[2]) + r[4] * PAGE_SIZE, r[3]);
		break;
	case 12:
		set_up_redist_again(cpu, r[2]);
		break;
	case 13:
		redist_stat(r[2]);
		break;
	case 14:
		if (cpu < NR_RDS)
			drv_cpu_suspend(cpu, r[2] & 1, r[2] & 2);
		break;
	case 15:	/* without ceremony */
		host_rd_mmio(cpu, offset * 4 + (r[3] & 1 && config.version >= 40 ? VLPI_FRAME : 0),
			     a_redist_value(0, 0, r + 4), r[3] & 2 || offset & 1 ? 4 : 8);
		break;
	}
}

static void act(void);

static void act_elsewhere(void)
{
	u32 here = its;

	its = next8() % config.nr_its;
	act();
	its = here;
}

/* 12 bytes, whatever they mean */
static void act(void)
{
	u8 record[16] = {}, *r = record + 1;	/* what is beyond reads as 0 */
	u64 dw[4];

	for (u32 i = 0; i < 12; i++)
		record[i] = next8();

	/* No input had these when the redistributors came */
	if ((record[0] >= 122 && record[0] <= 128) || (record[0] >= 135 && record[0] <= 141)) {
		act_on_redist(r);
		return;
	}

	switch (record[0] % 40) {
	case 0 ... 7:
		a_command(dw, r);
		host_queue(its, dw);
		if (record[0] % 40 > 5)
			break;
		host_post(its);
		hw_step(its, 8);
		break;
	case 8:
		host_post(its);
		break;
	case 9:
		hw_step(its, r[0] % 16);
		break;
	case 10:
		its = r[0] % config.nr_its;
		break;
	case 11:
		write_a_register(r);
		break;
	case 12:
		abort_somehow(r);
		break;
	case 13:
		host_call(call_reserve_device, its, a_device(r[0]), event_bits(r[1]));
		break;
	case 14:
		require("I4", host_call(call_reserve_vpe, its, a_vpe(r[0]), 0) ||
			a_vpe(r[0]) < BIT(VPE_BITS), "vPE %x is none", a_vpe(r[0]));
		break;
	case 15:
		set_up_again(r);
		break;
	case 16:
		donate_to_arena(r);
		break;
	case 17:
		change_owner(a_page(r[0]), r[1]);
		break;
	case 18:
		change_block(a_block(r[0]), host_share);
		break;
	case 19:
		change_block(a_block(r[0]), host_unshare);
		break;
	case 20:
		a_command(dw, r + 1);
		memory_toctou(r[0] % 8, dw);
		break;
	case 21:
		race = act_elsewhere;
		race_after = r[0] % 4;
		break;
	case 22:
		hw_fail_next(its);
		break;
	case 23:
		hw_msi(its, a_device(r[0]), an_event(r[1]));
		break;
	case 24:
		hw_evict(its);
		break;
	case 25:
		lose_power(r[0]);
		break;
	case 26:
		host_mmio(its, GITS_CTLR, hw_peek(its, GITS_CTLR) & ~1ULL, 4);
		break;
	case 27:
		host_mmio(its, GITS_CTLR, hw_peek(its, GITS_CTLR) | 1, 4);
		break;
	case 28:
		host_restart_driver(its);
		break;
	case 29:
		host_suspend(r[0] & 1);
		break;
	case 30:
		host_set_offset(its, hw_peek(its, GITS_CWRITER) % config.queue_size & ~31ULL);
		break;
	case 31:
		its_stat(FRAME_BASE(its) + (r[0] & 1) * 8, r[1]);
		break;
	case 32:
		drv_map_device(its, a_device(r[0]), event_bits(r[1]));
		break;
	case 33:
		drv_unmap_device(its, a_device(r[0]));
		break;
	case 34:
		drv_map_event(its, a_device(r[0]), an_event(r[1]), an_intid(r[2]), r[3] % NR_RDS);
		break;
	case 35:
		drv_alloc_vpe(a_vpe(r[0]), a_block(r[1]), a_block(r[2]));
		drv_map_vpe(its, a_vpe(r[0]), a_block(r[1]), a_block(r[2]), r[3] % NR_RDS);
		break;
	case 36:
		drv_unmap_vpe(its, a_vpe(r[0]));
		break;
	case 37:
		drv_map_virtual(its, a_device(r[0]), an_event(r[1]), a_vpe(r[2]), an_intid(r[3]));
		break;
	case 38:
		drv_move_vpe(a_vpe(r[0]), r[1] % NR_RDS, r[2] & (BIT(config.nr_its) - 1));
		break;
	case 39:
		drv_event(its, GITS_CMD_DISCARD, a_device(r[0]), an_event(r[1]));
		break;
	}
}

/* The first bytes choose the machine. */
static void a_machine(struct config *c, struct boot *boot)
{
	static const u32 page_sizes[] = { SZ_4K, SZ_4K, SZ_16K, SZ_64K };
	static const u32 versions[] = { 30, 40, 41, 41 };
	static const u32 entry_sizes[] = { 8, 12, 16, 8 };
	u8 a = next8(), b = next8(), d = next8(), e = next8();

	*c = (struct config){
		.nr_its		= 1 + (a & 3) % 3,
		.version	= versions[(a >> 2) & 3],
		.itt_entry_size	= entry_sizes[(a >> 4) & 3],
		.page_size	= page_sizes[a >> 6],
		.pta		= b & 1,
		.indirect	= b & 2,
		.in_chip	= b & 4,
		.vmovp		= b & 8,
		.shared_vpes	= b & 16,
		.non_coherent	= b & 32,
		.dma32		= b & 64,
		.lying_typer	= b & 128,
		.stall		= d & 1,
		.busy		= d & 2,
		.eager		= d & 4,
		.queue_size	= (d & 0x18) == 0x18 ? SZ_64K : SZ_4K,
		.device_bits	= d & 0x20 ? 16 : d & 0x40 ? 10 : 18,
		.vlpi_rd_offset	= d & 0x80 ? 0x20000 : 0,
	};
	c->direct_lpis = e & 0x20;
	c->inv_lpis = e & 0x40;
	c->sticky_lpis = e & 0x80;
	c->rd_tables = 1 + c->pta;
	c->vmovp |= c->version < 40;
	c->shared_vpes &= c->version >= 41;
	c->lying_typer &= c->itt_entry_size == 16;
	if (!c->pta)
		c->vlpi_rd_offset = 0;
	*boot = (struct boot){ .nr_devices = e & 3, .busy = (e >> 2) & 7 };
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct config c;
	struct boot boot;

	input = data;
	input_end = data + size;
	its = 0;
	a_machine(&c, &boot);
	model_reset(&c);
	/* The driver keeps off what the host plays with */
	for (u32 i = 0; i < NR_BLOCKS; i++)
		for (u64 at = 0; at < VPE_BLOCK; at += PAGE_SIZE)
			page_of(block_address(i) + at)->used = true;
	host_boot(&boot);

	for (u32 i = 0; i < MAX_ACTIONS && input < input_end; i++) {
		act();
		oracle_check();
	}
	race = NULL;
	for (u32 n = 0; n < config.nr_its; n++)
		host_wait(n);
	oracle_check_drained();

	return 0;
}
