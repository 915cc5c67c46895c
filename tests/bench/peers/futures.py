"""mpirun -n 3 python3 -m mpi4py.futures futures.py TASKS CHUNK: seconds that mpi4py.futures takes for so many tasks."""

import sys
import time

from mpi4py.futures import MPIPoolExecutor


def increment(x):
    return x + 1


if __name__ == "__main__":
    tasks, chunk = map(int, sys.argv[1:])
    with MPIPoolExecutor() as executor:
        list(executor.map(increment, range(100)))
        started = time.perf_counter()
        total = sum(executor.map(increment, range(tasks), chunksize=chunk))
        seconds = time.perf_counter() - started
    assert total == tasks * (tasks + 1) // 2
    print(seconds)
