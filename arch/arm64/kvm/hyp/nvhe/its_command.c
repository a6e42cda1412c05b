// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands that the host may give to an ITS.
 *
 * There is one row per command, with the fields it has and what must hold. A
 * command that has a row and passes is rebuilt from these fields alone; any other
 * becomes a SYNC, which the ITS carries out and the driver waits for as usual.
 *
 * The filter never looks at a table of the ITS, whose format is IMPLEMENTATION
 * DEFINED, but at records of its own, which follow the commands in the order in
 * which the ITS gets them. So it knows what is mapped, and keeps away from the ITS
 * all that is UNPREDICTABLE, or an error that could stall the queue. No address in
 * a command is used but one: that of the pending and configuration tables of a vPE,
 * which the host goes on to access; they are pinned, so that they can become
 * neither the hypervisor's nor a guest's.
 */

#include <linux/array_size.h>
#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/sizes.h>

#include <nvhe/its_emulate.h>
#include <nvhe/mem_protect.h>
#include <nvhe/redist.h>

/* Doubleword 0 */
#define CMD_OPCODE		GENMASK_ULL(7, 0)
#define CMD_DEVICE		GENMASK_ULL(63, 32)
#define CMD_SEQUENCE		GENMASK_ULL(47, 32)	/* VMOVP */
#define CMD_ALLOC		BIT_ULL(8)		/* VMAPP */
#define CMD_VCONF		GENMASK_ULL(51, 16)	/* VMAPP */
#define CMD_VSGI_CONFIG		(GENMASK_ULL(35, 32) | GENMASK_ULL(23, 20) | \
				 GENMASK_ULL(10, 8))
/* Doubleword 1 */
#define CMD_EVENT		GENMASK_ULL(31, 0)
#define CMD_INTID		GENMASK_ULL(63, 32)	/* MAPTI */
#define CMD_SIZE		GENMASK_ULL(4, 0)	/* MAPD */
#define CMD_VPE			GENMASK_ULL(47, 32)
#define CMD_ITS_LIST		GENMASK_ULL(15, 0)	/* VMOVP */
#define CMD_VMAPP_DOORBELL	GENMASK_ULL(31, 0)
/* Doubleword 2 */
#define CMD_VALID		BIT_ULL(63)
#define CMD_ICID		GENMASK_ULL(15, 0)
#define CMD_RDBASE		GENMASK_ULL(51, 16)
#define CMD_ITT			GENMASK_ULL(51, 8)	/* MAPD */
#define CMD_VINTID		GENMASK_ULL(31, 0)	/* VMAPTI */
#define CMD_DOORBELL		GENMASK_ULL(63, 32)
#define CMD_DOORBELL_VALID	BIT_ULL(0)		/* VMOVI */
#define CMD_VMOVP_DOORBELL_VALID BIT_ULL(63)
/* Doubleword 3 */
#define CMD_VPT			GENMASK_ULL(51, 16)	/* VMAPP */
#define CMD_VPT_SIZE		GENMASK_ULL(4, 0)	/* VMAPP */
#define CMD_VMOVP_DOORBELL	GENMASK_ULL(31, 0)

/* Tables of a vPE are allocated in these units, whatever they need. */
#define VPE_TABLE_SIZE		SZ_64K

/* Pages of a configuration table are pinned once by each vPE of a VM. */
#define VCONF_MAX_PINS		0x7fff

/*
 * What any ITS may name, the same for all: set up by the trusted host and not
 * changed after the seal.
 */
static struct {
	unsigned int	nr_rds;
	u64		by_base[NR_CPUS];	/* GITS_TYPER.PTA: RDbase is an address */
	u64		by_number[NR_CPUS];	/* or a processor number */
	u32		lpi_bits;
	u32		vpe_bits;
} machine;

/* Physical INTIDs that some event translates to; atomic, ITSs share them. */
static DECLARE_BITMAP(lpis_mapped, BIT(ITS_LPI_MAX_BITS));

/*
 * A VMOVP that has to be given to several ITSs, if GITS_TYPER.VMOVP is 0: the
 * same sequence number, list, vPE and target for all. Guarded by its_vpe_lock.
 */
static struct {
	u16		todo;			/* ITSs that haven't got it, by number */
	u16		list;
	u16		sequence;
	u32		vpe_id;
	u64		target;
} vmovp;

static void sorted_insert(u64 *array, unsigned int nr, u64 value)
{
	unsigned int i;

	for (i = nr; i > 0 && array[i - 1] > value; i--)
		array[i] = array[i - 1];
	array[i] = value;
}

static bool sorted_has(const u64 *array, unsigned int nr, u64 value)
{
	unsigned int left = 0, right = nr;

	while (left < right) {
		unsigned int cur = left + (right - left) / 2;

		if (array[cur] == value)
			return true;
		if (array[cur] < value)
			left = cur + 1;
		else
			right = cur;
	}

	return false;
}

static const u64 *its_rds(const struct its *its)
{
	return its->typer & GITS_TYPER_PTA ? machine.by_base : machine.by_number;
}

