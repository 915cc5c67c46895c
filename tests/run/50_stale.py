"""What a row depends on: when something of it changes, the row is made again, or it is said that it is not. Nothing that is
stale stands as done, and no state says more than is so."""

import json
import os
import random
import shutil

import farm
import h5py

FUTURE = 4e9  # s since 1970: later than any file of a test


class StaleTest(farm.FarmTest):
    def state(self, name="m.h5"):
        with h5py.File(self.folder / name) as file:
            return file.attrs["state"]

    def column(self, path, name="m.h5"):
        with h5py.File(self.folder / name) as file:
            return file[path][()].tolist()

    def plan(self, *options):
        """Reasons by task or, of a stage without files, by stage."""
        out = json.loads(self.taskfarm("plan", "m.json", "--json", *options).stdout)
        return {s["name"]: s["reasons"] for s in out["stages"] if s["run"]}


class Upstream(StaleTest):
    """A stage is made again as a target: what takes its rows is of rows that are gone."""

    @farm.first
    def test_rows_of_rows_that_were_made_again(self):
        stages = [
            {"name": "a", "over": {"i": [1, 2]}, "run": {"command": "echo $(( {i} * $(cat factor) ))"}, "results": {"x": {"type": "int64", "from": "field:1"}}},
            {"name": "b", "over": {"row": {"from": "a"}}, "run": {"expr": {"y": "x + 1"}}},
            {"name": "c", "over": {"row": {"from": "b", "columns": ["y"]}}, "run": {"expr": {"z": "y * 2"}}},
        ]
        self.write("m.json", {"stages": stages})
        self.write("factor", "10")
        for ranks in (None, 3) if farm.SOAK else (None,):
            self.write("factor", "10")
            self.taskfarm("m.json", "--fresh", ranks=ranks)
            self.assertEqual(self.column("c/results/z"), [22, 42])
            self.write("factor", "20")
            done = self.taskfarm("m.json", "a", "--force", "a", ranks=ranks)
            self.assertIn("2 done, 0 failed, 4 not selected", done.stderr)
            self.assertEqual((self.state(), self.column("a/results/x")), ("stopped", [20, 40]))
            self.assertEqual(self.plan(), {"b": {"new": 2}, "c": {"new": 2}})
            self.taskfarm("m.json", ranks=ranks)
            self.assertEqual((self.state(), self.column("c/results/z")), ("complete", [42, 82]))

    def test_rows_of_arrays_that_were_made_again(self):
        stages = [
            {"name": "cal", "over": {"b": {"blocks": {"shape": [6], "chunk": [2]}}}, "arrays": {"raw": "raw.h5:/x"}, "run": {"expr": {"flux": "raw * 10"}}, "results": {"flux": {"type": "float64", "array": "b"}}},
            {"name": "sky", "over": {"b": {"blocks": {"shape": [6], "chunk": [2]}}}, "arrays": {"flux": {"from": "cal", "column": "flux"}}, "run": {"expr": {"s": "flux + 1"}}, "results": {"s": {"type": "float64", "array": "b"}}},
        ]
        self.write("m.json", {"stages": stages})
        for ranks, first in ((None, 0), (2, 100)) if farm.SOAK else ((None, 0),):
            for start, target in ((first, []), (first + 1, ["cal"])):
                with h5py.File(self.folder / "raw.h5", "w") as file:
                    file["x"] = [float(start + i) for i in range(6)]
                os.utime(self.folder / "raw.h5", (FUTURE, FUTURE) if target else None)
                self.taskfarm("m.json", *target, *([] if target else ["--fresh"]), ranks=ranks)
            self.assertEqual(self.state(), "stopped")
            os.utime(self.folder / "raw.h5", (1e9, 1e9))
            self.taskfarm("m.json", "--rerun", "params", ranks=ranks)
            self.assertEqual(self.column("sky/results/s"), [10.0 * (first + 1 + i) + 1 for i in range(6)])

    def test_rows_that_are_dropped_for_another_type(self):
        """int32 or int64: to who takes the column it is the same, but its rows are not."""
        a = {"name": "a", "run": {"command": "echo $(cat n)"}, "results": {"x": {"type": "int32", "from": "field:1"}}}
        b = {"name": "b", "over": {"row": {"from": "a"}}, "run": {"expr": {"y": "x + 1"}}}
        self.write("n", "1")
        self.write("m.json", {"stages": [a, b]})
        self.taskfarm("m.json")
        self.write("n", "5")
        a["results"]["x"]["type"] = "int64"
        self.write("m.json", {"stages": [a, b]})
        self.taskfarm("m.json", "--rerun", "code")
        self.assertEqual(self.column("b/results/y"), [6])


