"""Runs of kind "python" in the manifest: what may stand there, what is refused before anything runs, and what an output is of."""

import json
import os
import subprocess

import farm

MEASURE = "def measure(n):\n    return n\n"

# What stands in "run", and what is said of it.
REFUSED = [
    ({"python": 3}, "/run/python: must be a string, not a number"),
    (
        {"python": "measure.py"},
        '/run/python: names no function: write "measure.py:FUNCTION", as in "measure.py:measure"; a script that is to run as a whole is '
        'a "command": ["python3", "measure.py"]',
    ),
    (
        {"python": "lib/my-work.py:"},
        '/run/python: names no function: write "lib/my-work.py:FUNCTION", as in "lib/my-work.py:measure"; a script that is to run as a '
        'whole is a "command": ["python3", "lib/my-work.py"]',
    ),
    ({"python": "measure"}, '/run/python: must be FILE.py:FUNCTION or MODULE:FUNCTION, as in "measure.py:measure", not "measure"'),
    ({"python": ":f"}, '/run/python: must be FILE.py:FUNCTION or MODULE:FUNCTION, as in "measure.py:measure", not ":f"'),
    ({"python": "measure.py:measure(3)"}, '/run/python: must name the function "measure" and not call it: leave out "(3)"'),
    ({"python": "measure.py:my-work"}, '/run/python: "my-work" can\'t be the name of a Python function'),
    ({"python": "measure.py:a..b"}, '/run/python: "a..b" can\'t be the name of a Python function'),
    ({"python": "measure.py:<lambda>"}, '/run/python: "<lambda>" can\'t be the name of a Python function'),
    ({"python": "lib/measure:f"}, '/run/python: "lib/measure" is neither a file of Python, whose name ends in .py, nor the name of a module'),
    (
        {"python": "look.ipynb:f"},
        "/run/python: look.ipynb is a notebook, which can't be imported: move the function to a .py file, or run it in the notebook, by "
        "taskfarm.map",
    ),
    ({"init": "3"}, '/run/init: "3" can\'t be the name of a Python function'),
    ({"interpreter": ["python3"]}, "/run/interpreter: must be a string, not a list"),
    ({"interpreter": "{n}"}, "/run/interpreter: unknown placeholder {n}; only variables are known here"),
    ({"warm": "yes"}, '/run/warm: must be "auto", true or false'),
    ({"preload": "numpy"}, "/run/preload: must be a list, not a string"),
    ({"preload": [1]}, "/run/preload/0: must be a string, not a number"),
    ({"preload": ["numpy", "a-b"]}, '/run/preload/1: "a-b" can\'t be the name of a module'),
    ({"batch": 0}, '/run/batch: must be "auto" or an integer from 1 to 1073741824'),
    ({"batch": "all"}, '/run/batch: must be "auto" or an integer from 1 to 1073741824'),
    ({"seed_globals": 1}, "/run/seed_globals: must be true or false, not a number"),
    ({"common": ["a.npy"]}, "/run/common: must be an object, not a list"),
    ({"common": {"a": 1}}, "/run/common/a: must be a string, not a number"),
    ({"common": {"a b": "a.npy"}}, '/run/common/a b: "a b" can\'t be the name of a function\'s parameter'),
    ({"common": {"rng": "a.npy"}}, '/run/common/rng: "rng" is a name that functions get from taskfarm itself'),
    ({"common": {"n": "a.npy"}}, '/run/common/n: "n" is the name of a parameter or an array already'),
    ({"stdin": "x"}, '/run/stdin: "stdin" goes with a command, not with a Python function'),
    ({"cwd": "{n}"}, "/run/cwd: unknown placeholder {n}; only variables are known here"),
    ({"env": {"A": "{n}"}}, "/run/env/A: unknown placeholder {n}; only variables are known here"),
    ({"interpreter": "no-such-python"}, '/run/interpreter: there is no program "no-such-python" in PATH'),
    ({"interpreter": "./measure.py"}, "/run/interpreter: can't run ./measure.py: it is not an executable file"),
    ({"python": "gone.py:f"}, "/run/python: there is no file gone.py"),
    ({"init": "gone.py:f"}, "/run/init: there is no file gone.py"),
    ({"common": {"a": "gone.npy"}}, "/run/common/a: there is no file gone.npy"),
]


