"""Does a function draw from generators that outlive its task: from those that `random` and `numpy.random` share among
all that call them, or from one that a module has made? Its code is looked at, and that of functions that it calls by
name, as far as they are no library's."""

import builtins
import contextlib
import dis
import importlib
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from typing import Any

_UNKNOWN: Any = object()
_MOST = 200  # functions that are looked at


_PLACES = (("random", "_inst"), ("numpy.random.mtrand", "_rand"))  # of these generators


def place_of(generator: Any) -> tuple[str, str] | None:
    """In which module, by which name one of these generators stands; None: it is none of them."""
    for module, name in _PLACES:
        if generator is not None and generator is getattr(sys.modules.get(module), name, None):
            return module, name
    return None


def shared(module: str, name: str) -> Any:
    """Such a generator of this process: pickles have it so."""
    return getattr(importlib.import_module(module), name)


def _is_library(function: types.FunctionType) -> bool:
    places = {sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return function.__code__.co_filename.startswith((*places, "<frozen", "/usr/lib/python3/"))


def _values(code: types.CodeType, names: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a code loads by names, such as np.random.normal, with its value as far as that is known."""
    names = {name: value for name, value in names.items() if name not in (*code.co_varnames, *code.co_cellvars)}
    name, value = "", _UNKNOWN
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM") and value is not _UNKNOWN:
            name, value = f"{name}.{step.argval}", getattr(value, step.argval, _UNKNOWN)
            continue
        if step.opname.startswith("STORE_") and value is not _UNKNOWN:
            names[step.argval] = value
        elif value is not _UNKNOWN:
            yield name, value
        elif step.opname.startswith("STORE_"):
            names.pop(step.argval, None)
        name, value = "", _UNKNOWN
        if step.opname.startswith(("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FAST", "LOAD_DEREF", "LOAD_CLOSURE")):
            name = step.argval if isinstance(step.argval, str) else ""
            value = names.get(name, getattr(builtins, name, _UNKNOWN) if name else _UNKNOWN)
        elif step.opname == "IMPORT_NAME" and step.argval.partition(".")[0] in ("random", "numpy"):
            name, value = step.argval, importlib.import_module(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _values(constant, names)


def _names_in(function: types.FunctionType) -> dict[str, Any]:
    """The values of the names that are not its own."""
    names = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:  # it is empty
            names[name] = _UNKNOWN
    return names


def _used_by(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """What the function, and those that it calls, load by names, as far as can be seen."""
    waiting: list[Any] = [function]
    seen: list[Any] = []
    while waiting and len(seen) < _MOST:
        one = waiting.pop(0)
        one = getattr(one, "func", getattr(one, "__func__", getattr(one, "__wrapped__", one)))
        if not isinstance(one, types.FunctionType):  # an object that is called
            one = vars(type(one)).get("__call__")
        if not isinstance(one, types.FunctionType) or one in seen or _is_library(one):
            continue
        seen.append(one)
        for name, value in [*_defaults_of(one), *_values(one.__code__, _names_in(one))]:
            yield name, value
            if isinstance(value, types.FunctionType | types.MethodType):
                waiting.append(value)


def _defaults_of(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Of its parameters; that of `rng` is never used."""
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    defaults = function.__defaults__ or ()
    yield from (pair for pair in zip(names[len(names) - len(defaults) :], defaults, strict=True) if pair[0] != "rng")
    yield from (function.__kwdefaults__ or {}).items()


def shared_generator(function: Callable[..., Any]) -> str | None:
    """The name by which the function uses a shared generator; None: it uses none, as far as can be seen."""
    return next((name for name, value in _used_by(function) if place_of(getattr(value, "__self__", None))), None)


def generator_of(value: Any) -> Any:
    """A generator, also of a method of one such as rng.normal; None: it is none, or the one that each task has seeded
    for itself."""
    bound = isinstance(value, (types.MethodType, types.BuiltinMethodType))
    owner = getattr(value, "__self__", None) if bound else value
    random, numpy = sys.modules.get("random"), sys.modules.get("numpy.random")
    kinds: tuple[type, ...] = (random.Random,) if random else ()
    if numpy:
        kinds += (numpy.Generator, numpy.RandomState, numpy.BitGenerator)
    if not isinstance(owner, kinds) or place_of(owner) or (random and isinstance(owner, random.SystemRandom)):
        return None
    return owner


def draws_of(function: Callable[..., Any], batch: int, seed_globals: bool) -> dict[str, Any]:
    """What the function draws from that is not its task's own, as src/host/python_draws.h says it."""
    shared = lasting = None
    with contextlib.suppress(Exception):  # it is for warnings: what can't be looked at is not warned of
        if batch and seed_globals:
            shared = shared_generator(function)
        if found := lasting_generator(function):
            lasting = [found[0], type(found[1]).__name__]
    return {"unseeded": shared, "lasting": lasting}


def lasting_generator(function: Callable[..., Any]) -> tuple[str, Any] | None:
    """A generator that a module or a pickle has and the function uses, with the name by which it does; None: it uses
    none, as far as can be seen."""
    for name, value in _used_by(function):
        if (owner := generator_of(value)) is not None:
            return name.removesuffix(f".{getattr(value, '__name__', '')}"), owner
    return None
