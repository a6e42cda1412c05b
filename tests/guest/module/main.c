// SPDX-License-Identifier: GPL-2.0
/* The compromised host kernel. See its_attack.h. */

#include <linux/fs.h>
#include <linux/io.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/syscore_ops.h>
#include <linux/uaccess.h>

#include <asm/asm-extable.h>
#include <asm/cpufeature.h>
#include <asm/neon.h>

#include "its_attack.h"
#include "module.h"

/* Run one instruction on @addr; -EFAULT if it took an abort. */
#define TRY(insn, ...)							\
	asm volatile("	.arch_extension lse\n"				\
		     "	.arch_extension simd\n"			\
		     "1:	" insn "\n"				\
		     "2:\n"						\
		     _ASM_EXTABLE_KACCESS_ERR(1b, 2b, %w[err])		\
		     : [err] "+r" (err), [addr] "+r" (addr),		\
		       [val] "+r" (value), [tmp] "+r" (tmp)		\
		     : : "memory")

static int run_insn(enum attack_insn insn, void __iomem *where, u64 *val)
{
	void __iomem *addr = where;
	u64 value = *val, tmp = 0;
	int err = 0;

	switch (insn) {
	case ATTACK_LDRB:	TRY("ldrb %w[val], [%[addr]]"); break;
	case ATTACK_LDRH:	TRY("ldrh %w[val], [%[addr]]"); break;
	case ATTACK_LDR32:	TRY("ldr %w[val], [%[addr]]"); break;
	case ATTACK_LDR64:	TRY("ldr %[val], [%[addr]]"); break;
	case ATTACK_LDP:	TRY("ldp %[val], %[tmp], [%[addr]]"); break;
	case ATTACK_STRB:	TRY("strb %w[val], [%[addr]]"); break;
	case ATTACK_STRH:	TRY("strh %w[val], [%[addr]]"); break;
	case ATTACK_STR32:	TRY("str %w[val], [%[addr]]"); break;
	case ATTACK_STR64:	TRY("str %[val], [%[addr]]"); break;
	case ATTACK_STR32_XZR:	TRY("str wzr, [%[addr]]"); break;
	case ATTACK_STR64_XZR:	TRY("str xzr, [%[addr]]"); break;
	case ATTACK_STLR32:	TRY("stlr %w[val], [%[addr]]"); break;
	case ATTACK_STLR64:	TRY("stlr %[val], [%[addr]]"); break;
	case ATTACK_STP32:	TRY("stp %w[val], %w[val], [%[addr]]"); break;
	case ATTACK_STP64:	TRY("stp %[val], %[val], [%[addr]]"); break;
	case ATTACK_STR32_PRE:	TRY("str %w[val], [%[addr], #0]!"); break;
	case ATTACK_STR32_POST:	TRY("str %w[val], [%[addr]], #8"); break;
	case ATTACK_STR64_POST:	TRY("str %[val], [%[addr]], #8"); break;
	case ATTACK_STR_S:	TRY("fmov s0, %w[val]\n1: str s0, [%[addr]]"); break;
	case ATTACK_STR_D:	TRY("fmov d0, %[val]\n1: str d0, [%[addr]]"); break;
	case ATTACK_STR_Q:	TRY("fmov d0, %[val]\n1: str q0, [%[addr]]"); break;
	case ATTACK_ST1:	TRY("fmov d0, %[val]\n1: st1 {v0.d}[0], [%[addr]]"); break;
	case ATTACK_SWP32:	TRY("swp %w[val], %w[tmp], [%[addr]]"); break;
	case ATTACK_LDADD64:	TRY("ldadd %[val], %[tmp], [%[addr]]"); break;
	case ATTACK_CAS64:	TRY("cas %[tmp], %[val], [%[addr]]"); break;
	case ATTACK_LDXR_STXR32:
		/* The exclusive load may well fault on this memory type. */
		TRY("ldxr %w[tmp], [%[addr]]");
		if (!err)
			TRY("stxr %w[tmp], %w[val], [%[addr]]");
		break;
	case ATTACK_DC_ZVA:	TRY("dc zva, %[addr]"); break;
	case ATTACK_DC_IVAC:	TRY("dc ivac, %[addr]"); break;
	case ATTACK_DC_CVAC:	TRY("dc cvac, %[addr]"); break;
	case ATTACK_DC_CIVAC:	TRY("dc civac, %[addr]"); break;
	default:
		return -EINVAL;
	}

	*val = value;
	return err;
}

static bool needs_lse(u32 insn)
{
	return insn == ATTACK_SWP32 || insn == ATTACK_LDADD64 || insn == ATTACK_CAS64;
}

