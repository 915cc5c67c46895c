"""The examples, at a small size, against what is known of their answers."""

import farm
import numpy


class Spectra(farm.FarmTest):
    def measure(self, manifest, *options, ranks=3):
        self.taskfarm(
            farm.example("spectra") / manifest, "--output", "out.h5", "--fresh", *options, ranks=ranks
        )
        file = self.open("out.h5")
        stage = file["measure"]
        self.assertTrue((stage["task/status"][()] == farm.DONE).all())
        rows = {name: column[()] for name, column in stage["results"].items()}
        rows["spectrum"] = stage["params/spectrum"][()]
        file.close()
        return rows

    def test_the_whole_archive(self):
        rows = self.measure("manifest.json")
        self.assertEqual(len(rows["slope"]), 328)
        self.assertTrue((rows["points"] >= 11).all())
        self.assertTrue((rows["wavelength_min"] > 2000).all() and (rows["wavelength_max"] < 200000).all(), "angstrom")
        self.assertTrue((rows["slope_low"] <= rows["slope"]).all() and (rows["slope"] <= rows["slope_high"]).all())
        # G191-B2B is a white dwarf of 60 000 K, which in the optical is close to Rayleigh-Jeans: F_lambda ~ lambda^-4.
        hot = [slope for path, slope in zip(rows["spectrum"], rows["slope"]) if b"oke1990/g191b2b" in path]
        self.assertEqual(len(hot), 1)
        self.assertTrue(-4.1 < hot[0] < -3.6, hot)
        # A flat F_nu, as the blackbody tables of constant magnitude are, is F_lambda ~ lambda^-2 exactly.
        flat = [slope for path, slope in zip(rows["spectrum"], rows["slope"]) if b"blackbody/" in path]
        self.assertEqual(len(flat), 11)
        numpy.testing.assert_allclose(flat, -2, atol=1e-9)

    def test_a_command_gives_the_plugin_s_numbers_to_the_last_bit(self):
        lists = "data/oke1990/*.dat"
        by_plugin = self.measure("manifest.json", "--set", f"spectra={lists}", "--slots", 2, ranks=None)
        by_command = self.measure("by_command.json", "--set", f"spectra={lists}", ranks=3)
        self.assertEqual(len(by_plugin["slope"]), 13)
        self.assertEqual(set(by_plugin), set(by_command))
        for name in by_plugin:
            self.assertEqual(by_plugin[name].tobytes(), by_command[name].tobytes(), name)


class Bootstrap(farm.FarmTest):
    def test_of_a_spectrum_agrees_with_the_archive_s(self):
        """10^6 replicates, a task each, against the standard error and the interval from 10^4 resamples in one task."""
        spectra = farm.example("spectra")
        self.taskfarm(farm.example("bootstrap") / "manifest.json", "--output", "b.h5", ranks=3)
        self.taskfarm(spectra / "manifest.json", "--output", "s.h5", "--set", "spectra=data/oke1990/feige34.dat")
        replicates = self.open("b.h5")["bootstrap/results/slope"][()]
        self.assertEqual(len(replicates), 1000000)
        one = {name: column[0] for name, column in self.open("s.h5")["measure/results"].items()}
        spread = replicates.std()
        low, high = numpy.quantile(replicates, [0.025, 0.975])
        # The density at the 2.5 % point of a normal is 0.0584: the error of the 10^4 resamples' quantile follows.
        error = numpy.sqrt(0.025 * 0.975 / 10000) / 0.0584 * spread
        self.assertAlmostEqual(one["slope_low"], low, delta=5 * error)
        self.assertAlmostEqual(one["slope_high"], high, delta=5 * error)
        self.assertAlmostEqual(one["slope"], replicates.mean(), delta=0.2 * spread)


@farm.first
class Sweep(farm.FarmTest):
    def test_finds_the_surfaces_of_polytropes(self):
        """Against the closed forms for n = 0 and 1, and Chandrasekhar's table (1939, chapter 4, table 4)."""
        self.taskfarm(farm.example("sweep") / "manifest.json", "--output", "out.h5", ranks=3)
        stage = self.open("out.h5")["sweep"]
        column = {name: data[()] for group in ("params", "results") for name, data in stage[group].items()}
        self.assertEqual(len(column["n"]), 30)
        known = {0: numpy.sqrt(6), 1: numpy.pi, 1.5: 3.65375, 2: 4.35287, 3: 6.89685, 4: 14.97155, 4.5: 31.83646}
        finest = column["step"] == 0.001
        for n, xi in known.items():
            self.assertAlmostEqual(column["xi"][finest & (column["n"] == n)][0], xi, delta=1e-5)
        self.assertAlmostEqual(column["mass"][finest & (column["n"] == 1)][0], numpy.pi, delta=1e-5)
        numpy.testing.assert_allclose(column["steps"], column["xi"] / column["step"], atol=1.5)
        self.assertTrue((abs(column["xi"][~finest] / column["xi"][finest].repeat(2) - 1) < 2e-3).all())


farm.main()
