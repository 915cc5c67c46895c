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

# As much of a Quantity as map looks at.
QUANTITY = """
    import numpy as np, pandas as pd, xarray as xr
    class Quantity(np.ndarray):
        unit = "km"
        def to_value(self, unit): return np.asarray(self)
        def __float__(self): raise TypeError("only dimensionless scalar quantities can be converted to Python scalars")
        __index__ = __float__
    def km(*values): return np.array(values).view(Quantity)
    scalar = km(2.0).reshape(())
    class One(Quantity):
        unit = ""
    def one(*values): return np.array(values).view(One)
    def told(ask):
        try:
            print(ask())
        except (taskfarm.Error, TypeError, ValueError) as error:
            print(str(error).splitlines()[0])
    """


class Given(MapTest):
    def told(self, text, expected):
        """What is told of each of some expressions."""
        script = QUANTITY + text + "".join(f"\n    told(lambda: {expression})" for expression in expected)
        lines = self.python(script).stdout.splitlines()
        for line, (expression, one) in zip(lines, expected.items(), strict=True):
            self.assertEqual(line, one, expression)

    def test_units_and_indexes_of_spaces(self):
        """What does not go into a point is refused, with what to write; numbers of rows are not missed."""
        unit = 'a Quantity would lose its unit, km: say .to_value("km")'
        index = "is no column, and would be lost: say .reset_index(), which makes it one, or .reset_index(drop=True)"
        frame = "pd.DataFrame({'a': [1, 2, 3]}"
        self.told(
            "",
            {
                "taskfarm.product(a=km(1.0, 2.0))": f"a: {unit}",
                "taskfarm.product(a=[1.0, scalar])": f"a[1]: {unit}",
                "taskfarm.product(a=one(1.0, 2.0))": "product(a=[1, 2])",
                f"taskfarm.rows({frame}, index=['u', 'v', 'w']))": f"rows: the index {index}",
                f"taskfarm.rows({frame}).rename_axis('id'))": f"rows: the index 'id' {index}",
                f"taskfarm.rows({frame}).set_index(['a', 'a'], append=True))": f"rows: the index 'a', 'a' {index}",
                f"taskfarm.rows({frame}).query('a > 1'))": "rows(a=[2, 3])",
            },
        )

    def test_units_and_labels_of_common_values(self):
        unit = 'a Quantity would lose its unit, km: say .to_value("km")'
        index = "common: c: a DataFrame would lose its index: say .reset_index(), which makes it a column, or .reset_index(drop=True)"
        names = "common: c: names of columns are texts, each another one"
        table = """
    def f(x, c): return f"{type(c).__name__} {c}"
    class Odd:
        def __array__(self, *more): raise TypeError("not today")
    class Table:
        def __init__(self, **columns): self.columns, self.colnames = columns, list(columns)
        @property
        def iloc(self): raise ValueError("no indices")
        def as_array(self): return np.rec.fromarrays([*self.columns.values()], names=self.colnames)
    def common(c): return taskfarm.map(f, {"x": [1]}, common={"c": c}, output="c.h5", progress="none", results=str, rerun="code")[0].results["result"]
    """
        self.told(
            table,
            {
                "common(km(1.0, 2.0))": f"common: c: {unit}",
                "common(Odd())": "common: c: a Odd is no array: not today",
                "common(Table(n=np.array([1]), a=km(1.0, 2.0)))": f"common: c: column 'a': {unit}",
                "common(Table(a=np.array([None])))": "common: c: column 'a' is a ndarray of objects: leave it out, or give columns of numbers and texts for it",
                "common(Table(a=slice(3)))": "common: c: column 'a' is a slice: leave it out, or give columns of numbers and texts for it",
                "common([1.0, scalar])": f"common: c: {unit}",
                "common(pd.Series([1, 2]))": "common: c: a Series would lose its labels: say .to_numpy()",
                "common(xr.DataArray([1, 2]))": "common: c: a DataArray would lose its coordinates: say .values",
                "common(pd.DataFrame({'a': [1, 2]}, index=[1, 2]))": index,
                "common(pd.DataFrame({'a': [1, 2]}).rename_axis('id'))": index,
                "common(pd.DataFrame({1: [1, 2]}))": names,
                "common(pd.DataFrame([[1, 2]], columns=['a', 'a']))": names,
                "common({'a': 1})": "common: c: a dict of objects can't be shared: make it an array of numbers or texts, or a DataFrame",
                "common(3.5)": "float64 3.5",
                "common(one(1.5, 2.0))": "memmap [1.5 2. ]",
            },
        )

    def test_missing_common_values(self):
        """Of pandas: only floats may be missing; all other values are as they were, whatever of their types is nullable."""
        missing = "common: c: column 'c' has no value in row 1: only floats may be missing: fill or drop it"
        table = """
    import warnings
    from taskfarm._common import array_of
    def common(values, dtype):
        assert array_of("c", pd.array(values, dtype=dtype)).tolist() == array_of("c", pd.DataFrame({"c": pd.array(values, dtype=dtype)}))["c"][0].tolist()
        return f"{array_of('c', pd.array(values, dtype=dtype))!r}"
    def refused(values, dtype): return array_of("c", pd.DataFrame({"c": pd.array(values, dtype=dtype)}))
    def alone(values, dtype): return array_of("c", pd.array(values, dtype=dtype))
    warnings.simplefilter("error")
    """
        self.told(
            table,
            {
                "common([2**60 + 1, 2], 'Int64')": "array([1152921504606846977,                   2])",
                "common([True, False], 'boolean')": "array([ True, False])",
                "common(['a', 'b'], 'string')": "array(['a', 'b'], dtype='<U1')",
                "common([2**60 + 1, 2], 'category')": "array([1152921504606846977,                   2])",
                "common([1, 2], 'Float32')": "array([1., 2.], dtype=float32)",
                "alone([1.5, None], 'Float64')": "[1.5 nan]",
                "refused([2**60 + 1, None], 'Int64')": missing,
                "refused([True, None], 'boolean')": missing,
                "refused(['a', None], 'string')": missing,
                "refused(['a', None], 'category')": missing,
                "alone([2**60 + 1, None], 'Int64')": missing.replace("column 'c' ", ""),
                "common([1, 'a'], 'category')": "common: c: holds objects that are not all texts: convert it first",
                "refused([1, 'a'], 'category')": "common: c: column 'c' holds objects that are not all texts: convert it first",
            },
        )

    def test_units_and_labels_of_results(self):
        """Of the task that tells the types, of those whose types are declared, and of batches."""
        unit = 'a Quantity would lose its unit, km: say .to_value("km")'
        losses = {
            "km(1.0, 2.0)": unit,
            "pd.Series([1, 2])": "a Series would lose its labels: say .to_numpy()",
            "pd.DataFrame({'a': [1, 2]})": "a DataFrame would lose its labels: say .to_numpy()",
            "xr.DataArray([1.0, 2.0])": "a DataArray would lose its coordinates: say .values",
            "[scalar, 2.0]": unit,
        }
        text = f"""
    values = [{", ".join(losses)}, one(1.0, 2.0)]
    def messages(f, **more):
        run = taskfarm.map(f, {{"x": range(len(values))}}, output="r.h5", progress="none", rerun="code", **more)
        return [run[i].message for i in range(len(values))]
    def learned(value): taskfarm.map(lambda x: value, {{"x": [1]}}, output="l.h5", progress="none")
    """
        told = [f'column "result": {loss}' for loss in losses.values()]
        first = 'lambda[0] (x=1), which was to tell the types of results, failed: TypeError: '
        scalar = [f'column "result": {unit}'] * 6
        self.told(
            text,
            {
                "learned(values[0])": first + '"result": ' + unit,
                "learned(values[1])": first + '"result": ' + losses["pd.Series([1, 2])"],
                "learned(values[4])": first + unit,
                "learned(scalar)": first + '"result": ' + unit,
                "messages(lambda x: values[x], results=(float, (2,)))": str([*told, ""]),
                "messages(lambda x: scalar if x else xr.DataArray(1.0), results=float)": str(["", *scalar[1:]]),
                "messages(lambda x: scalar, results=int)": str(scalar),
                "messages(lambda x: km(*x), results=float, batch=6)": str(scalar),
                "messages(lambda x: one(*x), results=float, batch=6)": str([""] * 6),
            },
        )

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
            show([[1.0, 3.0], np.ma.masked_equal([1.0, 2.0], 2.0)])
            show(np.ma.masked_equal([1.0, 2.0], 3.0))
            """
        )
        lines = done.stdout.splitlines()
        text = "unsuitable-type common: c: 1 of 2 elements are masked, and tasks would see what is below: fill them, or give the mask as a common value, too False"
        self.assertEqual(lines, [text, text, text, "[3.0]"])

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

    def test_arrays_of_classes_of_their_own(self):
        """What a class makes of its elements is what tasks see, or it is refused; astropy's own class if it is there."""
        text = """
    class FITS_rec(np.recarray):
        def __getitem__(self, key):
            found = np.recarray.__getitem__(self, key)
            if key == "flag":
                return np.asarray(found) == ord("T")
            if key == "name":
                return np.char.array(np.char.decode(np.asarray(found)))
            return FITS_record(self, key) if isinstance(key, int) else found
        columns = property(lambda self: None)
    class FITS_record:
        def __init__(self, array, row): self.array, self.row = array, row
        def __getitem__(self, key): return self.array[key][self.row]
        def __len__(self): return 2
    raw = np.array([(84, b"ab ", 2**60 + 1), (70, b"c", 7)], dtype=[("flag", "i1"), ("name", "S3"), ("id", ">i8")])
    table = raw.view(FITS_rec)
    try:
        from astropy.io import fits
    except ImportError:
        real = table
    else:
        columns = [("flag", "L", [True, False]), ("name", "3A", ["ab ", "c"]), ("id", "K", raw["id"])]
        columns = fits.ColDefs([fits.Column(name, kind, array=np.array(a)) for name, kind, a in columns])
        fits.BinTableHDU.from_columns(columns).writeto("t.fits")
        with fits.open("t.fits") as file:
            real = file[1].data
    class Own(np.ndarray): pass
    class Double(np.ndarray):
        def __getitem__(self, key): return 2 * np.asarray(self)[key]
    def of(kind): return np.arange(3).view(kind)
    def common(c):
        run = taskfarm.map(lambda c: str(c.tolist()), common={"c": c}, output="c.h5", progress="none", results=str, fresh=True)
        return run[0].results["result"]
    def back(f, count=2, **more):
        run = taskfarm.map(f, {"x": range(count)}, output="r.h5", progress="none", fresh=True, **more)
        return run.frame.drop(columns=["x", "status"], errors="ignore").to_dict("list")
    """
        records = "[(True, 'ab', 1152921504606846977), (False, 'c', 7)]"
        columns = "{'flag': [True, False], 'name': ['ab', 'c'], 'id': [1152921504606846977, 7]}"
        rows = "rows(flag=[True, False], name=['ab', 'c'], id=[1152921504606846977, 7])"
        own = "common: c: a %s would be a plain array, without what its class does: say numpy.asarray(...)"
        self.told(
            text,
            {
                "common(table)": records,
                "common(real)": records,
                "common(real[1:])": "[(False, 'c', 7)]",
                "common(table[0])": records[1:].partition("), ")[0] + ")",
                "common(real[0])": records[1:].partition("), ")[0] + ")",
                "common([real[0], real[1]])": "common: c: rows of a table in a list would lose their types: give the table",
                "common(np.rec.array([(1, 2.5)], names='p,q'))": "[(1, 2.5)]",
                "common(np.char.array(['ab ', 'c']))": "['ab', 'c']",
                "common(raw['id'])": "[1152921504606846977, 7]",
                "common(np.matrix([[1, 2]]))": own % "matrix",
                "common([np.matrix([[1, 2]])])": own % "matrix",
                "common(of(Own))": own % "Own",
                "common(of(Double))": own % "Double",
                "taskfarm.rows(real)": rows,
                "taskfarm.product(a=of(Double))": "product(a=[0, 2, 4])",
                "taskfarm.product(a=np.char.array(['ab ', 'c']))": "product(a=['ab', 'c'])",
                "back(lambda x: real[x], 2)": columns,
                "back(lambda x: real[x], 2, batch=2)": columns,
                "back(lambda x: real[x], 2, batch=2, results={'flag': bool, 'name': str, 'id': int})": columns,
                "back(lambda x: of(Double)[:len(x)], 3, batch=3, results=int)": "{'result': [0, 2, 4]}",
                "back(lambda x: of(Double)[1:], 1)['result'][0].tolist()": "[2, 4]",
            },
        )

    def test_types_of_pandas(self):
        """Nullable ones, categories and texts: what has no value is missing, and nothing is rounded."""
        text = """
    ID = 2**60 + 1
    def nullable(*values, kind="Int64"): return pd.array([*values], dtype=kind)
    def frame(values): return pd.DataFrame({"a": values})
    def common(c):
        run = taskfarm.map(lambda c: str(c.a.tolist()), common={"c": frame(c)}, output="c.h5", progress="none", results=str, fresh=True)
        return run[0].results["result"]
    def back(f, **more):
        run = taskfarm.map(f, {"x": range(2)}, output="r.h5", progress="none", fresh=True, **more)
        return run[0].message or run.frame.iloc[:, -1].tolist()
    """
        empty = "column 'a' has no value in row 1: only floats may be missing"
        masked = "a[1] is masked: only floats may be missing, not int64: fill it, or leave the point out"
        fill = ": fill or drop it"
        first = "lambda[0] (x=0), which was to tell the types of results, failed: TypeError: "
        self.told(
            text,
            {
                "common(nullable(ID, 2))": "[1152921504606846977, 2]",
                "common(nullable(ID, None))": f"common: c: {empty}{fill}",
                "common(nullable(True, False, kind='boolean'))": "[True, False]",
                "common(nullable(True, None, kind='boolean'))": f"common: c: {empty}{fill}",
                "common(nullable(1.5, None, kind='Float64'))": "[1.5, nan]",
                "common(nullable('u', 'v', kind='string'))": "['u', 'v']",
                "common(nullable('u', None, kind='string'))": f"common: c: {empty}{fill}",
                "common(pd.Categorical([ID, 5]))": "[1152921504606846977, 5]",
                "common(pd.Categorical(['u', 'v']))": "['u', 'v']",
                "common(pd.Categorical([ID, None]))": f"common: c: {empty}{fill}",
                "common(pd.Categorical(['u', 'v'], ordered=True))": "common: c: column 'a' would lose the order of its categories: say .astype(str), or give the codes",
                "common(np.array(['2020-01-01'], 'M8[ns]'))": "[Timestamp('2020-01-01 00:00:00')]",
                "common(pd.to_datetime(['2020-01-01']).tz_localize('UTC'))": "common: c: column 'a' holds objects that are not all texts: convert it first",
                "taskfarm.map(lambda c: 1, common={'c': nullable(ID, None)}, output='c.h5')": "common: c: has no value in row 1: only floats may be missing: fill or drop it",
                "taskfarm.rows(frame(nullable(ID, 2)))": "rows(a=[1152921504606846977, 2])",
                "taskfarm.rows(frame(nullable(ID, None)))": f"rows: {empty}",
                "taskfarm.rows(frame(nullable(1.5, None, kind='Float64')))": "rows(a=[1.5, nan])",
                "taskfarm.rows(frame(pd.Categorical([ID, 5])))": "rows(a=[1152921504606846977, 5])",
                "taskfarm.product(a=nullable(ID, None))": masked,
                "taskfarm.product(a=frame(nullable(ID, None)).a)": masked,
                "back(lambda x: nullable(ID, None))": first + '"result": masked int64 are no values of a column; declare it in results= as float',
                "back(lambda x: [ID, None])": first + '"result": 1152921504606846977 stands among floats, where it would be rounded; declare it in results=',
                "back(lambda x: nullable(ID, None), results=(int, (2,)))": 'column "result": an array of int64 of shape (2,) has masked elements; fill them, or declare the column as float64',
                "back(lambda x: nullable(*x + ID), batch=2, results=int)": "[1152921504606846977, 1152921504606846978]",
                "back(lambda x: frame(nullable(*x + ID)), batch=2)": "[1152921504606846977, 1152921504606846978]",
                "back(lambda x: frame(nullable(*[i + ID for i in x[:-1]], None)), batch=2, results={'a': int})": 'column "a": an array of int64 of shape (1,) has masked elements; fill them, or declare the column as float64',
                "back(lambda x: frame(nullable(2, None)), batch=2, results={'a': float})": "[2.0, nan]",
            },
        )

    def test_a_misspelt_common_value(self):
        done = self.python(
            """
            def f(x, cat) -> float: return x
            def g(x, cat=None, **more) -> float: return x
            for function in (f, g):
                try:
                    taskfarm.map(function, {"x": [1]}, common={"cats": [1.0], "other": [2.0]}, progress="none")
                except taskfarm.ManifestError as error:
                    print(error.id, error)
            """
        )
        more = 'mismatch function: g(x, cat=None, **more) -> float; "cats" of common fits none: did you mean cat?; "other" of common fits none\n'
        text = 'mismatch function: f(x, cat) -> float: the stage has no parameter "cat"; it has "x"; "cats" of common fits none: did you mean cat?; "other" of common fits none\n'
        self.assertEqual(done.stdout, text + more)

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
