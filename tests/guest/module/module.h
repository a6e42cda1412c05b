/* SPDX-License-Identifier: GPL-2.0 */
/* What the files of the module call in each other. */
#ifndef MODULE_H
#define MODULE_H

#include "its_attack.h"

/* main.c: hvc #0; x0-x7 in, x0-x3 out */
void do_hvc(u64 *regs);

/* queue.c */
long do_queue(struct attack_queue *arg);
long do_commands(struct attack_commands *arg);
long do_restart(u64 its_nodes);

/* hcall.c */
long do_call(struct attack_call *arg);

/* main.c: the first (0) or the second marker, see ATTACK_MARKER_BASE */
void hvc_marker(u32 which);

#endif
