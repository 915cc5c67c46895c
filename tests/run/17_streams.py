"""A space that grows between its points moves what is done to other indices: what is computed then draws nothing that an
older row has drawn at its index, and the same for any number of ranks and after kills."""

import json
import subprocess

import farm
import numpy as np
from farm import digest

SCRIPT = """
def draw(a, b, rng, task):
    return {"seed": task.seed, "u": rng.random()}

def draw_many(a, b, rng):
    return {"u": rng.random()}
"""
PYTHON = {"interpreter": "/usr/bin/python3"}
STAGES = [
    {"name": "python", "run": {"python": "draw.py:draw", **PYTHON}, "results": {"seed": "uint64", "u": "float64"}},
    {"name": "batch", "run": {"python": "draw.py:draw_many", "batch": 3, **PYTHON}, "results": {"u": "float64"}},
    {"name": "command", "run": {"command": ["echo", "{seed}"]}, "results": {"seed": {"type": "uint64", "from": "field:1"}}},
    {"name": "expr", "run": {"expr": {"u": "random()", "n": "normal()"}}},
    {"name": "function", "run": {"function": "builtin:random"}, "results": {"x": "float64"}},
]
MAP = """
import sys, only, taskfarm
taskfarm.map(only.f, {"i": eval(f"[{sys.argv[1]}]")}, output="f.h5", rerun="code", progress="none")
"""
DRAWN = ("python/results/seed", "python/results/u", "batch/results/u", "command/results/seed", "expr/results/u",
         "expr/results/n", "function/results/x")  # fmt: skip


class Grown(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("draw.py", SCRIPT)

    def grow(self, a, b, *options, **more):
        over = {"a": list(range(a)), "b": b}
        self.write("g.json", {"stages": [stage | {"over": over} for stage in STAGES]})
        return self.taskfarm("g.json", *options, **more)

    def drawn(self):
        with self.open("g.h5") as file:
            return {name: file[name][()] for name in DRAWN}

    def assert_no_number_twice(self):
        for name, values in self.drawn().items():
            self.assertEqual(len(np.unique(values)), len(values), name)

    def rounds(self):
        with self.open("g.h5") as file:
            return {int(file[stage["name"]].attrs.get("streams", 0)) for stage in STAGES}

    @farm.first
    def test_nothing_is_drawn_twice(self):
        expected = None
        for ranks in (None, 2, 3):
            self.grow(4, [1, 2, 3], "--fresh", ranks=ranks)
            before = self.drawn()
            self.grow(4, [1, 2, 3, 4], ranks=ranks)
            self.assert_no_number_twice()
            self.assertEqual(self.rounds(), {1})
            self.grow(4, [0, 1, 2, 3, 4], ranks=ranks)
            self.grow(5, [0, 1, 2, 3, 4], ranks=ranks)
            self.assert_no_number_twice()
            self.assertEqual(self.rounds(), {2})
            for name, values in self.drawn().items():
                kept = values.reshape(5, 5)[:4, 1:4].ravel()
                self.assertTrue((kept == before[name]).all(), f"{name}: rows that are done stay")
            found = digest(self.folder / "g.h5")
            self.assertEqual(found, expected or found)
            expected = found

    def test_at_the_end_it_is_the_space_from_the_start(self):
        self.grow(3, [1, 2])
        self.grow(5, [1, 2])
        found = digest(self.folder / "g.h5")
        self.assertEqual(self.rounds(), {0})
        self.grow(5, [1, 2], "--fresh")
        self.assertEqual(found, digest(self.folder / "g.h5"))

    def test_after_kills(self):
        self.grow(30, [1, 3])
        self.grow(30, [1, 2, 3])
        expected = digest(self.folder / "g.h5")
        for ranks, point in ((None, "move.written"), (None, "move.renamed"), (3, "rows.data:2"), (3, "rows.texts:3")):
            with self.subTest(point):
                self.grow(30, [1, 3], "--fresh", ranks=ranks)
                over = {"a": list(range(30)), "b": [1, 2, 3]}
                self.write("g.json", {"stages": [stage | {"over": over} for stage in STAGES]})
                crash = point if ":" in point else f"{point}:1"
                self.assertNotEqual(self.start("g.json", ranks=ranks, env={"TASKFARM_CRASH": crash}).wait(120), 0)
                self.taskfarm("g.json", ranks=ranks)
                self.assertEqual(digest(self.folder / "g.h5"), expected)

    def test_the_stage_anew_is_as_from_the_start(self):
        self.grow(3, [1, 3])
        self.grow(3, [1, 2, 3])
        stages = [STAGES[3] | {"over": {"a": [0, 1, 2], "b": [1, 2, 3]}, "run": {"expr": {"u": "0 + random()"}}}]
        self.write("g.json", {"stages": stages + [s | {"over": stages[0]["over"]} for s in STAGES if s["name"] != "expr"]})
        self.taskfarm("g.json", "--rerun", "code")
        with self.open("g.h5") as file:
            found = file["expr/results/u"][()]
        self.taskfarm("g.json", "--fresh")
        with self.open("g.h5") as file:
            self.assertTrue((file["expr/results/u"][()] == found).all())

    def test_a_task_that_was_tried_before_the_run_is_run_again(self):
        """map tries one to learn the types of results; it draws from the first round."""
        self.write("only.py", "def f(i, rng):\n    return float(rng.random())\n")
        self.write("go.py", MAP)
        for values in ("1, 2", "0, 1, 2"):
            subprocess.run(["/usr/bin/python3", "go.py", values], cwd=self.folder, env=self.python_environment(), check=True, timeout=120)
        with self.open("f.h5") as file:
            self.assertEqual(len(np.unique(file["f/results/result"][()])), 3)

    def python_environment(self):
        return farm.environment(TASKFARM=str(farm.TASKFARM), PYTHONPATH=f"{farm.SOURCE / 'src/python'}:{self.folder}")

    @farm.first
    def test_show_says_of_which_rows_the_seed_is(self):
        self.grow(3, [1, 3])
        self.grow(3, [1, 2, 3])
        with self.open("g.h5") as file:
            seed = file["command/results/seed"][1]
        said = self.taskfarm("show", "g.h5", "command", 1).stdout
        self.assertIn(f"runs\n  echo {seed}\n", said)
        self.assertIn(
            "  (the seed is that of rows made since the space last grew between its points; of older rows it is not known)\n", said
        )
        self.assertNotIn("the seed is that", self.taskfarm("show", "g.h5", "expr", 1).stdout)
        self.assertEqual(json.loads(self.taskfarm("show", "g.h5", "command", 1, "--json").stdout)["index"], 1)


farm.main()
