// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit tests for what pKVM does about the ITS: the decoding of the host's
 * accesses to protected MMIO, the filter for commands, the memory, and the
 * registers of the redistributors.
 *
 * The sources are those of EL2, built once more, for EL1. What only EL2 can do
 * is replaced by a fake. The symbols get a prefix, like those of EL2.
 */

#define its_add_rdbase		kunit_its_add_rdbase
#define its_alloc_device	kunit_its_alloc_device
#define its_arena_alloc		kunit_its_arena_alloc
#define its_arena_bytes		kunit_its_arena_bytes
#define its_arena_donate	kunit_its_arena_donate
#define its_arena_free		kunit_its_arena_free
#define its_arena_in_limit	kunit_its_arena_in_limit
#define its_arena_set_limit	kunit_its_arena_set_limit
#define its_bind_vpe		kunit_its_bind_vpe
#define its_build_sync		kunit_its_build_sync
#define its_events_size		kunit_its_events_size
#define its_filter		kunit_its_filter
#define its_find_device		kunit_its_find_device
#define its_find_vpe		kunit_its_find_vpe
#define its_find_vpe_by_vpt	kunit_its_find_vpe_by_vpt
#define its_forget_events	kunit_its_forget_events
#define its_free_device		kunit_its_free_device
#define its_give_back_pages	kunit_its_give_back_pages
#define its_give_up		kunit_its_give_up
#define its_itt_size		kunit_its_itt_size
#define its_lpi_bits		kunit_its_lpi_bits
#define its_lpi_is_valid	kunit_its_lpi_is_valid
#define its_make_device		kunit_its_make_device
#define its_make_vpe		kunit_its_make_vpe
#define its_map_collection	kunit_its_map_collection
#define its_map_event		kunit_its_map_event
#define its_nr_taken		kunit_its_nr_taken
#define its_retire		kunit_its_retire
#define its_set_id_bits		kunit_its_set_id_bits
#define its_table_add		kunit_its_table_add
#define its_table_has		kunit_its_table_has
#define its_table_is_ready	kunit_its_table_is_ready
#define its_take_pages		kunit_its_take_pages
#define its_unbind_vpe		kunit_its_unbind_vpe
#define its_unpin_vpe		kunit_its_unpin_vpe
#define its_vpe_lock		kunit_its_vpe_lock
#define pkvm_mmio_decode	kunit_pkvm_mmio_decode
#define pkvm_mmio_find		kunit_pkvm_mmio_find
#define pkvm_mmio_insert	kunit_pkvm_mmio_insert
#define pkvm_mmio_is_pinned	kunit_pkvm_mmio_is_pinned
#define pkvm_mmio_is_read	kunit_pkvm_mmio_is_read
#define pkvm_mmio_remove	kunit_pkvm_mmio_remove
#define redist_find		kunit_redist_find
#define redist_has_vpe		kunit_redist_has_vpe
#define redist_not_taken	kunit_redist_not_taken
#define redist_power_down	kunit_redist_power_down
#define redist_power_up		kunit_redist_power_up
#define redist_protect		kunit_redist_protect
#define redist_stat		kunit_redist_stat
#define redist_tables_add	kunit_redist_tables_add
#define redist_tables_have	kunit_redist_tables_have
#define redist_take_over	kunit_redist_take_over

#include <kunit/test.h>
#include <kunit/test-bug.h>

#include <linux/io.h>
#include <linux/mm.h>
#include <linux/string.h>

#include <asm/cputype.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/memory.h>
#include <nvhe/mmio.h>
#include <nvhe/redist.h>

/* Host memory that is shared with EL2, in units of the tables of a vPE */
#define SHARED_BASE		0x90000000ULL
#define SHARED_SIZE		0x10000ULL
#define NR_SHARED		8
#define SHARED(n)		(SHARED_BASE + (n) * SHARED_SIZE)
#define NOT_SHARED		SHARED(NR_SHARED)

/* One more, for a vPE in the same list as that of SHARED(4) */
#define SHARED_FAR		(SHARED(4) + SZ_16M)

/* Redistributors, with two frames each that EL2 may take */
#define NR_REDISTS		3
#define FRAMES(n)		(0x10000000ULL + (n) * SZ_256K)

/* What tables of vPEs have entries for */
#define NR_VPES			32

static struct {
	int			error;		/* what a donation returns */
	unsigned int		nr_donated;
	unsigned int		nr_returned;
	u64			pfn;		/* of the last call */
	u64			nr_pages;
	unsigned int		pins[NR_SHARED + 1];
	void			*frames[2 * NR_REDISTS];
	phys_addr_t		no_frame;	/* can't be protected */
	void			*last_write;	/* of 64 bits, to a frame */
	bool			slow;		/* to be done with a vPE */
	bool			unsealed;	/* the host is trusted */
	u64			mpidr;		/* of the CPU that EL2 runs on */
	bool			away[NR_REDISTS]; /* the CPU is in the hands of firmware */
	unsigned int		nr_tables;	/* taken */
	struct its_table_info	table;		/* the last of them */
	u64			table_missing;
} fake;

static int fake_host_donate_hyp(u64 pfn, u64 nr_pages)
{
	if (fake.error)
		return fake.error;

	fake.nr_donated++;
	fake.pfn = pfn;
	fake.nr_pages = nr_pages;

	return 0;
}

static int fake_hyp_donate_host(u64 pfn, u64 nr_pages)
{
	fake.nr_returned++;
	fake.pfn = pfn;
	fake.nr_pages = nr_pages;

	return 0;
}

static unsigned int shared_index(phys_addr_t phys)
{
	for (unsigned int n = 0; n < NR_SHARED; n++)
		if (phys == SHARED(n))
			return n;

	return phys == SHARED_FAR ? NR_SHARED : ARRAY_SIZE(fake.pins);
}

static int fake_pin_shared(phys_addr_t phys, u64 size, u16 max_pins)
{
	unsigned int n = shared_index(phys);

	if (n == ARRAY_SIZE(fake.pins))
		return -EPERM;
	if (fake.pins[n] > max_pins)
		return -EBUSY;

	KUNIT_EXPECT_EQ(kunit_get_current_test(), size, SHARED_SIZE);
	fake.pins[n]++;

	return 0;
}

static void fake_unpin_shared(phys_addr_t phys, u64 size)
{
	unsigned int n = shared_index(phys);

	KUNIT_ASSERT_LT(kunit_get_current_test(), n, ARRAY_SIZE(fake.pins));
	KUNIT_EXPECT_EQ(kunit_get_current_test(), size, SHARED_SIZE);
	KUNIT_EXPECT_GT(kunit_get_current_test(), fake.pins[n], 0);
	fake.pins[n]--;
}

/* ITSs are numbered differently in VMOVP. */
static u16 fake_its_list(u64 its_mask)
{
	return its_mask << 2;
}

static int fake_protect_mmio(phys_addr_t base, u64 size, pkvm_mmio_write_fn write, void *data)
{
	struct pkvm_mmio_range range = {
		.base	= base,
		.size	= size,
		.va	= (__force void __iomem *)fake.frames[(base - FRAMES(0)) / SZ_128K],
		.write	= write,
		.data	= data,
	};

	KUNIT_EXPECT_EQ(kunit_get_current_test(), size, SZ_64K);
	if (base == fake.no_frame)
		return -EPERM;

	return PTR_ERR_OR_ZERO(pkvm_mmio_insert(&range));
}

static int fake_take_table(struct its_table *table, const struct its_table_info *info,
			   u64 *missing)
{
	*missing = fake.table_missing;
	if (*missing)
		return -ENOMEM;

	fake.nr_tables++;
	fake.table = *info;
	*table = (struct its_table){ .base = __va(info->base), .nr_ids = NR_VPES };

	return 0;
}

/* A device that is written at an address not aligned to the size is a fault of EL2. */
static void fake_writeq(u64 value, void __iomem *addr)
{
	u64 *reg = (__force u64 *)addr;

	KUNIT_EXPECT_TRUE(kunit_get_current_test(), IS_ALIGNED((unsigned long)reg, sizeof(*reg)));
	for (unsigned int i = 1; i < ARRAY_SIZE(fake.frames); i += 2) {
		if (!fake.slow || (void *)reg != fake.frames[i] + GICR_VPENDBASER)
			continue;
		if ((*reg & GICR_VPENDBASER_Valid) && !(value & GICR_VPENDBASER_Valid))
			value |= GICR_VPENDBASER_Dirty;
	}
	*reg = value;
	fake.last_write = reg;
}

#undef writeq_relaxed
#define writeq_relaxed		fake_writeq
#define pkvm_protect_mmio	fake_protect_mmio
#define its_take_table		fake_take_table
#define __pkvm_host_donate_hyp	fake_host_donate_hyp
#define __pkvm_hyp_donate_host	fake_hyp_donate_host
#define pkvm_pin_shared		fake_pin_shared
#define pkvm_unpin_shared	fake_unpin_shared
/* What is not, is not sealed: then the redistributors are forwarded */
static bool fake_its_is_sealed(void)
{
	return !fake.unsealed;
}

static u64 fake_mpidr(void)
{
	return fake.mpidr;
}

#define its_list		fake_its_list
#define its_is_sealed	fake_its_is_sealed
#define read_cpuid_mpidr	fake_mpidr
#define hyp_phys_to_virt(pa)	__va(pa)
#define hyp_virt_to_phys(va)	__pa(va)

#include "hyp/nvhe/mmio.c"
#include "hyp/nvhe/its_memory.c"
#include "hyp/nvhe/its_command.c"
#include "hyp/nvhe/redist.c"

/* As it is when EL2 starts */
static int its_test_init(struct kunit *test)
{
	memset(&fake, 0, sizeof(fake));
	memset(mmio_ranges, 0, sizeof(mmio_ranges));
	mmio_nr_ranges = 0;
	memset(&arena, 0, sizeof(arena));
	arena.limit = PHYS_ADDR_MAX;
	vpe_root = NULL;
	taken = NULL;
	nr_taken = 0;
	memset(&machine, 0, sizeof(machine));
	bitmap_zero(lpis_mapped, BIT(ITS_LPI_MAX_BITS));
	memset(&vmovp, 0, sizeof(vmovp));
	memset(vpes_by_vpt, 0, sizeof(vpes_by_vpt));
	memset(redists, 0, sizeof(redists));
	nr_redists = 0;
	lpi_config = 0;
	memset(vpe_tables, 0, sizeof(vpe_tables));
	nr_vpe_tables = 0;

	return 0;
}

/* A block, aligned to its size, a power of two, and full of what nobody must see */
static void *its_test_pages(struct kunit *test, u64 size)
{
	void *pages = kunit_kmalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_TRUE(test, IS_ALIGNED(__pa(pages), size));
	memset(pages, 0xa5, size);

	/* As EL2 sees it, without a tag */
	return __va(__pa(pages));
}

static void *its_test_donate(struct kunit *test, u64 size)
{
	void *pages = its_test_pages(test, size);

	KUNIT_ASSERT_EQ(test, its_arena_donate(PHYS_PFN(__pa(pages)), get_order(size)), 0);

	return pages;
}

/* mmio.c */

#define STORE(sas, srt)								\
	((ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT) | ESR_ELx_IL | ESR_ELx_ISV |	\
	 FIELD_PREP_CONST(ESR_ELx_SAS, sas) | FIELD_PREP_CONST(ESR_ELx_SRT_MASK, srt) | \
	 ESR_ELx_WNR | ESR_ELx_FSC_PERM_L(3))
#define STORE32			STORE(2, 1)
#define STORE64			STORE(3, 1)
#define OTHER_EC(esr, ec)	(((esr) & ~ESR_ELx_EC_MASK) | ((ec) << ESR_ELx_EC_SHIFT))
#define OTHER_FSC(esr, fsc)	(((esr) & ~ESR_ELx_FSC) | (fsc))

#define VALUE			0x0123456789abcdefULL

static const struct decode_case {
	const char		*name;
	u64			esr;
	u64			spsr;
	u64			offset;
	enum pkvm_mmio_result	result;
	struct pkvm_mmio_write	write;
} decode_cases[] = {
	{ "32 bits", STORE32, PSR_MODE_EL1h, 4, PKVM_MMIO_OK, { 4, 0x89abcdef, 4 } },
	{ "64 bits", STORE64, PSR_MODE_EL1h, 8, PKVM_MMIO_OK, { 8, VALUE, 8 } },
	{ "32 bits from EL0", STORE32, PSR_MODE_EL0t, 0, PKVM_MMIO_OK, { 0, 0x89abcdef, 4 } },
	{ "32 bits of a 64-bit register", STORE32 | ESR_ELx_SF, PSR_MODE_EL1h, 4,
	  PKVM_MMIO_OK, { 4, 0x89abcdef, 4 } },
	{ "x0", STORE(3, 0), PSR_MODE_EL1h, 0, PKVM_MMIO_OK, { 0, 0xff00, 8 } },
	{ "x30", STORE(3, 30), PSR_MODE_EL1h, 0, PKVM_MMIO_OK, { 0, 0xff1e, 8 } },
	{ "wzr", STORE(2, 31), PSR_MODE_EL1h, 4, PKVM_MMIO_OK, { 4, 0, 4 } },
	{ "xzr", STORE(3, 31), PSR_MODE_EL1h, 8, PKVM_MMIO_OK, { 8, 0, 8 } },
	{ "translation fault", OTHER_FSC(STORE32, ESR_ELx_FSC_FAULT_L(1)), PSR_MODE_EL1h, 4,
	  PKVM_MMIO_OK, { 4, 0x89abcdef, 4 } },
	{ "last 32 bits", STORE32, PSR_MODE_EL1h, SZ_64K - 4, PKVM_MMIO_OK,
	  { SZ_64K - 4, 0x89abcdef, 4 } },
	{ "last 64 bits", STORE64, PSR_MODE_EL1h, SZ_64K - 8, PKVM_MMIO_OK,
	  { SZ_64K - 8, VALUE, 8 } },
	{ "load", STORE32 & ~ESR_ELx_WNR, PSR_MODE_EL1h, 4, PKVM_MMIO_NOT_A_STORE },
	{ "instruction fetch", OTHER_EC(STORE32, ESR_ELx_EC_IABT_LOW), PSR_MODE_EL1h, 4,
	  PKVM_MMIO_NOT_A_STORE },
	{ "abort of EL2", OTHER_EC(STORE32, ESR_ELx_EC_DABT_CUR), PSR_MODE_EL1h, 4,
	  PKVM_MMIO_NOT_A_STORE },
	{ "cache maintenance", STORE32 | ESR_ELx_CM, PSR_MODE_EL1h, 4, PKVM_MMIO_NOT_A_STORE },
	{ "table walk", STORE32 | ESR_ELx_S1PTW, PSR_MODE_EL1h, 4, PKVM_MMIO_NOT_A_STORE },
	{ "external abort", OTHER_FSC(STORE32, ESR_ELx_FSC_EXTABT), PSR_MODE_EL1h, 4,
	  PKVM_MMIO_NOT_A_STORE },
	{ "access flag fault", OTHER_FSC(STORE32, ESR_ELx_FSC_ACCESS_L(3)), PSR_MODE_EL1h, 4,
	  PKVM_MMIO_NOT_A_STORE },
	{ "alignment fault", OTHER_FSC(STORE32, 0x21), PSR_MODE_EL1h, 4,
	  PKVM_MMIO_NOT_A_STORE },
	{ "no syndrome", STORE32 & ~ESR_ELx_ISV, PSR_MODE_EL1h, 4, PKVM_MMIO_NO_SYNDROME },
	{ "64 bytes", STORE64 | BIT(11), PSR_MODE_EL1h, 0, PKVM_MMIO_NO_SYNDROME },
	{ "64 bytes with status", STORE64 | BIT(12), PSR_MODE_EL1h, 0, PKVM_MMIO_NO_SYNDROME },
	{ "AArch32", STORE32, PSR_MODE32_BIT | PSR_AA32_MODE_USR, 4, PKVM_MMIO_AARCH32 },
	{ "8 bits", STORE(0, 1), PSR_MODE_EL1h, 4, PKVM_MMIO_BAD_SIZE },
	{ "16 bits", STORE(1, 1), PSR_MODE_EL1h, 4, PKVM_MMIO_BAD_SIZE },
	{ "32 bits misaligned", STORE32, PSR_MODE_EL1h, 2, PKVM_MMIO_MISALIGNED },
	{ "64 bits misaligned", STORE64, PSR_MODE_EL1h, 4, PKVM_MMIO_MISALIGNED },
	{ "misaligned at the end", STORE64, PSR_MODE_EL1h, SZ_64K - 4, PKVM_MMIO_MISALIGNED },
};

KUNIT_ARRAY_PARAM_DESC(decode, decode_cases, name);

static void mmio_test_decode(struct kunit *test)
{
	const struct decode_case *c = test->param_value;
	struct pkvm_mmio_write write, unchanged;
	struct user_pt_regs regs = {};

	for (unsigned int i = 0; i < ARRAY_SIZE(regs.regs); i++)
		regs.regs[i] = 0xff00 + i;
	regs.regs[1] = VALUE;
	regs.sp = 0xbad;
	memset(&write, 0x5a, sizeof(write));
	unchanged = write;

	KUNIT_EXPECT_EQ(test, pkvm_mmio_decode(c->esr, c->spsr, c->offset, SZ_64K, &regs, &write),
			c->result);
	if (c->result) {
		KUNIT_EXPECT_MEMEQ(test, &write, &unchanged, sizeof(write));
		return;
	}

	KUNIT_EXPECT_EQ(test, write.offset, c->write.offset);
	KUNIT_EXPECT_EQ(test, write.value, c->write.value);
	KUNIT_EXPECT_EQ(test, write.size, c->write.size);
}

/* No range of today has an odd size. */
static void mmio_test_decode_spills(struct kunit *test)
{
	struct pkvm_mmio_write write;
	struct user_pt_regs regs = {};

	KUNIT_EXPECT_EQ(test, pkvm_mmio_decode(STORE64, 0, 8, 12, &regs, &write),
			PKVM_MMIO_SPILLS);
	KUNIT_EXPECT_EQ(test, pkvm_mmio_decode(STORE32, 0, 8, 12, &regs, &write), PKVM_MMIO_OK);
}

static void mmio_test_is_read(struct kunit *test)
{
	u64 load = STORE32 & ~ESR_ELx_WNR;

	KUNIT_EXPECT_TRUE(test, pkvm_mmio_is_read(load));
	KUNIT_EXPECT_TRUE(test, pkvm_mmio_is_read(load & ~ESR_ELx_ISV));
	KUNIT_EXPECT_TRUE(test, pkvm_mmio_is_read(OTHER_FSC(load, ESR_ELx_FSC_FAULT_L(3))));
	KUNIT_EXPECT_FALSE(test, pkvm_mmio_is_read(STORE32));
	/* Misaligned, or exclusive on Device memory */
	KUNIT_EXPECT_FALSE(test, pkvm_mmio_is_read(OTHER_FSC(load, 0x21)));
	KUNIT_EXPECT_FALSE(test, pkvm_mmio_is_read(OTHER_FSC(load, 0x35)));
	KUNIT_EXPECT_FALSE(test, pkvm_mmio_is_read(load | ESR_ELx_CM));
	KUNIT_EXPECT_FALSE(test, pkvm_mmio_is_read(load | ESR_ELx_S1PTW));
	KUNIT_EXPECT_FALSE(test, pkvm_mmio_is_read(OTHER_EC(load, ESR_ELx_EC_IABT_LOW)));
}

static int insert(phys_addr_t base, u64 size)
{
	struct pkvm_mmio_range new = { .base = base, .size = size };
	struct pkvm_mmio_range *range = pkvm_mmio_insert(&new);

	return PTR_ERR_OR_ZERO(range);
}

static phys_addr_t base_of(phys_addr_t addr)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(addr, NULL, NULL);

	return range ? range->base : 0;
}

static void mmio_test_insert_order(struct kunit *test)
{
	static const u8 orders[][4] = {
		{ 1, 2, 3, 4 }, { 4, 3, 2, 1 }, { 2, 4, 1, 3 }, { 3, 1, 4, 2 },
	};

	for (unsigned int n = 0; n < ARRAY_SIZE(orders); n++) {
		its_test_init(test);
		for (unsigned int i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, insert(orders[n][i] * SZ_64K, SZ_4K), 0);
		for (unsigned int i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, mmio_ranges[i].base, (i + 1) * SZ_64K);
	}
}

static void mmio_test_overlap(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, insert(0x20000, 0x2000), 0);
	KUNIT_EXPECT_EQ(test, insert(0x30000, 0x2000), 0);

	KUNIT_EXPECT_EQ(test, insert(0x20000, 0x2000), -EEXIST);
	KUNIT_EXPECT_EQ(test, insert(0x20000, 0x1000), -EEXIST);
	KUNIT_EXPECT_EQ(test, insert(0x21000, 0x1000), -EEXIST);
	KUNIT_EXPECT_EQ(test, insert(0x21000, 0x2000), -EEXIST);
	KUNIT_EXPECT_EQ(test, insert(0x1f000, 0x2000), -EEXIST);
	KUNIT_EXPECT_EQ(test, insert(0x1f000, 0x8000), -EEXIST);
	KUNIT_EXPECT_EQ(test, insert(0x22000, 0xf000), -EEXIST);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 2);

	/* Neighbours */
	KUNIT_EXPECT_EQ(test, insert(0x1f000, 0x1000), 0);
	KUNIT_EXPECT_EQ(test, insert(0x22000, 0xe000), 0);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 4);
}

static void mmio_test_full(struct kunit *test)
{
	for (u64 i = 1; i <= PKVM_MMIO_MAX_RANGES; i++)
		KUNIT_EXPECT_EQ(test, insert(i * SZ_64K, SZ_64K), 0);

	KUNIT_EXPECT_EQ(test, insert(0, SZ_64K), -ENOSPC);
	KUNIT_EXPECT_EQ(test, insert(SZ_64K, SZ_64K), -EEXIST);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, PKVM_MMIO_MAX_RANGES);

	for (u64 i = 1; i <= PKVM_MMIO_MAX_RANGES; i++)
		KUNIT_EXPECT_EQ(test, base_of(i * SZ_64K + 4), i * SZ_64K);
}

static void mmio_test_find(struct kunit *test)
{
	u64 start, end;

	start = 0x100;
	end = U64_MAX;
	KUNIT_EXPECT_NULL(test, pkvm_mmio_find(0x20000, &start, &end));
	KUNIT_EXPECT_EQ(test, start, 0x100);
	KUNIT_EXPECT_EQ(test, end, U64_MAX);

	KUNIT_ASSERT_EQ(test, insert(0x20000, 0x2000), 0);
	KUNIT_ASSERT_EQ(test, insert(0x30000, 0x1000), 0);

	KUNIT_EXPECT_EQ(test, base_of(0x1ffff), 0);
	KUNIT_EXPECT_EQ(test, base_of(0x20000), 0x20000);
	KUNIT_EXPECT_EQ(test, base_of(0x21fff), 0x20000);
	KUNIT_EXPECT_EQ(test, base_of(0x22000), 0);
	KUNIT_EXPECT_EQ(test, base_of(0x30fff), 0x30000);
	KUNIT_EXPECT_EQ(test, base_of(0x31000), 0);
	KUNIT_EXPECT_EQ(test, base_of(PHYS_ADDR_MAX), 0);

	/* A block mapping that holds a range is cut down to it, ... */
	start = 0;
	end = 0x200000;
	KUNIT_EXPECT_NOT_NULL(test, pkvm_mmio_find(0x21000, &start, &end));
	KUNIT_EXPECT_EQ(test, start, 0x20000);
	KUNIT_EXPECT_EQ(test, end, 0x22000);

	/* ... and one that doesn't to what lies between two. */
	start = 0;
	end = 0x200000;
	KUNIT_EXPECT_NULL(test, pkvm_mmio_find(0x28000, &start, &end));
	KUNIT_EXPECT_EQ(test, start, 0x22000);
	KUNIT_EXPECT_EQ(test, end, 0x30000);

	/* What is narrower remains so. */
	start = 0x27000;
	end = 0x29000;
	KUNIT_EXPECT_NULL(test, pkvm_mmio_find(0x28000, &start, &end));
	KUNIT_EXPECT_EQ(test, start, 0x27000);
	KUNIT_EXPECT_EQ(test, end, 0x29000);
}

