"""Tasks that take longer than they would elsewhere are started a second time: one row comes of both starts, and nothing is
left of the other."""

import json
import os
import pathlib
import signal
import unittest

import farm
import h5py
from farm import digest

# On the slow node a start leaves its process's number, and never ends; elsewhere a task takes a moment.
HELD_UP = 'if test "$NODE" = slow; then echo {scratch} >scratch_{index}; touch pid_{index}_$$; exec sleep 1000; fi; sleep 0.05; '
ANSWER = "echo '{{\"y\": '{i}'}}'; echo done by ${{NODE:-a good node}} >&2"

SERVICE = """
import json, os, pathlib, sys, time
for line in sys.stdin:
    task = json.loads(line)
    if os.environ.get("NODE") == "slow":
        pathlib.Path(f"pid_{task['index']}_{os.getpid()}").touch()
        time.sleep(1000)
    time.sleep(0.05)
    print(json.dumps({"index": task["index"], "results": {"y": task["index"]}}), flush=True)
"""

FUNCTION = """
import os, pathlib, time

def held_up(i):
    if os.environ.get("NODE") == "slow":
        pathlib.Path(f"pid_{i}_{os.getpid()}").touch()
        time.sleep(1000)
    time.sleep(0.05)
    return {"y": i}
"""


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


