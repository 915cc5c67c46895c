"""Manifests that are wrong: each with the exact message, found before MPI does any work and before any file is touched."""

import json
import re
import subprocess

import farm

FILES = {
    "empty.txt": "",
    "header.csv": "a,b\n",
    "ragged.csv": "a,b\n1,2\n3\n",
    "twice.csv": "a,a\n1,2\n",
    "quote.csv": 'a,b\n1,"2\n',
    "return.csv": '"a"\r"b"\n1\n',
    "nul.csv": "a\n\0\n",
    "other.csv": "a,c\n1,2\n",
    "stars.csv": "star,n\nVega,1\nSirius,2\nMira,3\n",
    "bad.jsonl": '{"a": 1}\n{"a": \n',
    "comma.jsonl": '{"a": 1,}\n',
    "comment.jsonl": '{"a": 1} // one\n',
    "twice.jsonl": '{"a": 1}\n\n{"b": 1, "a": 2, "b": 3}\n',
    "many.jsonl": "{" + "".join(f'"k{n}": {n}, ' for n in range(12)) + '"k5": 1}\n',
    "mixed.jsonl": '{"a": null}\n{"a": 1}\n\n{"a": "x"}\n',
    "list.jsonl": '{"a": 1}\n{"a": [1]}\n',
    "null.jsonl": '{"a": null}\n',
    "large.jsonl": '{"a": 1}\n{"a": 9223372036854775808}\n',
    "tab.jsonl": '{"a": "x\ty"}\n',
    "semicolons.csv": "ra;dec\n1;2\n",
    "tabs.csv": "ra\tdec\n1\t2\n",
    "comment.csv": "# of today\nra,dec\n1,2\n",
    "comma.csv": "ra,dec,\n1,2,\n",
    "nameless.csv": ",dec\n1,2\n",
    "word.csv": "a,b\n1,1\n,2.5\n2,abc\n",
    "words.csv": "b,a\n" + 50 * "é" + ",1\n",
    "latin.csv": b"a,b\n1,x\n2,caf\xe9\n",
    "wide.csv": "a,b\n1,x\n".encode("utf-16"),
    "latin.txt": b"x\n\ncaf\xe9\n",
    "data.txt": "not a program\n",
    "y.dat": "",
    "z.dat": "",
}


def statistics():
    """That there are these, as the schema has them: "count, missing, ... or topk:N"."""
    schema = subprocess.run([farm.TASKFARM, "schema"], env=farm.environment(), capture_output=True, check=True).stdout
    kinds = json.loads(schema)["$defs"]["statistic"]["anyOf"]
    forms = [form for kind in kinds for form in kind["description"].partition(", with ")[0].split(" or ")]
    return f"it must be {', '.join(forms[:-1])} or {forms[-1]}"


STATISTICS = statistics()

