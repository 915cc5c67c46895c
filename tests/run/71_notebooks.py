"""map in a notebook: what its cell shows, an interrupt, and a kernel that is killed. The kernel is Jupyter's, without a browser."""

import os
import re
import signal

import farm
import jupyter_client

# Tasks 0 to 3 end at once, others when they may; each notes that it was run.
MAP = """
import os, time, taskfarm

def wait(x):
    with open("ran", "a") as file:
        file.write(f"{x}\\n")
    while x > 3 and not os.path.exists("go"):
        time.sleep(0.01)
    return x

run = taskfarm.map(wait, taskfarm.product(x=range(12)), output="wait.h5", slots=2, results=int)
print(run.state)
"""

THREADS = "import threading; print(sorted(thread.name for thread in threading.enumerate()))"


class Notebooks(farm.FarmTest):
    def start_kernel(self):
        """A kernel, as a notebook has it, in the test's folder."""
        env = farm.environment(TASKFARM=farm.TASKFARM, PYTHONPATH=str(farm.SOURCE / "src/python"))
        self.kernel = jupyter_client.KernelManager(kernel_name="python3")
        self.kernel.start_kernel(cwd=str(self.folder), env=env)
        self.addCleanup(self.kernel.shutdown_kernel, now=True)
        self.client = self.kernel.blocking_client()
        self.client.start_channels()
        self.addCleanup(self.client.stop_channels)
        self.client.wait_for_ready(60)
        self.pid = int(re.search(r"\d+", self.printed("import os; print(os.getpid())"))[0])

    def messages(self, cell, until=lambda message: False):
        """What a cell has the notebook show, up to its end or to a message."""
        if cell:
            self.cell = self.client.execute(cell)
            self.last = cell
        found = []
        while True:
            message = self.client.get_iopub_msg(timeout=60)
            if message["parent_header"].get("msg_id") != self.cell:
                continue
            if message["content"].get("execution_state") == "idle":
                return found
            found.append((message["msg_type"], message["content"]))
            if until(found[-1]):
                return found

    def printed(self, cell):
        """What a cell prints; it must succeed."""
        shown = self.messages(cell)
        self.assertEqual([content["evalue"] for kind, content in shown if kind == "error"], [])
        return "".join(content["text"] for kind, content in shown if kind == "stream" and content["name"] == "stdout")

    def ran(self):
        path = self.folder / "ran"
        return sorted(map(int, path.read_text().split())) if path.exists() else []

    def wait_for_tasks(self):
        """Until two tasks are under way, and what they wait for is not there."""
        self.wait_for(lambda: len(self.ran()) == 6, "two tasks wait")

    def engines(self):
        """The processes below the kernel that are the engine's."""
        found = []
        for pid in farm.descendants(self.pid):
            try:
                found += [pid] if os.readlink(f"/proc/{pid}/exe") == os.path.realpath(farm.TASKFARM) else []
            except OSError:  # it has ended
                pass
        return found

    def test_one_output_is_updated(self):
        self.start_kernel()
        self.write("go", "")
        threads = self.printed(THREADS)
        shown = self.messages(MAP)
        kinds = [kind for kind, _ in shown]
        self.assertEqual(kinds.count("display_data"), 1)
        self.assertGreaterEqual(kinds.count("update_display_data"), 1)
        self.assertEqual(set(kinds), {"status", "execute_input", "display_data", "update_display_data", "stream"})
        self.assertEqual([content["text"] for kind, content in shown if kind == "stream"], ["complete\n"])
        displays = [content for kind, content in shown if kind.endswith("display_data")]
        self.assertEqual(len({content["transient"]["display_id"] for content in displays}), 1)
        self.assertRegex(displays[-1]["data"]["text/plain"], r"^wait\.h5: 12 done in [0-9.]+ m?s \([0-9 .]+/s\)$")
        self.assertIn("wait.h5: 12 done", displays[-1]["data"]["text/html"])
        self.assertEqual(self.printed(THREADS), threads)

    def test_an_interrupt_ends_in_order(self):
        self.start_kernel()
        self.cell = self.client.execute(MAP)
        self.wait_for_tasks()
        self.kernel.interrupt_kernel()
        self.messages(None, until=lambda message: "stopping" in message[1].get("data", {}).get("text/plain", ""))
        self.write("go", "")
        (error,) = [content for kind, content in self.messages(None) if kind == "error"]
        self.assertEqual(error["ename"], "KeyboardInterrupt")
        self.assertEqual(self.ran(), list(range(6)))
        self.assertEqual(self.engines(), [])
        self.assertIn("complete", self.printed(MAP))
        self.assertEqual(self.ran(), list(range(12)), "each task ran once")

    def test_a_kernel_that_is_killed_is_gone_on_with(self):
        self.start_kernel()
        self.cell = self.client.execute(MAP)
        self.wait_for_tasks()
        os.kill(self.pid, signal.SIGKILL)
        self.write("go", "")
        self.start_kernel()
        self.assertIn("complete", self.printed(MAP))
        self.assertEqual(self.ran(), list(range(12)), "each task ran once")
        with self.subTest("and the same cells again run nothing"):
            self.assertIn("complete", self.printed(MAP))
            self.assertEqual(self.ran(), list(range(12)))


farm.main()
