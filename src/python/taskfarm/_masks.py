"""Masks of arrays: numpy's masked arrays, and the masked columns and quantities of astropy.

numpy.asarray gives what lies below a mask, which is nobody's value.
"""

from __future__ import annotations

import sys
from typing import Any


def mask_of(data: Any) -> Any:
    """Which elements of an array are masked, as an array of booleans; None: none is. An element of a structured array
    is masked if one of its fields is."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return None
    if isinstance(data, numpy.ma.MaskedArray):
        mask = numpy.ma.getmaskarray(data)
    elif hasattr(data, "unmasked") and hasattr(data, "mask"):  # astropy.utils.masked
        mask = numpy.asarray(data.mask)
    else:
        return None
    flat = _any_field(numpy, mask)
    return flat if flat.any() else None


def _any_field(numpy: Any, mask: Any) -> Any:
    if not mask.dtype.names:
        return mask
    fields = [_any_field(numpy, mask[name]) for name in mask.dtype.names]
    return numpy.logical_or.reduce([field.reshape(*mask.shape, -1).any(axis=-1) for field in fields])
