"""map.py MODULE FUNCTION TASKS [warm|cold]: seconds that taskfarm.map takes for so many tasks of one integer each, from the
call, results stored.

map.py arrays sine SIDE: the same of a function that gets arrays, over SIDE x SIDE points."""

import importlib
import sys
import time

import taskfarm


def main():
    module, name, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
    function = getattr(importlib.import_module(module), name)
    more = {"slots": 2, "progress": "none", "output": "b.h5"}
    if name == "sine":
        started = time.perf_counter()
        x = {"linspace": [0, 100, size]}
        y = {"linspace": [0, 1, size]}
        run = taskfarm.map(function, taskfarm.product(x=x, y=y), batch="auto", results="float64", **more)
    else:
        started = time.perf_counter()
        run = taskfarm.map(function, taskfarm.product(x=range(size)), results="int64", **more)
    seconds = time.perf_counter() - started
    assert run.state == "complete", run
    print(seconds)


if __name__ == "__main__":
    main()
