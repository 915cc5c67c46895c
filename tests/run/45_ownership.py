"""Whose files are whose: what verbs may overwrite, what --fresh may set aside, a folder beside the output that is somebody
else's, one output by two names, and an output that is taken away while a run writes it."""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import threading
import unittest

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

    @farm.first
    def test_none_overwrites_what_it_reads(self):
        whole = self.run_all()
        self.taskfarm("c.json", "--output", "other.h5")
        os.symlink("c.h5", self.folder / "link")
        os.link(self.folder / "c.h5", self.folder / "hard")
        self.write("edited.json", json.loads((self.folder / "c.json").read_text()) | {"retries": 1})
        self.write("stages.json", {"stages": [{"name": "a", "run": {"command": ["true"]}}]})
        before = self.files()
        for name, is_what in (
            ("c.h5", "is the output that is read"),
            ("link", "is the output that is read"),
            ("hard", "is the output that is read"),
            ("other.h5", "is an HDF5 file, which is not overwritten"),
            ("c.json", "is the campaign's manifest"),
            ("edited.json", "is a manifest"),
            ("stages.json", "is a manifest"),
        ):
            for verb in self.VERBS if name == "c.h5" or farm.SOAK else self.VERBS[:1]:
                said = self.taskfarm(*verb, "-o", name, status=2).stderr
                self.assertEqual(said, f"taskfarm: {self.folder.resolve()}/{name}: {is_what}; choose another name with --output\n")
        self.assertEqual(self.files(), before)
        self.assertEqual((self.folder / "c.h5").read_bytes(), whole)

    def test_none_overwrites_a_table_that_it_reads(self):
        self.write("t.csv", "n\n1\n2\n")
        self.write("t.json", {"over": {"row": {"csv": "t.csv"}}, "run": {"expr": {"y": "2 * n"}}})
        self.taskfarm("t.json")
        before = self.files()
        said = self.taskfarm("export", "t.h5", "--trust", "-o", "t.csv", status=2).stderr
        self.assertEqual(said, f"taskfarm: {self.folder.resolve()}/t.csv: is a file that the campaign reads; choose another name with --output\n")
        self.assertEqual(self.files(), before)

    def test_one_that_is_killed_leaves_nothing_beside(self):
        """What it writes has no name until it is whole, where the file system can do that."""
        try:
            os.close(os.open(self.folder, os.O_TMPFILE | os.O_WRONLY))
        except OSError:
            self.skipTest("no files without names here")
        self.run_all()
        self.write("old", "stays")
        before = self.files()
        for verb in self.VERBS:
            for name in "old", "new":
                self.taskfarm(*verb, "-o", name, status=-9, env={"TASKFARM_CRASH": "destination.whole"})
                self.assertEqual(self.files(), before)
        self.taskfarm(*self.VERBS[0], "-o", "new")
        self.taskfarm(*self.VERBS[0], "-o", "old")
        self.assertEqual((self.folder / "old").read_bytes(), (self.folder / "new").read_bytes())
        self.assertEqual(set(self.files()), set(before) | {"new"})

    def test_none_writes_where_a_run_has_its_own_files(self):
        self.taskfarm("c.json", status=-9, env={"TASKFARM_CRASH": "change.ended:3"})
        shutil.copy(self.folder / "c.h5", self.folder / "other.h5")
        (self.folder / "other.h5.d").mkdir()
        os.symlink("c.h5.d", self.folder / "link")
        before = self.files()
        for name in ("c.h5.d/journal", "c.h5.d/new", "c.h5.d/run-1/rank-0000.text", "link/run-1/rank-0000.text", "other.h5.d/journal"):
            said = self.taskfarm("report", "c.h5", "-o", name, status=2).stderr
            whose = "an output" if name.startswith("other") else "the output that is read"
            self.assertEqual(said, f"taskfarm: {self.folder.resolve()}/{name}: is in the folder of {whose}; choose another name with --output\n")
        self.assertEqual(self.files(), before)

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