static bool rdbase_is_valid(const struct its *its, u64 rdbase)
{
	return sorted_has(its_rds(its), machine.nr_rds, rdbase);
}

/**
 * its_add_rdbase() - Let commands name a redistributor
 * @base:	physical address of its frames
 * @processor:	GICR_TYPER.Processor_Number
 *
 * Called by the trusted host, before the seal.
 *
 * Return: 0, or -EINVAL or -ENOSPC: nothing has changed.
 */
int its_add_rdbase(phys_addr_t base, u32 processor)
{
	if (!FIELD_FIT(CMD_RDBASE, processor) || (base & ~CMD_RDBASE))
		return -EINVAL;
	if (machine.nr_rds == ARRAY_SIZE(machine.by_base))
		return -ENOSPC;

	sorted_insert(machine.by_base, machine.nr_rds, base);
	sorted_insert(machine.by_number, machine.nr_rds, FIELD_PREP(CMD_RDBASE, processor));
	machine.nr_rds++;

	return 0;
}

/**
 * its_set_id_bits() - How many LPIs and vPEs there are
 * @lpi_bits:	of an INTID: what the tables of the redistributors cover
 * @vpe_bits:	of a vPEID
 *
 * Called by the trusted host, before the seal.
 *
 * Return: 0; -EINVAL if that can't be, or isn't what was said of another ITS, or
 * if no redistributor is known.
 */
int its_set_id_bits(u32 lpi_bits, u32 vpe_bits)
{
	if (lpi_bits <= ilog2(ITS_FIRST_LPI) || lpi_bits > ITS_LPI_MAX_BITS || vpe_bits > 16)
		return -EINVAL;
	if (machine.lpi_bits && (machine.lpi_bits != lpi_bits || machine.vpe_bits != vpe_bits))
		return -EINVAL;
	if (!machine.nr_rds)
		return -EINVAL;

	machine.lpi_bits = lpi_bits;
	machine.vpe_bits = vpe_bits;

	return 0;
}

/* How many bits the INTID of an LPI has; 0 as long as that isn't known. */
u32 its_lpi_bits(void)
{
	return machine.lpi_bits;
}

bool its_lpi_is_valid(u32 intid)
{
	return intid >= ITS_FIRST_LPI && intid < BIT(machine.lpi_bits);
}

static bool doorbell_is_valid(u32 intid)
{
	return intid == ITS_NO_DOORBELL || its_lpi_is_valid(intid);
}

/* @event is in the ITT and not mapped. */
static __always_inline enum pkvm_its_verdict map_lpi(struct its_device_record *device,
						     u32 event, u32 intid)
{
	if (!its_lpi_is_valid(intid))
		return ITS_BAD_INTID;
	if (test_and_set_bit(intid, lpis_mapped))
		return ITS_BUSY_INTID;

	device->events[event] = ITS_EVENT_MAPPED | intid;
	device->nr_mapped++;

	return ITS_ACCEPTED;
}

/* For what was mapped before the take-over. */
enum pkvm_its_verdict its_map_event(struct its_device_record *device, u32 event, u32 intid)
{
	if (event >> device->event_bits)
		return ITS_BAD_EVENT;
	if (device->events[event])
		return ITS_BAD_STATE;

	return map_lpi(device, event, intid);
}

static void its_unmap_event(struct its_device_record *device, u32 event)
{
	if (!(device->events[event] & ITS_EVENT_VIRTUAL))
		clear_bit(FIELD_GET(ITS_EVENT_INTID, device->events[event]), lpis_mapped);

	device->events[event] = 0;
	device->nr_mapped--;
}

/* Undo its_map_event() of a whole device, before the seal. */
void its_forget_events(struct its_device_record *device)
{
	for (u32 event = 0; device->nr_mapped && !(event >> device->event_bits); event++)
		if (device->events[event])
			its_unmap_event(device, event);
}

/*
 * Also for what was mapped before the take-over. A collection can't move: it is
 * UNPREDICTABLE with interrupts in it, and there is no need, as a driver has one
 * for each redistributor.
 */
enum pkvm_its_verdict its_map_collection(struct its *its, u32 icid, u64 rdbase)
{
	u64 mapping = rdbase | 1;

	if (icid >= its->nr_collections)
		return ITS_BAD_ICID;
	if (!rdbase_is_valid(its, rdbase))
		return ITS_BAD_RDBASE;
	if (its->collections[icid] && its->collections[icid] != mapping)
		return ITS_BAD_STATE;

	its->collections[icid] = mapping;

	return ITS_ACCEPTED;
}

/**
 * struct its_args - what the checks of a row have found
 * @device:	if CHECK_DEVICE, mapped
 * @event:	if CHECK_DEVICE, below the size of its ITT
 * @vpe:	if CHECK_VPE, NULL if it was never reserved
 */
struct its_args {
	struct its_device_record	*device;
	u32			event;
	struct its_vpe_record		*vpe;
};

typedef enum pkvm_its_verdict (*its_command_fn)(struct its *its, struct its_cmd *cmd,
						const struct its_args *args,
						struct its_note *note);

