// SPDX-License-Identifier: GPL-2.0-only
/*
 * its_hardening - the GIC ITS under pKVM, as an honest and as a hostile host sees it.
 *
 * With kvm-arm.mode=protected, EL2 drives the ITS: the host may read the control
 * frame, its writes are filtered, and the command queue and the tables belong to EL2.
 * The property of each scenario:
 *
 *  - guest_lpis: VMs with a virtual ITS come and go, several at a time, and each of
 *    their vCPUs gets each of its LPIs once. Needs no protection.
 *  - counters_honest: nothing of that was rejected or ignored by EL2.
 *  - frame_read: the control frame can be read, and what is there is an enabled ITS.
 *  - frame_addresses: nothing that is written to GITS_CBASER or GITS_BASER<n> of an
 *    enabled ITS, in whole or by halves, changes any register.
 *  - frame_cwriter: neither does an offset beyond the queue, or of no slot of it.
 *  - frame_read_only: neither does a write to a register that is read-only.
 *  - frame_unknown: neither does one to reserved or IMPLEMENTATION DEFINED space.
 *  - frame_narrow: a store of 8 or 16 bits faults and changes nothing.
 *  - frame_unaligned: likewise for one that isn't aligned.
 *  - memory_queue: no page of the queue that the ITS reads can be read by the host.
 *  - memory_tables: neither can any page of its tables be.
 *  - redist_addresses: nothing that is written to a register of a redistributor that
 *    holds an address changes it.
 *  - redist_tables: no page of a pending table of LPIs can be read by the host.
 *  - counters_hostile: EL2 has counted the writes to known registers as ignored, it
 *    has rejected no command, and it still drives the ITS.
 *  - guest_lpis, counters_honest: after all this, likewise once more.
 *
 * The hostile host is this process, by way of /dev/mem. Its writes would be the end of
 * a machine that isn't protected. So they are only made when EL2 says that it drives
 * the ITS, and skipped otherwise. None of them is a legitimate one that would take the
 * ITS away from its driver, such as disabling it.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/bitfield.h>
#include <linux/sizes.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kvm_util.h"
#include "gic.h"
#include "gic_v3.h"
#include "gic_v3_its.h"
#include "kselftest.h"
#include "processor.h"
#include "ucall.h"
#include "vgic.h"

/*
 * Guests
 */

#define TEST_MEMSLOT_INDEX	1

#define GIC_LPI_OFFSET		8192
#define LPI_PROP_DEFAULT_PRIO	0xa0

/* VMs that exist at the same time, and how often each is replaced */
#define NR_VMS			3
#define NR_CYCLES		2

#define NR_VCPUS		2
#define NR_DEVICES		2
#define NR_EVENTS		8
#define NR_LPIS			(NR_DEVICES * NR_EVENTS)
#define NR_ROUNDS		4

/* How long all that may take before something got lost */
#define CHURN_SECONDS		60

static struct test_data {
	gpa_t		device_table;
	gpa_t		collection_table;
	gpa_t		cmdq_base;
	void		*cmdq_base_va;
	gpa_t		itt_tables;

	gpa_t		lpi_prop_table;
	gpa_t		lpi_pend_tables;
} test_data;

/* How often the guest got each LPI */
static u32 lpi_count[NR_LPIS];

/* The vCPU that an LPI is routed to */
static u32 lpi_target(u32 lpi)
{
	return lpi % NR_VCPUS;
}

static void guest_irq_handler(struct ex_regs *regs)
{
	u32 intid = gic_get_and_ack_irq();
	u32 lpi = intid - GIC_LPI_OFFSET;

	if (intid == IAR_SPURIOUS)
		return;

	GUEST_ASSERT(intid >= GIC_LPI_OFFSET && lpi < NR_LPIS);
	GUEST_ASSERT_EQ(lpi_target(lpi), guest_get_vcpuid());

	WRITE_ONCE(lpi_count[lpi], lpi_count[lpi] + 1);
	gic_set_eoi(intid);
}

static void guest_setup_its(void)
{
	u32 cpu, device, event, lpi = 0;

	its_init(test_data.collection_table, SZ_64K,
		 test_data.device_table, SZ_64K,
		 test_data.cmdq_base, SZ_64K);

	for (cpu = 0; cpu < NR_VCPUS; cpu++)
		its_send_mapc_cmd(test_data.cmdq_base_va, cpu, cpu, true);

	for (device = 0; device < NR_DEVICES; device++) {
		its_send_mapd_cmd(test_data.cmdq_base_va, device,
				  test_data.itt_tables + device * SZ_64K,
				  SZ_64K, true);

		for (event = 0; event < NR_EVENTS; event++, lpi++)
			its_send_mapti_cmd(test_data.cmdq_base_va, device, event,
					   lpi_target(lpi), GIC_LPI_OFFSET + lpi);
	}

	for (cpu = 0; cpu < NR_VCPUS; cpu++) {
		its_send_invall_cmd(test_data.cmdq_base_va, cpu);
		its_send_sync_cmd(test_data.cmdq_base_va, cpu);
	}
}

static bool guest_got_lpis(u32 cpu, u32 round)
{
	u32 lpi;

	for (lpi = 0; lpi < NR_LPIS; lpi++)
		if (lpi_target(lpi) == cpu && READ_ONCE(lpi_count[lpi]) < round)
			return false;

	return true;
}

