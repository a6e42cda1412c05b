// SPDX-License-Identifier: GPL-2.0
/* Move data through a random number generator, a disk and a network card. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "guest.h"

static char problem[256];

#define PROBLEM(...)	(snprintf(problem, sizeof(problem), __VA_ARGS__), problem)

/* The one entry below the virtio device that matches, for example block/vda. */
static bool child_name(const struct io_device *dev, const char *class,
		       char *name, size_t size)
{
	char pattern[128];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "/sys/bus/virtio/devices/%s/%s/*",
		 dev->virtio, class);
	if (glob(pattern, 0, NULL, &found))
		return false;
	snprintf(name, size, "%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	return true;
}

static const char *exercise_rng(struct io_device *dev)
{
	unsigned char data[2][64];
	char current[64] = "";
	size_t length;
	ssize_t got;
	int fd;

	(void)dev;
	read_file("/sys/class/misc/hw_random/rng_current", current, sizeof(current));
	if (strncmp(current, "virtio_rng", 10))
		return PROBLEM("/dev/hwrng is not virtio_rng but %s", current);
	fd = open("/dev/hwrng", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return PROBLEM("/dev/hwrng: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		for (length = 0; length < sizeof(data[i]); length += got) {
			got = read(fd, data[i] + length, sizeof(data[i]) - length);
			if (got <= 0) {
				close(fd);
				return PROBLEM("/dev/hwrng read: %s", strerror(errno));
			}
		}
	}
	close(fd);
	/* A buffer the device never filled repeats or is all zeroes. */
	if (!memcmp(data[0], data[1], sizeof(data[0])))
		return PROBLEM("/dev/hwrng gives the same bytes twice");
	return NULL;
}

/* Word n of the disk as the harness wrote it (qemu/boot.py). */
#define DISK_KEY	0x17500f00u
#define DISK_BLOCK	4096u
#define DISK_BLOCKS	(1048576u / DISK_BLOCK)

static const char *exercise_blk(struct io_device *dev)
{
	/* Alternates with each call, so stale data cannot pass for new. */
	static uint32_t key = 0x5a5a5a5a, block;
	uint32_t words = DISK_BLOCK / sizeof(uint32_t);
	const char *result = NULL;
	char name[32], path[48];
	uint32_t *data;
	off_t at;
	int fd;

	if (!child_name(dev, "block", name, sizeof(name)))
		return PROBLEM("no disk behind %s", dev->virtio);
	snprintf(path, sizeof(path), "/dev/%s", name);
	fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (fd < 0)
		return PROBLEM("%s: %s", path, strerror(errno));
	data = aligned_alloc(DISK_BLOCK, DISK_BLOCK);

	/* The first half is read only: does it hold what the harness wrote? */
	block = (block + 1) % (DISK_BLOCKS / 2);
	at = (off_t)block * DISK_BLOCK;
	memset(data, 0, DISK_BLOCK);
	if (pread(fd, data, DISK_BLOCK, at) != DISK_BLOCK)
		result = PROBLEM("%s read: %s", path, strerror(errno));
	for (uint32_t i = 0; i < words && !result; i++)
		if (data[i] != ((block * words + i) ^ DISK_KEY))
			result = PROBLEM("%s: wrong data in block %u", path, block);

	/* The second half is written and read back. */
	at += (off_t)DISK_BLOCKS / 2 * DISK_BLOCK;
	key = key * 2654435761u + 1;
	for (uint32_t i = 0; i < words; i++)
		data[i] = key ^ i;
	if (!result && pwrite(fd, data, DISK_BLOCK, at) != DISK_BLOCK)
		result = PROBLEM("%s write: %s", path, strerror(errno));
	memset(data, 0, DISK_BLOCK);
	if (!result && pread(fd, data, DISK_BLOCK, at) != DISK_BLOCK)
		result = PROBLEM("%s read back: %s", path, strerror(errno));
	for (uint32_t i = 0; i < words && !result; i++)
		if (data[i] != (key ^ i))
			result = PROBLEM("%s: what was written does not come back", path);
	free(data);
	close(fd);
	return result;
}