static void mmio_test_remove(struct kunit *test)
{
	for (u64 i = 1; i <= 4; i++)
		KUNIT_ASSERT_EQ(test, insert(i * SZ_64K, SZ_64K), 0);

	/* Only the base will do */
	pkvm_mmio_remove(2 * SZ_64K + SZ_4K);
	pkvm_mmio_remove(5 * SZ_64K);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 4);

	pkvm_mmio_remove(2 * SZ_64K);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 3);
	KUNIT_EXPECT_EQ(test, base_of(2 * SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, base_of(1 * SZ_64K), 1 * SZ_64K);
	KUNIT_EXPECT_EQ(test, base_of(3 * SZ_64K), 3 * SZ_64K);
	KUNIT_EXPECT_EQ(test, insert(2 * SZ_64K, SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, base_of(2 * SZ_64K), 2 * SZ_64K);
}

static const struct pinned_case {
	const char		*name;
	struct pkvm_mmio_write	write;
	bool			pinned;
} pinned_cases[] = {
	{ "whole", { 0x78, VALUE, 8 }, true },
	{ "low half", { 0x78, 0x89abcdef, 4 }, true },
	{ "high half", { 0x7c, 0x01234567, 4 }, true },
	{ "high bit differs", { 0x78, VALUE ^ BIT_ULL(63), 8 }, false },
	{ "low bit differs", { 0x78, VALUE ^ 1, 8 }, false },
	{ "low half only", { 0x78, 0x89abcdef, 8 }, false },
	{ "low bit of low half differs", { 0x78, 0x89abcdef ^ 1, 4 }, false },
	{ "high bit of high half differs", { 0x7c, 0x01234567 ^ BIT(31), 4 }, false },
	{ "high half in the low one", { 0x78, 0x01234567, 4 }, false },
	{ "low half in the high one", { 0x7c, 0x89abcdef, 4 }, false },
};

KUNIT_ARRAY_PARAM_DESC(pinned, pinned_cases, name);

static void mmio_test_is_pinned(struct kunit *test)
{
	const struct pinned_case *c = test->param_value;

	KUNIT_EXPECT_EQ(test, pkvm_mmio_is_pinned(&c->write, VALUE), c->pinned);
}

static struct kunit_case mmio_test_cases[] = {
	KUNIT_CASE_PARAM(mmio_test_decode, decode_gen_params),
	KUNIT_CASE(mmio_test_decode_spills),
	KUNIT_CASE(mmio_test_is_read),
	KUNIT_CASE_PARAM(mmio_test_is_pinned, pinned_gen_params),
	KUNIT_CASE(mmio_test_insert_order),
	KUNIT_CASE(mmio_test_overlap),
	KUNIT_CASE(mmio_test_full),
	KUNIT_CASE(mmio_test_find),
	KUNIT_CASE(mmio_test_remove),
	{}
};

static struct kunit_suite mmio_test_suite = {
	.name = "its-mmio",
	.init = its_test_init,
	.test_cases = mmio_test_cases,
};

/* its_memory.c */

static void memory_test_donate(struct kunit *test)
{
	void *pages = its_test_pages(test, PAGE_SIZE);
	u64 pfn = PHYS_PFN(__pa(pages));
	u32 max_order = ilog2(SZ_4M) - PAGE_SHIFT;

	KUNIT_EXPECT_EQ(test, its_arena_donate(0, max_order + 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_arena_donate(0, U32_MAX), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_arena_donate(1, 1), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_arena_donate(PHYS_PFN(PHYS_ADDR_MAX) + 1, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_arena_donate(U64_MAX, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 0);

	fake.error = -EPERM;
	KUNIT_EXPECT_EQ(test, its_arena_donate(pfn, 0), -EPERM);
	KUNIT_EXPECT_EQ(test, its_arena_bytes(), 0);
	KUNIT_EXPECT_EQ(test, *(u8 *)pages, 0xa5);

	fake.error = 0;
	KUNIT_EXPECT_EQ(test, its_arena_donate(pfn, 0), 0);
	KUNIT_EXPECT_EQ(test, its_arena_bytes(), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 1);
	KUNIT_EXPECT_EQ(test, fake.pfn, pfn);
	KUNIT_EXPECT_EQ(test, fake.nr_pages, 1);
}

/* PKVM_ITS_DMA32 */
static void memory_test_limit(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, its_arena_in_limit(SZ_4G, PAGE_SIZE));

	its_arena_set_limit(SZ_4G);
	KUNIT_EXPECT_TRUE(test, its_arena_in_limit(0, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, its_arena_in_limit(SZ_4G - PAGE_SIZE, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, its_arena_in_limit(SZ_4G - PAGE_SIZE, 2 * PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, its_arena_in_limit(SZ_4G, PAGE_SIZE));
	KUNIT_EXPECT_FALSE(test, its_arena_in_limit(PAGE_SIZE, U64_MAX));
	KUNIT_EXPECT_EQ(test, its_arena_donate(PHYS_PFN(SZ_4G), 0), -ERANGE);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 0);
	KUNIT_EXPECT_EQ(test, its_arena_bytes(), 0);

	/* It never goes up. */
	its_arena_set_limit(2ULL * SZ_4G);
	KUNIT_EXPECT_FALSE(test, its_arena_in_limit(SZ_4G, PAGE_SIZE));
}

/* Whatever is allocated, all of the block is in use in the end, and once only. */
static void memory_test_alloc(struct kunit *test)
{
	static const u32 sizes[] = {
		256, SZ_64K, 1, SZ_4K, 300, SZ_16K, 257, SZ_128K, 512, 5000, 65537,
	};
	u64 size = SZ_1M, used = 0, missing;
	void *pages = its_test_donate(test, size);
	unsigned long *map = kunit_kzalloc(test, BITS_TO_LONGS(size / 256) * sizeof(*map),
					   GFP_KERNEL);
	unsigned int failed = 0;

	KUNIT_ASSERT_NOT_NULL(test, map);

	for (unsigned int i = 0; failed < ARRAY_SIZE(sizes); i++) {
		u32 want = sizes[i % ARRAY_SIZE(sizes)];
		u32 real = max(roundup_pow_of_two(want), 256);
		u8 *block = its_arena_alloc(want, &missing);
		unsigned int bit = ((void *)block - pages) / 256;

		if (!block) {
			KUNIT_EXPECT_EQ(test, missing, max(real, PAGE_SIZE));
			failed++;
			continue;
		}

		failed = 0;
		used += real;
		KUNIT_EXPECT_EQ(test, missing, 0);
		KUNIT_ASSERT_TRUE(test, (void *)block >= pages &&
				  (void *)block + real <= pages + size);
		KUNIT_EXPECT_TRUE(test, IS_ALIGNED(__pa(block), real));
		KUNIT_EXPECT_NULL(test, memchr_inv(block, 0, real));
		KUNIT_EXPECT_GE(test, find_next_bit(map, bit + real / 256, bit), bit + real / 256);
		bitmap_set(map, bit, real / 256);
		memset(block, 0xa5, real);
	}

	KUNIT_EXPECT_EQ(test, used, size);
	KUNIT_EXPECT_TRUE(test, bitmap_full(map, size / 256));
}

static void memory_test_reuse(struct kunit *test)
{
	void *pages = its_test_donate(test, SZ_64K);
	void *block, *half;
	u64 missing;

	block = its_arena_alloc(SZ_64K, &missing);
	KUNIT_ASSERT_PTR_EQ(test, block, pages);
	KUNIT_EXPECT_NULL(test, its_arena_alloc(256, &missing));
	memset(block, 0xa5, SZ_64K);

	/* The same again, and without a trace of its past */
	its_arena_free(block, SZ_64K);
	KUNIT_ASSERT_PTR_EQ(test, its_arena_alloc(SZ_64K, &missing), pages);
	KUNIT_EXPECT_NULL(test, memchr_inv(block, 0, SZ_64K));

	/* For something smaller */
	its_arena_free(block, SZ_64K);
	half = its_arena_alloc(SZ_32K, &missing);
	KUNIT_ASSERT_PTR_EQ(test, half, pages);
	KUNIT_ASSERT_PTR_EQ(test, its_arena_alloc(SZ_32K, &missing), pages + SZ_32K);

	/* But not for something larger */
	its_arena_free(half, SZ_32K);
	its_arena_free(pages + SZ_32K, SZ_32K);
	KUNIT_EXPECT_NULL(test, its_arena_alloc(SZ_64K, &missing));
	KUNIT_EXPECT_EQ(test, missing, SZ_64K);

	its_arena_free(NULL, SZ_64K);
	KUNIT_EXPECT_EQ(test, its_arena_bytes(), SZ_64K);
}

static struct its *its_test_its(struct kunit *test)
{
	struct its *its = kunit_kzalloc(test, sizeof(*its), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, its);
	its->itt_entry_size = 12;

	return its;
}

/* What was an ITT becomes another one of that ITS and size, and nothing else. */
static void memory_test_reuse_itt(struct kunit *test)
{
	void *pages = its_test_donate(test, SZ_64K), *itt, *events;
	struct its *its = its_test_its(test);
	struct its_device_record a, b;
	u64 missing;

	/* Blocks of 16K and 4K; the rest is in use */
	KUNIT_ASSERT_EQ(test, its_alloc_device(its, 10, &a, &missing), 0);
	KUNIT_ASSERT_NOT_NULL(test, its_arena_alloc(SZ_32K, &missing));
	KUNIT_ASSERT_NOT_NULL(test, its_arena_alloc(SZ_8K, &missing));
	KUNIT_ASSERT_NOT_NULL(test, its_arena_alloc(SZ_4K, &missing));
	KUNIT_EXPECT_EQ(test, a.state, ITS_DEVICE_RESERVED);
	KUNIT_EXPECT_EQ(test, a.event_bits, 10);
	KUNIT_EXPECT_EQ(test, a.nr_mapped, 0);
	KUNIT_EXPECT_FALSE(test, a.in_place);
	itt = __va(a.itt);
	events = a.events;
	KUNIT_EXPECT_TRUE(test, itt >= pages && itt + SZ_16K <= pages + SZ_64K);

	memset(itt, 0xa5, SZ_16K);
	memset(events, 0xa5, SZ_4K);
	its_free_device(its, &a);
	/* That is the ITS's business: EL2 keeps nothing in it */
	memset(itt, 0x5a, SZ_16K);
	KUNIT_EXPECT_NULL(test, its_arena_alloc(256, &missing));
	KUNIT_EXPECT_EQ(test, missing, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, 9, &b, &missing), -ENOMEM);
	KUNIT_EXPECT_EQ(test, its_alloc_device(its_test_its(test), 10, &b, &missing), -ENOMEM);

	KUNIT_ASSERT_EQ(test, its_alloc_device(its, 10, &b, &missing), 0);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_PTR_EQ(test, __va(b.itt), itt);
	KUNIT_EXPECT_PTR_EQ(test, b.events, events);
	KUNIT_EXPECT_EQ(test, b.state, ITS_DEVICE_RESERVED);
	KUNIT_EXPECT_NULL(test, memchr_inv(itt, 0, SZ_16K));
	KUNIT_EXPECT_NULL(test, memchr_inv(events, 0, SZ_4K));
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, 10, &a, &missing), -ENOMEM);
}

/* Two of one size, freed and had back; then there is no third. */
static void memory_test_reuse_itts(struct kunit *test)
{
	struct its *its = its_test_its(test);
	struct its_device_record a, b, c;
	u64 missing;

	its_test_donate(test, SZ_64K);
	KUNIT_ASSERT_EQ(test, its_alloc_device(its, 7, &a, &missing), 0);
	KUNIT_ASSERT_EQ(test, its_alloc_device(its, 7, &b, &missing), 0);
	its_free_device(its, &a);
	its_free_device(its, &b);
	while (its_arena_alloc(256, &missing))
		;
	KUNIT_ASSERT_EQ(test, its_alloc_device(its, 7, &b, &missing), 0);
	KUNIT_ASSERT_EQ(test, its_alloc_device(its, 7, &c, &missing), 0);
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, 7, &a, &missing), -ENOMEM);
	KUNIT_EXPECT_NE(test, b.itt, c.itt);
	KUNIT_EXPECT_PTR_NE(test, b.events, c.events);
}

/* No room for the events, or for more than there can be: nothing is lost. */
static void memory_test_no_itt(struct kunit *test)
{
	struct its *its = its_test_its(test);
	struct its_device_record device;
	u64 missing;

	its_test_donate(test, SZ_64K);
	/* 64K of ITT, 32K of events */
	its->itt_entry_size = 8;
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, 13, &device, &missing), -ENOMEM);
	KUNIT_EXPECT_EQ(test, missing, max_t(u64, SZ_32K, PAGE_SIZE));
	KUNIT_EXPECT_NOT_NULL(test, its_arena_alloc(SZ_64K, &missing));

	its->itt_entry_size = 1;
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, ITS_MAX_EVENT_BITS + 1, &device, &missing),
			-ENOMEM);
	KUNIT_EXPECT_EQ(test, missing, 0);
}

/* A block of the size that is missing will do. */
static void memory_test_missing(struct kunit *test)
{
	static const struct {
		u64 size;
		u64 missing;
	} cases[] = {
		{ 1, PAGE_SIZE },
		{ 256, PAGE_SIZE },
		{ PAGE_SIZE, PAGE_SIZE },
		{ PAGE_SIZE + 1, 2 * PAGE_SIZE },
		{ SZ_256K - 1, SZ_256K },
		{ SZ_256K, SZ_256K },
		{ SZ_4M, SZ_4M },
		{ SZ_4M + 1, 0 },
		{ BIT_ULL(40), 0 },
		{ U64_MAX, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		u64 missing = 1;

		its_test_init(test);
		KUNIT_EXPECT_NULL(test, its_arena_alloc(cases[i].size, &missing));
		KUNIT_EXPECT_EQ(test, missing, cases[i].missing);
		if (!missing || missing > SZ_256K)
			continue;

		its_test_donate(test, missing);
		KUNIT_EXPECT_NOT_NULL(test, its_arena_alloc(cases[i].size, &missing));
		KUNIT_EXPECT_EQ(test, missing, 0);
	}
}

static void memory_test_records(struct kunit *test)
{
	static const u32 ids[] = {
		0, 1, 63, 64, 0x7fff, 0x8000, 0xffffff, 0x1000000, 0x80000000, U32_MAX,
	};
	struct its_device_record *records[ARRAY_SIZE(ids)];
	struct its *its = kunit_kzalloc(test, sizeof(*its), GFP_KERNEL);
	u64 missing;

	KUNIT_ASSERT_NOT_NULL(test, its);
	its_test_donate(test, SZ_256K);
	KUNIT_EXPECT_NULL(test, its_find_device(its, 0));

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		records[i] = its_make_device(its, ids[i], &missing);
		KUNIT_ASSERT_NOT_NULL(test, records[i]);
		KUNIT_EXPECT_NULL(test, memchr_inv(records[i], 0, sizeof(*records[i])));
		records[i]->itt = i;
		records[i]->nr_mapped = ids[i];
	}

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		KUNIT_EXPECT_PTR_EQ(test, its_find_device(its, ids[i]), records[i]);
		KUNIT_EXPECT_PTR_EQ(test, its_make_device(its, ids[i], &missing), records[i]);
		KUNIT_EXPECT_EQ(test, records[i]->itt, i);
		KUNIT_EXPECT_EQ(test, records[i]->nr_mapped, ids[i]);
	}

	/* In the same leaf as others, and in none */
	KUNIT_EXPECT_NOT_NULL(test, its_find_device(its, 2));
	KUNIT_EXPECT_NULL(test, its_find_device(its, 128));
	KUNIT_EXPECT_NULL(test, its_find_device(its, 0x40000000));
	KUNIT_EXPECT_NULL(test, its_find_vpe(0));
}

static void memory_test_records_missing(struct kunit *test)
{
	unsigned int donations = 0;
	u64 missing;

	while (!its_make_vpe(0xffff, &missing)) {
		KUNIT_ASSERT_EQ(test, missing, max(SZ_4K, PAGE_SIZE));
		KUNIT_EXPECT_NULL(test, its_find_vpe(0xffff));
		its_test_donate(test, missing);
		donations++;
	}

	/* Each try went on where the last one had stopped. */
	KUNIT_EXPECT_EQ(test, donations, DIV_ROUND_UP(4 * SZ_4K, PAGE_SIZE));
	KUNIT_EXPECT_NOT_NULL(test, its_find_vpe(0xffff));
	KUNIT_EXPECT_NULL(test, its_find_vpe(0));
}

static const struct page_size_case {
	const char	*name;
	u32		page_size;
} page_size_cases[] = {
	{ "4K", SZ_4K }, { "16K", SZ_16K }, { "64K", SZ_64K },
};

KUNIT_ARRAY_PARAM_DESC(page_size, page_size_cases, name);

static void memory_test_flat_table(struct kunit *test)
{
	const struct page_size_case *c = test->param_value;
	u32 ids = c->page_size / 8;
	struct its_table table = {
		.base		= kunit_kzalloc(test, c->page_size, GFP_KERNEL),
		.nr_ids		= ids,
		.page_size	= c->page_size,
		.ids_per_page	= ilog2(ids),
	};
	u64 missing;

	KUNIT_ASSERT_NOT_NULL(test, table.base);
	KUNIT_EXPECT_TRUE(test, its_table_has(&table, 0));
	KUNIT_EXPECT_TRUE(test, its_table_has(&table, ids - 1));
	KUNIT_EXPECT_FALSE(test, its_table_has(&table, ids));
	KUNIT_EXPECT_FALSE(test, its_table_has(&table, U32_MAX));

	/* There is nothing to add. */
	KUNIT_EXPECT_EQ(test, its_table_add(&table, ids - 1, &missing), 0);
	KUNIT_EXPECT_EQ(test, its_table_add(&table, ids, &missing), -ERANGE);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(table.base, 0, c->page_size));
}

static void memory_test_indirect_table(struct kunit *test)
{
	const struct page_size_case *c = test->param_value;
	u32 ids = c->page_size / 16, nr_entries = 8;
	struct its_table table = {
		.base		= kunit_kzalloc(test, nr_entries * 8, GFP_KERNEL),
		.nr_ids		= (u64)nr_entries * ids,
		.page_size	= c->page_size,
		.ids_per_page	= ilog2(ids),
		.indirect	= true,
	};
	u64 missing, entry;

	KUNIT_ASSERT_NOT_NULL(test, table.base);
	KUNIT_EXPECT_FALSE(test, its_table_has(&table, 0));
	KUNIT_EXPECT_EQ(test, its_table_add(&table, table.nr_ids, &missing), -ERANGE);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, its_table_add(&table, 2 * ids, &missing), -ENOMEM);
	KUNIT_EXPECT_EQ(test, missing, max(c->page_size, PAGE_SIZE));
	KUNIT_EXPECT_NULL(test, memchr_inv(table.base, 0, nr_entries * 8));

	its_test_donate(test, SZ_64K);
	its_test_donate(test, SZ_64K);
	KUNIT_EXPECT_EQ(test, its_table_add(&table, 2 * ids, &missing), 0);
	entry = le64_to_cpu(table.base[2]);
	KUNIT_EXPECT_EQ(test, entry >> 63, 1);
	entry &= ~BIT_ULL(63);
	KUNIT_ASSERT_NE(test, entry, 0);
	KUNIT_EXPECT_TRUE(test, IS_ALIGNED(entry, c->page_size));
	KUNIT_EXPECT_NULL(test, memchr_inv(__va(entry), 0, c->page_size));

	KUNIT_EXPECT_FALSE(test, its_table_has(&table, 2 * ids - 1));
	KUNIT_EXPECT_TRUE(test, its_table_has(&table, 2 * ids));
	KUNIT_EXPECT_TRUE(test, its_table_has(&table, 3 * ids - 1));
	KUNIT_EXPECT_FALSE(test, its_table_has(&table, 3 * ids));

	/* The page serves all its IDs, and stays. */
	KUNIT_EXPECT_EQ(test, its_table_add(&table, 3 * ids - 1, &missing), 0);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(table.base[2]), entry | BIT_ULL(63));
	KUNIT_EXPECT_EQ(test, its_table_add(&table, table.nr_ids - 1, &missing), 0);
	KUNIT_EXPECT_NE(test, le64_to_cpu(table.base[nr_entries - 1]), 0);
	KUNIT_EXPECT_NE(test, le64_to_cpu(table.base[nr_entries - 1]), entry | BIT_ULL(63));
	for (unsigned int i = 0; i < nr_entries - 1; i++)
		KUNIT_EXPECT_EQ(test, !!table.base[i], i == 2);
}

static void memory_test_sizes(struct kunit *test)
{
	struct its *its = its_test_its(test);

	KUNIT_EXPECT_EQ(test, its_itt_size(its, 1), 24);
	KUNIT_EXPECT_EQ(test, its_itt_size(its, 5), 384);
	KUNIT_EXPECT_EQ(test, its_itt_size(its, 16), 12 * SZ_64K);
	KUNIT_EXPECT_EQ(test, its_itt_size(its, 32), 12 * BIT_ULL(32));
	KUNIT_EXPECT_EQ(test, its_events_size(5), 128);
	KUNIT_EXPECT_EQ(test, its_events_size(32), 4 * BIT_ULL(32));
}

static void memory_test_take_pages(struct kunit *test)
{
	u64 base = 16, missing, nr = CHUNK_RANGES + 3;

	KUNIT_EXPECT_EQ(test, its_take_pages(PFN_PHYS(base), PAGE_SIZE, &missing), -ENOMEM);
	KUNIT_EXPECT_EQ(test, missing, max(SZ_4K, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 0);

	its_test_donate(test, SZ_64K);
	fake.nr_donated = 0;
	KUNIT_EXPECT_EQ(test, its_take_pages(PFN_PHYS(base), 0, &missing), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_take_pages(U64_MAX - 4, 8, &missing), -EINVAL);

	fake.error = -EPERM;
	KUNIT_EXPECT_EQ(test, its_take_pages(PFN_PHYS(base), PAGE_SIZE, &missing), -EPERM);
	KUNIT_EXPECT_EQ(test, its_nr_taken(), 0);
	fake.error = 0;

	/* All pages that are touched */
	KUNIT_EXPECT_EQ(test, its_take_pages(PFN_PHYS(base) + 256, PAGE_SIZE, &missing), 0);
	KUNIT_EXPECT_EQ(test, fake.pfn, base);
	KUNIT_EXPECT_EQ(test, fake.nr_pages, 2);

	/* Not again, be it in part */
	KUNIT_EXPECT_EQ(test, its_take_pages(PFN_PHYS(base) + 512, 256, &missing), 0);
	KUNIT_EXPECT_EQ(test, its_take_pages(PFN_PHYS(base + 1), PAGE_SIZE, &missing), 0);
	KUNIT_EXPECT_EQ(test, its_nr_taken(), 1);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 1);

	/* More than there is room for in a chunk */
	for (u64 i = 1; i < nr; i++)
		KUNIT_ASSERT_EQ(test, its_take_pages(PFN_PHYS(base + 2 * i), 1, &missing), 0);
	KUNIT_EXPECT_EQ(test, its_nr_taken(), nr);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, nr);

	/* Back in the opposite order */
	for (u64 i = nr; i-- > 1;) {
		its_give_back_pages(i);
		KUNIT_EXPECT_EQ(test, fake.pfn, base + 2 * i);
		KUNIT_EXPECT_EQ(test, fake.nr_pages, 1);
	}
	its_give_back_pages(0);
	KUNIT_EXPECT_EQ(test, fake.pfn, base);
	KUNIT_EXPECT_EQ(test, fake.nr_pages, 2);
	KUNIT_EXPECT_EQ(test, fake.nr_returned, nr);
	KUNIT_EXPECT_EQ(test, its_nr_taken(), 0);
	KUNIT_EXPECT_NULL(test, taken);
}

static struct kunit_case memory_test_cases[] = {
	KUNIT_CASE(memory_test_donate),
	KUNIT_CASE(memory_test_limit),
	KUNIT_CASE(memory_test_alloc),
	KUNIT_CASE(memory_test_reuse),
	KUNIT_CASE(memory_test_reuse_itt),
	KUNIT_CASE(memory_test_reuse_itts),
	KUNIT_CASE(memory_test_no_itt),
	KUNIT_CASE(memory_test_missing),
	KUNIT_CASE(memory_test_records),
	KUNIT_CASE(memory_test_records_missing),
	KUNIT_CASE_PARAM(memory_test_flat_table, page_size_gen_params),
	KUNIT_CASE_PARAM(memory_test_indirect_table, page_size_gen_params),
	KUNIT_CASE(memory_test_sizes),
	KUNIT_CASE(memory_test_take_pages),
	{}
};

static struct kunit_suite memory_test_suite = {
	.name = "its-memory",
	.init = its_test_init,
	.test_cases = memory_test_cases,
};

/* its_command.c */

/* Fields of commands, from the specification */
#define V			BIT_ULL(63)
#define HI(x)			((u64)(x) << 32)
#define DEV(id)			HI(id)
#define VPEID(id)		HI(id)
#define SEQ(n)			HI(n)
#define RD(n)			((u64)(n) << 16)
#define RD_BASE(n)		(0x80a0000ULL + (n) * 0x20000ULL)
#define ALLOC			BIT_ULL(8)

#define V3			0
#define V4_0			GITS_TYPER_VLPIS
#define V4_1			(GITS_TYPER_VLPIS | GITS_TYPER_VMAPP | GITS_TYPER_VMOVP)

#define LPI_BITS		14
#define MIN_LPI			8192
#define MAX_LPI			(BIT(LPI_BITS) - 1)
#define VPT_SIZE		(LPI_BITS - 1)

/* Redistributors 0, 1 and 3 exist, collections 0 and 1 are mapped to 0 and 1. */
#define NO_RD			2
#define NEW_ICID		2
#define NR_ICIDS		4

/* The world that the commands meet */
#define DEV_MAPPED		5
#define DEV_RESERVED		6
#define DEV_EMPTY		7	/* mapped, without events */
#define DEV_UNMAPPING		8
#define DEV_BROKEN		9
#define DEV_NONE		10
#define DEV_UNKNOWN		1000
#define DEV_BITS		4

/* Events of DEV_MAPPED */
#define EV_FREE			0
#define EV_LPI			1
#define EV_VLPI			2	/* of VPE_MAPPED */
#define EV_LOST			3	/* of VPE_RESERVED */
#define EV_BEYOND			BIT(DEV_BITS)
#define LPI			8200

#define VPE_HERE		3	/* mapped here */
#define VPE_RESERVED		4
#define VPE_UNMAPPING		5
#define VPE_COMING		6	/* on its way elsewhere */
#define VPE_ELSEWHERE		7	/* mapped elsewhere */
#define VPE_NO_TABLE		40
#define VPE_UNKNOWN		1000

/* Memory of vPEs */
#define VPT_HERE		SHARED(0)
#define VPT_UNMAPPING		SHARED(1)
#define VPT_COMING		SHARED(2)
#define VPT_ELSEWHERE		SHARED(3)
#define VPT_FREE		SHARED(4)
#define VCONF			SHARED(5)

struct command_world {
	struct its		its[2];		/* its[1] has number 3 */
	u64			collections[2][NR_ICIDS];
};

/* What a command that is refused must not change */
struct command_snapshot {
	struct command_world	world;
	struct its_device_record devices[16];
	u32			events[BIT(DEV_BITS)];
	struct its_vpe_record	vpes[8];
	unsigned long		lpis[BITS_TO_LONGS(BIT(ITS_LPI_MAX_BITS))];
	typeof(vmovp)		vmovp;
	typeof(fake)		fake;
};

static void snapshot(const struct command_world *world, struct command_snapshot *shot)
{
	memset(shot, 0, sizeof(*shot));
	shot->world = *world;
	/* What was looked up last is no effect */
	for (unsigned int i = 0; i < ARRAY_SIZE(shot->world.its); i++) {
		shot->world.its[i].last_device = NULL;
		shot->world.its[i].last_device_id = 0;
		shot->world.its[i].last_rdbase = 0;
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(shot->devices); i++)
		shot->devices[i] = *its_find_device(&world->its[0], i);
	memcpy(shot->events, its_find_device(&world->its[0], DEV_MAPPED)->events,
	       sizeof(shot->events));
	for (unsigned int i = 0; i < ARRAY_SIZE(shot->vpes); i++)
		shot->vpes[i] = *its_find_vpe(i);
	memcpy(shot->lpis, lpis_mapped, sizeof(shot->lpis));
	shot->vmovp = vmovp;
	shot->fake = fake;
}

