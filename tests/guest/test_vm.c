// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual machines: an ordinary one runs; a protected one runs if EL2 has
 * everything under control that could reach into it, and is refused otherwise,
 * by KVM and, for a host that lies, by EL2.
 *
 * Argument: pvm=allowed|refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#ifndef KVM_VM_TYPE_ARM_PROTECTED
#define KVM_VM_TYPE_ARM_PROTECTED	(1UL << 31)
#endif

#define CODE_GPA	0x10000000UL
#define MEM_SIZE	0x200000UL
#define REG_PC		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 KVM_REG_ARM_CORE_REG(regs.pc))

/* PSCI SYSTEM_OFF: movz w0, #8; movk w0, #0x8400, lsl #16; hvc #0; b . */
static const uint32_t code[] = { 0x52800100, 0x72b08000, 0xd4000002, 0x14000000 };

/* Run one vCPU until it powers itself off. Returns 0, or -errno. */
static int run_vm(unsigned long type)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = CODE_GPA,
						      .memory_size = MEM_SIZE };
	struct kvm_vcpu_init init = { .features = { 1 << KVM_ARM_VCPU_PSCI_0_2 } };
	uint64_t pc = CODE_GPA;
	struct kvm_one_reg reg = { .id = REG_PC, .addr = (uint64_t)&pc };
	struct kvm_vcpu_init preferred;
	int kvm, vm, vcpu = -1, ret = -EIO;
	struct kvm_run *run = MAP_FAILED;
	long run_size = 0;
	void *mem;

	kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm < 0)
		return -errno;
	vm = ioctl(kvm, KVM_CREATE_VM, type);
	if (vm < 0) {
		ret = -errno;
		goto close_kvm;
	}

	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(mem, code, sizeof(code));
	region.userspace_addr = (uint64_t)mem;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region) ||
	    (vcpu = ioctl(vm, KVM_CREATE_VCPU, 0)) < 0 ||
	    ioctl(vm, KVM_ARM_PREFERRED_TARGET, &preferred))
		goto error;
	init.target = preferred.target;
	if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) || ioctl(vcpu, KVM_SET_ONE_REG, &reg))
		goto error;
	run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED || ioctl(vcpu, KVM_RUN, 0))
		goto error;

	ret = run->exit_reason == KVM_EXIT_SYSTEM_EVENT &&
	      run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? 0 : -EIO;
	if (ret)
		info("exit_reason", "%u", run->exit_reason);
	goto close;

error:
	ret = -errno;
close:
	if (run != MAP_FAILED)
		munmap(run, run_size);
	if (vcpu >= 0)
		close(vcpu);
	munmap(mem, MEM_SIZE);
	close(vm);
close_kvm:
	close(kvm);

	return ret;
}

static void test_vm(void)
{
	bool allowed = !strcmp(arg("pvm", "allowed"), "allowed");
	uint8_t lie = 1;
	char *flag;
	int ret;

	check_eq(run_vm(0), 0, "an ordinary VM runs");
	ret = run_vm(KVM_VM_TYPE_ARM_PROTECTED);
	if (allowed) {
		check_eq(ret, 0, "a protected VM runs");
		return;
	}
	check_eq(ret, -EPERM, "a protected VM is refused by KVM");

	flag = kernel_symbol_map("pkvm_pvm_allowed", true);
	if (!check(flag && !*flag, "the host's own flag is found, and is false"))
		return;
	*(volatile uint8_t *)flag = lie;
	check_eq(run_vm(KVM_VM_TYPE_ARM_PROTECTED), -EPERM,
		 "a protected VM is refused by EL2, when the host lies to itself");
	check_eq(run_vm(0), 0, "an ordinary VM still runs");
	check_io_everywhere("afterwards");
}
GUEST_TEST("vm", test_vm);
