// SPDX-License-Identifier: GPL-2.0
/* What EL2 counts of each ITS, in /sys/kernel/debug/pkvm_its. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

#define COUNTERS	"/sys/kernel/debug/pkvm_its"

/*
 * its 0x0000000008080000 state 2 writes 61 commands 104 ...
 */
bool its_counter(unsigned int its, const char *name, uint64_t *value)
{
	char text[2048], key[64], *line, *found;

	if (read_file(COUNTERS, text, sizeof(text)) < 0)
		return false;
	for (line = strtok(text, "\n"); line && its; its--)
		line = strtok(NULL, "\n");
	snprintf(key, sizeof(key), " %s ", name);
	found = line ? strstr(line, key) : NULL;
	if (!found)
		return false;
	*value = strtoull(found + strlen(key), NULL, 0);
	return true;
}

void check_its_honest(const char *when)
{
	static const char * const zero[] = { "rejected", "ignored", "stalls" };
	uint64_t value;

	/* Nothing to count without the series, or in another mode */
	if (!its_counter(0, "state", &value))
		return;
	check_eq(value, arg_long("its_state", 2), "%s: EL2 drives the ITS, or not", when);
	for (size_t i = 0; i < sizeof(zero) / sizeof(zero[0]); i++)
		check(its_counter(0, zero[i], &value) && !value,
		      "%s: EL2 has nothing against the driver: %s", when, zero[i]);
	if (its_counter(0, "last_verdict", &value) && value)
		info("last_verdict", "%llu", (unsigned long long)value);
	if (its_counter(0, "commands", &value))
		info("commands", "%llu", (unsigned long long)value);
}
