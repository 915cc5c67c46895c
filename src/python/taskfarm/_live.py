"""An output whose campaign is not over: the engine makes a snapshot of it, which is read in its place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from typing import Any

from taskfarm._engine import environment, find
from taskfarm._errors import EngineError, Error


def is_over(path: str) -> bool:
    """Is all of the output in its file? Else what belongs to it is in OUTPUT.d, or a run is about to change it."""
    folder = os.path.realpath(path) + ".d"
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:  # somebody else's
        return False
    return not any(name == "journal" or name.startswith("run-") for name in names)


def snapshot(path: str) -> str:
    """The path of a copy of the output as it is now, in a folder of its own."""
    try:
        program = find()
    except EngineError as error:
        raise EngineError(f"{path}: its campaign is not over, and {error}", id=error.id) from None
    folder = tempfile.mkdtemp(prefix="taskfarm-")
    copy = os.path.join(folder, "now.h5")
    done = _run([program, "export", os.path.abspath(path), "--format", "hdf5", "--output", copy])
    if done.returncode != 0 or not os.path.exists(copy):
        shutil.rmtree(folder, ignore_errors=True)
        raise Error(_said(done.stderr, path) or f"{path}: taskfarm export ended with {done.returncode}")
    return copy


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=environment(),
        check=False,
    )


def _said(stderr: str, path: str) -> str:
    """What the engine said, with the path as it was given."""
    lines = [line.removeprefix("taskfarm: ") for line in stderr.splitlines() if line.strip()]
    return "\n".join(lines).replace(os.path.abspath(path), path)


def last_incidents(path: str) -> list[dict[str, Any]]:
    """What has befallen workers in the last run so far, that of an output which a run is at work on, too."""
    done = _run([find(), "status", os.path.abspath(path), "--json"])
    if done.returncode != 0:
        raise Error(_said(done.stderr, path) or f"{path}: taskfarm status ended with {done.returncode}")
    return list(json.loads(done.stdout).get("incidents", []))


def report(path: str, page: str) -> None:
    """Has the engine write its page."""
    done = _run([find(), "report", os.path.abspath(path), "--output", page])
    if done.returncode != 0:
        raise Error(_said(done.stderr, path) or f"{path}: taskfarm report ended with {done.returncode}")
