"""The socket between a slot's process and its host: packets of JSON, with descriptors."""

import array
import json
import os
import socket
from typing import Any

LONGEST = 60_000  # bytes of a packet; more goes by a memfd
MOST_DESCRIPTORS = 8


class Gone(Exception):
    """The host has closed the socket: there is nothing more to do."""


class Link:
    """One end of a SOCK_SEQPACKET socket. Not for several threads."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(True)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, message: dict[str, Any], descriptors: list[int] | None = None) -> None:
        """Sends a packet. Raises OSError if the host is gone."""
        packet = json.dumps(message).encode()
        descriptors = list(descriptors or ())
        long = -1
        if len(packet) > LONGEST:
            long = os.memfd_create("taskfarm-packet")
            os.truncate(long, len(packet))
            os.pwrite(long, packet, 0)
            packet = json.dumps({"long": len(packet)}).encode()
            descriptors.insert(0, long)
        try:
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
            self._socket.sendmsg([packet], rights, socket.MSG_NOSIGNAL)
        finally:
            if long >= 0:
                os.close(long)

    def receive(self) -> tuple[dict[str, Any], list[int]]:
        """The next packet, and the descriptors that came with it, which are the caller's to close.

        Raises Gone when the host has closed its end."""
        room = socket.CMSG_SPACE(MOST_DESCRIPTORS * array.array("i").itemsize)
        try:
            packet, rights, _, _ = self._socket.recvmsg(LONGEST + 5_536, room, socket.MSG_CMSG_CLOEXEC)
        except ConnectionError as error:
            raise Gone from error
        if not packet:
            raise Gone
        descriptors = array.array("i")
        for level, kind, content in rights:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                descriptors.frombytes(content[: len(content) - len(content) % descriptors.itemsize])
        fds = descriptors.tolist()
        message = json.loads(packet)
        if "long" in message:
            long = fds.pop(0)
            try:
                message = json.loads(_read_whole(long, message["long"]))
            finally:
                os.close(long)
        return message, fds


def _read_whole(fd: int, size: int) -> bytes:
    parts: list[bytes] = []
    at = 0
    while at < size:
        part = os.pread(fd, size - at, at)
        if not part:
            break
        parts.append(part)
        at += len(part)
    return b"".join(parts)
