"""OUTPUT.map: the folder beside an output in which `map` keeps what a run of it needs.

The manifest, the pickled function, `common` values, large tables, and a lock. The lock is held by the script and by
the engine that it has started, for as long as either lives: so the next `map` of the output waits for what an earlier
one has left running. The folder is removed when a run has ended and there is no more to do, and when none has begun;
one that was stopped or killed leaves it to the next. It is for its user alone: where another user's has the name, ours
has the number of its user behind it (OUTPUT.map-1000). One that `map` has not made is never touched; an empty one is
used, and stays.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
import stat
import weakref
from collections.abc import Callable, Iterator
from typing import IO, Any

from taskfarm._errors import EngineError

_MARK = "taskfarm-map.json"
_LOCK = "lock"
_OWN = re.compile(
    r"taskfarm-map\.json|lock|manifest\.json|trial\.json|function\.pickle|first\.json(\.new)?|engine\.(json|events|log)"
    r"|(common|table)-\w+\.(npy|csv|sum)"
)

_live: weakref.WeakSet[Folder] = weakref.WeakSet()


def _close_in_child() -> None:
    """A process that was forked from this one holds no lock."""
    for folder in list(_live):
        folder.close()


os.register_at_fork(after_in_child=_close_in_child)


def _kind(error: OSError) -> str:
    """The id of a diagnostic."""
    return "disk-full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "file-unwritable"


class Folder:
    """The folder of an output; made, or found and proven to be ours. Locked until close() or remove()."""

    def __init__(self, output: str, on_wait: Callable[[dict[str, Any]], bool]) -> None:
        """Waits for who has it. `on_wait` gets what the other has noted, and says whether to wait; else `locked` is
        False."""
        self._names = (f"{output}.map", f"{output}.map-{os.geteuid()}")
        self.path = self._names[0]
        self.output = os.path.basename(output)
        self.fd = -1
        self.lock_fd = -1
        self.locked = False
        self._is_made = False  # by this one?
        self.is_used = True  # has an engine been started in it? Then it may hold what the next map needs
        _live.add(self)
        while not self.locked:
            try:
                self._open()
                if not self._lock(on_wait):
                    break
            except FileNotFoundError:  # another one removes it at the same time
                continue
            except OSError as error:
                raise self._unmade(self.path, error) from None
        self.is_used = not self.locked or self.has("engine.json")

    # ---- Whose it is ----

    def _open(self) -> None:
        self.close()
        self.path = next((path for path in self._names if self._is_own(path)), "")
        if not self.path:
            text = f"{self._names[-1]}: belongs to another user; give another output="
            raise EngineError(text, id="other-user")
        names = os.listdir(self.fd)
        if names if _MARK not in names else self.read(_MARK).get("taskfarm_map") != 1:
            raise self._foreign(self.path)
        if _MARK not in names:
            self._put_mark()

    def _put_mark(self) -> None:
        mark = {"taskfarm_map": 1, "output": self.output, **({} if self._is_made else {"found": True})}
        try:
            with open(self.create(_MARK), "w", encoding="utf-8") as file:
                json.dump(mark, file)
        except FileExistsError:  # another one makes it at the same time
            pass
        except OSError:
            with contextlib.suppress(OSError):
                self.drop(_MARK)
                if self._is_made:
                    os.rmdir(self.path)
            raise

    def _is_own(self, path: str) -> bool:
        """Makes it, if nothing has the name, and opens it. False: what has the name is another user's."""
        try:
            self._is_made = False
            with contextlib.suppress(FileExistsError):
                os.mkdir(path, 0o700)
                self._is_made = True
            if os.lstat(path).st_uid != os.geteuid():
                return False
            self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            if error.errno in (errno.ENOTDIR, errno.ELOOP) and os.path.lexists(path):
                raise self._foreign(path) from None
            if error.errno == errno.ENOENT and os.path.isdir(os.path.dirname(path)):
                raise
            raise self._unmade(path, error) from None
        return os.fstat(self.fd).st_uid == os.geteuid()

    def _unmade(self, path: str, error: OSError) -> EngineError:
        parent = os.path.dirname(path)
        if os.path.lexists(parent) and not os.path.isdir(parent):
            return EngineError(f"output: {parent} is no folder", id="file-missing")
        if not os.path.isdir(parent):
            return EngineError(f"output: there is no folder {parent}", id="file-missing")
        return EngineError(f"{path}: can't be made: {error.strerror}", id=_kind(error))

    def _foreign(self, path: str) -> EngineError:
        text = f"{path}: is needed for the run, and was not made by map: move it away, or give another output="
        return EngineError(text, id="foreign-folder")

    # ---- One at a time ----

    def _lock(self, on_wait: Callable[[dict[str, Any]], bool]) -> bool:
        """False: somebody has it, and is not to be waited for."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self.lock_fd = os.open(_LOCK, flags, 0o600, dir_fd=self.fd)
        try:
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not on_wait(self.read("engine.json")):
                return False
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX)
        except OSError:  # no locks on this file system: the output has one of its own
            self.locked = True
            return True
        with contextlib.suppress(OSError):  # else the one who had it has removed the folder
            here = os.stat(os.path.join(self.path, _LOCK), follow_symlinks=False)
            self.locked = os.path.samestat(here, os.fstat(self.lock_fd))
        return True

    def is_busy(self) -> bool:
        """Does somebody else have it?"""
        if self.locked:
            return False
        try:
            fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.locked = True
        return False

    # ---- Files ----

    def file(self, name: str) -> str:
        """The path of a file in it."""
        return os.path.join(self.path, name)

    def has(self, name: str) -> bool:
        """Is there a regular file of that name?"""
        try:
            return stat.S_ISREG(os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode)
        except OSError:
            return False

    def read(self, name: str) -> dict[str, Any]:
        """What a file says; {} if it is not there, or says nothing."""
        try:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=self.fd)
            with open(fd, encoding="utf-8") as file:
                said = json.load(file)
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}

    def create(self, name: str) -> int:
        """A new file in the place of what has the name; a descriptor to write to."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, 0o600, dir_fd=self.fd)

    @contextlib.contextmanager
    def writing(self, name: str, **how: Any) -> Iterator[IO[Any]]:
        """A new file to write to; `how` as for open(). Of one that can't be written nothing is left. Raises
        EngineError."""
        try:
            with open(self.create(name), **{"mode": "wb", **how}) as file:
                yield file
        except OSError as error:
            with contextlib.suppress(OSError):
                self.drop(name)
            raise EngineError(f"{self.file(name)}: can't be written: {error.strerror}", id=_kind(error)) from None

    def write(self, name: str, content: bytes | dict[str, Any]) -> str:
        """Writes a file; returns its path."""
        with self.writing(name) as file:
            file.write(content if isinstance(content, bytes) else json.dumps(content).encode())
        return self.file(name)

    def drop(self, name: str) -> None:
        """Removes a file, if it is there."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    # ---- The end ----

    def is_abandoned(self) -> bool:
        """Does no process have it but this one? An engine whose launcher has ended may be at work all the same."""
        if not self.locked:
            return False
        os.close(self.lock_fd)
        self.lock_fd, self.locked = -1, False
        try:
            return self._lock(lambda noted: False) and self.locked
        except OSError:
            return False

    def remove(self) -> None:
        """Removes what `map` has made in it, and then the folder, if it has made that, and nothing else is in there."""
        is_found = not self._is_made and self.read(_MARK).get("found") is True
        with contextlib.suppress(OSError):  # what is left is left
            names = [name for name in os.listdir(self.fd) if _OWN.fullmatch(name)]
            for name in sorted(names, key=lambda name: (name == _MARK, name == _LOCK)):
                with contextlib.suppress(OSError):
                    self.drop(name)
            if not is_found:
                os.rmdir(self.path)
        self.close()

    def close(self) -> None:
        """Leaves it to whoever comes next."""
        for fd in (self.lock_fd, self.fd):
            if fd >= 0:
                os.close(fd)
        self.fd = self.lock_fd = -1
        self.locked = False
