"""Whether package and engine understand each other.

The engine says which protocol it has with the package (`taskfarm version --json`, which starts no MPI). One that is
older than that verb has none. Where the two differ nothing is started: one error says which is older, and where both
are.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys

from taskfarm._errors import EngineError
from taskfarm._version import PROTOCOL, __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = os.path.dirname(os.path.abspath(__file__))


def require_engine(program: str) -> dict[str, Any]:
    """What the engine says of itself: version, commit, protocol, and the folder of its own package (python).

    Raises EngineError if the program does not run, is no taskfarm, or has another protocol.
    """
    try:
        found = os.stat(program)
    except OSError as error:
        raise EngineError(f"{program}: {error.strerror}") from None
    said = _ask(program, found.st_dev, found.st_ino, found.st_mtime_ns)
    protocol = said["protocol"]
    if protocol != PROTOCOL:
        raise EngineError(_difference(program, said))
    return said


@functools.cache
def _ask(program: str, *_identity: int) -> dict[str, Any]:
    """Asks once a process, and again if another file has come in its place."""
    answer = _told(program, "version", "--json")
    try:
        said = json.loads(answer.stdout)
        if isinstance(said["protocol"], int):
            return dict(said)
    except (ValueError, KeyError, TypeError):
        pass
    words = _told(program, "--version").stdout.split()
    if words[:1] == ["taskfarm"] and len(words) > 1:  # from before there was a protocol
        return {"version": words[1], "protocol": 0}
    last = (answer.stderr.strip() or answer.stdout.strip() or f"exit status {answer.returncode}").splitlines()[-1]
    raise EngineError(f"{program}: does not say which version of taskfarm it is: {last}")


def _told(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [program, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise EngineError(f"{program}: can't be started: {error.strerror}") from None


def _difference(program: str, said: dict[str, Any]) -> str:
    engine = f"engine {program} ({said['version']}, protocol {said['protocol']})"
    package = f"Python package {PACKAGE} ({__version__}, protocol {PROTOCOL})"
    if said["protocol"] < PROTOCOL:
        way = "the engine is older: install the taskfarm that belongs to the package, or name its program by TASKFARM"
    else:
        way = f"the package is older: {sys.executable} -m pip install the one that belongs to the engine"
        if "python" in said:
            way += f", or use the engine's own copy: PYTHONPATH={said['python']}"
    return f"the {engine} and the {package} do not understand each other; {way}"
