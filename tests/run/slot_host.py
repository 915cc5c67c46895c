"""A stand-in for the host of a Python slot: it starts the slot's process, lays parameters and columns out in shared
memory, and reads what the slot has written there, by the protocol of src/python/taskfarm/_slot/protocol.py."""

import array
import itertools
import json
import math
import mmap
import os
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

import farm

PACKAGE = farm.SOURCE / "src/python"
BOOT = """
import sys
engine, verb, descriptor = sys.argv[1:4]
del sys.argv[1:4]
if sys.path[:1] == ['']:
    del sys.path[0]
sys.path.insert(0, engine)
from taskfarm._slot.main import main
main(verb, int(descriptor))
"""
FORMATS = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
}
FORMATS |= {"uint64": "Q", "float32": "f", "float64": "d"}
CONTROL, FRAME_BYTES, BUFFER_BYTES = 4096, 16 << 20, 64 << 20
MESSAGE, TRACEBACK, OUT, ERR = -1, -2, -3, -4


@dataclass
class Row:
    """What has come back of a task."""

    values: dict = field(default_factory=dict)
    message: str | None = None
    trace: str = ""
    out: str = ""
    err: str = ""
    start: float = 0
    duration: float = 0


class Layout:
    """Gives out places in a memory, 8-aligned."""

    def __init__(self, memory, start):
        self.memory, self.at = memory, start

    def put(self, content):
        offset = self.at
        self.memory[offset : offset + len(content)] = content
        self.at += len(content) + -len(content) % 8
        return offset

    def numbers(self, letter, values):
        return self.put(struct.pack(f"={len(values)}{letter}", *values))


