"""Warm start: one interpreter a rank imports, and the processes of slots are forked from it. Nothing outlives its run."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import farm
import h5py
import numpy as np

THREAD = """
    #define _GNU_SOURCE
    #include <pthread.h>
    #include <unistd.h>
    static void *wait_for_ever(void *nothing) { pause(); return nothing; }
    int start(void) {
        pthread_t thread;
        return pthread_create(&thread, NULL, wait_for_ever, NULL) || pthread_setname_np(thread, "reader");
    }
"""

PARALLEL = """
    int start(void) {
        int threads = 0;
        #pragma omp parallel num_threads(3)
        {
            #pragma omp atomic
            threads++;
        }
        return threads;
    }
"""


# What a task does is its parameter `does`.
MODULE = '''
import os, signal, subprocess, sys, time

with open("imports", "a") as file:
    file.write("x")

def murder():
    "The warm parent is a brother of this process."
    for pid in map(int, open(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read().split()):
        try:
            if open(f"/proc/{pid}/comm").read() == "farm-warm\\n":
                os.kill(pid, signal.SIGKILL)
        except OSError:  # it has ended
            pass

def work(n, does):
    if does == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if does == "exit": os._exit(3)
    if does == "hang": time.sleep(60)
    if does == "linger":
        subprocess.Popen(["sleep", "60"])
        open(f"begun{n}", "w").close()
        time.sleep(60)
    if does == "allocate": bytearray(1 << 30)
    if does == "murder":
        murder()
        os.kill(os.getpid(), signal.SIGSEGV)
    return {"square": n * n, "pid": os.getpid()}
'''

class Forkable(farm.FarmTest):
    """What keeps a process from being forked."""

    def test_it_becomes_what_a_started_slot_is(self):
        """Its cores, and its variables: those of the request, but for what modules have set meanwhile."""
        become = """
            import os
            from taskfarm._slot import warm
            first, last = dict(os.environ, OLD="1", ODD="x"), max(os.sched_getaffinity(0))
            os.environ |= {"OLD": "1", "ODD": "y"}
            warm._become_slot({"env": {"ODD": "x", "TASKFARM_SLOT": "3"}, "cores": [last], "memory": 0}, first)
            assert os.sched_getaffinity(0) == {last}
            assert [os.environ.get(name) for name in ("OLD", "ODD", "TASKFARM_SLOT")] == [None, "y", "3"]
        """
        self.assertEqual(self.obstacle(become), "")

    def obstacle(self, before, after=""):
        """What taskfarm says of a process that has done something."""
        lines = [
            f"import sys; sys.path.insert(0, {str(farm.SOURCE / 'src/python')!r})",
            "from taskfarm._slot import forkable",
            textwrap.dedent(before),
            "print(forkable.obstacle(), flush=True)",
            textwrap.dedent(after),
        ]
        script = self.write("script.py", "\n".join(lines))
        env = farm.environment(OPENBLAS_NUM_THREADS="3", OMP_NUM_THREADS="3")
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=env, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.stdout.removesuffix("\n")

    def library(self, text, *options):
        source = self.write("library.c", textwrap.dedent(text))
        library = self.folder / "library.so"
        subprocess.run(["cc", "-shared", "-fPIC", *options, source, "-o", library], check=True)
        return f"import ctypes; library = ctypes.CDLL({str(library)!r}); library.start()"

    def test_threads_are(self):
        lacking = "has threads, which forked processes would lack: "
        python = "import threading, time\nfor _ in range(2): threading.Thread(target=time.sleep, args=[60], daemon=True, name='r').start()"
        self.assertEqual(self.obstacle(python), lacking + "2 x r")
        self.assertEqual(self.obstacle(self.library(THREAD, "-pthread")), lacking + "reader")

    def test_threads_of_blas_are_not(self):
        self.assertEqual(self.obstacle("import numpy; a = numpy.ones((300, 300)); a @ a"), "")

    def test_threads_of_openmp_are_not(self):
        """GNU's runtime hangs in a child that was forked while its threads waited."""
        forked = "import os, signal; signal.alarm(20); print(forkable.forks_within(10, library.start))"
        self.assertEqual(self.obstacle(self.library(PARALLEL, "-fopenmp"), forked), "\nTrue")

    def test_devices_are(self):
        self.assertEqual(self.obstacle("assert '/dev/nvidia' in forkable._DEVICES"), "")
        opened = "forkable._DEVICES += ('/dev/zero',)\nfile = open('/dev/zero')"
        self.assertEqual(self.obstacle(opened), "has opened /dev/zero, which forked processes can't use")

    def test_generators_without_a_seed_are(self):
        said = (
            "has random generators of no known seed, of which all forked processes would draw the same (what each draws depends on where tasks run; "
            "a parameter rng does not): "
        )
        make = "import numpy as np; kept = [np.random.{}]; np.random.seed()"
        self.assertEqual(self.obstacle(make.format("default_rng()")), said + "PCG64")
        self.assertEqual(self.obstacle(make.format("RandomState()")), said + "MT19937")
        self.assertEqual(self.obstacle(make.format("default_rng(7)")), "")
        self.assertEqual(self.obstacle(make.format("Generator(np.random.Philox(key=7))")), "")

    def test_generators_of_random_that_the_function_uses_are(self):
        """Whatever their seed: it can't be told. Not the one that each task has seeded, nor one that is not used."""
        said = (
            "has random generators of no known seed, of which all forked processes would draw the same (what each draws depends on where tasks run; "
            "a parameter rng does not): "
        )
        python = "import random\nown = random.Random(3)\ndef f(n): return own.random()\ndef g(n): return f(n)\ndef h(n, rng): return random.random() + rng.normal()"
        for function, why in ("f", said + "own"), ("g", said + "own"), ("h", ""):
            self.assertEqual(self.obstacle(python, f"print(forkable.drawn_by({function}))"), f"\n{why}")

    def test_a_child_that_hangs_is(self):
        hang = "import os, time\nforkable.PATIENCE = 0.2\nos.register_at_fork(after_in_child=lambda: time.sleep(60))"
        said = "was forked on trial, and the child did not go on within 0.2 s"
        self.assertEqual(self.obstacle(hang), said)

    def test_hooks_that_hang_are(self):
        """Before a fork and behind it, whatever a module does with signals; nothing of that is left."""
        said = "calls a function before or after each fork (os.register_at_fork) that did not end within 0.2 s"
        for where in "before", "after_in_parent":
            hang = f"""
                import os, signal, time
                sys.unraisablehook = lambda raised: None
                forkable.PATIENCE = 0.2
                hangs = time.sleep
                os.register_at_fork({where}=lambda: hangs(60))
                signal.signal(signal.SIGALRM, handler := lambda *_: None)
            """
            after = """
                assert signal.getsignal(signal.SIGALRM) is handler and signal.getitimer(signal.ITIMER_REAL) == (0, 0)
                hangs = lambda seconds: None
                print(forkable.forks_within(10, lambda: None))
                try:
                    print(os.wait())
                except ChildProcessError:
                    print("no child")
            """
            self.assertEqual(self.obstacle(hang, after), f"{said}\nTrue\nno child")


