"""Files that tasks of Python functions share: inputs, which are looked at once for many tasks, and arrays, whose blocks are
read where the function runs, if the array stands in one piece of the file, and by the rank otherwise. What tasks get is the
same."""

import zlib

import farm
import h5py
import numpy as np
from farm import DONE, FAILED
from python_test import PythonTest

# Returned with what is asked for: has this process the file of the array open?
HAS_FILE = """
def has_file(name="in.h5"):
    "Those of its descriptors that are of the file."
    links = {fd: f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd")}
    return [int(fd) for fd, link in links.items() if os.path.islink(link) and os.readlink(link).split("/")[-1] == name]
"""


def cells(z, shape, chunk, halo=(0, 0), edge="clip"):
    """The blocks of an array, in order."""
    for corner in np.ndindex(*(-(-length // size) for length, size in zip(shape, chunk))):
        begin = [i * size for i, size in zip(corner, chunk)]
        end = [min(at + size, length) for at, size, length in zip(begin, chunk, shape)]
        if edge == "clip":
            yield z[tuple(slice(max(b - h, 0), e + h) for b, e, h in zip(begin, end, halo))]
        else:
            wide = np.pad(z, [(h, h) for h in halo], mode="symmetric")
            yield wide[tuple(slice(b, e + 2 * h) for b, e, h in zip(begin, end, halo))]


class Blocks(PythonTest):
    def array(self, shape, kind="f8", name="in.h5", **more):
        with h5py.File(self.folder / name, "w", userblock_size=512) as file:
            data = np.arange(np.prod(shape), dtype=float).reshape(shape)
            return file.create_dataset("z", data=data.astype(kind), **more)[()]

    def blocks(self, body, shape=(10000,), chunk=(1000,), array=(), **more):
        return self.python(
            HAS_FILE + body,
            over={"b": {"blocks": {"shape": shape, "chunk": chunk}}},
            arrays={"z": {"dataset": "in.h5:/z", **dict(array)}},
            **{**more, "run": {"interpreter": "/usr/bin/python3", **more.get("run", {})}},
        )

    def test_they_are_the_same_however_the_file_has_them(self):
        """A stage each, of warm and cold processes."""
        body = "import zlib\ndef f(z, task):\n    return {'crc': zlib.crc32(z.tobytes()), 'rows': len(z), 'here': len(has_file(f'in{task.stage[1:]}.h5')) > 0}"
        shape, chunk = (40, 3100), (7, 1200)
        over = {"b": {"blocks": {"shape": shape, "chunk": chunk}}}
        cases = (
            (True, "f8", {}, {}),
            (True, "f4", {}, {"type": "float32", "halo": [2, 3]}),
            (True, "i2", {}, {"type": "int16", "halo": [9, 3100], "edge": "reflect"}),
            (True, "f8", {}, {"halo": [40, 2], "edge": "reflect"}),
            (True, ">f8", {}, {}),
            (True, "f4", {}, {"halo": 2, "edge": "reflect"}),
            (True, ">u2", {}, {"type": "int32"}),
            (False, "f8", {"chunks": (7, 1200), "compression": "gzip"}, {"halo": [2, 3]}),
            (False, "f8", {"chunks": (7, 1200)}, {}),
            (False, "f8", {}, {"type": "float32"}),
            (False, "i8", {}, {}),
        )
        stages, expected = [], []
        for number, (here, kind, layout, array) in enumerate(cases):
            z = self.array(shape, kind, f"in{number}.h5", **layout).astype(array.get("type", "float64"))
            blocks = list(cells(z, shape, chunk, np.broadcast_to(array.get("halo", 0), 2), array.get("edge", "clip")))
            crc = [zlib.crc32(np.ascontiguousarray(block).tobytes()) for block in blocks]
            expected.append((crc, [len(block) for block in blocks], [here] * len(blocks)))
            run = {"python": "measure.py:f", "interpreter": "/usr/bin/python3"}
            arrays = {"z": {"dataset": f"in{number}.h5:/z", **array}}
            results = {"crc": "int64", "rows": "int64", "here": "bool"}
            stages.append({"name": f"s{number}", "over": over, "arrays": arrays, "run": run, "results": results})
        self.write("measure.py", "import os\n" + HAS_FILE + body)
        for ranks, warm in ((None, True), (2, False)):
            self.write("m.json", {"stages": [{**stage, "run": {**stage["run"], "warm": warm}} for stage in stages]})
            self.taskfarm("m.json", "--fresh", ranks=ranks)
            with self.open("m.h5") as file:
                for number, wanted in enumerate(expected):
                    found = tuple(file[f"s{number}/results/{name}"][()].tolist() for name in ("crc", "rows", "here"))
                    self.assertEqual(found, wanted, (cases[number], warm))

    @farm.first
    def test_short_lines_are_read_by_the_rank(self):
        z = self.array((20, 1000))
        self.blocks("def f(z):\n    return z.sum() + 1e9 * len(has_file())", (20, 1000), (5, 100))
        self.assertEqual(self.column(), [block.sum() for block in cells(z, (20, 1000), (5, 100))])

    def test_one_that_ends_its_process_ends_no_other(self):
        self.array((40_000,))
        body = "def f(z, b_start):\n    if b_start == 17000: os.kill(os.getpid(), 9)\n    return z[-1] - z[0] + len(has_file())"
        self.blocks(body, (40_000,), (1000,), status=1, record="full")
        self.assertEqual(self.statuses(), [FAILED if task == 17 else DONE for task in range(40)])
        self.assertEqual([y for task, y in enumerate(self.column()) if task != 17], [1000.0] * 39)
        with self.open("m.h5") as file:
            duration, start = file["m/task/duration"][()], file["m/task/start"][()]
            self.assertTrue((duration >= 0).all() and (start > 1e9).all())
            self.assertEqual(len(set(file["m/task/input_set"][()])), 1)

    @farm.first
    def test_of_a_file_that_is_another_one_by_now(self):
        """The rank has had it open since before the first task, so that all tasks read the same one."""
        z = self.array((10_000,))
        body = """
def f(z, task):
    if task.index == 3:
        with open("other", "wb") as file:
            file.write(bytes(90_000))
        os.rename("other", "in.h5")
        os.kill(os.getpid(), 9)
    return z.sum() + 1e9 * (len(has_file()) > 0 and task.index > 3)
"""
        self.blocks(body, status=1, arguments=["--slots", "1"])
        expected = [z[n : n + 1000].sum() for n in range(0, 10_000, 1000)]
        self.assertEqual(self.statuses(), [FAILED if task == 3 else DONE for task in range(10)])
        self.assertEqual([y for task, y in enumerate(self.column()) if task != 3], [y for task, y in enumerate(expected) if task != 3])

    @farm.first
    def test_of_a_file_whose_descriptor_a_task_takes_away(self):
        z = self.array((10_000,))
        for other in ("pass", "held.append(os.open('/dev/zero', os.O_RDONLY))"):
            body = f"""
held = []
def f(z, task):
    if task.index == 2:
        for fd in has_file():
            os.close(fd)
            {other}
    return z.sum()
"""
            self.blocks(body, arguments=["--fresh"])
            self.assertEqual(self.column(), [z[n : n + 1000].sum() for n in range(0, 10_000, 1000)])

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
    def test_reading_is_no_task_s_time(self):
        self.array((256_000,))
        body = """
from taskfarm._slot import block_files
read = block_files.BlockFile.read
def read_slowly(self, origin, *more):
    time.sleep(0.3 if origin[0] in (192_000, 192_384, 192_768) else 0)  # not the first row of a frame
    return read(self, origin, *more)
block_files.BlockFile.read = read_slowly
def f(z):
    return z[0]
"""
        self.blocks(body, (256_000,), (128,), timeout=0.25, record="full", arguments=["--slots", "1"])
        np.testing.assert_array_equal(self.column(), np.arange(0, 256_000, 128))
        with self.open("m.h5") as file:
            self.assertLess(file["m/task/duration"][()].max(), 0.25)

    @farm.first
    def test_beside_an_input_of_each_task(self):
        z = self.array((10_000,))
        for n in range(10):
            self.write(f"more{n * 1000}", f"{n}")
        body = "def f(z, task):\n    return z.sum() * len(has_file()) + int(open(task.inputs['more'][0]).read())"
        self.blocks(body, inputs={"more": "more{b_start}"})
        self.assertEqual(self.column(), [z[n * 1000 : (n + 1) * 1000].sum() + n for n in range(10)])


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
            self.python(body, "bool", inputs=inputs, over={"x": {"range": [0, 1000]}}, arguments=["--fresh"])
            self.assertEqual(set(self.column()), {True})

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
