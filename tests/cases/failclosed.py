# SPDX-License-Identifier: GPL-2.0
"""An ITS that EL2 cannot protect: said in one line, and no protected VMs."""

import os
import re
import subprocess

from testing import test

INTC = "/intc@8000000"


def device_tree(ctx, cpu, edits):
    """QEMU's own device tree with some changes; the path of the file."""
    path = os.path.join(ctx.log_dir, "machine.dtb")
    ctx.run(["qemu-system-aarch64", "-machine",
             f"virt,virtualization=on,gic-version=4,dumpdtb={path}",
             "-cpu", cpu, "-smp", "2", "-m", "1024", "-nodefaults", "-display", "none"])
    for edit in edits:
        ctx.run([edit[0], *edit[1:2], path, *edit[2:]] if edit[0] == "fdtput"
                else [*edit, path])
    return path


def reg(node, *values):
    """Addresses and sizes of a node."""
    return ("fdtput", "-tx", node, "reg",
            *(f"{word:x}" for value in values for word in (value >> 32, value & 0xffffffff)))


def its_node(base, size=0x20000, status=None, msi=True):
    """One more ITS in the device tree."""
    node = f"{INTC}/another-its@{base:x}"
    edits = [("fdtput", "-c", node),
             ("fdtput", "-ts", node, "compatible", "arm,gic-v3-its"),
             reg(node, base, size)]
    if status:
        edits.append(("fdtput", "-ts", node, "status", status))
    if msi:
        edits.append(("fdtput", "-ts", node, "msi-controller", ""))
    return edits


def boot(ctx, edits, guest_test="vm", cpu="max", label="boot", **args):
    return ctx.boot(guest_test, cpu=cpu, label=label, args=args,
                    extra=["-dtb", device_tree(ctx, cpu, edits)])


def verdict(what, errno):
    """The line that says there are no protected VMs, and why."""
    return rf"kvm \[1\]: not every {what} is protected \(-{errno}\), no protected VMs$"


def refused(name, edits, line, errno):
    """EL2 does not get that ITS: its line, the line with the verdict, no protected VM."""
    @test(f"failclosed-{name}")
    def case(ctx):
        result = boot(ctx, edits, pvm="refused")
        ctx.expect_line(result, rf"kvm \[1\]: {line}")
        ctx.expect_line(result, verdict("ITS", errno))
        # The one in use is not the worse for it.
        ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008080000: control frame protected"
                        if errno != 95 else "no support")


def cannot(base, errno):
    return rf"ITS@0x{base:>016}: can't be protected \(-{errno}\)"


refused("unaligned", its_node(0x8400800, status="disabled"), cannot("8400800", 22), 22)
refused("in-memory", its_node(0x50000000, status="disabled"), cannot("50000000", 1), 1)
refused("overlap", its_node(0x8088000, status="disabled"), cannot("8088000", 17), 17)
refused("same", its_node(0x8080000, status="disabled"), cannot("8080000", 17), 17)
refused("too-small", its_node(0x8400000, size=0x1000, status="disabled"),
        r".*no control frame \(-22\)", 22)
refused("too-many", [edit for n in range(64)
                     for edit in its_node(0x9100000 + n * 0x20000, status="disabled")],
        cannot("9100000", 28), 28)
refused("gicv5", [("fdtput", "-c", "/gicv5"),
                  ("fdtput", "-ts", "/gicv5", "compatible", "arm,gic-v5-its")],
        "/gicv5: no support for the ITS of GICv5", 95)


@test("vm-protected")
def vm_protected(ctx):
    """With its ITS protected, the machine runs protected VMs."""
    for cpu in ("cortex-a57", "max"):
        ctx.boot("vm", cpu=cpu, label=cpu, args={"pvm": "allowed"})


@test("closed-disabled")
def closed_disabled(ctx):
    """An ITS that nobody drives is closed, and does not stop protected VMs."""
    for label, node in (("disabled", its_node(0x8400000, status="disabled")),
                        ("no-msi", its_node(0x8400000, msi=False))):
        result = boot(ctx, node, guest_test="closed", label=label, its="0x8400000")
        ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008400000: not in use, closed")
        ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008080000: control frame protected")


@test("hypercalls-closed")
def hypercalls(ctx):
    """The host cannot protect, close or seal anything after boot."""
    ctx.boot("hypercalls")


def non_coherent(name, cpu):
    @test(f"noncoherent-{name}")
    def case(ctx):
        """An ITS that doesn't snoop: EL2 cleans what it writes, and all works."""
        edits = [("fdtput", "-ts", f"{INTC}/its@8080000", "dma-noncoherent", "")]
        result = boot(ctx, edits, guest_test="rebind", cpu=cpu, cycles=5)
        ctx.expect_line(result, "ITS: using cache flushing for cmd queue")
        ctx.expect_line(result, "ITS@0x0000000008080000: deprivileged")


non_coherent("a57", "cortex-a57")
non_coherent("max", "max")


@test("vm-nolpi")
def nolpi(ctx):
    """An ITS that nobody has enabled stays disabled, and doesn't stop protected VMs."""
    result = ctx.boot("vm", cpu="max", args={"pvm": "allowed"}, devices=(),
                      params=["irqchip.gicv3_nolpi=1"])
    ctx.expect(not result.console_lines("deprivileged"), "there is a driver after all")
