// SPDX-License-Identifier: GPL-2.0
/*
 * Software redistributors, after the architecture, as strict as the ITS is. Each reads
 * the configuration of LPIs and reads and writes their pending bits, while LPIs are
 * enabled; and does the same with the tables of a vPE, while one is resident and until
 * it has written back what it has of it. It takes its time for that, too.
 *
 * On GICv4.0 registers say where the tables of a vPE are; on GICv4.1 an entry of the
 * vPE table does, of the ITS's format: VMAPP makes it.
 */
#include "model.h"

#include <linux/array_size.h>

#include <nvhe/redist.h>

#include <sys/mman.h>

#define NR_GROUPS	2
#define WHOLE_SIZE	0x40000
#define V(reg)		(VLPI_FRAME + (reg))

/* Of GICR_VPROPBASER, read-only: as in its.c */
#define ENTRY_SIZE	FIELD_PREP(GICR_VPROPBASER_4_1_ENTRY_SIZE, 32 / 8 - 1)

/* How many steps it takes to stop */
#define STEPS		3

#define CTLR_DPG	GENMASK(26, 24)
#define BUSY		(GICR_VPENDBASER_Valid | GICR_VPENDBASER_Dirty)
/* Bits of the registers that are not RES0 */
#define ATTRIBUTES	(GENMASK_ULL(58, 56) | GENMASK_ULL(11, 7))
#define PROPBASER_BITS	(ATTRIBUTES | GENMASK_ULL(51, 12) | 0x1f)
#define PENDBASER_BITS	(ATTRIBUTES | GENMASK_ULL(51, 16) | GICR_PENDBASER_PTZ)
#define VPENDBASER_BITS	(ATTRIBUTES | GENMASK_ULL(51, 16) | GENMASK_ULL(63, 61))
#define VPENDBASER_41_BITS (GENMASK_ULL(63, 61) | GENMASK_ULL(59, 58) | GENMASK_ULL(15, 0))
#define VPROPBASER_41_BITS (GENMASK_ULL(9, 7) | GENMASK_ULL(11, 10) | BIT_ULL(63) | \
			    GENMASK_ULL(61, 59) | GENMASK_ULL(58, 56) | GENMASK_ULL(55, 52) | \
			    GENMASK_ULL(51, 12) | GENMASK_ULL(6, 0))

static struct rd {
	u32	ctlr, waker;
	u64	propbaser, pendbaser, vpropbaser, vpendbaser;
	u64	pinned_prop, pinned_pend, pinned_vprop;
	bool	pinned;
	u32	rwp;			/* steps until GICR_CTLR.RWP is clear */
	u32	dirty;			/* likewise GICR_VPENDBASER.Dirty */
	u32	turn;			/* which LPI is next */
	bool	posted;			/* another CPU's write may not have got there yet */
	bool	off;			/* powered down: it keeps its state, and shows nothing of it */
} rds[NR_RD_FRAMES];
static u8 *frames[NR_RD_FRAMES];

/* GICv4.1: the distinct vPE tables, as they were when the machine had booted */
static u64 tables[NR_GROUPS];
static u32 nr_tables;

static unsigned int index_of(const struct rd *rd)
{
	return rd - rds;
}

u64 rd_typer(unsigned int cpu)
{
	u64 typer = GICR_TYPER_PLPIS | (u64)host_processor(cpu) << 8 | (u64)cpu << 32;

	if (config.version >= 40)
		typer |= GICR_TYPER_VLPIS;
	if (config.version >= 41 || (config.version == 40 && config.pta))
		typer |= GICR_TYPER_DIRTY;
	if (config.version >= 41)
		typer |= GICR_TYPER_RVPEID;
	if (config.direct_lpis)
		typer |= GICR_TYPER_DirectLPIS;

	return typer;
}

bool rd_has_inv(void)
{
	return config.inv_lpis || config.direct_lpis || config.version >= 41;
}

