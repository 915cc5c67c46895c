"""The command line: verbs, options, and what is said when they are wrong."""

import json
import os
import re
import shutil
import subprocess

import farm

# Arguments, exit status, and what is on stderr.
WRONG = [
    (["run"], "run needs a manifest; taskfarm --help says more"),
    (["--fresh"], "run needs a manifest; taskfarm --help says more"),
    (["staus", "x.h5"], 'there is no verb "staus", and no such file; did you mean "status"?'),
    (["rum", "a.json"], 'there is no verb "rum", and no such file; did you mean "run"?'),
    (["whatever"], 'there is no verb "whatever", and no such file; taskfarm --help lists the verbs'),
    (["help", "staus"], 'there is no verb "staus"; did you mean "status"?'),
    (["check"], "check needs a manifest; taskfarm --help says more"),
    (["schema", "b"], "b: one argument too many"),
    (["check", "a.json", "b"], "b: one argument too many"),
    (["schema", "b"], "b: one argument too many"),
    (["a.json", "--slot", "2x"], "--slots 2x: must be an integer from 1 to 4096"),
    (["a.json", "--slots", "0"], "--slots 0: must be an integer from 1 to 4096"),
    (["a.json", "--slots"], "--slots needs a value"),
    (["a.json", "--slotz", "2"], "unknown option --slotz; did you mean --slots?"),
    (["a.json", "--nothing-like-it"], "unknown option --nothing-like-it; taskfarm --help lists them"),
    (["a.json", "-q"], "unknown option -q; taskfarm --help lists them"),
    (["-qr", "a.json"], "unknown option -q; taskfarm --help lists them"),
    (["a.json", "--fresh=yes"], "--fresh takes no value"),
    (["plan", "a.json", "--fresh", "--salvage"], "--salvage goes on with an old output, and --fresh sets it aside: give one of them"),
    (["a.json", "--progress", "some"], "--progress some: must be auto, bar, plain or none"),
    (["a.json", "--bind", "core"], "--bind core: must be auto, cores or none"),
    (["graph", "a.json", "--json"], "graph does not take --json"),
    (["a.json", "--stop-with", "stdin"], "--stop-with stdin: must be 0, for standard input, or a file descriptor from 3 on"),
    (["a.json", "--stop-with", "1"], "--stop-with 1: must be 0, for standard input, or a file descriptor from 3 on"),
    (["a.json", "--stop-with", "99"], "--stop-with 99: no file is open as that descriptor"),
    (["check", "a.json", "--slots", "2"], "check does not take --slots"),
    (["check", "a.json", "--fresh"], "check does not take --fresh"),
    (["schema", "--seed", "2"], "schema does not take --seed"),
    (["a.json", "--walltime", "soon"], "--walltime soon: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00"),
    (["a.json", "--sync", "-1"], "--sync -1: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00, or 0"),
    (["job"], "job needs a batch system and a manifest, as in taskfarm job slurm sweep.json; taskfarm --help says more"),
    (["job", "sge", "a.json"], "job sge: must be slurm, pbs, lsf or flux"),
    (["job", "slurm", "a.json", "--nodes", "0"], "--nodes 0: must be an integer from 1 to 1000000"),
    (["job", "slurm", "a.json", "--time", "soon"], "--time soon: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00"),
    (["job", "slurm", "a.json", "--time", "1:30"], "--time 1:30: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00"),
    (["job", "slurm", "a.json", "--time", "1e9d"], "--time 1e9d: must be at most 1000000000 s, which are 31 years"),
    (["a.json", "--sync", "100000000-00:00:00"], "--sync 100000000-00:00:00: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00, or 0"),
    (["completion", "fish"], "completion fish: must be bash or zsh"),
    (["manual", "rum"], 'there is no verb "rum"; did you mean "run"?'),
    (["manual", "whatever"], 'there is no verb "whatever"; taskfarm --help lists them'),
    (["check", "a.json", "--touch"], "check does not take --touch"),
    (["graph", "a.json", "b"], "b: one argument too many"),
    (["a.json", "--latency-wait", "long"], "--latency-wait long: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00, or 0"),
    (["try", "a.json", "s", "0"], 'there is no stage "s"'),
]


