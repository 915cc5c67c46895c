"""A hash of a function that goes by value: the same from start to start, another one when anything of it is edited.

What counts is the syntax tree without positions, comments and docstrings, the defaults, and the values that are closed
over or global; of functions and classes of the same script likewise, with what a class has and what its methods use. Of
modules it is the name: those beside the script are files that count. Of plain values the contents count, of any other
what it is pickled by.
"""

from __future__ import annotations

import functools
import hashlib
import sys
import types
from collections.abc import Iterator
from typing import Any

from taskfarm._code import CACHED, SCRIPTS, Function, inner_of, is_by_value, module_of, parts_of, tree_of, values_around
from taskfarm._errors import ManifestError
from taskfarm._pickles import reduced

_PLAIN = frozenset({type(None), bool, int, float, complex, str, bytes})
_FUNCTIONS = (functools.partial, types.FunctionType, types.MethodType, CACHED)
_END = object()


class _Unseen(Exception):
    """A value has raised when it was looked at."""


def _is_flat(value: Any) -> bool:
    """Is it plain, with all that is in it, and so the same wherever it is met?"""
    return type(value) in _PLAIN or (type(value) in (tuple, frozenset) and all(map(_is_flat, value)))


def _is_array(value: Any) -> bool:
    """Is it one of numpy, or a number of numpy, that is nothing but its elements?"""
    numpy: Any = sys.modules.get("numpy")
    kind = type(value)
    if not hasattr(numpy, "ndarray") or not hasattr(numpy, "generic"):
        return False
    is_own = kind is numpy.ndarray or (issubclass(kind, numpy.generic) and kind.__module__ == "numpy")
    return is_own and value.dtype.hasobject is False


def _sorted(state: Any) -> Any:
    """The attributes of a library's object by name: some have them in the order of a set, which is another one in each
    process."""
    if type(state) is dict and all(type(name) is str for name in state):
        return dict(sorted(state.items(), key=lambda item: str(item[0])))
    return state


def _wrapped_by(value: Any) -> types.FunctionType | None:
    """The function of which a decorator has made an object."""
    try:
        wrapped = getattr(value, "__wrapped__", None)
    except Exception:  # its own
        return None
    return wrapped if isinstance(wrapped, types.FunctionType) else None


