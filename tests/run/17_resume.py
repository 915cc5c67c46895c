"""The same command line goes on where an earlier run was: what is kept, what is run again, what is refused."""

import json
import math
import os
import re
import shutil
import subprocess
import unittest

import farm
import h5py
import numpy
from farm import digest


# Every task of a command logs its run; of one in ten that fails, attempts are limited by the file "mended".
COMMAND = """echo {i} >> log; test $(( {i} % 10 )) -ne 4 || test -e mended || {{ echo no {i} >&2; exit 1; }}
echo text {i}; echo '{{"y": '{i}', "word": "w'{i}'"}}'"""


WAYS_OUT = "--salvage goes on with the rows that are whole without it, --fresh sets the output aside and starts anew"

# Long, and of code that is the same in every build.
SANITIZED_ONLY = unittest.skipUnless(farm.SANITIZED or farm.SOAK, "the build with sanitizers does it")


class Resume(farm.FarmTest):
    def campaign(self, tasks=40, **more):
        stage = {
            "over": {"i": {"range": [tasks]}},
            "run": {"command": COMMAND},
            "results": {"y": "int64", "word": "string"},
        }
        stage.update(more)
        self.write("c.json", stage)

    def ran(self):
        """Which tasks have run since the last time."""
        log = self.folder / "log"
        lines = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return sorted(map(int, lines))

    @farm.first
    def test_failed_tasks_are_tried_again_and_others_are_not(self):
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                self.campaign()
                self.taskfarm("c.json", "--fresh", ranks=ranks, status=1)
                self.assertEqual(self.ran(), list(range(40)))
                done = self.taskfarm("c.json", ranks=ranks, status=1)
                self.assertIn("taskfarm: c.h5: going on: 36 of 40 tasks are done\n", done.stderr)
                self.assertIn("taskfarm: c: 36 done, 4 failed, 36 of them before; the rest in ", done.stderr)
                self.assertEqual(self.ran(), [4, 14, 24, 34])
                planned = self.taskfarm("plan", "c.json", "--json").stdout
                self.assertEqual(json.loads(planned)["stages"][0]["reasons"], {"failed": 4})
                self.assertIn("stage c: 4 of 40 tasks\n  4 failed last time, as c[i=4]\n", self.taskfarm("plan", "c.json").stdout)
                first = digest(self.folder / "c.h5")
                self.assertEqual(first["state"], "failed")
                (self.folder / "mended").touch()
                self.taskfarm("c.json", ranks=ranks)
                self.assertEqual(self.ran(), [4, 14, 24, 34])
                mended = digest(self.folder / "c.h5")
                self.assertNotIn("c/text/message", mended)
                self.assertFalse((self.folder / "c.h5.d").exists())
                self.taskfarm("c.json", ranks=ranks)
                self.assertEqual(self.ran(), [])
                self.assertEqual(digest(self.folder / "c.h5"), mended)
                self.taskfarm("c.json", "--fresh", ranks=ranks)
                self.assertEqual(digest(self.folder / "c.h5"), mended)
                (self.folder / "mended").unlink()
                self.ran()

    @farm.first
    def test_a_space_that_grows_keeps_its_rows(self):
        (self.folder / "mended").touch()
        self.write("t.csv", "name,k\nb,2\nd,4\n")
        for name in "bdf":
            self.write(f"raw/{name}.fits", name)
        command = "echo {index} >> log; echo of {x} {k}; echo '{{\"y\": '{k}', \"word\": \"'{x}-{k}'\"}}'"
        spaces = [
            ({"x": ["p"], "k": {"range": [30]}}, {"x": ["p"], "k": {"range": [50]}}, 20),
            ({"x": ["p", "q"], "k": {"range": [5]}}, {"x": ["p", "q", "r"], "k": {"range": [9]}}, 17),
            ([{"csv": "t.csv"}, {"name": "x", "values": ["p"]}], None, 2),
            ({"x": {"glob": "raw/*.fits"}, "k": [1, 2]}, None, 6),
            ({"x": ["p", "p"], "k": [3]}, {"x": ["o", "p", "p", "p"], "k": [3]}, 2),
        ]
        for ranks in (None,) if farm.SANITIZED else (None, 3):
            for old, new, more in spaces:
                with self.subTest(ranks=ranks, old=old):
                    self.write("t.csv", "name,k\nb,2\nd,4\n")
                    for name in "ace":
                        (self.folder / f"raw/{name}.fits").unlink(missing_ok=True)
                    manifest = {"over": old, "run": {"command": command}, "results": {"y": "int64", "word": "string"}}
                    self.write("g.json", manifest)
                    self.taskfarm("g.json", "--fresh", ranks=ranks)
                    before = len(self.ran())
                    self.write("t.csv", "name,k\na,1\nb,2\nc,3\nd,4\n")
                    for name in "ace":
                        self.write(f"raw/{name}.fits", name)
                    self.write("g.json", dict(manifest, over=new or old))
                    done = self.taskfarm("g.json", ranks=ranks)
                    self.assertIn(f"going on: {before} of {before + more} tasks are done", done.stderr)
                    self.assertEqual(len(self.ran()), more)
                    grown = digest(self.folder / "g.h5")
                    self.taskfarm("g.json", "--fresh", ranks=ranks)
                    self.assertEqual(digest(self.folder / "g.h5"), grown)
                    self.ran()

    def test_somebody_who_has_the_output_open_stops_no_run(self):
        for ranks in (None, 3):
            self.campaign()
            self.taskfarm("c.json", "--fresh", ranks=ranks, status=1)
            with h5py.File(self.folder / "c.h5", "r"):
                self.taskfarm("c.json", ranks=ranks, status=1)  # failed tasks again
                self.campaign(45)
                self.taskfarm("c.json", ranks=ranks, status=1)  # a new file
            with h5py.File(self.folder / "c.h5", "r"):
                self.taskfarm("c.json", "--fresh", ranks=ranks, status=1)

    def test_a_space_whose_parameters_are_not_stored_can_grow_at_its_end(self):
        manifest = {
            "over": {"a": {"range": [100]}, "b": {"range": [3]}},
            "store_params": False,
            "run": {"function": "builtin:random"},
            "results": {"x": "float64", "s": "string"},
        }
        self.write("n.json", manifest)
        self.taskfarm("n.json")
        self.write("n.json", dict(manifest, over={"a": {"range": [150]}, "b": {"range": [3]}}))
        done = self.taskfarm("n.json", ranks=3)
        self.assertIn("going on: 300 of 450 tasks are done", done.stderr)
        grown = digest(self.folder / "n.h5")
        self.taskfarm("n.json", "--fresh")
        self.assertEqual(digest(self.folder / "n.h5"), grown)
        self.write("n.json", dict(manifest, over={"a": {"range": [150]}, "b": {"range": [4]}}))
        done = self.taskfarm("n.json", status=3)
        self.assertIn('stage "n": the space changed, and parameters are not stored', done.stderr)

    def test_a_lost_point_is_told_by_its_parameters(self):
        row = {"s": "x", "t": 40 * "\u00e9", "b": True, "f": 0.1, "i": 3, "j": 4, "k": 5}
        campaign = {"over": [{"rows": [row | {"s": "y"}, row]}], "run": {"command": ["true"]}}
        self.write("m.json", campaign)
        self.taskfarm("m.json")
        self.write("m.json", campaign | {"over": [{"rows": [row | {"s": "y"}]}]})
        told = 'lacks the point of task 1 (s=x, t=' + 30 * "\u00e9" + "..., b=true, f=0.1, i=3, j=4, ...), which is done; --rerun params"
        self.assertIn(told, self.taskfarm("m.json", status=3).stderr)

    def test_a_lost_point_is_told_with_one_that_is_almost_the_same(self):
        """As when another version of a library has made the numbers: how far off it is, and in which parameter."""
        numbers = [0.1 * i for i in range(1, 40000)]
        run = {"expr": {"y": "k"}}
        campaign = {"over": {"a": numbers, "k": [1, 2], "s": ["x"]}, "run": run, "results": {"y": "int64"}}
        self.write("m.json", campaign)
        self.taskfarm("m.json")
        for place, text in (
            (29999, "lacks the point of task 59998 (a=3000, k=1, s=x), which is done, and has one whose a differs by 4.55e-13; --rerun params"),
            (0, "lacks the point of task 0 (a=0.1, k=1, s=x), which is done, and has one whose a differs by 1.39e-17; --rerun params"),
        ):
            numbers[place] = math.nextafter(numbers[place], math.inf)
            self.write("m.json", campaign)
            self.assertIn(text, self.taskfarm("m.json", status=3).stderr)
        numbers[0] *= 1.001
        self.write("m.json", campaign)
        self.assertIn("of task 0 (a=0.1, k=1, s=x), which is done; --rerun params", self.taskfarm("m.json", status=3).stderr)

    def test_lost_points_can_be_dropped(self):
        self.campaign(8)
        (self.folder / "mended").touch()
        self.taskfarm("c.json")
        self.assertEqual(self.ran(), list(range(8)))
        self.campaign(over={"i": [6, 9, 2]})
        self.taskfarm("c.json", status=3)
        self.taskfarm("c.json", "--rerun", "params", ranks=2)
        self.assertEqual(self.ran(), [9])
        kept = digest(self.folder / "c.h5")
        self.taskfarm("c.json", "--fresh")
        self.assertEqual(digest(self.folder / "c.h5"), kept)

    @farm.first
    def test_what_results_depend_on_must_be_the_same(self):
        plugin = self.folder / "plugin.so"
        shutil.copy(f"{farm.BUILD}/tests/libtest_plugin.so", plugin)
        manifest = {
            "seed": 1,
            "variables": {"v": "one"},
            "defaults": {"over": {"i": {"range": [4]}}},
            "stages": [
                {"name": "c", "run": {"command": ["echo", "{i}", "{v}"]}},
                {"name": "f", "run": {"function": "./plugin.so:closer"}},
                {"name": "r", "run": {"function": "builtin:random"}, "results": {"x": "float64"}},
            ],
        }

        def stage(number, **more):
            stages = [dict(s) for s in manifest["stages"]]
            stages[number].update(more)
            return dict(manifest, stages=stages)

        self.write("m.json", manifest)
        self.taskfarm("m.json")
        before = (self.folder / "m.h5").read_bytes()
        start, end = 'taskfarm: m.h5: stage "', "starts anew, --output leaves it where it is\n"
        changes = [
            (manifest, ["--seed", "2"], 'c": the seed changed since its rows were made (was 1, now 2)'),
            (manifest, ["--set", "v=two"], 'c": "run" changed since its rows were made (was ["echo","{i}","one"], now'),
            (stage(0, run={"command": ["echo", "{i}"]}), [], 'c": "run" changed since its rows were made ('),
            (stage(2, results={"x": "float32"}), [], 'r": "results" changed since its rows were made ('),
            (stage(2, record="full"), [], 'r": "record" changed since its rows were made (was status, now full)'),
            (stage(1, over={"j": {"range": [4]}}), [], 'f": its parameters changed since its rows were made (i: was "int64", now nothing; j: was nothing, now "int64");'),
            (
                stage(0, over={"j": {"range": [4]}}, run={"command": ["echo", "{j}", "{v}"]}),
                [],
                'c": "run" changed since its rows were made (was ["echo","{i}","one"], now ["echo","{j}","one"]); its parameters changed, '
                'too (i: was "int64", now nothing; j: was nothing, now "int64"); --rerun code',
            ),
            (
                stage(1, over={name: [1, 2] for name in "abcd"}),
                [],
                'f": its parameters changed since its rows were made (i: was "int64", now nothing; a: was nothing, now "int64"; '
                'b: was nothing, now "int64"; ...); --rerun code',
            ),
            (stage(1, over={"i": {"range": [3]}}), [], 'f": the space changed, and lacks the point of task 3 (i=3), which'),
        ]
        for changed, options, diagnostic in changes:
            with self.subTest(diagnostic=diagnostic):
                self.write("m.json", changed)
                done = self.taskfarm("m.json", *options, status=3)
                self.assertTrue(done.stderr.startswith(start + diagnostic), done.stderr)
                self.assertTrue(done.stderr.endswith(end), done.stderr)
        self.write("m.json", dict(manifest, stages=manifest["stages"][:2]))
        done = self.taskfarm("m.json", status=3)
        self.assertEqual(
            done.stderr,
            'taskfarm: m.h5: has a stage "r", and the manifest has not: it is another campaign\'s output; choose another '
            "name with --output, or --fresh sets it aside\n",
        )
        self.write("m.json", manifest)
        self.assertEqual((self.folder / "m.h5").read_bytes(), before)
        self.assertFalse((self.folder / "m.h5.d").exists())
        with open(plugin, "ab") as file:
            file.write(b"\0")
        done = self.taskfarm("m.json")
        self.assertIn(
            "taskfarm: m.h5: ./plugin.so changed since 4 rows were made; they are kept; --rerun code makes them anew\n",
            done.stderr,
        )

    def test_what_results_do_not_depend_on_may_change(self):
        manifest = {"over": {"i": {"range": [4]}}, "run": {"command": "echo {i} >> log"}}
        self.write("m.json", manifest)
        self.taskfarm("m.json")
        self.assertEqual(self.ran(), [0, 1, 2, 3])
        more = {"timeout": 9, "retries": 1, "on_failure": "stop", "capture": {"stdout": 0}, "resources": {"memory": "1GB"}}
        self.write("m.json", dict(manifest, **more))
        self.taskfarm("m.json", "--slots", 3)
        self.assertEqual(self.ran(), [])

    def test_a_stage_that_is_new_is_run(self):
        run = {"command": "echo {index} >> log; echo {stage}"}
        self.write("s.json", {"stages": [{"name": "b", "run": run}]})
        self.taskfarm("s.json")
        self.ran()
        self.write("s.json", {"stages": [{"name": "a", "over": {"i": {"range": [3]}}, "run": run}, {"name": "b", "run": run}]})
        self.taskfarm("s.json", ranks=2)
        self.assertEqual(self.ran(), [0, 1, 2])
        file = self.open("s.h5")
        self.assertEqual(self.heap(file["a"], "stdout"), [b"a\n"] * 3)
        self.assertEqual(self.heap(file["b"], "stdout"), [b"b\n"])

    @farm.first
    def test_stages_that_were_stopped_go_on(self):
        run = {"command": "echo {i} >> log; test {i} -ne 7 || test -e mended"}
        self.write("s.json", {"over": {"i": {"range": [300]}}, "on_failure": "stop", "run": run})
        self.taskfarm("s.json", "--slots", 1, status=1)
        first = self.ran()
        self.assertLess(len(first), 300)
        (self.folder / "mended").touch()
        self.taskfarm("s.json", ranks=3)
        self.assertEqual(self.ran(), sorted(set(range(300)) - set(first) | {7}))
        self.assertEqual(self.open("s.h5").attrs["state"], "complete")


