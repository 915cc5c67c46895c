"""Where this process finds modules, and how tasks are told (taskfarm/_slot/search.py does what is told)."""

from __future__ import annotations

import importlib.machinery
import json
import os
import site
import sys
import sysconfig
from types import ModuleType

_NOT_PINNED = {"__main__", "__mp_main__", "taskfarm"}  # scripts, and what is the engine's own where tasks run


def root_of(module: str) -> str | None:
    """The folder on the path in which a module's top package is; None: it is built in."""
    top = sys.modules.get(module.partition(".")[0])
    file: str | None = getattr(top, "__file__", None)
    if file:
        folder = os.path.dirname(os.path.abspath(file))
        return os.path.dirname(folder) if hasattr(top, "__path__") else folder
    places = list(getattr(top, "__path__", ()))  # of a package without an __init__
    return os.path.dirname(os.path.abspath(places[0])) if places else None


def _real(paths: list[str | None]) -> set[str]:
    return {os.path.realpath(path) for path in paths if path}


def _standard() -> set[str]:
    """Folders in which this interpreter finds modules by itself."""
    keys = ("stdlib", "platstdlib", "purelib", "platlib")
    installed = site.getsitepackages() if hasattr(site, "getsitepackages") else []
    extensions = [path for path in sys.path if path.endswith("lib-dynload")]
    return _real([*map(sysconfig.get_path, keys), *installed, site.getusersitepackages(), *extensions])


def _from_environment() -> list[str]:
    return [os.path.abspath(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]


def _folders() -> tuple[list[str], list[str]]:
    """What stands on the path before the standard library, and what behind it that an interpreter has not itself."""
    library = _real([sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")])
    standard = _standard()
    before: list[str] = []
    after: list[str] = []
    is_behind = False
    for path in map(os.path.abspath, sys.path):  # "" is the current folder
        real = os.path.realpath(path)
        is_behind = is_behind or real in library
        if not os.path.exists(path) or (is_behind and real in standard):
            continue
        (after if is_behind else before).append(path)
    return list(dict.fromkeys(before)), [path for path in dict.fromkeys(after) if path not in before]


def _places_of(module: ModuleType) -> list[str]:
    file = getattr(module, "__file__", None)
    return [file] if isinstance(file, str) else [str(path) for path in getattr(module, "__path__", ())]


def _found(name: str, path: list[str]) -> list[str]:
    """What a search of folders finds: a file, or of a package without an __init__ its folders."""
    try:
        spec = importlib.machinery.PathFinder.find_spec(name, path)
    except (ImportError, ValueError):
        return []
    return [spec.origin] if spec and spec.origin else list(spec.submodule_search_locations or ()) if spec else []


def _pinned(path: list[str]) -> dict[str, str]:
    """The folders of modules that this process has imported from elsewhere than a search would find them now: the path
    was another one then, or what came first was imported already."""
    pinned: dict[str, str] = {}
    standard = _standard()
    for name, module in list(sys.modules.items()):
        places = [] if "." in name or name in _NOT_PINNED or module is None else _places_of(module)
        if not places or _real([*_found(name, path)]) == _real([*places]):
            continue
        root = root_of(name)
        if root and _real([*_found(name, [root])]) == _real([*places]):
            pinned[name] = "" if os.path.realpath(root) in standard else root
    return pinned


def search_as_here(folder: str) -> str | None:
    """What is said to tasks, for whom `folder` comes first by itself; None: they find modules as this process does."""
    before, after = _folders()
    pinned = _pinned([*before, *map(os.path.abspath, sys.path)])
    plain = [os.path.realpath(path) for path in [folder, *_from_environment()]]
    if [os.path.realpath(path) for path in before] == plain and not after and not pinned:
        return None
    return json.dumps({"before": before, "after": after, "pinned": pinned})
