// SPDX-License-Identifier: GPL-2.0
/*
 * Memory, twice: as the CPUs see it through their caches, and as a device sees it
 * that doesn't snoop. Who owns a page follows the rules of mem_protect.c. EL2 can
 * touch what is its own only (with AddressSanitizer), and memory that the host has
 * shared with it by READ_ONCE() only.
 */
#include "model.h"

#include <linux/array_size.h>

#include <sys/mman.h>

#define NR_PAGES	(RAM_SIZE >> PAGE_SHIFT)
#define LINE		64

/* What a device finds where nobody has written back a cache. */
#define STALE		0xa5a5a5a5a5a5a5a5ULL

/* Plain loops on volatile words: neither instrumented nor made a memcpy(). */
#define unchecked	__attribute__((no_sanitize("address"), noinline))

/* Of AddressSanitizer, if the code under test is built with it */
void __attribute__((weak)) __asan_poison_memory_region(const volatile void *p, size_t size);
void __attribute__((weak)) __asan_unpoison_memory_region(const volatile void *p, size_t size);

static void hide(u8 *p, u64 size)
{
	if (__asan_poison_memory_region)
		__asan_poison_memory_region(p, size);
}

static void show(u8 *p, u64 size)
{
	if (__asan_unpoison_memory_region)
		__asan_unpoison_memory_region(p, size);
}

bool oracle_on;
bool mmio_sealed;
u64 total_pins;

bool pkvm_mmio_is_sealed(void)
{
	return mmio_sealed;
}

static u8 *ram, *poc;
static struct page pages[NR_PAGES];
static u32 dirty[NR_PAGES], nr_dirty;

/* The host's next change of its memory under EL2's eyes */
static unsigned int toctou_reads;
static u64 toctou_slot[4];
static bool toctou_armed;

/* Words of a proxy queue that EL2 has read since it was entered */
static u64 seen[128];
static unsigned int nr_seen;

static bool stores_pending;

static void mark_dirty(struct page *page)
{
	if (!page->dirty)
		dirty[nr_dirty++] = page - pages;
	page->dirty = true;
}

unchecked static void fill(u8 *at, u64 value, u64 size)
{
	for (u64 i = 0; i < size / 8; i++)
		((volatile u64 *)at)[i] = value;
}

unchecked static void copy(u8 *to, const u8 *from, u64 size)
{
	if (!(((unsigned long)to | (unsigned long)from | size) & 7)) {
		for (u64 i = 0; i < size / 8; i++)
			((volatile u64 *)to)[i] = ((const volatile u64 *)from)[i];
		return;
	}
	for (u64 i = 0; i < size; i++)
		((volatile u8 *)to)[i] = ((const volatile u8 *)from)[i];
}

unchecked static bool same(const u8 *a, const u8 *b, u64 size)
{
	for (u64 i = 0; i < size; i++)
		if (((const volatile u8 *)a)[i] != ((const volatile u8 *)b)[i])
			return false;

	return true;
}

