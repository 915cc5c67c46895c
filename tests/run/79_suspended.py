"""A rank ends by itself when it hears nothing of rank 0 any more, unless nobody ran meanwhile."""

import farm
from farm import digest
from silence import PATIENCE, SilenceTest


class Suspended(SilenceTest):
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
        limit = PATIENCE + 3  # longer than anybody's patience
        self.assertIsNone(self.wait_in_vain(run, limit))
        self.go_on()
        self.assertEqual(run.wait(60), 0)
        self.assertNotIn("heard", self.said())
        self.assertEqual(digest(self.folder / "r.h5"), self.expected)

    def wait_in_vain(self, run, seconds):
        """None if it did not end."""
        try:
            return run.wait(seconds)
        except farm.subprocess.TimeoutExpired:
            return None

if __name__ == "__main__":
    farm.main()
