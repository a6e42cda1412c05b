/* SPDX-License-Identifier: GPL-2.0 */
/* Locks that know when they are taken twice, or in two orders. */
#ifndef _MODEL_SPINLOCK_H
#define _MODEL_SPINLOCK_H
typedef struct { int held; } hyp_spinlock_t;
#define DEFINE_HYP_SPINLOCK(name)	hyp_spinlock_t name
void hyp_spin_lock_init(hyp_spinlock_t *lock);
void hyp_spin_lock(hyp_spinlock_t *lock);
void hyp_spin_unlock(hyp_spinlock_t *lock);
#endif
