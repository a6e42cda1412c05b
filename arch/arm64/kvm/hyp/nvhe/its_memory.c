// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory that an ITS reaches, and what EL2 remembers of it.
 *
 * All of it belongs to EL2: what the driver had set up before the take-over is
 * donated in place, what is needed later comes from an arena that the host fills
 * with whole pages, not knowing what for. So the host names no address that the
 * ITS would use, and what is taken from it never has to be given back.
 *
 * The arena hands out blocks of 256 bytes to 4 MiB, powers of two, aligned to
 * their size: ITTs, level-2 tables, and records of EL2. A block that is freed
 * serves blocks of its size, or smaller ones; it takes no search to find one.
 *
 * What was an ITT once is never anything but an ITT of that size and ITS again, and EL2
 * keeps nothing in it: what an ITS that isn't done with one reads or writes there is no
 * record of EL2, nor a table.
 */

#include <linux/align.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/string.h>

#include <asm/barrier.h>
#include <asm/kvm_mmu.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/memory.h>

/* An ITT is aligned to that, in MAPD. */
#define ARENA_MIN_SHIFT		8
#define ARENA_MAX_SHIFT		22
#define ARENA_NR_CLASSES	(ARENA_MAX_SHIFT - ARENA_MIN_SHIFT + 1)

/* A free block starts with a pointer to the next of its class. No ITS knows of it. */
static struct {
	hyp_spinlock_t	lock;
	void		*free[ARENA_NR_CLASSES];
	u64		bytes;
	phys_addr_t	limit;
} arena = {
	.limit = PHYS_ADDR_MAX,
};

static unsigned int arena_class(u64 size)
{
	return order_base_2(max_t(u64, size, BIT(ARENA_MIN_SHIFT))) - ARENA_MIN_SHIFT;
}

static u64 arena_class_size(unsigned int class)
{
	return BIT(class + ARENA_MIN_SHIFT);
}

static void arena_push(unsigned int class, void *block)
{
	*(void **)block = arena.free[class];
	arena.free[class] = block;
}

static void *arena_pop(unsigned int class)
{
	void *block = arena.free[class];

	if (block)
		arena.free[class] = *(void **)block;

	return block;
}

/* The caller holds the lock. */
static void *arena_take(unsigned int class)
{
	unsigned int from = class;
	void *block = NULL;

	for (; from < ARENA_NR_CLASSES && !block; from++)
		block = arena_pop(from);

	/* Too large: its upper halves stay */
	for (from--; block && from > class; from--)
		arena_push(from - 1, block + arena_class_size(from - 1));

	return block;
}

/*
 * Make zeros of a block, whatever way the ITS accesses it: no register says that of an
 * ITT. No line is left in a cache that could be written later, nor one that the next
 * block has a part of.
 */
static void arena_clear(void *block, u64 size)
{
	size = arena_class_size(arena_class(size));
	memset(block, 0, size);
	kvm_flush_dcache_to_poc(block, size);
}

/**
 * its_arena_set_limit() - Accept only memory below an address from now on
 * @limit:	physical; what is there already is not looked at
 *
 * For an ITS that drops the upper bits of addresses.
 */
void its_arena_set_limit(phys_addr_t limit)
{
	arena.limit = min(arena.limit, limit);
}

bool its_arena_in_limit(phys_addr_t pa, u64 size)
{
	return pa < arena.limit && arena.limit - pa >= size;
}

/**
 * its_arena_donate() - Take pages from the host into the arena
 * @pfn:	of the first page
 * @order:	log2 of the number of pages; the block is aligned to its size
 *
 * Called without a lock, at any time, by a host that is not trusted.
 *
 * Return: 0, or an error: the pages are still the host's.
 */
int its_arena_donate(u64 pfn, u32 order)
{
	u64 size;
	int ret;

	if (order > ARENA_MAX_SHIFT - PAGE_SHIFT || !IS_ALIGNED(pfn, BIT(order)) ||
	    pfn > PHYS_PFN(PHYS_ADDR_MAX))
		return -EINVAL;

	size = PAGE_SIZE << order;
	if (!its_arena_in_limit(hyp_pfn_to_phys(pfn), size))
		return -ERANGE;

	ret = __pkvm_host_donate_hyp(pfn, BIT(order));
	if (ret)
		return ret;

	hyp_spin_lock(&arena.lock);
	arena_push(arena_class(size), hyp_phys_to_virt(hyp_pfn_to_phys(pfn)));
	arena.bytes += size;
	hyp_spin_unlock(&arena.lock);

	return 0;
}