class Definition(StaleTest):
    """What a manifest says of a row, and what can change of it."""

    def changed(self, before, after, reason, *options):
        self.write("m.json", before)
        self.taskfarm("m.json", "--fresh")
        self.write("m.json", after)
        done = self.taskfarm("m.json", status=3)
        self.assertIn(reason, done.stderr)
        self.taskfarm("m.json", "--rerun", "code")

    def test_the_stage_that_points_come_from(self):
        def stages(source):
            over = {"i": {"range": [3]}}
            return {
                "stages": [
                    {"name": "a", "over": over, "run": {"expr": {"x": "i"}}},
                    {"name": "b", "over": over, "run": {"expr": {"x": "10 * i"}}},
                    {"name": "c", "over": {"row": {"from": source, "columns": ["x"]}}, "run": {"expr": {"y": "x + 1"}}},
                ]
            }

        self.changed(stages("a"), stages("b"), 'stage "c": the stage that its points come from changed')
        self.assertEqual(self.column("c/results/y"), [1.0, 11.0, 21.0])

    def test_arrays(self):
        with h5py.File(self.folder / "raw.h5", "w") as file:
            file["x"], file["z"] = [1.0, 2.0], [5.0, 6.0]

        def stages(dataset, source):
            axis = {"b": {"blocks": {"shape": [2], "chunk": [1]}}}
            block = {"type": "float64", "array": "b"}
            return {
                "stages": [
                    {"name": "p", "over": axis, "arrays": {"r": f"raw.h5:/{dataset}"}, "run": {"expr": {"y": "r"}}, "results": {"y": block}},
                    {"name": "q", "over": axis, "run": {"expr": {"y": "7 + 0 * b_start"}}, "results": {"y": block}},
                    {"name": "s", "over": axis, "arrays": {"r": {"from": source, "column": "y"}}, "run": {"expr": {"t": "r"}}, "results": {"t": block}},
                ]
            }

        self.changed(stages("x", "p"), stages("x", "q"), 'stage "s": "arrays" changed')
        self.assertEqual(self.column("s/results/t"), [7.0, 7.0])
        self.write("m.json", stages("x", "p"))
        self.taskfarm("m.json", "--fresh")
        self.write("m.json", stages("z", "p"))
        self.assertEqual(self.plan()["p"], {"code": 2})
        self.taskfarm("m.json")
        self.assertEqual(self.column("s/results/t"), [5.0, 6.0])

    @farm.first
    def test_names_of_files(self):
        def stage(**files):
            return {"inputs": files, "outputs": "out", "run": {"command": "cat {inputs.p} >{outputs}"}}

        self.write("one", "1")
        self.write("two", "2")
        self.write("m.json", stage(p="one", q="two"))
        self.taskfarm("m.json")
        self.write("m.json", stage(q="one", p="two"))
        self.taskfarm("m.json")
        self.assertEqual((self.folder / "out").read_text(), "2")


