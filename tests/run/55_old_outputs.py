"""Outputs of earlier versions (tests/data/old) are read, and go on to the rows that a run from scratch gives."""

import csv
import io
import json
import os
import shutil

import farm
import h5py
from farm import digest

OLD = farm.SOURCE / "tests" / "data" / "old"
VERSIONS = sorted(path.name for path in OLD.iterdir() if path.is_dir())

# What has become of the tasks of each stage, as far as it is not 0.
KILLED = {
    "rows": {"done": 30},
    "taken": {"done": 19, "excluded": 11},
    "commands": {"done": 13, "pending": 11},
    "last": {},
}
FAILED = {
    "fails": {"done": 17, "failed": 2, "excluded": 1},
    "slow": {"done": 5, "timeout": 1},
    "takes": {"done": 17, "skipped": 2, "excluded": 1},
}
COMPLETE = {"rows": {"done": 20}, "grid": {"done": 8}, "taken": {"done": 20}}

STATUSES = ["pending", "done", "failed", "timeout", "skipped", "excluded", "cancelled"]
OLD_STATUSES = STATUSES[:-1]
CANCELLED = 6


class OldOutputs(farm.FarmTest):
    whole = {}  # see from_scratch, by manifest

    def each(self, name, check):
        """Checks an old output in a fresh folder with its manifest, of each version, and with some numbers of ranks."""
        for version in VERSIONS:
            for ranks in (None, 3):
                with self.subTest(version=version, ranks=ranks):
                    for path in self.folder.iterdir():
                        shutil.rmtree(path) if path.is_dir() else path.unlink()
                    shutil.copy(OLD / f"{name}.json", self.folder)
                    shutil.copy(OLD / version / f"{name}.h5", self.folder)
                    if (OLD / version / f"{name}.h5.d").exists():
                        shutil.copytree(OLD / version / f"{name}.h5.d", self.folder / f"{name}.h5.d", symlinks=True)
                    check(version, ranks)

    def counts(self, output):
        """What status says of the stages."""
        told = json.loads(self.taskfarm("status", output, "--json").stdout)
        return told["state"], {s["name"]: {k: s[k] for k in STATUSES if s.get(k)} for s in told["stages"]}

    def table(self, output, stage, *columns):
        """What export gives."""
        text = self.taskfarm("export", output, stage, "--columns", ",".join(columns)).stdout
        return list(csv.reader(io.StringIO(text)))[1:]

    def shown(self, output, stage, index):
        return json.loads(self.taskfarm("show", output, stage, index, "--json").stdout)

    def names(self, output, stage):
        """Those of the statuses, in their order."""
        with h5py.File(self.folder / output) as file:
            names = h5py.check_enum_dtype(file[stage]["task/status"].dtype)
            return sorted(names, key=names.get)

    def kept_names(self, version):
        """Those after a run that goes on in the same file, as it does with all but the oldest outputs."""
        return STATUSES if version == "0dc4f4c" else OLD_STATUSES

    def ran(self):
        """Which tasks have run since the last time."""
        path = self.folder / "ran"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(lines)

    def from_scratch(self, manifest):
        """The rows and reductions that a run without any output gives."""
        text = (self.folder / manifest).read_text()
        if text not in self.whole:
            self.taskfarm(manifest, "--output", "anew.h5")
            self.ran()
            self.whole[text] = digest(self.folder / "anew.h5"), farm.reductions(self.folder / "anew.h5")
        return self.whole[text]

    def go_on(self, version, name, ranks):
        """Runs the same campaign with the old output, then with none. Both must give the same rows; those that were
        there already are kept, and the history of both runs is."""
        done = self.taskfarm(f"{name}.json", ranks=ranks)
        self.assertNotIn("changed since", done.stderr)  # old outputs know less of their code, which is no change
        ran = self.ran()
        file = self.open(f"{name}.h5")
        runs = json.loads(file.attrs["runs"])
        file.close()
        self.assertTrue(runs[0]["commit"].startswith(version), runs)
        self.assertEqual(len(runs), 2)
        self.assertFalse((self.folder / f"{name}.h5.d").exists())
        rows = digest(self.folder / f"{name}.h5")
        self.assertEqual((rows, farm.reductions(self.folder / f"{name}.h5")), self.from_scratch(f"{name}.json"))
        self.taskfarm(f"{name}.json", ranks=ranks)
        self.assertEqual(self.ran(), [], "nothing is left to do")
        self.assertEqual(digest(self.folder / f"{name}.h5"), rows)
        return ran

    @farm.first
    def test_killed_half_way(self):
        self.each("killed", self.check_killed)

    def read_killed(self):
        before = {k: v for k, v in self.files().items() if k != "killed.h5.d/lock"}
        self.assertEqual(self.counts("killed.h5"), ("interrupted", KILLED))
        rows = self.table("killed.h5", "commands", "index", "status", "y", "text")
        words = [(i // 2, ("a", "bb")[i % 2]) for i in range(24)]
        self.assertEqual(rows[:13], [[str(i), "done", str(words[i][0]), f"{words[i][1]}-{i}"] for i in range(13)])
        self.assertEqual(rows[13:], [[str(i), "pending", "", ""] for i in range(13, 24)])
        task = self.shown("killed.h5", "commands", 5)
        self.assertEqual((task["status"], task["results"]), ("done", {"y": 2, "text": "bb-5"}))
        self.assertTrue(task["texts"]["stdout"].startswith("of 2 bb\n"), task)
        self.assertEqual(self.shown("killed.h5", "commands", 13)["status"], "pending")
        by_even = self.taskfarm("export", "killed.h5", "rows.by_even").stdout.splitlines()
        self.assertEqual(by_even[0], "even,rows,n.count,n.mean,n.topk:2[0],n.topk:2[1],n.topk:2.task[0],n.topk:2.task[1]")
        self.assertEqual(by_even[1], "false,15,15,42.8,93,85,19,20")
        self.taskfarm("report", "killed.h5", "-o", "page.html")
        (self.folder / "page.html").unlink()
        after = {k: v for k, v in self.files().items() if k != "killed.h5.d/lock"}
        self.assertEqual(after, before, "who reads changes nothing")

    def check_killed(self, version, ranks):
        if not ranks:
            self.read_killed()
        self.write("go", "")
        left = [f"commands {i}" for i in range(13, 24)] + ["last 0", "last 1"]
        self.assertEqual(self.go_on(version, "killed", ranks), sorted(left))
        named = [self.names("killed.h5", stage) for stage in KILLED]
        self.assertEqual(named, [self.kept_names(version)] * 3 + [STATUSES])

    @farm.first
    def test_with_failures(self):
        self.each("failed", self.check_failed)

    def read_failed(self):
        self.assertEqual(self.counts("failed.h5"), ("failed", FAILED))
        self.assertIn("2 tasks failed: exit status 3: no 4: fails[4], [14]\n", self.taskfarm("status", "failed.h5").stdout)
        task = self.shown("failed.h5", "fails", 14)
        self.assertEqual((task["status"], task["record"]["exit_code"], task["texts"]["stderr"]), ("failed", 3, "no 14\n"))
        self.assertEqual(self.shown("failed.h5", "slow", 3)["status"], "timeout")
        rows = self.table("failed.h5", "takes", "index", "status", "back")
        bad = {4: "skipped", 14: "skipped", 15: "excluded"}
        self.assertEqual(rows, [[str(i), bad.get(i, "done"), "" if i in bad else f"w{i}"] for i in range(20)])
        self.taskfarm("report", "failed.h5", "-o", "page.html")
        (self.folder / "page.html").unlink()

    def check_failed(self, version, ranks):
        if not ranks:
            self.read_failed()
        self.taskfarm("failed.json", ranks=ranks, status=1)
        self.assertEqual(self.ran(), ["fails 14", "fails 4", "slow 3"])
        self.assertEqual(self.counts("failed.h5"), ("failed", FAILED))
        shutil.copy(OLD / version / "failed.h5", self.folder)
        self.write("mended", "")
        again = ["fails 14", "fails 4", "slow 3", "takes 14", "takes 4"]
        self.assertEqual(self.go_on(version, "failed", ranks), again)
        self.assertEqual([self.names("failed.h5", stage) for stage in FAILED], [self.kept_names(version)] * 3)

    def test_complete_and_extended(self):
        self.each("complete", self.check_complete)

    def read_complete(self):
        self.assertEqual(self.counts("complete.h5"), ("complete", COMPLETE))
        self.assertIn("\n  p = bb\n", self.taskfarm("show", "complete.h5", "grid", 7).stdout)
        self.assertIn("  rows.all: 20 rows\n    n.mean         53.5\n", self.taskfarm("status", "complete.h5").stdout)
        shown = self.taskfarm("show", "complete.h5", "rows.all").stdout.splitlines()
        self.assertEqual(shown[:4] + shown[-1:], ["rows.all: 20 rows", "  n.mean  53.5", "  n.min   7", "  n.max   99", "    76  99              4"])
        rows = self.table("complete.h5", "grid", "index", "status", "p", "k", "y", "word")
        points = [(p, str(k)) for p in ("a", "bb") for k in range(4)]
        self.assertEqual(rows, [[str(i), "done", p, k, k, f"{p}-{k}"] for i, (p, k) in enumerate(points)])

    def check_complete(self, version, ranks):
        if not ranks:
            self.read_complete()
        self.assertEqual(self.go_on(version, "complete", ranks), [])
        shutil.copy(OLD / version / "complete.h5", self.folder)
        manifest = json.loads((self.folder / "complete.json").read_text())
        manifest["stages"][0]["over"] = {"i": {"range": [33]}}
        manifest["stages"][1]["over"] = {"p": ["0", "a", "bb"], "k": {"range": [5]}}
        self.write("complete.json", manifest)
        new = [f"grid {p} {k}" for p in ("0", "a", "bb") for k in range(5) if p == "0" or k == 4]
        self.assertEqual(self.go_on(version, "complete", ranks), new)
        self.assertEqual(self.counts("complete.h5")[1], {"rows": {"done": 33}, "grid": {"done": 15}, "taken": {"done": 33}})
        self.assertEqual([self.names("complete.h5", stage) for stage in COMPLETE], [STATUSES] * 3)

    def test_statuses_keep_the_names_that_they_were_laid_out_with(self):
        """HDF5 converts an enum only to one that has all of its names."""
        run = {"command": "echo {stage} {index} >> ran; test {index} -ne 3 || test -e mended"}
        stages = [{"name": name, "over": {"i": {"range": [9]}}, "run": run} for name in ("first", "second")]
        few = {"pending": 0, "done": 1, "failed": 2}
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                self.write("c.json", {"stages": stages[:1]})
                self.taskfarm("c.json", "--fresh", status=1)
                with h5py.File(self.folder / "c.h5", "r+") as file:
                    status = file["first/task/status"]
                    values, scale, about = status[()], file["first/index"], status.attrs["long_name"]
                    del file["first/task/status"]
                    made = file["first/task"].create_dataset("status", data=values, dtype=h5py.enum_dtype(few, "u1"))
                    made.dims[0].attach_scale(scale)
                    made.attrs["long_name"] = about
                self.write("mended", "")
                self.write("c.json", {"stages": stages})
                self.ran()
                self.taskfarm("c.json", ranks=ranks)
                self.assertEqual(self.ran(), ["first 3"] + [f"second {i}" for i in range(9)])
                self.assertEqual(self.names("c.h5", "first"), list(few))
                self.assertEqual(self.names("c.h5", "second"), STATUSES)
                self.assertEqual(self.counts("c.h5"), ("complete", {"first": {"done": 9}, "second": {"done": 9}}))
                (self.folder / "mended").unlink()

    def test_tasks_that_are_cancelled(self):
        """Nothing cancels tasks yet; such rows count as those that are left out, and go with the others."""
        run = {"command": "echo {stage} {n} >> ran; echo {n}"}
        first = {"name": "first", "over": {"n": {"range": [6]}}, "run": run, "results": {"y": {"type": "int64", "from": "field:1"}}}
        second = {"name": "second", "over": [{"from": "first"}], "run": run}
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                self.write("c.json", {"stages": [first]})
                self.taskfarm("c.json", "--fresh")
                with h5py.File(self.folder / "c.h5", "r+") as file:
                    file["first/task/status"][4] = CANCELLED
                self.assertEqual(self.counts("c.h5"), ("complete", {"first": {"done": 5, "cancelled": 1}}))
                self.assertEqual(self.taskfarm("plan", "c.json").stdout, "c: nothing is to be run: 5 of 6 tasks are done, 1 is cancelled\n")
                told = self.taskfarm("c.json", ranks=ranks).stderr
                self.assertIn("c.h5: going on: 5 of 6 tasks are done, 1 is cancelled\n", told)
                self.assertIn("c: 5 done, 0 failed, 5 of them before, 1 cancelled; nothing was to be done; results in c.h5\n", told)
                lines = self.taskfarm("status", "c.h5").stdout.splitlines()
                self.assertEqual([line.split() for line in lines[1:3]], [["stage", "tasks", "done", "cancelled"], ["first", "6", "5", "1"]])
                self.assertTrue(self.taskfarm("show", "c.h5", 4).stdout.startswith("first[4]: cancelled\n"))
                self.assertEqual(self.shown("c.h5", "first", 4)["status"], "cancelled")
                self.assertEqual(self.shown("c.h5", "first", 4)["results"], {"y": None})
                rows = self.table("c.h5", "first", "index", "status", "y")
                self.assertEqual(rows, [[str(n), "done", str(n)] if n != 4 else ["4", "cancelled", ""] for n in range(6)])
                only = self.taskfarm("export", "c.h5", "--where", "status == 'cancelled'", "--columns", "index").stdout
                self.assertEqual(only, "index\n4\n")
                self.taskfarm("report", "c.h5", "-o", "page.html")
                self.assertIn('"cancelled":1', (self.folder / "page.html").read_text())
                self.ran()
                grown = {**first, "over": {"n": {"range": [-1, 6]}}}
                self.write("c.json", {"stages": [grown]})
                self.assertIn("going on: 5 of 7 tasks are done", self.taskfarm("c.json", ranks=ranks).stderr)
                self.assertEqual(self.ran(), ["first -1"])
                self.assertEqual(self.shown("c.h5", "first", 5)["status"], "cancelled")
                self.write("c.json", {"stages": [grown, second]})
                self.taskfarm("c.json", ranks=ranks)
                self.assertEqual(self.ran(), [f"second {n}" for n in (-1, 0, 1, 2, 3, 5)])
                many = {"first": {"done": 6, "cancelled": 1}, "second": {"done": 6, "excluded": 1}}
                self.assertEqual(self.counts("c.h5"), ("complete", many))


if __name__ == "__main__":
    farm.main()
