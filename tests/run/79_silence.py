"""Ranks that are silent are given up; each ends by itself when it hears nothing any more; and nobody waits for them."""

import json
import os
import signal
import unittest

import farm
import h5py
from farm import digest

STAGES = [
    {
        "name": "commands",
        "over": {"i": {"range": [80]}},
        "run": {
            "command": "echo {i} >> log; sleep 0.1; echo '{{\"y\": '{i}', \"s\": \"word'{i}'\"}}'"
        },
        "results": {"y": "int64", "s": "string"},
    },
    {
        "name": "rows",
        "over": {"i": {"range": [3000]}},
        "run": {"function": "builtin:random"},
        "results": {"x": "float64"},
    },
]
PATIENCE = 2


class Silence(farm.FarmTest):
    recovery = False

    def command(self, *arguments, ranks=None):
        command = super().command(*arguments, ranks=ranks)
        return (
            [*command[:1], "--enable-recovery", *command[1:]]
            if ranks and self.recovery
            else command
        )

    def setUp(self):
        super().setUp()
        self.write("r.json", {"seed": 3, "stages": STAGES})
        self.taskfarm("r.json", "--output", "whole.h5")
        (self.folder / "log").unlink()
        self.stopped = set()
        self.addCleanup(self.go_on)

    def lines(self):
        path = self.folder / "log"
        return list(map(int, path.read_text().split())) if path.exists() else []

    def begin(self):
        run = self.start("r.json", "--patience", PATIENCE, ranks=3)
        self.wait_for(lambda: len(self.lines()) >= 10, "no task begins")
        return run, farm.ranks_of(run)

    def stop(self, *pids):
        for pid in pids:
            self.stopped.add(pid)
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.stopped.clear()

    def said(self):
        return (self.folder / "stderr").read_text()

    def wait_until_gone(self, pids):
        self.wait_for(
            lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids),
            "a rank does not end",
        )

    def expect_that_the_next_run_goes_on(self):
        with h5py.File(self.folder / "r.h5") as file:
            done = {
                i
                for i, s in enumerate(file["commands/task/status"][()])
                if s == farm.DONE
            }
        before = len(self.lines())
        self.taskfarm("r.json", ranks=2)
        self.assertEqual(set(self.lines()[before:]) & done, set())
        self.assertEqual(digest(self.folder / "r.h5"), digest(self.folder / "whole.h5"))

    @farm.first
    def test_of_a_worker_ends_a_run_that_the_launcher_would_end(self):
        run, ranks = self.begin()
        self.stop(ranks[1])
        status = run.wait(60)
        self.assertEqual(status, 75)
        text = self.said()
        self.assertRegex(
            text,
            r"taskfarm: rank 1 on \S+ has not been heard for \d\.\ds, and holds commands\[\d+\]( and \d+ other tasks?)?; this run ends, and the same command line goes on\n",
        )
        self.assertRegex(
            text,
            r"taskfarm: r: [\d ]+ done, 0 failed, [\d ]+ left for the next run in ",
        )
        self.go_on()
        self.wait_until_gone(ranks.values())
        told = json.loads(self.taskfarm("status", "r.h5", "--json").stdout)
        self.assertEqual(told["state"], "stopped")
        self.assertIn('"kind": "silent"', json.dumps(told))
        self.expect_that_the_next_run_goes_on()

    @unittest.skipIf(farm.MPICH, "MPICH's mpiexec can't let the others live")
    def test_of_a_worker_is_got_over_where_ranks_live_on(self):
        self.recovery = True
        run, ranks = self.begin()
        self.stop(ranks[2])
        self.wait_for(
            lambda: "taskfarm: r: 3 080 done, 0 failed in " in self.said(),
            "the run does not end",
        )
        self.assertRegex(
            self.said(),
            r"taskfarm: rank 2 on \S+ has not been heard for \d\.\ds, and holds commands\[\d+\]( and \d+ other tasks?)?; the others go on with its tasks\n",
        )
        with h5py.File(self.folder / "r.h5") as file:
            self.assertEqual(file.attrs["state"], "complete")
        self.assertEqual(digest(self.folder / "r.h5"), digest(self.folder / "whole.h5"))
        self.go_on()  # it finds that nobody counts on it any more
        run.wait(60)
        self.wait_until_gone(ranks.values())
        self.assertEqual(digest(self.folder / "r.h5"), digest(self.folder / "whole.h5"))
        self.assertFalse((self.folder / "r.h5.d").exists())

    @farm.first
    def test_of_rank_0_ends_its_workers(self):
        """Nothing runs on while a second run begins."""
        run, ranks = self.begin()
        self.stop(ranks[0])
        self.wait_until_gone([ranks[1], ranks[2]])
        self.assertRegex(
            self.said(),
            rf"taskfarm: rank \d has not heard rank 0 for {PATIENCE} s, and ends; what is in the output is safe, and the same command line goes on\n",
        )
        self.go_on()
        self.assertNotEqual(run.wait(60), 0)
        self.expect_that_the_next_run_goes_on()

    def test_of_all_ranks_at_once_is_that_of_a_job_which_was_suspended(self):
        run, ranks = self.begin()
        self.stop(*ranks.values())
        self.addCleanup(run.kill)
        limit = PATIENCE + 4  # longer than anybody's patience
        self.assertIsNone(self.wait_in_vain(run, limit))
        self.go_on()
        self.assertEqual(run.wait(60), 0)
        self.assertNotIn("heard", self.said())
        self.assertEqual(digest(self.folder / "r.h5"), digest(self.folder / "whole.h5"))

    def wait_in_vain(self, run, seconds):
        """None if it did not end."""
        try:
            return run.wait(seconds)
        except farm.subprocess.TimeoutExpired:
            return None


if __name__ == "__main__":
    farm.main()
