// SPDX-License-Identifier: GPL-2.0-only
/*
 * The GIC Interrupt Translation Service, as the host gets to see it.
 *
 * The ITS masters memory without an SMMU in front of it, at the addresses that
 * it finds in its registers, its tables and its commands. So all of these belong to
 * EL2: the host reads the control frame freely (no register has a side effect on
 * reads) and EL2 performs its writes, if the register table has a row that allows
 * them.
 *
 * The registers that hold addresses and attributes are pinned: they keep the
 * values that the trusted host gave them, and can be written again with these
 * only, as after a loss of power.
 *
 * At the end of boot, EL2 takes the memory over that these registers point to. The
 * ITS goes on reading the queue it always read, the hardware queue, but the host
 * can't write it any more; it writes a proxy queue of the same size. Whenever it
 * moves GITS_CWRITER, EL2 reads each new slot of the proxy queue once, filters the
 * command, and puts what it made of it in the same slot of the hardware queue. With
 * the slots the same, GITS_CREADR needs no emulation; and EL2 never waits for it.
 */

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/io.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/wordpart.h>

#include <asm/barrier.h>
#include <asm/kvm_hyp.h>
#include <asm/kvm_hypevents.h>
#include <asm/kvm_mmu.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/memory.h>
#include <nvhe/mmio.h>
#include <nvhe/redist.h>
#include <nvhe/spinlock.h>

/* The frame that holds the registers; GITS_TRANSLATER is in the next one. */
#define ITS_CONTROL_FRAME_SIZE	SZ_64K

#define ITS_CWRITER_RETRY	BIT_ULL(0)
#define ITS_CREADR_STALLED	BIT_ULL(0)
#define ITS_QUEUE_OFFSET	GENMASK_ULL(19, 5)

#define ITS_CBASER_SIZE(cbaser)	((((cbaser) & GENMASK_ULL(7, 0)) + 1) * SZ_4K)

#define ITS_TYPER_CCT		BIT_ULL(2)
#define ITS_TYPER_CIDBITS	GENMASK_ULL(35, 32)
#define ITS_TYPER_CIL		BIT_ULL(36)

#define ITS_LEVEL1_ADDRESS	GENMASK_ULL(51, 12)

static struct its its_nodes[PKVM_MMIO_MAX_ITSS];
static unsigned int its_nr_nodes;
static unsigned int its_nr_closed;

/* All ITSs that the host drives are taken over; written once, before any VM */
static bool its_sealed;

/* No more take-overs, whether or not all went well */
static bool its_setup_closed;

/* Guards the above, and a take-over: one step at a time, one ITS at a time */
static DEFINE_HYP_SPINLOCK(its_setup_lock);
static struct its *its_in_setup;

/*
 * Relaxed accesses do throughout: the barrier that the host issued before its
 * store orders those of EL2 on the same CPU just as well, accesses to one device
 * stay in order, and the lock orders those of several CPUs.
 */
static u32 its_read_ctlr(const struct its *its)
{
	return readl_relaxed(its->frame + GITS_CTLR);
}

static u64 its_read_cbaser(const struct its *its)
{
	return readq_relaxed(its->frame + GITS_CBASER);
}

static u64 its_read_baser(const struct its *its, unsigned int n)
{
	return readq_relaxed(its->frame + GITS_BASER + n * sizeof(u64));
}

/* Writing GITS_CBASER or GITS_BASER<n> is UNPREDICTABLE otherwise. */
static bool its_is_quiescent(const struct its *its)
{
	u32 ctlr = its_read_ctlr(its);

	return !(ctlr & GITS_CTLR_ENABLE) && (ctlr & GITS_CTLR_QUIESCENT);
}

/*
 * An offset beyond the queue is CONSTRAINED UNPREDICTABLE: the queue becomes
 * invalid, or the offset another one.
 */
static bool its_cwriter_is_valid(const struct its *its, u64 cwriter)
{
	if (cwriter & ~(ITS_QUEUE_OFFSET | ITS_CWRITER_RETRY))
		return false;

	return (cwriter & ITS_QUEUE_OFFSET) < its->size;
}

/*
 * The ITS would work on the memory it is meant to work on, from an offset in
 * its queue: all of it may have been lost with the power.
 */
static bool its_is_configured(const struct its *its)
{
	if (!(its->cbaser & GITS_CBASER_VALID))
		return false;
	if (its_read_cbaser(its) != its->cbaser)
		return false;
	if (!its_cwriter_is_valid(its, readq_relaxed(its->frame + GITS_CWRITER)))
		return false;

	for (unsigned int n = 0; n < GITS_BASER_NR_REGS; n++) {
		u64 baser = its_read_baser(its, n);

		/* Nobody restores a register that is not in use. */
		if (!((baser | its->baser[n]) & GITS_BASER_VALID))
			continue;
		if (baser != its->baser[n])
			return false;
	}

	return true;
}

/* Where @offset is in the queue, seen from @from. */
static u64 its_distance(const struct its *its, u64 from, u64 offset)
{
	return offset >= from ? offset - from : offset + its->size - from;
}

static u64 its_next_slot(const struct its *its, u64 offset)
{
	offset += ITS_SLOT_SIZE;

	return offset == its->size ? 0 : offset;
}

static struct its_note *its_note(const struct its *its, u64 offset)
{
	return &its->notes[offset / ITS_SLOT_SIZE];
}

/* Each doubleword is read once, whoever may be changing it. */
static struct its_cmd its_read_slot(const __le64 *queue, u64 offset)
{
	const __le64 *slot = (const void *)queue + offset;

