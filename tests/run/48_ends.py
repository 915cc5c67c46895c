"""How runs end: what is killed takes all that it began with it, a signal ends what does not end by itself, and what goes wrong
on the way ends the run in order, with its exit status and its reason."""

import os
import pathlib
import resource
import signal
import subprocess
import sys
import unittest

import farm
import h5py

HALVES = "echo half >o{n}.txt; touch begun{n}; sleep 1; echo whole >>o{n}.txt"


LIBRARY_SIGNALS = 3 << 31  # 32 and 33 are the C library's own, and not for programs


def children(pid):
    return list(map(int, pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def files_of(pid):
    """What the process has open, while it opens and closes others."""
    found = set()
    for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(os.readlink(entry))
        except FileNotFoundError:
            pass
    return found


def below(pid, generations):
    return [pid] if generations == 0 else [one for child in children(pid) for one in below(child, generations - 1)]


def hosts_of(rank):
    """The processes of a rank's slots: children of its spawner, which its guard has forked."""
    return below(rank, 3)


class Ends(farm.FarmTest):
    limit = 60

    def begin(self, *options, ranks=None, env=None):
        """A run whose tasks leave files begun*; goes on when there is one."""
        run = self.start("e.json", *options, ranks=ranks, env=env)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: list(self.folder.glob("begun*")) or run.poll() is not None, "no task begins")
        self.assertIsNone(run.poll(), self.said())
        return run

    def said(self):
        return (self.folder / "stderr").read_text()

    def has_stage(self, stage):
        try:
            with h5py.File(self.folder / "e.h5") as file:
                return stage in file
        except (OSError, KeyError):
            return False


class Killed(Ends):
    """kill -9: nobody writes into what somebody else makes anew."""

    def setUp(self):
        super().setUp()
        self.write("e.json", {"over": {"n": [1, 2]}, "run": {"command": HALVES}, "outputs": "o{n}.txt", "retries": 1})

    def check_outputs(self):
        for n in (1, 2):
            self.assertEqual((self.folder / f"o{n}.txt").read_text(), "half\nwhole\n")

    @farm.first
    def test_a_run_leaves_nothing_behind_that_writes_into_the_next(self):
        for ranks in (None, 2):
            with self.subTest(ranks=ranks):
                run = self.begin("--slots", 2, ranks=ranks)
                for pid in farm.ranks_of(run).values():
                    os.kill(pid, signal.SIGKILL)
                run.wait(30)
                self.taskfarm("e.json", "--slots", 2)
                self.check_outputs()
                for path in self.folder.glob("[bo]*[12]*"):
                    path.unlink()
                (self.folder / "e.h5").unlink()

    @farm.first
    def test_a_host_takes_its_command_with_it(self):
        run = self.begin("--slots", 2)
        for host in hosts_of(run.pid):
            os.kill(host, signal.SIGKILL)
        self.assertEqual(run.wait(30), 0, self.said())
        self.check_outputs()

    def test_a_function_takes_what_it_has_started_with_it(self):
        self.write("f.c", PLUGIN)
        subprocess.run(["cc", f"-I{farm.SOURCE}/include", "-fPIC", "-shared", "f.c", "-o", "f.so"], cwd=self.folder, check=True)
        self.write("e.json", {"run": {"function": "./f.so:start"}, "timeout": 1, "retries": 1})
        self.taskfarm("e.json")

    @farm.first
    def test_guard_spawner_and_hosts_hold_the_output(self):
        run = self.begin("--slots", 2)
        spawner = below(run.pid, 2)[0]
        guard = next(pid for pid in children(run.pid) if spawner in children(pid))
        for pid in (guard, spawner, *hosts_of(run.pid)):
            self.assertIn(str(self.folder.resolve() / "e.h5.d/lock"), files_of(pid))
        self.assertEqual(run.wait(30), 0, self.said())


class Stopped(Ends):
    """A signal ends a run, whatever its tasks are at; and a second one at once."""

    limit = 30

    def check_stopped(self, run, *said):
        self.assertEqual(run.wait(self.limit), 75, self.said())
        for text in said:
            self.assertIn(text, self.said())
        self.wait_for(lambda: not farm.lock_is_held(self.folder / "e.h5.d/lock"), "something of the run goes on")

    @farm.first
    def test_with_a_function_that_does_not_end(self):
        """Also with a host that somebody has stopped, and of several ranks."""
        hang = {"function": "builtin:hang"}
        service = {"service": ["sh", "-c", "touch begun; trap '' TERM; sleep 1000"]}
        for run, stop_host, ranks in ((hang, False, None), (hang, False, 2), (hang, True, None), (service, False, None)):
            for how in ("grace", "signals"):
                if how == "signals" and (ranks or run is service):
                    continue
                if how == "grace" and run is hang and not ranks and not stop_host and not farm.SOAK:
                    continue  # as of several ranks
                with self.subTest(run=run, stop_host=stop_host, ranks=ranks, how=how):
                    self.setUp()
                    first = {"name": "first", "run": {"command": "touch begun"}}
                    self.write("e.json", {"stages": [first, {"name": "long", "over": {"i": {"range": [3]}}, "run": run}]})
                    began = self.begin("--slots", 1, "--grace", 0.2 if how == "grace" else 1000, ranks=ranks)
                    self.wait_for(lambda: self.has_stage("long"), "the task does not begin")
                    if stop_host:
                        os.kill(hosts_of(began.pid)[0], signal.SIGSTOP)
                    farm.ask_to_stop(began)
                    if how == "signals":
                        self.wait_for(lambda: "stopping" in self.said(), "it does not stop")
                        farm.ask_to_stop(began)
                    self.check_stopped(began, "0 failed, ")

    def test_with_a_rank_that_answers_to_nothing(self):
        """A call that does not return, of MPI or of the disk, is like a rank 0 that hears nothing of the others."""
        self.write("e.json", {"run": {"command": "touch begun; sleep 1000"}})
        run = self.begin("--grace", 1000, "--exit-file", "ended", ranks=2)
        ranks = farm.ranks_of(run)
        os.kill(ranks[1], signal.SIGSTOP)
        for count in (1, 2):
            os.kill(ranks[0], signal.SIGUSR1)
            if count == 1:
                self.wait_for(lambda: "stopping" in self.said(), "it does not stop")
        self.check_stopped(run, "taskfarm: ended without waiting any longer; what is in the output is safe, and the same command line goes on")
        self.assertEqual((self.folder / "ended").read_text(), "75\n")

    def test_with_a_regular_expression_that_does_not_end(self):
        """On a million letters it takes as long as their square: an hour."""
        search = {
            "run": {"command": "head -c 1000000 /dev/zero | tr '\\0' a; touch begun"},
            "results": {"x": {"type": "string", "from": "regex:(a|aa|a?)*(a|aa)*c"}},
        }
        self.write("e.json", {**search, "timeout": 0.3})
        self.taskfarm("e.json", status=1)
        self.assertIn("timeout after 0.3s", self.taskfarm("show", "e.h5", 0).stdout)
        self.assertEqual(self.open("e.h5")["e/task/status"][0], farm.TIMEOUT)
        (self.folder / "begun").unlink()
        self.write("e.json", search)
        run = self.begin("--fresh", "--grace", 0.2)
        farm.ask_to_stop(run)
        self.check_stopped(run)

    def test_back_references_are_refused(self):
        for expression, refused in (("(a|aa|a?)*(a|aa)*\\1c", True), ("(a)[\\1]", False), ("a\\\\1", False), ("(a)\\[\\1", True)):
            self.write("e.json", {"run": {"command": "echo"}, "results": {"x": {"type": "string", "from": f"regex:{expression}"}}})
            said = self.taskfarm("check", "e.json", status=2 if refused else 0).stderr
            self.assertEqual("refers back to a group (\\1 to \\9), which can take for ever; do without" in said, refused, said)


class Services(Ends):
    limit = 30

    def serve(self, script, tasks=3, status=0, **more):
        self.write("serve.py", "import json, os, subprocess, sys, time\n" + script)
        run = {"service": [sys.executable, "serve.py"]}
        self.write("e.json", {"over": {"n": {"range": [tasks]}}, "run": run, "results": {"y": "int64"}, **more})
        self.taskfarm("e.json", "--slots", 1, status=status)
        file = self.open("e.h5")
        return list(file["e/task/status"]), [str(message, "utf-8") for message in self.heap(file["e"], "message")] if status else []

    ANSWER = "print(json.dumps({'index': task['index'], 'results': {'y': 1}}), flush=True)\n"

    @farm.first
    def test_that_is_dead_is_noticed_while_its_child_holds_its_output(self):
        script = "for line in sys.stdin:\n    task = json.loads(line)\n    subprocess.Popen(['sleep', '1000'])\n    os._exit(7)\n"
        statuses, messages = self.serve(script, tasks=1, status=1)
        self.assertEqual(statuses, [farm.FAILED])
        self.assertEqual(messages, ["the service ended: exit status 7"])

    @farm.first
    def test_that_ends_after_an_answer_costs_no_task(self):
        """It lives long enough to be given the next one, and reads nothing of it."""
        script = "task = json.loads(sys.stdin.readline())\n" + self.ANSWER + "time.sleep(0.3)\n"
        self.assertEqual(self.serve(script)[0], [farm.DONE] * 3)

    def test_that_reads_no_more_costs_its_own_task_alone(self):
        script = "task = json.loads(sys.stdin.readline())\nos.close(0)\n" + self.ANSWER + "time.sleep(1000)\n"
        self.assertEqual(self.serve(script)[0], [farm.DONE] * 3)

    def test_that_never_reads_costs_no_task(self):
        self.write("service.py", "import os, time\nos.close(0)\ntime.sleep(1000)\n")
        self.write("e.json", {"over": {"n": [1, 2, 3]}, "run": {"service": ["/usr/bin/python3", "service.py"]}})
        said = self.taskfarm("e.json", "--slots", 1, status=1).stderr
        self.assertIn("  stopped e: the service has closed its standard input, and not read the task\n", said)
        self.assertFalse(self.open("e.h5")["e/task/status"][()].any(), "all are pending")


class Surroundings(Ends):
    """What whoever starts taskfarm has done to its signals, descriptors and limits; and what tasks get of that."""

    limit = 60

    def run_in(self, arrange, *arguments, status=0, **streams):
        """taskfarm, in a process in which `arrange` was called before."""
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        done = subprocess.run(
            [farm.TASKFARM, *arguments],
            cwd=self.folder,
            env=farm.environment(),
            stdin=subprocess.DEVNULL,
            preexec_fn=arrange,
            restore_signals=False,
            timeout=self.limit,
            text=True,
            **streams,
        )
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    @farm.first
    def test_that_commands_depend_on(self):
        """SIGCHLD may be ignored, and standard error be closed: it is not another file then."""
        self.write("e.json", {"over": {"i": {"range": [20]}}, "run": {"command": "echo {i} >&2; test {i} -ne 3"}})
        self.run_in(lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN), "e.json", status=1)
        for closed in ((2,), (0, 1, 2)):
            self.run_in(lambda: [os.close(fd) for fd in closed], "e.json", "--fresh", status=1)
            self.assertEqual(list(self.open("e.h5")["e/task/status"]).count(farm.DONE), 19)

    def test_a_file_that_may_not_grow_ends_the_run_in_order(self):
        """One whose length is known, before anything is written; one that grows, when it can no longer."""
        rows = {"over": {"i": {"range": [100000]}}, "run": {"function": "builtin:random"}, "results": {"x": {"type": "float64", "shape": [64]}}}
        texts = {"over": {"i": {"range": [100]}}, "run": {"command": "head -c 65536 /dev/zero | tr '\\0' x"}}
        for stage, limit, said in (
            (rows, 30 << 20, r'^taskfarm: e\.h5: with stage "e" it has 51\.3\d MB, and rank 0 may write no file of more than 30 MB: raise ulimit -f\n$'),
            (texts, 5 << 20, r"taskfarm: e\.h5\.d/run-1/rank-0000\.text: File too large\n"),
        ):
            self.write("e.json", stage)
            done = self.run_in(lambda limit=limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)), "e.json", "--fresh", status=3)
            self.assertRegex(done.stderr, said)

    @farm.first
    def test_nobody_who_reads_what_a_run_says(self):
        self.write("e.json", {"over": {"i": {"range": [5]}}, "run": {"command": "echo {i}; false"}})
        read, write = os.pipe()
        os.close(read)
        self.run_in(lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL), "e.json", "--progress", "plain", status=1, stderr=write)
        os.close(write)

    def test_output_that_cannot_be_written_is_told_by_the_exit_status(self):
        self.write("e.json", {"over": {"i": {"range": [2]}}, "run": {"command": "echo {i}"}})
        self.write("tasks.txt", "echo 1\n")
        self.taskfarm("e.json")
        for arguments in (
            ["status", "e.h5"],
            ["status", "e.h5", "--json"],
            ["show", "e.h5", "0"],
            ["export", "e.h5"],
            ["plan", "e.json"],
            ["run", "-n", "e.json"],
            ["check", "e.json"],
            ["try", "e.json", "0"],
            ["graph", "e.json"],
            ["job", "slurm", "e.json"],
            ["import", "commands", "tasks.txt"],
            ["schema"],
            ["completion", "bash"],
            ["manual"],
            ["--help"],
            ["--version"],
            ["version", "--json"],
        ):
            with self.subTest(arguments=arguments), open("/dev/full", "w") as full:
                done = self.run_in(None, *arguments, status=3, stdout=full)
                self.assertRegex(done.stderr, "taskfarm: can't write to standard output: (No space left on device|not all was written)\n$")

    @farm.first
    def test_tasks_have_those_of_the_user_and_no_others(self):
        """Default signals, none blocked, three descriptors; the user's own limits and file mode mask."""
        look = "cat /proc/self/status >status; ls -l /proc/self/fd >fd; cat /proc/self/limits >limits"
        serve = "while read line; do " + look + "; echo '{{\"index\": 0, \"results\": {{}}}}'; done"
        extra = os.open("/dev/null", os.O_RDONLY)
        self.addCleanup(os.close, extra)

        def arrange():
            for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGCHLD, signal.SIGALRM])
            resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            os.umask(0o027)
            os.set_inheritable(extra, True)

        limits = subprocess.run(["cat", "/proc/self/limits"], preexec_fn=arrange, capture_output=True, text=True, check=True).stdout
        for run in ({"command": look}, {"service": ["sh", "-c", serve]}):
            with self.subTest(run=run):
                self.write("e.json", {"run": run})
                self.run_in(arrange, "e.json", "--fresh", close_fds=False)
                status = dict(line.split(":\t", 1) for line in (self.folder / "status").read_text().splitlines() if ":\t" in line)
                for name in ("SigIgn", "SigBlk", "ShdPnd", "SigPnd"):
                    self.assertEqual(int(status[name], 16) & ~LIBRARY_SIGNALS, 0, name)
                self.assertEqual(status["Umask"], "0027")
                self.assertEqual((self.folder / "limits").read_text(), limits)
                self.assertEqual({line.split()[8] for line in (self.folder / "fd").read_text().splitlines()[1:]} - {"3"}, {"0", "1", "2"})
        self.write("e.json", {"stages": [{"name": "b", "run": {"command": "touch begun"}}, {"name": "f", "after": ["b"], "run": {"function": "builtin:hang"}}]})
        run = subprocess.Popen(
            [farm.TASKFARM, "e.json", "--fresh", "--slots", "1", "--grace", "0"], cwd=self.folder, env=farm.environment(), preexec_fn=arrange,
            restore_signals=False, stderr=subprocess.DEVNULL,
        )
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: self.has_stage("f") and hosts_of(run.pid), "the function does not begin")

        def of_host(name):
            text = pathlib.Path(f"/proc/{hosts_of(run.pid)[0]}/status").read_text()
            return int(text.split(name + ":\t")[1].split()[0], 16)

        self.wait_for(lambda: of_host("SigIgn") == 0, "functions have signals ignored")
        self.assertEqual(of_host("SigBlk"), 0)
        run.send_signal(signal.SIGUSR1)
        self.assertEqual(run.wait(30), 75)


