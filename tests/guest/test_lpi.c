// SPDX-License-Identifier: GPL-2.0
/*
 * Each interrupt that is sent is received, once: while others move interrupts between
 * CPUs, take CPUs away, take drivers away, and run VMs.
 *
 * What is sent is the event "configuration changed" of virtio-rng devices, by INT. No
 * device sends that by itself, its driver ignores it, and it shows in the kernel's own
 * count. An LPI that is pending can't be pending twice, so each is waited
 * for before it is sent again; those of several devices are sent in one write.
 *
 * Arguments: seconds=<n>; with=<any of affinity, hotplug, churn, vm, joined by "+">.
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest.h"
#include "its.h"
#include "queue.h"
#include "vm.h"

#define CHIP		"ITS-PCI-MSIX-"
#define DRIVER		"/sys/bus/pci/drivers/virtio-pci/"
#define SENDERS		2
#define MAX_LPIS	32
#define OTHERS		4
#define PATIENCE	60		/* seconds, on a machine with other things to do */

struct lpi {
	int irq;
	uint64_t device;		/* of event 0 */
	char pci[32];
	uint64_t sent, before;
};

/* Of all processes, each with its own words. */
static struct {
	volatile bool stop;
	struct {
		volatile uint64_t sent, received, rounds;
		char error[128];
		bool started;
	} by[8];
} *shared;

static struct lpi lpis[MAX_LPIS];
static int nr_lpis;
static double end;

static int self;		/* index into shared->by */

#define ERROR(...)	snprintf(shared->by[self].error, sizeof(shared->by[self].error), __VA_ARGS__)

/* However slow the machine is, everyone has done something in the end. */
static bool enough(void)
{
	for (int n = 0; n < SENDERS; n++)
		if (shared->by[n].sent < 100)
			return false;
	for (int n = SENDERS; n < SENDERS + OTHERS; n++)
		if (shared->by[n].started && shared->by[n].rounds < 3)
			return false;
	return true;
}

static bool going_on(void)
{
	return !shared->stop && (now() < end || (now() < end + PATIENCE && !enough()));
}

/* Also of CPUs that are offline, which /proc/interrupts leaves out. */
static uint64_t received(int irq)
{
	char path[64], text[1024], *at = text;
	uint64_t sum = 0;

	snprintf(path, sizeof(path), "/sys/kernel/irq/%d/per_cpu_count", irq);
	if (read_file(path, text, sizeof(text)) < 0)
		return 0;
	do
		sum += strtoull(at, &at, 10);
	while (*at++ == ',');
	return sum;
}

static bool find_lpi(const struct irq_line *line, struct lpi *lpi)
{
	const char *config = strstr(line->action, "-config");
	unsigned int bus, slot, fn;
	char path[128];

	if (!config || strncmp(line->chip, CHIP, strlen(CHIP)))
		return false;
	snprintf(path, sizeof(path), "/sys/bus/virtio/drivers/virtio_rng/%.*s",
		 (int)(config - line->action), line->action);
	if (access(path, F_OK))
		return false;
	snprintf(lpi->pci, sizeof(lpi->pci), "%.31s", line->chip + strlen(CHIP));
	if (sscanf(lpi->pci, "%*x:%x:%x.%x", &bus, &slot, &fn) != 3)
		return false;
	lpi->irq = line->irq;
	lpi->device = bus << 8 | slot << 3 | fn;
	lpi->sent = 0;
	lpi->before = received(line->irq);
	return true;
}

static void find_lpis(void)
{
	static struct irq_table table;

	irq_snapshot(&table);
	nr_lpis = 0;
	for (int i = 0; i < table.nr && nr_lpis < MAX_LPIS; i++)
		nr_lpis += find_lpi(&table.line[i], &lpis[nr_lpis]);
}

/* A lost one never comes: returns false. */
static bool arrived(const struct lpi *lpi)
{
	double patience = now() + PATIENCE;

	while (received(lpi->irq) - lpi->before < lpi->sent) {
		if (now() > patience)
			return false;
		sleep_ms(1);
	}
	return true;
}

/* Each LPI at most once, in any order, among other commands. */
static bool send_some(struct lpi *const *mine, int nr)
{
	struct command command[3 * MAX_LPIS] = {};
	bool chosen[MAX_LPIS] = {};
	unsigned int n = 0;

	for (int i = 0; i < nr; i++) {
		int which = random() % nr;
		struct lpi *lpi = mine[which];

		if (random() % 4 == 0)
			command[n++] = on_event(INV, lpi->device, 0);
		if (chosen[which])
			continue;
		chosen[which] = true;
		lpi->sent++;
		shared->by[self].sent++;
		command[n++] = on_event(INT, lpi->device, 0);
		if (random() % 4 == 0)
			command[n++] = sync_cmd(0);
	}
	if (!queue_post(command, n)) {
		ERROR("the queue has stopped");
		return false;
	}
	for (int i = 0; i < nr; i++) {
		if (!chosen[i])
			continue;
		if (!arrived(mine[i])) {
			ERROR("%s, irq %d: %llu sent, %llu received", mine[i]->pci, mine[i]->irq,
			      (unsigned long long)mine[i]->sent,
			      (unsigned long long)(received(mine[i]->irq) - mine[i]->before));
			return false;
		}
	}
	return true;
}

