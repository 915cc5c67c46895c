"""taskfarm.map: which edits of a script and of what lies beside it are noticed, and what of a script goes by value."""

import subprocess
import textwrap

import farm
from map_test import PYTHON, MapTest

# Scripts whose f(x) gives @ times x. Each is run with two values of @.
EDITS = {
    "the wrapper of a decorated function": """
        import functools
        def times(f):
            @functools.wraps(f)
            def wrapper(*given, **named): return FACTOR * f(*given, **named)
            return wrapper
        @times
        def f(x) -> int: return x
        """,
    "a global of a method": """
        K = FACTOR
        class Model:
            def value(self, x): return x * K
        model = Model()
        def f(x) -> int: return model.value(x)
        """,
    "a function that a method calls": """
        def helper(x): return FACTOR * x
        class Model:
            @staticmethod
            def value(x): return helper(x)
        def f(x) -> int: return Model().value(x)
        """,
    "a global of a property": """
        K = FACTOR
        class Model:
            @property
            def factor(self): return K
        def f(x) -> int: return Model().factor * x
        """,
    "an attribute of a class": """
        class Settings:
            factor = 1
        Settings.factor = FACTOR
        def f(x) -> int: return Settings.factor * x
        """,
    "an attribute of a function": """
        def f(x) -> int: return f.factor * x
        f.factor = FACTOR
        """,
    "a cached function": """
        import functools
        @functools.lru_cache
        def f(x) -> int: return FACTOR * x
        """,
    "a cached function that another calls, and itself": """
        import functools
        @functools.cache
        def times(n, x): return 0 if n == 0 else times(n - 1, x) + FACTOR * x
        def f(x) -> int: return times(1, x)
        """,
    "a cached property": """
        import functools
        class Model:
            @functools.cached_property
            def factor(self): return FACTOR
            @functools.lru_cache
            def value(self, x): return self.factor * x
        f = Model().value
        """,
    "a module beside, imported within": """
        open("factor.py", "w").write("K = FACTOR")
        def f(x) -> int:
            import factor
            return factor.K * x
        """,
    "a module beside, imported within a method": """
        open("factor.py", "w").write("K = FACTOR")
        class Model:
            def value(self, x):
                from factor import K
                return K * x
        def f(x) -> int: return Model().value(x)
        """,
    "what a module beside imports a value from": """
        open("values.py", "w").write("K = FACTOR")
        open("factor.py", "w").write("from values import K\\ndef times(x): return K * x")
        import factor
        def f(x) -> int: return factor.times(x)
        """,
}
SEALS = """
import runpy
from taskfarm._function import target_of
for number in range({count}):
    try:
        print(target_of(runpy.run_path(f"edit{{number}}.py", run_name="__main__")["f"]).seal)
    except taskfarm.Error as error:
        print(error)
"""


