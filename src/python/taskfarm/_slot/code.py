"""What a function's code is, found without running any of it: its module and what that imports from beside it, each
file with a hash of its syntax tree. Comments, positions, docstrings and what runs only in `__main__` are no part of it;
neither is the version of Python, as far as it reads the same tree."""

import ast
import json
import os
import sys
from collections import deque
from collections.abc import Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from typing import Any

from taskfarm._slot.search import SEARCH

TREE = 1  # the version of the rules below: hashes of other versions are not comparable
MOST_FILES = 500  # of one stage: a folder with all the world in it is not read whole
_INIT = os.sep + "__init__.py"
_IGNORED = {"kind", "type_comment", "type_ignores", "ctx"}  # fields that do not matter to what runs


def _digest(content: bytes) -> str:
    try:
        from _blake2 import blake2b
    except ImportError:
        from hashlib import blake2b
    return str(blake2b(content, digest_size=8).hexdigest())


# ---- Trees ----


def _is_text(statement: ast.stmt) -> bool:
    """A docstring, or any other string that stands by itself."""
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _is_main(statement: ast.stmt) -> bool:
    """if __name__ == "__main__": what is imported never runs that."""
    test = statement.test if isinstance(statement, ast.If) else None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return False
    names = {side.id for side in (test.left, *test.comparators) if isinstance(side, ast.Name)}
    texts = {side.value for side in (test.left, *test.comparators) if isinstance(side, ast.Constant)}
    return names == {"__name__"} and texts == {"__main__"}


def _strip(tree: ast.Module) -> None:
    """Takes out of a tree what does not count."""
    tree.body = [part for s in tree.body for part in (s.orelse if isinstance(s, ast.If) and _is_main(s) else [s])]
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [s for s in body if not _is_text(s)]  # type: ignore[attr-defined]


def _words(tree: ast.Module) -> Iterator[str]:
    """A tree as words. Fields that are empty are left out: later versions of Python have more of them."""
    left: list[Any] = [tree]
    while left:
        node = left.pop()
        if isinstance(node, ast.Constant):
            yield f"{type(node.value).__name__} {node.value!r}"
        elif isinstance(node, ast.AST):
            fields = [(name, getattr(node, name, None)) for name in node._fields if name not in _IGNORED]
            yield f"{type(node).__name__}("
            left.append(")")
            for name, value in reversed(fields):
                if value is not None and value != []:
                    left += [value, f"{name}="]
        elif isinstance(node, list):
            yield "["
            left.append("]")
            left += ["None" if item is None else item for item in reversed(node)]
        else:
            yield node if isinstance(node, str) else repr(node)


