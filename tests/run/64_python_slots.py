"""Python functions as the rank's hosts run them: what a row gets, and what becomes of it when its process dies, hangs or lies;
what keeps a process from starting."""

import farm
import h5py
from python_test import PythonTest


@farm.first
class Rows(PythonTest):
    def test_parameters_of_each_type_become_results_of_each_type(self):
        self.python(
            """
            def f(pi, pu, ps, pb):
                return {"i": pi + 1, "u": pu / 2, "s": ps + "é", "b": not pb, "a": [pi, pi], "t": ps.encode() + bytes([0, 255])}
            """,
            {
                "i": "int16",
                "u": "float64",
                "s": "string",
                "b": "bool",
                "a": {"type": "float32", "shape": [2]},
                "t": "bytes",
                "o": {"type": "float64", "optional": True},
            },
            over={"pi": [1, 2], "pu": [0.5], "ps": ["ü", ""], "pb": [True, False]},
        )
        self.assertEqual(self.column("i"), [2, 2, 2, 2, 3, 3, 3, 3])
        self.assertEqual(self.column("u"), [0.25] * 8)
        self.assertEqual([s.decode() for s in self.column("s")], ["üé", "üé", "é", "é"] * 2)
        self.assertEqual(self.column("b"), [False, True] * 4)
        self.assertEqual(self.column("a"), [[1, 1]] * 4 + [[2, 2]] * 4)
        self.assertEqual(str(self.column("o")), str([float("nan")] * 8))
        with h5py.File(self.folder / "m.h5") as file:
            offset, length = file["m/text/t_index"][0]
            self.assertEqual(file["m/text/t"][offset : offset + length].tobytes(), "ü".encode() + b"\0\xff")

    def test_the_row_under_way_is_blamed_for_the_end_of_its_process(self):
        said = self.python(
            """
            def f(x):
                print("row", x)
                os.write(2, b"raw")
                if x == 1: ctypes.string_at(0)
                if x == 3: os._exit(3)
                if x == 5: os.kill(os.getpid(), signal.SIGKILL)
                if x == 7: os._exit(0)
                return float(x)
            """,
            status=1,
        ).stderr
        self.assertEqual(self.statuses(), [1, 2, 1, 2, 1, 2, 1, 2, 1, 1])
        self.assertEqual([y for y in self.column() if y == y], [0, 2, 4, 6, 8, 9])
        self.assertIn("m[1]: the task was killed by signal 11 (Segmentation fault)\n", said)
        self.assertIn("the task ended its process: exit status 3\n", self.shown(3))
        self.assertIn("m[5]: the task was killed by signal 9 (Killed)\n", said)
        self.assertIn("the task ended its process: exit status 0\n", self.shown(7))
        for index in range(10):
            self.assertIn(f"stdout\n  row {index}\n", self.shown(index))
            self.assertIn("stderr\n  raw", self.shown(index))
        self.assertEqual(self.ends(), [(0, 0), (-1, 11), (0, 0), (3, 0), (0, 0), (-1, 9), (0, 0), (0, 0), (0, 0), (0, 0)])
        self.assertIn("  ended by signal 9 (Killed)\n", self.shown(5))
        self.assertIn("  exit status 3\n", self.shown(3))
        self.assertNotIn("  exit status", self.shown(2))

    def test_a_row_that_takes_too_long_is_ended_alone(self):
        said = self.python("def f(x):\n    while x == 4: pass\n    return float(x)\n", timeout="1s", status=1).stderr
        self.assertIn("m[4]: timeout after 1.0s\n", said)
        self.assertEqual(self.statuses(), [1] * 4 + [farm.TIMEOUT] + [1] * 5)
        self.assertEqual(self.ends(), [(0, 0)] * 4 + [(-1, 9)] + [(0, 0)] * 5)

    def test_tasks_with_files_have_the_end_of_their_process(self):
        body = """
            def f(x, task):
                if x == 1: os._exit(3)
                if x == 2: os.kill(os.getpid(), signal.SIGSEGV)
                open(task.outputs[0], "w").close()
            """
        self.python(body, {}, over={"x": {"range": [0, 4]}}, outputs=["out{x}"], status=1)
        self.assertEqual(self.ends(), [(0, 0), (3, 0), (-1, 11), (0, 0)])

    def test_a_task_that_closes_what_is_not_its_own_costs_no_other_task(self):
        body = """
            def f(x):
                for fd in os.listdir("/proc/self/fd") if x % 4 == 1 else []:
                    if os.path.exists(f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}").startswith("socket:"):
                        os.close(int(fd))
                return x + 0.5
            """
        self.python(body)  # how taskfarm speaks with its process
        self.assertEqual(self.column(), [x + 0.5 for x in range(10)])
        self.python("def f(x):\n    if x == 5: os.closerange(0, 1000)\n    return x + 1.5\n", status=1, arguments=["--fresh"])
        self.assertEqual(self.statuses(), [1] * 5 + [2] + [1] * 4)

    FIND = """
            def find(name):
                for fd in map(int, os.listdir("/proc/self/fd")):
                    try:
                        if os.readlink(f"/proc/self/fd/{fd}").startswith(f"/memfd:{name}"):
                            return fd
                    except OSError:
                        pass
            """

    def test_what_a_process_shares_can_not_be_cut_off(self):
        """Its host would be killed by reading there."""
        body = """
            def f(x):
                if x == 4: os.ftruncate(find("taskfarm-frame"), 0)
                return float(x)
            """
        self.assertIn("PermissionError: [Errno 1] Operation not permitted", self.python(self.FIND + body, status=1).stderr)
        self.assertEqual(self.statuses(), [1] * 4 + [2] + [1] * 5)

    def test_a_process_that_writes_over_what_it_shares_is_ended(self):
        """Its rows are run one by one, so that only one of them fails."""
        body = self.FIND + """
            def f(x):
                if x == 4:
                    os.pwrite(find("taskfarm-NAME"), WHAT)
                    while ENDLESS: time.sleep(0.01)
                return float(x)
            """
        for name, what, endless, wrong in (
            ("frame", "(10**9).to_bytes(8, 'little'), 0", "True", "its count of finished tasks"),
            ("texts", "b'\\xff' * 24, 0", "False", "a text"),
        ):
            with self.subTest(name=name):
                self.setUp()
                said = self.python(body.replace("NAME", name).replace("WHAT", what).replace("ENDLESS", endless), status=1).stderr
                self.assertIn(
                    f"m[4]: what the task's process has left in shared memory can't be true ({wrong}): was it written over?\n", said
                )
                self.assertEqual(self.statuses(), [1] * 4 + [2] + [1] * 5)


