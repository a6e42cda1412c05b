// SPDX-License-Identifier: GPL-2.0-only
/*
 * The redistributors of the GIC, as the host gets to see them.
 *
 * A redistributor masters memory as the ITS does: it reads the configuration of LPIs
 * at GICR_PROPBASER, reads and writes their pending bits at GICR_PENDBASER, and has
 * tables of vPEs at GICR_VPROPBASER and GICR_VPENDBASER. The registers that say where
 * are in two frames, RD_base and VLPI_base. The host reads them freely, and EL2
 * performs its writes, if the register table has a row that allows them. SGI_base,
 * which is written all the time, holds no address and stays the host's.
 *
 * LPIs are set up by the time the host is deprivileged, on every CPU that ever will
 * be online: EL2's PSCI relay lets no other CPU boot. So the tables of LPIs are those
 * that the registers name then, or there are none. Pending tables are of no interest
 * to a driver and become EL2's. The configuration table is written by the driver, a
 * byte for each mask and unmask; it is shared and pinned.
 *
 * The tables of vPEs come and go. On GICv4.1 a vPE is made resident by its number; its
 * tables are those of VMAPP. On GICv4.0 the host writes the addresses of its tables,
 * which EL2 knows, and has pinned, since the vPE was bound. EL2 uses these addresses
 * to find the vPE, and what it writes to the hardware it takes from its own record.
 */

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/sizes.h>
#include <linux/wordpart.h>

#include <asm/barrier.h>
#include <asm/cputype.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/mmio.h>
#include <nvhe/redist.h>
#include <nvhe/spinlock.h>

#define REDIST_FRAME_SIZE	SZ_64K
#define VLPI_FRAME		SZ_128K
#define VLPI(reg)		(VLPI_FRAME + (reg))

/* What is reserved for a pending or configuration table of up to 2^16 INTIDs */
#define REDIST_TABLE_SIZE	SZ_64K

/* There is one for the redistributors of a chip, at most. */
#define REDIST_MAX_VPE_TABLES	64

#define GICR_CTLR_DPG		GENMASK(26, 24)

static struct redist redists[NR_CPUS];
static unsigned int nr_redists;

/* The same for all; 0 if no redistributor uses LPIs */
static phys_addr_t lpi_config;

/* GICv4.1: the distinct vPE tables of all redistributors; set up before the seal */
static struct its_table vpe_tables[REDIST_MAX_VPE_TABLES];
static unsigned int nr_vpe_tables;

static bool redist_is_v4_1(const struct redist *rd)
{
	return rd->typer & GICR_TYPER_RVPEID;
}

static u64 redist_read_propbaser(const struct redist *rd)
{
	return readq_relaxed(rd->frame + GICR_PROPBASER);
}

/* PTZ is write-only, and of no meaning once LPIs are enabled. */
static u64 redist_read_pendbaser(const struct redist *rd)
{
	return readq_relaxed(rd->frame + GICR_PENDBASER) & ~GICR_PENDBASER_PTZ;
}

/* Z said what was in the table once. */
static u64 redist_read_vpe_table(const struct redist *rd)
{
	return readq_relaxed(rd->vlpi + GICR_VPROPBASER) & ~GICR_VPROPBASER_4_1_Z;
}

/* All of it may have been lost with the power. */
static bool redist_has_vpe_table(const struct redist *rd)
{
	return rd->vpe_table && redist_read_vpe_table(rd) == rd->vpe_table;
}

/*
 * LPIs can be enabled if the trusted host had enabled them, and then only with the
 * tables that they had. After a loss of power, firmware or a driver restores both.
 */
static bool redist_is_configured(const struct redist *rd)
{
	return rd->propbaser && redist_read_propbaser(rd) == rd->propbaser &&
	       redist_read_pendbaser(rd) == rd->pendbaser;
}

static bool redist_lpis_are_on(const struct redist *rd)
{
	return readl_relaxed(rd->frame + GICR_CTLR) & GICR_CTLR_ENABLE_LPIS;
}

