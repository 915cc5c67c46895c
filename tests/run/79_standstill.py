"""A rank that stands still, and not its node: what it has started must not run on beside what others make anew."""

import unittest

import farm
from silence import PATIENCE, SilenceTest


class Standstill(SilenceTest):
    def begin_two(self):
        """Two tasks of 4 s on three workers. Returns the run, its ranks, and the two that work."""
        command = "echo {i} $PPID >>begun; for k in 1 2 3 4 5 6 7 8; do echo $k >>{outputs}; sleep 0.5; done"
        self.write("r.json", {"over": {"i": {"range": [2]}}, "run": {"command": command}, "outputs": "o/w{i}"})
        run = self.start("r.json", "--patience", PATIENCE, "--slots", 1, ranks=4)
        self.wait_for(lambda: len(self.hosts()) == 2, "no task begins")
        ranks = farm.ranks_of(run)
        busy = [rank for host in self.hosts() for rank in ranks if host in below(ranks[rank])]
        return run, ranks, busy

    def hosts(self):
        """The processes above commands, in the order in which these have begun."""
        path = self.folder / "begun"
        return list(map(int, path.read_text().split()[1::2])) if path.exists() else []

    def expect_whole(self):
        for name in ("w0", "w1"):
            self.assertEqual((self.folder / "o" / name).read_text().split(), [str(k) for k in range(1, 9)])
        self.assertEqual(list(self.open("r.h5")["r/task/attempts"]), [1, 1])

    @farm.first
    @unittest.skipIf(farm.MPICH, "MPICH's mpiexec can't let the others live")
    def test_of_a_rank_ends_what_it_had_begun(self):
        """Two copies of a command never write at the same time. The rank ends when it goes on."""
        self.recovery = True
        run, ranks, busy = self.begin_two()
        self.stop(ranks[busy[0]])
        self.wait_for(lambda: "r: 2 done, 0 failed in " in self.said(), "the run does not end")
        self.expect_whole()
        self.go_on()
        run.wait(60)
        self.wait_until_gone(ranks.values())

    @farm.first
    def test_of_all_ranks_costs_no_task_an_attempt(self):
        """As of a job that is suspended: what was ended meanwhile begins anew."""
        run, ranks, busy = self.begin_two()
        self.stop(*ranks.values())
        self.addCleanup(run.kill)
        self.wait_until_gone(self.hosts())
        self.go_on()
        self.assertEqual(run.wait(60), 0)
        self.assertNotIn("heard", self.said())
        self.assertEqual(len(self.hosts()), 4)
        self.expect_whole()


def below(pid):
    """All that a process has started, and what that has."""
    children = farm.children(pid)
    return children + [other for child in children for other in below(child)]


if __name__ == "__main__":
    farm.main()
