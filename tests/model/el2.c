// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of the ITSs, with a window into it: its_memory.c as it is, and
 * functions after it that see what is static there.
 */
#include "its_memory.c"

#include "model.h"

void el2_walk_free(void (*fn)(phys_addr_t pa, u64 size))
{
	for (unsigned int class = 0; class < ARENA_NR_CLASSES; class++)
		for (void *block = arena.free[class]; block; block = *(void **)block)
			fn(hyp_virt_to_phys(block), BIT(class + ARENA_MIN_SHIFT));
}

/* What was an ITT, and may become one again */
void el2_walk_spares(struct its *its, void (*fn)(struct its *its, phys_addr_t itt, void *events,
						u32 event_bits))
{
	for (u32 bits = 0; bits <= ITS_MAX_EVENT_BITS; bits++)
		for (struct its_spare *spare = its->spares[bits]; spare; spare = spare->next)
			fn(its, spare->itt, spare, bits);
}

void *el2_vpe_root(void)
{
	return vpe_root;
}

/* Where its_take_pages() keeps its notes */
void el2_walk_chunks(void (*fn)(phys_addr_t pa, u64 size))
{
	for (struct taken_chunk *chunk = taken; chunk; chunk = chunk->older)
		fn(hyp_virt_to_phys(chunk), SZ_4K);
}

/* Taken from the driver, not from the arena */
bool el2_in_place(phys_addr_t pa, u64 size)
{
	return is_taken(PHYS_PFN(pa), PHYS_PFN(pa + size - 1) - PHYS_PFN(pa) + 1);
}

/* What the arena spends on an allocation */
u64 el2_block_size(u64 size)
{
	return BIT(arena_class(size) + ARENA_MIN_SHIFT);
}