class Fresh(Campaign):
    def test_only_an_output_of_taskfarm_is_set_aside(self):
        for name in ("c.json", "table.csv"):
            self.write("table.csv", "n\n1\n")
            before = self.files()
            said = self.taskfarm("c.json", "--fresh", "--output", name, status=3).stderr
            self.assertEqual(said, f"taskfarm: {self.folder.resolve()}/{name}: is no HDF5 file; choose another name with --output\n")
            self.assertEqual(self.files(), before)

    def test_a_link_stays_and_what_it_leads_to_is_set_aside(self):
        (self.folder / "far").mkdir()
        os.symlink("far/real.h5", self.folder / "c.h5")
        self.taskfarm("c.json")
        old = (self.folder / "far/real.h5").read_bytes()
        said = self.taskfarm("c.json", "--fresh").stderr
        self.assertIn("taskfarm: moved the old far/real.h5 to far/real.h5.1\n", said)
        self.assertEqual(os.readlink(self.folder / "c.h5"), "far/real.h5")
        self.assertEqual((self.folder / "far/real.h5.1").read_bytes(), old)
        self.assertEqual(sorted(p.name for p in (self.folder / "far").iterdir()), ["real.h5", "real.h5.1"])

    def test_a_link_stays_when_a_space_grows(self):
        (self.folder / "far").mkdir()
        os.symlink("far/real.h5", self.folder / "c.h5")
        self.taskfarm("c.json")
        (self.folder / "far/real.h5").chmod(0o640)
        manifest = json.loads((self.folder / "c.json").read_text())
        self.write("c.json", manifest | {"over": {"n": {"range": [-1, 4]}}})
        self.assertIn("3 of 5 tasks are done", self.taskfarm("c.json").stderr)
        self.assertEqual(os.readlink(self.folder / "c.h5"), "far/real.h5")
        self.assertEqual((self.folder / "far/real.h5").stat().st_mode & 0o777, 0o640)
        self.assertEqual(list(self.open("far/real.h5")["c/results/y"]), [-1, 0, 1, 2, 3])
        self.assertEqual([p.name for p in (self.folder / "far").iterdir()], ["real.h5"])


class Slow(farm.FarmTest):
    """Two tasks; the second one waits for a file "go"."""

    def setUp(self):
        super().setUp()
        self.write("s.json", {"over": {"n": {"range": [2]}}, "run": {"command": "echo {n} >>ran; test {n} = 0 || until test -e go; do sleep 0.02; done"}})

    def begin(self, *arguments, ranks=None):
        run = self.start("s.json", "--sync", "0.05", *arguments, ranks=ranks)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: (self.folder / "ran").exists() and len((self.folder / "ran").read_text().split()) == 2, "the tasks do not start")
        return run

    def go(self):
        self.write("go", "")

    def said(self):
        return (self.folder / "stderr").read_text()


class Names(Slow):
    """One output by several names."""

    @farm.first
    def test_the_second_run_is_refused_whatever_name_it_has_for_it(self):
        os.symlink("s.h5", self.folder / "link.h5")
        self.write("s.h5", b"")
        os.link(self.folder / "s.h5", self.folder / "hard.h5")
        run = self.begin()
        others = {}  # all at once: each waits for some seconds
        for name in ("link.h5", "hard.h5"):
            for more in ((), ("--fresh",)):
                command = self.command("s.json", "--output", name, *more)
                others[name, more] = subprocess.Popen(command, cwd=self.folder, env=farm.environment(), stderr=subprocess.PIPE, text=True)
        whole = []
        for (name, more), other in others.items():
            said = other.communicate(timeout=60)[1]
            whole.append(said)
            self.assertEqual(other.returncode, 3, (name, more, said))
            self.assertTrue(said.startswith(f"taskfarm: {self.folder.resolve()}/{name}: is in use by another run of taskfarm"), said)
        # Of the two that come by the other name one may only have met the other.
        by_another = ": is in use by another run of taskfarm, under another name\n"
        self.assertTrue(any(said.endswith(by_another) for said in whole), whole)
        self.assertEqual(json.loads(self.taskfarm("status", "link.h5", "--json").stdout)["state"], "running")
        self.go()
        self.assertEqual(run.wait(60), 0, self.said())
        self.assertEqual(sorted((self.folder / "ran").read_text().split()), ["0", "1"])
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["go", "hard.h5", "link.h5", "ran", "s.h5", "s.json", "stderr"])
        self.assertIn("2 of 2 tasks are done", self.taskfarm("s.json", "--output", "hard.h5").stderr)


