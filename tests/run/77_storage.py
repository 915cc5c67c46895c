"""Storage that fails for a while is tried again, for as long as the run is patient; then the run ends, and says what is safe."""

import errno
import json
import os
import subprocess
import unittest

import farm
from farm import digest

FULL = os.strerror(errno.ENOSPC)
TEXTS = {"name": "t", "over": {"i": {"range": [200]}}, "run": {"command": "yes {i} | head -c 20000"}}
NUMBERS = {"name": "n", "over": {"i": {"range": [300]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}}
REDUCED = NUMBERS | {"reduce": {"all": {"columns": {"x": ["mean", "median", "histogram:5"]}}}}


class Storage(farm.FarmTest):
    limit = 120

    def campaign(self, *stages):
        self.write("x.json", {"seed": 1, "stages": list(stages)})
        self.taskfarm("x.json", "--output", "whole.h5")
        self.expected = digest(self.folder / "whole.h5") | farm.reductions(self.folder / "whole.h5")

    def expect_whole(self, output="x.h5"):
        self.assertEqual(digest(self.folder / output) | farm.reductions(self.folder / output), self.expected)
        self.assertFalse((self.folder / f"{output}.d").exists())

    def said(self):
        return (self.folder / "stderr").read_text()


class Full(Storage):
    def setUp(self):
        super().setUp()
        self.small = self.folder / "small"
        self.small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", self.small], capture_output=True).returncode != 0:
            print("SKIPPED: a disk that is full for a while, for mounting one needs root", flush=True)
            self.skipTest("mounting a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", "-l", self.small])

    def fill(self):
        """All of the disk but a little."""
        free = os.statvfs(self.small)
        with open(self.small / "filler", "wb") as file:
            file.write(bytes(free.f_bavail * free.f_bsize - (300 << 10)))

    @farm.first
    def test_a_disk_that_is_full_for_a_while(self):
        """Nothing is lost, and the run says that it waits, and that it goes on."""
        self.campaign(TEXTS)
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                self.fill()
                run = self.start("x.json", "--output", "small/x.h5", "--patience", 60, "--slots", 2, ranks=ranks)
                self.addCleanup(run.wait)
                self.addCleanup(run.kill)
                self.wait_for(lambda: "trying again" in self.said() or run.poll() is not None, "it says that it waits")
                (self.small / "filler").unlink()
                self.assertEqual(run.wait(self.limit), 0, self.said())
                self.assertRegex(self.said(), rf"(?m)^taskfarm: \S*small/x\.h5\S*: .*{FULL}; trying again for up to 1m00s$")
                self.assertEqual(self.said().count("trying again"), 1, self.said())
                self.assertRegex(self.said(), r"(?m)^taskfarm: \S*small/x\.h5: the storage works again$")
                (incident,) = json.loads(self.taskfarm("status", "--json", "small/x.h5").stdout)["incidents"]
                self.assertEqual((incident["kind"], "end" in incident), ("storage", True))
                self.assertIn(f"taskfarm: {incident['text']}\n", self.said())
                told = f"  {incident['text']} (since {incident['since']}, until {incident['end']})\n"
                self.assertIn(told, self.taskfarm("status", "small/x.h5").stdout)
                self.expect_whole("small/x.h5")
                (self.small / "x.h5").unlink()

    def test_a_disk_that_stays_full(self):
        self.campaign(TEXTS)
        self.fill()
        done = self.taskfarm("x.json", "--output", "small/x.h5", "--patience", 0.5, "--slots", 2, status=75)
        self.assertRegex(done.stderr, r"(?m)^taskfarm: x: \d+ done, 0 failed, \d+ not run in ")
        self.assertRegex(done.stderr, rf"(?m)^taskfarm: \S*small/x\.h5\.d/run-1/rank-0000\.text: {FULL}$")
        (self.small / "filler").unlink()
        self.taskfarm("x.json", "--output", "small/x.h5")
        self.expect_whole("small/x.h5")


