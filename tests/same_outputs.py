#!/usr/bin/python3
"""Do two builds of taskfarm write the same of every example?

    same_outputs.py OLD NEW     two programs; each runs the examples, in folders of its own

Compared by h5diff: parameters, results, statuses, reductions and texts, but for messages, which are the program's own
words. Of the old one's attributes all but those that say when, how often and by what version;
those that the new one adds are told. Exit status 1 if anything differs.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
OF_THE_RUN = {"created", "elapsed", "runs", "taskfarm_version"}
TIMES = {"start", "duration", "cpu", "max_rss", "worker", "slot"}


def run(program, example, manifest, folder):
    """Runs one manifest in a copy of the example whose path has the same length for both. Returns the output's path."""
    shutil.copytree(EXAMPLES, folder, symlinks=True)
    there = folder / example
    if (there / "Makefile").exists():
        subprocess.run(["make", "-s", "-C", there], check=True, stdout=subprocess.DEVNULL)
    env = {**os.environ, "OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    command = [program, there / manifest, "--output", folder / "out.h5", "--slots", "2", "--progress", "none"]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{example}/{manifest}: exit status {done.returncode} of {program}: {done.stderr}")
    return folder / "out.h5"


def is_compared(name):
    parts = name.split("/")
    if len(parts) < 3:
        return False
    if parts[1] == "task":
        return parts[2] not in TIMES
    return parts[1] in ("params", "results", "reduce") or (parts[1] == "text" and not parts[2].startswith("message"))


def names(file):
    found = []
    file.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) and is_compared(name) else None)
    return found


def is_same_enum(old, new, name):
    """HDF5 compares no enums of which one has a name more: their numbers count."""
    return h5py.check_enum_dtype(old[name].dtype) and (old[name][()] == new[name][()]).all()


def attributes(file):
    found = {("", key): value for key, value in file.attrs.items() if key not in OF_THE_RUN}
    for stage, group in file.items():
        found.update({(stage, key): value for key, value in group.attrs.items() if key not in OF_THE_RUN})
    return found


def compare(old_path, new_path):
    """What differs, as lines."""
    lines = []
    with h5py.File(old_path) as old, h5py.File(new_path) as new:
        if names(old) != names(new):
            lines.append(f"datasets: {sorted(set(names(old)) ^ set(names(new)))}")
        for name in set(names(old)) & set(names(new)):
            done = subprocess.run(["h5diff", "-q", old_path, new_path, name, name], capture_output=True, text=True)
            if done.returncode and not is_same_enum(old, new, name):
                lines.append(f"{name}: h5diff says {done.returncode} {done.stdout}{done.stderr}")
        before, after = attributes(old), attributes(new)
        for key in sorted(set(before) | set(after)):
            if key not in before:
                print(f"    adds the attribute {key}")
            elif str(before[key]) != str(after.get(key)):
                lines.append(f"attribute {key}: {before[key]} != {after.get(key)}")
        return lines, len(names(old))


def main():
    bad = False
    for manifest in sorted(EXAMPLES.glob("*/*.json")):
        example, name = manifest.parent.name, manifest.name
        with tempfile.TemporaryDirectory() as top:
            paths = [run(program, example, name, pathlib.Path(top) / kind) for kind, program in zip(("old", "new"), sys.argv[1:], strict=True)]
            lines, count = compare(*paths)
        print(f"{example}/{name}: {'the same' if not lines else 'differs'} in {count} datasets")
        for line in lines:
            print("   ", line)
        bad = bad or bool(lines)
    sys.exit(1 if bad else 0)


main()
