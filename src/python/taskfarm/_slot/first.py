"""The task that tells of what types a stage's results are.

Where nothing declares them, `map` tries the first task before the run (taskfarm try), in a stage without columns. The
slot then writes down what the function has returned, in a file that has no pickle in it; the run takes this task's
value from there, so that it is not called again."""

import base64
import json
import math
import os
import sys
from collections.abc import Callable
from typing import Any

from taskfarm._slot.columns import described, of_batch
from taskfarm._slot.exact import as_told
from taskfarm._slot.labels import lost, lost_unit
from taskfarm._slot.results import BARE, fields_of, fields_of_batch

_KINDS = {"b": "bool", "i": "int", "u": "uint", "f": "float"}


def _of_array(name: str, array: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A numpy array or scalar: its column, and the value as JSON."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "U" and array.ndim == 0:
        return {"type": "string"}, {"json": str(array)}
    if kind == "S" and array.ndim == 0:
        return _of_bytes(bytes(array))
    if kind == "f" and size == 2:
        array = array.astype("f4")
    elif kind not in _KINDS or size > 8:
        raise TypeError(
            f'"{name}": {array.dtype} is no type of a column; they have booleans, integers, floats or a text'
        )
    array = array.astype(array.dtype.newbyteorder("<"))
    kind_name = _KINDS[kind] + ("" if kind == "b" else str(8 * array.dtype.itemsize))
    column: dict[str, Any] = {"type": kind_name}
    if array.ndim:
        column["shape"] = list(array.shape)
        if 0 in array.shape:
            raise TypeError(f'"{name}": an array of shape {array.shape} has no elements; a column needs some')
    content = base64.b64encode(array.tobytes()).decode()
    return column, {"dtype": array.dtype.str, "shape": list(array.shape), "base64": content}


def _filled(name: str, value: Any) -> Any:
    """A numpy array whose masks are NaN, which integers do not have."""
    import numpy as np

    value = as_told(value)
    if not (isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value)):
        return np.asarray(value)
    if value.dtype.kind != "f":
        raise TypeError(f'"{name}": masked {value.dtype} are no values of a column; declare it in results= as float')
    return value.filled(np.nan)


def _plain(value: Any) -> Any:
    """An element of a list as Python's own; what is missing is NaN."""
    if value is None:
        return math.nan
    if lost_unit(value):
        raise TypeError(lost_unit(value))
    item = value.item() if hasattr(value, "item") else value
    return math.nan if "numpy.ma" in sys.modules and sys.modules["numpy"].ma.is_masked(value) else item


