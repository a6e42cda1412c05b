#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Boot one kernel image under QEMU, run one guest test, judge what happened.

    from boot import Machine, boot
    result = boot(Machine(image, log_dir, test="boot", cpu="max", smp=4))

The log folder holds everything needed to understand a boot: console.log,
verdict.log, qemu.log (QEMU's own messages), cmd (the plain QEMU command line),
initramfs.cpio, and trace.log when trace items were asked for.
"""

import argparse
import atexit
import dataclasses
import os
import re
import shlex
import signal
import subprocess
import sys
import time

import console
import guest
from verdict import FAIL, PASS, SKIP, Verdict

QEMU = os.environ.get("QEMU", "qemu-system-aarch64")
QEMU_OLDEST = (7, 2)
FIRMWARE = "/usr/share/qemu-efi-aarch64/QEMU_EFI.fd"

LOG_FILES = ("console.log", "verdict.log", "qemu.log", "trace.log", "cmd",
             "initramfs.cpio", "disk.raw")

# The disk starts with a pattern the guest can check: word n holds n ^ DISK_KEY
# (also in tests/guest/io.c).
DISK_BYTES = 1 << 20
DISK_KEY = 0x17500F00

# Modern virtio only.
VIRTIO = ["-global", "virtio-pci.disable-legacy=on"]
DEVICES = {
    "rng": ["-object", "rng-builtin,id=rng0",
            "-device", "virtio-rng-pci,rng=rng0"],
    "blk": ["-drive", "file={dir}/disk.raw,format=raw,if=none,id=disk0,cache=writeback",
            "-device", "virtio-blk-pci,drive=disk0"],
    # romfile: no boot ROM, so that no further package is needed.
    "net": ["-netdev", "user,id=net0,restrict=on,ipv6=off",
            "-device", "virtio-net-pci,netdev=net0,romfile="],
}

# "-icount" makes time a function of the instructions executed; the rest
# removes every other source of chance QEMU has.  Devices must answer in the
# thread of the virtual CPU or at a time of the virtual clock.
DETERMINISTIC = ["-icount", "shift=0,sleep=off", "-seed", "1",
                 "-rtc", "base=2024-01-01T00:00:00,clock=vm",
                 "-global", "virtio-pci.ioeventfd=off",
                 "-global", "virtio-net-pci.tx=timer"]
# The others finish their work in a host thread, at a moment nobody controls.
DETERMINISTIC_DEVICES = ("net",)


class BootError(Exception):
    """The boot could not be started; one line for the user."""


@dataclasses.dataclass
class Machine:
    image: str
    log_dir: str
    test: str = "boot"
    args: dict = dataclasses.field(default_factory=dict)    # its.arg=key=value,...
    cpu: str = "max"
    gic: int = 4
    smp: int = 2
    memory: int = 1024                                      # MiB
    mode: str = "protected"                                 # kvm-arm.mode, "" for none
    devices: tuple = None                                   # None: all that are possible
    params: tuple = ()                                      # kernel parameters
    debug: tuple = ()                                       # QEMU -d items
    files: dict = dataclasses.field(default_factory=dict)   # guest path: host path
    extra: tuple = ()                                       # QEMU arguments
    time_limit: float = 180
    deterministic: bool = False
    efi: bool = False                                       # EFI firmware and ACPI
    interactive: bool = False                               # console on this terminal

    def __post_init__(self):
        possible = DETERMINISTIC_DEVICES if self.deterministic else tuple(DEVICES)
        if self.devices is None:
            self.devices = possible
        unknown = [name for name in self.devices if name not in possible]
        if unknown:
            raise BootError(f"no such device{' in deterministic mode' * self.deterministic}: "
                            + ", ".join(unknown))

    def path(self, name):
        return os.path.join(self.log_dir, name)


@dataclasses.dataclass
class Result:
    machine: Machine
    outcome: str            # PASS, FAIL or SKIP
    reasons: list           # why it failed, most telling first
    verdict: Verdict
    console: str
    splats: list
    seconds: float
    returncode: int         # of QEMU

    @property
    def trace(self):
        return console.read(self.machine.path("trace.log"))

    def console_lines(self, pattern):
        return [line for line in self.console.splitlines() if re.search(pattern, line)]


_running = set()
_stopping = False


@atexit.register
def kill_all():
    """End the QEMU processes this program started and start no more."""
    global _stopping
    _stopping = True
    for process in list(_running):
        process.kill()


def check_qemu():
    """QEMU is there and new enough, or BootError."""
    try:
        text = subprocess.run([QEMU, "--version"], capture_output=True, text=True).stdout
    except OSError:
        raise BootError(f"{QEMU} is missing: install qemu-system-arm")
    found = re.search(r"version (\d+)\.(\d+)", text)
    if not found or tuple(map(int, found.groups())) < QEMU_OLDEST:
        raise BootError(f"{QEMU} is too old or not QEMU: 7.2 or newer is needed")


def kernel_parameters(machine):
    params = ["console=ttyAMA0", "loglevel=8", "printk.devkmsg=on", "panic=-1"]
    if machine.mode:
        params.append(f"kvm-arm.mode={machine.mode}")
    if machine.deterministic:
        params.append("nokaslr")
    if machine.efi:
        params.append("acpi=force")
    params.append(f"its.test={machine.test}")
    # Every test can compare what it finds with what QEMU was told.
    args = {"cpus": machine.smp, "gic": machine.gic, "devices": "+".join(machine.devices),
            **machine.args}
    params.append("its.arg=" + ",".join(f"{key}={value}" for key, value in args.items()))
    return " ".join([*params, *machine.params])


def command(machine):
    """The QEMU command line; everything it names is in the log folder."""
    board = f"virt,virtualization=on,gic-version={machine.gic}"
    accel = "tcg"
    if machine.deterministic:
        board += ",dtb-randomness=off"
        accel += ",thread=single"
    words = [QEMU, "-machine", board, "-accel", accel, "-cpu", machine.cpu,
             "-smp", str(machine.smp), "-m", str(machine.memory),
             "-nodefaults", "-display", "none", "-no-reboot",
             "-kernel", machine.image, "-initrd", machine.path("initramfs.cpio"),
             "-append", kernel_parameters(machine)]
    if machine.interactive:
        words += ["-chardev", "stdio,id=console,mux=on,signal=off,"
                              f"logfile={machine.path('console.log')}",
                  "-serial", "chardev:console", "-mon", "chardev=console"]
    else:
        words += ["-serial", f"file:{machine.path('console.log')}"]
    words += VIRTIO
    for name in machine.devices:
        words += [word.format(dir=machine.log_dir) for word in DEVICES[name]]
    words += ["-device", "virtio-serial-pci",
              "-chardev", f"file,id=verdict,path={machine.path('verdict.log')}",
              "-device", "virtserialport,chardev=verdict,name=its.verdict"]
    if machine.efi:
        words += ["-bios", FIRMWARE]
    if machine.deterministic:
        words += DETERMINISTIC
    if machine.debug:
        words += ["-d", ",".join(machine.debug), "-D", machine.path("trace.log")]
    return words + list(machine.extra)


def prepare(machine):
    """Check what the boot needs and fill its log folder."""
    machine.image = os.path.abspath(machine.image)
    machine.log_dir = os.path.abspath(machine.log_dir)
    if "," in machine.log_dir or "," in machine.image:
        raise BootError("QEMU cannot use a folder with a comma in its name: "
                        + machine.log_dir)
    if not os.path.exists(machine.image):
        raise BootError(f"{machine.image} is missing: run 'make images'")
    if machine.efi and not os.path.exists(FIRMWARE):
        raise BootError(f"{FIRMWARE} is missing: install qemu-efi-aarch64")
    check_qemu()

    os.makedirs(machine.log_dir, exist_ok=True)
    # Nothing of an earlier boot may be taken for a result of this one.
    for name in LOG_FILES:
        if os.path.lexists(machine.path(name)):
            os.unlink(machine.path(name))
    files = {"init": guest.build_init()}
    attacker = os.path.join(os.path.dirname(machine.image), "its_attack.ko")
    if os.path.exists(attacker):
        files["its_attack.ko"] = attacker
    files.update(machine.files)
    guest.write_initramfs(machine.path("initramfs.cpio"), files)
    if "blk" in machine.devices:
        with open(machine.path("disk.raw"), "wb") as disk:
            for word in range(DISK_BYTES // 4):
                disk.write((word ^ DISK_KEY).to_bytes(4, "little"))
    with open(machine.path("cmd"), "w") as f:
        f.write(shlex.join(command(machine)) + "\n")


def boot(machine, allow=()):
    """Boot, wait for the end, judge.

    allow: regular expressions of console lines that would otherwise be failures.
    """
    prepare(machine)
    if _stopping:
        raise BootError("interrupted")
    reasons = []
    start = time.monotonic()
    with open(machine.path("qemu.log"), "w") as log:
        process = subprocess.Popen(command(machine),
                                   stdin=None if machine.interactive else subprocess.DEVNULL,
                                   stdout=None if machine.interactive else log,
                                   stderr=log)
        _running.add(process)
        try:
            process.wait(machine.time_limit or None)
        except subprocess.TimeoutExpired:
            reasons.append(f"time-out: still running after {machine.time_limit:g} s")
        finally:
            process.kill()
            process.wait()
            _running.discard(process)
    seconds = time.monotonic() - start

    text = console.read(machine.path("console.log"))
    verdict = Verdict(console.read(machine.path("verdict.log")))
    splats = console.splats(text, allow)
    if splats:
        reasons.append(f"the kernel complained: {splats[0].strip()}")
    if process.returncode and not reasons:
        last = console.read(machine.path("qemu.log")).strip().splitlines()[-1:]
        reasons.append(f"QEMU ended with status {process.returncode}: {' '.join(last)}")
    reasons += verdict.reasons
    if not reasons and "reboot: Power down" not in text and not machine.interactive:
        reasons.append("the guest ended without powering down")
    outcome = FAIL if reasons else verdict.outcome
    return Result(machine, outcome, reasons, verdict, text, splats, seconds,
                  process.returncode)


def add_machine_options(parser):
    """The options boot.py and demo.py share."""
    parser.add_argument("--cpu", default="max", help="cortex-a57 (nVHE), cortex-a76, max (hVHE); default max")
    parser.add_argument("--gic", type=int, default=4, choices=(3, 4), help="GIC version, default 4")
    parser.add_argument("--smp", type=int, default=2, help="number of CPUs, default 2")
    parser.add_argument("--mode", default="protected", help="kvm-arm.mode, '' for none; default protected")
    parser.add_argument("--time-limit", type=float, default=180, metavar="SECONDS")
    parser.add_argument("--log-dir", help="folder for logs")


def main():
    parser = argparse.ArgumentParser(description="Boot one image, run one guest test.")
    parser.add_argument("--image", required=True)
    parser.add_argument("--test", default="boot", help="guest test, default boot")
    parser.add_argument("--arg", action="append", default=[], metavar="KEY=VALUE", help="its.arg for the guest test")
    add_machine_options(parser)
    parser.add_argument("--memory", type=int, default=1024, help="MiB, default 1024")
    parser.add_argument("--devices", help="of rng,blk,net; default all")
    parser.add_argument("--param", action="append", default=[], help="kernel parameter")
    parser.add_argument("--debug", action="append", default=[], metavar="ITEM",
                        help="QEMU -d item such as trace:gicv3_its* or int")
    parser.add_argument("--extra", action="append", default=[], help="QEMU argument")
    parser.add_argument("--allow", action="append", default=[], help="expected console line (regular expression)")
    parser.add_argument("--deterministic", action="store_true", help="instruction-counted time")
    parser.add_argument("--efi", action="store_true", help="boot through EFI with ACPI")
    args = parser.parse_args()

    machine = dict(
        image=args.image, log_dir=args.log_dir or os.path.join(guest.ROOT, "build", "logs", "boot.py"),
        test=args.test, args=dict(a.partition("=")[::2] for a in args.arg),
        cpu=args.cpu, gic=args.gic, smp=args.smp, memory=args.memory, mode=args.mode,
        devices=None if args.devices is None else tuple(filter(None, args.devices.split(","))),
        params=tuple(args.param),
        debug=tuple(args.debug), extra=tuple(args.extra), time_limit=args.time_limit,
        deterministic=args.deterministic, efi=args.efi)
    # A plain "kill" must not leave a QEMU behind: exit runs the atexit handler.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        result = boot(Machine(**machine), args.allow)
    except (BootError, guest.GuestError) as error:
        sys.exit(f"boot.py: {error}")
    sys.stdout.write(result.verdict.text)
    for reason in result.reasons:
        print(f"# {reason}")
    print(f"# {result.outcome} after {result.seconds:.1f} s, logs in {result.machine.log_dir}")
    sys.exit({PASS: 0, FAIL: 1, SKIP: 4}[result.outcome])


if __name__ == "__main__":
    main()
