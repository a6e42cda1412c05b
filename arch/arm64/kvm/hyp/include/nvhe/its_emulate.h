/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_NVHE_ITS_EMULATE_H__
#define __KVM_NVHE_ITS_EMULATE_H__

#include <linux/types.h>

int its_protect(phys_addr_t base, bool closed);

#endif /* __KVM_NVHE_ITS_EMULATE_H__ */
