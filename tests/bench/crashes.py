"""crashes.py [TASKFARM]: what a crash costs. A campaign of functions of which one in a hundred segfaults, against the same
without; the difference of elapsed times by the number of crashes. Medians of five pairs."""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[2]
TASKFARM = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/taskfarm").resolve()
RUNS, TASKS, EVERY = 5, 20000, 100
ENV = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
)


def elapsed(launcher, folder, function):
    run = {"function": f"builtin:{function}", "args": {"every": EVERY}}
    (folder / "c.json").write_text(json.dumps({"over": {"i": {"range": [TASKS]}}, "run": run}))
    subprocess.run(
        [*launcher, TASKFARM, "c.json", "--fresh", "--slots", "1"], cwd=folder, env=ENV, stderr=subprocess.DEVNULL
    )
    with h5py.File(folder / "c.h5") as file:
        failed = int((file["c/task/status"][()] == 2).sum())
        assert failed == (TASKS // EVERY if function != "noop" else 0), failed
        return float(file.attrs["elapsed"])


def main():
    for launcher, how in (([], "taskfarm --slots 1"), (["mpirun", "-n", "3"], "mpirun -n 3 taskfarm")):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            cost = statistics.median(
                (elapsed(launcher, folder, "crash") - elapsed(launcher, folder, "noop")) / (TASKS // EVERY)
                for _ in range(RUNS)
            )
            print(f"{how}: {1000 * cost:.1f} ms a crash")


main()
