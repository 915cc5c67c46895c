"""README and docs: what they show works as shown."""

import html
import json
import re
import subprocess

import farm
import h5py

DOCUMENTS = [farm.SOURCE / "README.md", *sorted((farm.SOURCE / "docs").rglob("*.md"))]


def blocks(path, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", path.read_text(), re.M | re.S)


# Tables of the program: where, and how a row names what it adds; on which page, and below which heading, that is told.
TABLES = {
    "verb": ("cli/verbs.c", r'\{\.name = "(.*?)"', "running.md", "Running"),
    "batch system": ("cli/batch_systems.c", r'\{"(.*?)"', "running.md", "Running"),
    "kind of import": ("cli/import_kinds.c", r'\{"(.*?)"', "running.md", "Running"),
    "format of export": ("report/export_formats.c", r'\.name = "(.*?)"', "running.md", "Running"),
    "format of report": ("report/report_formats.c", r'\.name = "(.*?)"', "running.md", "Running"),
    "axis": ("manifest/axis_kinds.c", r'\{\.key = "(.*?)"', "manifest.md", "Spaces"),
    "kind of run": ("manifest/run_*.c", r'\.key = "(.*?)"', "manifest.md", "Runs"),
    "source of columns": ("manifest/column_sources.c", r'\.name = "(.*?)"', "manifest.md", "Results"),
    "statistic": ("manifest/statistic_kinds.c", r'\.name = "(.*?)"', "manifest.md", "Reductions"),
}


def code_below(page, heading):
    """The words of all code below a heading, up to the next, but options; of a line that shows a command none of what is said behind it."""
    text = re.sub(r"^```.*?^```$", "", (farm.SOURCE / "docs" / page).read_text(), flags=re.M | re.S)
    section = re.split(r"^#+ ", text.split(f"# {heading}\n")[1], flags=re.M)[0]
    code = re.findall(r"`([^`]+)`", section) + [re.split("   +", line)[0] for line in re.findall("^    (.*)", section, re.M)]
    return {word for part in code for word in re.findall(r"(?<![\w-])[a-z]+[0-9]*~?", part)}


@farm.first
class Documents(farm.FarmTest):
    def test_the_first_manifest_is_the_example(self):
        manifest = blocks(farm.SOURCE / "README.md", "json")[0]
        self.assertEqual(manifest, (farm.EXAMPLES / "sweep/manifest.json").read_text())

    def test_python_blocks_run(self):
        self.taskfarm(farm.EXAMPLES / "sweep/manifest.json", "--output", "sweep.h5")
        (reduced,) = [block for block in blocks(farm.SOURCE / "docs/manifest.md", "json") if '"by_filter"' in block]
        self.write("stars.json", reduced)
        self.taskfarm("stars.json")
        measure = {"name": "measure", "over": {"n": {"range": [3]}}, "run": {"expr": {"flux": "6.89684 + n"}}}
        fit = {"name": "fit", "over": {"row": {"from": "measure"}, "k": [1, 2]}, "run": {"expr": {"y": "flux * k"}}}
        self.write("chain.json", {"stages": [measure, fit]})
        self.taskfarm("chain.json")
        for path in DOCUMENTS:
            for block in blocks(path, "python"):
                if "import taskfarm" in block:  # an example's, which 71_python_examples.py runs
                    continue
                script = block.replace("examples/sweep/sweep.h5", "sweep.h5")
                done = subprocess.run(
                    ["/usr/bin/python3", "-c", script], cwd=self.folder, capture_output=True, text=True
                )
                self.assertEqual((done.returncode, done.stderr), (0, ""), script)
                told = "polytrope" if "stdout" in script else "G   False" if "stars" in script else "6.89684"
                self.assertIn(told, done.stdout)

    def build_shown_plugins(self):
        include = f"-I{farm.SOURCE}/include"
        options = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared", include]
        for name, source in zip(("noise", "smooth"), blocks(farm.SOURCE / "docs/plugins.md", "c"), strict=True):
            self.write(f"{name}.c", source)
            subprocess.run(["cc", *options, f"{name}.c", "-o", f"lib{name}.so"], cwd=self.folder, check=True)

    def test_manifests_are_right(self):
        """With the files and programs that they name made up."""
        self.build_shown_plugins()
        for name in ("raw", "dark"):
            with h5py.File(self.folder / f"{name}.h5", "w") as file:
                file.create_dataset("image", (10000, 10000), "i2")
        self.write("stars.csv", "star\nVega\n")
        for name in ("x.md", "lane_emden.awk"):
            self.write(name, "")
        self.write("catalog/a.csv", "field,mag,kind\n1,12.5,star\n")
        for name in ("flat_G_1", "flat_R_1", "science_R_1"):
            self.write(f"raw/{name}.fits", "")
        for name in ("measure", "combine", "divide"):
            self.write(f"bin/{name}", "#!/bin/sh\n").chmod(0o755)
        count = 0
        for path in DOCUMENTS:
            for block in blocks(path, "json"):
                self.write("shown.json", block)
                env = {"PATH": f"{self.folder}/bin:/usr/bin:/bin"}
                self.taskfarm("check", "shown.json", env=env)
                count += 1
        self.assertGreaterEqual(count, 4)

    def test_the_shown_stage_is_the_example_s(self):
        example = json.loads((farm.EXAMPLES / "calibration/manifest.json").read_text())
        self.assertIn(json.loads(blocks(farm.SOURCE / "README.md", "jsonc")[0]), example["stages"])

    def test_the_shown_plugin_runs(self):
        manifest = json.loads(blocks(farm.SOURCE / "docs/plugins.md", "json")[0])
        self.build_shown_plugins()
        self.write("noise.json", manifest)
        self.taskfarm("noise.json", "--slots", 2)
        stage = self.open("noise.h5")["noise"]
        mean, count = stage["results/mean"][()], stage["params/count"][()]
        for n in (10, 1000):
            self.assertAlmostEqual(mean[count == n].std(), n**-0.5, delta=0.15 * n**-0.5)

    def test_links_lead_somewhere(self):
        for path in DOCUMENTS:
            for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
                self.assertTrue((path.parent / link).exists(), f"{path.name}: {link}")

    def test_readme_shows_what_was_measured_last(self):
        section = re.search(r"^## How fast\n(.*?)^## ", (farm.SOURCE / "README.md").read_text(), re.M | re.S).group(1)
        shown = [line for line in section.splitlines() if line.startswith("|")]
        measured = (farm.SOURCE / "docs/performance/bench.md").read_text().splitlines()
        self.assertGreater(len(shown), 10)
        self.assertEqual([line for line in shown if line not in measured], [])

    def test_files_that_the_design_names_are_there(self):
        text = (farm.SOURCE / "docs/design.md").read_text()
        named = re.findall(r"`((?:src|docs)/[\w./-]*)`", text)
        self.assertGreater(len(named), 60)
        for name in named:
            self.assertTrue((farm.SOURCE / name).exists(), f"design.md: {name}")

    def test_the_design_names_every_runner(self):
        for path in (farm.SOURCE / "src/host").glob("runner_*.c"):
            self.assertIn(f"`src/host/{path.name}`", (farm.SOURCE / "docs/design.md").read_text())

    def test_the_picture_of_the_processes_is_drawn_from_its_source(self):
        docs = farm.SOURCE / "docs"
        picture = html.unescape((docs / "processes.svg").read_text()).replace("\N{NO-BREAK SPACE}", " ")
        shown = {text.strip() for text in re.findall(r">([^<]+)<", picture)}
        labels = re.findall(r'label="([^"]*)"', (docs / "processes.dot").read_text())
        self.assertGreater(len(labels), 15)
        for line in "\\n".join(labels).split("\\n"):
            self.assertIn(line.strip(), shown)

    def test_tests_that_are_named_are_there(self):
        for path in DOCUMENTS:
            for name in re.findall(r"`((?:tests|examples|jobs)/[\w./-]+)", path.read_text()):
                self.assertTrue((farm.SOURCE / name).exists(), f"{path.name}: {name}")

    def test_every_option_is_told_of_the_verbs_that_take_it(self):
        told = {}
        for option, verbs in re.findall(r"^\| `--([a-z-]+)[^|]*\| ([a-z, ]+) \|", (farm.SOURCE / "docs/running.md").read_text(), re.M):
            told.setdefault(option, set()).update(verbs.split(", "))
        taken = {}
        for verb in re.findall(r"^taskfarm (?:\[run\]|(\w+))", self.taskfarm("--help").stdout, re.M):
            for option in re.findall(r"^  (?:-\w, )?--([a-z-]+)", self.taskfarm(verb or "run", "--help").stdout, re.M):
                taken.setdefault(option, set()).add(verb or "run")
        self.assertEqual(told, taken)

    def test_every_row_of_a_table_is_documented(self):
        for kind, (files, pattern, page, heading) in TABLES.items():
            sources = "".join(path.read_text() for path in sorted((farm.SOURCE / "src").glob(files)))
            names = re.findall(pattern, sources)
            self.assertGreater(len(names), 1, kind)
            missing = [name for name in names if name not in code_below(page, heading)]
            self.assertEqual(missing, [], f"{page}, below {heading}, does not tell of this {kind}")
        statuses = re.findall(r'\.name = "(.*?)"', (farm.SOURCE / "src/rows/statuses.c").read_text())
        for number, name in enumerate(statuses):
            self.assertRegex((farm.SOURCE / "docs/output.md").read_text(), rf"\b{number} {name}\b")

    def test_every_key_is_documented(self):
        manual = (farm.SOURCE / "docs/manifest.md").read_text()
        schema = json.loads(self.taskfarm("schema").stdout)
        places = [*schema["anyOf"], *(d for d in schema["$defs"].values() if "properties" in d)]
        places += [a for d in schema["$defs"].values() for a in d.get("anyOf", []) if "properties" in a]
        self.assertGreater(len(places), 6)
        for place in places:
            for key, value in place["properties"].items():
                if value.get("not") != {}:
                    self.assertRegex(manual, rf"[`\"]{key}[`\"]", key)


farm.main()
