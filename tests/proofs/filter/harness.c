// SPDX-License-Identifier: GPL-2.0
#include "proof.h"

#include <linux/bitfield.h>
#include <linux/bitmap.h>
#include <linux/irqchip/arm-gic-v3.h>

/*
 * The opcode is a constant of the run, which CBMC does not see in a masked doubleword:
 * without that, it follows the functions of all rows.
 */
static u64 opcode_now;

static u64 known_opcode(u64 dw)
{
	ASSERT((dw & 0xff) == opcode_now, "the opcode of the command");

	return opcode_now;
}

#undef FIELD_GET
#define FIELD_GET(mask, reg)						\
	((typeof(mask))((mask) == 0xff ? known_opcode(reg) :		\
			((reg) & (mask)) >> __builtin_ctzll(mask)))

/* So is GITS_TYPER.PTA, or CBMC would look at all redistributors in both orders. */
#ifdef PTA
#undef GITS_TYPER_PTA
#define GITS_TYPER_PTA	0 || PTA
#endif

/* The map of LPIs: one bit that is watched, any; others are what they like. */
static bool proof_test_and_set_bit(unsigned long nr);
static void proof_clear_bit(unsigned long nr);
#define test_and_set_bit(nr, map)	proof_test_and_set_bit(nr)
#define clear_bit(nr, map)		proof_clear_bit(nr)

#include "its_command.c"
#include "stubs.h"

/* A small state: one device of up to 2^EVENT_BITS events, one vPE, up to RDS redistributors */
#define EVENT_BITS	16
#ifndef RDS
#define RDS		4
#endif

static struct its its;
static struct its_device_record device;
static u32 device_id;
static u32 *events;
static struct its_vpe_record vpe;
static u32 vpe_id;
static u64 *collections;
static bool device_known, vpe_known, in_table, in_limit;
static u16 own_bit, other_bits;

hyp_spinlock_t its_vpe_lock;

static u64 watched;
static bool watched_bit;
static unsigned int nr_set, nr_cleared;
static u64 set_lpi, cleared_lpi;

static bool proof_test_and_set_bit(unsigned long nr)
{
	bool old = nr == watched ? watched_bit : nondet_bool();

	ASSERT(nr < 1 << ITS_LPI_MAX_BITS, "within the map of LPIs");
	if (nr == watched)
		watched_bit = true;
	if (!old) {
		nr_set++;
		set_lpi = nr;
	}

	return old;
}

static void proof_clear_bit(unsigned long nr)
{
	ASSERT(nr < 1 << ITS_LPI_MAX_BITS, "within the map of LPIs");
	if (nr == watched)
		watched_bit = false;
	nr_cleared++;
	cleared_lpi = nr;
}

u64 proof_read_once(const volatile void *p, size_t size)
{
	ASSERT(p == &vpe.mapped && size == 8, "the one field that is read without a lock");

	return vpe.mapped;
}

void proof_write_once(volatile void *p, size_t size, u64 value)
{
	ASSERT(p == &vpe.mapped && size == 8, "the one field that is read without a lock");

	vpe.mapped = value;
}

struct its_device_record *its_find_device(const struct its *which, u32 id)
{
	return device_known && id == device_id ? &device : NULL;
}

struct its_vpe_record *its_find_vpe(u32 id)
{
	return vpe_known && id == vpe_id ? &vpe : NULL;
}

bool its_table_has(const struct its_table *table, u32 id)
{
	ASSERT(table == &its.vpe_table, "the table of vPEs");

	return in_table;
}

bool its_arena_in_limit(phys_addr_t pa, u64 size)
{
	return in_limit;
}

/* One bit for this ITS, some for all others together */
u16 its_list(u64 mask)
{
	return (mask & BIT_ULL(its.nr) ? own_bit : 0) |
	       (mask & ~BIT_ULL(its.nr) ? other_bits : 0);
}

static int nr_pins;
static u64 pinned[2];

int pkvm_pin_shared(phys_addr_t phys, u64 size, u16 max_pins)
{
	if (nondet_bool())
		return -EPERM;

	pinned[nr_pins++] = phys;

	return 0;
}

void pkvm_unpin_shared(phys_addr_t phys, u64 size)
{
	ASSERT(nr_pins > 0 && pinned[nr_pins - 1] == phys, "unpinned: what was pinned last");
	nr_pins--;
}

