"""Before anything runs: does a stage's function import, does it take what the stage has, and is it said to return the
stage's columns? Its module is imported, and nothing of it is called."""

import importlib
import json
import os
import traceback
from collections.abc import Callable
from typing import Any

from taskfarm._slot import annotations, errors, shared_random
from taskfarm._slot.errors import Refusal
from taskfarm._slot.load import FOLDERS, load_function, load_init
from taskfarm._slot.plan import OFFERED, PlanError, bind

_FRAMES = 3  # of a traceback, which are shown


def _frames_of(error: BaseException) -> str:
    """The last lines of a traceback: " (measure.py:3: import helper; helper.py:1: import numpi)"."""
    trace = errors.user_frames(error.__traceback__)
    here = FOLDERS.at("")
    shown = []
    for frame in traceback.extract_tb(trace)[-_FRAMES:] if trace else ():
        name = os.path.relpath(frame.filename, here) if frame.filename.startswith(here + os.sep) else frame.filename
        shown.append(f"{name}:{frame.lineno}: {frame.line}" if frame.line else f"{name}:{frame.lineno}")
    return f" ({'; '.join(shown)})" if shown else ""


def _failure(what: str, error: BaseException) -> str:
    if isinstance(error, Refusal):
        return errors.text_of(error).partition(": ")[2]
    return f"{what} can't be imported: {errors.text_of(error)}{_frames_of(error)}"


class _Failed(Exception):
    """What a member of the run names can't be had: the member, and why."""


def _import_all(stage: dict[str, Any]) -> Callable[..., Any]:
    """Imports all that the stage needs. Returns its function; raises _Failed."""
    FOLDERS.work = stage.get("workdir") or ""
    try:
        for number, name in enumerate(stage.get("preload") or ()):
            member, what = f"preload/{number}", name
            importlib.import_module(name)
        member, what = "python", stage["file"] or stage["module"]
        function = load_function(stage["file"], stage["module"], stage["function"])
        if stage.get("init"):
            member, what = "init", stage["init"].rpartition(":")[0] or what
            load_init(stage["init"], stage["file"], stage["module"])
    except BaseException as error:
        raise _Failed(member, _failure(what, error)) from None
    return function


def _mismatches(function: Callable[..., Any], stage: dict[str, Any]) -> list[str]:
    """What of the function does not go with the stage."""
    params, arrays = stage.get("params") or [], stage.get("arrays") or []
    given = [p["name"] for p in [*params, *arrays]]
    implied = {p["name"] for p in params if p.get("implied")}
    offered = [name for name in (*OFFERED, *(stage.get("common") or ())) if name not in given]
    try:
        bind(function, [name for name in given if name not in implied], implied, offered)
    except PlanError as error:
        return [str(error)]
    return annotations.mismatches(function, stage.get("columns") or [], stage.get("batch") or 0)


def inspect_stage(stage: dict[str, Any]) -> dict[str, Any]:
    """What is wrong with a stage: {"member", "failed"}, or {"mismatches", "unseeded", "lasting"}."""
    try:
        function = _import_all(stage)
    except _Failed as failed:
        member, text = failed.args
        return {"member": member, "failed": text}
    draws = shared_random.draws_of(function, stage.get("batch") or 0, stage.get("seed_globals", True))
    return {"mismatches": _mismatches(function, stage), **draws}


def check(fd: int) -> None:
    """Answers what stands on standard input, {"stage": ...}, by JSON to the descriptor."""
    with open(0, "rb", closefd=False) as question:
        stage = json.loads(question.read())["stage"]
    os.set_inheritable(fd, False)
    answer = json.dumps(inspect_stage(stage)).encode()
    with open(fd, "wb") as answered:
        answered.write(answer)
