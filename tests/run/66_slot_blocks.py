"""Blocks of arrays that a Python slot reads from files."""

import itertools
import math
import os
import sys
import tempfile

import farm
import numpy as np

sys.path.insert(0, str(farm.SOURCE / "src/python"))
from taskfarm._slot.block_files import BlockFile, reader  # noqa: E402

BEFORE = 24  # bytes in the file before the array


class Blocks(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.random = np.random.default_rng(5)

    def cases(self):
        """Arrays, and blocks of them: whole lines, parts of lines, with and without a halo that goes beyond the array."""
        for rank, dtype in itertools.product((1, 2, 3, 4), ("int8", "float32", "float64")):
            for _ in range(6):
                whole = self.random.integers(1, 6, rank).tolist()
                halo = [int(self.random.integers(0, length + 1)) for length in whole]
                array = self.random.integers(0, 100, whole).astype(dtype)
                yield array, halo

    def file_of(self, array):
        file = tempfile.TemporaryFile()
        self.addCleanup(file.close)
        file.write(bytes(BEFORE) + array.tobytes() + b"behind it")
        file.flush()
        return BlockFile(os.dup(file.fileno()), BEFORE, list(array.shape), array.itemsize)

    def read(self, file, array, origin, shape):
        """The block, as it stands in the first bytes of more memory."""
        memory = memoryview(bytearray(array.itemsize * math.prod(shape) + 8))
        numbers = [memoryview(np.array([0] * len(shape) + list(values))) for values in (shape, origin)]
        self.assertTrue(reader(file, str(array.dtype), memory, *numbers)(1))
        self.assertEqual(bytes(memory[-8:]), bytes(8), "nothing is written behind the block")
        return np.ndarray(tuple(shape), array.dtype, memory)

    def test_they_are_what_numpy_has(self):
        for array, halo in self.cases():
            file = self.file_of(array)
            for _ in range(8):
                begin = [int(self.random.integers(0, length)) for length in array.shape]
                end = [int(self.random.integers(at + 1, length + 1)) for at, length in zip(begin, array.shape)]
                expected = array[tuple(map(slice, begin, end))]
                np.testing.assert_array_equal(self.read(file, array, begin, expected.shape), expected)
                wide = np.pad(array, [(h, h) for h in halo], mode="symmetric")
                expected = wide[tuple(slice(b, e + 2 * h) for b, e, h in zip(begin, end, halo))]
                origin = [b - h for b, h in zip(begin, halo)]
                np.testing.assert_array_equal(self.read(file, array, origin, expected.shape), expected)
            file.close()

    def test_a_file_that_is_too_short_or_another_one(self):
        array = np.arange(100.0)
        for spoil in (lambda fd: os.truncate(fd, BEFORE + 400), os.close, lambda fd: os.dup2(zero, fd)):
            path = self.folder / "array"
            path.write_bytes(bytes(BEFORE) + array.tobytes())
            zero, fd = os.open("/dev/zero", os.O_RDONLY), os.open(path, os.O_RDWR)
            file = BlockFile(fd, BEFORE, [100], 8)
            memory, shape = memoryview(bytearray(800)), memoryview(np.array([60]))
            read = reader(file, "float64", memory, shape, memoryview(np.array([40])))
            self.assertTrue(read(0))
            spoil(fd)
            self.assertFalse(read(0))
            file.close()  # and no other file
            os.fstat(zero)
            os.close(zero)


if __name__ == "__main__":
    farm.main()