static void __iomem *map(const struct attack_access *access)
{
	u64 page = access->phys & PAGE_MASK;
	/* One page more: an access may cross into the next. */
	size_t size = 2 * PAGE_SIZE;
	void __iomem *va;

	va = access->map == ATTACK_MAP_NORMAL_NC ? ioremap_wc(page, size) :
						   ioremap(page, size);

	return va ? va + (access->phys & ~PAGE_MASK) : NULL;
}

void hvc_marker(u32 which)
{
	register unsigned long x0 asm("x0") = ~0UL;	/* no such function */

	if (which)
		asm volatile("hvc %1" : "+r" (x0) : "i" (ATTACK_MARKER_BASE + 1) :
			     "x1", "x2", "x3", "memory");
	else
		asm volatile("hvc %1" : "+r" (x0) : "i" (ATTACK_MARKER_BASE) :
			     "x1", "x2", "x3", "memory");
}

static long do_access(struct attack_access *access, u32 count, bool markers)
{
	struct user_fpsimd_state fpsimd;
	void __iomem *where;
	unsigned long flags;
	int ret = 0;
	u32 i;

	if (access->insn >= ATTACK_NR_INSNS || count > 1000)
		return -EINVAL;
	if (needs_lse(access->insn) && !cpus_have_final_cap(ARM64_HAS_LSE_ATOMICS))
		return -EOPNOTSUPP;

	where = map(access);
	if (!where)
		return -ENOMEM;

	kernel_neon_begin(&fpsimd);
	local_irq_save(flags);
	if (markers)
		hvc_marker(0);
	for (i = 0; i < count && !ret; i++)
		ret = run_insn(access->insn, where, &access->value);
	if (markers)
		hvc_marker(1);
	local_irq_restore(flags);
	kernel_neon_end(&fpsimd);

	access->faulted = ret == -EFAULT;
	iounmap(where - (access->phys & ~PAGE_MASK));

	return 0;
}

/* x0-x7 in, x0-x3 out */
#define CALL(insn, regs)						\
do {									\
	register u64 x0 asm("x0") = (regs)[0];				\
	register u64 x1 asm("x1") = (regs)[1];				\
	register u64 x2 asm("x2") = (regs)[2];				\
	register u64 x3 asm("x3") = (regs)[3];				\
	register u64 x4 asm("x4") = (regs)[4];				\
	register u64 x5 asm("x5") = (regs)[5];				\
	register u64 x6 asm("x6") = (regs)[6];				\
	register u64 x7 asm("x7") = (regs)[7];				\
									\
	asm volatile(insn						\
		     : "+r" (x0), "+r" (x1), "+r" (x2), "+r" (x3)	\
		     : "r" (x4), "r" (x5), "r" (x6), "r" (x7)		\
		     : "memory");					\
									\
	(regs)[0] = x0;							\
	(regs)[1] = x1;							\
	(regs)[2] = x2;							\
	(regs)[3] = x3;							\
} while (0)

void do_hvc(u64 *regs)
{
	CALL("hvc #0", regs);
}

static void do_smc(u64 *regs)
{
	CALL("smc #0", regs);
}

static struct task_struct *flipper;
static pmd_t *flip_pmd;
static pmdval_t flip_good, flip_bad;
static u64 flips;

static int flip(void *unused)
{
	while (!kthread_should_stop()) {
		WRITE_ONCE(pmd_val(*flip_pmd), flip_bad);
		dsb(ish);
		cpu_relax();
		WRITE_ONCE(pmd_val(*flip_pmd), flip_good);
		dsb(ish);
		if (!(++flips % 64))
			cond_resched();
	}

	return 0;
}

/* The table that @addr is walked through; its page must not come or go. */
static pmd_t *find_pmd(unsigned long addr)
{
	pgd_t *pgd = pgd_offset(current->mm, addr);
	p4d_t *p4d = p4d_offset(pgd, addr);
	pud_t *pud = pud_offset(p4d, addr);

	return pmd_offset(pud, addr);
}

static long do_flip(struct attack_flip *arg)
{
	if (!arg->on) {
		if (!flipper)
			return -ENOENT;
		kthread_stop(flipper);
		flipper = NULL;
		arg->flips = flips;
		return 0;
	}

	if (flipper)
		return -EBUSY;
	flip_pmd = find_pmd(arg->addr);
	flip_good = pmd_val(*flip_pmd);
	if ((flip_good & PMD_TYPE_MASK) != PMD_TYPE_TABLE)
		return -EINVAL;
	flip_bad = arg->bad | PMD_TYPE_TABLE;
	flips = 0;
	flipper = kthread_create(flip, NULL, "flip");
	if (IS_ERR(flipper)) {
		flipper = NULL;
		return -ENOMEM;
	}
	kthread_bind(flipper, arg->cpu);
	wake_up_process(flipper);

	return 0;
}

