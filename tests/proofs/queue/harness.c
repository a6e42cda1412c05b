// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#include "its_emulate.c"
#include "stubs.h"

#define MAX_QUEUE	SZ_1M
#define MAX_SLOTS	(MAX_QUEUE / ITS_SLOT_SIZE)

/* Frame and proxy are addresses, not memory: the hooks answer for them. */
static u8 frame[SZ_64K];
static u8 proxy[MAX_QUEUE];
static __le64 *queue;
static struct its_note *notes;

static struct its its;
static u64 creadr, cwriter;
static unsigned int nr_cwriter;

/* As the call began, and what GITS_CREADR allows on top */
static u64 old_read, old_write;
static bool stalled;
static bool submits;		/* slots are written for the host, not for a stall */

/* Slots written and read so far; the next one of each */
static u64 next_written, next_copied;
static unsigned int words_written, words_copied, nr_written;

/* That this is the distance modulo the size, arithmetic() shows. */
static u64 distance(u64 from, u64 to)
{
	return its_distance(&its, from, to);
}

/* As is_offset() has it, with few bits for the sake of the solver */
#define any_slot()	((u64)(nondet_u16() & 0x7fff) * ITS_SLOT_SIZE)

static bool is_offset(u64 offset)
{
	return offset < its.size && offset % ITS_SLOT_SIZE == 0;
}

/* One word of a command of the host: once each, in order, within the proxy queue */
u64 proof_read_once(const volatile void *p, size_t size)
{
	u64 offset = (const u8 *)p - proxy;

	ASSERT(__CPROVER_same_object(p, proxy) && size == 8, "the proxy queue, nothing else");
	ASSERT(offset < its.size, "within the proxy queue");
	ASSERT(offset == next_copied + words_copied * 8, "each word once, in order");
	if (++words_copied == 4) {
		words_copied = 0;
		next_copied = next_copied + 32 == its.size ? 0 : next_copied + 32;
	}

	return nondet_u64();
}

void proof_write_once(volatile void *p, size_t size, u64 value)
{
	u64 offset = (u8 *)p - (u8 *)queue, slot = offset & ~31ULL;

	ASSERT(__CPROVER_same_object(p, queue) && size == 8, "the hardware queue, nothing else");
	ASSERT(offset < its.size, "within the hardware queue");
	if (distance(its.read, slot) < distance(its.read, old_write)) {
		/* Not consumed yet: only that which the ITS has stopped at */
		ASSERT(stalled && slot == its.read, "no slot between read and write is written");
		return;
	}

	ASSERT(offset == next_written + words_written * 8, "each word once, in order");
	if (++words_written == 4) {
		words_written = 0;
		nr_written++;
		next_written = next_written + 32 == its.size ? 0 : next_written + 32;
	}
}

u32 readl_relaxed(const volatile void *reg)
{
	return nondet_u32();
}

u64 readq_relaxed(const volatile void *reg)
{
	if ((const u8 *)reg - frame == GITS_CREADR)
		return creadr;

	return nondet_u64();
}

void writel_relaxed(u32 value, volatile void *reg)
{
	ASSERT(false, "no such register here");
}

void writeq_relaxed(u64 value, volatile void *reg)
{
	ASSERT((u8 *)reg - frame == GITS_CWRITER, "GITS_CWRITER, nothing else");
	cwriter = value;
	nr_cwriter++;
}

/* The ITS has come to the slot of the note, and not further than what it was given. */
void its_retire(struct its *which, const struct its_note *note)
{
	u64 offset = (note - notes) * ITS_SLOT_SIZE;

	ASSERT(which == &its && __CPROVER_same_object(note, notes), "a note of this ITS");
	ASSERT(is_offset(offset), "within the notes");
	ASSERT(distance(old_read, offset) < distance(old_read, creadr & 0xfffe0),
	       "released: only what has been consumed");
}

void its_give_up(struct its *which, const struct its_cmd *cmd)
{
	ASSERT(stalled, "given up: only what the ITS has stopped at");
}

enum pkvm_its_verdict its_filter(struct its *which, struct its_cmd *cmd, struct its_note *note)
{
	if (nondet_bool()) {
		note->what = nondet_bool() ? ITS_NOTE_MAPD : ITS_NOTE_SYNC;
		note->id = nondet_u32();
		return ITS_ACCEPTED;
	}

	return ITS_BAD_STATE;
}

void its_build_sync(const struct its *which, struct its_cmd *cmd)
{
	cmd->dw[0] = GITS_CMD_SYNC;
}

