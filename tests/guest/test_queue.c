// SPDX-License-Identifier: GPL-2.0
/*
 * Every command that there is, and those that there are not, from a compromised host:
 * EL2 takes what a driver may say and rejects the rest, for the right reason. The
 * queue goes on and the devices interrupt.
 *
 * The test case reads in QEMU's trace which commands the ITS got, and from QEMU's
 * memory what the hardware queue has in it; see queue.py.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

/* DeviceIDs that no device has, all in one page of the device table. */
#define MINE		0x1000
#define RESERVED	0x1001
#define UNRESERVED	0x1002
/* One in a page of it that nobody has needed so far. */
#define FAR		0x4000
#define EVENT_BITS	5

/* INTIDs that the driver does not come to. */
#define LPI		0xf000
#define LPI_BITS	16
#define NO_DOORBELL	1023

#define UART		0x9000000UL

static bool v4;
static uint64_t device;		/* of the driver, with events 0 and 1 */
static uint64_t evil;		/* 64 KiB that the attacker has the ITS write to */

static uint64_t random64(void)
{
	static uint64_t state = 0x17500f00;
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* Of a command whose fields are all zero, or all beyond what there is. */
static enum verdict meaningless(struct command command, bool zero)
{
	switch ((enum opcode)(command.dw[0] & 0xff)) {
	case MAPD:
		return zero ? BAD_STATE : BAD_DEVICE;
	case MAPC:
		return command.dw[2] & VALID ? BAD_ICID : BAD_STATE;
	case MAPTI: case MAPI: case MOVI: case DISCARD: case INV: case INT: case CLEAR:
		return BAD_DEVICE;
	case INVALL:
		return zero ? ACCEPTED : BAD_ICID;
	case SYNC:
		return zero ? ACCEPTED : BAD_RDBASE;
	case VMAPP: case VMAPTI: case VMAPI: case VMOVI: case VMOVP: case VSYNC: case VINVALL:
		return v4 ? BAD_VPE : NO_SUPPORT;
	case VSGI: case INVDB:
		return NO_SUPPORT;
	default:
		return UNKNOWN;
	}
}

static unsigned int judged;

static bool is_judged(const char *what, struct command command, enum verdict want)
{
	enum verdict got = queue_judge(command);

	judged++;
	if (got == want)
		return true;
	fail(what, "opcode %#x: %s, not %s", (int)(command.dw[0] & 0xff), verdict_name(got),
	     verdict_name(want));
	return false;
}

static void every_opcode(void)
{
	bool good = true;

	for (unsigned int opcode = 0; opcode < 256; opcode++) {
		struct command ones = { { ~0xffUL | opcode, ~0UL, ~0UL, ~0UL } };
		struct command zero = { { opcode } };

		good &= is_judged("all fields are zero", zero, meaningless(zero, true));
		good &= is_judged("all fields are ones", ones, meaningless(ones, false));
		for (int i = 0; i < 3; i++) {
			struct command any = { { (random64() & ~0xffUL) | opcode, random64(),
						 random64(), random64() } };

			good &= is_judged("all fields are random", any, meaningless(any, false));
		}
	}
	check(good, "every opcode is judged as it should be");
}

static void judge(const char *what, struct command command, enum verdict want)
{
	if (is_judged(what, command, want))
		check(true, "%s: %s", what, verdict_name(want));
}

/* The bits of a command, on GICv4.0, beside its opcode. */
static struct command fields(enum opcode opcode)
{
	const uint64_t dev = 0xffffffffUL << 32, event = 0xffffffff, vpe = 0xffffUL << 32;
	const uint64_t icid = 0xffff, rdbase = 0xfffffffffUL << 16;

	switch (opcode) {
	case MAPD:	return (struct command){ { dev, 0x1f, VALID | 0xfffffffffff00 } };
	case MAPC:	return (struct command){ { 0, 0, VALID | rdbase | icid } };
	case MAPTI:	return (struct command){ { dev, ~0UL, icid } };
	case MAPI:
	case MOVI:	return (struct command){ { dev, event, icid } };
	case INVALL:	return (struct command){ { 0, 0, icid } };
	case SYNC:	return (struct command){ { 0, 0, rdbase } };
	case VMAPP:	return (struct command){ { 0, vpe, VALID | rdbase, rdbase | 0x1f } };
	case VMAPTI:	return (struct command){ { dev, event | vpe, ~0UL } };
	case VMOVI:	return (struct command){ { dev, event | vpe, event << 32 | 1 } };
	case VMOVP:	return (struct command){ { 0xffffUL << 32, vpe | 0xffff, rdbase } };
	case VSYNC:
	case VINVALL:	return (struct command){ { 0, vpe } };
	default:	return (struct command){ { dev, event } };
	}
}

/* With everything set that must be zero. */
static struct command noisy(struct command command)
{
	struct command field = fields(command.dw[0] & 0xff);

	field.dw[0] |= 0xff;
	for (int i = 0; i < 4; i++)
		command.dw[i] |= ~field.dw[i];
	return command;
}

static void devices(void)
{
	static const enum opcode any[] = { INT, CLEAR, INV, DISCARD, MOVI, MAPTI, MAPI };

	judge("MAPD, largest DeviceID", mapd(0xffffffff, EVENT_BITS, evil), BAD_DEVICE);
	judge("MAPD, DeviceID beyond the table", mapd(0x10000, EVENT_BITS, evil), BAD_DEVICE);
	judge("MAPD, nothing reserved", mapd(UNRESERVED, EVENT_BITS, evil), BAD_DEVICE);
	judge("MAPD, mapped device", mapd(device, EVENT_BITS, evil), BAD_STATE);
	judge("MAPD, more events than reserved", mapd(RESERVED, EVENT_BITS + 1, evil), BAD_SIZE);
	judge("MAPD, most events", mapd(RESERVED, 32, evil), BAD_SIZE);
	judge("MAPD, fewer events", mapd(RESERVED, 1, evil), BAD_SIZE);
	judge("MAPD V=0, nothing mapped", unmapd(RESERVED), BAD_STATE);
	judge("MAPD V=0, nothing reserved", unmapd(UNRESERVED), BAD_STATE);
	judge("MAPD V=0, events mapped", unmapd(device), BAD_STATE);
	for (size_t i = 0; i < sizeof(any) / sizeof(any[0]); i++)
		judge("a reserved device", on_event(any[i], RESERVED, 0), BAD_DEVICE);
	judge("MAPD, ITT of the attacker, RES0 bits set", noisy(mapd(MINE, EVENT_BITS, evil)),
	      ACCEPTED);
	judge("MAPD, once more", mapd(MINE, EVENT_BITS, evil), BAD_STATE);
}

static void events(void)
{
	static const enum opcode mapped[] = { INT, CLEAR, INV, DISCARD, MOVI };
	unsigned int cpus = cpus_present();

	for (size_t i = 0; i < sizeof(mapped) / sizeof(mapped[0]); i++) {
		judge("event not mapped", on_event(mapped[i], MINE, 0), BAD_STATE);
		judge("event beyond the ITT", on_event(mapped[i], MINE, 1 << EVENT_BITS),
		      BAD_EVENT);
		judge("largest event", on_event(mapped[i], MINE, 0xffffffff), BAD_EVENT);
	}
	judge("MAPTI, event beyond the ITT", mapti(MINE, 32, LPI, 0), BAD_EVENT);
	judge("MAPTI, largest event", mapti(MINE, 0xffffffff, LPI, 0), BAD_EVENT);
	judge("MAPTI, INTID 0", mapti(MINE, 0, 0, 0), BAD_INTID);
	judge("MAPTI, INTID of an SPI", mapti(MINE, 0, 100, 0), BAD_INTID);
	judge("MAPTI, INTID 8191", mapti(MINE, 0, 8191, 0), BAD_INTID);
	judge("MAPTI, INTID beyond the table", mapti(MINE, 0, 1 << LPI_BITS, 0), BAD_INTID);
	judge("MAPTI, largest INTID", mapti(MINE, 0, 0xffffffff, 0), BAD_INTID);
	judge("MAPTI, INTID of the driver", mapti(MINE, 0, 8192, 0), BUSY_INTID);
	judge("MAPI, no LPI", on_event(MAPI, MINE, 31), BAD_INTID);
	judge("MAPTI, largest ICID", mapti(MINE, 0, LPI, 0xffff), BAD_ICID);
	judge("MAPTI, ICID not mapped", mapti(MINE, 0, LPI, cpus), BAD_ICID);
	judge("MAPTI, event of the driver", mapti(device, 0, LPI, 0), BAD_STATE);

	judge("MAPTI, RES0 bits set", noisy(mapti(MINE, 0, LPI, 0)), ACCEPTED);
	judge("MAPTI, event mapped", mapti(MINE, 0, LPI + 1, 0), BAD_STATE);
	judge("MAPTI, INTID mapped", mapti(MINE, 1, LPI, 0), BUSY_INTID);
	judge("MOVI, RES0 bits set", noisy(movi(MINE, 0, cpus - 1)), ACCEPTED);
	judge("MOVI, largest ICID", movi(MINE, 0, 0xffff), BAD_ICID);
	judge("MOVI, ICID not mapped", movi(MINE, 0, cpus), BAD_ICID);
	for (int i = 0; i < 3; i++)
		judge("RES0 bits set", noisy(on_event(mapped[i], MINE, 0)), ACCEPTED);
	judge("MAPD V=0, event mapped", unmapd(MINE), BAD_STATE);
}

static void collections(void)
{
	unsigned int cpus = cpus_present();

	judge("MAPC V=0", mapc(0, 0, false), BAD_STATE);
	judge("MAPC, another target", mapc(0, cpus - 1, true), BAD_STATE);
	judge("MAPC, RES0 bits set, as it is", noisy(mapc(0, 0, true)), ACCEPTED);
	judge("MAPC, largest ICID", mapc(0xffff, 0, true), BAD_ICID);
	judge("MAPC, RDbase of no CPU", mapc(0, cpus, true), BAD_RDBASE);
	judge("MAPC, largest RDbase", mapc(0, 0xfffffffff, true), BAD_RDBASE);
	judge("MAPC, RDbase is an address", mapc(0, 0x80a0000 >> 16, true), BAD_RDBASE);
	judge("MOVALL", (struct command){ { MOVALL, 0, 0, 1 << 16 } }, UNKNOWN);
	judge("INVALL, RES0 bits set", noisy((struct command){ { INVALL } }), ACCEPTED);
	judge("INVALL, largest ICID", (struct command){ { INVALL, 0, 0xffff } }, BAD_ICID);
	judge("SYNC, RES0 bits set", noisy(sync_cmd(0)), ACCEPTED);
	judge("SYNC, RDbase of no CPU", sync_cmd(cpus), BAD_RDBASE);
}

#define VPT_SIZE	0x10000UL

static uint64_t page_size;

#define VPE		5
#define OTHER_VPE	6

static void vpe_memory(uint64_t vpt, const struct attack_queue *queue)
{
	uint64_t size, el2 = el2_memory(&size);
	const uint64_t bad[] = { 0, vpt, el2, el2 + size - 0x10000, UART, ITS_FRAME,
				 0x7fff0000UL << 16, queue->queue };

	check(el2, "there is memory of EL2");
	judge("VMAPP, nothing reserved", vmapp(VPE, 0, vpt, LPI_BITS), BAD_VPE);
	judge("VMAPP, largest vPEID", vmapp(0xffff, 0, vpt, LPI_BITS), BAD_VPE);
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, VPE, 0), 0, "a vPE is reserved");
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, OTHER_VPE, 0), 0, "and another");

	/* Nothing of all that is memory that the host shares and nobody else uses */
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		judge("VMAPP, bad pending table", vmapp(VPE, 0, bad[i], LPI_BITS), BAD_MEMORY);
	check_eq(on_pages(ATTACK_CALL_SHARE_HYP, vpt, VPT_SIZE - page_size), 0,
		 "all but the last page of it are shared");
	judge("VMAPP, shared in part", vmapp(VPE, 0, vpt, LPI_BITS), BAD_MEMORY);
	check_eq(on_pages(ATTACK_CALL_SHARE_HYP, vpt + VPT_SIZE - page_size, page_size), 0,
		 "and the last one");
	judge("VMAPP, smaller table", vmapp(VPE, 0, vpt, LPI_BITS - 1), BAD_SIZE);
	judge("VMAPP, larger table", vmapp(VPE, 0, vpt, LPI_BITS + 1), BAD_SIZE);
	judge("VMAPP, RDbase of no CPU", vmapp(VPE, cpus_present(), vpt, LPI_BITS), BAD_RDBASE);
	judge("VMAPTI, vPE not mapped", vmapti(MINE, 3, VPE, LPI, NO_DOORBELL), BAD_VPE);
	judge("VMOVP, vPE not mapped", vmovp(VPE, 0), BAD_VPE);
	judge("VINVALL, vPE not mapped", on_vpe(VINVALL, VPE), BAD_VPE);
	judge("VSYNC, vPE not mapped", on_vpe(VSYNC, VPE), BAD_VPE);

	judge("VMAPP, RES0 bits set", noisy(vmapp(VPE, 0, vpt, LPI_BITS)), ACCEPTED);
	judge("VMAPP, once more", vmapp(VPE, 0, vpt, LPI_BITS), BAD_STATE);
	judge("VMAPP, table of another vPE", vmapp(OTHER_VPE, 0, vpt, LPI_BITS), BAD_MEMORY);
	for (uint64_t at = 0; at < VPT_SIZE; at += page_size) {
		check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt + at, page_size), -EBUSY,
			 "the pending table stays shared");
		check_eq(on_pages(ATTACK_CALL_DONATE, vpt + at, page_size), -EPERM,
			 "and can't be donated");
	}
}

