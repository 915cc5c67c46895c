"""What code Python functions are made of, and what becomes of rows when it changes."""

import json
import os
import subprocess

import farm
import numpy as np

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

    def code(self, file="measure.py", module="measure", *more, folder=None, path=None):
        """The interpreter's answer, files by path. `path`: its PYTHONPATH."""
        program = f"import sys; sys.path[0] = {str(farm.SOURCE / 'src/python')!r}; from taskfarm._slot.main import main; main('code', 1)"
        given = [file, module, *more]
        question = json.dumps([{"file": file, "module": module} for file, module in zip(given[::2], given[1::2], strict=True)])
        environment = farm.environment(**({"PYTHONPATH": path} if path else {}))
        done = subprocess.run(
            ["/usr/bin/python3", "-c", program],
            input=question,
            cwd=folder or self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
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

    def test_modules_elsewhere_have_what_is_beside_them(self):
        """A folder in the current one that merely has the name does not come before the module."""
        (self.folder / "else").mkdir()
        for name in ("measure.py", "helper.py", "lib"):
            (self.folder / name).rename(self.folder / "else" / name)
        (self.folder / "measure").mkdir()
        (self.folder / "numpy.py").touch()
        there = str(self.folder / "else")
        files, answer = self.code("", "measure", path=there)
        self.assertEqual(sorted(files), ["helper.py", "lib/more.py", "lib/tools.py", "measure.py"])
        self.assertEqual({item["where"] for item in files.values()}, {f"{there}/{name}" for name in files})
        self.assertIn(f"{there}/numpy", answer["absent"])
        self.assertEqual(sorted(self.code("", "lib.tools", path=there)[0]), ["lib/more.py", "lib/tools.py"])
        self.assertIn("lib", self.code("", "lib.tools", path=there)[1]["absent"])
        self.write("else/pack/__init__.py", "from . import deep\nimport helper\n")
        self.write("else/pack/deep.py", "")
        self.assertEqual(sorted(self.code("", "pack", path=there)[0]), ["helper.py", "pack/__init__.py", "pack/deep.py"])

    def test_files_of_one_name_are_two(self):
        for folder, k in (("one", 1), ("two", 2)):
            self.write(f"{folder}/{folder}_module.py", "import helper\n")
            self.write(f"{folder}/helper.py", f"K = {k}\n")
        path = f"{self.folder}/one:{self.folder}/two"
        files, _ = self.code("", "one_module", "", "two_module", path=path)
        self.assertEqual(sorted(files), [f"{self.folder}/two/helper.py", "helper.py", "one_module.py", "two_module.py"])

    def test_nothing_below_what_is_installed_counts(self):
        self.write("venv/site-packages/deep/measure.py", HELPED)
        self.write("venv/site-packages/deep/helper.py", "")
        files, _ = self.code("", "measure", path=str(self.folder / "venv/site-packages/deep"), folder=self.folder / "lib")
        self.assertEqual(sorted(files), ["measure.py"])

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
            "folders of modules": lambda: self.stage(env={"PYTHONPATH": "else"}),
            "another module": lambda: self.stage(init="helper.py:twice"),
            "a module that is gone": lambda: (self.folder / "helper.py").unlink(),
        }
        for what, change in changes.items():
            with self.subTest(what):
                change()
                self.taskfarm("plan", "m.json", status=2 if what == "a module that is gone" else 0)
                self.assertEqual(self.asked(), int(what not in ("nothing", "a module that is gone")))

    def test_stages_of_one_module_ask_once(self):
        run = {"python": "measure.py:measure", "interpreter": "./py"}
        stages = [{"name": f"s{n}", "over": {"n": [1]}, "run": run, "results": {"y": "float64"}} for n in range(3)]
        self.write("m.json", {"stages": [*stages, stages[0] | {"name": "other", "run": run | {"init": "helper.py:setup"}}]})
        self.taskfarm("plan", "m.json")
        self.assertEqual(self.asked(), 2)

    def test_the_memory_of_tasks_is_no_limit(self):
        stage = json.loads((self.folder / "m.json").read_text())
        self.write("m.json", stage | {"resources": {"memory": "1MB"}})
        self.taskfarm("m.json", status=1)
        self.assertIn("tree", self.files()["measure.py"])

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
        for does in ("exit 1", "exec sleep 1000"):
            self.write("py", f"#!/bin/sh\n{does}\n")
            self.taskfarm("m.json", "--fresh", status=1, env={"TASKFARM_FIRST_ANSWER": "0.2s"})
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