void rd_reset(void)
{
	memset(rds, 0, sizeof(rds));
	nr_tables = 0;
	for (u32 n = 0; n < NR_RD_FRAMES; n++) {
		if (!frames[n])
			frames[n] = mmap(NULL, WHOLE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
					 -1, 0);
		rds[n].waker = GICR_WAKER_ProcessorSleep | GICR_WAKER_ChildrenAsleep;
	}
}

void *rd_frame(unsigned int cpu)
{
	return cpu < NR_RD_FRAMES ? frames[cpu] : NULL;
}

void rd_pin_registers(void)
{
	for (u32 n = 0; n < NR_RD_FRAMES; n++) {
		struct rd *rd = &rds[n];
		bool enabled = rd->ctlr & GICR_CTLR_ENABLE_LPIS;
		u32 i;

		rd->pinned = true;
		rd->pinned_prop = enabled ? rd->propbaser : 0;
		rd->pinned_pend = enabled ? rd->pendbaser : 0;
		if (config.version < 41 || !(rd->vpropbaser & GICR_VPROPBASER_4_1_VALID))
			continue;
		rd->pinned_vprop = rd->vpropbaser & ~GICR_VPROPBASER_4_1_Z;
		for (i = 0; i < nr_tables && tables[i] != rd->pinned_vprop; i++)
			;
		if (i == nr_tables)
			tables[nr_tables++] = rd->pinned_vprop;
	}
}

/* What a register held when the machine had booted */
u64 rd_pinned(unsigned int cpu, u32 offset)
{
	switch (offset) {
	case GICR_PROPBASER:	return rds[cpu].pinned_prop;
	case GICR_PENDBASER:	return rds[cpu].pinned_pend;
	case V(GICR_VPROPBASER): return rds[cpu].pinned_vprop;
	default:		return 0;
	}
}

/*
 * The table of vPEs, as GITS_BASER<n> has it
 */
static u64 as_baser(u64 vpropbaser)
{
	u64 words = FIELD_GET(GICR_VPROPBASER_4_1_ENTRY_SIZE, vpropbaser) + 1;

	return (vpropbaser & BIT_ULL(63)) |
	       (vpropbaser & GICR_VPROPBASER_4_1_INDIRECT ? GITS_BASER_INDIRECT : 0) |
	       (words * 8 - 1) << 48 | (vpropbaser & GENMASK_ULL(47, 12)) |
	       FIELD_GET(GICR_VPROPBASER_4_1_PAGE_SIZE, vpropbaser) << 8 |
	       (vpropbaser & 0x7f);
}

/* With a table of its own, of the redistributors that share it */
static u32 whose(void)
{
	return config.shared_vpes ? VTE_OF_ALL : VTE_OF_RDS;
}

/* The first ITS has mapped a vPE, or the last one has unmapped it. */
void rd_vmapp(u32 vpe, const struct vte *vte)
{
	if (config.shared_vpes)
		return;
	for (u32 i = 0; i < nr_tables; i++)
		require("I1", hw_put_vte(as_baser(tables[i]), whose(), vpe, vte),
			"redistributors have no memory for vPE %x", vpe);
}

/* The vPE, or the one whose pending table it is, is in use by a redistributor. */
static bool is_resident(const struct rd *rd, u64 vpendbaser)
{
	u64 what = config.version >= 41 ? GENMASK_ULL(15, 0) : GENMASK_ULL(51, 16);

	return rd->vpendbaser & BUSY && !((rd->vpendbaser ^ vpendbaser) & what);
}

bool rd_vpe_is_resident(u32 vpe)
{
	bool found = false;

	for (u32 n = 0; n < NR_RD_FRAMES; n++)
		found |= is_resident(&rds[n], vpe);

	return found;
}

