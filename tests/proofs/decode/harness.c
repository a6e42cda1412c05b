// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#include "mmio.c"

/* What the Arm ARM says of ESR_ELx for a data abort, not what the kernel's macros say */
#define EC(esr)		((esr) >> 26 & 0x3f)
#define ISV(esr)	((esr) >> 24 & 1)
#define SAS(esr)	((esr) >> 22 & 3)
#define SRT(esr)	((esr) >> 16 & 31)
#define LST(esr)	((esr) >> 11 & 3)
#define CM(esr)		((esr) >> 8 & 1)
#define S1PTW(esr)	((esr) >> 7 & 1)
#define WNR(esr)	((esr) >> 6 & 1)
#define DFSC(esr)	((esr) & 0x3f)

/* Levels 0 to 3, and -1 for a translation fault */
static bool fault_is_known(u64 dfsc)
{
	return (dfsc >= 0x04 && dfsc <= 0x07) || dfsc == 0x2b ||
	       (dfsc >= 0x0c && dfsc <= 0x0f);
}

void decode(void)
{
	u64 esr = nondet_u64(), spsr = nondet_u64();
	u64 offset = nondet_u64(), range_size = nondet_u64();
	struct pkvm_mmio_write write, before;
	struct user_pt_regs regs;
	enum pkvm_mmio_result res;
	u64 value, size;
	bool good;

	ANY(regs);
	ANY(write);
	before = write;
	ASSUME(offset < range_size);

	res = pkvm_mmio_decode(esr, spsr, offset, range_size, &regs, &write);

	size = 1ULL << SAS(esr);
	good = EC(esr) == 0x24 && WNR(esr) && !CM(esr) && !S1PTW(esr) &&
	       fault_is_known(DFSC(esr)) && ISV(esr) && !LST(esr) && !(spsr & 0x10) &&
	       size >= 4 && offset % size == 0 && range_size - offset >= size;

	ASSERT((res == PKVM_MMIO_OK) == good, "accepted if and only if it is a good store");
	ASSERT(res == PKVM_MMIO_OK || (res > PKVM_MMIO_CLOSED && res < PKVM_MMIO_NR_RESULTS),
	       "what is not accepted is refused");
	ASSERT(!(res == PKVM_MMIO_OK && pkvm_mmio_is_read(esr)), "a store is not a load");

	if (res != PKVM_MMIO_OK) {
		ASSERT(write.offset == before.offset && write.value == before.value &&
		       write.size == before.size, "refused: nothing is filled in");
		return;
	}

	ASSERT(write.size == 4 || write.size == 8, "32 or 64 bits");
	ASSERT(write.size == size, "as the syndrome says");
	ASSERT(write.offset == offset, "where the host wrote");
	ASSERT(write.offset % write.size == 0, "aligned");
	ASSERT(write.offset < range_size && range_size - write.offset >= write.size, "in range");

	value = SRT(esr) == 31 ? 0 : regs.regs[SRT(esr)];
	if (write.size == 4)
		value &= 0xffffffff;
	ASSERT(write.value == value, "the register, zero-extended; XZR is 0");
	REACHED("accepted");
}
