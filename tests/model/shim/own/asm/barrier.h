/* SPDX-License-Identifier: GPL-2.0 */
/* One thread, but the model wants to see that stores are complete in time. */
#ifndef _MODEL_BARRIER_H
#define _MODEL_BARRIER_H
void model_dsb(const char *what);
#define dsb(what)			model_dsb(#what)
#define smp_mb()			((void)0)
#define smp_load_acquire(p)		(*(volatile typeof(*(p)) *)(p))
#define smp_store_release(p, v)		(*(volatile typeof(*(p)) *)(p) = (v))
#endif
