"""run.py FOLDER [NAME...]: measures taskfarm beside the bare limit and its peers; tests/bench/run.sh calls it.

Each comparison is run in rounds: in a round every contender runs once, one after the other, so that a ratio is of two runs
that had the same machine. Figures are medians over the rounds (five, or as many as the variable ROUNDS says); a run counts
only if its results are checked. What a contender takes is the time from its first task to its last, its own start-up apart,
but for runners of commands, which are timed from outside. Peers that are slow get fewer tasks: rates are compared. Figures
that have a bound of their own are the medians of as many measurements. curves.py says how cost grows. Writes
FOLDER/bench.md with its pictures, and FOLDER/bench.json. NAMEs are those of comparisons, of figures, growth, reach
and stages (stages.py)."""

import dataclasses
import functools
import json
import math
import os
import pathlib
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import answers
import curves
import h5py
import plans
import stages

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parents[1] / "build/release"
TASKFARM, BARE, BARE_MPI = BUILD / "taskfarm", BUILD / "tests/bench/bare", BUILD / "tests/bench/bare_mpi"
BARE_START = BUILD / "tests/bench/bare_start"
WORK = BUILD / "tests/bench/libbench_work.so"
SCALE = BUILD / "tests/bench/scale"
MESSAGES = BUILD / "tests/bench/libbench_messages.so"
PYTHON = "/usr/bin/python3"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
ENV = dict(
    os.environ,
    OMPI_ALLOW_RUN_AS_ROOT="1",
    OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
    OMPI_MCA_rmaps_base_oversubscribe="1",
)


def run(*command, env=ENV, **options):
    """What the command prints; its exit status must be 0."""
    done = subprocess.run([*map(str, command)], env=env, check=True, capture_output=True, text=True, **options)
    return done.stdout


