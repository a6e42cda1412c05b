# SPDX-License-Identifier: GPL-2.0
"""The guest's physical memory, as it is when the guest has powered off.

    with AfterPowerOff(ctx, ask) as memory:
        result = ctx.boot(..., extra=memory.extra)
        memory.read(0x7f000000, 0x1000)

QEMU is told to keep the machine, and a thread fetches what ask(text of the verdict)
wants, a list of (start, size).
"""

import json
import os
import shutil
import socket
import tempfile
import threading

import console


class AfterPowerOff:
    def __init__(self, ctx, ask, label="boot"):
        self.ctx = ctx
        self.verdict = os.path.join(ctx.log_dir, label, "verdict.log")
        self.ask = ask
        self.chunks = []        # (start, bytes)
        self.error = None

    def __enter__(self):
        # The path of a socket must be short.
        self.folder = tempfile.mkdtemp(prefix="its-")
        self.socket = os.path.join(self.folder, "qmp")
        self.extra = ("-no-shutdown", "-qmp", f"unix:{self.socket},server=on,wait=off")
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def read(self, start, size):
        for at, data in self.chunks:
            if at <= start and start + size <= at + len(data):
                return data[start - at:start - at + size]
        self.ctx.fail(f"memory at {start:#x} was not read from outside: {self.error}")

    def _watch(self):
        try:
            self._fetch()
        except (OSError, ValueError, KeyError) as error:
            self.error = repr(error)

    def _fetch(self):
        link = socket.socket(socket.AF_UNIX)
        while True:
            try:
                link.connect(self.socket)
                break
            except OSError:
                if self.over.wait(0.05):
                    return
        # A machine that never powers off ends by the time limit, and the link with it.
        with link, link.makefile("rw") as lines:
            self._command(lines, "qmp_capabilities")
            for line in lines:
                if json.loads(line).get("event") == "STOP":
                    break
            else:
                return
            try:
                self._save(lines)
            finally:
                self._command(lines, "quit")

    def _save(self, lines):
        path = os.path.join(self.folder, "dump")
        for start, size in self.ask(console.read(self.verdict)):
            self._command(lines, "pmemsave", val=start, size=size, filename=path)
            with open(path, "rb") as dump:
                self.chunks.append((start, dump.read()))

    @staticmethod
    def _command(lines, name, **arguments):
        lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        lines.flush()
        for line in lines:
            answer = json.loads(line)
            if "error" in answer:
                raise ValueError(answer["error"]["desc"])
            if "return" in answer:
                return
