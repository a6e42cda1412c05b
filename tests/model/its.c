// SPDX-License-Identifier: GPL-2.0
/*
 * A software ITS after the architecture. It masters memory for all that it does,
 * keeps device entries in a write-back cache, takes its time, and is strict: what the
 * architecture calls an error or UNPREDICTABLE is a violation, as EL2 promises to
 * keep that away from it, unless a fault of its own (hw_fail_next(), a loss of power)
 * has made it forget what EL2 thinks it knows.
 *
 * Entries carry a tag, a hash of what they say, of whose they are and of when they
 * were made: one that somebody else wrote, or that is left from another time, is
 * noticed when it is read.
 */
#include "model.h"

#include <linux/array_size.h>

#include <sys/mman.h>

#define CACHE_SIZE	4
#define MAX_KNOWN	256
#define MAX_VMOVP	1024

#define DTE_SIZE	8
#define CTE_SIZE	8
#define VTE_SIZE	32

struct dte {
	bool	valid;
	u32	bits;
	u64	itt;
};

struct cached {
	bool	used, dirty;
	u32	device;
	u64	word;
};

/* A mapping that has ended, but not yet for good: until a SYNC or VSYNC */
struct zombie {
	bool	vpe;
	u32	id;
	u64	pa, pa2, size;
};

struct hw {
	u32		ctlr;
	bool		quiescent;
	u64		cbaser, cwriter, creadr;
	u64		baser[GITS_BASER_NR_REGS];
	u64		pinned_cbaser, pinned_baser[GITS_BASER_NR_REGS];
	bool		pinned;
	u32		write_back;		/* steps until it is quiescent */
	bool		fail_next;
	bool		failing;		/* on that command, in that slot */
	u64		failing_slot[5];
	bool		inexact;		/* it has not done what it was told */
	bool		stale;			/* it lost what was in its caches */
	u64		consumed;
	u32		generation;
	struct cached	cache[CACHE_SIZE];
	u32		next_victim;
	struct zombie	zombies[MAX_KNOWN];
	u32		nr_zombies;

	/* What is or was mapped, and when, for the oracle and the tags */
	struct { u32 id, generation, nr_valid; } devices[MAX_KNOWN];
	u32		nr_devices;
	u32		vpes[MAX_KNOWN], nr_vpes;
	u64		collections[256];	/* in the ITS */
	u32		vmovp;			/* how many of vmovps[] it has seen */
};

static struct hw hws[MAX_ITS];
static u8 *frames[MAX_ITS];
static u64 errors;
unsigned int hw_accesses;

static struct { u64 sequence, list, vpe, rdbase; } vmovps[MAX_VMOVP];
static u32 nr_vmovps;

/* The ITS, plus 1, that has an event for a physical INTID */
static u8 lpis[BIT(LPI_BITS)];
static u32 lpis_touched[4096], nr_lpis;

/* How many ITSs map a vPE, as far as commands have been consumed */
static u32 vpe_maps[BIT(16)];
static u32 vpes_touched[MAX_KNOWN * MAX_ITS], nr_touched;

static unsigned int index_of(const struct hw *hw)
{
	return hw - hws;
}

u64 hw_typer(void)
{
	u32 said = config.lying_typer ? config.itt_entry_size / 2 : config.itt_entry_size;
	u64 typer = GITS_TYPER_PLPIS | (u64)(said - 1) << 4 |
		    (EVENT_ID_BITS - 1) << 8 | (config.device_bits - 1) << 13;

	if (config.version >= 40)
		typer |= GITS_TYPER_VLPIS;
	if (config.version >= 41)
		typer |= GITS_TYPER_VMAPP;
	if (config.vmovp)
		typer |= GITS_TYPER_VMOVP;
	if (config.pta)
		typer |= GITS_TYPER_PTA;
	if (config.in_chip)
		typer |= 16ULL << GITS_TYPER_HCC_SHIFT;
	else
		typer |= BIT_ULL(36) | 15ULL << 32;

	return typer;
}

