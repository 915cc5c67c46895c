"""taskfarm import: lists of commands and makeflows become manifests that run them."""

import json
import shutil
import subprocess

import farm

DISBATCH = """\
# Two groups, and a repetition in the first.
#DISBATCH PREFIX echo "$DISBATCH_TASKID:
#DISBATCH SUFFIX  {x}" >>log
one

two
#DISBATCH REPEAT 3 start 100 step -50 r$DISBATCH_REPEAT_INDEX
three
#DISBATCH BARRIER
#DISBATCH PREFIX
#DISBATCH SUFFIX
sort log >sorted
#DISBATCH BARRIER CHECK
exit 3
#DISBATCH BARRIER CHECK
touch never
"""


class Import(farm.FarmTest):
    def imported(self, name, text):
        self.write(name, text)
        manifest = self.taskfarm("import", "commands", name).stdout
        self.write("m.json", manifest)
        return json.loads(manifest)

    @farm.first
    def test_a_line_becomes_a_task(self):
        lines = ["echo 'a  b' | tr a-z A-Z", 'echo "{1..3}" \\$x', "[[ 1 < 2 ]] && echo é", "exit 4"]
        manifest = self.imported("my list.txt", "\n".join(lines) + "\n\n# a comment\n\t# another\r\n")
        self.write("few", 'a "[1], {x}"\nb\n')
        self.assertEqual(
            manifest,
            {"name": "my_list", "over": {"command": lines}, "run": {"command": ["bash", "-c", "{command}"]}},
        )
        self.assertEqual(
            self.taskfarm("import", "commands", "few").stdout,
            '{\n  "name": "few",\n  "over": {\n    "command": ["a \\"[1], {x}\\"", "b"]\n  },\n'
            '  "run": {\n    "command": ["bash", "-c", "{command}"]\n  }\n}\n',
        )
        self.taskfarm("m.json", status=1)
        stage = self.open("my_list.h5")["my_list"]
        self.assertEqual(self.heap(stage, "stdout"), [b"A  B\n", b"{1..3} $x\n", "é\n".encode(), b""])
        self.assertEqual(list(stage["task/exit_code"][()]), [0, 0, 0, 4])

    def test_disbatchs_directives_are_followed(self):
        manifest = self.imported("tasks", DISBATCH)
        stages = manifest["stages"]
        self.assertEqual([stage["name"] for stage in stages], [f"tasks_{n}" for n in range(1, 7)])
        self.assertEqual(stages[2]["run"]["env"], {"DISBATCH_NAMETASKS": "tasks", "DISBATCH_TASKID": "{task}"})
        self.assertEqual([stage.get("after") for stage in stages[:3]], [None] * 3)
        self.assertEqual(stages[3]["after"], ["tasks_1", "tasks_2", "tasks_3"])
        self.assertEqual([stage.get("on_failure") for stage in stages], [None] * 3 + ["stop", "stop", None])
        self.taskfarm("m.json", status=1)
        expected = ["0:one {x}", "1:two {x}", "2: r100 {x}", "3: r50 {x}", "4: r0 {x}", "5:three {x}"]
        written = (self.folder / "sorted").read_text().splitlines()
        self.assertEqual([line.replace(": ", ":") for line in written], [e.replace(": ", ":") for e in expected])
        self.assertFalse((self.folder / "never").exists(), "what comes after a check that fails")

    def test_a_million_repetitions_are_a_few_lines(self):
        self.imported("many.txt", "#DISBATCH REPEAT 1000000 true\n")
        self.assertLess((self.folder / "m.json").stat().st_size, 1000)
        self.assertIn("1 000 000 tasks", self.taskfarm("check", "m.json").stdout)

    @farm.first
    def test_what_is_not_understood_is_named(self):
        cases = {
            "true\n#DISBATCH PERENGINE START x\n": "t.txt: line 2: of disBatch's directives PREFIX, SUFFIX, REPEAT and BARRIER are understood\n",
            "#DISBATCH REPEAT x\n": "t.txt: line 1: REPEAT needs a number of tasks\n",
            "#DISBATCH REPEAT 0 true\n": "t.txt: line 1: REPEAT needs a number of tasks\n",
            "#DISBATCH REPEAT 4 step 0\n": "t.txt: line 1: the step must not be 0\n",
            "#DISBATCH REPEAT 4 start 99999999999\n": "t.txt: line 1: start and step go up to 10^9\n",
            "# nothing\n": "taskfarm: t.txt: has no commands\n",
            "a\0b": "taskfarm: t.txt: is not text\n",
        }
        for text, message in cases.items():
            with self.subTest(text=text):
                self.write("t.txt", text)
                done = self.taskfarm("import", "commands", "t.txt", status=2)
                self.assertEqual((done.stdout, done.stderr), ("", message))
        (self.folder / "t.txt").write_bytes(b"true\necho \xff\n")
        self.assertEqual(self.taskfarm("import", "commands", "t.txt", status=2).stderr, "t.txt: line 2: is not UTF-8\n")
        for arguments, message in {
            (): "import needs a file, as in taskfarm import commands tasks.txt; taskfarm --help says more",
            ("commands",): "import needs a file, as in taskfarm import commands tasks.txt; taskfarm --help says more",
            ("tasks", "x"): "import tasks: must be commands or makeflow",
            ("commands", "nowhere"): "nowhere: No such file or directory",
            ("commands", "t.txt", "u.txt"): "u.txt: one argument too many",
        }.items():
            with self.subTest(arguments=arguments):
                self.assertEqual(self.taskfarm("import", *arguments, status=2).stderr, f"taskfarm: {message}\n")


