"""taskfarm.map: which edits of values that a function takes along are noticed, and that each process has the same hash of them."""

import pathlib
import unittest

import farm
from map_test import MapTest

# Values that a function takes, of V.
VALUES = {
    "a ufunc": "(np.add, np.multiply)[V]",
    "a ufunc's method": "(np.add, np.multiply)[V].reduce",
    "a partial of a ufunc": "functools.partial(np.add, V)",
    "what numpy makes of a function": "np.vectorize(lambda x: x * V)",
    "a pattern": "re.compile('ab'[V])",
    "a function in C": "(math.sin, cmath.sin)[V]",
    "a method in C": "[V].__contains__",
    "a defaultdict": "collections.defaultdict(lambda: V)",
    "a Counter": "collections.Counter({'a': V})",
    "an OrderedDict": "collections.OrderedDict(a=V)",
    "a deque": "collections.deque([V], 3)",
    "keys": "{V: 0}.keys()",
    "values": "{0: V}.values()",
    "items": "{0: V}.items()",
    "a mappingproxy": "types.MappingProxyType({0: V})",
    "a memoryview": "memoryview(bytes([V]))",
    "a bytearray": "bytearray([V])",
    "an array of array": "array.array('d', [V])",
    "a range": "range(V)",
    "a date": "datetime.date(2020, 1, V + 1)",
    "a path": "pathlib.Path(str(V))",
    "a logger": "logging.getLogger(str(V))",
    "a module made by hand": "module()",
    "an attribute of a dict": "own(dict)",
    "an attribute of a list": "own(list)",
    "an attribute of a tuple": "own(tuple)",
    "an attribute of a set": "own(set)",
    "an attribute of a str": "own(str)",
    "an attribute of a bytes": "own(bytes)",
    "an attribute of an int": "own(int)",
    "an attribute of a float": "own(float)",
    "an attribute of a partial": "own(functools.partial, f)",
    "an item of a set of its own": "type('Own', (set,), {})(['abcdefgh', str(V)])",
    "a member of an enum": "list(enum.IntEnum('E', 'a b'))[V]",
    "a NamedTuple": "collections.namedtuple('N', 'a b')(0, V)",
    "an object in a class that is called": "type('Own', (), {'tool': Tool(V)})",
    "a partial in a class": "type('Own', (), {'tool': functools.partial(f, V)})",
    "a function that makes it": "Made(V)",
    "a set": "{'abcdefgh', 'abc', V, (1, 'a'), frozenset('ab')}",
    "a set in a set": "{frozenset({frozenset({'abcdefgh', V})}), frozenset({frozenset({2})})}",
    "a set of objects": "{pathlib.Path('a'), decimal.Decimal(V)}",
    "objects that know each other": "graph()",
    "a list that has itself": "endless([V])",
    "a list that is deep": "deep(V)",
    "an array": "np.array([V])",
    "a number of numpy": "np.float64(V)",
    "an array's names": "np.zeros(2, [('ab'[V], 'i4')])",
    "an array's type": "np.zeros(2, ('i8', 'f8')[V])",
    "an array of objects": "np.array([None, V], object)",
    "a dtype": "np.dtype(('i8', 'f8')[V])",
    "a mask": "np.ma.array([1, 2], mask=[0, V])",
    "what is masked": "(np.ma.masked, np.ma.nomask)[V]",
    "a matrix": "np.matrix([[V]])",
    "a record": "np.rec.array([(V, 2)], dtype=[('a', 'i4'), ('b', 'i4')])",
    "a Series": "pd.Series([V])",
    "a DataFrame": "pd.DataFrame({'a': [V]})",
    "a DataArray": "xr.DataArray([V])",
}
ASTROPY = {
    "a unit": "(u.m, u.pc)[V]",
    "a unit of a Quantity": "3 * (u.m, u.pc)[V]",
    "a value of a Quantity": "V * u.m",
    "an array of Quantities": "[1, 2] * (u.m, u.pc)[V]",
    "a constant": "(constants.c, constants.G)[V]",
    "a place": "SkyCoord(1 * u.deg, V * u.deg)",
    "an angle": "Angle(V, 'deg')",
    "a table": "table.QTable({'a': [1, 2] * (u.m, u.pc)[V]})",
    "a time": "Time('2020-01-01') + V * u.day",
    "a cosmology": "(Planck18, Planck15)[V]",
}
# What each process has a state of its own of.
SHARED = {"what random draws": "random.random", "what numpy draws": "np.random.normal"}
SCRIPT = """
import array, cmath, collections, datetime, decimal, enum, functools, logging, math, pathlib, random, re, sys, types
import numpy as np, pandas as pd, xarray as xr
from taskfarm._hash import hash_of
if IS_ASTROPY:
    from astropy import constants, table, units as u
    from astropy.coordinates import Angle, SkyCoord
    from astropy.cosmology import Planck15, Planck18
    from astropy.time import Time
def f(x): return x
def own(base, *given):
    made = type("Own", (base,), {})(*given)
    made.factor = V
    return made
def module():
    made = types.ModuleType("by_hand")
    made.factor = V
    return made
class Tool:
    def __init__(self, factor): self.factor = factor
    def __call__(self, x): return self.factor * x
class Made:
    def __init__(self, factor): self.factor = factor
    def __reduce__(self): return functools.partial(Made, self.factor), ()
class Node:
    def __init__(self, name): self.name, self.near = name, set()
def graph():
    nodes = [Node(name) for name in ("a", "b", "c", V)]
    for node in nodes:
        node.near.update(nodes)
    return nodes[0].near
def endless(values):
    values.append(values)
    return values
def deep(value):
    for _ in range(150):
        value = [value]
    return value
def takes(value): return lambda x: value
for text in VALUES:
    print(hash_of(takes(eval(text))))
"""


