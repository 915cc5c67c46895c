"""What is left of what was before: processes of a run whose own were killed, a folder whose output is gone, and rows of a
stage that has changed while others are run."""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import unittest

import farm

# A shell's task that is alone with what it has begun, until there is a file "again": else there is a file "overlap".
ALONE = "exec 9>busy{0}; flock -n 9 || touch overlap; touch begun{0}; test -e again || {{ setsid sleep 1000 & sleep 1000; }}"
PLUGIN = """
#include <stdlib.h>
#include <taskfarm/plugin.h>

unsigned int tf_plugin_abi = TF_PLUGIN_ABI;
TF_EXTERN TF_EXPORT tf_task_fn start;

int start(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return system("sh ./alone.sh function") ? TF_FAILURE : TF_SUCCESS;
}
"""


class Processes(farm.FarmTest):
    """kill -9 of those that watch over tasks: nothing that a task has begun runs beside the next run."""

    limit = 60

    def setUp(self):
        super().setUp()
        (self.folder / "tmp").mkdir()
        self.env = {"TMPDIR": str(self.folder / "tmp")}
        self.write("f.c", PLUGIN)
        subprocess.run(["cc", f"-I{farm.SOURCE}/include", "-fPIC", "-shared", "f.c", "-o", "f.so"], cwd=self.folder, check=True)
        self.write("alone.sh", ALONE.format("$1"))
        self.write("serve.sh", "while read line; do sh ./alone.sh service; echo '{\"index\": 0, \"results\": {}}'; done")
        stages = [
            {"name": "command", "run": {"command": "touch {scratch}/x; sh ./alone.sh command"}},
            {"name": "daemon", "run": {"command": "(setsid sh ./alone.sh daemon &); test -e again || sleep 1000"}},
            {"name": "service", "run": {"service": ["sh", "serve.sh"]}},
            {"name": "function", "run": {"function": "./f.so:start"}},
        ]
        self.write("e.json", {"stages": stages})

    def begin(self, *command, begun, ranks=None):
        """A run of which so many tasks are under way."""
        with open(self.folder / "stderr", "wb") as err:
            run = subprocess.Popen(
                [*([farm.MPIRUN, "-n", str(ranks)] if ranks else []), *command],
                cwd=self.folder,
                env=farm.environment(**self.env),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=err,
            )
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: len(list(self.folder.glob("begun*"))) >= begun or run.poll() is not None, "not all tasks begin")
        self.assertIsNone(run.poll(), self.said())
        return run

    def said(self):
        return (self.folder / "stderr").read_text()

    def kill(self, victims, run, program=farm.TASKFARM):
        doomed = [pid for rank in farm.ranks_of(run, program).values() for pid in victims(rank, *farm.watchers_of(rank))]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):  # it has died with the one before
                os.kill(pid, signal.SIGKILL)
        run.wait(30)
        (self.folder / "again").touch()

    def check_alone(self):
        """After the next run."""
        self.assertFalse((self.folder / "overlap").exists())
        self.assertEqual(list((self.folder / "tmp").glob("taskfarm-*")), [])

    VICTIMS = {
        "the spawner": lambda rank, guard, spawner, hosts: [spawner],
        "the spawner and a host": lambda rank, guard, spawner, hosts: [spawner, *hosts[:1]],
        "a host and the spawner": lambda rank, guard, spawner, hosts: [*hosts[:1], spawner],
        "the guard": lambda rank, guard, spawner, hosts: [guard],
        "killall -9 taskfarm": lambda *all, **_: [pid for pid in (*all[:3], *all[3]) if farm.name_of(pid) == "taskfarm"],
    }

    @farm.first
    def test_that_are_killed(self):
        for victims, chosen in self.VICTIMS.items():
            if victims == "a host and the spawner" and not farm.SOAK:
                continue
            for ranks in (None, 3) if farm.SOAK else (3,) if victims == "the spawner" else (None,):
                with self.subTest(victims=victims, ranks=ranks):
                    self.setUp()
                    run = self.begin(farm.TASKFARM, "e.json", "--slots", "4", begun=4, ranks=ranks)
                    self.kill(chosen, run)
                    self.taskfarm("e.json", "--slots", 4, ranks=ranks, env=self.env)
                    self.check_alone()
                    if "killall" not in victims:
                        self.assertIn("the spawner process is gone: was it killed?", self.said())
                        self.assertEqual(run.returncode, 75)

    @unittest.skipUnless(farm.SOAK, "slow: tests/run.sh --soak")
    def test_that_are_killed_by_chance(self):
        """Any of them, one after the other, but for the last two that know of the tasks."""
        for seed in range(40):
            chance = random.Random(seed)
            ranks = chance.choice((None, 2))

            def chosen(rank, guard, spawner, hosts):
                watcher = chance.choice((guard, spawner))
                some = [watcher] + [pid for pid in (rank, *hosts) if chance.random() < 0.3]
                return chance.sample(some, len(some))

            with self.subTest(seed=seed):
                self.setUp()
                run = self.begin(farm.TASKFARM, "e.json", "--slots", "4", begun=4, ranks=ranks)
                self.kill(chosen, run)
                self.taskfarm("e.json", "--slots", 4, ranks=chance.choice((None, 2)), env=self.env)
                self.check_alone()

    def test_of_a_program_with_a_main_of_its_own(self):
        program = farm.BUILD / "tests" / "embed_cases"
        command = [program, "command", ALONE.format("{i}").replace("{ ", "{{ ").replace("; }", "; }}") + "; echo 1"]
        run = self.begin(*command, begun=2)
        self.kill(self.VICTIMS["the spawner"], run, program)
        self.assertEqual(run.returncode, 75)
        self.begin(*command, begun=24).wait(30)
        self.check_alone()


