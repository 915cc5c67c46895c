"""Arrays that are larger than what is in memory of them: blocks of files and of other stages, and columns that are arrays."""

import unittest

import farm
import h5py
import numpy as np
import xarray
from farm import DONE, FAILED, digest, reductions

SKIPPED = 4
RANKS = (None, 3) if farm.SANITIZED else (None, 2, 3, 5)
PLUGIN = str(farm.BUILD / "tests" / "libtest_plugin.so")


def around(x):
    """The sum of 3 x 3 elements, with what is beyond the edge left out."""
    total = np.zeros(x.shape)
    wide = np.pad(x, 1)
    for i in range(3):
        for j in range(3):
            total += wide[i : i + x.shape[0], j : j + x.shape[1]]
    return total


def chain(shape):
    """Random numbers; what is around them; both together with those of a file."""
    return {
        "seed": 5,
        "stages": [
            {
                "name": "make",
                "over": {"b": {"blocks": {"shape": shape, "chunk": [10, 16]}}},
                "run": {"expr": {"m": "b_start_0", "x": "random() + m", "n": "floor(4 * random())"}},
                "results": {"x": {"type": "float32", "array": "b"}, "n": {"type": "int16", "array": "b"}},
                "reduce": {
                    "all": {"columns": {"x": ["count", "sum", "mean", "std", "median", "argmin", "argmax", "first", "topk:3"], "m": ["mean"]}},
                    "some": {"by": ["n", "b_start_1"], "where": "x > 20 && b_start_1 < 30", "columns": {"x": ["mean", "mad", "argmax", "histogram:4"]}},
                },
            },
            {
                "name": "blur",
                "over": {"c": {"blocks": {"shape": shape, "chunk": [7, 30]}}},
                "arrays": {"x": {"from": "make", "halo": 1, "type": "float64"}},
                "run": {"function": PLUGIN + ":blur"},
                "results": {"y": {"type": "float32", "array": "c"}},
            },
            {
                "name": "use",
                "over": {"d": {"blocks": {"shape": shape, "chunk": [8, 50]}}},
                "arrays": {"x": {"from": "make"}, "blurred": {"from": "blur", "column": "y"}, "z": "in.h5:/deep/z"},
                "run": {"expr": {"y": "blurred / 9 - x + (z > 100 ? z : 0)"}},
                "results": {"y": {"type": "float64", "array": "d"}},
            },
        ],
    }