/* QEMU's user network: the gateway answers ARP for its address. */
#define OWN_IP		"10.0.2.15"
#define GATEWAY_IP	"10.0.2.2"
#define REPLY_SECONDS	20

void io_net_down(void)
{
	struct ifreq ifr = { .ifr_name = "eth0" };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFFLAGS, &ifr)) {
		ifr.ifr_flags &= ~IFF_UP;
		ioctl(fd, SIOCSIFFLAGS, &ifr);
	}
	close(fd);
}

/*
 * Until the kernel has noticed the carrier and opened the transmit queue, it
 * drops packets without a word.  "operstate" becomes "up" just before the queue
 * is opened (IFF_RUNNING is set even earlier); the second SIOCSIFFLAGS waits
 * for the lock under which both happen.
 */
static bool link_up(int fd, const char *name, struct ifreq *ifr)
{
	char path[64], state[16];

	memset(ifr, 0, sizeof(*ifr));
	snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", name);
	snprintf(path, sizeof(path), "/sys/class/net/%s/operstate", name);
	if (ioctl(fd, SIOCGIFFLAGS, ifr))
		return false;
	ifr->ifr_flags |= IFF_UP;
	if (ioctl(fd, SIOCSIFFLAGS, ifr))
		return false;
	for (int tries = 0; tries < 500; tries++) {
		if (read_file(path, state, sizeof(state)) > 0 && !strcmp(state, "up\n"))
			return !ioctl(fd, SIOCSIFFLAGS, ifr) &&
			       !ioctl(fd, SIOCGIFHWADDR, ifr);
		sleep_ms(10);
	}
	errno = ENETDOWN;
	return false;
}

static long counter(const char *name, const char *which)
{
	char path[96], value[32];

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/%s", name, which);
	return read_file(path, value, sizeof(value)) < 0 ? -1 : atol(value);
}

static const char *exchange_arp(int fd, const char *name)
{
	struct timeval patience = { .tv_sec = REPLY_SECONDS };
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ARP),
		.sll_halen = ETH_ALEN,
	};
	struct ether_arp request = {
		.arp_hrd = htons(ARPHRD_ETHER),
		.arp_pro = htons(ETH_P_IP),
		.arp_hln = ETH_ALEN,
		.arp_pln = 4,
		.arp_op = htons(ARPOP_REQUEST),
	};
	struct ether_arp reply;
	struct ifreq ifr;
	ssize_t got;

	if (!link_up(fd, name, &ifr))
		return PROBLEM("%s does not come up: %s", name, strerror(errno));
	memcpy(request.arp_sha, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	inet_pton(AF_INET, OWN_IP, request.arp_spa);
	inet_pton(AF_INET, GATEWAY_IP, request.arp_tpa);
	to.sll_ifindex = if_nametoindex(name);
	memset(to.sll_addr, 0xff, ETH_ALEN);
	if (bind(fd, (void *)&to, sizeof(to)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		return PROBLEM("%s: %s", name, strerror(errno));
	if (sendto(fd, &request, sizeof(request), 0, (void *)&to, sizeof(to)) !=
	    sizeof(request))
		return PROBLEM("%s send: %s", name, strerror(errno));
	for (;;) {
		got = recv(fd, &reply, sizeof(reply), 0);
		if (got < 0)
			return PROBLEM("%s: no ARP reply in %d s (%ld packets sent, %ld received)",
				       name, REPLY_SECONDS,
				       counter(name, "tx_packets"),
				       counter(name, "rx_packets"));
		if (got == sizeof(reply) && reply.arp_op == htons(ARPOP_REPLY) &&
		    !memcmp(reply.arp_spa, request.arp_tpa, 4) &&
		    !memcmp(reply.arp_tpa, request.arp_spa, 4) &&
		    !memcmp(reply.arp_tha, request.arp_sha, ETH_ALEN))
			return NULL;
	}
}

static const char *exercise_net(struct io_device *dev)
{
	const char *result;
	char name[IFNAMSIZ];
	int fd;

	if (!child_name(dev, "net", name, sizeof(name)))
		return PROBLEM("no network interface behind %s", dev->virtio);
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP));
	if (fd < 0)
		return PROBLEM("packet socket: %s", strerror(errno));
	result = exchange_arp(fd, name);
	close(fd);
	return result;
}

