"""What an output says of itself: its stages, and of each its tasks, parameters, results and axes."""

from __future__ import annotations

import math
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from taskfarm import _h5
from taskfarm._errors import Error
from taskfarm._h5 import File, Table
from taskfarm._live import is_over, snapshot

OVER = ("complete", "failed", "snapshot")  # states of outputs of which all is in the file
PENDING, DONE, FAILED, TIMEOUT, SKIPPED, EXCLUDED, CANCELLED = range(7)
STATUSES = ("pending", "done", "failed", "timeout", "skipped", "excluded", "cancelled")
NUMBERS = {"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"}
AT_ONCE = 1 << 22  # rows of a byte that are looked at together


@dataclass(frozen=True)
class Column:
    """A result: its type, the shape of a row of it, and the axis of blocks if all of it is one array."""

    name: str
    type: str
    shape: tuple[int, ...] = ()
    axis: str = ""


@dataclass(frozen=True)
class Axis:
    """One factor of a space: so many points, each with a value for each of its parameters."""

    parameters: tuple[str, ...]
    size: int
    blocks: str = ""  # the name of an axis of blocks


@dataclass
class Stage:
    """A stage as the file has it."""

    file: File
    name: str
    tasks: int
    finished: bool
    parameters: dict[str, str]  # types by name, in the order of the manifest
    results: dict[str, Column]
    origins: dict[str, Any]  # where parameters are that other stages' rows give
    axes: list[Axis] | None  # None: the space is no product
    status: Table
    run: dict[str, Any] = field(default_factory=dict)

    def table(self, path: str) -> Table | None:
        with self.file.open() as file:
            return _h5.table(self.file, file, f"{self.name}/{path}")

    def names(self, folder: str) -> list[str]:
        with self.file.open() as file:
            group = _h5.find(file, f"{self.name}/{folder}")
            return [] if group is None else list(group)

    @cached_property
    def counts(self) -> dict[str, int]:
        """How many tasks have each status that any has. Read a piece at a time."""
        found: Counter[str] = Counter()
        codes = self.status.view()
        for first in range(0, self.tasks, AT_ONCE):
            piece = codes[first : first + AT_ONCE]
            left = len(piece)
            for code in (DONE, *(c for c in range(len(STATUSES)) if c != DONE)):  # as a rule all are done
                if left:
                    count = int(np.count_nonzero(piece == code))
                    found[STATUSES[code]] += count
                    left -= count
            if left:
                raise self.file.damaged(f"{self.status.name} has a status that there is not")
        return {name: found[name] for name in STATUSES if found[name]}

    def with_status(self, *codes: int) -> Iterator[int]:
        """The tasks that have one of these statuses, in order."""
        status = self.status.view()
        for first in range(0, self.tasks, AT_ONCE):
            yield from (np.flatnonzero(np.isin(status[first : first + AT_ONCE], codes)) + first).tolist()


def status_name(stage: Stage) -> str:
    """What the statuses of its tasks are called beside its parameters and results: "status", or "task.status" ..."""
    name = "status"
    while name in stage.parameters or name in stage.results:
        name = f"task.{name}"
    return name


# ---- From the file ----


SOURCES = ("field:", "regex:", "file:")  # "from" of columns that the fingerprint tells, too


def _columns(listed: list[Any], declared: Any) -> dict[str, Column]:
    """["m", "float64", 2, 3], ["flux", "float32", 1000, "b"]; before the axis may stand where it is from."""
    found = {}
    for entry in listed:
        name, kind, *rest = entry
        its = declared.get(name) if isinstance(declared, dict) else None
        if isinstance(its, dict) and str(its.get("from", "")).startswith(SOURCES):
            del rest[-2 if "array" in its else -1]
        axis = rest.pop() if rest and isinstance(rest[-1], str) else ""
        if kind in NUMBERS or kind in ("string", "bytes"):
            found[str(name)] = Column(str(name), kind, tuple(int(n) for n in rest), axis)
    return found


def _axes(listed: list[Any], parameters: list[str], tasks: int) -> list[Axis] | None:
    axes = [Axis(tuple(map(str, a["parameters"])), int(a["size"]), str(a.get("blocks", ""))) for a in listed]
    fits = math.prod(a.size for a in axes) == tasks and all(a.size >= 0 for a in axes)
    return axes if fits and [p for a in axes for p in a.parameters] == parameters else None


def _guess_size(axis: Any) -> int | None:
    """Points of an axis whose manifest has them all in itself."""
    if isinstance(axis, list):
        return len(axis)
    if isinstance(axis.get("values", axis.get("rows")), list):
        return len(axis.get("values", axis.get("rows")))
    for key in ("linspace", "logspace"):
        if key in axis:
            return int(axis[key][2])
    if "range" in axis:
        bounds = axis["range"]
        start, stop, step = (0, *bounds, 1) if len(bounds) == 1 else (*bounds, 1)[:3]
        return int(max(0, math.ceil((stop - start) / step)))
    return None