/*
 * The redistributor neither uses the tables of a vPE nor has anything to write to them.
 *
 * One that is powered down reads as zero, and may go on where it was when the power
 * comes back: it isn't idle, if it wasn't before. The caller holds its_vpe_lock, unless
 * no vPE has ever been resident.
 */
static bool redist_is_idle(const struct redist *rd)
{
	/* Pairs with redist_power_up(): if there is power, it stays as long as the lock */
	if (smp_load_acquire(&rd->off))
		return false;

	return !(readq_relaxed(rd->vlpi + GICR_VPENDBASER) &
		 (GICR_VPENDBASER_Valid | GICR_VPENDBASER_Dirty));
}

static u64 redist_vconf_idbits(void)
{
	return FIELD_PREP(GICR_VPROPBASER_IDBITS_MASK, its_lpi_bits() - 1);
}

/**
 * redist_has_vpe() - May a redistributor use the tables of a vPE?
 * @vpe:	the caller holds its_vpe_lock
 *
 * If it has none resident any more, and nothing left to write, that is forgotten.
 */
bool redist_has_vpe(struct its_vpe_record *vpe)
{
	struct redist *rd = vpe->resident;

	if (!rd)
		return false;
	if (!redist_is_idle(rd))
		return true;

	/* GICv4.0: it names the configuration table, though to no effect */
	if (!redist_is_v4_1(rd)) {
		writeq_relaxed(redist_vconf_idbits(), rd->vlpi + GICR_VPROPBASER);
		/* It has got there before anybody can rely on that */
		readq_relaxed(rd->vlpi + GICR_VPROPBASER);
	}
	vpe->resident = NULL;
	/* Pairs with redist_power_down(): the power has lasted until now */
	smp_store_release(&rd->vpe, NULL);

	return false;
}

/* The vPE that was resident last: if that is over, and nobody else uses its tables. */
static void redist_release_vpe(struct redist *rd)
{
	struct its_vpe_record *vpe = rd->vpe;

	if (vpe && !redist_has_vpe(vpe))
		its_unpin_vpe(vpe);
}

/**
 * redist_power_down() - A redistributor may lose its power from now on
 * @rd:		of this CPU, which is about to leave it to firmware to be powered down
 *
 * Called without a lock, often, if the CPU is idle. It waits for its_vpe_lock only if
 * there is a vPE, which no other CPU can have made resident: whoever holds that lock, and
 * finds @rd to have a vPE, and @off not to be set, may rely on its power for as long as
 * both is so. A driver has put its vPE, and seen that this is done: now EL2 sees it, too. If
 * it isn't, the vPE stays where it is, for EL2, until the CPU is back.
 */
void redist_power_down(struct redist *rd)
{
	/* Pairs with redist_has_vpe() */
	if (!smp_load_acquire(&rd->vpe))
		return;

	hyp_spin_lock(&its_vpe_lock);
	redist_release_vpe(rd);
	if (rd->vpe) {
		WRITE_ONCE(rd->off, true);
		rd->stats[PKVM_REDIST_ABANDONED]++;
	}
	hyp_spin_unlock(&its_vpe_lock);
}

/**
 * redist_power_up() - A redistributor has power again, or hasn't lost it
 * @rd:		of this CPU, which is back from firmware, or here for the first time
 *
 * Takes no lock. Only this CPU has set @off.
 */
void redist_power_up(struct redist *rd)
{
	if (!rd->off)
		return;

	/* Pairs with redist_is_idle() */
	smp_store_release(&rd->off, false);
}

/*
 * Where PPIs may go (DPG) stays as it is: no driver has a say in it. What becomes of a
 * vPE that is resident when LPIs are disabled, the architecture doesn't say.
 */
static enum pkvm_mmio_result redist_write_ctlr(struct redist *rd,
					       const struct pkvm_mmio_write *write)
{
	u32 old = readl_relaxed(rd->frame + GICR_CTLR);
	u32 enable = write->value & GICR_CTLR_ENABLE_LPIS;

	if (enable && !(old & GICR_CTLR_ENABLE_LPIS) &&
	    ((old & GICR_CTLR_RWP) || !redist_is_configured(rd)))
		return PKVM_MMIO_IGNORED;
	if (!enable) {
		redist_release_vpe(rd);
		if (rd->vpe)
			return PKVM_MMIO_IGNORED;
	}

	writel_relaxed((old & GICR_CTLR_DPG) | enable, rd->frame + GICR_CTLR);

	return PKVM_MMIO_OK;
}

