# SPDX-License-Identifier: GPL-2.0
"""The redistributors, the other bus masters of the GIC."""

import re

from _memory import AfterPowerOff
from failclosed import INTC, boot, its_node, reg, verdict
from frame import el2_entries
from testing import test
from verdict import Verdict

CPUS = {"a57": "cortex-a57", "max": "max"}
PAGE = 0x1000

# Of what the hardware gets: offsets from RD_base of registers that hold addresses.
PROPBASER, PENDBASER, VPROPBASER, VPENDBASER = 0x70, 0x78, 0x20070, 0x20078


def writes(trace):
    """What reached the redistributors: [(number, offset, value, size)]"""
    return [(int(w[1], 16), int(w[2], 16), int(w[3], 16), int(w[4])) for w in re.finditer(
        r"gicv3_redist_write .*redistributor 0x(\w+) write: offset 0x(\w+) data 0x(\w+) size (\d+)",
        trace)]


def registers(name, cpu, gic, variant="default"):
    @test(f"redist-registers-{name}", variants=[variant])
    def pinned(ctx):
        """The redistributors work where the trusted host told them to, and nowhere else."""
        result = ctx.boot("redist-registers", cpu=cpu, gic=gic, smp=2,
                          debug=["trace:gicv3_redist_write"])
        seen = writes(result.trace)
        for number in range(2):
            for offset in (PROPBASER, PENDBASER):
                values = [value for at, reg, value, _ in seen if (at, reg) == (number, offset)]
                # By the driver at boot; later, by halves that fit and on purpose.
                ctx.expect(len(values) > 1 and len(set(values)) == 1,
                           f"register {offset:#x} of {number} got {[hex(v) for v in values]}")
        late = {reg for _, reg, _, _ in seen if reg in (0x20, 0x7ff8, 0x20100, 0x10)}
        ctx.expect(not late, f"registers that nobody knows were written: {late}")


for cpu in CPUS:
    registers(cpu, CPUS[cpu], 4)
registers("a57-gic3", "cortex-a57", 3)
registers("debug-max", "max", 4, "debug")
registers("64k-max", "max", 4, "64k")


@test("redist-registers-base", variants=["default.base"])
def unpinned(ctx):
    """Without the series, the host points them elsewhere."""
    for gic in (3, 4):
        ctx.boot("redist-registers", cpu="max", gic=gic, smp=2, label=f"gic{gic}",
                 args={"expect": "changed"})


def victim(text):
    """The page of the pending bit, were the table there."""
    info = Verdict(text).info
    at = int(info["victim"], 0) + int(info["lpi"], 0) // 8
    return [(at & -PAGE, PAGE)]


def attack(ctx, variant, cpu, gic):
    with AfterPowerOff(ctx, victim, label=variant) as memory:
        result = ctx.boot("redist-attack", variant=variant, label=variant, cpu=cpu, gic=gic,
                          extra=memory.extra)
        return result.verdict, memory.read(*victim(result.verdict.text)[0])