/*
 * The ITT is the one that was reserved: the address in the command is ignored, and
 * so is its size when the device is unmapped.
 */
static enum pkvm_its_verdict its_mapd(struct its *its, struct its_cmd *cmd,
				      const struct its_args *args, struct its_note *note)
{
	u32 id = FIELD_GET(CMD_DEVICE, cmd->dw[0]);
	struct its_device_record *device = its_find_device(its, id);

	if (!device)
		return ITS_BAD_DEVICE;

	if (!(cmd->dw[2] & CMD_VALID)) {
		/* UNPREDICTABLE with events still mapped */
		if (device->state != ITS_DEVICE_MAPPED || device->nr_mapped)
			return ITS_BAD_STATE;

		device->state = ITS_DEVICE_UNMAPPING;
		its->nr_unmapping++;
		*note = (struct its_note){ ITS_NOTE_MAPD, id };
		cmd->dw[1] = 0;
		cmd->dw[2] = 0;

		return ITS_ACCEPTED;
	}

	if (device->state != ITS_DEVICE_RESERVED)
		return device->state == ITS_DEVICE_NONE ? ITS_BAD_DEVICE : ITS_BAD_STATE;
	if (FIELD_GET(CMD_SIZE, cmd->dw[1]) + 1 != device->event_bits)
		return ITS_BAD_SIZE;

	device->state = ITS_DEVICE_MAPPED;
	cmd->dw[2] = CMD_VALID | (device->itt & CMD_ITT);

	return ITS_ACCEPTED;
}

static enum pkvm_its_verdict its_mapc(struct its *its, struct its_cmd *cmd,
				      const struct its_args *args, struct its_note *note)
{
	/* UNPREDICTABLE with interrupts in it, and no driver does it */
	if (!(cmd->dw[2] & CMD_VALID))
		return ITS_BAD_STATE;

	return its_map_collection(its, FIELD_GET(CMD_ICID, cmd->dw[2]),
				  cmd->dw[2] & CMD_RDBASE);
}

static enum pkvm_its_verdict its_mapti(struct its *its, struct its_cmd *cmd,
				       const struct its_args *args, struct its_note *note)
{
	return map_lpi(args->device, args->event, FIELD_GET(CMD_INTID, cmd->dw[1]));
}

static enum pkvm_its_verdict its_mapi(struct its *its, struct its_cmd *cmd,
				      const struct its_args *args, struct its_note *note)
{
	return map_lpi(args->device, args->event, args->event);
}

static enum pkvm_its_verdict its_discard(struct its *its, struct its_cmd *cmd,
					 const struct its_args *args, struct its_note *note)
{
	its_unmap_event(args->device, args->event);

	return ITS_ACCEPTED;
}

/* It ends the use of the ITTs whose MAPD comes before it. */
static enum pkvm_its_verdict its_sync(struct its *its, struct its_cmd *cmd,
				      const struct its_args *args, struct its_note *note)
{
	if (its->nr_unmapping)
		note->what = ITS_NOTE_SYNC;

	return ITS_ACCEPTED;
}

static u64 its_bit(const struct its *its)
{
	return BIT_ULL(its->nr);
}

/*
 * vPEs whose tables are pinned, by the address of the pending table. Guarded by
 * its_vpe_lock. Drivers allocate one after the other; a host that has them all in one
 * list pays for it, within what a vPEID can count.
 */
static struct hlist_head vpes_by_vpt[256];

static struct hlist_head *vpe_list(phys_addr_t vpt)
{
	return &vpes_by_vpt[vpt / VPE_TABLE_SIZE % ARRAY_SIZE(vpes_by_vpt)];
}

/* The caller holds the lock of the vPEs. NULL if it is the pending table of none. */
struct its_vpe_record *its_find_vpe_by_vpt(phys_addr_t vpt)
{
	struct its_vpe_record *vpe;

	hlist_for_each_entry(vpe, vpe_list(vpt), by_vpt)
		if (vpe->vpt == vpt)
			return vpe;

	return NULL;
}

/*
 * Unless something uses its tables, or is about to. The vPE has tables; the caller holds
 * the lock of the vPEs.
 */
bool its_unpin_vpe(struct its_vpe_record *vpe)
{
	if (vpe->bound || vpe->mapped || vpe->unmapping || redist_has_vpe(vpe))
		return false;

	hlist_del_init(&vpe->by_vpt);
	if (vpe->vconf)
		pkvm_unpin_shared(vpe->vconf, VPE_TABLE_SIZE);
	pkvm_unpin_shared(vpe->vpt, VPE_TABLE_SIZE);
	vpe->vpt = 0;
	vpe->vconf = 0;

	return true;
}

/*
 * Done when the vPE is bound, or by the first ITS that maps it. The pending table must
 * be in nobody else's use: one vPE, one pending table. Address 0 is no memory of a vPE.
 */
