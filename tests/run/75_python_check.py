"""Whether Python functions go with their stages, which is known before any of them is called."""

import json
import os
import subprocess

import farm

MODULE = """
import functools, random
from dataclasses import dataclass
from random import uniform
from typing import NamedTuple, TypedDict
import numpy as np

class Record(TypedDict):
    snr: float
    count: int

class Pair(NamedTuple):
    snr: np.float32
    count: np.int64

@dataclass
class Data:
    snr: "float | None"
    count: int
    name: str

class Fit:
    def __call__(self, n): return np.random.random()
    def run(self, n, rng) -> Pair: ...

fit = Fit()
half = functools.partial(lambda n, scale: n, scale=2)
def record(n) -> Record: ...
def data(n, *, task, **rest) -> Data: ...
def bare(n) -> float: ...
def text(n) -> str: ...
def nothing(n) -> None: ...
def texts(n) -> dict[str, str]: ...
def listed(n) -> list[float]: ...
def unknown(n) -> "NoSuchName": ...
def greedy(n, other, more=1): ...
def needy(): ...
def by_numpy(n): return np.random.normal()
def inner(): return random.random()
def by_another(n): return inner()
def by_import(n):
    import random as r
    return r.gauss(0, 1)
def by_name(n): return [uniform(0, 1) for _ in range(n)]
def by_own(n, rng): return rng.normal() + np.random.default_rng(3).normal() + random.Random(3).random()
rng, unseeded = np.random.default_rng(3), np.random.default_rng()
state, own, many = np.random.RandomState(3), random.Random(), [rng]
def by_seeded(n): return [rng.normal() for _ in range(n)]
def by_unseeded(n): return unseeded.normal()
def by_state(n): return helper(state)
def helper(source): return source.normal()
def by_inner(n): return by_random(n)
def by_random(n): return own.random()
def by_default(n, source=rng): return source.normal()
def by_offered(n, rng=rng): return rng.normal()
def by_listed(n): return many[n].normal()
def by_local(n):
    rng = np.random.default_rng(n)
    return rng.normal()
number = 3
"""
FLOAT, INT, TEXT, ARRAY = ({"shape": shape, "type": kind} for kind, shape in (("float64", []), ("int32", []), ("string", []), ("float64", [3])))