/* Power management of IMPLEMENTATION DEFINED kind is in the other bits. */
static enum pkvm_mmio_result redist_write_waker(struct redist *rd,
						const struct pkvm_mmio_write *write)
{
	u32 old = readl_relaxed(rd->frame + GICR_WAKER);

	writel_relaxed((old & ~GICR_WAKER_ProcessorSleep) |
		       (write->value & GICR_WAKER_ProcessorSleep), rd->frame + GICR_WAKER);

	return PKVM_MMIO_OK;
}

/* Writing the registers of the tables is UNPREDICTABLE otherwise. */
static bool redist_lpis_are_off(const struct redist *rd)
{
	return !(readl_relaxed(rd->frame + GICR_CTLR) &
		 (GICR_CTLR_ENABLE_LPIS | GICR_CTLR_RWP));
}

static enum pkvm_mmio_result redist_write_pinned(struct redist *rd, u64 pinned,
						 void __iomem *reg,
						 const struct pkvm_mmio_write *write)
{
	if (!pinned || !pkvm_mmio_is_pinned(write, pinned) || !redist_lpis_are_off(rd))
		return PKVM_MMIO_IGNORED;

	writeq_relaxed(pinned, reg);

	return PKVM_MMIO_OK;
}

static enum pkvm_mmio_result redist_write_propbaser(struct redist *rd,
						    const struct pkvm_mmio_write *write)
{
	return redist_write_pinned(rd, rd->propbaser, rd->frame + GICR_PROPBASER, write);
}

static enum pkvm_mmio_result redist_write_pendbaser(struct redist *rd,
						    const struct pkvm_mmio_write *write)
{
	return redist_write_pinned(rd, rd->pendbaser, rd->frame + GICR_PENDBASER, write);
}

/* As long as the number of LPIs is not known, the host is trusted. */
static bool redist_lpi_is_valid(u64 intid)
{
	return !its_lpi_bits() || (!upper_32_bits(intid) && its_lpi_is_valid(intid));
}

/* Make an LPI pending, or not. Without these registers, who knows what is there. */
static enum pkvm_mmio_result redist_write_lpir(struct redist *rd,
					       const struct pkvm_mmio_write *write)
{
	if (!(rd->typer & GICR_TYPER_DirectLPIS))
		return PKVM_MMIO_IGNORED;
	if (!redist_lpi_is_valid(write->value))
		return PKVM_MMIO_IGNORED;

	writeq_relaxed(write->value, rd->frame + write->offset);

	return PKVM_MMIO_OK;
}

/*
 * GICv4.1: a vPE whose entry the redistributor may look up, as the ITSs that map it have
 * got there. NULL if there is none. That there is memory for it, VMAPP has made sure.
 * The caller holds its_vpe_lock.
 */
static struct its_vpe_record *redist_find_mapped(const struct redist *rd, u32 id)
{
	struct its_vpe_record *vpe = its_find_vpe(id);

	if (!vpe || !vpe->mapped || vpe->mapping || vpe->unmapping)
		return NULL;

	return redist_has_vpe_table(rd) ? vpe : NULL;
}

/* For a physical LPI, a vLPI of a vPE, or all LPIs of either. */
static enum pkvm_mmio_result redist_write_inv(struct redist *rd,
					      const struct pkvm_mmio_write *write)
{
	u64 value = write->value & GICR_INVLPIR_V;
	enum pkvm_mmio_result res = PKVM_MMIO_OK;

	if (!rd->has_inv)
		return PKVM_MMIO_IGNORED;

	if (write->offset == GICR_INVLPIR) {
		if (!redist_lpi_is_valid(lower_32_bits(write->value)))
			return PKVM_MMIO_IGNORED;
		value |= lower_32_bits(write->value);
	}

	/* Frequent for LPIs: these don't wait for anybody */
	if (!(value & GICR_INVLPIR_V)) {
		writeq_relaxed(value, rd->frame + write->offset);
		return PKVM_MMIO_OK;
	}

	hyp_spin_lock(&its_vpe_lock);
	if (redist_find_mapped(rd, FIELD_GET(GICR_INVLPIR_VPEID, write->value)))
		writeq_relaxed(value | (write->value & GICR_INVLPIR_VPEID),
			       rd->frame + write->offset);
	else
		res = PKVM_MMIO_IGNORED;
	hyp_spin_unlock(&its_vpe_lock);

	return res;
}