static const u64 *rds(void)
{
#ifdef PTA
	return PTA ? machine.by_base : machine.by_number;
#else
	return its.typer >> 19 & 1 ? machine.by_base : machine.by_number;
#endif
}

static u64 any_rd(void)
{
	return rds()[nondet_bool() && machine.nr_rds > 1];
}

static bool rd_is_known(u64 rdbase)
{
	for (unsigned int i = 0; i < RDS; i++)
		if (i < machine.nr_rds && rdbase == rds()[i])
			return true;

	return false;
}

static void any_state(void)
{
	its.nr = nondet_u8() & 63;
	its.typer = nondet_u64();
#ifdef PTA
	ASSUME((its.typer >> 19 & 1) == PTA);
#endif
	its.vlpi_rd_offset = nondet_bool() ? 0x20000 : 0;
	its.nr_collections = nondet_u8() & 15;
	ASSUME(its.nr_collections >= 1 && its.nr_collections <= NR_CPUS);
	/* Any contents, like those of the events */
	collections = malloc(sizeof(*collections) * its.nr_collections);
	its.collections = collections;
	its.nr_unmapping = nondet_u8();

	device_known = nondet_bool();
	device_id = nondet_u32();
	device.event_bits = nondet_u8() & 31;
	ASSUME(device.event_bits <= EVENT_BITS);
	device.state = nondet_u8();
	ASSUME(device.state <= ITS_DEVICE_BROKEN);
	device.nr_mapped = nondet_u8();
	device.itt = nondet_u64() & GENMASK_ULL(51, 8);
	/* Any contents; as many as there are events, which CBMC doesn't lay out one by one */
	events = malloc(sizeof(*events) << device.event_bits);
	device.events = events;

	/* What was looked up last is remembered, or nothing is */
	its.last_device = device_known && nondet_bool() ? &device : NULL;
	its.last_device_id = its.last_device ? device_id : nondet_u32();

	vpe_known = nondet_bool();
	vpe_id = nondet_u16();
	vpe.vpt = nondet_u64();
	vpe.vconf = nondet_u64();
	vpe.mapped = nondet_u64();
	/* vpe_pin() takes no pending table at 0, and a vPE that is mapped keeps its own */
	ASSUME(IMPLIES(vpe.mapped, vpe.vpt));
	vpe.mapping = nondet_u64();
	vpe.unmapping = nondet_u64();
	vpe.unmapped = nondet_u64();
	vpe.syncing = nondet_u64();

	machine.nr_rds = 1 + (nondet_u8() & (RDS - 1));
	for (unsigned int i = 0; i < RDS; i++) {
		machine.by_base[i] = nondet_u64() & GENMASK_ULL(51, 16);
		machine.by_number[i] = nondet_u64() & GENMASK_ULL(51, 16);
	}
	its.last_rdbase = nondet_bool() ? any_rd() | 1 : 0;
	machine.lpi_bits = 14 + (nondet_u8() & 3);
	ASSUME(machine.lpi_bits <= 16);

	vmovp.todo = nondet_u16();
	vmovp.list = nondet_u16();
	vmovp.sequence = nondet_u16();
	vmovp.vpe_id = nondet_u16();
	vmovp.target = nondet_u64();

	watched = nondet_u16();
	watched_bit = nondet_bool();
	own_bit = 1 << (nondet_u8() & 15);
	other_bits = nondet_u16();
	in_table = nondet_bool();
	in_limit = nondet_bool();
}

/*
 * The fields of each command, from the architecture (IHI 0069H, 5.3), not from the
 * source: 64-bit words, without the opcode.
 */
#define DEVICE		0xffffffff00000000ULL
#define EVENT		0x00000000ffffffffULL
#define UPPER		0xffffffff00000000ULL
#define VPEID		0x0000ffff00000000ULL
#define ICID		0x000000000000ffffULL
#define ADDRESS64K	0x000fffffffff0000ULL
#define V		0x8000000000000000ULL