class Edited(farm.FarmTest):
    """Rows that are done are kept when the code changes, and the run says so."""

    def setUp(self):
        super().setUp()
        self.write("measure.py", HELPED.replace("import numpy, helper", "import helper").replace("from lib import tools\n", ""))
        self.write("helper.py", "def twice(n):\n    return 2 * n\n")
        run = {"python": "measure.py:measure", "interpreter": "/usr/bin/python3"}
        self.write("m.json", {"over": {"n": {"range": [3]}}, "run": run, "results": {"y": "float64"}})

    def results(self):
        with self.open("m.h5") as file:
            return file["m/results/y"][:].tolist()

    def test_comments_are_no_change_and_code_is(self):
        self.taskfarm("m.json")
        self.assertEqual(self.results(), [0, 4, 8])
        for name, old, new in (("measure.py", "Twice n.", "2 n."), ("helper.py", "def twice(n):", "def twice(n):  # of a number")):
            self.write(name, (self.folder / name).read_text().replace(old, new))
            done = self.taskfarm("m.json")
            self.assertNotIn("changed", done.stdout + done.stderr)
        self.write("helper.py", "def twice(n):\n    return 3 * n\n")
        told = "helper.py changed since 3 rows were made"
        self.assertIn(f"taskfarm: m.h5: {told}; they are kept; --rerun code makes them anew\n", self.taskfarm("m.json").stderr)
        self.assertEqual(self.results(), [0, 4, 8])
        self.assertIn(told, self.taskfarm("status", "m.h5").stdout)
        self.assertIn("3 done, 0 failed", self.taskfarm("m.json", "--rerun", "code").stderr)
        self.assertEqual(self.results(), [0, 6, 12])
        self.assertNotIn("changed", self.taskfarm("m.json").stderr)

    def test_modules_that_are_found_elsewhere(self):
        """By the tasks' PYTHONPATH, with what they import from beside them."""
        for name in ("measure.py", "helper.py"):
            self.write(f"else/{name}", (self.folder / name).read_text())
            (self.folder / name).unlink()
        self.write("other/measure.py", "def measure(n):\n    return 9\n")
        manifest = json.loads((self.folder / "m.json").read_text())
        manifest["run"] |= {"python": "measure:measure"}
        self.write("m.json", manifest)
        environment = {"PYTHONPATH": str(self.folder / "else")}
        self.taskfarm("m.json", env=environment)
        self.assertEqual(self.results(), [0, 4, 8])
        self.write("else/helper.py", "def twice(n):\n    return 3 * n\n")
        self.assertIn("helper.py changed since 3 rows were made", self.taskfarm("m.json", env=environment).stderr)
        other = {"PYTHONPATH": str(self.folder / "other")}
        self.assertIn("measure.py, helper.py changed since 3 rows were made", self.taskfarm("m.json", env=other).stderr)

    def test_common_values_that_are_as_they_were_are_not_read(self):
        path = self.folder / "level.npy"
        np.save(path, np.array([1.0]))
        self.write("measure.py", "def measure(n, level):\n    return n + level[0]\n")
        manifest = json.loads((self.folder / "m.json").read_text())
        manifest["run"]["common"] = {"level": "level.npy"}
        self.write("m.json", manifest)
        os.utime(path, (1e9, 1e9))
        self.taskfarm("m.json")
        with open(path, "r+b") as file:  # which nobody can know who does not read it
            file.seek(-1, os.SEEK_END)
            file.write(b"\1")
        os.utime(path, (1e9, 1e9))
        self.taskfarm("plan", "m.json")
        os.utime(path, (1e9, 1e9 + 1))
        self.assertIn('"common" changed', self.taskfarm("plan", "m.json", status=3).stderr)

    def test_common_values_that_change_are_refused(self):
        with open(self.folder / "level.npy", "wb") as file:
            np.save(file, np.array([1.0]))
        self.write("measure.py", "def measure(n, level):\n    return n + level[0]\n")
        manifest = json.loads((self.folder / "m.json").read_text())
        manifest["run"]["common"] = {"level": "level.npy"}
        self.write("m.json", manifest)
        self.taskfarm("m.json")
        self.assertEqual(self.results(), [1, 2, 3])
        np.save(self.folder / "level.npy", np.array([2.0]))
        self.assertIn('stage "m": "common" changed since its rows were made (level: was ', self.taskfarm("m.json", status=3).stderr)
        self.taskfarm("m.json", "--rerun", "code")
        self.assertEqual(self.results(), [2, 3, 4])


farm.main()
