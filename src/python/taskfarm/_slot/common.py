"""Large values that all tasks share: files that are mapped read-only, once a node."""

import sys
from typing import Any

from taskfarm._slot.errors import Refusal
from taskfarm._slot.load import FOLDERS

_MAGIC = b"\x93NUMPY"  # how such a file begins


def load_common(name: str, path: str) -> Any:
    """The value of a file NAME.npy: an array over the mapped file.

    A structured array of shape (1,) whose fields are arrays of one length is a frame, column behind column: it is
    given as a pandas.DataFrame over the mapped columns, or where pandas is missing as its only row. Raises what numpy
    raises."""
    try:
        import numpy as np
    except ImportError:
        raise Refusal(f'common "{name}" is a numpy array, and {sys.executable} has no numpy') from None
    try:
        with open(FOLDERS.at(path), "rb") as file:
            if file.read(len(_MAGIC)) != _MAGIC:
                raise Refusal(f'common "{name}": {path} is no .npy file')
        array = np.load(FOLDERS.at(path), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise Refusal(f'common "{name}": {path}: {error}') from None
    if not array.ndim:
        return array[()]  # a number, or a text
    return _frame(array) if _is_frame(array) else array


def _is_frame(array: Any) -> bool:
    names = array.dtype.names
    if array.shape != (1,) or not names:
        return False
    shapes = {array.dtype[name].shape[:1] for name in names}
    return len(shapes) == 1 and shapes != {()}


def _frame(array: Any) -> Any:
    try:
        import pandas as pd
    except ImportError:
        return array[0]
    return pd.DataFrame({name: array[name][0] for name in array.dtype.names}, copy=False)
