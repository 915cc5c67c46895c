"""map: a function over the points of a space, here or on many nodes, with typed results in one file."""

from __future__ import annotations

import difflib
import hashlib
import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from taskfarm._common import seals_of
from taskfarm._declared import annotated, columns_of
from taskfarm._engine import ask, error_of, find
from taskfarm._errors import CodeChangedWarning, EngineError, Error, ManifestError, Stopped, TaskError, warn
from taskfarm._folder import Folder
from taskfarm._function import Target, instead_of, name_of, target_of
from taskfarm._manifest import Files, as_text, write_manifest
from taskfarm._process import (
    Event,
    Process,
    birth_of,
    check_launcher,
    event_of,
    exit_of,
    launcher,
    pause,
    refuse_ranks,
    start_detached,
)
from taskfarm._progress import Display, display_of, logger
from taskfarm._run import Outcome, Run, note, outcome_of
from taskfarm._slot.plan import OFFERED, PlanError, bind
from taskfarm._spaces import Space, as_space, first_names
from taskfarm._types import by_first_task, earlier
from taskfarm._wording import worded

_RETRY = 4  # times that an engine which finds the output in use is started again, as what it waits for is ending

_PREFIX = "taskfarm: "  # of the engine's lines on standard error


# Keywords of other libraries, and what is said here.
_OTHER_WORDS = {
    ("n_jobs", "workers", "processes", "max_workers", "num_workers", "nproc", "nprocs", "ncpus", "n_cores", "cores"): (
        "slots= says how many tasks run at once, resources= what each takes"
    ),
    ("chunksize", "chunk_size", "batch_size"): "tasks go to processes in parcels by themselves; batch= makes arrays",
    ("initializer",): "init= is called once in each process",
    ("walltime", "time_limit"): "timeout= is that of a task",
}


@dataclass(frozen=True)
class Call:
    """What map was called with."""

    function: Callable[..., Any]
    space: Space
    path: str
    target: Target
    results: Any
    common: Mapping[str, Any] | None
    launch: str | Sequence[str] | None
    slots: int | None
    batch: int | str | None
    seed: int
    rerun: str | None
    fresh: bool
    progress: str
    raise_on_failure: bool
    detach: bool
    init: Any = None
    warns: bool = True  # of code that has changed
    keys: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The output's name, as it is told."""
        return os.path.relpath(self.path) if not os.path.relpath(self.path).startswith("..") else self.path

    @cached_property
    def identity(self) -> str:
        """Of the run: the same map has the same. All counts that its results depend on."""
        said: list[Any] = [self.target.text, self.target.seal, self.space.axes(), list(self.space.conditions())]
        said += [dict(sorted(self.keys.items())), self.seed, str(self.batch), repr(self.results)]
        said += [seals_of(self.common), self.target.init]
        return hashlib.sha256(as_text({"map": said}).encode()).hexdigest()


