"""The process of a Python slot by itself: how it loads and calls functions, how tasks fail, what is kept of what they
print. Its host is slot_host.py's, a stand-in; whole runs are 64_python.py's."""

import json
import os
import signal
import sys

import numpy as np
import slot_host

sys.path.insert(0, str(slot_host.PACKAGE))
from taskfarm._version import PROTOCOL, __version__

INT = {"y": "int64"}
X = {"x": "int64"}


class Loads(slot_host.SlotTest):
    """Where a function comes from."""

    def refused(self, target, files=None, params=None, columns=None, **more):
        for name, text in (files or {}).items():
            self.write(name, text)
        answer = self.slot().stage(target, X if params is None else params, columns or INT, **more)
        self.assertEqual(list(answer), ["stage", "failed"])
        self.assertLess(len(answer["failed"]), 900)
        return answer["failed"]

    def test_of_a_file_whose_folder_has_modules_and_data(self):
        self.write(
            "code/m.py",
            "import pickle, beside\nclass Kept:\n    def f(x):\n        return pickle.loads(pickle.dumps(beside.Two()))(x)\n",
        )
        self.write("code/beside.py", "class Two:\n    def __call__(self, x):\n        return 2 * x\n")
        slot = self.slot()
        self.assertEqual(slot.stage("code/m.py:Kept.f", X, INT), {"stage": 0, "seeds": False})
        self.assertEqual([row.values["y"] for row in slot.frame(2, {"x": [1, 2]})[1]], [2, 4])

    def test_of_a_module_below_the_work_folder(self):
        self.write("pack/__init__.py", "")
        self.write("pack/inner.py", "from . import other\ndef f(x):\n    return other.n + x\n")
        self.write("pack/other.py", "n = 10\n")
        slot = self.slot()
        slot.stage("pack.inner:f", X, INT)
        self.assertEqual(slot.frame(1, {"x": [1]})[1][0].values, {"y": 11})

    def test_its_init_may_lie_in_another_folder(self):
        """Whose modules are found, too, unless one of a name lies in both: a process has one of each name."""
        twins = f"{self.folder}/one and {self.folder}/two both have a module %s; rename one: a process has one"
        for module, import_here, import_there, why in (
            ("setup", "apart", "beside", None),
            ("setup", "common", "beside", twins % "common"),  # the other folder's is not what it would import
            ("setup", "apart", "common", twins % "common"),
            ("m", "apart", "beside", twins % "m"),
        ):
            with self.subTest(module=module, here=import_here, there=import_there):
                self.write("one/m.py", f"import {import_here}\ndef f(x):\n    return apart.name + x\n")
                self.write(f"two/{module}.py", f"import {import_there}\ndef setup():\n    import apart\n    apart.name += beside.name\n")
                for place, name in ("one/apart", 1), ("two/beside", 20), ("one/common", 0), ("two/common", 0):
                    self.write(f"{place}.py", f"name = {name}\n")
                slot = self.slot()
                answer = slot.stage("one/m.py:f", X, INT, init=f"two/{module}.py:setup")
                self.assertEqual(answer.get("failed"), why)
                if not why:
                    self.assertEqual(slot.frame(1, {"x": [300]})[1][0].values, {"y": 321})

    def test_of_a_module_that_goes_to_another_folder(self):
        """What is read after that is that of the work folder: files, common values and modules."""
        for n, folder in enumerate((".", "sub")):
            self.write(f"{folder}/setup.py", f"import os\ndef setup():\n    open('setup', 'w').write('{n}')\n    os.chdir('sub')\n")
            self.write(f"{folder}/m.py", f"import os\nos.chdir('sub')\ndef f(c):\n    return f'{n} {{c[0]}} {{os.getcwd()}}'\n")
            np.save(self.folder / folder / "c.npy", np.array([n]))
        slot = self.slot()
        more = {"common": {"c": "c.npy"}, "init": "setup.py:setup"}
        self.assertEqual(slot.stage("m.py:f", {}, {"y": "string"}, **more), {"stage": 0, "seeds": True})
        self.assertEqual(slot.frame(1)[1][0].values, {"y": f"0 0 {self.folder}"})
        self.assertEqual((self.folder / "setup").read_text(), "0")

    def test_in_the_order_of_a_script(self):
        """Before and behind what the interpreter has, and some by name; what is not said comes last."""
        for folder in ("before", "after", "pinned", "."):
            for name in ("first", "statistics", "second", "third", "fourth"):
                self.write(f"{folder}/{name}.py", f"at = {folder!r}\n")
        (self.folder / "before/second.py").unlink()
        for folder in ("before", "after"):
            (self.folder / folder / "fourth.py").unlink()
        self.write(
            "pinned/m.py",
            "import os, first, second, third, fourth, statistics, timeit\n"
            "at = [getattr(module, 'at', None) for module in (first, second, third, fourth, statistics, timeit)]\n"
            "def f():\n    return f'{at} {os.environ.get(\"TASKFARM_MODULES\")}'\n",
        )
        self.write("before/timeit.py", "at = 'before'\n")
        pinned = {"m": str(self.folder / "pinned"), "third": str(self.folder / "pinned"), "timeit": ""}
        for before, after, expected in (
            (["before"], ["after"], ["before", "after", "pinned", ".", "before", None]),
            ([], ["after", "before"], ["after", "after", "pinned", ".", None, None]),
        ):
            folders = {"before": [str(self.folder / p) for p in before], "after": [str(self.folder / p) for p in after]}
            slot = self.slot(env={"TASKFARM_MODULES": json.dumps({**folders, "pinned": pinned})})
            slot.stage("m:f", {}, {"y": "string"})
            self.assertEqual(slot.frame(1)[1][0].values, {"y": f"{expected} None"})

    def test_of_a_pickle(self):
        self.write(
            "made.py",
            "import json, pickle, sys, beside\ntry:\n    import cloudpickle as pickle\nexcept ImportError: pass\n"
            "n = 5\nf = lambda x: beside.twice(n) + x\n"
            "open('f.pickle', 'wb').write(b'{\"taskfarm_pickle\": 1, \"folder\": \"%s\"}\\n' % sys.argv[1].encode() + pickle.dumps({'f': f}))\n",
        )
        self.write("lib/beside.py", "def twice(n):\n    return 2 * n\n")
        slot_host.subprocess.run(
            ["/usr/bin/python3", "made.py", str(self.folder / "lib")],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": "lib"},
            check=True,
        )
        slot = self.slot()
        self.assertEqual(slot.stage("f.pickle:f", X, INT), {"stage": 0, "seeds": False})
        self.assertEqual(slot.frame(1, {"x": [1]})[1][0].values, {"y": 11})
        self.assertEqual(slot.stage("f.pickle:g", X, INT, number=1)["failed"], "f.pickle has no g")

    def test_a_pickle_needs_cloudpickle(self):
        self.write("f.pickle", b"{}\nccloudpickle\nloads\n.")
        slot = self.slot(python=self.without("cloudpickle"))
        failed = slot.stage("f.pickle:f", X, INT)["failed"]
        self.assertIn("f.pickle needs the module cloudpickle, which ", failed)
        self.assertIn(" does not have; install it there", failed)

    def test_refusals(self):
        slot = self.slot()
        for number, (target, text, expected) in enumerate(
            (
                ("m.py:g", "def f(x): pass", "m.py has no g"),
                ("m.py:f.g", "def f(x): pass", "m.py has no f.g"),
                ("m.py:f", "f = 3", "m.py:f is no function: it is of type int"),
                ("none.py:f", "", "FileNotFoundError: [Errno 2] No such file or directory: '{}/none.py'"),
                ("no_module:f", "", "ModuleNotFoundError: No module named 'no_module'"),
                (
                    "m.py:f",
                    "def f(a, b, *, c): pass",
                    'f(a, b, *, c): the stage has no parameter "a", "b" and "c"; it has "x"',
                ),
                (
                    "m.py:f",
                    "async def f(x): pass",
                    "f(x) is an async function; call it by asyncio.run in a plain one",
                ),
                (
                    "m.py:f",
                    "def f(x): yield 1",
                    "f(x) is a generator: it has yield; a task's function returns its results",
                ),
                ("m.py:f", "def f(): pass", 'f(): the function does not take the stage\'s "x"'),
                (
                    "json.py:f",
                    "def f(x): pass",
                    "json.py has the name of a module of Python's own; give it another",
                ),
            )
        ):
            with self.subTest(expected):
                name = f"m{number}.py"
                self.write(name if target.startswith("m.py") else target.partition(":")[0], text) if text else None
                answer = slot.stage(target.replace("m.py", name), X, INT)
                expected = expected.replace("m.py", name).format(self.folder)
                self.assertEqual(answer, {"stage": 0, "failed": expected})

    def test_an_import_that_fails_says_where(self):
        failed = self.refused("m.py:f", {"m.py": "import deep\n", "deep.py": "def g():\n    1 / 0\n\ng()\n"})
        self.assertEqual(
            failed,
            f"""ZeroDivisionError: division by zero
Traceback (most recent call last):
  File "{self.folder}/m.py", line 1, in <module>
    import deep
  File "{self.folder}/deep.py", line 4, in <module>
    g()
  File "{self.folder}/deep.py", line 2, in g
    1 / 0
    ~~^~~
ZeroDivisionError: division by zero""",
        )
        self.assertEqual(
            self.refused("m.py:f", {"m.py": "import sys\nsys.exit('no')\n"}).partition("\n")[0], "SystemExit: no"
        )
        self.assertEqual(self.refused("m.py:f", {"m.py": "raise Exception('x' * 10000)\n"})[:13], "Exception: xx")

    def test_init_is_called_once_and_preload_before_it(self):
        self.write("other.py", "import m\ndef setup():\n    m.n += 1\n")
        slot = self.of(
            "import sys\nn = 'colorsys' in sys.modules\ndef setup():\n    global n\n    n += 10\ndef f(x):\n    return n\n",
            X,
            INT,
            init="setup",
            preload=["colorsys"],
        )
        self.assertEqual([row.values["y"] for row in slot.frame(2, {"x": [1, 2]})[1]], [11, 11])
        slot.stage("m.py:f", X, INT, number=1, init="other.py:setup")
        self.assertEqual(slot.frame(1, {"x": [1]}, stage=1)[1][0].values, {"y": 12})
        self.assertEqual(self.refused("m.py:f", init="nothing"), "m.py has no nothing")
        self.assertEqual(self.refused("m.py:f", preload=["nothing"]), "ModuleNotFoundError: No module named 'nothing'")

    def test_where_it_is_and_what_it_finds(self):
        slot = self.of(
            "import os, sys\ndef f():\n    return repr([sys.path[0], sys.path[1], sys.argv, os.getcwd(), os.environ['TASKFARM_STAGE'], sys.stdin.read()])",
            {},
            {"y": "string"},
        )
        here = str(self.folder)
        self.assertEqual(
            eval(slot.frame(1)[1][0].values["y"]), [str(slot_host.PACKAGE), here, ["m.py:f"], here, "s", ""]
        )

    def test_other_protocols_and_packets_are_refused(self):
        slot = self.slot(hello={"protocol": 99, "engine": "/usr/bin/taskfarm (9.0)"})
        self.assertEqual(
            slot.hello,
            {
                "error": "the engine /usr/bin/taskfarm (9.0) has protocol 99 with Python slots, and its package "
                f"{slot_host.PACKAGE}/taskfarm ({__version__}) protocol {PROTOCOL}; install both of one version"
            },
        )
        self.assertEqual(self.slot().ask({"greeting": 1}), {"error": "no packet: {'greeting': 1}"})
        self.assertEqual(self.slot().hello["hello"]["python"][:2], "3.")

    def test_neither_random_nor_numpy_is_imported_by_us(self):
        names = "sorted({'random', 'numpy', 'tempfile', 'cloudpickle'} & set(sys.modules))"
        slot = self.of(f"import sys\ndef f(x):\n    return str({names})", X, {"y": "string"})
        self.assertEqual(slot.frame(1, {"x": [1]})[1][0].values["y"], "[]")


