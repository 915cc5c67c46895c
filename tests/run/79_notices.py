"""What a run notices of its stages, and people should know: said while it runs, and told by summary, status, events, the
history of the output, and in Python."""

import json
import subprocess

import farm
from map_test import MapTest

MODULE = """
import os, random, time
import numpy as np
drawn, state, own = np.random.default_rng(1), np.random.RandomState(2), random.Random(3)
def by_generator(i):
    return drawn.normal()
def by_state(i):
    return state.normal()
def by_random(i):
    return own.random()
def by_stream(i, rng):
    return rng.normal()
def shared(x):
    return x + np.random.normal()
def waits(i):
    while not os.path.exists("go"):
        time.sleep(0.01)
    return drawn.normal()
def scalar(x):
    return x if x > 3 else 0.0 * x
def seventh(x):
    if len(x) > 1 and x[0] % 70 == 0:
        raise KeyError("one\\ntwo" + 2000 * "s")
    return 1.0 * x
def dies(x):
    if len(x) > 1 and x[0] == 20:
        os._exit(3)
    return 1.0 * x
def late(x):
    if len(x) > 1 and x[0] == 20:
        time.sleep(600)
    return 1.0 * x
"""

LASTING = (
    'the function draws from "{}", a {} of which each process has its own, for all of its tasks: results depend on where tasks run, and tasks '
    'may get the same numbers; let it have a parameter "rng" and draw from that'
)
SCALAR = "ValueError: The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
FIRST = 'stage "s": a batch failed and is run task by task: '


class Notices(MapTest):
    def stage(self, function, tasks, parameter="i", run=None, **more):
        self.write("m.py", MODULE)
        run = {"python": f"m.py:{function}", "interpreter": "/usr/bin/python3", **(run or {})}
        self.write("c.json", {"name": "s", "over": {parameter: {"range": [tasks]}}, "run": run, "results": {"y": "float64"}, "output": "c.h5", **more})

    def batches(self, function, tasks, batch=10, **more):
        self.stage(function, tasks, "x", {"batch": batch}, **more)

    def told(self):
        return json.loads(self.taskfarm("status", "c.h5", "--json").stdout)


class Draws(Notices):
    @farm.first
    def test_generators_that_outlive_a_task_are_said_once(self):
        """In the words of check; of one that is the task's own nothing is said."""
        for function, name, kind in (("by_generator", "drawn", "Generator"), ("by_state", "state", "RandomState"), ("by_random", "own", "Random"), ("by_stream", "", "")):
            for ranks in (None, 2) if function == "by_generator" else (None,):
                self.stage(function, 12)
                done = self.taskfarm("c.json", "--fresh", ranks=ranks)
                said = f'taskfarm: stage "s": {LASTING.format(name, kind)}\n'
                self.assertEqual(done.stderr.count(said), 1 if name else 0, done.stderr)
                self.assertEqual(done.stderr.count("draws from"), 1 if name else 0)
            found = [notice for notice in self.told().get("notices", []) if notice["id"] == "unseeded"]
            self.assertEqual(found, [{"stage": "s", "id": "unseeded", "text": LASTING.format(name, kind)}] if name else [])
            self.assertEqual(self.taskfarm("status", "c.h5").stdout.count(f'  stage "s": {LASTING.format(name, kind)}\n'), 1 if name else 0)

    def test_generators_that_a_batch_shares_with_others(self):
        self.batches("shared", 40)
        said = 'stage "s": the function uses np.random.normal, which is not seeded for each task of a batch: results depend on where it runs; '
        self.assertIn(said, self.taskfarm("c.json").stderr)

    def test_it_is_said_before_a_task_has_ended(self):
        self.stage("waits", 2)
        run = self.start("c.json", "--slots", "1")
        self.wait_for(lambda: (self.folder / "c.h5.d/heartbeat").exists() and self.told().get("notices"), "the notice")
        self.assertEqual(self.told()["heartbeat"]["ended"], 0)
        self.assertIn('stage "s": the function draws', self.taskfarm("status", "c.h5").stdout)
        self.write("go", "")
        self.assertEqual(run.wait(self.limit), 0)
        self.assertEqual([notice["id"] for notice in self.told()["notices"]], ["unseeded"])


