"""What tests of failing nodes share: a campaign of every kind of stage, and what befalls the nodes that it runs on, at random
moments that a seed draws. Its results are those of a campaign that nothing happened to, no task that was done runs again, no
rank waits longer than a limit, and nothing is left on any node."""

import collections
import contextlib
import os
import random
import re
import shutil
import subprocess
import time

import cluster
import farm
import h5py

PATIENCE = 2  # s that a rank may be silent
LIMIT = PATIENCE + 10  # s that a rank waits
if not farm.SOAK:
    LIMIT *= 3  # other tests run at the same time
MOST = 120  # s in which all else is over
SEED = int(os.environ.get("TASKFARM_SEED", 25))
LOST = ("cut", "stop", "kill")  # verbs of the box after which mpirun may not return
KINDS = (*LOST, "full", "slow")

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
USE_DISK = "cp data {scratch}/ && cmp data {scratch}/data && "
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
        "run": {"command": LOG + "echo out {i}; echo '{{\"y\": '{i}', \"s\": \"word'{i}'\"}}'; test {i} -ne 5 -o $TASKFARM_ATTEMPT -eq 2"},
        "results": {"y": "int64", "s": "string"},
        "retries": 1,
        "retry_delay": 0,
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
    {"name": "disk", "over": {"i": {"range": [60]}}, "run": {"command": LOG + USE_DISK + "echo {i}"}, "results": {"z": {"type": "int64", "from": "field:1"}}},
    {
        "name": "enough",
        "over": {"i": {"range": [5000]}},
        "run": {"expr": {"x": "normal() + 3"}},
        "until": "x.stderr < 0.05 * abs(x.mean)",
    },
]


class Event:
    """Something that happens to a node, after so many tasks have begun."""

    def __init__(self, kind, node, begun):
        self.kind, self.node, self.begun, self.waited, self.status = kind, node, begun, 0.0, "?"

    def __repr__(self):
        return f"{self.kind} {self.node} after {self.begun} tasks: {self.waited:.1f} s, {self.status or 'none'}"


