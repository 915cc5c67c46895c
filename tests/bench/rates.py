"""rates.py [TASKFARM]: tasks a second for a few kinds of tasks, as a Markdown table. Medians of five runs, start-up apart: the
elapsed time that the output file has. For scale, xargs starting the same command."""

import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[2]
TASKFARM = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/taskfarm").resolve()
RUNS = 5
ENV = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
)

KINDS = [
    (
        "functions that do nothing, status alone",
        10**8,
        '{"over": {"i": {"range": [100000000]}}, "run": {"function": "builtin:noop"}}',
    ),
    (
        "functions of 64 random float64 a row, written to the file",
        10**6,
        '{"over": {"i": {"range": [1000000]}}, "run": {"function": "builtin:random"}, '
        '"results": {"x": {"type": "float64", "shape": [64]}}}',
    ),
    (
        "functions of 20 us (pi from 1700 points), one float64, times of each",
        10**6,
        '{"over": {"i": {"range": [1000000]}}, "record": "full", "run": {"function": "builtin:pi", "args": {"samples": 1700}}, '
        '"results": {"pi": "float64"}}',
    ),
    (
        "commands: /bin/true, output captured, times of each",
        5000,
        '{"over": {"i": {"range": [5000]}}, "run": {"command": ["/bin/true"]}}',
    ),
]


def median_rate(tasks, run):
    return statistics.median(tasks / run() for _ in range(RUNS))


def show(what, how, tasks, rate):
    numbers = f"{tasks:,} | {float(f'{rate:.2g}'):,.0f}".replace(",", " ")
    print(f"| {what} | {how} | {numbers} |", flush=True)


def main():
    print("| tasks | run by | number | tasks/s |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)

        def run(launcher, options):
            (path / "kind.h5").unlink(missing_ok=True)
            command = [*launcher, TASKFARM, "kind.json", "--progress", "none", *options]
            subprocess.run(command, cwd=path, env=ENV, check=True, capture_output=True)
            with h5py.File(path / "kind.h5") as file:
                status = file["kind/task/status"]
                assert all((status[i : i + 10**7] == 1).all() for i in range(0, len(status), 10**7))
                return file.attrs["elapsed"]

        for what, tasks, manifest in KINDS:
            (path / "kind.json").write_text(manifest)
            for how, launcher, options in (
                ("taskfarm --slots 2", [], ["--slots", "2"]),
                ("mpirun -n 3 taskfarm", ["mpirun", "-n", "3"], []),
            ):
                show(what, how, tasks, median_rate(tasks, lambda: run(launcher, options)))

        def xargs():
            started = time.monotonic()
            subprocess.run(["xargs", "-P2", "-n1", "/bin/true"], input="x\n" * 5000, text=True, check=True)
            return time.monotonic() - started

        show("commands: /bin/true, nothing kept", "xargs -P2 -n1", 5000, median_rate(5000, xargs))


main()
