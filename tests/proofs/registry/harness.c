// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#include "mmio.c"

#ifndef MAX_RANGES
#define MAX_RANGES	4
#endif

/* Physical addresses have 52 bits, ranges are made of pages of 4K. */
#define any_pages()	(nondet_u64() & GENMASK_ULL(51, 12))

/* It doesn't wrap: see is_sorted(), and pkvm_mmio_insert(). */
static u64 end_of(const struct pkvm_mmio_range *range)
{
	return range->base + range->size;
}

static bool contains(const struct pkvm_mmio_range *range, u64 addr)
{
	return addr >= range->base && addr < end_of(range);
}

static bool is_sorted(unsigned int max)
{
	if (mmio_nr_ranges > max)
		return false;

	for (unsigned int i = 0; i < mmio_nr_ranges; i++) {
		if (end_of(&mmio_ranges[i]) <= mmio_ranges[i].base)
			return false;
		if (i && end_of(&mmio_ranges[i - 1]) > mmio_ranges[i].base)
			return false;
	}

	return true;
}

static void any_registry(void)
{
#ifdef RANGES
	/* A constant of the run, or CBMC would not see which range is which */
	mmio_nr_ranges = RANGES;
#else
	mmio_nr_ranges = nondet_u32();
#endif
	for (unsigned int i = 0; i < MAX_RANGES; i++) {
		mmio_ranges[i].base = any_pages();
		mmio_ranges[i].size = any_pages();
		mmio_ranges[i].data = NULL;
	}
	ASSUME(is_sorted(MAX_RANGES));
}

void search(void)
{
	u64 addr = nondet_u64();
	unsigned int found;

	any_registry();
	found = mmio_search(addr);
	ASSERT(found <= mmio_nr_ranges, "a range, or behind the last");
	for (unsigned int i = 0; i < mmio_nr_ranges; i++)
		ASSERT((i >= found) == (addr < end_of(&mmio_ranges[i])),
		       "the first that ends above the address");
	REACHED("the end");
}

void find(void)
{
	u64 addr = nondet_u64(), start = nondet_u64(), end = nondet_u64(), other = nondet_u64();
	u64 old_start = start, old_end = end;
	const struct pkvm_mmio_range *range;
	bool with_start = nondet_bool(), with_end = nondet_bool();

	any_registry();
	/* The caller asks about a block around the address */
	ASSUME(start <= addr && addr < end);

	range = pkvm_mmio_find(addr, with_start ? &start : NULL, with_end ? &end : NULL);

	for (unsigned int i = 0; i < mmio_nr_ranges; i++)
		ASSERT((range == &mmio_ranges[i]) == contains(&mmio_ranges[i], addr),
		       "the range that contains the address");
	ASSERT(!range || contains(range, addr), "or none");

	ASSERT(start >= old_start && end <= old_end, "the block only shrinks");
	ASSERT(start <= addr && addr < end, "it still holds the address");
	if (!with_start || !with_end)
		return;

	/* Any other address of the block is in the same range, or in none */
	ASSUME(other >= start && other < end);
	for (unsigned int i = 0; i < mmio_nr_ranges; i++)
		ASSERT(contains(&mmio_ranges[i], other) == (range == &mmio_ranges[i]),
		       "one range, or none");
	if (start > old_start)
		ASSERT(pkvm_mmio_find(start - 1, NULL, NULL) != range, "no smaller than need be");
	if (end < old_end)
		ASSERT(pkvm_mmio_find(end, NULL, NULL) != range, "no smaller than need be");
	REACHED("the end");
}

/* What makes the array sorted: by induction, it always is. */
void insert(void)
{
	struct pkvm_mmio_range new, *range;
	unsigned int old_nr;
	bool overlaps = false, old_has, new_has;
	u64 addr = nondet_u64();

	any_registry();
	new.base = any_pages();
	new.size = any_pages();
	new.data = NULL;
	ASSUME(end_of(&new) > new.base);

	for (unsigned int i = 0; i < mmio_nr_ranges; i++)
		overlaps |= new.base < end_of(&mmio_ranges[i]) &&
			    mmio_ranges[i].base < end_of(&new);
	old_nr = mmio_nr_ranges;
	old_has = pkvm_mmio_find(addr, NULL, NULL);

	range = pkvm_mmio_insert(&new);
	new_has = pkvm_mmio_find(addr, NULL, NULL);

	ASSERT(IS_ERR(range) == overlaps, "refused if and only if it overlaps");
	ASSERT(mmio_nr_ranges == old_nr + !overlaps, "one more");
	ASSERT(is_sorted(MAX_RANGES + 1), "sorted");
	ASSERT(new_has == (old_has || (!overlaps && contains(&new, addr))), "the others stay");
	if (overlaps)
		return;
	ASSERT(range->base == new.base && range->size == new.size, "that one");

	pkvm_mmio_remove(new.base);
	ASSERT(mmio_nr_ranges == old_nr && is_sorted(MAX_RANGES), "undone");
	ASSERT(!!pkvm_mmio_find(addr, NULL, NULL) == old_has, "undone, all of it");
	REACHED("undone");
}