class WarmTest(farm.FarmTest):

    def stage(self, does, module=MODULE, **more):
        """A campaign whose tasks do this, one after the other."""
        self.write("work.py", module)
        run = {"python": "work.py:work", "interpreter": sys.executable, **more.pop("run", {})}
        over = {"zip": {"n": list(range(len(does))), "does": does}}
        stage = {"over": [over], "run": run, "results": {"square": "int64", "pid": "int64"}, **more}
        self.write("w.json", stage)

    def imports(self):
        return len((self.folder / "imports").read_text())

    def rows(self):
        """Status, message and results of all tasks."""
        with h5py.File(self.folder / "w.h5") as file:
            messages = [b""] * len(file["w/task/status"])
            if "message" in file["w/text"]:
                messages = self.heap(file["w"], "message")
            status, square, pid = (file[f"w/{name}"][()] for name in ("task/status", "results/square", "results/pid"))
        return status.tolist(), [m.decode() for m in messages], square.tolist(), pid.tolist()


class Warm(WarmTest):
    """Slots that are forked are as good as slots that are started."""

    def test_slots_cost_one_import(self):
        self.stage(["well"] * 400)
        done = self.taskfarm("w.json", "--slots", 6)
        status, _, square, pid = self.rows()
        self.assertEqual(status, [farm.DONE] * 400)
        self.assertEqual(square, [n * n for n in range(400)])
        self.assertEqual(self.imports(), 1)
        self.assertNotIn("imports by itself", done.stderr)
        self.stage(["well"] * 400, run={"warm": False})
        self.taskfarm("w.json", "--slots", 6, "--fresh")
        self.assertEqual(self.rows()[2], square)
        self.assertGreaterEqual(self.imports(), 1 + len(set(self.rows()[3])))

    def test_it_imports_before_the_output_is_opened(self):
        """And only if there are tasks for it."""
        self.stage(["well"] * 3)
        self.taskfarm("w.json", env={"LD_PRELOAD": f"{farm.BUILD}/tests/libwait_for_import.so"})
        self.assertEqual(self.rows()[0], [farm.DONE] * 3)
        self.taskfarm("w.json")
        self.assertEqual(self.imports(), 1)

    def test_stages_share_it(self):
        begin = "with open('imports', 'a') as file:\n    file.write('x')\n"
        self.write("common.py", begin)
        for name in "abc":
            self.write(f"{name}.py", f"import common\n{begin}\ndef f(i):\n    return {{'{name}': i}}\n")
        stages = [
            {"name": n, "over": {"i": {"range": [9]}}, "run": {"python": f"{n}.py:f"}, "results": {n: "int64"}} for n in "abc"
        ]
        for stage in stages:
            stage["run"]["interpreter"] = sys.executable
        stages[1]["resources"] = {"memory": "4GB"}
        self.write("w.json", {"stages": stages})
        self.taskfarm("w.json", "--slots", 3)
        self.assertEqual(self.imports(), 4)

    def test_what_goes_wrong_costs_its_own_task(self):
        does = ["well", "crash", "well", "exit", "well", "hang", "allocate", "well"] * 2
        self.stage(does, timeout="1s", resources={"memory": "900MB"})
        self.taskfarm("w.json", "--slots", 2, status=1)
        status, messages, square, _ = self.rows()
        said = {
            "crash": (farm.FAILED, "the task was killed by signal 11 (Segmentation fault) (its memory is limited to 900 MB)"),
            "exit": (farm.FAILED, "the task ended its process: exit status 3 (its memory is limited to 900 MB)"),
            "hang": (farm.TIMEOUT, "timeout after 1.0s"),
            "allocate": (farm.FAILED, "MemoryError"),
            "well": (farm.DONE, ""),
        }
        self.assertEqual(list(zip(status, messages, strict=True)), [said[what] for what in does])
        self.assertEqual([square[n] for n in (0, 2, 15)], [0, 4, 225])
        self.assertEqual(self.imports(), 1)

    def test_the_end_of_the_parent_costs_no_task(self):
        self.stage(["well"] * 40 + ["murder"] + ["well"] * 40 + ["crash", "murder", "well"])
        done = self.taskfarm("w.json", "--slots", 2, status=1)
        status, messages, _, _ = self.rows()
        self.assertEqual([n for n, s in enumerate(status) if s != farm.DONE], [40, 81, 82])
        self.assertEqual({m for m in messages if m}, {"the task was killed by signal 11 (Segmentation fault)"})
        self.assertGreaterEqual(self.imports(), 2)
        self.assertNotIn("imports by itself", done.stderr)

    def test_a_generator_of_random_is_not_shared(self):
        self.write("r.py", "import random\nown = random.Random()\ndef draw(n): return own.random()\n")
        run = {"python": "r.py:draw", "interpreter": sys.executable}
        self.write("r.json", {"over": {"n": {"range": [400]}}, "run": run, "results": {"y": "float64"}})
        done = self.taskfarm("r.json", "--slots", 2)
        self.assertIn("a parameter rng does not): own; with", done.stderr)
        with self.open("r.h5") as file:
            self.assertEqual(len(set(file["r/results/y"][:])), 400)

    def test_why_slots_are_started_cold_is_said_once(self):
        first = "stage \"w\": each slot imports by itself, since the interpreter that imports for all "
        last = "; with \"warm\": false that is not tried\n"
        cases = {
            "import threading, time\nthreading.Thread(target=time.sleep, args=[600], daemon=True, name='reader').start()": (
                "has threads, which forked processes would lack: reader"
            ),
            "import os; os.environ['TASKFARM_SLOT']": "can't import it: KeyError: 'TASKFARM_SLOT'",
            "import os\nif 'TASKFARM_SLOT' not in os.environ: os._exit(1)": "ends before it has forked any",
            "import os, mmap, time\npage = mmap.mmap(-1, 1)\n"
            "def forked():\n    page[0] += 1\n    if page[0] == 3: time.sleep(600)\n"  # on trial, between, the slot's
            "os.register_at_fork(after_in_child=forked)": "forks processes that do not go on",
            "import os, time\nfrom taskfarm._slot import forkable\nforkable.PATIENCE = 0.5\n"
            "os.register_at_fork(before=lambda: time.sleep(600))": (
                "calls a function before or after each fork (os.register_at_fork) that did not end within 0.5 s"
            ),
        }
        for begin, why in cases.items():
            with self.subTest(why):
                self.stage(["well"] * 40, f"{begin}\n{MODULE}")
                ranks = 3 if "reader" in why else None
                done = self.taskfarm("w.json", "--slots", 2, "--fresh", ranks=ranks)
                self.assertIn(f"{first}{why}{last}", done.stderr)
                self.assertEqual(done.stderr.count("imports by itself"), 1)
                self.assertEqual(self.rows()[0], [farm.DONE] * 40)

    def test_warm_true_forks_all_the_same(self):
        begin = "import threading, time\nthreading.Thread(target=time.sleep, args=[600], daemon=True).start()\n"
        self.stage(["well"] * 40, begin + MODULE, run={"warm": True})
        self.assertNotIn("imports by itself", self.taskfarm("w.json", "--slots", 2).stderr)
        self.assertEqual(self.imports(), 1)

    def test_a_module_that_goes_to_another_folder_does_not_take_the_slots_there(self):
        """There another file of its name, and another common value, are waiting."""
        for n, folder in enumerate((".", "sub")):
            work = f"import os\nos.chdir('sub')\ndef work(n, does, c):\n    return {{'square': {n} + int(c[0]), 'pid': os.getpid()}}\n"
            self.write(f"{folder}/m.py", work)
            np.save(self.folder / folder / "common.npy", np.array([10 * n]))
        for warm in ("auto", True, False):
            run = {"python": "m.py:work", "interpreter": "/usr/bin/python3", "warm": warm, "common": {"c": "common.npy"}}
            self.stage(["well"] * 40, run=run)
            self.assertNotIn("imports by itself", self.taskfarm("w.json", "--slots", 2, "--fresh").stderr)
            self.assertEqual(self.rows()[2], [0] * 40, warm)

    def test_init_runs_in_each_process(self):
        setup = "def setup():\n    global ready\n    ready = os.getpid()\n"
        self.stage(["well"] * 400, MODULE.replace("os.getpid()}", "ready}") + setup, run={"init": "setup"})
        self.taskfarm("w.json", "--slots", 3)
        self.assertGreater(len(set(self.rows()[3])), 1)
        self.assertEqual(self.imports(), 1)

    def test_what_modules_print_is_no_task_s(self):
        say = 'import ctypes, os\nprint("imported")\nctypes.CDLL(None).printf(b"imported\\n")\n'
        work = 'def work(n, does):\n    ctypes.CDLL(None).fflush(None)\n    print(n)\n    return {"square": n, "pid": os.getpid()}\n'
        self.stage(["well"] * 3, say + work)
        self.taskfarm("w.json", "--slots", 1, env={"PYTHONUNBUFFERED": ""})
        self.assertEqual(self.heap(self.open("w.h5")["w"], "stdout"), [b"0\n", b"1\n", b"2\n"])

    def test_a_failing_init_is_tried_cold_and_then_said(self):
        setup = "def setup():\n    raise OSError('no catalogue')\n"
        self.stage(["well"] * 4, MODULE + setup, run={"init": "setup"})
        done = self.taskfarm("w.json", "--slots", 2, status=1)
        self.assertIn("OSError: no catalogue", done.stderr)
        self.assertNotIn("imports by itself", done.stderr)

    def test_a_slot_has_its_own_environment_place_and_group(self):
        look = """
            import os, resource, sys
            os.environ["MADE"] = "at import"
            def work(n, does):
                assert os.environ["MADE"] == "at import"
                assert os.environ["GIVEN"] == "x" and os.fsencode(os.environ["ODD"]) == b"\\xff"
                assert os.getpgid(0) == os.getpid()
                limit = resource.getrlimit(resource.RLIMIT_DATA)
                assert limit == (900 << 20,) * 2, limit
                assert len(os.listdir("/proc/self/task")) == 1
                return {"square": int(os.environ["TASKFARM_SLOT"]), "pid": os.getpid()}
        """
        self.stage(["well"] * 400, textwrap.dedent(look), run={"env": {"GIVEN": "x"}}, resources={"memory": "900MB"})
        self.taskfarm("w.json", "--slots", 3, env={"ODD": os.fsdecode(b"\xff")})
        _, _, slot, pid = self.rows()
        self.assertEqual(len(set(zip(slot, pid, strict=True))), len(set(slot)))
        self.assertEqual(len(set(pid)), len(set(slot)))
        self.assertLessEqual(set(slot), {0, 1, 2})


