"""Chains of stages that compute and choose: map, filter, map."""

import math

import farm
import numpy as np
from farm import DONE, digest

FAILED, SKIPPED, EXCLUDED = 2, 4, 5
RANKS = (None, 1, 3) if farm.SANITIZED else (None, 1, 2, 3, 5)


class Expressions(farm.FarmTest):
    def same_for_all(self, manifest):
        """Runs it with several numbers of ranks; returns the output's name."""
        self.write("e.json", manifest)
        digests = []
        for ranks in RANKS:
            done = self.taskfarm("e.json", "--fresh", "--slots", 2, ranks=ranks)
            digests.append(digest(self.folder / "e.h5"))
        self.assertEqual(digests, digests[:1] * len(digests))
        return done

    @farm.first
    def test_map_filter_map(self):
        stages = [
            {
                "name": "map",
                "over": {"n": {"range": [20000]}, "filter": ["G", "R"]},
                "where": "n % 3 != 0 && filter == best",
                "run": {"expr": {"square": "n**2", "shifted": "sqrt(square) + pi", "is_small": "n < 10"}},
                "results": {"square": "int64", "is_small": "bool"},
            },
            {
                "name": "next",
                "over": [{"name": "scale", "values": [1, 10]}, {"from": "map", "columns": ["n", "square"], "where": "square % 2 == 0"}],
                "run": {"expr": {"y": "scale * square + (n > 100 ? 0.5 : 0)"}},
            },
        ]
        done = self.same_for_all({"variables": {"best": "R"}, "stages": stages})
        n, filters = np.repeat(np.arange(20000), 2), np.tile(["G", "R"], 20000)
        kept = (n % 3 != 0) & (filters == "R")
        second = np.tile(kept & (n % 2 == 0), 2)
        left_out = (~kept).sum() + (~second).sum()
        left_out, kept_count = (f"{count:,}".replace(",", " ") for count in (left_out, 120000 - left_out))
        self.assertIn(f"e: {kept_count} done, 0 failed, {left_out} left out by where in ", done.stderr)
        with self.open("e.h5") as file:
            np.testing.assert_array_equal(file["map/task/status"][()], np.where(kept, DONE, EXCLUDED))
            np.testing.assert_array_equal(file["map/results/square"][()], np.where(kept, n**2, 0))
            np.testing.assert_array_equal(file["map/results/shifted"][()], np.where(kept, n + math.pi, np.nan))
            np.testing.assert_array_equal(file["map/results/is_small"][()], kept & (n < 10))
            np.testing.assert_array_equal(file["next/task/status"][()], np.where(second, DONE, EXCLUDED))
            n2, scale = np.tile(n, 2), np.repeat([1, 10], 40000)
            y = scale * n2**2 + np.where(n2 > 100, 0.5, 0)
            np.testing.assert_array_equal(file["next/results/y"][()], np.where(second, y, np.nan))
        again = self.taskfarm("e.json")
        self.assertIn(f"{kept_count} done, 0 failed, {kept_count} of them before, {left_out} left out by where", again.stderr)

    @farm.first
    def test_a_quote_in_a_string_is_written_twice(self):
        words = ["it's", 'say "so"', "'", "", "a\\'b", "''"]
        exprs = {
            "one": "w == 'it''s'",
            "two": 'w == "it\'s" || w == "say ""so"""',
            "three": "w == '''' || '' == w",
            "four": "w == 'a\\''b'&&1",
            "five": "w == ''''''",
        }
        expected = {"one": [0], "two": [0, 1], "three": [2, 3], "four": [4], "five": [5]}
        reduce = {"r": {"where": "w != 'it''s'", "columns": {"one": ["count"]}}}
        self.write("m.json", {"over": {"w": words}, "run": {"expr": exprs}, "reduce": reduce})
        self.taskfarm("m.json")
        stage = self.open("m.h5")["m"]
        for name, rows in expected.items():
            self.assertEqual(list(np.flatnonzero(stage[f"results/{name}"][()])), rows, exprs[name])
        self.assertEqual(stage["reduce/r/one.count"][0], len(words) - 1)
        shown = self.taskfarm("export", "m.h5", "--where", "w == 'it''s'").stdout
        self.assertEqual(len(shown.splitlines()), 2)

    def test_random_numbers_are_the_tasks_own(self):
        run = {"expr": {"a": "random()", "b": "random()", "c": "normal()", "d": "a - a + random() - random()"}}
        self.same_for_all({"over": {"i": {"range": [50000]}}, "run": run, "seed": 7})
        with self.open("e.h5") as file:
            a, b, c = (file[f"e/results/{name}"][()] for name in "abc")
        self.assertLess(abs(a.mean() - 0.5), 0.01)
        self.assertTrue((a >= 0).all() and (a < 1).all())
        self.assertLess(abs(np.corrcoef(a, b)[0, 1]), 0.02)
        self.assertLess(abs(c.std() - 1), 0.02)

    @farm.first
    def test_functions_and_operators_are_numpy_s(self):
        cases = {
            "2 + 3 * 4 ^ 2 / 8 - 1": 7.0,
            "-7 % 3": 2.0,
            "x % -3": -1.5,
            "2 ** 3 ** 2": 512.0,
            "-2 ^ 2": -4.0,
            "!(x > 1) || x == 1.5": 1.0,
            "max(1, x, 0) + min(3, 2)": 3.5,
            "atan2(1, -1) + hypot(3, 4)": math.atan2(1, -1) + 5,
            "round(2.5) + round(x) + floor(-x) + ceil(x) + trunc(-x)": 2.0 + 2 - 2 + 2 - 1,
            "log(exp(1)) + log10(1000) + log2(8) + expm1(0)": 7.0,
            "isnan(nan) + isfinite(inf) + sign(-3)": 0.0,
            "x > 1 ? 10 : 20": 10.0,
            "erf(x) + cbrt(27)": math.erf(1.5) + 3,
            "1e3 + .5": 1000.5,
            "{odd name} * 2": 8.0,
            "name == 'a' && name != word": 1.0,
            "index + k": 5.0,
            "flag": 1.0,
        }
        over = [
            {"name": "x", "values": [1.5]},
            {"name": "name", "values": ["a"]},
            {"name": "odd name", "values": [4]},
            {"name": "flag", "values": [True]},
        ]
        exprs = {f"c{i}": text for i, text in enumerate(cases)}
        self.write("f.json", {"over": over, "variables": {"k": 5, "word": "b"}, "run": {"expr": exprs}})
        self.taskfarm("f.json")
        with self.open("f.h5") as file:
            for i, (text, value) in enumerate(cases.items()):
                self.assertAlmostEqual(file[f"f/results/c{i}"][0], value, 12, text)

    def test_what_does_not_fit_fails_its_task(self):
        self.write("g.json", {"over": {"x": [1, 2, 300]}, "run": {"expr": {"y": "x / 2"}}, "results": {"y": "int8"}})
        done = self.taskfarm("g.json", status=1)
        self.assertIn("  2 tasks failed: y = 0.5 does not fit type int8: g[0], [2]\n", done.stderr)
        with self.open("g.h5") as file:
            self.assertEqual(file["g/task/status"][()].tolist(), [FAILED, DONE, FAILED])

    def test_commands_and_batch_functions_leave_out_points_too(self):
        over = {"n": {"range": [10]}}
        self.write("c.json", {"over": over, "where": "n >= 3 && n != 5", "run": {"command": "echo {n} >>log"}})
        self.taskfarm("c.json", "--slots", 2)
        self.assertEqual(sorted((self.folder / "log").read_text().split()), list("346789"))
        with self.open("c.h5") as file:
            self.assertEqual(file["c/task/attempts"][()].tolist(), [0, 0, 0, 1, 1, 0, 1, 1, 1, 1])
        plugin = f"{farm.BUILD}/tests/libtest_plugin.so"
        stage = {"over": {"k": {"range": [1000]}}, "run": {"function": f"{plugin}:draws"}}
        results = {"results": {"x": "float64", "s": "string"}}
        self.write("all.json", {"name": "b", **stage, **results})
        self.write("b.json", {**stage, **results, "where": "k % 3 != 1"})
        self.taskfarm("all.json", "--output", "all.h5", status=1)
        self.taskfarm("b.json", status=1)
        kept = np.arange(1000) % 3 != 1
        with self.open("all.h5") as every, self.open("b.h5") as some:
            status = np.where(kept, every["b/task/status"][()], EXCLUDED)
            np.testing.assert_array_equal(some["b/task/status"][()], status)
            np.testing.assert_array_equal(some["b/results/x"][()], np.where(kept, every["b/results/x"][()], np.nan))
            np.testing.assert_array_equal(some["b/results/s"][()], np.where(kept, every["b/results/s"][()], b""))

    def test_another_where_is_another_stage(self):
        stage = {"over": {"n": {"range": [10]}}, "where": "n > 3", "run": {"expr": {"y": "n"}}}
        self.write("w.json", stage)
        self.taskfarm("w.json")
        self.write("w.json", {**stage, "where": "n > 4"})
        done = self.taskfarm("w.json", status=3)
        self.assertIn('stage "w": "where" changed since its rows were made', done.stderr)
        self.taskfarm("w.json", "--rerun", "code")
        with self.open("w.h5") as file:
            self.assertEqual(file["w/task/status"][()].tolist(), [EXCLUDED] * 5 + [DONE] * 5)


farm.main()
