"""Shared file systems: hints, inputs that are staged in, and libraries that are read once for all nodes. A second node is this
machine once more."""

import collections
import os
import re
import shutil
import signal
import subprocess
import unittest

import farm

ROWS = 40000


class Hints(farm.FarmTest):
    def campaign(self, hints):
        manifest = {"over": {"i": {"range": [ROWS]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}}
        self.write("c.json", manifest | ({"hints": hints} if hints else {}))

    @farm.first
    def test_mpi_io_gets_them(self):
        self.campaign({"cb_nodes": 3, "romio_ds_write": "disable", "romio_no_indep_rw": False, "my_own": "x y", "striping_unit": "1MB"})
        library = farm.BUILD / "tests/libtell_hints.so"
        env = farm.environment(LD_PRELOAD=str(library), TELL_HINTS=str(self.folder / "told"))
        subprocess.run(self.command("c.json", ranks=2), cwd=self.folder, env=env, check=True, capture_output=True, timeout=self.limit)
        told = collections.Counter((self.folder / "told").read_text().splitlines())
        wanted = ["cb_nodes=3", "romio_ds_write=disable", "romio_no_indep_rw=false", "my_own=x y", "striping_unit=1048576"]
        self.assertEqual(told, {line: 2 for line in wanted}, "by each rank")

    def test_large_datasets_begin_with_a_stripe(self):
        digests = {}
        for unit in ("64KB", "256KB", None):
            self.campaign({"striping_unit": unit, "striping_factor": 4} if unit else None)
            self.taskfarm("c.json", "--fresh", ranks=2)
            with self.open("c.h5") as file:
                large = [file["c/params/i"], file["c/results/x"]]
                for dataset in large:
                    if unit:
                        self.assertEqual(dataset.id.get_offset() % (int(unit[:-2]) << 10), 0, unit)
            digests[unit] = farm.digest(self.folder / "c.h5")
        self.assertEqual(digests["64KB"], digests[None])
        self.assertEqual(digests["256KB"], digests[None])

    def test_a_finished_campaign_stays_finished(self):
        """They say how the file is written, not what is in it."""
        self.campaign(None)
        self.taskfarm("c.json")
        self.campaign({"striping_unit": "1MB", "cb_nodes": 2})
        self.assertIn("40 000 of 40 000 tasks are done", self.taskfarm("c.json").stderr)

    @farm.first
    def test_wrong_ones(self):
        for hints, told in (
            ({"stripping_factor": 4}, '/hints/stripping_factor: unknown hint "stripping_factor"; did you mean "striping_factor"?'),
            ({"striping_factor": 0}, "/hints/striping_factor: must be a number of stripes, or -1 for as many as there can be"),
            ({"striping_unit": "1000"}, '/hints/striping_unit: must be a multiple of 64KB below 4GB, as in "4MB"'),
            ({"a": 1.5}, "/hints/a: must be an integer, true, false, or a string of at most 255 characters"),
            ({"a" * 36: 1}, f"/hints/{'a' * 36}: the name of a hint has 1 to 35 characters"),
            ([], "/hints: must be an object, not a list"),
        ):
            self.campaign(hints or None)
            if not hints:
                self.write("c.json", {"run": {"expr": {"y": "1"}}, "hints": hints})
            self.assertIn(told, self.taskfarm("check", "c.json", status=2).stderr)


class StageIn(farm.FarmTest):
    """An input's copy is told by its path."""

    def setUp(self):
        super().setUp()
        self.local = self.folder / "local"
        self.local.mkdir()
        self.env = {"TMPDIR": str(self.local), "OMPI_MCA_orte_tmpdir_base": "/tmp"}  # Open MPI's own
        self.write("data/cat.txt", "stars\n" * 1000)
        self.write("data/own.txt", "own\n")

    def campaign(self, command, tasks=60, **more):
        inputs = {"cat": {"path": "data/cat.txt", "stage_in": True}, "own": "data/own.txt"}
        results = {"path": {"type": "string", "from": "field:1"}, "lines": {"type": "int64", "from": "field:2"}}
        self.write("c.json", {"over": {"i": {"range": [tasks]}}, "inputs": inputs, "run": {"command": command}, "results": results} | more)

    COMMAND = "echo {inputs.cat} $(wc -l <{inputs.cat})"

    def copies(self):
        return sorted(p for p in self.local.rglob("*") if p.name == "cat.txt")

    def paths(self):
        return set(self.open("c.h5")["c/results/path"][()])

    @farm.first
    def test_one_copy_a_node(self):
        """For all ranks and slots; a rank that ends leaves it to the others, the last one takes it away."""
        self.campaign(self.COMMAND + "; test {inputs.own} = data/own.txt")
        self.taskfarm("c.json", "--slots", 2, ranks=3, env=self.env)
        stage = self.open("c.h5")["c"]
        self.assertEqual(len(set(stage["task/worker"][()])), 2)
        self.assertEqual(set(stage["results/lines"][()]), {1000})
        (path,) = self.paths()
        self.assertRegex(path.decode(), rf"^{self.local}/taskfarm-inputs-{os.geteuid()}-[0-9a-f]{{16}}/[0-9a-f]{{16}}/cat\.txt$")
        self.assertEqual(list(self.local.iterdir()), [])
        self.assertIn("echo data/cat.txt", self.taskfarm("show", "c.h5", "c", 0).stdout)

    def test_functions_and_services(self):
        service = "import sys\nsys.path.insert(0, sys.argv[1])\nfrom taskfarm import serve\nserve(lambda task: {'path': task.inputs['cat'][0]})\n"
        self.write("serve.py", service)
        python = str(farm.SOURCE / "src/python")
        self.write("data/empty.txt", "")  # the function complains, and so tells its path
        inputs = {"cat": {"path": "data/cat.txt", "stage_in": True}}
        empty = {"cat": {"path": "data/empty.txt", "stage_in": True}}
        plugin = str(farm.BUILD / "tests/libtest_plugin.so")
        stages = [
            {"name": "s", "inputs": inputs, "run": {"service": ["/usr/bin/python3", "serve.py", python]}, "results": {"path": "string"}},
            {"name": "f", "inputs": empty, "outputs": {"all": "joined.txt"}, "run": {"function": f"{plugin}:join"}},
        ]
        self.write("c.json", {"stages": stages})
        done = self.taskfarm("c.json", status=1, env=self.env)
        self.assertRegex(done.stderr, rf"f\[0\]: can't read {self.local}/\S+/empty\.txt\n")
        self.assertRegex(self.open("c.h5")["s/results/path"][0].decode(), rf"^{self.local}/\S+/cat\.txt$")

    def test_a_changed_input_is_another(self):
        """Also where the time tells it alone; and a copy can't be written to."""
        self.campaign("test ! -w {inputs.cat} -o $(id -u) = 0 && echo {inputs.cat} $(wc -l <{inputs.cat})", tasks=1)
        self.taskfarm("c.json", env=self.env)
        before = self.paths()
        os.utime(self.folder / "data/cat.txt", (1, 1))
        self.taskfarm("c.json", "--fresh", env=self.env)
        self.assertFalse(before & self.paths())

    def test_what_a_killed_run_leaves_is_taken_up(self):
        self.campaign(f"touch started; {self.COMMAND}; test ! -e wait || sleep 100", tasks=4)
        self.write("wait", "")
        run = self.start("c.json", env=self.env)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: (self.folder / "started").exists(), "no task begins")
        farm.kill_all(run)
        (copy,) = self.copies()
        number = copy.stat().st_ino
        (self.folder / "wait").unlink()
        self.campaign(self.COMMAND + "; stat -c %i {inputs.cat} >number; test ! -e wait || sleep 100", tasks=4)
        self.taskfarm("c.json", "--fresh", env=self.env)
        self.assertEqual(int((self.folder / "number").read_text()), number)
        self.assertEqual(list(self.local.iterdir()), [])

    def test_no_place_for_it(self):
        self.campaign(self.COMMAND)
        done = self.taskfarm("c.json", "--slots", 1, env=self.env | {"TMPDIR": str(self.folder / "nowhere")})
        self.assertRegex(done.stderr, r"taskfarm: \S+/nowhere/taskfarm-inputs-\S+: No such file or directory; inputs are read where they are\n")
        self.assertEqual(self.paths(), {b"data/cat.txt"})
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", self.local], capture_output=True)
        if mounted.returncode != 0:
            return
        self.addCleanup(subprocess.run, ["umount", self.local])
        self.write("data/cat.txt", "stars\n" * 100000)
        done = self.taskfarm("c.json", "--slots", 1, "--fresh", env=self.env)
        said = r"taskfarm: rank 0, slot 0: data/cat.txt can't be copied to \S+: No space left on device; it is read where it is\n"
        self.assertEqual(len(re.findall(said, done.stderr)), 1, done.stderr)
        self.assertEqual((self.paths(), list(self.local.iterdir())), ({b"data/cat.txt"}, []))

    def test_a_folder(self):
        self.campaign(self.COMMAND, tasks=1)
        (self.folder / "data/cat.txt").unlink()
        (self.folder / "data/cat.txt").mkdir()
        self.taskfarm("c.json", status=1, env=self.env)
        self.assertIn('input data/cat.txt is a folder, and "stage_in" copies only files', self.taskfarm("show", "c.h5", "c", 0).stdout)

    def test_somebody_elses_folder(self):
        """Who can write there could put something else in place of a copy."""
        self.campaign(self.COMMAND, tasks=1)
        self.taskfarm("c.json", env=self.env)
        (path,) = self.paths()
        root = self.folder / path.decode().rsplit("/", 2)[0]
        root.mkdir()
        root.chmod(0o777)
        done = self.taskfarm("c.json", "--fresh", env=self.env)
        self.assertIn(f"taskfarm: {root}: Operation not permitted; inputs are read where they are\n", done.stderr)
        self.assertEqual(self.paths(), {b"data/cat.txt"})

    def test_told_to_stop_while_it_copies(self):
        """A file that never ends: the task is left, and nothing of it stays."""
        self.campaign(self.COMMAND, tasks=2)
        with open(self.folder / "data/cat.txt", "wb") as file:
            file.truncate(1 << 42)
        run = self.start("c.json", "--slots", 2, env=self.env)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: list(self.local.rglob("*.part")), "nothing is copied")
        run.send_signal(signal.SIGUSR1)
        self.wait_for(lambda: "stopping" in (self.folder / "stderr").read_text(), "the signal is not taken")
        run.send_signal(signal.SIGUSR1)
        self.assertEqual(run.wait(60), 75, (self.folder / "stderr").read_text())
        self.assertEqual(list(self.local.iterdir()), [])


