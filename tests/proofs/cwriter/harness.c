// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#include "its_emulate.c"
#include "stubs.h"

void cwriter(void)
{
	u64 value = nondet_u64(), size, offset;
	struct its its;

	its.cbaser = nondet_u64();
	size = ((its.cbaser & 0xff) + 1) * 4096;
	its.size = size;
	/* Retry is bit 0, the offset in bits 19:5 counts slots of 32 bytes, the rest is RES0 */
	offset = (value >> 5 & 0x7fff) * 32;

	ASSERT(its_cwriter_is_valid(&its, value) ==
	       ((value == offset || value == (offset | 1)) && offset < size),
	       "an offset in the queue and perhaps Retry, and each such value");
	ASSERT(IMPLIES(its_cwriter_is_valid(&its, value),
		       (value & ITS_QUEUE_OFFSET) == offset && offset + 32 <= size),
	       "what is made of it is a whole slot of the queue");
	ASSERT(ITS_CBASER_SIZE(its.cbaser) == size && size <= SZ_1M && size % SZ_4K == 0,
	       "the size, as GITS_CBASER says");
	REACHED("the end");
}
