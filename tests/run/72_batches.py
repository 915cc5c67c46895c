"""Python functions that are called for many tasks at once, in whole runs: which tasks a call gets, whatever was done
before, who fails when it does, and the same bits for any number of ranks. What a function gets and gives by itself is
72_batch_calls.py's."""

import json

import farm
import numpy as np

# Each call notes which tasks it got.
NOTED = """
import json, numpy as np
def note(task):
    with open("calls", "a") as file:
        file.write(json.dumps(task.index.tolist()) + "\\n")
"""


class Batches(farm.FarmTest):
    def stage(self, text, batch=7, over=None, results=None, run=None, name="m.json", **more):
        self.write("work.py", NOTED + text)
        manifest = {
            "over": {"x": {"range": [20]}} if over is None else over,
            "run": {"python": "work.py:work", "batch": batch, "interpreter": "/usr/bin/python3", **(run or {})},
            "results": results or {"y": "float64"},
            **more,
        }
        return self.write(name, manifest)

    def calls(self):
        """The tasks of the calls since the last time, in the order of their first ones."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(json.loads(line) for line in lines)

    def results(self, column="y", name="m.h5"):
        return self.open(name)[f"{name[:-3]}/results/{column}"][()]

    def statuses(self, name="m.h5"):
        return self.open(name)[f"{name[:-3]}/task/status"][()].tolist()

    def texts(self, kind):
        """Those that are not empty, by task."""
        return {task: text.decode() for task, text in enumerate(self.heap(self.open("m.h5")["m"], kind)) if text}

    def messages(self):
        return self.texts("message")

    @staticmethod
    def batches(tasks, batch=7):
        return [list(range(first, min(first + batch, tasks))) for first in range(0, tasks, batch)]


class Calls(Batches):
    @farm.first
    def test_a_call_gets_tasks_kn_to_k_plus_1_n_minus_1(self):
        self.stage("def work(x, task):\n    note(task)\n    return x + len(x) / 100\n")
        for ranks in (None, 2, 3):
            self.taskfarm("m.json", "--fresh", ranks=ranks)
            self.assertEqual(self.calls(), self.batches(20))
            np.testing.assert_allclose(self.results(), np.arange(20) + np.repeat([0.07, 0.07, 0.06], [7, 7, 6]))

    def test_any_size_up_to_the_stage_s_length_and_beyond(self):
        for batch in (1, 2, 19, 20, 21, 10**6):
            with self.subTest(batch):
                self.stage("def work(x, task):\n    note(task)\n    return 1.0 * x\n", batch=batch)
                self.taskfarm("m.json", "--fresh")
                self.assertEqual(self.calls(), self.batches(20, batch))
                np.testing.assert_array_equal(self.results(), np.arange(20))

    def test_many_batches(self):
        self.stage("def work(x, s):\n    return {'y': 2.0 * x, 't': s + '!'}\n", over={"x": {"range": [20000]}, "s": ["a", "b"]}, results={"y": "float64", "t": "string"})
        self.taskfarm("m.json", ranks=2)
        np.testing.assert_array_equal(self.results(), np.repeat(np.arange(20000) * 2.0, 2))
        self.assertEqual(self.results("t")[-2:].tolist(), [b"a!", b"b!"])

    def test_auto_takes_it_from_the_bytes_of_a_row_and_the_length_of_the_stage(self):
        of_8192 = {"y": {"type": "float64", "shape": [8192]}}
        for tasks, results, batch in (
            (10**8, {"y": "float64"}, 65536),  # 1 MB by 8 + 8 bytes
            (60_000, {"y": "float64"}, 468),  # a 128th
            (10**6, of_8192, 15),  # 1 MB by 64 kB + 8 bytes
            (1919, of_8192, 14),
            (255, {"y": "float64"}, None),
        ):
            with self.subTest(tasks=tasks, results=results):
                self.stage("def work(x):\n    return x\n", batch="auto", over={"x": {"range": [tasks]}}, results=results)
                said = json.loads(self.taskfarm("check", "m.json", "--json").stdout)
                self.assertEqual(said["stages"][0].get("batch"), batch)

    def test_auto_of_a_stage_whose_points_are_rows_of_another(self):
        other = {"name": "a", "over": {"i": {"range": [1000]}}, "run": {"expr": {"k": "2 * i"}}, "results": {"k": "int64"}}
        self.stage("def work(k, i, task):\n    note(task)\n    return 1.0 * k\n", batch="auto")
        stage = json.loads((self.folder / "m.json").read_text())
        self.write("m.json", {"stages": [{"name": "b", **stage, "over": {"p": {"from": "a"}}}, other]})
        self.taskfarm("m.json", ranks=2)
        self.assertEqual(self.calls(), self.batches(1000, 7))

    def test_where_leaves_tasks_out(self):
        self.stage("def work(x, task):\n    note(task)\n    return 1.0 * x\n", where="x % 3 != 0 && x < 14")
        self.taskfarm("m.json")
        self.assertEqual(self.calls(), [[x for x in batch if x % 3] for batch in self.batches(14)])
        self.assertEqual(self.statuses(), [1 if x % 3 and x < 14 else 5 for x in range(20)])

    def test_upstream_values_and_blocks_of_arrays(self):
        space = {"b": {"blocks": {"shape": [20], "chunk": [2]}}}
        first = {"name": "a", "over": space, "run": {"expr": {"z": "b_start + 0.5"}}, "results": {"z": {"type": "float64", "array": "b"}}}
        second = {"name": "s", "over": space, "run": {"expr": {"k": "10 * b_start"}}, "results": {"k": "int64"}}
        third = {
            "name": "t",
            "over": {"b": space["b"]},
            "arrays": {"z": {"from": "a"}},
            "run": {"python": "work.py:work", "batch": 4, "interpreter": "/usr/bin/python3"},
            "results": {"y": "float64"},
        }
        fourth = {"name": "u", "over": {"p": {"from": "s", "columns": ["k"]}}, "run": {"python": "work.py:more", "batch": 4, "interpreter": "/usr/bin/python3"}, "results": {"y": "int64"}}
        text = "def work(z, b_start):\n    assert z.shape == (len(z), 2)\n    return z.sum(axis=1) + b_start\ndef more(k):\n    return k + 1\n"
        self.write("work.py", text)
        self.write("m.json", {"stages": [first, second, third, fourth]})
        self.taskfarm("m.json", ranks=2)
        file = self.open("m.h5")
        np.testing.assert_array_equal(file["t/results/y"][()], np.arange(0, 20, 2) * 3 + 1)
        np.testing.assert_array_equal(file["u/results/y"][()], np.arange(0, 20, 2) * 10 + 1)

    def test_tasks_whose_upstream_has_failed_are_left_out(self):
        fails = {"name": "a", "over": {"i": {"range": [10]}}, "run": {"python": "work.py:sometimes", "interpreter": "/usr/bin/python3"}, "results": {"k": "int64"}}
        takes = {"name": "b", "over": {"p": {"from": "a"}}, "run": {"python": "work.py:work", "batch": 4, "interpreter": "/usr/bin/python3"}, "results": {"y": "int64"}}
        self.write("work.py", NOTED + "import os\ndef sometimes(i):\n    return i if i % 4 or os.path.exists('mended') else 1 / 0\ndef work(k, i, task):\n    note(task)\n    return k\n")
        self.write("m.json", {"stages": [fails, takes]})
        self.taskfarm("m.json", status=1)
        self.assertEqual(self.calls(), [[1, 2, 3], [5, 6, 7], [9]])
        self.assertEqual(self.open("m.h5")["b/task/status"][()].tolist(), [4, 1, 1, 1, 4, 1, 1, 1, 4, 1])
        self.write("mended", "")
        self.taskfarm("m.json", ranks=2)
        self.assertEqual(self.calls(), self.batches(10, 4))
        self.assertEqual(self.open("m.h5")["b/results/y"][()].tolist(), list(range(10)))

    def test_until_is_looked_at_after_whole_batches(self):
        text = "def work(x, task):\n    note(task)\n    return 1.0 * x\n"
        self.stage(text, over={"x": {"range": [100]}}, until={"expr": "y.count >= 10", "first": 3})
        self.taskfarm("m.json", ranks=2)
        calls = self.calls()
        self.assertEqual(calls, self.batches(100)[: len(calls)])


class Again(Batches):
    """What was done before."""

    TEXT = "def work(x, task):\n    note(task)\n    return 1.0 * x + len(x) / 100\n"

    def test_a_space_that_grows_in_between_makes_whole_batches_and_keeps_what_is_done(self):
        self.stage(self.TEXT, over={"a": {"range": [5]}, "x": {"range": [4]}}, results={"y": "float64"})
        self.write("work.py", (self.folder / "work.py").read_text().replace("work(x,", "work(a, x,"))
        self.taskfarm("m.json")
        self.calls()
        old = self.results().reshape(5, 4)
        manifest = json.loads((self.folder / "m.json").read_text())
        self.write("m.json", {**manifest, "over": {"a": {"range": [6]}, "x": {"range": [6]}}})
        for ranks in (2,):
            self.taskfarm("m.json", ranks=ranks)
            self.assertEqual(self.calls(), self.batches(36), "each batch once")
            new = self.results().reshape(6, 6)
            np.testing.assert_array_equal(new[:5, :4], old, "rows that were done are kept")
            np.testing.assert_allclose(new[5], np.arange(6) + ([0.07] * 5 + [0.01]))

    def test_failed_tasks_are_computed_with_their_whole_batch_and_nothing_else(self):
        text = "import os\ndef work(x, task):\n    note(task)\n    if not os.path.exists('mended') and np.isin(x, [8, 12]).any():\n        raise ValueError(x.tolist())\n    return x + len(x) / 100\n"
        self.stage(text)
        self.taskfarm("m.json", status=1)
        self.assertEqual([i for i, status in enumerate(self.statuses()) if status != 1], [8, 12])
        old = self.results()
        self.calls()
        self.write("mended", "")
        self.taskfarm("m.json")
        self.assertEqual(self.calls(), [self.batches(20)[1]])
        new = self.results()
        np.testing.assert_array_equal(np.delete(new, [8, 12]), np.delete(old, [8, 12]))
        np.testing.assert_allclose(new[[8, 12]], [8.07, 12.07])

    def test_auto_keeps_the_size_of_the_output(self):
        self.stage(self.TEXT, batch=5)
        self.taskfarm("m.json")
        self.calls()
        self.stage(self.TEXT, batch="auto", over={"x": {"range": [1000]}})  # by itself a batch has 7
        self.taskfarm("m.json")
        self.assertEqual(self.calls(), self.batches(1000, 5)[4:])
        self.assertEqual(self.open("m.h5")["m"].attrs["batch"], 5)

    def test_auto_keeps_the_size_of_what_was_killed(self):
        text = self.TEXT.replace("    return", "    import os, time; os.path.exists('slow') and time.sleep(0.05)\n    return")
        self.stage(text, batch="auto", over={"x": {"range": [640]}})
        self.write("slow", "")
        run = self.start("m.json", ranks=3)
        self.wait_for(lambda: self.count_done("m.h5") > 50 or run.poll() is not None, "rows")
        farm.kill_all(run)
        (self.folder / "slow").unlink()
        self.assertLess(self.count_done("m.h5"), 640)
        self.stage(text, batch="auto", over={"x": {"range": [1000]}})
        self.taskfarm("m.json", ranks=3)
        self.assertEqual({len(call) for call in self.calls()}, {5})
        self.assertEqual(self.open("m.h5")["m"].attrs["batch"], 5)

    def test_another_size_is_another_campaign(self):
        self.stage(self.TEXT)
        self.taskfarm("m.json")
        self.stage(self.TEXT, batch=8)
        self.assertIn('(was ["work.py:work","batch 7"], now ["work.py:work","batch 8"])', self.taskfarm("m.json", status=3).stderr)


class Culprits(Batches):
    """Who fails when a call does."""

    def expect_only(self, culprits, message, status=2):
        self.assertEqual({i: s for i, s in enumerate(self.statuses()) if s != 1}, dict.fromkeys(culprits, status))
        said = self.messages()
        for task in culprits:
            self.assertEqual(said[task], message)
        good = np.delete(np.arange(20), culprits)
        np.testing.assert_array_equal(self.results()[good], good)

    @farm.first
    def test_those_that_raise(self):
        self.stage("def work(x, task):\n    note(task)\n    if (x % 9 == 4).any():\n        raise ValueError('bad')\n    return 1.0 * x\n")
        for ranks in (None, 2):
            self.taskfarm("m.json", "--fresh", status=1, ranks=ranks)
            self.expect_only([4, 13], "ValueError: bad")
            self.assertEqual(self.calls(), sorted(self.batches(20) + [[i] for i in range(14)]))
            self.assertIn("raise ValueError('bad')", self.texts("stderr")[4])

    def test_those_that_return_what_does_not_fit(self):
        self.stage("def work(x):\n    return x[x != 4] * 1.0\n")
        self.taskfarm("m.json", status=1)
        self.expect_only([4], 'column "y": an array of float64 of shape (0,), expected an array of shape (tasks,), here (1,): one value for each task of the batch')

    def test_those_that_crash(self):
        for end, message in (
            ("os.kill(os.getpid(), signal.SIGSEGV)", "the task was killed by signal 11 (Segmentation fault)"),
            ("os._exit(3)", "the task ended its process: exit status 3"),
        ):
            with self.subTest(end):
                self.stage(f"import os, signal\ndef work(x):\n    if (x == 10).any():\n        {end}\n    return 1.0 * x\n")
                self.taskfarm("m.json", "--fresh", status=1)
                self.expect_only([10], message)

    def test_those_that_take_too_long(self):
        text = "import time\ndef work(x):\n    if (x == 10).any():\n        time.sleep(1000)\n    return 1.0 * x\n"
        self.stage(text, timeout=0.5)
        self.taskfarm("m.json", status=1)
        self.expect_only([10], "timeout after 0.5s", status=3)

    def test_tasks_that_are_tried_again_are_alone(self):
        text = "import os\ndef work(x, task):\n    note(task)\n    if (x == 10).any() and task.attempt == 1:\n        raise ValueError\n    return x + 1.0 * len(x)\n"
        self.stage(text, retries=1)
        self.taskfarm("m.json")
        self.assertEqual(self.calls(), sorted(self.batches(20) + [[i] for i in range(7, 14)] + [[10]]))
        np.testing.assert_array_equal(self.results(), np.arange(20) + np.repeat([7, 1, 6], [7, 7, 6]))
        self.assertEqual(self.open("m.h5")["m/task/attempts"][10], 2)


class SameBits(Batches):
    """A function that draws random numbers."""

    TEXT = """
