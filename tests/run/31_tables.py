"""Tables that are read in parts: what is in them is what Python's csv module reads, and they need not fit in memory."""

import csv
import random
import unittest

import farm
import numpy as np
from farm import digest, reductions

RANKS = (None, 3) if farm.SANITIZED else (None, 2, 3, 5)
WORDS = ["Vega", "", 'the "standard"', "a,b", "two\nlines", "two\r\nlines", "é", " x ", "\rx"]


def table(folder, rows):
    """Three files with their columns in different orders; the rows."""
    rng = random.Random(7)
    made = []
    for part, columns in enumerate((["star", "key", "value"], ["value", "star", "key"], ["key", "value", "star"])):
        with open(folder / f"part_{part}.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\r\n" if part == 1 else "\n")
            writer.writeheader()
            for i in range(rows):
                row = {"star": len(made), "key": rng.choice(WORDS), "value": "" if i % 50 == 7 else rng.gauss(0, 1)}
                made.append(row)
                writer.writerow(row)
                if i % 1000 == 3:
                    file.write("\r\n" if part == 1 else "\n")
    return made


class Tables(farm.FarmTest):
    def manifest(self, batch, path="part_*.csv"):
        self.write(
            "t.json",
            {
                "over": {"t": {"csv": path, "batch": batch}},
                "run": {"expr": {"n": "t_count", "twice": "2 * value + (key == 'a,b' ? 100 : 0)", "id": "star"}},
                "results": {"twice": {"type": "float64", "array": "t"}, "id": {"type": "int32", "array": "t"}},
                "reduce": {
                    "by_key": {"by": "key", "columns": {"value": ["count", "missing", "mean", "std", "median"], "star": ["first", "argmax"]}},
                    "some": {"where": "key != 'Vega' && value > 0", "columns": {"value": ["sum"], "twice": ["max"], "n": ["max"]}},
                },
            },
        )

    def test_parts_have_what_is_in_the_files(self):
        rows = table(self.folder, 3000 if farm.SANITIZED else 30000)
        found = []
        self.manifest(701)
        for ranks in RANKS:
            self.taskfarm("t.json", "--fresh", "--slots", 2, ranks=ranks)
            found.append((digest(self.folder / "t.h5"), reductions(self.folder / "t.h5")))
        for point in ("rows.data:2", "reduce.worked_out"):
            killed = self.start("t.json", "--fresh", env={"TASKFARM_CRASH": point}, ranks=2)
            self.assertNotEqual(killed.wait(self.limit), 0, point)
            self.taskfarm("t.json", ranks=3)
            found.append((digest(self.folder / "t.h5"), reductions(self.folder / "t.h5")))
        for other in found[1:]:
            self.assertEqual(other, found[0])
        star = np.array([row["star"] for row in rows])
        key = np.array([row["key"] for row in rows])
        value = np.array([float(row["value"] or "nan") for row in rows])
        with self.open("t.h5") as file:
            self.assertEqual(file["t/params/t_count"][()].sum(), len(rows))
            np.testing.assert_array_equal(file["t/results/id"][()], star)
            np.testing.assert_array_equal(file["t/results/twice"][()], 2 * value + np.where(key == "a,b", 100, 0))
            by_key, some = file["t/reduce/by_key"], file["t/reduce/some"]
            self.assertEqual([k.decode() for k in by_key["key"][()]], sorted(WORDS, key=str.encode))
            for g, word in enumerate(by_key["key"].asstr()):
                own = key == word
                self.assertEqual(by_key["rows"][g], own.sum())
                self.assertEqual(by_key["value.missing"][g], np.isnan(value[own]).sum())
                np.testing.assert_allclose(by_key["value.mean"][g], np.nanmean(value[own]), rtol=1e-12, atol=1e-14)
                np.testing.assert_allclose(by_key["value.std"][g], np.nanstd(value[own], ddof=1), rtol=1e-12)
                np.testing.assert_allclose(by_key["value.median"][g], np.nanmedian(value[own]), rtol=1e-14)
                self.assertEqual((by_key["star.first"][g], by_key["star.argmax"][g]), (star[own][0], star[own][-1]))
            kept = (key != "Vega") & (value > 0)
            np.testing.assert_allclose(some["value.sum"][0], value[kept].sum(), rtol=1e-12)
            self.assertEqual(some["twice.max"][0], (2 * value + np.where(key == "a,b", 100, 0))[kept].max())
            self.assertEqual(some["n.max"][0], 701)

    @farm.first
    def test_a_function_gets_columns_as_arrays(self):
        rows = table(self.folder, 100)
        stage = {
            "over": {"t": {"csv": "part_*.csv", "batch": 64}},
            "run": {"function": f"{farm.BUILD}/tests/libtest_plugin.so:columns"},
            "results": {"longest": "string", "sum": "float64", "stars": "int64"},
        }
        self.write("t.json", stage)
        self.taskfarm("t.json")
        with self.open("t.h5") as file:
            for part in range(5):
                own = rows[64 * part : 64 * (part + 1)]
                longest = max((row["key"].encode() for row in own), key=len)
                self.assertEqual(file["t/results/longest"][part], longest)
                self.assertAlmostEqual(file["t/results/sum"][part], sum(row["value"] or 0 for row in own), 12)
                self.assertEqual(file["t/results/stars"][part], sum(row["star"] for row in own))

    def test_a_file_that_changes_meanwhile_fails_its_tasks(self):
        table(self.folder, 300)
        self.manifest(100)
        stages = [
            {"name": "first", "run": {"command": "printf 'star,key,value\\n1,a,b\\n' > part_1.csv"}},
            {
                "name": "second",
                "after": ["first"],
                "over": {"t": {"csv": "part_*.csv", "batch": 100}},
                "run": {"expr": {"y": "value"}},
                "results": {"y": {"type": "float64", "array": "t"}},
            },
        ]
        self.write("t.json", {"stages": stages})
        self.taskfarm("t.json", status=1)
        with self.open("t.h5") as file:
            np.testing.assert_array_equal(file["second/task/status"][()], [1, 1, 1, 2, 2, 2, 1, 1, 1])
            self.assertEqual(self.heap(file["second"], "message")[3], b"part_1.csv, or a file after it: has changed since the manifest was read")

    def test_what_was_read_is_not_mixed_with_what_is_there_now(self):
        rows = table(self.folder, 300)
        self.manifest(100)
        self.taskfarm("t.json")
        self.assertIn("9 done, 0 failed, 9 of them before", self.taskfarm("t.json").stderr)
        self.write("part_3.csv", "star,key,value\n" + "".join(f"{900 + i},new,{i}\n" for i in range(150)))
        self.assertIn("11 done, 0 failed, 9 of them before", self.taskfarm("t.json", ranks=2).stderr)
        with self.open("t.h5") as file:
            np.testing.assert_array_equal(file["t/results/id"][()], np.arange(1050))
            self.assertEqual(file["t/reduce/by_key/rows"][()].sum(), len(rows) + 150)
        part = self.folder / "part_0.csv"
        part.write_bytes(part.read_bytes().replace(b"\n17,", b"\n18,"))
        done = self.taskfarm("t.json", status=3)
        self.assertIn("--fresh", done.stderr)

    @farm.first
    def test_a_table_that_is_no_table(self):
        cases = {
            "": "bad.csv is empty; its first line must name the columns",
            "a,b\n1,2\n1,2,3\n": "bad.csv: line 3: 3 fields, expected 2",
            'a\n1\n"x\n\n': "bad.csv: line 3: a quote is not closed, or has text behind it",
            "a,a\n1,2\n": 'bad.csv: line 1: two columns are called "a"',
            "a,b\n": "bad.csv has a header and no records",
            "a\n1\0\n": "bad.csv: holds NUL bytes: is it a text file?",
            "a\n" + 1025 * "x" + "\n": 'bad.csv: texts of column "a" are longer than 1024 bytes',
        }
        for text, message in cases.items():
            self.write("bad.csv", text.encode())
            self.write("t.json", {"over": {"t": {"csv": "bad.csv", "batch": 10}}, "run": {"expr": {"y": "1"}}})
            done = self.taskfarm("check", "t.json", status=2)
            self.assertIn(f"t.json: /over/t/csv: {message}\n", done.stderr)

    @unittest.skipIf(farm.SANITIZED, "sanitizers take the memory for themselves")
    def test_a_table_of_twice_the_memory(self):
        limit = farm.MemoryLimit(self, 150 << 20)
        block = "".join(f"{i % 1000},{i % 7}.25,some words to make it longer\n" for i in range(100000))
        with open(self.folder / "big.csv", "w") as file:
            file.write("key,value,text\n")
            for _ in range(100):
                file.write(block)
        self.assertGreater((self.folder / "big.csv").stat().st_size, 2 * limit.size)
        reduce = {"r": {"by": "key", "columns": {"value": ["mean", "max"]}}}
        over = {"t": {"csv": "big.csv", "batch": 50000}}
        self.write("t.json", {"over": over, "run": {"expr": {"n": "t_count"}}, "reduce": reduce})
        limit.run(self.command("t.json", "--slots", 2))
        with self.open("t.h5") as file:
            found = file["t/reduce/r"]
            self.assertEqual(found["rows"][()].tolist(), [10000] * 1000)
            np.testing.assert_allclose(found["value.mean"][:7], [np.mean([i % 7 for i in range(k, 10**5, 1000)]) + 0.25 for k in range(7)], rtol=1e-12)


if __name__ == "__main__":
    farm.main()