	return (struct its_cmd){ {
		le64_to_cpu(READ_ONCE(slot[0])),
		le64_to_cpu(READ_ONCE(slot[1])),
		le64_to_cpu(READ_ONCE(slot[2])),
		le64_to_cpu(READ_ONCE(slot[3])),
	} };
}

/*
 * Write a slot of the hardware queue. The ITS sees it once its_publish_slots() has
 * returned.
 */
static void its_write_slot(struct its *its, u64 offset, const struct its_cmd *cmd)
{
	__le64 *slot = (void *)its->queue + offset;

	for (unsigned int i = 0; i < ARRAY_SIZE(cmd->dw); i++)
		WRITE_ONCE(slot[i], cpu_to_le64(cmd->dw[i]));

	if (its->flush)
		kvm_flush_dcache_to_poc(slot, ITS_SLOT_SIZE);
}

/*
 * Order the slots before the write of GITS_CWRITER that makes the ITS read them. Cache
 * maintenance has ended in a DSB of its own.
 */
static void its_publish_slots(const struct its *its)
{
	if (!its->flush)
		dsb(ishst);
}

/*
 * The ITS is the one that EL2 knows, and what it says of its progress can be
 * believed: GITS_CREADR starts again from 0 after a loss of power.
 */
static bool its_is_live(const struct its *its)
{
	return (its_read_ctlr(its) & GITS_CTLR_ENABLE) && its_read_cbaser(its) == its->cbaser;
}

/* The ITS has consumed the slots up to @end. */
static void its_retire_slots(struct its *its, u64 end)
{
	for (u64 offset = its->read; its->nr_notes && offset != end;
	     offset = its_next_slot(its, offset)) {
		struct its_note *note = its_note(its, offset);

		if (note->what) {
			its_retire(its, note);
			note->what = ITS_NOTE_NONE;
			its->nr_notes--;
		}
	}
}

/* From where the ITS was when EL2 last looked to @offset, all has been submitted. */
static bool its_was_submitted(const struct its *its, u64 offset)
{
	return offset < its->size && its_distance(its, its->read, offset) <=
				     its_distance(its, its->read, its->write);
}

/*
 * Note how far the ITS has come and release what it is done with. GITS_CREADR is
 * read once; a value outside of what was submitted is no progress, and neither is
 * that of an ITS that is not at work: it has lost its state. To find out takes more
 * reads of its registers, so that is left for when there is something to release.
 * Where @its->enabled is wrong, the ITS is never enabled again.
 *
 * Return: the queue is stalled, at @its->read.
 */
static bool its_collect(struct its *its)
{
	u64 creadr = readq_relaxed(its->frame + GITS_CREADR);
	u64 offset = creadr & ITS_QUEUE_OFFSET;

	if (offset != its->read) {
		if (offset != its->write && !its_was_submitted(its, offset))
			return false;
		if (!its->enabled || (its->nr_notes && !its_is_live(its)))
			return false;
		if (its->nr_notes)
			its_retire_slots(its, offset);
		its->read = offset;
	}

	return (creadr & ITS_CREADR_STALLED) && its->read != its->write;
}

/*
 * Replace the command that the ITS stumbled over, as the driver would wait for it
 * for ever. What it was to release is not released: who knows what became of it.
 */
static void its_skip_stalled(struct its *its)
{
	struct its_cmd cmd = its_read_slot(its->queue, its->read);
	struct its_note *note = its_note(its, its->read);

	its_give_up(its, &cmd);

	if (note->what) {
		note->what = ITS_NOTE_NONE;
		its->nr_notes--;
	}

	its_build_sync(its, &cmd);
	its_write_slot(its, its->read, &cmd);
	its->stats[PKVM_ITS_STALLS]++;
}

static void its_submit_slot(struct its *its, u64 offset)
{
	/* The host may change it at any time: this is the only look at it */
	struct its_cmd cmd = its_read_slot(its->proxy, offset);
	enum pkvm_its_verdict verdict;
	struct its_note note = {};
	u8 opcode = cmd.dw[0];

	verdict = its_filter(its, &cmd, &note);
	if (verdict != ITS_ACCEPTED) {
		its_build_sync(its, &cmd);
		its->stats[PKVM_ITS_REJECTED]++;
		its->stats[PKVM_ITS_LAST_VERDICT] = verdict;
	}
	trace_its_command(its->base, offset, opcode, verdict);

	if (note.what) {
		*its_note(its, offset) = note;
		its->nr_notes++;
	}

	its_write_slot(its, offset, &cmd);
}

/*
 * Let the ITS have what the host has put in the proxy queue up to @end, an offset
 * in it. GITS_CWRITER may not come to where the ITS reads: the slots up to there
 * are still in use.
 */
static enum pkvm_mmio_result its_submit(struct its *its, u64 end)
{
	enum pkvm_mmio_result res = PKVM_MMIO_OK;
	u64 offset, retry = 0;

	its->stats[PKVM_ITS_WRITES]++;
	if (its_collect(its)) {
		its_skip_stalled(its);
		retry = ITS_CWRITER_RETRY;
	}

	offset = its->write;
	if (its_distance(its, its->read, offset) + its_distance(its, offset, end) >= its->size) {
		res = PKVM_MMIO_IGNORED;
		end = offset;
	}

	its->stats[PKVM_ITS_COMMANDS] += its_distance(its, offset, end) / ITS_SLOT_SIZE;
	for (; offset != end; offset = its_next_slot(its, offset))
		its_submit_slot(its, offset);
	its->write = end;

	its_publish_slots(its);
	writeq_relaxed(end | retry, its->frame + GITS_CWRITER);

	return res;
}