/* As long as there is no seal, the host is trusted, or there is nothing to protect. */
static enum pkvm_mmio_result redist_forward(void __iomem *reg,
					    const struct pkvm_mmio_write *write)
{
	if (write->size != sizeof(u64))
		return PKVM_MMIO_IGNORED;

	writeq_relaxed(write->value, reg);

	return PKVM_MMIO_OK;
}

/*
 * GICv4.0: what comes first when a vPE is made resident. Writing it is UNPREDICTABLE
 * while one is, and there is nothing to check it against yet: it is written with the
 * address of the pending table.
 */
static enum pkvm_mmio_result redist_write_vpropbaser(struct redist *rd,
						     const struct pkvm_mmio_write *write)
{
	if (redist_is_v4_1(rd)) {
		void __iomem *reg = rd->vlpi + GICR_VPROPBASER;

		if (!rd->vpe_table || !pkvm_mmio_is_pinned(write, rd->vpe_table) ||
		    !redist_is_idle(rd) || (readq_relaxed(reg) & GICR_VPROPBASER_4_1_VALID))
			return PKVM_MMIO_IGNORED;

		writeq_relaxed(rd->vpe_table, reg);

		return PKVM_MMIO_OK;
	}

	if (!its_is_sealed())
		return redist_forward(rd->vlpi + GICR_VPROPBASER, write);
	if (write->size != sizeof(u64) || !rd->taken)
		return PKVM_MMIO_IGNORED;

	rd->next_vconf = write->value;

	return PKVM_MMIO_OK;
}

/* In the same place in all registers of the redistributor that hold an address */
#define TABLE_ATTRIBUTES	(GICR_PROPBASER_SHAREABILITY_MASK | \
				 GICR_PROPBASER_INNER_CACHEABILITY_MASK | \
				 GICR_PROPBASER_OUTER_CACHEABILITY_MASK)
#define VPENDBASER_ADDRESS	GENMASK_ULL(51, 16)

/* The vPE that the host means; NULL if EL2 knows none whose tables are pinned. */
static struct its_vpe_record *redist_find_vpe(const struct redist *rd, u64 vpendbaser)
{
	struct its_vpe_record *vpe;

	if (!redist_is_v4_1(rd)) {
		vpe = its_find_vpe_by_vpt(vpendbaser & VPENDBASER_ADDRESS);

		/* Of the configuration table, only VMAPP of GICv4.1 and the host tell */
		if (!vpe || !vpe->vconf ||
		    (rd->next_vconf & GICR_PROPBASER_ADDRESS(~0ULL)) != vpe->vconf ||
		    FIELD_GET(GICR_VPROPBASER_IDBITS_MASK, rd->next_vconf) !=
		    its_lpi_bits() - 1)
			return NULL;

		return vpe;
	}

	return redist_find_mapped(rd, FIELD_GET(GICR_VPENDBASER_4_1_VPEID, vpendbaser));
}

