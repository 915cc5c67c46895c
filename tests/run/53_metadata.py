"""Ranks write the file's metadata together, and wait for each other. What keeps one of them from writing ends them all,
with its reason; and what takes long is waited for."""

import errno
import os
import pathlib
import signal
import subprocess
import time
import unittest

import farm
from farm import digest

STAGES = {
    "stages": [
        {"name": "a", "over": {"k": {"range": [40]}}, "run": {"command": "echo {k}"}},
        {
            "name": "b",
            "after": ["a"],
            "over": {"k": {"range": [3000]}},
            "run": {"expr": {"z": "k*2"}},
            "results": {"z": "float64"},
            "reduce": {"m": {"columns": {"z": ["mean"]}}},
        },
    ]
}
GOES_ON = "with the cause removed the same command line goes on"


class Metadata(farm.FarmTest):
    limit = 30  # s: with 10 of them a rank whose call has failed waits for the others

    def setUp(self):
        super().setUp()
        self.write("d.json", STAGES)

    def run_beside(self, others, *before):
        """A run of rank 0 and others, of which the last is started by other words."""
        campaign = self.command("d.json", "--patience", 1)
        words = self.command("d.json", "--patience", 1, ranks=others) + [":", "-n", "1", *before, *campaign]
        return subprocess.run(words, cwd=self.folder, env=farm.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.limit)

    def expect_end(self, done, pattern, status=3):
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        self.assertRegex(done.stderr, rf"(?m)^taskfarm: {pattern}$")

    def expect_whole(self):
        """The same command line, without what was in the way, gives what an undisturbed run gives."""
        self.taskfarm("d.json", ranks=2)
        self.taskfarm("d.json", "--output", "whole.h5")
        self.assertEqual(digest(self.folder / "d.h5"), digest(self.folder / "whole.h5"))
        self.assertFalse((self.folder / "d.h5.d").exists())

    @farm.first
    def test_a_file_size_limit_of_one_rank_is_known_before(self):
        stages = [STAGES["stages"][0], {"name": "b", "over": {"k": {"range": [3_000_000]}}, "run": {"expr": {"z": "k*2"}}}]
        self.write("d.json", {"stages": stages})
        done = self.run_beside(2, "bash", "-c", 'ulimit -f 24000; exec "$0" "$@"')
        self.expect_end(done, r'd\.h5: with stage "b" it has 54\.\d+ MB, and rank 2 may write no file of more than 23\.44 MB: raise ulimit -f')
        self.assertNotIn("MPI_ABORT", done.stderr)

    def test_a_write_that_fails_on_one_rank_ends_all(self):
        """Whichever of its writes it is, of whatever kind."""
        cases = [("pwrite", errno.EDQUOT, 20), ("fsync", errno.EIO, 3)]
        if farm.SOAK:
            cases = [(call, failure, n) for call, last in (("pwrite", 45), ("fsync", 7)) for failure in (errno.EIO, errno.EDQUOT) for n in range(2, last)]
        within = 0
        for call, failure, number in cases:
            with self.subTest(call=call, failure=errno.errorcode[failure], number=number):
                for path in ("d.h5", "d.h5.d", "whole.h5"):
                    subprocess.run(["rm", "-rf", self.folder / path], check=True)
                done = self.run_beside(1, "env", f"LD_PRELOAD={farm.BUILD}/tests/libfaults.so", f"TASKFARM_FAIL={call}:{failure}:{number}+")
                self.expect_end(done, f".*{os.strerror(failure)}.*", status=75)
                within += f"rank 1 on {os.uname().nodename} can't read or write the output: {os.strerror(failure)}; {GOES_ON}\n" in done.stderr
                if farm.SOAK or call == "fsync":
                    self.expect_whole()
        self.assertGreaterEqual(within, min(len(cases), 30))

    def rank_above(self, pid, run):
        ranks = {pid: rank for rank, pid in farm.ranks_of(run).items()}
        while pid not in ranks:
            pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        return ranks[pid]

    @unittest.skipUnless(farm.SOAK, "it takes more than a minute")
    def test_a_rank_that_has_been_stopped_is_waited_for(self):
        stages = [{"name": "a", "run": {"command": "echo $$ >pid; mv pid begun; until test -e go; do sleep 0.1; done"}}, STAGES["stages"][1]]
        self.write("d.json", {"stages": stages})
        run = self.start("d.json", ranks=3)
        self.addCleanup(run.wait)
        self.addCleanup(run.kill)
        self.wait_for((self.folder / "begun").exists, "the first task")
        at_work = self.rank_above(int((self.folder / "begun").read_text()), run)
        stopped, said = farm.ranks_of(run)[3 - at_work], self.folder / "stderr"
        os.kill(stopped, signal.SIGSTOP)
        (self.folder / "go").touch()
        limit = time.monotonic() + 120
        while "nothing has been read or written for 1m" not in said.read_text():
            self.assertLess(time.monotonic(), limit, "it says that it waits")
            time.sleep(0.1)
        os.kill(stopped, signal.SIGCONT)
        self.assertEqual(run.wait(self.limit), 0, said.read_text())


if __name__ == "__main__":
    farm.main()
