"""Which function is mapped: one of a module goes by its name, any other by value.

A function of the script itself, of a notebook, a lambda, a closure, a partial or a method of an object is pickled by
cloudpickle, so that the script is not run again where tasks run.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.machinery
import inspect
import io
import json
import os
import pickle
import site
import sys
import sysconfig
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from taskfarm._code import CACHED, Function, hash_of, inner_of, is_by_value, modules_beside, values_around
from taskfarm._errors import ManifestError
from taskfarm._extras import needed
from taskfarm._slot.code import code_of
from taskfarm._slot.load import cached

_LARGE = 1 << 20  # bytes of an array that is to be given as `common`


@dataclass(frozen=True)
class Target:
    """What the manifest says of a function. With `content` it stands in a file, whose path is still to be put before
    `name`."""

    name: str  # of the stage, if nobody gives it another
    text: str  # "package.module:function"; of a pickle the name in it
    content: bytes | None = None
    folders: tuple[str, ...] = ()  # that tasks need on their path
    code: Mapping[str, str] = field(default_factory=dict)  # files that count as code, with a hash of each
    init: str | None = None  # what is called before the first task, as the manifest says it

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


# ---- Where modules are ----


def _root_of(module: str) -> str | None:
    """The folder on the path in which a module's top package is; None: it is built in."""
    top = sys.modules.get(module.partition(".")[0])
    file: str | None = getattr(top, "__file__", None)
    if file:
        folder = os.path.dirname(os.path.abspath(file))
        return os.path.dirname(folder) if hasattr(top, "__path__") else folder
    places = list(getattr(top, "__path__", ()))  # of a package without an __init__
    return os.path.dirname(os.path.abspath(places[0])) if places else None


