"""System calls that fail, one after the other: a run then ends with an exit status and a reason, or gets over it; and the
same command line without the fault gives what an undisturbed run gives."""

import errno
import os
import random
import shutil
import subprocess

import farm
from farm import digest

CALLS = {
    "pwrite": (errno.ENOSPC, errno.EIO, errno.EINTR),
    "pread": (errno.EIO, errno.EINTR),
    "fdatasync": (errno.EIO, errno.ENOSPC),
    "rename": (errno.EIO, errno.EACCES),
    "renameat": (errno.EIO, errno.EACCES),
    "openat": (errno.EMFILE, errno.EACCES),
    "mkdirat": (errno.ENOSPC, errno.EACCES),
    "mkdir": (errno.ENOSPC, errno.EACCES),
    "unlink": (errno.EACCES,),
    "unlinkat": (errno.EACCES,),
    "rmdir": (errno.EACCES,),
    "ftruncate": (errno.ENOSPC, errno.ENOMEM),
    "memfd_create": (errno.ENOMEM, errno.EMFILE),
    "socketpair": (errno.EMFILE,),
    "pipe2": (errno.EMFILE,),
    "fork": (errno.EAGAIN, errno.ENOMEM),
    "sendmsg": (errno.EINTR, errno.ENOBUFS),
    "posix_spawnp": (errno.EAGAIN, errno.ENOMEM),
}


class FailingCalls(farm.FarmTest):
    def setUp(self):
        super().setUp()
        stages = [
            {"name": "c", "over": {"i": {"range": [30]}}, "run": {"command": "echo out {i}; echo '{{\"y\": '{i}'}}'"}, "results": {"y": "int64"}},
            {"name": "f", "over": {"i": {"range": [3000]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64", "s": "string"}},
        ]
        self.write("x.json", {"seed": 1, "stages": stages})
        self.taskfarm("x.json", "--output", "whole.h5")
        self.expected = digest(self.folder / "whole.h5")

    def disturb(self, fault, resumed):
        """One run with the fault, anew or over an output of a shorter campaign; then one without."""
        for path in ("x.h5", "x.h5.d"):
            shutil.rmtree(self.folder / path, ignore_errors=True)
            (self.folder / path).unlink(missing_ok=True) if (self.folder / path).is_file() else None
        if resumed:
            text = (self.folder / "x.json").read_text()
            self.write("x.json", text.replace("[30]", "[20]"))
            self.taskfarm("x.json")
            self.write("x.json", text)
        done = subprocess.run(
            self.command("x.json", "--slots", 2, "--sync", "0.01", "--patience", "0.2"),
            cwd=self.folder,
            env=farm.environment(LD_PRELOAD=f"{farm.BUILD}/tests/libfaults.so", TASKFARM_FAIL_IN="all", TASKFARM_FAIL=fault),
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertIn(done.returncode, (0, 1, 2, 3, 75), f"{fault}\n{done.stderr}")
        if done.returncode in (3, 75):
            self.assertRegex(done.stderr, r"(?m)^taskfarm: .+: .+$", fault)
        self.taskfarm("x.json")
        self.assertEqual(digest(self.folder / "x.h5"), self.expected, fault)
        self.assertFalse((self.folder / "x.h5.d").exists(), fault)
        return done.returncode

    @farm.unittest.skipIf(farm.SANITIZED, "AddressSanitizer wants to be first among the libraries")
    def test_are_survived_or_named(self):
        given = os.environ.get("TASKFARM_SEED")
        seed = int(given) if given else 1
        print("seed", seed, flush=True)
        rng = random.Random(seed)
        codes = {}
        for call, failures in CALLS.items():
            for failure in failures if farm.SOAK else failures[:2]:
                for number in range(1, 41) if farm.SOAK else [1, rng.randrange(2, 12)]:
                    for after in ("", "+") if farm.SOAK else (rng.choice(["", "+"]),):
                        if failure == errno.EINTR:
                            after = ""  # nobody is interrupted for ever
                        resumed = rng.random() < 0.4
                        fault = f"{call}:{failure}:{number}{after}"
                        with self.subTest(fault=fault, resumed=resumed):
                            code = self.disturb(fault, resumed)
                            codes[code] = codes.get(code, 0) + 1
        self.assertGreater(codes.get(3, 0) + codes.get(75, 0), 5, codes)

    @farm.unittest.skipIf(farm.SANITIZED, "AddressSanitizer wants to be first among the libraries")
    def test_a_host_that_can_not_be_forked_says_why(self):
        said = ""
        for number in range(3, 9):  # MPI forks too
            env = farm.environment(LD_PRELOAD=f"{farm.BUILD}/tests/libfaults.so", TASKFARM_FAIL_IN="all", TASKFARM_FAIL=f"fork:{errno.ENOMEM}:{number}+")
            said += subprocess.run(self.command("x.json", "--slots", 2, "--fresh"), cwd=self.folder, env=env, capture_output=True, text=True, timeout=60).stderr
        self.assertIn("taskfarm: the host process of slot 1 does not start: can't fork: Cannot allocate memory\n", said)


if __name__ == "__main__":
    farm.main()
