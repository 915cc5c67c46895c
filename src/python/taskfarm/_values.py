"""Values of a stage's tasks, wherever they are: in datasets, in byte heaps, on axes, in rows of other stages.

Each kind gives the values of any rows, and says which of these were never computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from taskfarm._contents import CANCELLED, DONE, PENDING, STATUSES, Stage
from taskfarm._h5 import Key, Table

Array: TypeAlias = np.ndarray[Any, Any]
NO_RESULT = (PENDING, *range(DONE + 1, 256))  # statuses of tasks without results
NO_PARAMETER = (PENDING, CANCELLED)  # parameters are written with their row


@dataclass(frozen=True)
class Grid:
    """How the tasks lie: the points of a product of axes, or one behind the other; maybe without some of them."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    rows: Array | None = None  # of one dimension: which tasks; None: all

    def select(self, key: Key) -> Array:
        """The tasks that a part of the grid is."""
        if self.rows is not None:
            return np.asarray(self.rows[key])
        found: Array = np.zeros((), np.int64)
        stride = int(np.prod(self.shape, dtype=np.int64))
        for size, part in zip(self.shape, key, strict=True):
            stride = stride // size if size else 0
            found = np.add.outer(found, np.arange(size, dtype=np.int64)[part] * stride)
        return found


class Values:
    """One value, or array, a task."""

    inner: tuple[int, ...] = ()  # shape of a value
    lacking: tuple[int, ...] = ()  # statuses of tasks that have none

    def __init__(self, stage: Stage, dtype: Any) -> None:
        self.stage = stage
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.attrs: dict[str, str] = {}

    def take(self, rows: Array) -> Array:
        """The values of these tasks, of shape rows.shape + inner."""
        raise NotImplementedError

    def read(self, grid: Grid, key: Key) -> Array:
        """The values of a part of the grid, which may end within the values."""
        outer = len(grid.shape)
        found = self.take(grid.select(key[:outer]))
        return np.asarray(found[(..., *key[outer:])]) if self.inner else found

    def has_gaps(self) -> bool:
        """Are there tasks that have none? Those that `where` leaves out are not shown."""
        return any(STATUSES.index(status) in self.lacking for status in self.stage.counts if status != "excluded")

    def gaps(self, grid: Grid, key: Key) -> Array:
        """Which tasks of a part of the grid have none."""
        return _isin(codes_of(self.stage, grid, key), self.lacking)


def _isin(codes: Array, some: tuple[int, ...]) -> Array:
    table = np.zeros(256, bool)
    table[list(some)] = True
    return np.asarray(table[codes])


def codes_of(stage: Stage, grid: Grid, key: Key) -> Array:
    """Statuses of a part of the grid, as numbers."""
    key = key[: len(grid.shape)]
    if grid.rows is not None:
        return np.array(stage.status.view()[grid.rows[key]])
    return stage.status.read(key, grid.shape)


class Numbers(Values):
    """A dataset of numbers."""

    def __init__(self, stage: Stage, table: Table) -> None:
        super().__init__(stage, table.dtype)
        self.table = table
        self.inner = table.shape[1:]
        self.attrs = table.attrs

    def take(self, rows: Array) -> Array:
        return np.asarray(self.table.view()[rows])

    def read(self, grid: Grid, key: Key) -> Array:
        if grid.rows is not None:
            return super().read(grid, key)
        return self.table.read(key, grid.shape + self.inner)


class Cells(Numbers):
    """A dataset of texts of a fixed length."""

    def __init__(self, stage: Stage, table: Table) -> None:
        super().__init__(stage, table)
        self.dtype = np.dtype(object)

    def take(self, rows: Array) -> Array:
        return _decode(super().take(rows))

    def read(self, grid: Grid, key: Key) -> Array:
        if grid.rows is not None:
            return super().read(grid, key)
        return _decode(self.table.read(key, grid.shape))


def _decode(cells: Array) -> Array:
    """Names of files may be any bytes: they come as os.fsdecode has them."""
    if cells.size == 0:  # of which numpy forgets the shape
        return np.empty(cells.shape, object)
    return np.asarray(np.char.decode(cells, "utf-8", "surrogateescape")).astype(object)


class Heap(Values):
    """Texts or bytes of any length, one behind the other, with an index; without one nobody has any."""

    def __init__(self, stage: Stage, index: Table | None, heap: Table | None, is_bytes: bool) -> None:
        super().__init__(stage, object)
        self.index, self.heap, self.is_bytes = index, heap, is_bytes
        if index is not None and (heap is None or index.shape != (stage.tasks, 2) or heap.dtype != np.uint8):
            raise OSError(f"{index.name} has another shape than it must have")

    def take(self, rows: Array) -> Array:
        found = np.full(rows.shape, b"" if self.is_bytes else "", object)
        if self.index is None or self.heap is None or rows.size == 0:
            return found
        places = self.index.view()[rows].reshape(-1, 2)
        heap, most = self.heap.view(), self.heap.shape[0]
        if ((places < 0) | (places > most)).any() or (places.sum(axis=1) > most).any():
            raise self.stage.file.damaged(f"{self.index.name} leads out of its bytes")
        for at, (offset, length) in enumerate(places.tolist()):
            value = heap[offset : offset + length].tobytes()
            found.flat[at] = value if self.is_bytes else value.decode("utf-8", "surrogateescape")
        return found if rows.ndim else np.asarray(found)


