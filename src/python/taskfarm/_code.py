"""The code of a function that goes by value: a hash that is the same from start to start, and what it takes from around
it.

What counts is the syntax tree without positions, comments and docstrings, the defaults, and the values that are closed
over or global; of functions and classes of the same script likewise. Of modules the name alone.
"""

from __future__ import annotations

import ast
import builtins
import dis
import functools
import hashlib
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

Function = Callable[..., Any]


def inner_of(function: Function) -> types.FunctionType | None:
    """The Python function within a method, a partial or a decorated one that says so; None: there is none."""
    if isinstance(function, functools.partial):
        return inner_of(function.func)
    if inspect.ismethod(function):
        return inner_of(function.__func__)
    if isinstance(function, types.FunctionType):
        return function
    call = vars(type(function)).get("__call__")
    return call if isinstance(call, types.FunctionType) else None


def _names_of_globals(code: types.CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and isinstance(step.argval, str):
            yield step.argval
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_of_globals(constant)


def values_around(function: Function) -> dict[str, Any]:
    """By name what a function takes from around it: defaults, arguments of a partial, the object of a method, values
    that are closed over, globals."""
    found: dict[str, Any] = {}
    if isinstance(function, functools.partial):
        found.update({f"argument {i}": value for i, value in enumerate(function.args)}, **function.keywords)
        return {**values_around(function.func), **found}
    if inspect.ismethod(function):
        return {**values_around(function.__func__), "self": function.__self__}
    inner = inner_of(function)
    if inner is None:
        return found
    if inner is not function:
        found["self"] = function
    names = inner.__code__.co_varnames[: inner.__code__.co_argcount]
    defaults = inner.__defaults__ or ()
    found.update(zip(names[len(names) - len(defaults) :], defaults, strict=True))
    found.update(inner.__kwdefaults__ or {})
    for name, cell in zip(inner.__code__.co_freevars, inner.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not set yet
            continue
    for name in dict.fromkeys(_names_of_globals(inner.__code__)):
        if name in inner.__globals__ and not (hasattr(builtins, name) and name not in inner.__globals__):
            found[name] = inner.__globals__[name]
    return found


def is_by_value(value: Any) -> bool:
    """Does a function or a class go by value: since no other process can import it?"""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", "")
    if module in (None, "__main__", "builtins") or "<locals>" in name or "<lambda>" in name:
        return module != "builtins"
    there: Any = sys.modules.get(module)
    for part in name.split("."):
        there = getattr(there, part, None)
    return there is not value


# ---- Hashes ----


def _strip(tree: ast.AST) -> ast.AST:
    """Without docstrings."""
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            node.body = node.body[1:]
    return tree


def _same_code(one: types.CodeType, other: types.CodeType) -> bool:
    """But for positions."""
    if one.co_code != other.co_code or one.co_names != other.co_names or len(one.co_consts) != len(other.co_consts):
        return False
    return all(
        _same_code(a, b) if isinstance(a, types.CodeType) and isinstance(b, types.CodeType) else a == b
        for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


def _lambda_of(tree: ast.AST, code: types.CodeType) -> ast.AST | None:
    """Which lambda of a statement it is. Those that are alike have one hash anyway."""
    lambdas = [node for node in ast.walk(tree) if isinstance(node, ast.Lambda)]
    if len(lambdas) == 1:
        return lambdas[0]
    for node in lambdas:
        made = compile(ast.Expression(ast.fix_missing_locations(node)), "<lambda>", "eval")
        if any(isinstance(constant, types.CodeType) and _same_code(constant, code) for constant in made.co_consts):
            return node
    return None


def _tree_of(thing: Any) -> str | None:
    """The syntax tree of a function or class; None: its source is not there."""
    try:
        tree: ast.AST = ast.parse(textwrap.dedent(inspect.getsource(thing)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if getattr(thing, "__name__", "") == "<lambda>":
        found = _lambda_of(tree, thing.__code__)
        if found is None:
            return None
        tree = found
    return ast.dump(_strip(tree))


class _Hash:
    """Takes values in; those that are met again by their number."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.met: dict[int, int] = {}
        self.kept: list[Any] = []  # so that no id is used twice

    def text(self, *words: Any) -> None:
        for word in words:
            content = word if isinstance(word, bytes) else str(word).encode(errors="surrogatepass")
            self.hash.update(len(content).to_bytes(8, "little") + content)

    def value(self, value: Any) -> None:
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            self.text(type(value).__name__, value if isinstance(value, bytes) else repr(value))
        elif id(value) in self.met:
            self.text("again", self.met[id(value)])
        else:
            self.met[id(value)] = len(self.met)
            self.kept.append(value)
            self._object(value)

    def _object(self, value: Any) -> None:
        if isinstance(value, types.ModuleType):
            self.text("module", value.__name__)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, (functools.partial, types.FunctionType, types.MethodType)):
            self.function(value)
        elif isinstance(value, types.CodeType):
            self._code(value)
        elif isinstance(value, (list, tuple)):
            self.text(type(value).__qualname__, len(value))
            for item in value:
                self.value(item)
        elif isinstance(value, dict):
            self.text(type(value).__qualname__, len(value))
            for key, item in value.items():
                self.value(key)
                self.value(item)
        elif isinstance(value, (set, frozenset)):
            self.text(type(value).__qualname__, *sorted(_digest_of(item) for item in value))
        elif hasattr(value, "dtype") and hasattr(value, "tobytes") and getattr(value.dtype, "hasobject", True) is False:
            self.text("array", value.dtype.str, getattr(value, "shape", ()), value.tobytes())
        else:
            self._reduced(value)

    def _reduced(self, value: Any) -> None:
        """As pickle takes it apart."""
        kind = type(value)
        self.text("object", kind.__module__, kind.__qualname__)
        if is_by_value(kind):
            self.value(kind)
        try:
            parts = value.__reduce_ex__(4)
        except Exception:  # it can't be pickled, which is told elsewhere
            return
        if isinstance(parts, str):
            self.text(parts)
            return
        _, arguments, *rest = parts
        self.value(arguments)
        for part in rest:
            self.value(list(part) if hasattr(part, "__next__") else part)

    def _class(self, kind: type) -> None:
        self.text("class", kind.__module__, kind.__qualname__)
        if not is_by_value(kind):
            return
        tree = _tree_of(kind)
        self.text(tree or "")
        for base in kind.__bases__:
            self.value(base)
        if tree is None:
            for name, member in sorted(vars(kind).items()):
                if isinstance(member, types.FunctionType):
                    self.text(name)
                    self.value(member)

    def _code(self, code: types.CodeType) -> None:
        self.text("code", code.co_code, *code.co_names, *code.co_varnames)
        for constant in code.co_consts:
            self.value(constant)

    def function(self, function: Function) -> None:
        inner = inner_of(function)
        if inner is None or (inner is function and not is_by_value(function)):
            self.text("named", getattr(function, "__module__", ""), getattr(function, "__qualname__", ""))
            return
        tree = _tree_of(inner)
        if tree is not None:
            self.text("function", tree)
        else:
            self._code(inner.__code__)
        for name, value in values_around(function).items():
            self.text(name)
            self.value(value)


def _digest_of(value: Any) -> str:
    one = _Hash()
    one.value(value)
    return one.hash.hexdigest()


def hash_of(function: Function) -> str:
    """16 hexadecimal digits."""
    taken = _Hash()
    taken.function(function)
    return taken.hash.hexdigest()[:16]


# ---- Files ----


def modules_beside(function: Function, folder: str) -> list[str]:
    """The files of modules below a folder that a function uses, and that these use."""
    root = folder.rstrip("/") + "/"
    files: dict[str, None] = {}
    seen: set[int] = set()

    def visit(value: Any, depth: int) -> None:
        if id(value) in seen:
            return
        seen.add(id(value))
        module = (
            value if isinstance(value, types.ModuleType) else sys.modules.get(getattr(value, "__module__", "") or "")
        )
        if isinstance(value, types.FunctionType) and is_by_value(value) and depth < 100:
            for inner in values_around(value).values():
                visit(inner, depth + 1)
        file = getattr(module, "__file__", None)
        if module is None or module.__name__ == "__main__" or not file or not file.startswith(root):
            return
        if "site-packages" in file or not file.endswith(".py") or file in files:
            return
        files[file] = None
        for inner in list(vars(module).values()):
            if isinstance(inner, (types.ModuleType, types.FunctionType, type)):
                visit(inner, depth + 1)

    for value in [inner_of(function), *values_around(function).values()]:
        visit(value, 0)
    return sorted(files)
