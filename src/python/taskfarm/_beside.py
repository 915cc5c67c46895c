"""Which modules a function that goes by value uses, and their files, which count as its code."""

from __future__ import annotations

import dis
import sys
import types

from taskfarm._code import SCRIPTS, Function, codes_of, parsed
from taskfarm._hash import met_by
from taskfarm._slot.code import Finder, imports_of


def _absolute(name: str, level: int, package: str) -> str:
    """The name of a module, that may be said relative to a package."""
    parts = package.split(".") if package else []
    above = parts[: len(parts) - level + 1] if level else []
    return ".".join([*above, name] if name else above)


def _imports_within(function: types.FunctionType) -> set[str]:
    """The modules that a function imports when it is called."""
    tree = parsed(function)
    package = function.__globals__.get("__package__") or ""
    if tree is not None:
        return {_absolute(name, level, package) for level, name in imports_of(tree)}
    steps = (step for code in codes_of(function.__code__) for step in dis.get_instructions(code))
    return {str(step.argval) for step in steps if step.opname == "IMPORT_NAME"}


def _file_below(root: str, name: str) -> str | None:
    """The file of a module that has been imported, if it lies below a folder and is none that was installed."""
    file = getattr(sys.modules.get(name), "__file__", None)
    if name in SCRIPTS or not file or not file.startswith(root) or "site-packages" in file:
        return None
    return str(file)


def modules_beside(function: Function, folder: str) -> dict[str, str]:
    """The files of modules that a function uses or imports, of the script's folder and of others, and of what these
    import from there; each with a hash. What is installed does not count."""
    root = folder.rstrip("/") + "/"
    met = met_by(function)
    finder = Finder()
    finder.add_files(folder, [file for name in sorted(met.modules) if (file := _file_below(root, name))])
    imported = {name for each in met.functions for name in _imports_within(each)}
    finder.add_names([folder, *sorted(path for path in sys.path if path.startswith(root))], sorted(imported))
    for name in sorted(met.modules | imported):
        if name and name not in SCRIPTS and name.partition(".")[0] != "taskfarm":
            finder.add_found(name)
    return {path: found["hash"] for path, found in sorted(finder.files.items())}
