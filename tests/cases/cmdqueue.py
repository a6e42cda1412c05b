# SPDX-License-Identifier: GPL-2.0
"""The command queue: what a compromised host may have the ITS do.

QEMU is the witness: its trace tells which commands the ITS carried out, its memory
what EL2 put in the queue that the ITS reads.
"""

import re
import struct

from _memory import AfterPowerOff
from testing import test
from verdict import Verdict

CPUS = {"a57": "cortex-a57", "max": "max"}
QUEUE_SIZE = 0x10000
ITT_ENTRY_SIZE = 12         # of QEMU

DEVICE = 0xffffffff << 32
EVENT = 0xffffffff
VPE = 0xffff << 32
RDBASE = 0xfffffffff << 16
VALID = 1 << 63

# The bits that each command has, on GICv4.0; all others must be zero.
FIELDS = {
    "MOVI": (0x01, DEVICE, EVENT, 0xffff, 0),
    "INT": (0x03, DEVICE, EVENT, 0, 0),
    "CLEAR": (0x04, DEVICE, EVENT, 0, 0),
    "SYNC": (0x05, 0, 0, RDBASE, 0),
    "MAPD": (0x08, DEVICE, 0x1f, VALID | 0xfffffffffff00, 0),
    "MAPC": (0x09, 0, 0, VALID | RDBASE | 0xffff, 0),
    "MAPTI": (0x0a, DEVICE, EVENT << 32 | EVENT, 0xffff, 0),
    "INV": (0x0c, DEVICE, EVENT, 0, 0),
    "INVALL": (0x0d, 0, 0, 0xffff, 0),
    "DISCARD": (0x0f, DEVICE, EVENT, 0, 0),
    "VMOVI": (0x21, DEVICE, VPE | EVENT, EVENT << 32 | 1, 0),
    "VMOVP": (0x22, 0, VPE, RDBASE, 0),
    "VSYNC": (0x25, 0, VPE, 0, 0),
    "VMAPP": (0x29, 0, VPE, VALID | RDBASE, RDBASE | 0x1f),
    "VMAPTI": (0x2a, DEVICE, VPE | EVENT, EVENT << 32 | EVENT, 0),
    "VINVALL": (0x2d, 0, VPE, 0, 0),
}
BY_OPCODE = {fields[0]: (name, fields[1:]) for name, fields in FIELDS.items()}


def marked(trace, first, last):
    """The part of the trace between two marks of the guest, see trace_mark()."""
    marks = [re.search(rf"offset 0x{0xe000 + 4 * n:x} size 4: error", trace)
             for n in (first, last)]
    return trace[marks[0].end():marks[1].start()] if all(marks) else ""


def commands(trace):
    """[(name, {field: value})] of what the ITS carried out."""
    found = []
    for line in re.finditer(r"gicv3_its_cmd_(\w+) .*? command \w+(.*)", trace):
        fields = {name: int(value, 16)
                  for name, value in re.findall(r"(\w+) (?:0x)?(\w+)", line[2])}
        found.append((line[1].upper(), fields))
    return found


def closed(verdict):
    """The memory that the host cannot read."""
    return [tuple(int(bound, 16) for bound in value.split("-"))
            for key, value in verdict.info.items() if re.fullmatch(r"closed\d+", key)]


def is_closed(ranges, start, size):
    return any(low <= start and start + size <= high for low, high in ranges)


def hardware_queue(text):
    """[(start, size)] of the queue that the ITS reads, from the guest's report."""
    cbaser = int(Verdict(text).info["cbaser"], 0)
    return [(cbaser & 0xffffffffff000, QUEUE_SIZE)]


def check_slots(ctx, data, evil):
    """No slot has anything that EL2 must not give to the ITS. Returns the names."""
    seen = set()
    for at in range(0, len(data), 32):
        slot = struct.unpack_from("<4Q", data, at)
        if not any(slot):
            continue
        text = " ".join(f"{word:016x}" for word in slot)
        opcode = slot[0] & 0xff
        ctx.expect(opcode in BY_OPCODE, f"the hardware queue has at {at:#x}: {text}")
        name, fields = BY_OPCODE[opcode]
        for word, mask in zip((slot[0] & ~0xff, *slot[1:]), fields):
            ctx.expect(not word & ~mask, f"RES0 bits of {name} are set at {at:#x}: {text}")
        ctx.expect(name != "MAPD" or slot[2] & 0xfffffffffff00 not in evil,
                   f"the ITT of the attacker is at {at:#x}: {text}")
        seen.add(name)
    return seen


