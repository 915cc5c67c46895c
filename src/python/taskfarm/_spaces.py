"""Spaces: the points over which a function is mapped.

    product(depth=np.geomspace(1e-4, 1e-2, 50), period=[1, 3, 10])     150 points; the last axis varies fastest
    rows(frame) * product(filter=["G", "R"])                           a product, too
    csv("stars.csv").where("mag < 20")                                 the others are left out

A space is small and never changes: len(space) points, of which space[i] is one, a dict. It is not expanded. What stands
in files, and what the engine alone computes, is read by the engine, as the run will read it; so is which points where()
leaves.
"""

from __future__ import annotations

import abc
import json
import math
import operator
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from taskfarm._axis import Scalar, Values
from taskfarm._slot.exact import as_told

Point = dict[str, Scalar]

# Writes a table of named columns of one length to a file, and returns the axis that reads it.
Spill = Callable[[dict[str, Values]], dict[str, Any]]

_INLINE = 100_000  # cells of a table, or values of an axis, that stand in the manifest itself


_WAYS = "give axes by name, as in product(depth=[1, 2]) or zip(ra=[1, 2], dec=[3, 4]), or rows(list of dicts)"


class Space(abc.ABC):
    """Points in an order. `a * b` is their product, b's points varying faster."""

    __slots__ = ()

    @abc.abstractmethod
    def __len__(self) -> int: ...

    @abc.abstractmethod
    def _point(self, index: int) -> Point: ...

    @abc.abstractmethod
    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        """The axes of the manifest's "over". `spill` takes tables that are too large to stand in it."""

    @abc.abstractmethod
    def names(self) -> tuple[str, ...] | None:
        """The parameters that a point has; None: only the engine knows."""

    def conditions(self) -> tuple[str, ...]:
        """The expressions that must all be true of a point that is not left out."""
        return ()

    def _whole(self) -> Space:
        """The points that `axes` gives: also those that are left out."""
        return self

    def __getitem__(self, index: int) -> Point:
        size, i = len(self), operator.index(index)
        if not -size <= i < size:
            raise IndexError(f"{i}: the space has {size} points")
        return self._point(i % size)

    def __iter__(self) -> Iterator[Point]:
        return (self._point(i) for i in range(len(self)))

    def __mul__(self, other: Space) -> Space:
        return product(self, other) if isinstance(other, Space) else NotImplemented

    def where(self, expression: str) -> Space:
        """The points of which an expression of the parameters is true, as in "depth > 1e-3 && filter == 'R'".

        Which they are is worked out by the engine, when it runs them, or for len() and [i]. In a run the others are
        left out, and keep their numbers.
        """
        return _Where(self, expression)


class _Axis(Space):
    __slots__ = ("_name", "_values")

    def __init__(self, name: str, values: Values) -> None:
        self._name, self._values = name, values

    def __len__(self) -> int:
        return len(self._values)

    def _point(self, index: int) -> Point:
        return {self._name: self._values[index]}

    def names(self) -> tuple[str, ...] | None:
        return (self._name,)

    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        if spill and _is_long(self._values):
            return [spill({self._name: self._values})]
        axis = self._values.axis()
        return [{"name": self._name, **(axis if isinstance(axis, dict) else {"values": axis})}]

    def __repr__(self) -> str:
        return f"product({_inside(self)})"


