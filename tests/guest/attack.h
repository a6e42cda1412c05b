/* SPDX-License-Identifier: GPL-2.0 */
/* The attacker's module, see module/its_attack.h. */
#ifndef ATTACK_H
#define ATTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "module/its_attack.h"

const char *attack_name(enum attack_insn insn);
/* Load the module; a failed check if that is impossible. */
bool attack_open(void);
/* One access from EL1; 0 or -errno: -EOPNOTSUPP if this CPU lacks it. */
int attack_access(struct attack_access *access);
/* The same access count times between two markers in QEMU's log. */
int attack_burst(enum attack_insn insn, uint64_t phys, uint64_t value, unsigned int count);
/* Map physical memory so that EL0 may execute it, as Normal memory. */
void *attack_map_exec(uint64_t phys, size_t size);
/* Call the hypervisor: x0-x7 in, x0-x3 out. */
int attack_hvc(uint64_t *regs);
/* Likewise the firmware, with the hypervisor in between. */
int attack_smc(uint64_t *regs);
/* Start or stop making the walk of addr abort, see struct attack_flip. */
int attack_flip(void *addr, uint64_t bad, unsigned int cpu, bool on, uint64_t *flips);
/* The driver's command queue, pages, hypercalls: 0 or -errno. */
int attack_queue(struct attack_queue *arg);
int attack_commands(struct attack_commands *arg);
int attack_restart(uint64_t its_nodes);
int attack_alloc(struct attack_alloc *arg);
int attack_call(struct attack_call *arg);
/* Not an attack: let the drivers suspend and resume. On one CPU only. */
int attack_suspend(void);

#endif
