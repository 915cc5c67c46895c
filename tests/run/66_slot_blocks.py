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
        types = [("i1", "int8"), ("<f4", "float32"), ("<f8", "float64"), ("<i2", "float64"), (">f4", "float64"), (">u4", "int64")]
        for rank, (stored, dtype) in itertools.product((1, 2, 3, 4), types):
            for _ in range(6):
                whole = self.random.integers(1, 6, rank).tolist()
                halo = [int(self.random.integers(0, length + 1)) for length in whole]
                array = self.random.integers(0, 100, whole).astype(stored)
                yield array, halo, dtype

    def file_of(self, array, dtype):
        file = tempfile.TemporaryFile()
        self.addCleanup(file.close)
        file.write(bytes(BEFORE) + array.tobytes() + b"behind it")
        file.flush()
        return BlockFile(os.dup(file.fileno()), BEFORE, list(array.shape), array.dtype.str, dtype)

    def read(self, file, array, origin, shape):
        """The block, as it stands in the first bytes of more memory."""
        memory = memoryview(bytearray(array.itemsize * math.prod(shape) + 8))
        numbers = [memoryview(np.array([0] * len(shape) + list(values))) for values in (shape, origin)]
        self.assertTrue(reader(file, memory, *numbers)(1))
        self.assertEqual(bytes(memory[-8:]), bytes(8), "nothing is written behind the block")
        return np.ndarray(tuple(shape), array.dtype, memory)

    def test_they_are_what_numpy_has(self):
        for array, halo, dtype in self.cases():
            file = self.file_of(array, dtype)
            array = array.astype(dtype)
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

    def test_long_lines_of_another_type(self):
        """They are converted piece by piece; a NaN is no reason for a warning."""
        array = self.random.normal(size=200_000).astype(">f4")
        array[5] = np.frombuffer(b"\x7f\xa0\x00\x00", ">f4")[0]
        with np.errstate(all="raise"):
            read = self.read(self.file_of(array, "float64"), np.empty(0), [1], [199_998])
        with np.errstate(all="ignore"):
            expected = array[1:-1].astype(float)
        np.testing.assert_array_equal(read, expected)
        self.assertTrue(np.isnan(read[4]))

    def test_a_file_that_is_too_short_or_another_one(self):
        array = np.arange(100.0)
        for spoil in (lambda fd: os.truncate(fd, BEFORE + 400), os.close, lambda fd: os.dup2(zero, fd)):
            path = self.folder / "array"
            path.write_bytes(bytes(BEFORE) + array.tobytes())
            zero, fd = os.open("/dev/zero", os.O_RDONLY), os.open(path, os.O_RDWR)
            file = BlockFile(fd, BEFORE, [100], "<f8", "float64")
            memory, shape = memoryview(bytearray(800)), memoryview(np.array([60]))
            read = reader(file, memory, shape, memoryview(np.array([40])))
            self.assertTrue(read(0))
            spoil(fd)
            self.assertFalse(read(0))
            file.close()  # and no other file
            os.fstat(zero)
            os.close(zero)


if __name__ == "__main__":
    farm.main()
