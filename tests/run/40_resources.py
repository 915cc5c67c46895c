"""What tasks need: slots, memory and GPUs are counted, cores are the tasks' own, and nobody waits for ever."""

import os
import subprocess
import unittest

import farm
import numpy as np

CORES = sorted(os.sched_getaffinity(0))

# Where it runs, which GPUs it may use, and how many slots it has; then it takes a while.
LOOK = (
    "taskset -cp $$ | sed 's/.*: //'; echo gpus=${{CUDA_VISIBLE_DEVICES-none}} rocm=${{ROCR_VISIBLE_DEVICES-none}}; "
    "echo slots=$TASKFARM_SLOTS; sleep {t}"
)
COLUMNS = {
    "cpus": {"type": "string", "from": r"regex:^([0-9,-]+)$"},
    "gpus": {"type": "string", "from": r"regex:gpus=(\S*)"},
    "rocm": {"type": "string", "from": r"regex:rocm=(\S*)"},
    "slots": {"type": "int32", "from": r"regex:slots=([0-9]+)"},
}

# Says which GPUs it was started with.
SERVICE = """
import os, time
from taskfarm import serve
mine = os.environ["CUDA_VISIBLE_DEVICES"]
def work(i, t):
    time.sleep(t)
    return {"gpus": mine, "pid": os.getpid()}
serve(work)
"""


def cpus_of(text):
    """As taskset writes them: 0,2-4."""
    found = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found += range(int(first), int(last or first) + 1)
    return found


