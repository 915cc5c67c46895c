"""taskfarm: functions over many points, on one core or ten thousand, with typed results in one HDF5 file.

Importing it costs next to nothing: a name's module is imported when the name is first asked for. A public name is a row
of _HOMES and of __all__, and an import below TYPE_CHECKING, for type checkers and editors.
"""

__version__ = "0.1.0"  # the engine's, too: CMakeLists.txt reads it here

TYPE_CHECKING = False  # type checkers take it for true; the module typing takes longer to import than all of this
if TYPE_CHECKING:
    from taskfarm._errors import (
        CodeChangedWarning,
        EngineError,
        Error,
        ManifestError,
        Stopped,
        StoppedError,
        TaskError,
    )
    from taskfarm._map import map
    from taskfarm._output import Output, open
    from taskfarm._run import Run
    from taskfarm._service import Task, serve
    from taskfarm._spaces import Space, concat, csv, files, glob, product, rows, sobol, zip

# Which module a name comes from.
_HOMES = {
    "CodeChangedWarning": "_errors",
    "EngineError": "_errors",
    "Error": "_errors",
    "ManifestError": "_errors",
    "Stopped": "_errors",
    "StoppedError": "_errors",
    "TaskError": "_errors",
    "Output": "_output",
    "Task": "_service",
    "open": "_output",
    "serve": "_service",
    "Run": "_run",
    "Space": "_spaces",
    "map": "_map",
    "concat": "_spaces",
    "csv": "_spaces",
    "files": "_spaces",
    "glob": "_spaces",
    "product": "_spaces",
    "rows": "_spaces",
    "sobol": "_spaces",
    "zip": "_spaces",
}

__all__ = [
    "CodeChangedWarning",
    "EngineError",
    "Error",
    "ManifestError",
    "Output",
    "Run",
    "Space",
    "Stopped",
    "StoppedError",
    "Task",
    "TaskError",
    "__version__",
    "concat",
    "csv",
    "files",
    "glob",
    "map",
    "open",
    "product",
    "rows",
    "serve",
    "sobol",
    "zip",
]


if not TYPE_CHECKING:  # with it they would take any name for one of this module

    def __getattr__(name: str) -> object:
        home = _HOMES.get(name)
        if home is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        from taskfarm._extras import needed

        with needed("h5py", "numpy"):
            value = getattr(import_module(f"{__name__}.{home}"), name)
        globals()[name] = value  # the next time it is found at once
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
