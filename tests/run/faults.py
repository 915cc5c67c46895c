"""Runs in which one call of the C library fails: the calls that a campaign makes, one by one, by where they come from.

A first run counts: tests/faults/libfaults.so records all call sites. Then each chosen one fails in a run of its own, and what
must hold afterwards is looked at: the run has ended by itself, with the right bytes or with an error that is true; and the same
command line without the fault gives the right bytes."""

import collections
import concurrent.futures
import contextlib
import dataclasses
import errno
import functools
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import time

import farm
import h5py
import numpy as np

LIBRARY = farm.BUILD / "tests/libfaults.so"
RECORD = struct.Struct("qq4000s")  # tests/faults/sites.c

MOVING = {"read", "write", "pread", "pread64", "pwrite", "pwrite64", "writev", "preadv", "pwritev"}
MAKING = {"fork", "vfork", "posix_spawn", "posix_spawnp"}
MEMORY = {"mmap", "memfd_create"}
NOT_STORAGE = {"sendmsg", "regcomp", "regexec", "socketpair", "pipe2"}  # 21_failing_calls.py has these
LOOKING = {"read", "pread", "pread64", "preadv", "close"}  # what can't be short of room


@dataclasses.dataclass(frozen=True)
class Site:
    """Where calls come from."""

    rank: int
    call: str
    hash: int
    calls: int  # that came from it
    path: str
    functions: str  # as MODULE+OFFSET, the innermost first


def sites(record, ranks):
    """Those of a run that has recorded them, in the order in which they were met."""
    found = []
    for rank in range(ranks):
        data = pathlib.Path(f"{record}.{rank}").read_bytes()
        for number, calls, text in RECORD.iter_unpack(data):
            if number == 0:
                break
            call, path, functions = text.split(b"\0")[0].decode().split("\t")
            if call in NOT_STORAGE:
                continue
            found.append(Site(rank, call, number & (1 << 64) - 1, calls, path, functions))
    return found


def ways(site):
    """How a call may fail. A stall ends after a while; what hangs does not return."""
    call = site.call
    if call in MAKING:
        return [str(errno.EAGAIN), str(errno.ENOMEM), "stall"]
    if call in MEMORY:
        return [str(errno.ENOMEM), "stall"]
    short = ["short"] if call in MOVING else []
    hang = [] if is_of_a_task(site) or is_after_the_run(site) else ["hang"]
    return [str(errno.EIO), *([] if call in LOOKING else [str(errno.ENOSPC)]), *short, "stall", *hang]


@dataclasses.dataclass(frozen=True)
class Fault:
    site: Site
    how: str  # as in TASKFARM_FAIL, or "stall"
    number: int  # of the call, of those from there
    lasts: bool  # all later ones from there fail, too

    @property
    def name(self):
        return errno.errorcode[int(self.how)] if self.how.isdigit() else self.how

    @property
    def environment(self):
        site = self.site
        return {
            "TASKFARM_FAIL": f"{site.call}@{site.hash:x}:{'hang' if self.how == 'stall' else self.how}:{self.number}{'+' if self.lasts else ''}",
            "TASKFARM_FAIL_RANK": str(site.rank),
            "TASKFARM_FAIL_SECONDS": "0.5" if self.how == "stall" else "0",
        }

    @property
    def is_of_input(self):
        return not re.search(r"/x\.h5|/local/|/out/", self.site.path)

    @property
    def is_kept_by_mpi(self):
        """Open MPI tells nobody why it has not opened a file: not even the rank, which waits there for the others if it is not the first."""
        return self.site.call in ("open", "open64") and located(self.site).startswith("store_open_together")

    def belied(self, done):
        """What is wrong with what a run has said that did not end well."""
        if not re.search(r"(?m)^\S+: .*\S", done.stderr):
            return "it does not say why"
        reasons = [os.strerror(int(self.how)), {errno.ENOSPC: "no room left", errno.ENOMEM: "memory"}.get(int(self.how), "")] if self.how.isdigit() else []
        if self.is_kept_by_mpi and re.search("of what all ranks do together takes longer than|MPI_File_open failed: ", done.stderr):
            return None
        if done.returncode == 75 and re.search("has not (been )?heard", done.stderr):
            return None  # on a machine that is that busy a rank may be lost before its call fails
        if reasons and done.returncode != 1 and not any(reason and reason in done.stderr for reason in reasons):
            return "it does not say what the system said"
        if self.how.isdigit() and "damaged" in done.stderr:
            return "it says that something is damaged"
        return None

    def __str__(self):
        return f"rank {self.site.rank}: {self.site.call} {self.number}{'+' if self.lasts else ''} of {self.site.path or 'none'}: {self.name}"


