"""An output that is looked at: taskfarm.open, its stages, and all that is known of a task."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any

from taskfarm import _contents, _values
from taskfarm._contents import STATUSES, Contents, Stage
from taskfarm._extras import needed
from taskfarm._incidents import incident_lines
from taskfarm._live import is_over

if TYPE_CHECKING:
    import pandas
    import xarray


class TaskView:
    """One task: what it was given, what it gave, what became of it."""

    def __init__(self, view: StageView, index: int) -> None:
        stage = view._stage
        self.stage = stage.name
        self.index = index
        self.status: str = STATUSES[int(stage.status.view()[index])]
        self.attempts = int(self._record(stage, "attempts") or 0)
        self.duration: float | None = self._record(stage, "duration")
        self._view = view

    def _record(self, stage: Stage, name: str) -> Any:
        values = _values.record(stage, name)
        return None if values is None else self._of(values)

    def _of(self, values: _values.Values) -> Any:
        import numpy as np

        found = values.take(np.asarray([self.index]))[0]
        return found.item() if isinstance(found, np.generic) else found

    @cached_property
    def params(self) -> dict[str, Any]:
        """Its parameters; those that are not known are left out."""
        stage = self._view._stage
        whole = _values.Grid(("task",), (stage.tasks,))
        found: dict[str, Any] = {}
        for name in stage.parameters:
            values = _values.parameter(stage, name, self._view._output._stage)
            if values is not None and not values.gaps(whole, (self.index,)):
                found[name] = self._of(values)
        return found

    @cached_property
    def results(self) -> dict[str, Any]:
        """What it gave: nothing, unless it is done. A block of an array is in the stage's dataset."""
        if self.status != "done":
            return {}
        stage = self._view._stage
        values = {name: _values.result(stage, name) for name in stage.results}
        return {name: self._of(its) for name, its in values.items() if its is not None}

    @cached_property
    def record(self) -> dict[str, Any]:
        """What else is recorded: exit_code, signal, worker, slot, start (s since 1970); of commands, which alone are
        measured, cpu (s) and max_rss (bytes)."""
        stage = self._view._stage
        recorded = {name: self._record(stage, name) for name in stage.names("task") if name != "status"}
        if not recorded.get("max_rss"):
            recorded = {name: value for name, value in recorded.items() if name not in ("cpu", "max_rss")}
        return recorded

    @cached_property
    def stdout(self) -> str:
        """What it has printed, as much of it as "capture" keeps."""
        return str(self._of(_values.text(self._view._stage, "stdout")))

    @cached_property
    def stderr(self) -> str:
        return str(self._of(_values.text(self._view._stage, "stderr")))

    @cached_property
    def message(self) -> str:
        """Why it failed; "" if it did not."""
        return str(self._of(_values.text(self._view._stage, "message")))

    @property
    def traceback(self) -> str:
        """The last traceback in what it printed to stderr; "" if there is none."""
        return last_traceback(self.stderr)

    def __repr__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        if self.status == "done":
            told = ", ".join(f"{name}={_short(value)}" for name, value in self.results.items())
        else:
            told = self.message.partition("\n")[0]
        return f"{self.stage}[{self.index}] {self.status}: {given}" + (f" -> {told}" if told else "")


def _short(value: Any) -> str:
    told = f"array of shape {value.shape}" if hasattr(value, "shape") and value.shape else repr(value)
    return told if len(told) <= 60 else f"{told[:57]}..."


CHAINED = ("During handling of the above exception", "The above exception was the direct cause")


def last_traceback(stderr: str) -> str:
    """The last traceback of a text, with the exceptions that led to it."""
    begins = [match.start() for match in re.finditer(r"^Traceback \(most recent call last\):$", stderr, re.MULTILINE)]
    while len(begins) > 1 and any(mark in stderr[begins[-2] : begins[-1]] for mark in CHAINED):
        begins.pop()
    return stderr[begins[-1] :] if begins else ""


class StageView:
    """The tasks of a stage. view[i] is one of them."""

    def __init__(self, output: Output, stage: Stage) -> None:
        self._output = output
        self._stage = stage

    @property
    def name(self) -> str:
        return self._stage.name

    def __len__(self) -> int:
        return self._stage.tasks

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks have each status that any has."""
        return dict(self._stage.counts)

    def to_dataset(self, *, masked: bool = True) -> xarray.Dataset:
        """The results on the grid of the axes, read where they are looked at.

        `masked`: what was never computed is NaN, and so integers and booleans are float64 where there is any; texts
        are None. Else all is as it is stored: 0 and nothing where nothing was computed. Ask `status`.
        """
        with needed("pandas", "xarray"):
            from taskfarm._dataset import dataset

        return dataset(self._stage, self._output._stage, masked=masked, attrs=self._output._attrs(self.name))

    @property
    def dataset(self) -> xarray.Dataset:
        """The results on the grid of the axes; see to_dataset."""
        return self.to_dataset()

    @property
    def frame(self) -> pandas.DataFrame:
        """A row a task: status, parameters, results. Types are pandas's that can say that there is nothing."""
        with needed("pandas"):
            from taskfarm._frame import frame

        return frame(self._stage, self._output._stage)

    @property
    def failed(self) -> pandas.DataFrame:
        """A row a task that failed or took too long: parameters, status, message, attempts, the end of its stderr."""
        with needed("pandas"):
            from taskfarm._frame import failed

        return failed(self._stage, self._output._stage)

    @property
    def reductions(self) -> dict[str, xarray.Dataset]:
        """The stage's reductions, by name, labelled by their groups. There are none before the stage is finished."""
        with needed("xarray"):
            from taskfarm._reductions import Reductions

        return Reductions(self._stage)

    def __getitem__(self, index: int) -> TaskView:
        tasks = len(self)
        index = index.__index__()
        if not -tasks <= index < tasks:
            raise IndexError(f"stage {self.name!r} has {tasks} tasks, and no task {index}")
        return TaskView(self, index % tasks)

    def __repr__(self) -> str:
        return f"{self._output.name}: stage {self.name}: {self._output._told([self._stage])}"

    def _repr_html_(self) -> str:
        from taskfarm._html import page

        return page(self._output, [self._stage])


