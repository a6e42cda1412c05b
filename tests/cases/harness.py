# SPDX-License-Identifier: GPL-2.0
"""Checks of the checks: each of these boots must be seen to fail."""

import os

import console
import verdict
from testing import Machine, qemu, test

FAST = ("default", "fast")


def must_fail(name, guest_test, reason, groups=("default",), **machine):
    @test(f"harness-{name}", groups=groups)
    def check(ctx):
        result = ctx.boot(guest_test, expect_pass=False, smp=1, **machine)
        ctx.expect_failure(result, reason)


@test("harness-pass", groups=FAST)
def passes(ctx):
    """The counterpart: without a fault the same harness says pass."""
    result = ctx.boot("selftest-pass", smp=1)
    ctx.expect(result.outcome == verdict.PASS, f"reported as {result.outcome}")


must_fail("fail", "selftest-fail", r"^not ok a check that fails", FAST)
must_fail("zero-checks", "selftest-zero", r"checked nothing")
must_fail("warn", "selftest-warn", r"complained: .*WARNING: fake", FAST)
must_fail("crash", "selftest-crash", r"killed by signal 11")
must_fail("silent", "selftest-silent", r"reported nothing")
must_fail("noise", "selftest-noise", r"reported nothing")
must_fail("hang", "selftest-hang", r"^time-out", time_limit=10)
must_fail("restart", "selftest-restart", r"without powering down")
must_fail("unknown-test", "no-such-test", r"^not ok known guest test")
# A kernel without a PID 1 panics.
must_fail("panic", "selftest-pass", r"complained: .*Kernel panic",
          params=("rdinit=/none",))
must_fail("qemu-error", "selftest-pass", r"^QEMU ended with status",
          extra=("-device", "no-such-device"))


# The guest test "boot" sees a machine that is not as it should be.
must_fail("no-msi", "boot", r"^not ok rng uses MSI-X through the ITS", params=("pci=nomsi",))
must_fail("wrong-mode", "boot", r"^not ok EL2 mode is vhe", args={"mode": "vhe"})
must_fail("wrong-gic", "boot", r"^not ok GIC version", args={"gic": 3})
must_fail("wrong-cpus", "boot", r"^not ok number of CPUs online", args={"cpus": 2})
must_fail("missing-device", "boot", r"^not ok blk is there",
          devices=("rng",), args={"devices": "rng+blk"})
# A disk that forgets everything.
must_fail("wrong-data", "boot", r"^not ok blk moves the right data",
          devices=(), args={"devices": "blk"},
          extra=("-drive", "driver=null-co,read-zeroes=on,size=1M,if=none,id=disk0",
                 "-device", "virtio-blk-pci,drive=disk0"))


@test("harness-skip")
def skip(ctx):
    """A skip is neither a pass nor a failure."""
    result = ctx.boot("selftest-skip", expect_pass=False, smp=1)
    ctx.expect(result.outcome == verdict.SKIP, f"reported as {result.outcome}")


@test("harness-allow")
def allow(ctx):
    """An expected console line is no failure, any other still is."""
    ctx.boot("selftest-warn", label="expected", smp=1, allow=["WARNING: fake"])
    other = ctx.boot("selftest-warn", label="other", smp=1, expect_pass=False,
                     allow=["WARNING: something else"])
    ctx.expect_failure(other, r"complained: .*WARNING: fake")


@test("harness-missing-image", groups=FAST, variants=())
def missing_image(ctx):
    try:
        qemu.boot(Machine(os.path.join(ctx.log_dir, "Image"), os.path.join(ctx.log_dir, "boot")))
    except qemu.BootError:
        return
    ctx.fail("an image that does not exist was booted")


@test("harness-verdict", groups=FAST, variants=())
def verdict_grammar(ctx):
    """Everything but the exact grammar is a failure."""
    good = "ok a\ninfo k=v\nok b\ndone 2\n"
    ctx.expect(verdict.Verdict(good).outcome == verdict.PASS, "a good verdict fails")
    for bad in ("", "done 0\n", "ok a\n", "ok a\ndone 2\n", "ok a\ndone 1",
                "ok a\ndone 1\nok b\n", "ok a\nnot ok b: c\ndone 2\n", "ok a\nok\ndone 1\n",
                "ok a\nnoise\ndone 1\n", "ok a\ninfo k\ndone 1\n", "skip r\n",
                "skip r\nnot ok a: b\ndone 1\n"):
        outcome = verdict.Verdict(bad).outcome
        ctx.expect(outcome == verdict.FAIL, f"reported as {outcome}: {bad!r}")


@test("harness-console", groups=FAST, variants=())
def console_patterns(ctx):
    """Real messages of the kernel and the hypervisor are seen, good ones are not."""
    bad = """\
WARNING: CPU: 0 PID: 1 at kernel/fork.c:1 f+0x1/0x2
BUG: scheduling while atomic: sh/1/0x00000002
Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008
Internal error: Oops: 0000000096000004 [#1] SMP
Kernel panic - not syncing: HYP panic:
kvm [1]: nVHE hyp panic at: [<ffff800080000000>] __kvm_nvhe_f+0x1/0x2!
kvm [1]: nVHE hyp BUG at: arch/arm64/kvm/hyp/nvhe/mem_protect.c:1!
kvm [1]: Invalid host exception to nVHE hyp!
ITS queue timeout (65536 1)
rcu: INFO: rcu_sched self-detected stall on CPU
rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
INFO: task init:1 blocked for more than 120 seconds.
watchdog: BUG: soft lockup - CPU#0 stuck for 22s!
irq 20: nobody cared (try booting with the "irqpoll" option)
Failed to finalize Hyp protection: -22
SError Interrupt on CPU0, code 0x00000000be000000
Call trace:
------------[ cut here ]------------"""
    for line in bad.splitlines():
        ctx.expect(console.splats(f"[    1.0] {line}"), f"not seen: {line}")
    good = """\
kvm [1]: Protected hVHE mode initialized successfully
kvm [1]: Hyp nVHE mode initialized successfully
rcu: Hierarchical RCU implementation.
reboot: Power down"""
    for line in good.splitlines():
        ctx.expect(not console.splats(f"[    1.0] {line}"), f"wrongly seen: {line}")


@test("deterministic", groups=FAST)
def deterministic(ctx):
    """Two deterministic boots do the same at the ITS, event by event."""
    traces = []
    for label in ("first", "second"):
        result = ctx.boot("boot", label=label, deterministic=True,
                          debug=("trace:gicv3_its*",))
        ctx.expect("gicv3_its_cmd_mapd" in result.trace, "the trace has no MAPD",
                   f"trace: {result.machine.path('trace.log')}")
        traces.append(result.trace)
    ctx.expect(traces[0] == traces[1], "the traces differ",
               f"compare trace.log in {ctx.log_dir}/first and {ctx.log_dir}/second")
