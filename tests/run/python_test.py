"""What tests of Python functions share: a campaign of one function."""

import textwrap

import farm
import h5py


class PythonTest(farm.FarmTest):
    """A campaign of one Python function."""

    def python(self, body, results="float64", status=0, env=None, ranks=None, arguments=(), run=(), **stage):
        """Runs measure.py, whose function is `f`. Returns what the run has said."""
        self.write("measure.py", "import ctypes, os, signal, sys, time\n" + textwrap.dedent(body))
        results = results if isinstance(results, dict) else {"y": results}
        stage = {"over": {"x": {"range": [0, 10]}}, "results": results, **stage}
        self.write("m.json", {"run": {"python": "measure.py:f", "warm": False, **dict(run)}, **stage})
        return self.taskfarm("m.json", *arguments, status=status, env=env, ranks=ranks)

    def column(self, name="y"):
        with h5py.File(self.folder / "m.h5") as file:
            return file[f"m/results/{name}"][:].tolist()

    def statuses(self):
        with h5py.File(self.folder / "m.h5") as file:
            return file["m/task/status"][:].tolist()

    def ends(self):
        """Exit code and signal of each task."""
        with h5py.File(self.folder / "m.h5") as file:
            task = file["m/task"]
            return list(zip(task["exit_code"][:].tolist(), task["signal"][:].tolist(), strict=True))

    def shown(self, index):
        return self.taskfarm("show", "m.h5", "m", index).stdout