/* The ITS would carry out what EL2 has submitted and it has not, and no more. */
static bool its_queue_agrees(const struct its *its)
{
	u64 cwriter = readq_relaxed(its->frame + GITS_CWRITER) & ITS_QUEUE_OFFSET;
	u64 creadr = readq_relaxed(its->frame + GITS_CREADR) & ITS_QUEUE_OFFSET;

	return cwriter == its->write && creadr == its->read;
}

static void its_set_lost(struct its *its)
{
	its->lost = true;
	trace_its_state(its->base, PKVM_ITS_LOST);
}

/*
 * Start the queue again, from offset 0, with nothing in it that could do harm if
 * it were carried out once more: firmware may restore GITS_CWRITER to what it was
 * before a loss of power.
 *
 * The ITS is disabled and quiescent, and a driver has seen it consume all commands
 * before. If it has not, or if it lost its caches before it had written them back,
 * the records of EL2 don't tell what it would do next: it stays disabled. That it is
 * somewhere else in its queue, or has another queue, tells of a loss of power.
 */
static void its_restart_queue(struct its *its)
{
	struct its_cmd cmd;

	if (its->read != its->write ||
	    (!its->quiesced && (its_read_cbaser(its) != its->cbaser || !its_queue_agrees(its))))
		its_set_lost(its);

	its_build_sync(its, &cmd);
	for (u64 offset = 0; offset < its->size; offset += ITS_SLOT_SIZE)
		its_write_slot(its, offset, &cmd);
	its->write = 0;
	its->read = 0;
	its->stats[PKVM_ITS_RESTARTS]++;

	its_publish_slots(its);
	/* Makes GITS_CREADR 0 */
	writeq_relaxed(its->cbaser, its->frame + GITS_CBASER);
	writeq_relaxed(0, its->frame + GITS_CWRITER);
}

static bool its_is_taken(const struct its *its)
{
	/* Pairs with its_take_over(): the rest of @its is there if the state says so */
	return smp_load_acquire(&its->state) == PKVM_ITS_TAKEN;
}

static enum pkvm_mmio_result its_write_ctlr(struct its *its,
					    const struct pkvm_mmio_write *write)
{
	u32 ctlr = its->ctlr | (write->value & its->ctlr_host);
	bool was_enabled = its_read_ctlr(its) & GITS_CTLR_ENABLE;

	if (its_is_taken(its)) {
		/* Nobody but EL2 disables it */
		if (its->enabled && !was_enabled)
			its_set_lost(its);
		if (was_enabled)
			its_collect(its);
	}

	if ((ctlr & GITS_CTLR_ENABLE) && !was_enabled) {
		if (!its_is_quiescent(its) || !its_is_configured(its))
			return PKVM_MMIO_IGNORED;
		if (its_is_taken(its) && !its_queue_agrees(its))
			its_restart_queue(its);
		if (its->lost)
			return PKVM_MMIO_IGNORED;
		its->quiesced = false;
	}

	its->enabled = ctlr & GITS_CTLR_ENABLE;
	writel_relaxed(ctlr, its->frame + GITS_CTLR);

	return PKVM_MMIO_OK;
}

/* The pinned value, or a half of it, restores the whole of the register. */
static enum pkvm_mmio_result its_write_pinned(struct its *its, u64 pinned,
					      void __iomem *reg,
					      const struct pkvm_mmio_write *write)
{
	if (!pkvm_mmio_is_pinned(write, pinned) || !its_is_quiescent(its))
		return PKVM_MMIO_IGNORED;

	if (its_is_taken(its) && reg == its->frame + GITS_CBASER)
		its_restart_queue(its);
	else
		writeq_relaxed(pinned, reg);

	return PKVM_MMIO_OK;
}

static enum pkvm_mmio_result its_write_cbaser(struct its *its,
					      const struct pkvm_mmio_write *write)
{
	return its_write_pinned(its, its->cbaser, its->frame + GITS_CBASER, write);
}

static enum pkvm_mmio_result its_write_baser(struct its *its,
					     const struct pkvm_mmio_write *write)
{
	unsigned int n = (write->offset - GITS_BASER) / sizeof(u64);
	void __iomem *reg = its->frame + GITS_BASER + n * sizeof(u64);

	return its_write_pinned(its, its->baser[n], reg, write);
}

/* Nothing but RES0 is in the upper half. */
static enum pkvm_mmio_result its_write_cwriter(struct its *its,
					       const struct pkvm_mmio_write *write)
{
	if (write->offset != GITS_CWRITER || !its_cwriter_is_valid(its, write->value))
		return PKVM_MMIO_IGNORED;

	/* Without Retry: a stalled queue is EL2's to deal with */
	if (its_is_taken(its))
		return its_submit(its, write->value & ITS_QUEUE_OFFSET);

	writeq_relaxed(write->value, its->frame + GITS_CWRITER);

	return PKVM_MMIO_OK;
}

/**
 * struct its_reg - a register, or an array of them, that the host may write
 * @offset:	into the control frame, in bytes
 * @size:	of each register, in bytes; a 64-bit one may be written by halves
 * @nr:		how many of them there are
 * @write:	called with the lock of the ITS held
 */
struct its_reg {
	u16			offset;
	u8			size;
	u8			nr;
	enum pkvm_mmio_result	(*write)(struct its *its, const struct pkvm_mmio_write *write);
};

/*
 * No row, no write: a reserved or IMPLEMENTATION DEFINED register may do
 * anything, up to an external abort that EL2 would not survive. The one that is
 * written all the time comes first.
 */