class Arrays(farm.FarmTest):
    def input(self, shape, name="in.h5"):
        with h5py.File(self.folder / name, "w") as file:
            data = np.arange(np.prod(shape)).reshape(shape)
            return file.create_dataset("deep/z", data=data.astype(">i4"), chunks=(7, 9), compression="gzip")[()]

    def test_a_chain_of_arrays(self):
        shape = [37, 50]
        z = self.input(shape)
        manifest = chain(shape)
        manifest["stages"][1]["run"]["function"] = PLUGIN + ":blurs"
        self.write("a.json", manifest)
        checked = self.taskfarm("check", "a.json").stdout
        for line in ("array x: float64, column x of stage make", "array x: float32, column x of stage make", "array z: float64, in.h5:/deep/z"):
            self.assertIn(f"  {line}\n", checked)
        found = []
        for ranks in RANKS:
            self.taskfarm("a.json", "--fresh", "--slots", 2, ranks=ranks)
            found.append((digest(self.folder / "a.h5"), reductions(self.folder / "a.h5")))
        for point in ("rows.data:3", "rows.texts:9", "change.flushed:4", "reduce.worked_out", "layout.made:2"):
            env = {"TASKFARM_CRASH": point}
            killed = self.start("a.json", "--fresh", env=env, ranks=2)
            self.assertNotEqual(killed.wait(self.limit), 0, point)
            self.taskfarm("a.json", ranks=3)
            found.append((digest(self.folder / "a.h5"), reductions(self.folder / "a.h5")))
        for other in found[1:]:
            self.assertEqual(other, found[0])
        with self.open("a.h5") as file:
            x, n = file["make/results/x"][()], file["make/results/n"][()]
            self.assertEqual((x.dtype, x.shape, file["make/results/x"].chunks), (np.float32, (37, 50), (10, 16)))
            rows = np.repeat(np.arange(0, 40, 10), 10)[:37, None]
            np.testing.assert_array_equal(np.floor(x) - rows, np.zeros(shape))
            self.assertEqual(len(np.unique(x)), x.size)
            np.testing.assert_array_equal(np.unique(n), [0, 1, 2, 3])
            blurred = file["blur/results/y"][()]
            np.testing.assert_array_equal(blurred, around(x.astype(float)).astype(np.float32))
            y = blurred.astype(float) / 9 - x + np.where(z > 100, z, 0)
            np.testing.assert_allclose(file["use/results/y"][()], y, rtol=1e-15)
            self.check_reductions(file["make/reduce"], x.astype(float), n)
        with xarray.open_dataset(self.folder / "a.h5", group="make/results", engine="h5netcdf") as data:
            self.assertEqual(data["x"].dims, ("b_0", "b_1"))
            np.testing.assert_array_equal(data["x"].values, x)

    def check_reductions(self, reduce, x, n):
        every, some = reduce["all"], reduce["some"]
        self.assertEqual(every["x.count"][0], x.size)
        self.assertEqual(every["rows"][0], x.size)
        self.assertAlmostEqual(every["x.sum"][0], x.sum(), 8)
        self.assertAlmostEqual(every["x.mean"][0], x.mean(), 12)
        self.assertAlmostEqual(every["x.std"][0], x.std(ddof=1), 12)
        self.assertEqual(every["x.median"][0], np.median(x))
        self.assertEqual((every["x.argmin"][0], every["x.argmax"][0]), (x.argmin(), x.argmax()))
        self.assertEqual(every["x.first"][0], x[0, 0])
        np.testing.assert_array_equal(every["x.topk:3.element"][0], np.argsort(-x, axis=None)[:3])
        starts = np.repeat(np.arange(0, 40, 10), 10)[:37]
        self.assertAlmostEqual(every["m.mean"][0], starts.mean(), 12)
        columns = np.broadcast_to(np.arange(50) // 16 * 16, x.shape)
        kept = (x > 20) & (columns < 30)
        keys = sorted(set(zip(n[kept].tolist(), columns[kept].tolist())))
        self.assertEqual(list(zip(some["n"][()], some["b_start_1"][()])), keys)
        for i, (key, column) in enumerate(keys):
            chosen = kept & (n == key) & (columns == column)
            values = x[chosen]
            self.assertEqual(some["rows"][i], chosen.sum())
            self.assertAlmostEqual(some["x.mean"][i], values.mean(), 12)
            self.assertEqual(some["x.mad"][i], np.median(abs(values - np.median(values))))
            self.assertEqual(some["x.argmax"][i], np.where(chosen, x, -1).argmax())
            counts, _ = np.histogram(values, some["x.histogram:4.edges"][()])
            np.testing.assert_array_equal(some["x.histogram:4"][i], counts)

    @farm.first
    def test_a_halo_is_cut_off_or_as_in_a_mirror(self):
        z = self.input([11, 9]).astype(float)
        for halo, edge in (([2, 3], "clip"), ([2, 3], "reflect"), ([11, 9], "reflect"), (1, "clip")):
            stage = {
                "over": {"b": {"blocks": {"shape": [11, 9], "chunk": [4, 3]}}},
                "arrays": {"x": {"dataset": "in.h5:/deep/z", "halo": halo, "edge": edge}},
                "run": {"function": PLUGIN + ":blur"},
                "results": {"y": {"type": "float32", "array": "b"}},
            }
            self.write("h.json", stage)
            self.taskfarm("h.json", "--fresh")
            wide = np.pad(z, 1, mode="symmetric" if edge == "reflect" else "constant")
            expected = around(wide)[1:-1, 1:-1]
            with self.open("h.h5") as file:
                np.testing.assert_array_equal(file["h/results/y"][()], expected.astype(np.float32), (halo, edge))

    @farm.first
    def test_other_axes_are_dimensions_too(self):
        over = [
            {"name": "band", "values": ["g", "r"]},
            {"name": "b", "blocks": {"shape": [13], "chunk": [5]}},
            {"name": "scale", "range": [1, 4]},
        ]
        run = {"expr": {"y": "scale * (band == 'g' ? 1 : -1) + 0 * z", "whole": "round(y)"}}
        with h5py.File(self.folder / "z.h5", "w") as file:
            file["z"] = np.ones(13)
        columns = {"y": {"type": "float64", "array": "b"}, "whole": {"type": "int8", "array": "b"}}
        self.write("o.json", {"over": over, "arrays": {"z": "z.h5:/z"}, "run": run, "results": columns})
        self.taskfarm("o.json", ranks=2)
        expected = np.ones((2, 13, 3)) * [[[1]], [[-1]]] * np.arange(1, 4)
        with self.open("o.h5") as file:
            np.testing.assert_array_equal(file["o/results/y"][()], expected)
            np.testing.assert_array_equal(file["o/results/whole"][()], expected)
        with xarray.open_dataset(self.folder / "o.h5", group="o/results", engine="h5netcdf") as data:
            self.assertEqual(data["y"].dims, ("band", "b", "scale"))

    def test_blocks_of_a_task_that_failed_are_not_used(self):
        manifest = chain([37, 50])
        manifest["stages"][1]["run"]["args"] = {"break_at": 30}
        self.input([37, 50])
        self.write("f.json", manifest)
        self.taskfarm("f.json", status=1)
        with self.open("f.h5") as file:
            np.testing.assert_array_equal(file["blur/task/status"][:3], [DONE, FAILED, DONE])
            np.testing.assert_array_equal(file["use/task/status"][()], [SKIPPED] + [DONE] * 4)
            self.assertTrue(np.isnan(file["blur/results/y"][:7, 30:]).all())
            self.assertEqual(self.heap(file["use"], "message")[0], b"what it takes from another stage is not done")

    def test_a_larger_array_keeps_the_blocks_that_were_there(self):
        def manifest(shape):
            run = {"expr": {"x": "random()", "at": "index"}}
            columns = {"x": {"type": "float64", "array": "b"}, "at": "int64"}
            return {"over": {"b": {"blocks": {"shape": shape, "chunk": [10, 16]}}}, "run": run, "results": columns}

        self.write("g.json", manifest([20, 48]))
        self.taskfarm("g.json")
        with self.open("g.h5") as file:
            before, at = file["g/results/x"][()], file["g/results/at"][()]
        self.write("g.json", manifest([30, 64]))
        done = self.taskfarm("g.json", ranks=2)
        self.assertIn("12 done, 0 failed, 6 of them before", done.stderr)
        with self.open("g.h5") as file:
            np.testing.assert_array_equal(file["g/results/x"][:20, :48], before)
            expected = np.arange(12).reshape(3, 4)
            expected[:2, :3] = at.reshape(2, 3)
            np.testing.assert_array_equal(file["g/results/at"][()], expected.ravel())

    def test_a_file_that_has_changed_is_read_again(self):
        self.input([37, 50])
        self.write("a.json", chain([37, 50]))
        self.taskfarm("a.json")
        self.assertIn("nothing is to be run", self.taskfarm("plan", "a.json").stdout)
        z = self.input([37, 50])
        with h5py.File(self.folder / "in.h5", "r+") as file:
            file["deep/z"][...] = z + 1
        plan = self.taskfarm("plan", "a.json", "-v").stdout
        self.assertIn("5 of 33 tasks", plan)
        self.assertIn("input in.h5 is newer than the task's last run", plan)
        with self.open("a.h5") as file:
            before = file["use/results/y"][()]
        self.taskfarm("a.json")
        with self.open("a.h5") as file:
            np.testing.assert_allclose(file["use/results/y"][()] - before, np.where(z > 100, 1, np.where(z == 100, 101, 0)), atol=1e-9)

    @farm.first
    def test_what_is_made_again_takes_with_it_what_is_made_of_it(self):
        """Also where that has files of its own."""
        self.input([37, 50])
        self.write("a.json", chain([37, 50]))
        self.taskfarm("a.json")
        plan = self.taskfarm("plan", "a.json", "--force", "blur", "-v").stdout
        self.assertIn("17 of 33 tasks", plan)
        self.assertIn("use[d_start_0=0, d_start_1=0, d_count_0=8, d_count_1=50]: what it takes from another stage will be made again", plan)
        self.assertIn("33 done, 0 failed, 16 of them before", self.taskfarm("a.json", "--force", "blur").stderr)

    @farm.first
    def test_what_the_file_lacks_is_told_before_anything_runs(self):
        self.input([37, 50])
        self.write("text.h5", "no HDF5")
        with h5py.File(self.folder / "in.h5", "r+") as file:
            file["words"] = ["a", "b"]
            file["flat"] = np.zeros(7)
        cases = {
            "in.h5:/deep/y": "in.h5: has no dataset /deep/y",
            "in.h5:/words": "in.h5: /words is no array of numbers",
            "in.h5:/flat": 'in.h5: /flat has 7, and the axis "b" 37 x 50',
            "text.h5:/x": "text.h5: can't be read as an HDF5 file",
            "m.h5:/m/results/y": "m.h5: is the campaign's own output; {\"from\": STAGE, \"column\": NAME} takes an array of it",
        }
        for dataset, text in cases.items():
            over = {"b": {"blocks": {"shape": [37, 50], "chunk": [10, 16]}}}
            self.write("m.json", {"over": over, "arrays": {"x": dataset}, "run": {"expr": {"y": "1"}}})
            done = self.taskfarm("m.json", status=2)
            self.assertEqual(done.stderr, f"m.json: /arrays/x: {text}\n", "HDF5 says nothing of its own")
            self.assertEqual(self.taskfarm("check", "m.json", status=2).stderr, done.stderr)
            self.assertFalse((self.folder / "m.h5").exists())

    def test_a_file_that_is_made_meanwhile(self):
        """The other stage's command makes it; a wrong one ends the run, and what is done stays."""
        make = "import h5py, sys, numpy; h5py.File(sys.argv[1], 'w')['x'] = numpy.arange(int(sys.argv[2]))"
        stages = [
            {"name": "make", "run": {"command": ["/usr/bin/python3", "-c", make, "{outputs}", "{length}"]}, "outputs": ["made.h5"]},
            {
                "name": "use",
                "over": {"b": {"blocks": {"shape": [10], "chunk": [4]}}},
                "arrays": {"x": "made.h5:/x"},
                "run": {"expr": {"y": "x**2"}},
                "results": {"y": {"type": "int32", "array": "b"}},
            },
        ]
        self.write("m.json", {"variables": {"length": 9}, "stages": stages})
        done = self.taskfarm("m.json", status=3, ranks=2)
        self.assertIn('made.h5: array "x" of stage "use": /x has 9, and the axis "b" 10', done.stderr)
        self.taskfarm("m.json", "--fresh", "--set", "length=10", ranks=2)
        with self.open("m.h5") as file:
            np.testing.assert_array_equal(file["use/results/y"][()], np.arange(10) ** 2)

    def test_a_plugin_that_asks_for_what_is_not_there(self):
        stage = {"over": {"b": {"blocks": {"shape": [4], "chunk": [4]}}}, "run": {"function": PLUGIN + ":lost"}}
        self.write("l.json", stage)
        self.taskfarm("l.json", status=1)
        with self.open("l.h5") as file:
            self.assertEqual(
                self.heap(file["l"], "message"), [b'lost needs an array "nowhere", and the stage has none of that name']
            )

    @unittest.skipIf(farm.SANITIZED, "sanitizers take the memory for themselves")
    def test_an_array_of_twice_the_memory(self):
        """2 GiB are written, read again and reduced with 1 GiB for all processes."""
        limit = farm.MemoryLimit(self, 1 << 30)
        over = {"b": {"blocks": {"shape": [16384, 16384], "chunk": [1024, 1024]}}}
        make = {
            "name": "make",
            "over": over,
            "run": {"expr": {"x": "b_start_0 + (b_start_1 > 8000 ? 0.5 : 0)"}},
            "results": {"x": {"type": "float64", "array": "b"}},
        }
        use = {
            "name": "use",
            "over": over,
            "arrays": {"x": {"from": "make"}},
            "run": {"expr": {"whole": "x == floor(x)"}},
            "results": {"whole": {"type": "bool", "array": "b"}},
            "reduce": {"all": {"columns": {"whole": ["sum"]}}},
        }
        self.write("big.json", {"stages": [make, use]})
        limit.run(self.command("big.json", "--slots", 2))
        with self.open("big.h5") as file:
            self.assertGreaterEqual(file["make/results/x"].id.get_storage_size(), 2 << 30)
            self.assertEqual(file["use/reduce/all/whole.sum"][0], 16384 * 8192)
            self.assertEqual(file["make/results/x"][16000, 16383], 16000 // 1024 * 1024 + 0.5)


if __name__ == "__main__":
    farm.main()