class Resources(farm.FarmTest):
    def campaign(self, **stages):
        """Stages by name: how many tasks, what each needs, and how long it takes (s)."""
        self.write(
            "c.json",
            {
                "stages": [
                    {
                        "name": name,
                        "over": {"i": {"range": [tasks]}, "t": [seconds]},
                        "run": {"command": LOOK},
                        "results": COLUMNS,
                    }
                    | ({"resources": need} if need else {})
                    for name, (tasks, need, seconds) in stages.items()
                ]
            },
        )

    def texts(self, name, column):
        return [t.decode() for t in self.open("c.h5")[name]["results"][column][()]]

    def most_at_once(self, weights):
        """Of what stages' tasks weigh, how much was under way at once, by worker."""
        file, events = self.open("c.h5"), {}
        for name, weight in weights.items():
            task = file[name]["task"]
            self.assertTrue((task["status"][()] == farm.DONE).all())
            for worker, start, duration in zip(task["worker"][()], task["start"][()], task["duration"][()]):
                # a little less, since what is recorded includes what comes after the command's end
                events.setdefault(worker, []).extend([(start, weight), (start + 0.9 * duration, -weight)])
        return {w: max(np.cumsum([weight for _, weight in sorted(e)])) for w, e in events.items()}

    @farm.first
    def test_tasks_get_the_slots_that_they_need_and_no_more_at_once(self):
        for ranks in (None, 3):
            self.campaign(small=(20, {}, 0.05), pair=(8, {"slots": 2}, 0.1), all=(2, {"slots": 3}, 0.1))
            self.taskfarm("c.json", "--fresh", "--slots", 3, ranks=ranks)
            most = self.most_at_once({"small": 1, "pair": 2, "all": 3})
            self.assertTrue(all(m <= 3 for m in most.values()), most)
            self.assertEqual(max(most.values()), 3)
            for name, slots in (("small", 1), ("pair", 2), ("all", 3)):
                self.assertEqual(set(self.open("c.h5")[name]["results/slots"][()]), {slots})

    @unittest.skipIf(len(CORES) < 2, "this machine has one core")
    @farm.first
    def test_cores_are_a_tasks_own(self):
        count = len(CORES)
        self.campaign(one=(3 * count, {}, 0.05), all=(2, {"slots": count}, 0.02))
        self.taskfarm("c.json", "--slots", count)
        self.assertEqual({len(cpus_of(t)) for t in self.texts("one", "cpus")}, {1})
        self.assertEqual(sorted({cpus_of(t)[0] for t in self.texts("one", "cpus")}), CORES)
        self.assertEqual({tuple(cpus_of(t)) for t in self.texts("all", "cpus")}, {tuple(CORES)})
        self.taskfarm("c.json", "--fresh", "--slots", count, "--bind", "none")
        self.assertEqual({tuple(cpus_of(t)) for t in self.texts("one", "cpus")}, {tuple(CORES)})
        self.campaign(one=(3 * count, {}, 0.05))
        self.taskfarm("c.json", "--fresh", "--slots", count)  # no task needs several slots
        self.assertEqual({tuple(cpus_of(t)) for t in self.texts("one", "cpus")}, {tuple(CORES)})
        self.campaign(one=(3 * count, {}, 0.05), all=(2, {"slots": count}, 0.02))
        self.taskfarm("c.json", "--fresh", "--slots", count + 1)  # more slots than cores
        self.assertEqual({tuple(cpus_of(t)) for t in self.texts("one", "cpus")}, {tuple(CORES)})

    @unittest.skipIf(len(CORES) < 2, "this machine has one core")
    def test_ranks_on_one_node_share_its_cores(self):
        self.campaign(one=(20, {}, 0.05))
        unbound = {"OMPI_MCA_hwloc_base_binding_policy": "none"}
        self.taskfarm("c.json", "--bind", "cores", ranks=3, env=unbound)
        file = self.open("c.h5")
        self.assertEqual(file.attrs["slots"], 2)
        half = [len(CORES) // 2, len(CORES) - len(CORES) // 2]
        workers = file["one/task/worker"][()]
        found = [{t for t, w in zip(self.texts("one", "cpus"), workers) if w == rank} for rank in (1, 2)]
        self.assertEqual([len(f) for f in found], [1, 1])
        cpus = [cpus_of(f.pop()) for f in found]
        self.assertEqual([len(c) for c in cpus], half)
        self.assertEqual(sorted(cpus[0] + cpus[1]), CORES)

    def test_the_only_working_rank_of_a_node_has_all_its_cores_as_slots(self):
        self.campaign(one=(2, {}, 0))
        self.taskfarm("c.json", ranks=2, env={"OMPI_MCA_hwloc_base_binding_policy": "none"})
        self.assertEqual(self.open("c.h5").attrs["slots"], len(CORES))
        self.taskfarm("c.json", "--fresh", env={"HWLOC_SYNTHETIC": "package:1 core:5 pu:2"})
        self.assertEqual(self.open("c.h5").attrs["slots"], 5, "cores, not their threads")
        self.taskfarm("c.json", "--fresh", env={"HWLOC_SYNTHETIC": "core:8 pu:1", "SLURM_CPUS_ON_NODE": "3"})
        self.assertEqual(self.open("c.h5").attrs["slots"], 3, "what the job was given")

    def test_no_slot_has_a_host_that_no_task_needs(self):
        look = "s=/proc/$(cut -d' ' -f4 /proc/$PPID/stat); s=$s/task/$(basename $s)/children; until test $(wc -w <$s) -ge {least}; do sleep 0.01; done; wc -w <$s"
        for tasks, slots, hosts in ((1, 8, 1), (3, 8, 3), (5, 2, 2)):
            run = {"command": look.replace("{least}", str(hosts))}
            self.write("h.json", {"over": {"i": {"range": [tasks]}}, "run": run, "results": {"n": {"type": "int64", "from": "field:1"}}, "timeout": "60s"})
            self.taskfarm("h.json", "--fresh", "--slots", slots)
            self.assertEqual(max(self.open("h.h5")["h/results/n"]), hosts)

    def test_to_count_cores_no_device_is_looked_for(self):
        """hwloc's plugins load what drives screens; and no core is visited that something else may be at work on."""
        self.campaign(one=(2, {}, 0))
        said = self.taskfarm("c.json", env={"HWLOC_COMPONENTS_VERBOSE": "1", "HWLOC_PLUGINS_VERBOSE": "1"}).stderr
        self.assertRegex(said, r"hwloc: Final list of enabled discovery components: linux\(\w+\)(,no_os\(\w+\))?\n")
        self.assertNotIn("found `hwloc_", said)

    @farm.first
    def test_memory_is_counted(self):
        self.campaign(large=(8, {"memory": "400MB"}, 0.1), small=(8, {}, 0.05))
        self.taskfarm("c.json", "--slots", 4, env={"SLURM_MEM_PER_NODE": "1000"})
        self.assertEqual(list(self.most_at_once({"large": 1}).values()), [2])

    @farm.first
    def test_gpus_are_a_tasks_own(self):
        self.campaign(gpu=(12, {"gpus": 1}, 0.1), two=(3, {"gpus": 2}, 0.05), cpu=(12, {}, 0.05))
        self.taskfarm("c.json", "--slots", 4, env={"CUDA_VISIBLE_DEVICES": "5,GPU-ab"})
        self.assertEqual(list(self.most_at_once({"gpu": 1, "two": 2}).values()), [2])
        self.assertEqual(set(self.texts("gpu", "gpus")), {"5", "GPU-ab"})
        self.assertEqual(set(self.texts("two", "gpus")), {"5,GPU-ab"})
        self.assertEqual(set(self.texts("cpu", "gpus")), {"5,GPU-ab"}, "as the run was given them")
        self.assertEqual(set(self.texts("gpu", "rocm")), {"none"})
        file = self.open("c.h5")["gpu"]
        for gpu in ("5", "GPU-ab"):
            mine = np.array(self.texts("gpu", "gpus")) == gpu
            start = np.sort(file["task/start"][()][mine])
            end = start + 0.1
            self.assertTrue((start[1:] >= end[:-1]).all(), "one after the other")
        self.taskfarm("c.json", "--fresh", "--slots", 4, env={"ROCR_VISIBLE_DEVICES": "0,1"})
        self.assertEqual(set(self.texts("gpu", "rocm")), {"0", "1"})
        self.assertEqual(set(self.texts("gpu", "gpus")), {"none"})

    def test_gpus_are_divided_between_the_ranks_of_a_node(self):
        self.campaign(gpu=(12, {"gpus": 1}, 0.05))
        self.taskfarm("c.json", ranks=3, env={"CUDA_VISIBLE_DEVICES": "0,1"})
        workers = self.open("c.h5")["gpu/task/worker"][()]
        self.assertEqual(set(zip(workers, self.texts("gpu", "gpus"))), {(1, "0"), (2, "1")})

    def test_gpus_of_the_machine_are_found(self):
        devices = [("10de", "0302"), ("10de", "0300"), ("1002", "0380"), ("8086", "0300")]
        pci = "".join(
            f'<object type="PCIDev" gp_index="{20 + i}" pci_busid="0000:0{i + 1}:00.0" '
            f'pci_type="{kind} [{vendor}:1db4] [0000:0000] a1" pci_link_speed="0.0"/>'
            for i, (vendor, kind) in enumerate(devices)
        )
        unit = '<object type="PU" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="3"/>'
        sets = 'cpuset="0x1" complete_cpuset="0x1" allowed_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" allowed_nodeset="0x1"'
        node = '<object type="NUMANode" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="4" local_memory="1000000"/>'
        self.write(
            "machine.xml",
            '<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE topology SYSTEM "hwloc2.dtd"><topology version="2.0">'
            f'<object type="Machine" os_index="0" {sets} gp_index="1">{node}'
            f'<object type="Core" os_index="0" cpuset="0x1" complete_cpuset="0x1" nodeset="0x1" complete_nodeset="0x1" gp_index="2">{unit}</object>'
            '<object type="Bridge" gp_index="10" bridge_type="0-1" depth="0" bridge_pci="0000:[00-08]">'
            f"{pci}</object></object></topology>",
        )
        self.campaign(gpu=(6, {"gpus": 1}, 0.05))
        self.taskfarm("c.json", "--slots", 4, env={"HWLOC_XMLFILE": str(self.folder / "machine.xml")})
        self.assertEqual(set(self.texts("gpu", "gpus")), {"0", "1"})
        self.assertEqual(list(self.most_at_once({"gpu": 1}).values()), [2])

    def test_processes_that_hold_on_to_gpus_keep_them_or_go(self):
        self.write("work.py", SERVICE)
        stage = {
            "run": {"service": ["/usr/bin/python3", "work.py"]},
            "results": {"gpus": "string", "pid": "int32"},
            "over": {"i": {"range": [12]}, "t": [0.03]},
        }
        one = stage | {"name": "one", "resources": {"gpus": 1}}
        two = stage | {"name": "two", "resources": {"gpus": 2}}
        self.write("c.json", {"stages": [one, two]})
        self.taskfarm("c.json", "--slots", 3, env={"CUDA_VISIBLE_DEVICES": "0,1,2"})
        for name, count in (("one", 1), ("two", 2)):
            self.assertEqual({len(g.split(",")) for g in self.texts(name, "gpus")}, {count})
            pids = self.open("c.h5")[name]["results/pid"][()]
            self.assertEqual(len(set(zip(pids, self.texts(name, "gpus")))), len(set(pids)))

    def refused(self, message, *arguments, ranks=None, env=None):
        done = self.taskfarm("c.json", *arguments, ranks=ranks, status=3, env=env)
        self.assertIn(f"taskfarm: stage big: a task needs {message}\n", done.stderr)
        self.assertEqual(list(self.open("c.h5")), [])

    @farm.first
    def test_what_no_rank_has_is_told_before_anything_runs(self):
        self.campaign(big=(3, {"slots": 4}, 0))
        lacking = "4 slots, and no rank has as much (at most {}); give ranks more with --slots, or mpirun --bind-to none"
        self.refused(lacking.format("2 slots"), "--slots", 2)
        self.refused(lacking.format("1 slot"), "--slots", 1, ranks=3)
        self.campaign(big=(3, {"gpus": 2}, 0))
        lacking = "1 slot, 2 GPUs, and no rank has as much (at most 2 slots, {}); start fewer ranks on a node, or use other nodes"
        self.refused(lacking.format("0 GPUs"), "--slots", 2, env={"CUDA_VISIBLE_DEVICES": ""})
        self.refused(lacking.format("1 GPU"), "--slots", 2, ranks=3, env={"CUDA_VISIBLE_DEVICES": "0,1"})
        names = ",".join(f"GPU-{n:050}" for n in range(40))
        self.campaign(big=(3, {"gpus": 40}, 0))
        done = self.taskfarm("c.json", "--slots", 1, status=3, env={"CUDA_VISIBLE_DEVICES": names})
        self.assertIn(f"taskfarm: the names of a task's GPUs are too long: {names[:900]}", done.stderr)
        (self.folder / "c.h5").unlink()
        self.campaign(big=(3, {"memory": "2GB"}, 0))
        lacking = "1 slot, 2 GB of memory, and no rank has as much (at most 2 slots, 1000 MB of memory); start fewer ranks on a node, or use other nodes"
        self.refused(lacking, "--slots", 2, env={"SLURM_MEM_PER_NODE": "1000"})

    @farm.first
    def test_it_is_told_before_an_old_output_is_set_aside(self):
        self.campaign(big=(3, {"slots": 2}, 0))
        self.taskfarm("c.json", "--slots", 2)
        before, names = farm.digest(self.folder / "c.h5"), self.files()
        for arguments in (["--slots", 1], ["--slots", 1, "--json"]):
            done = self.taskfarm("c.json", "--fresh", *arguments, status=3)
            self.assertIn("stage big: a task needs 2 slots, and no rank has as much (at most 1 slot)", done.stdout + done.stderr)
            self.assertEqual((farm.digest(self.folder / "c.h5"), self.files()), (before, names))
        self.taskfarm("c.json", "--fresh", "--slots", 2)
        self.assertTrue((self.folder / "c.h5.1").exists())

    def test_what_is_done_needs_nothing(self):
        self.campaign(gpu=(2, {"gpus": 1}, 0), cpu=(2, {}, 0))
        self.taskfarm("c.json", "gpu", env={"CUDA_VISIBLE_DEVICES": "0"})
        self.taskfarm("c.json", env={"CUDA_VISIBLE_DEVICES": ""})
        self.assertEqual(self.open("c.h5")["cpu/task/status"][()].tolist(), [farm.DONE] * 2)


class Threads(farm.FarmTest):
    """Libraries start as many threads as a task has slots, where nobody has said otherwise."""

    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS", "MPLBACKEND"]

    def told(self, run, slots, **env):
        """What the variables are in a task of so many slots."""
        for name in self.names:
            os.environ.pop(name, None)
        self.write("c.json", {"run": run, "results": {"said": "string"}, "resources": {"slots": slots}})
        self.taskfarm("c.json", "--fresh", "--slots", 3, env=env)
        return self.open("c.h5")["c/results/said"].asstr()[0].split()

    def command_line(self):
        words = " ".join(f"${{{name}}}" for name in self.names)
        self.write("tell.sh", f"""echo "{{\\"said\\": \\"{words}\\"}}"\n""")
        return {"command": ["sh", "tell.sh"]}

    def test_there_are_as_many_as_slots(self):
        for slots in (1, 3):
            self.assertEqual(self.told(self.command_line(), slots), 6 * [str(slots)] + ["Agg"])

    def test_what_the_user_says_stands(self):
        run = self.command_line() | {"env": {"MKL_NUM_THREADS": "5", "MPLBACKEND": "pdf"}}
        self.assertEqual(self.told(run, 2, OMP_NUM_THREADS="7", RAYON_NUM_THREADS="8"), ["7", "2", "5", "2", "2", "8", "pdf"])

    def test_services_have_them(self):
        self.write("work.py", f"import os\nfrom taskfarm import serve\nserve(lambda: {{'said': ' '.join(os.environ[name] for name in {self.names})}})\n")
        self.assertEqual(self.told({"service": ["/usr/bin/python3", "work.py"]}, 2), 6 * ["2"] + ["Agg"])


class Descriptors(farm.FarmTest):
    """A slot takes the rank three; 40 are for all else."""

    def run_within(self, soft, hard, *arguments, ranks=None, status=0):
        command = self.command("e.json", *arguments, ranks=ranks)
        at = command.index(farm.TASKFARM)
        command[at:at] = ["prlimit", f"--nofile={soft}:{hard}"]
        self.last = farm.line_of(command, self.folder)
        done = subprocess.run(
            command, cwd=self.folder, env=farm.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.limit
        )
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def test_a_rank_has_as_many_as_the_hard_limit_allows_and_its_tasks_what_the_user_has(self):
        columns = {"soft": {"type": "int64", "from": "regex:^([0-9]+)$"}}
        self.write("e.json", {"over": {"i": {"range": [40]}}, "run": {"command": "ulimit -Sn"}, "results": columns})
        for ranks in (None, 2):
            with self.subTest(ranks=ranks):
                self.run_within(80, 100, "--slots", "20", "--fresh", ranks=ranks)
                np.testing.assert_array_equal(self.open("e.h5")["e/results/soft"], 80)

    def test_more_slots_than_fit_are_refused_with_how_many_do(self):
        self.write("e.json", {"over": {"i": {"range": [40]}}, "run": {"command": "true"}})
        for hard, slots, needs, fits in ((102, 21, 103, "20 slots"), (45, 2, 46, "1 slot")):
            told = (
                f"taskfarm: {slots} slots need {needs} open files, of which the system allows {hard}: that is enough for {fits}; raise the hard limit "
                "(ulimit -Hn), or ask for fewer slots (--slots)\n"
            )
            for ranks in (None, 2):
                with self.subTest(ranks=ranks, slots=slots):
                    done = self.run_within(hard, hard, "--slots", str(slots), ranks=ranks, status=3)
                    self.assertEqual(done.stderr.count(told), 1, done.stderr)

    def test_one_slot_runs_with_as_few_as_mpi_needs(self):
        self.write("e.json", {"over": {"i": {"range": [4]}}, "run": {"command": "true"}})
        self.run_within(36, 36, "--slots", "1")


if __name__ == "__main__":
    farm.main()