class FullDisk(Ends):
    limit = 60

    def small_disk(self, size):
        small = self.folder / "small"
        small.mkdir(exist_ok=True)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", small], capture_output=True).returncode != 0:
            self.skipTest("mounting a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", "-l", small], capture_output=True)
        return small

    def test_ranks_that_flush_together_do_not_wait_for_one_that_cannot(self):
        """Whatever there is left, a run of several ranks ends, with the reason."""
        size = 3 << 20
        small = self.small_disk(size)
        columns = {f"c{k}": "i" for k in range(30)}
        self.write("e.json", {"stages": [{"name": f"s{n}", "over": {"i": {"range": [50]}}, "run": {"expr": columns}} for n in range(8)]})
        for left in range(80, 400, 20) if farm.SOAK else (200,):  # KB
            with self.subTest(left=left):
                with open(small / "fill", "wb") as fill:
                    os.posix_fallocate(fill.fileno(), 0, size - (left << 10))
                done = self.taskfarm("e.json", "--output", small / "e.h5", ranks=2, status=3)
                self.assertIn("No space left on device\n", done.stderr)
                for path in ("e.h5", "e.h5.d", "fill"):
                    subprocess.run(["rm", "-rf", small / path], check=True)

    @unittest.skipIf(farm.MPICH, "it makes no files where temporary ones are")
    def test_where_mpi_makes_its_files(self):
        """Nothing is made of a run that can't begin, and what an earlier one has made is as it was."""
        small = self.small_disk("64k")
        self.write("e.json", {"over": {"i": {"range": [2]}}, "run": {"command": "true"}})
        for again in (False, True):
            before = self.files()
            for ranks in (None, 2):
                # by mpirun's own means, which are elsewhere, to its ranks
                env = {"TMPDIR": str(small)} if not ranks else {"PRTE_MCA_prte_tmpdir_base": "/tmp", "OMPI_MCA_orte_tmpdir_base": "/tmp"}
                launcher = [farm.MPIRUN, "-n", str(ranks), "env", f"PMIX_SERVER_TMPDIR={small}"] if ranks else []
                done = subprocess.run(
                    [*launcher, farm.TASKFARM, "e.json", "--mpi", "yes"], cwd=self.folder, env=farm.environment(**env), capture_output=True, text=True, timeout=self.limit
                )
                self.assertEqual(done.returncode, 3, done.stderr)
                self.assertRegex(done.stderr, f"taskfarm: MPI can't begin on .*: {small}, where it makes its files, is full: it needs 8\\.043 MB; make room there, or set TMPDIR to another folder\n")
                self.assertEqual(self.files(), before)
            if not again:
                self.taskfarm("e.json")
        self.assertEqual(self.files(), before)


    @unittest.skipIf(farm.MPICH, "it makes no files where temporary ones are")
    def test_a_little_too_little_and_just_enough_for_mpi(self):
        """What one rank's start has taken of it does not keep the next from starting."""
        self.write("e.json", {"over": {"i": {"range": [2]}}, "run": {"command": "true"}})
        for size, ranks, status in [("8200k", None, 3), ("8200k", 2, 3), ("8300k", 3, 0)] + [("8300k", 12, 0)] * 10 * farm.SOAK:
            with self.subTest(size=size, ranks=ranks):
                small = self.small_disk(size)
                done = self.taskfarm("e.json", "--fresh", "--mpi", "yes", ranks=ranks, status=status, env={"TMPDIR": str(small)})
                if status:
                    self.assertRegex(done.stderr, "taskfarm: MPI can't begin on .*: .*/small.*, where it makes its files, is full: it needs 8\\.043 MB")
                subprocess.run(["umount", "-l", small], check=True)

    @unittest.skipIf(farm.MPICH, "it makes no files where temporary ones are")
    @farm.first
    def test_what_is_no_folder_for_the_files_of_mpi(self):
        """One that is not there is made by it."""
        self.write("e.json", {"run": {"command": "true"}})
        self.write("file", "")
        (self.folder / "astray").symlink_to("nowhere")
        before = self.files()
        for name, reason in (("file", "Not a directory"), ("file/below", "Not a directory"), ("astray", "No such file or directory")):
            with self.subTest(name=name):
                done = self.taskfarm("e.json", "--mpi", "yes", status=3, env={"TMPDIR": str(self.folder / name)})
                self.assertRegex(done.stderr, f"^taskfarm: MPI can't begin on .*/{name}, where it makes its files: {reason}; set TMPDIR to another folder\n$")
                self.assertEqual(self.files(), before)
        self.taskfarm("e.json", "--mpi", "yes", env={"TMPDIR": str(self.folder / "new")})
        self.assertTrue((self.folder / "new").is_dir())

    @unittest.skipIf(farm.MPICH, "it makes no files where temporary ones are")
    def test_a_limit_that_mpi_can_not_begin_with(self):
        self.write("e.json", {"run": {"command": "true"}})
        limited = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))  # noqa: E731
        done = subprocess.run(self.command("e.json", "--mpi", "yes"), cwd=self.folder, env=farm.environment(), preexec_fn=limited, capture_output=True, text=True, timeout=self.limit)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertRegex(done.stderr, "^taskfarm: MPI can't begin on .*: it makes files of 4 MB, which ulimit -f does not allow; raise it\n$")


