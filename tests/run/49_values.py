"""Values as they were meant: what is read from an answer, a table or a manifest is exactly what stands there, or it is
refused and the reason said."""

import math
import os
import re

import farm
import h5py
import numpy as np

PYTHON = "/usr/bin/python3"
STDOUT = "the last line of stdout"

# What a column of each type makes of a member's text in the JSON of an answer: a value, or what the task fails of.
NUMBERS = [
    ("int64", "9007199254740993", 9007199254740993),
    ("int64", "9223372036854775807", 9223372036854775807),
    ("int64", "-9223372036854775808", -9223372036854775808),
    ("int64", "9223372036854775808", "9223372036854775808 in the last line of stdout is beyond int64"),
    ("int64", "-9223372036854775809", "-9223372036854775809 in the last line of stdout is beyond int64"),
    ("int64", "9007199254740992.5", "9007199254740992.5 in the last line of stdout is no int64"),
    ("int64", "9007199254740993.0", 9007199254740993),
    ("int64", "12345.678e3", 12345678),
    ("int64", "1e19", "1e19 in the last line of stdout is beyond int64"),
    ("int64", '"9007199254740993"', 9007199254740993),
    ("int64", "NaN", "NaN in the last line of stdout is no int64"),
    ("uint64", "18446744073709551615", 18446744073709551615),
    ("uint64", "18446744073709551616", "18446744073709551616 in the last line of stdout is beyond uint64"),
    ("uint64", "-1", "-1 in the last line of stdout is beyond uint64"),
    ("uint64", "-0", 0),
    ("int8", "-128", -128),
    ("int8", "128", "128 in the last line of stdout is beyond int8"),
    ("float64", "1e309", "1e309 in the last line of stdout is beyond float64"),
    ("float64", "-1.7976931348623157e308", -1.7976931348623157e308),
    ("float64", "1e-400", 0),
    ("float64", "NaN", math.nan),
    ("float64", "Infinity", math.inf),
    ("float64", "-Infinity", -math.inf),
    ("float64", "null", math.nan),
    ("float64", '"0x10"', '"0x10" in the last line of stdout is no float64'),
    ("float32", "1e39", "1e39 in the last line of stdout is beyond float32"),
    ("float32", "3.4028235e38", np.float32(3.4028235e38)),
    ("float32", "1.00000005960464477540", np.float32(1.0000001)),  # through a double it is 1
    ("float32", "-Infinity", -math.inf),
]

# Lines that are no answers, each with the reason.
BROKEN = [
    ('{"y": 007}', 'the last line of stdout is not a JSON object: "{"y": 007}"'),
    ('{"y": "a",}', 'the last line of stdout is not a JSON object: "{"y": "a",}"'),
    ('{"y": /* b */ "a"}', 'the last line of stdout is not a JSON object: "{"y": /* b */ "a"}"'),
    ('{"y": 1} x', 'the last line of stdout is not a JSON object: "{"y": 1} x"'),
    ('{"y": "\\ud800"}', "the last line of stdout is not valid JSON: a lone surrogate (\\ud800) in a string: half a character"),
    ('{"y": "\\udc00\\ud800"}', "the last line of stdout is not valid JSON: a lone surrogate (\\udc00) in a string: half a character"),
    ('{"y": "a\\u0000b"}', "the last line of stdout is not valid JSON: a NUL (\\u0000) in a string: texts can't hold one"),
    ('{"y\\u0000": "a"}', "the last line of stdout is not valid JSON: a NUL (\\u0000) in a string: texts can't hold one"),
    ('{"y": "\\ud83d\\ude00"}', "\U0001f600"),
    ('{"y": "first", "y": "last"}', "last"),
    ('{"y": ["a"]}', "not a string in the last line of stdout"),
    ('{"z": "a"}', 'no such member in the last line of stdout; it has "z"'),
]