def map(
    function: Callable[..., Any],
    space: Any = None,
    *,
    output: str | os.PathLike[str] | None = None,
    results: Any = None,
    common: Mapping[str, Any] | None = None,
    launch: str | Sequence[str] | None = None,
    slots: int | None = None,
    batch: int | str | None = None,
    retries: int = 0,
    timeout: Any = None,
    resources: Mapping[str, Any] | None = None,
    seed: int = 0,
    rerun: str | None = None,
    fresh: bool = False,
    progress: str = "auto",
    raise_on_failure: bool = False,
    detach: bool = False,
    init: Any = None,
    **keys: Any,
) -> Run:
    """Calls a function for each point of a space, with the point's parameters by name, and returns a Run.

    What is done already is not run again: the same map goes on where an earlier one was, after a crash or kill -9 too.

    space: see taskfarm.product; a dict of axes, a list of dicts or a DataFrame will do.
    output: the HDF5 file; NAME-OF-FUNCTION.h5 in the current folder if it is not given.
    results: the columns, {"snr": float, "flux": (float, (1000,))}, or the type of a single value; if it is not given,
        what the function's annotation says, or else what the first task returns.
    common: large values that all tasks share, as parameters of the function: arrays, DataFrames, paths of npy files.
    launch: what is put before the engine, "mpirun -n 64"; $TASKFARM_LAUNCH if it is not given.
    slots: tasks that run at once in a rank; all cores if it is not given.
    batch: the function gets arrays of so many tasks, or "auto".
    timeout: seconds, or "5m". resources: what a task needs, {"slots": 2, "memory": "2GB"}.
    rerun: "code" runs again what another version of the function made; "params" drops rows of points that are gone.
    fresh: sets an old output aside, as OUTPUT.1, and starts anew.
    progress: "auto", "plain" or "none".
    detach: returns at once; the run goes on when this process has ended, and the same map attaches to it.
    init: a function that each process calls before its first task.
    keys: any other key of a stage: reduce, until, where, capture, on_failure, inputs, outputs, ...; of its run: env,
        cwd, warm, preload, seed_globals, interpreter.

    Raises Stopped, a SystemExit, if the run was stopped early; KeyboardInterrupt after a Ctrl-C; ManifestError,
    EngineError; TaskError if the function can't be run at all, and, with raise_on_failure, if tasks failed.
    """
    try:
        return _map(locals())
    except Error as error:  # as the engine says it, and not where in here
        raise error.with_traceback(None) from None


def _map(said: dict[str, Any]) -> Run:
    keys, output, function = said.pop("keys"), said.pop("output"), said["function"]
    _refuse_within_task()
    refuse_ranks()
    path = _check_keywords(output, said)
    _refuse_other_words(keys)
    space = as_space(said["space"])
    target = target_of(function, said["init"], keys.get("name"))
    _check_signature(function, space, said["common"], keys.get("arrays"))
    given = {"timeout": said.pop("timeout"), "resources": said.pop("resources"), **keys}
    given = {key: value for key, value in given.items() if value is not None}
    retries = said.pop("retries")
    if retries:
        given["retries"] = retries
    path = os.path.abspath(path or f"{target.name}.h5")
    call = Call(**{**said, "space": space}, path=path, target=target, keys=given)
    display = display_of(call.progress)
    if output is None:
        display.say(f"results go to {call.name}")
    return _run(call, display)


def _check_keywords(output: Any, said: Mapping[str, Any]) -> str | None:
    """Refuses what can't be told to the engine. Returns the path of the output."""
    path = os.fspath(output) if isinstance(output, os.PathLike) else output
    if path is not None and not isinstance(path, str):
        raise TypeError(f"output: must be a path as text, not {type(path).__name__}")
    if path is not None and not _is_file_name(path):
        raise ManifestError(f"output: {path!r} can't be the name of a file in UTF-8", id="bad-name")
    if said["rerun"] is not None and not isinstance(said["rerun"], str):
        raise TypeError(f'rerun: must be a text, as in rerun="code", not {type(said["rerun"]).__name__}')
    if said["common"] is not None and not isinstance(said["common"], Mapping):
        raise TypeError(f"common: must be a dict of values by name, not {type(said['common']).__name__}")
    for name in said["common"] or ():
        if not isinstance(name, str):
            raise TypeError(f"common: names are texts, not {type(name).__name__}")
    for name in ("fresh", "detach", "raise_on_failure"):
        if type(said[name]).__name__ not in ("bool", "bool_"):  # of numpy, too
            raise TypeError(f"{name}: must be True or False, not {said[name]!r}")
    check_launcher(said["launch"])
    return path


def _refuse_other_words(keys: Mapping[str, Any]) -> None:
    """Keywords that other libraries have for the same."""
    for key in keys:
        for words, advice in _OTHER_WORDS.items():
            if key in words:
                raise ManifestError(f"{key}: map has no such keyword: {advice}", id="unknown-key")


def _is_file_name(path: str) -> bool:
    try:
        return bool(path.encode()) and "\0" not in path
    except UnicodeEncodeError:
        return False