/* vCPU 0 comes last: it sets up the ITS, for which all redistributors have to be. */
static void guest_code(void)
{
	u32 cpu = guest_get_vcpuid();
	u32 round;

	gic_init(GIC_V3, NR_VCPUS);
	gic_rdist_enable_lpis(test_data.lpi_prop_table, SZ_64K,
			      test_data.lpi_pend_tables + cpu * SZ_64K);
	if (!cpu)
		guest_setup_its();
	local_irq_enable();

	for (round = 1; round <= NR_ROUNDS; round++) {
		GUEST_SYNC(round);
		while (!guest_got_lpis(cpu, round))
			cpu_relax();
	}

	GUEST_DONE();
}

static void setup_memory(struct kvm_vm *vm)
{
	size_t pages_per_64k = vm_calc_num_guest_pages(vm->mode, SZ_64K);
	/* Device and collection table, queue, ITTs, LPI configuration, pending tables */
	size_t sz = (3 + NR_DEVICES + 1 + NR_VCPUS) * SZ_64K;
	gpa_t gpa_base = (vm_compute_max_gfn(vm) + 1) * vm->page_size - sz;
	u8 *prop;
	int i;

	vm_userspace_mem_region_add(vm, VM_MEM_SRC_ANONYMOUS, gpa_base,
				    TEST_MEMSLOT_INDEX, sz / vm->page_size, 0);

	test_data.device_table = vm_phy_pages_alloc(vm, pages_per_64k, gpa_base,
						    TEST_MEMSLOT_INDEX);
	test_data.collection_table = vm_phy_pages_alloc(vm, pages_per_64k, gpa_base,
							TEST_MEMSLOT_INDEX);

	test_data.cmdq_base = vm_phy_pages_alloc(vm, pages_per_64k, gpa_base,
						 TEST_MEMSLOT_INDEX);
	virt_map(vm, test_data.cmdq_base, test_data.cmdq_base, pages_per_64k);
	test_data.cmdq_base_va = (void *)test_data.cmdq_base;

	test_data.itt_tables = vm_phy_pages_alloc(vm, pages_per_64k * NR_DEVICES,
						  gpa_base, TEST_MEMSLOT_INDEX);

	test_data.lpi_prop_table = vm_phy_pages_alloc(vm, pages_per_64k, gpa_base,
						      TEST_MEMSLOT_INDEX);
	prop = addr_gpa2hva(vm, test_data.lpi_prop_table);
	for (i = 0; i < NR_LPIS; i++)
		prop[i] = LPI_PROP_DEFAULT_PRIO | LPI_PROP_GROUP1 | LPI_PROP_ENABLED;

	test_data.lpi_pend_tables = vm_phy_pages_alloc(vm, pages_per_64k * NR_VCPUS,
						       gpa_base, TEST_MEMSLOT_INDEX);

	sync_global_to_guest(vm, test_data);
}

static void signal_lpi(struct kvm_vm *vm, u32 device, u32 event)
{
	gpa_t db_addr = GITS_BASE_GPA + GITS_TRANSLATER;

	struct kvm_msi msi = {
		.address_lo	= db_addr,
		.address_hi	= db_addr >> 32,
		.data		= event,
		.devid		= device,
		.flags		= KVM_MSI_VALID_DEVID,
	};

	/* 1: there is a translation, and the interrupt was delivered */
	TEST_ASSERT(__vm_ioctl(vm, KVM_SIGNAL_MSI, &msi) == 1,
		    "KVM_SIGNAL_MSI ioctl failed");
}

/* Run a vCPU up to where it waits for the LPIs of a round, or has got all of them. */
static void run_vcpu(struct kvm_vcpu *vcpu, u32 round)
{
	struct ucall uc;

	vcpu_run(vcpu);

	switch (get_ucall(vcpu, &uc)) {
	case UCALL_SYNC:
		TEST_ASSERT_EQ(uc.args[1], round);
		break;
	case UCALL_DONE:
		TEST_ASSERT_EQ(round, NR_ROUNDS + 1);
		break;
	case UCALL_ABORT:
		REPORT_GUEST_ASSERT(uc);
		break;
	default:
		TEST_FAIL("Unknown ucall: %lu", uc.cmd);
	}
}

static void run_vm(void)
{
	struct kvm_vcpu *vcpus[NR_VCPUS];
	u32 round, device, event, lpi;
	struct kvm_vm *vm;
	int i, its_fd;

	vm = vm_create_with_vcpus(NR_VCPUS, guest_code, vcpus);
	vm_init_descriptor_tables(vm);
	for (i = 0; i < NR_VCPUS; i++)
		vcpu_init_descriptor_tables(vcpus[i]);
	vm_install_exception_handler(vm, VECTOR_IRQ_CURRENT, guest_irq_handler);

	its_fd = vgic_its_setup(vm);
	setup_memory(vm);

	for (round = 1; round <= NR_ROUNDS + 1; round++) {
		for (i = NR_VCPUS - 1; i >= 0; i--)
			run_vcpu(vcpus[i], round);

		if (round > NR_ROUNDS)
			break;

		for (device = 0; device < NR_DEVICES; device++)
			for (event = 0; event < NR_EVENTS; event++)
				signal_lpi(vm, device, event);
	}

	sync_global_from_guest(vm, lpi_count);
	for (lpi = 0; lpi < NR_LPIS; lpi++)
		TEST_ASSERT(lpi_count[lpi] == NR_ROUNDS, "LPI %u came %u times, not %u",
			    lpi, lpi_count[lpi], NR_ROUNDS);

	close(its_fd);
	kvm_vm_free(vm);

	/* The next VM is made from the memory of this process. */
	memset(lpi_count, 0, sizeof(lpi_count));
}

