/* SPDX-License-Identifier: GPL-2.0 */
/* Which CPU EL2 runs on */
#ifndef _MODEL_CPUTYPE_H
#define _MODEL_CPUTYPE_H
#include <linux/types.h>
u64 model_mpidr(void);
#define read_cpuid_mpidr()		model_mpidr()
#define MPIDR_AFFINITY_LEVEL(mpidr, n)	((u32)((mpidr) >> ((n) == 3 ? 32 : 8 * (n))) & 0xff)
#endif
