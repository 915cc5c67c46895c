"""What tasks say: standard output and standard error, kept apart by rows, and the records of the texts.

Descriptors 1 and 2 lead to two memfds; their lengths after a row tell what of them is the row's. Python's own
sys.stdout and sys.stderr note that they were written to (`pending`), so that the loop need not look after each row."""

import contextlib
import faulthandler
import io
import os
import sys
from collections.abc import Callable
from typing import Any

from taskfarm._slot.protocol import ERR_RANGE, MESSAGE, OUT_RANGE, RANGE, TRACEBACK, record

_APPEND = os.O_APPEND | os.O_WRONLY | os.O_CLOEXEC


class _Buffer(io.BufferedWriter):
    """The bytes below sys.stdout or sys.stderr."""

    def __init__(self, descriptor: int, pending: list[object]) -> None:
        super().__init__(io.FileIO(descriptor, "w", closefd=False))
        self._pending = pending

    def write(self, content: Any) -> int:
        self._pending.append(self)
        return super().write(content)


class _Stream(io.TextIOWrapper):
    """sys.stdout or sys.stderr: a line is written when it ends, the rest when the row does."""

    def __init__(self, descriptor: int, pending: list[object], errors: str) -> None:
        super().__init__(_Buffer(descriptor, pending), encoding="utf-8", errors=errors, line_buffering=True)
        self._pending = pending

    def write(self, text: str) -> int:
        self._pending.append(self)
        return super().write(text)


class Texts:
    """The texts of the frame under way, one write a row. `pending` holds something while there may be one to write."""

    def __init__(self) -> None:
        self.pending: list[object] = []
        self.fd = -1
        self._streams: list[_Stream] = []
        self._ends: list[int] = []  # descriptors of the two memfds
        self._sizes = [0, 0]
        self._records: list[bytes] = []
        self._is_child = False
        self.has_said = False  # something in this frame, by whatever way

    def open(self, out: int, err: int, texts: int, foreground: bool) -> None:
        """Takes the descriptors that came with the hello. In the foreground 1 and 2 are left as they are."""
        self.fd = _reopened(texts)
        if foreground:
            return
        for held in (sys.stdout, sys.stderr):  # modules that were imported before may hold them
            if isinstance(held, io.TextIOWrapper):
                held.reconfigure(line_buffering=True)
        for number, fd in ((1, out), (2, err)):
            self._ends.append(_reopened(fd))
            os.dup2(self._ends[-1], number)
            self._streams.append(self._new_stream(number))
        faulthandler.enable(2, all_threads=False)  # where in the user's code a crash was

    def _new_stream(self, number: int) -> _Stream:
        stream = _Stream(number, self.pending, "strict" if number == 1 else "backslashreplace")
        name = "stdout" if number == 1 else "stderr"
        sys.__dict__.update({name: stream, f"__{name}__": stream})
        return stream

    def _repair(self) -> None:
        """What a task has closed is open for the next. What it has put in its place stays there."""
        for i, end in enumerate(self._ends):
            try:
                os.fstat(i + 1)
            except OSError:
                os.dup2(end, i + 1)
            if self._streams[i].closed:
                self._streams[i] = self._new_stream(i + 1)

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
        for stream in self._streams:
            with contextlib.suppress(OSError, ValueError):  # a task has closed it
                stream.flush()

    # ---- Of a frame, and of a row ----

    def begin(self) -> None:
        """A frame begins: what was written until now is no row's."""
        self._flush()
        self._repair()
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
        """Has anything been written to descriptors 1 and 2 since the last row that `write` or `fail` was called for?"""
        ends, sizes = self._ends, self._sizes
        return bool(ends) and (
            os.lseek(ends[0], 0, os.SEEK_END) != sizes[0] or os.lseek(ends[1], 0, os.SEEK_END) != sizes[1]
        )

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
        self._repair()
        self._flush()
        for end, kind in enumerate((OUT_RANGE, ERR_RANGE)[: len(self._ends)]):
            size = os.lseek(self._ends[end], 0, os.SEEK_END)
            if size > self._sizes[end]:
                self.add(row, kind, RANGE.pack(self._sizes[end], size))
                self._sizes[end] = size
                self.has_said = True


def _reopened(fd: int) -> int:
    """The file of a descriptor, to append to, with a place of its own; above those that programs count on."""
    import fcntl

    opened = os.open(f"/proc/self/fd/{fd}", _APPEND)
    high = fcntl.fcntl(opened, fcntl.F_DUPFD_CLOEXEC, 64)
    os.close(opened)
    os.close(fd)
    return high
