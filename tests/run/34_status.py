"""taskfarm status: how far a campaign is, from its file, whether it runs, was killed or is over."""

import fcntl
import json
import os
import re
import signal
import struct
import subprocess
import termios
import time

import farm
import h5py
import numpy as np

NAMES = ["pending", "done", "failed", "timeout", "skipped", "excluded", "cancelled"]


class Status(farm.FarmTest):
    def status(self):
        return json.loads(self.taskfarm("status", "c.h5", "--json").stdout)

    def status_of_life(self):
        """What the run's heartbeat says; nothing before there is an output."""
        return self.status().get("heartbeat", {}) if (self.folder / "c.h5.d/heartbeat").exists() else {}

    def counts(self, stage):
        with h5py.File(self.folder / "c.h5") as file:
            return np.bincount(file[f"{stage}/task/status"][()], minlength=len(NAMES)).tolist()

    def slow(self, tasks):
        """Tasks that wait for a file, after twenty that do not."""
        first = {"name": "first", "over": {"i": {"range": [20]}}, "run": {"command": "test {i} -ne 3"}}
        waits = {"command": "while test ! -e go; do sleep 0.02; done"}
        second = {"name": "second", "after": ["first"], "over": {"i": {"range": [tasks - 20]}}, "run": waits}
        third = {"name": "third", "after": ["second"], "run": {"function": "builtin:noop"}}
        self.write("c.json", {"stages": [first, second, third]})

    def test_of_a_single_stage_whose_campaign_has_no_stage_s_name(self):
        for name, stage in (("my sweep", "my_sweep"), ("3C273", "_3C273"), ("2026-11-sweep", "_2026_11_sweep")):
            self.write("c.json", {"name": name, "output": "c.h5", "over": {"n": [1, 2]}, "run": {"function": "builtin:noop"}})
            self.taskfarm("c.json", "--fresh")
            told = self.status()
            self.assertEqual([(s["name"], s.get("done")) for s in told["stages"]], [(stage, 2)])

    def test_what_stages_run_and_give(self):
        """As the manifest has it."""
        run = {"command": "echo '{{\"v\": [1, 2], \"s\": \"x\"}}'"}
        results = {"v": {"type": "int32", "shape": [2]}, "s": {"type": "string"}}
        self.write("c.json", {"over": {"n": [0]}, "run": run, "results": results})
        self.taskfarm("c.json")
        (stage,) = self.status()["stages"]
        self.assertEqual((stage["run"], stage["results"]), (run, results))
        over = {"b": {"blocks": {"shape": [6], "chunk": [3]}}}
        self.write("c.json", {"over": over, "run": {"expr": {"y": "b_start"}}, "results": {"y": {"type": "float64", "array": "b"}}})
        self.taskfarm("c.json", "--fresh")
        self.assertEqual(self.status()["stages"][0]["results"], {"y": {"type": "float64", "array": True}})

    @farm.first
    def test_of_a_campaign_that_is_over(self):
        stages = [
            {"name": "a", "over": {"n": {"range": [3000]}}, "where": "n % 3 != 0", "run": {"expr": {"y": "n"}}},
            {"name": "long_name", "over": {"n": {"range": [5]}}, "run": {"command": "test {n} -ne 2"}},
            {"name": "files", "inputs": "b", "outputs": "c", "run": {"command": "touch c"}},
            {"name": "made", "outputs": "b", "run": {"command": "false"}},
        ]
        self.write("c.json", {"stages": stages})
        self.taskfarm("c.json", status=1, ranks=2)
        told = self.status()
        self.assertEqual((told["state"], len(told["runs"])), ("failed", 1))
        self.assertNotIn("heartbeat", told)
        for stage in told["stages"]:
            self.assertEqual([stage[name] for name in NAMES], self.counts(stage["name"]), stage["name"])
            self.assertEqual(stage["tasks"], sum(self.counts(stage["name"])))
        self.assertEqual([s["skipped"] for s in told["stages"]], [0, 0, 1, 0])
        lines = self.taskfarm("status", "c.h5").stdout.splitlines()
        self.assertRegex(lines[0], r"^c\.h5: failed after ")
        self.assertEqual(lines[1].split(), ["stage", "tasks", "done", "failed", "skipped", "excluded"])
        rows = {line.split()[0]: line.split()[1:] for line in lines[2:]}
        self.assertEqual(rows["long_name"], ["5", "4", "1", "0", "0"])
        self.assertEqual(rows["a"], ["3", "000", "2", "000", "0", "0", "1", "000"])

    @farm.first
    def test_why_tasks_failed_and_which_took_long(self):
        fail = "test $(( {i} % 3 )) -ne 0 || {{ echo out of {i} stars >&2; exit 3; }}; test {i} -ne 7 || sleep 0.5; exec sleep 0.0{i}"
        stages = [
            {"name": "a", "over": {"i": {"range": [10]}}, "run": {"command": fail}},
            {"name": "b", "over": {"i": {"range": [4]}}, "timeout": 0.2, "run": {"command": "test {i} -eq 1 || exec sleep 9"}},
        ]
        self.write("c.json", {"stages": stages})
        summary = self.taskfarm("c.json", status=1, ranks=3).stderr
        told = self.status()
        self.assertEqual(
            told["failures"],
            [
                {"stage": "a", "count": 4, "tasks": [0, 3, 6], "message": "exit status 3: out of 0 stars"},
                {"stage": "b", "count": 3, "tasks": [0, 2, 3], "message": "timeout after 0.2s"},
            ],
        )
        lines = self.taskfarm("status", "c.h5").stdout.splitlines()
        groups = [
            "  4 tasks failed: exit status 3: out of 0 stars: a[0], [3], [6], ...",
            "  3 tasks failed: timeout after 0.2s: b[0], [2], [3]",
            "  see: taskfarm show c.h5 a 0",
        ]
        self.assertEqual(lines[4:7], groups)
        self.assertIn("\n" + "\n".join(groups) + "\n", summary)
        # Counts, times and rates are the same everywhere.
        done, failed, elapsed, rate = re.search(r"c: (\d+) done, (\d+) failed in (\S+) \((\S+) tasks/s\)", summary).groups()
        count = {name: sum(stage[name] for stage in told["stages"]) for name in NAMES}
        self.assertEqual((int(done), int(failed)), (count["done"], count["failed"] + count["timeout"]))
        self.assertEqual(lines[0], f"c.h5: failed after {elapsed}")
        with h5py.File(self.folder / "c.h5") as file:
            self.assertEqual(file.attrs["state"], told["state"])
            self.assertAlmostEqual(file.attrs["elapsed"], told["elapsed"], 9)
            self.assertAlmostEqual(14 / file.attrs["elapsed"], float(rate), delta=1)
        with h5py.File(self.folder / "c.h5") as file:
            durations = [(file[f"{s}/task/duration"][i], s, i) for s in "ab" for i in range(len(file[s]["index"]))]
        durations = sorted(durations, reverse=True)[:3]
        for slow, (duration, stage, index) in zip(told["slowest"], durations, strict=True):
            self.assertEqual((slow["stage"], slow["index"]), (stage, index))
            self.assertAlmostEqual(slow["duration"], duration, 12)
        self.assertEqual((told["slowest"][0]["stage"], told["slowest"][0]["index"]), ("a", 7))
        self.assertRegex(lines[7], r"^  slowest: a\[7\] [\d.]+s, [ab]\[\d\] [\d.]+s, [ab]\[\d\] [\d.]+s$")

    def watch(self, *options):
        return subprocess.Popen(
            [farm.TASKFARM, "status", "c.h5", "--watch", *options],
            cwd=self.folder,
            env=farm.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )

    def test_is_told_again_and_again(self):
        self.slow(40)
        run = self.start("c.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: self.status_of_life().get("ended", 0) >= 20, "tasks do not end")
        message = [{"stage": "first", "count": 1, "tasks": [3], "message": "exit status 1"}]
        with self.watch("--json") as watch:
            told = json.loads(watch.stdout.readline())
            self.assertEqual((told["state"], told["failures"]), ("running", message))
            self.assertEqual(told["percent"], 100 * told["heartbeat"]["ended"] // told["heartbeat"]["all"])
            self.assertEqual(json.loads(watch.stdout.readline())["state"], "running")
            (self.folder / "go").touch()
            self.assertEqual(run.wait(self.limit), 1)
            told = [json.loads(line) for line in watch.stdout][-1]
            self.assertEqual(watch.wait(self.limit), 0)
        self.assertEqual((told["state"], told["percent"], told["failures"]), ("failed", 100, message))
        with self.watch() as watch:  # of what is over it is told once
            self.assertEqual(watch.stdout.read(), self.taskfarm("status", "c.h5").stdout)

    def test_is_redrawn_in_place_on_a_terminal(self):
        self.slow(40)
        run = self.start("c.json", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: self.status_of_life().get("ended", 0) >= 20, "tasks do not end")
        master, terminal = os.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 40, 0, 0))
        command = [farm.TASKFARM, "status", "c.h5", "--watch"]
        watch = subprocess.Popen(command, cwd=self.folder, env=farm.environment(), stdout=terminal)
        os.close(terminal)
        text = b""
        while text.count(b"\x1b[J") < 2:
            text += os.read(master, 65536)
        (self.folder / "go").touch()
        self.assertEqual(run.wait(self.limit), 1)
        try:
            while more := os.read(master, 65536):
                text += more
        except OSError:  # the terminal is gone
            pass
        os.close(master)
        self.assertEqual(watch.wait(self.limit), 0)
        screens = re.split(r"\x1b\[(\d+)A\x1b\[J", text.decode())
        for screen, lines in zip(screens[::2], screens[1::2]):
            self.assertEqual(screen.count("\n"), int(lines))
        self.assertLessEqual(max(len(line) for screen in screens for line in screen.splitlines()), 39)
        self.assertIn("failed after", screens[-1])

    def check_life_since_it_was_heard_of(self):
        """As of a run of another machine that gave a sign of life as it began."""
        path = self.folder / "c.h5.d/heartbeat"
        text = path.read_text()
        beat = dict(json.loads(text), host="elsewhere", time=time.time() - 7, elapsed=3e-5, interval=1000)
        path.write_text(json.dumps(beat))
        self.assertRegex(self.taskfarm("status", "c.h5").stdout, r"^c\.h5: running for [1-9][\d.]*s;")
        path.write_text(text)

    @farm.first
    def test_of_one_that_runs_is_stopped_or_killed(self):
        for ranks in (None, 3):
            for end in ("term", "kill"):
                self.slow(40)
                (self.folder / "go").unlink(missing_ok=True)
                run = self.start("c.json", "--fresh", "--slots", 2, ranks=ranks)
                self.addCleanup(farm.kill_all, run)
                slots = 4 if ranks else 2
                self.wait_for(lambda: self.status_of_life().get("slots") == slots, "no sign of life of all")
                self.wait_for(lambda: self.status()["stages"][0].get("done") == 19, "tasks do not end")
                told = self.status()
                self.assertEqual(told["state"], "running")
                self.assertEqual(told["stages"][0]["failed"], 1)
                self.assertEqual(told["stages"][2], {"name": "third", "begun": False})
                beat = told["heartbeat"]
                self.assertEqual((beat["ranks"], beat["slots"]), (ranks or 1, slots))
                self.assertLess(beat["age"], 30)
                self.wait_for(lambda: self.status()["heartbeat"]["busy"] == slots, "slots are idle")
                self.assertRegex(
                    self.taskfarm("status", "c.h5").stdout,
                    rf"^c\.h5: running for .*; {ranks or 1} ranks?, {slots} of {slots} slots at work",
                )
                if end == "kill":
                    farm.kill_all(run)
                    state = "interrupted"
                    self.check_life_since_it_was_heard_of()
                else:
                    farm.ask_to_stop(run)
                    (self.folder / "go").touch()
                    self.assertEqual(run.wait(self.limit), 75)
                    state = "stopped"
                told = self.status()
                self.assertEqual(told["state"], state)
                done = told["stages"][0]["done"] + told["stages"][1]["done"]
                self.assertGreaterEqual(done, 19)
                line = {
                    "stopped": r"stopped after \S+; \d+%; the next run goes on from there",
                    "interrupted": r"interrupted; \d+%; the same command line goes on",  # nobody knows when
                }[state]
                self.assertRegex(self.taskfarm("status", "c.h5").stdout, rf"^c\.h5: {line}\n")
                (self.folder / "go").touch()
                again = self.taskfarm("c.json", status=1)
                self.assertIn(f"{done} of them before", again.stderr)
                self.assertEqual(self.status()["state"], "failed")

    @farm.first
    def test_of_what_is_no_output(self):
        self.write("text.h5", "text")
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x"] = 1
        cases = {
            "none.h5": (2, "none.h5: there is no such output, or nothing in it"),
            "text.h5": (3, "text.h5: is no HDF5 file"),
            "other.h5": (3, "other.h5: is another program's file, or damaged"),
        }
        for name, (status, message) in cases.items():
            done = self.taskfarm("status", name, status=status)
            self.assertTrue(done.stderr.startswith(f"taskfarm: {message}"), done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    farm.main()
