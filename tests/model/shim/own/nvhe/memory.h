/* SPDX-License-Identifier: GPL-2.0 */
/* EL2 maps all memory linearly, at model_ram. */
#ifndef _MODEL_MEMORY_H
#define _MODEL_MEMORY_H
#include <asm/page.h>
#include <linux/types.h>
#define hyp_pfn_to_phys(pfn)	((phys_addr_t)((pfn) << PAGE_SHIFT))
void *hyp_phys_to_virt(phys_addr_t pa);
phys_addr_t hyp_virt_to_phys(const volatile void *va);
#endif
