"""A stage in a slot's process: its function, and what that is called with."""

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from taskfarm._slot.columns import column_of
from taskfarm._slot.frame import Frame
from taskfarm._slot.load import FOLDERS, load_function, load_init
from taskfarm._slot.loop import Loop
from taskfarm._slot.memory import Cells
from taskfarm._slot.plan import OFFERED, bind
from taskfarm._slot.protocol import ENDED
from taskfarm._slot.results import Results
from taskfarm._slot.streams import GLOBALS

if TYPE_CHECKING:
    from taskfarm._slot.block_files import BlockFile
    from taskfarm._slot.slot import Slot


@contextlib.contextmanager
def _loading(said: dict[str, Any]) -> Iterator[None]:
    """While modules of the user's are imported, or init runs: what they draw is the same in every process, and where
    they leave it makes no difference."""
    key = int(said.get("loading") or "0", 16)
    try:
        with GLOBALS.loading(key) if said.get("seed_globals", True) else contextlib.nullcontext():
            yield
    finally:
        FOLDERS.go_home()


def import_stage(said: dict[str, Any]) -> Callable[..., Any]:
    """Imports what a stage preloads, and its function. Raises what the imports raise."""
    FOLDERS.work = said.get("workdir") or ""
    with _loading(said):
        for name in said.get("preload") or ():
            importlib.import_module(name)
        return load_function(said["file"], said["module"], said["function"])


class Stage:
    """A stage that this process can run tasks of. Making one imports its module and calls its init; raises what they
    raise, and PlanError."""

    def __init__(self, said: dict[str, Any], slot: "Slot") -> None:
        self.said = said
        self.number: int = said["number"]
        self.name: str = said["name"]
        self.slot = slot
        self.batch: int = said.get("batch") or 0
        self.params: list[dict[str, Any]] = said.get("params") or []
        self.arrays: list[dict[str, Any]] = said.get("arrays") or []
        self.columns = [column_of(i, column) for i, column in enumerate(said.get("columns") or ())]
        self.results = Results(self.columns)
        self.message_bytes: int = said.get("message_bytes") or 16384
        self.trace_bytes: int = 65536
        self.is_timed = bool(said.get("timeout"))
        self.key = int(said.get("stream") or "0", 16)
        self.has_seeded_globals = bool(said.get("seed_globals", True)) and not self.batch
        self.function = import_stage(said)
        if said.get("init"):
            with _loading(said):
                load_init(said["init"], said["file"], said["module"])()
        self._plan(said.get("common") or {})
        self.frame: type[Frame] = Frame
        if self.batch:
            from taskfarm._slot.batch import BatchFrame

            self.frame = BatchFrame
        self.first = None
        if said.get("first"):
            from taskfarm._slot.first import First

            self.first = First(FOLDERS.at(said["first"]), bool(self.batch))
            self.own_function = self.function
        self.files: dict[int, BlockFile] = {}  # by the numbers of arrays
        self.loops: dict[tuple[bool, bool, bool, bool], Loop] = {}  # Frame's
        self.is_short = False  # the tasks that ran last were
        self.share = 0.0  # seconds that each of them took

    def _plan(self, common: dict[str, str]) -> None:
        implied = {p["name"] for p in self.params if p.get("implied")}
        given = [p["name"] for p in [*self.params, *self.arrays]]
        offered = [name for name in (*OFFERED, *common) if name not in given]
        needed = [name for name in given if name not in implied]
        self.plan = bind(self.function, needed, implied, offered)
        asked = set(self.plan.names)
        self.wants_rng = "rng" in asked and "rng" not in given and "rng" not in common
        self.wants_task = "task" in asked and "task" not in given and "task" not in common
        self.common: dict[str, Any] = {}
        for name, path in common.items():
            if name in asked:
                from taskfarm._slot.common import load_common

                self.common[name] = load_common(name, path)
        if any(array["name"] in asked for array in self.arrays):
            from taskfarm._slot.blocks import Blocks

            self.blocks = Blocks
        if self.wants_rng:
            from taskfarm._slot.generators import Generators, Keys

            self.generators = Generators()
            self.keys_of = Keys

    @property
    def wants_seeds(self) -> bool:
        """Is it worth while to send the column of seeds?"""
        return self.wants_rng or self.wants_task or bool(self.has_seeded_globals and self.slot.globals.seeders)

    def draws(self) -> dict[str, Any]:
        """What its function draws from that is not its task's own."""
        if "random" not in sys.modules and "numpy.random" not in sys.modules:
            return {}
        from taskfarm._slot.shared_random import draws_of

        draws = draws_of(self.function, self.batch, bool(self.said.get("seed_globals", True)))
        return {name: found for name, found in draws.items() if found}

    def begin(self, said: dict[str, Any]) -> Frame:
        """A frame, whose rows are to be run next."""
        if self.slot.current is not self:
            self.slot.current = self
            enter(self.said)
        if self.first is not None:
            self._take_first(said["first"], said["count"])
        return self.frame(self, said)

    def read_from(self, said: dict[str, Any], fd: int) -> None:
        """From now on tasks' blocks of an array are read from this file, which becomes the stage's."""
        from taskfarm._slot.block_files import BlockFile

        number = said["array"]
        if number in self.files:
            self.files[number].close()
        self.files[number] = BlockFile(fd, said["offset"], said["whole"], said["type"], self.arrays[number]["type"])

    def reader(self, number: int, block: Cells, shapes: Cells, origins: Cells) -> Callable[[int], bool]:
        """What reads the blocks of a frame's rows."""
        from taskfarm._slot.block_files import reader

        return reader(self.files[number], block, shapes, origins)

    def _take_first(self, first: int, count: int) -> None:
        """In a frame that has the task which told the types, its value is what was recorded."""
        assert self.first is not None
        concerned = self.first.concerns(first, count)
        control = self.slot.control
        self.function = (
            self.first.around(self.own_function, lambda: first + int(control[ENDED]))
            if concerned
            else self.own_function
        )


def enter(said: dict[str, Any]) -> None:
    """What the environment of a stage's process says of the stage."""
    os.environ["TASKFARM_STAGE"] = said["name"]
    sys.argv[:] = [said.get("target") or said["function"]]
