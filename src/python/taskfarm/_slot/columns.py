"""Columns of a stage: which Python values they take, and how these are stored in shared memory.

Each kind of column has `store(row, value)`, which raises Misfit with what is wrong. The loop stores plain numbers by
itself (loop.py); what is anything else comes here."""

import math
import operator
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from taskfarm._slot.errors import Misfit
from taskfarm._slot.exact import as_told
from taskfarm._slot.labels import lost, lost_unit
from taskfarm._slot.memory import FORMATS, SIZES, Cells, Memory

if TYPE_CHECKING:
    import numpy as np

SHOWN = 60  # characters of a value in a message
_BEYOND_FLOAT32 = 2.0**128 - 2.0**103  # from here on a double is rounded to infinity


def shown(value: object) -> str:
    """A value, as far as it is shown in a message."""
    try:
        text = value if isinstance(value, str) else str(value) if _is_numpy(value) else repr(value)
    except BaseException:
        return f"a {type(value).__name__}"
    if isinstance(value, str):
        text = f'"{text}"'
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def described(value: object) -> str:
    """What a value is: "a list of 3", "an array of float64 of shape (3,)"."""
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return f"a {type(value).__name__} of {len(value)}"
    shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
    if isinstance(shape, tuple) and dtype is not None and shape != ():
        return f"an array of {dtype} of shape {shape}"
    if value is None or shape == () or isinstance(value, (bool, int, float, complex, str, bytes)):
        return shown(value)
    return f"a {type(value).__qualname__}"


def of_batch(count: int, shape: Sequence[int] = ()) -> str:
    """What a batch function returns for a column, to stand behind what it has returned for `count` tasks."""
    of_any = ", ".join(map(str, ("tasks", *shape))) if shape else "tasks,"
    return f"expected an array of shape ({of_any}), here {(count, *shape)}: one value for each task of the batch"


def _is_numpy(value: object) -> bool:
    return "numpy" in sys.modules and isinstance(value, (sys.modules["numpy"].ndarray, sys.modules["numpy"].generic))


def _is_masked(value: object) -> bool:
    """Is it a number of numpy's that is masked? float() and index() would give what is below the mask."""
    ma = sys.modules.get("numpy.ma")
    return ma is not None and isinstance(value, ma.MaskedArray) and value.shape == () and bool(ma.is_masked(value))


def _is_integer_type(name: str) -> bool:
    return name.startswith(("int", "uint"))


def limits(name: str) -> tuple[int, int]:
    """The least and the greatest number of an integer type."""
    bits = 8 * SIZES[name]
    return (0, 2**bits - 1) if name.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


_NUMPY_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def integers() -> frozenset[type]:
    """The types of integers that memoryview takes as they are, as far as they are imported by now."""
    numpy = sys.modules.get("numpy")
    if not hasattr(numpy, "uint64"):
        return frozenset({int})
    return frozenset([int, *(getattr(numpy, name) for name in _NUMPY_INTEGERS)])


# ---- Numbers: from a Python value to one that memoryview takes ----


def _to_bool(name: str, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if _is_numpy(value) and value.shape == () and value.dtype.kind == "b":
        return bool(value)
    if not hasattr(value, "dtype") and isinstance(value, int) and value in (0, 1):
        return bool(value)
    if _is_numpy(value) and value.shape == () and is_binary(value):
        return bool(value)
    raise Misfit(f"{described(value)} is no bool")


def is_binary(array: Any) -> bool:
    """Are numpy's numbers integers, and all of them 0 or 1?"""
    return array.dtype.kind in "iu" and bool(((array == 0) | (array == 1)).all())


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool) or (_is_numpy(value) and value.dtype.kind == "b")


def _is_finite(value: Any) -> bool:
    """Is a number that float() makes infinite finite itself?"""
    import numbers

    return (_is_numpy(value) or isinstance(value, numbers.Number)) and abs(value) != math.inf