# A manifest (@PLUGIN@ stands for the tests' plugin), and its messages: after "broken.json:LINE:COLUMN" where they begin with
# a digit, else after "broken.json: ".
TABLE = [
    ('', '1:1: not JSON: the text ends here, and more was expected'),
    ('   \n', '2:1: not JSON: the text ends here, and more was expected'),
    ('{', '1:2: not JSON: the text ends here, and more was expected'),
    ('{"run": }', '1:9: not JSON: "}" was not expected here'),
    ("{'run': 1}", '1:2: not JSON: strings and keys need double quotes'),
    ('{"run": 1 "name": 2}', '1:11: not JSON: a comma or a colon is missing before this string'),
    ('{"run": {}} x', '1:13: not JSON: "x" was not expected here'),
    ('/ hi\n{}', '1:1: not JSON: "/" was not expected here'),
    ('{"name": "a\nb"}', '1:12: not JSON: a control character in a string; write it as \\n'),
    ('{"name":\n "\té"}', '2:3: not JSON: a control character in a string; write it as \\t'),
    ('{"name": "\x0b"}', '1:11: not JSON: a control character in a string; write it as \\u000b'),
    ('{"n\x1fme": 1}', '1:4: not JSON: a control character in a string; write it as \\u001f'),
    ('{"run": tru}', '1:9: not JSON: "tru" was not expected here'),
    (b'{"name": "\xff"}', '1:11: not UTF-8'),
    (b'{"name": "a\x00b"}', '1:12: not JSON: a NUL byte'),
    ('[1]', 'a manifest must be an object, not a list'),
    ('"x"', 'a manifest must be an object, not a string'),
    ('{"name": "\\q"}', '1:11: not JSON: "\\q" in a string means nothing'),
    ('{"run": {"command": ["tr\\u0000ue"]}}', '1:25: a NUL (\\u0000) in a string: texts can\'t hold one'),
    ('{"na\\u0000me": "x"}', '1:5: a NUL (\\u0000) in a string: texts can\'t hold one'),
    ('{"name":\n  "\\ud800x"}', '2:4: a lone surrogate (\\ud800) in a string: half a character'),
    ('{"name": "\\u12g4"}', '1:11: not JSON: "\\u" in a string needs four hexadecimal digits'),
    ('{"seed": 012}', '1:10: not JSON: a number does not begin with 0; write it as a string'),
    ('{"seed": -}', '1:10: not JSON: "-" was not expected here'),
    ('{"seed": 1e}', '1:10: not JSON: "1e" was not expected here'),
    ('[' * 2000, '1:1001: not JSON: too many brackets inside each other'),
    ('{}', 'needs "stages", or "run" for a single stage'),
    (
        '{"runs": 1}',
        '/runs: unknown key "runs"; did you mean "run"?',
        'needs "stages", or "run" for a single stage',
    ),
    (
        '{"run": {"function": "builtin:noop"}, "stages": []}',
        '"run" and "stages" can\'t both be there: a manifest is one stage or a list of them',
    ),
    ('{"stages": []}', '/stages: needs at least one stage'),
    ('{"stages": {}}', '/stages: must be a list, not an object'),
    ('{"stages": [1]}', '/stages/0: must be an object, not a number'),
    ('{"stages": [{}]}', '/stages/0: needs a "name"', '/stages/0: needs a "run"'),
    ('{"run": 1}', '/run: must be an object, not a number'),
    ('{"run": []}', '/run: must be an object, not a list'),
    ('{"name": 1, "run": {"function": "builtin:noop"}}', '/name: must be a string, not a number'),
    ('{"name": "", "run": {"function": "builtin:noop"}}', '/name: must not be empty, "." or "..", or contain /'),
    ('{"name": ".", "run": {"function": "builtin:noop"}}', '/name: must not be empty, "." or "..", or contain /'),
    ('{"name": "..", "run": {"function": "builtin:noop"}}', '/name: must not be empty, "." or "..", or contain /'),
    ('{"name": "a\\nb", "run": {"function": "builtin:noop"}}', '/name: must not contain ends of lines or other control characters'),
    ('{"name": "a\\u007fb", "run": {"function": "builtin:noop"}}', '/name: must not contain ends of lines or other control characters'),
    ('{"name": "a/b", "run": {"function": "builtin:noop"}}', '/name: must not be empty, "." or "..", or contain /'),
    (
        '{"seed": -1, "run": {"function": "builtin:noop"}}',
        '/seed: must be an integer from 0 to 18446744073709551615',
    ),
    (
        '{"seed": 1.5, "run": {"function": "builtin:noop"}}',
        '/seed: must be an integer from 0 to 18446744073709551615',
    ),
    (
        '{"seed": "1", "run": {"function": "builtin:noop"}}',
        '/seed: must be an integer from 0 to 18446744073709551615',
    ),
    ('{"output": "", "run": {"function": "builtin:noop"}}', '/output: must not be empty'),
    ('{"over": {"a": [1]}, "where": "a > 1 and a < 3", "run": {"echo": true}}', '/where: "a > 1 and a < 3": "and" is written && here'),
    ('{"over": {"a": [1]}, "where": "not a", "run": {"echo": true}}', '/where: "not a": "not" is written ! here'),
    ('{"over": {"a": [1]}, "where": "a in b", "run": {"echo": true}}', '/where: "a in b": "in" is written x == a || x == b here'),
    ('{"over": {"a": [1]}, "where": "q", "run": {"echo": true}}', '/where: "q": there is no "q" here; there are the stage\'s parameters: a'),
    ('{"over": {"a": [1]}, "run": {"expr": {"y": "foo(a)"}}}', '/run/expr/y: "foo(a)": there is no function "foo"'),
    ('{"over": {"a": [1]}, "run": {"expr": {"y": "sni(a)"}}}', '/run/expr/y: "sni(a)": there is no function "sni"; did you mean "sin"?'),
    (
        '{"run": {"function": "x.py:f"}}',
        '/run/function: a function is one of a shared library; write "python": "x.py:f" for one of Python',
    ),
    ('{"python": "x.py:f", "run": {"echo": true}}', '/python: unknown key "python"; write "run": {"python": ...}'),
    ('{"batch": 5, "run": {"echo": true}}', '/batch: unknown key "batch"; write "run": {..., "batch": ...}'),
    ('{"common": {}, "run": {"echo": true}}', '/common: unknown key "common"; write "run": {..., "common": ...}'),
    ('{"run": {"cmd": "true"}}', '/run/cmd: unknown key "cmd"; write "command"'),
    ('{"run": {"echo": true}, "service": ["x"]}', '/service: unknown key "service"; write "run": {"service": ...}'),
    ('{"stages": [{"name": "a", "run": {"echo": true}, "env": {"A": "1"}}]}', '/stages/0/env: unknown key "env"; write "run": {..., "env": ...}'),
    ('{"over": [{"parquet": "t.parquet"}], "run": {"echo": true}}', '/over/0/parquet: unknown key "parquet"; write "csv" or "jsonl": Parquet is not read'),
    ('{"resources": {"cpus": 2}, "run": {"echo": true}}', '/resources/cpus: unknown key "cpus"; write "slots"'),
    ('{"over": {"a": "raw/*.fits"}, "run": {"echo": true}}', '/over/a: paths that match are {"glob": "raw/*.fits"}'),
    (
        '{"over": {"sobol": {"x": [0, 1]}, "count": 10}, "run": {"echo": true}}',
        '/over: an object has an axis for each name; one without a name stands in a list, as in [{"sobol": ...}]',
    ),
    (
        '{"over": {"csv": "t.csv"}, "run": {"echo": true}}',
        '/over: an object has an axis for each name; one without a name stands in a list, as in [{"csv": ...}]',
    ),
    (
        '{"over": {"zip": {"a": [1], "b": [2]}}, "run": {"echo": true}}',
        '/over: an object has an axis for each name; one without a name stands in a list, as in [{"zip": ...}]',
    ),
    ('{"run": {"command": "true"}, "results": {"y": "double"}}', '/results/y: unknown type "double"; did you mean "float64"?'),
    (
        '{"over": {"a": [1], "b": [2]}, "run": {"command": "echo {zz}"}}',
        '/run/command: unknown placeholder {zz}; there is {a} and {b}; a literal brace is written {{',
    ),
    ('{"output": "/", "run": {"function": "builtin:noop"}}', '/output: must name a file; / is a folder'),
    ('{"output": "out/", "run": {"function": "builtin:noop"}}', '/output: must name a file; out/ is a folder'),
    ('{"output": "out/..", "run": {"function": "builtin:noop"}}', '/output: must name a file; out/.. is a folder'),
    (
        '{"output": "{x}.h5", "run": {"function": "builtin:noop"}}',
        '/output: unknown placeholder {x}; only variables are known here',
    ),
    ('{"output": 5, "run": {"function": "builtin:noop"}}', '/output: must be a string, not a number'),
    (
        '{"run": {"function": "builtin:noop"}, "run": {"function": "builtin:noop"}}',
        '/run: key "run" is given twice',
    ),
    (
        '{"defaults": {}, "run": {"function": "builtin:noop"}}',
        '/defaults: "defaults" goes with "stages"; here the stage\'s keys stand at the top',
    ),
    (
        '{"over": {"a": [1]}, "stages": [{"name": "a", "run": {"function": "builtin:noop"}}]}',
        '/over: "over" belongs in a stage, or in "defaults" for all stages',
    ),
    ('{"after": ["x"], "run": {"function": "builtin:noop"}}', '/after/0: there is no stage "x"'),
    (
        '{"stage": []}',
        '/stage: unknown key "stage"; did you mean "stages"?',
        'needs "stages", or "run" for a single stage',
    ),
    ('{"variables": [], "run": {"function": "builtin:noop"}}', '/variables: must be an object, not a list'),
    (
        '{"variables": {"a": null}, "run": {"function": "builtin:noop"}}',
        '/variables/a: must be a string, a number, true or false, not null',
    ),
    (
        '{"variables": {"a": [1]}, "run": {"function": "builtin:noop"}}',
        '/variables/a: must be a string, a number, true or false, not a list',
    ),
    (
        '{"variables": {"index": 1}, "run": {"function": "builtin:noop"}}',
        '/variables/index: "index" can\'t be a variable\'s name: {index} is built in',
    ),
    (
        '{"variables": {"a:b": 1}, "run": {"function": "builtin:noop"}}',
        '/variables/a:b: "a:b" can\'t be a variable\'s name: it must not be empty or contain / { } :',
    ),
    (
        '{"variables": {"n": 1}, "over": {"n": [1]}, "run": {"function": "builtin:noop"}}',
        '/over: "n" is a variable and a parameter; one needs another name',
    ),
    ('{"stages": [{"name": "a"}]}', '/stages/0: needs a "run"'),
    ('{"stages": [{"run": {"function": "builtin:noop"}}]}', '/stages/0: needs a "name"'),
    (
        '{"stages": [{"name": "1a", "run": {"function": "builtin:noop"}}]}',
        '/stages/0/name: "1a" is not a stage\'s name: letters, digits and _, not beginning with a digit',
    ),
    (
        '{"stages": [{"name": 7, "run": {"function": "builtin:noop"}}]}',
        '/stages/0/name: must be a string, not a number',
    ),
    (
        '{"stages": [{"name": "a", "run": {"function": "builtin:noop"}}, {"name": "a", "run": {"function": "builtin:noop"}}]}',
        '/stages/1/name: two stages are called "a"',
    ),
    (
        '{"stages": [{"name": "a", "run": {"function": "builtin:noop"}, "after": ["b"]}]}',
        '/stages/0/after/0: there is no stage "b"',
    ),
    (
        '{"stages": [{"name": "first", "run": {"function": "builtin:noop"}}, {"name": "b", "run": {"function": "builtin:noop"}, "after": ["fist"]}]}',
        '/stages/1/after/0: there is no stage "fist"; did you mean "first"?',
    ),
    (
        '{"stages": [{"name": "a", "run": {"function": "builtin:noop"}, "after": "b"}]}',
        '/stages/0/after: must be a list, not a string',
    ),
    (
        '{"stages": [{"name": "a", "run": {"function": "builtin:noop"}, "after": [1]}]}',
        '/stages/0/after/0: must be a string, not a number',
    ),
    (
        '{"stages": [{"name": "a", "run": {"function": "builtin:noop"}, "after": ["a"]}]}',
        '/stages/0/after: stages wait for each other: a -> a',
    ),
    (
        '{"stages": [{"name": "a", "run": {"function": "builtin:noop"}, "after": ["b"]}, {"name": "b", "run": {"function": "builtin:noop"}, "after": ["a"]}]}',
        '/stages/0/after: stages wait for each other: a -> b -> a',
    ),
    (
        '{"defaults": {"nam": 1}, "stages": [{"name": "a", "run": {"function": "builtin:noop"}}]}',
        '/defaults/nam: unknown key "nam"',
    ),
    (
        '{"defaults": 1, "stages": [{"name": "a", "run": {"function": "builtin:noop"}}]}',
        '/defaults: must be an object, not a number',
    ),
    (
        '{"defaults": {"name": "x"}, "stages": [{"name": "a", "run": {"function": "builtin:noop"}}]}',
        '/defaults/name: unknown key "name"',
    ),
    ('{"run": {"service": ["x"]}}', '/run/service/0: there is no program "x" in PATH'),
    (
        '{"over": {"sky": [1, 2], "filter": ["R"]}, "variables": {"most": 3, "best": "R"}, "run": {"expr": {"a": "skyy + 1", '
        '"b": "sine(sky)", "c": "filter > 3", "d": "filter == 3", "e": "2 * (sky", "f": "", "g": "sky = 1", "h": "3 sky", '
        '"i": "atan2(1)", "j": "sky & 1", "k": "sky, 2", "l": "1.5x", "m": "sky # 2", "n": "{sky", "o": "best", "p": true, '
        '"q": "random(3)", "r": "later + 1", "sky": "1", "s": "sky == \'R\'", "t": "\'R", "u": "sky +* 2"}}}',
        '/run/expr/sky: "sky" is the name of a parameter already',
        '/run/expr/a: "skyy + 1": there is no "skyy" here; did you mean "sky"?',
        '/run/expr/b: "sine(sky)": there is no function "sine"; did you mean "sin"?',
        '/run/expr/c: "filter > 3": strings can only be compared, by == and !=, to other strings',
        '/run/expr/d: "filter == 3": a string can only be compared to another string',
        '/run/expr/e: "2 * (sky": is not an expression: something is missing',
        '/run/expr/f: "": the expression is empty',
        '/run/expr/g: "sky = 1": a single \'=\' has no meaning; equality is ==',
        '/run/expr/h: "3 sky": is not an expression: it makes no sense from "sky" on',
        '/run/expr/i: "atan2(1)": a function has too few arguments',
        '/run/expr/j: "sky & 1": \'&\' has no meaning; "and" is &&, "or" is ||',
        '/run/expr/k: "sky, 2": a \',\' belongs between the arguments of a function',
        '/run/expr/l: "1.5x": "1.5x" is not a number',
        '/run/expr/m: "sky # 2": \'#\' has no meaning',
        '/run/expr/n: "{sky": \'{\' has no \'}\'',
        '/run/expr/o: "best": strings can only be compared, by == and !=, to other strings',
        "/run/expr/p: must be an expression in a string, not true or false",
        '/run/expr/q: "random(3)": random() takes no argument',
        '/run/expr/r: "later + 1": there is no "later" here; there are the stage\'s parameters, and the columns before this one',
        '/run/expr/s: "sky == \'R\'": strings can only be compared, by == and !=, to other strings',
        '/run/expr/t: "\'R": a string has no closing \'; a quote in it is written twice',
        '/run/expr/u: "sky +* 2": is not an expression: it makes no sense from "* 2" on',
    ),
    (
        '{"run": {"expr": {"y": "1", "z": "2"}}, "results": {"x": "float64", "y": "string", "z": {"type": "float32", "shape": [2]}}}',
        "/run/expr/y: the column of an expression is a number or a block of an array, not string",
        "/run/expr/z: the column of an expression is a number or a block of an array, not of a shape",
        '/run/expr: column "x" of the results has no expression',
    ),
    ('{"run": {"expr": {}}}', "/run/expr: needs at least one column"),
    (
        '{"stages": [{"name": "a", "over": {"n": [1]}, "outputs": "a{n}", "run": {"command": ["true"]}}, {"name": "b", "inputs": '
        '{"x": [{"outputs_of": "a", "where": "m > 1"}]}, "run": {"command": ["true"]}}]}',
        '/stages/1/inputs/x/0/where: "m > 1": there is no "m" here; there are the parameters of stage "a": n',
    ),
    ('{"run": {"expr": 5}}', "/run/expr: must be an object, not a number"),
    (
        '{"over": {"n": [1]}, "where": "x > random()", "outputs": "a{n}", "run": {"command": ["true"]}}',
        '/where: "x > random()": there is no "x" here; there are the stage\'s parameters: n',
    ),
    ('{"over": {"n": [1]}, "where": "n > random()", "run": {"command": ["true"]}}', '/where: "n > random()": random() can be used only in the "expr" of a run'),
    ('{"over": {"n": {"range": [3], "where": "n > 1"}}, "run": {"command": ["true"]}}', '/over/n/where: "where" goes with "from", or into the stage'),
    (
        '{"stages": [{"name": "a", "over": {"n": [1]}, "run": {"expr": {"y": "n"}}}, '
        '{"name": "b", "over": [{"from": "a", "columns": ["y"], "where": "n > 1"}], "run": {"command": ["true"]}}]}',
        '/stages/1/over/0/where: "n > 1": there is no "n" here; there are the parameters and columns that the axis takes: y',
    ),
    ('{"stages": [{"name": "a", "over": {"i": {"range": [4]}}, "run": {"expr": {"x": "i"}}}, {"name": "b", "over": [{"from": "a", "indices": [0, 4]}], "run": {"expr": {"y": "x"}}}]}', "/stages/1/over/0/indices/1: must be the index of a task, from 0 to 3"),
    ('{"stages": [{"name": "a", "over": {"i": {"range": [4]}}, "run": {"expr": {"x": "i"}}}, {"name": "b", "over": [{"from": "a", "indices": []}], "run": {"expr": {"y": "x"}}}]}', "/stages/1/over/0/indices: must be a list of indices of tasks"),
    ('{"over": {"i": {"range": [3], "indices": [0]}}, "run": {"expr": {"x": "i"}}}', '/over/i/indices: "indices" goes with "from"'),
    (
        '{"stages": [{"name": "a", "over": {"i": [1, "x"]}, "run": {"command": "echo {i}"}}, {"name": "b", "over": [{"from": "a"}], "run": {"command": "echo {i}"}}, '
        '{"name": "c", "over": [{"from": "b"}], "run": {"command": "echo {i}"}}, {"name": "d", "over": [{"from": "c"}], "run": {"command": "echo {i}"}}]}',
        "/stages/0/over/i: values must be all integers, all numbers, all strings or all booleans",
    ),
    (
        '{"over": {"i": {"range": [3], "wildcards": {}, "allow_empty": true}}, "run": {"expr": {"x": "i"}}}',
        '/over/i/wildcards: "wildcards" goes with "files"',
        '/over/i/allow_empty: "allow_empty" goes with "glob" or "files"',
    ),
    ('{"run": {"command": "echo"}, "results": {"y": {"type": "float64", "from": "regex:y+++++++++++++++++++++++++++++++"}}}', '/results/y/from: "y+++++++++++++++++++++++++++++++" is too long, or repeats too much of itself'),
    ('{"run": {"command": "echo"}, "results": {"y": {"type": "float64", "from": "regex:y4+++*++++++++++N"}}}', '/results/y/from: "y4+++*++++++++++N" is too long, or repeats too much of itself'),
    ('{"run": {"command": "echo"}, "results": {"y": {"type": "float64", "from": "regex:(' + 60 * "(a|b*|c*)" + ')*"}}}', '/results/y/from: "' + ("(" + 8 * "(a|b*|c*)")[:60] + '" is too long, or repeats too much of itself'),
    ('{"run": {"command": "echo"}, "results": {"y": {"type": "float64", "from": "regex:((([[:digit:]]){99}){99}){99}"}}}', '/results/y/from: "((([[:digit:]]){99}){99}){99}" is too long, or repeats too much of itself'),
    ('{"run": {"command": "echo"}, "results": {"y": {"type": "float64", "from": "regex:' + 4001 * "(" + '"}}}', '/results/y/from: "' + 60 * "(" + '" is too long, or repeats too much of itself'),
    ('{"retries": 255, "run": {"function": "builtin:noop"}}', "/retries: must be an integer from 0 to 254"),
    ('{"retries": 0.5, "run": {"function": "builtin:noop"}}', "/retries: must be an integer from 0 to 254"),
    (
        '{"retry_delay": "soon", "run": {"function": "builtin:noop"}}',
        '/retry_delay: must be a time, as in 0, 1.5, "10s" or "5m"',
    ),
    ('{"retry_delay": 1e300, "run": {"function": "builtin:noop"}}', '/retry_delay: must be at most 1000000000 s, which are 31 years'),
    ('{"timeout": "1e300d", "run": {"function": "builtin:noop"}}', '/timeout: must be at most 1000000000 s, which are 31 years'),
    ('{"timeout": 1000000001, "run": {"function": "builtin:noop"}}', '/timeout: must be at most 1000000000 s, which are 31 years'),
    ('{"run": {"command": ["true"]}, "results": {"x": {"type": "float64", "from": "regex:"}}}', '/results/x/from: the regular expression is empty'),
    ('{"run": {"command": ["true"]}, "results": {"x": {"type": "float64", "from": "file:"}}}', '/results/x/from: the path is empty'),
    ('{"run": {"command": ["true"]}, "results": {"x": {"type": "float64", "from": "file: "}}}', '/results/x/from: the path is empty'),
    ('{"over": [{"files": "{w}.dat", "wildcards": {"w": ""}}], "run": {"command": ["true"]}}', '/over/0/wildcards/w: the regular expression is empty'),
    ('{"retry_delay": -1, "run": {"function": "builtin:noop"}}', '/retry_delay: must be a time, as in 0, 1.5, "10s" or "5m"'),
    (
        '{"resources": {"memory": "2 apples"}, "run": {"function": "builtin:noop"}}',
        '/resources/memory: must be a size in bytes, as in 65536 or "64KB"',
    ),
    ('{"resources": {"memory": 0}, "run": {"function": "builtin:noop"}}', "/resources/memory: must be more than 0 bytes"),
    (
        '{"resources": {"slots": 0, "gpus": "one"}, "run": {"function": "builtin:noop"}}',
        "/resources/slots: must be an integer from 1 to 4096",
        "/resources/gpus: must be an integer from 0 to 4096",
    ),
    (
        '{"until": "x.mena > 1", "run": {"expr": {"x": "1"}}}',
        '/until: "x.mena > 1": there is no "x.mena" here; did you mean "x.mean"?',
    ),
    (
        '{"until": {"first": 0, "last": 1}, "run": {"expr": {"x": "1"}}}',
        '/until/last: unknown key "last"',
        '/until: needs an "expr"',
        "/until/first: must be a positive integer",
    ),
    (
        '{"until": "1 > 0", "outputs": "a", "run": {"command": "touch a"}}',
        '/until: a stage with files is run to its end: it can\'t have "until"',
        '/until: "1 > 0" does not depend on any result',
    ),
    ('{"until": 5, "run": {"expr": {"x": "1"}}}', "/until: must be an expression or an object, not a number"),
    (
        '{"until": "x > random()", "run": {"expr": {"x": "1"}}}',
        '/until: "x > random()": there is no "x" here; there are COLUMN.STATISTIC, such as x.mean or x.stderr',
    ),
    (
        '{"over": {"n": [1], "band": ["R"]}, "run": {"expr": {"x": "n"}}, "reduce": {"a": 5, "b/": {"by": 3, "columns": {"x": "mean"}}, '
        '"c": {"by": ["x", "bond", 3]}, "d": {"columns": {"x": ["men", "quantile:2", "histogram:0", "mean", "mean", 7, "typical", '
        '"mean:3", "quantil:0.5"], '
        '"y": "mean", "band": ["count"], "n": 3}}, "e": {"where": "bant == \'R\'", "columns": {"x": "histogram:5:lin"}, "over": 1}}}',
        "/reduce/a: must be an object, not a number",
        '/reduce/b~1: "b/" can\'t be a reduction\'s name: it must not be empty or contain /',
        "/reduce/b~1/by: must be a name or a list of names, not a number",
        "/reduce/c/by/0: rows can be grouped by parameters, and by columns of integers, booleans or strings",
        '/reduce/c/by/1: the stage has neither a parameter nor a column "bond"; did you mean "band"?',
        "/reduce/c/by/2: must be a string, not a number",
        '/reduce/d/columns/x/0: there is no statistic "men"; did you mean "mean"?',
        '/reduce/d/columns/x/1: "quantile:2" must be quantile:Q, with Q from 0 to 1',
        '/reduce/d/columns/x/2: "histogram:0" must be histogram:N or histogram:N:log, with N from 1 to 1000000',
        '/reduce/d/columns/x/4: "mean" is given twice',
        "/reduce/d/columns/x/5: must be a string, not a number",
        '/reduce/d/columns/x/6: there is no statistic "typical"; ' + STATISTICS,
        '/reduce/d/columns/x/7: "mean:3" must be mean',
        '/reduce/d/columns/x/8: there is no statistic "quantil:0.5"; did you mean "quantile:Q"?',
        '/reduce/d/columns/y: the stage has neither a parameter nor a column "y"',
        '/reduce/d/columns/band: "band" is not a number',
        '/reduce/d/columns/n: must be a list such as ["mean", "std"], not a number',
        '/reduce/e/over: unknown key "over"',
        '/reduce/e/columns/x: "histogram:5:lin" must be histogram:N or histogram:N:log, with N from 1 to 1000000',
        '/reduce/e/where: "bant == \'R\'": there is no "bant" here; did you mean "band"?',
    ),
    (
        '{"reduce": [], "run": {"function": "builtin:noop"}}',
        "/reduce: must be an object, not a list",
    ),
    (
        '{"over": {"a": {"from": "b"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/from: there is no stage "b"',
    ),
    (
        '{"over": {"a": {"blocks": {}}}, "run": {"function": "builtin:noop"}}',
        '/over/a/blocks: needs a "shape"',
        '/over/a/blocks: needs a "chunk"',
    ),
    (
        '{"over": [{"blocks": {"shape": [4], "chunk": [2]}}], "run": {"function": "builtin:noop"}}',
        '/over/0: this axis needs a "name"',
    ),
    (
        '{"over": {"a": {"blocks": {"shape": [4, 4], "chunk": [2]}}, "b": {"blocks": {"shape": [0], "chunk": "x", "halo": 1}}, '
        '"c": {"blocks": []}, "d": {"blocks": {"shape": [], "chunk": [1]}}, "e": {"blocks": {"shape": [9007199254740991, '
        '9007199254740991], "chunk": [1, 1]}}}, "run": {"function": "builtin:noop"}}',
        '/over/a/blocks: "shape" has 2 dimensions, and "chunk" 1',
        '/over/b/blocks/halo: unknown key "halo"',
        "/over/b/blocks/shape/0: must be a positive integer",
        "/over/b/blocks/chunk: must be a list, not a string",
        "/over/c/blocks: must be an object, not a list",
        "/over/d/blocks/shape: needs 1 to 8 lengths, not 0",
        "/over/e/blocks: the array has more than 2^62 chunks",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["cat", "{inputs}"]}}',
        '/run/command/1: {inputs}: the stage has no "inputs"',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["cat", "{outputs.x}"]}}',
        '/run/command/1: {outputs.x}: the stage has no "outputs"',
    ),
    # files
    (
        '{"inputs": 5, "outputs": [7, ""], "log": "", "run": {"command": ["true"]}}',
        "/inputs: must be a path or an object, not a number",
        "/outputs/0: must be a path or an object, not a number",
        "/outputs/1: the path is empty",
        "/log: the path is empty",
    ),
    (
        '{"inputs": {"a.b": "x", "c": [{}]}, "outputs": {"": {"glob": "*"}}, "run": {"command": ["true"]}}',
        '/inputs/a.b: "a.b" can\'t be a file\'s name: it must not be empty or contain / { } : .',
        '/inputs/c/0: needs a "path", a "split", a "glob" or an "outputs_of"',
        '/outputs/: "" can\'t be a file\'s name: it must not be empty or contain / { } : .',
        "/outputs//glob: unknown key \"glob\"",
    ),
    (
        '{"inputs": [{"path": "a", "glob": "b"}, {"path": "a", "by": ",", "match": [], "allow_empty": true}, '
        '{"path": "a", "check": "size", "where": ""}], "run": {"command": ["true"]}}',
        '/inputs/0: "path" and "glob" can\'t both be there',
        '/inputs/1/by: "by" goes with "split"',
        '/inputs/1/match: "match" goes with "outputs_of"',
        '/inputs/1/allow_empty: "allow_empty" goes with "glob"',
        '/inputs/2/where: "where" goes with "outputs_of"',
        '/inputs/2/check: must be "time" or "hash", not "size"',
    ),
    (
        '{"inputs": [{"path": "a", "check": "size"}, {"split": "a", "by": ""}], "outputs": [{"path": "b", "temp": 1}, '
        '{"path": "c", "temp": true, "protected": true}], "run": {"command": ["true"]}}',
        '/inputs/0/check: must be "time" or "hash", not "size"',
        "/inputs/1/by: must not be empty",
        "/outputs/0/temp: must be true or false, not a number",
        "/outputs/1: a file can't be both temp and protected",
    ),
    (
        '{"over": {"n": [1]}, "inputs": "{scratch}/{outputs}/{m}", "outputs": "{n}.txt", "log": "{inputs}", '
        '"run": {"command": ["cat", "{inputs.x}", "{output}"]}}',
        "/inputs: {scratch} can't stand here",
        "/inputs: {outputs} can't stand here",
        "/inputs: unknown placeholder {m}; there is {n}; a literal brace is written {{",
        "/log: {inputs} can't stand here",
        "/run/command/1: unknown placeholder {inputs.x}; did you mean {inputs}?",
        "/run/command/2: unknown placeholder {output}; did you mean {outputs}?",
    ),
    (
        '{"over": {"n": {"range": [1000000000]}}, "outputs": "{n}", "run": {"function": "builtin:noop"}}',
        "/over: a stage with files has at most 100000000 tasks",
    ),
    (
        '{"log": "a", "run": {"function": "builtin:noop"}}',
        '"log" goes with a command; what a function or a service logs is in its stderr',
    ),
    (
        '{"stages": [{"name": "stage_a", "over": {"n": [1], "m": [1]}, "outputs": {"x": "{n}", "y": "{n}y"}, '
        '"run": {"command": ["true"]}}, {"name": "b", "over": {"m": ["1"], "k": [1]}, "inputs": [{"outputs_of": "c"}, '
        '{"outputs_of": "stage_a.z"}, {"outputs_of": "b"}, {"outputs_of": "stage_a", "match": ["m", "k", "n"]}, '
        '{"outputs_of": "stagea"}], "run": {"command": ["true"]}}]}',
        '/stages/1/inputs/0/outputs_of: there is no stage "c"',
        '/stages/1/inputs/1/outputs_of: stage "stage_a" has no output "z"',
        '/stages/1/inputs/2/outputs_of: stage "b" has no outputs',
        '/stages/1/inputs/3/match: "m" is of another type in stage "stage_a"',
        '/stages/1/inputs/3/match: stage "stage_a" has no parameter "k"',
        '/stages/1/inputs/3/match: stage "b" has no parameter "n"',
        '/stages/1/inputs/4/outputs_of: there is no stage "stagea"; did you mean "stage_a"?',
    ),
    (
        '{"over": {"n": [1, 2]}, "inputs": {"glob": "none-{n}-*"}, "run": {"command": ["true"]}}',
        '/inputs: broken[n=1]: none-1-*: no file matches; "allow_empty": true allows that',
    ),
    (
        '{"over": {"n": [1, 2]}, "inputs": "none-{n}", "outputs": ["x", "../y-{n}", "/z-{n}"], '
        '"run": {"command": ["true"]}}',
        "/outputs/0: broken[n=2]: x is an output of this task and of broken[n=1]",
        '/outputs/1: broken[n=1]: ../y-1 and 1 other path are outside the work folder; "allow_outside": true allows that',
        '/outputs/2: broken[n=1]: /z-1 and 1 other path are outside the work folder; "allow_outside": true allows that',
    ),
    (
        '{"over": {"n": ["a", ""]}, "outputs": "{n}", "run": {"command": ["true"]}}',
        "/outputs: broken[n=]: an empty path can't be an output",
    ),
    (
        '{"over": {"n": ["", "./"]}, "inputs": "{n}", "run": {"command": ["true"]}}',
        "/inputs: an empty path is not there, and no task makes it; 2 tasks need it, first: broken[n=]",
    ),
    (
        '{"over": {"n": [1, 2]}, "inputs": "none-{n}", "run": {"command": ["true"]}}',
        "/inputs: broken[n=1]: none-1 is not there, and no task makes it",
        "/inputs: broken[n=2]: none-2 is not there, and no task makes it",
    ),
    (
        '{"over": [{"rows": [{"n": 1, "m": 2}, {"n": 2, "m": 3}, {"n": 3, "m": 1}]}], "inputs": "f-{n}", '
        '"outputs": "./x/../f-{m}", "run": {"command": ["true"]}}',
        "tasks wait for each other: broken[n=1, m=2] -> broken[n=2, m=3] -> broken[n=3, m=1] -> broken[n=1, m=2]",
    ),
    (
        '{"stages": [{"name": "a", "after": ["b"], "outputs": "x", "run": {"command": ["true"]}}, '
        '{"name": "b", "inputs": "x", "run": {"command": ["true"]}}]}',
        "tasks wait for each other: a -> b -> the end of stage b -> the start of stage a -> a",
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "float32", "array": "b"}}}',
        "/results/x/array: a command can't give a block of an array; functions, services and expressions can",
        '/results/x/array: needs an axis of "blocks" in "over"',
    ),
    (
        '{"over": [{"csv": "t.csv", "batch": 2}, {"name": "u", "csv": "t.csv", "batch": 0}, '
        '{"name": "v", "range": [3], "batch": 2}], "run": {"function": "builtin:noop"}}',
        '/over/0: this axis needs a "name"',
        '/over/1/batch: must be an integer from 1 to 2^28',
        '/over/2/batch: "batch" goes with "csv"',
    ),
    (
        '{"over": [{"name": "t", "csv": "stars.csv", "batch": 2}], "arrays": {"star": {"dataset": "x.h5:/x"}}, '
        '"results": {"star": "int64", "y": {"type": "int64", "array": "t"}}, "run": {"expr": {"star": "1", "y": "star == 3", '
        '"z": "star == \'Vega\'"}}, "reduce": {"r": {"columns": {"star": ["mean"]}}}}',
        '/arrays/star: two arrays are called "star"',
        '/results/star: "star" is the name of an array already',
        '/run/expr/y: "star == 3": a string can only be compared to another string',
        """/run/expr/z: "star == 'Vega'": "star" is an array, and the result is a single number""",
    ),
    (
        '{"over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}, "c": {"blocks": {"shape": [6], "chunk": [2]}}}, '
        '"results": {"s": {"type": "string", "array": "b"}, "t": {"type": "int8", "array": "d", "shape": [4]}, '
        '"b_1": {"type": "int8", "array": "b"}, "c": {"type": "int8", "array": "c"}}, "run": {"function": "builtin:noop"}}',
        "/results/s/array: string columns can't be arrays",
        '/results/t/array: "array" and "shape" can\'t both be there',
        '/results/t/array: there is no axis of blocks "d" in "over"; there is "c"',
        '/results/s: "b_1" is a dimension of this array in the output: rename the column of that name',
        '/results/b_1: "b_1" is a dimension of this array in the output: rename the column of that name',
        '/results/c: "c" is a dimension of this array in the output: rename the column of that name',
    ),
    (
        '{"over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "variables": {"v": 1}, "arrays": {"b_start_0": "a.h5:/x", '
        '"v": "a.h5:/x", "w": "a.h5", "x": 5, "y": {"dataset": "a.h5:/y", "from": "a"}, "z": {}, '
        '"p": {"dataset": "a.h5:/{q}", "type": "string", "halo": [1], "edge": "wrap", "column": "c", "axis": "e", "size": 1}, '
        '"q": {"dataset": ":/x", "halo": 9}, "r": {"dataset": "a.h5:/", "halo": -1}}, "run": {"function": "builtin:noop"}}',
        '/arrays/b_start_0: "b_start_0" is the name of a parameter already',
        '/arrays/v: "v" is the name of a variable already',
        '/arrays/w: "a.h5" is no dataset of a file: that is FILE:/DATASET, as in "in.h5:/flux"',
        '/arrays/x: must be FILE:/DATASET or an object, not a number',
        '/arrays/y: needs either a "dataset" of a file or, "from" a stage, a "column"',
        '/arrays/y/from: there is no stage "a"',
        '/arrays/z: needs either a "dataset" of a file or, "from" a stage, a "column"',
        '/arrays/p/axis: there is no axis of blocks "e" in "over"; there is "b"',
        '/arrays/p/size: unknown key "size"',
        '/arrays/p/dataset: unknown placeholder {q}; only variables are known here',
        '/arrays/p/column: "column" goes with "from"',
        '/arrays/p/type: must be one of int8 to int64, uint8 to uint64, float32 and float64',
        '/arrays/p/edge: must be "clip" or "reflect", not "wrap"',
        '/arrays/q/dataset: ":/x" is no dataset of a file: that is FILE:/DATASET, as in "in.h5:/flux"',
        '/arrays/q/halo: is longer than the array, which has 8 elements in dimension 0',
        '/arrays/q/halo: is longer than the array, which has 8 elements in dimension 1',
        '/arrays/r/dataset: "a.h5:/" is no dataset of a file: that is FILE:/DATASET, as in "in.h5:/flux"',
        '/arrays/r/halo: must be a number of elements, or a list of 2: one for each dimension',
    ),
    (
        '{"stages": [{"name": "a", "over": {"b": {"blocks": {"shape": [8], "chunk": [4]}}}, "arrays": {"x": {"from": "a"}}, '
        '"run": {"function": "builtin:noop"}}, '
        '{"name": "c", "over": {"b": {"blocks": {"shape": [9], "chunk": [4]}}}, "arrays": {"x": {"from": "d", "column": "y"}, '
        '"y": {"from": "d"}, "z": {"from": "d"}, "h": {"dataset": "h.h5:/h", "halo": 1}}, "run": {"expr": {"m": "h", "n": "y.max"}}}, '
        '{"name": "d", "over": {"b": {"blocks": {"shape": [8], "chunk": [4]}}}, "run": {"expr": {"y": "1", "m": "y"}}, '
        '"results": {"y": {"type": "int8", "array": "b"}}}]}',
        '/stages/0/arrays/x/from: stage "a" takes its points or arrays from this one',
        '/stages/2/run/expr/m: "y": "y" is an array, and the result is a single number',
        '/stages/1/run/expr: array "h" has a halo: expressions can\'t read it',
        '/stages/1/run/expr/m: "h": "h" is an array, and the result is a single number',
        '/stages/1/run/expr/n: "y.max": there is no "y.max" here; there are the stage\'s parameters and arrays, and the columns before this one: b_start, b_count, x, y, z, h and m',
    ),
    (
        '{"over": {"b": {"blocks": {"shape": [8], "chunk": [4]}}, "c": {"blocks": {"shape": [9], "chunk": [3]}}}, '
        '"arrays": {"x": {"dataset": "x.h5:/x", "axis": "b"}, "y": {"dataset": "x.h5:/y", "axis": "c"}}, '
        '"run": {"expr": {"s": "x", "t": "1", "u": "1"}}, "results": {"s": {"type": "int8", "array": "b"}, '
        '"t": {"type": "int8", "array": "c"}}, "reduce": {"r": {"columns": {"s": ["mean"], "t": ["mean"]}}}}',
        '/run/expr: arrays "x" and "y" have blocks of different axes',
        '/run/expr: column "s" has blocks of another axis than the arrays before it',
        '/run/expr: column "t" has blocks of another axis than the arrays before it',
        '/reduce/r: "t" has blocks of another axis than the arrays before it',
    ),
    (
        '{"over": {"b": {"blocks": {"shape": [8], "chunk": [4]}}}, "run": {"function": "builtin:noop"}, "results": '
        '{"s": {"type": "int8", "array": "b"}, "t": {"type": "int8", "shape": [4]}, "f": {"type": "float32", "array": "b"}}, '
        '"reduce": {"r": {"by": "s", "columns": {"t": ["mean"]}}, "q": {"by": "f", "columns": {"s": ["mean"]}}}}',
        '/reduce/r: column "t" has a "shape", and can\'t be reduced together with arrays',
        '/reduce/q/by: rows can be grouped by parameters, and by columns of integers, booleans or strings',
    ),
    ('{"over": [], "run": {"function": "builtin:noop"}}', '/over: needs at least one axis'),
    ('{"over": {}, "run": {"function": "builtin:noop"}}', '/over: needs at least one axis'),
    (
        '{"over": 5, "run": {"function": "builtin:noop"}}',
        '/over: a space must be an object or a list of axes, not a number',
    ),
    (
        '{"over": {"a": 5}, "run": {"function": "builtin:noop"}}',
        '/over/a: an axis must be a list of values or an object, not a number',
    ),
    ('{"over": {"a": []}, "run": {"function": "builtin:noop"}}', '/over/a: an axis needs at least one value'),
    (
        '{"over": {"a": [1, "x"]}, "run": {"function": "builtin:noop"}}',
        '/over/a: values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": {"a": [true, 1]}, "run": {"function": "builtin:noop"}}',
        '/over/a: values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": {"a": [null]}, "run": {"function": "builtin:noop"}}',
        '/over/a: values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": {"a": [[1]]}, "run": {"function": "builtin:noop"}}',
        '/over/a: values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": {"a": {}}, "run": {"function": "builtin:noop"}}',
        '/over/a: an axis needs one of values, range, linspace, logspace, sobol, glob, files, lines, rows, csv, jsonl, zip, concat, from or blocks',
    ),
    (
        '{"over": {"a": {"rang": [3]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/rang: unknown key "rang"; did you mean "range"?',
    ),
    (
        '{"over": {"a": {"range": [3], "values": [1]}}, "run": {"function": "builtin:noop"}}',
        '/over/a: "values" and "range" can\'t both make one axis',
    ),
    (
        '{"over": {"a": {"range": []}}, "run": {"function": "builtin:noop"}}',
        '/over/a/range: needs 1 to 3 numbers, not 0',
    ),
    ('{"over": {"a": {"range": [0]}}, "run": {"function": "builtin:noop"}}', '/over/a/range: the range is empty'),
    (
        '{"over": {"a": {"range": [1, 2, 0]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/range: the step must not be 0',
    ),
    (
        '{"over": {"a": {"range": [1, 2, 3, 4]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/range: needs 1 to 3 numbers, not 4',
    ),
    (
        '{"over": {"a": {"range": ["x"]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/range/0: must be a number, not a string',
    ),
    (
        '{"over": {"a": {"range": 5}}, "run": {"function": "builtin:noop"}}',
        '/over/a/range: must be a list, not a number',
    ),
    (
        '{"over": {"a": {"range": [0, 1e300]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/range: its numbers are integers beyond int64',
    ),
    (
        '{"over": {"a": {"linspace": [0, 1]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/linspace: needs 3 numbers, not 2',
    ),
    (
        '{"over": {"a": {"linspace": [0, 1, 0]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/linspace: the number of points must be a positive integer',
    ),
    (
        '{"over": {"a": {"linspace": [0, 1, 2.5]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/linspace: the number of points must be a positive integer',
    ),
    (
        '{"over": {"a": {"logspace": [0, 1, 3]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/logspace: both ends must be positive',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, 1]}}}, "run": {"function": "builtin:noop"}}',
        '/over/a: needs a "count" of points',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, 1]}, "cuont": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/cuont: unknown key "cuont"; did you mean "count"?',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, 1]}, "count": 0}}, "run": {"function": "builtin:noop"}}',
        '/over/a/count: must be an integer from 1 to 2^32',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, 1]}, "count": 4294967297}}, "run": {"function": "builtin:noop"}}',
        '/over/a/count: must be an integer from 1 to 2^32',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, 1]}, "count": 2.5}}, "run": {"function": "builtin:noop"}}',
        '/over/a/count: must be an integer from 1 to 2^32',
    ),
    (
        '{"over": {"a": {"sobol": [0, 1], "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol: must be an object, not a list',
    ),
    (
        '{"over": {"a": {"sobol": {}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol: needs 1 to 64 parameters, not 0',
    ),
    (
        '{"over": {"a": {"sobol": {"x": 5}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: must be [low, high] or [low, high, "log"]',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: must be [low, high] or [low, high, "log"]',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [1, 2, "lin"]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: must be [low, high] or [low, high, "log"]',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [1, 2, 3]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: must be [low, high] or [low, high, "log"]',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, "1"]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x/1: must be a number, not a string',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, NaN]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x/1: must be a number, not NaN',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [1, 1]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: the first end must be below the second',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [0, 1, "log"]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: both ends must be positive',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [-1e308, 1e308]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: its ends are too far apart',
    ),
    (
        '{"over": {"a": {"sobol": {"x": [1e-300, 1e300, "log"]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/x: its ends are too far apart',
    ),
    (
        '{"over": {"a": {"sobol": {"seed": [0, 1]}, "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/sobol/seed: "seed" can\'t be a parameter\'s name: {seed} is built in',
    ),
    (
        '{"over": {"a": {"range": [4], "count": 4}}, "run": {"function": "builtin:noop"}}',
        '/over/a/count: "count" goes with "sobol"',
    ),
    (
        '{"over": {"a": {"glob": "*.nothing"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/glob: no file matches *.nothing; say "allow_empty": true if that is all right',
    ),
    (
        '{"over": {"a": {"glob": 5}}, "run": {"function": "builtin:noop"}}',
        '/over/a/glob: must be a string, not a number',
    ),
    (
        '{"over": {"a": {"glob": "*", "allow_empty": "yes"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/allow_empty: must be true or false, not a string',
    ),
    (
        '{"over": {"a": {"files": "none_{x}.fits"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/files: no file matches none_{x}.fits; say "allow_empty": true if that is all right',
    ),
    (
        '{"over": {"a": {"files": "plain.fits"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/files: no {wildcard} in "plain.fits"; use "glob" for a plain pattern',
    ),
    (
        '{"over": {"a": {"files": "*_{x}.fits"}}, "run": {"function": "builtin:noop"}}',
        "/over/a/files: '*' has no place here: name what varies, as in raw/{object}.fits",
    ),
    (
        '{"over": {"a": {"files": "{x}.dat", "wildcards": {"y": "a"}}}, "run": {"function": "builtin:noop"}}',
        '/over/a/wildcards/y: no {y} in "{x}.dat"',
    ),
    (
        '{"over": {"a": {"files": "{x}.dat", "wildcards": {"x": "("}}}, "run": {"function": "builtin:noop"}}',
        '/over/a/wildcards/x: "(" is not an extended regular expression: Unmatched ( or \\(',
    ),
    (
        '{"over": {"a": {"files": "{x}.dat", "wildcards": []}}, "run": {"function": "builtin:noop"}}',
        '/over/a/wildcards: must be an object, not a list',
    ),
    (
        '{"over": {"a": {"lines": "missing.txt"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/lines: missing.txt: No such file or directory',
    ),
    (
        '{"over": {"a": {"lines": "empty.txt"}}, "run": {"function": "builtin:noop"}}',
        '/over/a/lines: empty.txt has no lines',
    ),
    (
        '{"over": {"a": {"rows": []}}, "run": {"function": "builtin:noop"}}',
        '/over/a/rows: an axis needs at least one row',
    ),
    (
        '{"over": {"a": {"rows": [1]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/rows/0: must be an object, not a number',
    ),
    (
        '{"over": {"a": {"rows": [{"x": 1}, {"y": 1}]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/rows: row 1: needs exactly the keys of the first record; "x" is missing',
    ),
    (
        '{"over": {"a": {"rows": [{"x": 1}, {"x": 1, "y": 2}]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/rows: row 1: needs exactly the keys of the first record',
    ),
    (
        '{"over": {"a": {"rows": [{"x": 1}, {"x": "s"}]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/rows: row 1: "x" is a string; values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": [{"csv": "missing.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: missing.csv: No such file or directory',
    ),
    ('{"over": [{"csv": "none_*.csv"}], "run": {"function": "builtin:noop"}}', "/over/0/csv: no file matches none_*.csv"),
    (
        '{"over": [{"csv": "[ho]*.csv"}], "run": {"function": "builtin:noop"}}',
        "/over/0/csv: other.csv: must have the columns of header.csv",
    ),
    (
        '{"over": [{"csv": "[hr]*.csv"}], "run": {"function": "builtin:noop"}}',
        "/over/0/csv: ragged.csv: line 3: 1 field, expected 2",
    ),
    (
        '{"over": [{"csv": "empty.txt"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: empty.txt is empty; its first line must name the columns',
    ),
    (
        '{"over": [{"csv": "header.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: header.csv has a header and no records',
    ),
    (
        '{"over": [{"csv": "ragged.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: ragged.csv: line 3: 1 field, expected 2',
    ),
    (
        '{"over": [{"csv": "twice.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: twice.csv: line 1: two columns are called "a"',
    ),
    (
        '{"over": [{"csv": "return.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: return.csv: line 1: a quote is not closed, or has text behind it',
    ),
    (
        '{"over": [{"csv": "quote.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: quote.csv: line 2: a quote is not closed, or has text behind it',
    ),
    (
        '{"over": [{"csv": "nul.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: nul.csv: holds NUL bytes: is it a text file?',
    ),
    (
        '{"over": [{"csv": "{nowhere}.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: unknown placeholder {nowhere}; only variables are known here',
    ),
    ('{"over": [{"csv": "."}], "run": {"function": "builtin:noop"}}', '/over/0/csv: .: Is a directory'),
    (
        '{"over": [{"jsonl": "bad.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: bad.jsonl: line 2, column 7: not JSON: the text ends here, and more was expected',
    ),
    (
        '{"over": [{"jsonl": "comma.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: comma.jsonl: line 1, column 9: not JSON: a comma before "}"',
    ),
    (
        '{"over": [{"jsonl": "comment.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: comment.jsonl: line 1, column 10: not JSON: comments are not allowed',
    ),
    (
        '{"over": [{"jsonl": "twice.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: twice.jsonl: line 3: key "b" is given twice',
    ),
    (
        '{"over": [{"jsonl": "many.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: many.jsonl: line 1: key "k5" is given twice',
    ),
    (
        '{"over": [{"jsonl": "mixed.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: mixed.jsonl: line 4: "a" is a string; values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": [{"jsonl": "list.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: list.jsonl: line 2: "a" is a list; values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": [{"jsonl": "null.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: null.jsonl: line 1: "a" is null; values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": [{"rows": [{"a": true}, {"a": 1}]}], "run": {"function": "builtin:noop"}}',
        '/over/0/rows: row 1: "a" is a number; values must be all integers, all numbers, all strings or all booleans',
    ),
    (
        '{"over": [{"jsonl": "large.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: large.jsonl: line 2: "a": integer 9223372036854775808 is beyond int64; write it as a string',
    ),
    (
        '{"over": [{"jsonl": "tab.jsonl"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: tab.jsonl: line 1, column 9: not JSON: a control character in a string; write it as \\t',
    ),
    (
        '{"over": [{"csv": "semicolons.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: semicolons.csv: line 1: its only column is "ra;dec": is the table separated by ";"? It must be by commas',
    ),
    (
        '{"over": [{"csv": "tabs.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: tabs.csv: line 1: its only column is "ra\tdec": is the table separated by tabs? It must be by commas',
    ),
    (
        '{"over": [{"name": "x", "values": [1], "type": "int8"}], "run": {"function": "builtin:noop"}}',
        '/over/0/type: values are bool, int64, float64 or string, not "int8"',
    ),
    (
        '{"over": {"x": {"values": [1.5], "type": "int64"}}, "run": {"function": "builtin:noop"}}',
        '/over/x/values: values are of type float64, and "type" says int64',
    ),
    (
        '{"over": {"x": {"values": [9007199254740993], "type": "float64"}}, "run": {"function": "builtin:noop"}}',
        '/over/x/values: integer 9007199254740993 would be rounded as float64',
    ),
    (
        '{"over": [{"csv": "comment.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: comment.csv: line 2: 2 fields, expected 1; line 1, "# of today", is taken for the header: csv has no comments',
    ),
    (
        '{"over": [{"csv": "comma.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: comma.csv: line 1: column 3 has no name: does the line end with a comma?',
    ),
    (
        '{"over": [{"csv": "nameless.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: nameless.csv: line 1: column 1 has no name',
    ),
    (
        '{"over": [{"csv": "word.csv", "types": {"a": "int64"}}], "run": {"function": "builtin:noop"}}',
        '/over/0/types/a: word.csv: line 3: an empty cell is no integer of 64 bits',
    ),
    (
        '{"over": [{"csv": "word.csv", "types": {"b": "int64"}}], "run": {"function": "builtin:noop"}}',
        '/over/0/types/b: word.csv: line 3: "2.5" is no integer of 64 bits',
    ),
    (
        '{"over": [{"csv": "word.csv", "types": {"b": "float64"}}], "run": {"function": "builtin:noop"}}',
        '/over/0/types/b: word.csv: line 4: "abc" is no number',
    ),
    (
        '{"over": [{"csv": "[w]ord*.csv", "types": {"b": "float64"}}], "run": {"function": "builtin:noop"}}',
        '/over/0/types/b: word.csv: line 4: "abc" is no number',
    ),
    (
        '{"over": [{"csv": "words.csv", "types": {"b": "float64"}}], "run": {"function": "builtin:noop"}}',
        '/over/0/types/b: words.csv: line 2: "ééééééééééééééééééé..." is no number',
    ),
    (
        '{"over": [{"csv": "latin.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: latin.csv: line 3: not UTF-8; if it is Latin-1, iconv -f latin1 -t utf-8 makes it UTF-8',
    ),
    (
        '{"over": [{"csv": "wide.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: wide.csv: line 1: not UTF-8 but UTF-16; iconv -f utf-16 -t utf-8 makes it UTF-8',
    ),
    (
        '{"over": [{"name": "p", "lines": "latin.txt"}], "run": {"function": "builtin:noop"}}',
        '/over/0/lines: latin.txt: line 3: not UTF-8; if it is Latin-1, iconv -f latin1 -t utf-8 makes it UTF-8',
    ),
    (
        '{"over": [{"name": "t", "csv": "latin.csv", "batch": 2}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: latin.csv: line 3: not UTF-8; if it is Latin-1, iconv -f latin1 -t utf-8 makes it UTF-8',
    ),
    (
        '{"over": [{"name": "t", "csv": "tabs.csv", "batch": 2}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: tabs.csv: line 1: its only column is "ra\tdec": is the table separated by tabs? It must be by commas',
    ),
    (
        '{"over": [{"name": "t", "csv": "comment.csv", "batch": 2}], "run": {"function": "builtin:noop"}}',
        '/over/0/csv: comment.csv: line 2: 2 fields, expected 1; line 1, "# of today", is taken for the header: csv has no comments',
    ),
    (
        '{"over": [{"name": "t", "csv": "[w]ord*.csv", "batch": 2, "types": {"b": "float64"}}], "run": {"function": "builtin:noop"}}',
        '/over/0/types/b: word.csv: line 4: "abc" is no number',
    ),
    ('{"over": [{"csv": "word.csv"}], "where": "b > 1", "run": {"command": ["true"]}}', '/where: "b > 1": strings can only be compared, by == and !=, to other strings; "b" is text since, in word.csv: line 4: "abc" is no number'),
    ('{"over": [{"csv": "word.csv"}], "run": {"command": ["echo", "{b:.2f}"]}}', '/run/command/1: {b:.2f}: b is a string and can\'t be printed with \'f\'; "b" is text since, in word.csv: line 4: "abc" is no number'),
    ('{"over": [{"csv": "stars.csv"}], "where": "star > 1", "run": {"command": ["true"]}}', '/where: "star > 1": strings can only be compared, by == and !=, to other strings'),
    (
        '{"over": [{"jsonl": "empty.txt"}], "run": {"function": "builtin:noop"}}',
        '/over/0/jsonl: empty.txt has no records',
    ),
    (
        '{"over": [{"zip": {"a": [1, 2], "b": [1]}}], "run": {"function": "builtin:noop"}}',
        '/over/0/zip: axes side by side must have the same length, not 2 and 1',
    ),
    (
        '{"over": [{"zip": 1}], "run": {"function": "builtin:noop"}}',
        '/over/0/zip: must be an object or a list of axes, not a number',
    ),
    ('{"over": [{"zip": {}}], "run": {"function": "builtin:noop"}}', '/over/0/zip: needs at least one axis'),
    (
        '{"over": [{"concat": []}], "run": {"function": "builtin:noop"}}',
        '/over/0/concat: needs at least one space',
    ),
    (
        '{"over": [{"concat": [{"a": [1]}, {"b": [1]}]}], "run": {"function": "builtin:noop"}}',
        '/over/0/concat/1: must have the same parameters as the first space; "a" is missing',
    ),
    (
        '{"over": [{"concat": [{"a": [1]}, {"a": ["x"]}]}], "run": {"function": "builtin:noop"}}',
        '/over/0/concat/1: "a" has another type than in the first space',
    ),
    (
        '{"over": [{"concat": {"a": [1]}}], "run": {"function": "builtin:noop"}}',
        '/over/0/concat: must be a list, not an object',
    ),
    (
        '{"over": [[1, 2]], "run": {"function": "builtin:noop"}}',
        '/over/0: in a list of axes each is an object with a "name" and "values"',
    ),
    ('{"over": [{"values": [1]}], "run": {"function": "builtin:noop"}}', '/over/0: this axis needs a "name"'),
    (
        '{"over": [{"name": "a", "values": [1]}, {"name": "a", "values": [2]}], "run": {"function": "builtin:noop"}}',
        '/over: two axes give the parameter "a"',
    ),
    ('{"over": {"a": [1], "a": [2]}, "run": {"function": "builtin:noop"}}', '/over/a: key "a" is given twice'),
    (
        '{"over": {"index": [1]}, "run": {"function": "builtin:noop"}}',
        '/over/index: "index" can\'t be a parameter\'s name: {index} is built in',
    ),
    (
        '{"over": {"a/b": [1]}, "run": {"function": "builtin:noop"}}',
        '/over/a~1b: "a/b" can\'t be a parameter\'s name: it must not be empty or contain / { } :',
    ),
    (
        '{"over": {"": [1]}, "run": {"function": "builtin:noop"}}',
        '/over/: "" can\'t be a parameter\'s name: it must not be empty or contain / { } :',
    ),
    (
        '{"over": {"a": {"range": [9007199254740992]}, "b": {"range": [9007199254740992]}}, "run": {"function": "builtin:noop"}}',
        '/over: the space has more than 2^62 points',
    ),
    (
        '{"over": {"a": [9223372036854775808]}, "run": {"function": "builtin:noop"}}',
        '/over/a: integer 9223372036854775808 is beyond int64; write it as a string',
    ),
    (
        '{"over": {"a": [0.5, 9007199254740993]}, "run": {"function": "builtin:noop"}}',
        '/over/a: integer 9007199254740993 stands among numbers that are no integers, where it would be rounded; write it as a string',
    ),
    (
        '{"variables": {"v": -9223372036854775809}, "over": {"a": [1]}, "run": {"function": "builtin:noop"}}',
        '/variables/v: integer -9223372036854775809 is beyond int64; write it as a string',
    ),
    (
        '{"timeout": Infinity, "over": {"a": [NaN, 1e999]}, "run": {"function": "builtin:noop", "args": {"x": NaN}}}',
        '/timeout: Infinity can only be a value of an axis',
        '/over/a/1: 1e999 is beyond float64',
        '/run/args/x: NaN can only be a value of an axis',
    ),
    (
        '{"over": {"a": {"linspace": [0, 1e999, 3]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/linspace/1: 1e999 is beyond float64',
    ),
    (
        '{"over": [{"sobol": {"z": [0, 1e999]}, "count": 4}], "run": {"function": "builtin:noop"}, "timeout": 0}',
        '/over/0/sobol/z/1: 1e999 is beyond float64',
        '/timeout: must be a time, as in 30, "30s", "5m", "2h" or "1d"',
    ),
    (
        '{"retries": Infinity, "over": [{"sobol": {"z": [0, 1]}, "count": 1e999}], "run": {"function": "builtin:noop"}}',
        '/retries: Infinity can only be a value of an axis',
        '/over/0/count: 1e999 is beyond float64',
    ),
    (
        '{"over": {".": [1]}, "run": {"command": ["true"]}, "results": {".": "int8"}, "reduce": {".": {"columns": {"x": ["sum"]}}}}',
        '/over/.: "." can\'t be a parameter\'s name: HDF5 takes it for the group that it is in',
        '/results/.: "." can\'t be a column\'s name: HDF5 takes it for the group that it is in',
    ),
    (
        '{"over": {"x": [1]}, "run": {"command": ["true"]}, "reduce": {".": {"columns": {"x": ["sum"]}}}}',
        '/reduce/.: "." can\'t be a reduction\'s name: HDF5 takes it for the group that it is in',
    ),
    (
        '{"over": {"a": {"linspace": [0, Infinity, 3]}}, "run": {"function": "builtin:noop"}}',
        '/over/a/linspace/1: must be a number, not Infinity',
    ),
    (
        '{"run": {"function": "builtin:noop", "args": {"n": 1, "m": {"x": 1, "x": 2}, "n": 3}}}',
        '/run/args/n: key "n" is given twice',
        '/run/args/m/x: key "x" is given twice',
    ),
    (
        '{"over": [{"rows": [{"a": 1, "a": 2}]}], "run": {"function": "builtin:noop"}}',
        '/over/0/rows/0/a: key "a" is given twice',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"n": {"type": "int64", "optional": true}, "x": {"type": "float64", "optional": 1}}}',
        '/results/n/optional: a column of int64 can\'t be optional: it has no value for what is missing, as float64 has NaN',
        '/results/x/optional: must be true or false, not a number',
    ),
    ('{"run": {"expr": {"a": "2 * 1e309"}}}', '/run/expr/a: "2 * 1e309": 1e309 is beyond float64'),
    (
        '{"over": [{"concat": [%s]}], "run": {"function": "builtin:noop"}}'
        % ', '.join(['{"a": {"range": [9007199254740991]}, "b": {"range": [500]}}'] * 3),
        '/over/0/concat: the space has more than 2^62 points',
    ),
    (
        '{"over": {"a": {"range": [1000000000]}, "b": {"range": [1000000000]}}, "run": {"function": "builtin:noop"}, "results": {"x": "float64"}}',
        'with 1000000000000000000 tasks here the output would have more than 2^60 bytes: choose a smaller space, or smaller columns',
    ),
    (
        '{"stages": [{"name": "a", "over": {"b": {"blocks": {"shape": [1000000000, 10000000000], "chunk": [1000, 1000]}}}, '
        '"run": {"expr": {"v": "1"}}, "results": {"v": {"type": "float64", "array": "b"}}}]}',
        '/stages/0: with 10000000000000 tasks here the output would have more than 2^60 bytes: choose a smaller space, or smaller columns',
    ),
    (
        '{"over": [{"name": "l", "lines": "nul.csv"}], "run": {"function": "builtin:noop"}}',
        '/over/0/lines: nul.csv: holds NUL bytes: is it a text file?',
    ),
    ('{"run": {}}', '/run: needs a "command", a "service", a "function", a "python", an "expr" or an "echo"'),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"comand": ["x"]}}',
        '/run/comand: unknown key "comand"; did you mean "command"?',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "function": "a:b"}}',
        '/run: "command" and "function" can\'t both be run',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": []}}',
        '/run/command: the command is empty',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ""}}',
        '/run/command: the command is empty',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": 5}}',
        '/run/command: must be a list of arguments or a string for the shell, not a number',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true", 5]}}',
        '/run/command/1: must be a string, not a number',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["no-such-program"]}}',
        '/run/command/0: there is no program "no-such-program" in PATH',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["./missing.sh"]}}',
        "/run/command/0: can't run ./missing.sh: there is no such file",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["./data.txt"]}}',
        "/run/command/0: can't run ./data.txt: it is not an executable file",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "args": {}}}',
        '/run/args: "args" goes with a function, not with a command',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "builtin:noop", "env": {}}}',
        '/run/env: "env" goes with a command, a service or a Python function, not with a function',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "builtin:noop", "stdin": "x"}}',
        '/run/stdin: "stdin" goes with a command, not with a function',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "env": {"A": 1}}}',
        '/run/env/A: must be a string, not a number',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "env": {"A=B": "1"}}}',
        '/run/env/A=B: "A=B" can\'t be the name of an environment variable',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "env": []}}',
        '/run/env: must be an object, not a list',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "cwd": "missing"}}',
        '/run/cwd: there is no folder missing',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "cwd": 5}}',
        '/run/cwd: must be a string, not a number',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["true"], "stdin": "{nme}"}}',
        '/run/stdin: unknown placeholder {nme}; there is {n}, {x} and {s}; a literal brace is written {{',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "noop"}}',
        '/run/function: must be LIBRARY:FUNCTION, as in ./libboot.so:resample, not "noop"',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "builtin:"}}',
        '/run/function: must be LIBRARY:FUNCTION, as in ./libboot.so:resample, not "builtin:"',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "builtin:sleeep"}}',
        '/run/function: there is no built-in function "sleeep"; did you mean "sleep"?',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "./missing.so:f"}}',
        "/run/function: can't load the library: ./missing.so: cannot open shared object file: No such file or directory",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "./data.txt:f"}}',
        "/run/function: can't load the library: ./data.txt: file too short",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "libm.so.6:cos"}}',
        '/run/function: libm.so.6 is no plugin: it lacks the line TF_PLUGIN;',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "@PLUGIN@:nothing"}}',
        '/run/function: @PLUGIN@ has no function "nothing"',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": 5}}',
        '/run/function: must be a string, not a number',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "builtin:noop", "args": [1]}}',
        '/run/args: must be an object, not a list',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"function": "builtin:noop", "args": {"a": "{x}"}}}',
        '/run/args/a: unknown placeholder {x}; only variables are known here',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{y}"]}}',
        '/run/command/1: unknown placeholder {y}; there is {n}, {x} and {s}; a literal brace is written {{',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{index"]}}',
        '/run/command/1: "{" without "}"; write {{ for a literal brace',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "a}"]}}',
        '/run/command/1: "}" without "{"; write }} for a literal brace',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{}"]}}',
        '/run/command/1: unknown placeholder {}; there is {n}, {x} and {s}; a literal brace is written {{',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{indx}"]}}',
        '/run/command/1: unknown placeholder {indx}; did you mean {index}?',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{n:q}"]}}',
        '/run/command/1: {n:q}: "q" is not a format; say {n:04d}, {n:.3f} or the like',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{n:1001d}"]}}',
        '/run/command/1: {n:1001d}: widths and precisions go up to 1000',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{x:.1001f}"]}}',
        '/run/command/1: {x:.1001f}: widths and precisions go up to 1000',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{n:1919504175d}"]}}',
        '/run/command/1: {n:1919504175d}: widths and precisions go up to 1000',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{s:d}"]}}',
        "/run/command/1: {s:d}: s is a string and can't be printed with 'd'",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{x:d}"]}}',
        "/run/command/1: {x:d}: x is a number and can't be printed with 'd'",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{n:s}"]}}',
        "/run/command/1: {n:s}: n is an integer and can't be printed with 's'",
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo", "{n:raw}"]}}',
        '/run/command/1: {n:raw}: nothing is quoted here; :raw is for shell commands',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": "echo \'{s}\'"}}',
        '/run/command: {s} stands inside quotes, but values are quoted for the shell already: remove the quotes, or write {s:raw}',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": "echo \\"{s}\\""}}',
        '/run/command: {s} stands inside quotes, but values are quoted for the shell already: remove the quotes, or write {s:raw}',
    ),
    (
        '{"over": {"n": [1], "x": [0.5], "s": ["a"]}, "run": {"command": ["echo"], "cwd": "{scrach}"}}',
        '/run/cwd: unknown placeholder {scrach}; did you mean {scratch}?',
    ),
    ('{"run": {"command": ["true"]}, "results": []}', '/results: must be an object, not a list'),
    (
        '{"run": {"command": ["true"]}, "results": {"x": "quaternion"}}',
        '/results/x: unknown type "quaternion"; there are bool, int8 to int64, uint8 to uint64, float32, float64, string and bytes',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": "flaot64"}}',
        '/results/x: unknown type "flaot64"; did you mean "float64"?',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": 5}}',
        '/results/x: must be a type or an object, not a number',
    ),
    ('{"run": {"command": ["true"]}, "results": {"x": {}}}', '/results/x: needs a "type"'),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "shap": [1]}}}',
        '/results/x/shap: unknown key "shap"; did you mean "shape"?',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "shape": []}}}',
        '/results/x/shape: needs 1 to 8 lengths, not 0',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "shape": [0]}}}',
        '/results/x/shape/0: must be a positive integer',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "shape": 3}}}',
        '/results/x/shape: must be a list, not a number',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "shape": [1000000, 1000000]}}}',
        '/results/x/shape: a row has more than 2^31 elements',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "string", "shape": [2]}}}',
        '/results/x/shape: string columns have no shape',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "from": "stdout"}}}',
        '/results/x/from: "stdout" must be json, regex:EXPRESSION, field:NUMBER or file:PATH',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "from": "regex:("}}}',
        '/results/x/from: "(" is not an extended regular expression: Unmatched ( or \\(',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "from": "field:0"}}}',
        '/results/x/from: "0" is not the number of a field; the first is field:1',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "from": "field:x"}}}',
        '/results/x/from: "x" is not the number of a field; the first is field:1',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "from": "file:{nope}"}}}',
        '/results/x/from: unknown placeholder {nope}; write {{ for a literal brace',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int32", "from": 5}}}',
        '/results/x/from: must be a string, not a number',
    ),
    (
        '{"run": {"function": "builtin:noop"}, "results": {"x": {"type": "int32", "from": "field:1"}}}',
        "/results/x/from: only a command's columns are read from somewhere; a function sets them, a service answers them",
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"a/b": "int32"}}',
        '/results/a~1b: "a/b" can\'t be a column\'s name: it must not be empty or contain /',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"": "int32"}}',
        '/results/: "" can\'t be a column\'s name: it must not be empty or contain /',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": "int32", "x": "int8"}}',
        '/results/x: key "x" is given twice',
    ),
    (
        '{"over": {"n": [1]}, "run": {"command": ["true"]}, "results": {"n": "int32"}}',
        '/results/n: "n" is the name of a parameter already',
    ),
    (
        '{"run": {"command": ["true"]}, "capture": {"stdout": "lots"}}',
        '/capture/stdout: must be a size in bytes, as in 65536 or "64KB"',
    ),
    (
        '{"run": {"command": ["true"]}, "capture": {"stdout": -1}}',
        '/capture/stdout: must be a size in bytes, as in 65536 or "64KB"',
    ),
    ('{"run": {"command": ["true"]}, "capture": 5}', '/capture: must be an object, not a number'),
    (
        '{"run": {"command": ["true"]}, "capture": {"stdot": 5}}',
        '/capture/stdot: unknown key "stdot"; did you mean "stdout"?',
    ),
    ('{"run": {"command": ["true"]}, "record": "some"}', '/record: must be "full" or "status", not "some"'),
    ('{"run": {"command": ["true"]}, "record": 1}', '/record: must be a string, not a number'),
    ('{"run": {"command": ["true"]}, "store_params": 1}', '/store_params: must be true or false, not a number'),
    (
        '{"seed": -1, "over": {"a": [], "b": {"rang": [1]}}, "run": {"command": []}, "results": {"x": "double"}, "capture": 5, "nam": "x"}',
        '/nam: unknown key "nam"; did you mean "name"?',
        '/seed: must be an integer from 0 to 18446744073709551615',
        '/over/a: an axis needs at least one value',
        '/over/b/rang: unknown key "rang"; did you mean "range"?',
        '/run/command: the command is empty',
        '/results/x: unknown type "double"; did you mean "float64"?',
        '/capture: must be an object, not a number',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"stdout": "string"}}',
        '/results/stdout: the output has captured text by the name "stdout": rename this string column',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": "bytes", "x_index": "string"}}',
        '/results/x: the output has a dataset "x_index" for this column: rename the column of that name',
    ),
    (
        '{"run": {"command": ["true"]}, "results": {"x": {"type": "int8", "shape": [2]}, "x_dim1": "int8", "x_dim2": "int8"}}',
        '/results/x: the output has a dataset "x_dim1" for this column: rename the column of that name',
    ),
    ('{"timeout": 0, "run": {"command": ["true"]}}', '/timeout: must be a time, as in 30, "30s", "5m", "2h" or "1d"'),
    (
        '{"timeout": "30 sec", "run": {"command": ["true"]}}',
        '/timeout: must be a time, as in 30, "30s", "5m", "2h" or "1d"',
    ),
    (
        '{"on_failure": "halt", "run": {"command": ["true"]}}',
        '/on_failure: must be "continue", "stop" or {"stop_after": NUMBER}',
    ),
    ('{"on_failure": {}, "run": {"command": ["true"]}}', '/on_failure: needs "stop_after"'),
    (
        '{"on_failure": {"stop_after": 0}, "run": {"command": ["true"]}}',
        '/on_failure/stop_after: must be a positive integer',
    ),
    ('{"over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}, "c": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "arrays": {"x": "y.h5:/x"}, "inputs": {"y": "y.h5"}, "run": {"function": "builtin:noop"}}', '/arrays/x: there are several axes of blocks: "axis" must say which one is meant'),
    ('{"over": {"b": {"blocks": {"shape": [4, 4, 4, 4, 4, 4, 4, 4], "chunk": [2, 2, 2, 2, 2, 2, 2, 2]}}, "i": [1, 2]}, "run": {"expr": {"v": "1"}}, "results": {"v": {"type": "float32", "array": "b"}}}', '/results/v/array: with the other axes the array has more than 8 dimensions'),
    ('{"over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "inputs": {"x": "stars.csv"}, "arrays": {"x": "in.h5:/x"}, "run": {"function": "builtin:noop"}}', '/arrays/x: "x" is the name of an input already'),
    ('{"stages": [{"name": "a", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "run": {"expr": {"v": "1"}}, "results": {"v": {"type": "float32", "array": "b"}}}, {"name": "c", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "arrays": {"x": {"from": "a", "column": "w"}}, "run": {"function": "builtin:noop"}}]}', '/stages/1/arrays/x/from: stage "a" has no array column "w"'),
    ('{"stages": [{"name": "a", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "run": {"expr": {"v": "1"}}, "results": {"v": {"type": "float32", "array": "b"}}}, {"name": "c", "over": {"b": {"blocks": {"shape": [8, 9], "chunk": [4, 4]}}}, "arrays": {"x": {"from": "a", "column": "v"}}, "run": {"function": "builtin:noop"}}]}', '/stages/1/arrays/x/from: column "v" of stage "a" has another shape than the axis "b"'),
    ('{"over": {"b": {"blocks": {"shape": [100000, 100000], "chunk": [100000, 100000]}}}, "arrays": {"x": "in.h5:/x"}, "run": {"function": "builtin:noop"}}', '/arrays/x: a block of more than 2^31 elements: choose smaller chunks'),
    ('{"over": {"b": {"blocks": {"shape": [100000, 100000], "chunk": [30000, 30000]}}}, "run": {"function": "builtin:noop"}, "results": {"v": {"type": "float32", "array": "b"}}}', '/results/v/array: a block of more than 2^28 elements: choose smaller chunks'),
    ('{"over": {"i": {"range": [-9007199254740991, 9007199254740991]}}, "run": {"function": "builtin:noop"}}', '/over/i/range: the range has more than 2^53 points'),
    ('{"over": {"i": {"range": [9007199254740000]}, "j": {"range": [9007199254740000]}}, "run": {"function": "builtin:noop"}}', '/over: the space has more than 2^62 points'),
    ('{"stages": [{"name": "a", "run": {"expr": {"v": "1"}}}, {"name": "c", "over": {"r": {"from": "a", "columns": 3}}, "run": {"function": "builtin:noop"}}]}', '/stages/1/over/r/columns: must be a list of names, or an object of new names and old ones'),
    ('{"stages": [{"name": "a", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "run": {"expr": {"v": "1"}}, "results": {"v": {"type": "float32", "array": "b"}}}, {"name": "c", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "arrays": {"x": {"from": "a", "column": "v", "halo": 1}}, "run": {"function": "builtin:noop"}, "reduce": {"r": {"columns": {"x": ["mean"]}}}}]}', '/stages/1/reduce/r: array "x" has a halo: reductions can\'t read it'),
    ('{"outputs": {"x": {"temp": true}}, "run": {"command": ["true"]}}', '/outputs/x: needs a "path" or a "split"'),
    ('{"stages": [{"name": "a", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "run": {"expr": {"v": "1"}}, "results": {"v": {"type": "float32", "array": "b"}}}, {"name": "c", "over": {"b": {"blocks": {"shape": [8, 8], "chunk": [4, 4]}}}, "arrays": {"x": {"from": "a", "column": "v"}}, "run": {"function": "builtin:noop"}, "reduce": {"r": {"columns": {"q": ["mean"]}}}}]}', '/stages/1/reduce/r/columns/q: the stage has neither a parameter nor a column nor an array "q"'),
    ('{"run": {"expr": {"v": "1' + ' + 1' * 1400 + '"}}}', '/run/expr/v: an expression has at most 4000 characters'),
]

