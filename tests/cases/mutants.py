# SPDX-License-Identifier: GPL-2.0
"""Break the series on purpose, in one place at a time: some test must notice.

Each mutant of tests/mutants/*.mutants is a test of its own, "mutant-NAME".  It
passes when one of the tests it names fails on the mutated kernel; that the
mutant no longer applies or does not compile is a failure.  "mutant-none" is
the control: made the same way without an edit, every one of these tests passes.

The kernels are built in build/linux.mutants, from the commits of branch series.
"""

import contextlib
import dataclasses
import fcntl
import os
import shutil

import testing
from testing import Context, Failure, Skipped, test

FOLDER = os.path.join(testing.ROOT, "tests", "mutants")
TREE = os.path.join(testing.ROOT, "build", "linux.mutants")
IMAGES = os.path.join(testing.ROOT, "build", "mutants")

# Seconds for a boot: a mutant may well hang.
TIME_LIMIT = 60


@contextlib.contextmanager
def tree_locked():
    """One tree, also for other runs: a mutant is built while another is tested."""
    with open(TREE + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@dataclasses.dataclass
class Mutant:
    name: str
    file: str = ""
    breaks: str = ""
    tests: tuple = ()
    limit: float = TIME_LIMIT
    old: str = ""
    new: str = ""


def parse(path):
    """The mutants of a file; see the top of tests/mutants/mmio.mutants."""
    mutants = []
    with open(path) as table:
        for number, line in enumerate(table, 1):
            word, _, rest = line.rstrip("\n").partition(" ")
            if word == "mutant":
                mutants.append(Mutant(rest))
            elif word in ("file", "breaks"):
                setattr(mutants[-1], word, rest)
            elif word == "tests":
                mutants[-1].tests = tuple(rest.split())
            elif word == "limit":
                mutants[-1].limit = float(rest)
            elif line[0] in "-+|":
                mutants[-1].old += line[1:] if line[0] in "-|" else ""
                mutants[-1].new += line[1:] if line[0] in "+|" else ""
            elif line.strip() and not line.startswith("#"):
                raise ValueError(f"{path}:{number}: {line!r}")
    return mutants


def mutate(ctx, mutant, tree):
    """(path of the file in tree, its mutated text)"""
    path = os.path.join(tree, mutant.file)
    with open(path) as source:
        text = source.read()
    count = text.count(mutant.old)
    ctx.expect(mutant.old and count == 1, f"{mutant.name}: the text to replace is {count} times"
               f" in {mutant.file}, not once", *mutant.old.splitlines())
    return path, text.replace(mutant.old, mutant.new)


def build(ctx, mutant, variants):
    """The images these variants need; the folder that holds them."""
    folder = os.path.join(IMAGES, mutant.name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    with tree_locked():
        ctx.run(["scripts/build-mutant", "reset"])
        if mutant.old:
            path, text = mutate(ctx, mutant, TREE)
            with open(path, "w") as source:
                source.write(text)
        for variant in variants:
            if variant.endswith(".base"):       # nothing of the series in it
                os.symlink(os.path.join(testing.IMAGES, variant), os.path.join(folder, variant))
            else:
                ctx.run(["scripts/build-mutant", "build", variant,
                         os.path.join(folder, variant)])
    return folder


def needed(ctx, names):
    for name in names:
        ctx.expect(name in testing.registry, f"there is no test '{name}'")
    tests = [testing.registry[name] for name in names]
    return tests, sorted({variant for one in tests for variant in one.variants})


def catches(ctx, one, folder, limit):
    """Why this test fails on the kernels in folder, None if it passes."""
    try:
        one.run(Context(one, images=folder, logs=ctx.log_dir, time_limit=limit))
    except Failure as failure:
        return str(failure).splitlines()[0]
    except Skipped as skipped:
        ctx.fail(f"{one.name} was skipped, which says nothing: {skipped}")
    return None


def declare(mutant):
    @test(f"mutant-{mutant.name}", variants=("default", "default.base"), groups=())
    def check(ctx):
        tests, variants = needed(ctx, mutant.tests)
        folder = build(ctx, mutant, variants)
        try:
            for one in tests:
                reason = catches(ctx, one, folder, mutant.limit)
                if reason:
                    ctx.note(f"caught by {one.name}: {reason}")
                    return
        finally:
            shutil.rmtree(folder)
        ctx.fail("not caught by " + ", ".join(mutant.tests), f"breaks: {mutant.breaks}")


mutants = [mutant for name in sorted(os.listdir(FOLDER)) if name.endswith(".mutants")
           for mutant in parse(os.path.join(FOLDER, name))]


@test("mutants-apply", groups=("default",))
def apply(ctx):
    """Quick: every mutant still fits the series, and its tests exist."""
    for mutant in mutants:
        mutate(ctx, mutant, os.path.join(testing.ROOT, "build", "linux"))
        needed(ctx, mutant.tests)
    ctx.note(f"{len(mutants)} mutants")


@test("mutant-none", variants=("default", "default.base"), groups=())
def none(ctx):
    """Without an edit, none of the tests fails: what they catch is the edit."""
    limits = {}
    for mutant in mutants:
        for name in mutant.tests:
            limits[name] = max(limits.get(name, 0), mutant.limit)
    tests, variants = needed(ctx, limits)
    folder = build(ctx, Mutant("none"), variants)
    try:
        for one in tests:
            reason = catches(ctx, one, folder, limits[one.name])
            ctx.expect(reason is None, f"{one.name} fails without a mutation: {reason}")
    finally:
        shutil.rmtree(folder)


for mutant in mutants:
    declare(mutant)
