/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_BITMAP_H
#define _MODEL_BITMAP_H
#include <linux/bits.h>
#include <linux/types.h>
#define DECLARE_BITMAP(name, bits)	unsigned long name[((bits) + 63) / 64]

static inline bool test_and_set_bit(unsigned long nr, unsigned long *map)
{
	unsigned long old = map[nr / 64];

	map[nr / 64] |= BIT(nr % 64);

	return old & BIT(nr % 64);
}

static inline void clear_bit(unsigned long nr, unsigned long *map)
{
	map[nr / 64] &= ~BIT(nr % 64);
}

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[nr / 64] & BIT(nr % 64);
}
#endif
