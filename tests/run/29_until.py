"""Monte Carlo that stops when it knows enough."""

import json

import farm
import numpy as np
from farm import DONE, digest

PENDING, SKIPPED = 0, 4
RANKS = (None, 1, 3) if farm.SANITIZED else (None, 1, 2, 3, 5)
UNTIL = "x.stderr < 0.01 * abs(x.mean)"


def looks(first, tasks):
    """After how many tasks it is looked."""
    count = first
    while count < tasks:
        yield count
        count += count // 4 if count >= 4 else 1
    yield tasks


class Until(farm.FarmTest):
    def campaign(self, tasks=100000, until=UNTIL, **more):
        draw = {"name": "draw", "over": {"i": {"range": [tasks]}}, "run": {"expr": {"x": "normal() + 3"}}, "until": until, **more}
        self.write("u.json", {"seed": 3, "stages": [draw]})

    def expected(self, tasks, first=1000, share=0.01):
        """What numpy says of the rows that are there."""
        with self.open("u.h5") as file:
            x = file["draw/results/x"][()]
        for count in looks(first, tasks):
            if x[:count].std(ddof=1) / count**0.5 < share * abs(x[:count].mean()):
                return count
        return tasks

    def status(self, name="u.h5", stage="draw"):
        with self.open(name) as file:
            return file[f"{stage}/task/status"][()]

    @farm.first
    def test_the_same_tasks_whoever_runs_them(self):
        self.campaign(reduce={"all": {"columns": {"x": ["count", "mean"]}}})
        digests = []
        for ranks in RANKS:
            done = self.taskfarm("u.json", "--fresh", "--slots", 2, ranks=ranks)
            digests.append(digest(self.folder / "u.h5"))
        self.assertEqual(digests, digests[:1] * len(digests))
        enough = self.expected(100000)
        self.assertTrue(1000 < enough < 5000, enough)
        text = f"{enough:,}".replace(",", " ")
        self.assertIn(f"stage draw: after {text} tasks enough is known: {UNTIL}\n", done.stderr)
        self.assertIn(f"u: {text} done, 0 failed in ", done.stderr)
        status = self.status()
        self.assertTrue((status[:enough] == DONE).all() and (status[enough:] == PENDING).all())
        with self.open("u.h5") as file:
            self.assertEqual(file.attrs["state"], "complete")
            self.assertEqual((file["draw"].attrs["enough"], file["draw"].attrs["until"]), (enough, UNTIL))
            self.assertEqual(file["draw/reduce/all/x.count"][0], enough)

    @farm.first
    def test_status_says_that_enough_was_known(self):
        self.campaign()
        self.taskfarm("u.json")
        with self.open("u.h5") as file:
            enough = int(file["draw"].attrs["enough"])
        lines = self.taskfarm("status", "u.h5").stdout.splitlines()
        rows = f"{enough:,}".replace(",", " ")
        self.assertEqual(lines[3:], [f"  draw: enough was known after {rows} rows: {UNTIL}"])
        told = json.loads(self.taskfarm("status", "u.h5", "--json").stdout)
        (stage,) = told["stages"]
        self.assertEqual((told["percent"], stage["enough"], stage["until"], stage["pending"]), (100, enough, UNTIL, 100000 - enough))
        self.campaign(until="x.mean > 99", tasks=1200)  # of which all are run
        self.taskfarm("u.json", "--fresh")
        self.assertNotIn("enough", self.taskfarm("status", "u.h5").stdout)

    def test_when_enough_different_values_were_seen(self):
        draw = {"name": "draw", "over": {"i": {"range": [5000]}}, "run": {"expr": {"x": "floor(exp(normal() * 3))"}}}
        self.write("u.json", {"stages": [{**draw, "until": {"expr": "x.nunique >= 200", "first": 100}}]})
        self.taskfarm("u.json", ranks=2)
        with self.open("u.h5") as file:
            x, enough = file["draw/results/x"][()], file["draw"].attrs["enough"]
        self.assertEqual(enough, next(count for count in looks(100, 5000) if len(np.unique(x[:count])) >= 200))

    @farm.first
    def test_a_tighter_one_goes_on_from_there(self):
        self.campaign()
        self.taskfarm("u.json")
        before = self.status()
        self.taskfarm("u.json")
        np.testing.assert_array_equal(self.status(), before)
        self.campaign(until=UNTIL.replace("0.01", "0.004"))
        done = self.taskfarm("u.json", ranks=3)
        self.assertIn(f"{(before == DONE).sum():,} of them before".replace(",", " "), done.stderr)
        enough = self.expected(100000, share=0.004)
        self.assertGreater(enough, (before == DONE).sum())
        self.assertEqual((self.status() == DONE).sum(), enough)
        self.campaign(until="x.stderr < 0")
        self.taskfarm("u.json")
        self.assertTrue((self.status() == DONE).all())
        with self.open("u.h5") as file:
            self.assertNotIn("enough", file["draw"].attrs)

    def test_a_plan_knows_that_enough_is_there(self):
        """As long as it is the same expression, and of rows that stay."""
        self.campaign()
        self.taskfarm("u.json")
        enough = self.expected(100000)
        count = f"{enough:,}".replace(",", " ")
        plan = self.taskfarm("plan", "u.json").stdout
        self.assertEqual(
            plan,
            f"stage draw: enough is known after {count} of 100 000 tasks: {UNTIL}\nu: nothing is to be run: {count} of 100 000 tasks are done\n",
        )
        draw = json.loads(self.taskfarm("plan", "u.json", "--json").stdout)["stages"][0]
        self.assertEqual((draw["run"], draw["enough"], draw["reasons"]), (0, enough, {}))
        said = f"u: {count} done, 0 failed, {count} of them before; nothing was to be done; results in u.h5\n"
        self.assertIn(said, self.taskfarm("u.json").stderr)
        self.assertIn("tasks are to be run", self.taskfarm("plan", "u.json", "--force", "draw").stdout)
        self.campaign(until=UNTIL.replace("0.01", "0.004"))
        self.assertIn("tasks are to be run", self.taskfarm("plan", "u.json").stdout)
        self.campaign(tasks=enough)
        self.taskfarm("u.json", "--fresh")
        self.assertIn(f"u: nothing is to be run: {count} of {count} tasks are done", self.taskfarm("plan", "u.json").stdout)

    def test_a_looser_one_reduces_what_it_would_have_run(self):
        """Rows that a tighter one has run stay; what is made of all is what a run from scratch makes of its own."""
        reduce = {"all": {"columns": {"x": ["count", "mean", "median"]}}}
        self.campaign(until=UNTIL.replace("0.01", "0.004"), reduce=reduce)
        self.taskfarm("u.json")
        tight = self.status()
        self.campaign(reduce=reduce)
        for ranks in (None, 2):
            self.taskfarm("u.json", ranks=ranks)
            np.testing.assert_array_equal(self.status(), tight)
        self.taskfarm("u.json", "--output", "scratch.h5")
        self.assertEqual(farm.reductions(self.folder / "u.h5"), farm.reductions(self.folder / "scratch.h5"))
        with self.open("u.h5") as file:
            self.assertEqual(file["draw/reduce/all/x.count"][0], file["draw"].attrs["enough"])
            self.assertLess(file["draw"].attrs["enough"], (tight == DONE).sum())

    def test_what_is_done_already_is_looked_at(self):
        """Where all tasks are done the answer is that of a run from scratch all the same, also when the run that did them was killed."""
        reduce = {"all": {"columns": {"x": ["count", "mean"]}}}
        for until, point in ((UNTIL, "reduce.worked_out"), (UNTIL, None), ("x.stderr < 0", "reduce.worked_out")):
            with self.subTest(until=until, point=point):
                self.campaign(3000, until="x.stderr < 0", reduce=reduce)
                self.taskfarm("u.json", "--fresh", status=-9 if point else 0, env={"TASKFARM_CRASH": point} if point else {})
                self.campaign(3000, until=until, reduce=reduce)
                self.taskfarm("u.json")
                self.assertTrue((self.status() == DONE).all())
                self.taskfarm("u.json", "--output", "scratch.h5", "--fresh")
                self.assertEqual(farm.reductions(self.folder / "u.h5"), farm.reductions(self.folder / "scratch.h5"))

    @farm.first
    def test_kills_change_nothing(self):
        self.campaign(until={"expr": UNTIL, "first": 10})
        self.taskfarm("u.json", "--output", "whole.h5")
        expected = digest(self.folder / "whole.h5")
        for point in ("rows.data:1", "rows.data:4", "change.begun:3", "close.closed"):
            for ranks in (3,) if farm.SANITIZED else (None,):
                killed = self.start("u.json", "--fresh", ranks=ranks, env={"TASKFARM_CRASH": point})
                self.assertNotEqual(killed.wait(self.limit), 0, point)
                self.taskfarm("u.json", ranks=ranks)
                self.assertEqual(digest(self.folder / "u.h5"), expected, point)
        self.assertEqual((self.status() == DONE).sum(), self.expected(100000, first=10))

    def test_rows_that_were_not_run_give_no_points(self):
        self.campaign()
        manifest = json.loads((self.folder / "u.json").read_text())
        manifest["stages"].append({"name": "next", "over": [{"from": "draw"}], "run": {"expr": {"y": "x * 2"}}})
        self.write("u.json", manifest)
        self.taskfarm("u.json", "--slots", 2)
        draw, following = self.status(), self.status(stage="next")
        np.testing.assert_array_equal(following, np.where(draw == DONE, DONE, SKIPPED))
        manifest["stages"][0]["until"] = UNTIL.replace("0.01", "0.005")
        self.write("u.json", manifest)
        self.taskfarm("u.json", "--slots", 2)
        more = self.status()
        self.assertGreater((more == DONE).sum(), (draw == DONE).sum())
        np.testing.assert_array_equal(self.status(stage="next"), np.where(more == DONE, DONE, SKIPPED))

    def test_with_retries_and_failures(self):
        """Tasks that fail have ended; those that are tried again are waited for."""
        command = "test $(( {i} % 5 )) -ne 0 -o $TASKFARM_ATTEMPT -gt 1 || exit 1; test {i} -ne 7 && echo '{{\"x\": {i:raw}}}'"
        self.write(
            "f.json",
            {
                "over": {"i": {"range": [1000]}},
                "run": {"command": command},
                "results": {"x": "float64"},
                "retries": 1,
                "until": {"expr": "x.count >= 12 && x.max > 5", "first": 6},
            },
        )
        self.taskfarm("f.json", "--slots", 2, ranks=2, status=1)
        status = self.status("f.h5", "f")
        counts = [count for count in looks(6, 1000) if count - (count > 7) >= 12]
        self.assertEqual((status != PENDING).sum(), counts[0])
        self.assertEqual((status == DONE).sum(), counts[0] - 1)


farm.main()
