"""Python functions as the rank's hosts run them: what tasks are given, and what is kept of them."""

import os
import signal

import farm
import h5py
from python_test import PythonTest


@farm.first
class Given(PythonTest):
    def test_files_are_waited_for_and_made_task_by_task(self):
        for x in range(5):
            self.write(f"in{x}", f"text {x}")
        said = self.python(
            """
            def f(x, task):
                print(task.inputs, task.outputs)
                with open(task.outputs[0], "w") as out:
                    out.write(open(task.inputs[0]).read() * 2)
                if x == 1: raise ValueError("no")
                if x == 2: os._exit(9)
                return x + 0.5
            """,
            over={"x": {"range": [0, 5]}},
            inputs="in{x}",
            outputs="made/out{x}",
            record="full",
            status=1,
        ).stderr
        self.assertEqual(self.statuses(), [1, 2, 2, 1, 1])
        self.assertEqual(sorted(os.listdir(self.folder / "made")), ["out0", "out3", "out4"])
        self.assertEqual((self.folder / "made/out3").read_text(), "text 3text 3")
        self.assertIn("m[1]: ValueError: no\n", said)
        self.assertIn("m[2]: the task ended its process: exit status 9\n", said)
        self.assertIn("stdout\n  ['in2'] ['made/out2']\n", self.shown(2))

    def test_rows_that_are_left_out_cost_no_call(self):
        self.write("ups.py", "def f(x):\n    if x == 7: raise ValueError(x)\n    return {'y': x / 2, 's': 's' * x}\n")
        self.write("down.py", "def f(x, y, s):\n    print(x)\n    return {'z': x + y, 't': s}\n")
        run = {"interpreter": "/usr/bin/python3", "warm": False}
        self.write(
            "m.json",
            {
                "stages": [
                    {
                        "name": "a",
                        "over": {"x": {"range": [0, 12]}},
                        "where": "x % 3 != 0",
                        "run": {"python": "ups.py:f", **run},
                        "results": {"y": "float64", "s": "string"},
                    },
                    {"name": "b", "over": [{"from": "a"}], "run": {"python": "down.py:f", **run}, "results": {"z": "float64", "t": "string"}},
                ]
            },
        )
        self.taskfarm("m.json", status=1)
        lines = self.taskfarm("export", "m.h5", "b").stdout.splitlines()
        self.assertEqual(lines[2:4], ["1,done,1,0.5,s,1.5,s", "2,done,2,1,ss,3,ss"])
        self.assertEqual(lines[8], "7,skipped,7,nan,,,")
        self.assertEqual([line.split(",")[1] for line in lines[1:]].count("excluded"), 4)
        self.assertEqual(self.taskfarm("show", "m.h5", "b", 8).stdout.split("stdout\n")[1], "  8\n")

    def test_blocks_of_arrays_come_and_go_as_arrays(self):
        with h5py.File(self.folder / "in.h5", "w") as file:
            file["v"] = [[10.0 * i + j for j in range(7)] for i in range(5)]
        self.python(
            """
            def f(b):
                return b + 1
            """,
            {"y": {"type": "float64", "array": "p"}},
            over={"p": {"blocks": {"shape": [5, 7], "chunk": [2, 3]}}},
            arrays={"b": {"dataset": "in.h5:/v", "axis": "p"}},
            run={"interpreter": "/usr/bin/python3"},
        )
        self.assertEqual(self.column(), [[10.0 * i + j + 1 for j in range(7)] for i in range(5)])

    def test_a_task_has_its_attempt_its_folder_and_its_cores(self):
        self.python(
            """
            def f(x, task):
                if task.attempt == 1 and x % 2: os._exit(1)
                if task.attempt == 2 and x % 4 == 1: raise ValueError("again")
                with open(os.path.join(task.scratch, "file"), "w") as file: file.write("x")
                print(task.scratch, sorted(os.sched_getaffinity(0)), os.environ["TASKFARM_STAGE"], os.getcwd())
                return task.attempt + len(os.listdir(task.scratch)) / 10
            """,
            retries=2,
        )
        self.assertEqual(self.column(), [1.1, 3.1, 1.1, 2.1, 1.1, 3.1, 1.1, 2.1, 1.1, 3.1])
        said = self.shown(1).split("stdout\n")[1].split()
        self.assertFalse(os.path.exists(said[0]) or os.path.exists(os.path.dirname(said[0])))
        self.assertEqual(said[-2:], ["m", str(self.folder)])

    def test_stages_that_are_alike_share_a_process_and_others_do_not(self):
        self.write("measure.py", "import os\ndef f(x):\n    print(os.environ.get('A'))\n    return os.getpid()\n")
        run = {"python": "measure.py:f", "warm": False}
        stages = [
            {"name": f"s{n}", "over": {"x": [0]}, "run": {**run, "env": env}, "results": {"y": "int64"}, "after": [f"s{n - 1}"] if n else []}
            for n, env in enumerate([{}, {"A": "1"}, {}, {"A": "2"}, {"A": "3"}, {"A": "4"}, {"A": "5"}, {"A": "5"}, {"A": "1"}])
        ]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", "--slots", 1)
        with h5py.File(self.folder / "m.h5") as file:
            pids = [int(file[f"s{n}/results/y"][0]) for n in range(len(stages))]
        self.assertEqual(pids[0], pids[2])
        self.assertEqual(pids[6], pids[7])
        self.assertEqual(len(set(pids)), 7)  # the one with A=1 made room for others, and was started anew


