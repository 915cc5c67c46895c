"""The same map a second time: what another process attaches to, and what it never takes over from one that was killed."""

import os
import signal
import subprocess
import textwrap

import farm
from map_test import MapTest

# Tasks note that they run; all but the first wait until the file "go" is there.
SLOW = """
import os, sys, time
import numpy as np
import helper
def slow(i, table):
    open("called", "a").write(f"{i}\\n")
    while i and not os.path.exists("go"):
        time.sleep(0.01)
    return helper.FACTOR * table.sum() + i
"""
MAP = """
run = taskfarm.map(slow, taskfarm.product(i=range(4)), output="s.h5", slots=2, progress="none", common={{"table": np.full(3, {value})}}{more})
print(run.state if {more!r}.endswith("detach=True") else run.dataset.result.values.tolist())
"""


class Again(MapTest):
    def map(self, value=1.0, more=""):
        return SLOW + MAP.format(value=value, more=more)

    @farm.first
    def test_other_values_or_code_are_another_run(self):
        """Nobody attaches to a detached run of other common values, or of other code beside the script."""
        self.write("helper.py", "FACTOR = 1\n")
        self.assertEqual(self.python(self.map(more=", results=float, detach=True")).stdout, "running\n")
        self.wait_for(lambda: len(self.calls()) >= 3, "no task waits")  # all slots have imported what they need
        refused = "s.h5: a detached run with other arguments has it: wait for it, or stop() it\n"
        other = self.python(self.map(2.0, more=", results=float"), status=1)
        self.assertTrue(other.stderr.endswith(refused), other.stderr)
        self.write("helper.py", "FACTOR = 10\n")
        other = self.python(self.map(more=", results=float"), status=1)
        self.assertTrue(other.stderr.endswith(refused), other.stderr)
        self.write("helper.py", "FACTOR = 1  # again\n")
        (self.folder / "go").touch()
        self.assertEqual(self.python(self.map(more=", results=float")).stdout, "[3.0, 4.0, 5.0, 6.0]\n")

    def test_what_was_looked_at_while_it_ran(self):
        """Is looked at anew when it has ended."""
        self.write("helper.py", "FACTOR = 1\n")
        looks = """
            assert run.dataset.result.isnull().any()
            open("go", "w").close()
            print(run.wait().state, run.dataset.result.values.tolist())
            """
        done = self.python(self.map(more=", results=float, detach=True") + textwrap.dedent(looks))
        self.assertEqual(done.stdout, "running\ncomplete [3.0, 4.0, 5.0, 6.0]\n")

    @farm.first
    def test_the_first_row_is_made_anew(self):
        """With the code and the common values of now, though the killed run has left what its first task gave."""
        self.write("helper.py", "FACTOR = 1\n")
        command = self.write_script(self.map())
        script = subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, start_new_session=True)
        self.wait_for(lambda: len(self.calls()) >= 3 or script.poll() is not None, "no task waits")
        os.killpg(script.pid, signal.SIGKILL)
        script.wait()
        (self.folder / "go").touch()
        self.write("helper.py", "FACTOR = 10\n")
        done = self.python(self.map(2.0, more=', rerun="code,params"'))
        self.assertEqual(done.stdout, "[60.0, 61.0, 62.0, 63.0]\n")

    @farm.first
    def test_fresh_sets_the_old_output_aside(self):
        """Types of the old one are forgotten, too; retry goes on with the new one; without it the same map goes on."""
        done = self.python(
            """
            import os
            def f(x):
                open("called", "a").write("x\\n")
                if x == FAILS: raise ValueError("no")
                return x * FACTOR
            def run(factor, fails=None, **more):
                global FACTOR, FAILS
                FACTOR, FAILS = factor, fails
                run = taskfarm.map(f, {"x": [1, 2, 3]}, output="f.h5", progress="none", **more).wait()
                print(run.dataset.result.dtype, run.dataset.result.values.tolist(), sorted(n for n in os.listdir() if n.startswith("f.h5")))
                return run
            run(1)
            made = run(0.5, fails=3, fresh=True)
            FAILS = None
            print(made.retry(f).dataset.result.values.tolist())
            run(0.5)
            run(0.25, fresh=True, detach=True)
            print(taskfarm.open("f.h5").frame.result.tolist(), taskfarm.open("f.h5.1").frame.result.tolist())
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "int64 [1, 2, 3] ['f.h5']",
                "float64 [0.5, 1.0, nan] ['f.h5', 'f.h5.1']",
                "[0.5, 1.0, 1.5]",
                "float64 [0.5, 1.0, 1.5] ['f.h5', 'f.h5.1']",
                "float64 [0.25, 0.5, 0.75] ['f.h5', 'f.h5.1', 'f.h5.2']",
                "[0.25, 0.5, 0.75] [1, 2, 3]",
            ],
        )
        self.assertEqual(len(self.calls()), 3 + 3 + 1 + 3)


farm.main()
