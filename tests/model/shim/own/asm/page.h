/* SPDX-License-Identifier: GPL-2.0 */
#ifndef PAGE_SHIFT
#define PAGE_SHIFT	12
#endif
#define PAGE_SIZE	(1UL << PAGE_SHIFT)
#define PAGE_ALIGN(x)	(((x) + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1))
#define PHYS_PFN(x)	((u64)((x) >> PAGE_SHIFT))
