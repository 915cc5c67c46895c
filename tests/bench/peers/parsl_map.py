"""parsl_map.py TASKS: seconds that Parsl takes for so many tasks on two workers of its HighThroughputExecutor."""

import sys
import time

import parsl
from parsl.config import Config
from parsl.executors import HighThroughputExecutor
from parsl.providers import LocalProvider


@parsl.python_app
def increment(x):
    return x + 1


if __name__ == "__main__":
    tasks = int(sys.argv[1])
    executor = HighThroughputExecutor(
        max_workers_per_node=2, address="127.0.0.1", encrypted=False, provider=LocalProvider(init_blocks=1, max_blocks=1)
    )
    with parsl.load(Config(executors=[executor], strategy="none")):
        assert sum(future.result() for future in [increment(x) for x in range(20)]) == 210
        started = time.perf_counter()
        total = sum(future.result() for future in [increment(x) for x in range(tasks)])
        seconds = time.perf_counter() - started
    assert total == tasks * (tasks + 1) // 2
    print(seconds)
