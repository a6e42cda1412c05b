# SPDX-License-Identifier: GPL-2.0
"""The kernel's own KVM selftests, built by scripts/selftests."""

import os
import re

import testing
from testing import test

BUILT = os.path.join(testing.ROOT, "build", "selftests")
ITS = "arm64/its_hardening"

# These measure, and check nothing that the others don't.
NOT_RUN = {name: "measures how long something takes" for name in (
    "access_tracking_perf_test", "dirty_log_perf_test", "memslot_perf_test")}
NOT_RUN["dirty_log_test"] = "touches 1 GiB page by page, time and again: too slow in emulation"
NOT_RUN["rseq_test"] = "waits for 100,000 migrations of a task: too slow in emulation"
# Less of the same, so that it comes to an end under emulation, and at its pace.
ARGUMENTS = {
    "arch_timer": "-i 3 -p 500 -e 300000 -m 0",
    "arm64/debug-exceptions": "-i 20",
    "demand_paging_test": "-b 16M",
    "kvm_page_table_test": "-b 16M",
    "memslot_modification_stress_test": "-b 16M -i 5",
    "mmu_stress_test": "-m 1 -s 1",
}
# Seconds for each; the longest is irqfd_test.
LIMIT = 150


def build(ctx):
    """Build them if need be; {name: why it could not be built}."""
    ctx.run(["nice", "scripts/selftests"])
    with open(os.path.join(BUILT, "unbuilt")) as f:
        return dict(line.rstrip("\n").split(": ", 1) for line in f)


def built():
    names = [os.path.relpath(os.path.join(folder, name), BUILT)
             for folder, _, files in os.walk(BUILT) for name in files]
    return sorted(name for name in names if name not in ("unbuilt", "stamp"))


def boot(ctx, names, label, **options):
    """Boot, run these selftests one after the other."""
    path = os.path.join(ctx.log_dir, f"{label}.list")
    with open(path, "w") as f:
        f.writelines(f"{name} {ARGUMENTS.get(name, '')}".rstrip() + "\n" for name in names)
    files = {f"selftests/{name}": os.path.join(BUILT, name) for name in names}
    return ctx.boot("selftest-kvm", label=label, files={**files, "selftests/list": path},
                    **options)


def skipped(result):
    return [value for key, value in result.verdict.info.items() if key.startswith("skipped_")]


def its(name, cpu, **options):
    @test(f"selftest-its{name}")
    def case(ctx):
        """An honest and a hostile host in user space, while VMs with vPEs come and go."""
        build(ctx)
        result = boot(ctx, [ITS], "boot", cpu=cpu, args={"tap": 1, "limit": 120},
                      params=["kvm-arm.vgic_v4_enable=1"], **options)
        ctx.expect(not skipped(result), "the program has skipped what can be tested here",
                   *skipped(result))
        accepted = [int(found[1]) for line in result.verdict.info.values()
                    if (found := re.match(r"# (\d+) commands, ", line))]
        # Of the VMs before the attacks, the attacks, and the VMs after them
        ctx.expect(len(accepted) == 3 and accepted[0] > 100 and accepted[2] > 100,
                   f"EL2 saw {accepted} commands: no vPEs came and went")


its("", "max")
its("-acpi", "cortex-a57", efi=True)


@test("selftest-its-base", variants=["default.base"])
def its_base(ctx):
    """It leaves a machine alone that is not protected, in whatever mode."""
    build(ctx)
    for mode in ("protected", "nvhe"):
        result = boot(ctx, [ITS], mode, cpu="cortex-a57", mode=mode,
                      args={"tap": 1, "limit": 120}, debug=["trace:gicv3_its_write"])
        left_out = skipped(result)
        ctx.expect(len(left_out) == 14, f"{len(left_out)} scenarios were skipped, not 14",
                   *left_out)
        stray = re.findall(r"gicv3_its_write .*data 0x\w*41414141.*", result.trace)
        ctx.expect(not stray, "a hostile write was made all the same", *stray)


