"""Progress: a bar on a terminal, lines otherwise, on stderr alone."""

import os
import pty
import subprocess

import farm


class Progress(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write(
            "slow.json",
            {"over": {"i": {"range": [100]}}, "run": {"function": "builtin:sleep", "args": {"seconds": 0.04}}},
        )

    def on_a_terminal(self, *options):
        """What a terminal shows of a run, as bytes."""
        master, terminal = pty.openpty()
        run = subprocess.Popen(
            self.command("slow.json", "--fresh", "--slots", 2, *options),
            cwd=self.folder,
            env=farm.environment(),
            stderr=terminal,
            stdout=subprocess.PIPE,
        )
        os.close(terminal)
        shown = farm.read_terminal(master, self.limit)
        self.assertEqual(run.stdout.read(), b"")
        run.stdout.close()
        self.assertEqual(run.wait(self.limit), 0)
        return shown

    @farm.first
    def test_is_a_bar_on_a_terminal(self):
        shown = self.on_a_terminal()
        self.assertRegex(shown, rb"\r\x1b\[K *\d+% \[=* *\] \d+/100 +\d+/s  \S+ left")
        self.assertGreater(shown.count(b"\r\x1b[K"), 5)
        last = shown.rsplit(b"\r\x1b[K", 1)[1]
        self.assertRegex(last, rb"^taskfarm: slow: 100 done, 0 failed in \S+ \(.* tasks/s\); results in slow.h5\r\n$")

    @farm.first
    def test_is_lines_elsewhere(self):
        done = self.taskfarm("slow.json", "--slots", 2)
        lines = done.stderr.splitlines()
        self.assertRegex(lines[0], r"^taskfarm: \d+/100  \d+/s  \S+ left$")
        self.assertRegex(lines[-1], r"^taskfarm: slow: 100 done, 0 failed in ")
        self.assertLess(len(lines), 6)
        self.assertNotIn("\r", done.stderr)

    def test_is_what_was_asked_for(self):
        self.assertNotIn(b"\x1b", self.on_a_terminal("--progress", "plain"))
        self.assertIn("\033[K", self.taskfarm("slow.json", "--fresh", "--slots", 2, "--progress", "bar").stderr)
        done = self.taskfarm("slow.json", "--fresh", "--slots", 2, "--progress", "none")
        self.assertEqual(len(done.stderr.splitlines()), 2, "the old output's new name, and the summary")


farm.main()
