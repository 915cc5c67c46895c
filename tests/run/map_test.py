"""What tests of taskfarm.map share: scripts, run by a Python that has the libraries."""

import subprocess
import textwrap

import farm

PYTHON = "/usr/bin/python3"  # which has numpy, h5py, pandas, xarray and cloudpickle


class MapTest(farm.FarmTest):
    def environment(self, **more):
        return farm.environment(**{"TASKFARM": farm.TASKFARM, "PYTHONPATH": str(farm.SOURCE / "src/python"), **more})

    def write_script(self, text):
        """Returns the command that runs it."""
        self.write("script.py", "import taskfarm\n" + textwrap.dedent(text))
        self.last = farm.line_of([PYTHON, "script.py"], self.folder)
        return [PYTHON, "script.py"]

    def python(self, text, *, status=0, env=None):
        """Runs a script, which has imported taskfarm; its exit status must be `status`."""
        done = subprocess.run(
            self.write_script(text),
            cwd=self.folder,
            env=self.environment(**(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.limit,
        )
        if done.returncode != status:
            self.fail(f"expected exit status {status}, came {done.returncode}\n{farm.told(done, self.folder)}")
        return done

    def calls(self):
        """What tasks have noted in a file."""
        path = self.folder / "called"
        return path.read_text().splitlines() if path.exists() else []