/* The attributes are those of the tables of LPIs: the driver's are the same for all. */
static void redist_load_vpe(struct redist *rd, struct its_vpe_record *vpe, u64 value)
{
	WRITE_ONCE(rd->vpe, vpe);
	vpe->resident = rd;
	rd->stats[PKVM_REDIST_RESIDENT]++;

	if (redist_is_v4_1(rd)) {
		value &= GICR_VPENDBASER_Valid | GICR_VPENDBASER_4_1_VGRP0EN |
			 GICR_VPENDBASER_4_1_VGRP1EN | GICR_VPENDBASER_4_1_VPEID;
	} else {
		writeq_relaxed(vpe->vconf | redist_vconf_idbits() |
			       (rd->propbaser & TABLE_ATTRIBUTES),
			       rd->vlpi + GICR_VPROPBASER);
		value &= GICR_VPENDBASER_Valid | GICR_VPENDBASER_IDAI |
			 GICR_VPENDBASER_PendingLast;
		value |= vpe->vpt | (rd->pendbaser & TABLE_ATTRIBUTES);
	}
	writeq_relaxed(value, rd->vlpi + GICR_VPENDBASER);
}

/* Nothing but what to do about the doorbell may change with it. */
static void redist_put_vpe(struct redist *rd, u64 old, u64 value)
{
	const u64 doorbell = GICR_VPENDBASER_4_1_DB | GICR_VPENDBASER_PendingLast;

	if (redist_is_v4_1(rd))
		old = (old & ~doorbell) | (value & doorbell);

	writeq_relaxed(old & ~(GICR_VPENDBASER_Valid | GICR_VPENDBASER_Dirty),
		       rd->vlpi + GICR_VPENDBASER);
}

/*
 * While it is dirty, writing GICR_VPENDBASER is UNPREDICTABLE. On GICv4.0, it may be
 * UNKNOWN whether it is, as long as Valid is set.
 */
static bool redist_has_dirty(const struct redist *rd, u64 vpendbaser)
{
	return redist_is_v4_1(rd) || (rd->typer & GICR_TYPER_DIRTY) ||
	       !(vpendbaser & GICR_VPENDBASER_Valid);
}

/*
 * A vPE becomes resident, or ceases to be. Its tables stay pinned until the
 * redistributor is idle, which may be a while later: it has pending bits to write.
 */
static enum pkvm_mmio_result redist_write_vpendbaser(struct redist *rd,
						     const struct pkvm_mmio_write *write)
{
	u64 old = readq_relaxed(rd->vlpi + GICR_VPENDBASER);
	u64 value = write->value;
	struct its_vpe_record *vpe;

	if (!its_is_sealed())
		return redist_forward(rd->vlpi + GICR_VPENDBASER, write);
	if (!rd->taken)
		return PKVM_MMIO_IGNORED;

	if ((old & GICR_VPENDBASER_Dirty) && redist_has_dirty(rd, old))
		return PKVM_MMIO_IGNORED;

	if (!(value & GICR_VPENDBASER_Valid)) {
		if (old & GICR_VPENDBASER_Valid)
			redist_put_vpe(rd, old, value);
		redist_release_vpe(rd);

		return PKVM_MMIO_OK;
	}

	redist_release_vpe(rd);
	if (rd->vpe || (old & GICR_VPENDBASER_Valid) || !redist_lpis_are_on(rd))
		return PKVM_MMIO_IGNORED;

	vpe = redist_find_vpe(rd, value);
	if (!vpe || redist_has_vpe(vpe))
		return PKVM_MMIO_IGNORED;

	redist_load_vpe(rd, vpe, value);

	return PKVM_MMIO_OK;
}

/* GICv4.1: ask for the pending SGIs of a vPE. */
static enum pkvm_mmio_result redist_write_vsgir(struct redist *rd,
						const struct pkvm_mmio_write *write)
{
	u32 id = FIELD_GET(GICR_VSGIR_VPEID, write->value);

	if (!rd->taken || !redist_find_mapped(rd, id))
		return PKVM_MMIO_IGNORED;

	writel_relaxed(id, rd->vlpi + GICR_VSGIR);

	return PKVM_MMIO_OK;
}

/**
 * struct redist_reg - a register that the host may write
 * @offset:	from RD_base, in bytes
 * @size:	in bytes
 * @halves:	of 64 bits, it may be written by halves
 * @own:	only on the CPU that the redistributor is of
 * @lock:	its_vpe_lock is held then
 * @write:	does it
 */
