"""Which points where() leaves: the engine runs the space by itself, as it will run it with a function."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from typing import Any

from taskfarm._engine import ask, echo, environment, error_of, find
from taskfarm._errors import EngineError
from taskfarm._extras import needed


def joined(conditions: Sequence[str]) -> str:
    """All of several expressions, as one."""
    return conditions[0] if len(conditions) == 1 else " && ".join(f"({condition})" for condition in conditions)


_CHUNK = 1 << 16  # points; a multiple of 8


class Left:
    """The numbers of points that are left, in order: an eighth of a byte for each of all points."""

    def __init__(self, are_left: Iterable[Any]) -> None:
        """`are_left`: booleans of _CHUNK points each, but for the last of these arrays."""
        with needed("numpy"):
            import numpy as np

        self._numpy = np
        self._bits: list[Any] = []
        counts = []
        for part in are_left:
            self._bits.append(np.packbits(part))
            counts.append(np.count_nonzero(part))
        self._chunk, self._places = -1, np.zeros(0, np.int64)  # those of the chunk that was asked last
        self._ends = np.cumsum(np.array(counts, np.int64))  # of the chunks, in points that are left

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, index: int) -> int:
        chunk = int(self._numpy.searchsorted(self._ends, index, side="right"))
        before = int(self._ends[chunk - 1]) if chunk else 0
        if chunk != self._chunk:
            self._chunk, self._places = chunk, self._numpy.flatnonzero(self._numpy.unpackbits(self._bits[chunk]))
        return chunk * _CHUNK + int(self._places[index - before])


def points_left(axes: Sequence[Any], conditions: Sequence[str]) -> Left:
    """The points of which the conditions are true. Raises ManifestError, EngineError."""
    tells_nothing = {"run": {"function": "builtin:noop"}, "record": "status", "store_params": False}
    manifest = {**echo(axes), **tells_nothing, "where": joined(conditions)}
    status, told = ask("check", "-", "--no-start", manifest=manifest)
    if status != 0:
        raise error_of(told["diagnostics"], axes=axes)
    with needed("h5py", "numpy"):
        from taskfarm._contents import EXCLUDED
        from taskfarm._output import Output
    with tempfile.TemporaryDirectory(prefix="taskfarm-") as folder:
        path = os.path.join(folder, "space.h5")
        command = [find(), "run", "-", "--workdir", os.getcwd(), "--output", path, "--progress", "none"]
        done = subprocess.run(
            command,
            input=json.dumps(manifest),
            capture_output=True,
            text=True,
            errors="replace",
            env=environment(),
            check=False,
        )
        if done.returncode != 0:
            lines = [line.removeprefix("taskfarm: ") for line in done.stderr.splitlines() if line]
            raise EngineError("\n".join(lines) or f"taskfarm run ended with {done.returncode}")
        statuses = Output(path)["space"]._stage.status.view()
        return Left(statuses[at : at + _CHUNK] != EXCLUDED for at in range(0, len(statuses), _CHUNK))
