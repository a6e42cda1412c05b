# SPDX-License-Identifier: GPL-2.0
"""What the series may cost, as numbers; checked by the tests bench-*.

A target is what was asked for, None if it was only to be stated; a limit is what a
test allows on each CPU model, and should be the target wherever that is reached, and
just above what is reached elsewhere. All are counted as bench/README.md says:
instructions at EL2, unless the text says otherwise.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Budget:
    name: str       # what measures.py calls it
    text: str
    target: float
    limits: dict    # {CPU model: at most}


def budget(name, text, target, max, a57):
    return Budget(name, text, target, {"max": max, "cortex-a57": a57})


BUDGETS = [
    #      name                  text                                        target    max     a57
    budget("read-entries",       "EL2 entries of a register read",                0,     0,      0),
    budget("cwriter-entries",    "EL2 entries of a write of GITS_CWRITER",        1,     1,      1),
    budget("sync-ratio",         "a SYNC, to a write that submits nothing",     2.0,   1.5,    1.5),
    # Twice 156, which is what it takes to forward a write that nobody looks at
    budget("sync",               "a SYNC alone",                                312,   520,    520),
    budget("empty",              "a write that submits nothing",              None,   380,    380),
    budget("sync-further",       "a further SYNC in the same write",             60,   105,    105),
    budget("mapti-further",      "a further MAPTI",                             120,   160,    165),
    budget("inv-further",        "a further INV",                               120,   120,    120),
    budget("mapti-sync",         "MAPTI+SYNC, as the driver posts it",          350,   690,    700),
    budget("vpe-load",           "a vPE is made resident, two writes",         None,  1000,   1000),
    budget("vpe-put",            "and ceases to be, one write",                None,   500,    500),
    budget("device-percent",     "unbind+bind, all instructions, % over base",  1.0,   1.4,    1.4),
    budget("boot-percent",       "a boot, all instructions, % over base",       1.0,   1.3,    1.3),
    budget("worst-trap",         "the worst trap of a hostile host",           None,  12e6,   12e6),
    budget("worst-call",         "the worst hypercall with the ITS's lock",    None, 4e6,   4e6),
]


def complaints(values, cpu, names=None):
    """What is over its limit, of these names; a value that is missing is, too."""
    lines = []
    for item in BUDGETS:
        if names and item.name not in names:
            continue
        if item.name not in values:
            lines.append(f"{item.text}: not measured")
        elif not values[item.name] <= item.limits[cpu]:
            lines.append(f"{item.text}: {values[item.name]:g}, the limit is {item.limits[cpu]:g}")
    return lines