void kvm_flush_dcache_to_poc(const volatile void *start, size_t size)
{
	u64 offset = (const u8 *)start - (u8 *)queue;

	ASSERT(__CPROVER_same_object(start, queue) && size == 32 && is_offset(offset),
	       "cleaned: one slot of the hardware queue");
}

/* Any state in which the lock of the ITS may be taken */
static void any_state(void)
{
	u64 pages = nondet_u8() + 1ULL;

	queue = malloc(MAX_QUEUE);
	notes = malloc(MAX_SLOTS * sizeof(*notes));
	its.size = pages * SZ_4K;
	its.frame = frame;
	its.proxy = (const __le64 *)proxy;
	its.queue = queue;
	its.notes = notes;
	its.flush = nondet_bool();
	its.state = PKVM_ITS_TAKEN;
	its.cbaser = GITS_CBASER_VALID | (pages - 1);
	its.read = any_slot();
	its.write = any_slot();
	its.nr_notes = nondet_u32();
	ASSUME(is_offset(its.read) && is_offset(its.write));
	ASSUME(its.nr_notes <= distance(its.read, its.write) / ITS_SLOT_SIZE);
	old_read = its.read;
	old_write = its.write;
	next_written = its.write;
	next_copied = its.write;
	creadr = nondet_u64();
}

/* its_distance() and its_next_slot() are arithmetic modulo the size, of slots */
void arithmetic(void)
{
	u64 from = any_slot(), offset = any_slot(), next, sum;

	any_state();
	ASSUME(is_offset(from) && is_offset(offset));

	sum = from + its_distance(&its, from, offset);
	ASSERT(sum == offset || sum == offset + its.size, "modulo the size");
	ASSERT(its_distance(&its, from, offset) < its.size, "less than a round");
	ASSERT((its_distance(&its, from, offset) == 0) == (from == offset), "0 for the same");

	next = its_next_slot(&its, offset);
	ASSERT(is_offset(next), "the next slot is one");
	ASSERT(its_distance(&its, offset, next) == ITS_SLOT_SIZE, "the next one");
	REACHED("the end");
	ASSERT(__CPROVER_same_object(its_note(&its, offset), notes) &&
	       its_note(&its, offset) - notes == offset / ITS_SLOT_SIZE &&
	       offset / ITS_SLOT_SIZE < its_notes_size(&its) / sizeof(struct its_note),
	       "its note is there");
}

/*
 * One round of the loop of its_submit(), from any state in which it goes on: it
 * still holds afterwards that there is room up to @end, which is one slot nearer. So the
 * loop ends, after no more rounds than there are slots, for all sizes.
 */
void submit_step(void)
{
	u64 end = any_slot(), used, left, slot;
	u32 old_notes;

	any_state();
	ASSUME(is_offset(end));
	used = its_distance(&its, its.read, its.write);
	left = its_distance(&its, its.write, end);
	ASSUME(used + left < its.size && its.write != end);
	slot = its.write;
	old_notes = its.nr_notes;

	its_submit_slot(&its, its.write);
	its.write = its_next_slot(&its, its.write);

	ASSERT(nr_written == 1 && words_written == 0, "a whole slot");
	ASSERT(distance(slot, next_written) == ITS_SLOT_SIZE, "that of the command");
	ASSERT(words_copied == 0 && next_copied == its.write, "read from the same slot");
	ASSERT(is_offset(its.write), "an offset");
	ASSERT(its_distance(&its, its.write, end) == left - ITS_SLOT_SIZE, "one slot nearer");
	ASSERT(its_distance(&its, its.read, its.write) == used + ITS_SLOT_SIZE, "no overtaking");
	ASSERT(its.nr_notes <= old_notes + 1, "one note at most");
	REACHED("the end");
}

/* One round of the loop of its_collect(), likewise */
void collect_step(void)
{
	u64 offset = creadr & ITS_QUEUE_OFFSET, left;

	any_state();
	offset = creadr & ITS_QUEUE_OFFSET;
	ASSUME(is_offset(offset) && offset != its.read);
	left = its_distance(&its, its.read, offset);
	ASSUME(left <= its_distance(&its, its.read, its.write));

	its.read = its_next_slot(&its, its.read);
	ASSERT(is_offset(its.read), "an offset");
	ASSERT(its_distance(&its, its.read, offset) == left - ITS_SLOT_SIZE, "one slot nearer");
	ASSERT(its_distance(&its, its.read, offset) <= its_distance(&its, its.read, its.write),
	       "not past what was submitted");
	REACHED("the end");
}
