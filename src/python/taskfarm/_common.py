"""Common values: what tasks share, as the array that stands in a file, and a hash of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from taskfarm._errors import ManifestError
from taskfarm._extras import needed
from taskfarm._masks import mask_of


def array_of(name: str, value: Any) -> Any:
    """The array of a common value, in one piece; a DataFrame is one record. Raises ManifestError."""
    with needed("numpy"):
        import numpy as np
    if hasattr(value, "colnames") and hasattr(value, "as_array"):  # a table of astropy: its columns are fields
        value = value.as_array()
    mask = mask_of(value)
    if mask is not None:
        raise ManifestError(
            f"common: {name}: {int(mask.sum())} of {mask.size} elements are masked, and tasks would see what is below: "
            "fill them, or give the mask as a common value, too",
            id="unsuitable-type",
        )
    array = _columns_of(name, value) if hasattr(value, "columns") and hasattr(value, "iloc") else np.asarray(value)
    if array.dtype.hasobject:
        raise ManifestError(
            f"common: {name}: a {type(value).__name__} of objects can't be mapped: make it an array of numbers or "
            "texts, or a DataFrame",
            id="unsuitable-type",
        )
    return np.ascontiguousarray(array) if array.ndim else array


def seal_of(array: Any) -> str:
    """A hash of an array: of its type, shape and content."""
    seal = hashlib.sha256(array.dtype.descr.__repr__().encode() + repr(array.shape).encode())
    seal.update(array.reshape(-1).view("u1") if array.nbytes else b"")
    return seal.hexdigest()


def seals_of(values: Mapping[str, Any] | None) -> dict[str, str]:
    """By name a hash of each common value, or of the file whose path it is."""
    return {
        name: _seal_of_file(value) if isinstance(value, (str, os.PathLike)) else seal_of(array_of(name, value))
        for name, value in (values or {}).items()
    }


def _seal_of_file(path: str | os.PathLike[str]) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:  # which the engine tells
        return os.fspath(path)


def _columns_of(name: str, frame: Any) -> Any:
    """A DataFrame as one record whose fields are its columns, so that each lies in one piece."""
    with needed("numpy"):
        import numpy as np

    columns = {}
    for column in frame.columns:
        values = frame[column].to_numpy()
        if values.dtype.kind == "O":
            if not all(isinstance(value, str) for value in values):
                text = f"common: {name}: column {column!r} holds objects that are not all texts: convert it first"
                raise ManifestError(text, id="unsuitable-type")
            values = values.astype("U")
        columns[str(column)] = values
    record = np.zeros(1, [(column, values.dtype, values.shape) for column, values in columns.items()])
    for column, values in columns.items():
        record[column][0] = values
    return record
