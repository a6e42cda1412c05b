// SPDX-License-Identifier: GPL-2.0
/*
 * What holds the parts together, and what the code of EL2 finds around itself:
 * locks, the registration of MMIO, a place to panic.
 */
#include "model.h"

#include <stdarg.h>

#include <linux/array_size.h>
#include <linux/err.h>

struct config config;
bool verbose;
bool honest;
unsigned int this_cpu;
void (*race)(void);
u32 race_after;
u64 nr_refused;

static unsigned int nr_held, depth, nr_calls;

/* Pairs of locks in the order in which they are taken */
static const hyp_spinlock_t *held[8];
static const hyp_spinlock_t *edges[128][2];
static unsigned int nr_edges;

void say(const char *fmt, ...)
{
	va_list args;

	if (!verbose)
		return;
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

void violation(const char *rule, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "VIOLATION %s: ", rule);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	abort();
}

void model_bug(const char *what, const char *file, int line)
{
	const char *name = strrchr(file, '/');

	violation("I5", "panic at %s:%d: %s", name ? name + 1 : file, line, what);
}

void model_trace_command(u64 its, u32 offset, u8 opcode, u8 verdict)
{
	say("  EL2: %llx+%05x opcode %02x verdict %u", its, offset, opcode, verdict);
	if (verdict)
		nr_refused++;
	require("I6", !honest || !verdict, "opcode %02x of an honest driver refused: %u", opcode,
		verdict);
}

void hyp_spin_lock_init(hyp_spinlock_t *lock)
{
	lock->held = 0;
}

u64 model_mpidr(void)
{
	require("model", this_cpu != ANY_CPU, "it matters which CPU this is");

	return BIT_ULL(31) | this_cpu;
}

/* Another CPU comes first where EL2 waits for a lock and holds none. */
static void let_others_race(void)
{
	void (*fn)(void) = race;
	unsigned int cpu = this_cpu;

	if (nr_held || !fn)
		return;
	if (race_after) {
		race_after--;
		return;
	}
	race = NULL;
	this_cpu = ANY_CPU;
	fn();
	this_cpu = cpu;
}

void hyp_spin_lock(hyp_spinlock_t *lock)
{
	let_others_race();
	require("I5", !lock->held, "EL2 waits for a lock that it holds");
	lock->held = 1;

	for (unsigned int i = 0; i < nr_held; i++) {
		bool known = false;

		for (unsigned int j = 0; j < nr_edges; j++) {
			known |= edges[j][0] == held[i] && edges[j][1] == lock;
			require("I5", edges[j][0] != lock || edges[j][1] != held[i],
				"EL2 takes two locks in both orders");
		}
		if (!known && nr_edges < ARRAY_SIZE(edges)) {
			edges[nr_edges][0] = held[i];
			edges[nr_edges++][1] = lock;
		}
	}
	require("I5", nr_held < ARRAY_SIZE(held), "EL2 holds too many locks");
	held[nr_held++] = lock;
}

void hyp_spin_unlock(hyp_spinlock_t *lock)
{
	require("I5", nr_held && held[nr_held - 1] == lock, "EL2 releases another lock");
	nr_held--;
	lock->held = 0;
}

/* Around each call of EL2 */
void el2_enter(void)
{
	depth++;
	hw_accesses = 0;
	memory_enter();
}

void el2_leave(void)
{
	require("I5", !nr_held, "EL2 leaves with a lock held");
	rd_all_arrived();
	require("I5", hw_accesses < 64, "EL2 accessed registers %u times", hw_accesses);
	/* The CPU that had to wait begins to count anew */
	hw_accesses = 0;
	memory_enter();
	if (--depth)
		return;
	/* An honest host makes many moves; what a hostile one does, fuzz.c checks */
	if (honest && nr_calls++ % 16 == 0)
		oracle_check();
}

/* The part of pkvm_protect_mmio() that is not about page tables */
int pkvm_protect_mmio(phys_addr_t base, u64 size, pkvm_mmio_write_fn write, void *data)
{
	struct pkvm_mmio_range new = {
		.base	= base,
		.size	= size,
		.write	= write,
		.data	= data,
	};
	struct pkvm_mmio_range *range;

	if (oracle_on)
		return -EACCES;
	if (!size || ((base | size) & (PAGE_SIZE - 1)))
		return -EINVAL;
	if (in_ram(base, size))
		return -EPERM;

	range = pkvm_mmio_insert(&new);
	if (IS_ERR(range))
		return PTR_ERR(range);
	if (write && base >= RD_BASE(0))
		range->va = rd_frame((base - RD_BASE(0)) / RD_STRIDE) + (base - RD_BASE(0)) % RD_STRIDE;
	else if (write)
		range->va = hw_frame((base - FRAME_BASE(0)) / (FRAME_BASE(1) - FRAME_BASE(0)));

	return 0;
}

/*
 * The variables of the code under test are in sections of their own (see Makefile):
 * to boot another machine is to restore them. Not memcpy(): there are the
 * sanitizer's red zones in between.
 */
extern u64 __start_el2_data[], __stop_el2_data[], __start_el2_bss[], __stop_el2_bss[];

__attribute__((no_sanitize("address"), noinline))
static void copy_words(volatile u64 *to, const volatile u64 *from, u64 nr)
{
	for (u64 i = 0; i < nr; i++)
		to[i] = from ? from[i] : 0;
}

static void restore_el2(void)
{
	u64 nr_data = (u64 *)__stop_el2_data - (u64 *)__start_el2_data;
	u64 nr_bss = (u64 *)__stop_el2_bss - (u64 *)__start_el2_bss;
	static u64 *data;

	if (!data) {
		data = malloc(nr_data * sizeof(u64));
		copy_words(data, __start_el2_data, nr_data);
	}
	copy_words(__start_el2_data, data, nr_data);
	copy_words(__start_el2_bss, NULL, nr_bss);
}

void model_reset(const struct config *new)
{
	config = *new;
	restore_el2();
	nr_held = 0;
	nr_edges = 0;
	depth = 0;
	this_cpu = ANY_CPU;
	race = NULL;
	honest = false;
	nr_refused = 0;
	memory_reset();
	hw_reset();
	rd_reset();
	host_reset();
	oracle_reset();
}
