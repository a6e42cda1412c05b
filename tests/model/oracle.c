// SPDX-License-Identifier: GPL-2.0
/*
 * After each call of EL2: who claims which memory, by the records of EL2, and what
 * could an ITS use, by its own tables. No two claims overlap, each use is within a
 * claim of that very device or table, and nothing of the arena is lost.
 */
#include "model.h"

#include <linux/array_size.h>

#include <nvhe/redist.h>

#define MAX_CLAIMS	4096

enum claim_kind { CLAIM_FREE, CLAIM_RECORD, CLAIM_QUEUE, CLAIM_TABLE, CLAIM_ITT, CLAIM_PENDING };

static const char * const kinds[] = { "free block", "record", "queue", "table", "ITT",
				      "pending table" };

static struct claim {
	u64	start, end;
	u8	kind;
	u8	its;
	u32	id;
} claims[MAX_CLAIMS];
static u32 nr_claims;
static u64 arena_used;

/* Pending tables and whose they are */
static struct { phys_addr_t vpt, vconf; u32 vpe; } vpts[256];
static u32 nr_vpts;

/* The configuration table of LPIs */
static phys_addr_t lpi_config;
static u64 pins;

static struct its *its_of(unsigned int n)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(FRAME_BASE(n), NULL, NULL);

	return range ? range->data : NULL;
}

static struct redist *redist_of(unsigned int cpu)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(RD_BASE(cpu), NULL, NULL);

	return range ? range->data : NULL;
}

/* By unit of the arena: of which ITS it was an ITT, and of which size; 0 if it wasn't */
static u16 was_itt[RAM_SIZE / SZ_256];

void oracle_reset(void)
{
	memset(was_itt, 0, sizeof(was_itt));
}

static void claim(enum claim_kind kind, u32 its, u32 id, u64 start, u64 size)
{
	require("model", nr_claims < MAX_CLAIMS, "too many claims");
	claims[nr_claims++] = (struct claim){ start, start + size, kind, its, id };
	for (u64 at = start & ~(PAGE_SIZE - 1); at < start + size; at += PAGE_SIZE)
		require("I3", in_ram(at, 1) && page_of(at)->owner == OWNER_HYP &&
			page_of(at)->its, "EL2 counts on %llx (%s), which isn't its own", at,
			kinds[kind]);
	require("I1", !config.dma32 || start + size <= SZ_4G, "%llx (%s) is beyond the ITS", start,
		kinds[kind]);
	for (u64 at = start & ~(SZ_256 - 1ULL); at < start + size; at += SZ_256) {
		u16 *was = &was_itt[(at - RAM_BASE) / SZ_256];
		u16 is = kind == CLAIM_ITT ? its << 8 | (ilog2(size) + 1) : 0;

		require("I3", !*was || *was == is, "%llx (%s of ITS %u) was an ITT (%x)", at,
			kinds[kind], its, *was);
		*was = is;
	}
}

static void claim_block(enum claim_kind kind, u32 its, u32 id, const void *va, u64 size)
{
	claim(kind, its, id, hyp_virt_to_phys(va), size);
	arena_used += el2_block_size(size);
}

static void claim_free(phys_addr_t pa, u64 size)
{
	claim(CLAIM_FREE, 0, 0, pa, size);
	require("I1", !(pa & (size - 1)), "%llx, a block of %llx bytes, isn't aligned", pa, size);
	arena_used += size;
}

/* No device has it. The ITS may go on with it for a while, which nobody notices. */
static void claim_spare(struct its *its, phys_addr_t itt, void *events, u32 event_bits)
{
	u64 size = its_itt_size(its, event_bits);

	claim(CLAIM_ITT, its->nr, ~0U, itt, size);
	arena_used += el2_block_size(size);
	claim_block(CLAIM_RECORD, its->nr, ~0U, events, its_events_size(event_bits));
	memset(hyp_phys_to_virt(itt), 0xa5, SZ_256);
}

static void claim_chunk(phys_addr_t pa, u64 size)
{
	claim(CLAIM_RECORD, 0, 0, pa, size);
	arena_used += el2_block_size(size);
}