class Values(MapTest):
    def hashes_of(self, values, v, hash_seed):
        """Of functions that take these values, in another process."""
        given = f"IS_ASTROPY, V, VALUES = {values is ASTROPY}, {v}, {list(values.values())!r}\n"
        return self.python(given + SCRIPT, env={"PYTHONHASHSEED": hash_seed}).stdout.splitlines()

    def check_values(self, values):
        """Each has another hash with another V, and the same in each process."""
        one, same, other = (self.hashes_of(values, *given) for given in ((0, "1"), (0, "2"), (1, "1")))
        for what, *hashes in zip(values, one, same, other, strict=True):
            with self.subTest(what):
                self.assertEqual(hashes[0], hashes[1])
                self.assertNotEqual(hashes[0], hashes[2])

    def test_edits_are_noticed(self):
        """By what pickle makes of values, whatever their types."""
        self.check_values(VALUES)
        self.assertEqual(self.hashes_of(SHARED, 0, "1"), self.hashes_of(SHARED, 0, "2"))

    @unittest.skipUnless(pathlib.Path("/usr/lib/python3/dist-packages/astropy").exists(), "no astropy")
    def test_units_are_noticed(self):
        self.check_values(ASTROPY)

    def test_hashes_of_plain_values_stay(self):
        """From version to version: else rows that are done would be said to be of other code."""
        done = self.python(
            """
            import numpy as np
            from taskfarm._hash import Hash
            for value in ([None, True, 1, -2.5, 1j, "a", b"b"], ((1, "a"), {"a": [1], "b": {}}), {"a", 1, (2, 3), frozenset("b")}, np.arange(3), np.zeros((2, 2), "f4")):
                taken = Hash()
                taken.value(value)
                print(taken.hash.hexdigest()[:16])
            """
        )
        self.assertEqual(done.stdout.split(), ["cfe44617dce0ca18", "d2cb4b63c0f5678b", "91d30b044a3971e3", "46ff6ab197887e0d", "e6e1b3f5afd79372"])

    def test_values_that_raise(self):
        """What their methods raise is nobody's but theirs; what can't be looked at is named."""
        done = self.python(
            """
            from taskfarm._function import target_of
            class Tool:
                factor = 1
                @property
                def dtype(self): raise NotImplementedError("never")
                nbytes = tobytes = columns = __wrapped__ = dtype
            class Once:
                def __reduce__(self):
                    calls.append(1)
                    return Once, (), None, only_once(len(calls))
            calls = []
            def only_once(number):
                if number > 1: raise OSError("gone")
                yield from ()
            tool, once = Tool(), [Once()]
            def f(x): return tool
            def g(x): return once
            for function in (f, g):
                try:
                    print(len(target_of(function).seal))
                except taskfarm.ManifestError as error:
                    print(error.id, error)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            ["64", 'unsuitable-type g takes "once", a Once (OSError: gone), which can\'t be looked at: make it within the function, or in init='],
        )


farm.main()
