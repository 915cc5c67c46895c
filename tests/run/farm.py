"""What tests of whole runs share: a folder of their own, and running taskfarm in it, alone or under mpirun.

A test that fails says what it expected, the last command that it ran, and how it is repeated. TASKFARM_KEEP=1 keeps its
folder."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import resource
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import h5py

TASKFARM = os.environ["TASKFARM"]  # the program
BUILD = pathlib.Path(os.environ["TASKFARM_BUILD"])  # the build folder
SOURCE = pathlib.Path(os.environ["TASKFARM_SOURCE"])  # the source folder
MPIRUN = os.environ["TASKFARM_MPIRUN"]
MPICH = os.environ["TASKFARM_MPI"] == "MPICH"  # else Open MPI
SANITIZED = os.environ["TASKFARM_SANITIZED"] == "ON"
SOAK = os.environ["TASKFARM_SOAK"] == "ON"
FIRST = os.environ.get("TASKFARM_FIRST") == "ON"  # only tests marked as such
ONLY = os.environ.get("TASKFARM_ONLY", "").split()  # only tests that these words fit, as given to tests/run.sh
KEEP = "TASKFARM_KEEP" in os.environ
EXAMPLES = SOURCE / "examples"

DONE, FAILED, TIMEOUT = 1, 2, 3
F_OFD_GETLK = 36  # fcntl's, which Python has no name for


def environment(**more):
    env = dict(os.environ)
    env.update(
        OMPI_ALLOW_RUN_AS_ROOT="1",
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
        OMPI_MCA_rmaps_base_oversubscribe="1",
        PRTE_MCA_rmaps_default_mapping_policy=":oversubscribe",  # the same for Open MPI 5
        OMPI_MCA_mpi_yield_when_idle="1",  # there are other tests
        OMPI_MCA_btl_vader_single_copy_mechanism="none",
        OMPI_MCA_pml="ob1",  # looking for other networks takes a third of a short run
        LC_ALL="C",
        # LeakSanitizer crashes now and then when it stops the threads of an MPI process; leaks of whole runs are
        # valgrind's (14_valgrind.py), those of parts its own in the unit tests. And it alone needs to know exactly where
        # memory was allocated, which takes longer than all the rest of a short run.
        ASAN_OPTIONS=env.get("ASAN_OPTIONS", "") + ":detect_leaks=0:fast_unwind_on_malloc=1",
    )
    env.update(more)
    return env


def children(pid):
    return list(map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def watchers_of(rank):
    """The guard of a rank, its spawner, and the hosts."""
    guard = next(pid for pid in children(rank) if name_of(pid) == "farm-guard")
    spawner = children(guard)[0]
    return guard, spawner, children(spawner)


def ranks_of(run, program=TASKFARM):
    """The processes of a run's ranks, by rank: those of the program that have no other of it above them."""
    found, below = {}, [run.pid]
    while below:
        pid = below.pop()
        try:
            if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(program):
                environ = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                names = dict(entry.split(b"=", 1) for entry in environ if b"=" in entry)
                found[int(names.get(b"PMI_RANK" if MPICH else b"OMPI_COMM_WORLD_RANK", 0))] = pid
            else:
                below += map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
        except OSError:  # it has ended
            pass
    return found


def ask_to_stop(run):
    """By a signal to mpirun, which passes it on; MPICH's says 0 then, whatever the ranks say."""
    os.kill(ranks_of(run)[0] if MPICH else run.pid, signal.SIGUSR1)


def first(test):
    """Marks a test, or all of a class, that a change breaks first: tests/run.sh runs these and no others."""
    test.is_first = True
    return test


def line_of(command, folder):
    """A command as it is typed into a shell."""
    return f"$ cd {shlex.quote(str(folder))} && {shlex.join(map(str, command))}"


def told(done, folder):
    """A command that has ended: what it was, where, and all that it printed."""
    return f"{line_of(done.args, folder)}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}---"