class Hash:
    """Takes values in; those that are met again by their number. What takes a value in yields what is in it, so that
    values may hold each other as deep as they like."""

    def __init__(self, outer: Hash | None = None) -> None:
        self.hash = hashlib.sha256()
        self.modules: set[str] = set()  # whose functions, classes or objects were met
        self.functions: list[types.FunctionType] = []  # that go by value
        self.outer = outer  # that of the set whose item is taken in
        self.is_whole = True  # false: a set in it was counted only
        self._met: dict[int, int] = {}
        self._kept: list[Any] = []  # so that no id is used twice
        self._place: str = outer._place if outer else ""  # the name by which a function takes what is taken in

    def text(self, *words: Any) -> None:
        for word in words:
            content = word if isinstance(word, bytes) else str(word).encode(errors="surrogatepass")
            self.hash.update(len(content).to_bytes(8, "little") + content)

    # ---- One after the other ----

    def function(self, function: Function) -> None:
        self._take(self._function(function), function)

    def value(self, value: Any) -> None:
        self._take(iter((value,)), value)

    def _take(self, steps: Iterator[Any], value: Any) -> None:
        left = [(steps, value, self._place)]
        while left:
            try:
                found = next(left[-1][0], _END)
                if found is _END:
                    left.pop()
                    self._place = left[-1][2] if left else self._place
                elif more := self._begin(found):
                    left.append((more, found, self._place))
            except _Unseen:
                raise
            except Exception as error:
                kind = type(left[-1][1]).__name__
                raise _Unseen(f'"{left[-1][2]}", a {kind} ({type(error).__name__}: {error})') from None

    def _begin(self, value: Any) -> Iterator[Any] | None:
        """How to take a value in; None: it is in."""
        number = self._number_of(value)
        if type(value) in _PLAIN:
            self.text(type(value).__name__, value if isinstance(value, bytes) else repr(value))
        elif number is not None:
            self.text("again", number)
        else:
            self._met[id(value)] = len(self._met)
            self._kept.append(value)
            return self._object(value)
        return None

    def _number_of(self, value: Any) -> int | str | None:
        number: int | str | None = self._met.get(id(value))
        if number is None and self.outer is not None:
            number = self.outer._number_of(value)
            return None if number is None else f"outer {number}"
        return number

    # ---- Kinds of values ----

    def _object(self, value: Any) -> Iterator[Any]:
        kind = type(value)
        if issubclass(kind, types.ModuleType) and value.__name__ in sys.modules:
            name = SCRIPTS[0] if value.__name__ in SCRIPTS else value.__name__
            self.modules.add(name)
            self.text("module", name)
        elif issubclass(kind, type):
            yield from self._class(value)
        elif kind in _FUNCTIONS:
            yield from self._function(value)
        elif kind is types.CodeType:
            yield from self._code(value)
        elif kind in (list, tuple):
            self.text(kind.__qualname__, len(value))
            yield from value
        elif kind is dict:
            self.text(kind.__qualname__, len(value))
            for item in value.items():
                yield from item
        elif kind in (set, frozenset):
            yield from self._set(value)
        elif _is_array(value):
            self.text("array", value.dtype.str, value.shape, value.tobytes())
            if value.dtype.names is not None:
                self.text(value.dtype)
        else:
            yield from self._reduced(value)

    def _set(self, items: Any) -> Iterator[Any]:
        """In an order that is not that of addresses: by hashes of items, in which other sets of objects have their
        length alone. Objects that differ in these only follow whole."""
        if self.outer is not None and not all(map(_is_flat, items)):
            self.is_whole = False
            self.text(type(items).__qualname__, len(items))
            return
        found = sorted(((*self._apart(item), item) for item in items), key=lambda each: each[0])
        keys = [key for key, _, _ in found]
        self.text(type(items).__qualname__, *keys)
        yield from (item for key, is_whole, item in found if not is_whole and keys.count(key) == 1)

    def _apart(self, item: Any) -> tuple[str, bool]:
        """The hash of an item by itself, and whether all of it is in that."""
        one = Hash(None if _is_flat(item) else self)
        one.value(item)
        self.modules |= one.modules
        self.functions += one.functions
        return one.hash.hexdigest(), one.is_whole

    def _reduced(self, value: Any) -> Iterator[Any]:
        """As pickle takes it apart."""
        kind = type(value)
        self.text("object", module_of(kind), kind.__qualname__)
        self.modules.add(module_of(kind))
        if is_by_value(kind):
            yield kind
        wrapped = _wrapped_by(value)
        if wrapped is not None:
            yield wrapped
        try:
            parts = reduced(value)
        except Exception:  # it can't be pickled, which is told elsewhere
            self.text("no reduction")
            return
        if isinstance(parts, str):
            self.text(module_of(value), parts)
            return
        maker, arguments, *rest = parts
        if issubclass(kind, (set, frozenset)) and len(arguments) == 1:
            arguments = (set(arguments[0]),)  # its order is that of addresses
        if maker is not kind:
            yield from self._maker(maker)
        yield arguments
        if rest and not is_by_value(kind):
            rest[0] = _sorted(rest[0])
        for part in rest:
            yield list(part) if hasattr(type(part), "__next__") else part

    def _maker(self, maker: Any) -> Iterator[Any]:
        """What is called to make an object. Libraries move it from module to module; copyreg's is said by the rest."""
        if is_by_value(maker):
            yield maker
        elif getattr(maker, "__module__", None) not in ("copyreg", "builtins"):
            self.modules.add(module_of(maker))
            self.text("made by", getattr(maker, "__qualname__", ""))

    def _class(self, kind: type) -> Iterator[Any]:
        self.text("class", module_of(kind), kind.__qualname__)
        self.modules.add(module_of(kind))
        if not is_by_value(kind):
            return
        self.text(tree_of(kind) or "")
        yield from (type(kind), *kind.__bases__)
        for name, member in sorted(vars(kind).items(), key=lambda item: item[0]):
            parts = [part for part in parts_of(member) if callable(part) and not isinstance(part, type)]
            called = [part for part in parts if (inner := inner_of(part)) and is_by_value(inner)]
            for part in called:
                self.text(name)
                yield part
            if not called and not (name.startswith("__") and name.endswith("__")) and not name.startswith("_abc_"):
                self.text(name)
                yield member

    def _code(self, code: types.CodeType) -> Iterator[Any]:
        self.text("code", code.co_code, *code.co_names, *code.co_varnames)
        yield from code.co_consts

    def _function(self, function: Function) -> Iterator[Any]:
        inner = inner_of(function)
        if inner is None:
            yield from self._reduced(function)
            return
        if inner is function and not is_by_value(function):
            self.modules.add(module_of(function))
            self.text("named", module_of(function), getattr(function, "__qualname__", ""))
            return
        if is_by_value(inner):
            self.functions.append(inner)
        else:
            self.modules.add(module_of(inner))
        tree = tree_of(inner)
        if tree is not None:
            self.text("function", tree)
        else:
            yield from self._code(inner.__code__)
        own = vars(function) if isinstance(function, functools.partial) else {}
        for name, value in [*values_around(function).items(), *sorted(vars(inner).items()), *own.items()]:
            self.text(name)
            self._place = name
            yield value


def met_by(function: Function) -> Hash:
    """Raises ManifestError."""
    taken = Hash()
    try:
        taken.function(function)
    except _Unseen as error:
        label = getattr(function, "__qualname__", None) or repr(function)
        raise ManifestError(
            f"{label} takes {error}, which can't be looked at: make it within the function, or in init=",
            id="unsuitable-type",
        ) from None
    return taken


def hash_of(function: Function) -> str:
    """16 hexadecimal digits."""
    return met_by(function).hash.hexdigest()[:16]
