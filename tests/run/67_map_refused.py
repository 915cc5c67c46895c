"""What taskfarm.map refuses before a task has run, and that it speaks of its keywords, not of the command's options."""

import re
import sys

import farm
from map_test import MapTest

sys.path.insert(0, str(farm.SOURCE / "src/python"))

from taskfarm._wording import worded

# Options of the command for which map has a keyword, or another way; and those that it uses itself.
OPTIONS = r"--(?:output|fresh|rerun|slots|force|touch|salvage|stop-with)\b"

# Sources whose messages no map can meet, though they name such options.
OF_OTHERS = {
    "arguments.c",  # --salvage and --fresh at once
    "completion.c",
    "destination.c",  # what export and report write
    "export_hdf5.c",
    "plan.c: --force %s: there is no such stage",
    "plan.c: --rerun code",  # where it is a program that is told, the package says this itself
    "progress.c: --stop-with",  # stands in a sentence: see below
    "run.c: --rerun code",
    "status.c",
    "verbs.c",
}

ANYWHERE = "give another output="


class Refused(MapTest):
    def refused(self, text):
        """What a script prints of errors, its folder's path cut out; no task has run, and no folder of a run is left."""
        done = self.python(text)
        self.assertEqual(self.calls(), [])
        self.assertEqual([path.name for path in self.folder.glob("*.map*")], [])
        return done.stdout.replace(f"{self.folder.resolve()}/", "").splitlines()

    def test_keywords_of_other_libraries(self):
        """What is said here instead."""
        lines = self.refused(
            """
            for key in ("n_jobs", "max_workers", "chunksize", "initializer", "walltime"):
                try:
                    taskfarm.map(lambda x: 1, {"x": [1]}, **{key: 4})
                except taskfarm.ManifestError as error:
                    print(error.id, error)
            """
        )
        self.assertEqual(
            lines,
            [
                "unknown-key n_jobs: map has no such keyword: slots= says how many tasks run at once, resources= what each takes",
                "unknown-key max_workers: map has no such keyword: slots= says how many tasks run at once, resources= what each takes",
                "unknown-key chunksize: map has no such keyword: tasks go to processes in parcels by themselves; batch= makes arrays",
                "unknown-key initializer: map has no such keyword: init= is called once in each process",
                "unknown-key walltime: map has no such keyword: timeout= is that of a task",
            ],
        )

    @farm.first
    def test_what_is_known_without_types(self):
        """Is refused before the first task runs, which may take an hour."""
        self.write("text.h5", "text")
        (self.folder / "folder.h5").mkdir()
        lines = self.refused(
            """
            def f(x):
                open("called", "a").write("x\\n")
                return {"y": x}
            def g(x) -> float: return x
            taskfarm.map(g, {"x": [1]}, output="g.h5", progress="none")
            def reduce(*names, **more): return {"reduce": {"r": {"columns": {name: ["mean"] for name in names}, **more}}}
            for more in (
                {"slots": 0}, {"output": "folder.h5"}, {"output": "text.h5"}, {"output": "g.h5"}, {"rerun": "all"},
                {"reduce": "mean"}, {"reduce": {"r": {"columns": {"y": ["maen"]}}}}, {"reduce": {"r": {"columns": {"y": 3}}}},
                {"reduce": {"r": {"columns": {"y": ["quantile:2"]}}}}, {"reduce": {"r": {"by": 3}}}, {"reduce": {"r": {"where": 3}}},
                {"until": "y.count >"}, {"until": "y.mean > 3 and y.count > 5"}, {"until": "maen(y.mean)"}, reduce("y", where="y ="), reduce("y", where="s == 'a' && (y"),
                {"until": 3}, {"until": {"expr": "y.mean", "first": 0}}, {"resources": {"slots": 9999}}, {"space": taskfarm.product(x=[1, 2]).where("x > 5")},
            ):
                try:
                    print("ran", taskfarm.map(f, **{"space": {"x": [1, 2]}, "output": "f.h5", "progress": "none", **more}))
                except taskfarm.Error as error:
                    print(type(error).__name__, error.id, error)
            """
        )
        statistics = 'a list such as ["mean", "std"]'
        self.assertEqual(
            lines,
            [
                "ManifestError  slots=0: must be an integer from 1 to 4096",
                f"EngineError not-an-output folder.h5: the output is a folder; {ANYWHERE}",
                f"EngineError not-an-output text.h5: is no HDF5 file; {ANYWHERE}",
                f'EngineError campaign-changed g.h5: has a stage "g", and this map has not: it is another one\'s output; {ANYWHERE}, or fresh=True sets it aside',
                'ManifestError bad-option rerun="all": must be mtime, params, code or inputs, or several with commas between',
                "ManifestError wrong-type reduce: must be an object, not a string",
                'ManifestError unknown-name reduce: r: columns: y: 0: there is no statistic "maen"; did you mean "mean"?',
                f"ManifestError wrong-type reduce: r: columns: y: must be {statistics}, not a number",
                'ManifestError bad-value reduce: r: columns: y: 0: "quantile:2" must be quantile:Q, with Q from 0 to 1',
                "ManifestError wrong-type reduce: r: by: must be a name or a list of names, not a number",
                "ManifestError wrong-type reduce: r: where: must be a string, not a number",
                'ManifestError bad-expression until: "y.count >": is not an expression: something is missing',
                'ManifestError bad-expression until: "y.mean > 3 and y.count > 5": "and" is written && here',
                'ManifestError bad-expression until: "maen(y.mean)": there is no function "maen"',
                'ManifestError bad-expression reduce: r: where: "y =": a single \'=\' has no meaning; equality is ==',
                """ManifestError bad-expression reduce: r: where: "s == 'a' && (y": is not an expression: something is missing""",
                "ManifestError wrong-type until: must be an expression or an object, not a number",
                "ManifestError out-of-range until: first: must be a positive integer",
                "ManifestError out-of-range resources: slots: must be an integer from 1 to 4096",
                'ManifestError  "where" leaves out all tasks of stage "f"',
            ],
        )

    def test_the_rest_is_known_with_them(self):
        """Reductions of columns that the first task tells are made, whatever these are called and hold; what does not fit
        them is refused then."""
        done = self.python(
            """
            def f(x): return {"y": x, "z": 2 * x, "k": x % 2, "s": "ab"[x % 2], "in": x}
            reduce = lambda *names, where="z > 1": {"r": {"by": "k", "columns": {name: ["mean"] for name in names}, "where": where}}
            run = taskfarm.map(f, {"x": [1, 2, 3]}, reduce=reduce("y", "z"), until="y.mean > 9 || in.mean > 9", progress="none")
            print(run.reductions["r"]["y.mean"].values.tolist())
            for where in ("s == 'b'", "'b' == s && y > 1", "(s != 'a') && in >= 1", "in > 2"):
                run = taskfarm.map(f, {"x": [1, 2, 3]}, output="w.h5", fresh=True, reduce=reduce("y", where=where), progress="none")
                print(where, run.reductions["r"]["y.mean"].values.tolist())
            try:
                taskfarm.map(f, {"x": [1, 2, 3]}, output="g.h5", reduce=reduce("y", "zz"), progress="none")
            except taskfarm.ManifestError as error:
                print(error.id, error)
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                "[2.0, 2.0]",
                "s == 'b' [2.0]",
                "'b' == s && y > 1 [3.0]",
                "(s != 'a') && in >= 1 [2.0]",
                "in > 2 [3.0]",
                'unknown-name reduce: r: columns: zz: the stage has neither a parameter nor a column "zz"',
            ],
        )

    @farm.first
    def test_arguments_that_can_t_be_told(self):
        lines = self.refused(
            """
            def f(x): open("called", "a").write("x\\n")
            class Other: pass
            for more in (
                {"output": b"x.h5"}, {"output": 3}, {"output": ""}, {"output": "a\\udcff.h5"}, {"output": "a\\0.h5"}, {"output": "~/x.h5"}, {"output": "script.py/x.h5"},
                {"common": 3}, {"common": {3: [1]}}, {"launch": 3}, {"launch": "mpirun '"}, {"launch": "nosuchprogram -n 3"}, {"rerun": True}, {"fresh": "no"}, {"detach": "False"}, {"raise_on_failure": 1}, {"where": "x == '\\udcff'"},
                {"env": {"A": "\\udcff"}}, {"env": 3}, {"arrays": 3}, {"code": 3}, {"timeout": Other()}, {"space": {"x": ["a", "\\udcff"]}},
            ):
                try:
                    print("ran", taskfarm.map(f, **{"space": {"x": [1, 2]}, "output": "f.h5", "progress": "none", **more}))
                except (taskfarm.Error, TypeError, ValueError) as error:
                    print(type(error).__name__, error)
            """
        )
        self.assertEqual(
            lines,
            [
                "TypeError output: must be a path as text, not bytes",
                "TypeError output: must be a path as text, not int",
                "ManifestError output: '' can't be the name of a file in UTF-8",
                "ManifestError output: 'a\\udcff.h5' can't be the name of a file in UTF-8",
                "ManifestError output: 'a\\x00.h5' can't be the name of a file in UTF-8",
                "EngineError output: there is no folder ~",
                "EngineError output: script.py is no folder",
                "TypeError common: must be a dict of values by name, not int",
                "TypeError common: names are texts, not int",
                'TypeError launch: must be a text, as in launch="mpirun -n 4", not int',
                "ManifestError launch: has a quotation mark without its other one: mpirun '",
                "EngineError launch: there is no program nosuchprogram",
                'TypeError rerun: must be a text, as in rerun="code", not bool',
                "TypeError fresh: must be True or False, not 'no'",
                "TypeError detach: must be True or False, not 'False'",
                "TypeError raise_on_failure: must be True or False, not 1",
                "ManifestError where: '\\udcff' is no character: a text, or the name of a file, that is not UTF-8",
                "ManifestError env: '\\udcff' is no character: a text, or the name of a file, that is not UTF-8",
                "ManifestError env: must be an object, not a number",
                "ManifestError arrays: must be an object, not a number",
                "ManifestError code: must be a list, not a number",
                "ManifestError timeout: Other can't stand in a manifest",
                "ValueError x[1]: '\\udcff' is not UTF-8: leave it out, or rename the file",
            ],
        )

    def test_generators_that_each_process_would_have_a_copy_of(self):
        """Of the script, whatever they are seeded with; of a module with a seed. Not what is never drawn from, what the
        task has of its own, and what it may have for itself."""
        self.write(
            "noise.py",
            "import numpy as np\n"
            "seeded, fresh = np.random.default_rng(42), np.random.default_rng()\n"
            "def by_name(x): return seeded.normal()\n"
            "def own_of_process(x): return fresh.normal()\n",
        )
        lines = self.refused(
            """
            import functools, random, warnings
            import noise, numpy as np
            from taskfarm._function import target_of
            rng = np.random.default_rng(42)
            draw, many = rng.normal, [np.random.default_rng(i) for i in range(3)]
            class Model:
                def __init__(self): self.rng, self.own = rng, random.Random(3)
                def inner(self, x): return self.rng.normal()
                def outer(self, x): return self.inner(x)
                def of_random(self, x): return self.own.random()
                def still(self, x): return x
            model = Model()
            def plain(x): return [rng.normal() for _ in range(3)]
            def deep(x): return plain(x)
            def default(x, state=np.random.RandomState(1)): return state.normal()
            def method(x): return draw()
            def of_module(x): return noise.seeded.normal()
            def of_object(x): return model.outer(x)
            def argument(x, source): return source.normal()
            def offered(x, rng=rng): return rng.normal()
            def listed(x): return many[x].normal()
            def still(x): return model.still(x)
            for f in (
                plain, deep, default, method, of_module, of_object, noise.by_name, model.outer, model.of_random, functools.partial(argument, source=rng),
                offered, functools.partial(offered, rng=rng), listed, still, model.still, noise.own_of_process,
            ):
                try:
                    with warnings.catch_warnings(record=True) as caught:
                        target_of(f)
                    print("taken", *(warning.message for warning in caught))
                except taskfarm.ManifestError as error:
                    print(error.id, str(error).partition(" draws from ")[2])
            """
        )
        text = "of which each process has a copy, so that tasks get the same numbers: let it have a parameter rng, a Generator of each task's own"
        warned = (
            "own_of_process draws from \"fresh\", a Generator of which each process has its own, for all of its tasks: results depend on where tasks run; "
            "let it have a parameter rng, a Generator of each task's own"
        )
        drawn = [
            ("rng", "Generator"), ("rng", "Generator"), ("state", "RandomState"), ("draw", "Generator"), ("noise.seeded", "Generator"),
            ("self.rng", "Generator"), ("seeded", "Generator"), ("self.rng", "Generator"), ("self.own", "Random"), ("source", "Generator"),
        ]
        self.assertEqual(lines, [*(f'unseeded "{name}", a {kind} {text}' for name, kind in drawn), *["taken"] * 5, f"taken {warned}"])

    def test_the_variable_for_launchers(self):
        for launch, message in (
            ("mpirun '", "TASKFARM_LAUNCH: has a quotation mark without its other one: mpirun '"),
            ("nosuchprogram -n 3", "TASKFARM_LAUNCH: there is no program nosuchprogram"),
        ):
            done = self.python("taskfarm.map(lambda x: x, {'x': [1]}, output='f.h5')\n", status=1, env={"TASKFARM_LAUNCH": launch})
            self.assertEqual(done.stderr.splitlines()[-1].partition(": ")[2], message)
            self.assertEqual([path.name for path in self.folder.glob("f.h5*")], [])

    def test_detached(self):
        """What a detached engine is told wrong, and a launcher that starts none, is known before map returns."""
        lines = self.refused(
            """
            def f(x) -> float: return x
            for more in ({"slots": 0}, {"launch": "false"}, {"launch": "true"}, {"where": "y > 1"}):
                try:
                    print("ran", taskfarm.map(f, {"x": [1, 2]}, detach=True, progress="none", **more))
                except taskfarm.Error as error:
                    print(type(error).__name__, error)
            """
        )
        self.assertEqual(lines[:3], [
            "ManifestError slots=0: must be an integer from 1 to 4096",
            "EngineError false ended with 1, and no run has begun",
            "EngineError true ended with 0, and no run has begun",
        ])
        self.assertRegex(lines[3], "^ManifestError where: ")

    def test_texts_of_arrays(self):
        """Of numpy's, too, what is no UTF-8 is refused where it is given."""
        done = self.python(
            """
            import numpy as np
            for texts in (np.array(["a", "b\\udcff"]), np.array(["", "x"]), np.array(["\\ud800x"])[:1], np.array(["ü", "z"])):
                try:
                    print(taskfarm.product(s=texts))
                except ValueError as error:
                    print(ascii(str(error)))
            """
        )
        self.assertEqual(
            done.stdout.splitlines(),
            [
                r"\"s[1]: 'b\\udcff' is not UTF-8: leave it out, or rename the file\"".replace("\\\"", '"'),
                "product(s=['', 'x'])",
                r"\"s[0]: '\\ud800x' is not UTF-8: leave it out, or rename the file\"".replace("\\\"", '"'),
                "product(s=['ü', 'z'])",
            ],
        )


class Words(farm.FarmTest):
    def messages(self):
        """All texts in the engine's sources that name an option, with what is put in as words."""
        for path in sorted((farm.SOURCE / "src").rglob("*.c")):
            for literals in re.findall(r'(?:"(?:[^"\\\n]|\\.)*"\s*)+', path.read_text()):
                text = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', literals)).replace('\\"', '"')
                if re.search(OPTIONS, text) and path.name not in OF_OTHERS and f"{path.name}: {text}" not in OF_OTHERS:
                    yield path.name, re.sub(r"%[-.*0-9]*(?:ll|l|z)?[a-z]", "8", text)

    @farm.first
    def test_options_are_told_as_keywords(self):
        """Of each message that names one."""
        seen = dict(self.messages())
        self.assertGreater(len(seen), 10)
        for name, text in self.messages():
            with self.subTest(name=name, text=text):
                left = re.sub("the command taskfarm MANIFEST --salvage", "", worded(text))
                self.assertIsNone(re.search(OPTIONS, left), left)

    def test_keywords_stand_in_sentences(self):
        for said, told in {
            "s.h5: is no HDF5 file; choose another name with --output": f"s.h5: is no HDF5 file; {ANYWHERE}",
            "; --rerun code runs it anew, --fresh sets the old output aside and starts anew, --output leaves it where it is": (
                '; rerun="code" runs it anew, fresh=True sets the old output aside and starts anew, another output= leaves it where it is'
            ),
            "; --rerun params drops the rows of such points": '; rerun="params" drops the rows of such points',
            "s.h5.d: is a link, where the run needs a folder of its own; remove it, or choose another name with --output": (
                f"s.h5.d: is a link, where the run needs a folder of its own; remove it, or {ANYWHERE}"
            ),
            "--slots x: must be an integer from 1 to 4096": "slots=x: must be an integer from 1 to 4096",
            "or ask for fewer slots (--slots)": "or ask for fewer slots (slots=)",
            "give ranks more with --slots, or mpirun --bind-to none": "give ranks more with slots=, or mpirun --bind-to none",
            "a single rank there with --slots 8 imports it once": "a single rank there with slots=8 imports it once",
            "f[0]: out: is there, and no earlier run has made it; move it away, or say --force f to have it removed": (
                "f[0]: out: is there, and no earlier run has made it; move it away"
            ),
            "would be made again: why; remove it, or say --touch": "would be made again: why; remove it",
            "--salvage goes on with the rows that are whole without it, --fresh sets the output aside": (
                "the command taskfarm MANIFEST --salvage goes on with the rows that are whole without it, fresh=True sets the output aside"
            ),
            "stopping because of --stop-with: tasks": "stopping since the script says so: tasks",
            "ValueError: no --output-file": "ValueError: no --output-file",
        }.items():
            self.assertEqual(worded(said), told)


farm.main()
