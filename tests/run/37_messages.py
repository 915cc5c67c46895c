"""What the program says when something is wrong: each message says what and where, and what to do where one can do
something. Mistakes in manifests are 05_broken_manifests.py's, those on the command line 09_command_line.py's; here is what
comes up later. And a list of all messages that the sources can print: each is shown by a test, or is one that only a failing
system call, HDF5 or a damaged machine brings about."""

import json
import re
import subprocess

import farm
import h5py

PLUGIN = """
#include <taskfarm/plugin.h>

unsigned int tf_plugin_abi = ABI;
TF_EXTERN TF_EXPORT tf_task_fn wrong;

int wrong(const tf_task *task, tf_row *row) {
    tf_block block;
    CALL;
    return TF_SUCCESS;
}
"""

# What a plugin does wrong, in a stage with columns v (two numbers), s (a string), and what is said of it.
CALLS = {
    "tf_param_int(task, 99)": "the function reads a parameter that it did not bind",
    "tf_set_double(row, 99, 1)": "the function sets a column that it did not bind",
    "tf_set_double(row, 0, 1)": 'the function sets column "v" as a single number, and it is an array',
    "tf_column_data(row, 1)": 'column "s" of type string has no array',
    "tf_column_block(row, 0, &block)": 'column "v" is no block of an array',
    "tf_array_block(task, 99, &block)": "the function reads an array that it did not bind",
}

# Files to be there, a command line, its exit status, and what it says (the folder's path is @).
TABLE = [
    (
        {"c.json": {"run": {"command": ["true"]}}},
        ["c.json", "--set", "word"],
        2,
        "c.json: --set word: must be NAME=VALUE\n",
    ),
    (
        {"c.json": {"variables": {"world": 1}, "run": {"command": ["true"]}}},
        ["c.json", "--set", "word=2"],
        2,
        'c.json: --set word=2: the manifest has no variable "word"; did you mean "world"?\n',
    ),
    (
        {"c.json": {"outputs": "x", "run": {"command": ["touch", "x"]}}},
        ["plan", "c.json", "--rerun", "mtime,size"],
        2,
        "c.json: --rerun size: must be mtime, params, code or inputs, or several with commas between\n",
    ),
    (
        {"c.json": {"over": {"n": [1]}, "outputs": "{n}", "run": {"command": ["touch", "{n}"]}}},
        ["c.json", "c[n=99]"],
        2,
        'c.json: c[n=99]: stage "c" has no task with n=99\n',
    ),
    *(
        (
            {"c.json": {"over": {"n": [1, 2], "filter": {"values": ["R", "G"]}}, "outputs": "{n}{filter}", "run": {"command": ["touch", "{n}{filter}"]}}},
            ["plan", "c.json", target],
            2,
            f"c.json: {target}: {message}\n",
        )
        for target, message in (
            ("c[q=1]", 'stage "c" has no parameter "q"; there are n and filter'),
            ("c[n=1, filtr=R]", 'stage "c" has no parameter "filtr"; did you mean "filter"?'),
            ("c[n=1,filter=V]", 'stage "c" has no task with filter=V'),
            ("c[3]", "a task is told by its parameters, as in c[NAME=VALUE]"),
            ("c[filter=]", 'stage "c" has no task with filter='),
        )
    ),
    (
        {"c.json": {"over": [{"zip": {"n": [1, 2], "m": [3, 4]}}], "outputs": "{n}", "run": {"command": ["touch", "{n}"]}}},
        ["c.json", "c[n=1,m=4]"],
        2,
        'c.json: c[n=1,m=4]: no task of stage "c" has all of these parameters\n',
    ),
    (
        {"c.json": {"over": {"n": [1]}, "outputs": "{n}", "run": {"command": ["touch", "{n}"]}}},
        ["c.json", "c[q=1]"],
        2,
        'c.json: c[q=1]: stage "c" has no parameter "q"; there is n\n',
    ),
    (
        {"c.json": {"over": {"n": {"range": [30]}}, "inputs": "in_{n}", "run": {"command": ["true"]}}},
        ["c.json"],
        2,
        "and 10 more inputs are not there\n",
    ),
    (
        {
            "c.json": {
                "stages": [
                    {"name": "a", "over": {"m": ["x"]}, "outputs": "{m}", "run": {"command": ["touch", "{m}"]}},
                    {"name": "b", "over": {"m": list("abcdefghijklmnopqrstuvw")}, "inputs": {"p": {"outputs_of": "a", "match": ["m"]}}, "run": {"command": ["true"]}},
                ]
            }
        },
        ["c.json"],
        2,
        "/stages/1: and 3 more tasks with which none agrees\n",
    ),
    (
        {"c.json": {"stages": [{"name": "a", "run": {"expr": {"y": "1"}}}, {"name": "b", "over": {"s": {"from": "a"}}, "run": {"expr": {"z": "y"}}}]}},
        ["try", "c.json", "b", "0"],
        3,
        'taskfarm: c.h5: can\'t be read, and stage "b" takes values of other stages from it: run these first\n',
    ),
]

