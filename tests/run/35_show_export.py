"""taskfarm export and show: the table of a stage, and all of one task, against h5py and Python's csv and json."""

import base64
import csv
import io
import json
import os

import farm
import h5py

MEASURE = """
import base64, json, sys
n, name = int(sys.argv[1]), sys.argv[2]
print("measuring", n)
print("low on light", file=sys.stderr)
text = [name, "a,b", 'say "x"', "two\\nlines", "", "\\u03b1\\u00e9"][n % 6]
print(json.dumps({"flag": n % 2 == 0, "i": -n, "big": str(2**64 - 1 - n), "x": n / 3 + 1e-3, "f": 0.1 * n, "word": text,
                  "long": text * 1000, "raw": text, "m": [[n, 2, 3], [4, 5, 6]]}))
sys.exit(3 if n == 4 else 0)
"""

RESULTS = {
    "flag": "bool",
    "i": "int16",
    "big": "uint64",
    "x": "float64",
    "f": "float32",
    "word": "string",
    "long": "string",
    "raw": "bytes",
    "m": {"type": "int32", "shape": [2, 3]},
}

STATUS = ["pending", "done", "failed", "timeout", "skipped", "excluded", "cancelled"]


def number(text):
    return {"true": True, "false": False}.get(text) if text in ("true", "false") else float(text)


