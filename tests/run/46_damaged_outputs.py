"""Outputs that are damaged, or made to do harm: who reads one says "is damaged" and ends with status 3. Nothing outside of the
file is opened, nothing is waited for, and nothing is taken to be as large as it says. Nor are manifests and tables."""

import ctypes
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import farm
import h5py
import numpy as np

sys.path.append(str(farm.SOURCE / "tests" / "fuzz"))
import damage  # noqa: E402

VERBS = [
    ["export", "s"],
    ["show", "s", 1],
    ["status"],
    ["report", "-o", "r.html"],
    ["export", "b"],
    ["status", "--json"],
    ["export", "--format", "rocrate"],
    ["report", "--format", "trace", "-o", "r.trace"],
    ["diff", "good.h5"],
    ["show", "b.r"],
    ["export", "b.r", "--format", "jsonl"],
]
SECRET = "the moon is made of cheese"

ANSWER = "echo err >&2; test $0 = 5 && exit 4; echo '{{\"y\": 1.5, \"v\": [1, 2, 3], \"t\": \"word\", \"l\": \"'$(printf %01500d 7)'\"}}'"
REDUCE = {"by": ["n", "even", "w"], "columns": {"z": ["mean", "argmax", "histogram:3", "topk:2"]}}
MANIFEST = {
    "stages": [
        {
            "name": "s",
            "over": {"n": {"range": [6]}, "w": ["x", "yy"]},
            "run": {"command": ["sh", "-c", ANSWER, "{n}"]},
            "results": {"y": "float64", "v": {"type": "int32", "shape": [3]}, "t": "string", "l": "string"},
        },
        {
            "name": "b",
            "over": {"p": {"from": "s", "columns": ["n", "y", "w"]}},
            "run": {"expr": {"z": "y + n", "even": "n % 2 == 0"}},
            "results": {"even": "bool"},
            "reduce": {"r": REDUCE},
        },
    ],
}


def replaced(path, shape, kind, **how):
    """What puts another dataset in place of one."""

    def change(file):
        del file[path]
        file.create_dataset(path, shape, kind, **how)

    return change


def linked(path, aim):
    def change(file):
        del file[path]
        file[path] = aim

    return change


def virtual(file):
    layout = h5py.VirtualLayout((12,), "f8")
    layout[...] = h5py.VirtualSource("other.h5", "y", (12,))
    del file["s/results/y"]
    file["s/results"].create_virtual_dataset("y", layout)


def attribute(path, name, value):
    def change(file):
        file[path].attrs[name] = value

    return change


