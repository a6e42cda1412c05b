// SPDX-License-Identifier: GPL-2.0
/* Physical memory through /dev/mem, with every fault caught. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"

static sigjmp_buf resume;
static struct fault last_fault;

static void on_fault(int signo, siginfo_t *si, void *context)
{
	(void)context;
	last_fault.signo = signo;
	last_fault.code = si->si_code;
	last_fault.addr = si->si_addr;
	siglongjmp(resume, 1);
}

bool catch_fault(void (*fn)(void *), void *data, struct fault *fault)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL };
	struct sigaction action, old[3];

	memset(&action, 0, sizeof(action));
	memset(&last_fault, 0, sizeof(last_fault));
	action.sa_sigaction = on_fault;
	action.sa_flags = SA_SIGINFO;
	for (int i = 0; i < 3; i++)
		sigaction(signals[i], &action, &old[i]);
	if (!sigsetjmp(resume, 1))
		fn(data);
	for (int i = 0; i < 3; i++)
		sigaction(signals[i], &old[i], NULL);
	if (fault)
		*fault = last_fault;
	return last_fault.signo != 0;
}

void *phys_map_at(void *where, uint64_t pa, size_t size, bool writable)
{
	void *va;
	int fd;

	/* O_SYNC makes the kernel map what is not RAM as device memory. */
	fd = open("/dev/mem", (writable ? O_RDWR : O_RDONLY) | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	va = mmap(where, size, PROT_READ | (writable ? PROT_WRITE : 0),
		  MAP_SHARED | (where ? MAP_FIXED : 0), fd, pa);
	close(fd);
	return va == MAP_FAILED ? NULL : va;
}

void *phys_map(uint64_t pa, size_t size, bool writable)
{
	return phys_map_at(NULL, pa, size, writable);
}

void phys_unmap(void *va, size_t size)
{
	munmap(va, size);
}

struct access {
	volatile void *va;
	uint64_t value;
};

/* The compiler may split or merge a volatile access; one instruction may not. */
static void do_read32(void *data)
{
	struct access *a = data;
	uint32_t value;

	asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(a->va) : "memory");
	a->value = value;
}

static void do_read64(void *data)
{
	struct access *a = data;

	asm volatile("ldr %0, [%1]" : "=r"(a->value) : "r"(a->va) : "memory");
}

static void do_write32(void *data)
{
	struct access *a = data;

	asm volatile("str %w0, [%1]" :: "r"((uint32_t)a->value), "r"(a->va) : "memory");
}

static void do_write64(void *data)
{
	struct access *a = data;

	asm volatile("str %0, [%1]" :: "r"(a->value), "r"(a->va) : "memory");
}

bool read32(const volatile void *va, uint32_t *value, struct fault *fault)
{
	struct access a = { .va = (volatile void *)va };
	bool faulted = catch_fault(do_read32, &a, fault);

	*value = a.value;
	return faulted;
}

bool read64(const volatile void *va, uint64_t *value, struct fault *fault)
{
	struct access a = { .va = (volatile void *)va };
	bool faulted = catch_fault(do_read64, &a, fault);

	*value = a.value;
	return faulted;
}

bool write32(volatile void *va, uint32_t value, struct fault *fault)
{
	struct access a = { .va = va, .value = value };

	return catch_fault(do_write32, &a, fault);
}

bool write64(volatile void *va, uint64_t value, struct fault *fault)
{
	struct access a = { .va = va, .value = value };

	return catch_fault(do_write64, &a, fault);
}
