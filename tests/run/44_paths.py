"""What a campaign may remove and write: nothing that is not its own, under whatever name it stands."""

import json
import os
import shutil
import socket
import subprocess

import farm

# Where $TMPDIR is so long that the scratch root's name is too long for the system, and TMPDIR/taskfarm/x just is not.
LONGEST = 4095
SCRATCH = {"over": {"n": [1]}, "run": {"command": "echo {n} >{scratch}/x"}}


class Scratch(farm.FarmTest):
    def make_long_folder(self):
        """A folder so deep that nothing can be made in it under the name of a scratch root; in it taskfarm/x, somebody's
        own. Its path, and a descriptor of it."""
        path, fd = str(self.folder), os.open(self.folder, os.O_RDONLY)
        left = LONGEST - len("/taskfarm-XXXXX") - len(path)
        while left > 1:
            name = "t" * min(200, left - 1 if left < 202 else left - 3)
            os.mkdir(name, dir_fd=fd)
            below = os.open(name, os.O_RDONLY, dir_fd=fd)
            os.close(fd)
            path, fd, left = f"{path}/{name}", below, left - len(name) - 1
        os.mkdir("taskfarm", dir_fd=fd)
        os.close(os.open("taskfarm/x", os.O_CREAT | os.O_WRONLY, dir_fd=fd))
        self.addCleanup(os.close, fd)
        return path, fd

    def test_without_a_scratch_root_tasks_fail_and_nothing_is_removed(self):
        self.write("c.json", SCRATCH)
        path, fd = self.make_long_folder()
        env = {"TMPDIR": path, "OMPI_MCA_orte_tmpdir_base": "/tmp", "PRTE_MCA_prte_tmpdir_base": "/tmp"}
        why = f"can't make scratch folders in {path}: File name too long; set TMPDIR to a folder that can be written"
        tried = subprocess.run(self.command("try", "c.json", 0), cwd=self.folder, env=farm.environment(**env), capture_output=True, text=True)
        self.assertEqual(os.listdir(fd), ["taskfarm"])
        self.assertEqual(tried.returncode, 1)
        self.assertIn(why, tried.stdout)
        self.taskfarm("c.json", env=env, status=1)
        self.assertEqual(os.listdir(fd), ["taskfarm"])
        self.assertIn(why, self.taskfarm("show", "c.h5", 0, env=env).stdout)
        self.assertEqual(os.listdir(fd), ["taskfarm"])

    @farm.first
    def test_scratch_folders_are_removed_whatever_stands_under_their_names(self):
        """A task puts a link in the place of its scratch folder, and another in it: neither is followed."""
        self.write("mine/x", "")
        temporary = self.folder / "temporary"
        temporary.mkdir()
        command = f"ln -s {self.folder}/mine {{scratch}}/inside; mv {{scratch}} {{scratch}}-away; ln -s {self.folder}/mine {{scratch}}"
        self.write("c.json", {"over": {"n": [1, 2]}, "run": {"command": command}})
        self.taskfarm("c.json", env={"TMPDIR": str(temporary)})
        self.assertEqual(os.listdir(self.folder / "mine"), ["x"])
        self.assertEqual([name for name in os.listdir(temporary) if name.startswith("taskfarm")], [])

    def test_a_task_whose_host_was_killed_gets_a_fresh_scratch_folder(self):
        command = "test ! -e {scratch}/x && touch {scratch}/x && (test $TASKFARM_ATTEMPT = 2 || kill -9 $PPID)"
        self.write("c.json", {"over": {"n": [1]}, "retries": 1, "run": {"command": command}})
        self.taskfarm("c.json")


