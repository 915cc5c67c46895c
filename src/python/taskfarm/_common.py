"""Common values: what tasks share, as the array that stands in a file, and a hash of it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from taskfarm._errors import ManifestError
from taskfarm._extras import needed
from taskfarm._masks import mask_of
from taskfarm._slot.exact import as_told, is_fits_record, own_rules, tells
from taskfarm._slot.labels import lost, lost_unit


def _refusal(name: str, text: str) -> ManifestError:
    return ManifestError(f"common: {name}: {text}", id="unsuitable-type")


def array_of(name: str, value: Any) -> Any:
    """The array of a common value, in one piece; a DataFrame is one record. Raises ManifestError for what an array has
    no room for."""
    with needed("numpy"):
        import numpy as np
    if hasattr(value, "colnames") and hasattr(value, "as_array"):  # a table of astropy: its columns are fields
        value = _of_table(name, value)
    elif hasattr(value, "as_void") and hasattr(value, "table"):  # a row of one
        value = _of_table(name, value.table[value.index : value.index + 1])[0]
    elif is_fits_record(value):
        value = _of_fits(name, value.array[value.row : value.row + 1])[0]
    elif getattr(getattr(value, "dtype", None), "names", None) and tells(value):
        value = _of_fits(name, value)
    if hasattr(value, "columns") and hasattr(value, "iloc"):
        array = _of_frame(name, value)
    elif hasattr(value, "_from_sequence") and hasattr(value, "isna"):  # an array of pandas
        array = _column_of(name, "", value)
    else:
        _check_parts(name, value)
        try:
            array = np.asarray(as_told(value))
        except (TypeError, ValueError) as error:
            raise _refusal(name, f"a {type(value).__name__} is no array: {error}") from None
    if array.dtype.hasobject:
        raise _refusal(
            name,
            f"a {type(value).__name__} of objects can't be shared: make it an array of numbers or texts, or a "
            "DataFrame",
        )
    return np.ascontiguousarray(array) if array.ndim else array


def _check_parts(name: str, value: Any) -> None:
    """Refuses what an array would not tell of a value, or of the arrays that lists are made of."""
    if isinstance(value, (list, tuple)):
        if not set(map(type, value)) <= {bool, int, float, str}:
            for part in value:
                if is_fits_record(part):
                    raise _refusal(name, "rows of a table in a list would lose their types: give the table")
                _check_parts(name, part)
        return
    mask = mask_of(as_told(value))
    if mask is not None:
        raise _refusal(
            name,
            f"{int(mask.sum())} of {mask.size} elements are masked, and tasks would see what is below: fill them, or "
            "give the mask as a common value, too",
        )
    if lost(value):
        raise _refusal(name, lost(value))
    if own_rules(value):
        raise _refusal(name, own_rules(value))


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


def _of_table(name: str, table: Any) -> Any:
    """A table of astropy as a structured array. Its columns may be quantities, or objects of several arrays."""
    for label, column in table.columns.items():
        _check_column(name, label, column)
    return table.as_array()


def _of_fits(name: str, table: Any) -> Any:
    """A table of FITS as a structured array of what its columns tell."""
    for label in table.dtype.names:
        _check_column(name, label, table[label])
    return as_told(table)


def _check_column(name: str, label: str, column: Any) -> None:
    if lost_unit(column):
        raise _refusal(name, f"column {label!r}: {lost_unit(column)}")
    if not hasattr(column, "dtype") or column.dtype.hasobject:
        kind = type(column).__name__ + (" of objects" if hasattr(column, "dtype") else "")
        raise _refusal(name, f"column {label!r} is a {kind}: leave it out, or give columns of numbers and texts for it")


def has_plain_index(frame: Any) -> bool:
    """Is the index of a DataFrame nothing but the numbers of its rows?"""
    with needed("numpy"):
        import numpy as np
    return list(frame.index.names) == [None] and bool(np.array_equal(frame.index, np.arange(len(frame))))


def _of_frame(name: str, frame: Any) -> Any:
    """A DataFrame as one record whose fields are its columns, so that each lies in one piece."""
    with needed("numpy"):
        import numpy as np
    if not has_plain_index(frame):
        raise _refusal(
            name,
            "a DataFrame would lose its index: say .reset_index(), which makes it a column, or .reset_index(drop=True)",
        )
    if not all(isinstance(column, str) for column in frame.columns) or not frame.columns.is_unique:
        raise _refusal(name, "names of columns are texts, each another one")
    columns = {column: _column_of(name, f"column {column!r} ", frame[column]) for column in frame.columns}
    record = np.zeros(1, [(column, values.dtype, values.shape) for column, values in columns.items()])
    for column, values in columns.items():
        record[column][0] = values
    return record


def _column_of(name: str, place: str, values: Any) -> Any:
    """A Series, or an array of pandas. Nullable types are those of numpy, where nothing is missing; floats may be."""
    with needed("numpy"):
        import numpy as np
    missing = np.asarray(values.isna())
    dtype = values.dtype
    if getattr(dtype, "ordered", False):
        raise _refusal(name, f"{place}would lose the order of its categories: say .astype(str), or give the codes")
    if missing.any() and dtype.kind not in "fmM":  # of dates NaT is one
        raise _refusal(
            name, f"{place}has no value in row {int(missing.argmax())}: only floats may be missing: fill or drop it"
        )
    if dtype.kind in "biuf" and hasattr(dtype, "numpy_dtype"):
        missed = {"na_value": np.nan} if dtype.kind == "f" else {}
        return values.to_numpy(dtype=dtype.numpy_dtype, **missed)
    array = values.to_numpy()
    if array.dtype.kind != "O":
        return array
    if not all(isinstance(value, str) for value in array):
        raise _refusal(name, f"{place}holds objects that are not all texts: convert it first")
    return array.astype("U")
