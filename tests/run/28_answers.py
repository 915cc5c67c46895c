"""Examples whose answers are reductions: against numpy, the same bytes for any number of ranks and after a kill."""

import csv
import hashlib
import shutil
import subprocess
import xml.etree.ElementTree

import farm
import h5py
import numpy as np
from farm import digest


def tables(path):
    """All reductions of all stages: bytes by dataset."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset) and "/reduce/" in name:
            found[name] = item[()].tobytes()

    with h5py.File(path) as file:
        file.visititems(take)
    return found


class Answers(farm.FarmTest):
    def same_bytes(self, name, kills, more=lambda: None, ready=lambda folder: None):
        """Runs the example with 1, 2, 3 and 5 ranks, and after kills; leaves the last output as out.h5."""
        shutil.copytree(farm.example(name), self.folder / name)
        ready(self.folder / name)
        arguments = (f"{name}/manifest.json", "--output", "out.h5", "--slots", 2)
        found = []

        def clean():
            for old in [*self.folder.glob("out.h5*"), self.folder / name / "curves"]:
                shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)

        for ranks in (1, 3) if farm.SANITIZED else (1, 2, 3, 5):
            clean()
            self.taskfarm(*arguments, ranks=ranks)
            found.append((digest(self.folder / "out.h5"), tables(self.folder / "out.h5"), more()))
        for point in kills:
            clean()
            killed = self.start(*arguments, env={"TASKFARM_CRASH": point}, ranks=3)
            self.assertNotEqual(killed.wait(self.limit), 0, point)
            self.taskfarm(*arguments, ranks=2)
            found.append((digest(self.folder / "out.h5"), tables(self.folder / "out.h5"), more()))
        for other in found[1:]:
            self.assertEqual(other, found[0])

    def test_bag(self):
        """Map, keep the even ones, take their value, mean."""
        self.same_bytes("bag", ["rows.data:2", "reduce.worked_out"])
        values = [i * 37 % 101 + i / 8 for i in range(50)]
        with self.open("out.h5") as file:
            self.assertEqual(file["items/results/value"][()].tolist(), values)
            mean = file["kept/reduce/mean"]
            self.assertEqual(mean["picked.count"][0], 25)
            self.assertAlmostEqual(mean["picked.mean"][0], np.mean(values[::2]), 12)

    @farm.first
    def test_array(self):
        """The mean of 2 (sin x + 1) over an array of random numbers, chunk by chunk."""

        def ready(folder):
            manifest = folder / "manifest.json"
            if farm.SANITIZED:
                manifest.write_text(manifest.read_text().replace("[10000, 10000]", "[2500, 1700]"))

        self.same_bytes("array", ["rows.data:2"], ready=ready)
        shape = (2500, 1700) if farm.SANITIZED else (10000, 10000)
        with self.open("out.h5") as file:
            params = {name: data[()] for name, data in file["array/params"].items()}
            starts = [(i, j) for i in range(0, shape[0], 1000) for j in range(0, shape[1], 1000)]
            self.assertEqual(list(zip(params["b_start_0"], params["b_start_1"])), starts)
            counts = [(min(1000, shape[0] - i), min(1000, shape[1] - j)) for i, j in starts]
            self.assertEqual(list(zip(params["b_count_0"], params["b_count_1"])), counts)
            found = file["array/reduce/all"]
            elements = shape[0] * shape[1]
            self.assertEqual(found["elements.sum"][0], elements)
            self.assertAlmostEqual(found["mean.mean"][0], file["array/results/mean"][()].mean(), 14)
            # Of sin x for x uniform in [0, 1): the mean is 1 - cos 1, the mean square 1/2 - sin(2)/4.
            mean = 1 - np.cos(1)
            error = 2 * np.sqrt((0.5 - np.sin(2) / 4 - mean**2) / elements)
            weighted = np.average(file["array/results/mean"][()], weights=np.prod(counts, axis=1))
            self.assertAlmostEqual(weighted, 2 * (mean + 1), delta=5 * error)

    def test_groupby(self):
        """Mean and standard deviation by key, over a table in ten files."""

        def ready(folder):
            for part in sorted((folder / "parts").iterdir()):
                if farm.SANITIZED and part.name > "part_1.csv":
                    part.unlink()

        self.same_bytes("groupby", ["rows.data:2", "reduce.worked_out"], ready=ready)
        groups = {}
        for part in (self.folder / "groupby" / "parts").iterdir():
            for row in csv.DictReader(part.open()):
                groups.setdefault(row["key"].encode(), []).append(float(row["value"]))
        with self.open("out.h5") as file:
            found = file["groupby/reduce/by_key"]
            self.assertEqual(found["key"][()].tolist(), sorted(groups))
            for g, key in enumerate(found["key"]):
                values = np.array(groups[key])
                self.assertEqual(found["value.count"][g], len(values))
                self.assertEqual(found["scaled.max"][g], values.max() / 2)
                np.testing.assert_allclose(found["value.mean"][g], values.mean(), rtol=1e-13)
                np.testing.assert_allclose(found["value.std"][g], values.std(ddof=1), rtol=1e-12)

    def test_lightcurves(self):
        """The robust scatter of 1000 light curves: variable stars stand out, whatever single points are wrong."""
        curves = self.folder / "lightcurves" / "curves"

        def files():
            return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in curves.iterdir()}

        self.same_bytes("lightcurves", ["rows.data:40", "reduce.worked_out"], files)
        self.assertEqual(len(files()), 1000)
        with self.open("out.h5") as file:
            stage = file["measure"]
            rms, std, variable = (stage["results"][name][()] for name in ("rms", "std", "variable"))
            np.testing.assert_array_equal(variable, np.arange(1000) % 10 == 0)
            self.assertGreater(rms[variable].min(), 5 * rms[~variable].max(), "they stand out")
            self.assertGreater(std[~variable].max(), std[variable].min() / 2, "by the standard deviation they would not")
            self.assertLess(rms[~variable].max(), 0.025)
            found = stage["reduce/rms"]
            self.assertEqual(found["rms.count"][0], 1000)
            self.assertEqual(found["rms.median"][0], np.median(rms))
            self.assertEqual(found["rms.mad"][0], np.median(abs(rms - np.median(rms))))
            self.assertEqual(found["rms.quantile:0.9"][0], np.quantile(rms, 0.9))
            edges = found["rms.histogram:50:log.edges"][()]
            np.testing.assert_array_equal(found["rms.histogram:50:log"][0], np.histogram(rms, edges)[0])
            kinds = stage["reduce/by_kind"]
            self.assertEqual(kinds["rms.count"][()].tolist(), [900, 100])
            self.assertEqual(kinds["rms.max"][0], rms[~variable].max())
            candidates = stage["reduce/candidates"]
            self.assertEqual(candidates["rms.count"][0], 100)
            self.assertEqual(candidates["rms.topk:10.task"][0].tolist(), np.argsort(-rms)[:10].tolist())
            bars = np.count_nonzero(found["rms.histogram:50:log"][0])
        drawn = subprocess.run(
            ["/usr/bin/python3", self.folder / "lightcurves" / "draw.py", self.folder / "out.h5"], check=True, capture_output=True
        )
        svg = xml.etree.ElementTree.fromstring(drawn.stdout)
        self.assertEqual(len(svg.findall("{http://www.w3.org/2000/svg}rect")), 1 + bars)


farm.main()
