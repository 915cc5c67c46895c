"""Campaigns on nodes that are cut off, stand still, die, or have full disks, at random moments that a seed draws: their
results are those of a campaign that nothing happened to, no task that was done runs again, ranks end within a limit, and
nothing is left on any node."""

import os
import random
import shutil
import subprocess
import time

import cluster
import farm
import h5py

PATIENCE = 2  # s that a rank may be silent
LIMIT = 10 * PATIENCE + 10  # s: where ranks do something together, it may take ten times as long
SEED = int(os.environ.get("TASKFARM_SEED", 25))
EVENTS = 50 if farm.SOAK else 3 if farm.SANITIZED else 7
VERBS = ("cut", "stop", "kill", "full")

SERVICE = """
import time
from taskfarm import serve

def work(i, task):
    with open("log", "a") as file:
        file.write(f"serve {task.index}\\n")
    time.sleep(0.02)
    return {"y": i * i, "s": f"word{i}"}

serve(work)
"""

LOG = "echo {stage} {index} >>log; sleep 0.03; "
STAGES = [
    {
        "name": "draws",
        "over": {"i": {"range": [20000]}},
        "run": {"function": "builtin:random"},
        "results": {"x": "float64", "w": "string"},
        "reduce": {"all": {"columns": {"x": ["count", "mean", "std", "median"]}}},
    },
    {
        "name": "commands",
        "over": {"i": {"range": [80]}},
        "run": {"command": LOG + "echo out {i}; echo '{{\"y\": '{i}', \"s\": \"word'{i}'\"}}'; test {i} -ne 5"},
        "results": {"y": "int64", "s": "string"},
        "reduce": {"sums": {"columns": {"y": ["sum", "max"]}}},
    },
    {
        "name": "serve",
        "over": {"i": {"range": [60]}},
        "run": {"service": ["/usr/bin/python3", "serve.py"], "env": {"PYTHONPATH": str(farm.SOURCE / "src/python")}},
        "results": {"y": "int64", "s": "string"},
    },
    {"name": "a", "over": {"n": {"range": [20]}}, "run": {"command": LOG + "echo {n} >{outputs}"}, "outputs": "o/a{n}"},
    {"name": "b", "over": {"n": {"range": [20]}}, "run": {"command": LOG + "cat {inputs} >{outputs}"}, "inputs": "o/a{n}", "outputs": "o/b{n}"},
    {"name": "rows", "over": {"row": {"from": "commands"}}, "run": {"command": LOG + "echo '{{\"z\": '{y}'}}'"}, "results": {"z": "int64"}},
    {
        "name": "enough",
        "over": {"i": {"range": [5000]}},
        "run": {"expr": {"x": "normal() + 3"}},
        "until": "x.stderr < 0.05 * abs(x.mean)",
    },
]


class FailingNodes(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.random = random.Random(SEED)
        self.events = []
        self.write("serve.py", SERVICE)
        self.write("c.json", {"seed": 3, "stages": STAGES})
        self.taskfarm("c.json", "-o", "whole.h5", status=1)
        self.expected = self.results("whole.h5")
        self.clear()

    def clear(self):
        shutil.rmtree(self.folder / "o")
        (self.folder / "log").unlink()
        (self.folder / "c.h5").unlink(missing_ok=True)

    def results(self, name):
        files = {path.name: path.read_text() for path in sorted((self.folder / "o").iterdir())}
        return farm.digest(self.folder / name), farm.reductions(self.folder / name), files

    def log(self):
        """Of each task that has begun so far its stage and index."""
        path = self.folder / "log"
        return [(name, int(index)) for name, index in map(str.split, path.read_text().splitlines())] if path.exists() else []

    def done(self):
        """The tasks that the output says are done, by stage and index."""
        if not (self.folder / "c.h5").exists():
            return set()
        with h5py.File(self.folder / "c.h5") as file:
            return {(name, i) for name in file if "task" in file[name] for i, s in enumerate(file[name]["task/status"][()]) if s == farm.DONE}

    def wait_within(self, condition, what, limit=LIMIT):
        begin = time.monotonic()
        while not condition():
            if time.monotonic() - begin > limit:
                said = (self.folder / "stderr").read_text(errors="replace")
                self.fail(f"{what} after {limit} s; {len(self.log())} tasks have begun; {self.events}\n{said}")
            time.sleep(0.05)

    def until_quiet(self, node):
        self.wait_within(lambda: not self.box.processes(node), f"node {node}: {self.box.processes(node)}")

    def ranks(self, node):
        """Processes of the run on a node, mpirun and its daemons left out."""
        return [args for args in self.box.processes(node) if args.startswith(farm.TASKFARM)]

    def end_mpirun(self, run):
        """That of Open MPI 4, which has begun to end its daemons, waits for ever for one whose node is gone."""
        try:
            run.process.wait(10)
        except subprocess.TimeoutExpired:
            self.box.enter(1, "for m in $(pgrep -x mpirun); do kill -9 $(pgrep -P $m) $m; done; true")  # it may just have returned

    def befall(self, run, begun):
        """Once so many more tasks have begun, something happens to a node. All of the run on the others ends by itself, and on
        this one when it is healed, unless the run gets along without."""
        target = begun + self.random.randint(1, 60)
        node, verb = self.random.randint(1, 3), self.random.choice(VERBS)
        self.wait_within(lambda: len(self.log()) >= target or run.process.poll() is not None, "no task begins", 30)
        if run.process.poll() is not None:
            return
        self.events.append((verb, node, len(self.log())))
        getattr(self.box, verb)(node)
        if verb == "full":
            run.wait(60)
        others = {1, 2, 3} - {node}
        self.wait_within(lambda: not any(self.ranks(other) for other in others), f"ranks go on: {[self.ranks(other) for other in others]}")
        if node != 1:
            self.end_mpirun(run)
        self.box.heal(node)

    def run_once(self):
        """A run, or its part until something happens; True if it is complete."""
        before, done = len(self.log()), self.done()
        run = self.box.start("c.json", env={"TASKFARM_PATIENCE": str(PATIENCE)})
        if len(self.events) < EVENTS:
            self.befall(run, before)
        status = run.wait(60)
        for node in (1, 2, 3):
            self.until_quiet(node)
        again = set(self.log()[before:]) & done
        self.assertEqual(again, set(), f"{self.events} {run.text()}")
        self.assertNotIn(status, (0, 2, 3), run.text())  # one task fails by itself
        with h5py.File(self.folder / "c.h5") as file:
            return file.attrs["state"] == "failed"

    @farm.first
    def test_results_are_those_of_nodes_that_do_not_fail(self):
        self.box = self.enterContext(cluster.cluster(self))
        while len(self.events) < EVENTS:
            while not self.run_once():
                pass
            self.assertEqual(self.results("c.h5"), self.expected, self.events)
            self.clear()


if __name__ == "__main__":
    cluster.main()
