"""Functions by value: what of them can't be pickled, and what is too large to go into each process.

A script's functions and classes are pickled by cloudpickle, with the globals that they use.
"""

from __future__ import annotations

import contextlib
import functools
import io
import pickle
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from taskfarm._code import CACHED, SCRIPTS, Function, functions_of, inner_of, is_by_value, values_around
from taskfarm._common import has_plain_index
from taskfarm._errors import ManifestError
from taskfarm._extras import needed
from taskfarm._slot.exact import own_rules
from taskfarm._slot.labels import lost
from taskfarm._slot.load import cached
from taskfarm._slot.shared_random import place_of, shared

_LARGE = 1 << 20  # bytes of an array that is to be given as `common`
_PLAIN = (type(None), bool, int, float, complex, str, bytes)


# ---- What is large ----


def _size_of(value: Any) -> int:
    try:
        if hasattr(value, "memory_usage") and hasattr(value, "columns"):
            return int(value.memory_usage(index=False).sum())
        if hasattr(value, "colnames") and hasattr(value, "as_array"):  # a table of astropy
            return sum(_size_of(column) for column in value.columns.values())
        size = getattr(value, "nbytes", 0)
    except Exception:  # its own
        return 0
    return size if isinstance(size, int) else 0


def _slots_of(kind: type) -> Iterator[str]:
    for each in kind.__mro__:
        slots = vars(each).get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def _parts_of(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """What goes along with a value, each as it is written: of a list or dict what is in it, of an object or class of
    the script its attributes, of a function what it takes from around it."""
    if isinstance(value, dict):
        yield from ((f"{place}[{key!r}]", part) for key, part in value.items())
    elif isinstance(value, (list, tuple, set, frozenset)):
        yield from ((f"{place}[{number}]", part) for number, part in enumerate(value))
    elif isinstance(value, type) and is_by_value(value):
        for name, part in vars(value).items():
            yield f"{place}.{name}", part
            yield from ((name, function) for function in functions_of(part))
        yield from ((place, base) for base in value.__bases__)
    elif inner_of(value) is not None and is_by_value(inner_of(value)):
        yield from values_around(value).items()
        yield from ((f"{place}.{name}", part) for name, part in vars(inner_of(value)).items())
    elif is_by_value(type(value)):
        yield from ((f"{place}.{name}", part) for name, part in getattr(value, "__dict__", {}).items())
        yield from ((f"{place}.{name}", getattr(value, name, None)) for name in _slots_of(type(value)))
        yield place, type(value)


def _as_common(place: str, value: Any) -> str:
    """How an array, which is written so, is written as a common value."""
    if own_rules(value):
        return f"numpy.asarray({place})"
    if hasattr(value, "columns"):
        is_frame = hasattr(value, "memory_usage")
        return f"{place}.reset_index()" if is_frame and not has_plain_index(value) else place
    return place + lost(value).rpartition("say ")[2]


def _large_in(parts: Iterable[tuple[str, Any]]) -> tuple[str, Any] | None:
    """The first array that is too large in what goes, and how it is written."""
    seen: set[int] = set()
    left = [iter(parts)]
    while left:
        place, value = next(left[-1], (None, None))
        if place is None:
            left.pop()
        elif not isinstance(value, _PLAIN) and id(value) not in seen:
            seen.add(id(value))
            if _size_of(value) > _LARGE:
                return place, value
            left.append(_parts_of(value, place))
    return None


def refuse_large(function: Function, label: str, with_globals: bool = True) -> None:
    """Arrays are given as `common`: they are in memory once a node then, and not in each process."""
    inner = inner_of(function)
    own = set(inner.__code__.co_freevars) if inner else set()

    def is_global(name: str, value: Any) -> bool:
        return inner is not None and name not in own and inner.__globals__.get(name) is value

    parts = [(name, v) for name, v in values_around(function).items() if with_globals or not is_global(name, v)]
    if with_globals and inner is not None:
        parts += [(f"{inner.__name__}.{name}", value) for name, value in vars(inner).items()]
    large = _large_in(parts)
    if large is None:
        return
    place, value = large
    name = (re.findall(r"[A-Za-z_]\w*", place) or ["table"])[-1]
    raise ManifestError(
        f'{label} takes "{place}", an array of {_size_of(value) / 1e6:.1f} MB, with it into each process: '
        f"give it as common={{{name!r}: {_as_common(place, value)}}} and let the function have a parameter {name}",
        id="too-large",
    )


# ---- What can be pickled ----


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


def _reduced_shared(thing: Any) -> Any:
    """The generator of `random` or of `numpy.random`, also of their methods: that of the process that reads it, which
    each task has seeded."""
    place = place_of(thing)
    return (shared, place) if place else NotImplemented


def _file_of(code: types.CodeType) -> str:
    """What tracebacks tell where code is; of a notebook the cell, as people see it."""
    try:
        number = sys.modules["IPython"].get_ipython().compile._filename_map.get(code.co_filename)
    except (KeyError, AttributeError):  # no notebook
        number = None
    return code.co_filename if number is None else f"Cell In[{number}]"


def _reduced_code(code: types.CodeType, reduce: Callable[[types.CodeType], Any]) -> Any:
    """Newer versions of cloudpickle leave out the file, so that a traceback would have no lines of the source."""
    make, said = reduce(code)
    return make, tuple(_file_of(code) if part in ("<dynamic-code>", code.co_filename) else part for part in said)


def _refuse_by_name(thing: Any) -> None:
    """What pickle writes by its name in the script can't be found where tasks run."""
    if isinstance(thing, (type, types.FunctionType)) or getattr(thing, "__module__", None) not in SCRIPTS:
        return
    if hasattr(thing, "__qualname__") and isinstance(thing.__reduce_ex__(4), str):
        raise pickle.PicklingError(f"it is pickled by its name, {thing.__qualname__}, in the script")


@contextlib.contextmanager
def _scripts_by_value(cloudpickle: Any) -> Iterator[None]:
    """Of the script in a process of multiprocessing, too, which cloudpickle takes for a module."""
    script = sys.modules.get(SCRIPTS[1])
    if script is None:
        yield
        return
    cloudpickle.register_pickle_by_value(script)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(script)


def _reduced_by_us(thing: Any) -> Any:
    for reduce in (_reduced_named_tuple, _reduced_cached, _reduced_shared):
        if (parts := reduce(thing)) is not NotImplemented:
            return parts
    return NotImplemented


def reduced(value: Any) -> Any:
    """What an object is pickled by, but for classes and functions: the parts of __reduce_ex__, or the name of
    something global. Raises what the object does."""
    with needed("cloudpickle"):
        import cloudpickle
    parts = _reduced_by_us(value)
    if parts is not NotImplemented:
        return parts
    reduce = cloudpickle.CloudPickler.dispatch_table.get(type(value))
    return reduce(value) if reduce else value.__reduce_ex__(4)


def _dumps(cloudpickle: Any, value: Any) -> bytes:
    class Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
        def reducer_override(self, thing: Any) -> Any:
            parts = _reduced_by_us(thing)
            if parts is NotImplemented and type(thing) is types.CodeType:
                parts = _reduced_code(thing, self.dispatch_table[types.CodeType])
            elif parts is NotImplemented:
                parts = super().reducer_override(thing)
            if parts is NotImplemented and type(thing) not in self.dispatch_table:
                _refuse_by_name(thing)
            return parts

    content = io.BytesIO()
    with _scripts_by_value(cloudpickle):
        Pickler(content).dump(value)
    return content.getvalue()


def pickled(functions: Mapping[str, Function], label: str) -> bytes:
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