class Modules(PythonTest):
    """What one stage has imported, or set, is nothing to another."""

    def run_stages(self, stages, warm, status=0):
        """Runs stages of one task one after the other, in one slot. Returns the result of each; None: it failed."""
        names = [f"s{n}" for n in range(len(stages))]
        for n, stage in enumerate(stages):
            run = {"warm": warm, "interpreter": "/usr/bin/python3", **stage}
            stages[n] = {"name": names[n], "over": {"x": [0]}, "run": run, "results": {"y": "string"}, "after": names[:n][-1:]}
        self.write("m.json", {"stages": stages})
        self.said = self.taskfarm("m.json", "--slots", 1, "--fresh", status=status).stderr
        with h5py.File(self.folder / "m.h5") as file:
            done = [file[f"{name}/task/status"][0] == farm.DONE for name in names]
            return [file[f"{name}/results/y"].asstr()[0] if is_done else None for name, is_done in zip(names, done, strict=True)]

    def test_of_scripts_in_several_folders_are_those_beside_them(self):
        """Also where a folder of modules has no __init__.py; one that is beside another script alone is not found."""
        for folder in ("a", "b", "."):
            text = f"import helper, lib.tools\ndef f(x):\n    import late\n    return '{folder}' + helper.NAME + lib.tools.NAME + late.NAME\n"
            self.write(f"{folder}/m.py", text)
            for module in ("helper", "lib/tools", "late"):
                self.write(f"{folder}/{module}.py", f"NAME = '{folder}'\n")
        self.write("a/setup.py", "import late\ndef setup():\n    pass\n")
        self.write("c/o.py", "import json\ndef f(x):\n    return json.dumps(x)\n")
        self.write("c/n.py", "import late\ndef f(x):\n    return late.NAME\n")
        targets = ["a/m.py:f", "b/m.py:f", "m.py:f", "a/m.py:f", "b/m.py:f", "c/o.py:f"]
        for warm in (True, False):
            with self.subTest(warm=warm):
                stages = [{"python": target} for target in targets]
                self.assertEqual(self.run_stages(stages, warm), ["aaaa", "bbbb", "....", "aaaa", "bbbb", "0"])
                stages = [{"python": "a/m.py:f"}, {"python": "c/o.py:f", "init": "a/setup.py:setup"}, {"python": "c/n.py:f"}]
                self.assertEqual(self.run_stages(stages, warm, status=1), ["aaaa", "0", None])

    def test_of_scripts_that_change_sys_path_are_those_they_ask_for(self):
        for name in "ab":
            self.write(f"{name}.py", f"import sys\nsys.path.insert(0, '{self.folder}/lib_{name}')\nimport tools\ndef f(x):\n    return tools.NAME\n")
            self.write(f"lib_{name}/tools.py", f"NAME = '{name}'\n")
        for warm in ("auto", False):
            with self.subTest(warm=warm):
                self.assertEqual(self.run_stages([{"python": f"{name}.py:f"} for name in "abab"], warm), list("abab"))
                said = 'stage "s1": each slot imports by itself, since the interpreter that imports for all has imported a.py, which has changed sys.path;'
                self.assertEqual(said in self.said, warm == "auto")

    def test_have_what_their_own_init_has_set(self):
        self.write("m.py", "def a():\n    global kind\n    kind = 'a'\ndef b():\n    global kind\n    kind = 'b'\nkind = ''\ndef f(x):\n    return kind\n")
        stages = [{"python": "m.py:f", "init": "a"}, {"python": "m.py:f", "init": "b"}, {"python": "m.py:f"}]
        self.assertEqual(self.run_stages([dict(stage) for stage in stages], False), ["a", "b", ""])

    def test_have_drawn_the_same_in_all_processes(self):
        """Whichever stage a process has imported the module for."""
        self.write("m.py", "import random\ndrawn = random.random()\ndef f(x):\n    return repr(drawn)\n")
        stages = [{"python": "m.py:f"}, {"python": "m.py:f"}, {"python": "m.py:f", "env": {"A": "1"}}]
        for warm in (True, False):
            drawn = self.run_stages([dict(stage) for stage in stages], warm)
            self.assertEqual(len(set(drawn)), 1, warm)