class Inspected(farm.FarmTest):
    """Whether a function goes with its stage: src/python/taskfarm/_slot/inspect.py."""

    def inspect(self, function, columns=None, file="m.py", **more):
        self.write("m.py", MODULE)
        stage = {"file": file, "module": file.removesuffix(".py"), "function": function, "params": [{"name": "n", "type": "int64"}], **more}
        stage["columns"] = [{"name": name, **column} for name, column in (columns or {}).items()]
        program = f"import sys; sys.path[0] = {str(farm.SOURCE / 'src/python')!r}; from taskfarm._slot.main import main; main('check', 1)"
        command = ["/usr/bin/python3", "-c", program]
        question = json.dumps({"stage": stage})
        done = subprocess.run(command, input=question, cwd=self.folder, capture_output=True, text=True, check=True, timeout=60)
        return json.loads(done.stdout)

    def test_what_goes_with_its_stage_is_right(self):
        right = [
            ("record", {"snr": FLOAT, "count": INT}),
            ("record", {"count": FLOAT}),
            ("Fit.run", {"snr": FLOAT, "count": INT}),
            ("data", {"snr": FLOAT, "name": TEXT}),
            ("bare", {"y": FLOAT}),
            ("nothing", {}),
            ("texts", {"a": TEXT}),
            ("listed", {"y": ARRAY}),
            ("unknown", {"y": FLOAT}),
            ("half", {"y": FLOAT}),
            ("fit", {"y": FLOAT}),
        ]
        for function, columns in right:
            with self.subTest(function):
                more = {"params": [{"name": "self", "type": "int64"}, {"name": "n", "type": "int64"}]} if function == "Fit.run" else {}
                self.assertEqual(self.inspect(function, columns, **more), {"mismatches": [], "unseeded": None, "lasting": None})

    def test_what_does_not_is_said(self):
        wrong = [
            ("greedy", {}, 'greedy(n, other, more=1): the stage has no parameter "other"; it has "n"'),
            ("needy", {}, 'needy(): the function does not take the stage\'s "n"'),
            ("record", {"snr": FLOAT, "sky": FLOAT}, 'column "sky" is missing in Record, which the function is said to return; it has "snr", "count"'),
            ("record", {"snr": INT}, 'column "snr" is int32, and the function is said to return float for it'),
            ("data", {"name": FLOAT}, 'column "name" is float64, and the function is said to return str for it'),
            ("bare", {"y": TEXT}, 'column "y" is string, and the function is said to return float for it'),
            ("bare", {"y": ARRAY}, 'column "y" is an array of float64, and the function is said to return float for it'),
            ("bare", {"y": FLOAT, "z": INT}, 'the function is said to return float, and the stage has the columns "y", "z": return a dict'),
            ("texts", {"a": FLOAT}, 'column "a" is float64, and the function is said to return str for it'),
            ("listed", {"y": FLOAT}, 'column "y" is float64, and the function is said to return list[float] for it'),
            ("nothing", {"y": INT}, 'column "y" is int32, and the function is said to return None for it'),
        ]
        for function, columns, message in wrong:
            with self.subTest(function, columns=columns):
                self.assertEqual(self.inspect(function, columns)["mismatches"], [message])

    def test_batches_that_use_shared_generators_are_found(self):
        found = {
            "by_numpy": "np.random.normal",
            "by_another": "random.random",
            "by_import": "r.gauss",
            "by_name": "uniform",
            "fit": "np.random.random",
            "by_own": None,
            "bare": None,
        }
        for function, name in found.items():
            with self.subTest(function):
                self.assertEqual(self.inspect(function, batch=7)["unseeded"], name)
        self.assertIsNone(self.inspect("by_numpy", batch=7, seed_globals=False)["unseeded"])
        self.assertIsNone(self.inspect("by_numpy")["unseeded"])

    def test_generators_that_outlive_a_task_are_found(self):
        """Not those that a task has or may have for itself, nor those that each task has seeded."""
        found = {
            "by_seeded": ["rng", "Generator"],
            "by_unseeded": ["unseeded", "Generator"],
            "by_state": ["state", "RandomState"],
            "by_inner": ["own", "Random"],
            "by_default": ["source", "Generator"],
            **dict.fromkeys(("by_offered", "by_listed", "by_local", "by_own", "by_numpy", "by_name", "by_import", "bare")),
        }
        for function, of in found.items():
            with self.subTest(function):
                self.assertEqual(self.inspect(function)["lasting"], of)

    def test_an_import_that_fails_shows_its_last_lines(self):
        self.write("bad.py", "import helper\n")
        self.write("helper.py", "def f():\n    import numpi\nf()\n")
        self.write("syntax.py", "def f(:\n")
        self.write("ends.py", "import sys\nsys.exit('no sky')\n")
        lines = "(bad.py:1: import helper; helper.py:3: f(); helper.py:2: import numpi)"
        failed = [
            ({"file": "bad.py"}, "python", f"bad.py can't be imported: ModuleNotFoundError: No module named 'numpi' {lines}"),
            ({"file": "syntax.py"}, "python", "syntax.py can't be imported: SyntaxError: invalid syntax (syntax.py, line 1)"),
            ({"file": "ends.py"}, "python", "ends.py can't be imported: SystemExit: no sky (ends.py:2: sys.exit('no sky'))"),
            ({"function": "gone"}, "python", "m.py has no gone"),
            ({"function": "number"}, "python", "m.py:number is no function: it is of type int"),
            ({"init": "gone"}, "init", "m.py has no gone"),
            ({"init": "bad.py:setup"}, "init", f"bad.py can't be imported: ModuleNotFoundError: No module named 'numpi' {lines}"),
            ({"preload": ["math", "numpi"]}, "preload/1", "numpi can't be imported: ModuleNotFoundError: No module named 'numpi'"),
        ]
        for what, member, text in failed:
            with self.subTest(what):
                self.assertEqual(self.inspect(**{"function": "bare", **what}), {"member": member, "failed": text})


