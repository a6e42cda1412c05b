/* SPDX-License-Identifier: GPL-2.0 */
/* What inline functions of the real asm/esr.h want, and nobody here calls. */
#define CFI_BRK_IMM_MASK	0
#define CFI_BRK_IMM_BASE	0
#define UBSAN_BRK_MASK		0
#define UBSAN_BRK_IMM		0