/* All but the last device, which comes and goes. */
static void sender(int n)
{
	struct lpi *mine[MAX_LPIS];
	int nr = 0;

	for (int i = 0; i < nr_lpis - 1; i++)
		if (i % SENDERS == n)
			mine[nr++] = &lpis[i];
	while (going_on() && send_some(mine, nr))
		;
	/* One too many is as wrong as one too few */
	sleep_ms(200);
	for (int i = 0; i < nr; i++)
		shared->by[self].received += received(mine[i]->irq) - mine[i]->before;
}

static void affinity(void)
{
	while (going_on()) {
		int cpu = random() % cpus_present();

		/* Refused if the CPU has just gone */
		if (!irq_set_cpu(lpis[random() % (nr_lpis - 1)].irq, cpu))
			shared->by[self].rounds++;
		if (random() % 8 == 0)
			sleep_ms(1);
	}
}

/* Not while a PCI device is being probed: the kernel says EBUSY. */
static bool set_online(int cpu, bool online)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (!cpu_set_online(cpu, online))
			return true;
		if (errno != EBUSY)
			break;
		sleep_ms(2);
	}
	return false;
}

static void hotplug(void)
{
	while (going_on()) {
		int cpu = 1 + random() % (cpus_present() - 1);

		if (!set_online(cpu, false) || !set_online(cpu, true)) {
			ERROR("CPU %d: %s", cpu, strerror(errno));
			return;
		}
		shared->by[self].rounds++;
		sleep_ms(20);
	}
}

/*
 * The device is back, and its driver has what it asks for in the beginning. Later, that
 * could arrive while the driver goes: a CPU that has acknowledged an LPI, and is stopped
 * for a moment before it looks for the handler, finds none and warns, with and without
 * the series.
 */
static bool find_again(const char *pci, struct lpi *lpi)
{
	static struct irq_table table;

	for (double patience = now() + PATIENCE; now() < patience; sleep_ms(2)) {
		bool found = false, quiet = false;

		irq_snapshot(&table);
		for (int i = 0; i < table.nr; i++) {
			const struct irq_line *line = &table.line[i];

			if (strncmp(line->chip, CHIP, strlen(CHIP)) ||
			    strcmp(line->chip + strlen(CHIP), pci))
				continue;
			found |= find_lpi(line, lpi);
			quiet |= strstr(line->action, "-input") && received(line->irq);
		}
		if (found && quiet)
			return true;
	}
	return false;
}

static void churn(void)
{
	const char *pci = lpis[nr_lpis - 1].pci;
	struct lpi lpi, *mine = &lpi;

	while (going_on()) {
		if (write_file(DRIVER "unbind", pci) || write_file(DRIVER "bind", pci) ||
		    !find_again(pci, &lpi)) {
			ERROR("%s does not come back: %s", pci, strerror(errno));
			return;
		}
		if (!send_some(&mine, 1))
			return;
		shared->by[self].received += received(lpi.irq) - lpi.before;
		shared->by[self].rounds++;
	}
}

static void vms(void)
{
	while (going_on()) {
		int ret = run_vm(0, NULL);

		if (!ret)
			ret = run_vm(KVM_VM_TYPE_ARM_PROTECTED, NULL);
		if (ret) {
			ERROR("a VM does not run: %s", strerror(-ret));
			return;
		}
		shared->by[self].rounds++;
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} others[OTHERS] = {
	{ "affinity", affinity }, { "hotplug", hotplug }, { "churn", churn }, { "vm", vms },
};

static void start(int n)
{
	if (!fork()) {
		self = n;
		srandom(n);
		if (n < SENDERS)
			sender(n);
		else
			others[n - SENDERS].run();
		if (shared->by[n].error[0])
			shared->stop = true;
		_exit(0);
	}
}

static void test_lpi(void)
{
	uint64_t sent = 0, got = 0;
	struct attack_queue queue;
	int status;

	if (!queue_open(&queue))
		return;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	check_io_everywhere("before");
	find_lpis();
	info("lpis", "%d", nr_lpis);
	if (!check(shared != MAP_FAILED && nr_lpis > SENDERS, "there are interrupts to send"))
		return;

	trace_mark(0);
	end = now() + arg_long("seconds", 3);
	for (int n = 0; n < SENDERS + OTHERS; n++)
		shared->by[n].started = n < SENDERS || strstr(arg("with", "affinity"),
							      others[n - SENDERS].name);
	for (int n = 0; n < SENDERS + OTHERS; n++)
		if (shared->by[n].started)
			start(n);
	for (int n = 0; n < SENDERS + OTHERS; n++)
		if (shared->by[n].started)
			check(wait(&status) > 0 && !status, "a process ends well");
	trace_mark(1);

	for (int n = 0; n < SENDERS + OTHERS; n++) {
		const char *error = shared->by[n].error;

		if (error[0])
			fail(n < SENDERS ? "sender" : others[n - SENDERS].name, "%s", error);
		sent += shared->by[n].sent;
		got += shared->by[n].received;
	}
	check_eq(got, sent, "received is sent");
	check(enough(), "and everyone has done something");
	info("sent", "%llu", (unsigned long long)sent);
	for (int n = 0; n < OTHERS; n++)
		if (shared->by[SENDERS + n].started)
			info(others[n].name, "%llu",
			     (unsigned long long)shared->by[SENDERS + n].rounds);
	check_io_everywhere("afterwards");
	check_its_honest("in the end");
}
GUEST_TEST("lpi", test_lpi);