class FailingNodesTest(farm.FarmTest):
    recovery = False  # mpirun --enable-recovery
    notices = 14  # s after which mpirun notices that a node is gone; by then the run has ended by itself

    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{SEED} {farm.FILE}")
        self.kinds, self.events = [], []
        self.write("serve.py", SERVICE)
        self.write("data", b"x" * 100_000)
        self.write("c.json", {"seed": 3, "stages": STAGES})
        self.taskfarm("c.json", "-o", "whole.h5")
        self.expected = self.results("whole.h5")
        self.clear()

    def check(self, events):
        """So many happen to campaigns, one run of them after another."""
        self.box = self.enterContext(cluster.cluster(self))
        while len(self.events) < events:
            while not self.run_once(strikes=len(self.events) < events):
                pass
            self.assertEqual(self.results("c.h5"), self.expected, self.told())
            self.clear()
        if farm.SOAK:
            self.tell()

    def run_once(self, strikes):
        """A run, to its end or until something happens. True if the campaign is complete."""
        before, done = len(self.log()), self.look_at_done()
        (self.folder / "ended").write_text("")
        asan = farm.environment()["ASAN_OPTIONS"] + ":handle_sigbus=0"  # else the exit status is 1 where /dev/shm is full
        env = {"ASAN_OPTIONS": asan, "OMPI_MCA_oob_tcp_keepalive_probes": str(self.notices - 1)}
        run = self.box.start("c.json", "--patience", PATIENCE, "--exit-file", "ended", recovery=self.recovery, env=env)
        event = self.strike(run, before) if strikes else None
        self.end(run, event)
        for node in (1, 2, 3):
            self.wait_within(lambda node=node: not self.box.processes(node), f"node {node} is not quiet", MOST)
            self.assertEqual(self.left(node), [], self.told())
        self.assertEqual(self.unexplained(set(self.log()[before:]) & done), set(), self.told())
        return self.is_complete(run.process.returncode, event)

    def strike(self, run, begun):
        """At a random moment something happens to a node. Returns what, or None: the run has ended before."""
        target = begun + self.random.randint(0, 90)
        self.kinds = self.kinds or self.random.sample(KINDS, len(KINDS))
        kind, node, later = self.kinds.pop(), self.random.randint(1, 3), self.random.uniform(0, 0.2)
        self.wait_within(lambda: len(self.log()) > target or run.process.poll() is not None, "no task begins", MOST)
        time.sleep(later)  # for the moment shall not be one in which a task has just begun
        if run.process.poll() is not None:
            self.kinds.append(kind)
            return None
        event = Event(kind, node, len(self.log()))
        self.events.append(event)
        self.box.call(kind, node)
        return event

    def end(self, run, event):
        """All of the run ends by itself, on a node that stands still when that goes on; then mpirun does, or is ended if a node
        was lost."""
        if event:
            able = {1, 2, 3} - ({event.node} if event.kind == "stop" else set())
            event.waited = self.wait_within(lambda: not self.ranks(*able), "ranks go on")
            self.box.heal(event.node)
            self.wait_within(lambda: not self.ranks(event.node), "ranks go on")
            event.status = self.ended()
        if event and event.kind in LOST:
            with contextlib.suppress(subprocess.TimeoutExpired):
                run.process.wait(0 if self.ended() else 10)
            self.box.end(1)
        run.wait()

    def ended(self):
        """Taskfarm's own exit status, as text; empty: rank 0 did not come to say it."""
        return (self.folder / "ended").read_text().strip()

    def is_complete(self, returned, event):
        """As taskfarm's own exit status says; mpirun's, if rank 0 did not come to say it, is none of taskfarm's others."""
        if self.ended() == "1" and event.kind == "full":  # too few tasks failed there to tell that the node is sick
            self.assertEqual({name for name, _ in self.tasks(farm.FAILED)}, {"disk"}, self.told())
        elif self.ended():
            self.assertIn(self.ended(), ("0", "75"), self.told())
        elif not farm.MPICH and not self.recovery:
            self.assertNotIn(returned, (0, 1, 2, 3), self.told())
        return self.ended() == "0"

    def unexplained(self, again):
        """Tasks that ran again, and had no reason to. They may if a worker stood still with its node in the middle of a write, which it
        ends as it goes on, when what it had written before has been put in order without it; and if a task did so, whose output comes
        after what read it."""
        if any(event.kind == "stop" for event in self.events):
            if "run again, though they were done, as b[" in self.said():
                again = {task for task in again if task[0] != "b"}
            for count, stage in re.findall(r'lacks (?:what vouches for|texts of) (\d+) tasks? of stage "(\w+)"', self.said()):
                late = sorted(task for task in again if task[0] == stage)
                again -= set(late[: int(count)])
        return again

    # What is there.

    def clear(self):
        shutil.rmtree(self.folder / "o")
        (self.folder / "log").unlink()
        (self.folder / "c.h5").unlink(missing_ok=True)
        self.done = set()

    def results(self, name):
        files = {path.name: path.read_text() for path in sorted((self.folder / "o").iterdir())}
        return farm.digest(self.folder / name), farm.reductions(self.folder / name), files

    def log(self):
        """Of each task that has begun so far its stage and index."""
        path = self.folder / "log"
        return [(name, int(index)) for name, index in map(str.split, path.read_text().splitlines())] if path.exists() else []

    def tasks(self, status):
        """Those that have it in the output, by stage and index."""
        with h5py.File(self.folder / "c.h5") as file:
            return {(name, i) for name in file if "task" in file[name] for i, s in enumerate(file[name]["task/status"][()]) if s == status}

    def look_at_done(self):
        """What is done, as far as others than taskfarm can see: a run that was lost in a change of the file's structure is like one
        that was killed in it."""
        with contextlib.suppress(OSError):
            self.done = self.tasks(farm.DONE)
        return self.done

    def ranks(self, *nodes):
        """Processes of the run on these nodes, mpirun and its daemons left out."""
        return [args for node in nodes for args in self.box.processes(node) if args.startswith(farm.TASKFARM)]

    def left(self, node):
        """Files of taskfarm's on a node's own disks. Those of an mpirun that was killed are removed: 8 MB each."""
        names = self.box.enter(node, "ls -A $TMPDIR /dev/shm; rm -rf $TMPDIR/ompi.* /dev/shm/vader_segment.*").split()
        return [name for name in names if "taskfarm" in name and not name.endswith(":")]

    # Waiting, and telling.

    def wait_within(self, condition, what, limit=LIMIT):
        """Waits for it: no longer than `limit` without a task that begins, and than MOST in all. Returns the former, in seconds."""
        begin = moved = time.monotonic()
        size, longest = self.size_of_log(), 0.0
        while not condition():
            now = time.monotonic()
            if size != (size := self.size_of_log()):
                moved = now
            longest = max(longest, now - moved)
            if longest > limit or now - begin > MOST:
                self.fail(f"{what}, after {now - begin:.1f} s, {now - moved:.1f} s after the last task has begun\n{self.told()}")
            time.sleep(0.05)
        return longest

    def size_of_log(self):
        with contextlib.suppress(FileNotFoundError):
            return (self.folder / "log").stat().st_size
        return 0

    def said(self):
        return (self.folder / "stderr").read_text(errors="replace")

    def told(self):
        processes = {node: self.box.processes(node) for node in (1, 2, 3)}
        return f"{len(self.log())} tasks have begun; events: {self.events}; {processes}\n{self.said()}"

    def tell(self):
        """Of each kind how many events there were, the longest wait and the exit statuses."""
        for kind in KINDS:
            events = [event for event in self.events if event.kind == kind]
            statuses = collections.Counter(event.status or "none" for event in events)
            waited = max((event.waited for event in events), default=0)
            print(f"{kind}: {len(events)} events, no wait above {waited:.1f} s, exit statuses {dict(statuses)}")