static bool vpe_pin(struct its_vpe_record *vpe, phys_addr_t vpt, phys_addr_t vconf)
{
	if (!vpt || !its_arena_in_limit(vpt, VPE_TABLE_SIZE) ||
	    pkvm_pin_shared(vpt, VPE_TABLE_SIZE, 0))
		return false;

	if (vconf && (!its_arena_in_limit(vconf, VPE_TABLE_SIZE) ||
		      pkvm_pin_shared(vconf, VPE_TABLE_SIZE, VCONF_MAX_PINS))) {
		pkvm_unpin_shared(vpt, VPE_TABLE_SIZE);
		return false;
	}

	vpe->vpt = vpt;
	vpe->vconf = vconf;
	hlist_add_head(&vpe->by_vpt, vpe_list(vpt));

	return true;
}

/**
 * its_bind_vpe() - Tell EL2 of the tables of a vPE
 * @vpe_id:	vPEID, reserved before
 * @vpt:	physical address of its pending table, shared with EL2
 * @vconf:	likewise of its configuration table
 *
 * On GICv4.0, a vPE may be resident before an ITS maps it, and after, and no command
 * tells of the configuration table. Called without a lock, at any time, by a host that
 * is not trusted.
 *
 * Return: 0; -ENOENT if it was never reserved; -EBUSY if it has tables; -EINVAL; or
 * -EPERM if these are no memory for it. Upon an error nothing has changed.
 */
int its_bind_vpe(u32 vpe_id, phys_addr_t vpt, phys_addr_t vconf)
{
	struct its_vpe_record *vpe;
	int ret = 0;

	if (!FIELD_FIT(CMD_VPE, vpe_id) || (vpt & ~CMD_VPT) || (vconf & ~CMD_VCONF) || !vconf)
		return -EINVAL;

	hyp_spin_lock(&its_vpe_lock);
	vpe = its_find_vpe(vpe_id);
	if (!vpe)
		ret = -ENOENT;
	else if (vpe->vpt)
		ret = -EBUSY;
	else if (!vpe_pin(vpe, vpt, vconf))
		ret = -EPERM;
	else
		vpe->bound = true;
	hyp_spin_unlock(&its_vpe_lock);

	return ret;
}

/**
 * its_unbind_vpe() - Undo its_bind_vpe()
 * @vpe_id:	vPEID
 *
 * Return: 0: the tables are not pinned any more; -EBUSY: an ITS or a redistributor uses
 * them yet, and the last to do so unpins them; -EINVAL: it wasn't bound.
 */
int its_unbind_vpe(u32 vpe_id)
{
	struct its_vpe_record *vpe;
	int ret = -EINVAL;

	if (!FIELD_FIT(CMD_VPE, vpe_id))
		return -EINVAL;

	hyp_spin_lock(&its_vpe_lock);
	vpe = its_find_vpe(vpe_id);
	if (vpe && vpe->bound) {
		vpe->bound = false;
		ret = its_unpin_vpe(vpe) ? 0 : -EBUSY;
	}
	hyp_spin_unlock(&its_vpe_lock);

	return ret;
}

static enum pkvm_its_verdict its_vmapp(struct its *its, struct its_cmd *cmd,
				       const struct its_args *args, struct its_note *note)
{
	u32 id = FIELD_GET(CMD_VPE, cmd->dw[1]);
	struct its_vpe_record *vpe = args->vpe;
	phys_addr_t vpt, vconf = 0;

	if (!vpe || !its_table_is_ready(&its->vpe_table, id) || !redist_tables_have(id))
		return ITS_BAD_VPE;
	if (vmovp.todo && vmovp.vpe_id == id)
		return ITS_BAD_SEQUENCE;
	/* Alloc says which ITS is the first or the last: not while two are at it */
	if ((vpe->mapping | vpe->unmapping) & ~its_bit(its))
		return ITS_BAD_STATE;

	if (!(cmd->dw[2] & CMD_VALID)) {
		if (!(vpe->mapped & its_bit(its)))
			return ITS_BAD_STATE;
		/* UNPREDICTABLE; on GICv4.0, the ITS has no part in that */
		if (its_is_v4_1(its) && redist_has_vpe(vpe))
			return ITS_BAD_STATE;

		WRITE_ONCE(vpe->mapped, vpe->mapped & ~its_bit(its));
		vpe->unmapping |= its_bit(its);
		*note = (struct its_note){ ITS_NOTE_VMAPP, id };
		cmd->dw[0] = GITS_CMD_VMAPP;
		if (its_is_v4_1(its) && !vpe->mapped)
			cmd->dw[0] |= CMD_ALLOC;
		cmd->dw[1] &= CMD_VPE;
		cmd->dw[2] = 0;
		cmd->dw[3] = 0;

		return ITS_ACCEPTED;
	}

	if ((vpe->mapped | vpe->unmapping) & its_bit(its))
		return ITS_BAD_STATE;
	if (!rdbase_is_valid(its, (cmd->dw[2] & CMD_RDBASE) - its->vlpi_rd_offset))
		return ITS_BAD_RDBASE;
	if (FIELD_GET(CMD_VPT_SIZE, cmd->dw[3]) + 1 != machine.lpi_bits)
		return ITS_BAD_SIZE;

	vpt = cmd->dw[3] & CMD_VPT;
	if (its_is_v4_1(its)) {
		if (!doorbell_is_valid(FIELD_GET(CMD_VMAPP_DOORBELL, cmd->dw[1])))
			return ITS_BAD_INTID;
		vconf = cmd->dw[0] & CMD_VCONF;
		if (!vconf)
			return ITS_BAD_MEMORY;
	}

	if (vpe->vpt) {
		if (vpt != vpe->vpt || (its_is_v4_1(its) && vconf != vpe->vconf))
			return ITS_BAD_MEMORY;
	} else if (!vpe_pin(vpe, vpt, vconf)) {
		return ITS_BAD_MEMORY;
	}

	/* PTZ is 0: who knows what is in the host's memory */
	cmd->dw[0] = GITS_CMD_VMAPP;
	if (its_is_v4_1(its)) {
		cmd->dw[0] |= vconf;
		if (!vpe->mapped)
			cmd->dw[0] |= CMD_ALLOC;
	} else {
		cmd->dw[1] &= CMD_VPE;
	}

	WRITE_ONCE(vpe->mapped, vpe->mapped | its_bit(its));
	vpe->mapping |= its_bit(its);
	*note = (struct its_note){ ITS_NOTE_VMAPP, id };

	return ITS_ACCEPTED;
}

