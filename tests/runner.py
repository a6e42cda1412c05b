#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Run tests and report them in KTAP.  See tests/testing.py for how to write one."""

import argparse
import concurrent.futures
import fnmatch
import os
import signal
import sys
import time
import traceback

import testing
from guest import GuestError, build_init

COMMAND = os.environ.get("TEST_COMMAND", "./test")


def select(tests, words):
    """Tests named by words (names, globs, groups), in the order of declaration."""
    groups = {group for test in tests for group in test.groups}
    chosen = set()
    for word in words or ["default"]:
        found = {test.name for test in tests
                 if fnmatch.fnmatchcase(test.name, word) or word in test.groups}
        if not found:
            print(f"{COMMAND}: no test or group is called '{word}' "
                  f"(groups: {', '.join(sorted(groups))}; tests: {COMMAND} --list)",
                  file=sys.stderr)
            sys.exit(2)
        chosen |= found
    return [test for test in tests if test.name in chosen]


def run(test):
    """(outcome, message, evidence lines, seconds)"""
    start = time.monotonic()
    ctx = testing.Context(test)
    try:
        test.run(ctx)
        outcome, text = "passed", ""
    except testing.Skipped as skipped:
        outcome, text = "skipped", str(skipped)
    except (testing.Failure, testing.qemu.BootError, GuestError) as failure:
        outcome, text = "failed", str(failure)
    except Exception:               # a broken test must not end the others
        outcome, text = "failed", "the test itself is broken\n" + traceback.format_exc()
    message, *lines = text.splitlines() or [""]
    return outcome, message, ctx.notes + lines, time.monotonic() - start


class Report:
    """Standard output, kept in a file as well."""

    def __init__(self):
        os.makedirs(testing.LOGS, exist_ok=True)
        self.file = open(os.path.join(testing.LOGS, "results.ktap"), "w")

    def line(self, text):
        print(text, flush=True)
        print(text, file=self.file, flush=True)

    def result(self, number, test, outcome, message, lines, seconds):
        if outcome == "passed":
            self.line(f"ok {number} {test.name}")
            for text in lines:
                self.line(f"#   {text}")
        elif outcome == "skipped":
            self.line(f"ok {number} {test.name} # SKIP {message}")
        else:
            self.line(f"not ok {number} {test.name}")
            for text in [message, *lines]:
                self.line(f"#   {text}")
            self.line(f"#   logs: {os.path.join(testing.LOGS, test.name)}")
            self.line(f"#   repeat: {COMMAND} {test.name}")
        self.line(f"# {seconds:.1f} s")


def main():
    parser = argparse.ArgumentParser(
        prog=COMMAND, description="Run the tests; without arguments the group 'default'.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="test, glob or group (fast, matrix, ...)")
    parser.add_argument("--list", action="store_true", help="list tests and their groups")
    parser.add_argument("--variants", action="store_true",
                        help="print the folders of build/images/ the selection needs")
    parser.add_argument("-j", "--jobs", type=int, default=os.cpu_count(), help="boots at the same time")
    args = parser.parse_args()

    tests = select(testing.load(), args.names or (["*"] if args.list else []))
    if args.list:
        width = max(len(test.name) for test in tests)
        for test in tests:
            print(f"{test.name:{width}}  {' '.join(test.groups)}")
        return
    if args.variants:
        for variant in sorted({v for test in tests for v in test.variants}):
            print(variant)
        return

    # A plain "kill" ends the tests like Ctrl-C does and leaves no QEMU behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        build_init()
    except GuestError as error:
        sys.exit(f"{COMMAND}: {error}")

    report = Report()
    report.line("KTAP version 1")
    report.line(f"1..{len(tests)}")
    count = dict(passed=0, failed=0, skipped=0)
    pool = concurrent.futures.ThreadPoolExecutor(max(1, args.jobs))
    try:
        # Reported in order, so that two runs can be compared line by line.
        for number, (test, result) in enumerate(zip(tests, pool.map(run, tests)), 1):
            report.result(number, test, *result)
            count[result[0]] += 1
    except KeyboardInterrupt:
        pool.shutdown(wait=False, cancel_futures=True)
        testing.qemu.kill_all()
        sys.exit(f"{COMMAND}: interrupted")
    report.line(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    sys.exit(0 if count["passed"] and not count["failed"] else 1)


if __name__ == "__main__":
    main()
