"""Workers that are silent are given up; nobody waits for them."""

import json
import unittest

import farm
import h5py
from farm import digest
from silence import SilenceTest


class Silence(SilenceTest):
    @farm.first
    def test_of_a_worker_ends_a_run_that_the_launcher_would_end(self):
        run, ranks = self.begin()
        self.stop(ranks[1])
        status = run.wait(60)
        self.assertIn(status, (9, 75) if farm.MPICH else (75,))  # MPICH's mpiexec has killed the one that was stopped
        self.assertEqual((self.folder / "ended").read_text(), "75\n")
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
            lambda: "taskfarm: r: 360 done, 0 failed in " in self.said(),
            "the run does not end",
        )
        self.assertRegex(
            self.said(),
            r"taskfarm: rank 2 on \S+ has not been heard for \d\.\ds, and holds commands\[\d+\]( and \d+ other tasks?)?; the others go on with its tasks\n",
        )
        with h5py.File(self.folder / "r.h5") as file:
            self.assertEqual(file.attrs["state"], "complete")
        self.assertEqual(digest(self.folder / "r.h5"), self.expected)
        self.go_on()  # it finds that nobody counts on it any more
        run.wait(60)
        self.wait_until_gone(ranks.values())
        self.assertEqual(digest(self.folder / "r.h5"), self.expected)
        self.assertFalse((self.folder / "r.h5.d").exists())

    def test_at_the_end_of_the_run_s_time_is_named_though_the_patience_is_longer(self):
        run = self.start("r.json", "--patience", 100, "--walltime", 8, "--grace", 1, "--exit-file", "ended", ranks=3)
        self.wait_for(lambda: len(self.lines()) >= 8, "no task begins")
        ranks = farm.ranks_of(run)
        self.stop(ranks[1])
        self.assertIn(run.wait(60), (9, 75) if farm.MPICH else (75,))
        named = r", and rank 1 on \S+ has not been heard for \d+(\.\d)?s"
        if farm.MPICH:  # which kills rank 0 when another has ended first, as it may
            named = f"({named})?"
        self.assertRegex(
            self.said(),
            rf"taskfarm: ended without waiting any longer{named}; what is in the output is safe, and the same command line goes on\n",
        )
        self.go_on()
        self.wait_until_gone(ranks.values())
        self.expect_that_the_next_run_goes_on()


if __name__ == "__main__":
    farm.main()
