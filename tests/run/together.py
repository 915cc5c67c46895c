"""What tests share in which a rank is held in the middle of what all do together: in a call of its own thread (tests/faults)."""

import os
import signal

import farm
from farm import digest

STAGES = [
    {"name": "c", "over": {"i": {"range": [6]}}, "run": {"command": "echo {i}; echo '{{\"y\": '{i}'}}'"}, "results": {"y": "int64"}},
    {"name": "f", "after": ["c"], "over": {"i": {"range": [300]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}},
]
PATIENCE = 2
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


class TogetherTest(farm.FarmTest):
    expected = None

    def setUp(self):
        super().setUp()
        self.write("r.json", {"seed": 3, "stages": STAGES})
        if not TogetherTest.expected:
            self.taskfarm("r.json", "--output", "whole.h5")
            TogetherTest.expected = digest(self.folder / "whole.h5")

    def expect_that_the_next_run_goes_on(self, name):
        self.taskfarm("r.json", "--output", f"{name}.h5")
        self.assertEqual(digest(self.folder / f"{name}.h5"), self.expected)
        self.assertFalse((self.folder / f"{name}.h5.d").exists())
