/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What no proof has anything to say about. Included after the source. A function
 * that is called and has no body fails a proof.
 */
void hyp_spin_lock_init(hyp_spinlock_t *lock)
{
}

/* One thread: only that no lock is taken twice, or given back without. */
void hyp_spin_lock(hyp_spinlock_t *lock)
{
	ASSERT(!lock->held, "locked once");
	lock->held = 1;
}

void hyp_spin_unlock(hyp_spinlock_t *lock)
{
	ASSERT(lock->held, "unlocked once");
	lock->held = 0;
}

#ifndef PROOF_DSB
void model_dsb(const char *what)
{
}
#endif

/* EL2 would panic. */
void model_bug(const char *what, const char *file, int line)
{
	ASSERT(false, "no panic");
	ASSUME(false);
}

void model_trace_command(u64 its, u32 offset, u8 opcode, u8 verdict)
{
}
