"""A process that no launcher has started runs a campaign without MPI. What comes out is the same as with MPI, and the one goes
on where the other was killed."""

import json
import os
import subprocess

import farm
import h5py
import numpy

REFUSED = {"LD_PRELOAD": f"{farm.BUILD}/tests/librefuse_mpi.so"}

MANIFEST = {
    "name": "w",
    "seed": 3,
    "stages": [
        {
            "name": "rows",
            "over": {"i": {"range": [3000]}, "s": ["a", "béta"]},
            "run": {"function": "builtin:random"},
            "results": {"x": {"type": "float64", "shape": [3]}, "n": "int32", "word": "string", "raw": "bytes"},
            "reduce": {"all": {"columns": {"n": ["mean", "std", "median"]}}, "each": {"by": "s", "columns": {"n": ["sum", "max"]}}},
        },
        {
            "name": "commands",
            "over": {"row": {"from": "rows", "columns": ["i", "n"], "where": "i < 10"}},
            "run": {"command": "echo {n}; echo aside >&2; test {n} -gt 40 || exit 1; echo '{{\"y\": '{n}'}}'"},
            "results": {"y": "int64"},
        },
        {
            "name": "blocks",
            "over": {"cube": {"blocks": {"shape": [30, 20], "chunk": [8, 7]}}},
            "run": {"function": "builtin:random"},
            "results": {"image": {"type": "float32", "array": "cube"}},
        },
    ],
}


def layout(path):
    """What a reader sees of how the file is made."""
    found = {}

    def add(name, item):
        found[name] = [type(item).__name__, *sorted((key, str(item.attrs.get_id(key).dtype)) for key in item.attrs)]
        if isinstance(item, h5py.Dataset):
            how = item.id.get_create_plist()
            filled = how.get_fill_time()
            chunk = how.get_chunk() if how.get_layout() == h5py.h5d.CHUNKED else None
            found[name] += [item.dtype.str, item.shape, item.maxshape, how.get_layout(), chunk, how.get_alloc_time(), filled, item.id.get_storage_size()]

    with h5py.File(path) as file:
        file.visititems(add)
        found["/"] = sorted(file.attrs), file.id.get_create_plist().get_version()
    return found


