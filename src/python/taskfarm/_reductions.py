"""Reductions of a stage, labelled by their groups."""

from __future__ import annotations

from typing import Any

import xarray as xr

from taskfarm import _h5
from taskfarm._contents import Stage
from taskfarm._values import _decode


def _by(settings: dict[str, Any]) -> list[str]:
    by = settings.get("by", [])
    return [by] if isinstance(by, str) else list(by)


def _dims(name: str, shape: tuple[int, ...], groups: int) -> tuple[str, ...]:
    if name.endswith(".edges"):
        return (f"{name.removesuffix('.edges')}_edge",)
    first = ("group",) if shape[:1] == (groups,) else ()
    return first + tuple(f"{name}_dim{d}" for d in range(1, len(shape)))


def _reduction(stage: Stage, name: str) -> xr.Dataset:
    folder = f"reduce/{name}"
    with stage.file.open() as file:
        group = _h5.find(file, f"{stage.name}/{folder}")
        settings = _h5.parsed(_h5.text(group, "settings", "{}"), dict, f"attribute 'settings' of {group.name}")
        named = [n for n in group if _h5.find(group, n).attrs.get("CLASS") is None]
        tables = {n: _h5.table(stage.file, group, n) for n in named}
    read = {n: t.read() for n, t in tables.items() if t is not None}
    groups = len(read["rows"]) if "rows" in read else 0
    keys = [key for key in _by(settings) if key in read]
    found = {
        n: (_dims(n, values.shape, groups), _decode(values) if values.dtype.kind == "S" else values)
        for n, values in read.items()
    }
    edges = {n for n in found if n.endswith(".edges")}
    data = xr.Dataset(
        {n: found[n] for n in found if n not in keys and n not in edges},
        {n: found[n] for n in [*keys, *edges]},
        {"stage": stage.name, "reduction": name},
    )
    if not keys:
        return data.isel(group=0) if "group" in data.dims and groups == 1 else data
    return data.swap_dims(group=keys[0]) if len(keys) == 1 else data


class Reductions(dict[str, xr.Dataset]):
    """The reductions of a stage, by name."""

    def __init__(self, stage: Stage) -> None:
        super().__init__((name, _reduction(stage, name)) for name in stage.names("reduce"))
        self._stage = stage.name

    def __missing__(self, name: str) -> xr.Dataset:
        raise KeyError(f"stage {self._stage!r} has no reduction {name!r}; there are {', '.join(self) or 'none'}")
