/* SPDX-License-Identifier: GPL-2.0 */
/* What the real arm-gic-v3.h wants, and nobody here uses. */
typedef struct { int unused; } raw_spinlock_t;
typedef struct { int unused; } cpumask_t;
struct page;

static inline u32 gic_read_sre(void)
{
	return 0;
}

static inline void gic_write_sre(u32 sre)
{
}