# What failing tasks say: files, the stage, and the message of its first task.
TASKS = [
    ({"d/x": ""}, {"run": {"command": ["echo"]}, "log": "d"}, "can't write the log d: Is a directory"),
    ({"f": ""}, {"run": {"command": ["true"]}, "outputs": "f/x"}, "output f/x can't be made: a file stands where its folder is to be"),
    (
        {},
        {"run": {"command": ["echo", '{{"p": [1, 2, 3]}}']}, "results": {"p": {"type": "int32", "shape": [2]}}},
        'column "p": 3 elements in the last line of stdout, expected 2',
    ),
    (
        {},
        {"run": {"command": ["echo", '{{"p": "x"}}']}, "results": {"p": {"type": "int32", "shape": [2]}}},
        'column "p": not a list of int32 in the last line of stdout',
    ),
    (
        {},
        {"run": {"command": ["echo", '{{"p": [1]}}']}, "results": {"p": "int32"}},
        'column "p": a list in the last line of stdout; a column that takes lists has a "shape"',
    ),
    ({"d/x": ""}, {"run": {"command": ["true"]}, "outputs": "d"}, "output d is there already, and can't be removed: Is a directory"),
]


# Messages that only a failing system call, HDF5, too large a campaign or a damaged machine brings about.
OF_THE_SYSTEM = {
    "can't be copied by HDF5",
    "can't give the task to its Python process",
    "old bytes can't be cleared",
    "can't list the texts of stage",
    "this MPI supports no threads (MPI_THREAD_FUNNELED): use one that was built with them",
    "can't start processes",
    "can't make a socket",
    "can't make a pipe",
    "can't make the folder",
    "the service's answer is too long: more than 256 MB without an end of line",
    "no memory for",
    "no shared memory",
    "can't make the scratch folder",
    "no shared memory for slot",
    "has no room",
    "the spawner process does not answer",
    "no memory for the campaign",
    "can't read the campaign that rank 0 sent: is it another version of taskfarm?",
    "stages with files have more than",
    "more than 4 billion dependencies between tasks",
    "makes no regular expression",
    "can't open",
    "can't read array",
    "can't be closed",
    "can't be replaced",
    "HDF5 does not say why",
    "has not the rows that it must have",
    "its columns can't be read",
    "can't be flushed",
    "can't be created",
    "a rank died, and the process that finishes the output is gone: run the same command again",
    "can't read what stage",
    "can't read statuses",
    "can't lay out stage",
    "comes to no end reading it",
    "crashes reading it",
    "it ends too early",
    "can't be renamed to",
    "can't make the reductions of stage",
    "can't read rows of stage",
    "can't write rows",
    "can't be mapped",
    "can't be synced to disk",
    "the side file of rank",
    "a host can't map its memory",
    "it is being changed",
}


