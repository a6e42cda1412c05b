#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot the kernel with the series and tell what happened, give a shell in it, or attack it."""

import argparse
import glob
import os
import signal
import subprocess
import sys

import guest
from boot import BootError, Machine, add_machine_options, boot
from verdict import FAIL, Verdict

sys.path.append(os.path.join(guest.ROOT, "tests", "cases"))
from _memory import AfterPowerOff

COMMAND = os.environ.get("RUN_COMMAND", "./run")
BUSYBOX = os.path.join(guest.BUILD, "busybox")

# What the series prints for each ITS: registers protected, queue and tables taken over.
ITS_LINE = r"(kvm \[1\]: |\] )ITS@\w+: (control frame protected|deprivileged|not|can't)"


def show(label, *lines):
    for line in lines:
        print(f"  {label:<15} {line}")
        label = ""


def busybox():
    """Path of a static arm64 busybox, fetched on first use."""
    root = os.path.join(BUSYBOX, "root")
    # Debian 12 has it in /bin, Debian 13 in /usr/bin.
    places = [os.path.join(root, place, "busybox") for place in ("bin", "usr/bin")]
    if not any(map(os.path.exists, places)):
        fetch = os.path.join(guest.ROOT, "scripts", "fetch-deb")
        try:
            subprocess.run([fetch, "busybox-static", "arm64", BUSYBOX], check=True,
                           stdout=sys.stderr)
            package = glob.glob(os.path.join(BUSYBOX, "busybox-static*.deb"))[0]
            subprocess.run(["dpkg-deb", "-x", package, root], check=True)
        except (OSError, subprocess.CalledProcessError, IndexError):
            raise BootError("no busybox for the guest: 'scripts/fetch-deb busybox-static arm64' "
                            f"failed; '{COMMAND}' without --shell needs none")
    found = list(filter(os.path.exists, places))
    if not found:
        raise BootError(f"there is no busybox in the package below {root}")
    return found[0]


def run_shell(machine):
    """Interactive; returns the exit status."""
    machine["files"] = {"bin/busybox": busybox(),
                        "bin/lsmsi": os.path.join(guest.ROOT, "qemu", "lsmsi")}
    machine.update(test="shell", interactive=True, time_limit=0)
    print("A shell in the guest: 'exit' powers off, Ctrl-A x ends QEMU at once.\n"
          "'lsmsi' shows PCI devices and their interrupts.", flush=True)
    result = boot(Machine(**machine))
    # Leaving by Ctrl-A x gives no verdict; that is no failure here.
    bad = result.splats + result.verdict.failed
    if result.returncode:
        bad.append(f"QEMU ended with status {result.returncode}")
    print(f"FAIL: {bad[0].strip()}" if bad else "The guest has ended.")
    return 1 if bad else 0


def describe(result):
    info = result.verdict.info
    show("EL2 mode", info.get("mode", "unknown"))
    taken = ["ITS@" + line.partition("ITS@")[2] for line in result.console_lines(ITS_LINE)]
    show("ITS protection", *(taken or ["none: this kernel says nothing about the ITS"]))
    show("MSI devices", *[
        f"{name}: {info[f'device.{name}']}, {info.get(f'irqs.{name}', 'unknown')} interrupts counted"
        for name in result.machine.devices if f"device.{name}" in info] or ["none found"])
    show("checks", f"{len(result.verdict.ok)} passed, {len(result.verdict.failed)} failed")
    show("time", f"{result.seconds:.1f} s")
    show("logs", os.path.relpath(result.machine.log_dir))
    return taken


def run_demo(machine, base):
    """Returns the exit status."""
    result = boot(Machine(test="boot", **machine))
    taken = describe(result)
    if result.outcome == FAIL:
        for reason in result.reasons:
            show("wrong", reason)
        print(f"FAIL: {result.reasons[0]}")
        return 1
    if machine["mode"] == "protected" and not base and not taken:
        print("FAIL: the machine works, but its ITS is not protected")
        return 1
    if base and taken:
        print("FAIL: the kernel without the series claims to protect the ITS")
        return 1
    print("PASS: " + ("the kernel without the series boots, interrupts arrive, the ITS is not protected"
                      if base else "the kernel boots, interrupts arrive"
                      + (", the ITS belongs to EL2" if taken else "")))
    return 0


class Attack:
    """One kernel under attack: what AfterPowerOff wants to know of a test."""

    def __init__(self, log_dir):
        self.log_dir = log_dir

    def fail(self, reason):
        raise BootError(reason)


def attack_one(machine, variant):
    """Attack one kernel; the victim's address, and its memory seen from outside."""
    def victim(text):
        return [(int(Verdict(text).info["victim"], 0), 64)]

    with AfterPowerOff(Attack(machine["log_dir"]), victim, label=variant) as memory:
        result = boot(Machine(**{**machine, "test": "memory-attack", "extra": memory.extra,
                                 "image": os.path.join(guest.ROOT, "build", "images", variant, "Image"),
                                 "log_dir": os.path.join(machine["log_dir"], variant)}))
        if result.outcome == FAIL:
            raise BootError(f"{variant}: {result.reasons[0]}")
        start, size = victim(result.verdict.text)[0]
        return start, memory.read(start, size)


def run_attack(machine):
    """The same attack on both kernels, side by side; returns the exit status."""
    print("A compromised host tells the ITS to use memory of the hypervisor as the table of a\n"
          "device (MAPD), and to translate 32 interrupts (MAPTI). That memory, seen from outside:")
    changed = {}
    for variant, name in (("default.base", "without series"), ("default", "with series")):
        start, memory = attack_one(machine, variant)
        changed[variant] = any(memory)
        words = [memory[at:at + 16].hex(" ", 4) for at in range(0, 48, 16)]
        show(name, f"{start:#x}: {words[0]}", *(f"{start + 16 * n:#x}: {words[n]}" for n in (1, 2)))
    if changed["default.base"] and not changed["default"]:
        print("PASS: overwritten without the series, untouched with it")
        return 0
    print("FAIL: " + ("the series does not stop it" if changed["default"]
                      else "the attack does not work without the series either"))
    return 1


def main():
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--shell", action="store_true", help="an interactive shell in the guest")
    parser.add_argument("--base", action="store_true", help="the kernel without the series, same configuration")
    parser.add_argument("--attack", action="store_true",
                        help="overwrite the hypervisor through the ITS, without and with the series")
    parser.add_argument("--variants", action="store_true",
                        help="print the folders of build/images/ that are needed")
    add_machine_options(parser)
    args = parser.parse_args()

    variant = "default.base" if args.base else "default"
    if args.variants:
        print("default default.base" if args.attack else variant)
        return 0
    machine = dict(image=os.path.join(guest.ROOT, "build", "images", variant, "Image"),
                   log_dir=args.log_dir or os.path.join(guest.ROOT, "build", "logs", "run"),
                   cpu=args.cpu, gic=args.gic, smp=args.smp, mode=args.mode,
                   time_limit=args.time_limit)
    if not args.attack:
        print(f"Booting build/images/{variant}/Image: {args.cpu}, GICv{args.gic}, {args.smp} CPUs, "
              f"kvm-arm.mode={args.mode or '(none)'}", flush=True)
    # A plain "kill" must not leave a QEMU behind: exit runs the atexit handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        if args.attack:
            return run_attack(machine)
        return run_shell(machine) if args.shell else run_demo(machine, args.base)
    except (BootError, guest.GuestError) as error:
        print(f"{COMMAND}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{COMMAND}: interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
