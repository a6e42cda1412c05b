/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MODEL_PTRACE_H
#define _MODEL_PTRACE_H
#include <linux/types.h>
#define PSR_MODE32_BIT	0x10

struct user_pt_regs {
	u64	regs[31];
	u64	sp;
	u64	pc;
	u64	pstate;
};
#endif
