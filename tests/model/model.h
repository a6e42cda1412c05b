/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A machine small enough to be taken apart: memory and who owns it (memory.c),
 * ITSs that master it (its.c), a host (host.c), the code of EL2 as it is in
 * arch/arm64/kvm/hyp/nvhe, and an oracle that looks at all of them (oracle.c).
 */
#ifndef _MODEL_H
#define _MODEL_H

#include <linux/bitfield.h>
#include <linux/errno.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/sizes.h>
#include <linux/types.h>

#include <asm/kvm_its.h>
#include <asm/page.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/memory.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/**
 * struct config - the machine
 * @nr_its:	1 to MAX_ITS
 * @version:	of the GIC: 30, 40 or 41
 * @pta:	RDbase is an address
 * @vmovp:	one VMOVP serves all ITSs
 * @indirect:	two-level tables of devices and vPEs
 * @in_chip:	collections are in the ITS, not in a table
 * @page_size:	of the ITS, in bytes
 * @queue_size:	in bytes
 * @itt_entry_size: in bytes
 * @lying_typer: GITS_TYPER says less than @itt_entry_size
 * @vlpi_rd_offset: added to the RDbase of vPEs, with @pta
 * @device_bits: of a DeviceID
 * @shared_vpes: GICv4.1: all ITSs have the same vPE table
 * @non_coherent: the ITS doesn't snoop
 * @dma32:	it drops the upper bits of addresses
 * @stall:	an error stops the queue instead of being skipped
 * @busy:	enabled, it is never quiescent
 * @eager:	it makes progress whenever EL2 looks at a register; so do redistributors
 * @direct_lpis: redistributors have GICR_SETLPIR and GICR_CLRLPIR
 * @inv_lpis:	they have GICR_INVLPIR and GICR_INVALLR; so have they otherwise, on GICv4.1
 *		or with @direct_lpis
 * @sticky_lpis: LPIs can't be disabled once they are enabled
 * @rd_tables:	GICv4.1 without @shared_vpes: redistributors have 1 or 2 vPE tables
 */
struct config {
	u32	nr_its;
	u32	version;
	bool	pta;
	bool	vmovp;
	bool	indirect;
	bool	in_chip;
	u32	page_size;
	u32	queue_size;
	u32	itt_entry_size;
	bool	lying_typer;
	u32	vlpi_rd_offset;
	u32	device_bits;
	bool	shared_vpes;
	bool	non_coherent;
	bool	dma32;
	bool	stall;
	bool	busy;
	bool	eager;
	bool	direct_lpis;
	bool	inv_lpis;
	bool	sticky_lpis;
	u32	rd_tables;
};

extern struct config config;

#define MAX_ITS			4
#define NR_RDS			4
#define NR_RD_FRAMES		5	/* the last one is of a CPU that never came online */
#define EVENT_ID_BITS		16
#define LPI_BITS		16
#define VPE_BITS		12
#define VPE_BLOCK		SZ_64K

/* Physical addresses. Part of the memory is beyond 4 GiB. */
#define FRAME_BASE(n)		(0x8080000ULL + (n) * 0x40000ULL)
#define FRAME_SIZE		SZ_64K
#define VLPI_FRAME		SZ_128K		/* from RD_base */
#define RD_BASE(n)		(0x80a0000ULL + 0x1000000ULL + (n) * RD_STRIDE)
#define RD_STRIDE		0x40000ULL
#define RAM_BASE		0xff000000ULL
#define RAM_SIZE		(32ULL << 20)
#define RAM_END			(RAM_BASE + RAM_SIZE)

