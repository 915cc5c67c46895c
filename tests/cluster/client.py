"""Asks the keeper of a box. The variable BOX is its folder."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

from calls import BoxError, wait_for

HERE = pathlib.Path(__file__).resolve().parent
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


def folder():
    return pathlib.Path(os.environ.get("BOX", f"/var/tmp/taskfarm-box-{os.geteuid()}"))


def up(count, pid=None):
    """Makes a box, for as long as process `pid` lives or until it is taken down."""
    if is_left_over():
        sweep()
    try:
        folder().mkdir(mode=0o755)
    except FileExistsError:
        raise BoxError(f"{folder()} is there already; `box down` takes a box away, and BOX is another folder") from None
    (folder() / "groups").touch()
    read, write = os.pipe()
    keeper = [sys.executable, "-B", HERE / "keeper.py", folder(), str(count), str(write), *([str(pid)] if pid else [])]
    with open(folder() / "log", "wb") as log:
        subprocess.Popen(keeper, pass_fds=[write], start_new_session=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/")
    os.close(write)
    with open(read) as told:
        text = told.read()
    if text != "ready":
        raise BoxError(text or f"the keeper has ended; see {folder()}/log")


def down():
    if is_left_over():
        sweep()
        return
    connection = ask("down")
    receive(connection)  # the keeper has ended
    wait_for(lambda: not folder().exists(), "the end of the box")


def is_left_over():
    """Is the folder that of a box whose keeper and janitor have both been killed?"""
    if not (folder() / "groups").exists():
        return False
    try:
        connect().close()
    except BoxError:
        return True
    return False


def sweep():
    subprocess.run([HERE / "janitor", folder()], stdin=subprocess.DEVNULL, check=True)


def nodes():
    """Which there are, whether each is up, and what has happened to it."""
    return answer_of(ask("list"))["nodes"]


def act(verb, node):
    answer_of(ask(verb, node=node))


def enter(node, command):
    """Runs a command on a node, with this process's files, and returns its exit status. From a node this is what ssh does: it
    passes on no signals, and hears nothing of a node that has died."""
    with ask("enter", fds=[0, 1, 2], node=node, command=command, folder=os.getcwd(), environment=dict(os.environ)) as connection:
        begun = answer_of(connection)
        peer = begun["peer"]
        for number in () if peer else PASSED_ON:
            signal.signal(number, lambda got, _: send_signal(connection, got))
        text = receive(connection)
        while peer and not text:
            signal.pause()
        if not text:
            raise BoxError(f"{begun['node']} has gone")
        return json.loads(text)["status"]


def send_signal(connection, number):
    try:
        connection.send(json.dumps({"signal": number}).encode())
    except OSError:
        sys.exit(128 + number)


def connect():
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(folder() / "socket"))
    except OSError:
        connection.close()
        raise BoxError(f"{folder()}: no box is here; `box up 3` makes one") from None
    return connection


def ask(verb, fds=(), **more):
    """A request, and the connection on which answers come."""
    connection = connect()
    with contextlib.suppress(ConnectionError):  # which is found out by who waits for the answer
        socket.send_fds(connection, [json.dumps({"verb": verb, **more}).encode()], fds)
    return connection


def receive(connection):
    """What comes, or nothing if nothing comes any more."""
    with contextlib.suppress(ConnectionError):
        return connection.recv(1 << 16)
    return b""


def answer_of(connection):
    text = receive(connection)
    if not text:
        raise BoxError("the box has been taken away")
    answer = json.loads(text)
    if "error" in answer:
        raise BoxError(answer["error"])
    return answer
