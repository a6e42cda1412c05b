// SPDX-License-Identifier: GPL-2.0
/* An interactive shell on the console; the guest powers off when it ends. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define BUSYBOX		"/bin/busybox"

static int run(char *const argv[], bool terminal)
{
	int status, fd;
	pid_t pid;

	pid = fork();
	if (!pid) {
		if (terminal) {
			/* Make it our controlling terminal: Ctrl-C works. */
			setsid();
			fd = open("/dev/ttyAMA0", O_RDWR);
			if (fd >= 0) {
				ioctl(fd, TIOCSCTTY, 0);
				dup2(fd, 0);
				dup2(fd, 1);
				dup2(fd, 2);
			}
		}
		execv(BUSYBOX, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_shell(void)
{
	char *const install[] = { "busybox", "--install", "-s", NULL };
	char *const shell[] = { "-sh", NULL };

	if (!check(!access(BUSYBOX, X_OK), "there is a busybox"))
		return;
	mkdir("/bin", 0755);
	mkdir("/sbin", 0755);
	mkdir("/usr", 0755);
	mkdir("/usr/bin", 0755);
	mkdir("/usr/sbin", 0755);
	check(!run(install, false), "its applets are installed");
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin", 1);
	setenv("HOME", "/", 1);
	setenv("TERM", "linux", 1);
	setenv("PS1", "guest# ", 1);
	/* Kernel messages would garble what the user types. */
	write_file("/proc/sys/kernel/printk", "4");
	/* Its exit status is that of the last command the user typed. */
	check(run(shell, true) >= 0, "the shell ends by itself");
}
GUEST_TEST("shell", test_shell);
