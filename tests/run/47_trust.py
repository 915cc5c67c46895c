"""What tasks can do to the process that they run in, and to the memory that it shares with its rank: it costs nobody else."""

import subprocess

import farm

APART = "not at all"


class SharedMemory(farm.FarmTest):
    """A function that goes on writing over what its host and the rank share, as a stray pointer would."""

    ways = "header", "negative", "far", "stage", "first", "texts", "times", "rows", "cut", "message"
    tasks, vandal = 12, 5

    def stage(self, way):
        values = [APART] * self.tasks
        values[self.vandal] = way
        return {
            "name": way,
            "over": {"how": values},
            "run": {"function": f"{farm.BUILD}/tests/libvandal.so:vandal"},
            "results": {"y": "int64", "s": "string"},
            "record": "full" if way in ("times", "rows", "header") else "status",
        }

    @farm.first
    def test_it_costs_its_own_task_at_most(self):
        for ranks, slots in (None, 2), (3, 1):
            self.write("v.json", {"stages": [self.stage(way) for way in self.ways]})
            command = self.command("v.json", "--fresh", "--slots", str(slots), ranks=ranks)
            done = subprocess.run(command, cwd=self.folder, env=farm.environment(), capture_output=True, text=True, timeout=self.limit)
            self.assertIn(done.returncode, (0, 1), done.stderr)
            with self.open("v.h5") as file:
                for way in self.ways:
                    self.check_stage(file[way], way)

    def messages(self, stage):
        return self.heap(stage, "message") if "message" in stage["text"] else []

    def check_stage(self, stage, way):
        others = [i for i in range(self.tasks) if i != self.vandal]
        status = stage["task/status"][()]
        self.assertEqual(set(status[others]), {farm.DONE}, f"{way}: {status} {self.messages(stage)}")
        self.assertIn(status[self.vandal], (farm.DONE, farm.FAILED), way)
        if way != "rows":  # results of a neighbour may be written over before the rank has them
            self.assertEqual(stage["results/y"][()][others].tolist(), others, way)


class Surroundings(farm.FarmTest):
    """Functions that change their process for the tasks after them: floats, and what is compared after each batch."""

    changes = {
        "floats": None,
        "folder": "the working folder",
        "umask": "the umask",
        "signals": "the blocked signals",
        "locale": "the locale",
        "limits": "limits",
        "variables": "environment variables",
    }

    def stage(self, what, name=None, function="meddle"):
        return {
            "name": name or what,
            "over": {"i": {"range": [24]}, "what": [what]},
            "run": {"function": f"{farm.BUILD}/tests/libmeddler.so:{function}"},
            "results": {"found": "string"},
        }

    @farm.first
    def test_no_task_finds_what_another_has_left(self):
        stages = [*map(self.stage, self.changes), self.stage("folder", "batches", "meddles")]
        self.write("meddler.json", {"stages": stages, "output": "m.h5"})
        results = []
        for slots in 1, 3:
            done = self.taskfarm("meddler.json", "--fresh", "--slots", str(slots))
            results.append(farm.digest(self.folder / "m.h5"))
            with self.open("m.h5") as file:
                found = {stage["name"]: set(file[stage["name"]]["results/found"][()]) for stage in stages}
            clean = found["floats"]
            self.assertEqual(len(clean), 1, clean)
            self.assertEqual(found, dict.fromkeys(found, clean))
            for name, what in {**self.changes, "batches": "the working folder"}.items():
                function = "meddles" if name == "batches" else "meddle"
                said = f'stage "{name}": {function} changes {what} of its process; its tasks run one by one, in processes of their own: let it put back what it changes'
                self.assertEqual(done.stderr.count(said), 0 if what is None else 1, done.stderr)
        self.assertEqual(results[0], results[1])

    @farm.first
    def test_a_child_that_comes_back_from_a_function_does_no_work_of_its_parent(self):
        """It ends at once, with status 1, which its parent waits for."""
        for function in "forks", "forks_first", "forks_together":
            with self.subTest(function=function):
                stage = {
                    "name": function,
                    "over": {"i": {"range": [6]}},
                    "run": {"function": f"{farm.BUILD}/tests/libmeddler.so:{function}"},
                    "results": {"x": "float64"},
                    "timeout": "5s",
                }
                self.write("f.json", {"stages": [stage], "output": "f.h5"})
                done = self.taskfarm("f.json", "--fresh", "--slots", 1)
                with self.open("f.h5") as file:
                    self.assertEqual(list(file[f"{function}/results/x"]), [i + 1 for i in range(6)])
                said = f'stage "{function}": {function} has forked, and its child returned from the function: the child has been ended; a child must end with _exit()'
                self.assertIn(said, done.stderr)


if __name__ == "__main__":
    farm.main()
