// SPDX-License-Identifier: GPL-2.0
/* Variables of the kernel, found as root would find them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

static uint64_t kallsyms(const char *name)
{
	unsigned long long addr, found = 0;
	char line[512], symbol[256];
	FILE *f = fopen("/proc/kallsyms", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %*c %255s", &addr, symbol) == 2 &&
		    !strcmp(symbol, name)) {
			found = addr;
			break;
		}
	if (f)
		fclose(f);

	return found;
}

/* Where the kernel image starts in physical memory: its code is in iomem. */
static uint64_t text_phys(void)
{
	unsigned long long start, found = 0;
	FILE *f = fopen("/proc/iomem", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f))
		if (strstr(line, ": Kernel code") && sscanf(line, " %llx-", &start) == 1)
			found = start;
	if (f)
		fclose(f);

	return found;
}

uint64_t kernel_symbol_phys(const char *name)
{
	uint64_t addr = kallsyms(name), text = kallsyms("_text"), phys = text_phys();

	return addr && text && phys ? addr - text + phys : 0;
}

void *kernel_symbol_map(const char *name, bool writable)
{
	uint64_t phys = kernel_symbol_phys(name);
	long page = sysconf(_SC_PAGESIZE);
	char *va;

	if (!phys)
		return NULL;
	va = phys_map(phys & -page, 2 * page, writable);

	return va ? va + (phys & (page - 1)) : NULL;
}
