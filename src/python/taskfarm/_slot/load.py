"""From the manifest's words to a function: FILE.py:FUNCTION, package.module:function, FILE.pickle:NAME."""

import functools
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from taskfarm._slot.errors import Refusal
from taskfarm._slot.folders import Folders

FOLDERS = Folders()  # of this process


def folder_of(file: str) -> str:
    """The folder beside whose modules a function lives: that of its file, or for a module the work folder."""
    if file.endswith(".pickle"):
        with open(FOLDERS.at(file), "rb") as opened:
            folder = json.loads(opened.readline()).get("folder")
        return FOLDERS.at(folder or "")
    return os.path.dirname(FOLDERS.at(file)) if file else FOLDERS.at("")


def _import_file(file: str, module: str) -> ModuleType:
    """Imports a file under its module's own name, so that what it defines can be pickled."""
    path = FOLDERS.at(file)
    there = sys.modules.get(module)
    if there is not None and _is_of(there, path):
        return there
    if there is not None and module in sys.stdlib_module_names:
        raise Refusal(f"{file} has the name of a module of Python's own; give it another")
    spec = importlib.util.spec_from_file_location(module, path)
    if spec is None or spec.loader is None:
        raise Refusal(f"{file} is no Python file: its name must end in .py")
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


def _read_pickle(file: str) -> dict[str, Any]:
    """What a file of the package holds: a line of JSON, and behind it a pickle of functions by name. Read once: its
    functions have globals in common, which init may set."""
    found = os.stat(FOLDERS.at(file))
    return _unpickle(file, found.st_ino, found.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _unpickle(file: str, *_identity: int) -> dict[str, Any]:
    import pickle

    try:
        with open(FOLDERS.at(file), "rb") as opened:
            opened.readline()
            return dict(pickle.load(opened))
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] == "cloudpickle":
            needs = f"{file} needs the module cloudpickle, which {sys.executable} does not have; install it there"
            raise Refusal(needs) from None
        raise


def cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Callable[..., Any]:
    """A function with an empty cache, as functools.lru_cache makes it: pickles have it so."""
    return functools.lru_cache(maxsize, typed)(function)


def _near(there: Any, name: str) -> str:
    """Advice to stand behind a name that is not there."""
    import difflib

    near = difflib.get_close_matches(name, [known for known, value in vars(there).items() if callable(value)], 1)
    return f"; did you mean {near[0]}?" if near else ""


def _lookup(there: Any, dotted: str, where: str) -> Any:
    for name in dotted.split("."):
        try:
            there = getattr(there, name)
        except AttributeError:
            raise Refusal(f"{where} has no {dotted}{_near(there, name)}") from None
    return there


def load_function(file: str, module: str, function: str) -> Callable[..., Any]:
    """The function of a stage; `file` is "" for that of a module. Raises what its module raises, ImportError,
    TypeError."""
    FOLDERS.enter(folder_of(file))
    where = file or module
    if file.endswith(".pickle"):
        functions = _read_pickle(file)
        if function not in functions:
            raise Refusal(f"{file} has no {function}")
        found = functions[function]
    else:
        imported = _import_file(file, module) if file else importlib.import_module(module)
        found = _lookup(imported, function, where)
    if not callable(found):
        raise Refusal(f"{where}:{function} is no function: it is of type {type(found).__name__}")
    return found  # type: ignore[no-any-return]


def load_init(init: str, file: str, module: str) -> Callable[..., Any]:
    """The function that is called once before the stage's first task: of the same module, or other.py:setup."""
    place, colon, name = init.rpartition(":")
    if not colon:
        return load_function(file, module, init)
    is_file = place.endswith((".py", ".pickle"))
    FOLDERS.enter(folder_of(place if is_file else ""))
    FOLDERS.refuse_twins()
    module = os.path.splitext(os.path.basename(place))[0]
    found = load_function(place, module, name) if is_file else load_function("", place, name)
    FOLDERS.refuse_twins()
    return found
