"""Random numbers of tasks: their seeds, `rng`, and the global generators of `random` and `numpy.random`.

A task's seed is 64 bits of the campaign's seed, the stage's name and the task's index, the same as {seed} of a command.
Its `rng` is numpy.random.Generator(numpy.random.Philox(seed)). Before each task, random.seed(seed) and
numpy.random.seed(seed % 2**32), if the user's code has imported them: this file imports neither of them before."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MASK = 0xFFFFFFFF


def _philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox4x32-10 (Salmon et al. 2011, https://doi.org/10.1145/2063384.2063405): a block of four 32-bit words."""
    a, b, c, d = counter
    k0, k1 = key
    for _ in range(10):
        low, high = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (high >> 32) ^ b ^ k0, high & _MASK, (low >> 32) ^ d ^ k1, low & _MASK
        k0, k1 = (k0 + 0x9E3779B9) & _MASK, (k1 + 0xBB67AE85) & _MASK
    return [a, b, c, d]


def task_seed(key: int, index: int) -> int:
    """The seed of a task: tf_rng_task_seed of src/base/rng.c, where `key` is that of the campaign's seed and the
    stage."""
    low, high, _, _ = _philox([0, 0, index & _MASK, index >> 32 & _MASK], [key & _MASK, key >> 32])
    return low | high << 32


def _seed_random(module: ModuleType, seed: int) -> None:
    module.seed(seed)


def _seed_numpy(module: ModuleType, seed: int) -> None:
    module.seed(seed & _MASK)


# Modules that import random, and draw nothing from what it shares; numpy imports the first one.
_LIBRARY = os.path.dirname(os.__file__)  # where they are
_INNOCENT = ("secrets", "tempfile")

_Context = contextlib.AbstractContextManager[None]

_SEEDERS: dict[str, Callable[[ModuleType, int], None]] = {"random": _seed_random, "numpy.random": _seed_numpy}


class _WatchedLoader:
    """Loads a module as its own loader does, within a context; or gives one that was loaded before."""

    def __init__(self, loader: Any, before: ModuleType | None, context: Callable[[ModuleType], _Context]) -> None:
        self._loader = loader
        self._before = before
        self._context = context

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._before or self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        with self._context(module):
            if module.__spec__ is not None:
                module.__spec__.loader = self._loader
            module.__loader__ = self._loader
            if module is not self._before:
                self._loader.exec_module(module)


class GlobalSeeds:
    """Seeds the global generators of a process before each task. One that a task itself imports is seeded at once, for
    the task that is under way, so that what it draws is the same in every run.

    A finder of sys.meta_path; importlib.abc, which has a class for such, imports random. `seeders` is what seeds,
    empty while there is nothing to seed."""

    def __init__(self) -> None:
        self.seeders: list[Callable[[int], None]] = []
        self._modules: set[str] = set()
        self._aside: ModuleType | None = None  # random, while nobody has imported it who may draw from it
        self._innocents = 0  # modules of _INNOCENT that are being imported
        self.current_seed: Callable[[], int] | None = None  # of the task under way; None: there is none

    def begin(self) -> None:
        """Begins to look at what is imported, before any of the user's code is. Some environments have Python import
        random when it starts."""
        self._put_aside()
        if "numpy.random" in sys.modules:
            self._add("numpy.random", sys.modules["numpy.random"])
        sys.meta_path.insert(0, self)

    def _put_aside(self) -> None:
        """Makes who imports random next be noticed, who gets it as it is."""
        if "random" in sys.modules:
            self._aside = sys.modules.pop("random")

    @contextlib.contextmanager
    def loading(self, seed: int) -> Iterator[None]:
        """While a stage is imported, or its init runs: what they draw is the same in every process."""
        self.current_seed = lambda: seed
        self.seed(seed)
        try:
            yield
        finally:
            self.current_seed = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname in _INNOCENT and "random" not in sys.modules:
            context: Callable[[ModuleType], _Context] = self._innocent
        elif fullname == "random" and self._innocents:
            context = self._unwatched
        elif fullname in _SEEDERS:
            context = self._seeding
        else:
            return None
        specs = (finder.find_spec(fullname, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in specs if spec is not None), None)
        if context == self._innocent and os.path.dirname((spec and spec.origin) or "") != _LIBRARY:
            return None  # the user's own, of the same name
        if spec is not None and spec.loader is not None:
            before = self._aside if fullname == "random" else None
            spec.loader = _WatchedLoader(spec.loader, before, context)  # type: ignore[assignment]
        return spec

    @contextlib.contextmanager
    def _innocent(self, module: ModuleType) -> Iterator[None]:
        self._innocents += 1
        try:
            yield
        finally:
            self._innocents -= 1
            if not self._innocents:
                self._put_aside()

    def _unwatched(self, module: ModuleType) -> _Context:
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def _seeding(self, module: ModuleType) -> Iterator[None]:
        yield
        self._add(module.__name__, module)
        if self.current_seed is not None:
            _SEEDERS[module.__name__](module, self.current_seed())

    def _add(self, name: str, module: ModuleType) -> None:
        if name in self._modules or not hasattr(module, "seed"):
            return
        self._modules.add(name)
        self.seeders.append(lambda seed: _SEEDERS[name](module, seed))

    def seed(self, seed: int) -> None:
        """Seeds what is there for a task."""
        for seeder in self.seeders:
            seeder(seed)


GLOBALS = GlobalSeeds()  # of this process
