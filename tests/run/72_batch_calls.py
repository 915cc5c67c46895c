"""Functions that get arrays, in the process of a slot by itself (slot_host.py). Whole runs are 72_batches.py's."""

import math

import numpy as np
import slot_host

X = {"x": "float64"}
Y = {"y": "float64"}
CALLING, CALLING_END = 3, 4


class Batches(slot_host.SlotTest):
    def of(self, text, params, columns, **more):
        return super().of(text, params, columns, seeds="rng" in text or "task)" in text, **more)

    def rows_of(self, text, params, columns, values, count, batch, common=None, **more):
        slot = self.of(text, params, columns, batch=batch, common=common or {})
        answer, rows = slot.frame(count, values, **more)
        self.assertEqual(answer["frame"], count)
        return rows

    def message(self, text, columns=Y):
        """What is said of a task that is called alone."""
        return self.rows_of(text, X, columns, {"x": [1.0]}, 1, 7)[0].message


class Calls(Batches):
    """What a function gets."""

    def test_a_batch_is_so_many_rows_from_the_first(self):
        text = "import numpy as np\ndef f(x, task):\n    return {'y': np.full(len(x), 1.0 * len(task)), 'i': task.index}\n"
        rows = self.rows_of(text, X, {**Y, "i": "int64"}, {"x": [0.0] * 10}, 10, 4, first=20)
        self.assertEqual([row.values for row in rows], [{"y": 2.0 if i >= 8 else 4.0, "i": 20 + i} for i in range(10)])

    def test_parameters_are_views_that_can_not_be_written(self):
        text = "def f(x, n, b):\n    return [str((a.dtype, a.shape, a.flags.writeable, a.flags.owndata)) for a in (x, n, b)]\n"
        params = {"x": "float32", "n": "int64", "b": "bool"}
        rows = self.rows_of(text, params, {"y": "string"}, {"x": [1, 2, 3], "n": [4, 5, 6], "b": [True, False, True]}, 3, 3)
        kinds = ["float32", "int64", "bool"]
        self.assertEqual([row.values["y"] for row in rows], [f"(dtype('{kind}'), (3,), False, False)" for kind in kinds])

    def test_strings_are_arrays_of_objects(self):
        text = "def f(s):\n    return {'y': s + '!', 'n': (s == 'bö').astype(int)}\n"
        rows = self.rows_of(text, {"s": "string"}, {"y": "string", "n": "int8"}, {"s": ["a", "bö", ""]}, 3, 2)
        self.assertEqual([row.values for row in rows], [{"y": "a!", "n": 0}, {"y": "bö!", "n": 1}, {"y": "!", "n": 0}])

    def test_rows_that_are_set_apart_are_left_out(self):
        text = "def f(x):\n    return x + len(x) / 10\n"
        rows = self.rows_of(text, X, Y, {"x": [1.0, 2.0, 3.0, 4.0, 5.0]}, 5, 3, apart=[0, 5, 0, 5, 5])
        self.assertEqual([row.values["y"] for row in rows], [1.2, 0, 3.2, 0, 0])

    def test_a_batch_of_which_nothing_is_to_be_run_is_no_call(self):
        rows = self.rows_of("def f(x):\n    raise SystemExit\n", X, Y, {"x": [1.0, 2.0]}, 2, 2, apart=[4, 4])
        self.assertEqual([row.message for row in rows], [None, None])

    def test_blocks_are_arrays_of_the_tasks_blocks(self):
        text = "def f(a):\n    assert a.shape == (2, 3) and not a.flags.writeable\n    return a.sum(axis=1)\n"
        array = {"name": "a", "type": "int16", "shape": [3], "element": 2}
        slot = self.of(text, {}, {"y": "int64"}, arrays=[array], batch=2)
        _, rows = slot.frame(2, blocks={"a": bytes([1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0])})
        self.assertEqual([row.values["y"] for row in rows], [6, 15])

    def test_by_name_and_by_position(self):
        rows = self.rows_of("def f(n=3, *, x, **rest):\n    return x + rest['z']\n", {"x": "int64", "z": "int64"}, {"y": "int64"}, {"x": [1, 2], "z": [10, 20]}, 2, 2)
        self.assertEqual([row.values["y"] for row in rows], [11, 22])

    def test_what_a_batch_prints_is_its_first_task_s(self):
        rows = self.rows_of("def f(x):\n    print(len(x), 'of them')\n    return x\n", X, Y, {"x": [1.0] * 5}, 5, 3)
        self.assertEqual([row.out for row in rows], ["3 of them\n", "", "", "2 of them\n", ""])

    def test_times_are_shares_of_the_call_s(self):
        rows = self.rows_of("def f(x):\n    sum(range(10**6))\n    return x\n", X, Y, {"x": [1.0] * 4}, 4, 4, record=True)
        self.assertEqual(len({(row.start, row.duration) for row in rows}), 1)
        self.assertGreater(rows[0].duration, 0)

    def test_common_values_are_the_same_for_all(self):
        header = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,)}".ljust(117) + "\n"
        (self.folder / "c.npy").write_bytes(b"\x93NUMPY\x01\x00" + (118).to_bytes(2, "little") + header.encode() + bytes(24))
        text = "def f(x, c):\n    assert c.shape == (3,)\n    return x + c.sum()\n"
        rows = self.rows_of(text, X, Y, {"x": [1.0, 2.0]}, 2, 2, common={"c": "c.npy"})
        self.assertEqual([row.values["y"] for row in rows], [1.0, 2.0])


