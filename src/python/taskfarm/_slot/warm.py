"""The warm parent: one interpreter a rank imports what tasks need, and forks the processes of slots.

Hosts ask by packets {"fork": {"force": bool, "env": {...}, "cores": [...], "memory": bytes}, "stage": {...}}, each with
the slot's end of its socket, and get the answer there: {"forked": pid}, or {"cold": why} if the slot is to start an
interpreter of its own. From then on the forked process speaks for itself, as a started one does.

It is forked twice, so that it is a child of the spawner, which reaps it and kills it with its host: the end of the warm
parent costs no task anything. Requests wait in the socket; the spawner starts a new parent when there are any.
"""

import contextlib
import gc
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any

from taskfarm._slot import forkable, slot
from taskfarm._slot.errors import text_of
from taskfarm._slot.link import Gone, Link
from taskfarm._slot.load import FOLDERS
from taskfarm._slot.search import VARIABLE
from taskfarm._slot.stage import enter, import_stage

_IMPORT_LIMIT = 300  # s
_PID = struct.Struct("q")


def serve(fd: int) -> None:
    """Verb `warm`: answers requests until nobody is left to send any. In a forked process: is that of a slot."""
    requests = Link(fd)
    imports = _Imports()
    own_name = _rename("farm-warm")
    proven = False
    gc.disable()  # it would write into what forked processes share
    while True:
        try:
            message, descriptors = requests.receive()
        except Gone:
            return
        if "fork" not in message:  # that will be asked for soon
            imports.obstacle(message["stage"], False)
            continue
        wanted, end = message["fork"], Link(descriptors[0])
        why = imports.obstacle(message["stage"], wanted["force"])
        if not why:
            is_slot = False
            try:
                is_slot, why = _fork_away(end)
            except forkable.Hangs as hangs:  # and so would the next one
                why = imports.hangs = str(hangs)
            if is_slot:
                requests.close()
                _rename(own_name)
                _become_slot(wanted, imports.environment)
                own = os.dup(end.fileno())
                end.close()
                return slot.serve(own)
        if why:
            _answer(end, {"cold": why})
        elif not proven:
            proven = True
            requests.send({"forked": True})  # to the spawner: this one deserves a successor
        end.close()


class _Imports:
    """What this process has imported so far, and what keeps it from being forked."""

    def __init__(self) -> None:
        self.environment = dict(os.environ)  # that this process was started with
        self._failed: dict[int, str] = {}  # by stage: why it can't be imported here; "": it is imported
        self._drawn: dict[int, str] = {}  # by stage: why its function's own generator keeps it from being forked
        self._path = list(sys.path)  # where modules are found, but for the stages' own folders
        self._changer = ""  # the module that has changed that
        self._obstacle = ""
        self.hangs = ""  # why it can't be forked, with force or without

    def obstacle(self, stage: dict[str, Any], force: bool) -> str:
        """Why the stage is to be started cold; "": nothing. `force`: threads and devices are no reason."""
        number, module = stage["number"], stage["file"] or stage["module"]
        if self._changer not in ("", module):
            return f"has imported {self._changer}, which has changed sys.path"
        if number not in self._failed:
            self._failed[number], self._drawn[number] = _import(stage)
            if FOLDERS.others() != self._path:
                self._changer = module
            self._obstacle = forkable.obstacle()
            gc.collect()
            gc.freeze()
        failed = self._failed[number]
        if failed:
            return f"can't import it: {failed}"
        return self.hangs if force else self.hangs or self._obstacle or self._drawn[number]


def _import(stage: dict[str, Any]) -> tuple[str, str]:
    """Imports what the stage's tasks need. Why that failed, and why a generator that the function uses is no good in
    forked processes; "": it has not, and there is none. A hang ends this process."""
    enter(stage)
    signal.alarm(_IMPORT_LIMIT)
    try:
        function = import_stage(stage)
        drawn = forkable.drawn_by(function)
    except BaseException as error:
        return text_of(error), ""
    finally:
        signal.alarm(0)
    _flush()
    return "", drawn


def _flush() -> None:
    """What modules have said is not to wait in a buffer for the first task that writes."""
    with contextlib.suppress(BaseException):
        sys.stdout.flush()
        sys.stderr.flush()
    with contextlib.suppress(ImportError, OSError):
        import ctypes

        ctypes.CDLL(None).fflush(None)


def _fork_away(end: Link) -> tuple[bool, str]:
    """Forks a process that is no child of this one, and tells its host. Returns whether this is that process, and why
    there is none. It goes on once its host knows of it: if this process is killed before, it ends. Raises Hangs."""
    ours, theirs = socket.socketpair()
    try:
        between = forkable.fork()
    except OSError as error:
        ours.close()
        theirs.close()
        return False, f"can't fork it: {error.strerror}"
    if between == 0:
        ours.close()
        _fork_again(theirs)
        return True, ""
    theirs.close()
    ours.settimeout(forkable.PATIENCE)
    try:
        pid = _PID.unpack(ours.recv(_PID.size))[0]
    except (OSError, struct.error):  # it hangs, or was killed
        pid = 0
        os.kill(between, signal.SIGKILL)
    os.waitpid(between, 0)
    if pid > 0:
        _answer(end, {"forked": pid})
        with contextlib.suppress(OSError):  # it was killed
            ours.send(b"go")
    ours.close()
    if pid == 0:
        raise forkable.Hangs(f"was forked, and the child did not go on within {forkable.PATIENCE:g} s")
    return False, "" if pid > 0 else f"can't fork it: {os.strerror(-pid)}"


def _fork_again(above: socket.socket) -> None:
    """Returns in the slot's process, when it is to go on. This one ends, so that it is the spawner's child."""
    try:
        pid = os.fork()
    except OSError as error:
        pid = -(error.errno or 1)
    if pid > 0:
        os.setpgid(pid, pid)  # what its tasks start is killed by that
    if pid:
        above.send(_PID.pack(pid))
        os._exit(0)
    if not above.recv(2):
        os._exit(0)
    above.close()


def _rename(name: str) -> str:
    """Gives this process a name, for those who look what runs. Returns the one before."""
    with open("/proc/self/comm", "r+") as comm:
        before = comm.read().strip()
        comm.seek(0)
        comm.write(name)
    return before


def _become_slot(wanted: dict[str, Any], environment: dict[str, str]) -> None:
    """Makes this process what one that was started for the slot would be: variables that its environment has otherwise
    than that of the parent are set; what modules have set meanwhile stays."""
    gc.enable()
    for name in environment.keys() - wanted["env"].keys():
        os.environ.pop(name, None)
    for name, value in wanted["env"].items():
        if environment.get(name) != value:
            os.environ[name] = value
    os.environ.pop(VARIABLE, None)  # the parent has done what it says
    if wanted["cores"]:
        os.sched_setaffinity(0, wanted["cores"])
    if wanted["memory"]:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        most = wanted["memory"] if hard == resource.RLIM_INFINITY else min(wanted["memory"], hard)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _answer(end: Link, answer: dict[str, Any]) -> None:
    with contextlib.suppress(OSError):  # its host is gone
        end.send(answer)
