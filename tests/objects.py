"""The objects of a build: who defines a symbol and who uses it, read with nm. What goes through callbacks and shared structures is
not seen."""

import collections
import json
import pathlib
import re
import subprocess


class Object:
    def __init__(self, path):
        library, _, name = path.rpartition(".dir/")
        self.library = pathlib.Path(library).name  # the CMake target that it is of
        self.name = name.removesuffix(".o")  # "store/table.c"
        self.defines, self.uses = set(), set()


def read(build):
    """All of src that are linked today; a build folder may have older ones."""
    commands = json.loads(pathlib.Path(build, "compile_commands.json").read_text())
    paths = [re.search(r" -o (\S+) ", entry["command"]).group(1) for entry in commands]
    objects = {path: Object(path) for path in paths if path.startswith("src/")}
    nm = ["nm", "--extern-only", "--print-file-name", *objects]
    for line in subprocess.run(nm, cwd=build, capture_output=True, text=True, check=True).stdout.splitlines():
        path, _, symbol = line.partition(":")
        kind, name = symbol.split()[-2:]
        (objects[path].uses if kind in "Uw" else objects[path].defines).add(name)
    return list(objects.values())


def calls(objects):
    """Per object: those that define what it uses, each with an example of it."""
    owner = {symbol: one for one in objects for symbol in one.defines}
    edges = collections.defaultdict(dict)
    for one in objects:
        for symbol in sorted(one.uses):
            if symbol in owner and owner[symbol] is not one:
                edges[one].setdefault(owner[symbol], symbol)
    return edges