# What was done to the output, how, and what all verbs but those that need not look there say of it.
ELSEWHERE = [("s/results/y", "/s/results/y: "), ("s/task/status", "/s/task/status: "), ("s", "/s: "), ("s/task", "/s/task: ")]
DAMAGE = {
    "a seed that is an array": (attribute("/", "seed", np.zeros(1000, "u8")), "/seed: is no attribute that holds one number"),
    "a version that is an array": (attribute("/", "format_version", np.zeros(1000, "i8")), "/format_version: is no attribute"),
    "a time that is a text": (attribute("/", "elapsed", "long"), "/elapsed: is no attribute that holds one number"),
    "a name that is many": (attribute("/", "name", ["a"] * 999), "/name: is no attribute that holds one text"),
    "tasks that are many": (attribute("/s", "tasks", np.zeros(1000, "i8")), "/s/tasks: is no attribute that holds one number"),
    "tasks that are too many": (attribute("/s", "tasks", 1 << 60), "/s/"),
    "negative tasks": (attribute("/s", "tasks", -1), "/s: has -1 tasks"),
    "statuses of other bytes": (replaced("s/task/status", (12,), "S800"), "/s/task/status: has rows of another size"),
    "too few statuses": (replaced("s/task/status", (11,), "u1"), "/s/task/status: has not as many rows"),
    "statuses by the thousand": (replaced("s/task/status", (12, 1000), "u1"), "/s/task/status: has rows of another size"),
    "wide durations": (replaced("s/task/duration", (12, 1000), "f8"), "/s/task/duration: has rows of another size"),
    "an index of 500 columns": (replaced("s/text/stderr_index", (12, 500), "i8"), "/s/text/stderr_index: has another shape"),
    "a heap of numbers": (replaced("s/text/stderr", (12,), "f8"), "/s/text/stderr: has elements of another kind"),
    "numbers of another type": (replaced("s/results/y", (12,), "f4"), "/s/results/y: has numbers of another type"),
    "numbers that are texts": (replaced("s/results/y", (12,), "S8"), "/s/results/y: has elements of another kind"),
    "texts of varying length": (replaced("s/results/t", (12,), h5py.string_dtype()), "/s/results/t: has texts of varying length"),
    "2^40 columns": (replaced("s/results/v", (12, 1 << 40), "i4"), "/s/results/v"),
    "no columns": (replaced("s/results/v", (12, 0), "i4"), "/s/results/v: has another shape"),
    "no result": (lambda file: file.pop("s/results/y"), "/s/results: lacks y"),
    "8 GB of nothing, compressed": (
        replaced("s/text/stderr", (8 << 30,), "u1", chunks=(1 << 20,), compression="gzip"),
        "/s/text/stderr: is compressed",
    ),
    "rows of another file": (
        replaced("s/results/y", (12,), "f8", external=[("secret", 0, h5py.h5f.UNLIMITED)]),
        "/s/results/y: has its rows in another file",
    ),
    "a reduction without groups": (lambda file: file.pop("b/reduce/r/rows"), "/b/reduce/r: lacks rows"),
    "one without a key": (lambda file: file.pop("b/reduce/r/w"), "/b/reduce/r: lacks w"),
    "one without a statistic": (lambda file: file.pop("b/reduce/r/z.mean"), "/b/reduce/r: lacks z.mean"),
    "settings of a reduction that are none": (attribute("/b/reduce/r", "settings", "[1"), "/b/reduce/r/settings: is no JSON object"),
    "settings that are a number": (attribute("/b/reduce/r", "settings", 5), "/b/reduce/r/settings: is no attribute that holds one text"),
    "settings of other columns": (attribute("/b/reduce/r", "settings", '{"columns": {"y": "mean"}}'), "/b/reduce/r: lacks y.mean"),
    "more groups than keys": (replaced("b/reduce/r/rows", (7,), "i8", data=np.ones(7)), "/b/reduce/r/n: has another shape than it must have"),
    "groups of two dimensions": (replaced("b/reduce/r/rows", (10, 2), "i8", data=np.ones((10, 2))), "/b/reduce/r/rows: has another shape"),
    "rows that are fractions": (replaced("b/reduce/r/rows", (10,), "f8"), "/b/reduce/r/rows: has elements of another kind"),
    "keys that are fractions of 4 bytes": (replaced("b/reduce/r/n", (10,), "f4"), "/b/reduce/r/n: has numbers of another type"),
    "keys of varying length": (replaced("b/reduce/r/w", (10,), h5py.string_dtype()), "/b/reduce/r/w: has texts of varying length"),
    "a statistic that is a text": (replaced("b/reduce/r/z.mean", (10,), "S8"), "/b/reduce/r/z.mean: has elements of another kind"),
    "bins without an end": (replaced("b/reduce/r/z.histogram:3", (10, 1 << 25), "i8"), "/b/reduce/r/z.histogram:3: is cut short"),
    "bins beyond number": (replaced("b/reduce/r/z.histogram:3", (10, 1 << 33), "i8"), "/b/reduce/r/z.histogram:3: has another shape"),
    "as many edges as bins": (replaced("b/reduce/r/z.histogram:3.edges", (3,), "f8"), "/b/reduce/r/z.histogram:3.edges: has another shape"),
    "tasks of fewer numbers": (replaced("b/reduce/r/z.topk:2.task", (10, 1), "i8", data=np.ones((10, 1))), "/b/reduce/r/z.topk:2.task: has another shape"),
    "a statistic in chunks": (replaced("b/reduce/r/z.mean", (10,), "f8", chunks=(2,)), "/b/reduce/r/z.mean: is cut short"),
    "a reduction that is a number": (replaced("b/reduce/r", (5,), "f8"), "/b/reduce/r: is not a group"),
    "a statistic of another file": (
        replaced("b/reduce/r/z.mean", (10,), "f8", external=[("secret", 0, h5py.h5f.UNLIMITED)]),
        "/b/reduce/r/z.mean: has its rows in another file",
    ),
    "a reduction of another file": (linked("b/reduce/r", h5py.ExternalLink("fifo", "/x")), "/b/reduce/r: can't be opened"),
    "rows of another dataset": (virtual, "/s/results/y: has its rows in other datasets"),
}
for where, said in ELSEWHERE:
    DAMAGE["a soft link for " + where] = (linked(where, h5py.SoftLink("/b")), said + "is a link to something else")
    DAMAGE["another file for " + where] = (linked(where, h5py.ExternalLink("fifo", "/x")), said + "is a link to something else")