CLASSIC = """\
# Classic: variables, exports, LOCAL, continued lines.
N=3
WORDS = "a b"
WORDS += c
CATEGORY=small
export GREETING=hello world
export LATER

parts.1 parts.2: source split.sh
\t./split.sh $(N) ${WORDS} $(WORDS) >parts.1; echo "$GREETING" >parts.2

LATER='it is later'
all.txt : parts.1 parts.2
\tLOCAL cat parts.1 parts.2 source >all.txt; \\
\techo "$LATER" >>all.txt
"""

JX = """\
{
  "environment": {"A": "one  'two'", "N": 3},
  "rules": [
    {
      "command": format("echo %d $A $N >out.%d", i, i),
      "inputs": ["source"], "outputs": ["out." + i], "resources": {"cores": 1}
    } for i in range(3),
    {"command": "cat out.* 'the source' >all", "inputs": ["out.0", "out.1", "out.2", "the source"], "outputs": ["all"],
     "environment": {"N": "4"}}
  ]
}
"""


class Makeflow(farm.FarmTest):
    def both(self, name, made, *options):
        """What taskfarm makes of it, and what makeflow makes of it, in folders of their own."""
        found = []
        for folder in (self.folder / "ours", self.folder / "theirs"):
            folder.mkdir()
            (folder / "source").write_text("the source\n")
            (folder / "the source").write_text("another\n")
            (folder / "split.sh").write_text('#!/bin/sh\necho "$@"\n')
            (folder / "split.sh").chmod(0o755)
            shutil.copy(self.folder / name, folder / name)
            if folder.name == "ours":
                done = self.taskfarm("import", "makeflow", name, folder=folder)
                (folder / "m.json").write_text(done.stdout)
                self.taskfarm("m.json", folder=folder)
                self.assertIn("of rules are left out", done.stderr)
            else:
                command = ["makeflow", "-T", "local", *options, name]
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            found.append({file: (folder / file).read_text() for file in made})
        self.assertEqual(*found)
        return json.loads((self.folder / "ours/m.json").read_text()), found[0]

    def test_the_classic_language_does_what_makeflow_does(self):
        self.write("w.mf", CLASSIC)
        manifest, found = self.both("w.mf", ["parts.1", "parts.2", "all.txt"])
        self.assertEqual(len(manifest["over"][0]["rows"]), 2)
        self.assertEqual(found["parts.2"], "hello world\n")
        self.assertEqual(found["all.txt"].splitlines()[-1], "'it is later'")

    @farm.first
    def test_jx_does_what_makeflow_does(self):
        self.write("w.jx", JX)
        manifest, found = self.both("w.jx", ["out.0", "out.2", "all"], "--jx")
        self.assertEqual(manifest["inputs"], {"split": "{reads}", "by": "\n"})
        self.assertEqual(found["out.2"], "2 one 'two'\n")

    def test_what_rules_make_outside_of_the_work_folder_may_be_there(self):
        (self.folder / "w").mkdir()
        for path in ("../up", f"{self.folder}/far", "d/../../over"):
            (self.folder / "w/w.mf").write_text(f"here {path}:\n\techo 1 >here; mkdir -p d; echo 2 >{path}\n")
            (self.folder / "w/m.json").write_text(self.taskfarm("import", "makeflow", "w/w.mf").stdout)
            self.taskfarm("w/m.json", "--fresh")
            self.assertEqual((self.folder / "w" / path).read_text(), "2\n")
        self.write("w.mf", "d/..here:\n\tmkdir -p d; echo 1 >d/..here\n")
        self.assertNotIn("allow_outside", self.taskfarm("import", "makeflow", "w.mf").stdout)

    def test_what_can_not_be_imported_is_named(self):
        cases = {
            "": "taskfarm: w: has no rules\n",
            "a b\n": "w: line 1: is neither a rule, nor a command, nor a variable\n",
            "# x\n\ttrue\n": "w: line 2: a command without a rule\n",
            "a: b\nc: d\n\ttrue\n": "w: line 1: a rule without a command below it\n",
            "a: b\n": "w: line 1: a rule without a command below it\n",
            ": b\n\ttrue\n": "w: line 1: a rule without outputs\n",
            "a: b->c\n\ttrue\n": "w: line 1: files that have another name in the task (->) can't be imported\n",
            "a: b\n\tMAKEFLOW c\n": "w: line 2: a makeflow within a makeflow can't be imported\n",
            "{}": 'taskfarm: w: has no "rules"\n',
            '{"rules": [}': "taskfarm: w: is not plain JSON, and jx2json (of Makeflow) can't work it out\n",
            '{"rules": [{}]}': 'w: rule 1: has no "command"\n',
            '{"rules": [{"command": "x"}, {"workflow": "y"}]}': "w: rule 2: a makeflow within a makeflow can't be imported\n",
            '{"rules": [{"command": "x", "inputs": [{"dag_name": "a", "task_name": "b"}]}]}': 'w: rule 1: "inputs" and '
            '"outputs" must be lists of files that have the same name in the task\n',
        }
        for text, message in cases.items():
            with self.subTest(text=text):
                self.write("w", text)
                done = self.taskfarm("import", "makeflow", "w", status=2)
                self.assertEqual((done.stdout, done.stderr.splitlines(keepends=True)[-1]), ("", message))


farm.main()