class FarmTest(unittest.TestCase):
    """A test with a fresh current folder. A run that takes longer than `limit` seconds has hung."""

    limit = 300
    maxDiff = None
    last = ""  # the command that ran last

    def assertEqual(self, came, expected, msg=None):
        try:
            super().assertEqual(came, expected, msg)
        except self.failureException as failure:
            texts = [text if len(text) < 2000 else f"{text[:2000]}..." for text in (repr(expected), repr(came))]
            raise self.failureException("expected {},\ncame     {}\n{}".format(*texts, failure)) from None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="taskfarm-run-"))
        if not KEEP:
            self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def write(self, name, content):
        """Writes a file: text, bytes, or anything else as JSON. Returns its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def command(self, *arguments, ranks=None):
        launcher = [MPIRUN, "-n", str(ranks)] if ranks else []
        return launcher + [TASKFARM] + [str(a) for a in arguments]

    def taskfarm(self, *arguments, ranks=None, status=0, env=None, folder=None):
        """Runs taskfarm, alone or under mpirun with `ranks`; its exit status must be `status` (None: any)."""
        command = self.command(*arguments, ranks=ranks)
        self.last = line_of(command, folder or self.folder)
        done = subprocess.run(
            command,
            cwd=folder or self.folder,
            env=environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.limit,
        )
        if status is not None and done.returncode != status:
            told_of = told(done, folder or self.folder)
            self.fail(f"expected exit status {status}, came {done.returncode}\n{told_of}")
        return done

    def start(self, *arguments, ranks=None, env=None):
        """Starts taskfarm; what it prints is in the file "stderr"."""
        command = self.command(*arguments, ranks=ranks)
        self.last = line_of(command, self.folder)
        with open(self.folder / "stderr", "wb") as err:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment(**(env or {})),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )

    def wait_for(self, condition, what):
        limit = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), limit, what)
            time.sleep(0.01)

    def open(self, name):
        file = h5py.File(self.folder / name, "r")
        self.addCleanup(file.close)
        return file

    def count_done(self, name):
        """How many tasks of an output are done, while a run may be at it."""
        told = subprocess.run(self.command("status", name, "--json"), cwd=self.folder, env=environment(), capture_output=True, text=True)
        stages = json.loads(told.stdout)["stages"] if told.returncode == 0 else []
        return sum(stage.get("done", 0) for stage in stages)

    def files(self):
        """All that there is in the folder, with contents."""
        return {str(p.relative_to(self.folder)): p.read_bytes() for p in self.folder.rglob("*") if p.is_file()}

    def heap(self, stage, name):
        """The texts of one kind, by task, from the bytes and their index."""
        data, index = stage["text"][name][()], stage["text"][name + "_index"][()]
        return [bytes(data[offset : offset + length]) for offset, length in index]


def read_terminal(master, limit):
    """All that is written to a pseudo-terminal until its other end is closed, or for `limit` seconds nothing; closes it."""
    shown = b""
    while select.select([master], [], [], limit)[0]:
        try:
            part = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(master)
    return shown


class MemoryLimit:
    """So many bytes for a run: for all of its processes together where there are control groups, else for each."""

    def __init__(self, test, size):
        self.test, self.size = test, size
        self.group = pathlib.Path(f"/sys/fs/cgroup/memory/taskfarm-test-{os.getpid()}")
        try:
            self.group.mkdir()
            test.addCleanup(test.wait_for, self.is_removed, "the group is not left")
            (self.group / "memory.limit_in_bytes").write_text(str(size))
        except OSError:
            self.group = None

    def is_removed(self):
        """Open MPI's daemon may end a little later than the run."""
        try:
            self.group.rmdir()
        except OSError:
            return False
        return True

    def apply(self):
        if self.group:
            (self.group / "tasks").write_text(str(os.getpid()))
        else:
            resource.setrlimit(resource.RLIMIT_DATA, (self.size, self.size))

    def run(self, command):
        """Runs it within the limit; it must succeed."""
        self.test.last = line_of(command, self.test.folder)
        done = subprocess.run(
            command,
            cwd=self.test.folder,
            env=environment(),
            preexec_fn=self.apply,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.test.limit,
        )
        self.test.assertEqual(done.returncode, 0, told(done, self.test.folder))


