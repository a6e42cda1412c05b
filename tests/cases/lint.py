# SPDX-License-Identifier: GPL-2.0
"""Other compilers, other configurations and the kernel's own checkers: scripts/lint.

On demand, as each of them builds a kernel, or much of it.
"""

import re
import subprocess

import testing
from testing import test


def lint(name):
    # scripts/lint runs one check at a time; its lock makes the others wait.
    @test(f"lint-{name}", groups=())
    def case(ctx):
        done = subprocess.run(["nice", "scripts/lint", name], cwd=testing.ROOT, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        found = re.fullmatch(rf"(PASS|FAIL|SKIP) {name}(?:: (.*))?\n", done.stdout)
        ctx.expect(found, f"scripts/lint ended with status {done.returncode}",
                   *done.stdout.splitlines(), *done.stderr.splitlines())
        if found[1] == "SKIP":
            ctx.skip(found[2])
        ctx.expect(found[1] == "PASS" and done.returncode == 0, found[2] or "status, too")


for name in ("clang", "arm32", "no-kvm", "no-pci", "kernel-doc", "coccicheck", "htmldocs"):
    lint(name)