/*
 * A process for each VM that is alive at the same time, so that neither a failed
 * assertion nor a guest that waits for ever keeps the rest from being run.
 */
static bool test_guest_lpis(void)
{
	pid_t pids[NR_VMS];
	bool good = true;
	int i, cycle, status;

	fflush(NULL);
	for (i = 0; i < NR_VMS; i++) {
		pids[i] = fork();
		TEST_ASSERT(pids[i] >= 0, "fork() failed, errno: %d", errno);
		if (pids[i])
			continue;

		signal(SIGSEGV, SIG_DFL);
		signal(SIGBUS, SIG_DFL);
		alarm(CHURN_SECONDS);
		for (cycle = 0; cycle < NR_CYCLES; cycle++)
			run_vm();
		_exit(0);
	}

	for (i = 0; i < NR_VMS; i++) {
		if (waitpid(pids[i], &status, 0) != pids[i]) {
			ksft_perror("waitpid()");
			good = false;
		} else if (WIFSIGNALED(status)) {
			ksft_print_msg("VM %d: killed by signal %d%s\n", i, WTERMSIG(status),
				       WTERMSIG(status) == SIGALRM ? ", LPIs are missing" : "");
			good = false;
		} else if (WEXITSTATUS(status)) {
			ksft_print_msg("VM %d: exit status %d\n", i, WEXITSTATUS(status));
			good = false;
		}
	}

	return good;
}

/*
 * The machine
 */

#define COUNTERS		"/sys/kernel/debug/pkvm_its"
#define DEVICE_TREE		"/proc/device-tree"
#define ITS_TAKEN_OVER		2

#define SYSLOG_ACTION_READ_ALL	3

#define ITS_FRAME_SIZE		SZ_64K
#define MAX_ITS			16

struct its {
	u64	base;
	void	*frame;
};

static struct its itss[MAX_ITS];
static int nr_its;

/* Where the device tree is */
static char *tree_root;

static long page_size;

/* Why a scenario can't be run here; NULL if it can */
static const char *no_frame, *no_memory, *no_counters, *no_redist, *no_redist_memory;

static int read_text(const char *path, void *buf, size_t size)
{
	ssize_t len;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	len = read(fd, buf, size - 1);
	close(fd);
	if (len < 0)
		return -1;

	((char *)buf)[len] = '\0';
	return len;
}

static void add_its(u64 base)
{
	if (nr_its < MAX_ITS)
		itss[nr_its++].base = base;
}

/* One line for each ITS: "its 0x8080000 state 2 writes 61 ..." */
static bool read_counter(u64 base, const char *name, u64 *value)
{
	char text[SZ_4K], key[32], *line, *found, *save;

	if (read_text(COUNTERS, text, sizeof(text)) < 0)
		return false;

	snprintf(key, sizeof(key), " %s ", name);
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "its ", 4) || strtoull(line + 4, NULL, 0) != base)
			continue;
		found = strstr(line, key);
		if (!found)
			return false;
		*value = strtoull(found + strlen(key), NULL, 0);
		return true;
	}

	return false;
}

/* Of all ITSs together */
static u64 sum_counter(const char *name)
{
	u64 value, sum = 0;
	int i;

	for (i = 0; i < nr_its; i++) {
		TEST_ASSERT(read_counter(itss[i].base, name, &value),
			    "No counter %s of the ITS at 0x%lx", name, itss[i].base);
		sum += value;
	}

	return sum;
}

static bool is_taken_over(u64 base)
{
	char line[64], *log;
	bool found = false;
	u64 state;
	int len;

	if (read_counter(base, "state", &state))
		return state == ITS_TAKEN_OVER;

	/* Without debugfs, the kernel's log tells. */
	log = calloc(1, SZ_1M);
	TEST_ASSERT(log, "Out of memory");
	len = klogctl(SYSLOG_ACTION_READ_ALL, log, SZ_1M - 1);
	snprintf(line, sizeof(line), "ITS@0x%016lx: deprivileged\n", base);
	if (len > 0)
		found = strstr(log, line);
	free(log);

	return found;
}

/* Below @node, a folder of the device tree */
static int read_property(const char *node, const char *name, void *buf, size_t size)
{
	char *path;
	int len;

	TEST_ASSERT(asprintf(&path, "%s/%s", node, name) > 0, "Out of memory");
	len = read_text(path, buf, size);
	free(path);

	return len;
}

/* One that no driver uses has no readable frame. */
static bool is_used(const char *node)
{
	char text[16];

	if (read_property(node, "msi-controller", text, sizeof(text)) < 0)
		return false;

	return read_property(node, "status", text, sizeof(text)) < 0 || !strncmp(text, "ok", 2);
}

static bool is_compatible(const char *node)
{
	char text[256];
	int len, i;

	len = read_property(node, "compatible", text, sizeof(text));
	for (i = 0; i < len; i += strlen(text + i) + 1)
		if (!strcmp(text + i, "arm,gic-v3-its"))
			return true;

	return false;
}

/* Is an address at @node, of an ITS, one that the CPUs use? */
static bool has_cpu_address(const char *node)
{
	char text[16], *parent;
	bool result;

	parent = strdup(node);
	TEST_ASSERT(parent, "Out of memory");

	for (;;) {
		*strrchr(parent, '/') = '\0';
		/* Only the root has none, and one that is empty translates nothing. */
		if (read_property(parent, "ranges", text, sizeof(text)))
			break;
	}
	result = !strcmp(parent, tree_root);
	free(parent);

	return result;
}

