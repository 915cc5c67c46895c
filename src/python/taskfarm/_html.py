"""How an output is shown: a line, or in a notebook two small tables. Nothing is read whole for that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from taskfarm import _values
from taskfarm._contents import FAILED, STATUSES, TIMEOUT, Stage

if TYPE_CHECKING:
    from taskfarm._output import Output

MOST_COUNTED = 10**7  # tasks whose statuses are counted to be shown
MOST_FAILURES = 1000  # whose messages are read for it
MOST_MESSAGES = 10
MOST_STAGES = 50


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def counted(stages: list[Stage]) -> dict[str, int] | None:
    """Tasks by status; None: there are too many to be counted for that."""
    if sum(stage.tasks for stage in stages) > MOST_COUNTED:
        return None
    total: Counter[str] = Counter()
    for stage in stages:
        total.update(stage.counts)
    return {name: total[name] for name in ("done", *STATUSES) if total[name]}


def told(stages: list[Stage], state: str) -> str:
    """ "148 done, 2 failed"."""
    counts = counted(stages)
    if counts is None:
        return f"{sum(stage.tasks for stage in stages)} tasks, {state}"
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no tasks"


def line(output: Output, stages: list[Stage]) -> str:
    """transit.h5: 150 done in 0.4 s"""
    many = f"{len(stages)} stages, " if len(stages) != 1 else ""
    state = "" if output.state in ("complete", "failed") else f"{output.state}: "
    when = f" in {_duration(output.elapsed)}" if not state else ""
    return f"{output.name}: {state}{many}{told(stages, output.state)}{when}"


# ---- For notebooks ----


def _row(cells: list[str], tag: str = "td") -> str:
    return "<tr>" + "".join(f"<{tag} style='text-align: left'>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "<table>" + _row(head, "th") + "".join(map(_row, rows)) + "</table>"


def _stages_table(stages: list[Stage]) -> str:
    counts = {stage.name: counted([stage]) for stage in stages}
    names = [n for n in ("done", *STATUSES) if any(c and n in c for c in counts.values())]
    names = list(dict.fromkeys(names))
    rows = []
    for stage in stages[:MOST_STAGES]:
        its = counts[stage.name]
        rows.append([stage.name, str(stage.tasks), *("" if its is None else str(its.get(n, 0)) for n in names)])
    if len(stages) > MOST_STAGES:
        rows.append([f"and {len(stages) - MOST_STAGES} more", *[""] * (1 + len(names))])
    return _table(["stage", "tasks", *names], rows)


def _failures(stage: Stage) -> list[tuple[str, int, int]]:
    """Messages that differ in numbers alone are one: how often, and the first task."""
    if not any(name in stage.counts for name in ("failed", "timeout")):
        return []
    rows = []
    for task in stage.with_status(FAILED, TIMEOUT):
        rows.append(task)
        if len(rows) == MOST_FAILURES:
            break
    tally: dict[str, tuple[str, int, int]] = {}
    messages = _values.text(stage, "message").take(np.asarray(rows))
    for task, message in zip(rows, messages.tolist(), strict=True):
        kind = re.sub(r"\d+", "0", message)
        first, count, at = tally.get(kind, (message, 0, task))
        tally[kind] = (first, count + 1, at)
    return sorted(tally.values(), key=lambda entry: -entry[1])


def _failures_table(stages: list[Stage]) -> str:
    rows = []
    for stage in stages[:MOST_STAGES]:
        for message, count, task in _failures(stage)[:MOST_MESSAGES]:
            text = message if len(message) <= 300 else f"{message[:297]}..."
            text += " (and alike)" if count > 1 and re.search(r"\d", message) else ""
            rows.append([str(count), text, f"{stage.name}[{task}]"])
    return _table(["failures", "message", "first"], rows) if rows else ""


def page(output: Output, stages: list[Stage], head: str | None = None, notices: Sequence[str] = ()) -> str:
    """The status of tasks, and failures by message; all texts escaped. `head`: what is said in place of the line;
    `notices`: below it."""
    few = sum(stage.tasks for stage in stages) <= MOST_COUNTED
    failures = _failures_table(stages) if few else ""
    said = [line(output, stages) if head is None else head, *notices]
    lines = "".join(f"<p>{escape(text)}</p>" for text in said)
    return f"<div>{lines}{_stages_table(stages)}{failures}</div>"
