# SPDX-License-Identifier: GPL-2.0
"""The control frame of the ITS: who may touch it, how, and at what cost.

QEMU is the witness: its ITS trace tells what reached the hardware, its log of
exceptions how often EL2 was entered.
"""

import os
import re

from testing import FAIL, test

CPUS = {"a57": "cortex-a57", "a76": "cortex-a76", "max": "max"}

# Of the guest module, see tests/guest/module/its_attack.h: hvc #imm.
MARKERS = {0x5a001750: "start", 0x5a001751: "end"}


def el2_entries(trace):
    """EL2 entries in each burst, without those of its two markers."""
    bursts, count = [], None
    for entry in re.finditer(r"\.\.\.from EL[01] to EL2\n\.\.\.with ESR 0x\w+/0x(\w+)", trace):
        marker = MARKERS.get(int(entry[1], 16))
        if marker == "start":
            count = 0
        elif marker == "end":
            bursts.append(count)
            count = None
        elif count is not None:
            count += 1
    return bursts


def its_accesses(trace):
    """What each burst did to the control frame: [("read" or "write", offset), ...]"""
    bursts, burst = [], None
    for entry in re.finditer(r"\.\.\.from EL[01] to EL2\n\.\.\.with ESR 0x\w+/0x(\w+)|"
                             r"gicv3_its_(read|write) .*offset 0x(\w+)", trace):
        marker = MARKERS.get(int(entry[1], 16)) if entry[1] else None
        if marker == "start":
            burst = []
        elif marker == "end":
            bursts.append(burst)
            burst = None
        elif entry[2] and burst is not None:
            burst.append((entry[2], int(entry[3], 16)))
    return bursts


def its_writes(trace):
    """What reached the control frame: (offset, value, size)."""
    return [(int(w[1], 16), int(w[2], 16), int(w[3])) for w in re.finditer(
        r"gicv3_its_write .*offset 0x(\w+) data 0x(\w+) size (\d+)", trace)]


# The widths in which a driver writes each register.
LEGITIMATE = {0x0: (4,), 0x80: (4, 8), 0x84: (4,), 0x88: (4, 8), 0x8c: (4,)}
LEGITIMATE.update({0x100 + 8 * n: (4, 8) for n in range(8)})
LEGITIMATE.update({0x104 + 8 * n: (4,) for n in range(8)})

# What becomes of the writes that frame-forms makes on purpose, after all the rest:
# disabled; the pinned value, whole and by a half; enabled, without the other bits.
ON_PURPOSE = [(0x0, 0, 4), (0x138, 0, 8), (0x138, 0, 8), (0x0, 1, 4)]


def declare(name, variant, cpu, gic):
    @test(f"frame-forms-{name}", variants=[variant])
    def forms(ctx):
        """No form of access but a driver's changes the ITS or hurts EL2."""
        result = ctx.boot("frame-forms", cpu=cpu, gic=gic, debug=["trace:gicv3_its_write"])
        writes = its_writes(result.trace)
        ctx.expect(writes, "QEMU saw no write to the ITS at all")
        for offset, value, size in writes:
            ctx.expect(size in LEGITIMATE.get(offset, ()),
                       f"a {size}-byte write reached offset {offset:#x} of the ITS")
            ctx.expect(value & 0xffffffff != 0x41414141,
                       f"the attacker's value reached offset {offset:#x} of the ITS")
        last = [w for w in writes if w[0] not in (0x88, 0x8c)][-len(ON_PURPOSE):]
        ctx.expect(last == ON_PURPOSE, f"the writes that are allowed came as {last}")


for cpu in CPUS:
    declare(cpu, "default", CPUS[cpu], 4)
declare("a57-gic3", "default", "cortex-a57", 3)
declare("debug-max", "debug", "max", 4)
declare("64k-max", "64k", "max", 4)


def registers(name, cpu, gic, variant="default"):
    @test(f"frame-registers-{name}", variants=[variant])
    def pinned(ctx):
        """The ITS works where the trusted host told it to, and nowhere else."""
        result = ctx.boot("frame-registers", cpu=cpu, gic=gic, debug=["trace:gicv3_its_write"])
        writes = its_writes(result.trace)
        names = {0x80: "cbaser", **{0x100 + 8 * n: f"baser{n}" for n in range(8)}}
        for offset, name in names.items():
            pinned = int(result.verdict.info[name], 0)
            values = [value for at, value, _ in writes if at & ~4 == offset]
            # The driver tries some before it settles for one; from then on, it is that.
            settled = values[values.index(pinned):] if pinned in values else values
            ctx.expect(all(value == pinned for value in settled),
                       f"{name}, pinned to {pinned:#x}, got {[hex(v) for v in settled]}")
        enabled = False
        for offset, value, _ in writes:
            if offset == 0:
                enabled = value & 1
            ctx.expect(not (enabled and offset & ~4 in names),
                       f"{names.get(offset & ~4)} was written while the ITS was enabled")
        restored = [w for w in writes if w[0] == 0x80 and w[1]]
        # Once at boot; by the 5 upper and 3 lower halves of hostile values that fit.
        ctx.expect(len(restored) >= 1 + 5 + 3,
                   f"GITS_CBASER was written {len(restored)} times: a half that fits is refused")


