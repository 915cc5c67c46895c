"""Signals and the wall-time limit stop a run in good order: what has ended is in the file, the rest is left for the next
run, and the exit status is 75."""

import os
import signal
import subprocess
import time

import farm
import h5py
from farm import digest

COMMAND = "echo {i} >> begun; echo out {i}; test ! -e slow || sleep {seconds}; echo {i} >> ended"


class Draining(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("d.json", {"over": {"i": {"range": [400]}}, "run": {"command": COMMAND.replace("{seconds}", "0.05")}})
        self.taskfarm("d.json", "--output", "whole.h5")
        self.expected = digest(self.folder / "whole.h5")
        for name in ("begun", "ended"):
            (self.folder / name).unlink()
        (self.folder / "slow").touch()

    def lines(self, name):
        path = self.folder / name
        return sorted(map(int, path.read_text().split())) if path.exists() else []

    def begin(self, *options, ranks=None):
        run = self.start("d.json", "--slots", 2, *options, ranks=ranks)
        self.wait_for(lambda: len(self.lines("ended")) > 20, "no task ends")
        return run

    def check_stopped(self, run, why):
        """All that has begun has ended, and is in the file; nothing else is."""
        status, text = run.wait(60), (self.folder / "stderr").read_text()
        self.assertEqual(status, 75, text)
        self.assertIn(f"taskfarm: stopping because of {why}", text)
        begun = self.lines("begun")
        self.assertEqual(begun, self.lines("ended"))
        with h5py.File(self.folder / "d.h5") as file:
            self.assertEqual(file.attrs["state"], "stopped")
            status = file["d/task/status"][()]
            self.assertEqual([i for i in range(400) if status[i]], begun)
            self.assertTrue(set(status) <= {0, farm.DONE})
        self.assertLess(len(begun), 400)
        self.assertRegex(text, rf"taskfarm: d: {len(begun)} done, 0 failed, {400 - len(begun)} left for the next run in .*; results in d\.h5; the same command line goes on\n")
        self.assertIn("press ctrl-C again to end them at once" if "(Interrupt)" in text else "another signal ends them at once", text)

    def check_rest(self):
        (self.folder / "slow").unlink()
        self.taskfarm("d.json")
        self.assertEqual(self.lines("begun"), list(range(400)), "each task has run once")
        self.assertEqual(digest(self.folder / "d.h5"), self.expected)
        self.assertFalse((self.folder / "d.h5.d").exists())

    def start_over(self):
        for name in ("begun", "ended", "d.h5"):
            (self.folder / name).unlink(missing_ok=True)
        (self.folder / "slow").touch()

    @farm.first
    def test_by_each_signal(self):
        for number in (signal.SIGUSR1, signal.SIGINT) if farm.SANITIZED else (signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                self.start_over()
                run = self.begin()
                run.send_signal(number)
                self.check_stopped(run, f"signal {int(number)}")
                self.check_rest()

    def test_by_a_signal_to_mpirun_or_to_any_rank(self):
        for to in (0, 2) if farm.MPICH else ("mpirun", 2) if farm.SANITIZED else ("mpirun", 0, 1, 2):
            with self.subTest(to=to):
                self.start_over()
                run = self.begin(ranks=3)
                os.kill(run.pid if to == "mpirun" else farm.ranks_of(run)[to], signal.SIGUSR1)
                self.check_stopped(run, "signal 10")
                self.check_rest()

    @farm.first
    def test_by_who_started_it(self):
        """The end of standard input is a signal, as when its other end was killed; and so is each byte that comes there."""
        for ranks in (None,) if farm.SANITIZED else (None, 3):
            with self.subTest(ranks=ranks):
                self.start_over()
                run = self.begin_with_pipe(ranks)
                run.stdin.close()
                self.check_stopped(run, "--stop-with")
                self.check_rest()

    def test_the_second_byte_ends_it_at_once(self):
        stuck = "echo {i} >> begun; test {i} -ne 30 || sleep 1000; echo {i} >> ended"
        self.write("d.json", {"over": {"i": {"range": [400]}}, "run": {"command": stuck}})
        (self.folder / "d.h5").unlink(missing_ok=True)
        run = self.begin_with_pipe(None)
        self.wait_for(lambda: 30 in self.lines("begun"), "the task does not start")
        run.stdin.write(b"\n")
        run.stdin.flush()
        self.wait_for(lambda: "stopping" in (self.folder / "stderr").read_text(), "it does not stop")
        run.stdin.write(b"\n")
        run.stdin.close()
        self.assertEqual(run.wait(60), 75, (self.folder / "stderr").read_text())
        self.assertNotIn(30, self.lines("ended"))

    def begin_with_pipe(self, ranks):
        command = self.command("d.json", "--slots", 2, "--stop-with", 0, ranks=ranks)
        with open(self.folder / "stderr", "wb") as err:
            run = subprocess.Popen(command, cwd=self.folder, env=farm.environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=err)
        self.wait_for(lambda: len(self.lines("ended")) > 20, "no task ends")
        return run

    def test_by_the_wall_time(self):
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                self.start_over()
                started = time.monotonic()
                run = self.begin("--walltime", 3, "--grace", 1, ranks=ranks)
                self.check_stopped(run, "--walltime")
                self.assertLess(time.monotonic() - started, 10)
                self.check_rest()

    @farm.first
    def test_nothing_is_left_half_done_when_there_is_no_time(self):
        """A second signal, or the end of --grace, leaves running tasks: they run again, those that had ended do not."""
        stuck = "echo {i} >> begun; test {i} -ne 30 || test ! -e slow || sleep 1000; echo {i} >> ended"
        self.write("d.json", {"over": {"i": {"range": [400]}}, "run": {"command": stuck}})
        for ranks in (3,) if farm.SANITIZED else (None, 3):
            for grace in (0.5, None):
                with self.subTest(ranks=ranks, grace=grace):
                    self.start_over()
                    run = self.begin(*(["--grace", grace] if grace else []), ranks=ranks)
                    self.wait_for(lambda: 30 in self.lines("begun"), "the task does not start")
                    time.sleep(0.2)
                    farm.ask_to_stop(run)
                    if not grace:
                        self.wait_for(lambda: "stopping" in (self.folder / "stderr").read_text(), "it does not stop")
                        farm.ask_to_stop(run)
                    self.assertEqual(run.wait(60), 75, (self.folder / "stderr").read_text())
                    with h5py.File(self.folder / "d.h5") as file:
                        status = file["d/task/status"][()]
                    ended = self.lines("ended")
                    self.assertNotIn(30, ended)
                    # A slot's command may be left between its last line and its end.
                    left = sorted(set(ended) - {i for i in range(400) if status[i]})
                    self.assertEqual(sorted([*left, *(i for i in range(400) if status[i])]), ended)
                    self.assertLessEqual(len(left), 2)
                    (self.folder / "slow").unlink()
                    self.taskfarm("d.json")
                    self.assertEqual(self.lines("begun"), sorted([*range(400), 30, *left]))

    def test_a_signal_when_all_is_done_changes_nothing(self):
        self.start_over()
        (self.folder / "slow").unlink()
        self.taskfarm("d.json", "--walltime", "1h", "--grace", 0)
        self.assertEqual(self.open("d.h5").attrs["state"], "complete")

    def test_mpirun_that_is_terminated_leaves_a_file_to_go_on_with(self):
        """mpirun gives its ranks a second after SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                self.start_over()
                run = self.begin(ranks=3)
                run.send_signal(number)
                status = run.wait(60)
                self.assertTrue(status != 0 or farm.MPICH)
                with h5py.File(self.folder / "d.h5") as file:
                    done = {i for i, s in enumerate(file["d/task/status"][()]) if s == farm.DONE}
                begun = len((self.folder / "begun").read_text().split())
                (self.folder / "slow").unlink()
                self.taskfarm("d.json")
                again = set(map(int, (self.folder / "begun").read_text().split()[begun:]))
                self.assertEqual(again & done, set())
                self.assertEqual(digest(self.folder / "d.h5"), self.expected)


if __name__ == "__main__":
    farm.main()
