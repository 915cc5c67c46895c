"""What tests of silent ranks share: a run whose ranks are stopped."""

import os
import signal

import farm
import h5py
from farm import digest

STAGES = [
    {
        "name": "commands",
        "over": {"i": {"range": [60]}},
        "run": {
            "command": "echo {i} >> log; sleep 0.1; echo '{{\"y\": '{i}', \"s\": \"word'{i}'\"}}'"
        },
        "results": {"y": "int64", "s": "string"},
    },
    {
        "name": "rows",
        "over": {"i": {"range": [300]}},
        "run": {"function": "builtin:random"},
        "results": {"x": "float64"},
    },
]
PATIENCE = 2


class SilenceTest(farm.FarmTest):
    recovery = False

    def command(self, *arguments, ranks=None):
        command = super().command(*arguments, ranks=ranks)
        return (
            [*command[:1], "--enable-recovery", *command[1:]]
            if ranks and self.recovery
            else command
        )

    expected = None

    def setUp(self):
        super().setUp()
        self.write("r.json", {"seed": 3, "stages": STAGES})
        if not SilenceTest.expected:
            self.taskfarm("r.json", "--output", "whole.h5")
            (self.folder / "log").unlink()
            SilenceTest.expected = digest(self.folder / "whole.h5")
        self.stopped = set()
        self.addCleanup(self.go_on)

    def lines(self):
        path = self.folder / "log"
        return list(map(int, path.read_text().split())) if path.exists() else []

    def begin(self):
        run = self.start("r.json", "--patience", PATIENCE, "--exit-file", "ended", ranks=3)
        self.wait_for(lambda: len(self.lines()) >= 24, "no task begins")  # by then each has had an answer of rank 0's
        return run, farm.ranks_of(run)

    def stop(self, *pids):
        for pid in pids:
            self.stopped.add(pid)
            os.kill(pid, signal.SIGSTOP)

    def go_on(self):
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass
        self.stopped.clear()

    def said(self):
        return (self.folder / "stderr").read_text()

    def wait_until_gone(self, pids):
        self.wait_for(
            lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in pids),
            "a rank does not end",
        )

    def expect_that_the_next_run_goes_on(self):
        with h5py.File(self.folder / "r.h5") as file:
            done = {
                i
                for i, s in enumerate(file["commands/task/status"][()])
                if s == farm.DONE
            }
        before = len(self.lines())
        self.taskfarm("r.json")
        self.assertEqual(set(self.lines()[before:]) & done, set())
        self.assertEqual(digest(self.folder / "r.h5"), self.expected)
