"""A rank that is lost as MPI begins, before ranks hear each other, is not waited for as long as rank 0 may plan."""

import unittest

import farm


@unittest.skipIf(farm.MPICH, "MPICH's mpiexec can't let the others live")
class LostAtStart(farm.FarmTest):
    def test_all_others_end(self):
        self.write("m.json", {"over": {"i": {"range": [3]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}})
        die = ["env", f"LD_PRELOAD={farm.BUILD}/tests/libdie_early.so", "DIE_EARLY=1"]
        command = [farm.MPIRUN, "--enable-recovery", "-n", "3", *die, farm.TASKFARM, "m.json", "--patience", "0.2"]
        self.last = farm.line_of(command, self.folder)
        done = farm.subprocess.run(command, cwd=self.folder, env=farm.environment(), capture_output=True, text=True, timeout=60)
        for rank, limit in ((0, 2), (2, 8)):  # ten times the patience, and 6 s; how far either comes is by chance
            what = "(the start of MPI|the beginning of what all ranks do together)"
            line = rf"taskfarm: rank {rank} on \S+: {what} takes longer than {limit} s without a sign of life, and is not waited for any longer "
            self.assertRegex(done.stderr, line)


if __name__ == "__main__":
    farm.main()
