#!/usr/bin/python3
"""circles.py BUILD: no two files of src call each other, however long the way round. Who defines a symbol and who uses it is
read from the objects with nm; what goes through callbacks and shared structures is not seen, and need not be."""

import collections
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"


def symbols(build):
    """Per file of src: the names that it defines, and those that it uses."""
    defines, uses = collections.defaultdict(set), collections.defaultdict(set)
    for path in sorted(pathlib.Path(build, "src").rglob("*.o")):
        name = str(path).split(".dir/", 1)[1].removesuffix(".o")
        if not (SOURCE / name).exists():  # generated, or of a file that is gone since
            continue
        out = subprocess.run(["nm", "--extern-only", path], capture_output=True, text=True, check=True).stdout
        for line in out.splitlines():
            kind, symbol = line.split()[-2:]
            (uses if kind in "Uw" else defines)[name].add(symbol)
    return defines, uses


def graph(defines, uses):
    """Per file: the files that define what it uses, and an example of it."""
    owner = {symbol: name for name, all_of_it in defines.items() for symbol in all_of_it}
    edges = collections.defaultdict(dict)
    for name, wanted in uses.items():
        for symbol in sorted(wanted):
            if symbol in owner and owner[symbol] != name:
                edges[name].setdefault(owner[symbol], symbol)
    return edges


def circles(edges):
    """Tarjan's strongly connected components of more than one file."""
    index, low, stack, found = {}, {}, [], []

    def visit(name):
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in edges.get(name, ()):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            component, stack[at:] = stack[at:], []
            if len(component) > 1:
                found.append(sorted(component))

    sys.setrecursionlimit(10000)
    for name in sorted(edges):
        if name not in index:
            visit(name)
    return found


def main(build):
    edges = graph(*symbols(build))
    found = circles(edges)
    for component in found:
        print(f"a circle of {len(component)} files:")
        for name in component:
            for other, symbol in edges[name].items():
                if other in component:
                    print(f"  {name} -> {other}  ({symbol})")
    return 1 if found else 0


sys.exit(main(*sys.argv[1:]))