class Undone(farm.FarmTest):
    """Stages of which no row is done: whatever of them is mended, the same command line goes on."""

    STAGE = {"over": {"i": {"range": [4]}}, "run": {"command": "false {i}"}, "results": {"y": "int64"}}
    GOOD = {"command": "echo '{{\"y\": '{i}'}}'"}
    ANEW = "none of them is done: they are made anew"

    def note(self, stage, what):
        return f'taskfarm: m.h5: stage "{stage}": {what} changed since its rows were made ('

    def go_on(self, manifest, *options, ranks=None, status=0):
        """Goes on with another manifest: it comes to what a new output has. The run's and the plan's words."""
        self.write("m.json", manifest)
        plan = self.taskfarm("plan", "m.json", *options).stdout
        done = self.taskfarm("m.json", *options, ranks=ranks, status=status)
        mended = digest(self.folder / "m.h5")
        if status == 0:
            again = self.taskfarm("m.json", *options, ranks=ranks).stderr
            self.assertIn("nothing was to be done", again)
            self.assertNotIn("anew", again)
        self.taskfarm("m.json", *options, "--fresh", ranks=ranks, status=status)
        self.assertEqual(digest(self.folder / "m.h5"), mended)
        return done.stderr, plan

    @farm.first
    def test_whatever_is_mended(self):
        self.write("t.csv", "i\n1\n2\n")
        good, numbers = {"run": self.GOOD}, {"csv": "t.csv"}
        edits = {  # by stage: what it has beside the others, what is mended of it, and how many tasks are done then
            "runs": ({}, good, 4),
            "env": ({}, {"run": {"command": ["sh", "-c", "echo '{{\"y\": '$Y'}}'"], "env": {"Y": "{i}"}}}, 4),
            "expr": ({}, {"run": {"expr": {"y": "i"}}, "results": {"y": "int64"}}, 4),
            "function": ({}, {"run": {"function": "builtin:random"}, "results": {"y": "float64", "s": "string"}}, 4),
            "longer": ({}, good | {"over": {"i": {"range": [9]}}}, 9),
            "other_axes": ({}, good | {"over": {"j": [7, 8], "i": [1]}}, 2),
            "fewer_axes": ({"over": {"i": [1, 2], "j": [1, 2]}}, {"over": {"i": [1, 2]}}, 0),
            "results": ({}, {"results": {"y": "float32"}}, 0),
            "record": ({}, {"record": "status"}, 0),
            "where": ({}, {"where": "i > 9"}, 0),
            "types": ({"over": [numbers]}, good | {"over": [numbers | {"types": {"i": "string"}}]}, 2),
            "excluded": ({"where": "i > 9"}, good | {"where": "i > 2"}, 1),
            "not_stored": ({"store_params": False}, {"over": {"i": [4, 2]}}, 0),
            "until": ({"until": "y.mean > 90"}, good, 4),
        }
        before = [{"name": name, **self.STAGE, **first} for name, (first, _, _) in edits.items()]
        after = [stage | edits[stage["name"]][1] for stage in before]
        for ranks in (None,) if farm.SANITIZED else (None, 3):
            self.write("m.json", {"stages": before})
            self.taskfarm("m.json", "--fresh", ranks=ranks, status=1)
            said, planned = self.go_on({"stages": after}, ranks=ranks, status=1)
            self.assertIn(self.note("runs", '"run"'), said)
            self.assertIn(f"); {self.ANEW}, and so are those of {len(edits) - 2} more stages\n", said)
            for stage in set(edits) - {"not_stored"}:  # of which only the space has changed
                self.assertIn(f"run something else than last time, as {stage}[", planned)
            with self.open("m.h5") as file:
                for stage, (_, _, done) in edits.items():
                    self.assertEqual(int((file[f"{stage}/task/status"][()] == farm.DONE).sum()), done, stage)

    def test_the_words(self):
        axes = '; its parameters changed, too (i: was "int64", now nothing; j: was nothing, now "int64")'
        self.write("m.json", self.STAGE)
        self.taskfarm("m.json", status=1)
        for edit, what, more in (
            ({"run": self.GOOD}, '"run"', ""),
            ({"run": {"expr": {"z": "i"}}, "results": {"z": "int64"}}, '"run"', '; "results" changed, too'),
            ({"run": {"command": "false {j}"}, "over": {"j": [1]}}, '"run"', axes),
            ({"seed": 7}, "the seed", ""),
        ):
            with self.subTest(edit=edit):
                self.write("m.json", self.STAGE | edit)
                planned = self.taskfarm("plan", "m.json").stdout
                self.assertIn(self.note("m", what).removeprefix("taskfarm: "), planned)
                self.assertIn(f"){more}; {self.ANEW}\n", planned)

    def test_only_where_nothing_is_done(self):
        self.write("m.json", self.STAGE | {"run": {"command": "test {i} = 2 && echo '{{\"y\": 2}}'"}})
        self.taskfarm("m.json", status=1)
        before = digest(self.folder / "m.h5")
        self.write("m.json", self.STAGE | {"run": self.GOOD})
        done = self.taskfarm("m.json", status=3)
        self.assertTrue(done.stderr.startswith(self.note("m", '"run"')), done.stderr)
        self.assertNotIn(self.ANEW, done.stderr)
        self.assertEqual(digest(self.folder / "m.h5"), before)

    def test_a_service_that_could_not_start(self):
        self.write("m.json", self.STAGE | {"run": {"service": ["false"]}})
        done = self.taskfarm("m.json", status=1)
        self.assertIn("once that is mended the same command line goes on", done.stderr)
        said, _ = self.go_on(self.STAGE | {"run": self.GOOD})
        self.assertIn(self.ANEW, said)

    def test_a_seed_is_every_stage_s(self):
        stages = [{"name": "a", **self.STAGE}, {"name": "b", **self.STAGE, "run": self.GOOD}]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", status=1)
        self.write("m.json", {"stages": stages, "seed": 5})
        done = self.taskfarm("m.json", status=3)
        self.assertTrue(done.stderr.startswith(self.note("b", "the seed")), done.stderr)

    def chain(self, run, **more):
        stages = [{"name": "a", **self.STAGE, "run": run, **more}, {"name": "b", "over": [{"from": "a"}], "run": {"expr": {"z": "y + 1"}}}]
        return {"variables": {"v": "7"}, "stages": stages}

    @farm.first
    def test_stages_that_take_rows(self):
        self.write("m.json", self.chain({"command": "false {i} {v}"}))
        self.taskfarm("m.json", status=1)
        said, _ = self.go_on(self.chain(self.GOOD))
        self.assertIn(self.note("a", '"run"'), said)
        self.assertEqual(said.count(self.ANEW), 1)
        with self.open("m.h5") as file:
            self.assertEqual(file["b/results/z"][()].tolist(), [1, 2, 3, 4])

    def test_several_stages(self):
        stages = [{"name": name, **self.STAGE} for name in "abc"]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", status=1)
        said, planned = self.go_on({"stages": [stage | {"run": self.GOOD} for stage in stages]})
        self.assertIn(f"{self.ANEW}, and so are those of 2 more stages\n", said)
        self.assertIn("and so are those of 2 more stages\n", planned)

    def test_points_of_another_stage_may_be_others(self):
        """A stage that takes its points from another can't find its old ones, and needs none of which no row is done."""
        run = {"command": "false {y}"}
        for given in ([0, 1, 2], [5, 0, 1]):
            take = {"name": "b", "over": [{"from": "a", "indices": given}], "run": run}
            self.write("m.json", {"stages": [{"name": "a", **self.STAGE, "over": {"i": {"range": [6]}}, "run": self.GOOD}, take]})
            self.taskfarm("m.json", status=1)
        with self.open("m.h5") as file:
            self.assertEqual(file["b/task/status"][()].tolist(), [farm.FAILED] * 3)

    def test_rows_that_were_made_of_a_stage_s_rows_are_not_lost(self):
        """As after a crash of the machine: statuses did not reach the disk."""
        self.write("m.json", self.chain(self.GOOD))
        self.taskfarm("m.json")
        with h5py.File(self.folder / "m.h5", "r+") as file:
            file["a/task/status"][:] = 0
        self.write("m.json", self.chain({"command": "echo '{{\"y\": 9}}'"}))
        done = self.taskfarm("m.json", status=3)
        self.assertTrue(done.stderr.startswith(self.note("a", '"run"')), done.stderr)
        self.assertNotIn(self.ANEW, done.stderr)

    @farm.first
    def test_kills_while_it_is_made_anew(self):
        self.write("m.json", self.STAGE | {"run": self.GOOD})
        self.taskfarm("m.json")
        expected = digest(self.folder / "m.h5")
        as_before = ("carry.texts", "layout.made", "move.written", "move.noted")
        for point in (*as_before, "move.renamed", "rows.data", "texts.written"):
            with self.subTest(point=point):
                self.write("m.json", self.STAGE)
                self.taskfarm("m.json", "--fresh", status=1)
                self.write("m.json", self.STAGE | {"run": self.GOOD})
                killed = self.start("m.json", "--slots", 1, env={"TASKFARM_CRASH": f"{point}:1"})
                self.assertNotIn(killed.wait(120), (0, 1, 2))
                said = self.taskfarm("m.json").stderr
                self.assertEqual(self.ANEW in said, point in as_before)
                self.assertEqual(digest(self.folder / "m.h5"), expected)

    def test_a_target_and_rerun(self):
        stages = [{"name": name, **self.STAGE} for name in "ab"]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", status=1)
        self.write("m.json", {"stages": [stage | {"run": self.GOOD} for stage in stages]})
        for options in (["b"], ["a", "--rerun", "code"]):
            done = self.taskfarm("m.json", *options)
            self.assertNotIn("drops results", done.stderr)
        with self.open("m.h5") as file:
            self.assertEqual([int((file[f"{name}/task/status"][()] == farm.DONE).sum()) for name in "ab"], [4, 4])


