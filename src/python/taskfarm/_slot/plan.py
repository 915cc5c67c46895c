"""How a function is called: which of its parameters get which values, by position where that is safe, else by name."""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from taskfarm._slot.errors import Refusal

OFFERED = ("rng", "task")  # what a function may ask for besides the stage's parameters, arrays and common values


class PlanError(Refusal):
    """The function can't be called with the stage's parameters; the text says why."""


@dataclass(frozen=True)
class Plan:
    """The arguments of a call, by the names of their values. None of the stage's parameters is left out unless
    implied."""

    positional: tuple[str, ...]
    named: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.positional + self.named


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called in messages."""
    return getattr(function, "__qualname__", None) or type(function).__name__


def _listed(names: Iterable[str]) -> str:
    quoted = [f'"{name}"' for name in names]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def bind(
    function: Callable[..., Any], params: Iterable[str], implied: Iterable[str] = (), offered: Iterable[str] = OFFERED
) -> Plan:
    """The plan for a stage's parameters and arrays `params`, which the function must all take, and for what it may
    take besides: `implied` parameters, and `offered` names.

    Raises PlanError."""
    params, implied, offered = list(params), list(implied), list(offered)
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of some functions that are written in C nothing is known
        return Plan(tuple(params), ())
    rest = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    there = dict.fromkeys([*params, *implied, *offered])
    positional: list[str] = []
    named: list[str] = []
    missing: list[str] = []
    by_position = True
    for name, p in signature.parameters.items():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            by_position = by_position and p.kind is not p.VAR_POSITIONAL
            continue
        if name not in there:
            by_position = False  # those behind it can't be given by position
            if p.default is p.empty:
                missing.append(name)
        elif p.kind is p.KEYWORD_ONLY or (not by_position and p.kind is p.POSITIONAL_OR_KEYWORD):
            named.append(name)
        elif by_position:
            positional.append(name)
        elif p.default is p.empty:
            missing.append(name)
    asked = {*positional, *named}
    unknown = [name for name in params if name not in asked]
    if rest:
        named += unknown
        unknown = []
    shown = f"{name_of(function)}{signature}"
    if inspect.iscoroutinefunction(function):
        raise PlanError(f"{shown} is an async function; call it by asyncio.run in a plain one")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise PlanError(f"{shown} is a generator: it has yield; a task's function returns its results")
    if missing:
        has = f"it has {_listed(params)}" if params else "it has none"
        raise PlanError(f"{shown}: the stage has no parameter {_listed(missing)}; {has}")
    if unknown:
        raise PlanError(f"{shown}: the function does not take the stage's {_listed(unknown)}")
    return Plan(tuple(positional), tuple(named))
