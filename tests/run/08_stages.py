"""Several stages: order, independence, and what they leave in the file."""

import farm
import numpy


class Stages(farm.FarmTest):
    @farm.first
    def test_run_after_those_they_wait_for(self):
        stage = {"over": {"i": {"range": [30]}}, "run": {"function": "builtin:sleep", "args": {"seconds": 0.002}}}
        names = {"last": ["left", "right"], "left": ["first"], "right": ["first"], "first": []}
        self.write(
            "chain.json",
            {
                "defaults": dict(stage, record="full"),
                "stages": [{"name": name, "after": after} for name, after in names.items()],
            },
        )
        for ranks in (None, 2, 5):
            with self.subTest(ranks=ranks):
                self.taskfarm("chain.json", "--fresh", "--slots", 2, ranks=ranks)
                file = self.open("chain.h5")
                span = {}
                for name in names:
                    task = file[name]["task"]
                    self.assertTrue((task["status"][()] == farm.DONE).all())
                    start = task["start"][()]
                    span[name] = (start.min(), (start + task["duration"][()]).max())
                for name, after in names.items():
                    for before in after:
                        self.assertGreaterEqual(span[name][0], span[before][1], f"{name} began before {before} ended")
                file.close()

    def test_many_stages_that_wait_for_nothing(self):
        self.write(
            "many.json",
            {
                "seed": 3,
                "defaults": {"over": {"i": {"range": [7]}}, "run": {"function": "builtin:random"}},
                "stages": [{"name": f"s{n}", "results": {"x": "float64", "w": "string"}} for n in range(40)],
            },
        )
        self.taskfarm("many.json", ranks=3)
        file = self.open("many.h5")
        columns = [file[f"s{n}/results/x"][()] for n in range(40)]
        self.assertEqual(len(numpy.unique(columns)), 280, "each stage has its own random streams")

    def test_many_stages_with_texts(self):
        """Rank 0 reads what has become of each, and the others do not."""
        over = {"a": [1, 2], "b": ["x", "y"], "c": [3, 4], "d": ["u", "v"]}
        results = {**{f"x{n}": "float64" for n in range(4)}, "w": "string"}
        stages = [{"name": f"s{n}", "results": results} for n in range(50)]
        defaults = {"over": over, "run": {"function": "builtin:random"}}
        self.write("texts.json", {"defaults": defaults, "stages": stages})
        self.taskfarm("texts.json", ranks=3)
        self.assertTrue(all((self.open("texts.h5")[f"s{n}/task/status"][()] == farm.DONE).all() for n in range(50)))

    @farm.first
    def test_a_failed_stage_does_not_keep_others_from_running(self):
        self.write(
            "go_on.json",
            {
                "stages": [
                    {"name": "a", "run": {"command": ["false"]}},
                    {"name": "b", "after": ["a"], "run": {"command": ["true"]}},
                ]
            },
        )
        self.taskfarm("go_on.json", status=1)
        file = self.open("go_on.h5")
        self.assertEqual([file[s]["task/status"][0] for s in "ab"], [farm.FAILED, farm.DONE])


farm.main()
