"""The engine: where the program taskfarm is, and what its verbs say."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from taskfarm._errors import EngineError, Error, ManifestError
from taskfarm._protocol import require_engine
from taskfarm._wording import worded

_MISSING = (
    "the engine, the program taskfarm, is not found: not by the variable TASKFARM, not beside {python}, not on PATH. "
    "Build and install it (cmake --install), or set TASKFARM to its path"
)

_LAUNCHED = ("OMPI_COMM_WORLD_", "OMPI_MCA_orte_", "OMPI_MCA_ess", "OMPI_MCA_pmix", "PMIX_", "PMI_")

# Of mpirun (Open MPI 4, and 5 as PRTE): it notices within two minutes that a node is gone, not after eight.
_KEEPALIVE = {
    f"{system}_MCA_oob_tcp_keepalive_{name}": value
    for system in ("OMPI", "PRTE")
    for name, value in (("time", "60"), ("intvl", "10"), ("probes", "6"))
}

_KERNELS = ("module://matplotlib_inline.", "module://ipykernel.")  # what they set MPLBACKEND to

_USAGE = 2  # exit status: what it was told is wrong


def find() -> str:
    """The path of the program: $TASKFARM, beside this Python, or on PATH. It speaks this package's protocol."""
    named = os.environ.get("TASKFARM")
    if named:
        found = shutil.which(named)
        if not found:
            raise EngineError(f"TASKFARM={named}: there is no such program", id="program-missing")
    else:
        beside = os.path.join(os.path.dirname(sys.executable or ""), "taskfarm")
        found = beside if os.access(beside, os.X_OK) and os.path.isfile(beside) else shutil.which("taskfarm")
    if not found:
        raise EngineError(_MISSING.format(python=sys.executable), id="program-missing")
    require_engine(found)
    return found


def environment() -> dict[str, str]:
    """Of an engine: without what a launcher of this very script has left, whose rank it is not, and a kernel that has
    matplotlib draw into its notebook."""
    kept = _KEEPALIVE | {name: value for name, value in os.environ.items() if not name.startswith(_LAUNCHED)}
    if kept.get("MPLBACKEND", "").startswith(_KERNELS):
        del kept["MPLBACKEND"]
    return kept


def ask(verb: str, *arguments: str, manifest: Mapping[str, Any] | None = None) -> tuple[int, Any]:
    """Runs a verb with --json, with a manifest on its standard input. Returns its exit status and the document. Raises
    ManifestError, EngineError where it gives none."""
    command = [find(), verb, *arguments, "--json"]
    text = json.dumps(manifest) if manifest is not None else ""
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", env=environment()
    )
    with process:
        try:
            told, said = process.communicate(text)
        except BaseException:
            process.terminate()
            raise
    try:
        return process.returncode, json.loads(told)
    except ValueError:
        lines = [worded(line.removeprefix("taskfarm: ")) for line in said.splitlines() if line]
        kind = ManifestError if process.returncode == _USAGE else EngineError
        raise kind("\n".join(lines) or f"taskfarm {verb} ended with {process.returncode}") from None


def error_of(diagnostics: Sequence[Mapping[str, Any]], *, kind: type[Error] = ManifestError, axes: Any = ()) -> Error:
    """What is wrong, as the engine says it; the id is that of the first error. `axes`: of the manifest."""
    wrong = [d for d in diagnostics if d.get("severity") != "warning"] or list(diagnostics)
    text = "\n".join(_told(d, axes) for d in wrong) or "the engine gives no reason"
    return kind(text, id=str(wrong[0].get("id", "")) if wrong else "")


def _told(diagnostic: Mapping[str, Any], axes: Any) -> str:
    """Without the manifest's path, which nobody has written: by the argument that the place in it comes from."""
    place = _place(str(diagnostic.get("pointer") or "").split("/")[1:], axes)
    text = worded(str(diagnostic["text"]))
    return f"{place}: {text}" if place else text


def _place(parts: list[str], axes: Any) -> str:
    if parts[:1] == ["run"]:
        return ": ".join("function" if part == "python" else part for part in parts[1:])
    if parts[:1] != ["over"]:
        return ": ".join(parts)
    names = ["space"]
    try:
        axis = axes[int(parts[1])]
        names.append(str(axis.get("name") or next(iter(axis))))
    except (LookupError, ValueError, AttributeError, StopIteration):
        pass
    return ": ".join([*names, *(part for part in parts[2:] if part not in ("values", names[-1]))])


# ---- Spaces ----


def echo(axes: Sequence[Any]) -> dict[str, Any]:
    """A manifest whose tasks are the points themselves."""
    return {"name": "space", "over": list(axes), "run": {"echo": True}}


def space_length(axes: Sequence[Any]) -> int:
    """How many points axes have that stand in files, or that the engine works out."""
    status, told = ask("check", "-", "--no-start", manifest=echo(axes))
    if status != 0:
        raise error_of(told["diagnostics"], axes=axes)
    return int(told["stages"][0]["tasks"])


def space_point(axes: Sequence[Any], index: int) -> dict[str, Any]:
    """A point of such axes."""
    status, told = ask("try", "-", str(index), manifest=echo(axes))
    if status != 0:
        raise error_of(told.get("diagnostics", [{"text": told.get("message", "")}]), axes=axes)
    return {name: float("nan") if value is None else value for name, value in told["given"]["params"].items()}