/**
 * its_arena_alloc() - Allocate a block
 * @size:	in bytes, not 0
 * @missing:	set if the arena has none: the size of a block that would do, in
 *		bytes, or 0 if there never is one
 *
 * Return: the block, zeroed, also for an ITS that doesn't snoop; or NULL.
 */
void *its_arena_alloc(u64 size, u64 *missing)
{
	unsigned int class = arena_class(size);
	void *block;

	*missing = 0;
	if (size > BIT(ARENA_MAX_SHIFT))
		return NULL;

	hyp_spin_lock(&arena.lock);
	block = arena_take(class);
	hyp_spin_unlock(&arena.lock);

	if (!block) {
		*missing = max(arena_class_size(class), PAGE_SIZE);
		return NULL;
	}

	arena_clear(block, size);

	return block;
}

/**
 * its_arena_free() - Free a block
 * @block:	from its_arena_alloc(), or NULL; no ITS was ever told of it
 * @size:	the one it was allocated with
 */
void its_arena_free(void *block, u64 size)
{
	if (!block)
		return;

	hyp_spin_lock(&arena.lock);
	arena_push(arena_class(size), block);
	hyp_spin_unlock(&arena.lock);
}

u64 its_arena_bytes(void)
{
	return arena.bytes;
}

/*
 * Records, found by ID through nodes of pointers: three levels of them cover the
 * 32 bits of a DeviceID. Nodes and leaves come from the arena when an ID is
 * reserved and stay, so that the number of IDs that the host invents bounds
 * nothing but the memory it donates.
 */
#define NODE_SIZE		SZ_4K
#define NODE_BITS		9
#define LEAF_BITS		6
#define LEAF_RECORD		(NODE_SIZE >> LEAF_BITS)
#define ROOT_SHIFT		(LEAF_BITS + 2 * NODE_BITS)

static_assert(sizeof_field(struct its_device_record, events[0]) << ITS_MAX_EVENT_BITS ==
	      BIT(ARENA_MAX_SHIFT));
static_assert(sizeof(void *) << NODE_BITS == NODE_SIZE);
static_assert(sizeof(struct its_device_record) <= LEAF_RECORD);
static_assert(sizeof(struct its_vpe_record) <= 2 * LEAF_RECORD);

static void *record_find(void *node, u32 id)
{
	for (int shift = ROOT_SHIFT; node && shift >= LEAF_BITS; shift -= NODE_BITS)
		node = ((void **)node)[(id >> shift) & (BIT(NODE_BITS) - 1)];

	return node ? node + (id & (BIT(LEAF_BITS) - 1)) * LEAF_RECORD : NULL;
}

/* What was allocated before memory ran out is found by the next try. */
static void *record_make(void **root, u32 id, u64 *missing)
{
	void **where = root;

	for (int shift = ROOT_SHIFT;; shift -= NODE_BITS) {
		if (!*where)
			*where = its_arena_alloc(NODE_SIZE, missing);
		if (!*where)
			return NULL;
		if (shift < LEAF_BITS)
			break;
		where = (void **)*where + ((id >> shift) & (BIT(NODE_BITS) - 1));
	}

	return *where + (id & (BIT(LEAF_BITS) - 1)) * LEAF_RECORD;
}

/* The caller holds the lock of the ITS. NULL if it was never reserved. */
struct its_device_record *its_find_device(const struct its *its, u32 device_id)
{
	return record_find(its->devices, device_id);
}

/* Likewise. NULL if memory is @missing, see its_arena_alloc(). */
struct its_device_record *its_make_device(struct its *its, u32 device_id, u64 *missing)
{
	return record_make(&its->devices, device_id, missing);
}

static void *vpe_root;

/* Its record is as long as two: vPEIDs are short. */
static u32 vpe_record_id(u32 vpe_id)
{
	return vpe_id * 2;
}

/* Nests inside the lock of an ITS. */
DEFINE_HYP_SPINLOCK(its_vpe_lock);

