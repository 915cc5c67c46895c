"""Libraries that the package does not need to be installed, but for what uses them."""

from __future__ import annotations

import contextlib
import importlib.util
import sys
from collections.abc import Iterator

from taskfarm._errors import Error

LIBRARIES = ("cloudpickle", "h5py", "numpy", "pandas", "xarray")


class MissingLibrary(Error, ModuleNotFoundError):
    """What was asked for needs libraries that are not installed."""


@contextlib.contextmanager
def needed(*libraries: str) -> Iterator[None]:
    """Around an import of these libraries, or of modules that import them: where one is missing it names all that are,
    and how they are installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        root = (error.name or "").partition(".")[0]
        if root not in LIBRARIES or isinstance(error, MissingLibrary):
            raise
        missing = [name for name in sorted({root, *libraries}) if importlib.util.find_spec(name) is None]
        if not missing:  # it is there, and a part of it is not
            raise
        which = " and ".join([", ".join(missing[:-1]), missing[-1]] if len(missing) > 1 else missing)
        verb = "are" if len(missing) > 1 else "is"
        way = f"{sys.executable} -m pip install {' '.join(missing)}"
        raise MissingLibrary(f"this needs {which}, which {verb} not installed: {way}") from None
