// SPDX-License-Identifier: GPL-2.0
/* The attacker's module, see module/its_attack.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "attack.h"
#include "guest.h"

static int attack_fd = -1;

static const char * const insn_names[] = {
#define X(id, name) name,
	ATTACK_INSNS(X)
#undef X
};

const char *attack_name(enum attack_insn insn)
{
	return insn_names[insn];
}

bool attack_open(void)
{
	if (attack_fd >= 0)
		return true;
	if (load_module("/its_attack.ko", NULL) && errno != EEXIST) {
		fail("load its_attack.ko", "%s", strerror(errno));
		return false;
	}
	attack_fd = open("/dev/its_attack", O_RDWR | O_CLOEXEC);
	return check(attack_fd >= 0, "the attacker is in the kernel");
}

int attack_access(struct attack_access *access)
{
	return ioctl(attack_fd, ATTACK_IOC_ACCESS, access) ? -errno : 0;
}

int attack_burst(enum attack_insn insn, uint64_t phys, uint64_t value, unsigned int count)
{
	struct attack_burst burst = {
		.access = { .phys = phys, .value = value, .insn = insn },
		.count = count,
	};

	if (ioctl(attack_fd, ATTACK_IOC_BURST, &burst))
		return -errno;

	return burst.access.faulted ? -EFAULT : 0;
}

void *attack_map_exec(uint64_t phys, size_t size)
{
	void *va = mmap(NULL, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_SHARED,
			attack_fd, phys);

	return va == MAP_FAILED ? NULL : va;
}

static int call(unsigned long how, uint64_t *regs)
{
	struct attack_hvc hvc;
	int ret;

	memcpy(hvc.regs, regs, sizeof(hvc.regs));
	ret = ioctl(attack_fd, how, &hvc) ? -errno : 0;
	memcpy(regs, hvc.regs, sizeof(hvc.regs));

	return ret;
}

int attack_hvc(uint64_t *regs)
{
	return call(ATTACK_IOC_HVC, regs);
}

int attack_smc(uint64_t *regs)
{
	return call(ATTACK_IOC_SMC, regs);
}

int attack_flip(void *addr, uint64_t bad, unsigned int cpu, bool on, uint64_t *flips)
{
	struct attack_flip arg = { .addr = (uint64_t)addr, .bad = bad, .cpu = cpu, .on = on };

	if (ioctl(attack_fd, ATTACK_IOC_FLIP, &arg))
		return -errno;
	if (flips)
		*flips = arg.flips;

	return 0;
}

int attack_suspend(void)
{
	return ioctl(attack_fd, ATTACK_IOC_SUSPEND) ? -errno : 0;
}

int attack_queue(struct attack_queue *arg)
{
	return ioctl(attack_fd, ATTACK_IOC_QUEUE, arg) ? -errno : 0;
}

int attack_commands(struct attack_commands *arg)
{
	return ioctl(attack_fd, ATTACK_IOC_COMMANDS, arg) ? -errno : 0;
}

int attack_restart(uint64_t its_nodes)
{
	return ioctl(attack_fd, ATTACK_IOC_RESTART, &its_nodes) ? -errno : 0;
}

int attack_alloc(struct attack_alloc *arg)
{
	return ioctl(attack_fd, ATTACK_IOC_ALLOC, arg) ? -errno : 0;
}

int attack_call(struct attack_call *arg)
{
	return ioctl(attack_fd, ATTACK_IOC_CALL, arg) ? -errno : 0;
}
