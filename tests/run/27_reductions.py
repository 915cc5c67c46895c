"""Reductions: against numpy, for any number of ranks, and after kills."""

import fractions
import math
import os

import farm
import h5py
import numpy as np
from farm import digest

RANKS = (None, 1, 3) if farm.SANITIZED else (None, 1, 2, 3, 5)
STATS = ["count", "missing", "size", "nunique", "sum", "mean", "var", "std", "stderr", "min", "max", "argmin", "argmax", "first", "median", "mad"]
MORE = ["quantile:0", "quantile:0.025", "quantile:0.9", "quantile:1", "quantile~:0.3", "histogram:7", "histogram:5:log", "topk:3"]


def reductions(path, stage):
    """All that is there of them: bytes by dataset."""
    found = {}
    with h5py.File(path) as file:
        file[stage]["reduce"].visititems(lambda n, d: found.update({n: d[()].tobytes()}) if isinstance(d, h5py.Dataset) else None)
    return found


def numpys(x, task):
    """What numpy says of the values of one group."""
    missing, there = np.isnan(x).sum(), ~np.isnan(x)
    x, task = x[there], task[there]
    n = len(x)
    if n == 0:
        nothing = dict.fromkeys(["mean", "var", "std", "stderr", "min", "max", "first", "median", "mad"], np.nan)
        return {"count": 0, "missing": missing, "size": missing, "nunique": 0, "sum": 0, "argmin": -1, "argmax": -1, **nothing}
    var = x.var(ddof=1) if n > 1 else np.nan
    found = {"count": n, "missing": missing, "size": n + missing, "nunique": len(np.unique(x)), "sum": x.sum(), "mean": x.mean(), "var": var, "std": var**0.5}
    found.update({"stderr": (var / n) ** 0.5, "min": x.min(), "max": x.max(), "first": x[0], "median": np.median(x)})
    found.update({"argmin": task[x.argmin()], "argmax": task[x.argmax()], "mad": np.median(abs(x - np.median(x)))})
    found.update({f"quantile:{q}": np.quantile(x, float(q)) for q in ("0", "0.025", "0.9", "1")})
    cut = (x.astype(float).view(np.int64) & ~np.int64(0xFFFFFFFF)).view(float)
    found["quantile~:0.3"] = np.quantile(cut, 0.3)
    order = np.lexsort((task, -x))[:3]
    found["topk:3"] = np.pad(x[order].astype(float), (0, 3 - len(order)), constant_values=np.nan)
    found["topk:3.task"] = np.pad(task[order], (0, 3 - len(order)), constant_values=-1)
    return found


