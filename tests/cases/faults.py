# SPDX-License-Identifier: GPL-2.0
"""Any step of the take-over may fail: the machine is as it was, without protected VMs.

The kernels are made like mutants.  The driver goes on with its own queue, tables and
ITTs, which must be its own again for that, and the host may use them for anything.
"""

import os
import shutil

import testing
from mutants import build, mutate, parse
from testing import test

FILE = os.path.join(testing.ROOT, "tests", "faults", "take_over.faults")
faults = parse(FILE)


def declare(fault):
    @test(f"fault-{fault.name}", groups=())
    def case(ctx):
        folder = build(ctx, fault, ("debug",))
        try:
            for guest_test, args in (("vm", {"pvm": "refused"}),
                                     ("rebind", {"cycles": 5, "its_state": 0})):
                result = ctx.boot(guest_test, label=guest_test, cpu="cortex-a57", args=args,
                                  image=os.path.join(folder, "debug", "Image"))
                ctx.expect_line(result, r"ITS@0x0000000008080000: can't be deprivileged \(-")
                ctx.expect_line(result, r"ITS@0x0000000008080000: not taken over \(-\d+\),"
                                        " no protected VMs")
        finally:
            shutil.rmtree(folder)


@test("faults-apply")
def apply(ctx):
    """Quick: every fault still fits the series."""
    for fault in faults:
        mutate(ctx, fault, os.path.join(testing.ROOT, "build", "linux"))
    ctx.note(f"{len(faults)} faults")


for fault in faults:
    declare(fault)
