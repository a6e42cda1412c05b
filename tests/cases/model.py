# SPDX-License-Identifier: GPL-2.0
"""The code of EL2 on this machine, against a software ITS; see tests/model/README.md.

No kernel is booted: the model is built by the compilers of this machine, from the
copies in arch/ and two headers of build/linux.
"""

import fcntl
import os

import testing
from testing import test

FOLDER = os.path.join("tests", "model")
HEADER = os.path.join(testing.ROOT, "build", "linux", "include", "linux", "irqchip",
                      "arm-gic-v3.h")


# Several tests use the same programs, and may run at the same time.
LOCK = os.path.join(testing.ROOT, "build", "model.lock")


def make(ctx, *words):
    command = ["make", "--no-print-directory", "-C", FOLDER]
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(HEADER):
            ctx.run(["scripts/tree"])
        ctx.run([*command, "build"])
    return ctx.run([*command, *words])


@test("model-honest", variants=(), groups=("default", "fast"))
def honest(ctx):
    """An honest driver on many kinds of machine: nothing is refused, nothing grows."""
    for verb in ("honest", "honest-16k", "honest-64k"):
        ctx.note(f"{verb}: {make(ctx, verb).splitlines()[-1]}")


@test("model-corpus", variants=(), groups=("default", "fast"))
def corpus(ctx):
    """All that a hostile host has tried so far, with two compilers."""
    ctx.note(make(ctx, "corpus").splitlines()[-1])


@test("model-fuzz", variants=(), groups=("default",))
def fuzz(ctx):
    """A hostile host that makes something up: always the same, for two minutes or so."""
    for line in make(ctx, "fuzz-bounded").splitlines():
        if line.startswith(("stat::number_of_exec", "stat::average_exec")):
            ctx.note(line.removeprefix("stat::"))


@test("model-holes", variants=(), groups=("default",))
def holes(ctx):
    """Bring holes of docs/ledger.md back: the model has to name the invariant."""
    for line in make(ctx, "holes").splitlines():
        if line.startswith(("caught", "mutants:")):
            ctx.note(line)


@test("model-mutants", variants=(), groups=())
def mutants(ctx):
    """Break the code in one place at a time: one of the above must notice."""
    for line in make(ctx, "mutants").splitlines():
        if line.startswith(("caught", "mutants:")):
            ctx.note(line)