class Libraries(farm.FarmTest):
    """Who opens what, by rank."""

    def setUp(self):
        super().setUp()
        shutil.copy(farm.BUILD / "tests/libtest_plugin.so", self.folder)
        self.write("points.csv", "k\n" + "0.5\n" * 100)
        over = [{"csv": "points.csv"}, {"name": "i", "range": [4]}]
        stages = [{"name": "draws", "over": over, "run": {"function": "./libtest_plugin.so:draw"}, "results": {"x": "float64"}}]
        self.write("c.json", {"stages": stages})

    def launcher(self, nodes):
        """mpirun for three ranks, on so many nodes."""
        ranks = [farm.MPIRUN, "-n", "3"]
        if nodes == 1:
            return ranks, {}
        if farm.MPICH:
            return ranks, {"MPIR_CVAR_NUM_CLIQUES": "2"}
        # The nodes' daemons would make the same folders in the same place at once.
        shell = self.write("shell", f'#!/bin/bash\nexport TMPDIR={self.folder}/$1\nmkdir -p $TMPDIR\nshift\nexec /bin/bash -c "$*"\n')
        shell.chmod(0o755)
        return [*ranks, "--host", "n1:1,n2:2", "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", str(shell)], {}

    def opened(self, nodes):
        """By how many processes' families, those of a rank, each file was opened."""
        launcher, more = self.launcher(nodes)
        trace = self.write("trace", '#!/bin/bash\nexec strace -f -qq -e trace=openat,open -o calls.${OMPI_COMM_WORLD_RANK:-$PMI_RANK} "$@"\n')
        trace.chmod(0o755)
        done = subprocess.run(
            [*launcher, str(trace), farm.TASKFARM, "c.json", "--fresh"], cwd=self.folder, env=farm.environment(**more), capture_output=True, text=True, timeout=self.limit
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        opened = {}
        for rank in range(3):
            calls = (self.folder / f"calls.{rank}").read_text(errors="replace")
            for name in ("libtest_plugin.so", "points.csv"):
                if re.search(rf'open(at)?\([^"]*"[^"]*{name}"', calls):
                    opened.setdefault(name, set()).add(rank)
        return opened

    @farm.first
    def test_read_once_for_all_nodes(self):
        self.assertEqual(self.opened(2), {"libtest_plugin.so": {0}, "points.csv": {0}})
        several = farm.digest(self.folder / "c.h5")
        self.assertEqual(self.opened(1), {"libtest_plugin.so": {0, 1, 2}, "points.csv": {0}})
        self.assertEqual(several, farm.digest(self.folder / "c.h5"))

    def test_one_that_looks_beside_itself_has_a_path(self):
        with open(self.folder / "libtest_plugin.so", "ab") as library:
            library.write(b"$ORIGIN")
        self.assertEqual(self.opened(2)["libtest_plugin.so"], {0, 1, 2})


if __name__ == "__main__":
    farm.main()
