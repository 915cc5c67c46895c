"""Campaigns of files of which nothing is to be run: made once, looked at again and again."""

import contextlib
import functools
import json
import os
import pathlib
import tempfile

LAYERS = 10**5 // 3
SAMPLES = 10**6
KEEP = contextlib.ExitStack()  # the folders, as long as this program runs


def fresh_folder():
    return pathlib.Path(KEEP.enter_context(tempfile.TemporaryDirectory()))


def make_files(folder, names):
    """Empty files, each no older than the one before."""
    for name in names:
        os.close(os.open(folder / name, os.O_CREAT | os.O_WRONLY))


@functools.cache
def layers():
    """(a folder, its tasks): 3 layers; each task of the last reads one of the second and one of the first. The same for
    taskfarm (b.json), for make (Makefile) and for ninja, which trusts what is there (generator)."""
    folder, n = fresh_folder(), LAYERS
    (folder / "d").mkdir()
    (folder / "pairs.csv").write_text("i,j\n" + "".join(f"{i},{(i + 1) % n}\n" for i in range(n)))
    over = {"i": {"range": [n]}}
    stages = [
        {"name": "a", "over": over, "inputs": "source", "outputs": "d/a{i}"},
        {"name": "b", "over": over, "inputs": "d/a{i}", "outputs": "d/b{i}"},
        {"name": "c", "over": [{"csv": "pairs.csv"}], "inputs": ["d/b{i}", "d/a{j}"], "outputs": "d/c{i}"},
    ]
    manifest = {"defaults": {"run": {"command": ["touch", "{outputs}"]}}, "stages": stages}
    (folder / "b.json").write_text(json.dumps(manifest))
    edges = []
    for i in range(n):
        edges += [(f"a{i}", ["source"]), (f"b{i}", [f"d/a{i}"]), (f"c{i}", [f"d/b{i}", f"d/a{(i + 1) % n}"])]
    with open(folder / "build.ninja", "w", encoding="ascii") as file:
        file.write("rule t\n  command = touch $out\n  generator = 1\n")
        file.writelines(f"build d/{out}: t {' '.join(ins)}\n" for out, ins in edges)
    with open(folder / "Makefile", "w", encoding="ascii") as file:
        file.write("all: " + " ".join(f"d/c{i}" for i in range(n)) + "\n")
        file.writelines(f"d/{out}: {' '.join(ins)}\n\ttouch $@\n" for out, ins in edges)
    make_files(folder, ["source", *(f"d/{layer}{i}" for layer in "abc" for i in range(n))])
    return folder, 3 * n


@functools.cache
def samples(count=SAMPLES):
    """(a folder, its tasks): {sample}.fasta, and of each {sample}.report."""
    folder = fresh_folder()
    (folder / "d").mkdir()
    (folder / "samples.txt").write_text("".join(f"s{i:07d}\n" for i in range(count)))
    over = {"sample": {"lines": "samples.txt"}}
    stages = [
        {"name": "fetch", "over": over, "outputs": "d/{sample}.fasta"},
        {"name": "report", "over": over, "inputs": "d/{sample}.fasta", "outputs": "d/{sample}.report"},
    ]
    (folder / "b.json").write_text(
        json.dumps({"defaults": {"run": {"command": ["touch", "{outputs}"]}}, "stages": stages})
    )
    make_files(folder, [f"d/s{i:07d}.{kind}" for kind in ("fasta", "report") for i in range(count)])
    return folder, 2 * count


def close():
    KEEP.close()