# Columns that an answer lacks: what says where one is read from, the output, and why the task fails.
LACKING = [
    ({}, '{"z": 1, "w": 2}', 'no such member in the last line of stdout; it has "z", "w"'),
    ({}, "{}", "no such member in the last line of stdout; it is empty"),
    ({"from": "regex:y=([0-9]+)"}, "no y\nz=1\n", 'nothing in stdout matches "y=([0-9]+)"; its last line is "z=1"'),
    ({"from": "regex:y=([0-9]+)|z=1"}, "z=1\n", 'nothing in stdout matches "y=([0-9]+)|z=1"; its last line is "z=1"'),
    ({"from": "regex:y=([0-9]+)"}, "", 'nothing in stdout matches "y=([0-9]+)"; it is empty'),
    ({"from": "field:3"}, "1 2\n", 'no field 3 in the last line of stdout: "1 2"'),
    ({"from": "field:1"}, "\n", 'no field 1 in the last line of stdout: ""'),
    ({"from": "file:no.txt"}, "", "no.txt: No such file or directory"),
    ({"from": "file:o.json"}, "", 'no such member in o.json; it has "z"'),
]

# Output of which only the first and the last 2 MiB are known: a command, where the column is read from, what it is.
CUT = (
    "the last line of stdout is too long: of more than 4 MB only the first and the last 2 MB are kept; write it to a file and read that "
    'with "from": "file:PATH"'
)
LONG = [
    ("echo sum=12345; yes xxxxxxx | head -c 5000000", "regex:sum=([0-9]+)", 12345),
    ("yes xxxxxxx | head -c 5000000; echo; echo sum=12345", "regex:sum=([0-9]+)", 12345),
    ("yes | head -c 5000000; echo sum=12345; yes | head -c 5000000", "regex:sum=([0-9]+)",
     'nothing in the first and the last 2 MB of stdout matches "sum=([0-9]+)"'),
    ("printf '%04194299d' 0 | tr 0 x; yes 12345678 | head -c 2097155", "regex:[0-9]+", 12345678),
    ("printf '%02097148d12345' 0 | tr 0 x; yes | head -c 5000000", "regex:[0-9]+",
     'nothing in the first and the last 2 MB of stdout matches "[0-9]+"'),
    ("seq -s ' ' 1000000 1999999", "field:1", CUT),
    ("yes | head -c 5000000; echo 17 4", "field:1", 17),
    ("printf '{\"y\": 1, \"x\": \"%04500000d\"}' 0", "json", CUT),
    ("printf '{\"y\": 1, \"x\": \"%03500000d\"}' 0", "json", 1),
]

# Columns of a csv file: its cells, the type that they make it, why (as check says it), and what {x} stands for.
CELLS = [
    (["7", "-12", "0"], "int64", "", ["7", "-12", "0"]),
    (["+7", "-0"], "int64", "", ["+7", "-0"]),
    (["9007199254740993", "9223372036854775807"], "int64", "", ["9007199254740993", "9223372036854775807"]),
    (["12345678901234567890", "1"], "string", " (some of its cells are integers beyond int64)", ["12345678901234567890", "1"]),
    (["12345678901234567890", "1.5"], "float64", "", ["12345678901234567890", "1.5"]),
    (["0012", "7"], "string", " (some of its cells begin with 0)", ["0012", "7"]),
    (["00.5", "7"], "string", " (some of its cells begin with 0)", ["00.5", "7"]),
    (['"007"', "8"], "string", " (some of its cells are quoted)", ["007", "8"]),
    (['""', "8"], "float64", "", ["", "8"]),
    (["1E5", "1.10", "1e-400", ""], "float64", "", ["1E5", "1.10", "1e-400", ""]),
    (["0x10", "1"], "string", ' (t@.csv: line 2: "0x10" is no number)', ["0x10", "1"]),
    (["1e999", "1"], "string", ' (t@.csv: line 2: "1e999" is no number)', ["1e999", "1"]),
    (["", "1", "n/a", "x"], "string", ' (t@.csv: line 4: "n/a" is no number)', ["", "1", "n/a", "x"]),
    (["x", "y"], "string", "", ["x", "y"]),
    (["nan", "-inf", ".5"], "float64", "", ["nan", "-inf", ".5"]),
]
TYPED = [
    ({"x": "string"}, ["1.10", "2"], "string", ["1.10", "2"]),
    ({"x": "int64"}, ["007", '"8"'], "int64", ["007", "8"]),
    ({"x": "float64"}, ["007", '"8"'], "float64", ["007", "8"]),
]

