# SPDX-License-Identifier: GPL-2.0
"""Memory that is not the host's: by way of the ITS, and directly."""

import re
import struct

from _memory import AfterPowerOff
from cmdqueue import check_itts, closed, commands, is_closed, marked
from testing import test
from verdict import Verdict

CPUS = {"a57": "cortex-a57", "max": "max"}
PAGE = 0x1000

# Of the guest test: what the attacker maps.
ATTACKER, RESERVED, EVENTS, LPI = 0x100, 0x101, 32, 0xf000
ITT_ENTRY_SIZE = 12


def entries(page):
    """The translation entries in memory, in the format of QEMU: {event: INTID}."""
    found = {}
    for event in range(EVENTS):
        low, _ = struct.unpack_from("<QI", page, event * ITT_ENTRY_SIZE)
        if low & 3 == 3:        # valid, physical
            found[event] = low >> 2 & 0xffffff
    return found


def victims(text):
    """A page for translation entries, and one for a device table entry."""
    info = Verdict(text).info
    return [(int(info[name], 0), PAGE) for name in ("victim", "forged")]


def attack(ctx, variant, cpu):
    """Run the attack. (trace, verdict, memory of each victim)"""
    with AfterPowerOff(ctx, victims, label=variant) as memory:
        result = ctx.boot("memory-attack", variant=variant, label=variant, cpu=cpu,
                          extra=memory.extra, debug=["trace:gicv3_its*"])
        pages = [memory.read(*where) for where in victims(result.verdict.text)]
        return result.trace, result.verdict, *pages


def written(trace):
    """{ITT address: events} of the translation entries that the ITS wrote."""
    found = {}
    for write in re.finditer(r"gicv3_its_ite_write .*ITTaddr 0x(\w+) EventID 0x(\w+)", trace):
        found.setdefault(int(write[1], 16), set()).add(int(write[2], 16))
    return found


def declare(name, cpu):
    @test(f"memory-attack-{name}", variants=["default", "default.base"])
    def case(ctx):
        """The host overwrites the hypervisor through the ITS; with the series, it can't."""
        all_events = set(range(EVENTS))

        trace, verdict, page, table = attack(ctx, "default.base", cpu)
        target = int(verdict.info["victim"], 0)
        ctx.expect(verdict.info["series"] == "0", "the base kernel has the series")
        ctx.expect(written(marked(trace, 0, 1)) == {target: all_events},
                   "without the series, the ITS did not write where it was told to")
        ctx.expect(entries(page) == {event: LPI + event for event in all_events},
                   f"without the series, the memory of the hypervisor is {page[:48].hex()}")
        size = EVENTS * ITT_ENTRY_SIZE
        ctx.expect(not any(page[size:]), "the page of the victim was in use")
        # Valid, the size, and the address from bit 6 on
        entry = 1 | 4 << 1 | target >> 8 << 6
        ctx.expect(table == entry.to_bytes(8, "little") + bytes(PAGE - 8),
                   f"without the series, a forged level-1 entry leads to {table[:16].hex()}")

        trace, verdict, page, table = attack(ctx, "default", cpu)
        ctx.expect(int(verdict.info["victim"], 0) == target, "it is another victim")
        ctx.expect(not any(page), f"the memory of the hypervisor is {page[:48].hex()}")
        ctx.expect(not any(table), f"the memory of the hypervisor is {table[:16].hex()}")
        seen = {command for command, _ in commands(marked(trace, 0, 1))}
        ctx.expect(seen == {"SYNC"}, f"the ITS carried out {seen}")
        # Reserved, the same device works, but in memory of EL2's own choice.
        seen = [command for command, _ in commands(marked(trace, 1, 2))]
        ctx.expect(seen == ["MAPD"] + ["MAPTI"] * EVENTS, f"the ITS carried out {seen}")
        itts = written(marked(trace, 1, 2))
        ctx.expect(list(itts.values()) == [all_events] and target not in itts,
                   f"the ITS wrote to {[hex(itt) for itt in itts]}")
        ctx.note(f"the ITS overwrote {size} bytes at {target:#x}; with the series, none")


for cpu in CPUS:
    declare(cpu, CPUS[cpu])


def out_of_reach(name, cpu, variant="default"):
    @test(f"memory-closed-{name}", variants=[variant])
    def case(ctx):
        """Queue, tables and ITTs, also those of the host's boot, are EL2's for good."""
        result = ctx.boot("memory-closed", cpu=cpu, debug=["trace:gicv3_its*"])
        check_itts(ctx, result.trace, result.verdict)
        ranges = closed(result.verdict)
        queue = int(result.verdict.info["cbaser"], 0)
        ctx.expect(is_closed(ranges, queue, 0x10000), "the hardware queue can be read")


for cpu in CPUS:
    out_of_reach(cpu, CPUS[cpu])
out_of_reach("debug-a57", "cortex-a57", "debug")
out_of_reach("64k-max", "max", "64k")
out_of_reach("16k-a35", "cortex-a35", "16k")


@test("hypercalls-its")
def hypercalls(ctx):
    """The hypercalls about the ITS take what makes sense, and change nothing if not."""
    ctx.boot("hypercalls-its", cpu="max", label="max")
    ctx.boot("hypercalls-its", cpu="cortex-a57", gic=3, label="a57-gic3")


def rebind(name, cycles, groups):
    @test(f"rebind-memory{name}", groups=groups)
    def case(ctx):
        """Devices that come and go don't cost memory of EL2."""
        result = ctx.boot("rebind-memory", cpu="max", args={"cycles": cycles}, time_limit=600)
        ctx.note(f"{cycles} times, {result.verdict.info['arena']} bytes")


rebind("", 100, ("default",))
rebind("-long", 1000, ())


@test("run-attack", variants=["default", "default.base"])
def run_attack(ctx):
    """./run --attack shows it to a visitor."""
    text = ctx.run(["python3", "qemu/demo.py", "--attack", "--log-dir", ctx.log_dir])
    ctx.expect("PASS: overwritten without the series, untouched with it" in text, text)


def pvm(name, cpu, variant="default"):
    @test(f"memory-pvm-{name}", variants=[variant])
    def case(ctx):
        """What the ITS can reach can't be donated to a protected VM, and then it can."""
        ctx.boot("memory-pvm", cpu=cpu, variant=variant)


for cpu in CPUS:
    pvm(cpu, CPUS[cpu])
pvm("debug-max", "max", "debug")
