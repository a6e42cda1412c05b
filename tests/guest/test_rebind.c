// SPDX-License-Identifier: GPL-2.0
/*
 * Take the driver away from each device and give it back, again and again: the
 * driver unmaps and maps the device at the ITS each time.
 *
 * Argument: cycles=N.
 */
#include <stdio.h>

#include "guest.h"

#define DRIVER	"/sys/bus/pci/drivers/virtio-pci/"

static bool rebind(struct io_device *dev, long cycle)
{
	const char *error;
	char what[64];

	snprintf(what, sizeof(what), "%s cycle %ld", dev->kind, cycle);
	if (write_file(DRIVER "unbind", dev->pci)) {
		fail(what, "unbind of %s refused", dev->pci);
		return false;
	}
	if (io_find(dev)) {
		fail(what, "%s is still there after unbind", dev->virtio);
		return false;
	}
	if (irq_count(dev->prefix, -1)) {
		fail(what, "interrupts of %s outlive it", dev->virtio);
		return false;
	}
	if (write_file(DRIVER "bind", dev->pci) || !io_wait(dev)) {
		fail(what, "%s does not come back", dev->pci);
		return false;
	}
	/* An interrupt that is lost here never ends this I/O. */
	error = io_on_cpu(dev, cycle % cpus_present());
	if (error) {
		fail(what, "%s", error);
		return false;
	}
	return true;
}

static void test_rebind(void)
{
	long cycles = arg_long("cycles", 20);
	struct io_device *dev;

	for_each_io_device(dev) {
		long done = 0;

		if (!check(io_wait(dev), "%s is there", dev->kind))
			continue;
		while (done < cycles && rebind(dev, done))
			done++;
		check_eq(done, cycles, "%s works after each rebind", dev->kind);
	}
	check_io_everywhere("after rebinding");
	check_its_honest("in the end");
}
GUEST_TEST("rebind", test_rebind);
