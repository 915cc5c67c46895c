"""Results as Python reads them: taskfarm.open, its datasets, frames, failures and tasks."""

import contextlib
import json
import os
import pickle
import shutil
import subprocess
import sys
import textwrap
import unittest.mock
import warnings

import farm
import h5py
import numpy as np

sys.path.insert(0, str(farm.SOURCE / "src/python"))

import taskfarm
from taskfarm._run import Run

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


class ReadingTest(farm.FarmTest):
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


class Reading(ReadingTest):
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

    def test_large_integers_that_are_rounded_are_told(self):
        """Beside a task that failed; where all are done, or nothing is rounded, they are as they are, without a word."""
        large = 2**60 + 1
        say = f"import json, sys; n = int(sys.argv[1]); print(json.dumps({{'id': {large} + n, 'ids': [n, -{large}], 'm': n}})) if n < 2 else 1 / 0"
        run = {"command": ["/usr/bin/python3", "-c", say.replace("{", "{{").replace("}", "}}"), "{n}"]}
        results = {"id": "int64", "ids": {"type": "int64", "shape": [2]}, "m": "uint64"}
        output = self.run_all({"name": "f", "over": {"n": [0, 1, 2]}, "run": run, "results": results}, status=1)
        told = "{}: integers beyond 2**53 are rounded to float64 here, as some tasks have no value: to_dataset(masked=False), frame and [i] have them exactly"
        for name in ("id", "ids"):
            with self.assertWarns(UserWarning) as caught:
                np.testing.assert_array_equal(np.isnan(output.dataset[name].values[2]), True)
            self.assertEqual(str(caught.warning), told.format(name))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            np.testing.assert_array_equal(output.dataset.m, [0, 1, np.nan])
            np.testing.assert_array_equal(output.dataset.ids[:2, 0], [0, 1])
            self.assertEqual(output.to_dataset(masked=False).id.values.tolist()[:2], [large, large + 1])
            self.assertEqual(output.frame.id.tolist()[:2], [large, large + 1])

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
        self.assertGreater(task.record["max_rss"], 1e6)
        self.assertIn("cpu", task.record)
        with self.subTest("what is no process of its own is not measured"):
            self.write("e.json", {"name": "e", "over": {"i": [1]}, "run": {"echo": True}, "record": "full"})
            self.taskfarm("e.json")
            known = {"attempts", "duration", "exit_code", "signal", "slot", "start", "worker"}
            self.assertEqual(set(self.read("e.h5")[0].record), known)
        self.assertGreater(task.duration, 0)
        task = output["measure"][-3]
        self.assertEqual((task.index, task.status, task.results), (5, "failed", {}))
        self.assertTrue(task.traceback.endswith("ValueError: 2 is too many\n"), task.traceback)
        self.assertEqual(repr(task), "measure[5] failed: n=2, filter='α' -> exit status 1: ValueError: 2 is too many")
        with self.assertRaisesRegex(IndexError, r"^stage 'measure' has 8 tasks, and no task 8$"):
            output[8]

    def test_an_output_that_the_user_has_open(self):
        """By h5py, which locks a file where taskfarm does not: HDF5 has a process open it one way alone."""
        self.run_all(self.measure(), status=1)
        with h5py.File(self.folder / "s.h5"):
            self.assertEqual(self.read("s.h5").frame["y"].sum(), 8)

    def test_an_output_is_told_in_a_line(self):
        output = self.run_all(self.measure(), status=1)
        self.assertRegex(repr(output), r"^s\.h5: 6 done, 2 failed in \d\.\d s$")
        self.assertEqual((output.state, output.stages, len(output.runs)), ("failed", ["measure"], 1))

    def test_very_many_tasks_are_not_counted_to_be_shown(self):
        output = self.run_all(self.measure(), status=1)
        with unittest.mock.patch("taskfarm._html.MOST_COUNTED", 7):
            self.assertRegex(repr(output), r"^s\.h5: 8 tasks, failed in \d\.\d s$")
            page = output._repr_html_()
        self.assertNotIn("counts", vars(output["measure"]._stage))
        self.assertNotIn("too many", page)
        self.assertIn("ValueError: 2 is too many (and alike)", output._repr_html_())

    def test_a_part_is_read_as_the_whole_is(self):
        """Whatever part of a grid: of numbers, arrays, texts, of each dimension."""
        output = self.run_all(self.measure(tasks=7), status=1)
        data, whole = output.dataset, output.dataset.load()
        for part in (
            {"n": 3},
            {"n": -1, "filter": 0},
            {"n": slice(None, None, -2)},
            {"n": [5, 1, 1], "filter": [1]},
            {"filter": slice(1, None), "n": slice(2, 3)},
            {"n": slice(0, 0)},
        ):
            with self.subTest(part=part):
                self.assertTrue(data.isel(part).load().identical(whole.isel(part)))
        with unittest.mock.patch("taskfarm._h5.SPARSE", 1):
            np.testing.assert_array_equal(data.m.isel(n=slice(0, 7, 3), filter=1, m_dim1=0), [0, 3, 6])

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

    def test_where_a_column_is_from_is_no_part_of_its_shape(self):
        froms = {"y": "field:2", "t": r"regex:w=(\w+)", "f": "file:{index}.txt"}
        results = {name: {"type": "string" if name == "t" else "int64", "from": how} for name, how in froms.items()}
        run = {"command": ["sh", "-c", "echo {n} > {index}.txt; echo w=a{n} {n}"]}
        output = self.run_all({"name": "s", "over": {"n": [7, 8]}, "run": run, "results": results})
        data = output.dataset
        self.assertEqual((data.y.values.tolist(), data.f.values.tolist()), ([7, 8], [7, 8]))
        self.assertEqual((data.t.values.tolist(), output.frame.y.tolist()), (["a7", "a8"], [7, 8]))

    def test_a_dataset_goes_to_other_processes(self):
        """Pickled, as dask and joblib do: what is lazy stays so, and reads the file there, from whatever folder."""
        stages = [self.measure(), {**self.measure("left"), "where": "n != 1"}, {**self.measure("next"), "over": [{"from": "measure", "columns": ["word"]}]}]
        stages[2]["run"] = {"expr": {"z": "index"}}
        stages[2]["results"] = {"z": "int64"}
        output = self.run_all(*stages, status=1)
        for name in output:
            data = output[name].dataset
            content = pickle.dumps(data)
            self.assertTrue(pickle.loads(content).load().identical(data.load()), name)
            self.assertLess(len(content), 20000)
        (self.folder / "data.pickle").write_bytes(pickle.dumps(output["measure"].dataset))
        script = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb')).sel(n=3).y.values.tolist())"
        command = ["/usr/bin/python3", "-c", script, str(self.folder / "data.pickle")]
        env = {**farm.environment(), "PYTHONPATH": str(farm.SOURCE / "src/python")}
        done = subprocess.run(command, cwd="/", env=env, capture_output=True, text=True)
        self.assertEqual((done.stdout, done.stderr), ("[3.0, 3.0]\n", ""))
        self.taskfarm("s.json", "--force", "measure", status=1)
        done = subprocess.run(command, cwd="/", env=env, capture_output=True, text=True)
        self.assertIn("s.h5: has changed since it was opened; open it again", done.stderr)

    def test_statuses_are_words_that_rows_share(self):
        data = self.run_all(self.measure(), status=1).dataset
        statuses = data.status.values
        self.assertEqual((statuses.dtype, {*map(type, statuses.flat)}), (object, {str}))
        self.assertEqual(len({*map(id, statuses[[0, 1, 3]].flat)}), 1)
        self.assertEqual((data.status == "done").values.tolist(), [[True, True], [True, True], [False, False], [True, True]])

    def test_a_relative_path_stays_where_it_was(self):
        self.run_all(self.measure(tasks=2))
        with contextlib.chdir(self.folder):
            output = taskfarm.open("s.h5")
        self.assertEqual(output.path, str(self.folder / "s.h5"))
        self.assertEqual(output.frame.y.sum(), 2)

    def test_a_parameter_may_be_called_as_a_dimension_of_a_result(self):
        over = {"m_dim1": [1, 2, 3]}
        stage = {"name": "s", "over": over, "run": {"command": ["echo", '{{"m": [1, 2]}}']}}
        data = self.run_all({**stage, "results": {"m": {"type": "int64", "shape": [2]}}}).dataset
        self.assertEqual(data.m.dims, ("m_dim1", "task.m_dim1"))

    def test_reductions_are_labelled_by_group(self):
        by = {"by": "filter", "columns": {"y": ["mean", "histogram:3"]}}
        output = self.run_all(self.measure(reduce={"by": by, "all": {"columns": {"y": ["max"]}}}), status=1)
        found = output.reductions
        self.assertEqual(sorted(found), ["all", "by"])
        self.assertAlmostEqual(found["by"]["y.mean"].sel(filter="α").item(), 4 / 3)
        self.assertEqual(found["by"]["y.histogram:3"].sel(filter="R").values.tolist(), [1, 1, 1])
        self.assertEqual(found["by"]["y.histogram:3.edges"].values.tolist(), [0, 1, 2, 3])
        self.assertEqual(found["all"]["y.max"].item(), 3)
        with self.assertRaisesRegex(KeyError, "stage 'measure' has no reduction 'bz'; there are all, by"):
            found["bz"]


