// SPDX-License-Identifier: GPL-2.0
/* PID 1: prepare the guest, run one test, report, power off. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "report.h"

extern const struct guest_test __start_guest_tests[];
extern const struct guest_test __stop_guest_tests[];

static void mount_all(void)
{
	static const struct {
		const char *type, *where;
	} mounts[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" },
		/* The kernel may have been built without these two. */
		{ "debugfs", "/sys/kernel/debug" },
		{ "tracefs", "/sys/kernel/tracing" },
	};

	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++) {
		mkdir(mounts[i].where, 0755);
		mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL);
	}
}

static const char *test_name(void)
{
	static char cmdline[4096];
	char *found, *end;

	if (read_file("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return "";
	found = strstr(cmdline, "its.test=");
	if (!found)
		return "";
	found += strlen("its.test=");
	end = strpbrk(found, " \n");
	if (end)
		*end = '\0';
	return found;
}

static const struct guest_test *find_test(const char *name)
{
	const struct guest_test *test;

	for (test = __start_guest_tests; test < __stop_guest_tests; test++)
		if (!strcmp(test->name, name))
			return test;
	return NULL;
}

static void run_test(const struct guest_test *test)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		test->run();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		fail("run the test", "cannot start a process");
		return;
	}
	if (WIFSIGNALED(status))
		fail("the test runs to its end", "killed by signal %d",
		     WTERMSIG(status));
	else if (WEXITSTATUS(status))
		fail("the test runs to its end", "exit status %d",
		     WEXITSTATUS(status));
}

int main(void)
{
	const struct guest_test *test;
	const char *name;

	mount_all();
	name = test_name();
	test = find_test(name);

	/* Without a verdict port nobody hears us: power off, which fails. */
	if (report_open()) {
		if (test)
			run_test(test);
		else
			fail("known guest test", "no test '%s'", name);
		report_done();
	}

	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