@farm.first
class SecondStarts(farm.FarmTest):
    limit = 120
    slow = 1  # the last ranks of several are on nodes that are slow: so many
    recovery = False

    def command(self, *arguments, ranks=None):
        command = super().command(*arguments, ranks=ranks)
        if not ranks or not self.slow:
            return command
        program = command[3:]
        how = ["--enable-recovery"] if self.recovery else []
        return [command[0], *how, command[1], str(ranks - self.slow), *program, ":", "-n", str(self.slow), "env", "NODE=slow", *program]

    def manifest(self, run, tasks=6, **more):
        stage = {"over": {"i": {"range": [tasks]}}, "run": run, "results": {"y": "int64"}, "speculative": True}
        self.write("m.json", stage | more)

    def held_up(self):
        """Tasks that were begun on the slow node, and in which processes."""
        return [tuple(map(int, path.name.split("_")[1:])) for path in self.folder.glob("pid_*")]

    def notice(self):
        with h5py.File(self.folder / "m.h5") as file:
            (notice,) = json.loads(file.attrs["runs"])[-1]["notices"]
        return notice

    def check_nothing_is_left(self):
        for _, pid in self.held_up():
            self.wait_for(lambda: not is_alive(pid), "a start that was left goes on")
        for path in self.folder.glob("scratch_*"):
            self.assertFalse(pathlib.Path(path.read_text().strip()).exists())

    def check_same_as_alone(self):
        """A run of one rank gives the same. Texts tell by whom they were written."""
        self.slow = 0
        self.taskfarm("m.json", "--output", "one.h5")
        self.assertEqual(digest(self.folder / "m.h5"), digest(self.folder / "one.h5"))

    def check_second_start_is_first(self, run, **more):
        self.manifest(run, **more)
        result = self.taskfarm("m.json", ranks=3)
        task = self.held_up()[0][0]
        why = rf"a task takes longer than it would elsewhere and is started a second time: m\[i={task}\] of rank 2 on \S+"
        self.assertRegex(result.stderr, rf'taskfarm: stage "m": {why}\n')
        told = rf"1 of 1 tasks that were started a second time was done by the second start; the first: m\[i={task}\] of rank 2 on \S+"
        self.assertRegex(result.stderr, rf'stage "m": {told}\n')
        self.assertRegex(result.stderr, "m: 6 done, 0 failed in ")
        notice = self.notice()
        self.assertEqual((notice["id"], notice["count"], notice["of"]), ("second-starts", 1, 1))
        self.assertIn(notice["text"], self.taskfarm("status", "m.h5").stdout)
        with h5py.File(self.folder / "m.h5") as file:
            self.assertEqual(set(file["m/task/attempts"][()]), {1})
        self.check_nothing_is_left()
        self.check_same_as_alone()

    def test_of_a_command(self):
        self.check_second_start_is_first({"command": HELD_UP + ANSWER})

    def test_of_a_service(self):
        self.write("work.py", SERVICE)
        self.check_second_start_is_first({"service": ["/usr/bin/python3", "work.py"]})

    def test_of_a_function(self):
        self.check_second_start_is_first({"function": f"{farm.BUILD}/tests/libtest_plugin.so:held_up"}, record="full")

    def test_of_a_python_function(self):
        self.write("work.py", FUNCTION)
        self.check_second_start_is_first({"python": "work.py:held_up", "interpreter": "/usr/bin/python3"})

    # ---- Both starts are under way ----

    def meet(self, second, after="", **more):
        """The slow node's task waits until its second start is there, which is `second`."""
        slow = "touch mine_{index}; while test ! -e again_{index}; do sleep 0.01; done; sleep 0.2"
        other = f"test ! -e mine_{{index}} || {{{{ touch again_{{index}}; {second}; }}}}"
        command = f'if test "$NODE" = slow; then {slow}; {after or ":"}; else {other}; sleep 0.05; fi; '
        self.manifest({"command": command + ANSWER}, **more)

    def test_that_are_not_first_leave_nothing(self):
        self.meet("touch pid_{index}_$$; exec sleep 1000")
        result = self.taskfarm("m.json", ranks=3)
        notice = self.notice()
        self.assertEqual((notice["count"], notice["of"]), (0, 1))
        self.assertRegex(result.stderr, r'stage "m": 0 of 1 tasks that were started a second time were done by the second start; the first: ')
        ((task, _),) = self.held_up()
        self.check_nothing_is_left()
        stage = self.open("m.h5")["m"]
        self.assertEqual(self.heap(stage, "stderr")[task], b"done by slow\n")
        self.assertEqual(stage["task/worker"][task], 2)
        self.assertEqual(stage["results/y"][()].tolist(), list(range(6)))

    def test_that_fail_count_for_nothing_while_the_first_goes_on(self):
        self.meet("echo no >&2; exit 3")
        result = self.taskfarm("m.json", ranks=3)
        self.assertRegex(result.stderr, "m: 6 done, 0 failed in ")
        self.assertNotIn("exit status 3", result.stderr)
        stage = self.open("m.h5")["m"]
        self.assertNotIn(b"no\n", self.heap(stage, "stderr"))
        self.assertEqual(set(stage["task/attempts"][()]), {1})

    def test_that_both_fail_are_one_attempt(self):
        self.meet("exit 3", after="exit 3", retries=1)
        result = self.taskfarm("m.json", ranks=3, status=1)
        self.assertRegex(result.stderr, "m: 5 done, 1 failed in ")
        self.assertRegex(result.stderr, r"  failed m\[\d\]: exit status 3\n")
        stage = self.open("m.h5")["m"]
        self.assertEqual(sorted(stage["task/attempts"][()]), [1, 1, 1, 1, 1, 2])

    def test_are_killed_with_all_others_and_their_tasks_go_on(self):
        self.meet("touch pid_{index}_$$; exec sleep 1000", after="exec sleep 1000")
        run = self.start("m.json", ranks=3)
        self.wait_for(self.held_up, "no task was started a second time")
        farm.kill_all(run)
        self.wait_for(lambda: not farm.lock_is_held(self.folder / "m.h5.d/lock"), "a process of the run goes on")
        ((task, _),) = self.held_up()
        self.check_nothing_is_left()
        self.slow = 0
        for path in self.folder.glob("mine_*"):
            path.unlink()
        self.taskfarm("m.json", ranks=3)
        with h5py.File(self.folder / "m.h5") as file:
            self.assertEqual(set(file["m/task/status"][()]), {farm.DONE})
            self.assertEqual(file["m/task/attempts"][task], 1)
        self.check_same_as_alone()

    @unittest.skipIf(farm.MPICH, "MPICH's mpiexec can't let the others live")
    def test_outlive_the_rank_of_either(self):
        self.recovery = True
        wait = "while test ! -e released; do sleep 0.01; done"
        for first_dies in (True, False):
            self.meet(f"touch pid_{{index}}_$$; {wait}", after=wait)
            run = self.start("m.json", "--fresh", ranks=4)
            self.wait_for(self.held_up, "no task was started a second time")
            ((task, pid),) = self.held_up()
            ranks = farm.ranks_of(run)
            second = next(rank for rank in (1, 2) if pid in farm.descendants(ranks[rank]))
            os.kill(ranks[3 if first_dies else second], signal.SIGKILL)
            self.wait_for(lambda: "has died" in (self.folder / "stderr").read_text(), "the death is not noticed")
            self.write("released", "")
            run.wait(self.limit)
            with h5py.File(self.folder / "m.h5") as file:
                self.assertEqual(file["m/results/y"][()].tolist(), list(range(6)))
                self.assertEqual(set(file["m/task/attempts"][()]), {1})
                self.assertEqual(file["m/task/worker"][task], second if first_dies else 3)
            for path in [*self.folder.glob("*_*"), self.folder / "released"]:
                path.unlink()

    def test_end_with_a_run_that_is_to_end(self):
        """What is under way twice is open then, and nothing goes on."""
        self.meet("touch pid_{index}_$$; exec sleep 1000", after="exec sleep 1000")
        run = self.start("m.json", "--grace", "0.1s", ranks=3)
        self.wait_for(self.held_up, "no task was started a second time")
        farm.ask_to_stop(run)
        self.assertIn(run.wait(60), (0, 75) if farm.MPICH else (75,))
        self.check_nothing_is_left()
        with h5py.File(self.folder / "m.h5") as file:
            self.assertEqual(sorted(set(file["m/task/status"][()])), [0, farm.DONE])

    # ---- Where there are none ----

    def test_are_made_of_no_stage_that_does_not_ask_for_them(self):
        """Nor is what a slow worker has not begun given to others."""
        wait = 'if test "$NODE" = slow; then sleep 2; fi; sleep 0.02; '
        self.manifest({"command": wait + ANSWER}, speculative=False)
        self.taskfarm("m.json", ranks=3)
        with h5py.File(self.folder / "m.h5") as file:
            self.assertNotIn("notices", json.loads(file.attrs["runs"])[-1])
            self.assertIn(2, file["m/task/worker"][()])

    def test_change_no_fingerprint(self):
        self.slow = 0
        self.manifest({"command": ANSWER})
        self.taskfarm("m.json")
        self.manifest({"command": ANSWER}, speculative=False)
        self.assertRegex(self.taskfarm("m.json").stderr, "nothing was to be done")


