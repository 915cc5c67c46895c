"""A stage's tasks as rows of a pandas.DataFrame."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from taskfarm import _values
from taskfarm._contents import FAILED, STATUSES, TIMEOUT, Stage, status_name
from taskfarm._values import Array, Grid, Values

TAIL = 2000  # characters of stderr that a table of failures has

Stages = Callable[[str], Stage | None]


def series(values: Array, gaps: Array) -> Any:
    """As pandas has it, with NA where there is nothing: Int64, UInt8, boolean, string; floats stay, with NaN."""
    if values.ndim > 1:  # an array a row
        rows: Array = np.empty(len(values), object)
        rows[:] = [None if gap else row for row, gap in zip(values, gaps, strict=True)]
        return rows
    if values.dtype.kind == "f":
        return np.where(gaps, np.nan, values).astype(values.dtype)
    if values.dtype.kind == "b":
        return pd.arrays.BooleanArray(values, gaps)
    if values.dtype.kind in "iu":
        return pd.arrays.IntegerArray(values, gaps)
    listed = [None if gap else value for value, gap in zip(values.tolist(), gaps.tolist(), strict=True)]
    is_text = all(isinstance(value, (str, type(None))) for value in listed)
    return pd.array(listed, dtype="string") if is_text else np.array([*listed, None], object)[:-1]


def _cells(values: Values, grid: Grid) -> Any:
    everything = (slice(None),) * (1 + len(values.inner))
    found = values.read(grid, everything)
    gaps = values.gaps(grid, everything) if values.has_gaps() else np.zeros(grid.shape, bool)
    return series(found, gaps)


def _table(stage: Stage, grid: Grid, columns: dict[str, Any]) -> pd.DataFrame:
    index = pd.RangeIndex(stage.tasks) if grid.rows is None else pd.Index(grid.rows)
    return pd.DataFrame(columns, index=index.rename("task"))


def _tasks(stage: Stage) -> Grid:
    """All of them but those that `where` leaves out."""
    if "excluded" not in stage.counts:
        return Grid(("task",), (stage.tasks,))
    kept = [code for code, name in enumerate(STATUSES) if name != "excluded"]
    return _some(np.fromiter(stage.with_status(*kept), np.int64))


def _some(rows: Array) -> Grid:
    return Grid(("task",), (len(rows),), rows)


def _statuses(stage: Stage, grid: Grid) -> Any:
    return pd.Categorical.from_codes(_values.codes_of(stage, grid, (slice(None),)), categories=list(STATUSES))


def _parameters(stage: Stage, stages: Stages, grid: Grid) -> dict[str, Any]:
    values = {name: _values.parameter(stage, name, stages) for name in stage.parameters}
    return {name: _cells(its, grid) for name, its in values.items() if its is not None}


def frame(stage: Stage, stages: Stages) -> pd.DataFrame:
    """Status, parameters and results; arrays are a numpy array a row."""
    grid = _tasks(stage)
    with stage.file.open():
        columns = {status_name(stage): _statuses(stage, grid), **_parameters(stage, stages, grid)}
        for name in stage.results:
            values = _values.result(stage, name)
            if values is not None:
                columns[name if name not in columns else f"result.{name}"] = _cells(values, grid)
    return _table(stage, grid, columns)


def failed(stage: Stage, stages: Stages) -> pd.DataFrame:
    """Those that failed or took too long: their parameters, and why."""
    grid = _some(np.fromiter(stage.with_status(FAILED, TIMEOUT), np.int64))
    with stage.file.open():
        parameters = _parameters(stage, stages, grid)
        told = {
            "status": _statuses(stage, grid),
            "message": _cells(_values.text(stage, "message"), grid),
            "attempts": _cells(attempts, grid) if (attempts := _values.record(stage, "attempts")) else pd.NA,
            "stderr": pd.array([text[-TAIL:] for text in _cells(_values.text(stage, "stderr"), grid)], dtype="string"),
        }
    taken = {name if name not in parameters else f"task.{name}": column for name, column in told.items()}
    return _table(stage, grid, {**parameters, **taken})
