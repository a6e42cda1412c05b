# SPDX-License-Identifier: GPL-2.0
"""Devices keep interrupting while CPUs and drivers come and go."""

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
