# SPDX-License-Identifier: GPL-2.0
"""Devices keep interrupting while CPUs and drivers come and go."""

import re

from testing import test


def declare(name, cpu):
    @test(f"hotplug-{name}")
    def hotplug(ctx):
        ctx.boot("hotplug", cpu=cpu, smp=4)

    @test(f"rebind-{name}")
    def rebind(ctx):
        ctx.boot("rebind", cpu=cpu, args={"cycles": 20})


declare("a57", "cortex-a57")
declare("max", "max")


@test("physmem")
def physmem(ctx):
    """Root reaches the ITS through /dev/mem: the ground attacks stand on."""
    for gic in (3, 4):
        ctx.boot("physmem", label=f"gic{gic}", gic=gic)


def suspend(name, cpu, variant="default"):
    @test(f"suspend-{name}", variants=[variant])
    def case(ctx):
        """The driver's suspend and resume reach the ITS, and it works afterwards."""
        cycles = 3
        result = ctx.boot("suspend", cpu=cpu, args={"cycles": cycles},
                          debug=["trace:gicv3_its_write"])
        writes = [int(w, 16) for w in
                  re.findall(r"gicv3_its_write .*offset 0x(\w+) ", result.trace)]
        # Of the registers in use: at least once at boot, and once in each cycle.
        for name, offset in (("CTLR", 0), ("CBASER", 0x80), ("CWRITER", 0x88),
                             ("BASER0", 0x100), ("BASER1", 0x108)):
            ctx.expect(writes.count(offset) > cycles,
                       f"{writes.count(offset)} writes of GITS_{name} reached the ITS")


suspend("a57", "cortex-a57")
suspend("max", "max")
suspend("base", "max", "default.base")