/* False: there are no tables, as the ITS has failed on the vPE. */
static bool get_tables(const struct rd *rd, phys_addr_t *vpt, phys_addr_t *vconf)
{
	struct vte vte;

	if (config.version < 41) {
		*vpt = rd->vpendbaser & GENMASK_ULL(51, 16);
		*vconf = rd->vpropbaser & GENMASK_ULL(51, 12);
		return true;
	}
	if (!hw_get_vte(as_baser(rd->vpropbaser), whose(), rd->vpendbaser & 0xffff, &vte))
		vte.valid = false;
	require("I4", vte.valid || !hw_all_exact(), "vPE %llx is resident on CPU %u, and not mapped",
		rd->vpendbaser & 0xffff, index_of(rd));
	*vpt = vte.vpt;
	*vconf = vte.vconf;

	return vte.valid;
}

static void touch(phys_addr_t config_table, phys_addr_t pending, u32 lpi, enum dma what)
{
	u8 byte;

	dma_read(config_table + lpi - 8192, &byte, 1, DMA_VPE);
	dma_read(pending + lpi / 8, &byte, 1, what);
	dma_write(pending + lpi / 8, &byte, 1, what);
}

/* An LPI comes in, or a vLPI, or what is pending is written back. */
static void work(struct rd *rd)
{
	static const u32 lpis[] = { 8192, 65535, 9000, 0x7fff, 0x8000 };
	u32 lpi = lpis[rd->turn++ % ARRAY_SIZE(lpis)];
	phys_addr_t vpt, vconf;

	if (rd->off)
		return;
	if (rd->ctlr & GICR_CTLR_ENABLE_LPIS || rd->rwp)
		touch(rd->propbaser & GENMASK_ULL(51, 12), rd->pendbaser & GENMASK_ULL(51, 16), lpi,
		      DMA_PENDING);
	/* Before the seal, it is none of this host's */
	if (oracle_on && rd->vpendbaser & BUSY && get_tables(rd, &vpt, &vconf))
		touch(vconf, vpt, lpi, DMA_VPE);
}

void rd_work(void)
{
	for (u32 n = 0; n < NR_RD_FRAMES; n++)
		work(&rds[n]);
}

/* Some time passes. */
void rd_step(unsigned int cpu)
{
	struct rd *rd = &rds[cpu];

	work(rd);
	if (rd->off)
		return;
	if (rd->rwp)
		rd->rwp--;
	if (rd->dirty && !--rd->dirty)
		rd->vpendbaser &= ~GICR_VPENDBASER_Dirty;
}

/*
 * Registers
 */
u64 rd_peek(unsigned int cpu, u32 offset)
{
	const struct rd *rd = &rds[cpu];

	require("I5", offset < VLPI_FRAME || config.version >= 40, "read of VLPI_base");
	switch (offset) {
	case GICR_CTLR:
		return rd->ctlr | (config.sticky_lpis ? 0 : GICR_CTLR_CES) |
		       (config.inv_lpis ? GICR_CTLR_IR : 0) | (rd->rwp ? GICR_CTLR_RWP : 0);
	case GICR_TYPER:
		return rd_typer(cpu);
	case GICR_WAKER:
		return rd->waker;
	case GICR_PROPBASER:
		return rd->propbaser;
	case GICR_PENDBASER:
		return rd->pendbaser;
	case V(GICR_VPROPBASER):
		return rd->vpropbaser | (config.version >= 41 ? ENTRY_SIZE : 0);
	case V(GICR_VPENDBASER):
		return rd->vpendbaser;
	default:
		violation("I5", "read of register %x of a redistributor", offset);
	}
}

u64 rd_read(unsigned int cpu, u32 offset)
{
	rds[cpu].posted = false;

	return rds[cpu].off ? 0 : rd_peek(cpu, offset);
}

