"""The columns of a stage as they are declared: by `results=`, or by what the function's annotations say it returns."""

from __future__ import annotations

import dataclasses
import operator
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any

from taskfarm._errors import ManifestError
from taskfarm._extras import needed
from taskfarm._slot.annotations import fields_of_hint
from taskfarm._slot.results import BARE

_TYPES: dict[Any, str] = {bool: "bool", int: "int64", float: "float64", str: "string", bytes: "bytes"}


def _type_name(kind: Any) -> str | None:
    """The manifest's name of a Python or numpy type; None: no column has it."""
    if isinstance(kind, str):
        return kind
    if isinstance(kind, type) and kind in _TYPES:
        return _TYPES[kind]
    is_numpy = hasattr(kind, "itemsize") or getattr(kind, "__module__", "") == "numpy"
    if not is_numpy:
        return None
    with needed("numpy"):
        import numpy as np

    try:
        dtype = np.dtype(kind)
    except TypeError:
        return None
    return dtype.name if dtype.kind in "biuf" else {"U": "string", "S": "bytes"}.get(dtype.kind)


def _shape(name: str, said: Any) -> list[int]:
    try:
        return [operator.index(length) for length in (said if isinstance(said, (tuple, list)) else (said,))]
    except TypeError:
        text = f"results: {name}: a shape is a length or several, as in (float, (10, 3)), not {said!r}"
        raise ManifestError(text, id="bad-value") from None


def _column(name: str, said: Any) -> Any:
    """A column as the manifest has it: from a type, (type, shape), or what is one already."""
    if isinstance(said, Mapping):
        return {**said, "type": _column(name, said["type"])} if "type" in said else dict(said)
    if isinstance(said, tuple):
        if len(said) != 2:
            raise ManifestError(f"results: {name}: a tuple is (type, shape), as in (float, (1000,))", id="bad-value")
        return {"type": _column(name, said[0]), "shape": _shape(name, said[1])}
    kind = _type_name(said)
    if kind is None:
        raise ManifestError(f"results: {name}: {said!r} is no type of a column", id="bad-value")
    return kind


def columns_of(results: Any) -> dict[str, Any]:
    """What `results=` says: a dict of columns, of which one may be called "type", or the type of the only value."""
    if not isinstance(results, Mapping):
        return {BARE: _column(BARE, results)}
    for name in results:
        if not isinstance(name, str):
            raise ManifestError(f"results: the names of columns are texts, not {name!r}", id="bad-name")
    return {name: _column(name, said) for name, said in results.items()}


def annotated(function: Callable[..., Any]) -> dict[str, Any] | None:
    """The columns that the annotation of what is returned says; None: it does not say all of them."""
    inner = function
    while hasattr(inner, "func"):
        inner = inner.func
    if not isinstance(inner, types.FunctionType | types.MethodType):
        return None
    try:
        returned = typing.get_type_hints(inner).get("return", dataclasses.MISSING)
    except Exception:  # names that are not known here
        return None
    if returned is dataclasses.MISSING:
        return None
    if returned is type(None):
        return {}
    fields = fields_of_hint(returned)
    columns = {name: _type_name(kind) for name, kind in (fields if fields is not None else {BARE: returned}).items()}
    return None if any(kind is None for kind in columns.values()) else columns
