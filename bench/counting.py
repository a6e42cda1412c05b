# SPDX-License-Identifier: GPL-2.0
"""Count what EL2 executes: boot an image with the plugin el2count.c, read its lines.

    counter = Counter(image_dir, "max", boot)
    run = counter.run("cost")
    run.counts["SYNC 1"].el2

boot is a function (label, guest_test, **fields of boot.Machine) that boots the image
and returns a boot.Result, or raises if that failed.
"""

import bisect
import collections
import dataclasses
import fcntl
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "qemu"))

import boot as qemu

SOURCE = os.path.join(ROOT, "bench", "el2count.c")
BUILD = os.path.join(ROOT, "build", "bench")
WHOLE_RUN = -1

# An exception that the host's vectors of EL2 take; the last such entry of a boot is one.
ENTRY = re.compile(r"from EL1 to EL2\n\.\.\.with ESR .*\n(?:.*\n)?\.\.\.to EL2 PC 0x(\w+)")
VECTORS = 0x800


class CountError(Exception):
    """Nothing was counted, or not what should be; one line for the user."""


@dataclasses.dataclass(frozen=True)
class Counts:
    entries: int
    el2: int
    other: int
    longest: int

    @property
    def all(self):
        return self.el2 + self.other


@dataclasses.dataclass
class Run:
    counts: dict        # {name of a burst or region: Counts}
    bursts: list        # the names, as the plugin numbers bursts: a region has two
    total: Counts
    profile: dict       # {function of EL2: instructions}, the greatest first
    result: object


def qemu_version():
    text = subprocess.run([qemu.QEMU, "--version"], capture_output=True, text=True).stdout
    return text.splitlines()[0].removeprefix("QEMU emulator version ")


def plugin_version():
    """What the plugin has to call itself; QEMU takes none that is too old or too new."""
    major, minor = map(int, re.match(r"(\d+)\.(\d+)", qemu_version()).groups())
    return 1 if major < 9 else 2 if (major, minor) == (9, 0) else 3


def build_plugin():
    """Path of the plugin, compiled again only when it changed."""
    version = plugin_version()
    output = os.path.join(BUILD, f"libel2count-{version}.so")
    os.makedirs(BUILD, exist_ok=True)
    # Several tests may come at the same time.
    with open(os.path.join(BUILD, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(output) and os.path.getmtime(output) > os.path.getmtime(SOURCE):
            return output
        try:
            done = subprocess.run(
                ["gcc", "-O2", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra",
                 "-Wno-unused-parameter", f"-DPLUGIN_VERSION={version}", "-o", output + ".tmp",
                 SOURCE], capture_output=True, text=True)
        except FileNotFoundError:
            raise CountError("gcc is missing")
        if done.returncode:
            raise CountError(f"the plugin does not compile:\n{done.stderr.rstrip()}")
        os.rename(output + ".tmp", output)
    return output


def read_symbols(image_dir):
    """{name: link address}"""
    with open(os.path.join(image_dir, "System.map")) as f:
        return {name: int(address, 16) for address, _, name in map(str.split, f)}


def parse_counts(line):
    found = re.match(r"el2count: (\w+) entries (\d+) el2 (\d+) other (\d+) longest (\d+)$", line)
    if not found:
        raise CountError(f"the plugin says: {line}")
    return found[1], Counts(*map(int, found.groups()[1:]))


def parse(verdict, trace):
    """({name: Counts}, total, {address: times}) from the guest's report and the plugin's."""
    lines = [line for line in trace.splitlines() if line]
    sites = collections.Counter()
    counted = []
    for line in lines:
        site = re.match(r"el2count: at (\w+) (\d+)$", line)
        if site:
            sites[int(site[1], 16)] += int(site[2])
        else:
            counted.append(parse_counts(line))
    if not counted or counted[-1][0] != "total":
        raise CountError("the plugin gives no total")
    _, total = counted.pop()
    if not total.el2:
        raise CountError("EL2 was not seen: it is elsewhere")

    counts, at = {}, 0
    for name, is_region in announced(verdict):
        # between, burst; for a region, once more: it lies between the two bursts
        number = 4 if is_region else 2
        piece = counted[at:at + number]
        if [what for what, _ in piece] != ["between", "burst"] * (number // 2):
            raise CountError(f"no counts for {name}")
        if name in counts:
            raise CountError(f"two bursts are called {name}")
        counts[name] = piece[2 if is_region else 1][1]
        at += number
    if at != len(counted):
        raise CountError(f"{len(counted) - at} counts are of nothing")
    return counts, total, sites


def announced(verdict):
    """[(name, whether it is a region)], from the guest's report."""
    return [(name, kind == "region") for kind, name in
            re.findall(r"^info (burst|region)=(.*)$", verdict, re.MULTILINE)]


def burst_names(verdict):
    return [name for name, is_region in announced(verdict) for _ in range(1 + is_region)]


class Counter:
    """Counts in boots of one image on one CPU model."""

    def __init__(self, image_dir, cpu, boot):
        self.image_dir = image_dir
        self.cpu = cpu
        self.boot = boot
        self.offset = None      # of EL2's addresses to those that it was linked for

    def machine(self, **fields):
        return dict(cpu=self.cpu, smp=1, deterministic=True, **fields)

    def find_el2(self):
        """Where a boot puts EL2: all deterministic boots of an image put it there."""
        result = self.boot("find-el2", "selftest-pass", **self.machine(debug=["int"]))
        entries = ENTRY.findall(result.trace)
        if not entries:
            raise CountError("no exception was taken to EL2")
        self.offset = (int(entries[-1], 16) & -VECTORS) - self.symbol("__kvm_nvhe___kvm_hyp_host_vector")

    def symbol(self, name):
        try:
            return read_symbols(self.image_dir)[name]
        except KeyError:
            raise CountError(f"{self.image_dir}/System.map: no {name}")

    def run(self, test, profile=None, label=None, **fields):
        if self.offset is None:
            self.find_el2()
        options = [build_plugin(), f"lo={self.symbol('__hyp_text_start') + self.offset:#x}",
                   f"hi={self.symbol('__hyp_text_end') + self.offset:#x}"]
        if profile is not None:
            options.append(f"profile={profile}")
        result = self.boot(label or test, test, **self.machine(
            debug=["plugin"], extra=["-plugin", ",".join(options)], **fields))
        counts, total, sites = parse(result.verdict.text, result.trace)
        return Run(counts, burst_names(result.verdict.text), total, self.by_function(sites), result)

    def by_function(self, sites):
        if not sites:
            return {}
        prefix = "__kvm_nvhe_"
        symbols = sorted((address, name.removeprefix(prefix))
                         for name, address in read_symbols(self.image_dir).items()
                         if name.startswith(prefix) and not re.search(r"\$[xd]|__hyp_section", name))
        addresses = [address for address, _ in symbols]
        functions = collections.Counter()
        for address, times in sites.items():
            at = bisect.bisect_right(addresses, address - self.offset) - 1
            functions[symbols[at][1]] += times
        return dict(functions.most_common())