static void vpe_commands(uint64_t vpt)
{
	static const enum opcode on_vlpi[] = { INT, CLEAR, INV };
	struct command unmap = vmapp(VPE, 0, evil, LPI_BITS);
	unsigned int cpus = cpus_present();

	judge("VMAPTI, no LPI", vmapti(MINE, 3, VPE, 8191, NO_DOORBELL), BAD_INTID);
	judge("VMAPTI, INTID beyond the table", vmapti(MINE, 3, VPE, 1 << LPI_BITS, NO_DOORBELL),
	      BAD_INTID);
	judge("VMAPTI, doorbell no LPI", vmapti(MINE, 3, VPE, LPI, 8191), BAD_INTID);
	judge("VMAPTI, event beyond the ITT", vmapti(MINE, 32, VPE, LPI, NO_DOORBELL), BAD_EVENT);
	judge("VMAPTI, event mapped", vmapti(MINE, 0, VPE, LPI, NO_DOORBELL), BAD_STATE);
	judge("VMAPTI, no device", vmapti(RESERVED, 0, VPE, LPI, NO_DOORBELL), BAD_DEVICE);
	judge("VMAPI, no LPI", (struct command){ { VMAPI | (uint64_t)MINE << 32,
						   3 | (uint64_t)VPE << 32 } }, BAD_INTID);
	judge("VMAPTI, RES0 bits set", noisy(vmapti(MINE, 3, VPE, LPI, NO_DOORBELL)), ACCEPTED);
	judge("MOVI, virtual event", movi(MINE, 3, 0), BAD_STATE);
	judge("VMOVI, physical event", (struct command){ { VMOVI | (uint64_t)MINE << 32,
							   (uint64_t)VPE << 32 } }, BAD_STATE);
	judge("VMOVI, vPE not mapped", (struct command){ { VMOVI | (uint64_t)MINE << 32,
							   3 | (uint64_t)OTHER_VPE << 32 } },
	      BAD_VPE);
	judge("VMOVI, RES0 bits set", noisy((struct command){ { VMOVI | (uint64_t)MINE << 32,
							       3 | (uint64_t)VPE << 32 } }),
	      ACCEPTED);
	judge("VMOVP, RDbase of no CPU", vmovp(VPE, cpus), BAD_RDBASE);
	judge("VMOVP, RES0 bits set", noisy(vmovp(VPE, cpus - 1)), ACCEPTED);
	judge("VINVALL, RES0 bits set", noisy(on_vpe(VINVALL, VPE)), ACCEPTED);
	judge("VSYNC, RES0 bits set", noisy(on_vpe(VSYNC, VPE)), ACCEPTED);
	judge("VSGI", on_vpe(VSGI, VPE), NO_SUPPORT);
	judge("INVDB", on_vpe(INVDB, VPE), NO_SUPPORT);
	for (int i = 0; i < 3; i++)
		judge("virtual event", on_event(on_vlpi[i], MINE, 3), ACCEPTED);

	/* An event outlives its vPE, and is of no use until that is mapped again */
	unmap.dw[2] &= ~VALID;
	judge("VMAPP V=0", unmap, ACCEPTED);
	for (int i = 0; i < 3; i++)
		judge("virtual event of no vPE", on_event(on_vlpi[i], MINE, 3), BAD_STATE);
	judge("VSYNC", on_vpe(VSYNC, VPE), ACCEPTED);
	judge("MAPTI, virtual event of no vPE", mapti(MINE, 3, LPI + 1, 0), BAD_STATE);
	judge("VMAPP, again", vmapp(VPE, 0, vpt, LPI_BITS), ACCEPTED);
	judge("DISCARD, virtual event", on_event(DISCARD, MINE, 3), ACCEPTED);

	judge("VMAPP V=0, RES0 bits set", noisy(unmap), ACCEPTED);
	judge("VMAPP V=0, once more", unmap, BAD_STATE);
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, page_size), -EBUSY,
		 "the pending table stays shared until there is a VSYNC");
	judge("VMAPP, not yet unmapped", vmapp(VPE, 0, vpt, LPI_BITS), BAD_STATE);
	judge("VSYNC, being unmapped", on_vpe(VSYNC, VPE), ACCEPTED);
	judge("VSYNC, unmapped", on_vpe(VSYNC, VPE), BAD_VPE);
	check_eq(on_pages(ATTACK_CALL_UNSHARE_HYP, vpt, VPT_SIZE), 0, "now it is the host's again");
}

