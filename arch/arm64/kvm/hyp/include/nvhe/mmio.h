/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef __KVM_NVHE_MMIO_H__
#define __KVM_NVHE_MMIO_H__

#include <linux/threads.h>
#include <linux/types.h>

/* Frames, not registers: one for each ITS, two for each redistributor */
#define PKVM_MMIO_MAX_ITSS	64
#define PKVM_MMIO_MAX_RANGES	(PKVM_MMIO_MAX_ITSS + 2 * NR_CPUS)

/* What became of an access of the host that its stage-2 does not allow. */
enum pkvm_mmio_result {
	PKVM_MMIO_OK,		/* the hardware or its emulation took it */
	PKVM_MMIO_IGNORED,	/* it changed nothing; the host carries on */

	/* Refused: it changed nothing, and the host gets the abort back. */
	PKVM_MMIO_REFUSED,
	PKVM_MMIO_CLOSED = PKVM_MMIO_REFUSED,	/* neither read nor written */
	PKVM_MMIO_NOT_A_STORE,	/* fetch, table walk, cache maintenance */
	PKVM_MMIO_NO_SYNDROME,	/* pair, write-back, SIMD, atomic, 64 bytes, ... */
	PKVM_MMIO_AARCH32,	/* conditional, or in an IT block */
	PKVM_MMIO_BAD_SIZE,	/* 8 or 16 bits */
	PKVM_MMIO_MISALIGNED,
	PKVM_MMIO_SPILLS,	/* beyond the end of the range */
	PKVM_MMIO_NR_RESULTS
};

/**
 * struct pkvm_mmio_write - a write of the host
 * @offset:	into the range, in bytes, a multiple of @size
 * @value:	zero-extended
 * @size:	in bytes, 4 or 8
 */
struct pkvm_mmio_write {
	u64		offset;
	u64		value;
	unsigned int	size;
};

struct pkvm_mmio_range;
typedef enum pkvm_mmio_result (*pkvm_mmio_write_fn)(const struct pkvm_mmio_range *range,
						    const struct pkvm_mmio_write *write);

/**
 * struct pkvm_mmio_range - MMIO that the host may read but not write
 * @base:	physical address of the first byte, page aligned
 * @size:	in bytes, a multiple of the page size
 * @va:		where EL2 maps it, established once; NULL if closed
 * @write:	gets the writes of the host, without a lock and on any CPU; NULL
 *		if closed: the host cannot read it either and EL2 never touches it
 * @data:	for @write
 */
struct pkvm_mmio_range {
	phys_addr_t		base;
	u64			size;
	void __iomem		*va;
	pkvm_mmio_write_fn	write;
	void			*data;
};

struct pkvm_mmio_range *pkvm_mmio_insert(const struct pkvm_mmio_range *new);
void pkvm_mmio_remove(phys_addr_t base);
const struct pkvm_mmio_range *pkvm_mmio_find(phys_addr_t addr, u64 *start, u64 *end);

struct user_pt_regs;
bool pkvm_mmio_is_read(u64 esr);
bool pkvm_mmio_is_pinned(const struct pkvm_mmio_write *write, u64 pinned);
enum pkvm_mmio_result pkvm_mmio_decode(u64 esr, u64 spsr, u64 offset, u64 range_size,
				       const struct user_pt_regs *regs,
				       struct pkvm_mmio_write *write);

#endif /* __KVM_NVHE_MMIO_H__ */
