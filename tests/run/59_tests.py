"""The tests themselves: one that fails says why, and one that is not there is missed."""

import os
import shutil
import subprocess

import farm

FAILING = """
import farm
import numpy as np

class Failing(farm.FarmTest):
    def test_equality(self):
        self.taskfarm("--version")
        self.assertEqual("what came\\n" * 50, "what was expected\\n" * 50)

    def test_arrays(self):
        self.taskfarm("schema")
        np.testing.assert_array_equal([1, 2], [1, 3])

    def test_parts(self):
        for verb in ("schema", "completion"):
            with self.subTest(verb=verb):
                self.taskfarm(verb, status=0 if verb == "schema" else 2)
                self.assertTrue(False)

    def test_passing(self):
        pass

farm.main()
"""

PROGRAMS = {
    "cmake": "exit 0",
    "nproc": "echo 1",
    # Knows three tests, of which two fail, and notes what it was to run.
    "ctest": """
case "$*" in *--show-only*)
    for last; do :; done
    printf '%s\\n' lint lint.quick run.27_reductions | grep -E -- "$last" | sed 's/^/  Test  #1: /'
    exit 0
esac
echo "$* only: $TASKFARM_ONLY" >>ran
mkdir -p build/dev/Testing/Temporary
[ ! -e breaks ] || exit 8
for last; do :; done
printf '1:%s\\n' lint lint.quick run.27_reductions | grep -E -- "$(echo "$last" | tr -d '^')" >build/dev/Testing/Temporary/LastTestsFailed.log
exit 8
""",
}


class Failures(farm.FarmTest):
    def run_failing(self, only=""):
        self.write("99_failing.py", FAILING)
        env = dict(os.environ, PYTHONPATH=str(farm.SOURCE / "tests/run"), TASKFARM_ONLY=only)
        return subprocess.run(
            ["/usr/bin/python3", "-B", "99_failing.py"], cwd=self.folder, env=env, capture_output=True, text=True
        )

    def test_each_says_what_was_expected_and_the_command_that_ran(self):
        told = self.run_failing().stderr
        for test, verb, text in (
            ("test_equality", "--version", "expected 'what was expected\\n"),
            ("test_arrays", "schema", "Mismatched elements: 1 / 2 (50%)"),
        ):
            part = told.split(f": {test} ")[1].split("\n=====")[0]
            self.assertIn(text, part)
            self.assertRegex(part, rf"\n\$ cd /\S+ && {farm.TASKFARM} {verb}\n")
            self.assertIn(f"again: tests/run.sh 99_failing.{test}\n", part)
            self.assertNotIn("maxDiff", part)
        for verb in ("schema", "completion"):
            part = told.split(f"(verb='{verb}')\n")[1].split("\n=====")[0]
            self.assertRegex(part, rf"\n\$ cd /\S+ && {farm.TASKFARM} {verb}\n")

    def test_a_test_that_is_not_there_is_an_error(self):
        for only in ("99_failing.test_no_such", "98_other.test_passing"):
            done = self.run_failing(only)
            self.assertEqual((done.returncode, done.stderr), (1, f"no test fits {only}\n"))

    def test_words_are_those_of_their_file(self):
        for only in ("99_failing.test_passing", "98_other 99_fail.test_pass", "run.99_failing.test_passing 98_other.test_no_such"):
            done = self.run_failing(only)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("Ran 1 test ", done.stderr)
        self.assertIn("Ran 4 tests ", self.run_failing("98_other.test_passing failing").stderr)


class Script(farm.FarmTest):
    def setUp(self):
        super().setUp()
        for name, text in PROGRAMS.items():
            self.write(f"bin/{name}", f"#!/bin/sh\n{text}\n").chmod(0o755)
        self.write("jobs/setup/debian.sh", "#!/bin/sh\n").chmod(0o755)
        self.write("build/dev/Testing/Temporary/LastTestsFailed.log", "1:unit.of_the_run_before\n")
        (self.folder / "tests").mkdir()
        shutil.copy(farm.SOURCE / "tests/run.sh", self.folder / "tests")

    def run_script(self, *names):
        env = dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}")
        return subprocess.run([self.folder / "tests/run.sh", *names], env=env, capture_output=True, text=True)

    def test_a_name_that_no_test_fits_is_an_error(self):
        for names in (["nosuchtest"], ["27_reductions", "nosuchtest"], ["nosuchtest.test_this"]):
            done = self.run_script(*names)
            self.assertEqual((done.returncode, done.stderr), (1, "tests/run.sh: no test fits nosuchtest\n"))

    def test_again_is_of_this_run(self):
        done = self.run_script("27_reductions.test_sums")
        self.assertEqual((done.returncode, done.stderr), (1, "again: tests/run.sh run.27_reductions\n"))
        self.assertIn("only: 27_reductions.test_sums\n", (self.folder / "ran").read_text())
        self.write("breaks", "")
        done = self.run_script("27_reductions")
        self.assertEqual((done.returncode, done.stderr), (1, ""))

    def test_a_whole_name_is_no_other_s_part(self):
        self.run_script("lint")
        self.run_script("lin")
        ran = [line.split(" -R ")[1].split(" only:")[0] for line in (self.folder / "ran").read_text().splitlines()]
        self.assertEqual(ran, ["^lint$", "lin"])


class Lint(farm.FarmTest):
    """lint.sh in a small tree."""

    def lint(self, **sources):
        for script in ("lint.sh", "layers.awk", "prints.awk", "leaf_numbers.py", "python_imports.py"):
            (self.folder / "tests").mkdir(exist_ok=True)
            shutil.copy(farm.SOURCE / "tests" / script, self.folder / "tests")
        for script in ("circles.py", "no_mpi.py", "diagnostic_ids.py"):
            self.write(f"tests/{script}", f"print('{script} ran')\n")
        shutil.copy(farm.SOURCE / ".clang-format", self.folder)
        for name, text in sources.items():
            self.write(f"src/base/{name}.c", text)
        subprocess.run(["git", "init", "-q"], cwd=self.folder, check=True)
        return subprocess.run(["tests/lint.sh", "build", "--quick"], cwd=self.folder, capture_output=True, text=True)

    def test_all_of_it_runs_whatever_the_first_finds(self):
        kinds = "static const leaf_kind one = {.number = 3};\nstatic const leaf_kind other = {.number = 3};\n"
        self.write("src/python/taskfarm/_a.py", "from taskfarm import _b\n")
        self.write("src/python/taskfarm/_b.py", "def late():\n    from taskfarm._a import x\n")
        self.write("src/python/taskfarm/_slot/main.py", "import sys, random\nfrom taskfarm._a import x\n\ndef late():\n    import numpy\n")
        done = self.lint(a="int  x;\n", b="int   y;\n", kinds=kinds)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "not formatted; to mend it: clang-format -i src/base/a.c src/base/b.c",
                "circles.py ran",
                "no_mpi.py ran",
                "diagnostic_ids.py ran",
                "kinds.c: other has the number 3 of one in kinds.c; the next is 4",
                "taskfarm._slot.main imports taskfarm._a: slots import taskfarm._slot alone",
                "taskfarm._slot.main imports random, which no task has asked for",
                "circle of imports: taskfarm._a -> taskfarm._b -> taskfarm._a",
            ],
        )

    def test_what_is_right_passes(self):
        done = self.lint(a="int x;\n", kinds="static const leaf_kind one = {.number = 3};\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


farm.main()