static const struct its_reg its_regs[] = {
	{ GITS_CWRITER,	sizeof(u64),	1,			its_write_cwriter },
	{ GITS_CTLR,	sizeof(u32),	1,			its_write_ctlr },
	{ GITS_CBASER,	sizeof(u64),	1,			its_write_cbaser },
	{ GITS_BASER,	sizeof(u64),	GITS_BASER_NR_REGS,	its_write_baser },
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

/* A write of the host to the control frame, see pkvm_mmio_write_fn. */
static enum pkvm_mmio_result its_write(const struct pkvm_mmio_range *range,
				       const struct pkvm_mmio_write *write)
{
	const struct its_reg *reg = its_find_reg(write->offset);
	struct its *its = range->data;
	enum pkvm_mmio_result res = PKVM_MMIO_IGNORED;

	hyp_spin_lock(&its->lock);
	if (reg && write->size <= reg->size)
		res = reg->write(its, write);
	if (res != PKVM_MMIO_OK)
		its->stats[PKVM_ITS_IGNORED]++;
	hyp_spin_unlock(&its->lock);

	return res;
}

/*
 * Keep what the driver made of the registers. An ITS that it did not enable, as
 * setting it up failed, or that firmware left in whatever state, stays as it is.
 */
static void its_pin(struct its *its)
{
	u32 ctlr = its_read_ctlr(its);

	its->typer = readq_relaxed(its->frame + GITS_TYPER);
	its->ctlr_host = GITS_CTLR_ENABLE | (ctlr & GITS_CTLR_ImDe);
	its->ctlr = ctlr & ~(its->ctlr_host | GITS_CTLR_QUIESCENT);
	if (ctlr & GITS_CTLR_ENABLE)
		its->cbaser = readq_relaxed(its->frame + GITS_CBASER);
	its->size = ITS_CBASER_SIZE(its->cbaser);
	for (unsigned int n = 0; n < GITS_BASER_NR_REGS; n++)
		its->baser[n] = its_read_baser(its, n);
}

/**
 * its_protect() - Take the control frame of an ITS away from the host
 * @base:	physical address of the control frame
 * @closed:	nobody drives this ITS: the host loses all access
 *
 * Called by the trusted host, once its driver has set up the ITS: the values
 * that the registers have now are those they keep.
 *
 * Return: see pkvm_protect_mmio().
 */
int its_protect(phys_addr_t base, bool closed)
{
	struct its *its;
	int ret;

	/* Redistributors have a claim to the rest of the registry */
	if (its_nr_nodes + its_nr_closed == ARRAY_SIZE(its_nodes))
		return -ENOSPC;

	if (closed) {
		ret = pkvm_protect_mmio(base, ITS_CONTROL_FRAME_SIZE, NULL, NULL);
		if (!ret)
			its_nr_closed++;

		return ret;
	}

	its = &its_nodes[its_nr_nodes];
	its->nr = its_nr_nodes;
	its->base = base;
	hyp_spin_lock_init(&its->lock);
	ret = pkvm_protect_mmio(base, ITS_CONTROL_FRAME_SIZE, its_write, its);
	if (ret)
		return ret;

	its_nr_nodes++;
	its->frame = pkvm_mmio_find(base, NULL, NULL)->va;
	its_pin(its);

	return 0;
}

/*
 * The ITS whose control frame starts at @base, in @state; NULL if there is none. It
 * is closed, or of no interest, if nobody had enabled it when it was protected.
 */
static struct its *its_get(phys_addr_t base, enum pkvm_its_state state)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(base, NULL, NULL);
	struct its *its;

	if (!range || range->base != base || range->write != its_write)
		return NULL;

	its = range->data;

	/* Pairs with its_take_over() */
	return smp_load_acquire(&its->state) == state && its->cbaser ? its : NULL;
}

/* Likewise, but only while it is being taken over. The caller holds its_setup_lock. */
static struct its *its_get_prepared(phys_addr_t base)
{
	return its_setup_closed ? NULL : its_get(base, PKVM_ITS_PREPARED);
}

/* The numbers that commands give to a set of ITSs, as a bitmap. */
u16 its_list(u64 its_mask)
{
	u16 list = 0;

	for (; its_mask; its_mask &= its_mask - 1) {
		const struct its *its = &its_nodes[__ffs(its_mask)];

		list |= BIT(FIELD_GET(GITS_CTLR_ITS_NUMBER, its->ctlr));
	}

	return list;
}

/* As the registers have it, GITS_BASER<n> and GICR_VPROPBASER alike. */
static u32 its_page_size(u64 field)
{
	static const u32 page_sizes[] = { SZ_4K, SZ_16K, SZ_64K, SZ_64K };

	return page_sizes[field & GIC_PAGE_SIZE_MASK];
}

/**
 * its_take_table() - Take a table, and what level-2 pages it has, over in place
 * @table:	zeroed; filled in, if only in part upon an error
 * @info:	what a register says of it
 * @missing:	see its_arena_alloc()
 *
 * Return: 0 or an error; what has been taken is for its_give_back_pages().
 */
int its_take_table(struct its_table *table, const struct its_table_info *info, u64 *missing)
{
	u32 page_size = its_page_size(info->page_size);
	u32 ids_per_page = page_size / info->entry_size;
	u64 size = (u64)info->nr_pages * page_size;
	const __le64 *entries;
	int ret;

	if (!IS_ALIGNED(info->base, page_size))
		return -EINVAL;

	ret = its_take_pages(info->base, size, missing);
	if (ret)
		return ret;

	table->base = hyp_phys_to_virt(info->base);
	table->page_size = page_size;
	table->indirect = info->indirect;
	if (!table->indirect) {
		table->nr_ids = info->nr_pages * ids_per_page;
		return 0;
	}

	/* The driver and the ITS must agree on how an ID is split */
	if (!is_power_of_2(ids_per_page))
		return -EINVAL;
	table->ids_per_page = ilog2(ids_per_page);
	table->nr_ids = size / GITS_LVL1_ENTRY_SIZE << table->ids_per_page;

	entries = table->base;
	for (u64 i = 0; i < size / GITS_LVL1_ENTRY_SIZE; i++) {
		u64 entry = le64_to_cpu(READ_ONCE(entries[i]));
		phys_addr_t pa = entry & ITS_LEVEL1_ADDRESS;

		if (!(entry & GITS_BASER_VALID))
			continue;
		if (!IS_ALIGNED(pa, page_size))
			return -EINVAL;
		ret = its_take_pages(pa, page_size, missing);
		if (ret)
			return ret;
	}

	return 0;
}