class Check(farm.FarmTest):
    """taskfarm check asks the interpreter, which has ended then."""

    def setUp(self):
        super().setUp()
        self.write("m.py", MODULE)

    def check(self, expected=None, *options, body=None, is_warning=False, env=None, results=None, tasks=3, **run):
        """What is said must be so; None: nothing."""
        if body is not None:
            self.write("m.py", body)
        run = {"python": "m.py:bare", "interpreter": "/usr/bin/python3", **run}
        self.write("c.json", {"over": {"n": {"range": [tasks]}}, "run": run, "results": results or {"y": "float64"}})
        done = self.taskfarm("check", "c.json", *options, status=2 if expected and not is_warning else 0, env=env)
        self.assertEqual(done.stderr, f"c.json: /run/{expected}\n" if expected else "")

    def test_a_function_that_goes_with_its_stage_is_right(self):
        self.check()
        self.check(python="m:bare")
        self.check(python="m.py:record", results={"snr": "float64", "count": "int64"}, init="needy", preload=["math"], warm=False)

    def test_what_is_wrong_is_said_where(self):
        self.check("python: m.py has no gone", python="m.py:gone")
        self.check("python: m can't be imported: ModuleNotFoundError: No module named 'm2'".replace("m can't", "m2 can't"), python="m2:bare")
        self.check("python: m.py has no bear; did you mean bare?", python="m.py:bear")
        self.check("python: m.py has no Fit.ran; did you mean run?", python="m.py:Fit.ran")
        self.check("init: m.py has no gone", init="gone")
        self.check("preload/1: numpi can't be imported: ModuleNotFoundError: No module named 'numpi'", preload=["math", "numpi"])
        self.check('python: needy(): the function does not take the stage\'s "n"', python="m.py:needy")
        self.check('python: column "y" is missing in Record, which the function is said to return; it has "snr", "count"', python="m.py:record")

    def test_it_tells_how_many_tasks_a_batch_has(self):
        for batch, size in ((2, 2), ("auto", 3)):
            self.check(batch=batch, tasks=3 * 128)
            self.assertIn(f"\n  batches of {size} tasks\n", self.taskfarm("check", "c.json").stdout)
            self.assertEqual(json.loads(self.taskfarm("check", "--json", "c.json").stdout)["stages"][0]["batch"], size)

    def test_several_columns_may_be_wrong(self):
        self.check(
            'python: column "snr" is int64, and the function is said to return float for it\n'
            'c.json: /run/python: column "count" is string, and the function is said to return int for it',
            python="m.py:record",
            results={"snr": "int64", "count": "string"},
        )

    def test_batches_that_draw_from_shared_generators_are_warned_of(self):
        warning = (
            "batch: warning: the function uses np.random.normal, which is not seeded for each task of a batch: results depend on where it "
            'runs; let it have a parameter "rng" and draw from that'
        )
        self.check(warning, python="m.py:by_numpy", batch="auto", is_warning=True)
        self.check(python="m.py:by_numpy", batch=7, seed_globals=False)
        self.check(python="m.py:by_own", batch=7)

    def test_generators_that_outlive_a_task_are_warned_of(self):
        warning = (
            'python: warning: the function draws from "rng", a Generator of which each process has its own, for all of its tasks: results depend on '
            'where tasks run, and tasks may get the same numbers; let it have a parameter "rng" and draw from that'
        )
        self.check(warning, python="m.py:by_seeded", is_warning=True)

    def test_an_interpreter_that_does_not_answer_is_told_of(self):
        ended = "python: the interpreter ended while it imported m.py: exit status"
        self.check(f"{ended} 3", body="import os\nos._exit(3)\n")
        self.check(f"{ended} 0", interpreter="/bin/true")
        self.check("python: the interpreter was killed by signal 9 (Killed) while it imported m.py", body="import os\nos.kill(os.getpid(), 9)\n")
        self.write("old", '#!/bin/sh\nexec /usr/bin/python3 -c "import sys; sys.version_info = (3, 10); sys.argv[0] = \'-c\'; exec(sys.argv.pop(2))" "$@"\n').chmod(0o755)
        version = subprocess.run(["/usr/bin/python3", "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
        self.check(f"{ended} 1; taskfarm needs Python 3.11 or later; /usr/bin/python3 is {version}", interpreter="./old")
        self.write("none", "#!/no/such/program\n").chmod(0o755)
        self.check("interpreter: can't start ./none: No such file or directory", interpreter="./none")

    def test_an_import_that_takes_too_long_is_warned_of(self):
        body = "import os, subprocess, time\nsubprocess.Popen(['setsid', 'sleep', '1000'])\nopen('up', 'w').write(str(os.getpid()))\ntime.sleep(1000)\n"
        self.check("python: warning: m.py was not imported within 2.0s", body=body, is_warning=True, env={"TASKFARM_FIRST_ANSWER": "2s"})
        self.assertFalse(os.path.exists(f"/proc/{(self.folder / 'up').read_text()}"))

    def test_nothing_is_left_of_it(self):
        body = "import os, subprocess\nchild = subprocess.Popen(['setsid', 'sleep', '1000'])\nopen('pid', 'w').write(str(child.pid))\ndef bare(n): pass\n"
        self.check(body=body)
        self.assertFalse(os.path.exists(f"/proc/{(self.folder / 'pid').read_text()}"))

    def test_what_it_has_forked_holds_up_nothing(self):
        body = "import os, time\nif os.fork() == 0:\n    time.sleep(1000)\ndef bare(n): pass\n"
        self.check(body=body, env={"TASKFARM_FIRST_ANSWER": "15s"})  # it would be told after these

    def test_floods_are_no_answer(self):
        ended = "python: the interpreter was killed by signal 9 (Killed) while it imported m.py"
        self.check(ended, body="import os\nfor fd in (1, 2, 3):\n    for _ in range(70): os.write(fd, bytes(1 << 20))\nimport time\ntime.sleep(1000)\n")

    def test_unless_told_not_to(self):
        self.check(None, "--no-start", body="open('started', 'w')\n")
        self.assertFalse((self.folder / "started").exists())
        found = json.loads(self.taskfarm("check", "--json", "c.json", status=2).stdout)
        self.assertTrue((self.folder / "started").exists())
        self.assertEqual([(d["id"], d["pointer"]) for d in found["diagnostics"]], [("import-fails", "/run/python")])

    def test_what_it_prints_is_no_answer(self):
        self.check(body="import sys\nprint('{\"failed\": 1}')\nprint('x', file=sys.stderr)\ndef bare(n): pass\n")

    def test_another_stage_may_write_what_it_imports(self):
        late = {"name": "late", "after": ["first"], "run": {"python": "late.py:f", "interpreter": "/usr/bin/python3"}}
        first = {"name": "first", "run": {"command": "echo 'def f(): pass' >late.py"}}
        self.write("c.json", {"stages": [first, late]})
        self.assertEqual(self.taskfarm("check", "c.json").stderr, "")
        self.write("late.py", "import later\n")
        warning = "c.json: /stages/1/run/python: warning: late.py can't be imported: ModuleNotFoundError: No module named 'later' (late.py:1: import later)\n"
        self.assertEqual(self.taskfarm("check", "c.json").stderr, warning)

    def test_it_starts_where_its_tasks_do(self):
        (self.folder / "data").mkdir()
        self.write("data/star", "1.5")
        self.check(body="level = float(open('star').read())\ndef bare(n): return level\n", cwd="data")
        self.taskfarm("c.json")
        self.assertEqual(self.open("c.h5")["c/results/y"][:].tolist(), 3 * [1.5])


farm.main()
