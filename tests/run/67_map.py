"""taskfarm.map: spaces, and which function is called."""

import farm
from map_test import MapTest

MEASURE = """
def measure(x, k):
    with open("called", "a") as file:
        file.write(f"{x} {k}\\n")
    return {"y": x * k, "n": k}
"""


@farm.first
class Spaces(MapTest):
    def test_points_are_those_of_the_run(self):
        """Of axes of all kinds, multiplied, put side by side and one after another."""
        self.write("t.csv", "star,mag\nVega,0.5\nAltair,1\n")
        for name in ("a_R.fits", "b_G.fits"):
            self.write(name, "")
        done = self.python(
            """
            import json, numpy as np, pandas as pd, subprocess, os
            from taskfarm import product, zip, concat, rows, csv, glob, files, sobol
            frame = pd.DataFrame({"ra": [1.0, 2.0, np.nan], "id": [3, 4, 5], "s": ["a", "b", 'c"\\n']})
            record = np.array([(1, 2.5), (2, 3.0)], [("i", "i4"), ("f", "f4")])
            spaces = [
                product(depth=np.geomspace(1e-4, 1e-2, 5), period=[1, 3, 10], flag=[True, False], name="x"),
                product(a=np.array([1.0, 2.0]), b=np.arange(5), c=range(3, 9, 2), d=[1, 2.0, None]),
                zip(ra=[1.0, 2.0], dec=np.array([3, 4], "u1")),
                concat(product(x=[1, 2]), product(x=range(10, 13))),
                rows(frame) * product(k=[1, 2]),
                rows(record), rows([{"p": 1, "q": "a"}, {"q": "b", "p": 2}]),
                csv("t.csv"), glob(image="*.fits"), files("{object}_{filter}.fits", name="path"),
                sobol(8, x=(0, 1), y=(1e-3, 1e-1, "log")),
                product(csv("t.csv"), z={"linspace": [0, 1, 3]}),
            ]
            for number, space in enumerate(spaces):
                manifest = {"name": f"s{number}", "over": space.axes(), "run": {"echo": True}}
                subprocess.run([os.environ["TASKFARM"], "-", "--progress", "none"], input=json.dumps(manifest), text=True, check=True, stderr=subprocess.DEVNULL)
                params = taskfarm.open(f"s{number}.h5").frame.drop(columns="status")
                params = params[[c for c in params.columns if not c.startswith("echo_")]]
                points = pd.DataFrame(list(space) if number < 7 else [space[i] for i in range(len(space))])
                kinds = lambda frame: {name: frame[name].dtype.kind.replace("S", "O") for name in frame}
                assert kinds(points) == kinds(params), (number, kinds(points), kinds(params))
                for name in points:
                    assert [str(v) for v in points[name]] == [str(v) for v in params[name]], (number, name)
                assert len(space) == len(params)
                assert "\\n" not in repr(space)
            print(spaces[0], len(spaces[0]), spaces[0][17], spaces[0][-1])
            print(repr(product(x=range(3)) * product(y=["a"])), repr(csv("t.csv").where("mag < 1")))
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "product(depth=[0.0001, 0.000316228, ..., 0.01]*5, period=[1, 3, 10], flag=[True, False], name=['x']) 30 "
                "{'depth': 0.001, 'period': 10, 'flag': False, 'name': 'x'} {'depth': 0.01, 'period': 10, 'flag': False, 'name': 'x'}",
                "product(x=[0, 1, 2], y=['a']) csv('t.csv').where(\"mag < 1\")",
            ],
        )

    def test_what_is_no_space(self):
        ways = "give axes by name, as in product(depth=[1, 2]) or zip(ra=[1, 2], dec=[3, 4]), or rows(list of dicts)"
        values = "values are booleans, integers, floats or texts"
        box = 'must be (low, high) or (low, high, "log"), not'
        done = self.python(
            """
            import numpy as np, pandas as pd
            from taskfarm import product, zip, concat, rows, csv, glob, sobol
            for make in (
                lambda: product(x=[1, "a"]), lambda: product(x=[2**63]), lambda: product(x=[2**53 + 1, 0.5]),
                lambda: zip(a=[1], b=[1, 2]), lambda: product(x=np.zeros((2, 2))), lambda: product(x=[]),
                lambda: product(x=[object()]), lambda: product(x=np.array(["2020-01-01"], "M8[D]")), lambda: product([1, 2]),
                lambda: rows([{"a": 1}, {"b": 1}]), lambda: rows(pd.DataFrame({"n": pd.array([1, None], "Int64")})),
                lambda: rows(pd.DataFrame({1: [2]})), lambda: concat(product(x=[1]).where("x > 0"), product(x=[2])),
                lambda: product(x=[1])[1], lambda: len(csv("none.csv")), lambda: product(x=product(y=[1])),
                lambda: product(x=[1]) * rows([{"x": 2}]), lambda: product(x=[1]).where(len), lambda: len(product(x=[1]).where("z > 1")),
                lambda: product(x={"linspace": [0, 1, len]}), lambda: sobol(4, x=3), lambda: sobol(4, x=(0, 1, "lin")), lambda: sobol(4, x=(0, "1")),
                lambda: len(product(**{name: range(10**8) for name in "abc"})), lambda: rows(3), lambda: concat([(1, 2)]),
                lambda: product(x=[[1, 2], [3]]), lambda: product(x=[np.ones(2)]), lambda: len(glob(x="*.none")), lambda: product(x=[b"a"]),
            ):
                try:
                    make()
                except Exception as error:
                    print(type(error).__name__, error)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "TypeError x: values must be all of one type, not int and str",
                "ValueError x[0]: 9223372036854775808 is beyond int64",
                "ValueError x: 9007199254740993 stands among floats, where it would be rounded: give it as a text",
                "ValueError zip: columns side by side must have the same length, not a: 1, b: 2",
                "ValueError x: an axis has one dimension, not 2: shape (2, 2): for an array a point give its index, and all of them as a common value",
                "ValueError x: an axis needs at least one value",
                "TypeError x[0]: values are booleans, integers, floats or texts, not object: convert it first",
                "TypeError x: values are booleans, integers, floats or texts, not datetime64[D]: convert them first",
                f"TypeError product: list is no space: {ways}",
                "ValueError rows: record 1 has ['b'], and the first one ['a']",
                "ValueError rows: column 'n' has no value in row 1: only floats may be missing",
                "TypeError rows: column 1: names of columns are texts: say frame.rename(columns=str)",
                "ValueError concat: a space with where() can't be a part: say where() of the whole",
                "IndexError 1: the space has 1 points",
                "ManifestError space: csv: none.csv: No such file or directory",
                "TypeError x: a space has names of its own: give it without one, as in product(space, x=[1, 2])",
                "ValueError product: x is there twice",
                'TypeError where: a builtin_function_or_method is no expression: say it as a text, as in where("depth > 1e-3")',
                'ManifestError where: "z > 1": there is no "z" here; there are the stage\'s parameters: x',
                "TypeError x: builtin_function_or_method can't stand in an axis",
                f"TypeError sobol: x: {box} 3",
                f"TypeError sobol: x: {box} (0, 1, 'lin')",
                "TypeError sobol: x: values must be all of one type, not int and str",
                "OverflowError the space has 1e+24 points, more than there are numbers for",
                "TypeError rows: int is no table: give a DataFrame, a structured array or a list of dicts",
                f"TypeError list is no space: {ways}",
                f"TypeError x[0]: {values}, not list: give its index, and all of them as a common value",
                f"TypeError x[0]: {values}, not ndarray: give its index, and all of them as a common value",
                'ManifestError space: x: glob: no file matches *.none; give the axis as a dict with "allow_empty": True if that is all right',
                f"TypeError x[0]: {values}, not bytes: convert it first",
            ],
        )

    def test_points_that_where_leaves(self):
        """Their count, each of them, and those that a run has: also of products and of several conditions."""
        done = self.python(
            """
            from taskfarm import product
            many = product(x=range(1000), y=range(400)).where("(x + 2 * y) % 7 == 3 && x > 200")
            left = [(x, y) for x in range(201, 1000) for y in range(400) if (x + 2 * y) % 7 == 3]
            places = [*range(0, len(left), 997), len(left) - 1, 5]
            assert [tuple(many[i].values()) for i in places] == [left[i] for i in places] and len(many) == len(left)
            none = product(x=range(9)).where("x > 10")
            assert len(none) == 0 and list(none) == []
            a = product(x=range(10), y=[0, 1, 2]).where("x > 3 && y != 1")
            b = product(product(z=["a", "b"]).where("z == 'b'"), a).where("x < 5")
            print(len(a), a[0], a[-1], len(a * product(k=[1, 2])), len(a.where("x > 10")))
            print(list(b), b)
            def f(x, y, z) -> int: return x
            run = taskfarm.map(f, b, progress="none", output="f.h5")
            print(run.frame[["z", "x", "y"]].to_dict("records") == list(b), taskfarm.open("f.h5")["f"].counts)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "12 {'x': 4, 'y': 0} {'x': 9, 'y': 2} 24 0",
                "[{'z': 'b', 'x': 4, 'y': 0}, {'z': 'b', 'x': 4, 'y': 2}] product(product(z=['a', 'b']).where(\"z == 'b'\"), "
                "product(x=[0, 1, ..., 9]*10, y=[0, 1, 2]).where(\"x > 3 && y != 1\")).where(\"x < 5\")",
                "True {'done': 2, 'excluded': 58}",
            ],
        )

    def test_a_space_stays_as_it_was_made(self):
        """Whatever becomes of the lists and dicts that it was made of; and paths may be paths."""
        self.write("a_R.fits", "")
        done = self.python(
            """
            import numpy as np, pathlib
            from taskfarm import product, glob, files
            values = [1, 2]
            bare, typed, even = product(x={"values": values}), product(x={"values": values, "type": "float64"}), product(x={"linspace": [0, np.float64(1), np.int64(3)]})
            values.append(3)
            print(list(bare), len(typed), typed, even[1])
            print(list(glob(image=pathlib.Path("*.fits"))), list(files(pathlib.Path("{o}_{f}.fits"), name="path")))
            print(list(product(image={"glob": pathlib.Path("*.png"), "allow_empty": True})))
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "[{'x': 1}, {'x': 2}] 2 product(x={'values': [1, 2], 'type': 'float64'}) {'x': 0.5}",
                "[{'image': 'a_R.fits'}] [{'o': 'a', 'f': 'R', 'path': 'a_R.fits'}]",
                "[]",
            ],
        )


