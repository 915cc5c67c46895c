"""init.py NAME ADDRESS SIZE SOCKET: the first process of a node. It makes the node's own files, then does as the keeper asks
through the socket, starts programs as sshd would, and reaps whatever has lost its parent. All on the node ends with it.

A program is asked for from outside the box, by who has typed `box run`, or from a node, by mpirun. The former is told signals
and that the asker has gone. The latter is like a connection of ssh: nothing passes while one of the two nodes is cut, and a
node that stands still answers nobody but outside. (What such programs read and write does pass: they are given
the asker's own files.)"""

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import time

from calls import BoxError, call

DISKS = ("/dev/shm", os.environ["TMPDIR"])
TURN = 0.1  # seconds in which a slow node's processes go for a tenth


class Session:
    """A program that runs for who is at the other end of a connection."""

    def __init__(self, connection, request, fds):
        self.connection, self.peer = connection, request["peer"]
        self.pid = start(request, fds)
        self.status = None

    def hear(self):
        """A signal for the program, or the end of who asked: it is hung up on, as one with a terminal is."""
        with contextlib.suppress(ConnectionError):
            if text := self.connection.recv(1000):
                self.send(json.loads(text)["signal"])
                return True
        if not self.peer:
            self.send(signal.SIGHUP, whole=True)
        return False

    def send(self, number, whole=False):
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if whole else os.kill)(self.pid, number)

    def tell_end(self):
        with contextlib.suppress(OSError):
            self.connection.send(json.dumps({"status": self.status}).encode())
        self.connection.close()


def start(request, fds):
    """Runs a command with these files, as the leader of a session of its own."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        for number, fd in enumerate(fds):
            os.dup2(fd, number)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
            signal.signal(number, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.chdir(request["folder"])
        os.execvpe(request["command"][0], request["command"], request["environment"])
    except OSError as error:
        os.write(2, f"box: {request['command'][0]} in {request['folder']}: {error.strerror}\n".encode())
    finally:
        os._exit(127)


class Node:
    def __init__(self, name, address, size, control):
        self.name, self.address, self.size = name, address, size
        self.control = socket.socket(fileno=control)
        self.control.set_inheritable(False)
        self.selector = selectors.DefaultSelector()
        self.sessions = {}  # by process
        self.waiting = []  # what other nodes have asked for while this one was cut or stood still
        self.cut, self.is_still, self.goes_by_turns, self.turn = [], False, False, 0.0
        self.prepare()
        self.selector.register(self.control, selectors.EVENT_READ)
        self.control.send(b"{}")

    def prepare(self):
        """A name, files and devices of its own."""
        call("hostname", self.name)
        for disk in DISKS:
            call("mount", "-t", "tmpfs", "-o", f"size={self.size},mode=1777", "tmpfs", disk)
        call("mount", "--bind", f"{os.environ['BOX']}/hosts", "/etc/hosts")
        # /sys of this network, below which the machine's control groups are where they were.
        disk = DISKS[1]
        call("mount", "-t", "sysfs", "sysfs", disk)
        with contextlib.suppress(BoxError):
            call("mount", "--rbind", "/sys/fs/cgroup", f"{disk}/fs/cgroup")
        call("mount", "--rbind", disk, "/sys")
        call("umount", "-l", disk)

    # What the keeper asks for.

    def connect(self):
        """Its end of the cable is there."""
        call("ip", "link", "set", "lo", "up")
        call("ip", "addr", "add", f"{self.address}/24", "dev", "eth0")
        call("ip", "link", "set", "eth0", "up")

    def hear_of_cuts(self, nodes):
        self.cut = nodes
        self.resume()

    def stop(self):
        self.is_still = True
        self.send_all(signal.SIGSTOP)

    def go_on(self):
        self.is_still = self.goes_by_turns = False
        self.send_all(signal.SIGCONT)
        self.resume()

    def go_by_turns(self):
        self.goes_by_turns = True

    def end(self):
        """What was begun from outside; the sessions with other nodes that mpirun has begun end with it (agent)."""
        for session in self.sessions.values():
            if not session.peer:
                session.send(signal.SIGKILL)

    def fill(self):
        for disk in DISKS:
            for attempt in range(20):
                there = os.statvfs(disk)
                kilobytes = (there.f_blocks - there.f_bfree) * there.f_frsize // 1024
                try:
                    self.resize(disk, f"{max(kilobytes, 4)}k")  # 0 would be no limit
                    break
                except BoxError:  # somebody has written meanwhile
                    if attempt == 19:
                        raise

    def empty(self):
        for disk in DISKS:
            self.resize(disk, self.size)

    @staticmethod
    def resize(disk, size):
        call("mount", "-o", f"remount,size={size}", disk)

    @staticmethod
    def send_all(number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, number)

    # Programs.

    def enter(self, request, connection, fds):
        asked = (connection, request, fds)
        if self.hears(request["peer"]):
            self.begin(*asked)
        else:
            self.waiting.append(asked)

    def hears(self, peer):
        """Does anything pass between a program here and its asker?"""
        return peer in (None, self.name) or not (self.is_still or {peer, self.name} & set(self.cut))

    def begin(self, connection, request, fds):
        session = Session(connection, request, fds)
        for fd in fds:
            os.close(fd)
        self.sessions[session.pid] = session
        self.selector.register(connection, selectors.EVENT_READ, session)

    def resume(self):
        """What waited, goes on if it can."""
        waiting, self.waiting = self.waiting, []
        for connection, request, fds in waiting:
            self.enter(request, connection, fds)
        for session in list(self.sessions.values()):
            self.settle(session)

    def settle(self, session):
        if session.status is not None and self.hears(session.peer):
            with contextlib.suppress(KeyError):
                self.selector.unregister(session.connection)
            session.tell_end()
            del self.sessions[session.pid]

    def reap(self):
        with contextlib.suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = ended
                if pid in self.sessions:
                    code = os.waitstatus_to_exitcode(status)
                    self.sessions[pid].status = code if code >= 0 else 128 - code
                    self.settle(self.sessions[pid])

    # The loop.

    def answer(self):
        text, fds, _, _ = socket.recv_fds(self.control, 1 << 20, 4, socket.MSG_CMSG_CLOEXEC)
        if not text:
            sys.exit()
        request = json.loads(text)
        if request["verb"] == "enter":
            self.enter(request, socket.socket(fileno=fds[0]), fds[1:])
            return
        try:
            getattr(self, request["verb"])(*request["arguments"])
            self.control.send(b"{}")
        except BoxError as error:
            self.control.send(json.dumps({"error": str(error)}).encode())

    def take_turns(self):
        now = time.monotonic()
        if self.goes_by_turns and not self.is_still and now >= self.turn:
            self.send_all(signal.SIGCONT)
            time.sleep(TURN / 10)
            self.send_all(signal.SIGSTOP)
            self.turn = now + TURN

    def run(self):
        read, write = os.pipe()
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self.selector.register(read, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select(TURN if self.goes_by_turns else None):
                if key.fileobj is self.control:
                    self.answer()
                elif key.fileobj == read:
                    os.read(read, 4096)
                elif not key.data.hear():
                    self.selector.unregister(key.fileobj)
            self.reap()
            self.take_turns()


if __name__ == "__main__":
    Node(*sys.argv[1:4], int(sys.argv[4])).run()
