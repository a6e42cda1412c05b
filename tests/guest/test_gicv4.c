// SPDX-License-Identifier: GPL-2.0
/*
 * Virtual machines with a virtual ITS on GICv4: KVM maps a vPE for each vCPU on the
 * ITS when the VM is set up, moves it when the vCPU moves, and unmaps it at the end.
 *
 * Arguments: cycles=<n> VMs, one after the other; vcpus=<n>. The kernel needs
 * kvm-arm.vgic_v4_enable=1. The test case looks for the commands in QEMU's trace.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

#define CODE_GPA	0x10000000UL
#define MEM_SIZE	0x200000UL
#define DIST_GPA	0x08000000UL
#define REDIST_GPA	0x080a0000UL
#define ITS_GPA		0x08080000UL
#define MAX_VCPUS	8

/*
 * Loop a while, then PSCI SYSTEM_OFF: movz x1, #0x100, lsl #16; sub x1, x1, #1;
 * cbnz x1, -4; movz w0, #8; movk w0, #0x8400, lsl #16; hvc #0; b .
 */
static const uint32_t code[] = {
	0xd2a00101, 0xd1000421, 0xb5ffffe1, 0x52800100, 0x72b08000, 0xd4000002, 0x14000000,
};

static int set_attr(int fd, uint32_t group, uint64_t attr, uint64_t value)
{
	struct kvm_device_attr arg = {
		.group = group, .attr = attr, .addr = (uint64_t)&value,
	};

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &arg);
}

static int create_device(int vm, uint32_t type)
{
	struct kvm_create_device device = { .type = type };

	return ioctl(vm, KVM_CREATE_DEVICE, &device) ? -1 : (int)device.fd;
}

static int create_gic(int vm, unsigned int vcpus)
{
	int gic = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_V3);
	int its = create_device(vm, KVM_DEV_TYPE_ARM_VGIC_ITS);

	if (gic < 0 || its < 0)
		return -1;
	if (set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, DIST_GPA) ||
	    set_attr(gic, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION,
		     REDIST_GPA | (uint64_t)vcpus << 52) ||
	    set_attr(its, KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_ITS_ADDR_TYPE, ITS_GPA) ||
	    set_attr(its, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0) ||
	    set_attr(gic, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, 0))
		return -1;
	close(its);
	close(gic);
	return 0;
}

static int create_vcpu(int vm, unsigned int id)
{
	struct kvm_vcpu_init init = { .features = { 1 << KVM_ARM_VCPU_PSCI_0_2 } };
	struct kvm_vcpu_init preferred;
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, id);

	if (vcpu < 0 || ioctl(vm, KVM_ARM_PREFERRED_TARGET, &preferred))
		return -1;
	init.target = preferred.target;
	if (id)
		init.features[0] |= 1 << KVM_ARM_VCPU_POWER_OFF;
	return ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) ? -1 : vcpu;
}

/* Run vCPU 0 of a VM until it powers itself off. Returns NULL or what failed. */
static const char *run_vm(int kvm, unsigned int vcpus, bool move)
{
	struct kvm_userspace_memory_region region = { .guest_phys_addr = CODE_GPA,
						      .memory_size = MEM_SIZE };
	uint64_t pc = CODE_GPA;
	struct kvm_one_reg reg = {
		.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |
		      KVM_REG_ARM_CORE_REG(regs.pc),
		.addr = (uint64_t)&pc,
	};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0), vcpu[MAX_VCPUS];
	long run_size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	const char *error = NULL;
	unsigned int made = 0;
	struct kvm_run *run;
	void *mem;

	if (vm < 0)
		return "create a VM";
	mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memcpy(mem, code, sizeof(code));
	region.userspace_addr = (uint64_t)mem;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		error = "set memory";
	for (; made < vcpus && !error; made++) {
		vcpu[made] = create_vcpu(vm, made);
		if (vcpu[made] < 0)
			error = "create a vCPU";
	}
	if (!error && create_gic(vm, vcpus))
		error = "create a GIC with an ITS";
	if (!error && ioctl(vcpu[0], KVM_SET_ONE_REG, &reg))
		error = "set PC";
	if (!error) {
		run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu[0], 0);
		if (move)	/* run it elsewhere than where its vPE was mapped */
			pin_to_cpu(cpus_present() - 1);
		if (ioctl(vcpu[0], KVM_RUN, 0) || run->exit_reason != KVM_EXIT_SYSTEM_EVENT)
			error = "run a vCPU";
		munmap(run, run_size);
		unpin();
	}
	while (made--)
		if (vcpu[made] >= 0)
			close(vcpu[made]);
	close(vm);
	munmap(mem, MEM_SIZE);
	return error;
}

static void test_gicv4(void)
{
	long cycles = arg_long("cycles", 20), vcpus = arg_long("vcpus", 4);
	uint64_t before = 0, warm = 0, after = 0;
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	const char *error = NULL;

	if (!check(kvm >= 0 && vcpus <= MAX_VCPUS, "KVM is there"))
		return;
	its_counter(0, "commands", &before);
	for (long i = 0; i < cycles && !error; i++) {
		error = run_vm(kvm, vcpus, i & 1);
		if (!i)
			its_counter(0, "arena_bytes", &warm);
	}
	if (error)
		info("error", "%s: %s", error, strerror(errno));
	check(!error, "VMs with a virtual ITS come and go");
	if (its_counter(0, "commands", &after)) {
		info("commands_of_vms", "%llu", (unsigned long long)(after - before));
		its_counter(0, "arena_bytes", &after);
		check_eq(after, warm, "EL2 needs no more memory after the first VM");
	}
	check_io_everywhere("afterwards");
	check_its_honest("in the end");
}
GUEST_TEST("gicv4", test_gicv4);
