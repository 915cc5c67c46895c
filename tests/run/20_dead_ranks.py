"""Under mpirun --enable-recovery a campaign survives the death of workers: its results are those of any other run."""

import json
import os
import resource
import signal
import socket
import unittest

import farm
import h5py
from farm import digest

STAGES = [
    {
        "name": "commands",
        "over": {"i": {"range": [120]}},
        "run": {"command": "echo {i} >> log; sleep 0.02; echo out {i}; echo '{{\"y\": '{i}', \"s\": \"word'{i}'\"}}'; test {i} -ne 5"},
        "results": {"y": "int64", "s": "string"},
    },
    {
        "name": "rows",
        "over": {"i": {"range": [30000]}},
        "run": {"function": "builtin:random"},
        "results": {"x": "float64", "w": "string"},
        "record": "status",
    },
]


NEEDS_RECOVERY = unittest.skipIf(farm.MPICH, "MPICH's mpiexec can't let the others live")


class DeadRanks(farm.FarmTest):
    recovery = True

    def command(self, *arguments, ranks=None):
        command = super().command(*arguments, ranks=ranks)
        return [*command[:1], "--enable-recovery", *command[1:]] if ranks and self.recovery else command

    def lines(self):
        path = self.folder / "log"
        return list(map(int, path.read_text().split())) if path.exists() else []

    def run_and_kill(self, ranks, victims, after=20):
        run = self.start("r.json", ranks=ranks)
        for number, victim in enumerate(victims):
            self.wait_for(lambda: len(self.lines()) >= after + 15 * number, "no task begins")
            os.kill(farm.ranks_of(run)[victim], signal.SIGKILL)
        run.wait(120)  # Open MPI 4 says 0 whatever the ranks say
        return (self.folder / "stderr").read_text()

    def check_history(self, victims):
        with h5py.File(self.folder / "r.h5") as file:
            incidents = json.loads(file.attrs["runs"])[-1]["incidents"]
        self.assertEqual(sorted(i["rank"] for i in incidents), sorted(victims))
        self.assertEqual({(i["kind"], i["host"]) for i in incidents}, {("dead", socket.gethostname())})
        self.assertEqual(json.loads(self.taskfarm("status", "--json", "r.h5").stdout)["incidents"], incidents)
        for i in incidents:
            line = f"  rank {i['rank']} on {i['host']} has died; the others go on with its tasks (since {i['since']})\n"
            self.assertIn(line, self.taskfarm("status", "r.h5").stdout)

    @NEEDS_RECOVERY
    @farm.first
    def test_of_workers_costs_what_they_were_at(self):
        self.write("r.json", {"seed": 3, "stages": STAGES})
        self.taskfarm("r.json", "--output", "whole.h5", status=1)
        expected = digest(self.folder / "whole.h5")
        for ranks, victims in ((3, [1]), (5, [4, 2])) if farm.SANITIZED else ((3, [1]), (3, [2]), (5, [4, 2]), (4, [1, 2])):
            with self.subTest(ranks=ranks, victims=victims):
                (self.folder / "log").unlink(missing_ok=True)
                (self.folder / "r.h5").unlink(missing_ok=True)
                text = self.run_and_kill(ranks, victims)
                for victim in victims:
                    self.assertRegex(text, rf"taskfarm: rank {victim} on \S+ has died; the others go on with its tasks\n")
                self.assertRegex(text, r"taskfarm: r: 30 119 done, 1 failed in ")
                with h5py.File(self.folder / "r.h5") as file:
                    state = file.attrs["state"]
                if state == "stopped":  # one was killed as it was to write the row of the task that fails: the next run has that
                    self.taskfarm("r.json", status=1)
                    self.assertEqual(digest(self.folder / "r.h5"), expected)
                    continue
                self.assertEqual(digest(self.folder / "r.h5"), expected)
                self.assertFalse((self.folder / "r.h5.d").exists())
                self.check_history(victims)
                log = self.lines()
                self.assertEqual(set(log), set(range(120)))
                self.assertLessEqual(len(log), 120 + 12 * len(victims), "only what was under way runs again")

    @NEEDS_RECOVERY
    def test_do_not_keep_a_run_that_breaks_from_ending(self):
        """What ranks do together at the end would wait for the dead one."""
        command = "echo {i} >>log; sleep 0.02; head -c 20000 /dev/zero | tr '\\0' x"
        self.write("r.json", {"over": {"i": {"range": [3000]}}, "capture": {"stdout": "64KB"}, "run": {"command": command}})
        run = self.start("r.json", ranks=3)
        self.wait_for(lambda: len(self.lines()) >= 20, "no task begins")
        ranks = farm.ranks_of(run)
        os.kill(ranks[1], signal.SIGKILL)
        resource.prlimit(ranks[2], resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        run.wait(60)
        self.assertRegex((self.folder / "stderr").read_text(), r"taskfarm: r\.h5.*: File too large\n")

    @NEEDS_RECOVERY
    @farm.first
    def test_tasks_that_wait_for_files_go_on(self):
        touch = {"command": "echo {index} >>log; sleep 0.05; cat {inputs} /dev/null >{outputs}"}
        stages = [
            {"name": "a", "over": {"n": {"range": [60]}}, "inputs": [], "outputs": "o/a{n}"},
            {"name": "b", "over": {"n": {"range": [60]}}, "inputs": "o/a{n}", "outputs": "o/b{n}"},
            {"name": "c", "inputs": {"outputs_of": "b"}, "outputs": "o/c"},
        ]
        stages[0]["run"] = {"command": "echo {index} >>log; sleep 0.05; echo {n} >{outputs}"}
        self.write("r.json", {"defaults": {"run": touch}, "stages": stages})
        text = self.run_and_kill(3, [2])
        self.assertRegex(text, r"taskfarm: r: 121 done, 0 failed in ")
        self.assertEqual(sorted(map(int, (self.folder / "o/c").read_text().split())), list(range(60)))
        self.assertIn("nothing is to be run", self.taskfarm("plan", "r.json").stdout)

    @NEEDS_RECOVERY
    def test_a_stage_that_has_enough_is_finished(self):
        """Its other tasks are not left to do, though the process that finishes the file finds them pending."""
        enough = {"name": "enough", "over": {"i": {"range": [5000]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}}
        enough["until"] = {"expr": "x.count >= 1000", "first": 1000}
        self.write("r.json", {"seed": 3, "stages": [STAGES[0], enough]})
        text = self.run_and_kill(3, [1], after=40)
        self.assertRegex(text, r"taskfarm: stage enough: after 1 000 tasks enough is known: ")
        self.assertRegex(text, r"taskfarm: r: 1 119 done, 1 failed in ")
        with h5py.File(self.folder / "r.h5") as file:
            self.assertEqual(file.attrs["state"], "failed")
            self.assertEqual(len(file["enough/results/x"]), 5000)
        self.assertFalse((self.folder / "r.h5.d").exists())

    @farm.first
    def test_under_plain_mpirun_the_next_run_goes_on(self):
        self.recovery = False
        self.write("r.json", {"seed": 3, "stages": STAGES})
        self.taskfarm("r.json", "--output", "whole.h5", status=1)
        expected = digest(self.folder / "whole.h5")
        for victim in (1,) if farm.SANITIZED else (0, 1, 2):
            with self.subTest(victim=victim):
                (self.folder / "log").unlink(missing_ok=True)
                (self.folder / "r.h5").unlink(missing_ok=True)
                self.run_and_kill(3, [victim])
                with h5py.File(self.folder / "r.h5") as file:
                    done = {i for i, s in enumerate(file["commands/task/status"][()]) if s == farm.DONE}
                before = len(self.lines())
                self.taskfarm("r.json", ranks=2, status=1)
                self.assertEqual(set(self.lines()[before:]) & done, set())
                self.assertEqual(digest(self.folder / "r.h5"), expected)

    @NEEDS_RECOVERY
    @farm.first
    def test_with_a_stage_yet_to_come_the_next_run_goes_on(self):
        stages = [*STAGES, {"name": "late", "after": ["commands"], "run": {"command": "echo late"}}]
        self.write("r.json", {"seed": 3, "stages": stages})
        self.taskfarm("r.json", "--output", "whole.h5", status=1)
        expected = digest(self.folder / "whole.h5")
        for victims in ([1], [1, 2]):  # the second time nobody is left
            with self.subTest(victims=victims):
                (self.folder / "r.h5").unlink(missing_ok=True)
                (self.folder / "log").unlink()
                text = self.run_and_kill(3, victims)
                self.assertRegex(text, r", [\d ]+ left for the next run in .*; the same command line goes on\n")
                with h5py.File(self.folder / "r.h5") as file:
                    self.assertEqual(file.attrs["state"], "stopped")
                    self.assertNotIn("late", file)
                    done = {i for i, s in enumerate(file["commands/task/status"][()]) if s == farm.DONE}
                before = len(self.lines())
                self.taskfarm("r.json", status=1)
                self.assertEqual(set(self.lines()[before:]) & done, set())
                self.assertEqual(digest(self.folder / "r.h5"), expected)


if __name__ == "__main__":
    farm.main()
