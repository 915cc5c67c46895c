"""A cluster in a box (tests/cluster) for tests: nodes on this machine that runs cross a network between.

    with cluster(self, nodes=3, slots=2) as box:
        run = box.start("m.json")
        box.cut(2)
        self.assertEqual(run.wait(), 75, run.text())

Where the machine allows none the tests of the file are skipped, with exit status 77; with TASKFARM_NEEDS_BOX set, as CI does,
they fail instead."""

import contextlib
import os
import pathlib
import subprocess
import sys
import time

import farm

SCRIPT = farm.SOURCE / "tests/cluster/box"
SKIPPED = 77
NAMED = ("ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS", "LC_ALL")  # of the environment, what Open MPI is told to pass on


class Box:
    """Nodes 1, 2, ...; rank 0 and a worker run on node 1, a worker on each of the others."""

    def __init__(self, test, nodes, slots):
        self.test, self.nodes, self.slots = test, nodes, slots
        self.folder = test.folder / "box"
        self.environment = farm.environment(BOX=str(self.folder))
        self.call("up", nodes, os.getpid())
        self.runs = []

    def call(self, *words, status=0, limit=60):
        """Runs `box WORDS` and returns what it printed."""
        command = [SCRIPT, *map(str, words)]
        done = subprocess.run(
            command, cwd=self.test.folder, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit
        )
        if done.returncode != status:
            self.test.fail(f"expected exit status {status}, came {done.returncode}\n{farm.told(done, self.test.folder)}")
        return done.stdout

    def enter(self, node, command, status=0):
        """A shell's command on a node."""
        return self.call("enter", node, command, status=status)

    def cut(self, node):
        self.call("cut", node)

    def stop(self, node):
        self.call("stop", node)

    def kill(self, node):
        self.call("kill", node)

    def full(self, node):
        self.call("full", node)

    def slow(self, node):
        self.call("slow", node)

    def heal(self, node):
        self.call("heal", node)

    def end(self, node):
        self.call("end", node)

    def processes(self, node):
        """What runs on a node beside its first process, by command line. They are seen from outside: so one that is stopped, too,
        can be looked at often."""
        first, others = None, {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # it has ended
                command = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
                space = os.readlink(entry / "ns/pid")
                if self.is_first(entry, command, node):
                    first = space
                elif command:  # one that has ended, and is not reaped, has none
                    others.setdefault(space, []).append(" ".join(command))
        return others.get(first, [])

    def is_first(self, entry, command, node):
        if command[2:4] != [str(SCRIPT.with_name("init.py")), f"node{node}"]:
            return False
        return b"BOX=%s" % os.fsencode(self.folder) in (entry / "environ").read_bytes().split(b"\0")

    def launcher(self, ranks=None, hosts=None, recovery=False, env=None):
        """The words in front of taskfarm: mpirun, for so many ranks, or so many on each of these nodes: {1: 2, 3: 1}."""
        words = [farm.MPIRUN, "-n", str(ranks or (sum(hosts.values()) if hosts else self.nodes + 1))]
        if hosts:
            words += ["-hosts" if farm.MPICH else "--host", ",".join(f"node{node}:{count}" for node, count in hosts.items())]
        if farm.MPICH:
            words += ["-genv", "LD_PRELOAD", str(farm.BUILD / "tests/libleave_mpi.so")]
        else:
            words += ["--enable-recovery"] if recovery else []
            words += [word for name in (*NAMED, *(env or {})) if name in self.environment | (env or {}) for word in ("-x", name)]
        return words

    def start(self, manifest, *arguments, env=None, stderr="stderr", **more):
        """Starts taskfarm on the nodes; for `more` see launcher()."""
        slots = ["--slots", self.slots] if self.slots else []
        command = [*self.launcher(env=env, **more), farm.TASKFARM, *map(str, (manifest, *slots, *arguments))]
        return self.start_command(command, env, stderr)

    def start_command(self, command, env=None, stderr="stderr"):
        """Starts a command on node 1."""
        run = Run(self, [SCRIPT, "run", *command], self.environment | (env or {}), self.test.folder / stderr)
        self.runs.append(run)
        return run

    def run(self, manifest, *arguments, status=0, **more):
        """Runs taskfarm on the nodes; its exit status must be `status`. Returns what it printed."""
        run = self.start(manifest, *arguments, **more)
        self.test.assertEqual(run.wait(), status, run.text())
        return run.text()

    def close(self):
        groups = (self.folder / "groups").read_text().split()
        self.call("down")
        for run in self.runs:
            run.process.wait(60)
        left = [path for path in [*groups, str(self.folder)] if os.path.exists(path)]
        self.test.assertEqual(left, [])


class Run:
    """A run that has been started; what it prints to both of its outputs is in a file."""

    def __init__(self, box, command, environment, path):
        self.box, self.path = box, path
        box.test.last = f"$ export BOX={box.folder}\n{farm.line_of(command, box.test.folder)}"
        with open(path, "wb") as file:
            self.process = subprocess.Popen(command, cwd=box.test.folder, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.begin = time.monotonic()

    def text(self):
        return self.path.read_text(errors="replace")

    def wait(self, limit=60):
        """Its exit status, within so many seconds."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            self.box.test.fail(f"{self.box.test.last}\nhas not ended after {limit} s:\n{self.text()}")

    def send(self, number):
        """A signal for mpirun."""
        self.process.send_signal(number)


@contextlib.contextmanager
def cluster(test, nodes=3, slots=2):
    box = Box(test, nodes, slots)
    try:
        yield box
    finally:
        box.close()


def why_not():
    """Why there can be no box here, or ""."""
    done = subprocess.run(
        ["/usr/bin/python3", "-B", "-c", "import node; print(node.why_not())"], cwd=SCRIPT.parent, capture_output=True, text=True
    )
    return (done.stdout + done.stderr).strip()


def main():
    """As farm.main(), where there can be a box."""
    why = why_not()
    if why and "TASKFARM_NEEDS_BOX" not in os.environ:
        print(f"SKIPPED: {pathlib.Path(sys.argv[0]).name}: there can be no cluster in a box here: {why}", file=sys.stderr)
        sys.exit(SKIPPED)
    farm.main()