def _to_float(name: str, value: Any) -> float:
    if value is None:
        return math.nan
    if _is_boolean(value) or isinstance(value, (str, bytes, bytearray, complex)):
        raise Misfit(f"{described(value)} is no {name}")
    if getattr(value, "shape", ()) != () or not (hasattr(value, "__float__") or hasattr(value, "__index__")):
        raise Misfit(f"{described(value)} is no {name}")
    try:
        number = float(value)
    except OverflowError:
        raise Misfit(f"{shown(value)} is beyond {name}") from None
    except (TypeError, ValueError):
        raise Misfit(f"{described(value)} is no {name}") from None
    if math.isinf(number) and _is_finite(value):  # Decimal and long doubles overflow without a word
        raise Misfit(f"{shown(value)} is beyond {name}")
    if name == "float32" and math.isfinite(number) and abs(number) >= _BEYOND_FLOAT32:
        raise Misfit(f"{shown(value)} is beyond float32; declare the column as float64")
    return number


def _to_int(name: str, value: Any) -> int:
    if _is_boolean(value):
        raise Misfit(f"{shown(value)} is a bool, no {name}; return int(...), or declare the column as bool")
    if isinstance(value, float) or (_is_numpy(value) and value.dtype.kind == "f" and value.shape == ()):
        raise Misfit(
            f"{shown(value)} is a float, no {name}; declare the column as float64, which keeps the rows that are done"
        )
    if value is None:
        raise Misfit(f"None is no {name}; declare the column as float64, where it is NaN")
    try:
        number = operator.index(value)
    except TypeError:
        raise Misfit(f"{described(value)} is no {name}") from None
    low, high = limits(name)
    if not low <= number <= high:
        wider = "" if name in ("int64", "uint64") else "; declare it wider"
        raise Misfit(f"{shown(number)} is beyond {name}{wider}")
    return number


def converter(name: str) -> Callable[[Any], Any]:
    """What turns a value into a number of the type, or raises Misfit."""
    is_float = not _is_integer_type(name) and name != "bool"
    kind = {True: _to_float, False: _to_bool if name == "bool" else _to_int}[is_float]

    def convert(value: Any) -> Any:
        if lost_unit(value):
            raise Misfit(lost_unit(value))
        if not _is_masked(value):
            return kind(name, value)
        if is_float:
            return math.nan
        raise Misfit(f"a masked value is no {name}; declare the column as float64, where it is NaN")

    return convert


# ---- Columns ----


@dataclass
class Column:
    """A column of the stage; `bind` points it at the cells of a frame."""

    number: int
    name: str
    type: str
    shape: tuple[int, ...]  # of a block: of the largest one
    optional: bool

    def bind(self, memory: Memory, offset: int, count: int, counts: Cells | None) -> None:
        """Points the column at the cells of `count` rows; `counts`: of each row the shape of its block."""
        raise NotImplementedError

    def store(self, row: int, value: Any) -> None:
        """Stores the row's value. Raises Misfit."""
        raise NotImplementedError

    def is_absent(self, value: Any) -> bool:
        """Is the value none at all, where the column allows that? Its cells are as they were laid out then."""
        return self.optional and (value is None or _is_masked(value))

    def drop(self) -> list[tuple[int, bytes]]:
        """Texts that have been stored since it was last called."""
        return []


class NumberColumn(Column):
    """One number a row."""

    cells: Cells

    def bind(self, memory: Memory, offset: int, count: int, counts: Cells | None) -> None:
        self.cells = memory.cells(self.type, offset, count)
        self.convert = converter(self.type)

    def store(self, row: int, value: Any) -> None:
        if isinstance(value, (list, tuple)) or getattr(value, "shape", ()) != ():
            raise Misfit(f'{described(value)}, expected a number; a column that takes arrays has a "shape"')
        self.cells[row] = self.convert(value)