/* A table, described as by GITS_BASER<n> */
static void claim_table(unsigned int n, phys_addr_t pa, u64 size, u64 page_size, bool indirect)
{
	const u64 *entries = hyp_phys_to_virt(pa);

	/* One table of several ITSs and redistributors */
	for (u32 i = 0; i < nr_claims; i++)
		if (claims[i].start == pa && claims[i].kind == CLAIM_TABLE)
			return;
	claim(CLAIM_TABLE, n, 0, pa, size);
	for (u64 i = 0; indirect && i < size / 8; i++) {
		u64 entry = entries[i];

		if (!entry)
			continue;
		claim(CLAIM_TABLE, n, 0, entry & GENMASK_ULL(51, 12), page_size);
		if (!el2_in_place(entry & GENMASK_ULL(51, 12), page_size))
			arena_used += el2_block_size(page_size);
	}
}

static void claim_baser(unsigned int n, u64 baser, const struct its_table *table)
{
	if (table->base)
		claim_table(n, hyp_virt_to_phys(table->base),
			    ((baser & 0xff) + 1) * hw_page_size(baser), table->page_size,
			    table->indirect);
}

/* What EL2 has taken for a redistributor */
static void claim_redist(unsigned int cpu)
{
	static const u32 sizes[] = { SZ_4K, SZ_16K, SZ_64K, SZ_64K };
	struct redist *rd = redist_of(cpu);
	u64 page_size, vprop = rd->vpe_table;

	require("I4", rd->taken == !!rd->propbaser, "CPU %u isn't taken", cpu);
	require("I3", !rd->vpe || rd->vpe->resident == rd, "CPU %u: whose vPE?", cpu);
	if (!rd->taken)
		return;

	require("I4", !lpi_config || lpi_config == GICR_PROPBASER_ADDRESS(rd->propbaser),
		"two configuration tables of LPIs");
	if (!lpi_config)
		pins += SZ_64K >> PAGE_SHIFT;
	lpi_config = GICR_PROPBASER_ADDRESS(rd->propbaser);
	claim(CLAIM_PENDING, cpu, cpu, GICR_PENDBASER_ADDRESS(rd->pendbaser), SZ_64K);
	if (!vprop)
		return;
	page_size = sizes[(vprop >> 53) & 3];
	claim_table(cpu, vprop & GENMASK_ULL(51, 12), ((vprop & 0x7f) + 1) * page_size, page_size,
		    vprop & GICR_VPROPBASER_4_1_INDIRECT);
}

static void claim_device(unsigned int n, u32 id, const struct its_device_record *device)
{
	struct its *its = its_of(n);
	u64 itt = its_itt_size(its, device->event_bits);
	u64 events = its_events_size(device->event_bits);

	if (device->state == ITS_DEVICE_NONE)
		return;
	claim(CLAIM_ITT, n, id, device->itt, itt);
	if (!device->in_place)
		arena_used += el2_block_size(itt);
	claim_block(CLAIM_RECORD, n, id, device->events, events);
}

static void claim_vpe(unsigned int n, u32 id, const struct its_vpe_record *vpe)
{
	bool used = vpe->mapped | vpe->unmapping || vpe->bound || vpe->resident;

	require("I3", !used || vpe->vpt, "vPE %x without its table", id);
	require("I6", used || !vpe->vpt, "vPE %x: table is kept", id);
	require("I3", !((vpe->vpt | vpe->vconf) & (VPE_BLOCK - 1)), "vPE %x: tables at %llx, %llx", id,
		vpe->vpt, vpe->vconf);
	require("I3", !vpe->bound || vpe->vconf, "vPE %x: bound without a table", id);
	require("I3", !vpe->resident || vpe->resident->vpe == vpe, "vPE %x: whose resident?", id);
	if (!vpe->vpt)
		return;
	pins += VPE_BLOCK >> PAGE_SHIFT << !!vpe->vconf;
	for (u32 i = 0; i < nr_vpts; i++)
		require("I1", vpts[i].vpt != vpe->vpt, "two vPEs have the pending table %llx",
			vpe->vpt);
	require("model", nr_vpts < ARRAY_SIZE(vpts), "too many vPEs");
	vpts[nr_vpts].vpt = vpe->vpt;
	vpts[nr_vpts].vconf = vpe->vconf;
	vpts[nr_vpts++].vpe = id;
}

