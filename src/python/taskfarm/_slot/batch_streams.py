"""`rng` of a batch: the methods of numpy's Generator, which give a row for each task. Each row is drawn from its own
task's stream, so that it is the same to the bit as what the task would draw by itself: rng.random() has shape (tasks,),
rng.normal(size=3) shape (tasks, 3).

An argument that is an array has one value a task: rng.normal(mean) takes each task's own mean. A population is the same
for all of them: rng.choice(stars, 10), rng.permutation(n), rng.multinomial(n, p)."""

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import numpy as np

from taskfarm._slot.generators import Resettable, can_reset, keys_of

Array = Any  # of numpy

# What draws one number a call, of arguments that are numbers.
_OF_NUMBERS = [
    "beta",
    "binomial",
    "chisquare",
    "exponential",
    "f",
    "gamma",
    "geometric",
    "gumbel",
    "hypergeometric",
    "integers",
    "laplace",
    "logistic",
    "lognormal",
    "logseries",
    "negative_binomial",
    "noncentral_chisquare",
    "noncentral_f",
    "normal",
    "pareto",
    "poisson",
    "power",
    "random",
    "rayleigh",
    "standard_cauchy",
    "standard_exponential",
    "standard_gamma",
    "standard_normal",
    "standard_t",
    "triangular",
    "uniform",
    "vonmises",
    "wald",
    "weibull",
    "zipf",
]
# What draws from a population, or by arguments that are arrays for each call.
_OF_ARRAYS = ["choice", "dirichlet", "multinomial", "multivariate_hypergeometric", "multivariate_normal", "permutation"]


class _Generators:
    """A generator a task, where numpy's state can't be written."""

    def __init__(self, seeds: Array) -> None:
        self._generators = [np.random.Generator(np.random.Philox(seed)) for seed in seeds.tolist()]

    def methods(self, name: str) -> Iterator[Callable[..., Any]]:
        """The method of each task's generator."""
        for generator in self._generators:
            yield getattr(generator, name)


class _States:
    """One generator that is at each task's place in turn."""

    def __init__(self, seeds: Array) -> None:
        self._reset = Resettable(0)
        self._keys = np.ascontiguousarray(keys_of(seeds))
        tail = len(self._reset.tail)
        self._places = np.zeros((len(seeds), 32 + tail), np.uint8)
        self._places[:, 32:] = np.frombuffer(self._reset.tail, np.uint8)

    def methods(self, name: str) -> Iterator[Callable[..., Any]]:
        """The method, which draws from each task's stream in turn."""
        reset = self._reset
        method = getattr(reset.generator, name)
        key, counter, tail = (memoryview(part).cast("B") for part in (reset.key, reset.counter, reset.tail))
        keys, places = memoryview(self._keys).cast("B"), memoryview(self._places).cast("B")
        size = self._places.shape[1]
        for task in range(len(self._keys)):
            at = task * size
            key[:] = keys[16 * task : 16 * task + 16]
            counter[:] = places[at : at + 32]
            tail[:] = places[at + 32 : at + size]
            yield method
            places[at : at + 32] = counter
            places[at + 32 : at + size] = tail


class BatchGenerator:
    """numpy.random.Generator's methods for the tasks of a batch."""

    def __init__(self, seeds: Array) -> None:
        """`seeds`: each task's, of uint64."""
        self._tasks = len(seeds)
        self._streams = _States(seeds) if can_reset() else _Generators(seeds)
        self._lock = Lock()

    def __len__(self) -> int:
        return self._tasks

    def __repr__(self) -> str:
        return f"<random numbers of {self._tasks} tasks: numpy.random.Generator(Philox), a row each>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f'the "rng" of a batch has no "{name}": make generators of your own from task.seed, one a task'
        )

    def _draw(self, name: str, arguments: list[Any], by_name: dict[str, Any]) -> Array:
        if "out" in by_name:
            raise TypeError(f'the "rng" of a batch gives new arrays: leave "out" out of {name}()')
        with self._lock:
            if not any(isinstance(value, _EachTask) for value in (*arguments, *by_name.values())):
                drawn = [method(*arguments, **by_name) for method in self._streams.methods(name)]
            else:
                drawn = self._draw_each(name, arguments, by_name)
        return np.array(drawn)

    def _draw_each(self, name: str, arguments: list[Any], by_name: dict[str, Any]) -> list[Any]:
        def of(task: int, value: Any) -> Any:
            return value.values[task] if isinstance(value, _EachTask) else value

        return [
            method(
                *(of(task, value) for value in arguments), **{key: of(task, value) for key, value in by_name.items()}
            )
            for task, method in enumerate(self._streams.methods(name))
        ]


class _EachTask:
    """An argument that has one value a task."""

    def __init__(self, name: str, values: Array, tasks: int) -> None:
        if len(values) != tasks:
            raise ValueError(
                f"{name}() got an array of shape {values.shape}, and the batch has {tasks} tasks: an argument is a "
                "number, or an array with one value a task"
            )
        self.values = values


def _of_numbers(name: str) -> Callable[..., Array]:
    def draw(self: BatchGenerator, *arguments: Any, **by_name: Any) -> Array:
        def one(value: Any) -> Any:
            return _EachTask(name, value, len(self)) if isinstance(value, np.ndarray) and value.ndim else value

        return self._draw(name, list(map(one, arguments)), {key: one(value) for key, value in by_name.items()})

    return _named(draw, name)


def _of_arrays(name: str) -> Callable[..., Array]:
    def draw(self: BatchGenerator, *arguments: Any, **by_name: Any) -> Array:
        return self._draw(name, list(arguments), by_name)

    return _named(draw, name)


def _named(draw: Callable[..., Array], name: str) -> Callable[..., Array]:
    draw.__name__ = name
    draw.__doc__ = f"numpy.random.Generator.{name} of each task's stream: a row a task."
    return draw


for _name in _OF_NUMBERS:
    setattr(BatchGenerator, _name, _of_numbers(_name))
for _name in _OF_ARRAYS:
    setattr(BatchGenerator, _name, _of_arrays(_name))