class Folder(farm.FarmTest):
    """OUTPUT.d of a run that was killed in its second stage; and the output is gone."""

    def setUp(self):
        super().setUp()
        self.campaign("i")
        self.taskfarm("m.json", status=-9, env={"TASKFARM_CRASH": "rows.data:2"})

    def campaign(self, value):
        stages = [
            {"name": "a", "over": {"i": {"range": [3]}}, "run": {"expr": {"x": value}}},
            {"name": "b", "after": ["a"], "over": {"i": {"range": [3]}}, "run": {"expr": {"y": "i"}}},
        ]
        self.write("m.json", {"stages": stages})

    @farm.first
    def test_is_worth_nothing_without_the_output(self):
        self.campaign("i + 1")
        for ending in (self.folder / "m.h5").unlink, lambda: self.write("m.h5", ""):
            with self.subTest(ending=ending):
                ending()
                self.assertIn("m: 6 of 6 tasks are to be run\n", self.taskfarm("plan", "m.json").stdout)
                self.taskfarm("m.json", status=-9, env={"TASKFARM_CRASH": "create.noted"})
                self.assertRegex(self.taskfarm("m.json").stderr, "^taskfarm: m: 6 done, 0 failed in ")
                self.assertEqual(list(self.open("m.h5")["a/results/x"]), [1, 2, 3])
                self.assertFalse((self.folder / "m.h5.d").exists())
                self.taskfarm("m.json", "--fresh", status=-9, env={"TASKFARM_CRASH": "rows.data:2"})

    def test_may_be_of_another_file_than_the_one_that_was_put_in_its_place(self):
        self.taskfarm("m.json", "--output", "whole.h5")
        os.replace(self.folder / "whole.h5", self.folder / "m.h5")
        ways_out = "if another file was put in its place, move the folder m.h5.d of the old one away; --fresh sets it aside and starts anew"
        self.assertEqual(self.taskfarm("m.json", status=3).stderr, f"taskfarm: m.h5: was changed since its last run; {ways_out}\n")
        os.rename(self.folder / "m.h5.d", self.folder / "away")
        self.assertIn("going on: 6 of 6 tasks are done\n", self.taskfarm("m.json").stderr)

    def test_that_is_none_is_told_of_when_all_is_to_begin_anew(self):
        shutil.rmtree(self.folder / "m.h5.d")
        self.write("m.h5.d", "mine")
        self.assertIn("m: 6 of 6 tasks are to be run\n", self.taskfarm("plan", "m.json", "--fresh").stdout)
        said = self.taskfarm("m.json", "--fresh", status=3).stderr
        self.assertEqual(said, "taskfarm: m.h5.d: is no folder, where the run needs a folder of its own; remove it, or choose another name with --output\n")
        self.assertEqual((self.folder / "m.h5.d").read_text(), "mine")


