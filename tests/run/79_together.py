"""A rank that is lost while all do something together is named, and not waited for; a file system that is slow is not taken for
one. A rank is held in a call of its own thread (tests/faults) in the middle of what all do, and then stopped as a whole, or not."""

import json
import os
import pathlib
import re
import signal
import time

import farm
import h5py
from farm import digest

STAGES = [
    {"name": "c", "over": {"i": {"range": [6]}}, "run": {"command": "echo {i}; echo '{{\"y\": '{i}'}}'"}, "results": {"y": "int64"}},
    {"name": "f", "after": ["c"], "over": {"i": {"range": [300]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}},
]
PATIENCE = 2
PHASES = {  # by the number of times that a rank has brought the file to disk
    1: "the beginning of what all ranks do together",
    2: "the layout of a stage by all ranks",
    3: "the end of a stage (texts, reductions) by all ranks",
}
ALLOWED = (9, 75) if farm.MPICH else (75,)  # MPICH's mpiexec has killed the one that was stopped


class Run:
    """A run of three ranks, of which one does not return from a call for so many seconds, or for ever."""

    def __init__(self, test, name, rank, flush, seconds=None, patience=PATIENCE, launcher=()):
        self.test, self.name, self.rank = test, name, rank
        env = {"LD_PRELOAD": f"{farm.BUILD}/tests/libfaults.so", "TASKFARM_FAIL_PATHS": f"{test.folder}/{name}.h5"}
        env |= {"TASKFARM_FAIL": f"fsync:hang:{flush}", "TASKFARM_FAIL_RANK": str(rank)}
        env |= {"TASKFARM_FAIL_SECONDS": str(seconds)} if seconds else {}
        self.held = test.folder / f"{name}.held"
        env["TASKFARM_FAIL_HELD"] = str(self.held)
        self.said = test.folder / f"{name}.said"
        command = [farm.MPIRUN, *launcher, "-n", "3", "env", *(f"{key}={value}" for key, value in env.items()), farm.TASKFARM]
        command += ["r.json", "--output", f"{name}.h5", "--patience", str(patience), "--exit-file", f"{name}.ended"]
        test.last = farm.line_of(command, test.folder)
        with open(self.said, "wb") as file:
            self.process = farm.subprocess.Popen(
                command, cwd=test.folder, env=farm.environment(), stdin=farm.subprocess.DEVNULL, stdout=file, stderr=file
            )
        test.addCleanup(self.end)

    def wait_until_it_is_held(self):
        """Returns its ranks' processes."""
        self.test.wait_for(self.held.exists, "no rank is held")
        return farm.ranks_of(self.process)

    def text(self):
        return self.said.read_text(errors="replace")

    def wait(self, limit=60):
        return self.process.wait(limit)

    def end(self):
        for pid in farm.ranks_of(self.process).values():
            os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()


class Together(farm.FarmTest):
    expected = None

    def setUp(self):
        super().setUp()
        self.write("r.json", {"seed": 3, "stages": STAGES})
        if not Together.expected:
            self.taskfarm("r.json", "--output", "whole.h5")
            Together.expected = digest(self.folder / "whole.h5")

    def expect_that_the_next_run_goes_on(self, name):
        self.taskfarm("r.json", "--output", f"{name}.h5")
        self.assertEqual(digest(self.folder / f"{name}.h5"), self.expected)
        self.assertFalse((self.folder / f"{name}.h5.d").exists())

    def wait_until_gone(self, *pids):
        self.wait_for(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids), "a rank does not end")

    @farm.first
    def test_a_worker_that_is_stopped_is_named(self):
        runs = [Run(self, f"r{flush}", 1, flush) for flush in PHASES]
        for run in runs:
            pids = run.wait_until_it_is_held()
            os.kill(pids[1], signal.SIGSTOP)
            run.begin = time.monotonic()
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
        self.assertRegex(run.text(), line)
        os.kill(pids[0], signal.SIGCONT) if os.path.exists(f"/proc/{pids[0]}") else None
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
        run = Run(self, "r", 1, 2, patience=0.5)
        run.wait_until_it_is_held()
        self.assertIn(run.wait(), ALLOWED, run.text())
        self.assertRegex(
            run.text(),
            r"taskfarm: rank 0 on \S+: the layout of a stage by all ranks takes longer than 5 s without a sign of life, though all ranks answer: a file system may hang, and is not waited for any longer \(--patience makes that longer\); what is in the output is safe, and the same command line goes on\n",
        )
        self.expect_that_the_next_run_goes_on("r")


if __name__ == "__main__":
    farm.main()