class Batches(Notices):
    @farm.first
    def test_a_function_that_takes_no_arrays_is_told_of(self):
        """At once, and with how many calls have failed at the end."""
        self.batches("scalar", 400)
        for ranks in (None, 2):
            done = self.taskfarm("c.json", "--fresh", ranks=ranks)
            self.assertEqual(done.stderr.count(FIRST), 1)
            self.assertIn(f"taskfarm: {FIRST}{SCALAR}\n", done.stderr)
            last = f'stage "s": 40 of 40 batches failed and were run task by task: {SCALAR}\n'
            self.assertTrue(done.stderr.endswith(f"\n  {last}"), done.stderr)
            told = self.told()
            self.assertEqual(told["notices"], [{"stage": "s", "id": "batches-failed", "text": last[11:-1], "count": 40, "of": 40}])
            self.assertEqual(told["runs"][-1]["notices"], told["notices"])
            self.assertIn(f"\n  {last}", self.taskfarm("status", "c.h5").stdout)

    def test_some_of_the_calls(self):
        """However they end; a resumed run counts its own."""
        for function, failed, why in (
            ("seventh", 6, "KeyError: 'one\\ntwosss"),
            ("dies", 1, "the task ended its process: exit status 3"),
            ("late", 1, "timeout after 2.0s"),
        ):
            with self.subTest(function):
                self.batches(function, 400, timeout=2 if function == "late" else 600)
                done = self.taskfarm("c.json", "--fresh", ranks=2)
                were = "were" if failed > 1 else "was"
                self.assertIn(f'  stage "s": {failed} of 40 batches failed and {were} run task by task: {why}', done.stderr)
                self.assertLess(max(map(len, done.stderr.splitlines())), 600)
        self.batches("seventh", 600)
        done = self.taskfarm("c.json", "--fresh", "--rerun", "params")
        self.assertIn("9 of 60 batches failed", done.stderr)
        self.batches("seventh", 720)
        done = self.taskfarm("c.json")
        self.assertIn('  stage "s": 2 of 12 batches failed', done.stderr)
        self.assertEqual([run["notices"][0]["count"] for run in self.told()["runs"]], [9, 2])
        self.assertNotIn("batches", self.taskfarm("c.json").stderr)

    def test_programs_get_it_by_events(self):
        self.batches("scalar", 40)
        done = subprocess.run(self.command("c.json", "--json"), cwd=self.folder, capture_output=True, text=True, timeout=self.limit)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertIn({"event": "say", "about": "run", "id": "batches-failed", "text": f"{FIRST}{SCALAR}"}, events)
        text = f"4 of 4 batches failed and were run task by task: {SCALAR}"
        self.assertEqual(events[-1]["notices"], [{"stage": "s", "id": "batches-failed", "text": text, "count": 4, "of": 4}])


class Python(Notices):
    @farm.first
    def test_a_run_of_map_shows_it(self):
        done = self.python(
            """
            def scalar(x): return 2.0 * x if x > 3 else 0.0 * x
            run = taskfarm.map(scalar, {"x": range(40)}, output="s.h5", results=float, batch=10, name="s")
            print(run)
            print(run._repr_html_().count("<p>stage &quot;s&quot;: 4 of 4 batches failed"))
            print(taskfarm.map(scalar, {"x": range(60)}, output="s.h5", results=float, batch=10, name="s", detach=True).wait())
            """
        )
        lines = done.stdout.splitlines()
        self.assertEqual(lines[1], f'stage "s": 4 of 4 batches failed and were run task by task: {SCALAR}')
        self.assertEqual(lines[2], "1")
        self.assertEqual(lines[4], f'stage "s": 2 of 2 batches failed and were run task by task: {SCALAR}')
        self.assertIn(f"{FIRST}{SCALAR}", done.stderr)

    def test_a_generator_is_warned_of_once(self):
        """By map itself, which has seen it."""
        self.write("noise.py", "import numpy as np\nfresh = np.random.default_rng()\ndef draw(i) -> float:\n    return fresh.normal()\n")
        done = self.python("import noise\ntaskfarm.map(noise.draw, {'i': range(4)})\n")
        self.assertEqual(done.stderr.count("draws from"), 1, done.stderr)


if __name__ == "__main__":
    farm.main()
