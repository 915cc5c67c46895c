"""Where modules are found: for functions that `map` sends, as in the script. It says so in a variable of the stage's
environment, {"before", "after", "pinned"}: the folders that stand before and behind those that an interpreter has
itself, and the folder of each module that these would not lead to; "" for the interpreter's own."""

import importlib.machinery
import json
import os
import sys
from collections.abc import Sequence
from types import ModuleType

VARIABLE = "TASKFARM_MODULES"


class _Pinned:
    """A finder of modules, each in a folder of its own, which serves no others."""

    def __init__(self, folders: dict[str, str], own: list[str]) -> None:
        self.folders = folders
        self.own = own

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name not in self.folders:
            return None
        folder = self.folders[name]
        return importlib.machinery.PathFinder.find_spec(name, [folder] if folder else self.own, target)


class Search:
    """Of a process."""

    def __init__(self) -> None:
        self.is_given = False  # is the order that of a script?

    def begin(self) -> None:
        """Does what the variable says. What tasks start finds modules as what the script starts."""
        said = os.environ.pop(VARIABLE, None)
        if said is None:
            return
        self.is_given = True
        given, own = json.loads(said), sys.path[1:]
        sys.path[1:] = dict.fromkeys([*given["before"], *own, *given["after"]])
        if given["pinned"]:
            sys.meta_path.insert(0, _Pinned(given["pinned"], own))

    def has(self, folder: str) -> bool:
        """Has the script said where this folder stands?"""
        real = os.path.realpath(folder)
        return self.is_given and any(os.path.realpath(path) == real for path in sys.path[1:])


SEARCH = Search()