static u32 event_of_vpe(const struct its_cmd *cmd)
{
	return ITS_EVENT_MAPPED | ITS_EVENT_VIRTUAL |
	       FIELD_PREP(ITS_EVENT_VPE, FIELD_GET(CMD_VPE, cmd->dw[1]));
}

static enum pkvm_its_verdict map_vlpi(const struct its_cmd *cmd, const struct its_args *args,
				      u32 vintid)
{
	if (!its_lpi_is_valid(vintid) || !doorbell_is_valid(FIELD_GET(CMD_DOORBELL, cmd->dw[2])))
		return ITS_BAD_INTID;

	args->device->events[args->event] = event_of_vpe(cmd);
	args->device->nr_mapped++;

	return ITS_ACCEPTED;
}

static enum pkvm_its_verdict its_vmapti(struct its *its, struct its_cmd *cmd,
					const struct its_args *args, struct its_note *note)
{
	return map_vlpi(cmd, args, FIELD_GET(CMD_VINTID, cmd->dw[2]));
}

static enum pkvm_its_verdict its_vmapi(struct its *its, struct its_cmd *cmd,
				       const struct its_args *args, struct its_note *note)
{
	return map_vlpi(cmd, args, args->event);
}

static enum pkvm_its_verdict its_vmovi(struct its *its, struct its_cmd *cmd,
				       const struct its_args *args, struct its_note *note)
{
	if (!(cmd->dw[2] & CMD_DOORBELL_VALID))
		cmd->dw[2] = 0;
	else if (!doorbell_is_valid(FIELD_GET(CMD_DOORBELL, cmd->dw[2])))
		return ITS_BAD_INTID;

	args->device->events[args->event] = event_of_vpe(cmd);

	return ITS_ACCEPTED;
}

/* Does this ITS continue, or may it start, a VMOVP on several ITSs? */
static bool vmovp_in_sequence(const struct its *its, const struct its_cmd *cmd,
			      const struct its_vpe_record *vpe)
{
	u16 bit = its_list(its_bit(its)), list = FIELD_GET(CMD_ITS_LIST, cmd->dw[1]);
	u16 sequence = FIELD_GET(CMD_SEQUENCE, cmd->dw[0]);
	u32 vpe_id = FIELD_GET(CMD_VPE, cmd->dw[1]);
	u64 target = cmd->dw[2] & CMD_RDBASE;

	if (!vmovp.todo) {
		if (list != its_list(vpe->mapped))
			return false;

		vmovp.todo = list;
		vmovp.list = list;
		vmovp.sequence = sequence;
		vmovp.vpe_id = vpe_id;
		vmovp.target = target;
	}

	if (!(vmovp.todo & bit) || list != vmovp.list || sequence != vmovp.sequence ||
	    vpe_id != vmovp.vpe_id || target != vmovp.target)
		return false;

	vmovp.todo &= ~bit;

	return true;
}

static enum pkvm_its_verdict its_vmovp(struct its *its, struct its_cmd *cmd,
				       const struct its_args *args, struct its_note *note)
{
	if (!rdbase_is_valid(its, (cmd->dw[2] & CMD_RDBASE) - its->vlpi_rd_offset))
		return ITS_BAD_RDBASE;

	if (!its_is_v4_1(its)) {
		cmd->dw[2] &= ~CMD_VMOVP_DOORBELL_VALID;
		cmd->dw[3] = 0;
	} else if (!(cmd->dw[2] & CMD_VMOVP_DOORBELL_VALID)) {
		cmd->dw[3] = 0;
	} else if (!doorbell_is_valid(FIELD_GET(CMD_VMOVP_DOORBELL, cmd->dw[3]))) {
		return ITS_BAD_INTID;
	}

	if (its->typer & GITS_TYPER_VMOVP) {
		cmd->dw[0] &= ~CMD_SEQUENCE;
		cmd->dw[1] &= ~CMD_ITS_LIST;
	} else if (!vmovp_in_sequence(its, cmd, args->vpe)) {
		return ITS_BAD_SEQUENCE;
	}

	return ITS_ACCEPTED;
}