class OfAxis(Values):
    """A parameter that follows from the task's place on its axis."""

    def __init__(self, stage: Stage, values: Array, stride: int) -> None:
        super().__init__(stage, values.dtype)
        self.values, self.stride = values, stride

    def take(self, rows: Array) -> Array:
        return np.asarray(self.values[rows // self.stride % len(self.values)])


class Given(Values):
    """A parameter that rows of another stage give."""

    def __init__(self, stage: Stage, source: Values, stride: int, rows: int, indices: list[int] | None) -> None:
        super().__init__(stage, source.dtype)
        if stride < 1 or rows < 1 or (indices is not None and len(indices) != rows):
            raise OSError(f"attribute 'from' of /{stage.name}/params is not what it must be")
        self.source, self.stride, self.count = source, stride, rows
        self.indices = None if indices is None else np.asarray(indices, np.int64)
        last = rows - 1 if self.indices is None else int(self.indices.max())
        if last >= source.stage.tasks or (self.indices is not None and int(self.indices.min()) < 0):
            raise OSError(f"attribute 'from' of /{stage.name}/params leads out of stage {source.stage.name!r}")

    def _rows(self, rows: Array) -> Array:
        places = rows // self.stride % self.count
        return places if self.indices is None else np.asarray(self.indices[places])

    def take(self, rows: Array) -> Array:
        return self.source.take(self._rows(rows))

    def has_gaps(self) -> bool:
        return self.source.has_gaps() or "excluded" in self.source.stage.counts

    def gaps(self, grid: Grid, key: Key) -> Array:
        rows = self._rows(grid.select(key[: len(grid.shape)]))
        source = self.source.stage
        whole = Grid(("task",), (source.tasks,), np.asarray(rows).reshape(-1))
        return self.source.gaps(whole, (slice(None),)).reshape(rows.shape)


# ---- Which there are ----


def result(stage: Stage, name: str) -> Values | None:
    """A result's values; None: it is one array, or not in the file."""
    column = stage.results[name]
    if column.axis:
        return None
    found: Values
    table = stage.table(f"results/{name}")
    if column.type in ("string", "bytes"):
        if table is not None and column.type == "string":
            found = _of_tasks(stage, table, "S", Cells)
        else:
            found = text(stage, name, is_bytes=column.type == "bytes")
    elif table is None:
        raise stage.file.damaged(f"/{stage.name}/results lacks {name}")
    else:
        found = _of_tasks(stage, table, "biuf", Numbers, column.shape)
    found.lacking = NO_RESULT
    return found


def _of_tasks(
    stage: Stage, table: Table, kinds: str, make: Callable[[Stage, Table], Values], inner: tuple[int, ...] = ()
) -> Values:
    if table.dtype.kind not in kinds or table.shape != (stage.tasks, *inner):
        raise stage.file.damaged(f"{table.name} has another shape or type than it must have")
    return make(stage, table)


def text(stage: Stage, name: str, *, is_bytes: bool = False) -> Values:
    """What tasks have printed, or a column of texts: empty where nothing was."""
    return Heap(stage, stage.table(f"text/{name}_index"), stage.table(f"text/{name}"), is_bytes)


def record(stage: Stage, name: str) -> Values | None:
    """What is recorded of tasks, as "duration"; None: it is not."""
    table = stage.table(f"task/{name}")
    return None if table is None else _of_tasks(stage, table, "biuf", Numbers)


def strides(stage: Stage) -> dict[str, tuple[int, int]]:
    """Of each parameter the size of its axis, and for how many tasks one after the other it stays the same."""
    found, stride = {}, 1
    for axis in reversed(stage.axes or []):
        found.update(dict.fromkeys(axis.parameters, (axis.size, max(stride, 1))))
        stride *= axis.size
    return found


def parameter(stage: Stage, name: str, stages: Callable[[str], Stage | None]) -> Values | None:
    """A parameter's values; None: the file does not say them. `stages` gives the others."""
    own = stage.table(f"axes/{name}")
    if own is not None and name in (places := strides(stage)):
        size, stride = places[name]
        if own.shape != (size,):
            raise stage.file.damaged(f"{own.name} has another shape than it must have")
        return OfAxis(stage, _decode(own.read()) if own.dtype.kind == "S" else own.read(), stride)
    if name in stage.origins:
        return _given(stage, stage.origins[name], stages)
    table = stage.table(f"params/{name}")
    if table is None:
        return None
    is_text = stage.parameters[name] == "string"
    found = _of_tasks(stage, table, "S" if is_text else "bif", Cells if is_text else Numbers)
    found.lacking = NO_PARAMETER
    return found


def _given(stage: Stage, origin: Any, stages: Callable[[str], Stage | None]) -> Values | None:
    try:
        path, stride, rows, indices = origin["dataset"], origin["stride"], origin["rows"], origin.get("indices")
        if path is None:
            return None
        _, name, folder, own = path.split("/")
        other = None if name == stage.name else stages(name)
        if other is None:
            return None
        source = parameter(other, own, stages) if folder == "params" else result(other, own)
        return None if source is None else Given(stage, source, int(stride), int(rows), indices)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        raise stage.file.damaged(f"attribute 'from' of /{stage.name}/params: {error}") from None