class _Table(Space):
    """Columns side by side."""

    __slots__ = ("_columns", "_made_by")

    def __init__(self, made_by: str, columns: dict[str, Values]) -> None:
        self._columns, self._made_by = columns, made_by
        if not columns:
            raise ValueError(f"{made_by} needs at least one column")
        lengths = {name: len(values) for name, values in columns.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise ValueError(f"{made_by}: columns side by side must have the same length, not {told}")

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def _point(self, index: int) -> Point:
        return {name: values[index] for name, values in self._columns.items()}

    def names(self) -> tuple[str, ...] | None:
        return tuple(self._columns)

    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        if spill and len(self) * len(self._columns) > _INLINE and not _has_bool(self._columns):
            return [spill(self._columns)]
        return [{"zip": {name: values.axis() for name, values in self._columns.items()}}]

    def __repr__(self) -> str:
        return f"{self._made_by}({', '.join(f'{name}={values!r}' for name, values in self._columns.items())})"


class _Product(Space):
    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[Space, ...]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        points = math.prod(len(part) for part in self._parts)
        if points > sys.maxsize:
            raise OverflowError(f"the space has {points:.3g} points, more than there are numbers for")
        return points

    def _point(self, index: int) -> Point:
        points = []
        for part in reversed(self._parts):
            index, rest = divmod(index, len(part))
            points.append(part._point(rest))
        return {name: value for point in reversed(points) for name, value in point.items()}

    def names(self) -> tuple[str, ...] | None:
        found: list[str] = []
        for part in self._parts:
            names = part.names()
            if names is None:
                return None
            found += names
        return tuple(found)

    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        return [axis for part in self._parts for axis in part.axes(spill)]

    def conditions(self) -> tuple[str, ...]:
        return tuple(condition for part in self._parts for condition in part.conditions())

    def _whole(self) -> Space:
        return _Product(tuple(part._whole() for part in self._parts))

    def __repr__(self) -> str:
        return f"product({', '.join(_inside(part) for part in self._parts)})"


class _Concat(Space):
    __slots__ = ("_parts",)

    def __init__(self, parts: tuple[Space, ...]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(len(part) for part in self._parts)

    def _point(self, index: int) -> Point:
        for part in self._parts:
            if index < len(part):
                return part._point(index)
            index -= len(part)
        raise IndexError(index)

    def names(self) -> tuple[str, ...] | None:
        return self._parts[0].names()

    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        return [{"concat": [part.axes(spill) for part in self._parts]}]

    def __repr__(self) -> str:
        return f"concat({', '.join(map(repr, self._parts))})"


class _Where(Space):
    __slots__ = ("_expression", "_left", "_space")

    def __init__(self, space: Space, expression: str) -> None:
        if not isinstance(expression, str):
            kind = type(expression).__name__
            raise TypeError(f'where: a {kind} is no expression: say it as a text, as in where("depth > 1e-3")')
        self._space, self._expression = space, expression
        self._left: Any = None

    def _numbers(self) -> Any:
        """Of the points that are left, among all of them; asked for once."""
        if self._left is None:
            from taskfarm._left import points_left

            self._left = points_left(self.axes(), self.conditions())
        return self._left

    def __len__(self) -> int:
        return len(self._numbers())

    def _point(self, index: int) -> Point:
        return self._whole()._point(self._numbers()[index])

    def _whole(self) -> Space:
        return self._space._whole()

    def names(self) -> tuple[str, ...] | None:
        return self._space.names()

    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        return self._space.axes(spill)

    def conditions(self) -> tuple[str, ...]:
        return (*self._space.conditions(), self._expression)

    def __repr__(self) -> str:
        return f"{self._space!r}.where({json.dumps(self._expression, ensure_ascii=False)})"


class _Asked(Space):
    """An axis that the engine reads or computes: asked for its length and points when these are wanted."""

    __slots__ = ("_axis", "_text")

    def __init__(self, text: str, axis: dict[str, Any]) -> None:
        self._axis, self._text = axis, text

    def __len__(self) -> int:
        from taskfarm._engine import space_length

        return space_length(self.axes())

    def _point(self, index: int) -> Point:
        from taskfarm._engine import space_point

        return space_point(self.axes(), index)

    def names(self) -> tuple[str, ...] | None:
        if "sobol" in self._axis:
            return tuple(self._axis["sobol"])
        return (
            (self._axis["name"],)
            if "name" in self._axis and {"files", "blocks", "csv"}.isdisjoint(self._axis)
            else None
        )

    def axes(self, spill: Spill | None = None) -> list[dict[str, Any]]:
        return [dict(self._axis)]

    def __repr__(self) -> str:
        return self._text


def first_names(space: Space) -> tuple[str, ...] | None:
    """The parameters of the first point, which the engine may have to read; None: there is no point."""
    points = space._whole()
    return tuple(points[0]) if len(points) else None


def _is_long(values: Values) -> bool:
    return len(values) > _INLINE and values.kind != "bool" and isinstance(values.axis(), list)


def _has_bool(columns: dict[str, Values]) -> bool:
    return any(values.kind == "bool" for values in columns.values())


def _inside(part: Space) -> str:
    """As it stands among what product() is given."""
    return f"{part._name}={part._values!r}" if isinstance(part, _Axis) else repr(part)


def _axis(name: str, values: Any) -> Space:
    if isinstance(values, Space):
        raise TypeError(f"{name}: a space has names of its own: give it without one, as in product(space, x=[1, 2])")
    if isinstance(values, Mapping):  # as the manifest has it: {"linspace": [0, 1, 5]}
        if set(values) == {"values"}:
            return _Axis(name, Values(name, values["values"]))
        axis = _copied(name, values)
        return _Asked(f"product({name}={axis!r})", {"name": name, **axis})
    return _Axis(name, Values(name, values))


def _copied(name: str, axis: Mapping[str, Any]) -> dict[str, Any]:
    """An axis of the manifest as JSON has it, whatever becomes of what it was made of."""

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):  # of numpy
            return value.tolist()
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if isinstance(value, range):
            return list(value)
        raise TypeError(f"{name}: {type(value).__name__} can't stand in an axis")

    copied: dict[str, Any] = json.loads(json.dumps(dict(axis), default=plain))
    return copied


def product(*spaces: Space, **axes: Any) -> Space:
    """All combinations of the points of spaces and of the values of named axes; the last varies fastest.

    An axis is a list, a range, an array of one dimension, a single value, or a dict that is an axis of the manifest:
    {"linspace": [0, 1, 11]}. Without any axis: one point.
    """
    for space in spaces:
        if not isinstance(space, Space):
            kind = type(space).__name__
            raise TypeError(f"product: {kind} is no space: {_WAYS}")
    parts = [*spaces, *(_axis(name, values) for name, values in axes.items())]
    flat = [inner for part in parts for inner in (part._parts if isinstance(part, _Product) else (part,))]
    names = [name for part in flat for name in part.names() or ()]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"product: {name} is there twice")
    return flat[0] if len(flat) == 1 else _Product(tuple(flat))


