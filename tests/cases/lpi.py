# SPDX-License-Identifier: GPL-2.0
"""No interrupt is lost or doubled, whatever happens around it.

QEMU is the witness that as many were sent as the guest says.
"""

from cmdqueue import commands, marked
from testing import test

CPUS = {"a57": "cortex-a57", "max": "max"}
# Beside the usual ones, devices that do nothing but have an interrupt.
MORE = [word for _ in range(8) for word in ("-device", "virtio-rng-pci,rng=rng0")]
EVERYTHING = "affinity+hotplug+churn+vm"


def declare(name, cpu, seconds, what, smp=4, groups=("default",), variant="default", **machine):
    @test(f"lpi-{name}", groups=groups, variants=[variant])
    def case(ctx):
        trace = seconds < 60
        result = ctx.boot("lpi", cpu=cpu, smp=smp, extra=MORE, time_limit=10 * seconds + 180,
                          args={"seconds": seconds, "with": what},
                          debug=["trace:gicv3_its*"] if trace else [], **machine)
        info = result.verdict.info
        if trace:
            # The kernel itself sends one again that comes while it still handles the last.
            seen = sum(command == "INT" for command, _ in commands(marked(result.trace, 0, 1)))
            ctx.expect(seen >= int(info["sent"]), f"{seen} INT reached the ITS, not {info['sent']}")
        ctx.note(", ".join(f"{key} {info[key]}" for key in ("lpis", "sent", *what.split("+"))))


for name, cpu in CPUS.items():
    declare(name, cpu, 4, "affinity+hotplug+churn")
    # A protected and an ordinary VM come and go under load.
    declare(f"vm-{name}", cpu, 4, "affinity+churn+vm")
    declare(f"long-{name}", cpu, 180, EVERYTHING, groups=())
declare("base", "cortex-a57", 4, "affinity+hotplug+churn", groups=(), variant="default.base")
