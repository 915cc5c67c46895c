"""The rows of a frame, which a stage's function is called for one after the other."""

import time
from array import array
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from taskfarm._slot import errors
from taskfarm._slot.columns import integers
from taskfarm._slot.errors import Misfit
from taskfarm._slot.load import FOLDERS
from taskfarm._slot.loop import Loop, Shape, loop_of
from taskfarm._slot.memory import FORMATS, IS_ORDERED, Cells, fence
from taskfarm._slot.protocol import ENDED, STARTED, STOP
from taskfarm._slot.streams import task_seed
from taskfarm._slot.task import Scratch, Task

if TYPE_CHECKING:
    from taskfarm._slot.stage import Stage

_SHORT = 10e-6  # seconds: of tasks that take less, descriptors are looked at every STRIDE rows
_STRIDE = 64


def _copied(paths: Any) -> Any:
    """Paths, in a list or by names, of a task that may change them: the next one's are the same."""
    return {name: list(some) for name, some in paths.items()} if isinstance(paths, dict) else list(paths)


class Frame:
    """Rows of a stage that are called one after the other. Its attributes are what the generated loop takes."""

    def __init__(self, stage: "Stage", said: dict[str, Any]) -> None:
        slot = stage.slot
        self.stage = stage
        self.vain = ""  # why a call of several rows came to nothing
        self.first: int = said["first"]
        self.count: int = said["count"]
        self.attempt: int = said["attempt"]
        self.said = said
        self.frame = slot.frame
        self.numbers = slot.values
        self.buffer = slot.buffers[said["buffer"]]
        self.texts = slot.texts
        self.function = stage.function
        self.control = slot.control
        self.clock = slot.clock
        self.pending = slot.texts.pending
        self.leave_if_child = slot.texts.leave_if_child
        self.write = slot.texts.write
        self.has_grown = slot.texts.has_grown
        self.go_home = FOLDERS.go_home
        self.globals = slot.globals
        self.seeders = slot.globals.seeders
        self.integers = integers()
        self.fence = fence
        self.now = time.monotonic
        self.epoch = time.time() - time.monotonic()
        self.scratch = Scratch()
        self.readers: list[Callable[[int], bool]] = []  # of blocks that this process reads itself
        self.is_unread = False  # those of the row under way could not be read
        self.scratch.prefix = said.get("scratch")
        self.remove_scratch = self.scratch.remove
        self._find_columns()
        self._find_values()

    # ---- Where everything is ----

    def _in_frame(self, type_name: str, offset: int | None, count: int) -> Cells | None:
        return None if offset is None or offset < 0 else self.frame.cells(type_name, offset, count)

    def _in_buffer(self, type_name: str, offset: int | None) -> Cells | None:
        return None if offset is None or offset < 0 else self.buffer.cells(type_name, offset, self.count)

    def _find_columns(self) -> None:
        said, count = self.said, self.count
        self.starts = self._in_buffer("float64", said.get("start"))
        self.durations = self._in_buffer("float64", said.get("duration"))
        self.apart = self._in_buffer("uint8", said.get("apart"))
        self.seeds = self._in_frame("uint64", said.get("seeds"), count)
        counts = said.get("column_counts") or [-1] * len(self.stage.columns)
        for column, offset, where in zip(self.stage.columns, said["columns"], counts, strict=True):
            column.bind(self.buffer, offset, count, self._in_frame("int64", where, count * len(column.shape)))
        self.cells = [getattr(column, "cells", None) for column in self.stage.columns]

    def _find_values(self) -> None:
        """For each argument what makes it: a function of the row, or one that lists those of rows first .. last - 1."""
        stage = self.stage
        makers: dict[str, Callable[..., Any]] = {}
        if stage.wants_rng:
            makers["rng"] = self.make_rng
            self.keys = self.stage.keys_of(self.seeds) if self.seeds is not None else None
        if stage.wants_task:
            makers["task"] = self.make_task
        self.made = set(makers)
        for name, value in stage.common.items():
            makers[name] = lambda first, last, value=value: [value] * (last - first)
        for param, offset in zip(stage.params, self.said["params"], strict=True):
            makers[param["name"]] = self._param(param["type"], offset)
        counts = self.said.get("array_counts") or [-1] * len(stage.arrays)
        origins = self.said.get("array_origins") or [-1] * len(stage.arrays)
        places = zip(self.said.get("arrays") or (), counts, origins, strict=True)
        for number, (block, (offset, where, origin)) in enumerate(zip(stage.arrays, places, strict=True)):
            if block["name"] in stage.plan.names:
                makers[block["name"]] = self._array(number, offset, where, origin)
                self.made.add(block["name"])
        self.values = [makers[name] for name in stage.plan.names]

    def _param(self, type_name: str, offset: int) -> Callable[[int, int], Sequence[Any]]:
        if type_name != "string":
            cells = self.numbers.cells(type_name, offset, self.count)
            return lambda first, last: cells[first:last].tolist()
        ends = self.frame.cells("int64", offset, self.count + 1).tolist()
        start = offset + 8 * (self.count + 1)
        content = bytes(self.frame.view[start : start + ends[-1]])
        return lambda first, last: [
            content[ends[row] : ends[row + 1]].decode(errors="surrogateescape") for row in range(first, last)
        ]

    def _array(self, number: int, offset: int, where: int, origin: int) -> Callable[[int], Any]:
        said = self.stage.arrays[number]
        shape = tuple(said["shape"])
        counts = self._in_frame("int64", where, self.count * len(shape))
        origins = self._in_frame("int64", origin, self.count * len(shape))
        if origins is not None:
            assert counts is not None
            self.readers.append(
                self.stage.reader(number, self.buffer.view[offset : offset + said["bytes"]], counts, origins)
            )
        is_read = origins is not None
        return self.stage.blocks(said["type"], said["element"], shape, self.buffer, offset, counts, is_read).of_row

    # ---- What the loop calls ----

    def seed_of(self, row: int) -> int:
        """The seed of a row's task."""
        return self.seeds[row] if self.seeds is not None else task_seed(self.stage.key, self.first + row)

    def seed(self, row: int) -> None:
        """Seeds the global generators."""
        self.globals.seed(self.seed_of(row))

    def read_blocks(self, row: int) -> bool:
        """Reads the row's blocks. False: they can't be read here."""
        for read in self.readers:
            if not read(row):
                self.is_unread = True
                return False
        return True

    def make_rng(self, row: int) -> Any:
        """The row's `rng`."""
        return self.stage.generators.make(self.seed_of(row), self.keys.of(row) if self.keys else None)

    def make_task(self, row: int) -> Task:
        """The row's `task`."""
        said = self.said
        return Task(
            index=self.first + row,
            stage=self.stage.name,
            attempt=self.attempt,
            seed=self.seed_of(row),
            slot=self.stage.slot.number,
            inputs=_copied(said.get("inputs") or []),
            outputs=_copied(said.get("outputs") or []),
            _scratch=self.scratch,
        )

    def settle(self, row: int, returned: Any) -> None:
        """Stores what a function has returned, or fails the row."""
        try:
            texts = self.stage.results.store(row, returned)
        except Misfit as error:
            self.texts.fail(row, errors.cut(str(error), self.stage.message_bytes))
        except Exception as error:  # an object of the user's that can't be read
            self.failed(row, error)
        else:
            for column, content in texts:
                self.texts.add(row, column, content)

    def failed(self, row: int, error: BaseException) -> None:
        """Fails the row by what its function has raised."""
        self.leave_if_child(error)
        message = errors.cut(errors.text_of(error), self.stage.message_bytes)
        trace = errors.cut(errors.traceback_of(error), self.stage.trace_bytes)
        self.texts.fail(row, message, trace)

    def write_briefly(self, row: int) -> None:
        """Ends a row that is not watched, and that has something pending: it has said something, or gone elsewhere."""
        self.go_home()
        self.texts.write_briefly(row)

    # ---- The rows ----

    def _loop(self, is_watched: bool, is_recorded: bool) -> Loop:
        """The loop for such a frame of the stage."""
        stage = self.stage
        key = (is_watched, is_recorded, self.apart is not None, bool(self.readers))
        loop = stage.loops.get(key)
        if loop is None:
            loop = stage.loops[key] = loop_of(self._shape(*key))
        return loop

    def _shape(self, is_watched: bool, is_recorded: bool, has_apart: bool, reads_blocks: bool) -> Shape:
        stage = self.stage
        plain = all(column.type in FORMATS and not column.shape and not column.optional for column in stage.columns)
        return Shape(
            positional=stage.plan.positional,
            named=stage.plan.named,
            made=frozenset(self.made & set(stage.plan.names)),
            columns=tuple((column.name, column.type) for column in stage.columns) if plain else None,
            is_timed=stage.is_timed,
            is_recorded=is_recorded,
            is_seeded=stage.has_seeded_globals,
            has_scratch=stage.wants_task,
            is_watched=is_watched,
            has_apart=has_apart,
            reads_blocks=reads_blocks,
            is_fenced=not IS_ORDERED,
        )

    def run(self) -> int:
        """Runs the frame's rows. Returns how many have ended."""
        self.texts.begin()
        self.control[ENDED] = 0
        if self.stage.has_seeded_globals:
            self.globals.current_seed = lambda: self.seed_of(self.control[ENDED])
        try:
            return self._run()
        finally:
            self.globals.current_seed = None

    def _run(self) -> int:
        """A stride after the other. After each row it is looked what the task has written to descriptors, and how long
        it took, unless those of the last stride were short and wrote nothing: then at the end of the stride. What was
        written is the last row's then, and each took its share of the time."""
        row = 0
        began = self.now()
        while row < self.count and not self.control[STOP] and not self.is_unread:
            first, last, is_short = row, min(row + _STRIDE, self.count), self.stage.is_short
            shares = is_short and self.starts is not None and self.apart is None and not self.stage.is_timed
            if shares:  # if the process ends among them, these stand
                self._share_time(first, last, began, self.stage.share)
            row = self._run_stride(first, last, not is_short, self.starts is not None and not shares)
            if is_short:
                self.go_home()
                if self.has_grown():
                    self.write(row - 1)
            self.clock[STARTED] = 0.0
            now = self.now()
            self.stage.share = (now - began) / max(row - first, 1)
            if shares:
                self._share_time(first, row, began, self.stage.share)
            self.fence()
            self.control[ENDED] = row
            self.stage.is_short = self.stage.share < _SHORT and not self.texts.has_said
            self.texts.has_said = False
            began = now
        return row

    def _share_time(self, first: int, last: int, began: float, share: float) -> None:
        """Stores the same start and duration for rows first .. last - 1."""
        assert self.starts is not None
        assert self.durations is not None
        self.starts[first:last] = array("d", [self.epoch + began]) * (last - first)
        self.durations[first:last] = array("d", [share]) * (last - first)

    def _run_stride(self, first: int, last: int, is_watched: bool, is_recorded: bool) -> int:
        try:
            return self._loop(is_watched, is_recorded)(self, first, last)
        except BaseException as error:  # a signal's exception, between two calls
            row: int = self.control[ENDED]
            self.failed(row, error)
            self.write(row)
            return row + 1