static int its_take_baser(struct its_table *table, u64 baser, u64 *missing)
{
	struct its_table_info info = {
		.base		= baser & GENMASK_ULL(47, 12),
		.page_size	= baser >> GITS_BASER_PAGE_SIZE_SHIFT,
		.nr_pages	= GITS_BASER_NR_PAGES(baser),
		.entry_size	= GITS_BASER_ENTRY_SIZE(baser),
		.indirect	= baser & GITS_BASER_INDIRECT,
	};

	if (its_page_size(info.page_size) == SZ_64K)
		info.base = GITS_BASER_ADDR_48_to_52(baser);

	return its_take_table(table, &info, missing);
}

static int its_take_tables(struct its *its, const struct pkvm_its_quirks *quirks,
			   u64 *missing)
{
	struct its_table collections = {};
	u64 hcc = GITS_TYPER_HCC(its->typer);
	u64 nr_icids = BIT(16);
	int ret;

	for (unsigned int n = 0; n < GITS_BASER_NR_REGS; n++) {
		struct its_table *table;

		if (!(its->baser[n] & GITS_BASER_VALID))
			continue;

		switch (GITS_BASER_TYPE(its->baser[n])) {
		case GITS_BASER_TYPE_DEVICE:
			table = &its->device_table;
			break;
		case GITS_BASER_TYPE_VCPU:
			table = &its->vpe_table;
			break;
		case GITS_BASER_TYPE_COLLECTION:
			table = &collections;
			break;
		default:
			/* Nothing is known of what the ITS does with it */
			return -EOPNOTSUPP;
		}

		if (table->base)
			return -EINVAL;
		ret = its_take_baser(table, its->baser[n], missing);
		if (ret)
			return ret;
	}

	/* Without a table, the ITS has room for all that it can count */
	its->nr_device_ids = BIT_ULL(quirks->device_bits);
	if (!its->device_table.base)
		its->device_table.nr_ids = its->nr_device_ids;
	its->nr_device_ids = min(its->nr_device_ids, its->device_table.nr_ids);

	/* Two levels of collections: no driver has them, and nobody would fill them */
	if (collections.indirect)
		return -EOPNOTSUPP;
	if (its->typer & ITS_TYPER_CIL)
		nr_icids = BIT(FIELD_GET(ITS_TYPER_CIDBITS, its->typer) + 1);
	if (!collections.base || (its->typer & ITS_TYPER_CCT))
		collections.nr_ids += hcc;
	its->nr_collections = min3(nr_icids, collections.nr_ids, (u64)ITS_MAX_ICIDS);

	return 0;
}

static u64 its_notes_size(const struct its *its)
{
	return its->size / ITS_SLOT_SIZE * sizeof(struct its_note);
}

static u64 its_collections_size(void)
{
	return ITS_MAX_ICIDS * sizeof_field(struct its, collections[0]);
}

/* Undo all that was done for an ITS that is not taken over, in reverse. */
static void its_undo(struct its *its)
{
	while (its->handed_over) {
		struct its_device_record *device = its->handed_over;

		its->handed_over = device->next;
		its_forget_events(device);
		its_free_device(its, device);
		*device = (struct its_device_record){};
	}

	if (its->collections)
		its_arena_free(its->collections, its_collections_size());
	if (its->notes)
		its_arena_free(its->notes, its_notes_size(its));
	its->collections = NULL;
	its->notes = NULL;

	its_give_back_pages(its->nr_taken);
	its->stats[PKVM_ITS_TABLE_BYTES] = 0;
	its->stats[PKVM_ITS_ITT_BYTES] = 0;
	its->device_table = (struct its_table){};
	its->vpe_table = (struct its_table){};
	WRITE_ONCE(its->state, PKVM_ITS_FORWARD);
}

/**
 * its_add_redistributor() - Tell EL2 of a redistributor that commands may name
 * @base:	physical address of its frames
 * @processor:	GICR_TYPER.Processor_Number
 *
 * Called by the trusted host.
 *
 * Return: 0 or an error: nothing has changed.
 */
int its_add_redistributor(phys_addr_t base, u32 processor)
{
	int ret = -EPERM;

	hyp_spin_lock(&its_setup_lock);
	if (!its_setup_closed)
		ret = its_add_rdbase(base, processor);
	hyp_spin_unlock(&its_setup_lock);

	return ret;
}

/*
 * What a hypercall returns: 0, an error, or how many bytes the host has to donate
 * to the arena, in one piece, before it tries again.
 */
static s64 its_result(int ret, u64 missing)
{
	return missing ?: ret;
}

/**
 * its_take_redistributor() - Take the tables of a redistributor over
 * @base:	physical address of RD_base
 *
 * Called by the trusted host, after the first take-over of an ITS, and not during one.
 *
 * Return: 0, or see its_result() and redist_take_over().
 */