def _check_signature(function: Callable[..., Any], space: Space, common: Mapping[str, Any] | None, arrays: Any) -> None:
    """Before anything is written; by the rule of the slots."""
    names = space.names() or first_names(space)
    if names is None:
        return
    blocks = arrays if isinstance(arrays, Mapping) else ()  # else the engine says what they must be
    try:
        bind(function, names, (), [*OFFERED, *(common or ()), *blocks])
    except PlanError as error:
        raise ManifestError(f"function: {error}{_misspelt(function, list(common or ()))}", id="mismatch") from None
    unused = _misspelt(function, list(common or ()))
    if unused:
        raise ManifestError(f"function: {name_of(function)}{inspect.signature(function)}{unused}", id="mismatch")


def _misspelt(function: Callable[..., Any], common: Sequence[str]) -> str:
    """Advice to stand behind a mismatch: common values that fit no parameter."""
    try:
        known = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return ""
    text = ""
    for name in common:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            text += f'; "{name}" of common fits none{f": did you mean {near[0]}?" if near else ""}'
    return text


def _refuse_within_task() -> None:
    """No process is started by a task, or while a task imports the script."""
    if "taskfarm._slot.main" not in sys.modules and "TASKFARM_STAGE" not in os.environ:
        return
    frame: Any = sys._getframe()
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    if frame is not None:
        text = (
            "map is called while a task's process imports its module: put the call into a function, or below "
            'if __name__ == "__main__":'
        )
    else:
        text = "map is called within a task: a task can't start a run"
    raise Error(text, id="usage")


# ---- A run, from its folder to its end ----


def _again(call: Call) -> Callable[[Any], Run]:
    def retry(function: Any = None) -> Run:
        _refuse_within_task()
        new = call.function if function is None else function
        target = instead_of(call.target, new, call.init)
        _check_signature(new, call.space, call.common, call.keys.get("arrays"))
        again = replace(call, function=new, target=target, rerun=None, fresh=False, detach=False, warns=False)
        return _run(again, display_of(call.progress))

    return retry


def _run(call: Call, display: Display) -> Run:
    program = find()
    attached = False

    def on_wait(noted: dict[str, Any]) -> bool:
        nonlocal attached
        attached = bool(noted.get("detached"))
        if attached and noted.get("identity") != call.identity:
            text = f"{call.name}: a detached run with other arguments has it: wait for it, or stop() it"
            raise EngineError(text, id="output-in-use")
        if not attached:
            display.say(f"{call.name}: waits for the run of process {noted.get('pid', '?')} to end")
        return not attached

    folder = Folder(call.path, on_wait)
    if attached and not folder.locked:
        return _attach(call, folder, display)
    is_over = False  # is the folder of no more use?
    try:
        command = _prepare(call, folder, display, program)
        if call.detach:
            return _detach(call, folder, display, command)
        listener, outcome, interrupted = _follow(call, folder, display, command)
        is_over = outcome.status in (0, 1) and outcome.is_told
        if interrupted:
            raise KeyboardInterrupt
        run = Run(call.path, _again(call), outcome)
        _settle(call, run, outcome, listener, display)
        return run
    finally:
        display.close()
        is_useless = not folder.is_used or not os.path.exists(call.path)
        if is_over or (is_useless and folder.is_abandoned()):
            folder.remove()
        else:
            folder.close()


def _options(call: Call) -> list[str]:
    """Of the engine's command line."""
    options = ["--workdir", os.getcwd(), "--output", call.path]
    if call.fresh:
        options.append("--fresh")
    if call.slots is not None:
        options += ["--slots", str(call.slots)]
    if call.rerun is not None:
        options += ["--rerun", call.rerun]
    return options