class Results(Batches):
    """What a function returns."""

    def test_arrays_lists_frames_and_records(self):
        returns = [
            "{'y': x, 'n': np.arange(len(x))}",
            "{'y': x.tolist(), 'n': list(range(len(x)))}",
            "pd.DataFrame({'y': x, 'n': np.arange(len(x)), 'more': x})",
            "Two(x, np.arange(len(x), dtype=np.int8))",
            "np.rec.fromarrays([x, np.arange(len(x))], names='y,n')",
            "{'y': np.ma.array(x, mask=False), 'n': pd.Series(range(len(x)))}",
            "Table(y=x, n=np.arange(len(x)))",  # as much of astropy's as is looked at
        ]
        table = "class Table:\n    dtype = np.dtype([('y', 'f8'), ('n', 'i8')])\n    as_array = None\n    def __init__(self, **columns): self.columns, self.colnames = columns, [*columns]\n"
        for value in returns:
            with self.subTest(value):
                text = "import numpy as np, pandas as pd, collections\nTwo = collections.namedtuple('Two', 'y n')\n" + table
                rows = self.rows_of(f"{text}def f(x):\n    return {value}\n", X, {**Y, "n": "int32"}, {"x": [0.5, 1.5, 2.5]}, 3, 3)
                self.assertEqual([row.values for row in rows], [{"y": i + 0.5, "n": i} for i in range(3)])

    def test_columns_that_have_a_shape(self):
        columns = {"y": {"type": "float32", "shape": [2, 2]}}
        rows = self.rows_of("import numpy as np\ndef f(x):\n    return x[:, None, None] * np.ones((2, 2))\n", X, columns, {"x": [1.0, 2.0]}, 2, 2)
        self.assertEqual([row.values["y"] for row in rows], [[1.0] * 4, [2.0] * 4])

    def test_none_and_masked_numbers_are_nan(self):
        rows = self.rows_of("import numpy as np\ndef f(x):\n    return [None, 2.0]\n", X, Y, {"x": [1.0, 2.0]}, 2, 2)
        self.assertNotEqual(rows[0].values["y"], rows[0].values["y"])
        rows = self.rows_of("import numpy as np\ndef f(x):\n    return np.ma.array(x, mask=[0, 1])\n", X, Y, {"x": [1.0, 2.0]}, 2, 2)
        self.assertNotEqual(rows[1].values["y"], rows[1].values["y"])

    def test_masks_count_wherever_they_stand(self):
        """In arrays of integers, and in lists, where numpy takes the numbers below them."""
        two = {"y": {"type": "float64", "shape": [2]}}
        for value, columns, expected in (
            ("np.ma.array([1, 2], mask=[0, 1])", Y, [1.0, math.nan]),
            ("[1, np.ma.masked]", Y, [1.0, math.nan]),
            ("[np.ma.array(1), np.ma.array(2, mask=True)]", Y, [1.0, math.nan]),
            ("[np.ma.array([1, 2], mask=[0, 1]), [3, 4]]", two, [[1.0, math.nan], [3.0, 4.0]]),
        ):
            with self.subTest(value):
                rows = self.rows_of(f"import numpy as np\ndef f(x):\n    return {value}\n", X, columns, {"x": [1.0, 2.0]}, 2, 2)
                self.assertEqual(repr([row.values["y"] for row in rows]), repr(expected))

    def test_numbers_lose_no_digit_that_the_column_has(self):
        rows = self.rows_of("import numpy as np\ndef f(x):\n    return np.asarray(x, np.longdouble) / 3 * 1e300\n", X, Y, {"x": [1.0, 2.0]}, 2, 2)
        self.assertEqual([row.values["y"] for row in rows], [float(np.longdouble(x) / 3 * 1e300) for x in (1, 2)])

    def test_zeros_and_ones_are_bools(self):
        rows = self.rows_of("def f(x):\n    return x.astype(int) % 2\n", X, {"y": "bool"}, {"x": [1.0, 2.0]}, 2, 2)
        self.assertEqual([row.values["y"] for row in rows], [True, False])

    def test_strings_and_bytes(self):
        columns = {"s": "string", "b": "bytes"}
        rows = self.rows_of("def f(x):\n    return {'s': x.astype(str), 'b': [b'a' * int(i) for i in x]}\n", X, columns, {"x": [1.0, 2.0]}, 2, 2)
        self.assertEqual([row.values for row in rows], [{"s": "1.0", "b": b"a"}, {"s": "2.0", "b": b"aa"}])

    def test_optional_columns_may_be_left_out(self):
        """Then they hold what absent values are, whatever was in that memory before."""
        columns = {**Y, "z": {"type": "float64", "optional": True}, "n": {"type": "int16", "shape": [2], "optional": True}}
        absent = {"z": math.inf, "n": [0, 0]}  # NaN is compared below
        for returned in ("{'y': x}", "{'y': x, 'z': None, 'n': None}"):
            rows = self.rows_of(f"def f(x):\n    return {returned}\n", X, columns, {"x": [1.0, 2.0]}, 2, 2, dirt=b"\x55")
            self.assertEqual([row.message for row in rows], [None, None])
            self.assertTrue(all(math.isnan(row.values["z"]) for row in rows))
            self.assertEqual([row.values | {"z": math.inf} for row in rows], [{"y": x, **absent} for x in (1.0, 2.0)])

    def test_what_does_not_fit_is_named(self):
        one = "one value for each task of the batch"
        for value, kind, message in (
            ("3.5", "float64", f"3.5, expected an array of shape (tasks,), here (1,): {one}"),
            ("x[0]", "float64", f"1.0, expected an array of shape (tasks,), here (1,): {one}"),
            ("[1.0, 2.0]", "float64", f"an array of float64 of shape (2,), expected an array of shape (tasks,), here (1,): {one}"),
            ("x[:, None]", "float64", f"an array of float64 of shape (1, 1), expected an array of shape (tasks,), here (1,): {one}"),
            ("x", {"type": "float64", "shape": [3]}, f"an array of float64 of shape (1,), expected an array of shape (tasks, 3), here (1, 3): {one}"),
            ("'text'", "float64", f'"text", expected an array of shape (tasks,), here (1,): {one}'),
            ("None", "float64", f"None, expected an array of shape (tasks,), here (1,): {one}"),
            ("x", "int64", "an array of float64 of shape (1,) is no int64; declare the column as float64"),
            ("np.full(1, 2)", "bool", "an array of int64 of shape (1,) is no bool"),
            ("np.full(1, 2) ** np.longdouble(2000)", "float64", "an array of %s of shape (1,) has numbers beyond float64"),
            ("[np.ma.array([1, 2], mask=[0, 1])]", {"type": "int64", "shape": [2]}, 'None is no int64; declare the column as float64, where it is NaN'),
            ("x > 0", "float64", "an array of bool of shape (1,) is no float64"),
            ("np.array([300])", "int8", "an array of int64 of shape (1,) with numbers from 300 to 300 is beyond int8"),
            ("np.array([1e300])", "float32", "an array of float64 of shape (1,) has numbers beyond float32; declare the column as float64"),
            ("np.ma.array([1], mask=[1])", "int64", "an array of int64 of shape (1,) has masked elements; fill them, or declare the column as float64"),
            ("'a'", "string", f'"a", expected an array of shape (tasks,), here (1,): {one}'),
            ("['a', 'b']", "string", f"a list of 2, expected an array of shape (tasks,), here (1,): {one}"),
            ("[3]", "string", "3 is no string"),
        ):
            with self.subTest(value):
                text = f"import numpy as np\ndef f(x):\n    return {value}\n"
                said = message.replace("%s", str(np.dtype(np.longdouble)))
                self.assertEqual(self.message(text, {"y": kind}), f'column "y": {said}')

    def test_nothing_is_stored_of_a_call_of_which_a_part_does_not_fit(self):
        slot = self.of("def f(x):\n    return {'y': x, 'z': x[1:]}\n", X, {**Y, "z": "float64"}, batch=4)
        answer, _ = slot.frame(4, {"x": [1.0] * 4})
        self.assertEqual(answer["frame"], 0)
        self.assertEqual(bytes(slot.buffer_memory[:32]), bytes(32))


