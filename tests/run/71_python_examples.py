"""The examples in Python, each against numpy; and the page that tells of the package."""

import base64
import inspect
import io
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap

import farm
import h5py
import matplotlib.image
import nbclient
import nbformat
import numpy

sys.path.insert(0, str(farm.SOURCE / "src/python"))
import taskfarm

PAGE = farm.SOURCE / "docs/python.md"
EXAMPLES = farm.EXAMPLES / "python"


def environment(**more):
    return farm.environment(TASKFARM=farm.TASKFARM, PYTHONPATH=str(farm.SOURCE / "src/python"), MPLBACKEND="Agg", **more)


class Examples(farm.FarmTest):
    def run_example(self, name):
        """What it prints."""
        command = ["/usr/bin/python3", str(EXAMPLES / name)]
        self.last = farm.line_of(command, self.folder)
        done = subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, farm.told(done, self.folder))
        return done.stdout

    def generators(self, output, tasks):
        """The generators of a campaign's first tasks, as the page defines them: from the {seed} that commands get."""
        (stage,) = output.stages
        manifest = {
            "stages": [
                {
                    "name": stage,
                    "over": {"task": {"range": [tasks]}},
                    "run": {"command": ["echo", '{{"seed": {seed}}}']},
                    "results": {"seed": "uint64"},
                }
            ],
            "seed": output.manifest.get("seed", 0),
            "output": "seeds.h5",
        }
        self.write("seeds.json", manifest)
        self.taskfarm("seeds.json")
        seeds = self.open("seeds.h5")[f"{stage}/results/seed"][()]
        return [numpy.random.Generator(numpy.random.Philox(int(seed))) for seed in seeds]

    def test_the_sweep_over_depths_and_periods(self):
        told = self.run_example("sweep.py")
        output = taskfarm.open(self.folder / "transit.h5")
        data = output.dataset
        self.assertEqual(dict(data.snr.sizes), {"depth": 50, "period": 3})
        self.assertEqual(data.residual.shape, (50, 3, 1000))
        self.assertTrue((data.status == "done").all())
        numpy.testing.assert_array_equal(data.depth, numpy.geomspace(1e-4, 1e-2, 50))
        points = [(depth, period) for depth in data.depth.values for period in data.period.values]
        for (depth, period), rng in zip(points, self.generators(output, 150), strict=True):
            flux = 1 - depth * (numpy.arange(1000) % period < 1) + rng.normal(0, 1e-3, 1000)
            task = data.sel(depth=depth, period=period)
            numpy.testing.assert_array_equal(task.residual, flux - 1)
            self.assertEqual(task.snr.item(), depth / flux.std() * 1000**0.5)
        self.assertIn(str(data.snr.sel(period=3).max().item()), told)

    def test_the_bootstrap_of_a_median(self):
        told = self.run_example("bootstrap.py")
        output = taskfarm.open(self.folder / "bootstrap.h5")
        medians = output.dataset.result.values
        self.assertEqual(medians.shape, (20000,))
        sample = numpy.random.default_rng(1).lognormal(size=401)
        for median, rng in zip(medians, self.generators(output, 200), strict=False):
            self.assertEqual(median, numpy.median(rng.choice(sample, sample.size)))
        # Of a sample of n the median has the standard error 1 / (2 f(m) sqrt(n)); here f is 0.4, by one sample known to 20 %.
        self.assertAlmostEqual(medians.std(), 1 / (2 * 0.399 * 401**0.5), delta=0.3 / (2 * 0.399 * 401**0.5))
        found = output.reductions["interval"]
        numpy.testing.assert_allclose(found["result.std"], medians.std(ddof=1))
        numpy.testing.assert_allclose(found["result.quantile:0.025"], numpy.quantile(medians, 0.025))
        low, high = numpy.quantile(medians, [0.025, 0.975])
        self.assertIn(f"median {numpy.median(sample):.3f} +- {medians.std():.3f}\n95 % in [{low:.3f}, {high:.3f}]\n", told)

    def test_the_light_curves_in_which_variable_stars_stand_out(self):
        told = self.run_example("lightcurves.py")
        output = taskfarm.open(self.folder / "lightcurves.h5")
        table = output.frame
        self.assertEqual(list(table["curve"]), [f"star_{star:04d}.dat" for star in range(1000)])
        for star, rng in enumerate(self.generators(output, 1000)):
            magnitude = rng.normal(15, 0.005, 1000)
            varies = rng.random() < 0.1
            if varies:
                amplitude, period = rng.uniform(0.01, 0.1), rng.uniform(0.5, 5)
                magnitude += amplitude * numpy.sin(2 * numpy.pi * numpy.linspace(0, 30, 1000) / period)
            deviation = numpy.median(abs(magnitude - numpy.median(magnitude)))
            self.assertEqual(table["varies"][star], varies)
            self.assertAlmostEqual(table["rms"][star], 1.482602218505602 * deviation, delta=1e-12)
            self.assertAlmostEqual(table["mean"][star], magnitude.mean(), delta=1e-12)
        varies = table["varies"].to_numpy(bool)
        self.assertTrue(70 < varies.sum() < 130)
        self.assertLess(table["rms"][~varies].max(), table["rms"][varies].min())
        self.assertIn(f"{varies.sum()} stars vary, of 1000\n", told)
        self.assertRegex(told, r"\n\d+ stars vary, of 1000\n$")
        self.check_picture((self.folder / "lightcurves.png").read_bytes())

    def check_picture(self, png):
        """A PNG with something drawn in colour."""
        pixels = matplotlib.image.imread(io.BytesIO(png))[..., :3]
        coloured = numpy.ptp(pixels, axis=2) > 0.2
        self.assertGreater(coloured.mean(), 0.001)

    def test_the_notebook_from_a_function_to_a_figure(self):
        """By nbclient, then by nbconvert: the second time nothing is computed."""
        os.environ.update(environment(PYDEVD_DISABLE_FILE_VALIDATION="1"))
        os.environ.pop("MPLBACKEND")  # a kernel has one of its own
        notebook = nbformat.read(EXAMPLES / "notebook.ipynb", as_version=4)
        self.assertEqual([cell.outputs for cell in notebook.cells if cell.cell_type == "code"], [[]] * 5)
        resources = {"metadata": {"path": str(self.folder)}}
        nbclient.NotebookClient(notebook, timeout=self.limit, kernel_name="python3", resources=resources).execute()
        shown = [output.data for output in notebook.cells[-1].outputs if "data" in output]
        self.check_picture(base64.b64decode(shown[-1]["image/png"]))
        with h5py.File(self.folder / "search.h5") as file:
            starts = file["search/task/start"][()]

        shutil.copy(EXAMPLES / "notebook.ipynb", self.folder)
        command = ["/usr/bin/python3", "-m", "nbconvert", "--execute", "--to", "html", "notebook.ipynb"]
        self.last = farm.line_of(command, self.folder)
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, farm.told(done, self.folder))
        page = (self.folder / "notebook.html").read_text()
        self.assertIn("search.h5: 1 080 done", page)
        self.assertIn("data:image/png;base64,", page)
        with h5py.File(self.folder / "search.h5") as file:
            numpy.testing.assert_array_equal(file["search/task/start"][()], starts)
        data = taskfarm.open(self.folder / "search.h5")
        self.assertTrue((data.dataset.status == "done").all())
        share = data.dataset.found.mean("trial")
        self.assertTrue((share.isel(depth=-1) == 1).all(), "the deepest transits are found")
        self.assertTrue((share.isel(depth=0) < 0.6).all(), "the shallowest are found by chance")


