#!/usr/bin/python3
"""draw.py LIGHTCURVES.h5 >RMS.svg: the stars by their scatter, with counts on a logarithmic scale, as the farm has counted them."""

import math
import sys

import h5py

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 360, 60, 50  # of the picture and its margins, pixels


def main(path):
    with h5py.File(path) as file:
        found = file["measure/reduce/rms"]
        counts, edges = found["rms.histogram:50:log"][0], found["rms.histogram:50:log.edges"][()]
    low, high, most = math.log10(edges[0]), math.log10(edges[-1]), math.log10(counts.max()) + 0.1

    def across(rms):
        return LEFT + (math.log10(rms) - low) / (high - low) * (WIDTH - LEFT - 20)

    def up(count):
        return HEIGHT - BOTTOM - (math.log10(count) + 0.2) / (most + 0.2) * (HEIGHT - BOTTOM - 20)

    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">')
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for count, left, right in zip(counts, edges, edges[1:]):
        if count:
            x, y = across(left), up(count)
            print(f'<rect x="{x:.1f}" y="{y:.1f}" width="{across(right) - x - 1:.1f}" height="{HEIGHT - BOTTOM - y:.1f}" fill="#4477aa"/>')
    print(f'<path d="M{LEFT} 20V{HEIGHT - BOTTOM}H{WIDTH - 20}" fill="none" stroke="black"/>')
    for power in range(math.ceil(low), math.floor(high) + 1):
        print(f'<text x="{across(10**power):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:g}</text>')
    for power in range(math.floor(most) + 1):
        print(f'<text x="{LEFT - 6}" y="{up(10**power) + 4:.1f}" text-anchor="end">{10**power}</text>')
    print(f'<text x="{WIDTH / 2}" y="{HEIGHT - 10}" text-anchor="middle">scatter of a light curve (mag)</text>')
    print(f'<text x="16" y="{HEIGHT / 2}" transform="rotate(-90 16 {HEIGHT / 2})" text-anchor="middle">stars</text>')
    print("</svg>")


if len(sys.argv) != 2:
    sys.exit("usage: draw.py LIGHTCURVES.h5 >RMS.svg")
main(sys.argv[1])
