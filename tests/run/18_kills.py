"""kill -9 at any instant, and again while going on: what comes out in the end is what an uninterrupted run gives, no task
that was done runs again, and nothing is left behind. TASKFARM_SEED repeats one of the random kills."""

import os
import random
import shutil
import time

import farm
import h5py
import numpy
from farm import digest

MANIFEST = {
    "seed": 5,
    "stages": [
        {
            "name": "rows",
            "over": {"i": {"range": [40000]}},
            "run": {"function": "builtin:random"},
            "results": {"x": {"type": "float64", "shape": [8]}, "n": "int32", "word": "string"},
            "record": "status",
        },
        {
            "name": "commands",
            "over": {"i": {"range": [100]}, "w": ["a", "b"]},
            "run": {"command": "echo {index} >> log; echo out {i} {w}; sleep 0.002; echo '{{\"y\": '{i}'}}'"},
            "results": {"y": "int64"},
        },
        {
            "name": "after",
            "after": ["commands"],
            "over": {"i": {"range": [60]}},
            "run": {"command": "echo {seed}; test {i} -ne 7"},
            "results": {"s": {"type": "bytes", "from": "regex:[0-9]+"}},
        },
    ],
}

# Places in the program where a process may die, and how often it may have passed them before.
POINTS = [
    ("create.noted", 1),
    ("create.closed", 1),
    ("change.begun", 6),
    ("change.flushed", 6),
    ("change.ended", 6),
    ("layout.made", 3),
    ("rows.data", 40),
    ("rows.texts", 40),
    ("texts.made", 3),
    ("texts.written", 5),
    ("close.closed", 1),
    ("carry.texts", 1),
    ("stay.dirty", 1),
    ("stay.dropped", 1),
    ("move.written", 1),
    ("move.noted", 1),
    ("move.renamed", 1),
]


class Kills(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("k.json", MANIFEST)

    def uninterrupted(self):
        self.taskfarm("k.json", "--output", "whole.h5", status=1)
        (self.folder / "log").unlink()
        return digest(self.folder / "whole.h5")

    def log(self):
        path = self.folder / "log"
        return list(map(int, path.read_text().split())) if path.exists() else []

    def done(self):
        """Tasks of "commands" that the file says are done; none if its metadata was being changed."""
        try:
            with h5py.File(self.folder / "k.h5") as file:
                return set(map(int, numpy.flatnonzero(file["commands/task/status"][()] == farm.DONE)))
        except (OSError, KeyError):
            return set()

    def start_over(self):
        (self.folder / "k.h5").unlink(missing_ok=True)
        (self.folder / "log").unlink(missing_ok=True)
        shutil.rmtree(self.folder / "k.h5.d", ignore_errors=True)

    def finish(self, expected, done, position, ranks=None):
        self.taskfarm("k.json", ranks=ranks, status=1)
        self.assertEqual(done & set(self.log()[position:]), set(), "tasks that were done ran again")
        self.assertEqual(digest(self.folder / "k.h5"), expected)
        self.assertFalse((self.folder / "k.h5.d").exists())

    @farm.first
    def test_at_random_instants(self):
        expected = self.uninterrupted()
        count = 200 if farm.SOAK else 4 if farm.SANITIZED else 8
        given = os.environ.get("TASKFARM_SEED")
        for seed in [int(given)] if given else range(count):
            with self.subTest(seed=seed):
                print("seed", seed, flush=True)
                rng = random.Random(seed)
                self.start_over()
                for _ in range(rng.choice([1, 1, 2, 3])):
                    run = self.start("k.json", "--slots", rng.choice([1, 2]), ranks=rng.choice([None, 2, 3]))
                    time.sleep(rng.uniform(0, 1) * (3 if farm.SANITIZED else 1.2))
                    farm.kill_all(run)
                self.finish(expected, self.done(), len(self.log()), ranks=rng.choice([None, 3]))

    @farm.first
    def test_at_named_places(self):
        expected = self.uninterrupted()
        died = 0
        for point, most in POINTS:
            together = not point.startswith(("create", "carry", "stay", "move"))  # where several ranks come by
            for number in range(1, most + 1) if farm.SOAK else (most,):
                for ranks in (None, 3) if farm.SOAK else (3,) if together and not farm.SANITIZED else (None,):
                    with self.subTest(point=point, number=number, ranks=ranks):
                        self.start_over()
                        if point.startswith(("carry", "stay", "move")):  # where a run goes on
                            smaller = [dict(MANIFEST["stages"][0], over={"i": {"range": [30000]}}), *MANIFEST["stages"][1:]]
                            self.write("k.json", dict(MANIFEST, stages=smaller) if point.startswith("move") else MANIFEST)
                            self.taskfarm("k.json", status=1)
                            self.write("k.json", MANIFEST)
                        done, position = self.done(), len(self.log())
                        run = self.start("k.json", ranks=ranks, env={"TASKFARM_CRASH": f"{point}:{number}"})
                        status = run.wait(120)
                        died += status != 1
                        self.assertNotIn(status, (0, 2), (self.folder / "stderr").read_text())
                        self.finish(expected, done, position)
        self.assertGreaterEqual(died, len(POINTS), "each of the places is passed")


if __name__ == "__main__":
    farm.main()
