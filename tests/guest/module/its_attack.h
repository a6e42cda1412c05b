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

/* hvc or smc with x0-x7 from regs; x0-x3 come back. */
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

/*
 * The command queue that the driver of the first ITS writes. its_nodes is the
 * physical address of the driver's variable of that name.
 */
struct attack_queue {
	__u64 its_nodes;
	__u64 base;		/* out: physical address of the control frame */
	__u64 queue;		/* out: likewise of the queue */
	__u64 size;		/* out: of the queue, in bytes */
	__u64 write;		/* out: where the driver puts its next command */
};

/*
 * Put commands where the driver would put its own, write GITS_CWRITER, and give the
 * ITS some time to consume them. Without commands, nr slots are submitted as they are.
 */
struct attack_commands {
	__u64 its_nodes;
	__u64 commands;		/* address of nr times four doublewords, or 0 */
	__u32 nr;
	__u32 wide;		/* write all 64 bits of GITS_CWRITER */
	__u64 first;		/* out: offset of the first slot */
	__u64 creadr;		/* out: GITS_CREADR in the end */
	__u32 reached;		/* out: which is where it should be */
	__u32 markers;		/* write GITS_CWRITER between two markers */
};

/* Pages that stay allocated for ever: what EL2 has never comes back. Zeroed. */
struct attack_alloc {
	__u32 order;
	__u32 pad;
	__u64 phys;		/* out */
};

/* Hypercalls by name; not every kernel has them all. One a line, for Kbuild. */
#define ATTACK_CALLS(X)							\
	X(SHARE_HYP, __pkvm_host_share_hyp)				\
	X(UNSHARE_HYP, __pkvm_host_unshare_hyp)				\
	X(VCPU_LOAD, __pkvm_vcpu_load)					\
	X(VCPU_PUT, __pkvm_vcpu_put)					\
	X(DONATE_GUEST, __pkvm_host_donate_guest)			\
	X(ADD_RDBASE, __pkvm_its_add_rdbase)				\
	X(PREPARE, __pkvm_its_prepare)					\
	X(HAND_OVER_DEVICE, __pkvm_its_hand_over_device)		\
	X(HAND_OVER_EVENTS, __pkvm_its_hand_over_events)		\
	X(HAND_OVER_COLLECTION, __pkvm_its_hand_over_collection)	\
	X(TAKE_OVER, __pkvm_its_take_over)				\
	X(ABORT, __pkvm_its_abort)					\
	X(TAKE_REDISTRIBUTOR, __pkvm_its_take_redistributor)		\
	X(SEAL, __pkvm_its_seal)					\
	X(DONATE, __pkvm_its_donate)					\
	X(RESERVE_DEVICE, __pkvm_its_reserve_device)			\
	X(RESERVE_VPE, __pkvm_its_reserve_vpe)				\
	X(BIND_VPE, __pkvm_its_bind_vpe)				\
	X(UNBIND_VPE, __pkvm_its_unbind_vpe)				\
	X(STAT, __pkvm_its_stat)					\
	X(REDIST_STAT, __pkvm_redist_stat)

enum attack_call_id {
#define X(id, name) ATTACK_CALL_##id,
	ATTACK_CALLS(X)
#undef X
	ATTACK_NR_CALLS
};

struct attack_call {
	__u32 call;
	__u32 known;		/* out: there is such a hypercall */
	__u64 args[6];
	__u64 result;		/* out */
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
#define ATTACK_IOC_QUEUE	_IOWR('I', 6, struct attack_queue)
#define ATTACK_IOC_COMMANDS	_IOWR('I', 7, struct attack_commands)
/* Disable the ITS, restart its queue as after a suspend, enable it; takes its_nodes. */
#define ATTACK_IOC_RESTART	_IOW('I', 8, __u64)
#define ATTACK_IOC_ALLOC	_IOWR('I', 9, struct attack_alloc)
#define ATTACK_IOC_CALL		_IOWR('I', 10, struct attack_call)
#define ATTACK_IOC_SMC		_IOWR('I', 11, struct attack_hvc)

#endif