class Slot:
    """A slot's process. Not the engine's: `frame` waits for it as long as it takes."""

    def __init__(self, folder, python="/usr/bin/python3", hello=None, env=None):
        self.near, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.near.settimeout(60)
        os.set_inheritable(far.fileno(), True)
        command = [python, "-c", BOOT, str(PACKAGE), "slot", str(far.fileno())]
        self.fds = [os.memfd_create(name) for name in ("out", "err", "texts", "frame", "values")]
        for fd in self.fds[3:]:
            os.truncate(fd, FRAME_BYTES)
        self.values_memory = mmap.mmap(self.fds[4], FRAME_BYTES)
        self.frame_memory = mmap.mmap(self.fds[3], FRAME_BYTES)
        self.control = memoryview(self.frame_memory)[:CONTROL].cast("q")
        self.stderr = open(folder / "slot.stderr", "w+")
        with far:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                env={**os.environ, "PYTHONHASHSEED": "0", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=self.stderr,
                stderr=self.stderr,
                pass_fds=[far.fileno()],
            )
        said = {"protocol": 2, "slot": 3, **(hello or {})}
        self.hello = self.ask({"hello": said}, self.fds)
        self.stages, self.count = {}, 0
        self.buffer = os.memfd_create("buffer")
        os.truncate(self.buffer, BUFFER_BYTES)
        self.buffer_memory = mmap.mmap(self.buffer, BUFFER_BYTES)
        self.send({"buffer": 7, "size": BUFFER_BYTES}, [self.buffer])

    def send(self, message, fds=()):
        packet = json.dumps(message).encode()
        if len(packet) > 60_000:
            long = os.memfd_create("long")
            os.write(long, packet)
            packet, fds = json.dumps({"long": len(packet)}).encode(), [long, *fds]
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        self.near.sendmsg([packet], rights)

    def receive(self):
        packet, rights, _, _ = self.near.recvmsg(65536, socket.CMSG_SPACE(8))
        if not packet:
            raise EOFError
        message = json.loads(packet)
        if "long" in message:
            fd = array.array("i", rights[0][2])[0]
            message = json.loads(os.pread(fd, message["long"], 0))
            os.close(fd)
        return message

    def ask(self, message, fds=()):
        self.send(message, fds)
        return self.receive()

    def stage(self, target, params=None, columns=None, arrays=(), number=0, **more):
        """Tells of a stage; params: {name: type}; columns: {name: type or (type, shape)}. Returns the answer."""
        file, _, function = target.rpartition(":")
        module = os.path.basename(file).removesuffix(".py")
        is_file = file.endswith((".py", ".pickle"))
        said = {
            "number": number,
            "name": "s",
            "target": target,
            "file": file if is_file else "",
            "module": module if is_file else file,
            "function": function,
            "params": [
                {"name": n, "type": t} if isinstance(t, str) else {"name": n, **t} for n, t in (params or {}).items()
            ],
            "columns": [
                {"name": n, "shape": [], "optional": False, **({"type": t} if isinstance(t, str) else t)}
                for n, t in (columns or {}).items()
            ],
            "arrays": list(arrays),
            "batch": 0,
            "seed_globals": True,
            "common": {},
            "timeout": 0,
            "stream": "0",
            "message_bytes": 16384,
            **more,
        }
        self.stages[number] = said
        return self.ask({"stage": said})

    def frame(self, count, params=None, **more):
        """Runs a frame. params: {name: values}. Returns the answer and the rows, as far as they have ended."""
        return self.ask({"frame": self.lay_out(count, params or {}, **more)}), self.rows()

    def lay_out(self, count, params, stage=0, seeds=None, record=False, blocks=None, counts=None, shapes=None, dirt=b"\0", **more):
        """Lays a frame out, and returns its packet. blocks: {array: bytes of all rows}; counts and shapes: of arrays and
        of columns that are blocks, {name: lengths of all rows' blocks}; dirt: what is in cells before; more: members of the packet."""
        blocks, counts, shapes = blocks or {}, counts or {}, shapes or {}
        self.said = said = self.stages[stage]
        self.count = count
        frame, buffer = Layout(self.frame_memory, CONTROL), Layout(self.buffer_memory, 0)
        numbers = Layout(self.values_memory, 0)
        places = []
        for param in said["params"]:
            values = params[param["name"]]
            if param["type"] == "string":
                texts = [value.encode(errors="surrogateescape") for value in values]
                ends = [0, *itertools.accumulate(map(len, texts))]
                offset = frame.numbers("q", ends)
                frame.put(b"".join(texts))
                places.append(offset)
            else:
                places.append(numbers.numbers(FORMATS[param["type"]], values))
        self.columns = []
        for column in said["columns"]:
            letter = FORMATS.get(column["type"])
            size = struct.calcsize(f"={letter}") * math.prod(column["shape"]) if letter else 0
            self.columns.append(buffer.put(dirt * size * count) if letter else -1)
        message = {
            "stage": stage,
            "buffer": 7,
            "first": 0,
            "count": count,
            "attempt": 1,
            "size": FRAME_BYTES,
            "params": places,
            "columns": self.columns,
            "seeds": frame.numbers("Q", seeds) if seeds else -1,
            "arrays": [buffer.put(blocks[a["name"]]) for a in said["arrays"]],
            "array_counts": [
                frame.numbers("q", counts[a["name"]]) if a["name"] in counts else -1 for a in said["arrays"]
            ],
            "column_counts": [
                frame.numbers("q", shapes[c["name"]]) if c["name"] in shapes else -1 for c in said["columns"]
            ],
            "start": buffer.put(bytes(8 * count)) if record else -1,
            "duration": buffer.put(bytes(8 * count)) if record else -1,
            "apart": -1,
            "inputs": None,
            "outputs": None,
            "scratch": None,
        }
        self.record = (message["start"], message["duration"]) if record else None
        if "apart" in more:
            more["apart"] = buffer.put(bytes(more["apart"]))
        return {**message, **more}

    def rows(self):
        """The rows that have ended. Empties texts and output, as the host does when a frame is settled."""
        rows = [Row() for _ in range(self.control[0])]
        out, err, texts = (os.pread(fd, os.fstat(fd).st_size, 0) for fd in self.fds[:3])
        for column, offset in zip(self.said["columns"], self.columns, strict=True):
            letter, n = FORMATS.get(column["type"]), math.prod(column["shape"])
            for i, row in enumerate(rows):
                if letter:
                    size = struct.calcsize(f"={letter}") * n
                    cell = struct.unpack(
                        f"={n}{letter}", self.buffer_memory[offset + i * size : offset + (i + 1) * size]
                    )
                    row.values[column["name"]] = list(cell) if column["shape"] else cell[0]
        if self.record:
            for i, row in enumerate(rows):
                row.start, row.duration = (
                    struct.unpack_from("=d", self.buffer_memory, at + 8 * i)[0] for at in self.record
                )
        at = 0
        while at < len(texts):
            number, kind, zero, size = struct.unpack_from("<qiiq", texts, at)
            content = texts[at + 24 : at + 24 + size]
            at += 24 + size
            assert zero == 0
            if number < len(rows):
                self._take(rows[number], kind, content, out, err)
        for fd in self.fds[:3]:
            os.truncate(fd, 0)
        return rows

    def _take(self, row, kind, content, out, err):
        if kind == MESSAGE:
            row.message = content.decode()
        elif kind == TRACEBACK:
            row.trace += content.decode()
        elif kind == OUT:
            begin, end = struct.unpack("<qq", content)
            row.out += out[begin:end].decode(errors="replace")
        elif kind == ERR:
            begin, end = struct.unpack("<qq", content)
            row.err += err[begin:end].decode()
        else:
            name = self.said["columns"][kind]
            row.values[name["name"]] = content if name["type"] == "bytes" else content.decode()

    def end(self):
        """Closes the socket. Returns the exit status."""
        self.near.close()
        return self.process.wait(60)


class SlotTest(farm.FarmTest):
    """Tests of a slot without an engine."""

    def slot(self, **more):
        slot = Slot(self.folder, **more)

        def end():
            slot.process.kill()
            slot.end()
            slot.stderr.close()
            for fd in [*slot.fds, slot.buffer]:
                os.close(fd)

        self.addCleanup(end)
        return slot

    def without(self, name):
        """A Python that can't import a module."""
        text = f'#!/bin/sh\nexec /usr/bin/python3 -S -c \'import sys; sys.modules["{name}"] = None; exec(sys.argv.pop(1))\' "$2" "$3" "$4" "$5"\n'
        path = self.write(f"without-{name}", text)
        path.chmod(0o755)
        return str(path)

    def of(self, text, params=None, columns=None, seeds=False, **more):
        """A slot with a stage whose function f is defined by a text. `seeds`: does it ask for them? None: as numpy is."""
        self.write("m.py", text)
        slot = self.slot()
        answer = slot.stage("m.py:f", params, columns, **more)
        slot.draws = [answer.pop(name, None) for name in ("unseeded", "lasting")]
        self.assertEqual(answer, {"stage": 0, "seeds": answer.get("seeds") if seeds is None else seeds})
        return slot


if __name__ == "__main__":
    sys.exit("no test: what tests of slots share")
