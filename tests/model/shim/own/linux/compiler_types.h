/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Included before everything else, as in a kernel build. READ_ONCE() is a hook:
 * the hostile host changes its memory between any two of them.
 */
#ifndef _MODEL_COMPILER_TYPES_H
#define _MODEL_COMPILER_TYPES_H
#include <assert.h>
#include <linux/limits.h>
#include <linux/types.h>

#include <linux/threads.h>

#define __iomem
#define __percpu
#define __init
#define __must_check
#define __aligned(n)		__attribute__((aligned(n)))
#define __packed		__attribute__((packed))
#define fallthrough		__attribute__((fallthrough))
#define __printf(a, b)		__attribute__((format(printf, a, b)))
#define likely(x)		(x)
#define unlikely(x)		(x)
#define sizeof_field(t, f)	sizeof(((t *)0)->f)

#define le64_to_cpu(x)		((u64)(x))
#define cpu_to_le64(x)		((__le64)(x))

u64 model_read_once(const volatile void *p, size_t size);
void model_write_once(const volatile void *p, size_t size);

/* Values of up to 64 bits, no pointers to structures */
#define READ_ONCE(x)		((typeof(x))model_read_once(&(x), sizeof(x)))
#define OPTIMIZER_HIDE_VAR(x)	((void)(x))
#define WRITE_ONCE(x, v)					\
	do {							\
		*(volatile typeof(x) *)&(x) = (v);		\
		model_write_once(&(x), sizeof(x));		\
	} while (0)

/* At EL2, a warning is a panic. */
void __attribute__((noreturn)) model_bug(const char *what, const char *file, int line);
#define BUG_ON(x)		({ if (x) model_bug(#x, __FILE__, __LINE__); })
#define WARN_ON(x)		({ if (x) model_bug(#x, __FILE__, __LINE__); false; })
#endif