class Calls(slot_host.SlotTest):
    """How a function is called."""

    def test_parameters_and_results_are_typed_cells(self):
        types = {"i": "int32", "x": "float32", "b": "bool", "s": "string", "u": "uint64"}
        slot = self.of("def f(i, x, b, s, u):\n    return {'i': i, 'x': x, 'b': b, 's': s, 'u': u}", types, types)
        given = {"i": [-5, 7], "x": [0.5, float("inf")], "b": [True, False], "s": ["", "äx€"], "u": [0, 2**64 - 1]}
        answer, rows = slot.frame(2, given)
        self.assertEqual(answer, {"frame": 2, "seeds": False})
        self.assertEqual([row.values for row in rows], [{n: v[i] for n, v in given.items()} for i in range(2)])

    def test_by_position_or_by_name(self):
        slot = self.slot()
        for number, text in enumerate(
            (
                "def f(a, b): return a - b",
                "def f(b, a): return a - b",
                "def f(a, b, /): return a - b",
                "def f(*, b, a): return a - b",
                "def f(a, other=0, b=9): return a - b + other",
                "def f(**rest): return rest['a'] - rest['b']",
                "def f(b, **rest): return rest['a'] - b",
                "def f(b, *more, a): return a - b",
                "import functools\nf = functools.partial(lambda c, a, b: a - b + c, 0)",
                "class F:\n    def __call__(self, a, b): return a - b\nf = F()",
                "class F:\n    def f(self, a, b): return a - b\nf = F().f",
                "class F:\n    @classmethod\n    def f(cls, a, b): return a - b\nf = F.f",
                "import operator\nf = operator.sub",
            )
        ):
            with self.subTest(text):
                self.write(f"m{number}.py", text)
                answer = slot.stage(f"m{number}.py:f", {"a": "int64", "b": "int64"}, INT, number=number)
                self.assertEqual(answer, {"stage": number, "seeds": False})
                rows = slot.frame(2, {"a": [5, 1], "b": [3, 2]}, stage=number)[1]
                self.assertEqual(rows[1].values, {"y": -1})

    def test_one_of_whose_parameters_nothing_is_known(self):
        slot = self.of("import math\nf = math.hypot", {"a": "float64", "b": "float64"}, {"y": "float64"})
        self.assertEqual(slot.frame(1, {"a": [3], "b": [4]})[1][0].values, {"y": 5})

    def test_names_that_are_no_identifiers(self):
        """Keywords, names from the header of a table, and those that are code: none of it runs."""
        names = ["lambda", "__debug__", "a b", "", "\ufb01", "fi", "'\"\\\n", "q=open('ran', 'w'), r", "x: 1}), open('ran', 'w')  #", "\udcff"]
        text = "def f(**rest):\n    return ascii(list(rest.items()))"
        slot = self.of(text, dict.fromkeys(names, "int64"), {"y": "string"})
        row = slot.frame(1, {name: [i] for i, name in enumerate(names)})[1][0]
        self.assertEqual((row.message, row.values), (None, {"y": ascii([(name, i) for i, name in enumerate(names)])}))
        columns = {"'] = open('ran', 'w')  #": "int64", "": "int64"}
        self.write("n.py", f"def g():\n    return dict.fromkeys({list(columns)}, 7)\n")
        slot.stage("n.py:g", {}, columns, number=1)
        self.assertEqual(slot.frame(1, stage=1)[1][0].values, dict.fromkeys(columns, 7))
        self.assertFalse((self.folder / "ran").exists())

    def test_implied_parameters_need_not_be_taken(self):
        params = {
            "x": "int64",
            "b_start": {"type": "int64", "implied": True},
            "b_count": {"type": "int64", "implied": True},
        }
        slot = self.of("def f(x, b_count):\n    return x + b_count", params, INT)
        self.assertEqual(slot.frame(1, {"x": [3], "b_start": [10], "b_count": [100]})[1][0].values, {"y": 103})

    def test_rows_that_are_set_apart_are_not_called(self):
        slot = self.of("import sys\ndef f(x):\n    print(x)\n    return x", X, INT)
        answer, rows = slot.frame(3, {"x": [1, 2, 3]}, apart=[0, 4, 0])
        self.assertEqual((answer["frame"], [row.out for row in rows]), (3, ["1\n", "", "3\n"]))

    def test_a_frame_ends_when_the_host_says_stop(self):
        slot = self.of(
            "import os, time\ndef f(x):\n    open(f'{x}', 'w')\n    while x == 2 and not os.path.exists('go'):\n        time.sleep(0.01)\n    return x",
            X,
            INT,
        )
        slot.send({"frame": slot.lay_out(5, {"x": range(5)})})
        self.wait_for((self.folder / "2").exists, "row 2 begins")
        self.assertEqual((slot.control[0], slot.control[7]), (2, 1))
        slot.control[2] = 1
        self.write("go", "")
        self.assertEqual((slot.receive(), len(slot.rows())), ({"frame": 3, "seeds": False}, 3))
        slot.control[2] = 0
        self.assertEqual([row.values["y"] for row in slot.frame(3, {"x": [7, 8, 9]})[1]], [7, 8, 9])

    def test_times(self):
        slot = self.of("import time\ndef f(x):\n    time.sleep(x / 100)\n    return x", X, INT, timeout=5)
        rows = slot.frame(3, {"x": [0, 3, 1]}, record=True)[1]
        self.assertTrue(0 <= rows[0].duration < 0.03 <= rows[1].duration, rows)
        self.assertLess(rows[0].start, rows[1].start)
        self.assertAlmostEqual(rows[2].start, slot_host.time.time(), delta=50)
        self.assertEqual(slot.control[1], 0)

    def test_times_of_short_tasks_are_shares_of_a_stride(self):
        slot = self.of("def f(x):\n    return x", X, INT)
        before = slot_host.time.time()
        rows = slot.frame(1000, {"x": range(1000)}, record=True)[1]
        after = slot_host.time.time()
        self.assertLess(len({row.start for row in rows}), 1000)
        for row in rows:
            self.assertTrue(before - 1 < row.start < after + 1 and 0 < row.duration < after - before + 1, row)
        self.assertLessEqual(sum(row.duration for row in rows), after - before + 1)

    def test_those_before_one_that_ends_the_process_have_times(self):
        slot = self.of("import os\ndef f(x):\n    if x == 500: os._exit(1)\n    return x", X, INT)
        slot.send({"frame": slot.lay_out(1000, {"x": range(1000)}, record=True)})
        slot.process.wait(60)
        rows = slot.rows()
        self.assertEqual(len(rows), 500)
        self.assertEqual([row for row in rows if not row.start or not row.duration], [])

    def test_long_packets(self):
        text = "def f(" + ", ".join(f"parameter_{i}" for i in range(4000)) + "):\n    return parameter_3999"
        slot = self.of(text, {f"parameter_{i}": "int8" for i in range(4000)}, INT)
        self.assertEqual(slot.frame(1, {f"parameter_{i}": [i % 100] for i in range(4000)})[1][0].values, {"y": 99})

    def test_what_a_task_knows_of_itself(self):
        slot = self.of(
            "import os, dataclasses\ndef f(x, task):\n"
            "    try:\n        task.index = 3\n    except AttributeError as error:\n        frozen = type(error).__name__\n"
            "    scratch = task.scratch\n    assert scratch == task.scratch and os.listdir(scratch) == []\n    open(scratch + '/left', 'w')\n"
            "    return repr([task.index, task.stage, task.attempt, task.seed, task.slot, task.inputs, task.outputs, frozen, scratch])",
            X,
            {"y": "string"},
            seeds=True,
        )
        prefix = f"{self.folder}/scratch-"
        rows = slot.frame(
            2,
            {"x": [1, 2]},
            first=40,
            attempt=2,
            seeds=[5, 2**64 - 1],
            inputs=["a.fits"],
            outputs={"b": ["c"]},
            scratch=prefix,
        )[1]
        for i, row in enumerate(rows):
            self.assertEqual(
                eval(row.values["y"]),
                [
                    40 + i,
                    "s",
                    2,
                    (5, 2**64 - 1)[i],
                    3,
                    ["a.fits"],
                    {"b": ["c"]},
                    "FrozenInstanceError",
                    f"{prefix}{40 + i}",
                ],
            )
        self.assertEqual(sorted(self.folder.glob("scratch-*")), [])

    def test_a_task_that_goes_to_another_folder_goes_alone(self):
        slot = self.of(
            "import os\nos.chdir('/')\ndef f(x):\n    if x == 1: os.chdir('/')\n"
            "    if x == 3:\n        os.mkdir('gone')\n        os.chdir('gone')\n        os.rmdir('../gone')\n"
            "    if x % 2 == 0: return os.getcwd()\n    return ''",
            X,
            {"y": "string"},
        )
        rows = slot.frame(5, {"x": range(5)})[1]
        self.assertEqual([row.values["y"] for row in rows], [str(self.folder), ""] * 2 + [str(self.folder)])

    def test_a_short_task_that_goes_to_another_folder_goes_alone(self):
        """However it goes there, and wherever it stands among those that are not watched."""
        slot = self.of(
            "import os\nhome = os.getcwd()\nroot = os.open('/', os.O_RDONLY)\ndef f(x):\n    was = os.getcwd() == home\n"
            "    if x % 100 == 7: os.chdir('/')\n    if x % 100 == 77: os.fchdir(root)\n    return was",
            X,
            {"y": "bool"},
        )
        for _ in range(2):  # in the second frame all but the first stride are known to be short
            rows = slot.frame(2000, {"x": range(2000)})[1]
            self.assertEqual([i for i, row in enumerate(rows) if not row.values["y"]], [])

    def test_a_scratch_folder_that_was_left_is_made_anew(self):
        self.write("scratch-0/left/by/another", "")
        slot = self.of("import os\ndef f(task):\n    return len(os.listdir(task.scratch))", {}, INT, seeds=True)
        row = slot.frame(1, seeds=[1], scratch=f"{self.folder}/scratch-")[1][0]
        self.assertEqual((row.values, row.message), ({"y": 0}, None))

    def test_machines_that_reorder_writes_get_a_fence_before_each_row(self):
        slot = self.of(
            "import taskfarm._slot.frame as frame\nframe.IS_ORDERED = False\nfences = []\n"
            "frame.fence = lambda: fences.append(frame)\ndef f(x):\n    return len(fences)",
            X,
            INT,
        )
        self.assertEqual([row.values["y"] for row in slot.frame(3, {"x": range(3)})[1]], [1, 2, 3])

    def test_a_parameter_of_the_name_task_is_the_stages(self):
        slot = self.of("def f(task, rng):\n    return task + rng", {"task": "int64", "rng": "int64"}, INT)
        self.assertEqual(slot.frame(1, {"task": [1], "rng": [2]})[1][0].values, {"y": 3})


