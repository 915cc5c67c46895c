"""dask_map.py TASKS: seconds that dask.distributed takes for so many tasks on two workers of one thread."""

import sys
import time

from distributed import Client, LocalCluster


def increment(x):
    return x + 1


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.gather(client.map(increment, range(-100, 0)))
        started = time.perf_counter()
        total = sum(client.gather(client.map(increment, range(tasks))))
        seconds = time.perf_counter() - started
    assert total == tasks * (tasks + 1) // 2
    print(seconds)
