"""pool.py TASKS CHUNK: seconds that multiprocessing.Pool(2).imap takes for so many tasks."""

import multiprocessing
import sys
import time


def increment(x):
    return x + 1


if __name__ == "__main__":
    tasks, chunk = map(int, sys.argv[1:])
    with multiprocessing.Pool(2) as pool:
        pool.map(increment, range(100))
        started = time.perf_counter()
        total = sum(pool.imap(increment, range(tasks), chunksize=chunk))
        seconds = time.perf_counter() - started
    assert total == tasks * (tasks + 1) // 2
    print(seconds)
