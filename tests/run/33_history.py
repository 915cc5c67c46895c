"""What the output knows of the runs that made it."""

import json
import os
import socket

import farm
import h5py


class History(farm.FarmTest):
    def runs(self):
        with h5py.File(self.folder / "c.h5") as file:
            return json.loads(file.attrs["runs"])

    def campaign(self, tasks):
        stage = {"over": {"n": {"range": [tasks]}}, "run": {"expr": {"y": "2 * n"}}}
        self.write("c.json", {"record_env": ["FLAVOUR", "NOT_THERE"], **stage})

    def test_each_run_is_recorded(self):
        self.campaign(1000)
        self.taskfarm("c.json", "--slots", 2, env={"FLAVOUR": "strange"})
        (first,) = self.runs()
        self.assertEqual((first["run"], first["state"], first["ranks"], first["slots"]), (1, "complete", 1, 2))
        self.assertEqual(first["hosts"], {socket.gethostname(): 1})
        self.assertEqual(first["command"], [farm.TASKFARM, "c.json", "--slots", "2"])
        self.assertEqual(first["workdir"], os.path.realpath(self.folder))
        self.assertEqual(first["env"], {"FLAVOUR": "strange", "NOT_THERE": None})
        version = f"taskfarm {first['taskfarm']} ({first['commit']})\n"
        self.assertEqual(self.taskfarm("--version").stdout, version)
        self.assertRegex(first["commit"], r"^([0-9a-f]{12}(-changed)?|unknown)$")
        self.assertRegex(first["hdf5"], r"^\d+\.\d+\.\d+$")
        self.assertNotIn("mpi", first, "there was none")
        for key in ("start", "end"):
            self.assertRegex(first[key], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertLessEqual(first["start"], first["end"])

        self.campaign(2000)  # rows move to a new file; then the run is killed while its metadata changes
        for point in ("rows.data", "change.flushed:2"):
            killed = self.start("c.json", env={"TASKFARM_CRASH": point}, ranks=2)
            self.assertNotEqual(killed.wait(self.limit), 0, point)
        self.taskfarm("c.json", ranks=3)
        runs = self.runs()
        self.assertEqual(runs[0], first)
        self.assertEqual([r["run"] for r in runs], [1, 2, 3, 4])
        self.assertTrue(runs[3]["mpi"])
        self.assertEqual([r.get("state") for r in runs], ["complete", None, None, "complete"])
        self.assertEqual(["end" in r for r in runs], [True, False, False, True])
        self.assertEqual(runs[3]["hosts"], {socket.gethostname(): 3})

        self.campaign(2001)  # of a closed file
        self.taskfarm("c.json")
        self.assertEqual(self.runs()[:4], runs)
        self.assertEqual(len(self.runs()), 5)

    @farm.first
    def test_a_run_that_was_stopped_says_so(self):
        stages = [
            {"name": "a", "outputs": "a", "run": {"command": "touch a"}},
            {"name": "b", "outputs": "b", "run": {"command": "touch b"}},
        ]
        self.write("c.json", {"stages": stages})
        self.taskfarm("c.json", "a")
        self.assertEqual([r["state"] for r in self.runs()], ["stopped"])
        self.taskfarm("c.json")
        self.assertEqual([r["state"] for r in self.runs()], ["stopped", "complete"])

    @farm.first
    def test_what_can_not_be_recorded(self):
        self.write("c.json", {"record_env": ["A=B", 3, ""], "run": {"function": "builtin:noop"}})
        done = self.taskfarm("c.json", status=2)
        diagnostics = [
            '/record_env/0: "A=B" can\'t be the name of an environment variable',
            "/record_env/1: must be a string, not a number",
            '/record_env/2: "" can\'t be the name of an environment variable',
        ]
        self.assertEqual(done.stderr, "".join(f"c.json: {c}\n" for c in diagnostics))


if __name__ == "__main__":
    farm.main()
