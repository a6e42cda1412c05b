# SPDX-License-Identifier: GPL-2.0
"""Two series in one branch, in a small repository with a small base: what
scripts/refresh makes of them, and scripts/tree of that."""

import os
import re
import shutil

import testing
from testing import test

COVER = """\
From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: Nobody <nobody@localhost>
Date: Thu, 1 Jan 2026 00:00:00 +0000
Subject: [PATCH v1 0/0] A series

Nobody (0):
  nothing
"""


class Repository:
    def __init__(self, ctx):
        self.ctx = ctx
        self.root = os.path.join(ctx.log_dir, "repository")
        self.linux = self.path("build", "linux")
        self.env = {key: value for key, value in os.environ.items()
                    if key != "LINUX" and not key.startswith("GIT_")}
        for who in ("AUTHOR", "COMMITTER"):
            self.env |= {f"GIT_{who}_NAME": "Nobody", f"GIT_{who}_EMAIL": "nobody@localhost"}
        shutil.copytree(os.path.join(testing.ROOT, "scripts"), self.path("scripts"))
        for name in ("series", "series-redist"):
            os.mkdir(self.path(name))
            self.write(f"{name}/0000-cover-letter.patch", COVER)
        shutil.copy(os.path.join(testing.ROOT, "series", "base"), self.path("series"))
        os.makedirs(self.linux)
        self.git(self.root, "init", "-q")
        self.git(self.linux, "init", "-q", "-b", "series")
        self.commit("base")
        self.git(self.linux, "tag", "base")
        self.forget()

    def path(self, *names):
        return os.path.join(self.root, *names)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)

    def git(self, folder, *words):
        return self.ctx.run(["git", "-C", folder, *words], env=self.env)

    def commit(self, name):
        """A commit that adds a file, with that file in its subject."""
        os.makedirs(os.path.join(self.linux, "lib"), exist_ok=True)
        self.write(f"build/linux/lib/{name}", f"{name}\n")
        self.git(self.linux, "add", "lib")
        self.git(self.linux, "commit", "-q", "-m", f"lib: Add {name}")

    def forget(self):
        """Nothing but the base in build/linux, as scripts/tree leaves it at first."""
        self.git(self.linux, "reset", "-q", "--hard", "base")
        self.git(self.linux, "update-ref", "refs/series/applied", "base")
        digest = os.path.join(self.linux, ".git", "series-digest")
        if os.path.exists(digest):
            os.remove(digest)
        self.script("tree")

    def script(self, name, *words):
        return self.ctx.run([self.path("scripts", name), *words], env=self.env)

    def refused(self, name, pattern):
        try:
            self.script(name)
        except testing.Failure as failure:
            self.ctx.expect(re.search(pattern, str(failure)),
                            f"{name}: refused for another reason", str(failure))
        else:
            self.ctx.fail(f"{name}: not refused")

    def subjects(self):
        """The subject of each patch and cover letter, by path."""
        found = {}
        for folder in ("series", "series-redist"):
            for name in sorted(os.listdir(self.path(folder))):
                if name.endswith(".patch"):
                    text = open(self.path(folder, name)).read()
                    found[f"{folder}/{name}"] = re.search(r"^Subject: (.*)", text, re.M)[1]
        return found


SPLIT = {
    "series/0000-cover-letter.patch": "[PATCH v1 0/2] A series",
    "series/0001-lib-Add-one.patch": "[PATCH 1/2] lib: Add one",
    "series/0002-lib-Add-two.patch": "[PATCH 2/2] lib: Add two",
    "series-redist/0000-cover-letter.patch": "[PATCH v1 0/1] A series",
    "series-redist/0001-lib-Add-three.patch": "[PATCH 1/1] lib: Add three",
}


@test("refresh-split", groups=("default", "fast"), variants=())
def split(ctx):
    """The second series begins where its file "after" says, or not at all."""
    repository = Repository(ctx)
    for name in ("one", "two", "three"):
        repository.commit(name)

    # The whole of a subject, not its beginning.
    for after in ("lib: Add four", "lib: Add t"):
        repository.write("series-redist/after", f"{after}\n")
        repository.refused("refresh", f"series-redist/after: 0 commits .*'{after}'")
    repository.write("series-redist/after", "lib: Add two\n")
    repository.git(repository.linux, "commit", "-q", "--allow-empty", "-m", "lib: Add two")
    repository.refused("refresh", "series-redist/after: 2 commits .*'lib: Add two'")
    repository.git(repository.linux, "reset", "-q", "--hard", "HEAD~1")

    repository.script("refresh")
    ctx.expect(repository.subjects() == SPLIT, f"refresh made {repository.subjects()}")
    for name, own in (("series", ["one", "two"]), ("series-redist", ["three"])):
        text = open(repository.path(name, "0000-cover-letter.patch")).read()
        found = re.findall(r"^ create mode 100644 lib/(.*)", text, re.M)
        ctx.expect(sorted(found) == own, f"the cover letter of {name} has {found}")
    repository.script("check-agree")
    repository.script("cover", "--check")

    # What the patches say comes back as it was.
    repository.git(repository.root, "add", "series", "series-redist")
    repository.git(repository.root, "commit", "-q", "-m", "Both")
    repository.forget()
    repository.script("check-agree")
    repository.script("refresh")
    changed = repository.git(repository.root, "status", "--porcelain", "-uno")
    ctx.expect(not changed, "tree and refresh do not fit", changed)

    repository.write("build/linux/lib/three", "3\n")
    repository.git(repository.linux, "commit", "-q", "-a", "--amend", "-m", "lib: Add three")
    repository.refused("check-agree", "not what build/linux gives")
    repository.script("refresh")
    for name, own in (("series", {"one", "two"}), ("series-redist", {"three"})):
        text = repository.script("range-diff", name, "HEAD")
        ctx.expect(set(re.findall(r"lib: Add (\w+)$", text, re.M)) == own,
                   f"range-diff of {name}", text)

    os.remove(repository.path("series-redist", "after"))
    repository.script("refresh")
    ctx.expect([name for name in repository.subjects() if "0000-" not in name] ==
               ["series/0001-lib-Add-one.patch", "series/0002-lib-Add-two.patch",
                "series/0003-lib-Add-three.patch"], f"refresh left {repository.subjects()}")
    shutil.rmtree(repository.path("series-redist"))
    repository.script("check-agree")
    repository.script("cover", "--check")
    repository.script("tree")
