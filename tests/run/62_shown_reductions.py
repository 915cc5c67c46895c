"""Reductions without h5py: at the end of a run, in status, show, export, diff and completion; against what h5py reads."""

import csv
import io
import json
import shutil
import subprocess
import unittest

import farm
import h5py
import numpy as np
import pandas

BY_BAND = {"by": "band", "where": "n > 3", "columns": {"y": ["mean", "argmax", "histogram:3"], "z": ["median", "topk:2"]}}
REDUCE = {"total": {"columns": {"y": ["mean", "std", "histogram:4"]}}, "by band": BY_BAND, "many": {"by": ["n", "band"], "columns": {"y": "mean"}}}


class ShownReductions(farm.FarmTest):
    def campaign(self, reduce=None, rows=40, **more):
        stage = {"name": "sq", "over": {"n": {"range": [rows]}, "band": ["R", "G", "α Cen"]}, "run": {"expr": {"y": "n * n", "z": "n / 7 - index"}}}
        self.write("sq.json", {"stages": [stage | {"reduce": reduce or REDUCE} | more]})

    def run_it(self, *arguments, **options):
        return self.taskfarm("sq.json", *arguments, **options).stderr

    def show(self, name, *arguments, **options):
        return self.taskfarm("show", "sq.h5", name, *arguments, **options).stdout

    def export(self, name, *arguments, **options):
        return self.taskfarm("export", "sq.h5", name, *arguments, **options).stdout

    def table(self, name):
        return pandas.read_csv(io.StringIO(self.export(name)), float_precision="round_trip")

    def group(self, name, stage="sq"):
        return self.open("sq.h5")[f"{stage}/reduce/{name}"]

    # ---- At the end of a run, and in status ----

    @farm.first
    def test_the_end_of_a_run_shows_them(self):
        self.campaign({"total": {"columns": {"y": ["mean", "max"]}}, "by band": {"by": "band", "columns": {"z": ["sum", "topk:2"]}}})
        shown = [
            "  sq.total: 120 rows",
            "    y.mean  513.5",
            "    y.max   1521",
            "  sq.by band by band: 3 groups",
            "    band   rows     z.sum  z.topk:2",
            "    G        40  -2268.57  -1, -3.85714",
            "    R        40  -2228.57  0, -2.85714",
            "    α Cen    40  -2308.57  -2, -4.85714",
        ]
        for ranks in (None, 3):
            lines = self.run_it("--fresh", ranks=ranks).splitlines()
            self.assertIn("results in sq.h5", lines[-len(shown) - 1])
            self.assertEqual(lines[-len(shown) :], shown)
        self.assertEqual(self.run_it().splitlines()[-len(shown) :], shown, "of a run that had nothing to do")
        self.assertEqual(self.taskfarm("status", "sq.h5").stdout.splitlines()[-len(shown) :], shown)
        self.assertNotIn("sq.total", self.run_it("--progress", "none"))

    def test_what_there_is_no_room_for_is_named(self):
        reduce = {f"r{n}": {"by": "n", "columns": {"y": "mean"}} for n in range(9)}
        self.campaign(reduce | {"none": {"by": "n", "where": "n < 0", "columns": {"y": "mean"}}}, rows=25)
        lines = self.run_it().splitlines()
        hints = [f"  sq.r{n} by n: 25 groups; see: taskfarm show sq.h5 sq.r{n}" for n in range(5)]
        self.assertEqual(lines[-7:], [*hints, "  sq.none by n where n < 0: no rows", "  and 4 more reductions"])
        self.campaign({f"r{n}": {"by": "n", "columns": {"y": "mean"}} for n in range(3)}, rows=15)
        lines = self.run_it("--fresh").splitlines()
        self.assertEqual(lines[-2:], [f"  sq.r{n} by n: 15 groups; see: taskfarm show sq.h5 sq.r{n}" for n in (1, 2)])
        self.assertEqual(lines[-19:-17], ["  sq.r0 by n: 15 groups", "     n  rows  y.mean"])

    def test_one_of_many_statistics_does_not_fill_the_screen(self):
        columns = {f"y{i}": "n + index" for i in range(50)}
        self.campaign({"wide": {"columns": {name: "mean" for name in columns}}}, run={"expr": columns})
        self.assertEqual(self.run_it().splitlines()[-1], "  sq.wide: 1 group; see: taskfarm show sq.h5 sq.wide")
        self.assertEqual(len(self.show("sq.wide").splitlines()), 51)

    @farm.first
    def test_status_has_them_for_programs(self):
        self.campaign()
        self.run_it()
        (stage,) = json.loads(self.taskfarm("status", "sq.h5", "--json").stdout)["stages"]
        total, by_band, many = stage["reductions"]
        self.assertEqual([(r["name"], r["keys"], r["size"]) for r in stage["reductions"]], [("total", [], 1), ("by band", ["band"], 3), ("many", ["n", "band"], 120)])
        self.assertNotIn("groups", many)
        self.assertEqual(by_band["groups"], json.loads(self.show("sq.by band", "--json"))["groups"])
        self.assertEqual(total["groups"][0]["y.mean"], self.group("total")["y.mean"][0])

    def test_those_of_a_stage_that_is_not_finished_are_not_shown(self):
        """Not those of an earlier run either: they are of other rows."""
        self.campaign(run={"command": "test {n} -lt 10 || test -e go || sleep 60; echo {n}"}, results={"y": {"type": "int64", "from": "field:1"}}, rows=4)
        manifest = json.loads((self.folder / "sq.json").read_text())
        manifest["stages"][0]["reduce"] = {"total": {"columns": {"y": "mean"}}}
        self.write("sq.json", manifest)
        self.assertIn("  sq.total: 12 rows\n    y.mean  1.5\n", self.run_it())
        manifest["stages"][0]["over"]["n"] = {"range": [12]}
        self.write("sq.json", manifest)
        run = self.start("sq.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        done = lambda: json.loads(self.taskfarm("status", "sq.h5", "--json").stdout)["stages"][0].get("done", 0)
        self.wait_for(lambda: done() == 30, "tasks do not end")
        for state in ("running", "interrupted"):
            self.assertNotIn("sq.total", self.taskfarm("status", "sq.h5").stdout)
            for verb in ("show", "export"):
                said = self.taskfarm(verb, "sq.h5", "sq.total", status=2).stderr
                self.assertEqual(said, 'taskfarm: sq.h5: stage "sq" is not finished: its reductions are made at its end\n')
            farm.kill_all(run)
        self.write("go", "")
        self.assertIn("  sq.total: 36 rows\n    y.mean  5.5\n", self.run_it(ranks=2))

    # ---- All of one ----

    @farm.first
    def test_all_of_one_is_shown(self):
        self.campaign()
        self.run_it()
        self.assertEqual(
            self.show("sq.by band").splitlines(),
            [
                "sq.by band by band where n > 3: 3 groups",
                "  band   rows   y.mean  y.argmax  z.median",
                "  G        36  570.167       118  -62.4286",
                "  R        36  570.167       117  -61.4286",
                "  α Cen    36  570.167       119  -63.4286",
                "",
                "  band      from       to  y.histogram:3",
                "  G           16  517.667             19",
                "  G      517.667  1019.33              9",
                "  G      1019.33     1521              8",
                "  R           16  517.667             19",
                "  R      517.667  1019.33              9",
                "  R      1019.33     1521              8",
                "  α Cen       16  517.667             19",
                "  α Cen  517.667  1019.33              9",
                "  α Cen  1019.33     1521              8",
                "",
                "  band   element  z.topk:2  task",
                "  G      [0]      -12.4286    13",
                "  G      [1]      -15.2857    16",
                "  R      [0]      -11.4286    12",
                "  R      [1]      -14.2857    15",
                "  α Cen  [0]      -13.4286    14",
                "  α Cen  [1]      -16.2857    17",
            ],
        )
        many = self.show("sq.many").splitlines()
        self.assertEqual(many[:3], ["sq.many by n, band: 120 groups", "   n  band   rows  y.mean", "   0  G         1       0"])
        self.assertEqual((len(many), many[-1]), (122, "  39  α Cen     1    1521"))

    def test_a_table_that_is_too_wide_is_told_in_parts(self):
        stats = ["count", "missing", "nunique", "sum", "mean", "var", "std", "stderr", "min", "max", "median", "mad"]
        self.campaign({"wide": {"by": "band", "columns": {"z": stats}}})
        self.run_it()
        lines = self.show("sq.wide").splitlines()
        self.assertLessEqual(max(map(len, lines)), 100)
        heads = [line.split() for line in lines if line.startswith("  band")]
        self.assertEqual([h[0] for h in heads], ["band", "band"])
        self.assertEqual(heads[0][1:] + heads[1][1:], ["rows"] + [f"z.{s}" for s in stats])

    def test_keys_of_all_types(self):
        rows = [{"word": w, "x": x, "whole": i, "yes": i % 2 == 0} for i, (w, x) in enumerate([("a,b", 0.1), ('say "x"', 0.30000000000000004), ("two\nlines", -2.5)])]
        self.write("sq.json", {"name": "sq", "over": [{"rows": rows}], "run": {"expr": {"y": "x"}}, "reduce": {"r": {"by": ["word", "x", "whole", "yes"], "columns": {"y": "mean"}}}})
        self.run_it()
        lines = self.show("sq.r").splitlines()
        self.assertEqual(lines[1].split(), ["word", "x", "whole", "yes", "rows", "y.mean"])
        self.assertEqual([line.split() for line in lines[2:]], [["a,b", "0.1", "0", "true", "1", "0.1"], ["say", '"x"', "0.30000000000000004", "1", "false", "1", "0.3"], ["two\\nlines", "-2.5", "2", "true", "1", "-2.5"]])
        told = json.loads(self.show("sq.r", "--json"))["groups"]
        self.assertEqual([{k: g[k] for k in rows[0]} for g in told], rows)
        table = self.table("sq.r")
        self.assertEqual(table[list(rows[0])].to_dict("records"), rows)

    @farm.first
    def test_tables_are_what_the_file_holds(self):
        """As pandas reads them: keys are columns, elements of arrays columns of their own, edges with each row."""
        self.campaign()
        self.run_it(ranks=3)
        for name in ("total", "by band", "many"):
            group = self.group(name)
            table = self.table(f"sq.{name}")
            lines = [json.loads(line) for line in self.export(f"sq.{name}", "--format", "jsonl").splitlines()]
            self.assertEqual(lines, json.loads(self.show(f"sq.{name}", "--json"))["groups"])
            self.assertEqual(len(table), len(group["rows"]))
            for key, data in group.items():
                if data.attrs.get("CLASS") == b"DIMENSION_SCALE":
                    continue
                values = data.asstr()[()] if data.dtype.kind == "S" else data[()]
                if key.endswith(".edges"):
                    values = np.tile(values, (len(table), 1))
                got = table.filter(regex=f"^{key}\\[").to_numpy() if values.ndim > 1 else table[key].to_numpy()
                np.testing.assert_array_equal(got, values, key)
                np.testing.assert_array_equal([line[key] for line in lines], values, key)
        self.assertEqual(list(table.columns), ["n", "band", "rows", "y.mean"])
        few = self.export("sq.many", "--where", "n == 3 && band != 'G'", "--columns", "band,y.mean")
        self.assertEqual(list(csv.reader(io.StringIO(few))), [["band", "y.mean"], ["R", "9"], ["α Cen", "9"]])

    def test_columns_with_a_shape(self):
        results = {"v": {"type": "float64", "shape": [2, 3]}}
        stage = {"name": "v", "over": {"n": {"range": [9]}}, "run": {"function": "builtin:random"}, "results": results}
        self.write("sq.json", {"output": "sq.h5", **stage, "reduce": {"r": {"columns": {"v": ["mean", "histogram:2", "topk:2"]}}}})
        self.run_it()
        group = self.group("r", "v")
        table = self.table("v.r")
        np.testing.assert_array_equal(table.filter(regex="^v.histogram:2\\[").to_numpy().reshape(1, 2, 3, 2), group["v.histogram:2"][()])
        self.assertEqual(table["v.topk:2.task[1][2][0]"][0], group["v.topk:2.task"][0, 1, 2, 0])
        lines = [line.split() for line in self.show("v.r").splitlines()]
        self.assertIn(["element", "v.mean"], lines)
        self.assertIn(["[1][2]", "%.6g" % group["v.mean"][0, 1, 2]], lines)
        edges = ["%.6g" % e for e in group["v.histogram:2.edges"][()]]
        self.assertIn(["[1][0]", *edges[1:], str(group["v.histogram:2"][0, 1, 0, 1])], lines)
        self.assertIn(["[0][1][1]", "%.6g" % group["v.topk:2"][0, 0, 1, 1], str(group["v.topk:2.task"][0, 0, 1, 1])], lines)

    @farm.first
    def test_names_that_there_are_not(self):
        self.campaign({"total": {"columns": {"y": "mean"}}, "maxima": {"columns": {"y": "max"}}})
        manifest = json.loads((self.folder / "sq.json").read_text())
        manifest["stages"].append({"name": "plain", "run": {"expr": {"q": "1"}}})
        self.write("sq.json", manifest)
        self.run_it()
        for name, said in (
            ("sq.totl", 'sq.h5 has no reduction "sq.totl"; did you mean "sq.total"?'),
            ("sq.x", 'sq.h5 has no reduction "sq.x"; it has sq.total, sq.maxima'),
            ("plain.total", 'sq.h5: stage "plain" has no reductions'),
            ("s.total", 'sq.h5 has no stage "s"; did you mean "sq"?'),
        ):
            for verb in ("show", "export"):
                self.assertEqual(self.taskfarm(verb, "sq.h5", name, status=2).stderr, f"taskfarm: {said}\n")
        said = self.taskfarm("export", "sq.h5", "total", status=2).stderr
        self.assertEqual(said, 'taskfarm: sq.h5 has no stage "total"; did you mean "sq.total"?\n')
        said = self.taskfarm("export", "sq.h5", "sq.total", "--columns", "index", status=2).stderr
        self.assertEqual(said, 'taskfarm: there is no column "index"; there are rows, y.mean\n')

    @farm.first
    def test_a_stage_s_name_is_wanted_where_a_reduction_s_is_given(self):
        one = {"name": "sq", "over": {"n": [1, 2]}, "run": {"expr": {"y": "n"}}, "reduce": {"total": {"columns": {"y": "mean"}}}}
        for stage, said in (
            (
                {"over": {"r": {"from": "sq.total"}}},
                '/over/r/from: "sq.total" is a reduction, and only rows can be taken: write "sq" for the rows that it is made of, or '
                '"after": ["sq"] and have tasks read it, by taskfarm export OUTPUT sq.total',
            ),
            ({"after": ["sq.total"]}, '/after/0: "sq.total" is a reduction, made at the end of its stage: write "sq"'),
            ({"over": {"r": {"from": "sq.mean"}}}, '/over/r/from: there is no stage "sq.mean"'),
            ({"over": {"r": {"from": "sqq"}}}, '/over/r/from: there is no stage "sqq"; did you mean "sq"?'),
        ):
            self.write("m.json", {"stages": [one, {"name": "two", "run": {"expr": {"z": "1"}}} | stage]})
            self.assertEqual(self.taskfarm("check", "m.json", status=2).stderr, f"m.json: /stages/1{said}\n")

    @farm.first
    def test_keys_that_would_be_a_dataset_twice(self):
        """They ended in a run that could not make its reductions, at the end of its stage."""
        for by, said in (
            ("rows", '/by: "rows" can\'t be a key: reductions have a dataset of their own with that name'),
            ("group", '/by: "group" can\'t be a key: reductions have a dataset of their own with that name'),
            ("y.mean", '/by: "y.mean" can\'t be a key: reductions have a dataset of their own with that name'),
            (["n", "y.mean_dim1"], '/by: "y.mean_dim1" can\'t be a key: reductions have a dataset of their own with that name'),
            (["n", "n"], '/by/1: "n" is given twice'),
        ):
            names = {name: [1] for name in {*([by] if isinstance(by, str) else by)}}
            self.write("m.json", {"over": names, "run": {"expr": {"y": "1"}}, "reduce": {"r": {"by": by, "columns": {"y": ["mean", "topk:2"]}}}})
            self.assertEqual(self.taskfarm("m.json", status=2).stderr, f"m.json: /reduce/r{said}\n")
        names = {"y.meaning": [1], "groups": [2], "row": ["a"]}
        self.write("m.json", {"over": names, "run": {"expr": {"y": "1"}}, "reduce": {"r": {"by": list(names), "columns": {"y": "mean"}}}})
        self.taskfarm("m.json")
        self.assertEqual(self.taskfarm("export", "m.h5", "m.r").stdout, "y.meaning,groups,row,rows,y.mean\n1,2,a,1,1\n")

    def test_check_prints_them(self):
        self.campaign({"total": {"columns": {"y": ["mean", "quantile:0.9"]}}, "by both": {"by": ["band", "n"], "where": "n > 3", "columns": {"z": "sum"}}}, until={"expr": "y.stderr < 1", "first": 2000}, timeout=90, retries=2, retry_delay=30)
        lines = self.taskfarm("check", "sq.json").stdout.splitlines()
        handling = ["  until y.stderr < 1, looked at first after 2 000 tasks", "  timeout 1m30s", "  retries 2, the first after 30s"]
        reductions = ["  reduce total: y.mean, y.quantile:0.9", "  reduce by both by band, n where n > 3: z.sum"]
        self.assertEqual(lines[-7:], ["  result y: float64", "  result z: float64", *reductions, *handling])
        (stage,) = json.loads(self.taskfarm("check", "sq.json", "--json").stdout)["stages"]
        self.assertEqual(
            {key: stage[key] for key in ("reduce", "until", "timeout", "retries", "retry_delay")},
            {
                "reduce": [
                    {"name": "total", "by": [], "statistics": ["y.mean", "y.quantile:0.9"]},
                    {"name": "by both", "by": ["band", "n"], "where": "n > 3", "statistics": ["z.sum"]},
                ],
                "until": {"expr": "y.stderr < 1", "first": 2000},
                "timeout": 90,
                "retries": 2,
                "retry_delay": 30,
            },
        )

    def test_bash_completes_them(self):
        self.campaign({"total": {"by": "band", "columns": {"y": "mean"}}, "two words": {"columns": {"y": "max"}}})
        self.run_it()
        script = 'eval "$(%s completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _taskfarm 2>/dev/null; printf "%%s\\n" "${COMPREPLY[@]}"' % farm.TASKFARM
        env = farm.environment(PATH=f"{farm.BUILD}:/usr/bin:/bin")
        for verb, words in (("show", ["sq.h5", ""]), ("export", ["sq.h5", "sq"]), ("diff", ["sq.h5", "sq.h5", ""])):
            done = subprocess.run(["bash", "-c", script, "bash", "taskfarm", verb, *words], cwd=self.folder, env=env, capture_output=True, text=True)
            self.assertEqual((sorted(done.stdout.split()), done.stderr), (["sq", "sq.total"], ""), verb)

    def test_dimensions_are_called_as_documented(self):
        self.campaign()
        self.run_it()
        group = self.group("by band")
        dimensions = {name for name, data in group.items() if data.attrs.get("CLASS") == b"DIMENSION_SCALE"}
        self.assertEqual(dimensions, {"group", "y.histogram:3_dim1", "y.histogram:3_edge", "z.topk:2_dim1", "z.topk:2.task_dim1"})

    def test_status_says_of_damaged_ones_that_they_are(self):
        self.campaign()
        self.run_it()
        with h5py.File(self.folder / "sq.h5", "r+") as file:
            del file["sq/reduce/by band/rows"]
        lines = self.taskfarm("status", "sq.h5").stdout.splitlines()
        self.assertEqual(lines[-1], "  sq.h5: is damaged: /sq/reduce/by band: lacks rows")
        self.assertEqual(lines[2].split(), ["sq", "120", "120"])
        self.assertNotIn("reductions", json.loads(self.taskfarm("status", "sq.h5", "--json").stdout)["stages"][0])
        self.assertIn("sq.h5: is damaged: /sq/reduce/by band: lacks rows", self.taskfarm("show", "sq.h5", "sq.total", status=3).stderr)
        self.assertIn("  sq.total: 120 rows\n", self.run_it("--force", "sq"), "and a run makes them anew")

    # ---- Of two outputs ----

    def changed(self, change):
        """b.h5: the same output, but for what `change` does with its reductions."""
        shutil.copy(self.folder / "sq.h5", self.folder / "b.h5")
        with h5py.File(self.folder / "b.h5", "r+") as file:
            change(file["sq/reduce"])

    def diff(self, *arguments, status=1):
        return self.taskfarm("diff", "sq.h5", "b.h5", *arguments, status=status).stdout

    @farm.first
    def test_two_outputs_are_compared(self):
        self.campaign()
        self.run_it()
        self.changed(lambda reduce: None)
        same = 'stage "sq": 120 rows, the same\nreduction "sq.total": 1 group, the same\nreduction "sq.by band": 3 groups, the same\nreduction "sq.many": 120 groups, the same\n'
        self.assertEqual(self.diff(status=0), same)

        def change(reduce):
            reduce["by band/y.mean"][1] += 0.5
            reduce["total/y.histogram:4"][0, 2] += 1

        self.changed(change)
        self.assertEqual(
            self.diff().splitlines(),
            [
                'stage "sq": 120 rows, the same',
                'reduction "sq.total": 1 group; 1 differs',
                "  y.histogram:4: 1 group, by 1 at most (relative 0.0526): (element 2) 18, 19",
                'reduction "sq.by band": 3 groups; 1 differs',
                "  y.mean: 1 group, by 0.5 at most (relative 0.000876): [R] 570.1666666666666, 570.6666666666666",
                'reduction "sq.many": 120 groups, the same',
            ],
        )
        told = json.loads(self.diff("sq.by band", "--json"))
        self.assertEqual((told["stages"], told["same"]), ([], False))
        (reduction,) = told["reductions"]
        self.assertEqual((reduction["name"], reduction["groups"], reduction["by"], reduction["differ"]), ("sq.by band", [3, 3], "keys", 1))
        self.assertEqual({c["name"]: c["kind"] for c in reduction["columns"]}["band"], "key")
        self.assertEqual(self.diff("sq.many", status=0), 'reduction "sq.many": 120 groups, the same\n')

    def test_groups_are_compared_by_their_keys(self):
        self.campaign({"r": {"by": "band", "columns": {"y": "sum"}}, "other": {"by": "n", "columns": {"y": "sum"}}, "gone": {"columns": {"y": "sum"}}})
        self.run_it()
        (self.folder / "sq.h5").rename(self.folder / "b.h5")
        self.campaign({"r": {"by": "band", "where": "band != 'R'", "columns": {"y": "sum"}}, "other": {"by": "band", "columns": {"y": "sum"}}})
        self.run_it()
        self.assertEqual(
            self.diff().splitlines(),
            [
                'stage "sq": 120 rows, the same',
                'reduction "sq.r": 2 groups in sq.h5, 3 in b.h5',
                "  1 group is in b.h5 only: [R]",
                'reduction "sq.other": 3 groups in sq.h5, 40 in b.h5',
                "  rows is not compared: the groups have other keys",
                "  y.sum is not compared: the groups have other keys",
                "  band is in sq.h5 only",
                "  n is in b.h5 only",
                'reduction "sq.gone" is in b.h5 only',
            ],
        )
        self.assertEqual(json.loads(self.diff("--json"))["reductions_only"], {"a": [], "b": ["sq.gone"]})
        self.assertEqual(self.diff("sq.gone"), 'reduction "sq.gone" is in b.h5 only\n')
        said = self.taskfarm("diff", "sq.h5", "b.h5", "sq.none", status=2).stderr
        self.assertEqual(said, 'taskfarm: sq.h5 has no reduction "sq.none"; it has sq.r, sq.other\n')


if __name__ == "__main__":
    farm.main()
