"""Programs that a box is made with: run, or started so that they end with who started them."""

import pathlib
import subprocess
import time


class BoxError(Exception):
    """What can't be done; the text is for people."""


def call(*command):
    words = [str(word) for word in command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise BoxError(f"{' '.join(words)}: {done.stderr.strip() or f'exit status {done.returncode}'}")


def start_held(command, **more):
    """Starts it; the kernel kills it when this process ends, whatever ends that."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL, **more)


def wait_for(condition, what):
    limit = time.monotonic() + 20
    while not (found := condition()):
        if time.monotonic() > limit:
            raise BoxError(f"{what} is not there after 20 s")
        time.sleep(0.005)
    return found


def child_of(process):
    """The one process that `unshare --fork` starts."""
    children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(wait_for(lambda: process.poll() is None and children.read_text().split(), "a namespace")[0])
