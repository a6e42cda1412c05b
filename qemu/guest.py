# SPDX-License-Identifier: GPL-2.0
"""Build the guest's PID 1 and put initramfs images together."""

import fcntl
import glob
import hashlib
import os
import stat
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SOURCES = os.path.join(ROOT, "tests", "guest")
BUILD = os.path.join(ROOT, "build", "guest")

COMPILER = os.environ.get("CROSS_COMPILE", "aarch64-linux-gnu-") + "gcc"
FLAGS = ["-static", "-O2", "-Wall", "-Wextra", "-Werror", "-std=gnu11"]


class GuestError(Exception):
    """One line for the user."""


def build_init():
    """Path of the static PID 1, compiled again only when a source changed."""
    sources = sorted(glob.glob(os.path.join(SOURCES, "*.c")))
    headers = sorted(glob.glob(os.path.join(SOURCES, "*.h")))
    digest = hashlib.sha256(" ".join([COMPILER] + FLAGS).encode())
    for path in sources + headers:
        digest.update(os.path.basename(path).encode() + b"\0")
        with open(path, "rb") as f:
            digest.update(f.read())
    output = os.path.join(BUILD, f"init-{digest.hexdigest()[:16]}")

    os.makedirs(BUILD, exist_ok=True)
    # Two runners started at the same time must not write the same file.
    with open(os.path.join(BUILD, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.path.exists(output):
            return output
        for old in glob.glob(os.path.join(BUILD, "init-*")):
            os.unlink(old)
        try:
            done = subprocess.run([COMPILER, *FLAGS, "-o", output + ".tmp", *sources],
                                  stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            raise GuestError(f"{COMPILER} is missing: install gcc-aarch64-linux-gnu")
        if done.returncode:
            raise GuestError(f"the guest program does not compile:\n{done.stderr.rstrip()}")
        os.rename(output + ".tmp", output)
    return output


def _cpio_entry(out, number, name, mode, data=b"", device=(0, 0)):
    """One member of a "newc" archive; header and data are padded to 4 bytes."""
    encoded = name.encode() + b"\0"
    fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(encoded), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + encoded
    out.write(header + b"\0" * (-len(header) % 4))
    out.write(data + b"\0" * (-len(data) % 4))


def write_initramfs(path, files):
    """files: {path in the guest: path on the host}; executable, owned by root."""
    members = {"dev": (stat.S_IFDIR | 0o755, b"", (0, 0)),
               # The kernel opens the console before anything can mount devtmpfs.
               "dev/console": (stat.S_IFCHR | 0o600, b"", (5, 1))}
    for name, source in files.items():
        parts = name.strip("/").split("/")
        for depth in range(1, len(parts)):
            members.setdefault("/".join(parts[:depth]), (stat.S_IFDIR | 0o755, b"", (0, 0)))
        with open(source, "rb") as f:
            members["/".join(parts)] = (stat.S_IFREG | 0o755, f.read(), (0, 0))
    with open(path, "wb") as out:
        for number, (name, (mode, data, device)) in enumerate(members.items(), 1):
            _cpio_entry(out, number, name, mode, data, device)
        _cpio_entry(out, 0, "TRAILER!!!", 0)