void memory_reset(void)
{
	if (!ram) {
		/* What EL2 is given, it is given at an address of RAM_BASE's alignment */
		ram = mmap(NULL, RAM_SIZE + SZ_4M, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		poc = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (ram == MAP_FAILED || poc == MAP_FAILED)
			abort();
		ram = (u8 *)(((unsigned long)ram + SZ_4M - 1) & ~(SZ_4M - 1UL));
		hide(ram, RAM_SIZE);
		fill(poc, STALE, RAM_SIZE);
	}

	while (nr_dirty) {
		u64 page = dirty[--nr_dirty];

		fill(ram + page * PAGE_SIZE, 0, PAGE_SIZE);
		fill(poc + page * PAGE_SIZE, STALE, PAGE_SIZE);
		hide(ram + page * PAGE_SIZE, PAGE_SIZE);
	}
	memset(pages, 0, sizeof(pages));
	toctou_armed = false;
	stores_pending = false;
	oracle_on = false;
	total_pins = 0;
	nr_seen = 0;
}

/* In bytes, without the arena */
u64 memory_taken(void)
{
	u64 nr = 0;

	for (u64 i = 0; i < NR_PAGES; i++)
		nr += pages[i].its;

	return nr * PAGE_SIZE - its_arena_bytes();
}

bool in_ram(phys_addr_t pa, u64 size)
{
	return pa >= RAM_BASE && pa < RAM_END && size <= RAM_END - pa;
}

struct page *page_of(phys_addr_t pa)
{
	return in_ram(pa, 1) ? &pages[(pa - RAM_BASE) >> PAGE_SHIFT] : NULL;
}

static u8 *cpu_view(phys_addr_t pa)
{
	return ram + (pa - RAM_BASE);
}

static u8 *device_view(phys_addr_t pa)
{
	return poc + (pa - RAM_BASE);
}

/* Any address that the host makes up goes through here, so no pointer arithmetic */
void *hyp_phys_to_virt(phys_addr_t pa)
{
	return (void *)((unsigned long)ram + (unsigned long)(pa - RAM_BASE));
}

phys_addr_t hyp_virt_to_phys(const volatile void *va)
{
	return (unsigned long)va - (unsigned long)ram + RAM_BASE;
}

/* Host: the owner, sharing or not */
bool host_may_access(phys_addr_t pa, u64 size)
{
	if (!in_ram(pa, size))
		return false;
	for (u64 at = pa & ~(PAGE_SIZE - 1); at < pa + size; at += PAGE_SIZE)
		if (page_of(at)->owner != OWNER_HOST)
			return false;

	return true;
}

void host_write(phys_addr_t pa, const void *data, u64 size)
{
	require("model", host_may_access(pa, size), "the host has no access to %llx", pa);
	for (u64 at = pa & ~(PAGE_SIZE - 1); at < pa + size; at += PAGE_SIZE)
		mark_dirty(page_of(at));
	copy(cpu_view(pa), data, size);
}

/* As a driver does with memory that a device reads */
void host_write_clean(phys_addr_t pa, const void *data, u64 size)
{
	host_write(pa, data, size);
	copy(device_view(pa), data, size);
}

/* Whole pages, all words the same; @clean as above */
void host_fill(phys_addr_t pa, u64 value, u64 size, bool clean)
{
	require("model", host_may_access(pa, size), "the host has no access to %llx", pa);
	for (u64 at = pa; at < pa + size; at += PAGE_SIZE)
		mark_dirty(page_of(at));
	fill(cpu_view(pa), value, size);
	if (clean)
		fill(device_view(pa), value, size);
}

u64 host_read64(phys_addr_t pa)
{
	u64 value;

	require("model", host_may_access(pa, 8), "the host has no access to %llx", pa);
	copy((u8 *)&value, cpu_view(pa), 8);

	return value;
}

static bool is_owned(const struct page *page)
{
	return page && page->owner == OWNER_HOST && !page->shared;
}

int host_share(phys_addr_t pa)
{
	struct page *page = page_of(pa);

	if (!is_owned(page))
		return -EPERM;
	page->shared = true;

	return 0;
}

int host_unshare(phys_addr_t pa)
{
	struct page *page = page_of(pa);

	if (!page || page->owner != OWNER_HOST || !page->shared)
		return -EPERM;
	if (page->pins)
		return -EBUSY;
	page->shared = false;

	return 0;
}

static int donate(phys_addr_t pa, enum owner owner)
{
	struct page *page = page_of(pa);

	if (!is_owned(page))
		return -EPERM;
	page->owner = owner;
	mark_dirty(page);

	return 0;
}

int host_donate_guest(phys_addr_t pa)
{
	return donate(pa, OWNER_GUEST);
}

int host_donate_private(phys_addr_t pa)
{
	return donate(pa, OWNER_HYP);
}

int host_reclaim_guest(phys_addr_t pa)
{
	struct page *page = page_of(pa);

	if (!page || page->owner != OWNER_GUEST)
		return -EPERM;
	page->owner = OWNER_HOST;
	fill(cpu_view(pa & ~(PAGE_SIZE - 1)), 0, PAGE_SIZE);

	return 0;
}

static bool pfns_are_valid(u64 pfn, u64 nr_pages)
{
	u64 limit = BIT(52 - PAGE_SHIFT);

	return pfn < limit && nr_pages <= limit - pfn;
}

int __pkvm_host_donate_hyp(u64 pfn, u64 nr_pages)
{
	phys_addr_t pa = pfn << PAGE_SHIFT;

	if (!pfns_are_valid(pfn, nr_pages))
		return -EINVAL;
	if (!in_ram(pa, nr_pages << PAGE_SHIFT))
		return -EINVAL;
	for (u64 i = 0; i < nr_pages; i++)
		if (!is_owned(page_of(pa + i * PAGE_SIZE)))
			return -EPERM;
	for (u64 i = 0; i < nr_pages; i++) {
		struct page *page = page_of(pa + i * PAGE_SIZE);

		page->owner = OWNER_HYP;
		page->its = true;
		mark_dirty(page);
	}
	show(cpu_view(pa), nr_pages << PAGE_SHIFT);

	return 0;
}

int __pkvm_hyp_donate_host(u64 pfn, u64 nr_pages)
{
	phys_addr_t pa = pfn << PAGE_SHIFT;

	if (!pfns_are_valid(pfn, nr_pages) || !in_ram(pa, nr_pages << PAGE_SHIFT))
		return -EINVAL;
	for (u64 i = 0; i < nr_pages; i++) {
		struct page *page = page_of(pa + i * PAGE_SIZE);

		if (page->owner != OWNER_HYP || !page->its)
			return -EPERM;
		if (page->pins)
			return -EBUSY;
	}
	for (u64 i = 0; i < nr_pages; i++) {
		page_of(pa + i * PAGE_SIZE)->owner = OWNER_HOST;
		page_of(pa + i * PAGE_SIZE)->its = false;
	}
	hide(cpu_view(pa), nr_pages << PAGE_SHIFT);

	return 0;
}

int pkvm_pin_shared(phys_addr_t phys, u64 size, u16 max_pins)
{
	u64 start = phys & ~(PAGE_SIZE - 1), end = PAGE_ALIGN(phys + size);

	if (!pfns_are_valid(start >> PAGE_SHIFT, (end - start) >> PAGE_SHIFT) ||
	    !in_ram(start, end - start))
		return -EINVAL;
	for (u64 at = start; at < end; at += PAGE_SIZE) {
		struct page *page = page_of(at);

		if (page->owner != OWNER_HOST || !page->shared)
			return -EPERM;
		if (page->pins > max_pins)
			return -EBUSY;
	}
	for (u64 at = start; at < end; at += PAGE_SIZE)
		BUG_ON(++page_of(at)->pins == 0xffff);
	total_pins += (end - start) >> PAGE_SHIFT;

	return 0;
}

void pkvm_unpin_shared(phys_addr_t phys, u64 size)
{
	u64 start = phys & ~(PAGE_SIZE - 1), end = PAGE_ALIGN(phys + size);

	for (u64 at = start; at < end; at += PAGE_SIZE) {
		BUG_ON(!in_ram(at, PAGE_SIZE));
		BUG_ON(!page_of(at)->pins);
		page_of(at)->pins--;
		total_pins--;
	}
}

/*
 * When EL2 has read @nr_reads more words of memory it shares with the host, the
 * slot that the last one is in gets other contents.
 */
void memory_toctou(unsigned int nr_reads, const u64 *slot)
{
	toctou_reads = nr_reads;
	memcpy(toctou_slot, slot, sizeof(toctou_slot));
	toctou_armed = true;
}

void memory_enter(void)
{
	nr_seen = 0;
}

unchecked static u64 load(const volatile void *p, size_t size)
{
	switch (size) {
	case 1: return *(const volatile u8 *)p;
	case 2: return *(const volatile u16 *)p;
	case 4: return *(const volatile u32 *)p;
	default: return *(const volatile u64 *)p;
	}
}

u64 model_read_once(const volatile void *p, size_t size)
{
	phys_addr_t pa = hyp_virt_to_phys(p);
	struct page *page = page_of(pa);
	u64 value;

	if (!page || page->owner == OWNER_HYP) {
		/* So that the sanitizer has a look at it */
		switch (size) {
		case 1: return *(const volatile u8 *)p;
		case 2: return *(const volatile u16 *)p;
		case 4: return *(const volatile u32 *)p;
		default: return *(const volatile u64 *)p;
		}
	}

	require("I5", page->owner == OWNER_HOST && page->shared && page->pins,
		"EL2 reads %llx, which is not pinned", pa);
	for (unsigned int i = 0; i < nr_seen; i++)
		require("I2", seen[i] != pa || !oracle_on, "EL2 reads %llx twice", pa);
	if (nr_seen < ARRAY_SIZE(seen))
		seen[nr_seen++] = pa;

	value = load(p, size);
	if (toctou_armed && !toctou_reads--) {
		toctou_armed = false;
		host_write(pa & ~31ULL, toctou_slot, sizeof(toctou_slot));
	}

	return value;
}

/* A store for the eyes of the ITS; other stores of that kind are to globals. */
void model_write_once(const volatile void *p, size_t size)
{
	if (in_ram(hyp_virt_to_phys(p), size))
		stores_pending = true;
}

void kvm_flush_dcache_to_poc(const volatile void *start, size_t size)
{
	phys_addr_t pa = hyp_virt_to_phys(start);
	phys_addr_t from = pa & ~(LINE - 1ULL), to = (pa + size + LINE - 1) & ~(LINE - 1ULL);

	require("I5", in_ram(pa, size), "EL2 cleans %llx, which is no memory", pa);
	copy(device_view(from), cpu_view(from), to - from);
	/* It ends in a dsb(sy) */
	stores_pending = false;
}

void model_dsb(const char *what)
{
	stores_pending = false;
}

bool memory_is_published(void)
{
	return !stores_pending;
}

/*
 * The ITS goes for memory. If it doesn't snoop, the whole line counts: a CPU may
 * write it back at any time. How it accesses tables is a matter of GITS_BASER<n>,
 * and ITTs of no register at all: these have to be clean in any case.
 */
static void check_dma(phys_addr_t pa, u64 size, enum dma what)
{
	static const char * const names[] = { "queue", "table", "ITT", "table of a vPE or of LPIs",
					      "pending table" };
	u64 start = pa, end = pa + size;

	require("I1", in_ram(pa, size), "the GIC goes for %llx (%s), which is no memory",
		pa, names[what]);
	if (!oracle_on)
		return;
	require("I1", !config.dma32 || pa + size <= SZ_4G, "the GIC can't reach %llx (%s)", pa,
		names[what]);

	for (u64 at = pa & ~(PAGE_SIZE - 1); at < pa + size; at += PAGE_SIZE) {
		const struct page *page = page_of(at);

		if (what == DMA_VPE)
			require("I1", page->owner == OWNER_HOST && page->shared && page->pins,
				"the GIC goes for %llx (%s), owner %u, pins %u",
				pa, names[what], page->owner, page->pins);
		else
			require("I1", page->owner == OWNER_HYP && page->its,
				"the GIC goes for %llx (%s), owner %u", pa, names[what],
				page->owner);
	}

	if (what == DMA_VPE || (what == DMA_QUEUE && !config.non_coherent))
		return;
	if (config.non_coherent && what != DMA_QUEUE) {
		start &= ~(LINE - 1ULL);
		end = (end + LINE - 1) & ~(LINE - 1ULL);
	}
	require("CMO", same(cpu_view(start), device_view(start), end - start),
		"the GIC goes for %llx (%s), of which a cache has another version", pa,
		names[what]);
}

void dma_read(phys_addr_t pa, void *data, u64 size, enum dma what)
{
	check_dma(pa, size, what);
	copy(data, cpu_view(pa), size);
}

void dma_write(phys_addr_t pa, const void *data, u64 size, enum dma what)
{
	check_dma(pa, size, what);
	for (u64 at = pa & ~(PAGE_SIZE - 1); at < pa + size; at += PAGE_SIZE)
		mark_dirty(page_of(at));
	copy(cpu_view(pa), data, size);
	copy(device_view(pa), data, size);
}
