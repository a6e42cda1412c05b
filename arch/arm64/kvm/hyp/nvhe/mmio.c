// SPDX-License-Identifier: GPL-2.0-only
/*
 * The MMIO ranges that pKVM protects from the host: their registry, and the
 * decoding of the aborts that the host takes on them.
 *
 * The registry is the one source of truth about them: the host stage-2 cannot
 * be, because it forgets every MMIO mapping when its pages are recycled. It is
 * filled by the trusted host before the host stage-2 is in use and never
 * changes afterwards, so that the abort path reads it without a lock.
 */

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/wordpart.h>

#include <asm/esr.h>
#include <asm/ptrace.h>

#include <nvhe/mmio.h>

/* Load/Store Type: not zero for the 64-byte accesses of FEAT_LS64 */
#define ESR_ELx_LST	GENMASK(12, 11)

/* Of ESR_ELx_SAS: the access has 32 or 64 bits */
#define ESR_ELx_SAS_WIDE	BIT(23)

/* What all stores have in common that a driver makes */
#define ESR_STORE_MASK	(ESR_ELx_EC_MASK | ESR_ELx_ISV | ESR_ELx_SAS_WIDE | ESR_ELx_LST | \
			 ESR_ELx_CM | ESR_ELx_S1PTW | ESR_ELx_WNR)
#define ESR_STORE	((ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT) | ESR_ELx_ISV | \
			 ESR_ELx_SAS_WIDE | ESR_ELx_WNR)

/* Sorted by base, disjoint. */
static struct pkvm_mmio_range mmio_ranges[PKVM_MMIO_MAX_RANGES];
static unsigned int mmio_nr_ranges;

/*
 * First range that ends above @addr, or mmio_nr_ranges: the only one that can
 * contain @addr, and where a range that starts at @addr belongs.
 */
static unsigned int mmio_search(phys_addr_t addr)
{
	unsigned int left = 0, right = mmio_nr_ranges;

	while (left < right) {
		unsigned int cur = left + (right - left) / 2;
		const struct pkvm_mmio_range *range = &mmio_ranges[cur];

		if (addr < range->base + range->size)
			right = cur;
		else
			left = cur + 1;
	}

	return left;
}

/**
 * pkvm_mmio_find() - Look up the protected range that contains an address
 * @addr:	physical address
 * @start:	raised so that [@start, @end) holds no part of a protected range,
 *		or of one only, the one returned
 * @end:	lowered likewise; NULL, like @start, if of no interest
 *
 * Needs no lock: see the top of this file.
 *
 * Return: the range, or NULL if @addr is in none.
 */
const struct pkvm_mmio_range *pkvm_mmio_find(phys_addr_t addr, u64 *start, u64 *end)
{
	const struct pkvm_mmio_range *range = NULL;
	unsigned int i = mmio_search(addr);
	u64 lo = 0, hi = U64_MAX;

	if (i < mmio_nr_ranges && addr >= mmio_ranges[i].base)
		range = &mmio_ranges[i];
	if (!start && !end)
		return range;

	if (range) {
		lo = range->base;
		hi = range->base + range->size;
	} else {
		if (i > 0)
			lo = mmio_ranges[i - 1].base + mmio_ranges[i - 1].size;
		if (i < mmio_nr_ranges)
			hi = mmio_ranges[i].base;
	}

	if (start)
		*start = max(*start, lo);
	if (end)
		*end = min(*end, hi);

	return range;
}

/**
 * pkvm_mmio_insert() - Add a range to the registry
 * @new:	copied; base + size does not wrap
 *
 * The caller holds the host stage-2 lock and has checked what the range
 * covers; only the trusted host gets here.
 *
 * Return: the range in the registry, valid until the registry changes again;
 * -EEXIST if @new overlaps a range of the registry, -ENOSPC if the registry is
 * full. On error nothing has changed.
 */
struct pkvm_mmio_range *pkvm_mmio_insert(const struct pkvm_mmio_range *new)
{
	unsigned int i, pos = mmio_search(new->base);

	if (pos < mmio_nr_ranges && mmio_ranges[pos].base < new->base + new->size)
		return ERR_PTR(-EEXIST);

	if (mmio_nr_ranges == ARRAY_SIZE(mmio_ranges))
		return ERR_PTR(-ENOSPC);

	for (i = mmio_nr_ranges; i > pos; i--)
		mmio_ranges[i] = mmio_ranges[i - 1];

	mmio_ranges[pos] = *new;
	mmio_nr_ranges++;

