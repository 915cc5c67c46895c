"""Answers from start to end, by taskfarm's examples and by dask: how long, and with how much memory."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import threading

import h5py
import numpy

HERE = pathlib.Path(__file__).resolve().parent
EXAMPLES = HERE.parents[1] / "examples"
INTERVAL = 0.005  # s between looks at the memory


def example(name):
    subprocess.run(["make", "-s", "-C", EXAMPLES / name] if (EXAMPLES / name / "Makefile").exists() else ["true"], check=True)
    return EXAMPLES / name


def by_taskfarm(name, program, folder):
    """The command, and what reads its answer."""
    manifest = example(name) / "manifest.json"
    output = pathlib.Path(folder) / "out.h5"

    def answer(_):
        with h5py.File(output) as file:
            if name == "bag":
                return str(file["kept/reduce/mean/picked.mean"][0])
            if name == "array":
                return str(file["array/reduce/all/mean.mean"][0])
            table = file["groupby/reduce/by_key"]
            count, mean, std = (table[f"value.{k}"][()] for k in ("count", "mean", "std"))
            return f"{count.sum()} {mean.mean():.9f} {std.mean():.9f}"

    return [program, manifest, "--output", output, "--slots", 2, "--progress", "none"], answer


def by_dask(name, python):
    arguments = [EXAMPLES / name / "parts" / "part_*.csv"] if name == "groupby" else []
    return [python, HERE / "peers" / "dask_answers.py", name, *arguments], lambda printed: printed.strip()


def memory_of(pid):
    """Bytes of the process and all below it; what they share counts once."""
    total = 0
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and (int(entry) == pid or os.getpgid(int(entry)) == pid or os.getsid(int(entry)) == pid):
                with open(f"/proc/{entry}/smaps_rollup") as file:
                    total += sum(int(line.split()[1]) << 10 for line in file if line.startswith("Pss:"))
        except OSError:
            pass
    return total


def run(command, env, watch=False):
    """(what it prints, the most memory that it had at once: 0 without `watch`)."""
    process = subprocess.Popen(
        [*map(str, command)], env=env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    most, ended = [0], threading.Event()

    def look():
        while not ended.wait(INTERVAL):
            most[0] = max(most[0], memory_of(process.pid))

    watcher = threading.Thread(target=look)
    if watch:
        watcher.start()
    printed, _ = process.communicate()
    ended.set()
    if watch:
        watcher.join()
    assert process.returncode == 0, command
    return printed, most[0]


def both(name, program, python, env, watch=False):
    """(answers, memory) of taskfarm and dask; the answers must be the same."""
    folder = tempfile.mkdtemp()
    results = []
    for command, answer in (by_taskfarm(name, program, folder), by_dask(name, python)):
        printed, memory = run(command, env, watch)
        results.append((answer(printed), memory))
    shutil.rmtree(folder)
    numbers = [numpy.array(text.split(), float) for text, _ in results]
    numpy.testing.assert_allclose(numbers[0], numbers[1], rtol=1e-4 if name == "array" else 1e-8)  # of other random numbers
    return results


def contender(name, how, program, python, env):
    """For one run: no arguments, checks that it ends well."""

    def once():
        folder = tempfile.mkdtemp()
        command = by_taskfarm(name, program, folder)[0] if how == "taskfarm" else by_dask(name, python)[0]
        run(command, env)
        shutil.rmtree(folder)

    return once
