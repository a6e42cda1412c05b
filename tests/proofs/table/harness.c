// SPDX-License-Identifier: GPL-2.0
#include "proof.h"

/* The contents of a level-2 page don't matter. */
#undef memset
#define memset(block, value, size)	proof_zero(block, size)
static void proof_zero(void *block, size_t size);
#include "its_memory.c"
#include "stubs.h"

static __le64 *level1;
static struct its_table table;
static u64 level1_size, entry_size, expected;
static u32 id;

/* Memory of the arena: one block of the size of a page of the ITS, aligned to it */
static void **block;
static u64 block_pa, zeroed, cleaned;
static unsigned int nr_written;

static void proof_zero(void *start, size_t size)
{
	ASSERT(start == block, "the block");
	zeroed = size;
}

void kvm_flush_dcache_to_poc(const volatile void *start, size_t size)
{
	if (start == block)
		cleaned = size;
	else
		ASSERT(start == level1 + expected && nr_written == 1, "cleaned after the write");
}

phys_addr_t hyp_virt_to_phys(const volatile void *va)
{
	ASSERT(va == block, "the block");

	return block_pa;
}

u64 proof_read_once(const volatile void *p, size_t size)
{
	ASSERT(p == level1 + expected && size == 8, "the entry of that ID");

	return level1[expected];
}

void proof_write_once(volatile void *p, size_t size, u64 value)
{
	ASSERT(p == level1 + expected && size == 8, "the entry of that ID");
	ASSERT(zeroed == table.page_size && cleaned == zeroed, "zeros before it is reached");
	ASSERT(value == (block_pa | 1ULL << 63), "the address and Valid, nothing else");
	ASSERT((value & ~(1ULL << 63)) % table.page_size == 0, "aligned to the page");
	ASSERT(!(value & ~(1ULL << 63) & ~0x000ffffffffff000ULL), "in the field of the address");
	level1[expected] = value;
	nr_written++;
}

/*
 * A table as its_take_table() makes it: up to 256 pages of 4K, 16K or 64K, entries of
 * 1 to 32 bytes, a power of two.
 */
static void any_table(void)
{
	unsigned int page_shift = 12 + 2 * (nondet_u8() & 3), entry_shift = nondet_u8() & 7;

	ASSUME(page_shift <= 16 && entry_shift <= 5);
	entry_size = 1ULL << entry_shift;
	table.page_size = 1U << page_shift;
	table.ids_per_page = page_shift - entry_shift;
	table.indirect = true;
	level1_size = (nondet_u8() + 1ULL) << page_shift;
	table.nr_ids = level1_size / 8 << table.ids_per_page;
	/* The number of vPEs may be less */
	if (nondet_bool())
		table.nr_ids = min(table.nr_ids, 1ULL << (nondet_u8() & 15));
	level1 = malloc(level1_size);
	table.base = level1;

	id = nondet_u32();
	expected = id / (table.page_size / entry_size);

	block = malloc(sizeof(*block));
	*block = NULL;
	block_pa = (nondet_u64() & GENMASK_ULL(51, 0)) >> page_shift << page_shift;
	/* None larger: that they are split is the proof of the arena */
	arena.free[page_shift - ARENA_MIN_SHIFT] = nondet_bool() ? block : NULL;
}

void has(void)
{
	bool res;

	any_table();
	/* Not looked at unless the ID is covered: else it would be out of bounds */
	res = its_table_has(&table, id);
	if (id >= table.nr_ids) {
		ASSERT(!res, "not covered");
		return;
	}
	ASSERT(expected < level1_size / 8, "the index is in the table");
	ASSERT(res == !!level1[expected], "as the entry says");
	REACHED("an entry");
}

void add(void)
{
	u64 missing = nondet_u64(), old = 0, other, old_other = 0;
	void *free_block;
	bool covered;
	int ret;

	any_table();
	covered = id < table.nr_ids;
	other = nondet_u64();
	ASSUME(other < level1_size / 8 && other != expected);
	old_other = level1[other];
	if (covered)
		old = level1[expected];
	free_block = arena.free[ilog2(table.page_size) - ARENA_MIN_SHIFT];

	ret = its_table_add(&table, id, &missing);

	ASSERT(!arena.lock.held, "no lock is kept");
	ASSERT(level1[other] == old_other, "no other entry");
	ASSERT((ret == -ERANGE) == !covered, "-ERANGE if not covered");
	ASSERT(nr_written == (covered && !old && free_block), "written if it was empty");
	if (!covered || old) {
		ASSERT(arena.free[ilog2(table.page_size) - ARENA_MIN_SHIFT] == free_block,
		       "no page is taken for nothing");
		return;
	}
	ASSERT((ret == 0) == !!free_block, "there was a page");
	ASSERT(ret == 0 || (ret == -ENOMEM && missing == table.page_size), "or one is missing");
	if (!ret) {
		ASSERT(its_table_has(&table, id), "it has now");
		ASSERT(!arena.free[ilog2(table.page_size) - ARENA_MIN_SHIFT], "the page is in use");
		REACHED("a page is added");
	}
}

/* Without level-1: all IDs that are covered */
void flat(void)
{
	u64 missing;
	int ret;

	any_table();
	table.indirect = false;
	table.base = NULL;
	ASSERT(its_table_has(&table, id) == (id < table.nr_ids), "covered or not");
	ret = its_table_add(&table, id, &missing);
	ASSERT(ret == (id < table.nr_ids ? 0 : -ERANGE), "nothing to add");
	ASSERT(!nr_written, "nothing is written");
	REACHED("the end");
}