static struct its_device_record *make_device(struct kunit *test, struct its *its, u32 id,
					     u32 event_bits, enum its_device_state state)
{
	struct its_device_record *device;
	u64 missing;

	device = its_make_device(its, id, &missing);
	KUNIT_ASSERT_NOT_NULL(test, device);
	KUNIT_ASSERT_EQ(test, its_alloc_device(its, event_bits, device, &missing), 0);
	device->state = state;

	return device;
}

static struct its_vpe_record *make_vpe(struct kunit *test, u32 id)
{
	struct its_vpe_record *vpe;
	u64 missing;

	vpe = its_make_vpe(id, &missing);
	KUNIT_ASSERT_NOT_NULL(test, vpe);

	return vpe;
}

static struct its_vpe_record *make_used_vpe(struct kunit *test, u32 id, phys_addr_t vpt,
					    bool v4_1)
{
	struct its_vpe_record *vpe = make_vpe(test, id);

	KUNIT_ASSERT_TRUE(test, vpe_pin(vpe, vpt, v4_1 ? VCONF : 0));

	return vpe;
}

static struct command_world *make_world(struct kunit *test, u64 typer)
{
	struct command_world *world = kunit_kzalloc(test, sizeof(*world), GFP_KERNEL);
	struct its_device_record *device;
	struct its *its;

	if (ARRAY_SIZE(machine.by_base) < 3)
		kunit_skip(test, "needs three redistributors: NR_CPUS is too small");

	KUNIT_ASSERT_NOT_NULL(test, world);
	its_test_init(test);
	its_test_donate(test, SZ_256K);

	KUNIT_ASSERT_EQ(test, its_add_rdbase(RD_BASE(3), 3), 0);
	KUNIT_ASSERT_EQ(test, its_add_rdbase(RD_BASE(0), 0), 0);
	KUNIT_ASSERT_EQ(test, its_add_rdbase(RD_BASE(1), 1), 0);
	KUNIT_ASSERT_EQ(test, its_set_id_bits(LPI_BITS, 16), 0);

	for (unsigned int i = 0; i < 2; i++) {
		its = &world->its[i];
		its->nr = 3 * i;
		its->typer = typer;
		its->itt_entry_size = 8;
		its->collections = world->collections[i];
		its->nr_collections = NR_ICIDS;
		its->vpe_table.nr_ids = NR_VPES;
		for (unsigned int icid = 0; icid < 2; icid++)
			its->collections[icid] =
				1 | (typer & GITS_TYPER_PTA ? RD_BASE(icid) : RD(icid));
	}

	its = &world->its[0];
	device = make_device(test, its, DEV_MAPPED, DEV_BITS, ITS_DEVICE_MAPPED);
	make_device(test, its, DEV_RESERVED, 3, ITS_DEVICE_RESERVED);
	make_device(test, its, DEV_EMPTY, 1, ITS_DEVICE_MAPPED);
	make_device(test, its, DEV_UNMAPPING, 1, ITS_DEVICE_UNMAPPING);
	make_device(test, its, DEV_BROKEN, 1, ITS_DEVICE_BROKEN);
	its->nr_unmapping = 1;
	KUNIT_ASSERT_EQ(test, its_map_event(device, EV_LPI, LPI), ITS_ACCEPTED);

	make_vpe(test, VPE_RESERVED);
	make_vpe(test, VPE_NO_TABLE);
	if (!(typer & GITS_TYPER_VLPIS))
		return world;

	device->events[EV_VLPI] = ITS_EVENT_MAPPED | ITS_EVENT_VIRTUAL | VPE_HERE;
	device->events[EV_LOST] = ITS_EVENT_MAPPED | ITS_EVENT_VIRTUAL | VPE_RESERVED;
	device->nr_mapped += 2;

	make_used_vpe(test, VPE_HERE, VPT_HERE, its_is_v4_1(its))->mapped = BIT(0);
	make_used_vpe(test, VPE_UNMAPPING, VPT_UNMAPPING, its_is_v4_1(its))->unmapping = BIT(0);
	make_used_vpe(test, VPE_COMING, VPT_COMING, its_is_v4_1(its))->mapping = BIT(3);
	its_find_vpe(VPE_COMING)->mapped = BIT(3);
	make_used_vpe(test, VPE_ELSEWHERE, VPT_ELSEWHERE, its_is_v4_1(its))->mapped = BIT(3);

	return world;
}

/*
 * Bits that have no meaning, or none for EL2: RES0, the address of an ITT, Alloc
 * and PTZ. The specification once more, not the rows of the filter.
 */
static void res0_of(u64 typer, u8 opcode, u64 *res0)
{
	static const u64 used[][4] = {
		[GITS_CMD_MAPD]	   = { HI(U32_MAX), 0x1f, V },
		[GITS_CMD_MAPC]	   = { 0, 0, V | GENMASK_ULL(51, 0) },
		[GITS_CMD_MAPTI]   = { HI(U32_MAX), U64_MAX, 0xffff },
		[GITS_CMD_MAPI]	   = { HI(U32_MAX), U32_MAX, 0xffff },
		[GITS_CMD_MOVI]	   = { HI(U32_MAX), U32_MAX, 0xffff },
		[GITS_CMD_DISCARD] = { HI(U32_MAX), U32_MAX },
		[GITS_CMD_INV]	   = { HI(U32_MAX), U32_MAX },
		[GITS_CMD_INT]	   = { HI(U32_MAX), U32_MAX },
		[GITS_CMD_CLEAR]   = { HI(U32_MAX), U32_MAX },
		[GITS_CMD_INVALL]  = { 0, 0, 0xffff },
		[GITS_CMD_SYNC]	   = { 0, 0, GENMASK_ULL(51, 16) },
		[GITS_CMD_VMAPP]   = { GENMASK_ULL(51, 16), GENMASK_ULL(47, 0),
				       V | GENMASK_ULL(51, 16), GENMASK_ULL(51, 16) | 0x1f },
		[GITS_CMD_VMAPTI]  = { HI(U32_MAX), GENMASK_ULL(47, 0), U64_MAX },
		[GITS_CMD_VMAPI]   = { HI(U32_MAX), GENMASK_ULL(47, 0), HI(U32_MAX) },
		[GITS_CMD_VMOVI]   = { HI(U32_MAX), GENMASK_ULL(47, 0), HI(U32_MAX) | 1 },
		[GITS_CMD_VMOVP]   = { HI(0xffff), HI(0xffff) | 0xffff,
				       V | GENMASK_ULL(51, 16), U32_MAX },
		[GITS_CMD_VSGI]	   = { HI(0xf) | 0xf00700, HI(0xffff) },
		[GITS_CMD_VSYNC]   = { 0, HI(0xffff) },
		[GITS_CMD_VINVALL] = { 0, HI(0xffff) },
		[GITS_CMD_INVDB]   = { 0, HI(0xffff) },
	};

	for (unsigned int i = 0; i < 4; i++)
		res0[i] = opcode < ARRAY_SIZE(used) ? ~used[opcode][i] : U64_MAX;
	res0[0] &= ~0xffULL;

	if (opcode == GITS_CMD_VMAPP && typer == V4_0) {
		res0[0] |= GENMASK_ULL(51, 16);
		res0[1] |= U32_MAX;
	}
}

/*
 * @typer: of the ITS
 * @in: what the host writes
 * @verdict: what the filter has to say
 * @out: what the ITS gets
 * @note: what is to be done once it is consumed
 */
static const struct filter_case {
	const char		*name;
	u64			typer;
	struct its_cmd		in;
	enum pkvm_its_verdict	verdict;
	struct its_cmd		out;
	struct its_note		note;
} filter_cases[] = {
#define CMD(...)		{ { __VA_ARGS__ } }
#define PASS_CASE(_name, _typer, _cmd...) \
	{ _name, _typer, CMD(_cmd), ITS_ACCEPTED, CMD(_cmd) }
#define FAIL_CASE(_name, _typer, _verdict, _cmd...) \
	{ _name, _typer, CMD(_cmd), _verdict }

	/* The address of the ITT is added to what is expected. */
	PASS_CASE("mapd", V3, GITS_CMD_MAPD | DEV(DEV_RESERVED), 2, V),
	FAIL_CASE("mapd too small", V3, ITS_BAD_SIZE, GITS_CMD_MAPD | DEV(DEV_RESERVED), 1, V),
	FAIL_CASE("mapd too large", V3, ITS_BAD_SIZE, GITS_CMD_MAPD | DEV(DEV_RESERVED), 3, V),
	FAIL_CASE("mapd huge", V3, ITS_BAD_SIZE, GITS_CMD_MAPD | DEV(DEV_RESERVED), 31, V),
	FAIL_CASE("mapd mapped", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_MAPPED), 3, V),
	FAIL_CASE("mapd unmapping", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_UNMAPPING), 0, V),
	FAIL_CASE("mapd broken", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_BROKEN), 0, V),
	FAIL_CASE("mapd not reserved", V3, ITS_BAD_DEVICE, GITS_CMD_MAPD | DEV(DEV_NONE), 0, V),
	FAIL_CASE("mapd unknown", V3, ITS_BAD_DEVICE, GITS_CMD_MAPD | DEV(DEV_UNKNOWN), 0, V),
	FAIL_CASE("mapd last ID", V3, ITS_BAD_DEVICE, GITS_CMD_MAPD | DEV(U32_MAX), 0, V),

	{ "mapd unmap", V3, CMD(GITS_CMD_MAPD | DEV(DEV_EMPTY), 7), ITS_ACCEPTED,
	  CMD(GITS_CMD_MAPD | DEV(DEV_EMPTY)), { ITS_NOTE_MAPD, DEV_EMPTY } },
	FAIL_CASE("mapd unmap with events", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_MAPPED)),
	FAIL_CASE("mapd unmap reserved", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_RESERVED)),
	FAIL_CASE("mapd unmap again", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_UNMAPPING)),
	FAIL_CASE("mapd unmap broken", V3, ITS_BAD_STATE, GITS_CMD_MAPD | DEV(DEV_BROKEN)),
	FAIL_CASE("mapd unmap unknown", V3, ITS_BAD_DEVICE, GITS_CMD_MAPD | DEV(DEV_UNKNOWN)),

	PASS_CASE("mapc", V3, GITS_CMD_MAPC, 0, V | RD(3) | NEW_ICID),
	PASS_CASE("mapc again", V3, GITS_CMD_MAPC, 0, V | RD(1) | 1),
	PASS_CASE("mapc address", GITS_TYPER_PTA, GITS_CMD_MAPC, 0, V | RD_BASE(3) | NEW_ICID),
	FAIL_CASE("mapc moved", V3, ITS_BAD_STATE, GITS_CMD_MAPC, 0, V | RD(0) | 1),
	FAIL_CASE("mapc unmap", V3, ITS_BAD_STATE, GITS_CMD_MAPC, 0, RD(1) | 1),
	FAIL_CASE("mapc icid", V3, ITS_BAD_ICID, GITS_CMD_MAPC, 0, V | RD(0) | NR_ICIDS),
	FAIL_CASE("mapc last icid", V3, ITS_BAD_ICID, GITS_CMD_MAPC, 0, V | RD(0) | 0xffff),
	FAIL_CASE("mapc rdbase", V3, ITS_BAD_RDBASE, GITS_CMD_MAPC, 0, V | RD(NO_RD) | NEW_ICID),
	FAIL_CASE("mapc no address", V3, ITS_BAD_RDBASE, GITS_CMD_MAPC, 0,
		  V | RD_BASE(0) | NEW_ICID),
	FAIL_CASE("mapc no number", GITS_TYPER_PTA, ITS_BAD_RDBASE, GITS_CMD_MAPC, 0,
		  V | RD(0) | NEW_ICID),

	PASS_CASE("mapti first lpi", V3, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI) | EV_FREE, 1),
	PASS_CASE("mapti last lpi", V3, GITS_CMD_MAPTI | DEV(DEV_MAPPED), HI(MAX_LPI) | EV_FREE),
	PASS_CASE("mapti last event", V3, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI) | (EV_BEYOND - 1)),
	FAIL_CASE("mapti event", V3, ITS_BAD_EVENT, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI) | EV_BEYOND),
	FAIL_CASE("mapti huge event", V3, ITS_BAD_EVENT, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI) | U32_MAX),
	FAIL_CASE("mapti mapped", V3, ITS_BAD_STATE, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI) | EV_LPI),
	FAIL_CASE("mapti no lpi", V3, ITS_BAD_INTID, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI - 1)),
	FAIL_CASE("mapti 1023", V3, ITS_BAD_INTID, GITS_CMD_MAPTI | DEV(DEV_MAPPED), HI(1023)),
	FAIL_CASE("mapti no such lpi", V3, ITS_BAD_INTID, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MAX_LPI + 1)),
	FAIL_CASE("mapti huge lpi", V3, ITS_BAD_INTID, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(U32_MAX)),
	FAIL_CASE("mapti busy lpi", V3, ITS_BUSY_INTID, GITS_CMD_MAPTI | DEV(DEV_MAPPED), HI(LPI)),
	FAIL_CASE("mapti icid", V3, ITS_BAD_ICID, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI), NEW_ICID),
	FAIL_CASE("mapti huge icid", V3, ITS_BAD_ICID, GITS_CMD_MAPTI | DEV(DEV_MAPPED),
		  HI(MIN_LPI), NR_ICIDS),
	FAIL_CASE("mapti reserved", V3, ITS_BAD_DEVICE, GITS_CMD_MAPTI | DEV(DEV_RESERVED),
		  HI(MIN_LPI)),
	FAIL_CASE("mapti unmapping", V3, ITS_BAD_DEVICE, GITS_CMD_MAPTI | DEV(DEV_UNMAPPING),
		  HI(MIN_LPI)),
	FAIL_CASE("mapti broken", V3, ITS_BAD_DEVICE, GITS_CMD_MAPTI | DEV(DEV_BROKEN),
		  HI(MIN_LPI)),
	FAIL_CASE("mapti unknown", V3, ITS_BAD_DEVICE, GITS_CMD_MAPTI | DEV(DEV_UNKNOWN),
		  HI(MIN_LPI)),

	FAIL_CASE("mapi no lpi", V3, ITS_BAD_INTID, GITS_CMD_MAPI | DEV(DEV_MAPPED), EV_FREE),
	FAIL_CASE("mapi mapped", V3, ITS_BAD_STATE, GITS_CMD_MAPI | DEV(DEV_MAPPED), EV_LPI),
	FAIL_CASE("mapi event", V3, ITS_BAD_EVENT, GITS_CMD_MAPI | DEV(DEV_MAPPED), MIN_LPI),

	PASS_CASE("movi", V3, GITS_CMD_MOVI | DEV(DEV_MAPPED), EV_LPI, 1),
	FAIL_CASE("movi free", V3, ITS_BAD_STATE, GITS_CMD_MOVI | DEV(DEV_MAPPED), EV_FREE),
	FAIL_CASE("movi icid", V3, ITS_BAD_ICID, GITS_CMD_MOVI | DEV(DEV_MAPPED), EV_LPI, NEW_ICID),
	FAIL_CASE("movi vlpi", V4_0, ITS_BAD_STATE, GITS_CMD_MOVI | DEV(DEV_MAPPED), EV_VLPI),
	FAIL_CASE("movi unknown", V3, ITS_BAD_DEVICE, GITS_CMD_MOVI | DEV(DEV_UNKNOWN), EV_LPI),

	PASS_CASE("discard", V3, GITS_CMD_DISCARD | DEV(DEV_MAPPED), EV_LPI),
	PASS_CASE("discard vlpi", V4_0, GITS_CMD_DISCARD | DEV(DEV_MAPPED), EV_VLPI),
	FAIL_CASE("discard free", V3, ITS_BAD_STATE, GITS_CMD_DISCARD | DEV(DEV_MAPPED), EV_FREE),
	FAIL_CASE("discard without vpe", V4_0, ITS_BAD_STATE,
		  GITS_CMD_DISCARD | DEV(DEV_MAPPED), EV_LOST),
	FAIL_CASE("discard event", V3, ITS_BAD_EVENT,
		  GITS_CMD_DISCARD | DEV(DEV_MAPPED), EV_BEYOND),
	FAIL_CASE("discard unmapping", V3, ITS_BAD_DEVICE,
		  GITS_CMD_DISCARD | DEV(DEV_UNMAPPING), 0),
	FAIL_CASE("discard unknown", V3, ITS_BAD_DEVICE,
		  GITS_CMD_DISCARD | DEV(DEV_UNKNOWN), EV_LPI),

	PASS_CASE("inv", V3, GITS_CMD_INV | DEV(DEV_MAPPED), EV_LPI),
	PASS_CASE("inv vlpi", V4_0, GITS_CMD_INV | DEV(DEV_MAPPED), EV_VLPI),
	FAIL_CASE("inv free", V3, ITS_BAD_STATE, GITS_CMD_INV | DEV(DEV_MAPPED), EV_FREE),
	FAIL_CASE("inv without vpe", V4_0, ITS_BAD_STATE, GITS_CMD_INV | DEV(DEV_MAPPED), EV_LOST),
	FAIL_CASE("inv event", V3, ITS_BAD_EVENT, GITS_CMD_INV | DEV(DEV_MAPPED), EV_BEYOND),
	FAIL_CASE("inv unmapping", V3, ITS_BAD_DEVICE, GITS_CMD_INV | DEV(DEV_UNMAPPING), 0),
	FAIL_CASE("inv unknown", V3, ITS_BAD_DEVICE, GITS_CMD_INV | DEV(DEV_UNKNOWN), EV_LPI),

	PASS_CASE("int", V3, GITS_CMD_INT | DEV(DEV_MAPPED), EV_LPI),
	PASS_CASE("int vlpi", V4_0, GITS_CMD_INT | DEV(DEV_MAPPED), EV_VLPI),
	FAIL_CASE("int free", V3, ITS_BAD_STATE, GITS_CMD_INT | DEV(DEV_MAPPED), EV_FREE),
	FAIL_CASE("int without vpe", V4_0, ITS_BAD_STATE, GITS_CMD_INT | DEV(DEV_MAPPED), EV_LOST),
	FAIL_CASE("int event", V3, ITS_BAD_EVENT, GITS_CMD_INT | DEV(DEV_MAPPED), EV_BEYOND),
	FAIL_CASE("int unmapping", V3, ITS_BAD_DEVICE, GITS_CMD_INT | DEV(DEV_UNMAPPING), 0),
	FAIL_CASE("int unknown", V3, ITS_BAD_DEVICE, GITS_CMD_INT | DEV(DEV_UNKNOWN), EV_LPI),

	PASS_CASE("clear", V3, GITS_CMD_CLEAR | DEV(DEV_MAPPED), EV_LPI),
	PASS_CASE("clear vlpi", V4_0, GITS_CMD_CLEAR | DEV(DEV_MAPPED), EV_VLPI),
	FAIL_CASE("clear free", V3, ITS_BAD_STATE, GITS_CMD_CLEAR | DEV(DEV_MAPPED), EV_FREE),
	FAIL_CASE("clear without vpe", V4_0, ITS_BAD_STATE,
		  GITS_CMD_CLEAR | DEV(DEV_MAPPED), EV_LOST),
	FAIL_CASE("clear event", V3, ITS_BAD_EVENT, GITS_CMD_CLEAR | DEV(DEV_MAPPED), EV_BEYOND),
	FAIL_CASE("clear unmapping", V3, ITS_BAD_DEVICE, GITS_CMD_CLEAR | DEV(DEV_UNMAPPING), 0),
	FAIL_CASE("clear unknown", V3, ITS_BAD_DEVICE, GITS_CMD_CLEAR | DEV(DEV_UNKNOWN), EV_LPI),

	PASS_CASE("invall", V3, GITS_CMD_INVALL, 0, 1),
	FAIL_CASE("invall icid", V3, ITS_BAD_ICID, GITS_CMD_INVALL, 0, NEW_ICID),
	FAIL_CASE("invall huge icid", V3, ITS_BAD_ICID, GITS_CMD_INVALL, 0, 0xffff),

	{ "sync", V3, CMD(GITS_CMD_SYNC, 0, RD(1)), ITS_ACCEPTED, CMD(GITS_CMD_SYNC, 0, RD(1)),
	  { ITS_NOTE_SYNC } },
	{ "sync address", GITS_TYPER_PTA, CMD(GITS_CMD_SYNC, 0, RD_BASE(1)), ITS_ACCEPTED,
	  CMD(GITS_CMD_SYNC, 0, RD_BASE(1)), { ITS_NOTE_SYNC } },
	FAIL_CASE("sync rdbase", V3, ITS_BAD_RDBASE, GITS_CMD_SYNC, 0, RD(NO_RD)),

	FAIL_CASE("movall", V3, ITS_UNKNOWN, GITS_CMD_MOVALL, 0, RD(0), RD(1)),

	{ "vmapp 4.0", V4_0,
	  CMD(GITS_CMD_VMAPP, VPEID(VPE_RESERVED), V | RD(1), VPT_FREE | VPT_SIZE), ITS_ACCEPTED,
	  CMD(GITS_CMD_VMAPP, VPEID(VPE_RESERVED), V | RD(1), VPT_FREE | VPT_SIZE),
	  { ITS_NOTE_VMAPP, VPE_RESERVED } },
	{ "vmapp 4.1", V4_1,
	  CMD(GITS_CMD_VMAPP | VCONF, VPEID(VPE_RESERVED) | LPI, V | RD(1), VPT_FREE | VPT_SIZE),
	  ITS_ACCEPTED,
	  CMD(GITS_CMD_VMAPP | ALLOC | VCONF, VPEID(VPE_RESERVED) | LPI, V | RD(1),
	      VPT_FREE | VPT_SIZE),
	  { ITS_NOTE_VMAPP, VPE_RESERVED } },
	{ "vmapp 4.1 second its", V4_1,
	  CMD(GITS_CMD_VMAPP | VCONF, VPEID(VPE_ELSEWHERE) | 1023, V | RD(0),
	      VPT_ELSEWHERE | VPT_SIZE), ITS_ACCEPTED,
	  CMD(GITS_CMD_VMAPP | VCONF, VPEID(VPE_ELSEWHERE) | 1023, V | RD(0),
	      VPT_ELSEWHERE | VPT_SIZE),
	  { ITS_NOTE_VMAPP, VPE_ELSEWHERE } },
	{ "vmapp 4.0 unmap", V4_0,
	  CMD(GITS_CMD_VMAPP, VPEID(VPE_HERE), RD(1), VPT_HERE | VPT_SIZE), ITS_ACCEPTED,
	  CMD(GITS_CMD_VMAPP, VPEID(VPE_HERE)), { ITS_NOTE_VMAPP, VPE_HERE } },
	{ "vmapp 4.1 unmap", V4_1,
	  CMD(GITS_CMD_VMAPP | VCONF, VPEID(VPE_HERE) | LPI, RD(1), VPT_HERE | VPT_SIZE),
	  ITS_ACCEPTED,
	  CMD(GITS_CMD_VMAPP | ALLOC, VPEID(VPE_HERE)), { ITS_NOTE_VMAPP, VPE_HERE } },

