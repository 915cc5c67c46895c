"""An interrupted run whose folder OUTPUT.d is lost: --salvage goes on with what is whole in the file alone."""

import json
import os
import shutil
import subprocess
import sys
import unittest

import farm
import h5py
from farm import digest

sys.path.append(str(farm.SOURCE / "tests" / "fuzz"))
import damage  # noqa: E402

WAYS_OUT = "--salvage goes on with the rows that are whole without it, --fresh sets the output aside and starts anew"
CRASH = "after a crash of the machine --fresh is safer, since rows may not have reached the disk"

# Tasks from this one on wait for a file "go".
WAITS = "echo {stage} {i} >>ran; test {i} -lt %d || until test -e go; do sleep 0.02; done; echo {stage} {i}"

CAMPAIGN = {
    "defaults": {"capture": {"stdout": 0, "stderr": 0}},
    "stages": [
        {"name": "first", "over": {"i": {"range": [6]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64", "s": "string"}},
        {"name": "taken", "over": {"p": {"from": "first"}}, "run": {"expr": {"z": "2 * x"}}},
        {
            "name": "numbers",
            "after": ["taken"],
            "over": {"i": {"range": [7]}},
            "run": {"command": WAITS % 5},
            "capture": {"stdout": "1KB"},
            "results": {"y": {"type": "int64", "from": "field:2"}},
            "reduce": {"all": {"columns": {"y": ["sum", "topk:2"]}}},
        },
        {
            "name": "words",
            "after": ["taken"],
            "over": {"i": {"range": [5]}},
            "run": {"command": WAITS % 4},
            "results": {"w": {"type": "string", "from": "field:1"}, "n": {"type": "int64", "from": "field:2"}},
        },
    ],
}


class Logged(farm.FarmTest):
    """Tasks log their runs in a file "ran"."""

    def ran(self):
        path = self.folder / "ran"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(lines)


class Salvage(Logged):
    def statuses(self):
        """How many tasks of each stage are done, as the file says."""
        try:
            with h5py.File(self.folder / "c.h5") as file:
                return {name: int((file[name]["task/status"][()] == farm.DONE).sum()) for name in file}
        except (OSError, KeyError):
            return {}

    def kill(self, ranks=None):
        """A run that waits for its last tasks."""
        self.write("c.json", CAMPAIGN)
        run = self.start("c.json", "--slots", 6, ranks=ranks)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: self.statuses() == {"first": 6, "taken": 6, "numbers": 5, "words": 4}, "the tasks do not end")
        farm.kill_all(run)
        self.wait_for(lambda: not farm.lock_is_held(self.folder / "c.h5.d/lock"), "hosts do not end")
        (self.folder / "ran").unlink()
        self.write("go", "")

    def lose(self, ranks=None):
        self.kill(ranks)
        shutil.rmtree(self.folder / "c.h5.d")
        return (self.folder / "c.h5").read_bytes()

    def whole(self):
        """What the campaign gives without any trouble; only texts that are captured may be lost."""
        self.taskfarm("c.json", "--output", "whole.h5")
        self.ran()
        return self.results("whole.h5")

    def results(self, name):
        found = {key: value for key, value in digest(self.folder / name).items() if not key.startswith("numbers/text/")}
        return found, farm.reductions(self.folder / name)

    LOST = f'lost with c.h5.d: captured output of 5 tasks of stage "numbers", texts of 4 tasks of stage "words", which run again; {CRASH}'
    AGAIN = [f"numbers {i}" for i in (5, 6)] + [f"words {i}" for i in range(5)]

    @farm.first
    def test_what_is_whole_is_kept_and_what_is_lost_is_named(self):
        for ranks in (None, 3) if farm.SOAK else (3,):
            with self.subTest(ranks=ranks):
                self.setUp()
                old = self.lose(ranks)
                before = self.files()
                missing = "taskfarm: c.h5: the last run was interrupted, and its folder c.h5.d is missing"
                verbs = (["c.json"], ["export", "c.h5", "words"], ["plan", "c.json"], ["show", "c.h5", "numbers", "0"], ["report", "c.h5"])
                for verb in verbs if farm.SOAK else verbs[:2]:
                    ways_out = f"; {WAYS_OUT}" if verb[-1] == "c.json" else ""  # of verbs that have these options
                    self.assertEqual(self.taskfarm(*verb, status=3).stderr, f"{missing}{ways_out}\n", verb)
                said = self.taskfarm("status", "c.h5").stdout
                self.assertIn("; what was in c.h5.d is lost: --salvage goes on with the rows that are whole without it\n", said)
                told = json.loads(self.taskfarm("status", "c.h5", "--json").stdout)
                self.assertEqual((told["state"], told["lost"], [s["done"] for s in told["stages"]]), ("interrupted", True, [6, 6, 5, 4]))
                planned = self.taskfarm("plan", "c.json", "--salvage").stdout
                self.assertIn(f"c: 7 of 24 tasks are to be run\nc.h5: {self.LOST}\n", planned)
                planned = json.loads(self.taskfarm("plan", "c.json", "--salvage", "--json").stdout)
                self.assertEqual([(s["run"], s.get("lost")) for s in planned["stages"]], [(0, None), (0, None), (2, None), (5, 4)])
                self.assertEqual(self.files(), before, "nothing was touched")
                said = self.taskfarm("c.json", "--salvage", ranks=ranks).stderr
                self.assertIn(f"taskfarm: moved the old c.h5 to c.h5.1; c.h5: going on: 17 of 24 tasks are done; {self.LOST}\n", said)
                self.assertEqual(self.ran(), self.AGAIN)
                self.assertEqual((self.folder / "c.h5.1").read_bytes(), old)
                self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["c.h5", "c.h5.1", "c.json", "go", "stderr"])
                self.assertEqual(self.results("c.h5"), self.whole())
                said = self.taskfarm("c.json", "--salvage").stderr
                self.assertIn("taskfarm: c.h5: going on: 24 of 24 tasks are done; there is nothing to salvage\n", said)
                self.assertFalse((self.folder / "c.h5.2").exists())

    def test_side_files_that_are_lost_or_torn(self):
        """The journal is there: rows for which nothing vouches run again, or are taken by whoever salvages."""
        self.kill()
        shutil.copytree(self.folder, self.folder / "kept")
        whole = self.whole()

        def begin():
            for path in self.folder.glob("c.h5*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copy(self.folder / "kept/c.h5", self.folder)
            shutil.copytree(self.folder / "kept/c.h5.d", self.folder / "c.h5.d")

        def end(*options, note, again):
            self.assertIn(f"taskfarm: c.h5: going on: {24 - len(again)} of 24 tasks are done; {note}\n", self.taskfarm("c.json", *options).stderr)
            self.assertEqual(self.ran(), again)
            self.assertEqual(self.results("c.h5"), whole)
            self.assertFalse((self.folder / "c.h5.1").exists())

        texts = 'texts of 4 tasks of stage "words", which run again'
        for options, note, again in (
            ([], f'c.h5.d lacks what vouches for 5 tasks of stage "numbers", which run again, {texts}', [f"numbers {i}" for i in range(5)] + self.AGAIN),
            (["--salvage"], f'c.h5.d lacks captured output of 5 tasks of stage "numbers", {texts}; {CRASH}', self.AGAIN),
        ):
            begin()
            (self.folder / "c.h5.d/run-1/rank-0000.text").unlink()
            self.assertIn(f"\nc.h5: {note}\n", self.taskfarm("plan", "c.json", *options).stdout)
            end(*options, note=note, again=sorted(again))
        begin()
        with h5py.File(self.folder / "c.h5", "r+") as file:
            file["numbers/results/y"][2] = 77
        end("--salvage", note="there is nothing to salvage", again=["numbers 2", "numbers 5", "numbers 6", "words 4"])

    @farm.first
    def test_killed_and_repeated(self):
        old = self.lose()
        whole = self.whole()
        points = ["carry.texts", "move.written", "move.noted", "aside.named", "aside.handed_over", "move.renamed", "change.begun", "layout.made"]
        for point in points if farm.SOAK else points[3:6:2]:
            with self.subTest(point=point):
                for path in self.folder.glob("c.h5*"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                self.write("c.h5", old)
                self.taskfarm("c.json", "--salvage", status=-9, env={"TASKFARM_CRASH": point})
                replaced = (self.folder / "c.h5").read_bytes() != old
                self.assertEqual(replaced, point == "move.renamed")
                if replaced:
                    self.assertIn("going on: 17 of 24 tasks are done\n", self.taskfarm("c.json").stderr)
                else:
                    self.assertIn("c.h5.d/journal is missing; --salvage goes on", self.taskfarm("c.json", status=3).stderr)
                    self.assertIn(self.LOST, self.taskfarm("c.json", "--salvage").stderr)
                self.assertEqual(self.ran(), self.AGAIN)
                self.assertEqual(self.results("c.h5"), whole)
                self.assertEqual((self.folder / "c.h5.1").read_bytes(), old)
                self.assertFalse((self.folder / "c.h5.2").exists() or (self.folder / "c.h5.d").exists())


def in_words(stage, command, **more):
    """A stage of commands that log their runs."""
    return {"name": stage, "over": {"i": {"range": [4]}}, "run": {"command": f"echo {stage} {{index}} >>ran; {command}"}, **more}


class Kinds(Logged):
    """Outputs that are over are made such as if their run had been killed, and its folder lost."""

    STAGES = [
        in_words("words", "echo w{i} {i}", results={"w": {"type": "string", "from": "field:1"}, "n": {"type": "int64", "from": "field:2"}}),
        in_words("taken", "echo {n}", over={"p": {"from": "words"}}, results={"y": {"type": "int64", "from": "field:1"}}),
        in_words("failed", "test {i} != 2 || test -e mended || exit 1; echo {i}", results={"y": {"type": "int64", "from": "field:1"}}),
        in_words("files", "cp {inputs} {outputs}", inputs="in", outputs="out/{i}"),
        in_words("left_out", "true", where="i % 2 == 0"),
        in_words("said_less", "echo", where="i > 0", results={"s": {"type": "string", "from": "regex:(.*)"}}),
        {
            "name": "script",
            "over": {"i": {"range": [3]}},
            "run": {"command": ["sh", "m.sh", "{i}"]},
            "results": {"y": {"type": "int64", "from": "field:1"}},
        },
        {"name": "draw", "over": {"i": {"range": [9999]}}, "run": {"expr": {"x": "normal() + 3"}}, "until": "x.stderr < 0.05 * abs(x.mean)"},
    ]

    def setUp(self):
        super().setUp()
        self.campaign(self.STAGES[:3])

    def campaign(self, stages):
        self.write("k.json", {"defaults": {"capture": {"stdout": 0, "stderr": 0}}, "stages": stages})

    def run_all(self):
        self.taskfarm("k.json", status=1)
        (self.folder / "ran").unlink()

    def lose(self, *stages, state="running"):
        """These had not finished."""
        with h5py.File(self.folder / "k.h5", "r+") as file:
            file.attrs["state"] = state
            for stage in stages:
                del file[stage].attrs["finished"]
                for part, names in (("text", list(file[stage]["text"])), ("results", ["w", "s"])):
                    for name in names:
                        if name in file[stage][part]:
                            del file[stage][part][name]

    @farm.first
    def test_each_kind_of_stage(self):
        self.campaign(self.STAGES)
        self.write("in", "in")
        self.write("m.sh", "echo script $1 >>ran; echo $1\n")
        self.run_all()
        self.lose(*(stage["name"] for stage in self.STAGES))
        self.write("m.sh", "echo script $1 >>ran; echo 77\n")
        (self.folder / "mended").touch()
        said = self.taskfarm("k.json", "--salvage").stderr
        done = dict(taken=4, failed=3, files=4, left_out=2, said_less=3, script=3, draw=1000)
        lost = [f'{"texts of" if s == "said_less" else "what vouches for"} {n} tasks of stage "{s}"' for s, n in done.items()]
        lost = 'texts of 4 tasks of stage "words", which run again, ' + ", ".join(lost).replace('"said_less"', '"said_less", which run again')
        self.assertIn(f"; lost with k.h5.d: {lost}; {CRASH}\n", said.replace("1 000", "1000"))
        self.assertNotIn("m.sh changed", said)
        again = ["failed 2"] + [f"{stage} {i}" for stage in ("said_less", "taken", "words") for i in range(4)]
        again.remove("said_less 0")
        self.assertEqual(self.ran(), again)
        self.assertIn("code of script: not known for 3 rows\n", self.taskfarm("status", "k.h5").stdout)
        self.write("m.sh", "echo $1\n")
        self.taskfarm("k.json", "--output", "whole.h5")
        self.assertEqual(digest(self.folder / "k.h5"), digest(self.folder / "whole.h5"))
        with self.open("k.h5") as file, self.open("whole.h5") as whole:
            self.assertEqual(file["draw"].attrs["enough"], whole["draw"].attrs["enough"])

    def test_what_had_finished_stays(self):
        self.run_all()
        self.lose(state="stopped")
        message = f"taskfarm: k.h5: the last run was stopped, and its folder k.h5.d is missing; {WAYS_OUT}\n"
        self.assertEqual(self.taskfarm("k.json", status=3).stderr, message)
        said = self.taskfarm("k.json", "--salvage", status=1).stderr
        self.assertIn(f"; lost with k.h5.d: nothing; {CRASH}\n", said)
        self.assertEqual(self.ran(), ["failed 2"])

    def test_a_stage_that_was_to_be_finished_again_is_not_taken_for_whole(self):
        """A run that goes on with failed tasks takes the texts out of the file: who loses the folder then has lost them."""
        self.campaign([in_words("s", "test {i} != 2 || test -e mended || exit 1; echo w{i}", results={"w": {"type": "string", "from": "field:1"}})])
        for point in ("stay.dirty", "stay.opened", "stay.dropped") if farm.SOAK else ("stay.opened",):
            self.taskfarm("k.json", "--fresh", status=1)
            self.taskfarm("k.json", status=-9, env={"TASKFARM_CRASH": point})
            shutil.rmtree(self.folder / "k.h5.d")
            self.ran()
            if point != "stay.dirty":  # there the file is what it was
                self.assertIn("is missing; --salvage goes on", self.taskfarm("k.json", status=3).stderr)
            self.taskfarm("k.json", "--salvage", status=1)
            self.assertEqual(self.ran(), ["s 2"] if point == "stay.dirty" else [f"s {i}" for i in range(4)])
            self.assertEqual([w.decode() for w in self.open("k.h5")["s/results/w"][()]], ["w0", "w1", "", "w3"])

    @farm.first
    def test_a_folder_that_is_half_there(self):
        """What is in it is of no use without its journal, and stays beside the old output."""
        self.run_all()
        self.lose("words")
        old = (self.folder / "k.h5").read_bytes()
        for name, message in (
            ("run-3/rank-0000.text", f"k.h5: the last run was interrupted, and k.h5.d/journal is missing; {WAYS_OUT}\n"),
            ("journal", f"k.h5.d/journal: is damaged; {WAYS_OUT}\n"),
        ):
            with self.subTest(name=name):
                self.write("k.h5", old)
                self.write(f"k.h5.d/{name}", "mine")
                self.assertEqual(self.taskfarm("k.json", status=3).stderr, f"taskfarm: {message}")
                said = self.taskfarm("k.json", "--salvage", status=1).stderr
                number = 2 if name == "journal" else 1
                self.assertIn(f"taskfarm: moved the old k.h5 to k.h5.{number}; ", said)
                self.assertEqual((self.folder / f"k.h5.{number}.d" / name).read_text(), "mine")
                self.assertEqual((self.folder / f"k.h5.{number}").read_bytes(), old)
                self.assertFalse((self.folder / "k.h5.d").exists())

    def test_where_there_is_nothing_to_salvage(self):
        nothing = "taskfarm: k.h5: there is nothing to salvage\n"
        self.assertIn(nothing, self.taskfarm("k.json", "--salvage", status=1).stderr)
        self.assertIn("tasks are done; there is nothing to salvage\n", self.taskfarm("k.json", "--salvage", status=1).stderr)
        os.rename(self.folder / "k.h5", self.folder / "old")
        self.write("k.h5", "somebody's")
        before = self.files()
        for options in ([], ["--salvage"]):
            said = self.taskfarm("k.json", *options, status=3).stderr
            self.assertEqual(said, "taskfarm: k.h5: is no HDF5 file; choose another name with --output\n")
        self.assertEqual(self.files(), before)
        os.rename(self.folder / "old", self.folder / "k.h5")
        self.lose("words")
        with h5py.File(self.folder / "k.h5", "r+") as file:
            file["failed"].attrs["finished"] = "yes"
        before = self.files()
        said = self.taskfarm("k.json", "--salvage", status=3).stderr
        self.assertEqual(said, "taskfarm: k.h5: is damaged: /failed/finished: is no attribute that holds one number; --fresh sets it aside and starts anew\n")
        with h5py.File(self.folder / "k.h5", "r+") as file:
            del file["failed"].attrs["finished"]
            file["words"].attrs["finished"] = 1
        said = self.taskfarm("k.json", "--salvage", status=3).stderr
        self.assertEqual(said, "taskfarm: k.h5: is damaged: /words/results/w is missing\n")

    def test_however_the_file_is_damaged(self):
        """It ends by itself, without a fault, and leaves the file as it was if it does not go on with it."""
        self.run_all()
        self.lose("words")
        shutil.copy(self.folder / "k.h5", self.folder / "good.h5")
        for seed in range(400 if farm.SOAK else 2):
            for path in self.folder.glob("k.h5*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            shutil.copy(self.folder / "good.h5", self.folder / "k.h5")
            what = damage.damage(self.folder / "k.h5", seed)
            bad = (self.folder / "k.h5").read_bytes()
            for verb in (["plan"], ["run"]) if farm.SOAK else (["plan"],):
                with self.subTest(f"seed {seed}: {what}", verb=verb):
                    command = self.command(*verb, "k.json", "--salvage")
                    done = subprocess.run(command, cwd=self.folder, env=farm.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
                    self.assertIn(done.returncode, (0, 1, 3), done.stderr)
                    self.assertNotIn("Sanitizer", done.stderr)
                    self.assertNotIn("runtime error", done.stderr)
                    aside = self.folder / "k.h5.1"
                    self.assertEqual((aside if aside.exists() else self.folder / "k.h5").read_bytes(), bad)

    def test_calls_that_fail(self):
        """The old file is there whatever happens, under the one name or the other; and then the same command line goes on."""
        self.run_all()
        self.lose("words")
        old = (self.folder / "k.h5").read_bytes()
        preload = {"LD_PRELOAD": f"{farm.BUILD}/tests/libfaults.so"}
        faults = ["link:1:1", "fdatasync:5:2", "pwrite:28:3+", "pwrite:28:20+", "renameat:5:2", "renameat:5:3", "renameat:5:4"]
        for fault in faults if farm.SOAK else faults[:3:2]:
            with self.subTest(fault=fault):
                for path in self.folder.glob("k.h5*"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                self.write("k.h5", old)
                self.taskfarm("k.json", "--salvage", status=1 if fault == faults[0] else 75, env=preload | {"TASKFARM_FAIL": fault})
                self.assertIn(old, [p.read_bytes() for p in (self.folder / "k.h5", self.folder / "k.h5.1") if p.exists()])
                self.ran()
                self.taskfarm("k.json", "--salvage", status=1)
                self.assertEqual(list(self.open("k.h5")["words/results/n"]), [0, 1, 2, 3])
                self.assertEqual((self.folder / "k.h5.1").read_bytes(), old)

    @unittest.skipUnless(farm.SOAK, "names of old outputs are 45_ownership.py's")
    def test_links_stay(self):
        self.run_all()
        self.lose("words")
        (self.folder / "far").mkdir()
        os.rename(self.folder / "k.h5", self.folder / "far/real.h5")
        os.symlink("far/real.h5", self.folder / "k.h5")
        self.assertIn("its folder far/real.h5.d is missing", self.taskfarm("k.json", status=3).stderr)
        self.assertIn("moved the old far/real.h5 to far/real.h5.1; ", self.taskfarm("k.json", "--salvage", status=1).stderr)
        self.assertEqual(os.readlink(self.folder / "k.h5"), "far/real.h5")
        self.assertEqual(sorted(p.name for p in (self.folder / "far").iterdir()), ["real.h5", "real.h5.1"])

    def test_a_program_of_ones_own(self):
        def run(how, status):
            program = farm.BUILD / "tests/embed_cases"
            done = subprocess.run([program, "spaces", how], cwd=self.folder, env=farm.environment(), capture_output=True, text=True, timeout=self.limit)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            return done.stdout

        run("", 1)
        with h5py.File(self.folder / "spaces.h5", "r+") as file:
            file.attrs["state"] = "running"
        self.assertIn(f"the last run was interrupted, and its folder spaces.h5.d is missing; {WAYS_OUT}", run("", 3))
        run("salvage", 1)
        self.assertTrue((self.folder / "spaces.h5.1").exists())


if __name__ == "__main__":
    farm.main()