def _prepare(call: Call, folder: Folder, display: Display, program: str) -> list[str]:
    """Writes the manifest. Returns the engine's command line."""
    manifest = write_manifest(
        Files(folder),
        call.target,
        call.space,
        output=call.path,
        seed=call.seed,
        batch=call.batch,
        common=call.common,
        keys=call.keys,
    )
    columns = columns_of(call.results) if call.results is not None else annotated(call.function)
    if columns is None and not call.fresh and "code" not in (call.rerun or ""):
        columns = earlier(folder, call.path, call.target.text)
    if columns is None:
        columns, said = by_first_task(folder, manifest, _options(call))
        display.say(said)
    manifest["results"] = columns
    path = folder.write("manifest.json", as_text(manifest).encode())
    command = [*launcher(call.launch), program, "run", path, *_options(call), "--json"]
    logger.debug("%s", command)
    return command


def _unprefixed(line: str) -> str:
    """A line of standard error, which may be the engine's, or a launcher's."""
    said = line.removeprefix(_PREFIX)
    return line if said == line else worded(said)


class _Listener:
    """Takes what the engine says: shows it, warns of it, keeps the last of it."""

    def __init__(self, call: Call, display: Display, folder: Folder) -> None:
        self.call, self.display, self.folder = call, display, folder
        self.end: Event = {}
        self.has_begun = False
        self.was_followed = False
        self.lines: list[str] = []

    def event(self, event: Event) -> None:
        kind = event["event"]
        if kind == "begin":
            self.has_begun = self.folder.is_used = True
        elif kind == "progress":
            self.display.update(event)
        elif kind == "end":
            self.end = event
        elif kind == "say" and event["about"] == "code":
            self._warn(str(event["text"]))
        elif kind == "say" and not (event.get("id") == "unseeded" and self.call.target.is_warned):
            self.display.say(worded(str(event["text"])))

    def _warn(self, text: str) -> None:
        if not self.call.warns:
            return
        self.display.close()
        told = text.replace(self.call.path, self.call.name)
        warn(f'{told}; rerun="code" makes them anew', CodeChangedWarning)

    def text(self, line: str) -> None:
        """A line of standard error: of the engine, of a launcher."""
        if line.strip():
            self.lines.append(line)
            self.display.say(_unprefixed(line))

    def interrupted(self, times: int) -> None:
        if times == 1:
            self.display.say("stopping: tasks that have begun may end; interrupt again to end them at once")


def _follow(call: Call, folder: Folder, display: Display, command: Sequence[str]) -> tuple[_Listener, Outcome, bool]:
    """Runs the engine to its end. Returns what it has said, how it has ended, and whether it was interrupted."""
    for _ in range(_RETRY):
        listener = _Listener(call, display, folder)
        process = Process(command, folder.lock_fd)
        folder.write("engine.json", note(process.process.pid, "", False))
        listener.was_followed = True
        status = process.follow(listener.event, listener.text, listener.interrupted)
        if process.was_ended:
            status = int(listener.end.get("status", status))
        if process.asked or not _is_ending(listener.end):
            break
        pause(0.25)
    display.close()
    return listener, Outcome(status, listener.end), process.asked > 0


def _is_ending(end: Mapping[str, Any]) -> bool:
    """Is the output still held by what an engine that was killed has left?"""
    return any(d.get("id") == "output-in-use" for d in end.get("diagnostics", []))


def _settle(call: Call, run: Run, outcome: Outcome, listener: _Listener, display: Display) -> None:
    """Says what has become of the run; raises what it is to raise."""
    status, end = outcome.status, outcome.end
    if outcome.is_told and "done" in end:
        display.end("\n".join([outcome.told(call.name), *outcome.failures(), *outcome.notices()]))
    if listener.was_followed and not outcome.is_told:
        raise _error(call, outcome, listener)
    if status == 75:
        raise Stopped(f"{outcome.told(call.name)}: it was stopped; the same map goes on", run)
    if status not in (0, 1):
        raise _error(call, outcome, listener)
    if end.get("stopped"):
        raise TaskError("\n".join(str(stop["why"]) for stop in end["stopped"]), id="service-fails")
    if call.raise_on_failure and end.get("failed"):
        raise TaskError(_why(call, run, outcome), id="tasks-failed")


