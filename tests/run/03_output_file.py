"""The output file as readers see it: h5py, h5dump, xarray; and its texts against what the tasks wrote."""

import json
import subprocess

import farm
import h5py
import numpy

MANIFEST = {
    "name": "all",
    "seed": 4,
    "stages": [
        {
            "name": "numbers",
            "over": {"i": {"range": [10, 13]}, "x": {"linspace": [0, 1, 5]}, "s": ["a", "béta"], "b": [True, False]},
            "record": "full",
            "run": {"function": "builtin:random"},
            "results": {
                "f8": "float64",
                "f4": {"type": "float32", "shape": [3, 2]},
                "i2": "int16",
                "u8": "uint64",
                "flag": "bool",
                "word": "string",
                "raw": "bytes",
            },
        },
        {
            "name": "words",
            "over": {"n": {"range": [40]}},
            "run": {"command": ["/usr/bin/python3", "words.py", "{n}"]},
            "results": {"short": "string", "long": "string", "none": "string"},
        },
    ],
}

WORDS = """
import json, sys
n = int(sys.argv[1])
print("output", n)
if n % 3 == 0:
    print("error of", n, file=sys.stderr)
print(json.dumps({"short": "é" * (n % 5), "long": "x" * (n * 100), "none": ""}))
"""


