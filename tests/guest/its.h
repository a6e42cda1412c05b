/* SPDX-License-Identifier: GPL-2.0 */
/* The control frame of the ITS of QEMU's "virt" machine. */
#ifndef ITS_H
#define ITS_H

#define ITS_FRAME	0x8080000UL
#define ITS_FRAME_SIZE	0x10000UL

/* No device of "virt" answers here: an access ends in an external abort. */
#define NOTHING		0xb000000UL

#define GITS_CTLR	0x0000
#define GITS_IIDR	0x0004
#define GITS_TYPER	0x0008
#define GITS_STATUSR	0x0040
#define GITS_CBASER	0x0080
#define GITS_CWRITER	0x0088
#define GITS_CREADR	0x0090
#define GITS_BASER(n)	(0x0100 + 8 * (n))
#define GITS_CIDR3	0xfffc

#endif
