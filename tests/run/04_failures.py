"""Tasks that fail cost only themselves, and the file says what happened to each."""

import itertools
import os
import re
import signal
import subprocess

import farm


class Failures(farm.FarmTest):
    @farm.first
    def test_each_has_its_status_exit_code_and_message_and_the_rest_is_complete(self):
        behaviours = [
            ("echo '{{\"y\": 1}}'", 1, 0, 0, b""),
            ("exit 7", 2, 7, 0, b"exit status 7"),
            ("echo because >&2; exit 3", 2, 3, 0, b"exit status 3: because"),
            ("kill -SEGV $$", 2, -1, 11, b"killed by signal 11 (Segmentation fault)"),
            ("kill -9 $$", 2, -1, 9, b"killed by signal 9 (Killed)"),
            ("echo no json", 2, 0, 0, b'column "y": the last line of stdout is not a JSON object: "no json"'),
            ("echo '{{}}'", 2, 0, 0, b'column "y": no such member in the last line of stdout; it is empty'),
            ("echo '{{\"y\": 1.5}}'", 2, 0, 0, b'column "y": 1.5 in the last line of stdout is no int32'),
        ]
        cases = " ".join(f"{i}) {b[0]};;" for i, b in enumerate(behaviours))
        self.write(
            "fail.json",
            {
                "over": {"round": {"range": [20]}, "which": {"range": [len(behaviours)]}},
                "run": {"command": f"case {{which}} in {cases} esac"},
                "results": {"y": "int32"},
            },
        )
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                done = self.taskfarm("fail.json", "--fresh", ranks=ranks, status=1)
                self.assertIn("taskfarm: fail: 20 done, 140 failed in ", done.stderr)
                groups = dict(re.findall(r"^  20 tasks failed: (.*): fail(\[.*), \.\.\.$", done.stderr, re.M))
                self.assertEqual(len(groups), 5)
                self.assertIn("  and 40 more\n", done.stderr)
                self.assertIn("  see: taskfarm show fail.h5 fail 1\n", done.stderr)
                for message, tasks in groups.items():
                    which = [b[4].decode().split("\n")[0] for b in behaviours].index(message)
                    self.assertEqual(tasks, ", ".join(f"[{which + 8 * n}]" for n in range(3)))
                file = self.open("fail.h5")
                self.assertEqual(file.attrs["state"], "failed")
                task, messages = file["fail/task"], self.heap(file["fail"], "message")
                for i in range(160):
                    _, status, exit_code, killed, message = behaviours[i % len(behaviours)]
                    found = (task["status"][i], task["exit_code"][i], task["signal"][i], messages[i])
                    self.assertEqual(found, (status, exit_code, killed, message), f"task {i}")
                    self.assertEqual(file["fail/results/y"][i], int(status == 1))
                file.close()

    @farm.first
    def test_functions_that_crash_or_exit(self):
        for function, message in (
            ("crash", b"killed by signal 11 (Segmentation fault)"),
            ("exit", b"the function ended its process with exit status 7"),
            ("fail", b"told to fail"),
        ):
            with self.subTest(function=function):
                self.write(
                    "f.json",
                    {
                        "over": {"i": {"range": [1000]}},
                        "run": {"function": f"builtin:{function}", "args": {"every": 100}},
                    },
                )
                done = self.taskfarm("f.json", "--fresh", "--slots", 2, ranks=2, status=1)
                self.assertIn("taskfarm: f: 990 done, 10 failed in ", done.stderr)
                file = self.open("f.h5")
                messages = self.heap(file["f"], "message")
                for i in range(1000):
                    failed = i % 100 == 0
                    self.assertEqual(file["f/task/status"][i], farm.FAILED if failed else farm.DONE)
                    self.assertEqual(messages[i], message if failed else b"")
                file.close()

    def test_tasks_that_take_too_long(self):
        self.write(
            "slow.json",
            {
                "defaults": {"over": {"i": {"range": [200]}}, "timeout": "0.5s", "record": "full"},
                "stages": [
                    {"name": "function", "run": {"function": "builtin:hang", "args": {"every": 100}}},
                    {"name": "command", "run": {"command": "test $(( {i} % 100 )) -ne 7 || exec sleep 1000"}},
                ],
            },
        )
        done = self.taskfarm("slow.json", "--slots", 2, ranks=2, status=1)
        self.assertIn("taskfarm: slow: 396 done, 4 failed in ", done.stderr)
        self.assertIn("  2 tasks failed: timeout after 0.5s: function[0], [100]\n", done.stderr)
        self.assertIn("  2 tasks failed: timeout after 0.5s: command[7], [107]\n", done.stderr)
        file = self.open("slow.h5")
        for name, first, killed in (("function", 0, 9), ("command", 7, 15)):
            task, messages = file[name]["task"], self.heap(file[name], "message")
            for i in range(200):
                late = i % 100 == first
                self.assertEqual(task["status"][i], farm.TIMEOUT if late else farm.DONE, f"{name}[{i}]")
                self.assertEqual(messages[i], b"timeout after 0.5s" if late else b"")
                self.assertEqual(task["signal"][i], killed if late else 0)

    @farm.first
    def test_that_are_tried_again(self):
        flaky = "test $(( {i} % 10 )) -ne 3 || test $TASKFARM_ATTEMPT -gt 2 || { echo $TASKFARM_ATTEMPT; exit 9; }"
        crash = {"function": "builtin:crash", "args": {"every": 20, "attempts": 2}}
        hang = {"function": "builtin:hang", "args": {"every": 50, "attempts": 1}}
        for retries, failed in ((2, 0), (1, 30)):
            stages = [
                {"name": "command", "run": {"command": flaky.replace("{ ", "{{ ").replace("; }", "; }}")}},
                {"name": "crash", "run": crash},
                {"name": "hang", "run": hang, "timeout": 0.3},
            ]
            defaults = {"over": {"i": {"range": [200]}}, "retries": 1, "retry_delay": 0.01}
            self.write("again.json", {"defaults": defaults, "stages": stages})
            for ranks in (None, 3):
                with self.subTest(retries=retries, ranks=ranks):
                    done = self.taskfarm(
                        "again.json", "--fresh", "--retries", retries, ranks=ranks, status=1 if failed else 0
                    )
                    self.assertIn(f"taskfarm: again: {600 - failed} done, {failed} failed in ", done.stderr)
                    file = self.open("again.h5")
                    for name, every, first, bad in (("command", 10, 3, 2), ("crash", 20, 0, 2), ("hang", 50, 0, 1)):
                        for i in range(200):
                            expected = min(retries, bad) + 1 if i % every == first else 1
                            self.assertEqual(file[name]["task/attempts"][i], expected, f"{name}[{i}]")
                    if failed:
                        outputs = self.heap(file["command"], "stdout")
                        self.assertEqual(outputs, [b"2\n" if i % 10 == 3 else b"" for i in range(200)])
                        messages = self.heap(file["command"], "message")
                        self.assertEqual(messages, [b"exit status 9" if i % 10 == 3 else b"" for i in range(200)])
                    else:
                        self.assertNotIn("message", file["command/text"])
                        self.assertNotIn("message", file["crash/text"])
                    file.close()

    def test_one_in_a_hundred_crashes_and_one_hangs(self):
        crash = {"function": "builtin:crash", "args": {"every": 50}}
        hang = {"function": "builtin:hang", "args": {"every": 50}}
        stages = [{"name": "crash", "run": crash}, {"name": "hang", "run": hang, "timeout": 0.2}]
        self.write("bad.json", {"defaults": {"over": {"i": {"range": [2000]}}}, "stages": stages})
        done = self.taskfarm("bad.json", "--slots", 4, ranks=3, status=1)
        self.assertIn("taskfarm: bad: 3 920 done, 80 failed in ", done.stderr)
        file = self.open("bad.h5")
        for name, status in (("crash", farm.FAILED), ("hang", farm.TIMEOUT)):
            expected = [status if i % 50 == 0 else farm.DONE for i in range(2000)]
            self.assertEqual(list(file[name]["task/status"]), expected)

    @farm.first
    def test_memory_is_limited(self):
        if farm.SANITIZED:
            self.skipTest("AddressSanitizer ends a process that gets no memory")
        grow = "x = [bytes(10**6) for i in range(400)]"
        limit = {"resources": {"memory": "100MB"}}
        stages = [
            {"name": "fits", "run": {"command": ["/usr/bin/python3", "-c", "x = bytearray(10**7)"]}},
            {"name": "command", "run": {"command": ["/usr/bin/python3", "-c", grow]}},
            {"name": "child", "run": {"command": "/usr/bin/python3 -c \"" + grow + "\"; exit $?"}},
            {"name": "function", "run": {"function": f"{farm.BUILD}/tests/libtest_plugin.so:greedy"}},
        ]
        self.write("memory.json", {"defaults": limit, "stages": stages})
        self.taskfarm("memory.json", status=1)
        file = self.open("memory.h5")
        self.assertEqual(file["fits/task/status"][0], farm.DONE)
        for name in ("command", "child"):
            self.assertEqual(
                self.heap(file[name], "message"), [b"exit status 1 (its memory is limited to 100 MB): MemoryError"]
            )
        self.assertEqual(self.heap(file["function"], "message"), [b"no memory after enough MiB"])

    def test_commands_inherit_no_open_files(self):
        self.write("files.json", {"run": {"command": ["ls", "/proc/self/fd"]}})
        ours, theirs = os.pipe()
        for ranks in (None, 2):
            os.set_inheritable(theirs, True)
            subprocess.run(
                self.command("files.json", "--fresh", ranks=ranks), cwd=self.folder, env=farm.environment(), close_fds=False, check=True
            )
            self.assertEqual(self.heap(self.open("files.h5")["files"], "stdout"), [b"0\n1\n2\n3\n"])  # 3 is the folder
        os.close(ours)
        os.close(theirs)

    def test_functions_that_close_every_file_descriptor(self):
        for name in ("closer", "slow_closer"):
            run = {"function": f"{farm.BUILD}/tests/libtest_plugin.so:{name}"}
            self.write("closer.json", {"over": {"i": {"range": [20]}}, "run": run})
            for ranks in (None, 3):
                self.taskfarm("closer.json", "--fresh", ranks=ranks)
                self.assertEqual(list(self.open("closer.h5")["closer/task/status"]), [farm.DONE] * 20)

    def test_that_stop_the_campaign(self):
        run = {"function": "builtin:fail", "args": {"every": 1}}
        wait = {"function": "builtin:sleep", "args": {"seconds": 0.02}}
        for on_failure, least in (("stop", 1), ({"stop_after": 30}, 30)):
            for ranks in (None, 3):
                with self.subTest(on_failure=on_failure, ranks=ranks):
                    stages = [
                        {"name": "fails", "over": {"i": {"range": [100000]}}, "run": run, "on_failure": on_failure},
                        {"name": "beside", "over": {"i": {"range": [100000]}}, "run": wait},
                        {"name": "behind", "after": ["fails"], "run": wait},
                    ]
                    self.write("stop.json", {"stages": stages})
                    done = self.taskfarm("stop.json", "--fresh", "--slots", 2, ranks=ranks, status=1)
                    self.assertRegex(done.stderr, r"taskfarm: stop: [\d ]+ done, [\d ]+ failed, [\d ]+ not run in ")
                    file = self.open("stop.h5")
                    self.assertEqual(file.attrs["state"], "failed")
                    status = file["fails/task/status"][()]
                    failed = int((status == farm.FAILED).sum())
                    self.assertGreaterEqual(failed, least)
                    self.assertLess(failed, 100000)
                    self.assertEqual(failed, int((status != 0).sum()))
                    self.assertLess(int((file["beside/task/status"][()] == farm.DONE).sum()), 1000)
                    self.assertNotIn("behind", file)
                    file.close()

    def test_of_tasks_that_were_begun_before_the_campaign_stopped(self):
        """The stage that waits for their files is finished by then: nothing is written of it any more."""
        make = {"command": "test {i} = 0 || sleep 0.4; test {i} = 2 && touch a{i}"}
        stages = [
            {"name": "make", "over": {"i": [0, 1, 2]}, "outputs": "a{i}", "run": make, "on_failure": "stop"},
            {"name": "read", "over": {"i": [0, 1, 2]}, "inputs": "a{i}", "run": {"command": "cat a{i}"}},
        ]
        self.write("begun.json", {"stages": stages})
        self.taskfarm("begun.json", "--slots", 3, status=1)
        with self.open("begun.h5") as file:
            self.assertEqual(list(file["make/task/status"]), [farm.FAILED, farm.FAILED, farm.DONE])
            self.assertEqual(file.attrs["state"], "failed")

    def test_a_plugin_whose_setup_fails(self):
        self.write(
            "never.json",
            {
                "over": {"i": {"range": [30]}},
                "run": {"function": f"{farm.BUILD}/tests/libtest_plugin.so:never", "args": {"catalogue": "gaia"}},
            },
        )
        done = self.taskfarm("never.json", status=1)
        self.assertIn("  30 tasks failed: no catalogue gaia: never[0], [1], [2], ...\n", done.stderr)
        self.assertEqual(self.heap(self.open("never.h5")["never"], "message"), [b"no catalogue gaia"] * 30)

    def test_output_of_failed_tasks_is_kept(self):
        self.write("out.json", {"run": {"command": "echo said this; echo and this >&2; exit 1"}})
        self.taskfarm("out.json", status=1)
        stage = self.open("out.h5")["out"]
        self.assertEqual(self.heap(stage, "stdout"), [b"said this\n"])
        self.assertEqual(self.heap(stage, "stderr"), [b"and this\n"])


