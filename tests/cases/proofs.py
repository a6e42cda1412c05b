# SPDX-License-Identifier: GPL-2.0
"""Proofs by CBMC over the code of EL2 as it is; see tests/proofs/README.md.

"proof-NAME" passes if CBMC shows all properties of tests/proofs/NAME within the
bounds of its config. "proofs-bite" shows that the proofs can fail: all entries get to
their ends, and the code is broken in one place after the other, as the files bites say:
CBMC has to find that.
"""

import fcntl
import itertools
import os
import re
import shutil
import subprocess

import testing
from testing import test

from mutants import mutate, parse

FOLDER = os.path.join(testing.ROOT, "tests", "proofs")
SHIM = os.path.join(testing.ROOT, "tests", "model", "shim")
LINUX = os.path.join(testing.ROOT, "build", "linux")
SOURCES = os.path.join(testing.ROOT, "arch", "arm64", "kvm", "hyp", "nvhe")
LOCK = os.path.join(testing.ROOT, "build", "proofs.lock")

# Headers that are the kernel's own, and nothing else of it
REAL = ("include/linux/irqchip/arm-gic-v3.h", "arch/arm64/include/asm/esr.h")

CHECKS = ("--bounds-check", "--pointer-check", "--div-by-zero-check",
          "--signed-overflow-check", "--undefined-shift-check", "--unwinding-assertions",
          "--no-malloc-may-fail", "--drop-unused-functions", "--slice-formula")

# With nothing but REACHED() to look at
REACH_CHECKS = ("--no-standard-checks", "--no-malloc-may-fail", "--drop-unused-functions",
                "--slice-formula")

# Seconds for one entry, on a machine that has other things to do
TIME_LIMIT = 600

# Those that take longer than 20 seconds stay out of the default run.
PROOFS = {
    "decode": ("default",),
    "cwriter": ("default",),
    "sizes": ("default",),
    "filter": (),
    "table": (),
    "registry": (),
    "queue": (),
    "arena": (),
    "submit": (),
}


def tool(ctx):
    """The program; skips the test, with the reason, if it can't be had."""
    os.makedirs(os.path.dirname(LOCK), exist_ok=True)
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(LINUX, REAL[0])):
            ctx.run(["scripts/tree"])
        done = subprocess.run(["scripts/fetch-cbmc"], cwd=testing.ROOT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
    if done.returncode:
        ctx.skip("no CBMC: " + (done.stderr.strip().splitlines() or ["?"])[-1])
    return done.stdout.strip()


def entries(name):
    """[(entry, options)] of a config; lines are "entry FUNCTION [KEY=VALUE...]".

    FIRST..LAST is each of these values, in a run of its own. Such a run is known as
    FUNCTION-VALUE-..., likewise one with OPCODE or PTA."""
    found = []
    with open(os.path.join(FOLDER, name, "config")) as config:
        for number, line in enumerate(config, 1):
            words = line.split("#")[0].split()
            if not words:
                continue
            if words[0] != "entry" or len(words) < 2:
                raise ValueError(f"{name}/config:{number}: {line!r}")
            options = dict(word.split("=", 1) for word in words[2:])
            ranges = {key: re.fullmatch(r"(\d+)\.\.(\d+)", value)
                      for key, value in options.items()}
            ranges = {key: [str(n) for n in range(int(match[1]), int(match[2]) + 1)]
                      for key, match in ranges.items() if match}
            told = [key for key in options if key in ("OPCODE", "PTA") or key in ranges]
            for values in itertools.product(*ranges.values()):
                one = {**options, **dict(zip(ranges, values))}
                # In the order of the line, but the opcode comes first
                told.sort(key=lambda key: key != "OPCODE")
                found.append(("-".join([words[1], *[one[key] for key in told]]), one))
    return found


def prove(ctx, cbmc, name, entry, options, sources=SOURCES):
    """(CBMC's last word, number of properties, names of those that fail)"""
    options = dict(options)
    unwind = ["--unwind", options.pop("unwind", "1")]
    if "unwindset" in options:
        unwind += ["--unwindset", options.pop("unwindset")]
    if "objects" in options:
        unwind += ["--object-bits", options.pop("objects")]
    if "elements" in options:
        unwind += ["--max-field-sensitivity-array-size", options.pop("elements")]

    include = os.path.join(ctx.log_dir, "include")
    for path in REAL:
        copy = os.path.join(include, path.split("include/", 1)[1])
        os.makedirs(os.path.dirname(copy), exist_ok=True)
        shutil.copy(os.path.join(LINUX, path), copy)

    # What is left are macros of the harness
    text = os.path.join(ctx.log_dir, f"{name}-{entry}.i")
    arch = os.path.join(testing.ROOT, "arch", "arm64")
    ctx.run(["gcc", "-E", "-std=gnu11", "-DPAGE_SHIFT=12",
             *[f"-D{key}={value}" for key, value in options.items()],
             "-include", os.path.join(SHIM, "own", "linux", "compiler_types.h"),
             "-I", include, *[f"-I{SHIM}/{kind}" for kind in ("own", "copy", "stub")],
             "-I", os.path.join(arch, "kvm", "hyp", "include"),
             "-I", os.path.join(arch, "include"),
             "-iquote", sources, "-iquote", FOLDER,
             "-o", text, os.path.join(FOLDER, name, "harness.c")])

    log = os.path.join(ctx.log_dir, f"{name}-{entry}.log")
    checks = CHECKS if "REACH" not in options else REACH_CHECKS
    command = [cbmc, text, "--function", entry.split("-")[0], *unwind, *checks]
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                   stderr=subprocess.STDOUT)
        try:
            process.wait(ctx.time_limit or TIME_LIMIT)
        except subprocess.TimeoutExpired:
            return "timed out", 0, []
        finally:
            process.kill()
            process.wait()
    with open(log) as out:
        output = out.read()
    verdict = re.findall(r"^VERIFICATION (\w+)$", output, re.M)
    total = re.findall(r"^\*\* \d+ of (\d+) failed", output, re.M)
    failed = re.findall(r"^(\[.*\].*): (?:FAILURE|UNKNOWN|ERROR)$", output, re.M)
    if not verdict or not total:
        ctx.fail(f"CBMC broke off on {name}/{entry}", *testing.tail(output))
    if process.returncode != (0 if verdict == ["SUCCESSFUL"] else 10):
        ctx.fail(f"CBMC says {verdict} and status {process.returncode}", f"log: {log}")
    return verdict[0], int(total[0]), failed