def sums(name, over, **more):
    """A stage that adds up what its space gives."""
    return {"name": name, "over": over, "run": {"expr": {"y": "x + 0"}}, "results": {"y": "float64"}, **more}


ROWS = [{"x": 1.5, "name": "a"}, {"x": 2.5, "name": "b"}, {"x": 3.5, "name": "c"}]

# A space, the dimensions of its dataset, and values of its coordinate x.
SPACES = {
    "one": ({"x": [3, 1, 2]}, {"x": 3}, [3, 1, 2]),
    "numbers": ({"x": {"linspace": [0, 1, 3]}, "k": {"logspace": [1, 100, 3]}}, {"x": 3, "k": 3}, [0, 0.5, 1]),
    "truth": ({"x": [2, 1], "flag": [False, True]}, {"x": 2, "flag": 2}, [2, 1]),
    "rows": ([{"rows": ROWS}], {"task": 3}, [1.5, 2.5, 3.5]),
    "rows_by": ([{"rows": ROWS}, {"name": "k", "range": [2]}], {"x": 3, "k": 2}, [1.5, 2.5, 3.5]),
    "zipped": ([{"zip": {"x": [1, 2], "z": ["p", "q"]}}, {"name": "k", "range": [2]}], {"x": 2, "k": 2}, [1, 2]),
    "csv": ([{"csv": "t.csv"}, {"name": "k", "values": ["u"]}], {"x": 2, "k": 1}, [7, 8]),
    "sobol": ([{"sobol": {"x": [0, 1], "z": [0, 1]}, "count": 4}], {"task": 4}, [0, 0.5, 0.75, 0.25]),
    "joined": ([{"concat": [{"x": [1, 2]}, {"x": [5]}]}], {"task": 3}, [1, 2, 5]),
    "left_out": ({"x": [1, 2, 3], "k": [0, 1]}, {"task": 4}, [1, 1, 3, 3]),
}


