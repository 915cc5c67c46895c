"""A first manifest, run in every way that a user may start it."""

import os

import farm
import numpy


@farm.first
class FirstRun(farm.FarmTest):
    def manifest(self):
        return self.write(
            "pi.json",
            {
                "seed": 1,
                "over": {"replicate": {"range": [2000]}},
                "run": {"function": "builtin:pi", "args": {"samples": 100}},
                "results": {"pi": "float64"},
            },
        )

    def check(self, ranks, slots):
        file = self.open("pi.h5")
        stage = file["pi"]
        self.assertTrue((stage["task/status"][()] == farm.DONE).all())
        self.assertTrue((stage["task/attempts"][()] == 1).all())
        self.assertTrue((stage["params/replicate"][()] == numpy.arange(2000)).all())
        self.assertAlmostEqual(stage["results/pi"][()].mean(), numpy.pi, delta=5 * 1.64 / numpy.sqrt(200000))
        self.assertEqual(file.attrs["state"], "complete")
        self.assertEqual(file.attrs["ranks"], ranks)
        self.assertIn(file.attrs["slots"], slots)
        self.assertFalse((self.folder / "pi.h5.d").exists())
        file.close()

    def test_without_mpirun(self):
        self.manifest()
        done = self.taskfarm("pi.json", "--slots", 2)
        self.assertEqual(done.stdout, "")
        self.assertRegex(
            done.stderr, r"^taskfarm: pi: 2 000 done, 0 failed in \S+ \(.* tasks/s\); results in pi.h5\n$"
        )
        self.check(ranks=1, slots=[2])

    def test_with_the_verb(self):
        self.manifest()
        self.taskfarm("run", "pi.json", "--slots", 1)
        self.check(ranks=1, slots=[1])

    def test_from_another_folder(self):
        """Paths are relative to the manifest's folder, --output to where the user stands."""
        self.manifest()
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        self.taskfarm("../pi.json", folder=elsewhere)
        self.assertTrue((self.folder / "pi.h5").exists())
        self.taskfarm("../pi.json", "--output", "mine.h5", folder=elsewhere)
        self.assertTrue((elsewhere / "mine.h5").exists())

    def test_under_mpirun(self):
        self.manifest()
        for ranks in (1, 2, 3, 5):
            with self.subTest(ranks=ranks):
                self.taskfarm("pi.json", "--fresh", ranks=ranks)
                # one or two ranks may be bound to a core each, by Open MPI 4, or else have all
                self.check(ranks=ranks, slots=[ranks - 1] if ranks > 2 else [1, len(os.sched_getaffinity(0))])
                self.taskfarm("pi.json", "--fresh", "--slots", 3, ranks=ranks)
                self.check(ranks=ranks, slots=[3 * max(1, ranks - 1)])

    def test_more_ranks_than_tasks(self):
        self.write("one.json", {"run": {"command": ["true"]}})
        self.taskfarm("one.json", ranks=5)
        self.assertEqual(list(self.open("one.h5")["one/task/status"][()]), [farm.DONE])

    def test_no_tasks_at_all(self):
        self.write(
            "none.json",
            {"over": {"f": {"glob": "*.fits", "allow_empty": True}}, "run": {"command": ["ls", "{f}"]}},
        )
        for ranks in (None, 3):
            self.taskfarm("none.json", "--fresh", ranks=ranks)
            file = self.open("none.h5")
            self.assertEqual(file["none/task/status"].shape, (0,))
            self.assertEqual(file.attrs["state"], "complete")
            file.close()

    def test_an_old_output_is_never_overwritten(self):
        self.manifest()
        self.taskfarm("pi.json")
        before = (self.folder / "pi.h5").read_bytes()
        done = self.taskfarm("pi.json", "--fresh")
        self.assertTrue(done.stderr.startswith("taskfarm: moved the old pi.h5 to pi.h5.1\n"))
        self.assertEqual((self.folder / "pi.h5.1").read_bytes(), before)


farm.main()
