"""From what a function has returned for a batch to the columns of its stage: one value a task. Nothing is stored before
all of it has been found to fit; then all cells are, those of absent values, too: they may hold anything before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from taskfarm._slot.columns import Column, check_integers, converter, described, is_binary, of_batch, unmasked
from taskfarm._slot.errors import Misfit
from taskfarm._slot.exact import as_told
from taskfarm._slot.labels import lost_unit
from taskfarm._slot.memory import FORMATS
from taskfarm._slot.results import Results, fields_of_batch

Array = Any  # of numpy
Text = tuple[int, int, bytes]  # row, column, content
_MAY_HAVE_MASKS = (list, tuple, np.ma.MaskedArray)


@dataclass(frozen=True)
class Rows:
    """Rows first .. last - 1 of the frame, or those of them that are to be called."""

    first: int
    last: int
    chosen: Array  # their places from `first` on; None: all are

    def __len__(self) -> int:
        return self.last - self.first if self.chosen is None else len(self.chosen)

    def first_number(self) -> int:
        """The number of the first of them in the frame."""
        return self.first if self.chosen is None else self.first + int(self.chosen[0])

    def numbers(self) -> Array:
        """The rows' numbers in the frame."""
        return np.arange(self.first, self.last) if self.chosen is None else self.first + self.chosen

    def of(self, cells: Array) -> Array:
        """The rows' own part of an array of all of the frame: a view of it, if all are chosen."""
        part = cells[self.first : self.last]
        return part if self.chosen is None else part[self.chosen]


def store(results: Results, rows: Rows, returned: Any) -> list[Text]:
    """Stores what a call has returned; returns its texts, by row. Raises Misfit."""
    if not results.columns:
        return []
    puts: list[Callable[[], None]] = []
    texts: list[list[Text]] = []
    absent = [column for column in results.columns if column.optional and column.type in FORMATS]
    for column, value in _members(results, len(rows), returned):
        if column.is_absent(value):
            continue
        try:
            if column.type in FORMATS:
                puts.append(_numbers(column, rows, value))
                absent = [other for other in absent if other is not column]
            else:
                texts.append(list(_texts(column, rows, value)))
        except Misfit as error:
            raise Misfit(f'column "{column.name}": {error}') from None
    puts += [_absent(column, rows) for column in absent]
    for put in puts:
        put()
    return [text for of_row in zip(*texts, strict=True) for text in of_row]


def _members(results: Results, count: int, returned: Any) -> Iterator[tuple[Column, Any]]:
    if type(returned) is np.ndarray and not returned.dtype.names and len(results.columns) == 1:  # nearly all are
        return iter([(results.columns[0], returned)])
    return results.members(fields_of_batch(returned, count))


# ---- Numbers ----


def _as_array(column: Column, count: int, value: Any) -> Array:
    if isinstance(value, (str, bytes, bytearray, set, frozenset, Mapping)) or value is None:
        raise Misfit(f"{described(value)}, {of_batch(count, column.shape)}")
    if lost_unit(value):
        raise Misfit(lost_unit(value))
    value = as_told(value)
    if isinstance(value, np.ma.MaskedArray):
        value = unmasked(value, column.type.startswith("float"))
    try:
        array = value if type(value) is np.ndarray else np.asarray(_without_masks(value))
    except Exception as error:  # lists of different lengths, or an object of the user's
        raise Misfit(f"{described(value)} is no array: {error}") from None
    if array.shape != (count, *column.shape):
        said = value if array.shape == () else array
        raise Misfit(f"{described(said)}, {of_batch(count, column.shape)}")
    return array


def _without_masks(value: Any) -> Any:
    """Lists, in which None stands for what is masked: numpy would take the numbers below the masks."""
    if isinstance(value, np.ma.MaskedArray):
        return value.tolist()
    if isinstance(value, (list, tuple)) and any(issubclass(kind, _MAY_HAVE_MASKS) for kind in set(map(type, value))):
        return [_without_masks(item) for item in value]
    return value


def _narrow(array: Array, wanted: Any) -> Array:
    with np.errstate(over="ignore"):
        short = array.astype(wanted)
    if not np.array_equal(np.isinf(short), np.isinf(array)):
        wider = "; declare the column as float64" if wanted.itemsize < 8 else ""
        raise Misfit(f"{described(array)} has numbers beyond {wanted.name}{wider}")
    return short


def _fit(column: Column, array: Array) -> Array:
    """The array, if its elements can be stored in the column. Raises Misfit."""
    kind, wanted = array.dtype.kind, np.dtype(column.type)
    if array.dtype == wanted:
        return array
    if kind == "O":
        convert = converter(column.type)
        return np.array([convert(value) for value in array.ravel().tolist()], wanted).reshape(array.shape)
    if wanted.kind == "f" and kind in "fiu":
        return _narrow(array, wanted) if wanted.itemsize < array.dtype.itemsize and kind == "f" else array
    if wanted.kind in "iu" and kind in "iu":
        check_integers(column.type, array)
        return array
    if wanted.kind in "iu" and kind == "f":
        raise Misfit(f"{described(array)} is no {column.type}; declare the column as float64")
    if wanted.kind == "b" and is_binary(array):
        return array
    raise Misfit(f"{described(array)} is no {column.type}")


def _cells(column: Column) -> Array:
    return np.frombuffer(column.cells, np.dtype(column.type)).reshape(-1, *column.shape)  # type: ignore[attr-defined]


def _absent(column: Column, rows: Rows) -> Callable[[], None]:
    cells = _cells(column)

    def put() -> None:
        cells[rows.first : rows.last] = np.nan if column.type.startswith("float") else 0

    return put


def _numbers(column: Column, rows: Rows, value: Any) -> Callable[[], None]:
    array = _fit(column, _as_array(column, len(rows), value))
    cells = _cells(column)

    def put() -> None:
        part = cells[rows.first : rows.last]
        if rows.chosen is None:
            np.copyto(part, array, casting="unsafe")
        else:
            part[rows.chosen] = array

    return put


# ---- Strings and bytes ----


def _texts(column: Column, rows: Rows, value: Any) -> Iterator[Text]:
    count = len(rows)
    if isinstance(value, (str, bytes, bytearray, set, frozenset, Mapping)) or not hasattr(value, "__len__"):
        raise Misfit(f"{described(value)}, {of_batch(count, column.shape)}")
    if len(value) != count:
        raise Misfit(f"{described(value)}, {of_batch(count, column.shape)}")
    value = as_told(value)
    values = value.tolist() if isinstance(value, np.ndarray) else list(value)
    for row, one in zip(rows.numbers().tolist(), values, strict=True):
        try:
            column.store(row, one)
        finally:
            stored = column.drop()
        yield from ((row, number, content) for number, content in stored)
