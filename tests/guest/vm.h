/* SPDX-License-Identifier: GPL-2.0 */
/* Virtual machines, see test_vm.c. */
#ifndef VM_H
#define VM_H

#ifndef KVM_VM_TYPE_ARM_PROTECTED
#define KVM_VM_TYPE_ARM_PROTECTED	(1UL << 31)
#endif

/*
 * Run one vCPU of a VM of that type until it powers itself off, then call after(), if
 * any, while there is still a VM. Returns 0, or -errno.
 */
int run_vm(unsigned long type, void (*after)(void));

#endif
