"""The code of a function that goes by value: a hash that is the same from start to start, and what it takes from around
it.

What counts is the syntax tree without positions, comments and docstrings, the defaults, and the values that are closed
over or global; of functions and classes of the same script likewise, with what a class has and what its methods use. Of
modules the name alone: those beside the script are files that count.
"""

from __future__ import annotations

import ast
import dis
import functools
import hashlib
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

from taskfarm._slot.code import Finder, imports_of

Function = Callable[..., Any]

SCRIPTS = ("__main__", "__mp_main__")  # what the script's module is called; the latter in processes of multiprocessing
CACHED = type(functools.lru_cache(len))  # what lru_cache and cache make of a function


def inner_of(function: Function) -> types.FunctionType | None:
    """The Python function within a method, a partial or a decorated one that says so; None: there is none."""
    if isinstance(function, functools.partial):
        return inner_of(function.func)
    if isinstance(function, CACHED):
        return inner_of(function.__wrapped__)
    if inspect.ismethod(function):
        return inner_of(function.__func__)
    if isinstance(function, types.FunctionType):
        return function
    call = vars(type(function)).get("__call__")
    return call if isinstance(call, types.FunctionType) else None


def _codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """It, and those of the functions and classes within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes_of(constant)


def _names_of_globals(code: types.CodeType) -> Iterator[str]:
    for each in _codes_of(code):
        for step in dis.get_instructions(each):
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and isinstance(step.argval, str):
                yield step.argval


def values_around(function: Function) -> dict[str, Any]:
    """By name what a function takes from around it: defaults, arguments of a partial, the object of a method, values
    that are closed over, globals."""
    found: dict[str, Any] = {}
    if isinstance(function, functools.partial):
        found.update({f"argument {i}": value for i, value in enumerate(function.args)}, **function.keywords)
        return {**values_around(function.func), **found}
    if isinstance(function, CACHED):
        return values_around(function.__wrapped__)
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
        if name in inner.__globals__:
            found[name] = inner.__globals__[name]
    return found


def module_of(thing: Any) -> str:
    """The name of a thing's module. A script has one name, whichever process it is in."""
    name = getattr(thing, "__module__", None) or ""
    return SCRIPTS[0] if name in SCRIPTS else str(name)


def is_by_value(value: Any) -> bool:
    """Does a function or a class go by value: since no other process can import it?"""
    module = getattr(value, "__module__", None)
    name = getattr(value, "__qualname__", "")
    if module in (None, *SCRIPTS, "builtins") or "<locals>" in name or "<lambda>" in name:
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