s64 its_take_redistributor(phys_addr_t base)
{
	u64 missing = 0;
	int ret = -EPERM;

	hyp_spin_lock(&its_setup_lock);
	if (its_in_setup)
		ret = -EBUSY;
	else if (!its_setup_closed)
		ret = redist_take_over(base, &missing);
	hyp_spin_unlock(&its_setup_lock);

	return its_result(ret, missing);
}

static int its_do_prepare(struct its *its, const struct pkvm_its_quirks *quirks, u64 *missing)
{
	int ret;

	*missing = 0;
	if (!its_is_live(its))
		return -ENXIO;
	for (unsigned int n = 0; n < GITS_BASER_NR_REGS; n++)
		if (its_read_baser(its, n) != its->baser[n])
			return -ENXIO;

	if (quirks->itt_entry_size > SZ_256 || quirks->itt_entry_size <
	    FIELD_GET(GITS_TYPER_ITT_ENTRY_SIZE, its->typer) + 1)
		return -EINVAL;
	if (!quirks->device_bits || quirks->device_bits > 32)
		return -EINVAL;
	ret = its_set_id_bits(quirks->lpi_bits, quirks->vpe_bits);
	if (ret)
		return ret;

	if (quirks->flags & PKVM_ITS_DMA32)
		its_arena_set_limit(SZ_4G);

	its->itt_entry_size = quirks->itt_entry_size;
	its->vlpi_rd_offset = quirks->vlpi_rd_offset;
	its->flush = (quirks->flags & PKVM_ITS_NON_COHERENT) ||
		     (its->cbaser & GITS_CBASER_SHAREABILITY_MASK) != GITS_CBASER_InnerShareable;

	/* What may be missing comes first: taking tables twice costs more */
	its->notes = its_arena_alloc(its_notes_size(its), missing);
	if (!its->notes)
		return -ENOMEM;
	its->collections = its_arena_alloc(its_collections_size(), missing);
	if (!its->collections)
		return -ENOMEM;

	ret = its_take_tables(its, quirks, missing);
	if (ret)
		return ret;
	its->vpe_table.nr_ids = min(its->vpe_table.nr_ids, BIT_ULL(quirks->vpe_bits));

	return 0;
}

/**
 * its_prepare() - Begin to take an ITS over
 * @base:	physical address of its control frame
 * @quirks:	what the trusted host knows better than the registers
 *
 * Takes the tables in place; where they are, EL2 reads from the ITS itself. The
 * queue remains the driver's until its_take_over().
 *
 * Called by the trusted host, with no lock held but the one that keeps the driver
 * from mapping devices. One ITS at a time.
 *
 * Return: 0, or see its_result(): nothing has changed.
 */
s64 its_prepare(phys_addr_t base, const struct pkvm_its_quirks *quirks)
{
	struct its *its;
	u64 missing = 0, before;
	int ret;

	hyp_spin_lock(&its_setup_lock);
	ret = -EPERM;
	if (its_setup_closed)
		goto unlock;
	ret = -EBUSY;
	if (its_in_setup)
		goto unlock;
	ret = -ENODEV;
	its = its_get(base, PKVM_ITS_FORWARD);
	if (!its)
		goto unlock;

	its->nr_taken = its_nr_taken();
	before = its_taken_bytes();
	ret = its_do_prepare(its, quirks, &missing);
	if (ret) {
		its_undo(its);
	} else {
		its_in_setup = its;
		its->stats[PKVM_ITS_TABLE_BYTES] = its_taken_bytes() - before;
		WRITE_ONCE(its->state, PKVM_ITS_PREPARED);
	}
unlock:
	hyp_spin_unlock(&its_setup_lock);

	return its_result(ret, missing);
}

static int its_do_hand_over_device(struct its *its, u32 device_id, phys_addr_t itt,
				   u32 event_bits, u64 *missing)
{
	struct its_device_record *device;
	u32 *events;
	u64 before;
	int ret;

	if (!event_bits || event_bits > FIELD_GET(GITS_TYPER_IDBITS, its->typer) + 1 ||
	    device_id >= its->nr_device_ids || !its_table_has(&its->device_table, device_id) ||
	    !IS_ALIGNED(itt, SZ_256))
		return -EINVAL;

	device = its_make_device(its, device_id, missing);
	if (!device)
		return -ENOMEM;
	if (device->state != ITS_DEVICE_NONE)
		return -EEXIST;

	events = its_arena_alloc(its_events_size(event_bits), missing);
	if (!events)
		return -ENOMEM;

	before = its_taken_bytes();
	ret = its_take_pages(itt, its_itt_size(its, event_bits), missing);
	if (ret) {
		its_arena_free(events, its_events_size(event_bits));
		return ret;
	}

	*device = (struct its_device_record){
		.events		= events,
		.next		= its->handed_over,
		.itt		= itt,
		.event_bits	= event_bits,
		.state		= ITS_DEVICE_MAPPED,
		.in_place	= true,
	};
	its->handed_over = device;
	its->stats[PKVM_ITS_ITT_BYTES] += its_taken_bytes() - before;

	return 0;
}

/**
 * its_hand_over_device() - Tell EL2 of a device that is mapped already
 * @base:	physical address of the control frame, see its_prepare()
 * @device_id:	DeviceID
 * @itt:	physical address of its ITT, which is taken in place
 * @event_bits:	log2 of the number of entries of the ITT
 *
 * Return: 0, or see its_result(): nothing has changed.
 */
s64 its_hand_over_device(phys_addr_t base, u32 device_id, phys_addr_t itt, u32 event_bits)
{
	struct its *its;
	u64 missing = 0;
	int ret;

	hyp_spin_lock(&its_setup_lock);
	its = its_get_prepared(base);
	ret = its ? its_do_hand_over_device(its, device_id, itt, event_bits, &missing) : -ENODEV;
	hyp_spin_unlock(&its_setup_lock);

	return its_result(ret, missing);
}