class Spaces(ReadingTest):
    def stages(self):
        self.write("t.csv", "x,name\n7,seven\n8,eight\n")
        more = {"left_out": {"where": "x != 2"}}
        return [sums(name, over, **more.get(name, {})) for name, (over, _, _) in SPACES.items()]

    def expect_grids(self, output):
        for name, (_, sizes, values) in SPACES.items():
            with self.subTest(space=name):
                data = output[name].dataset
                self.assertEqual(dict(data.sizes), sizes)
                self.assertEqual(data.y.dims, tuple(sizes))
                self.assertEqual(data.x.values.tolist(), values)
                np.testing.assert_array_equal(data.y, data.x.broadcast_like(data.y))
                self.assertEqual({*data.status.values.flat}, {"done"})
                self.assertEqual(data.y.dtype, np.float64)

    def test_dimensions_are_the_axes(self):
        output = self.run_all(*self.stages())
        self.expect_grids(output)
        rows = output["rows"].dataset
        self.assertEqual(rows.name.values.tolist(), ["a", "b", "c"])
        self.assertEqual(rows.sel(task=1).x.item(), 2.5)
        self.assertEqual(output["rows_by"].dataset.sel(x=2.5).name.item(), "b")
        self.assertEqual(output["truth"].dataset.flag.values.tolist(), [False, True])
        self.assertEqual(output["left_out"].dataset.task.values.tolist(), [0, 1, 4, 5])
        self.assertEqual(output["left_out"].frame.index.tolist(), [0, 1, 4, 5])
        self.assertEqual(output["left_out"][2].status, "excluded")

    def test_what_where_leaves_out_is_no_gap_in_what_is_shown(self):
        output = self.run_all(sums("s", {"x": [1, 2, 3]}, where="x != 2", results={"y": "int64"}))
        self.assertEqual((output.dataset.y.dtype, output.dataset.y.values.tolist()), (np.int64, [1, 3]))

    def test_an_output_that_says_no_axes_is_read_by_its_manifest(self):
        self.run_all(*self.stages())
        with h5py.File(self.folder / "s.h5", "r+") as file:
            for stage in file.values():
                stage.attrs.pop("axes", None)
                stage.pop("axes", None)
        output = self.read("s.h5")
        of_tasks = {"csv": [7, 8], "sobol": [0, 0.5, 0.75, 0.25], "zipped": [1, 1, 2, 2]}  # not read at a glance
        for name, (_, sizes, values) in SPACES.items():
            with self.subTest(space=name):
                data = output[name].dataset
                self.assertEqual(dict(data.sizes), {"task": len(of_tasks[name])} if name in of_tasks else sizes)
                self.assertEqual(data.x.values.tolist(), of_tasks.get(name, values))

    def test_axes_are_known_where_no_row_is_written(self):
        over = {"x": [3, 1, 2], "word": ["ja", "né"], "good": [True, False]}
        self.run_all(sums("s", over, until={"expr": "y.count >= 1", "first": 1}))
        data = self.read("s.h5").dataset
        self.assertEqual(data.x.values.tolist(), [3, 1, 2])
        self.assertEqual(data.word.values.tolist(), ["ja", "né"])
        self.assertEqual(data.good.values.tolist(), [True, False])

    def test_a_stage_without_axes_has_no_dimensions(self):
        output = self.run_all({"name": "s", "run": {"expr": {"y": "2 + 2"}}, "results": {"y": "int64"}})
        self.assertEqual(output.dataset.y.item(), 4)
        self.assertEqual(output.frame.y.tolist(), [4])

    def test_there_may_be_no_tasks(self):
        over = {"f": {"glob": "none/*", "allow_empty": True}, "k": [1, 2]}
        output = self.run_all({"name": "s", "over": over, "run": {"expr": {"y": "k"}}, "results": {"y": "int64"}})
        self.assertEqual(dict(output.dataset.sizes), {"f": 0, "k": 2})
        self.assertEqual(output.dataset.y.values.shape, (0, 2))
        self.assertEqual((len(output.frame), len(output.failed)), (0, 0))
        self.assertRegex(repr(output), r"^s\.h5: no tasks in \d\.\d s$")

    def test_three_ranks_note_the_same_axes(self):
        self.run_all(*self.stages())
        alone = farm.datasets(self.folder / "s.h5", "axes/")
        self.taskfarm("s.json", "--fresh", ranks=3)
        self.assertEqual(farm.datasets(self.folder / "s.h5", "axes/"), alone)
        self.assertIn("numbers/axes/x", alone)

    def test_arrays_have_dimensions_of_their_own(self):
        over = [{"name": "k", "values": [10, 20]}, {"name": "b", "blocks": {"shape": [5, 4], "chunk": [3, 2]}}]
        run = {"expr": {"q": "k + b_start_0 + 0 * b_start_1", "n": "1 / (b_start_0 + k > 10)"}}
        results = {"q": {"type": "int32", "array": "b"}, "n": "float64"}
        data = self.run_all({"name": "s", "over": over, "run": run, "results": results}).dataset
        self.assertEqual(dict(data.sizes), {"k": 2, "b_0": 5, "b_1": 4, "b_block": 4})
        self.assertEqual(data.q.dims, ("k", "b_0", "b_1"))
        np.testing.assert_array_equal(data.q.sel(k=20, b_1=3), [20, 20, 20, 23, 23])
        self.assertEqual(data.b_start_0.dims, ("b_block",))
        self.assertEqual(data.n.dims, ("k", "b_block"))

    def test_blocks_of_tasks_that_failed_are_missing(self):
        serve = """
            from taskfarm import serve
            def f(b_start, b_count):
                if b_start == 2:
                    raise ValueError("no")
                return {"q": [b_start] * b_count}
            serve(f)
        """
        self.write("f.py", textwrap.dedent(serve))
        stage = {"name": "s", "over": {"b": {"blocks": {"shape": [5], "chunk": [2]}}}, "run": {"service": ["/usr/bin/python3", "f.py"]}}
        output = self.run_all({**stage, "results": {"q": {"type": "int16", "array": "b"}}}, status=1)
        np.testing.assert_array_equal(output.dataset.q, [0, 0, np.nan, np.nan, 4])
        np.testing.assert_array_equal(output.dataset.q[1:4:2], [0, np.nan])
        self.assertEqual(output.to_dataset(masked=False).q.dtype, np.int16)