def work(x, rng, task):
    return {"y": rng.normal(x, 2.0) + rng.random(3).sum(axis=1), "k": rng.integers(0, 1000, 4), "s": task.seed}
"""
    RESULTS = {"y": "float64", "k": {"type": "int64", "shape": [4]}, "s": "uint64"}

    def test_for_any_number_of_ranks_and_alone(self):
        found = []
        for ranks in (None, 2, 3):
            self.stage(self.TEXT, over={"x": {"range": [500]}}, results=self.RESULTS)
            self.taskfarm("m.json", "--fresh", ranks=ranks)
            found.append(farm.digest(self.folder / "m.h5"))
        self.assertEqual(found[1:], found[:-1])
        alone = "def work(x, rng, task):\n    return {'y': rng.normal(x, 2.0) + sum_of(rng.random(3)), 'k': rng.integers(0, 1000, 4), 's': task.seed}\n"
        self.stage(alone + "def sum_of(a):\n    return a[None].sum(axis=1)[0]\n", batch=7, over={"x": {"range": [500]}}, results=self.RESULTS, run={})
        manifest = json.loads((self.folder / "m.json").read_text())
        del manifest["run"]["batch"]
        self.write("m.json", manifest)
        self.taskfarm("m.json", "--fresh")
        self.assertEqual(farm.digest(self.folder / "m.h5"), found[0])

    def test_after_kill_9(self):
        text = self.TEXT.replace("    return", "    import os, time; os.path.exists('slow') and time.sleep(0.1)\n    return")
        self.stage(text, over={"x": {"range": [2000]}}, results=self.RESULTS)
        self.taskfarm("m.json")
        whole = farm.digest(self.folder / "m.h5")
        for ranks, name in ((None, "k.h5"), (3, "k3.h5")):
            self.stage(text, over={"x": {"range": [2000]}}, results=self.RESULTS, output=name)
            self.write("slow", "")
            run = self.start("m.json", "--fresh", ranks=ranks)
            self.wait_for(lambda: self.count_done(name) > 100 or run.poll() is not None, "rows")
            farm.kill_all(run)
            (self.folder / "slow").unlink()
            self.assertLess(self.count_done(name), 2000)
            self.taskfarm("m.json", ranks=ranks)
            self.assertEqual(farm.digest(self.folder / name), whole)


farm.main()
