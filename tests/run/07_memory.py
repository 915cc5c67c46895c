"""What a space costs does not depend on its size."""

import os
import subprocess
import time

import farm

MIB = 1024 * 1024


def peak(pid):
    """The largest resident set of a process so far, in bytes; 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/status") as file:
            return next((int(line.split()[1]) * 1024 for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


class Memory(farm.FarmTest):
    def noops(self, tasks):
        return self.write("noops.json", {"over": {"i": {"range": [tasks]}}, "run": {"function": "builtin:noop"}})

    def master_peak(self, tasks):
        """Rank 0's peak while it hands out a space of so many tasks with two workers."""
        self.noops(tasks)
        run = subprocess.Popen(
            self.command("noops.json", "--fresh", "--progress", "none", ranks=3),
            cwd=self.folder,
            env=farm.environment(),
            stderr=subprocess.DEVNULL,
        )
        self.wait_for(lambda: 0 in farm.ranks_of(run), "rank 0 does not start")
        pid, most = farm.ranks_of(run)[0], 0
        while run.poll() is None:
            most = max(most, peak(pid))
            time.sleep(0.005)
        self.assertEqual(run.returncode, 0)
        self.assertGreater(most, MIB)
        (self.folder / "noops.h5").unlink()
        return most

    @farm.first
    def test_of_the_master_is_the_same_for_ten_tasks_and_for_very_many(self):
        """10^9 tasks in the release build; with sanitizers, which take ten times as long, 10^7."""
        few, many = self.master_peak(10), self.master_peak(10**7 if farm.SANITIZED else 10**9)
        self.assertLess(many - few, 64 * MIB)

    @farm.first
    def test_of_a_check_is_the_same_for_ten_points_and_for_a_thousand_million(self):
        def check(points):
            self.noops(points)
            run = subprocess.Popen(
                self.command("check", "noops.json"), cwd=self.folder, stdout=subprocess.PIPE, env=farm.environment()
            )
            out = run.stdout.read()
            run.stdout.close()
            _, status, usage = os.wait4(run.pid, 0)
            run.returncode = status
            self.assertEqual(status, 0)
            self.assertIn(b" tasks of builtin:noop", out)
            return usage.ru_maxrss * 1024

        self.assertLess(check(10**9) - check(10), 2 * MIB)


farm.main()
