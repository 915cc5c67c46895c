"""measure.py SPECTRUM SEED RESAMPLES: what the plugin spectra.c measures, as a command.

The same operations in the same order, and the same random numbers (Philox4x32-10 from the task's seed), so that every
number is the plugin's to the last bit.
"""

import json
import math
import sys

import numpy


def read(path):
    """Wavelengths in angstrom, and log10 wavelength and log10 F_lambda with their means subtracted."""
    unit, wavelengths, x, y = 1.0, [], [], []
    for line in open(path):
        if line.startswith("# units microns"):
            unit = 1e4
        if line.startswith("#") or not line.strip():
            continue
        wavelength, magnitude, _width = (float(word) for word in line.split())
        wavelengths.append(wavelength * unit)
        x.append(math.log10(wavelengths[-1]))
        y.append(-0.4 * magnitude - 2 * x[-1])
    mean_x, mean_y = sequential_sum(x) / len(x), sequential_sum(y) / len(y)
    return wavelengths, [v - mean_x for v in x], [v - mean_y for v in y]


def sequential_sum(values):
    total = 0.0
    for value in values:
        total += value
    return total


def slope_of(pairs):
    """The least-squares slope; each of `pairs` is one (x, y), or one (x, y) for each of many resamples as arrays."""
    n = sum_x = sum_y = sum_xx = sum_xy = 0.0
    for x, y in pairs:
        n += 1
        sum_x = sum_x + x
        sum_y = sum_y + y
        sum_xx = sum_xx + x * x
        sum_xy = sum_xy + x * y
    return (n * sum_xy - sum_x * sum_y) / (n * sum_xx - sum_x * sum_x)


def slope_error(x, y, slope):
    squares = sequential_sum([(b - slope * a) * (b - slope * a) for a, b in zip(x, y)])
    return math.sqrt(squares / (len(x) - 2) / sequential_sum([a * a for a in x]))


def philox(seed, blocks):
    """Philox4x32-10 (Salmon et al. 2011): words of `blocks` consecutive blocks from counter 0."""
    word = numpy.uint64(0xFFFFFFFF)
    half = numpy.uint64(32)
    counter = numpy.arange(blocks, dtype=numpy.uint64)
    c = [counter & word, counter >> half, numpy.zeros_like(counter), numpy.zeros_like(counter)]
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = c[0] * numpy.uint64(0xD2511F53), c[2] * numpy.uint64(0xCD9E8D57)
        c = [(b >> half) ^ c[1] ^ numpy.uint64(key[0]), b & word, (a >> half) ^ c[3] ^ numpy.uint64(key[1]), a & word]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return numpy.stack(c, axis=1).ravel()


def below(seed, n, count):
    """`count` integers in [0, n) without bias (Lemire 2019): words whose product falls short are passed over."""
    spare = 1000
    product = philox(seed, (count + spare) // 4 + 1) * numpy.uint64(n)
    accepted = product[(product & numpy.uint64(0xFFFFFFFF)) >= numpy.uint64(2**32 % n)]
    return (accepted[:count] >> numpy.uint64(32)).astype(numpy.int64)


def quantile(ordered, q):
    at = (len(ordered) - 1) * q
    low = math.floor(at)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (at - low) * (ordered[high] - ordered[low])


def main(path, seed, resamples):
    wavelengths, x, y = read(path)
    slope = slope_of(zip(x, y))
    index = below(seed, len(x), resamples * len(x)).reshape(resamples, len(x))
    array_x, array_y = numpy.array(x), numpy.array(y)
    slopes = sorted(slope_of((array_x[index[:, i]], array_y[index[:, i]]) for i in range(len(x))).tolist())
    print(
        json.dumps(
            {
                "points": len(x),
                "wavelength_min": min(wavelengths),
                "wavelength_max": max(wavelengths),
                "slope": slope,
                "slope_error": slope_error(x, y, slope),
                "slope_low": quantile(slopes, 0.025),
                "slope_high": quantile(slopes, 0.975),
            }
        )
    )


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