# The ids of messages: the first pattern that is found in one tells.
IDS = [
    (r"^\d+:\d+: ", "syntax"),
    (r": key .* is given twice$", "duplicate-key"),
    (r"unknown key|unknown hint", "unknown-key"),
    (r"belongs in a stage|\" goes with \"|takes no \"results\"", "misplaced-key"),
    (r"needs a \"|needs an \"|needs \"|needs one of|needs either a", "missing-key"),
    (r"must be (a|an) (string|object|list|path|number|type)\b.*, not (a|an|true|null)\b", "wrong-type"),
    (r"needs (at least one|1 to|3) |command is empty", "wrong-length"),
    (r"must be \"(clip|time|full)\"|must be a time|must be a size", "bad-value"),
    (r"step must not be 0|both ends must be positive|beyond (int|float)64|must be at most", "out-of-range"),
    (r"more than 2\^|more than \d+ (dimensions|wildcards)|has at most \d+ tasks", "too-large"),
    (r"is built in|it must not be empty or contain|is not a stage's name|must not be empty or contain /|/name: must not|HDF5 takes it for", "bad-name"),
    (r"is the name of an? (parameter|variable|input|array) already|are called|is given twice$|two axes give the parameter", "name-taken"),
    (r"there is no stage|there is no statistic|unknown type|has no parameter|has neither a parameter", "unknown-name"),
    (r"can't both|it can't have \"until\"$|has a halo: (reductions|expressions) can't", "conflict"),
    (r"must have the same length|same parameters as|must have the columns of|another type than|another shape", "mismatch"),
    (r"/columns/\w+: .* is not a number$|columns have no shape|rows can be grouped by|can't be printed with", "unsuitable-type"),
    (r"^/.*/expr/\w+: \"|an expression has at most|does not depend on any result", "bad-expression"),
    (r"extended regular expression|repeats too much|refers back to a group|regular expression is empty", "bad-regex"),
    (r"is not a format|without \"[{}]\"|:raw is for shell commands|no \{wildcard\}", "bad-placeholder"),
    (r"unknown placeholder|can't stand here|\}: the stage has no", "unknown-placeholder"),
    (r"can't be quoted for the shell|stands inside quotes", "unsafe-placeholder"),
    (r"the path is empty|an empty path can't be|is a folder; name the files|can't be written by a task", "bad-path"),
    (r"outside the work folder", "outside-workdir"),
    (r"is not there, and no task makes it|No such file or directory|there is no folder", "file-missing"),
    (r"is not a regular file|Is a directory", "file-unreadable"),
    (r"no file matches", "no-match"),
    (r"fields?, expected|quote|has no (lines|records)|a header and no records|NUL bytes|not a JSON object|not UTF-8|its only column", "bad-data"),
    (r"is an output of this task and of|is the log of this task and", "file-clash"),
    (r"wait for each other", "cycle"),
    (r"there is no program|can't run ", "program-missing"),
    (r"has no function|is no plugin|there is no built-in function|can't load the library", "bad-library"),
]
MOST = 4  # cases of each id that are tried: a run takes as long as 10^5 looks at a table