class Reductions(farm.FarmTest):
    def compare(self, group, g, column, x, task):
        for stat, value in numpys(x, task).items():
            name = f"{column}.{stat}"
            if name not in group:
                continue
            where = f"{group.name}/{name}[{g}]"
            exact = stat not in ("sum", "mean", "var", "std", "stderr")
            if exact:
                np.testing.assert_array_equal(group[name][g], value, where)
            else:
                np.testing.assert_allclose(group[name][g], value, rtol=1e-12, atol=1e-300, err_msg=where)

    def campaign(self, tasks):
        exprs = {
            "x": "normal() * 10 + n / 7",
            "gap": "random() < 0.1 ? nan : x - 300",
            "level": "floor(random() * 5) - 2",
            "flag": "n % 3 == 0",
            "never": "nan",
            "small": "random() * 1e-300",
        }
        types = {"level": "int16", "flag": "bool", "gap": "float32"}
        return {
            "name": "r",
            "seed": 5,
            "over": {"n": {"range": [tasks]}, "band": ["zeta", "R", "gamma"]},
            "where": "n % 11 != 5",
            "run": {"expr": exprs},
            "results": types,
            "reduce": {
                "all": {"columns": {"x": STATS + MORE, "gap": STATS + MORE, "never": STATS, "small": STATS, "level": STATS, "n": "max"}},
                "by band": {"by": "band", "columns": {"x": STATS + MORE, "gap": STATS}},
                "levels": {"by": ["level", "band", "flag"], "where": "x > 0 && band != 'gamma'", "columns": {"gap": STATS + MORE}},
                "many": {"by": "n", "columns": {"x": ["mean", "median", "topk:3"]}},
                "sizes": {"by": "band", "where": "n > 3"},
                "none": {"by": "n", "where": "n < 0", "columns": {"x": STATS}},
            },
        }

    def test_sums_are_exact_and_rounded_once(self):
        """Against fractions: terms that cancel, beyond each other's digits, at both ends of what a double can hold."""
        random = np.random.default_rng(7)
        groups = [
            [1e25, 1e-10, -1e25],
            [1e40, 1.0, -1e40],
            [0.1, 0.2, 0.3],
            [1.7e308, 1.7e308, -1.7e308, -1.6e308],
            [5e-324, 5e-324, 5e-324, 0.0],
            [1e200, -1e200, 3e200],
            [1e-200, -1e-200, 3e-200],
            [0.1] * 7,
            (random.normal(size=200) * 10.0 ** random.integers(-150, 150, 200)).tolist(),
            (1 + random.normal(size=200) * 1e-15).tolist(),
        ]
        rows = [f"{g},{x!r}\n" for g, group in enumerate(groups) for x in group]
        self.write("s.csv", "g,x\n" + "".join(rows))
        stats = ["sum", "mean", "var", "std", "stderr"]
        reduce = {"s": {"by": "g", "columns": {"x": stats}}}
        self.write("s.json", {"name": "s", "over": [{"csv": "s.csv"}], "run": {"expr": {"y": "x"}}, "reduce": reduce})
        found = []
        for ranks in (None, 3):
            self.taskfarm("s.json", "--fresh", "--slots", 2, ranks=ranks)
            found.append(reductions(self.folder / "s.h5", "s"))
        self.assertEqual(found[0], found[1])
        with self.open("s.h5") as file:
            got = {stat: file[f"s/reduce/s/x.{stat}"][()] for stat in stats}
        for g, group in enumerate(groups):
            exact = [fractions.Fraction(x) for x in group]
            n, total = len(exact), sum(exact)
            var = (sum(x * x for x in exact) - total * total / n) / (n - 1)
            for stat, value in {"sum": total, "mean": total / n, "var": var}.items():
                try:
                    value = float(value)
                except OverflowError:
                    value = math.inf if value > 0 else -math.inf
                self.assertEqual(got[stat][g], value, f"{stat} of {group}")
            for stat, square in {"std": var, "stderr": var / n}.items():
                shift = 1 << 1200
                root = fractions.Fraction(math.isqrt(int(square * shift * shift)), shift)
                if root > fractions.Fraction(np.finfo(float).max):
                    self.assertEqual(got[stat][g], math.inf, f"{stat} of {group}")
                else:
                    error = abs(fractions.Fraction(got[stat][g]) - root)
                    self.assertLess(error, root * fractions.Fraction(3e-16) + fractions.Fraction(5e-324), f"{stat} of {group}")

    @farm.first
    def test_edges_and_quantiles_reach_as_far_as_numbers_do(self):
        rows = [{"x": x} for x in (-1e308, 1e308, -5e307, 1e-300)]
        stats = ["histogram:4", "histogram:4:log", "quantile:0.25", "median"]
        manifest = {"name": "e", "over": [{"rows": rows}], "run": {"expr": {"y": "x"}}, "reduce": {"e": {"columns": {"x": stats}}}}
        self.write("e.json", manifest)
        self.taskfarm("e.json")
        with self.open("e.h5") as file:
            group = file["e/reduce/e"]
            np.testing.assert_allclose(group["x.histogram:4.edges"][()], [-1e308, -5e307, 0, 5e307, 1e308], rtol=1e-15)
            np.testing.assert_array_equal(group["x.histogram:4"][0], [1, 1, 1, 1])
            np.testing.assert_allclose(group["x.histogram:4:log.edges"][()], [1e-300, 1e-148, 1e4, 1e156, 1e308], rtol=1e-12)
            np.testing.assert_array_equal(group["x.histogram:4:log"][0], [1, 0, 0, 1])
            self.assertEqual(group["x.quantile:0.25"][0], -6.25e307)

    @farm.first
    def test_infinite_numbers_are_as_numpy_has_them(self):
        """numpy's quantile is NaN in places where its median is infinite: there it is infinite here, too."""
        rng = np.random.default_rng(20261129)
        groups = 150
        rows = [(g, float(x)) for g in range(groups) for x in rng.choice([-np.inf, np.inf, -1, 0.25, 2, 1e307], 1 + g % 6)]
        quantiles = {f"quantile:{q}": q for q in (0, 0.1, 0.25, 0.5, 0.8, 1)}
        self.write("m.json", {
            "over": [{"rows": [{"g": g, "x": x} for g, x in rows]}],
            "run": {"echo": True},
            "reduce": {"r": {"by": "g", "columns": {"x": ["median", "mad", *quantiles]}}},
        })  # fmt: skip
        self.taskfarm("m.json")
        found = self.open("m.h5")["m/reduce/r"]
        infinite = 0
        for g in range(groups):
            x = np.array([value for group, value in rows if group == g])
            with np.errstate(all="ignore"):
                median = np.median(x)
                self.assertEqual(str(found["x.median"][g]), str(median), x)
                self.assertEqual(str(found["x.mad"][g]), str(np.median(abs(x - median))), x)
                infinite += np.isinf(median) + np.isinf(found["x.mad"][g])
                for name, q in quantiles.items():
                    value, numpys = found[f"x.{name}"][g], np.quantile(x, q)
                    if not np.isnan(numpys):
                        self.assertEqual(value, numpys, (x, q))
                    elif np.isnan(value):
                        self.assertLess(0, np.isneginf(x).sum() * np.isposinf(x).sum(), (x, q))
                self.assertEqual(str(found["x.quantile:0.5"][g]), str(median), x)
        self.assertGreater(infinite, 20)

    def test_are_numpy_s_for_any_number_of_ranks(self):
        self.write("r.json", self.campaign(700 if farm.SANITIZED else 3000))
        found = []
        for ranks in RANKS:
            self.taskfarm("r.json", "--fresh", "--slots", 2, ranks=ranks)
            found.append((digest(self.folder / "r.h5"), reductions(self.folder / "r.h5", "r")))
        self.assertEqual(found, found[:1] * len(found))
        with self.open("r.h5") as file:
            stage = file["r"]
            done = stage["task/status"][()] == farm.DONE
            task = np.flatnonzero(done)
            values = {name: stage["results"][name][()][done].astype(float) for name in stage["results"]}
            values["n"] = stage["params/n"][()][done]
            band = stage["params/band"][()][done]
            whole = stage["reduce/all"]
            self.assertEqual(whole["rows"][()].tolist(), [len(task)])
            for column in ("x", "gap", "never", "small", "level", "n"):
                self.compare(whole, 0, column, values[column], task)
            edges = np.histogram_bin_edges(values["x"], 7)
            np.testing.assert_allclose(whole["x.histogram:7.edges"][()], edges, rtol=1e-14)
            np.testing.assert_array_equal(whole["x.histogram:7"][0], np.histogram(values["x"], whole["x.histogram:7.edges"][()])[0])
            bins = whole["x.histogram:5:log.edges"][()]
            np.testing.assert_allclose(bins[1:] / bins[:-1], (bins[-1] / bins[0]) ** 0.2)
            np.testing.assert_array_equal(whole["x.histogram:5:log"][0], np.histogram(values["x"], bins)[0])
            bands = stage["reduce/by band"]
            self.assertEqual(bands["band"][()].tolist(), [b"R", b"gamma", b"zeta"])
            for g, name in enumerate(bands["band"][()]):
                self.compare(bands, g, "x", values["x"][band == name], task[band == name])
                self.compare(bands, g, "gap", values["gap"][band == name], task[band == name])
            levels = stage["reduce/levels"]
            keys = list(zip(levels["level"][()].tolist(), levels["band"][()].tolist(), levels["flag"][()].tolist()))
            kept = (values["x"] > 0) & (band != b"gamma")
            rows = list(zip(values["level"].astype(int).tolist(), band.tolist(), values["flag"].astype(bool).tolist()))
            self.assertEqual(keys, sorted({row for row, keep in zip(rows, kept) if keep}))
            for g, key in enumerate(keys):
                own = kept & np.array([row == key for row in rows])
                self.assertEqual(levels["rows"][g], own.sum())
                self.compare(levels, g, "gap", values["gap"][own], task[own])
            sizes = stage["reduce/sizes"]
            self.assertEqual(set(sizes), {"band", "rows", "group"})
            counts = [(band[values["n"] > 3] == name).sum() for name in sizes["band"][()]]
            self.assertEqual(sizes["rows"][()].tolist(), counts)
            many = stage["reduce/many"]
            np.testing.assert_array_equal(many["n"][()], np.unique(values["n"]))
            np.testing.assert_allclose(many["x.mean"][()], values["x"].reshape(-1, 3).mean(1), rtol=1e-12)
            np.testing.assert_array_equal(many["x.median"][()], np.median(values["x"].reshape(-1, 3), 1))
            self.assertEqual(stage["reduce/none/n"].shape, (0,))
            self.assertIn('"by":"band"', bands.attrs["settings"])

    @farm.first
    def test_sums_are_exact(self):
        """What cancels leaves what was there before; endless values are where they belong."""
        rows = [{"x": x, "k": k} for k, xs in enumerate([[1e16, 1, -1e16], [3, 1e-20, -3], [1e308, 1e308], [5], []]) for x in xs]
        self.write("t.csv", "x,k\n" + "".join(f"{r['x']!r},{r['k']}\n" for r in rows) + "inf,7\n2,7\n-inf,8\ninf,8\n-inf,9\n")
        self.write(
            "s.json",
            {
                "over": [{"csv": "t.csv"}],
                "run": {"expr": {"y": "x"}},
                "reduce": {"sums": {"by": ["k"], "columns": {"y": ["sum", "mean", "std", "max", "median"]}}},
            },
        )
        self.taskfarm("s.json")
        with self.open("s.h5") as file:
            found = file["s/reduce/sums"]
            np.testing.assert_array_equal(found["k"][()], [0, 1, 2, 3, 7, 8, 9])
            np.testing.assert_array_equal(found["y.sum"][()], [1, 1e-20, np.inf, 5, np.inf, np.nan, -np.inf])
            np.testing.assert_array_equal(found["y.mean"][()], [1 / 3, 1e-20 / 3, 1e308, 5, np.inf, np.nan, -np.inf])
            self.assertTrue(np.isnan(found["y.std"][3:]).all())
            np.testing.assert_array_equal(found["y.max"][3:], [5, np.inf, np.inf, -np.inf])

    def test_arrays_strings_and_failed_rows(self):
        """Each element by itself; groups by a column of strings, short and long; failed rows are left out."""
        command = (
            "import json, os; i = {index}; 1 / (i % 7); "
            "print(json.dumps(dict(profile=[[i, i * 2], [i * 3, 1 / i]], word='w' * (i % 3), long=str(i % 2) * 2000, data='AA==')))"
        )
        manifest = {
            "over": {"n": {"range": [40]}},
            "run": {"command": ["/usr/bin/python3", "-S", "-c", command.replace("{index}", "{n}")]},
            "results": {"profile": {"type": "float32", "shape": [2, 2]}, "word": "string", "long": "string"},
            "reduce": {
                "words": {"by": "word", "columns": {"profile": ["mean", "max", "argmax", "median", "topk:2"]}},
                "long": {"by": "long", "where": "word == 'ww'", "columns": {"n": ["count"]}},
            },
        }
        self.write("a.json", manifest)
        for ranks in (None, 3):
            self.taskfarm("a.json", "--fresh", "--slots", 2, ranks=ranks, status=1)
            with self.open("a.h5") as file:
                words = file["a/reduce/words"]
                self.assertEqual(words["word"][()].tolist(), [b"", b"w", b"ww"])
                for g in range(3):
                    own = np.array([i for i in range(40) if i % 3 == g and i % 7])
                    profile = np.array([[[i, i * 2], [i * 3, 1 / i]] for i in own], np.float32).astype(float)
                    self.assertEqual(words["rows"][g], len(own))
                    np.testing.assert_allclose(words["profile.mean"][g], profile.mean(0), rtol=1e-12)
                    np.testing.assert_array_equal(words["profile.median"][g], np.median(profile, 0))
                    np.testing.assert_array_equal(words["profile.argmax"][g], own[profile.argmax(0)])
                    np.testing.assert_array_equal(words["profile.topk:2"][g, 0, 1], np.sort(profile[:, 0, 1])[:-3:-1])
                long = file["a/reduce/long"]
                self.assertEqual(long["long"][()].tolist(), [b"0" * 2000, b"1" * 2000])
                own = [i for i in range(40) if i % 3 == 2 and i % 7]
                self.assertEqual(long["n.count"][()].tolist(), [sum(i % 2 == k for i in own) for k in (0, 1)])

    def unique(self, name, group="all"):
        with self.open(name) as file:
            found = file[f"{name.removesuffix('.h5')}/reduce/{group}"]
            return {key.removesuffix(".nunique"): found[key][()].tolist() for key in found if key.endswith(".nunique")}

    def test_different_values_are_counted_exactly(self):
        """Integers that are the same as float64 differ; zeros do not; NaN is no value."""
        zeros = {"zero": "n % 2 ? 0 : -0.0", "gap": "n % 4 ? floor(n / 8) : nan", "flag": "n % 3 == 0", "tiny": "n % 5 * 5e-324", "inf": "n ? n / 0 : -1 / 0"}
        rows = [{"n": n, "id": 2**62 + n // 2 + n % 2 * 3, "level": n % 7 - 3} for n in range(60)]
        columns = {name: ["nunique"] for name in ("id", "level", *zeros)}
        reduce = {"all": {"columns": columns}, "some": {"by": "level", "where": "n < 42", "columns": columns}}
        self.write("d.json", {"name": "d", "over": [{"rows": rows}], "run": {"expr": zeros}, "results": {"flag": "bool"}, "reduce": reduce})
        ids = np.array([row["id"] for row in rows])
        for ranks in RANKS:
            self.taskfarm("d.json", "--fresh", "--slots", 2, ranks=ranks)
            self.assertEqual(
                self.unique("d.h5"),
                {"id": [len(np.unique(ids))], "level": [7], "zero": [1], "gap": [8], "flag": [2], "tiny": [5], "inf": [2]},
            )
            self.assertEqual(len(np.unique(ids.astype(float))), 1)
            some = self.unique("d.h5", "some")
            self.assertEqual(some["id"], [len(np.unique(ids[:42][np.arange(42) % 7 == k])) for k in range(7)])
            self.assertEqual((some["level"], some["flag"]), ([1] * 7, [2] * 7))

    def test_different_values_of_more_rows_and_after_kills(self):
        """When the space grows, and when a run is killed as it counts, they are those of a run from scratch."""
        def manifest(tasks):
            stage = {"name": "g", "over": {"n": {"range": [tasks]}}, "run": {"expr": {"x": "floor(random() * 500)"}}}
            self.write("g.json", {**stage, "reduce": {"all": {"by": [], "columns": {"x": ["nunique"]}}}})

        for tasks, point in ((300, None), (900, "reduce.worked_out"), (2000, "rows.data:2")):
            manifest(tasks)
            if point:
                killed = self.start("g.json", "--slots", 2, ranks=3, env={"TASKFARM_CRASH": point})
                self.assertNotEqual(killed.wait(self.limit), 0, point)
            self.taskfarm("g.json", "--slots", 2, ranks=2)
            with self.open("g.h5") as file:
                self.assertEqual(file["g/reduce/all/x.nunique"][0], len(np.unique(file["g/results/x"][()])))

    @farm.unittest.skipIf(farm.SANITIZED, "takes long with sanitizers")
    def test_different_values_are_counted_in_parts(self):
        """More of them than a rank's table has room for."""
        blocks = {"b": {"blocks": {"shape": [5100, 5100], "chunk": [510, 5100]}}}
        self.write("p.json", {"name": "p", "over": blocks, "run": {"expr": {"v": "random()"}}, "results": {"v": {"type": "float64", "array": "b"}}, "reduce": {"all": {"columns": {"v": ["nunique"]}}}})
        for ranks in (None, 3):
            self.taskfarm("p.json", "--fresh", "--slots", 2, ranks=ranks)
            if ranks is None:
                with self.open("p.h5") as file:
                    expected = len(np.unique(file["p/results/v"][()]))
            self.assertGreater(expected, 3 << 23)
            self.assertEqual(self.unique("p.h5"), {"v": [expected]})

    def test_many_different_values_of_several_ranks(self):
        blocks = {"b": {"blocks": {"shape": [1900, 1900], "chunk": [380, 950]}}}
        results = {"v": {"type": "float64", "array": "b"}, "w": {"type": "int64", "array": "b"}}
        expr = {"v": "random()", "w": "floor(v * 1e6)"}
        reduce = {"all": {"columns": {"v": ["nunique"], "w": ["nunique"]}}}
        self.write("p.json", {"name": "p", "over": blocks, "run": {"expr": expr}, "results": results, "reduce": reduce})
        for ranks in (3,) if farm.SANITIZED else (None, 3):
            self.taskfarm("p.json", "--fresh", "--slots", 2, ranks=ranks)
            with self.open("p.h5") as file:
                expected = {name: [len(np.unique(file[f"p/results/{name}"][()]))] for name in "vw"}
            self.assertGreater(expected["v"][0], 3 << 20)
            self.assertEqual(self.unique("p.h5"), expected)

    @farm.first
    def test_another_reduction_needs_no_task_again(self):
        stage = {"over": {"n": {"range": [100]}}, "run": {"command": "echo {n} >>log"}}
        self.write("m.json", {**stage, "reduce": {"first": {"columns": {"n": ["mean"]}}}})
        self.taskfarm("m.json")
        self.write("m.json", {**stage, "reduce": {"second": {"columns": {"n": ["median", "max"]}}}})
        self.taskfarm("m.json")
        self.assertEqual(len((self.folder / "log").read_text().split()), 100)
        with self.open("m.h5") as file:
            self.assertEqual(list(file["m/reduce"]), ["second"])
            self.assertEqual(file["m/reduce/second/n.median"][0], 49.5)
        self.write("m.json", stage)
        self.taskfarm("m.json")
        with self.open("m.h5") as file:
            self.assertNotIn("reduce", file["m"])

    def test_nothing_old_is_read_where_nobody_writes(self):
        """HDF5 gives new datasets the room of those that were removed: dimensions have none of their bytes."""
        stage = {"name": "s", "over": {"n": {"range": [3000]}}, "run": {"expr": {"x": "-1 - n"}}}
        last = {"name": "last", "after": ["s"], "over": {"n": {"range": [10]}}, "run": {"expr": {"y": "n"}}}
        many = {"many": {"by": "n", "columns": {"x": ["sum", "mean", "min"]}}}
        wide = {"wide": {"by": "n", "columns": {"x": ["topk:40", "histogram:50", "max"]}}}
        self.write("o.json", {"name": "o", "stages": [{**stage, "reduce": wide}, last]})
        self.taskfarm("o.json", "--output", "fresh.h5")
        for reduce in (many, wide):
            self.write("o.json", {"name": "o", "stages": [{**stage, "reduce": reduce}, last]})
            self.taskfarm("o.json", "--output", "again.h5")
        self.assertEqual(farm.datasets(self.folder / "again.h5"), farm.datasets(self.folder / "fresh.h5"))

    def test_kills_change_nothing(self):
        self.write("k.json", self.campaign(400 if farm.SANITIZED else 2000))
        self.taskfarm("k.json", "--output", "whole.h5")
        expected = digest(self.folder / "whole.h5"), farm.datasets(self.folder / "whole.h5")
        for point in ("reduce.worked_out", "change.begun:3", "change.begun:4", "change.flushed:3", "change.ended:3", "rows.data:3", "close.closed"):
            for ranks in (3,) if farm.SANITIZED else (None,):
                for old in self.folder.glob("k.h5*"):
                    farm.shutil.rmtree(old) if old.is_dir() else old.unlink()
                killed = self.start("k.json", "--output", "k.h5", "--slots", 2, ranks=ranks, env={"TASKFARM_CRASH": point})
                self.assertNotEqual(killed.wait(self.limit), 0, point)
                self.taskfarm("k.json", "--output", "k.h5", ranks=ranks)
                self.assertEqual((digest(self.folder / "k.h5"), farm.datasets(self.folder / "k.h5")), expected, point)

    def test_xarray_opens_them(self):
        import xarray

        self.write("x.json", self.campaign(100))
        self.taskfarm("x.json", "--output", "x.h5")
        with xarray.open_dataset(self.folder / "x.h5", group="r/reduce/by band", engine="h5netcdf") as found:
            self.assertEqual(found["x.mean"].dims, ("group",))
            self.assertEqual(found["x.histogram:7"].shape, (3, 7))
            self.assertEqual(found["band"].to_index().tolist(), ["R", "gamma", "zeta"])  # str, not bytes
            frame = found[["band", "rows"]].to_dataframe()
            self.assertEqual(frame.query("band == 'R'").rows.tolist(), [found["rows"].to_index()[0]])

    def test_keys_that_are_no_utf_8_stay_bytes(self):
        import xarray

        name = os.fsdecode(b"caf\xe9.txt")
        self.write(name, "")
        self.write("a.txt", "")
        by = {"paths": {"by": "path"}}
        self.write("p.json", {"over": {"path": {"glob": "*.txt"}}, "run": {"expr": {"y": "1"}}, "reduce": by})
        self.taskfarm("p.json")
        with xarray.open_dataset(self.folder / "p.h5", group="p/reduce/paths", engine="h5netcdf") as found:
            self.assertEqual(found["path"].to_index().tolist(), [b"a.txt", b"caf\xe9.txt"])


farm.main()
