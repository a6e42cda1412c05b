# SPDX-License-Identifier: GPL-2.0
"""An ITS that EL2 cannot protect: said in one line, and no protected VMs."""

import os
import struct

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


def its_node(base, size=0x20000):
    """One more ITS in the device tree, disabled: there is none at that address."""
    node = f"{INTC}/another-its@{base:x}"
    return [("fdtput", "-c", node),
            ("fdtput", "-ts", node, "compatible", "arm,gic-v3-its"),
            reg(node, base, size),
            ("fdtput", "-ts", node, "status", "disabled"),
            ("fdtput", "-ts", node, "msi-controller", "")]


# The ITS is there, and no driver wants it.
NO_MSI = [("fdtput", "-d", f"{INTC}/its@8080000", "msi-controller")]


def boot(ctx, edits, guest_test="vm", cpu="max", label="boot", machine=None, **args):
    return ctx.boot(guest_test, cpu=cpu, label=label, args=args,
                    extra=["-dtb", device_tree(ctx, cpu, edits)], **(machine or {}))


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


refused("unaligned", its_node(0x8400800), cannot("8400800", 22), 22)
refused("in-memory", its_node(0x50000000), cannot("50000000", 1), 1)
refused("overlap", its_node(0x8088000), cannot("8088000", 17), 17)
refused("same", its_node(0x8080000), cannot("8080000", 17), 17)
refused("too-small", its_node(0x8400000, size=0x1000),
        r".*no control frame \(-22\)", 22)
refused("too-many", [edit for n in range(64)
                     for edit in its_node(0x9100000 + n * 0x20000)],
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
    result = boot(ctx, its_node(0x8400000), guest_test="closed", its="0x8400000")
    ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008400000: not in use, closed")
    ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008080000: control frame protected")


NO_DEVICES = {"devices": ()}


@test("closed-unused")
def closed_unused(ctx):
    """Likewise one that is enabled in the device tree, and that the driver skips."""
    for guest_test, args in (("closed", {"its": "0x8080000"}), ("vm", {"pvm": "allowed"})):
        result = boot(ctx, NO_MSI, guest_test, label=guest_test, machine=NO_DEVICES, **args)
        ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008080000: not in use, closed")


def behind_firmware(ctx):
    """The kernel, behind some code that enables the ITS; the path of the file."""
    size = 2 << 20      # where the kernel may begin
    with open(os.path.join(ctx.image_dir(), "Image"), "rb") as image:
        kernel = image.read()
    header = bytearray(kernel[:64])
    code = struct.pack("<5I",
                       0xd2a10109,      # movz x9, #0x0808, lsl #16
                       0x5280002a,      # mov  w10, #1
                       0xb900012a,      # str  w10, [x9]        GITS_CTLR.Enabled
                       0xd5033f9f,      # dsb  sy
                       0x14000000 | (size - 64 - 16) // 4)      # b the kernel
    struct.pack_into("<2I", header, 0, 0x14000010, 0)           # b behind the header
    struct.pack_into("<Q", header, 16, size + struct.unpack_from("<Q", kernel, 16)[0])
    path = os.path.join(ctx.log_dir, "Image")
    with open(path, "wb") as image:
        image.write((bytes(header) + code).ljust(size, b"\0") + kernel)
    return path


@test("failclosed-left-enabled")
def left_enabled(ctx):
    """An ITS that the driver skips, but firmware didn't: no protected VMs."""
    result = boot(ctx, NO_MSI, pvm="refused",
                  machine={"image": behind_firmware(ctx), **NO_DEVICES})
    ctx.expect_line(result, r"kvm \[1\]: ITS@0x0000000008080000: not in use, but enabled")
    ctx.expect_line(result, verdict("ITS", 16))


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