SERVICE = """
import json, sys
for line in sys.stdin:
    task = json.loads(line)
    says = task["params"]["says"]
    print('{"index": %d, "results": %s}' % (task["index"], says), flush=True)
"""


class Values(farm.FarmTest):
    def outcomes(self, file, name, column="y"):
        """Each task's value, or its message without the column's name."""
        stage = self.open(file)[name]
        values, status = stage[f"results/{column}"][()], stage["task/status"][()]
        messages = self.heap(stage, "message") if "message" in stage["text"] else [b""] * len(status)
        prefix = f'column "{column}": '
        found = []
        for value, done, message in zip(values, status, messages):
            text = message.decode()
            good = value.decode() if isinstance(value, bytes) else value
            found.append(good if done == farm.DONE else text[len(prefix) :] if text.startswith(prefix) else text)
        return found

    def expect(self, found, expected, cases):
        for is_so, must, case in zip(found, expected, cases):
            with self.subTest(case=case):
                if isinstance(must, str):
                    self.assertEqual(is_so, must)
                else:
                    self.assertNotIsInstance(is_so, str, is_so)
                    same = math.isnan(must) and math.isnan(is_so) if must != must else is_so == must
                    self.assertTrue(same, f"{is_so!r}, not {must!r}")

    def check_numbers(self, run, where):
        types = sorted({case[0] for case in NUMBERS})
        stages = []
        for t in types:
            says = ['{"y": %s}' % text for kind, text, _ in NUMBERS if kind == t]
            stages.append({"name": t, "over": {"says": says}, "run": run, "results": {"y": t}})
        self.write("m.json", {"defaults": {"record": "status"}, "stages": stages})
        self.taskfarm("m.json", status=1)
        for t in types:
            cases = [case for case in NUMBERS if case[0] == t]
            expected = [must.replace(STDOUT, where) if isinstance(must, str) else must for _, _, must in cases]
            self.expect(self.outcomes("m.h5", t), expected, cases)

    def test_int_and_float_are_int64_and_float64(self):
        run = {"command": ["echo", '{{"i": {n}, "x": 0.5}}']}
        self.write("t.csv", "n,m\n1,2\n")
        over = [{"csv": "t.csv", "types": {"m": "float"}}]
        self.write("m.json", {"over": over, "run": run, "results": {"i": "int", "x": {"type": "float"}}})
        self.taskfarm("m.json")
        stage = self.open("m.h5")["m"]
        self.assertEqual([str(stage[f"results/{c}"].dtype) for c in "ix"], ["int64", "float64"])
        self.assertEqual(str(stage["params/m"].dtype), "float64")
        self.write("m.json", {"over": [{"csv": "t.csv", "types": {"m": "float64"}}], "run": run, "results": {"i": "int64", "x": "float64"}})
        self.assertIn("1 of them before", self.taskfarm("m.json").stderr)

    def test_the_type_of_values(self):
        """1.0 is an integer, unless floats are asked for."""
        over = {"a": [1.0, 2.0], "b": {"values": [1.0, 2, None], "type": "float64"}, "c": {"values": [1, 2], "type": "float64"}}
        over |= {"d": {"values": [True], "type": "bool"}, "e": {"values": ["x"], "type": "string"}}
        self.write("m.json", {"over": over, "run": {"echo": True}})
        self.taskfarm("m.json")
        stage = self.open("m.h5")["m"]
        types = [str(stage[f"params/{name}"].dtype) for name in "abcd"]
        self.assertEqual(types, ["int64", "float64", "float64", "bool"])
        self.assertEqual(stage["params/e"][0], b"x")
        self.assertEqual(stage["params/c"][:2].tolist(), [1.0, 2.0])

    @farm.first
    def test_numbers_in_answers_are_exact_or_refused(self):
        self.check_numbers({"command": ["cat"], "stdin": "{says}"}, STDOUT)

    def test_numbers_of_services_are_those_of_commands(self):
        self.write("s.py", SERVICE)
        self.check_numbers({"service": [PYTHON, "s.py"]}, "the service's answer")

    def test_lines_that_are_no_answers_each_have_their_reason(self):
        self.write(
            "m.json",
            {
                "over": {"says": [line for line, _ in BROKEN]},
                "run": {"command": ["cat"], "stdin": "{says}"},
                "results": {"y": "string"},
            },
        )
        self.taskfarm("m.json", status=1)
        self.expect(self.outcomes("m.h5", "m"), [reason for _, reason in BROKEN], BROKEN)

    @farm.first
    def test_a_column_that_an_answer_lacks_fails_the_task_or_is_optional(self):
        self.write("o.json", '{"z": 1}')
        stages = []
        for n, (column, text, _) in enumerate(LACKING):
            for kind, results in (
                ("strict", {"y": {"type": "float64", **column}}),
                ("loose", {"y": {"type": "float64", "optional": True, **column}, "s": {"type": "string", "optional": True, **column}}),
            ):
                run = {"command": ["cat"], "stdin": text.replace("{", "{{").replace("}", "}}")}
                only_read = {"inputs": "o.json"} if column.get("from") == "file:o.json" else {}
                stages.append({"name": f"{kind}{n}", "run": run, "results": results, **only_read})
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", "--slots", 2, status=1)
        for n, case in enumerate(LACKING):
            self.expect(self.outcomes("m.h5", f"strict{n}"), [case[2]], [case])
            self.expect(self.outcomes("m.h5", f"loose{n}"), [math.nan], [case])
            self.expect(self.outcomes("m.h5", f"loose{n}", "s"), [""], [case])

    def test_a_member_that_a_service_leaves_out_is_missed(self):
        self.write("s.py", SERVICE)
        says = ['{"y": 1, "z": [1, 2]}', '{"Y": 1, "z": [1, 2]}', '{"y": null, "z": [1, 2]}', '{"y": 1}', '{"y": 1, "z": null}']
        columns = {"y": "float64", "z": {"type": "float32", "shape": [2], "optional": True}}
        self.write("m.json", {"over": {"says": says}, "run": {"service": [PYTHON, "s.py"]}, "results": columns})
        self.taskfarm("m.json", status=1)
        expected = [1, 'no such member in the service\'s answer; it has "Y", "z"', math.nan, 1, 1]
        self.expect(self.outcomes("m.h5", "m"), expected, says)
        self.assertTrue(np.isnan(self.open("m.h5")["m/results/z"][3:]).all())

    def test_an_answer_of_a_service_that_is_no_sound_text_says_why(self):
        self.write("s.py", SERVICE)
        says = ['{"y": "\\ud800"}', '{"y": "fine"}', '{"y": "a\\u0000b"}']
        self.write("m.json", {"over": {"says": says}, "run": {"service": [PYTHON, "s.py"]}, "results": {"y": "string"}})
        self.taskfarm("m.json", status=1)
        expected = [
            "the service's answer is not valid JSON: a lone surrogate (\\ud800) in a string: half a character",
            "fine",
            "the service's answer is not valid JSON: a NUL (\\u0000) in a string: texts can't hold one",
        ]
        self.expect(self.outcomes("m.h5", "m"), expected, says)

    def test_of_long_output_only_whole_lines_are_read(self):
        stages = [
            {"name": f"s{n}", "run": {"command": command.replace("{", "{{").replace("}", "}}")},
             "results": {"y": {"type": "int64", "from": where}}}
            for n, (command, where, _) in enumerate(LONG)
        ]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", "--slots", 2, status=1)
        for n, case in enumerate(LONG):
            self.expect(self.outcomes("m.h5", f"s{n}"), [case[2]], [case])

    def test_nothing_ends_at_a_nul(self):
        """What commands print is searched to its end, and kept as it is or refused; so are messages and what is shown."""
        cases = [
            ("printf 'a\\000b one=1\\000two=2\\n'", {"type": "int64", "from": "regex:two=([0-9])"}, 2),
            ("printf 'a\\000b two\\n'", {"type": "bytes", "from": "field:1"}, b"a\0b"),
            ("printf 'a\\000b two\\n'", {"type": "string", "from": "field:2"}, "two"),
            ("printf 'a\\000b\\n'", {"type": "string", "from": "field:1"}, 'the last line of stdout holds a NUL byte; use type "bytes"'),
            ("printf '1\\0002\\n'", {"type": "int64", "from": "field:1"}, '"1?2" in the last line of stdout is no int64'),
            ("printf '{{\"y\": 1}}\\000\\n'", "int64", 'the last line of stdout is not a JSON object: "{"y": 1}?"'),
            ("printf 'e\\000f\\n' >&2; exit 3", "int64", "exit status 3: e?f"),
        ]
        stages = [{"name": f"s{n}", "run": {"command": c}, "results": {"y": spec}} for n, (c, spec, _) in enumerate(cases)]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", "--slots", 2, status=1)
        for n, (command, spec, must) in enumerate(cases):
            if isinstance(must, bytes):
                self.assertEqual(self.heap(self.open("m.h5")[f"s{n}"], "y"), [must])
            else:
                self.expect(self.outcomes("m.h5", f"s{n}"), [must], [command])
        self.assertIn('"a\\u0000b one=1\\u0000two=2\\n"', self.taskfarm("show", "m.h5", "s0", 0, "--json").stdout)

    # ---- Manifests ----

    @farm.first
    def test_integers_come_through_a_manifest_whole(self):
        self.write("t.jsonl", '{"n": 9007199254740993, "x": NaN}\n{"n": -9007199254740993, "x": 2}\n')
        self.write("s.py", "import json, sys\nfor line in sys.stdin:\n    task = json.loads(line)\n"
                   "    print(json.dumps({'index': task['index'], 'results': {'same': task['params']['n']}}), flush=True)\n")
        n = [9007199254740993, -9007199254740995, 9223372036854775807, -9223372036854775808]
        words = {"command": ["echo", "{n}", "{v}"]}
        fields = {"same": {"type": "int64", "from": "field:1"}, "w": {"type": "int64", "from": "field:2"}}
        rows = [{"n": 9223372036854775807, "x": math.inf}, {"n": 1, "x": -math.inf}]
        stages = [
            {"name": "values", "over": {"n": n}, "run": words, "results": fields},
            {"name": "range", "over": {"n": {"range": [9223372036854775800, 9223372036854775807, 3]}}, "run": words, "results": fields},
            {"name": "far", "over": {"n": {"range": [n[3], n[2], 1 << 62]}}, "run": words, "results": fields},
            {"name": "served", "over": {"n": n}, "run": {"service": [PYTHON, "s.py"]}, "results": {"same": "int64"}},
            {"name": "jsonl", "over": [{"jsonl": "t.jsonl"}], "run": words, "results": fields},
            {"name": "rows", "over": [{"rows": rows}], "run": words, "results": fields},
        ]
        self.write("m.json", {"seed": 18446744073709551615, "variables": {"v": 9007199254740993}, "stages": stages})
        v = 9007199254740993
        for arguments in ((), ("--fresh", "--set", "v=-9223372036854775807")):
            self.taskfarm("m.json", "--slots", 2, *arguments)
            file = self.open("m.h5")
            self.assertEqual(file.attrs["seed"], 18446744073709551615)
            found = {name: file[name]["results/same"][()].tolist() for name in file}
            expected = {"values": n, "served": n, "range": [9223372036854775800 + i for i in (0, 3, 6)],
                        "far": [n[3] + (i << 62) for i in range(4)], "jsonl": [9007199254740993, -9007199254740993],
                        "rows": [9223372036854775807, 1]}
            self.assertEqual(found, expected)
            self.assertEqual({name: file[name]["params/n"][()].tolist() for name in file}, expected)
            self.assertEqual(file["rows/params/x"][()].tolist(), [math.inf, -math.inf])
            self.assertTrue(math.isnan(file["jsonl/params/x"][0]))
            self.assertEqual(set(file["values/results/w"][()]), {v})
            file.close()
            v = -9223372036854775807
        self.assertEqual(
            self.taskfarm("m.json", "--set", "v=9223372036854775808", status=2).stderr,
            "m.json: --set v: integer 9223372036854775808 is beyond int64; write it as a string\n",
        )

    def test_what_an_expression_gives_is_within_its_type_or_refused(self):
        run = {"expr": {"y": "x", "z": "x * 1e200"}}
        self.write("m.json", {"over": {"x": [1, 2e38, 1e39]}, "run": run, "results": {"y": "float32", "z": "float64"}})
        self.taskfarm("m.json", status=1)
        stage = self.open("m.h5")["m"]
        self.assertEqual(stage["task/status"][()].tolist(), [farm.DONE, farm.DONE, farm.FAILED])
        self.assertIn(b"does not fit type float32", self.heap(stage, "message")[2])

    # ---- Tables ----

    def test_a_column_of_a_table_is_what_its_cells_say(self):
        cases = [({}, *case) for case in CELLS] + [(t, cells, kind, ' (by "types")', own) for t, cells, kind, own in TYPED]
        stages, says = [], []
        for n, (types, cells, kind, why, _) in enumerate(cases):
            self.write(f"t{n}.csv", "x,y\n" + "".join(f"{cell},1\n" for cell in cells))
            table = {"csv": f"t{n}.csv"} | ({"types": types} if types else {})
            run = {"command": ["printf", "%s", "{x}"]}
            results = {"own": {"type": "bytes", "from": "regex:.*"}}
            stages.append({"name": f"s{n}", "over": [table], "run": run, "results": results})
            batch = {"name": "b", "batch": 2} | table
            stages.append({"name": f"b{n}", "over": [batch], "run": {"function": "builtin:noop"}})
            why = why.replace("@", str(n))
            says.append(f"  parameter x: {kind}{why}\n")
            says.append(f"  array x: {kind}, a column of the table b{why}\n")
        self.write("m.json", {"stages": stages})
        check = self.taskfarm("check", "m.json").stdout
        self.assertEqual(re.findall(r"  (?:parameter|array) x: .*\n", check), says)
        self.taskfarm("m.json", "--slots", 2)
        for n, case in enumerate(cases):
            found = [text.decode() for text in self.heap(self.open("m.h5")[f"s{n}"], "own")]
            self.assertEqual(found, case[-1], case)
        self.assertEqual(self.open("m.h5")["s2/params/x"][0], 9007199254740993)

    @farm.first
    def test_variables_stand_in_a_template_of_files(self):
        """Where they are no wildcards: they stand for themselves, whatever they hold."""
        folder = "a[b]*.x"
        for name in ("s_007_1_R.f", "s_007_2_G.f", "s_008_3_R.f", "s_7_4_R.f"):
            self.write(f"{folder}/{name}", "")
        self.write("ab/s_007_9_R.f", "")
        self.write("m.json", {
            "variables": {"d": folder, "run": 7},
            "over": [{"name": "p", "files": "{d}/s_{run:03d}_{k}_{filter}.f", "wildcards": {"filter": "[RG]"}}],
            "run": {"echo": True},
        })  # fmt: skip
        self.taskfarm("m.json")
        params = self.open("m.h5")["m/params"]
        self.assertEqual(list(params), ["filter", "k", "p"])
        found = [[text.decode() for text in params[name][()]] for name in ("p", "k", "filter")]
        self.assertEqual(found, [[f"{folder}/s_007_1_R.f", f"{folder}/s_007_2_G.f"], ["1", "2"], ["R", "G"]])
        self.taskfarm("m.json", "--set", "run=8", "--output", "n.h5")
        self.assertEqual(self.open("n.h5")["m/params/k"][()].tolist(), [b"3"])

    def test_a_path_is_bytes(self):
        """A dataset of paths of which some are no UTF-8 does not say that they are: HDF5 calls it ASCII, h5py gives bytes."""
        paths = [b"a\xe9.dat", b"b\xc3\xa9.dat", b"c\xff.dat"]
        for path in paths:
            (self.folder / os.fsdecode(path)).write_text("x")
        own = {"run": {"command": ["printf", "%s", "{p}"]}, "results": {"own": {"type": "bytes", "from": "regex:.*"}}}
        self.write("m.json", {"stages": [
            {"name": "echo", "over": {"p": {"glob": "*.dat"}}, "run": {"echo": True}},
            {"name": "all", "over": [{"name": "u", "glob": "b*.dat"}, {"concat": [{"p": ["none"]}, {"p": {"glob": "*.dat"}}]}],
             "run": {"expr": {"x": "index"}}, "results": {"x": "float64"},
             "reduce": {"by": {"by": ["u", "p"], "columns": {"x": ["count"]}}}},
            {"name": "next", "over": [{"from": "all"}]} | own,
            {"name": "parts", "over": [{"files": "{p}.dat"}]} | own,
        ]})  # fmt: skip
        self.taskfarm("m.json", "--slots", 2)
        file = self.open("m.h5")
        for name, found in (
            ("echo/params/p", paths),
            ("all/params/p", [b"none", *paths]),
            ("all/reduce/by/p", sorted([b"none", *paths])),
            ("parts/params/p", [path[:-4] for path in paths]),
        ):
            self.assertEqual((list(file[name][()]), h5py.check_string_dtype(file[name].dtype).encoding), (found, "ascii"), name)
        self.assertEqual(h5py.check_string_dtype(file["all/params/u"].dtype).encoding, "utf-8")
        self.assertEqual(h5py.check_string_dtype(file["all/reduce/by/u"].dtype).encoding, "utf-8")
        for stage, column, found in (("echo", "echo_p", paths), ("next", "own", [b"none", *paths]), ("parts", "own", [path[:-4] for path in paths])):
            self.assertEqual(self.heap(file[stage], column), found)

    def test_an_output_that_calls_such_paths_utf_8_is_gone_on_with(self):
        """Those of earlier versions do: HDF5 converts no texts between character sets."""
        for name in (b"a\xe9.dat", b"b.dat"):
            (self.folder / os.fsdecode(name)).write_text("x")
        self.write("m.json", {"over": {"p": {"glob": "*.dat"}}, "run": {"command": ["sh", "-c", 'test -e go || test "$1" = b.dat', "sh", "{p}"]}})
        self.taskfarm("m.json", status=1)
        with h5py.File(self.folder / "m.h5", "r+") as file:
            paths = file["m/params/p"][()]
            del file["m/params/p"]
            utf_8 = h5py.string_dtype("utf-8", paths.dtype.itemsize)
            file["m/params"].create_dataset("p", data=paths.astype(utf_8))
        self.write("go", "")
        self.taskfarm("m.json")
        with h5py.File(self.folder / "m.h5") as file:
            self.assertEqual((list(file["m/params/p"][()]), h5py.check_string_dtype(file["m/params/p"].dtype).encoding), ([b"a\xe9.dat", b"b.dat"], "utf-8"))
            self.assertEqual(list(file["m/task/status"][()]), [farm.DONE] * 2)

    def test_the_text_of_a_cell_goes_wherever_its_point_does(self):
        """Through products, spaces side by side and after one another, and rows of another stage."""
        self.write("t.csv", "x\n1.10\n2.0\n1E5\n")
        table = {"csv": "t.csv"}
        spaces = {
            "product": [{"name": "k", "values": [1, 2]}, table, {"name": "l", "values": ["a", "b"]}],
            "zip": [{"zip": [{"name": "k", "values": [7, 8, 9]}, table]}],
            "concat": [{"concat": [[{"name": "x", "values": [0.5]}], [table], [{"name": "x", "values": [3]}]]}],
            "rows": [{"from": "zip", "columns": ["x"], "indices": [2, 0]}, {"name": "k", "values": [1, 2]}],
        }
        run = {"command": ["printf", "%s %s %s", "{x}", "{x:.3f}", "{index}"]}
        stages = [{"name": name, "over": over, "run": run} for name, over in spaces.items()]
        self.write("m.json", {"stages": stages})
        self.taskfarm("m.json", "--slots", 2)
        cells = ["1.10", "2.0", "1E5"]
        expected = {
            "product": [cell for _ in "12" for cell in cells for _ in "ab"],
            "zip": cells,
            "concat": ["0.5", *cells, "3"],
            "rows": ["1E5", "1E5", "1.10", "1.10"],
        }
        for name, own in expected.items():
            found = [text.decode() for text in self.heap(self.open("m.h5")[name], "stdout")]
            self.assertEqual(found, [f"{cell} {float(cell):.3f} {i}" for i, cell in enumerate(own)], name)

    def test_groups_of_wildcards_are_counted_as_the_library_does(self):
        """A parenthesis in brackets is none, however many there are of others."""
        many = "(" * 70 + "[x-z]" + ")" * 70
        for name in ("raw_(_x_1", "raw_a_y_2", "raw_)_z_3"):
            self.write(name, "")
        files = {"files": "raw_{u}_{v}_{n}", "wildcards": {"u": "[](ab)]", "v": many, "n": "(1|2)|[[:digit:](]"}}
        self.write("m.json", {"over": [files], "run": {"command": ["echo", "{u} {v} {n}"]}})
        self.taskfarm("m.json")
        found = [text.decode() for text in self.heap(self.open("m.h5")["m"], "stdout")]
        self.assertEqual(found, ["( x 1\n", ") z 3\n", "a y 2\n"])

    def test_a_table_whose_cells_have_become_texts_is_gone_on_with(self):
        manifest = {"over": [{"csv": "t.csv"}], "run": {"expr": {"y": "1"}}}
        for n, cells in enumerate(("7\n8\n", "7\n8\n0009\n")):
            self.write("t.csv", "id\n" + cells)
            self.write("m.json", manifest)
            done = self.taskfarm("m.json", status=3 * n)
        self.assertIn('(id: was "int64", now "string"; "types": {"id": "int64"} beside a csv keeps it)', done.stderr)
        self.write("m.json", manifest | {"over": [{"csv": "t.csv", "types": {"id": "int64"}}]})
        self.assertIn("3 done, 0 failed, 2 of them before", self.taskfarm("m.json").stderr)

    def test_who_takes_padded_numbers_for_numbers_is_told_how(self):
        self.write("t.csv", "ra\n083.63\n183.1\n")
        echo = {"run": {"command": ["echo", "{ra}"]}}
        for more in (
            {"run": {"command": ["echo", "{ra:.3f}"]}},
            {"run": {"expr": {"y": "2 * ra"}}},
            echo | {"where": "ra > 100"},
            echo | {"where": "ra == 100"},
            echo | {"reduce": {"r": {"columns": {"ra": ["mean"]}}}},
        ):
            with self.subTest(more):
                self.write("m.json", {"over": [{"csv": "t.csv"}]} | more)
                told = '; "ra" is text since some of its cells begin with 0: "types": {"ra": "float64"} beside the csv makes it numbers\n'
                self.assertTrue(self.taskfarm("check", "m.json", status=2).stderr.endswith(told))
                self.write("m.json", {"over": [{"csv": "t.csv", "types": {"ra": "float64"}}]} | more)
                self.taskfarm("check", "m.json")

    @farm.first
    def test_types_that_do_not_fit_are_refused(self):
        self.write("t.csv", "x,id\n1.5,a\n")
        for types, message in (
            ({"x": "int64"}, "/over/0/types/x: t.csv: line 2: \"1.5\" is no integer of 64 bits"),
            ({"id": "float64"}, "/over/0/types/id: t.csv: line 2: \"a\" is no number"),
            ({"idn": "string"}, '/over/0/types/idn: the table has no column "idn"; did you mean "id"?'),
            ({"x": "int8"}, '/over/0/types/x: must be "string", "int64" or "float64"'),
            (["x"], "/over/0/types: must be an object, not a list"),
        ):
            for batch in ({}, {"name": "b", "batch": 3}):
                over = [{"csv": "t.csv", "types": types} | batch]
                self.write("m.json", {"over": over, "run": {"function": "builtin:noop"}})
                self.assertEqual(self.taskfarm("check", "m.json", status=2).stderr, f"m.json: {message}\n")


farm.main()