static void write_ctlr(struct rd *rd, u32 value)
{
	bool was = rd->ctlr & GICR_CTLR_ENABLE_LPIS, is = value & GICR_CTLR_ENABLE_LPIS;

	require("I4", !(value & ~(GICR_CTLR_ENABLE_LPIS | CTLR_DPG)), "GICR_CTLR := %x", value);
	require("I4", !rd->pinned || !((value ^ rd->ctlr) & CTLR_DPG), "GICR_CTLR.DPG changes: %x",
		value);
	if (is && !was) {
		require("I4", !rd->rwp, "LPIs enabled while GICR_CTLR.RWP is set");
		require("I1", !rd->pinned || (rd->pinned_prop && rd->propbaser == rd->pinned_prop &&
					      rd->pendbaser == rd->pinned_pend),
			"CPU %u: LPIs enabled with other tables", index_of(rd));
		require("I4", (rd->propbaser & 0x1f) < LPI_BITS, "%llu bits of an INTID",
			(rd->propbaser & 0x1f) + 1);
	}
	require("I4", !was || is || !(rd->vpendbaser & BUSY),
		"CPU %u: LPIs disabled while a vPE is resident", index_of(rd));
	if (was && !is && config.sticky_lpis)
		value |= GICR_CTLR_ENABLE_LPIS;
	else if (was && !is)
		rd->rwp = STEPS;
	rd->ctlr = value;
}

static void write_table(struct rd *rd, u64 *reg, u64 value, u64 pinned, const char *name)
{
	require("I4", !(rd->ctlr & GICR_CTLR_ENABLE_LPIS),
		"%s written while LPIs are enabled", name);
	require("I4", !rd->rwp, "%s written while GICR_CTLR.RWP is set", name);
	require("I1", !rd->pinned || (pinned && value == pinned), "%s := %llx", name, value);
	/* Write-only */
	*reg = value & ~(reg == &rd->pendbaser ? GICR_PENDBASER_PTZ : 0);
}

static void check_lpi(u64 intid)
{
	require("I1", intid >= 8192 && intid < BIT(LPI_BITS), "INTID %llx is beyond the LPI tables",
		intid);
}

/* Its entry is there to be looked up. */
static void check_vpe(const struct rd *rd, u32 vpe)
{
	struct vte vte;

	require("I4", !hw_all_exact() || (hw_get_vte(as_baser(rd->vpropbaser), whose(), vpe, &vte) &&
					  vte.valid), "vPE %x is not mapped", vpe);
}

static void write_inv(struct rd *rd, u32 offset, u64 value)
{
	u64 bits = offset == GICR_INVLPIR ? GENMASK_ULL(31, 0) : 0;

	require("I4", rd_has_inv(), "there is no register %x", offset);
	if (value >> 63) {
		require("I4", config.version >= 41, "register %x: V on GICv%u", offset,
			config.version);
		bits |= GENMASK_ULL(47, 32) | BIT_ULL(63);
		check_vpe(rd, value >> 32 & 0xffff);
	}
	require("I4", !(value & ~bits), "register %x: RES0 bits: %llx", offset, value);
	if (offset == GICR_INVLPIR)
		check_lpi(value & bits & GENMASK_ULL(31, 0));
}

static void write_vpropbaser(struct rd *rd, u64 value)
{
	phys_addr_t table = value & GENMASK_ULL(51, 12);

	require("I4", !(rd->vpendbaser & BUSY), "GICR_VPROPBASER written while a vPE is resident");
	if (config.version >= 41) {
		require("I4", !(value & ~VPROPBASER_41_BITS), "GICR_VPROPBASER := %llx", value);
		require("I4", !rd->pinned || !(rd->vpropbaser & GICR_VPROPBASER_4_1_VALID),
			"GICR_VPROPBASER changes while valid: %llx", value);
		require("I1", !rd->pinned || (value && value == rd->pinned_vprop),
			"GICR_VPROPBASER := %llx", value);
	} else {
		require("I4", !(value & ~PROPBASER_BITS), "GICR_VPROPBASER := %llx", value);
		require("I4", (value & 0x1f) < LPI_BITS, "%llu bits of a vINTID", (value & 0x1f) + 1);
		for (u64 at = table; oracle_on && table && at < table + VPE_BLOCK; at += PAGE_SIZE)
			require("I1", in_ram(at, PAGE_SIZE) && page_of(at)->shared &&
				page_of(at)->owner == OWNER_HOST && page_of(at)->pins,
				"GICR_VPROPBASER names %llx", at);
	}
	rd->vpropbaser = value;
}

