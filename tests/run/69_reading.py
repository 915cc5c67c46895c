"""Results as Python reads them: taskfarm.open, its datasets, frames, failures and tasks."""

import sys

import farm
import numpy as np

sys.path.insert(0, str(farm.SOURCE / "src/python"))

import taskfarm

MEASURE = """
import json, sys
n, name = int(sys.argv[1]), sys.argv[2]
print("measuring", n)
if n == 2:
    raise ValueError(f"{n} is too many")
print(json.dumps({"y": n, "m": [n, 2.5], "flag": n > 0, "word": name * n, "long": name * 1000, "raw": "xyz"[:n]}))
"""

RESULTS = {
    "y": "int32",
    "m": {"type": "float64", "shape": [2]},
    "flag": "bool",
    "word": "string",
    "long": "string",
    "raw": "bytes",
}


class Reading(farm.FarmTest):
    def run_all(self, *stages, status=0, name="s", **more):
        """Runs stages; returns their output, open."""
        self.write("measure.py", MEASURE)
        self.write(f"{name}.json", {"stages": list(stages), **more})
        self.taskfarm(f"{name}.json", status=status)
        return self.read(f"{name}.h5")

    def read(self, name):
        output = taskfarm.open(self.folder / name)
        self.addCleanup(output.close)
        return output

    def measure(self, name="measure", tasks=4, **more):
        run = {"command": ["/usr/bin/python3", "measure.py", "{n}", "{filter}"]}
        over = {"n": {"range": [tasks]}, "filter": ["R", "α"]}
        return {"name": name, "over": over, "run": run, "results": RESULTS, **more}

    @farm.first
    def test_a_product_is_a_grid_with_its_axes_as_coordinates(self):
        data = self.run_all(self.measure(), status=1).dataset
        self.assertEqual(dict(data.sizes), {"n": 4, "filter": 2, "m_dim1": 2})
        self.assertEqual(data.n.values.tolist(), [0, 1, 2, 3])
        self.assertEqual(data["filter"].values.tolist(), ["R", "α"])
        np.testing.assert_array_equal(data.y, [[0, 0], [1, 1], [np.nan, np.nan], [3, 3]])
        np.testing.assert_array_equal(data.m.sel(n=3), [[3, 2.5], [3, 2.5]])
        np.testing.assert_array_equal(data.flag, [[0, 0], [1, 1], [np.nan, np.nan], [1, 1]])
        self.assertEqual(data.word.values.tolist(), [["", ""], ["R", "α"], [None, None], ["RRR", "ααα"]])
        self.assertEqual(data.long.sel(n=1, filter="α").item(), "α" * 1000)
        self.assertEqual(data.raw.values[3].tolist(), [b"xyz", b"xyz"])
        self.assertEqual(data.status.sel(filter="R").values.tolist(), ["done", "done", "failed", "done"])

    def test_raw_values_are_those_of_the_file(self):
        output = self.run_all(self.measure(), status=1)
        data = output.to_dataset(masked=False)
        self.assertEqual(data.y.dtype, np.int32)
        self.assertEqual(data.flag.dtype, bool)
        self.assertEqual(data.word.values[2].tolist(), ["", ""])

    def test_a_frame_has_types_that_can_say_that_there_is_nothing(self):
        frame = self.run_all(self.measure(), status=1).frame
        types = {name: str(dtype) for name, dtype in frame.dtypes.items()}
        expected = {"status": "category", "n": "Int64", "filter": "string", "y": "Int32", "m": "object", "flag": "boolean"}
        self.assertEqual(types, expected | {"word": "string", "long": "string", "raw": "object"})
        self.assertEqual(frame.index.name, "task")
        self.assertEqual(frame.y.isna().tolist(), [False] * 4 + [True] * 2 + [False] * 2)
        self.assertEqual(frame.y.sum(), 8)
        self.assertEqual(frame.m[6].tolist(), [3, 2.5])

    def test_failures_are_a_table(self):
        failed = self.run_all(self.measure(retries=1), status=1).failed
        self.assertEqual(failed.index.tolist(), [4, 5])
        self.assertEqual(failed.n.tolist(), [2, 2])
        self.assertEqual(failed.status.tolist(), ["failed"] * 2)
        self.assertEqual(failed.attempts.tolist(), [2, 2])
        self.assertEqual(failed.message.tolist(), ["exit status 1: ValueError: 2 is too many"] * 2)
        self.assertTrue(failed.stderr[5].startswith("Traceback"))

    @farm.first
    def test_a_task_has_all_that_is_known_of_it(self):
        output = self.run_all(self.measure(), status=1)
        task = output[3]
        self.assertEqual((task.status, task.attempts, task.params), ("done", 1, {"n": 1, "filter": "α"}))
        self.assertEqual((task.results["y"], task.results["flag"], task.results["raw"]), (1, True, b"x"))
        self.assertTrue(task.stdout.startswith("measuring 1\n"))
        self.assertEqual((task.message, task.traceback, task.record["exit_code"]), ("", "", 0))
        self.assertGreater(task.duration, 0)
        task = output["measure"][-3]
        self.assertEqual((task.index, task.status, task.results), (5, "failed", {}))
        self.assertTrue(task.traceback.endswith("ValueError: 2 is too many\n"), task.traceback)
        self.assertEqual(repr(task), "measure[5] failed: n=2, filter='α' -> exit status 1: ValueError: 2 is too many")
        with self.assertRaisesRegex(IndexError, r"^stage 'measure' has 8 tasks, and no task 8$"):
            output[8]

    def test_an_output_is_told_in_a_line(self):
        output = self.run_all(self.measure(), status=1)
        self.assertRegex(repr(output), r"^s\.h5: 6 done, 2 failed in \d\.\d s$")
        self.assertEqual((output.state, output.stages, len(output.runs)), ("failed", ["measure"], 1))

    def test_rows_of_another_stage_are_one_dimension(self):
        chain = {"name": "next", "over": [{"from": "a", "columns": ["n", "y"]}], "run": {"expr": {"z": "y + 1"}}}
        output = self.run_all(self.measure("a"), {**chain, "results": {"z": "int64"}}, status=1)
        data = output["next"].dataset
        self.assertEqual(data.z.dims, ("task",))
        np.testing.assert_array_equal(data.z, [1, 1, 2, 2, np.nan, np.nan, 4, 4])
        np.testing.assert_array_equal(data.n, [0, 0, 1, 1, 2, 2, 3, 3])
        np.testing.assert_array_equal(data.y, [0, 0, 1, 1, np.nan, np.nan, 3, 3])
        self.assertEqual(data.status.values[4], "skipped")
        with self.assertRaisesRegex(taskfarm.Error, r"s\.h5: choose one of its stages by \[NAME\]; there are a, next$"):
            output.dataset

    def test_reductions_are_labelled_by_group(self):
        by = {"by": "filter", "columns": {"y": ["mean", "histogram:3"]}}
        output = self.run_all(self.measure(reduce={"by": by, "all": {"columns": {"y": ["max"]}}}), status=1)
        found = output.reductions
        self.assertEqual(sorted(found), ["all", "by"])
        self.assertAlmostEqual(found["by"]["y.mean"].sel(filter="α").item(), 4 / 3)
        self.assertEqual(found["by"]["y.histogram:3"].sel(filter="R").values.tolist(), [1, 1, 1])
        self.assertEqual(found["by"]["y.histogram:3.edges"].values.tolist(), [0, 1, 2, 3])
        self.assertEqual(found["all"]["y.max"].item(), 3)


if __name__ == "__main__":
    farm.main()
