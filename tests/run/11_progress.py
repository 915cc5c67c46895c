"""Progress: a bar on a terminal, lines otherwise, on stderr alone."""

import json
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

    def events(self, *arguments, status=0):
        done = self.taskfarm(*arguments, "--json", status=status)
        return done, [json.loads(line) for line in done.stdout.splitlines()]

    @farm.first
    def test_programs_get_events(self):
        done, events = self.events("slow.json", "--slots", 2)
        self.assertEqual(done.stderr, "")
        begin, *before, end = events
        self.assertEqual(begin, {"event": "begin"})
        self.assertEqual({event["event"] for event in before}, {"progress"})
        self.assertGreater(len(before), 2)
        self.assertLess(len(before), 20)
        self.assertEqual(sorted({(e["tasks"], e["all"], e["failed"], e["stopping"]) for e in before}), [(100, 100, 0, False)])
        self.assertEqual([e["ended"] for e in before], sorted(e["ended"] for e in before))
        self.assertEqual({key: end[key] for key in ("event", "status", "tasks", "done", "reused", "left", "diagnostics")}, {"event": "end", "status": 0, "tasks": 100, "done": 100, "reused": 0, "left": 0, "diagnostics": []})
        done, events = self.events("slow.json", "--progress", "plain")
        self.assertEqual((events[-1]["reused"], events[-1]["done"]), (100, 100))
        _, events = self.events("slow.json", "--fresh", "--progress", "none")
        self.assertEqual([event["event"] for event in events], ["say", "begin", "end"])
        self.assertEqual(done.stderr, "")

    def test_events_say_what_is_wrong_and_what_failed(self):
        self.write("f.json", {"over": {"i": {"range": [3]}}, "run": {"command": "test {i} -ne 1"}})
        _, events = self.events("f.json", status=1)
        (failure,) = events[-1]["failures"]
        self.assertEqual((events[-1]["status"], events[-1]["failed"], failure["count"], failure["stage"]), (1, 1, 1, "f"))
        done, (end,) = self.events("f.json", "--set", "x=1", status=2)
        self.assertEqual([d["id"] for d in end["diagnostics"]], ["unknown-name"])
        self.assertEqual(done.stderr, "")
        self.write("f.h5", "something else")
        _, (end,) = self.events("f.json", status=3)
        self.assertEqual([(d["id"], d["severity"]) for d in end["diagnostics"]], [("not-an-output", "error")])

    def test_events_tell_of_code_that_has_changed(self):
        self.write("s.sh", "echo 1")
        self.write("c.json", {"over": {"i": [1, 2]}, "run": {"command": "sh s.sh {i}"}})
        self.taskfarm("c.json")
        self.write("s.sh", "echo 2")
        _, events = self.events("c.json")
        said = [(event["about"], event["text"]) for event in events if event["event"] == "say"]
        self.assertEqual(said[1:], [("code", "s.sh changed since 2 rows were made; they are kept")])


farm.main()