PLUGIN = f"{farm.BUILD}/tests/libtest_plugin.so"
NO_MPI = {"LD_PRELOAD": f"{farm.BUILD}/tests/librefuse_mpi.so:{farm.BUILD}/tests/librefuse_output.so"}


@farm.first
class BrokenManifests(farm.FarmTest):
    def setUp(self):
        super().setUp()
        for name, text in FILES.items():
            self.write(name, text)

    def test_each_is_refused_with_its_message(self):
        self.assertGreaterEqual(len(TABLE), 60)
        for manifest, *messages in TABLE:
            with self.subTest(manifest=manifest):
                text = manifest if isinstance(manifest, bytes) else manifest.replace("@PLUGIN@", PLUGIN).encode()
                self.write("broken.json", text)
                before = self.files()
                done = self.taskfarm("broken.json", status=2, env=NO_MPI)
                expected = "".join(
                    f"broken.json{':' if m[0].isdigit() else ': '}{m}\n".replace("@PLUGIN@", PLUGIN) for m in messages
                )
                self.assertEqual(done.stderr, expected)
                self.assertEqual(done.stdout, "")
                self.assertEqual(self.files(), before, "a file was touched")

    def test_each_has_an_id(self):
        tried = {name: 0 for _, name in IDS}
        for manifest, *messages in TABLE:
            expected = [next((name for pattern, name in IDS if re.search(pattern, m)), None) for m in messages]
            if all(name is None or tried[name] == MOST for name in expected):
                continue
            for name in filter(None, expected):
                tried[name] = min(tried[name] + 1, MOST)
            with self.subTest(manifest=manifest, messages=messages):
                text = manifest if isinstance(manifest, bytes) else manifest.replace("@PLUGIN@", PLUGIN).encode()
                self.write("broken.json", text)
                told = json.loads(self.taskfarm("check", "--json", "broken.json", status=2).stdout)
                places = [
                    f":{d['line']}:{d['column']}: " if "line" in d else f": {d['pointer']}: " if d["pointer"] else ": "
                    for d in told["diagnostics"]
                ]
                lines = [f"broken.json{place}{d['text']}" for place, d in zip(places, told["diagnostics"])]
                self.assertEqual(lines, told["errors"])
                self.assertEqual({d["severity"] for d in told["diagnostics"]}, {"error"})
                ids = [d["id"] for d in told["diagnostics"]]
                self.assertEqual([name or ids[i] for i, name in enumerate(expected)], ids)
        self.assertEqual([name for name, count in tried.items() if count == 0], [], "no manifest has such a mistake")

    def test_a_right_one_does_come_to_mpi(self):
        """Else the test above would show nothing."""
        self.write("right.json", {"run": {"function": "builtin:noop"}})
        done = self.taskfarm("right.json", status=99, env=NO_MPI)
        self.assertEqual(done.stderr, "H5Fcreate was called\n")

    def test_under_mpirun_one_rank_alone_diagnoses(self):
        self.write("broken.json", {"run": {"comand": ["true"]}})
        done = self.taskfarm("broken.json", ranks=3, status=2)
        diagnostic = 'broken.json: /run/comand: unknown key "comand"; did you mean "command"?\n'
        self.assertEqual(done.stderr.count("broken.json"), 1)
        self.assertIn(diagnostic, done.stderr)
        self.assertEqual(set(self.files()), set(FILES) | {"broken.json"})

    def test_a_manifest_that_can_not_be_read(self):
        for name, diagnostic in (("missing.json", "No such file or directory"), (".", "Is a directory")):
            done = self.taskfarm(name, status=2, env=NO_MPI)
            self.assertEqual(done.stderr, f"{name}: {diagnostic}\n")

    def test_check_says_the_same(self):
        self.write("broken.json", '{"run": {"function": "builtin:nop"}, "seed": -1}')
        run, check = (self.taskfarm(*verb, "broken.json", status=2) for verb in ((), ("check",)))
        self.assertEqual(run.stderr, check.stderr)


farm.main()
