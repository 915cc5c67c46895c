"""What is slow while all do it together is not taken for lost, as long as all ranks answer."""

import signal

import farm
from farm import digest
from together import ALLOWED, PATIENCE, Run, TogetherTest


class SlowTogether(TogetherTest):
    @farm.first
    def test_what_is_slow_is_waited_for(self):
        """While all ranks answer; and a job that was suspended as a whole goes on where it was."""
        seconds = 3 * PATIENCE + 2
        slow = Run(self, "slow", 1, 2, seconds)
        suspended = Run(self, "suspended", 2, 3, seconds)
        pids = suspended.wait_until_it_is_held().values()
        farm.send_each(pids, signal.SIGSTOP)
        slow.wait_until_it_is_held()
        self.assertEqual(slow.wait(), 0, slow.text())  # it takes longer than anybody's patience
        farm.send_each(pids, signal.SIGCONT)
        self.assertEqual(suspended.wait(), 0, suspended.text())
        for run in slow, suspended:
            self.assertNotIn("heard", run.text())
            self.assertEqual(digest(self.folder / f"{run.name}.h5"), self.expected)

    def test_what_hangs_though_all_ranks_answer_has_a_limit_of_its_own(self):
        run = Run(self, "r", 1, 2, patience=1)
        run.wait_until_it_is_held()
        self.assertIn(run.wait(), ALLOWED, run.text())
        self.assertRegex(
            run.text(),
            r"taskfarm: rank 0 on \S+: the layout of a stage by all ranks takes longer than 10 s without a sign of life, though all ranks answer: rank 1 on \S+ is in read of pipe:\[\d+\], and is not waited for any longer \(--patience makes that longer\); what is in the output is safe, and the same command line goes on\n",
        )
        self.expect_that_the_next_run_goes_on("r")


if __name__ == "__main__":
    farm.main()
