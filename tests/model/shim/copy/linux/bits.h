/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_BITS_H
#define _MODEL_BITS_H
#define UL(x)			(x ## UL)
#define BIT(n)			(1UL << (n))
#define BIT_ULL(n)		(1ULL << (n))
#define GENMASK(h, l)		((~0UL >> (63 - (h))) & (~0UL << (l)))
#define GENMASK_ULL(h, l)	((~0ULL >> (63 - (h))) & (~0ULL << (l)))
#define BITS_PER_LONG		64
#define __ffs(x)		((unsigned long)__builtin_ctzl(x))
#endif