/* Three levels of nodes, then records of 64 bytes, or twice that; see its_memory.c */
static void walk_records(unsigned int n, void *node, u32 level, u32 id, bool vpes)
{
	if (!node)
		return;
	claim_block(CLAIM_RECORD, n, id, node, SZ_4K);
	if (level < 3) {
		for (u32 i = 0; i < 512; i++)
			walk_records(n, ((void **)node)[i], level + 1, id << 9 | i, vpes);
		return;
	}
	for (u32 i = 0; i < 64; i++) {
		if (vpes && i % 2)
			continue;
		if (vpes)
			claim_vpe(n, (id << 6 | i) / 2, node + i * 64);
		else
			claim_device(n, id << 6 | i, node + i * 64);
	}
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

static const struct claim *find_claim(phys_addr_t pa)
{
	u32 left = 0, right = nr_claims;

	while (left < right) {
		u32 cur = (left + right) / 2;

		if (pa < claims[cur].end)
			right = cur;
		else
			left = cur + 1;
	}

	return left < nr_claims && pa >= claims[left].start ? &claims[left] : NULL;
}

/* Host memory, which can become nobody else's as long as it is reachable */
static void check_pinned(unsigned int n, phys_addr_t pa, u64 size, const char *what)
{
	for (u64 at = pa & ~(PAGE_SIZE - 1); at < pa + size; at += PAGE_SIZE) {
		const struct page *page = page_of(at);

		require("I3", page->owner == OWNER_HOST && page->shared && page->pins,
			"%u reaches a %s at %llx: owner %u, pins %u", n, what, at, page->owner,
			page->pins);
	}
}

/* @n is an ITS or a CPU, @id what is known of the owner */
static void check_use(enum use use, unsigned int n, u32 id, phys_addr_t pa, u64 size)
{
	static const u8 wanted[] = { CLAIM_QUEUE, CLAIM_TABLE, CLAIM_ITT, CLAIM_PENDING };
	const struct claim *found;
	bool mine = false;

	require("I1", in_ram(pa, size), "%u has %llx in its tables", n, pa);
	require("I1", !config.dma32 || pa + size <= SZ_4G, "%u can't reach %llx", n, pa);
	switch (use) {
	case USE_CONFIG:
		check_pinned(n, pa, size, "table of LPIs");
		require("I3", pa == lpi_config, "CPU %u: configuration of LPIs at %llx", n, pa);
		return;
	case USE_VPT:
	case USE_VCONF:
		check_pinned(n, pa, size, "table of a vPE");
		/* The vPE, too, as there may be another reason for the pins */
		for (u32 i = 0; i < nr_vpts; i++)
			mine |= use == USE_VPT ? vpts[i].vpt == pa && (vpts[i].vpe == id || id == ~0U) :
						 vpts[i].vconf == pa;
		require("I3", mine, "%u reaches the table %llx of a vPE, which isn't of vPE %x", n,
			pa, id);
		return;
	default:
		break;
	}

	found = find_claim(pa);
	require("I3", found, "%u reaches %llx, which is nobody's", n, pa);
	require("I3", found->kind == wanted[use] && pa + size <= found->end,
		"%u reaches %llx as %s (id %x), which is a %s", n, pa, kinds[wanted[use]], id,
		kinds[found->kind]);
	require("I3", use == USE_TABLE || (found->its == n && found->id == id),
		"%u reaches %llx as %s of %x, which is of %x of %u", n, pa, kinds[wanted[use]],
		id, found->id, found->its);
}

static void check_lost(unsigned int n)
{
	if (its_stat(FRAME_BASE(n), PKVM_ITS_STATE) == PKVM_ITS_LOST)
		require("I3", !(hw_peek(n, GITS_CTLR) & GITS_CTLR_ENABLE), "a lost ITS is enabled");
}

void oracle_check(void)
{
	if (!oracle_on)
		return;

	nr_claims = 0;
	nr_vpts = 0;
	lpi_config = 0;
	arena_used = 0;
	pins = 0;
	el2_walk_free(claim_free);
	el2_walk_chunks(claim_chunk);
	for (unsigned int n = 0; n < config.nr_its; n++) {
		struct its *its = its_of(n);

		pins += PAGE_ALIGN(its->size) >> PAGE_SHIFT;
		claim(CLAIM_QUEUE, n, 0, hyp_virt_to_phys(its->queue), its->size);
		claim_block(CLAIM_RECORD, n, 0, its->notes, its->size / 32 * sizeof(*its->notes));
		claim_block(CLAIM_RECORD, n, 0, its->collections,
			    its->nr_collections * sizeof(u64));
		claim_baser(n, its->baser[0], &its->device_table);
		claim_baser(n, its->baser[2], &its->vpe_table);
		if (its->baser[1] >> 63)
			claim(CLAIM_TABLE, n, 1, its->baser[1] & GENMASK_ULL(47, 12),
			      ((its->baser[1] & 0xff) + 1) * config.page_size);
		el2_walk_spares(its, claim_spare);
		walk_records(n, its->devices, 0, 0, false);
		check_lost(n);
	}
	for (unsigned int cpu = 0; cpu < NR_RD_FRAMES; cpu++)
		claim_redist(cpu);
	walk_records(0, el2_vpe_root(), 0, 0, true);

	qsort(claims, nr_claims, sizeof(claims[0]), compare_claims);
	for (u32 i = 1; i < nr_claims; i++)
		require("I3", claims[i - 1].end <= claims[i].start,
			"%llx is a %s (%x) and a %s (%x)", claims[i].start, kinds[claims[i - 1].kind],
			claims[i - 1].id, kinds[claims[i].kind], claims[i].id);
	require("I6", arena_used == its_arena_bytes(), "%llx bytes of %llx of the arena are lost",
		its_arena_bytes() - arena_used, its_arena_bytes());
	require("I3", pins <= total_pins, "%llu pages pinned, %llu in use", total_pins, pins);
	require("I6", pins == total_pins, "%llu pages pinned, %llu known", total_pins, pins);

	for (unsigned int n = 0; n < config.nr_its; n++)
		hw_walk_uses(n, check_use);
	for (unsigned int cpu = 0; cpu < NR_RD_FRAMES; cpu++)
		rd_walk_uses(cpu, check_use);
}

static void compare_devices(unsigned int n, void *node, u32 level, u32 id)
{
	if (!node)
		return;
	for (u32 i = 0; level < 3 && i < 512; i++)
		compare_devices(n, ((void **)node)[i], level + 1, id << 9 | i);
	for (u32 i = 0; level == 3 && i < 64; i++) {
		const struct its_device_record *device = node + i * 64;
		phys_addr_t itt = 0;
		u32 bits = 0;

		require("I2", hw_device_is_mapped(n, id << 6 | i, &itt, &bits) ==
			(device->state == ITS_DEVICE_MAPPED), "EL2 and ITS %u differ on device %x",
			n, id << 6 | i);
		require("I2", device->state != ITS_DEVICE_MAPPED ||
			(itt == device->itt && bits == device->event_bits),
			"EL2 and ITS %u differ on the ITT of device %x", n, id << 6 | i);
	}
}

/* When the queues are empty, EL2 and the ITSs agree on what is mapped. */
void oracle_check_drained(void)
{
	oracle_check();
	for (unsigned int n = 0; n < config.nr_its; n++)
		/* Without its device table, after a loss of power, it knows of nothing */
		if (hw_is_idle(n) && hw_is_exact(n) &&
		    hw_peek(n, GITS_BASER) == hw_pinned(n, GITS_BASER))
			compare_devices(n, its_of(n)->devices, 0, 0);
}
