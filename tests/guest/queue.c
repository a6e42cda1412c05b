// SPDX-License-Identifier: GPL-2.0
/* The command queue of the ITS, through the attacker's module. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"

static uint64_t its_nodes;
static char *frame;

const char *verdict_name(enum verdict verdict)
{
	static const char * const names[] = {
		"accepted", "unknown", "no support", "bad device", "bad state", "bad size",
		"bad event", "bad INTID", "busy INTID", "bad ICID", "bad RDbase", "bad vPE",
		"bad memory", "bad sequence", "no sense",
	};

	return names[verdict <= NR_VERDICTS ? verdict : NR_VERDICTS];
}

bool counters_read(struct counters *c)
{
	return its_counter(0, "state", &c->state) && its_counter(0, "commands", &c->commands) &&
	       its_counter(0, "rejected", &c->rejected) &&
	       its_counter(0, "ignored", &c->ignored) && its_counter(0, "stalls", &c->stalls) &&
	       its_counter(0, "restarts", &c->restarts) &&
	       its_counter(0, "last_verdict", &c->last_verdict) &&
	       its_counter(0, "arena_bytes", &c->arena_bytes);
}

bool queue_open(struct attack_queue *queue)
{
	if (!attack_open())
		return false;
	its_nodes = kernel_symbol_phys("its_nodes");
	frame = phys_map(ITS_FRAME, ITS_FRAME_SIZE, false);
	queue->its_nodes = its_nodes;

	return check(its_nodes && frame && !attack_queue(queue) && queue->base == ITS_FRAME &&
		     queue->write < queue->size, "the driver's queue is found");
}

static bool post(const struct command *commands, unsigned int nr, bool wide, bool markers)
{
	struct attack_commands arg = {
		.its_nodes = its_nodes,
		.commands = (uint64_t)commands,
		.nr = nr,
		.wide = wide,
		.markers = markers,
	};

	return !attack_commands(&arg) && arg.reached;
}

bool queue_post(const struct command *commands, unsigned int nr)
{
	return post(commands, nr, false, false);
}

bool queue_post_wide(const struct command *commands, unsigned int nr)
{
	return post(commands, nr, true, false);
}

bool queue_post_marked(const struct command *commands, unsigned int nr)
{
	return post(commands, nr, false, true);
}

enum verdict queue_judge(struct command command)
{
	struct counters before, after;
	bool reached;

	if (!counters_read(&before))
		return NR_VERDICTS;
	reached = queue_post(&command, 1);
	if (!counters_read(&after) || !reached || after.stalls != before.stalls)
		return NR_VERDICTS;
	if (after.commands != before.commands + 1)
		return NR_VERDICTS;
	if (after.rejected == before.rejected)
		return ACCEPTED;
	if (after.rejected == before.rejected + 1)
		return after.last_verdict;

	return NR_VERDICTS;
}

int queue_restart(void)
{
	return attack_restart(its_nodes);
}

uint64_t its_read(unsigned int offset)
{
	uint64_t value = 0;

	read64(frame + offset, &value, NULL);
	return value;
}

void trace_mark(unsigned int n)
{
	uint32_t value;

	read32(frame + 0xe000 + 4 * n, &value, NULL);
}

uint64_t pages_alloc(unsigned int order)
{
	struct attack_alloc arg = { .order = order };

	return attack_alloc(&arg) ? 0 : arg.phys;
}

int64_t hypercall(enum attack_call_id call, uint64_t a1, uint64_t a2, uint64_t a3,
		  uint64_t a4, uint64_t a5, uint64_t a6)
{
	struct attack_call arg = { .call = call, .args = { a1, a2, a3, a4, a5, a6 } };
	int ret = attack_call(&arg);

	return ret ? ret : arg.known ? (int64_t)arg.result : -EOPNOTSUPP;
}

int64_t on_pages(enum attack_call_id call, uint64_t start, uint64_t size)
{
	long page = sysconf(_SC_PAGESIZE);
	int64_t ret = 0;

	for (uint64_t phys = start; phys < start + size && !ret; phys += page)
		ret = hypercall(call, phys / page, 0, 0, 0, 0, 0);
	return ret;
}

int64_t reserve(enum attack_call_id call, uint64_t a1, uint64_t a2, uint64_t a3)
{
	long page = sysconf(_SC_PAGESIZE);
	int64_t ret;

	for (int tries = 0; tries < 100; tries++) {
		unsigned int order = 0;
		uint64_t phys;

		ret = hypercall(call, a1, a2, a3, 0, 0, 0);
		if (ret <= 0)
			return ret;
		while (page << order < ret)
			order++;
		phys = pages_alloc(order);
		if (!phys)
			return -ENOMEM;
		ret = hypercall(ATTACK_CALL_DONATE, phys / page, order, 0, 0, 0, 0);
		if (ret)
			return ret;
	}

	return ret;
}