class Failures(slot_host.SlotTest):
    """An exception of any kind is one attempt of one task."""

    def test_a_failing_row_is_one_row(self):
        slot = self.of("def f(x):\n    return 6 // x", X, INT)
        answer, rows = slot.frame(3, {"x": [1, 0, 3]})
        self.assertEqual(answer["frame"], 3)
        self.assertEqual(
            [row.message for row in rows], [None, "ZeroDivisionError: integer division or modulo by zero", None]
        )
        self.assertEqual([rows[0].values["y"], rows[2].values["y"]], [6, 2])
        self.assertEqual(
            rows[1].trace,
            f"""Traceback (most recent call last):
  File "{self.folder}/m.py", line 2, in f
    return 6 // x
           ~~^^~~
ZeroDivisionError: integer division or modulo by zero
""",
        )

    def test_of_every_kind(self):
        kinds = {
            "sys.exit(3)": "SystemExit: 3",
            "sys.exit('out of cheese')": "SystemExit: out of cheese",
            "sys.exit()": "SystemExit",
            "raise KeyboardInterrupt": "KeyboardInterrupt",
            "raise GeneratorExit('x')": "GeneratorExit: x",
            "raise BaseException('base')": "BaseException: base",
            "raise StopIteration": "StopIteration",
            "raise Local(1, 2)": "Local: (1, 2)",
            "raise Mute('x')": "Mute: (its text can't be had: its __str__ raises ZeroDivisionError)",
            "raise Rude('x')": "Rude: (its text can't be had: its __str__ raises SystemExit)",
            "return g(0)": "RecursionError: maximum recursion depth exceeded",
            "raise ValueError('a\\nb')": "ValueError: a\nb",
            "raise ValueError('nul \\0, half \\ud800')": "ValueError: nul \\0, half \\ud800",
            "raise ExceptionGroup('several', [ValueError(1)])": "ExceptionGroup: several (1 sub-exception)",
            "os.kill(os.getpid(), signal.SIGINT)": "KeyboardInterrupt",
            "h()": "TypeError: h() missing 1 required positional argument: 'a'",
            "raise MemoryError": "MemoryError",
        }
        lines = "".join(f"    if x == {i}:\n        {kind}\n" for i, kind in enumerate(kinds))
        slot = self.of(
            "import os, signal, sys\nclass Local(Exception):\n    def __init__(self, a, b): super().__init__(a, b)\n"
            "class Mute(Exception):\n    def __str__(self): 1 / 0\n"
            "class Rude(Exception):\n    def __str__(self): sys.exit(9)\n"
            f"def g(n):\n    return g(n + 1)\ndef h(a): pass\ndef f(x):\n{lines}    return x\n",
            X,
            INT,
        )
        answer, rows = slot.frame(len(kinds) + 1, {"x": range(len(kinds) + 1)})
        self.assertEqual(answer["frame"], len(kinds) + 1)
        for row, (kind, message) in zip(rows, kinds.items(), strict=False):
            with self.subTest(kind):
                self.assertEqual(row.message, message)
                self.assertIn(f'  File "{self.folder}/m.py", line ', row.trace)
                self.assertNotIn("_slot", row.trace)
        self.assertEqual((rows[-1].message, rows[-1].values), (None, {"y": len(kinds)}))

    def test_long_messages_are_cut_in_the_middle(self):
        slot = self.of("def f(x):\n    raise ValueError('ä' * x + 'end')", X, INT, message_bytes=1000)
        for size in (100, 10_000, 5_000_000):
            message = slot.frame(1, {"x": [size]})[1][0].message
            self.assertLess(len(message.encode()), 1100)
            self.assertEqual(
                ("bytes left out" in message, message[:13], message[-4:]), (size > 100, "ValueError: ä", "äend")
            )

    def test_an_error_has_its_causes(self):
        slot = self.of(
            "def f(x):\n    try:\n        {}['k']\n    except KeyError as error:\n        raise ValueError('no k') from error",
            X,
            INT,
        )
        row = slot.frame(1, {"x": [1]})[1][0]
        self.assertIn(
            "KeyError: 'k'\n\nThe above exception was the direct cause of the following exception:", row.trace
        )

    def test_a_child_that_comes_back_ends(self):
        slot = self.of(
            "import os, sys\ndef f(x):\n    print('before', end=' ')\n    pid = os.fork()\n    if pid == 0:\n        print('child')\n"
            "        if x == 1: raise ValueError('of the child')\n        if x == 2: sys.exit(7)\n        return -1\n"
            "    status = os.waitpid(pid, 0)[1]\n    return os.waitstatus_to_exitcode(status)",
            X,
            INT,
        )
        rows = slot.frame(4, {"x": range(4)})[1]
        self.assertEqual([(row.values["y"], row.message) for row in rows], [(0, None), (1, None), (7, None), (0, None)])
        self.assertEqual([row.out for row in rows], ["before child\n"] * 4)
        self.assertIn("ValueError: of the child", rows[1].err)

    def test_children_of_multiprocessing_and_threads_do_no_harm(self):
        slot = self.of(
            "import multiprocessing, subprocess, threading, time\ndef double(v): return 2 * v\n"
            "def forever():\n    while True: time.sleep(0.001)\n"
            "def f(x):\n    threading.Thread(target=forever).start()\n"
            "    with multiprocessing.get_context(('spawn', 'fork')[x % 2]).Pool(2) as pool:\n"
            "        made = sum(pool.map(double, range(x)))\n"
            "    return made + int(subprocess.check_output(['echo', '1']))",
            X,
            INT,
        )
        self.assertEqual([row.values["y"] for row in slot.frame(2, {"x": [3, 4]})[1]], [7, 13])
        self.assertEqual(slot.end(), 0)

    def test_a_process_that_ends_leaves_the_row_under_way(self):
        for death, expected in (
            ("os._exit(4)", 4),
            ("os.kill(os.getpid(), signal.SIGKILL)", -9),
            ("ctypes.string_at(0)", -signal.SIGSEGV),
        ):
            slot = self.of(
                f"import ctypes, os, signal\ndef f(x):\n    print('x is', x, end='')\n    if x == 2:\n        {death}\n    return x",
                X,
                INT,
            )
            slot.send({"frame": slot.lay_out(5, {"x": range(5)})})
            self.assertEqual(slot.process.wait(60), expected)
            said = os.pread(slot.fds[1], 65536, 0).decode()
            rows = slot.rows()
            self.assertEqual([(row.values["y"], row.out) for row in rows], [(0, "x is 0"), (1, "x is 1")])
            self.assertEqual("Fatal Python error: Segmentation fault" in said, expected == -signal.SIGSEGV)
            self.assertEqual(f'File "{self.folder}/m.py", line 5 in f' in said, expected == -signal.SIGSEGV)

    def test_it_ends_with_its_host(self):
        slot = self.of(
            "import atexit, threading, time\natexit.register(print, 'never')\ndef f(x):\n    threading.Thread(target=time.sleep, args=[1000]).start()\n    return x",
            X,
            INT,
        )
        slot.frame(1, {"x": [1]})
        self.assertEqual(slot.end(), 0)