/**
 * its_hand_over_events() - Tell EL2 of events of a device that are mapped already
 * @base:	physical address of the control frame, see its_prepare()
 * @device_id:	of a device that has been handed over
 * @first:	an EventID
 * @intid:	INTID that it is mapped to, if it is; the next one has the next INTID
 * @mask:	which of the 64 events from @first on are mapped
 *
 * Called in the same critical section of the driver as its_take_over().
 *
 * Return: 0 or an error, upon which its_abort() has to follow.
 */
int its_hand_over_events(phys_addr_t base, u32 device_id, u32 first, u32 intid, u64 mask)
{
	struct its_device_record *device;
	struct its *its;
	int ret = 0;

	hyp_spin_lock(&its_setup_lock);
	its = its_get_prepared(base);
	device = its ? its_find_device(its, device_id) : NULL;
	if (!device || device->state != ITS_DEVICE_MAPPED || first > U32_MAX - 64)
		ret = -EINVAL;

	for (; mask && !ret; mask &= mask - 1)
		if (its_map_event(device, first + __ffs(mask), intid + __ffs(mask)))
			ret = -EINVAL;
	hyp_spin_unlock(&its_setup_lock);

	return ret;
}

/**
 * its_hand_over_collection() - Tell EL2 of a collection that is mapped already
 * @base:	physical address of the control frame, see its_prepare()
 * @icid:	ICID
 * @rdbase:	RDbase, as in the command
 *
 * Called in the same critical section of the driver as its_take_over().
 *
 * Return: 0 or an error, upon which its_abort() has to follow.
 */
int its_hand_over_collection(phys_addr_t base, u32 icid, u64 rdbase)
{
	struct its *its;
	int ret;

	hyp_spin_lock(&its_setup_lock);
	its = its_get_prepared(base);
	ret = its && !its_map_collection(its, icid, rdbase) ? 0 : -EINVAL;
	hyp_spin_unlock(&its_setup_lock);

	return ret;
}

/**
 * its_take_over() - From now on, EL2 drives this ITS
 * @base:	physical address of the control frame, see its_prepare()
 * @proxy:	physical address of the proxy queue, shared with EL2
 * @offset:	where the driver is going to write its next command
 *
 * The host has handed over all that was mapped, or is going to be by commands that
 * the ITS hasn't consumed yet; the driver's lock keeps it from adding any until it
 * has switched to the proxy queue. Other CPUs may read the frame all the time.
 *
 * Return: 0 or an error, upon which its_abort() has to follow.
 */
int its_take_over(phys_addr_t base, phys_addr_t proxy, u64 offset)
{
	struct its *its;
	u64 read;
	int ret;

	hyp_spin_lock(&its_setup_lock);
	ret = -ENODEV;
	its = its_get_prepared(base);
	if (!its)
		goto unlock_setup;

	hyp_spin_lock(&its->lock);
	ret = -ENXIO;
	read = readq_relaxed(its->frame + GITS_CREADR) & ITS_QUEUE_OFFSET;
	if (!its_is_live(its) || read >= its->size || !IS_ALIGNED(offset, ITS_SLOT_SIZE) ||
	    offset != (readq_relaxed(its->frame + GITS_CWRITER) & ITS_QUEUE_OFFSET))
		goto unlock;

	ret = pkvm_pin_shared(proxy, its->size, 0);
	if (ret)
		goto unlock;

	/* The last step, so not one to undo */
	ret = __pkvm_host_donate_hyp(PHYS_PFN(GITS_CBASER_ADDRESS(its->cbaser)),
				     PAGE_ALIGN(its->size) >> PAGE_SHIFT);
	if (ret) {
		pkvm_unpin_shared(proxy, its->size);
		goto unlock;
	}

	its->queue = hyp_phys_to_virt(GITS_CBASER_ADDRESS(its->cbaser));
	its->proxy = hyp_phys_to_virt(proxy);
	its->read = read;
	its->write = offset;
	its->enabled = true;
	its->stats[PKVM_ITS_QUEUE_BYTES] = PAGE_ALIGN(its->size);
	its->handed_over = NULL;
	its_in_setup = NULL;
	/* Pairs with its_get() and its_is_taken() */
	smp_store_release(&its->state, PKVM_ITS_TAKEN);
	trace_its_state(base, PKVM_ITS_TAKEN);
unlock:
	hyp_spin_unlock(&its->lock);
unlock_setup:
	hyp_spin_unlock(&its_setup_lock);

	return ret;
}

/**
 * its_abort() - Undo its_prepare() and what followed
 * @base:	physical address of the control frame
 *
 * All pages are the host's again and the driver goes on as before. Does nothing
 * unless the ITS is being taken over.
 */
void its_abort(phys_addr_t base)
{
	struct its *its;

	hyp_spin_lock(&its_setup_lock);
	its = its_get_prepared(base);
	if (its) {
		its_undo(its);
		its_in_setup = NULL;
	}
	hyp_spin_unlock(&its_setup_lock);
}

/**
 * its_seal() - No ITS is taken over any more, and none has to be
 *
 * The first call counts, and ends all set-up. The trusted host makes it, come what
 * may; the host could not be believed any more that it hands over all there is.
 *
 * Return: 0, or the physical address of an ITS that works, or of a redistributor that
 * has tables, and is not taken over, or of none in particular: then there is no seal
 * and there are no protected VMs.
 */