@unittest.skipIf(farm.SANITIZED, "AddressSanitizer wants to be first among the libraries")
class Calls(Storage):
    """Calls of the C library that fail for a while, or from now on."""

    def run_failing(self, fault, ranks=None, status=0, patience=30, paths="x.h5", rank=0):
        for name in ("x.h5", "x.h5.d"):
            subprocess.run(["rm", "-rf", self.folder / name], check=True)
        library = f"LD_PRELOAD={farm.BUILD}/tests/libfaults.so"
        words = ["env", library, f"TASKFARM_FAIL={fault}", f"TASKFARM_FAIL_PATHS={paths}", f"TASKFARM_FAIL_RANK={rank}"]
        words += [farm.TASKFARM, "x.json", "--patience", str(patience), "--slots", "2", "--progress", "none"]
        if ranks:
            words = [farm.MPIRUN, "-n", str(ranks), *words]
        done = subprocess.run(words, cwd=self.folder, env=farm.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.limit)
        if status is not None:
            self.assertEqual(done.returncode, status, farm.told(done, self.folder))
        return done

    def test_every_write_may_fail_for_a_while(self):
        """Rows, side files, metadata and the journal."""
        self.campaign(REDUCED, TEXTS | {"over": {"i": {"range": [3]}}})
        writes = [("pwrite", "x.h5", number) for number in (9, 20, 60)] + [("write", "journal", 2), ("fdatasync", "journal", 2), ("openat", "x.h5.d", 5)]
        for call, paths, number in writes:
            for ranks in (None, 3):
                with self.subTest(call=call, number=number, ranks=ranks):
                    done = self.run_failing(f"{call}:{errno.ENOSPC}:{number}+3", ranks, None, paths=paths)
                    if done.returncode != 0:  # as the output is made nothing is waited for: there is nothing to lose
                        self.assertEqual(done.returncode, 75, farm.told(done, self.folder))
                        self.taskfarm("x.json")
                    self.expect_whole()

    def test_a_read_that_fails_is_no_zero(self):
        """Open MPI says nothing of it, and HDF5 takes what it has not got for the end of the file."""
        self.campaign(REDUCED)
        for number in (1, 10, 30, 60) if not farm.SOAK else range(1, 100):
            with self.subTest(number=number):
                done = self.run_failing(f"pread:{errno.EIO}:{number}+", 3, None, patience=1)
                if done.returncode != 0:
                    self.assertIn(os.strerror(errno.EIO), done.stderr)
                    self.assertNotIn("damaged", done.stderr)
                    self.taskfarm("x.json")
                self.expect_whole()

    def test_a_call_that_does_not_return(self):
        """Of a file system that is gone: the run ends, alone or with others, and the next one goes on."""
        self.campaign(NUMBERS)
        for call, ranks, what in (("pwrite:hang:40", None, ""), ("pwrite:hang:16", 3, "rank 0 on .*: ")):
            with self.subTest(call=call, ranks=ranks):
                done = self.run_failing(call, ranks, None, patience=0.5)
                self.assertIn(done.returncode, (9, 75) if farm.MPICH and ranks else (75,), farm.told(done, self.folder))  # MPICH kills the others
                self.assertRegex(done.stderr, rf"(?m)^taskfarm: {what}.* takes longer than 5 s without a sign of life.*, and is not waited for any longer")
                self.taskfarm("x.json")
                self.expect_whole()

    def test_a_call_that_does_not_return_before_the_run(self):
        """The manifest may be in such a file system, too."""
        self.campaign(NUMBERS)
        done = self.run_failing("read:hang:1", None, 75, patience=0.2, paths="x.json")
        self.assertEqual(
            done.stderr,
            "taskfarm: reading what the run needs (manifest, files, the output) takes longer than 2 s without a sign of life, and is not waited for any "
            "longer (--patience makes that longer); the same command line goes on\n",
        )
        self.taskfarm("x.json")
        self.expect_whole()

    def test_a_rank_that_can_not_open_the_file_by_mpi(self):
        """Open MPI keeps the others waiting for ever: the run does not."""
        self.campaign(NUMBERS)
        done = self.run_failing(f"open:{errno.ENOSPC}:1+", 3, None, patience=1, paths="run-1/mpi-", rank=2)
        self.assertIn(done.returncode, (0, 3) if farm.MPICH else (75,), farm.told(done, self.folder))
        self.taskfarm("x.json")
        self.expect_whole()


if __name__ == "__main__":
    farm.main()
