# SPDX-License-Identifier: GPL-2.0
"""The boots that are counted, and the numbers that budgets.py has limits for."""

import os

from counting import Counter

# Guest tests. The first is a boot that does nothing, to the power-off.
BOOT, FRAME, DEVICE, WORST = "selftest-pass", "cost", "cost-device", "cost-worst"
EVERYTHING = (BOOT, FRAME, DEVICE, WORST)
# Without the series, there is no trap for a hostile host to make long.
OF_BASE = (BOOT, FRAME, DEVICE)


VARIANTS = {"default": EVERYTHING, "default.base": OF_BASE}


def counter_of(images, variant, cpu, boot):
    """boot as for Counter, with variant=."""
    def boot_variant(label, guest_test, **machine):
        return boot(f"{variant}-{label}", guest_test, variant=variant, **machine)

    return Counter(os.path.join(images, variant), cpu, boot_variant)


def count(images, cpu, boot, tests=EVERYTHING, variants=tuple(VARIANTS)):
    """{(variant, guest test): Run}; boot as for counter_of()."""
    runs = {}
    for variant in variants:
        wanted = VARIANTS[variant]
        counter = counter_of(images, variant, cpu, boot)
        for test in tests:
            if test in wanted:
                runs[variant, test] = counter.run(test)
    return runs


def per_further(counts, kind):
    return (counts[f"{kind} 64"].el2 - counts[f"{kind} 1"].el2) / 63


def percent(series, base):
    return 100 * (series.all / base.all - 1)


def values(runs):
    """{name of a budget: value}, of those that these runs tell."""
    found = {}
    if ("default", FRAME) in runs:
        counts = runs["default", FRAME].counts
        empty = counts["nothing 0"].el2
        found["read-entries"] = counts["read 100"].entries
        found["cwriter-entries"] = max(
            [counts["CWRITER 100"].entries / 100] +
            [piece.entries for name, piece in counts.items() if name.startswith(COMMANDS)])
        found["empty"] = empty
        found["sync"] = counts["SYNC 1"].el2
        found["sync-ratio"] = counts["SYNC 1"].el2 / empty
        for kind in ("SYNC", "MAPTI", "INV"):
            found[f"{kind.lower()}-further"] = per_further(counts, kind)
        found["mapti-sync"] = counts["MAPTI+SYNC 2"].el2
        found["vpe-load"] = counts["vPE is made resident 1"].el2
        found["vpe-put"] = counts["vPE ceases to be resident 1"].el2
    for test, name, piece in ((BOOT, "boot-percent", lambda run: run.total),
                              (DEVICE, "device-percent", lambda run: run.counts["unbind+bind 100"])):
        if ("default", test) in runs and ("default.base", test) in runs:
            found[name] = percent(piece(runs["default", test]), piece(runs["default.base", test]))
    if ("default", WORST) in runs:
        counts = runs["default", WORST].counts
        calls = {name for name in counts if name.startswith("hypercall")}
        found["worst-call"] = max(counts[name].longest for name in calls)
        found["worst-trap"] = max(piece.longest for name, piece in counts.items()
                                  if name not in calls)
    return found


# Bursts of one write of GITS_CWRITER.
COMMANDS = ("nothing", "MAP", "SYNC", "INV", "INT", "MOVI", "DISCARD", "refused", "V")
