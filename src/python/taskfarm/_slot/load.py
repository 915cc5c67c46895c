"""From the manifest's words to a function: FILE.py:FUNCTION, package.module:function, FILE.pickle:NAME."""

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def _import_file(path: str, module: str) -> ModuleType:
    """Imports a file under its module's own name, so that what it defines can be pickled, and finds what lies beside
    it."""
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path[1:2]:
        sys.path.insert(1, folder)
    there = sys.modules.get(module)
    if there is not None and _is_of(there, path):
        return there
    spec = importlib.util.spec_from_file_location(module, os.path.abspath(path))
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file: its name must end in .py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        sys.modules.pop(module, None)
        raise
    return sys.modules.get(module, loaded)


def _is_of(module: ModuleType, path: str) -> bool:
    file = getattr(module, "__file__", None)
    try:
        return file is not None and os.path.samefile(file, path)
    except OSError:
        return False


def _import_module(name: str) -> ModuleType:
    folder = os.getcwd()
    if folder not in sys.path[1:2]:
        sys.path.insert(1, folder)
    return importlib.import_module(name)


def _read_pickle(path: str) -> dict[str, Any]:
    """What a file of the package holds: a line of JSON, and behind it a pickle of functions by name."""
    with open(path, "rb") as file:
        file.readline()
        content = file.read()
    try:
        import pickle

        return dict(pickle.loads(content))
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "cloudpickle":
            raise ImportError(
                f"{path} needs the module cloudpickle, which {sys.executable} does not have; install it there"
            ) from error
        raise


def _lookup(there: Any, dotted: str, where: str) -> Any:
    for name in dotted.split("."):
        try:
            there = getattr(there, name)
        except AttributeError:
            raise ImportError(f"{where} has no {dotted}") from None
    return there


def _checked(function: Any, what: str) -> Callable[..., Any]:
    if not callable(function):
        raise TypeError(f"{what} is no function: it is of type {type(function).__name__}")
    return function  # type: ignore[no-any-return]


def load_module(file: str, module: str) -> ModuleType:
    """The module of a file, or if `file` is "" that of the name."""
    return _import_file(file, module) if file else _import_module(module)


def load_function(file: str, module: str, function: str) -> Callable[..., Any]:
    """The function of a stage. Raises what its module raises, ImportError, TypeError."""
    if file.endswith(".pickle"):
        functions = _read_pickle(file)
        if function not in functions:
            raise ImportError(f"{file} has no {function}")
        return _checked(functions[function], f"{file}:{function}")
    where = file or module
    return _checked(_lookup(load_module(file, module), function, where), f"{where}:{function}")


def load_init(init: str, file: str, module: str) -> Callable[..., Any]:
    """The function that is called once before the stage's first task: of the same module, or other.py:setup."""
    place, colon, name = init.rpartition(":")
    if not colon:
        return load_function(file, module, init)
    if place.endswith(".py"):
        return load_function(place, os.path.basename(place)[: -len(".py")], name)
    return load_function("", place, name)