class Culprits(Batches):
    """A call that comes to nothing."""

    TEXT = "def f(x):\n    print('said')\n    if (x == 3).any():\n        raise ValueError(f'{len(x)} tasks')\n    return x\n"

    def test_ends_the_frame_and_leaves_its_rows_to_be_called_one_by_one(self):
        slot = self.of(self.TEXT, X, Y, batch=2)
        answer, rows = slot.frame(6, {"x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]})
        self.assertEqual((answer["frame"], len(rows), rows[0].out), (2, 2, "said\n"))
        self.assertEqual(answer["vain"], "ValueError: 2 tasks")
        self.assertEqual((slot.control[CALLING], slot.control[CALLING_END]), (1, 4))
        answer, rows = slot.frame(2, {"x": [2.0, 3.0]}, batch=1)
        self.assertEqual((answer["frame"], rows[0].values["y"], rows[0].message), (2, 2.0, None))
        self.assertEqual((rows[1].message, rows[1].out), ("ValueError: 1 tasks", "said\n"))
        self.assertIn('raise ValueError(f"', rows[1].trace.replace("'", '"'))

    def test_is_told_from_one_that_ended(self):
        slot = self.of("def f(x):\n    return x\n", X, Y, batch=2)
        slot.frame(4, {"x": [0.0] * 4})
        self.assertEqual((slot.control[CALLING], slot.control[CALLING_END]), (0, 4))

    def test_one_task_that_is_alone_in_its_batch_fails(self):
        slot = self.of(self.TEXT, X, Y, batch=3)
        answer, rows = slot.frame(3, {"x": [0.0, 3.0, 0.0]}, apart=[5, 0, 5])
        self.assertEqual((answer["frame"], [row.message for row in rows]), (3, [None, "ValueError: 1 tasks", None]))

    def test_exits_are_the_same(self):
        slot = self.of("import sys\ndef f(x):\n    sys.exit(3)\n", X, Y, batch=2)
        self.assertEqual(slot.frame(2, {"x": [0.0] * 2})[0]["frame"], 0)
        self.assertEqual(slot.frame(1, {"x": [0.0]}, batch=1)[1][0].message, "SystemExit: 3")


DRAWS = """
import json, numpy as np
def draw(rng, x, n):
    return [
        rng.random(), rng.random(3), rng.normal(size=(2, 2)), rng.normal(x), rng.integers(0, 9, 5), rng.uniform(x, x + 1, 2),
        rng.choice([4, 5, 6], 2), rng.permutation(4), rng.poisson(n), rng.random(dtype=np.float32), rng.standard_normal(2, dtype=np.float32),
        rng.exponential(scale=x), rng.integers(n + 1), rng.multinomial(5, [0.5, 0.5]), rng.integers(0, 2**31, dtype=np.uint32)]
"""


class Streams(Batches):
    """Random numbers."""

    SEEDS = [1, 2**63, 12345678901234567890, 7, 2**32 - 1]

    def draws(self, text, batch):
        values = {"x": [0.0, 1.0, 2.0, 3.0, 4.0], "n": [1, 2, 3, 4, 5]}
        slot = self.of(DRAWS + text, {**X, "n": "int64"}, {"y": "string"}, batch=batch)
        _, rows = slot.frame(5, values, seeds=self.SEEDS)
        self.assertEqual([row.message for row in rows], [None] * 5)
        return [row.values["y"] for row in rows]

    def test_each_row_is_of_its_task_s_own_stream(self):
        alone = self.draws("def f(rng, x, n):\n    return json.dumps([np.asarray(d).tolist() for d in draw(rng, x, n)])\n", 0)
        for batch in (1, 2, 5):
            text = "def f(rng, x, n):\n    drawn = draw(rng, x, n)\n    return [json.dumps([d[i].tolist() for d in drawn]) for i in range(len(x))]\n"
            self.assertEqual(self.draws(text, batch), alone)

    def test_without_numpy_s_state_it_is_the_same(self):
        alone = self.draws("def f(rng, x, n):\n    return json.dumps([np.asarray(d).tolist() for d in draw(rng, x, n)])\n", 0)
        text = "import taskfarm._slot.batch_streams as s\ns.can_reset = lambda: False\n"
        text += "def f(rng, x, n):\n    drawn = draw(rng, x, n)\n    return [json.dumps([d[i].tolist() for d in drawn]) for i in range(len(x))]\n"
        self.assertEqual(self.draws(text, 5), alone)

    def test_seeds_are_those_of_the_tasks(self):
        text = "def f(x, task):\n    return task.seed\n"
        seeds = self.rows_of(text, X, {"y": "uint64"}, {"x": [0.0] * 5}, 5, 5, seeds=self.SEEDS)
        self.assertEqual([row.values["y"] for row in seeds], self.SEEDS)
        batch = self.rows_of(text, X, {"y": "uint64"}, {"x": [0.0] * 5}, 5, 5, first=9)
        alone = self.of(text, X, {"y": "uint64"}).frame(5, {"x": [0.0] * 5}, first=9)[1]
        self.assertEqual([row.values for row in batch], [row.values for row in alone])

    def test_global_generators_are_left_alone(self):
        text = "import random, numpy as np\nbefore = random.getstate()\ndef f(x):\n    return np.full(len(x), float(random.getstate() == before))\n"
        self.assertEqual([row.values["y"] for row in self.rows_of(text, X, Y, {"x": [0.0, 0.0]}, 2, 2)], [1.0, 1.0])

    def test_what_it_can_not_do_is_said(self):
        for call, message in (
            ("rng.shuffle(x)", 'AttributeError: the "rng" of a batch has no "shuffle": make generators of your own from task.seed, one a task'),
            ("rng.random(out=x)", 'TypeError: the "rng" of a batch gives new arrays: leave "out" out of random()'),
            (
                "rng.normal(np.arange(3))",
                "ValueError: normal() got an array of shape (3,), and the batch has 1 tasks: an argument is a number, or an array with one value a task",
            ),
        ):
            with self.subTest(call):
                self.assertEqual(self.message(f"import numpy as np\ndef f(x, rng):\n    return {call}\n"), message)


slot_host.farm.main()
