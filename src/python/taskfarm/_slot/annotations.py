"""What a function's annotation says that it returns, beside the columns of its stage."""

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any

# What columns take, by the kinds of values that annotations tell apart.
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_TAKEN = {
    "bool": {"bool", "int"},
    **{name: {"int"} for name in _INTEGERS},
    "float32": {"int", "float"},
    "float64": {"int", "float"},
    "string": {"str"},
    "bytes": {"bytes"},
}
_NUMPY = {"bool_": "bool", "integer": "int", "floating": "float", "str_": "str", "bytes_": "bytes", "ndarray": "array"}


def _kinds(hint: Any) -> Iterator[str]:
    """The kinds of values that an annotation allows: bool, int, float, str, bytes, array, none, or "" for any other."""
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        for part in typing.get_args(hint):
            yield from _kinds(part)
        return
    if origin in (typing.Annotated, typing.Required, typing.NotRequired):
        yield from _kinds(typing.get_args(hint)[0])
        return
    kind = origin or hint
    if kind in (None, types.NoneType):
        yield "none"
    elif isinstance(kind, type) and (numpy := sys.modules.get("numpy")):
        names = [name for base, name in _NUMPY.items() if issubclass(kind, getattr(numpy, base))]
        yield names[0] if names else _plain_kind(kind)
    else:
        yield _plain_kind(kind)


def _plain_kind(kind: Any) -> str:
    if kind in (bool, int, float, str, bytes):
        return str(kind.__name__)
    return "array" if kind in (list, tuple) else ""


def _shown(hint: Any) -> str:
    if hint in (None, types.NoneType):
        return "None"
    if isinstance(hint, type) and not typing.get_args(hint):
        return hint.__qualname__
    return str(hint).replace("typing.", "")


def fields_of_hint(hint: Any) -> dict[str, Any] | None:
    """The members of a record, by name; None: they are not known."""
    is_record = dataclasses.is_dataclass(hint) or typing.is_typeddict(hint)
    is_record = is_record or (isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"))
    return typing.get_type_hints(hint) if is_record else None


def _wrong_type(column: dict[str, Any], hint: Any) -> str | None:
    kinds = set(_kinds(hint))
    taken = _TAKEN[column["type"]]
    if column["shape"] or column.get("block"):
        wrong = kinds <= {"bool", "int", "float", "str", "bytes"}
        what = f"an array of {column['type']}"
    else:
        wrong = "" not in kinds and not kinds & taken and not (kinds == {"none"} and "float" in taken)
        what = column["type"]
    if not wrong or not kinds:
        return None
    return f'column "{column["name"]}" is {what}, and the function is said to return {_shown(hint)} for it'


def _of_record(hint: Any, fields: dict[str, Any], columns: list[dict[str, Any]], batch: int) -> Iterator[str]:
    for column in columns:
        name = column["name"]
        if name not in fields and not column.get("optional"):
            has = ", ".join(f'"{field}"' for field in fields) or "nothing"
            yield f'column "{name}" is missing in {_shown(hint)}, which the function is said to return; it has {has}'
        elif name in fields and not batch and (wrong := _wrong_type(column, fields[name])):
            yield wrong


def mismatches(function: Callable[..., Any], columns: list[dict[str, Any]], batch: int = 0) -> list[str]:
    """How what a function is said to return differs from the columns. What is not said is right."""
    inner = function
    while hasattr(inner, "func"):  # functools.partial
        inner = inner.func
    try:
        hint = typing.get_type_hints(inner).get("return", Any)
    except Exception:  # names that are not known here
        return []
    if not columns or hint is Any:
        return []
    fields = fields_of_hint(hint)
    if fields is not None:
        return list(_of_record(hint, fields, columns, batch))
    origin = typing.get_origin(hint) or hint
    if isinstance(origin, type) and issubclass(origin, Mapping):
        values = typing.get_args(hint)[1:]
        fields = {column["name"]: value for column in columns for value in values}
        return list(_of_record(hint, fields, columns, batch)) if values else []
    if len(columns) == 1:
        wrong = None if batch else _wrong_type(columns[0], hint)
        return [wrong] if wrong else []
    if set(_kinds(hint)) <= {"bool", "int", "float", "str", "bytes", "none"}:
        names = ", ".join(f'"{column["name"]}"' for column in columns)
        return [f"the function is said to return {_shown(hint)}, and the stage has the columns {names}: return a dict"]
    return []