struct redist_reg {
	u32			offset;
	u8			size;
	bool			halves;
	bool			own;
	bool			lock;
	enum pkvm_mmio_result	(*write)(struct redist *rd, const struct pkvm_mmio_write *write);
};

/*
 * No row, no write, as for the ITS. The ones that are written all the time, when vCPUs
 * are loaded, come first.
 *
 * What makes a redistributor use a table, or no longer, is for its own CPU to write, as
 * drivers do after boot: while that CPU is in EL2, no firmware powers the redistributor
 * down, or up again with other contents, between a check and the write that counts on it.
 * Nor does another CPU write in between; what EL2 does so about a vPE has its_vpe_lock.
 */
static const struct redist_reg redist_regs[] = {
	/*			size	     halves own    lock */
	{ VLPI(GICR_VPENDBASER), sizeof(u64), false, true,  true,  redist_write_vpendbaser },
	{ VLPI(GICR_VPROPBASER), sizeof(u64), true,  true,  true,  redist_write_vpropbaser },
	{ VLPI(GICR_VSGIR),	 sizeof(u32), false, false, true,  redist_write_vsgir },
	{ GICR_INVLPIR,		 sizeof(u64), false, false, false, redist_write_inv },
	{ GICR_INVALLR,		 sizeof(u64), false, false, false, redist_write_inv },
	{ GICR_SETLPIR,		 sizeof(u64), false, false, false, redist_write_lpir },
	{ GICR_CLRLPIR,		 sizeof(u64), false, false, false, redist_write_lpir },
	{ GICR_WAKER,		 sizeof(u32), false, true,  false, redist_write_waker },
	{ GICR_CTLR,		 sizeof(u32), false, true,  true,  redist_write_ctlr },
	{ GICR_PROPBASER,	 sizeof(u64), true,  true,  false, redist_write_propbaser },
	{ GICR_PENDBASER,	 sizeof(u64), true,  true,  false, redist_write_pendbaser },
};

static const struct redist_reg *redist_find_reg(u64 offset)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(redist_regs); i++)
		if (offset - redist_regs[i].offset < redist_regs[i].size)
			return &redist_regs[i];

	return NULL;
}

/* Of this CPU, as in GICR_TYPER */
static u32 redist_affinity(void)
{
	u64 mpidr = read_cpuid_mpidr();

	return MPIDR_AFFINITY_LEVEL(mpidr, 3) << 24 | MPIDR_AFFINITY_LEVEL(mpidr, 2) << 16 |
	       MPIDR_AFFINITY_LEVEL(mpidr, 1) << 8 | MPIDR_AFFINITY_LEVEL(mpidr, 0);
}

/**
 * redist_find() - Look for the redistributor of this CPU
 *
 * Called at any time, with or without a lock.
 *
 * Return: NULL if EL2 has none of it, or not yet.
 */
struct redist *redist_find(void)
{
	u32 affinity = redist_affinity();
	/* Pairs with redist_protect() */
	unsigned int nr = smp_load_acquire(&nr_redists);

	for (unsigned int i = 0; i < nr; i++)
		if (upper_32_bits(redists[i].typer) == affinity)
			return &redists[i];

	return NULL;
}

/* As long as there is no seal, the host is trusted, or there is nothing to protect. */
static bool redist_may_write(const struct redist *rd, const struct redist_reg *reg)
{
	return !reg->own || upper_32_bits(rd->typer) == redist_affinity() || !its_is_sealed();
}

/* A write of the host to one of the two frames, see pkvm_mmio_write_fn. */
static enum pkvm_mmio_result redist_write(const struct pkvm_mmio_range *range,
					  const struct pkvm_mmio_write *write)
{
	struct redist *rd = range->data;
	const struct redist_reg *reg = redist_find_reg(range->base - rd->base + write->offset);
	enum pkvm_mmio_result res = PKVM_MMIO_IGNORED;

	rd->stats[PKVM_REDIST_WRITES]++;
	if (reg && (write->size == reg->size || (reg->halves && write->size < reg->size)) &&
	    redist_may_write(rd, reg)) {
		if (reg->lock)
			hyp_spin_lock(&its_vpe_lock);
		res = reg->write(rd, write);
		if (reg->lock)
			hyp_spin_unlock(&its_vpe_lock);
	}
	if (res != PKVM_MMIO_OK)
		rd->stats[PKVM_REDIST_IGNORED]++;

	return res;
}

