"""Arrays that a task gets: its blocks, as numpy arrays over the memory that the host has filled. Nothing is copied."""

import math
import sys
from typing import Any

from taskfarm._slot.errors import Refusal
from taskfarm._slot.memory import Cells, Memory

try:
    import numpy as np
except ImportError:
    raise Refusal(f"arrays are numpy arrays, and {sys.executable} has no numpy") from None


class Blocks:
    """The blocks of one array of the stage, of all rows of a frame."""

    def __init__(
        self,
        type_name: str,
        element: int,
        shape: tuple[int, ...],
        memory: Memory,
        offset: int,
        counts: Cells | None,
        is_read: bool = False,
    ) -> None:
        """`element`: bytes of one; `shape`: of the largest block; `counts`: the shape of each row's block. `is_read`:
        there is one block in the memory, that of the row under way."""
        self._array = np.ndarray
        self._dtype = np.dtype(f"S{element}" if type_name in ("string", "bytes") else type_name)
        self._decodes = type_name == "string"
        self._shape = shape
        self._memory = memory.view.toreadonly()
        self._offset = offset
        self._step = 0 if is_read else element * math.prod(shape)  # bytes
        self._counts = counts

    def of_row(self, row: int) -> Any:
        """The row's block, read-only. Strings are copied, as numpy has no type for those that stand in UTF-8."""
        shape = self._shape
        if self._counts is not None:
            rank = len(shape)
            shape = tuple(self._counts[row * rank : (row + 1) * rank].tolist())
        block = self._array(shape, self._dtype, self._memory, self._offset + row * self._step)
        if self._decodes:
            return np.char.decode(block, "utf-8", "surrogateescape") if block.size else block.astype("U1")
        return block
