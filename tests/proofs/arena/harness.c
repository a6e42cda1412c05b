// SPDX-License-Identifier: GPL-2.0
#include "proof.h"

/* The contents of blocks don't matter, but for the links of free ones. */
#undef memset
#define memset(block, value, size)	proof_zero(block, value, size)
static void proof_zero(void *block, int value, size_t size);
#include "its_memory.c"
#include "stubs.h"

/*
 * Blocks are offsets in here, aligned like addresses. As small as the largest block of
 * a proof: what is donated comes first.
 */
#ifndef MEMORY
#define MEMORY		SZ_4K
#endif
#define MEMORY_CLASS	(ilog2(MEMORY) - ARENA_MIN_SHIFT)
#define BLOCKS		(MEMORY >> ARENA_MIN_SHIFT)

static void *memory[MEMORY / sizeof(void *)];
static u64 zeroed, flushed;

static void proof_zero(void *block, int value, size_t size)
{
	ASSERT(__CPROVER_same_object(block, memory) && value == 0, "zeros");
	zeroed = size;
}

void kvm_flush_dcache_to_poc(const volatile void *start, size_t size)
{
	flushed = size;
}

static u64 offset_of(const void *block)
{
	return (const u8 *)block - (const u8 *)memory;
}

/* All sizes: the least class whose blocks are large enough */
void class(void)
{
	u64 size = nondet_u64(), block;
	unsigned int class;

	ASSUME(size >= 1 && size <= 1ULL << ARENA_MAX_SHIFT);
	class = arena_class(size);
	ASSERT(class < ARENA_NR_CLASSES, "in range");
	block = 1ULL << (class + ARENA_MIN_SHIFT);
	ASSERT(block >= size, "large enough");
	ASSERT(class == 0 || block / 2 < size, "not larger than need be");
	REACHED("the end");
}

/* No block at all: for all sizes, what the host has to donate is said, or 0. */
void empty(void)
{
	u64 size = nondet_u64(), missing = nondet_u64();
	void *block;

	ASSUME(size);
	block = its_arena_alloc(size, &missing);
	ASSERT(!block && !arena.lock.held, "no block");
	ASSERT((missing == 0) == (size > SZ_4M), "0 if there never is one");
	if (!missing)
		return;
	ASSERT(missing >= size && missing >= PAGE_SIZE && missing <= SZ_4M &&
	       !(missing & (missing - 1)), "a block that would do");
	ASSERT(missing == PAGE_SIZE || missing / 2 < size, "not larger than need be");
	REACHED("a block is missing");
}

/* Each unit of the memory is in one free block or in one that was handed out. */
static u8 owners[BLOCKS];

static void claim(const void *block, unsigned int class, u8 owner)
{
	u64 offset = offset_of(block);

	ASSERT(__CPROVER_same_object(block, memory), "a block of the arena");
	ASSERT(offset % (1ULL << (class + ARENA_MIN_SHIFT)) == 0, "aligned to its size");
	ASSERT(offset + (1ULL << (class + ARENA_MIN_SHIFT)) <= MEMORY, "inside");
	for (unsigned int i = 0; i < 1U << class; i++) {
		ASSERT(!owners[(offset >> ARENA_MIN_SHIFT) + i], "no overlap");
		owners[(offset >> ARENA_MIN_SHIFT) + i] = owner;
	}
}

static void check(void *const *held, const unsigned int *class, unsigned int nr)
{
	for (unsigned int i = 0; i < BLOCKS; i++)
		owners[i] = 0;
	for (unsigned int c = 0; c < ARENA_NR_CLASSES; c++)
		for (void *block = arena.free[c]; block; block = *(void **)block)
			claim(block, c, 1);
	for (unsigned int h = 0; h < nr; h++)
		if (held[h])
			claim(held[h], class[h], 2);
	for (unsigned int i = 0; i < BLOCKS; i++)
		ASSERT(owners[i], "nothing is lost");
	ASSERT(!arena.lock.held, "no lock is kept");
}

#ifndef OPS
#define OPS	3
#endif

/*
 * All sequences of OPS calls, each an allocation of any class or the release of any
 * block, one after the other with constants: every unit has one owner after each call.
 */
void sequences(void)
{
	void *held[OPS];
	unsigned int class[OPS], code, choices = 1;

	for (unsigned int op = 0; op < OPS; op++)
		choices *= MEMORY_CLASS + 1 + op;

	for (unsigned int sequence = 0; sequence < choices; sequence++) {
		for (unsigned int c = 0; c < ARENA_NR_CLASSES; c++)
			arena.free[c] = NULL;
		arena_push(&arena.free[MEMORY_CLASS], memory);

		code = sequence;
		for (unsigned int op = 0; op < OPS; op++) {
			unsigned int choice = code % (MEMORY_CLASS + 1 + op);
			u64 missing = 0;

			code /= MEMORY_CLASS + 1 + op;
			held[op] = NULL;
			class[op] = choice;
			if (choice <= MEMORY_CLASS) {
				held[op] = its_arena_alloc(256ULL << choice, &missing);
				ASSERT(!held[op] == !!missing, "a block, or what is missing");
				ASSERT(!held[op] || (zeroed == 256ULL << choice && flushed == zeroed),
				       "zeroed and cleaned, all of it");
			} else {
				unsigned int h = choice - MEMORY_CLASS - 1;

				its_arena_free(held[h], 256ULL << class[h]);
				held[h] = NULL;
			}
			check(held, class, op + 1);
		}
	}
	REACHED("the last sequence");
}