@farm.first
class Starts(PythonTest):
    """The stage is given back with the reason; no task has failed."""

    def refused(self, message, body="def f(x):\n    return 1.0\n", **more):
        said = self.python(body, status=1, **more).stderr
        self.assertIn(message, said.replace("\n    ", "\n"))
        with h5py.File(self.folder / "m.h5") as file:
            self.assertEqual(set(file["m/task/status"][:]), {0})
        return said

    def interpreter(self, script):
        path = self.write("interpreter", f'#!/bin/sh\n[ "$4" = slot ] || exit 1\n{script}\n')
        path.chmod(0o755)
        return {"run": {"interpreter": "./interpreter"}, "arguments": ["--slots", "1"], "env": {"TASKFARM_FIRST_ANSWER": "0.5s"}}

    def test_modules_that_can_t_be_imported(self):
        self.refused("ModuleNotFoundError: No module named 'nowhere'", "import nowhere\n")
        self.refused("measure.py:f can't be imported: killed by signal 11 (Segmentation fault)", "ctypes.string_at(0)\n")
        self.refused(
            "measure.py:f can't be imported: it ends its process with exit status 7\nlast word",
            "os.write(2, b'last word')\nos._exit(7)\n",
        )
        self.refused("measure.py:f is not imported within 8.0s", "time.sleep(999)\n", env={"TASKFARM_FIRST_ANSWER": "8s"})

    def test_interpreters_that_are_none(self):
        self.refused("./interpreter ended before it had a task: exit status 5\nno", **self.interpreter("echo no >&2; exit 5"))
        self.refused("./interpreter was killed by signal 15 (Terminated) before it had a task", **self.interpreter("kill $$"))
        self.refused("./interpreter has not started within 0.5s", **self.interpreter("exec sleep 999"))
        for script in ("exec 3>&-; exec sleep 999", "printf {} >&3; exec sleep 999"):
            self.refused("./interpreter does not start as Python: is it an interpreter?", **self.interpreter(script))
        self.refused(
            "the Python process does not answer as one of taskfarm does",
            **self.interpreter("""printf '{"hello": {}}' >&3; printf {} >&3; exec sleep 999"""),
        )


if __name__ == "__main__":
    farm.main()
