// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#define PROOF_DSB
#include "its_emulate.c"
#include "stubs.h"

/* A queue of so few slots that all of it can be followed */
#ifndef SLOTS
#define SLOTS	4
#endif
#define WORDS	(SLOTS * 4)
#define SIZE	(SLOTS * 32)

static u8 frame[SZ_64K];		/* addresses only */
static u64 proxy[WORDS];		/* likewise: the host changes it all the time */
static u64 queue[WORDS];
static struct its_note notes[SLOTS];
static struct its its;

/* As the call began */
static u64 old_read, old_write, old_queue[WORDS];
static struct its_note old_notes[SLOTS];

/* What happened to each slot, and word */
static u8 nr_copied[WORDS], nr_retired[SLOTS];
static u64 copied[WORDS], wanted[WORDS];
static struct its_note new_notes[SLOTS];
static bool filtered[SLOTS], given_up[SLOTS];

static u64 creadr, end, cwriter;
static unsigned int nr_creadr, nr_cwriter, next;
static bool unpublished;

/* In slots, from where the ITS was when EL2 last looked */
static unsigned int ahead(u64 from, u64 offset)
{
	return (offset / 32 + SLOTS - from / 32) % SLOTS;
}

/* Not consumed yet, as far as EL2 can know: not to be touched */
static bool in_use(unsigned int slot)
{
	return ahead(its.read, slot * 32) < ahead(its.read, old_write);
}

u64 proof_read_once(const volatile void *p, size_t size)
{
	unsigned int word;

	ASSERT(size == 8, "doublewords");
	if (__CPROVER_same_object(p, queue))
		return queue[((const u8 *)p - (const u8 *)queue) / 8];

	ASSERT(__CPROVER_same_object(p, proxy), "the proxy queue");
	ASSERT((u64)((const u8 *)p - (const u8 *)proxy) < SIZE, "within the proxy queue");
	word = ((const u8 *)p - (const u8 *)proxy) / 8;
	copied[word] = nondet_u64();
	nr_copied[word]++;

	return copied[word];
}

void proof_write_once(volatile void *p, size_t size, u64 value)
{
	unsigned int word;

	ASSERT(__CPROVER_same_object(p, queue) && size == 8, "the hardware queue, nothing else");
	ASSERT((u64)((u8 *)p - (u8 *)queue) < SIZE, "within the hardware queue");
	word = ((u8 *)p - (u8 *)queue) / 8;
	ASSERT(!in_use(word / 4) || given_up[word / 4],
	       "I2: no slot that the ITS may still read is overwritten");
	ASSERT(!nr_cwriter, "no slot is written after GITS_CWRITER");
	queue[word] = value;
	unpublished = true;
}

void model_dsb(const char *what)
{
	unpublished = false;
}

u32 readl_relaxed(const volatile void *reg)
{
	return nondet_u32();
}

u64 readq_relaxed(const volatile void *reg)
{
	if ((const u8 *)reg - frame != GITS_CREADR)
		return nondet_u64();
	nr_creadr++;

	return creadr;
}

void writel_relaxed(u32 value, volatile void *reg)
{
	ASSERT(false, "no such register here");
}

void writeq_relaxed(u64 value, volatile void *reg)
{
	ASSERT((u8 *)reg - frame == GITS_CWRITER, "GITS_CWRITER, nothing else");
	ASSERT(!unpublished, "the slots come first");
	cwriter = value;
	nr_cwriter++;
}

void kvm_flush_dcache_to_poc(const volatile void *start, size_t size)
{
	ASSERT(__CPROVER_same_object(start, queue) && size == 32, "one slot");
	/* It ends in a DSB */
	unpublished = false;
}

void its_retire(struct its *which, const struct its_note *note)
{
	unsigned int slot = note - notes;

	ASSERT(__CPROVER_same_object(note, notes) && slot < SLOTS, "a note of this ITS");
	ASSERT(ahead(old_read, slot * 32) < ahead(old_read, creadr & 0xfffe0) &&
	       (creadr & 0xfffe0) < SIZE, "I3: released is only what has been consumed");
	ASSERT(note->what == old_notes[slot].what && note->id == old_notes[slot].id,
	       "as it was noted");
	nr_retired[slot]++;
}

void its_give_up(struct its *which, const struct its_cmd *cmd)
{
	unsigned int slot = its.read / 32;

	ASSERT((creadr & 1) && its.read == (creadr & 0xfffe0) && its.read != old_write,
	       "given up is only what the ITS has stopped at");
	for (unsigned int i = 0; i < 4; i++)
		ASSERT(cmd->dw[i] == old_queue[slot * 4 + i], "what the ITS has got");
	given_up[slot] = true;
}

void its_build_sync(const struct its *which, struct its_cmd *cmd)
{
	cmd->dw[0] = GITS_CMD_SYNC;
	cmd->dw[1] = 0;
	cmd->dw[2] = 0x12340000;
	cmd->dw[3] = 0;
}

/* Accepts what it likes and makes of it what it likes */
enum pkvm_its_verdict its_filter(struct its *which, struct its_cmd *cmd, struct its_note *note)
{
	bool accepted = nondet_bool();

