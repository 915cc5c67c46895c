"""Ranks write the file's metadata together, and wait for each other. What keeps one of them from writing ends them all,
with its reason; and what takes long is waited for."""

import errno
import os
import subprocess
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

    @unittest.skipUnless(farm.SOAK, "it takes more than a minute")
    def test_a_call_that_takes_long_is_waited_for(self):
        env = {"LD_PRELOAD": f"{farm.BUILD}/tests/libfaults.so", "TASKFARM_FAIL": "fsync:hang:2", "TASKFARM_FAIL_SECONDS": "65"}
        env |= {"TASKFARM_FAIL_RANK": "1", "TASKFARM_FAIL_PATHS": f"{self.folder}/d.h5"}
        command = [farm.MPIRUN, "-n", "3", "env", *(f"{key}={value}" for key, value in env.items()), farm.TASKFARM, "d.json"]
        done = subprocess.run(command, cwd=self.folder, env=farm.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, farm.told(done, self.folder))
        self.assertIn("nothing has been read or written for 1m", done.stderr)


if __name__ == "__main__":
    farm.main()