#define VMAPP_FAIL_CASE(_name, _verdict, _vpe, _doorbell, _vconf, _rdbase, _vpt, _size) \
	FAIL_CASE("vmapp " _name, V4_1, _verdict, GITS_CMD_VMAPP | (_vconf), \
		  VPEID(_vpe) | (_doorbell), V | (_rdbase), (_vpt) | (_size))

	VMAPP_FAIL_CASE("mapped", ITS_BAD_STATE, VPE_HERE, LPI, VCONF, RD(0), VPT_HERE, VPT_SIZE),
	VMAPP_FAIL_CASE("unmapping", ITS_BAD_STATE, VPE_UNMAPPING, LPI, VCONF, RD(0),
			VPT_UNMAPPING, VPT_SIZE),
	VMAPP_FAIL_CASE("while another its does", ITS_BAD_STATE, VPE_COMING, LPI, VCONF, RD(0),
			VPT_COMING, VPT_SIZE),
	VMAPP_FAIL_CASE("no table", ITS_BAD_VPE, VPE_NO_TABLE, LPI, VCONF, RD(0), VPT_FREE,
			VPT_SIZE),
	VMAPP_FAIL_CASE("unknown", ITS_BAD_VPE, VPE_UNKNOWN, LPI, VCONF, RD(0), VPT_FREE,
			VPT_SIZE),
	VMAPP_FAIL_CASE("rdbase", ITS_BAD_RDBASE, VPE_RESERVED, LPI, VCONF, RD(NO_RD), VPT_FREE,
			VPT_SIZE),
	VMAPP_FAIL_CASE("too small", ITS_BAD_SIZE, VPE_RESERVED, LPI, VCONF, RD(0), VPT_FREE,
			VPT_SIZE - 1),
	VMAPP_FAIL_CASE("too large", ITS_BAD_SIZE, VPE_RESERVED, LPI, VCONF, RD(0), VPT_FREE,
			VPT_SIZE + 1),
	VMAPP_FAIL_CASE("no doorbell", ITS_BAD_INTID, VPE_RESERVED, 0, VCONF, RD(0), VPT_FREE,
			VPT_SIZE),
	VMAPP_FAIL_CASE("huge doorbell", ITS_BAD_INTID, VPE_RESERVED, MAX_LPI + 1, VCONF, RD(0),
			VPT_FREE, VPT_SIZE),
	VMAPP_FAIL_CASE("without vpt", ITS_BAD_MEMORY, VPE_RESERVED, LPI, VCONF, RD(0), 0ULL,
			VPT_SIZE),
	VMAPP_FAIL_CASE("without vconf", ITS_BAD_MEMORY, VPE_RESERVED, LPI, 0ULL, RD(0), VPT_FREE,
			VPT_SIZE),
	VMAPP_FAIL_CASE("vpt not shared", ITS_BAD_MEMORY, VPE_RESERVED, LPI, VCONF, RD(0),
			NOT_SHARED, VPT_SIZE),
	VMAPP_FAIL_CASE("vconf not shared", ITS_BAD_MEMORY, VPE_RESERVED, LPI, NOT_SHARED, RD(0),
			VPT_FREE, VPT_SIZE),
	VMAPP_FAIL_CASE("vpt of another", ITS_BAD_MEMORY, VPE_RESERVED, LPI, VCONF, RD(0),
			VPT_HERE, VPT_SIZE),
	VMAPP_FAIL_CASE("vpt is vconf", ITS_BAD_MEMORY, VPE_RESERVED, LPI, VCONF, RD(0), VCONF,
			VPT_SIZE),
	VMAPP_FAIL_CASE("other vpt", ITS_BAD_MEMORY, VPE_ELSEWHERE, LPI, VCONF, RD(0), VPT_FREE,
			VPT_SIZE),
	VMAPP_FAIL_CASE("other vconf", ITS_BAD_MEMORY, VPE_ELSEWHERE, LPI, VPT_FREE, RD(0),
			VPT_ELSEWHERE, VPT_SIZE),
	FAIL_CASE("vmapp unmap reserved", V4_1, ITS_BAD_STATE, GITS_CMD_VMAPP,
		  VPEID(VPE_RESERVED)),
	FAIL_CASE("vmapp unmap again", V4_0, ITS_BAD_STATE, GITS_CMD_VMAPP, VPEID(VPE_UNMAPPING)),
	FAIL_CASE("vmapp unmap elsewhere", V4_1, ITS_BAD_STATE, GITS_CMD_VMAPP,
		  VPEID(VPE_ELSEWHERE)),

	PASS_CASE("vmapti", V4_0, GITS_CMD_VMAPTI | DEV(DEV_MAPPED), VPEID(VPE_HERE) | EV_FREE,
		  HI(1023) | MIN_LPI),
	PASS_CASE("vmapti doorbell", V4_0, GITS_CMD_VMAPTI | DEV(DEV_MAPPED), VPEID(VPE_HERE),
		  HI(MAX_LPI) | MAX_LPI),
	FAIL_CASE("vmapti doorbell 0", V4_0, ITS_BAD_INTID, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE), MIN_LPI),
	FAIL_CASE("vmapti huge doorbell", V4_0, ITS_BAD_INTID, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE), HI(MAX_LPI + 1) | MIN_LPI),
	FAIL_CASE("vmapti no lpi", V4_0, ITS_BAD_INTID, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE), HI(1023) | (MIN_LPI - 1)),
	FAIL_CASE("vmapti huge lpi", V4_0, ITS_BAD_INTID, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE), HI(1023) | (MAX_LPI + 1)),
	FAIL_CASE("vmapti mapped", V4_0, ITS_BAD_STATE, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE) | EV_VLPI, HI(1023) | MIN_LPI),
	FAIL_CASE("vmapti event", V4_0, ITS_BAD_EVENT, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE) | EV_BEYOND, HI(1023) | MIN_LPI),
	FAIL_CASE("vmapti reserved", V4_0, ITS_BAD_DEVICE, GITS_CMD_VMAPTI | DEV(DEV_RESERVED),
		  VPEID(VPE_HERE), HI(1023) | MIN_LPI),
	FAIL_CASE("vmapti vpe", V4_0, ITS_BAD_VPE, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_RESERVED), HI(1023) | MIN_LPI),
	FAIL_CASE("vmapti vpe elsewhere", V4_0, ITS_BAD_VPE, GITS_CMD_VMAPTI | DEV(DEV_MAPPED),
		  VPEID(VPE_ELSEWHERE), HI(1023) | MIN_LPI),
	FAIL_CASE("vmapi no lpi", V4_0, ITS_BAD_INTID, GITS_CMD_VMAPI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE), HI(1023)),
	FAIL_CASE("vmapi vpe", V4_0, ITS_BAD_VPE, GITS_CMD_VMAPI | DEV(DEV_MAPPED),
		  VPEID(VPE_UNKNOWN), HI(1023)),

	PASS_CASE("vmovi", V4_0, GITS_CMD_VMOVI | DEV(DEV_MAPPED), VPEID(VPE_HERE) | EV_VLPI),
	PASS_CASE("vmovi doorbell", V4_0, GITS_CMD_VMOVI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE) | EV_VLPI, HI(1023) | 1),
	{ "vmovi doorbell not valid", V4_0,
	  CMD(GITS_CMD_VMOVI | DEV(DEV_MAPPED), VPEID(VPE_HERE) | EV_VLPI, HI(U32_MAX)),
	  ITS_ACCEPTED, CMD(GITS_CMD_VMOVI | DEV(DEV_MAPPED), VPEID(VPE_HERE) | EV_VLPI) },
	FAIL_CASE("vmovi huge doorbell", V4_0, ITS_BAD_INTID, GITS_CMD_VMOVI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE) | EV_VLPI, HI(MAX_LPI + 1) | 1),
	FAIL_CASE("vmovi lpi", V4_0, ITS_BAD_STATE, GITS_CMD_VMOVI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE) | EV_LPI),
	FAIL_CASE("vmovi from nowhere", V4_0, ITS_BAD_STATE, GITS_CMD_VMOVI | DEV(DEV_MAPPED),
		  VPEID(VPE_HERE) | EV_LOST),
	FAIL_CASE("vmovi to nowhere", V4_0, ITS_BAD_VPE, GITS_CMD_VMOVI | DEV(DEV_MAPPED),
		  VPEID(VPE_RESERVED) | EV_VLPI),

	PASS_CASE("vmovp 4.0", V4_0, GITS_CMD_VMOVP | SEQ(7), VPEID(VPE_HERE) | BIT(2), RD(1)),
	{ "vmovp 4.0 doorbell", V4_0,
	  CMD(GITS_CMD_VMOVP | SEQ(7), VPEID(VPE_HERE) | BIT(2), V | RD(1), U32_MAX),
	  ITS_ACCEPTED, CMD(GITS_CMD_VMOVP | SEQ(7), VPEID(VPE_HERE) | BIT(2), RD(1)) },
	FAIL_CASE("vmovp not this its", V4_0, ITS_BAD_SEQUENCE, GITS_CMD_VMOVP | SEQ(7),
		  VPEID(VPE_HERE) | BIT(5), RD(1)),
	FAIL_CASE("vmovp too many itss", V4_0, ITS_BAD_SEQUENCE, GITS_CMD_VMOVP | SEQ(7),
		  VPEID(VPE_HERE) | BIT(2) | BIT(5), RD(1)),
	FAIL_CASE("vmovp no its", V4_0, ITS_BAD_SEQUENCE, GITS_CMD_VMOVP | SEQ(7),
		  VPEID(VPE_HERE), RD(1)),
	{ "vmovp 4.1", V4_1, CMD(GITS_CMD_VMOVP | SEQ(7), VPEID(VPE_HERE) | BIT(5), V | RD(1), LPI),
	  ITS_ACCEPTED, CMD(GITS_CMD_VMOVP, VPEID(VPE_HERE), V | RD(1), LPI) },
	{ "vmovp 4.1 doorbell not valid", V4_1,
	  CMD(GITS_CMD_VMOVP, VPEID(VPE_HERE), RD(1), U32_MAX), ITS_ACCEPTED,
	  CMD(GITS_CMD_VMOVP, VPEID(VPE_HERE), RD(1)) },
	FAIL_CASE("vmovp huge doorbell", V4_1, ITS_BAD_INTID, GITS_CMD_VMOVP, VPEID(VPE_HERE),
		  V | RD(1), MAX_LPI + 1),
	FAIL_CASE("vmovp rdbase", V4_1, ITS_BAD_RDBASE, GITS_CMD_VMOVP, VPEID(VPE_HERE), RD(NO_RD)),
	FAIL_CASE("vmovp vpe", V4_1, ITS_BAD_VPE, GITS_CMD_VMOVP, VPEID(VPE_ELSEWHERE), RD(1)),

	PASS_CASE("vsgi", V4_1, GITS_CMD_VSGI | HI(15) | 0xf00700, VPEID(VPE_HERE)),
	FAIL_CASE("vsgi 4.0", V4_0, ITS_NO_SUPPORT, GITS_CMD_VSGI, VPEID(VPE_HERE)),
	FAIL_CASE("vsgi vpe", V4_1, ITS_BAD_VPE, GITS_CMD_VSGI, VPEID(VPE_RESERVED)),

	PASS_CASE("vsync", V4_0, GITS_CMD_VSYNC, VPEID(VPE_HERE)),
	{ "vsync 4.0 unmapping", V4_0, CMD(GITS_CMD_VSYNC, VPEID(VPE_UNMAPPING)), ITS_ACCEPTED,
	  CMD(GITS_CMD_VSYNC, VPEID(VPE_UNMAPPING)), { ITS_NOTE_VSYNC, VPE_UNMAPPING } },
	FAIL_CASE("vsync 4.1 unmapping", V4_1, ITS_BAD_VPE, GITS_CMD_VSYNC, VPEID(VPE_UNMAPPING)),
	FAIL_CASE("vsync reserved", V4_0, ITS_BAD_VPE, GITS_CMD_VSYNC, VPEID(VPE_RESERVED)),
	FAIL_CASE("vsync elsewhere", V4_0, ITS_BAD_VPE, GITS_CMD_VSYNC, VPEID(VPE_ELSEWHERE)),
	FAIL_CASE("vsync unknown", V4_0, ITS_BAD_VPE, GITS_CMD_VSYNC, VPEID(0xffff)),

	PASS_CASE("vinvall", V4_0, GITS_CMD_VINVALL, VPEID(VPE_HERE)),
	FAIL_CASE("vinvall vpe", V4_0, ITS_BAD_VPE, GITS_CMD_VINVALL, VPEID(VPE_UNMAPPING)),
	PASS_CASE("invdb", V4_1, GITS_CMD_INVDB, VPEID(VPE_HERE)),
	FAIL_CASE("invdb 4.0", V4_0, ITS_NO_SUPPORT, GITS_CMD_INVDB, VPEID(VPE_HERE)),
	FAIL_CASE("invdb vpe", V4_1, ITS_BAD_VPE, GITS_CMD_INVDB, VPEID(VPE_COMING)),
};

KUNIT_ARRAY_PARAM_DESC(filter, filter_cases, name);

static void run_filter_case(struct kunit *test, const struct filter_case *c, const u64 *garbage)
{
	struct command_snapshot *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct command_snapshot *after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);
	struct command_world *world = make_world(test, c->typer);
	struct its_cmd cmd = c->in, out = c->out;
	struct its_note note = {};

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	for (unsigned int i = 0; i < 4; i++)
		cmd.dw[i] |= garbage[i];
	if ((out.dw[0] & 0xff) == GITS_CMD_MAPD && (out.dw[2] & V))
		out.dw[2] |= its_find_device(&world->its[0], out.dw[0] >> 32)->itt;

	snapshot(world, before);
	KUNIT_EXPECT_EQ(test, its_filter(&world->its[0], &cmd, &note), c->verdict);
	if (c->verdict) {
		snapshot(world, after);
		KUNIT_EXPECT_TRUE(test, !memcmp(before, after, sizeof(*before)));
	} else {
		for (unsigned int i = 0; i < 4; i++)
			KUNIT_EXPECT_EQ(test, cmd.dw[i], out.dw[i]);
	}
	KUNIT_EXPECT_EQ(test, note.what, c->note.what);
	KUNIT_EXPECT_EQ(test, note.id, c->note.id);
	KUNIT_EXPECT_FALSE(test, hyp_spin_is_locked(&its_vpe_lock));
}

static void command_test_filter(struct kunit *test)
{
	static const u64 nothing[4];
	const struct filter_case *c = test->param_value;
	u64 res0[4];

	run_filter_case(test, c, nothing);

	/* Bits without a meaning change nothing, and don't reach the ITS. */
	res0_of(c->typer, c->in.dw[0] & 0xff, res0);
	run_filter_case(test, c, res0);
}

static enum pkvm_its_verdict filter(struct its *its, struct its_note *note, u64 dw0, u64 dw1,
				    u64 dw2, u64 dw3)
{
	struct its_cmd cmd = { { dw0, dw1, dw2, dw3 } };

	*note = (struct its_note){};

	return its_filter(its, &cmd, note);
}

/* Every opcode on every version: it is refused, or it has a case above. */
static void command_test_opcodes(struct kunit *test)
{
	static const u64 typers[] = { V3, V4_0, V4_1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(typers); i++) {
		for (unsigned int opcode = 0; opcode < 256; opcode++) {
			struct command_world *world;
			enum pkvm_its_verdict verdict;
			struct its_note note;
			bool passed = false;
			bool known = false;

			for (unsigned int j = 0; j < ARRAY_SIZE(filter_cases); j++) {
				const struct filter_case *c = &filter_cases[j];

				if ((c->in.dw[0] & 0xff) != opcode || c->verdict == ITS_UNKNOWN)
					continue;
				known = true;
				passed |= c->typer <= typers[i] && c->verdict != ITS_NO_SUPPORT;
			}

			if (passed)
				continue;

			world = make_world(test, typers[i]);
			verdict = filter(&world->its[0], &note, opcode, 0, 0, 0);
			KUNIT_EXPECT_EQ_MSG(test, verdict, known ? ITS_NO_SUPPORT : ITS_UNKNOWN,
					    "opcode %#x", opcode);
		}
	}
}

static void command_test_mapd_retire(struct kunit *test)
{
	struct command_world *world = make_world(test, V3);
	struct its *its = &world->its[0];
	struct its_device_record *a, *b;
	struct its_note early, mapd_a, mapd_b, sync_a, sync_b, late, note;
	struct its_device_record again;
	phys_addr_t itt;
	u32 *events;
	u64 missing;

	its_find_device(its, DEV_UNMAPPING)->state = ITS_DEVICE_NONE;
	its->nr_unmapping = 0;
	a = make_device(test, its, 20, 10, ITS_DEVICE_MAPPED);
	b = make_device(test, its, 21, 10, ITS_DEVICE_MAPPED);
	itt = a->itt;
	events = a->events;

	KUNIT_EXPECT_EQ(test, filter(its, &early, GITS_CMD_SYNC, 0, RD(0), 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &mapd_a, GITS_CMD_MAPD | DEV(20), 0, 0, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &sync_a, GITS_CMD_SYNC, 0, RD(0), 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &mapd_b, GITS_CMD_MAPD | DEV(21), 0, 0, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &sync_b, GITS_CMD_SYNC, 0, RD(0), 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, early.what, ITS_NOTE_NONE);
	KUNIT_EXPECT_EQ(test, mapd_a.what, ITS_NOTE_MAPD);
	KUNIT_EXPECT_EQ(test, mapd_a.id, 20);
	KUNIT_EXPECT_EQ(test, sync_a.what, ITS_NOTE_SYNC);
	KUNIT_EXPECT_EQ(test, its->nr_unmapping, 2);

	/* The ITS may still use the ITT, so it can't be mapped anew, ... */
	its_retire(its, &early);
	its_retire(its, &mapd_a);
	KUNIT_EXPECT_EQ(test, a->state, ITS_DEVICE_UNMAPPING);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_MAPD | DEV(20), 9, V, 0), ITS_BAD_STATE);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_INV | DEV(20), 0, 0, 0), ITS_BAD_DEVICE);
	KUNIT_EXPECT_EQ(test, a->itt, itt);

	/* ... until a SYNC that came later, and only that one. */
	its_retire(its, &sync_a);
	KUNIT_EXPECT_EQ(test, a->state, ITS_DEVICE_NONE);
	KUNIT_EXPECT_EQ(test, b->state, ITS_DEVICE_UNMAPPING);
	KUNIT_EXPECT_EQ(test, its->nr_unmapping, 1);
	KUNIT_EXPECT_NULL(test, its->waiting);
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, 10, &again, &missing), 0);
	KUNIT_EXPECT_EQ(test, again.itt, itt);
	KUNIT_EXPECT_PTR_EQ(test, again.events, events);

	itt = b->itt;
	its_retire(its, &mapd_b);
	its_retire(its, &sync_b);
	KUNIT_EXPECT_EQ(test, b->state, ITS_DEVICE_NONE);
	KUNIT_EXPECT_EQ(test, its->nr_unmapping, 0);
	KUNIT_EXPECT_EQ(test, its_alloc_device(its, 10, &again, &missing), 0);
	KUNIT_EXPECT_EQ(test, again.itt, itt);
	KUNIT_EXPECT_EQ(test, filter(its, &late, GITS_CMD_SYNC, 0, RD(0), 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, late.what, ITS_NOTE_NONE);
}

/* What was the driver's is not used again, the record of the events is. */
static void command_test_mapd_retire_in_place(struct kunit *test)
{
	struct command_world *world = make_world(test, V3);
	struct its *its = &world->its[0];
	struct its_device_record *device = its_find_device(its, DEV_NONE);
	struct its_note mapd, sync;
	u64 missing;
	void *events = its_arena_alloc(its_events_size(10), &missing);

	KUNIT_ASSERT_NOT_NULL(test, events);
	*device = (struct its_device_record){
		.events		= events,
		.itt		= SZ_4G,
		.event_bits	= 10,
		.state		= ITS_DEVICE_MAPPED,
		.in_place	= true,
	};

	KUNIT_EXPECT_EQ(test, filter(its, &mapd, GITS_CMD_MAPD | DEV(DEV_NONE), 0, 0, 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &sync, GITS_CMD_SYNC, 0, RD(0), 0), ITS_ACCEPTED);
	its_retire(its, &mapd);
	its_retire(its, &sync);
	KUNIT_EXPECT_EQ(test, device->state, ITS_DEVICE_NONE);
	KUNIT_EXPECT_PTR_EQ(test, its_arena_alloc(its_events_size(10), &missing), events);
}

static void command_test_lpi_unique(struct kunit *test)
{
	struct command_world *world = make_world(test, V3);
	struct its *a = &world->its[0], *b = &world->its[1];
	u64 mapti_a = GITS_CMD_MAPTI | DEV(DEV_MAPPED), mapti_b = GITS_CMD_MAPTI | DEV(1);
	struct its_device_record *device = make_device(test, b, 1, 2, ITS_DEVICE_MAPPED);
	struct its_note note;

	/* Neither on this ITS nor on another */
	KUNIT_EXPECT_EQ(test, filter(a, &note, mapti_a, HI(LPI) | EV_FREE, 0, 0), ITS_BUSY_INTID);
	KUNIT_EXPECT_EQ(test, filter(b, &note, mapti_b, HI(LPI), 0, 0), ITS_BUSY_INTID);
	KUNIT_EXPECT_EQ(test, device->nr_mapped, 0);

	KUNIT_EXPECT_EQ(test, filter(a, &note, GITS_CMD_DISCARD | DEV(DEV_MAPPED), EV_LPI, 0, 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, its_find_device(a, DEV_MAPPED)->nr_mapped, 0);
	KUNIT_EXPECT_EQ(test, filter(b, &note, mapti_b, HI(LPI), 0, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(a, &note, mapti_a, HI(LPI) | EV_LPI, 0, 0), ITS_BUSY_INTID);
	KUNIT_EXPECT_EQ(test, filter(a, &note, mapti_a, HI(LPI + 1) | EV_LPI, 0, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, device->events[0], ITS_EVENT_MAPPED | LPI);

	its_forget_events(device);
	KUNIT_EXPECT_EQ(test, device->nr_mapped, 0);
	KUNIT_EXPECT_EQ(test, device->events[0], 0);
	KUNIT_EXPECT_EQ(test, filter(a, &note, mapti_a, HI(LPI) | EV_FREE, 0, 0), ITS_ACCEPTED);
}

/* The device that was looked up last: none yet, or one that nobody knew then */
static void command_test_new_device(struct kunit *test)
{
	u64 first = GITS_CMD_MAPTI | DEV(0), later = GITS_CMD_MAPTI | DEV(DEV_UNKNOWN);
	struct command_world *world = make_world(test, V3);
	struct its *its = &world->its[0];
	struct its_note note;

	make_device(test, its, 0, 1, ITS_DEVICE_MAPPED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, first, HI(MIN_LPI), 0, 0), ITS_ACCEPTED);

	KUNIT_EXPECT_EQ(test, filter(its, &note, later, HI(MAX_LPI), 0, 0), ITS_BAD_DEVICE);
	make_device(test, its, DEV_UNKNOWN, 1, ITS_DEVICE_MAPPED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, later, HI(MAX_LPI), 0, 0), ITS_ACCEPTED);
}

/* A vLPI is no LPI: it takes none, and a DISCARD of it frees none. */
static void command_test_vlpi(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_0);
	u64 dev = DEV(DEV_MAPPED), vpe = VPEID(VPE_HERE);
	struct its *its = &world->its[0];
	struct its_note note;

	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_VMAPTI | dev, vpe | EV_FREE,
				     HI(1023) | LPI, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, its_find_device(its, DEV_MAPPED)->events[EV_FREE],
			ITS_EVENT_MAPPED | ITS_EVENT_VIRTUAL | VPE_HERE);
	KUNIT_EXPECT_EQ(test, its_find_device(its, DEV_MAPPED)->nr_mapped, 4);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_VMAPTI | dev, vpe | 4,
				     HI(1023) | LPI, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_DISCARD | dev, EV_FREE, 0, 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, its_find_device(its, DEV_MAPPED)->nr_mapped, 4);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_MAPTI | dev, HI(LPI) | EV_FREE, 0, 0),
			ITS_BUSY_INTID);
	KUNIT_EXPECT_EQ(test, bitmap_weight(lpis_mapped, BIT(ITS_LPI_MAX_BITS)), 1);
}

static void command_test_mapi(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_0);
	struct its *its = &world->its[0];
	u64 mapi = GITS_CMD_MAPI | DEV(1), vmapi = GITS_CMD_VMAPI | DEV(1);
	u64 vpe = VPEID(VPE_HERE);
	struct its_note note;

	its_test_donate(test, SZ_512K);
	make_device(test, its, 1, LPI_BITS + 1, ITS_DEVICE_MAPPED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, mapi, MIN_LPI - 1, 0, 0), ITS_BAD_INTID);
	KUNIT_EXPECT_EQ(test, filter(its, &note, mapi, MIN_LPI, 0, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, mapi, MAX_LPI, 1, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, mapi, MAX_LPI + 1, 0, 0), ITS_BAD_INTID);
	KUNIT_EXPECT_EQ(test, filter(its, &note, mapi, MIN_LPI + 1, NEW_ICID, 0), ITS_BAD_ICID);
	KUNIT_EXPECT_EQ(test, filter(its, &note, mapi, LPI, 0, 0), ITS_BUSY_INTID);

	KUNIT_EXPECT_EQ(test, filter(its, &note, vmapi, vpe | LPI, HI(1023), 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, vmapi, vpe | (MAX_LPI - 1), HI(LPI), 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, vmapi, vpe | (MAX_LPI + 1), HI(1023), 0),
			ITS_BAD_INTID);
	KUNIT_EXPECT_EQ(test, filter(its, &note, vmapi, vpe | (MAX_LPI - 2), HI(1022), 0),
			ITS_BAD_INTID);
}

static enum pkvm_its_verdict vmapp(struct its *its, struct its_note *note, u32 vpe,
				   phys_addr_t vpt, phys_addr_t vconf)
{
	return filter(its, note, GITS_CMD_VMAPP | vconf, VPEID(vpe) | 1023, V | RD(0),
		      vpt | VPT_SIZE);
}

static enum pkvm_its_verdict vunmapp(struct its *its, struct its_note *note, u32 vpe)
{
	return filter(its, note, GITS_CMD_VMAPP, VPEID(vpe), 0, 0);
}

/* It takes a VSYNC to be done with a vPE. */
static void command_test_vmapp_v4_0(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_0);
	struct its *its = &world->its[0];
	struct its_vpe_record *vpe = its_find_vpe(VPE_RESERVED);
	struct its_note map, unmap, vsync, again;

	KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
	KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, VPT_FREE, VCONF), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_RESERVED), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &vsync, GITS_CMD_VSYNC, VPEID(VPE_RESERVED), 0, 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &again, GITS_CMD_VSYNC, VPEID(VPE_RESERVED), 0, 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, vsync.what, ITS_NOTE_VSYNC);
	KUNIT_EXPECT_EQ(test, again.what, ITS_NOTE_NONE);

	its_retire(its, &map);
	KUNIT_EXPECT_EQ(test, vpe->mapping, 0);
	KUNIT_EXPECT_EQ(test, vpe->unmapping, BIT(0));
	its_retire(its, &unmap);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	KUNIT_EXPECT_EQ(test, vmapp(its, &again, VPE_RESERVED, VPT_FREE, VCONF), ITS_BAD_STATE);
	its_retire(its, &vsync);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
	KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
	KUNIT_EXPECT_EQ(test, filter(its, &again, GITS_CMD_VSYNC, VPEID(VPE_RESERVED), 0, 0),
			ITS_BAD_VPE);

	KUNIT_EXPECT_EQ(test, vmapp(its, &again, VPE_RESERVED, VPT_FREE, VCONF), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
}

static void command_test_vmapp_v4_1(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_1);
	struct its *a = &world->its[0], *b = &world->its[1];
	struct its_vpe_record *vpe = its_find_vpe(VPE_RESERVED);
	struct its_cmd cmd = { { GITS_CMD_VMAPP, VPEID(VPE_RESERVED) } };
	unsigned int vconf_pins = fake.pins[5];
	struct its_note map_a, map_b, unmap_a, unmap_b = {}, note;

	KUNIT_EXPECT_EQ(test, vmapp(a, &map_a, VPE_RESERVED, VPT_FREE, VCONF), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	KUNIT_EXPECT_EQ(test, fake.pins[5], vconf_pins + 1);

	/* Not before the first ITS has it, and then without pinning again */
	KUNIT_EXPECT_EQ(test, vmapp(b, &note, VPE_RESERVED, VPT_FREE, VCONF), ITS_BAD_STATE);
	its_retire(a, &map_a);
	KUNIT_EXPECT_EQ(test, vmapp(b, &map_b, VPE_RESERVED, VPT_FREE, VCONF), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, vunmapp(a, &note, VPE_RESERVED), ITS_BAD_STATE);
	its_retire(b, &map_b);
	KUNIT_EXPECT_EQ(test, vpe->mapped, BIT(0) | BIT(3));
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);

	KUNIT_EXPECT_EQ(test, vunmapp(a, &unmap_a, VPE_RESERVED), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, vunmapp(b, &note, VPE_RESERVED), ITS_BAD_STATE);
	its_retire(a, &unmap_a);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	KUNIT_EXPECT_EQ(test, vpe->vpt, VPT_FREE);

	/* The last one frees it, in one go. */
	KUNIT_EXPECT_EQ(test, its_filter(b, &cmd, &unmap_b), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, cmd.dw[0], GITS_CMD_VMAPP | ALLOC);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	its_retire(b, &unmap_b);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
	KUNIT_EXPECT_EQ(test, fake.pins[5], vconf_pins);
	KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
}

