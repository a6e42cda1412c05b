/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a guest test may use.
 *
 * A test is a function registered with GUEST_TEST(); the kernel parameter
 * "its.test=<name>" chooses it, "its.arg=key=value,..." gives it arguments.
 * It runs in a child of PID 1, so a test that crashes is a failed check and
 * not a kernel panic.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct guest_test {
	const char *name;
	void (*run)(void);
};

/* The linker gathers all tests in one table, so that a test is one file. */
#define GUEST_TEST(test_name, fn)					\
	static const struct guest_test guest_test_##fn			\
	__attribute__((used, section("guest_tests"),			\
		       aligned(__alignof__(struct guest_test)))) =	\
		{ test_name, fn }

/*
 * report.c: the verdict.  The text of a check is the same in every run; what
 * varies goes into info().  All return whether the check held.
 */
#define check(cond, ...)	report_check(!!(cond), #cond, __VA_ARGS__)
#define check_eq(got, want, ...)					\
	report_equal((uint64_t)(got), (uint64_t)(want), __VA_ARGS__)

bool report_check(bool good, const char *cond, const char *what, ...)
	__attribute__((format(printf, 3, 4)));
bool report_equal(uint64_t got, uint64_t want, const char *what, ...)
	__attribute__((format(printf, 3, 4)));
/* info("irqs", "%u", n) is reported as "info irqs=<n>" */
void info(const char *key, const char *value, ...)
	__attribute__((format(printf, 2, 3)));
void skip(const char *reason, ...) __attribute__((format(printf, 1, 2)));
/* One more failed check: "not ok <what>: <detail>" */
void fail(const char *what, const char *detail, ...)
	__attribute__((format(printf, 2, 3)));

/* util.c */
/* Read a file as a string; -1 and errno on failure. */
int read_file(const char *path, char *buf, size_t size);
int write_file(const char *path, const char *value);
/* The kernel log so far, NULL on failure; belongs to the library. */
const char *kernel_log(void);
/* The value of "key" in its.arg, or def. */
const char *arg(const char *key, const char *def);
long arg_long(const char *key, long def);
/* Seconds since boot. */
double now(void);
void sleep_ms(unsigned int ms);

/* cpu.c */
#define MAX_CPUS	64
int cpus_present(void);
bool cpu_is_online(int cpu);
int cpu_set_online(int cpu, bool online);
/* Run this thread on one CPU only, or on all of them again. */
int pin_to_cpu(int cpu);
void unpin(void);

/* irq.c: /proc/interrupts */
struct irq_line {
	int irq;
	char chip[64];			/* for example ITS-PCI-MSIX-0000:00:01.0 */
	char action[64];		/* for example virtio0-input */
	uint64_t count[MAX_CPUS];
};

#define MAX_IRQS	256
struct irq_table {
	int nr;
	struct irq_line line[MAX_IRQS];
};

void irq_snapshot(struct irq_table *table);
/* Interrupts whose action starts with prefix, on one CPU or (-1) on all. */
uint64_t irq_sum(const struct irq_table *table, const char *prefix, int cpu);
/* The same from /proc/interrupts as it is now. */
uint64_t irq_count(const char *prefix, int cpu);
/*
 * An ITS that is disabled loses interrupts: before that, leave the devices alone and
 * wait until none has interrupted for half a second. And back to work.
 */
void irq_rest(void);
void irq_work(void);
/* Direct an interrupt to a CPU; -1 and errno when the kernel manages it. */
int irq_set_cpu(int irq, int cpu);

/* counters.c: what EL2 counts of the n-th ITS; false if there is no such counter */
bool its_counter(unsigned int its, const char *name, uint64_t *value);
/* The driver has done nothing that EL2 would refuse. */
void check_its_honest(const char *when);

/* module.c */
/* Load a kernel module from the initramfs; 0, or -1 and errno. */
int load_module(const char *path, const char *params);
int unload_module(const char *name);

/* physmem.c: physical memory, and accesses that may fault */
struct fault {
	int signo;			/* 0: no fault */
	int code;
	void *addr;
};

/* Run fn(data); returns whether it faulted.  fault may be NULL. */
bool catch_fault(void (*fn)(void *), void *data, struct fault *fault);
/* Map physical memory through /dev/mem, device memory uncached. */
void *phys_map(uint64_t pa, size_t size, bool writable);
/* The same at a given address, or anywhere if that is NULL. */
void *phys_map_at(void *where, uint64_t pa, size_t size, bool writable);
void phys_unmap(void *va, size_t size);
/* Exactly one LDR or STR of that width; return whether it faulted. */
bool read32(const volatile void *va, uint32_t *value, struct fault *fault);
bool read64(const volatile void *va, uint64_t *value, struct fault *fault);
bool write32(volatile void *va, uint32_t value, struct fault *fault);
bool write64(volatile void *va, uint64_t value, struct fault *fault);

/* symbol.c: variables of the kernel; 0 or NULL if there is no such symbol */
uint64_t kernel_symbol_phys(const char *name);
void *kernel_symbol_map(const char *name, bool writable);

/* io.c: the devices that exercise interrupts */
struct io_device {
	const char *kind;		/* rng, blk, net */
	const char *driver;		/* below /sys/bus/virtio/drivers */
	/* Move data and verify it; NULL or what went wrong. */
	const char *(*exercise)(struct io_device *dev);
	char virtio[32];		/* virtio0 */
	char pci[32];			/* 0000:00:01.0 */
	char prefix[40];		/* virtio0- : its interrupts */
};

#define IO_DEVICES	3
extern struct io_device io_devices[IO_DEVICES];

#define for_each_io_device(dev)						\
	for (dev = io_devices; dev < io_devices + IO_DEVICES; dev++)	\
		if (io_wanted(dev))

/* Was QEMU told to add this device?  Tests leave out those it was not. */
bool io_wanted(const struct io_device *dev);
/* Take the network interface down, which sends at times of its own; exercise() brings it up. */
void io_net_down(void);
/* Find the device behind its driver; false if there is none. */
bool io_find(struct io_device *dev);
/* The same, and wait for it: after a bind, probing may take a moment. */
bool io_wait(struct io_device *dev);
/* Do I/O with every interrupt of the device on that CPU; NULL or an error. */
const char *io_on_cpu(struct io_device *dev, int cpu);
/* io_on_cpu() as one check for every device on every online CPU. */
void check_io_everywhere(const char *when);

#endif
