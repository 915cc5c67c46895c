"""The engine's process: started, followed by its events, stopped.

It is in a session of its own, so that a terminal's Ctrl-C is this process's to handle. Its standard input is a pipe
whose other end is here: a byte asks it to stop in good order, a second one at once, and the end of the pipe, which
comes even if this process is killed, does as well (--stop-with 0). It holds the lock of the run's folder.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import time
import weakref
from collections.abc import Callable, Sequence
from typing import IO, Any

from taskfarm._engine import environment
from taskfarm._errors import EngineError, ManifestError

Event = dict[str, Any]

_LEAVE = 10.0  # s that a launcher has to end when the engine has said that the run is over; it may wait for a lost node
_KILL = 3.0  # s from its SIGTERM to its SIGKILL

_live: weakref.WeakSet[Process] = weakref.WeakSet()


def _close_in_child() -> None:
    """A process that was forked from this one keeps no run alive."""
    for process in list(_live):
        process.forget()


os.register_at_fork(after_in_child=_close_in_child)


def refuse_ranks() -> None:
    """Each rank of a script that mpirun or srun has started would start a run of its own."""
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
        if os.environ.get(name, "1") not in ("", "0", "1"):
            raise EngineError(
                f"map is called in each of {os.environ[name]} ranks: start the script without mpirun, and give map "
                'launch="mpirun -n N"',
                id="usage",
            )


def launcher(launch: str | Sequence[str] | None) -> list[str]:
    """The words before the program: `launch`, or $TASKFARM_LAUNCH."""
    given = os.environ.get("TASKFARM_LAUNCH", "") if launch is None else launch
    return shlex.split(given) if isinstance(given, str) else [str(word) for word in given]


def check_launcher(launch: Any) -> None:
    """Refuses one that can't be started: before anything is made."""
    name = "TASKFARM_LAUNCH" if launch is None else "launch"
    if launch is not None and not isinstance(launch, (str, list, tuple)):
        raise TypeError(f'launch: must be a text, as in launch="mpirun -n 4", not {type(launch).__name__}')
    try:
        words = launcher(launch)
    except ValueError:
        said = os.environ["TASKFARM_LAUNCH"] if launch is None else launch
        raise ManifestError(f"{name}: has a quotation mark without its other one: {said}", id="bad-value") from None
    if words and not shutil.which(words[0]):
        raise EngineError(f"{name}: there is no program {words[0]}", id="program-missing")