class Holders(Campaign):
    """Who has an output is said no more certainly than it is known."""

    NOTE = "pid {} uid 12345678 since 1000000000 start {} space {} host {}\n"
    WRONG = "pid {} uid 12345678 since {} start 1 space 1 host node\n"  # a damaged file, or a hostile one

    @farm.first
    def test_that_can_not_be_found(self):
        here, space = socket.gethostname(), os.stat("/proc/self/ns/pid").st_ino
        taken = "; its lock was taken by process {} of user 12345678 on {} (rank 2), since 2001-09-09T01:46:40Z"
        ended, far = ", which has ended: what it has started may hold it still", ", as is noted there; that can't be checked from here"
        cases = (
            (self.NOTE.format(os.getpid(), 1, space, here), taken.format(os.getpid(), here) + ended),
            (self.NOTE.format(7, 1, space + 1, here), taken.format(7, here) + far),
            (self.NOTE.format(7, 1, space, "node-2.x"), taken.format(7, "node-2.x") + far),
            (self.NOTE.format(7, 1, space, "no;de"), ""),
            ("", ""),
            (self.WRONG.format(7, "1e300"), ""),
            (self.WRONG.format(7, "nan"), ""),
            (self.WRONG.format(7, "-1e18"), ""),
            (self.WRONG.format(-5, "1000000000"), ""),
        )
        with contextlib.ExitStack() as held:
            refused = [self.begin_refused(f"c{number}.h5", 2, note, held) for number, (note, _) in enumerate(cases)]
            for number, (_, said) in enumerate(cases):  # all at once: each waits for some seconds
                text = refused[number].communicate(timeout=60)[1]
                self.assertEqual(text, f"taskfarm: {self.folder.resolve()}/c{number}.h5: is in use by another run of taskfarm{said}\n")

    def begin_refused(self, output, rank, note, held):
        """A run whose output has a lock on a rank's byte, with this note."""
        (self.folder / f"{output}.d").mkdir(mode=0o700)
        file = held.enter_context(open(self.folder / f"{output}.d/lock", "w+b"))
        os.pwrite(file.fileno(), note.encode(), 128 * rank)
        fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi", fcntl.F_WRLCK, os.SEEK_SET, rank, 1, 0))
        command = self.command("c.json", "--output", output)
        return subprocess.Popen(command, cwd=self.folder, env=farm.environment(), stderr=subprocess.PIPE, text=True)


class Lost(Slow):
    """An output that goes while a run is at work."""

    def test_a_run_whose_output_goes_ends_and_says_so(self):
        for what, lose, left in (
            ("s.h5: has been removed or renamed while this run was at work", lambda: (self.folder / "s.h5").unlink(), []),
            ("s.h5: has been removed or renamed while this run was at work", lambda: os.rename(self.folder / "s.h5", self.folder / "t.h5"), ["t.h5"]),
            ("s.h5: has been replaced by another file while this run was at work", self.replace, ["s.h5"]),
            ("s.h5: has been cut short while this run was at work", lambda: os.truncate(self.folder / "s.h5", 3000), ["s.h5"]),
            ("s.h5: has been cut short while this run was at work", self.cut_and_fill, ["s.h5"]),
            ("s.h5.d: has been removed while this run was at work", lambda: shutil.rmtree(self.folder / "s.h5.d"), ["s.h5"]),
        ):
            for ranks in (None, 2) if lose == self.cut_and_fill or farm.SOAK else (None,):
                with self.subTest(what=what, ranks=ranks):
                    self.setUp()
                    run = self.begin(ranks=ranks)
                    lose()
                    self.go()
                    status = run.wait(60)
                    self.assertEqual(status, 3, self.said())
                    self.assertIn(f"taskfarm: {what}\n", self.said())
                    self.assertNotIn("done", self.said())
                    there = sorted(p.name for p in self.folder.iterdir() if ".h5" in p.name)
                    self.assertEqual(there, sorted(left + (["s.h5.d"] if ".d" not in what else [])), "nothing else is removed")

    def replace(self):
        self.write("other", "somebody's")
        os.rename(self.folder / "other", self.folder / "s.h5")

    def cut_and_fill(self):
        size = (self.folder / "s.h5").stat().st_size
        os.truncate(self.folder / "s.h5", 0)
        os.truncate(self.folder / "s.h5", size)