class ShowExport(farm.FarmTest):
    def export(self, *arguments, **options):
        return self.taskfarm("export", *arguments, **options).stdout

    def rows(self, *arguments):
        return list(csv.DictReader(io.StringIO(self.export(*arguments), newline="")))

    def lines(self, *arguments):
        return [json.loads(line) for line in self.export(*arguments, "--format", "jsonl").splitlines()]

    def measure(self, tasks=12, **more):
        self.write("measure.py", MEASURE)
        run = {"command": ["/usr/bin/python3", "measure.py", "{n}", "{name}"]}
        stage = {"name": "measure", "over": {"n": {"range": [tasks // 2]}, "name": ["Vega", "α Cen"]}, "run": run}
        return stage | {"results": RESULTS} | more

    @farm.first
    def test_a_table_is_what_the_file_holds(self):
        self.write("c.json", {"stages": [self.measure()]})
        self.taskfarm("c.json", status=1, ranks=3)
        rows, lines = self.rows("c.h5"), self.lines("c.h5", "measure")
        file = self.open("c.h5")
        stage = file["measure"]
        self.assertEqual(len(rows), 12)
        self.assertEqual([int(r["index"]) for r in rows], list(range(12)))
        self.assertEqual([r["status"] for r in rows], [STATUS[s] for s in stage["task/status"][()]])
        long, raw = self.heap(stage, "long"), self.heap(stage, "raw")
        for i, (row, line) in enumerate(zip(rows, lines, strict=True)):
            self.assertEqual((int(row["n"]), row["name"]), (line["n"], line["name"]))
            self.assertEqual((line["n"], line["name"]), (i // 2, ["Vega", "α Cen"][i % 2]))
            if row["status"] != "done":
                self.assertEqual(i // 2, 4)
                self.assertTrue(all(row[k] == "" for k in row if k not in ("index", "status", "n", "name")))
                self.assertTrue(all(line[k] is None for k in RESULTS))
                continue
            results = stage["results"]
            for name in ("flag", "i", "big", "x", "f"):
                value = results[name][i]
                self.assertEqual(type(value)(number(row[name]) if name == "flag" else row[name]), value, name)
                self.assertEqual(type(value)(line[name]), value, name)
            self.assertEqual(row["word"], results["word"][i].decode())
            self.assertEqual(line["word"], row["word"])
            self.assertEqual((row["long"], line["long"]), (long[i].decode(), long[i].decode()))
            self.assertEqual((base64.b64decode(row["raw"]), base64.b64decode(line["raw"])), (raw[i], raw[i]))
            self.assertEqual(line["m"], results["m"][i].tolist())
            self.assertEqual([int(row[f"m[{a}][{b}]"]) for a in range(2) for b in range(3)], results["m"][i].ravel().tolist())

    def test_numbers_that_are_none(self):
        columns = {"a": "0/n - 1/n", "b": "sqrt(-n)", "c": "1/n"}
        self.write("c.json", {"over": {"n": {"range": [2]}}, "run": {"expr": columns}})
        self.taskfarm("c.json")
        self.assertEqual(self.export("c.h5"), "index,status,n,a,b,c\n0,done,0,nan,-0,inf\n1,done,1,-1,nan,1\n")
        line = self.lines("c.h5")[0]
        self.assertEqual((line["a"], line["c"]), (None, None))

    @farm.first
    def test_which_columns_and_which_rows(self):
        self.write("c.json", {"stages": [self.measure()]})
        self.taskfarm("c.json", status=1)
        got = self.export("c.h5", "--columns", "x,n,index", "--where", "name == 'Vega' && status == 'done' && x > 0.5")
        self.assertEqual(got.splitlines(), ["x,n,index"] + [f"{n / 3 + 1e-3!r},{n},{2 * n}" for n in (2, 3, 5)])
        failed = self.lines("c.h5", "--where", "status == 'failed'", "--columns", "index,message,stderr,exit_code,attempts")
        self.assertEqual([f["index"] for f in failed], [8, 9])
        for f in failed:
            self.assertEqual((f["exit_code"], f["attempts"]), (3, 1))
            self.assertEqual((f["message"], f["stderr"]), ("exit status 3: low on light", "low on light\n"))
        self.assertEqual(len(self.rows("c.h5", "--where", "index % 5 == 0")), 3)
        self.assertEqual(self.rows("c.h5", "--where", "false"), [])
        done = self.taskfarm("export", "c.h5", "--sort", "-m", status=2)
        self.assertEqual(done.stderr, 'taskfarm: --sort: column "m" has several numbers in a row, which have no order\n')
        self.taskfarm("export", "c.h5", "-o", "out.csv")
        self.assertEqual((self.folder / "out.csv").read_text(), self.export("c.h5"))

    def test_a_task_by_its_parameters(self):
        over = {"a": {"range": [0, 1, 0.1]}, "b": ["R", "G,B"], "k": [1, 2], "live": [True, False]}
        self.write("p.json", {"over": over, "run": {"expr": {"y": "a * k"}}})
        self.taskfarm("p.json")
        which = lambda *task: self.taskfarm("show", "p.h5", *task).stdout.partition(":")[0]
        self.assertEqual(which("a=0.3,b=R,k=2,live=true"), "p[26]")  # 3 * 0.1
        self.assertEqual(which("a=0.30000000000000004,live=0,b=G,B,k=2.0"), "p[31]")
        self.assertEqual(which("p", "a=3e-1,b=G,B,k=2,live=false"), "p[31]")
        self.assertEqual(which("p[a=0, b=R, k=1, live=false]"), "p[1]")
        self.assertEqual(which("p[17]"), "p[17]")
        several = self.taskfarm("show", "p.h5", "a=0.3,live=true,k=1").stdout
        self.assertEqual(
            several.splitlines(),
            [
                "2 tasks have these parameters",
                "  p[24] (a=0.30000000000000004, b=R, k=1, live=true): done",
                '  p[28] (a=0.30000000000000004, b=G,B, k=1, live=true): done',
                "see: taskfarm show p.h5 p 24",
            ],
        )
        found = json.loads(self.taskfarm("show", "p.h5", "--json", "b=R,live=false").stdout)
        self.assertEqual((found["stage"], found["matches"], len(found["tasks"])), ("p", 20, 20))
        self.assertEqual(found["tasks"][0], {"index": 1, "status": "done", "parameters": {"a": 0, "b": "R", "k": 1, "live": False}})
        self.assertTrue(self.taskfarm("show", "p.h5", "b=R").stdout.endswith("  and 20 more\nsee: taskfarm show p.h5 p 0\n"))
        for task, diagnostic in (
            ("a=0.42,b=R", 'a=0.42,b=R: no task of stage "p" has these parameters; the nearest is p[32] (a=0.4, b=R, k=1, live=true)'),
            ("b=Q,k=2", 'b=Q,k=2: no task of stage "p" has these parameters; the nearest is p[2] (a=0, b=R, k=2, live=true)'),
            ("lives=1", 'stage "p": there is no parameter "lives"; did you mean "live"?'),
            ("y=1", 'stage "p": there is no parameter "y"; there are a, b, k, live'),
            ("k=two", 'stage "p": k=two: the parameter is of type int64'),
            ("b,k=two", 'stage "p": b: must be NAME=VALUE'),
            ("p[b]", 'b: stage "p" has tasks 0 to 79'),
            ("p", "p: the task's index is missing, or its parameters, as in taskfarm show p.h5 p 0"),
        ):
            done = self.taskfarm("show", "p.h5", task, status=2)
            self.assertEqual((done.stdout, done.stderr), ("", f"taskfarm: {diagnostic}\n"))
        done = self.taskfarm("try", "p.json", "p", status=2)
        self.assertIn('p: the task\'s index is missing; stage "p" has tasks 0 to 79', done.stderr)

    def test_a_task_that_has_not_run_by_its_parameters(self):
        """Their rows are not written: the manifest in the output tells their parameters, or nothing does."""
        for name, over in (("r", {"k": {"range": [2000]}}), ("f", {"k": {"lines": "f.txt"}})):
            self.write("f.txt", "".join(f"{k}\n" for k in range(2000)))
            self.write(f"{name}.json", {"over": over, "run": {"expr": {"y": "index"}}, "until": {"expr": "y.count >= 5", "first": 5}})
            self.taskfarm(f"{name}.json", "--slots", 1)
            self.assertEqual(self.taskfarm("show", f"{name}.h5", "k=3").stdout.splitlines()[0], f"{name}[3]: done")
        self.assertEqual(self.taskfarm("show", "r.h5", "k=1999").stdout.splitlines()[0], "r[1999]: pending")
        with self.open("r.h5") as file:  # where they hold zeros
            self.assertEqual([file[f"r/{name}"][1999] for name in ("params/k", "results/y", "task/status")], [0, 0, 0])
        self.assertEqual(self.export("r.h5", "--where", "k == 1999").splitlines()[1:], ["1999,pending,1999,"])
        self.assertEqual(self.lines("r.h5", "--where", "k == 1999")[0]["y"], None)
        self.assertEqual([r["index"] for r in self.rows("r.h5", "--where", "y == 0 || k == 0")], ["0"])
        self.assertEqual(json.loads(self.taskfarm("show", "r.h5", 1999, "--json").stdout)["results"], {"y": None})
        done = self.taskfarm("show", "f.h5", "k=1999", status=2)
        self.assertRegex(done.stderr, r"; of \d+ that are not written nothing tells the parameters: the campaign can't be made again from")
        self.assertEqual(self.taskfarm("show", "f.h5", "--trust", "k=1999").stdout.splitlines()[0], "f[1999]: pending")

    def test_why_a_task_was_not_run(self):
        stages = [
            {"name": "a", "over": {"n": {"range": [6]}, "w": ["x", "y"]}, "where": "n != 1 || w == 'y'", "run": {"command": "test {n} -ne 4 && echo {n}"}, "results": {"y": {"type": "int64", "from": "field:1"}}},
            {"name": "b", "over": {"s": {"from": "a", "where": "y < 5"}, "k": [0, 1]}, "where": "k == 0 || n < 3", "run": {"expr": {"z": "y + k"}}},
            {"name": "c", "over": [{"from": "a", "indices": [9, 0]}], "run": {"expr": {"z": "y"}}},
        ]
        self.write("c.json", {"stages": stages})
        self.taskfarm("c.json", status=1)
        lines = lambda *task: self.taskfarm("show", "c.h5", *task).stdout.splitlines()
        why = "what it takes from another stage is not done"
        self.assertEqual(lines("a", 2)[:4], ["a[2]: excluded", "left out by", "  where n != 1 || w == 'y'", "parameters"])
        self.assertEqual(lines("b", 4)[:3], ["b[4]: excluded", "left out by", "  a[2], which is excluded"])
        self.assertEqual(lines("b", 13)[:3], ["b[13]: excluded", "left out by", "  where k == 0 || n < 3"])
        self.assertEqual(lines("b", 20)[:4], ["b[20]: excluded", "left out by", "  where y < 5", "parameters"])
        self.assertEqual(lines("b", 21)[2:5], ["  where y < 5", "  where k == 0 || n < 3", "parameters"])
        self.assertEqual(lines("b", 17)[:5], ["b[17]: skipped", "message", f"  {why}", "because of", "  a[8], which is failed"])
        self.assertEqual(lines("c", 0)[3:5], ["because of", "  a[9], which is failed"])
        self.assertEqual(json.loads(self.taskfarm("show", "c.h5", "c", 0, "--json").stdout)["because"], ["a[9], which is failed"])
        self.assertNotIn("because", json.loads(self.taskfarm("show", "c.h5", "c", 1, "--json").stdout))
        self.write("f.txt", "1\n2\n")  # which the output does not open
        self.write("f.json", {"over": {"n": {"lines": "f.txt"}}, "where": "n != '1'", "run": {"expr": {"y": "1"}}})
        self.taskfarm("f.json")
        self.assertEqual(self.taskfarm("show", "f.h5", 0).stdout.splitlines()[1:3], ["left out by", "  where n != '1'"])

    def test_texts_that_no_task_has(self):
        self.write("c.json", {"over": {"k": {"range": [2]}}, "run": {"command": "true"}})
        self.taskfarm("c.json")
        self.assertEqual(self.export("c.h5", "--columns", "index,message,stderr"), "index,message,stderr\n0,,\n1,,\n")
        self.assertEqual(self.lines("c.h5", "--columns", "stdout"), [{"stdout": ""}] * 2)
        self.assertEqual(self.export("c.h5", "--columns", "message", "--where", "status == 'failed'"), "message\n")
        self.assertEqual(len(self.rows("c.h5", "--where", "stderr == ''")), 2)
        self.write("e.json", {"over": {"k": {"range": [2]}}, "run": {"expr": {"y": "k"}}})  # captures nothing, ever
        self.taskfarm("e.json")
        self.assertEqual(self.export("e.h5", "--columns", "k,stdout"), "k,stdout\n0,\n1,\n")

    def failing(self):
        """Rows 2 and 5 have no results."""
        self.write("fail.py", "import sys; k = int(sys.argv[1]); print(k % 3); sys.exit(k % 3 == 2)")
        columns = {"y": {"type": "float64", "from": "field:1"}, "n": {"type": "int32", "from": "field:1"}}
        run = {"command": ["/usr/bin/python3", "fail.py", "{k}"]}
        self.write("c.json", {"over": {"k": {"range": [6]}}, "run": run, "results": columns})
        self.taskfarm("c.json", status=1)

    def test_a_value_that_a_task_has_not_is_no_number(self):
        self.failing()
        which = lambda where: [int(r["index"]) for r in self.rows("c.h5", "--where", where)]
        self.assertEqual(which("n == 0"), [0, 3])
        self.assertEqual(which("y <= 0 || n <= 0"), [0, 3])
        self.assertEqual(which("y > 0 || status == 'failed'"), [1, 2, 4, 5])
        self.assertEqual(which("y != y"), [2, 5])

    def test_rows_in_another_order(self):
        self.failing()
        which = lambda *more: [int(r["index"]) for r in self.rows("c.h5", *more)]
        self.assertEqual(which("--sort", "n"), [0, 3, 1, 4, 2, 5])
        self.assertEqual(which("--sort", "-n"), [1, 4, 0, 3, 2, 5])
        self.assertEqual(which("--sort", "-n,-k"), [4, 1, 3, 0, 5, 2])
        self.assertEqual(which("--sort", "-status,-index"), [5, 2, 4, 3, 1, 0])
        self.assertEqual(which("--sort", "-index", "--where", "status == 'done'"), [4, 3, 1, 0])
        self.assertEqual(self.export("c.h5", "--sort", "-k", "--columns", "n,index", "--where", "k < 3"), "n,index\n,2\n1,1\n0,0\n")
        self.assertEqual([r["k"] for r in self.lines("c.h5", "--sort", "-k")], [5, 4, 3, 2, 1, 0])
        self.assertEqual(which("--sort", "message,index"), [0, 1, 3, 4, 2, 5])

    def test_numbers_and_texts_have_the_order_of_python(self):
        x = [3, -1, 0, 1e300, float("-inf"), float("nan"), -1e-300, 2.5, float("inf"), -2]
        big = [2**63 - 1, -(2**63), 2**53, 2**53 + 1, 0, -1, 7, 8, 9, 10]
        word = ["b", "a", "", "aa", "a\u00e9", "ab", "Z", "a b", "\U0001f52d", "a\nb"]
        records = [{"x": a, "big": b, "word": c} for a, b, c in zip(x, big, word)]
        self.write("c.json", {"over": [{"rows": records}], "run": {"command": "true"}})
        self.taskfarm("c.json")
        which = lambda key: [r["index"] for r in self.lines("c.h5", "--sort", key)]
        places = range(10)
        self.assertEqual(which("x"), sorted(places, key=lambda i: (x[i] != x[i], x[i])))
        self.assertEqual(which("-x"), sorted(places, key=lambda i: (x[i] != x[i], -x[i])))
        self.assertEqual(which("big"), sorted(places, key=lambda i: big[i]))
        self.assertEqual(which("-big"), sorted(places, key=lambda i: -big[i]))
        self.assertEqual(which("word"), sorted(places, key=lambda i: word[i].encode()))
        self.assertEqual(which("-word"), sorted(places, key=lambda i: word[i].encode(), reverse=True))

    def several(self):
        """Parameters that the file has not: of other stages, and of large spaces."""
        return {
            "variables": {"first": 10},
            "stages": [
                {"name": "a", "over": {"n": {"range": ["{first}", 16]}, "f": {"lines": "f.txt"}}, "run": {"expr": {"y": "n * 2"}}},
                {
                    "name": "b",
                    "over": {"s": {"from": "a", "where": "n != 12"}, "k": {"range": [3]}},
                    "run": {"expr": {"z": "y + k"}},
                },
                {"name": "c", "over": {"i": {"range": [50]}, "w": ["x", "y"]}, "store_params": False, "run": {"expr": {"q": "i"}}},
            ],
        }

    def test_parameters_that_are_worked_out(self):
        manifest = self.several()
        manifest["stages"][0]["over"]["n"] = {"linspace": [10, 15, 6]}
        self.write("f.txt", "R\nG\n")
        self.write("c.json", manifest)
        self.taskfarm("c.json", ranks=2)
        points = [(10 + i // 2, "RG"[i % 2], k) for i in range(12) for k in range(3)]
        rows = self.rows("c.h5", "b", "--trust")
        for i, ((n, f, k), row) in enumerate(zip(points, rows, strict=True)):
            self.assertEqual((float(row["n"]), row["f"], float(row["y"]), int(row["k"])), (n, f, 2 * n, k))
            self.assertEqual(row["status"], "excluded" if n == 12 else "done")
            self.assertEqual(row["z"], "" if n == 12 else str(2 * n + k))
        self.assertEqual([(int(r["i"]), r["w"]) for r in self.rows("c.h5", "c", "--trust")], [(i, w) for i in range(50) for w in "xy"])
        self.assertEqual(len(self.rows("c.h5", "b", "--trust", "--where", "f == 'G' && y > 25")), 9)
        shown = json.loads(self.taskfarm("show", "c.h5", "b", 35, "--json", "--trust").stdout)
        self.assertEqual(shown["parameters"], {"n": 15, "f": "G", "y": 30, "k": 2})
        self.assertEqual((shown["results"], shown["run"]), ({"z": 32}, "z = y + k"))
        shown = self.taskfarm("show", "c.h5", "b", 35).stdout
        why = "(not known without --trust, which would open f.txt)\n"
        self.assertIn(f"parameters\n  n = {why}  f = {why}  y = {why}  k = 2\n", shown)
        self.assertIn(f'runs, with its parameters not put in\n  {{"expr":{{"z":"y + k"}}}}\n  {why}', shown)
        # Elsewhere, and without what the manifest reads, all but that is there still.
        other = self.folder / "other"
        other.mkdir()
        (self.folder / "c.h5").rename(other / "moved.h5")
        (self.folder / "f.txt").unlink()
        self.assertEqual([float(r["y"]) for r in self.rows("other/moved.h5", "a")], [2.0 * (10 + i // 2) for i in range(12)])
        done = self.taskfarm("export", "other/moved.h5", "b", "--trust", status=3)
        self.assertIn('parameter "n" of stage "b" is not in the output, and the campaign can\'t be made again', done.stderr)
        self.assertIn("f.txt", done.stderr)
        self.assertEqual(len(self.rows("other/moved.h5", "b", "--columns", "index,z")), 36)
        shown = json.loads(self.taskfarm("show", "other/moved.h5", "b", 35, "--json").stdout)
        self.assertEqual((shown["parameters"]["n"], shown["results"]), (None, {"z": 32}))
        # And what has changed is not taken for what was.
        self.write("f.txt", "R\nB\n")
        done = self.taskfarm("export", "other/moved.h5", "b", "--trust", status=3)
        self.assertIn("what the manifest reads has changed since", done.stderr)

    def test_a_command_is_known_without_what_the_manifest_reads(self):
        for n in range(3):
            self.write(f"raw/{n}.dat", f"{n}\n")
        over = {"file": {"glob": "raw/*.dat"}}
        stages = [
            {"name": "bias", "inputs": {"glob": "raw/*.dat"}, "outputs": "o/bias", "run": {"command": "{cat} {inputs} >{outputs}"}},
            {
                "name": "flat",
                "over": over,
                "inputs": {"raw": "{file}", "bias": "o/bias", "others": {"outputs_of": "bias"}},
                "outputs": "o/{index}",
                "run": {"command": ["sh", "{file}", "{inputs.raw}", "{inputs.bias}", "{outputs}", "{seed}"]},
            },
            {"name": "first", "over": over, "run": {"command": "echo {file}; test {index} != 0"}, "on_failure": "stop"},
        ]
        self.write("t.json", {"variables": {"cat": "dog"}, "stages": stages, "defaults": {"run": {"command": ["none"]}}})
        self.taskfarm("t.json", "--set", "cat=cat", "--slots", 1, status=1)
        trusted = self.taskfarm("show", "t.h5", "--trust", "flat", 1).stdout
        self.assertIn("runs\n  sh raw/1.dat raw/1.dat o/bias o/1 ", trusted)
        ours, theirs = (self.taskfarm("show", "t.h5", *more, "flat", 1).stdout for more in ((), ("--trust",)))
        self.assertEqual(ours, theirs.replace("inputs\n  raw: raw/1.dat\n  bias: o/bias\n  others: o/bias\n", ""))
        self.assertEqual(json.loads(self.taskfarm("show", "t.h5", "first", 0, "--json").stdout)["run"], "echo raw/0.dat; test 0 != 0")
        rest = "  (the rest is not known without --trust, which would open raw/*.dat)\n"
        self.assertIn(f"runs, as far as that is known\n  cat '{{inputs}}' >o/bias\n{rest}", self.taskfarm("show", "t.h5", "bias", 0).stdout)
        shown = self.taskfarm("show", "t.h5", "first", 2).stdout
        self.assertIn("parameters\n  file = (not known without --trust, which would open raw/*.dat)\n", shown)
        self.assertIn(f"runs, as far as that is known\n  echo '{{file}}'; test 2 != 0\n{rest}", shown)
        self.assertNotIn("run", json.loads(self.taskfarm("show", "t.h5", "first", 2, "--json").stdout))

    def test_settings_of_the_command_line_count(self):
        run = {"command": ["echo", "{word}", "{seed}", "{n}"]}
        self.write("c.json", {"variables": {"word": "plain"}, "over": {"n": {"range": [3]}}, "run": run})
        self.taskfarm("c.json", "--set", "word=other", "--seed", 7, "--output", "d.h5")
        shown = json.loads(self.taskfarm("show", "d.h5", 2, "--json").stdout)
        self.assertEqual(shown["run"], "echo " + shown["texts"]["stdout"].strip())
        self.assertTrue(shown["run"].startswith("echo other"))

    @farm.first
    def test_a_task_is_shown(self):
        self.write("c.json", {"stages": [self.measure(outputs="out/{n}{name}", retries=1, retry_delay=0.1)]})
        self.taskfarm("c.json", status=1)
        text = self.taskfarm("show", "c.h5", "measure", 8).stdout
        for line in (
            "measure[8]: failed",
            "  exit status 3: low on light",
            "  n = 4",
            "  name = Vega",
            "  out/4Vega",
            "  /usr/bin/python3 measure.py 4 Vega",
            "  attempts 2",
            "  exit status 3",
            "  measuring 4",
            "  low on light",
        ):
            self.assertIn(line, text.splitlines())
        self.assertNotIn("results", text.splitlines())
        shown = json.loads(self.taskfarm("show", "c.h5", "measure", 8, "--json").stdout)
        with h5py.File(self.folder / "c.h5") as file:
            task = file["measure/task"]
            for name in ("attempts", "exit_code", "signal", "worker", "slot", "start", "duration", "cpu", "max_rss"):
                self.assertEqual(shown["record"][name], task[name][8], name)
        self.assertEqual(shown["status"], "failed")

    def test_of_campaigns_that_run_or_were_killed(self):
        """Texts are in side files then."""
        stage = self.measure(tasks=40)
        wait = "while test ! -e go; do sleep 0.02; done"
        stage["run"] = {"command": f"test {{n}} -lt 10 || {{{{ {wait}; }}}}; /usr/bin/python3 measure.py {{n}} {{name}}"}
        self.write("c.json", {"stages": [stage]})
        run = self.start("c.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: (self.folder / "c.h5.d/heartbeat").exists(), "nothing runs")
        told = lambda: json.loads(self.taskfarm("status", "c.h5", "--json").stdout)["stages"]
        self.wait_for(lambda: told() and told()[0]["begun"], "its stage does not begin")
        ended = lambda: sum(r["status"] in ("done", "failed") for r in self.rows("c.h5"))
        self.wait_for(lambda: ended() == 20, "tasks do not end")
        for state in ("running", "killed", "over"):
            rows = self.rows("c.h5", "--columns", "index,status,n,word,message,stdout")
            for i, row in enumerate(rows):
                if i // 2 == 4:
                    self.assertEqual((row["status"], row["message"]), ("failed", "exit status 3: low on light"))
                elif i < 20 or state == "over":
                    word = [["Vega", "α Cen"][i % 2], "a,b", 'say "x"', "two\nlines", "", "αé"][i // 2 % 6]
                    self.assertEqual((row["status"], row["word"]), ("done", word))
                    self.assertTrue(row["stdout"].startswith(f"measuring {i // 2}\n"))
                else:
                    self.assertEqual((row["status"], row["word"], row["stdout"]), ("pending", "", ""))
            self.assertIn("  exit status 3: low on light", self.taskfarm("show", "c.h5", 9).stdout.splitlines())
            if state == "running":
                farm.kill_all(run)
            if state == "killed":
                (self.folder / "go").touch()
                self.taskfarm("c.json", status=1, ranks=2)

    def peak(self, *command):
        """MB of memory that it takes at most."""
        table = os.open(self.folder / "table", os.O_WRONLY | os.O_CREAT, 0o666)
        pid = os.posix_spawn(command[0], command, farm.environment(), file_actions=[(os.POSIX_SPAWN_DUP2, table, 1)])
        os.close(table)
        _, status, usage = os.wait4(pid, 0)
        self.assertEqual(status, 0)
        return usage.ru_maxrss / 1024

    def test_any_number_of_rows_in_the_same_memory(self):
        peaks = []
        most = 300_000 if farm.SANITIZED else 10_000_000
        for tasks in (most // 100, most):
            expr = {"y": "2 * i", "ok": "i > 5"}
            self.write("c.json", {"over": {"i": {"range": [tasks]}, "w": ["a"]}, "run": {"expr": expr}})
            self.taskfarm("c.json", "--fresh")
            peaks.append(self.peak(farm.TASKFARM, "export", str(self.folder / "c.h5"), "--where", "w == 'a'"))
            with open(self.folder / "table") as table:
                for count, line in enumerate(table):
                    pass
            self.assertEqual((count, line), (tasks, f"{tasks - 1},done,{tasks - 1},a,{2 * tasks - 2},1\n"))
            (self.folder / "table").unlink()
        self.assertLess(peaks[1], peaks[0] + 16)

    def test_results_that_are_called_as_what_is_recorded(self):
        names = ["status", "duration", "attempts", "message", "stderr"]  # texts can't be called as the last two
        values = ["red", "long", "many", 5, 6]
        answer = json.dumps(dict(zip(names, values))).replace("{", "{{").replace("}", "}}")
        command = f"echo why >&2; echo '{answer}'; test {{i}} -ne 1"
        results = {name: "int32" if isinstance(value, int) else "string" for name, value in zip(names, values)}
        self.write("c.json", {"over": {"i": {"range": [3]}}, "run": {"command": command}, "results": results})
        self.taskfarm("c.json", status=1)
        self.assertEqual(
            self.export("c.h5").splitlines(),
            ["index,task.status,i," + ",".join(names), "0,done,0,red,long,many,5,6", "1,failed,1,,,,,", "2,done,2,red,long,many,5,6"],
        )
        failed = self.lines("c.h5", "--where", "task.status == 'failed' && task.attempts == 1", "--columns", "index,task.message,task.stderr")
        self.assertEqual(failed, [{"index": 1, "task.message": "exit status 1: why", "task.stderr": "why\n"}])
        shown = json.loads(self.taskfarm("show", "c.h5", 2, "--json").stdout)
        self.assertEqual((shown["status"], shown["results"]["status"], shown["record"]["attempts"]), ("done", "red", 1))
        self.assertEqual(shown["texts"]["stderr"], "why\n")
        told = json.loads(self.taskfarm("status", "c.h5", "--json").stdout)
        self.assertEqual([(f["count"], f["message"]) for f in told["failures"]], [(1, "exit status 1: why")])
        self.taskfarm("report", "c.h5")

    def test_a_full_disk_is_told(self):
        self.write("c.json", {"over": {"i": {"range": [10]}}, "run": {"expr": {"y": "i"}}})
        self.taskfarm("c.json")
        done = self.taskfarm("export", "c.h5", "-o", "/dev/full", status=3)
        self.assertEqual(done.stderr, "taskfarm: /dev/full: can't be written: No space left on device\n")

    def test_an_array_is_left_to_its_readers(self):
        blocks = {"shape": [10, 4], "chunk": [5, 4]}
        stage = {"over": {"b": {"blocks": blocks}}, "run": {"expr": {"v": "random()"}}, "results": {"v": {"type": "float32", "array": "b"}}}
        self.write("c.json", stage)
        self.taskfarm("c.json")
        self.assertEqual(self.export("c.h5").splitlines()[0].split(",")[:2], ["index", "status"])
        self.assertNotIn("v", self.export("c.h5").splitlines()[0].split(","))
        done = self.taskfarm("export", "c.h5", "--columns", "v", status=2)
        self.assertIn('column "v" is an array: read it as one from the output itself', done.stderr)
        self.assertIn("  v = (a block of an array", self.taskfarm("show", "c.h5", 0).stdout)

    def test_how_it_came_to_be(self):
        """An RO-Crate by the profile Process Run Crate: each reference has its entity, each run its action."""
        plugin = {"function": f"{farm.BUILD}/tests/libtest_plugin.so:never", "args": {"catalogue": "gaia"}}
        stages = [{"name": "a", "run": {"command": ["test", "-e", "go"]}}, {"name": "b", "run": plugin, "retries": 0}]
        self.write("c.json", {"stages": stages, "record_env": ["MOON", "SUN"]})
        self.taskfarm("c.json", status=1, env={"MOON": "new"})
        self.write("go", "")
        self.taskfarm("c.json", "--seed", 0, status=1, ranks=2)
        self.taskfarm("export", "c.h5", "--format", "rocrate", "-o", "ro-crate-metadata.json")
        crate = json.loads((self.folder / "ro-crate-metadata.json").read_text())
        self.assertEqual(crate["@context"], "https://w3id.org/ro/crate/1.1/context")
        entities = {e["@id"]: e for e in crate["@graph"]}
        self.assertEqual(len(entities), len(crate["@graph"]))

        def references(value):
            if isinstance(value, list):
                return [r for v in value for r in references(v)]
            return [value["@id"]] if isinstance(value, dict) else []

        for entity in crate["@graph"]:
            self.assertIn("@type", entity)
            for name in set(entity) - {"actionStatus", "conformsTo"}:
                self.assertLessEqual(set(references(entity[name])), set(entities), name)
        self.assertEqual(entities["ro-crate-metadata.json"]["about"], {"@id": "./"})
        root = entities["./"]
        self.assertEqual((root["hasPart"], root["name"]), ([{"@id": "c.h5"}], "c"))
        self.assertLessEqual({"description", "datePublished", "license", "conformsTo"}, set(root))
        runs = json.loads(self.open("c.h5").attrs["runs"])
        actions = [entities[m["@id"]] for m in root["mentions"]]
        self.assertEqual(len(actions), len(runs))
        for action, run in zip(actions, runs, strict=True):
            self.assertEqual((action["@type"], action["result"]), ("CreateAction", {"@id": "c.h5"}))
            self.assertEqual((action["startTime"], action["endTime"]), (run["start"], run["end"]))
            self.assertEqual(action["description"], " ".join(run["command"]))
            self.assertIn(run["taskfarm"], entities[action["instrument"]["@id"]]["softwareVersion"])
        self.assertEqual(entities["#run-1-MOON"]["value"], "new")
        self.assertNotIn("#run-2-MOON", entities)
        self.assertEqual(entities["#manifest"]["text"], (self.folder / "c.json").read_text())
        self.assertRegex(entities["#stage-b"]["identifier"], "^xxh3:[0-9a-f]{16}$")
        for option in (["a"], ["--columns", "x"], ["--where", "x"], ["--sort", "x"]):
            self.taskfarm("export", "c.h5", "--format", "rocrate", *option, status=2)

    def test_wrong_use(self):
        self.write("f.txt", "R\n")
        manifest = self.several()
        manifest["stages"][0]["over"]["n"] = {"range": [3]}
        self.write("c.json", manifest)
        self.taskfarm("c.json")
        for arguments, diagnostic in (
            (["export", "c.h5"], "which stage? c.h5 has a, b, c"),
            (["export", "c.h5", "whatever"], 'c.h5 has no stage "whatever"; it has a, b, c'),
            (["export", "c.h5", "a", "b"], "b: one argument too many"),
            (["export", "c.h5", "a", "--format", "xml"], "--format xml: must be csv, jsonl, hdf5 or rocrate"),
            (["export", "c.h5", "a", "--columns", "stauts"], 'there is no column "stauts"; did you mean "status"?'),
            (["export", "c.h5", "a", "--columns", "y,"], 'there is no column ""; there are index, n, f, y, status, attempts, stdout, stderr, message'),
            (["export", "c.h5", "a", "--where", "y >"], '--where: "y >": is not an expression: something is missing'),
            (["export", "c.h5", "a", "--where", "m > 1"], '--where: "m > 1": there is no "m" here; there are the stage\'s columns: n, f, y, status, attempts, stdout, stderr and message'),
            (["export", "c.h5", "a", "--where", "f > 1"], '--where: "f > 1": strings can only be compared, by == and !=, to other strings'),
            (["export", "c.h5", "a", "--where", "status == done"], '--where: "status == done": there is no "done" here; a text stands in quotes: \'done\''),
            (["export", "c.h5", "a", "--where", "f == n"], '--where: "f == n": a string can only be compared to another string'),
            (["export", "c.h5", "a", "--where", "status == 'don'"], "--where: \"status == 'don'\": no status is called 'don'; did you mean 'done'?"),
            (
                ["export", "c.h5", "a", "--where", "'wrong' != status"],
                "--where: \"'wrong' != status\": no status is called 'wrong'; there are pending, done, failed, timeout, skipped, excluded, cancelled",
            ),
            (["export", "c.h5", "a", "--sort", "stauts"], 'there is no column "stauts"; did you mean "status"?'),
            (["show", "c.h5"], "show needs a stage and the index of a task, as in taskfarm show c.h5 a 0"),
            (["show", "c.h5", "0"], "which stage? c.h5 has a, b, c"),
            (["show", "c.h5", "a", "3"], '3: stage "a" has tasks 0 to 2'),
            (["show", "c.h5", "a", "x"], 'x: stage "a" has tasks 0 to 2'),
        ):
            done = self.taskfarm(*arguments, status=2)
            self.assertEqual((done.stdout, done.stderr), ("", f"taskfarm: {diagnostic}\n"), arguments)
        done = self.taskfarm("export", "none.h5", status=2)
        self.assertIn("none.h5: there is no such output", done.stderr)
        self.write("text.h5", "text")
        self.assertIn("text.h5: is no HDF5 file", self.taskfarm("show", "text.h5", 0, status=3).stderr)


if __name__ == "__main__":
    farm.main()