def check_itts(ctx, trace, verdict):
    """Every ITT that the ITS was told of is in memory that the host cannot read."""
    ranges = closed(verdict)
    itts = [fields for name, fields in commands(trace) if name == "MAPD" and fields["V"]]
    ctx.expect(itts, "the ITS saw no MAPD at all")
    for itt in itts:
        start = itt["ITT_addr"] << 8
        size = ITT_ENTRY_SIZE << itt["Size"] + 1
        ctx.expect(is_closed(ranges, start, size),
                   f"device {itt['DeviceID']:#x}: the host reads its ITT at {start:#x}")
    return itts


def is_lpi(intid):
    return 8192 <= intid < 1 << 16


def is_doorbell(intid):
    return intid == 1023 or is_lpi(intid)


def refuse(state, name, f, cpus):
    """Why EL2 should have refused what the ITS carries out, or None; follows it in state.

    state: {"devices": {DeviceID: [bits, {EventID: INTID, or None for a vLPI}]},
            "collections": {ICID: RDbase}, "vpes": set}
    """
    devices, collections, vpes = state["devices"], state["collections"], state["vpes"]
    bits, events = devices.get(f.get("DeviceID"), (None, None))
    event = f.get("EventID")

    if name == "MAPD":
        if f["V"]:
            if bits:
                return "is mapped already"
            devices[f["DeviceID"]] = (f["Size"] + 1, {})
        elif events is None or events:
            return f"isn't mapped, or {len(events or ())} events are"
        else:
            del devices[f["DeviceID"]]
        return None
    if name in ("MAPTI", "MAPI", "MOVI", "INT", "CLEAR", "INV", "DISCARD", "VMAPTI", "VMAPI",
                "VMOVI"):
        if bits is None or event >> bits:
            return "no such device, or the event isn't in its ITT"
        if (event in events) == name.endswith(("MAPTI", "MAPI")):
            return "the event is mapped, or isn't"
    if name in ("MAPTI", "MAPI", "MOVI") and f["ICID"] not in collections:
        return "the collection isn't mapped"
    if name in ("VMAPTI", "VMAPI", "VMOVI", "VMOVP", "VINVALL") and f["vPEID"] not in vpes:
        return "the vPE isn't mapped"
    if name in ("MAPC", "VMOVP", "VMAPP") and f.get("V", 1) and f["RDbase"] >= cpus:
        return "there is no such redistributor"

    if name in ("MAPTI", "MAPI"):
        intid = f.get("pINTID", event)
        if not is_lpi(intid):
            return "no LPI"
        if any(intid in others.values() for _, others in devices.values()):
            return "the LPI is another event's"
        events[event] = intid
    elif name in ("VMAPTI", "VMAPI"):
        if not is_lpi(f.get("vINTID", event)) or not is_doorbell(f["Dbell_pINTID"]):
            return "no vLPI, or no doorbell"
        events[event] = None
    elif name == "VMOVI":
        if events[event] is not None or (f["D"] and not is_doorbell(f["Dbell_pINTID"])):
            return "the event isn't virtual, or no doorbell"
    elif name == "MOVI":
        if events[event] is None:
            return "the event is virtual"
    elif name == "DISCARD":
        del events[event]
    elif name == "MAPC":
        if not f["V"] or collections.setdefault(f["ICID"], f["RDbase"]) != f["RDbase"]:
            return "a collection is unmapped, or moves"
    elif name == "VMAPP":
        if bool(f["V"]) == (f["vPEID"] in vpes):
            return "the vPE is mapped, or isn't"
        vpes ^= {f["vPEID"]}
    elif name not in ("INT", "CLEAR", "INV", "INVALL", "SYNC", "VMOVP", "VSYNC", "VINVALL"):
        return "a command that no driver gives"
    return None


def witness(ctx, trace, cpus):
    """From boot to the end, nothing reaches the ITS that should have been refused."""
    state = {"devices": {}, "collections": {}, "vpes": set()}
    seen = commands(trace)
    ctx.expect(trace.count("gicv3_its_process_command") == len(seen),
               "the ITS was given commands that it doesn't know")
    for name, fields in seen:
        reason = refuse(state, name, fields, cpus)
        ctx.expect(not reason, f"the ITS carried out {name} {fields}: {reason}")

    # Under attack, nothing but offsets in the queue
    for offset, value, size in re.findall(r"gicv3_its_write .*offset 0x(\w+) data 0x(\w+)"
                                          r" size (\d+)", marked(trace, 0, 1)):
        value = int(value, 16)
        ctx.expect(offset == "88" and value & ~1 < QUEUE_SIZE and not value & 0x1e,
                   f"{value:#x} was written to offset 0x{offset} of the ITS ({size} bytes)")


