"""A stage as an xarray.Dataset on the grid of its axes, read where it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from taskfarm import _h5, _values
from taskfarm._contents import EXCLUDED, STATUSES, Axis, Stage, status_name
from taskfarm._errors import warn
from taskfarm._h5 import Table
from taskfarm._values import Array, Grid, Values

Stages = Callable[[str], Stage | None]
MOST_LABELS = 10**7  # points of a dimension that have their values as its index
SMALL = 1 << 16  # elements of a coordinate that is read at once


# ---- Lazy arrays ----


class Lazy(BackendArray):  # type: ignore[misc]
    """Reads a part of something by integers and slices. It can be pickled, as processes of dask and joblib want it: the
    file is opened again where it is read."""

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)

    def read(self, key: _h5.Key) -> Array:
        raise NotImplementedError

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self.read)


def _variable(dims: tuple[Hashable, ...], lazy: Lazy, attrs: dict[str, str] | None = None) -> xr.Variable:
    return xr.Variable(dims, indexing.LazilyIndexedArray(lazy), attrs)


def masked_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """A type that can say that there is nothing: NaN among numbers, None among texts."""
    return dtype if dtype.kind in "fO" else np.dtype(np.float64)


def blank(name: str, values: Array, gaps: Array) -> Array:
    """Values with nothing where there are gaps, which have fewer dimensions or as many. Warns of what is rounded."""
    found = np.asarray(values.astype(masked_dtype(values.dtype)))  # a copy
    gaps = gaps.reshape(gaps.shape + (1,) * (found.ndim - gaps.ndim))
    if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and (_is_rounded(values, found) & ~gaps).any():
        text = f"{name}: integers beyond 2**53 are rounded to float64 here, as some tasks have no value: "
        warn(f"{text}to_dataset(masked=False), frame and [i] have them exactly")
    np.copyto(found, None if found.dtype.kind == "O" else np.nan, where=gaps)
    return found


def _is_rounded(integers: Array, floats: Array) -> Array:
    with np.errstate(invalid="ignore"):  # 2**63 is no int64 any more
        return np.asarray(floats.astype(integers.dtype) != integers)


class LazyValues(Lazy):
    """Values on the grid; `masked`: without those that were never computed."""

    def __init__(self, name: str, values: Values, grid: Grid, masked: bool) -> None:
        self.name, self.values, self.grid = name, values, grid
        self.has_gaps = masked and values.has_gaps()
        super().__init__(grid.shape + values.inner, masked_dtype(values.dtype) if self.has_gaps else values.dtype)

    def read(self, key: _h5.Key) -> Array:
        found = self.values.read(self.grid, key)
        return blank(self.name, found, self.values.gaps(self.grid, key)) if self.has_gaps else found


# ---- Columns that are one array ----


def _array_variable(stage: Stage, name: str, grid: Grid, masked: bool) -> xr.Variable:
    """A column of which each task has a block: in the array's own dimensions."""
    table = stage.table(f"results/{name}")
    if table is None:
        raise stage.file.damaged(f"/{stage.name}/results lacks {name}")
    with stage.file.open() as file:
        dataset = file[table.name]
        chunks = dataset.chunks or table.shape
        names = [_scale_name(d) or f"{name}_dim{n}" for n, d in enumerate(dataset.dims)]
    other = {*stage.parameters} - {*grid.dims}  # coordinates of another dimension
    dims = tuple(f"{name}_dim{n}" if own in other else own for n, own in enumerate(names))
    lazy = LazyBlocks(name, stage, table, chunks, masked)
    return _variable(dims, lazy, table.attrs)


