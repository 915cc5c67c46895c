"""From what a function has returned to the columns of its stage."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, Final

from taskfarm._slot.columns import Column, described, shown
from taskfarm._slot.errors import Misfit
from taskfarm._slot.exact import as_told, is_fits_record

BARE: Final = "result"  # the column of a value that has no name
_NAMED = 8  # names in a message
_ABSENT: Any = object()


def _names_of(value: Any) -> Sequence[str] | None:
    """The names of what a record holds; None: it is no record."""
    if isinstance(value, Mapping):
        return list(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return list(value._fields)
    if is_dataclass(value) and not isinstance(value, type):
        return list(value.__dataclass_fields__)
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "names", None) and getattr(value, "shape", None) == ():  # a row of a structured array
        return list(dtype.names)  # type: ignore[union-attr]
    return None


def _member(value: Any, name: str) -> Any:
    if isinstance(value, tuple) or is_dataclass(value):
        return getattr(value, name, _ABSENT)
    if not isinstance(value, Mapping):
        return value[name] if name in value.dtype.names else _ABSENT
    try:
        return value[name]
    except KeyError:
        return _ABSENT


def fields_of(value: Any) -> dict[str, Any] | None:
    """What a record holds, by name; None: it is no record."""
    value = as_told(value) if is_fits_record(value) else value
    names = _names_of(value)
    return None if names is None else {name: _member(value, name) for name in names}


def fields_of_batch(returned: Any, count: int) -> Any:
    """A table of a row a task, a structured array, a DataFrame or a Table of astropy, as a dict of its columns; all
    else as it is."""
    if hasattr(returned, "colnames") and hasattr(returned, "as_array"):
        return {name: returned.columns[name] for name in returned.colnames}
    dtype = getattr(returned, "dtype", None)
    if getattr(dtype, "names", None) and returned.shape == (count,):
        return {name: returned[name] for name in dtype.names}  # type: ignore[union-attr]
    if "pandas" in sys.modules and isinstance(returned, sys.modules["pandas"].DataFrame):
        return {name: _of_series(returned[name]) for name in returned}
    return returned


def _of_series(series: Any) -> Any:
    told = as_told(series)
    return series.to_numpy() if told is series else told


def _listed(names: Sequence[Any]) -> str:
    if not names:
        return "it is empty"
    words = [f'"{name}"' if isinstance(name, str) else shown(name) for name in names[:_NAMED]]
    words += ["..."] if len(names) > _NAMED else []
    return "it has " + ", ".join(words)


class Results:
    """The columns of a stage, and what has been stored as text of the row under way."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = list(columns)

    def store(self, row: int, returned: Any) -> list[tuple[int, bytes]]:
        """Stores a row; returns its texts, by column. Raises Misfit."""
        if not self.columns:
            return []  # what it returns is nobody's: it was called for what it does
        try:
            self._store(row, returned)
        finally:
            texts = [text for column in self.columns for text in column.drop()]
        return texts

    def _store(self, row: int, returned: Any) -> None:
        for column, value in self.members(returned):
            self._store_value(column, row, value)

    def members(self, returned: Any) -> Iterator[tuple[Column, Any]]:
        """Each column's value in what was returned, of optional columns where there is one. Raises Misfit."""
        returned = as_told(returned) if is_fits_record(returned) else returned
        names = _names_of(returned)
        only = self.columns[0] if len(self.columns) == 1 else None
        if names is None or (only and only.name not in names and not isinstance(returned, Mapping)):
            if only is None:
                raise Misfit(self._no_record(returned))
            yield only, returned
            return
        for column in self.columns:
            value = _member(returned, column.name)
            if value is not _ABSENT:
                yield column, value
            elif not column.optional:
                raise Misfit(f'column "{column.name}" is missing in what the function returned; {_listed(names)}')

    def _no_record(self, returned: Any) -> str:
        names = ", ".join(f'"{column.name}"' for column in self.columns[:_NAMED])
        more = ", ..." if len(self.columns) > _NAMED else ""
        return f"the function returned {described(returned)}, expected a dict with {names}{more}"

    @staticmethod
    def _store_value(column: Column, row: int, value: Any) -> None:
        if column.is_absent(value):
            return
        try:
            column.store(row, value)
        except Misfit as error:
            raise Misfit(f'column "{column.name}": {error}') from None