/* Called for everything in the device tree */
static int look_for_its(const char *node, const struct stat *st, int type, struct FTW *ftw)
{
	u32 reg[3] = {};
	u32 cells[2] = {};
	char *parent;

	if (type != FTW_D || !is_compatible(node) || !is_used(node) || !has_cpu_address(node))
		return 0;

	parent = strndup(node, ftw->base - 1);
	TEST_ASSERT(parent, "Out of memory");
	read_property(parent, "#address-cells", cells, sizeof(cells));
	free(parent);

	if (read_property(node, "reg", reg, sizeof(reg)) < (int)sizeof(u64))
		return 0;
	if (be32toh(cells[0]) == 2)
		add_its((u64)be32toh(reg[0]) << 32 | be32toh(reg[1]));
	else if (be32toh(cells[0]) == 1)
		add_its(be32toh(reg[0]));

	return 0;
}

/* The device tree knows best. With ACPI, take what EL2 says. */
static void find_its(void)
{
	char text[SZ_4K], *line, *save;

	/* It's a symbolic link. */
	tree_root = realpath(DEVICE_TREE, NULL);
	if (tree_root)
		nftw(tree_root, look_for_its, 16, FTW_PHYS);

	if (nr_its || read_text(COUNTERS, text, sizeof(text)) < 0)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (!strncmp(line, "its ", 4))
			add_its(strtoull(line + 4, NULL, 0));
}

/*
 * Map the control frames for writing. It is up to this to keep the scenarios from being
 * run, and so from writing, where EL2 would not be in between.
 */
static const char *map_frames(void)
{
	static char why[128];
	char cmdline[SZ_4K];
	int fd, i;

	if (read_text("/proc/cmdline", cmdline, sizeof(cmdline)) < 0 ||
	    !strstr(cmdline, "kvm-arm.mode=protected"))
		return "not booted with kvm-arm.mode=protected";

	if (!nr_its)
		return "no ITS that is in use";

	for (i = 0; i < nr_its; i++) {
		if (is_taken_over(itss[i].base))
			continue;
		snprintf(why, sizeof(why), "EL2 doesn't drive the ITS at 0x%lx",
			 itss[i].base);
		return why;
	}

	fd = open("/dev/mem", O_RDWR | O_SYNC);
	if (fd < 0) {
		snprintf(why, sizeof(why), "can't open /dev/mem: %s", strerror(errno));
		return why;
	}

	for (i = 0; i < nr_its; i++) {
		itss[i].frame = mmap(NULL, ITS_FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
				     fd, itss[i].base);
		if (itss[i].frame != MAP_FAILED)
			continue;
		snprintf(why, sizeof(why), "can't map the ITS at 0x%lx: %s",
			 itss[i].base, strerror(errno));
		close(fd);
		return why;
	}

	close(fd);
	return NULL;
}

/*
 * Accesses that may fault
 */

static sigjmp_buf after_fault;

static void on_fault(int sig)
{
	siglongjmp(after_fault, 1);
}