for cpu in CPUS:
    registers(cpu, CPUS[cpu], 4)
registers("a57-gic3", "cortex-a57", 3)
registers("debug-max", "max", 4, "debug")


@test("frame-registers-base", variants=["default.base"])
def unpinned(ctx):
    """Without the series, the host points the ITS elsewhere."""
    ctx.boot("frame-registers", cpu="max", args={"expect": "changed"})


@test("frame-cwriter")
def cwriter(ctx):
    ctx.boot("frame-cwriter", cpu="max", label="max")
    ctx.boot("frame-cwriter", cpu="cortex-a57", label="a57")


def cost(cpu):
    @test(f"frame-cost-{cpu}")
    def entries(ctx):
        """P1: reads do not enter EL2, each write enters it once."""
        result = ctx.boot("frame-cost", cpu=CPUS[cpu], smp=1, deterministic=True,
                          debug=["int"])
        found = el2_entries(result.trace)
        ctx.expect(found == [0, 0, 0, 100, 100, 100],
                   "EL2 entries for 100 reads of CREADR, TYPER, CTLR and 100 writes of"
                   f" CWRITER (32, 64 bits) and IIDR: {found}")


def polls(cpu):
    @test(f"frame-polls-{cpu}")
    def reads(ctx):
        """P3: to take a write of CWRITER, EL2 looks at CREADR once and never waits."""
        result = ctx.boot("frame-cost", cpu=CPUS[cpu], smp=1, deterministic=True,
                          debug=["int", "trace:gicv3_its_read", "trace:gicv3_its_write"])
        bursts = its_accesses(result.trace)
        for name, burst in (("32", bursts[3]), ("64", bursts[4])):
            writes = burst.count(("write", 0x88))
            ctx.expect(writes == 100, f"{writes} of 100 {name}-bit writes of CWRITER arrived")
            others = [access for access in burst if access != ("write", 0x88)]
            ctx.expect(others == [("read", 0x90)] * 100,
                       f"beside these, the ITS saw {len(others)} accesses: {set(others)}")


for cpu in CPUS:
    cost(cpu)
    polls(cpu)


def recycle(name, variant, cpu, step, bits):
    @test(f"frame-recycle-{name}", variants=[variant])
    def forget(ctx):
        """The host stage-2 forgets its MMIO mappings; the frame stays read-only."""
        result = ctx.boot("frame-recycle", cpu=cpu, smp=1, debug=["int"],
                          args={"step": step, "bits": bits}, time_limit=400)
        found = el2_entries(result.trace)
        # read, write | recycle | write, write, read, write
        ctx.expect(found == [0, 10, 10, 10, 1, 10] * 3,
                   f"EL2 entries of the bursts, a 1 being the fault after recycling: {found}")


# One page of the pool for each step: more steps than the pool has pages.
recycle("64k-max", "64k", "max", step=42, bits=48)
recycle("16k-max", "16k", "max,lpa2=off", step=36, bits=46)


def walk(name, cpu):
    @test(f"frame-walk-{name}", variants=["default", "default.base"])
    def race(ctx):
        """EL2 survives an external abort when it translates the address of a store.

        The abort shows in the log as an exception from EL2 to EL2. The base kernel
        dies of it, without a word: it cannot even print its panic.
        """
        def el2_aborts(result):
            count = result.trace.count("...from EL2 to EL2\n")
            os.unlink(result.machine.path("trace.log"))     # large
            return count

        result = ctx.boot("frame-walk", label="series", cpu=cpu, debug=["int"],
                          args={"seconds": 10})
        ctx.expect(el2_aborts(result), "no abort at EL2: the attack did not get there")

        result = ctx.boot("frame-walk", variant="default.base", label="base", cpu=cpu,
                          debug=["int"], args={"seconds": 5, "target": "text"},
                          expect_pass=False, time_limit=10)
        ctx.expect(el2_aborts(result) and result.outcome == FAIL,
                   "the base kernel survived: the attack does not attack")


walk("a57", "cortex-a57")
walk("max", "max")
