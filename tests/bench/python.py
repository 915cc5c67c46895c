"""python.py [NAME...]: rates of Python functions beside their peers, two slots or processes each; needs the release build.

NAMEs: increments, numpy, sine, blocks, imports; all, if there is none. Each contender runs ROUNDS times (variable; three) in
turn with the others, and its best round counts: what else runs on the machine makes a run slower, never faster. PEERS (variable)
is a Python with dask.distributed and parsl, from PyPI: python3 -m venv DIR && DIR/bin/pip install distributed parsl. Prints a
line each: tasks a second, how the first compares, and the command that repeats the figure; of taskfarm also the memory that all
of its processes had together at most (PSS)."""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
PYTHON = "/usr/bin/python3"
PEERS = os.environ.get("PEERS", PYTHON)
ROUNDS = int(os.environ.get("ROUNDS", "3"))
ENV = {
    **os.environ,
    "TASKFARM": str(TOP / "build/release/taskfarm"),
    "PATH": f"{pathlib.Path(PEERS).parent}:{os.environ['PATH']}",  # Parsl starts programs of its own
    "PYTHONPATH": f"{TOP / 'src/python'}:{HERE / 'peers'}",
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
}
BLOCKS = 4000
BLOCKS_MANIFEST = """{"name": "b", "over": {"b": {"blocks": {"shape": [%d], "chunk": [131072]}}}, "inputs": {"in": "in.h5"},
"arrays": {"z": {"dataset": "in.h5:/z"}}, "run": {"python": "arrays:total", "interpreter": "/usr/bin/python3"}, "results": {"y": "float64"}}"""
IMPORTS = """import numpy, scipy.optimize, scipy.stats, astropy.units, astropy.table
def f(x):
    return x
"""
IMPORTS_MANIFEST = """{"name": "b", "over": {"x": {"range": [16]}}, "run": {"python": "work.py:f", "interpreter": "/usr/bin/python3", "warm": %s},
"results": {"y": "int64"}}"""


class Memory(threading.Thread):
    """The memory that a process and all below it have, shared pages once: the most of it so far, in MB."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.is_over = pid, 0.0, False

    def run(self):
        while not self.is_over:
            self.most = max(self.most, sum(map(self.of, self.below(self.pid))) / 1024)
            time.sleep(0.05)

    @staticmethod
    def below(top):
        parents = {}
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                fields = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()
                parents.setdefault(int(fields[1]), []).append(int(entry))
            except OSError:
                pass
        found, more = [], [top]
        while more:
            found.append(more.pop())
            more += parents.get(found[-1], [])
        return found

    @staticmethod
    def of(pid):
        try:
            lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def run(command, folder):
    """What the command prints, and the most memory in MB."""
    process = subprocess.Popen(command, cwd=folder, env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    memory = Memory(process.pid)
    memory.start()
    out, err = process.communicate()
    memory.is_over = True
    memory.join()
    if process.returncode:
        sys.exit(f"{shlex.join(command)}: exit status {process.returncode}\n{err}")
    return out, memory.most


class Contender:
    """A command that prints the seconds that it took; or, of the engine itself, the elapsed time that its output has."""

    def __init__(self, name, tasks, *command, is_engine=False):
        self.name, self.tasks, self.command, self.is_engine = name, tasks, [str(word) for word in command], is_engine
        self.rates, self.memory = [], 0.0

    def measure(self, folder):
        out, memory = run(self.command, folder)
        self.memory = max(self.memory, memory)
        self.rates.append(self.tasks / (self.elapsed(folder) if self.is_engine else float(out.split()[-1])))
        for name in ("b.h5", "plain.bin"):
            (folder / name).unlink(missing_ok=True)

    @staticmethod
    def elapsed(folder):
        import h5py

        with h5py.File(folder / "b.h5") as file:
            assert file.attrs["state"] == "complete"
            return float(file.attrs["elapsed"])


def peer(name, tasks, script, *arguments, python=PYTHON):
    return Contender(name, tasks, python, HERE / "peers" / script, *arguments)


def mapped(module, function, tasks, size):
    return peer("taskfarm.map", tasks, "map.py", module, function, size)


def engine(name, tasks, manifest, slots=2):
    return Contender(name, tasks, ENV["TASKFARM"], manifest, "--fresh", "--progress", "none", "--slots", slots, is_engine=True)


def make_blocks(folder):
    import h5py
    import numpy as np

    with h5py.File(folder / "in.h5", "w") as file:
        z = file.create_dataset("z", (BLOCKS * 131072,), "float64")
        block = np.arange(131072.0)
        for n in range(BLOCKS):
            z[n * 131072 : (n + 1) * 131072] = block
    (folder / "b.json").write_text(BLOCKS_MANIFEST % (BLOCKS * 131072))


def make_imports(folder):
    (folder / "work.py").write_text(IMPORTS)
    for name, warm in (("warm", "true"), ("cold", "false")):
        (folder / f"{name}.json").write_text(IMPORTS_MANIFEST % warm)


def comparisons():
    """Name, what prepares the folder, and contenders, of which the first is measured against the others."""
    n, side = 20_000_000, 10_000  # the start of a run, half a second, counts
    few = 3000
    yield "increments", None, [
        mapped("plain", "increment", n, n),
        peer("multiprocessing.Pool.imap(chunksize=1000)", n, "imap.py", "plain", n),
        peer("dask.distributed", few, "dask_map.py", few, python=PEERS),
        peer("Parsl", few, "parsl_map.py", few, python=PEERS),
    ]
    yield "numpy", None, [mapped("arrays", "increment", n, n), peer("multiprocessing.Pool.imap(chunksize=1000)", n, "imap.py", "arrays", n)]
    yield "sine", None, [mapped("arrays", "sine", side**2, side), peer("numpy in two processes", side**2, "loops.py", "sine", side)]
    yield "blocks", make_blocks, [engine("taskfarm", BLOCKS, "b.json"), peer("numpy in two processes", BLOCKS, "loops.py", "blocks", "in.h5", BLOCKS)]
    yield "imports", make_imports, [engine("16 slots, warm", 16, "warm.json", 16), engine("16 slots, cold", 16, "cold.json", 16)]


def compare(name, prepare, contenders):
    with tempfile.TemporaryDirectory() as path:
        folder = pathlib.Path(path)
        if prepare:
            prepare(folder)
        for _ in range(ROUNDS):
            for contender in contenders:
                contender.measure(folder)
    first = max(contenders[0].rates)
    print(f"{name}:")
    for c in contenders:
        rate = max(c.rates)
        print(f"  {c.name:44} {rate:14,.0f}/s  x {first / rate:8.2f}  {c.memory:6.0f} MB   {shlex.join(c.command)}", flush=True)


def main():
    asked = sys.argv[1:]
    for name, prepare, contenders in comparisons():
        if not asked or name in asked:
            compare(name, prepare, contenders)


if __name__ == "__main__":
    main()