# What else a task could write: the stage, and what is said of it.
REFUSED = [
    ({"outputs": "m.h5"}, "m: m.h5 can't be written by a task: it is the campaign's output; choose another name"),
    ({"outputs": "m.json"}, "m: m.json can't be written by a task: it is the manifest; choose another name"),
    ({"outputs": "m.h5.d"}, "m: m.h5.d can't be written by a task: it is the folder of the campaign's output; choose another name"),
    ({"outputs": "m.h5.d/lock"}, "m: m.h5.d/lock can't be written by a task: it is in the folder of the campaign's output; choose another name"),
    ({"outputs": "m.h5.2"}, "m: m.h5.2 can't be written by a task: an old output gets this name when --fresh sets it aside; choose another name"),
    ({"log": "m.h5"}, "m: m.h5 can't be written by a task: it is the campaign's output; choose another name"),
    ({"log": "m.json"}, "m: m.json can't be written by a task: it is the manifest; choose another name"),
    ({"log": "link.json"}, None),  # what the link leads to stays; the link is replaced
    ({"outputs": "link.json"}, "m: link.json can't be written by a task: it is the manifest; choose another name"),
    ({"outputs": "hard.json"}, "m: hard.json can't be written by a task: it is the manifest; choose another name"),
    ({"outputs": "here/m.json"}, "m: here/m.json can't be written by a task: it is the manifest; choose another name"),
    ({"outputs": "sub/../m.json"}, "m: m.json can't be written by a task: it is the manifest; choose another name"),
    ({"over": [{"csv": "t.csv"}], "outputs": "t.csv"}, "m[a=1]: t.csv can't be written by a task: the manifest reads it; choose another name"),
    ({"over": [{"csv": "t-link.csv"}], "log": "t.csv"}, "m[a=1]: t.csv can't be written by a task: the manifest reads it; choose another name"),
    (
        {"run": {"command": ["./run.sh"]}, "outputs": "run.sh"},
        'm: run.sh can\'t be written by a task: it is the program of stage "m"; choose another name',
    ),
    ({"run": {"command": ["perl", "-e", "run.sh"]}, "log": "run.sh"}, None),  # its program, and no file
    ({"run": {"command": ["sh", "-c", "./run.sh"]}, "log": "run.sh"}, None),  # which some other task may make
    (
        {"run": {"command": ["sh", "-e", "run.sh"]}, "log": "run.sh"},
        'm: run.sh can\'t be written by a task: it is the program of stage "m"; choose another name',
    ),
    (
        {"run": {"command": ["awk", "-v", "n=1", "-f", "run.sh"]}, "log": "run.sh"},
        'm: run.sh can\'t be written by a task: it is the program of stage "m"; choose another name',
    ),
    (
        {"run": {"command": ["/bin/sh", "-u", "run.sh"]}, "log": "run.sh"},
        'm: run.sh can\'t be written by a task: it is the program of stage "m"; choose another name',
    ),
    (
        {"run": {"command": ["./run.sh"], "cwd": "sub"}, "outputs": "sub/run.sh"},
        'm: sub/run.sh can\'t be written by a task: it is the program of stage "m"; choose another name',
    ),
    ({"inputs": "in.txt", "log": "in.txt"}, "m: in.txt is an input of this task and the log of m"),
    ({"inputs": "in.txt", "log": "here/in.txt"}, "m: in.txt is an input of this task and the log of m"),
    ({"inputs": "in-link.txt", "outputs": "in.txt"}, "m: in-link.txt is a link to an output of m; the input must have the name of the output"),
    ({"inputs": "in.txt", "outputs": "here/in.txt"}, "tasks wait for each other: m -> m"),
    ({"outputs": "x", "log": "x"}, "m: x is the log of this task and an output of m"),
    ({"outputs": "x", "log": "here/../x"}, "m: x is the log of this task and an output of m"),
    ({"outputs": ["x", "here/x"]}, "m: here/x is an output of this task and of m"),
    ({"over": {"n": [1, 2]}, "log": "x"}, "m[n=2]: x is the log of this task and of m[n=1]"),
    ({"over": {"n": [1, 2], "k": [1, 2]}, "log": "x{n}{k:02d}"}, None),
    ({"over": {"n": [1, 11], "k": [11, 1]}, "log": "{n}{k}"}, "m[n=11, k=1]: 111 is the log of this task and of m[n=1, k=11]"),
    ({"outputs": ["d", "d/x"]}, "m: d is an output of this task, and a folder of other files of the campaign"),
    ({"inputs": "sub/s.txt", "outputs": "sub"}, "m: sub is an output of this task, and a folder of other files of the campaign"),
    ({"outputs": "d/x", "log": "d"}, "m: d is the log of this task, and a folder of other files of the campaign"),
    ({"log": "../x.log"}, 'm: ../x.log is outside the work folder; "allow_outside": true allows that'),
    ({"outputs": "@/x", "log": "@/here/x.log"}, None),  # by another way to the work folder
    ({"outputs": ".."}, 'm: .. is outside the work folder; "allow_outside": true allows that'),
    ({"log": "/x.log"}, 'm: /x.log is outside the work folder; "allow_outside": true allows that'),
    ({"log": "away/x"}, 'm: away/x is outside the work folder, since a link is on the way to it; "allow_outside": true allows that'),
    ({"outputs": "away/sub/x"}, 'm: away/sub/x is outside the work folder, since a link is on the way to it; "allow_outside": true allows that'),
    ({"outputs": "nowhere/x"}, "m: nowhere/x: its folder nowhere is a link that leads nowhere"),
    ({"over": {"v": [""]}, "log": "{v}"}, "m[v=]: an empty path can't be a log"),
    ({"over": {"f": {"glob": "*.txt"}}, "outputs": "{f}"}, "m[f=in.txt]: in.txt is an output of this task, and an axis of its stage has found it"),
    ({"over": [{"files": "sub/{s}.txt"}], "log": "sub/{s}.txt"}, "m[s=s]: sub/s.txt is the log of this task, and an axis of its stage has found it"),
    ({"over": {"f": {"glob": "*.txt"}}, "outputs": "{f}.out", "log": "{f}.log"}, None),
    ({"allow_outside": "yes"}, "/allow_outside: must be true or false, not a string"),
    ({"over": {"n": {"range": [200000000]}}, "log": "{n}"}, 'a stage with a "log" has at most 100000000 tasks'),
]


