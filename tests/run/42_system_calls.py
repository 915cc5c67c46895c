"""What tasks cost the file system and the kernel: counted with strace, as it would be on a shared file system."""

import collections
import re
import subprocess

import farm

FILE_CALLS = re.compile(r"open|stat|access|readlink|rename|unlink|mkdir|chdir|getdents|statfs|lseek|ftruncate|fallocate|fcntl|flock|fsync|fdatasync")
WAITING = re.compile(r"poll|futex|nanosleep|restart_syscall|sched_yield|clock_|getrusage|epoll|select")  # as time passes


class SystemCalls(farm.FarmTest):
    def count(self, manifest):
        """Calls by name, of all processes of a run with two slots."""
        self.write("c.json", manifest)
        self.strace(farm.TASKFARM, "c.json", "--fresh", "--slots", "2", "--progress", "none")
        return self.calls()

    def strace(self, *command):
        subprocess.run(
            ["strace", "-f", "-qq", "-o", "calls", *command], cwd=self.folder, env=farm.environment(), stderr=subprocess.DEVNULL, check=True, timeout=self.limit
        )

    def calls(self):
        return collections.Counter(re.findall(r"^\d+ +(\w+)\(", (self.folder / "calls").read_text(errors="replace"), re.M))

    def sums(self, calls):
        files = sum(n for name, n in calls.items() if FILE_CALLS.search(name))
        others = sum(n for name, n in calls.items() if not FILE_CALLS.search(name) and not WAITING.search(name))
        return files, others

    def functions(self, tasks):
        return {"over": {"i": {"range": [tasks]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64"}, "record": "status"}

    @farm.first
    def test_functions_cost_none(self):
        """What there is goes by grants and batches: it is the same, or a few more, for a hundred times as many tasks."""
        few, many = 20000, 2000000
        files_few, others_few = self.sums(self.count(self.functions(few)))
        files_many, others_many = self.sums(self.count(self.functions(many)))
        self.assertLess((others_many - others_few) / (many - few), 0.02, "calls a task")
        self.assertLess(files_many - files_few, 400, "of files")

    def test_commands_cost_what_starting_them_does(self):
        """No file, no folder, nothing looked up for each of them by taskfarm itself: only what the command does."""
        manifest = {"over": {"i": {"range": [20]}}, "run": {"command": ["/bin/true"]}}
        few = self.count(manifest)
        manifest["over"]["i"]["range"] = [220]
        many = self.count(manifest)
        self.strace("/bin/true")
        alone = self.calls()
        made = {name: (many[name] - few[name]) / 200 for name in many if FILE_CALLS.search(name)}
        more = {name: round(n - alone[name]) for name, n in made.items() if n - alone[name] >= 0.9 and name != "fcntl"}
        self.assertEqual(more, {"openat": 1, "pidfd_open": 1}, "beside those of the command: /dev/null, and the process itself")
        self.assertEqual(many["execve"] - few["execve"], 200)

    def test_columns_open_no_files(self):
        """However many there are, the output is opened as often; and it is read through once for a report."""
        opened = {}
        for columns in (20, 320):
            results = {f"x{n}": "float64" for n in range(columns)}
            self.count({"over": {"i": {"range": [5]}}, "run": {"function": "builtin:random"}, "results": results})
            run = self.calls()["openat"]
            self.strace(farm.TASKFARM, "report", "c.h5", "-o", f"{columns}.html")
            trace = (self.folder / "calls").read_text(errors="replace")
            opened[columns] = run, len(re.findall(r'openat\([^"]*"[^"]*c\.h5", O_RDONLY', trace))
        self.assertLess(opened[320][0] - opened[20][0], 100)
        self.assertEqual(opened[320][1], opened[20][1])
        self.assertLess(opened[320][1], 10)

    def chain(self, stages):
        """The bytes written to the journal, and the waits for the disk, of a chain of so many."""
        over = lambda n: [{"from": f"s{n - 1}", "columns": {"x": "y"}}] if n else {"x": [1]}  # noqa: E731
        self.count({"stages": [{"name": f"s{n}", "over": over(n), "run": {"expr": {"y": "x + 1"}}} for n in range(stages)]})
        trace = (self.folder / "calls").read_text(errors="replace")
        journal = sum(int(size) for size in re.findall(r'write\(\d+, "[0-9a-f]{16}\\n\{.* = (\d+)$', trace, re.M))
        return journal, len(re.findall(r"^\d+ +f(?:data)?sync\(", trace, re.M))

    def test_a_stage_of_a_chain_costs_the_same_however_long_it_is(self):
        """What is written to the journal is what has changed; a stage ends and the next begins by one change."""
        (short, short_syncs), (middle, middle_syncs), (long, long_syncs) = (self.chain(n) for n in (10, 20, 40))
        self.assertGreater(short, 10000)
        self.assertLess((long - middle) / 20, 1.1 * (middle - short) / 10)
        self.assertLessEqual((long_syncs - short_syncs) / 30, 3.2, "a journal twice, the file once")
        self.assertGreater(middle_syncs, short_syncs)

    def test_without_mpirun_no_network_is_looked_for(self):
        """No part of Open MPI that has to do with one is opened; and tasks know nothing of how that is avoided."""
        names = "OMPI_MCA_pml", "OMPI_MCA_btl"
        command = "echo " + " ".join(f"${{{{{name}-none}}}}" for name in names)
        self.write("c.json", {"run": {"command": command}, "results": {"seen": {"type": "string", "from": "regex:.*"}}})
        env = {name: value for name, value in farm.environment().items() if name not in names}
        trace = ["strace", "-f", "-qq", "-e", "trace=openat", "-o", "calls", farm.TASKFARM, "c.json"]
        subprocess.run(trace, cwd=self.folder, env=env, stderr=subprocess.DEVNULL, check=True, timeout=self.limit)
        opened = set(re.findall(r"/(mca_(?:pml|btl|mtl)_\w+)\.so", (self.folder / "calls").read_text(errors="replace")))
        self.assertLessEqual(opened, {"mca_pml_ob1", "mca_btl_self"})
        self.assertEqual(self.open("c.h5")["c/results/seen"][0], b"none none")


if __name__ == "__main__":
    farm.main()
