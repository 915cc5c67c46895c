"""Nodes that are cut off, stand still, die, are slow or have full disks: mpirun is the first that notices, and ends the run."""

import cluster
import failing
import farm


class FailingNodes(failing.FailingNodesTest):
    notices = 4

    @farm.first
    def test_results_are_those_of_nodes_that_do_not_fail(self):
        self.check(events=16 if farm.SOAK else 3)


if __name__ == "__main__":
    cluster.main()
