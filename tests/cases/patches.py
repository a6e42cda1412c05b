# SPDX-License-Identifier: GPL-2.0
"""Every patch stands alone: builds, adds no warning, boots with MSIs flowing."""

import os
import re
import subprocess

import testing
from testing import test

WALK = os.path.join(testing.ROOT, "build", "walk")
CPUS = {"a57": ("cortex-a57", "protected-nvhe"), "max": ("max", "protected-hvhe")}


def build_all(ctx):
    """(number, subject, why it failed or None) of every patch, in order."""
    log = os.path.join(ctx.log_dir, "walk.log")
    with open(log, "w") as messages:
        # Other tests boot meanwhile, against a time limit.
        done = subprocess.run(["nice", "scripts/walk-patches"], cwd=testing.ROOT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=messages)
    patches = []
    for line in done.stdout.splitlines():
        word, number, subject = re.fullmatch(r"(PASS|FAIL) (\d+) (.*)", line).groups()
        patches.append((number, subject, subject if word == "FAIL" else None))
    failed = any(reason for _, _, reason in patches)
    if not patches or (done.returncode != 0) != failed:
        ctx.fail(f"scripts/walk-patches ended early with status {done.returncode}",
                 *open(log).read().splitlines()[-15:])
    return patches


def boot(ctx, number):
    image = os.path.join(WALK, number, "Image")
    for name, (cpu, mode) in CPUS.items():
        result = ctx.boot("boot", image=image, label=f"{number}-{name}", cpu=cpu,
                          args={"mode": mode}, expect_pass=False)
        if result.outcome != testing.PASS:
            return f"on {cpu}: {(result.reasons or [result.outcome])[0]}"
    return None


# Half an hour and more: not part of the default run, which CI has 90 minutes for.
@test("patches", groups=())
def patches(ctx):
    failures, walked = [], build_all(ctx)
    for number, subject, reason in walked:
        reason = reason or boot(ctx, number)
        if reason:
            failures.append(f"{number}: {reason}")
        with open(os.path.join(ctx.log_dir, "patches.log"), "a") as log:
            log.write(f"FAIL {number}: {reason}\n" if reason else f"PASS {number} {subject}\n")
    ctx.expect(not failures, f"{len(failures)} patches do not stand alone", *failures)
    ctx.note(f"{len(walked)} patches, WALK_AFTER={os.environ.get('WALK_AFTER', 0)}")