class Refusals(farm.FarmTest):
    def files(self):
        return {name: data for name, data in super().files().items() if not name.endswith("/lock")}

    def refuse(self, diagnostic, *options):
        before = self.files()
        for ranks in (None, 2):
            done = self.taskfarm("a.json", *options, ranks=ranks, status=3)
            self.assertTrue(done.stderr.startswith(f"taskfarm: a.h5: {diagnostic}"), done.stderr)
            self.assertEqual(self.files(), before)

    def setUp(self):
        super().setUp()
        run = {"command": "echo {i}; test {i} -ne 900 || test ! -e slow || sleep 1000"}
        self.write("a.json", {"over": {"i": {"range": [1000]}}, "run": run, "results": {"x": {"type": "string", "from": "field:1"}}})

    def interrupt(self, *options):
        """An output whose run was killed while it ran."""
        (self.folder / "slow").touch()
        run = self.start("a.json", "--slots", 2, *options)
        self.wait_for(lambda: (self.folder / "a.h5.d/journal").exists(), "no journal")
        status = []

        def some_are_done():
            try:
                with h5py.File(self.folder / "a.h5") as file:
                    status[:] = file["a/task/status"][()]
            except (OSError, KeyError):
                return False
            return sum(status) > 100

        self.wait_for(some_are_done, "no tasks are done")
        farm.kill_all(run)
        (self.folder / "slow").unlink()

    @farm.first
    def test_other_files(self):
        self.write("a.h5", b"not HDF5 at all")
        self.refuse("is no HDF5 file; choose another name with --output")
        with h5py.File(self.folder / "a.h5", "w") as file:
            file["x"] = numpy.arange(10)
        self.refuse("is another program's file, or damaged; choose another name with --output")
        before = self.files()
        for arguments in (["--fresh"], ["a"]):
            self.taskfarm("a.json", *arguments, status=3)
        self.assertEqual(self.files(), before, "what is not ours is not set aside")
        with h5py.File(self.folder / "a.h5", "a") as file:
            file.attrs["format"] = "taskfarm"
            file.attrs["format_version"] = 2
        self.refuse("is of a later taskfarm (format version 2); --fresh sets it aside and starts anew")
        (self.folder / "a.h5").unlink()
        (self.folder / "a.h5").mkdir()
        self.refuse("the output is a folder; choose another name with --output")

    @SANITIZED_ONLY
    def test_damaged_files(self):
        self.taskfarm("a.json")
        whole = (self.folder / "a.h5").read_bytes()
        for size in (len(whole) - 1, len(whole) // 2, 5000, 100, 9):
            with self.subTest(size=size):
                self.write("a.h5", whole[:size])
                self.refuse("is ")
        self.write("a.h5", whole[:48] + bytes(5000) + whole[5048:])
        self.refuse("is another program's file, or damaged; ")
        done = self.taskfarm("a.json", "--fresh")
        self.assertIn("taskfarm: moved the old a.h5 to a.h5.1\n", done.stderr)

    @farm.unittest.skipIf(farm.SANITIZED and not farm.SOAK, "waits ten seconds for a child's processor time")
    @SANITIZED_ONLY
    def test_a_heap_of_zeros(self):
        """HDF5 1.10 reads it in circles; no such run may hang."""
        self.taskfarm("a.json")
        whole = (self.folder / "a.h5").read_bytes()
        heap = whole.index(b"GCOL")
        self.write("a.h5", whole[: heap + 16] + bytes(512) + whole[heap + 528 :])
        before = self.files()
        done = self.taskfarm("a.json", status=3)
        self.assertTrue(done.stderr.startswith("taskfarm: a.h5: is damaged: HDF5 "), done.stderr)
        self.assertEqual(self.files(), before)

    @farm.unittest.skipIf(farm.SANITIZED and not farm.SOAK, "takes long with sanitizers")
    @SANITIZED_ONLY
    def test_every_block_that_is_overwritten(self):
        """Whatever is overwritten, the answer is an exit status: 3, or the results that are in the file."""
        self.taskfarm("a.json")
        whole = (self.folder / "a.h5").read_bytes()
        step = 512 if farm.SOAK else 32768
        for at in range(0, len(whole), step):
            for fill in (b"\0", b"\xff"):
                self.write("a.h5", whole[:at] + fill * min(512, len(whole) - at) + whole[at + 512 :])
                shutil.rmtree(self.folder / "a.h5.d", ignore_errors=True)
                done = subprocess.run(
                    self.command("a.json"), cwd=self.folder, env=farm.environment(), capture_output=True, timeout=self.limit
                )
                self.assertIn(done.returncode, (0, 1, 3), (at, fill, done.stderr))

    def test_an_interrupted_file_that_was_changed(self):
        self.interrupt()
        whole = (self.folder / "a.h5").read_bytes()
        self.write("a.h5", whole[: len(whole) // 2])
        self.refuse("is ")
        self.write("a.h5", whole)
        with h5py.File(self.folder / "a.h5", "a") as file:
            del file["a/params"]
        self.refuse("was changed since its last run; if another file was put in its place, move the folder a.h5.d of the old one away; --fresh sets it aside and starts anew")
        self.write("a.h5", whole)
        journal = (self.folder / "a.h5.d/journal").read_bytes()
        last = len(journal) - 10  # of an entry that was written to its end
        for damaged in (journal[: journal.index(b"\n") + 100], journal[:last] + b"x" + journal[last + 1 :]):
            self.write("a.h5.d/journal", damaged)
            done = self.taskfarm("a.json", status=3)
            self.assertEqual(done.stderr, f"taskfarm: a.h5.d/journal: is damaged; {WAYS_OUT}\n")
        shutil.move(self.folder / "a.h5.d", self.folder / "kept")
        self.refuse(f"the last run was interrupted, and its folder a.h5.d is missing; {WAYS_OUT}")
        shutil.move(self.folder / "kept", self.folder / "a.h5.d")
        self.write("a.h5.d/journal", journal)
        self.taskfarm("a.json")

    @SANITIZED_ONLY
    def test_side_files_torn_at_any_byte(self):
        """Rows whose texts are lost are run again: the results are what they are without an interruption."""
        self.taskfarm("a.json")
        expected = digest(self.folder / "a.h5")
        self.taskfarm("a.json", "--fresh")
        self.interrupt_fresh()
        side = self.folder / "a.h5.d/run-1/rank-0000.text"
        kept = self.folder / "kept"
        kept.mkdir()
        shutil.copy(self.folder / "a.h5", kept)
        shutil.copytree(self.folder / "a.h5.d", kept / "a.h5.d")
        size = side.stat().st_size
        steps = 200 if farm.SOAK else 2 if farm.SANITIZED else 5
        for number in range(steps):
            cut = size * number // steps + number % 7
            for tear in ("cut", "zeros"):
                with self.subTest(cut=cut, tear=tear):
                    shutil.rmtree(self.folder / "a.h5.d", ignore_errors=True)
                    shutil.copy(kept / "a.h5", self.folder)
                    shutil.copytree(kept / "a.h5.d", self.folder / "a.h5.d")
                    os.truncate(side, cut)
                    if tear == "zeros":
                        os.truncate(side, size)
                    self.taskfarm("a.json")
                    self.assertEqual(digest(self.folder / "a.h5"), expected)

    def test_a_journal_torn_at_any_byte(self):
        """Behind its first entry: what is cut off is a change that may have begun, and costs no row that is done."""
        self.taskfarm("a.json")
        expected = digest(self.folder / "a.h5")
        self.taskfarm("a.json", "--fresh")
        self.interrupt_fresh()
        path, kept = self.folder / "a.h5.d/journal", self.folder / "kept"
        kept.mkdir()
        shutil.copy(self.folder / "a.h5", kept)
        shutil.copytree(self.folder / "a.h5.d", kept / "a.h5.d")
        whole = path.read_bytes()
        with h5py.File(self.folder / "a.h5") as file:
            done = int((file["a/task/status"][()] == farm.DONE).sum())
        last = whole.rindex(b"\n", 0, whole.rindex(b"\n", 0, -1)) + 1  # the stage's, who has rows
        added = b'0123456789abcdef\n{"dirty":true}\n'
        tears = [whole + added[:1], whole + added[:20], whole + bytes(40), whole[: last + 30], whole[: last + 5] + bytes(60)]
        for number, torn in enumerate(tears):
            with self.subTest(number):
                shutil.rmtree(self.folder / "a.h5.d", ignore_errors=True)
                shutil.copy(kept / "a.h5", self.folder)
                shutil.copytree(kept / "a.h5.d", self.folder / "a.h5.d")
                path.write_bytes(torn)
                said = self.taskfarm("a.json").stderr
                self.assertEqual(digest(self.folder / "a.h5"), expected)
                if len(torn) > len(whole):
                    self.assertGreaterEqual(int(re.search(r"(\d[\d ]*) of 1 000 tasks are done", said)[1].replace(" ", "")), done)

    def test_rows_that_did_not_reach_the_disk(self):
        """As after a crash of the machine: statuses say done, and the numbers are others. These rows are run again."""
        self.assertEqual(self.rerun_with_another_number("--sync", "0"), 0)
        # What was synced long ago is not looked at again, which shows that the checksum is what finds the others. On a busy
        # disk it may take longer than the run lives.
        self.assertIn(77, (self.rerun_with_another_number("--sync", "0.01") for _ in range(3)))

    def rerun_with_another_number(self, *options):
        """What there is of a row of an interrupted run after the next run, if in between it was 77."""
        shutil.rmtree(self.folder / "a.h5.d", ignore_errors=True)
        (self.folder / "a.h5").unlink(missing_ok=True)
        self.interrupt(*options)
        with h5py.File(self.folder / "a.h5", "r+") as file:
            done = numpy.flatnonzero(file["a/task/status"][()] == farm.DONE)
            victim = int(done[10])
            file["a/task/exit_code"][victim] = 77
        self.taskfarm("a.json")
        with h5py.File(self.folder / "a.h5") as file:
            return int(file["a/task/exit_code"][victim])

    def interrupt_fresh(self):
        (self.folder / "a.h5").unlink()
        self.interrupt()

    @SANITIZED_ONLY
    def test_an_output_in_use(self):
        (self.folder / "slow").touch()
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.folder / "a.h5.d", ignore_errors=True)
                run = self.start("a.json", "--fresh", ranks=ranks)
                self.wait_for(lambda: (self.folder / "a.h5.d/run-1").exists(), "the run does not start")
                done = self.taskfarm("a.json", *(["--fresh"] if ranks else []), status=3)
                first = min(farm.ranks_of(run).items())[1]
                holder = rf"process {first} of \S+ on \S+ \(rank 0\), since 2\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ"
                self.assertRegex(done.stderr, rf"^taskfarm: a\.h5: is in use by another run of taskfarm: {holder}\n$")
                farm.kill_all(run)
        (self.folder / "slow").unlink()
        self.taskfarm("a.json")


if __name__ == "__main__":
    farm.main()
