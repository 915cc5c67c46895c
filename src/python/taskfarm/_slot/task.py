"""What a task may ask for besides its parameters: `task`."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Task:
    """What there is to know of a task besides its parameters."""

    index: int
    stage: str
    attempt: int  # from 1
    seed: int  # the task's own, 64 bits, the same in every run
    slot: int
    inputs: list[str] | dict[str, list[str]]  # paths; by name, where the manifest gives names
    outputs: list[str] | dict[str, list[str]]
    _scratch: "Scratch" = field(repr=False, compare=False)

    @property
    def scratch(self) -> str:
        """A fresh folder of this attempt, which is removed when the task has ended."""
        return self._scratch.make(self.index)


class Scratch:
    """Makes folders of tasks when they are first asked for, and removes them."""

    def __init__(self) -> None:
        self.prefix: str | None = None
        self._made: dict[int, str] = {}

    def make(self, index: int) -> str:
        """The folder of a task of the frame."""
        path = self._made.get(index)
        if path is None:
            import os

            if self.prefix is None:
                raise RuntimeError("the task has no scratch folder")
            path = f"{self.prefix}{index}"
            try:
                os.mkdir(path, 0o700)
            except FileExistsError:  # an earlier attempt has left what could not be removed
                import shutil

                shutil.rmtree(path)
                os.mkdir(path, 0o700)
            self._made[index] = path
        return path

    def remove(self) -> None:
        """Removes what was made."""
        if not self._made:
            return
        import shutil

        for path in self._made.values():
            shutil.rmtree(path, ignore_errors=True)
        self._made.clear()
