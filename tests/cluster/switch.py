"""The bridge that the nodes' cables end at, in a network namespace that has nothing else: so nothing of a box is seen on the
machine's own network."""

import contextlib
import os

from calls import BoxError, call, child_of, start_held, wait_for


class Switch:
    def __init__(self):
        self.process = start_held(["unshare", "--net", "--fork", "--kill-child", "sleep", "infinity"])
        self.pid = child_of(self.process)
        wait_for(lambda: os.readlink(f"/proc/{self.pid}/ns/net") != os.readlink("/proc/self/ns/net"), "a network namespace")
        self.ip("link", "add", "br0", "type", "bridge")
        self.ip("link", "set", "br0", "up")

    def ip(self, *words):
        call("nsenter", "-t", self.pid, "--net", "ip", *words)

    def plug_in(self, cable, number, pid):
        """A cable from here to the network namespace of a process, which sees its end as eth0, with a node's own hardware
        address; in place of the one that ended in a namespace that is no more, if the kernel has not yet removed it."""
        with contextlib.suppress(BoxError):
            self.ip("link", "del", cable)
        self.ip("link", "add", cable, "type", "veth", "peer", "name", "eth0", "address", f"02:00:00:00:00:{number:02x}", "netns", pid)
        self.ip("link", "set", cable, "master", "br0", "up")

    def set_cable(self, cable, state):
        self.ip("link", "set", cable, state)
