"""examples/calibration: CCD frames through bias and flat to the stars' fluxes; beside Snakemake, and with kills."""

import csv
import json
import os
import random
import re
import shutil
import subprocess
import textwrap
import time
import unittest

import farm
import numpy

SNAKEFILE = """
import csv, glob

FRAMES = list(csv.DictReader(open("raw/frames.csv")))

rule all:
    input:
        [f"out/science_{f['filter']}_{f['frame']}.fits" for f in FRAMES],
        [f"out/master_{name}.fits" for name in ("bias", "flat_G", "flat_R")]

rule bias:
    input: sorted(glob.glob("raw/bias_*.fits"))
    output: "out/master_bias.fits"
    shell: "./calibrate bias {output} {input}"

rule flat:
    input:
        bias="out/master_bias.fits",
        raw=lambda w: sorted(glob.glob(f"raw/flat_{w.filter}_*.fits"))
    output: "out/master_flat_{filter}.fits"
    shell: "./calibrate flat {output} {input.bias} {input.raw}"

rule science:
    input:
        bias="out/master_bias.fits",
        flat="out/master_flat_{filter}.fits",
        raw="raw/science_{filter}_{frame}.fits"
    output: "out/science_{filter}_{frame}.fits"
    params: exposure=lambda w: [f["exposure"] for f in FRAMES if (f["filter"], f["frame"]) == (w.filter, w.frame)][0]
    shell: "./calibrate science {output} {input.bias} {input.flat} {input.raw} {params.exposure}"
"""