/* Also for a vPE that is being unmapped: that is what a driver does on GICv4.0. */
static enum pkvm_its_verdict its_vsync(struct its *its, struct its_cmd *cmd,
				       const struct its_args *args, struct its_note *note)
{
	struct its_vpe_record *vpe = args->vpe;

	if (!vpe)
		return ITS_BAD_VPE;
	if (vpe->mapped & its_bit(its))
		return ITS_ACCEPTED;
	/* On GICv4.1, unmapping is its own VSYNC */
	if (its_is_v4_1(its) || !(vpe->unmapping & its_bit(its)))
		return ITS_BAD_VPE;

	if (!(vpe->syncing & its_bit(its))) {
		vpe->syncing |= its_bit(its);
		*note = (struct its_note){ ITS_NOTE_VSYNC, FIELD_GET(CMD_VPE, cmd->dw[1]) };
	}

	return ITS_ACCEPTED;
}

/* What must hold for a command, beside what its function checks */
#define CHECK_V4		BIT(0)	/* GICv4 */
#define CHECK_V4_1		BIT(1)	/* GICv4.1 */
#define CHECK_DEVICE		BIT(2)	/* DeviceID mapped, EventID in its ITT */
#define CHECK_UNMAPPED		BIT(3)	/* the event is not mapped */
#define CHECK_MAPPED		BIT(4)	/* the event is mapped, and so is its vPE */
#define CHECK_PHYSICAL		BIT(5)	/* the event is mapped to an LPI */
#define CHECK_VIRTUAL		BIT(6)	/* the event is mapped to a vLPI */
#define CHECK_ICID		BIT(7)	/* the collection is mapped */
#define CHECK_RDBASE		BIT(8)	/* there is such a redistributor */
#define CHECK_VPE		BIT(9)	/* vPEs are locked, the record is looked up */
#define CHECK_VPE_MAPPED	BIT(10)	/* the vPE is mapped by this ITS */

#define EVENT_UNMAPPED		(CHECK_DEVICE | CHECK_UNMAPPED)
#define EVENT_MAPPED		(CHECK_DEVICE | CHECK_MAPPED)
#define EVENT_PHYSICAL		(CHECK_DEVICE | CHECK_PHYSICAL)
#define EVENT_VIRTUAL		(CHECK_DEVICE | CHECK_VIRTUAL)
#define VPE			(CHECK_V4 | CHECK_VPE)
#define VPE_MAPPED		(CHECK_V4 | CHECK_VPE | CHECK_VPE_MAPPED)

/**
 * struct its_row - a command that the host may give
 * @fields:	the bits that it has, doubleword by doubleword, without the opcode
 * @checks:	what must hold
 * @fn:		further checks, effects on the records, values that EL2 replaces
 */
struct its_row {
	u64			fields[4];
	u32			checks;
	its_command_fn		fn;
};

/*
 * No row: MOVALL, which no driver uses and which moves pending bits between
 * tables, and whatever future versions of the architecture bring.
 */
