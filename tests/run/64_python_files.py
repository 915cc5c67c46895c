"""Files that tasks of Python functions share."""

import farm
import h5py
import numpy as np
from farm import DONE
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


if __name__ == "__main__":
    farm.main()
