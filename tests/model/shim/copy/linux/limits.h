/* SPDX-License-Identifier: GPL-2.0 */
/* The C library includes a header of this name. */
#include_next <linux/limits.h>
#ifndef U64_MAX
#define U16_MAX		((u16)~0U)
#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define PHYS_ADDR_MAX	(~(phys_addr_t)0)
#endif