def _is_standard(folder: str) -> bool:
    """Does every process of this Python find modules there?"""
    standard = {sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    standard.update(site.getsitepackages() if hasattr(site, "getsitepackages") else [])
    standard.add(site.getusersitepackages())
    standard.update(path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path)
    real = os.path.realpath(folder)
    return any(os.path.realpath(path) == real for path in standard if path) or folder.endswith("lib-dynload")


def _needed_folders(module: str) -> tuple[str, ...]:
    root = _root_of(module)
    here = os.path.realpath(os.getcwd())
    if root is None or os.path.realpath(root) == here:
        return ()
    top = module.partition(".")[0]
    found = importlib.machinery.PathFinder.find_spec(top, [here])
    if found and found.origin:  # a folder that merely has the name comes after a module
        raise ManifestError(
            f"function: its module {top} is in {root}, and there is another one of that name here, which tasks would "
            "import: change to that folder, or rename one of them",
            id="conflict",
        )
    return () if _is_standard(root) else (root,)


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


def _size_of(value: Any) -> int:
    if hasattr(value, "memory_usage") and hasattr(value, "columns"):
        return int(value.memory_usage(index=False).sum())
    size = getattr(value, "nbytes", 0)
    return size if isinstance(size, int) else 0


def _refuse_large(function: Function, label: str, seen: set[int], with_globals: bool) -> None:
    """Arrays are given as `common`: they are in memory once a node then, and not in each process."""
    if id(function) in seen:
        return
    seen.add(id(function))
    inner = inner_of(function)
    own = set(inner.__code__.co_freevars) if inner else set()
    for name, value in values_around(function).items():
        is_global = inner is not None and name not in own and inner.__globals__.get(name) is value
        if is_global and not with_globals:
            continue
        if _size_of(value) > _LARGE:
            raise ManifestError(
                f'{label} takes "{name}", an array of {_size_of(value) / 1e6:.1f} MB, with it into each process: '
                f"give it as common={{{name!r}: {name}}} and let the function have a parameter {name}",
                id="too-large",
            )
        if callable(value) and inner_of(value) is not None and is_by_value(value):
            _refuse_large(value, label, seen, with_globals)


def _culprits(function: Function, dumps: Callable[[Any], bytes], prefix: str, seen: set[int]) -> list[str]:
    """What of that which the function takes from around it can't be pickled, by name."""
    found: list[str] = []
    if id(function) in seen:
        return found
    seen.add(id(function))
    for name, value in values_around(function).items():
        try:
            dumps(value)
        except Exception as error:
            deeper = _culprits(value, dumps, f"{prefix}{name}: ", seen) if inner_of(value) is not None else []
            found += deeper or [f'{prefix}"{name}", a {type(value).__name__} ({error})']
    return found


def _reduced_named_tuple(thing: Any) -> Any:
    """A NamedTuple of the script, which some versions of cloudpickle write so that it can't be read; NotImplemented: it
    is none, or has more than its fields."""
    if not (isinstance(thing, type) and issubclass(thing, tuple) and hasattr(thing, "_field_defaults")):
        return NotImplemented
    fields: tuple[str, ...] = getattr(thing, "_fields")  # noqa: B009
    plain = {
        "__annotations__",
        "__match_args__",
        "__orig_bases__",
        "_field_defaults",
        "_fields",
        "__doc__",
        "__module__",
    }
    plain |= {"__new__", "__repr__", "__slots__", "__getnewargs__", "_asdict", "_make", "_replace", "__replace__"}
    plain |= {"__firstlineno__", "__static_attributes__", "__annotate__", "__annotate_func__", *fields}
    if not is_by_value(thing) or thing._field_defaults or set(vars(thing)) - plain:
        return NotImplemented
    hints = typing.get_type_hints(thing)
    return typing.NamedTuple, (thing.__name__, [(name, hints.get(name, Any)) for name in fields])


def _reduced_cached(thing: Any) -> Any:
    """A function with a cache, which pickle would write by a name that no other process has; its cache begins anew. A
    property with one may have a lock, which none can write."""
    if isinstance(thing, functools.cached_property):
        return functools.cached_property, (thing.func,), {"attrname": thing.attrname, "__doc__": thing.__doc__}
    if not isinstance(thing, CACHED) or not is_by_value(thing):
        return NotImplemented
    parameters = thing.cache_parameters()
    return cached, (thing.__wrapped__, parameters["maxsize"], parameters["typed"])


def _refuse_by_name(thing: Any) -> None:
    """What pickle writes by its name in the script can't be found where tasks run."""
    if isinstance(thing, (type, types.FunctionType)) or getattr(thing, "__module__", None) != "__main__":
        return
    if hasattr(thing, "__qualname__") and isinstance(thing.__reduce_ex__(4), str):
        raise pickle.PicklingError(f"it is pickled by its name, {thing.__qualname__}, in the script")


def _dumps(cloudpickle: Any, value: Any) -> bytes:
    class Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
        def reducer_override(self, thing: Any) -> Any:
            for reduce in (_reduced_named_tuple, _reduced_cached):
                if (reduced := reduce(thing)) is not NotImplemented:
                    return reduced
            reduced = super().reducer_override(thing)
            if reduced is NotImplemented and type(thing) not in self.dispatch_table:
                _refuse_by_name(thing)
            return reduced

    content = io.BytesIO()
    Pickler(content).dump(value)
    return content.getvalue()


def _pickled(functions: Mapping[str, Function], label: str) -> bytes:
    with needed("cloudpickle"):
        import cloudpickle
    try:
        return _dumps(cloudpickle, dict(functions))
    except Exception as error:
        seen: set[int] = set()
        named = [
            text for f in functions.values() for text in _culprits(f, functools.partial(_dumps, cloudpickle), "", seen)
        ]
        what = "; ".join(named) or str(error)
        raise ManifestError(
            f"{label} can't be sent to other processes: it takes {what}: make it within the function, or in init=",
            id="unsuitable-type",
        ) from None


def _parameters(function: Function) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def _by_value(function: Function, init: Function | None, label: str) -> Target:
    name = name_of(function)
    functions = {name: function}
    init_name = "init" if name != "init" else "init_"
    if init is not None:
        functions[init_name] = init
    for each in functions.values():
        _refuse_large(each, label, set(), True)
    content = _pickled(functions, label)
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
    return Target(name, name, whole, _loose_folders(folder), code, called)


def _loose_folders(folder: str) -> tuple[str, ...]:
    """Folders that this process has put on its path by itself: modules that the function imports are found there."""
    loose = [os.path.abspath(path) for path in sys.path if path and os.path.isdir(path)]
    own = {os.path.realpath(folder), os.path.realpath(os.getcwd()), os.path.realpath(sysconfig.get_path("stdlib"))}
    package = os.path.realpath(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return tuple(p for p in loose if os.path.realpath(p) not in own | {package} and not _is_standard(p))


# ---- The function ----


def target_of(function: Any, init: Any = None) -> Target:
    """How tasks find a function, and what is called before the first of them. Raises ManifestError, TypeError."""
    if not callable(function):
        raise TypeError(f"map needs a function, not a {type(function).__name__}")
    if init is not None and not callable(init) and not isinstance(init, str):
        raise TypeError(f"init: must be a function, not a {type(init).__name__}")
    label = getattr(function, "__qualname__", None) or repr(function)
    is_named = not is_by_value(function) and hasattr(function, "__module__") and hasattr(function, "__qualname__")
    if isinstance(init, str):
        found = target_of(function)
        return replace(found, init=init)
    if not is_named or (init is not None and is_by_value(init)):
        return _by_value(function, init, label)
    _refuse_large(function, label, set(), False)
    module = function.__module__
    folders = _needed_folders(module)
    called = None
    if init is not None:
        called = init.__qualname__ if init.__module__ == module else f"{init.__module__}:{init.__qualname__}"
        folders = tuple(dict.fromkeys([*folders, *_needed_folders(init.__module__)]))
    return Target(name_of(function), f"{module}:{function.__qualname__}", None, folders, {}, called)
