"""The process of a Python slot by itself: how it loads and calls functions, what they may return, how tasks fail, what is
kept of what they print. Its host is slot_host.py's, a stand-in; whole runs are 64_python.py's."""

import slot_host

INT = {"y": "int64"}


class Calls(slot_host.SlotTest):
    """How a function is called."""

    def test_parameters_and_results_are_typed_cells(self):
        slot = self.of(
            "def f(i, x, b, s):\n    return {'i': i, 'x': x, 'b': b, 's': s}",
            params={"i": "int32", "x": "float32", "b": "bool", "s": "string"},
            columns={"i": "int32", "x": "float32", "b": "bool", "s": "string"},
        )
        given = {"i": [-5, 7], "x": [0.5, float("inf")], "b": [True, False], "s": ["", "ä\udcff"[:1]]}
        answer, rows = slot.frame(2, given)
        self.assertEqual(answer, {"frame": 2, "seeds": False})
        self.assertEqual([row.values for row in rows], [{n: v[i] for n, v in given.items()} for i in range(2)])

    def test_a_failing_row_is_one_row(self):
        slot = self.of("def f(x):\n    return 6 // x", {"x": "int64"}, INT)
        answer, rows = slot.frame(3, {"x": [1, 0, 3]})
        self.assertEqual(answer["frame"], 3)
        self.assertEqual([row.message for row in rows], [None, "ZeroDivisionError: integer division or modulo by zero", None])
        self.assertEqual([rows[0].values["y"], rows[2].values["y"]], [6, 2])


slot_host.farm.main()
