#!/usr/bin/python3
"""circles.py BUILD: no two files of src call each other, however long the way round. Who defines a symbol and who uses it is
read from the objects with nm; what goes through callbacks and shared structures is not seen, and need not be."""

import pathlib
import sys

import objects

SOURCE = pathlib.Path(__file__).resolve().parent.parent / "src"


def graph(build):
    """Per file of src: the files that define what it uses, and an example of it."""
    there = [one for one in objects.read(build) if (SOURCE / one.name).exists()]  # not generated
    return {
        one.name: {other.name: symbol for other, symbol in called.items()} for one, called in objects.calls(there).items()
    }


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
    edges = graph(build)
    found = circles(edges)
    for component in found:
        print(f"a circle of {len(component)} files:")
        for name in component:
            for other, symbol in edges[name].items():
                if other in component:
                    print(f"  {name} -> {other}  ({symbol})")
    return 1 if found else 0


sys.exit(main(*sys.argv[1:]))
