"""May this process be forked, so that its children are as good as processes that were started anew?

Only the thread that forks is in the child. So threads must be none, but for those of libraries that see to it
themselves: OpenBLAS ends its threads before each fork and starts them anew when they are wanted; the threads of an
OpenMP runtime wait in a pool, which it gives up when it is asked to. What is left after that and after a fork on trial
is somebody else's. (threadpoolctl, too, finds runtimes by what /proc/self/maps has.)
"""

import contextlib
import gc
import os
import re
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from taskfarm._slot.shared_random import lasting_generator

PATIENCE = 10.0  # s that a forked process may take to go on
_SECOND = 1.0  # s that threads may take to end
_DEVICES = ("/dev/nvidia", "/dev/kfd")  # of NVIDIA, AMD
_OPENMP = re.compile(r"\S*/lib(?:gomp|omp|iomp5)[-.][^/\s]*so[^/\s]*")
_HARD = 2  # omp_pause_hard
_DRAWN = 1 << 64  # entropy of the system has 128 bits; seeds that people write are shorter


def obstacle() -> str:
    """Why this process is not to be forked, in words that follow "it"; "": it may be."""
    for find in (_foreign_threads, _open_devices, _unseeded_generators):
        why = find()
        if why:
            return why
    return ""


class Hangs(Exception):
    """A fork does not come to its end, in words that follow "it"."""


class _Late(BaseException):
    """Ends a function that a module has registered to be called around a fork."""


def fork() -> int:
    """os.fork, which calls what modules have registered for it. Raises Hangs if that takes too long in this process."""
    is_late = False

    def end(*_: object) -> None:
        nonlocal is_late
        is_late = True
        raise _Late  # os.fork goes on with the next function, and forks in the end

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE, PATIENCE)
    try:
        pid = os.fork()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before or signal.SIG_DFL)
    if not is_late:
        return pid
    if pid == 0:
        os._exit(0)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise Hangs(
        f"calls a function before or after each fork (os.register_at_fork) that did not end within {PATIENCE:g} s"
    )


def forks_within(seconds: float, child: Callable[[], None]) -> bool:
    """Runs `child` in a forked process, which ends with it. False if that took longer, and it was killed. Raises
    Hangs."""
    pid = fork()
    if pid == 0:
        try:
            child()
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    pause = 0.0001
    while os.waitpid(pid, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return False
        time.sleep(pause)
        pause = min(2 * pause, 0.01)
    return True


def _named(names: Iterable[str]) -> str:
    """Names in words, each once."""
    return ", ".join(name if count == 1 else f"{count} x {name}" for name, count in Counter(names).items())


def _foreign_threads() -> str:
    python = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if python:
        return f"has threads, which forked processes would lack: {_named(python)}"
    _rest_openmp()
    try:
        goes_on = forks_within(PATIENCE, lambda: None)
    except Hangs as hangs:
        return str(hangs)
    if not goes_on:
        return f"was forked on trial, and the child did not go on within {PATIENCE:g} s"
    deadline = time.monotonic() + _SECOND
    while (others := _other_threads()) and time.monotonic() < deadline:
        time.sleep(0.001)
    return f"has threads, which forked processes would lack: {_named(others)}" if others else ""


def _other_threads() -> list[str]:
    """The names of all threads but the one that calls."""
    names = []
    for task in os.listdir("/proc/self/task"):
        if int(task) == threading.get_native_id():
            continue
        try:
            with open(f"/proc/self/task/{task}/comm") as file:
                names.append(file.read().strip())
        except OSError:  # it has ended
            pass
    return names


def _rest_openmp() -> None:
    """Has OpenMP runtimes give up their threads. The call behind that has LLVM's ready for a fork again."""
    with open("/proc/self/maps") as file:
        runtimes = sorted(set(_OPENMP.findall(file.read())))
    if not runtimes:
        return
    import ctypes

    for path in runtimes:
        try:
            runtime = ctypes.CDLL(path)
            runtime.omp_pause_resource_all(_HARD)
            runtime.omp_get_max_threads()
        except (OSError, AttributeError):  # older than OpenMP 5: its threads stay, and are found
            pass


def _open_devices() -> str:
    for fd in os.listdir("/proc/self/fd"):
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        if path.startswith(_DEVICES):
            return f"has opened {path}, which forked processes can't use"
    return ""


def is_drawn(generator: Any) -> bool:
    """Was a BitGenerator seeded by the system, and not by somebody?"""
    seeds = getattr(generator, "seed_seq", None) or getattr(generator, "_seed_seq", None)
    entropy = getattr(seeds, "entropy", None)
    return isinstance(entropy, int) and entropy >= _DRAWN


def _unseeded_generators() -> str:
    """numpy's generators that were seeded by the system: forked processes would all draw the same of them."""
    numpy = sys.modules.get("numpy.random")
    if numpy is None:
        return ""
    kinds = []
    for found in gc.get_objects():
        if not isinstance(found, numpy.BitGenerator) or found is numpy.mtrand._rand._bit_generator:
            continue
        if is_drawn(found):
            kinds.append(type(found).__name__)
    if not kinds:
        return ""
    return _drawing(kinds)


def _drawing(kinds: Iterable[str]) -> str:
    return (
        "has random generators of no known seed, of which all forked processes would draw the same (what each draws "
        f"depends on where tasks run; a parameter rng does not): {_named(kinds)}"
    )


def drawn_by(function: Callable[..., Any]) -> str:
    """As `obstacle`, of a random.Random that the function uses: what seed that had can't be told."""
    random = sys.modules.get("random")
    if random is None:
        return ""
    with contextlib.suppress(Exception):  # what can't be looked at is no reason
        found = lasting_generator(function)
        if found and isinstance(found[1], random.Random):
            return _drawing([found[0]])
    return ""
