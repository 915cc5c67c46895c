"""Stages whose points are the rows of other stages."""

import json

import farm
import h5py
import numpy as np
from farm import DONE, digest

SKIPPED = 4
RANKS = (None, 3) if farm.SOAK else (3,) if farm.SANITIZED else (None,)
ECHO = 'echo {stage}{index} >>log; echo "{{\\"y\\": {n:raw}.5, \\"word\\": \\"w{n:raw}\\", \\"odd\\": $(( {n:raw} % 2 ))}}"'
RESULTS = {"y": "float32", "word": "string", "odd": "bool"}


class Points(farm.FarmTest):
    def ran(self):
        log = self.folder / "log"
        lines = sorted(log.read_text().split()) if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def test_the_graph_of_four_tasks(self):
        example = farm.example("graph")
        for ranks in RANKS:
            self.taskfarm(example / "manifest.json", "--output", "g.h5", "--fresh", ranks=ranks)
            with self.open("g.h5") as file:
                values = {stage: int(file[stage]["results/value"][0]) for stage in "abcd"}
            self.assertEqual(values, {"a": 11, "b": 21, "c": 32, "d": 33})
        drawn = self.taskfarm("graph", example / "manifest.json").stdout
        edges = [line.strip() for line in drawn.splitlines() if "->" in line]
        self.assertEqual(edges, ['"a" -> "c";', '"b" -> "c";', '"c" -> "d";'])

    def campaign(self, tasks=6, first=ECHO, second=None, **more):
        second = second or "echo {stage}{index} >>log; echo {scale} {n} {y} {word} {odd}"
        stages = [
            {
                "name": "second",
                "over": [{"name": "scale", "values": [1, 10]}, {"from": "first", "columns": ["n", "y", "word", "odd"]}],
                "run": {"command": second},
                **more,
            },
            {"name": "first", "over": {"n": {"range": [tasks]}}, "run": {"command": first}, "results": RESULTS},
        ]
        self.write("p.json", {"stages": stages})

    @farm.first
    def test_each_row_is_a_point(self):
        self.campaign()
        digests = []
        for ranks in RANKS if farm.SANITIZED else (None, 2, 3, 5):
            self.taskfarm("p.json", "--fresh", "--slots", 2, ranks=ranks)
            with self.open("p.h5") as file:
                out = self.heap(file["second"], "stdout")
            booleans = ["false", "true"]
            expected = [f"{s} {n} {n}.5 w{n} {booleans[n % 2]}\n".encode() for s in (1, 10) for n in range(6)]
            self.assertEqual(out, expected)
            digests.append({k: v for k, v in digest(self.folder / "p.h5").items() if not k.endswith("index")})
        self.assertEqual(digests, digests[:1] * len(digests))

    @farm.first
    def test_chosen_rows_are_points(self):
        """In any order, any number of times, side by side with others, and what depends on them as for all rows."""
        left, right = [5, 0, 0, 3, 4, 5], [1, 1, 2, 2, 3, 3]
        expr = {"sum": "10 * l + r"}
        zipped = {"zip": [{"from": "first", "columns": {"l": "n"}, "indices": left}, {"from": "first", "columns": {"r": "y"}, "indices": right}]}
        stages = [
            {"name": "first", "over": {"n": {"range": [6]}}, "run": {"expr": {"y": "n + 0.5"}}},
            {"name": "second", "over": [{"name": "k", "values": [1, 2]}, zipped], "run": {"expr": expr}},
            {"name": "third", "over": [{"from": "first", "columns": {"l": "n"}, "indices": left}, {"name": "r", "values": [1, 2]}], "run": {"expr": expr}},
        ]
        for ranks in (None, 3):
            self.write("p.json", {"stages": stages})
            self.taskfarm("p.json", "--fresh", ranks=ranks)
            with self.open("p.h5") as file:
                self.assertEqual(file["second/results/sum"][()].tolist(), 2 * [10 * a + b + 0.5 for a, b in zip(left, right)])
                self.assertEqual(file["third/results/sum"][()].tolist(), [10 * a + r for a in left for r in (1, 2)])
        zipped["zip"][0]["indices"] = [5, 0, 0, 3, 4, 4]
        self.write("p.json", {"stages": stages})
        self.assertIn("the space changed", self.taskfarm("p.json", status=3).stderr)

    def given(self, path, stage):
        """What stands where the file says that parameters of other stages are; None: nowhere."""
        with self.open(path) as file:
            found, point = {}, np.arange(file[stage].attrs["tasks"])
            for name, source in json.loads(file[stage]["params"].attrs["from"]).items():
                row = point // source["stride"] % source["rows"]
                row = np.array(source["indices"])[row] if "indices" in source else row
                found[name] = file[source["dataset"]][()][row].tolist() if source["dataset"] else None
            return found

    def test_the_file_says_where_parameters_of_other_stages_are(self):
        first = {"name": "first", "over": {"n": {"range": [3]}}, "run": {"command": "echo {n} w{n}"}}
        first["results"] = {"y": {"type": "float64", "from": "field:1"}, "w": {"type": "string", "from": "field:2"}}
        second = {"name": "second", "over": {"row": {"from": "first"}, "k": [1, 2]}, "run": {"expr": {"z": "y + k"}}}
        third = {"name": "third", "over": [{"from": "first", "columns": {"a": "n", "b": "y"}, "indices": [2, 0, 2]}], "run": {"expr": {"z": "a"}}}
        for tasks in (3, 5):  # as more rows come, more points do
            first["over"]["n"]["range"] = [tasks]
            self.write("p.json", {"stages": [first, second]})
            self.taskfarm("p.json", ranks=2)
            n = [n for n in range(tasks) for _ in (1, 2)]
            self.assertEqual(self.given("p.h5", "second"), {"n": n, "y": n, "w": [b"w%d" % i for i in n]})
        self.write("p.json", {"stages": [first, second, third]})
        self.taskfarm("p.json", ranks=2)
        self.assertEqual(self.given("p.h5", "third"), {"a": [2, 0, 2], "b": [2, 0, 2]})
        first["store_params"] = False
        second["over"] = {"m": [1, 2, 3], **second["over"]}
        self.write("p.json", {"stages": [first, second, third]})
        self.taskfarm("p.json", "--fresh")
        self.assertEqual(self.given("p.h5", "second"), {"n": None, "y": 3 * n, "w": 3 * [b"w%d" % i for i in n]})
        self.assertEqual(self.given("p.h5", "third"), {"a": None, "b": [2, 0, 2]})
        with self.open("p.h5") as file:
            self.assertNotIn("from", file["first"].get("params", file["first"]).attrs)

    @farm.first
    def test_rows_that_are_not_done_give_no_points(self):
        self.campaign(first=ECHO + "; test {n} -ne 2 || test -e mended")
        for ranks in RANKS:
            (self.folder / "mended").unlink(missing_ok=True)
            done = self.taskfarm("p.json", "--fresh", ranks=ranks, status=1)
            self.assertIn("15 done, 1 failed, 2 skipped in ", done.stderr)
            with self.open("p.h5") as file:
                status = file["second/task/status"][()]
                self.assertEqual([i for i, s in enumerate(status) if s != DONE], [2, 8])
                self.assertEqual({status[2], status[8]}, {SKIPPED})
                self.assertEqual(
                    self.heap(file["second"], "message")[8], b"what it takes from another stage is not done"
                )
            self.ran()
            (self.folder / "mended").touch()
            self.taskfarm("p.json", ranks=ranks)
            self.assertEqual(self.ran(), ["first2", "second2", "second8"])
            with self.open("p.h5") as file:
                self.assertEqual(file.attrs["state"], "complete")

    @farm.first
    def test_a_run_that_was_killed_goes_on(self):
        second = "echo {stage}{index} >>log; echo {y}; test {scale} -eq 1 || test -e go || sleep 60"
        self.campaign(second=second)
        for ranks in RANKS:
            (self.folder / "go").unlink(missing_ok=True)
            run = self.start("p.json", "--fresh", "--slots", 1, ranks=ranks)
            self.wait_for(lambda: "second6" in self.log(), "a task of scale 10")
            self.wait_for(lambda: self.done_of_second() >= 6, "rows of scale 1")
            farm.kill_all(run)
            (self.folder / "go").touch()
            self.ran()
            self.taskfarm("p.json", ranks=ranks)
            again = [r for r in self.ran() if r not in [f"second{n}" for n in range(6, 12)]]
            self.assertEqual(again, [])
            with self.open("p.h5") as file:
                self.assertEqual(self.heap(file["second"], "stdout")[11], b"5.5\n")

    def log(self):
        log = self.folder / "log"
        return log.read_text().split() if log.exists() else []

    def done_of_second(self):
        try:
            with h5py.File(self.folder / "p.h5") as file:
                return int((file["second/task/status"][()] == DONE).sum())
        except (OSError, KeyError):
            return 0

    def test_what_is_made_again_gives_its_points_again(self):
        self.campaign()
        self.taskfarm("p.json")
        self.ran()
        plan = json.loads(self.taskfarm("plan", "p.json", "--json", "--force", "first").stdout)
        self.assertEqual([(s["name"], s["run"]) for s in plan["stages"]], [("second", 12), ("first", 6)])
        self.taskfarm("p.json", "--force", "first")
        self.assertEqual(len(self.ran()), 18)
        self.campaign(first=ECHO + "; true")
        done = self.taskfarm("p.json", status=3)
        self.assertIn('stage "first": "run" changed since its rows were made', done.stderr)
        self.taskfarm("p.json", "--rerun", "code")
        self.assertEqual(len(self.ran()), 18)

    @farm.first
    def test_functions_and_many_rows(self):
        """10^5 rows of floats through a function, with the order of rows that a product makes."""
        noise = {"function": "builtin:random"}
        stages = [
            {"name": "draw", "over": {"n": {"range": [100000]}}, "run": noise, "results": {"x": "float64", "s": "string"}},
            {
                "name": "use",
                "over": [{"from": "draw", "columns": {"seconds": "n"}}],
                "run": {"function": "builtin:noop"},
            },
            {
                "name": "text",
                "over": [{"from": "draw", "columns": ["s"]}, {"name": "k", "values": [1, 2]}],
                "run": {"function": "builtin:noop"},
            },
        ]
        self.write("p.json", {"stages": stages})
        for ranks in RANKS:
            done = self.taskfarm("p.json", "--fresh", ranks=ranks)
            self.assertIn("400 000 done, 0 failed in ", done.stderr)

    def test_what_can_not_be_a_point_is_named(self):
        def stage(name, over, **more):
            return dict({"name": name, "over": over, "run": {"command": ["true"]}}, **more)

        arrays = {"v": {"type": "float64", "shape": [3]}, "x": "float64", "u": "uint64"}
        for stages, diagnostic in (
            ([stage("a", [{"from": "b"}])], '/stages/0/over/0/from: there is no stage "b"'),
            ([stage("a", [{"from": "a"}])], '/stages/0/over/0/from: stage "a" takes its points or arrays from this one'),
            (
                [stage("a", [{"from": "b", "columns": ["x", "v", "u", "z"]}]), stage("b", {"n": [1]}, results=arrays)],
                '/stages/0/over/0/columns/1: column "v" of stage "b" can\'t be a parameter: it is an array\n'
                'p.json: /stages/0/over/0/columns/2: column "u" of stage "b" can\'t be a parameter: it is of uint64\n'
                'p.json: /stages/0/over/0/columns/3: stage "b" has neither a parameter nor a column "z"',
            ),
            (
                [stage("a", [{"from": "b"}], outputs="x"), stage("b", {"n": [1]})],
                "/stages/0/over: a stage with files can't take its points from another stage's rows",
            ),
            (
                [stage("a", [{"concat": [{"n": [1]}, [{"from": "b"}]]}]), stage("b", {"n": [1]})],
                "/stages/0/over/0/concat/1: rows of another stage can't be part of a concat",
            ),
            (
                [stage("a", [{"from": "b", "columns": ["n"]}]), stage("b", [{"from": "c"}]), stage("c", {"n": [1]})],
                '/stages/0/over/0/columns/0: parameter "n" of stage "b" is itself taken from stage "c": take it from there',
            ),
            ([stage("a", {"n": {"values": [1], "columns": []}})], '/stages/0/over/n/columns: "columns" goes with "from"'),
        ):
            with self.subTest(diagnostic=diagnostic):
                self.write("p.json", {"stages": stages})
                done = self.taskfarm("p.json", status=2)
                self.assertEqual(done.stderr, f"p.json: {diagnostic}\n")
        self.campaign(first='echo "{{\\"y\\": 1, \\"word\\": \\"$(printf %02000d {n:raw})\\", \\"odd\\": true}}"')
        done = self.taskfarm("p.json", ranks=2, status=3)
        self.assertIn('column "word" of stage "first" are longer than 1024 bytes, and can\'t be parameters', done.stderr)


farm.main()
