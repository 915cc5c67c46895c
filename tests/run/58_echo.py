"""Runs that give back their parameters."""

import farm
import numpy as np
from farm import digest

RANKS = (None, 3) if farm.SANITIZED else (None, 1, 2, 3, 5)
WORDS = ["a", "b\u00fc", "", "x" * 200]
SPACE = {"i": {"range": [-1, 2]}, "s": WORDS, "b": [True, False], "f": {"linspace": [0, 1, 3]}}


class Echo(farm.FarmTest):
    def write_stage(self, **more):
        return self.write("e.json", {"over": SPACE, "run": {"echo": True}, **more})

    @farm.first
    def test_columns_are_the_parameters(self):
        self.write_stage()
        digests = []
        for ranks in RANKS:
            self.taskfarm("e.json", "--fresh", ranks=ranks)
            digests.append(digest(self.folder / "e.h5"))
        self.assertEqual(digests, digests[:1] * len(digests))
        with self.open("e.h5") as file:
            results, params = file["e/results"], file["e/params"]
            self.assertEqual(sorted(results), ["echo_b", "echo_f", "echo_i", "echo_s"])
            for name in "ibf":
                np.testing.assert_array_equal(results["echo_" + name][:], params[name][:])
                self.assertEqual(results["echo_" + name].dtype, params[name].dtype)
            self.assertEqual(list(results["echo_s"].asstr()[:]), [w for _ in range(3) for w in WORDS for _ in range(6)])

    def test_rows_left_out_have_no_columns(self):
        self.write_stage(where="i != 0")
        self.taskfarm("e.json")
        with self.open("e.h5") as file:
            f, i = file["e/results/echo_f"][:], file["e/params/i"][:]
        np.testing.assert_array_equal(np.isnan(f), i == 0)

    def test_it_has_a_full_record_if_asked(self):
        self.write_stage(record="full")
        self.taskfarm("e.json", ranks=2)
        with self.open("e.h5") as file:
            task = {name: file["e/task"][name][:] for name in file["e/task"]}
        for name in "exit_code", "signal", "cpu", "max_rss":
            self.assertFalse(task[name].any(), name)
        self.assertTrue((task["worker"] <= 1).all() and (task["duration"] >= 0).all() and (task["start"] > 1e9).all())

    @farm.first
    def test_other_stages_read_the_rows(self):
        stages = [
            {"name": "one", "over": SPACE, "run": {"echo": True}, "reduce": {"r": {"by": "s", "columns": {"echo_f": "sum"}}}},
            {"name": "two", "over": {"row": {"from": "one", "columns": {"n": "echo_i", "w": "echo_s"}}}, "run": {"echo": True}},
        ]
        self.write("c.json", {"stages": stages})
        self.taskfarm("c.json", ranks=3)
        with self.open("c.h5") as file:
            np.testing.assert_array_equal(file["two/results/echo_n"][:], file["one/params/i"][:])
            self.assertEqual(list(file["two/results/echo_w"].asstr()[:]), list(file["one/params/s"].asstr()[:]))
            np.testing.assert_array_equal(file["one/reduce/r/echo_f.sum"][:], 4 * [3 * 2 * 1.5])

    def test_it_goes_on_and_grows(self):
        over = {"i": {"range": [200000]}}
        self.write("g.json", {"over": over, "run": {"echo": True}})
        run = self.start("g.json", ranks=2, env={"TASKFARM_CRASH": "rows.data:3"})
        run.communicate()
        self.assertNotEqual(run.returncode, 0)
        over["i"]["range"] = [300000]
        self.write("g.json", {"over": over, "run": {"echo": True}})
        self.taskfarm("g.json")
        with self.open("g.h5") as file:
            np.testing.assert_array_equal(file["g/results/echo_i"][:], np.arange(300000))
            self.assertTrue((file["g/task/status"][:] == farm.DONE).all())

    def test_what_is_shown(self):
        self.write_stage()
        self.assertIn("stage e: 72 tasks of echo\n", self.taskfarm("check", "e.json").stdout)
        self.taskfarm("e.json")
        shown = self.taskfarm("show", "e.h5", "e", 0).stdout
        self.assertIn("runs\n  echo\n", shown)
        self.assertIn("  echo_i = -1\n", shown)
        self.assertIn("echo_f", self.taskfarm("try", "e.json", "e", 5).stdout)

    def test_another_run_is_another_campaign(self):
        self.write_stage()
        self.taskfarm("e.json")
        self.write_stage(run={"expr": {"echo_i": "i"}})
        self.assertIn("e", self.taskfarm("e.json", status=3).stderr)

    @farm.first
    def test_what_is_wrong_is_said(self):
        taken = {"i": {"range": [3]}, "echo_i": [1]}
        for stage, message in (
            ({"run": {"echo": 1}}, "/run/echo: must be true, not a number"),
            ({"run": {"echo": True}, "results": {"x": "float64"}}, '/run: an "echo" takes no "results": they are echo_NAME for each parameter'),
            ({"run": {"echo": True}, "over": taken}, 'gives a column "echo_i", which is a name that the stage has already'),
            ({"run": {"echo": True, "env": {}}}, '"env" goes with a command, a service or a Python function, not with an echo'),
        ):
            with self.subTest(stage=stage):
                self.write("bad.json", {"over": SPACE, **stage})
                self.assertIn(message, self.taskfarm("check", "bad.json", status=2).stderr)



farm.main()