def digest(path, stages=None):
    """All that a stage's tasks are and gave, as bytes by dataset; and how it ended."""
    found = {}
    with h5py.File(path) as file:
        for name in stages or file:
            for part in ("params", "results", "text"):
                for key, value in file[name].get(part, {}).items():
                    found[f"{name}/{part}/{key}"] = value[()].tobytes()
            found[f"{name}/status"] = file[f"{name}/task/status"][()].tobytes()
        found["state"] = file.attrs["state"]
    return found


def datasets(path, part="/"):
    """All datasets with a part of a path in their names, dimensions too: bytes by name."""
    found = {}

    def take(name, item):
        if isinstance(item, h5py.Dataset) and part in name:
            found[name] = item[()].tobytes()

    with h5py.File(path) as file:
        file.visititems(take)
    return found


def reductions(path):
    """All reductions."""
    return datasets(path, "/reduce/")


def descendants(pid):
    """All processes below this one, and itself."""
    parents = {}
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat") as file:
                parents.setdefault(int(file.read().rsplit(")", 1)[1].split()[1]), []).append(int(entry))
        except (OSError, IndexError):
            pass
    found, more = [], [pid]
    while more:
        one = more.pop()
        found.append(one)
        more += parents.get(one, [])
    return found


def lock_is_held(path):
    """Is a run at work on the output whose lock this is? A lock that is not there is nobody's."""
    try:
        with open(path, "rb") as file:
            query = struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            return struct.unpack("hhqqi", fcntl.fcntl(file, F_OFD_GETLK, query))[0] != fcntl.F_UNLCK
    except FileNotFoundError:
        return False


def kill_all(run):
    """kill -9 of a run, all its processes. They are stopped first, those too that one had begun to start, and children are
    killed before their parents: so none sees another die and tidies up. (A process whose parent has died goes on, if its
    group is an orphan then: the kernel wakes stopped ones of such a group.)"""
    stopped = []
    while new := [pid for pid in descendants(run.pid) if pid not in stopped]:
        send_each(new, signal.SIGSTOP)
        stopped += new
    send_each(reversed(stopped), signal.SIGKILL)
    run.wait(60)


def send_each(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def example(name):
    """The folder of an example, made ready."""
    folder = EXAMPLES / name
    if (folder / "Makefile").exists():
        with open(folder / "Makefile") as lock:  # other tests may be at it
            fcntl.flock(lock, fcntl.LOCK_EX)
            subprocess.run(["make", "-s", "-C", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


FILE = pathlib.Path(sys.argv[0]).stem  # of the tests that run


def asked_for():
    """What names of methods must begin with, of the words of ONLY that fit this file: "" is all."""
    words = [word.partition(".test_") for word in ONLY]
    return tuple(dot.strip(".") + method for file, dot, method in words if re.search(file, f"run.{FILE}"))


class Loader(unittest.TestLoader):
    """All tests of a file, or those that were asked for."""

    def getTestCaseNames(self, case):
        beginnings = asked_for() if ONLY else ("",)
        names = [name for name in super().getTestCaseNames(case) if name.startswith(beginnings)]
        if not FIRST or hasattr(case, "is_first"):
            return names
        return [name for name in names if hasattr(getattr(case, name), "is_first")]


class Result(unittest.TextTestResult):
    """Says below each failure which command had run, and how the test is repeated."""

    def _exc_info_to_string(self, err, test):
        text = super()._exc_info_to_string(err, test)
        last = getattr(getattr(test, "test_case", test), "last", "")
        return text if last in text else f"{text}{last}\n"

    def printErrorList(self, flavour, errors):
        super().printErrorList(flavour, [(test, text + self.again(test)) for test, text in errors])

    @staticmethod
    def again(test):
        test = getattr(test, "test_case", test)  # that a subTest is of
        name = getattr(test, "_testMethodName", "")
        kept = f"its folder: {test.folder}\n" if KEEP and hasattr(test, "folder") else ""
        return f"{kept}again: tests/run.sh {FILE}{'.' if name else ''}{name}\n"


class Runner(unittest.TextTestRunner):
    def run(self, test):
        if ONLY and test.countTestCases() == 0:
            sys.exit(f"no test fits {' '.join(ONLY)}")
        return super().run(test)


def main():
    runner = Runner(verbosity=2, resultclass=Result)
    unittest.main(verbosity=2, testLoader=Loader(), testRunner=runner)
