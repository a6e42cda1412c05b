/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_NVHE_ITS_EMULATE_H__
#define __KVM_NVHE_ITS_EMULATE_H__

#include <linux/irqchip/arm-gic-v3.h>
#include <linux/threads.h>
#include <linux/types.h>

#include <asm/kvm_its.h>

#include <nvhe/spinlock.h>

struct its_spare;
struct redist;

/* LPIs start here; the driver never uses one of more than 16 bits. */
#define ITS_FIRST_LPI		8192
#define ITS_LPI_MAX_BITS	16

/* An interrupt that doesn't exist: no doorbell */
#define ITS_NO_DOORBELL		1023

#define ITS_SLOT_SIZE		32

/* What fits into the largest block that EL2 allocates */
#define ITS_MAX_EVENT_BITS	20

/* A driver has one collection for each CPU. */
#define ITS_MAX_ICIDS		NR_CPUS

/**
 * struct its_table - a table of the ITS, as GITS_BASER<n> describes it
 * @base:	where EL2 maps it; NULL if there is no such table
 * @nr_ids:	how many IDs it can cover, level-2 pages or not
 * @page_size:	of the ITS, in bytes: the size of a level-2 page
 * @ids_per_page: log2 of the number of entries in a page
 * @indirect:	@base is a level-1 table
 */
struct its_table {
	__le64			*base;
	u64			nr_ids;
	u32			page_size;
	u8			ids_per_page;
	bool			indirect;
};

/**
 * struct its_table_info - a table, as a register describes it
 * @base:	physical address
 * @nr_pages:	how many pages it has; level-1, if indirect
 * @entry_size:	of an ID, in bytes
 * @page_size:	as encoded in the register, if with other bits above
 * @indirect:	it is a level-1 table
 */
struct its_table_info {
	phys_addr_t		base;
	u64			page_size;
	u32			nr_pages;
	u32			entry_size;
	bool			indirect;
};

enum its_device_state {
	ITS_DEVICE_NONE,	/* nothing is known of it */
	ITS_DEVICE_RESERVED,	/* has an ITT, waits for MAPD */
	ITS_DEVICE_MAPPED,
	ITS_DEVICE_UNMAPPING,	/* until MAPD and a later SYNC are consumed */
	ITS_DEVICE_BROKEN,	/* the ITS failed on a command: nobody knows */
};

/* What an event translates to: an LPI, or a vLPI of a vPE. */
#define ITS_EVENT_MAPPED	BIT(31)
#define ITS_EVENT_VIRTUAL	BIT(30)
#define ITS_EVENT_INTID		GENMASK(15, 0)
#define ITS_EVENT_VPE		GENMASK(15, 0)

/**
 * struct its_device_record - what EL2 knows of a DeviceID
 * @events:	one per EventID
 * @next:	in the list of those that wait for a SYNC, or were handed over
 * @itt:	physical address of the ITT
 * @nr_mapped:	how many of @events are mapped
 * @event_bits:	log2 of the number of @events
 * @state:	enum its_device_state
 * @in_place:	the ITT was the driver's and is never used again
 */
struct its_device_record {
	u32			*events;
	struct its_device_record	*next;
	phys_addr_t		itt;
	u32			nr_mapped;
	u8			event_bits;
	u8			state;
	bool			in_place;
};

/**
 * struct its_vpe_record - what EL2 knows of a vPEID, the same on every ITS
 * @vpt:	pending table: host memory, shared and pinned; 0 if there is none
 * @vconf:	likewise for the configuration table; 0 on GICv4.0 if the vPE wasn't bound
 * @mapped:	the ITSs that map it, by &struct its.nr
 * @mapping:	those of @mapped that haven't consumed the command yet
 * @unmapping:	the ITSs that may still use the vPE though it is not @mapped
 * @unmapped:	those of @unmapping that have consumed the command, GICv4.0
 * @syncing:	those of @unmapping whose queue holds the VSYNC that ends it, GICv4.0
 * @by_vpt:	in a list of those that have a pending table
 * @resident:	the redistributor where it was made resident last, see redist_has_vpe()
 * @bound:	the host has told of its tables by a hypercall
 */
struct its_vpe_record {
	phys_addr_t		vpt;
	phys_addr_t		vconf;
	u64			mapped;
	u64			mapping;
	u64			unmapping;
	u64			unmapped;
	u64			syncing;
	struct hlist_node	by_vpt;
	struct redist		*resident;
	bool			bound;
};

