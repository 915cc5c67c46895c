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


if __name__ == "__main__":
    farm.main()