def _flat(value: Sequence[Any], shape: tuple[int, ...]) -> Iterator[Any]:
    """The elements of nested lists in C order. Raises Misfit if they are not of the shape."""
    if not isinstance(value, (list, tuple)):
        if _is_numpy(value) and value.shape == shape:  # type: ignore[attr-defined]
            value = value.tolist()  # type: ignore[attr-defined]
        else:
            raise Misfit(f"{described(value)} in it, expected a list of {shape[0]}")
    if len(value) != shape[0]:
        raise Misfit(f"a list of {len(value)} in it, expected one of {shape[0]}")
    if len(shape) == 1:
        yield from value
        return
    for item in value:
        yield from _flat(item, shape[1:])


class ArrayColumn(Column):
    """An array of numbers a row, or a block of an array, which may have another shape in each row."""

    def bind(self, memory: Memory, offset: int, count: int, counts: Cells | None) -> None:
        self.elements = math.prod(self.shape)
        self.cells: Cells = memory.cells(self.type, offset, count * self.elements)
        self.counts = counts
        self.convert = converter(self.type)

    def shape_of(self, row: int) -> tuple[int, ...]:
        """The shape of the row's array."""
        if self.counts is None:
            return self.shape
        rank = len(self.shape)
        return tuple(self.counts[row * rank : (row + 1) * rank].tolist())

    def store(self, row: int, value: Any) -> None:
        shape = self.shape_of(row)
        start = row * self.elements
        cells = self.cells[start : start + math.prod(shape)]
        if isinstance(value, (list, tuple)):
            self._store_list(cells, value, shape)
            return
        if lost(value):
            raise Misfit(lost(value))
        value = as_told(value)
        if not _is_numpy(value):
            value = _as_array(value)
        if value is None or value.shape != shape:
            raise Misfit(f"{described(value)}, expected shape {shape}")
        self._store_array(cells, value, shape)

    def _store_list(self, cells: Cells, value: Sequence[Any], shape: tuple[int, ...]) -> None:
        if len(value) != shape[0]:
            raise Misfit(f"{described(value)}, expected shape {shape}")
        try:
            flat = list(_flat(value, shape))
        except Misfit as error:
            raise Misfit(f"{described(value)} with {error}: expected shape {shape}") from None
        letter = FORMATS[self.type]
        plain = {"bool": bool, "float32": float, "float64": float}.get(self.type, int)
        if set(map(type, flat)) != {plain} or letter == "f":
            flat = list(map(self.convert, flat))
        import array

        try:
            cells[:] = memoryview(bytes(flat)).cast("?") if letter == "?" else array.array(letter, flat)
        except OverflowError:  # the converter says which it is
            cells[:] = array.array(letter, map(self.convert, flat))

    def _store_array(self, cells: Cells, value: "np.ndarray[Any, Any]", shape: tuple[int, ...]) -> None:
        np = sys.modules["numpy"]
        dtype = np.dtype(self.type)
        if type(value) is not np.ndarray:
            value = unmasked(value, dtype.kind == "f")
        out = np.frombuffer(cells, dtype).reshape(shape)
        kind = value.dtype.kind
        if dtype.kind == "f" and kind == "f" and value.dtype.itemsize > dtype.itemsize:
            self._narrow(out, value)
        elif value.dtype == dtype or (dtype.kind == "f" and kind in "fiu"):
            np.copyto(out, value, casting="same_kind")
        elif dtype.kind in "iu" and kind in "iu":
            check_integers(self.type, value)
            np.copyto(out, value, casting="unsafe")
        elif dtype.kind == "b" and is_binary(value):
            np.copyto(out, value, casting="unsafe")
        elif dtype.kind in "iu" and kind == "f":
            raise Misfit(f"{described(value)} is no {self.type}; declare the column as {value.dtype}")
        elif kind == "O":
            self._store_list(cells, value.tolist(), shape)
        else:
            raise Misfit(f"{described(value)} is no {self.type}")

    def _narrow(self, out: Any, value: Any) -> None:
        np = sys.modules["numpy"]
        try:
            with np.errstate(over="raise"):
                np.copyto(out, value, casting="same_kind")
        except FloatingPointError:
            raise Misfit(f"{described(value)} has numbers beyond {self.type}") from None


