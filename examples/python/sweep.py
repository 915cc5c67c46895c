"""The signal-to-noise ratio at which a transit is seen, over a grid of depths and periods."""

import numpy as np
import taskfarm


def transit(depth, period, rng):
    flux = 1 - depth * (np.arange(1000) % period < 1) + rng.normal(0, 1e-3, 1000)
    return {"snr": depth / flux.std() * 1000**0.5, "residual": flux - 1}


grid = taskfarm.product(depth=np.geomspace(1e-4, 1e-2, 50), period=[1, 3, 10])
run = taskfarm.map(transit, grid, output="transit.h5")

print(run.dataset)
print(run.dataset.snr.sel(period=3).max().item())