/* What is unmapped may be used again when the ITS is done with it, not before. */
static void unmap(void)
{
	judge("DISCARD, RES0 bits set", noisy(on_event(DISCARD, MINE, 0)), ACCEPTED);
	judge("DISCARD, once more", on_event(DISCARD, MINE, 0), BAD_STATE);
	judge("MAPTI, INTID is free", mapti(MINE, 1, LPI, 0), ACCEPTED);
	judge("DISCARD", on_event(DISCARD, MINE, 1), ACCEPTED);
	judge("MAPD V=0, ITT of the attacker, RES0 bits set",
	      noisy((struct command){ { unmapd(MINE).dw[0], 0, evil } }), ACCEPTED);
	judge("MAPD V=0, once more", unmapd(MINE), BAD_STATE);
	judge("INT, unmapped device", on_event(INT, MINE, 0), BAD_DEVICE);
	judge("MAPD, unmapped without SYNC", mapd(MINE, EVENT_BITS, evil), BAD_STATE);
	check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, MINE, EVENT_BITS), -EBUSY,
		 "a device that is not known to be unmapped can't be reserved");
	judge("SYNC", sync_cmd(0), ACCEPTED);
	check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, MINE, EVENT_BITS + 1), 0,
		 "after SYNC it can");
	judge("MAPD, other size", mapd(MINE, EVENT_BITS + 1, evil), ACCEPTED);
	judge("MAPTI, event 32", mapti(MINE, 32, LPI, 0), ACCEPTED);
}

