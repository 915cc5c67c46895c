"""Which stars vary? A thousand light curves, named in a text file, and the robust scatter of each.

A light curve is 1000 points of photon noise; one star in ten varies, by a sine of amplitude 0.01 to 0.1. The variable
stars stand out in the histogram of the scatter, which is drawn into lightcurves.png. This is so little work that most
of the time goes into the start.

It needs pip install './src/python[notebooks]' astropy.
"""

import pathlib

import astropy.stats
import matplotlib.pyplot as plt
import numpy as np
import taskfarm

POINTS, NOISE = 1000, 0.005


def observe(rng: np.random.Generator) -> tuple[np.ndarray, bool]:
    """A light curve, made up: magnitudes, and whether the star varies."""
    magnitude = rng.normal(15, NOISE, POINTS)
    varies = rng.random() < 0.1
    if varies:
        days = np.linspace(0, 30, POINTS)
        magnitude += rng.uniform(0.01, 0.1) * np.sin(2 * np.pi * days / rng.uniform(0.5, 5))
    return magnitude, varies


def measure(curve, rng):
    """The scatter, as 1.4826 times the median of the absolute deviations from the median."""
    magnitude, varies = observe(rng)
    return {"rms": astropy.stats.mad_std(magnitude), "mean": magnitude.mean(), "varies": varies}


names = pathlib.Path("curves.txt")
names.write_text("".join(f"star_{star:04d}.dat\n" for star in range(1000)))

curves = names.read_text().split()
run = taskfarm.map(measure, taskfarm.product(curve=curves), output="lightcurves.h5")

table = run.frame
print(table[["curve", "rms", "mean", "varies"]].head())
print(table["rms"].describe())
print(f"{(table['rms'] > 1.5 * NOISE).sum()} stars vary, of {len(table)}")

figure, axes = plt.subplots()
axes.hist(table["rms"], bins=np.geomspace(0.004, 0.12, 50))
axes.set(xscale="log", yscale="log", xlabel="robust scatter (mag)", ylabel="stars")
figure.savefig("lightcurves.png")