class Kept(PythonTest):
    def test_times_of_all_rows(self):
        self.python("def f(x):\n    if x == 5: os._exit(1)\n    return 1.0\n", record="full", status=1)
        with h5py.File(self.folder / "m.h5") as file:
            start, duration = file["m/task/start"][:], file["m/task/duration"][:]
            begun = file["m/task/start"].parent.parent.parent.attrs["elapsed"]
        self.assertTrue((duration >= 0).all() and (duration <= begun).all(), duration)
        self.assertTrue(start.max() - start.min() <= begun and start.min() > 1e9, start)

    def test_a_gigabyte_is_written_and_head_and_tail_are_kept(self):
        self.python(
            """
            def f(x):
                if x == 3:
                    for i in range(1000): os.write(1, b"0123456789" * 100000)
                    os.write(1, b"the end")
                print("row", x)
                sys.stderr.write("e" * 3000 if x == 4 else "")
                return 1.0
            """,
            capture={"stdout": "1KB", "stderr": "1KB"},
        )
        shown = self.shown(3)
        self.assertIn("stdout\n  0123456789", shown)
        self.assertIn("\n  [... 999998989 bytes left out ...]\n", shown)
        self.assertIn("890123456789the endrow 3\n", shown)
        self.assertIn("\n  [... 1976 bytes left out ...]\n", self.shown(4))
        self.assertNotIn("end", self.shown(5))

    def test_memory_is_limited(self):
        said = self.python(
            """
            def f(x):
                if x == 3: return float(len(bytearray(2 * 10**9)))
                if x == 5: os.abort()
                return 1.0
            """,
            resources={"memory": "500MB"},
            status=1,
        ).stderr
        self.assertIn("m[3]: MemoryError", said)
        self.assertIn("m[5]: the task was killed by signal 6 (Aborted) (its memory is limited to 500 MB)\n", said)
        self.assertEqual(self.statuses().count(1), 8)

    def test_what_was_done_when_a_run_is_killed_stays(self):
        """And its processes end with it."""
        self.write(
            "measure.py",
            "import os, time\n"
            "def f(x):\n"
            "    while x == 500 and not os.path.exists('go'):\n"
            "        open('pid', 'a').write(f'{os.getpid()}\\n')\n"
            "        time.sleep(0.05)\n"
            "    return x + 1\n",
        )
        self.write("m.json", {"over": {"x": {"range": [0, 1000]}}, "run": {"python": "measure.py:f", "warm": False}, "results": {"y": "int64"}})
        run = self.start("m.json")
        self.wait_for((self.folder / "pid").exists, "a task under way")
        self.wait_for((self.folder / "pid").read_text, "its process")
        pid = int((self.folder / "pid").read_text().split()[0])
        os.kill(farm.ranks_of(run)[0], signal.SIGKILL)
        run.wait()
        self.wait_for(lambda: not os.path.exists(f"/proc/{pid}"), "the end of its process")
        (self.folder / "go").touch()
        self.taskfarm("m.json")
        self.assertEqual(self.column(), list(range(1, 1001)))

    def test_a_run_that_is_told_to_stop_leaves_the_rest(self):
        self.write(
            "measure.py",
            "import os, time\n"
            "def f(x):\n"
            "    open('here', 'w').close()\n"
            "    while not os.path.exists('go'):\n"
            "        time.sleep(0.01)\n"
            "    return x + 1\n",
        )
        self.write("m.json", {"over": {"x": {"range": [0, 100]}}, "run": {"python": "measure.py:f", "warm": False}, "results": {"y": "int64"}})
        run = self.start("m.json", "--slots", 1)
        self.wait_for((self.folder / "here").exists, "a task under way")
        farm.ask_to_stop(run)
        (self.folder / "go").touch()
        self.assertIn(run.wait(), (0, 75))
        self.taskfarm("m.json")
        self.assertEqual(self.column(), list(range(1, 101)))


if __name__ == "__main__":
    farm.main()