static const struct {
	u8	opcode;
	u64	fields[4];
} commands[] = {
	{ 0x08, { DEVICE, 0x1f, V | 0x000fffffffffff00ULL } },			/* MAPD */
	{ 0x09, { 0, 0, V | ADDRESS64K | ICID } },				/* MAPC */
	{ 0x0a, { DEVICE, EVENT | UPPER, ICID } },				/* MAPTI */
	{ 0x0b, { DEVICE, EVENT, ICID } },					/* MAPI */
	{ 0x01, { DEVICE, EVENT, ICID } },					/* MOVI */
	{ 0x0f, { DEVICE, EVENT } },						/* DISCARD */
	{ 0x0c, { DEVICE, EVENT } },						/* INV */
	{ 0x03, { DEVICE, EVENT } },						/* INT */
	{ 0x04, { DEVICE, EVENT } },						/* CLEAR */
	{ 0x0d, { 0, 0, ICID } },						/* INVALL */
	{ 0x05, { 0, 0, ADDRESS64K } },						/* SYNC */
	/* VMAPP with Alloc, without PTZ: what is pending is not read from the host */
	{ 0x29, { ADDRESS64K | 0x100, VPEID | EVENT, V | ADDRESS64K, ADDRESS64K | 0x1f } },
	{ 0x2a, { DEVICE, EVENT | VPEID, ~0ULL } },				/* VMAPTI */
	{ 0x2b, { DEVICE, EVENT | VPEID, UPPER } },				/* VMAPI */
	{ 0x21, { DEVICE, EVENT | VPEID, UPPER | 1 } },				/* VMOVI */
	{ 0x22, { VPEID, VPEID | 0xffff, V | ADDRESS64K, EVENT } },		/* VMOVP */
	{ 0x23, { 0x0000000f00f00700ULL, VPEID } },				/* VSGI */
	{ 0x25, { 0, VPEID } },							/* VSYNC */
	{ 0x2d, { 0, VPEID } },							/* VINVALL */
	{ 0x2e, { 0, VPEID } },							/* INVDB */
};

/* Nothing has a row but what the harness knows: all other opcodes, one after the other */
void unknown(void)
{
	unsigned int nr_rows = sizeof(commands) / sizeof(commands[0]), row;

	any_state();
	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		struct its_note note = {};
		struct its_cmd cmd;

		for (row = 0; row < nr_rows && commands[row].opcode != opcode; row++)
			;
		if (row < nr_rows)
			continue;
		opcode_now = opcode;
		cmd.dw[0] = (nondet_u64() & ~0xffULL) | opcode;
		cmd.dw[1] = nondet_u64();
		cmd.dw[2] = nondet_u64();
		cmd.dw[3] = nondet_u64();
		ASSERT(its_filter(&its, &cmd, &note) == ITS_UNKNOWN, "unknown, so refused");
		ASSERT(note.what == ITS_NOTE_NONE && !its_vpe_lock.held, "without effect");
	}
	REACHED("the last opcode");
}

/* What takes the place of a command that is refused, for all inputs */
void sync(void)
{
	struct its_cmd cmd;

	any_state();
	ANY(cmd);
	its_build_sync(&its, &cmd);
	ASSERT(cmd.dw[0] == 0x05 && !cmd.dw[1] && !cmd.dw[3], "SYNC, and nothing of the host's");
	ASSERT(rd_is_known(cmd.dw[2]) && !(cmd.dw[2] & ~ADDRESS64K), "for a redistributor");
	REACHED("the end");
}

#ifndef OPCODE
#define OPCODE	0
#endif

/* The event that a command names, before and after */
static void check_event(u8 opcode, const struct its_cmd *in, u32 old, u32 new, bool other_same,
			const struct its_device_record *old_device)
{
	u32 vpe_event = 1U << 31 | 1U << 30 | (in->dw[1] >> 32 & 0xffff);
	u64 lpi = in->dw[1] >> 32;

	ASSERT(other_same, "no other event");
	switch (opcode) {
	case 0x0b:
		lpi = in->dw[1] & EVENT;
		/* fall through */
	case 0x0a:
		ASSERT(!old && new == (1U << 31 | lpi) && lpi >= 8192 && lpi <= 0xffff &&
		       device.nr_mapped == old_device->nr_mapped + 1, "mapped to that LPI");
		ASSERT(nr_set == 1 && set_lpi == lpi && !nr_cleared, "an LPI that was free");
		break;
	case 0x2a:
	case 0x2b:
		ASSERT(!old && new == vpe_event &&
		       device.nr_mapped == old_device->nr_mapped + 1, "mapped to that vPE");
		ASSERT(!nr_set && !nr_cleared, "no LPI");
		break;
	case 0x21:
		ASSERT(old >> 30 & 1 && new == vpe_event &&
		       device.nr_mapped == old_device->nr_mapped, "moved to that vPE");
		ASSERT(!nr_set && !nr_cleared, "no LPI");
		break;
	case 0x0f:
		ASSERT(old && !new && device.nr_mapped == old_device->nr_mapped - 1,
		       "not mapped any more");
		ASSERT(!nr_set && nr_cleared == !(old >> 30 & 1) &&
		       IMPLIES(nr_cleared, cleared_lpi == (old & 0xffff)), "nor its LPI");
		break;
	default:
		ASSERT(old && new == old && device.nr_mapped == old_device->nr_mapped,
		       "mapped, and still so");
		ASSERT(opcode != 0x01 || !(old >> 30 & 1), "MOVI: an LPI");
		ASSERT(!nr_set && !nr_cleared, "no LPI");
	}
}