class Opening(Ends):
    """What MPI and HDF5 have open besides is neither anybody else's nor left behind."""

    @unittest.skipIf(farm.MPICH, "of Open MPI")
    def test_no_semaphore_has_the_name_of_the_output(self):
        """One that a run left locked would keep every later run of anybody, whose output has that name, for ever."""
        name = f"sem-{os.getpid()}.h5"
        self.write("e.json", {"run": {"command": "touch begun; test -e again || sleep 1000"}, "output": name})
        for ranks in (None, 2):
            run = self.begin("--fresh", ranks=ranks)
            self.assertEqual([entry for entry in os.listdir("/dev/shm") if name in entry], [])
            farm.kill_all(run)
            (self.folder / "again").touch()
            self.taskfarm("e.json")
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()), sorted(["again", "begun", "e.json", name, "stderr"]))
            for file in ("again", "begun", name):
                (self.folder / file).unlink()

    def test_an_array_that_is_gone_or_another_ends_the_run_in_order(self):
        array = {"name": "b", "after": ["a"], "over": {"d": {"blocks": {"shape": [100], "chunk": [50]}}}, "arrays": {"z": "in.h5:/z"}}
        array.update(run={"expr": {"y": "z"}}, results={"y": {"type": "float64", "array": "d"}})
        for change, said in (("rm in.h5", 'array "z" of stage "b": is not there'), ("cp other in.h5", 'array "z" of stage "b": /z has 7, and the axis "d" 100')):
            self.write("e.json", {"stages": [{"name": "a", "run": {"command": change}}, array]})
            for ranks in (None, 3) if farm.SOAK or "rm" in change else (None,):
                with self.subTest(change=change, ranks=ranks):
                    for name, length in (("in.h5", 100), ("other", 7)):
                        with h5py.File(self.folder / name, "w") as file:
                            file["z"] = [float(i) for i in range(length)]
                    done = self.taskfarm("e.json", "--fresh", ranks=ranks, status=3)
                    self.assertIn(f"taskfarm: in.h5: {said}\n", done.stderr)
                    self.assertNotIn("MPI_FINALIZE", done.stderr)


