// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GIC Interrupt Translation Service, as the host gets to see it.
 *
 * The ITS masters memory without an SMMU in front of it, at the addresses that
 * it finds in its registers, so its control frame belongs to EL2: the host
 * reads it freely (no register has a side effect on reads) and EL2 performs
 * its writes, if the register table has a row that allows them.
 *
 * The registers that hold addresses and attributes are pinned: they keep the
 * values that the trusted host gave them, and can be written again with these
 * only, as after a loss of power.
 */

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/sizes.h>
#include <linux/wordpart.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/mmio.h>
#include <nvhe/spinlock.h>

/* The frame that holds the registers; GITS_TRANSLATER is in the next one. */
#define ITS_CONTROL_FRAME_SIZE	SZ_64K

#define ITS_CWRITER_RETRY	BIT_ULL(0)
#define ITS_CWRITER_OFFSET	GENMASK_ULL(19, 5)

#define ITS_CBASER_SIZE(cbaser)	((((cbaser) & GENMASK_ULL(7, 0)) + 1) * SZ_4K)

/**
 * struct its - an ITS that the host drives
 * @lock:	makes the check of a write and the write one; nothing is locked
 *		inside
 * @frame:	control frame, as mapped at EL2
 * @ctlr:	pinned value of GITS_CTLR, without the bits of @ctlr_host
 * @ctlr_host:	bits of GITS_CTLR that the host may set and clear
 * @cbaser:	pinned value of GITS_CBASER, 0 if the ITS must not be enabled
 * @baser:	pinned values of GITS_BASER<n>
 */
struct its {
	hyp_spinlock_t	lock;
	void __iomem	*frame;
	u32		ctlr;
	u32		ctlr_host;
	u64		cbaser;
	u64		baser[GITS_BASER_NR_REGS];
};

static struct its its_nodes[PKVM_MMIO_MAX_RANGES];
static unsigned int its_nr_nodes;

/*
 * Relaxed accesses do throughout: the barrier that the host issued before its
 * store orders those of EL2 on the same CPU just as well, accesses to one device
 * stay in order, and the lock orders those of several CPUs.
 */
static u32 its_read_ctlr(const struct its *its)
{
	return readl_relaxed(its->frame + GITS_CTLR);
}

static u64 its_read_baser(const struct its *its, unsigned int n)
{
	return readq_relaxed(its->frame + GITS_BASER + n * sizeof(u64));
}

/* Writing GITS_CBASER or GITS_BASER<n> is UNPREDICTABLE otherwise. */
static bool its_is_quiescent(const struct its *its)
{
	u32 ctlr = its_read_ctlr(its);

	return !(ctlr & GITS_CTLR_ENABLE) && (ctlr & GITS_CTLR_QUIESCENT);
}

/*
 * An offset beyond the queue is CONSTRAINED UNPREDICTABLE: the queue becomes
 * invalid, or the offset another one.
 */
static bool its_cwriter_is_valid(const struct its *its, u64 cwriter)
{
	if (cwriter & ~(ITS_CWRITER_OFFSET | ITS_CWRITER_RETRY))
		return false;

	return (cwriter & ITS_CWRITER_OFFSET) < ITS_CBASER_SIZE(its->cbaser);
}

/*
 * The ITS would work on the memory it is meant to work on, from an offset in
 * its queue: all of it may have been lost with the power.
 */
static bool its_is_configured(const struct its *its)
{
	if (!(its->cbaser & GITS_CBASER_VALID))
		return false;
	if (readq_relaxed(its->frame + GITS_CBASER) != its->cbaser)
		return false;
	if (!its_cwriter_is_valid(its, readq_relaxed(its->frame + GITS_CWRITER)))
		return false;

	for (unsigned int n = 0; n < GITS_BASER_NR_REGS; n++) {
		u64 baser = its_read_baser(its, n);

		/* Nobody restores a register that is not in use. */
		if (!((baser | its->baser[n]) & GITS_BASER_VALID))
			continue;
		if (baser != its->baser[n])
			return false;
	}

	return true;
}

static enum pkvm_mmio_result its_write_ctlr(struct its *its, unsigned int n,
					    const struct pkvm_mmio_write *write)
{
	u32 ctlr = its->ctlr | (write->value & its->ctlr_host);

	if ((ctlr & GITS_CTLR_ENABLE) && !(its_read_ctlr(its) & GITS_CTLR_ENABLE) &&
	    !(its_is_quiescent(its) && its_is_configured(its)))
		return PKVM_MMIO_IGNORED;

	writel_relaxed(ctlr, its->frame + GITS_CTLR);

	return PKVM_MMIO_OK;
}

/* The pinned value, or a half of it, restores the whole of the register. */
static enum pkvm_mmio_result its_write_pinned(struct its *its, u64 pinned,
					      void __iomem *reg,
					      const struct pkvm_mmio_write *write)
{
	u64 expected = pinned;

	if (write->size == sizeof(u32) && !IS_ALIGNED(write->offset, sizeof(u64)))
		expected = upper_32_bits(pinned);
	else if (write->size == sizeof(u32))
		expected = lower_32_bits(pinned);

	if (write->value != expected || !its_is_quiescent(its))
		return PKVM_MMIO_IGNORED;

	writeq_relaxed(pinned, reg);

	return PKVM_MMIO_OK;
}

