// SPDX-License-Identifier: GPL-2.0
/*
 * Report a verdict on the virtio-serial port "its.verdict".
 *
 * The port belongs to the tests alone, so nothing the kernel prints can be
 * taken for a result.  Every line is copied to the kernel log, where it shows
 * what happened in which order.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "report.h"

static int port = -1;
static int kmsg = -1;
static unsigned int *checks;	/* shared with the process that runs the test */

static bool find_port(char *path, size_t size)
{
	bool found = false;
	char name[64];
	glob_t names;

	if (glob("/sys/class/virtio-ports/*/name", 0, NULL, &names))
		return false;
	for (size_t i = 0; i < names.gl_pathc && !found; i++) {
		if (read_file(names.gl_pathv[i], name, sizeof(name)) < 0 ||
		    strcmp(name, "its.verdict\n"))
			continue;
		*strrchr(names.gl_pathv[i], '/') = '\0';
		snprintf(path, size, "/dev/%s",
			 strrchr(names.gl_pathv[i], '/') + 1);
		found = true;
	}
	globfree(&names);
	return found;
}

bool report_open(void)
{
	char path[64];

	kmsg = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	checks = mmap(NULL, sizeof(*checks), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* Ports are announced by a message that may come after boot. */
	for (int tries = 0; tries < 500; tries++) {
		if (find_port(path, sizeof(path))) {
			port = open(path, O_WRONLY | O_CLOEXEC);
			if (port >= 0)
				break;
		}
		sleep_ms(20);
	}
	if (port < 0 && kmsg >= 0)
		dprintf(kmsg, "no port its.verdict: nowhere to report to\n");
	return port >= 0 && checks != MAP_FAILED;
}

static void emit(const char *line)
{
	size_t length = strlen(line);
	ssize_t done;

	if (kmsg >= 0)
		dprintf(kmsg, "its: %s", line);
	while (length) {
		done = write(port, line, length);
		if (done <= 0)
			_exit(1);
		line += done;
		length -= done;
	}
}

/* One line "<word> <text>[: <detail>]"; newlines would forge further lines. */
static void emit_line(const char *word, const char *text, const char *detail)
{
	char line[1200];
	char *c;

	snprintf(line, sizeof(line) - 1, "%s %s%s%s", word, text,
		 detail ? ": " : "", detail ? detail : "");
	for (c = line; *c; c++)
		if (*c == '\n')
			*c = ' ';
	strcpy(c, "\n");
	emit(line);
}

static bool report(bool good, const char *detail, const char *what, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), what, args);
	emit_line(good ? "ok" : "not ok", text, good ? NULL : detail);
	__atomic_add_fetch(checks, 1, __ATOMIC_RELAXED);
	return good;
}

bool report_check(bool good, const char *cond, const char *what, ...)
{
	char detail[512];
	va_list args;

	snprintf(detail, sizeof(detail), "(%s) is false", cond);
	va_start(args, what);
	report(good, detail, what, args);
	va_end(args);
	return good;
}

bool report_equal(uint64_t got, uint64_t want, const char *what, ...)
{
	char detail[512];
	va_list args;

	snprintf(detail, sizeof(detail), "got %#llx, expected %#llx",
		 (unsigned long long)got, (unsigned long long)want);
	va_start(args, what);
	report(got == want, detail, what, args);
	va_end(args);
	return got == want;
}

void fail(const char *what, const char *detail, ...)
{
	char text[512];
	va_list args;

	va_start(args, detail);
	vsnprintf(text, sizeof(text), detail, args);
	va_end(args);
	emit_line("not ok", what, text);
	__atomic_add_fetch(checks, 1, __ATOMIC_RELAXED);
}

void info(const char *key, const char *value, ...)
{
	char text[512], line[640];
	va_list args;

	va_start(args, value);
	vsnprintf(text, sizeof(text), value, args);
	va_end(args);
	snprintf(line, sizeof(line), "%s=%s", key, text);
	emit_line("info", line, NULL);
}

void skip(const char *reason, ...)
{
	char text[512];
	va_list args;

	va_start(args, reason);
	vsnprintf(text, sizeof(text), reason, args);
	va_end(args);
	emit_line("skip", text, NULL);
}

void report_done(void)
{
	char count[16];

	snprintf(count, sizeof(count), "%u", *checks);
	emit_line("done", count, NULL);
}
