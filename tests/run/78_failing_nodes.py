"""Nodes that are cut off, stand still, die, are slow or have full disks: a run ends by itself, and the next one goes on."""

import cluster
import failing
import farm


class FailingNodes(failing.FailingNodesTest):
    @farm.first
    def test_results_are_those_of_nodes_that_do_not_fail(self):
        self.check(events=18 if farm.SOAK else 4)


if __name__ == "__main__":
    cluster.main()