static enum pkvm_mmio_result its_write_cbaser(struct its *its, unsigned int n,
					      const struct pkvm_mmio_write *write)
{
	return its_write_pinned(its, its->cbaser, its->frame + GITS_CBASER, write);
}

static enum pkvm_mmio_result its_write_baser(struct its *its, unsigned int n,
					     const struct pkvm_mmio_write *write)
{
	void __iomem *reg = its->frame + GITS_BASER + n * sizeof(u64);

	return its_write_pinned(its, its->baser[n], reg, write);
}

/* Nothing but RES0 is in the upper half. */
static enum pkvm_mmio_result its_write_cwriter(struct its *its, unsigned int n,
					       const struct pkvm_mmio_write *write)
{
	if (write->offset != GITS_CWRITER || !its_cwriter_is_valid(its, write->value))
		return PKVM_MMIO_IGNORED;

	writeq_relaxed(write->value, its->frame + GITS_CWRITER);

	return PKVM_MMIO_OK;
}

/**
 * struct its_reg - a register, or an array of them, that the host may write
 * @offset:	into the control frame, in bytes
 * @size:	of each register, in bytes; a 64-bit one may be written by halves
 * @nr:		how many of them there are
 * @write:	called for the n-th of them, with the lock of the ITS held
 */
struct its_reg {
	u16			offset;
	u8			size;
	u8			nr;
	enum pkvm_mmio_result	(*write)(struct its *its, unsigned int n,
					 const struct pkvm_mmio_write *write);
};

/*
 * No row, no write: a reserved or IMPLEMENTATION DEFINED register may do
 * anything, up to an external abort that EL2 would not survive.
 */
static const struct its_reg its_regs[] = {
	{ GITS_CTLR,	sizeof(u32),	1,			its_write_ctlr },
	{ GITS_CBASER,	sizeof(u64),	1,			its_write_cbaser },
	{ GITS_CWRITER,	sizeof(u64),	1,			its_write_cwriter },
	{ GITS_BASER,	sizeof(u64),	GITS_BASER_NR_REGS,	its_write_baser },
};

static const struct its_reg *its_find_reg(u64 offset)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(its_regs); i++) {
		const struct its_reg *reg = &its_regs[i];

		if (offset >= reg->offset && offset < reg->offset + reg->size * reg->nr)
			return reg;
	}

	return NULL;
}

/* A write of the host to the control frame, see pkvm_mmio_write_fn. */
static enum pkvm_mmio_result its_write(const struct pkvm_mmio_range *range,
				       const struct pkvm_mmio_write *write)
{
	const struct its_reg *reg = its_find_reg(write->offset);
	struct its *its = range->data;
	enum pkvm_mmio_result res;

	if (!reg || write->size > reg->size)
		return PKVM_MMIO_IGNORED;

	hyp_spin_lock(&its->lock);
	res = reg->write(its, (write->offset - reg->offset) / reg->size, write);
	hyp_spin_unlock(&its->lock);

	return res;
}

/*
 * Keep what the driver made of the registers. An ITS that it did not enable, as
 * setting it up failed, or that firmware left in whatever state, stays as it is.
 */
static void its_pin(struct its *its)
{
	u32 ctlr = its_read_ctlr(its);

	its->ctlr_host = GITS_CTLR_ENABLE | (ctlr & GITS_CTLR_ImDe);
	its->ctlr = ctlr & ~(its->ctlr_host | GITS_CTLR_QUIESCENT);
	if (ctlr & GITS_CTLR_ENABLE)
		its->cbaser = readq_relaxed(its->frame + GITS_CBASER);
	for (unsigned int n = 0; n < GITS_BASER_NR_REGS; n++)
		its->baser[n] = its_read_baser(its, n);
}

/**
 * its_protect() - Take the control frame of an ITS away from the host
 * @base:	physical address of the control frame
 * @closed:	nobody drives this ITS: the host loses all access
 *
 * Called by the trusted host, once its driver has set up the ITS: the values
 * that the registers have now are those they keep.
 *
 * Return: see pkvm_protect_mmio().
 */
int its_protect(phys_addr_t base, bool closed)
{
	struct its *its;
	int ret;

	if (closed)
		return pkvm_protect_mmio(base, ITS_CONTROL_FRAME_SIZE, NULL, NULL);

	if (its_nr_nodes == ARRAY_SIZE(its_nodes))
		return -ENOSPC;

	its = &its_nodes[its_nr_nodes];
	hyp_spin_lock_init(&its->lock);
	ret = pkvm_protect_mmio(base, ITS_CONTROL_FRAME_SIZE, its_write, its);
	if (ret)
		return ret;

	its_nr_nodes++;
	its->frame = pkvm_mmio_find(base, NULL, NULL)->va;
	its_pin(its);

	return 0;
}
