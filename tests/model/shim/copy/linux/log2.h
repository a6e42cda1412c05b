/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_LOG2_H
#define _MODEL_LOG2_H
#include <linux/types.h>
#define ilog2(n)		(63 - __builtin_clzll(n))
#define is_power_of_2(n)	((n) && !((n) & ((n) - 1)))

static inline unsigned int order_base_2(u64 n)
{
	return n > 1 ? ilog2(n - 1) + 1 : 0;
}
#endif
