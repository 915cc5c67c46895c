"""What functions of a Python slot may return, for which columns, and what is said of what does not fit."""

import math
import struct

import numpy as np
import slot_host

HEADER = """import array, collections, dataclasses, decimal, fractions, math, pathlib, typing
import numpy as np
NaN = math.nan
@dataclasses.dataclass
class Data:
    a: int
    b: float = 0.5
class Pair(typing.NamedTuple):
    a: int
    b: float
class Sequence:
    def __init__(self, *items): self.items = items
    def __len__(self): return len(self.items)
    def __getitem__(self, i): return self.items[i]
class Angry(dict):
    def __getitem__(self, key): raise ValueError("not today")
"""


class Results(slot_host.SlotTest):
    def returned(self, columns, expressions):
        """What has become of each expression: a row."""
        self.write(
            "m.py",
            HEADER + "def f(k):\n" + "".join(f"    if k == {k}: return {e}\n" for k, e in enumerate(expressions)),
        )
        slot = self.slot()
        self.assertEqual(
            slot.stage("m.py:f", {"k": "int64"}, columns, seed_globals=False), {"stage": 0, "seeds": False}
        )
        answer, rows = slot.frame(len(expressions), {"k": range(len(expressions))})
        self.assertEqual(answer["frame"], len(expressions))
        return rows

    def check(self, columns, table):
        """A table of expressions and what is stored of them: the value of the only column, values by name, or an error's text."""
        for row, (expression, expected) in zip(self.returned(columns, table), table.items(), strict=True):
            with self.subTest(expression):
                if isinstance(expected, Error):
                    self.assertEqual(row.message, expected.text)
                    continue
                self.assertEqual(row.message, None)
                if not isinstance(expected, dict):
                    expected = {next(iter(columns)): expected}
                self.assertEqual(repr(row.values), repr(expected))

    def test_records(self):
        two = {"a": 3, "b": 0.5}
        self.check(
            {"a": "int64", "b": "float64"},
            {
                "{'a': 3, 'b': 0.5}": two,
                "{'b': 0.5, 'other': print, 'a': 3}": two,
                "Data(3)": two,
                "Pair(3, .5)": two,
                "collections.OrderedDict(a=3, b=.5)": two,
                "collections.ChainMap({'a': 3}, {'b': .5})": two,
                "np.array([(3, .5)], [('a', 'i2'), ('b', 'f4')])[0]": two,
                "np.rec.array([(3, .5)], dtype=[('a', 'i2'), ('b', 'f4')])[0]": two,
                "{'a': np.int64(3), 'b': np.float64(.5)}": two,
                "{'a': np.uint8(3), 'b': np.float32(.5)}": two,
                "{'a': np.array(3), 'b': np.array(.5)}": two,
                "{'a': 3}": Error('column "b" is missing in what the function returned; it has "a"'),
                "{}": Error('column "a" is missing in what the function returned; it is empty'),
                "{i: 0 for i in 'bcdefghijkl'}": Error(
                    'column "a" is missing in what the function returned; it has "b", "c", "d", "e", "f", "g", "h", "i", ...'
                ),
                "None": Error('the function returned None, expected a dict with "a", "b"'),
                "(3, .5)": Error('the function returned a tuple of 2, expected a dict with "a", "b"'),
                "[3, .5]": Error('the function returned a list of 2, expected a dict with "a", "b"'),
                "3": Error('the function returned 3, expected a dict with "a", "b"'),
                "Data": Error('the function returned a type, expected a dict with "a", "b"'),
                "np.zeros(3)": Error(
                    'the function returned an array of float64 of shape (3,), expected a dict with "a", "b"'
                ),
                "Angry(a=1)": Error("ValueError: not today"),
                "{'a': 2.0, 'b': 1}": Error('column "a": 2.0 is a float, no int64; declare the column as float64, which keeps the rows that are done'),
                "{'a': 2, 'b': 1}": {"a": 2, "b": 1.0},
                "{'a': 2, 'b': None}": {"a": 2, "b": math.nan},
            },
        )

    def test_of_one_column(self):
        self.check(
            {"a": "int64"},
            {
                "3": 3,
                "{'a': 4}": 4,
                "Pair(5, 0)": 5,
                "Data(6)": 6,
                "np.int8(-7)": -7,
                "np.array(8)": 8,
                "2**63 - 1": 2**63 - 1,
                "-2**63": -(2**63),
                "2**63": Error('column "a": 9223372036854775808 is beyond int64'),
                "{'a': 2**63}": Error('column "a": 9223372036854775808 is beyond int64'),
                "{'b': 3}": Error('column "a" is missing in what the function returned; it has "b"'),
                "True": Error('column "a": True is a bool, no int64; return int(...), or declare the column as bool'),
                "np.bool_(1)": Error(
                    'column "a": True is a bool, no int64; return int(...), or declare the column as bool'
                ),
                "3.0": Error('column "a": 3.0 is a float, no int64; declare the column as float64, which keeps the rows that are done'),
                "np.float32(2.5)": Error('column "a": 2.5 is a float, no int64; declare the column as float64, which keeps the rows that are done'),
                "None": Error('column "a": None is no int64; declare the column as float64, where it is NaN'),
                "np.ma.array(3, mask=True)": Error(
                    'column "a": a masked value is no int64; declare the column as float64, where it is NaN'
                ),
                "'3'": Error('column "a": "3" is no int64'),
                "decimal.Decimal(3)": Error('column "a": a Decimal is no int64'),
                "[3]": Error('column "a": a list of 1, expected a number; a column that takes arrays has a "shape"'),
                "np.array([3])": Error(
                    'column "a": an array of int64 of shape (1,), expected a number; a column that takes arrays has a "shape"'
                ),
                "f": Error('column "a": a function is no int64'),
            },
        )

    def test_floats(self):
        self.check(
            {"a": "float64"},
            {
                "1.5": 1.5,
                "3": 3.0,
                "None": math.nan,
                "NaN": math.nan,
                "-math.inf": -math.inf,
                "{'a': None}": math.nan,
                "np.float32(.5)": 0.5,
                "np.int8(3)": 3.0,
                "np.array(2.5)": 2.5,
                "fractions.Fraction(1, 4)": 0.25,
                "decimal.Decimal('2.5')": 2.5,
                "1j": Error('column "a": 1j is no float64'),
                "True": Error('column "a": True is no float64'),
                "np.True_": Error('column "a": True is no float64'),
                "'1.5'": Error('column "a": "1.5" is no float64'),
                "b'1'": Error("column \"a\": b'1' is no float64"),
                "np.longdouble(1) / 4": 0.25,
                "np.longdouble(2) ** 2000": Error(f'column "a": {str(np.longdouble(2) ** 2000)} is beyond float64'),
                "decimal.Decimal('1e400')": Error("column \"a\": Decimal('1E+400') is beyond float64"),
                "decimal.Decimal('inf')": math.inf,
                "np.longdouble('-inf')": -math.inf,
                "np.ma.masked": math.nan,
                "np.ma.array(2.5, mask=True)": math.nan,
                "np.ma.array([2, 3], mask=[1, 0])[0]": math.nan,
                "np.ma.array(3)": 3.0,
                "10**400": Error(f'column "a": 1{"0" * 59}... is beyond float64'),
                "np.zeros(0)": Error(
                    'column "a": an array of float64 of shape (0,), expected a number; a column that takes arrays has a "shape"'
                ),
                "object()": Error('column "a": a object is no float64'),
            },
        )
        self.check(
            {"a": "float32"},
            {
                "0.1": struct.unpack("f", struct.pack("f", 0.1))[0],
                "1e300": Error('column "a": 1e+300 is beyond float32; declare the column as float64'),
                "math.inf": math.inf,
                "3.4028234e38": 3.4028234663852886e38,
                "NaN": math.nan,
            },
        )

    def test_small_integers_and_bools(self):
        self.check(
            {"a": "uint8"},
            {
                "255": 255,
                "256": Error('column "a": 256 is beyond uint8; declare it wider'),
                "-1": Error('column "a": -1 is beyond uint8; declare it wider'),
                "np.int64(300)": Error('column "a": 300 is beyond uint8; declare it wider'),
            },
        )
        self.check(
            {"a": "uint64"},
            {"2**64 - 1": 2**64 - 1, "2**64": Error('column "a": 18446744073709551616 is beyond uint64')},
        )
        self.check(
            {"a": "bool"},
            {
                "True": True,
                "np.int64(1)": True,
                "np.int8(2)": Error('column "a": 2 is no bool'),
                "np.ma.array(True, mask=True)": Error(
                    'column "a": a masked value is no bool; declare the column as float64, where it is NaN'
                ),
                "{'a': False}": False,
                "np.bool_(1)": True,
                "np.array(False)": False,
                "1": True,
                "0": False,
                "2": Error('column "a": 2 is no bool'),
                "1.0": Error('column "a": 1.0 is no bool'),
                "None": Error('column "a": None is no bool'),
                "'yes'": Error('column "a": "yes" is no bool'),
            },
        )

    def test_strings_and_bytes(self):
        self.check(
            {"a": "string"},
            {
                "'ä'": "ä",
                "''": "",
                "'x' * 100000": "x" * 100000,
                "np.str_('n')": "n",
                "np.array('n')": "n",
                "np.array('n', dtype=object)": "n",
                "{'a': 'b'}": "b",
                "b'x'": Error("column \"a\": b'x' is no string; decode it, or declare the column as bytes"),
                "3": Error('column "a": 3 is no string'),
                "None": Error('column "a": None is no string'),
                "pathlib.Path('x')": Error('column "a": a PosixPath is no string'),
                r"'\ud800'": Error('column "a": \'\\ud800\' is not UTF-8; use type "bytes"'),
                r"'a\0b'": Error('column "a": \'a\\x00b\' holds a NUL byte; use type "bytes"'),
            },
        )
        self.check(
            {"a": "bytes"},
            {
                r"b'\0\xff'": b"\0\xff",
                "bytearray(b'x')": b"x",
                "memoryview(b'y')": b"y",
                "'ä'": "ä".encode(),
                "np.arange(2, dtype='i2')": b"\0\0\1\0",
                "np.bytes_(b'z')": b"z",
                "np.ma.array([1, 2], mask=[0, 1])": Error(
                    'column "a": an array of int64 of shape (2,) has masked elements; fill them'
                ),
                "3": Error('column "a": 3 is no bytes'),
                "[1]": Error('column "a": a list of 1 is no bytes'),
                "None": Error('column "a": None is no bytes'),
            },
        )

    def test_arrays(self):
        self.check(
            {"a": {"type": "float64", "shape": [2, 3]}},
            {
                "np.arange(6.).reshape(2, 3)": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
                "np.arange(6).reshape(3, 2).T": [0.0, 2.0, 4.0, 1.0, 3.0, 5.0],
                "np.arange(6, dtype='>f4').reshape(2, 3)": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
                "[[1, 2, 3], [4, 5, NaN]]": [1.0, 2.0, 3.0, 4.0, 5.0, math.nan],
                "((1, None, 3.5), [4, np.float32(5), 6])": [1.0, math.nan, 3.5, 4.0, 5.0, 6.0],
                "[np.arange(3), np.arange(3.)]": [0.0, 1.0, 2.0, 0.0, 1.0, 2.0],
                "{'a': np.ma.masked_array(np.ones((2, 3)))}": [1.0] * 6,
                "np.ma.masked_less(np.arange(6).reshape(2, 3), 2)": [math.nan, math.nan, 2.0, 3.0, 4.0, 5.0],
                "np.array([[1, None, 2]] * 2, object)": [1.0, math.nan, 2.0] * 2,
                "[np.ma.array([1, 2, 3], mask=[0, 1, 0]), [np.ma.masked, 5, 6]]": [1.0, math.nan, 3.0, math.nan, 5.0, 6.0],
                "np.ones((2, 3), np.longdouble) / 3": [1 / 3] * 6,
                "[1, 2, 3]": Error('column "a": a list of 3, expected shape (2, 3)'),
                "[[1, 2], [3, 4]]": Error(
                    'column "a": a list of 2 with a list of 2 in it, expected one of 3: expected shape (2, 3)'
                ),
                "[1, 2]": Error('column "a": a list of 2 with 1 in it, expected a list of 3: expected shape (2, 3)'),
                "[[1, 2, 'x']] * 2": Error('column "a": "x" is no float64'),
                "np.zeros(6)": Error('column "a": an array of float64 of shape (6,), expected shape (2, 3)'),
                "np.zeros((2, 3), bool)": Error('column "a": an array of bool of shape (2, 3) is no float64'),
                "np.zeros((2, 3), complex)": Error('column "a": an array of complex128 of shape (2, 3) is no float64'),
                "np.float64(1)": Error('column "a": 1.0, expected shape (2, 3)'),
                "1.5": Error('column "a": 1.5 is no array'),
                "None": Error('column "a": None is no array'),
                "'abc'": Error('column "a": "abc" is no array'),
                "{1, 2}": Error('column "a": a set of 2 is no array'),
                "iter([1])": Error('column "a": a list_iterator is no array'),
            },
        )
        self.check(
            {"a": {"type": "int16", "shape": [2]}},
            {
                "[1, -2]": [1, -2],
                "np.array([3, 4])": [3, 4],
                "range(2)": [0, 1],
                "array.array('i', [5, 6])": [5, 6],
                "Sequence(7, 8)": [7, 8],
                "[1, 40000]": Error('column "a": 40000 is beyond int16; declare it wider'),
                "np.array([1, 40000])": Error(
                    'column "a": an array of int64 of shape (2,) with numbers from 1 to 40000 is beyond int16'
                ),
                "[1, 2.0]": Error('column "a": 2.0 is a float, no int16; declare the column as float64, which keeps the rows that are done'),
                "[1, True]": Error(
                    'column "a": True is a bool, no int16; return int(...), or declare the column as bool'
                ),
                "np.ma.masked_array([7, 8])": [7, 8],
                "np.ma.masked_equal([7, 8], 8)": Error(
                    'column "a": an array of int64 of shape (2,) has masked elements; fill them, or declare the column as float64'
                ),
                "np.zeros(2)": Error(
                    'column "a": an array of float64 of shape (2,) is no int16; declare the column as float64'
                ),
                "np.array([True, False])": Error('column "a": an array of bool of shape (2,) is no int16'),
            },
        )
        self.check(
            {"a": {"type": "float32", "shape": [2]}},
            {
                "[0.5, math.inf]": [0.5, math.inf],
                "np.array([0.5, math.inf])": [0.5, math.inf],
                "[0, 1e300]": Error('column "a": 1e+300 is beyond float32; declare the column as float64'),
                "np.array([0, 1e300])": Error(
                    'column "a": an array of float64 of shape (2,) has numbers beyond float32'
                ),
            },
        )
        self.check(
            {"a": {"type": "bool", "shape": [2]}},
            {
                "[True, False]": [True, False],
                "[1, 0]": [True, False],
                "np.array([True, True])": [True, True],
                "np.array([1, 0])": [True, False],
                "np.array([1, 2])": Error('column "a": an array of int64 of shape (2,) is no bool'),
                "np.array([1.0, 0.0])": Error('column "a": an array of float64 of shape (2,) is no bool'),
                "[2, 0]": Error('column "a": 2 is no bool'),
            },
        )
        self.check(
            {"a": {"type": "float64", "shape": [50]}},
            {"[1, 2, 3]": Error('column "a": a list of 3, expected shape (50,)')},
        )

    def test_optional_columns(self):
        optional = {"n": {"type": "int64", "optional": True}, "s": {"type": "string", "optional": True}, "a": "float64"}
        self.check(
            optional,
            {
                "{'a': 1.0}": {"n": 0, "a": 1.0},
                "{'a': 1.0, 'n': None, 's': None}": {"n": 0, "a": 1.0},
                "{'a': 1.0, 'n': np.ma.array(3, mask=True)}": {"n": 0, "a": 1.0},
                "{'a': 1.0, 'n': 3, 's': 'x'}": {"n": 3, "a": 1.0, "s": "x"},
                "{'n': 3}": Error('column "a" is missing in what the function returned; it has "n"'),
            },
        )

    def test_without_columns(self):
        self.assertEqual(
            [(row.values, row.message) for row in self.returned({}, ["None", "3", "{'a': 1}"])], [({}, None)] * 3
        )

    def test_strings_of_a_row_that_fails_are_not_told(self):
        rows = self.returned({"s": "string", "a": "int64"}, ["{'s': 'left', 'a': 1.5}", "{'s': 'kept', 'a': 2}"])
        self.assertEqual([row.values.get("s") for row in rows], [None, "kept"])

    def test_what_needs_numpy_says_so(self):
        for text, more, what in (
            ("def f(rng): pass", {}, '"rng" is a numpy.random.Generator'),
            ("def f(c): pass", {"common": {"c": "c.npy"}}, 'common "c" is a numpy array'),
            ("def f(raw): pass", {"arrays": [Blocks.RAW]}, "arrays are numpy arrays"),
        ):
            self.write("m.py", text)
            failed = self.slot(python=self.without("numpy")).stage("m.py:f", {}, {}, **more)["failed"]
            self.assertEqual(failed, f"{what}, and /usr/bin/python3 has no numpy")

    def test_without_numpy(self):
        self.write(
            "m.py",
            "import sys\ndef f(k):\n    assert 'numpy' not in sys.modules\n    return {'a': [[k, None], (1.5, 2)], 'n': [k] * 2, 'x': k / 2}",
        )
        slot = self.slot()
        columns = {"a": {"type": "float64", "shape": [2, 2]}, "n": {"type": "int8", "shape": [2]}, "x": "float32"}
        slot.stage("m.py:f", {"k": "int64"}, columns)
        row = slot.frame(1, {"k": [3]})[1][0]
        self.assertEqual(repr((row.values, row.message)), "({'a': [3.0, nan, 1.5, 2.0], 'n': [3, 3], 'x': 1.5}, None)")


