// SPDX-License-Identifier: GPL-2.0
/* CPUs go offline and come back while the devices keep working. */
#include "guest.h"

static void find_devices(void)
{
	struct io_device *dev;

	for_each_io_device(dev)
		check(io_wait(dev), "%s is there", dev->kind);
}

static void test_hotplug(void)
{
	int cpus = cpus_present();
	struct io_device *dev;

	if (cpus < 2) {
		skip("one CPU only");
		return;
	}
	find_devices();
	check_io_everywhere("before");
	for (int cpu = 1; cpu < cpus; cpu++) {
		/* Leave interrupts behind for the kernel to move away. */
		for_each_io_device(dev)
			io_on_cpu(dev, cpu);
		if (!check(!cpu_set_online(cpu, false), "CPU %d goes offline", cpu))
			continue;
		check(!cpu_is_online(cpu), "CPU %d is offline", cpu);
		check_io_everywhere("offline");
		if (!check(!cpu_set_online(cpu, true), "CPU %d comes back", cpu))
			continue;
		check(cpu_is_online(cpu), "CPU %d is online", cpu);
		check_io_everywhere("online again");
	}
	check_its_honest("in the end");
}
GUEST_TEST("hotplug", test_hotplug);
