"""Libraries that the package does not need to be installed, but for what uses them."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator

# Which extra of pyproject.toml has a library.
EXTRAS = {
    "cloudpickle": "cloudpickle",
    "h5py": "xarray",
    "numpy": "xarray",
    "pandas": "pandas",
    "xarray": "xarray",
}


@contextlib.contextmanager
def needed() -> Iterator[None]:
    """Around an import: says of a library that is missing how it is installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library not in EXTRAS:
            raise
        way = f"{sys.executable} -m pip install 'taskfarm[{EXTRAS[library]}]'"
        raise ModuleNotFoundError(f"this needs {library}, which is not installed: {way}", name=error.name) from None
