"""make.py > points.csv: the table anew, with scipy."""

from scipy.stats import qmc

PLACES = [*range(8), 100, 1000, 4095, 65537, 1000000]

print("index," + ",".join(f"d{d}" for d in range(64)))
for place in PLACES:
    sampler = qmc.Sobol(64, scramble=False, bits=32)
    if place:
        sampler.fast_forward(place)
    print(f"{place}," + ",".join(str(int(x * 2**32)) for x in sampler.random(1)[0]))
