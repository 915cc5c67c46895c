"""What has befallen workers, as programs and Python are told."""

import json

import farm
from map_test import MapTest

WORK = """
import os, time
def work(i) -> float:
    time.sleep(0.03)
    if os.environ.get("NODE") == "bad":
        raise OSError("no GPU")
    while i == 89 and os.path.exists("wait"):
        time.sleep(0.02)
    return 1.0 * i
"""


class Incidents(MapTest):
    """Of three workers the last one's node is bad."""

    def setUp(self):
        super().setUp()
        self.write("work.py", WORK)
        self.write("launch.sh", f'exec {farm.MPIRUN} -n 3 "$@" : -n 1 env NODE=bad "$@"\n')

    @farm.first
    def test_are_told_by_a_run_of_map(self):
        done = self.python(
            """
            import json, work
            run = taskfarm.map(work.work, {"i": range(90)}, output="s.h5", launch="sh launch.sh")
            print(json.dumps(run.incidents))
            print(run)
            print(json.dumps(taskfarm.open("s.h5").incidents))
            print(run._repr_html_().count(run.incidents[0]["text"]), taskfarm.open("s.h5")._repr_html_().count(run.incidents[0]["text"]))
            print(taskfarm.map(work.work, {"i": range(90)}, output="s.h5").incidents)
            """
        )
        lines = done.stdout.splitlines()
        (incident,) = json.loads(lines[0])
        text = incident["text"]
        self.assertEqual((incident["kind"], incident["rank"]), ("sick", 3))
        self.assertRegex(text, r"^rank 3 on \S+ is sick and gets no more tasks: ")
        self.assertRegex(lines[1], "^s.h5: 90 done in ")
        self.assertEqual(lines[2], f"{text} (since {incident['since']})")
        self.assertEqual(json.loads(lines[3]), [{"run": 1, **incident}])
        self.assertEqual(lines[4], "1 1")
        self.assertEqual(lines[5], "[]", "the second run had no trouble")

    def test_are_told_while_the_run_goes_on(self):
        self.write("wait", "")
        done = self.python(
            """
            import os, time, work
            run = taskfarm.map(work.work, {"i": range(90)}, output="s.h5", launch="sh launch.sh", detach=True)
            limit = time.monotonic() + 60
            while not run.incidents and time.monotonic() < limit:
                time.sleep(0.05)
            print(run.state, [its["kind"] for its in run.incidents])
            os.unlink("wait")
            print(run.wait().state, [its["kind"] for its in run.incidents])
            """
        )
        self.assertEqual(done.stdout, "running ['sick']\ncomplete ['sick']\n")

    @farm.first
    def test_are_told_by_the_last_event(self):
        run = {"python": "work.py:work", "interpreter": "/usr/bin/python3"}
        self.write("m.json", {"over": {"i": {"range": [90]}}, "run": run, "results": {"y": "float64"}})
        words = ["sh", "launch.sh", farm.TASKFARM, "m.json", "--json"]
        done = farm.subprocess.run(words, cwd=self.folder, env=farm.environment(), capture_output=True, text=True, timeout=self.limit)
        end = json.loads(done.stdout.splitlines()[-1])
        (incident,) = end["incidents"]
        self.assertEqual(json.loads(self.taskfarm("status", "m.h5", "--json").stdout)["incidents"], [incident])
        self.assertEqual(incident["kind"], "sick")
        self.taskfarm("m.json", "--fresh")
        self.assertNotIn("incidents", json.loads(self.taskfarm("status", "m.h5", "--json").stdout))


if __name__ == "__main__":
    farm.main()
