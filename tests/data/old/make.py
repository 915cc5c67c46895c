#!/usr/bin/python3
"""make.py TASKFARM FOLDER: makes the old outputs anew, by some other version's program, in a folder that is not there yet."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
program, target = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2]).resolve()
environment = dict(
    os.environ,
    PATH=f"{program.parent}:{os.environ['PATH']}",  # outputs say which command made them: "taskfarm", wherever it was
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
    OMPI_MCA_pml="ob1",
)


def command(name):
    shutil.copy(HERE / f"{name}.json", folder)
    return ["mpirun", "-n", "3", program.name, f"{name}.json", "--slots", "2", "--progress", "none"]


def run(name, status):
    done = subprocess.run(command(name), cwd=folder, env=environment, stdin=subprocess.DEVNULL)
    assert done.returncode == status, done


def all_below(pid):
    below = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid] + [p for child in below for p in all_below(int(child))]


def kill(name):
    """kill -9 of all processes, once the tasks that do not wait have left their rows."""
    started = subprocess.Popen(command(name), cwd=folder, env=environment, stdin=subprocess.DEVNULL)
    ran = folder / "ran"
    while not ran.exists() or ran.read_text().count("commands") < 17:  # 13 that end, 4 that wait
        time.sleep(0.05)
    time.sleep(1)
    for number in (19, 9):  # SIGSTOP first, so that none starts another
        for pid in all_below(started.pid):
            os.kill(pid, number)
    started.wait()


with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    kill("killed")
    run("failed", 1)
    run("complete", 0)
    for path in list(folder.glob("*.json")) + [folder / "ran"]:
        path.unlink()
    shutil.copytree(folder, target, symlinks=True)
