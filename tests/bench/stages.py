"""Campaigns of many stages, columns and groups: time and memory are to go by their number. Each row doubles the number of
the one before, or multiplies it by ten."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

RUN = {"expr": {"y": "x + 1"}}
OVER = {"x": {"range": [2]}}


def campaign(stages):
    return {"stages": stages}


def chain(count):
    """Each takes the rows of the one before."""
    over = lambda i: [{"from": f"s{i - 1}", "columns": {"x": "y"}}] if i else OVER  # noqa: E731
    return campaign([{"name": f"s{i}", "over": over(i), "run": RUN} for i in range(count)])


def chain_of_files(count):
    """Each reads the file of the one before."""
    inputs = lambda i: {"inputs": f"f{i - 1}"} if i else {}  # noqa: E731
    return campaign([{"name": f"s{i}", "run": {"command": ["touch", f"f{i}"]}, "outputs": f"f{i}"} | inputs(i) for i in range(count)])


def side_by_side(count):
    return campaign([{"name": f"s{i}", "over": OVER, "run": RUN} for i in range(count)])


def columns(count):
    return {"over": {"x": {"range": [10]}}, "run": {"expr": {f"y{i}": f"x + {i}" for i in range(count)}}}


def groups(count):
    return {"over": {"x": {"range": [count]}}, "run": RUN, "reduce": {"r": {"by": "x", "columns": {"y": ["sum", "count"]}}}}


MEASURED = [  # what, how it is called, and how many there are
    ("a chain of stages by rows", chain, "run", (500, 1000, 2000)),
    ("a chain of stages by rows, three ranks", chain, "ranks", (500, 1000)),
    ("the same: status", chain, "status", (500, 1000, 2000)),
    ("a chain of stages by files", chain_of_files, "run", (250, 500, 1000)),
    ("stages side by side", side_by_side, "run", (500, 1000, 2000)),
    ("stages side by side: check", side_by_side, "check", (12500, 25000, 50000)),
    ("columns of a stage", columns, "run", (2500, 5000, 10000)),
    ("groups of a reduction", groups, "run", (1000, 10000, 100000)),
]


def measure(command, folder, env):
    """Elapsed seconds and the peak memory of the largest process, MB."""
    done = subprocess.run(["/usr/bin/time", "-f", "%e %M", *map(str, command)], cwd=folder, env=env, check=True, capture_output=True, text=True)
    seconds, memory = re.findall(r"^([\d.]+) (\d+)$", done.stderr, re.M)[-1]
    return float(seconds), int(memory) / 1024


def rows(program, launcher, env=os.environ):
    """`launcher` gives the beginning of a command line for so many ranks."""
    found = []
    for what, make, how, counts in MEASURED:
        for count in counts:
            print(f"stages: {what}: {count}", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as name:
                folder = pathlib.Path(name)
                (folder / "m.json").write_text(json.dumps(make(count)))
                if how == "status":
                    measure([program, "m.json"], folder, env)
                arguments = {"run": ["m.json"], "ranks": ["m.json"], "status": ["status", "m.h5"], "check": ["check", "m.json"]}[how]
                seconds, memory = measure([*(launcher(3) if how == "ranks" else []), program, *arguments], folder, env)
            found.append({"what": what, "count": count, "seconds": seconds, "memory": memory})
    return found