/* Tables beyond what the ITS reaches */
static void command_test_vmapp_limit(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_1);
	struct its_note note;

	its_arena_set_limit(VCONF);
	KUNIT_EXPECT_EQ(test, vmapp(&world->its[0], &note, VPE_RESERVED, VPT_FREE, VCONF),
			ITS_BAD_MEMORY);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
	its_arena_set_limit(VPT_FREE);
	KUNIT_EXPECT_EQ(test, vmapp(&world->its[0], &note, VPE_RESERVED, VPT_FREE, VPT_COMING),
			ITS_BAD_MEMORY);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
}

/* The redistributors have tables of vPEs, too. */
static void command_test_vmapp_redist_tables(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_1);
	struct its_note note;

	nr_vpe_tables = 2;
	vpe_tables[0].nr_ids = NR_VPES;
	vpe_tables[1].nr_ids = VPE_RESERVED;
	KUNIT_EXPECT_EQ(test, vmapp(&world->its[0], &note, VPE_RESERVED, VPT_FREE, VCONF),
			ITS_BAD_VPE);
	vpe_tables[1].nr_ids++;
	KUNIT_EXPECT_EQ(test, vmapp(&world->its[0], &note, VPE_RESERVED, VPT_FREE, VCONF),
			ITS_ACCEPTED);
}

static const struct bind_case {
	const char		*name;
	u32			vpe;
	phys_addr_t		vpt;
	phys_addr_t		vconf;
	int			ret;
} bind_cases[] = {
	{ "bind", VPE_RESERVED, VPT_FREE, VCONF, 0 },
	{ "no table of an its", VPE_NO_TABLE, VPT_FREE, VCONF, 0 },
	{ "unknown", VPE_UNKNOWN, VPT_FREE, VCONF, -ENOENT },
	{ "last vpeid", 0xffff, VPT_FREE, VCONF, -ENOENT },
	{ "no vpeid", BIT(16) | VPE_RESERVED, VPT_FREE, VCONF, -EINVAL },
	{ "mapped", VPE_HERE, VPT_FREE, VCONF, -EBUSY },
	{ "mapped with that vpt", VPE_HERE, VPT_HERE, VCONF, -EBUSY },
	{ "unmapping", VPE_UNMAPPING, VPT_FREE, VCONF, -EBUSY },
	{ "without vpt", VPE_RESERVED, 0, VCONF, -EPERM },
	{ "vpt misaligned", VPE_RESERVED, VPT_FREE + SZ_32K, VCONF, -EINVAL },
	{ "vpt huge", VPE_RESERVED, BIT_ULL(52) | VPT_FREE, VCONF, -EINVAL },
	{ "vpt not shared", VPE_RESERVED, NOT_SHARED, VCONF, -EPERM },
	{ "vpt of another", VPE_RESERVED, VPT_HERE, VCONF, -EPERM },
	{ "without vconf", VPE_RESERVED, VPT_FREE, 0, -EINVAL },
	{ "vconf misaligned", VPE_RESERVED, VPT_FREE, VCONF + SZ_32K, -EINVAL },
	{ "vconf huge", VPE_RESERVED, VPT_FREE, BIT_ULL(52) | VCONF, -EINVAL },
	{ "vconf not shared", VPE_RESERVED, VPT_FREE, NOT_SHARED, -EPERM },
};

KUNIT_ARRAY_PARAM_DESC(bind, bind_cases, name);

static void command_test_bind(struct kunit *test)
{
	struct command_snapshot *before = kunit_kzalloc(test, sizeof(*before), GFP_KERNEL);
	struct command_snapshot *after = kunit_kzalloc(test, sizeof(*after), GFP_KERNEL);
	struct command_world *world = make_world(test, V4_0);
	const struct bind_case *c = test->param_value;
	struct its_vpe_record *vpe;

	KUNIT_ASSERT_NOT_NULL(test, before);
	KUNIT_ASSERT_NOT_NULL(test, after);
	snapshot(world, before);
	KUNIT_EXPECT_EQ(test, its_bind_vpe(c->vpe, c->vpt, c->vconf), c->ret);
	KUNIT_EXPECT_FALSE(test, hyp_spin_is_locked(&its_vpe_lock));
	if (c->ret) {
		snapshot(world, after);
		KUNIT_EXPECT_TRUE(test, !memcmp(before, after, sizeof(*before)));
		return;
	}

	vpe = its_find_vpe(c->vpe);
	KUNIT_EXPECT_EQ(test, vpe->vpt, c->vpt);
	KUNIT_EXPECT_EQ(test, vpe->vconf, c->vconf);
	KUNIT_EXPECT_TRUE(test, vpe->bound);
	KUNIT_EXPECT_EQ(test, vpe->mapped, 0);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
}

/* Tables beyond what the ITS reaches */
static void command_test_bind_limit(struct kunit *test)
{
	make_world(test, V4_0);

	its_arena_set_limit(VCONF);
	KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), -EPERM);
	its_arena_set_limit(VPT_FREE);
	KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VPT_COMING), -EPERM);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
	KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
}

static void command_test_unbind(struct kunit *test)
{
	struct its_vpe_record *vpe;

	make_world(test, V4_0);
	vpe = its_find_vpe(VPE_RESERVED);

	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_UNKNOWN), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_HERE), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake.pins[0], 1);

	for (unsigned int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), 0);
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), -EBUSY);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(BIT(16) | VPE_RESERVED), -EINVAL);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 1);

		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), 0);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
		KUNIT_EXPECT_EQ(test, vpe->vpt, 0);
		KUNIT_EXPECT_EQ(test, vpe->vconf, 0);
		KUNIT_EXPECT_FALSE(test, vpe->bound);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EINVAL);
	}
	KUNIT_EXPECT_FALSE(test, hyp_spin_is_locked(&its_vpe_lock));
}

/* Two of them are in one list. */
static void command_test_find_by_vpt(struct kunit *test)
{
	phys_addr_t vpt_a = SHARED(4), vpt_b = SHARED_FAR, vconf = SHARED(6);
	struct its_vpe_record *a, *b;

	make_world(test, V4_0);
	a = its_find_vpe(VPE_RESERVED);
	b = its_find_vpe(VPE_NO_TABLE);
	KUNIT_ASSERT_PTR_EQ(test, vpe_list(vpt_a), vpe_list(vpt_b));
	KUNIT_EXPECT_NULL(test, its_find_vpe_by_vpt(vpt_a));
	KUNIT_EXPECT_NULL(test, its_find_vpe_by_vpt(0));
	KUNIT_EXPECT_PTR_EQ(test, its_find_vpe_by_vpt(VPT_HERE), its_find_vpe(VPE_HERE));

	/* The last and the first of the list are removed */
	for (unsigned int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, vpt_a, vconf), 0);
		KUNIT_EXPECT_PTR_EQ(test, its_find_vpe_by_vpt(vpt_a), a);
		KUNIT_EXPECT_NULL(test, its_find_vpe_by_vpt(vpt_b));
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_NO_TABLE, vpt_b, vconf), 0);
		KUNIT_EXPECT_EQ(test, fake.pins[6], 2);
		KUNIT_EXPECT_PTR_EQ(test, its_find_vpe_by_vpt(vpt_a), a);
		KUNIT_EXPECT_PTR_EQ(test, its_find_vpe_by_vpt(vpt_b), b);

		KUNIT_EXPECT_EQ(test, its_unbind_vpe(i ? VPE_RESERVED : VPE_NO_TABLE), 0);
		KUNIT_EXPECT_PTR_EQ(test, its_find_vpe_by_vpt(vpt_a), i ? NULL : a);
		KUNIT_EXPECT_PTR_EQ(test, its_find_vpe_by_vpt(vpt_b), i ? b : NULL);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(i ? VPE_NO_TABLE : VPE_RESERVED), 0);
		KUNIT_EXPECT_NULL(test, its_find_vpe_by_vpt(vpt_a));
		KUNIT_EXPECT_NULL(test, its_find_vpe_by_vpt(vpt_b));
		KUNIT_EXPECT_EQ(test, fake.pins[6], 0);
	}
}

/* What is bound and mapped is pinned once, until it is neither. */
static void command_test_vmapp_bound_v4_0(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_0);
	struct its_vpe_record *vpe = its_find_vpe(VPE_RESERVED);
	struct its *its = &world->its[0];
	struct its_note map, unmap, vsync;

	for (unsigned int i = 0; i < 2; i++) {
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), 0);
		KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, SHARED(6), 0),
				ITS_BAD_MEMORY);
		KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, 0, 0), ITS_BAD_MEMORY);
		KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, VPT_FREE, 0), ITS_ACCEPTED);
		KUNIT_EXPECT_EQ(test, vpe->vconf, VCONF);
		if (i)
			KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
		its_retire(its, &map);
		KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_RESERVED), ITS_ACCEPTED);
		KUNIT_EXPECT_EQ(test, filter(its, &vsync, GITS_CMD_VSYNC, VPEID(VPE_RESERVED),
					     0, 0), ITS_ACCEPTED);
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), -EBUSY);
		its_retire(its, &unmap);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
		its_retire(its, &vsync);
		if (!i) {
			KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
			KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
			KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), 0);
		}
		KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
	}
}

static void command_test_vmapp_bound_v4_1(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_1);
	struct its_vpe_record *vpe = its_find_vpe(VPE_RESERVED);
	struct its *its = &world->its[0];
	unsigned int vconf_pins = fake.pins[5];
	struct its_note map, unmap;

	KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), 0);
	KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, SHARED(6), VCONF), ITS_BAD_MEMORY);
	KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, VPT_FREE, SHARED(6)),
			ITS_BAD_MEMORY);
	KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, VPT_FREE, VCONF), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	KUNIT_EXPECT_EQ(test, fake.pins[5], vconf_pins + 1);
	its_retire(its, &map);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_RESERVED), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
	its_retire(its, &unmap);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
	KUNIT_EXPECT_EQ(test, fake.pins[5], vconf_pins);
	KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
}

/* Some ITSs want something added to the RDbase of vPEs. */
static void command_test_vlpi_rd_offset(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_1 | GITS_TYPER_PTA);
	struct its *its = &world->its[0];
	u64 vpe = VPEID(VPE_HERE);
	struct its_note note;

	its->vlpi_rd_offset = SZ_128K;
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_VMOVP, vpe, RD_BASE(1), 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_VMOVP, vpe, RD_BASE(2), 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_VMOVP, vpe, RD_BASE(0), 0),
			ITS_BAD_RDBASE);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_SYNC, 0, RD_BASE(2), 0),
			ITS_BAD_RDBASE);
}

static enum pkvm_its_verdict move(struct its *its, u16 sequence, u16 list, u32 vpe, u32 rd)
{
	struct its_note note;

	return filter(its, &note, GITS_CMD_VMOVP | SEQ(sequence), VPEID(vpe) | list, RD(rd), 0);
}

static void command_test_vmovp_sequence(struct kunit *test)
{
	struct command_world *world = make_world(test, V4_0);
	struct its *a = &world->its[0], *b = &world->its[1];
	u16 list = BIT(2) | BIT(5);
	struct its_note note;

	its_find_vpe(VPE_HERE)->mapped = BIT(0) | BIT(3);

	KUNIT_EXPECT_EQ(test, move(a, 1, BIT(2), VPE_HERE, 1), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(a, 1, list | BIT(0), VPE_HERE, 1), ITS_BAD_SEQUENCE);

	/* Once one ITS has it, the other has to follow, ... */
	KUNIT_EXPECT_EQ(test, move(a, 1, list, VPE_HERE, 1), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, move(a, 1, list, VPE_HERE, 1), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(a, 2, list, VPE_HERE, 0), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(b, 2, list, VPE_HERE, 1), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(b, 1, BIT(5), VPE_HERE, 1), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(b, 1, list, VPE_HERE, 0), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(b, 1, list, VPE_ELSEWHERE, 1), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(b, 2, BIT(5), VPE_ELSEWHERE, 1), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, vunmapp(b, &note, VPE_HERE), ITS_BAD_SEQUENCE);
	KUNIT_EXPECT_EQ(test, move(b, 1, list, VPE_HERE, NO_RD), ITS_BAD_RDBASE);
	KUNIT_EXPECT_EQ(test, move(b, 1, list, VPE_HERE, 1), ITS_ACCEPTED);

	/* ... and then all is as before. */
	KUNIT_EXPECT_EQ(test, move(b, 1, list, VPE_HERE, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, move(a, 1, list, VPE_HERE, 0), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, move(b, 2, BIT(5), VPE_ELSEWHERE, 1), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, vunmapp(b, &note, VPE_HERE), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, move(a, 3, BIT(2), VPE_HERE, 1), ITS_ACCEPTED);
}

static void command_test_sync(struct kunit *test)
{
	struct command_world *world = make_world(test, V3);
	struct its_note note = {};
	struct its_cmd cmd;

	memset(&cmd, 0xff, sizeof(cmd));
	its_build_sync(&world->its[0], &cmd);
	KUNIT_EXPECT_EQ(test, cmd.dw[0], GITS_CMD_SYNC);
	KUNIT_EXPECT_EQ(test, cmd.dw[1], 0);
	KUNIT_EXPECT_EQ(test, cmd.dw[2], RD(0));
	KUNIT_EXPECT_EQ(test, cmd.dw[3], 0);
	KUNIT_EXPECT_EQ(test, its_filter(&world->its[0], &cmd, &note), ITS_ACCEPTED);

	world->its[0].typer = GITS_TYPER_PTA;
	its_build_sync(&world->its[0], &cmd);
	KUNIT_EXPECT_EQ(test, cmd.dw[2], RD_BASE(0));
}

static void command_test_give_up(struct kunit *test)
{
	struct command_world *world = make_world(test, V3);
	struct its_cmd cmd = { { GITS_CMD_SYNC | DEV(DEV_MAPPED) } };
	struct its *its = &world->its[0];
	struct its_device_record *device = its_find_device(its, DEV_MAPPED);
	struct its_note note;

	/* Not what is no DeviceID */
	its_give_up(its, &cmd);
	cmd.dw[0] = 0xff | DEV(DEV_MAPPED);
	its_give_up(its, &cmd);
	cmd.dw[0] = GITS_CMD_INV | DEV(DEV_UNKNOWN);
	its_give_up(its, &cmd);
	cmd.dw[0] = GITS_CMD_INV | DEV(DEV_RESERVED);
	its_give_up(its, &cmd);
	KUNIT_EXPECT_EQ(test, device->state, ITS_DEVICE_MAPPED);
	KUNIT_EXPECT_EQ(test, its_find_device(its, DEV_RESERVED)->state, ITS_DEVICE_RESERVED);

	cmd.dw[0] = GITS_CMD_INV | DEV(DEV_MAPPED);
	its_give_up(its, &cmd);
	KUNIT_EXPECT_EQ(test, device->state, ITS_DEVICE_BROKEN);
	KUNIT_EXPECT_EQ(test, filter(its, &note, GITS_CMD_INV | DEV(DEV_MAPPED), EV_LPI, 0, 0),
			ITS_BAD_DEVICE);
}

/* Commands for vPEs have other fields where others have a DeviceID */
static void command_test_give_up_vpe(struct kunit *test)
{
	static const u8 opcodes[] = { GITS_CMD_VMAPP, GITS_CMD_VMOVP, GITS_CMD_VSGI };
	struct command_world *world = make_world(test, V4_1);
	struct its *its = &world->its[0];

	for (unsigned int i = 0; i < ARRAY_SIZE(opcodes); i++) {
		struct its_cmd cmd = { { opcodes[i] | DEV(DEV_MAPPED) } };

		its_give_up(its, &cmd);
		KUNIT_EXPECT_EQ(test, its_find_device(its, DEV_MAPPED)->state, ITS_DEVICE_MAPPED);
	}
}

/* A MAPD that is in the queue when the ITS fails on a command in front of it */
static void command_test_give_up_unmapping(struct kunit *test)
{
	struct command_world *world = make_world(test, V3);
	struct its_cmd cmd = { { GITS_CMD_DISCARD | DEV(DEV_MAPPED) } };
	struct its *its = &world->its[0];
	struct its_device_record *device = its_find_device(its, DEV_MAPPED);
	u32 others = its->nr_unmapping;
	struct its_note mapd = {};

	its_forget_events(device);
	KUNIT_EXPECT_EQ(test, filter(its, &mapd, GITS_CMD_MAPD | DEV(DEV_MAPPED), 0, 0, 0),
			ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, its->nr_unmapping, others + 1);
	KUNIT_EXPECT_EQ(test, mapd.what, ITS_NOTE_MAPD);

	its_give_up(its, &cmd);
	KUNIT_EXPECT_EQ(test, device->state, ITS_DEVICE_BROKEN);
	KUNIT_EXPECT_EQ(test, its->nr_unmapping, others);

	its_retire(its, &mapd);
	KUNIT_EXPECT_NULL(test, its->waiting);
	KUNIT_EXPECT_EQ(test, device->state, ITS_DEVICE_BROKEN);
}

static void command_test_machine(struct kunit *test)
{
	unsigned int nr = ARRAY_SIZE(machine.by_base);

	KUNIT_EXPECT_EQ(test, its_set_id_bits(LPI_BITS, 16), -EINVAL);

	KUNIT_EXPECT_EQ(test, its_add_rdbase(RD_BASE(0) + SZ_4K, 0), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_add_rdbase(BIT_ULL(52), 0), -EINVAL);
	for (unsigned int i = 0; i < nr; i++)
		KUNIT_EXPECT_EQ(test, its_add_rdbase(RD_BASE(nr - i), i), 0);
	KUNIT_EXPECT_EQ(test, its_add_rdbase(RD_BASE(0), nr), -ENOSPC);
	for (unsigned int i = 1; i < nr; i++) {
		KUNIT_EXPECT_LT(test, machine.by_base[i - 1], machine.by_base[i]);
		KUNIT_EXPECT_LT(test, machine.by_number[i - 1], machine.by_number[i]);
	}

	KUNIT_EXPECT_EQ(test, its_set_id_bits(13, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_set_id_bits(17, 16), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_set_id_bits(16, 17), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_set_id_bits(16, 8), 0);
	KUNIT_EXPECT_EQ(test, its_set_id_bits(16, 8), 0);
	KUNIT_EXPECT_EQ(test, its_set_id_bits(15, 8), -EINVAL);
	KUNIT_EXPECT_EQ(test, its_set_id_bits(16, 9), -EINVAL);
}

static struct kunit_case command_test_cases[] = {
	KUNIT_CASE_PARAM(command_test_filter, filter_gen_params),
	KUNIT_CASE(command_test_opcodes),
	KUNIT_CASE(command_test_mapd_retire),
	KUNIT_CASE(command_test_mapd_retire_in_place),
	KUNIT_CASE(command_test_lpi_unique),
	KUNIT_CASE(command_test_new_device),
	KUNIT_CASE(command_test_vlpi),
	KUNIT_CASE(command_test_mapi),
	KUNIT_CASE(command_test_vmapp_v4_0),
	KUNIT_CASE(command_test_vmapp_v4_1),
	KUNIT_CASE(command_test_vmapp_limit),
	KUNIT_CASE(command_test_vmapp_redist_tables),
	KUNIT_CASE_PARAM(command_test_bind, bind_gen_params),
	KUNIT_CASE(command_test_bind_limit),
	KUNIT_CASE(command_test_unbind),
	KUNIT_CASE(command_test_find_by_vpt),
	KUNIT_CASE(command_test_vmapp_bound_v4_0),
	KUNIT_CASE(command_test_vmapp_bound_v4_1),
	KUNIT_CASE(command_test_vlpi_rd_offset),
	KUNIT_CASE(command_test_vmovp_sequence),
	KUNIT_CASE(command_test_sync),
	KUNIT_CASE(command_test_give_up),
	KUNIT_CASE(command_test_give_up_vpe),
	KUNIT_CASE(command_test_give_up_unmapping),
	KUNIT_CASE(command_test_machine),
	{}
};

static struct kunit_suite command_test_suite = {
	.name = "its-command",
	.init = its_test_init,
	.test_cases = command_test_cases,
};

/* redist.c */

#define R3			GICR_TYPER_PLPIS
#define R3_DIRECT		(R3 | GICR_TYPER_DirectLPIS)
#define R4_0			(R3 | GICR_TYPER_VLPIS)
#define R4_1			(R4_0 | GICR_TYPER_RVPEID)

/* Redistributors 0 and 1 use LPIs, this one doesn't. */
#define NO_LPIS			2

/* Fields of registers, from the specification */
#define LPIS_ON			BIT(0)
#define LPIS_OFF		0
#define RWP			BIT(3)
#define DPG			GENMASK(26, 24)
#define PTZ			BIT_ULL(62)
#define ATTRS			(GENMASK_ULL(58, 56) | GENMASK_ULL(11, 7))
/* Of the tables of vPEs, as of those of LPIs */
#define PROP_ATTRS		(PROPBASER & ATTRS)
#define PEND_ATTRS		(PENDBASER & ATTRS)
#define ADDRESS			GENMASK_ULL(51, 12)
#define IDBITS			(LPI_BITS - 1)
#define IDAI			BIT_ULL(62)
#define DOORBELL		BIT_ULL(62)	/* GICv4.1 */
#define PENDING			BIT_ULL(61)
#define DIRTY			BIT_ULL(60)
#define VGRPS			GENMASK_ULL(59, 58)
#define TABLE_Z			BIT_ULL(52)

#define VPROPBASER		VLPI(GICR_VPROPBASER)
#define VPENDBASER		VLPI(GICR_VPENDBASER)
#define VSGIR			VLPI(GICR_VSGIR)

/* What the driver had made of the registers */
#define LPI_CONFIG		SHARED(6)
#define PROPBASER		(BIT_ULL(56) | LPI_CONFIG | BIT(10) | IDBITS)
#define PENDBASER_OF(n)		(BIT_ULL(57) | (0xa0000000ULL + (n) * SZ_64K) | BIT(10))
#define PENDBASER		PENDBASER_OF(0)
#define HIGH(x)			((x) >> 32)
#define LOW(x)			((x) & U32_MAX)

static void *reg_at(unsigned int n, u32 offset)
{
	return fake.frames[2 * n + offset / SZ_128K] + offset % SZ_128K;
}

static bool reg_is_short(u32 offset)
{
	return offset == GICR_CTLR || offset == GICR_WAKER || offset == VSGIR;
}

static u64 reg_get(unsigned int n, u32 offset)
{
	return reg_is_short(offset) ? *(u32 *)reg_at(n, offset) : *(u64 *)reg_at(n, offset);
}

static void reg_set(unsigned int n, u32 offset, u64 value)
{
	if (reg_is_short(offset))
		*(u32 *)reg_at(n, offset) = value;
	else
		*(u64 *)reg_at(n, offset) = value;
}

/* Of whom the redistributors are, as GICR_TYPER and MPIDR_EL1 have it */
static const u32 affinities[NR_REDISTS] = { 0, 0x00000001, 0x01020304 };
static const u64 mpidrs[NR_REDISTS] = { 0x80000000, 0x80000001, 0x0180020304 };

/* Registers of a redistributor that a driver has set up, in memory */
static void make_frames(struct kunit *test, unsigned int n, u64 typer)
{
	static const u32 write_only[] = {
		GICR_SETLPIR, GICR_CLRLPIR, GICR_INVLPIR, GICR_INVALLR,
	};

	for (unsigned int i = 0; i < 2; i++) {
		void *frame = kunit_kzalloc(test, SZ_64K, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(test, frame);
		fake.frames[2 * n + i] = frame;
	}

	reg_set(n, GICR_TYPER, typer | (u64)affinities[n] << 32);
	reg_set(n, GICR_CTLR, n == NO_LPIS ? LPIS_OFF : LPIS_ON);
	reg_set(n, GICR_PROPBASER, PROPBASER);
	reg_set(n, GICR_PENDBASER, PENDBASER_OF(n));
	for (unsigned int i = 0; i < ARRAY_SIZE(write_only); i++)
		reg_set(n, write_only[i], U64_MAX);
	reg_set(n, VSGIR, U32_MAX);
}

static u64 make_vpe_table(struct kunit *test)
{
	return V | __pa(its_test_pages(test, SZ_64K)) | FIELD_PREP(GENMASK_ULL(61, 59), 1) |
	       FIELD_PREP(GENMASK_ULL(54, 53), 2) | BIT(10);
}

static struct command_world *make_redists(struct kunit *test, u64 typer)
{
	struct command_world *world;
	u64 table = 0, missing;

	if (!(typer & GICR_TYPER_VLPIS)) {
		world = make_world(test, V3);
	} else if (!(typer & GICR_TYPER_RVPEID)) {
		world = make_world(test, V4_0);
		KUNIT_ASSERT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), 0);
	} else {
		world = make_world(test, V4_1);
		its_find_vpe(VPE_NO_TABLE)->mapped = BIT(0);
		table = make_vpe_table(test);
	}

	for (unsigned int n = 0; n < NR_REDISTS; n++) {
		make_frames(test, n, typer);
		reg_set(n, VPROPBASER, table);
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(n)), 0);
		KUNIT_ASSERT_EQ(test, redist_take_over(FRAMES(n), &missing), 0);
	}

	return world;
}

static enum pkvm_mmio_result host_write_from(unsigned int cpu, unsigned int n, u32 offset,
					     u64 value, unsigned int size)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(FRAMES(n) + offset, NULL, NULL);
	struct pkvm_mmio_write write = { .value = value, .size = size };
	enum pkvm_mmio_result res;

	KUNIT_ASSERT_NOT_NULL(kunit_get_current_test(), range);
	write.offset = FRAMES(n) + offset - range->base;
	fake.mpidr = mpidrs[cpu];
	res = range->write(range, &write);
	KUNIT_EXPECT_FALSE(kunit_get_current_test(), hyp_spin_is_locked(&its_vpe_lock));

	return res;
}

