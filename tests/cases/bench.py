# SPDX-License-Identifier: GPL-2.0
"""What the series costs stays within bench/budgets.py; see bench/README.md.

Instructions are counted, so the numbers are the same each time. An image that is
built by another compiler may have others.
"""

import os
import sys

import testing
from testing import test

sys.path.insert(0, os.path.join(testing.ROOT, "bench"))

import budgets
import counting
import measures

CPUS = {"a57": "cortex-a57", "max": "max"}
BOTH = ("default", "default.base")

# A test for each of these boots, and the budgets that it is about.
PARTS = {
    "frame": (measures.FRAME, ("read-entries", "cwriter-entries", "sync-ratio", "sync", "empty",
                               "sync-further", "mapti-further", "inv-further", "mapti-sync",
                               "vpe-load", "vpe-put")),
    "device": (measures.DEVICE, ("device-percent",)),
    "boot": (measures.BOOT, ("boot-percent",)),
    "worst": (measures.WORST, ("worst-trap", "worst-call")),
}


def check(ctx, values, names, cpu):
    over = budgets.complaints({name: values[name] for name in names if name in values}, cpu, names)
    ctx.expect(not over, "over budget", *over)


def declare(part, name, cpu):
    guest_test, names = PARTS[part]

    @test(f"bench-{part}-{name}", variants=BOTH if part in ("device", "boot") else BOTH[:1])
    def case(ctx):
        def boot(label, guest_test, **machine):
            return ctx.boot(guest_test, label=label, **machine)

        try:
            runs = measures.count(ctx.images, cpu, boot, (guest_test,), ctx.test.variants)
        except counting.CountError as error:
            ctx.fail(str(error))
        values = measures.values(runs)
        for item in budgets.BUDGETS:
            if item.name in names and item.name in values:
                ctx.note(f"{item.text}: {values[item.name]:g} (limit {item.limits[cpu]:g})")
        check(ctx, values, names, cpu)


for part in PARTS:
    for name, cpu in CPUS.items():
        declare(part, name, cpu)


def must_complain(ctx, what, function, *args):
    try:
        function(*args)
    except (testing.Failure, counting.CountError):
        return
    ctx.fail(f"nobody noticed: {what}")


@test("bench-complains", variants=())
def complains(ctx):
    """The counterpart: one instruction too many, or none counted, is a failure."""
    names = [item.name for item in budgets.BUDGETS]
    for cpu in CPUS.values():
        limits = {item.name: item.limits[cpu] for item in budgets.BUDGETS}
        check(ctx, limits, names, cpu)
        for name in names:
            must_complain(ctx, f"{name} over its limit", check, ctx,
                          {**limits, name: limits[name] + 1}, names, cpu)
            missing = {other: limit for other, limit in limits.items() if other != name}
            must_complain(ctx, f"{name} not measured", check, ctx, missing, names, cpu)

    verdict = "info burst=a 1\ninfo region=b 2\n"
    counts = "entries {} el2 {} other 5 longest 7\n"
    pair = f"el2count: between {counts}el2count: burst {counts}"
    total = f"el2count: total {counts}"
    trace = (pair * 3 + total).format(*range(14))
    found, whole, _ = counting.parse(verdict, trace)
    ctx.expect(found == {"a 1": counting.Counts(2, 3, 5, 7), "b 2": counting.Counts(8, 9, 5, 7)}
               and whole == counting.Counts(12, 13, 5, 7), f"read as {found}, {whole}")
    lines = trace.splitlines(keepends=True)
    for what, text in (("no line at all", ""), ("no total", "".join(lines[:-1])),
                       ("a burst is missing", "".join(lines[2:])),
                       ("a burst too many", "".join(lines[:2]) + trace),
                       ("EL2 was not seen", "".join(lines[:-1]) + total.format(0, 0)),
                       ("EL2 was elsewhere", "el2count: EL2 is elsewhere\n" + trace)):
        must_complain(ctx, what, counting.parse, verdict, text)
