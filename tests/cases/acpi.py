# SPDX-License-Identifier: GPL-2.0
"""What the MADT can say of ITSs and redistributors, right and wrong."""

import _madt as madt
from failclosed import cannot, verdict
from testing import test

SMP = 2
GICD = madt.gicd(4)
GICCS = [madt.gicc(cpu) for cpu in range(SMP)]
REDISTS = madt.gicr(madt.GICR, madt.redistributor(SMP) - madt.GICR)
ITS = madt.its(madt.ITS)
PROTECTED = "ITS@0x0000000008080000: control frame protected"


def rightly(name, cpu, gic):
    @test(f"acpi-gicc-{name}")
    def case(ctx):
        """Redistributors that are in the CPUs' entries are EL2's as well."""
        entries = [madt.gicd(gic), ITS]
        entries += [madt.gicc(n, redistributor=madt.redistributor(n, gic)) for n in range(SMP)]
        for test_name, args in (("redist-registers", {}), ("vm", {"pvm": "allowed"})):
            result = madt.boot(ctx, test_name, entries, label=test_name, cpu=cpu, gic=gic,
                               smp=SMP, args=args)
            ctx.expect_line(result, r"ITS@0x0000000008080000: deprivileged")


rightly("a57-gic3", "cortex-a57", 3)
rightly("max", "max", 4)


def refused(name, what, errno, entries, *lines, **machine):
    """EL2 doesn't get all of it: these lines, the one with the verdict, no protected VM."""
    @test(f"failclosed-acpi-{name}")
    def case(ctx):
        result = madt.boot(ctx, "vm", [GICD, *entries], smp=SMP, args={"pvm": "refused"},
                           **machine)
        for line in lines:
            ctx.expect_line(result, rf"kvm \[1\]: {line}$")
        ctx.expect_line(result, verdict(what, errno))
        tried = result.console_lines(r"kvm \[1\]: ITS@.* protected")
        ctx.expect(len(tried) == sum("ITS@" in line for line in lines),
                   "more ITSs than there are", *tried)


# Another one that has its control frame where the first has its translation frame. The
# driver wants to reset all before it touches one, so there are no MSIs.
refused("overlap", "ITS", 22, [*GICCS, REDISTS, ITS, madt.its(madt.ITS + 0x8000, 1)],
        PROTECTED, cannot("8088000", 17), devices=())
refused("gicv5", "ITS", 22, [*GICCS, REDISTS, ITS, madt.gicv5_its(0x8400000)],
        "no support for the ITS of GICv5")
# It ends before its address does: nobody looks for an ITS there.
refused("short", "ITS", 22, [*GICCS, REDISTS, ITS[:1] + b"\x0c" + ITS[2:12]], devices=())

# A CPU that isn't there, or isn't yet, and has a redistributor all the same
for name, flags in (("absent", 0), ("capable", madt.ONLINE_CAPABLE)):
    refused(name, "redistributor", 6,
            [ITS, madt.gicc(0, redistributor=madt.redistributor(0)),
             madt.gicc(1, flags, madt.redistributor(1))], PROTECTED)
# A region without a redistributor
refused("region", "redistributor", 6,
        [ITS, *GICCS, REDISTS, madt.gicr(madt.ITS + 0x10000, 0x20000)], PROTECTED)
