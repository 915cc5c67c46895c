"""taskfarm.map: of what types results are, what it says and raises."""

import farm
from map_test import PYTHON, MapTest


class Results(MapTest):
    @farm.first
    def test_types_by_annotations(self):
        done = self.python(
            """
            import dataclasses, typing
            import numpy as np
            class T(typing.TypedDict):
                a: int
                b: float
            @dataclasses.dataclass
            class D:
                s: str
                n: np.int16
            class N(typing.NamedTuple):
                ok: bool
                raw: bytes
            def number(x) -> float: return x
            def typed(x) -> T: return {"a": x, "b": 0.5}
            def data(x) -> D: return D("t", x)
            def named(x) -> N: return N(True, b"b")
            def nothing(x) -> None: open("nothing", "a").write(str(x))
            for f in (number, typed, data, named, nothing):
                run = taskfarm.map(f, taskfarm.product(x=[1, 2]), progress="none")
                print(run.path.rsplit("/")[-1], taskfarm.open(run.path).manifest.get("results"))
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "number.h5 {'result': 'float64'}",
                "typed.h5 {'a': 'int64', 'b': 'float64'}",
                "data.h5 {'s': 'string', 'n': 'int16'}",
                "named.h5 {'ok': 'bool', 'raw': 'bytes'}",
                "nothing.h5 {}",
            ],
        )

    @farm.first
    def test_types_by_the_first_task(self):
        """It runs once, its row is kept, and it is said; the second time nothing runs."""
        script = """
            import numpy as np
            def f(x, rng):
                print("called", x)
                open("called", "a").write(f"{x}\\n")
                return {"i": x, "f": x / 2, "v": np.arange(3, dtype="f4") * x, "s": f"<{x}>", "r": rng.random(), "l": [[1, 2], [3, 4]]}
            run = taskfarm.map(f, taskfarm.product(x=[1, 2, 3]).where("x > 1"), output="f.h5", progress="plain", seed=5)
            print(run.frame.drop(columns=["r"]).drop(columns=["v", "l"], errors="ignore").to_dict("list"), run[1].results["v"].tolist(), run[1].stdout)
            print(run[1].results["r"], run[2].results["r"])
            """
        done = self.python(script)
        self.assertEqual(sorted(self.calls()), ["2", "3"])
        self.assertIn("taskfarm: column types, by task 1, which ran first: i int64, f float64, v float32[3], s string, r float64, l int64[2, 2]\n", done.stderr)
        self.assertIn("'x': [2, 3], 'i': [2, 3], 'f': [1.0, 1.5]", done.stdout)
        self.assertIn("[0.0, 2.0, 4.0] called 2", done.stdout)
        self.assertEqual(self.python(script).stdout, done.stdout)
        without = script.split("            print(run.frame")[0].replace("import numpy", "import sys; sys.modules['h5py'] = None\n            import numpy")
        self.assertNotIn("ran first", self.python(without).stderr)
        self.assertEqual(sorted(self.calls()), ["2", "3"])
        whole = self.python(script.replace("output=", 'results={"i": int, "f": float, "v": ("float32", 3), "s": str, "r": float, "l": (int, (2, 2))}, output=').replace("f.h5", "g.h5"))
        self.assertEqual(whole.stdout, done.stdout, "as if the first task had run with the others")

    def test_an_integer_that_is_to_be_a_float(self):
        """Rows that are done are kept when the type is declared."""
        script = """
            def f(x):
                open("called", "a").write(f"{x}\\n")
                return 0 if x == 0 else x / 2
            run = taskfarm.map(f, {"x": [0, 1, 2.5]}, progress="none")
            print(run)
            print(run.frame.result.tolist(), run.dataset.result.dtype)
            """
        done = self.python(script)
        self.assertIn("2 failed: column \"result\": 0.5 is a float, no int64; declare the column as float64, which keeps the rows that are done (and alike): ", done.stdout)
        self.assertEqual(sorted(self.calls()), ["0.0", "1.0", "2.5"])
        self.python(script.replace('progress=', 'results=float, progress='))
        self.assertEqual(sorted(self.calls()), ["0.0", "1.0", "1.0", "2.5", "2.5"])
        done = self.python(script)
        self.assertTrue(done.stdout.endswith("[0.0, 0.5, 1.25] float64\n"), done.stdout)

    def test_the_first_task_s_masked_values(self):
        """What is below a mask is no value: it is NaN, and integers do not have that."""
        done = self.python(
            """
            import numpy as np
            def bare(x): return np.ma.masked if x == 1 else 5.0
            def element(x): return [x, np.ma.masked]
            def none(x): return [x, None]
            def array(x): return np.ma.array([x, 7.5], mask=[0, 1])
            def integers(x): return np.ma.array([x, 7], mask=[0, 1])
            for f in (bare, element, none, array, integers):
                try:
                    run = taskfarm.map(f, taskfarm.product(x=[1, 2]), progress="none")
                    print(run[0].results["result"], run[1].results["result"])
                except taskfarm.TaskError as error:
                    print(str(error).splitlines()[0])
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "nan 5.0",
                "[ 1. nan] [ 2. nan]",
                "[ 1. nan] [ 2. nan]",
                "[ 1. nan] [ 2. nan]",
                "integers[0] (x=1), which was to tell the types of results, failed: TypeError: "
                '"result": masked int64 are no values of a column; declare it in results= as float',
            ],
        )

    def test_the_first_task_returns_none(self):
        """Which tells nothing of what the others return."""
        done = self.python(
            """
            def f(x): return None if x == 1 else 1.5
            for more in ({}, {"results": float}, {"results": {}, "output": "nothing.h5"}):
                try:
                    print(taskfarm.map(f, taskfarm.product(x=[1, 2]), progress="none", **more).frame.drop(columns="status").to_dict("list"))
                except taskfarm.TaskError as error:
                    print(str(error).splitlines()[0])
            """
        )
        failed = "f[0] (x=1), which was to tell the types of results, failed: TypeError: None tells no type: declare results=, or results={} where the function returns nothing"
        self.assertEqual(done.stdout.splitlines(), [failed, "{'x': [1, 2], 'result': [nan, 1.5]}", "{'x': [1, 2]}"])

    def test_columns_that_can_not_be(self):
        """They are named before anything runs, or by the first task. One may be called "type"."""
        done = self.python(
            """
            import numpy as np
            def f(x): return {"type": 1, "mass": [1, 2]}
            for number, results in enumerate(({"type": float, "mass": (int, np.int64(2))}, {"a": (float, "3")}, {1: float}, {"a": (float,)}, {"a": object}, {"a": [3]})):
                try:
                    run = taskfarm.map(f, {"x": [1]}, results=results, output=f"c{number}.h5", progress="none")
                    print(run[0].results["type"], run[0].results["mass"].tolist())
                except taskfarm.ManifestError as error:
                    print(error.id, error)
            run = taskfarm.map(lambda x: {"status": x, "task.status": 2, "task": 3}, {"x": [1]}, output="s.h5", progress="none")
            print(list(run.frame), run[0].results)
            for number, results in enumerate((None, {"a": float, "b": float})):
                try:
                    print(taskfarm.map(lambda x: {1: 1}, {"x": [1]}, results=results, output=f"n{number}.h5", progress="none")[0].message)
                except taskfarm.TaskError as error:
                    print(error)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "1.0 [1, 2]",
                "bad-value results: a: a shape is a length or several, as in (float, (10, 3)), not '3'",
                "bad-name results: the names of columns are texts, not 1",
                "bad-value results: a: a tuple is (type, shape), as in (float, (1000,))",
                "bad-value results: a: <class 'object'> is no type of a column",
                "bad-value results: a: [3] is no type of a column",
                "['task.task.status', 'x', 'status', 'task.status', 'task'] {'status': 1, 'task.status': 2, 'task': 3}",
                "lambda[0] (x=1), which was to tell the types of results, failed: TypeError: the names of columns are texts, and the function returned one that is 1",
                'column "a" is missing in what the function returned; it has 1',
            ],
        )

    @farm.first
    def test_spaces_in_files_fit_the_function(self):
        """They are compared before anything runs."""
        self.write("s.csv", "name,ra,de\na,1,2\n")
        self.write("raw/a_R.fits", "")
        done = self.python(
            """
            from taskfarm import csv, files, product
            def noted(*given, **named): open("called", "a").write("x\\n")
            for f, space in (
                (lambda name, ra, deg: noted(), csv("s.csv")), (lambda name, ra: noted(), csv("s.csv")),
                (lambda path, f: noted(), files("raw/{o}_{f}.fits")), (lambda o, f: noted(), product(files("raw/{o}_{f}.fits"), k=[1])),
                (lambda o, f: noted(), files("{o}_{f}.png")), (lambda x: noted(), csv("none.csv").where("x > 1")),
            ):
                try:
                    taskfarm.map(f, space, results=float)
                except taskfarm.ManifestError as error:
                    print(error)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                'function: <lambda>(name, ra, deg): the stage has no parameter "deg"; it has "name", "ra" and "de"',
                'function: <lambda>(name, ra): the function does not take the stage\'s "de"',
                'function: <lambda>(path, f): the stage has no parameter "path"; it has "o" and "f"',
                'function: <lambda>(o, f): the function does not take the stage\'s "k"',
                'space: files: no file matches {o}_{f}.png; give the axis as a dict with "allow_empty": True if that is all right',
                "space: csv: none.csv: No such file or directory",
            ],
        )
        self.assertEqual((self.calls(), [path.name for path in self.folder.glob("*.h5*")]), ([], []))

    def test_the_first_task_fails(self):
        done = self.python(
            """
            def f(x, task):
                open("called", "a").write(f"{x} {task.attempt}\\n")
                raise ValueError(f"no {x}")
            try:
                taskfarm.map(f, taskfarm.product(x=[1, 2]), retries=1, progress="none")
            except taskfarm.TaskError as error:
                print(error.id, error)
            """
        )
        self.assertEqual(self.calls(), ["1 1", "1 2"])
        self.assertRegex(done.stdout, r"^tasks-failed f\[0\] \(x=1\), which was to tell the types of results, failed 2 times: ValueError: no 1\n")
        self.assertIn('raise ValueError(f"no {x}")', done.stdout)
        self.assertIn("results= declares the types without running a task first", done.stdout)

    def test_failures_and_another_try(self):
        done = self.python(
            """
            def f(x) -> float:
                if x > 1: raise ValueError(f"too large: {x}")
                return x
            run = taskfarm.map(f, taskfarm.product(x=[0, 1, 2, 3]), progress="none")
            print(run.state, "|", str(run).splitlines()[1], "|", list(run.failed.x), run[3].traceback.splitlines()[-1])
            try:
                taskfarm.map(f, taskfarm.product(x=[0, 1, 2, 3]), progress="none", raise_on_failure=True)
            except taskfarm.TaskError as error:
                print(error.id, str(error).splitlines()[-1])
            def f(x) -> float: return -x
            again = run.retry(f)
            print(run.state, run.dataset.result.values.tolist(), again is run)
            print(str(run) == run._repr_html_()[8:].partition("</p>")[0], run)
            """
        )
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "failed | 2 failed: ValueError: too large: 2 (and alike): [2], [3] | [2, 3] ValueError: too large: 3")
        self.assertEqual(lines[1], "tasks-failed ValueError: too large: 2")
        self.assertEqual(lines[2], "complete [0.0, 1.0, -2.0, -3.0] True")
        self.assertRegex(lines[3], r"^True f\.h5: 4 done, 2 of them before; the rest in \S+ s \(\S+/s\)$")

    @farm.first
    def test_retry_by_a_function_of_another_name(self):
        """It is the code of the stage that has changed. Another session goes on with it by the stage's name."""
        self.write("mod.py", "def half(x) -> float: return x / 2\ndef fails(x) -> float: raise ValueError\n")
        done = self.python(
            """
            import mod
            def f(x) -> float:
                if x > 1: raise ValueError(f"too large: {x}")
                return x
            def g(x) -> float:
                if x > 2: raise ValueError(f"too large: {x}")
                return -x
            run = taskfarm.map(f, {"x": [0, 1, 2, 3]}, progress="none")
            for function in (g, mod.half):
                run.retry(function)
                print(run.state, run.dataset.result.values.tolist())
            for run, function in (run, lambda y: 1), (taskfarm.map(mod.fails, {"x": [1]}, progress="none"), mod.half):
                try:
                    run.retry(function)
                except taskfarm.ManifestError as error:
                    print(error.id, error)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "failed [0.0, 1.0, -2.0, nan]",
                "complete [0.0, 1.0, -2.0, 1.5]",
                'mismatch function: <lambda>(y): the stage has no parameter "y"; it has "x"',
                "mismatch function: tasks import mod:fails by its name, and mod:half is another one: mend it there",
            ],
        )
        done = self.python(
            """
            def g(x) -> float: return 10 * x
            run = taskfarm.map(g, {"x": [0, 1, 2, 3, 4]}, name="f", output="f.h5", progress="none")
            print(taskfarm.open("f.h5").stages, run.dataset.result.values.tolist())
            """
        )
        self.assertIn("CodeChangedWarning: f, mod.py changed since 4 rows were made; they are kept; rerun=\"code\" makes them anew", done.stderr)
        self.assertEqual(done.stdout, "['f'] [0.0, 1.0, -2.0, 1.5, 40.0]\n")

    def test_common_values(self):
        done = self.python(
            """
            import numpy as np, pandas as pd
            table = pd.DataFrame({"ra": [1.0, 2.0, 3.0], "name": ["a", "b", "c"]})
            psf = np.arange(12.0).reshape(3, 4)
            def f(i, table, psf):
                return {"ra": float(table["ra"][i]), "name": str(table["name"][i]), "p": float(psf[i, 1]), "w": bool(psf.flags.writeable)}
            run = taskfarm.map(f, taskfarm.product(i=[0, 2]), common={"table": table, "psf": psf}, results={"ra": float, "name": str, "p": float, "w": bool}, progress="none")
            print(run.frame.drop(columns="status").to_dict("list"))
            """
        )
        self.assertEqual(done.stdout, "{'i': [0, 2], 'ra': [1.0, 3.0], 'name': ['a', 'c'], 'p': [1.0, 9.0], 'w': [False, False]}\n")


class Errors(MapTest):
    def test_what_is_wrong_is_told_by_argument(self):
        """As the engine says it, without the path of a manifest that nobody has written."""
        self.write("taken.h5.map/notes", "mine")
        done = self.python(
            """
            def f(x) -> float: return x
            space = taskfarm.product(x=[1])
            for arguments in (
                {"tiemout": 3}, {"timeout": "soon"}, {"retries": 300}, {"where": "y > 1"}, {"resources": {"slots": 0}},
                {"reduce": {"r": {"columns": {"resul": ["mean"]}}}}, {"output": "taken.h5"}, {"output": "none/x.h5"}, {"progress": "loud"}, {"keep": object()},
            ):
                try:
                    taskfarm.map(f, space, **{"progress": "none", **arguments})
                except (taskfarm.Error, ValueError) as error:
                    print(type(error).__name__, getattr(error, "id", ""), str(error).replace(__file__.rsplit("/", 1)[0] + "/", ""))
            try:
                taskfarm.map(f, taskfarm.csv("none.csv"), progress="none")
            except taskfarm.Error as error:
                print(error)
            try:
                taskfarm.map(f, taskfarm.product(y=[1]), progress="none")
            except taskfarm.ManifestError as error:
                import traceback
                print(error.id, len(traceback.extract_tb(error.__traceback__)), error)
            """
        )
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], 'ManifestError unknown-key tiemout: unknown key "tiemout"; did you mean "timeout"?')
        self.assertTrue(lines[1].startswith("ManifestError bad-value timeout: "), lines[1])
        self.assertTrue(lines[2].startswith("ManifestError out-of-range retries: "), lines[2])
        self.assertTrue(lines[3].startswith("ManifestError bad-expression where: "), lines[3])
        self.assertTrue(lines[4].startswith("ManifestError out-of-range resources: slots: "), lines[4])
        self.assertTrue(lines[5].startswith("ManifestError unknown-name reduce: r: columns: resul: "), lines[5])
        self.assertEqual(lines[6], "EngineError foreign-folder taken.h5.map: is needed for the run, and was not made by map: move it away, or give another output=")
        self.assertEqual(lines.pop(7), "EngineError file-missing output: there is no folder none")
        self.assertEqual(lines[7], 'ValueError  progress: must be "auto", "plain" or "none", not \'loud\'')
        self.assertEqual(lines[8], "ManifestError wrong-type keep: object can't stand in a manifest")
        self.assertEqual(lines[9], "space: csv: none.csv: No such file or directory")
        self.assertEqual(lines[10], 'mismatch 2 function: f(x) -> float: the stage has no parameter "x"; it has "y"')
        self.assertEqual((self.folder / "taken.h5.map/notes").read_text(), "mine")
        self.assertNotIn("manifest.json", done.stdout + done.stderr)

    def test_no_run_within_a_task(self):
        self.write("again.py", "import taskfarm\ntaskfarm.map(lambda x: x, taskfarm.product(x=[1]))\ndef f(x): return x\n")
        self.write("m.json", {"over": {"x": [1]}, "run": {"python": "again.py:f", "interpreter": PYTHON}, "results": {"y": "int64"}})
        env = {"PYTHONPATH": str(farm.SOURCE / "src/python"), "TASKFARM": farm.TASKFARM}
        done = self.taskfarm("m.json", status=1, env=env)
        self.assertIn('map is called while a task\'s process imports its module: put the call into a function, or below if __name__ == "__main__":', done.stderr)
        done = self.python(
            """
            def f(x) -> float:
                return taskfarm.map(lambda y: y, taskfarm.product(y=[1])).state
            print(taskfarm.map(f, taskfarm.product(x=[1]), progress="none").failed.message[0])
            """
        )
        self.assertIn("map is called within a task: a task can't start a run", done.stdout)
        self.assertEqual(sorted(p.name for p in self.folder.glob("*.h5")), ["f.h5", "m.h5"])

    def test_there_is_no_engine(self):
        script = """
            try:
                taskfarm.map(lambda x: x, taskfarm.product(x=[1]), progress="none")
            except taskfarm.EngineError as error:
                print(error.id, error)
            """
        told = self.python(script, env={"TASKFARM": "", "PATH": "/nowhere"}).stdout
        self.assertEqual(
            told,
            f"program-missing the engine, the program taskfarm, is not found: not by the variable TASKFARM, not beside {PYTHON}, "
            "not on PATH. Build and install it (cmake --install), or set TASKFARM to its path\n",
        )
        self.assertEqual(self.python(script, env={"TASKFARM": "/nowhere/taskfarm"}).stdout, "program-missing TASKFARM=/nowhere/taskfarm: there is no such program\n")


farm.main()
