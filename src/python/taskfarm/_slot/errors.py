"""What is said of a task that has failed: a message, and a traceback that shows the user's frames alone."""

import importlib
import os
import traceback
from types import TracebackType

_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_IMPORTLIB = os.path.dirname(os.path.abspath(importlib.__file__)) + os.sep
GENERATED = "<taskfarm loop>"  # the file name of the generated loops


class Refusal(Exception):
    """A stage can't be run, for a reason that is not its code's: the text is all that there is to say."""


class Misfit(Exception):
    """What a function has returned is not what the stage's columns take; its text is the task's message."""


def cut(text: str, limit: int) -> bytes:
    """A text in UTF-8. Of one that is longer than `limit` bytes the middle is left out."""
    if len(text) > 2 * limit:  # not all of a text of gigabytes is encoded
        head, tail = text[:limit], text[-limit:]
        left_out = len(text) - len(head) - len(tail)
    else:
        head, tail, left_out = text, "", 0
    content = head.encode(errors="backslashreplace").replace(b"\0", b"\\0")
    end = tail.encode(errors="backslashreplace").replace(b"\0", b"\\0")
    if len(content) + len(end) <= limit:
        return content
    whole = content + end
    half = limit // 2
    first = whole[:half].decode(errors="ignore").encode()
    last = whole[len(whole) - half :].decode(errors="ignore").encode()
    left_out += len(whole) - len(first) - len(last)
    return first + b"\n[... %d bytes left out ...]\n" % left_out + last


def text_of(error: BaseException) -> str:
    """The message of an exception: its type and what it says, even if its class can't say it."""
    name = type(error).__name__
    try:
        said = str(error)
    except BaseException as second:
        said = f"(its text can't be had: its __str__ raises {type(second).__name__})"
    return f"{name}: {said}" if said else name


def _is_ours(trace: TracebackType) -> bool:
    file = trace.tb_frame.f_code.co_filename
    return file.startswith((GENERATED, _OURS, "<frozen importlib", _IMPORTLIB))


def user_frames(trace: TracebackType | None) -> TracebackType | None:
    """The part of a traceback that begins with the user's first frame; None: the error is of our own frames."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def traceback_of(error: BaseException) -> str:
    """The traceback of an exception without our frames."""
    try:
        return "".join(traceback.format_exception(type(error), error, user_frames(error.__traceback__)))
    except BaseException as second:  # no memory, or an exception that is made to be hostile
        return f"{text_of(error)}\n(its traceback can't be had: {text_of(second)})\n"