/* By its own CPU, as drivers do, if that isn't away */
static enum pkvm_mmio_result host_write(unsigned int n, u32 offset, u64 value, unsigned int size)
{
	return host_write_from(fake.away[n] ? !n : n, n, offset, value, size);
}

/* Copy all frames, for expect_frames() */
static void *copy_frames(struct kunit *test)
{
	void *copy = kunit_kmalloc(test, ARRAY_SIZE(fake.frames) * SZ_64K, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	for (unsigned int i = 0; i < ARRAY_SIZE(fake.frames); i++)
		memcpy(copy + i * SZ_64K, fake.frames[i], SZ_64K);

	return copy;
}

static void expect_frames(struct kunit *test, const void *copy)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(fake.frames); i++)
		KUNIT_EXPECT_TRUE_MSG(test, !memcmp(copy + i * SZ_64K, fake.frames[i], SZ_64K),
				      "frame %u", i);
}

struct reg_value {
	u32			offset;
	u64			value;
};

/*
 * @typer: of the redistributors
 * @ctlr: GICR_CTLR before
 * @given: other registers before, unless as the driver left them
 * @offset, @value, @size: what the host writes to redistributor 0
 * @ok: it isn't ignored
 * @after: the register then; no other changes, and none at all if it is ignored
 */
static const struct redist_case {
	const char		*name;
	u64			typer;
	u32			ctlr;
	struct reg_value	given;
	u32			offset;
	u64			value;
	u32			size;
	bool			ok;
	u64			after;
} redist_cases[] = {
#define REG(...)		{ __VA_ARGS__ }
#define DONE(_name, _typer, _ctlr, _given, _offset, _value, _after) \
	{ _name, _typer, _ctlr, _given, _offset, _value, 8, true, _after }
#define DONE32(_name, _typer, _ctlr, _given, _offset, _value, _after) \
	{ _name, _typer, _ctlr, _given, _offset, _value, 4, true, _after }
#define IGNORED(_name, _typer, _ctlr, _given, _offset, _value) \
	{ _name, _typer, _ctlr, _given, _offset, _value, 8 }
#define IGNORED32(_name, _typer, _ctlr, _given, _offset, _value) \
	{ _name, _typer, _ctlr, _given, _offset, _value, 4 }

	DONE32("ctlr on", R3, LPIS_OFF, REG(), GICR_CTLR, 1, 1),
	DONE32("ctlr off", R3, LPIS_ON, REG(), GICR_CTLR, 0, 0),
	DONE32("ctlr on again", R3, LPIS_ON, REG(), GICR_CTLR, 1, 1),
	DONE32("ctlr still off", R3, LPIS_OFF, REG(), GICR_CTLR, 0, 0),
	DONE32("ctlr on, all bits", R3, LPIS_OFF, REG(), GICR_CTLR, U32_MAX, 1),
	DONE32("ctlr off, all bits", R3, LPIS_ON | DPG, REG(), GICR_CTLR, U32_MAX - 1, DPG),
	DONE32("ctlr keeps its dpg", R3, LPIS_OFF | DPG, REG(), GICR_CTLR, 1, DPG | 1),
	DONE32("ctlr no other bits", R3, U32_MAX & ~RWP, REG(), GICR_CTLR, 1, DPG | 1),
	DONE32("ctlr on again with rwp", R3, LPIS_ON | RWP, REG(), GICR_CTLR, 1, 1),
	IGNORED32("ctlr on with rwp", R3, LPIS_OFF | RWP, REG(), GICR_CTLR, 1),
	IGNORED32("ctlr other config table", R3, LPIS_OFF,
		  REG(GICR_PROPBASER, PROPBASER ^ BIT_ULL(51)), GICR_CTLR, 1),
	IGNORED32("ctlr other config size", R3, LPIS_OFF, REG(GICR_PROPBASER, PROPBASER + 1),
		  GICR_CTLR, 1),
	IGNORED32("ctlr no config table", R3, LPIS_OFF, REG(GICR_PROPBASER, 0), GICR_CTLR, 1),
	IGNORED32("ctlr other pending table", R3, LPIS_OFF,
		  REG(GICR_PENDBASER, PENDBASER ^ SZ_64K), GICR_CTLR, 1),
	IGNORED32("ctlr no pending table", R3, LPIS_OFF, REG(GICR_PENDBASER, 0), GICR_CTLR, 1),
	DONE32("ctlr ptz", R3, LPIS_OFF, REG(GICR_PENDBASER, PENDBASER | PTZ), GICR_CTLR, 1, 1),
	IGNORED("ctlr 64 bits", R3, LPIS_OFF, REG(), GICR_CTLR, 1),

	DONE32("waker wakes", R3, LPIS_ON, REG(GICR_WAKER, 0x80000007), GICR_WAKER, 0, 0x80000005),
	DONE32("waker sleeps", R3, LPIS_ON, REG(GICR_WAKER, 0x80000001), GICR_WAKER, U32_MAX,
	       0x80000003),
	DONE32("waker no other bits", R3, LPIS_ON, REG(GICR_WAKER, 0), GICR_WAKER, ~2U, 0),
	IGNORED("waker 64 bits", R3, LPIS_ON, REG(), GICR_WAKER - 4, HI(2)),

	DONE("propbaser", R3, LPIS_OFF, REG(GICR_PROPBASER, 0), GICR_PROPBASER, PROPBASER,
	     PROPBASER),
	DONE32("propbaser low half", R3, LPIS_OFF, REG(GICR_PROPBASER, 0), GICR_PROPBASER,
	       LOW(PROPBASER), PROPBASER),
	DONE32("propbaser high half", R3, LPIS_OFF, REG(GICR_PROPBASER, 0), GICR_PROPBASER + 4,
	       HIGH(PROPBASER), PROPBASER),
	IGNORED("propbaser lpis on", R3, LPIS_ON, REG(GICR_PROPBASER, 0), GICR_PROPBASER,
		PROPBASER),
	IGNORED("propbaser rwp", R3, LPIS_OFF | RWP, REG(GICR_PROPBASER, 0), GICR_PROPBASER,
		PROPBASER),
	IGNORED32("propbaser half lpis on", R3, LPIS_ON, REG(GICR_PROPBASER, 0), GICR_PROPBASER,
		  LOW(PROPBASER)),
	IGNORED("propbaser other address", R3, LPIS_OFF, REG(GICR_PROPBASER, 0), GICR_PROPBASER,
		PROPBASER ^ SZ_64K),
	IGNORED("propbaser other attribute", R3, LPIS_OFF, REG(GICR_PROPBASER, 0),
		GICR_PROPBASER, PROPBASER ^ BIT_ULL(58)),
	IGNORED("propbaser zero", R3, LPIS_OFF, REG(), GICR_PROPBASER, 0),
	IGNORED32("propbaser other low half", R3, LPIS_OFF, REG(GICR_PROPBASER, 0),
		  GICR_PROPBASER, HIGH(PROPBASER)),
	IGNORED32("propbaser other high half", R3, LPIS_OFF, REG(GICR_PROPBASER, 0),
		  GICR_PROPBASER + 4, LOW(PROPBASER)),
	IGNORED("propbaser straddled", R3, LPIS_OFF, REG(), GICR_PROPBASER + 4, 0),
	IGNORED("propbaser other size", R3, LPIS_OFF, REG(GICR_PROPBASER, 0), GICR_PROPBASER,
		PROPBASER + 1),
	DONE("pendbaser", R3, LPIS_OFF, REG(GICR_PENDBASER, 0), GICR_PENDBASER, PENDBASER,
	     PENDBASER),
	DONE32("pendbaser low half", R3, LPIS_OFF, REG(GICR_PENDBASER, 0), GICR_PENDBASER,
	       LOW(PENDBASER), PENDBASER),
	DONE32("pendbaser high half", R3, LPIS_OFF, REG(GICR_PENDBASER, 0), GICR_PENDBASER + 4,
	       HIGH(PENDBASER), PENDBASER),
	IGNORED("pendbaser lpis on", R3, LPIS_ON, REG(GICR_PENDBASER, 0), GICR_PENDBASER,
		PENDBASER),
	IGNORED("pendbaser rwp", R3, LPIS_OFF | RWP, REG(GICR_PENDBASER, 0), GICR_PENDBASER,
		PENDBASER),
	IGNORED32("pendbaser half lpis on", R3, LPIS_ON, REG(GICR_PENDBASER, 0), GICR_PENDBASER,
		  LOW(PENDBASER)),
	IGNORED("pendbaser other address", R3, LPIS_OFF, REG(GICR_PENDBASER, 0), GICR_PENDBASER,
		PENDBASER ^ SZ_64K),
	IGNORED("pendbaser other attribute", R3, LPIS_OFF, REG(GICR_PENDBASER, 0),
		GICR_PENDBASER, PENDBASER ^ BIT_ULL(58)),
	IGNORED("pendbaser zero", R3, LPIS_OFF, REG(), GICR_PENDBASER, 0),
	IGNORED32("pendbaser other low half", R3, LPIS_OFF, REG(GICR_PENDBASER, 0),
		  GICR_PENDBASER, HIGH(PENDBASER)),
	IGNORED32("pendbaser other high half", R3, LPIS_OFF, REG(GICR_PENDBASER, 0),
		  GICR_PENDBASER + 4, LOW(PENDBASER)),
	IGNORED("pendbaser straddled", R3, LPIS_OFF, REG(), GICR_PENDBASER + 4, 0),
	IGNORED("pendbaser ptz", R3, LPIS_OFF, REG(GICR_PENDBASER, 0), GICR_PENDBASER,
		PENDBASER | PTZ),

	DONE("setlpir", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, LPI, LPI),
	DONE("setlpir first", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, MIN_LPI, MIN_LPI),
	DONE("setlpir last", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, MAX_LPI, MAX_LPI),
	IGNORED("setlpir no lpi", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, MIN_LPI - 1),
	IGNORED("setlpir huge", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, MAX_LPI + 1),
	IGNORED("setlpir zero", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, 0),
	IGNORED32("setlpir low half", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, LPI),
	IGNORED32("setlpir high half", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR + 4, LPI),
	IGNORED("setlpir res0", R3_DIRECT, LPIS_ON, REG(), GICR_SETLPIR, HI(1) | LPI),
	IGNORED("setlpir no support", R4_1, LPIS_ON, REG(), GICR_SETLPIR, LPI),
	DONE("clrlpir", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, LPI, LPI),
	DONE("clrlpir first", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, MIN_LPI, MIN_LPI),
	DONE("clrlpir last", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, MAX_LPI, MAX_LPI),
	IGNORED("clrlpir no lpi", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, MIN_LPI - 1),
	IGNORED("clrlpir huge", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, MAX_LPI + 1),
	IGNORED("clrlpir zero", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, 0),
	IGNORED32("clrlpir low half", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, LPI),
	IGNORED32("clrlpir high half", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR + 4, LPI),
	IGNORED("clrlpir res0", R3_DIRECT, LPIS_ON, REG(), GICR_CLRLPIR, V | LPI),
	IGNORED("clrlpir no support", R4_1, LPIS_ON, REG(), GICR_CLRLPIR, LPI),
	DONE("invlpir", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, LPI, LPI),
	DONE("invlpir first", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, MIN_LPI, MIN_LPI),
	DONE("invlpir last", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, MAX_LPI, MAX_LPI),
	IGNORED("invlpir no lpi", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, MIN_LPI - 1),
	IGNORED("invlpir huge", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, MAX_LPI + 1),
	IGNORED("invlpir zero", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, 0),
	IGNORED32("invlpir low half", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, LPI),
	IGNORED32("invlpir high half", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR + 4, LPI),
	DONE("invlpir res0", R3_DIRECT, LPIS_ON, REG(), GICR_INVLPIR, HI(S32_MAX) | LPI, LPI),
	DONE("invlpir 4.1", R4_1, LPIS_ON, REG(), GICR_INVLPIR, LPI, LPI),
	IGNORED("invlpir no support", R3, LPIS_ON, REG(), GICR_INVLPIR, LPI),
	IGNORED("invlpir 4.0 no support", R4_0, LPIS_ON, REG(), GICR_INVLPIR, LPI),
	DONE("invallr", R3_DIRECT, LPIS_ON, REG(), GICR_INVALLR, 0, 0),
	DONE("invallr res0", R3_DIRECT, LPIS_ON, REG(), GICR_INVALLR, ~V, 0),
	DONE("invallr 4.1", R4_1, LPIS_ON, REG(), GICR_INVALLR, 0, 0),
	IGNORED("invallr no support", R3, LPIS_ON, REG(), GICR_INVALLR, 0),
	IGNORED32("invallr low half", R3_DIRECT, LPIS_ON, REG(), GICR_INVALLR, 0),
	IGNORED32("invallr high half", R3_DIRECT, LPIS_ON, REG(), GICR_INVALLR + 4, 0),

	DONE("invlpir vpe", R4_1, LPIS_ON, REG(), GICR_INVLPIR, V | VPEID(VPE_HERE) | LPI,
	     V | VPEID(VPE_HERE) | LPI),
	DONE("invlpir vpe elsewhere", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
	     V | VPEID(VPE_ELSEWHERE) | LPI, V | VPEID(VPE_ELSEWHERE) | LPI),
	DONE("invlpir vpe res0", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
	     GENMASK_ULL(63, 48) | VPEID(VPE_HERE) | LPI, V | VPEID(VPE_HERE) | LPI),
	IGNORED("invlpir vpe reserved", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
		V | VPEID(VPE_RESERVED) | LPI),
	IGNORED("invlpir vpe unmapping", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
		V | VPEID(VPE_UNMAPPING) | LPI),
	IGNORED("invlpir vpe unknown", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
		V | VPEID(VPE_UNKNOWN) | LPI),
	IGNORED("invlpir vpe 4.0", R4_0 | GICR_TYPER_DirectLPIS, LPIS_ON, REG(), GICR_INVLPIR,
		V | VPEID(VPE_HERE) | LPI),
	IGNORED("invlpir vpe other table", R4_1, LPIS_ON, REG(VPROPBASER, V), GICR_INVLPIR,
		V | VPEID(VPE_HERE) | LPI),
	IGNORED("invlpir vpe no lpi", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
		V | VPEID(VPE_HERE) | (MIN_LPI - 1)),
	IGNORED("invlpir vpe huge", R4_1, LPIS_ON, REG(), GICR_INVLPIR,
		V | VPEID(VPE_HERE) | (MAX_LPI + 1)),
	DONE("invallr vpe", R4_1, LPIS_ON, REG(), GICR_INVALLR, V | VPEID(VPE_HERE) | LPI,
	     V | VPEID(VPE_HERE)),
	DONE("invallr vpe elsewhere", R4_1, LPIS_ON, REG(), GICR_INVALLR,
	     V | VPEID(VPE_ELSEWHERE) | LPI, V | VPEID(VPE_ELSEWHERE)),
	DONE("invallr vpe res0", R4_1, LPIS_ON, REG(), GICR_INVALLR,
	     GENMASK_ULL(63, 48) | VPEID(VPE_HERE) | LPI, V | VPEID(VPE_HERE)),
	IGNORED("invallr vpe reserved", R4_1, LPIS_ON, REG(), GICR_INVALLR,
		V | VPEID(VPE_RESERVED) | LPI),
	IGNORED("invallr vpe unmapping", R4_1, LPIS_ON, REG(), GICR_INVALLR,
		V | VPEID(VPE_UNMAPPING) | LPI),
	IGNORED("invallr vpe unknown", R4_1, LPIS_ON, REG(), GICR_INVALLR,
		V | VPEID(VPE_UNKNOWN) | LPI),
	IGNORED("invallr vpe 4.0", R4_0 | GICR_TYPER_DirectLPIS, LPIS_ON, REG(), GICR_INVALLR,
		V | VPEID(VPE_HERE) | LPI),
	IGNORED("invallr vpe other table", R4_1, LPIS_ON, REG(VPROPBASER, V), GICR_INVALLR,
		V | VPEID(VPE_HERE)),

	DONE32("vsgir", R4_1, LPIS_ON, REG(), VSGIR, VPE_HERE, VPE_HERE),
	DONE32("vsgir elsewhere", R4_1, LPIS_ON, REG(), VSGIR, VPE_ELSEWHERE, VPE_ELSEWHERE),
	DONE32("vsgir res0", R4_1, LPIS_ON, REG(), VSGIR, 0xffff0000 | VPE_HERE, VPE_HERE),
	IGNORED32("vsgir reserved", R4_1, LPIS_ON, REG(), VSGIR, VPE_RESERVED),
	IGNORED32("vsgir unmapping", R4_1, LPIS_ON, REG(), VSGIR, VPE_UNMAPPING),
	IGNORED32("vsgir other table", R4_1, LPIS_ON, REG(VPROPBASER, V), VSGIR, VPE_HERE),
	IGNORED32("vsgir unknown", R4_1, LPIS_ON, REG(), VSGIR, VPE_UNKNOWN),
	IGNORED32("vsgir 4.0", R4_0, LPIS_ON, REG(), VSGIR, VPE_HERE),
	IGNORED("vsgir 64 bits", R4_1, LPIS_ON, REG(), VSGIR, VPE_HERE),

	DONE("load 4.1", R4_1, LPIS_ON, REG(), VPENDBASER, V | VGRPS | VPE_HERE,
	     V | VGRPS | VPE_HERE),
	DONE("load 4.1 elsewhere", R4_1, LPIS_ON, REG(), VPENDBASER, V | VPE_ELSEWHERE,
	     V | VPE_ELSEWHERE),
	DONE("load 4.1 res0", R4_1, LPIS_ON, REG(), VPENDBASER,
	     GENMASK_ULL(63, 16) | VPE_HERE, V | VGRPS | VPE_HERE),
	DONE("load 4.1 after another", R4_1, LPIS_ON, REG(VPENDBASER, VGRPS | VPE_ELSEWHERE),
	     VPENDBASER, V | VPE_HERE, V | VPE_HERE),
	IGNORED("load 4.1 reserved", R4_1, LPIS_ON, REG(), VPENDBASER, V | VPE_RESERVED),
	IGNORED("load 4.1 coming", R4_1, LPIS_ON, REG(), VPENDBASER, V | VPE_COMING),
	IGNORED("load 4.1 unmapping", R4_1, LPIS_ON, REG(), VPENDBASER, V | VPE_UNMAPPING),
	IGNORED("load 4.1 unknown", R4_1, LPIS_ON, REG(), VPENDBASER, V | VPE_UNKNOWN),
	IGNORED("load 4.1 of 4.0", R4_1, LPIS_ON, REG(), VPENDBASER, V | VPT_HERE),
	IGNORED("load 4.1 resident", R4_1, LPIS_ON, REG(VPENDBASER, V | VPE_ELSEWHERE),
		VPENDBASER, V | VPE_HERE),
	IGNORED("load 4.1 dirty", R4_1, LPIS_ON, REG(VPENDBASER, DIRTY | VPE_ELSEWHERE),
		VPENDBASER, V | VPE_HERE),
	IGNORED("load 4.1 other table", R4_1, LPIS_ON, REG(VPROPBASER, V), VPENDBASER,
		V | VPE_HERE),
	IGNORED("load 4.1 no table then", R4_1, LPIS_ON, REG(VPROPBASER, 0), VPENDBASER,
		V | VPE_HERE),
	IGNORED32("load 4.1 low half", R4_1, LPIS_ON, REG(), VPENDBASER, VPE_HERE),
	IGNORED32("load 4.1 high half", R4_1, LPIS_ON, REG(VPENDBASER, VPE_HERE),
		  VPENDBASER + 4, HIGH(V)),

	DONE("put 4.1", R4_1, LPIS_ON, REG(VPENDBASER, V | VGRPS | VPE_HERE), VPENDBASER, 0,
	     VGRPS | VPE_HERE),
	DONE("put 4.1 doorbell", R4_1, LPIS_ON, REG(VPENDBASER, V | VGRPS | VPE_HERE),
	     VPENDBASER, DOORBELL | PENDING, DOORBELL | PENDING | VGRPS | VPE_HERE),
	DONE("put 4.1 no doorbell", R4_1, LPIS_ON,
	     REG(VPENDBASER, V | DOORBELL | PENDING | VPE_HERE), VPENDBASER, 0, VPE_HERE),
	DONE("put 4.1 nothing else", R4_1, LPIS_ON, REG(VPENDBASER, V | VPE_HERE), VPENDBASER,
	     ~V, DOORBELL | PENDING | VPE_HERE),
	DONE("put 4.1 idle", R4_1, LPIS_ON, REG(VPENDBASER, VPE_HERE), VPENDBASER, ~V, VPE_HERE),
	IGNORED("put 4.1 dirty", R4_1, LPIS_ON, REG(VPENDBASER, DIRTY | VPE_HERE), VPENDBASER, 0),
	IGNORED("put 4.1 valid and dirty", R4_1, LPIS_ON, REG(VPENDBASER, V | DIRTY | VPE_HERE),
		VPENDBASER, 0),
	IGNORED32("put 4.1 high half", R4_1, LPIS_ON, REG(VPENDBASER, V | VPE_HERE),
		  VPENDBASER + 4, 0),

	DONE("put 4.0", R4_0, LPIS_ON, REG(VPENDBASER, V | ATTRS | VPT_FREE), VPENDBASER, 0,
	     ATTRS | VPT_FREE),
	DONE("put 4.0 nothing else", R4_0, LPIS_ON, REG(VPENDBASER, V | VPT_FREE), VPENDBASER,
	     ~V, VPT_FREE),
	/* Dirty says nothing there while it is valid. */
	DONE("put 4.0 valid and dirty", R4_0, LPIS_ON, REG(VPENDBASER, V | DIRTY | VPT_FREE),
	     VPENDBASER, 0, VPT_FREE),
	DONE("put 4.0 idle", R4_0, LPIS_ON, REG(VPENDBASER, VPT_FREE), VPENDBASER, ~V, VPT_FREE),
	IGNORED("put 4.0 valid and dirty for sure", R4_0 | GICR_TYPER_DIRTY, LPIS_ON,
		REG(VPENDBASER, V | DIRTY | VPT_FREE), VPENDBASER, 0),
	IGNORED("put 4.0 dirty", R4_0, LPIS_ON, REG(VPENDBASER, DIRTY | VPT_FREE), VPENDBASER, 0),
	IGNORED32("put 4.0 high half", R4_0, LPIS_ON, REG(VPENDBASER, V | VPT_FREE),
		  VPENDBASER + 4, 0),

	/* It is written with the other one. */
	DONE("vpropbaser 4.0", R4_0, LPIS_ON, REG(), VPROPBASER, VCONF | IDBITS, 0),
	DONE("vpropbaser 4.0 resident", R4_0, LPIS_ON, REG(VPENDBASER, V | VPT_FREE), VPROPBASER,
	     VCONF | IDBITS, 0),
	IGNORED32("vpropbaser 4.0 low half", R4_0, LPIS_ON, REG(), VPROPBASER, VCONF | IDBITS),
	IGNORED32("vpropbaser 4.0 high half", R4_0, LPIS_ON, REG(), VPROPBASER + 4, 0),
};

KUNIT_ARRAY_PARAM_DESC(redist, redist_cases, name);

static void redist_test_write(struct kunit *test)
{
	const struct redist_case *c = test->param_value;
	u32 reg = reg_is_short(c->offset) ? c->offset : ALIGN_DOWN(c->offset, 8);
	void *before;

	make_redists(test, c->typer);
	reg_set(0, GICR_CTLR, c->ctlr);
	if (c->given.offset)
		reg_set(0, c->given.offset, c->given.value);
	before = copy_frames(test);

	KUNIT_EXPECT_EQ(test, host_write(0, c->offset, c->value, c->size),
			c->ok ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_WRITES), 1);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_IGNORED), !c->ok);
	if (c->ok) {
		KUNIT_EXPECT_EQ(test, reg_get(0, reg), c->after);
		/* The rest is as before */
		memcpy(reg_at(0, reg), before + reg / SZ_128K * SZ_64K + reg % SZ_128K,
		       reg_is_short(reg) ? 4 : 8);
	}
	expect_frames(test, before);
	if (!c->ok) {
		KUNIT_EXPECT_NULL(test, redists[0].vpe);
		KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_RESIDENT), 0);
	}
}

/* No row, no write, whatever there is. */
static void redist_test_no_row(struct kunit *test)
{
	static const u32 registers[] = {
		GICR_SETLPIR, GICR_CLRLPIR, GICR_PROPBASER, GICR_PENDBASER, GICR_INVLPIR,
		GICR_INVALLR, VPROPBASER, VPENDBASER,
	};
	u32 nr = 0, wrong = 0;
	void *before;

	make_redists(test, R4_1 | GICR_TYPER_DirectLPIS);
	before = copy_frames(test);

	for (u32 offset = 0; offset < SZ_128K + SZ_64K; offset += 4) {
		bool known = reg_is_short(offset);

		if (offset == SZ_64K)
			offset = SZ_128K;
		for (unsigned int i = 0; i < ARRAY_SIZE(registers); i++)
			known |= ALIGN_DOWN(offset, 8) == registers[i];
		if (known)
			continue;

		/* Each value would be good for some register */
		wrong += host_write(0, offset, LPI, 4) != PKVM_MMIO_IGNORED;
		wrong += host_write(0, offset, VPE_HERE, 4) != PKVM_MMIO_IGNORED;
		nr += 2;
		if (!IS_ALIGNED(offset, 8))
			continue;
		wrong += host_write(0, offset, V | VPE_HERE, 8) != PKVM_MMIO_IGNORED;
		wrong += host_write(0, offset, LPI, 8) != PKVM_MMIO_IGNORED;
		nr += 2;
	}
	KUNIT_EXPECT_EQ(test, wrong, 0);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_WRITES), nr);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_IGNORED), nr);
	expect_frames(test, before);
}

