"""From the arguments of `map` to a manifest of one stage, and the files that it names."""

from __future__ import annotations

import datetime
import json
import os
import sys
from collections.abc import Mapping
from typing import IO, Any

from taskfarm._axis import Values
from taskfarm._common import array_of, seal_of
from taskfarm._errors import ManifestError
from taskfarm._extras import needed
from taskfarm._folder import Folder
from taskfarm._function import Target
from taskfarm._left import joined
from taskfarm._slot.search import VARIABLE
from taskfarm._spaces import Space

# Keys of a stage's "run"; all others are the stage's own, or the campaign's.
RUN_KEYS = frozenset({"cwd", "env", "interpreter", "preload", "seed_globals", "warm"})


def _plain(value: Any) -> Any:
    """What JSON has no word for: numpy's scalars, paths, spans of time."""
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    raise TypeError(f"{type(value).__name__} can't stand in a manifest")


def as_text(manifest: Mapping[str, Any]) -> str:
    """A manifest's text. NaN and infinities stand in it as they are."""
    try:
        return _dumped(manifest)
    except (TypeError, ValueError) as error:
        said = {("space" if key == "over" else key): value for key, value in manifest.items()}
        said.update(said.pop("run", {}))
        named = [key for key, value in said.items() if not _is_plain(value)]
        raise ManifestError(f"{', '.join(named) or 'map'}: {error}", id="wrong-type") from None


def _dumped(value: Any) -> str:
    text = json.dumps(value, default=_plain, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        found = text[error.start]
        raise ValueError(f"{found!r} is no character: a text, or the name of a file, that is not UTF-8") from None
    return text


def _is_plain(value: Any) -> bool:
    try:
        _dumped(value)
    except (TypeError, ValueError):
        return False
    return True


def relative(path: str) -> str:
    """A path as it stands in the manifest: from the work folder, if it is in there."""
    here = os.getcwd()
    inside = os.path.relpath(path, here)
    return path if inside.startswith("..") else inside


def _literal(path: str) -> str:
    """A path in which braces are no placeholders."""
    return path.replace("{", "{{").replace("}", "}}")


class _Sink:
    """A file to which numpy writes in pieces: to one that it knows it writes by itself, and does not say what fails."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write = file.write


class Files:
    """The files of a run that stand in its folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.tables = 0

    def table(self, columns: dict[str, Values]) -> dict[str, Any]:
        """Writes a table, and returns the axis that reads it."""
        import csv

        name = f"table-{self.tables}.csv"
        self.tables += 1
        with self.folder.writing(name, mode="w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(zip(*(_cells(values) for values in columns.values()), strict=True))
        types = {column: values.kind for column, values in columns.items()}
        return {"csv": _literal(relative(self.folder.file(name))), "types": types}

    def target(self, target: Target) -> str:
        """What the manifest says of the function."""
        if target.content is None:
            return target.text
        path = self.folder.write("function.pickle", target.content)
        return f"{_literal(relative(path))}:{target.text}"

    def common(self, values: Mapping[str, Any]) -> dict[str, str]:
        """Writes values that all tasks share, unless they are there already; a path stays one."""
        paths: dict[str, str] = {}
        for name, value in values.items():
            if isinstance(value, (str, os.PathLike)):
                paths[name] = os.fspath(value)
            elif not name.isidentifier() or not name.isascii():
                raise ManifestError(f"common: {name!r} can't be the name of a parameter", id="bad-name")
            else:
                paths[name] = _literal(relative(self._save(name, value)))
        return paths

    def _save(self, name: str, value: Any) -> str:
        with needed("numpy"):
            import numpy as np

        array = array_of(name, value)
        seal = seal_of(array)
        file, note = f"common-{name}.npy", f"common-{name}.sum"
        if not (self.folder.has(file) and self.folder.read(note).get("sha256") == seal):
            self.folder.drop(note)
            with self.folder.writing(file) as out:
                np.save(_Sink(out), array, allow_pickle=False)
            self.folder.write(note, {"sha256": seal})
        return self.folder.file(file)


def _cells(values: Values) -> Any:
    if values.kind != "float64":
        return iter(values)
    return ("" if value != value else repr(value) for value in values)


def write_manifest(
    files: Files,
    target: Target,
    space: Space,
    *,
    output: str,
    seed: int,
    batch: int | str | None,
    common: Mapping[str, Any] | None,
    keys: Mapping[str, Any],
) -> dict[str, Any]:
    """The manifest, without "results". `keys`: whatever else a stage, a run or a campaign may have."""
    own = dict(keys)
    run: dict[str, Any] = {"python": files.target(target), "interpreter": sys.executable}
    run.update({key: own.pop(key) for key in sorted(RUN_KEYS & set(own))})
    if batch is not None:
        run["batch"] = batch
    if common:
        run["common"] = files.common(common)
    if target.init:
        run["init"] = target.init
    _add_search(run, target)
    if target.code:
        named = own.get("code", [])
        beside = [_literal(relative(path)) for path in target.code]
        own["code"] = [*(named if isinstance(named, (list, tuple)) else [named]), *beside]
    conditions = [*space.conditions(), *([own.pop("where")] if "where" in own else [])]
    manifest: dict[str, Any] = {"name": own.pop("name", target.name), "output": _literal(relative(output))}
    manifest["seed"] = seed
    axes = space.axes(files.table)
    if axes:
        manifest["over"] = axes
    if conditions:
        manifest["where"] = joined(conditions)
    manifest["run"] = run
    manifest.update(own)
    if files.tables:
        manifest.setdefault("store_params", True)  # the tables are not kept
    return manifest


def _add_search(run: dict[str, Any], target: Target) -> None:
    if target.search is not None and isinstance(run.get("env") or {}, Mapping):  # else the engine tells
        run["env"] = {**(run.get("env") or {}), VARIABLE: _literal(target.search)}
