// SPDX-License-Identifier: GPL-2.0
/* Which CPUs there are, and on which of them we run. */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>

#include "guest.h"

int cpus_present(void)
{
	char path[64];
	struct stat st;
	int cpu;

	for (cpu = 0; cpu < MAX_CPUS; cpu++) {
		snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d", cpu);
		if (stat(path, &st))
			break;
	}
	return cpu;
}

static void online_path(int cpu, char *path, size_t size)
{
	snprintf(path, size, "/sys/devices/system/cpu/cpu%d/online", cpu);
}

bool cpu_is_online(int cpu)
{
	char path[64], value[8];

	online_path(cpu, path, sizeof(path));
	/* A CPU that cannot go offline has no such file. */
	if (read_file(path, value, sizeof(value)) < 0)
		return cpu < cpus_present();
	return value[0] == '1';
}

int cpu_set_online(int cpu, bool online)
{
	char path[64];

	online_path(cpu, path, sizeof(path));
	return write_file(path, online ? "1" : "0");
}

int pin_to_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

void unpin(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int cpu = 0; cpu < MAX_CPUS; cpu++)
		CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}