class Functions(MapTest):
    @farm.first
    def test_a_function_of_a_module(self):
        """Its results, a second time, a larger space."""
        self.write("measure.py", MEASURE)
        script = """
            import sys
            from measure import measure
            x = [float(word) for word in sys.argv[1:]] or [1.0, 2.5]
            run = taskfarm.map(measure, taskfarm.product(x=x + [float(i) for i in range(%d)], k=[1, 2, 3]), results={"y": float, "n": int}, output="m.h5")
            assert run.state == "complete" and run.path.endswith("/m.h5")
            assert (run.dataset.y.sel(x=2.5, k=3) == 7.5) and run.dataset.n.dtype == "int64", run.dataset
            assert (run[4].params, run[4].results) == ({"x": 2.5, "k": 2}, {"y": 5.0, "n": 2})
            print(run)
            """
        done = self.python(script % 0)
        self.assertRegex(done.stdout, r"^m\.h5: 6 done in \S+ s \(\S+/s\)\n$")
        self.assertEqual(sorted(self.calls()), sorted(f"{x} {k}" for x in (1.0, 2.5) for k in (1, 2, 3)))
        self.assertEqual([p.name for p in self.folder.iterdir() if "map" in p.name], [], "the folder is removed")
        self.assertEqual(self.python(script % 0).stdout, "m.h5: 6 done\n")
        self.assertEqual(len(self.calls()), 6)
        self.assertRegex(self.python(script % 1).stdout, r"^m\.h5: 9 done, 6 of them before; the rest in ")
        self.assertEqual(len(self.calls()), 9)

    @farm.first
    def test_functions_by_value(self):
        """Of the script itself, which is not run again and needs no guard; lambdas, closures, partials, methods."""
        done = self.python(
            """
            import functools, math
            open("ran", "a").write("x")
            scale = 2.0
            helper = lambda v: v * scale
            def inner(x):
                return {"y": helper(x) + math.sqrt(4)}
            def make(shift):
                def shifted(x): return {"y": x + shift}
                return shifted
            class Model:
                def __init__(self, a): self.a = a
                def at(self, x): return {"y": self.a * x}
            def two(x, b): return {"y": x - b}
            space = taskfarm.product(x=[1.0, 2.5])
            for number, function in enumerate([inner, lambda x: {"y": -x}, make(10), functools.partial(two, b=1), Model(3).at]):
                run = taskfarm.map(function, space, results={"y": float}, output=f"f{number}.h5", progress="none")
                print(run.dataset.y.values.tolist())
            """
        )
        self.assertEqual(done.stdout, "[4.0, 7.0]\n[-1.0, -2.5]\n[11.0, 12.5]\n[0.0, 1.5]\n[3.0, 7.5]\n")
        self.assertEqual((self.folder / "ran").read_text(), "x")
        self.assertEqual(done.stderr, "")

    def test_code_that_has_changed(self):
        """By what counts: not comments, docstrings and places, but defaults and what is closed over."""
        script = """
            import warnings
            {before}
            def helper(x):
                return x * {factor}
            def f(x, shift={shift}):
                {doc}
                return {{"y": helper(x) + shift}}
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                run = taskfarm.map(f, taskfarm.product(x=[1.0, 2.5]), results={{"y": float}}, output="f.h5", progress="none"{more})
            print(run.dataset.y.values.tolist(), [(w.category.__name__, str(w.message), w.filename[-9:]) for w in caught])
            """
        plain = {"before": "", "factor": 1, "shift": 0, "doc": '"""Before."""', "more": ""}
        first = self.python(script.format(**plain)).stdout
        self.assertEqual(first, "[1.0, 2.5] []\n")
        moved = {**plain, "before": "# one\n            # two", "doc": '"""After."""  # now'}
        self.assertEqual(self.python(script.format(**moved)).stdout, first)
        warning = 'f changed since 2 rows were made; they are kept; rerun="code" makes them anew'
        for changed in ({"factor": 2}, {"shift": 1}):
            told = self.python(script.format(**{**plain, **changed})).stdout
            self.assertEqual(told, f"[1.0, 2.5] [('CodeChangedWarning', '{warning}', 'script.py')]\n")
        again = self.python(script.format(**{**plain, "factor": 2, "more": ', rerun="code"'})).stdout
        self.assertEqual(again, "[2.0, 5.0] []\n")

    def test_what_can_not_be_sent(self):
        done = self.python(
            """
            import threading, numpy as np
            lock = threading.Lock()
            big = np.zeros(200_000)
            def locked(x):
                with lock: return x
            def large(x): return big[0]
            def default(x, table=big): return 1
            def outer():
                near = big[:150_000]
                return lambda x: near[0]
            space = taskfarm.product(x=[1])
            for function in (locked, large, default, outer(), 3):
                try:
                    taskfarm.map(function, space, results=float, output="x.h5")
                except (taskfarm.Error, TypeError) as error:
                    print(type(error).__name__, getattr(error, "id", ""), error)
            """
        )
        large = '{} takes "{}", an array of {} MB, with it into each process: give it as common={{\'{}\': {}}} and let the function have a parameter {}'
        lines = done.stdout.splitlines()
        self.assertEqual(
            lines[0],
            'ManifestError unsuitable-type locked can\'t be sent to other processes: it takes "lock", a lock (cannot pickle '
            "'_thread.lock' object): make it within the function, or in init=",
        )
        self.assertEqual(lines[1], "ManifestError too-large " + large.format("large", "big", "1.6", *["big"] * 3))
        self.assertEqual(lines[2], "ManifestError too-large " + large.format("default", "table", "1.6", *["table"] * 3))
        self.assertEqual(lines[3], "ManifestError too-large " + large.format("outer.<locals>.<lambda>", "near", "1.2", *["near"] * 3))
        self.assertEqual(lines[4], "TypeError  map needs a function, not a int")
        self.assertFalse((self.folder / "x.h5.map").exists())


farm.main()