class Code(MapTest):
    def seals_of(self, factor):
        """Of the code of each, as another process has it."""
        for number, script in enumerate(EDITS.values()):
            self.write(f"edit{number}.py", textwrap.dedent(script).replace("FACTOR", str(factor)))
        return self.python(SEALS.format(count=len(EDITS))).stdout.splitlines()

    def test_edits_are_noticed(self):
        """And where nothing is edited the code is the same in each process."""
        one, same, edited = self.seals_of(2), self.seals_of(2), self.seals_of(3)
        self.assertEqual(one, same)
        for what, seal, other in zip(EDITS, one, edited, strict=True):
            with self.subTest(what):
                self.assertRegex(seal, "^[0-9a-f]{64}$")
                self.assertNotEqual(seal, other)

    @farm.first
    def test_rows_are_kept_with_a_warning(self):
        """Or made anew, the first one too."""
        for what in ("the wrapper of a decorated function", "a module beside, imported within"):
            script = textwrap.dedent(EDITS[what])
            more = """
                import sys, warnings
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    again = {"rerun": "code"} if "again" in sys.argv else {}
                    run = taskfarm.map(f, taskfarm.product(x=[1, 2]), progress="none", **again)
                print(run.dataset.result.values.tolist(), [w.category.__name__ for w in caught])
                """
            (self.folder / "f.h5").unlink(missing_ok=True)
            for factor, again, told in (2, "", "[2, 4] []"), (3, "", "[2, 4] ['CodeChangedWarning']"), (3, "again", "[3, 6] []"):
                text = (script + textwrap.dedent(more)).replace("FACTOR", str(factor)).replace("sys.argv", repr(again))
                self.assertEqual(self.python(text).stdout.strip(), told, what)

    def test_caches_go_along(self):
        """Of the function itself, of one that calls itself, of a method and of a property."""
        done = self.python(
            """
            import functools
            @functools.lru_cache
            def f(n): return n if n < 2 else f(n - 1) + f(n - 2)
            class Model:
                @functools.cached_property
                def factor(self): return 3
                @functools.lru_cache(maxsize=5, typed=True)
                def value(self, n): return self.factor * n + f(n)
            for number, function in enumerate((f, Model().value, functools.cache(lambda n: -n))):
                print(taskfarm.map(function, taskfarm.product(n=[2, 30]), results=int, progress="none", output=f"o{number}.h5").frame.result.tolist())
            """
        )
        self.assertEqual(done.stdout.splitlines(), ["[1, 832040]", "[7, 832130]", "[-2, -30]"])

    def test_what_goes_by_a_name_of_the_script_alone(self):
        """It is named before anything runs."""
        done = self.python(
            """
            class Tool:
                def __init__(self): self.__qualname__ = "tool"
                def __reduce_ex__(self, protocol): return "tool"
            tool = Tool()
            def f(x): return tool
            try:
                taskfarm.map(f, taskfarm.product(x=[1]), results=float, output="x.h5")
            except taskfarm.ManifestError as error:
                print(error.id, error)
            """
        )
        self.assertEqual(
            done.stdout,
            'unsuitable-type f can\'t be sent to other processes: it takes "tool", a Tool (it is pickled by its name, tool, in '
            "the script): make it within the function, or in init=\n",
        )
        self.assertEqual([path.name for path in self.folder.glob("x.h5*")], [])

    def test_arrays_that_go_along_with_something_else(self):
        """They are refused as those that a function takes itself."""
        done = self.python(
            """
            import dataclasses, functools, types
            import numpy as np
            from taskfarm._function import target_of
            A, small = np.zeros(200_000), [np.zeros(1000)] * 2
            tables, rows = {"psf": [1, A]}, ((2, A),)
            rows_of_rows = [small]; rows_of_rows.append(rows_of_rows)
            @dataclasses.dataclass(slots=True)
            class Data: table: object
            data = Data(A)
            class Settings: table = A
            class Model(Settings):
                def __init__(self): self.x = 1
                def value(self, x): return x
            class Tool:
                @property
                def table(self): return A
                def value(self, x): return self.table
            def in_dict(x): return tables
            def in_tuple(x): return rows
            def in_object(x): return data
            def in_class(x): return Settings.table
            def by_method(x): return Tool().value(x)
            def by_function(x): return in_dict(x)
            def attribute(x): return x
            attribute.table = A
            def default(x, pair=(1, A)): return x
            def little(x): return rows_of_rows
            for f in (in_dict, in_tuple, in_object, in_class, by_method, by_function, attribute, default, Model().value, functools.partial(little, x=[A]), little):
                try:
                    target_of(f)
                except taskfarm.ManifestError as error:
                    print(error.id, str(error).split(", an array of 1.6 MB, with it into each process: give it as "))
            """
        )
        ways = {
            "in_dict": ("tables['psf'][1]", "psf"),
            "in_tuple": ("rows[0][1]", "rows"),
            "in_object": ("data.table", "table"),
            "in_class": ("Settings.table", "table"),
            "by_method": ("A", "A"),
            "by_function": ("tables['psf'][1]", "psf"),
            "attribute": ("attribute.table", "table"),
            "default": ("pair[1]", "pair"),
            "Model.value": ("self.table", "table"),
        }
        told = [f"""too-large {[f'{f} takes "{way}"', f"common={{'{name}': {way}}} and let the function have a parameter {name}"]}""" for f, (way, name) in ways.items()]
        self.assertEqual(done.stdout.splitlines()[:-1], told)
        self.assertTrue(done.stdout.endswith("""takes "x[0]"', "common={'x': x[0]} and let the function have a parameter x"]\n"""), done.stdout)

    def test_large_tables_and_labelled_arrays(self):
        """Are refused, too, with what can be a common value of them."""
        lines = self.python(
            """
            import numpy as np, pandas as pd, xarray as xr
            from taskfarm._function import target_of
            class Table:  # as much of astropy's as is looked at
                as_array, colnames = None, ["a", "b"]
                def __init__(self): self.columns = {"a": np.zeros(100_000), "b": np.zeros(100_000)}
            Table.__module__ = "astropy"
            labelled, series, frame, table = xr.DataArray(np.zeros(200_000)), pd.Series(np.zeros(200_000)), pd.DataFrame({"a": np.zeros(200_000)}), Table()
            indexed, matrix = frame.iloc[::-1], np.asmatrix(np.zeros(200_000))
            for f in (lambda x: labelled, lambda x: series, lambda x: frame, lambda x: table, lambda x: indexed, lambda x: matrix):
                try:
                    target_of(f)
                except taskfarm.ManifestError as error:
                    print(str(error).partition(", an array of 1.6 MB, with it into each process: ")[2])
            """
        ).stdout.splitlines()
        ways = {"labelled": "labelled.values", "series": "series.to_numpy()", "frame": "frame", "table": "table"}
        ways |= {"indexed": "indexed.reset_index()", "matrix": "numpy.asarray(matrix)"}
        self.assertEqual(lines, [f"give it as common={{'{name}': {way}}} and let the function have a parameter {name}" for name, way in ways.items()])

    def test_tracebacks_have_the_file_and_its_lines(self):
        """Whatever cloudpickle writes of where code stands."""
        script = """
            import cloudpickle, sys, types
            made = sys.modules[cloudpickle.CloudPickler.__module__]
            reduce = made.CloudPickler.dispatch_table[types.CodeType]
            def forgetful(code):
                make, said = reduce(code)
                return make, tuple("<dynamic-code>" if part == code.co_filename else part for part in said)
            made.CloudPickler.dispatch_table = made.CloudPickler.dispatch_table.new_child({types.CodeType: forgetful})
            def inner(x): return 1 / x
            def f(x): return inner(x)
            print(taskfarm.map(f, {"x": [0]}, results=float, progress="none")[0].traceback)
            """
        told = self.python(script).stdout
        for line in ("def f(x): return inner(x)", "def inner(x): return 1 / x"):
            self.assertIn(f'{self.folder.resolve()}/script.py", line ', told)
            self.assertIn(f"\n    {line}\n", told)

    def test_tracebacks_name_the_cells_of_notebooks(self):
        cells = """
            from IPython.core.interactiveshell import InteractiveShell
            shell = InteractiveShell.instance()
            shell.run_cell("import taskfarm\\ndef inner(x):\\n    return 1 / x", store_history=True)
            shell.run_cell("print(taskfarm.map(lambda x: inner(x), {'x': [0]}, results=float, progress='none', output='c.h5')[0].traceback)", store_history=True)
            """
        lines = [line for line in self.python(cells).stdout.splitlines() if line.startswith("  File ")]
        self.assertEqual(lines, ['  File "Cell In[2]", line 1, in <lambda>', '  File "Cell In[1]", line 3, in inner'])

    def test_the_order_of_a_dict_counts(self):
        """For a function may go through it; that of a set is no order."""
        seals = self.python(
            """
            from taskfarm._function import target_of
            def f(x): return table
            for table in ({1: 2, 3: 4}, {3: 4, 1: 2}, set("abc"), set("cba")):
                print(target_of(f).seal)
            """
        ).stdout.splitlines()
        self.assertEqual([seals[0] == seals[1], seals[2] == seals[3]], [False, True])