class CommandLine(farm.FarmTest):
    @farm.first
    def test_a_manifest_that_is_a_link(self):
        self.write("one/c.json", {"name": "c", "inputs": "in", "run": {"command": "cat in"}})
        self.write("one/in", "")
        (self.folder / "two").mkdir()
        (self.folder / "two/c.json").symlink_to("../one/c.json")
        (self.folder / "one/d.json").symlink_to("c.json")
        done = self.taskfarm("two/c.json", status=2)
        there = f"{self.folder}/two"
        self.assertEqual(
            done.stderr,
            "two/c.json: /inputs: c: in is not there, and no task makes it\n"
            f"two/c.json: is a link, and what it names is looked for beside the link, in {there}; --workdir names another folder\n",
        )
        self.taskfarm("one/d.json")
        self.taskfarm("two/c.json", "--workdir", "one")
        (self.folder / "one/in").unlink()
        self.assertNotIn("link", self.taskfarm("one/d.json", status=2).stderr)

    def test_what_is_to_be_typed_holds_where_the_user_stands(self):
        """A manifest's files are beside it; what a run says of its output is for who stands elsewhere."""
        (self.folder / "there/below").mkdir(parents=True)
        self.write("there/m.json", {"over": {"i": {"range": [2]}}, "run": {"command": "test {i} -eq 0"}, "reduce": {"n": {}}})
        whole = str(self.folder / "there/m.h5")
        for folder, manifest, output in ((".", "there/m.json", "there/m.h5"), ("there", "m.json", "m.h5"), ("there/below", "../m.json", whole)):
            told = self.taskfarm(manifest, "--fresh", folder=self.folder / folder, status=1).stderr
            self.assertIn(f"; results in {output}\n", told)
            (typed,) = re.findall("^  see: taskfarm (show .*)$", told, re.MULTILINE)
            self.assertEqual(typed, f"show {output} m 1")
            self.assertIn("exit status 1", self.taskfarm(*typed.split(), folder=self.folder / folder).stdout)

    def test_a_current_folder_that_is_gone(self):
        """Nothing relative is looked for, or written, anywhere else."""
        self.write("a.json", {"run": {"command": ["true"]}, "results": {}})
        self.taskfarm("a.json")
        here = self.folder
        relative = "{}: is relative to the current folder, which is not there any more; give a path from / on"
        for arguments, name in (
            (["a.json"], "a.json"),
            (["check", "a.json"], "a.json"),
            (["status", "a.h5"], "a.h5"),
            (["show", "a.h5", "0"], "a.h5"),
            (["diff", f"{here}/a.h5", "b.h5"], "b.h5"),
            (["report", f"{here}/a.h5"], "a.html"),
            (["export", f"{here}/a.h5", "-o", "t.csv"], "t.csv"),
            (["plan", f"{here}/a.json", "-o", "u.h5"], "u.h5"),
            (["plan", f"{here}/a.json", "--workdir", "w"], "w"),
            (["import", "commands", "list"], "list"),
            (["plan", f"{here}/a.json"], None),
            ([f"{here}/a.json", "--slots", "1"], None),
            (["export", f"{here}/a.h5"], None),
            (["report", f"{here}/a.h5", "-o", f"{here}/page.html"], None),
        ):
            with self.subTest(arguments=arguments):
                script = 'mkdir gone && cd gone && rmdir ../gone && exec "$@"'
                command = ["sh", "-c", script, "sh", str(farm.TASKFARM), *arguments]
                done = subprocess.run(command, cwd=here, env=farm.environment(), text=True, capture_output=True, timeout=60)
                if name:
                    self.assertEqual((done.returncode, done.stderr), (2, f"taskfarm: {relative.format(name)}\n"))
                else:
                    self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((here / "page.html").exists())

    @farm.first
    def test_wrong_use_is_explained(self):
        self.write("a.json", {"run": {"command": ["true"]}})
        before = self.files()
        for arguments, diagnostic in WRONG:
            with self.subTest(arguments=arguments):
                done = self.taskfarm(*arguments, status=2)
                self.assertEqual((done.stdout, done.stderr), ("", f"taskfarm: {diagnostic}\n"))
        self.assertEqual(self.files(), before)

    def test_the_exit_status_goes_into_a_file(self):
        """Empty until then; relative to where one stands."""
        for name, command, status in (("a", "true", 0), ("b", "false", 1), ("c", "nosuchprogram", 2)):
            self.write(f"{name}/m.json", {"run": {"command": [command]}})
            self.write("ended", "0\n")
            for ranks in (None, 2):
                self.taskfarm(f"{name}/m.json", "--exit-file", "ended", "--fresh", status=status, ranks=ranks)
                self.assertEqual((self.folder / "ended").read_text(), f"{status}\n")
        done = self.taskfarm("a/m.json", "--exit-file", "away/ended", status=3)
        self.assertEqual(done.stderr, f"taskfarm: --exit-file: {self.folder}/away/ended can't be written: No such file or directory\n")

    @farm.first
    def test_options_from_the_environment(self):
        self.write("a.json", {"run": {"command": ["true"]}})
        wrong = self.taskfarm("a.json", status=2, env={"TASKFARM_PATIENCE": "long"}).stderr
        self.assertIn("--patience long: must be a time", wrong)
        self.assertIn("taskfarm: TASKFARM_PATIENCE of the environment stands for --patience\n", wrong)
        self.taskfarm("check", "a.json", env={"TASKFARM_PATIENCE": "long"})  # which has no such option
        self.taskfarm("a.json", env={"TASKFARM_PATIENCE": "5s"})

    def test_help_and_version(self):
        for arguments, start in (
            (["--help"], "taskfarm [run] MANIFEST"),
            (["run", "--help"], "taskfarm [run] MANIFEST"),
            (["check", "--help"], "taskfarm check MANIFEST"),
        ):
            done = self.taskfarm(*arguments)
            self.assertTrue(done.stdout.startswith(start))
            self.assertEqual(done.stderr, "")
            self.assertLessEqual(max(len(line) for line in done.stdout.splitlines()), 80)
        self.assertRegex(self.taskfarm("--version").stdout, r"^taskfarm \d+\.\d+\.\d+ \(([0-9a-f]{12}(-changed)?|unknown)\)\n$")
        self.assertEqual(self.taskfarm("version").stdout, self.taskfarm("--version").stdout)

    @farm.first
    def test_manifests_and_outputs_that_are_taken_for_each_other(self):
        os.mkdir(self.folder / "in")
        self.write("in/a.json", {"output": "there/b c.h5", "run": {"echo": True}})
        os.mkdir(self.folder / "in/there")
        self.taskfarm("in/a.json")
        shutil.move(self.folder / "in/there/b c.h5", self.folder / "b c.h5")
        is_manifest = "taskfarm: in/a.json: is a manifest; its output is in/there/b c.h5\n"
        for words in (["status", "in/a.json"], ["show", "in/a.json", 0], ["export", "in/a.json"], ["diff", "b c.h5", "in/a.json"], ["report", "in/a.json"]):
            self.assertEqual(self.taskfarm(*words, status=3).stderr, is_manifest, words)
        is_output = "b c.h5: is an output, and no manifest; see: taskfarm status 'b c.h5'\n"
        for words in (["b c.h5"], ["check", "b c.h5"], ["plan", "b c.h5"], ["try", "b c.h5", 0]):
            self.assertEqual(self.taskfarm(*words, status=2).stderr, is_output, words)
        self.write("no.h5", "{nor a manifest")
        self.assertEqual(self.taskfarm("status", "no.h5", status=3).stderr, "taskfarm: no.h5: is no HDF5 file\n")

    @farm.first
    def test_a_manifest_may_come_through_a_pipe(self):
        """Which is opened once, and read from its beginning."""
        text = json.dumps({"name": "n", "run": {"echo": True}})
        read, write = os.pipe()
        os.write(write, text.encode())
        os.close(write)
        done = subprocess.run(self.command("check", f"/dev/fd/{read}"), cwd=self.folder, env=farm.environment(), pass_fds=[read], capture_output=True, text=True, timeout=60)
        os.close(read)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        os.mkfifo(self.folder / "fifo")
        writer = subprocess.Popen(["sh", "-c", 'printf %s "$0" >fifo', text], cwd=self.folder)
        self.assertIn("stage n: 1 task of echo\n", self.taskfarm("check", "fifo").stdout)
        self.assertEqual(writer.wait(60), 0)

    def test_a_pipe_may_be_slow(self):
        """For longer than a file system may be away."""
        self.write("m.json", {"name": "n", "run": {"echo": True}})
        script = 'taskfarm=$0; { sleep 1.5; cat m.json; } | "$taskfarm" run - --patience 0.1'
        done = subprocess.run(["sh", "-c", script, farm.TASKFARM], cwd=self.folder, env=farm.environment(), capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)

    def feed(self, text, *arguments, status=0):
        """Gives the text to standard input, by a pipe and as a file."""
        self.write("of_stdin", text)
        found = []
        for script in ('cat of_stdin | "$0" "$@"', '"$0" "$@" <of_stdin'):
            done = subprocess.run(["sh", "-c", script, *self.command(*arguments)], cwd=self.folder, env=farm.environment(), capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, status, done.stderr)
            found.append(done)
        return found

    @farm.first
    def test_a_manifest_of_standard_input_stands_in_the_current_folder(self):
        self.write("list.txt", "one\ntwo\n")
        text = json.dumps({"name": "n", "over": {"x": {"lines": "list.txt"}}, "run": {"command": ["cat", "list.txt"]}})
        for name in ("-", "/dev/stdin"):
            for done in self.feed(text, name):
                self.assertIn("results in n.h5\n", done.stderr)
            self.assertEqual(self.heap(self.open("n.h5")["n"], "stdout"), [b"one\ntwo\n"] * 2)
            (self.folder / "n.h5").unlink()
        self.feed(text, "plan", "-")
        needs = 'needs a "name": it comes from a pipe, and has no file\'s name that the campaign could have\n'
        for done in self.feed('{"run": {"echo": true}}', "-", status=2):
            self.assertEqual(done.stderr, f"-: {needs}")
        (self.folder / "d").mkdir()
        self.write("d/list.txt", "one\n")
        self.assertIn("1 task of", self.feed(text, "check", "-", "--workdir", "d")[0].stdout)
        for done in self.feed(text, "job", "slurm", "-", status=2):
            self.assertEqual(done.stderr, "taskfarm: -: comes from a pipe, which is gone when the job starts: write it to a file\n")

    def test_a_list_of_standard_input_is_called_by_its_kind(self):
        for done in self.feed("echo 1\necho 2\n", "import", "commands", "-"):
            self.assertEqual(json.loads(done.stdout)["name"], "commands")

    @farm.first
    def test_help_is_a_verb_too_and_what_comes_without_a_word(self):
        whole = self.taskfarm("--help").stdout
        self.assertEqual(self.taskfarm("help").stdout, whole)
        self.assertEqual(self.taskfarm("help", "diff").stdout, self.taskfarm("diff", "--help").stdout)
        alone = self.taskfarm(status=2)
        self.assertEqual((alone.stdout, alone.stderr), (whole, ""))
        self.write("campaign", {"run": {"command": "true"}})  # a manifest may have any name
        self.taskfarm("campaign")

    @farm.first
    def test_help_says_what_is_meant_by_the_verb(self):
        """Not what an option or an exit status is to another one."""
        helps = {v: " ".join(self.taskfarm(v, "--help").stdout.split()) for v in self.verbs()}
        for verb in helps:
            self.assertEqual("all tasks done" in helps[verb], verb == "run", verb)
        self.assertIn("0 they are the same; 1 they differ;", helps["diff"])
        self.assertIn("--output FILE where results go, instead of", helps["plan"])
        self.assertIn("--output FILE the file to write --trust", helps["report"])
        self.assertIn("--format FORMAT csv, jsonl, hdf5 or rocrate (default: the first) --safe", helps["export"])
        self.assertIn("--format FORMAT html or trace (default: the first) Exit status: 0 ", helps["report"])
        page = " ".join(self.taskfarm("manual", "diff").stdout.split())
        self.assertIn(".SH EXIT STATUS 0 they are the same; 1 they differ;", page)

    def verbs(self):
        """Each verb with its options, from the help."""
        verbs = re.findall(r"^taskfarm (\[run\]|\w+)", self.taskfarm("--help").stdout, re.M)
        verbs = [verb.strip("[]") for verb in verbs]
        return {v: re.findall(r"^  (?:-\w, )?--([\w-]+)", self.taskfarm(v, "--help").stdout, re.M) for v in verbs}

    def test_manual_pages_have_the_same_texts(self):
        for verb, options in self.verbs().items():
            for page in ([verb], []):
                text = self.taskfarm("manual", *page).stdout
                done = subprocess.run(
                    ["groff", "-man", "-ww", "-z"], input=text, capture_output=True, text=True, check=True
                )
                self.assertEqual(done.stderr, "")
                for option in options:
                    self.assertIn("\\fB\\-\\-" + option.replace("-", "\\-") + "\\fR", text)

    def complete(self, *words):
        """What bash offers for the last word."""
        script = 'eval "$(%s completion bash)"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _taskfarm 2>/dev/null' % farm.TASKFARM
        done = subprocess.run(
            ["bash", "-c", script + '; printf "%s\\n" "${COMPREPLY[@]}"', "bash", "taskfarm", *words],
            cwd=self.folder,
            env=farm.environment(PATH=f"{farm.BUILD}:/usr/bin:/bin"),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.stderr, "")
        return sorted(done.stdout.split())

    def test_bash_completes(self):
        self.write("a.json", {"stages": [{"name": n, "run": {"expr": {"x": "1"}}} for n in ("first", "second")]})
        self.write("folder/b.json", "{}")
        self.taskfarm("a.json")
        verbs = self.verbs()
        self.assertLessEqual({*verbs, "a.json", "folder/"}, set(self.complete("")))
        self.assertEqual(self.complete("sh"), ["show"])
        self.assertEqual(self.complete("show", ""), ["a.h5", "folder/"])
        self.assertEqual(self.complete("export", "a.h5", ""), ["first", "second"])
        self.assertEqual(self.complete("diff", "a.h5", ""), ["a.h5", "folder/"])
        self.assertEqual(self.complete("diff", "a.h5", "a.h5", "s"), ["second"])
        self.assertEqual(self.complete("plan", ""), ["a.json", "folder/"])
        self.assertEqual(self.complete("plan", "folder/"), ["folder/b.json"])
        self.assertEqual(self.complete("a.json", "--progress", "p"), ["plain"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh"])
        for verb, options in verbs.items():
            self.assertEqual(self.complete(verb, "--"), sorted(f"--{o}" for o in [*options, "help"]), verb)

    def test_zsh_completes(self):
        text = self.taskfarm("completion", "zsh").stdout
        self.write("_taskfarm", text)
        done = subprocess.run(["zsh", "-n", "_taskfarm"], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for verb, options in self.verbs().items():
            part = text.split(f"        {verb})\n")[1].split(";;")[0]
            self.assertEqual(re.findall(r"'\*--([\w-]+)\[", part), options)

    @farm.first
    def test_options_may_stand_anywhere(self):
        self.write("a.json", {"run": {"command": ["true"]}})
        self.taskfarm("--output", "x.h5", "a.json", "--slots=1", "--progress=none")
        self.taskfarm("run", "--output=y.h5", "--", "a.json")
        self.assertTrue((self.folder / "x.h5").exists() and (self.folder / "y.h5").exists())

    def test_set_and_seed_reach_the_tasks(self):
        self.write(
            "a.json",
            {
                "seed": 1,
                "variables": {"word": "plain", "n": 3},
                "run": {"command": ["printf", "%s", '{{"word": "{word}", "n": {n}, "seed": "{seed}"}}']},
                "results": {"word": "string", "n": "int32", "seed": "uint64"},
            },
        )
        results = []
        for options in ([], ["--set", "word=a b", "--set", "n=-4", "--seed", "2"]):
            self.taskfarm("a.json", "--fresh", *options, ranks=2)
            file = self.open("a.h5")
            results.append(tuple(file["a/results"][c][0] for c in ("word", "n", "seed")))
            self.assertEqual(file.attrs["seed"], len(results))
            file.close()
        self.assertEqual([r[:2] for r in results], [(b"plain", 3), (b"a b", -4)])
        self.assertNotEqual(results[0][2], results[1][2])

    def test_set_of_what_is_not_there(self):
        self.write("a.json", {"variables": {"n": 3}, "run": {"command": ["true"]}})
        for setting, diagnostic in (
            ("m=1", 'the manifest has no variable "m"'),
            ("n", "must be NAME=VALUE"),
            ("n=x", '"x" is not a number'),
        ):
            done = self.taskfarm("a.json", "--set", setting, status=2)
            self.assertEqual(done.stderr, f"a.json: --set {setting}: {diagnostic}\n")
        done = self.taskfarm("a.json", "--retries", "300", status=2)
        self.assertEqual(done.stderr, "a.json: --retries 300: must be an integer from 0 to 254\n")
        done = self.taskfarm("a.json", "--seed", "-1", status=2)
        self.assertEqual(done.stderr, "a.json: --seed -1: must be an integer from 0 to 18446744073709551615\n")

    def test_wishes_that_make_no_sense(self):
        self.write("a.json", {"name": "a", "over": {"n": [1, 2]}, "run": {"command": ["true"]}})
        before = self.files()
        for arguments, diagnostic in (
            (["b"], "b: is neither a stage nor the output of a task"),
            (["a[n=1]"], 'a[n=1]: stage "a" has no files: it can be run as a whole'),
            (["--until", "b.txt"], "b.txt: is neither a stage nor the output of a task"),
            (["--force", "b"], "--force b: there is no such stage"),
            (["--rerun", "mtime,size"], "--rerun size: must be mtime, params, code or inputs, or several with commas"),
        ):
            for verb in ("run", "plan"):
                done = self.taskfarm(verb, "a.json", *arguments, status=2)
                self.assertTrue(done.stderr.startswith(f"a.json: {diagnostic}"), done.stderr)
        self.assertEqual(self.files(), before)

    def test_workdir_moves_all_relative_paths(self):
        (self.folder / "data").mkdir()
        self.write("data/list.txt", "one\ntwo\n")
        self.write("deep/a.json", {"over": {"x": {"lines": "list.txt"}}, "run": {"command": ["cat", "list.txt"]}})
        for ranks in (None, 3):
            self.taskfarm("deep/a.json", "--workdir", "data", "--fresh", ranks=ranks)
            file = self.open("data/a.h5")
            self.assertEqual(self.heap(file["a"], "stdout"), [b"one\ntwo\n"] * 2)
            file.close()
        done = self.taskfarm("deep/a.json", "--workdir", "nowhere", status=2)
        self.assertRegex(done.stderr, r"^deep/a.json: can't change to the work folder .*/nowhere: No such file")

    def test_inputs_are_read_once_by_rank_0(self):
        """The other ranks get what rank 0 read: a list that changes meanwhile can not tear a campaign apart."""
        self.write("list.txt", "a\nb\nc\n")
        self.write(
            "a.json",
            {
                "stages": [
                    {"name": "change", "run": {"command": "echo d >> list.txt"}},
                    {"name": "use", "after": ["change"], "over": {"x": {"lines": "list.txt"}}, "run": {"command": "true"}},
                ]
            },
        )
        self.taskfarm("a.json", ranks=3)
        self.assertEqual(list(self.open("a.h5")["use/params/x"][()]), [b"a", b"b", b"c"])


@farm.first
class Check(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write(
            "survey.json",
            {
                "seed": 5,
                "stages": [
                    {
                        "name": "measure",
                        "over": {"star": ["a", "b"], "filter": {"range": [3]}},
                        "run": {"command": ["echo", "{star}", "{filter}"]},
                        "results": {"flux": {"type": "float32", "shape": [4, 2]}, "flag": "bool"},
                    },
                    {"name": "end", "run": {"function": "builtin:noop"}},
                ],
            },
        )

    def test_says_what_would_run(self):
        done = self.taskfarm("check", "survey.json")
        self.assertEqual(
            done.stdout,
            "survey.json: all right\n"
            "campaign survey, seed 5, output survey.h5\n"
            "stage measure: 6 tasks of echo {star} {filter}\n"
            "  parameter star: string\n"
            "  parameter filter: int64\n"
            "  result flux: float32 (4 x 2)\n"
            "  result flag: bool\n"
            "stage end: 1 task of builtin:noop\n",
        )
        self.assertEqual(set(self.files()), {"survey.json"})

    def test_says_it_in_json(self):
        self.assertEqual(
            json.loads(self.taskfarm("check", "--json", "survey.json").stdout),
            {
                "right": True,
                "errors": [],
                "diagnostics": [],
                "name": "survey",
                "output": "survey.h5",
                "stages": [
                    {
                        "name": "measure",
                        "tasks": 6,
                        "run": "echo {star} {filter}",
                        "parameters": [{"name": "star", "type": "string"}, {"name": "filter", "type": "int64"}],
                        "results": [{"name": "flux", "type": "float32"}, {"name": "flag", "type": "bool"}],
                    },
                    {"name": "end", "tasks": 1, "run": "builtin:noop", "parameters": [], "results": []},
                ],
            },
        )
        self.write("bad.json", {"run": {"command": []}})
        bad = json.loads(self.taskfarm("check", "--json", "bad.json", status=2).stdout)
        text = "the command is empty"
        self.assertEqual(
            bad,
            {
                "right": False,
                "errors": [f"bad.json: /run/command: {text}"],
                "diagnostics": [{"id": "wrong-length", "severity": "error", "pointer": "/run/command", "text": text}],
            },
        )
        self.write("worse.json", '{"run": }')
        worse = json.loads(self.taskfarm("check", "--json", "worse.json", status=2).stdout)
        text = 'not JSON: "}" was not expected here'
        self.assertEqual(worse["errors"], [f"worse.json:1:9: {text}"])
        self.assertEqual(
            worse["diagnostics"],
            [{"id": "syntax", "severity": "error", "pointer": "", "text": text, "line": 1, "column": 9}],
        )

    def test_a_verb_that_fails_says_why_in_json_too(self):
        """Standard output is JSON whatever comes, and standard error the line for people."""
        self.write("one.json", {"run": {"echo": True}})
        self.taskfarm("one.json")
        self.write("one.json", {"seed": 5, "run": {"echo": True}})
        self.write("bad.json", {"run": {"command": []}})
        self.write("text.h5", "no HDF5")
        wrong_manifest = {"id": "wrong-length", "severity": "error", "pointer": "/run/command", "text": "the command is empty"}
        cases = [
            (["plan", "bad.json"], 2, [wrong_manifest]),
            (["plan", "one.json"], 3, ["campaign-changed"]),
            (["plan", "one.json", "--rerun", "tme"], 2, ["bad-option"]),
            (["status", "text.h5"], 3, ["not-an-output"]),
            (["status", "text.h5", "--watch"], 3, ["not-an-output"]),
            (["show", "text.h5", "0"], 3, ["not-an-output"]),
            (["show", "none.h5", "0"], 2, ["no-output"]),
            (["diff", "one.h5", "none.h5"], 2, ["no-output"]),
        ]
        for words, status, expected in cases:
            with self.subTest(words=words):
                done = self.taskfarm(*words, "--json", status=status)
                told = json.loads(done.stdout)
                self.assertEqual(list(told), ["diagnostics"])
                for diagnostic, wanted in zip(told["diagnostics"], expected, strict=True):
                    if isinstance(wanted, str):
                        self.assertEqual(diagnostic["id"], wanted)
                        self.assertEqual(set(diagnostic), {"id", "severity", "text"} | ({"pointer"} if status == 2 and "plan" in words else set()))
                    else:
                        self.assertEqual(diagnostic, wanted)
                    self.assertIn(diagnostic["text"], done.stderr)
                if "--watch" in words:
                    self.assertEqual(done.stdout.count("\n"), 1)


@farm.first
class Schema(farm.FarmTest):
    def test_takes_what_the_program_takes(self):
        """By an independent validator: right manifests pass, and those with wrong keys or types do not."""
        self.write("schema.json", self.taskfarm("schema").stdout)
        right = [json.loads(p.read_text()) for p in farm.EXAMPLES.glob("*/*.json")]
        self.assertGreater(len(right), 3)
        right += [
            {"over": [{"csv": "t.csv"}, {"name": "x", "linspace": [0, 1, 5]}], "run": {"command": "true"}},
            {"timeout": 2.5, "on_failure": "stop", "run": {"command": "true"}},
            {"timeout": "5m", "on_failure": {"stop_after": 9}, "run": {"command": "true"}},
            {"over": {"a": {"files": "{x}.dat", "wildcards": {"x": "[0-9]"}}}, "run": {"function": "a.so:f"}},
            {
                "defaults": {"capture": {"stdout": "64KB", "stderr": 0}, "record": "status"},
                "stages": [
                    {
                        "name": "s",
                        "over": [{"concat": [{"a": [1]}, {"a": [2]}]}, {"zip": {"b": [1], "c": ["x"]}}],
                        "run": {"command": ["a"], "env": {"A": "1"}, "cwd": "/", "stdin": "x"},
                        "results": {"x": "int8", "y": {"type": "float64", "shape": [2], "from": "field:3"}},
                    }
                ],
            },
        ]
        wrong = [
            {},
            {"run": {"comand": "true"}},
            {"run": {"command": "true", "function": "a:b"}},
            {"run": {"command": []}},
            {"run": {"service": 5}},
            {"stages": []},
            {"stages": [{"run": {"command": "true"}}]},
            {"seed": -1, "run": {"command": "true"}},
            {"over": {}, "run": {"command": "true"}},
            {"over": {"a": {"range": [1, 2, 3, 4]}}, "run": {"command": "true"}},
            {"results": {"x": "double"}, "run": {"command": "true"}},
            {"record": "some", "run": {"command": "true"}},
            {"retries": 300, "run": {"command": "true"}},
            {"timeout": 0, "run": {"command": "true"}},
            {"on_failure": "halt", "run": {"command": "true"}},
            {"on_failure": {}, "run": {"command": "true"}},
        ]
        self.write("cases.json", [right, wrong])
        script = (
            "import json, jsonschema;"
            "schema = json.load(open('schema.json')); right, wrong = json.load(open('cases.json'));"
            "jsonschema.Draft202012Validator.check_schema(schema);"
            "v = jsonschema.Draft202012Validator(schema);"
            "print([m for m in right if not v.is_valid(m)], [m for m in wrong if v.is_valid(m)])"
        )
        done = subprocess.run(
            ["/usr/bin/python3", "-W", "ignore", "-c", script], cwd=self.folder, capture_output=True, text=True
        )
        self.assertEqual((done.stdout, done.stderr), ("[] []\n", ""))


farm.main()
