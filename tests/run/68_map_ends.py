"""How runs of taskfarm.map end: with the script, before it, or after it. Nothing that is done is lost, and no engine is
left behind that nobody wants."""

import json
import os
import pathlib
import signal
import subprocess

import farm
import h5py
from map_test import MapTest

# Tasks note that they run; each waits until the file "go" is there, and those of "stuck" wait for ever.
SLOW = """
import os, time
def slow(i) -> int:
    open("called", "a").write(f"{i}\\n")
    while i >= 3 and not os.path.exists("go"):
        time.sleep(0.01)
    return i * i
space = taskfarm.product(i=range(8))
"""
MAP = 'run = taskfarm.map(slow, space, output="s.h5", slots=2, progress="plain"{})\nprint(run.state)\n'


class Ends(MapTest):
    def start_script(self, text):
        """Starts a script; its output is in the files "stdout" and "stderr"."""
        command = self.write_script(text)
        with open(self.folder / "stdout", "wb") as out, open(self.folder / "stderr", "wb") as err:
            return subprocess.Popen(command, cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True)

    def begin(self, text):
        script = self.start_script(text)
        self.wait_for(lambda: len(self.calls()) >= 5 or script.poll() is not None, "no task waits")
        return script

    def said(self, name="stderr"):
        return (self.folder / name).read_text()

    def engine(self):
        """What the run's folder says of its engine."""
        return json.loads((self.folder / "s.h5.map/engine.json").read_text())

    def is_there(self, pid):
        try:
            state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
        except OSError:
            return False
        return state != "Z"

    def let_go(self):
        (self.folder / "go").touch()

    def check_whole(self):
        """All is done, and nothing that was done has run again but what was under way."""
        self.let_go()
        done = self.python(SLOW + MAP.format(""))
        self.assertEqual(done.stdout, "complete\n")
        with h5py.File(self.folder / "s.h5") as file:
            self.assertEqual(file["slow/results/result"][()].tolist(), [i * i for i in range(8)])
        calls = self.calls()
        self.assertEqual(sorted(set(calls)), [str(i) for i in range(8)])
        self.assertEqual([calls.count(str(i)) for i in range(3)], [1, 1, 1])
        self.assertFalse((self.folder / "s.h5.map").exists())
        self.assertFalse((self.folder / "s.h5.d").exists())
        return done

    @farm.first
    def test_the_script_is_killed(self):
        """The engine ends in good order: tasks under way may end. The next map waits for that, and goes on."""
        script = self.begin(SLOW + MAP.format(""))
        engine = self.engine()["pid"]
        self.assertNotEqual(os.getsid(engine), os.getsid(script.pid))
        script.kill()
        script.wait()
        self.assertTrue(self.is_there(engine), "it waits for its tasks")
        second = self.start_script(SLOW + MAP.format(""))
        self.wait_for(lambda: "waits for the run of process" in self.said(), "the second does not wait")
        self.let_go()
        self.assertEqual(second.wait(60), 0, self.said())
        self.assertFalse(self.is_there(engine))
        self.assertEqual(self.said("stdout"), "complete\n")
        self.assertIn("taskfarm: s.h5: waits for the run of process", self.said())
        self.assertEqual(len(self.calls()), 8, "those under way were waited for")
        self.check_whole()

    @farm.first
    def test_interrupts(self):
        """The first lets tasks end, the second does not; what is done stays."""
        for times in (1, 2):
            with self.subTest(times=times):
                for path in ("s.h5", "go", "called"):
                    (self.folder / path).unlink(missing_ok=True)
                script = self.begin(SLOW + "try:\n    " + MAP.format("").split("\n")[0] + "\nexcept KeyboardInterrupt:\n    print('interrupted')\n")
                script.send_signal(signal.SIGINT)
                self.wait_for(lambda: "stopping" in self.said(), "it does not stop")
                if times == 2:
                    script.send_signal(signal.SIGINT)
                else:
                    self.let_go()
                self.assertEqual(script.wait(60), 0, self.said())
                self.assertEqual(self.said("stdout"), "interrupted\n")
                self.assertIn("taskfarm: stopping: tasks that have begun may end; interrupt again to end them at once\n", self.said())
                with h5py.File(self.folder / "s.h5") as file:
                    self.assertEqual(file["slow/task/status"][:3].tolist(), [1, 1, 1])
                self.check_whole()

    @farm.first
    def test_the_engine_is_stopped(self):
        """As by the batch system: the script ends with 75, and does not go on with half a grid."""
        script = self.begin(SLOW + MAP.format("") + "print('went on')")
        os.kill(self.engine()["pid"], signal.SIGUSR1)
        self.wait_for(lambda: (self.folder / "s.h5").exists(), "there is no output")
        self.let_go()
        self.assertEqual(script.wait(60), 75, self.said())
        self.assertEqual(self.said("stdout"), "")
        caught = self.start_script(SLOW.replace('"go"', '"never"') + "try:\n    " + MAP.format("").split("\n")[0] + "\nexcept taskfarm.Stopped as stop:\n    print(stop.code, stop.run.state, stop)\n")
        self.wait_for(lambda: len(self.calls()) >= 7 or caught.poll() is not None, "no task waits")
        for _ in range(2):
            if caught.poll() is None:
                os.kill(self.engine()["pid"], signal.SIGUSR1)
                self.wait_for(lambda: True, "")
        status = caught.wait(60)
        self.assertEqual(status, 0, self.said())
        self.assertRegex(self.said("stdout"), r"^(75 stopped s\.h5: \d done, \d left.*: it was stopped; the same map goes on)?\n?$")
        self.check_whole()

    def test_the_engine_is_killed(self):
        script = self.begin(SLOW + MAP.format(""))
        os.kill(self.engine()["pid"], signal.SIGKILL)
        self.assertEqual(script.wait(60), 1, self.said())
        self.assertIn("taskfarm._errors.EngineError: the engine was killed by signal 9", self.said())
        self.check_whole()

    def test_children_of_the_script_keep_no_run_alive(self):
        begin = SLOW + "import threading\ndef later():\n    while not os.path.exists('fork'): time.sleep(0.01)\n    if os.fork() == 0:\n        open('forked', 'w').write(str(os.getpid()))\n        time.sleep(1000)\nthreading.Thread(target=later, daemon=True).start()\n"
        script = self.begin(begin + MAP.format(""))
        (self.folder / "fork").touch()
        self.wait_for(lambda: (self.folder / "forked").exists() and self.said("forked"), "there is no child")
        child = int(self.said("forked"))
        self.addCleanup(os.kill, child, signal.SIGKILL)
        engine = self.engine()["pid"]
        script.kill()
        script.wait()
        self.let_go()
        self.wait_for(lambda: not self.is_there(engine), "the engine does not end")
        self.check_whole()

    @farm.first
    def test_detached(self):
        """It goes on without the script; the same map attaches to it, another one is refused."""
        script = self.start_script(SLOW + MAP.format(", detach=True"))
        self.assertEqual(script.wait(60), 0, self.said())
        self.assertEqual(self.said("stdout"), "running\n")
        self.assertRegex(self.said(), r"taskfarm: s\.h5: runs by itself \(process \d+\); the same map attaches to it\n")
        self.wait_for(lambda: len(self.calls()) >= 5, "no task waits")
        engine = self.engine()["pid"]
        other = self.python(SLOW + "try:\n    taskfarm.map(slow, space, output='s.h5', seed=1)\nexcept taskfarm.EngineError as error:\n    print(error.id, error)\n")
        self.assertEqual(other.stdout, "output-in-use s.h5: a detached run with other arguments has it: wait for it, or stop() it\n")
        again = self.python(SLOW + MAP.format(", detach=True"))
        self.assertEqual(again.stdout, "running\n")
        attached = self.start_script(SLOW + MAP.format(""))
        self.wait_for(lambda: "attaches to the run" in self.said(), "it does not attach")
        attached.send_signal(signal.SIGINT)
        self.assertEqual(attached.wait(60), -signal.SIGINT, self.said())
        self.assertTrue(self.is_there(engine), "an interrupt leaves it alone")
        attached = self.start_script(SLOW + MAP.format(""))
        self.wait_for(lambda: "attaches to the run" in self.said(), "it does not attach")
        self.let_go()
        self.assertEqual(attached.wait(60), 0, self.said())
        self.assertEqual(self.said("stdout"), "complete\n")
        self.assertFalse(self.is_there(engine))
        self.assertEqual(len(self.calls()), 8)
        self.check_whole()

    def test_a_detached_run_is_stopped(self):
        """Tasks that have begun end; the others are left."""
        text = SLOW + "import threading\n" + MAP.format(", detach=True")
        text += "while not os.path.exists('called') or len(open('called').readlines()) < 5: time.sleep(0.01)\n"
        text += "threading.Timer(0.5, lambda: open('go', 'w')).start()\nprint(run.stop().state)\n"
        done = self.python(text)
        self.assertEqual(done.stdout, "running\nstopped\n")
        self.check_whole()

    def test_the_script_is_killed_or_interrupted_while_the_first_task_runs(self):
        """Nobody waits for it then."""
        first = "import os, time\ndef f(i):\n    open('called', 'a').write(f'{os.getpid()}\\n')\n    while not os.path.exists('go'): time.sleep(0.01)\n    return i\n"
        first += "print(taskfarm.map(f, taskfarm.product(i=[1, 2]), progress='none').dataset.result.values.tolist())\n"
        for number in (signal.SIGKILL, signal.SIGINT):
            with self.subTest(signal=number):
                script = self.start_script(first)
                self.wait_for(lambda: self.calls() or script.poll() is not None, "the task does not begin")
                script.send_signal(number)
                self.assertEqual(script.wait(60), -number, self.said())
                task = int(self.calls()[-1])
                self.wait_for(lambda: not self.is_there(task), "the task does not end")
                (self.folder / "called").unlink()
        self.let_go()
        self.assertEqual(self.python(first).stdout, "[1, 2]\n")
        self.assertEqual(len(self.calls()), 2)

    def test_what_is_wrong_is_raised_at_once(self):
        done = self.python(SLOW + "try:\n    taskfarm.map(slow, space, output='s.h5', tiemout=3, detach=True)\nexcept taskfarm.ManifestError as error:\n    print(error)\n")
        self.assertEqual(done.stdout, 'tiemout: unknown key "tiemout"; did you mean "timeout"?\n')
        self.assertEqual([path.name for path in self.folder.iterdir()], ["script.py"])

    def test_under_a_launcher(self):
        """Its standard input reaches the engine through mpirun, too."""
        self.let_go()
        launch = json.dumps(f"{farm.MPIRUN} -n 2")
        done = self.python(SLOW + MAP.format(f", launch={launch}"))
        self.assertEqual(done.stdout, "complete\n")
        for name in ("s.h5", "go", "called"):
            (self.folder / name).unlink()
        script = self.begin(SLOW + MAP.format(f", launch={launch}"))
        script.kill()
        script.wait()
        self.let_go()
        self.check_whole()

    def test_a_launcher_that_does_not_return(self):
        """mpirun may wait for ever for a node that is gone: what the run itself has said counts."""
        self.write("launch", f"#!/bin/sh\n$*\nprintenv OMPI_MCA_oob_tcp_keepalive_time >time\ntrap '' TERM\nsleep 1000\n").chmod(0o755)
        done = self.python(
            """
            def slow(x) -> int:
                return 2 * x
            given = {"space": {"x": range(3)}, "launch": "./launch", "progress": "none"}
            run = taskfarm.map(slow, output="a.h5", detach=True, **given)
            print(taskfarm.map(slow, output="b.h5", **given).state, run.wait().state, run.outcome.status)
            """
        )
        self.assertEqual((done.stdout, (self.folder / "time").read_text()), ("complete complete 0\n", "60\n"))
        self.assertEqual({path.name for path in self.folder.iterdir()}, {"a.h5", "b.h5", "launch", "script.py", "time"})


farm.main()
