"""Warm start: one interpreter a rank imports, and the processes of slots are forked from it. Nothing outlives its run."""

import subprocess
import sys
import textwrap

import farm

THREAD = """
    #define _GNU_SOURCE
    #include <pthread.h>
    #include <unistd.h>
    static void *wait_for_ever(void *nothing) { pause(); return nothing; }
    int start(void) {
        pthread_t thread;
        return pthread_create(&thread, NULL, wait_for_ever, NULL) || pthread_setname_np(thread, "reader");
    }
"""

PARALLEL = """
    int start(void) {
        int threads = 0;
        #pragma omp parallel num_threads(3)
        {
            #pragma omp atomic
            threads++;
        }
        return threads;
    }
"""


class Forkable(farm.FarmTest):
    """What keeps a process from being forked."""

    def obstacle(self, before, after=""):
        """What taskfarm says of a process that has done something."""
        lines = [
            f"import sys; sys.path.insert(0, {str(farm.SOURCE / 'src/python')!r})",
            "from taskfarm._slot import forkable",
            textwrap.dedent(before),
            "print(forkable.obstacle(), flush=True)",
            textwrap.dedent(after),
        ]
        script = self.write("script.py", "\n".join(lines))
        env = farm.environment(OPENBLAS_NUM_THREADS="3", OMP_NUM_THREADS="3")
        done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=env, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.stdout.removesuffix("\n")

    def library(self, text, *options):
        source = self.write("library.c", textwrap.dedent(text))
        library = self.folder / "library.so"
        subprocess.run(["cc", "-shared", "-fPIC", *options, source, "-o", library], check=True)
        return f"import ctypes; library = ctypes.CDLL({str(library)!r}); library.start()"

    def test_threads_are(self):
        lacking = "has threads, which forked processes would lack: "
        python = "import threading, time\nfor _ in range(2): threading.Thread(target=time.sleep, args=[60], daemon=True, name='r').start()"
        self.assertEqual(self.obstacle(python), lacking + "2 x r")
        self.assertEqual(self.obstacle(self.library(THREAD, "-pthread")), lacking + "reader")

    def test_threads_of_blas_are_not(self):
        self.assertEqual(self.obstacle("import numpy; a = numpy.ones((300, 300)); a @ a"), "")

    def test_threads_of_openmp_are_not(self):
        """GNU's runtime hangs in a child that was forked while its threads waited."""
        forked = "import os, signal; signal.alarm(20); print(forkable.forks_within(10, library.start))"
        self.assertEqual(self.obstacle(self.library(PARALLEL, "-fopenmp"), forked), "\nTrue")

    def test_devices_are(self):
        self.assertEqual(self.obstacle("assert '/dev/nvidia' in forkable._DEVICES"), "")
        opened = "forkable._DEVICES += ('/dev/zero',)\nfile = open('/dev/zero')"
        self.assertEqual(self.obstacle(opened), "has opened /dev/zero, which forked processes can't use")

    def test_generators_without_a_seed_are(self):
        said = "has random generators without a seed, of which all forked processes would draw the same: "
        make = "import numpy as np; kept = [np.random.{}]; np.random.seed()"
        self.assertEqual(self.obstacle(make.format("default_rng()")), said + "PCG64")
        self.assertEqual(self.obstacle(make.format("RandomState()")), said + "MT19937")
        self.assertEqual(self.obstacle(make.format("default_rng(7)")), "")
        self.assertEqual(self.obstacle(make.format("Generator(np.random.Philox(key=7))")), "")

    def test_a_child_that_hangs_is(self):
        hang = "import os, time\nforkable.PATIENCE = 0.2\nos.register_at_fork(after_in_child=lambda: time.sleep(60))"
        said = "was forked on trial, and the child did not go on within 0.2 s"
        self.assertEqual(self.obstacle(hang), said)


farm.main()
