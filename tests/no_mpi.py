#!/usr/bin/python3
"""no_mpi.py BUILD: verbs that do not run a campaign, which only read or plan, need no MPI: neither their objects nor those that they
call, however far, nor the rest of the libraries that these are of, name a symbol of it. All verbs of the command line's table do so
but those of MAY_RUN."""

import re
import sys

import objects

MAY_RUN = {"cli_run"}
MPI = re.compile("P?MPIX?_|[op]mpi_|opal_|MPIR_|H5P[gs]et_.*mpio")


def chain(callers, one):
    """Who calls it, from the command line on."""
    names = [one.name]
    while callers[one]:
        one, symbol = callers[one]
        names.append(f"{one.name} ({symbol})")
    return " <- ".join(names)


def reach(edges, roots):
    """All that the roots call, with who called each first."""
    callers = dict.fromkeys(roots)
    queue = list(roots)
    for one in queue:
        for other, symbol in edges[one].items():
            if other not in callers:
                callers[other] = (one, symbol)
                queue.append(other)
    return callers


def mpi_of(one):
    return sorted(symbol for symbol in one.uses | one.defines if MPI.match(symbol))


def main(build):
    all_of_them = objects.read(build)
    edges = objects.calls(all_of_them)
    table = next(one for one in all_of_them if one.name == "cli/verbs.c")
    verbs = {one for one, symbol in edges[table].items() if not one.defines & MAY_RUN}
    running = {one for one in edges[table] if one.defines & MAY_RUN}
    callers = reach(edges, sorted(verbs, key=lambda one: one.name))
    libraries = {one.library: one for one in reversed(callers)}
    bad = 0
    for one in all_of_them:
        if one.library in libraries and mpi_of(one):
            because = chain(callers, one if one in callers else libraries[one.library])
            print(f"{one.name} names {', '.join(mpi_of(one)[:3])}; {one.library} is linked for {because}")
            bad = 1
    for one in running:
        if not any(mpi_of(other) for other in reach(edges, [one])):
            print(f"{one.name} calls nothing of MPI: it is to be looked at like other verbs")
            bad = 1
    return bad


sys.exit(main(*sys.argv[1:]))