/* Who had no LPIs when the host was deprivileged gets none, and no vPE. */
static void redist_test_without_lpis(struct kunit *test)
{
	static const struct redist_case cases[] = {
		IGNORED32("ctlr", 0, 0, REG(), GICR_CTLR, 1),
		IGNORED("propbaser", 0, 0, REG(), GICR_PROPBASER, PROPBASER),
		IGNORED("propbaser zero", 0, 0, REG(), GICR_PROPBASER, 0),
		IGNORED("pendbaser", 0, 0, REG(), GICR_PENDBASER, PENDBASER_OF(NO_LPIS)),
		IGNORED("pendbaser zero", 0, 0, REG(), GICR_PENDBASER, 0),
		IGNORED("vpropbaser", 0, 0, REG(), VPROPBASER, VCONF | IDBITS),
		IGNORED("load 4.0", 0, 0, REG(), VPENDBASER, V | VPT_FREE),
		IGNORED("load 4.1", 0, 0, REG(), VPENDBASER, V | VPE_HERE),
		IGNORED("put", 0, 0, REG(), VPENDBASER, 0),
		IGNORED32("vsgir", 0, 0, REG(), VSGIR, VPE_HERE),
	};
	static const u64 typers[] = { R4_0, R4_1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(typers); i++) {
		void *before;

		make_redists(test, typers[i]);
		/* As if somebody had written it in time */
		redists[NO_LPIS].next_vconf = VCONF | IDBITS;
		before = copy_frames(test);
		for (unsigned int j = 0; j < ARRAY_SIZE(cases); j++) {
			const struct redist_case *c = &cases[j];

			KUNIT_EXPECT_EQ_MSG(test, host_write(NO_LPIS, c->offset, c->value, c->size),
					    PKVM_MMIO_IGNORED, "%s", c->name);
		}
		expect_frames(test, before);

		/* Zeroed registers are no pinned ones */
		reg_set(NO_LPIS, GICR_PROPBASER, 0);
		reg_set(NO_LPIS, GICR_PENDBASER, 0);
		KUNIT_EXPECT_EQ(test, host_write(NO_LPIS, GICR_CTLR, 1, 4), PKVM_MMIO_IGNORED);

		reg_set(NO_LPIS, GICR_CTLR, DPG);
		KUNIT_EXPECT_EQ(test, host_write(NO_LPIS, GICR_CTLR, 0, 4), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, reg_get(NO_LPIS, GICR_CTLR), DPG);
		KUNIT_EXPECT_EQ(test, host_write(NO_LPIS, GICR_WAKER, 2, 4), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, reg_get(NO_LPIS, GICR_WAKER), 2);
	}
}

/*
 * GICv4.0: VPE_RESERVED is bound to VPT_FREE and VCONF.
 *
 * @vprop: what the host writes to GICR_VPROPBASER first
 * @vpend: then to GICR_VPENDBASER
 * @old: its value before
 * @ok: the vPE becomes resident
 * @after: GICR_VPENDBASER then
 */
static const struct load_case {
	const char		*name;
	u64			vprop;
	u64			vpend;
	u64			old;
	bool			ok;
	u64			after;
} load_cases[] = {
	{ "load", VCONF | IDBITS, V | VPT_FREE, 0, true, V | PEND_ATTRS | VPT_FREE },
	{ "all bits", ATTRS | VCONF | IDBITS, V | IDAI | PENDING | ATTRS | VPT_FREE, 0, true,
	  V | IDAI | PENDING | PEND_ATTRS | VPT_FREE },
	{ "res0", ~(ADDRESS | 0x1f) | VCONF | IDBITS, ~GENMASK_ULL(51, 16) | VPT_FREE, 0, true,
	  V | IDAI | PENDING | PEND_ATTRS | VPT_FREE },
	{ "after another", VCONF | IDBITS, V | VPT_FREE, IDAI | VPT_HERE, true,
	  V | PEND_ATTRS | VPT_FREE },
	{ "resident", VCONF | IDBITS, V | VPT_FREE, V | VPT_HERE },
	{ "dirty", VCONF | IDBITS, V | VPT_FREE, DIRTY | VPT_HERE },
	{ "resident and dirty", VCONF | IDBITS, V | VPT_FREE, V | DIRTY | VPT_HERE },
	{ "unknown vpt", VCONF | IDBITS, V | SHARED(7) },
	{ "no vpt", VCONF | IDBITS, V },
	{ "vpt is vconf", VCONF | IDBITS, V | VCONF },
	{ "huge vpt", VCONF | IDBITS, V | BIT_ULL(51) | VPT_FREE },
	{ "not bound", VCONF | IDBITS, V | VPT_HERE },
	{ "not bound without vconf", IDBITS, V | VPT_HERE },
	{ "other vconf", SHARED(7) | IDBITS, V | VPT_FREE },
	{ "no vconf", IDBITS, V | VPT_FREE },
	{ "next page of vconf", (VCONF + SZ_4K) | IDBITS, V | VPT_FREE },
	{ "huge vconf", BIT_ULL(51) | VCONF | IDBITS, V | VPT_FREE },
	{ "too many intids", VCONF | (IDBITS + 1), V | VPT_FREE },
	{ "too few intids", VCONF | (IDBITS - 1), V | VPT_FREE },
	{ "most intids", VCONF | 0x1f, V | VPT_FREE },
};

KUNIT_ARRAY_PARAM_DESC(load, load_cases, name);

static void redist_test_load_v4_0(struct kunit *test)
{
	const struct load_case *c = test->param_value;
	struct its_vpe_record *vpe;
	void *before;

	make_redists(test, R4_0);
	vpe = its_find_vpe(VPE_RESERVED);
	reg_set(0, VPENDBASER, c->old);
	before = copy_frames(test);

	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, c->vprop, 8), PKVM_MMIO_OK);
	expect_frames(test, before);
	/* Half a register is none */
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, LOW(c->vpend), 4), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER + 4, HIGH(c->vpend), 4),
			PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, c->vpend, 8),
			c->ok ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_RESIDENT), c->ok);
	if (!c->ok) {
		expect_frames(test, before);
		KUNIT_EXPECT_NULL(test, redists[0].vpe);
		KUNIT_EXPECT_NULL(test, vpe->resident);
		return;
	}

	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), VCONF | IDBITS | PROP_ATTRS);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPENDBASER), c->after);
	KUNIT_EXPECT_PTR_EQ(test, fake.last_write, reg_at(0, VPENDBASER));
	KUNIT_EXPECT_PTR_EQ(test, redists[0].vpe, vpe);
	KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[0]);
	reg_set(0, VPROPBASER, 0);
	reg_set(0, VPENDBASER, c->old);
	expect_frames(test, before);
}

static enum pkvm_mmio_result load_v4_0(unsigned int n, phys_addr_t vpt, phys_addr_t vconf)
{
	KUNIT_EXPECT_EQ(kunit_get_current_test(), host_write(n, VPROPBASER, vconf | IDBITS, 8),
			PKVM_MMIO_OK);

	return host_write(n, VPENDBASER, V | vpt, 8);
}

static enum pkvm_mmio_result put(unsigned int n)
{
	return host_write(n, VPENDBASER, 0, 8);
}

/* The redistributor has written what was pending. */
static void settle(unsigned int n)
{
	KUNIT_EXPECT_TRUE(kunit_get_current_test(), reg_get(n, VPENDBASER) & DIRTY);
	reg_set(n, VPENDBASER, reg_get(n, VPENDBASER) & ~DIRTY);
}

/* One vPE is on one redistributor, until that is idle. */
static void redist_test_resident_elsewhere(struct kunit *test)
{
	static const u64 typers[] = { R4_0, R4_1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(typers); i++) {
		u64 load = V | (typers[i] == R4_0 ? VPT_FREE : VPE_HERE);
		struct its_vpe_record *vpe;

		make_redists(test, typers[i]);
		vpe = its_find_vpe(typers[i] == R4_0 ? VPE_RESERVED : VPE_HERE);
		if (typers[i] == R4_0) {
			host_write(0, VPROPBASER, VCONF | IDBITS, 8);
			host_write(1, VPROPBASER, VCONF | IDBITS, 8);
		}
		fake.slow = true;

		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, load, 8), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, load, 8), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, reg_get(1, VPENDBASER), 0);
		KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[0]);
		KUNIT_EXPECT_NULL(test, redists[1].vpe);

		settle(0);
		KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, load, 8), PKVM_MMIO_OK);
		KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[1]);
		KUNIT_EXPECT_PTR_EQ(test, redists[1].vpe, vpe);
		KUNIT_EXPECT_NULL(test, redists[0].vpe);

		/* Where it was before doesn't matter */
		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[1]);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
		settle(1);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_RESIDENT), 3);
	}
}

/* A vPE that is resident no more is forgotten when the next one is loaded. */
static void redist_test_another_vpe(struct kunit *test)
{
	struct its_vpe_record *a, *b;

	make_redists(test, R4_1);
	a = its_find_vpe(VPE_HERE);
	b = its_find_vpe(VPE_ELSEWHERE);

	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, V | VPE_ELSEWHERE, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | VPE_ELSEWHERE, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_NULL(test, a->resident);
	KUNIT_EXPECT_PTR_EQ(test, b->resident, &redists[0]);
	KUNIT_EXPECT_PTR_EQ(test, redists[0].vpe, b);
	KUNIT_EXPECT_NULL(test, redists[1].vpe);
}

/* What is unbound while it is resident stays pinned until it isn't. */
static void redist_test_unbind_resident(struct kunit *test)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct its_vpe_record *vpe;

		make_redists(test, R4_0);
		vpe = its_find_vpe(VPE_RESERVED);
		fake.slow = i;
		KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EINVAL);
		KUNIT_EXPECT_EQ(test, its_bind_vpe(VPE_RESERVED, VPT_FREE, VCONF), -EBUSY);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
		/* To write the other redistributor is no help */
		KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);

		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		if (i) {
			KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_IGNORED);
			KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
			KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
			KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), VCONF | IDBITS | PROP_ATTRS);
			settle(0);
			KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		}
		KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
		KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), IDBITS);
		KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
		KUNIT_EXPECT_NULL(test, redists[0].vpe);
		KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_IGNORED);
	}
}

/* Not resident any more, which nobody but the register says */
static void redist_test_unbind_idle(struct kunit *test)
{
	make_redists(test, R4_0);
	fake.slow = true;
	KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
	/* Still bound */
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	settle(0);
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), 0);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
	KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
	KUNIT_EXPECT_NULL(test, redists[0].vpe);
	KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
}

/* The next vPE is loaded without another put: that ends it, be it refused or not. */
static void redist_test_release_by_load(struct kunit *test)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct its_vpe_record *vpe;

		make_redists(test, R4_0);
		vpe = its_find_vpe(VPE_RESERVED);
		KUNIT_ASSERT_EQ(test, its_bind_vpe(VPE_NO_TABLE, SHARED(7), VCONF), 0);
		fake.slow = true;
		KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, load_v4_0(0, SHARED(7), VCONF), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		settle(0);
		/* It can't be itself, then */
		KUNIT_EXPECT_EQ(test, load_v4_0(0, i ? VPT_FREE : SHARED(7), VCONF),
				i ? PKVM_MMIO_IGNORED : PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
		KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
		KUNIT_EXPECT_PTR_EQ(test, redists[0].vpe, i ? NULL : its_find_vpe(VPE_NO_TABLE));
	}
}

/* Without a seal, a vPE is the driver's business, and nothing is known of it. */
static void redist_test_forward(struct kunit *test)
{
	static const u64 typers[] = { R4_0, R4_1 };
	u64 vpend = V | DIRTY | VPE_RESERVED;

	for (unsigned int i = 0; i < ARRAY_SIZE(typers); i++) {
		u64 table;

		make_redists(test, typers[i]);
		fake.unsealed = true;
		for (unsigned int n = 0; n < NR_REDISTS; n++) {
			KUNIT_EXPECT_EQ(test, host_write_from(!n, n, VPENDBASER, vpend, 8),
					PKVM_MMIO_OK);
			KUNIT_EXPECT_EQ(test, reg_get(n, VPENDBASER), vpend);
			KUNIT_EXPECT_EQ(test, host_write(n, VPENDBASER, 0, 4), PKVM_MMIO_IGNORED);
			KUNIT_EXPECT_EQ(test, host_write(n, VPENDBASER + 4, 0, 4),
					PKVM_MMIO_IGNORED);
			KUNIT_EXPECT_EQ(test, reg_get(n, VPENDBASER), vpend);
			KUNIT_EXPECT_NULL(test, redists[n].vpe);

			/* On GICv4.1, this one is pinned from the beginning */
			table = reg_get(n, VPROPBASER);
			KUNIT_EXPECT_EQ(test, host_write(n, VPROPBASER, NOT_SHARED, 8),
					typers[i] == R4_0 ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED);
			if (typers[i] == R4_0)
				table = NOT_SHARED;
			KUNIT_EXPECT_EQ(test, reg_get(n, VPROPBASER), table);
			KUNIT_EXPECT_EQ(test, host_write(n, VPROPBASER, 0, 4), PKVM_MMIO_IGNORED);
			KUNIT_EXPECT_EQ(test, host_write(n, VPROPBASER + 4, 0, 4),
					PKVM_MMIO_IGNORED);
			KUNIT_EXPECT_EQ(test, reg_get(n, VPROPBASER), table);
			KUNIT_EXPECT_EQ(test, redists[n].next_vconf, 0);
		}
		KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_RESIDENT), 0);

		/* Tables of LPIs are not */
		reg_set(NO_LPIS, GICR_CTLR, LPIS_OFF);
		KUNIT_EXPECT_EQ(test, host_write(NO_LPIS, GICR_CTLR, 1, 4), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, host_write(NO_LPIS, GICR_PROPBASER, PROPBASER, 8),
				PKVM_MMIO_IGNORED);
	}
}

/* No register of an idle redistributor names a table that is the host's again. */
static void redist_test_forget_vconf(struct kunit *test)
{
	make_redists(test, R4_0);
	KUNIT_ASSERT_EQ(test, its_bind_vpe(VPE_NO_TABLE, SHARED(7), VCONF), 0);
	fake.slow = true;

	KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, load_v4_0(1, SHARED(7), VCONF), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), VCONF | IDBITS | PROP_ATTRS);
	settle(0);

	/* Where another vPE is resident, it is in use, and pinned, yet */
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), 0);
	KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), IDBITS);
	KUNIT_EXPECT_EQ(test, reg_get(1, VPROPBASER), VCONF | IDBITS | PROP_ATTRS);

	KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
	settle(1);
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_NO_TABLE), 0);
	KUNIT_EXPECT_EQ(test, reg_get(1, VPROPBASER), IDBITS);
	KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
}

/* Without power, a redistributor reads as zero. */
static void cpu_leaves(unsigned int n, u64 *vpendbaser)
{
	redist_power_down(&redists[n]);
	KUNIT_EXPECT_FALSE(kunit_get_current_test(), hyp_spin_is_locked(&its_vpe_lock));
	fake.away[n] = true;
	*vpendbaser = reg_get(n, VPENDBASER);
	reg_set(n, VPENDBASER, 0);
	reg_set(n, GICR_CTLR, 0);
}

static void cpu_is_back(unsigned int n)
{
	redist_power_up(&redists[n]);
	KUNIT_EXPECT_FALSE(kunit_get_current_test(), redists[n].off);
	fake.away[n] = false;
}

static void cpu_returns(unsigned int n, u64 vpendbaser)
{
	reg_set(n, VPENDBASER, vpendbaser);
	reg_set(n, GICR_CTLR, LPIS_ON);
	cpu_is_back(n);
}

/* What is resident there stays pinned, and on record, until it has power again. */
static void redist_test_powered_down(struct kunit *test)
{
	for (unsigned int dirty = 0; dirty < 2; dirty++) {
		struct its_vpe_record *vpe;
		u64 vpendbaser;

		make_redists(test, R4_0);
		vpe = its_find_vpe(VPE_RESERVED);
		KUNIT_ASSERT_EQ(test, its_bind_vpe(VPE_NO_TABLE, SHARED(7), VCONF), 0);
		fake.slow = true;
		KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
		if (dirty)
			KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		cpu_leaves(0, &vpendbaser);

		KUNIT_EXPECT_TRUE(test, redists[0].off);
		KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_ABANDONED), 1);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | SHARED(7), 8),
				PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, load_v4_0(1, VPT_FREE, VCONF), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 0, 4), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[0]);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 2);

		cpu_returns(0, vpendbaser);
		KUNIT_EXPECT_EQ(test, load_v4_0(0, SHARED(7), VCONF), PKVM_MMIO_IGNORED);
		if (!dirty)
			KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		settle(0);
		KUNIT_EXPECT_EQ(test, load_v4_0(0, SHARED(7), VCONF), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
	}
}

/* What the driver has seen to be over, EL2 sees at last when the CPU goes. */
static void redist_test_power_down_releases(struct kunit *test)
{
	struct its_vpe_record *vpe;
	u64 vpendbaser;

	make_redists(test, R4_0);
	vpe = its_find_vpe(VPE_RESERVED);
	fake.slow = true;
	KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
	settle(0);
	KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[0]);
	cpu_leaves(0, &vpendbaser);
	KUNIT_EXPECT_NULL(test, vpe->resident);
	KUNIT_EXPECT_NULL(test, redists[0].vpe);
	KUNIT_EXPECT_FALSE(test, redists[0].off);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_ABANDONED), 0);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), IDBITS);

	KUNIT_EXPECT_EQ(test, load_v4_0(1, VPT_FREE, VCONF), PKVM_MMIO_OK);
	KUNIT_EXPECT_PTR_EQ(test, vpe->resident, &redists[1]);
	KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
	KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
	settle(1);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
	cpu_leaves(1, &vpendbaser);
	KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
}

/* It has forgotten all, or had time to finish: so its registers say, when it is back. */
static void redist_test_power_lost(struct kunit *test)
{
	struct command_world *world = make_redists(test, R4_1);
	struct its *its = &world->its[0];
	struct its_note unmap;
	u64 vpendbaser;

	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_OK);
	cpu_leaves(0, &vpendbaser);
	reg_set(0, GICR_PROPBASER, 0);
	reg_set(0, GICR_PENDBASER, 0);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_HERE), ITS_BAD_STATE);
	KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_IGNORED);

	cpu_is_back(0);
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_PROPBASER, PROPBASER, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_PENDBASER, PENDBASER, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 1, 4), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_HERE), ITS_ACCEPTED);
}

/* By the affinity of the CPU, and only those that EL2 has */
static void redist_test_find(struct kunit *test)
{
	u64 missing;

	make_world(test, V4_0);
	KUNIT_EXPECT_NULL(test, redist_find());
	for (unsigned int n = 0; n < NR_REDISTS; n++) {
		make_frames(test, n, R4_0);
		fake.mpidr = mpidrs[n];
		KUNIT_EXPECT_NULL(test, redist_find());
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(n)), 0);
		KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(n), &missing), 0);
		KUNIT_EXPECT_PTR_EQ(test, redist_find(), &redists[n]);
	}
	for (unsigned int i = 0; i < 64; i++) {
		/* Bits that are no affinity level, and those that are */
		bool level = i < 24 || (i >= 32 && i < 40);

		fake.mpidr = mpidrs[2] ^ BIT_ULL(i);
		KUNIT_EXPECT_PTR_EQ_MSG(test, redist_find(), level ? NULL : &redists[2],
					"bit %u", i);
	}
}

/* What makes a redistributor use tables, its own CPU writes, and nobody else. */
static void redist_test_other_cpu(struct kunit *test)
{
	static const struct {
		u64	typer;
		u32	offset;
		u8	size;
		bool	own;
		u64	value;
	} writes[] = {
		{ R4_0, VPROPBASER,	8, true,  VCONF | IDBITS },
		{ R4_0, VPENDBASER,	8, true,  V | VPT_FREE },
		{ R4_0, VPENDBASER,	8, true,  0 },
		{ R4_1, VPENDBASER,	8, true,  V | VPE_HERE },
		{ R4_1, GICR_INVLPIR,	8, false, 8192 },
		{ R4_1, GICR_INVALLR,	8, false, 0 },
		{ R4_1, GICR_SETLPIR,	8, false, 8192 },
		{ R4_1, GICR_CLRLPIR,	8, false, 8192 },
		{ R4_1, VSGIR,		4, false, VPE_HERE },
		{ R4_1, VPENDBASER,	8, true,  0 },
		{ R4_1, GICR_CTLR,	4, true,  0 },
		{ R4_1, GICR_PROPBASER,	8, true,  PROPBASER },
		{ R4_1, GICR_PROPBASER,	4, true,  LOW(PROPBASER) },
		{ R4_1, GICR_PENDBASER,	8, true,  PENDBASER },
		{ R4_1, GICR_WAKER,	4, true,  GICR_WAKER_ProcessorSleep },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(writes); i++) {
		const u32 offset = writes[i].offset;
		const u8 size = writes[i].size;
		u64 next_vconf;
		void *before;

		if (!i || writes[i].typer != writes[i - 1].typer)
			make_redists(test, writes[i].typer | GICR_TYPER_DirectLPIS);
		before = copy_frames(test);
		next_vconf = redists[0].next_vconf;
		for (unsigned int cpu = 1; cpu < NR_REDISTS; cpu++)
			KUNIT_EXPECT_EQ_MSG(test,
					    host_write_from(cpu, 0, offset, writes[i].value, size),
					    writes[i].own ? PKVM_MMIO_IGNORED : PKVM_MMIO_OK,
					    "write %u", i);
		if (writes[i].own)
			expect_frames(test, before);
		KUNIT_EXPECT_EQ(test, redists[0].next_vconf, next_vconf);
		KUNIT_EXPECT_EQ_MSG(test, host_write_from(0, 0, offset, writes[i].value, size),
				    PKVM_MMIO_OK, "write %u", i);
	}

	/* GICv4.1: lost with the power */
	reg_set(0, VPROPBASER, 0);
	KUNIT_EXPECT_EQ(test, host_write_from(1, 0, VPROPBASER, redists[0].vpe_table, 8),
			PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), 0);
	KUNIT_EXPECT_EQ(test, host_write_from(0, 0, VPROPBASER, redists[0].vpe_table, 8),
			PKVM_MMIO_OK);
}

/* There are no LPIs without the other, once there is a vPE. */
static void redist_test_resident_lpis(struct kunit *test)
{
	static const u64 typers[] = { R4_0, R4_1 };

	for (unsigned int i = 0; i < ARRAY_SIZE(typers); i++) {
		u64 load = V | (typers[i] == R4_0 ? VPT_FREE : VPE_HERE);
		void *before;

		make_redists(test, typers[i]);
		fake.slow = true;
		if (typers[i] == R4_0)
			host_write(0, VPROPBASER, VCONF | IDBITS, 8);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 0, 4), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 0, 4), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, reg_get(0, GICR_CTLR), LPIS_ON);
		KUNIT_EXPECT_EQ(test, host_write(1, GICR_CTLR, 0, 4), PKVM_MMIO_OK);

		settle(0);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 0, 4), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, reg_get(0, GICR_CTLR), LPIS_OFF);
		KUNIT_EXPECT_NULL(test, redists[0].vpe);
		before = copy_frames(test);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_IGNORED);
		expect_frames(test, before);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 1, 4), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, load, 8), PKVM_MMIO_OK);
	}
}

/* GICv4.0: unmapped, unbound, or put: the last of them unpins. */
static void redist_test_unmap_resident_v4_0(struct kunit *test)
{
	for (unsigned int i = 0; i < 2; i++) {
		struct command_world *world = make_redists(test, R4_0);
		struct its_vpe_record *vpe = its_find_vpe(VPE_RESERVED);
		struct its *its = &world->its[0];
		struct its_note map, unmap, vsync;

		KUNIT_EXPECT_EQ(test, load_v4_0(0, VPT_FREE, VCONF), PKVM_MMIO_OK);
		KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, VPT_FREE, 0), ITS_ACCEPTED);
		its_retire(its, &map);
		KUNIT_EXPECT_EQ(test, its_unbind_vpe(VPE_RESERVED), -EBUSY);
		KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_RESERVED), ITS_ACCEPTED);
		KUNIT_EXPECT_EQ(test, filter(its, &vsync, GITS_CMD_VSYNC, VPEID(VPE_RESERVED),
					     0, 0), ITS_ACCEPTED);
		if (i)
			KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		its_retire(its, &unmap);
		KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
		its_retire(its, &vsync);
		if (!i) {
			KUNIT_EXPECT_EQ(test, fake.pins[4], 1);
			KUNIT_EXPECT_EQ(test, fake.pins[5], 1);
			KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);
		}
		KUNIT_EXPECT_EQ(test, fake.pins[4], 0);
		KUNIT_EXPECT_EQ(test, fake.pins[5], 0);
		KUNIT_EXPECT_NULL(test, memchr_inv(vpe, 0, sizeof(*vpe)));
	}
}

/* GICv4.1: a vPE that is resident stays mapped. */
static void redist_test_unmap_resident_v4_1(struct kunit *test)
{
	struct command_world *world = make_redists(test, R4_1);
	struct its *its = &world->its[0];
	struct its_note unmap;

	fake.slow = true;
	KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_HERE), ITS_BAD_STATE);
	KUNIT_EXPECT_EQ(test, its_find_vpe(VPE_HERE)->mapped, BIT(0));
	KUNIT_EXPECT_EQ(test, put(1), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_HERE), ITS_BAD_STATE);
	settle(1);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_HERE), ITS_ACCEPTED);
	KUNIT_EXPECT_EQ(test, host_write(1, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, fake.pins[0], 1);
	its_retire(its, &unmap);
	KUNIT_EXPECT_EQ(test, fake.pins[0], 0);
	KUNIT_EXPECT_EQ(test, reg_get(1, VPROPBASER), redists[1].vpe_table);
}

/* Whatever names a vPE on GICv4.1 */
static void expect_named(unsigned int n, u32 vpe, enum pkvm_mmio_result res)
{
	struct kunit *test = kunit_get_current_test();

	KUNIT_EXPECT_EQ(test, host_write(n, GICR_INVLPIR, V | VPEID(vpe) | LPI, 8), res);
	KUNIT_EXPECT_EQ(test, host_write(n, GICR_INVALLR, V | VPEID(vpe), 8), res);
	KUNIT_EXPECT_EQ(test, host_write(n, VSGIR, vpe, 4), res);
	KUNIT_EXPECT_EQ(test, host_write(n, VPENDBASER, V | vpe, 8), res);
}

