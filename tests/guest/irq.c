// SPDX-License-Identifier: GPL-2.0
/* Read /proc/interrupts and move interrupts between CPUs. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

/* The columns are the online CPUs, which need not be 0, 1, 2... */
static int parse_header(char *line, int *columns)
{
	int nr = 0;
	char *word;

	for (word = strtok(line, " \n"); word; word = strtok(NULL, " \n"))
		if (!strncmp(word, "CPU", 3) && nr < MAX_CPUS)
			columns[nr++] = atoi(word + 3) % MAX_CPUS;
	return nr;
}

/*
 *  24:   10   3   ITS-PCI-MSIX-0000:00:01.0   1 Edge      virtio0-input
 */
static bool parse_line(char *text, const int *columns, int nr_columns,
		       struct irq_line *line)
{
	char *at, *word, *last = NULL;

	memset(line, 0, sizeof(*line));
	line->irq = strtol(text, &at, 10);
	if (at == text || *at != ':')
		return false;
	at++;
	for (int i = 0; i < nr_columns; i++)
		line->count[columns[i]] = strtoull(at, &at, 10);
	word = strtok(at, " \n");
	if (!word)
		return false;
	snprintf(line->chip, sizeof(line->chip), "%s", word);
	for (; word; word = strtok(NULL, " \n"))
		last = word;
	snprintf(line->action, sizeof(line->action), "%s", last);
	return true;
}

void irq_snapshot(struct irq_table *table)
{
	int columns[MAX_CPUS], nr_columns;
	char text[2048];
	FILE *f;

	table->nr = 0;
	f = fopen("/proc/interrupts", "re");
	if (!f)
		return;
	if (fgets(text, sizeof(text), f)) {
		nr_columns = parse_header(text, columns);
		while (table->nr < MAX_IRQS && fgets(text, sizeof(text), f))
			if (parse_line(text, columns, nr_columns,
				       &table->line[table->nr]))
				table->nr++;
	}
	fclose(f);
}

uint64_t irq_sum(const struct irq_table *table, const char *prefix, int cpu)
{
	uint64_t sum = 0;

	for (int i = 0; i < table->nr; i++) {
		const struct irq_line *line = &table->line[i];

		if (strncmp(line->action, prefix, strlen(prefix)))
			continue;
		for (int c = 0; c < MAX_CPUS; c++)
			if (cpu < 0 || cpu == c)
				sum += line->count[c];
	}
	return sum;
}

uint64_t irq_count(const char *prefix, int cpu)
{
	static struct irq_table table;

	irq_snapshot(&table);
	return irq_sum(&table, prefix, cpu);
}

#define RNG_CURRENT	"/sys/class/misc/hw_random/rng_current"

static char rng[64];

void irq_rest(void)
{
	uint64_t before, count = irq_count("virtio", -1);
	int quiet = 0;

	/* The kernel asks for entropy whenever it likes, and most of all at the start. */
	if (read_file(RNG_CURRENT, rng, sizeof(rng)) > 0)
		write_file(RNG_CURRENT, "none");
	io_net_down();
	for (int i = 0; i < 100 && quiet < 5; i++) {
		sleep_ms(100);
		before = count;
		count = irq_count("virtio", -1);
		quiet = count == before ? quiet + 1 : 0;
	}
}

void irq_work(void)
{
	write_file(RNG_CURRENT, rng);
}

int irq_set_cpu(int irq, int cpu)
{
	char path[64], value[16];

	snprintf(path, sizeof(path), "/proc/irq/%d/smp_affinity_list", irq);
	snprintf(value, sizeof(value), "%d", cpu);
	return write_file(path, value);
}