enum its_note_type {
	ITS_NOTE_NONE,
	ITS_NOTE_MAPD,		/* the device waits for a SYNC */
	ITS_NOTE_SYNC,		/* the devices that wait are done with */
	ITS_NOTE_VMAPP,		/* the vPE is mapped, or unmapped */
	ITS_NOTE_VSYNC,		/* if it is unmapped, the vPE is done with */
};

/**
 * struct its_note - what to do when the ITS has consumed a slot
 * @what:	enum its_note_type, 0 for nothing
 * @id:		DeviceID or vPEID
 */
struct its_note {
	u32			what;
	u32			id;
};

/* A command, in the byte order of the CPU */
struct its_cmd {
	u64			dw[4];
};

/**
 * struct its - an ITS that the host drives
 *
 * Constant once taken over:
 * @frame:	control frame, as mapped at EL2
 * @base:	its physical address
 * @typer:	GITS_TYPER
 * @nr:		index, for &struct its_vpe_record.mapped
 * @ctlr:	pinned value of GITS_CTLR, without the bits of @ctlr_host
 * @ctlr_host:	bits of GITS_CTLR that the host may set and clear
 * @cbaser:	pinned value of GITS_CBASER, 0 if the ITS must not be enabled
 * @baser:	pinned values of GITS_BASER<n>
 * @itt_entry_size: in bytes; a quirk may contradict GITS_TYPER
 * @vlpi_rd_offset: what a quirk adds to the RDbase of vPEs
 * @flush:	the ITS doesn't snoop the caches when it reads the queue
 * @proxy:	the queue that the host writes
 * @queue:	the queue that the ITS reads
 * @size:	of both, in bytes
 * @notes:	one per slot
 * @device_table: levels of the device table
 * @vpe_table:	likewise of the vPE table
 * @nr_device_ids: all DeviceIDs are below
 * @nr_collections: all ICIDs are below
 *
 * @lock:	guards what follows, down to @stats
 * @devices:	root of the records of devices
 * @collections: RDbase of each ICID, bit 0 set if mapped
 * @write:	offset up to which EL2 has filled the queue
 * @read:	offset up to which it knows the slots to be consumed
 * @nr_notes:	slots between the two with a note
 * @last_device: the record that was looked up last for a command, if there was one;
 *		records stay where they are
 * @last_device_id: its DeviceID
 * @last_rdbase: an RDbase that is valid, bit 0 set; 0 if none is known
 * @waiting:	devices whose MAPD has been consumed and that wait for a SYNC
 * @nr_unmapping: devices in state ITS_DEVICE_UNMAPPING
 * @handed_over: devices mapped before the take-over, during it
 * @nr_taken:	see its_nr_taken(), when the take-over began
 * @enabled:	what GITS_CTLR.Enabled has to be
 * @quiesced:	the ITS had nothing in its caches when the system was suspended
 * @lost:	the ITS lost its state: it stays disabled for good
 * @stats:	see enum pkvm_its_stat
 *
 * @spares:	free ITTs by event bits, see its_alloc_device(), which has a lock for them
 * @state:	enum pkvm_its_state, released once all of the above is set up
 */
struct its {
	hyp_spinlock_t		lock;
	u32			state;
	u32			nr;
	void __iomem		*frame;
	phys_addr_t		base;
	u64			typer;
	u32			ctlr;
	u32			ctlr_host;
	u64			cbaser;
	u64			baser[GITS_BASER_NR_REGS];

	u32			itt_entry_size;
	u32			vlpi_rd_offset;
	bool			flush;
	const __le64		*proxy;
	__le64			*queue;
	u64			size;
	struct its_note		*notes;
	void			*devices;
	struct its_table	device_table;
	struct its_table	vpe_table;
	u64			nr_device_ids;
	u32			nr_collections;

	u64			*collections;
	u64			write;
	u64			read;
	u32			nr_notes;
	u32			nr_unmapping;
	struct its_device_record	*last_device;
	u32			last_device_id;
	u64			last_rdbase;
	struct its_device_record	*waiting;
	struct its_device_record	*handed_over;
	u64			nr_taken;
	bool			enabled;
	bool			quiesced;
	bool			lost;
	u64			stats[PKVM_ITS_NR_STATS];

