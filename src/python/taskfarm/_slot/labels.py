"""What values carry besides their numbers: units, and the labels of pandas and xarray.

Arrays and columns have no room for these, so such a value is refused, with what to write instead. It is known by what
it has: nothing is imported."""

from typing import Any


def lost_unit(value: Any) -> str:
    """What of an array or a number with a unit would be lost, and what to write; "": it has none."""
    if type(value).__module__ in ("builtins", "numpy", "numpy.ma", "numpy.ma.core"):
        return ""
    for name, way in (("unit", "to_value"), ("units", "to_value"), ("units", "magnitude")):  # astropy, unyt, pint
        if hasattr(value, name) and hasattr(value, way):
            unit = str(getattr(value, name))
            if unit in ("", "dimensionless"):
                return ""
            return _told(value, f"unit, {unit}", f'to_value("{unit}")' if way == "to_value" else way)
    return ""


def lost(value: Any) -> str:
    """The same of labels, too: what pandas and xarray know of the elements of an array."""
    if hasattr(value, "dims") and hasattr(value, "coords") and getattr(value, "ndim", None):
        return _told(value, "coordinates", "values")
    if hasattr(value, "index") and hasattr(value, "to_numpy"):
        return _told(value, "labels", "to_numpy()")
    return lost_unit(value)


def _told(value: Any, what: str, way: str) -> str:
    return f"a {type(value).__name__} would lose its {what}: say .{way}"