def guess_axes(over: Any, parameters: list[str], tasks: int) -> list[Axis] | None:
    """The axes of an output of before, which does not say them: those of a manifest that is read at a glance."""
    if isinstance(over, list):
        entries = [(a.get("name", ""), {k: v for k, v in a.items() if k != "name"}) for a in over]
    else:
        entries = list(over.items())
    axes, left = [], list(parameters)
    for name, axis in entries:
        size = _guess_size(axis)
        own = list(axis["rows"][0]) if isinstance(axis, dict) and axis.get("rows") else [name]
        if size is None or left[: len(own)] != own:
            return None
        axes.append(Axis(tuple(own), size))
        left = left[len(own) :]
    return axes if not left and math.prod(a.size for a in axes) == tasks else None


def _manifest_stage(manifest: dict[str, Any], name: str) -> dict[str, Any]:
    defaults = manifest.get("defaults", {})
    for stage in manifest.get("stages", [manifest]):
        if isinstance(stage, dict) and stage.get("name", name) == name:
            return {**(defaults if isinstance(defaults, dict) else {}), **stage}
    return {}


def _find_axes(group: Any, manifest: dict[str, Any], name: str, parameters: list[str], tasks: int) -> list[Axis] | None:
    if "axes" in group.attrs:
        return _axes(_h5.parsed(_h5.text(group, "axes"), list, f"attribute 'axes' of {group.name}"), parameters, tasks)
    stage = _manifest_stage(manifest, name)
    try:
        return None if "where" in stage else guess_axes(stage.get("over", {}), parameters, tasks)
    except (
        TypeError,
        ValueError,
        LookupError,
        AttributeError,
        OverflowError,
    ):  # with variables, or none that is read so
        return None


def read_stage(file: File, name: str, manifest: dict[str, Any]) -> Stage | None:
    """A stage that has begun; None: that is no stage."""
    with file.open() as root:
        group = _h5.find(root, name)
        status = None if group is None else _h5.table(file, group, "task/status")
        if status is None:
            return None
        tasks = int(_h5.number(group, "tasks", -1))
        if status.shape != (tasks,) or status.dtype.itemsize != 1:
            raise OSError(f"{status.name} has another shape than it must have")
        print_of = _h5.parsed(_h5.text(group, "fingerprint"), dict, f"attribute 'fingerprint' of {group.name}")
        given = _h5.find(group, "params")
        origins = _h5.text(given, "from", "{}") if given is not None else "{}"
        try:
            parameters = _h5.parsed(print_of["parameters"], dict, "its parameters")
            results = _columns(
                _h5.parsed(print_of["results"], list, "its results"), _manifest_stage(manifest, name).get("results")
            )
            axes = _find_axes(group, manifest, name, list(parameters), tasks)
        except (TypeError, ValueError, LookupError) as error:
            raise OSError(f"{group.name} does not say what it has ({error!r})") from None
        return Stage(
            file=file,
            name=name,
            tasks=tasks,
            finished=bool(_h5.number(group, "finished", 0)),
            parameters={str(p): str(t) for p, t in parameters.items()},
            results=results,
            origins=_h5.parsed(origins, dict, f"attribute 'from' of {group.name}/params"),
            axes=axes,
            status=status,
            run=_h5.parsed(_h5.text(group, "run", "{}"), dict, f"attribute 'run' of {group.name}"),
        )


@dataclass
class Contents:
    """An output as a whole."""

    file: File
    name: str
    state: str
    is_whole: bool  # all that belongs to it is in the file
    elapsed: float
    created: str
    runs: list[dict[str, Any]]
    manifest: dict[str, Any]
    stages: list[str]


def open_contents(path: str) -> Contents:
    """Of an output whose campaign is not over what a snapshot says."""
    if is_over(path):
        contents = read_contents(File(path))
        if contents.is_whole:
            return contents
        if is_over(path):  # else a run has begun meanwhile
            ended = "stopped" if contents.state == "stopped" else "interrupted"
            raise Error(
                f"{path}: the last run was {ended}, and its folder {path}.d is missing; "
                "taskfarm MANIFEST --salvage goes on with the rows that are whole",
                id="output-incomplete",
            )
    if not os.path.exists(path):
        raise Error(f"{path}: there is no such output, or nothing in it", id="no-output")
    return read_contents(File(snapshot(path), path))


def read_contents(file: File) -> Contents:
    with file.open() as root:
        if _h5.text(root, "format") != "taskfarm":
            raise Error(f"{file.shown}: is another program's file, or damaged", id="not-an-output")
        version = _h5.number(root, "format_version")
        if version != 1:
            raise Error(f"{file.shown}: is of a later taskfarm (format version {version})", id="newer-output")
        manifest = _h5.parsed(_h5.text(root, "manifest", "{}"), dict, "its manifest")
        listed = [s.get("name") for s in manifest.get("stages", []) if isinstance(s, dict)]
        there = [name for name in root if _h5.find(root, f"{name}/task/status") is not None]
        return Contents(
            file=file,
            name=_h5.text(root, "name"),
            state=_h5.text(root, "snapshot_of") or _h5.text(root, "state", "unknown"),
            is_whole=_h5.text(root, "state") in OVER,
            elapsed=float(_h5.number(root, "elapsed")),
            created=_h5.text(root, "created"),
            runs=_h5.parsed(_h5.text(root, "runs", "[]"), list, "its history"),
            manifest=manifest,
            stages=[n for n in listed if n in there] + [n for n in there if n not in listed],
        )