/* Takes no lock: a record that is there stays there. NULL if it was never reserved. */
struct its_vpe_record *its_find_vpe(u32 vpe_id)
{
	return record_find(vpe_root, vpe_record_id(vpe_id));
}

/* The caller holds the lock of the vPEs. NULL if memory is @missing. */
struct its_vpe_record *its_make_vpe(u32 vpe_id, u64 *missing)
{
	return record_make(&vpe_root, vpe_record_id(vpe_id), missing);
}

/* The table has memory for the entry of this ID. */
bool its_table_has(const struct its_table *table, u32 id)
{
	if (id >= table->nr_ids)
		return false;
	if (!table->indirect)
		return true;

	return READ_ONCE(table->base[id >> table->ids_per_page]);
}

/* And whoever has given it that memory has made it visible to the ITS, too. */
bool its_table_is_ready(const struct its_table *table, u32 id)
{
	bool has;

	hyp_spin_lock(&arena.lock);
	has = its_table_has(table, id);
	hyp_spin_unlock(&arena.lock);

	return has;
}

/**
 * its_table_add() - Give a table the level-2 page of an ID
 * @table:	of an ITS that is taken over
 * @id:		DeviceID or vPEID, from the host
 * @missing:	see its_arena_alloc()
 *
 * Level-2 pages are never taken away again.
 *
 * Return: 0; -ERANGE if the table can't cover that ID; -ENOMEM.
 */
int its_table_add(const struct its_table *table, u32 id, u64 *missing)
{
	__le64 *entry;
	void *page;

	*missing = 0;
	if (id >= table->nr_ids)
		return -ERANGE;

	if (its_table_is_ready(table, id))
		return 0;

	page = its_arena_alloc(table->page_size, missing);
	if (!page)
		return -ENOMEM;

	entry = &table->base[id >> table->ids_per_page];

	/* A table may serve several ITSs: their locks don't exclude each other */
	hyp_spin_lock(&arena.lock);
	if (!*entry) {
		WRITE_ONCE(*entry, cpu_to_le64(hyp_virt_to_phys(page) | GITS_BASER_VALID));
		/*
		 * Ends in a DSB: it is there before the command that makes the ITS
		 * read it, which may come from any CPU.
		 */
		kvm_flush_dcache_to_poc(entry, sizeof(*entry));
		page = NULL;
	}
	hyp_spin_unlock(&arena.lock);

	its_arena_free(page, table->page_size);

	return 0;
}

u64 its_itt_size(const struct its *its, u32 event_bits)
{
	return (u64)its->itt_entry_size << event_bits;
}

u64 its_events_size(u32 event_bits)
{
	return sizeof_field(struct its_device_record, events[0]) << event_bits;
}

/**
 * struct its_spare - an ITT that no ITS knows of, or is done with
 * @next:	of the same ITS and size
 * @itt:	physical address
 *
 * Such an ITT is kept together with memory for its events: that is where this is.
 */
struct its_spare {
	struct its_spare	*next;
	phys_addr_t		itt;
};

/**
 * its_alloc_device() - Allocate what MAPD of a device takes
 * @its:	the ITS; its lock is not wanted
 * @event_bits:	log2 of the number of entries of the ITT
 * @device:	set to a record of it, reserved
 * @missing:	see its_arena_alloc()
 *
 * Return: 0, or -ENOMEM: nothing is allocated.
 */
int its_alloc_device(struct its *its, u32 event_bits, struct its_device_record *device,
		     u64 *missing)
{
	u64 itt_size = its_itt_size(its, event_bits), events_size = its_events_size(event_bits);
	struct its_spare *spare;
	void *itt, *events;

	*missing = 0;
	if (event_bits > ITS_MAX_EVENT_BITS)
		return -ENOMEM;

	hyp_spin_lock(&arena.lock);
	spare = its->spares[event_bits];
	if (spare)
		its->spares[event_bits] = spare->next;
	hyp_spin_unlock(&arena.lock);

	if (spare) {
		itt = hyp_phys_to_virt(spare->itt);
		events = spare;
		arena_clear(itt, itt_size);
		arena_clear(events, events_size);
	} else {
		itt = its_arena_alloc(itt_size, missing);
		if (!itt)
			return -ENOMEM;
		events = its_arena_alloc(events_size, missing);
		if (!events) {
			its_arena_free(itt, itt_size);
			return -ENOMEM;
		}
	}

	*device = (struct its_device_record){
		.events		= events,
		.itt		= hyp_virt_to_phys(itt),
		.event_bits	= event_bits,
		.state		= ITS_DEVICE_RESERVED,
	};

	return 0;
}