class Disk(farm.FarmTest):
    @farm.first
    def test_that_is_full_ends_the_run_and_is_named(self):
        small = self.folder / "small"
        small.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", small], capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("mounting a small file system needs root")
        self.addCleanup(subprocess.run, ["umount", small])
        wide = {"x": {"type": "float64", "shape": [64]}}
        self.write(
            "rows.json",
            {"over": {"i": {"range": [100000]}}, "run": {"function": "builtin:random"}, "results": wide},
        )
        self.write(
            "halves.json",
            {
                "over": {"i": {"range": [200]}, "j": {"range": [500]}},
                "run": {"function": "builtin:random"},
                "results": {name: {"type": "float64", "shape": [2]} for name in "xy"},
                "store_params": False,
            },
        )
        self.write("texts.json", {"over": {"i": {"range": [200]}}, "run": {"command": "yes | head -c 60000"}})
        expected = {
            "rows": r'stage "rows" needs 50\.54 MB, and 2\.\d+ MB are free: No space left on device',
            "halves": r'stage "halves" needs 3\.248 MB, and 2\.\d+ MB are free: No space left on device',
            "texts": r"No space left on device",
        }
        for name, ranks in itertools.product(expected, (None, 3)):
            with self.subTest(name=name, ranks=ranks):
                status = 75 if name == "texts" else 3  # what does not fit will not fit later either
                done = self.taskfarm(f"{name}.json", "--output", "small/f.h5", "--fresh", "--patience", 0.5, ranks=ranks, status=status)
                self.assertRegex(done.stderr, rf"(?m)^taskfarm: \S+/small/f.h5.*: {expected[name]}$")
                for path in (small / "f.h5", small / "f.h5.d"):
                    self.assertTrue(path.exists(), "what was written is left as it is")
                if name == "halves":
                    self.assertLess((small / "f.h5").stat().st_blocks * 512, 1_000_000, "nothing is reserved in vain")
                subprocess.run(["sh", "-c", "rm -r small/*"], cwd=self.folder, check=True)

    def test_folder_that_may_not_be_written(self):
        self.write("a.json", {"run": {"command": ["true"]}})
        done = self.taskfarm("a.json", "--output", "/proc/x.h5", status=3)
        self.assertRegex(done.stderr, r"^taskfarm: /proc/x.h5.d: can't be made: in the folder /proc: ")
        (self.folder / "file").touch()
        for name, why in (
            ("none/at/x.h5", f"the folder {self.folder}/none is not there"),
            ("file/x.h5", f"{self.folder}/file is a file, not a folder"),
            (254 * "x", "the name is too long"),
        ):
            done = self.taskfarm("a.json", "--output", name, status=3)
            self.assertEqual(done.stderr, f"taskfarm: {self.folder}/{name}.d: can't be made: {why}\n")


