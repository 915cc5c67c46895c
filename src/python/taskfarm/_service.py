"""Services of taskfarm in Python: a function that is called for each task, in a process that is started once a slot.

    from taskfarm import serve

    def measure(spectrum, window):
        ...
        return {"snr": snr, "z": z}

    serve(measure)

The function gets the task's parameters by name, as int, float, str or bool, and returns a dict of the stage's columns:
numbers, strings, lists, or numpy's scalars and arrays; of a stage without columns it returns nothing. If it has a
parameter "task", that is a Task: index, seed, files. What it prints is the task's stderr, in the output file; an
exception fails the task, with its message, and the traceback is in stderr.

Standard library only. taskfarm puts its package in the way of the services that it starts (PYTHONPATH).
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import math
import os
import sys
import traceback

TYPE_CHECKING = False  # type checkers take it for true
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

__all__ = ["Task", "serve"]


@dataclasses.dataclass
class Task:
    """What there is to know of a task besides its parameters."""

    index: int
    stage: str
    attempt: int  # from 1
    seed: int  # the task's own, 64 bits
    params: dict[str, Any]
    inputs: Sequence[str] | dict[str, Any] = ()  # paths; by name, where the manifest gives names
    outputs: Sequence[str] | dict[str, Any] = ()


def plain(value: Any) -> Any:
    """A value as JSON has it; NaN is null, infinities are texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None if math.isnan(value) else str(value)
    if isinstance(value, (str, bool, int)) or value is None:
        return value if not isinstance(value, int) or abs(value) <= 2**53 else str(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, bytes):
        return value.decode()
    if hasattr(value, "tolist"):  # numpy's
        return plain(value.tolist())
    raise TypeError(f"{type(value).__name__} can't be a result")


def columns(returned: object) -> dict[str, Any]:
    if returned is None:
        return {}
    if isinstance(returned, dict):
        return {name: plain(value) for name, value in returned.items()}
    raise TypeError(f"a dict of columns was expected, not {type(returned).__name__}")


def hello(function: Callable[..., object], names: Iterable[str]) -> dict[str, object]:
    """Says whether the function could be called with parameters of these names."""
    signature = inspect.signature(function)
    given: dict[str, object] = dict.fromkeys(names)
    if "task" in signature.parameters:
        given.setdefault("task")
    try:
        signature.bind(**given)
    except TypeError as error:
        return {"hello": False, "error": f"{getattr(function, '__name__', 'it')}{signature}: {error}"}
    return {"hello": True}


def serve(function: Callable[..., object]) -> None:
    """Calls the function for each task until there are no more."""
    wants_task = "task" in inspect.signature(function).parameters
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    if "TASKFARM_HELLO" in os.environ:  # taskfarm check asks, and has no task
        answers.write(json.dumps(hello(function, json.loads(os.environ["TASKFARM_HELLO"]))).encode() + b"\n")
        return
    os.dup2(2, 1)  # what the function prints, by whatever way, is no answer
    sys.stdout = sys.stderr
    for line in sys.stdin.buffer:
        request = json.loads(line)
        index = request["index"]
        params = {name: math.nan if value is None else value for name, value in request["params"].items()}
        try:
            if wants_task and "task" not in params:
                returned = function(task=Task(**{**request, "params": params}), **params)
            else:
                returned = function(**params)
            answer = {"index": index, "results": columns(returned)}
        except Exception as error:
            traceback.print_exc()
            answer = {"index": index, "error": f"{type(error).__name__}: {error}"}
        sys.stderr.flush()
        answers.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