def _parsed(thing: Any) -> ast.AST | None:
    """The syntax of a function or class as it stands in its source; None: that is not there."""
    try:  # of a function's code, since a decorated function would tell the source of what it decorates
        return ast.parse(textwrap.dedent(inspect.getsource(getattr(thing, "__code__", thing))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def _tree_of(thing: Any) -> str | None:
    """The syntax tree of a function or class; None: its source is not there."""
    tree = _parsed(thing)
    if tree is not None and getattr(thing, "__name__", "") == "<lambda>":
        tree = _lambda_of(tree, thing.__code__)
    return None if tree is None else ast.dump(_strip(tree))


class _Hash:
    """Takes values in; those that are met again by their number."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.modules: set[str] = set()  # whose functions, classes or objects were met
        self.functions: list[types.FunctionType] = []  # that go by value
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
            name = SCRIPTS[0] if value.__name__ in SCRIPTS else value.__name__
            self.modules.add(name)
            self.text("module", name)
        elif isinstance(value, type):
            self._class(value)
        elif isinstance(value, (functools.partial, types.FunctionType, types.MethodType, CACHED)):
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
            self.text(type(value).__qualname__, *sorted(self._apart(item) for item in value))
        elif hasattr(value, "dtype") and hasattr(value, "tobytes") and getattr(value.dtype, "hasobject", True) is False:
            self.text("array", value.dtype.str, getattr(value, "shape", ()), value.tobytes())
        else:
            self._reduced(value)

    def _apart(self, value: Any) -> str:
        """The hash of a value by itself."""
        one = _Hash()
        one.value(value)
        self.modules |= one.modules
        self.functions += one.functions
        return one.hash.hexdigest()

    def _reduced(self, value: Any) -> None:
        """As pickle takes it apart."""
        kind = type(value)
        self.text("object", module_of(kind), kind.__qualname__)
        self.modules.add(module_of(kind))
        if is_by_value(kind):
            self.value(kind)
        if isinstance(getattr(value, "__wrapped__", None), types.FunctionType):  # what a decorator has made
            self.value(value.__wrapped__)
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
        self.text("class", module_of(kind), kind.__qualname__)
        self.modules.add(module_of(kind))
        if not is_by_value(kind):
            return
        self.text(_tree_of(kind) or "")
        for base in (type(kind), *kind.__bases__):
            self.value(base)
        for name, member in sorted(vars(kind).items()):
            functions = [each for each in functions_of(member) if is_by_value(each)]
            for function in functions:
                self.text(name)
                self.value(function)
            if not functions and not (name.startswith("__") and name.endswith("__")) and not name.startswith("_abc_"):
                self.text(name)
                self.value(member)

    def _code(self, code: types.CodeType) -> None:
        self.text("code", code.co_code, *code.co_names, *code.co_varnames)
        for constant in code.co_consts:
            self.value(constant)

    def function(self, function: Function) -> None:
        inner = inner_of(function)
        if inner is None or (inner is function and not is_by_value(function)):
            self.modules.add(module_of(function))
            self.text("named", module_of(function), getattr(function, "__qualname__", ""))
            return
        if is_by_value(inner):
            self.functions.append(inner)
        else:
            self.modules.add(module_of(inner))
        tree = _tree_of(inner)
        if tree is not None:
            self.text("function", tree)
        else:
            self._code(inner.__code__)
        for name, value in [*values_around(function).items(), *sorted(vars(inner).items())]:
            self.text(name)
            self.value(value)


def functions_of(member: Any) -> list[types.FunctionType]:
    """The functions of a member of a class: a method, or those of a property."""
    if isinstance(member, (staticmethod, classmethod)):
        member = member.__func__
    parts = [member.fget, member.fset, member.fdel] if isinstance(member, property) else [member]
    parts = [part.func if isinstance(part, functools.cached_property) else part for part in parts]
    return [inner for part in parts if callable(part) and (inner := inner_of(part)) and not isinstance(part, type)]


def _met_by(function: Function) -> _Hash:
    taken = _Hash()
    taken.function(function)
    return taken


def hash_of(function: Function) -> str:
    """16 hexadecimal digits."""
    return _met_by(function).hash.hexdigest()[:16]


# ---- Files ----


def _absolute(name: str, level: int, package: str) -> str:
    """The name of a module, that may be said relative to a package."""
    parts = package.split(".") if package else []
    above = parts[: len(parts) - level + 1] if level else []
    return ".".join([*above, name] if name else above)


def _imports_within(function: types.FunctionType) -> set[str]:
    """The modules that a function imports when it is called."""
    tree = _parsed(function)
    package = function.__globals__.get("__package__") or ""
    if tree is not None:
        return {_absolute(name, level, package) for level, name in imports_of(tree)}
    steps = (step for code in _codes_of(function.__code__) for step in dis.get_instructions(code))
    return {str(step.argval) for step in steps if step.opname == "IMPORT_NAME"}


def _file_below(root: str, name: str) -> str | None:
    """The file of a module that has been imported, if it lies below a folder and is none that was installed."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if name in SCRIPTS or not file or not file.startswith(root) or "site-packages" in file:
        return None
    return str(file)


def modules_beside(function: Function, folder: str) -> dict[str, str]:
    """The files of modules below a folder that a function uses or imports, and of what these import from there; each
    with a hash."""
    root = folder.rstrip("/") + "/"
    met = _met_by(function)
    finder = Finder()
    finder.add_files(folder, [file for name in sorted(met.modules) if (file := _file_below(root, name))])
    imported = {name for each in met.functions for name in _imports_within(each)}
    finder.add_names([folder, *sorted(path for path in sys.path if path.startswith(root))], sorted(imported))
    return {path: found["hash"] for path, found in sorted(finder.files.items())}
