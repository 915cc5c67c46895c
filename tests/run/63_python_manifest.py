"""Runs of kind "python" in the manifest: what may stand there, what is refused before anything runs, and what rows depend on."""

import json

import farm
import h5py

MEASURE = "def measure(n):\n    return n\n"

# What stands in "run", and what is said of it.
REFUSED = [
    ({"python": 3}, "/run/python: must be a string, not a number"),
    (
        {"python": "measure.py"},
        '/run/python: names no function: write "measure.py:FUNCTION", as in "measure.py:measure"; a script that is to run as a whole is '
        'a "command": ["python3", "measure.py"]',
    ),
    (
        {"python": "lib/my-work.py:"},
        '/run/python: names no function: write "lib/my-work.py:FUNCTION", as in "lib/my-work.py:measure"; a script that is to run as a '
        'whole is a "command": ["python3", "lib/my-work.py"]',
    ),
    ({"python": "measure"}, '/run/python: must be FILE.py:FUNCTION or MODULE:FUNCTION, as in "measure.py:measure", not "measure"'),
    ({"python": ":f"}, '/run/python: must be FILE.py:FUNCTION or MODULE:FUNCTION, as in "measure.py:measure", not ":f"'),
    ({"python": "measure.py:measure(3)"}, '/run/python: must name the function "measure" and not call it: leave out "(3)"'),
    ({"python": "measure.py:my-work"}, '/run/python: "my-work" can\'t be the name of a Python function'),
    ({"python": "measure.py:a..b"}, '/run/python: "a..b" can\'t be the name of a Python function'),
    ({"python": "measure.py:<lambda>"}, '/run/python: "<lambda>" can\'t be the name of a Python function'),
    ({"python": "lib/measure:f"}, '/run/python: "lib/measure" is neither a file of Python, whose name ends in .py, nor the name of a module'),
    (
        {"python": "look.ipynb:f"},
        "/run/python: look.ipynb is a notebook, which can't be imported: move the function to a .py file, or run it in the notebook, by "
        "taskfarm.map",
    ),
    ({"init": "3"}, '/run/init: "3" can\'t be the name of a Python function'),
    ({"interpreter": ["python3"]}, "/run/interpreter: must be a string, not a list"),
    ({"interpreter": "{n}"}, "/run/interpreter: unknown placeholder {n}; only variables are known here"),
    ({"warm": "yes"}, '/run/warm: must be "auto", true or false'),
    ({"preload": "numpy"}, "/run/preload: must be a list, not a string"),
    ({"preload": [1]}, "/run/preload/0: must be a string, not a number"),
    ({"preload": ["numpy", "a-b"]}, '/run/preload/1: "a-b" can\'t be the name of a module'),
    ({"batch": 0}, '/run/batch: must be "auto" or an integer from 1 to 1073741824'),
    ({"batch": "all"}, '/run/batch: must be "auto" or an integer from 1 to 1073741824'),
    ({"seed_globals": 1}, "/run/seed_globals: must be true or false, not a number"),
    ({"common": ["a.npy"]}, "/run/common: must be an object, not a list"),
    ({"common": {"a": 1}}, "/run/common/a: must be a string, not a number"),
    ({"common": {"a b": "a.npy"}}, '/run/common/a b: "a b" can\'t be the name of a function\'s parameter'),
    ({"common": {"rng": "a.npy"}}, '/run/common/rng: "rng" is a name that functions get from taskfarm itself'),
    ({"common": {"n": "a.npy"}}, '/run/common/n: "n" is the name of a parameter or an array already'),
    ({"stdin": "x"}, '/run/stdin: "stdin" goes with a command, not with a Python function'),
    ({"cwd": "{n}"}, "/run/cwd: unknown placeholder {n}; only variables are known here"),
    ({"env": {"A": "{n}"}}, "/run/env/A: unknown placeholder {n}; only variables are known here"),
    ({"interpreter": "no-such-python"}, '/run/interpreter: there is no program "no-such-python" in PATH'),
    ({"interpreter": "./measure.py"}, "/run/interpreter: can't run ./measure.py: it is not an executable file"),
    ({"python": "gone.py:f"}, "/run/python: there is no file gone.py"),
    ({"init": "gone.py:f"}, "/run/init: there is no file gone.py"),
    ({"common": {"a": "gone.npy"}}, "/run/common/a: there is no file gone.npy"),
]


