"""The standard error of a median, by the bootstrap: 20 000 samples drawn anew from the data, a task each.

The data go to all tasks as a common value: written once, and mapped into the memory of each process. The answer is a
reduction, which the engine works out; it is the same to the last bit for any number of processes.

It needs pip install './src/python[xarray,cloudpickle]'.
"""

import numpy as np
import taskfarm


def resampled(replicate: int, sample: np.ndarray, rng: np.random.Generator) -> float:
    """The median of as many values, drawn from the sample with replacement."""
    return np.median(rng.choice(sample, sample.size))


sample = np.random.default_rng(1).lognormal(size=401)

run = taskfarm.map(
    resampled,
    taskfarm.product(replicate=range(20_000)),
    output="bootstrap.h5",
    common={"sample": sample},
    reduce={"interval": {"columns": {"result": ["mean", "std", "quantile:0.025", "quantile:0.975"]}}},
)

found = run.reductions["interval"]
print(f"median {np.median(sample):.3f} +- {found['result.std'].item():.3f}")
print(f"95 % in [{found['result.quantile:0.025'].item():.3f}, {found['result.quantile:0.975'].item():.3f}]")