class Output:
    """An output of taskfarm, whether its campaign is over, was interrupted or goes on.

    A finished one is read here, on any system; of any other the engine makes a snapshot first, which stays as it is
    while the campaign goes on: open it again to see more. Where there is one stage, all that its view has is here, too.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fsdecode(path))
        self._contents: Contents = _contents.open_contents(os.fsdecode(path))
        self._file = self._contents.file
        self._found: dict[str, Stage] = {}

    # ---- What there is ----

    @property
    def name(self) -> str:
        return os.path.basename(self.path)

    @property
    def stages(self) -> list[str]:
        """The names of the stages that have begun, in the order of the manifest."""
        return list(self._contents.stages)

    @property
    def state(self) -> str:
        """ "complete", "failed", "stopped", "interrupted" or "running"."""
        return self._contents.state

    @property
    def elapsed(self) -> float:
        """Seconds that all its runs took together."""
        return self._contents.elapsed

    @property
    def runs(self) -> list[dict[str, Any]]:
        """A dict for each run that has had a part in it: versions, hosts, times, command."""
        return list(self._contents.runs)

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """What has befallen workers: a dict for each time, with "run" (its number), "kind" ("dead", "silent", "sick",
        "slow" or "storage"), "rank", "host", "since", "end" if it was over before the run was, and "text", which says
        it."""
        return [{"run": run.get("run"), **its} for run in self._contents.runs for its in run.get("incidents", [])]

    def _last_incidents(self) -> list[dict[str, Any]]:
        """Those of its last run."""
        runs = self._contents.runs
        return list(runs[-1].get("incidents", [])) if runs else []

    @property
    def manifest(self) -> dict[str, Any]:
        """What describes the campaign, as it was run."""
        return self._contents.manifest

    def report(self, path: str | os.PathLike[str]) -> None:
        """Writes a page that shows all of the campaign; by the engine."""
        from taskfarm._live import report

        report(self.path, os.fspath(path))

    def _is_past(self) -> bool:
        """Would one that is opened now show something else?"""
        return is_over(self.path) if self._file.drop is not None else not self._file.is_same()

    def _stage(self, name: str) -> Stage | None:
        if name not in self._found and name in self._contents.stages:
            stage = _contents.read_stage(self._file, name, self._contents.manifest)
            if stage is not None:
                self._found[name] = stage
        return self._found.get(name)

    def _attrs(self, stage: str) -> dict[str, str]:
        return {"output": self.path, "stage": stage, "state": self.state}

    def __iter__(self) -> Iterator[str]:
        return iter(self.stages)

    def __contains__(self, name: object) -> bool:
        return name in self._contents.stages

    def __getitem__(self, which: Any) -> Any:
        """A stage by its name; or a task of the only stage, by its number."""
        if not isinstance(which, str):
            return self._only[which]
        stage = self._stage(which)
        if stage is None:
            raise KeyError(f"{self.name} has no stage {which!r}; there are {', '.join(self.stages) or 'none'}")
        return StageView(self, stage)

    # ---- The only stage ----

    @property
    def _only(self) -> StageView:
        if len(self.stages) != 1:
            from taskfarm._errors import Error

            there = ", ".join(self.stages) or "none"
            raise Error(f"{self.path}: choose one of its stages by [NAME]; there are {there}", id="unknown-name")
        found: StageView = self[self.stages[0]]
        return found

    def to_dataset(self, *, masked: bool = True) -> xarray.Dataset:
        return self._only.to_dataset(masked=masked)

    @property
    def dataset(self) -> xarray.Dataset:
        return self._only.dataset

    @property
    def frame(self) -> pandas.DataFrame:
        return self._only.frame

    @property
    def failed(self) -> pandas.DataFrame:
        return self._only.failed

    @property
    def reductions(self) -> dict[str, xarray.Dataset]:
        return self._only.reductions

    # ---- Closing ----

    def close(self) -> None:
        """Drops the snapshot, if there is one: what was read of it stays, and no more can be read."""
        if self._file.drop is not None:
            self._file.drop()

    def __enter__(self) -> Output:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # ---- Shown ----

    def _told(self, stages: list[Stage]) -> str:
        """ "148 done, 2 failed": counted, unless there are very many."""
        from taskfarm._html import told

        return told(stages, self.state)

    def _all(self) -> list[Stage]:
        return [stage for name in self.stages if (stage := self._stage(name)) is not None]

    def __repr__(self) -> str:
        from taskfarm._html import line

        return line(self, self._all())

    def _repr_html_(self) -> str:
        return self._page()

    def _page(self, head: str | None = None, notices: Sequence[str] = ()) -> str:
        """`head`: what is said in place of how all of its runs have ended; `notices` stand below it."""
        from taskfarm._html import page

        befallen = incident_lines(self._last_incidents())
        return page(self, self._all(), head, [*notices, *befallen])


def open(path: str | os.PathLike[str]) -> Output:
    """Opens an output to look at its results. Never raises for tasks that failed, or a run that was stopped."""
    return Output(path)
