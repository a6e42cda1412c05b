// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own KVM selftests: programs below /selftests, named in /selftests/list,
 * one a line, with their arguments.
 *
 * Reported is, for each, "info <name>=<outcome> <seconds> <text>": pass, skip, fail or
 * timeout, and what the program said last. It is up to the test case to judge. With
 * tap=1, each line of the program's KTAP is a check of its own.
 *
 * Arguments: limit=<seconds> for each program; tap=<0 or 1>.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"

#define FOLDER	"/selftests"
#define OUTPUT	"/tmp/output"

#define KSFT_SKIP	4

static char output[1 << 20];

/* Run a program in a process group of its own. Returns its status, or -1: time-out. */
static int run_program(char **argv, double limit)
{
	double end = now() + limit;
	int status = 0, fd;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		fd = open(OUTPUT, O_RDWR | O_CREAT | O_TRUNC, 0600);
		dup2(open("/dev/null", O_RDONLY), 0);
		dup2(fd, 1);
		dup2(fd, 2);
		execv(argv[0], argv);
		dprintf(2, "can't run it: %s\n", strerror(errno));
		_exit(127);
	}
	while (!waitpid(pid, &status, WNOHANG)) {
		if (now() > end) {
			kill(-pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		sleep_ms(20);
	}
	kill(-pid, SIGKILL);
	return status;
}

/* The line that says most of why it failed or was skipped */
static const char *telling_line(char *text)
{
	static const char * const tell[] = { "not ok", "==== Test Assertion", "SKIP", "skip" };
	char *line = NULL, *end;

	for (size_t i = 0; i < sizeof(tell) / sizeof(tell[0]) && !line; i++)
		line = strstr(text, tell[i]);
	if (!line) {
		end = text + strlen(text);
		while (end > text && end[-1] == '\n')
			*--end = '\0';
		line = strrchr(text, '\n');
		return line ? line + 1 : text;
	}
	/* An assertion goes on with pid, thread, and then with what was wrong. */
	for (end = line; *end && end < line + 400; end++)
		if (strncmp(line, tell[1], strlen(tell[1])) && *end == '\n')
			break;
	*end = '\0';
	return line;
}

static void report_tap(char *text)
{
	unsigned int notes = 0, skips = 0;
	char *line, *save, key[32];

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "ok ", 3) && strstr(line, "# SKIP")) {
			snprintf(key, sizeof(key), "skipped_%u", ++skips);
			info(key, "%s", line);
		} else if (!strncmp(line, "ok ", 3)) {
			check(true, "%s", line + 3);
		} else if (!strncmp(line, "not ok ", 7)) {
			fail(line + 7, "the program says so");
		} else {
			snprintf(key, sizeof(key), "line_%u", ++notes);
			info(key, "%s", line);
		}
	}
}

/* line: the name, and arguments */
static void run_one(char *line, double limit)
{
	double start = now(), seconds;
	char path[256], *argv[16] = { path }, *name, *save;
	const char *outcome, *why;
	int status;

	name = strtok_r(line, " ", &save);
	for (int i = 1; i < 15 && argv[i - 1]; i++)
		argv[i] = strtok_r(NULL, " ", &save);
	unlink(OUTPUT);
	snprintf(path, sizeof(path), FOLDER "/%s", name);
	status = run_program(argv, limit);
	seconds = now() - start;
	if (read_file(OUTPUT, output, sizeof(output)) < 0)
		output[0] = '\0';
	/* Text as it is may hold anything. */
	for (char *c = output; *c; c++)
		if ((*c < ' ' && *c != '\n') || *c > '~')
			*c = ' ';

	if (status == -1)
		outcome = "timeout";
	else if (WIFEXITED(status) && !WEXITSTATUS(status))
		outcome = "pass";
	else if (WIFEXITED(status) && WEXITSTATUS(status) == KSFT_SKIP)
		outcome = "skip";
	else
		outcome = "fail";
	if (arg_long("tap", 0)) {
		report_tap(output);
		check(!strcmp(outcome, "pass"), "%s passes", name);
	}
	why = strcmp(outcome, "pass") ? telling_line(output) : "";
	if (!*why && WIFSIGNALED(status) && status != -1)
		why = strsignal(WTERMSIG(status));
	info(name, "%s %.1f %.300s", outcome, seconds, why);
}

static void test_selftest_kvm(void)
{
	double limit = arg_long("limit", 60);
	static char list[8192];
	char *line, *save;
	int nr = 0;

	if (!check(read_file(FOLDER "/list", list, sizeof(list)) > 0, "there are selftests"))
		return;
	for (line = strtok_r(list, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		run_one(line, limit);
		nr++;
	}
	check(nr, "all of them were run");
}
GUEST_TEST("selftest-kvm", test_selftest_kvm);
