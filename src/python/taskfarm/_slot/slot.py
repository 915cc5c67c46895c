"""A slot's process: it answers the host's packets until the host is gone."""

import os
import sys
from typing import Any

from taskfarm._slot import errors
from taskfarm._slot.link import Gone, Link
from taskfarm._slot.memory import Cells, Memory
from taskfarm._slot.protocol import BEGUN, CONTROL_BYTES, LOADING
from taskfarm._slot.stage import Stage, enter
from taskfarm._slot.streams import GLOBALS
from taskfarm._slot.texts import Texts
from taskfarm._version import PROTOCOL, __version__

_WHY = 900  # bytes that are said of a stage that can't be run


class Slot:
    """The process's own state, and its stages, frames' memory and buffers."""

    frame: Memory
    values: Memory  # of parameters that are numbers
    control: Cells  # of int64
    clock: Cells  # the same of float64

    def __init__(self, link: Link) -> None:
        self.link = link
        self.number = 0
        self.texts = Texts()
        self.globals = GLOBALS
        self.buffers: dict[int, Memory] = {}
        self.stages: dict[int, Stage] = {}
        self.current: Stage | None = None  # that ran last

    def serve(self) -> None:
        """Answers packets until the host is gone. Raises OSError if it goes in the middle of an answer."""
        answers = {
            "hello": self._hello,
            "stage": self._stage,
            "buffer": self._buffer,
            "blocks": self._blocks,
            "frame": self._frame,
        }
        while True:
            try:
                message, descriptors = self.link.receive()
            except Gone:
                return
            what = next((name for name in answers if name in message), None)
            answer = answers[what](message, descriptors) if what else {"error": f"no packet: {str(message)[:80]}"}
            if answer is not None:
                self.link.send(answer)

    def _hello(self, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        said = message["hello"]
        package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        if said["protocol"] != PROTOCOL:
            return {
                "error": f"the engine {said['engine']} has protocol {said['protocol']} with Python slots, and its "
                f"package {package} ({__version__}) protocol {PROTOCOL}; install both of one version"
            }
        self.number = said["slot"]
        out, err, texts, frame, values = descriptors
        self.frame = Memory(frame, os.fstat(frame).st_size)
        self.values = Memory(values, os.fstat(values).st_size, is_read_only=True)
        self.control = self.frame.cells("int64", 0, CONTROL_BYTES // 8)
        self.clock = self.frame.cells("float64", 0, CONTROL_BYTES // 8)
        self.texts.open(out, err, texts)
        self.texts.watch_forks(self.link.close)
        self.texts.watch_folder()
        version = ".".join(map(str, sys.version_info[:3]))
        return {"hello": {"protocol": PROTOCOL, "pid": os.getpid(), "python": version, "executable": sys.executable}}

    def _stage(self, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        said = message["stage"]
        number = said["number"]
        self.control[LOADING] = number + 1
        try:
            self.current = None
            enter(said)
            stage = self.stages[number] = Stage(said, self)
        except BaseException as error:
            self.texts.leave_if_child(error)
            return {"stage": number, "failed": _why(error)}
        finally:
            self.control[LOADING] = 0
        self.texts.leave_if_child()
        return {"stage": number, "seeds": stage.wants_seeds, **stage.draws()}

    def _buffer(self, message: dict[str, Any], descriptors: list[int]) -> None:
        old = self.buffers.pop(message["buffer"], None)
        if old is not None:
            old.close()
        self.buffers[message["buffer"]] = Memory(descriptors[0], message["size"])

    def _blocks(self, message: dict[str, Any], descriptors: list[int]) -> None:
        said = message["blocks"]
        self.stages[said["stage"]].read_from(said, descriptors[0])

    def _frame(self, message: dict[str, Any], descriptors: list[int]) -> dict[str, Any]:
        said = message["frame"]
        self.control[BEGUN] = 1
        self.frame.grow(said.get("size") or 0)
        stage = self.stages[said["stage"]]
        frame = stage.begin(said)
        answer: dict[str, Any] = {"frame": frame.run(), "seeds": stage.wants_seeds}
        if frame.vain:
            answer["vain"] = frame.vain
        if frame.is_unread:
            answer["unread"] = True
        return answer


def _why(error: BaseException) -> str:
    """Why a stage can't be run: what was raised, and the last lines of the traceback."""
    text = str(error) if isinstance(error, errors.Refusal) else errors.text_of(error)
    kept = [errors.cut(text, _WHY // 2).decode()]
    lines = []
    if errors.user_frames(error.__traceback__) is not None:
        lines = errors.cut(errors.traceback_of(error), 16 * _WHY).decode().splitlines()
    while lines and sum(len(line.encode()) + 1 for line in [*kept, lines[-1]]) < _WHY:
        kept.insert(1, lines.pop())
    return "\n".join(kept)


def serve(fd: int) -> None:
    """Runs tasks for the host at the other end of the socket. Returns when that is gone."""
    Slot(Link(fd)).serve()