def outcome(result, name):
    """(pass, skip, fail, timeout or none; seconds; text)"""
    text = result.verdict.info.get(name)
    if text is None:
        return "none", 0.0, "; ".join(result.reasons[:1])
    word, seconds, *rest = text.split(" ", 2)
    return word, float(seconds), rest[0] if rest else ""


def differs(base, series):
    """A test that is slow anyway, and does not end in time once, says nothing."""
    if "timeout" in (base[0], series[0]):
        other = series if base[0] == "timeout" else base
        return other[0] in ("pass", "skip", "fail") and other[1] < LIMIT / 2
    return base[0] != series[0]


# Pointer authentication as the architecture has it takes QEMU most of its time.
CPUS = {"a57": "cortex-a57", "max": "max,pauth-impdef=on"}
CELLS = [(cpu, mode) for cpu in CPUS for mode in ("protected", "nvhe")]


@test("selftests-table", variants=["default", "default.base"], groups=())
def table(ctx):
    """What upstream tests of KVM comes to the same with the series and without."""
    unbuilt = build(ctx)
    names = [name for name in built() if name not in NOT_RUN and name != ITS]
    rows, reasons, different = {}, {}, []
    for cpu, mode in CELLS:
        def both(some, again=""):
            return {variant: boot(ctx, some, f"{cpu}-{mode}-{variant}{again}", variant=variant,
                                  cpu=CPUS[cpu], mode=mode, memory=2048, expect_pass=False,
                                  time_limit=60 + LIMIT * len(some), args={"limit": LIMIT})
                    for variant in ("default.base", "default")}

        first = both(names)
        pairs = {name: [outcome(first[variant], name) for variant in first] for name in names}
        # Some of them fail now and then: what is different has to be so twice.
        some = [name for name in names if differs(*pairs[name])]
        if some:
            second = both(some, "-again")
            for name in some:
                again = [outcome(second[variant], name) for variant in second]
                if differs(*again):
                    different.append(f"{name} on {cpu}, {mode}: base {again[0][0]}, "
                                     f"series {again[1][0]}: {again[1][2]}")
                else:
                    ctx.note(f"{name} on {cpu}, {mode}: base {pairs[name][0][0]}, series "
                             f"{pairs[name][1][0]} once, then both {again[1][0]}")
                    pairs[name] = again
        for name, (base, series) in pairs.items():
            rows.setdefault(name, []).append(
                base[0] if base[0] == series[0] else f"{base[0]}/{series[0]}")
            for what in (base, series):
                if what[0] != "pass":
                    reasons.setdefault((name, what[0], what[2]), []).append(f"{cpu}, {mode}")
        for variant, result in first.items():
            for line in result.splats[:3]:
                ctx.note(f"{variant} on {cpu}, {mode}, kernel: {line}")
        if first["default"].splats and not first["default.base"].splats:
            different.append(f"the kernel complains on {cpu}, {mode}, with the series only: "
                             + first["default"].splats[0])

    width = max(map(len, names))
    ctx.note(f"{'base, or base/series':{width}}  " + "  ".join(f"{c} {m}" for c, m in CELLS))
    for name, cells in rows.items():
        ctx.note(f"{name:{width}}  " + "  ".join(
            f"{cell:{len(c + m) + 1}}" for cell, (c, m) in zip(cells, CELLS)))
    for (name, word, text), where in reasons.items():
        ctx.note(f"{name}: {word} ({'; '.join(dict.fromkeys(where))}): {text}")
    for name, reason in {**NOT_RUN, **{n: f"not built: {r}" for n, r in unbuilt.items()}}.items():
        ctx.note(f"{name}: not run: {reason}")
    with open(os.path.join(ctx.log_dir, "table"), "w") as f:
        f.writelines(f"{line}\n" for line in ctx.notes)
    ctx.expect(not different, f"{len(different)} differences", *different)
