"""A worker on which tasks fail that do well elsewhere is named, gets no more, and costs no task an attempt."""

import errno
import json

import farm
import h5py
from farm import digest

# The second worker's environment is not as the others': what needs it fails there.
BAD = "test \"$NODE\" != bad"


class SickWorkers(farm.FarmTest):
    def command(self, *arguments, ranks=None):
        """The last ranks of several, one or more, are on bad nodes."""
        command = super().command(*arguments, ranks=ranks)
        if not ranks or not self.bad:
            return command
        program = command[3:]
        return [*command[:2], str(ranks - self.bad), *program, ":", "-n", str(self.bad), "env", *self.node, *program]

    bad = 1  # ranks
    node = ("NODE=bad",)

    def incidents(self, path="m.h5"):
        with h5py.File(self.folder / path) as file:
            return json.loads(file.attrs["runs"])[-1].get("incidents", [])

    def check_sick(self, result, ranks):
        named = [i for i in self.incidents() if i["kind"] == "sick"]
        self.assertEqual(sorted(i["rank"] for i in named), ranks)
        for rank in ranks:
            self.assertRegex(
                result.stderr,
                rf"taskfarm: rank {rank} on \S+ is sick and gets no more tasks: \d+ of its tasks failed in a row, and \d of these did well elsewhere, as m\[i=\d+\]\n",
            )
        self.assertIn(named[0]["text"], self.taskfarm("status", "m.h5").stdout)
        self.assertEqual(json.loads(self.taskfarm("status", "--json", "m.h5").stdout)["incidents"], self.incidents())

    def check_named_and_cost_nothing(self, retries, bad):
        """Task 7 fails everywhere."""
        manifest = {
            "over": {"i": {"range": [60]}},
            "run": {"command": BAD + " || {{ echo here $NODE; exit 3; }}; sleep 0.03; echo '{{\"y\": '{i}'}}'; test {i} -ne 7"},
            "results": {"y": "int64"},
            "retries": retries,
            "retry_delay": 0,
        }
        self.write("m.json", manifest)
        self.bad = 0
        self.taskfarm("m.json", "--output", "one.h5", status=1)
        self.bad = bad
        result = self.taskfarm("m.json", ranks=4, status=1)
        self.check_sick(result, list(range(4 - bad, 4)))
        self.assertRegex(result.stderr, r"m: 59 done, 1 failed in ")
        with h5py.File(self.folder / "m.h5") as file, h5py.File(self.folder / "one.h5") as one:
            self.assertEqual(list(file["m/task/status"][()]), list(one["m/task/status"][()]))
            self.assertEqual(file["m/task/attempts"][7], retries + 1)
            self.assertEqual(file["m/task/attempts"][7], one["m/task/attempts"][7])
            others = [a for i, a in enumerate(file["m/task/attempts"][()]) if i != 7]
            self.assertEqual(sum(a > 1 for a in others) if retries == 0 else 0, 0)
            self.assertTrue(set(range(4 - bad, 4)).isdisjoint(file["m/task/worker"][()]))
            texts = [bytes(file["m/text"][n][()]) for n in file["m/text"] if not n.endswith("_index")]
            self.assertFalse(any(b"bad" in t for t in texts), "of what failed there nothing is left")
        self.assertEqual(digest(self.folder / "m.h5"), digest(self.folder / "one.h5"))

    @farm.first
    def test_are_named_and_cost_nothing(self):
        self.check_named_and_cost_nothing(retries=0, bad=1)

    @farm.first
    def test_do_not_speak_for_each_other(self):
        self.check_named_and_cost_nothing(retries=1, bad=2)

    @farm.first
    def test_are_not_those_where_tasks_fail_that_fail_everywhere(self):
        """In the middle, one behind the other."""
        self.bad = 0
        self.write(
            "m.json",
            {
                "over": {"i": {"range": [30000]}},
                "run": {"expr": {"y": "i >= 10000 && i < 20000 ? 0/0 : i"}},
                "results": {"y": "int64"},
            },
        )
        self.taskfarm("m.json", "--output", "one.h5", status=1)
        result = self.taskfarm("m.json", ranks=4, status=1)
        self.assertEqual(self.incidents(), [])
        self.assertRegex(result.stderr, r"m: 20 000 done, 10 000 failed in ")
        self.assertEqual(digest(self.folder / "m.h5"), digest(self.folder / "one.h5"))

    @farm.first
    def test_dependents_of_what_failed_there_are_run(self):
        stages = [
            {"name": "m", "over": {"n": {"range": [30]}}, "inputs": [], "outputs": "o/a{n}"},
            {"name": "b", "over": {"n": {"range": [30]}}, "inputs": "o/a{n}", "outputs": "o/b{n}"},
        ]
        run = {"command": BAD + " && sleep 0.03 && echo {index} >{outputs}"}
        self.write("m.json", {"defaults": {"run": run}, "stages": stages})
        result = self.taskfarm("m.json", ranks=4)
        self.assertEqual([i["rank"] for i in self.incidents()], [3])
        self.assertRegex(result.stderr, r"m: 60 done, 0 failed in ")

    def spawns_nothing(self):
        return f"LD_PRELOAD={farm.BUILD}/tests/libfaults.so", "TASKFARM_FAIL_IN=all", f"TASKFARM_FAIL=posix_spawn:{errno.EAGAIN}:1+"

    @farm.first
    def test_that_can_not_start_anything_are_named(self):
        self.node = self.spawns_nothing()
        self.write("m.json", {"over": {"i": {"range": [30]}}, "run": {"command": ["sleep", "0.02"]}})
        result = self.taskfarm("m.json", ranks=4)
        why = r"rank 3 on \S+ gets no more tasks of stage \"m\": can't start sleep: Resource temporarily unavailable"
        self.assertRegex(result.stderr, rf"taskfarm: {why}\n")
        self.assertRegex(result.stderr, r"m: 30 done, 0 failed in ")
        (incident,) = self.incidents()
        self.assertEqual((incident["kind"], incident["rank"]), ("sick", 3))
        self.assertRegex(incident["text"], f"^{why}$")
        with h5py.File(self.folder / "m.h5") as file:
            self.assertEqual(set(file["m/task/attempts"][()]), {1})

    @farm.first
    def test_all_of_them_stop_the_run(self):
        """What could not be started has not failed, and another run does it."""
        self.bad = 0
        env = dict(part.split("=", 1) for part in self.spawns_nothing())
        self.write("m.json", {"over": {"i": {"range": [20]}}, "run": {"command": ["true"]}})
        result = self.taskfarm("m.json", status=75, env=env)
        self.assertRegex(
            result.stderr,
            r"taskfarm: rank 0 on \S+ gets no more tasks of stage \"m\": can't start true: Resource temporarily unavailable\n"
            r"taskfarm: stopping because of workers that are sick: ",
        )
        self.assertRegex(result.stderr, r"m: 0 done, 0 failed, 20 left for the next run ")
        self.assertIn("gets no more tasks of stage", self.taskfarm("status", "m.h5").stdout)
        self.taskfarm("m.json")

    @farm.first
    def test_slow_ones_are_named(self):
        self.node = ("NODE=slow",)
        command = 'if test "$NODE" = slow; then sleep 0.5; else sleep 0.02; fi'
        self.write("m.json", {"over": {"i": {"range": [300]}}, "run": {"command": command}})
        result = self.taskfarm("m.json", ranks=3)
        why = r"rank 2 on \S+ is slow: tasks of stage \"m\" take \d+ times as long there as elsewhere"
        self.assertRegex(result.stderr, rf"taskfarm: {why}\n")
        (incident,) = self.incidents()
        self.assertEqual((incident["kind"], incident["rank"]), ("slow", 2))
        self.assertIn(incident["text"], self.taskfarm("status", "m.h5").stdout)


if __name__ == "__main__":
    farm.main()
