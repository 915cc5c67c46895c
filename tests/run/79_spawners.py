"""A rank without its spawner, which was killed or stands still, can't start anything: it is sick, and others do its tasks."""

import os
import signal

import farm
from silence import PATIENCE, SilenceTest

STILL = r"the process that starts them, its spawner \(pid {}\), has stood still for \d\.\ds"


class Spawners(SilenceTest):
    def begin_with(self, ranks):
        run = self.start("r.json", "--patience", PATIENCE, "--slots", 1, ranks=ranks)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.wait_for(lambda: len(self.lines()) >= 10, "no task begins")
        found = farm.ranks_of(run)
        _, spawner, hosts = farm.watchers_of(found[max(found)])
        return run, spawner, hosts

    def expect_sick(self, rank, why):
        self.assertRegex(self.said(), rf"taskfarm: rank {rank} on \S+ is sick and gets no more tasks: {why}\n")
        (incident,) = self.told("r.h5")["incidents"]
        self.assertEqual((incident["kind"], incident["rank"]), ("sick", rank))

    def told(self, path):
        return farm.json.loads(self.taskfarm("status", "--json", path).stdout)

    @farm.first
    def test_of_a_worker_that_stand_still(self):
        run, spawner, hosts = self.begin_with(ranks=3)
        self.stop(spawner)
        self.assertEqual(run.wait(60), 0, self.said())
        self.wait_until_gone([spawner, *hosts])
        self.expect_sick(2, STILL.format(spawner))
        self.assertEqual(farm.digest(self.folder / "r.h5"), self.expected)

    def test_of_a_worker_that_are_killed(self):
        run, spawner, hosts = self.begin_with(ranks=3)
        os.kill(spawner, signal.SIGKILL)
        self.assertEqual(run.wait(60), 0, self.said())
        self.expect_sick(2, "the spawner process is gone: was it killed\\?")
        self.assertEqual(farm.digest(self.folder / "r.h5"), self.expected)

    @farm.first
    def test_of_a_rank_alone(self):
        """Another run goes on."""
        run, spawner, hosts = self.begin_with(ranks=None)
        self.stop(spawner)
        self.assertEqual(run.wait(60), 75, self.said())
        self.expect_sick(0, STILL.format(spawner))
        self.assertIn("taskfarm: stopping because of workers that are sick: ", self.said())
        self.expect_that_the_next_run_goes_on()


if __name__ == "__main__":
    farm.main()
