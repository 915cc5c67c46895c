"""taskfarm.map: modules from anywhere, init, launchers, large tables."""

import subprocess

import farm
from map_test import MapTest


class More(MapTest):
    def test_methods_of_shared_generators(self):
        """Imported by name, too, they draw what is seeded for each task, and not from a copy."""
        done = self.python(
            """
            import random
            from numpy.random import normal
            from random import random as uniform
            def f(x, task, shared=random._inst) -> float:
                drawn = uniform(), normal(), shared.random()
                import numpy as np
                random.seed(task.seed)
                np.random.seed(task.seed % 2**32)
                return float(drawn == (random.random(), np.random.normal(), random.random()))
            print(taskfarm.map(f, {"x": range(8)}, slots=2, progress="none").dataset.result.values.tolist())
            """
        )
        self.assertEqual(done.stdout, f"{[1.0] * 8}\n")

    @farm.first
    def test_modules_from_elsewhere(self):
        """Of a folder that the script has put on its path; and what a function of the script imports from beside it is code."""
        self.write("lib/away.py", "class C:\n    @staticmethod\n    def twice(x) -> float: return x * 2\n")
        self.write("work/beside.py", "def helper(x): return x + 1\n")
        self.write("work/away.py", "def other(): pass\n")
        done = self.python(
            """
            import os, sys, warnings
            sys.path.insert(0, os.path.abspath("lib"))
            sys.path.insert(1, os.path.abspath("work"))
            import away, beside
            space = taskfarm.product(x=[1, 2])
            show = lambda run: print(run.dataset.result.values.tolist())
            show(taskfarm.map(away.C.twice, space, progress="none"))
            def f(x) -> float: return away.C.twice(x) + beside.helper(x)
            show(taskfarm.map(f, space, progress="none"))
            open("lib/away.py", "a").write("\\ndef more(): pass\\n")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                show(taskfarm.map(f, space, progress="none"))
            print(*[w.message for w in caught])
            os.chdir("work")  # where another one of its name is
            show(taskfarm.map(away.C.twice, space, progress="none"))
            show(taskfarm.map(f, space, progress="none"))
            open("../lib/away.py", "a").write("\\ndef more(): return 1\\n")
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                show(taskfarm.map(away.C.twice, space, progress="none"))
            print(*[w.message for w in caught])
            """
        )
        lines = done.stdout.splitlines()
        self.assertEqual(lines[:3], ["[2.0, 4.0]", "[4.0, 7.0]", "[4.0, 7.0]"])
        self.assertEqual(lines[3], "lib/away.py changed since 2 rows were made; they are kept; rerun=\"code\" makes them anew")
        self.assertEqual(lines[4:7], ["[2.0, 4.0]", "[4.0, 7.0]", "[2.0, 4.0]"])
        self.assertEqual(lines[7], lines[3].replace("lib/", ""))

    def test_modules_are_those_of_the_script(self):
        """Where several folders have one of a name, by value and by name: the order is that of the script's path, and what it has imported is what it was."""
        for folder in ("lib", "elsewhere"):
            self.write(f"{folder}/helper.py", f"import statistics\nk = '{folder}'\ndef named(x) -> str: return f'{{statistics.__name__}} {{hasattr(statistics, \"is_other\")}} {{k}}'\n")
            self.write(f"{folder}/statistics.py", "is_other = True\n")
            self.write(f"{folder}/late.py", f"k = '{folder}'\n")
        self.write("late.py", "k = 'script'\n")
        self.write("away/statistics.py", "is_other = None\n")
        self.write("away/late.py", "k = 'current'\n")
        text = """
            import concurrent.futures, multiprocessing, os, subprocess, sys
            {begin}
            import helper, statistics
            {end}
            def f(x) -> str:
                import late
                return f"{{statistics.__name__}} {{hasattr(statistics, 'is_other')}} {{helper.k}} {{late.k}}"
            def started(x) -> str:
                asks = "import os, sys; print(sys.path, [name for name in os.environ if name == 'TASKFARM_MODULES'])"
                return subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True).stdout
            def spawned(x) -> str:
                with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
                    return pool.submit(helper.named, x).result()
            def show(function, expected, **more):
                run = taskfarm.map(function, {{"x": [1]}}, progress="none", fresh=True, **more)
                assert run.frame.result.tolist() == [expected], (function, more, run.frame.result.tolist(), expected)
            show(f, f(1), warm=True)
            show(f, f(1), warm=False)
            show(helper.named, helper.named(1))
            if {number} == 0:
                show(started, started(1))
                show(spawned, helper.named(1))
            print(f(1))
            """
        for number, (begin, end, expected) in enumerate(
            (
                ("sys.path.append('lib')", "", "statistics False lib script"),
                ("sys.path.insert(0, os.path.abspath('lib'))", "", "statistics True lib lib"),
                ("sys.path.insert(1, 'lib'); sys.path.insert(1, 'elsewhere')", "", "statistics True elsewhere script"),
                ("import statistics; sys.path.insert(0, 'lib')", "", "statistics False lib lib"),
                ("sys.path.insert(0, os.path.abspath('lib'))", "del sys.path[0]", "statistics True lib script"),
                ("sys.path.append(os.path.abspath('lib')); os.chdir('away')", "", "statistics False lib script"),
            )
        ):
            with self.subTest(begin=begin, end=end):
                self.assertEqual(self.python(text.format(begin=begin, end=end, number=number)).stdout, expected + "\n")

    def test_init_and_launchers(self):
        """What init sets is there; it runs once a process, under mpirun too."""
        done = self.python(
            """
            def setup():
                global table
                table = 5
                open("called", "a").write("x\\n")
            def f(x) -> float:
                return x + table
            run = taskfarm.map(f, taskfarm.product(x=[1, 2]), init=setup, progress="none", slots=1)
            print(run.dataset.result.values.tolist())
            """,
            env={"TASKFARM_LAUNCH": f"{farm.MPIRUN} -n 2"},
        )
        self.assertEqual(done.stdout, "[6.0, 7.0]\n")
        self.assertEqual(self.open("f.h5").attrs["ranks"], 2)
        self.assertEqual(self.calls(), ["x"])

    def test_launchers_that_start_nothing(self):
        """Their exit status is none of a run's, and rows of before are not shown as what it gave."""
        done = self.python(
            """
            def f(x) -> int: return x
            space = taskfarm.product(x=[1, 2])
            for launch in ("false", "true", None, "false"):
                try:
                    print(taskfarm.map(f, space, progress="none", launch=launch).state)
                except taskfarm.EngineError as error:
                    print(error.id, error)
            """
        )
        told = "run-failed {} ended with {}, and no run has begun"
        self.assertEqual(done.stdout.splitlines(), [told.format("false", 1), told.format("true", 0), "complete", told.format("false", 1)])

    def test_a_script_that_mpirun_has_started(self):
        text = "try:\n    taskfarm.map(lambda x: x, taskfarm.product(x=[1]))\nexcept taskfarm.EngineError as error:\n    print(error.id, error)\n"
        for variable in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"):
            with self.subTest(variable=variable):
                told = self.python(text, env={variable: "4"}).stdout
                self.assertEqual(told, 'usage map is called in each of 4 ranks: start the script without mpirun, and give map launch="mpirun -n N"\n')

    def test_spaces_in_a_script_that_mpirun_has_started(self):
        """Each rank asks an engine that is none of the ranks."""
        command = self.write_script(
            """
            import os
            space = taskfarm.product(x=range(10)).where("x > 3")
            path = f"told{os.environ.get('OMPI_COMM_WORLD_RANK') or os.environ['PMI_RANK']}"
            open(path, "w").write(f"{len(space)} {space[0]} {len(taskfarm.sobol(5, y=(0, 1)))}")
            """
        )
        done = subprocess.run([farm.MPIRUN, "-n", "2", *command], cwd=self.folder, env=self.environment(), capture_output=True, text=True, timeout=self.limit)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual([path.read_text() for path in sorted(self.folder.glob("told*"))], ["6 {'x': 4} 5"] * 2)

    def test_large_tables(self):
        """They stand in files while the run is at work; every value and text is the same."""
        done = self.python(
            """
            import numpy as np, os
            v = np.random.default_rng(1).normal(size=60_000)
            v[3], v[4], v[5] = np.nan, np.inf, -np.inf
            s = [f'a"{i},\\n' for i in range(60_000)]
            def f(v, s): return {"w": v, "t": s}
            run = taskfarm.map(f, taskfarm.zip(v=v, s=s), results={"w": float, "t": str}, progress="none")
            frame = run.frame
            for name in ("v", "w"):
                assert np.array_equal(frame[name].to_numpy(float), v, equal_nan=True), name
            assert frame.t.tolist() == s and frame.s.tolist() == s
            print(run.state, len(taskfarm.open("f.h5").manifest["over"][0]), os.path.exists("f.h5.map"))
            """
        )
        self.assertEqual(done.stdout, "complete 2 False\n")

    def test_batches_tell_types_too(self):
        done = self.python(
            """
            import numpy as np
            def f(x, y):
                open("called", "a").write(f"{len(x)}\\n")
                return {"z": np.sin(x) + y, "n": np.arange(len(x)) * 0 + 7}
            run = taskfarm.map(f, taskfarm.product(x=np.linspace(0, 1, 30), y=np.linspace(0, 1, 20)), batch=100, progress="plain")
            x, y = run.dataset.x, run.dataset.y
            print(bool((run.dataset.z == np.sin(x) + y).all()), run.dataset.n.dtype, int(run.dataset.n.sum()))
            """
        )
        self.assertEqual(done.stdout, "True int64 4200\n")
        self.assertIn("column types, by task 0, which ran first: z float64, n int64", done.stderr)
        self.assertEqual(sorted(self.calls()), ["1"] + ["100"] * 6)

    def test_what_batches_tell_types_by(self):
        """Tables of a row a task, too, and no number for all tasks."""
        done = self.python(
            """
            import numpy as np, pandas as pd
            for number, f in enumerate((
                lambda x: pd.DataFrame({"a": x, "b": x * 0.5}, index=x + 3),
                lambda x: np.rec.fromarrays([x, x * 0.5], names="a,b"),
                lambda x: {"a": pd.Series(x, index=x + 3), "b": (x * 0.5).tolist()},
                lambda x: 3.0,
                lambda x: "abc",
                lambda x: np.arange(2),
            )):
                try:
                    frame = taskfarm.map(f, {"x": range(5)}, batch=2, output=f"{number}.h5", progress="none").frame
                    print(frame[["a", "b"]].to_dict("list"))
                except taskfarm.TaskError as error:
                    print(str(error).splitlines()[0])
            """
        )
        table = "{'a': [0, 1, 2, 3, 4], 'b': [0.0, 0.5, 1.0, 1.5, 2.0]}"
        first = 'lambda[0] (x=0), which was to tell the types of results, failed: TypeError: "result": '
        expected = ", expected an array of shape (tasks,), here (1,): one value for each task of the batch"
        self.assertEqual(
            done.stdout.splitlines(),
            [table] * 3 + [f"{first}{said}{expected}" for said in ("3.0", '"abc"', "an array of int64 of shape (2,)")],
        )


farm.main()
