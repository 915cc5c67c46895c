"""A notebook's kernel that is interrupted or killed while taskfarm.map runs in it: run again, the cell goes on."""

import subprocess

import farm
from map_test import PYTHON, MapTest

# Runs cells in a kernel, and does something to the kernel once tasks wait. Prints how the last cell ended.
KERNEL = """
import os, sys, time
import jupyter_client

def begin():
    manager = jupyter_client.KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    return manager, client

def ended(client, message):
    while True:
        reply = client.get_shell_msg(timeout=120)
        if reply["parent_header"].get("msg_id") == message:
            return reply["content"].get("ename", reply["content"]["status"])

def shown(client):
    content = client.get_iopub_msg(timeout=60)["content"]
    return content.get("data", {}).get("text/plain", "")

def calls():
    return open("called").readlines() if os.path.exists("called") else []

cell = open("cell.py").read()
manager, client = begin()
message = client.execute(cell, stop_on_error=False)
while len(calls()) < 5:
    time.sleep(0.01)
if sys.argv[1] == "interrupt":
    manager.interrupt_kernel()
    while "stopping" not in shown(client):
        pass
    open("go", "w").close()
    print(ended(client, message))
else:
    manager.shutdown_kernel(now=True)
    manager, client = begin()
    open("go", "w").close()
print(ended(client, client.execute(cell)), len(calls()))
client.stop_channels()
manager.shutdown_kernel(now=True)
"""

CELL = """
import os, time, taskfarm
def slow(i) -> int:
    open("called", "a").write(f"{i}\\n")
    while i >= 3 and not os.path.exists("go"):
        time.sleep(0.01)
    return i * i
run = taskfarm.map(slow, taskfarm.product(i=range(8)), output="s.h5", slots=2)
assert run.dataset.result.values.tolist() == [i * i for i in range(8)]
"""


class Kernel(MapTest):
    def kernel(self, what):
        self.write("cell.py", CELL)
        self.write("kernel.py", KERNEL)
        done = subprocess.run([PYTHON, "kernel.py", what], cwd=self.folder, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=self.limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertFalse((self.folder / "s.h5.map").exists())
        return done.stdout.splitlines()

    def test_an_interrupt(self):
        self.assertEqual(self.kernel("interrupt"), ["KeyboardInterrupt", "ok 8"])

    @farm.first
    def test_a_kernel_that_is_killed(self):
        """Its tasks that had begun end; the new kernel waits for them, and runs the others."""
        self.assertEqual(self.kernel("kill"), ["ok 8"])


farm.main()
