"""Arrays whose class, or whose type in pandas, gives their elements another value than lies in memory.

numpy.asarray takes what lies in memory: of a table of FITS (FITS_rec) letters for booleans and numbers before they are
scaled, of pandas' integers with missing ones rounded floats. Nothing is imported: who has such values has imported it.
"""

import sys
from typing import Any


def as_told(value: Any) -> Any:
    """A value with the elements that its class tells, as an array of numpy's own classes: masked where integers or
    booleans are missing, None among objects. All else as it is."""
    np = sys.modules.get("numpy")
    if np is None or type(value) is np.ndarray:
        return value
    if is_fits_record(value):
        return as_told(value.array[value.row : value.row + 1])[0]
    if isinstance(value, np.ndarray):
        return _of_class(np, value) if tells(value) else value
    if hasattr(value, "isna") and hasattr(value, "to_numpy") and not isinstance(getattr(value, "dtype", np), np.dtype):
        return _of_pandas(np, value) if hasattr(value, "dtype") else value
    return value


def is_fits_record(value: Any) -> bool:
    """Is it a row of a table of FITS, which is no array itself?"""
    return type(value).__name__ == "FITS_record" and hasattr(value, "row") and hasattr(value, "array")


def tells(array: Any) -> bool:
    """Does the class of an array say what its elements are? numpy's own do not, but for texts without the blanks at
    their ends; units and masks are looked at elsewhere."""
    np = sys.modules["numpy"]
    kind = type(array)
    if isinstance(array, np.char.chararray):
        return True
    if _is_numpys(kind) or kind.__module__ == "astropy.table.column" or hasattr(array, "unit"):
        return False
    if hasattr(array, "units") or hasattr(array, "unmasked"):
        return False
    return kind.__getitem__ is not np.ndarray.__getitem__


def _is_numpys(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "numpy"


def own_rules(value: Any) -> str:
    """What a value's class may make of it that a plain array does not have, and what to write; "": nothing. numpy's
    matrix multiplies otherwise; what other classes do nobody knows."""
    np = sys.modules.get("numpy")
    if np is None or not isinstance(value, np.ndarray):
        return ""
    kind = type(value)
    if tells(value) and (value.dtype.names or _is_numpys(kind)):  # which as_told converts
        return ""
    is_known = _is_numpys(kind) or kind.__module__ == "astropy.table.column"
    is_known = is_known or any(hasattr(value, name) for name in ("unit", "units", "unmasked"))
    if is_known and not isinstance(value, np.matrix):
        return ""
    return f"a {kind.__name__} would be a plain array, without what its class does: say numpy.asarray(...)"


def _of_class(np: Any, array: Any) -> Any:
    if array.dtype.names:
        columns = {name: np.asarray(as_told(array[name])) for name in array.dtype.names}
        types = [(n, c.dtype.newbyteorder("="), c.shape[array.ndim :]) for n, c in columns.items()]
        told = np.empty(array.shape, types)
        for name, column in columns.items():
            told[name] = column
        return told
    if isinstance(array, np.char.chararray):
        return np.char.rstrip(np.asarray(array))
    elements = [array[index] for index in np.ndindex(array.shape)]
    return np.array(elements).reshape(array.shape) if elements else np.asarray(array)


def _of_pandas(np: Any, values: Any) -> Any:
    """Of a type of pandas' own: nullable, categories, texts, times with a zone."""
    missing = np.asarray(values.isna())
    kind = getattr(values.dtype, "kind", "O")
    plain = getattr(values.dtype, "numpy_dtype", None) or getattr(values.dtype, "subtype", None)
    if kind not in "biuf" or plain is None:
        if not missing.any():
            return np.asarray(values)
        objects = np.empty(len(values), object)
        objects[:] = list(values.tolist())
        objects[missing] = None
        return objects
    if not missing.any():
        return values.to_numpy(dtype=plain)
    if kind == "f":
        return values.to_numpy(dtype=plain, na_value=np.nan)
    return np.ma.array(values.to_numpy(dtype=plain, na_value=0), mask=missing)
