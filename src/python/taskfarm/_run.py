"""A run of `map`: how it is started, what has become of it, and its results, which taskfarm._output reads."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from taskfarm._errors import EngineError, Error
from taskfarm._extras import needed
from taskfarm._folder import Folder
from taskfarm._incidents import incident_lines
from taskfarm._live import last_incidents
from taskfarm._process import birth_of, end_detached, event_of, pause, signal_for, stop_detached
from taskfarm._progress import count, rate_text, span

if TYPE_CHECKING:
    import pandas
    import xarray

    from taskfarm._output import Output, TaskView

_LOOK = 1.0  # s between looks at what a detached engine has said
_TAIL = 2**20  # bytes of that, in which its last event is

_STATES = {0: "complete", 1: "failed", 75: "stopped"}


@dataclass
class Outcome:
    """How a run has ended: the engine's exit status, and what its last event says."""

    status: int
    end: Mapping[str, Any] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """ "complete", "failed" or "stopped"."""
        return _STATES.get(self.status, "failed")

    @property
    def is_told(self) -> bool:
        """Has the engine itself said that the run is over? A launcher has exit statuses of its own."""
        return self.status in (0, 1, 75) and self.end.get("event") == "end"

    def told(self, name: str) -> str:
        """transit.h5: 150 done, 2 failed in 0.4 s (375/s)"""
        end = self.end
        parts = [f"{count(end.get('done', 0))} done"]
        for key in ("failed", "skipped"):
            if end.get(key):
                parts.append(f"{count(end[key])} {key}")
        if end.get("excluded"):
            parts.append(f"{count(end['excluded'])} left out by where")
        if end.get("left"):
            parts.append(f"{count(end['left'])} left" if self.status == 75 else f"{count(end['left'])} not run")
        ran = end.get("done", 0) + end.get("failed", 0) - end.get("reused", 0)
        elapsed = end.get("elapsed", 0.0)
        text = f"{name}: {', '.join(parts)}"
        if end.get("reused") and ran > 0:
            text += f", {count(end['reused'])} of them before; the rest"
        if ran > 0 and elapsed > 0:
            text += f" in {span(elapsed)} ({rate_text(ran / elapsed)})"
        return text

    def notices(self) -> list[str]:
        """What was counted: stage "s": 12 of 40 batches failed and were run task by task: ..."""
        return [f'stage "{n["stage"]}": {n["text"]}' for n in self.end.get("notices", []) if "count" in n]

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """What has befallen its workers."""
        return list(self.end.get("incidents", []))

    def failures(self) -> list[str]:
        """Why tasks failed, by message, the most frequent first. Messages that differ in numbers alone count as one."""
        lines = []
        for group in self.end.get("failures", []):
            tasks = group.get("tasks", [])
            more = ", ..." if group["count"] > len(tasks) else ""
            message = str(group["message"]).splitlines()[0] if group.get("message") else ""
            alike = " (and alike)" if group["count"] > 1 and any(letter.isdigit() for letter in message) else ""
            which = ", ".join(f"[{task}]" for task in tasks)
            lines.append(f"{count(group['count'])} failed: {message}{alike}: {which}{more}")
        return lines


