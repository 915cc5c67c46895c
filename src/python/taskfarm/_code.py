"""A function that goes by value: what it takes from around it, and the syntax of functions and classes as far as it
counts."""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from typing import Any

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


def codes_of(code: types.CodeType) -> Iterator[types.CodeType]:
    """It, and those of the functions and classes within it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from codes_of(constant)


def _names_of_globals(code: types.CodeType) -> Iterator[str]:
    for each in codes_of(code):
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


def parts_of(member: Any) -> list[Any]:
    """What a member of a class calls."""
    if isinstance(member, (staticmethod, classmethod)):
        return [member.__func__]
    if isinstance(member, property):
        return [part for part in (member.fget, member.fset, member.fdel) if part is not None]
    return [member.func if isinstance(member, functools.cached_property) else member]


def functions_of(member: Any) -> list[types.FunctionType]:
    """The functions of a member of a class: a method, or those of a property."""
    parts = parts_of(member)
    return [inner for part in parts if callable(part) and (inner := inner_of(part)) and not isinstance(part, type)]


# ---- Syntax ----


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


def parsed(thing: Any) -> ast.AST | None:
    """The syntax of a function or class as it stands in its source; None: that is not there."""
    try:  # of a function's code, since a decorated function would tell the source of what it decorates
        return ast.parse(textwrap.dedent(inspect.getsource(getattr(thing, "__code__", thing))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None


def tree_of(thing: Any) -> str | None:
    """The syntax tree of a function or class; None: its source is not there."""
    tree = parsed(thing)
    if tree is not None and getattr(thing, "__name__", "") == "<lambda>":
        tree = _lambda_of(tree, thing.__code__)
    return None if tree is None else ast.dump(_strip(tree))