class Rows(farm.FarmTest):
    """A stage has changed, and is not to be run yet: the output does not say of its rows that they are of what it is now."""

    def campaign(self, slope, word):
        stages = [
            {"name": "a", "over": {"i": {"range": [2]}}, "run": {"expr": {"x": f"{slope} * i"}}},
            {"name": "b", "over": {"row": {"from": "a"}}, "run": {"expr": {"y": "x + 1"}}},
            {"name": "f", "outputs": "f.txt", "run": {"command": f"echo {word} >f.txt"}},
            {"name": "g", "inputs": "f.txt", "outputs": "g.txt", "run": {"command": "cp f.txt g.txt"}},
            {"name": "t", "run": {"expr": {"z": "1"}}},
        ]
        self.write("m.json", {"stages": stages})

    def made(self):
        return [farm.digest(self.folder / "m.h5"), *((self.folder / name).read_text() for name in ("f.txt", "g.txt"))]

    def test_of_a_changed_stage_do_not_stand_for_it(self):
        self.campaign(3, "new")
        self.taskfarm("m.json")
        scratch = self.made()
        for options in ([], ["--rerun", "code,mtime"]):
            with self.subTest(options=options):
                self.campaign(3 if not options else 2, "old")
                self.taskfarm("m.json", "--fresh")
                self.campaign(3, "new")
                self.assertIn("not selected", self.taskfarm("m.json", "t", *options).stderr)
                self.taskfarm("m.json")
                self.assertEqual(self.made(), scratch)

    def test_that_are_dropped_are_told_of(self):
        def campaign(slope, columns):
            stages = [
                {"name": "a", "over": {"i": {"range": [3]}}, "run": {"expr": {"x": f"{slope} * i"}}},
                {"name": "b", "over": {"row": {"from": "a"}}, "run": {"expr": {"y": "x + 1"}}},
                {"name": "form", "over": {"i": [5, 6]}, "run": {"expr": dict.fromkeys(columns, "i")}},
                {"name": "t", "over": {"i": [7]}, "run": {"expr": {"z": "i"}}},
            ]
            self.write("m.json", {"stages": stages})

        campaign(2, "u")
        self.taskfarm("m.json")
        campaign(3, "uv")
        told = 'm.h5: drops results of 3 tasks of stage "a", 3 tasks of stage "b", all tasks of stage "form", since what makes them has changed; a run without targets makes them anew\n'
        command = ["m.json", "t", "--rerun", "code"]
        self.assertIn(f"\n{told}", self.taskfarm("plan", *command).stdout)
        self.assertIn(f"taskfarm: {told}", self.taskfarm(*command).stderr)
        self.assertNotIn("drops", self.taskfarm("plan", *command).stdout)
        self.assertNotIn("drops", self.taskfarm("m.json").stderr)

    @farm.first
    def test_are_kept_where_they_are_said_to_be_good(self):
        for options in (["--touch"], ["--rerun", "mtime", "t"])[0 if farm.SOAK else 1 :]:
            self.campaign(2, "old")
            self.taskfarm("m.json", "--fresh")
            self.campaign(2, "new")
            self.taskfarm("m.json", *options)
            self.assertIn("nothing is to be run", self.taskfarm("plan", "m.json").stdout)


if __name__ == "__main__":
    farm.main()
