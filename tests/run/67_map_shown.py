"""How runs of taskfarm.map are shown: on a terminal, in files, in notebooks; and what they log."""

import os
import pty
import subprocess

import farm
from map_test import PYTHON, MapTest

SLOW = """
import time
def slow(i) -> float:
    time.sleep(0.02)
    return i / 2
"""

# A notebook is run by nbclient, and its outputs are printed as JSON.
NOTEBOOK = """
import json, nbclient, nbformat, sys
cells = json.load(open("cells.json"))
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
client = nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120, allow_errors=True)
client.execute()
print(json.dumps([[dict(output) for output in cell.outputs] for cell in notebook.cells]))
"""


class Shown(MapTest):
    def test_a_bar_on_a_terminal(self):
        master, terminal = pty.openpty()
        command = self.write_script(SLOW + 'taskfarm.map(slow, taskfarm.product(i=range(100)), slots=2, output="s.h5")\n')
        script = subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stderr=terminal)
        os.close(terminal)
        shown = farm.read_terminal(master, self.limit)
        self.assertEqual(script.wait(60), 0, shown)
        self.assertRegex(shown, rb"\r\x1b\[K *\d+% \[=* *\] \d+/100")
        self.assertRegex(shown.rsplit(b"\r\x1b[K", 1)[1], rb"^s\.h5: 100 done in \S+ s \(\S+/s\)\r\n$")

    def test_lines_elsewhere_or_nothing(self):
        done = self.python(SLOW + 'taskfarm.map(slow, taskfarm.product(i=range(10)), slots=2)\n')
        self.assertRegex(done.stderr, r"^taskfarm: results go to slow\.h5\nslow\.h5: 10 done in \S+ s \(\S+/s\)\n$")
        log = "import logging\nlogging.basicConfig(format='%(name)s %(levelname)s %(message)s', level=logging.INFO)\n"
        done = self.python(SLOW + log + 'taskfarm.map(slow, taskfarm.product(i=range(10)), progress="none")\n')
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.splitlines()[-1], "taskfarm INFO slow.h5: 10 done")
        done = self.python(SLOW + 'taskfarm.map(slow, taskfarm.product(i=range(12)), progress="none")\nimport logging\nprint(logging.getLogger("taskfarm").handlers)\n')
        self.assertEqual((done.stdout, done.stderr), ("[]\n", ""))

    @farm.first
    def test_what_can_t_be_written(self):
        """A full disk, a pipe that nobody reads, a closed or replaced standard error: the run goes on in silence."""
        script = self.write_script("print(taskfarm.map(lambda x: x, {'x': [1, 2, 3]}, output=None).state)\n")
        read, pipe = os.pipe()
        os.close(read)
        self.addCleanup(os.close, pipe)
        for stderr in ("/dev/full", f"&{pipe}", "&-"):
            done = subprocess.run(
                ["sh", "-c", f'exec "$@" 2>{stderr}', "sh", *script],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                pass_fds=[pipe],
                timeout=self.limit,
            )
            self.assertEqual((done.returncode, done.stdout), (0, "complete\n"), stderr)
            self.assertEqual([path.name for path in self.folder.glob("*.map")], [])
        closed = "import sys\nsys.stderr.close()\n"
        self.assertEqual(self.python(closed + "print(taskfarm.map(lambda x: x, {'x': [1]}, output='c.h5').state)\n").stdout, "complete\n")

    def notebook(self, *cells):
        """Outputs of each cell."""
        import json

        self.write("cells.json", list(cells))
        self.write("notebook.py", NOTEBOOK)
        done = subprocess.run([PYTHON, "notebook.py"], cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=self.limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_a_notebook(self):
        """One output of the cell, updated; functions of the notebook; no thread is left, and errors are short."""
        function = "import taskfarm, time, threading\nscale = 3\ndef slow(i) -> float:\n    time.sleep(0.02)\n    return i * scale\n"
        call = 'run = taskfarm.map(slow, taskfarm.product(i=range({})), slots=2, output="s.h5")'
        threads = "import threading\nbefore = set(threading.enumerate())"
        outputs = self.notebook(
            function,
            threads,
            call.format(60),
            "print(run.dataset.result.values[:3].tolist(), set(threading.enumerate()) - before)",
            "# an edit that does not count\n" + function,
            call.format(61),
            function.replace("scale = 3", "scale = 4"),
            call.format(61),
            call.format(61)[:-1] + ", tiemout=3)",
            'print(taskfarm.map(lambda: __import__("os").environ["MPLBACKEND"], output="b.h5", results=str, progress="none")[0].results)',
        )
        (shown,) = outputs[2]
        self.assertEqual(shown["output_type"], "display_data")
        self.assertRegex(shown["data"]["text/plain"], r"^s\.h5: 60 done in \S+ s \(\S+/s\)$")
        self.assertIn("s.h5: 60 done", shown["data"]["text/html"])
        self.assertEqual(outputs[3][0]["text"], "[0.0, 3.0, 6.0] set()\n")
        (shown,) = outputs[5]
        self.assertIn("s.h5: 61 done, 60 of them before; the rest in", shown["data"]["text/plain"])
        told = "".join(output.get("text", "") for output in outputs[7])
        self.assertIn('CodeChangedWarning: slow changed since 61 rows were made; they are kept; rerun="code" makes them anew', told)
        self.assertEqual(outputs[9][0]["text"], "{'result': 'Agg'}\n", "slots draw into no notebook")
        (error,) = [output for output in outputs[8] if output["output_type"] == "error"]
        self.assertEqual(error["traceback"], ['ManifestError: tiemout: unknown key "tiemout"; did you mean "timeout"?'])


farm.main()
