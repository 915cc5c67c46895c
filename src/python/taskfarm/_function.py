"""Which function is mapped: one of a module goes by its name, any other by value.

A function of the script itself, of a notebook, a lambda, a closure, a partial or a method of an object is pickled by
cloudpickle, so that the script is not run again where tasks run.
"""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from taskfarm._beside import modules_beside
from taskfarm._code import Function, is_by_value
from taskfarm._draws import refuse_generators
from taskfarm._errors import ManifestError
from taskfarm._hash import hash_of
from taskfarm._pickles import pickled, refuse_large
from taskfarm._search import search_as_here
from taskfarm._slot.code import code_of


@dataclass(frozen=True)
class Target:
    """What the manifest says of a function. With `content` it stands in a file, whose path is still to be put before
    `name`."""

    name: str  # of the stage, if nobody gives it another
    text: str  # "package.module:function"; of a pickle the name in it
    content: bytes | None = None
    search: str | None = None  # how tasks find modules, if it is to be said
    code: Mapping[str, str] = field(default_factory=dict)  # files that count as code, with a hash of each
    init: str | None = None  # what is called before the first task, as the manifest says it
    is_warned: bool = False  # it was warned of what the function draws from

    @property
    def seal(self) -> str:
        """A hash of all its code."""
        if self.content is None:
            files = code_of([{"file": "", "module": self.text.partition(":")[0]}])["files"]
        else:
            files = json.loads(self.content.partition(b"\n")[0])["code"]
        said = sorted([*((file["path"], file["hash"]) for file in files), *self.code.items()])
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def name_of(function: Function) -> str:
    """A name for the stage and the output, from the function's."""
    inner = function
    while hasattr(inner, "func"):
        inner = inner.func
    name = getattr(inner, "__name__", None) or type(inner).__name__
    name = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name).strip("_") or "task"
    return f"_{name}" if name[0].isdigit() else name


def script_folder() -> str:
    """The folder of the script that runs, or of the package whose module runs (-m); in a notebook the current one."""
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    if not file or not os.path.exists(file):
        return os.getcwd()
    package = getattr(main, "__package__", None)
    above = [os.pardir] * len(package.split(".")) if package else []
    return os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(file)), *above))


# ---- By value ----


def _parameters(function: Function) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _by_value(function: Function, init: Function | None, label: str, name: str) -> Target:
    functions = {name: function}
    init_name = "init" if name != "init" else "init_"
    if init is not None:
        functions[init_name] = init
    for each in functions.values():
        refuse_large(each, label)
    content = pickled(functions, label)
    folder = script_folder()
    head = {
        "taskfarm_pickle": 1,
        "name": name,
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "code": [{"path": key, "hash": hash_of(each)} for key, each in functions.items()],
        "parameters": _parameters(function),
        "folder": folder,
    }
    code = {file: seal for each in functions.values() for file, seal in modules_beside(each, folder).items()}
    whole = json.dumps(head, sort_keys=True).encode() + b"\n" + content
    called = init_name if init is not None else None
    return Target(name, name, whole, search_as_here(folder), code, called)


# ---- The function ----


def instead_of(old: Target, function: Any, init: Any) -> Target:
    """Another function in the place of one that was mapped: it has its name. Raises ManifestError, TypeError."""
    found = target_of(function, init)
    if found.text == old.text:
        return found
    if old.content is None:
        raise ManifestError(
            f"function: tasks import {old.text} by its name, and {found.text} is another one: mend it there",
            id="mismatch",
        )
    return target_of(function, init, old.text, by_value=True)


def target_of(function: Any, init: Any = None, name: Any = None, by_value: bool = False) -> Target:
    """How tasks find a function, and what is called before the first of them. One that goes by value, as it must or is
    to, does so by the name that is given, if a function may have it. Raises ManifestError, TypeError."""
    if not callable(function):
        raise TypeError(f"map needs a function, not a {type(function).__name__}")
    if init is not None and not callable(init) and not isinstance(init, str):
        raise TypeError(f"init: must be a function, not a {type(init).__name__}")
    label = getattr(function, "__qualname__", None) or repr(function)
    is_warned = refuse_generators(function, label)
    is_named = not is_by_value(function) and hasattr(function, "__module__") and hasattr(function, "__qualname__")
    if isinstance(init, str):
        found = target_of(function, None, name, by_value)
        return replace(found, init=init)
    if by_value or not is_named or (init is not None and is_by_value(init)):
        is_name = isinstance(name, str) and name.isidentifier() and name.isascii()
        found = _by_value(function, init, label, name if is_name else name_of(function))
        return replace(found, is_warned=is_warned)
    refuse_large(function, label, with_globals=False)
    module = function.__module__
    called = None
    if init is not None:
        called = init.__qualname__ if init.__module__ == module else f"{init.__module__}:{init.__qualname__}"
    text, search = f"{module}:{function.__qualname__}", search_as_here(os.getcwd())
    return Target(name_of(function), text, None, search, {}, called, is_warned)