class Looking(Campaign):
    """At an output that is replaced meanwhile."""

    def grow(self, first, env=None, status=0):
        manifest = json.loads((self.folder / "c.json").read_text())
        self.write("c.json", manifest | {"over": {"n": {"range": [first, 3]}}})
        return self.taskfarm("c.json", status=status, env=env)

    def counts(self):
        stage = json.loads(self.taskfarm("status", "c.h5", "--json").stdout)["stages"][0]
        return stage["tasks"], stage["done"]

    def test_at_a_file_whose_journal_is_still_to_follow(self):
        """Rows have other places in the new file."""
        self.run_all()
        for point, counts in (("move.noted", (3, 3)), ("move.renamed", (2000, 3))):
            self.grow(-1997, env={"TASKFARM_CRASH": point}, status=-9)
            self.assertEqual(self.counts(), counts, point)
        self.assertEqual(self.taskfarm("export", "c.h5", "--where", "status == 'done'").stdout, "index,status,n,y\n1997,done,0,0\n1998,done,1,1\n1999,done,2,2\n")

    def test_while_runs_replace_it_and_end(self):
        self.run_all()
        told, over = [], threading.Event()

        def look(*arguments):
            while not over.is_set():
                told.append(subprocess.run(self.command(*arguments), cwd=self.folder, env=farm.environment(), capture_output=True, text=True))

        threads = [threading.Thread(target=look, args=a) for a in (("status", "c.h5"), ("export", "c.h5", "--columns", "y,stdout"))]
        for thread in threads:
            thread.start()
        for first in range(-1, -40 if farm.SOAK else -4, -1):
            self.grow(first)
        over.set()
        for thread in threads:
            thread.join()
        self.assertGreater(len(told), 2)
        self.assertEqual([done.stderr for done in told if done.returncode], [])


class Folder(Campaign):
    """OUTPUT.d, where somebody has been first."""

    def test_what_stands_in_its_place_is_refused(self):
        (self.folder / "theirs").mkdir()
        self.write("theirs/lock", "theirs")
        for make, what in (
            (lambda: os.symlink("theirs", self.folder / "c.h5.d"), "a link"),
            (lambda: self.write("c.h5.d", "a file"), "no folder"),
        ):
            make()
            before = self.files()
            said = self.taskfarm("c.json", status=3).stderr
            self.assertEqual(
                said, f"taskfarm: c.h5.d: is {what}, where the run needs a folder of its own; remove it, or choose another name with --output\n"
            )
            self.assertEqual(self.files(), before)
            os.unlink(self.folder / "c.h5.d")

    def test_links_in_it_are_not_followed(self):
        """Names of files that runs make in it, as links to what is precious."""
        precious = self.write("precious", "mine\n")
        for name, status in (
            ("lock", 3),
            ("journal", 3),
            ("journal.new", 0),
            ("journal.next", 3),
            ("journal.next.new", 0),
            ("heartbeat", 0),
            ("heartbeat.new", 0),
            ("new.h5", 0),
            ("run-1", 3),
        ):
            folder = self.folder / "c.h5.d"
            folder.mkdir(mode=0o777)
            os.symlink("../precious", folder / name)
            said = self.taskfarm("c.json", status=status).stderr
            if status:
                what = "run-1/rank-0000.text: Not a directory" if name == "run-1" else "(lock|journal): is no file of the run's; remove it"
                self.assertRegex(said, rf"^taskfarm: c\.h5\.d/{what}\n$")
            self.assertEqual(precious.read_text(), "mine\n", name)
            shutil.rmtree(folder, ignore_errors=True)
            (self.folder / "c.h5").unlink(missing_ok=True)
        (self.folder / "c.h5.d/run-1").mkdir(parents=True)
        os.symlink("../../precious", self.folder / "c.h5.d/run-1/rank-0000.text")
        self.taskfarm("c.json")
        self.assertEqual(precious.read_text(), "mine\n")

    def test_what_is_not_a_run_s_stays_in_it(self):
        self.write("c.h5.d/notes", "mine")
        self.write("c.h5.d/run-x/rank-0.text", "mine")
        self.taskfarm("c.json")
        self.assertEqual(sorted(str(p) for p in self.files()), ["c.h5", "c.h5.d/notes", "c.h5.d/run-x/rank-0.text", "c.json"])

    def test_a_pipe_in_it_keeps_nobody_waiting(self):
        self.run_all()
        (self.folder / "c.h5.d").mkdir()
        for name in ("journal", "heartbeat", "lock"):
            os.mkfifo(self.folder / "c.h5.d" / name)
            for arguments in (["status", "c.h5"], ["c.json"]):
                done = subprocess.run(self.command(*arguments), cwd=self.folder, env=farm.environment(), capture_output=True, timeout=60)
                self.assertIn(done.returncode, (0, 3), done.stderr)
            shutil.rmtree(self.folder / "c.h5.d", ignore_errors=True)
            (self.folder / "c.h5.d").mkdir()

    @farm.first
    def test_it_is_its_owner_s_alone(self):
        self.write("c.json", {"run": {"command": "stat -c '%a %n' c.h5.d c.h5.d/* c.h5.d/run-1/*"}, "results": {"all": {"type": "string", "from": "regex:((.|\n)*)"}}})
        (self.folder / "c.h5.d").mkdir()
        (self.folder / "c.h5.d").chmod(0o775)
        old = os.umask(0o002)
        self.addCleanup(os.umask, old)
        self.taskfarm("c.json")
        modes = dict(reversed(line.split()) for line in self.open("c.h5")["c/results/all"][0].decode().splitlines())
        wanted = {"c.h5.d": "700", "c.h5.d/lock": "600", "c.h5.d/journal": "600", "c.h5.d/run-1": "700", "c.h5.d/run-1/rank-0000.text": "600"}
        self.assertEqual({name: modes.get(name) for name in wanted}, wanted)


