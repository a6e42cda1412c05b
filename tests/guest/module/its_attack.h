/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the attacker at EL1 offers to the guest tests, through /dev/its_attack.
 *
 * The module stands for a compromised host kernel: it maps any physical
 * address, touches it with any instruction and calls the hypervisor with any
 * arguments. It judges nothing; the guest tests and the test cases do.
 */
#ifndef ITS_ATTACK_H
#define ITS_ATTACK_H

#include <linux/ioctl.h>
#include <linux/types.h>

/*
 * One instruction each. The X-macro keeps the names that the tests print and
 * the numbers together.
 */
#define ATTACK_INSNS(X)							\
	X(LDRB, "ldrb") X(LDRH, "ldrh") X(LDR32, "ldr32") X(LDR64, "ldr64") \
	X(LDP, "ldp")							\
	X(STRB, "strb") X(STRH, "strh") X(STR32, "str32") X(STR64, "str64") \
	X(STR32_XZR, "str32_xzr") X(STR64_XZR, "str64_xzr")		\
	X(STLR32, "stlr32") X(STLR64, "stlr64")				\
	X(STP32, "stp32") X(STP64, "stp64")				\
	X(STR32_PRE, "str32_pre") X(STR32_POST, "str32_post")		\
	X(STR64_POST, "str64_post")					\
	X(STR_S, "str_simd32") X(STR_D, "str_simd64") X(STR_Q, "str_simd128") \
	X(ST1, "st1") X(SWP32, "swp32") X(LDADD64, "ldadd64")		\
	X(CAS64, "cas64") X(LDXR_STXR32, "ldxr_stxr32")			\
	X(DC_ZVA, "dc_zva") X(DC_IVAC, "dc_ivac") X(DC_CVAC, "dc_cvac")	\
	X(DC_CIVAC, "dc_civac")

enum attack_insn {
#define X(id, name) ATTACK_##id,
	ATTACK_INSNS(X)
#undef X
	ATTACK_NR_INSNS
};

/* How the attacker maps the address at stage 1. */
enum attack_map {
	ATTACK_MAP_DEVICE,
	ATTACK_MAP_NORMAL_NC,	/* lets unaligned and DC ZVA reach stage 2 */
};

struct attack_access {
	__u64 phys;
	__u64 value;		/* in: what to write; out: what was read */
	__u32 insn;
	__u32 map;
	__u32 faulted;		/* out: the instruction took an abort */
	__u32 pad;
};

/* hvc #imm with x0-x7 from regs; x0-x3 come back. */
struct attack_hvc {
	__u64 regs[8];
};

/*
 * Accesses between two "hvc" with these immediates, interrupts off, so that
 * the log of QEMU tells what they cost.
 */
struct attack_burst {
	struct attack_access access;
	__u32 count;
	__u32 marker;		/* immediate of the first hvc, +1 of the second */
};

/*
 * While the caller's user mapping at addr is being written, another CPU makes
 * the walk of its page table end in an external abort, and well again, time
 * after time: the hypervisor must not die of translating the address.
 */
struct attack_flip {
	__u64 addr;		/* of the caller, mapped */
	__u64 bad;		/* physical address nothing answers at */
	__u32 cpu;		/* the one to do it on */
	__u32 on;		/* start or stop */
	__u64 flips;		/* out, when stopped: how often */
};

#define ATTACK_MARKER_BASE	0x1750

#define ATTACK_IOC_ACCESS	_IOWR('I', 1, struct attack_access)
#define ATTACK_IOC_HVC		_IOWR('I', 2, struct attack_hvc)
#define ATTACK_IOC_BURST	_IOWR('I', 3, struct attack_burst)
/*
 * Not an attack: what the drivers do around a system suspend, without the
 * suspend, which QEMU does not have. On the last CPU only.
 */
#define ATTACK_IOC_SUSPEND	_IO('I', 5)
#define ATTACK_IOC_FLIP		_IOWR('I', 4, struct attack_flip)

#endif
