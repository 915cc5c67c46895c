"""Whose files are whose: what verbs may overwrite, what --fresh may set aside, a folder beside the output that is somebody
else's, one output by two names, and an output that is taken away while a run writes it."""

import os
import subprocess

import farm


class Campaign(farm.FarmTest):
    """A small one that is over: c.json, c.h5."""

    def setUp(self):
        super().setUp()
        self.write("c.json", {"over": {"n": {"range": [3]}}, "run": {"command": ["echo", "{n}"]}, "results": {"y": {"type": "int64", "from": "field:1"}}})

    def run_all(self):
        self.taskfarm("c.json")
        return (self.folder / "c.h5").read_bytes()


class Verbs(Campaign):
    VERBS = [["export", "c.h5"], ["export", "c.h5", "--format", "rocrate"], ["report", "c.h5"], ["report", "c.h5", "--format", "trace"]]

    def test_none_overwrites_what_it_reads(self):
        whole = self.run_all()
        self.taskfarm("c.json", "--output", "other.h5")
        os.symlink("c.h5", self.folder / "link")
        os.link(self.folder / "c.h5", self.folder / "hard")
        before = self.files()
        for name, is_what in (
            ("c.h5", "is the output that is read"),
            ("link", "is the output that is read"),
            ("hard", "is the output that is read"),
            ("other.h5", "is an HDF5 file, which is not overwritten"),
            ("c.json", "is the campaign's manifest"),
        ):
            for verb in self.VERBS:
                said = self.taskfarm(*verb, "-o", name, status=2).stderr
                self.assertEqual(said, f"taskfarm: {self.folder.resolve()}/{name}: {is_what}; choose another name with --output\n")
        self.assertEqual(self.files(), before)
        self.assertEqual((self.folder / "c.h5").read_bytes(), whole)

    def test_a_page_has_another_name_than_the_output(self):
        self.run_all()
        os.rename(self.folder / "c.h5", self.folder / "c.html")
        self.assertEqual(self.taskfarm("report", "c.html", status=2).stderr, "taskfarm: c.html: is the output that is read; choose another name with --output\n")

    def test_what_fails_leaves_what_was_there(self):
        self.run_all()
        self.write("t.csv", "old\n")
        before = self.files()
        for arguments, status in (
            (["export", "c.h5", "--columns", "nosuch", "-o", "t.csv"], 2),
            (["export", "c.h5", "--where", "nosuch > 1", "-o", "t.csv"], 2),
            (["export", "c.h5", "nosuch", "-o", "t.csv"], 2),
            (["export", "c.h5", "--columns", "nosuch", "-o", "new.csv"], 2),
        ):
            self.taskfarm(*arguments, status=status)
            self.assertEqual(self.files(), before, arguments)

    def test_a_link_stays_one_and_a_mode_stays(self):
        self.run_all()
        (self.folder / "far").mkdir()
        table = self.write("far/t.csv", "old\n")
        table.chmod(0o640)
        os.symlink("far/t.csv", self.folder / "t.csv")
        os.symlink("far/none.csv", self.folder / "dangling.csv")
        for name in ("t.csv", "dangling.csv"):
            self.taskfarm("export", "c.h5", "-o", name)
            self.assertTrue((self.folder / name).is_symlink())
            self.assertEqual((self.folder / name).read_text(), "index,status,n,y\n0,done,0,0\n1,done,1,1\n2,done,2,2\n")
        self.assertEqual(table.stat().st_mode & 0o777, 0o640)
        self.assertEqual(sorted(p.name for p in (self.folder / "far").iterdir()), ["none.csv", "t.csv"])

    def test_a_pipe_and_standard_output_are_written_as_they_are(self):
        self.run_all()
        table = self.taskfarm("export", "c.h5").stdout
        self.assertEqual(self.taskfarm("export", "c.h5", "-o", "/dev/stdout").stdout, table)
        self.write("log", "first\n")
        with open(self.folder / "log", "a") as log:
            for name in ("/dev/stdout", f"/dev/fd/{log.fileno()}"):
                command = self.command("export", "c.h5", "--columns", "n", "-o", name)
                out = log if name == "/dev/stdout" else subprocess.DEVNULL
                subprocess.run(command, cwd=self.folder, env=farm.environment(), stdout=out, pass_fds=[log.fileno()], check=True)
        self.assertEqual((self.folder / "log").read_text(), "first\n" + 2 * "n\n0\n1\n2\n")
        os.mkfifo(self.folder / "pipe")
        with subprocess.Popen(["cat", "pipe"], cwd=self.folder, stdout=subprocess.PIPE, text=True) as reader:
            self.taskfarm("export", "c.h5", "-o", "pipe")
            self.assertEqual(reader.communicate(timeout=60)[0], table)


if __name__ == "__main__":
    farm.main()
