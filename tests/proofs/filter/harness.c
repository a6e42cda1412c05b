// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#include "its_command.c"
#include "stubs.h"

/* A small state: one device of up to EVENTS events, one vPE, up to RDS redistributors */
#define EVENTS		4
#define RDS		2

static struct its its;
static struct its_device_record device;
static u32 device_id;
static u32 events[EVENTS];
static struct its_vpe_record vpe;
static u32 vpe_id;
static u64 collections[NR_CPUS];
static bool device_known, vpe_known, in_table, in_limit;
static u16 own_bit, other_bits;

hyp_spinlock_t its_vpe_lock;

u64 proof_read_once(const volatile void *p, size_t size)
{
	ASSERT(p == &vpe.mapped && size == 8, "the one field that is read without a lock");

	return vpe.mapped;
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

static void any_state(void)
{
	its.nr = nondet_u8() & 63;
	its.typer = nondet_u64();
	its.vlpi_rd_offset = nondet_bool() ? 0x20000 : 0;
	its.collections = collections;
	its.nr_collections = nondet_u8() & 15;
	ASSUME(its.nr_collections <= NR_CPUS);
	for (unsigned int i = 0; i < NR_CPUS; i++)
		collections[i] = nondet_u64() & (GENMASK_ULL(51, 16) | 1);
	its.nr_unmapping = nondet_u8();

	device_known = nondet_bool();
	device_id = nondet_u32();
	device.events = events;
	device.event_bits = nondet_u8() & 3;
	ASSUME(device.event_bits <= 2);
	device.state = nondet_u8();
	ASSUME(device.state <= ITS_DEVICE_BROKEN);
	device.nr_mapped = nondet_u8();
	device.itt = nondet_u64() & GENMASK_ULL(51, 8);
	for (unsigned int i = 0; i < EVENTS; i++)
		events[i] = nondet_u32();

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

	machine.nr_rds = 1 + nondet_bool();
	for (unsigned int i = 0; i < RDS; i++) {
		machine.by_base[i] = nondet_u64() & GENMASK_ULL(51, 16);
		machine.by_number[i] = nondet_u64() & GENMASK_ULL(51, 16);
	}
	machine.lpi_bits = 14 + (nondet_u8() & 3);
	ASSUME(machine.lpi_bits <= 16);

	vmovp.todo = nondet_u16();
	vmovp.list = nondet_u16();
	vmovp.sequence = nondet_u16();
	vmovp.vpe_id = nondet_u16();
	vmovp.target = nondet_u64();

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

static bool rd_is_known(u64 rdbase)
{
	const u64 *rds = its.typer >> 19 & 1 ? machine.by_base : machine.by_number;

	return rdbase == rds[0] || (machine.nr_rds > 1 && rdbase == rds[1]);
}

void filter(void)
{
	struct its_device_record old_device;
	struct its_vpe_record old_vpe;
	struct its_cmd in, out, want;
	struct its_note note = {};
	enum pkvm_its_verdict verdict;
	u32 old_events[EVENTS], event, intid = nondet_u16(), any_event, old_nr_unmapping;
	u64 old_collections[NR_CPUS], old_todo, old_target, lpi_word;
	unsigned int any_icid, row, nr_rows = sizeof(commands) / sizeof(commands[0]);
	u8 opcode;

	any_state();
	for (unsigned int i = 0; i < 4; i++)
		in.dw[i] = nondet_u64();
#ifdef OPCODE
	/* A constant: CBMC looks at one row only. */
	in.dw[0] = (in.dw[0] & ~0xffULL) | OPCODE;
	opcode = OPCODE;
#else
	opcode = in.dw[0];
	for (unsigned int i = 0; i < nr_rows; i++)
		ASSUME(opcode != commands[i].opcode);
#endif
	out = in;

	old_device = device;
	old_vpe = vpe;
	any_event = nondet_u8() & (EVENTS - 1);
	any_icid = nondet_u8() & (NR_CPUS - 1);
	old_events[0] = events[any_event];
	old_collections[0] = collections[any_icid];
	old_nr_unmapping = its.nr_unmapping;
	old_todo = vmovp.todo;
	old_target = vmovp.target;
	lpi_word = lpis_mapped[intid / 64];

	verdict = its_filter(&its, &out, &note);

	ASSERT(verdict < ITS_NR_VERDICTS, "a verdict");
	ASSERT(!its_vpe_lock.held, "no lock is kept");

	if (verdict != ITS_ACCEPTED) {
		ASSERT(events[any_event] == old_events[0] &&
		       collections[any_icid] == old_collections[0] &&
		       lpis_mapped[intid / 64] == lpi_word, "rejected: what is mapped");
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
		return;
	}

	for (row = 0; row < nr_rows && commands[row].opcode != opcode; row++)
		;
	ASSERT(row < nr_rows, "accepted: a command of the architecture");
	ASSUME(row < nr_rows);
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
	event = in.dw[1];
	if (commands[row].fields[0] == DEVICE && opcode != 0x08)
		ASSERT(device_known && in.dw[0] >> 32 == device_id &&
		       old_device.state == ITS_DEVICE_MAPPED && !(event >> device.event_bits),
		       "a mapped device, an event in its ITT");
	if (opcode == 0x0a || opcode == 0x0b || opcode == 0x01 || opcode == 0x0d)
		ASSERT((in.dw[2] & ICID) < its.nr_collections &&
		       collections[in.dw[2] & (NR_CPUS - 1)], "a mapped collection");
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