void filter(void)
{
	struct its_device_record old_device;
	struct its_vpe_record old_vpe;
	struct its_cmd in, out, want;
	struct its_note note = {};
	enum pkvm_its_verdict verdict;
	u32 event, old_event, any_event, old_any, old_nr_unmapping;
	u64 old_collections[NR_CPUS], old_todo, old_target;
	unsigned int any_icid, row, nr_rows = sizeof(commands) / sizeof(commands[0]);
	bool old_bit, has_event;
	u8 opcode;

	any_state();
	for (unsigned int i = 0; i < 4; i++)
		in.dw[i] = nondet_u64();
	in.dw[0] = (in.dw[0] & ~0xffULL) | OPCODE;
	opcode = OPCODE;
	opcode_now = OPCODE;
	out = in;

	old_device = device;
	old_vpe = vpe;
	event = in.dw[1];
	has_event = !(event >> device.event_bits);
	old_event = has_event ? events[event] : 0;
	any_event = nondet_u16() & ((1U << device.event_bits) - 1);
	old_any = events[any_event];
	any_icid = nondet_u8() & (NR_CPUS - 1);
	ASSUME(any_icid < its.nr_collections);
	old_collections[0] = collections[any_icid];
	old_nr_unmapping = its.nr_unmapping;
	old_todo = vmovp.todo;
	old_target = vmovp.target;
	old_bit = watched_bit;

	verdict = its_filter(&its, &out, &note);

	ASSERT(verdict < ITS_NR_VERDICTS, "a verdict");
	ASSERT(!its_vpe_lock.held, "no lock is kept");
	ASSERT(!its.last_device || (its.last_device == &device && device_known &&
	       its.last_device_id == device_id), "the device that is remembered");
	ASSERT(!its.last_rdbase || rd_is_known(its.last_rdbase & ~1ULL),
	       "the redistributor that is remembered");

	if (verdict != ITS_ACCEPTED) {
		ASSERT(events[any_event] == old_any &&
		       collections[any_icid] == old_collections[0] && watched_bit == old_bit &&
		       !nr_set && !nr_cleared, "rejected: what is mapped");
		ASSERT(device.state == old_device.state && device.nr_mapped == old_device.nr_mapped &&
		       device.itt == old_device.itt && device.event_bits == old_device.event_bits &&
		       its.nr_unmapping == old_nr_unmapping, "rejected: the device");
		ASSERT(vpe.vpt == old_vpe.vpt && vpe.vconf == old_vpe.vconf &&
		       vpe.mapped == old_vpe.mapped && vpe.mapping == old_vpe.mapping &&
		       vpe.unmapping == old_vpe.unmapping && vpe.unmapped == old_vpe.unmapped &&
		       vpe.syncing == old_vpe.syncing, "rejected: the vPE");
		ASSERT(vmovp.todo == old_todo && vmovp.target == old_target, "rejected: VMOVP");
		ASSERT(!nr_pins, "rejected: no pin is left");
		ASSERT(note.what == ITS_NOTE_NONE, "rejected: no note");
		REACHED("rejected");
		return;
	}

	for (row = 0; row < nr_rows && commands[row].opcode != opcode; row++)
		;
	ASSERT(row < nr_rows, "accepted: a command of the architecture");
	ASSUME(row < nr_rows);
	REACHED("accepted");
	ASSERT((u8)out.dw[0] == opcode, "the opcode is kept");
	for (unsigned int i = 0; i < 4; i++) {
		u64 opcode_bits = i ? 0 : 0xff;

		ASSERT(!(out.dw[i] & ~(commands[row].fields[i] | opcode_bits)), "RES0 is 0");
		want.dw[i] = in.dw[i] & (commands[row].fields[i] | opcode_bits);
	}

	/* Where something else is there than what the host wrote */
	switch (opcode) {
	case 0x08:
		ASSERT(device_known && in.dw[0] >> 32 == device_id, "MAPD: a device with a record");
		if (in.dw[2] & V) {
			want.dw[2] = V | old_device.itt;
			ASSERT(old_device.state == ITS_DEVICE_RESERVED &&
			       (in.dw[1] & 0x1f) + 1 == device.event_bits, "MAPD: as reserved");
		} else {
			want.dw[1] = 0;
			want.dw[2] = 0;
			ASSERT(!old_device.nr_mapped, "MAPD: nothing is mapped any more");
		}
		break;
	case 0x29:
		want.dw[0] = out.dw[0] & ~ADDRESS64K;
		if (its_is_v4_1(&its) && (in.dw[2] & V))
			want.dw[0] |= in.dw[0] & ADDRESS64K;
		ASSERT(!(out.dw[0] & 0x100) || its_is_v4_1(&its), "VMAPP: Alloc is of GICv4.1");
		ASSERT(!(out.dw[0] & 0x100) || !(old_vpe.mapped & ~BIT_ULL(its.nr)),
		       "VMAPP: Alloc for the first and the last one only");
		if (!its_is_v4_1(&its) || !(in.dw[2] & V))
			want.dw[1] &= VPEID;
		if (!(in.dw[2] & V)) {
			want.dw[2] = 0;
			want.dw[3] = 0;
		} else {
			ASSERT((out.dw[3] & ADDRESS64K) == vpe.vpt && vpe.vpt, "VMAPP: as recorded");
			ASSERT(IMPLIES(its_is_v4_1(&its), (out.dw[0] & ADDRESS64K) == vpe.vconf &&
			       vpe.vconf), "VMAPP: as recorded");
			ASSERT(old_vpe.mapped || (nr_pins == 1 + its_is_v4_1(&its) &&
			       pinned[0] == vpe.vpt), "VMAPP: pinned");
		}
		break;
	case 0x21:
		if (!(in.dw[2] & 1))
			want.dw[2] = 0;
		break;
	case 0x22:
		if (!its_is_v4_1(&its))
			want.dw[2] &= ~V;
		if (!its_is_v4_1(&its) || !(in.dw[2] & V))
			want.dw[3] = 0;
		if (its.typer >> 37 & 1) {
			want.dw[0] &= 0xff;
			want.dw[1] &= VPEID;
		}
		break;
	}
	for (unsigned int i = 0; i < 4; i++)
		ASSERT(out.dw[i] == want.dw[i], "the host's value, but where EL2 replaces it");

	/* What the ITS would otherwise stumble over */
	if (commands[row].fields[0] == DEVICE && opcode != 0x08)
		ASSERT(device_known && in.dw[0] >> 32 == device_id &&
		       old_device.state == ITS_DEVICE_MAPPED && !(event >> device.event_bits),
		       "a mapped device, an event in its ITT");
	if (commands[row].fields[0] == DEVICE && opcode != 0x08)
		check_event(opcode, &in, old_event, has_event ? events[event] : 0,
			    any_event == event || events[any_event] == old_any, &old_device);
	else
		ASSERT(events[any_event] == old_any && !nr_set && !nr_cleared,
		       "events are as they were");
	if (opcode == 0x0a || opcode == 0x0b || opcode == 0x01 || opcode == 0x0d)
		ASSERT((in.dw[2] & ICID) < its.nr_collections &&
		       collections[in.dw[2] & ICID], "a mapped collection");
	if (opcode == 0x05 || opcode == 0x09)
		ASSERT(rd_is_known(out.dw[2] & ADDRESS64K), "a redistributor");
	if (opcode == 0x22 || (opcode == 0x29 && (in.dw[2] & V)))
		ASSERT(rd_is_known((out.dw[2] & ADDRESS64K) - its.vlpi_rd_offset), "a redistributor");
	if (opcode == 0x0a)
		ASSERT(in.dw[1] >> 32 >= 8192 && in.dw[1] >> 32 < 1ULL << machine.lpi_bits, "an LPI");
	if (opcode >= 0x20)
		ASSERT(its.typer & 2, "a command of GICv4");
	if (opcode == 0x23 || opcode == 0x2e)
		ASSERT(its.typer >> 40 & 1, "a command of GICv4.1");
}