def zip(**axes: Any) -> Space:
    """Named axes side by side; all of one length."""
    return _Table("zip", {name: Values(name, values) for name, values in axes.items()})


def concat(*spaces: Space) -> Space:
    """One space after another; each has the same parameters."""
    parts = tuple(as_space(space) for space in spaces)
    if not parts:
        raise ValueError("concat needs at least one space")
    for part in parts:
        if part.conditions():
            raise ValueError("concat: a space with where() can't be a part: say where() of the whole")
    return parts[0] if len(parts) == 1 else _Concat(parts)


def rows(table: Any) -> Space:
    """The records of a pandas.DataFrame, a numpy array with named fields, or a list of dicts with the same keys."""
    dtype = getattr(table, "dtype", None)
    if dtype is not None and getattr(dtype, "names", None):
        return _Table("rows", {name: Values(name, table[name]) for name in dtype.names})
    if hasattr(table, "columns") and hasattr(table, "iloc"):
        _check_index(table.index)
        return _Table("rows", {_column_name(name): _frame_column(table, name) for name in table.columns})
    if isinstance(table, (str, bytes)) or not hasattr(table, "__iter__"):
        raise TypeError(
            f"rows: {type(table).__name__} is no table: give a DataFrame, a structured array or a list of dicts"
        )
    records = list(table)
    names = list(records[0]) if records and isinstance(records[0], Mapping) else []
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            raise TypeError(f"rows: record {number} is a {type(record).__name__}, and no dict")
        if set(record) != set(names):
            raise ValueError(f"rows: record {number} has {sorted(record)}, and the first one {sorted(names)}")
    if not records:
        raise ValueError("rows: there is no record")
    return _Table("rows", {name: Values(name, [record[name] for record in records]) for name in names})


def _check_index(index: Any) -> None:
    """Plain integers without a name are numbers of rows, whichever are left of them; all else tells something."""
    if list(index.names) != [None] or getattr(index.dtype, "kind", "O") not in "iu":
        named = ", ".join(repr(name) for name in index.names if name is not None)
        raise ValueError(
            f"rows: the index{' ' if named else ''}{named} is no column, and would be lost: say .reset_index(), which "
            "makes it one, or .reset_index(drop=True)"
        )