class WithoutMpi(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("w.json", MANIFEST)

    def run_and_look(self, *arguments, ranks=None):
        """All that the file holds, but for what is of the run itself."""
        self.taskfarm("w.json", "--fresh", *arguments, ranks=ranks, status=1)
        of_runs = ("worker", "slot", "start", "duration", "cpu", "max_rss")
        values = {k: v for k, v in farm.datasets(self.folder / "w.h5").items() if k.split("/")[-1] not in of_runs}
        return layout(self.folder / "w.h5"), values

    @farm.first
    def test_the_file_is_the_same(self):
        alone = self.run_and_look()
        for arguments, ranks in ((["--mpi", "yes"], None), ([], 1), ([], 3)):
            with self.subTest(arguments=arguments, ranks=ranks):
                other = self.run_and_look(*arguments, ranks=ranks)
                self.assertEqual(other[0], alone[0])
                self.assertEqual(other[1], alone[1])

    @farm.first
    def test_it_is_not_started(self):
        for options, variables in (
            ([], {}),
            ([], {"SLURM_PROCID": "0", "SLURM_NTASKS": "4"}),
            (["--mpi", "no"], {"PMI_RANK": "0", "PMI_SIZE": "1"}),
        ):
            with self.subTest(options=options, variables=variables):
                self.taskfarm("w.json", *options, status=1, env=REFUSED | variables)
        with self.open("w.h5") as file:
            self.assertEqual([run["ranks"] for run in json.loads(file.attrs["runs"]) if "mpi" not in run], [1] * 3)

    def test_a_launcher_has_it_started(self):
        for options, variables in (
            ([], {"OMPI_COMM_WORLD_SIZE": "1"}),
            ([], {"PMIX_RANK": "0"}),
            ([], {"PMI_RANK": "0"}),
            ([], {"PMI_FD": "3"}),
            ([], {"SLURM_PROCID": "0", "SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "2"}),
            (["--mpi", "yes"], {}),
        ):
            with self.subTest(options=options, variables=variables):
                done = self.taskfarm("w.json", "--fresh", *options, status=99, env=REFUSED | variables)
                self.assertTrue(done.stderr.endswith("MPI_Init was called\n"), done.stderr)

    @farm.first
    def test_not_for_each_of_several_ranks(self):
        done = self.taskfarm("w.json", "--mpi", "no", ranks=3, status=2)
        refused = "taskfarm: --mpi no: a launcher has started this 3 times, and each would run all tasks: start it once, or leave --mpi no out\n"
        self.assertEqual(done.stderr.count("taskfarm: "), 1, done.stderr)
        self.assertIn(refused, done.stderr)
        done = self.taskfarm("w.json", "--mpi", "no", status=2, env={"PMIX_RANK": "0"})
        unknown = "taskfarm: --mpi no: a launcher has started this, and does not say how many times: leave --mpi no out, or start it without the launcher\n"
        self.assertEqual(done.stderr, unknown)
        self.assertEqual(os.listdir(self.folder), ["w.json"])

    def test_the_one_goes_on_where_the_other_was_killed(self):
        self.taskfarm("w.json", "--output", "whole.h5", status=1)
        whole = farm.digest(self.folder / "whole.h5")
        points = ["rows.data:3", "change.flushed:2", "texts.made:1", "change.begun:5", "close.closed:1"]
        for start in (0, 1) if farm.SOAK or not farm.SANITIZED else (0,):
            with self.subTest(start=start):
                for turn, point in enumerate(points):
                    ranks = (None, 3)[(start + turn) % 2]
                    self.start("w.json", *(["--fresh"] if turn == 0 else []), ranks=ranks, env={"TASKFARM_CRASH": point}).wait(self.limit)
                self.taskfarm("w.json", ranks=(None, 3)[(start + len(points)) % 2], status=1)
                self.assertEqual(farm.digest(self.folder / "w.h5"), whole)

    @farm.first
    def test_each_row_is_in_the_file_when_it_is_done(self):
        """HDF5 keeps none of it to itself, of a chunk neither: what others read while the run goes on is what is there after kill -9."""
        over = {"cube": {"blocks": {"shape": [6, 4], "chunk": [1, 4]}}}
        results = {"image": {"type": "float64", "array": "cube"}, "n": {"type": "int64", "from": "field:1"}}
        command = "test {index} -lt 4 || exec sleep 600; echo {index}; printf '%s' 7 >{scratch}/x"
        self.write("c.json", {"over": {"i": {"range": [6]}}, "run": {"command": command}, "results": {"n": results["n"]}})
        self.write("b.json", {"over": over, "run": {"service": ["/usr/bin/python3", "serve.py"]}, "results": {"image": results["image"]}})
        serve = (
            "import json, sys, time\n"
            "for line in sys.stdin:\n"
            "    task = json.loads(line)\n"
            "    if task['index'] == 4: time.sleep(600)\n"
            "    print(json.dumps({'index': task['index'], 'results': {'image': [[task['index'] + 1.5] * 4]}}), flush=True)\n"
        )
        self.write("serve.py", serve)
        for name in ("b", "c"):
            with self.subTest(name=name):
                run = self.start(f"{name}.json", "--slots", 1)
                self.wait_for(lambda output=f"{name}.h5": self.count_done(output) == 4, "four rows are not done")
                farm.kill_all(run)
                with h5py.File(self.folder / f"{name}.h5") as file:
                    stage = file[name]
                    self.assertEqual(list(stage["task/status"][()]), [farm.DONE] * 4 + [0] * 2)
                    if name == "b":
                        self.assertTrue(numpy.array_equal(stage["results/image"][:4], numpy.arange(4)[:, None] + numpy.full((4, 4), 1.5)))
                    else:
                        self.assertEqual(list(stage["results/n"][:4]), [0, 1, 2, 3])


class FullDisk(farm.FarmTest):
    def test_the_reason_is_the_system_s(self):
        """Wherever the room ends: never HDF5's numbers of bytes and descriptors."""
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], capture_output=True).returncode != 0:
            self.skipTest("mounting a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", "-l", small], capture_output=True)
        columns = {f"c{k}": "i" for k in range(8)}
        self.write("e.json", {"stages": [{"name": f"s{n}", "over": {"i": {"range": [50]}}, "run": {"expr": columns}} for n in range(3)]})
        for left in range(8, 140, 12):  # KB
            with self.subTest(left=left):
                (small / "fill").write_bytes(bytes((3072 - left) << 10))
                done = self.taskfarm("e.json", "--output", small / "e.h5", "--patience", 0.01, status=None)
                self.assertIn(done.returncode, (3, 75))  # a stage that does not fit; a disk that may have room again
                self.assertRegex(done.stderr, r"No space left on device( \(the disk is full\))?\n$")
                self.assertNotIn("error message", done.stderr)
                subprocess.run(["rm", "-rf", *small.iterdir()], check=True)


if __name__ == "__main__":
    farm.main()