struct io_device io_devices[IO_DEVICES] = {
	{ .kind = "rng", .driver = "virtio_rng", .exercise = exercise_rng },
	{ .kind = "blk", .driver = "virtio_blk", .exercise = exercise_blk },
	{ .kind = "net", .driver = "virtio_net", .exercise = exercise_net },
};

bool io_wanted(const struct io_device *dev)
{
	return strstr(arg("devices", "rng+blk+net"), dev->kind);
}

bool io_find(struct io_device *dev)
{
	char path[PATH_MAX];
	char *parent;
	glob_t found;

	snprintf(path, sizeof(path), "/sys/bus/virtio/drivers/%s/virtio*", dev->driver);
	if (glob(path, 0, NULL, &found))
		return false;
	/* .../0000:00:01.0/virtio0 */
	if (!realpath(found.gl_pathv[0], path))
		path[0] = '\0';
	globfree(&found);
	parent = strrchr(path, '/');
	if (!parent)
		return false;
	snprintf(dev->virtio, sizeof(dev->virtio), "%s", parent + 1);
	snprintf(dev->prefix, sizeof(dev->prefix), "%s-", dev->virtio);
	*parent = '\0';
	parent = strrchr(path, '/');
	snprintf(dev->pci, sizeof(dev->pci), "%s", parent ? parent + 1 : "");
	return true;
}

bool io_wait(struct io_device *dev)
{
	for (int tries = 0; tries < 500; tries++) {
		if (io_find(dev))
			return true;
		sleep_ms(10);
	}
	return false;
}

const char *io_on_cpu(struct io_device *dev, int cpu)
{
	static struct irq_table before, after;
	bool moved[MAX_IRQS];
	const char *error;

	/*
	 * The kernel manages the interrupts of multi-queue disks: they cannot be
	 * moved, but the queue of the submitting CPU interrupts that CPU.
	 */
	if (pin_to_cpu(cpu))
		return PROBLEM("cannot run on CPU %d", cpu);
	irq_snapshot(&before);
	for (int i = 0; i < before.nr; i++)
		moved[i] = !strncmp(before.line[i].action, dev->prefix,
				    strlen(dev->prefix)) &&
			   !irq_set_cpu(before.line[i].irq, cpu);
	/* One that was already on its way may still end on the old CPU. */
	sleep_ms(2);
	irq_snapshot(&before);
	error = dev->exercise(dev);
	irq_snapshot(&after);
	unpin();
	if (error)
		return error;
	if (irq_sum(&after, dev->prefix, cpu) <= irq_sum(&before, dev->prefix, cpu))
		return PROBLEM("no interrupt of %s on CPU %d", dev->virtio, cpu);
	if (before.nr != after.nr)
		return PROBLEM("interrupts came or went during I/O");
	for (int i = 0; i < before.nr; i++)
		for (int c = 0; c < MAX_CPUS; c++)
			if (moved[i] && c != cpu &&
			    before.line[i].count[c] != after.line[i].count[c])
				return PROBLEM("%s directed to CPU %d arrived on CPU %d",
					       before.line[i].action, cpu, c);
	return NULL;
}

void check_io_everywhere(const char *when)
{
	int cpus = cpus_present();
	struct io_device *dev;
	const char *error;
	char what[128];

	for_each_io_device(dev) {
		if (!dev->virtio[0] && !check(io_wait(dev), "%s: %s is there", when, dev->kind))
			continue;
		for (int cpu = 0; cpu < cpus; cpu++) {
			if (!cpu_is_online(cpu))
				continue;
			snprintf(what, sizeof(what), "%s: interrupts of %s on CPU %d",
				 when, dev->kind, cpu);
			error = io_on_cpu(dev, cpu);
			if (error)
				fail(what, "%s", error);
			else
				check(!error, "%s", what);
		}
	}
}
