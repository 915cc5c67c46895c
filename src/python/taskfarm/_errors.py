"""What taskfarm raises, and warns of.

Below Error stands what went wrong. Stopped is no error: the engine was stopped early, by a signal or as its time was
over. A script that does not catch it ends as the command does, with exit status 75.
"""

import sys
import warnings


class Error(Exception):
    """What is wrong, where, and what to do. `id` is that of the engine's diagnostic; "" where it has none."""

    def __init__(self, message: str, *, id: str = "") -> None:
        super().__init__(message)
        self.id = id

    def _render_traceback_(self) -> list[str]:
        """What IPython shows: what the engine says, and not how it came here."""
        return [f"{type(self).__name__}: {self}"]


class ManifestError(Error):
    """The function, the space or a keyword is refused before anything runs."""


class EngineError(Error):
    """The engine is not found, of another protocol, or ended with an error of its own."""


class TaskError(Error):
    """A task's own exception; the text has the traceback of the process in which it ran."""


class StoppedError(Error):
    """The run was stopped before this was done; it is done when the same run goes on."""


class Stopped(SystemExit):
    """The run was stopped early: its output is not whole, and `map` called again goes on with it.

    A SystemExit of code 75: one that is not caught ends the script with 75, by which a batch script knows to go on.
    `run` is the handle of what was done.
    """

    def __init__(self, message: str, run: object = None) -> None:
        super().__init__(75)
        self.message = message
        self.run = run

    def __str__(self) -> str:
        return self.message


class CodeChangedWarning(UserWarning):
    """Rows of the output were made by other code than the function has now; rerun="code" makes them anew."""


def warn(text: str, kind: type[Warning] = UserWarning) -> None:
    """Warns in the line of the user's that has called the package."""
    depth, frame = 1, sys._getframe()
    while frame and frame.f_globals.get("__name__", "").startswith("taskfarm."):
        frame, depth = frame.f_back, depth + 1  # type: ignore[assignment]
    warnings.warn(text, kind, stacklevel=depth)
