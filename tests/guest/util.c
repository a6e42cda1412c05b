// SPDX-License-Identifier: GPL-2.0
/* Files, arguments, time. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

#define SYSLOG_ACTION_READ_ALL	3
#define SYSLOG_ACTION_SIZE	10

int read_file(const char *path, char *buf, size_t size)
{
	size_t length = 0;
	ssize_t got = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (length < size - 1) {
		got = read(fd, buf + length, size - 1 - length);
		if (got <= 0)
			break;
		length += got;
	}
	close(fd);
	buf[length] = '\0';
	return got < 0 ? -1 : (int)length;
}

int write_file(const char *path, const char *value)
{
	ssize_t length = strlen(value), done;
	int fd, error;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	done = write(fd, value, length);
	error = errno;
	close(fd);
	errno = error;
	return done == length ? 0 : -1;
}

const char *kernel_log(void)
{
	static char *buf;
	int size, length;

	free(buf);
	size = klogctl(SYSLOG_ACTION_SIZE, NULL, 0);
	buf = size > 0 ? malloc(size + 1) : NULL;
	if (!buf)
		return NULL;
	length = klogctl(SYSLOG_ACTION_READ_ALL, buf, size);
	if (length < 0)
		return NULL;
	buf[length] = '\0';
	return buf;
}

const char *arg(const char *key, const char *def)
{
	static char cmdline[4096], value[256];
	size_t key_length = strlen(key), length;
	char *at;

	if (read_file("/proc/cmdline", cmdline, sizeof(cmdline)) < 0)
		return def;
	at = strstr(cmdline, "its.arg=");
	if (!at)
		return def;
	at += strlen("its.arg=");
	at[strcspn(at, " \n")] = '\0';
	while (*at) {
		length = strcspn(at, ",");
		if (!strncmp(at, key, key_length) && at[key_length] == '=' &&
		    length - key_length <= sizeof(value)) {
			snprintf(value, sizeof(value), "%.*s",
				 (int)(length - key_length - 1),
				 at + key_length + 1);
			return value;
		}
		at += length;
		at += *at == ',';
	}
	return def;
}

long arg_long(const char *key, long def)
{
	const char *text = arg(key, NULL);

	return text ? strtol(text, NULL, 0) : def;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}
