# SPDX-License-Identifier: GPL-2.0
"""Interrupt translation tables: honest devices never share one."""

import re

from testing import test

# GITS_TYPER of QEMU; an ITT is aligned to 256 bytes, and QEMU's trace shows
# ITT_addr without those 8 bits, which the ITS ignores.
ITT_ENTRY_SIZE = 12
ITT_ALIGN = 256


def itts(trace):
    """{DeviceID: (first byte, byte after the last)} of the MAPD commands."""
    spans = {}
    for mapd in re.finditer(r"command MAPD DeviceID 0x(\w+) Size 0x(\w+) ITT_addr 0x(\w+) V 1",
                            trace):
        device, size, itt = (int(field, 16) for field in mapd.groups())
        spans[device] = (itt * ITT_ALIGN, itt * ITT_ALIGN + (ITT_ENTRY_SIZE << (size + 1)))
    return spans


def overlaps(spans):
    found = []
    ordered = sorted(spans.items(), key=lambda item: item[1])
    for (one, first), (other, second) in zip(ordered, ordered[1:]):
        if second[0] < first[1]:
            found.append(f"devices {one:#x} and {other:#x} share {second[0]:#x}")
    return found


def machine():
    """32 entries of 12 bytes are no multiple of 256: what comes next suffers."""
    extra = []
    for n in range(6):
        extra += ["-object", f"rng-builtin,id=more{n}", "-device",
                  f"virtio-rng-pci,rng=more{n},vectors={2 if n % 2 else 32},addr={0x10 + n:#x}"]
    return dict(extra=extra, debug=["trace:gicv3_its_cmd_mapd"],
                args={"mode": "protected-hvhe"})


@test("itt-overlap", variants=["default", "default.base"])
def overlap(ctx):
    """No two ITTs overlap with the series; they do without, for this machine."""
    for variant, wanted in (("default", False), ("default.base", True)):
        result = ctx.boot("boot", variant=variant, label=variant, **machine())
        spans = itts(result.trace)
        ctx.expect(len(spans) >= 10, f"{variant}: only {len(spans)} devices were mapped")
        found = overlaps(spans)
        ctx.expect(bool(found) == wanted, f"{variant}: {found or 'no ITTs overlap'}",
                   *(f"{d:#x}: {s:#x}-{e:#x}" for d, (s, e) in spans.items()))