def _column_name(name: Any) -> str:
    if not isinstance(name, str):
        raise TypeError(f"rows: column {name!r}: names of columns are texts: say frame.rename(columns=str)")
    return name


def _frame_column(frame: Any, name: str) -> Values:
    """A column of a DataFrame. Extension types (nullable integers, categories) count as the objects that they hold."""
    series = frame[name]
    if getattr(series, "ndim", 1) != 1:
        raise ValueError(f"rows: the frame has two columns {name!r}")
    missing = series.isna()
    if missing.any() and not _is_float(series.dtype):
        first = int(missing.to_numpy().argmax())
        raise ValueError(f"rows: column {name!r} has no value in row {first}: only floats may be missing")
    is_plain = type(series.dtype).__module__.startswith("numpy") and series.dtype.kind not in "biufU"
    return Values(name, series.tolist() if is_plain else as_told(series))


def _is_float(dtype: Any) -> bool:
    return getattr(dtype, "kind", "") == "f"


def csv(path: Any, *, types: Mapping[str, str] | None = None) -> Space:
    """A point a record of a table by RFC 4180 with a header; `path` may be a pattern. `types` says what columns are:
    {"id": "string"}."""
    axis: dict[str, Any] = {"csv": os.fspath(path)}
    if types:
        axis["types"] = dict(types)
    return _Asked(f"csv({os.fspath(path)!r})", axis)


def glob(**patterns: str | os.PathLike[str]) -> Space:
    """The paths that match each named pattern, in byte order; several patterns are multiplied."""
    if not patterns:
        raise ValueError('glob needs a name and a pattern, as in glob(image="raw/*.fits")')
    paths = {name: os.fspath(pattern) for name, pattern in patterns.items()}
    return product(*(_Asked(f"glob({name}={path!r})", {"name": name, "glob": path}) for name, path in paths.items()))


def files(
    pattern: str | os.PathLike[str], *, name: str | None = None, wildcards: Mapping[str, str] | None = None
) -> Space:
    """One point a path that matches "raw/{object}_{filter}.fits": each wildcard is a parameter, and the path one called
    `name`. `wildcards` constrains them by extended regular expressions."""
    path = os.fspath(pattern)
    axis: dict[str, Any] = {"files": path}
    if name is not None:
        axis["name"] = name
    if wildcards:
        axis["wildcards"] = dict(wildcards)
    return _Asked(f"files({path!r})", axis)


def sobol(count: int, **ranges: tuple[Any, ...]) -> Space:
    """The first points of a Sobol' sequence: x=(0, 1) evenly between two numbers, y=(1e-3, 1e-1, "log") evenly in the
    logarithm."""
    boxes = {name: _box(name, box) for name, box in ranges.items()}
    told = ", ".join(f"{name}={tuple(box)!r}" for name, box in boxes.items())
    return _Asked(f"sobol({count}, {told})", {"sobol": boxes, "count": operator.index(count)})


def _box(name: str, box: Any) -> list[Any]:
    """A range of sobol's."""
    box = box.tolist() if hasattr(box, "tolist") else box
    is_box = isinstance(box, (tuple, list)) and (len(box) == 2 or (len(box) == 3 and box[2] == "log"))
    bounds = list(Values(f"sobol: {name}", box[:2])) if is_box else []
    if not all(isinstance(bound, (int, float)) and not isinstance(bound, bool) for bound in bounds) or not is_box:
        raise TypeError(f'sobol: {name}: must be (low, high) or (low, high, "log"), not {box!r}')
    return [*bounds, *box[2:]]


def as_space(given: Any) -> Space:
    """What `map` is given: a space; a dict of axes; a table, which gives its records; None: one point."""
    if isinstance(given, Space):
        return given
    if given is None:
        return _Product(())
    if isinstance(given, Mapping):
        return product(**given)
    if hasattr(given, "columns") or getattr(getattr(given, "dtype", None), "names", None):
        return rows(given)
    if isinstance(given, (list, tuple)) and all(isinstance(record, Mapping) for record in given):
        return rows(given)
    raise TypeError(f"{type(given).__name__} is no space: {_WAYS}")