static const struct its_row its_rows[] = {
	[GITS_CMD_MAPD]	   = { { CMD_DEVICE, CMD_SIZE, CMD_VALID },
			       0, its_mapd },
	[GITS_CMD_MAPC]	   = { { 0, 0, CMD_VALID | CMD_RDBASE | CMD_ICID },
			       0, its_mapc },
	[GITS_CMD_MAPTI]   = { { CMD_DEVICE, CMD_EVENT | CMD_INTID, CMD_ICID },
			       EVENT_UNMAPPED | CHECK_ICID, its_mapti },
	[GITS_CMD_MAPI]	   = { { CMD_DEVICE, CMD_EVENT, CMD_ICID },
			       EVENT_UNMAPPED | CHECK_ICID, its_mapi },
	[GITS_CMD_MOVI]	   = { { CMD_DEVICE, CMD_EVENT, CMD_ICID },
			       EVENT_PHYSICAL | CHECK_ICID },
	[GITS_CMD_DISCARD] = { { CMD_DEVICE, CMD_EVENT },
			       EVENT_MAPPED, its_discard },
	[GITS_CMD_INV]	   = { { CMD_DEVICE, CMD_EVENT }, EVENT_MAPPED },
	[GITS_CMD_INT]	   = { { CMD_DEVICE, CMD_EVENT }, EVENT_MAPPED },
	[GITS_CMD_CLEAR]   = { { CMD_DEVICE, CMD_EVENT }, EVENT_MAPPED },
	[GITS_CMD_INVALL]  = { { 0, 0, CMD_ICID }, CHECK_ICID },
	[GITS_CMD_SYNC]	   = { { 0, 0, CMD_RDBASE }, CHECK_RDBASE, its_sync },

	[GITS_CMD_VMAPP]   = { { CMD_VCONF, CMD_VPE | CMD_VMAPP_DOORBELL,
				 CMD_VALID | CMD_RDBASE, CMD_VPT | CMD_VPT_SIZE },
			       VPE, its_vmapp },
	[GITS_CMD_VMAPTI]  = { { CMD_DEVICE, CMD_EVENT | CMD_VPE, CMD_VINTID | CMD_DOORBELL },
			       VPE_MAPPED | EVENT_UNMAPPED, its_vmapti },
	[GITS_CMD_VMAPI]   = { { CMD_DEVICE, CMD_EVENT | CMD_VPE, CMD_DOORBELL },
			       VPE_MAPPED | EVENT_UNMAPPED, its_vmapi },
	[GITS_CMD_VMOVI]   = { { CMD_DEVICE, CMD_EVENT | CMD_VPE,
				 CMD_DOORBELL | CMD_DOORBELL_VALID },
			       VPE_MAPPED | EVENT_VIRTUAL, its_vmovi },
	[GITS_CMD_VMOVP]   = { { CMD_SEQUENCE, CMD_VPE | CMD_ITS_LIST,
				 CMD_RDBASE | CMD_VMOVP_DOORBELL_VALID, CMD_VMOVP_DOORBELL },
			       VPE_MAPPED, its_vmovp },
	[GITS_CMD_VSGI]	   = { { CMD_VSGI_CONFIG, CMD_VPE }, VPE_MAPPED | CHECK_V4_1 },
	[GITS_CMD_VSYNC]   = { { 0, CMD_VPE }, VPE, its_vsync },
	[GITS_CMD_VINVALL] = { { 0, CMD_VPE }, VPE_MAPPED },
	[GITS_CMD_INVDB]   = { { 0, CMD_VPE }, VPE_MAPPED | CHECK_V4_1 },
};

/* Without a lock: nobody changes that bit without the lock of the ITS. */
static bool vpe_is_mapped(const struct its *its, const struct its_vpe_record *vpe)
{
	return vpe && (READ_ONCE(vpe->mapped) & its_bit(its));
}

/* Commands come in groups: for one device, and one redistributor. */
static struct its_device_record *find_device_again(struct its *its, u32 id)
{
	if (!its->last_device || its->last_device_id != id) {
		its->last_device = its_find_device(its, id);
		its->last_device_id = id;
	}

	return its->last_device;
}

static bool rdbase_is_valid_again(struct its *its, u64 rdbase)
{
	if (its->last_rdbase == (rdbase | 1))
		return true;
	if (!rdbase_is_valid(its, rdbase))
		return false;

	its->last_rdbase = rdbase | 1;

	return true;
}

static bool event_is_good(const struct its *its, u32 checks, u32 event)
{
	if (checks & CHECK_UNMAPPED)
		return !event;
	if (checks & CHECK_PHYSICAL)
		return event && !(event & ITS_EVENT_VIRTUAL);
	if (!(event & ITS_EVENT_VIRTUAL))
		return event && (checks & CHECK_MAPPED);

	return vpe_is_mapped(its, its_find_vpe(FIELD_GET(ITS_EVENT_VPE, event)));
}

static enum pkvm_its_verdict run_row(struct its *its, const struct its_row *row,
				     struct its_cmd *cmd, struct its_note *note)
{
	struct its_args args = {};

	if (row->checks & CHECK_VPE) {
		args.vpe = its_find_vpe(FIELD_GET(CMD_VPE, cmd->dw[1]));
		if ((row->checks & CHECK_VPE_MAPPED) && !vpe_is_mapped(its, args.vpe))
			return ITS_BAD_VPE;
	}

	if (row->checks & CHECK_DEVICE) {
		args.device = find_device_again(its, FIELD_GET(CMD_DEVICE, cmd->dw[0]));
		if (!args.device || args.device->state != ITS_DEVICE_MAPPED)
			return ITS_BAD_DEVICE;

		args.event = FIELD_GET(CMD_EVENT, cmd->dw[1]);
		if (args.event >> args.device->event_bits)
			return ITS_BAD_EVENT;
		if (!event_is_good(its, row->checks, args.device->events[args.event]))
			return ITS_BAD_STATE;
	}

	if (row->checks & CHECK_ICID) {
		u32 icid = FIELD_GET(CMD_ICID, cmd->dw[2]);

		if (icid >= its->nr_collections || !its->collections[icid])
			return ITS_BAD_ICID;
	}

	if ((row->checks & CHECK_RDBASE) && !rdbase_is_valid_again(its, cmd->dw[2] & CMD_RDBASE))
		return ITS_BAD_RDBASE;

	return row->fn ? row->fn(its, cmd, &args, note) : ITS_ACCEPTED;
}

/**
 * its_filter() - Decide on a command of the host
 * @its:	taken over; the caller holds its lock
 * @cmd:	EL2's own copy of the slot; if accepted, what the ITS gets instead
 * @note:	zeroed; what to do once the ITS has consumed the slot
 *
 * The records are those of an ITS that has carried out all commands accepted so
 * far, this one included.
 *
 * Return: ITS_ACCEPTED, or why not: nothing has changed, and @cmd is of no use.
 */
