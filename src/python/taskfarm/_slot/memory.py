"""Memory that the slot shares with its host, as typed cells."""

import mmap
import os
import struct
import threading
from typing import TYPE_CHECKING, Any

# The types of parameters and columns, as memoryview has them. Strings and bytes have no cells.
FORMATS = {
    "bool": "?",
    "int8": "b",
    "int16": "h",
    "int32": "i",
    "int64": "q",
    "uint8": "B",
    "uint16": "H",
    "uint32": "I",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
SIZES = {name: struct.calcsize(f"={letter}") for name, letter in FORMATS.items()}

# Machines on which one process sees another's writes in the order in which they were made.
IS_ORDERED = os.uname().machine in ("x86_64", "AMD64", "i686")

if TYPE_CHECKING:
    Cells = memoryview[Any]
else:
    Cells = memoryview


_lock = threading.Lock()


def fence() -> None:
    """What was written before is seen before what is written after: Python's only name for it is a lock's."""
    _lock.acquire()
    _lock.release()


class Memory:
    """A mapping of a memfd. Mapped once; `grow` maps it anew if the host has made it larger."""

    def __init__(self, fd: int, size: int, is_read_only: bool = False) -> None:
        self.fd = fd
        self._access = mmap.PROT_READ if is_read_only else mmap.PROT_READ | mmap.PROT_WRITE
        self._map(size)

    def _map(self, size: int) -> None:
        self.size = size
        self.view: memoryview[int] = memoryview(mmap.mmap(self.fd, size, mmap.MAP_SHARED, self._access))

    def grow(self, size: int) -> None:
        """Maps at least `size` bytes. Views that were made before go on showing the same memory."""
        if size > self.size:
            self._map(size)

    def cells(self, type_name: str, offset: int, count: int) -> Cells:
        """`count` cells of a type, from a byte on."""
        view: Any = self.view[offset : offset + count * SIZES[type_name]]
        cells: Cells = view.cast(FORMATS[type_name])
        return cells

    def close(self) -> None:
        """Closes the descriptor; the mapping goes with its last view."""
        os.close(self.fd)