	ASSERT(next < SLOTS && !filtered[next], "each slot once, in order");
	ASSERT(note->what == ITS_NOTE_NONE, "an empty note");
	filtered[next] = true;
	for (unsigned int i = 0; i < 4; i++) {
		ASSERT(nr_copied[next * 4 + i] == 1 && cmd->dw[i] == copied[next * 4 + i],
		       "I2: what was read of this slot, once");
		cmd->dw[i] = nondet_u64();
		wanted[next * 4 + i] = cmd->dw[i];
	}
	if (accepted) {
		note->what = nondet_u8() & 7;
		note->id = nondet_u32();
		new_notes[next] = *note;
	} else {
		struct its_cmd sync;

		its_build_sync(which, &sync);
		for (unsigned int i = 0; i < 4; i++)
			wanted[next * 4 + i] = sync.dw[i];
	}
	next = next + 1 == SLOTS ? 0 : next + 1;

	return accepted ? ITS_ACCEPTED : ITS_BAD_STATE;
}

static unsigned int count_notes(void)
{
	unsigned int nr = 0;

	for (unsigned int i = 0; i < SLOTS; i++)
		nr += notes[i].what != ITS_NOTE_NONE;

	return nr;
}

/* Any state between two calls: notes are of slots that are not known to be consumed */
static void any_state(unsigned int read, unsigned int write)
{
	its.size = SIZE;
	its.frame = frame;
	its.proxy = (const __le64 *)proxy;
	its.queue = (__le64 *)queue;
	its.notes = notes;
	its.flush = nondet_bool();
	its.enabled = nondet_bool();
	its.state = PKVM_ITS_TAKEN;
	its.cbaser = nondet_u64();
	its.read = read * 32;
	its.write = write * 32;
	old_read = its.read;
	old_write = its.write;
	for (unsigned int i = 0; i < SLOTS; i++) {
		notes[i].what = nondet_u8() & 7;
		notes[i].id = nondet_u32();
		if (!in_use(i))
			notes[i].what = ITS_NOTE_NONE;
		old_notes[i] = notes[i];
	}
	its.nr_notes = count_notes();
	for (unsigned int i = 0; i < WORDS; i++) {
		queue[i] = nondet_u64();
		old_queue[i] = queue[i];
		nr_copied[i] = 0;
	}
	for (unsigned int i = 0; i < SLOTS; i++) {
		nr_retired[i] = 0;
		filtered[i] = false;
		given_up[i] = false;
	}
	nr_creadr = 0;
	nr_cwriter = 0;
	unpublished = false;
	creadr = nondet_u64();
	next = old_write / 32;
}

static void submit_from(unsigned int read, unsigned int write, unsigned int to)
{
	enum pkvm_mmio_result res;
	unsigned int nr_new;

	any_state(read, write);
	end = to * 32;

	res = its_submit(&its, end);

	/* GITS_CREADR, once; EL2 believes it or not */
	ASSERT(nr_creadr == 1, "P3: GITS_CREADR is read once");
	ASSERT(its.read == old_read || its.read == (creadr & 0xfffe0), "as GITS_CREADR says");
	ASSERT(its.read < SIZE && its.read % 32 == 0, "an offset in the queue");
	ASSERT(ahead(old_read, its.read) <= ahead(old_read, old_write), "not past what was sent");

	/* All or nothing, and GITS_CWRITER doesn't come to where the ITS reads */
	nr_new = ahead(old_write, end);
	ASSERT((res == PKVM_MMIO_OK) == (ahead(its.read, old_write) + nr_new < SLOTS),
	       "accepted if and only if there is room");
	ASSERT(its.write == (res == PKVM_MMIO_OK ? end : old_write), "all or nothing");
	ASSERT(nr_cwriter == 1 && (cwriter & ~1ULL) == its.write, "GITS_CWRITER, once");
	ASSERT((cwriter & 1) == given_up[its.read / 32], "Retry for a slot that was replaced");
	if (res != PKVM_MMIO_OK)
		nr_new = 0;

	for (unsigned int i = 0; i < SLOTS; i++) {
		bool new = ahead(old_write, i * 32) < nr_new;
		bool consumed = ahead(old_read, i * 32) < ahead(old_read, its.read);
		const struct its_note *note = new ? &new_notes[i] : &old_notes[i];

		ASSERT(filtered[i] == new, "each new slot is filtered");
		for (unsigned int w = i * 4; w < i * 4 + 4; w++) {
			ASSERT(nr_copied[w] == new, "I2: each word of it is read once");
			if (new)
				ASSERT(queue[w] == wanted[w], "I2: the ITS gets what was checked");
			else if (!given_up[i])
				ASSERT(queue[w] == old_queue[w], "others are as they were");
		}
		/* A slot can be both: consumed, and used again */
		ASSERT(nr_retired[i] == (consumed && old_notes[i].what != ITS_NOTE_NONE),
		       "I3: what was noted is released once it is consumed");
		if (new || (!consumed && !given_up[i]))
			ASSERT(notes[i].what == note->what &&
			       (!note->what || notes[i].id == note->id), "noted");
		else
			ASSERT(notes[i].what == ITS_NOTE_NONE, "not noted any more");
	}
	ASSERT(its.nr_notes == count_notes(), "notes are counted");
	REACHED("the end");
}

/* The offsets are constants of a run, or CBMC would not see which slots are meant. */
void submit(void)
{
	submit_from(READ, WRITE, END);
}
