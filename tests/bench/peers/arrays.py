"""Functions that the Python benchmarks call; this module imports numpy."""

import numpy as np


def increment(x):
    return x + 1


def sine(x, y):
    return np.sin(x) + y


def total(z):
    return float(z.sum())