static void write_vpendbaser(struct rd *rd, u64 value)
{
	bool was = rd->vpendbaser & GICR_VPENDBASER_Valid, is = value & GICR_VPENDBASER_Valid;
	bool v41 = config.version >= 41;
	u64 old = rd->vpendbaser, may = GENMASK_ULL(63, 61);
	phys_addr_t vpt, vconf;

	require("I4", !(value & ~(v41 ? VPENDBASER_41_BITS : VPENDBASER_BITS)),
		"GICR_VPENDBASER := %llx", value);
	/* It may be UNKNOWN as long as a vPE is resident */
	require("I4", !(old & GICR_VPENDBASER_Dirty) ||
		(was && !(rd_typer(index_of(rd)) & GICR_TYPER_DIRTY)),
		"GICR_VPENDBASER written while dirty");
	if (was) {
		require("I4", !is, "GICR_VPENDBASER written while valid");
		require("I4", !((old ^ value) & ~(may | GICR_VPENDBASER_Dirty)),
			"GICR_VPENDBASER changes: %llx, %llx", old, value);
		rd->vpendbaser = (value & ~GICR_VPENDBASER_Valid) | GICR_VPENDBASER_Dirty;
		rd->dirty = STEPS;
		return;
	}
	if (!is) {
		require("I4", !rd->pinned, "GICR_VPENDBASER := %llx, to no effect", value);
		rd->vpendbaser = value;
		return;
	}

	require("I4", !rd->pinned || rd->pinned_prop, "a vPE on CPU %u, which was never online",
		index_of(rd));
	require("I4", rd->ctlr & GICR_CTLR_ENABLE_LPIS, "a vPE on CPU %u, without LPIs", index_of(rd));
	for (u32 n = 0; n < NR_RD_FRAMES; n++)
		require("I4", !is_resident(&rds[n], value), "what is resident on CPU %u gets so on "
			"CPU %u: %llx", n, index_of(rd), value);
	require("I1", v41 || (rd->vpropbaser & 0x1f) == LPI_BITS - 1, "%llu bits of a vINTID",
		(rd->vpropbaser & 0x1f) + 1);
	rd->vpendbaser = value;
	require("I4", !v41 || rd->vpropbaser >> 63, "a vPE is resident without a vPE table");
	/* It begins with a look at all that is pending. */
	rd->vpendbaser |= GICR_VPENDBASER_Dirty;
	rd->dirty = STEPS;
	if (get_tables(rd, &vpt, &vconf))
		touch(vconf, vpt, 65535, DMA_VPE);
}

/*
 * Its CPU alone has a redistributor use a table, or no longer: so there is power. That
 * GICv4.0 forgets a configuration table, if nothing is resident, is no such thing.
 */
bool rd_is_own(u32 offset, u64 value)
{
	switch (offset) {
	case GICR_SETLPIR:
	case GICR_CLRLPIR:
	case GICR_INVLPIR:
	case GICR_INVALLR:
	case V(GICR_VSGIR):
		return false;
	case V(GICR_VPROPBASER):
		return config.version >= 41 || value & GENMASK_ULL(51, 12);
	default:
		return true;
	}
}

static void check_own(unsigned int cpu, u32 offset, u64 value)
{
	require("I4", this_cpu == cpu || !rd_is_own(offset, value),
		"register %x of CPU %u := %llx on another CPU", offset, cpu, value);
	require("I4", !rds[cpu].off || !rd_is_own(offset, ~0ULL),
		"register %x of CPU %u, which has no power, is written", offset, cpu);
}