static long do_suspend(void)
{
	unsigned long flags;
	int ret;

	if (num_online_cpus() > 1)
		return -EBUSY;

	local_irq_save(flags);
	ret = syscore_suspend();
	if (!ret)
		syscore_resume();
	local_irq_restore(flags);

	return ret;
}

static long do_alloc(struct attack_alloc *arg)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, arg->order);

	if (!page)
		return -ENOMEM;
	arg->phys = page_to_phys(page);

	return 0;
}

/* The ioctls that take a structure and return it. */
static long attack_ioctl_struct(void __user *user, unsigned int cmd)
{
	union {
		struct attack_queue queue;
		struct attack_commands commands;
		struct attack_alloc alloc;
		struct attack_call call;
	} arg;
	long ret;

	if (_IOC_SIZE(cmd) > sizeof(arg) || copy_from_user(&arg, user, _IOC_SIZE(cmd)))
		return -EFAULT;

	switch (cmd) {
	case ATTACK_IOC_QUEUE:
		ret = do_queue(&arg.queue);
		break;
	case ATTACK_IOC_COMMANDS:
		ret = do_commands(&arg.commands);
		break;
	case ATTACK_IOC_ALLOC:
		ret = do_alloc(&arg.alloc);
		break;
	case ATTACK_IOC_CALL:
		ret = do_call(&arg.call);
		break;
	default:
		return -ENOTTY;
	}

	return ret ?: copy_to_user(user, &arg, _IOC_SIZE(cmd)) ? -EFAULT : 0;
}

static long attack_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	void __user *user = (void __user *)arg;
	struct attack_burst burst = { .count = 1 };
	struct attack_flip flip_arg;
	struct attack_hvc hvc;
	u64 its_nodes;
	long ret;

	switch (cmd) {
	case ATTACK_IOC_ACCESS:
		if (copy_from_user(&burst.access, user, sizeof(burst.access)))
			return -EFAULT;
		ret = do_access(&burst.access, 1, false);
		if (!ret && copy_to_user(user, &burst.access, sizeof(burst.access)))
			ret = -EFAULT;
		return ret;
	case ATTACK_IOC_BURST:
		if (copy_from_user(&burst, user, sizeof(burst)))
			return -EFAULT;
		ret = do_access(&burst.access, burst.count, true);
		if (!ret && copy_to_user(user, &burst, sizeof(burst)))
			ret = -EFAULT;
		return ret;
	case ATTACK_IOC_HVC:
	case ATTACK_IOC_SMC:
		if (copy_from_user(&hvc, user, sizeof(hvc)))
			return -EFAULT;
		if (cmd == ATTACK_IOC_HVC)
			do_hvc(hvc.regs);
		else
			do_smc(hvc.regs);
		return copy_to_user(user, &hvc, sizeof(hvc)) ? -EFAULT : 0;
	case ATTACK_IOC_SUSPEND:
		return do_suspend();
	case ATTACK_IOC_FLIP:
		if (copy_from_user(&flip_arg, user, sizeof(flip_arg)))
			return -EFAULT;
		ret = do_flip(&flip_arg);
		if (!ret && copy_to_user(user, &flip_arg, sizeof(flip_arg)))
			ret = -EFAULT;
		return ret;
	case ATTACK_IOC_RESTART:
		if (get_user(its_nodes, (u64 __user *)user))
			return -EFAULT;
		return do_restart(its_nodes);
	default:
		return attack_ioctl_struct(user, cmd);
	}
}

/* Any physical address, executable for EL0: the kernel has no such mapping. */
static int attack_mmap(struct file *file, struct vm_area_struct *vma)
{
	pgprot_t prot = __pgprot_modify(vma->vm_page_prot, PTE_ATTRINDX_MASK,
					PTE_ATTRINDX(MT_NORMAL_NC));

	return remap_pfn_range(vma, vma->vm_start, vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, prot);
}

static const struct file_operations attack_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= attack_ioctl,
	.mmap		= attack_mmap,
};

static struct miscdevice attack_dev = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "its_attack",
	.fops	= &attack_fops,
};

module_misc_device(attack_dev);
MODULE_DESCRIPTION("A compromised host, for the tests of the ITS protection");
MODULE_LICENSE("GPL");
