"""taskfarm import: lists of commands become manifests that run them."""

import json

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

    def test_a_line_becomes_a_task(self):
        lines = ["echo 'a  b' | tr a-z A-Z", 'echo "{1..3}" \\$x', "[[ 1 < 2 ]] && echo é", "exit 4"]
        manifest = self.imported("my list.txt", "\n".join(lines) + "\n\n# a comment\n\t# another\r\n")
        self.assertEqual(
            manifest,
            {"name": "my_list", "over": {"command": lines}, "run": {"command": ["bash", "-c", "{command}"]}},
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
            ("makeflow", "x"): "import makeflow is not supported yet",
            ("tasks", "x"): "import tasks: only commands can be imported",
            ("commands", "nowhere"): "nowhere: No such file or directory",
            ("commands", "t.txt", "u.txt"): "u.txt: one argument too many",
        }.items():
            with self.subTest(arguments=arguments):
                self.assertEqual(self.taskfarm("import", *arguments, status=2).stderr, f"taskfarm: {message}\n")


farm.main()
