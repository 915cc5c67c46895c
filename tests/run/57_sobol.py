"""Axes of Sobol' sequences: the points that scipy gives, from 1 rank and from several, and what can be done with them."""

import csv
import json

import farm
import h5py
import numpy as np
from farm import digest

# Points of 64 dimensions, times 2^32: see the README there.
with open(farm.SOURCE / "tests/data/sobol/points.csv") as table:
    POINTS = {int(row.pop("index")): [int(x) / 2**32 for x in row.values()] for row in csv.DictReader(table)}

BOX = {"x": [-2, 5], "y": [1e-3, 1e-1, "log"]}


def sobol(sides, count):
    return {"points": {"sobol": sides, "count": count}}


@farm.first
class Sobol(farm.FarmTest):
    def parameters(self, stage="c", name="c.h5"):
        with h5py.File(self.folder / name) as file:
            return {key: value[()] for key, value in file[f"{stage}/params"].items()}

    def test_the_points_are_those_of_scipy(self):
        sides = {f"d{d}": [0, 1] for d in range(64)}
        for ranks in (None, 3):
            self.write("c.json", {"over": sobol(sides, 4500), "run": {"function": "builtin:noop"}})
            self.taskfarm("c.json", "--fresh", ranks=ranks)
            found = self.parameters()
            for index, point in POINTS.items():
                if index < 4500:
                    self.assertEqual([found[name][index] for name in sides], point, index)
        run = {"expr": {"z": "d0 + d63"}}
        self.write("far.json", {"over": sobol(sides, 1000001), "run": run, "store_params": False})
        self.taskfarm("far.json")
        with h5py.File(self.folder / "far.h5") as file:
            z = file["far/results/z"][()]
        for index, point in POINTS.items():
            told = json.loads(self.taskfarm("show", "far.h5", index, "--json").stdout)
            self.assertEqual(list(told["parameters"].values()), point, index)
            self.assertEqual(z[index], point[0] + point[63], index)

    def test_sides_are_half_open(self):
        self.write("c.json", {"over": sobol(BOX, 4096), "run": {"function": "builtin:noop"}})
        self.taskfarm("c.json")
        self.write("u.json", {"over": sobol({"x": [0, 1], "y": [0, 1]}, 4096), "run": {"function": "builtin:noop"}})
        self.taskfarm("u.json")
        found, share = self.parameters(), self.parameters("u", "u.h5")
        np.testing.assert_array_equal(found["x"], share["x"] * 7 - 2)  # as scipy.stats.qmc.scale
        np.testing.assert_allclose(found["y"], np.exp(np.log(1e-3) + share["y"] * np.log(100)), rtol=1e-14)
        for name, (low, high, *_) in BOX.items():
            self.assertEqual(found[name][0], low)
            self.assertTrue((found[name] >= low).all() and (found[name] < high).all())
        near = {"x": [1, 1 + 2**-51], "y": [1, 1 + 2**-51, "log"]}  # every number between rounds to an end
        self.write("n.json", {"over": sobol(near, 64), "run": {"function": "builtin:noop"}})
        self.taskfarm("n.json")
        for values in self.parameters("n", "n.h5").values():
            self.assertTrue((values >= 1).all() and (values < 1 + 2**-51).all(), values)

    def test_it_is_an_axis_like_others(self):
        """Multiplied with others, side by side with them, as points of another stage, in reductions."""
        first = {
            "name": "first",
            "over": [{"name": "k", "values": [1, 2, 3]}, {"sobol": BOX, "count": 256}],
            "run": {"expr": {"z": "10 * k + x"}},
            "reduce": {"by_k": {"by": "k", "columns": {"x": ["mean", "min"], "z": ["count"]}}},
        }
        second = {"name": "second", "over": [{"from": "first", "columns": ["x", "z"]}], "run": {"expr": {"k": "(z - x) / 10"}}}
        zipped = {"zip": [{"sobol": {"a": [0, 1]}, "count": 3}, {"name": "n", "range": [3]}]}
        third = {"name": "third", "over": [zipped], "run": {"command": "echo {a:.3f} {n}"}}
        self.write("c.json", {"stages": [first, second, third]})
        told = json.loads(self.taskfarm("check", "c.json", "--json").stdout)["stages"]
        self.assertEqual(told[0]["tasks"], 768)
        self.assertEqual(told[0]["parameters"], [{"name": "k", "type": "int64"}, {"name": "x", "type": "float64"}, {"name": "y", "type": "float64"}])
        planned = json.loads(self.taskfarm("plan", "c.json", "--json").stdout)["stages"]
        self.assertEqual([s["run"] for s in planned], [768, 768, 3])
        digests = []
        for ranks in (None, 3):
            self.taskfarm("c.json", "--fresh", ranks=ranks)
            digests.append(digest(self.folder / "c.h5"))
            with self.open("c.h5") as file:
                means = file["first/reduce/by_k/x.mean"][()]
                np.testing.assert_allclose(means, [7 * 255 / 512 - 2] * 3, rtol=1e-14)  # 0, 1/256 ... 255/256 in some order
                np.testing.assert_allclose(file["second/results/k"][()], np.repeat([1, 2, 3], 256))
                self.assertEqual(self.heap(file["third"], "stdout"), [b"0.000 0\n", b"0.500 1\n", b"0.750 2\n"])
        self.assertEqual(digests[0], digests[1])

    def test_more_points_keep_those_that_there_are(self):
        for store in (True, False):
            with self.subTest(store=store):
                run = {"command": "echo {index} >> ran; echo {x} {y}"}
                manifest = {"run": run, "store_params": store, "results": {"got": {"type": "float64", "from": "field:1"}}}
                self.write("c.json", {"over": sobol(BOX, 20), **manifest})
                self.taskfarm("c.json", "--fresh")
                (self.folder / "ran").unlink()
                self.write("c.json", {"over": sobol(BOX, 33), **manifest})
                self.assertIn("going on: 20 of 33 tasks are done", self.taskfarm("c.json", ranks=3).stderr)
                ran = (self.folder / "ran").read_text().split()
                self.assertEqual(sorted(map(int, ran)), list(range(20, 33)))
                grown = digest(self.folder / "c.h5")
                self.taskfarm("c.json", "--fresh")
                self.assertEqual(digest(self.folder / "c.h5"), grown)
                self.write("c.json", {"over": sobol({**BOX, "x": [-2, 6]}, 33), **manifest})
                self.assertIn("the space changed", self.taskfarm("c.json", status=3).stderr)


if __name__ == "__main__":
    farm.main()