/* Exactly one instruction. Returns whether it faulted. */
static bool store(void *addr, int size, u64 value)
{
	if (sigsetjmp(after_fault, 1))
		return true;

	switch (size) {
	case 1:
		asm volatile("strb %w0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	case 2:
		asm volatile("strh %w0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	case 4:
		asm volatile("str %w0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	case 8:
		asm volatile("str %0, [%1]" :: "r"(value), "r"(addr) : "memory");
		break;
	}

	return false;
}

static bool load(const void *addr, int size, u64 *value)
{
	if (sigsetjmp(after_fault, 1))
		return true;

	if (size == 4)
		asm volatile("ldr %w0, [%1]" : "=r"(*value) : "r"(addr) : "memory");
	else
		asm volatile("ldr %0, [%1]" : "=r"(*value) : "r"(addr) : "memory");

	return false;
}

static u64 read_sized(const struct its *its, unsigned int offset, int size)
{
	u64 value;

	TEST_ASSERT(!load(its->frame + offset, size, &value),
		    "A load from the ITS faults at 0x%x", offset);

	return value;
}

static u32 read_reg32(const struct its *its, unsigned int offset)
{
	return read_sized(its, offset, sizeof(u32));
}

static u64 read_reg(const struct its *its, unsigned int offset)
{
	return read_sized(its, offset, sizeof(u64));
}

struct its_regs {
	u32	ctlr, iidr, pidr2;
	u64	typer, cbaser;
	u64	baser[GITS_BASER_NR_REGS];
	/* The driver moves these at any time. */
	struct {
		u64	cwriter, creadr;
	} queue;
};

static void read_regs(const struct its *its, struct its_regs *regs)
{
	int i;

	memset(regs, 0, sizeof(*regs));
	regs->ctlr = read_reg32(its, GITS_CTLR) & ~GITS_CTLR_QUIESCENT;
	regs->iidr = read_reg32(its, GITS_IIDR);
	regs->pidr2 = read_reg32(its, GITS_PIDR2);
	regs->typer = read_reg(its, GITS_TYPER);
	regs->cbaser = read_reg(its, GITS_CBASER);
	for (i = 0; i < GITS_BASER_NR_REGS; i++)
		regs->baser[i] = read_reg(its, GITS_BASER + i * sizeof(u64));
	regs->queue.creadr = read_reg(its, GITS_CREADR);
	regs->queue.cwriter = read_reg(its, GITS_CWRITER);
}

static u64 queue_size(u64 cbaser)
{
	return ((cbaser & 0xff) + 1) * SZ_4K;
}

/* How many writes EL2 has to have counted as ignored, at least */
static u64 nr_ignored;

/* How often the driver got in between */
static unsigned int nr_retries;

/*
 * One store that must not change any register, and must fault or must not. The driver
 * may move the queue at the same moment: then try again, with another value (it is no
 * better than the first), as a register that holds it already would not change.
 */
static bool check_store(const struct its *its, unsigned int offset, int size, u64 value,
			bool faults)
{
	struct its_regs before, after;
	bool faulted;
	int try;

	for (try = 0; try < 4; try++) {
		if (try)
			nr_retries++;
		read_regs(its, &before);
		faulted = store(its->frame + offset, size, try & 1 ? value ^ BIT(5) : value);
		read_regs(its, &after);

		if (faulted != faults) {
			ksft_print_msg("%d bytes, 0x%lx, at 0x%x: %s\n", size, value,
				       offset, faulted ? "faulted" : "did not fault");
			return false;
		}

		if (memcmp(&before, &after, offsetof(struct its_regs, queue)))
			break;
		if (!memcmp(&before.queue, &after.queue, sizeof(before.queue)))
			return true;
	}

	ksft_print_msg("%d bytes, 0x%lx, at 0x%x: registers have changed\n", size, value,
		       offset);
	return false;
}

/* An aligned store that EL2 ignores */
static bool check_ignored(const struct its *its, unsigned int offset, int size, u64 value)
{
	return check_store(its, offset, size, value, false);
}

/* The same to a register that can be written: it is counted, too. */
static bool check_counted(const struct its *its, unsigned int offset, int size, u64 value)
{
	nr_ignored++;

	return check_ignored(its, offset, size, value);
}

/* A store of a form that no driver uses: it faults. */
static bool check_refused(const struct its *its, unsigned int offset, int size)
{
	return check_store(its, offset, size, 0x8000000041414141, true);
}

static bool test_frame_read(void)
{
	struct its_regs regs;
	bool good = true;
	struct its *its;
	u32 arch;

	for (its = itss; its < itss + nr_its; its++) {
		read_regs(its, &regs);
		arch = regs.pidr2 & GIC_PIDR2_ARCH_MASK;
		if ((arch == GIC_PIDR2_ARCH_GICv3 || arch == GIC_PIDR2_ARCH_GICv4) &&
		    (regs.ctlr & GITS_CTLR_ENABLE) && (regs.cbaser & GITS_CBASER_VALID) &&
		    (regs.baser[0] & GITS_BASER_VALID) &&
		    regs.queue.cwriter < queue_size(regs.cbaser))
			continue;
		ksft_print_msg("0x%lx: PIDR2 0x%x, CTLR 0x%x, CBASER 0x%lx, BASER0 0x%lx\n",
			       its->base, regs.pidr2, regs.ctlr, regs.cbaser, regs.baser[0]);
		good = false;
	}

	return good;
}

static bool write_addresses(const struct its *its, unsigned int offset)
{
	u64 now = read_reg(its, offset);
	/* Nothing, all, invalid, flat or not, elsewhere, smaller, and what it is already */
	u64 values[] = {
		0, ~0ULL, now ^ BIT_ULL(63), now ^ BIT_ULL(62), now ^ BIT_ULL(16),
		now ^ BIT_ULL(12), now ^ 1, now,
	};
	bool good = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		good &= check_counted(its, offset, 8, values[i]);
		good &= check_counted(its, offset, 4, values[i]);
		good &= check_counted(its, offset + 4, 4, values[i] >> 32);
	}

	return good;
}

static bool test_frame_addresses(void)
{
	bool good = true;
	struct its *its;
	int i;

	for (its = itss; its < itss + nr_its; its++) {
		good &= write_addresses(its, GITS_CBASER);
		for (i = 0; i < GITS_BASER_NR_REGS; i++)
			good &= write_addresses(its, GITS_BASER + i * sizeof(u64));
	}

	return good;
}

static bool test_frame_cwriter(void)
{
	bool good = true;
	struct its *its;
	int i;

	for (its = itss; its < itss + nr_its; its++) {
		u64 size = queue_size(read_reg(its, GITS_CBASER));
		u64 values[] = {
			size, size + 32, 0xfffe0, BIT_ULL(20), BIT_ULL(31), BIT_ULL(1),
			BIT_ULL(4), 0xffffffff,
		};

		for (i = 0; i < ARRAY_SIZE(values); i++) {
			/* The largest queue has 1 MiB. */
			if (values[i] < size && !(values[i] & 0x1e))
				continue;
			good &= check_counted(its, GITS_CWRITER, 8, values[i]);
			good &= check_counted(its, GITS_CWRITER, 4, values[i]);
			good &= check_counted(its, GITS_CWRITER, 8, values[i] << 32);
			good &= check_counted(its, GITS_CWRITER + 4, 4, values[i]);
		}
	}

	return good;
}

static bool test_frame_read_only(void)
{
	static const struct {
		unsigned int	offset;
		int		size;
	} regs[] = {
		{ GITS_IIDR, 4 }, { GITS_TYPER, 4 }, { GITS_TYPER + 4, 4 }, { GITS_TYPER, 8 },
		{ GITS_CREADR, 4 }, { GITS_CREADR + 4, 4 }, { GITS_CREADR, 8 },
		{ GITS_PIDR0, 4 }, { GITS_PIDR2, 4 }, { GITS_PIDR4, 4 }, { GITS_CIDR3, 4 },
		/* This one is 32 bits wide, and what follows is GITS_IIDR. */
		{ GITS_CTLR, 8 },
	};
	bool good = true;
	struct its *its;
	int i;

	for (its = itss; its < itss + nr_its; its++) {
		for (i = 0; i < ARRAY_SIZE(regs); i++) {
			good &= check_ignored(its, regs[i].offset, regs[i].size, 0);
			good &= check_ignored(its, regs[i].offset, regs[i].size, ~0ULL);
		}
		/* Enabled is what it was, and the driver hasn't set the rest. */
		good &= check_ignored(its, GITS_CTLR, 4, ~0ULL);
	}

	return good;
}

static bool test_frame_unknown(void)
{
	/* They aren't looked at: reading some of them may not be possible either. */
	static const unsigned int offsets[] = {
		0x0010, 0x0020, 0x0028, 0x0038, 0x0048, 0x0078, 0x0098, 0x00a0, 0x00f8,
		0x0140, 0x0200, 0x1000, 0x8000, 0xbff8, 0xc000, 0xf000, 0xffc8,
	};
	bool good = true;
	struct its *its;
	int i;

	for (its = itss; its < itss + nr_its; its++) {
		for (i = 0; i < ARRAY_SIZE(offsets); i++) {
			good &= check_ignored(its, offsets[i], 8, 0x8000000041414141);
			good &= check_ignored(its, offsets[i], 4, ~0ULL);
			good &= check_ignored(its, offsets[i] + 4, 4, ~0ULL);
		}
	}

	return good;
}

static bool test_frame_narrow(void)
{
	static const unsigned int offsets[] = {
		GITS_CTLR, GITS_CBASER, GITS_CBASER + 6, GITS_CWRITER, GITS_CREADR, GITS_BASER,
		GITS_BASER + 8, 0x8000, ITS_FRAME_SIZE - 2,
	};
	bool good = true;
	struct its *its;
	int i;

	for (its = itss; its < itss + nr_its; its++) {
		for (i = 0; i < ARRAY_SIZE(offsets); i++) {
			good &= check_refused(its, offsets[i], 1);
			good &= check_refused(its, offsets[i] + 1, 1);
			good &= check_refused(its, offsets[i], 2);
		}
	}

	return good;
}

static bool test_frame_unaligned(void)
{
	static const struct {
		unsigned int	offset;
		int		size;
	} stores[] = {
		{ GITS_CTLR + 1, 2 }, { GITS_CTLR + 1, 4 }, { GITS_CTLR + 2, 8 },
		{ GITS_CBASER + 2, 4 }, { GITS_CBASER + 4, 8 }, { GITS_CWRITER + 2, 4 },
		{ GITS_CWRITER + 4, 8 }, { GITS_BASER + 1, 8 }, { GITS_BASER + 4, 8 },
		{ SZ_4K - 4, 8 }, { ITS_FRAME_SIZE - 6, 4 }, { ITS_FRAME_SIZE - 12, 8 },
	};
	bool good = true;
	struct its *its;
	int i;

	for (its = itss; its < itss + nr_its; its++)
		for (i = 0; i < ARRAY_SIZE(stores); i++)
			good &= check_refused(its, stores[i].offset, stores[i].size);

	return good;
}

/*
 * Memory of the ITS
 */

/* Read physical memory. Returns 0, or -errno if it can't be mapped, or 1 if it faults. */
static int read_phys(u64 phys, u64 *value)
{
	u64 start = phys & ~(page_size - 1ULL);
	/* Not O_SYNC: mapped as the kernel has it */
	int fd = open("/dev/mem", O_RDONLY);
	void *page;
	int ret;

	if (fd < 0)
		return -errno;
	page = mmap(NULL, page_size, PROT_READ, MAP_SHARED, fd, start);
	ret = page == MAP_FAILED ? -errno : 0;
	close(fd);
	if (ret)
		return ret;

	ret = load(page + (phys - start), sizeof(*value), value);
	munmap(page, page_size);

	return ret;
}

/*
 * That reading some memory faults only tells something if reading other memory
 * doesn't, and finds what is there: a page of this process.
 */
static const char *try_memory(void)
{
	static char why[128];
	u64 entry = 0, value = 0;
	u64 *page;
	int fd, ret;

	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | MAP_LOCKED, -1, 0);
	TEST_ASSERT(page != MAP_FAILED, "mmap() failed, errno: %d", errno);
	*page = 0x1750f00d12345678;

	fd = open("/proc/self/pagemap", O_RDONLY);
	if (fd < 0 || pread(fd, &entry, sizeof(entry), (u64)page / page_size * sizeof(entry)) !=
	    sizeof(entry) || !(entry & GENMASK_ULL(54, 0))) {
		snprintf(why, sizeof(why), "/proc/self/pagemap tells no address");
	} else {
		ret = read_phys((entry & GENMASK_ULL(54, 0)) * page_size, &value);
		if (ret < 0)
			snprintf(why, sizeof(why), "can't map memory by /dev/mem: %s",
				 strerror(-ret));
		else if (ret || value != *page)
			snprintf(why, sizeof(why), "/dev/mem doesn't give our own memory");
	}

	if (fd >= 0)
		close(fd);
	munmap(page, page_size);

	return *why ? why : NULL;
}

static bool check_memory(const char *what, u64 phys, u64 size)
{
	u64 offset, value, closed = 0;
	int ret;

	for (offset = 0; offset < size; offset += page_size) {
		ret = read_phys(phys + offset, &value);
		if (ret != 1) {
			ksft_print_msg("%s: 0x%lx %s\n", what, phys + offset,
				       ret ? strerror(-ret) : "can be read");
			return false;
		}
		closed++;
	}

	ksft_print_msg("%s: %lu pages from 0x%lx can't be read\n", what, closed,
		       phys);
	return closed;
}

static bool test_memory_queue(void)
{
	bool good = true;
	struct its *its;

	for (its = itss; its < itss + nr_its; its++) {
		u64 cbaser = read_reg(its, GITS_CBASER);

		good &= check_memory("queue", GITS_CBASER_ADDRESS(cbaser), queue_size(cbaser));
	}

	return good;
}

static bool test_memory_tables(void)
{
	static const u64 sizes[] = { SZ_4K, SZ_16K, SZ_64K, SZ_64K };
	bool good = true;
	struct its *its;
	char what[16];
	int i;

	for (its = itss; its < itss + nr_its; its++) {
		for (i = 0; i < GITS_BASER_NR_REGS; i++) {
			u64 baser = read_reg(its, GITS_BASER + i * sizeof(u64));
			u64 psz = sizes[(baser >> GITS_BASER_PAGE_SIZE_SHIFT) & 3];
			u64 phys = baser & GENMASK_ULL(47, 0) & ~(psz - 1);

			if (!(baser & GITS_BASER_VALID))
				continue;
			/* Bits 51:48 of the address are in the place of bits 15:12. */
			if (psz == SZ_64K)
				phys |= FIELD_GET(GENMASK_ULL(15, 12), baser) << 48;
			snprintf(what, sizeof(what), "table %d", i);
			good &= check_memory(what, phys, ((baser & 0xff) + 1) * psz);
		}
	}

	return good;
}

/*
 * Redistributors
 */

#define REDIST_COUNTERS		"/sys/kernel/debug/pkvm_redist"
#define MAX_REDISTS		64

#define GICR_VLPI_BASE		SZ_128K
#define GICR_TYPER_VLPIS	BIT(1)
#define GICR_VPROPBASER		(GICR_VLPI_BASE + 0x70)
#define GICR_VPENDBASER		(GICR_VLPI_BASE + 0x78)

static struct redist {
	u64	base;
	int	cpu;
	void	*frame;
	void	*vlpi;
} redists[MAX_REDISTS];
static int nr_redists;

/* "redistributors 2 taken 2 ..." */
static bool redists_are_protected(void)
{
	unsigned long all, taken;
	char text[256];

	return read_text(REDIST_COUNTERS, text, sizeof(text)) > 0 &&
	       sscanf(text, "redistributors %lu taken %lu", &all, &taken) == 2 && taken;
}

static void *map_frame(u64 phys)
{
	int fd = open("/dev/mem", O_RDWR | O_SYNC);
	void *frame;

	if (fd < 0)
		return MAP_FAILED;
	frame = mmap(NULL, SZ_64K, PROT_READ | PROT_WRITE, MAP_SHARED, fd, phys);
	close(fd);

	return frame;
}

/* The driver says where they are: "CPU0: found redistributor 0 region 0:0x80a0000" */
static const char *map_redists(void)
{
	char *log, *line;
	u64 typer;
	int len;

	if (!redists_are_protected())
		return "no redistributor is protected";

	log = calloc(1, SZ_1M);
	TEST_ASSERT(log, "Out of memory");
	len = klogctl(SYSLOG_ACTION_READ_ALL, log, SZ_1M - 1);
	line = len > 0 ? log : NULL;
	while (line && (line = strstr(line, "CPU")) && nr_redists < MAX_REDISTS) {
		struct redist *redist = &redists[nr_redists];
		int found = sscanf(line, "CPU%d: found redistributor %*x region %*d:%lx",
				   &redist->cpu, &redist->base);

		line += strlen("CPU");
		if (found != 2)
			continue;
		redist->frame = map_frame(redist->base);
		if (redist->frame == MAP_FAILED)
			continue;
		memcpy(&typer, redist->frame + GICR_TYPER, sizeof(typer));
		redist->vlpi = typer & GICR_TYPER_VLPIS ?
			       map_frame(redist->base + GICR_VLPI_BASE) : NULL;
		nr_redists++;
	}
	free(log);

	return nr_redists ? NULL : "the kernel's log tells of no redistributor";
}

static void *redist_reg(const struct redist *redist, unsigned int offset)
{
	if (offset >= GICR_VLPI_BASE)
		return redist->vlpi + offset - GICR_VLPI_BASE;

	return redist->frame + offset;
}

static u64 redist_read(const struct redist *redist, unsigned int offset)
{
	u64 value;

	TEST_ASSERT(!load(redist_reg(redist, offset), sizeof(value), &value),
		    "A load from the redistributor faults at 0x%x", offset);

	return value;
}

static bool redist_write_address(const struct redist *redist, unsigned int offset)
{
	u64 now = redist_read(redist, offset), value;
	u64 values[] = {
		0, ~0ULL, now ^ BIT_ULL(63), now ^ BIT_ULL(16), now ^ BIT_ULL(12), now ^ 1,
		0x8000000041410000,
	};
	int i, form;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		for (form = 0; form < 3; form++) {
			unsigned int at = form == 2 ? offset + 4 : offset;

			value = form == 2 ? values[i] >> 32 : values[i];
			if (store(redist_reg(redist, at), form ? 4 : 8, value)) {
				ksft_print_msg("0x%lx: a store to 0x%x faulted\n",
					       redist->base, at);
				return false;
			}
			if (redist_read(redist, offset) == now)
				continue;
			ksft_print_msg("0x%lx: 0x%lx has changed the register at 0x%x\n",
				       redist->base, value, at);
			return false;
		}
	}

	return true;
}