def _of_bytes(value: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    return {"type": "bytes"}, {"base64": base64.b64encode(value).decode()}


def _of_list(name: str, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    shape: list[int] = []
    flat = [value]
    while flat and isinstance(flat[0], (list, tuple)):
        lengths = {len(item) if isinstance(item, (list, tuple)) else -1 for item in flat}
        if len(lengths) != 1 or 0 in lengths:
            raise TypeError(f'"{name}": a list whose parts differ in length, or are empty, is no array')
        shape.append(lengths.pop())
        flat = [element for item in flat for element in item]
    plain = [_plain(element) for element in flat]
    kinds = {type(element) for element in plain}
    types = {frozenset({bool}): "bool", frozenset({int}): "int64"}
    kind = types.get(frozenset(kinds)) or ("float64" if kinds <= {int, float} else None)
    if kind is None:
        named = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise TypeError(f'"{name}": a list of {named} is no array of a column; it holds booleans, integers or floats')
    rounded = [n for n in plain if type(n) is int and int(float(n)) != n] if kind == "float64" else []
    if rounded:
        raise TypeError(
            f'"{name}": {rounded[0]} stands among floats, where it would be rounded; declare it in results='
        )
    return {"type": kind, "shape": shape}, {"json": json.loads(json.dumps(value, default=_plain))}


def describe(name: str, value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The column that takes a value, as the manifest has it, and the value as JSON. Raises TypeError."""
    if isinstance(value, bool):
        return {"type": "bool"}, {"json": value}
    if type(value) is int:
        if not -(2**63) <= value < 2**63:
            raise TypeError(f'"{name}": {value} is beyond int64; declare the column in results=')
        return {"type": "int64"}, {"json": value}
    if type(value) is float:
        return {"type": "float64"}, {"json": value}
    if isinstance(value, str):
        return {"type": "string"}, {"json": value}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _of_bytes(bytes(value))
    if isinstance(value, (list, tuple)):
        return _of_list(name, value)
    if lost(value):
        raise TypeError(f'"{name}": {lost(value)}')
    if hasattr(value, "__array__") or hasattr(value, "dtype"):
        return _of_array(name, _filled(name, value))
    kind = type(value).__name__
    raise TypeError(f'"{name}": {kind} tells no type of a column; declare it in results=, or by the annotation')


def _only(name: str, value: Any) -> Any:
    """What a batch of one task has for it. Raises TypeError."""
    value = as_told(value)
    value = value.to_numpy() if hasattr(value, "to_numpy") else value
    is_one = isinstance(value, (str, bytes, bytearray, dict, set)) or not hasattr(value, "__len__")
    if is_one or getattr(value, "shape", None) == () or len(value) != 1:
        raise TypeError(f'"{name}": {described(value)}, {of_batch(1)}')
    return value[0]


def _decode(said: dict[str, Any]) -> Any:
    if "dtype" in said:
        import numpy as np

        array = np.frombuffer(base64.b64decode(said["base64"]), said["dtype"]).reshape(said["shape"])
        return array if said["shape"] else array[()]
    return base64.b64decode(said["base64"]) if "base64" in said else said["json"]


class First:
    """What the file says: the task whose value it has, or that a value is to be recorded in it."""

    def __init__(self, path: str, is_batch: bool) -> None:
        self.path = path
        self.is_batch = is_batch
        self.index: int | None = None
        self.said: dict[str, Any] = {}
        try:
            with open(path, encoding="utf-8") as file:
                self.said = json.load(file)
        except FileNotFoundError:
            self.records = True
        else:
            self.records = False
            self.index = None if self.said.get("is_batch") else self.said["index"]

    def concerns(self, first: int, count: int) -> bool:
        """Is the task one of these?"""
        return self.records or (self.index is not None and first <= self.index < first + count)

    def around(self, function: Callable[..., Any], index_of: Callable[[], int]) -> Callable[..., Any]:
        """A function that is called in the other's place; `index_of` tells which task is under way."""

        def call(*arguments: Any, **named: Any) -> Any:
            if index_of() == self.index:
                return self.value()
            returned = function(*arguments, **named)
            if self.records:
                self.record(index_of(), returned)
            return returned

        return call

    def value(self) -> Any:
        """What the task has returned; prints again what it has printed."""
        sys.stdout.write(self.said.get("stdout", ""))
        sys.stderr.write(self.said.get("stderr", ""))
        return {name: _decode(value) for name, value in self.said["values"].items()}

    def record(self, index: int, returned: Any) -> None:
        """Writes the value down."""
        if returned is None:
            raise TypeError("None tells no type: declare results=, or results={} where the function returns nothing")
        fields = fields_of(fields_of_batch(returned, 1) if self.is_batch else returned)
        if fields is None:
            fields = {BARE: returned}
        columns, values = {}, {}
        for name, value in fields.items():
            if not isinstance(name, str):
                raise TypeError(f"the names of columns are texts, and the function returned one that is {name!r}")
            columns[name], values[name] = describe(name, _only(name, value) if self.is_batch else value)
        said = {"taskfarm_first": 1, "index": index, "is_batch": self.is_batch, "columns": columns, "values": values}
        beside = f"{self.path}.new"
        with open(beside, "w", encoding="utf-8") as file:
            json.dump(said, file)
        os.replace(beside, self.path)