/* model.c: what goes wrong ends the run */
void __attribute__((noreturn)) __printf(2, 3) violation(const char *rule, const char *fmt, ...);
#define require(rule, what, ...)	({ if (!(what)) violation(rule, __VA_ARGS__); })
void __printf(1, 2) say(const char *fmt, ...);
extern bool verbose;
extern unsigned int this_cpu;		/* that EL2 runs on, ANY_CPU if it doesn't matter */
#define ANY_CPU			~0U
void model_reset(const struct config *config);
void el2_enter(void);
void el2_leave(void);
extern void (*race)(void);		/* another CPU, once, when EL2 takes a lock ... */
extern u32 race_after;			/* ... after so many others */
extern bool honest;			/* no command may be refused */
extern u64 nr_refused;

/* el2.c: inside of its_memory.c */
void el2_walk_free(void (*fn)(phys_addr_t pa, u64 size));
void el2_walk_spares(struct its *its, void (*fn)(struct its *its, phys_addr_t itt, void *events,
						u32 event_bits));
void el2_walk_chunks(void (*fn)(phys_addr_t pa, u64 size));
bool el2_in_place(phys_addr_t pa, u64 size);
u64 el2_block_size(u64 size);
void *el2_vpe_root(void);

/* memory.c */
enum owner { OWNER_HOST, OWNER_HYP, OWNER_GUEST };

/**
 * struct page - as hyp_vmemmap has it, and what the model adds
 * @owner:	who may do what it likes with it
 * @shared:	the host has shared it with EL2
 * @its:	given to EL2 for the ITSs
 * @used:	host.c has allocated it
 * @dirty:	not as model_reset() left it
 * @pins:	reference count
 */
struct page {
	u8	owner;
	bool	shared;
	bool	its;
	bool	used;
	bool	dirty;
	u16	pins;
};

void memory_reset(void);
void memory_enter(void);
struct page *page_of(phys_addr_t pa);
u64 memory_taken(void);
bool in_ram(phys_addr_t pa, u64 size);
bool host_may_access(phys_addr_t pa, u64 size);
int host_share(phys_addr_t pa);
int host_unshare(phys_addr_t pa);
int host_donate_guest(phys_addr_t pa);
int host_reclaim_guest(phys_addr_t pa);
int host_donate_private(phys_addr_t pa);	/* to EL2, but not to the ITS code */
void host_write(phys_addr_t pa, const void *data, u64 size);
void host_write_clean(phys_addr_t pa, const void *data, u64 size);
void host_fill(phys_addr_t pa, u64 value, u64 size, bool clean);
u64 host_read64(phys_addr_t pa);
extern bool oracle_on;			/* after the seal */
extern bool mmio_sealed;
extern u64 total_pins;
void memory_toctou(unsigned int nr_reads, const u64 *slot);
bool memory_is_published(void);

enum dma { DMA_QUEUE, DMA_TABLE, DMA_ITT, DMA_VPE, DMA_PENDING };
void dma_read(phys_addr_t pa, void *data, u64 size, enum dma what);
void dma_write(phys_addr_t pa, const void *data, u64 size, enum dma what);

/* its.c */
enum use { USE_QUEUE, USE_TABLE, USE_ITT, USE_PENDING, USE_CONFIG, USE_VPT, USE_VCONF };
typedef void (*use_fn)(enum use use, unsigned int its, u32 id, phys_addr_t pa, u64 size);

struct vte {
	bool	valid;
	u32	size;
	u64	vpt, vconf, rdbase;
};

/* Who writes the entry of a vPE, if not a single ITS */
#define VTE_OF_ALL	99
#define VTE_OF_RDS	98

