"""The power law F_lambda ~ lambda^slope of a spectrum: a service, so that numpy is imported once a slot, not once a task."""

import numpy
from taskfarm import serve

RESAMPLES = 200


def read(path):
    """log10 wavelength and log10 F_lambda of a spectrum in magnitudes (AB: F_nu)."""
    with open(path) as file:
        microns = "# units microns" in file.read()
    wavelength, magnitude = numpy.loadtxt(path, usecols=(0, 1), unpack=True)
    x = numpy.log10(wavelength * (1e4 if microns else 1))
    return x, -0.4 * magnitude - 2 * x


def slopes(x, y):
    """Least squares along the last axis."""
    x, y = x - x.mean(-1, keepdims=True), y - y.mean(-1, keepdims=True)
    return (x * y).sum(-1) / (x * x).sum(-1)


def measure(spectrum, task):
    x, y = read(spectrum)
    random = numpy.random.default_rng(task.seed)  # the task's own: the same on any slot
    picks = random.integers(len(x), size=(RESAMPLES, len(x)))
    slope = slopes(x, y)
    rest = y - y.mean() - slope * (x - x.mean())
    bins = numpy.array_split(rest, 8)
    return {
        "points": len(x),
        "slope": slope,
        "slope_error": slopes(x[picks], y[picks]).std(ddof=1),
        "residuals": numpy.array([part.std() for part in bins], dtype="f4"),
    }


serve(measure)