class Manifest(farm.FarmTest):
    def setUp(self):
        super().setUp()
        self.write("measure.py", MEASURE)

    def stage(self, run=None, **more):
        stage = {"over": {"n": {"range": [3]}}, "run": {"python": "measure.py:measure", **(run or {})}, "results": {"y": "int64"}, **more}
        return self.write("m.json", stage)

    def refuse(self, message, **stage):
        self.stage(**stage)
        self.assertEqual(self.taskfarm("check", "m.json", status=2).stderr, f"m.json: {message}\n")

    def test_what_is_wrong_is_said(self):
        for run, message in REFUSED:
            with self.subTest(run):
                self.refuse(message, run=run)

    def test_variables_stand_for_text(self):
        self.stage({"python": "{file}.py:measure", "init": "{file}.py:measure"}, variables={"file": "measure"})
        self.assertIn("3 tasks of measure.py:measure\n", self.taskfarm("check", "m.json", "--no-start").stdout)

    def test_batches_are_arrays_of_one_shape(self):
        over = {"b": {"blocks": {"shape": [5], "chunk": [2]}}}
        blocks = '/run/batch: the blocks of "y" differ in shape, since the last ones are cut off, and can\'t be one array: leave "batch" out'
        self.refuse(blocks, run={"batch": 2}, over=over, results={"y": {"type": "int32", "array": "b"}})
        files = '/run/batch: tasks with "inputs" or "outputs" run one by one: leave "batch" out'
        self.refuse(files, run={"batch": "auto"}, outputs="{n}.txt")

    def test_batches_have_no_blocks_of_files(self):
        with h5py.File(self.folder / "in.h5", "w") as file:
            file.create_dataset("v", data=[1.0, 2, 3, 4], chunks=(2,))
        message = '/run/batch: tasks with blocks of a file, as those of "v" are, run one by one: leave "batch" out'
        over = {"b": {"blocks": {"shape": [4], "chunk": [2]}}}
        self.refuse(message, run={"batch": 2}, over=over, arrays={"v": {"dataset": "in.h5:/v"}})

    def test_the_blocks_of_a_batch_have_their_whole_halo(self):
        even = {"b": {"blocks": {"shape": [6], "chunk": [2]}}}
        image = {"name": "image", "over": even, "run": {"expr": {"z": "1"}}, "results": {"z": {"type": "float64", "array": "b"}}}
        smooth = {"name": "smooth", "over": even, "run": {"python": "measure.py:measure", "batch": 2}, "results": {"y": "int64"}}
        whole = {"from": "image"}
        self.write("m.json", {"stages": [image, {**smooth, "arrays": {"z": {**whole, "halo": 1, "edge": "reflect"}}}]})
        self.taskfarm("check", "m.json", "--no-start")
        self.write("m.json", {"stages": [image, {**smooth, "arrays": {"z": {**whole, "halo": 1}}}]})
        message = '/stages/1/run/batch: the blocks of "z" differ in shape, since their halo is cut off at the array\'s ends, and can\'t be one array: leave "batch" out'
        self.assertEqual(self.taskfarm("check", "m.json", "--no-start", status=2).stderr, f"m.json: {message}\n")

    def test_a_task_s_output_is_not_its_code(self):
        for output in ("measure.py", "star.npy"):
            self.write("star.npy", "")
            self.stage({"common": {"star": "star.npy"}}, over={"n": [1]}, outputs=output)
            said = self.taskfarm("check", "m.json", "--no-start", status=2).stderr
            self.assertIn('it is the program of stage "m"', said)

    def test_the_schema_knows_the_members(self):
        properties = json.loads(self.taskfarm("schema").stdout)["$defs"]["run"]["properties"]
        members = {"python", "interpreter", "warm", "preload", "init", "batch", "seed_globals", "common", "env", "cwd"}
        self.assertLessEqual(members, set(properties))

    def test_common_values_count_by_their_contents(self):
        changed = 'm.h5: stage "m": {} changed since its rows were made {}'
        one, other = "a3cf92cbf55153da", "8f653076428650aa"
        self.write("star.npy", "one")
        self.stage({"common": {"star": "star.npy"}})
        self.taskfarm("m.json")
        self.write("star.npy", "one")  # written anew
        (self.folder / "star.npy").rename(self.folder / "star-1.npy")
        self.stage({"common": {"star": "star-1.npy"}})
        self.taskfarm("plan", "m.json")
        for content, run, what, how in (
            ("two", {"common": {"star": "star-1.npy"}}, '"common"', f'(star: was "{one}", now "{other}")'),
            ("one", {"common": {"stars": "star-1.npy"}}, '"common"', f'(star: was "{one}", now nothing; stars: was nothing, now "{one}")'),
            ("one", {}, '"common"', f'(was {{"star":"{one}"}}, now nothing)'),
        ):
            self.write("star-1.npy", content)
            self.stage(run)
            self.assertIn(changed.format(what, how), self.taskfarm("plan", "m.json", status=3).stderr)

    def test_what_results_depend_on_is_compared(self):
        """And what they do not depend on is not."""
        self.stage()
        self.taskfarm("m.json")
        for run in ({"warm": False}, {"preload": ["math"]}, {"env": {"A": "1"}}, {"interpreter": "/usr/bin/python3"}, {"first": "first.json"}):
            self.stage(run)
            self.taskfarm("plan", "m.json")
        self.write("other.py", MEASURE)
        was = '"run" changed since its rows were made (was ["measure.py:measure"], now {})'
        for run, now in (
            ({"python": "other.py:measure"}, '["other.py:measure"]'),
            ({"init": "setup"}, '["measure.py:measure","init setup"]'),
            ({"batch": 7}, '["measure.py:measure","batch 7"]'),
            ({"batch": "auto"}, '["measure.py:measure","batch 1"]'),
            ({"seed_globals": False}, '["measure.py:measure","no seeds of global generators"]'),
        ):
            self.stage(run)
            self.assertIn(was.format(now), self.taskfarm("plan", "m.json", status=3).stderr)


farm.main()
