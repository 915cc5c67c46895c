"""loops.py sine SIDE | blocks FILE COUNT: seconds that numpy takes in two processes for what taskfarm does with batches, or
with blocks of a file; the same bytes are written."""

import multiprocessing
import os
import sys
import time

import numpy as np


def sine(part, side):
    x, y = np.linspace(0, 100, side), np.linspace(0, 1, side)
    lines = max(1, 43690 // side)
    out = os.open("plain.bin", os.O_WRONLY)
    for line in range(part * side // 2, (part + 1) * side // 2, lines):
        some = x[line : min(line + lines, (part + 1) * side // 2)]
        z = np.sin(np.repeat(some, side)) + np.tile(y, len(some))
        os.pwrite(out, z.data, 8 * line * side)


def blocks(part, path, count):
    import h5py

    out = os.open("plain.bin", os.O_WRONLY)
    with h5py.File(path) as file:
        dataset = file["z"]
        size = dataset.shape[0] // count
        block = np.empty(size)
        for n in range(part * count // 2, (part + 1) * count // 2):
            dataset.read_direct(block, np.s_[n * size : (n + 1) * size])
            os.pwrite(out, np.float64(block.sum()).tobytes(), 8 * n)


def main():
    what, *arguments = sys.argv[1:]
    arguments = [int(a) if a.isdigit() else a for a in arguments]
    with open("plain.bin", "wb") as file:
        file.truncate(8 * (arguments[0] ** 2 if what == "sine" else arguments[1]))
    started = time.perf_counter()
    run = [multiprocessing.Process(target=globals()[what], args=(part, *arguments)) for part in range(2)]
    for process in run:
        process.start()
    for process in run:
        process.join()
        assert process.exitcode == 0
    print(time.perf_counter() - started)


if __name__ == "__main__":
    main()
