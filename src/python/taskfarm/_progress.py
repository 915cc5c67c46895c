"""How a run is shown: a bar on a terminal, lines elsewhere, one output that is updated in a notebook, or nothing.

What should be known of it is said aloud in all of these but "none", and goes to the logger `taskfarm` in each.
"""

from __future__ import annotations

import html
import logging
import math
import shutil
import sys
import time
from typing import Any

logger = logging.getLogger("taskfarm")

_NOTEBOOK_INTERVAL = 0.5  # seconds between two updates of a notebook's output
_STEPS = (1.0, 2.0, 5.0)


def count(number: float) -> str:
    """1 234 567"""
    return f"{int(number):,}".replace(",", " ")


def span(seconds: float) -> str:
    """A time as people say it: 0.42 s, 12 s, 3m20s, 2h05m, 3d04h."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02d}m" if hours < 48 else f"{hours // 24}d{hours % 24:02d}h"


def rate_text(rate: float) -> str:
    """12 345/s, 0.25/s"""
    return f"{count(rate)}/s" if rate >= 10 else f"{rate:.2g}/s"


def described(now: dict[str, Any]) -> str:
    """420 000/1 000 000  3 failed  12 345/s  1m10s left"""
    parts = [f"{count(now.get('ended', 0))}/{count(now.get('all', 0))}"]
    if now.get("failed"):
        parts.append(f"{count(now['failed'])} failed")
    if now.get("rate"):
        parts.append(rate_text(now["rate"]))
    if now.get("rate") and "left" in now and now.get("ended", 0) < now.get("all", 0):
        parts.append(f"{span(now['left'])} left")
    return "  ".join(parts)


class Display:
    """Shows nothing: what others refine."""

    def say(self, text: str) -> None:
        """Something that should be known."""
        logger.info("%s", text)

    def update(self, now: dict[str, Any]) -> None:
        """How far the run is."""

    def end(self, text: str) -> None:
        """What became of it."""
        logger.info("%s", text)

    def close(self) -> None:
        """Takes away what is only of interest while it runs."""


class Plain(Display):
    """A line now and then, at growing intervals. Where standard error can't be written the run goes on in silence."""

    def __init__(self) -> None:
        self.is_silent = False
        self.began = time.monotonic()
        self.next = 5.0  # the last line alone tells of runs that are shorter
        self.step = 0

    def _write(self, text: str) -> None:
        if self.is_silent or sys.stderr is None:
            return
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except (OSError, ValueError):  # a full disk, a pipe that nobody reads, a closed file
            self.is_silent = True

    def _line(self, text: str) -> None:
        self._write(f"{text}\n")

    def say(self, text: str) -> None:
        super().say(text)
        self._line(f"taskfarm: {text}")

    def update(self, now: dict[str, Any]) -> None:
        if time.monotonic() - self.began < self.next or now.get("ended") == now.get("all"):
            return
        self._line(f"taskfarm: {described(now)}")
        self.step += 1
        power, which = divmod(self.step, len(_STEPS))
        self.next += min(600.0, _STEPS[which] * 10.0**power)

    def end(self, text: str) -> None:
        super().end(text)
        self._line(text)


class Bar(Plain):
    """One line of a terminal, drawn again in its place."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = False

    def _line(self, text: str) -> None:
        self.close()
        super()._line(text)

    def update(self, now: dict[str, Any]) -> None:
        if not now:
            return
        text = described(now)
        share = now.get("ended", 0) / now["all"] if now.get("all") else 1.0
        room = min(50, shutil.get_terminal_size().columns - len(text) - 9)
        bar = f"[{'=' * math.floor(share * room):{room}}] " if room >= 10 else ""
        self._write(f"\r\033[K{math.floor(100 * share):3d}% {bar}{text}")
        self.drawn = True

    def close(self) -> None:
        if self.drawn:
            self._write("\r\033[K")
        self.drawn = False


class Notebook(Display):
    """One output of the cell, by display_id: without widgets, so that it is there in nbconvert and papermill, too."""

    def __init__(self) -> None:
        self.handle: Any = None
        self.shown = -math.inf
        self.said: list[str] = []
        self.now: dict[str, Any] | None = None

    def say(self, text: str) -> None:
        super().say(text)
        self.said.append(text)
        self._show(None)

    def update(self, now: dict[str, Any]) -> None:
        self.now = now
        if time.monotonic() - self.shown >= _NOTEBOOK_INTERVAL:
            self._show(None)

    def end(self, text: str) -> None:
        super().end(text)
        self.now = None
        self._show(text)

    def _show(self, last: str | None) -> None:
        from IPython.display import display

        content = _Shown(self.said, self.now, last)
        if self.handle is None:
            self.handle = display(content, display_id=True)
        else:
            self.handle.update(content)
        self.shown = time.monotonic()


class _Shown:
    """What a notebook shows, as text and as HTML."""

    def __init__(self, said: list[str], now: dict[str, Any] | None, last: str | None) -> None:
        self.said, self.now, self.last = list(said), now, last

    def __repr__(self) -> str:
        return "\n".join(
            [*self.said, *([described(self.now)] if self.now else []), *([self.last] if self.last else [])]
        )

    def _repr_html_(self) -> str:
        lines = [f"<div>{html.escape(text)}</div>" for text in self.said]
        if self.now:
            done, most = self.now.get("ended", 0), max(1, self.now.get("all", 0))
            lines.append(
                f'<div><progress value="{done}" max="{most}" style="width:20em"></progress> '
                f"{html.escape(described(self.now))}</div>"
            )
        if self.last:
            lines.append(f'<div style="white-space:pre-wrap">{html.escape(self.last)}</div>')
        return "".join(lines)


def _in_notebook() -> bool:
    """Does a Jupyter kernel run this?"""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _is_terminal() -> bool:
    try:
        return sys.stderr is not None and sys.stderr.isatty()
    except (OSError, ValueError):  # it is closed
        return False


def display_of(style: str) -> Display:
    """By "auto", "plain" or "none". Raises ValueError."""
    if style not in ("auto", "plain", "none"):
        raise ValueError(f'progress: must be "auto", "plain" or "none", not {style!r}')
    if style == "none":
        return Display()
    if style == "auto" and _in_notebook():
        return Notebook()
    if style == "auto" and _is_terminal():
        return Bar()
    return Plain()