def hostile(name, cpu, gic, variant="default"):
    @test(f"queue-hostile-{name}", variants=[variant])
    def case(ctx):
        """Each command is judged as it should be, and rebuilt from its fields."""
        with AfterPowerOff(ctx, hardware_queue) as memory:
            result = ctx.boot("queue-hostile", cpu=cpu, gic=gic, extra=memory.extra,
                              debug=["trace:gicv3_its*"])
            info = result.verdict.info
            data = memory.read(*hardware_queue(result.verdict.text)[0])
        evil = range(int(info["evil"], 0), int(info["evil"], 0) + 0x10000)
        witness(ctx, result.trace, result.machine.smp)

        attack = marked(result.trace, 0, 1)
        seen = commands(attack)
        ctx.expect(len(seen) == int(info["judged"]) and
                   attack.count("gicv3_its_process_command") == len(seen),
                   f"{len(seen)} commands reached the ITS, {info['judged']} were posted")
        names = {command for command, _ in seen}
        wanted = {command for command in FIELDS if gic == 4 or command[0] != "V"}
        ctx.expect(names == wanted, f"too much or too little was carried out: {names ^ wanted}")
        syncs = sum(command == "SYNC" for command, _ in seen)
        ctx.expect(syncs >= int(info["rejected"]), f"only {syncs} SYNC took a place")

        # What the attacker wanted with them is not what they do
        mapc = {(fields["ICID"], fields["RDbase"], fields["V"])
                for command, fields in seen if command == "MAPC"}
        ctx.expect(mapc == {(0, 0, 1)}, f"MAPC (ICID, RDbase, V): {mapc}")
        vmapp = {(fields["V"], fields["VPT_addr"] << 16)
                 for command, fields in seen if command == "VMAPP"}
        ctx.expect(vmapp == ({(1, int(info["vpt"], 0)), (0, 0)} if gic == 4 else set()),
                   f"VMAPP (V, VPT): {vmapp}")
        for itt in check_itts(ctx, result.trace, result.verdict):
            ctx.expect(itt["ITT_addr"] << 8 not in evil, "the ITT of the attacker was used")
        mapd = [(fields["DeviceID"], fields["V"]) for command, fields in seen
                if command == "MAPD"]
        ctx.expect(mapd == [(0x1000, 1), (0x1000, 0), (0x1000, 1), (0x4000, 1)],
                   f"MAPD (DeviceID, V): {mapd}")
        # The ITS finds the device in the page that EL2 has added to its table.
        itt = [fields["ITT_addr"] for command, fields in seen if command == "MAPD"][-1] << 8
        events = {int(event, 16) for event in re.findall(
            rf"gicv3_its_ite_write .*ITTaddr 0x{itt:x} EventID 0x(\w+): valid 1", attack)}
        ctx.expect(events == set(range(32)),
                   f"the device in the added page has entries for events {events}")
        left = check_slots(ctx, data, evil)
        ctx.note(f"{len(seen)} commands, {info['rejected']} rejected;"
                 f" left in the queue: {' '.join(sorted(left))}")


hostile("a57", "cortex-a57", 4)
hostile("max", "max", 4)
hostile("a57-gic3", "cortex-a57", 3)
hostile("debug-a57", "cortex-a57", 4, "debug")
hostile("64k-max", "max", 4, "64k")