/* Keep what the driver made of the registers. */
static void redist_pin(struct redist *rd)
{
	u32 ctlr = readl_relaxed(rd->frame + GICR_CTLR);

	rd->has_inv = (ctlr & GICR_CTLR_IR) ||
		      (rd->typer & (GICR_TYPER_DirectLPIS | GICR_TYPER_RVPEID));
	if (ctlr & GICR_CTLR_ENABLE_LPIS) {
		rd->propbaser = redist_read_propbaser(rd);
		rd->pendbaser = redist_read_pendbaser(rd);
	}
	if (rd->vlpi && redist_is_v4_1(rd)) {
		u64 table = redist_read_vpe_table(rd);

		if (table & GICR_VPROPBASER_4_1_VALID)
			rd->vpe_table = table;
	}
}

/**
 * redist_protect() - Take the frames of a redistributor away from the host
 * @base:	physical address of RD_base
 *
 * Called by the trusted host, once its driver has set up the LPIs of all CPUs: the
 * values that the registers have now are those they keep. A redistributor without
 * LPIs never gets any.
 *
 * Return: see pkvm_protect_mmio(), -ENOSPC also if there are too many redistributors,
 * -EBUSY also if a vPE is resident. After an error, the host may have lost a part.
 */
int redist_protect(phys_addr_t base)
{
	struct redist *rd;
	int ret;

	if (nr_redists == ARRAY_SIZE(redists))
		return -ENOSPC;

	rd = &redists[nr_redists];
	rd->base = base;
	ret = pkvm_protect_mmio(base, REDIST_FRAME_SIZE, redist_write, rd);
	if (ret)
		return ret;

	rd->frame = pkvm_mmio_find(base, NULL, NULL)->va;
	rd->typer = readq_relaxed(rd->frame + GICR_TYPER);
	/* Pairs with redist_find(), which may look for GICR_TYPER at any time */
	smp_store_release(&nr_redists, nr_redists + 1);

	if (rd->typer & GICR_TYPER_VLPIS) {
		ret = pkvm_protect_mmio(base + VLPI_FRAME, REDIST_FRAME_SIZE, redist_write, rd);
		if (ret)
			return ret;
		rd->vlpi = pkvm_mmio_find(base + VLPI_FRAME, NULL, NULL)->va;

		/* A vPE that nobody knows */
		if (!redist_is_idle(rd))
			return -EBUSY;
	}

	redist_pin(rd);

	return 0;
}

static struct redist *redist_get(phys_addr_t base)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(base, NULL, NULL);

	return range && range->base == base && range->write == redist_write ? range->data : NULL;
}

/* The configuration table is one for all, as a driver has it. */
static int redist_take_lpi_config(const struct redist *rd)
{
	phys_addr_t pa = GICR_PROPBASER_ADDRESS(rd->propbaser);
	int ret;

	if (FIELD_GET(GICR_PROPBASER_IDBITS_MASK, rd->propbaser) != its_lpi_bits() - 1)
		return -EINVAL;
	if (lpi_config)
		return pa == lpi_config ? 0 : -EINVAL;

	ret = pkvm_pin_shared(pa, REDIST_TABLE_SIZE, 0);
	if (!ret)
		lpi_config = pa;

	return ret;
}

