"""Files that tasks of Python functions share."""

import farm
import h5py
import numpy as np
from farm import DONE, FAILED
from python_test import PythonTest


class Blocks(PythonTest):
    def array(self, shape, kind="f8", name="in.h5", **more):
        with h5py.File(self.folder / name, "w", userblock_size=512) as file:
            data = np.arange(np.prod(shape), dtype=float).reshape(shape)
            return file.create_dataset("z", data=data.astype(kind), **more)[()]

    def blocks(self, body, shape=(10000,), chunk=(1000,), array=(), **more):
        return self.python(
            body,
            over={"b": {"blocks": {"shape": shape, "chunk": chunk}}},
            arrays={"z": {"dataset": "in.h5:/z", **dict(array)}},
            **{**more, "run": {"interpreter": "/usr/bin/python3", **more.get("run", {})}},
        )

    @farm.first
    def test_a_file_that_is_cut_off_ends_the_run(self):
        """HDF5 would give zeros."""
        for dataset in ({}, {"chunks": (1000,)}):
            self.array((10_000,), **dataset)
            body = "def f(z, task):\n    if task.index == 3: os.truncate('in.h5', 20_000)\n    return z.min()"
            said = self.blocks(body, status=3, arguments=["--slots", "1", "--fresh"]).stderr
            self.assertIn('in.h5: array "z" of stage "m": the file has been cut off since it was opened\n', said)
            with self.open("m.h5") as file:
                status = file["m/task/status"][()]
                self.assertEqual(set(status), {0, DONE})
                self.assertEqual(status[-1], 0)
                self.assertTrue(all(file["m/results/y"][n] == 1000 * n for n in np.flatnonzero(status == DONE)))


@farm.first
class Inputs(PythonTest):
    """Inputs that all tasks of a stage share are looked at once for many of them."""

    def test_each_task_has_a_list_of_its_own(self):
        self.write("one", "")
        self.write("two", "")
        for inputs, expected in ((["one", "two"], ["one", "two"]), ({"a": "one", "b": ["two"]}, {"a": ["one"], "b": ["two"]})):
            body = f"""
def f(x, task):
    same = task.inputs == {expected}
    (task.inputs["a"] if isinstance(task.inputs, dict) else task.inputs).clear()
    return same
"""
            self.python(body, "bool", inputs=inputs, arguments=["--fresh"])
            self.assertEqual(self.column(), [True] * 10)

    def test_one_that_vanishes(self):
        """A look holds for as long as a batch does."""
        self.write("there", "")
        self.write("measure.py", "import os, time\ndef f(x):\n    if x == 3:\n        os.remove('there')\n        time.sleep(0.4)\n    return x\n")
        run = {"python": "measure.py:f", "warm": False}
        self.write("m.json", {"over": {"x": {"range": [10]}}, "inputs": ["there"], "run": run, "results": {"y": "int64"}, "record": "full"})
        said = self.taskfarm("m.json", "--slots", 1, status=1).stderr
        self.assertIn("6 tasks failed: input there is not there", said)
        self.assertEqual(self.statuses(), [DONE] * 4 + [FAILED] * 6)
        self.assertEqual(set(self.ends()), {(0, 0)})

    def test_their_contents_are_noted_for_each_row(self):
        self.write("there", "text")
        self.python("def f(x):\n    return x", "int64", inputs=[{"path": "there", "check": "hash"}], over={"x": {"range": [0, 3000]}})
        with self.open("m.h5") as file:
            hashes = set(file["m/task/input_hash"][()])
            self.assertEqual((len(hashes), 0 in hashes), (1, False))
        self.assertIn("nothing is to be run", self.taskfarm("plan", "m.json").stdout)


if __name__ == "__main__":
    farm.main()
