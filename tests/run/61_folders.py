"""Outputs and inputs that are folders, as CASA's MeasurementSets and Zarr's stores are: whole or not there, made again when
they must be, and removed only where an earlier run has made them."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import farm

MAKE = "mkdir {outputs} && mkdir {outputs}/sub && echo {k} >{outputs}/table.dat && echo {k} >{outputs}/sub/x"


def make(**more):
    """A stage whose tasks make a folder each."""
    return {"name": "a", "over": {"k": {"range": [3]}}, "outputs": "out/{k}.ms/", "run": {"command": MAKE}} | more


def read(**more):
    """A stage whose tasks read one each."""
    return {"name": "b", "over": {"k": {"range": [3]}}, "inputs": "out/{k}.ms/", "outputs": "sum/{k}.txt", "run": {"command": "cat {inputs}/table.dat {inputs}/sub/x >{outputs}"}} | more


class FolderTest(farm.FarmTest):
    def campaign(self, *stages, **more):
        self.write("m.json", {"stages": list(stages)} | more)

    def plan(self, *arguments, status=0):
        """{"a[k=1]": why}, of the tasks that would run."""
        told = json.loads(self.taskfarm("plan", "m.json", "--json", *arguments, status=status).stdout)
        return {task["task"]: task["reason"] for stage in told["stages"] for task in stage.get("list", [])}

    def messages(self, stage="a"):
        return [text.decode() for text in self.heap(self.open("m.h5")[stage], "message")]

    def under(self, folder):
        return sorted(str(p.relative_to(self.folder / folder)) for p in (self.folder / folder).rglob("*"))

    def later(self, path, seconds=5):
        """Gives what stands there a later time."""
        path = self.folder / path
        os.utime(path, (path.stat().st_mtime + seconds,) * 2)


class Whole(FolderTest):
    @farm.first
    def test_a_folder_is_whole_or_not_there(self):
        """A task finds no folder of its own, nor what an earlier attempt has left; and one that fails leaves nothing."""
        command = MAKE + '; test {k} != 1 || { echo "no sky" >&2; exit 1; }'
        self.campaign(make(run={"command": command.replace("{ ", "{{ ").replace("; }", "; }}")}, retries=1), read())
        self.taskfarm("m.json", ranks=2, status=1)
        self.assertEqual(self.under("out"), ["0.ms", "0.ms/sub", "0.ms/sub/x", "0.ms/table.dat", "2.ms", "2.ms/sub", "2.ms/sub/x", "2.ms/table.dat"])
        self.assertEqual((self.folder / "sum/2.txt").read_text(), "2\n2\n")
        stages = self.open("m.h5")
        self.assertEqual(list(stages["a/task/status"]), [farm.DONE, farm.FAILED, farm.DONE])
        self.assertEqual(list(stages["a/task/attempts"]), [1, 2, 1])
        self.assertEqual(self.messages()[1], "exit status 1: no sky")
        self.assertEqual(self.plan(), {"a[k=1]": "failed last time", "b[k=1]": "has not been run"})

    def test_what_a_task_must_make(self):
        cases = {
            "true": "output out/0.ms was not made",
            "touch {outputs}": "output out/0.ms is a file, and must be a folder",
            "mkfifo {outputs}": "output out/0.ms is a file, and must be a folder",
            "ln -s nowhere {outputs}": "output out/0.ms was not made",
        }
        for command, message in cases.items():
            with self.subTest(command):
                self.campaign(make(over={"k": [0]}, run={"command": command}))
                self.taskfarm("m.json", "--fresh", status=1)
                self.assertEqual(self.messages(), [message])
                self.assertFalse(os.path.lexists(self.folder / "out/0.ms") and command != "mkfifo {outputs}")
                shutil.rmtree(self.folder / "out")
        self.campaign(make(over={"k": [0]}, outputs="out/0.ms"))
        self.taskfarm("m.json", "--fresh", status=1)
        self.assertEqual(self.messages(), ["output out/0.ms is a folder, and must be a file; the name of a folder ends in /"])

    def test_what_fails_is_kept_if_the_user_wants_it(self):
        self.campaign(make(run={"command": MAKE + "; exit $((TASKFARM_ATTEMPT + {k}))"}, retries=1))
        self.taskfarm("m.json", "--keep-incomplete", status=1)
        self.assertEqual(sorted(os.listdir(self.folder / "out")), ["0.ms.incomplete", "1.ms.incomplete", "2.ms.incomplete"])
        self.assertEqual(self.under("out/0.ms.incomplete"), ["sub", "sub/x", "table.dat"])
        self.campaign(make())
        self.taskfarm("m.json")
        self.assertEqual(sorted(os.listdir(self.folder / "out")), ["0.ms", "1.ms", "2.ms"])

    def test_a_host_that_is_killed_leaves_no_folder(self):
        command = MAKE + "; test {k} != 1 || {{ kill -9 $PPID; sleep 60; }}"
        self.campaign(make(run={"command": command}))
        self.taskfarm("m.json", status=1)
        self.assertEqual(sorted(os.listdir(self.folder / "out")), ["0.ms", "2.ms"])

    @farm.first
    def test_after_a_kill_half_a_folder_is_made_again(self):
        """What a killed run has left is removed, for its task was one of the campaign's then."""
        command = "mkdir {outputs}; echo half >{outputs}/half; test -e go || sleep 600; rm {outputs}/half; echo {k} >{outputs}/table.dat"
        self.campaign(make(run={"command": command}))
        run = self.start("m.json", "--slots", 3)
        self.wait_for(lambda: all((self.folder / f"out/{k}.ms/half").exists() for k in range(3)), "three halves")
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        self.write("go", "")
        self.write("out/1.ms/more", "")
        self.wait_for(lambda: "is in use" not in self.taskfarm_says("plan", "m.json"), "the lock is free")
        self.assertEqual(set(self.plan().values()), {"has not been run to its end"})
        self.taskfarm("m.json")
        self.assertEqual(self.under("out"), ["0.ms", "0.ms/table.dat", "1.ms", "1.ms/table.dat", "2.ms", "2.ms/table.dat"])
        self.assertEqual(self.plan(), {})

    def taskfarm_says(self, *arguments):
        return subprocess.run(self.command(*arguments), cwd=self.folder, env=farm.environment(), capture_output=True, text=True).stderr

    def test_links_are_removed_and_not_followed(self):
        """Neither one in the place of a folder, nor those in it, nor does one in it make the folder's hash read for ever."""
        self.write("mine/x", "mine")
        (self.folder / "out").mkdir()
        (self.folder / "out/0.ms").symlink_to("../mine")
        self.campaign(make(run={"command": MAKE + " && ln -s ../../mine {outputs}/link && ln -s . {outputs}/sub/loop"}), read(inputs={"path": "out/{k}.ms/", "check": "hash"}))
        self.taskfarm("m.json")
        self.assertFalse((self.folder / "out/0.ms").is_symlink())
        self.taskfarm("m.json", "--force", "a")
        self.assertEqual(self.under("mine"), ["x"])
        self.assertEqual((self.folder / "mine/x").read_text(), "mine")

    def test_read_only_folders_can_be_removed(self):
        """Some programs make theirs so. (Who is root may remove them anyway.)"""
        self.campaign(make(run={"command": MAKE + " && chmod 500 {outputs}/sub {outputs}"}))
        self.taskfarm("m.json")
        self.taskfarm("m.json", "--force", "a")

    def test_what_is_mounted_in_a_folder_stays(self):
        """In a mount namespace of its own, where the system allows that."""
        self.campaign(make(over={"k": [0]}))
        self.taskfarm("m.json")
        self.write("mine/x", "mine")
        (self.folder / "out/0.ms/sub/mount").mkdir()
        script = f"mount --bind mine out/0.ms/sub/mount && {farm.TASKFARM} m.json --force a; echo ended $?"
        done = subprocess.run(["unshare", "-mr", "sh", "-c", script], cwd=self.folder, env=farm.environment(), capture_output=True, text=True)
        if "ended 1" not in done.stdout:
            self.assertNotIn("ended 0", done.stdout, "the mount was not in the way")
            self.skipTest(f"nothing can be mounted here: {done.stderr}")
        self.assertEqual((self.folder / "mine/x").read_text(), "mine")
        self.assertEqual(self.messages(), ["output out/0.ms is there already, and can't be removed: a file system is mounted in it"])