def cwriter(name, cpu):
    @test(f"queue-cwriter-{name}")
    def case(ctx):
        """The queue goes on, whatever is written to CWRITER; no interrupt is lost."""
        result = ctx.boot("queue-cwriter", cpu=cpu, debug=["trace:gicv3_its*"])
        info = result.verdict.info
        trace = marked(result.trace, 0, 1)
        written = [int(value, 16) for value in re.findall(
            r"gicv3_its_write .*offset 0x8[8c] data 0x(\w+)", trace)]
        ctx.expect(len(written) > 200, f"only {len(written)} writes of CWRITER")
        ctx.expect(all(value % 32 == 0 and value < QUEUE_SIZE for value in written),
                   "the ITS got an offset that is none")
        done = [(fields["DeviceID"], fields["EventID"])
                for command, fields in commands(trace) if command == "INT"]
        ctx.expect(set(done) == {(int(info["device"], 0), 0)}, f"INT for {set(done)}")
        arrived = int(info["after"]) - int(info["before"])
        ctx.expect(len(done) == arrived, f"{len(done)} INT, {arrived} interrupts")
        slots = trace.count("gicv3_its_process_command")
        ctx.expect(slots > 3 * QUEUE_SIZE // 32, f"only {slots} commands")
        ctx.note(f"{slots} commands, {arrived} interrupts")


cwriter("a57", "cortex-a57")
cwriter("max", "max")


@test("queue-lost")
def lost(ctx):
    """A queue that restarts with commands in it: the ITS stays off, EL2 goes on."""
    result = ctx.boot("queue-lost", cpu="max", debug=["trace:gicv3_its_write"])
    enabled = [int(value, 16) & 1 for value in re.findall(
        r"gicv3_its_write .*offset 0x0 data 0x(\w+)", result.trace)]
    ctx.expect(enabled[-1] == 0, "the ITS was enabled again")


@test("suspend-refused")
def suspend_refused(ctx):
    """EL2 lets the system suspend only when no ITS has anything in its caches."""
    for cpu in CPUS:
        ctx.boot("suspend-refused", cpu=CPUS[cpu], smp=1, label=cpu)


def race(name, cpu, seconds, groups):
    @test(f"queue-race-{name}", groups=groups)
    def case(ctx):
        """Slots change while EL2 reads them; the ITS gets what EL2 has checked."""
        result = ctx.boot("queue-race", cpu=cpu, args={"seconds": seconds},
                          debug=["trace:gicv3_its_cmd*", "trace:gicv3_its_bad*"])
        info = result.verdict.info
        seen = commands(marked(result.trace, 0, 1))
        kinds = {(command, fields.get("DeviceID"), fields.get("EventID"))
                 for command, fields in seen}
        ctx.expect(kinds == {("INT", 0x1001, 0), ("SYNC", None, None)},
                   f"the ITS carried out {kinds}")
        count = sum(command == "INT" for command, _ in seen)
        ctx.expect(count == int(info["int.accepted"]),
                   f"{count} INT, EL2 accepted {info['int.accepted']}")

        seen = commands(marked(result.trace, 1, 2))
        kinds = {(command, fields.get("DeviceID")) for command, fields in seen}
        ctx.expect(kinds == {("MAPD", 0x1000), ("SYNC", None)}, f"the ITS carried out {kinds}")
        evil = int(info["evil"], 0)
        itts = [itt["ITT_addr"] << 8 for itt in check_itts(ctx, result.trace, result.verdict)]
        ctx.expect(not any(evil <= itt < evil + 0x10000 for itt in itts),
                   "the ITT of the attacker was used")
        sizes = {fields["Size"] for command, fields in seen
                 if command == "MAPD" and fields["V"]}
        ctx.expect(sizes == {4}, f"MAPD with sizes {sizes}, not the one that was reserved")

        seen = commands(marked(result.trace, 2, 3))
        kinds = {(command, fields.get("V"), fields.get("RDbase"), fields.get("VPT_addr"))
                 for command, fields in seen}
        vpt = int(info["vpt"], 0) >> 16
        ctx.expect(kinds == {("VMAPP", 1, 0, vpt), ("VMAPP", 0, 0, 0),
                             ("VSYNC", None, None, None), ("SYNC", None, None, None)},
                   f"the ITS carried out {kinds}")
        for kind in ("int", "mapd", "vmapp"):
            ctx.note(f"{kind}: {info[kind + '.posted']} slots posted,"
                     f" {info[kind + '.accepted']} accepted")


race("a57", "cortex-a57", 2, ("default",))
race("max", "max", 2, ("default",))
race("long", "max", 20, ())


def check_lifetimes(ctx, trace):
    """No ITT overlaps one that the ITS may still use. Returns how many there were."""
    live, ending, count = {}, [], 0     # {DeviceID: range}; unmapped, without a SYNC so far
    for command, fields in commands(trace):
        if command == "SYNC":
            ending = []
        if command != "MAPD":
            continue
        device = fields["DeviceID"]
        if not fields["V"]:
            ending.append(live.pop(device))
            continue
        start = fields["ITT_addr"] << 8
        itt = range(start, start + max(256, ITT_ENTRY_SIZE << fields["Size"] + 1))
        for other in [*live.values(), *ending]:
            ctx.expect(itt.stop <= other.start or other.stop <= itt.start,
                       f"the ITT of device {device:#x} at {start:#x} is in use")
        ctx.expect(device not in live, f"device {device:#x} is mapped twice")
        live[device] = itt
        count += 1
    return count


def stress(name, cpu, smp, rounds, groups=("default",), variant="default"):
    @test(f"queue-stress-{name}", variants=[variant], groups=groups)
    def case(ctx):
        """Several CPUs at once: EL2 reuses memory only when the ITS is done with it."""
        result = ctx.boot("queue-stress", cpu=cpu, smp=smp, args={"rounds": rounds},
                          time_limit=600, debug=["trace:gicv3_its*"])
        info = result.verdict.info
        check_itts(ctx, result.trace, result.verdict)
        count = check_lifetimes(ctx, result.trace)
        ctx.expect(count > rounds // 10, f"only {count} devices were mapped")
        ctx.note(f"{info['accepted']} accepted, {info['rejected']} rejected, {count} MAPD,"
                 f" {info['arena']} bytes")


stress("a57", "cortex-a57", 2, 2000)
stress("max", "max", 2, 2000)
stress("debug-a57", "cortex-a57", 2, 1000, variant="debug")
stress("64k-max", "max", 2, 1000, variant="64k")
stress("long", "max", 4, 5000, ())
