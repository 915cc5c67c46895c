"""keeper.py BOX NODES READY [PID]: keeps a box: makes its nodes, and does what is asked through a socket in the box's folder.
It says through the pipe READY that all is there, or why not. With PID it ends with that process.

Programs on nodes can't enter each other's namespaces; the keeper, which is outside, passes them on. Whatever ends it, even
kill -9, the kernel ends its nodes (calls.start_held), these all that runs on them, and the janitor removes the rest. So
there is one way in which a box ends, and `box down` takes it, too."""

import contextlib
import json
import os
import pathlib
import selectors
import signal
import socket
import struct
import subprocess
import sys

from calls import BoxError
from node import Node
from switch import Switch

HERE = pathlib.Path(__file__).resolve().parent
AT_NODES = ("cut", "stop", "kill", "full", "slow", "end", "heal")


class Keeper:
    def __init__(self, folder, count):
        self.folder = pathlib.Path(folder)
        self.environment = login_environment(self.folder)
        self.janitor = subprocess.Popen([HERE / "janitor", folder], stdin=subprocess.PIPE, stdout=sys.stderr, start_new_session=True)
        self.make_files(count)
        self.switch = Switch()
        self.nodes = [Node(self, number) for number in range(1, count + 1)]
        for node in self.nodes:
            node.boot()
        for node in self.nodes:
            node.join()
        self.selector = selectors.DefaultSelector()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(self.folder / "socket"))
        self.listener.listen(100)
        self.selector.register(self.listener, selectors.EVENT_READ, self.accept)

    def make_files(self, count):
        names = [f"node{number}" for number in range(1, count + 1)]
        for name in ("shared", "disk"):
            (self.folder / name).mkdir()
        addresses = [f"{Node(self, number).address} {name}" for number, name in enumerate(names, 1)]
        # mpirun -n NODES+1 starts rank 0 and a worker on node1, and a worker on each of the others.
        places = [(name, 2 if name == "node1" else 1) for name in names]
        for name, lines in (
            ("hosts", ["127.0.0.1 localhost", *addresses]),
            ("hostfile", [f"{name} slots={ranks}" for name, ranks in places]),
            ("machinefile", [f"{name}:{ranks}" for name, ranks in places]),
        ):
            (self.folder / name).write_text("".join(f"{line}\n" for line in lines))

    def note_group(self, path):
        with open(self.folder / "groups", "a") as file:
            file.write(f"{path}\n")

    def end_with(self, pid):
        """Ends with that process."""
        self.selector.register(os.pidfd_open(pid), selectors.EVENT_READ, lambda _: sys.exit())

    def tell_cuts(self):
        names = [node.name for node in self.nodes if node.is_cut]
        for node in self.nodes:
            if node.is_up():
                node.ask("hear_of_cuts", names)

    def accept(self, listener):
        connection, _ = listener.accept()
        self.selector.register(connection, selectors.EVENT_READ, self.serve)

    def serve(self, connection):
        """The one request of a connection."""
        self.selector.unregister(connection)
        with contextlib.closing(connection), contextlib.suppress(OSError):  # who has asked may be gone
            text, fds, _, _ = socket.recv_fds(connection, 1 << 20, 3, socket.MSG_CMSG_CLOEXEC)
            try:
                if text:
                    self.answer(connection, json.loads(text), fds)
            except BoxError as error:
                reply(connection, {"error": str(error)})
            finally:
                for fd in fds:
                    os.close(fd)

    def answer(self, connection, request, fds):
        verb = request["verb"]
        if verb == "down":
            sys.exit()
        elif verb == "list":
            reply(connection, {"nodes": {node.name: node.state for node in self.nodes}})
        elif verb == "enter":
            node, peer = self.find(request["node"]), self.find_peer(connection)
            if not node.is_up():
                raise BoxError(f"{node.name} is down")
            brought = {} if peer else request["environment"]  # ssh brings none, either
            reply(connection, {"node": node.name, "peer": peer})
            node.pass_on({**request, "peer": peer, "environment": {**brought, **self.environment}}, [connection.fileno(), *fds])
        elif verb in AT_NODES:
            node = self.find(request["node"])
            if not node.is_up() and verb not in ("kill", "end", "heal"):
                raise BoxError(f"{node.name} is down; `box heal {node.number}` starts it")
            getattr(node, verb)()
            reply(connection, {})

    def find(self, name):
        for node in self.nodes:
            if name in (node.name, str(node.number)):
                return node
        raise BoxError(f"there is no {name}; there are {', '.join(node.name for node in self.nodes)}")

    def find_peer(self, connection):
        """The node that a process runs on, or None."""
        pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        network = os.readlink(f"/proc/{pid}/ns/net")
        return next((node.name for node in self.nodes if node.network == network), None)

    def run(self):
        while True:
            for key, _ in self.selector.select():
                key.data(key.fileobj)


def login_environment(folder):
    """What a program has in its environment on a node, as from sshd."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "SHELL", "LANG") if name in os.environ}
    return {**kept, "TMPDIR": str(folder / "disk"), "BOX": str(folder)}


def reply(connection, answer):
    connection.send(json.dumps(answer).encode())


def main(folder, count, ready, pid=None):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with open(int(ready), "w") as told:
        try:
            keeper = Keeper(folder, int(count))
            if pid:
                keeper.end_with(int(pid))
        except Exception as error:
            told.write(f"{type(error).__name__}: {error}")
            raise
        told.write("ready")
    keeper.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
