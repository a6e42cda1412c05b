/* SPDX-License-Identifier: GPL-2.0 */
/* To the registers of the software ITS, see its.c. */
#ifndef _MODEL_IO_H
#define _MODEL_IO_H
u32 readl_relaxed(const volatile void *reg);
u64 readq_relaxed(const volatile void *reg);
void writel_relaxed(u32 value, volatile void *reg);
void writeq_relaxed(u64 value, volatile void *reg);
#endif
