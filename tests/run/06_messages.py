"""Rank 0 sends no task parameters and receives no results: its messages carry grants and counts."""

import farm


class Messages(farm.FarmTest):
    def count(self, manifest, ranks=3):
        """Per rank: sends, bytes sent, receives, bytes received, bytes broadcast."""
        self.write("m.json", manifest)
        counts = self.folder / "counts"
        counts.unlink(missing_ok=True)
        # mpirun passes LD_PRELOAD to its ranks, where it counts; in mpirun itself nothing calls MPI.
        env = {"LD_PRELOAD": f"{farm.BUILD}/tests/libcount_messages.so", "COUNT_MESSAGES": str(counts)}
        self.taskfarm("m.json", "--fresh", ranks=ranks, env=env)
        rows = [[int(word) for word in line.split()] for line in counts.read_text().splitlines()]
        self.assertEqual(len(rows), ranks)
        return {row[0]: row[1:6] for row in rows}

    def manifest(self, tasks, width):
        """Parameters of `width` characters, and results of `width` numbers and as long a string."""
        return {
            "over": {"i": {"range": [tasks // 2]}, "text": ["a" * width, "b" * width]},
            "run": {"function": "builtin:random"},
            "results": {"x": {"type": "float64", "shape": [width]}, "s": "string"},
        }

    @farm.first
    def test_do_not_grow_with_parameters_and_results(self):
        tasks = 4000
        narrow, wide = (self.count(self.manifest(tasks, width)) for width in (1, 1000))
        results = tasks * 1000 * 8
        for ranks in (narrow, wide):
            sends, sent, receives, received, _ = ranks[0]
            self.assertLess(sent + received, 64 * tasks, "more than the grants and reports of single tasks")
            self.assertLess(sent + received, results / 100)
            self.assertGreater(min(sends, receives), 2)
        # What is broadcast is the manifest and what it names, once, and HDF5's own small things.
        self.assertLess(wide[0][4] - narrow[0][4], 2 * 2000 + 65536)

    @farm.first
    def test_carry_many_short_tasks_each(self):
        counts = self.count({"over": {"i": {"range": [1000000]}}, "run": {"function": "builtin:noop"}})
        sends, sent, receives, received, _ = counts[0]
        self.assertLess(sends + receives, 20000)
        self.assertLess(sent + received, 1000000, "less than a byte a task")

    def test_arrive_where_no_bell_rings(self):
        self.write("m.json", {"over": {"i": {"range": [3000]}}, "run": {"function": "builtin:noop"}, "record": "full"})
        for bells in ("rung", "muted"):
            env = {"LD_PRELOAD": f"{farm.BUILD}/tests/libmute_doorbells.so"} if bells == "muted" else {}
            self.taskfarm("m.json", "--fresh", ranks=5, env=env)
            with self.open("m.h5") as file:
                self.assertEqual(set(file["m/task/status"][()]), {1}, bells)


farm.main()
