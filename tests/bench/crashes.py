"""crashes.py [TASKFARM]: what a crash costs. A campaign of functions of which one in a hundred segfaults, against the same
without; the difference of elapsed times by the number of crashes. Medians of five pairs."""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import h5py
import run as bench

TASKFARM = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else bench.TASKFARM
RUNS, TASKS, EVERY = 5, 20000, 100


def elapsed(ranks, folder, function):
    run = {"function": f"builtin:{function}", "args": {"every": EVERY}}
    (folder / "c.json").write_text(json.dumps({"over": {"i": {"range": [TASKS]}}, "run": run}))
    subprocess.run(
        [*bench.launcher(ranks), TASKFARM, "c.json", "--fresh", "--slots", "1"],
        cwd=folder,
        env=bench.ENV,
        stderr=subprocess.DEVNULL,
    )
    with h5py.File(folder / "c.h5") as file:
        failed = int((file["c/task/status"][()] == 2).sum())
        assert failed == (TASKS // EVERY if function != "noop" else 0), failed
        return float(file.attrs["elapsed"])


def main():
    for ranks, how in ((None, "taskfarm --slots 1"), (3, "mpirun -n 3 taskfarm")):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            cost = statistics.median(
                (elapsed(ranks, folder, "crash") - elapsed(ranks, folder, "noop")) / (TASKS // EVERY)
                for _ in range(RUNS)
            )
            print(f"{how}: {1000 * cost:.1f} ms a crash")


main()
