/* SPDX-License-Identifier: GPL-2.0 */
/* The redistributors of QEMU's "virt" machine. */
#ifndef REDIST_H
#define REDIST_H

#define REDIST_BASE	0x80a0000UL
#define REDIST_FRAME	0x10000UL

#define GICR_CTLR	0x0000
#define GICR_TYPER	0x0008
#define GICR_STATUSR	0x0010
#define GICR_WAKER	0x0014
#define GICR_SETLPIR	0x0040
#define GICR_CLRLPIR	0x0048
#define GICR_PROPBASER	0x0070
#define GICR_PENDBASER	0x0078
#define GICR_INVLPIR	0x00a0
#define GICR_INVALLR	0x00b0
/* In SGI_base */
#define GICR_ISENABLER0	0x10100
/* In VLPI_base, GICv4 */
#define GICR_VLPI_BASE	0x20000
#define GICR_VPROPBASER	0x20070
#define GICR_VPENDBASER	0x20078

#endif