class Foreign(FolderTest):
    WHY = "is there, and no earlier run has made it; move it away, or say --force a to have it removed"

    @farm.first
    def test_a_folder_that_no_run_has_made_is_left_alone(self):
        for name in ["out/1.ms/raw.fits", "out/1.ms", "out/1.ms.incomplete/raw.fits"]:
            with self.subTest(name):
                path = self.write(name, "raw")
                self.campaign(make())
                for verb in [["plan"], ["run"]]:
                    told = self.taskfarm(*verb, "m.json", status=2).stderr
                    self.assertIn(f"/stages/0: a[k=1]: {'/'.join(name.split('/')[:2])}: {self.WHY}\n", told)
                self.assertEqual(path.read_text(), "raw")
                self.assertFalse((self.folder / "m.h5").exists())
                shutil.rmtree(self.folder / "out")
        for k in range(3):
            self.write(f"out/{k}.ms/raw.fits", "raw")
        told = self.taskfarm("m.json", status=2).stderr
        self.assertIn(f"a[k=0]: out/0.ms (and outputs of 2 more tasks): {self.WHY}", told)
        self.taskfarm("m.json", "--force", "a")
        self.assertEqual(self.under("out/0.ms"), ["sub", "sub/x", "table.dat"])
        self.taskfarm("m.json", "--force", "a")  # they are the campaign's now

    def test_which_folders_are_of_earlier_runs(self):
        """Those of tasks that there were, under the names that they had."""
        self.campaign(make())
        self.taskfarm("m.json")
        self.write("out/4.ms/raw.fits", "")
        self.write("data/1/raw.fits", "")
        self.campaign(make(over={"k": {"range": [5]}}))  # the space has grown
        self.assertIn(f"a[k=4]: out/4.ms: {self.WHY}", self.taskfarm("m.json", status=2).stderr)
        self.campaign(make(over={"k": [4, 2, 1, 0]}))  # other points
        self.assertIn(f"a[k=4]: out/4.ms: {self.WHY}", self.taskfarm("m.json", status=2).stderr)
        self.campaign(make(outputs="data/{k}/"))
        self.assertIn(f"a[k=1]: data/1: {self.WHY}", self.taskfarm("m.json", status=2).stderr)
        self.assertEqual(self.under("data"), ["1", "1/raw.fits"])
        self.campaign(make(run={"command": MAKE + "; true"}, outputs={"ms": "out/{k}.ms/"}))  # another command and name
        self.taskfarm("m.json")
        self.campaign(make(over={"k": [2, 1, 0]}))
        self.taskfarm("m.json", "--force", "a")
        self.assertIn(f"a[k=2]: out/2.ms (and outputs of 2 more tasks): {self.WHY}", self.taskfarm("m.json", "--fresh", status=2).stderr)
        self.assertFalse((self.folder / "m.h5.1").exists())

    def test_a_folder_of_a_task_that_no_run_has_begun_is_left_alone(self):
        """Though the output knows the task: it was not selected, left out, skipped, or not come to."""
        chain = [{"name": "first", "over": {"k": {"range": [3]}}, "outputs": "in/{k}", "run": {"command": "test {k} -lt 1 && touch {outputs}"}},
                 make(inputs="in/{k}")]  # fmt: skip
        mended = [chain[0] | {"run": {"command": "touch {outputs}"}}, chain[1]]
        for stages, arguments, status, then in (
            ([make()], ["a[k=0]"], 0, [make()]),
            ([make(where="k < 1")], [], 0, [make()]),
            ([make()], ["a[k=0]", "--force", "a"], 0, [make()]),
            (chain, [], 1, mended),
        ):
            with self.subTest(arguments=arguments, stages=len(stages)):
                self.campaign(*stages)
                self.taskfarm("m.json", *arguments, status=status)
                kept = [self.write(f"out/{k}.ms/raw.fits", "raw") for k in (1, 2)]
                self.campaign(*then)
                for verb in (["plan"], ["run"]):
                    told = self.taskfarm(*verb, "m.json", status=2).stderr
                    self.assertIn(f": a[k=1]: out/1.ms (and outputs of 1 more task): {self.WHY}", told)
                self.assertEqual([path.read_text() for path in kept], ["raw", "raw"])
                for path in [*self.folder.glob("m.h5*"), *self.folder.glob("in"), self.folder / "out"]:
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def test_a_folder_that_is_older_than_the_run_that_was_killed_is_left_alone(self):
        command = "test -e go || (mkdir {outputs}; touch up; sleep 600); " + MAKE
        self.campaign(make(over={"k": {"range": [6]}}, run={"command": command}))
        kept = self.write("out/5.ms/raw.fits", "raw")
        self.wait_for(lambda: time.time() > kept.stat().st_ctime + 3, "time does not pass")
        run = self.start("m.json", "a[k=0]", "--slots", 1)
        self.wait_for((self.folder / "up").exists, "no task begins")
        farm.kill_all(run)
        self.write("go", "")
        for verb in (["plan"], ["run"]):
            self.assertIn(f"a[k=5]: out/5.ms: {self.WHY}", self.taskfarm(*verb, "m.json", status=2).stderr)
        self.assertEqual(kept.read_text(), "raw")
        kept.parent.rename(self.folder / "out/mine")
        self.taskfarm("m.json")
        self.assertEqual(self.under("out/0.ms"), ["sub", "sub/x", "table.dat"])

    def test_a_task_that_is_tried_removes_no_folder(self):
        self.campaign(make())
        self.write("out/1.ms/raw.fits", "raw")
        done = self.taskfarm("try", "m.json", 1, status=1)
        self.assertIn("output out/1.ms is there already, and a task that is tried removes no folder: move it away", done.stdout)
        self.assertEqual(self.under("out/1.ms"), ["raw.fits"])
        self.assertIn("outputs\n  out/2.ms/\n", self.taskfarm("try", "m.json", 2).stdout)
        self.assertEqual(self.under("out/2.ms"), ["sub", "sub/x", "table.dat"])