phys_addr_t its_seal(void)
{
	phys_addr_t open = 0;

	hyp_spin_lock(&its_setup_lock);
	if (its_sealed)
		goto unlock;
	/* No protected VMs, so nothing that the driver should have to put up with */
	if (its_setup_closed || !pkvm_mmio_is_sealed())
		open = PHYS_ADDR_MAX;
	for (unsigned int i = 0; i < its_nr_nodes && !open; i++) {
		const struct its *its = &its_nodes[i];

		/* Without a pinned queue it will never be enabled, but it may be at work yet */
		if (!its_is_taken(its) && (its->cbaser || !its_is_quiescent(its)))
			open = its->base;
	}
	if (!open)
		open = redist_not_taken();
	if (!open) {
		WRITE_ONCE(its_sealed, true);
		trace_its_state(0, PKVM_ITS_SEALED);
	}
	its_setup_closed = true;
unlock:
	hyp_spin_unlock(&its_setup_lock);

	return open;
}

bool its_is_sealed(void)
{
	return READ_ONCE(its_sealed);
}

/**
 * its_reserve_device() - Make sure that MAPD of a device finds the memory it needs
 * @base:	physical address of the control frame
 * @device_id:	DeviceID
 * @event_bits:	log2 of the number of entries of the ITT
 *
 * Called without a lock, at any time, by a host that is not trusted. The ITT and the
 * level-2 table are allocated here, and zeroed, and not while the ITS is locked and its
 * queue waits; the records of a group of DeviceIDs are, once.
 *
 * Return: 0, or see its_result(). -EBUSY: the device is mapped, or it is not known
 * yet that the ITS has unmapped it.
 */
s64 its_reserve_device(phys_addr_t base, u32 device_id, u32 event_bits)
{
	struct its *its = its_get(base, PKVM_ITS_TAKEN);
	struct its_device_record *device, unused;
	u64 missing;
	int ret;

	if (!its)
		return -ENODEV;
	if (!event_bits || event_bits > FIELD_GET(GITS_TYPER_IDBITS, its->typer) + 1)
		return -EINVAL;
	if (device_id >= its->nr_device_ids)
		return -ERANGE;

	ret = its_table_add(&its->device_table, device_id, &missing);
	if (ret)
		return its_result(ret, missing);

	ret = its_alloc_device(its, event_bits, &unused, &missing);
	if (ret)
		return its_result(ret, missing);

	hyp_spin_lock(&its->lock);
	its_collect(its);
	device = its_make_device(its, device_id, &missing);
	ret = device ? 0 : -ENOMEM;
	if (device && device->state > ITS_DEVICE_RESERVED)
		ret = -EBUSY;
	/* Reserved before, for another size perhaps: have the old memory freed */
	if (!ret)
		swap(*device, unused);
	hyp_spin_unlock(&its->lock);

	if (unused.state == ITS_DEVICE_RESERVED)
		its_free_device(its, &unused);

	return its_result(ret, missing);
}

/**
 * its_reserve_vpe() - Make sure that VMAPP of a vPE finds the memory it needs
 * @base:	physical address of the control frame
 * @vpe_id:	vPEID
 *
 * Called without a lock, at any time, by a host that is not trusted.
 *
 * Return: 0, or see its_result().
 */
s64 its_reserve_vpe(phys_addr_t base, u32 vpe_id)
{
	struct its *its = its_get(base, PKVM_ITS_TAKEN);
	u64 missing;
	int ret;

	if (!its || !its_is_v4(its))
		return -ENODEV;

	ret = its_table_add(&its->vpe_table, vpe_id, &missing);
	if (!ret)
		ret = redist_tables_add(vpe_id, &missing);
	if (ret)
		return its_result(ret, missing);

	hyp_spin_lock(&its_vpe_lock);
	if (!its_make_vpe(vpe_id, &missing))
		ret = -ENOMEM;
	hyp_spin_unlock(&its_vpe_lock);

	return its_result(ret, missing);
}

/**
 * its_stat() - Read a counter
 * @base:	physical address of the control frame
 * @stat:	enum pkvm_its_stat
 *
 * Return: its value, 0 if there is no such ITS or counter.
 */
u64 its_stat(phys_addr_t base, u32 stat)
{
	const struct pkvm_mmio_range *range = pkvm_mmio_find(base, NULL, NULL);
	const struct its *its;

	if (!range || range->base != base || range->write != its_write ||
	    stat >= PKVM_ITS_NR_STATS)
		return 0;

	its = range->data;
	switch (stat) {
	case PKVM_ITS_STATE:
		return READ_ONCE(its->lost) ? PKVM_ITS_LOST : READ_ONCE(its->state);
	case PKVM_ITS_ARENA_BYTES:
		return its_arena_bytes();
	default:
		return READ_ONCE(its->stats[stat]);
	}
}

/**
 * its_may_lose_power() - Is the system free to suspend?
 *
 * An ITS writes its caches back when it is disabled, and is done when it is
 * quiescent. Were it to lose power earlier, it would find an old state in memory
 * later, and use memory again that EL2 has long given away.
 *
 * Called when the system is to be suspended. If a hostile host has other CPUs running,
 * enabling an ITS meanwhile makes it one that is not quiescent.
 *
 * Return: true if each ITS that has been taken over is quiescent.
 */
bool its_may_lose_power(void)
{
	bool may = true;

	for (unsigned int i = 0; i < its_nr_nodes; i++) {
		struct its *its = &its_nodes[i];

		hyp_spin_lock(&its->lock);
		if (its_is_taken(its)) {
			its->quiesced = its_is_quiescent(its);
			may &= its->quiesced;
		}
		hyp_spin_unlock(&its->lock);
	}

	return may;
}
