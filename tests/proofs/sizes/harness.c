// SPDX-License-Identifier: GPL-2.0
#include "proof.h"
#include "its_memory.c"
#include "stubs.h"

void kvm_flush_dcache_to_poc(const volatile void *start, size_t size)
{
}

/* All that GITS_TYPER and a quirk can say, and the host can ask for */
void sizes(void)
{
	u64 entries, bytes, missing = nondet_u64();
	struct its_device_record device;
	u32 event_bits = nondet_u8();
	struct its its = {};

	its.itt_entry_size = nondet_u32();
	ASSUME(its.itt_entry_size >= 1 && its.itt_entry_size <= 256);
	ASSUME(event_bits >= 1 && event_bits <= 32);
	entries = 1ULL << event_bits;

	/* 2^40 at most */
	bytes = (u64)its.itt_entry_size << event_bits;
	ASSERT(its_itt_size(&its, event_bits) == bytes, "an ITT has room for all its entries");
	ASSERT(its_events_size(event_bits) == entries * 4, "one record for each event");

	/* An empty arena: what is too large will never be there */
	if (its_itt_size(&its, event_bits) <= SZ_4M && its_events_size(event_bits) <= SZ_4M)
		return;
	ASSERT(its_alloc_device(&its, event_bits, &device, &missing) == -ENOMEM,
	       "too large: refused");
	ASSERT(!missing, "for good");
	REACHED("too large");
}
