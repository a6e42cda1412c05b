// SPDX-License-Identifier: GPL-2.0
/* Tests of the harness: each must be reported as failing (see harness.py). */
#include <signal.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "guest.h"
#include "report.h"

static void test_pass(void)
{
	check(1 + 1 == 2, "arithmetic");
}
GUEST_TEST("selftest-pass", test_pass);

static void test_fail(void)
{
	check(1 + 1 == 2, "arithmetic");
	check(1 + 1 == 3, "a check that fails");
}
GUEST_TEST("selftest-fail", test_fail);

static void test_zero(void)
{
}
GUEST_TEST("selftest-zero", test_zero);

static void test_skip(void)
{
	skip("nothing to test here");
}
GUEST_TEST("selftest-skip", test_skip);

static void test_warn(void)
{
	check(!write_file("/dev/kmsg", "WARNING: fake\n"), "write to the console");
}
GUEST_TEST("selftest-warn", test_warn);

static void test_crash(void)
{
	check(1 + 1 == 2, "arithmetic");
	raise(SIGSEGV);
}
GUEST_TEST("selftest-crash", test_crash);

static void test_silent(void)
{
	reboot(RB_POWER_OFF);
}
GUEST_TEST("selftest-silent", test_silent);

/* Says everything a good verdict says, but on the console. */
static void test_noise(void)
{
	write_file("/dev/kmsg", "ok everything\n");
	write_file("/dev/kmsg", "done 1\n");
	write_file("/dev/console", "\nok everything\ndone 1\n");
	reboot(RB_POWER_OFF);
}
GUEST_TEST("selftest-noise", test_noise);

static void test_hang(void)
{
	check(1 + 1 == 2, "arithmetic");
	for (;;)
		pause();
}
GUEST_TEST("selftest-hang", test_hang);

/* A complete verdict, but then the guest does not power off as it should. */
static void test_restart(void)
{
	check(1 + 1 == 2, "arithmetic");
	report_done();
	reboot(RB_AUTOBOOT);
}
GUEST_TEST("selftest-restart", test_restart);
