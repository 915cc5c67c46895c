"""A node as the keeper sees it: how it is made, and what can happen to it."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import sys

from calls import BoxError, call, child_of, start_held
from groups import make_group

NAMESPACES = ("--net", "--uts", "--ipc", "--mount", "--pid")
DISK = "64m"  # its own $TMPDIR, and its own /dev/shm
NETWORK = "10.99.7"  # nobody outside the box sees it
SLOW = 0.1  # of a processor


def why_not():
    """Why there can be no nodes on this machine, or "" if there can."""
    try:
        call("setpriv", "--pdeathsig", "KILL", "unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", "ip", "link", "add", "cable", "type", "veth")
    except (BoxError, OSError) as error:
        return str(error)
    return ""


class Node:
    def __init__(self, box, number):
        self.box, self.number, self.name, self.cable = box, number, f"node{number}", f"cable{number}"
        self.is_cut, self.group = False, None
        self.ails = []  # what has happened to it and is not healed

    @property
    def address(self):
        return f"{NETWORK}.{self.number}"

    def boot(self):
        """Starts it; `join` waits for it. So all can start at once."""
        self.control, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [sys.executable, "-B", pathlib.Path(__file__).with_name("init.py"), self.name, self.address, DISK, str(far.fileno())]
        environment = self.box.environment
        command = ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", *words]
        self.process = start_held(command, pass_fds=[far.fileno()], env=environment, cwd="/")
        far.close()

    def join(self):
        """It has its name and its files: puts it into its control group and onto the network."""
        self.hear()
        self.pid = child_of(self.process)
        self.network = os.readlink(f"/proc/{self.pid}/ns/net")
        self.group = self.group or make_group(f"taskfarm-box-{os.getpid()}-{self.name}", self.box.note_group)
        if self.group:
            self.group.add(self.pid)
        self.box.switch.plug_in(self.cable, self.number, self.pid)
        self.ask("connect")

    def hear(self):
        with contextlib.suppress(OSError):
            text = self.control.recv(1 << 16)
            if text:
                answer = json.loads(text)
                if "error" in answer:
                    raise BoxError(f"{self.name}: {answer['error']}")
                return
        raise BoxError(f"{self.name} has ended")

    def ask(self, verb, *arguments):
        with contextlib.suppress(OSError):
            self.control.send(json.dumps({"verb": verb, "arguments": arguments}).encode())
        self.hear()

    def pass_on(self, request, fds):
        """Who has asked is served by the node from now on."""
        try:
            socket.send_fds(self.control, [json.dumps(request).encode()], fds)
        except OSError:
            raise BoxError(f"{self.name} has ended") from None

    def is_up(self):
        return self.process.poll() is None

    @property
    def state(self):
        return ", ".join(["up", *self.ails]) if self.is_up() else "down"

    def note(self, word):
        if word not in self.ails:
            self.ails.append(word)

    # What can happen to it.

    def cut(self):
        self.box.switch.set_cable(self.cable, "down")
        self.is_cut = True
        self.note("cut")
        self.box.tell_cuts()

    def stop(self):
        self.ask("stop")
        self.note("stopped")

    def kill(self):
        """As if its power had failed: its connections are not closed."""
        if self.is_up():
            self.cut()
            self.close()

    def full(self):
        self.ask("fill")
        self.note("full")

    def slow(self):
        if self.group:
            self.group.set_share(SLOW)
        else:
            self.ask("go_by_turns")
        self.note("slow")

    def end(self):
        if self.is_up():
            self.ask("end")

    def heal(self):
        if self.group:
            self.group.set_share(None)
        self.is_cut, self.ails = False, []
        if self.is_up():
            self.box.switch.set_cable(self.cable, "up")
            self.ask("go_on")
            self.ask("empty")
        else:
            self.boot()
            self.join()
        self.box.tell_cuts()

    def close(self):
        """Its first process takes all others with it, and the process that waits for it ends last."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.process.wait()
        self.control.close()
