"""What tasks say: standard output and standard error, kept apart by rows, and the records of the texts.

Descriptors 1 and 2 lead to two memfds; their lengths after a row tell what of them is the row's. Python's own
sys.stdout and sys.stderr note that they were written to (`pending`), so that the loop need not look after each row.

Each row finds them as the one before has found them: what a task has replaced, closed or changed is put back."""

import contextlib
import faulthandler
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from taskfarm._slot.protocol import ERR_RANGE, MESSAGE, OUT_RANGE, RANGE, TRACEBACK, record

_File = tuple[int, int]  # its device and number
_APPEND = os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC


class _Buffer(io.BufferedWriter):
    """The bytes below sys.stdout or sys.stderr."""

    def __init__(self, descriptor: int, pending: list[object]) -> None:
        super().__init__(io.FileIO(descriptor, "w", closefd=False))
        self._pending = pending

    def write(self, content: Any) -> int:
        self._pending.append(self)
        return super().write(content)

    def close(self) -> None:
        self._pending.append(self)
        super().close()

    def detach(self) -> Any:
        self._pending.append(self)
        return super().detach()


class _Stream(io.TextIOWrapper):
    """sys.stdout or sys.stderr: a line is written when it ends, the rest when the row does."""

    def __init__(self, descriptor: int, pending: list[object], errors: str) -> None:
        self._settings: dict[str, Any] = {"encoding": "utf-8", "errors": errors, "line_buffering": True}
        super().__init__(_Buffer(descriptor, pending), **self._settings)
        self._pending = pending
        self._is_changed = False

    def write(self, text: str) -> int:
        self._pending.append(self)
        return super().write(text)

    def detach(self) -> Any:
        self._pending.append(self)
        return super().detach()

    def reconfigure(self, **settings: Any) -> None:
        self._pending.append(self)
        self._is_changed = True
        super().reconfigure(**settings)

    def repair(self) -> bool:
        """Has it write as it did at first. False: it can't be written to any more."""
        try:
            if self.closed:
                return False
            if self._is_changed:
                super().reconfigure(**self._settings, newline=None, write_through=False)
                self._is_changed = False
        except ValueError:  # it has lost its buffer, or that its file
            return False
        return True


