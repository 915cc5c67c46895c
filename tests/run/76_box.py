"""The cluster in a box itself: what each verb does, and that nothing of it is left, whatever ends it."""

import contextlib
import os
import pathlib
import signal
import subprocess

import cluster
import farm


class BoxTest(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.box = self.enterContext(cluster.cluster(self, nodes=2))

    def reaches(self, here, there):
        """Does a node's network reach another's?"""
        probe = f"import socket; socket.create_connection((\\'node{there}\\', 7000), 1)"
        done = self.box.call("enter", here, f"/usr/bin/python3 -c '{probe}' 2>&1; true".replace("\\'", '"'))
        return "ConnectionRefusedError" in done  # nobody listens there, says the node itself


class Nodes(BoxTest):
    @farm.first
    def test_have_names_addresses_and_files_of_their_own(self):
        self.assertEqual(self.box.call("list"), "node1 up\nnode2 up\n")
        for node in (1, 2):
            self.assertEqual(self.box.enter(node, "hostname; cat /proc/sys/kernel/hostname; ls /sys/class/net"), f"node{node}\n" * 2 + "eth0\nlo\n")
            self.assertIn(f" 10.99.7.{node}/24 ", self.box.enter(node, "ip -o addr show eth0"))
            self.assertEqual(self.box.processes(node), [])
            self.box.enter(node, f"echo {node} | tee $TMPDIR/own >/dev/shm/own; echo {node} >>both")
        self.assertEqual([self.box.enter(node, "cat $TMPDIR/own /dev/shm/own") for node in (1, 2)], ["1\n1\n", "2\n2\n"])
        self.assertEqual((self.folder / "both").read_text(), "1\n2\n")
        self.assertEqual(list((self.box.folder / "disk").iterdir()), [])
        self.assertTrue(self.reaches(1, 2))
        for verb in ("slow", "full", "cut", "cut"):
            self.box.call(verb, 2)
        self.assertEqual(self.box.call("list"), "node1 up\nnode2 up, slow, full, cut\n")
        self.box.kill(2)
        self.assertEqual(self.box.call("list"), "node1 up\nnode2 down\n")
        self.box.heal(2)
        self.assertEqual(self.box.call("list"), "node1 up\nnode2 up\n")
        self.assertEqual([name for name in os.listdir("/sys/class/net") if name.startswith(("cable", "br0"))], [])

    def test_run_programs_and_say_how_they_end(self):
        self.assertEqual(self.box.call("run", "sh", "-c", "pwd; hostname; exit 5", status=5), f"{self.folder}\nnode1\n")
        self.box.call("run", "sh", "-c", "kill -9 $$", status=137)
        self.box.call("run", "no such program", status=127)
        self.box.enter(3, "true", status=255)

    def test_programs_are_sent_signals_and_hung_up_on(self):
        for end, mark in ((signal.SIGTERM, "TERM"), (signal.SIGKILL, "HUP")):
            with self.subTest(mark):
                script = f"trap 'echo {mark} >told; exit 3' {mark}; echo ready; while :; do sleep 0.05; done"
                run = self.box.start_command(["sh", "-c", script])
                self.wait_for(run.text, "the program does not begin")
                run.send(end)
                self.assertEqual(run.wait(), 3 if mark == "TERM" else -9)
                self.wait_for(lambda: not self.box.processes(1), "the program goes on")
                self.assertEqual((self.folder / "told").read_text(), f"{mark}\n")

    def test_a_program_that_a_node_asks_another_for_gets_the_environment_of_a_login(self):
        own = {"HERE": "1"}
        run = self.box.start_command(["sh", "-c", f"echo $HERE; {cluster.SCRIPT.with_name('agent')} node2 'hostname; echo $HERE$TMPDIR'"], env=own)
        self.assertEqual((run.wait(), run.text()), (0, f"1\nnode2\n{self.box.folder}/disk\n"))


class Verbs(BoxTest):
    @farm.first
    def test_cut_and_heal(self):
        self.box.cut(2)
        self.assertFalse(self.reaches(1, 2))
        self.assertEqual(self.box.enter(2, "hostname"), "node2\n")  # from outside
        run = self.box.start_command([cluster.SCRIPT.with_name("agent"), "node2", "hostname"])
        self.assertFalse(self.reaches(2, 1))
        self.assertEqual(run.text(), "")
        self.box.heal(2)
        self.assertEqual((run.wait(), run.text()), (0, "node2\n"))
        self.wait_for(lambda: self.reaches(1, 2), "the link is not up again")

    def state_of(self, node, name):
        return self.box.enter(node, f"ps -C {name} -o state=").split()

    def test_stop_and_heal(self):
        run = self.box.start_command([cluster.SCRIPT.with_name("agent"), "node2", "sleep 1000"])
        self.wait_for(lambda: self.box.processes(2), "nothing runs")
        self.box.stop(2)
        self.assertEqual(self.state_of(2, "sleep"), ["T"])
        self.box.heal(2)
        self.assertEqual(self.state_of(2, "sleep"), ["S"])
        self.box.enter(2, "kill $(pgrep sleep)")
        self.assertEqual(run.wait(), 143)

    @farm.first
    def test_kill_and_heal(self):
        outside = subprocess.Popen([cluster.SCRIPT, "enter", "2", "sleep 1000"], env=self.box.environment, stderr=subprocess.PIPE)
        inside = self.box.start_command([cluster.SCRIPT.with_name("agent"), "node2", "sleep 1000"])
        self.wait_for(lambda: len(self.box.processes(2)) >= 2, "nothing runs")
        self.box.enter(2, "echo >$TMPDIR/file")
        self.box.kill(2)
        self.assertEqual(self.box.call("list"), "node1 up\nnode2 down\n")
        self.assertEqual((outside.communicate(timeout=60)[1], outside.returncode), (b"box: node2 has gone\n", 255))
        self.box.enter(2, "true", status=255)
        self.box.heal(2)
        self.assertEqual(self.box.processes(2), [])
        self.assertEqual(self.box.enter(2, "hostname; ls $TMPDIR"), "node2\n")
        self.wait_for(lambda: self.reaches(1, 2), "it is not on the network")
        self.assertIsNone(inside.process.poll(), "ssh does not hear it, either")
        inside.send(signal.SIGKILL)

    @farm.first
    def test_end(self):
        """As of an mpirun that waits for a node that is gone, whose session with it nothing else would end."""
        agent = cluster.SCRIPT.with_name("agent")
        run = self.box.start_command(["sh", "-c", f"trap '' HUP INT TERM; {agent} node2 'sleep 1000'; sleep 1000"])
        self.wait_for(lambda: self.box.processes(2), "nothing runs")
        self.box.kill(2)
        self.assertEqual(len(self.box.processes(1)), 2, self.box.processes(1))
        self.box.end(2)
        self.box.end(1)
        self.assertEqual(run.wait(), 137)
        self.wait_for(lambda: not self.box.processes(1), "the session stays")
        self.box.end(1)

    def test_full_and_heal(self):
        write = "head -c 100000 /dev/zero >{}/file"
        self.box.enter(2, "head -c 1000000 /dev/zero >$TMPDIR/before")
        self.box.full(2)
        for disk in ("$TMPDIR", "/dev/shm"):
            self.box.enter(2, write.format(disk), status=1)
            self.box.enter(1, write.format(disk))
        self.box.heal(2)
        for disk in ("$TMPDIR", "/dev/shm"):
            self.box.enter(2, write.format(disk))

    def used(self, node, seconds):
        """The processor's time that a busy process gets on a node."""
        busy = f"import time; end = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass\nprint(time.process_time())"
        return float(self.box.enter(node, f"/usr/bin/python3 -c '{busy}'"))

    def test_slow_and_heal(self):
        self.box.slow(2)
        self.assertLess(self.used(2, 1), 0.5)
        self.box.heal(2)
        ended = self.box.enter(2, "cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu/cpu.cfs_quota_us 2>/dev/null; true")
        self.assertNotIn("10000 ", ended)


class Ends(farm.FarmTest):
    """Nothing is left, whatever ends a box."""

    def processes(self, box):
        """The command lines of a box's processes, by number: that of each, or its environment, names the folder."""
        found = {}
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command, environment = ((entry / name).read_bytes().decode(errors="replace").split("\0") for name in ("cmdline", "environ"))
                if str(box) in command or f"BOX={box}" in environment:
                    found[int(entry.name)] = command
        return found

    def left(self, box, groups):
        return [*self.processes(box).values(), *(path for path in [*groups, str(box)] if os.path.exists(path))]

    def test_nothing_is_left(self):
        for end in ("down", "keeper", "owner", "all"):
            with self.subTest(end):
                path = self.folder / end
                environment = farm.environment(BOX=str(path))
                owner = subprocess.Popen(["sleep", "1000"])
                self.addCleanup(owner.kill)
                subprocess.run([cluster.SCRIPT, "up", "2", str(owner.pid)], env=environment, check=True)
                busy = subprocess.Popen([cluster.SCRIPT, "run", "sh", "-c", "trap '' HUP; sleep 1000 & sleep 1000"], env=environment, stderr=subprocess.DEVNULL)
                stopped = subprocess.Popen([cluster.SCRIPT, "enter", "2", "sleep 1000"], env=environment, stderr=subprocess.DEVNULL)
                subprocess.run([cluster.SCRIPT, "stop", "2"], env=environment, check=True)
                groups = (path / "groups").read_text().split()
                if end == "down":
                    subprocess.run([cluster.SCRIPT, "down"], env=environment, check=True)
                elif end == "owner":
                    owner.kill()
                else:
                    for name in ("/janitor", "/keeper.py") if end == "all" else ("/keeper.py",):
                        (pid,) = [pid for pid, command in self.processes(path).items() if any(word.endswith(name) for word in command)]
                        os.kill(pid, signal.SIGKILL)
                self.assertEqual({busy.wait(60), stopped.wait(60)}, {255})
                owner.kill()
                owner.wait()
                if end == "all":  # the next one sweeps up
                    subprocess.run([cluster.SCRIPT, "up", "1"], env=environment, check=True)
                    subprocess.run([cluster.SCRIPT, "down"], env=environment, check=True)
                self.wait_for(lambda: not self.left(path, groups), f"{self.left(path, groups)}")


class Refused(farm.FarmTest):
    """Where the machine allows no namespaces."""

    def test_it_is_said_and_tests_are_skipped_or_fail(self):
        why = "unshare: unshare failed: Operation not permitted"
        self.write("bin/unshare", f"#!/bin/sh\necho {why} >&2\nexit 1\n").chmod(0o755)
        own = {"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "TASKFARM_ONLY": "76_box.test_cut", "BOX": str(self.folder / "box")}
        environment = {**farm.environment(), **own}
        environment.pop("TASKFARM_NEEDS_BOX", None)
        up = subprocess.run([cluster.SCRIPT, "up", "2"], env=environment, capture_output=True, text=True)
        self.assertEqual(up.returncode, 77)
        self.assertRegex(up.stderr, f"^box: skipped: there can be no nodes on this machine: setpriv .*: {why}\n$")
        for needed, status, begin in (({}, 77, "SKIPPED: 76_box.py: there can be no cluster in a box here: setpriv "), ({"TASKFARM_NEEDS_BOX": "ON"}, 1, "test_cut")):
            tests = subprocess.run(["/usr/bin/python3", "-B", __file__], env=environment | needed, capture_output=True, text=True)
            self.assertEqual((tests.returncode, tests.stderr[: len(begin)]), (status, begin))
            self.assertIn(why, tests.stderr)


cluster.main()
