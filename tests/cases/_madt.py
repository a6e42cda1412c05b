# SPDX-License-Identifier: GPL-2.0
"""A MADT for QEMU's machine. The kernel takes it from the initramfs instead of the one of
the firmware (CONFIG_ACPI_TABLE_UPGRADE).
"""

import os
import struct

GICD, GICR, ITS = 0x8000000, 0x80a0000, 0x8080000
ENABLED, ONLINE_CAPABLE = 1, 8

# Interrupts of the timer and of the GIC that all CPUs have, as QEMU's virt has them
PERFORMANCE, MAINTENANCE = 23, 25


def entry(kind, form, *values):
    body = struct.pack("<" + form, *values)
    return bytes([kind, len(body) + 2]) + body


def gicc(cpu, flags=ENABLED, redistributor=0):
    return entry(11, "HIIIIIQQQQIQQBBH", 0, cpu, cpu, flags, 0, PERFORMANCE, 0, 0, 0, 0,
                 MAINTENANCE, redistributor, cpu, 0, 0, 0)


def gicd(version):
    return entry(12, "HIQIB3x", 0, 0, GICD, 0, version)


def gicr(base, size):
    return entry(14, "HQI", 0, base, size)


def its(base, number=0):
    return entry(15, "HIQI", 0, number, base, 0)


def gicv5_its(base):
    return entry(29, "BBIQ", 0, 0, 0, base)


def redistributor(cpu, gic=4):
    """Where the redistributor of a CPU is"""
    return GICR + cpu * (0x40000 if gic == 4 else 0x20000)


def table(*entries):
    """A table that replaces the firmware's: the same names, a newer revision."""
    body = struct.pack("<II", 0, 0) + b"".join(entries)
    header = struct.pack("<4sIBB6s8sI4sI", b"APIC", 36 + len(body), 4, 0, b"BOCHS ",
                         b"BXPC    ", 2, b"ITS ", 1)
    whole = bytearray(header + body)
    whole[9] = -sum(whole) & 0xff
    return bytes(whole)


def boot(ctx, test, entries, label="boot", **machine):
    """Boot through the firmware with this table"""
    path = os.path.join(ctx.log_dir, f"{label}.aml")
    with open(path, "wb") as f:
        f.write(table(*entries))
    result = ctx.boot(test, label=label, efi=True,
                      files={"kernel/firmware/acpi/madt.aml": path}, **machine)
    ctx.expect_line(result, r"ACPI: Table Upgrade: override \[APIC-BOCHS -BXPC    \]")
    return result