class Process:
    """An engine at work that ends with this process."""

    def __init__(self, command: Sequence[str], lock_fd: int) -> None:
        try:
            self.process = subprocess.Popen(
                [*command, "--stop-with", "0"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment(),
                start_new_session=True,
                pass_fds=[lock_fd] if lock_fd >= 0 else [],
            )
        except OSError as error:
            raise EngineError(f"{command[0]}: can't be started: {error.strerror}", id="program-missing") from None
        self.asked = 0
        self.was_ended = False  # by the two signals of `_hurry`
        self._told_end = 0.0  # when the engine said that the run is over; 0: it has not
        self._events, self._said = bytearray(), bytearray()
        _live.add(self)

    # ---- Asking it to end ----

    def ask(self) -> None:
        """Asks it to end in good order; the second time at once; then it is killed."""
        self.asked += 1
        if self.asked <= 2 and self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.write(b"\n")
                self.process.stdin.flush()
        else:
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, signal.SIGKILL)

    def _hurry(self) -> None:
        """Ends a launcher that does not return when its run is over."""
        number = signal_for(self._told_end) if self._told_end else 0
        if number:
            self.was_ended = True
            with contextlib.suppress(OSError):
                os.killpg(self.process.pid, number)

    def forget(self) -> None:
        """Closes this end of the pipe."""
        if self.process.stdin:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

    # ---- Following it ----

    def follow(
        self, on_event: Callable[[Event], None], on_text: Callable[[str], None], on_interrupt: Callable[[int], None]
    ) -> int:
        """Until it has ended. Returns its exit status. An interrupt asks it to end; `on_interrupt` gets its number. An
        exception of a callback asks it to end, and is raised when it has."""
        raised: BaseException | None = None
        while True:
            try:
                self._read_all(on_event, on_text)
                break
            except KeyboardInterrupt:
                self.ask()
                with contextlib.suppress(KeyboardInterrupt):
                    on_interrupt(self.asked)
            except BaseException as error:
                raised = raised or error
                on_event, on_text = (lambda event: None), (lambda text: None)
                self.ask()
        _live.discard(self)
        self.forget()
        if raised is not None:
            raise raised
        return self.process.returncode

    def _read_all(self, on_event: Callable[[Event], None], on_text: Callable[[str], None]) -> None:
        process = self.process
        assert process.stdout
        assert process.stderr
        with selectors.DefaultSelector() as selector:
            for stream in (process.stdout, process.stderr):
                if not stream.closed:
                    os.set_blocking(stream.fileno(), False)
                    selector.register(stream, selectors.EVENT_READ)
            while process.poll() is None:
                for key, _ in selector.select(0.05):
                    if not self._read(key.fileobj, on_event, on_text):  # type: ignore[arg-type]
                        selector.unregister(key.fileobj)
                self._hurry()
                if not selector.get_map():
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(0.05)
        for stream in (process.stdout, process.stderr):  # what others still hold open is not waited for
            if not stream.closed:
                self._read(stream, on_event, on_text)
                stream.close()
        if self._said:
            on_text(self._said.decode(errors="replace"))

    def _read(self, stream: IO[bytes], on_event: Callable[[Event], None], on_text: Callable[[str], None]) -> bool:
        """All that is there now. False: the stream is at its end."""
        rest = self._events if stream is self.process.stdout else self._said
        while True:
            try:
                part = os.read(stream.fileno(), 65536)
            except BlockingIOError:
                return True
            if not part:
                return False
            rest += part
            while (end := rest.find(b"\n")) >= 0:
                line = rest[:end].decode(errors="replace")
                del rest[: end + 1]
                event = event_of(line) if stream is self.process.stdout else None
                if event is not None:
                    if event["event"] == "end":
                        self._told_end = time.monotonic()
                    on_event(event)
                else:
                    on_text(line)


def event_of(line: str) -> Event | None:
    """An event of the engine; None: a line that something else has printed."""
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) and "event" in said else None


# ---- Detached ----


def start_detached(command: Sequence[str], lock_fd: int, events_fd: int, log_fd: int) -> int:
    """Starts an engine that goes on when this process has ended. Returns its process id."""
    try:
        process = subprocess.Popen(
            [*command, "--progress", "none"],
            stdin=subprocess.DEVNULL,
            stdout=events_fd,
            stderr=log_fd,
            env=environment(),
            start_new_session=True,
            pass_fds=[lock_fd] if lock_fd >= 0 else [],
        )
    except OSError as error:
        raise EngineError(f"{command[0]}: can't be started: {error.strerror}", id="program-missing") from None
    _detached[process.pid] = process
    return process.pid


_detached: dict[int, subprocess.Popen[bytes]] = {}  # so that they are reaped, if this process outlives them
_ended: dict[int, int] = {}  # exit statuses of those that are


def birth_of(pid: int) -> str:
    """When a process began, as /proc says it; "": there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == b"Z" else fields[19].decode()


def stop_detached(pid: int, birth: str) -> bool:
    """Asks a detached engine of this machine to end in good order. False: it is not there any more."""
    if not birth or birth_of(pid) != birth:
        return False
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGUSR1)
        return True
    return False


def end_detached(pid: int, birth: str, number: int) -> None:
    """Sends a detached launcher of this machine, and all that it has started here, a signal."""
    if birth and birth_of(pid) == birth:
        with contextlib.suppress(OSError):
            os.killpg(pid, number)


def signal_for(told: float) -> int:
    """The signal for a launcher that has not returned. Its run is over since then (time.monotonic()). 0: none yet."""
    late = time.monotonic() - told - _LEAVE
    return 0 if late < 0 else signal.SIGTERM if late < _KILL else signal.SIGKILL


def pause(seconds: float) -> None:
    """Waits a moment, and reaps detached engines of this process that have ended."""
    for pid, process in list(_detached.items()):
        if process.poll() is not None:
            _ended[pid] = process.returncode
            del _detached[pid]
    time.sleep(seconds)


def exit_of(pid: int) -> int:
    """The exit status of a detached engine of this process that has ended."""
    process = _detached.pop(pid, None)
    return process.wait() if process else _ended.pop(pid, 3)