def in_folder(function):
    """The function, which is to get a fresh folder, as one that is called without it."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            return function(pathlib.Path(folder))

    return call


def wall(*command, **options):
    started = time.perf_counter()
    run(*command, **options)
    return time.perf_counter() - started


# ---- Contenders: each has a name, a number of tasks, and a function that runs them and gives seconds ----


@dataclasses.dataclass
class Contender:
    name: str
    tasks: int
    seconds: Callable[[], float]


def launcher(ranks):
    return ["mpirun", "-n", str(ranks)] if ranks else []


def done_tasks(path):
    """How many tasks of the output are done, and the elapsed time that it has."""
    with h5py.File(path) as file:
        status = file["b/task/status"]
        count = sum(int((status[i : i + 10**7] == 1).sum()) for i in range(0, len(status), 10**7))
        return count, float(file.attrs["elapsed"])


def taskfarm(manifest, ranks=None, slots=2):
    """The elapsed time that the output has, if every task of it is done."""
    axis = next(iter(manifest["over"].values()))
    tasks = axis["range"][0] if isinstance(axis, dict) else len(axis)

    @in_folder
    def seconds(folder):
        (folder / "b.json").write_text(json.dumps(manifest))
        options = [] if ranks else ["--slots", slots]
        run(*launcher(ranks), TASKFARM, "b.json", "--progress", "none", *options, cwd=folder)
        done, elapsed = done_tasks(folder / "b.h5")
        assert done == tasks, done
        return elapsed

    name = f"mpirun -n {ranks} taskfarm" if ranks else f"taskfarm --slots {slots}"
    return Contender(name, tasks, seconds)


def python_service(tasks):
    """As long-lived Python processes of two slots; their start-up counts."""

    @in_folder
    def seconds(folder):
        run_spec = {"service": [PYTHON, str(HERE / "peers/service.py")]}
        manifest = {"over": {"x": {"range": [tasks]}}, "run": run_spec, "results": {"y": "int64"}}
        (folder / "b.json").write_text(json.dumps(manifest))
        run(TASKFARM, "b.json", "--progress", "none", "--slots", 2, cwd=folder)
        with h5py.File(folder / "b.h5") as file:
            assert int(file["b/results/y"][()].sum()) == tasks * (tasks + 1) // 2
        done, elapsed = done_tasks(folder / "b.h5")
        assert done == tasks, done
        return elapsed

    return Contender("taskfarm --slots 2, services", tasks, seconds)


def bare_loop(function, tasks, columns, processes=2, name="bare loop"):
    @in_folder
    def seconds(folder):
        return float(run(BARE, "loop", WORK, function, tasks, processes, folder / "bare", *columns))

    return Contender(name, tasks, seconds)


def program(name, tasks, *command):
    """One that prints the seconds that it took."""
    return Contender(name, tasks, lambda: float(run(*command)))


def commands(name, tasks, *command, text=None, files=None):
    """A runner of commands, timed from outside: its start-up counts."""

    @in_folder
    def seconds(folder):
        for file, content in (files or {}).items():
            (folder / file).write_text(content)
        return wall(*command, cwd=folder, input=text)

    return Contender(name, tasks, seconds)


@functools.cache
def taken_over(campaign, *size):
    """The folder of a campaign of files, all of them up to date, and its tasks."""
    folder, tasks = campaign(*size)
    run(TASKFARM, "b.json", "--touch", "--progress", "none", cwd=folder)
    return folder, tasks


def nothing_to_do(name, says, *command):
    """A look at plans.layers(), timed from outside; it must say that nothing is to be done."""

    def seconds():
        folder, _ = taken_over(plans.layers)
        started = time.perf_counter()
        said = run(*command, cwd=folder)
        taken = time.perf_counter() - started
        assert says in said, said[-1000:]
        return taken

    return Contender(name, 3 * plans.LAYERS, seconds)


# ---- Comparisons: the first contender is measured against the others ----


@dataclasses.dataclass
class Comparison:
    name: str
    what: str
    contenders: list
    targets: dict  # by contender's name: how many times its rate the first must reach
    rates: dict = dataclasses.field(default_factory=dict)
    ratios: dict = dataclasses.field(default_factory=dict)

    def measure(self):
        rounds = []
        for number in range(ROUNDS):
            print(f"{self.name}: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            rounds.append({c.name: c.tasks / c.seconds() for c in self.contenders})
        first = self.contenders[0].name
        for c in self.contenders:
            self.rates[c.name] = statistics.median(r[c.name] for r in rounds)
            self.ratios[c.name] = statistics.median(r[first] / r[c.name] for r in rounds)


def functions(function, tasks, **more):
    return {
        "over": {"i": {"range": [tasks]}},
        "run": {"function": f"{WORK}:{function}"},
        "results": {"x": {"type": "float64", "optional": True}},
        **more,
    }


def against_bare(function, tasks, row=8, **more):
    """One rank, three ranks, and the bare loop with as many bytes of results, parameter, status and attempts a row."""
    manifest = functions(function, tasks, **more)
    return [taskfarm(manifest), taskfarm(manifest, ranks=3), bare_loop(function, tasks, [row, 8, 1, 1])]


def longest_first(durations, slots):
    """The makespan when each task, the longest first, goes to the slot that is free first."""
    busy = [0.0] * slots
    for duration in sorted(durations, reverse=True):
        first = busy.index(min(busy))
        busy[first] += duration
    return max(busy)


def lines(count):
    return "".join(f"{i}\n" for i in range(count))


def comparisons():
    peers = HERE / "peers"
    futures = [*launcher(3), PYTHON, "-m", "mpi4py.futures", peers / "futures.py"]
    python = [
        program("multiprocessing imap, chunks of 100", 10**6, PYTHON, peers / "pool.py", 10**6, 100),
        program("mpi4py.futures, chunks of 1", 10**4, *futures, 10**4, 1),
        program("dask.distributed", 2000, PYTHON, peers / "dask_map.py", 2000),
    ]
    yield Comparison(
        "functions",
        'functions that do nothing, one float64 column, "record": "status"',
        [*against_bare("nothing", 10**7), *python],
        {"bare loop": 0.5, python[0].name: 1, python[1].name: 500, python[2].name: 5000},
    )
    imap = program("multiprocessing imap, chunks of 1", 10**5, PYTHON, peers / "pool.py", 10**5, 1)
    yield Comparison(
        "services",
        "a Python function that adds one, a process a slot, a task at a time",
        [python_service(10**5), imap, python[2]],
        {imap.name: 1, python[2].name: 5},
    )
    yield Comparison(
        "full",
        'the same, "record": "full"',
        [
            *against_bare("nothing", 10**7, record="full"),
            bare_loop("nothing", 10**7, [8, 8, 1, 1, *[4] * 4, *[8] * 4], name="bare loop that writes the full record"),
        ],
        {"bare loop": 0.25},
    )
    yield Comparison(
        "short",
        "functions of 20 us of arithmetic",
        against_bare("arithmetic", 10**6),
        {"bare loop": 0.97},
    )
    yield Comparison(
        "output",
        "functions that fill 64 float64 a row",
        against_bare("wide", 10**6, 512, results={"x": {"type": "float64", "shape": [64]}}),
        {"bare loop": 0.8},
    )
    mean, sigma, draw = 0.005, 2, random.Random(1)
    uneven = [draw.lognormvariate(math.log(mean) - sigma**2 / 2, sigma) for _ in range(10**4)]
    bound = longest_first(uneven, 2)
    yield Comparison(
        "uneven",
        "sleeps of log-normal length: mean 5 ms, sigma 2",
        [
            taskfarm({"over": {"seconds": uneven}, "run": {"function": "builtin:sleep"}}),
            Contender("longest first, with all lengths known", len(uneven), lambda: bound),
        ],
        {"longest first, with all lengths known": 0.97},
    )
    count = 5000
    targets = " ".join(f"t{i}" for i in range(count))
    makefile = f".PHONY: all {targets}\nall: {targets}\n{targets}:\n\t@/bin/true\n"
    ninja = "rule r\n  command = /bin/true\n" + "".join(f"build t{i}: r\n" for i in range(count))
    few = 500
    true = {"over": {"i": {"range": [count]}}, "run": {"command": ["/bin/true"]}}
    makeflow = "".join(f"t{i}:\n\tLOCAL /bin/true > t{i}\n" for i in range(few))
    snakefile = (
        f"rule all:\n    input: expand('t{{i}}', i=range({few}))\n"
        "rule one:\n    output: 't{i}'\n    shell: '/bin/true > {output}'\n"
    )
    yield Comparison(
        "commands",
        "commands: /bin/true; taskfarm captures the output and records times of each, the others keep nothing",
        [
            taskfarm(true),
            taskfarm(true, ranks=3),
            program("bare posix_spawn", count, BARE, "spawn", count, 2, "/bin/true"),
            commands("xargs -P2", count, "xargs", "-P2", "-n1", "/bin/true", text=lines(count)),
            commands("GNU parallel -j2", few, "parallel", "-j2", "/bin/true", text=lines(few)),
            commands("make -j2", count, "make", "-j2", files={"Makefile": makefile}),
            commands("ninja -j2", count, "ninja", "-j2", files={"build.ninja": ninja}),
            commands("makeflow -j2", few, "makeflow", "-T", "local", "-j", 2, "w", files={"w": makeflow}),
            commands("snakemake -j2", few, "snakemake", "-j2", files={"Snakefile": snakefile}),
        ],
        {"bare posix_spawn": 0.95, "xargs -P2": 1, "GNU parallel -j2": 5},
    )
    yield Comparison(
        "dispatch",
        "tasks made of nothing: batched by taskfarm, and one a message by a bare MPI program",
        [
            taskfarm({"over": {"i": {"range": [10**8]}}, "run": {"function": "builtin:noop"}}, ranks=3),
            program("one message a task", 10**6, *launcher(3), BARE_MPI, "dispatch", 10**6),
        ],
        {"one message a task": 20},
    )
    yield Comparison(
        "nothing",
        "nothing to do: 10^5 tasks in three layers joined by files, all of them up to date",
        [
            nothing_to_do("taskfarm plan", "nothing is to be run", TASKFARM, "plan", "b.json"),
            nothing_to_do("ninja", "no work to do", "ninja"),
            nothing_to_do("make", "Nothing to be done", "make", "-r"),
        ],
        {"ninja": round(1 / 1.5, 3)},
    )
    yield start_to_end("bag", "the example bag: 50 items through map, filter, map and mean")
    yield start_to_end("array", "the example array: 2 (sin x + 1) of 10^8 random numbers in 100 chunks, mean")
    yield start_to_end("groupby", "the example groupby: ten files of 10^5 records, mean and std by key")
    count, pause, workers = 2 * 10**5, 0.01, 63
    sleep = {"function": "builtin:sleep", "args": {"seconds": pause}}
    yield Comparison(
        "ranks",
        "sleeps of 10 ms by 64 ranks",
        [
            taskfarm({"over": {"i": {"range": [count]}}, "run": sleep}, ranks=workers + 1),
            Contender("ideal: count x 10 ms / 63", count, lambda: count * pause / workers),
        ],
        {"ideal: count x 10 ms / 63": 0.9},
    )


def start_to_end(name, what):
    """An example by taskfarm and by dask, each timed from outside: a task is the whole of it."""

    def timed(how):
        once = answers.contender(name, how, TASKFARM, PYTHON, ENV)

        def seconds():
            started = time.perf_counter()
            once()
            return time.perf_counter() - started

        return Contender(f"{how}, start to end", 1, seconds)

    return Comparison(name, what, [timed("taskfarm"), timed("dask.distributed")], {"dask.distributed, start to end": 1})


def memory_beside_dask(name):
    """% of what dask has at its peak."""

    def once():
        (_, own), (_, dask) = answers.both(name, TASKFARM, PYTHON, ENV, watch=True)
        return 100 * own / dask

    return once


# ---- Figures with a bound of their own ----


@dataclasses.dataclass
class Figure:
    name: str
    what: str
    unit: str
    most: float
    once: Callable[[], float]
    rounds: int = ROUNDS
    value: float = 0

    def measure(self):
        print(f"{self.name}: {self.rounds} times", file=sys.stderr, flush=True)
        self.value = statistics.median(self.once() for _ in range(self.rounds))


def over_hello(ranks):
    """ms that one task takes from start to end, beyond those of a program that opens and closes an HDF5 file."""

    @in_folder
    def once(folder):
        (folder / "b.json").write_text(json.dumps({"run": {"function": "builtin:noop"}}))
        hello = wall(*launcher(ranks), BARE_MPI, "hello", folder / "hello.h5")
        own = wall(*launcher(ranks), TASKFARM, "b.json", "--progress", "none", "--slots", 1, cwd=folder)
        assert done_tasks(folder / "b.h5")[0] == 1
        return 1e3 * (own - hello)

    return once


def over_bare_start():
    """ms that a run of one command takes from start to end, beyond those of a program that has the same to do."""

    @in_folder
    def once(folder):
        (folder / "b.json").write_text(json.dumps({"run": {"command": ["/bin/true"]}}))
        bare = wall(BARE_START, folder / "bare.h5")
        own = wall(TASKFARM, "b.json", "--progress", "none", cwd=folder)
        assert done_tasks(folder / "b.h5")[0] == 1
        return 1e3 * (own - bare)

    return once


def a_look_at_a_file():
    """ms that h5ls takes for a small file."""

    @in_folder
    def once(folder):
        run(BARE_START, folder / "bare.h5")
        return 1e3 * wall("h5ls", folder / "bare.h5")

    return once


def check(over, rows=0):
    """ms that the check of a manifest takes; t.csv has so many rows."""

    @in_folder
    def once(folder):
        (folder / "b.json").write_text(json.dumps({"over": over, "run": {"function": "builtin:noop"}}))
        (folder / "t.csv").write_text("a,b,c\n" + "".join(f"{i},{i / 7},name{i}\n" for i in range(rows)))
        return 1e3 * wall(TASKFARM, "check", "b.json", cwd=folder)

    return once


def fail_last(command, folder):
    assert subprocess.run(command, env=ENV, cwd=folder, capture_output=True, check=False).returncode == 1


def kill_at_last(command, folder):
    with subprocess.Popen(command, env=ENV, cwd=folder, stderr=subprocess.DEVNULL) as process:
        while not (folder / "hangs").exists():
            time.sleep(0.1)
        time.sleep(2)  # what has ended is written by then
        process.kill()


def resume(function, interrupt):
    """s that the second run takes from start to end, when of 10^8 tasks the last is left to do."""
    tasks = 10**8

    @in_folder
    def once(folder):
        manifest = {"over": {"i": {"range": [tasks]}}, "run": {"function": f"{WORK}:{function}"}}
        (folder / "b.json").write_text(json.dumps(manifest))
        command = [str(TASKFARM), "b.json", "--progress", "none", "--slots", "2"]
        interrupt(command, folder)
        (folder / "go").touch()
        seconds = wall(*command, cwd=folder)
        assert done_tasks(folder / "b.h5")[0] == tasks
        return seconds

    return once


def observed(manifest, folder):
    """What each of three ranks counts in a run: see tests/run/count_messages.c."""
    (folder / "b.json").write_text(json.dumps(manifest))
    env = dict(ENV, LD_PRELOAD=str(MESSAGES), COUNT_MESSAGES=str(folder / "counts"))
    run(*launcher(3), TASKFARM, "b.json", "--progress", "none", env=env, cwd=folder)
    names = ["rank", "sends", "sent", "receives", "received", "broadcast", "cpu_us", "reply_us"]
    rows = [dict(zip(names, map(int, line.split()))) for line in (folder / "counts").read_text().splitlines()]
    return {row["rank"]: row for row in rows}


def idle_cpu():
    """Per cent of a core that rank 0 takes while two workers run a task of 60 s each."""

    @in_folder
    def once(folder):
        manifest = {"over": {"i": {"range": [2]}}, "run": {"function": "builtin:sleep", "args": {"seconds": 60}}}
        return observed(manifest, folder)[0]["cpu_us"] / 60e6 * 100

    return once


def reply():
    """us from a worker's report to the grant that answers it, where tasks take 0.1 s on average; the median of a run's."""

    @in_folder
    def once(folder):
        draw = random.Random(1)
        seconds = [draw.uniform(0.05, 0.15) for _ in range(200)]
        return observed({"over": {"seconds": seconds}, "run": {"function": "builtin:sleep"}}, folder)[1]["reply_us"]

    return once


def campaign_with_status():
    """Its elapsed s when nobody looks, when `status` is asked every second, and the s that each answer took: 10^8 tasks in one
    slot, so that a core is left for who asks."""

    def elapsed(folder, ask):
        answers = []
        command = [str(TASKFARM), "b.json", "--fresh", "--progress", "none", "--slots", "1"]
        farm = subprocess.Popen(command, cwd=folder, env=ENV, stderr=subprocess.PIPE)
        while farm.poll() is None:
            time.sleep(1)
            if ask and farm.poll() is None and (folder / "b.h5.d/heartbeat").exists():
                begin = time.perf_counter()
                told = json.loads(run(TASKFARM, "status", "b.h5", "--json", cwd=folder))
                answers.append(time.perf_counter() - begin)
                assert told["state"] == "complete" or told["heartbeat"]["slots"] == 1
        farm.stderr.close()
        with h5py.File(folder / "b.h5") as file:
            assert file.attrs["state"] == "complete"
            seconds = file.attrs["elapsed"]
        for old in folder.glob("b.h5*"):
            old.unlink()
        return seconds, answers

    @in_folder
    def once(folder):
        pi = {"run": {"function": "builtin:pi", "args": {"samples": 30}}, "results": {"pi": "float64"}}
        (folder / "b.json").write_text(json.dumps({"over": {"i": {"range": [10**8]}}} | pi))
        alone, _ = elapsed(folder, False)
        watched, answers = elapsed(folder, True)
        return alone, watched, answers

    return once


def status_time():
    """ms that an answer takes: the median of a campaign's."""
    return statistics.median(campaign_with_status()()[2]) * 1e3