/* What was allocated for a device; @device is a copy of its record. */
void its_free_device(struct its *its, const struct its_device_record *device)
{
	struct its_spare *spare = (void *)device->events;

	if (device->in_place) {
		its_arena_free(device->events, its_events_size(device->event_bits));
		return;
	}

	hyp_spin_lock(&arena.lock);
	spare->itt = device->itt;
	spare->next = its->spares[device->event_bits];
	its->spares[device->event_bits] = spare;
	hyp_spin_unlock(&arena.lock);
}

/*
 * What was taken from the driver in place, in that order. It serves to recognise
 * pages that hold the memory of several devices or ITSs, and to give them back if
 * the take-over fails. Only the trusted host gets here, one CPU at a time.
 */
struct taken_chunk {
	struct taken_chunk	*older;
	unsigned int		nr;
	struct {
		u64		pfn;
		u64		nr_pages;
	} ranges[];
};

#define CHUNK_RANGES	((SZ_4K - sizeof(struct taken_chunk)) / sizeof(taken->ranges[0]))

static struct taken_chunk *taken;
static u64 nr_taken;
static u64 taken_bytes;

static bool is_taken(u64 pfn, u64 nr_pages)
{
	for (struct taken_chunk *chunk = taken; chunk; chunk = chunk->older)
		for (unsigned int i = 0; i < chunk->nr; i++)
			if (pfn >= chunk->ranges[i].pfn &&
			    pfn + nr_pages <= chunk->ranges[i].pfn + chunk->ranges[i].nr_pages)
				return true;

	return false;
}

/**
 * its_take_pages() - Take the pages that memory of an ITS is in, in place
 * @pa:		where the memory starts
 * @size:	its size in bytes
 * @missing:	see its_arena_alloc()
 *
 * Pages that have been taken for another ITS, or for a neighbour of @pa, are
 * taken again without further ado.
 *
 * Return: 0, or an error: nothing has changed.
 */
int its_take_pages(phys_addr_t pa, u64 size, u64 *missing)
{
	u64 pfn = PHYS_PFN(pa), nr_pages = PHYS_PFN(pa + size - 1) - pfn + 1;
	struct taken_chunk *chunk = taken;
	int ret;

	*missing = 0;
	if (!size || pa + size < pa)
		return -EINVAL;
	if (is_taken(pfn, nr_pages))
		return 0;

	if (!chunk || chunk->nr == CHUNK_RANGES) {
		chunk = its_arena_alloc(SZ_4K, missing);
		if (!chunk)
			return -ENOMEM;
		chunk->older = taken;
	}

	ret = __pkvm_host_donate_hyp(pfn, nr_pages);
	if (ret) {
		if (chunk != taken)
			its_arena_free(chunk, SZ_4K);
		return ret;
	}

	chunk->ranges[chunk->nr].pfn = pfn;
	chunk->ranges[chunk->nr].nr_pages = nr_pages;
	chunk->nr++;
	taken = chunk;
	nr_taken++;
	taken_bytes += nr_pages << PAGE_SHIFT;

	return 0;
}

/* How much has been taken so far, for its_give_back_pages(). */
u64 its_nr_taken(void)
{
	return nr_taken;
}

u64 its_taken_bytes(void)
{
	return taken_bytes;
}

/**
 * its_give_back_pages() - Undo its_take_pages()
 * @keep:	what its_nr_taken() was before the first one to undo
 *
 * In the opposite order: what could be found through a page goes before it.
 */
void its_give_back_pages(u64 keep)
{
	while (nr_taken > keep) {
		struct taken_chunk *chunk = taken;
		unsigned int last = --chunk->nr;

		WARN_ON(__pkvm_hyp_donate_host(chunk->ranges[last].pfn,
					       chunk->ranges[last].nr_pages));
		nr_taken--;
		taken_bytes -= chunk->ranges[last].nr_pages << PAGE_SHIFT;
		if (!last) {
			taken = chunk->older;
			its_arena_free(chunk, SZ_4K);
		}
	}
}