PACKAGE = {
    "pack/__init__.py": "",
    "pack/factor.py": "K = 2\ndef times(x): return K * x\n",
    "pack/deep/__init__.py": "",
    "pack/deep/main.py": """
import sys, warnings
import taskfarm
from ..factor import times
def f(x) -> int: return times(x)
def within(x) -> int:
    from ..factor import K
    from .. import factor
    return K * x + factor.K
if __name__ == "__main__":
    for function in (f, within, times):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            run = taskfarm.map(function, {"x": [1, 2]}, progress="none", results=int)
        print(run.frame.result.tolist(), len(caught))
""",
}
SPAWN = """
import multiprocessing, sys
import taskfarm
class Model:
    factor = 2
def f(x) -> int: return Model.factor * x
def job(number):
    run = taskfarm.map(f, {"x": [1, 2]}, output=f"{sys.argv[1]}.h5", progress="none")
    return run.frame.result.tolist(), str(run)
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        print(pool.map(job, [1])[0][0])
    print(job(2))
"""


class Main(MapTest):
    """The script's module, however it was started."""

    def run_python(self, *arguments):
        done = subprocess.run([PYTHON, *arguments], cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=self.limit)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        return done.stdout

    @farm.first
    def test_a_module_of_a_package(self):
        """By python -m: what it imports relative to it is found, and is code."""
        for name, content in PACKAGE.items():
            self.write(name, content)
        self.assertEqual(self.run_python("-m", "pack.deep.main"), "[2, 4] 0\n[4, 6] 0\n[2, 4] 0\n")
        self.write("pack/factor.py", PACKAGE["pack/factor.py"].replace("2", "5"))
        self.assertEqual(self.run_python("-m", "pack.deep.main"), "[2, 4] 1\n[4, 6] 1\n[2, 4] 1\n")

    def test_the_current_folder_was_another_one(self):
        """When the modules were imported that a function uses, also of python -c, which finds them in the current folder."""
        self.write("beside.py", "def thrice(x) -> int: return 3 * x\n")
        (self.folder / "else").mkdir()
        text = """
import os, beside, taskfarm
def uses(x) -> int: return beside.thrice(x)
def imports(x) -> int:
    import beside
    return beside.thrice(x)
os.chdir("else")
for f in (uses, imports, beside.thrice):
    print(taskfarm.map(f, {"x": [1, 2]}, progress="none").frame.result.tolist())
"""
        self.assertEqual(self.run_python("-c", text), "[3, 6]\n" * 3)

    def test_a_module_elsewhere(self):
        """It counts with what it imports from beside it, where a folder here merely has its name, too: of a function of it, and of
        one of the script."""
        (self.folder / "measure").mkdir()
        for name in ("measure", "late"):
            self.write(f"other/{name}.py", "import helper\ndef f(x) -> int: return helper.K * x\n")
        self.write(
            "script/script.py",
            """
import sys
from taskfarm._function import target_of
sys.path.append("other")
import measure
from measure import f as same
class Model:
    factor = measure.f
def uses(x) -> int: return measure.f(x)
def names(x) -> int: return same(x)
def has(x) -> int: return Model.factor(x)
def imports(x) -> int:
    import late
    return late.f(x)
for f in (measure.f, uses, names, has, imports):
    print(target_of(f).seal)
""",
        )
        seals = []
        for k in (2, 2, 3):
            self.write("other/helper.py", f"K = {k}\n")
            seals.append(self.run_python("script/script.py").split())
        self.assertEqual(seals[0], seals[1])
        self.assertEqual([one == other for one, other in zip(seals[0], seals[2], strict=True)], [False] * 5)

    def test_processes_of_multiprocessing(self):
        """Go on with what others have begun: their script is the same."""
        self.write("mp.py", SPAWN)
        for method in ("fork", "spawn"):
            self.assertEqual(self.run_python("mp.py", method), f"[2, 4]\n([2, 4], '{method}.h5: 2 done')\n")


farm.main()