/* The level-2 page comes with the reservation; the driver has none to offer. */
static void far_device(void)
{
	bool good = true;

	judge("MAPD, no page of the table", mapd(FAR, EVENT_BITS, evil), BAD_DEVICE);
	check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, FAR, EVENT_BITS), 0,
		 "a page of the table is added");
	judge("MAPD, added page", mapd(FAR, EVENT_BITS, evil), ACCEPTED);

	/* The ITT has room for all events, beside what EL2 remembers of them */
	for (unsigned int event = 0; event < 1 << EVENT_BITS; event++)
		good &= is_judged("MAPTI, any event", mapti(FAR, event, LPI + 1 + event, 0),
				  ACCEPTED);
	for (unsigned int event = 0; event < 1 << EVENT_BITS; event++)
		good &= is_judged("MOVI, any event", movi(FAR, event, 0), ACCEPTED) &&
			is_judged("DISCARD, any event", on_event(DISCARD, FAR, event), ACCEPTED);
	check(good, "all events can be mapped and unmapped");
}

/* PCI address of a device of the driver, which is its DeviceID. */
static bool find_device(void)
{
	unsigned int bus, dev, fn;

	if (!io_wait(&io_devices[0]) ||
	    sscanf(io_devices[0].pci, "%*x:%x:%x.%x", &bus, &dev, &fn) != 3)
		return false;
	device = bus << 8 | dev << 3 | fn;
	return true;
}

