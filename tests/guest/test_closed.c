// SPDX-License-Identifier: GPL-2.0
/*
 * What the host may not do at all once EL2 is in charge.
 *
 * closed: neither read nor write an ITS that nobody drives (its=<address>).
 * hypercalls: none of the hypercalls of the set-up can be called any more.
 */
#include <signal.h>
#include <stdlib.h>

#include "attack.h"
#include "guest.h"
#include "its.h"

static void test_closed(void)
{
	uint64_t pa = strtoull(arg("its", "0"), NULL, 0);
	static const enum attack_insn insns[] = {
		ATTACK_LDRB, ATTACK_LDR32, ATTACK_LDR64, ATTACK_LDP,
		ATTACK_STR32, ATTACK_STR64, ATTACK_STP64, ATTACK_STRB,
	};
	char *closed = phys_map(pa, ITS_FRAME_SIZE, true);
	struct fault fault;
	uint32_t value;

	if (!check(closed, "the closed frame can be mapped at stage 1") || !attack_open())
		return;
	for (unsigned int offset = 0; offset < ITS_FRAME_SIZE; offset += 0x1000) {
		check(read32(closed + offset, &value, &fault) && fault.signo == SIGSEGV,
		      "EL0: a read at %#x faults", offset);
		check(write32(closed + offset, 0, &fault) && fault.signo == SIGSEGV,
		      "EL0: a write at %#x faults", offset);
	}
	for (size_t i = 0; i < sizeof(insns) / sizeof(insns[0]); i++) {
		struct attack_access access = { .phys = pa + GITS_CBASER, .insn = insns[i] };

		check(!attack_access(&access) && access.faulted, "EL1: %s faults",
		      attack_name(insns[i]));
	}
	check_io_everywhere("afterwards");
}
GUEST_TEST("closed", test_closed);

/* KVM_HOST_SMCCC_ID(): a fast 64-bit call of the vendor hypervisor service. */
#define HCALL(id)		(0xc6000000UL | (id))
#define NOT_SUPPORTED		0xffffffffffffffffUL

/* See enum __kvm_host_smccc_func. */
#define HCALL_PKVM_INIT		1
#define HCALL_PROTECT_ITS	7
#define HCALL_PROTECT_REDIST	8
#define HCALL_SEAL_MMIO		9
#define HCALL_PROT_FINALIZE	10

static void test_hypercalls(void)
{
	uint64_t regs[8];

	if (!attack_open())
		return;
	for (unsigned int id = HCALL_PKVM_INIT; id < HCALL_PROT_FINALIZE; id++) {
		/* As for an ITS frame to be protected, and closed */
		for (int i = 0; i < 8; i++)
			regs[i] = 0;
		regs[0] = HCALL(id);
		regs[1] = 0x9000000;
		regs[2] = 1;
		check(!attack_hvc(regs), "hypercall %u can be tried", id);
		check_eq(regs[0], NOT_SUPPORTED, "hypercall %u does not exist any more", id);
	}

	/* The numbers above are right: this one is the first that answers. */
	for (int i = 0; i < 8; i++)
		regs[i] = 0;
	regs[0] = HCALL(HCALL_PROT_FINALIZE);
	check(!attack_hvc(regs), "__pkvm_prot_finalize can be tried");
	check_eq(regs[0], 0, "__pkvm_prot_finalize exists");
	check_eq(regs[1], (uint64_t)-1, "and is refused");
	check_io_everywhere("afterwards");
}
GUEST_TEST("hypercalls", test_hypercalls);
