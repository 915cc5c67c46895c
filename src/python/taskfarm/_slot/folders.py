"""Folders: that in which the process began, which paths are relative to and tasks begin in, and those that modules are
imported from. The host gives a process stages of one folder alone, whose modules are the only ones of their names."""

import os
import sys
from types import ModuleType

from taskfarm._slot.errors import Refusal
from taskfarm._slot.search import SEARCH


class Folders:
    """Of a process. To be made before any of the user's code runs, which may change the current folder."""

    def __init__(self) -> None:
        self.home = os.getcwd()
        self.work = ""  # what the manifest's paths are relative to, itself relative to `home`
        self.entered: list[str] = []
        self._added: list[str] = []  # those of them that were not in sys.path

    def at(self, path: str) -> str:
        """A path of the manifest, absolute."""
        return os.path.normpath(os.path.join(self.home, self.work, path))

    def go_home(self) -> None:
        """What has gone to another folder does not take what comes next there."""
        try:
            is_away = os.getcwd() != self.home
        except FileNotFoundError:  # it has removed that folder
            is_away = True
        if is_away:
            os.chdir(self.home)

    def enter(self, folder: str) -> None:
        """From now on modules are looked for in this folder, too: behind the engine's own and those that were entered
        before; where a script has said in what order it finds modules, last, if it does not say where this one is."""
        if folder in self.entered:
            return
        self.entered.append(folder)
        if not SEARCH.has(folder):
            self._added.append(folder)
            sys.path.insert(len(sys.path) if SEARCH.is_given else len(self._added), folder)

    def others(self) -> list[str]:
        """What is in sys.path beside the folders that were added to it here."""
        return [folder for folder in sys.path if folder not in self._added]

    def refuse_twins(self) -> None:
        """Raises Refusal if a module was imported from one of two folders, and the other has one of its name: who
        imports it there would get the wrong one."""
        for name, module in list(sys.modules.items()):
            places = [folder for folder in self.entered if "." not in name and _has_module(folder, name)]
            if len(places) > 1 and any(_lies_in(module, folder) for folder in places):
                raise Refusal(f"{places[0]} and {places[1]} both have a module {name}; rename one: a process has one")


def _lies_in(module: ModuleType, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):  # a folder without __init__.py
        return any(os.path.dirname(path) == folder for path in getattr(module, "__path__", ()))
    there = os.path.dirname(file)
    return folder in (there, os.path.dirname(there))


def _has_module(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name + ".py")) or os.path.isdir(os.path.join(folder, name))
