"""Nodes that are cut off, stand still, die, are slow or have full disks, under mpirun --enable-recovery: the run goes on without."""

import cluster
import failing
import farm


class FailingNodes(failing.FailingNodesTest):
    recovery = True

    @farm.first
    def test_results_are_those_of_nodes_that_do_not_fail(self):
        self.check(events=16 if farm.SOAK else 3)


if __name__ == "__main__":
    cluster.main()
