"""Random numbers of tasks in a Python slot: the same for a task wherever it runs and whatever ran before it."""

import random

import numpy as np
import slot_host

KEY = "0123456789abcdef"  # a stage's
FIRST_WORD = 0xB850222E  # the first of that key's stream, as tests/unit/base_rng.c has it of the engine


class Seeds(slot_host.SlotTest):
    """task.seed, and the global generators."""

    def test_the_seed_is_the_engines(self):
        slot = self.of("def f(task):\n    return task.seed", {}, {"y": "uint64"}, seeds=True, stream=KEY)
        self.assertEqual(slot.frame(1)[1][0].values["y"] & 0xFFFFFFFF, FIRST_WORD)

    def test_they_are_worked_out_where_they_are_not_given(self):
        slot = self.of("def f(task):\n    return task.seed", {}, {"y": "uint64"}, seeds=True, stream=KEY)
        given = slot.frame(2, seeds=[5, 6])[1]
        self.assertEqual([row.values["y"] for row in given], [5, 6])
        first = [row.values["y"] for row in slot.frame(3)[1]]
        self.assertEqual(len(set(first)), 3)
        self.assertEqual([row.values["y"] for row in slot.frame(2, first=1)[1]], first[1:])

    def drawn(self, text, count, seeds, **more):
        slot = self.of(text, {}, {"y": "float64"}, seeds=None, **more)
        return [row.values["y"] for row in slot.frame(count, seeds=seeds)[1]]

    def test_global_generators_that_a_module_imports(self):
        seeds = [7, 2**63 + 5, 7]
        drawn = self.drawn("import random\ndef f():\n    return random.random()", 3, seeds)
        self.assertEqual(drawn, [random.Random(seed).random() for seed in seeds])
        drawn = self.drawn("import numpy as np\ndef f():\n    return np.random.normal()", 3, seeds)
        self.assertEqual(drawn, [np.random.RandomState(seed & 0xFFFFFFFF).normal() for seed in seeds])

    def test_global_generators_that_a_task_imports(self):
        for body, expected in (
            ("import random\n    return random.random()", lambda seed: random.Random(seed).random()),
            ("from random import gauss\n    return gauss(0, 1)", lambda seed: random.Random(seed).gauss(0, 1)),
            (
                "import numpy.random\n    return numpy.random.normal()",
                lambda seed: np.random.RandomState(seed).normal(),
            ),
        ):
            slot = self.of(f"def f():\n    {body}", {}, {"y": "float64"}, stream=KEY)
            answer, rows = slot.frame(3, seeds=[1, 2, 3])
            self.assertEqual(answer, {"frame": 3, "seeds": True})
            self.assertEqual([row.values["y"] for row in rows], [expected(seed) for seed in (1, 2, 3)])

    def test_seeds_that_nobody_gave_are_the_same(self):
        """The slot asks for them when a task has imported random, and works them out until they come."""
        text = "def f(task=None):\n    import random\n    return random.random()"
        self.write("m.py", text)
        slot = self.slot()
        slot.stage("m.py:f", {}, {"y": "float64"}, stream=KEY)
        drawn = [row.values["y"] for row in slot.frame(3)[1]]
        again = self.of(
            "import random\ndef f(task):\n    assert random.Random(task.seed).random() == random.random()\n    return random.Random(task.seed).random()",
            {},
            {"y": "float64"},
            seeds=True,
            stream=KEY,
        )
        self.assertEqual([row.values["y"] for row in again.frame(3)[1]], drawn)

    def test_they_are_left_alone_if_the_manifest_says_so(self):
        self.write("m.py", "import random\nrandom.seed(1)\ndef f():\n    return random.random()")
        slot = self.slot()
        self.assertEqual(slot.stage("m.py:f", {}, {"y": "float64"}, seed_globals=False), {"stage": 0, "seeds": False})
        one = random.Random(1)
        self.assertEqual([row.values["y"] for row in slot.frame(2)[1]], [one.random(), one.random()])

    def test_what_importing_and_init_draw_is_the_same_in_every_process(self):
        text = (
            "import random\nimport numpy as np\nmodules = [random.random(), np.random.random()]\n"
            "def setup():\n    modules.append(random.random())\ndef f(i):\n    return modules[i]"
        )
        drawn = []
        for key in ("1", "1", "2"):
            slot = self.of(text, {"i": "int64"}, {"y": "float64"}, seeds=True, loading=key, init="setup")
            drawn.append([row.values["y"] for row in slot.frame(3, {"i": range(3)}, seeds=[1, 2, 3])[1]])
        self.assertEqual(drawn[0], drawn[1])
        self.assertNotEqual(drawn[0], drawn[2])
        self.assertEqual(drawn[0][0], random.Random(1).random())

    def test_hashes_and_sets_have_one_order(self):
        slot = self.of("def f():\n    return f\"{hash('a')} {list({'x', 'y', 'z', 'w'})}\"", {}, {"y": "string"})
        other = self.of("def f():\n    return f\"{hash('a')} {list({'x', 'y', 'z', 'w'})}\"", {}, {"y": "string"})
        self.assertEqual(slot.frame(1)[1][0].values, other.frame(1)[1][0].values)

    def test_what_python_imports_when_it_starts_is_not_the_users(self):
        self.write("begin/sitecustomize.py", "import random, tempfile\nrandom.of_the_beginning = True\n")
        self.write(
            "m.py",
            "def f(i):\n    if i == 0: return 0.\n    import random\n    assert random.of_the_beginning\n    return random.random()",
        )
        slot = self.slot(env={"PYTHONPATH": "begin"})
        self.assertEqual(slot.stage("m.py:f", {"i": "int64"}, {"y": "float64"}), {"stage": 0, "seeds": False})
        self.assertEqual(slot.frame(1, {"i": [0]})[0], {"frame": 1, "seeds": False})
        answer, rows = slot.frame(2, {"i": [1, 2]}, seeds=[7, 8])
        self.assertEqual(answer, {"frame": 2, "seeds": True})
        self.assertEqual([row.values["y"] for row in rows], [random.Random(7).random(), random.Random(8).random()])

    def test_modules_that_do_not_draw_from_what_random_shares_are_no_reason_to_seed_it(self):
        self.write(
            "m.py",
            "import secrets, tempfile, sys\ndef f(i):\n    assert ('random' in sys.modules) == (i > 0), i\n"
            "    import random\n    assert random.Random is tempfile._Random.__mro__[0]\n    return random.random()",
        )
        slot = self.slot()
        self.assertEqual(slot.stage("m.py:f", {"i": "int64"}, {"y": "float64"}), {"stage": 0, "seeds": False})
        rows = slot.frame(2, {"i": [0, 1]}, seeds=[7, 8])[1]
        self.assertEqual([row.message for row in rows], [None, None])
        self.assertEqual([row.values["y"] for row in rows], [random.Random(7).random(), random.Random(8).random()])

    def test_a_module_of_the_users_that_has_the_name_of_such_a_one(self):
        self.write("secrets.py", "import random\ndef draw():\n    return random.random()\n")
        drawn = self.drawn("import secrets\ndef f():\n    return secrets.draw()", 2, [7, 8])
        self.assertEqual(drawn, [random.Random(7).random(), random.Random(8).random()])

    def test_both_generators_in_whatever_order_they_are_imported(self):
        for imports in ("import random, numpy", "import numpy, random", "import secrets, numpy, tempfile, random"):
            text = f"{imports}\ndef f():\n    return random.random() + numpy.random.random()"
            drawn = self.drawn(text, 2, [7, 8])
            expected = [random.Random(seed).random() + np.random.RandomState(seed).random_sample() for seed in (7, 8)]
            self.assertEqual(drawn, expected)

    def test_an_imported_module_looks_like_any_other(self):
        self.of(
            "def f():\n    import random, importlib\n    assert random.__spec__.loader.__class__.__name__ == 'SourceFileLoader'\n"
            "    assert importlib.reload(random) is random\n    return 1",
            {},
            {"y": "int64"},
            stream=KEY,
        ).frame(1)


