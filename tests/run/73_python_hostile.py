"""Tasks in Python that end their process, hang, need too much memory, print without end, or leave threads and children
behind, among many that do none of that: exactly those fail that are to blame. In frames, in batches, cold and warm."""

import os
import pathlib

import farm
import numpy as np

# Which task does what: of each kind so many, spread over all. `fails`: what its message begins with; None: it does not
# fail.
WORK = """
import ctypes, json, os, subprocess, sys, threading, time
KINDS = json.loads({kinds!r})
KIND = {{task: kind for kind, tasks in KINDS.items() for task in tasks}}

def segfault():
    ctypes.string_at(0)

def leave():
    os._exit(7)

def give_up():
    sys.exit("enough")

def hang():
    while True:
        time.sleep(1000)

def fill():
    bytearray(1 << 30)

def talk():
    line = b"x" * 1023 + b"\\n"
    block = line * 1024
    for _ in range({megabytes}):
        os.write(1, block)

def thread():
    threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()

def child():
    subprocess.Popen(["sleep", "1000"])

def fork():
    if os.fork() == 0:
        return "a child that comes back from the function"

def one(i):
    kind = KIND.get(int(i))
    if kind:
        globals()[kind]()
    return 2.0 * i

def many(i):
    for task in i:
        if int(task) in KIND:
            globals()[KIND[int(task)]]()
    return 2.0 * i
"""

FAILS = {
    "segfault": "the task was killed by signal 11 (Segmentation fault)",
    "leave": "the task ended its process: exit status 7",
    "give_up": "SystemExit: enough",
    "hang": "timeout after ",
    "fill": "MemoryError",
}


class Hostile(farm.FarmTest):
    limit = 3000

    def write_work(self, tasks, counts, megabytes):
        """Writes the module. Returns the tasks of each kind."""
        rng = np.random.default_rng(3)
        chosen = rng.permutation(tasks)[: sum(counts.values())]
        kinds = dict(zip(counts, np.split(chosen, np.cumsum(list(counts.values()))[:-1]), strict=True))
        kinds = {kind: sorted(which.tolist()) for kind, which in kinds.items()}
        self.write("work.py", WORK.format(kinds=farm.json.dumps(kinds), megabytes=megabytes))
        return kinds

    def run_all(self, tasks, counts, megabytes, timeout=4, **run):
        kinds = self.write_work(tasks, counts, megabytes)
        manifest = {
            "over": {"i": {"range": [tasks]}},
            "run": {"python": "work.py:many" if "batch" in run else "work.py:one", "interpreter": "/usr/bin/python3", **run},
            "results": {"y": "float64"},
            "timeout": timeout,
            "resources": {"memory": "300MB"},
        }
        self.write("h.json", manifest)
        self.taskfarm("h.json", "--fresh", "--slots", 2, status=1)
        file = self.open("h.h5")
        said = {task: text.decode() for task, text in enumerate(self.heap(file["h"], "message")) if text}
        blamed = {task: FAILS[kind] for kind in kinds if kind in FAILS for task in kinds[kind]}
        self.assertEqual({task: said[task] for task in said.keys() - blamed.keys()}, {}, "failed without a reason")
        self.assertEqual(blamed.keys() - said.keys(), set(), "did not fail")
        for task, message in blamed.items():
            self.assertTrue(said[task].startswith(message), (task, said[task], message))
        status = file["h/task/status"][()]
        expected = np.ones(tasks, np.uint8)
        expected[list(blamed)] = farm.FAILED
        expected[kinds["hang"]] = farm.TIMEOUT
        np.testing.assert_array_equal(status, expected)
        good = status == farm.DONE
        np.testing.assert_array_equal(file["h/results/y"][()][good], 2.0 * np.flatnonzero(good))
        file.close()
        self.expect_nothing_left()

    def expect_nothing_left(self):
        """No process works in the folder any more."""

        def is_ours(pid):
            try:
                return os.readlink(f"/proc/{pid}/cwd") == str(self.folder)
            except OSError:
                return False

        self.wait_for(lambda: not any(is_ours(p.name) for p in pathlib.Path("/proc").iterdir() if p.name.isdigit()), "processes are left")

    FEW = {"segfault": 3, "leave": 3, "give_up": 3, "thread": 3, "child": 2, "fork": 2, "hang": 1, "fill": 1, "talk": 1}
    ALL = {"segfault": 200, "leave": 100, "give_up": 100, "thread": 70, "child": 70, "fork": 60, "hang": 20, "fill": 20, "talk": 5}

    @farm.first
    def test_exactly_those_fail_in_frames(self):
        self.run_all(2000, self.FEW, 50, warm=False)

    def test_exactly_those_fail_warm(self):
        self.run_all(2000, self.FEW, 50, warm=True)

    def test_exactly_those_fail_in_batches(self):
        self.run_all(2000, self.FEW, 50, batch=100)

    def test_exactly_those_fail_among_many(self):
        if not farm.SOAK:
            self.skipTest("the long one")
        for run in ({"warm": False}, {"warm": True}, {"batch": 100, "warm": False}, {"batch": 100, "warm": True}):
            with self.subTest(run):
                self.run_all(100_000, self.ALL, 1000, timeout=20, **run)  # a gigabyte takes its time


farm.main()
