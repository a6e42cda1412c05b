// SPDX-License-Identifier: GPL-2.0
/*
 * The driver of the ITS suspends and resumes: it disables the ITS, saves and
 * restores its registers and enables it again. Interrupts work afterwards.
 *
 * Argument: cycles=<n>. The test case looks for the writes in QEMU's trace.
 */
#include "attack.h"
#include "guest.h"

static void set_others_online(bool online)
{
	for (int cpu = 1; cpu < cpus_present(); cpu++)
		check(!cpu_set_online(cpu, online), "CPU %d goes %s", cpu,
		      online ? "online" : "offline");
}

static void test_suspend(void)
{
	long cycles = arg_long("cycles", 3);

	if (!attack_open())
		return;
	check_io_everywhere("before");
	for (long i = 0; i < cycles; i++) {
		set_others_online(false);
		check(!attack_suspend(), "the drivers suspend and resume");
		set_others_online(true);
		check_io_everywhere("afterwards");
	}
	check_its_honest("in the end");
}
GUEST_TEST("suspend", test_suspend);