def check_integers(name: str, array: Any) -> None:
    """Raises Misfit unless the type has room for each of an array of integers."""
    low, high = limits(name)
    if array.size and not (low <= int(array.min()) and int(array.max()) <= high):
        raise Misfit(f"{described(array)} with numbers from {array.min()} to {array.max()} is beyond {name}")


def unmasked(value: Any, is_float: bool) -> Any:
    """An array of a class of its own as a plain one. What is masked is missing: NaN, which integers do not have."""
    np = sys.modules["numpy"]
    if not isinstance(value, np.ma.MaskedArray):
        return np.asarray(value)
    if is_float and value.dtype.kind in "fiu":
        return value.astype(np.promote_types(value.dtype, "f4")).filled(np.nan)
    if np.ma.is_masked(value):
        raise Misfit(f"{described(value)} has masked elements; fill them, or declare the column as float64")
    return value.data


def _as_array(value: Any) -> Any:
    """A value that numpy's users take for an array, as one: xarray's, pandas', torch's. None: it is none."""
    if value is None or isinstance(value, (str, bytes, bytearray, set, frozenset, dict)):
        raise Misfit(f"{described(value)} is no array")
    if not (hasattr(value, "__array__") or hasattr(value, "__array_interface__") or hasattr(value, "__len__")):
        raise Misfit(f"{described(value)} is no array")
    try:
        import numpy as np
    except ImportError:
        return None
    try:
        return np.asarray(value if hasattr(value, "__array__") else list(value))
    except Exception as error:
        raise Misfit(f"{described(value)} is no array: {error}") from None


class TextColumn(Column):
    """A string or bytes of any length a row: a record of the texts."""

    def bind(self, memory: Memory, offset: int, count: int, counts: Cells | None) -> None:
        self.texts: list[tuple[int, bytes]] = []

    def store(self, row: int, value: Any) -> None:
        content = self._string(value) if self.type == "string" else self._bytes(value)
        self.texts.append((self.number, content))

    def drop(self) -> list[tuple[int, bytes]]:
        texts, self.texts = self.texts, []
        return texts

    @staticmethod
    def _string(value: Any) -> bytes:
        if type(value).__module__ == "numpy" and getattr(value, "shape", None) == ():  # an array of one text
            value = value.item()
        if isinstance(value, (bytes, bytearray)):
            raise Misfit(f"{described(value)} is no string; decode it, or declare the column as bytes")
        if not isinstance(value, str):
            raise Misfit(f"{described(value)} is no string")
        try:
            content = value.encode()
        except UnicodeEncodeError:
            raise Misfit(f'{value[:SHOWN]!a} is not UTF-8; use type "bytes"') from None
        if b"\0" in content:
            raise Misfit(f'{value[:SHOWN]!a} holds a NUL byte; use type "bytes"')
        return content

    @staticmethod
    def _bytes(value: Any) -> bytes:
        if isinstance(value, str):
            return value.encode(errors="surrogateescape")
        if _is_numpy(value) and sys.modules["numpy"].ma.is_masked(value):
            raise Misfit(f"{described(value)} has masked elements; fill them")
        try:
            return bytes(memoryview(value))
        except (TypeError, ValueError, BufferError):
            raise Misfit(f"{described(value)} is no bytes") from None


def column_of(number: int, said: dict[str, Any]) -> Column:
    """The column that a packet describes: {"name", "type", "shape", "optional"}."""
    shape = tuple(said.get("shape") or ())
    kind = TextColumn if said["type"] in ("string", "bytes") else ArrayColumn if shape else NumberColumn
    return kind(number, said["name"], said["type"], shape, bool(said.get("optional")))
