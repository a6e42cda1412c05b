// SPDX-License-Identifier: GPL-2.0
/* Which memory the host cannot read: what belongs to EL2. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "queue.h"

#define CHUNK	(64UL << 20)

struct scan {
	const char *va;
	volatile size_t at;	/* also after a fault: the page it is about */
	size_t nr, page;
};

static void read_pages(void *data)
{
	struct scan *scan = data;

	for (; scan->at < scan->nr; scan->at++)
		(void)*(const volatile char *)(scan->va + scan->at * scan->page);
}

/* One more closed page: part of the range before it, or the start of another. */
struct ranges {
	uint64_t start, end;
	unsigned int nr;
};

static void flush(struct ranges *ranges)
{
	char key[32];

	if (!ranges->end)
		return;
	snprintf(key, sizeof(key), "closed%u", ranges->nr++);
	info(key, "%#llx-%#llx", (unsigned long long)ranges->start,
	     (unsigned long long)ranges->end);
}

static void add(struct ranges *ranges, uint64_t phys, size_t page)
{
	if (phys != ranges->end) {
		flush(ranges);
		ranges->start = phys;
	}
	ranges->end = phys + page;
}

static void scan_chunk(struct ranges *ranges, uint64_t phys, size_t size)
{
	struct scan scan = { .page = sysconf(_SC_PAGESIZE) };

	scan.va = phys_map(phys, size, false);
	scan.nr = size / scan.page;
	if (!scan.va)
		return;
	while (catch_fault(read_pages, &scan, NULL)) {
		add(ranges, phys + scan.at * scan.page, scan.page);
		scan.at++;
	}
	phys_unmap((void *)scan.va, size);
}

unsigned int info_closed_memory(void)
{
	unsigned long long start, end;
	struct ranges ranges = { };
	FILE *f = fopen("/proc/iomem", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, ": System RAM") ||
		    sscanf(line, "%llx-%llx", &start, &end) != 2)
			continue;
		for (; start < end; start += CHUNK)
			scan_chunk(&ranges, start, end + 1 - start < CHUNK ?
				   end + 1 - start : CHUNK);
	}
	if (f)
		fclose(f);
	flush(&ranges);

	return ranges.nr;
}

uint64_t el2_memory(uint64_t *size)
{
	unsigned long long mib = 0, start = 0;
	const char *log = kernel_log(), *line = log ? strstr(log, "kvm [0]: Reserved ") : NULL;

	if (!line || sscanf(line, "kvm [0]: Reserved %llu MiB at %llx", &mib, &start) != 2)
		return 0;
	*size = mib << 20;
	return start;
}