@farm.first
class Manifests(farm.FarmTest):
    def test_say_that_a_stage_is_speculative(self):
        stages = [
            {"name": "a", "run": {"command": "true"}},
            {"name": "b", "run": {"expr": {"y": "1.0"}}},
        ]
        self.write("m.json", {"defaults": {"speculative": True}, "stages": stages})
        told = self.taskfarm("check", "m.json").stdout
        self.assertEqual(told.count("  speculative: tasks that take too long are started a second time\n"), 1, "an expression has none")
        a, b = json.loads(self.taskfarm("check", "m.json", "--json").stdout)["stages"]
        self.assertEqual((a.get("speculative"), b.get("speculative")), (True, None))

    def test_are_refused_where_two_starts_would_write_the_same(self):
        def refused(why, **stage):
            self.write("m.json", {"speculative": True} | stage)
            told = self.taskfarm("check", "m.json", status=2).stderr
            self.assertIn(f"m.json: /speculative: {why}\n", told)

        command = {"command": "true >{outputs}"}
        refused('a task with "outputs" can\'t be started a second time: both starts would write to the same files', run=command, outputs="o")
        refused(
            'a task with a "log" can\'t be started a second time: both starts would write to the same file',
            run={"command": "true"},
            log="l",
        )
        self.write("work.py", "def f(i):\n    return {'y': i}\n")
        refused(
            'a task of a "batch" can\'t be started a second time by itself',
            run={"python": "work.py:f", "batch": 3},
            over={"i": {"range": [9]}},
            results={"y": "int64"},
        )
        refused("must be true or false, not a number", run={"command": "true"}, speculative=1)


if __name__ == "__main__":
    farm.main()