def reaches(ctx, cbmc, name, entry, options):
    """Every REACHED() of the harness, in what the entry calls, must fail."""
    verdict, _, failed = prove(ctx, cbmc, name, entry, {**options, "REACH": "1"})
    with open(os.path.join(ctx.log_dir, f"{name}-{entry}.log")) as log:
        points = set(re.findall(r"^(\[.*\].* reached: .*): \w+$", log.read(), re.M))
    ctx.expect(verdict == "FAILED" and points, f"{name}/{entry} says nothing: {verdict}")
    ctx.expect(points == set(failed), f"{name}/{entry} never gets there",
               *sorted(points ^ set(failed)))


def proof(name):
    def run(ctx):
        cbmc = tool(ctx)
        count = 0
        for entry, options in entries(name):
            verdict, properties, failed = prove(ctx, cbmc, name, entry, options)
            ctx.expect(verdict == "SUCCESSFUL" and properties and not failed,
                       f"{name}/{entry}: {verdict}", *failed,
                       f"log: {ctx.log_dir}/{name}-{entry}.log")
            count += properties
        ctx.note(f"{count} properties proved")
    return run


for NAME, GROUPS in PROOFS.items():
    test(f"proof-{NAME}", variants=(), groups=GROUPS)(proof(NAME))


@test("proofs-bite", variants=(), groups=())
def bite(ctx):
    """Break what a proof is about in one place: CBMC has to find it."""
    cbmc = tool(ctx)
    for name in PROOFS:
        for entry, options in entries(name):
            reaches(ctx, cbmc, name, entry, options)
        bites = parse(os.path.join(FOLDER, name, "bites"))
        ctx.expect(bites, f"{name} has nothing to bite")
        for mutant in bites:
            sources = os.path.join(ctx.log_dir, "src")
            shutil.rmtree(sources, ignore_errors=True)
            shutil.copytree(SOURCES, sources)
            path, text = mutate(ctx, mutant, sources)
            with open(path, "w") as source:
                source.write(text)
            found = []
            for entry, options in entries(name):
                if mutant.tests and entry not in mutant.tests:
                    continue
                verdict, _, failed = prove(ctx, cbmc, name, entry, options, sources)
                ctx.expect(verdict in ("SUCCESSFUL", "FAILED"), f"{mutant.name}: {verdict}")
                found += failed
            ctx.expect(found, f"{mutant.name} is not found: {mutant.breaks}")
            ctx.note(f"{mutant.name}: {found[0]}")
