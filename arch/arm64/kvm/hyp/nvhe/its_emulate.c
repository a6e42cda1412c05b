// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GIC Interrupt Translation Service, as the host gets to see it.
 *
 * The ITS masters memory without an SMMU in front of it, at the addresses that
 * it finds in its registers, so its control frame belongs to EL2: the host
 * reads it freely (no register has a side effect on reads) and EL2 performs
 * its writes, if the register table has a row that allows them.
 */

#include <linux/array_size.h>
#include <linux/io.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/sizes.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/mmio.h>

/* The frame that holds the registers; GITS_TRANSLATER is in the next one. */
#define ITS_CONTROL_FRAME_SIZE	SZ_64K

/**
 * struct its_reg - a register, or an array of them, that the host may write
 * @offset:	into the control frame, in bytes
 * @size:	of each register, in bytes; a 64-bit one may be written by halves
 * @nr:		how many of them there are
 */
struct its_reg {
	u16	offset;
	u8	size;
	u8	nr;
};

/*
 * No row, no write: a reserved or IMPLEMENTATION DEFINED register may do
 * anything, up to an external abort that EL2 would not survive.
 */
static const struct its_reg its_regs[] = {
	{ GITS_CTLR,	sizeof(u32),	1 },
	{ GITS_CBASER,	sizeof(u64),	1 },
	{ GITS_CWRITER,	sizeof(u64),	1 },
	{ GITS_BASER,	sizeof(u64),	GITS_BASER_NR_REGS },
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

/*
 * A write of the host to the control frame.
 *
 * Relaxed accesses do: the barrier that the host issued before its store
 * orders the store of EL2 on the same CPU just as well.
 */
static enum pkvm_mmio_result its_write(const struct pkvm_mmio_range *range,
				       const struct pkvm_mmio_write *write)
{
	const struct its_reg *reg = its_find_reg(write->offset);
	void __iomem *addr = range->va + write->offset;

	if (!reg || write->size > reg->size)
		return PKVM_MMIO_IGNORED;

	if (write->size == sizeof(u64))
		writeq_relaxed(write->value, addr);
	else
		writel_relaxed(write->value, addr);

	return PKVM_MMIO_OK;
}

/**
 * its_protect() - Take the control frame of an ITS away from the host
 * @base:	physical address of the control frame
 * @closed:	nobody drives this ITS: the host loses all access
 *
 * Return: see pkvm_protect_mmio().
 */
int its_protect(phys_addr_t base, bool closed)
{
	return pkvm_protect_mmio(base, ITS_CONTROL_FRAME_SIZE, closed ? NULL : its_write);
}
