// SPDX-License-Identifier: GPL-2.0
/* Hypercalls by name: their numbers change with the kernel. */

#include <linux/array_size.h>
#include <linux/errno.h>
#include <linux/string.h>

#include <asm/kvm_asm.h>

#include "its_attack.h"
#include "module.h"

/* In Kbuild, those that this kernel does not have */
#define NO_CALL		0xffff

static const u32 functions[ATTACK_NR_CALLS] = {
#define X(id, name)	[ATTACK_CALL_##id] = KVM_HOST_SMCCC_FUNC(name),
	ATTACK_CALLS(X)
#undef X
};

long do_call(struct attack_call *arg)
{
	u64 regs[8] = {};

	if (arg->call >= ATTACK_NR_CALLS)
		return -EINVAL;
	if (functions[arg->call] == KVM_HOST_SMCCC_ID(NO_CALL))
		return -EOPNOTSUPP;

	regs[0] = functions[arg->call];
	memcpy(regs + 1, arg->args, sizeof(arg->args));
	do_hvc(regs);
	arg->known = !regs[0];
	arg->result = regs[1];

	return 0;
}