static int redist_take_vpe_table(const struct redist *rd, u64 *missing)
{
	u64 value = rd->vpe_table;
	struct its_table_info info = {
		.base		= value & GICR_VPROPBASER_4_1_ADDR,
		.page_size	= FIELD_GET(GICR_VPROPBASER_4_1_PAGE_SIZE, value),
		.nr_pages	= FIELD_GET(GICR_VPROPBASER_4_1_SIZE, value) + 1,
		.entry_size	= (FIELD_GET(GICR_VPROPBASER_4_1_ENTRY_SIZE, value) + 1) *
				  sizeof(u64),
		.indirect	= value & GICR_VPROPBASER_4_1_INDIRECT,
	};
	struct its_table table = {};
	int ret;

	for (unsigned int i = 0; i < nr_redists; i++) {
		const struct redist *other = &redists[i];

		if (other->taken && (other->vpe_table & GICR_VPROPBASER_4_1_ADDR) == info.base)
			return ((other->vpe_table ^ value) & ~TABLE_ATTRIBUTES) ? -EINVAL : 0;
	}

	if (nr_vpe_tables == ARRAY_SIZE(vpe_tables))
		return -ENOSPC;

	ret = its_take_table(&table, &info, missing);
	if (!ret)
		vpe_tables[nr_vpe_tables++] = table;

	return ret;
}

/**
 * redist_take_over() - Get hold of the tables of a redistributor
 * @base:	physical address of RD_base
 * @missing:	see its_arena_alloc()
 *
 * Where they are, EL2 knows from the registers. The pending table is donated, the
 * configuration table has been shared by the host, the vPE table of GICv4.1 is donated
 * unless it is that of an ITS. Called by the trusted host, one CPU at a time, when the
 * number of LPIs is known.
 *
 * Return: 0, or an error: what has been taken stays with EL2, and there will be no
 * seal unless it is tried again with success.
 */
int redist_take_over(phys_addr_t base, u64 *missing)
{
	struct redist *rd = redist_get(base);
	int ret;

	*missing = 0;
	if (!rd || rd->taken)
		return -ENODEV;
	if (!rd->propbaser)
		return 0;
	if (!redist_is_configured(rd) || (rd->vpe_table && !redist_has_vpe_table(rd)))
		return -ENXIO;
	if (rd->vlpi && !redist_is_idle(rd))
		return -EBUSY;

	ret = redist_take_lpi_config(rd);
	if (ret)
		return ret;
	ret = its_take_pages(GICR_PENDBASER_ADDRESS(rd->pendbaser), REDIST_TABLE_SIZE, missing);
	if (ret)
		return ret;
	if (rd->vpe_table) {
		ret = redist_take_vpe_table(rd, missing);
		if (ret)
			return ret;
	}

	rd->taken = true;

	return 0;
}

/**
 * redist_not_taken() - Look for a redistributor with tables that may be anybody's
 *
 * Return: its physical address, or 0 if there is none.
 */
phys_addr_t redist_not_taken(void)
{
	for (unsigned int i = 0; i < nr_redists; i++) {
		const struct redist *rd = &redists[i];

		/* No vPE yet */
		if (rd->vlpi && !redist_is_idle(rd))
			return rd->base;
		if (rd->taken)
			continue;
		if (rd->propbaser || rd->vpe_table || !redist_lpis_are_off(rd))
			return rd->base;
	}

	return 0;
}

/* GICv4.1: all vPE tables have memory for the entry of this vPEID. */
bool redist_tables_have(u32 vpe_id)
{
	for (unsigned int i = 0; i < nr_vpe_tables; i++)
		if (!its_table_is_ready(&vpe_tables[i], vpe_id))
			return false;

	return true;
}

/* See to it that they have. Return: see its_table_add(). */
int redist_tables_add(u32 vpe_id, u64 *missing)
{
	*missing = 0;
	for (unsigned int i = 0; i < nr_vpe_tables; i++) {
		int ret = its_table_add(&vpe_tables[i], vpe_id, missing);

		if (ret)
			return ret;
	}

	return 0;
}

/**
 * redist_stat() - Read a counter
 * @stat:	enum pkvm_redist_stat
 *
 * Return: its value, 0 if there is no such counter.
 */
u64 redist_stat(u32 stat)
{
	u64 sum = 0;

	if (stat >= PKVM_REDIST_NR_STATS)
		return 0;
	if (stat == PKVM_REDIST_COUNT)
		return nr_redists;

	for (unsigned int i = 0; i < nr_redists; i++) {
		if (stat == PKVM_REDIST_TAKEN)
			sum += redists[i].taken;
		else
			sum += READ_ONCE(redists[i].stats[stat]);
	}

	return sum;
}