class Texts:
    """The texts of the frame under way, one write a row. `pending` holds something while there may be one to write."""

    def __init__(self) -> None:
        self.pending: list[object] = []
        self.fd = -1
        self.streams: list[_Stream] = []  # sys.stdout and sys.stderr, as tasks find them
        self._ends: list[int] = []  # descriptors of the two memfds
        self._files: list[_File | None] = []  # and which files these are
        self._sizes = [0, 0]
        self._records: list[bytes] = []
        self._is_child = False
        self.has_said = False  # something in this frame, by whatever way

    def open(self, out: int, err: int, texts: int) -> None:
        """Takes the descriptors that came with the hello."""
        self.fd = _reopened(texts)
        for held in (sys.stdout, sys.stderr):  # modules that were imported before may hold them
            if isinstance(held, io.TextIOWrapper):
                held.reconfigure(line_buffering=True)
        for number, fd in ((1, out), (2, err)):
            self._ends.append(_reopened(fd))
            self._files.append(_file_of(self._ends[-1]))
            os.dup2(self._ends[-1], number)
            self.streams.append(_new_stream(number, self.pending))
        self.put_back()
        faulthandler.enable(2, all_threads=False)  # where in the user's code a crash was

    def put_back(self) -> list[_Stream]:
        """Puts descriptors 1 and 2, sys.stdout and sys.stderr back. Returns the two streams."""
        for i, name in enumerate(("stdout", "stderr")):
            if _file_of(i + 1) != self._files[i]:
                os.dup2(self._ends[i], i + 1)
            if getattr(sys, name, None) is not self.streams[i]:
                with contextlib.suppress(BaseException):  # it is the user's
                    sys.__dict__[name].flush()
                _set_stream(name, self.streams[i])  # what was there may close it as it goes
            if not self.streams[i].repair():
                self.streams[i] = _new_stream(i + 1, self.pending)
                _set_stream(name, self.streams[i])
        return self.streams

    def watch_forks(self, close: Callable[[], None]) -> None:
        """A process that a task has forked, and that comes back from the function, is not to go on as if it were us.
        `close` closes what it has of the host."""

        def mark_child() -> None:
            self._is_child = True
            self.pending.append(self)
            close()

        os.register_at_fork(before=self._flush, after_in_child=mark_child)

    def watch_folder(self) -> None:
        """A row that goes to another folder has something pending, too: it is brought back when it ends."""

        def look(event: str, _: object) -> None:
            if event == "os.chdir":
                self.pending.append(self)

        sys.addaudithook(look)

    def leave_if_child(self, error: BaseException | None = None) -> None:
        """Ends the process if it is a fork of the slot's."""
        if not self._is_child:
            return
        status = 0
        if isinstance(error, SystemExit):
            status = error.code if isinstance(error.code, int) else 0 if error.code is None else 1
        elif error is not None:
            status = 1
            sys.excepthook(type(error), error, error.__traceback__)
        self._flush()
        os._exit(status & 0xFF)

    def _flush(self) -> None:
        for stream in self.streams:
            with contextlib.suppress(OSError, ValueError):  # a task has closed it
                stream.flush()

    # ---- Of a frame, and of a row ----

    def begin(self) -> None:
        """A frame begins: what was written until now is no row's."""
        self._flush()
        self.put_back()
        self.pending.clear()
        self._records.clear()
        self.has_said = False
        self._sizes = [os.lseek(end, 0, os.SEEK_END) for end in self._ends]

    def add(self, row: int, kind: int, content: bytes) -> None:
        """Adds a record, to be written by `write`."""
        self._records.append(record(row, kind, content))
        self.pending.append(self)

    def fail(self, row: int, message: bytes, trace: bytes = b"") -> None:
        """Fails the row; what it has said so far comes before the traceback."""
        self.add_ranges(row)
        if trace:
            self.add(row, TRACEBACK, trace)
        self.add(row, MESSAGE, message)

    def has_grown(self) -> bool:
        """Has anything been written to descriptors 1 and 2 since the last row that `write` or `fail` was called for?
        They themselves are asked: what has been put in their place has another length, or none."""
        try:
            return os.lseek(1, 0, os.SEEK_END) != self._sizes[0] or os.lseek(2, 0, os.SEEK_END) != self._sizes[1]
        except OSError:
            return True

    def write(self, row: int) -> None:
        """Writes all that is to be told of the row."""
        self.add_ranges(row)
        self._write()

    def write_briefly(self, row: int) -> None:
        """Writes what is to be told of a row whose descriptors are not watched."""
        if len(self.pending) > len(self._records):  # a stream was written to
            self.add_ranges(row)
        self._write()

    def _write(self) -> None:
        whole = memoryview(b"".join(self._records))
        self._records.clear()
        self.pending.clear()
        while whole:  # of a memfd all is written at once, unless it is very long
            whole = whole[os.write(self.fd, whole) :]

    def add_ranges(self, row: int) -> None:
        """Adds what was written to descriptors 1 and 2 since the last row that was told of."""
        self.put_back()
        self._flush()
        for end, kind in enumerate((OUT_RANGE, ERR_RANGE)):
            size = os.lseek(self._ends[end], 0, os.SEEK_END)
            if size > self._sizes[end]:
                self.add(row, kind, RANGE.pack(self._sizes[end], size))
                self._sizes[end] = size
                self.has_said = True


def _new_stream(number: int, pending: list[object]) -> _Stream:
    return _Stream(number, pending, "strict" if number == 1 else "backslashreplace")


def _set_stream(name: str, stream: _Stream) -> None:
    sys.__dict__.update({name: stream, f"__{name}__": stream})


def _file_of(fd: int) -> _File | None:
    """Which file a descriptor leads to. None: to none."""
    try:
        found = os.fstat(fd)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _reopened(fd: int) -> int:
    """The file of a descriptor, to append to, with a place of its own; above those that programs count on."""
    import fcntl

    opened = os.open(f"/proc/self/fd/{fd}", _APPEND)
    high = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 64)
    os.close(opened)
    os.close(fd)
    return high
