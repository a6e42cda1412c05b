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

# What of the machine, and the state of the ITS and the lines of the log that follow.
FILES = {
    "take_over": ("fault", 0, (r"ITS@0x0000000008080000: can't be deprivileged \(-",
                               r"GIC@0x0000000008080000: not taken over \(-\d+\),"
                               " no protected VMs")),
    "redist": ("fault-redist", 2, (r"ITS@0x0000000008080000: deprivileged",
                                   r"GIC@0x00000000080[ae]0000: not taken over \(-?\d+\),"
                                   " no protected VMs")),
}
faults = {name: parse(os.path.join(testing.ROOT, "tests", "faults", f"{name}.faults"))
          for name in FILES}


def declare(fault, prefix, state, lines):
    @test(f"{prefix}-{fault.name}", groups=())
    def case(ctx):
        folder = build(ctx, fault, ("debug",))
        try:
            for guest_test, args in (("vm", {"pvm": "refused"}),
                                     ("rebind", {"cycles": 5, "its_state": state})):
                result = ctx.boot(guest_test, label=guest_test, cpu="cortex-a57", args=args,
                                  image=os.path.join(folder, "debug", "Image"))
                for line in lines:
                    ctx.expect_line(result, line)
        finally:
            shutil.rmtree(folder)


@test("faults-apply")
def apply(ctx):
    """Quick: every fault still fits the series."""
    for name in faults:
        for fault in faults[name]:
            mutate(ctx, fault, os.path.join(testing.ROOT, "build", "linux"))
        ctx.note(f"{name}: {len(faults[name])} faults")


for name in faults:
    for fault in faults[name]:
        declare(fault, *FILES[name])