class Run:
    """What `map` returns: how a run stands, and its results.

    `state` is "running", "complete", "failed" (some tasks failed) or "stopped". `dataset`, `frame`, `failed`,
    `reductions` and `run[i]`, one task, are read from the output, `path`.
    """

    def __init__(
        self, path: str, again: Callable[[Any], Run], outcome: Outcome | None, folder: Folder | None = None
    ) -> None:
        self.path = path
        self._again = again
        self._outcome = outcome
        self._folder = folder  # of one that goes on by itself
        self._output: Output | None = None
        self._told_end = 0.0  # when the engine was found to have said that the run is over; 0: it was not
        self._looked = 0.0  # when that was asked last

    # ---- How it stands ----

    @property
    def state(self) -> str:
        """ "running", "complete", "failed" or "stopped"."""
        self._settle()
        return self._outcome.state if self._outcome else "running"

    def _settle(self) -> None:
        """Takes over what a detached engine has left, if it has ended."""
        folder = self._folder
        if folder is None:
            return
        if folder.is_busy():
            self._hurry(folder)
            return
        self._folder = None
        self._output = None  # a snapshot of what stood there while it ran
        self._outcome = outcome_of(folder) or self._read_outcome()
        if self._outcome.status in (0, 1):
            folder.remove()
        else:
            folder.close()

    def _read_outcome(self) -> Outcome:
        """Where nobody else knows: as the output has it."""
        try:
            state = self._open().state
        except (Error, ImportError, OSError):
            state = "stopped"
        return Outcome({"complete": 0, "failed": 1}.get(state, 75))

    @property
    def outcome(self) -> Outcome:
        """How it has ended."""
        self.wait()
        assert self._outcome is not None
        return self._outcome

    @property
    def incidents(self) -> list[dict[str, Any]]:
        """What has befallen the workers of the run so far: a dict for each time, with "kind" ("dead", "silent", "sick",
        "slow" or "storage"), "rank", "host", "since", "end" if it was over before the run was, and "text", which says
        it."""
        self._settle()
        if self._outcome is not None and "incidents" in self._outcome.end:
            return self._outcome.incidents
        is_new = self._folder is not None and not os.path.exists(self.path)
        return [] if is_new else last_incidents(self.path)

    def wait(self) -> Run:
        """Waits for a detached run. Never raises for what has become of it."""
        while self._folder is not None:
            self._settle()
            if self._folder is not None:
                pause(0.05)
        return self

    def _hurry(self, folder: Folder) -> None:
        """Ends a launcher of this machine that does not return when its run is over."""
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        self._told_end = self._told_end or (now if outcome_of(folder) else 0.0)
        number = signal_for(self._told_end) if self._told_end else 0
        noted = folder.read("engine.json") if number else {}
        if noted.get("host") == os.uname().nodename:
            end_detached(int(noted.get("pid", 0)), str(noted.get("birth", "")), number)

    def stop(self) -> Run:
        """Stops a detached run in good order, and waits for its end."""
        if self._folder is not None and self._folder.is_busy():
            noted = self._folder.read("engine.json")
            if noted.get("host") not in (None, os.uname().nodename):
                raise EngineError(f"{self.path}: its engine runs on {noted['host']}: stop it from there", id="usage")
            stop_detached(int(noted.get("pid", 0)), str(noted.get("birth", "")))
        return self.wait()

    def retry(self, function: Any = None) -> Run:
        """Runs the failed tasks again, with the function as it is now, and what is not done yet. Returns this handle,
        which shows how that has ended."""
        if self.state == "running":
            raise EngineError(f"{self.path}: is running: wait() or stop() first", id="output-in-use")
        new = self._again(function)
        self._again, self._outcome, self._folder, self._output = new._again, new._outcome, new._folder, None
        self._told_end = 0.0
        return self

    # ---- What it gave ----

    def _open(self, *libraries: str) -> Output:
        """The output; `libraries` are wanted besides, for what is to be read of it."""
        with needed("h5py", "numpy", *libraries):
            from taskfarm._output import Output

        self._settle()
        if self._output is None or self._folder is not None or self._output._is_past():
            self._output = Output(self.path)
        return self._output

    @property
    def dataset(self) -> xarray.Dataset:
        """The results on the grid of the axes."""
        return self._open("pandas", "xarray").dataset

    def to_dataset(self, *, masked: bool = True) -> xarray.Dataset:
        """The same; with masked=False integers of rows that are not done are as they stand in the file."""
        return self._open("pandas", "xarray").to_dataset(masked=masked)

    @property
    def frame(self) -> pandas.DataFrame:
        """The tasks as a table: parameters, results, status."""
        return self._open("pandas").frame

    @property
    def failed(self) -> pandas.DataFrame:
        """The tasks that failed: parameters, message."""
        return self._open("pandas").failed

    @property
    def reductions(self) -> dict[str, xarray.Dataset]:
        """The stage's reductions by name, each labelled by its groups."""
        return self._open("xarray").reductions

    def __getitem__(self, index: int) -> TaskView:
        view: TaskView = self._open()[index]
        return view

    def __repr__(self) -> str:
        name = os.path.basename(self.path)
        if self.state == "running" or self._outcome is None:
            return f"{name}: running"
        if not self._outcome.end:
            return f"{name}: {self._outcome.state}"
        told = [self._outcome.told(name), *self._outcome.failures(), *self._outcome.notices()]
        return "\n".join([*told, *incident_lines(self._outcome.incidents)])

    def _repr_html_(self) -> str | None:
        if self.state == "running":
            return None
        try:
            name, outcome = os.path.basename(self.path), self._outcome
            if outcome is None or not outcome.end:
                return self._open()._page()
            return self._open()._page(outcome.told(name), outcome.notices())
        except (Error, ImportError, OSError):
            return None


def outcome_of(folder: Folder) -> Outcome | None:
    """What a detached engine has said last; None: nothing is known of it."""
    try:
        with open(folder.file("engine.events"), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read().decode(errors="replace").split("\n")
            said = [event for event in map(event_of, lines) if event]
    except OSError:
        said = []
    if said and said[-1]["event"] == "end":
        return Outcome(int(said[-1].get("status", 3)), said[-1])
    return None


def note(pid: int, identity: str, detached: bool) -> dict[str, Any]:
    """What a run's folder says of the engine at work."""
    birth = birth_of(pid)
    return {"pid": pid, "birth": birth, "host": os.uname().nodename, "detached": detached, "identity": identity}
