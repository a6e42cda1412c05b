#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Count all that measures.py knows, print it, and write it with a plot to a folder.

    bench/table.py [--out bench/results]
    bench/table.py --profile "MAPTI+SYNC 2"     which functions of EL2 that is in
    bench/table.py --profile boot
"""

import argparse
import csv
import hashlib
import os
import re
import subprocess
import sys

import budgets
import counting
import measures
import plot

CPUS = ("max", "cortex-a57")
IMAGES = os.path.join(counting.ROOT, "build", "images")
LOGS = os.path.join(counting.ROOT, "build", "logs", "bench")
RESULTS = os.path.join(counting.ROOT, "bench", "results")


class Boots:
    """Boots images for one CPU model; the results are kept by variant."""

    def __init__(self, cpu):
        self.cpu = cpu

    def __call__(self, label, guest_test, variant, **machine):
        print(f"bench: {self.cpu}: {label}", file=sys.stderr, flush=True)
        result = counting.qemu.boot(counting.qemu.Machine(
            os.path.join(IMAGES, variant, "Image"), os.path.join(LOGS, self.cpu, label),
            guest_test, **machine))
        if result.outcome != counting.qemu.PASS:
            raise counting.CountError(f"{label}: {'; '.join(result.reasons) or result.outcome};"
                                      f" logs in {result.machine.log_dir}")
        return result


def git(folder, *words):
    done = subprocess.run(["git", "-c", "safe.directory=*", "-C", folder, *words],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return done.stdout.strip() if not done.returncode else ""


def commit(folder):
    """Of what is there, and whether there is more than that."""
    edits = git(folder, "status", "--porcelain", "--untracked-files=no", "--", ":!bench/results")
    return (git(folder, "describe", "--always") or "unknown") + (" with edits" if edits else "")


def version(runs):
    """[(what, which)] of all that the numbers depend on."""
    lines = [("repository", commit(counting.ROOT)),
             ("build/linux", commit(os.path.join(counting.ROOT, "build", "linux")))]
    for variant in measures.VARIANTS:
        with open(os.path.join(IMAGES, variant, "Image"), "rb") as f:
            digest = hashlib.sha256(f.read()).hexdigest()[:16]
        lines.append((f"image {variant}", f"sha256 {digest}"))
    console = runs["max"]["default", measures.BOOT].result.console
    kernel = re.search(r"Linux version (\S+) \S+ \((\S+ .*?), GNU ld", console)
    if not kernel:
        raise counting.CountError("the kernel doesn't say which it is")
    lines += [("kernel", kernel[1]), ("compiler", kernel[2]), ("QEMU", counting.qemu_version())]
    return lines


def rows(runs):
    """[(operation, CPU, "series" or "base", Counts)]"""
    found = []
    for cpu in CPUS:
        for (variant, test), run in runs[cpu].items():
            where = "base" if variant.endswith(".base") else "series"
            pieces = {"boot": run.total} if test == measures.BOOT else run.counts
            found += [(name, cpu, where, piece) for name, piece in pieces.items()]
    return found


def by_operation(table):
    """{operation: {(CPU, where): Counts}}"""
    found = {}
    for name, cpu, where, piece in table:
        found.setdefault(name, {})[cpu, where] = piece
    return found


# A boot and a device are about everything that is executed; the rest about EL2.
def is_whole(name):
    return name == "boot" or name.startswith("unbind")


def operation_table(operations, want_whole):
    head = ["operation"]
    for cpu in CPUS:
        if want_whole:
            head += [f"{cpu}: entries", "of base", "at EL2", "of base", "all", "of base", "more"]
        else:
            head += [f"{cpu}: entries", "at EL2", "longest"]
    lines = [head]
    for name, counts in operations.items():
        if is_whole(name) != want_whole:
            continue
        line = [name]
        for cpu in CPUS:
            series, base = counts[cpu, "series"], counts.get((cpu, "base"))
            if not want_whole:
                line += [series.entries, series.el2, series.longest]
                # What the base does is said once, above the table
                if base and (base.entries or base.el2):
                    raise counting.CountError(f"{name}: the base enters EL2")
            else:
                line += [series.entries, base.entries, series.el2, base.el2, series.all, base.all,
                         f"{measures.percent(series, base):+.2f} %"]
        lines.append(line)
    return lines


def budget_table(runs):
    lines = [["budget", "target"] + [f"{cpu}: {what}" for cpu in CPUS for what in ("is", "limit")]]
    values = {cpu: measures.values(runs[cpu]) for cpu in CPUS}
    for item in budgets.BUDGETS:
        lines.append([item.text, "-" if item.target is None else f"{item.target:g}"] +
                     [word for cpu in CPUS
                      for word in (number(values[cpu][item.name]), number(item.limits[cpu]))])
    return lines


def number(value):
    return f"{value:.0f}" if value == int(value) or value > 1000 else f"{value:.2f}"


def text_table(lines):
    widths = [max(len(str(line[column])) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(str(word).ljust(width) if not column else str(word).rjust(width)
                               for column, (word, width) in enumerate(zip(line, widths))).rstrip()
                     for line in lines)


def markdown_table(lines):
    head, *body = [" | ".join(map(str, line)) for line in lines]
    rule = " | ".join(["---"] + ["---:"] * (len(lines[0]) - 1))
    return "\n".join(f"| {line} |" for line in (head, rule, *body))


def report(made_by, operations, runs, table):
    """The report, with tables in the format of one of the two functions above."""
    lines = [f"{what}: {which}" for what, which in made_by]
    return "\n\n".join([
        "# What the series costs", "Counted as bench/README.md says, by `make bench`, with",
        "\n".join(f"- {line}" for line in lines),
        "## Budgets", table(budget_table(runs)),
        "## At EL2, by operation",
        "The number behind a name says how many there are in one write of GITS_CWRITER, or\n"
        "how many accesses. On the base kernel, none of these enters EL2, and there are no\n"
        "such hypercalls.",
        table(operation_table(operations, False)),
        "## Everything that is executed", table(operation_table(operations, True))]) + "\n"


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def write_results(folder, runs):
    os.makedirs(folder, exist_ok=True)
    made_by = version(runs)
    table = rows(runs)
    operations = by_operation(table)
    text = report(made_by, operations, runs, text_table)
    write(os.path.join(folder, "results.txt"), text)
    write(os.path.join(folder, "results.md"),
          report(made_by, operations, runs, markdown_table) + "\n![](results.svg)\n")
    with open(os.path.join(folder, "results.csv"), "w", newline="") as f:
        writer = csv.writer(f, lineterminator="\n")
        writer.writerow(["operation", "cpu", "kernel", "entries", "el2", "other", "longest"])
        for name, cpu, where, piece in table:
            writer.writerow([name, cpu, where, piece.entries, piece.el2, piece.other, piece.longest])
    single, batches = {}, {}
    for name in runs[CPUS[0]]["default", measures.FRAME].counts:
        number = int(name.rpartition(" ")[2])
        at_el2 = [operations[name][cpu, "series"].el2 for cpu in CPUS]
        if number <= 2:
            single[name.rpartition(" ")[0]] = at_el2
        elif any(at_el2):
            batches[name] = [count / number for count in at_el2]
    write(os.path.join(folder, "results.svg"), plot.bars(
        "Instructions at EL2", CPUS,
        [("in one write of GITS_CWRITER, or one hypercall", single),
         ("for each of several writes, or of 16 or 64 commands in one write", batches)],
        dict(made_by)["kernel"] + ", series " + dict(made_by)["build/linux"]))
    return text


def print_profile(what, columns):
    """columns: {heading: {function: instructions}}, sorted by what the first has more."""
    first, *others = columns.values()
    more = {function: count - sum(other.get(function, 0) for other in others)
            for function, count in first.items()}
    threshold = sum(more.values()) / 500
    lines = [[f"{what}, functions of EL2", *columns] + ["more"] * len(others)]
    for function in sorted(more, key=more.get, reverse=True):
        if more[function] >= threshold:
            lines.append([function, first[function]] +
                         [word for other in others
                          for word in (other.get(function, 0), more[function])])
    totals = [sum(column.values()) for column in columns.values()]
    lines.append(["all of them", *totals] + [totals[0] - total for total in totals[1:]])
    print(text_table(lines))


def counter_of(variant, cpu):
    return measures.counter_of(IMAGES, variant, cpu, Boots(cpu))


def profile_of_burst(counter, name):
    for test in (measures.FRAME, measures.WORST):
        run = counter.run(test)
        if name in run.bursts:
            return counter.run(test, profile=run.bursts.index(name), label=f"{test}-profile").profile
    raise counting.CountError(f"no burst is called '{name}'; results.csv has the names")


def profile(name, cpus):
    for cpu in cpus:
        if name == "boot":
            columns = {f"{variant}, {cpu}": counter_of(variant, cpu).run(
                measures.BOOT, profile=counting.WHOLE_RUN).profile for variant in measures.VARIANTS}
        else:
            columns = {cpu: profile_of_burst(counter_of("default", cpu), name)}
        print_profile(name, columns)


def main():
    parser = argparse.ArgumentParser(description="Count what EL2 executes.")
    parser.add_argument("--out", default=RESULTS, metavar="FOLDER", help="default bench/results")
    parser.add_argument("--cpu", choices=CPUS, action="append", help="for --profile; default both")
    parser.add_argument("--profile", metavar="OPERATION",
                        help="only print the functions of one operation, or of a whole 'boot'")
    args = parser.parse_args()
    try:
        if args.profile:
            profile(args.profile, args.cpu or CPUS)
            return
        runs = {cpu: measures.count(IMAGES, cpu, Boots(cpu)) for cpu in CPUS}
        print(write_results(args.out, runs), end="")
    except (counting.CountError, counting.qemu.BootError, counting.qemu.guest.GuestError) as error:
        sys.exit(f"bench: {error}")
    over = [f"{cpu}: {line}" for cpu in CPUS
            for line in budgets.complaints(measures.values(runs[cpu]), cpu)]
    if over:
        sys.exit("bench: over budget:\n" + "\n".join(over))


if __name__ == "__main__":
    main()
