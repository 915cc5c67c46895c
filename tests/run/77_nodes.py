"""Runs on several nodes, over a network: who runs where, what lies on nodes' own disks, and what nodes share."""

import json
import os
import re
import shutil
import unittest

import cluster
import farm

CORES = len(os.sched_getaffinity(0))
UNBOUND = {"OMPI_MCA_hwloc_base_binding_policy": "none"}

PYTHON = """
import os, socket

with open("imports", "a") as file:
    file.write(socket.gethostname() + "\\n")


def work(i, stars):
    maps = {line.split()[4] for line in open("/proc/self/maps") if line.rstrip().endswith(".npy")}
    assert not stars.flags.writeable and len(maps) == 1, maps
    return {"host": socket.gethostname(), "y": stars[i] + 1}
"""


class NodesTest(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.box = self.enterContext(cluster.cluster(self))

    def column(self, stage, name):
        values = self.open("c.h5")[stage][name][()].tolist()
        return [v.decode() if isinstance(v, bytes) else v for v in values]

    def assert_nothing_is_left(self):
        for node in range(1, self.box.nodes + 1):
            self.wait_for(lambda node=node: not self.box.processes(node), "processes")
            self.assertEqual(self.box.enter(node, "ls -A $TMPDIR /dev/shm | grep -v :"), "\n", node)


class Tasks(NodesTest):
    @farm.first
    def test_run_on_all_nodes_and_use_their_own_disks(self):
        """Inputs are copied once a node, scratch folders are there, and the file says who ran where."""
        self.write("data/cat.txt", "stars\n" * 1000)
        names = ("host", "scratch", "copy", "number", "lines")
        command = "echo $(hostname) {scratch} {inputs.cat} $(stat -c %i {inputs.cat}) $(wc -l <{inputs.cat}); sleep 0.02"
        stage = {
            "name": "c",
            "over": {"i": {"range": [60]}},
            "inputs": {"cat": {"path": "data/cat.txt", "stage_in": True}},
            "run": {"command": command},
            "results": {name: {"type": "string", "from": f"field:{k}"} for k, name in enumerate(names, 1)},
        }
        self.write("c.json", {"stages": [stage]})
        text = self.box.run("c.json")
        self.assertRegex(text, r"taskfarm: c: 60 done, 0 failed in ")
        rows = dict(zip(names, (self.column("c", f"results/{name}") for name in names)))
        self.assertEqual(set(zip(self.column("c", "task/worker"), rows["host"])), {(1, "node1"), (2, "node2"), (3, "node3")})
        self.assertEqual(set(rows["lines"]), {"1000"})
        disk = re.escape(f"{self.box.folder}/disk/")
        for path in rows["scratch"]:
            self.assertRegex(path, f"^{disk}")
        (copy,) = set(rows["copy"])
        self.assertRegex(copy, rf"^{disk}taskfarm-inputs-\d+-[0-9a-f]{{16}}/[0-9a-f]{{16}}/cat\.txt$")
        self.assertEqual(len(set(zip(rows["host"], rows["number"]))), 3)
        status = json.loads(self.taskfarm("status", "c.h5", "--json").stdout)
        self.assertEqual(status["runs"][0]["hosts"], {"node1": 2, "node2": 1, "node3": 1})
        self.assert_nothing_is_left()

    def test_get_plugins_and_tables_that_lie_on_the_disk_of_rank_0(self):
        shutil.copy(farm.BUILD / "tests/libtest_plugin.so", self.folder)
        self.write("points.csv", "k\n" + "0.5\n" * 100)
        over = [{"csv": "points.csv"}, {"name": "i", "range": [4]}]
        self.write("c.json", {"over": over, "run": {"function": "./libtest_plugin.so:draw"}, "results": {"x": "float64"}})
        self.taskfarm("c.json", "-o", "alone.h5")
        self.box.enter(1, "mv c.json points.csv libtest_plugin.so $TMPDIR")
        self.box.run(f"{self.box.folder}/disk/c.json", "-o", self.folder / "c.h5")
        self.assertEqual(farm.digest(self.folder / "c.h5"), farm.digest(self.folder / "alone.h5"))

    def test_of_python_are_forked_from_one_process_a_rank_and_map_what_is_common(self):
        import numpy as np

        np.save(self.folder / "stars.npy", np.arange(100.0))
        self.write("m.py", PYTHON)
        run = {"python": "m.py:work", "interpreter": "/usr/bin/python3", "warm": True, "common": {"stars": "stars.npy"}}
        results = {"host": "string", "y": "float64"}
        self.write("c.json", {"over": {"i": {"range": [100]}}, "run": run, "results": results})
        self.box.run("c.json")
        self.assertEqual(self.column("c", "results/y"), [i + 1 for i in range(100)])
        imports = (self.folder / "imports").read_text().split()
        self.assertEqual(len(imports), len(set(imports)), imports)
        self.assertLessEqual(set(self.column("c", "results/host")), set(imports))
        self.assert_nothing_is_left()


    @farm.first
    def test_that_take_too_long_are_started_again_on_another_node(self):
        """One is held up on node 2, where another worker is idle as well."""
        hold = "if test $(hostname) = node2 && mkdir held; then echo {index} >held/task; exec sleep 1000; fi; "
        command = hold + "sleep 0.05; echo $(hostname)"
        results = {"host": {"type": "string", "from": "field:1"}}
        self.write("c.json", {"over": {"i": {"range": [24]}}, "run": {"command": command}, "results": results, "speculative": True})
        self.box.slots = 1
        text = self.box.run("c.json", hosts={1: 2, 2: 2, 3: 1})
        self.assertRegex(text, r"taskfarm: c: 24 done, 0 failed in ")
        task = int((self.folder / "held/task").read_text())
        self.assertIn(f"c[i={task}] of rank ", text)
        self.assertNotEqual(self.column("c", "results/host")[task], "node2")
        self.assert_nothing_is_left()


class Shared(NodesTest):
    @farm.first
    def test_an_output_is_of_one_run_whatever_node_it_is_on(self):
        self.write("c.json", {"over": {"i": {"range": [9]}}, "run": {"command": "touch began; while test ! -e go; do sleep 0.05; done"}})
        run = self.box.start("c.json")
        self.wait_for(lambda: (self.folder / "began").exists(), "no task begins")
        refused = self.box.start("c.json", hosts={2: 1, 3: 1}, stderr="refused")
        self.assertEqual(refused.wait(), 3, refused.text())
        self.assertIn("c.h5: is in use by another run of taskfarm", refused.text())
        self.assertIn("is in use by another run of taskfarm", self.box.enter(3, f"{farm.TASKFARM} c.json 2>&1 || test $? = 3"))
        self.write("go", "")
        self.assertEqual(run.wait(), 0, run.text())

    @unittest.skipIf(CORES < 2, "this machine has one core")
    def test_workers_of_a_node_divide_its_cores(self):
        """Nodes are of the same machine, but each is divided by itself."""
        command = "echo $(hostname) $(taskset -cp $$ | sed 's/.*: //'); sleep 0.05"
        results = {"host": {"type": "string", "from": "field:1"}, "cores": {"type": "string", "from": "field:2"}}
        self.write("c.json", {"over": {"i": {"range": [40]}}, "run": {"command": command}, "results": results})
        self.box.slots = None
        self.box.run("c.json", "--bind", "cores", hosts={1: 2, 2: 2}, env=UNBOUND)
        self.assertEqual(self.open("c.h5").attrs["slots"], CORES + 2)
        cores = {}
        for worker, host, told in zip(*(self.column("c", name) for name in ("task/worker", "results/host", "results/cores"))):
            cores.setdefault((worker, host), set()).update(cores_of(told))
        self.assertEqual(set(cores), {(1, "node1"), (2, "node2"), (3, "node2")})
        self.assertEqual(cores[1, "node1"], os.sched_getaffinity(0))
        self.assertEqual(cores[2, "node2"] | cores[3, "node2"], os.sched_getaffinity(0))
        self.assertFalse(cores[2, "node2"] & cores[3, "node2"])


def cores_of(text):
    """Of "0,2-3"."""
    ends = [list(map(int, part.split("-"))) for part in text.split(",")]
    return {core for end in ends for core in range(end[0], end[-1] + 1)}


if __name__ == "__main__":
    cluster.main()
