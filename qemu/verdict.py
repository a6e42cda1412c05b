# SPDX-License-Identifier: GPL-2.0
"""The verdict a guest test writes on its virtio-serial port.

    ok <what>
    not ok <what>: <detail>
    info <key>=<value>
    skip <reason>
    done <number of ok and not ok lines>

"done" comes last.  Anything that is not exactly this is a failure: a guest that
died half-way or tested nothing must not look like one that succeeded.
"""

import re

PASS, FAIL, SKIP = "pass", "fail", "skip"

LINE = re.compile(r"(?P<word>ok|not ok|info|skip|done) (?P<rest>\S.*)")


class Verdict:
    def __init__(self, text):
        self.text = text
        self.ok = []            # what was checked and found right
        self.failed = []        # "<what>: <detail>"
        self.info = {}
        self.skipped = None     # reason
        self.errors = []        # why this is no verdict at all
        self._parse(text)

    def _parse(self, text):
        done = None
        if text and not text.endswith("\n"):
            self.errors.append("the last verdict line is cut off")
        for line in text.splitlines():
            match = LINE.fullmatch(line)
            if done is not None:
                self.errors.append(f"verdict line after 'done': {line!r}")
            elif not match:
                self.errors.append(f"not a verdict line: {line!r}")
            elif match["word"] == "ok":
                self.ok.append(match["rest"])
            elif match["word"] == "not ok":
                self.failed.append(match["rest"])
            elif match["word"] == "skip":
                self.skipped = match["rest"]
            elif match["word"] == "info":
                key, equals, value = match["rest"].partition("=")
                if equals:
                    self.info[key] = value
                else:
                    self.errors.append(f"info without a value: {line!r}")
            else:
                done = match["rest"]

        checks = len(self.ok) + len(self.failed)
        if not text:
            self.errors.append("no verdict: the guest reported nothing")
        elif done is None:
            self.errors.append("no verdict: the guest did not get to 'done'")
        elif done != str(checks):
            self.errors.append(f"'done {done}' after {checks} checks")
        elif not checks and not self.skipped:
            self.errors.append("no verdict: the guest checked nothing")

    @property
    def outcome(self):
        if self.errors or self.failed:
            return FAIL
        return SKIP if self.skipped else PASS

    @property
    def reasons(self):
        return self.errors + [f"not ok {line}" for line in self.failed]