def tree_of(content: bytes) -> ast.Module | None:
    """The tree of a module's text, as far as it counts; None: it is none."""
    try:
        tree = ast.parse(content)
        _strip(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree


def hash_of(content: bytes, tree: ast.Module | None) -> str:
    """A hash of the tree, or where there is none of the bytes."""
    return _digest(b"bytes " + content if tree is None else "\0".join(_words(tree)).encode(errors="surrogatepass"))


# ---- Imports ----

Name = tuple[int, str]  # of a module: how many folders up from where it is asked for (0: absolute), and its name


def imports_of(tree: ast.AST) -> Iterator[Name]:
    """The modules that a tree imports, wherever the statement stands. Of `from a import b` also a.b: it may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = node.module or ""
            yield node.level, package
            yield from ((node.level, f"{package}.{alias.name}".lstrip(".")) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", None))
            name = node.args[0].value if isinstance(node.args[0], ast.Constant) else None
            if called in ("import_module", "__import__") and isinstance(name, str) and not name.startswith("."):
                yield 0, name


class Home:
    """Where the modules that count are searched for."""

    def __init__(self, folder: str, is_elsewhere: bool = False, only: str | None = None) -> None:
        self.folder = folder
        self.is_elsewhere = is_elsewhere  # than in the current folder, or in that of a file
        self.only = only  # the package that alone counts, and not what it imports: it is installed; None: all there

    def shown(self, path: str) -> str:
        """The path by which users know a file: of one that is elsewhere without the folder that modules are in."""
        return os.path.relpath(path, self.folder) if self.is_elsewhere else path

    def has(self, name: Name) -> bool:
        return name[0] > 0 or self.only is None or name[1].partition(".")[0] == self.only


class Finder:
    """Finds the files of modules, and of what they import from beside them, the nearest first."""

    def __init__(self) -> None:
        self.files: dict[str, dict[str, str]] = {}  # by the path that is shown
        self.absent: set[str] = set()  # paths, without an ending, at which nothing is that was looked for

        self._waiting: deque[tuple[str, Name]] = deque()  # names, each with the folder of the file that asks for it

    def add(self, file: str, module: str) -> None:
        """Adds a stage's module, and all that it imports. `file` is "" for one that is imported by its name."""
        if file:
            home: Home | None = Home(os.path.dirname(file))
            self._read(file, Home(os.path.dirname(file)))
        else:
            top = module.partition(".")[0]
            home = _home_of(top)
            if (home is None or home.is_elsewhere) and not os.path.isdir(top):
                self.absent.add(top)  # one in the current folder would come first
            self._waiting.append(("", (0, module)))
        self._follow(home)

    def add_files(self, folder: str, files: Iterable[str]) -> None:
        """Adds files, and all that they import from a folder."""
        for file in files:
            self._read(file, Home(folder))
        self._follow(Home(folder))

    def add_names(self, folders: Iterable[str], names: Iterable[str]) -> None:
        """Adds what modules of these names there are in folders, and all that they import from there."""
        names = list(names)
        for folder in folders:
            self._waiting += [(folder, (0, name)) for name in names]
            self._follow(Home(folder))

    def add_found(self, module: str) -> None:
        """Adds a module that this process finds anywhere, by its whole path, and all that it imports from beside it;
        nothing of what is installed."""
        folder = _folder_of(_spec_of(module.partition(".")[0]))
        if folder is not None and not _is_installed(folder):
            self._waiting.append(("", (0, module)))
            self._follow(Home(folder))

    def _follow(self, home: Home | None) -> None:
        while home and self._waiting and len(self.files) < MOST_FILES:
            folder, (level, name) = self._waiting.popleft()
            if home.has((level, name)):
                for path in self._locate(_up(folder, level - 1) if level else home.folder, name):
                    self._read(path, home)
        self._waiting.clear()

    def _locate(self, folder: str, name: str) -> list[str]:
        """The files of the module a.b.c below a folder: those of a, a.b and a.b.c, as far as they are there."""
        found: list[str] = []
        for part in name.split(".") if name else ():
            folder = os.path.join(folder, part)
            path = _file_of(folder)
            if path is None and not os.path.isdir(folder):
                self.absent.add(folder)
                break
            found += [path] if path else []
            if path and not path.endswith(_INIT):
                break
        init = os.path.join(folder, "__init__.py")
        return found if name or not os.path.isfile(init) else [init]

    def _read(self, path: str, home: Home) -> None:
        """Adds a file, and has what it imports wait."""
        shown = home.shown(path)
        if shown in self.files and self.files[shown].get("where", shown) != path:
            shown = path  # another one has that name
        if shown in self.files:
            return
        try:
            with open(path, "rb") as file:
                content = file.read()
        except OSError:
            return
        tree = tree_of(content) if path.endswith(".py") else None
        self.files[shown] = {"path": shown, "hash": hash_of(content, tree)}
        if shown != path:
            self.files[shown]["where"] = path
        if tree and home.only is None:
            self._waiting += [(os.path.dirname(path), name) for name in imports_of(tree)]


def _file_of(at: str) -> str | None:
    """The file of a module, as imports find it."""
    for path in (at + _INIT, *(at + suffix for suffix in EXTENSION_SUFFIXES), at + ".py"):
        if os.path.isfile(path):
            return path
    return None


def _up(folder: str, levels: int) -> str:
    for _ in range(levels):
        folder = os.path.dirname(folder) if folder else os.pardir
    return folder


def _is_installed(folder: str) -> bool:
    """Is it the standard library's, or below a folder of what was installed, which nobody edits?"""
    standard = os.path.realpath(os.path.dirname(os.__file__))
    folder = os.path.realpath(folder)
    parts = folder.split(os.sep)
    return "site-packages" in parts or "dist-packages" in parts or (folder + os.sep).startswith(standard + os.sep)


def _spec_of(top: str) -> ModuleSpec | None:
    """How the interpreter finds a module or package. Nothing is imported."""
    from importlib.util import find_spec

    try:
        return find_spec(top)
    except (ImportError, ValueError):
        return None


def _is_file(spec: ModuleSpec | None) -> bool:
    return bool(spec and spec.origin and os.path.isfile(spec.origin))


def _folder_of(spec: ModuleSpec | None) -> str | None:
    """The folder on the path in which it is; None: there is none."""
    if spec and spec.origin and _is_file(spec):
        at = os.path.abspath(spec.origin)
        return os.path.dirname(os.path.dirname(at) if spec.submodule_search_locations else at)
    places = spec.submodule_search_locations if spec else None
    return os.path.dirname(os.path.abspath(next(iter(places)))) if places else None


def _home_of(top: str) -> Home | None:
    """Where a module or package is: in the current folder, or where the interpreter finds it. In the current folder
    last if a script has said where modules are found."""
    if _file_of(top) and not SEARCH.is_given:
        return Home("")
    spec = _spec_of(top)
    if not _is_file(spec) and (_file_of(top) or os.path.isdir(top)):  # a mere folder comes after a module
        return Home("")
    folder = _folder_of(spec)
    if folder is None:
        return None
    if os.path.realpath(folder) == os.getcwd():
        return Home("")
    return Home(folder, is_elsewhere=True, only=top if _is_installed(folder) else None)


# ---- What is asked ----


def code_of(modules: list[dict[str, str]]) -> dict[str, Any]:
    """What the engine keeps of these modules: {"file", "module"} each. Relative to the current folder."""
    finder = Finder()
    for module in modules:
        finder.add(module["file"], module["module"])
    return {
        "tree": str(TREE),
        "files": list(finder.files.values()),
        "absent": sorted(finder.absent),
        "python": sys.version.split()[0],
        "executable": sys.executable,
    }


def answer(fd: int) -> None:
    """Answers what stands on standard input, a list of modules, by JSON to the descriptor."""
    with open(0, "rb", closefd=False) as question:
        modules = json.loads(question.read())
    with open(fd, "wb") as answered:
        answered.write(json.dumps(code_of(modules)).encode())
