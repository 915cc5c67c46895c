"""Generators of random numbers that a function takes along: each process would draw the same from a copy of its own.

So tasks of several processes would share their noise, and have another one for other numbers of processes, which
nothing shows. What a function names is looked at, and what functions name that it calls, as far as they are no
library's. A list of generators is let be: a task may have one of them for itself.
"""

from __future__ import annotations

import inspect
import site
import sys
import sysconfig
import types
from collections.abc import Iterator
from typing import Any

from taskfarm._code import Function, inner_of, is_by_value, values_around
from taskfarm._errors import ManifestError, warn
from taskfarm._slot.forkable import is_drawn
from taskfarm._slot.shared_random import generator_of

_MOST = 200  # functions that are looked at


def refuse_generators(function: Function, label: str) -> bool:
    """Raises ManifestError for one that goes along, or that has a seed; warns of one that a module makes anew in each
    process. Has it warned?"""
    found = list(_found_in(function))
    copied = [(place, value) for place, value, is_copy in found if is_copy]
    if copied:
        place, value = copied[0]
        raise ManifestError(
            f'{label} draws from "{place}", a {type(value).__name__} of which each process has a copy, so that tasks '
            "get the same numbers: let it have a parameter rng, a Generator of each task's own",
            id="unseeded",
        )
    for place, value, _ in found[:1]:
        warn(
            f'{label} draws from "{place}", a {type(value).__name__} of which each process has its own, for all of its '
            "tasks: results depend on where tasks run; let it have a parameter rng, a Generator of each task's own"
        )
    return bool(found)


def _found_in(function: Function) -> Iterator[tuple[str, Any, bool]]:
    """Generators, by the names that they are used by; does each process have a copy?"""
    waiting: list[tuple[Any, bool]] = [(function, True)]
    seen: set[int] = set()
    while waiting and len(seen) < _MOST:
        one, is_first = waiting.pop(0)
        inner = inner_of(one)
        if inner is None or id(inner) in seen or _is_library(inner.__module__):
            continue
        seen.add(id(inner))
        for place, value in _named_by(one, inner, is_first):
            generator = generator_of(value)
            if generator is not None:
                yield place, generator, is_by_value(inner) or _is_seeded(generator)
            waiting.append((value, False))


def _named_by(function: Function, inner: types.FunctionType, is_first: bool) -> Iterator[tuple[str, Any]]:
    """What a function takes from around it, and what it names of modules and objects among that."""
    given = set(inspect.signature(function).parameters) & {"rng"} if is_first else set()
    attributes = set(_attributes_in(inner.__code__))
    for name, value in values_around(function).items():
        if name in given:  # its default is never used
            continue
        yield name, value
        if inner_of(value) is not None or isinstance(value, type) or _is_library(_module_of(value)):
            continue
        for attribute in sorted(attributes):
            part = inspect.getattr_static(value, attribute, None)
            is_method = isinstance(part, types.FunctionType) and not isinstance(value, types.ModuleType)
            yield f"{name}.{attribute}", types.MethodType(part, value) if is_method else part


def _attributes_in(code: types.CodeType) -> Iterator[str]:
    """Names that may be those of attributes."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _attributes_in(constant)


def _module_of(value: Any) -> str:
    return value.__name__ if isinstance(value, types.ModuleType) else type(value).__module__


def _is_library(module: str | None) -> bool:
    top = str(module).partition(".")[0]
    if top in sys.stdlib_module_names - {"__main__"} or top == "taskfarm":
        return True
    places = [sysconfig.get_path(name) for name in ("purelib", "platlib")]
    places += [*site.getsitepackages(), site.getusersitepackages()]
    file = getattr(sys.modules.get(top), "__file__", None) or ""
    return file.startswith(tuple(place + "/" for place in places))


def _is_seeded(generator: Any) -> bool:
    """One of a module that the system has seeded is made anew in each process; of a RandomState it is not known."""
    bits = getattr(generator, "bit_generator", generator)
    return hasattr(bits, "capsule") and not is_drawn(bits)
