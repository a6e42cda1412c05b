/* SPDX-License-Identifier: GPL-2.0 */
/* The command queue of the ITS, its commands, and EL2's opinion of them. */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "attack.h"

#define QUEUE_SLOTS	2048

struct command {
	uint64_t dw[4];
};

enum opcode {
	MOVI = 0x01, INT = 0x03, CLEAR = 0x04, SYNC = 0x05, MAPD = 0x08, MAPC = 0x09,
	MAPTI = 0x0a, MAPI = 0x0b, INV = 0x0c, INVALL = 0x0d, MOVALL = 0x0e, DISCARD = 0x0f,
	VMOVI = 0x21, VMOVP = 0x22, VSGI = 0x23, VSYNC = 0x25, VMAPP = 0x29, VMAPTI = 0x2a,
	VMAPI = 0x2b, VINVALL = 0x2d, INVDB = 0x2e,
};

/* enum pkvm_its_verdict, arch/arm64/include/asm/kvm_its.h */
enum verdict {
	ACCEPTED, UNKNOWN, NO_SUPPORT, BAD_DEVICE, BAD_STATE, BAD_SIZE, BAD_EVENT, BAD_INTID,
	BUSY_INTID, BAD_ICID, BAD_RDBASE, BAD_VPE, BAD_MEMORY, BAD_SEQUENCE, NR_VERDICTS,
};

const char *verdict_name(enum verdict verdict);

#define VALID		(1UL << 63)

/* Fields are where the architecture has them, and as large as its doubleword lets. */
static inline struct command on_event(enum opcode opcode, uint64_t device, uint64_t event)
{
	return (struct command){ { opcode | device << 32, event } };
}

static inline struct command mapd(uint64_t device, uint64_t event_bits, uint64_t itt)
{
	return (struct command){ { MAPD | device << 32, event_bits - 1, VALID | itt } };
}

static inline struct command unmapd(uint64_t device)
{
	return (struct command){ { MAPD | device << 32 } };
}

static inline struct command mapc(uint64_t icid, uint64_t cpu, bool valid)
{
	return (struct command){ { MAPC, 0, (valid ? VALID : 0) | cpu << 16 | icid } };
}

static inline struct command mapti(uint64_t device, uint64_t event, uint64_t intid,
				   uint64_t icid)
{
	return (struct command){ { MAPTI | device << 32, event | intid << 32, icid } };
}

static inline struct command movi(uint64_t device, uint64_t event, uint64_t icid)
{
	return (struct command){ { MOVI | device << 32, event, icid } };
}

static inline struct command sync_cmd(uint64_t cpu)
{
	return (struct command){ { SYNC, 0, cpu << 16 } };
}

static inline struct command on_vpe(enum opcode opcode, uint64_t vpe)
{
	return (struct command){ { opcode, vpe << 32 } };
}

static inline struct command vmapp(uint64_t vpe, uint64_t cpu, uint64_t vpt, uint64_t bits)
{
	return (struct command){ { VMAPP, vpe << 32, VALID | cpu << 16, vpt | (bits - 1) } };
}

static inline struct command vmapti(uint64_t device, uint64_t event, uint64_t vpe,
				    uint64_t vintid, uint64_t doorbell)
{
	return (struct command){ { VMAPTI | device << 32, event | vpe << 32,
				   vintid | doorbell << 32 } };
}

static inline struct command vmovp(uint64_t vpe, uint64_t cpu)
{
	return (struct command){ { VMOVP, vpe << 32, cpu << 16 } };
}

/* What EL2 has counted of the first ITS. */
struct counters {
	uint64_t state, commands, rejected, ignored, stalls, restarts, last_verdict, arena_bytes;
};

bool counters_read(struct counters *counters);

/* The driver's queue; a failed check if it can't be found. */
bool queue_open(struct attack_queue *queue);
/*
 * Submit commands through the driver's queue, or (NULL) what is there already.
 * Returns whether the ITS has consumed them.
 */
bool queue_post(const struct command *commands, unsigned int nr);
/* The same with a 64-bit write of GITS_CWRITER. */
bool queue_post_wide(const struct command *commands, unsigned int nr);
/* The same between two markers, for what it costs to be counted. */
bool queue_post_marked(const struct command *commands, unsigned int nr);
/* Submit one command; what EL2 thought of it, or NR_VERDICTS if it makes no sense. */
enum verdict queue_judge(struct command command);
/* The driver's restart of the queue, as on resume. */
int queue_restart(void);

/* A register of the ITS. */
uint64_t its_read(unsigned int offset);
/* A mark in QEMU's trace: a read of a register that does not exist. */
void trace_mark(unsigned int n);

/* Physical address of zeroed pages that stay ours for ever; 0 on failure. */
uint64_t pages_alloc(unsigned int order);

/* A hypercall; -EOPNOTSUPP if there is none of that name. */
int64_t hypercall(enum attack_call_id call, uint64_t a1, uint64_t a2, uint64_t a3,
		  uint64_t a4, uint64_t a5, uint64_t a6);
/* The same, and donate the memory that it asks for. */
int64_t reserve(enum attack_call_id call, uint64_t a1, uint64_t a2, uint64_t a3);
/* One for each page of some memory, until one fails. */
int64_t on_pages(enum attack_call_id call, uint64_t start, uint64_t size);

/*
 * closed.c: report the memory that the host cannot read as infos "closed<n>"; returns
 * their number.
 */
unsigned int info_closed_memory(void);
/* Where the memory of the hypervisor starts, from the kernel log; and its size. */
uint64_t el2_memory(uint64_t *size);

#endif
