"""Batch systems: the scripts in jobs/, which `taskfarm job` fills in. With stand-ins for the programs of each system; and under
a Slurm of the test's own, with two nodes that are this machine."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

import farm

SYSTEMS = ("slurm", "pbs", "lsf", "flux")

# mpirun as the scripts call it: without ranks; its exit status, or what it is to wait for, are told by the test.
MPIRUN = """#!/bin/bash
echo "mpirun $*" >>$LOG
if [ -e wait ]; then
    trap 'echo got USR1 >>$LOG; rm wait' USR1
    touch waiting
    while [ -e wait ]; do sleep 0.05; done
fi
if [ -e hang ]; then
    while [ "$1" != --exit-file ]; do shift; done
    echo 75 >"$2"
    echo "$OMPI_MCA_oob_tcp_keepalive_time $PRTE_MCA_oob_tcp_keepalive_probes" >>$LOG
    exec sleep 1000
fi
exit $STATUS
"""

FAKES = {
    "mpirun": MPIRUN,
    "scontrol": '#!/bin/bash\nif [ "$1" = show ]; then printf "n1\\nn2\\nn3\\n"; else echo "scontrol $*" >>$LOG; fi\n',
    "squeue": '#!/bin/bash\ndate -d "90 minutes" +%Y-%m-%dT%H:%M:%S\n',
    "qsub": '#!/bin/bash\necho "qsub $*" >>$LOG\n',
    "qstat": '#!/bin/bash\necho "    Resource_List.walltime = 01:30:00"\n',
    "flux": """#!/bin/bash
case "$*" in
*nnodes*) echo 3 ;;
*nodelist*) echo "n[1-3]" ;;
hostlist*) cat >/dev/null; printf "n1\\nn2\\nn3\\n" ;;
*timeleft*) echo 5400 ;;
*) echo "flux $*" >>$LOG ;;
esac
""",
}


@farm.first
class Scripts(farm.FarmTest):
    def job(self, system, *options):
        return self.taskfarm("job", system, "c.json", *options).stdout

    def setUp(self):
        super().setUp()
        self.write("c.json", {"run": {"command": ["true"]}})

    def test_the_three_lines_are_filled_in(self):
        told = {
            "slurm": ["#SBATCH --nodes=3", "#SBATCH --time=01:31:00"],
            "pbs": ["#PBS -l select=3:ncpus=32:mpiprocs=1", "#PBS -l walltime=01:31:00"],
            "lsf": ["#BSUB -n 3", "#BSUB -W 1:31"],
            "flux": ["#FLUX: --nodes=3", "#FLUX: --time-limit=91m"],
        }
        for system in SYSTEMS:
            script = (farm.SOURCE / f"jobs/{system}.sh").read_text()
            plain = self.job(system)
            self.assertEqual(plain, script.replace("\nmanifest=manifest.json\n", "\nmanifest=c.json\n"))
            for time in ("90.5m", "1:30:30", "0-01:30:30"):
                filled = self.job(system, "--nodes", 3, "--time", time)
                changed = [b for a, b in zip(plain.splitlines(), filled.splitlines(), strict=True) if a != b]
                self.assertEqual(changed, told[system])
        for time, unit in (("90", "--time 90: are seconds; 90m are minutes"), ("1.5", "--time 1.5: are seconds; 1.5m are minutes"), ("90s", None)):
            said = self.taskfarm("job", "slurm", "c.json", "--time", time).stderr
            self.assertEqual(said, f"taskfarm: {unit}\n" if unit else "")
        self.write("a b.json", {"run": {"command": ["true"]}})
        self.assertIn("\nmanifest='a b.json'\n", self.taskfarm("job", "slurm", "a b.json").stdout)
        self.write("wrong.json", {})
        done = self.taskfarm("job", "slurm", "wrong.json", status=2)
        self.assertEqual((done.stdout, done.stderr), ("", 'wrong.json: needs "stages", or "run" for a single stage\n'))

    def test_directives_come_first(self):
        """Behind the first command batch systems read no more of them."""
        for system in SYSTEMS:
            lines = self.job(system).splitlines()
            first = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
            self.assertTrue(lines[first].startswith("manifest="))
            sign = {"slurm": "#SBATCH", "pbs": "#PBS", "lsf": "#BSUB", "flux": "#FLUX:"}[system]
            self.assertFalse([line for line in lines[first:] if line.startswith(sign)])
            subprocess.run(["bash", "-n"], input="\n".join(lines), text=True, check=True)

    def environment(self, status):
        for name, text in FAKES.items():
            self.write(f"bin/{name}", text).chmod(0o755)
        self.write("nodes", "n1\nn2\nn3\n")
        here = str(self.folder)
        env = farm.environment(PATH=f"{here}/bin:{os.environ['PATH']}", LOG=f"{here}/log", STATUS=str(status))
        env |= {"SLURM_CPUS_ON_NODE": "16", "SLURM_JOB_NODELIST": "n[1-3]", "SLURM_JOB_NUM_NODES": "3", "SLURM_JOB_ID": "7"}
        env |= {"PBS_O_WORKDIR": here, "PBS_NODEFILE": f"{here}/nodes"}
        return env | {"NCPUS": "16", "PBS_JOBID": "7", "LSB_HOSTS": "n1 n2 n3"}

    def test_more_to_do_is_submitted_again_and_nothing_else_is(self):
        again = {"slurm": "scontrol requeue 7", "pbs": f"qsub {self.folder}/pbs.sh", "flux": "flux --parent batch flux.sh"}
        for system in SYSTEMS:
            self.write("job.sh", self.job(system))
            for status in (0, 1, 3, 75):
                (self.folder / "log").unlink(missing_ok=True)
                begun = time.monotonic()
                done = subprocess.run(["bash", "job.sh"], cwd=self.folder, env=self.environment(status), capture_output=True, text=True)
                self.assertEqual((done.returncode, done.stderr), (status, ""), system)
                log = (self.folder / "log").read_text().splitlines()
                self.assertTrue(log[0].startswith("mpirun -n 4 --host n1:2,n2:1,n3:1 --map-by slot --bind-to none taskfarm --slots "), log)
                self.assertTrue(log[0].endswith(" c.json"))
                if system != "lsf":  # which sends a signal
                    left = int(log[0].split("--walltime ")[1].split()[0])
                    # squeue's stand-in counts from when it is asked; both clocks give whole seconds
                    self.assertTrue(5339 <= left <= 5341 + time.monotonic() - begun, left)
                self.assertEqual(log[1:], [again[system]] if status == 75 and system in again else [])

    def test_a_signal_is_passed_on(self):
        for system in SYSTEMS:
            self.write("job.sh", self.job(system))
            for sent in (signal.SIGUSR1, signal.SIGTERM):
                for name in ("log", "waiting"):
                    (self.folder / name).unlink(missing_ok=True)
                self.write("wait", "")
                job = subprocess.Popen(["bash", "job.sh"], cwd=self.folder, env=self.environment(75), stderr=subprocess.DEVNULL)
                self.wait_for(lambda: (self.folder / "waiting").exists(), "mpirun is not started")
                job.send_signal(sent)
                self.assertEqual(job.wait(60), 75, system)
                self.assertIn("got USR1", (self.folder / "log").read_text())

    def test_a_run_that_has_ended_is_no_more_waited_for_than_ten_seconds(self):
        """mpirun may wait for a node that is gone for ever. The exit status is the run's."""
        self.write("hang", "")
        env = self.environment(1) | {"PRTE_MCA_oob_tcp_keepalive_probes": "3"}
        jobs = []
        for system in SYSTEMS:
            self.write(f"{system}/c.json", {"run": {"command": ["true"]}})
            self.write(f"{system}/hang", "")
            self.write(f"{system}/job.sh", self.job(system))
            env |= {"PBS_O_WORKDIR": str(self.folder / system), "LOG": str(self.folder / system / "log")}
            jobs.append(subprocess.Popen(["bash", "job.sh"], cwd=self.folder / system, env=env, stderr=subprocess.DEVNULL))
        for system, job in zip(SYSTEMS, jobs, strict=True):
            self.assertEqual(job.wait(60), 75, system)
            self.assertEqual((self.folder / system / "log").read_text().splitlines()[1], "60 3")
            self.assertEqual({path.name for path in (self.folder / system).iterdir()}, {"c.json", "hang", "job.sh", "log"})


