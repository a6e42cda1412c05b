# SPDX-License-Identifier: GPL-2.0
"""What make send makes ready, by the mails of its dry run; nothing is sent."""

import glob
import os
import re
import shutil

import testing
from testing import test

SERIES = os.path.join(testing.ROOT, "series")
SECOND = os.path.join(testing.ROOT, "series-redist")
MAINTAINERS = os.path.join(testing.ROOT, "build", "linux.base", "MAINTAINERS")


def patches(folder):
    return sorted(path for path in glob.glob(os.path.join(folder, "[0-9]*-*.patch"))
                  if not os.path.basename(path).startswith("0000-"))


def mails(out):
    """(subject, recipients) of each mail of the dry run."""
    log = open(os.path.join(out, "dry-run.log")).read()
    for text in log.split("Dry-OK. Log says:\n")[1:]:
        yield (re.search(r"^Subject: (.*)", text, re.M)[1],
               set(re.findall(r"^RCPT TO:<(.*)>", text, re.M)))


def send(ctx, series):
    """The cover letter and all patches, each to a maintainer and to the lists."""
    out = os.path.join(ctx.log_dir, "send")
    text = ctx.run(["nice", "scripts/send", os.path.basename(series), series, out])
    ctx.expect("are not signed off" in text, "doesn't say that sign-offs are missing")
    ctx.expect(("first those of series/" in text) == (series != SERIES),
               "doesn't say what to apply first, or says it of the first series")
    count = len(patches(series))
    found = list(mails(out))
    ctx.expect(len(found) == count + 1, f"{len(found)} mails for {count} patches and a letter")
    roles = open(MAINTAINERS).read()
    for number, (subject, to) in enumerate(found):
        ctx.expect(f" {number:0{len(str(count))}d}/{count}] " in subject,
                   f"mail {number} is {subject}")
        ctx.expect(any(re.search(rf"^M:.*<{re.escape(who)}>", roles, re.M) for who in to),
                   f"no maintainer gets {subject}", *sorted(to))
        for name in ("linux-arm-kernel@lists.infradead.org", "linux-kernel@vger.kernel.org"):
            ctx.expect(name in to, f"{name} doesn't get {subject}", *sorted(to))
    ctx.expect(set().union(*(to for _, to in found[1:])) <= found[0][1],
               "somebody gets a patch without the cover letter")


@test("send", groups=("default", "fast"))
def first(ctx):
    send(ctx, SERIES)


if os.path.isdir(SECOND):
    @test("send-redist", groups=("default", "fast"))
    def second(ctx):
        send(ctx, SECOND)


def refused(ctx, label, pattern, damage):
    """scripts/send of a series to which damage(paths) was done fails and says pattern."""
    folder = os.path.join(ctx.log_dir, label)
    os.makedirs(folder)
    for path in patches(SERIES):
        shutil.copy(path, folder)
    damage(patches(folder))
    out = os.path.join(ctx.log_dir, f"{label}.out")
    try:
        ctx.run(["nice", "scripts/send", "series", folder, out])
    except testing.Failure as failure:
        ctx.expect(re.search(pattern, str(failure)), f"{label}: refused for another reason",
                   str(failure))
    else:
        ctx.fail(f"{label}: not refused")
    ctx.expect(not glob.glob(os.path.join(out, "*.patch")), f"{label}: mails were made")


def edit(path, old, new):
    text = open(path).read()
    if old not in text:
        raise ValueError(f"{path} has no {old!r}")
    with open(path, "w") as f:
        f.write(text.replace(old, new, 1))


@test("send-broken", groups=("default", "fast"))
def broken(ctx):
    """A patch that doesn't apply, or that is missing."""
    last = f"/{len(patches(SERIES))}]"
    refused(ctx, "hunk", "0005-.*does not apply",
            lambda paths: edit(paths[4], "\n \t", "\n \tbroken"))
    refused(ctx, "missing", "is not patch 1 of", lambda paths: os.remove(paths[6]))
    refused(ctx, "misnumbered", "is not patch",
            lambda paths: edit(paths[0], last, "/99]"))
