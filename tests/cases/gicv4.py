# SPDX-License-Identifier: GPL-2.0
"""vPEs of ordinary VMs come and go on an ITS that EL2 drives."""

import re

from testing import test

CYCLES, VCPUS = 20, 4


def commands(trace):
    """{name: how often} of what reached the ITS."""
    names = re.findall(r"command ([A-Z]+) ", trace)
    return {name: names.count(name) for name in set(names)}


def declare(name, cpu, variant="default"):
    @test(f"gicv4-{name}", variants=[variant])
    def case(ctx):
        result = ctx.boot("gicv4", cpu=cpu, smp=4, params=["kvm-arm.vgic_v4_enable=1"],
                          args={"cycles": CYCLES, "vcpus": VCPUS}, debug=["trace:gicv3_its_cmd*"])
        ctx.expect_line(result, "GICv4 support enabled")
        seen = commands(result.trace)
        # Each vCPU: mapped and unmapped; one of them runs, on another CPU every other time.
        for command, count in (("VMAPP", 2 * CYCLES * VCPUS), ("VINVALL", CYCLES * VCPUS),
                               ("VMOVP", CYCLES // 2)):
            ctx.expect(seen.get(command, 0) >= count,
                       f"{seen.get(command, 0)} {command} reached the ITS, not {count}")


declare("a57", "cortex-a57")
declare("max", "max")
declare("64k-max", "max", "64k")
declare("base-a57", "cortex-a57", "default.base")


@test("gicv4-long", groups=())
def long(ctx):
    """A thousand VMs: EL2 needs no more memory than for the first."""
    ctx.boot("gicv4", cpu="cortex-a57", smp=4, params=["kvm-arm.vgic_v4_enable=1"],
             args={"cycles": 1000, "vcpus": VCPUS}, time_limit=900)
