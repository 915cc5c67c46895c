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

    def test_a_node_that_is_cut_off_while_all_do_something_together_is_named_and_ends_by_itself(self):
        self.write("r.json", {"over": {"i": {"range": [100]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}})
        held = self.folder / "held"
        fault = {"TASKFARM_FAIL": "fsync:hang:2", "TASKFARM_FAIL_RANK": "2", "TASKFARM_FAIL_PATHS": f"{self.folder}/r.h5"}
        fault |= {"TASKFARM_FAIL_HELD": str(held), "LD_PRELOAD": f"{farm.BUILD}/tests/libfaults.so"}
        words = ["env", *(f"{key}={value}" for key, value in fault.items()), farm.TASKFARM, "r.json", "--patience", "2", "--slots", "1"]
        with cluster.cluster(self, nodes=3) as box:
            box.environment["OMPI_MCA_oob_tcp_keepalive_time"] = "300"
            run = box.start_command([*box.launcher(), *words])
            self.wait_for(held.exists, "no rank is held")
            box.cut(2)
            for node in 1, 2, 3:
                self.wait_for(lambda node=node: not [args for args in box.processes(node) if args.startswith(farm.TASKFARM)], "a rank does not end")
            self.assertRegex(run.text(), r"rank 2 on node2 has not been heard for \d\.\ds during the layout of a stage by all ranks; this run ends, and the same command line goes on\n")
            self.assertIn("taskfarm: this run is over; if mpirun does not return, it waits for node2, and can be killed\n", run.text())
        self.taskfarm("r.json", "--output", "whole.h5")
        self.taskfarm("r.json")
        self.assertEqual(farm.digest(self.folder / "r.h5"), farm.digest(self.folder / "whole.h5"))


if __name__ == "__main__":
    cluster.main()
