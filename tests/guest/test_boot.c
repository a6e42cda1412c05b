// SPDX-License-Identifier: GPL-2.0
/*
 * The machine came up as expected and every device interrupts through the ITS.
 *
 * Arguments: mode=protected-nvhe|protected-hvhe|nvhe|vhe; gic, cpus and devices
 * come from the harness.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest.h"

static const struct {
	const char *mode, *message;
} el2_modes[] = {
	{ "protected-nvhe", ": Protected nVHE mode initialized successfully" },
	{ "protected-hvhe", ": Protected hVHE mode initialized successfully" },
	{ "nvhe", ": Hyp nVHE mode initialized successfully" },
	{ "vhe", ": VHE mode initialized successfully" },
};

static void check_mode(const char *log)
{
	const char *expected = arg("mode", NULL);
	const char *found = "none";

	for (size_t i = 0; i < sizeof(el2_modes) / sizeof(el2_modes[0]); i++)
		if (strstr(log, el2_modes[i].message))
			found = el2_modes[i].mode;
	info("mode", "%s", found);
	check(strcmp(found, "none"), "KVM is up");
	if (expected)
		check(!strcmp(found, expected), "EL2 mode is %s", expected);
}

static void check_gic(const char *log)
{
	bool v4 = strstr(log, "GICv4 features:") != NULL;
	unsigned int frames = 0;
	const char *at;

	for (at = log; (at = strstr(at, "ITS [mem ")); at++)
		frames++;
	info("its-frames", "%u", frames);
	info("gic", "%d", v4 ? 4 : 3);
	check(frames > 0, "an ITS is found");
	if (arg("gic", NULL))
		check_eq(v4 ? 4 : 3, arg_long("gic", 0), "GIC version");
}

static void check_cpus(void)
{
	int online = 0;

	for (int cpu = 0; cpu < cpus_present(); cpu++)
		online += cpu_is_online(cpu);
	info("cpus", "%d", online);
	if (arg("cpus", NULL))
		check_eq(online, arg_long("cpus", 0), "number of CPUs online");
}

/* Every interrupt of the device is an MSI-X that the ITS translates. */
static void check_msix(const struct io_device *dev)
{
	static struct irq_table table;
	unsigned int vectors = 0, through_its = 0;
	char key[64];

	irq_snapshot(&table);
	for (int i = 0; i < table.nr; i++) {
		if (strncmp(table.line[i].action, dev->prefix, strlen(dev->prefix)))
			continue;
		vectors++;
		if (!strncmp(table.line[i].chip, "ITS-PCI-MSIX-", 13) &&
		    !strcmp(table.line[i].chip + 13, dev->pci))
			through_its++;
	}
	snprintf(key, sizeof(key), "device.%s", dev->kind);
	info(key, "%s at %s, %u MSI-X vectors", dev->virtio, dev->pci, vectors);
	check(vectors > 1 && through_its == vectors,
	      "%s uses MSI-X through the ITS", dev->kind);
}

static void check_device(struct io_device *dev)
{
	uint64_t before;
	const char *error;

	if (!check(io_wait(dev), "%s is there", dev->kind))
		return;
	check_msix(dev);
	before = irq_count(dev->prefix, -1);
	error = dev->exercise(dev);
	if (error)
		info("error", "%s", error);
	check(!error, "%s moves the right data", dev->kind);
	check(irq_count(dev->prefix, -1) > before, "%s interrupts", dev->kind);
}

static void test_boot(void)
{
	const char *log = kernel_log();
	struct io_device *dev;
	char key[64];

	if (!check(log, "the kernel log can be read"))
		return;
	check_mode(log);
	check_gic(log);
	check_cpus();
	for_each_io_device(dev)
		check_device(dev);
	check_io_everywhere("boot");
	check_its_honest("in the end");
	for_each_io_device(dev) {
		snprintf(key, sizeof(key), "irqs.%s", dev->kind);
		info(key, "%llu", (unsigned long long)irq_count(dev->prefix, -1));
	}
}
GUEST_TEST("boot", test_boot);
