// SPDX-License-Identifier: GPL-2.0
/*
 * One burst between markers for each kind and number of commands, in the order of
 * bench/table.py, which counts what EL2 executes in them. Works on a kernel without
 * the series as well: there, nothing of it enters EL2.
 */
#include <stdio.h>
#include <string.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

#define DEVICE		0x300
#define EVENT_BITS	7
#define EVENTS		(1 << EVENT_BITS)
#define LPI		0xe000

static struct command batch[EVENTS];

static void burst(const char *what, unsigned int nr)
{
	char key[64];

	/* Said first: the n-th line of the report is about the n-th burst. */
	snprintf(key, sizeof(key), "%s %u", what, nr);
	info("burst", "%s", key);
	check(queue_post_marked(batch, nr), "%s is consumed", key);
}

static void fill(struct command (*command)(unsigned int), unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		batch[i] = command(i);
}

static struct command sync_of(unsigned int i)
{
	return sync_cmd(i & 0);		/* the only CPU */
}

static unsigned int first_event;

static struct command mapti_of(unsigned int i)
{
	return mapti(DEVICE, first_event + i, LPI + first_event + i, 0);
}

static struct command inv_of(unsigned int i)
{
	return on_event(INV, DEVICE, first_event + i);
}

static struct command int_of(unsigned int i)
{
	return on_event(INT, DEVICE, first_event + i);
}

static struct command movi_of(unsigned int i)
{
	return movi(DEVICE, first_event + i, 0);
}

static struct command discard_of(unsigned int i)
{
	return on_event(DISCARD, DEVICE, first_event + i);
}

static struct command refused_of(unsigned int i)
{
	return on_event(INV, DEVICE + 1, i);
}

static const struct {
	const char *name;
	struct command (*command)(unsigned int);
} kinds[] = {
	{ "SYNC", sync_of }, { "MAPTI", mapti_of }, { "INV", inv_of }, { "INT", int_of },
	{ "MOVI", movi_of }, { "DISCARD", discard_of }, { "refused", refused_of },
};

static void test_cost(void)
{
	static const unsigned int batches[] = { 1, 16, 64 };
	struct attack_queue queue;
	bool series;

	if (!queue_open(&queue))
		return;
	series = hypercall(ATTACK_CALL_STAT, ITS_FRAME, 0, 0, 0, 0, 0) == 2;
	info("series", "%d", series);

	burst("nothing", 0);
	/* Without the series, the ITT would be the host's; MAPD is all that needs one. */
	if (series)
		check_eq(reserve(ATTACK_CALL_RESERVE_DEVICE, ITS_FRAME, DEVICE, EVENT_BITS), 0,
			 "a device is reserved");
	batch[0] = mapd(DEVICE, EVENT_BITS, series ? 0 : pages_alloc(0));
	burst("MAPD", 1);
	for (size_t b = 0; b < sizeof(batches) / sizeof(batches[0]); b++) {
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
			if (!series && kinds[k].command == refused_of)
				continue;
			fill(kinds[k].command, batches[b]);
			burst(kinds[k].name, batches[b]);
		}
	}
	first_event = 64;
	batch[0] = mapti_of(0);
	batch[1] = sync_cmd(0);
	burst("MAPTI+SYNC", 2);
	batch[0] = inv_of(0);
	batch[1] = sync_cmd(0);
	burst("INV+SYNC", 2);
	batch[0] = discard_of(0);
	batch[1] = sync_cmd(0);
	burst("DISCARD+SYNC", 2);
	batch[0] = unmapd(DEVICE);
	batch[1] = sync_cmd(0);
	burst("MAPD-V0+SYNC", 2);
}
GUEST_TEST("cost", test_cost);
