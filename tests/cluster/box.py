"""box VERB ...: a cluster in a box: nodes on this machine, each with a network, a name and files of its own.

    box up N [PID]      makes a box of N nodes, node1 to nodeN; with PID it ends with that process
    box run COMMAND...  runs a command on node1, in this folder; mpirun finds the others
    box enter NODE COMMAND...
                        runs a shell's command on a node; as mpirun's rsh agent
    box list            which nodes there are, and what has happened to them
    box cut NODE        its link is down
    box stop NODE       all of its processes stand still
    box kill NODE       it is gone at once, without a word to the others
    box full NODE       no byte more fits on its own disks, $TMPDIR and /dev/shm
    box slow NODE       it has a tenth of a processor
    box end NODE        ends at once what was begun there from outside, as a batch system ends a job: an mpirun that waits for
                        a node that is gone, with its sessions on all nodes
    box heal NODE       ends all of these; one that was killed starts anew
    box down            takes everything away

It needs root, iproute2 and util-linux. The variable BOX is its folder, by default /var/tmp/taskfarm-box-0. All files but
$TMPDIR and /dev/shm are the machine's, and so shared by the nodes. `mpirun -n 4`, of three nodes, starts ranks 0 and 1 on
node1, 2 on node2 and 3 on node3. Exit status 77: this machine can have no such nodes."""

import os
import sys

import client
import mpi
from calls import BoxError
from node import why_not

NO_BOX = 77  # what automake and ctest take for skipped
NO_ROUTE = 255  # what ssh says
AT_NODES = ("cut", "stop", "kill", "full", "slow", "end", "heal")


def main(verb="help", *rest):
    if verb in ("help", "-h", "--help"):
        print(__doc__)
    elif verb == "up" and len(rest) in (1, 2) and all(word.isdigit() for word in rest) and 0 < int(rest[0]) < 200:
        why = why_not()
        if why:
            print(f"box: skipped: there can be no nodes on this machine: {why}", file=sys.stderr)
            return NO_BOX
        client.up(*rest)
    elif verb == "down" and not rest:
        client.down()
    elif verb == "list" and not rest:
        for name, state in client.nodes().items():
            print(name, state)
    elif verb == "run" and rest:
        for name, value in mpi.environment(client.folder()).items():
            os.environ.setdefault(name, value)
        return client.enter("node1", rest)
    elif verb == "enter" and len(rest) > 1:
        return client.enter(rest[0], ["/bin/sh", "-c", " ".join(rest[1:])])  # as ssh does
    elif verb in AT_NODES and len(rest) == 1:
        client.act(verb, *rest)
    else:
        raise BoxError(f"`box {' '.join((verb, *rest))}` is not how a verb is used; `box help` lists them")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except BoxError as error:
        print(f"box: {error}", file=sys.stderr)
        sys.exit(NO_ROUTE)
