"""Folders that modules are imported from: a process may serve stages whose scripts lie in several. At any time one of
them is in sys.path, behind the engine's own; where another has modules of the same names, these are put away
meanwhile."""

import os
import sys
from types import ModuleType

_INSTALLED = ("site-packages", "dist-packages")  # folders below a project's own that are not its modules


class Folders:
    """Which folder is in use."""

    def __init__(self) -> None:
        self.work = ""  # what the manifest's paths are relative to; "": the folder that the process is in
        self.current: str | None = None
        self._away: dict[str, dict[str, ModuleType]] = {}  # by folder, the modules that others have hidden

    def at(self, path: str) -> str:
        """A path of the manifest, absolute."""
        return os.path.abspath(os.path.join(self.work, path))

    def enter(self, folder: str) -> None:
        """From now on modules are looked for in this folder first."""
        if folder == self.current:
            return
        if self.current is not None:
            self._leave(self.current, folder)
        self.current = folder
        sys.path.insert(1, folder)
        sys.modules.update(self._away.pop(folder, {}))

    def _leave(self, old: str, new: str) -> None:
        if old in sys.path[1:]:
            del sys.path[sys.path.index(old, 1)]
        for name, module in list(sys.modules.items()):
            if _lies_below(module, old) and _has_module(new, name.partition(".")[0]):
                self._away.setdefault(old, {})[name] = sys.modules.pop(name)


def _lies_below(module: ModuleType, folder: str) -> bool:
    file = getattr(module, "__file__", None)
    inside = isinstance(file, str) and file.startswith(folder + os.sep)
    return inside and not any(part in file for part in _INSTALLED)  # type: ignore[operator]


def _has_module(folder: str, name: str) -> bool:
    return os.path.exists(os.path.join(folder, name + ".py")) or os.path.isdir(os.path.join(folder, name))
