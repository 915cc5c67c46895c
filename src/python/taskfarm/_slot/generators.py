"""Makes `rng` of tasks: numpy.random.Generator(numpy.random.Philox(seed)), for a tenth of what that costs.

A seed becomes a key by numpy's SeedSequence, here for many tasks at once; one generator is set to one task's key after
the other by writing its state. That state is compared with numpy's own when the process starts: where it differs in
another numpy, the generators are made as it says above. A generator that somebody has kept is left alone, and another
made."""

import ctypes
import functools
import sys
from collections.abc import Sequence
from typing import Any

from taskfarm._slot.errors import Refusal

try:
    import numpy as np
    from numpy.random.bit_generator import ISpawnableSeedSequence
except ImportError:
    raise Refusal(f'"rng" is a numpy.random.Generator, and {sys.executable} has no numpy') from None

Words = Any  # arrays of numpy

_FEW = 16  # seeds that are not worth while to work at together
_MANY = 4096  # and as many as are at most, so that a frame that is ended early has not cost much
_MULTIPLIER_A, _MULTIPLIER_B = 0x931E8875, 0x58F38DED
_MIX_LEFT, _MIX_RIGHT = np.uint32(0xCA01F9DD), np.uint32(0x4973F715)
_SHIFT = np.uint32(16)


class _Hash:
    """The hash function of SeedSequence, whose constant changes with every call."""

    def __init__(self, constant: int, multiplier: int) -> None:
        self._constant = constant
        self._multiplier = multiplier

    def __call__(self, words: Words) -> Words:
        words = words ^ np.uint32(self._constant)
        self._constant = self._constant * self._multiplier & 0xFFFFFFFF
        words *= np.uint32(self._constant)
        words ^= words >> _SHIFT
        return words


def keys_of(seeds: Words) -> Words:
    """The Philox keys of seeds: SeedSequence(seed).generate_state(2, uint64) of each, shape (seeds, 2), uint64.

    The algorithm is that of numpy/random/bit_generator.pyx, after O'Neill (2015),
    https://www.pcg-random.org/posts/developing-a-seed_seq-alternative.html."""
    seeds = np.asarray(seeds, np.uint64)
    hashed = _Hash(0x43B0D7E5, _MULTIPLIER_A)
    nothing = np.zeros(len(seeds), np.uint32)
    low, high = seeds.astype(np.uint32), (seeds >> np.uint64(32)).astype(np.uint32)
    pool = [hashed(low), hashed(high), hashed(nothing), hashed(nothing)]
    for source in range(4):
        for target in range(4):
            if source != target:
                mixed = _MIX_LEFT * pool[target] - _MIX_RIGHT * hashed(pool[source])
                pool[target] = mixed ^ mixed >> _SHIFT
    hashed = _Hash(0x8B51F9DD, _MULTIPLIER_B)
    words = [hashed(word).astype(np.uint64) for word in pool]
    return np.stack([words[0] | words[1] << np.uint64(32), words[2] | words[3] << np.uint64(32)], axis=1)


class _Seeds(ISpawnableSeedSequence):  # type: ignore[misc, unused-ignore]
    """The seed sequence of a task, made when it is asked for: by `rng.spawn`, as a rule."""

    def __init__(self, seed: int) -> None:
        self.set(seed)

    def set(self, seed: int) -> None:
        self._seed = seed
        self._sequence: Any = None

    def _made(self) -> Any:
        if self._sequence is None:
            self._sequence = np.random.SeedSequence(self._seed)
        return self._sequence

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        return self._made().generate_state(n_words, dtype)

    def spawn(self, n_children: int) -> Any:
        return self._made().spawn(n_children)

    def __getattr__(self, name: str) -> Any:  # entropy, spawn_key, n_children_spawned ...
        return getattr(self._made(), name)

    def __reduce__(self) -> Any:  # a pickle or a copy of it is numpy's own
        return self._made().__reduce__()


class _State(ctypes.Structure):
    """philox_state of numpy/random/src/philox/philox.h."""

    _fields_ = (
        ("counter", ctypes.POINTER(ctypes.c_uint64 * 4)),
        ("key", ctypes.POINTER(ctypes.c_uint64 * 2)),
        ("buffer_pos", ctypes.c_int),
        ("buffer", ctypes.c_uint64 * 4),
        ("has_uint32", ctypes.c_int),
        ("uinteger", ctypes.c_uint32),
    )


class Resettable:
    """A generator that can be set to the beginning of another stream. Its state is in `key`, `counter` and `tail`."""

    def __init__(self, seed: int) -> None:
        self.seeds = _Seeds(seed)
        self.bits = np.random.Philox(self.seeds)
        self.generator = np.random.Generator(self.bits)
        state = _State.from_address(self.bits.ctypes.state_address)
        self.tail = (ctypes.c_char * (ctypes.sizeof(_State) - _State.buffer_pos.offset)).from_address(
            ctypes.addressof(state) + _State.buffer_pos.offset
        )
        self._tail_before = bytes(self.tail)  # as it is before anything is drawn
        self.counter = (ctypes.c_char * 32).from_address(ctypes.addressof(state.counter.contents))
        self.key = state.key.contents
        self.references = self.count_references()

    def count_references(self) -> tuple[int, int]:
        """How many hold the generator, and its bit generator."""
        return sys.getrefcount(self.generator), sys.getrefcount(self.bits)

    def is_kept(self) -> bool:
        """Does anybody else hold it?"""
        return self.count_references() != self.references

    def set(self, seed: int, key: Sequence[int]) -> None:
        self.seeds.set(seed)
        self.key[0], self.key[1] = key
        self.counter.raw = bytes(32)
        self.tail.raw = self._tail_before


@functools.cache
def can_reset() -> bool:
    """Is the state that is written the one that numpy makes?"""
    try:
        tried = Resettable(1)
        tried.generator.integers(0, 9, 3, np.uint32)
        tried.generator.random(6)
        seed = 0x123456789ABCDEF
        tried.set(seed, keys_of(np.array([seed], np.uint64))[0].tolist())
        return bool(str(tried.bits.state) == str(np.random.Philox(seed).state))
    except Exception:  # a numpy whose classes are others
        return False


class Generators:
    """Makes the generators of a process."""

    def __init__(self) -> None:
        self._reset = Resettable(0) if can_reset() else None

    def make(self, seed: int, key: Sequence[int] | None = None) -> Any:
        """The generator of the task with this seed, whose key may be known already (`keys_of`)."""
        if self._reset is None:
            return np.random.Generator(np.random.Philox(seed))
        if self._reset.is_kept():
            self._reset = Resettable(seed)
            return self._reset.generator
        self._reset.set(
            seed, np.random.SeedSequence(seed).generate_state(2, np.uint64).tolist() if key is None else key
        )
        return self._reset.generator


class Keys:
    """Keys of a frame's rows, worked out some thousand at a time."""

    def __init__(self, seeds: Any) -> None:
        """`seeds`: of all rows, a memoryview of uint64."""
        self._seeds = np.frombuffer(seeds, np.uint64)
        self._first = 0
        self._keys: list[list[int]] = []

    def of(self, row: int) -> Sequence[int] | None:
        """The row's key; None: it is for who needs it to work out."""
        at = row - self._first
        if 0 <= at < len(self._keys):
            return self._keys[at]
        if len(self._seeds) - row < _FEW:
            return None
        self._first = row
        self._keys = keys_of(self._seeds[row : row + _MANY]).tolist()
        return self._keys[0]