void hw_reset(void);
u64 hw_typer(void);
unsigned int hw_step(unsigned int its, unsigned int nr);
void hw_msi(unsigned int its, u32 device, u32 event);
void hw_evict(unsigned int its);
void hw_fail_next(unsigned int its);
void hw_lose_power(unsigned int its, bool restore);
u64 hw_peek(unsigned int its, u32 offset);
void hw_poke(unsigned int its, u32 offset, u64 value, unsigned int size);
bool hw_is_idle(unsigned int its);
bool hw_is_exact(unsigned int its);	/* it has done all that it was told to do */
bool hw_all_exact(void);
u64 hw_page_size(u64 baser);
bool hw_get_vte(u64 baser, u32 whose, u32 vpe, struct vte *vte);
bool hw_put_vte(u64 baser, u32 whose, u32 vpe, const struct vte *vte);
bool hw_device_is_mapped(unsigned int its, u32 device, phys_addr_t *itt, u32 *bits);
u64 hw_consumed(unsigned int its);
u64 hw_errors(void);
void hw_walk_uses(unsigned int its, use_fn fn);
void *hw_frame(unsigned int its);
void hw_pin_registers(void);
void hw_leave_at_work(unsigned int its);
u64 hw_pinned(unsigned int its, u32 offset);
extern unsigned int hw_accesses;	/* of registers, since EL2 was entered */

/* rd.c */
void rd_reset(void);
u64 rd_typer(unsigned int cpu);
bool rd_has_inv(void);
void *rd_frame(unsigned int cpu);
void rd_pin_registers(void);
u64 rd_pinned(unsigned int cpu, u32 offset);
void rd_vmapp(u32 vpe, const struct vte *vte);
bool rd_vpe_is_resident(u32 vpe);
void rd_work(void);
void rd_step(unsigned int cpu);
u64 rd_peek(unsigned int cpu, u32 offset);	/* with power or without */
u64 rd_read(unsigned int cpu, u32 offset);
void rd_poke(unsigned int cpu, u32 offset, u64 value, unsigned int size);
void rd_leave_resident(unsigned int cpu);
bool rd_find(const volatile void *reg, unsigned int size, unsigned int *cpu, u32 *offset);
void rd_lose_power(unsigned int cpu, bool restore);
void rd_power(unsigned int cpu, bool on);
bool rd_has_power(unsigned int cpu);
bool rd_is_own(u32 offset, u64 value);
void rd_all_arrived(void);
void rd_walk_uses(unsigned int cpu, use_fn fn);

/* host.c: the driver, and what else a kernel can do */
enum rd_fail {
	RD_FINE,
	RD_OTHER_CONFIG,	/* the last one has a configuration table of its own */
	RD_OTHER_SIZE,		/* for less INTIDs */
	RD_NOT_SHARED,		/* the configuration table isn't shared with EL2 */
	RD_NOT_OWNED,		/* a pending table is */
	RD_RESIDENT,		/* a vPE is resident */
	RD_RESIDENT_EARLY,	/* when the frames are protected */
	RD_RESIDENT_LATE,	/* when all has been taken over */
	RD_LOST,		/* it isn't as it was when its frames were protected */
	RD_LOST_VPES,		/* GICv4.1: likewise, but for LPIs */
	RD_LPIS_LATE,		/* a CPU that is not online gets LPIs */
	RD_NOT_TAKEN,		/* the last one is left out */
	RD_VPES_NOT_OWNED,	/* the vPE table of GICv4.1 is shared */
	RD_VPES_UNALIGNED,	/* it isn't where it can be */
	RD_NO_LPIS,		/* GICv4.1: a vPE table, but no LPIs */
	RD_NR_FAILS
};

struct boot {
	void		(*before)(const struct config *c);	/* the take-over */
	void		(*prepared)(void);
	unsigned int	nr_devices;	/* mapped before the take-over, on each ITS */
	unsigned int	busy;		/* commands left unconsumed at the take-over */
	int		fail;		/* let the take-over of the last ITS fail in this step */
	enum rd_fail	rd_fail;	/* what is wrong about the redistributors */
	bool		give_up;	/* and don't try again */
	bool		disable;	/* and have that ITS disabled by then */
	bool		mmio_open;	/* a frame somewhere could not be protected */
	bool		one_more;	/* ITS, that nobody drives, ... */
	bool		at_work;	/* ... and that firmware has left at work */
};