class Rng(slot_host.SlotTest):
    """rng: numpy.random.Generator(numpy.random.Philox(task.seed))."""

    SEEDS = [0, 1, 2**32, 2**64 - 1, *range(100, 130)]

    def of_rng(self, body):
        slot = self.of(f"kept = []\ndef f(rng, task):\n{body}", {}, {"y": "float64"}, seeds=True)
        for count in (len(self.SEEDS), 3):  # many are made at once, few one by one
            rows = slot.frame(count, seeds=self.SEEDS[:count])[1]
            self.assertEqual([row.message for row in rows], [None] * count)
            yield [row.values["y"] for row in rows]

    def generators(self, count):
        return [np.random.Generator(np.random.Philox(seed)) for seed in self.SEEDS[:count]]

    def test_is_by_its_definition(self):
        for drawn in self.of_rng("    rng.integers(0, 9, 3, 'u4')\n    rng.random(5)\n    return rng.normal()"):
            for y, rng in zip(drawn, self.generators(len(drawn)), strict=True):
                rng.integers(0, 9, 3, "u4")
                rng.random(5)
                self.assertEqual(y, rng.normal())

    def test_one_that_is_kept_is_left_alone(self):
        body = "    kept.append(rng.normal)\n    return sum(draw() for draw in kept)"
        for drawn in self.of_rng(body):
            generators = self.generators(len(drawn))
            if len(drawn) > 3:
                self.assertEqual(drawn, [sum(rng.normal() for rng in generators[: i + 1]) for i in range(len(drawn))])

    def test_its_bit_generator_that_is_kept_is_left_alone(self):
        body = "    kept.append(rng.bit_generator)\n    return sum(bits.random_raw() % 1000 for bits in kept)"
        for drawn in self.of_rng(body):
            generators = self.generators(len(drawn))
            if len(drawn) > 3:
                expected = [
                    sum(rng.bit_generator.random_raw() % 1000 for rng in generators[: i + 1]) for i in range(len(drawn))
                ]
                self.assertEqual(drawn, expected)

    def test_children_are_of_the_task_alone(self):
        body = "    children = rng.bit_generator._seed_seq.spawn(2)\n    return np.random.default_rng(children[1]).normal()"
        for drawn in self.of_rng("    import numpy as np\n" + body):
            children = [np.random.SeedSequence(seed).spawn(2)[1] for seed in self.SEEDS[: len(drawn)]]
            self.assertEqual(drawn, [np.random.default_rng(child).normal() for child in children])

    def test_copies_and_pickles_draw_the_same(self):
        body = "    import copy, pickle\n    a, b = copy.deepcopy(rng), pickle.loads(pickle.dumps(rng))\n    assert a.normal() == b.normal()\n    return rng.normal()"
        for drawn in self.of_rng(body):
            self.assertEqual(drawn, [rng.normal() for rng in self.generators(len(drawn))])

    def test_another_numpy_gets_numpys_own(self):
        """Where the state that is written is not the one that numpy makes, generators are made as numpy makes them."""
        text = "import sys\nimport taskfarm._slot.generators as made\nmade.keys_of = lambda seeds: made.np.zeros((len(seeds), 2), 'u8')\n"
        slot = self.of(f"{text}def f(rng):\n    return rng.normal()", {}, {"y": "float64"}, seeds=True)
        drawn = [row.values["y"] for row in slot.frame(len(self.SEEDS), seeds=self.SEEDS)[1]]
        self.assertEqual(drawn, [rng.normal() for rng in self.generators(len(drawn))])


slot_host.farm.main()