class Messages(farm.FarmTest):
    def fill(self, files):
        for name, content in files.items():
            self.write(name, content)

    def said(self, done):
        return done.stderr.replace(str(self.folder.resolve()), "@")

    @farm.first
    def test_what_is_wrong_with_a_run(self):
        for files, arguments, status, message in TABLE:
            with self.subTest(arguments=arguments):
                self.setUp()
                self.fill(files)
                said = self.said(self.taskfarm(*arguments, status=status))
                self.assertTrue(said.endswith(message), said)

    @farm.first
    def test_what_is_wrong_with_a_task(self):
        for files, stage, message in TASKS:
            with self.subTest(message=message):
                self.setUp()
                self.fill(files)
                self.write("c.json", stage)
                self.taskfarm("c.json", status=1)
                shown = json.loads(self.taskfarm("show", "c.h5", 0, "--json").stdout)
                self.assertEqual(shown["texts"]["message"].replace(str(self.folder.resolve()), "@"), message)

    def plugin(self, abi, call):
        self.write("wrong.c", PLUGIN.replace("ABI", abi).replace("CALL", f"(void)task, (void)row, (void)block; {call}"))
        include = farm.SOURCE / "include"
        subprocess.run(["cc", f"-I{include}", "-fPIC", "-shared", "wrong.c", "-o", "wrong.so"], cwd=self.folder, check=True)
        results = {"v": {"type": "float64", "shape": [2]}, "s": "string"}
        self.write("c.json", {"over": {"n": [1]}, "run": {"function": "./wrong.so:wrong"}, "results": results})

    def test_what_is_wrong_with_a_plugin(self):
        for call, message in CALLS.items():
            with self.subTest(call=call):
                self.plugin("TF_PLUGIN_ABI", call)
                self.assertIn(f"  failed c[0]: {message}\n", self.taskfarm("c.json", "--fresh", status=1).stderr)
        self.plugin("99", "")
        self.assertEqual(
            self.taskfarm("c.json", status=2).stderr,
            "c.json: /run/function: ./wrong.so was compiled for plugin interface 99, this taskfarm has 1: compile it anew\n",
        )

    def test_what_is_wrong_with_reading_an_output(self):
        self.write("c.json", {"name": "sweep", "over": {"f": {"glob": "none/*", "allow_empty": True}}, "run": {"command": ["ls", "{f}"]}})
        self.taskfarm("c.json")
        for arguments, message in (
            (["show", "sweep.h5", 0], 'stage "sweep" has no tasks'),
            (["export", "sweep.h5", "sweeep"], 'sweep.h5 has no stage "sweeep"; did you mean "sweep"?'),
            (["export", "sweep.h5", "--format", "rocrate", "--where", "1"], "--where is for tables, not for --format rocrate"),
            (["export", "sweep.h5", "--format", "hdf5"], "--format hdf5 needs a file to write: --output FILE"),
        ):
            self.assertEqual(self.taskfarm(*arguments, status=2).stderr, f"taskfarm: {message}\n")

    @farm.first
    def test_what_is_wrong_with_an_output(self):
        """Of an output that can't be gone on with, and what can be done then."""
        start = {"stages": [{"name": "a", "over": {"n": [1, 2]}, "run": {"command": ["echo", "{n}"]}}]}
        function = {"name": "a", "over": {"n": {"linspace": [0, 1, 5]}}, "store_params": False, "run": {"expr": {"y": "n"}}}
        other = {"name": "a", "over": {"n": {"linspace": [0, 2, 5]}}, "store_params": False, "run": {"expr": {"y": "n"}}}
        given = [{"name": "a", "over": {"n": [1, 2]}, "run": {"expr": {"y": "n"}}}]
        given.append({"name": "b", "over": {"s": {"from": "a"}, "k": [1]}, "run": {"expr": {"z": "y"}}})
        shifted = [given[0], given[1] | {"over": {"s": {"from": "a"}, "k": [1, 2]}}]

        def changed(**more):
            return {"stages": [start["stages"][0] | more]}

        def attribute(name, value):
            with h5py.File(self.folder / "c.h5", "r+") as file:
                file.attrs[name] = value

        def remove(name):
            with h5py.File(self.folder / "c.h5", "r+") as file:
                del file[name]

        for damage, manifest, before, message in (
            (
                lambda: attribute("format", "other"),
                start,
                start,
                "is another program's file, or damaged; choose another name with --output",
            ),
            (
                lambda: attribute("format_version", 2),
                start,
                start,
                "is of a later taskfarm (format version 2); --fresh sets it aside and starts anew",
            ),
            (
                lambda: attribute("state", "running"),
                start,
                start,
                "the last run was interrupted, and its folder c.h5.d is missing; --salvage goes on with the rows that are whole without "
                "it, --fresh sets the output aside and starts anew",
            ),
            (
                lambda: (self.folder / "c.h5").write_text("text"),
                start,
                start,
                "is no HDF5 file; choose another name with --output",
            ),
            (
                lambda: remove("a/task/status"),
                start,
                start,
                'is damaged: stage "a" has no status; --fresh sets it aside and starts anew',
            ),
            (
                None,
                changed(run={"command": ["echo", "x{n}"]}),
                start,
                'stage "a": "run" changed since its rows were made (was ["echo","{n}"], now ["echo","x{n}"]); --rerun code runs '
                "it anew, --fresh sets the old output aside and starts anew, --output leaves it where it is",
            ),
            (
                None,
                changed(over={"n": [1, 3]}),
                start,
                'stage "a": the space changed, and lacks the point of task 1 (n=2), which is done; --rerun params drops the rows of such '
                "points, --fresh sets the old output aside and starts anew, --output leaves it where it is",
            ),
            (
                None,
                {"stages": [other]},
                {"stages": [function]},
                'stage "a": the space changed, and parameters are not stored, so that its old points can\'t be found; --fresh '
                "sets the old output aside and starts anew, --output leaves it where it is",
            ),
            (
                None,
                {"stages": shifted},
                {"stages": given},
                'stage "b": the space changed, and it takes its points from another stage, so that its old ones can\'t be '
                "found; --fresh sets the old output aside and starts anew, --output leaves it where it is",
            ),
            (
                None,
                changed(name="b"),
                start,
                'has a stage "a", and the manifest has not: it is another campaign\'s output; choose another name with --output, or '
                "--fresh sets it aside",
            ),
        ):
            with self.subTest(message=message):
                self.setUp()
                self.write("c.json", before)
                self.taskfarm("c.json")
                if damage:
                    damage()
                self.write("c.json", manifest)
                self.assertEqual(self.taskfarm("c.json", status=3).stderr, f"taskfarm: c.h5: {message}\n")

    def test_what_is_wrong_with_an_output_that_is_to_be_gone_on_with(self):
        stages = [{"name": n, "run": {"command": ["true"]}} for n in "ab"]
        for damage, message in (
            (lambda: (self.folder / "c.h5").write_text("text"), "is damaged: it is no HDF5 file any more"),
            (lambda: h5py.File(self.folder / "c.h5", "w").create_group("a"), "is another program's file, or damaged"),
            (self.remove_status, "was changed since its last run"),
        ):
            with self.subTest(message=message):
                self.setUp()
                self.write("c.json", {"stages": stages})
                self.taskfarm("c.json", "a")
                damage()
                said = self.taskfarm("c.json", status=3).stderr
                self.assertTrue(said.startswith(f"taskfarm: c.h5: {message}; "), said)
                self.assertIn("--fresh sets it aside", said)

    def remove_status(self):
        with h5py.File(self.folder / "c.h5", "r+") as file:
            del file["a/task/status"]

    def test_what_is_not_there_yet(self):
        """Of outputs whose run was killed at a bad moment."""
        self.write("c.json", {"run": {"command": ["true"]}})
        for point, status, message in (
            ("layout.made", 3, "taskfarm: c.h5: its run was killed while the file was changed; run the same command again to repair it"),
            ("change.ended", 2, "taskfarm: c.h5: no stage has begun"),
        ):
            self.taskfarm("c.json", "--fresh", status=-9, env={"TASKFARM_CRASH": point})
            self.assertEqual(self.taskfarm("export", "c.h5", status=status).stderr, message + "\n")

    # ---- All of them ----

    def printed(self):
        """Every message in the sources, with where it is made; what is put in is cut out, and the longest part is left."""
        makers = "tf_error_set|tf_error_set_as|tf_diags_add|tf_diags_warn|diagnose|diagnose_at|builder_diagnose|preflight_diagnose|cli_usage_error|host_fail|import_diagnose|refuse|store_error|tf_say"
        for path in sorted((farm.SOURCE / "src").rglob("*.c")):
            text = path.read_text()
            for match in re.finditer(rf"\b(?:{makers})\(", text):
                arguments = re.match(r'(?:"(?:[^"\\]|\\.)*"|[^";])*;', text[match.end() :], re.S)
                for literals in re.findall(r'(?:"(?:[^"\\]|\\.)*"\s*)+', arguments.group() if arguments else ""):
                    message = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')
                    parts = [part.strip(" :;,\"'()") for part in re.split(r"%[-.*0-9]*(?:ll|l|z)?[a-zA-Z]|%%", message)]
                    longest = max(parts, key=len)
                    if len(longest) >= 8 and " " in longest:
                        yield longest, f"{path.parent.name}/{path.name}"

    @farm.first
    def test_every_message_is_shown_by_a_test_or_is_the_system_s(self):
        tests = "".join(
            path.read_text().replace('\\"', '"').replace("\\'", "'")
            for path in sorted((farm.SOURCE / "tests").glob("*/*.*"))
            if path.suffix in (".py", ".c")
        )
        tests = re.sub(r"([\"'])\s*\n\s*f?[\"']", "", tests).split("OF_THE_SYSTEM = ")
        shown = tests[0] + "".join(part.split("}\n", 1)[1] for part in tests[1:])
        unseen = {message: where for message, where in self.printed() if message not in shown}
        self.assertEqual({m: w for m, w in unseen.items() if m not in OF_THE_SYSTEM}, {}, "messages that no test shows")
        self.assertEqual([m for m in OF_THE_SYSTEM if m not in unseen], [], "messages that are gone, or shown after all")


if __name__ == "__main__":
    farm.main()
