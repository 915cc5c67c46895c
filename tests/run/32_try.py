"""taskfarm try: one task in the foreground, with all that there is to be seen of it, and nothing written."""

import json
import signal

import farm
import h5py
import numpy as np

PLUGIN = str(farm.BUILD / "tests" / "libtest_plugin.so")


@farm.first
class Try(farm.FarmTest):
    def try_it(self, *arguments, status=0):
        before = set(self.folder.rglob("*"))
        env = {"LD_PRELOAD": f"{farm.BUILD}/tests/librefuse_mpi.so:{farm.BUILD}/tests/librefuse_output.so"}
        done = self.taskfarm("try", "t.json", *arguments, status=status, env=env)
        self.assertEqual(set(self.folder.rglob("*")), before, "a file was written")
        return done.stdout if status < 2 else done.stderr

    def test_as_json(self):
        """One object, whatever the task prints."""
        run = {"command": ["sh", "-c", "echo aside >&2; echo '{{\"x\": 0.5, \"v\": [1, 2], \"s\": \"a\"}}'"]}
        results = {"x": "float64", "v": {"type": "int64", "shape": [2]}, "s": "string"}
        self.write("t.json", {"over": {"n": [1, 2.5, None, 4]}, "where": "n != 1", "run": run, "results": results})
        shown = json.loads(self.try_it("first", "--json"))
        self.assertEqual({key: shown[key] for key in ("stage", "index", "status", "message", "stderr")}, {"stage": "t", "index": 1, "status": "done", "message": "", "stderr": "aside\n"})
        self.assertEqual(shown["results"], {"x": 0.5, "v": [1, 2], "s": "a"})
        self.assertEqual((shown["given"]["params"], shown["given"]["index"]), ({"n": 2.5}, 1))
        self.assertEqual(json.loads(self.try_it(2, "--json"))["given"]["params"], {"n": None})
        self.write("t.json", {"over": {"n": [1]}, "run": {"command": "echo why >&2; false"}})
        shown = json.loads(self.try_it(0, "--json", status=1))
        self.assertEqual((shown["status"], shown["message"], "results" in shown), ("failed", "exit status 1: why", False))
        self.write("t.json", {"over": {"n": [1]}, "where": "n > 1", "run": {"echo": True}})
        self.assertEqual(self.try_it("first", status=2), 'taskfarm: "where" leaves out all tasks of stage "t"\n')
        self.write("t.json", {"over": {"n": [1, 2]}, "where": "n > 1", "run": {"function": "builtin:fail", "args": {"attempts": 2}}})
        told = [json.loads(self.try_it(f"first:{attempt}", "--json", status=status)) for attempt, status in ((2, 1), (3, 0))]
        self.assertEqual([(shown["index"], shown["status"]) for shown in told], [(1, "failed"), (1, "done")])
        for wrong in ("first:0", "first:", "first:256", "first2"):
            self.assertEqual(self.try_it(wrong, status=2), f'taskfarm: {wrong}: stage "t" has tasks 0 to 1\n')

    def test_a_command(self):
        run = {"command": ["sh", "-c", "echo measuring $1 >&2; echo '{{\"snr\": 12.5, \"band\": \"R\"}}'", "x", "{name} {n:03d}"]}
        over = {"name": ["Vega", "it's"], "n": [7]}
        results = {"snr": "float32", "band": "string"}
        self.write("t.json", {"name": "t", "seed": 3, "over": over, "run": run, "results": results})
        shown = self.try_it("t", 1)
        self.taskfarm("t.json")
        with self.open("t.h5") as file:
            self.assertEqual(file["t/results/snr"][1], 12.5)
        lines = shown.splitlines()
        self.assertRegex(lines[0], r"^t, task 1 of 2, seed \d+$")
        self.assertEqual(lines[1:4], ["parameters", "  name = it's", "  n = 7"])
        self.assertEqual(lines[4], "runs")
        self.assertIn("'it'\\''s 007'", lines[5])
        self.assertEqual(lines[6:10], ["stdout", '  {"snr": 12.5, "band": "R"}', "stderr", "  measuring it's 007"])
        self.assertRegex(lines[10], r"^done in ")
        self.assertEqual(lines[11:], ["results", "  snr = 12.5", "  band = R"])
        self.assertEqual(self.try_it(1).splitlines()[:10], lines[:10], "the only stage need not be named")

    def test_a_function_that_uses_HDF5_sees_its_messages(self):
        """taskfarm has HDF5 print nothing in its own processes; what a function does with it is the function's."""
        self.write("t.json", {"run": {"function": f"{farm.BUILD}/tests/libopener.so:open_nothing"}})
        for verb in (["try", "t.json", 0], ["t.json"], ["t.json", "--fresh"]):
            self.assertIn("HDF5-DIAG: ", self.taskfarm(*verb).stderr, verb)

    def test_a_column_that_can_not_be_read_is_shown_with_the_text(self):
        run = {"command": "echo SNR: 12.5; echo done"}
        self.write("t.json", {"run": run, "results": {"snr": {"type": "float32", "from": "regex:SNR=([0-9.]+)"}}})
        shown = self.try_it(0, status=1)
        self.assertIn("stdout\n  SNR: 12.5\n  done\nfailed in ", shown)
        self.assertIn('\n  column "snr": ', shown)

    def test_a_function_runs_in_this_process(self):
        """So that a debugger's breakpoints hold; and it may crash it."""
        over = {"flag": [True], "count": [3], "number": [0.5], "word": ["w"]}
        columns = {"b": "bool", "i": "int32", "u": "uint64", "f": "float32", "s": "string", "raw": "bytes"}
        columns["grid"] = {"type": "int16", "shape": [2, 3]}
        self.write("t.json", {"over": over, "run": {"function": PLUGIN + ":convert"}, "results": columns})
        shown = self.try_it(0)
        self.assertIn(f"runs\n  {PLUGIN}:convert()\n", shown)
        self.assertIn("stderr\n  task 0 of 1\n", shown)
        self.assertIn("  b = false\n  i = -3\n  u = 18446744073709551615\n  f = 0.5\n  s = none-w\n", shown)
        self.assertIn("  grid = 0, 1, 2, 3, 4, 5\n", shown)
        self.write("t.json", {"run": {"function": "builtin:crash"}})
        self.taskfarm("try", "t.json", 0, status=-signal.SIGSEGV)

    def test_what_a_task_takes_of_others(self):
        stages = [
            {"name": "a", "over": {"n": {"range": [4]}}, "run": {"expr": {"y": "n / 2"}}},
            {"name": "b", "over": [{"from": "a", "where": "n != 2"}], "run": {"expr": {"z": "10 * y"}}},
            {
                "name": "c",
                "over": {"b": {"blocks": {"shape": [5], "chunk": [3]}}},
                "arrays": {"x": "in.h5:/x"},
                "run": {"expr": {"w": "2 * x"}},
                "results": {"w": {"type": "int16", "array": "b"}},
            },
        ]
        self.write("t.json", {"stages": stages})
        with h5py.File(self.folder / "in.h5", "w") as file:
            file["x"] = np.arange(5)
        self.assertIn('t.h5: can\'t be read, and stage "b" takes values of other stages from it', self.try_it("b", 1, status=3))
        self.taskfarm("t.json")
        shown = self.try_it("b", 3)
        self.assertIn("parameters\n  n = 3\n  y = 1.5\nruns\n  z = 10 * y\ndone in ", shown)
        self.assertIn("results\n  z = 15\n", shown)
        self.assertIn('left out by "where" in ', self.try_it("b", 2))
        shown = self.try_it("c", 1)
        self.assertIn("arrays\n  x: float64, 2 from 3\n", shown)
        self.assertIn("results\n  w = 6, 8", shown)

    def test_what_is_no_task(self):
        stages = [{"name": name, "over": {"n": {"range": [size]}}, "run": {"command": ["true"]}} for name, size in (("first", 3), ("second", 1))]
        self.write("t.json", {"stages": stages})
        cases = {
            (): "taskfarm: try needs a stage and the index of a task, as in taskfarm try t.json first 0",
            (1,): "taskfarm: try needs a stage and the index of a task, as in taskfarm try t.json first 0",
            ("frist", 1): 'taskfarm: there is no stage "frist"; did you mean "first"?',
            ("first", 3): 'taskfarm: 3: stage "first" has tasks 0 to 2',
            ("first", "x"): 'taskfarm: x: stage "first" has tasks 0 to 2',
        }
        for arguments, message in cases.items():
            self.assertEqual(self.try_it(*arguments, status=2), message + "\n")


if __name__ == "__main__":
    farm.main()