static bool test_redist_addresses(void)
{
	const struct redist *redist;
	cpu_set_t anywhere;
	int nr_pinned = 0;
	bool good = true;

	kvm_sched_getaffinity(0, sizeof(anywhere), &anywhere);
	for (redist = redists; redist < redists + nr_redists; redist++) {
		/* If it is offline: another one doesn't get any further. */
		nr_pinned += !__pin_task_to_cpu(pthread_self(), redist->cpu);
		good &= redist_write_address(redist, GICR_PROPBASER);
		good &= redist_write_address(redist, GICR_PENDBASER);
		if (!redist->vlpi || redist->vlpi == MAP_FAILED)
			continue;
		good &= redist_write_address(redist, GICR_VPROPBASER);
		good &= redist_write_address(redist, GICR_VPENDBASER);
	}
	kvm_sched_setaffinity(0, sizeof(anywhere), &anywhere);

	ksft_print_msg("%d redistributors, %d of them written by their own CPU\n", nr_redists,
		       nr_pinned);
	return good;
}

static bool test_redist_tables(void)
{
	const struct redist *redist;
	bool good = true;

	for (redist = redists; redist < redists + nr_redists; redist++)
		good &= check_memory("pending table",
				     redist_read(redist, GICR_PENDBASER) & GENMASK_ULL(51, 16),
				     SZ_64K);

	return good;
}