@unittest.skipIf(os.geteuid() != 0 or not shutil.which("setpriv"), "two users can be had as root alone, with setpriv")
class Users(Slow):
    """Two users of one group, and a folder that they share."""

    ALICE, BOB, GROUP = 61001, 61002, 61000

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.shared = self.folder / "shared"
        self.shared.mkdir()
        os.chown(self.shared, self.ALICE, self.GROUP)
        self.shared.chmod(0o2775)
        os.rename(self.folder / "s.json", self.shared / "s.json")

    def as_user(self, user, *arguments):
        env = farm.environment(HOME="/nonexistent", TMPDIR="/tmp", OMPI_MCA_orte_tmpdir_base=f"/tmp/taskfarm-test-{user}-{os.getpid()}")
        self.addCleanup(shutil.rmtree, env["OMPI_MCA_orte_tmpdir_base"], ignore_errors=True)
        who = ["setpriv", f"--reuid={user}", f"--regid={self.GROUP}", "--clear-groups", "sh", "-c", 'umask 002; exec "$@"', "sh"]
        return subprocess.Popen(
            who + self.command(*arguments), cwd=self.shared, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def say(self, user, *arguments, status=0):
        with self.as_user(user, *arguments) as run:
            out, err = run.communicate(timeout=self.limit)
        self.assertEqual(run.returncode, status, out + err)
        return out + err

    def begin_as(self, user):
        run = self.as_user(user, "s.json")
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: (self.shared / "ran").exists() and len((self.shared / "ran").read_text().split()) == 2, "the tasks do not start")
        return run

    def test_a_folder_of_another_user_is_not_used(self):
        precious = self.shared / "precious"
        precious.write_text("alice's\n")
        os.chown(precious, self.ALICE, self.GROUP)
        trap = self.shared / "s.h5.d"
        trap.mkdir()
        os.chown(trap, self.BOB, self.GROUP)
        trap.chmod(0o777)
        for name in ("lock", "journal.new", "heartbeat.new", "new.h5"):
            os.symlink("../precious", trap / name)
        (trap / "run-1").mkdir()
        os.symlink("../../precious", trap / "run-1/rank-0000.text")
        for user in (self.ALICE, 0):
            said = self.say(user, "s.json", status=3) if user else self.root_says("s.json")
            self.assertEqual(
                said,
                f"taskfarm: s.h5.d: belongs to another user (number {self.BOB}), who alone can go on with the run that has left it; "
                "choose another name with --output\n",
            )
        self.assertEqual(precious.read_text(), "alice's\n")

    def root_says(self, *arguments):
        return self.taskfarm(*arguments, folder=self.shared, status=3).stderr

    def test_what_a_group_that_shares_a_campaign_can_do(self):
        run = self.begin_as(self.ALICE)
        folder = (self.shared / "s.h5.d").stat()
        self.assertEqual((folder.st_mode & 0o777, folder.st_gid), (0o700, self.GROUP))
        owner = f"taskfarm: s.h5.d: belongs to another user (number {self.ALICE}), "
        said = self.say(self.BOB, "status", "s.h5", status=3)
        self.assertEqual(said, owner + "who alone can see how far a run is before it has ended\n")
        said = self.say(self.BOB, "s.json", status=3)
        self.assertTrue(said.startswith(owner + "who alone can go on with the run that has left it; "), said)
        (self.shared / "go").write_text("")
        self.assertEqual(run.wait(60), 0)
        run.communicate()
        self.assertIn("complete", self.say(self.BOB, "status", "s.h5"))
        manifest = json.loads((self.shared / "s.json").read_text())
        (self.shared / "s.json").write_text(json.dumps(manifest | {"over": {"n": {"range": [-1, 2]}}}))
        self.assertIn("2 of 3 tasks are done", self.say(self.BOB, "s.json"))
        output = (self.shared / "s.h5").stat()
        self.assertEqual((output.st_uid, output.st_gid, output.st_mode & 0o777), (self.BOB, self.GROUP, 0o664))
        self.assertIn("3 of 3 tasks are done", self.say(self.ALICE, "s.json"))


if __name__ == "__main__":
    farm.main()