def draw(rng, found, count):
    """So many faults, each at another site while there are any."""
    chosen = rng.sample(found, len(found))[:count] if count else found
    return [one_of(rng, site) for site in chosen]


def one_of(rng, site, how=None):
    how, number, lasts = how or rng.choice(ways(site)), rng.randint(1, site.calls), rng.random() < 0.25
    return Fault(site, how, number, lasts and how not in ("stall", "hang"))


def everything(rng, found):
    """Every way of every site."""
    return [one_of(rng, site, how) for site in found for how in ways(site)]


FUNCTION = {"over": {"i": {"range": [300]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64", "s": "string"}}


def campaign(*stages, **files):
    """Makes the files of a campaign in a folder."""

    def make(folder):
        (folder / "x.json").write_text(json.dumps({"seed": 1, "stages": list(stages)}))
        for name, text in files.items():
            (folder / name).write_text(text)
        (folder / "raw").mkdir(exist_ok=True)
        for n in range(4):
            (folder / f"raw/{n}").write_text(f"raw {n}\n" * 100)

    return make


class FaultTest(farm.FarmTest):
    """A campaign is a function that makes its files in a folder, the manifest x.json among them."""

    limit = 150
    arguments = ("x.json", "--slots", "2", "--sync", "0.01", "--patience", "1", "--progress", "none")

    def launch(self, folder, ranks, arguments, **more):
        """A run with the library, of which nothing fails but what is asked for."""
        local = folder / "local"
        local.mkdir(exist_ok=True)
        paths = [f"{folder}/{name}" for name in ("x.", "out", "raw", "local/taskfarm")]
        env = {"LD_PRELOAD": str(LIBRARY), "TASKFARM_FAIL_IN": "all", "TASKFARM_FAIL_PATHS": ":".join(paths), **more}
        words = [farm.TASKFARM, *arguments]
        if ranks > 1:
            words = [farm.MPIRUN, "-n", str(ranks), "env", *(f"{k}={v}" for k, v in env.items()), *words]
            env = {}
        told = [folder / "stdout", folder / "stderr"]  # not pipes: what hangs would keep them open
        with open(told[0], "wb") as out, open(told[1], "wb") as err:
            try:
                done = subprocess.run(
                    words,
                    cwd=folder,
                    env=farm.environment(TMPDIR=str(local), **env),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    timeout=self.limit,
                )
            except subprocess.TimeoutExpired:
                done = subprocess.CompletedProcess(words, None)
        done.stdout, done.stderr = (path.read_text(errors="replace") for path in told)
        return done

    def fresh(self, make):
        """A folder with the campaign's files."""
        folder = pathlib.Path(self.folder / f"{next(self.numbers)}")
        folder.mkdir()
        make(folder)
        return folder

    def setUp(self):
        super().setUp()
        self.numbers = iter(range(1 << 30))
        self.outcomes = collections.Counter()
        self.failures = []

    def try_kinds(self, kinds, drawn):
        """So many faults of each kind of stage, half of them on one rank and half on three; with --soak every way of every site."""
        rng = seed()
        tried = 0
        for make in kinds.values():
            for ranks in (1, 3):
                found = self.count(make, ranks)
                tried += len(found)
                self.run_faults(make, ranks, everything(rng, found) if farm.SOAK else draw(rng, found, drawn // 2))
        print(f"{tried} call sites")
        self.tell()

    def count(self, make, ranks):
        folder = self.fresh(make)
        done = self.launch(folder, ranks, (*self.arguments, "--patience", "60"), TASKFARM_FAIL_RECORD=str(folder / "record"))
        self.assertEqual(done.returncode, 0, farm.told(done, folder))
        self.expected = state_of(folder)
        found = sites(folder / "record", ranks)
        shutil.rmtree(folder)
        return found

    def suffer(self, make, ranks, fault):
        """Runs with the fault, and then without. Returns what came of it, and what is wrong with that."""
        folder = self.fresh(make)
        try:
            return self.outcome(folder, ranks, fault)
        finally:
            if not farm.KEEP:
                shutil.rmtree(folder, ignore_errors=True)

    def outcome(self, folder, ranks, fault):
        patience = ("--patience", "0.5") if fault.how == "hang" else ()  # the sooner is it given up
        done = self.launch(folder, ranks, (*self.arguments, *patience), **fault.environment)
        if fault.how == "hang":
            end_processes(folder / "local")
        if done.returncode is None:
            return "hangs", f"it hangs\n{done.stderr}"
        told = farm.told(done, folder)
        if done.returncode == 0:
            wrong = differences(self.expected, state_of(folder))
            told_of_it = "can't be removed: ", f"the spawner stands still, and is killed; it may have left folders in {folder / 'local'}"
            if wrong == "these differ: left" and any(words in done.stderr for words in told_of_it):
                wrong = None
            return "right", f"it says that all is well, and {wrong}\n{told}" if wrong else None
        if done.returncode not in (1, 3, 75) and not (done.returncode == 2 and fault.is_of_input):
            return "ends", f"exit status {done.returncode}\n{told}"
        if wrong := fault.belied(done):
            return "ends", f"{wrong}\n{told}"
        if wrong := self.false_claims(folder):
            return "claims", f"{wrong}\n{told}"
        again = self.launch(folder, 1, self.arguments)
        if again.returncode != 0:
            return "resumes", f"it does not go on\n{told}\n{farm.told(again, folder)}"
        if wrong := differences(self.expected, state_of(folder)):
            return "resumes", f"after it went on {wrong}\n{told}\n{farm.told(again, folder)}"
        return {1: "tasks failed", 2: "error", 3: "error", 75: "stopped"}[done.returncode], None

    def false_claims(self, folder):
        """Rows that are done in a file that can be opened, and are not what they must be."""
        try:
            with h5py.File(folder / "x.h5") as file:
                return next((wrong for name in file if (wrong := wrong_row(file, name, self.expected))), None)
        except (OSError, KeyError, RuntimeError):
            return None  # it is not whole: that is the next run's to see

    def run_faults(self, make, ranks, faults):
        """Several at a time: they wait for the most part; failures are in self.failures."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=6) as pool:
            for fault, (outcome, wrong) in zip(faults, pool.map(lambda fault: self.suffer(make, ranks, fault), faults), strict=True):
                self.outcomes[fault.site.call, fault.name, outcome] += 1
                if wrong:
                    self.failures.append(f"{fault}\nTASKFARM_FAIL={fault.environment['TASKFARM_FAIL']}\n{located(fault.site)}\n{wrong}")

    def tell(self):
        """The table, and what is wrong."""
        kinds = ["right", "tasks failed", "error", "stopped"]
        rows = collections.defaultdict(collections.Counter)
        for (call, name, outcome), number in self.outcomes.items():
            rows[call, name][outcome] += number
        print(f"\n{'call':14} {'fault':8} {'runs':>5}", *(f"{kind:>13}" for kind in kinds))
        for (call, name), row in sorted(rows.items()):
            print(f"{call:14} {name:8} {row.total():5}", *(f"{row[kind]:13}" for kind in kinds))
        total = sum(rows.values(), collections.Counter())
        print(f"{'all':14} {'':8} {total.total():5}", *(f"{total[kind]:13}" for kind in kinds))
        print(f"hangs {total['hangs']}, false claims {total['claims']}, other {total['ends'] + total['resumes']}", flush=True)
        self.assertEqual(len(self.failures), 0, "\n\n".join(self.failures[:20]))


@functools.cache
def functions_of(site):
    """Those of the program, by name, the innermost first."""
    offsets = [word.partition("+")[2] for word in site.functions.split() if word.startswith(f"{pathlib.Path(farm.TASKFARM).name}+")]
    named = subprocess.run(["addr2line", "-fse", farm.TASKFARM, *offsets], capture_output=True, text=True).stdout.split("\n")[::2]
    return [name for name in named if name]


def located(site):
    return " < ".join(functions_of(site)[:8])


def is_of_a_task(site):
    """Of a host: what hangs there holds up the task, as it would a command that looks at the same files."""
    return "host_main" in functions_of(site)


def is_after_the_run(site):
    """All is done, and told: what hangs there keeps nothing but a process."""
    return "tf_store_plan_free" in " ".join(functions_of(site))


def processes_of(temporary):
    """Those of a run that has this folder for temporary files."""
    wanted = f"TMPDIR={temporary}".encode()
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                yield int(entry.name)


def end_processes(temporary):
    """They are given a while to end by themselves; one whose call hangs can't."""
    limit = time.monotonic() + 5
    while list(processes_of(temporary)) and time.monotonic() < limit:
        time.sleep(0.05)
    for pid in processes_of(temporary):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def state_of(folder):
    """All that a campaign leaves: the output's bytes, and its files'."""
    found = farm.digest(folder / "x.h5")
    for path in sorted((folder / "out").rglob("*")) if (folder / "out").exists() else []:
        found[str(path.relative_to(folder))] = path.read_bytes() if path.is_file() else b""
    found |= farm.reductions(folder / "x.h5")
    found["x.h5.d"] = (folder / "x.h5.d").exists()
    left = [path.name for path in (folder / "local").iterdir() if path.name.startswith("taskfarm")]
    found["left"] = left
    return found


def differences(expected, came):
    names = [name for name in expected | came if expected.get(name) != came.get(name)]
    return f"these differ: {', '.join(names[:10])}" if names else None


def wrong_row(file, name, expected):
    if "task/status" not in file[name]:
        return None
    done = file[name]["task/status"][()] == farm.DONE
    is_finished = "finished" in file[name].attrs  # texts come into the file as the stage ends
    for key, column in file[name].get("results", {}).items():
        if column is None:  # a change of metadata was cut off: the next run sees that by the journal
            continue
        if column.dtype.kind not in "if" and not is_finished:
            continue
        whole = expected.get(f"{name}/results/{key}")
        cells = column[()]
        if whole is None or len(whole) != cells.nbytes or cells.shape[:1] != done.shape:
            continue
        right = np.frombuffer(whole, cells.dtype).reshape(cells.shape)
        row_bytes = cells.nbytes // max(len(done), 1)
        same = (np.frombuffer(cells.tobytes(), f"V{row_bytes}") == np.frombuffer(right.tobytes(), f"V{row_bytes}")) if row_bytes else ~done
        if np.any(done & ~same):
            return f"{name}/{key}[{np.nonzero(done & ~same)[0][0]}] is done, and is not what it must be"
    return None


def seed():
    given = os.environ.get("TASKFARM_SEED")
    number = int(given) if given else 1 if not farm.SOAK else random.SystemRandom().randrange(1 << 31)
    print("seed", number, flush=True)
    return random.Random(number)
