"""Many more ranks than cores."""

import farm


class ManyRanks(farm.FarmTest):
    limit = 900

    def check(self, ranks):
        self.write(
            "many.json",
            {
                "seed": 1,
                "over": {"i": {"range": [20 * ranks]}},
                "record": "full",
                "run": {"function": "builtin:random"},
                "results": {"x": "float64", "word": "string", "raw": "bytes"},
            },
        )
        self.taskfarm("many.json", "--slots", 1, ranks=None)
        alone = self.open("many.h5")
        self.taskfarm("many.json", "--output", "out.h5", ranks=ranks)
        together = self.open("out.h5")
        self.assertEqual(together.attrs["ranks"], ranks)
        self.assertTrue((together["many/task/status"][()] == farm.DONE).all())
        for name in ("x", "word"):
            self.assertEqual(together["many/results"][name][()].tobytes(), alone["many/results"][name][()].tobytes())
        self.assertEqual(self.heap(together["many"], "raw"), self.heap(alone["many"], "raw"))

    @farm.unittest.skipIf(farm.SANITIZED, "the release build is enough")
    def test_of_64(self):
        self.check(64)

    @farm.unittest.skipUnless(farm.SOAK and not farm.SANITIZED, "slow: tests/run.sh --soak")
    def test_of_256(self):
        self.check(256)


farm.main()
