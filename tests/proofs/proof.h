/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included by each harness before the source under test. The headers are the shims of
 * the model; what the model answers for, the harness or stubs.h does here.
 */
#ifndef _PROOF_H
#define _PROOF_H

/* Not before the real <string.h>, which the sources include */
#include <stdlib.h>
#include <string.h>

#include <linux/minmax.h>
#include <linux/types.h>

/* CBMC mistakes the variables of nested statement expressions for each other. */
#undef min
#undef max
#undef min3
#define min(a, b)	((a) < (b) ? (a) : (b))
#define max(a, b)	((a) > (b) ? (a) : (b))
#define min3(a, b, c)	min(min(a, b), c)

/* Any value: CBMC knows functions of these names to have no body on purpose. */
u8 nondet_u8(void);
u16 nondet_u16(void);
u32 nondet_u32(void);
u64 nondet_u64(void);
bool nondet_bool(void);

#define ASSUME(x)	__CPROVER_assume(x)
#define IMPLIES(a, b)	(!(a) || (b))

/* Fails on purpose if tests/cases/proofs.py asks whether a proof gets there at all */
#ifdef REACH
#define ASSERT(x, what)	((void)(x))
#define REACHED(what)	__CPROVER_assert(false, "reached: " what)
#else
#define ASSERT(x, what)	__CPROVER_assert(x, what)
#define REACHED(what)	do { } while (0)
#endif

/* All bits of an object, whatever is in it */
#define ANY(object)	__CPROVER_havoc_object(&(object))

/*
 * Accesses that the code marks. They go through hooks of the harness, which knows
 * what memory there is, and need not have it.
 */
#undef READ_ONCE
#undef WRITE_ONCE
#define READ_ONCE(x)		((typeof(x))proof_read_once(&(x), sizeof(x)))
#define WRITE_ONCE(x, v)	proof_write_once(&(x), sizeof(x), (u64)(v))

u64 proof_read_once(const volatile void *p, size_t size);
void proof_write_once(volatile void *p, size_t size, u64 value);

#endif
