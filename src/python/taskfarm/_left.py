"""Which points where() leaves: the engine runs the space by itself, as it will run it with a function."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from typing import Any

from taskfarm._engine import ask, echo, environment, error_of, find
from taskfarm._errors import EngineError
from taskfarm._extras import needed


def joined(conditions: Sequence[str]) -> str:
    """All of several expressions, as one."""
    return conditions[0] if len(conditions) == 1 else " && ".join(f"({condition})" for condition in conditions)


def points_left(axes: Sequence[Any], conditions: Sequence[str]) -> Any:
    """An array of the numbers of the points of which the conditions are true. Raises ManifestError, EngineError."""
    manifest = {**echo(axes), "where": joined(conditions), "store_params": False}
    status, told = ask("check", "-", "--no-start", manifest=manifest)
    if status != 0:
        raise error_of(told["diagnostics"], axes=axes)
    with needed("h5py", "numpy"):
        import numpy as np

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
        return np.flatnonzero(statuses != EXCLUDED)