class Nesting(FolderTest):
    def test_nothing_else_is_written_in_a_folder(self):
        whole = "is an output of this task as a whole, and"
        own = "/ is an output of this task as a whole, and files that the campaign reads or owns are in it; choose another name"
        one = {"over": {"k": [1]}}
        cases = [
            ([make(**one), make(name="b", **one)], "b[k=1]: out/1.ms is an output of this task and of a[k=1]"),
            ([make(**one), make(name="b", outputs="out/1.ms", **one)], "b[k=1]: out/1.ms is an output of this task and of a[k=1]"),
            ([make(**one), make(name="b", outputs="out/1.ms/sub/{k}/", **one)], f"a[k=1]: the folder out/1.ms/ {whole} an output of b[k=1] is in it; choose another name"),
            ([make(name="b", outputs="out/1.ms/x", **one), make(**one)], f"a[k=1]: the folder out/1.ms/ {whole} an output of b[k=1] is in it; choose another name"),
            ([make(outputs=["out/{k}.ms/", "out/{k}.ms/table.dat"], **one)], f"a[k=1]: the folder out/1.ms/ {whole} an output of a[k=1] is in it; choose another name"),
            ([make(**one), read(log="out/{k}.ms/log", outputs=[], run={"command": "true"}, **one)], f"a[k=1]: the folder out/1.ms/ {whole} the log of b[k=1] is in it; choose another name"),
            ([make(outputs="./", **one)], "a[k=1]: an empty path can't be an output"),
            ([make(outputs="conf/", **one)], f"a[k=1]: the folder conf{own}"),
            ([make(outputs="h/", **one)], f"a[k=1]: the folder h{own}"),
            ([make(outputs="m.h5.d/", **one)], "a[k=1]: m.h5.d can't be written by a task: it is the folder of the campaign's output; choose another name"),
            ([make(outputs="../", allow_outside=True, **one)], "a[k=1]: .. can't be written by a task: it holds the work folder; choose another name"),
            ([make(outputs="@/", allow_outside=True, **one)], "a[k=1]: an empty path can't be an output"),
            ([make(outputs="@/../", allow_outside=True, **one)], "a[k=1]: .. can't be written by a task: it holds the work folder; choose another name"),
            ([make(outputs="/usr/", **one)], 'a[k=1]: /usr is outside the work folder; "allow_outside": true allows that'),
            ([make(outputs=["out/x/", "out/x.incomplete"], **one)], "a[k=1]: out/x.incomplete is written by this task, and is the name of what is left of an output of a[k=1]"),
            ([make(outputs="raw/a/", over={"f": {"glob": "raw/*/x"}}, run={"command": "true"})], "a[f=raw/a/x]: raw/a/x is in an output of this task, and an axis of its stage has found it"),
            ([make(inputs="raw/a/x", outputs="raw/a/", **one)], "tasks wait for each other: a[k=1] -> a[k=1]"),
            ([make(outputs="out/f", **one), read(inputs="out/f/", **one)], "b[k=1]: out/f is a file, and must be a folder, since it ends in / here"),
            ([read(inputs="raw/a/x/", **one)], "b[k=1]: raw/a/x is a file, and must be a folder, since it ends in / here"),
            ([read(inputs="raw/none/", **one)], "b[k=1]: raw/none is not there, and no task makes it"),
            ([make(**one), read(inputs="link", **one)], "b[k=1]: link is a link to an output of a[k=1]; the input must have the name of the output"),
            ([read(inputs="raw/a/", log="x/", **one)], "a log is a file, and a path that ends in / is a folder; leave out the /, or name a file in it"),
            ([read(inputs={"path": "raw/a/", "stage_in": True}, **one)], '"stage_in" copies files, and a path that ends in / is a folder'),
        ]
        self.write("raw/a/x", "")
        self.write("conf/list.txt", "1\n")
        self.write("out/1.ms/x", "")
        (self.folder / "h").mkdir()
        (self.folder / "link").symlink_to("out/1.ms")
        for stages, message in cases:
            with self.subTest(message):
                text = json.dumps({"output": "h/m.h5" if "h/ " in message else "m.h5", "stages": stages})
                if "conf/ " in message:
                    text = text.replace('{"k": [1]}', '[{"name": "k", "lines": "conf/list.txt"}]')
                self.write("m.json", text.replace("@", str(self.folder.resolve())))
                self.assertIn(f": {message.replace('@', str(self.folder.resolve()))}\n", self.taskfarm("check", "m.json", status=2).stderr)
        self.assertEqual(self.under("out"), ["1.ms", "1.ms/x"])

    def test_two_names_of_one_folder(self):
        """By a link to the folder above, and by one to the folder itself, which is there."""
        (self.folder / "real").mkdir()
        (self.folder / "out").symlink_to("real")
        self.campaign(make(), read(inputs="real/{k}.ms/table.dat", run={"command": "cat {inputs} >{outputs}"}))
        self.taskfarm("m.json")
        self.assertEqual((self.folder / "sum/1.txt").read_text(), "1\n")
        (self.folder / "first").symlink_to("real/0.ms")
        self.campaign(make(), make(name="c", over={"k": [1]}, outputs="first/x"))
        self.assertIn("a[k=0]: the folder real/0.ms/ is an output of this task as a whole, and an output of c[k=1] is in it; choose another name\n", self.taskfarm("check", "m.json", status=2).stderr)


