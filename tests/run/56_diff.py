"""taskfarm diff: which rows of two outputs differ, and by how much, against what h5py has put into them."""

import json
import os
import resource
import shutil
import subprocess
import unittest

import farm
import h5py
import numpy as np

CANCELLED = 6
RESULTS = {
    "flag": "bool",
    "i": "int64",
    "u": "uint64",
    "x": "float64",
    "f": "float32",
    "m": {"type": "float64", "shape": [2, 3]},
    "word": "string",
    "raw": "bytes",
}


class Diff(farm.FarmTest):
    def campaign(self, name="a", rows=20, **more):
        stage = {"name": "s", "over": {"n": {"range": [rows]}}, "run": {"function": "builtin:random"}, "results": RESULTS}
        stage.update(more)
        self.write(f"{name}.json", {"stages": [stage]})
        self.taskfarm(f"{name}.json", "--fresh")

    def copies(self):
        """The same output twice, as a.h5 and b.h5; the second is to be changed."""
        self.campaign()
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        return h5py.File(self.folder / "b.h5", "r+")

    def diff(self, *arguments, status=1):
        return self.taskfarm("diff", *(arguments or ("a.h5", "b.h5")), status=status).stdout

    def told(self, *arguments, status=1):
        return json.loads(self.diff(*(arguments or ("a.h5", "b.h5")), "--json", status=status))

    def columns(self, stage=0, **options):
        told = self.told(**options)
        return {c["name"]: c for c in told["stages"][stage]["columns"]}

    @farm.first
    def test_the_same(self):
        self.copies().close()
        same = 'stage "s": 20 rows, the same\n'
        self.assertEqual(self.diff(status=0), same)
        self.assertEqual(self.diff("a.h5", "a.h5", status=0), same)
        os.symlink("a.h5", self.folder / "link.h5")
        self.assertEqual(self.diff("a.h5", "link.h5", "s", status=0), same)
        told = self.told(status=0)
        self.assertEqual((told["a"], told["b"], told["same"], told["stages_only"]), ("a.h5", "b.h5", True, {"a": [], "b": []}))
        (stage,) = told["stages"]
        nobody = {"count": 0, "first": []}
        columns = stage.pop("columns")
        expected = {"name": "s", "same": True, "tasks": [20, 20], "by": "index", "compared": 20, "differ": 0}
        self.assertEqual(stage, {**expected, "rows_only": {"a": nobody, "b": nobody}, "columns_only": {"a": [], "b": []}})
        self.assertEqual([c["name"] for c in columns], ["status", "n", *RESULTS])
        for column in columns:
            none = {"same": True, "differ": 0, "largest": None, "largest_relative": None, "first": []}
            kind = {"status": "record", "n": "parameter"}.get(column["name"], "result")
            self.assertEqual(column, {"name": column["name"], "kind": kind, **none})
        other = self.taskfarm("a.json", "--output", "ranks.h5", ranks=3)
        self.assertEqual(self.diff("a.h5", "ranks.h5", status=0), same, other.stderr)

    @farm.first
    def test_numbers(self):
        with self.copies() as file:
            results = file["s/results"]
            x, m = results["x"][()], results["m"][()]
            results["x"][3] += 0.25
            results["x"][4] -= 0.5
            results["flag"][5] = not results["flag"][5]
            results["i"][6] = 2**62 + 1
            results["u"][7] = 2**64 - 1
            results["f"][8] *= np.float32(2)
            results["m"][9, 1, 2] += 1
            results["m"][9, 0, 1] += 3
            results["m"][10, 0, 0] = np.inf
        columns = self.columns()
        self.assertEqual({n: c["differ"] for n, c in columns.items() if not c["same"]}, {"x": 2, "flag": 1, "i": 1, "u": 1, "f": 1, "m": 2})
        found = columns["x"]
        self.assertEqual(found["first"], [{"rows": [3, 3], "a": x[3], "b": x[3] + 0.25}, {"rows": [4, 4], "a": x[4], "b": x[4] - 0.5}])
        self.assertEqual(found["largest"], 0.5)
        self.assertAlmostEqual(found["largest_relative"], max(0.25 / (x[3] + 0.25), 0.5 / max(x[4], abs(x[4] - 0.5))))
        self.assertEqual((columns["flag"]["largest"], type(columns["flag"]["first"][0]["a"])), (None, bool))
        self.assertAlmostEqual(columns["i"]["largest"] / 2**62, 1)
        self.assertEqual(columns["u"]["first"][0]["b"], 2**64 - 1)
        self.assertAlmostEqual(columns["f"]["largest_relative"], 0.5)
        first = columns["m"]["first"]
        self.assertEqual((first[0]["element"], first[0]["a"], first[0]["b"]), (1, m[9, 0, 1], m[9, 0, 1] + 3))
        self.assertEqual((first[1]["element"], first[1]["a"], first[1]["b"], columns["m"]["largest"]), (0, m[10, 0, 0], "inf", None))
        text = self.diff()
        self.assertTrue(text.startswith('stage "s": 20 rows; 8 differ\n  flag: 1 row: [5] '), text)
        self.assertIn(f"\n  x: 2 rows, by 0.5 at most (relative {found['largest_relative']:.3g}): [3] ", text)
        self.assertIn("\n  m: 2 rows, by inf at most ", text)
        self.assertIn(f"; [10] (element 0) {m[10, 0, 0]}, inf\n", text)

    def test_what_no_double_tells_apart(self):
        with self.copies() as file:
            for name, value in (("i", -(2**63)), ("u", 2**63)):
                file[f"s/results/{name}"][1] = value
            file["s/results/x"][2] = -0.0
            file["s/results/x"][3] = np.nan
        shutil.copy(self.folder / "b.h5", self.folder / "a.h5")
        with h5py.File(self.folder / "b.h5", "r+") as file:
            file["s/results/i"][1] = -(2**63) + 1
            file["s/results/u"][1] = 2**63 + 1
            file["s/results/x"][2] = 0.0
            file["s/results/x"][3] = -np.float64("nan")
        columns = self.columns()
        self.assertEqual([(n, c["largest"]) for n, c in columns.items() if not c["same"]], [("i", 1), ("u", 1)])

    def test_integers_of_other_types(self):
        """By their values, which float64 would not tell apart."""
        for name, of_type, value in (("a", "int64", 2**53 + 1), ("b", "uint64", 2**53)):
            self.write(f"{name}.csv", f"n\n{value}\n-1\n" if of_type == "int64" else f"n\n{value}\n1\n")
            over = [{"csv": f"{name}.csv", "types": {"n": "int64"}}]
            self.campaign(name, over=over, run={"command": "echo {n}"}, results={"y": {"type": of_type, "from": "field:1"}})
        (column,) = [c for c in self.told()["stages"][0]["columns"] if c["name"] == "y"]
        self.assertEqual((column["form_a"], column["form_b"], column["differ"], column["largest"]), ("int64", "uint64", 2, 2))
        self.assertEqual(column["first"][0], {"rows": [0, 0], "a": 2**53 + 1, "b": 2**53})

    def test_zero_and_minus_zero_are_one_point(self):
        for name, points in (("a", "-0.0\n1.0\n2.0\n"), ("b", "0.0\n1.0\n")):
            self.write("points.csv", "x\n" + points)
            self.campaign(name, over=[{"csv": "points.csv"}], run={"echo": True}, results={})
        stage = self.told()["stages"][0]
        self.assertEqual((stage["by"], stage["compared"], stage["rows_only"]["a"]), ("parameters", 2, {"count": 1, "first": [2]}))

    @farm.first
    def test_rows_that_were_never_run(self):
        """Their parameters are not in the file yet: they are those of the manifest, for every verb."""
        run = {"command": ["test", "{n}", "-ne", "11"]}
        over = {"w": ["a", "b"], "n": {"range": [10, 16]}}
        for name, rows in (("a", 16), ("b", 16), ("c", 18)):
            over["n"]["range"][1] = rows
            stop = {"on_failure": "stop"} if name == "a" else {}
            self.write(f"{name}.json", {"stages": [{"name": "s", "over": over, "run": run, "results": {}, **stop}]})
            self.taskfarm(f"{name}.json", "--slots", 1, status=1)
        with h5py.File(self.folder / "a.h5") as file:
            never = [int(i) for i in np.flatnonzero(file["s/task/status"][()] == 0)]
            self.assertGreater(len(never), 3)
            self.assertEqual(set(file["s/params/n"][never]), {0})
        point = [(w, n) for w in "ab" for n in range(10, 16)]
        columns = self.columns()
        self.assertEqual({n: c["differ"] for n, c in columns.items()}, {"status": len(never), "w": 0, "n": 0})
        stage = self.told("a.h5", "c.h5")["stages"][0]
        self.assertEqual((stage["by"], stage["compared"], stage["rows_only"]["a"]["count"], stage["rows_only"]["b"]["count"]), ("parameters", 12, 0, 4))
        last = never[-1]
        self.assertIn(f"  w = {point[last][0]}\n  n = {point[last][1]}\n", self.taskfarm("show", "a.h5", last).stdout)
        self.assertEqual(json.loads(self.taskfarm("show", "a.h5", last, "--json").stdout)["parameters"], {"w": point[last][0], "n": point[last][1]})
        rows = self.taskfarm("export", "a.h5", "--columns", "w,n").stdout.splitlines()[1:]
        self.assertEqual(rows, [f"{w},{n}" for w, n in point])
        found = self.taskfarm("export", "a.h5", "--columns", "index", "--where", "n == 15 && w == 'b'").stdout
        self.assertEqual(found, "index\n11\n")

    def test_rows_that_were_never_run_where_nothing_tells_of_them(self):
        """The list that gives their parameters is gone, or not to be opened: they are unknown, and no zeros."""
        run = {"command": ["test", "{n}", "-ne", "11"]}
        for name, rows, stop in (("a", 16, {"on_failure": "stop"}), ("b", 16, {}), ("c", 18, {})):
            self.write("list.csv", "w,n\n" + "".join(f"x{n},{n}\n" for n in range(10, rows)))
            self.write(f"{name}.json", {"stages": [{"name": "s", "over": [{"csv": "list.csv"}], "run": run, "results": {}, **stop}]})
            self.taskfarm(f"{name}.json", "--slots", 1, status=1)
        with h5py.File(self.folder / "a.h5") as file:
            written = file["s/task/status"][()] != 0
        last = len(written) - 1
        self.assertFalse(written[last])
        self.assertEqual({n: c["differ"] for n, c in self.columns().items()}, {"status": (~written).sum(), "w": 0, "n": 0})
        told = self.diff("a.h5", "c.h5")
        self.assertIn("6 rows in a.h5, 8 in c.h5, compared by their index: parameters of rows that are not written are not known", told)
        self.assertIn(
            "  n = (not known without --trust, which would open list.csv)\n",
            self.taskfarm("show", "a.h5", last).stdout,
        )
        self.assertEqual(json.loads(self.taskfarm("show", "a.h5", last, "--json").stdout)["parameters"], {"w": None, "n": None})
        self.assertEqual(self.taskfarm("export", "a.h5", "--columns", "w,n,status").stdout.splitlines()[-1], ",,pending")
        self.assertIn('{"w":null,"n":null}', self.taskfarm("export", "a.h5", "--columns", "w,n", "--format", "jsonl").stdout)
        self.assertEqual(self.taskfarm("export", "a.h5", "--columns", "index", "--where", "n == n").stdout.count("\n"), written.sum() + 1)
        self.write("list.csv", "w,n\n" + "".join(f"x{n},{n}\n" for n in range(10, 16)))
        self.assertIn(f"  n = {10 + last}\n", self.taskfarm("show", "a.h5", last, "--trust").stdout)

    def test_parameters_that_a_skipped_task_would_have_had(self):
        stages = [
            {"name": "s", "over": {"n": {"range": [4]}}, "run": {"command": "test {n} -ne 1 || test -e mended && echo {n}"}, "results": {"y": {"type": "int64", "from": "field:1"}}},
            {"name": "t", "over": [{"from": "s"}], "where": "y >= 0", "run": {"command": "true"}},
        ]
        self.write("a.json", {"stages": stages})
        self.taskfarm("a.json", status=1)
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        (self.folder / "mended").touch()
        self.taskfarm("a.json", "-o", "b.h5")
        differ = {n: c["differ"] for n, c in self.columns(stage=1).items()}
        self.assertEqual(differ.pop("status"), 1)
        self.assertEqual(set(differ.values()), {0}, differ)

    def test_missing_numbers(self):
        with self.copies() as file:
            file["s/results/x"][3] = np.nan
        column = self.columns()["x"]
        self.assertEqual((column["differ"], column["largest"], column["first"][0]["b"]), (1, None, "nan"))
        self.assertRegex(self.diff(), r"\n  x: 1 row: \[3\] 0\.\d+, nan\n")

    def test_texts(self):
        echo = "import sys, json; n = int(sys.argv[1]); print(json.dumps(dict(word=%s, raw=%s, long=%s)))"
        for name, what in (
            ("a", ("'w%d' % n", "'r%d' % n", "'l' * 2000 + str(n)")),
            ("b", ("'w%d' % n if n != 2 else 'a\"\\u03b1'", "'r%d' % (n // 4)", "'l' * 2000 + str(n) if n else ''")),
        ):
            run = {"command": ["python3", "-c", echo % what, "{n}"]}
            self.campaign(name, 6, run=run, results={"word": "string", "raw": "bytes", "long": "string"})
        columns = self.columns()
        self.assertEqual({n: c["differ"] for n, c in columns.items()}, {"status": 0, "n": 0, "word": 1, "raw": 5, "long": 1})
        self.assertEqual(columns["word"]["first"], [{"rows": [2, 2], "a": "w2", "b": 'a"\u03b1'}])
        self.assertEqual(columns["raw"]["first"][0], {"rows": [1, 1], "a": "cjE=", "b": "cjA="})
        self.assertEqual(columns["long"]["first"], [{"rows": [0, 0], "a": "l" * 2000 + "0", "b": ""}])
        text = self.diff()
        self.assertIn('\n  word: 1 row: [2] "w2", "a\\"\u03b1"\n', text)
        self.assertIn(f'\n  long: 1 row: [0] "{"l" * 59}..., ""\n', text)

    @farm.first
    def test_statuses(self):
        """Results count where both tasks are done."""
        with self.copies() as file:
            file["s/task/status"][[1, 4]] = [farm.FAILED, CANCELLED]
            file["s/results/x"][1] = 77
            file["s/results/word"][4] = b"other"
        columns = self.columns()
        self.assertEqual([n for n, c in columns.items() if not c["same"]], ["status"])
        self.assertEqual([(f["rows"][0], f["a"], f["b"]) for f in columns["status"]["first"]], [(1, "done", "failed"), (4, "done", "cancelled")])
        self.assertEqual(self.diff(), 'stage "s": 20 rows; 2 differ\n  status: 2 rows: [1] done, failed; [4] done, cancelled\n')

    def test_stages_and_columns_of_one_alone(self):
        first = {"name": "s", "over": {"n": {"range": [3]}}, "run": {"expr": {"x": "n", "y": "n + 1"}}}
        wider = {**first, "run": {"expr": {"x": "n", "z": "n", "y": "n + 1"}}, "results": {"x": "float32", "z": "float64", "y": "int64"}}
        self.write("a.json", {"stages": [first, {"name": "one", "run": {"expr": {"x": "1"}}}]})
        self.write("b.json", {"stages": [{"name": "two", "run": {"expr": {"x": "1"}}}, wider]})
        for name in "ab":
            self.taskfarm(f"{name}.json")
        form = "x is float64 in a.h5, float32 in b.h5\n  y is float64 in a.h5, int64 in b.h5"
        self.assertEqual(
            self.diff(),
            f'stage "s": 3 rows\n  {form}\n  z is in b.h5 only\nstage "one" is in a.h5 only\nstage "two" is in b.h5 only\n',
        )
        told = self.told()
        self.assertEqual(told["stages_only"], {"a": ["one"], "b": ["two"]})
        self.assertEqual(told["stages"][0]["columns_only"], {"a": [], "b": ["z"]})
        self.assertEqual(told["stages"][0]["columns"][2]["form_b"], "float32")
        self.assertEqual(self.diff("b.h5", "a.h5", "one"), 'stage "one" is in a.h5 only\n')
        with h5py.File(self.folder / "b.h5", "r+") as file:
            file["s/results/x"][1] = 1.5  # numbers of other types are compared all the same
        self.assertIn("\n  x: 1 row, by 0.5 at most (relative 0.333): [1] 1, 1.5\n", self.diff())

    @farm.first
    def test_rows_of_the_same_parameters(self):
        """Stages of several lengths: a space that has grown, in front and between."""
        run = {"expr": {"z": "10 * k + n"}}
        small = {"p": ["q", "a"], "k": {"range": [3]}, "n": [1.5, 2.5]}
        large = {"p": ["b", "q", "a"], "k": {"range": [-1, 4]}, "n": [0.5, 1.5, 2.5]}
        for name, over in (("a", small), ("b", large)):
            self.campaign(name, over=over, run=run, results={})
        told = self.told()["stages"][0]
        self.assertEqual((told["tasks"], told["by"], told["compared"], told["differ"]), ([12, 45], "parameters", 12, 0))
        self.assertEqual(told["rows_only"], {"a": {"count": 0, "first": []}, "b": {"count": 33, "first": [0, 1, 2, 3, 4]}})
        with h5py.File(self.folder / "a.h5", "r+") as file:
            file["s/results/z"][7] = 100  # a, 0, 2.5
        text = (
            'stage "s": 45 rows in b.h5, 12 in a.h5, compared by their parameters; 1 differs\n'
            "  z: 1 row, by 97.5 at most (relative 0.975): [35] and [7] 2.5, 100\n"
            "  33 rows are in b.h5 only: [0], [1], [2], [3], [4], ...\n"
        )
        self.assertEqual(self.diff("b.h5", "a.h5"), text)
        self.campaign("b", over={"p": ["a", "c"], "k": {"range": [3]}, "n": [1.5]}, run=run, results={})
        told = self.told()["stages"][0]
        self.assertEqual((told["tasks"], told["compared"]), ([12, 6], 3))
        self.assertEqual(told["rows_only"]["a"], {"count": 9, "first": [0, 1, 2, 3, 4]})
        self.assertEqual(told["rows_only"]["b"], {"count": 3, "first": [3, 4, 5]})

    def test_points_that_are_there_more_than_once(self):
        for name, values in (("a", [1, 1, 2, 1]), ("b", [2, 1, 1])):
            self.campaign(name, over={"n": values}, run={"expr": {"i": "index"}}, results={})
        told = self.told()["stages"][0]
        rows = [f["rows"] for f in told["columns"][2]["first"]]
        self.assertEqual((rows, told["compared"]), ([[0, 1], [1, 2], [2, 0]], 3))
        self.assertEqual(told["rows_only"]["a"], {"count": 1, "first": [3]})

    def test_rows_that_can_only_be_compared_by_index(self):
        self.campaign("a", 5, store_params=False, run={"expr": {"z": "n"}}, results={})
        self.campaign("b", 8, store_params=False, run={"expr": {"z": "n"}}, results={})
        self.assertIn("compared by their parameters\n  3 rows are in b.h5 only: [5], [6], [7]\n", self.diff())
        self.write("t.csv", "n\n0\n1\n2\n3\n4\n5\n")
        self.campaign("b", over=[{"csv": "t.csv"}], store_params=False, run={"expr": {"z": "n"}}, results={})
        text = self.diff()
        self.assertIn("5 rows in a.h5, 6 in b.h5, compared by their index: a parameter is not stored\n", text)
        self.assertIn("\n  n is not compared: it is not stored, and the manifest alone does not give it\n", text)
        self.assertIn("compared by their parameters\n  1 row is in b.h5 only: [5]\n", self.diff("a.h5", "b.h5", "--trust"))
        self.campaign("b", over={"n": [0, 1, 2.0, 3.5, 4, 5]}, run={"expr": {"z": "n"}}, results={})
        text = self.diff()
        self.assertIn("compared by their index: a parameter is of another type; 1 differs\n  n is int64 in a.h5, float64 in b.h5\n", text)
        self.assertIn("\n  n: 1 row, by 0.5 at most (relative 0.143): [3] 3, 3.5\n", text)
        self.campaign("b", over={"m": {"range": [6]}}, run={"expr": {"z": "m"}}, results={})
        text = self.diff()
        self.assertIn("compared by their index: they have not the same parameters\n", text)
        self.assertIn("\n  n is in a.h5 only\n  m is in b.h5 only\n", text)

    def blocks(self, name="a", shape=(5, 4), chunk=(2, 3), over=None, **more):
        """Arrays of which each task has a block: z, i and flag."""
        over = over or {"b": {"blocks": {"shape": list(shape), "chunk": list(chunk)}}}
        results = {column: {"type": of_type, "array": "b"} for column, of_type in (("z", "float64"), ("i", "int64"), ("flag", "bool"))}
        run = {"expr": {"z": "index / 3", "i": "index", "flag": "index % 2 == 0", "x": "index"}}
        self.campaign(name, **{"over": over, "run": run, "results": {**results, "x": "float64"}, **more})

    @farm.first
    def test_arrays_of_blocks(self):
        """Element by element, where the task is done in both: the first that differs is told by its place in the whole."""
        self.blocks()
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        self.assertEqual(self.diff(status=0), 'stage "s": 6 rows, the same\n')
        self.assertTrue(self.columns(status=0)["z"]["same"])
        with h5py.File(self.folder / "b.h5", "r+") as file:
            z, i, flag = (file[f"s/results/{name}"] for name in ("z", "i", "flag"))
            number = i[4, 2]
            z[1, 3] += 4  # block 1: at the array's end
            z[2, 2] += 0.5  # block 2, the last first in C order
            z[3, 0] = np.nan
            z[4, 3] = 77  # block 5: the task failed in one of them
            i[4, 2] = 2**62 + 1
            flag[0, 0] = not flag[0, 0]
            file["s/task/status"][5] = farm.FAILED
        columns = self.columns()
        self.assertEqual({n: c["differ"] for n, c in columns.items() if not c["same"]}, {"status": 1, "z": 2, "i": 1, "flag": 1})
        self.assertEqual(
            columns["z"]["first"],
            [
                {"rows": [1, 1], "element": [[1, 3], [1, 3]], "a": 1 / 3, "b": 1 / 3 + 4},
                {"rows": [2, 2], "element": [[2, 2], [2, 2]], "a": 2 / 3, "b": 2 / 3 + 0.5},
            ],
        )
        self.assertEqual((columns["z"]["largest"], columns["flag"]["largest"]), (4, None))
        self.assertEqual(columns["i"]["first"], [{"rows": [4, 4], "element": [[4, 2], [4, 2]], "a": number, "b": 2**62 + 1}])
        text = self.diff()
        self.assertIn("\n  i: 1 row, by 4.61e+18 at most (relative 1): [4] (element [4, 2]) 4, 4611686018427387905\n", text)
        self.assertIn("\n  flag: 1 row: [0] (element [0, 0]) true, false\n", text)

    def test_arrays_of_batches(self):
        """Each task has some rows of a table, the last one fewer."""
        self.write("t.csv", "a\n" + "".join(f"{n}\n" for n in range(1003)))
        for name, factor in (("a", 2), ("b", 3)):
            results = {"f": {"type": "float32", "array": "t"}}
            self.campaign(name, over={"t": {"csv": "t.csv", "batch": 100}}, run={"expr": {"f": f"a * {factor}"}}, results=results)
        self.assertIn("\n  f: 11 rows, by 1e+03 at most (relative 0.333): [0] (element [1]) 2, 3; [1] (element [100]) 200, 300; ", self.diff())

    def test_arrays_of_blocks_of_the_same_parameters(self):
        blocks = {"blocks": {"shape": [5], "chunk": [3]}}
        self.blocks("a", over={"k": {"range": [3]}, "b": blocks}, run={"expr": {"z": "k", "i": "k", "flag": "k > 1", "x": "k"}})
        self.blocks("b", over={"k": {"range": [1, 3]}, "b": blocks}, run={"expr": {"z": "k", "i": "k", "flag": "k > 1", "x": "k"}})
        forms = "float64[3][5] in blocks of [1][3] in a.h5, float64[2][5] in blocks of [1][3] in b.h5"
        text = self.diff()
        self.assertIn(f"6 rows in a.h5, 4 in b.h5, compared by their parameters\n  z is {forms}\n", text)
        self.assertIn("\n  2 rows are in a.h5 only: [0], [1]\n", text)
        with h5py.File(self.folder / "b.h5", "r+") as file:
            file["s/results/z"][1, 4] += 1
        self.assertIn("\n  z: 1 row, by 1 at most (relative 0.333): [5] and [3] (element [2, 4] and [1, 4]) 2, 3\n", self.diff())
        self.assertEqual(self.columns()["z"]["first"][0]["element"], [[2, 4], [1, 4]])

    def test_arrays_of_blocks_that_can_not_be_compared(self):
        self.blocks("a", shape=[4], chunk=[2])
        for shape, chunk, rows, form in (([3], [2], 2, "[3] in blocks of [2]"), ([6], [3], 2, "[6] in blocks of [3]"), ([2, 2], [1, 2], 2, "[2][2] in blocks of [1][2]")):
            with self.subTest(shape=shape, chunk=chunk):
                self.blocks("b", shape=shape, chunk=chunk)
                text = self.diff()
                self.assertIn(f"\n  z is float64[4] in blocks of [2] in a.h5, float64{form} in b.h5\n", text)
                column = self.columns()["z"]
                self.assertEqual((column["same"], column["differ"], column["not_compared"]), (False, 0, "it is of another form"))
        over = {"n": {"range": [2]}}
        self.campaign("b", over=over, run={"expr": {"z": "n", "x": "n"}}, results={"z": "float64", "x": "float64"})
        self.assertIn("\n  z is float64[4] in blocks of [2] in a.h5, float64 in b.h5\n", self.diff())

    def test_a_damaged_array(self):
        self.blocks()
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        for values in (np.zeros((5, 4), "i4"), np.zeros((9, 4))):
            with h5py.File(self.folder / "b.h5", "r+") as file:
                del file["s/results/z"]
                file["s/results"].create_dataset("z", data=values, chunks=(2, 3))
            done = self.taskfarm("diff", "a.h5", "b.h5", status=3)
            self.assertIn("taskfarm: b.h5: is damaged: /s/results/z: has ", done.stderr)

    @farm.unittest.skipIf(farm.SANITIZED, "takes long with sanitizers")
    def test_a_block_of_any_size(self):
        """Of 96 MB, in less memory than that."""
        over = {"b": {"blocks": {"shape": [3, 4_000_000], "chunk": [3, 4_000_000]}}}
        self.campaign("a", over=over, run={"expr": {"z": "index"}}, results={"z": {"type": "float64", "array": "b"}})
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        with h5py.File(self.folder / "b.h5", "r+") as file:
            file["s/results/z"][1, 3_999_999] = 1
        self.assertIn("\n  z: 1 row, by 1 at most (relative 1): [0] (element [1, 3999999]) 0, 1\n", self.limited(60, "a.h5", "b.h5"))

    def test_what_is_not_compared_is_not_the_same(self):
        self.write("t.csv", "n\n0\n1\n2\n")
        for name in "ab":
            self.campaign(name, over=[{"csv": "t.csv"}], store_params=False, run={"expr": {"z": "n"}}, results={})
        text = 'stage "s": 3 rows, the same as far as they are compared\n  n is not compared: it is not stored, and the manifest alone does not give it\n'
        self.assertEqual(self.diff(), text)
        told = self.told()
        columns = {c["name"]: c["same"] for c in told["stages"][0]["columns"]}
        self.assertEqual((told["same"], told["stages"][0]["same"], columns), (False, False, {"status": True, "n": False, "z": True}))
        self.assertEqual(self.diff("a.h5", "b.h5", "--trust", status=0), 'stage "s": 3 rows, the same\n')

    def test_rows_that_are_not_compared_are_not_the_same(self):
        """A parameter of rows that were never run, and of which nothing tells."""
        self.write("list.csv", "n\n" + "".join(f"{n}\n" for n in range(10, 30)))
        run = {"command": ["test", "{n}", "-ne", "11"]}
        self.write("a.json", {"stages": [{"name": "s", "over": [{"csv": "list.csv"}], "run": run, "results": {}, "on_failure": "stop"}]})
        self.taskfarm("a.json", "--slots", 1, status=1)
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        with h5py.File(self.folder / "a.h5") as file:
            never = int((file["s/task/status"][()] == 0).sum())
        self.assertGreater(never, 1)
        text = f'stage "s": 20 rows, the same as far as they are compared\n  n is not compared in {never} rows: nothing tells what it is there\n'
        self.assertEqual(self.diff(), text)
        column = self.columns()["n"]
        self.assertEqual((column["same"], column["rows_not_compared"], column["why_not_compared"]), (False, never, "nothing tells what it is there"))
        self.assertEqual(self.diff("a.h5", "b.h5", "--trust", status=0), 'stage "s": 20 rows, the same\n')

    def test_texts_of_other_forms(self):
        """A text is bytes, and the type is a difference; a number is no text."""
        for name, of_type, y in (("a", "string", '"w"'), ("b", "bytes", '"w"'), ("c", "float64", "NaN"), ("d", "int64", "1")):
            code = f"import json; print(json.dumps(dict(y={'float(chr(110)+chr(97)+chr(110))' if of_type == 'float64' else y})))"
            self.campaign(name, 2, run={"command": ["python3", "-c", code]}, results={"y": of_type})
        self.assertEqual(self.diff("a.h5", "b.h5"), 'stage "s": 2 rows\n  y is string in a.h5, bytes in b.h5\n')
        self.assertFalse(self.told("a.h5", "b.h5")["same"])
        column = [c for c in self.told("a.h5", "c.h5")["stages"][0]["columns"] if c["name"] == "y"][0]
        self.assertEqual((column["same"], column["not_compared"]), (False, "it is of another form"))
        column = [c for c in self.told("d.h5", "c.h5")["stages"][0]["columns"] if c["name"] == "y"][0]
        self.assertEqual(column["first"][0], {"rows": [0, 0], "a": 1, "b": "nan"})

    @farm.first
    def test_wrong_usage_and_what_can_not_be_read(self):
        self.copies().close()
        cases = [
            (["a.h5"], 2, "diff needs two outputs, as in taskfarm diff before.h5 after.h5; taskfarm --help says more"),
            (["a.h5", "b.h5", "s", "t"], 2, "t: one argument too many"),
            (["a.h5", "b.h5", "t"], 2, 'a.h5 has no stage "t"; it has s'),
            (["a.h5", "b.h5", "--columns", "x"], 2, "diff does not take --columns"),
            (["a.h5", "none.h5"], 2, "none.h5: there is no such output, or nothing in it"),
            (["none.h5", "b.h5"], 2, "none.h5: there is no such output, or nothing in it"),
        ]
        self.write("text.h5", "no HDF5")
        with h5py.File(self.folder / "foreign.h5", "w") as file:
            file["s"] = np.arange(5)
        whole = (self.folder / "a.h5").read_bytes()
        self.write("cut.h5", whole[: len(whole) // 2])
        for name, wrong in (("text", "is no HDF5 file\n"), ("foreign", "is another program's file, or damaged\n"), ("cut", "is ")):
            cases += [([f"{name}.h5", "a.h5"], 3, f"{name}.h5: {wrong}"), (["a.h5", f"{name}.h5"], 3, f"taskfarm: {name}.h5: {wrong}")]
        before = self.files()
        for arguments, status, diagnostic in cases:
            with self.subTest(arguments=arguments):
                done = self.taskfarm("diff", *arguments, status=status)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(diagnostic, done.stderr)
        self.assertEqual(self.files(), before, "nothing is written")

    @unittest.skipUnless(os.path.exists("/dev/full"), "there is no /dev/full")
    def test_what_can_not_be_told_is_no_answer(self):
        """Exit status 1 would say that they differ."""
        with self.copies() as file:
            file["s/results/x"][3] += 1
        for options in ([], ["--json"]):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(self.command("diff", "a.h5", "b.h5", *options), cwd=self.folder, env=farm.environment(), stdout=full, stderr=subprocess.PIPE, text=True, timeout=60)
            self.assertEqual((done.returncode, done.stderr), (3, "taskfarm: can't write to standard output: No space left on device\n"))

    def test_a_damaged_column(self):
        with self.copies() as file:
            values = file["s/results/x"][()]
            del file["s/results/x"]
            file["s/results/x"] = values.astype("i8")
        done = self.taskfarm("diff", "a.h5", "b.h5", status=3)
        self.assertIn("taskfarm: b.h5: is damaged: /s/results/x: has elements of another kind", done.stderr)

    def test_while_a_run_is_at_work(self):
        run = {"command": "test {i} -lt 3 || until test -e go; do sleep 0.02; done; echo {i}"}
        results = {"y": {"type": "int64", "from": "field:1"}}
        self.write("a.json", {"name": "s", "over": {"i": {"range": [6]}}, "run": run, "results": results})

        def done():
            try:
                with h5py.File(self.folder / "a.h5") as file:
                    return (file["s/task/status"][()] == farm.DONE).sum() == 3
            except (OSError, KeyError):
                return False

        working = self.start("a.json", "--output", "a.h5", "--slots", 6)
        self.addCleanup(farm.kill_all, working)
        self.wait_for(done, "the first tasks do not end")
        self.assertEqual(self.diff("a.h5", "a.h5", status=0), 'stage "s": 6 rows, the same\n')
        self.write("go", "")
        self.taskfarm("a.json", "--output", "b.h5")
        self.assertEqual(working.wait(60), 0)
        self.assertEqual(self.diff(status=0), 'stage "s": 6 rows, the same\n')

    def test_control_characters_are_seen(self):
        self.copies().close()
        os.rename(self.folder / "a.h5", self.folder / "a\x1b[31m.h5")
        with h5py.File(self.folder / "b.h5", "r+") as file:
            file["s/results/word"][1] = b"\x1b[2J"
            del file["s/params/n"]
        text = self.diff("a\x1b[31m.h5", "b.h5")
        self.assertNotIn("\x1b", text)

    @farm.unittest.skipIf(farm.SANITIZED, "takes long with sanitizers")
    def test_ten_million_rows(self):
        """In some tens of megabytes, where both have as many; else in 33 bytes more for each row of the shorter one."""
        stage = {"over": {"n": {"range": [10_000_000]}}, "run": {"expr": {"x": "n / 3"}}}
        self.write("a.json", stage)
        self.taskfarm("a.json")
        shutil.copy(self.folder / "a.h5", self.folder / "b.h5")
        with h5py.File(self.folder / "b.h5", "r+") as file:
            file["a/results/x"][9_999_999] = 0
        self.assertIn("; 1 differs\n", self.limited(200, "a.h5", "b.h5"))
        self.write("c.json", {**stage, "name": "a", "over": {"n": {"range": [-5, 10_000_000]}}})
        self.taskfarm("c.json", "--output", "c.h5")
        self.assertIn("; 1 differs\n", self.limited(500, "c.h5", "b.h5"))

    def limited(self, megabytes, *outputs):
        """What is said with no more data than that."""
        size = megabytes << 20
        done = subprocess.run(
            self.command("diff", *outputs),
            cwd=self.folder,
            env=farm.environment(),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (size, size)),
            capture_output=True,
            text=True,
            timeout=self.limit,
        )
        self.assertEqual((done.returncode, done.stderr), (1, ""))
        return done.stdout


if __name__ == "__main__":
    farm.main()