	struct its_spare	*spares[ITS_MAX_EVENT_BITS + 1];
};

static inline bool its_is_v4(const struct its *its)
{
	return its->typer & GITS_TYPER_VLPIS;
}

static inline bool its_is_v4_1(const struct its *its)
{
	return its->typer & GITS_TYPER_VMAPP;
}

/* its_emulate.c: registers, queue, take-over */
int its_protect(phys_addr_t base, bool closed);
int its_add_redistributor(phys_addr_t base, u32 processor);
int its_take_table(struct its_table *table, const struct its_table_info *info, u64 *missing);
s64 its_take_redistributor(phys_addr_t base);
s64 its_prepare(phys_addr_t base, const struct pkvm_its_quirks *quirks);
s64 its_hand_over_device(phys_addr_t base, u32 device_id, phys_addr_t itt, u32 event_bits);
int its_hand_over_events(phys_addr_t base, u32 device_id, u32 first, u32 intid, u64 mask);
int its_hand_over_collection(phys_addr_t base, u32 icid, u64 rdbase);
int its_take_over(phys_addr_t base, phys_addr_t proxy, u64 offset);
void its_abort(phys_addr_t base);
phys_addr_t its_seal(void);
bool its_is_sealed(void);
s64 its_reserve_device(phys_addr_t base, u32 device_id, u32 event_bits);
s64 its_reserve_vpe(phys_addr_t base, u32 vpe_id);
u64 its_stat(phys_addr_t base, u32 stat);
bool its_may_lose_power(void);
u16 its_list(u64 its_mask);

/* its_command.c: what the host may make the ITS do */
enum pkvm_its_verdict its_filter(struct its *its, struct its_cmd *cmd, struct its_note *note);
void its_build_sync(const struct its *its, struct its_cmd *cmd);
void its_retire(struct its *its, const struct its_note *note);
void its_give_up(struct its *its, const struct its_cmd *cmd);
int its_add_rdbase(phys_addr_t base, u32 processor);
int its_set_id_bits(u32 lpi_bits, u32 vpe_bits);
u32 its_lpi_bits(void);
bool its_lpi_is_valid(u32 intid);
struct its_vpe_record *its_find_vpe_by_vpt(phys_addr_t vpt);
int its_bind_vpe(u32 vpe_id, phys_addr_t vpt, phys_addr_t vconf);
int its_unbind_vpe(u32 vpe_id);
bool its_unpin_vpe(struct its_vpe_record *vpe);
enum pkvm_its_verdict its_map_event(struct its_device_record *device, u32 event, u32 intid);
enum pkvm_its_verdict its_map_collection(struct its *its, u32 icid, u64 rdbase);
void its_forget_events(struct its_device_record *device);

/* its_memory.c: what the ITS reaches, and what EL2 remembers of it */
int its_arena_donate(u64 pfn, u32 order);
void its_arena_set_limit(phys_addr_t limit);
bool its_arena_in_limit(phys_addr_t pa, u64 size);
void *its_arena_alloc(u64 size, u64 *missing);
void its_arena_free(void *block, u64 size);
u64 its_arena_bytes(void);
struct its_device_record *its_find_device(const struct its *its, u32 device_id);
struct its_device_record *its_make_device(struct its *its, u32 device_id, u64 *missing);
extern hyp_spinlock_t its_vpe_lock;
struct its_vpe_record *its_find_vpe(u32 vpe_id);
struct its_vpe_record *its_make_vpe(u32 vpe_id, u64 *missing);
bool its_table_has(const struct its_table *table, u32 id);
bool its_table_is_ready(const struct its_table *table, u32 id);
int its_table_add(const struct its_table *table, u32 id, u64 *missing);
u64 its_itt_size(const struct its *its, u32 event_bits);
u64 its_events_size(u32 event_bits);
int its_alloc_device(struct its *its, u32 event_bits, struct its_device_record *device,
		     u64 *missing);
void its_free_device(struct its *its, const struct its_device_record *device);
int its_take_pages(phys_addr_t pa, u64 size, u64 *missing);
u64 its_nr_taken(void);
u64 its_taken_bytes(void);
void its_give_back_pages(u64 keep);

#endif /* __KVM_NVHE_ITS_EMULATE_H__ */
