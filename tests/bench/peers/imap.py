"""imap.py MODULE TASKS: seconds that multiprocessing.Pool(2).imap takes for so many tasks in chunks of 1000, from the pool's
creation, results in a list."""

import importlib
import multiprocessing
import sys
import time

if __name__ == "__main__":
    function = importlib.import_module(sys.argv[1]).increment
    tasks = int(sys.argv[2])
    started = time.perf_counter()
    with multiprocessing.Pool(2) as pool:
        results = list(pool.imap(function, range(tasks), chunksize=1000))
    seconds = time.perf_counter() - started
    assert results[-1] == tasks
    print(seconds)