class LazyBlocks(Lazy):
    """An array of which each task has a chunk."""

    def __init__(self, name: str, stage: Stage, table: Table, chunks: tuple[int, ...], masked: bool) -> None:
        self.name, self.stage, self.table, self.chunks = name, stage, table, chunks
        self.blocks = tuple(-(-size // chunk) for size, chunk in zip(table.shape, chunks, strict=True))
        if int(np.prod(self.blocks, dtype=np.int64)) != stage.tasks:
            raise stage.file.damaged(f"{table.name} has another shape than it must have")
        self.has_gaps = masked and any(status != "done" for status in stage.counts)
        super().__init__(table.shape, masked_dtype(table.dtype) if self.has_gaps else table.dtype)

    def read(self, key: _h5.Key) -> Array:
        found = self.table.blocks(key)
        if not self.has_gaps:
            return found
        codes = self.stage.status.view(self.blocks)
        for d in reversed(range(len(key))):
            codes = codes[(slice(None),) * d + (np.arange(self.shape[d])[key[d]] // self.chunks[d],)]
        return blank(self.name, found, np.asarray(codes) != 1)


def _scale_name(dimension: Any) -> str:
    return str(dimension[0].name).rsplit("/", 1)[-1] if len(dimension) else ""


# ---- The grid ----


def _unique(name: str, taken: set[str]) -> str:
    while name in taken:
        name = f"task.{name}"
    return name


def _dimension(axis: Axis, alone: bool, names: set[str]) -> str:
    """An axis is called by its first parameter, as in the file; a table that is all there is has tasks."""
    if axis.blocks:
        return _unique(f"{axis.blocks}_block", names)
    if alone and len(axis.parameters) > 1:
        return _unique("task", names)
    return axis.parameters[0]


def grid_of(stage: Stage) -> Grid:
    """The grid of the stage's axes; where there is none, all tasks but those that `where` leaves out."""
    names = {*stage.parameters, *stage.results}
    axes = stage.axes
    if axes is not None and "excluded" not in stage.counts and all(a.parameters for a in axes):
        dims = tuple(_dimension(axis, len(axes) == 1, names) for axis in axes)
        return Grid(dims, tuple(axis.size for axis in axes))
    rows = None
    if "excluded" in stage.counts:
        rows = np.fromiter(stage.with_status(*(c for c in range(len(STATUSES)) if c != EXCLUDED)), np.int64)
    return Grid((_unique("task", names),), (stage.tasks if rows is None else len(rows),), rows)


def _along_axis(name: str, values: Values, grid: Grid, dim: int) -> Array | None:
    """A parameter's values along its axis: of each the first task that has it written."""
    if isinstance(values, _values.OfAxis):
        return values.values
    first = tuple(slice(None) if d == dim else 0 for d in range(len(grid.shape)))
    if 0 in grid.shape:
        return None
    if not values.gaps(grid, first).any():
        return values.read(grid, first)
    everything = (slice(None),) * len(grid.shape)
    written = np.moveaxis(~values.gaps(grid, everything), dim, 0).reshape(grid.shape[dim], -1)
    tasks = np.moveaxis(grid.select(everything), dim, 0).reshape(grid.shape[dim], -1)
    chosen = np.take_along_axis(tasks, written.argmax(axis=1)[:, None], axis=1)[:, 0]
    found, lacks = values.take(chosen), ~written.any(axis=1)
    return blank(name, found, lacks) if lacks.any() else found


def _axis_coordinates(stage: Stage, stages: Stages, grid: Grid) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for dim, axis in enumerate(stage.axes or []):
        for name in axis.parameters if axis.size <= MOST_LABELS else ():
            values = _values.parameter(stage, name, stages)
            along = None if values is None else _along_axis(name, values, grid, dim)
            if along is not None:
                found[name] = (grid.dims[dim], along)
        if grid.dims[dim] not in stage.parameters and not axis.blocks:
            found[grid.dims[dim]] = (grid.dims[dim], pd.RangeIndex(axis.size))
    return found


def _task_coordinates(stage: Stage, stages: Stages, grid: Grid, masked: bool) -> dict[str, Any]:
    (task,) = grid.dims
    found: dict[str, Any] = {task: (task, pd.RangeIndex(stage.tasks) if grid.rows is None else grid.rows)}
    for name in stage.parameters:
        values = _values.parameter(stage, name, stages)
        if values is not None:
            found[name] = _variable(grid.dims, LazyValues(name, values, grid, masked))
    return found


# ---- The whole ----


class LazyStatus(Lazy):
    """How tasks ended, in words: as objects, of which all rows share a few, a fifth of what as many letters take."""

    def __init__(self, stage: Stage, grid: Grid) -> None:
        self.stage, self.grid = stage, grid
        super().__init__(grid.shape, object)

    def read(self, key: _h5.Key) -> Array:
        words: Array = np.array(STATUSES, object)
        return np.asarray(words[_values.codes_of(self.stage, self.grid, key)], object)


def dataset(stage: Stage, stages: Stages, *, masked: bool = True, attrs: dict[str, str] | None = None) -> xr.Dataset:
    """The stage's results on its grid. `masked`: what was never computed is NaN, or None among texts."""
    grid = grid_of(stage)
    is_product = grid.rows is None and stage.axes is not None and grid.shape == tuple(a.size for a in stage.axes)
    coords = _axis_coordinates(stage, stages, grid) if is_product else _task_coordinates(stage, stages, grid, masked)
    coords[status_name(stage)] = _variable(grid.dims, LazyStatus(stage, grid), {"long_name": "how the task ended"})
    variables = {}
    for name, column in stage.results.items():
        own = _unique(name, set(coords))
        if column.axis:
            variables[own] = _array_variable(stage, name, grid, masked)
        elif (values := _values.result(stage, name)) is not None:
            dims = grid.dims + tuple(_unique(f"{name}_dim{d + 1}", {*coords}) for d in range(len(column.shape)))
            variables[own] = _variable(dims, LazyValues(name, values, grid, masked), values.attrs)
    return xr.Dataset(variables, coords, attrs)
