/* SPDX-License-Identifier: GPL-2.0 */
/* Who owns which page, see memory.c. */
#ifndef _MODEL_MEM_PROTECT_H
#define _MODEL_MEM_PROTECT_H
/* The real one includes nearly everything. */
#include <linux/align.h>
#include <linux/log2.h>
#include <nvhe/memory.h>
#include <nvhe/mmio.h>
int __pkvm_host_donate_hyp(u64 pfn, u64 nr_pages);
int __pkvm_hyp_donate_host(u64 pfn, u64 nr_pages);
int pkvm_pin_shared(phys_addr_t phys, u64 size, u16 max_pins);
void pkvm_unpin_shared(phys_addr_t phys, u64 size);
int pkvm_protect_mmio(phys_addr_t base, u64 size, pkvm_mmio_write_fn write, void *data);
bool pkvm_mmio_is_sealed(void);
#endif