class Readers(FolderTest):
    @farm.first
    def test_a_file_in_a_folder_is_made_by_who_makes_the_folder(self):
        self.campaign(read(inputs="out/{k}.ms/sub/x", run={"command": "cat {inputs} >{outputs}"}), make())
        self.taskfarm("m.json", ranks=2)
        self.assertEqual((self.folder / "sum/2.txt").read_text(), "2\n")
        self.assertEqual(self.plan(), {})
        shutil.rmtree(self.folder / "out/1.ms")
        self.assertEqual(self.plan(), {"b[k=1]": "input out/1.ms/sub/x will be made again", "a[k=1]": "output out/1.ms is missing"})
        self.taskfarm("m.json")
        (self.folder / "out/2.ms/sub/x").unlink()  # half of it is gone
        self.assertEqual(
            self.plan(), {"b[k=2]": "input out/2.ms/sub/x will be made again", "a[k=2]": "its output lacks out/2.ms/sub/x, which is an input of b[k=2]"}
        )
        self.taskfarm("m.json")
        self.assertEqual(self.under("out/2.ms"), ["sub", "sub/x", "table.dat"])
        self.later("out/0.ms/sub/x")
        self.assertEqual(self.plan(), {"b[k=0]": "input out/0.ms/sub/x is newer than output sum/0.txt"})
        self.assertIn('"a" -> "b"', self.taskfarm("graph", "m.json").stdout)

    def test_folders_are_targets_with_what_is_in_them(self):
        for target in ["out/1.ms", "out/1.ms/", "out/1.ms/sub/x", "a[k=1]"]:
            with self.subTest(target):
                self.campaign(make(), read())
                self.assertEqual(self.plan(target), {"a[k=1]": "has not been run"})
        self.taskfarm("m.json", "sum/2.txt")
        self.assertEqual(sorted(os.listdir(self.folder / "out")), ["2.ms"])
        self.assertIn("out/2.ms/", self.taskfarm("show", "m.h5", "a", 2).stdout)

    def test_all_ways_to_name_inputs(self):
        """By a pattern that fits folders alone, by what is in a cell, and by the stage that makes them."""
        self.write("raw/a.ms/x", "a")
        self.write("raw/b.ms", "no folder")
        self.write("raw/c.ms/x", "c")
        for inputs, said in [({"glob": "raw/*.ms/"}, "raw/a.ms raw/c.ms"), ({"split": "raw/a.ms/ raw/c.ms/"}, "raw/a.ms raw/c.ms"), ({"outputs_of": "a"}, "out/0.ms out/1.ms out/2.ms")]:
            with self.subTest(said):
                self.campaign(make(), read(over={"k": [0]}, inputs=inputs, run={"command": ["sh", "-c", 'echo "$@" >sum/0.txt; for d; do test -d "$d" || exit 1; done', "sh", "{inputs}"]}))
                self.taskfarm("m.json", "--fresh", "--force", "a")
                self.assertEqual((self.folder / "sum/0.txt").read_text(), said + "\n")
        self.campaign(make(), read(over={"f": {"glob": "raw/*.ms/"}}, inputs="{f}", outputs=[], run={"command": "cat {inputs}/x"}))
        self.taskfarm("m.json", "--fresh", "--force", "a")
        self.campaign(make(), read(over={"k": [0]}, inputs={"glob": "out/*/table.dat"}))
        self.assertIn("out/*/table.dat: no file matches", self.taskfarm("check", "m.json", status=2).stderr)

    def test_a_folder_around_outputs_is_another_matter(self):
        """What tasks make in a folder that is an input does not make it newer."""
        self.write("out/notes.txt", "")
        self.campaign(make(), read(over={"k": [0]}, inputs=["out/", {"outputs_of": "a"}], run={"command": "ls out/* >{outputs}"}))
        self.taskfarm("m.json")
        self.assertEqual(self.plan(), {})
        self.later("out/1.ms/sub/x", 100)
        self.assertEqual(self.plan(), {})
        self.later("out/notes.txt", 100)
        self.assertEqual(self.plan(), {"b[k=0]": "input out is newer than output sum/0.txt"})

    def test_a_folder_is_as_old_as_its_end(self):
        """What is changed deep in it is the business of hashes. Who reads it may write in it."""
        self.campaign(make(), read(run={"command": "cat {inputs}/table.dat >{outputs}; touch {inputs}/lock; sleep 0.05"}))
        self.taskfarm("m.json")
        self.assertEqual(self.plan(), {})
        self.later("out/1.ms/sub/x", 100)
        self.assertEqual(self.plan(), {})
        os.utime(self.folder / "out/1.ms")
        self.assertEqual(self.plan(), {"b[k=1]": "input out/1.ms is newer than output sum/1.txt"})
        self.taskfarm("m.json", "--touch")
        self.assertEqual(self.plan(), {})

    def test_an_input_that_nobody_makes_is_as_new_as_what_is_in_it(self):
        self.write("raw/1/deep/x", "")
        self.campaign(read(over={"k": [1]}, inputs="raw/{k}/", run={"command": "ls {inputs} >{outputs}"}))
        self.taskfarm("m.json")
        self.assertEqual(self.plan(), {})
        self.later("raw/1/deep/x", 100)
        self.assertEqual(self.plan(), {"b[k=1]": "input raw/1 is newer than output sum/1.txt"})

    @farm.first
    def test_a_hash_is_of_names_kinds_and_contents(self):
        inputs = {"path": "out/{k}.ms/", "check": "hash"}
        self.campaign(make(over={"k": [1]}), read(over={"k": [1]}, inputs=inputs))
        self.taskfarm("m.json")
        ms = self.folder / "out/1.ms"
        for path in [ms, *ms.rglob("*")]:
            self.later(path, 100)
        self.assertEqual(self.plan(), {})  # it was only touched
        changes = [
            lambda: (ms / "sub/x").write_text("2\n"),
            lambda: (ms / "sub/x").rename(ms / "sub/y"),
            lambda: (ms / "empty").mkdir(),
            lambda: (ms / "empty").rename(ms / "void"),
            lambda: (ms / "link").symlink_to("nowhere"),
            lambda: ((ms / "link").unlink(), (ms / "link").symlink_to("void")),
            lambda: ((ms / "link").unlink(), (ms / "link").write_text("void")),
            lambda: (ms / "table.dat").unlink(),
        ]
        self.campaign(make(over={"k": [1]}), read(over={"k": [1]}, inputs=inputs, run={"command": "find {inputs} >{outputs}"}))
        self.taskfarm("m.json")
        for number, change in enumerate(changes):
            with self.subTest(number):
                change()
                self.assertEqual(self.plan(), {"b[k=1]": "the contents of its inputs have changed"})
                self.taskfarm("m.json")
                self.assertEqual(self.plan(), {})


