/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_NVHE_REDIST_H__
#define __KVM_NVHE_REDIST_H__

#include <linux/types.h>

#include <asm/kvm_its.h>

struct its_vpe_record;

/**
 * struct redist - a redistributor, whether or not its CPU is in use
 * @frame:	RD_base, as mapped at EL2
 * @vlpi:	VLPI_base, likewise; NULL if it doesn't support vLPIs
 * @base:	physical address of RD_base
 * @typer:	GICR_TYPER
 * @propbaser:	pinned value of GICR_PROPBASER; 0 if LPIs must not be enabled
 * @pendbaser:	likewise of GICR_PENDBASER
 * @vpe_table:	pinned value of GICR_VPROPBASER, GICv4.1; 0 if vPEs can't be resident
 * @has_inv:	it has GICR_INVLPIR and GICR_INVALLR
 * @taken:	the tables of LPIs are EL2's, or shared with it
 *
 * Guarded by its_vpe_lock:
 * @next_vconf:	value of GICR_VPROPBASER for the vPE to come, GICv4.0
 * @vpe:	the vPE that was made resident last; NULL if it isn't any more for sure
 *
 * @off:	its CPU is in the hands of firmware, so it may be without power, and there
 *		is a vPE; see redist_power_down()
 * @stats:	see enum pkvm_redist_stat; not exact
 */
struct redist {
	void __iomem		*frame;
	void __iomem		*vlpi;
	phys_addr_t		base;
	u64			typer;
	u64			propbaser;
	u64			pendbaser;
	u64			vpe_table;
	bool			has_inv;
	bool			taken;

	u64			next_vconf;
	struct its_vpe_record	*vpe;

	bool			off;
	u64			stats[PKVM_REDIST_NR_STATS];
};

int redist_protect(phys_addr_t base);
int redist_take_over(phys_addr_t base, u64 *missing);
struct redist *redist_find(void);
phys_addr_t redist_not_taken(void);
bool redist_tables_have(u32 vpe_id);
int redist_tables_add(u32 vpe_id, u64 *missing);
bool redist_has_vpe(struct its_vpe_record *vpe);
void redist_power_down(struct redist *rd);
void redist_power_up(struct redist *rd);
u64 redist_stat(u32 stat);

#endif /* __KVM_NVHE_REDIST_H__ */