class Calibration(farm.FarmTest):
    def copy_example(self, name="."):
        source, folder = farm.example("calibration"), self.folder / name
        folder.mkdir(exist_ok=True)
        shutil.copytree(source / "raw", folder / "raw")
        for file in ("calibrate", "manifest.json"):
            shutil.copy2(source / file, folder / file)
        return folder

    def made(self):
        return {p.name: p.read_bytes() for p in (self.folder / "out").iterdir()}

    @farm.first
    def test_brings_the_fluxes_back_within_the_noise(self):
        self.copy_example()
        with open(self.folder / "raw/stars.csv", encoding="utf-8") as table:
            stars = list(csv.DictReader(table))
        results = []
        for ranks in (None, 3):
            self.taskfarm("manifest.json", "--fresh", ranks=ranks)
            file = self.open("calibration.h5")
            stage = file["photometry"]
            for band in "GR":
                true = numpy.array([float(s[band]) for s in stars])
                frames = stage["params/filter"][()] == band.encode()
                exposure, flux = stage["params/exposure"][frames], stage["results/flux"][frames]
                sky = stage["results/sky"][frames]
                numpy.testing.assert_allclose(sky, 2 if band == "G" else 3, rtol=0.02)
                # Photon noise of star and sky, and read noise (6 electrons), in an aperture of 7 pixels.
                t = exposure[:, None]
                sigma = numpy.sqrt(true * t + numpy.pi * 7**2 * (sky[:, None] * t + 6**2)) / t
                off = numpy.median((flux - true) / sigma, axis=0)  # cosmic rays hit a star in one frame of three
                self.assertLess(abs(off).max(), 4)
                self.assertTrue(0.4 < off.std() < 1.2, off)  # of the median of three: 0.67
            results.append((self.made(), stage["results/flux"][()].tobytes()))
            file.close()
        self.assertEqual(results[0], results[1])
        (self.folder / "out/master_flat_R.fits").unlink()
        shown = re.search(r"taskfarm plan manifest.json\n(.*?) +\.\.\.\n", (farm.SOURCE / "README.md").read_text(), re.S)[1]
        plan = self.taskfarm("plan", "manifest.json").stdout
        self.assertTrue(plan.startswith(textwrap.dedent(shown)), plan)

    def planned(self, folder):
        """The files that taskfarm would make."""
        done = self.taskfarm("plan", "manifest.json", "--json", folder=folder)
        names = {
            "bias": lambda t: "master_bias",
            "flat": lambda t: "master_flat_" + re.search(r"filter=(\w)", t)[1],
            "science": lambda t: "science_{}_{}".format(*re.search(r"filter=(\w), frame=(\w)", t).groups()),
        }
        return sorted(
            f"out/{names[s['name']](t['task'])}.fits"
            for s in json.loads(done.stdout)["stages"]
            if s["name"] in names
            for t in s["list"]
        )

    def snakemake(self, folder, *options):
        env = dict(os.environ, HOME=str(folder), XDG_CACHE_HOME=str(folder / ".cache"))
        done = subprocess.run(
            ["snakemake", "--cores", "2", *options], cwd=folder, env=env, capture_output=True, text=True, timeout=120
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return sorted(re.findall(r"^    output: (\S+)$", done.stdout + done.stderr, re.M))

    @unittest.skipIf(farm.SANITIZED, "Snakemake takes most of the time")
    def test_the_plan_is_that_of_snakemake(self):
        ours, theirs = self.copy_example("ours"), self.copy_example("theirs")
        (theirs / "Snakefile").write_text(SNAKEFILE)

        def touch(folder, name):
            limit = time.time_ns() + 10**8
            self.wait_for(lambda: time.time_ns() > limit, "the clock")
            os.utime(folder / name)

        def expose(folder, name):
            path = folder / "raw/frames.csv"
            path.write_text(path.read_text().replace(name, name.rsplit(",", 1)[0] + ",45"))

        science = [f"out/science_{band}_{n}.fits" for band in "GR" for n in (1, 2, 3)]
        everything = ["out/master_bias.fits", "out/master_flat_G.fits", "out/master_flat_R.fits", *science]
        for change, expected in (
            (lambda f: None, everything),
            (lambda f: None, []),
            (lambda f: (f / "out/master_flat_R.fits").unlink(), ["out/master_flat_R.fits", *science[3:]]),
            (lambda f: touch(f, "raw/bias_3.fits"), everything),
            (lambda f: touch(f, "raw/flat_G_2.fits"), ["out/master_flat_G.fits", *science[:3]]),
            (lambda f: touch(f, "raw/science_R_2.fits"), ["out/science_R_2.fits"]),
            (lambda f: expose(f, "G,2,60"), ["out/science_G_2.fits"]),
            (lambda f: (f / "raw/bias_9.fits").unlink(), everything),
        ):
            with self.subTest(expected=expected):
                change(ours)
                change(theirs)
                self.assertEqual(self.planned(ours), expected)
                self.assertEqual(self.snakemake(theirs, "-n"), expected)
                self.taskfarm("manifest.json", folder=ours)
                self.snakemake(theirs)
        for name in everything:
            self.assertEqual((ours / name).read_bytes(), (theirs / name).read_bytes(), name)

    def test_killed_at_random_it_makes_the_same_files(self):
        """kill -9 of all processes. What is there in the end is what an uninterrupted run makes."""
        self.copy_example()
        took = []
        for _ in range(3):  # the first one may be slow
            started = time.monotonic()
            self.taskfarm("manifest.json", "--slots", 2, "--force", "bias")
            took.append(time.monotonic() - started)
        took = min(took)
        expected = self.made()
        seed = int(os.environ.get("TASKFARM_SEED", random.randrange(1000) if farm.SOAK else 1))
        print(f"seed {seed}")
        dice = random.Random(seed)
        kills = 50 if farm.SOAK else 4
        hit = 0
        for number in range(kills):
            shutil.rmtree(self.folder / "out")
            ranks = dice.choice([None, 3])
            run = self.start("manifest.json", "--fresh", "--slots", 2, ranks=ranks)
            time.sleep(dice.uniform(0.1, 1.2 if ranks else 0.9) * took)
            hit += run.poll() is None
            farm.kill_all(run)
            self.taskfarm("manifest.json", "--slots", 2, ranks=dice.choice([None, 3]))
            self.assertEqual(self.made(), expected, f"kill {number}")
            with self.open("calibration.h5") as file:
                self.assertEqual(file.attrs["state"], "complete")
            for old in self.folder.glob("calibration.h5.*"):
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        self.assertGreater(hit, 0)


farm.main()
