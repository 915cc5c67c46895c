"""A function that uses all that differs from process to process, from run to run: global generators, the hash of a
string, the order of a set. The same file whoever runs it, cold and warm, after kill -9."""

import json

import farm

TEXT = """
import os, random, time
import numpy as np

at_import = [random.random(), np.random.normal()]

class Fruit(str):
    pass

def work(x, rng, task):
    words = {{str(n) for n in range(20)}} | {{Fruit("apple"), Fruit("pear")}}
    {pause}
    return {{
        "a": [np.random.normal(), random.random(), random.gauss(0, 1), np.random.choice(100), np.random.standard_normal(3).sum()],
        "h": [hash("a"), hash((x, "b")), hash(b"c")],
        "s": ",".join(words),
        "r": rng.normal(size=3),
        "i": at_import + [random.Random(task.seed).random()],
        "t": task.seed,
    }}
"""
RESULTS = {
    "a": {"type": "float64", "shape": [5]},
    "h": {"type": "int64", "shape": [3]},
    "s": "string",
    "r": {"type": "float64", "shape": [3]},
    "i": {"type": "float64", "shape": [3]},
    "t": "uint64",
}


class SameBits(farm.FarmTest):
    def write_campaign(self, tasks, pause="", output="m.h5", **run):
        self.write("work.py", TEXT.format(pause=pause))
        manifest = {
            "seed": 5,
            "over": {"x": {"range": [tasks]}},
            "run": {"python": "work.py:work", "interpreter": "/usr/bin/python3", **run},
            "results": RESULTS,
            "record": "status",
            "output": output,
        }
        self.write("m.json", manifest)

    def run_once(self, ranks, **run):
        self.write_campaign(500, **run)
        self.taskfarm("m.json", "--fresh", "--slots", 2, ranks=ranks, env={"PYTHONHASHSEED": "12"})
        found = farm.digest(self.folder / "m.h5")
        return {name.removeprefix("m/"): value for name, value in found.items()}

    @farm.first
    def test_for_any_number_of_ranks_warm_and_cold(self):
        first = self.run_once(None, warm=False)
        self.assertGreater(len(set(self.open("m.h5")["m/results/s"][()])), 0)
        for ranks, run in ((2, {"warm": False}), (3, {"warm": True}), (None, {"warm": True, "preload": ["numpy", "random"]})):
            with self.subTest(ranks=ranks, run=run):
                self.assertEqual(self.run_once(ranks, **run), first)

    def test_each_task_has_its_own_and_another_seed_others(self):
        self.run_once(None)
        with self.open("m.h5") as file:
            drawn = file["m/results/a"][()]
        self.assertEqual(len({row.tobytes() for row in drawn[:, :2]}), 500)
        manifest = json.loads((self.folder / "m.json").read_text())
        self.write("m.json", {**manifest, "seed": 6})
        self.taskfarm("m.json", "--fresh")
        self.assertFalse((self.open("m.h5")["m/results/a"][:, :2] == drawn[:, :2]).any())

    def test_after_kill_9(self):
        pause = "os.path.exists('slow') and time.sleep(0.02)"
        self.write_campaign(1500, pause)
        self.taskfarm("m.json", "--slots", 2)
        whole = farm.digest(self.folder / "m.h5")
        for ranks, name in ((None, "k.h5"), (3, "k3.h5")):
            self.write_campaign(1500, pause, output=name)
            self.write("slow", "")
            run = self.start("m.json", "--fresh", "--slots", 2, ranks=ranks)
            self.wait_for(lambda: self.count_done(name) > 100 or run.poll() is not None, "rows")
            farm.kill_all(run)
            (self.folder / "slow").unlink()
            self.assertLess(self.count_done(name), 1500)
            self.taskfarm("m.json", "--slots", 2, ranks=ranks)
            self.assertEqual(farm.digest(self.folder / name), whole)


farm.main()