void hw_reset(void)
{
	for (u32 i = 0; i < nr_touched; i++)
		vpe_maps[vpes_touched[i]] = 0;
	nr_touched = 0;
	for (u32 i = 0; i < nr_lpis; i++)
		lpis[lpis_touched[i]] = 0;
	nr_lpis = 0;
	nr_vmovps = 0;
	errors = 0;
	for (u32 n = 0; n < MAX_ITS; n++) {
		struct hw *hw = &hws[n];

		if (!frames[n])
			frames[n] = mmap(NULL, FRAME_SIZE, PROT_NONE,
					 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(hw, 0, sizeof(*hw));
		hw->ctlr = n << GITS_CTLR_ITS_NUMBER_SHIFT;
		hw->quiescent = true;
		hw->baser[0] = (u64)GITS_BASER_TYPE_DEVICE << 56 | (u64)(DTE_SIZE - 1) << 48;
		if (!config.in_chip)
			hw->baser[1] = (u64)GITS_BASER_TYPE_COLLECTION << 56 |
				       (u64)(CTE_SIZE - 1) << 48;
		if (config.version >= 40)
			hw->baser[2] = (u64)GITS_BASER_TYPE_VCPU << 56 |
				       (u64)(VTE_SIZE - 1) << 48;
	}
}

void *hw_frame(unsigned int its)
{
	return its < MAX_ITS ? frames[its] : NULL;
}

u64 hw_consumed(unsigned int its)
{
	return hws[its].consumed;
}

u64 hw_errors(void)
{
	return errors;
}

void hw_fail_next(unsigned int its)
{
	hws[its].fail_next = true;
}

bool hw_is_idle(unsigned int its)
{
	const struct hw *hw = &hws[its];

	return hw->creadr == (hw->cwriter & GENMASK(19, 5));
}

bool hw_is_exact(unsigned int its)
{
	return !hws[its].inexact && !hws[its].stale;
}

bool hw_all_exact(void)
{
	bool exact = true;

	for (u32 n = 0; n < config.nr_its; n++)
		exact &= hw_is_exact(n);

	return exact;
}

/* Writing its caches back, for a long time */
void hw_leave_at_work(unsigned int its)
{
	hws[its].quiescent = false;
	hws[its].write_back = 1000;
}

void hw_pin_registers(void)
{
	for (u32 n = 0; n < config.nr_its; n++) {
		struct hw *hw = &hws[n];

		hw->pinned = true;
		hw->pinned_cbaser = hw->cbaser;
		memcpy(hw->pinned_baser, hw->baser, sizeof(hw->baser));
	}
}

/* What a register held when the machine had booted */
u64 hw_pinned(unsigned int its, u32 offset)
{
	if (offset == GITS_CBASER)
		return hws[its].pinned_cbaser;
	if (offset >= GITS_BASER && offset < GITS_BASER + 8 * GITS_BASER_NR_REGS)
		return hws[its].pinned_baser[(offset - GITS_BASER) / 8];

	return 0;
}

/*
 * Tables
 */
u64 hw_page_size(u64 baser)
{
	static const u32 sizes[] = { SZ_4K, SZ_16K, SZ_64K, SZ_64K };

	return sizes[(baser >> 8) & 3];
}

static u64 baser_address(u64 baser)
{
	if (hw_page_size(baser) == SZ_64K)
		return (baser & GENMASK_ULL(47, 16)) | ((baser >> 12) & 0xf) << 48;

	return baser & GENMASK_ULL(47, 12);
}

/* Where the entry of @id is, or 0: the table doesn't cover it */
static phys_addr_t entry_address(u64 baser, u32 id)
{
	u64 page_size = hw_page_size(baser), size = ((baser & 0xff) + 1) * page_size;
	u64 entry_size = ((baser >> 48) & 0x1f) + 1, per_page = page_size / entry_size;
	u64 level1;

	if (!(baser & GITS_BASER_VALID))
		return 0;
	if (!(baser & GITS_BASER_INDIRECT))
		return id < size / entry_size ? baser_address(baser) + id * entry_size : 0;
	if (id / per_page >= size / 8)
		return 0;

	dma_read(baser_address(baser) + id / per_page * 8, &level1, 8, DMA_TABLE);
	if (!(level1 & BIT_ULL(63)))
		return 0;
	require("I1", !(level1 & ~(BIT_ULL(63) | GENMASK_ULL(51, 12))) &&
		!(level1 & (page_size - 1)), "level-1 entry %llx", level1);

	return (level1 & GENMASK_ULL(51, 12)) + id % per_page * entry_size;
}

static u64 hash(u64 a, u64 b, u64 c, u64 d)
{
	u64 h = 0x9e3779b97f4a7c15ULL;

	h = (h ^ a) * 0xff51afd7ed558ccdULL;
	h = ((h ^ h >> 32) ^ b) * 0xc4ceb9fe1a85ec53ULL;
	h = ((h ^ h >> 29) ^ c) * 0xff51afd7ed558ccdULL;
	h = ((h ^ h >> 32) ^ d) * 0xc4ceb9fe1a85ec53ULL;

	return h ^ h >> 31;
}

static u64 dte_encode(const struct hw *hw, u32 device, const struct dte *dte)
{
	u64 word = 1 | (u64)(dte->bits - 1) << 1 | (dte->itt >> 8) << 6;

	return dte->valid ? word | hash(1 + index_of(hw), device, word, 0) << 50 : 0;
}

static struct dte dte_decode(const struct hw *hw, u32 device, u64 word)
{
	struct dte dte = {
		.valid	= word & 1,
		.bits	= ((word >> 1) & 31) + 1,
		.itt	= (word & GENMASK_ULL(49, 6)) << 2,
	};

	require("I1", word == dte_encode(hw, device, &dte),
		"the entry of device %x is not what the ITS %u has written: %llx", device,
		index_of(hw), word);

	return dte;
}

static void write_back(struct hw *hw, struct cached *line)
{
	phys_addr_t pa;

	if (line->used && line->dirty) {
		pa = entry_address(hw->baser[0], line->device);
		require("I1", pa, "the entry of device %x has no memory any more", line->device);
		dma_write(pa, &line->word, 8, DMA_TABLE);
	}
	line->dirty = false;
}

void hw_evict(unsigned int its)
{
	struct hw *hw = &hws[its];

	for (u32 i = 0; i < CACHE_SIZE; i++) {
		write_back(hw, &hw->cache[i]);
		hw->cache[i].used = false;
	}
}

static struct cached *find_cached(struct hw *hw, u32 device)
{
	for (u32 i = 0; i < CACHE_SIZE; i++)
		if (hw->cache[i].used && hw->cache[i].device == device)
			return &hw->cache[i];

	return NULL;
}

static struct cached *make_cached(struct hw *hw, u32 device)
{
	struct cached *line = find_cached(hw, device);

	if (line)
		return line;
	line = &hw->cache[hw->next_victim++ % CACHE_SIZE];
	write_back(hw, line);
	*line = (struct cached){ .used = true, .device = device };

	return line;
}

/* NULL: the table doesn't cover that device */
static struct cached *get_dte(struct hw *hw, u32 device, struct dte *dte)
{
	struct cached *line = find_cached(hw, device);
	phys_addr_t pa;
	u64 word;

	if (!line) {
		pa = device >> config.device_bits ? 0 : entry_address(hw->baser[0], device);
		if (!pa)
			return NULL;
		dma_read(pa, &word, 8, DMA_TABLE);
		line = make_cached(hw, device);
		line->word = word;
	}
	*dte = dte_decode(hw, device, line->word);

	return line;
}

static u32 find_device(struct hw *hw, u32 device)
{
	u32 i;

	for (i = 0; i < hw->nr_devices && hw->devices[i].id != device; i++)
		;
	require("model", i < MAX_KNOWN, "too many devices");
	if (i == hw->nr_devices) {
		hw->devices[i].id = device;
		hw->devices[i].nr_valid = 0;
		hw->nr_devices++;
	}

	return i;
}

/*
 * ITEs: valid, virtual, INTID, vPEID or ICID, tag; there may be room left
 */
static u64 ite_tag(struct hw *hw, u32 device, u32 event, u64 word)
{
	u32 generation = hw->devices[find_device(hw, device)].generation;

	return hash((u64)generation << 8 | index_of(hw), device, event, word) << 34;
}

static phys_addr_t ite_address(const struct dte *dte, u32 event)
{
	return dte->itt + (u64)event * config.itt_entry_size;
}

static u64 get_ite(struct hw *hw, u32 device, const struct dte *dte, u32 event)
{
	u64 word, plain;

	dma_read(ite_address(dte, event), &word, 8, DMA_ITT);
	plain = word & GENMASK_ULL(33, 0);
	require("I1", !word || (word & 1 && word == (plain | ite_tag(hw, device, event, plain))),
		"the entry of event %x of device %x is not what the ITS has written: %llx", event,
		device, word);

	return word;
}

static void put_ite(struct hw *hw, u32 device, const struct dte *dte, u32 event, u64 word)
{
	u64 filler = 0;

	if (word)
		word |= ite_tag(hw, device, event, word);
	dma_write(ite_address(dte, event), &word, 8, DMA_ITT);
	if (config.itt_entry_size > 8)
		dma_write(ite_address(dte, event) + 8, &filler, config.itt_entry_size - 8, DMA_ITT);
}

static bool cte_valid(struct hw *hw, u32 icid, u64 *rdbase)
{
	phys_addr_t pa;
	u64 word;

	if (config.in_chip) {
		word = icid < 16 ? hw->collections[icid] : 0;
	} else {
		pa = entry_address(hw->baser[1], icid);
		if (!pa)
			return false;
		dma_read(pa, &word, 8, DMA_TABLE);
		require("I1", !word || word >> 40 == hash(icid, index_of(hw), word << 24, 2) >> 40,
			"collection %x is not what the ITS has written: %llx", icid, word);
	}
	*rdbase = (word & GENMASK_ULL(36, 1)) << 15;

	return word & 1;
}

static bool put_cte(struct hw *hw, u32 icid, u64 rdbase)
{
	u64 word = 1 | rdbase >> 15;
	phys_addr_t pa;

	word |= hash(icid, index_of(hw), word << 24, 2) >> 40 << 40;
	if (config.in_chip) {
		if (icid < 16)
			hw->collections[icid] = word;
		return icid < 16;
	}
	pa = entry_address(hw->baser[1], icid);
	if (!pa)
		return false;
	dma_write(pa, &word, 8, DMA_TABLE);

	return true;
}

static u64 vte_tag(u32 whose, u32 vpe, const u64 *word)
{
	return hash(whose, vpe, word[0] & GENMASK_ULL(63, 16), word[1] ^ word[2]) & 0xff00;
}

/* Also for redistributors. False: the table doesn't cover that vPE */
bool hw_get_vte(u64 baser, u32 whose, u32 vpe, struct vte *vte)
{
	phys_addr_t pa = entry_address(baser, vpe);
	u64 word[4];

	if (!pa)
		return false;
	dma_read(pa, word, sizeof(word), DMA_TABLE);
	require("I1", !(word[0] | word[1] | word[2] | word[3]) ||
		((word[0] & 0xff00) == vte_tag(whose, vpe, word) && word[0] & 1),
		"the entry of vPE %x is not what an ITS has written", vpe);
	*vte = (struct vte){
		.valid	= word[0] & 1,
		.size	= (word[0] >> 1) & 31,
		.vpt	= word[0] & GENMASK_ULL(51, 16),
		.vconf	= word[1],
		.rdbase	= word[2],
	};

	return true;
}

bool hw_put_vte(u64 baser, u32 whose, u32 vpe, const struct vte *vte)
{
	phys_addr_t pa = entry_address(baser, vpe);
	u64 word[4] = {};

	if (!pa)
		return false;
	if (vte->valid) {
		word[0] = 1 | vte->size << 1 | vte->vpt;
		word[1] = vte->vconf;
		word[2] = vte->rdbase;
		word[0] |= vte_tag(whose, vpe, word);
	}
	dma_write(pa, word, sizeof(word), DMA_TABLE);

	return true;
}

/* A table that serves several ITSs is written by all of them. */
static u32 whose(const struct hw *hw)
{
	return config.shared_vpes ? VTE_OF_ALL : index_of(hw);
}

static bool get_vte(struct hw *hw, u32 vpe, struct vte *vte)
{
	return hw_get_vte(hw->baser[2], whose(hw), vpe, vte);
}

static void put_vte(struct hw *hw, u32 vpe, const struct vte *vte)
{
	hw_put_vte(hw->baser[2], whose(hw), vpe, vte);
}

/* Mapped by this ITS: with a common table, the entry alone doesn't tell */
static u32 find_vpe(const struct hw *hw, u32 vpe)
{
	u32 i;

	for (i = 0; i < hw->nr_vpes && hw->vpes[i] != vpe; i++)
		;

	return i;
}

/*
 * Interrupts
 */
static void check_rdbase(const struct hw *hw, u64 rdbase, bool vpe)
{
	u64 offset = vpe ? config.vlpi_rd_offset : 0;

	for (u32 cpu = 0; cpu < NR_RDS; cpu++)
		if (rdbase == host_rdbase(cpu) + offset)
			return;
	violation("I1", "ITS %u: %llx is no redistributor", index_of(hw), rdbase);
}

static void check_lpi(u32 intid)
{
	require("I1", intid >= 8192 && intid < BIT(LPI_BITS), "INTID %x is beyond the LPI tables",
		intid);
}

static void pend_virtual(struct hw *hw, u32 vpe, u32 vintid, bool set)
{
	struct vte vte;
	u8 byte, conf;

	if (!get_vte(hw, vpe, &vte) || !vte.valid || find_vpe(hw, vpe) == hw->nr_vpes)
		return;
	require("I1", vintid >= 8192 && vintid < BIT(vte.size + 1),
		"vINTID %x is beyond the table of vPE %x", vintid, vpe);
	if (vte.vconf)
		dma_read(vte.vconf + vintid - 8192, &conf, 1, DMA_VPE);
	dma_read(vte.vpt + vintid / 8, &byte, 1, DMA_VPE);
	byte = (byte & ~BIT(vintid % 8)) | set << vintid % 8;
	dma_write(vte.vpt + vintid / 8, &byte, 1, DMA_VPE);
}

static void translate(struct hw *hw, u32 device, u32 event, bool set)
{
	u64 ite, rdbase;
	struct dte dte;

	if (!get_dte(hw, device, &dte) || !dte.valid || event >> dte.bits)
		return;
	ite = get_ite(hw, device, &dte, event);
	if (!(ite & 1))
		return;
	if (ite & 2) {
		pend_virtual(hw, (ite >> 18) & 0xffff, (ite >> 2) & 0xffff, set);
		return;
	}
	check_lpi((ite >> 2) & 0xffff);
	if (cte_valid(hw, (ite >> 18) & 0xffff, &rdbase))
		check_rdbase(hw, rdbase, false);
}

/* A device writes GITS_TRANSLATER. */
void hw_msi(unsigned int its, u32 device, u32 event)
{
	if (hws[its].ctlr & GITS_CTLR_ENABLE)
		translate(&hws[its], device, event, true);
}

static const char *check_vpe(struct hw *hw, u32 vpe)
{
	return find_vpe(hw, vpe) < hw->nr_vpes ? NULL : "vPE is not mapped";
}

/*
 * Commands. NULL, or what is wrong about it
 */
struct command {
	u64	dw[4];
	u32	opcode, device, event, vpe, icid;
};

typedef const char *(*command_fn)(struct hw *hw, const struct command *cmd);

static const char *do_mapd(struct hw *hw, const struct command *cmd)
{
	struct dte dte, new = {
		.valid	= cmd->dw[2] >> 63,
		.bits	= (cmd->dw[1] & 31) + 1,
		.itt	= cmd->dw[2] & GENMASK_ULL(51, 8),
	};
	struct cached *line = get_dte(hw, cmd->device, &dte);
	u32 known;

	if (!line)
		return "DeviceID beyond the table";
	known = find_device(hw, cmd->device);
	if (new.valid && new.bits > EVENT_ID_BITS)
		return "Size";
	if (dte.valid == new.valid)
		return dte.valid ? "device is mapped already" : "device is not mapped";
	if (!new.valid && hw->devices[known].nr_valid)
		return "events are still mapped";
	if (dte.valid) {
		require("model", hw->nr_zombies < MAX_KNOWN, "too many zombies");
		hw->zombies[hw->nr_zombies++] = (struct zombie){
			.id	= cmd->device,
			.pa	= dte.itt,
			.size	= (u64)config.itt_entry_size << dte.bits,
		};
	}
	if (new.valid)
		hw->devices[known].generation = ++hw->generation;
	hw->devices[known].nr_valid = 0;
	line->word = dte_encode(hw, cmd->device, &new);
	line->dirty = true;

	return NULL;
}

static const char *do_mapc(struct hw *hw, const struct command *cmd)
{
	u64 rdbase = cmd->dw[2] & GENMASK_ULL(51, 16), old;

	if (!(cmd->dw[2] >> 63))
		return "collection unmapped";
	check_rdbase(hw, rdbase, false);
	if (cte_valid(hw, cmd->icid, &old) && old != rdbase)
		return "collection moved";

	return put_cte(hw, cmd->icid, rdbase) ? NULL : "ICID beyond the table";
}

static const char *look_up(struct hw *hw, const struct command *cmd, struct dte *dte, u64 *ite)
{
	if (!get_dte(hw, cmd->device, dte))
		return "DeviceID beyond the table";
	if (!dte->valid)
		return "device is not mapped";
	if (cmd->event >> dte->bits)
		return "EventID beyond the ITT";
	*ite = get_ite(hw, cmd->device, dte, cmd->event);

	return NULL;
}

static const char *map_event(struct hw *hw, const struct command *cmd, u32 intid, u32 id,
			     bool virtual)
{
	const char *error;
	struct dte dte;
	u64 ite;

	error = look_up(hw, cmd, &dte, &ite);
	if (error)
		return error;
	if (ite & 1)
		return "event is mapped already";
	if (!virtual) {
		/* What another ITS has not yet consumed, EL2 can't know. */
		if (lpis[intid] == index_of(hw) + 1)
			return "INTID is mapped already";
		require("model", nr_lpis < ARRAY_SIZE(lpis_touched), "too many LPIs");
		lpis_touched[nr_lpis++] = intid;
		lpis[intid] = index_of(hw) + 1;
	}
	put_ite(hw, cmd->device, &dte, cmd->event,
		1 | virtual << 1 | (u64)intid << 2 | (u64)id << 18);
	hw->devices[find_device(hw, cmd->device)].nr_valid++;

	return NULL;
}

static const char *do_mapti(struct hw *hw, const struct command *cmd)
{
	u32 intid = cmd->opcode == GITS_CMD_MAPI ? cmd->event : cmd->dw[1] >> 32;
	u64 rdbase;

	check_lpi(intid);
	if (!cte_valid(hw, cmd->icid, &rdbase))
		return "collection is not mapped";

	return map_event(hw, cmd, intid, cmd->icid, false);
}

static const char *do_event(struct hw *hw, const struct command *cmd)
{
	const char *error;
	struct dte dte;
	u64 ite, rdbase;

	error = look_up(hw, cmd, &dte, &ite);
	if (error)
		return error;
	if (!(ite & 1))
		return "event is not mapped";

	if (ite & 2 && check_vpe(hw, (ite >> 18) & 0xffff))
		return "vPE of the event is not mapped";

	switch (cmd->opcode) {
	case GITS_CMD_MOVI:
		if (ite & 2)
			return "event is virtual";
		if (!cte_valid(hw, cmd->icid, &rdbase))
			return "collection is not mapped";
		ite = (ite & GENMASK_ULL(17, 0)) | (u64)cmd->icid << 18;
		put_ite(hw, cmd->device, &dte, cmd->event, ite);
		break;
	case GITS_CMD_DISCARD:
		translate(hw, cmd->device, cmd->event, false);
		if (!(ite & 2) && lpis[(ite >> 2) & 0xffff] == index_of(hw) + 1)
			lpis[(ite >> 2) & 0xffff] = 0;
		put_ite(hw, cmd->device, &dte, cmd->event, 0);
		hw->devices[find_device(hw, cmd->device)].nr_valid--;
		break;
	default:
		translate(hw, cmd->device, cmd->event, cmd->opcode == GITS_CMD_INT);
	}

	return NULL;
}

static const char *do_invall(struct hw *hw, const struct command *cmd)
{
	u64 rdbase;

	return cte_valid(hw, cmd->icid, &rdbase) ? NULL : "collection is not mapped";
}

static void bury(struct hw *hw, bool vpe, u32 id)
{
	u32 kept = 0;

	for (u32 i = 0; i < hw->nr_zombies; i++)
		if (hw->zombies[i].vpe != vpe || (vpe && hw->zombies[i].id != id))
			hw->zombies[kept++] = hw->zombies[i];
	hw->nr_zombies = kept;
}

static const char *do_sync(struct hw *hw, const struct command *cmd)
{
	check_rdbase(hw, cmd->dw[2], false);
	bury(hw, false, 0);

	return NULL;
}

static const char *do_vmapp(struct hw *hw, const struct command *cmd)
{
	bool valid = cmd->dw[2] >> 63, v41 = config.version >= 41;
	u32 known = find_vpe(hw, cmd->vpe), db = cmd->dw[1];
	struct vte vte;
	bool first;

	if (!get_vte(hw, cmd->vpe, &vte))
		return "vPEID beyond the table";
	if (valid == (known < hw->nr_vpes))
		return valid ? "vPE is mapped already" : "vPE is not mapped";

	if (!valid) {
		if (v41 && rd_vpe_is_resident(cmd->vpe))
			return "vPE is resident";
		first = --vpe_maps[cmd->vpe] == 0;
		if (honest && v41)
			require("I6", (bool)(cmd->dw[0] & BIT(8)) == first, "Alloc of VMAPP V=0");
		if (!v41) {
			require("model", hw->nr_zombies < MAX_KNOWN, "too many zombies");
			hw->zombies[hw->nr_zombies++] = (struct zombie){
				.vpe = true, .id = cmd->vpe, .pa = vte.vpt, .pa2 = vte.vconf,
			};
		}
		hw->vpes[known] = hw->vpes[--hw->nr_vpes];
		if (!config.shared_vpes || first)
			put_vte(hw, cmd->vpe, &(struct vte){});
		if (first)
			rd_vmapp(cmd->vpe, &(struct vte){});
		return NULL;
	}

	first = vpe_maps[cmd->vpe]++ == 0;
	require("model", nr_touched < ARRAY_SIZE(vpes_touched), "too many vPEs");
	vpes_touched[nr_touched++] = cmd->vpe;
	if (honest && v41)
		require("I6", (bool)(cmd->dw[0] & BIT(8)) == first, "Alloc of VMAPP");
	vte.valid = true;
	vte.size = cmd->dw[3] & 31;
	vte.vpt = cmd->dw[3] & GENMASK_ULL(51, 16);
	vte.vconf = v41 ? cmd->dw[0] & GENMASK_ULL(51, 16) : 0;
	vte.rdbase = cmd->dw[2] & GENMASK_ULL(51, 16);
	if (vte.size + 1 != LPI_BITS)
		return "size of the pending table";
	check_rdbase(hw, vte.rdbase, true);
	if (v41 && db != 1023)
		check_lpi(db);
	require("I1", !v41 || vte.vconf, "no configuration table");
	hw->vpes[hw->nr_vpes++] = cmd->vpe;
	put_vte(hw, cmd->vpe, &vte);
	if (v41)
		rd_vmapp(cmd->vpe, &vte);

	return NULL;
}

static const char *do_vmapti(struct hw *hw, const struct command *cmd)
{
	u32 vintid = cmd->opcode == GITS_CMD_VMAPI ? cmd->event : (u32)cmd->dw[2];
	u32 db = cmd->dw[2] >> 32;

	if (check_vpe(hw, cmd->vpe))
		return check_vpe(hw, cmd->vpe);
	if (db != 1023)
		check_lpi(db);
	check_lpi(vintid);

	return map_event(hw, cmd, vintid, cmd->vpe, true);
}

static const char *do_vmovi(struct hw *hw, const struct command *cmd)
{
	u32 db = cmd->dw[2] >> 32;
	const char *error;
	struct dte dte;
	u64 ite;

	error = look_up(hw, cmd, &dte, &ite) ?: check_vpe(hw, cmd->vpe);
	if (error)
		return error;
	if ((ite & 3) != 3)
		return "event is not virtual";
	if (check_vpe(hw, (ite >> 18) & 0xffff))
		return "vPE of the event is not mapped";
	if (cmd->dw[2] & 1 && db != 1023)
		check_lpi(db);
	translate(hw, cmd->device, cmd->event, true);
	ite = (ite & GENMASK_ULL(17, 0)) | (u64)cmd->vpe << 18;
	put_ite(hw, cmd->device, &dte, cmd->event, ite);

	return NULL;
}

static bool list_is_exact(const struct hw *hw, u32 vpe, u64 list)
{
	u64 mapped = 0;

	for (u32 n = 0; n < config.nr_its; n++) {
		if (&hws[n] != hw && !hw_is_idle(n))
			return true;
		mapped |= (u64)(find_vpe(&hws[n], vpe) < hws[n].nr_vpes) << n;
	}

	return mapped == list;
}

static const char *do_vmovp(struct hw *hw, const struct command *cmd)
{
	u64 list = cmd->dw[1] & 0xffff, sequence = (cmd->dw[0] >> 32) & 0xffff;
	u64 rdbase = cmd->dw[2] & GENMASK_ULL(51, 16);
	u32 db = cmd->dw[3];
	struct vte vte;

	if (check_vpe(hw, cmd->vpe))
		return check_vpe(hw, cmd->vpe);
	check_rdbase(hw, rdbase, true);
	if (cmd->dw[2] >> 63 && db != 1023)
		check_lpi(db);
	if (!get_vte(hw, cmd->vpe, &vte))
		return "vPEID beyond the table";
	vte.rdbase = rdbase;
	put_vte(hw, cmd->vpe, &vte);
	if (config.vmovp)
		return NULL;

	/* All ITSs that are in the list see the same VMOVPs in the same order. */
	if (!(list & BIT(index_of(hw))))
		return "VMOVP doesn't name this ITS";
	for (; hw->vmovp < nr_vmovps; hw->vmovp++)
		if (vmovps[hw->vmovp].list & BIT(index_of(hw)))
			break;
	if (hw->vmovp == nr_vmovps) {
		require("model", nr_vmovps < MAX_VMOVP, "too many VMOVPs");
		/* The first to see it; the others can't have changed their minds yet. */
		if (!list_is_exact(hw, cmd->vpe, list))
			return "VMOVP names other ITSs than those that map the vPE";
		vmovps[nr_vmovps].sequence = sequence;
		vmovps[nr_vmovps].list = list;
		vmovps[nr_vmovps].vpe = cmd->vpe;
		vmovps[nr_vmovps++].rdbase = rdbase;
	}
	if (vmovps[hw->vmovp].sequence != sequence || vmovps[hw->vmovp].list != list ||
	    vmovps[hw->vmovp].vpe != cmd->vpe || vmovps[hw->vmovp].rdbase != rdbase)
		return "VMOVP is another one than on the other ITSs";
	hw->vmovp++;

	return NULL;
}

static const char *do_vpe(struct hw *hw, const struct command *cmd)
{
	return check_vpe(hw, cmd->vpe);
}

static const char *do_vsync(struct hw *hw, const struct command *cmd)
{
	bury(hw, true, cmd->vpe);

	return NULL;
}

#define DEV	GENMASK_ULL(63, 32)
#define EV	GENMASK_ULL(31, 0)
#define VPEID	GENMASK_ULL(47, 32)
#define RD	GENMASK_ULL(51, 16)
#define ICID	GENMASK_ULL(15, 0)
#define VALID	BIT_ULL(63)

/* The bits that are not RES0, from the architecture and not from EL2's table */
static const struct {
	u64		bits[4];
	u32		version;
	command_fn	fn;
} commands[256] = {
	[0x01] = { { DEV, EV, ICID }, 30, do_event },				/* MOVI */
	[0x03] = { { DEV, EV }, 30, do_event },					/* INT */
	[0x04] = { { DEV, EV }, 30, do_event },					/* CLEAR */
	[0x05] = { { 0, 0, RD }, 30, do_sync },
	[0x08] = { { DEV, 0x1f, VALID | GENMASK_ULL(51, 8) }, 30, do_mapd },
	[0x09] = { { 0, 0, VALID | RD | ICID }, 30, do_mapc },
	[0x0a] = { { DEV, EV | DEV, ICID }, 30, do_mapti },
	[0x0b] = { { DEV, EV, ICID }, 30, do_mapti },				/* MAPI */
	[0x0c] = { { DEV, EV }, 30, do_event },					/* INV */
	[0x0d] = { { 0, 0, ICID }, 30, do_invall },
	[0x0f] = { { DEV, EV }, 30, do_event },					/* DISCARD */
	[0x21] = { { DEV, EV | VPEID, DEV | 1 }, 40, do_vmovi },
	[0x22] = { { VPEID, VPEID | ICID, VALID | RD, EV }, 40, do_vmovp },
	[0x23] = { { GENMASK_ULL(35, 32) | GENMASK_ULL(23, 20) | GENMASK_ULL(10, 8), VPEID },
		   41, do_vpe },						/* VSGI */
	[0x25] = { { 0, VPEID }, 40, do_vsync },
	/* Without PTZ: nobody knows that the pending table is empty */
	[0x29] = { { RD | BIT(8), VPEID | EV, VALID | RD, RD | 0x1f }, 40, do_vmapp },
	[0x2a] = { { DEV, EV | VPEID, DEV | EV }, 40, do_vmapti },
	[0x2b] = { { DEV, EV | VPEID, DEV }, 40, do_vmapti },			/* VMAPI */
	[0x2d] = { { 0, VPEID }, 40, do_vpe },					/* VINVALL */
	[0x2e] = { { 0, VPEID }, 41, do_vpe },					/* INVDB */
};

static void check_bits(const struct command *cmd)
{
	u64 bits[4];

	require("I2", commands[cmd->opcode].fn, "opcode %02x reaches the ITS", cmd->opcode);
	require("I2", config.version >= commands[cmd->opcode].version,
		"opcode %02x reaches an ITS of GICv%u", cmd->opcode, config.version);
	memcpy(bits, commands[cmd->opcode].bits, sizeof(bits));
	if (config.version < 41 && cmd->opcode == GITS_CMD_VMAPP) {
		bits[0] = 0;
		bits[1] = VPEID;
	}
	if (cmd->opcode == GITS_CMD_VMOVP) {
		if (config.version < 41)
			bits[2] &= ~VALID;
		if (config.version < 41 || !(cmd->dw[2] & VALID))
			bits[3] = 0;
		if (config.vmovp) {
			bits[0] = 0;
			bits[1] = VPEID;
		}
	}
	for (u32 i = 0; i < 4; i++)
		require("I2", !((i ? cmd->dw[i] : cmd->dw[0] & ~0xffULL) & ~bits[i]),
			"opcode %02x: RES0 bits in doubleword %u: %llx", cmd->opcode, i,
			cmd->dw[i]);
}

static u64 queue_size(const struct hw *hw)
{
	return ((hw->cbaser & 0xff) + 1) * SZ_4K;
}

static void execute(struct hw *hw)
{
	bool stalls = config.stall;
	struct command cmd;
	const char *error;

	dma_read((hw->cbaser & GENMASK_ULL(51, 12)) + hw->creadr, cmd.dw, 32, DMA_QUEUE);
	cmd.opcode = cmd.dw[0] & 0xff;
	cmd.device = cmd.dw[0] >> 32;
	cmd.event = cmd.dw[1];
	cmd.vpe = (cmd.dw[1] >> 32) & 0xffff;
	cmd.icid = cmd.dw[2] & 0xffff;
	say("  ITS %u: +%05llx %llx %llx %llx %llx", index_of(hw), hw->creadr, cmd.dw[0],
	    cmd.dw[1], cmd.dw[2], cmd.dw[3]);

	if (hw->failing)
		hw->failing = hw->failing_slot[4] == hw->creadr &&
			      !memcmp(hw->failing_slot, cmd.dw, sizeof(cmd.dw));
	if (hw->fail_next || hw->failing) {
		/*
		 * Memory doesn't answer, say: never skipped without a word, nor
		 * cured by a retry; but for SYNC, as that is what EL2 puts in its place.
		 */
		stalls = true;
		hw->failing = cmd.opcode != GITS_CMD_SYNC;
		memcpy(hw->failing_slot, cmd.dw, sizeof(cmd.dw));
		hw->failing_slot[4] = hw->creadr;
		hw->fail_next = false;
		hw->inexact = true;
		error = "a fault of the ITS";
	} else {
		check_bits(&cmd);
		error = commands[cmd.opcode].fn(hw, &cmd);
		require("I2", !error || !hw_is_exact(index_of(hw)), "ITS %u, opcode %02x: %s",
			index_of(hw), cmd.opcode, error);
	}
	if (error) {
		say("  ITS %u: %s", index_of(hw), error);
		errors++;
		if (stalls) {
			hw->creadr |= 1;
			return;
		}
	}
	hw->consumed++;
	hw->creadr = (hw->creadr + 32) % queue_size(hw);
}

/* Do some work. Returns how many commands were consumed. */
unsigned int hw_step(unsigned int its, unsigned int nr)
{
	struct hw *hw = &hws[its];
	unsigned int done = 0;

	rd_work();
	if (!(hw->ctlr & GITS_CTLR_ENABLE)) {
		if (hw->quiescent || (hw->write_back && --hw->write_back))
			return 0;
		hw_evict(its);
		hw->quiescent = true;
		return 0;
	}
	for (; done < nr && !(hw->creadr & 1); done++) {
		if (hw->creadr == (hw->cwriter & GENMASK(19, 5)))
			break;
		execute(hw);
	}

	return done;
}

/*
 * Registers
 */
static struct hw *find_hw(const volatile void *reg, u32 *offset, unsigned int size)
{
	for (u32 n = 0; n < MAX_ITS; n++) {
		if ((u8 *)reg < frames[n] || (u8 *)reg >= frames[n] + FRAME_SIZE)
			continue;
		*offset = (u8 *)reg - frames[n];
		require("I5", *offset % size == 0, "misaligned access to register %x", *offset);
		if (config.eager)
			hw_step(n, 1);
		return &hws[n];
	}
	violation("I5", "access to %p, which is no frame", reg);
}

u64 hw_peek(unsigned int its, u32 offset)
{
	struct hw *hw = &hws[its];

	switch (offset) {
	case GITS_CTLR:
		if (hw->ctlr & GITS_CTLR_ENABLE)
			return hw->ctlr | (config.busy ? 0 : GITS_CTLR_QUIESCENT);
		return hw->ctlr | (hw->quiescent ? GITS_CTLR_QUIESCENT : 0);
	case GITS_TYPER:
		return hw_typer();
	case GITS_CBASER:
		return hw->cbaser;
	case GITS_CWRITER:
		return hw->cwriter;
	case GITS_CREADR:
		return hw->creadr;
	case GITS_BASER ... GITS_BASER + 8 * GITS_BASER_NR_REGS - 1:
		return hw->baser[(offset - GITS_BASER) / 8];
	default:
		violation("I5", "read of register %x", offset);
	}
}

static void write_ctlr(struct hw *hw, u32 value)
{
	u32 number = GITS_CTLR_ITS_NUMBER;

	require("I4", !(value & ~(GITS_CTLR_ENABLE | GITS_CTLR_ImDe | number | BIT(31))),
		"GITS_CTLR := %x", value);
	require("I4", !((value ^ hw->ctlr) & number), "ITS_Number changes: %x", value);
	if (!(hw->ctlr & GITS_CTLR_ENABLE) && (value & GITS_CTLR_ENABLE)) {
		require("I4", hw->quiescent, "enabled while not quiescent");
		require("I1", hw->cbaser >> 63, "enabled without a queue");
		require("I4", (hw->cwriter & GENMASK(19, 5)) < queue_size(hw),
			"enabled with GITS_CWRITER %llx", hw->cwriter);
		if (hw->pinned) {
			require("I1", hw->cbaser == hw->pinned_cbaser &&
				!memcmp(hw->baser, hw->pinned_baser, sizeof(hw->baser)),
				"enabled with other tables");
			require("I3", !hw->stale, "enabled with an old state in its tables");
		}
	}
	if ((hw->ctlr & GITS_CTLR_ENABLE) && !(value & GITS_CTLR_ENABLE)) {
		hw->quiescent = false;
		hw->write_back = 2;
	}
	hw->ctlr = value & (GITS_CTLR_ENABLE | GITS_CTLR_ImDe | number);
}

static void write_cwriter(struct hw *hw, u64 value)
{
	u64 size = queue_size(hw), offset = value & GENMASK(19, 5);
	u64 old = hw->cwriter & GENMASK(19, 5), read = hw->creadr & ~31ULL;

	require("I4", !(value & ~(GENMASK_ULL(19, 5) | 1)), "GITS_CWRITER := %llx", value);
	require("I4", offset < size || !(hw->cbaser >> 63), "GITS_CWRITER := %llx, beyond the queue", value);
	require("I2", memory_is_published(), "GITS_CWRITER written before the queue");
	if (hw->pinned && hw->ctlr & GITS_CTLR_ENABLE)
		require("I2", (old + size - read) % size + (offset + size - old) % size < size,
			"GITS_CWRITER passes GITS_CREADR: %llx %llx %llx", read, old, offset);
	if (value & 1)
		hw->creadr &= ~1ULL;
	hw->cwriter = offset;
}

void hw_poke(unsigned int its, u32 offset, u64 value, unsigned int size)
{
	struct hw *hw = &hws[its];
	bool may_change = !(hw->ctlr & GITS_CTLR_ENABLE) && hw->quiescent;
	u32 n = (offset - GITS_BASER) / 8;

	say("  ITS %u: register %x := %llx", its, offset, value);
	require("I4", size == (offset == GITS_CTLR ? 4 : 8), "write of register %x with %u bytes",
		offset, size);
	switch (offset) {
	case GITS_CTLR:
		write_ctlr(hw, value);
		return;
	case GITS_CBASER:
		require("I4", may_change, "GITS_CBASER written while in use");
		require("I1", !hw->pinned || value == hw->pinned_cbaser, "GITS_CBASER := %llx", value);
		if (!hw_is_idle(its))
			hw->inexact = true;
		hw->cbaser = value;
		hw->creadr = 0;
		return;
	case GITS_CWRITER:
		write_cwriter(hw, value);
		return;
	case GITS_BASER ... GITS_BASER + 8 * GITS_BASER_NR_REGS - 1:
		require("I4", may_change, "GITS_BASER%u written while in use", n);
		require("I1", !hw->pinned || value == hw->pinned_baser[n], "GITS_BASER%u := %llx", n,
			value);
		hw->baser[n] = value;
		return;
	default:
		violation("I4", "write of register %x", offset);
	}
}

u32 readl_relaxed(const volatile void *reg)
{
	unsigned int cpu;
	struct hw *hw;
	u32 offset;

	hw_accesses++;
	if (rd_find(reg, 4, &cpu, &offset))
		return rd_read(cpu, offset);
	hw = find_hw(reg, &offset, 4);

	return hw_peek(index_of(hw), offset & ~4U) >> (offset & 4 && offset > 4 ? 32 : 0);
}

u64 readq_relaxed(const volatile void *reg)
{
	unsigned int cpu;
	struct hw *hw;
	u32 offset;

	hw_accesses++;
	if (rd_find(reg, 8, &cpu, &offset)) {
		require("I4", offset != GICR_CTLR, "GICR_CTLR read with 64 bits");
		return rd_read(cpu, offset);
	}
	hw = find_hw(reg, &offset, 8);
	require("I4", offset != GITS_CTLR, "GITS_CTLR read with 64 bits");

	return hw_peek(index_of(hw), offset);
}

static void write_reg(u64 value, volatile void *reg, unsigned int size)
{
	unsigned int cpu;
	struct hw *hw;
	u32 offset;

	hw_accesses++;
	if (rd_find(reg, size, &cpu, &offset)) {
		rd_poke(cpu, offset, value, size);
		return;
	}
	hw = find_hw(reg, &offset, size);
	hw_poke(index_of(hw), offset, value, size);
}

void writel_relaxed(u32 value, volatile void *reg)
{
	write_reg(value, reg, 4);
}

void writeq_relaxed(u64 value, volatile void *reg)
{
	write_reg(value, reg, 8);
}

/*
 * All registers lose their values. Firmware may have saved some and restores them as
 * they were, but for GITS_CTLR.Enabled.
 */
void hw_lose_power(unsigned int its, bool restore)
{
	struct hw *hw = &hws[its], old = *hw;

	for (u32 i = 0; i < CACHE_SIZE; i++) {
		if (hw->cache[i].used && hw->cache[i].dirty)
			hw->stale = true;
		hw->cache[i].used = false;
	}
	/* Collections in the ITS are mapped again by the driver. */
	memset(hw->collections, 0, sizeof(hw->collections));
	if (!hw_is_idle(its))
		hw->inexact = true;
	if (old.ctlr & GITS_CTLR_ENABLE)
		hw->inexact = true;
	hw->ctlr &= GITS_CTLR_ITS_NUMBER;
	hw->quiescent = true;
	hw->creadr = 0;
	hw->nr_zombies = 0;
	if (restore)
		return;
	hw->cbaser = 0;
	hw->cwriter = 0x5a5a5a5a5a5ULL;		/* UNKNOWN */
	hw->creadr = old.cwriter;		/* likewise, and for the worst */
	for (u32 n = 0; n < GITS_BASER_NR_REGS; n++)
		hw->baser[n] &= GENMASK_ULL(58, 56) | GENMASK_ULL(52, 48);
}

/*
 * For the oracle
 */
static bool dte_of(unsigned int its, u32 device, struct dte *dte)
{
	struct hw *hw = &hws[its];
	struct cached *line = find_cached(hw, device);
	phys_addr_t pa;
	u64 word = 0;

	if (line) {
		word = line->word;
	} else {
		pa = device >> config.device_bits ? 0 : entry_address(hw->baser[0], device);
		if (pa)
			dma_read(pa, &word, 8, DMA_TABLE);
	}
	*dte = dte_decode(hw, device, word);

	return dte->valid;
}

bool hw_device_is_mapped(unsigned int its, u32 device, phys_addr_t *itt, u32 *bits)
{
	struct dte dte;

	if (!dte_of(its, device, &dte))
		return false;
	*itt = dte.itt;
	*bits = dte.bits;

	return true;
}

/* All memory that this ITS might read or write now */
void hw_walk_uses(unsigned int its, use_fn fn)
{
	struct hw *hw = &hws[its];
	struct vte vte;
	struct dte dte;

	/* What it forgot with the power, and is never enabled again */
	if (hw->stale)
		return;
	if (hw->cbaser >> 63)
		fn(USE_QUEUE, its, 0, hw->cbaser & GENMASK_ULL(51, 12), queue_size(hw));

	for (u32 n = 0; n < GITS_BASER_NR_REGS; n++) {
		u64 baser = hw->baser[n], page_size = hw_page_size(baser), entry;

		if (!(baser >> 63))
			continue;
		fn(USE_TABLE, its, n, baser_address(baser), ((baser & 0xff) + 1) * page_size);
		if (!(baser & GITS_BASER_INDIRECT))
			continue;
		for (u64 i = 0; i < ((baser & 0xff) + 1) * page_size / 8; i++) {
			/* The first look at a level-2 page is enough for the rest of it */
			entry = *(volatile u64 *)hyp_phys_to_virt(baser_address(baser) + i * 8);
			if (entry >> 63)
				fn(USE_TABLE, its, n, entry & GENMASK_ULL(51, 12), page_size);
		}
	}

	if (!(hw->baser[0] >> 63))
		return;
	for (u32 i = 0; i < hw->nr_devices; i++)
		if (dte_of(its, hw->devices[i].id, &dte))
			fn(USE_ITT, its, hw->devices[i].id, dte.itt,
			   (u64)config.itt_entry_size << dte.bits);
	for (u32 i = 0; i < hw->nr_vpes; i++) {
		if (!get_vte(hw, hw->vpes[i], &vte) || !vte.valid)
			continue;
		fn(USE_VPT, its, hw->vpes[i], vte.vpt, BIT(vte.size + 1) / 8);
		if (vte.vconf)
			fn(USE_VCONF, its, hw->vpes[i], vte.vconf, BIT(vte.size + 1) - 8192);
	}
	for (u32 i = 0; i < hw->nr_zombies; i++) {
		const struct zombie *zombie = &hw->zombies[i];

		if (!zombie->vpe)
			fn(USE_ITT, its, zombie->id, zombie->pa, zombie->size);
		else
			fn(USE_VPT, its, zombie->id, zombie->pa, BIT(LPI_BITS) / 8);
	}
}