SLOW = """
import json, os, sys, time
n = int(sys.argv[1])
print("task", n)
while n >= 5 and not os.path.exists("go"):
    time.sleep(0.01)
print(json.dumps({"y": n, "word": "w" * n, "raw": "r" * n}))
"""


class Live(ReadingTest):
    """Outputs whose campaign is not over: by the engine."""

    def setUp(self):
        super().setUp()
        self.enterContext(unittest.mock.patch.dict(os.environ, farm.environment(TASKFARM=farm.TASKFARM)))
        self.write("slow.py", SLOW)
        over = {"n": {"range": [8]}}
        stage = {"name": "s", "over": over, "run": {"command": ["/usr/bin/python3", "slow.py", "{n}"]}}
        self.write("s.json", {"stages": [{**stage, "results": {"y": "int64", "word": "string", "raw": "bytes"}}]})

    def wait_for_rows(self, run):
        self.wait_for(lambda: '"done":5' in self.status().replace(" ", ""), "five rows")
        self.assertIsNone(run.poll())

    def status(self):
        command = [farm.TASKFARM, "status", "s.h5", "--json"]
        return subprocess.run(command, cwd=self.folder, env=farm.environment(), capture_output=True, text=True).stdout

    def expect_five(self, output, state):
        self.assertEqual((output.state, output["s"].counts), (state, {"pending": 3, "done": 5}))
        self.assertEqual(repr(output), f"s.h5: {state}: 5 done, 3 pending")
        data = output.dataset
        np.testing.assert_array_equal(data.y, [0, 1, 2, 3, 4, np.nan, np.nan, np.nan])
        self.assertEqual(data.n.values.tolist(), list(range(8)))
        self.assertEqual(data.word.values.tolist(), ["", "w", "ww", "www", "wwww", None, None, None])
        self.assertEqual(output.frame.raw[3], b"rrr")
        self.assertTrue(output[4].stdout.startswith("task 4\n"))
        self.assertEqual((output[6].status, output[6].results, output[6].params), ("pending", {}, {"n": 6}))

    def test_one_that_goes_on_stays_as_it_was_when_it_was_opened(self):
        run = self.start("s.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for_rows(run)
        output = self.read("s.h5")
        self.expect_five(output, "running")
        self.taskfarm("export", "s.h5", "--format", "hdf5", "-o", "now.h5")
        self.write("go", "")
        self.assertEqual(run.wait(60), 0)
        self.expect_five(output, "running")
        np.testing.assert_array_equal(self.read("s.h5").dataset.y, range(8))
        self.assertEqual(self.read("now.h5")["s"].counts, {"pending": 3, "done": 5})
        self.assertEqual(self.read("now.h5").state, "running")
        self.assertIn("now.h5: interrupted", self.taskfarm("status", "now.h5").stdout)
        self.assertIn("word = www\n", self.taskfarm("show", "now.h5", 3).stdout)
        self.taskfarm("diff", "now.h5", "s.h5", status=1)

    def test_one_that_was_killed(self):
        run = self.start("s.json", "--slots", 2)
        self.wait_for_rows(run)
        farm.kill_all(run)
        self.expect_five(self.read("s.h5"), "interrupted")
        shutil.rmtree(self.folder / "s.h5.d")
        with self.assertRaisesRegex(taskfarm.Error, "s.h5: the last run was interrupted, and its folder .*s.h5.d is missing; .*--salvage"):
            self.read("s.h5")

    def test_one_that_was_stopped_goes_on_meanwhile(self):
        self.write("s2.json", json.loads((self.folder / "s.json").read_text()) | {"output": "s.h5"})
        run = self.start("s2.json", "--slots", 2, "--grace", 0)
        self.wait_for_rows(run)
        farm.ask_to_stop(run)
        self.assertEqual(run.wait(60), 75)
        output = self.read("s.h5")
        self.expect_five(output, "stopped")
        self.write("go", "")
        self.taskfarm("s2.json")
        self.expect_five(output, "stopped")
        output.close()
        with self.assertRaisesRegex(taskfarm.Error, "s.h5: there is no such output, or nothing in it"):
            output.frame

    def test_a_handle_of_a_run_shows_the_present(self):
        """Also where it was looked at meanwhile."""
        run = self.start("s.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for_rows(run)
        handle = Run(str(self.folder / "s.h5"), again=unittest.mock.Mock(), outcome=None)
        self.assertEqual(handle.frame.status.value_counts()["done"], 5)
        self.write("go", "")
        self.assertEqual(run.wait(60), 0)
        self.assertEqual(handle.frame.status.value_counts()["done"], 8)
        self.taskfarm("s.json", "--force", "s")
        np.testing.assert_array_equal(handle.dataset.y, range(8))

    def test_without_the_engine_it_says_so(self):
        run = self.start("s.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for_rows(run)
        with unittest.mock.patch.dict(os.environ, TASKFARM="no-such-program"):
            with self.assertRaisesRegex(taskfarm.EngineError, "s.h5: its campaign is not over, and TASKFARM=no-such-program"):
                self.read("s.h5")

    def test_a_run_that_goes_on_is_noticed_by_what_was_open(self):
        self.write("go", "")
        self.taskfarm("s.json")
        output = self.read("s.h5")
        data = output.dataset
        self.taskfarm("s.json", "--force", "s")
        with self.assertRaisesRegex(taskfarm.Error, "s.h5: has changed since it was opened; open it again"):
            data.y.values
        np.testing.assert_array_equal(self.read("s.h5").dataset.y, range(8))

    def test_a_page_is_written_by_the_engine(self):
        self.write("go", "")
        self.taskfarm("s.json")
        self.read("s.h5").report(self.folder / "page.html")
        self.assertIn("s.h5", (self.folder / "page.html").read_text())
        with self.assertRaisesRegex(taskfarm.Error, "s.h5: is the output that is read; choose another name"):
            self.read("s.h5").report(self.folder / "s.h5")

    def test_an_output_may_be_open_elsewhere_and_is_not_held(self):
        self.write("go", "")
        self.taskfarm("s.json")
        with h5py.File(self.folder / "s.h5"):
            output = self.read("s.h5")
            self.assertEqual(output.dataset.y.values.tolist(), list(range(8)))
            self.assertEqual(len(output.frame), 8)
        open_files = [os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")]
        self.assertNotIn(str(self.folder / "s.h5"), open_files)

    def test_outputs_of_earlier_versions(self):
        """Finished ones, and one that was killed."""
        old = farm.SOURCE / "tests/data/old"
        versions = sorted(path for path in old.iterdir() if path.is_dir())
        self.assertTrue(versions)
        for version in versions:
            with self.subTest(version=version.name):
                shutil.copytree(version, self.folder, symlinks=True, dirs_exist_ok=True)
                output = self.read("complete.h5")
                self.assertEqual({n: output[n].counts for n in output}, {n: {"done": c} for n, c in OLD.items()})
                for name in output:
                    data, frame = output[name].dataset, output[name].frame
                    self.assertTrue((data.status == "done").all())
                    self.assertEqual(len(frame), OLD[name])
                    self.assertFalse(frame.isna().any(axis=None))
                self.assertEqual(len(output["grid"].dataset.sizes), len(output["grid"]._stage.parameters))
                failed = self.read("failed.h5")["fails"]
                self.assertEqual(failed.counts, {"done": 17, "failed": 2, "excluded": 1})
                self.assertEqual((len(failed.failed), failed.dataset.sizes["task"]), (2, 19))
                killed = self.read("killed.h5")
                self.assertEqual(killed.state, "interrupted")
                self.assertEqual(killed["commands"].counts, {"done": 13, "pending": 11})
                self.assertEqual(int((killed["commands"].dataset.status == "done").sum()), 13)


OLD = {"rows": 20, "grid": 8, "taken": 20}  # tasks of complete.h5's stages


class Trouble(ReadingTest):
    """Files that are damaged, of other programs, or made to do harm."""

    def setUp(self):
        super().setUp()
        self.run_all(self.measure(tasks=2))

    def expect(self, text):
        """Whatever is looked at, an error of ours is all that comes, and one that says that."""
        with self.assertRaisesRegex(taskfarm.Error, text):
            output = self.read("s.h5")
            repr(output), output._repr_html_(), output[1].params, output[1].results, output[1].stdout
            output.dataset.load()
            output.frame, output.failed

    def test_what_is_no_output(self):
        for content, text in (
            (None, "s.h5: there is no such output"),
            (b"", "s.h5: is another program's file, or damaged"),
            (b"text" * 100, "s.h5: is another program's file, or damaged"),
        ):
            with self.subTest(content=content):
                (self.folder / "s.h5").unlink(missing_ok=True)
                if content is not None:
                    self.write("s.h5", content)
                self.expect(text)
        with h5py.File(self.folder / "s.h5", "w") as file:
            file["x"] = 1
        self.expect("s.h5: is another program's file, or damaged")

    def test_a_path_of_bytes_and_one_of_a_folder(self):
        with taskfarm.open(bytes(self.folder / "s.h5")) as output:
            self.assertEqual(output.path, str(self.folder / "s.h5"))
        with self.assertRaisesRegex(taskfarm.Error, f"^{self.folder}: is a folder, and no output$"):
            taskfarm.open(self.folder)

    def test_a_later_format(self):
        with h5py.File(self.folder / "s.h5", "r+") as file:
            file.attrs["format_version"] = 2
        self.expect(r"s.h5: is of a later taskfarm \(format version 2\)")

    def test_nothing_is_unpickled_or_followed(self):
        secret = self.write("secret.h5", b"")
        with h5py.File(secret, "w") as file:
            file["y"] = np.arange(4, dtype="int32")

        class Harm:
            def __reduce__(self):
                return (os.mkdir, (str(farm_folder / "harm"),))

        farm_folder = self.folder
        pickled = np.void(pickle.dumps(Harm()))

        def put(path, **how):
            def change(file):
                del file[path]
                file.create_dataset(path, **how)

            return change

        def link(path, to):
            def change(file):
                del file[path]
                file[path] = to

            return change

        def virtual(file):
            del file["measure/results/y"]
            layout = h5py.VirtualLayout((4,), "int32")
            layout[:] = h5py.VirtualSource("secret.h5", "y", (4,))
            file.create_virtual_dataset("measure/results/y", layout)

        changes = {
            "a pickle as an attribute": lambda file: file.attrs.create("manifest", pickled),
            "a pickle as the fingerprint": lambda file: file["measure"].attrs.create("fingerprint", pickled),
            "a pickle as a dataset": put("measure/results/y", data=np.array([pickled] * 4)),
            "an external link": link("measure/results/y", h5py.ExternalLink("secret.h5", "y")),
            "a soft link": link("measure/results/y", h5py.SoftLink("/measure/params/n")),
            "external storage": put("measure/results/y", shape=(4,), dtype="int32", external=[("secret.h5", 0, 16)]),
            "a virtual dataset": virtual,
            "compressed": put("measure/results/y", data=np.zeros(4, "int32"), compression="gzip", chunks=(4,)),
            "another shape": put("measure/results/y", data=np.zeros(5, "int32")),
            "another type": put("measure/results/y", data=np.array([b"x"] * 4)),
            "texts of any length": put("measure/results/y", data=["x"] * 4, dtype=h5py.string_dtype()),
            "far too large": put("measure/results/y", shape=(1 << 50,), dtype="int32", chunks=(1 << 20,)),
            "statuses": lambda file: file["measure/task/status"].write_direct(np.full(4, 77, "uint8")),
            "an index that leads out": lambda file: file["measure/text/stdout_index"].write_direct(np.full((4, 2), 1 << 40)),
            "no fingerprint": lambda file: file["measure"].attrs.modify("fingerprint", "{}"),
            "axes of another kind": lambda file: file["measure"].attrs.modify("axes", '["n"]'),
            "values of other axes": put("measure/axes/n", data=np.arange(9)),
            "deep JSON": lambda file: file["measure"].attrs.modify("fingerprint", "[" * 100000),
        }
        whole = (self.folder / "s.h5").read_bytes()
        for name, change in changes.items():
            with self.subTest(change=name):
                self.write("s.h5", whole)
                with h5py.File(self.folder / "s.h5", "r+") as file:
                    change(file)
                self.expect("s.h5: is damaged: ")
                self.assertFalse((self.folder / "harm").exists())

    def test_axes_that_do_not_fit_are_none(self):
        for axes in (
            [{"size": -2, "parameters": ["n"]}, {"size": -2, "parameters": ["filter"]}],
            [{"size": 2, "parameters": ["n"]}, {"size": 2, "parameters": ["n"]}],
            [{"size": 4, "parameters": ["n"]}],
            [{"size": 2, "parameters": ["n"]}, {"size": 3, "parameters": ["filter"]}],
        ):
            with self.subTest(axes=axes):
                with h5py.File(self.folder / "s.h5", "r+") as file:
                    file["measure"].attrs.modify("axes", json.dumps(axes))
                self.assertEqual(dict(self.read("s.h5").dataset.sizes), {"task": 4, "m_dim1": 2})

    def test_one_that_is_cut_short(self):
        whole = (self.folder / "s.h5").read_bytes()
        for size in range(100, len(whole), len(whole) // 7):
            with self.subTest(size=size):
                self.write("s.h5", whole[:size])
                self.expect("s.h5: is (damaged|another program's file, or damaged)")

    def test_what_tasks_say_is_escaped_in_pages(self):
        run = {"command": ["sh", "-c", "echo '<script>alert(1)</script>' >&2; exit 1"]}
        page = self.run_all({"name": "b", "run": run}, status=1, name="e")._repr_html_()
        self.assertIn("&lt;script&gt;", page)
        self.assertNotIn("<script>", page)

    def test_a_result_or_parameter_may_be_called_status(self):
        stage = {"name": "s", "over": {"status": [1, 2]}, "run": {"expr": {"task": "status * 2"}}}
        output = self.run_all({**stage, "results": {"task": "float64"}}, name="n")
        self.assertEqual(output.dataset["task.status"].values.tolist(), ["done", "done"])
        self.assertEqual(output.dataset.task.sel(status=2).item(), 4)
        self.assertEqual(output.frame["task.status"].tolist(), ["done", "done"])


if __name__ == "__main__":
    farm.main()
