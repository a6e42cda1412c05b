# SPDX-License-Identifier: GPL-2.0
"""What the MADT can say of ITSs and redistributors, right and wrong."""

import _madt as madt
from testing import test

CPUS = {"a57": "cortex-a57", "max": "max"}
SMP = 2
GICCS = [madt.gicc(cpu) for cpu in range(SMP)]
GICR = madt.gicr(madt.redistributor(0), madt.redistributor(SMP) - madt.GICR)
REST = [madt.gicd(4), *GICCS, GICR]
NO_PVM = "no protected VMs"


def rightly(name, cpu, gic):
    @test(f"acpi-gicc-{name}")
    def case(ctx):
        """Redistributors that are in the CPUs' entries are EL2's as well."""
        entries = [madt.gicd(gic), madt.its(madt.ITS)]
        entries += [madt.gicc(n, redistributor=madt.redistributor(n, gic)) for n in range(SMP)]
        for test_name, args in (("redist-registers", {}), ("vm", {"pvm": "allowed"})):
            result = madt.boot(ctx, test_name, entries, label=test_name, cpu=cpu, gic=gic,
                               smp=SMP, args=args)
            ctx.expect_line(result, r"ITS@0x0000000008080000: deprivileged")


rightly("a57-gic3", "cortex-a57", 3)
rightly("max", "max", 4)


def refused(name, entries, verdict, *lines, cpu="max", **machine):
    """EL2 doesn't get all of it: one line or two, and no protected VM."""
    @test(f"failclosed-acpi-{name}")
    def case(ctx):
        result = madt.boot(ctx, "vm", entries, cpu=cpu, **{"smp": SMP, **machine},
                           args={"pvm": "refused"})
        for line in (*lines, verdict):
            ctx.expect_line(result, rf"kvm \[1\]: {line}$")
        tried = result.console_lines(r"kvm \[1\]: ITS@.* protected")
        ctx.expect(len(tried) == sum("ITS@" in line for line in lines),
                   "more ITSs than there are", *tried)


def its_refused(name, entries, *lines, errno=22, **machine):
    refused(name, [*REST, *entries], rf"not every ITS is protected \(-{errno}\), {NO_PVM}",
            *lines, **machine)


# Another one that has its control frame where the first has its translation frame. The
# driver wants to reset all before it touches one, so there are no MSIs.
its_refused("overlap", [madt.its(madt.ITS), madt.its(madt.ITS + 0x8000, 1)],
            r"ITS@0x0000000008080000: control frame protected",
            r"ITS@0x0000000008088000: can't be protected \(-17\)", devices=())
its_refused("gicv5", [madt.its(madt.ITS), madt.gicv5_its(0x8400000)],
            "no support for the ITS of GICv5")
# An entry that is too short is nobody's ITS, but for an attacker who knows better.
its_refused("short", [madt.its(madt.ITS)[:1] + b"\x0c" + madt.its(madt.ITS)[2:12]], devices=())


def redist_refused(name, entries, errno, **machine):
    refused(name, [madt.gicd(4), madt.its(madt.ITS), *entries],
            rf"not every redistributor is protected \(-{errno}\), {NO_PVM}",
            r"ITS@0x0000000008080000: control frame protected", **machine)


# A CPU that isn't there, or isn't yet, and has a redistributor all the same
for name, flags in (("absent", 0), ("capable", madt.ONLINE_CAPABLE)):
    redist_refused(name, [madt.gicc(0, redistributor=madt.redistributor(0)),
                          madt.gicc(1, flags, madt.redistributor(1))], 6)
# A region without a redistributor
redist_refused("region", [*GICCS, GICR, madt.gicr(madt.ITS + 0x10000, 0x20000)], 6)