	return &mmio_ranges[pos];
}

/**
 * pkvm_mmio_remove() - Undo pkvm_mmio_insert()
 * @base:	of the range to remove
 *
 * The caller holds the host stage-2 lock.
 */
void pkvm_mmio_remove(phys_addr_t base)
{
	unsigned int i = mmio_search(base);

	if (i == mmio_nr_ranges || mmio_ranges[i].base != base)
		return;

	for (mmio_nr_ranges--; i < mmio_nr_ranges; i++)
		mmio_ranges[i] = mmio_ranges[i + 1];
}

/**
 * pkvm_mmio_is_read() - Does mapping the range read-only cure the abort?
 * @esr:	of an abort that the host took on a protected range
 *
 * A write arrives as a translation fault too, when the mapping has been recycled.
 *
 * Return: true for a load that lacks a mapping. One that Device memory doesn't
 * allow, misaligned or exclusive, would fault for ever. A stage-1 walk is none: it
 * may have to update the table, and then faults for ever on a read-only mapping.
 */
bool pkvm_mmio_is_read(u64 esr)
{
	if (ESR_ELx_EC(esr) != ESR_ELx_EC_DABT_LOW)
		return false;

	if (esr & (ESR_ELx_WNR | ESR_ELx_CM | ESR_ELx_S1PTW))
		return false;

	return esr_fsc_is_translation_fault(esr) || esr_fsc_is_permission_fault(esr) ||
	       esr_fsc_is_access_flag_fault(esr);
}

/* Gives a refusal its name; never PKVM_MMIO_OK. */
static enum pkvm_mmio_result mmio_bad_store(u64 esr)
{
	if (ESR_ELx_EC(esr) != ESR_ELx_EC_DABT_LOW)
		return PKVM_MMIO_NOT_A_STORE;
	if (!(esr & ESR_ELx_WNR) || (esr & (ESR_ELx_CM | ESR_ELx_S1PTW)))
		return PKVM_MMIO_NOT_A_STORE;
	if (!(esr & ESR_ELx_ISV) || (esr & ESR_ELx_LST))
		return PKVM_MMIO_NO_SYNDROME;

	return PKVM_MMIO_BAD_SIZE;
}

/**
 * pkvm_mmio_decode() - Turn an abort on a protected range into a write
 * @esr:	of the abort
 * @spsr:	of the abort
 * @offset:	of the faulting address in the range, in bytes
 * @range_size:	of the range, in bytes; @offset is below it
 * @regs:	of the host
 * @write:	filled in on success only
 *
 * Only what a driver does is understood: a single, aligned, 32 or 64-bit store
 * of a general-purpose register by AArch64 code.
 *
 * Return: PKVM_MMIO_OK if @write says what to write, or why it is refused.
 */
enum pkvm_mmio_result pkvm_mmio_decode(u64 esr, u64 spsr, u64 offset, u64 range_size,
				       const struct user_pt_regs *regs,
				       struct pkvm_mmio_write *write)
{
	unsigned int srt = FIELD_GET(ESR_ELx_SRT_MASK, esr);
	unsigned int size = BIT(FIELD_GET(ESR_ELx_SAS, esr));

	if ((esr & ESR_STORE_MASK) != ESR_STORE)
		return mmio_bad_store(esr);
	if (!esr_fsc_is_translation_fault(esr) && !esr_fsc_is_permission_fault(esr))
		return PKVM_MMIO_NOT_A_STORE;
	if (spsr & PSR_MODE32_BIT)
		return PKVM_MMIO_AARCH32;
	if (!IS_ALIGNED(offset, size))
		return PKVM_MMIO_MISALIGNED;
	if (range_size - offset < size)
		return PKVM_MMIO_SPILLS;

	/* Register 31 is XZR here, never SP. */
	write->offset = offset;
	write->value = srt == 31 ? 0 : regs->regs[srt];
	write->size = size;
	if (size == sizeof(u32))
		write->value = lower_32_bits(write->value);

	return PKVM_MMIO_OK;
}

/**
 * pkvm_mmio_is_pinned() - Does a write leave a 64-bit register as it should be?
 * @write:	of the whole, or a half
 * @pinned:	value of the whole
 */
bool pkvm_mmio_is_pinned(const struct pkvm_mmio_write *write, u64 pinned)
{
	if (write->size == sizeof(u64))
		return write->value == pinned;

	return write->value == (IS_ALIGNED(write->offset, sizeof(u64)) ?
				lower_32_bits(pinned) : upper_32_bits(pinned));
}
