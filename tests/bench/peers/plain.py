"""Functions that the Python benchmarks call; this module imports nothing."""


def increment(x):
    return x + 1
