"""Where the engine enters Python: `main(verb, fd)`, called by the text of src/host/python_boot.h."""

import contextlib
import importlib
import os
import sys

from taskfarm._slot.search import SEARCH
from taskfarm._slot.streams import GLOBALS

# What a verb calls: a module beside this one, and its function, which gets the descriptor.
VERBS = {
    "slot": ("slot", "serve"),  # runs tasks
    "warm": ("warm", "serve"),  # imports once, and forks slots
    "check": ("inspect", "check"),  # compares functions with stages
    "code": ("code", "answer"),  # hashes what functions are made of
}


def main(verb: str, fd: int) -> None:
    """Does what the verb says, and ends the process: nothing of the user's is to hold it up, no thread and no
    atexit."""
    module, function = VERBS[verb]
    status = 0
    try:
        GLOBALS.begin()
        SEARCH.begin()
        getattr(importlib.import_module(f"taskfarm._slot.{module}"), function)(fd)
    except BaseException:
        import traceback

        status = 1
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(BaseException):
            stream.flush()
    os._exit(status)
