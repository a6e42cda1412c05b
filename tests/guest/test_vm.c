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
#include "its.h"
#include "queue.h"
#include "vm.h"

#define CODE_GPA	0x10000000UL
#define MEM_SIZE	0x200000UL
#define REG_PC		(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 KVM_REG_ARM_CORE_REG(regs.pc))

/* PSCI SYSTEM_OFF: movz w0, #8; movk w0, #0x8400, lsl #16; hvc #0; b . */
static const uint32_t code[] = { 0x52800100, 0x72b08000, 0xd4000002, 0x14000000 };

int run_vm(unsigned long type, void (*after)(void))
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
	else if (after)
		after();
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

	check_eq(run_vm(0, NULL), 0, "an ordinary VM runs");
	ret = run_vm(KVM_VM_TYPE_ARM_PROTECTED, NULL);
	if (allowed) {
		check_eq(ret, 0, "a protected VM runs");
		return;
	}
	check_eq(ret, -EPERM, "a protected VM is refused by KVM");

	flag = kernel_symbol_map("pkvm_pvm_allowed", true);
	if (!check(flag && !*flag, "the host's own flag is found, and is false"))
		return;
	*(volatile uint8_t *)flag = lie;
	check_eq(run_vm(KVM_VM_TYPE_ARM_PROTECTED, NULL), -EPERM,
		 "a protected VM is refused by EL2, when the host lies to itself");
	check_eq(run_vm(0, NULL), 0, "an ordinary VM still runs");
	check_io_everywhere("afterwards");
}
GUEST_TEST("vm", test_vm);

/* The handle of the first VM: HANDLE_OFFSET in EL2's pkvm.c. */
#define FIRST_HANDLE	0x1000
#define FREE_GFN	0x40000UL

static struct attack_queue queue;

/*
 * As KVM does on a fault of the guest, with a vCPU of the first VM loaded, but for the
 * memory for page tables, which KVM gives to the vCPU before. EL2 looks who owns the page
 * first: -EPERM. Only then it misses that memory: a page that may be donated is -ENOMEM.
 */
#define MAY_BE_DONATED	(-ENOMEM)

static int64_t donate_guest(uint64_t phys, uint64_t gfn)
{
	int64_t ret;

	hypercall(ATTACK_CALL_VCPU_LOAD, FIRST_HANDLE, 0, 0, 0, 0, 0);
	ret = hypercall(ATTACK_CALL_DONATE_GUEST, phys / getpagesize(), gfn, 0, 0, 0, 0);
	hypercall(ATTACK_CALL_VCPU_PUT, 0, 0, 0, 0, 0, 0);
	return ret;
}

/* Where GITS_BASER<n> says that a table is; tables of 64K ITS pages below 2^48. */
static uint64_t table(unsigned int n)
{
	return its_read(GITS_BASER(n)) & 0xffffffff0000UL;
}

static void give_away(void)
{
	uint64_t vpt = pages_alloc(4), page = pages_alloc(0), size = getpagesize();
	struct command unmap = { { VMAPP } };
	struct command sync = on_vpe(VSYNC, 0);

	/* What the host may donate any time, and so the others could be, too */
	check_eq(donate_guest(page, FREE_GFN), MAY_BE_DONATED, "an ordinary page may become the guest's");

	for (uint64_t at = 0; at < queue.size; at += size)
		check_eq(donate_guest(queue.queue + at, FREE_GFN + 16), -EPERM,
			 "page %llu of the proxy queue may not", (unsigned long long)(at / size));
	check_eq(donate_guest(its_read(GITS_CBASER) & 0xffffffff000UL, FREE_GFN + 16), -EPERM,
		 "nor may the hardware queue");
	check_eq(donate_guest(table(0), FREE_GFN + 16), -EPERM, "nor the device table");
	check_eq(donate_guest(table(1), FREE_GFN + 16), -EPERM, "nor the collections");

	/* A pending table: not while the ITS may use it, and then again */
	check_eq(on_pages(ATTACK_CALL_SHARE_HYP, vpt, 0x10000), 0, "there is a pending table");
	check_eq(reserve(ATTACK_CALL_RESERVE_VPE, ITS_FRAME, 0, 0), 0, "a vPE is reserved");
	check_eq(queue_judge(vmapp(0, 0, vpt, 16)), ACCEPTED, "and mapped");
	check_eq(donate_guest(vpt, FREE_GFN + 16), -EPERM, "its pending table isn't the guest's");
	check_eq(hypercall(ATTACK_CALL_UNSHARE_HYP, vpt / size, 0, 0, 0, 0, 0), -EBUSY,
		 "nor only the host's");
	check_eq(donate_guest(vpt, FREE_GFN + 16), -EPERM, "nor the guest's then");
	check_eq(queue_judge(unmap), ACCEPTED, "the vPE is unmapped");
	check_eq(hypercall(ATTACK_CALL_UNSHARE_HYP, vpt / size, 0, 0, 0, 0, 0), -EBUSY,
		 "before VSYNC, that changes nothing");
	check_eq(queue_judge(sync), ACCEPTED, "VSYNC");
	queue_post(NULL, 0);
	check_eq(hypercall(ATTACK_CALL_UNSHARE_HYP, vpt / size, 0, 0, 0, 0, 0), 0,
		 "then it is the host's alone");
	check_eq(donate_guest(vpt, FREE_GFN + 16), MAY_BE_DONATED, "and may become the guest's");
}

/* Nothing that the ITS can reach becomes memory of a protected VM. */
static void test_memory_pvm(void)
{
	if (!queue_open(&queue))
		return;
	pin_to_cpu(0);
	check_eq(run_vm(KVM_VM_TYPE_ARM_PROTECTED, give_away), 0, "a protected VM runs");
	unpin();
	check_io_everywhere("afterwards");
}
GUEST_TEST("memory-pvm", test_memory_pvm);