CONF = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={port}1
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SelectType=select/cons_tres
SchedulerParameters=bf_interval=1,sched_interval=1
KillWait=5
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={first} CPUs=2 State=UNKNOWN
NodeName=n2 NodeHostname={host} NodeAddr=127.0.0.1 Port={second} CPUs=2 State=UNKNOWN
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("127.0.0.1", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def missing():
    if os.geteuid() != 0:
        return "a Slurm of one's own takes root"
    programs = [p for p in ("munged", "slurmctld", "slurmd", "sbatch") if not shutil.which(p)]
    return f"there is no {', '.join(programs)}: see jobs/setup/debian.sh --tests" if programs else ""


@unittest.skipIf(missing(), missing())
class Slurm(farm.FarmTest):
    limit = 120

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.slurm = self.folder / "slurm"
        (self.slurm / "state").mkdir(parents=True)
        controller, first, second = free_ports(3)
        conf = CONF.format(host=socket.gethostname().split(".")[0], port=controller, folder=self.slurm, first=first, second=second)
        conf = conf.replace(f"SlurmdPort={controller}1\n", "")
        self.write("slurm/slurm.conf", conf)
        self.write("slurm/key", os.urandom(1024)).chmod(0o400)
        self.env = farm.environment(SLURM_CONF=str(self.slurm / "slurm.conf"), PATH=f"{pathlib.Path(farm.TASKFARM).parent}:{os.environ['PATH']}")
        self.addCleanup(self.end)
        files = [f"--{name}={self.slurm}/{file}" for name, file in (("socket", "munge.socket"), ("pid-file", "munged.pid"), ("log-file", "munged.log"), ("seed-file", "seed"), ("key-file", "key"))]
        self.call("munged", "--force", *files)
        self.wait_for(lambda: (self.slurm / "munge.socket").exists(), "munge does not start")
        self.call("slurmctld")
        for node in ("n1", "n2"):
            self.call("slurmd", "-N", node)
        self.wait_for(lambda: self.call("sinfo", "-h", "-t", "idle", "-o", "%D").strip() == "2", "the nodes do not come up")

    def end(self):
        for name in ("slurmd-n1", "slurmd-n2", "slurmctld", "munged"):
            try:
                os.kill(int((self.slurm / f"{name}.pid").read_text()), signal.SIGKILL)
            except (OSError, ValueError):
                pass

    def call(self, *command):
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def submit(self, script):
        self.write("job.sh", script)
        return self.call("sbatch", "--parsable", "job.sh").strip()

    def state(self, job):
        found = [word for word in self.call("scontrol", "show", "job", job).split() if word.startswith(("JobState=", "ExitCode=", "Restarts="))]
        return dict(word.split("=") for word in found)

    def log(self, job):
        path = self.folder / f"slurm-{job}.out"
        return path.read_text() if path.exists() else ""

    def logs(self, job):
        """The job's and Slurm's: what to read where a test fails."""
        return "\n".join([self.log(job)] + [f"{path.name}:\n{path.read_text()}" for path in sorted(self.slurm.glob("*.log"))])

    def wait_for_state(self, job, *states):
        limit = time.monotonic() + self.limit
        while (state := self.state(job))["JobState"] not in states:
            self.assertLess(time.monotonic(), limit, f"{state}\n{self.logs(job)}")
            time.sleep(0.2)
        return state

    def campaign(self, tasks, seconds):
        command = f"sleep {seconds}; echo $SLURMD_NODENAME"
        results = {"node": {"type": "string", "from": "field:1"}}
        self.write("c.json", {"over": {"i": {"range": [tasks]}}, "run": {"command": command}, "results": results})

    def check(self, tasks):
        stage = self.open("c.h5")["c"]
        self.assertEqual((stage["task/status"][()] == farm.DONE).sum(), tasks)
        self.assertEqual(set(stage["results/node"][()]), {b"n1", b"n2"}, "both nodes have worked")
        self.assertEqual(set(stage["task/slot"][()]), {0, 1}, "on both of their cores")
        self.assertEqual(stage.file.attrs["ranks"], 3)

    def test_to_its_end(self):
        self.campaign(24, 0.2)
        job = self.submit(self.taskfarm("job", "slurm", "c.json", "--nodes", 2, "--time", "30m").stdout)
        self.assertEqual(self.wait_for_state(job, "COMPLETED", "FAILED"), {"JobState": "COMPLETED", "Restarts": "0", "ExitCode": "0:0"}, self.logs(job))
        self.check(24)

    def test_beyond_its_time(self):
        """It stops in time, exits with 75, is requeued, and goes on."""
        self.campaign(60, 1)
        script = self.taskfarm("job", "slurm", "c.json", "--nodes", 2, "--time", "1m").stdout
        script = script.replace("B:USR1@120", "B:USR1@10").replace("left=$((end - now - 60))", "left=$((end - now - 40))")
        self.assertIn("- 40", script)
        job = self.submit(script)
        self.wait_for_state(job, "RUNNING")
        limit = time.monotonic() + self.limit
        while self.state(job)["Restarts"] == "0":
            self.assertLess(time.monotonic(), limit, f"is not requeued: {self.logs(job)}")
            time.sleep(0.2)
        self.assertIn("left for the next run", self.log(job))
        for _ in range(5):  # Slurm lets what was requeued wait for two minutes; within a second, a node takes it for the old one
            self.wait_for_state(job, "PENDING", "COMPLETED", "FAILED")
            if self.state(job)["JobState"] == "PENDING":
                self.call("scontrol", "update", f"JobId={job}", "StartTime=now+3")
                self.wait_for_state(job, "RUNNING", "COMPLETED", "FAILED")
            if self.wait_for_state(job, "PENDING", "COMPLETED", "FAILED")["JobState"] != "PENDING":
                break
        state = self.state(job)
        self.assertEqual((state["JobState"], state["ExitCode"]), ("COMPLETED", "0:0"), self.logs(job))
        self.check(60)

    def test_cancelled_and_submitted_again(self):
        self.campaign(40, 0.5)
        script = self.taskfarm("job", "slurm", "c.json", "--nodes", 2, "--time", "30m").stdout
        job = self.submit(script)
        self.wait_for(lambda: "/40" in self.log(job), "nothing runs")
        time.sleep(1)
        self.call("scancel", job)
        self.wait_for_state(job, "CANCELLED")
        self.wait_for(lambda: self.call("squeue", "-h") == "", "the job does not end")
        again = self.submit(script)
        self.assertEqual(self.wait_for_state(again, "COMPLETED", "FAILED")["JobState"], "COMPLETED", self.logs(again))
        self.assertIn("going on", self.log(again))
        self.check(40)


if __name__ == "__main__":
    farm.main()
