"""The values of one parameter, or of one column of a table: as they were given, and as the manifest has them.

A value is a bool, an int, a float or a str. Values are kept as they came: a range, an array (copied), a tuple.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from typing import Any

from taskfarm._extras import needed
from taskfarm._masks import mask_of
from taskfarm._slot.exact import as_told
from taskfarm._slot.labels import lost_unit

Scalar = bool | int | float | str

_SHOWN = 3  # values that a repr shows before the last one


class Values:
    """Values of one type. `name` is for messages."""

    __slots__ = ("_data", "kind", "name")

    def __init__(self, name: str, data: Any) -> None:
        self.name = name
        if isinstance(data, range):
            self._data: Any = data
            self.kind = "int64"
        elif hasattr(data, "dtype") and hasattr(data, "__array__"):
            self._data, self.kind = _from_array(name, data)
        else:
            self._data, self.kind = _from_objects(name, _as_sequence(name, data))
        if len(self._data) == 0:
            raise ValueError(f"{name}: an axis needs at least one value")

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Scalar:
        value = self._data[index]
        return value.item() if hasattr(value, "item") else value  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Scalar]:
        return iter(self._data.tolist() if hasattr(self._data, "tolist") else self._data)

    def __repr__(self) -> str:
        count = len(self)
        if count <= _SHOWN + 1:
            return f"[{', '.join(_short(value) for value in self)}]"
        shown = ", ".join(_short(self[i]) for i in range(_SHOWN - 1))
        return f"[{shown}, ..., {_short(self[count - 1])}]*{count}"

    def axis(self) -> Any:
        """The axis that gives these values, as JSON; without a name."""
        if isinstance(self._data, range):
            return {"range": [self._data.start, self._data.stop, self._data.step]}
        step = _even_step(self)
        if step is not None:
            first = int(self[0])
            return {"range": [first, first + step * len(self), step]}
        values = list(self)
        if self.kind == "float64" and all(value != value or value == math.floor(value) for value in _finite(values)):
            return {"values": values, "type": "float64"}  # 1.0 alone is an integer there
        return values


def _finite(values: Sequence[Scalar]) -> Iterator[float]:
    return (float(value) for value in values if isinstance(value, float) and math.isfinite(value))


def _even_step(values: Values) -> int | None:
    """The step of many integers that are evenly spaced."""
    if values.kind != "int64" or len(values) < 4:
        return None
    first = int(values[0])
    step = int(values[1]) - first
    even = step != 0 and all(value == first + step * i for i, value in enumerate(values))
    return step if even and abs(first + step * len(values)) < 2**63 else None


def _short(value: Scalar) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 24 else f"{text[:20]}...{text[-1] if isinstance(value, str) else ''}"


def _as_sequence(name: str, data: Any) -> Sequence[Any]:
    if isinstance(data, (str, bytes, bool, int, float, os.PathLike)) or data is None:
        return (data,)
    try:
        return tuple(data)
    except TypeError:
        raise TypeError(
            f"{name}: {type(data).__name__} is no axis: give a list, a range or an array of values"
        ) from None


def _from_array(name: str, data: Any) -> tuple[Any, str]:
    with needed("numpy"):
        import numpy as np

    data = as_told(data)
    array = np.atleast_1d(np.asarray(data))
    if array.ndim != 1:
        text = f"{name}: an axis has one dimension, not {array.ndim}: shape {array.shape}"
        raise ValueError(f"{text}: for an array a point give its index, and all of them as a common value")
    if lost_unit(data):
        raise TypeError(f"{name}: {lost_unit(data)}")
    kind = array.dtype.kind
    mask = mask_of(data)
    if mask is not None:
        array = _unmasked(name, array, np.atleast_1d(mask))
    if kind == "O":
        return _from_objects(name, tuple(array.tolist()))
    if kind == "u" and array.size and int(array.max()) >= 2**63:
        raise ValueError(f"{name}: {int(array.max())} is beyond int64")
    if kind == "f" and array.dtype.itemsize > 8:
        raise TypeError(f"{name}: {array.dtype} has more digits than float64: say .astype(float)")
    types = {"b": ("bool", "bool"), "i": ("int64", "int64"), "u": ("int64", "int64"), "f": ("float64", "float64")}
    types["U"] = ("string", "U")
    if kind not in types:
        raise TypeError(
            f"{name}: values are booleans, integers, floats or texts, not {array.dtype}: convert them first"
        )
    name_of_kind, dtype = types[kind]
    own = array.astype(dtype, copy=True)
    if kind == "U":
        _check_texts(name, own)
    own.flags.writeable = False
    return own, name_of_kind


def _check_texts(name: str, array: Any) -> None:
    if not array.nbytes:
        return
    letters = array.view("u4").reshape(len(array), -1)
    wrong = ((letters >= 0xD800) & (letters < 0xE000)).any(axis=1)
    if wrong.any():
        index = int(wrong.argmax())
        _text(name, index, str(array[index]))


def _unmasked(name: str, array: Any, mask: Any) -> Any:
    """What is masked is missing: NaN, or None among objects."""
    if array.dtype.kind not in "fO":
        text = f"{name}[{int(mask.argmax())}] is masked: only floats may be missing, not {array.dtype}: fill it"
        raise ValueError(f"{text}, or leave the point out")
    array = array.copy()
    array[mask] = None if array.dtype.kind == "O" else math.nan
    return array


def _from_objects(name: str, data: Sequence[Any]) -> tuple[tuple[Scalar, ...], str]:
    values = [_plain(name, i, value) for i, value in enumerate(data)]
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        values = [_exact_float(name, value) for value in values]
        kinds = {float}
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(f"{name}: values must be all of one type, not {names}")
    kind = {bool: "bool", int: "int64", float: "float64", str: "string"}[kinds.pop()] if kinds else "int64"
    return tuple(values), kind


def _exact_float(name: str, value: Any) -> float:
    if isinstance(value, int) and int(float(value)) != value:
        raise ValueError(f"{name}: {value} stands among floats, where it would be rounded: give it as a text")
    return float(value)


def _text(name: str, index: int, text: str) -> str:
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError(f"{name}[{index}]: {text!r} is not UTF-8: leave it out, or rename the file")
    return text


def _plain(name: str, index: int, value: Any) -> Scalar:
    """A value as a bool, an int, a float or a str; None and what is masked are NaN."""
    if lost_unit(value):
        raise TypeError(f"{name}[{index}]: {lost_unit(value)}")
    if hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "ndim", 0) == 0:
        value = None if mask_of(value) is not None else value.item()
    if value is None:
        return math.nan
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise ValueError(f"{name}[{index}]: {value} is beyond int64")
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str):
        return _text(name, index, str(value))
    if isinstance(value, os.PathLike):
        path = os.fspath(value)
        if isinstance(path, str):
            return _text(name, index, path)
    kind = type(value).__name__
    is_array = isinstance(value, (list, tuple)) or getattr(value, "shape", None)
    way = "give its index, and all of them as a common value" if is_array else "convert it first"
    raise TypeError(f"{name}[{index}]: values are booleans, integers, floats or texts, not {kind}: {way}")
