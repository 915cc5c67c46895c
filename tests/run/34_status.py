"""taskfarm status: how far a campaign is, from its file, whether it runs, was killed or is over."""

import json
import signal

import farm
import h5py
import numpy as np

NAMES = ["pending", "done", "failed", "timeout", "skipped", "excluded"]


class Status(farm.FarmTest):
    def status(self):
        return json.loads(self.taskfarm("status", "c.h5", "--json").stdout)

    def status_of_life(self):
        """What the run's heartbeat says; nothing before there is an output."""
        return self.status().get("heartbeat", {}) if (self.folder / "c.h5.d/heartbeat").exists() else {}

    def counts(self, stage):
        with h5py.File(self.folder / "c.h5") as file:
            return np.bincount(file[f"{stage}/task/status"][()], minlength=6).tolist()

    def slow(self, tasks):
        """Tasks that wait for a file, after the first few."""
        run = {"command": "test {i} -lt 20 || while test ! -e go; do sleep 0.02; done; test {i} -ne 3"}
        second = {"name": "second", "after": ["first"], "run": {"function": "builtin:noop"}}
        self.write("c.json", {"stages": [{"name": "first", "over": {"i": {"range": [tasks]}}, "run": run}, second]})

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
                self.assertEqual(told["stages"][1], {"name": "second", "begun": False})
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
                else:
                    run.send_signal(signal.SIGUSR1)
                    (self.folder / "go").touch()
                    self.assertEqual(run.wait(self.limit), 75)
                    state = "stopped"
                told = self.status()
                self.assertEqual(told["state"], state)
                done = told["stages"][0]["done"]
                self.assertGreaterEqual(done, 19)
                self.assertIn(f"c.h5: {state} after ", self.taskfarm("status", "c.h5").stdout)
                (self.folder / "go").touch()
                again = self.taskfarm("c.json", status=1)
                self.assertIn(f"{done} of them before", again.stderr)
                self.assertEqual(self.status()["state"], "failed")

    def test_of_what_is_no_output(self):
        self.write("text.h5", "text")
        with h5py.File(self.folder / "other.h5", "w") as file:
            file["x"] = 1
        cases = {
            "none.h5": (2, "none.h5: No such file or directory"),
            "text.h5": (3, "text.h5: is no HDF5 file"),
            "other.h5": (3, "other.h5: is another program's file, or damaged"),
        }
        for name, (status, message) in cases.items():
            done = self.taskfarm("status", name, status=status)
            self.assertTrue(done.stderr.startswith(f"taskfarm: {message}"), done.stderr)
            self.assertEqual(done.stdout, "")


if __name__ == "__main__":
    farm.main()