class Outputs(farm.FarmTest):
    """With a finished output, good.h5, and dead.h5, whose run was killed."""

    limit = 20

    @classmethod
    def setUpClass(cls):
        maker = cls("test_a_good_one_is_read")
        maker.folder = cls.store = pathlib.Path(tempfile.mkdtemp(prefix="taskfarm-good-"))
        cls.addClassCleanup(shutil.rmtree, cls.store, ignore_errors=True)
        maker.write("m.json", MANIFEST)
        maker.taskfarm("m.json", "--output", "good.h5", status=1)
        maker.write("dead.json", {"over": {"n": {"range": [4000]}}, "run": {"expr": {"y": "n * 2"}}})
        maker.taskfarm("dead.json", "--slots", 1, env={"TASKFARM_CRASH": "change.begun:3"}, status=-9)

    def setUp(self):
        super().setUp()
        for name in ("m.json", "dead.json", "good.h5", "dead.h5"):
            shutil.copy(self.store / name, self.folder)
        shutil.copytree(self.store / "dead.h5.d", self.folder / "dead.h5.d")
        (self.folder / "secret").write_text(SECRET * 4)
        os.mkfifo(self.folder / "fifo")

    def damaged(self, change, name="good.h5"):
        with h5py.File(self.folder / name, "r+") as file:
            change(file)

    def read(self, verb, output="good.h5", env=None):
        """Whatever it says: it ends by itself, has no fault, and tells nothing of what is outside."""
        words = [verb[0], output, *verb[1:]]
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=farm.environment(**(env or {})), stdin=subprocess.DEVNULL, capture_output=True, timeout=self.limit
        )
        said = (done.stdout + done.stderr).decode(errors="replace")
        self.assertIn(done.returncode, (0, 2, 3), f"{words}: {said}")
        self.assertNotIn("Sanitizer", said)
        self.assertNotIn("runtime error", said)
        self.assertNotIn(SECRET, said)
        return done.returncode, said

    @farm.first
    def test_a_good_one_is_read(self):
        for verb in VERBS:
            self.assertEqual(self.read(verb)[0], 0, verb)

    def test_a_damaged_one_is_not(self):
        for number, (what, (change, said)) in enumerate(DAMAGE.items()):
            with self.subTest(what):
                shutil.copy(self.store / "good.h5", self.folder)
                self.damaged(change)
                status, text = self.read(VERBS[0])
                self.assertEqual(status, 3, text)
                self.assertIn("taskfarm: good.h5: is damaged: " + said, text)
                for verb in VERBS[1:] if farm.SOAK else [VERBS[1 + number % (len(VERBS) - 1)]]:
                    self.assertIn(self.read(verb)[0], (0, 3) if verb[0] == "status" else (3,), verb)

    @farm.first
    def test_one_that_is_cut_short(self):
        os.truncate(self.folder / "good.h5", 3000)
        for verb in VERBS:
            status, text = self.read(verb)
            self.assertEqual(status, 3)
            self.assertIn("taskfarm: good.h5: is damaged: truncated file: eof = 3000", text)

    def test_a_run_does_not_go_on_with_a_damaged_one(self):
        """Nor does it write where a link or an external file leads."""
        external = replaced("dead/results/y", (4000,), "f8", external=[("secret", 0, h5py.h5f.UNLIMITED)])
        for change in (external, linked("dead/results", h5py.ExternalLink("other.h5", "/x")), linked("dead/task", h5py.SoftLink("/dead/params"))):
            for name in ("dead.h5", "good.h5"):
                shutil.copy(self.store / name, self.folder)
            journal = self.folder / "dead.h5.d" / "journal"
            self.write_journal(journal, lambda json: json.update(dirty=False))
            shutil.copy(self.folder / "good.h5", self.folder / "other.h5")
            self.damaged(change, "dead.h5")
            before = (self.folder / "other.h5").read_bytes()
            said = self.taskfarm("dead.json", status=3).stderr
            self.assertIn("dead.h5: is damaged: /dead/", said)
            self.assertEqual(((self.folder / "secret").read_text(), (self.folder / "other.h5").read_bytes()), (SECRET * 4, before))

    def write_journal(self, path, change):
        """As one entry, of all that it says."""
        content, *entries = map(json.loads, path.read_text().split("\n")[1::2])
        for entry in entries:
            stages = {stage["name"]: stage for stage in content["stages"]}
            for stage in entry["stages"]:
                stages[stage["name"]] = {**stages.get(stage["name"], {}), **stage}
            content.update(dirty=entry["dirty"], stages=list(stages.values()))
        change(content)
        text = json.dumps(content, separators=(",", ":")).encode()
        check = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
        check.restype, check.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
        path.write_bytes(b"%016x\n%s\n" % (check(text, len(text)), text))

    @farm.first
    def test_numbers_of_a_journal_are_looked_at(self):
        wrong = {"row_bytes": ["4096", "0", "-1"], "rows": ["-1", "1099511627776", "3999"], "offset": ["-2", "9000000000000000000"]}
        journal = self.folder / "dead.h5.d" / "journal"
        sound = journal.read_text()
        for key, values in wrong.items():
            for value in values:
                with self.subTest(f"{key} {value}"):

                    def change(content, key=key, value=value):
                        for table in content["stages"][0]["datasets"]:
                            if table["path"] == "task/status":
                                table[key] = value

                    journal.write_text(sound)
                    self.write_journal(journal, change)
                    status, said = self.read(["status"], "dead.h5")
                    self.assertEqual(status, 3, said)
                    self.assertIn("dead.h5: is damaged: /dead/task/status: ", said)

    def test_nothing_is_waited_for_beside_it(self):
        """Where a file of the folder is none."""
        journal = self.folder / "dead.h5.d" / "journal"
        side = next((self.folder / "dead.h5.d").glob("run-*/rank-*.text"))
        for path in (journal, side):
            with self.subTest(path.name):
                kept = path.read_bytes()
                path.unlink()
                os.mkfifo(path)
                status, said = self.read(["status"], "dead.h5")
                self.assertEqual("is no file of the run's" in said, path is journal, said)
                said = self.taskfarm("dead.json", status=3).stderr
                self.assertIn("is no file of the run's" if path is journal else "rank-0000.text: Operation not permitted", said)
                path.unlink()
                path.write_bytes(kept)
        self.assertIn("fifo: is not a regular file", self.read(["show", "s", 0], "fifo")[1])

    def test_what_its_manifest_names_is_not_opened(self):
        names = [{"csv": "fifo"}, {"lines": "/dev/zero"}, {"jsonl": str(self.folder / "fifo")}, {"csv": "fifo", "batch": 7}, {"glob": "/net/*/*"}]
        for axis in names:
            with self.subTest(axis):
                manifest = dict(MANIFEST["stages"][0], over={"n": axis}, run={"function": str(self.folder / "fifo") + ":f"})
                shutil.copy(self.store / "good.h5", self.folder)
                self.damaged(attribute("/", "manifest", json.dumps({"stages": [manifest, MANIFEST["stages"][1]]})))
                self.assertEqual(self.read(VERBS[0])[0], 0)
                status, said = self.read(["export", "b"])
                self.assertEqual(status, 3, said)
                self.assertIn("is not opened because an output names it; --trust opens it", said)
        manifest = dict(MANIFEST["stages"][0], run={"function": str(self.folder / "fifo") + ":f"})  # of which a hash was taken
        self.damaged(attribute("/", "manifest", json.dumps({"stages": [manifest, MANIFEST["stages"][1]]})))
        for verb in (["show", "s", 1], ["report", "-o", "r.html"]):
            self.assertEqual(self.read(verb)[0], 0)

    def test_a_manifest_that_has_no_end(self):
        with open(self.folder / "large", "wb") as file:
            file.truncate(3 << 30)
        table = {"over": {"t": {"csv": "@"}}, "run": {"command": ["true"]}}
        parts = {"over": {"t": {"csv": "@", "batch": 10}}, "run": {"command": ["true"]}}
        said = {"fifo": "is a FIFO that nobody writes to", "/dev/zero": "is not a regular file", "large": "is larger than 1 GB"}
        for name, why in said.items():
            for number, manifest in enumerate([None, table, parts]):
                with self.subTest(f"{name} {number}"):
                    if manifest:
                        self.write("t.json", json.dumps(manifest).replace("@", name))
                    if number == 2 and name != "/dev/zero":
                        continue  # it can be read in parts; and only a file can
                    done = self.taskfarm("check", "t.json" if manifest else name, status=2)
                    self.assertIn(f"{name}{' ' if manifest else ': '}{why}", done.stdout + done.stderr)

        with open(self.folder / "large", "wb") as file:
            file.truncate(257 << 20)
        done = self.taskfarm("check", "large", status=2)
        self.assertIn("large: is larger than 256 MB: lists belong into tables that it names", done.stdout + done.stderr)

    def test_places_that_there_can_t_be(self):
        """Nothing is made as large as the record of a task says."""

        def change(file):
            file["s/task/worker"][3], file["s/task/slot"][4] = 1 << 23, 1 << 23

        self.damaged(change)
        for verb in (["report", "-o", "r.html"], ["report", "--format", "trace", "-o", "r.trace"]):
            status, said = self.read(verb)
            self.assertEqual(status, 3)
            self.assertIn("the output is damaged: its tasks ran on 8388609 ranks with 8388609 slots", said)

    def test_a_record_that_is_not_there(self):
        """Then there is no timeline."""
        self.damaged(lambda file: file.pop("s/task/worker"))
        self.assertEqual(self.read(["report", "-o", "r.html"])[0], 0)

    def test_a_pipe_is_read(self):
        text = json.dumps({"name": "p", "output": "p.h5", "run": {"command": ["true"]}})
        writer = subprocess.Popen(["sh", "-c", "sleep 0.5; cat >fifo"], cwd=self.folder, stdin=subprocess.PIPE)
        writer.stdin.write(text.encode())
        writer.stdin.close()
        self.taskfarm("check", "fifo")
        writer.wait()
        self.write("named.json", text)
        words = ["bash", "-c", f"{farm.TASKFARM} check <(sleep 0.5; cat named.json)"]
        done = subprocess.run(words, cwd=self.folder, env=farm.environment(), stdout=subprocess.DEVNULL, timeout=self.limit)
        self.assertEqual(done.returncode, 0)

    def test_a_file_that_cant_be_read_has_no_hash(self):
        self.write("h.json", {"inputs": {"path": "/proc/self/mem", "check": "hash"}, "run": {"command": ["true"]}})
        self.taskfarm("h.json", status=1)
        message = self.heap(self.open("h.h5")["h"], "message")
        self.assertEqual(message, [b"input /proc/self/mem can't be read: Input/output error"])

    def test_no_memory_for_a_regular_expression(self):
        """The row has failed, and says so."""
        column = {"type": "float64", "from": "regex:x=([0-9]+)", "optional": True}
        self.write("r.json", {"run": {"command": ["echo", "x=5"]}, "results": {"x": column}})
        self.write("raw_1", "")
        self.write("w.json", {"over": [{"name": "f", "files": "raw_{n}"}], "run": {"command": ["true"]}})
        preload = {"LD_PRELOAD": f"{farm.BUILD}/tests/libfaults.so", "TASKFARM_FAIL_IN": "all"}
        status, said = self.run_failing("w.json", preload | {"TASKFARM_FAIL": "regexec:12:1+"})
        self.assertEqual(status, 2, said)
        self.assertIn("raw_1 can't be matched: out of memory", said)
        status, said = self.run_failing("r.json", preload | {"TASKFARM_FAIL": "regexec:12:1+"})
        self.assertEqual(status, 1, said)
        self.assertIn('"x=([0-9]+)" can\'t be looked for: out of memory', said)
        for number in range(2, 6):  # the first ones are those of the manifest, which the spawner reads, too
            shutil.rmtree(self.folder / "r.h5.d", ignore_errors=True)
            (self.folder / "r.h5").unlink(missing_ok=True)
            status, said = self.run_failing("r.json", preload | {"TASKFARM_FAIL": f"regcomp:12:{number}+"})
            if status == 1:
                break
        self.assertEqual(status, 1, said)
        self.assertIn('"x=([0-9]+)" can\'t be compiled: out of memory', said)

    def run_failing(self, manifest, env):
        done = subprocess.run(self.command(manifest), cwd=self.folder, env=farm.environment(**env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.limit)
        return done.returncode, done.stdout + done.stderr

    @farm.first
    def test_however_its_journal_is_damaged(self):
        journal = self.folder / "dead.h5.d" / "journal"
        sound = journal.read_text()
        for seed in range(400 if farm.SOAK else 6):
            journal.write_text(sound)
            self.write_journal(journal, lambda content, seed=seed: damage.journal(content, seed))
            for verb in [["status"], ["show", 0], ["export"]][slice(None) if farm.SOAK else slice(seed % 3, seed % 3 + 1)]:
                with self.subTest(f"seed {seed}", verb=verb):
                    self.read(verb, "dead.h5")

    @farm.first
    def test_however_it_is_damaged(self):
        """Each verb ends by itself, without a fault."""
        shutil.copy(self.folder / "good.h5", self.folder / "other.h5")
        rounds = range(1500) if farm.SOAK else range(12)
        first = int(os.environ.get("TASKFARM_SEED", 0))
        for seed in (first + r for r in rounds):
            shutil.copy(self.store / "good.h5", self.folder)
            what = damage.damage(self.folder / "good.h5", seed)
            for verb in VERBS if farm.SOAK else [VERBS[seed % len(VERBS)]]:
                with self.subTest(f"seed {seed}: {what}", verb=verb):
                    self.read(verb)


if __name__ == "__main__":
    farm.unittest.main()
