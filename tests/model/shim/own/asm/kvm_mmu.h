/* SPDX-License-Identifier: GPL-2.0 */
/* Makes the ITS see what EL2 has written, see memory.c. */
#ifndef _MODEL_KVM_MMU_H
#define _MODEL_KVM_MMU_H
#include <asm/page.h>
void kvm_flush_dcache_to_poc(const volatile void *start, size_t size);
#endif