void host_reset(void);
int host_boot(const struct boot *boot);
phys_addr_t host_alloc(u64 size, bool below_4g);
void host_free(phys_addr_t pa, u64 size);
enum pkvm_mmio_result host_mmio(unsigned int its, u64 offset, u64 value, unsigned int size);
bool host_abort(unsigned int its, u64 offset, u64 esr, u64 spsr, u64 value);
bool host_abort_at(phys_addr_t pa, u64 esr, u64 spsr, u64 value);
enum pkvm_mmio_result host_rd_mmio_from(unsigned int from, unsigned int cpu, u32 offset, u64 value,
					unsigned int size);
enum pkvm_mmio_result host_rd_mmio(unsigned int cpu, u32 offset, u64 value, unsigned int size);
u32 host_processor(unsigned int cpu);
phys_addr_t host_rd_table(unsigned int n);
s64 host_call(s64 (*fn)(unsigned int its, u32 a, u32 b), unsigned int its, u32 a, u32 b);
s64 call_reserve_device(unsigned int its, u32 device, u32 bits);
s64 call_reserve_vpe(unsigned int its, u32 vpe, u32 unused);
void host_queue(unsigned int its, const u64 *cmd);
void host_queue_raw(unsigned int its, const u64 *cmd);
void host_post(unsigned int its);
void host_wait(unsigned int its);
u64 host_offset(unsigned int its);
void host_set_offset(unsigned int its, u64 offset);
phys_addr_t host_proxy(unsigned int its);
u64 host_rdbase(unsigned int cpu);
bool host_ask(void);
bool host_suspend(bool restore);
void host_restart_driver(unsigned int its);

void drv_map_device(unsigned int its, u32 device, u32 bits);
void drv_unmap_device(unsigned int its, u32 device);
void drv_map_event(unsigned int its, u32 device, u32 event, u32 intid, unsigned int cpu);
void drv_move_event(unsigned int its, u32 device, u32 event, unsigned int cpu);
void drv_unmap_event(unsigned int its, u32 device, u32 event);
void drv_event(unsigned int its, u32 opcode, u32 device, u32 event);
int drv_alloc_vpe(u32 vpe, phys_addr_t vpt, phys_addr_t vconf);
void drv_map_vpe(unsigned int its, u32 vpe, phys_addr_t vpt, phys_addr_t vconf, unsigned int cpu);
void drv_move_vpe(u32 vpe, unsigned int cpu, u64 its_mask);
void drv_map_virtual(unsigned int its, u32 device, u32 event, u32 vpe, u32 vintid);
void drv_unmap_vpe(unsigned int its, u32 vpe);
void drv_free_vpe(phys_addr_t vpt, phys_addr_t vconf);
int drv_bind_vpe(u32 vpe, phys_addr_t vpt, phys_addr_t vconf);
int drv_unbind_vpe(u32 vpe);
void drv_load_vpe(unsigned int cpu, u32 vpe, phys_addr_t vpt, phys_addr_t vconf);
void load_vpe(unsigned int cpu, u32 vpe, phys_addr_t vpt, u64 vpropbaser, u64 flip);
void drv_put_vpe(unsigned int cpu, bool doorbell);
void put_vpe_in_haste(unsigned int cpu);
void drv_lpi(unsigned int cpu, u32 offset, u32 intid);
void drv_inv_vpe(unsigned int cpu, u32 vpe);
void host_cpu_leaves(unsigned int cpu);
void host_cpu_is_back(unsigned int cpu);
void host_power(unsigned int cpu, bool on);
void host_cpu_down(unsigned int cpu);
void drv_cpu_suspend(unsigned int cpu, bool restore, bool by_halves);
void drv_restore_lpis(unsigned int cpu, bool by_halves);
void drv_restore_vpe_table(unsigned int cpu);

/* oracle.c */
void oracle_reset(void);
void oracle_check(void);
void oracle_check_drained(void);

/* fuzz.c */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif /* _MODEL_H */