def _error(call: Call, outcome: Outcome, listener: _Listener) -> Error:
    diagnostics = outcome.end.get("diagnostics") or []
    if outcome.status == 2 and diagnostics:
        return error_of(diagnostics, axes=call.space.axes())
    if diagnostics:
        return error_of(diagnostics, kind=EngineError)
    refused = [_unprefixed(line) for line in listener.lines if line.startswith(_PREFIX)]
    if outcome.status == 2 and refused and not listener.has_begun:
        return ManifestError("\n".join(refused))
    who = "the engine" if listener.has_begun or not launcher(call.launch) else launcher(call.launch)[0]
    said = "\n".join(_unprefixed(line) for line in listener.lines[-20:])
    how = f"was killed by signal {-outcome.status}" if outcome.status < 0 else f"ended with {outcome.status}"
    if outcome.status in (0, 1, 75):
        how += ", and the run has not ended" if listener.has_begun else ", and no run has begun"
    return EngineError(f"{who} {how}{': ' if said else ''}{said}", id="run-failed")


def _why(call: Call, run: Run, outcome: Outcome) -> str:
    """The first failure in full."""
    lines = [outcome.told(call.name), *outcome.failures()]
    try:
        task = run[int(outcome.end["failures"][0]["tasks"][0])]
        lines += ["", task.traceback or task.stderr or task.message]
    except (Error, ImportError, OSError, LookupError):
        pass
    return "\n".join(lines).rstrip()


# ---- Detached ----


def _detach(call: Call, folder: Folder, display: Display, command: Sequence[str]) -> Run:
    """Starts an engine that goes on by itself, and waits until it has begun."""
    events, log = folder.create("engine.events"), folder.create("engine.log")
    try:
        pid = start_detached(command, folder.lock_fd, events, log)
    finally:
        os.close(events)
        os.close(log)
    folder.write("engine.json", note(pid, call.identity, True))
    birth = birth_of(pid)
    listener = _Listener(call, display, folder)
    read = 0
    while True:
        alive = birth != "" and birth_of(pid) == birth
        with open(folder.file("engine.events"), encoding="utf-8", errors="replace") as file:
            said = [event for event in (event_of(line) for line in file if line.endswith("\n")) if event]
        for event in said[read:]:
            listener.event(event)
        read = len(said)
        if not alive or listener.has_begun:
            break
        pause(0.02)
    outcome = outcome_of(folder)
    if not alive and outcome is None:
        outcome = Outcome(exit_of(pid))
    if outcome is not None and not outcome.is_told:
        with open(folder.file("engine.log"), encoding="utf-8", errors="replace") as file:
            listener.lines = file.read().splitlines()
        raise _error(call, outcome, listener)
    display.say(f"{call.name}: runs by itself (process {pid}); the same map attaches to it")
    return Run(call.path, _again(call), None, _let_go(folder, call.path))


def _let_go(folder: Folder, path: str) -> Folder:
    """The folder of a run that has it itself."""
    folder.close()
    return Folder(path, lambda noted: False)


def _attach(call: Call, folder: Folder, display: Display) -> Run:
    """Waits for a detached run of the same map, unless it is to stay detached."""
    run = Run(call.path, _again(call), None, folder)
    if call.detach:
        return run
    display.say(f"{call.name}: attaches to the run that is at work; an interrupt leaves it alone")
    shown = 0.0
    try:
        while run.state == "running":
            if time.monotonic() - shown > 1:
                shown = time.monotonic()
                display.update(_how_far(call.path))
            pause(0.05)
    finally:
        display.close()
    outcome = run.outcome
    _settle(call, run, outcome, _Listener(call, display, folder), display)
    return run


def _how_far(path: str) -> dict[str, Any]:
    """What the engine says of a run that it has not started itself."""
    try:
        status, told = ask("status", path)
    except Error:
        return {}
    beat = told.get("heartbeat") if status == 0 else None
    failed = sum(stage.get("failed", 0) + stage.get("timeout", 0) for stage in told.get("stages", []))
    return {**beat, "failed": failed} if beat else {}