PLUGIN = """
#include <stdlib.h>
#include <taskfarm/plugin.h>

unsigned int tf_plugin_abi = TF_PLUGIN_ABI;
TF_EXTERN TF_EXPORT tf_task_fn start;

int start(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    if (system("test -e started") != 0)
        return system("echo $$ >started; exec sleep 1000") ? TF_FAILURE : TF_SUCCESS;
    return system("grep -q sleep /proc/$(cat started)/cmdline") == 0 ? TF_FAILURE : TF_SUCCESS; /* it lives on */
}
"""


@unittest.skipUnless(os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"]).returncode == 0, "another view of a folder can be had as root alone")
class OtherViews(farm.FarmTest):
    """Ranks on nodes that do not see the same files."""

    def test_a_rank_that_can_not_open_the_output_ends_the_run(self):
        self.write("c.json", {"over": {"n": [1, 2]}, "run": {"command": ["true"]}})
        beside = ["-n", "1", "unshare", "-m", "sh", "-c", 'mount -t tmpfs none "$PWD"; cd "$PWD"; exec "$@"', "sh"]
        run = subprocess.run(
            self.command("c.json", ranks=1) + [":"] + beside + self.command("c.json"),
            cwd=self.folder,
            env=farm.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=self.limit,
        )
        self.assertEqual(run.returncode, 3, run.stdout + run.stderr)
        self.assertIn("taskfarm: c.h5: can't be opened: No such file or directory\n", run.stderr)
        self.taskfarm("c.json", ranks=2)


if __name__ == "__main__":
    farm.main()