class Blocks(slot_host.SlotTest):
    """Blocks of arrays, in and out, over memory that the host shares."""

    RAW = {"name": "raw", "type": "float32", "shape": [3, 2], "element": 4}

    def test_in_and_out(self):
        slot = self.of(
            "import numpy as np\ndef f(raw, word):\n    assert raw.base is not None and not raw.flags.writeable\n"
            "    assert word.dtype.kind == 'U', word.dtype\n    return {'b': raw * 2, 's': ' '.join(word), 'n': raw.size}",
            {},
            {"b": {"type": "float64", "shape": [3, 2]}, "s": "string", "n": "int64"},
            arrays=[self.RAW, {"name": "word", "type": "string", "shape": [2], "element": 8}],
            seeds=None,
        )
        raw = np.zeros((2, 6), "f4")
        raw[0] = range(6)
        raw[1, :2] = [7, 8]
        words = np.array([[b"a", "ä".encode()], [b"b", b""]], "S8")
        answer, rows = slot.frame(
            2,
            blocks={"raw": raw.tobytes(), "word": words.tobytes()},
            counts={"raw": [3, 2, 1, 2]},
            shapes={"b": [3, 2, 1, 2]},
        )
        self.assertEqual([row.message for row in rows], [None, None])
        self.assertEqual([row.values["b"] for row in rows], [[0, 2, 4, 6, 8, 10], [14, 16, 0, 0, 0, 0]])
        self.assertEqual([row.values["s"] for row in rows], ["a ä", "b "])
        self.assertEqual([row.values["n"] for row in rows], [6, 2])

    def test_they_can_not_be_written_to(self):
        slot = self.of("import numpy\ndef f(raw):\n    raw[0] = 1", {}, {}, arrays=[self.RAW], seeds=None)
        rows = slot.frame(1, blocks={"raw": bytes(24)})[1]
        self.assertEqual(rows[0].message, "ValueError: assignment destination is read-only")

    def test_nothing_is_copied_of_large_ones(self):
        shape = [2 << 20]  # 16 MB
        slot = self.of(
            "import numpy as np, resource\nout = np.zeros(2 << 20)\ndef peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "def f(raw):\n    raw.sum()\n    out.sum()\n    f.before = peak()\n    return {'b': out}\ndef g():\n    return peak() - f.before",
            {},
            {"b": {"type": "float64", "shape": shape}},
            arrays=[{"name": "raw", "type": "float64", "shape": shape, "element": 8}],
            seeds=None,
        )
        self.assertEqual(slot.frame(1, blocks={"raw": bytes(16 << 20)})[1][0].message, None)
        slot.stage("m.py:g", {}, {"y": "int64"}, number=1)
        grown = slot.frame(1, stage=1)[1][0].values["y"]  # kB: the result's own pages in shared memory, and no more
        self.assertLess(grown, 20 << 10)