def declare(name, cpu, gic=4):
    @test(f"redist-attack-{name}", variants=["default", "default.base"])
    def case(ctx):
        """The host overwrites the hypervisor by a pending bit; with the series, it can't."""
        verdict, page = attack(ctx, "default.base", cpu, gic)
        ctx.expect(verdict.info["series"] == "0", "the base kernel has the series")
        lpi = int(verdict.info["lpi"], 0)
        ctx.expect(page[lpi // 8 % PAGE] == 1 << lpi % 8,
                   "without the series, the redistributor did not write where it was told to")

        verdict, page = attack(ctx, "default", cpu, gic)
        ctx.expect(verdict.info["series"] == "1", "this kernel hasn't got the series")
        ctx.expect(not any(page), f"the memory of the hypervisor is {page[:48].hex()}")


for cpu in CPUS:
    declare(cpu, CPUS[cpu])
declare("a57-gic3", "cortex-a57", 3)


def memory(name, cpu, gic=4, variant="default"):
    @test(f"redist-memory-{name}", variants=[variant])
    def closed(ctx):
        """Pending tables are EL2's; the configuration of LPIs can't become anybody's."""
        ctx.boot("redist-memory", cpu=cpu, gic=gic, smp=4, variant=variant)


memory("a57-gic3", "cortex-a57", 3)
memory("max", "max")
memory("debug-a57", "cortex-a57", 4, "debug")
memory("16k-a35", "cortex-a35", 4, "16k")
memory("64k-max", "max", 4, "64k")


def vpe(name, cpu, variant="default"):
    @test(f"redist-vpe-{name}", variants=[variant])
    def resident(ctx):
        """A vPE is resident with tables that EL2 has pinned, or not at all."""
        result = ctx.boot("redist-vpe", cpu=cpu, gic=4, smp=2,
                          debug=["trace:gicv3_redist_write"])
        # VPROPBASER reaches the hardware right before a vPE becomes resident, or after.
        loads = [value for _, reg, value, _ in writes(result.trace)
                 if reg == VPENDBASER and value >> 63]
        ctx.expect(len(loads) == 3, f"{len(loads)} vPEs became resident, not 3")
        ctx.expect(len({value & 0xffffffff0000 for value in loads}) == 1,
                   "with more than one pending table")


vpe("a57", "cortex-a57")
vpe("max", "max")
vpe("debug-max", "max", "debug")
vpe("64k-max", "max", "64k")


def power(name, cpu, variant="default"):
    @test(f"redist-power-{name}", variants=[variant])
    def away(ctx):
        """What firmware may have powered down isn't believed."""
        ctx.boot("redist-power", cpu=cpu, gic=4, smp=2)


power("a57", "cortex-a57")
power("max", "max")
power("debug-max", "max", "debug")


def late(name, cpu, gic, variant="default"):
    @test(f"redist-late-{name}", variants=[variant])
    def never_online(ctx):
        """A redistributor whose CPU never was online can't be set up by the host."""
        ctx.boot("redist-late", cpu=cpu, gic=gic, smp=2, params=["maxcpus=1"])


late("a57-gic3", "cortex-a57", 3)
late("max", "max", 4)
late("base", "max", 4, "default.base")


def cost(cpu):
    @test(f"redist-cost-{cpu}")
    def entries(ctx):
        """Reads, and writes of what private interrupts need, don't enter EL2."""
        result = ctx.boot("redist-cost", cpu=CPUS[cpu], smp=1, deterministic=True,
                          debug=["int"])
        found = el2_entries(result.trace)
        ctx.expect(found == [0, 0, 0, 100, 100],
                   "EL2 entries for 100 reads of CTLR, PENDBASER and 100 writes of ISENABLER0,"
                   f" WAKER, PENDBASER: {found}")


for cpu in CPUS:
    cost(cpu)


@test("failclosed-redist")
def fail_closed(ctx):
    """A frame that EL2 can't have: no protected VMs, in one line."""
    # An ITS that pretends to be where VLPI_base of the second CPU is.
    edits = its_node(0x8100000, size=0x10000)
    result = boot(ctx, edits, pvm="refused")
    ctx.expect_line(result, r"kvm \[1\]: redistributor@0x00000000080e0000: can't be protected"
                            r" \(-17\)")
    ctx.expect_line(result, verdict("redistributor", 17))


@test("failclosed-redist-region")
def no_redistributor(ctx):
    """A region without a redistributor: who knows what is missing."""
    edits = [("fdtput", "-tx", INTC, "#redistributor-regions", "2"),
             reg(INTC, 0x8000000, 0x10000, 0x80a0000, 0xf60000, 0x8090000, 0x20000)]
    result = boot(ctx, edits, pvm="refused")
    ctx.expect_line(result, verdict("redistributor", 6))


@test("failclosed-redist-quirk")
def strangers(ctx):
    """GICR_TYPER doesn't say whose the redistributors are: no protected VMs, and no harm."""
    edits = [("fdtput", "-ts", INTC, "compatible", "asr,asr8601-gic-v3", "arm,gic-v3")]
    # The quirk has CPU 1 take the redistributor of CPU 0.
    result = boot(ctx, edits, pvm="refused", machine={"params": ["maxcpus=1"]})
    ctx.expect_line(result, verdict("redistributor", 6))


def resident(name, cpu):
    @test(f"redist-gicv4-{name}")
    def vcpus(ctx):
        """vCPUs of ordinary VMs are made resident through EL2, and nothing is refused."""
        result = ctx.boot("gicv4", cpu=cpu, smp=4, params=["kvm-arm.vgic_v4_enable=1"],
                          args={"cycles": 10, "vcpus": 2}, debug=["trace:gicv3_redist_write"])
        seen = writes(result.trace)
        loads = [(at, value) for at, reg, value, _ in seen if reg == VPENDBASER and value >> 63]
        puts = [(at, value) for at, reg, value, _ in seen
                if reg == VPENDBASER and not value >> 63 and value & 0xffffffff0000]
        ctx.expect(len(loads) >= 10, f"{len(loads)} times only was a vPE resident")
        ctx.expect(len(puts) == len(loads), f"and {len(puts)} times it ceased to be")
        ctx.note(f"resident {len(loads)} times")


for cpu in CPUS:
    resident(cpu, CPUS[cpu])
