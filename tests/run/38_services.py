"""Services: long-lived processes that get tasks as JSON lines. Each task has its answer, whatever happens to the process."""

import json
import os
import signal
import subprocess
import time

import farm
import h5py
import numpy as np

PYTHON = "/usr/bin/python3"

# What it does to a task is its parameter `does`.
SERVICE = """
import os, signal, sys, time
from taskfarm import serve

started = time.time()

def work(n, does, task):
    print("task", n)
    if does == "exit": os._exit(3)
    if does == "crash": os.kill(os.getpid(), signal.SIGSEGV)
    if does == "hang": time.sleep(60)
    if does == "close": os.close(3); time.sleep(60)
    if does == "raise": raise ValueError(f"no {n}")
    if does == "nonsense": os.write(3, b"not an answer\\n")
    if does == "once" and task.attempt == 1: os._exit(1)
    if does == "float": return {"square": 0.5, "pid": 0}
    if does == "nothing": return {}
    return {"square": n * n, "pid": os.getpid()}

serve(work)
"""

# By hand, so that answers can be wrong in any way: what is said to task n is its parameter `says`, with I for its index.
RAW = """
import json, sys
for line in sys.stdin:
    task = json.loads(line)
    print(task["params"]["says"].replace("I", str(task["index"])), flush=True)
"""