static void test_queue_hostile(void)
{
	struct counters before, after;
	struct attack_queue queue;
	uint64_t vpt;

	if (!queue_open(&queue) || !check(find_device(), "there is a device"))
		return;
	v4 = arg_long("gic", 4) == 4;
	page_size = sysconf(_SC_PAGESIZE);
	evil = pages_alloc(4);
	vpt = pages_alloc(4);
	if (!check(evil && vpt, "there is memory"))
		return;
	info("cbaser", "%#llx", (unsigned long long)its_read(GITS_CBASER));
	info("evil", "%#llx", (unsigned long long)evil);
	info("vpt", "%#llx", (unsigned long long)vpt);
	check_io_everywhere("before");
	check(counters_read(&before) && !before.rejected, "EL2 has rejected nothing so far");

	trace_mark(0);
	every_opcode();
	check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, MINE, EVENT_BITS), 0,
		 "a device is reserved");
	check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, RESERVED, EVENT_BITS), 0,
		 "and another");
	devices();
	events();
	collections();
	if (v4) {
		vpe_memory(vpt, &queue);
		vpe_commands(vpt);
	}
	unmap();
	far_device();
	trace_mark(1);

	check(counters_read(&after) && !after.stalls && !after.ignored, "nothing stalled");
	check_eq(after.commands - before.commands, judged,
		 "each command was counted once");
	info("judged", "%u", judged);
	info("rejected", "%llu", (unsigned long long)after.rejected);
	check_io_everywhere("afterwards");
	check(info_closed_memory(), "EL2 has memory");
}
GUEST_TEST("queue-hostile", test_queue_hostile);