def status_cost():
    """Per cent that a campaign takes longer when it is asked."""
    alone, watched, _ = campaign_with_status()()
    return (watched / alone - 1) * 100


def plan_samples():
    """s that a plan takes of two rules over 10^6 samples of which nothing is to be run."""
    folder, tasks = taken_over(plans.samples)
    seconds = wall(TASKFARM, "plan", "b.json", cwd=folder)
    assert tasks == 2 * 10**6
    return seconds


def plan_memory():
    """Bytes a task that the same takes more than a plan of few samples."""

    def most(folder):
        said = subprocess.run(
            ["/usr/bin/time", "-f", "%M", TASKFARM, "plan", "b.json"], cwd=folder, check=True, capture_output=True, text=True
        )
        return 1024 * int(said.stderr)

    (large, tasks), (small, few) = taken_over(plans.samples), taken_over(plans.samples, 1000)
    return (most(large) - most(small)) / (tasks - few)


def figures():
    yield Figure("start", "one command, no launcher: beyond a program that makes an HDF5 file and runs it", "ms", 10, over_bare_start())
    yield Figure("start_h5ls", "for comparison, h5ls of a small file", "ms", 100, a_look_at_a_file())
    yield Figure("start_mpirun", "one task, mpirun -n 2: beyond a bare MPI program with HDF5", "ms", 30, over_hello(2))
    yield Figure("check", "check of a range of 10^9 points", "ms", 20, check({"i": {"range": [10**9]}}))
    yield Figure("check_csv", "check of a csv of 10^6 lines", "ms", 1000, check([{"csv": "t.csv"}], rows=10**6))
    yield Figure("resume", "start to end when 1 of 10^8 tasks is left: it had failed", "s", 1, resume("last_fails", fail_last))
    yield Figure("resume_killed", "the same: the run was killed", "s", 1, resume("last_hangs", kill_at_last))
    yield Figure("idle", "rank 0 while the workers compute", "% of a core", 2, idle_cpu(), rounds=1)
    yield Figure("reply", "a worker's report to the next grant", "us", 200, reply())
    yield Figure("bag_memory", "peak memory of the example bag, beside dask's", "%", 100, memory_beside_dask("bag"))
    yield Figure("array_memory", "the same of the example array", "%", 100, memory_beside_dask("array"))
    yield Figure("groupby_memory", "the same of the example groupby", "%", 100, memory_beside_dask("groupby"))
    yield Figure("status", "status of a campaign of 10^8 tasks that is at work", "ms", 50, status_time, rounds=2)
    yield Figure("status_cost", "what asking for it every second costs the campaign", "%", 1, status_cost)
    yield Figure("plan", "plan of two rules over 10^6 samples, all up to date", "s", 5, plan_samples)
    yield Figure("plan_memory", "memory of that plan", "bytes a task", 400, plan_memory)