/* Two CPUs may write a register at a time, or make the same vPE resident. */
static void check_lock(u32 offset, u64 value)
{
	switch (offset) {
	case GICR_SETLPIR:
	case GICR_CLRLPIR:
		return;
	/* One CPU only */
	case GICR_WAKER:
	case GICR_PROPBASER:
	case GICR_PENDBASER:
		return;
	case GICR_INVLPIR:
	case GICR_INVALLR:
		if (!(value >> 63))
			return;
		fallthrough;
	default:
		require("I5", its_vpe_lock.held, "write of register %x without a lock", offset);
	}
}

void rd_poke(unsigned int cpu, u32 offset, u64 value, unsigned int size)
{
	struct rd *rd = &rds[cpu];
	bool narrow = offset == GICR_CTLR || offset == GICR_WAKER || offset == V(GICR_VSGIR);

	say("  CPU %u: register %x := %llx", cpu, offset, value);
	require("I4", size == (narrow ? 4 : 8), "write of register %x with %u bytes", offset, size);
	require("I4", offset < VLPI_FRAME || config.version >= 40, "write to VLPI_base");
	if (rd->pinned) {
		check_lock(offset, value);
		check_own(cpu, offset, value);
		rd->posted |= this_cpu != cpu && rd_is_own(offset, ~0ULL);
	}
	if (rd->off)
		return;
	switch (offset) {
	case GICR_CTLR:
		write_ctlr(rd, value);
		return;
	case GICR_WAKER:
		require("I4", !((rd->waker ^ value) & ~GICR_WAKER_ProcessorSleep),
			"GICR_WAKER := %llx", value);
		rd->waker = value & GICR_WAKER_ProcessorSleep ?
			    GICR_WAKER_ProcessorSleep | GICR_WAKER_ChildrenAsleep : 0;
		return;
	case GICR_PROPBASER:
		require("I4", !(value & ~PROPBASER_BITS), "GICR_PROPBASER := %llx", value);
		write_table(rd, &rd->propbaser, value, rd->pinned_prop, "GICR_PROPBASER");
		return;
	case GICR_PENDBASER:
		require("I4", !(value & ~PENDBASER_BITS), "GICR_PENDBASER := %llx", value);
		write_table(rd, &rd->pendbaser, value, rd->pinned_pend, "GICR_PENDBASER");
		return;
	case GICR_SETLPIR:
	case GICR_CLRLPIR:
		require("I4", config.direct_lpis, "there is no register %x", offset);
		check_lpi(value);
		if (rd->ctlr & GICR_CTLR_ENABLE_LPIS)
			work(rd);
		return;
	case GICR_INVLPIR:
	case GICR_INVALLR:
		write_inv(rd, offset, value);
		work(rd);
		return;
	case V(GICR_VPROPBASER):
		write_vpropbaser(rd, value);
		return;
	case V(GICR_VPENDBASER):
		write_vpendbaser(rd, value);
		return;
	case V(GICR_VSGIR):
		require("I4", config.version >= 41 && !(value >> 16), "GICR_VSGIR := %llx", value);
		check_vpe(rd, value);
		return;
	default:
		violation("I4", "write of register %x of a redistributor", offset);
	}
}

/* A vPE that nobody knows, from before: the last step of its life */
void rd_leave_resident(unsigned int cpu)
{
	rds[cpu].vpendbaser |= config.pta ? GICR_VPENDBASER_Valid : GICR_VPENDBASER_Dirty;
}

/* EL2's accesses. Returns false if that is no frame of a redistributor. */
bool rd_find(const volatile void *reg, unsigned int size, unsigned int *cpu, u32 *offset)
{
	for (u32 n = 0; n < NR_RD_FRAMES; n++) {
		if ((u8 *)reg < frames[n] || (u8 *)reg >= frames[n] + WHOLE_SIZE)
			continue;
		*offset = (u8 *)reg - frames[n];
		*cpu = n;
		require("I5", *offset % size == 0, "misaligned access to register %x of a redistributor",
			*offset);
		if (config.eager)
			rd_step(n);
		return true;
	}

	return false;
}