class Files(StaleTest):
    def test_an_input_that_changes_while_its_task_runs(self):
        """It was read before, and the output is written after: nothing but the task's start tells."""
        command = "cat in >seen; test -e again || {{ echo new >in; touch again; }}; cp seen out"
        self.write("m.json", {"inputs": "in", "outputs": "out", "run": {"command": command}})
        self.write("in", "old\n")
        self.taskfarm("m.json")
        self.assertEqual((self.folder / "out").read_text(), "old\n")
        self.assertIn("input in has changed while the task ran", self.taskfarm("plan", "m.json").stdout)
        self.taskfarm("m.json", "--rerun", "mtime")
        self.assertEqual(((self.folder / "out").read_text(), self.plan()), ("new\n", {}))

    def test_what_was_declared_good_is_good(self):
        self.write("m.json", {"inputs": "in", "outputs": "out", "run": {"command": "cp in seen; echo new >in; cp seen out"}})
        self.write("in", "old\n")
        self.taskfarm("m.json")
        self.taskfarm("m.json", "--touch")
        self.assertEqual(self.plan(), {})

    @farm.first
    def test_an_input_that_is_dated_in_the_future(self):
        """It is as old as its date was given to it: newer than what is made now it can't be for ever."""
        self.write("m.json", {"inputs": ["in", "raw"], "outputs": "out", "run": {"command": "cat in raw/x >out; echo ran >>ran"}})
        self.write("raw/x", "x")
        ran = 0
        for content, name in (("1", "in"), ("2", "in"), ("3", "raw/x"), ("4", "raw/x")):
            self.write(name, content)
            os.utime(self.folder / name, (FUTURE, FUTURE))
            self.write("in", "0") if ran == 0 else None
            for again in ("1 done, 0 failed in", "1 of them before; nothing was to be done"):
                done = self.taskfarm("m.json")
                self.assertIn(again, done.stderr)
            ran += 1
            self.assertEqual((self.folder / "ran").read_text(), ran * "ran\n")
        self.write("new", "5")
        os.utime(self.folder / "new", (FUTURE, FUTURE))
        os.replace(self.folder / "new", self.folder / "in")
        self.assertIn("taskfarm: runs again, though it was done: m: input in is newer than output out\n", self.taskfarm("m.json").stderr)
        self.assertEqual(self.plan(), {})

    @farm.first
    def test_an_output_that_keeps_an_old_time(self):
        """As of cp -p and tar: it counts as of when it was made, for its task and for those that read it."""
        stages = [
            {"name": "a", "over": {"i": [0, 1]}, "inputs": "in{i}", "outputs": "a{i}", "run": {"command": "cp in{i} a{i}; touch -d 2001-01-01 a{i}"}},
            {"name": "b", "over": {"i": [0, 1]}, "inputs": "a{i}", "outputs": "b{i}", "run": {"command": "cat a{i} >b{i}"}},
            {"name": "c", "inputs": {"outputs_of": "a"}, "run": {"command": "cat {inputs} >seen"}},
        ]
        self.write("m.json", {"stages": stages})
        self.write("in0", "1")
        self.write("in1", "2")
        self.taskfarm("m.json")
        self.assertEqual(self.plan(), {})
        self.assertIn("5 of them before; nothing was to be done", self.taskfarm("m.json").stderr)
        self.write("in0", "3")
        self.assertEqual(self.plan(), {"a": {"newer": 1}, "b": {"remade": 1}, "c": {"remade": 1}})
        done = self.taskfarm("m.json", "a")
        self.assertIn("taskfarm: runs again, though it was done: a[i=0]: input in0 is newer than output a0\n", done.stderr)
        self.assertEqual(self.plan(), {"b": {"newer": 1}, "c": {"newer": 1}})
        self.taskfarm("m.json")
        self.assertEqual(((self.folder / "b0").read_text(), (self.folder / "seen").read_text()), ("3", "32"))
        self.write("in1", "4")
        shutil.copy2(self.folder / "a1", self.folder / "copy")
        os.replace(self.folder / "copy", self.folder / "a1")  # another file of that time: it may be of any input
        self.assertEqual(self.plan(), {"a": {"newer": 1}, "b": {"remade": 1}, "c": {"remade": 1}})
        os.utime(self.folder / "in1", (2e9 // 2, 2e9 // 2))
        self.assertEqual(self.plan(), {"a": {"newer": 1}, "b": {"remade": 1}, "c": {"remade": 1}})

    @farm.first
    def test_a_run_says_why_tasks_run_again(self):
        stages = [
            {"name": f"s{s}", "over": {"i": [0, 1]}, "inputs": "in", "outputs": f"s{s}_{{i}}", "run": {"command": "cp in {outputs}"}} for s in range(12)
        ]
        self.write("m.json", {"stages": stages})
        self.write("in", "1")
        self.taskfarm("m.json")
        self.assertNotIn("again", self.taskfarm("m.json", "--force", "s0").stderr)
        (self.folder / "s1_1").unlink()
        self.assertIn("taskfarm: runs again, though it was done: s1[i=1]: output s1_1 is missing\n", self.taskfarm("m.json").stderr)
        self.write("in", "2")
        for ranks in (2, None):
            lines = [line for line in self.taskfarm("m.json", ranks=ranks).stderr.splitlines() if "again" in line]
            if ranks:
                told = [f"taskfarm: 2 tasks run again, though they were done, as s{s}[i=0]: input in is newer than output s{s}_0" for s in range(10)]
                self.assertEqual(lines, [*told, "taskfarm: 4 more tasks run again; see, before a run: taskfarm plan"])
            else:
                self.assertEqual(lines, [])

    def test_a_file_in_a_folder(self):
        for by_hash in (False, True):
            with self.subTest(by_hash=by_hash):
                entry = {"path": "raw", "check": "hash"} if by_hash else "raw"
                self.write("m.json", {"inputs": [entry], "outputs": "raw/out", "run": {"command": "cat raw/deep/er/* >raw/out; date >raw/more"}})
                self.write("raw/deep/er/x", "1\n")
                self.taskfarm("m.json", "--fresh")
                if not by_hash:  # what the task itself has written there is none
                    self.assertEqual(self.plan(), {})
                self.write("raw/deep/er/x", "2\n")
                if not by_hash:
                    os.utime(self.folder / "raw/deep/er/x", (FUTURE, FUTURE))
                self.assertEqual(self.plan(), {"m": {"contents" if by_hash else "newer": 1}})
                self.taskfarm("m.json")
                self.assertEqual((self.folder / "raw/out").read_text(), "2\n")
                os.utime(self.folder / "raw/deep/er/x")

    @farm.first
    def test_a_run_of_a_part_is_not_the_whole(self):
        over = {"i": {"range": [4]}}
        stages = [
            {"name": "a", "over": over, "inputs": "in", "outputs": "a{i}", "run": {"command": "cp in {outputs}"}},
            {"name": "b", "over": over, "inputs": "a{i}", "outputs": "b{i}", "run": {"command": "cp {inputs} {outputs}"}},
        ]
        self.write("in", "1")
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json")
        self.write("in", "2")
        os.utime(self.folder / "in", (FUTURE, FUTURE))
        for ranks in (None, 2):
            done = self.taskfarm("m.json", "b1", ranks=ranks)
            self.assertIn("6 not selected", done.stderr)
            self.assertEqual(self.state(), "stopped")
        os.utime(self.folder / "in", (1e9, 1e9))

    def test_points_that_are_left_out_are_not_done(self):
        self.write("m.json", {"over": {"i": {"range": [10]}}, "where": "i < 3", "run": {"command": "true"}})
        done = self.taskfarm("m.json")
        self.assertIn("m: 3 done, 0 failed, 7 left out by where in", done.stderr)
        done = self.taskfarm("m.json")
        self.assertIn("m.h5: going on: 3 of 10 tasks are done, 7 are left out by where\n", done.stderr)
        self.assertIn("m: 3 done, 0 failed, 3 of them before, 7 left out by where; nothing was to be done; results in m.h5\n", done.stderr)
        text = self.taskfarm("plan", "m.json").stdout
        self.assertEqual(text, "m: nothing is to be run: 3 of 10 tasks are done, 7 are left out by where\n")

    def test_what_a_killed_run_has_left_is_not_adopted(self):
        self.write("m.json", {"over": {"i": [0, 1]}, "outputs": "out{i}", "run": {"command": "echo half >out{i}; test {i} = 0 || test -e go || sleep 100; echo whole >>out{i}"}})
        run = self.start("m.json", "--slots", 2)

        def first_is_done():
            try:
                return self.column("m/task/status") == [1, 0] and (self.folder / "out1").read_text()
            except (OSError, KeyError):
                return False

        self.wait_for(first_is_done, "the first task does not end")
        farm.kill_all(run)
        self.taskfarm("m.json", "--touch")
        self.assertEqual((self.state(), self.column("m/task/status")), ("stopped", [1, 0]))
        self.write("go", "")
        self.taskfarm("m.json")
        self.assertEqual((self.folder / "out1").read_text(), "half\nwhole\n")


class Answers(StaleTest):
    """A column that is read from a file takes what the attempt has written, not what lay there before."""

    def messages(self):
        with h5py.File(self.folder / "m.h5") as file:
            return self.heap(file["m"], "message")

    def test_what_lay_there_before(self):
        column = {"x": {"type": "int64", "from": "file:r.txt"}}
        left = b'column "x": r.txt was there before the task ran, and the task has not written it; what a task only reads is to be named in "inputs"'
        cases = [
            ({"run": {"command": ["true"]}}, None),
            ({"run": {"command": ["true"]}, "inputs": "r.txt"}, 7),
            ({"run": {"command": ["true"]}, "inputs": "./r.txt"}, 7),
            ({"run": {"command": "echo 7 >r.txt"}}, 7),
            ({"run": {"command": "echo 8 >new; mv new r.txt"}}, 8),
            ({"run": {"command": "test $TASKFARM_ATTEMPT = 2 || {{ echo 9 >r.txt; exit 1; }}"}, "retries": 1}, None),
        ]
        for stage, value in cases:
            with self.subTest(stage=stage):
                self.write("r.txt", "7\n")
                self.write("m.json", dict(stage, results=column))
                self.taskfarm("m.json", "--fresh", status=value is None)
                if value is None:
                    self.assertEqual(self.messages(), [left])
                else:
                    self.assertEqual(self.column("m/results/x"), [value])
                self.assertTrue((self.folder / "r.txt").exists(), "it is not ours")

    def test_tasks_that_write_one_file_one_after_the_other(self):
        """Within a tick of the file system's clock, and of one size."""
        self.write("m.json", {"over": {"i": {"range": [10, 60]}}, "run": {"command": "echo {i} >r.txt"}, "results": {"x": {"type": "int64", "from": "file:r.txt"}}})
        self.taskfarm("m.json", "--slots", 1)
        self.assertEqual(self.column("m/results/x"), list(range(10, 60)))


class Code(StaleTest):
    """Code that was edited: rows are kept, and that is said until all are of one code."""

    def setUp(self):
        super().setUp()
        self.write("measure.py", "from lib import f\nprint(f())\n")
        self.write("lib.py", "def f():\n    return 1\n")
        self.stage = {"over": {"i": {"range": [4]}}, "run": {"command": ["python3", "-B", "measure.py", "{i}"]}, "results": {"x": {"type": "int64", "from": "field:1"}}}
        self.write("m.json", self.stage)

    def rows(self, name="m"):
        """The runs whose code it was, intervals of rows by code (the last one has the others), and how many they are."""
        with h5py.File(self.folder / "m.h5") as file:
            stage = file[name]
            runs = [int(version["run"]) for version in stage["code"][()]]
            rows = stage["code_rows"][()].tolist() if "code_rows" in stage else []
            return runs, [tuple(row) for row in rows], stage.attrs.get("code_changed", 0)

    def edit(self, name, text):
        """Another text, and a time that is not that of before."""
        self.write(name, text)
        os.utime(self.folder / name, (1e9, 1e9 + sum(text.encode())))

    def returns(self, value):
        self.edit("lib.py", f"def f():\n    return {value}\n")

    @farm.first
    def test_rows_of_a_script_are_kept(self):
        said = "m.h5: lib.py changed since 4 rows were made; they are kept; --rerun code makes them anew\n"
        for ranks in (None, 3) if farm.SOAK else (None,):
            self.returns(1)
            self.taskfarm("m.json", "--fresh", ranks=ranks)
            self.assertEqual(self.rows(), ([1], [], 0))
            self.returns(22)
            self.assertIn(said, self.taskfarm("plan", "m.json").stdout)
            self.write("m.json", dict(self.stage, over={"i": {"range": [6]}}))
            self.assertIn("taskfarm: " + said, self.taskfarm("m.json", ranks=ranks).stderr)
            self.assertEqual(self.column("m/results/x"), [1, 1, 1, 1, 22, 22])
            self.assertEqual(self.rows(), ([1, 2], [(0, 4, 0)], 4))
            status = self.taskfarm("status", "m.h5")
            self.assertIn("  code of m: lib.py changed since 4 rows were made; --rerun code makes them anew\n", status.stdout)
            stage = json.loads(self.taskfarm("status", "m.h5", "--json").stdout)["stages"][0]
            self.assertEqual((stage["code_changed"], stage["code_unknown"]), (4, 0))
            self.assertEqual(self.plan("--rerun", "code"), {"m": {"code": 4}})
            done = self.taskfarm("m.json", "--rerun", "code", ranks=ranks)
            self.assertIn("6 done, 0 failed, 2 of them before", done.stderr)
            self.assertEqual(self.column("m/results/x"), [22] * 6)
            self.assertEqual(self.rows(), ([2], [], 0))
            self.assertNotIn("changed since", self.taskfarm("m.json", ranks=ranks).stderr)
            self.write("m.json", self.stage)

    def test_points_that_are_left_out_are_of_no_code(self):
        self.write("m.json", dict(self.stage, over={"i": {"range": [9]}}, where="i % 3 == 0"))
        self.taskfarm("m.json")
        self.returns(22)
        self.assertIn("lib.py changed since 3 rows were made; they are kept", self.taskfarm("m.json").stderr)
        self.assertEqual(self.rows(), ([1, 2], [(0, 1, 0), (3, 1, 0), (6, 1, 0)], 3))
        self.assertIn("lib.py changed since 3 rows were made", self.taskfarm("status", "m.h5").stdout)
        self.assertEqual(self.plan("--rerun", "code"), {"m": {"code": 3}})
        self.taskfarm("m.json", "--rerun", "code")
        self.assertEqual((self.column("m/results/x")[::3], self.rows()), ([22] * 3, ([2], [], 0)))

    def test_code_that_goes_back(self):
        """Rows of the code of now are no others, whatever was in between; and rows that move take their code along."""
        self.returns(1)
        self.taskfarm("m.json")
        self.returns(2)
        self.write("m.json", dict(self.stage, over={"i": {"range": [-1, 6]}}))
        self.taskfarm("m.json", ranks=2)
        self.assertEqual(self.rows(), ([1, 2], [(1, 4, 0)], 4))
        self.returns(1)
        said = self.taskfarm("m.json").stderr
        self.assertIn("lib.py changed since 3 rows were made; they are kept", said)
        self.assertEqual(self.rows(), ([2, 1], [(0, 1, 0), (5, 2, 0)], 3))
        self.taskfarm("m.json", "--rerun", "code")
        self.assertEqual((self.column("m/results/x"), self.rows()), ([1] * 7, ([1], [], 0)))

    def test_rerun_code_that_is_killed(self):
        """Whoever goes on, by the same command line or without --rerun, has all rows of one code."""
        wait = "while sys.argv[1] == '3' and os.path.exists('wait'): time.sleep(0.01)"
        self.write("measure.py", f"import os, sys, time\nfrom lib import f\n{wait}\nprint(f())\n")
        for again in ([], ["--rerun", "code"]) if farm.SOAK else ([],):
            self.returns(1)
            self.taskfarm("m.json", "--fresh")
            self.returns(22)
            self.write("wait", "")
            run = self.start("m.json", "--rerun", "code", "--slots", 4)

            def others_are_done():
                try:
                    return self.column("m/task/status") == [1, 1, 1, 0]
                except (OSError, KeyError):
                    return False

            self.wait_for(others_are_done, "three of four tasks do not end")
            farm.kill_all(run)
            (self.folder / "wait").unlink()
            done = self.taskfarm("m.json", *again)
            self.assertIn("3 of them before", done.stderr)
            self.assertEqual((self.column("m/results/x"), self.rows()[1:]), ([22] * 4, ([], 0)))

    def test_killed_while_the_file_changes(self):
        """The journal has it, too, for a file whose own metadata is not to be trusted."""
        self.returns(1)
        self.taskfarm("m.json")
        self.returns(2)
        self.taskfarm("m.json", env={"TASKFARM_CRASH": "stay.dirty"}, status=-9)
        self.write("m.json", dict(self.stage, over={"i": {"range": [5]}}))
        for point in ("move.written", "move.renamed", "change.flushed:2", "close.closed"):
            self.taskfarm("m.json", env={"TASKFARM_CRASH": point}, status=-9)
        self.taskfarm("m.json")
        self.assertEqual((self.column("m/results/x"), self.rows()[1:]), ([1, 1, 1, 1, 2], ([(0, 4, 0)], 4)))

    def test_what_is_code(self):
        self.write("tool", "#!/bin/sh\necho 1\n")
        (self.folder / "tool").chmod(0o755)
        self.write("pack/__init__.py", "from . import one\n")
        self.write("pack/one.py", "from ..lib import f\nimport os, two.three as t\n")
        self.write("two/three.py", "")
        self.write("main.py", "if True: import pack\nfrom two import (three,\n    four)\n# import lib\n")
        self.write("prog.awk", "BEGIN { print 1 }")
        self.write("data/a.txt", "1")
        imported = {"main.py", "pack/__init__.py", "pack/one.py", "lib.py", "two/three.py"}
        cases = [
            (["./tool"], {"./tool"}),
            (["python3", "-W", "ignore", "-Ou", "main.py"], imported),
            ("cd . && A=1 python3 main.py {i} | awk -v n=1 -f prog.awk >out{i} 2>&1", imported | {"prog.awk"}),
            (["sh", "-c", "exec python3 'main.py' \"$0\"", "{i}"], imported),
            (["bash", "-e", "tool"], {"tool"}),
            (["python3", "-c", "print(1)", "main.py"], set()),
            (["python3", "{i}.py"], set()),
            ("# python3 main.py\necho python3 main.py", set()),
            (["cat", "main.py"], set()),
        ]
        stages = [
            {"name": f"s{n}", "over": {"i": [1]}, "run": {"command": command}, "code": ["data/*.txt"]}
            for n, (command, _) in enumerate(cases)
        ]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", status=1)
        with h5py.File(self.folder / "m.h5") as file:
            for n, (command, files) in enumerate(cases):
                with self.subTest(command=command):
                    found = json.loads(file[f"s{n}/code"][-1]["files"])
                    self.assertEqual({item["path"] for item in found}, files | {"data/a.txt"})

    def test_plugins_and_files(self):
        """A plugin is code like any other; a stage with files is stale, as make has it."""
        plugin = self.folder / "plugin.so"
        plugin.write_bytes((farm.BUILD / "tests/libtest_plugin.so").read_bytes())
        stages = [
            {"name": "f", "over": {"i": {"range": [3]}}, "run": {"function": "./plugin.so:closer"}},
            {"name": "g", "outputs": "out", "run": {"command": ["sh", "make.sh"]}},
        ]
        self.write("make.sh", "echo 1 >out")
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json")
        self.assertEqual(self.plan(), {})
        self.edit("make.sh", "echo 2 >out")
        with open(plugin, "ab") as file:
            file.write(b"\0")
        self.assertEqual(self.plan(), {"g": {"code": 1}})
        done = self.taskfarm("m.json")
        self.assertIn("m.h5: ./plugin.so changed since 3 rows were made; they are kept", done.stderr)
        self.assertEqual((self.folder / "out").read_text(), "2\n")
        self.taskfarm("m.json", "--rerun", "code")
        self.assertEqual((self.rows("f")[1:], self.rows("g")[1:]), (([], 0), ([], 0)))

    def test_an_output_that_does_not_know(self):
        """It is never said that code has changed where nothing is known of it."""
        self.returns(1)
        self.taskfarm("m.json")
        with h5py.File(self.folder / "m.h5", "a") as file:
            del file["m/code"]
        self.assertIn("  code of m: not known for 4 rows\n", self.taskfarm("status", "m.h5").stdout)
        self.write("m.json", dict(self.stage, over={"i": {"range": [5]}}))
        self.returns(2)
        done = self.taskfarm("m.json", "--rerun", "code")
        self.assertNotIn("changed since", done.stderr)
        self.assertEqual(self.column("m/results/x"), [1, 1, 1, 1, 2])
        self.assertIn("  code of m: not known for 4 rows\n", self.taskfarm("status", "m.h5").stdout)

    def test_nothing_is_not_known_of_tasks_that_were_not_run_and_of_stages_without_code(self):
        expr = {"over": {"i": {"range": [3]}}, "run": {"expr": {"x": "i"}}}
        self.write("m.json", {"stages": [dict(self.stage, name="m", on_failure="stop"), dict(expr, name="e")]})
        self.edit("lib.py", "import sys\ndef f():\n    return 1 / (sys.argv[1] == '0')\n")
        self.taskfarm("m.json", "--slots", 1, status=1)
        with h5py.File(self.folder / "m.h5", "a") as file:
            done = int((file["m/task/status"][()] == 1).sum())
            del file["m/code"], file["e/code"]
        self.assertIn(f"  code of m: not known for {done} row", self.taskfarm("status", "m.h5").stdout)
        self.taskfarm("m.json", "e")
        self.assertNotIn("  code of e: not known", self.taskfarm("status", "m.h5").stdout)

    def test_the_hash_of_a_file_that_has_not_changed_stands(self):
        self.returns(1)
        self.taskfarm("m.json")
        path = self.folder / "lib.py"
        time = path.stat().st_mtime_ns
        with open(path, "r+") as file:
            file.write("def g")
        os.utime(path, ns=(time, time))
        self.assertNotIn("changed since", self.taskfarm("plan", "m.json").stdout)
        os.utime(path)
        self.assertIn("lib.py changed since", self.taskfarm("plan", "m.json").stdout)

    def test_patterns_that_match_nothing(self):
        self.write("m.json", dict(self.stage, code=["nothing/*.py", 1]))
        done = self.taskfarm("m.json", status=2)
        self.assertEqual(done.stderr, "m.json: /code/0: no file matches nothing/*.py\nm.json: /code/1: must be a string, not a number\n")
        (self.folder / "lib/sub").mkdir(parents=True)
        self.write("m.json", dict(self.stage, code=["lib", "lib/*"]))
        done = self.taskfarm("m.json", status=2)
        self.assertEqual(done.stderr, 'm.json: /code/0: lib is a folder; name the files in it, as in "lib/*"\n')


CHOICES = {  # all that may change of a random campaign
    "tasks": [3, 4],
    "kept": ["i >= 0", "i != 1"],
    "factor": [2, 30],
    "source": ["a", "b"],
    "type": ["int32", "int64"],
    "slope": [1, 5],
    "cell": [7, 8],
    "lines": [1, 2],
    "variable": ["u", "v"],
    "first": ["one", "two"],
    "array": ["x", "y"],
    "rows_of": ["p", "q"],
}


class Changes(StaleTest):
    """One change of a random campaign: what stands in the output then is what a run from scratch gives."""

    def put(self, folder, name, text):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            self.clock += 10
            os.utime(path, (self.clock, self.clock))

    def campaign(self, folder, k):
        over, axis = {"i": {"range": [k["tasks"]]}}, {"b": {"blocks": {"shape": [4], "chunk": [2]}}}
        integer, block = {"type": k["type"], "from": "field:1"}, {"type": "float64", "array": "b"}
        self.put(folder, "scale.sh", f"echo $(( $1 * {k['factor']} ))")
        self.put(folder, "copy.sh", f"head -n {k['lines']} $1 >$2")
        self.put(folder, "one/in/cell", f"{k['cell']}\n1\n")
        self.put(folder, "two", "9\n5\n")
        if not (folder / "raw.h5").exists():
            with h5py.File(folder / "raw.h5", "w") as file:
                file["x"], file["y"] = [1.0, 2, 3, 4], [5.0, 6, 7, 8]
            os.utime(folder / "raw.h5", (1e9, 1e9))
        paths = ["one", "two"] if k["first"] == "one" else ["two", "one"]
        stages = [
            {"name": "a", "over": over, "where": k["kept"], "run": {"command": ["sh", "scale.sh", "{i}"]}, "results": {"x": integer}},
            {"name": "b", "over": over, "run": {"expr": {"x": "i - 100"}}, "results": {"x": "int64"}},
            {"name": "c", "over": {"r": {"from": k["source"], "columns": ["x"]}}, "run": {"expr": {"y": f"{k['slope']} * x"}}},
            {"name": "d", "over": {"r": {"from": "c", "columns": ["y"]}}, "run": {"expr": {"z": "y + 1"}}},
            {"name": "e", "inputs": ["one"], "outputs": "e.txt", "run": {"command": "sh copy.sh one/in/cell {outputs}"}},
            {"name": "f", "inputs": {"e": "e.txt", "first": paths[0], "second": paths[1]}, "outputs": "f.txt", "run": {"command": "cat {inputs.e} two >f.txt; echo {inputs.first} {w} >>f.txt"}},
            {"name": "p", "over": axis, "arrays": {"r": f"raw.h5:/{k['array']}"}, "run": {"expr": {"y": "r + 1"}}, "results": {"y": block}},
            {"name": "q", "over": axis, "run": {"expr": {"y": "7 + 0 * b_start"}}, "results": {"y": block}},
            {"name": "s", "over": axis, "arrays": {"r": {"from": k["rows_of"], "column": "y"}}, "run": {"expr": {"t": "r"}}, "results": {"t": block}},
        ]
        self.put(folder, "m.json", json.dumps({"variables": {"w": k["variable"]}, "stages": stages}))

    def outcome(self, folder):
        found = farm.digest(folder / "m.h5")
        found.update((name, (folder / name).read_text()) for name in ("e.txt", "f.txt"))
        return found

    @farm.first
    def test_one_change(self):
        for seed in range(200 if farm.SOAK else 2):
            chance = random.Random(seed)
            self.clock = 1e9
            k = {name: chance.choice(values) for name, values in CHOICES.items()}
            name = chance.choice([name for name in CHOICES if name != "tasks"])
            after = dict(k, **{name: CHOICES[name][CHOICES[name][0] == k[name]]})
            target = chance.choice([[], ["a"], ["e.txt"], ["p"], ["c"]])
            with self.subTest(seed=seed, change=name, target=target):
                old, new = self.folder / f"old{seed}", self.folder / f"new{seed}"
                self.campaign(old, k)
                self.taskfarm("m.json", folder=old)
                self.clock = FUTURE
                self.campaign(old, after)
                for some in (target, []):
                    done = self.taskfarm("m.json", "--rerun", "mtime,params,code,inputs", *some, folder=old)
                self.campaign(new, after)
                self.taskfarm("m.json", folder=new)
                self.assertEqual(self.outcome(old), self.outcome(new), done.stderr)


if __name__ == "__main__":
    farm.main()