/*
 * Counters
 */

static struct counters {
	u64	rejected, ignored, commands;
} counters;

static struct counters read_counters(void)
{
	struct counters now = {};

	if (!no_counters) {
		now.rejected = sum_counter("rejected");
		now.ignored = sum_counter("ignored");
		now.commands = sum_counter("commands");
	}

	return now;
}

/* Since the last look at them */
static struct counters count(void)
{
	struct counters now = read_counters(), diff;

	diff.rejected = now.rejected - counters.rejected;
	diff.ignored = now.ignored - counters.ignored;
	diff.commands = now.commands - counters.commands;
	counters = now;
	ksft_print_msg("%lu commands, %lu of them rejected; %lu writes ignored\n",
		       diff.commands, diff.rejected, diff.ignored);

	return diff;
}

static bool test_counters_honest(void)
{
	struct counters diff = count();

	return !diff.rejected && !diff.ignored;
}

static bool test_counters_hostile(void)
{
	struct counters diff = count();
	bool good = true;
	int i;

	for (i = 0; i < nr_its; i++)
		good &= is_taken_over(itss[i].base);

	ksft_print_msg("%lu writes were to be ignored and counted; %u retries\n", nr_ignored,
		       nr_retries);
	return good && nr_ignored && !diff.rejected && diff.ignored >= nr_ignored;
}

