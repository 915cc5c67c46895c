"""Programs with a main and a communicator of their own: functions of theirs are tasks, results come back as arrays."""

import os
import signal
import subprocess

import farm
import h5py
import numpy as np

PROGRAMS = farm.BUILD / "tests"


class Embedding(farm.FarmTest):
    def command(self, program, *arguments, ranks=None):
        launcher = [farm.MPIRUN, "-n", str(ranks)] if ranks else []
        return launcher + [str(PROGRAMS / program), *arguments]

    def run_program(self, *command, ranks=None, status=0):
        return self.taskfarm(*command, ranks=ranks, status=status)

    def test_the_examples(self):
        for ranks in (3,) if farm.SANITIZED else (None, 1, 3):
            for name in ("pi.h5", "delayed.h5"):
                (self.folder / name).unlink(missing_ok=True)
            self.assertEqual(self.run_program("pi", ranks=ranks).stdout, "pi = 3.14169 +- 0.00016\n")
            self.assertEqual(self.run_program("delayed", ranks=ranks).stdout, "inc(1) + inc(2) = 5\n1 + 4 + 9 + ... = 333833500\n")
            file = self.open("delayed.h5")
            self.assertLess(len(file), 20, "a stage for each function and level, and some for odd ones")
            self.assertEqual(file.attrs["state"], "complete")
            file.close()

    @farm.first
    def test_spaces_and_results(self):
        expected = ["12 tasks, 24 elements"]
        for x in ("0.5", "-1e+300"):
            expected += [f"R R{n} {1 - n % 2} {x} {n} 1" for n in (7, 8, -9)] + ["bad  0 nan nan 2"] * 3
        expected += [
            "counted 12, first 100, last 0",  # the tasks that a failed one would have given its number are skipped
            'stage "none" has not begun, or there is none [unknown-name]',
            'stage "counted" has neither a parameter nor a result "z" [unknown-name]',
            '"text" is of texts [unsuitable-type]',
            '"stdout" is of texts [unsuitable-type]',
            '"x" is of float64',
            '"n" is of int64, not of texts',
        ]
        for ranks in (5,) if farm.SANITIZED else (None, 2, 5):
            done = self.run_program("embed_cases", "spaces", "fresh", ranks=ranks, status=1)
            self.assertEqual(done.stdout.splitlines(), ["rank 0: status 1 "] + expected)
        shown = farm.FarmTest.command(self, "show", "spaces.h5", "described", "3")
        self.assertIn("bad7 is bad", subprocess.run(shown, cwd=self.folder, capture_output=True, text=True).stdout)
        self.assertAlmostEqual(float(self.open("spaces.h5")["counted/reduce/all/y.mean"][()].ravel()[0]), np.mean([100, 101, 102, 106, 107, 108]))

    @farm.first
    def test_a_graph_of_calls(self):
        """4095 divisions in twelve levels, each as the compiler does it; a call that crashes costs what needs it."""
        for ranks in (3,) if farm.SANITIZED else (None, 3):
            done = self.run_program("embed_cases", "graph", "fresh", ranks=ranks, status=1)
            self.assertEqual(done.stdout, "rank 0: status 1 \nright\n")
        with self.open("graph.h5") as file:
            statuses = np.concatenate([file[stage]["task/status"][()] for stage in file])
        self.assertEqual([int((statuses == s).sum()) for s in (farm.DONE, farm.FAILED, 4)], [4096, 1, 1])

    def test_what_is_wrong_is_told_on_all_ranks_at_once(self):
        wrong = (
            "retries: there is no stage 3\nseed: this is no JSON: {: not JSON: the text ends here, and more was expected\n"
            'a call of "divide": argument 0 is neither a finite number nor a call\n'
            'a call of "divide": argument 0 is neither a finite number nor a call\n'
            'a call of "divide": has 0 arguments, not 1 to 64\n'
        )
        key = 'manifest: /stages/0/retires: unknown key "retires"; did you mean "retries"?\n'
        function = 'manifest: /stages/0/run/function: this program has no function "missing"\n'
        for case, message, ids in (("wrong", wrong, 5 * ["usage"]), ("unknown", key, ["unknown-key"]), ("missing", function, ["bad-library"])):
            done = self.run_program("embed_cases", case, ranks=3, status=2)
            told = "".join(f" [{name}]" for name in ids)
            self.assertEqual(done.stdout, "".join(f"rank {r}: status 2 {message}{told}\n" for r in range(3)))
            self.assertEqual(self.files(), {})

    def test_which_stages_were_stopped_is_told_on_all_ranks(self):
        for ranks in (1, 3):
            done = self.run_program("embed_cases", "stopped", ranks=ranks, status=1)
            message = 'stage "stopped" was stopped: the service ended before it read a task: exit status 3 [service-fails]\n'
            self.assertEqual(done.stdout, "".join(f"rank {r}: status 1 {message}" for r in range(ranks)))
            (self.folder / "stopped.h5").unlink()

    @farm.first
    def test_what_can_not_be_had(self):
        done = self.run_program("embed_cases", "odd", status=1)
        self.assertEqual(
            done.stdout.splitlines()[1:],
            ["a function of numbers has at most 64 parameters, and a result", '"v" is not stored by rows', "there is no such call"],
        )

    def test_a_run_that_breaks_is_told_on_all_ranks(self):
        self.write("spaces.h5", b"not HDF5 at all")
        done = self.run_program("embed_cases", "spaces", ranks=2, status=3)
        message = "spaces.h5: is no HDF5 file; choose another name with --output"
        self.assertEqual(done.stdout.count(f"status 3 {message} [not-an-output]\n"), 2)

    def test_on_some_of_the_ranks(self):
        done = self.run_program("embed_cases", "half", ranks=5)
        self.assertEqual(done.stdout, "12 tasks\n")

    def test_one_runner_runs_again_and_leaves_the_process_as_it_was(self):
        for ranks in (None, 2):
            done = self.run_program("embed_cases", "again", ranks=ranks)
            self.assertEqual(done.stdout.splitlines()[-1], "folder kept, signals kept, status 0 and 0: 60 naps of 60")

    def test_one_runner_runs_campaigns_that_have_nothing_in_common(self):
        """In fewer and fewer slots; nothing of one is there in the next, and no folder is left."""
        expected = [f"{name}: status 0, {done} done " for name, done in zip(("one", "two", "three", "four", "five", "six"), (60, 24, 5000, 63, 24, 5000))]
        (self.folder / "temporary").mkdir()
        for ranks in (None,) if farm.SANITIZED else (None, 2):
            for old in self.folder.glob("*.h5"):
                old.unlink()
            done = self.taskfarm("embed_cases", "six", ranks=ranks, env={"TMPDIR": str(self.folder / "temporary")})
            self.assertEqual(done.stdout.splitlines(), [*expected, "handler kept"])
            self.assertEqual([p.name for p in (self.folder / "temporary").glob("taskfarm-*")], [])

    def test_killed_and_stopped_it_goes_on(self):
        for end in (signal.SIGKILL, signal.SIGUSR1):
            for ranks in ((3,) if end == signal.SIGKILL else (None,)) if farm.SANITIZED else (None, 3):
                with self.subTest(end=end, ranks=ranks):
                    (self.folder / "slow.h5").unlink(missing_ok=True)
                    run = self.start("embed_cases", "slow", "fresh", ranks=ranks)
                    self.wait_for(lambda: self.done() > 5, "no calls are done")
                    if end == signal.SIGKILL:
                        farm.kill_all(run)
                    else:
                        os.kill(farm.ranks_of(run, PROGRAMS / "embed_cases")[0], end)
                        self.assertEqual(run.wait(60), 75)
                    before = self.done()
                    self.assertLess(before, 60)
                    started = self.starts()
                    self.run_program("embed_cases", "slow", ranks=ranks)
                    self.assertEqual(self.done(), 60)
                    self.assertLessEqual(len(set(self.starts()) - set(started)), 60 - before)

    def test_a_rank_that_is_lost_is_told(self):
        """Nobody else closes the output: the next run does."""
        told = self.folder / "told"
        with open(told, "wb") as out:
            run = subprocess.Popen(
                self.command("embed_cases", "slow", "fresh", ranks=3),
                cwd=self.folder,
                env=farm.environment(TASKFARM_PATIENCE="2"),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.DEVNULL,
            )
        self.wait_for(lambda: self.done() > 5, "no calls are done")
        os.kill(farm.ranks_of(run, PROGRAMS / "embed_cases")[2], signal.SIGSTOP)
        self.wait_for(lambda: told.read_text().count("\n") == 2, "nobody tells")
        farm.kill_all(run)
        self.assertEqual(
            sorted(told.read_text().splitlines()),
            [
                f"rank {rank}: status 75 a rank is lost, and MPI would wait for it: end the program with MPI_Abort; the next run goes on with what is in the output [process-lost]"
                for rank in (0, 1)
            ],
        )
        before = self.done()
        self.run_program("embed_cases", "slow", ranks=3)
        self.assertGreater(before, 5)
        self.assertEqual(self.done(), 60)

    def done(self):
        try:
            with h5py.File(self.folder / "slow.h5") as file:
                return int((file["call_0/task/status"][()] == farm.DONE).sum())
        except (OSError, KeyError):
            return 0

    def starts(self):
        with h5py.File(self.folder / "slow.h5") as file:
            return file["call_0/results/value"][()].tolist()

    def test_from_the_command_line_there_is_no_program(self):
        self.write("p.json", {"run": {"function": "program:add"}})
        done = subprocess.run(farm.FarmTest.command(self, "p.json"), cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (2, 'p.json: /run/function: this program has no function "add"\n'))


if __name__ == "__main__":
    farm.main()
