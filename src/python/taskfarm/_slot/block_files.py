"""Files that tasks' blocks of arrays are read from: each array stands in one piece of its file, in C order, and of the
type that tasks get or one whose values that has all. The host has opened them, to read and no more."""

import itertools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from taskfarm._slot.memory import Cells

_PIECE = 1 << 18  # bytes that are converted at once
_PLANS = 64  # shapes of blocks that are remembered: those in the middle, and at the edges

Span = tuple[int, int]
Line = tuple[int, int, int]


class BlockFile:
    """An array in a file."""

    def __init__(self, fd: int, offset: int, whole: list[int], stored: str, wanted: str) -> None:
        """`whole`: lengths of the array; `offset` in bytes; `stored`: the type of its elements in the file; `wanted`:
        of tasks."""
        self.dtype = np.dtype(wanted)
        self.whole = whole
        self._fd = fd
        self._file = self._identity()
        self._offset = offset
        self._stored = np.dtype(stored)
        self._strides = [self._stored.itemsize * math.prod(whole[d + 1 :]) for d in range(len(whole))]
        self._piece = memoryview(b"")
        self._read_line = self._read_bytes
        if self._stored != self.dtype:
            self._piece = memoryview(bytearray(_PIECE))
            self._read_line = self._read_others
        self._plans: dict[tuple[tuple[int, ...], tuple[Span, ...]], list[Line]] = {}

    def close(self) -> None:
        """Closes the file, unless a task has done so."""
        try:
            if self._identity() == self._file:
                os.close(self._fd)
        except OSError:
            pass

    def inside(self, origin: Sequence[int], shape: Sequence[int]) -> tuple[Span, ...]:
        """Which elements of a block lie in the array: first and last + 1 in each dimension. The halo may not."""
        return tuple(
            [
                (0 if first >= 0 else -first, count if first + count <= length else length - first)
                for first, count, length in zip(origin, shape, self.whole, strict=True)
            ]
        )

    def read(self, origin: Sequence[int], shape: tuple[int, ...], inside: tuple[Span, ...], block: Cells) -> bool:
        """Reads what of a block is inside of the array to where it belongs in the block's bytes. False: it can't be
        read from this file."""
        lines = self._plans.get((shape, inside))
        if lines is None:
            if len(self._plans) >= _PLANS:
                self._plans.clear()
            lines = self._plans[shape, inside] = self._lines(shape, inside)
        start = self._offset
        for first, stride in zip(origin, self._strides, strict=True):
            start += first * stride
        try:
            if self._identity() != self._file:  # a task has closed the descriptor, and it is another file's now
                return False
            for at, to, size in lines:
                self._read_line(start + at, block[to : to + size])
        except (OSError, EOFError):
            return False
        return True

    def _identity(self) -> tuple[int, int]:
        info = os.fstat(self._fd)
        return info.st_dev, info.st_ino

    def _read_bytes(self, at: int, line: Cells) -> None:
        got = os.preadv(self._fd, [line], at)
        while got < len(line):
            if got == 0:
                raise EOFError
            line, at = line[got:], at + got
            got = os.preadv(self._fd, [line], at)

    def _read_others(self, at: int, line: Cells) -> None:
        values = np.frombuffer(line, self.dtype)
        size = self._stored.itemsize
        most = _PIECE // size
        with np.errstate(invalid="ignore"):  # of NaNs, which stay such
            for first in range(0, len(values), most):
                some = values[first : first + most]
                piece = self._piece[: len(some) * size]
                self._read_bytes(at + first * size, piece)
                some[:] = np.frombuffer(piece, self._stored)

    def _lines(self, shape: tuple[int, ...], inside: tuple[Span, ...]) -> list[Line]:
        """The pieces of the file that have what is inside: where each begins, from the block's own beginning on, where
        it belongs in the block, and how long it is, all in bytes."""
        steps = [self.dtype.itemsize * math.prod(shape[d + 1 :]) for d in range(len(shape))]
        inner = len(shape) - 1  # the dimensions behind it are whole
        while inner > 0 and inside[inner] == (0, shape[inner]) and shape[inner] == self.whole[inner]:
            inner -= 1
        first, last = inside[inner]
        places = itertools.product(*(range(*inside[d]) for d in range(inner)), (first,))
        return [
            (
                sum(i * stride for i, stride in zip(place, self._strides, strict=False)),
                sum(i * step for i, step in zip(place, steps, strict=False)),
                (last - first) * steps[inner],
            )
            for place in places
        ]


def reader(file: BlockFile, block: Cells, shapes: Cells, origins: Cells) -> Callable[[int], bool]:
    """A function that reads a row's block to `block`, of which it has the bytes, and returns whether it could. `shapes`
    and `origins`: of each row's block; it may begin before the array, and end behind it."""
    rank = len(file.whole)

    def read(row: int) -> bool:
        shape = tuple(shapes[row * rank : (row + 1) * rank].tolist())
        origin = origins[row * rank : (row + 1) * rank].tolist()
        inside = file.inside(origin, shape)
        if not file.read(origin, shape, inside, block):
            return False
        if any(first > 0 or last < count for (first, last), count in zip(inside, shape, strict=True)):
            reflect(np.ndarray(shape, file.dtype, block), inside)
        return True

    return read


def reflect(elements: Any, inside: tuple[Span, ...]) -> None:
    """Fills what of a block is beyond the array: the element at its end is the first in the mirror, too."""
    for d, (first, last) in enumerate(inside):
        lines = elements.swapaxes(0, d)
        beyond = len(lines) - last
        lines[:first] = lines[first : 2 * first][::-1]
        lines[last:] = lines[last - beyond : last][::-1]