# ---- The page ----


def machine():
    def first_line(*command):
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.partition("\n")[0].strip()

    cpu = [l.partition(":")[2].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")]
    return {
        "cpu": cpu[0] if cpu else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "kernel": platform.release(),
        "taskfarm": first_line(str(TASKFARM), "--version").split(maxsplit=1)[1],
        "hdf5": h5py.version.hdf5_version,
        "versions": {
            name: first_line(*command)
            for name, command in {
                "mpirun": ["mpirun", "--version"],
                "parallel": ["parallel", "--version"],
                "make": ["make", "--version"],
                "ninja": ["ninja", "--version"],
                "snakemake": ["snakemake", "--version"],
                "makeflow": ["makeflow", "--version"],
                "dask.distributed": [PYTHON, "-c", "import distributed; print(distributed.__version__)"],
                "mpi4py": [PYTHON, "-c", "import mpi4py; print(mpi4py.__version__)"],
                "python": [PYTHON, "--version"],
                "xargs": ["xargs", "--version"],
            }.items()
        },
    }


def rounded(number):
    return curves.grouped(round(float(f"{number:.3g}"))) if number >= 100 else f"{number:.3g}"


def compared_rows(compared):
    for c in compared:
        for contender in c.contenders:
            first = contender is c.contenders[0]
            yield {
                "what": c.what if first else "",
                "name": contender.name,
                "tasks": contender.tasks,
                "rate": c.rates[contender.name],
                "ratio": "" if first else rounded(c.ratios[contender.name]),
                "target": f"{c.targets[contender.name]:g}" if contender.name in c.targets else "",
            }


def page(compared, measured, grown, reached, many, folder, about):
    """Markdown, and pictures in the folder."""
    yield "# How fast taskfarm is"
    yield ""
    yield f"Measured by `tests/bench/run.sh` with taskfarm {about['taskfarm']} on {about['cores']} cores ({about['cpu']}),"
    yield f"Linux {about['kernel']}, HDF5 {about['hdf5']}, {about['versions']['mpirun']}. Medians of {ROUNDS} rounds, in each of which"
    yield "all contenders run one after the other; all versions and all numbers are in [bench.json](bench.json)."
    if compared:
        yield from ("", "## Side by side", "")
        yield "What a contender takes is the time from its first task to its last; runners of commands are timed from start to end."
        yield "The bare loops are C programs with as many processes that do the same work with nothing in between."
        yield ""
        yield from curves.table(
            compared_rows(compared),
            [
                ("what", "work", str),
                ("name", "by", str),
                ("tasks", "tasks", curves.grouped),
                ("rate", "tasks/s", rounded),
                ("ratio", "as many times as fast is the first", str),
                ("target", "to reach", str),
            ],
        )
    if measured:
        yield from ("", "## Figures with a bound", "")
        yield from curves.table(
            [{"what": f.what, "value": f"{rounded(f.value)} {f.unit}", "most": f"{f.most:g} {f.unit}"} for f in measured],
            [("what", "figure", str), ("value", "measured", str), ("most", "to be under", str)],
        )
    if grown:
        yield from ("", "## With the number of tasks", "")
        yield "Functions that do nothing and have no results, three ranks. Rank 0 sends and receives messages of many tasks each."
        yield ""
        yield from curves.table(
            grown,
            [
                ("tasks", "tasks", curves.grouped),
                ("tasks_per_second", "tasks/s", rounded),
                ("master_cpu_ns_per_task", "processor time of rank 0 per task, ns", rounded),
                ("messages_per_task", "messages per task", rounded),
                ("bytes_per_task", "bytes of messages per task", rounded),
            ],
        )
        yield ""
        yield from curves.pictures(curves.draw_growth(grown, folder))
    if reached:
        yield from ("", "## With the number of workers: a simulation", "")
        yield f"The scheduler itself drives simulated workers of {curves.SLOTS} slots each (`tests/bench/scale.c`); a message costs rank 0"
        yield f"{1e6 * reached[0]['message_seconds']:.2f} us, as measured between processes here, and what the scheduler takes for it. Each slot has"
        yield "ten seconds of work, or ten tasks where these take longer. Efficiency is the share of the slots' time that tasks got; where"
        yield "the load of rank 0 comes near 1, one master is no longer enough. What takes more than"
        yield f"{curves.LONGEST_SIMULATION} s to simulate is left out."
        yield ""
        yield from curves.table(
            reached,
            [
                ("workers", "workers", curves.grouped),
                ("task_seconds", "length of a task, s", lambda x: f"{x:g}"),
                ("efficiency", "efficiency", rounded),
                ("master_load", "load of rank 0", rounded),
                ("messages_per_second", "messages/s", rounded),
            ],
        )
        yield ""
        yield from curves.pictures(curves.draw_reach(reached, folder))
    if many:
        yield from ("", "## With the number of stages, columns and groups", "")
        yield "From start to end, once each; memory is the peak of the largest process."
        yield ""
        yield from curves.table(
            many,
            [("what", "what", str), ("count", "how many", curves.grouped), ("seconds", "s", rounded), ("memory", "MB", rounded)],
        )


# ---- Curves ----


def observed_growth(tasks):
    @in_folder
    def once(folder):
        manifest = {"over": {"i": {"range": [tasks]}}, "run": {"function": "builtin:noop"}}
        master = observed(manifest, folder)[0]
        done, elapsed = done_tasks(folder / "b.h5")
        assert done == tasks
        return elapsed, master

    return once()


def message_seconds():
    """What one message costs where two processes do nothing but send and receive them: a task there takes two."""
    tasks = 10**6
    return statistics.median(float(run(*launcher(2), BARE_MPI, "dispatch", tasks)) for _ in range(ROUNDS)) / tasks / 2


def main():
    folder = pathlib.Path(sys.argv[1])
    wanted = sys.argv[2:]
    compared = [c for c in comparisons() if not wanted or c.name in wanted]
    measured = [f for f in figures() if not wanted or f.name in wanted]
    for each in [*compared, *measured]:
        each.measure()
    grown = curves.growth(observed_growth) if not wanted or "growth" in wanted else []
    reached = curves.reach(SCALE, message_seconds()) if not wanted or "reach" in wanted else []
    many = stages.rows(TASKFARM, launcher, ENV) if not wanted or "stages" in wanted else []
    about = machine()
    text = "\n".join(page(compared, measured, grown, reached, many, folder, about)) + "\n"
    (folder / "bench.md").write_text(text)
    record = {
        "machine": about,
        "rounds": ROUNDS,
        "comparisons": [
            {"name": c.name, "what": c.what, "targets": c.targets, "tasks_per_second": c.rates, "ratios": c.ratios}
            for c in compared
        ],
        "figures": [{"name": f.name, "what": f.what, "unit": f.unit, "most": f.most, "value": f.value} for f in measured],
        "growth": grown,
        "reach": reached,
        "stages": many,
    }
    (folder / "bench.json").write_text(json.dumps(record, indent=1) + "\n")
    plans.close()
    print(text, end="")


if __name__ == "__main__":
    main()
