"""What a run says last when a node is lost: mpirun may wait for it for ever."""

import cluster
import farm

STAGE = {"over": {"i": {"range": [10000]}}, "run": {"command": "echo {i} >>log; sleep 0.1"}}


class LostNodes(farm.FarmTest):
    @farm.first
    def test_the_last_words_name_the_node_that_mpirun_may_wait_for(self):
        self.write("r.json", STAGE)
        with cluster.cluster(self, nodes=2) as box:
            box.environment["OMPI_MCA_oob_tcp_keepalive_time"] = "300"  # else mpirun ends the run before that ends itself
            run = box.start("r.json", "--patience", 2)
            self.wait_for(lambda: (self.folder / "log").exists(), "no task begins")
            box.cut(2)
            last = "taskfarm: this run is over; if mpirun does not return, it waits for node2, and can be killed\n"
            self.wait_for(lambda: last in run.text(), "the last words")
            self.wait_for(lambda: not [args for args in box.processes(1) if args.startswith(farm.TASKFARM)], "a rank does not end")
            self.assertRegex(run.text(), r"rank 2 on node2 has not been heard for \S+, and holds ")


if __name__ == "__main__":
    cluster.main()
