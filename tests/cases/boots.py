# SPDX-License-Identifier: GPL-2.0
"""The machine comes up and MSIs flow: CPU models, GICs, CPU counts, variants."""

import itertools

from lpi import MORE
from testing import test

# What protected mode is on each CPU model, and the mode without any parameter.
CPUS = {
    "a57": dict(cpu="cortex-a57", protected="protected-nvhe", plain="nvhe"),
    "a76": dict(cpu="cortex-a76", protected="protected-hvhe", plain="vhe"),
    "max": dict(cpu="max", protected="protected-hvhe", plain="vhe"),
}
# Without a word of any ITS that is not.
PROTECTED = r"kvm \[1\]: ITS@0x0000000008080000: control frame protected"
FAST = {("a57", 4, 2), ("max", 4, 2), ("a76", 3, 4)}


def protected_boot(name, cpu, gic=4, smp=2, groups=("default",), variant="default",
                   mode=None, **machine):
    """Declare a boot in protected mode of one machine."""
    @test(name, variants=[variant], groups=groups)
    def boot(ctx):
        model = CPUS.get(cpu, dict(cpu=cpu))
        result = ctx.boot("boot", cpu=model["cpu"], gic=gic, smp=smp,
                          args={"mode": mode or model["protected"]}, **machine)
        if not variant.endswith(".base"):
            ctx.expect_line(result, PROTECTED)


for cpu in CPUS:
    for gic in (3, 4):
        for smp in (1, 2, 4, 8):
            groups = ["default", "matrix"] + ["fast"] * ((cpu, gic, smp) in FAST)
            protected_boot(f"boot-{cpu}-gic{gic}-smp{smp}", cpu, gic, smp, groups)

# Other variants of the kernel.
for cpu in CPUS:
    protected_boot(f"debug-{cpu}", cpu, variant="debug")
protected_boot("base-max", "max", variant="default.base")
# cortex-a57 has no 16K granule, cortex-a35 has and is nVHE as well.
protected_boot("16k-a35", "cortex-a35", variant="16k", mode="protected-nvhe")
# With LPA2 and 16K pages, QEMU 7.2 stops in protected mode, the base kernel too.
protected_boot("16k-max", "max,lpa2=off", variant="16k", mode="protected-hvhe")
protected_boot("64k-a57", "a57", variant="64k")
protected_boot("64k-max", "max", variant="64k")


# All the rest, on demand: `./test matrix` boots each kernel on each machine.
KERNELS = {
    # name: (without and with EL2 debugging, nVHE, hVHE)
    "4k": ("default", "debug", "a57", "max"),
    "16k": ("16k", "16k-debug", "cortex-a35", "max,lpa2=off"),
    "64k": ("64k", "64k-debug", "a57", "max"),
}


def matrix_boots(kernel, variant, mode, cpu):
    for gic, smp, efi in itertools.product((3, 4), (1, 2, 4, 8), (False, True)):
        # Those of the first loop are the same
        if (variant, efi) == ("default", False):
            continue
        words = ["matrix", kernel, mode] + ["debug"] * ("debug" in variant)
        words += ["acpi"] * efi + [f"gic{gic}", f"smp{smp}"]
        protected_boot("-".join(words), cpu, gic, smp, ("matrix",), variant,
                       mode=f"protected-{mode}", efi=efi, time_limit=600)


for kernel, (plain, debug, nvhe, hvhe) in KERNELS.items():
    for variant in (plain, debug):
        matrix_boots(kernel, variant, "nvhe", nvhe)
        matrix_boots(kernel, variant, "hvhe", hvhe)

# A kernel that checks its locking and memory accesses: slow, and with more to do
# than to boot.
LOCKDEP = {
    "boot": {}, "rebind": dict(args={"cycles": 5}), "hotplug": {}, "suspend": dict(args={"cycles": 3}),
    "vm": {}, "lpi": dict(args={"seconds": 10, "with": "affinity+hotplug"}, extra=MORE),
    "gicv4": dict(args={"cycles": 5, "vcpus": 4}, params=["kvm-arm.vgic_v4_enable=1"]),
}


def lockdep_boot(guest_test, cpu, **machine):
    @test(f"lockdep-{guest_test}-{cpu}", variants=["lockdep"], groups=("matrix", "lockdep"))
    def boot(ctx):
        result = ctx.boot(guest_test, cpu=CPUS[cpu]["cpu"], smp=4, memory=2048, time_limit=900,
                          **machine)
        ctx.expect_line(result, r"Lock dependency validator")
        ctx.expect_line(result, r"KernelAddressSanitizer initialized")
        ctx.expect_line(result, PROTECTED)


for guest_test, machine in LOCKDEP.items():
    for cpu in ("a57", "max"):
        lockdep_boot(guest_test, cpu, **machine)


def acpi_boot(cpu):
    @test(f"acpi-{cpu}")
    def boot(ctx):
        result = ctx.boot("boot", cpu=CPUS[cpu]["cpu"], efi=True,
                          args={"mode": CPUS[cpu]["protected"]})
        ctx.expect_line(result, r"ACPI: Interpreter enabled")
        ctx.expect_line(result, PROTECTED)


acpi_boot("a57")
acpi_boot("max")


def unprotected_boot(cpu, name, parameter, mode):
    @test(f"mode-{name}-{cpu}")
    def boot(ctx):
        result = ctx.boot("boot", cpu=CPUS[cpu]["cpu"], mode=parameter, args={"mode": mode})
        ctx.expect(not result.console_lines("control frame protected"),
                   "an ITS is protected in a mode that protects nothing")


for cpu in CPUS:
    unprotected_boot(cpu, "nvhe", "nvhe", "nvhe")
    unprotected_boot(cpu, "none", "", CPUS[cpu]["plain"])
