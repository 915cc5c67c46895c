"""A column whose type becomes a wider one keeps its rows: what comes out is what a run gives that had the type from the
start. What can't be kept is refused, and nothing is touched."""

import farm
from farm import datasets, digest

# Tasks of which {i} is in the file "halves" answer with numbers that are no integers.
COMMAND = """echo {i} >> log; test -e slow && sleep 0.01
if grep -qx {i} halves; then echo '{{"y": '{i}'.5, "v": ['{i}', 0.5], "n": 300}}'; else echo '{{"y": '{i}', "v": [-1'{i}', 7], "n": '{i}'}}'; fi"""

NARROW = {"y": "int64", "v": {"type": "int64", "shape": [2]}, "n": "int8", "w": {"type": "uint8", "from": "regex:[0-9]+"}}
WIDE = {"y": "float64", "v": {"type": "float64", "shape": [2]}, "n": "int64", "w": {"type": "int16", "from": "regex:[0-9]+"}}

POINTS = ("carry.texts", "move.written", "move.noted", "move.renamed")


class Wider(farm.FarmTest):
    def campaign(self, results, tasks=40, **more):
        stage = {
            "over": {"i": {"range": [tasks]}},
            "run": {"command": COMMAND},
            "results": results,
            "reduce": {"r": {"columns": {"y": ["mean", "max", "median"], "v": ["sum"], "n": ["sum"]}}},
        }
        self.write("w.json", stage | more)

    def found(self):
        return digest(self.folder / "w.h5") | datasets(self.folder / "w.h5", "/reduce/")

    def assert_found(self, expected):
        found = self.found()
        for name in sorted({*found, *expected}):
            self.assertEqual(found.get(name), expected.get(name), name)

    def expected(self):
        self.campaign(WIDE)
        self.taskfarm("w.json", "--fresh")
        (self.folder / "log").unlink()
        return self.found()

    def ran(self):
        log = self.folder / "log"
        lines = log.read_text().split() if log.exists() else []
        log.unlink(missing_ok=True)
        return sorted(map(int, lines))

    def narrow(self, *options, **more):
        """A run whose columns are too narrow for some tasks."""
        self.campaign(NARROW)
        self.taskfarm("w.json", "--fresh", *options, status=1, **more)
        self.assertEqual(self.ran(), list(range(40)))

    @farm.first
    def test_rows_are_kept(self):
        self.write("halves", "3\n4\n21\n")
        expected = self.expected()
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                self.narrow(ranks=ranks)
                self.campaign(WIDE)
                before = self.files()
                self.assertIn("stage w: 3 of 40 tasks\n", self.taskfarm("plan", "w.json").stdout)
                self.assertEqual(self.files(), before)
                done = self.taskfarm("w.json", ranks=ranks)
                self.assertIn(
                    'taskfarm: w.h5: going on: 37 of 40 tasks are done; "y" of stage "w" is float64 now, and was int64; '
                    '"v" of stage "w" is float64 now, and was int64; "n" of stage "w" is int64 now, and was int8; '
                    '"w" of stage "w" is int16 now, and was uint8\n',
                    done.stderr,
                )
                self.assertEqual(self.ran(), [3, 4, 21])
                self.assert_found(expected)
                self.assertNotIn("going on: 40 of 40 tasks are done;", self.taskfarm("w.json", ranks=ranks).stderr)
                self.assert_found(expected)

    def test_with_a_space_that_grows_and_rows_that_where_leaves_out(self):
        self.write("halves", "7\n")
        where = {"where": "i != 5"}
        self.campaign(WIDE, 60, **where)
        self.taskfarm("w.json")
        expected = self.found()
        self.campaign(NARROW, **where)
        self.taskfarm("w.json", "--fresh", status=1)
        self.ran()
        self.campaign(WIDE, 60, **where)
        self.taskfarm("w.json", ranks=3)
        self.assertEqual(self.ran(), [7, *range(40, 60)])
        self.assert_found(expected)

    def test_killed_while_rows_are_carried_over(self):
        self.write("halves", "3\n21\n")
        expected = self.expected()
        died = 0
        for point in POINTS:
            for ranks in (None, 3) if farm.SOAK else (None,):
                with self.subTest(point=point, ranks=ranks):
                    self.narrow()
                    self.campaign(WIDE)
                    died += self.start("w.json", ranks=ranks, env={"TASKFARM_CRASH": f"{point}:1"}).wait(120) != 0
                    self.taskfarm("w.json")
                    self.assertEqual(set(self.ran()), {3, 21})
                    self.assert_found(expected)
                    self.assertFalse((self.folder / "w.h5.d").exists())
        self.assertEqual(died, len(POINTS) * (2 if farm.SOAK else 1), "each of the places is passed")

    def test_after_a_run_that_was_killed(self):
        """Its side files vouch for rows as they stand in the file: with the old types."""
        self.write("halves", "39\n")
        expected = self.expected()
        self.write("slow", "")
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                for path in ("w.h5", "log"):
                    (self.folder / path).unlink(missing_ok=True)
                self.campaign(NARROW)
                run = self.start("w.json", ranks=ranks)
                self.wait_for(lambda: self.count_done("w.h5") > 5, "no task is done")
                farm.kill_all(run)
                done = self.count_done("w.h5")
                self.ran()
                self.campaign(WIDE)
                self.taskfarm("w.json", ranks=ranks)
                self.assertLessEqual(len(self.ran()), 40 - done)
                self.assert_found(expected)

    def test_until_is_looked_at_anew(self):
        until = {"until": "y.count > 9"}
        self.write("halves", "3\n")
        self.campaign({"y": "int64"}, reduce={}, **until)
        self.taskfarm("w.json", status=1)
        self.campaign({"y": "float64"}, reduce={}, **until)
        self.taskfarm("w.json")
        found = digest(self.folder / "w.h5")
        self.taskfarm("w.json", "--fresh")
        self.assertEqual(digest(self.folder / "w.h5"), found)

    @farm.first
    def test_what_is_refused(self):
        stage = {"over": {"i": {"range": [3]}}, "results": {"y": "int64"}}
        large = {"command": "echo '{{\"y\": '$((9007199254740990 + {i} * 3))'}}'"}
        small = {"command": "echo '{{\"y\": '{i}'}}'"}
        change = 'taskfarm: m.h5: stage "m": "results" changed since its rows were made ('
        end = "); --rerun code runs it anew, --fresh sets the old output aside and starts anew, --output leaves it where it is\n"
        for run, was, now, what in (
            (large, "int64", "float64", "y: was int64, now float64, which would round 9007199254740993 of task 1"),
            (large, "uint64", "float64", "y: was uint64, now float64, which would round 9007199254740993 of task 1"),
            (small, "float64", "int64", 'was [["y","float64"]], now [["y","int64"]]'),
            (small, "float32", "float64", 'was [["y","float32"]], now [["y","float64"]]'),
            (small, "int64", "float32", 'was [["y","int64"]], now [["y","float32"]]'),
            (small, "int64", "int32", 'was [["y","int64"]], now [["y","int32"]]'),
            (small, "int8", "uint64", 'was [["y","int8"]], now [["y","uint64"]]'),
            (small, "uint32", "int32", 'was [["y","uint32"]], now [["y","int32"]]'),
            (small, "int64", "string", 'was [["y","int64"]], now [["y","string"]]'),
            (small, "bool", "int8", 'was [["y","bool"]], now [["y","int8"]]'),
        ):
            with self.subTest(was=was, now=now, what=what):
                run = {"command": "echo '{{\"y\": true}}'"} if was == "bool" else run
                self.write("m.json", stage | {"name": "m", "run": run, "results": {"y": was}})
                self.taskfarm("m.json", "--fresh")
                self.write("m.json", stage | {"name": "m", "run": run, "results": {"y": now}})
                before = self.files()
                self.assertEqual(self.taskfarm("m.json", status=3).stderr, change + what + end)
                self.assertEqual(self.files(), before)
        self.write("m.json", stage | {"name": "m", "run": large})
        self.taskfarm("m.json", "--fresh")
        self.write("m.json", stage | {"name": "m", "run": large, "results": {"y": "float64"}})
        self.assertIn("m: 3 done, 0 failed in", self.taskfarm("m.json", "--rerun", "code").stderr)

    def test_rows_that_others_were_made_of(self):
        """They took integers."""

        def campaign(kind):
            a = {"name": "a", "over": {"i": {"range": [3]}}, "run": {"expr": {"y": "i"}}, "results": {"y": kind}}
            b = {"name": "b", "over": [{"from": "a", "columns": ["y"]}], "run": {"command": "echo {y}"}}
            self.write("m.json", {"stages": [a, b]})

        campaign("int64")
        self.taskfarm("m.json")
        campaign("float64")
        done = self.taskfarm("m.json", status=3)
        self.assertIn('m.h5: stage "a": "results" changed since its rows were made (was [["y","int64"]], now', done.stderr)


if __name__ == "__main__":
    farm.main()