/* GICv4.1: nor is it loaded while one of several ITSs unmaps it, or maps it. */
static void redist_test_load_unmapping(struct kunit *test)
{
	struct command_world *world = make_redists(test, R4_1);
	struct its *its = &world->its[0];
	struct its_note map, unmap;

	its_find_vpe(VPE_HERE)->mapped = BIT(0) | BIT(3);
	KUNIT_EXPECT_EQ(test, vunmapp(its, &unmap, VPE_HERE), ITS_ACCEPTED);
	expect_named(0, VPE_HERE, PKVM_MMIO_IGNORED);
	its_retire(its, &unmap);
	expect_named(0, VPE_HERE, PKVM_MMIO_OK);

	KUNIT_EXPECT_EQ(test, vmapp(its, &map, VPE_RESERVED, VPT_FREE, VCONF), ITS_ACCEPTED);
	expect_named(1, VPE_RESERVED, PKVM_MMIO_IGNORED);
	its_retire(its, &map);
	expect_named(1, VPE_RESERVED, PKVM_MMIO_OK);
}

/* GICv4.1: the table of vPEs is the one that was there. */
static void redist_test_vpe_table(struct kunit *test)
{
	void *before;
	u64 table;

	make_redists(test, R4_1);
	table = redists[0].vpe_table;
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), table);
	before = copy_frames(test);

	/* Not while it is valid, or something is resident, ... */
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, 0, 8), PKVM_MMIO_IGNORED);
	expect_frames(test, before);
	reg_set(0, VPROPBASER, 0);
	reg_set(0, VPENDBASER, V);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table, 8), PKVM_MMIO_IGNORED);
	reg_set(0, VPENDBASER, DIRTY);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table, 8), PKVM_MMIO_IGNORED);
	reg_set(0, VPENDBASER, 0);

	/* ... and no other one. */
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table ^ SZ_64K, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table + 1, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table | TABLE_Z, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table & ~V, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, HIGH(table), 4), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), 0);

	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table, 8), PKVM_MMIO_OK);
	expect_frames(test, before);
	reg_set(0, VPROPBASER, 0);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER + 4, HIGH(table), 4), PKVM_MMIO_OK);
	expect_frames(test, before);

	/* What was in it once doesn't matter */
	reg_set(0, VPROPBASER, table | TABLE_Z);
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, put(0), PKVM_MMIO_OK);

	/* Without one, there is no vPE */
	redists[0].vpe_table = 0;
	reg_set(0, VPROPBASER, 0);
	KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, V | VPE_HERE, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, 0, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, table, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, reg_get(0, VPROPBASER), 0);
}

static void redist_test_protect(struct kunit *test)
{
	u64 table = make_vpe_table(test);

	make_frames(test, 0, R3);
	reg_set(0, GICR_PENDBASER, PENDBASER | PTZ);
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(0)), 0);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 1);
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(0) + SZ_64K - 1), FRAMES(0));
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(0) + SZ_64K), 0);
	KUNIT_EXPECT_NULL(test, (__force void *)redists[0].vlpi);
	KUNIT_EXPECT_EQ(test, redists[0].propbaser, PROPBASER);
	KUNIT_EXPECT_EQ(test, redists[0].pendbaser, PENDBASER);

	make_frames(test, 1, R4_1);
	reg_set(1, VPROPBASER, table | TABLE_Z);
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(1)), 0);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 3);
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(1)), FRAMES(1));
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(1) + SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(1) + SZ_128K), FRAMES(1) + SZ_128K);
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(1) + SZ_128K + SZ_64K), 0);
	KUNIT_EXPECT_PTR_EQ(test, (__force void *)redists[1].frame, fake.frames[2]);
	KUNIT_EXPECT_PTR_EQ(test, (__force void *)redists[1].vlpi, fake.frames[3]);
	KUNIT_EXPECT_EQ(test, redists[1].propbaser, PROPBASER);
	KUNIT_EXPECT_EQ(test, redists[1].pendbaser, PENDBASER_OF(1));
	KUNIT_EXPECT_EQ(test, redists[1].vpe_table, table);

	make_frames(test, NO_LPIS, R4_1);
	reg_set(NO_LPIS, VPROPBASER, table & ~V);
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(NO_LPIS)), 0);
	KUNIT_EXPECT_EQ(test, redists[NO_LPIS].propbaser, 0);
	KUNIT_EXPECT_EQ(test, redists[NO_LPIS].pendbaser, 0);
	KUNIT_EXPECT_EQ(test, redists[NO_LPIS].vpe_table, 0);

	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(0)), -EEXIST);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_COUNT), 3);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_TAKEN), 0);
}

static void redist_test_has_inv(struct kunit *test)
{
	static const struct inv_case {
		u64	typer;
		u32	ctlr;
		bool	has_inv;
	} cases[] = {
		{ R3, LPIS_ON },
		{ R4_0, LPIS_ON },
		{ R3, LPIS_ON | GICR_CTLR_CES | RWP },
		{ R3, LPIS_ON | GICR_CTLR_IR, true },
		{ R3, LPIS_OFF | GICR_CTLR_IR, true },
		{ R3_DIRECT, LPIS_ON, true },
		{ R4_1, LPIS_ON, true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct inv_case *c = &cases[i];

		make_world(test, V3);
		make_frames(test, 0, c->typer);
		reg_set(0, GICR_CTLR, c->ctlr);
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);

		/* What the register says later doesn't matter */
		reg_set(0, GICR_CTLR, ~c->ctlr);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_INVLPIR, LPI, 8),
				c->has_inv ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, reg_get(0, GICR_INVLPIR), c->has_inv ? LPI : U64_MAX);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_INVALLR, 0, 8),
				c->has_inv ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, reg_get(0, GICR_INVALLR), c->has_inv ? 0 : U64_MAX);
	}
}

static void redist_test_protect_fails(struct kunit *test)
{
	u64 missing;

	for (unsigned int n = 0; n < NR_REDISTS; n++)
		make_frames(test, n, R4_1);

	fake.no_frame = FRAMES(0);
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(0)), -EPERM);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_COUNT), 0);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -ENODEV);

	/* The first frame is lost, and good for nothing. */
	fake.no_frame = FRAMES(1) + SZ_128K;
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(1)), -EPERM);
	KUNIT_EXPECT_EQ(test, base_of(FRAMES(1)), FRAMES(1));
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 1);
	reg_set(1, GICR_CTLR, LPIS_OFF);
	KUNIT_EXPECT_EQ(test, host_write(1, GICR_CTLR, 1, 4), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(1, GICR_PROPBASER, PROPBASER, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(1, GICR_PENDBASER, 0, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(1, GICR_WAKER, 2, 4), PKVM_MMIO_OK);

	fake.no_frame = 0;
	nr_redists = ARRAY_SIZE(redists);
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(2)), -ENOSPC);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 1);
	nr_redists--;
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(2)), 0);
	KUNIT_EXPECT_EQ(test, mmio_nr_ranges, 3);
	KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(0)), -ENOSPC);
}

/* A vPE that is resident before is one that nobody knows. */
static void redist_test_protect_resident(struct kunit *test)
{
	static const u64 values[] = { V, DIRTY, V | DIRTY, ~(V | DIRTY) };

	for (unsigned int i = 0; i < ARRAY_SIZE(values); i++) {
		bool idle = !(values[i] & (V | DIRTY));

		its_test_init(test);
		make_frames(test, 0, R4_1);
		reg_set(0, VPENDBASER, values[i]);
		reg_set(0, VPROPBASER, make_vpe_table(test));
		KUNIT_EXPECT_EQ(test, redist_protect(FRAMES(0)), idle ? 0 : -EBUSY);

		/* After an error, there are no LPIs either. */
		reg_set(0, GICR_CTLR, LPIS_OFF);
		KUNIT_EXPECT_EQ(test, host_write(0, GICR_CTLR, 1, 4),
				idle ? PKVM_MMIO_OK : PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, host_write(0, VPENDBASER, 0, 8), PKVM_MMIO_IGNORED);
		KUNIT_EXPECT_EQ(test, reg_get(0, VPENDBASER), values[i]);
	}
}

/* Which LPIs there are is known when the host is not trusted any more. */
static void redist_test_any_lpi(struct kunit *test)
{
	make_frames(test, 0, R3_DIRECT);
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_CLRLPIR, MAX_LPI + 1, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, reg_get(0, GICR_CLRLPIR), MAX_LPI + 1);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_INVLPIR, MAX_LPI + 1, 8), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, reg_get(0, GICR_INVLPIR), MAX_LPI + 1);

	KUNIT_ASSERT_EQ(test, its_add_rdbase(RD_BASE(0), 0), 0);
	KUNIT_ASSERT_EQ(test, its_set_id_bits(LPI_BITS, 16), 0);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_CLRLPIR, MAX_LPI + 1, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_INVLPIR, MAX_LPI + 1, 8), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_CLRLPIR, MAX_LPI, 8), PKVM_MMIO_OK);
}

static void redist_test_take_over(struct kunit *test)
{
	unsigned int donated;
	u64 missing = 1;

	make_world(test, V3);
	for (unsigned int n = 0; n < NR_REDISTS; n++) {
		make_frames(test, n, R3);
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(n)), 0);
	}
	KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(0));
	donated = fake.nr_donated;

	/* The configuration table once, pending tables each */
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), 0);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, fake.pins[6], 1);
	KUNIT_EXPECT_EQ(test, fake.pfn, PHYS_PFN(PENDBASER & ADDRESS));
	KUNIT_EXPECT_EQ(test, fake.nr_pages, PHYS_PFN(SZ_64K));
	KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(1));
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_TAKEN), 1);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), 0);
	KUNIT_EXPECT_EQ(test, fake.pins[6], 1);
	KUNIT_EXPECT_EQ(test, fake.pfn, PHYS_PFN(PENDBASER_OF(1) & ADDRESS));
	KUNIT_EXPECT_EQ(test, fake.nr_donated, donated + 2);

	/* Without LPIs there is nothing to take. */
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(NO_LPIS), &missing), 0);
	KUNIT_EXPECT_FALSE(test, redists[NO_LPIS].taken);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, donated + 2);
	KUNIT_EXPECT_EQ(test, fake.nr_tables, 0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_TAKEN), 2);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_COUNT), 3);

	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -ENODEV);
}

static void redist_test_take_over_what(struct kunit *test)
{
	u64 missing;

	make_world(test, V4_0);
	make_frames(test, 0, R4_0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -ENODEV);
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0) + SZ_4K, &missing), -ENODEV);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), -ENODEV);

	/* Something else that is protected, such as an ITS */
	KUNIT_ASSERT_EQ(test, insert(FRAMES(1), SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), -ENODEV);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_TAKEN), 0);
}

static void redist_test_take_over_refused(struct kunit *test)
{
	static const struct take_case {
		const char	*name;
		u64		propbaser;
		int		ret;
	} cases[] = {
		{ "good", PROPBASER, 0 },
		{ "too many intids", PROPBASER + 1, -EINVAL },
		{ "too few intids", PROPBASER - 1, -EINVAL },
		{ "config not shared", NOT_SHARED | IDBITS, -EPERM },
		{ "config in use", VPT_HERE | IDBITS, -EBUSY },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct take_case *c = &cases[i];
		u64 missing = 1;

		make_world(test, V4_0);
		make_frames(test, 0, R4_0);
		reg_set(0, GICR_PROPBASER, c->propbaser);
		fake.nr_donated = 0;
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);
		KUNIT_EXPECT_EQ_MSG(test, redist_take_over(FRAMES(0), &missing), c->ret,
				    "%s", c->name);
		KUNIT_EXPECT_EQ(test, missing, 0);
		KUNIT_EXPECT_EQ(test, redists[0].taken, !c->ret);
		KUNIT_EXPECT_EQ(test, fake.pins[6], !c->ret);
		KUNIT_EXPECT_EQ(test, fake.nr_donated, !c->ret);
		KUNIT_EXPECT_EQ(test, redist_not_taken(), c->ret ? FRAMES(0) : 0);

		/* Hence no vPE */
		KUNIT_EXPECT_EQ(test, host_write(0, VPROPBASER, VCONF | IDBITS, 8),
				c->ret ? PKVM_MMIO_IGNORED : PKVM_MMIO_OK);
	}
}

/* The registers are not any more as they were when the frames were protected. */
static void redist_test_take_over_changed(struct kunit *test)
{
	static const struct {
		const char		*name;
		struct reg_value	change;
		int			ret;
	} cases[] = {
		{ "config table", { GICR_PROPBASER, PROPBASER ^ SZ_64K }, -ENXIO },
		{ "config table lost", { GICR_PROPBASER, 0 }, -ENXIO },
		{ "pending table", { GICR_PENDBASER, PENDBASER ^ SZ_64K }, -ENXIO },
		{ "vpe table", { VPROPBASER, V }, -ENXIO },
		{ "vpe table lost", { VPROPBASER, 0 }, -ENXIO },
		{ "resident", { VPENDBASER, V }, -EBUSY },
		{ "dirty", { VPENDBASER, DIRTY }, -EBUSY },
		{ "not valid", { VPENDBASER, ~(V | DIRTY) }, 0 },
		{ "ptz", { GICR_PENDBASER, PENDBASER | PTZ }, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reg_value change = cases[i].change;
		u64 missing = 1;

		make_world(test, V4_1);
		make_frames(test, 0, R4_1);
		reg_set(0, VPROPBASER, make_vpe_table(test));
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);
		reg_set(0, change.offset, change.value);
		fake.nr_donated = 0;
		KUNIT_EXPECT_EQ_MSG(test, redist_take_over(FRAMES(0), &missing), cases[i].ret,
				    "%s", cases[i].name);
		KUNIT_EXPECT_EQ(test, missing, 0);
		KUNIT_EXPECT_EQ(test, redists[0].taken, !cases[i].ret);
		KUNIT_EXPECT_EQ(test, fake.pins[6], !cases[i].ret);
		KUNIT_EXPECT_EQ(test, fake.nr_donated, !cases[i].ret);
		KUNIT_EXPECT_EQ(test, fake.nr_tables, !cases[i].ret);
	}
}

static void redist_test_second_config(struct kunit *test)
{
	u64 missing;

	make_world(test, V3);
	make_frames(test, 0, R3);
	make_frames(test, 1, R3);
	reg_set(1, GICR_PROPBASER, SHARED(7) | IDBITS);
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(1)), 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), -EINVAL);
	KUNIT_EXPECT_EQ(test, fake.pins[7], 0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(1));

	/* With other attributes, it is the same one. */
	redists[1].propbaser = PROPBASER ^ ATTRS;
	reg_set(1, GICR_PROPBASER, PROPBASER ^ ATTRS);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), 0);
	KUNIT_EXPECT_EQ(test, fake.pins[6], 1);
}

/* It is tried again until there is enough memory, and goes on where it had stopped. */
static void redist_test_take_over_again(struct kunit *test)
{
	u64 table, missing;

	KUNIT_ASSERT_EQ(test, its_add_rdbase(RD_BASE(0), 0), 0);
	KUNIT_ASSERT_EQ(test, its_set_id_bits(LPI_BITS, 16), 0);
	make_frames(test, 0, R4_1);
	table = make_vpe_table(test);
	reg_set(0, VPROPBASER, table);
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(0)), 0);

	/* No memory for the pending table to be recorded in */
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -ENOMEM);
	KUNIT_EXPECT_EQ(test, missing, max(SZ_4K, PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 0);
	its_test_donate(test, missing);
	fake.nr_donated = 0;

	fake.error = -EPERM;
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -EPERM);
	KUNIT_EXPECT_EQ(test, missing, 0);
	fake.error = 0;

	fake.table_missing = SZ_64K;
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -ENOMEM);
	KUNIT_EXPECT_EQ(test, missing, SZ_64K);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 1);
	KUNIT_EXPECT_FALSE(test, redists[0].taken);
	KUNIT_EXPECT_EQ(test, nr_vpe_tables, 0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(0));
	fake.table_missing = 0;

	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), 0);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, fake.nr_donated, 1);
	KUNIT_EXPECT_EQ(test, fake.pins[6], 1);
	KUNIT_EXPECT_EQ(test, fake.nr_tables, 1);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);
}

/* GICv4.1: redistributors share tables, and it is known how large they are. */
static void redist_test_take_vpe_table(struct kunit *test)
{
	u64 missing, a = make_vpe_table(test), b;

	make_world(test, V4_1);
	for (unsigned int n = 0; n < 2; n++) {
		make_frames(test, n, R4_1);
		/* Two sizes at one address: one of them is wrong. */
		reg_set(n, VPROPBASER, a + n);
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(n)), 0);
		KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(n), &missing), n ? -EINVAL : 0);
	}

	b = V | __pa(its_test_pages(test, SZ_64K)) | GENMASK_ULL(61, 59) | BIT_ULL(55) | 0x7f;
	make_world(test, V4_1);
	for (unsigned int n = 0; n < NR_REDISTS; n++) {
		make_frames(test, n, R4_1);
		reg_set(n, GICR_CTLR, LPIS_ON);
		/* The attributes are of no interest */
		reg_set(n, VPROPBASER, n == 2 ? b : a ^ n * BIT(7));
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(n)), 0);
	}

	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), 0);
	KUNIT_EXPECT_EQ(test, nr_vpe_tables, 1);
	KUNIT_EXPECT_EQ(test, fake.table.base, a & ADDRESS);
	KUNIT_EXPECT_EQ(test, fake.table.page_size & 3, 2);
	KUNIT_EXPECT_EQ(test, fake.table.nr_pages, 1);
	KUNIT_EXPECT_EQ(test, fake.table.entry_size, 16);
	KUNIT_EXPECT_FALSE(test, fake.table.indirect);

	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), 0);
	KUNIT_EXPECT_TRUE(test, redists[1].taken);
	KUNIT_EXPECT_EQ(test, fake.nr_tables, 1);
	KUNIT_EXPECT_EQ(test, nr_vpe_tables, 1);

	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(2), &missing), 0);
	KUNIT_EXPECT_EQ(test, fake.nr_tables, 2);
	KUNIT_EXPECT_EQ(test, nr_vpe_tables, 2);
	KUNIT_EXPECT_EQ(test, fake.table.base, b & ADDRESS);
	KUNIT_EXPECT_EQ(test, fake.table.page_size & 3, 0);
	KUNIT_EXPECT_EQ(test, fake.table.nr_pages, 128);
	KUNIT_EXPECT_EQ(test, fake.table.entry_size, 64);
	KUNIT_EXPECT_TRUE(test, fake.table.indirect);
}

static void redist_test_too_many_vpe_tables(struct kunit *test)
{
	u64 missing, table = make_vpe_table(test);
	void *other = its_test_pages(test, SZ_64K);

	make_world(test, V4_1);
	for (unsigned int n = 0; n < 2; n++) {
		make_frames(test, n, R4_1);
		reg_set(n, VPROPBASER, table);
		KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(n)), 0);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(vpe_tables); i++)
		vpe_tables[i].base = other;
	nr_vpe_tables = ARRAY_SIZE(vpe_tables);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), -ENOSPC);
	KUNIT_EXPECT_EQ(test, fake.nr_tables, 0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(0));

	/* The last one, and one of those that are there */
	nr_vpe_tables--;
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(0), &missing), 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(1), &missing), 0);
	KUNIT_EXPECT_EQ(test, fake.nr_tables, 1);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);
}

/* A vPE table alone is something to take, too. */
static void redist_test_not_taken(struct kunit *test)
{
	u64 missing;

	KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);
	make_world(test, V4_1);
	make_frames(test, NO_LPIS, R4_1);
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(NO_LPIS)), 0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);

	make_world(test, V4_1);
	make_frames(test, NO_LPIS, R4_1);
	reg_set(NO_LPIS, VPROPBASER, make_vpe_table(test));
	KUNIT_ASSERT_EQ(test, redist_protect(FRAMES(NO_LPIS)), 0);
	KUNIT_EXPECT_EQ(test, redist_take_over(FRAMES(NO_LPIS), &missing), 0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(NO_LPIS));

	/* So are LPIs that came later, and a vPE wherever it is resident. */
	make_redists(test, R4_0);
	KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);
	for (unsigned int i = 0; i < 2; i++) {
		reg_set(NO_LPIS, GICR_CTLR, i ? RWP : LPIS_ON);
		KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(NO_LPIS));
		reg_set(NO_LPIS, GICR_CTLR, LPIS_OFF);
		for (unsigned int n = 0; n < NR_REDISTS; n++) {
			reg_set(n, VPENDBASER, i ? V : DIRTY);
			KUNIT_EXPECT_EQ(test, redist_not_taken(), FRAMES(n));
			reg_set(n, VPENDBASER, 0);
		}
		KUNIT_EXPECT_EQ(test, redist_not_taken(), 0);
	}
}

/* Every table has to have memory for a vPE. */
static void redist_test_tables(struct kunit *test)
{
	unsigned int donations = 0;
	u64 missing = 1;
	int ret;

	KUNIT_EXPECT_TRUE(test, redist_tables_have(U32_MAX));
	KUNIT_EXPECT_EQ(test, redist_tables_add(U32_MAX, &missing), 0);
	KUNIT_EXPECT_EQ(test, missing, 0);

	for (unsigned int i = 0; i < 2; i++) {
		vpe_tables[i] = (struct its_table){
			.base		= kunit_kzalloc(test, SZ_4K, GFP_KERNEL),
			.nr_ids		= SZ_4K >> i,
			.page_size	= SZ_4K,
			.ids_per_page	= 8,
			.indirect	= true,
		};
		KUNIT_ASSERT_NOT_NULL(test, vpe_tables[i].base);
	}
	nr_vpe_tables = 2;

	KUNIT_EXPECT_FALSE(test, redist_tables_have(300));
	while ((ret = redist_tables_add(300, &missing)) == -ENOMEM) {
		KUNIT_ASSERT_EQ(test, missing, max(SZ_4K, PAGE_SIZE));
		KUNIT_EXPECT_FALSE(test, redist_tables_have(300));
		its_test_donate(test, missing);
		donations++;
	}
	KUNIT_EXPECT_EQ(test, ret, 0);
	KUNIT_EXPECT_EQ(test, missing, 0);
	KUNIT_EXPECT_EQ(test, donations, DIV_ROUND_UP(2 * SZ_4K, PAGE_SIZE));
	KUNIT_EXPECT_TRUE(test, redist_tables_have(300));
	KUNIT_EXPECT_FALSE(test, redist_tables_have(255));

	/* For as many as fit into each of them */
	its_test_donate(test, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, redist_tables_add(SZ_2K, &missing), -ERANGE);
	KUNIT_EXPECT_EQ(test, redist_tables_add(SZ_4K, &missing), -ERANGE);
	KUNIT_EXPECT_EQ(test, missing, 0);

	for (unsigned int i = 0; i < 2; i++) {
		__le64 entry = vpe_tables[i].base[1];

		KUNIT_EXPECT_NE(test, le64_to_cpu(entry), 0);
		vpe_tables[i].base[1] = 0;
		KUNIT_EXPECT_FALSE(test, redist_tables_have(300));
		vpe_tables[i].base[1] = entry;
	}
}

static void redist_test_stat(struct kunit *test)
{
	make_redists(test, R4_0);
	KUNIT_EXPECT_EQ(test, host_write(0, GICR_WAKER, 2, 4), PKVM_MMIO_OK);
	KUNIT_EXPECT_EQ(test, host_write(1, GICR_SYNCR, 0, 4), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, host_write(NO_LPIS, GICR_CTLR, 1, 4), PKVM_MMIO_IGNORED);
	KUNIT_EXPECT_EQ(test, load_v4_0(1, VPT_FREE, VCONF), PKVM_MMIO_OK);

	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_COUNT), 3);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_TAKEN), 2);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_WRITES), 5);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_IGNORED), 2);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_RESIDENT), 1);
	KUNIT_EXPECT_EQ(test, redist_stat(PKVM_REDIST_NR_STATS), 0);
	KUNIT_EXPECT_EQ(test, redist_stat(U32_MAX), 0);
}

static struct kunit_case redist_test_cases[] = {
	KUNIT_CASE_PARAM(redist_test_write, redist_gen_params),
	KUNIT_CASE(redist_test_no_row),
	KUNIT_CASE(redist_test_without_lpis),
	KUNIT_CASE_PARAM(redist_test_load_v4_0, load_gen_params),
	KUNIT_CASE(redist_test_resident_elsewhere),
	KUNIT_CASE(redist_test_another_vpe),
	KUNIT_CASE(redist_test_unbind_resident),
	KUNIT_CASE(redist_test_unbind_idle),
	KUNIT_CASE(redist_test_release_by_load),
	KUNIT_CASE(redist_test_forward),
	KUNIT_CASE(redist_test_forget_vconf),
	KUNIT_CASE(redist_test_powered_down),
	KUNIT_CASE(redist_test_power_down_releases),
	KUNIT_CASE(redist_test_power_lost),
	KUNIT_CASE(redist_test_find),
	KUNIT_CASE(redist_test_other_cpu),
	KUNIT_CASE(redist_test_resident_lpis),
	KUNIT_CASE(redist_test_unmap_resident_v4_0),
	KUNIT_CASE(redist_test_unmap_resident_v4_1),
	KUNIT_CASE(redist_test_load_unmapping),
	KUNIT_CASE(redist_test_vpe_table),
	KUNIT_CASE(redist_test_protect),
	KUNIT_CASE(redist_test_has_inv),
	KUNIT_CASE(redist_test_protect_fails),
	KUNIT_CASE(redist_test_protect_resident),
	KUNIT_CASE(redist_test_any_lpi),
	KUNIT_CASE(redist_test_take_over),
	KUNIT_CASE(redist_test_take_over_what),
	KUNIT_CASE(redist_test_take_over_refused),
	KUNIT_CASE(redist_test_take_over_changed),
	KUNIT_CASE(redist_test_second_config),
	KUNIT_CASE(redist_test_take_over_again),
	KUNIT_CASE(redist_test_take_vpe_table),
	KUNIT_CASE(redist_test_too_many_vpe_tables),
	KUNIT_CASE(redist_test_not_taken),
	KUNIT_CASE(redist_test_tables),
	KUNIT_CASE(redist_test_stat),
	{}
};

static int redist_test_init(struct kunit *test)
{
	if (ARRAY_SIZE(redists) < NR_REDISTS)
		kunit_skip(test, "needs three redistributors: NR_CPUS is too small");

	return its_test_init(test);
}

static struct kunit_suite redist_test_suite = {
	.name = "its-redist",
	.init = redist_test_init,
	.test_cases = redist_test_cases,
};

kunit_test_suites(&mmio_test_suite, &memory_test_suite, &command_test_suite,
		  &redist_test_suite);