class Ends(farm.FarmTest):
    def running(self, text):
        """Processes whose command line has `text`."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                with open(f"/proc/{entry}/cmdline", "rb") as file:
                    if entry.isdigit() and text.encode() in file.read():
                        found.append(int(entry))
            except OSError:
                pass
        return found

    @farm.first
    def test_nothing_outlives_a_run_that_is_killed(self):
        """Tasks and what they left in the background: the spawner, which is not killed itself, takes them with it."""
        mark = f"31{os.getpid()}"
        self.write(
            "sleep.json",
            {
                "over": {"i": {"range": [4]}},
                "run": {"command": f"touch {{scratch}}/x; sleep {mark} & sleep {mark}; true"},
            },
        )
        scratch = self.folder / ("a-long-name-" * 5)
        scratch.mkdir()
        for ranks in (None, 3):
            with self.subTest(ranks=ranks):
                run = subprocess.Popen(
                    self.command("sleep.json", "--fresh", "--slots", 2, ranks=ranks),
                    cwd=self.folder,
                    env=farm.environment(TMPDIR=str(scratch)),
                    stderr=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                )
                expected = 4 if ranks is None else 8

                def sleepers():
                    return self.running(f"sleep\0{mark}")

                self.wait_for(lambda: len(sleepers()) >= expected, "the tasks do not start")
                os.kill(run.pid, signal.SIGKILL)  # the rank, or mpirun
                run.wait(60)
                self.wait_for(lambda: not sleepers(), "tasks outlive their run")
                self.assertTrue((self.folder / "sleep.h5").exists() and (self.folder / "sleep.h5.d").exists())
                self.wait_for(lambda: not list(scratch.glob("taskfarm-*")), "scratch folders are left behind")


farm.main()
