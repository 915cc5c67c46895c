"""taskfarm.map: what it is given as axes and as common values, with masks, and as tables of astropy."""

import subprocess

import farm
from map_test import PYTHON, MapTest

# As much of astropy's Table as map looks at; the real one may not be there.
TABLE = """
    import numpy as np
    class Table:
        def __init__(self, array): self.array, self.colnames = array, list(array.dtype.names)
        columns = {}
        def __array__(self, dtype=None): return np.asarray(self.array)
        def as_array(self): return self.array
        @property
        def iloc(self): raise ValueError("Cannot create TableLoc object with no indices")
    """


class Given(MapTest):
    @farm.first
    def test_masked_axes(self):
        """What is masked is NaN; integers and texts have none. What lies below a mask is never seen."""
        done = self.python(
            """
            import itertools
            import numpy as np
            ma, numbers = np.ma, itertools.count()
            def f(a) -> float: return a
            def show(space):
                try:
                    print(taskfarm.map(f, space, output=f"{next(numbers)}.h5", progress="none").dataset.result.values.tolist())
                except (taskfarm.Error, ValueError) as error:
                    print(error)
            show({"a": ma.masked_equal([1.0, 999.0, 2.0], 999.0)})
            show(taskfarm.zip(a=ma.masked_equal(np.float32([1.0, 999.0, 2.0]), 999.0)))
            show({"a": [1.0, ma.masked, 2.0]})
            show(ma.array([(1.0,), (999.0,), (2.0,)], mask=[(0,), (1,), (0,)], dtype=[("a", "f8")]))
            show({"a": ma.array([1.0, None, 2.0], mask=[0, 1, 0], dtype=object)})
            show({"a": ma.masked_equal([1.0, 2.0, 3.0], 999.0)[:1]})
            show({"a": ma.masked_equal([1, -99], -99)})
            show({"a": ma.array(["a", "zz"], mask=[0, 1])})
            class Masked(np.ndarray):  # as astropy.utils.masked has it
                unmasked, mask = np.array([1.0, 999.0]), np.array([False, True])
            print(taskfarm.product(a=np.array([1.0, 999.0]).view(Masked))[1])
            """
        )
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:5], ["[1.0, nan, 2.0]"] * 5)
        self.assertEqual(lines[5], "[1.0]")
        advice = "fill it, or leave the point out"
        self.assertEqual(lines[6], f"a[1] is masked: only floats may be missing, not int64: {advice}")
        self.assertEqual(lines[7], f"a[1] is masked: only floats may be missing, not <U2: {advice}")
        self.assertEqual(lines[8], "{'a': nan}")

    def test_masked_common_values(self):
        """They are refused, and nothing is left behind; without a masked element they are plain arrays."""
        done = self.python(
            """
            import numpy as np, os
            def f(x, c) -> float: return float(c.sum())
            def show(c, f=f):
                try:
                    print(taskfarm.map(f, {"x": [1]}, common={"c": c}, output="f.h5", progress="none").dataset.result.values.tolist())
                except taskfarm.Error as error:
                    print(error.id, error, os.path.exists("f.h5.map"))
            show(np.ma.masked_equal([1.0, 2.0], 2.0))
            show(np.ma.array([(1.0, 2, [3, 4])] * 2, mask=[(0, 0, [0, 1]), (0, 0, [0, 0])], dtype=[("a", "f8"), ("b", "i8"), ("c", "i8", 2)]))
            show(np.ma.masked_equal([1.0, 2.0], 3.0))
            """
        )
        lines = done.stdout.splitlines()
        text = "unsuitable-type common: c: 1 of 2 elements are masked, and tasks would see what is below: fill them, or give the mask as a common value, too False"
        self.assertEqual(lines, [text, text, "[3.0]"])

    def test_tables_of_astropy(self):
        """A table's columns are the fields of what the function gets."""
        done = self.python(
            TABLE
            + """
    def f(x, c) -> float: return c["ra"][x] + len(c)
    table = Table(np.array([(1.5, "a"), (2.5, "b")], dtype=[("ra", "f8"), ("name", "U1")]))
    print(taskfarm.map(f, {"x": [0, 1]}, common={"c": table}, progress="none").dataset.result.values.tolist())
    table.array = np.ma.array(table.array, mask=[(0, 0), (1, 0)])
    try:
        taskfarm.map(f, {"x": [0, 1]}, common={"c": table}, progress="none", output="g.h5")
    except taskfarm.ManifestError as error:
        print(error)
    try:
        import astropy.table
    except ImportError:
        print("[3.5, 4.5]")
    else:
        table = astropy.table.Table({"ra": [1.5, 2.5], "name": ["a", "b"]})
        print(taskfarm.map(f, {"x": [0, 1]}, common={"c": table}, progress="none", output="h.h5").dataset.result.values.tolist())
    """
        )
        lines = done.stdout.splitlines()
        self.assertEqual([lines[0], lines[2]], ["[3.5, 4.5]"] * 2)
        self.assertIn("common: c: 1 of 2 elements are masked", lines[1])

    def test_a_misspelt_common_value(self):
        done = self.python(
            """
            def f(x, cat) -> float: return x
            try:
                taskfarm.map(f, {"x": [1]}, common={"cats": [1.0], "other": [2.0]}, progress="none")
            except taskfarm.ManifestError as error:
                print(error.id, error)
            """
        )
        text = 'mismatch function: f(x, cat) -> float: the stage has no parameter "cat"; it has "x"; "cats" of common fits none: did you mean cat?; "other" of common fits none\n'
        self.assertEqual(done.stdout, text)

    def test_outputs_without_results(self):
        """The task that tells the types makes its file, too."""
        done = self.python(
            """
            def w(i, task):
                with open(task.outputs[0], "w") as file:
                    file.write(str(i))
                return i + 1
            for _ in range(2):
                run = taskfarm.map(w, {"i": range(3)}, outputs="out/{i}.txt", progress="none")
                print(run.state, run.dataset.result.values.tolist(), [open(f"out/{i}.txt").read() for i in range(3)])
            """
        )
        self.assertEqual(done.stdout.splitlines(), ["complete [1, 2, 3] ['0', '1', '2']"] * 2)

    def test_a_module_of_a_package(self):
        """python -m a.b.main, with relative imports at the top and within the function."""
        self.write("a/__init__.py", "")
        self.write("a/b/__init__.py", "")
        self.write("a/b/util.py", "def twice(x): return 2 * x\n")
        self.write("a/other.py", "def more(x): return x + 1\n")
        self.write(
            "a/b/main.py",
            "import taskfarm\nfrom .util import twice\n"
            "def g(x) -> float:\n    from ..other import more\n    return more(twice(x))\n"
            "print(taskfarm.map(g, {'x': [1, 2]}, progress='none', output='g.h5').dataset.result.values.tolist())\n",
        )
        command = [PYTHON, "-m", "a.b.main"]
        self.last = farm.line_of(command, self.folder)
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=self.limit
        )
        self.assertEqual([done.returncode, done.stdout], [0, "[3.0, 5.0]\n"], done.stderr)


farm.main()