class OutputFile(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("all.json", MANIFEST)
        self.write("words.py", WORDS)
        self.taskfarm("all.json", ranks=3)

    @farm.first
    def test_h5py_sees_types_shapes_and_values(self):
        file = self.open("all.h5")
        stage = file["numbers"]
        self.assertEqual(stage.attrs["tasks"], 60)
        self.assertEqual(json.loads(stage.attrs["run"]), {"function": "builtin:random"})
        params = stage["params"]
        self.assertEqual(params["i"].dtype, numpy.int64)
        self.assertEqual(list(params["i"][()]), [i for i in (10, 11, 12) for _ in range(20)])
        self.assertEqual(list(params["x"][()]), [x / 4 for _ in range(3) for x in range(5) for _ in range(4)])
        self.assertEqual(list(params["s"].asstr()[()]), ["a", "a", "béta", "béta"] * 15)
        self.assertEqual(list(params["b"][()]), [True, False] * 30)
        results = stage["results"]
        expected = {"f8": "float64", "i2": "int16", "u8": "uint64", "flag": "bool"}
        self.assertEqual({k: str(results[k].dtype) for k in expected}, expected)
        self.assertEqual(results["f4"].shape, (60, 3, 2))
        self.assertEqual(results["word"].dtype.kind, "S")
        for name in ("f8", "f4", "i2", "u8", "flag", "word"):
            data = results[name]
            self.assertEqual(data.chunks, None, "contiguous")
            self.assertEqual(data.dims[0][0].name, "/numbers/index")
        self.assertEqual(list(file["numbers/index"][()]), list(range(60)))

    def test_many_columns_make_a_file_that_grows_with_their_number(self):
        """Each is attached to the stage's index, which lists them all, and lists the texts that come last, too."""
        sizes = {}
        for count in (150, 600):
            names = [f"c{n}" for n in range(count)]
            self.write("t.csv", "\n".join([",".join(names)] + [",".join(f"{n * k}" for n in range(count)) for k in range(5)]) + "\n")
            run = {"command": ["echo", '{{"x": {c1}, "s": "{c2}"}}']}
            self.write("m.json", {"name": "m", "over": [{"csv": "t.csv"}], "run": run, "results": {"x": "float64", "s": "string"}})
            self.taskfarm("m.json", "--fresh", "--slots", 2, ranks=2 if count == 150 else None)
            sizes[count] = (self.folder / "m.h5").stat().st_size
            with self.open("m.h5") as file:
                stage = file["m"]
                attached = [*stage["params"].values(), *stage["results"].values(), *stage["task"].values()]
                self.assertEqual({item.dims[0][0].id for item in attached}, {stage["index"].id})
                # by id: HDF5 looks for names in all the file
                listed = [file[entry[0]].id for entry in stage["index"].attrs["REFERENCE_LIST"]]
                self.assertEqual(len(listed), len(set(listed)))
                self.assertLessEqual({item.id for item in attached}, set(listed))
        self.assertLess(sizes[600], 5 * sizes[150])
        self.assertLess(sizes[600], 1e6)

    def test_attributes_say_what_made_it(self):
        attributes = dict(self.open("all.h5").attrs)
        self.assertEqual(json.loads(attributes.pop("manifest")), MANIFEST)
        self.assertEqual(json.loads(attributes.pop("manifest_text")), MANIFEST)
        self.assertRegex(attributes.pop("created"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertRegex(attributes.pop("taskfarm_version"), r"^\d+\.\d+\.\d+$")
        self.assertGreater(attributes.pop("elapsed"), 0)
        self.assertEqual(len(json.loads(attributes.pop("runs"))), 1)
        self.assertEqual(
            attributes,
            {
                "format": "taskfarm",
                "format_version": 1,
                "name": "all",
                "seed": 4,
                "state": "complete",
                "ranks": 3,
                "slots": 2,
            },
        )

    def test_task_records_are_complete(self):
        file = self.open("all.h5")
        for stage, tasks in (("numbers", 60), ("words", 40)):
            task = file[stage]["task"]
            self.assertEqual(
                sorted(task),
                ["attempts", "cpu", "duration", "exit_code", "max_rss", "signal", "slot", "start", "status", "worker"],
            )
            self.assertTrue(set(task["worker"][()]) <= {1, 2})
            self.assertTrue((task["start"][()] > 1.7e9).all())
            self.assertTrue((task["duration"][()] >= 0).all())
            self.assertEqual(task["status"].shape, (tasks,))
            self.assertEqual(task["duration"].attrs["units"], "s")
            self.assertEqual(
                h5py.check_enum_dtype(task["status"].dtype),
                {"pending": 0, "done": 1, "failed": 2, "timeout": 3, "skipped": 4, "excluded": 5, "cancelled": 6},
            )
        self.assertTrue((file["words/task/max_rss"][()] > 1e6).all())
        self.assertTrue((file["words/task/cpu"][()] > 0).all())

    @farm.first
    def test_texts_are_what_the_tasks_wrote(self):
        stage = self.open("all.h5")["words"]
        short = list(stage["results/short"].asstr()[()])
        self.assertEqual(short, ["é" * (n % 5) for n in range(40)])
        self.assertEqual(list(stage["results/none"][()]), [b""] * 40)
        self.assertEqual(self.heap(stage, "long"), [b"x" * (n * 100) for n in range(40)])
        self.assertEqual(
            self.heap(stage, "stderr"), [b"error of %d\n" % n if n % 3 == 0 else b"" for n in range(40)]
        )
        for n, text in enumerate(self.heap(stage, "stdout")):
            self.assertTrue(text.startswith(b"output %d\n" % n))

    def test_h5dump_reads_it_without_a_word(self):
        done = subprocess.run(["h5dump", self.folder / "all.h5"], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn('"/numbers/index"', done.stdout)

    def test_xarray_opens_every_group_without_a_warning(self):
        script = (
            "import sys, warnings; warnings.simplefilter('error'); import xarray;"
            "groups = [s + '/' + g for s in ('numbers', 'words') for g in ('params', 'results', 'task')];"
            "sets = {g: xarray.open_dataset(sys.argv[1], group=g, engine='h5netcdf').load() for g in groups};"
            "r = sets['numbers/results'];"
            "assert r['f4'].dims == ('index', 'f4_dim1', 'f4_dim2'), r;"
            "assert r['f8'].dims == ('index',) and r['f8'].shape == (60,), r;"
            "assert float(r['f8'].mean()) > 0.3, r;"
            "assert int((sets['words/task']['status'] == 1).sum()) == 40;"
            "assert sets['words/results']['short'].to_index()[7] == 'éé';"
            "p = sets['numbers/params'];"
            "assert p['i'].values[0] == 10, p"
        )
        done = subprocess.run(
            ["/usr/bin/python3", "-c", script, str(self.folder / "all.h5")], capture_output=True, text=True
        )
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))


class LargeSpaces(farm.FarmTest):
    def test_parameters_beyond_ten_million_points_are_not_stored(self):
        self.write("large.json", {"over": {"i": {"range": [10000001]}}, "run": {"function": "builtin:noop"}})
        self.taskfarm("large.json", "--slots", 2)
        stage = self.open("large.h5")["large"]
        self.assertNotIn("params", stage)
        self.assertEqual(stage["task/status"].shape, (10000001,))
        self.assertTrue((stage["task/status"][()] == farm.DONE).all())


farm.main()
