"""An output's file: open for as long as something is read, and each thing in it looked at before it is believed.

An output may come from somebody else, and be damaged or made to do harm. So nothing is followed out of the file (links,
external storage, virtual datasets), nothing is decompressed, and nothing is ever unpickled: what is no plain number,
text or group is refused.
"""

from __future__ import annotations

import json
import mmap
import os
import shutil
import stat
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np

from taskfarm._errors import Error

Key = tuple[int | slice, ...]
SPARSE = 64  # a selection of fewer than one in so many elements leaves most of its pages out


class File:
    """An HDF5 file that is opened, without a lock, when it is read, and must stay the same all the while."""

    def __init__(self, path: str, of: str | None = None) -> None:
        """`of`: the file is a snapshot of that output, in a folder which goes with this object."""
        self.path = os.path.abspath(path)  # whatever folder is the current one later
        self.shown = path if of is None else of
        folder = os.path.dirname(path)
        self.drop = None if of is None else weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._lock = threading.RLock()
        self._users = 0
        self._file: Any = None
        self._mark = self._stamp()

    def __getstate__(self) -> dict[str, Any]:
        """In another process it is opened by its path; a snapshot stays with who made it."""
        return {"path": self.path, "shown": self.shown, "_mark": self._mark}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, drop=None, _lock=threading.RLock(), _users=0, _file=None)

    def _stamp(self) -> tuple[int, int, int]:
        try:
            info = os.stat(self.path)
        except OSError as error:
            if isinstance(error, FileNotFoundError):
                raise Error(f"{self.shown}: there is no such output, or nothing in it", id="no-output") from None
            raise Error(f"{self.shown}: can't be opened: {error.strerror}", id="file-unreadable") from None
        if stat.S_ISDIR(info.st_mode):
            raise Error(f"{self.shown}: is a folder, and no output", id="file-unreadable")
        return info.st_ino, info.st_size, info.st_mtime_ns

    def is_same(self) -> bool:
        """Is it as it was when it was opened?"""
        return self._stamp() == self._mark

    def check(self) -> None:
        """A run that went on has moved rows, or is about to."""
        if not self.is_same():
            raise Error(f"{self.shown}: has changed since it was opened; open it again", id="output-replaced")

    @contextmanager
    def open(self) -> Iterator[Any]:
        """The file as h5py has it; within another `open` the same one."""
        with self._lock:
            if self._file is None:
                self.check()
                self._file = self._open()
            self._users += 1
            file = self._file
        try:
            yield file
        except (OSError, KeyError, RuntimeError, UnicodeError) as error:  # what h5py raises of a file that is none
            raise self.damaged(str(error)) from None
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    self._file.close()
                    self._file = None

    def _open(self) -> Any:
        why: OSError | None = None
        locking: dict[str, bool] = {"locking": False}
        for how in (locking, {}):  # an old h5py can't be told; and all who have a file open must agree
            try:
                return h5py.File(self.path, "r", **how)
            except (TypeError, ValueError):
                continue
            except OSError as error:
                why = error
        if isinstance(why, PermissionError):
            raise Error(f"{self.shown}: can't be opened: {why.strerror}", id="file-unreadable") from None
        raise Error(f"{self.shown}: is another program's file, or damaged ({why})", id="not-an-output") from None

    def damaged(self, why: str) -> Error:
        return Error(f"{self.shown}: is damaged: {why}", id="output-damaged")


def find(parent: Any, path: str) -> Any:
    """What stands below a group, or None. Links that lead elsewhere are none of the output's."""
    for name in path.split("/"):
        if not isinstance(parent, h5py.Group) or name not in parent:
            return None
        if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
            raise OSError(f"{parent.name.rstrip('/')}/{name} is a link")
        parent = parent[name]
    return parent


def text(thing: Any, name: str, default: str = "") -> str:
    """An attribute that is a text."""
    if name not in thing.attrs:
        return default
    value = thing.attrs[name]
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        raise OSError(f"attribute {name!r} of {thing.name} is no text")
    return value


def number(thing: Any, name: str, default: float = 0) -> int | float:
    """An attribute that is a number."""
    value = thing.attrs.get(name, default)
    if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "biuf":
        raise OSError(f"attribute {name!r} of {thing.name} is no number")
    plain: int | float = np.asarray(value).item()
    return plain


def parsed(source: str, kind: type, what: str) -> Any:
    """A text of the file that is JSON."""
    try:
        value = json.loads(source)
    except (ValueError, RecursionError):
        raise OSError(f"{what} is no JSON") from None
    if not isinstance(value, kind):
        raise OSError(f"{what} is something else than it must be")
    return value


def _expect_leaps(view: Any) -> None:
    """Tells the system that what lies between the elements is not wanted, where it can be told."""
    advice = getattr(mmap, "MADV_RANDOM", None)
    if advice is not None and hasattr(view._mmap, "madvise"):
        view._mmap.madvise(advice)


class Table:
    """A dataset of numbers or fixed-length texts, one row a task (or a group, or a byte of a heap)."""

    def __init__(self, file: File, dataset: Any) -> None:
        if not isinstance(dataset, h5py.Dataset):
            raise OSError(f"{dataset.name} is no dataset")
        if dataset.is_virtual or dataset.external or dataset.id.get_create_plist().get_nfilters():
            raise OSError(f"{dataset.name} is not stored as in an output")
        if dataset.shape is None or dataset.dtype.kind not in "biufS":
            raise OSError(f"{dataset.name} has another type than it must have")
        if dataset.id.get_storage_size() < dataset.size * dataset.dtype.itemsize:
            raise OSError(f"{dataset.name} is not whole")
        self.file = file
        self.name: str = dataset.name
        self.dtype: np.dtype[Any] = dataset.dtype
        self.shape: tuple[int, ...] = dataset.shape
        self.offset: int | None = dataset.id.get_offset()
        self.attrs = {name: text(dataset, name) for name in ("long_name", "units") if name in dataset.attrs}

    def view(self, shape: tuple[int, ...] | None = None) -> np.ndarray[Any, Any]:
        """All of it as an array that is read where it is looked at, as long as it is kept. Copy what is to last."""
        shape = self.shape if shape is None else shape
        if 0 in shape:
            return np.empty(shape, self.dtype)
        if self.offset is None:  # in chunks, or written by another program
            with self.file.open() as file:
                return np.asarray(file[self.name][()]).reshape(shape)
        self.file.check()
        try:
            return np.memmap(self.file.path, self.dtype, "r", self.offset, shape)
        except (OSError, ValueError) as error:
            raise self.file.damaged(f"{self.name}: {error}") from None

    def read(self, key: Any = (), shape: tuple[int, ...] | None = None) -> np.ndarray[Any, Any]:
        """A part of it, copied."""
        view = self.view(shape)
        part = view[key]
        if isinstance(view, np.memmap) and part.size * SPARSE < view.size and not part.flags.c_contiguous:
            _expect_leaps(view)
        return np.array(part)

    def blocks(self, key: Key) -> np.ndarray[Any, Any]:
        """A part of one that is stored in chunks, of which no more is read than is asked for."""
        with self.file.open() as file:
            return np.asarray(file[self.name][key])


def table(file: File, parent: Any, path: str) -> Table | None:
    """The table at a path below a group; None if there is none."""
    found = find(parent, path)
    return None if found is None else Table(file, found)