class Output(slot_host.SlotTest):
    """What tasks print is theirs."""

    TEXT = """import os, sys, subprocess
def f(x):
    if x % 5 == 1:
        print("to", "out", x, end="")
    if x % 5 == 2:
        print("one", x, file=sys.stderr)
        os.write(1, b"by descriptor %d" % x)
    if x % 5 == 3:
        subprocess.run(["sh", "-c", "echo child; echo its error >&2"])
    if x % 5 == 4:
        sys.stdout.buffer.write(b"bytes \\xff" + str(x).encode())
        1 / 0
    return x
"""

    def check(self, x, row):
        out = ["", f"to out {x}", f"by descriptor {x}", "child\n", f"bytes \ufffd{x}"][x % 5]
        err = ["", "", f"one {x}\n", "its error\n", ""][x % 5]
        self.assertEqual((row.out, row.err, bool(row.trace)), (out, err, x % 5 == 4), x)

    def test_of_each_row(self):
        slot = self.of(self.TEXT, X, INT)
        for first in (0, 12):
            rows = slot.frame(12, {"x": range(first, first + 12)})[1]
            for x, row in enumerate(rows, first):
                self.check(x, row)

    def test_pythons_own_is_told_exactly_among_short_tasks(self):
        slot = self.of("import os\ndef f(x):\n    if x % 1000 == 500:\n        print(x)\n    return x", X, INT)
        for _ in range(2):
            rows = slot.frame(5000, {"x": range(5000)})[1]
            self.assertEqual(
                {x: row.out for x, row in enumerate(rows) if row.out}, {x: f"{x}\n" for x in range(500, 5000, 1000)}
            )

    def test_that_of_descriptors_is_some_near_rows_among_short_tasks(self):
        slot = self.of("import os\ndef f(x):\n    if x == 3000:\n        os.write(2, b'here')\n    return x", X, INT)
        rows = slot.frame(5000, {"x": range(5000)})[1]
        said = {x: row.err for x, row in enumerate(rows) if row.err}
        self.assertEqual(list(said.values()), ["here"])
        self.assertIn(*said, range(3000, 3064))

    def test_what_importing_prints_is_no_rows(self):
        slot = self.of("print('imported')\ndef f(x):\n    return x", X, INT)
        self.assertEqual(slot.frame(1, {"x": [1]})[1][0].out, "")

    def test_closed_and_replaced_streams(self):
        slot = self.of(
            "import contextlib, io, os, sys\ndef f(x):\n    if x == 1: sys.stdout.close()\n    if x == 2: os.close(1)\n"
            "    if x == 3: sys.stderr = io.StringIO()\n    if x == 4: print('kept', file=sys.stderr)\n"
            "    print(x)\n    return x",
            X,
            INT,
        )
        rows = slot.frame(6, {"x": range(6)})[1]
        self.assertEqual([bool(row.message) for row in rows], [False, True, True, False, False, False])
        self.assertEqual([row.out for row in rows], ["0\n", "", "2\n", "3\n", "4\n", "5\n"])
        self.assertEqual(rows[4].err, "kept\n")

    def test_each_finds_its_streams_whatever_others_have_done_with_theirs(self):
        """Of modules, too, as they are imported; among short tasks and in batches."""
        does = [
            "sys.stdout = None",
            "sys.stdout = sys.stderr = io.StringIO()",
            "del sys.stdout",
            "sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding='latin-1'); print('é')",
            "sys.stdout = kept = io.TextIOWrapper(sys.stdout.buffer); KEPT.append(kept); print('wrapped')",
            "sys.stdout.close()",
            "sys.stderr.detach()",
            "sys.stdout.buffer.detach()",
            "sys.stdout.reconfigure(encoding='utf-16', line_buffering=False, newline='\\r\\n')",
            "os.dup2(os.open('own', os.O_CREAT | os.O_WRONLY), 1)",
            "os.close(2)",
            "1 / 0",
        ]
        said = {3: "\ufffd\n", 4: "wrapped\n"}
        source = (
            f"import io, os, sys\nKEPT = []\nDOES = {does}\nsys.stdout = open('{self.folder}/mine', 'w')\n"
            "def f(x):\n    if x % 2: exec(DOES[x // 2 % len(DOES)])\n"
            "    else: print('out', x); print('err', x, file=sys.stderr)\n    return x\n"
            "def b(x):\n    return [f(i) for i in x]\n"
        )
        self.write("m.py", source)
        for function, batch in ("f", 0), ("b", 1):
            slot = self.slot()
            slot.stage(f"m.py:{function}", X, INT, batch=batch)
            for count in 2 * len(does), 2000:
                rows = slot.frame(count, {"x": range(count)})[1]
                for x, row in enumerate(rows):
                    n = x // 2 % len(does)
                    if x % 2:
                        self.assertEqual((row.out, row.err[-20:]), (said.get(n, ""), ""), does[n])
                    else:
                        self.assertEqual((row.out, row.err), (f"out {x}\n", f"err {x}\n"), f"after {does[n - 1]}")
                    self.assertEqual(bool(row.message), x % 2 == 1 and n == len(does) - 1, does[n])
            self.assertEqual(slot.end(), 0)


slot_host.farm.main()
