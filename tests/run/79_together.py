"""A rank that is lost while all do something together is named, and not waited for."""

import json
import os
import pathlib
import re
import signal

import farm
from together import ALLOWED, PATIENCE, Run, TogetherTest

PHASES = {  # by the number of times that a rank has brought the file to disk
    1: "the beginning of what all ranks do together",
    2: "the layout of a stage by all ranks",
    3: "the end of a stage (texts, reductions) by all ranks",
}


class Together(TogetherTest):
    def wait_until_gone(self, *pids):
        self.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids), "a rank does not end")

    @farm.first
    def test_a_worker_that_is_stopped_is_named(self):
        runs = [Run(self, f"r{flush}", 1, flush) for flush in PHASES]
        for run in runs:
            pids = run.wait_until_it_is_held()
            os.kill(pids[1], signal.SIGSTOP)
        for flush, run in zip(PHASES, runs, strict=True):
            self.assertIn(run.wait(), ALLOWED, run.text())
            self.assertEqual(pathlib.Path(self.folder / f"{run.name}.ended").read_text(), "75\n")
            line = rf"taskfarm: (rank 1 on \S+ has not been heard for \d\.\ds during {re.escape(PHASES[flush])}; this run ends, and the same command line goes on)\n"
            self.assertRegex(run.text(), line)
            self.assertNotIn("if mpirun does not return", run.text())  # the rank is on this very node
            if flush > 1:  # else the history has not begun
                self.expect_in_history(run, re.search(line, run.text())[1])
            self.expect_that_the_next_run_goes_on(run.name)

    def expect_in_history(self, run, text):
        told = json.loads(self.taskfarm("status", f"{run.name}.h5", "--json").stdout)
        [incident] = told["incidents"]
        self.assertEqual((incident["kind"], incident["rank"], incident["text"]), ("silent", 1, text))
        self.assertIn(text, self.taskfarm("status", f"{run.name}.h5").stdout)

    def test_workers_end_by_themselves_when_rank_0_is_stopped(self):
        run = Run(self, "r", 0, 2)
        pids = run.wait_until_it_is_held()
        os.kill(pids[0], signal.SIGSTOP)
        self.wait_until_gone(pids[1], pids[2])
        line = rf"taskfarm: rank \d has not heard rank 0 for {PATIENCE} s, and ends; what is in the output is safe, and the same command line goes on\n"
        self.wait_for(lambda: re.search(line, run.text()), "a worker's last words")  # the launcher passes them on
        farm.send_each([pids[0]], signal.SIGCONT)
        self.assertIn(run.wait(), ALLOWED, run.text())
        self.expect_that_the_next_run_goes_on("r")

    @farm.unittest.skipIf(farm.MPICH, "MPICH's mpiexec can't let the others live")
    def test_all_end_where_a_launcher_would_let_them_live(self):
        run = Run(self, "r", 1, 2, launcher=["--enable-recovery"])
        pids = run.wait_until_it_is_held()
        os.kill(pids[1], signal.SIGKILL)
        run.wait()  # Open MPI 4 says 0 whatever the ranks say
        self.assertEqual((self.folder / "r.ended").read_text(), "75\n")
        self.assertRegex(run.text(), r"taskfarm: rank 1 on \S+ has not been heard for ")
        self.wait_until_gone(*pids.values())
        self.expect_that_the_next_run_goes_on("r")


if __name__ == "__main__":
    farm.main()
