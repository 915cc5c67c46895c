"""Stages whose function is called for many tasks at once: it gets an array of each parameter's values, and returns an
array for each column, one value a task. The arrays it gets are views of the memory that the host has filled; what it
returns is copied once, into the host's buffer.

A call that raises, or returns what does not fit, ends the frame: nothing of it counts, and its tasks come back one by
one, as arrays of length 1. So only those fail that are to blame."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

try:
    import numpy as np
except ImportError:
    raise ImportError(f"batches are numpy arrays, and {sys.executable} has no numpy") from None

from taskfarm._slot import errors
from taskfarm._slot.batch_results import Rows, store
from taskfarm._slot.errors import Misfit
from taskfarm._slot.frame import Frame
from taskfarm._slot.protocol import CALLING, CALLING_END, ENDED, STARTED, STOP
from taskfarm._slot.streams import task_seed
from taskfarm._slot.task import Scratch

Array = Any  # of numpy

_LINE = 900  # bytes of which half are kept of a longer line


@dataclass(frozen=True, slots=True)
class Batch:
    """What there is to know of the tasks of a batch besides their parameters: `task` of a function that gets arrays."""

    index: Array  # of int64, one a task
    stage: str
    attempt: int  # from 1
    seed: Array  # of uint64: each task's own, the same in every run
    slot: int
    _scratch: Scratch = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.index)

    @property
    def scratch(self) -> str:
        """A fresh folder of this call, which is removed when it has ended."""
        return self._scratch.make(int(self.index[0]))


class BatchFrame(Frame):
    """Rows of a stage that are called a batch at a time."""

    def _find_values(self) -> None:
        stage = self.stage
        makers: dict[str, Callable[[Rows], Any]] = {}
        if stage.wants_rng:
            makers["rng"] = self._rng
        if stage.wants_task:
            makers["task"] = self._task
        for name, value in stage.common.items():
            makers[name] = _always(value)
        for param, offset in zip(stage.params, self.said["params"], strict=True):
            makers[param["name"]] = self._values(param["type"], offset)
        for array, offset in zip(stage.arrays, self.said.get("arrays") or (), strict=True):
            makers[array["name"]] = self._blocks(array, offset)
        self.makers = [makers[name] for name in stage.plan.positional]
        self.makers_by_name = {name: makers[name] for name in stage.plan.named}

    def _values(self, type_name: str, offset: int) -> Callable[[Rows], Array]:
        if type_name == "string":
            decode = self._param(type_name, offset)
            return lambda rows: rows_of_texts(rows, decode)
        cells = np.frombuffer(self.numbers.view, np.dtype(type_name), self.count, offset)
        return lambda rows: rows.of(cells)

    def _blocks(self, said: dict[str, Any], offset: int) -> Callable[[Rows], Array]:
        element, is_text = said["element"], said["type"] == "string"
        dtype = np.dtype(f"S{element}" if said["type"] in ("string", "bytes") else said["type"])
        cells = np.ndarray((self.count, *said["shape"]), dtype, self.buffer.view.toreadonly(), offset)
        return lambda rows: np.char.decode(rows.of(cells), "utf-8", "surrogateescape") if is_text else rows.of(cells)

    def _seeds(self, rows: Rows) -> Array:
        if self.seeds is not None:
            return rows.of(np.frombuffer(self.seeds, np.uint64))
        seeds = [task_seed(self.stage.key, self.first + row) for row in rows.numbers().tolist()]
        return np.array(seeds, np.uint64)

    def _rng(self, rows: Rows) -> Any:
        from taskfarm._slot.batch_streams import BatchGenerator

        return BatchGenerator(self._seeds(rows))

    def _task(self, rows: Rows) -> Batch:
        stage = self.stage
        return Batch(
            index=self.first + rows.numbers(),
            stage=stage.name,
            attempt=self.attempt,
            seed=self._seeds(rows),
            slot=stage.slot.number,
            _scratch=self.scratch,
        )

    # ---- Calls ----

    def run(self) -> int:
        """Runs the frame's rows. Returns how many have ended."""
        self.texts.begin()
        self.control[ENDED] = 0
        size: int = self.said.get("batch") or self.stage.batch
        for first in range(0, self.count, size):
            rows = self._choose(first, min(first + size, self.count))
            if self.control[STOP] or (len(rows) and not self._run_batch(rows)):
                return first
            self.fence()
            self.control[ENDED] = rows.last
        return self.count

    def _choose(self, first: int, last: int) -> Rows:
        apart = None if self.apart is None else np.frombuffer(self.apart, np.uint8)[first:last]
        return Rows(first, last, None if apart is None or not apart.any() else np.flatnonzero(apart == 0))

    def _run_batch(self, rows: Rows) -> bool:
        """Runs a batch. False: it came to nothing, and its tasks are to be called one by one."""
        row = rows.first_number()
        self.control[CALLING_END] = rows.last
        self.control[CALLING] = 1
        began = self.now()
        self.clock[STARTED] = began if self.stage.is_timed else 0.0
        try:
            self._call(rows)
        except BaseException as error:
            self.leave_if_child(error)
            if len(rows) > 1:
                self.texts.begin()  # what it has said is said again
                self.vain = _line(str(error) if isinstance(error, Misfit) else errors.text_of(error))
                return False
            self._fail(row, error)
        if self.pending:
            self.leave_if_child()
        self.control[CALLING] = 0
        self.clock[STARTED] = 0.0
        self._record(rows, began)
        self.remove_scratch()
        self.go_home()
        self.texts.put_back()
        if self.pending or self.has_grown():
            self.write(row)
        return True

    def _call(self, rows: Rows) -> None:
        values = [make(rows) for make in self.makers]
        returned = self.function(*values, **{name: make(rows) for name, make in self.makers_by_name.items()})
        texts = store(self.stage.results, rows, returned)
        if texts:
            self.texts.add_ranges(rows.first_number())
        for row, column, content in texts:
            self.texts.add(row, column, content)

    def _fail(self, row: int, error: BaseException) -> None:
        if isinstance(error, Misfit):
            self.texts.fail(row, errors.cut(str(error), self.stage.message_bytes))
        else:
            self.failed(row, error)

    def _record(self, rows: Rows, began: float) -> None:
        """Each task's time is its share of the call's."""
        if self.starts is None or self.durations is None:
            return
        numbers = rows.numbers()
        np.frombuffer(self.starts)[numbers] = self.epoch + began
        np.frombuffer(self.durations)[numbers] = (self.now() - began) / len(rows)


def _line(text: str) -> str:
    """The first line, or the beginning of one that is long."""
    return errors.cut(text.partition("\n")[0], _LINE).decode().partition("\n")[0]


def rows_of_texts(rows: Rows, decode: Callable[[int, int], Any]) -> Array:
    """An array of objects: numpy's own strings would all be as long as the longest."""
    texts = np.empty(rows.last - rows.first, object)
    texts[:] = decode(rows.first, rows.last)
    return texts if rows.chosen is None else texts[rows.chosen]


def _always(value: Any) -> Callable[[Rows], Any]:
    return lambda rows: value