class Page(farm.FarmTest):
    def test_the_first_example_is_the_file(self):
        source = (EXAMPLES / "sweep.py").read_text()
        for path in (PAGE, farm.SOURCE / "README.md"):
            self.assertIn(f"```python\n{source}```\n", path.read_text())

    def test_every_public_name_is_told_of(self):
        text = re.sub(r"^```.*?^```$", "", PAGE.read_text(), flags=re.M | re.S)
        words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", text))))
        self.assertEqual(set(taskfarm.__all__) - words - {"__version__", "Task", "serve"}, set())

    def test_the_signature_of_map_is_as_shown(self):
        shown = re.search(r"^    (map\(.*?\))$", PAGE.read_text(), re.M | re.S)[1]
        told = {name: p.default for name, p in inspect.signature(taskfarm.map).parameters.items() if p.kind is not p.VAR_KEYWORD}
        words = [f"{name}={json_less(default)}" if default is not inspect.Parameter.empty else name for name, default in told.items()]
        words.insert(2, "*")
        self.assertEqual(re.sub(r"\s+", " ", shown), f"map({', '.join(words)})")


    def test_what_it_shows_in_passing_runs(self):
        text = re.sub(r"^```.*?^```$", "", PAGE.read_text(), flags=re.M | re.S)
        blocks = [block for block in re.findall(r"(?:^    .*\n|^\n)+", text, re.M) if re.search(r"^    .*taskfarm\.", block, re.M)]
        self.assertEqual(len(blocks), 3)
        script = [
            "import numpy as np, pandas, taskfarm",
            "random = np.random.default_rng(1)",
            "stars = pandas.DataFrame({name: random.uniform(0, 10, 1000) for name in ('x', 'y', 'flux')})",
            "psf = np.full((5, 5), 1 / 25)",
            textwrap.dedent("".join(blocks)),
            "near = [len(stars[(stars.x - x) ** 2 + (stars.y - y) ** 2 < 1]) for x, y in zip(out.frame.x, out.frame.y)]",
            "assert (out.frame.stars == near).all() and out.stages == ['match'] and out.runs and not len(out.failed)",
            "found = taskfarm.open('lambda.h5').dataset.result",
            "np.testing.assert_array_equal(found, np.sin(np.linspace(0, 1, 1000))[:, None] + np.arange(1000))",
        ]
        self.write("shown.py", "\n".join(script))
        command = ["/usr/bin/python3", "shown.py"]
        self.last = farm.line_of(command, self.folder)
        done = subprocess.run(command, cwd=self.folder, env=environment(), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, farm.told(done, self.folder))


def json_less(value):
    """As it stands in a signature, with double quotes."""
    return json.dumps(value) if isinstance(value, str) else repr(value)


farm.main()