static const struct scenario {
	const char	*name;
	bool		(*run)(void);
	const char	**skip;
} scenarios[] = {
	{ "guest_lpis",			test_guest_lpis },
	{ "counters_honest",		test_counters_honest,	&no_counters },
	{ "frame_read",			test_frame_read,	&no_frame },
	{ "frame_addresses",		test_frame_addresses,	&no_frame },
	{ "frame_cwriter",		test_frame_cwriter,	&no_frame },
	{ "frame_read_only",		test_frame_read_only,	&no_frame },
	{ "frame_unknown",		test_frame_unknown,	&no_frame },
	{ "frame_narrow",		test_frame_narrow,	&no_frame },
	{ "frame_unaligned",		test_frame_unaligned,	&no_frame },
	{ "memory_queue",		test_memory_queue,	&no_memory },
	{ "memory_tables",		test_memory_tables,	&no_memory },
	{ "redist_addresses",		test_redist_addresses,	&no_redist },
	{ "redist_tables",		test_redist_tables,	&no_redist_memory },
	{ "counters_hostile",		test_counters_hostile,	&no_counters },
	{ "guest_lpis_afterwards",	test_guest_lpis },
	{ "counters_honest_afterwards",	test_counters_honest,	&no_counters },
};

int main(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	const struct scenario *s;
	const char *why;
	u64 value;

	TEST_REQUIRE(kvm_supports_vgic_v3());

	ksft_print_header();
	ksft_set_plan(ARRAY_SIZE(scenarios));

	page_size = sysconf(_SC_PAGESIZE);
	find_its();
	no_frame = map_frames();
	no_memory = no_frame ? no_frame : try_memory();
	no_counters = no_frame;
	if (!no_frame && !read_counter(itss[0].base, "ignored", &value))
		no_counters = "no counters in " COUNTERS;
	counters = read_counters();
	no_redist = map_redists();
	no_redist_memory = no_memory ? no_memory : no_redist;

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);

	for (s = scenarios; s < scenarios + ARRAY_SIZE(scenarios); s++) {
		why = s->skip ? *s->skip : NULL;
		if (why)
			ksft_test_result_skip("%s: %s\n", s->name, why);
		else
			ksft_test_result(s->run(), "%s\n", s->name);
	}

	ksft_finished();
}
