# SPDX-License-Identifier: GPL-2.0
"""The KUnit suites of the series, which run at EL1 while the kernel boots."""

import re

from testing import test

# Suites, and how many cases each has at least, parameters counted one by one.
SUITES = {"its-mmio": 45, "its-memory": 15, "its-command": 195, "its-redist": 196}


def ktap(console):
    """The lines of KTAP, without what printk puts in front of them."""
    for line in console.splitlines():
        yield re.sub(r"^\[ *\d+\.\d+\] ", "", line)


def failed(lines):
    """What failed, or was skipped, each with the lines that say why."""
    reasons = []
    for line in lines:
        if re.match(r" *not ok |.* # SKIP", line):
            yield from reasons[-8:]
            yield line.strip()
        if re.match(r" *(not )?ok ", line):
            reasons = []
        elif re.match(r" *# \w+: (EXPECTATION|ASSERTION) FAILED|  {8}", line):
            reasons.append(line.strip())


def check(ctx, console):
    """Every suite ran, all cases of it, and all of them passed."""
    lines = list(ktap(console))
    bad = list(failed(lines))
    ctx.expect(not bad, "KUnit cases failed or were skipped", *bad[:40])

    for suite, least in SUITES.items():
        if not any(re.fullmatch(rf"ok \d+ {suite}", line) for line in lines):
            ctx.fail(f"KUnit suite {suite} did not pass, or did not run")
        start = next(n for n, line in enumerate(lines)
                     if line.startswith(f"# {suite}: pass:"))
        match = re.fullmatch(r"# Totals: pass:(\d+) fail:0 skip:0 total:(\d+)",
                             lines[start + 1])
        ctx.expect(match and match[1] == match[2],
                   f"KUnit suite {suite}: no total where it has to be", lines[start + 1])
        ctx.expect(int(match[1]) >= least,
                   f"KUnit suite {suite} has {match[1]} cases, not {least} or more")
        ctx.note(f"{suite}: {match[1]} cases")

    # A suite nobody counts is one that may vanish.
    ran = {match[1] for line in lines if (match := re.fullmatch(r"ok \d+ (its-\S+)", line))}
    ctx.expect(ran == set(SUITES), f"unexpected KUnit suites: {sorted(ran - set(SUITES))}")


# Two kinds of EL2, nVHE and hVHE; the suites run at EL1 of each.
for NAME, CPU, MODE in (("a57", "cortex-a57", "protected-nvhe"), ("max", "max", "protected-hvhe")):
    def kunit(ctx, cpu=CPU, mode=MODE):
        check(ctx, ctx.boot("boot", cpu=cpu, args={"mode": mode}).console)

    test(f"kunit-{NAME}", variants=["kunit"], groups=("default",))(kunit)
