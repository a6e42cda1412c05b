# SPDX-License-Identifier: GPL-2.0
"""What a test case may use.  A case is a function in tests/cases/*.py:

    from testing import test

    @test("boot-max", groups=("default", "fast"))
    def boot_max(ctx):
        ctx.boot("boot", cpu="max", args={"mode": "protected-hvhe"})

Names and groups are what ./test accepts; the name of the file is a group too.
"variants" names the folders below build/images/ the case needs, the first being
the one ctx.boot() uses.  A case passes when it returns, fails by ctx.fail() (or
any exception) and is skipped by ctx.skip(): the last is never a pass.
"""

import dataclasses
import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, "qemu"))

import boot as qemu
from boot import Machine
from verdict import FAIL, PASS, SKIP

IMAGES = os.path.join(ROOT, "build", "images")
LOGS = os.path.join(ROOT, "build", "logs")


class Failure(Exception):
    """The test failed; the text says why, further lines give evidence."""


class Skipped(Exception):
    """The test could not be made here; the text says why."""


@dataclasses.dataclass
class Test:
    name: str
    run: object
    variants: tuple
    groups: tuple


registry = {}


def test(name, variants=("default",), groups=("default",)):
    """Declare a test; usable as a decorator, or called in a loop on a function."""
    def declare(function):
        if name in registry:
            raise ValueError(f"two tests are called {name}")
        own_group = function.__module__.rpartition(".")[2]
        registry[name] = Test(name, function, tuple(variants), (*groups, own_group))
        return function
    return declare


def load():
    """Import every case file; the tests in the order they are declared."""
    folder = os.path.join(ROOT, "tests", "cases")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py") and not name.startswith("_"):
            importlib.import_module(name[:-3])
    return list(registry.values())


def tail(text, count=15):
    return text.rstrip().splitlines()[-count:]


def evidence(result):
    """The lines of a boot that show what went wrong."""
    lines = [f"reason: {reason}" for reason in result.reasons]
    lines += [f"console: {line}" for line in result.splats[:20]]
    lines += [f"console end: {line}" for line in tail(result.console)]
    lines += [f"QEMU command line: {result.machine.path('cmd')}"]
    return lines


class Context:
    """images, logs: folders; time_limit: no boot gets more than so many seconds."""

    def __init__(self, test, images=IMAGES, logs=LOGS, time_limit=None):
        self.test = test
        self.images = images
        self.time_limit = time_limit
        self.notes = []         # lines of the report, also of a test that passes
        self.log_dir = os.path.join(logs, test.name)
        # What an earlier run left must not be read as this one's logs.
        shutil.rmtree(self.log_dir, ignore_errors=True)
        os.makedirs(self.log_dir)

    def fail(self, message, *lines):
        raise Failure("\n".join([message, *lines]))

    def skip(self, reason):
        raise Skipped(reason)

    def note(self, text):
        self.notes.append(text)

    def image_dir(self, variant=None):
        return os.path.join(self.images, variant or self.test.variants[0])

    def boot(self, test="boot", variant=None, label="boot", expect_pass=True,
             allow=(), image=None, **machine):
        """Boot a variant, run a guest test, return the Result.

        Fails (or skips) this test as the guest did, unless expect_pass=False.
        label: folder for the logs; needed when a test boots more than once.
        allow: regular expressions of expected console lines.
        image: a kernel that is no variant.
        machine: fields of boot.Machine, such as cpu, gic, smp, args, params.
        """
        log_dir = os.path.join(self.log_dir, label)
        if os.path.exists(log_dir):
            raise ValueError(f"two boots labelled {label!r} in test {self.test.name}")
        image = image or os.path.join(self.image_dir(variant), "Image")
        if self.time_limit:
            machine["time_limit"] = min(self.time_limit,
                                        machine.get("time_limit", Machine.time_limit))
        result = qemu.boot(Machine(image, log_dir, test, **machine), allow)
        if expect_pass and result.outcome == FAIL:
            self.fail(f"guest test {test}: {result.reasons[0]}", *evidence(result))
        if expect_pass and result.outcome == SKIP:
            self.skip(result.verdict.skipped)
        return result

    def run(self, command, **options):
        """Run a command (list of words), log it; fails if it does. Returns stdout."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, cwd=ROOT, **options)
        with open(os.path.join(self.log_dir, "commands.log"), "a") as log:
            log.write(f"$ {shlex.join(command)}\n{done.stdout}# status {done.returncode}\n")
        if done.returncode:
            self.fail(f"status {done.returncode} from: {shlex.join(command)}",
                      *tail(done.stdout))
        return done.stdout

    def expect(self, good, message, *lines):
        if not good:
            self.fail(message, *lines)

    def expect_line(self, result, pattern):
        """The console has a line that matches; returns the first."""
        lines = result.console_lines(pattern)
        if not lines:
            self.fail(f"no console line matches {pattern!r}", *evidence(result))
        return lines[0]

    def expect_failure(self, result, pattern):
        """The harness itself saw this boot fail, and for this reason."""
        if result.outcome != FAIL:
            self.fail(f"reported as {result.outcome}, but must be a failure", *evidence(result))
        if not any(re.search(pattern, reason) for reason in result.reasons):
            self.fail(f"failed for another reason than {pattern!r}", *evidence(result))