class Writes(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.away = self.folder.with_name(self.folder.name + "-away")
        self.away.mkdir()
        self.addCleanup(shutil.rmtree, self.away)
        (self.folder / "away").symlink_to(self.away)

    def load(self, stage):
        self.write("m.json", {"run": {"command": ["true"]}} | stage)

    def fill(self):
        for name in ("in.txt", "t.csv", "run.sh", "sub/run.sh", "sub/s.txt"):
            self.write(name, "a\n1\n" if name == "t.csv" else "#!/bin/sh\n")
        for name in ("run.sh", "sub/run.sh"):
            (self.folder / name).chmod(0o755)
        for name, target in {"here": ".", "link.json": "m.json", "t-link.csv": "t.csv", "in-link.txt": "in.txt", "nowhere": "none/x"}.items():
            (self.folder / name).symlink_to(target)
        self.load({})
        os.link(self.folder / "m.json", self.folder / "hard.json")

    @farm.first
    def test_what_is_the_campaign_s_own_or_another_s_is_not_written(self):
        """All of it is refused before anything is touched, by every verb that reads a manifest."""
        self.fill()
        for stage, message in REFUSED:
            with self.subTest(stage=stage):
                self.write("m.json", json.dumps({"run": {"command": ["true"]}} | stage).replace("@", str(self.folder)))
                before = self.files()
                done = self.taskfarm("check", "m.json", status=2 if message else 0)
                self.assertIn(f"{message}\n" if message else "", done.stderr)
                self.assertEqual(self.files(), before)
        for verb in (["run", "m.json"], ["plan", "m.json"], ["graph", "m.json"], ["try", "m.json", 0], ["plan", "m.json", "x"]):
            self.load({"outputs": "m.json"})
            before = self.files()
            self.assertIn("it is the manifest", self.taskfarm(*verb, status=2).stderr)
            self.assertEqual(self.files(), before)

    def test_a_template_that_leads_outside_is_told_once(self):
        self.load({"over": {"n": {"range": [50]}}, "outputs": ["../x{n}", "away/{n}"], "log": "/l{n}"})
        expected = [
            '/outputs/0: m[n=0]: ../x0 and 49 other paths are outside the work folder; "allow_outside": true allows that',
            '/outputs/1: m[n=0]: away/0 and 49 other paths are outside the work folder, since a link is on the way to them; "allow_outside": true allows that',
            '/log: m[n=0]: /l0 and 49 other paths are outside the work folder; "allow_outside": true allows that',
        ]
        self.assertEqual(self.taskfarm("check", "m.json", status=2).stderr.splitlines()[:3], [f"m.json: {line}" for line in expected])

    def test_where_outputs_of_failed_attempts_are_kept_nobody_writes(self):
        for stage, message in (
            ({"outputs": ["x", "x.incomplete"]}, "m: x.incomplete is written by this task, and is the name of what is left of an output of m"),
            ({"outputs": "x", "log": "x.incomplete"}, "m: x.incomplete is written by this task, and is the name of what is left of an output of m"),
            ({"over": [{"csv": "x.incomplete"}], "outputs": "x"}, "m[a=1]: x.incomplete can't be written by a task: the manifest reads it"),
        ):
            self.write("x.incomplete", "a\n1\n")
            self.load(stage)
            self.taskfarm("plan", "m.json")
            self.assertIn(message, self.taskfarm("run", "m.json", "--keep-incomplete", status=2).stderr)

    def failure(self, task=0):
        return json.loads(self.taskfarm("show", "m.h5", "m", task, "--json").stdout)["texts"]["message"]

    def test_folders_that_are_links_are_followed_where_that_is_allowed(self):
        """By all ranks, to where they led at the start; what failed is taken away there."""
        for name in ("1", "2", "3"):
            (self.away / name).write_text("old")
        command = "echo {n} >{outputs}; echo out; test {n} != 2"
        self.load({"over": {"n": [1, 2, 3]}, "outputs": "away/{n}", "log": "away/logs/{n}", "run": {"command": command}})
        self.assertIn('"allow_outside": true allows that', self.taskfarm("m.json", status=2).stderr)
        self.assertEqual(sorted(os.listdir(self.away)), ["1", "2", "3"])
        self.load({"over": {"n": [1, 2, 3]}, "outputs": "away/{n}", "log": "away/logs/{n}", "run": {"command": command}, "allow_outside": True})
        self.taskfarm("m.json", status=1, ranks=2)
        self.assertEqual(sorted(os.listdir(self.away)), ["1", "3", "logs"])
        self.assertEqual((self.away / "3").read_text(), "3\n")
        self.assertEqual((self.away / "logs/2").read_text(), "out\n")

    def test_an_output_alone_may_be_outside(self):
        self.load({"outputs": {"path": "away/x", "allow_outside": True}, "log": "away/y", "run": {"command": "touch {outputs}"}})
        self.assertIn("/log: m: away/y is outside", self.taskfarm("check", "m.json", status=2).stderr)

    @farm.first
    def test_a_link_that_turns_up_during_the_run_is_not_followed(self):
        """Neither to make an output there, nor to remove one, nor for a log."""
        (self.away / "2").write_text("mine")
        for what in ("outputs", "log"):
            with self.subTest(what=what):
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                command = f"echo {{n}} >out/{{n}}; rm -r out; ln -s {self.away} out; touch out/1"
                self.load({"over": {"n": [1, 2]}, what: "out/{n}", "run": {"command": command}})
                self.taskfarm("m.json", "--slots", 1, "--fresh", status=1)
                self.assertEqual((self.away / "2").read_text(), "mine")
                word = {"outputs": "output", "log": "log"}[what]
                self.assertEqual(self.failure(1), f"{word} out/2 can't be made: out has become a link since the run began")
                (self.folder / "out").unlink()

    def test_what_a_name_is_a_link_to_stays_as_it_is(self):
        """An output, one that is made read-only, and a log."""
        (self.away / "mine").write_text("mine")
        (self.folder / "x.log").symlink_to(self.away / "mine")
        command = f"ln -s {self.away}/mine {{outputs}}"
        self.load({"outputs": {"path": "x", "protected": True}, "log": "x.log", "run": {"command": command}})
        self.taskfarm("m.json")
        self.assertEqual((self.away / "mine").read_text(), "mine")
        self.assertTrue((self.away / "mine").stat().st_mode & 0o200)
        self.assertFalse((self.folder / "x.log").is_symlink())

    def test_what_is_no_regular_file_is_neither_removed_nor_waited_for(self):
        os.mkfifo(self.folder / "x")
        for stage, message in (
            ({"outputs": "x"}, "output x is there already, and is not a regular file"),
            ({"log": "x"}, "can't write the log x: File exists"),
        ):
            self.load(stage)
            self.taskfarm("m.json", "--fresh", status=1)
            self.assertEqual(self.failure(), message)
            self.assertTrue((self.folder / "x").is_fifo())

    @farm.first
    def test_contents_of_what_has_none_are_not_waited_for(self):
        os.mkfifo(self.folder / "fifo")
        (self.folder / "link").symlink_to("fifo")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(os.path.relpath(self.folder / "socket"))
        (self.folder / "folder").mkdir()
        os.mkfifo(self.folder / "folder/fifo")
        for name in ("fifo", "link", "socket", "/dev/zero"):
            inputs = [{"path": name, "check": "hash"}]
            self.load({"over": {"i": [1, 2]}, "inputs": inputs, "run": {"command": ["true"]}})
            said = f'm.json: /inputs/0: m[i=1]: {name} is neither a file nor a folder, and can\'t be checked by "hash"\n'
            self.assertEqual(self.taskfarm("m.json", "--fresh", status=2).stderr, said)
            self.load({"inputs": name, "run": {"command": ["true"]}})
            self.taskfarm("m.json", "--fresh")
        self.load({"inputs": [{"path": "folder", "check": "hash"}], "run": {"command": ["true"]}})
        self.taskfarm("m.json", "--fresh")
        made = {"name": "made", "outputs": "pipe", "run": {"command": ["mkfifo", "pipe"]}}
        read = {"name": "read", "inputs": [{"path": "pipe", "check": "hash"}], "run": {"command": ["true"]}}
        self.write("m.json", {"stages": [made, read]})
        done = self.taskfarm("m.json", "--fresh", status=1)
        self.assertIn("input pipe can't be read: is not a regular file", done.stderr)

    def test_a_log_is_begun_anew_and_gone_on_with_by_further_attempts(self):
        self.write("x.log", "old")
        self.load({"log": "x.log", "retries": 1, "run": {"command": "echo $TASKFARM_ATTEMPT; test $TASKFARM_ATTEMPT = 2"}})
        self.taskfarm("m.json")
        self.assertEqual((self.folder / "x.log").read_text(), "1\n2\n")

    def test_logs_that_rows_of_other_stages_name(self):
        """Their names are not known beforehand; what the campaign reads is safe all the same."""
        names = ["m.json", "m.h5", "good.log", "m.h5.d/lock", "m.h5.d/run-1/rank-0000.text", "../away.log"]
        first = {"name": "f", "over": {"name": names}, "run": {"command": ["true"]}}
        second = {"name": "m", "over": {"row": {"from": "f", "columns": ["name"]}}, "run": {"command": ["echo", "out"]}}
        self.write("m.json", {"stages": [first, second | {"log": "{name}"}]})
        before = (self.folder / "m.json").read_bytes()
        self.taskfarm("m.json", status=1)
        self.assertEqual((self.folder / "m.json").read_bytes(), before)
        self.assertEqual(list(self.open("m.h5")["m/task/status"]), [farm.FAILED, farm.FAILED, farm.DONE, farm.FAILED, farm.FAILED, farm.FAILED])
        own = "the campaign reads or owns that file"
        for task, why in ((0, own), (3, own), (4, own), (5, 'it is outside the work folder; "allow_outside": true allows that')):
            self.assertEqual(self.failure(task), f"can't write the log {names[task]}: {why}")
        self.assertFalse((self.folder / "m.h5.d").exists())
        self.assertEqual((self.folder / "good.log").read_text(), "out\n")
        for log, message in (
            ("x.log", "m: x.log is the log of this task and of m"),
            ("away/{name}", "m: away/? is outside the work folder"),
        ):
            self.write("m.json", {"stages": [first, second | {"log": log}]})
            self.assertIn(message, self.taskfarm("check", "m.json", status=2).stderr)


if __name__ == "__main__":
    farm.main()