class Ends(WarmTest):
    """Nothing outlives its run."""

    def processes(self):
        """Those that run in the test's folder, by name."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and os.readlink(entry / "cwd") == str(self.folder.resolve()):
                    found[int(entry.name)] = (entry / "comm").read_text().strip()
            except OSError:
                pass
        return found

    def begin(self):
        """Two tasks that wait for a child each."""
        for file in self.folder.glob("begun*"):
            file.unlink()
        self.stage(["linger"] * 2, retries=1)
        run = self.start("w.json", "--fresh", "--slots", 2)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: len(list(self.folder.glob("begun*"))) == 2, "tasks do not begin")
        names = sorted(self.processes().values())
        self.assertEqual([names.count(name) for name in ("farm-warm", "sleep", "farm-guard")], [1, 2, 1], names)
        return run

    def find(self, run, generations):
        found = [run.pid]
        for _ in range(generations):
            found = [int(c) for p in found for c in pathlib.Path(f"/proc/{p}/task/{p}/children").read_text().split()]
        return found

    def test_when_rank_guard_or_spawner_is_killed(self):
        for generation in range(3):
            with self.subTest(["rank", "guard", "spawner"][generation]):
                run = self.begin()
                for pid in self.find(run, generation):
                    os.kill(pid, signal.SIGKILL)
                run.wait(60)
                self.wait_for(lambda: not self.processes(), f"left: {self.processes()}")

    def test_when_it_is_stopped(self):
        run = self.begin()
        run.send_signal(signal.SIGUSR1)
        run.send_signal(signal.SIGUSR1)
        self.assertEqual(run.wait(60), 75)
        self.wait_for(lambda: not self.processes(), f"left: {self.processes()}")

    def test_a_host_takes_its_slot_with_it(self):
        run = self.begin()
        before = self.processes()
        spawner = self.find(run, 2)[0]
        hosts = [pid for pid in self.find(run, 3) if os.readlink(f"/proc/{pid}/exe") == os.readlink(f"/proc/{spawner}/exe")]
        slots = [pid for pid in self.find(run, 3) if pid not in hosts and before.get(pid) != "farm-warm"]
        self.assertEqual([len(hosts), len(slots)], [2, 2])
        for host in hosts:
            os.kill(host, signal.SIGKILL)
        gone = {*slots, *(pid for pid, name in before.items() if name == "sleep")}
        self.wait_for(lambda: not gone & set(self.processes()), "slots outlive their hosts")
        self.assertIsNone(run.poll())
        self.wait_for(lambda: "sleep" in self.processes().values(), "tasks are not tried again")

    def test_no_zombie_is_left_of_slots_that_end(self):
        look = """
            import os
            def work(n, does):
                if n < 20: os._exit(1)
                brothers = open(f"/proc/{os.getppid()}/task/{os.getppid()}/children").read().split()
                states = [open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] for pid in brothers]
                return {"square": states.count("Z"), "pid": len(states)}
        """
        self.stage(["well"] * 21, textwrap.dedent(look))
        self.taskfarm("w.json", "--slots", 1, status=1)
        _, _, zombies, children = self.rows()
        self.assertEqual([zombies[20], children[20]], [0, 3])  # host, warm parent, this slot


farm.main()