class Services(farm.FarmTest):
    def service(self, does, **more):
        self.write("work.py", SERVICE)
        axes = [{"name": "n", "range": [len(does)]}, {"name": "does", "values": does}]
        run = {"service": [PYTHON, "work.py"]}
        results = {"square": "int64", "pid": "int64"}
        self.write("c.json", {"over": {"z": {"zip": axes}}, "run": run, "results": results} | more)

    @farm.first
    def test_every_task_has_its_own_answer(self):
        for ranks, slots in ((None, 1), (None, 3), (2, 1), (4, 1)):
            self.service(["well"] * 60)
            self.taskfarm("c.json", "--fresh", "--slots", slots, ranks=ranks)
            stage = self.open("c.h5")["c"]
            self.assertEqual(stage["results/square"][()].tolist(), [n * n for n in range(60)])
            self.assertEqual([t.decode() for t in self.heap(stage, "stderr")], [f"task {n}\n" for n in range(60)])
            self.assertTrue((stage["task/status"][()] == farm.DONE).all())
            self.assertLessEqual(len(set(stage["results/pid"][()])), max(slots, (ranks or 1) - 1), "one a slot")
            self.assertTrue((stage["task/duration"][()] > 0).all())
            stage.file.close()

    def test_tasks_in_one_process_are_bounded(self):
        self.service(["well"] * 50, run={"service": [PYTHON, "work.py"], "max_tasks": 7})
        self.taskfarm("c.json", "--slots", 2)
        pids = self.open("c.h5")["c/results/pid"][()].tolist()
        self.assertGreaterEqual(len(set(pids)), 8)
        self.assertLessEqual(max(pids.count(pid) for pid in pids), 7)

    @farm.first
    def test_what_goes_wrong_costs_its_own_task(self):
        does = ["well", "exit", "well", "crash", "hang", "well", "raise", "nonsense", "well", "float", "nothing", "close", "well"]
        messages = {
            1: "the service ended: exit status 3",
            3: "the service was killed by signal 11 (Segmentation fault)",
            4: "timeout after 3.0s",
            6: "ValueError: no 6",
            7: 'the service\'s answer is not one to this task: "not an answer"',
            9: 'column "square": 0.5 in the service\'s answer is no int64',
            10: 'column "square": no such member in the service\'s answer; it is empty',
            11: "the service has closed its standard output",
        }
        for ranks in (None, 3):
            self.service(does, timeout=3)  # a Python starts within that, on a busy machine too
            said = self.taskfarm("c.json", "--fresh", status=1, ranks=ranks).stderr
            self.assertIn(f"{len(does) - len(messages)} done, {len(messages)} failed", said)
            stage = self.open("c.h5")["c"]
            found = {i: text.decode() for i, text in enumerate(self.heap(stage, "message")) if text}
            self.assertEqual(found, messages)
            status = stage["task/status"][()]
            for n in range(len(does)):
                want = farm.TIMEOUT if n == 4 else farm.FAILED if n in messages else farm.DONE
                self.assertEqual(status[n], want, n)
                self.assertEqual(stage["results/square"][n], n * n if want == farm.DONE else 0)
                self.assertTrue(self.heap(stage, "stderr")[n].startswith(b"task %d\n" % n), n)
            self.assertIn(b"Traceback", self.heap(stage, "stderr")[6])
            ends = dict.fromkeys(range(len(does)), (0, 0))
            ends.update({1: (3, 0), 3: (-1, 11), 4: (-1, 9), 7: (-1, 9), 11: (-1, 9)})
            found = zip(stage["task/exit_code"][()].tolist(), stage["task/signal"][()].tolist())
            self.assertEqual(dict(enumerate(found)), ends)
            stage.file.close()

    @farm.first
    def test_a_task_that_failed_is_tried_again(self):
        self.service(["well", "once", "once", "well"], retries=1, retry_delay=0.1)
        self.taskfarm("c.json")
        stage = self.open("c.h5")["c"]
        self.assertEqual(stage["task/attempts"][()].tolist(), [1, 2, 2, 1])

    @farm.first
    def test_answers_that_are_none(self):
        says = {
            '{"index": I, "results": {"y": 1}}': None,
            '{"index": 99, "results": {"y": 1}}': "the service's answer is not one to this task",
            '{"results": {"y": 1}}': "the service's answer is not one to this task",
            '{"index": I}': "the service's answer is not one to this task",
            "[1]": "the service's answer is not one to this task",
            "": "the service's answer is not one to this task",
            '{"index": I, "results": {"y": 1}}\n{"index": I, "results": {"y": 2}}': "the service's answer is not one to this task",
            '{"index": I, "error": "no star"}': "no star",
            '{"index": I, "results": {"y": "x"}}': 'column "y": "x" in the service\'s answer is no float64',
            '{"index": I, "results": {"y": null}}': None,
            '{"index": I, "results": {}}': 'column "y": no such member in the service\'s answer; it is empty',
        }
        self.write("raw.py", RAW)
        self.write("c.json", {"over": {"says": list(says)}, "run": {"service": [PYTHON, "raw.py"]}, "results": {"y": "float64"}})
        self.taskfarm("c.json", status=1)
        stage = self.open("c.h5")["c"]
        for i, (message, found) in enumerate(zip(says.values(), self.heap(stage, "message"), strict=True)):
            self.assertTrue(found.decode().startswith(message) if message else not found, (i, found))
        self.assertEqual(stage["results/y"][0], 1)
        self.assertTrue(np.isnan(stage["results/y"][-1]) and np.isnan(stage["results/y"][-2]))

    @farm.first
    def test_all_types_there_and_back(self):
        self.write(
            "echo.py",
            """
import numpy as np
from taskfarm import serve

def echo(i, x, s, b, task):
    assert type(i) is int and type(x) is float and (x or str(x) == "-0.0") and type(s) is str and type(b) is bool
    assert task.params == dict(i=i, x=x, s=s, b=b) or x != x
    return dict(I=np.int64(i), X=np.float64(x), S=s, B=np.bool_(b), seed=task.seed, index=task.index, stage=task.stage,
                m=np.arange(6, dtype="i2").reshape(2, 3) + task.index, big=2**64 - 1 - task.index, files=list(task.inputs["a"]) + task.outputs)

serve(echo)
""",
        )
        texts = ["", "plain", 'say "x"', "back\\slash", "two\nlines\t\x01", "αé∞", "</s>"]
        numbers = [0.1, -0.0, 1e300, 5e-324, 1 / 3, 1e22, 123456789.125]
        rows = [{"i": (-1) ** k * 9007199254740991 // (k + 1), "x": numbers[k], "s": texts[k], "b": k % 2 == 0} for k in range(7)]
        results = {"I": "int64", "X": "float64", "S": "string", "B": "bool", "seed": "uint64", "index": "int32", "stage": "string"}
        results |= {"m": {"type": "int16", "shape": [2, 3]}, "big": "uint64"}
        self.write("in_0", "")
        self.write(
            "c.json",
            {
                "seed": 5,
                "over": [{"rows": rows}],
                "inputs": {"a": "in_0"},
                "outputs": ["out_{i}"],
                "run": {"service": ["sh", "-c", f"touch $(printf 'out_%s ' {' '.join(str(r['i']) for r in rows)}); exec {PYTHON} echo.py"]},
                "results": {k: v for k, v in results.items()},
            },
        )
        self.taskfarm("c.json", status=1)  # outputs made beforehand are taken away, and not made by tasks
        text = self.open("c.h5")["c/text/message"][()].tobytes().decode()
        self.assertIn("was not made", text)
        manifest = {"seed": 5, "over": [{"rows": rows}], "run": {"service": [PYTHON, "echo.py"]}, "results": results}
        self.write("echo.py", (self.folder / "echo.py").read_text().replace(', files=list(task.inputs["a"]) + task.outputs', ""))
        self.write("d.json", manifest)
        self.write("s.json", {"name": "d", "seed": 5, "output": "s.h5", "over": [{"rows": rows}], "run": {"command": ["echo", '{{"seed": "{seed}"}}']}, "results": {"seed": "uint64"}})
        self.taskfarm("d.json", ranks=3)
        self.taskfarm("s.json")
        stage = self.open("d.h5")["d"]
        for k, row in enumerate(rows):
            self.assertEqual(stage["results/I"][k], row["i"])
            self.assertEqual(stage["results/X"][k], row["x"])
            self.assertEqual(stage["results/S"][k].decode(), row["s"])
            self.assertEqual(stage["results/B"][k], row["b"])
            self.assertEqual(stage["results/m"][k].tolist(), (np.arange(6).reshape(2, 3) + k).tolist())
            self.assertEqual((stage["results/big"][k], stage["results/index"][k]), (2**64 - 1 - k, k))
        self.assertEqual(stage["results/seed"][()].tolist(), self.open("s.h5")["d/results/seed"][()].tolist())

    def test_files_and_folders(self):
        self.write("there/a", "first")
        self.write("there/b", "second")
        self.write(
            "there/join.py",
            "import os\nfrom taskfarm import serve\n"
            "def join(task):\n"
            "    with open(task.outputs[0], 'w') as out:\n"
            "        out.write(open(task.inputs['x'][0]).read() + open(task.inputs['y'][0]).read() + os.environ['WORD'])\n"
            "    return {'cwd': os.getcwd(), 'stage': os.environ['TASKFARM_STAGE']}\n"
            "serve(join)\n",
        )
        run = {"service": [PYTHON, "{script}"], "cwd": "there", "env": {"WORD": "{word}"}}
        stage = {"inputs": {"x": "there/a", "y": "there/b"}, "outputs": ["joined"], "run": run, "results": {"cwd": "string", "stage": "string"}}
        self.write("c.json", stage | {"variables": {"script": "join.py", "word": "!"}})
        self.taskfarm("c.json")
        self.assertEqual((self.folder / "joined").read_text(), "firstsecond!")
        results = self.open("c.h5")["c/results"]
        self.assertEqual(results["cwd"][0].decode(), str(self.folder.resolve() / "there"))
        self.assertEqual(results["stage"][0], b"c")

    def processes(self):
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if str(self.folder).encode() in file.read():
                        found.append(int(entry))
            except (OSError, ValueError):
                pass
        return found

    @farm.first
    def test_nothing_outlives_the_run(self):
        self.write("work.py", SERVICE)
        run = {"service": [PYTHON, str(self.folder / "work.py")]}
        self.write("c.json", {"over": {"n": {"range": [4]}, "does": ["well", "hang"]}, "run": run, "results": {"square": "int64"}})
        for end in (signal.SIGKILL, signal.SIGUSR1):
            farmed = self.start("c.json", "--fresh", "--slots", 2, "--grace", "0.1")
            self.addCleanup(farm.kill_all, farmed)
            self.wait_for(lambda: len(self.processes()) >= 2, "services do not start")
            time.sleep(0.3)  # now they hang
            farmed.send_signal(end)
            self.assertEqual(farmed.wait(60), -9 if end == signal.SIGKILL else 75)
            self.wait_for(lambda: not self.processes(), "services are left")
        with h5py.File(self.folder / "c.h5") as file:
            self.assertNotIn(farm.FAILED, file["c/task/status"][()].tolist())

    @farm.first
    def test_a_campaign_goes_on(self):
        self.service(["well"] * 5 + ["exit"] + ["well"] * 5)
        self.taskfarm("c.json", status=1)
        self.service(["well"] * 11)
        self.assertIn("11 done, 0 failed, 10 of them before", self.taskfarm("c.json", ranks=2).stderr)

    def test_wrong_manifests(self):
        self.write("data.txt", "")
        for run, message in (
            ({"service": 5}, "/run/service: must be a list of arguments or a string for the shell, not a number"),
            ({"service": " "}, "/run/service: the command is empty"),
            ({"service": "exec python3 work.py {n}"}, "/run/service: unknown placeholder"),
            ({"service": []}, "/run/service: the command is empty"),
            ({"service": ["no_such_program"]}, '/run/service/0: there is no program "no_such_program" in PATH'),
            ({"service": ["./data.txt"]}, "/run/service/0: can't run ./data.txt: it is not an executable file"),
            ({"service": ["sh", "{n}"]}, "/run/service/1: "),
            ({"service": ["sh"], "max_tasks": 0}, "/run/max_tasks: must be a positive integer"),
            ({"service": ["sh"], "stdin": "x"}, '/run/stdin: "stdin" goes with a command, not with a service'),
            ({"command": ["sh"], "max_tasks": 2}, '/run/max_tasks: "max_tasks" goes with a service, not with a command'),
            ({"expr": {"y": "1"}, "cwd": "/"}, '/run/cwd: "cwd" goes with a command, a service or a Python function, not with an expr'),
        ):
            self.write("c.json", {"over": {"n": [1]}, "run": run})
            said = self.taskfarm("check", "c.json", status=2).stderr
            self.assertTrue(said.startswith(f"c.json: {message}"), said)

    def test_blocks_are_for_others(self):
        """Those of "arrays" would never be handed over; a column that is an array is answered block by block."""
        over = {"b": {"blocks": {"shape": [5], "chunk": [2]}}}
        for kind, run in (("service", {"service": ["cat"]}), ("command", {"command": ["cat"]})):
            self.write("c.json", {"over": over, "arrays": {"x": "in.h5:/x"}, "run": run})
            said = self.taskfarm("check", "c.json", status=2).stderr
            self.assertEqual(
                said,
                f"c.json: /arrays: blocks are handed to functions and expressions alone: let the {kind} read the array itself, at the place "
                f"that the parameters of the axis of blocks say{'; what it answers may be blocks' if kind == 'service' else ''}\n",
            )
        self.write("work.py", "from taskfarm import serve\nserve(lambda b_start, b_count: {'y': [b_start + i for i in range(b_count)]})\n")
        self.write("c.json", {"over": over, "run": {"service": [PYTHON, "work.py"]}, "results": {"y": {"type": "int32", "array": "b"}}})
        self.taskfarm("c.json")
        self.assertEqual(self.open("c.h5")["c/results/y"][()].tolist(), [0, 1, 2, 3, 4])

    def test_blocks_at_the_ends_of_an_array_are_shorter(self):
        over = {"b": {"blocks": {"shape": [3, 5], "chunk": [2, 2]}}}
        rows = "[[10 * (b_start_0 + i) + b_start_1 + j for j in range(b_count_1)] for i in range(b_count_0)]"
        self.write("work.py", f"from taskfarm import serve\nserve(lambda b_start_0, b_start_1, b_count_0, b_count_1: {{'y': {rows}}})\n")
        self.write("c.json", {"over": over, "run": {"service": [PYTHON, "work.py"]}, "results": {"y": {"type": "int32", "array": "b"}}})
        self.taskfarm("c.json")
        self.assertEqual(self.open("c.h5")["c/results/y"][()].tolist(), [[10 * i + j for j in range(5)] for i in range(3)])

    def test_a_service_can_be_a_line_for_the_shell(self):
        self.write("the work.py", SERVICE)
        self.service(["well"] * 3, variables={"script": "the work.py", "python": PYTHON}, run={"service": "WORD=1 && exec {python} {script} 2>/dev/null"})
        self.taskfarm("c.json", ranks=2)
        self.assertEqual(self.open("c.h5")["c/results/square"][()].tolist(), [0, 1, 4])
        self.service(["well"] * 3, run={"service": "exec nothing_of_that_name"})
        self.assertIn("nothing_of_that_name: not found", self.taskfarm("c.json", "--fresh", status=1).stderr)

    def test_a_very_long_error_is_cut_in_the_middle(self):
        long = "head " + "\u00e9" * 10_000_000 + " tail"
        self.write("raw.py", f"import json, sys\nfor line in sys.stdin:\n    print(json.dumps({{'index': 0, 'error': 'head ' + chr(0xe9) * 10_000_000 + ' tail'}}), flush=True)\n")
        self.write("c.json", {"run": {"service": [PYTHON, "raw.py"]}})
        self.taskfarm("c.json", status=1)
        message = self.heap(self.open("c.h5")["c"], "message")[0].decode()
        left = len(long.encode()) - len(message.encode()) + len("\n[... 19983626 bytes left out ...]\n")
        self.assertRegex(message, f"^head \u00e9+\n\\[\\.\\.\\. {left} bytes left out \\.\\.\\.\\]\n\u00e9+ tail$")
        self.assertLess(len(message.encode()), 17_000)
        self.assertIn("bytes left out ...]", self.taskfarm("show", "c.h5", 0).stdout)

    def test_try_and_show(self):
        self.service(["well"] * 3)
        self.assertIn("square = 4", self.taskfarm("try", "c.json", 2).stdout)
        self.taskfarm("c.json")
        self.assertIn(f"  {PYTHON} work.py", self.taskfarm("show", "c.h5", 2).stdout)


# Each start leaves a line. It works where and when the text in START says so.
START = """
import os, sys
from taskfarm import serve

with open("starts", "a") as file:
    file.write("start\\n")

def rank():  # of the process that has started the host
    with open(f"/proc/{os.getppid()}/environ", "rb") as file:
        names = dict(word.split(b"=", 1) for word in file.read().split(b"\\0") if b"=" in word)
    return int(names.get(b"OMPI_COMM_WORLD_RANK", names.get(b"PMI_RANK", 0)))

CONDITION

def work(n):
    return {"square": n * n}

serve(work)
"""

MISSING = "import no_such_numpy"


class Starts(farm.FarmTest):
    """Services that do not start: the tasks are not to blame."""

    def service(self, condition, **more):
        self.write("work.py", START.replace("CONDITION", condition))
        (self.folder / "starts").unlink(missing_ok=True)
        run = {"service": [PYTHON, "work.py"]}
        self.write("c.json", {"over": {"n": {"range": [60]}}, "run": run, "results": {"square": "int64"}} | more)

    def starts(self):
        return len((self.folder / "starts").read_text().splitlines())

    def check_whole(self, stage):
        self.assertEqual(stage["results/square"][()].tolist(), [n * n for n in range(60)])
        self.assertTrue((stage["task/attempts"][()] == 1).all(), "no start has cost an attempt")

    @farm.first
    def test_where_none_does_the_stage_stops(self):
        message = (
            "  stopped c: the service ended before it read a task: exit status 1\n"
            "    Traceback (most recent call last):\n"
            f'      File "{self.folder.resolve()}/work.py", line 13, in <module>\n'
            "        import no_such_numpy\n"
        )
        why = "    ModuleNotFoundError: No module named 'no_such_numpy'\n"
        for ranks, slots in ((None, 1), (None, 3), (2, 1), (3, 2)):
            with self.subTest(ranks=ranks):
                self.service(MISSING)
                said = self.taskfarm("c.json", "--fresh", "--slots", slots, ranks=ranks, status=1).stderr
                self.assertIn("c: 0 done, 0 failed, 60 not run in ", said)
                self.assertIn(message, said)
                self.assertIn(why, said)
                self.assertIn("  once that is mended the same command line goes on\n", said)
                self.assertLessEqual(self.starts(), (2 + slots) * max(1, (ranks or 1) - 1))
                told = self.taskfarm("status", "c.h5").stdout
                self.assertTrue(told.startswith("c.h5: stopped after "), told)
                self.assertIn(message, told)
                [stop] = json.loads(self.taskfarm("status", "--json", "c.h5").stdout)["stopped"]
                self.assertEqual(stop["stage"], "c")
                self.assertTrue(stop["why"].endswith("No module named 'no_such_numpy'\n"), stop)
                self.taskfarm("report", "c.h5")
                self.assertIn("No module named 'no_such_numpy'", (self.folder / "c.html").read_text())
                self.service("")  # mended
                self.assertIn("60 done, 0 failed", self.taskfarm("c.json", ranks=ranks).stderr)
                self.check_whole(self.open("c.h5")["c"])
                self.assertNotIn("stopped", self.taskfarm("status", "c.h5").stdout)

    def test_one_that_serves_nothing(self):
        self.write("work.py", "def work(n): return {}\n")
        self.write("c.json", {"over": {"n": [1, 2]}, "run": {"service": [PYTHON, "work.py"]}})
        why = "the service ended before it read a task: exit status 0; does its script call serve?\n"
        self.assertIn(f"  stopped c: {why}", self.taskfarm("c.json", status=1).stderr)
        self.assertIn(f"  stopped c: {why}", self.taskfarm("status", "c.h5").stdout)

    def test_try_shows_it(self):
        self.service(MISSING)
        shown = self.taskfarm("try", "c.json", 0, status=1).stdout
        self.assertIn("  ModuleNotFoundError: No module named 'no_such_numpy'\n", shown)
        self.assertIn("  the service ended before it read a task: exit status 1\n", shown)

    @farm.first
    def test_a_rank_that_lacks_something_leaves_its_tasks_to_the_others(self):
        self.service(f"if rank() == 1: {MISSING}")
        said = self.taskfarm("c.json", "--slots", 2, ranks=3).stderr
        self.assertRegex(
            said,
            'taskfarm: rank 1 on .* gets no more tasks of stage "c": the service ended before it read a task: exit status 1; '
            "ModuleNotFoundError: No module named 'no_such_numpy'\n",
        )
        self.assertIn("60 done, 0 failed", said)
        self.check_whole(self.open("c.h5")["c"])

    def test_a_start_that_fails_now_and_then_costs_nothing(self):
        self.service('if len(open("starts").readlines()) in (1, 2, 4): sys.exit("not now")', run={"service": [PYTHON, "work.py"], "max_tasks": 25}, retries=1)
        said = self.taskfarm("c.json", "--slots", 1).stderr
        self.assertIn("60 done, 0 failed", said)

    def test_other_stages_go_on(self):
        """But for those behind it; and with on_failure "stop" none does."""
        self.service(MISSING)
        broken = json.loads((self.folder / "c.json").read_text())
        well = {"over": {"n": {"range": [3]}}, "run": {"expr": {"y": "n + 1"}}}
        stages = [
            {"name": "sim"} | broken,
            {"name": "other"} | well,
            {"name": "behind", "after": ["sim"]} | well,
            {"name": "of", "over": {"row": {"from": "sim"}}, "run": {"expr": {"y": "square + 1"}}},
        ]
        for policy, others in (("continue", farm.DONE), ("stop", None)):
            for ranks in (None, 3):
                with self.subTest(policy=policy, ranks=ranks):
                    self.service(MISSING)
                    self.write("c.json", {"defaults": {"on_failure": policy}, "stages": stages})
                    said = self.taskfarm("c.json", "--fresh", ranks=ranks, status=1).stderr
                    self.assertIn("  stopped sim: ", said)
                    with h5py.File(self.folder / "c.h5") as file:
                        self.assertFalse(file["sim/task/status"][()].any())
                        self.assertFalse({"behind", "of"} & set(file))
                        if others is not None:
                            self.assertTrue((file["other/task/status"][()] == others).all())
                    self.service("")
                    self.write("c.json", {"defaults": {"on_failure": policy}, "stages": stages})
                    self.taskfarm("c.json", ranks=ranks)
                    file = self.open("c.h5")
                    self.check_whole(file["sim"])
                    self.assertEqual(file["of/results/y"][()].tolist(), [n * n + 1 for n in range(60)])
                    file.close()

    def test_files_of_tasks_that_wait_behind_it_are_not_made(self):
        self.service(MISSING)
        first = json.loads((self.folder / "c.json").read_text()) | {"name": "make", "outputs": "{n}.txt"}
        then = {"name": "read", "over": {"n": {"range": [60]}}, "inputs": "{n}.txt", "outputs": "{n}.sum", "run": {"command": "wc <{n}.txt >{n}.sum"}}
        self.write("c.json", {"stages": [first, then]})
        self.assertIn("120 not run", self.taskfarm("c.json", status=1, ranks=3).stderr)
        self.assertEqual(list(self.folder.glob("*.txt")) + list(self.folder.glob("*.sum")), [])
        made = START.replace("CONDITION", "").replace("def work(n):", "def work(n, task):\n    open(task.outputs[0], 'w').close()")
        self.write("work.py", made)
        self.assertIn("120 done, 0 failed", self.taskfarm("c.json", ranks=3).stderr)

    @farm.first
    def test_tasks_that_kill_their_service_do(self):
        """It has read them: so it has started."""
        self.service("")
        self.write("work.py", START.replace("CONDITION", "").replace("def work(n):", "def work(n):\n    if n < 5: os._exit(3)"))
        said = self.taskfarm("c.json", "--slots", 1, status=1).stderr
        self.assertIn("55 done, 5 failed", said)
        self.assertEqual(self.heap(self.open("c.h5")["c"], "message")[0], b"the service ended: exit status 3")


class Check(farm.FarmTest):
    """check starts a service once, and ends it."""

    def check(self, script, expected=None, *options, run=None, **more):
        self.write("work.py", script)
        manifest = {"over": {"n": {"range": [3]}}, "run": {"service": [PYTHON, "work.py"]} if run is None else run} | more
        self.write("c.json", manifest)
        done = self.taskfarm("check", "c.json", *options, status=2 if expected else 0)
        if expected:
            self.assertEqual(done.stderr, f"c.json: {expected}\n")
        else:
            self.assertTrue(done.stdout.startswith("c.json: all right\n"), done)
        return done

    serving = "from taskfarm import serve\ndef work(n, more=1): return {}\n"

    @farm.first
    def test_says_what_is_wrong_with_it(self):
        self.check(self.serving + "serve(work)\n")
        self.check(self.serving.replace("more=1", "task") + "serve(work)\n")
        self.check(self.serving.replace("n, more=1", "**all") + "serve(work)\n")
        self.check(self.serving, "/run/service: the service does not wait for a task, it ends; does its script call serve?")
        wrong = "/run/service: the function can't be called with the stage's parameters: work"
        self.check(self.serving.replace("n, more=1", "x, n") + "serve(work)\n", wrong + "(x, n): missing a required argument: 'x'")
        self.check(self.serving.replace("n, more=1", "") + "serve(work)\n", wrong + "(): got an unexpected keyword argument 'n'")
        self.check("import no_such_numpy\n", "/run/service: the service ends before it has a task: exit status 1; ModuleNotFoundError: No module named 'no_such_numpy'")
        self.check("import os\nos.kill(os.getpid(), 11)", "/run/service: the service was killed by signal 11 (Segmentation fault) before it had a task")
        self.check(
            "print('Welcome', flush=True)\ninput()",
            '/run/service: the service writes "Welcome" to its standard output, and has no task yet: answers belong there',
        )

    def test_of_other_services_only_an_early_end_is_wrong(self):
        self.check("import sys\nfor line in sys.stdin: pass\n")
        self.check("", run={"service": "n=0; while read -r line; do n=1; done"})
        self.check("", "/run/service: the service ends before it has a task: exit status 3", run={"service": ["sh", "-c", "exit 3"]})

    def test_it_has_its_environment_and_folder_and_leaves_nothing(self):
        (self.folder / "there").mkdir()
        self.write("there/work.py", "import os, subprocess\nassert os.environ['WORD'] == '!'\nsubprocess.Popen(['sleep', '1000.5'])\n" + self.serving + "serve(work)\n")
        self.check("", run={"service": [PYTHON, "work.py"], "cwd": "there", "env": {"WORD": "!"}})
        self.wait_for(lambda: not any(b"1000.5" in line for line in self.command_lines()), "what it has started is left")
        self.assertFalse((self.folder / "c.h5").exists())

    def test_it_leaves_nothing_in_another_session(self):
        """What has left the service's group and its parents is ended all the same, before check ends."""
        mark = str(self.folder)
        fork = "import os, subprocess, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)\nos.wait()\n"
        self.check(f"{fork}subprocess.Popen(['setsid', 'sh', '-c', 'sleep 1000; true', {mark!r}])\n" + self.serving + "serve(work)\n", run={"service": [PYTHON, str(self.folder / "work.py")]})
        self.assertEqual([line for line in self.command_lines() if mark.encode() in line], [])

    def test_interrupted_it_ends_what_it_has_started(self):
        """As by a user who does not wait for a service that gives no sign."""
        mark = str(self.folder)
        self.write("work.py", f"import subprocess, time\nsubprocess.Popen(['setsid', 'sh', '-c', 'sleep 1000; true', {mark!r}])\nopen('up', 'w')\ntime.sleep(1000)\n")
        self.write("c.json", {"over": {"n": {"range": [3]}}, "run": {"service": [PYTHON, str(self.folder / "work.py")]}})
        for number in (signal.SIGINT, signal.SIGTERM):
            check = subprocess.Popen(self.command("check", "c.json"), cwd=self.folder, env=farm.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.wait_for((self.folder / "up").exists, "the service is up")
            check.send_signal(number)
            self.assertEqual(check.wait(self.limit), -number)
            self.assertEqual([line for line in self.command_lines() if mark.encode() in line], [])
            (self.folder / "up").unlink()

    def test_what_was_there_before_stays(self):
        """Children that a shell had before it became check."""
        self.check(self.serving + "serve(work)\n")
        script = 'sleep 1000 >/dev/null 2>&1 & echo $!; exec "$@" >/dev/null'
        done = subprocess.run(["sh", "-c", script, "sh", *self.command("check", "c.json")], cwd=self.folder, env=farm.environment(), stdout=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(done.returncode, 0)
        os.kill(int(done.stdout), signal.SIGKILL)

    def test_one_that_gives_no_sign(self):
        done = self.check("import time\ntime.sleep(1000)\n")
        self.assertEqual(done.stderr, "c.json: /run/service: warning: the service did not ask for a task within 20 s; does its script call serve?\n")

    def command_lines(self):
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    yield file.read()
            except OSError:
                pass

    @farm.first
    def test_unless_told_not_to(self):
        script = "open('started', 'w')\n" + self.serving
        self.check(script, None, "--no-start")
        self.assertFalse((self.folder / "started").exists())
        found = json.loads(self.taskfarm("check", "--json", "c.json", status=2).stdout)
        self.assertTrue((self.folder / "started").exists())
        self.assertEqual((found["right"], [d["id"] for d in found["diagnostics"]]), (False, ["service-fails"]))
        self.assertNotIn("stages", found)

    @farm.first
    def test_scripts_that_are_not_there(self):
        for run, key in (
            ({"command": [PYTHON, "simm.py", "{n}"]}, "command"),
            ({"command": ["sh", "simm.py"]}, "command"),
            ({"service": [PYTHON, "-u", "simm.py"]}, "service"),
        ):
            self.check("", f"/run/{key}: there is no script simm.py", run=run)
        (self.folder / "there").mkdir()
        self.check("", "/run/command: there is no script there/simm.py", run={"command": [PYTHON, "simm.py"], "cwd": "there"})
        self.check("", run={"command": "echo >simm.py; python3 simm.py"})  # made by the very line
        self.check("", run={"command": [PYTHON, "{n}.py"]})
        self.check("", run={"command": [PYTHON, "-c", "pass"]})

    @farm.first
    def test_a_run_refuses_scripts_that_are_not_there(self):
        for ranks in (None, 2):
            self.write("c.json", {"over": {"n": {"range": [3]}}, "run": {"command": [PYTHON, "simm.py", "{n}"]}})
            said = self.taskfarm("c.json", ranks=ranks, status=2).stderr
            self.assertTrue(said.startswith("c.json: /run/command: there is no script simm.py\n"), said)
            self.assertFalse((self.folder / "c.h5").exists())
        write = {"name": "write", "run": {"command": "echo pass >made.py"}}
        self.write("c.json", {"stages": [write, {"name": "run", "after": ["write"], "run": {"command": [PYTHON, "made.py"]}}]})
        self.taskfarm("c.json")

    def test_scripts_that_stages_write(self):
        """Before they have run, nothing can be said of these."""
        write = {"name": "write", "run": {"command": ["true"]}}
        run = {"name": "run", "run": {"service": [PYTHON, "made.py"]}}
        self.write("c.json", {"stages": [write, run | {"after": ["write"]}]})
        self.taskfarm("check", "c.json")
        self.write("c.json", {"stages": [write, run]})
        self.assertEqual(self.taskfarm("check", "c.json", status=2).stderr, "c.json: /stages/1/run/service: there is no script made.py\n")

    def test_what_may_need_other_stages_is_a_warning(self):
        self.write("work.py", "open('of_the_first_stage')\n")
        stages = [{"name": "a", "run": {"command": ["touch", "of_the_first_stage"]}}, {"name": "b", "after": ["a"], "run": {"service": [PYTHON, "work.py"]}}]
        self.write("c.json", {"stages": stages})
        said = self.taskfarm("check", "c.json").stderr
        self.assertIn("c.json: /stages/1/run/service: warning: the service ends before it has a task: exit status 1; FileNotFoundError: ", said)

    def test_functions_whose_setup_wants_other_parameters(self):
        self.check("", '/run/function: argument "seconds" must be a number', run={"function": "builtin:sleep", "args": {"seconds": "x"}})
        self.check("", None, "--no-start", run={"function": "builtin:sleep", "args": {"seconds": "x"}})


class Examples(farm.FarmTest):
    def test_in_other_languages(self):
        for name in ("shell", "c"):
            self.taskfarm(farm.example("services") / f"{name}.json", "--output", f"{name}.h5", ranks=2)
            stage = self.open(f"{name}.h5")[f"squares_by_{name}"]
            self.assertEqual(stage["results/square"][()].tolist(), [n * n for n in range(100)])
            if name == "shell":
                self.assertEqual(self.heap(stage, "stderr")[7], b"squaring 7\n")

    def test_spectra_with_numpy(self):
        lists = "../spectra/data/oke1990/*.dat"
        self.taskfarm(farm.example("pyservice") / "manifest.json", "--set", f"spectra={lists}", "--output", "a.h5", "--slots", 2)
        self.taskfarm(farm.example("pyservice") / "manifest.json", "--set", f"spectra={lists}", "--output", "b.h5", ranks=3)
        self.assertEqual(farm.digest(self.folder / "a.h5"), farm.digest(self.folder / "b.h5"))
        self.taskfarm(farm.example("spectra") / "by_command.json", "--set", f"spectra={lists[11:]}", "--output", "c.h5")
        mine, theirs = self.open("a.h5")["measure/results"], self.open("c.h5")["measure/results"]
        self.assertEqual(mine["points"][()].tolist(), theirs["points"][()].tolist())
        np.testing.assert_allclose(mine["slope"][()], theirs["slope"][()], rtol=1e-9)


if __name__ == "__main__":
    farm.main()
