"""Of what types results are, where nothing declares them: as an earlier run had them, or by the first task.

The first task is tried before the run, in a slot's process, with its retries (taskfarm try). What the function has
returned stands in a file, from which the run takes that task's row.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from taskfarm._engine import ask, error_of
from taskfarm._errors import EngineError, Error, ManifestError, TaskError
from taskfarm._folder import Folder
from taskfarm._manifest import as_text, relative

_FIRST = "first.json"


def earlier(folder: Folder, output: str, target: str) -> dict[str, Any] | None:
    """The columns of the same function in the run that is to be gone on with; None: there is none."""
    if not os.path.exists(output):
        return None
    try:
        status, told = ask("status", output)
    except Error:
        return None
    stages = told.get("stages", ()) if status == 0 else ()
    found = [(stage.get("run", {}), stage.get("results")) for stage in stages if stage.get("begun")]
    kept = folder.read("manifest.json")
    found.append((kept.get("run", {}), kept.get("results")))
    same = [results for run, results in found if results and str(run.get("python", "")).endswith(target)]
    known = [results for results in same if not any("array" in column for column in results.values())]
    return dict(known[0]) if known else None


def by_first_task(folder: Folder, manifest: dict[str, Any], options: Sequence[str]) -> tuple[dict[str, Any], str]:
    """The columns that the first task tells, and what is to be said of it. Puts into the manifest where the run finds
    the task's value. What an earlier call has left is not looked at: the function, what it imports, common values and
    files may have changed since. `options`: of the run. Raises TaskError, ManifestError, EngineError."""
    path = relative(folder.file(_FIRST))
    folder.drop(_FIRST)
    trial = {**manifest, "run": {**manifest["run"], "first": path}}
    name = folder.write("trial.json", as_text(trial).encode())
    _plan(name, manifest, options)
    _try(folder, name, manifest)
    said = folder.read(_FIRST)
    if not manifest.get("outputs"):  # files that it has made are gone: it is called again, and makes them
        manifest["run"]["first"] = path
    columns: dict[str, Any] = said["columns"]
    told = ", ".join(f"{name} {_worded(column)}" for name, column in columns.items()) or "none"
    return columns, f"column types, by task {said['index']}, which ran first: {told}"


def _worded(column: Mapping[str, Any]) -> str:
    shape = column.get("shape")
    return f"{column['type']}[{', '.join(map(str, shape))}]" if shape else str(column["type"])


def _plan(name: str, manifest: Mapping[str, Any], options: Sequence[str]) -> None:
    """What would have the run refused, as far as it can be known without the columns, is said before a task runs."""
    status, told = ask("run", name, "--dry-run", *options)
    if status != 0:
        kind = ManifestError if status == 2 else EngineError
        raise error_of(told["diagnostics"], kind=kind, axes=manifest.get("over"))


def _try(folder: Folder, name: str, manifest: Mapping[str, Any]) -> None:
    """Runs the first task until it is done, or has no attempt left."""
    retries = manifest.get("retries", 0)
    attempts = (retries if isinstance(retries, int) else 0) + 1
    for attempt in range(1, attempts + 1):
        status, told = ask("try", name, "first" if attempt == 1 else f"first:{attempt}", "--workdir", os.getcwd())
        if status == 2:
            raise error_of(told["diagnostics"], axes=manifest.get("over"))
        if status == 0:
            break
    else:
        raise TaskError(_failure(told, attempts), id="tasks-failed")
    folder.drop("trial.json")
    said = folder.read(_FIRST)
    said.update({"stdout": told["stdout"], "stderr": told["stderr"]})
    folder.write(_FIRST, said)


def _failure(told: Mapping[str, Any], attempts: int) -> str:
    params = ", ".join(
        f"{name}={json.dumps(value)}" for name, value in (told.get("given") or {}).get("params", {}).items()
    )
    tries = f" {attempts} times" if attempts > 1 else ""
    text = f"{told['stage']}[{told['index']}] ({params}), which was to tell the types of results, failed{tries}: "
    text += str(told["message"])
    said = str(told.get("stderr", "")).strip()
    if said in ("", told["message"]):  # it was not called, or that says what to do
        return text
    return f"{text}\n\n{said}\n\nresults= declares the types without running a task first"