class Care(FolderTest):
    def test_temporary_folders_go_when_they_were_read(self):
        temp = {"path": "out/{k}.ms/", "temp": True}
        self.campaign(make(outputs=temp), read())
        self.taskfarm("m.json", ranks=2)
        self.assertEqual(os.listdir(self.folder / "out"), [])
        self.assertEqual(self.plan(), {})
        (self.folder / "sum/1.txt").unlink()
        self.assertEqual(self.plan(), {"a[k=1]": "its temporary output out/1.ms is needed again", "b[k=1]": "output sum/1.txt is missing"})
        self.taskfarm("m.json")
        self.assertEqual(os.listdir(self.folder / "out"), [])
        # one of which half is left is made again if it is needed, and is no reason by itself
        self.campaign(make(outputs=temp), read(inputs="out/{k}.ms/table.dat", run={"command": "cat {inputs} >{outputs}"}))
        self.taskfarm("m.json")
        self.write("out/2.ms/half", "")
        self.assertEqual(self.plan(), {})
        (self.folder / "sum/2.txt").unlink()
        self.assertEqual(self.plan()["a[k=2]"], "its output lacks out/2.ms/table.dat, which is an input of b[k=2]")
        self.taskfarm("m.json")
        self.assertEqual((self.folder / "sum/2.txt").read_text(), "2\n")

    def test_a_temporary_folder_whose_removal_was_cut_short_is_no_output_and_goes(self):
        """It is not taken for the whole, and the next run removes the rest, though it has nothing else to do."""
        self.campaign(make(over={"k": [1]}, outputs={"path": "out/{k}.ms/", "temp": True}), read(over={"k": [1]}))
        self.taskfarm("m.json", env={"TASKFARM_CRASH": "folder.aside"}, status=-9)
        self.assertEqual(self.under("out"), ["1.ms.incomplete", "1.ms.incomplete/sub", "1.ms.incomplete/sub/x", "1.ms.incomplete/table.dat"])
        for ranks in [None, 2]:
            self.assertEqual(self.plan(), {})
            self.taskfarm("m.json", ranks=ranks)
            self.assertEqual(self.under("out"), [])
            self.write("out/1.ms.incomplete/sub/x", "")
        self.assertEqual((self.folder / "sum/1.txt").read_text(), "1\n1\n")

    def test_protected_folders_are_read_only_to_the_last_file(self):
        self.write("mine", "")
        self.write("raw", "")
        protected = {"path": "out/{k}.ms/", "protected": True}
        self.campaign(make(inputs="raw", outputs=protected, run={"command": MAKE + " && ln -s ../../mine {outputs}/link"}))
        self.taskfarm("m.json")
        ms = self.folder / "out/1.ms"
        for path in [ms, ms / "sub", ms / "sub/x", ms / "table.dat"]:
            self.assertEqual(path.stat().st_mode & 0o222, 0, path)
        self.assertNotEqual((self.folder / "mine").stat().st_mode & 0o200, 0)
        self.later("raw", 100)
        self.assertIn("a[k=0]: its output out/0.ms is protected, and would be made again", self.taskfarm("m.json", status=2).stderr)
        self.assertEqual(len(self.under("out/0.ms")), 4)

    def test_what_stands_in_the_place_of_an_output_that_was_made(self):
        """A file in that of a folder is replaced, as a file would be; a folder in that of a file is left."""
        self.campaign(make(over={"k": [0]}), make(name="f", over={"k": [0]}, outputs="out/file", run={"command": "echo >{outputs}"}))
        self.taskfarm("m.json")
        shutil.rmtree(self.folder / "out/0.ms")
        self.write("out/0.ms", "a file")
        (self.folder / "out/file").unlink()
        self.write("out/file/x", "in a folder")
        self.assertEqual(self.plan(), {"a[k=0]": "output out/0.ms is a file, and must be a folder", "f[k=0]": "output out/file is a folder, and must be a file"})
        self.taskfarm("m.json", status=1)
        self.assertTrue((self.folder / "out/0.ms/table.dat").exists())
        self.assertEqual(self.messages("f"), ["output out/file is there already, and can't be removed: Is a directory"])
        self.assertEqual((self.folder / "out/file/x").read_text(), "in a folder")

    def test_folders_that_are_there_can_be_declared_good(self):
        for k in range(3):
            self.write(f"out/{k}.ms/table.dat", str(k))
        self.campaign(make())
        self.taskfarm("m.json", "--touch")
        self.assertEqual(self.plan(), {})
        self.assertEqual(self.under("out/1.ms"), ["table.dat"])

    def test_services_and_functions_get_folders_without_the_slash(self):
        service = "from taskfarm import serve\nimport os\ndef f(k, task):\n    os.mkdir(task.outputs[0])\n    open(task.outputs[0] + '/x', 'w').close()\n    return {'name': task.outputs[0]}\nserve(f)\n"
        self.write("s.py", service)
        self.campaign(make(run={"service": ["python3", "s.py"]}, results={"name": "string"}))
        self.taskfarm("m.json")
        self.assertEqual([name.decode() for name in self.open("m.h5")["a/results/name"]], ["out/0.ms", "out/1.ms", "out/2.ms"])


farm.main()
