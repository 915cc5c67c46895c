"""taskfarm.map and the folder beside its output: whose it is, when it goes, and disks that are full."""

import contextlib
import os
import subprocess
import unittest

import farm
from map_test import MapTest

OTHER = 12345  # a user's number
NEEDS_ROOT = "it takes root to be another user"


class Folders(MapTest):
    def left(self):
        """What is there of a run's folder, and of what it makes."""
        return sorted(path.name for path in self.folder.iterdir() if path.name not in ("script.py", "called"))

    def test_folders_that_are_not_its_own(self):
        """A link, a file, another's folder are refused and left alone; one that lost half of its files is used."""
        script = """
            def f(x):
                open("called", "a").write("x\\n")
                return x
            try:
                print(taskfarm.map(f, taskfarm.product(x=[1, 2]), output="f.h5", progress="none").state)
            except taskfarm.Error as error:
                print(error.id)
            """
        self.write("other/notes", "mine")
        (self.folder / "f.h5.map").symlink_to("other")
        self.assertEqual(self.python(script).stdout, "foreign-folder\n")
        (self.folder / "f.h5.map").unlink()
        self.write("f.h5.map", "mine")
        self.assertEqual(self.python(script).stdout, "foreign-folder\n")
        (self.folder / "f.h5.map").unlink()
        if os.geteuid() == 0:
            (self.folder / "f.h5.map").mkdir()
            os.chown(self.folder / "f.h5.map", 12345, 12345)
            self.write("f.h5.map-0/notes", "mine")
            self.assertEqual(self.python(script).stdout, "foreign-folder\n")
            os.chown(self.folder / "f.h5.map-0", 12345, 12345)
            self.assertEqual(self.python(script.replace("error.id", "error")).stdout.rpartition("/")[2], "f.h5.map-0: belongs to another user; give another output=\n")
            (self.folder / "f.h5.map").rmdir()
        self.assertFalse((self.folder / "f.h5").exists())
        self.write("f.h5.map/taskfarm-map.json", {"taskfarm_map": 1, "output": "f.h5"})
        self.write("f.h5.map/first.json", "{")
        self.write("f.h5.map/notes", "mine")
        (self.folder / "f.h5.map/function.pickle").symlink_to(self.folder / "other/notes")
        self.assertEqual(self.python(script).stdout, "complete\n")
        self.assertEqual((self.folder / "other/notes").read_text(), "mine")
        self.assertEqual([path.name for path in (self.folder / "f.h5.map").iterdir()], ["notes"])
        self.assertEqual(len(self.calls()), 2)

    def test_what_is_not_its_own_stays(self):
        """An empty folder that was there before; folders that have the names of its files, and those alone."""
        (self.folder / "f.h5.map").mkdir()
        self.python("taskfarm.map(lambda x: x, {'x': [1]}, output='f.h5', progress='none')")
        self.assertEqual([self.left(), os.listdir(self.folder / "f.h5.map")], [["f.h5", "f.h5.map"], []])
        self.python(
            """
            import os
            def f(x) -> int:
                for name in ("first.json.new", "common-a.npy", "table-1.csv"):
                    os.mkdir("g.h5.map/" + name)
                return x
            taskfarm.map(f, {"x": [1]}, output="g.h5", progress="none")
            """
        )
        self.assertEqual(sorted(os.listdir(self.folder / "g.h5.map")), ["common-a.npy", "first.json.new", "table-1.csv"])

    @farm.first
    def test_it_is_gone_where_nothing_ran(self):
        """Whatever the reason; one in which an engine was at work stays as it is."""
        self.write("table.h5", "text")
        refused = """
            def f(x) -> float: return x
            space = taskfarm.product(x=[1, 2])
            class Wrong:
                def __array__(self, *arguments): raise RuntimeError("no array")
            for more in ({"output": "table.h5"}, {"common": {"x": Wrong()}}, {"where": "y > 1"}, {"launch": "false"}, {"space": None}):
                try:
                    taskfarm.map(f, **{"space": space, "output": "f.h5", "progress": "none", **more})
                except Exception as error:
                    print(type(error).__name__)
            """
        self.assertEqual(self.python(refused).stdout.split(), ["EngineError", "RuntimeError", "ManifestError", "EngineError", "ManifestError"])
        self.assertEqual(self.left(), ["table.h5"])
        self.python("taskfarm.map(lambda x: x, {'x': [1]}, output='f.h5')")
        self.write("f.h5.map/taskfarm-map.json", {"taskfarm_map": 1, "output": "f.h5"})
        self.write("f.h5.map/engine.json", {"pid": 1})
        self.python(refused)
        self.assertEqual(self.left(), ["f.h5", "f.h5.map", "table.h5"])
        self.assertTrue((self.folder / "f.h5.map/engine.json").exists())

    @unittest.skipUnless(os.geteuid() == 0, NEEDS_ROOT)
    def test_of_another_user(self):
        """Who may not write the output leaves nothing; and a folder of theirs, whatever is in it, does not stop the owner."""
        self.folder.chmod(0o777)
        script = """
            def f(x) -> float: return x
            try:
                print(taskfarm.map(f, taskfarm.product(x=[1, 2]), output="f.h5", progress="none").state)
            except taskfarm.Error as error:
                print(error.id)
            """
        command = self.write_script(script)

        def other(*words):
            return subprocess.run(
                words, cwd=self.folder, env=self.environment(HOME="/nonexistent"), user=OTHER, group=OTHER, extra_groups=[], capture_output=True, text=True, timeout=self.limit
            )

        self.assertEqual(self.python(script).stdout, "complete\n")
        (self.folder / "f.h5").chmod(0o644)
        done = other(*command)
        self.assertEqual(done.stdout, "file-unwritable\n", done.stderr)
        self.assertEqual(self.left(), ["f.h5"])
        other("sh", "-c", "mkdir -m 700 f.h5.map && touch f.h5.map/lock")
        self.assertEqual(self.python(script).stdout, "complete\n")
        self.assertEqual(self.left(), ["f.h5", "f.h5.map"])
        self.assertEqual((self.folder / "f.h5.map").stat().st_uid, OTHER)

    @farm.first
    def test_on_a_disk_that_is_full(self):
        """Common values and tables that don't fit are named, and nothing of them stays."""
        small = self.folder / "small"
        small.mkdir()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], capture_output=True).returncode != 0:
            self.skipTest("mounting a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", small])
        script = """
            import numpy as np, os
            def f(x, c) -> float: return x
            for space, more in (({"x": [1]}, {"common": {"c": np.zeros(1_000_000)}}), (taskfarm.zip(x=np.linspace(0, 1, 200_000), c=np.linspace(0, 1, 200_000)), {})):
                try:
                    taskfarm.map(f, space, output="small/f.h5", progress="none", **more)
                except taskfarm.EngineError as error:
                    print(error.id, str(error).replace(os.getcwd() + "/", ""), os.listdir("small"))
            """
        lines = self.python(script).stdout.splitlines()
        self.assertEqual(
            lines,
            [
                "disk-full small/f.h5.map/common-c.npy: can't be written: No space left on device []",
                "disk-full small/f.h5.map/table-0.csv: can't be written: No space left on device []",
            ],
        )
        with contextlib.suppress(OSError):
            (small / "all").write_bytes(bytes(1 << 20))
        done = self.python("taskfarm.map(lambda x: x, {'x': [1]}, output='small/f.h5', progress='none')", status=1)
        self.assertRegex(done.stderr, r"EngineError: \S+/small/f.h5.map: can't be made: No space left on device\n$")
        self.assertEqual(os.listdir(small), ["all"])


farm.main()
