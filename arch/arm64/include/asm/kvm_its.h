/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host and the hypervisor of pKVM say to each other about the ITS. */
#ifndef __ASM_KVM_ITS_H__
#define __ASM_KVM_ITS_H__

#include <linux/bits.h>
#include <linux/types.h>

#define PKVM_ITS_DMA32		BIT(0)
#define PKVM_ITS_NON_COHERENT	BIT(1)

/**
 * struct pkvm_its_quirks - what the registers of an ITS don't tell
 * @itt_entry_size: in bytes
 * @vlpi_rd_offset: added to the RDbase in VMAPP and VMOVP
 * @lpi_bits:	the INTID of an LPI has so many bits
 * @vpe_bits:	a vPEID has so many bits
 * @device_bits: a DeviceID has so many bits
 * @flags:	PKVM_ITS_DMA32: the ITS reaches only the first 4 GiB;
 *		PKVM_ITS_NON_COHERENT: it doesn't snoop, whatever its registers say
 */
struct pkvm_its_quirks {
	u32	itt_entry_size;
	u32	vlpi_rd_offset;
	u32	lpi_bits;
	u32	vpe_bits;
	u32	device_bits;
	u32	flags;
};

/* Who an ITS works for. */
enum pkvm_its_state {
	PKVM_ITS_FORWARD,	/* queue and tables are the host's */
	PKVM_ITS_PREPARED,	/* the tables are EL2's */
	PKVM_ITS_TAKEN,		/* so is the queue */
	PKVM_ITS_SEALED,	/* all are taken over */
	PKVM_ITS_LOST,		/* disabled for good, see its_emulate.c */
	PKVM_ITS_NR_STATES
};

/* What EL2 thinks of a command. */
enum pkvm_its_verdict {
	ITS_ACCEPTED,
	ITS_UNKNOWN,		/* no such command, or none that a driver needs */
	ITS_NO_SUPPORT,		/* this version of the ITS doesn't know it */
	ITS_BAD_DEVICE,		/* DeviceID not mapped, or no ITT reserved for it */
	ITS_BAD_STATE,		/* the device, event or vPE is in another state */
	ITS_BAD_SIZE,		/* not the size that was reserved */
	ITS_BAD_EVENT,		/* EventID beyond the ITT */
	ITS_BAD_INTID,		/* not an LPI, or beyond the LPI tables */
	ITS_BUSY_INTID,		/* another event has it */
	ITS_BAD_ICID,		/* not mapped, or beyond the collection table */
	ITS_BAD_RDBASE,		/* no such redistributor */
	ITS_BAD_VPE,		/* vPEID not mapped, or beyond the vPE table */
	ITS_BAD_MEMORY,		/* not shared with EL2, or in use otherwise */
	ITS_BAD_SEQUENCE,	/* not the VMOVP that the others carried out */
	ITS_NR_VERDICTS
};

/* Counters of an ITS. */
enum pkvm_its_stat {
	PKVM_ITS_STATE,		/* enum pkvm_its_state */
	PKVM_ITS_WRITES,	/* of GITS_CWRITER */
	PKVM_ITS_COMMANDS,	/* that the host has given */
	PKVM_ITS_REJECTED,	/* those of them replaced by SYNC */
	PKVM_ITS_IGNORED,	/* writes of registers that changed nothing */
	PKVM_ITS_STALLS,	/* slots of a stalled queue replaced by SYNC */
	PKVM_ITS_RESTARTS,	/* of the queue */
	PKVM_ITS_LAST_VERDICT,	/* enum pkvm_its_verdict of the last rejection */
	PKVM_ITS_ARENA_BYTES,	/* donated by the host, for all ITSs together */
	PKVM_ITS_TABLE_BYTES,	/* taken in place: tables of GITS_BASER<n> */
	PKVM_ITS_ITT_BYTES,	/* likewise: ITTs of devices that were mapped already */
	PKVM_ITS_QUEUE_BYTES,	/* likewise: the hardware queue */
	PKVM_ITS_NR_STATS
};

/* Counters of all redistributors together. */
enum pkvm_redist_stat {
	PKVM_REDIST_COUNT,	/* how many there are */
	PKVM_REDIST_TAKEN,	/* how many use LPIs, with tables under control */
	PKVM_REDIST_WRITES,	/* of the host, to their frames */
	PKVM_REDIST_IGNORED,	/* those of them that changed nothing */
	PKVM_REDIST_RESIDENT,	/* how often a vPE was made resident */
	PKVM_REDIST_ABANDONED,	/* and still was when its CPU went to firmware */
	PKVM_REDIST_NR_STATS
};

#endif /* __ASM_KVM_ITS_H__ */