class Common(slot_host.SlotTest):
    """Large values that all tasks share."""

    def test_arrays_are_mapped_read_only(self):
        np.save(self.folder / "stars.npy", np.arange(1000.0).reshape(10, 100))
        slot = self.of(
            "import mmap\ndef f(x, stars):\n    assert not stars.flags.writeable\n    base = stars\n"
            "    while getattr(base, 'base', None) is not None: base = base.base\n    assert isinstance(base, mmap.mmap), base\n    return stars[x].sum()",
            {"x": "int64"},
            {"y": "float64"},
            common={"stars": "stars.npy", "unused": "missing.npy"},
            seeds=None,
        )
        rows = slot.frame(2, {"x": [0, 9]})[1]
        self.assertEqual([(row.values["y"], row.message) for row in rows], [(4950.0, None), (94950.0, None)])

    def test_frames_are_given_back_as_frames(self):
        frame = np.zeros(1, [("ra", "f8", (3,)), ("name", "U2", (3,)), ("n", "i4", (3,))])
        frame["ra"][0], frame["name"][0], frame["n"][0] = [1.5, 2.5, 3.5], ["a", "bc", ""], [7, 8, 9]
        np.save(self.folder / "t.npy", frame)
        slot = self.of(
            "def f(x, t):\n    return f'{type(t).__name__} {t.name[x]} {t.ra[x]} {t.n.sum()} {list(t.columns)} {t.ra.values.flags.writeable}'",
            {"x": "int64"},
            {"y": "string"},
            common={"t": "t.npy"},
            seeds=None,
        )
        row = slot.frame(1, {"x": [1]})[1][0]
        self.assertEqual((row.values.get("y"), row.message), ("DataFrame bc 2.5 24 ['ra', 'name', 'n'] False", None))

    def test_what_is_no_array_stops_the_stage(self):
        np.save(self.folder / "o.npy", np.array([{}], object), allow_pickle=True)
        self.write("text.npy", "no array")
        self.write("m.py", "def f(c):\n    pass")
        for name, expected in (
            ("o.npy", "Array can't be memory-mapped: Python objects in dtype."),
            ("text.npy", "is no .npy file"),
            ("missing.npy", "No such file or directory"),
        ):
            failed = self.slot().stage("m.py:f", {}, {}, common={"c": name})["failed"]
            self.assertEqual(failed.partition(name)[0], 'common "c": ')
            self.assertIn(expected, failed)


class Error:
    """A message that is expected."""

    def __init__(self, text):
        self.text = text


slot_host.farm.main()
