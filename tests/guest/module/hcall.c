// SPDX-License-Identifier: GPL-2.0
/* Hypercalls by name: their numbers change with the kernel. */

#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <asm/kvm_asm.h>

#include "its_attack.h"
#include "module.h"

static const u32 functions[ATTACK_NR_CALLS] = {
#define X(id, name)	[ATTACK_CALL_##id] = KVM_HOST_SMCCC_FUNC(name),
	ATTACK_CALLS(X)
#if __has_include(<asm/kvm_its.h>)
	ATTACK_ITS_CALLS(X)
#endif
#undef X
};

long do_call(struct attack_call *arg)
{
	u64 regs[8] = {};

	if (arg->call >= ATTACK_NR_CALLS)
		return -EINVAL;
	if (!functions[arg->call])
		return -EOPNOTSUPP;

	regs[0] = functions[arg->call];
	memcpy(regs + 1, arg->args, sizeof(arg->args));
	do_hvc(regs);
	arg->known = !regs[0];
	arg->result = regs[1];

	return 0;
}
