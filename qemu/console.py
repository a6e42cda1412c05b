# SPDX-License-Identifier: GPL-2.0
"""What a kernel console must never show.

The console can only make a boot fail, never pass: the verdict comes from a
port of its own (see verdict.py).
"""

import re

# One pattern per way a kernel or the hypervisor complains.
SPLATS = [
    r"WARNING:",
    r"BUG:",
    r"Oops",
    r"Internal error",
    r"Kernel panic",
    r"nVHE hyp ",                       # panic, BUG, CFI and UBSAN failures at EL2
    r"[Hh][Yy][Pp] panic",
    r"Invalid host exception to nVHE hyp",
    r"Failed to finalize Hyp protection",
    r"ITS queue timeout",
    r"Unable to handle kernel",
    r"SError Interrupt",
    r"Bad mode in ",
    r"nobody cared",
    r"rcu_\w+ .*stall",
    r"rcu: .*stall",
    r"soft lockup",
    r"blocked for more than \d+ seconds",
    r"[Cc]all trace:",
    r"cut here \]",
]
SPLAT = re.compile("|".join(SPLATS))


def read(path):
    """The console as text without the carriage returns a terminal wants."""
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace").replace("\r", "")
    except FileNotFoundError:
        return ""


def splats(text, allow=()):
    """The lines that say something went wrong and that nobody expected."""
    allowed = [re.compile(a) for a in allow]
    return [line for line in text.splitlines()
            if SPLAT.search(line) and not any(a.search(line) for a in allowed)]
