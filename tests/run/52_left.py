"""What is left of what was before: rows of a stage that has changed while others are run."""

import os
import signal
import subprocess

import farm

class Rows(farm.FarmTest):
    """A stage has changed, and is not to be run yet: the output does not say of its rows that they are of what it is now."""

    def campaign(self, slope, word):
        stages = [
            {"name": "a", "over": {"i": {"range": [2]}}, "run": {"expr": {"x": f"{slope} * i"}}},
            {"name": "b", "over": {"row": {"from": "a"}}, "run": {"expr": {"y": "x + 1"}}},
            {"name": "f", "outputs": "f.txt", "run": {"command": f"echo {word} >f.txt"}},
            {"name": "g", "inputs": "f.txt", "outputs": "g.txt", "run": {"command": "cp f.txt g.txt"}},
            {"name": "t", "run": {"expr": {"z": "1"}}},
        ]
        self.write("m.json", {"stages": stages})

    def made(self):
        return [farm.digest(self.folder / "m.h5"), *((self.folder / name).read_text() for name in ("f.txt", "g.txt"))]

    def test_of_a_changed_stage_do_not_stand_for_it(self):
        self.campaign(3, "new")
        self.taskfarm("m.json")
        scratch = self.made()
        for options in ([], ["--rerun", "code,mtime"]):
            with self.subTest(options=options):
                self.campaign(3 if not options else 2, "old")
                self.taskfarm("m.json", "--fresh")
                self.campaign(3, "new")
                self.assertIn("held back", self.taskfarm("m.json", "t", *options).stderr)
                self.taskfarm("m.json")
                self.assertEqual(self.made(), scratch)

    def test_are_kept_where_they_are_said_to_be_good(self):
        for options in (["--touch"], ["--rerun", "mtime", "t"]):
            self.campaign(2, "old")
            self.taskfarm("m.json", "--fresh")
            self.campaign(2, "new")
            self.taskfarm("m.json", *options)
            self.assertIn("nothing is to be run", self.taskfarm("plan", "m.json").stdout)


if __name__ == "__main__":
    farm.main()