enum pkvm_its_verdict its_filter(struct its *its, struct its_cmd *cmd, struct its_note *note)
{
	u64 opcode = FIELD_GET(CMD_OPCODE, cmd->dw[0]);
	enum pkvm_its_verdict verdict;
	const struct its_row *row;

	if (opcode >= ARRAY_SIZE(its_rows))
		return ITS_UNKNOWN;

	row = &its_rows[opcode];
	/* Or its address would be computed again for each field */
	OPTIMIZER_HIDE_VAR(row);
	if (!(row->checks || row->fn))
		return ITS_UNKNOWN;
	if ((row->checks & CHECK_V4) && !its_is_v4(its))
		return ITS_NO_SUPPORT;
	if ((row->checks & CHECK_V4_1) && !its_is_v4_1(its))
		return ITS_NO_SUPPORT;

	cmd->dw[0] = (cmd->dw[0] & row->fields[0]) | opcode;
	cmd->dw[1] &= row->fields[1];
	cmd->dw[2] &= row->fields[2];
	cmd->dw[3] &= row->fields[3];

	if (row->checks & CHECK_VPE)
		hyp_spin_lock(&its_vpe_lock);
	verdict = run_row(its, row, cmd, note);
	if (row->checks & CHECK_VPE)
		hyp_spin_unlock(&its_vpe_lock);

	return verdict;
}

/* What takes the place of a command that must not reach the ITS. */
void its_build_sync(const struct its *its, struct its_cmd *cmd)
{
	*cmd = (struct its_cmd){ { GITS_CMD_SYNC, 0, its_rds(its)[0] } };
}

static void retire_waiting(struct its *its)
{
	while (its->waiting) {
		struct its_device_record *device = its->waiting, old = *device;

		its->waiting = old.next;
		*device = (struct its_device_record){};
		its->nr_unmapping--;
		its_free_device(its, &old);
	}
}

static void retire_vpe(struct its *its, const struct its_note *note)
{
	struct its_vpe_record *vpe;
	bool unmapped;

	hyp_spin_lock(&its_vpe_lock);
	vpe = its_find_vpe(note->id);

	/* A later VMAPP may have been accepted, but is further down the queue */
	if (note->what == ITS_NOTE_VSYNC) {
		unmapped = vpe->unmapped & its_bit(its);
	} else if (vpe->mapping & its_bit(its)) {
		vpe->mapping &= ~its_bit(its);
		unmapped = false;
	} else {
		vpe->unmapped |= its_bit(its);
		unmapped = its_is_v4_1(its);
	}

	if (unmapped) {
		vpe->unmapping &= ~its_bit(its);
		vpe->unmapped &= ~its_bit(its);
		vpe->syncing &= ~its_bit(its);
		its_unpin_vpe(vpe);
	}
	hyp_spin_unlock(&its_vpe_lock);
}

/**
 * its_retire() - The ITS has consumed a slot
 * @its:	the caller holds its lock
 * @note:	what its_filter() had to say about the slot
 */
void its_retire(struct its *its, const struct its_note *note)
{
	struct its_device_record *device;

	switch (note->what) {
	case ITS_NOTE_MAPD:
		device = its_find_device(its, note->id);
		/* Unless the ITS failed on a command for it in the meantime */
		if (device->state == ITS_DEVICE_UNMAPPING) {
			device->next = its->waiting;
			its->waiting = device;
		}
		break;
	case ITS_NOTE_SYNC:
		retire_waiting(its);
		break;
	case ITS_NOTE_VMAPP:
	case ITS_NOTE_VSYNC:
		retire_vpe(its, note);
		break;
	}
}

/**
 * its_give_up() - The ITS failed on a command
 * @its:	the caller holds its lock
 * @cmd:	as the ITS got it
 *
 * What the ITS makes of the device from here on is unknown: no more commands for it,
 * and its ITT is never used again, even if its MAPD is in the queue already: who
 * knows what MAPD does while events that should be unmapped are not. As for a vPE,
 * the note of the slot is dropped, so nothing is released on account of it.
 */
void its_give_up(struct its *its, const struct its_cmd *cmd)
{
	u64 opcode = FIELD_GET(CMD_OPCODE, cmd->dw[0]);
	struct its_device_record *device;

	/* Other fields of commands for vPEs are in the same bits */
	if (opcode >= ARRAY_SIZE(its_rows) || its_rows[opcode].fields[0] != CMD_DEVICE)
		return;

	/* Not every command is one that EL2 has seen: there are those of before */
	device = its_find_device(its, FIELD_GET(CMD_DEVICE, cmd->dw[0]));
	if (!device)
		return;
	if (device->state == ITS_DEVICE_UNMAPPING)
		its->nr_unmapping--;
	else if (device->state != ITS_DEVICE_MAPPED)
		return;

	device->state = ITS_DEVICE_BROKEN;
}