/*
 * All registers lose their values, and the vPE its residence. Firmware may have saved
 * those for LPIs, and restores them.
 */
void rd_lose_power(unsigned int cpu, bool restore)
{
	struct rd *rd = &rds[cpu], old = *rd;

	require("model", rd->off || !oracle_on || cpu >= NR_RDS, "CPU %u is running", cpu);
	*rd = (struct rd){
		.off		= old.off,
		.pinned_prop	= old.pinned_prop,
		.pinned_pend	= old.pinned_pend,
		.pinned_vprop	= old.pinned_vprop,
		.pinned		= old.pinned,
		.waker		= GICR_WAKER_ProcessorSleep | GICR_WAKER_ChildrenAsleep,
		.turn		= old.turn,
	};
	if (!restore)
		return;
	rd->propbaser = old.propbaser;
	rd->pendbaser = old.pendbaser;
	rd->ctlr = old.ctlr;
}

/* EL2 leaves: the CPU of each redistributor may have it powered down, as far as EL2 knows. */
void rd_all_arrived(void)
{
	for (u32 n = 0; n < NR_RD_FRAMES; n++)
		require("I3", !rds[n].posted || !oracle_on, "CPU %u: is the configuration forgotten?",
			n);
}

/* Its state stays, unless rd_lose_power() follows. */
void rd_power(unsigned int cpu, bool on)
{
	require("model", !its_vpe_lock.held, "EL2 counts on the power of a redistributor");
	say("  CPU %u: power %s", cpu, on ? "on" : "off");
	rds[cpu].off = !on;
}

bool rd_has_power(unsigned int cpu)
{
	return !rds[cpu].off;
}

/* For the oracle: all memory that a redistributor might read or write, with power or without */
void rd_walk_uses(unsigned int cpu, use_fn fn)
{
	const struct rd *rd = &rds[cpu];
	u64 vprop = rd->vpropbaser, page_size, entry;
	phys_addr_t vpt, vconf;

	if (rd->ctlr & GICR_CTLR_ENABLE_LPIS || rd->rwp) {
		fn(USE_CONFIG, cpu, cpu, rd->propbaser & GENMASK_ULL(51, 12), BIT(LPI_BITS) - 8192);
		fn(USE_PENDING, cpu, cpu, rd->pendbaser & GENMASK_ULL(51, 16), BIT(LPI_BITS) / 8);
	}
	/* Of whom the pending table is, GICv4.0 doesn't know */
	if (rd->vpendbaser & BUSY && get_tables(rd, &vpt, &vconf)) {
		fn(USE_VPT, cpu, config.version >= 41 ? rd->vpendbaser & 0xffff : ~0U, vpt,
		   BIT(LPI_BITS) / 8);
		fn(USE_VCONF, cpu, 0, vconf, BIT(LPI_BITS) - 8192);
	}
	if (config.version == 40 && vprop & GENMASK_ULL(51, 12))
		fn(USE_VCONF, cpu, 0, vprop & GENMASK_ULL(51, 12), BIT(LPI_BITS) - 8192);
	if (config.version < 41 || !(vprop & GICR_VPROPBASER_4_1_VALID))
		return;

	page_size = hw_page_size(as_baser(vprop));
	fn(USE_TABLE, cpu, 2, vprop & GENMASK_ULL(51, 12), ((vprop & 0x7f) + 1) * page_size);
	if (!(vprop & GICR_VPROPBASER_4_1_INDIRECT))
		return;
	for (u64 i = 0; i < ((vprop & 0x7f) + 1) * page_size / 8; i++) {
		entry = *(volatile u64 *)hyp_phys_to_virt((vprop & GENMASK_ULL(51, 12)) + i * 8);
		if (entry >> 63)
			fn(USE_TABLE, cpu, 2, entry & GENMASK_ULL(51, 12), page_size);
	}
}
