// SPDX-License-Identifier: GPL-2.0
/*
 * The means of a root user that wants at the hardware: the ITS can be read
 * through /dev/mem, and an access that faults is caught.
 *
 * Arguments: its=<physical address of the control frame>, gic=3|4.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "guest.h"

#define GITS_IIDR	0x0004
#define GITS_TYPER	0x0008
#define GITS_PIDR2	0xffe8

#define FRAME_SIZE	0x10000

static void test_physmem(void)
{
	uint64_t pa = strtoull(arg("its", "0x8080000"), NULL, 0);
	uint32_t value = 0, pidr2 = 0;
	struct fault fault;
	uint64_t typer = 0;
	char *frame, *hole;

	frame = phys_map(pa, FRAME_SIZE, false);
	if (!check(frame, "the ITS frame can be mapped"))
		return;
	check(!read32(frame + GITS_IIDR, &value, NULL), "IIDR can be read");
	check(!read64(frame + GITS_TYPER, &typer, NULL), "TYPER can be read");
	check(typer & 1, "the ITS supports physical LPIs");
	check(!read32(frame + GITS_PIDR2, &pidr2, NULL), "PIDR2 can be read");
	check_eq(pidr2 >> 4 & 0xf, arg_long("gic", 4), "GIC version in PIDR2");
	info("typer", "%#llx", (unsigned long long)typer);

	/* This mapping is read-only: the process itself must take the fault. */
	check(write32(frame + GITS_IIDR, 0, &fault) && fault.signo == SIGSEGV,
	      "a write to a read-only mapping is caught");
	check(fault.addr == frame + GITS_IIDR, "the fault names the address");
	phys_unmap(frame, FRAME_SIZE);

	hole = mmap(NULL, FRAME_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(read64(hole, &typer, &fault) && fault.signo == SIGSEGV,
	      "a read of nothing is caught");
	check(!read32(&value, &pidr2, &fault) && !fault.signo,
	      "an ordinary access after a fault works");
}
GUEST_TEST("physmem", test_physmem);