class Manifest(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("measure.py", MEASURE)

    def stage(self, run=None, **more):
        stage = {"over": {"n": {"range": [3]}}, "run": {"python": "measure.py:measure", **(run or {})}, "results": {"y": "int64"}, **more}
        return self.write("m.json", stage)

    def refuse(self, message, **stage):
        self.stage(**stage)
        self.assertEqual(self.taskfarm("check", "m.json", status=2).stderr, f"m.json: {message}\n")

    def test_what_is_wrong_is_said(self):
        for run, message in REFUSED:
            with self.subTest(run):
                self.refuse(message, run=run)

    def test_variables_stand_for_text(self):
        self.stage({"python": "{file}.py:measure", "init": "{file}.py:measure"}, variables={"file": "measure"})
        self.assertIn("3 tasks of measure.py:measure\n", self.taskfarm("check", "m.json", "--no-start").stdout)

    def test_batches_are_arrays_of_one_shape(self):
        over = {"b": {"blocks": {"shape": [5], "chunk": [2]}}}
        blocks = '/run/batch: the blocks of "y" differ in shape, since the last ones are cut off, and can\'t be one array: leave "batch" out'
        self.refuse(blocks, run={"batch": 2}, over=over, results={"y": {"type": "int32", "array": "b"}})
        files = '/run/batch: tasks with "inputs" or "outputs" run one by one, since their files are looked at for each: leave "batch" out'
        self.refuse(files, run={"batch": "auto"}, outputs="{n}.txt")

    def test_the_blocks_of_a_batch_have_their_whole_halo(self):
        even = {"b": {"blocks": {"shape": [6], "chunk": [2]}}}
        image = {"name": "image", "over": even, "run": {"expr": {"z": "1"}}, "results": {"z": {"type": "float64", "array": "b"}}}
        smooth = {"name": "smooth", "over": even, "run": {"python": "measure.py:measure", "batch": 2}, "results": {"y": "int64"}}
        whole = {"from": "image"}
        self.write("m.json", {"stages": [image, {**smooth, "arrays": {"z": {**whole, "halo": 1, "edge": "reflect"}}}]})
        self.taskfarm("check", "m.json", "--no-start")
        self.write("m.json", {"stages": [image, {**smooth, "arrays": {"z": {**whole, "halo": 1}}}]})
        message = '/stages/1/run/batch: the blocks of "z" differ in shape, since their halo is cut off at the array\'s ends, and can\'t be one array: leave "batch" out'
        self.assertEqual(self.taskfarm("check", "m.json", "--no-start", status=2).stderr, f"m.json: {message}\n")

    def test_a_task_s_output_is_not_its_code(self):
        for output in ("measure.py", "star.npy"):
            self.write("star.npy", "")
            self.stage({"common": {"star": "star.npy"}}, over={"n": [1]}, outputs=output)
            said = self.taskfarm("check", "m.json", "--no-start", status=2).stderr
            self.assertIn('it is the program of stage "m"', said)

    def test_functions_are_not_run_yet(self):
        self.stage()
        self.assertIn("3 tasks failed: measure.py:measure: no Python function is run yet", self.taskfarm("m.json", status=1).stderr)

    def test_the_schema_knows_the_members(self):
        properties = json.loads(self.taskfarm("schema").stdout)["$defs"]["run"]["properties"]
        members = {"python", "interpreter", "warm", "preload", "init", "batch", "seed_globals", "common", "env", "cwd"}
        self.assertLessEqual(members, set(properties))

    def test_common_values_count_by_their_contents(self):
        changed = 'm.h5: stage "m": {} changed since its rows were made {}'
        one, other = "a3cf92cbf55153da", "8f653076428650aa"
        self.write("star.npy", "one")
        self.stage({"common": {"star": "star.npy"}})
        self.taskfarm("m.json", status=1)
        self.write("star.npy", "one")  # written anew
        (self.folder / "star.npy").rename(self.folder / "star-1.npy")
        self.stage({"common": {"star": "star-1.npy"}})
        self.taskfarm("plan", "m.json")
        for content, run, what, how in (
            ("two", {"common": {"star": "star-1.npy"}}, '"common"', f'(star: was "{one}", now "{other}")'),
            ("one", {"common": {"stars": "star-1.npy"}}, '"common"', f'(star: was "{one}", now nothing; stars: was nothing, now "{one}")'),
            ("one", {}, '"common"', f'(was {{"star":"{one}"}}, now nothing)'),
        ):
            self.write("star-1.npy", content)
            self.stage(run)
            self.assertIn(changed.format(what, how), self.taskfarm("plan", "m.json").stdout)

    def test_what_results_depend_on_is_compared(self):
        """And what they do not depend on is not."""
        self.stage()
        self.taskfarm("m.json", status=1)
        for run in ({"warm": False}, {"preload": ["math"]}, {"env": {"A": "1"}}, {"interpreter": "/usr/bin/python3"}, {"first": "first.json"}):
            self.stage(run)
            self.taskfarm("plan", "m.json")
        self.write("other.py", MEASURE)
        was = '"run" changed since its rows were made (was ["measure.py:measure"], now {})'
        for run, now in (
            ({"python": "other.py:measure"}, '["other.py:measure"]'),
            ({"init": "setup"}, '["measure.py:measure","init setup"]'),
            ({"batch": 7}, '["measure.py:measure","batch 7"]'),
            ({"batch": "auto"}, '["measure.py:measure","batch 65536"]'),
            ({"seed_globals": False}, '["measure.py:measure","no seeds of global generators"]'),
        ):
            self.stage(run)
            self.assertIn(was.format(now), self.taskfarm("plan", "m.json").stdout)


HELPED = '''"""Measures."""
import numpy, helper  # both
from lib import tools


def measure(n, scale=2.0):
    """Twice n."""
    return helper.twice(n) * scale
'''
# Texts that stand for another, as far as code goes; and texts that do not.
SAME = {
    "a comment": HELPED + "# the end\n",
    "a docstring": HELPED.replace("Twice n.", "2 n"),
    "the module's": HELPED.replace("Measures.", "Measures anything."),
    "positions": HELPED.replace("(n) * scale", "(n) * (\n        scale\n    )").replace("\n\n\n", "\n"),
    "what runs by hand": HELPED + "if __name__ == '__main__':\n    import plots\n    print(measure(3))\n",
    "a string alone": HELPED + "    'never returned'\n",
}
OTHER = {
    "a value": HELPED.replace("2.0", "2.5"),
    "a type": HELPED.replace("2.0", "2"),
    "a name": HELPED.replace("scale", "factor"),
    "an operator": HELPED.replace("(n) *", "(n) /"),
    "a text": HELPED + "LABEL = 'a'\n",
    "bytes": HELPED + "LABEL = b'a'\n",
    "a decorator": HELPED.replace("def measure", "@print\ndef measure"),
}


class Code(farm.FarmTest):
    """What a function's code is: src/python/taskfarm/_slot/code.py."""

    def setUp(self):
        super().setUp()
        self.write("measure.py", HELPED)
        self.write("helper.py", "def twice(n):\n    return 2 * n\n")
        self.write("lib/tools.py", "from . import more\nimport importlib\nimportlib.import_module('late')\n")
        self.write("lib/more.py", "from ..up import x\n")

    def code(self, file="measure.py", module="measure", folder=None):
        """The interpreter's answer, files by path."""
        program = f"import sys; sys.path[0] = {str(farm.SOURCE / 'src/python')!r}; from taskfarm._slot.main import main; main('code', 1)"
        question = json.dumps([{"file": file, "module": module}])
        done = subprocess.run(
            ["/usr/bin/python3", "-c", program], input=question, cwd=folder or self.folder, capture_output=True, text=True, check=True, timeout=60
        )
        answer = json.loads(done.stdout)
        return {item["path"]: item for item in answer["files"]}, answer

    def hash(self):
        return self.code()[0]["measure.py"]["hash"]

    def test_what_counts_is_the_tree(self):
        first = self.hash()
        self.assertRegex(first, "^[0-9a-f]{16}$")
        for what, text in SAME.items():
            with self.subTest(what):
                self.write("measure.py", text)
                self.assertEqual(self.hash(), first)
        hashes = {first}
        for what, text in OTHER.items():
            with self.subTest(what):
                self.write("measure.py", text)
                self.assertNotIn(self.hash(), hashes)
                hashes.add(self.hash())

    def test_modules_beside_it_are_its_code(self):
        files, answer = self.code()
        self.assertEqual(sorted(files), ["helper.py", "lib/more.py", "lib/tools.py", "measure.py"])
        self.assertEqual(answer["absent"], ["importlib", "late", "numpy", "up"])
        self.write("late.py", "")
        self.write("numpy/__init__.py", "from numpy.core import c\n")
        self.write("numpy/core.py", "")
        self.assertEqual(sorted(set(self.code()[0]) - set(files)), ["late.py", "numpy/__init__.py", "numpy/core.py"])

    def test_a_script_in_a_folder_has_its_own_beside_it(self):
        (self.folder / "work").mkdir()
        for name in ("measure.py", "helper.py", "lib"):
            (self.folder / name).rename(self.folder / "work" / name)
        files, _ = self.code("work/measure.py")
        self.assertEqual(sorted(files), ["work/helper.py", "work/lib/more.py", "work/lib/tools.py", "work/measure.py"])

    def test_modules_go_by_name(self):
        self.assertEqual(sorted(self.code("", "lib.tools")[0]), ["lib/more.py", "lib/tools.py"])
        self.assertEqual(sorted(self.code("", "measure")[0]), sorted(self.code()[0]))
        self.assertEqual(self.code("", "no_such_module")[0], {})
        self.assertEqual(self.code("gone.py", "gone")[0], {})

    def test_of_what_is_installed_it_is_the_module_s_own_file(self):
        files, _ = self.code("", "json.decoder")
        self.assertEqual(sorted(files), ["json/__init__.py", "json/decoder.py"])
        self.assertTrue(files["json/decoder.py"]["where"].endswith("/json/decoder.py"))

    def test_nothing_of_it_runs(self):
        self.write("measure.py", "open('ran', 'w')\nimport helper\n")
        self.write("helper.py", "open('ran', 'w')\n")
        self.assertEqual(sorted(self.code()[0]), ["helper.py", "measure.py"])
        self.assertFalse((self.folder / "ran").exists())

    def test_what_is_no_python_counts_by_its_bytes(self):
        for content in ("def (", "x = 1\0", "x = '\udcff'".encode(errors="surrogateescape"), "(" * 5000):
            hashes = set()
            for end in ("", "\n"):
                self.write("measure.py", content + (end if isinstance(content, str) else end.encode()))
                hashes.add(self.hash())
            self.assertEqual(len(hashes), 2)

    def test_modules_that_import_each_other_are_read_once(self):
        self.write("measure.py", "import helper\n")
        self.write("helper.py", "import measure\n")
        self.assertEqual(sorted(self.code()[0]), ["helper.py", "measure.py"])

    def test_a_world_of_modules_is_not_read_whole(self):
        self.write("measure.py", "\n".join(f"import m{n}" for n in range(1000)))
        for n in range(1000):
            self.write(f"m{n}.py", "")
        self.assertEqual(len(self.code()[0]), 500)


class Asked(farm.FarmTest):
    """The interpreter is asked for the code once, and again when that may have changed."""

    def setUp(self):
        super().setUp()
        self.write("measure.py", HELPED)
        self.write("helper.py", "def twice(n):\n    return 2 * n\n")
        self.write("py", '#!/bin/sh\necho "$4" >> asked\nexec /usr/bin/python3 "$@"\n').chmod(0o755)
        for name in ("measure.py", "helper.py", "py"):
            os.utime(self.folder / name, (1e9, 1e9))
        self.stage()

    def stage(self, **run):
        run = {"python": "measure.py:measure", "interpreter": "./py", **run}
        self.write("m.json", {"over": {"n": {"range": [3]}}, "run": run, "results": {"y": "float64"}})

    def asked(self):
        path = self.folder / "asked"
        count = path.read_text().split().count("code") if path.exists() else 0
        path.unlink(missing_ok=True)
        return count

    def files(self):
        return {item["path"]: item for item in json.loads(self.open("m.h5")["m/code"]["files"][-1])}

    def test_it_is_asked_when_something_may_have_changed(self):
        self.taskfarm("m.json", status=1)
        self.assertEqual(self.asked(), 1)
        self.assertEqual(list(self.files()), ["measure.py", "helper.py", "./py"])
        changes = {
            "nothing": lambda: None,
            "a time": lambda: os.utime(self.folder / "helper.py", (1e9, 1e9 + 1)),
            "a new module": lambda: self.write("numpy.py", ""),
            "a new package": lambda: (self.folder / "lib").mkdir(),
            "the interpreter": lambda: os.utime(self.folder / "py", (1e9, 1e9 + 1)),
            "another module": lambda: self.stage(init="helper.py:twice"),
            "a module that is gone": lambda: (self.folder / "helper.py").unlink(),
        }
        for what, change in changes.items():
            with self.subTest(what):
                change()
                self.taskfarm("plan", "m.json", status=2 if what == "a module that is gone" else 0)
                self.assertEqual(self.asked(), int(what not in ("nothing", "a module that is gone")))

    def test_what_was_just_written_is_asked_for_again(self):
        (self.folder / "helper.py").touch()
        self.taskfarm("m.json", status=1)
        self.assertEqual(self.files()["helper.py"]["time"], "0")

    def test_the_run_says_which_interpreter_it_was(self):
        self.taskfarm("m.json", status=1)
        version = subprocess.run(["/usr/bin/python3", "-V"], capture_output=True, text=True, check=True).stdout.split()[1]
        runs = json.loads(self.open("m.h5").attrs["runs"])
        self.assertEqual(runs[0]["python"], {"m": {"path": "/usr/bin/python3", "version": version}})

    def test_without_an_answer_the_bytes_count(self):
        self.write("py", "#!/bin/sh\nexit 1\n")
        self.taskfarm("m.json", status=1)
        files = self.files()
        self.assertEqual(list(files), ["measure.py", "helper.py"])
        self.assertNotIn("tree", files["measure.py"])

    def test_a_pickle_says_what_it_is_made_of(self):
        header = {"taskfarm_pickle": 1, "python": "3.12.1", "code": [{"path": "measure", "hash": "0123456789abcdef"}]}
        self.write("f.pickle", json.dumps(header).encode() + b"\n\x80\x04.")
        self.stage(python="f.pickle:measure")
        self.taskfarm("m.json", status=1)
        self.assertEqual(self.asked(), 0)
        self.assertEqual(self.files()["measure"], header["code"][0])
        self.assertEqual(json.loads(self.open("m.h5").attrs["runs"])[0]["python"], {"m": {"path": "./py", "version": "3.12.1"}})


farm.main()
