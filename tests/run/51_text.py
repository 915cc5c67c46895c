"""Text that is not ours: what tasks print, answer and are called reaches terminals visible, and programs as it is; what is
to be copied into a shell is quoted for it."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
import unittest

import farm
import h5py

# Escape sequences (one that writes to the clipboard), C1, what overwrites the line, and what turns it round.
EVIL = "\x1b]52;c;QQ==\x07\x9b31m\r\u202egnp.\x7f"
SHOWN = r"\x1b]52;c;QQ==\x07\u009b31m\r\u202egnp.\x7f"
BAD = set(EVIL) - set("]52;c;QQ==31mgnp.")


def evil_bytes(text):
    return sorted(BAD & set(text.replace("\r\n", "\n")))


class Text(farm.FarmTest):
    def on_a_terminal(self, *arguments, status=0, env=None):
        """What the program writes to a terminal that is its stdout and stderr."""
        master, slave = pty.openpty()
        run = subprocess.Popen(
            self.command(*arguments), cwd=self.folder, env=farm.environment(**(env or {})), stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
        )
        os.close(slave)
        out = farm.read_terminal(master, self.limit)
        self.assertEqual(run.wait(timeout=self.limit), status, out)
        return out.decode("utf-8", "surrogateescape")

    def assert_visible(self, out, shown=SHOWN):
        self.assertEqual(evil_bytes(out), [], out)
        self.assertIn(shown, out)

    def evil_campaign(self):
        """Evil in the file's name, a parameter's name and value, stdout, stderr, a result and the message of a failure."""
        answer = json.dumps({"word": "{w}"}).replace("{", "{{").replace("}", "}}").replace("{{w}}", "{w}")
        script = f"import sys; w = sys.argv[1]; print(w); print(w, file=sys.stderr); print('{{{{\"word\": \"ok\"}}}}'); sys.exit(len(w) > 3)"
        self.write("m.json", {
            "output": f"out{EVIL}.h5",
            "stages": [{
                "name": "s",
                "over": {EVIL: ["ok", EVIL]},
                "run": {"command": [sys.executable, "-c", script, "{" + EVIL + "}"]},
                "results": {"word": {"type": "string", "from": "field:1"}},
                "capture": {"stdout": "1KB", "stderr": "1KB"},
            }],
        })  # fmt: skip
        return f"out{EVIL}.h5", answer

    @farm.first
    def test_what_tasks_and_manifests_hold_reaches_a_terminal_visible(self):
        output, _ = self.evil_campaign()
        for arguments in (["check", "m.json"], ["plan", "m.json"]):
            self.assert_visible(self.on_a_terminal(*arguments))
        self.write("g.json", {"over": {"n": [EVIL]}, "outputs": "o{n}", "run": {"command": ["touch", "o{n}"]}})
        self.assert_visible(self.on_a_terminal("graph", "g.json", "--tasks"))
        self.assert_visible(self.on_a_terminal("try", "m.json", 1, status=1))
        run = self.on_a_terminal("m.json", "--progress", "none", status=1)
        self.assert_visible(run)
        for arguments in (["status", output], ["show", output, 0], ["show", output, 1]):
            self.assert_visible(self.on_a_terminal(*arguments))
        self.assert_visible(self.on_a_terminal("show", output, 7, status=2).replace("7: ", SHOWN))
        self.assert_visible(self.on_a_terminal("export", output, EVIL, status=2))

    def test_messages_are_visible_wherever_stderr_goes(self):
        """mpirun reads stderr from a pipe and puts it on a terminal; and a newline in a name does not make a line of its own."""
        self.evil_campaign()
        self.assert_visible(self.taskfarm("m.json", status=1, ranks=2).stderr)
        self.write("bad.json", {"run": {"command": ["true"]}, EVIL + "\ntaskfarm: all right": 1})
        said = self.taskfarm("bad.json", status=2).stderr
        self.assert_visible(said)
        self.assertEqual(said.count("\n"), 1, said)
        self.assert_visible(self.taskfarm("--" + EVIL, status=2).stderr)
        self.assert_visible(self.taskfarm("no" + EVIL, status=2).stderr)
        self.assertIn(r"no\xff.json: No such file", self.taskfarm(os.fsdecode(b"no\xff.json"), status=2).stderr)

    @farm.first
    def test_what_can_not_be_printed_is_said(self):
        for argument, why in (("--version", "No space left on device"), ("schema", "not all was written")):
            with open("/dev/full", "wb") as full:
                done = subprocess.run(self.command(argument), env=farm.environment(), stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual((done.returncode, done.stderr), (3, f"taskfarm: can't write to standard output: {why}\n"))

    def test_programs_get_bytes(self):
        output, _ = self.evil_campaign()
        self.taskfarm("m.json", status=1)
        raw = subprocess.run(self.command("show", output, 1), cwd=self.folder, env=farm.environment(), capture_output=True, check=True).stdout
        self.assertIn(EVIL.encode(), raw)
        self.assertIn(EVIL, self.on_a_terminal("show", output, 1, "--raw"))
        self.assertIn("--raw is for text: --json always escapes control characters", self.taskfarm("show", output, 1, "--raw", "--json", status=2).stderr)
        exported = subprocess.run(self.command("export", output), cwd=self.folder, env=farm.environment(), capture_output=True, check=True).stdout
        self.assertIn(EVIL.encode(), exported)

    def test_json_escapes_what_is_not_seen(self):
        output, _ = self.evil_campaign()
        self.taskfarm("m.json", status=1)
        for arguments in (["show", output, 1, "--json"], ["status", output, "--json"], ["check", "m.json", "--json"], ["plan", "m.json", "--json"],
                          ["export", output, "--format", "jsonl"], ["export", output, "--format", "rocrate"]):  # fmt: skip
            with self.subTest(arguments=arguments):
                printed = self.taskfarm(*arguments).stdout
                self.assertEqual(evil_bytes(printed), [])
                for line in printed.splitlines() if "jsonl" in arguments else [printed]:
                    json.loads(line)
        self.assertEqual(json.loads(self.taskfarm("show", output, 1, "--json").stdout)["parameters"][EVIL], EVIL)

    def test_hints_can_be_copied(self):
        for name in ("two words", "it's $(touch pwned)", "a\x1b[31m\u202e'\\b\n", "plain"):
            with self.subTest(name=name):
                self.setUp()
                self.write("m.json", {"output": name + ".h5", "run": {"command": ["false"]}, "name": "s"})
                said = self.taskfarm("m.json", status=1).stderr
                hint = said.splitlines()[-1].strip().removeprefix("see: ")
                self.assertTrue(hint.startswith("taskfarm show "), said)
                shown = subprocess.run(["bash", "-c", hint.replace("taskfarm", '"$TASKFARM"', 1)], cwd=self.folder, env=farm.environment(),
                                       capture_output=True, text=True)  # fmt: skip
                self.assertEqual((shown.returncode, shown.stdout.splitlines()[:1]), (0, ["s[0]: failed"]), said + shown.stderr)
                self.assertFalse((self.folder / "pwned").exists())

    def test_a_stage_that_an_output_names_is_quoted_in_a_hint(self):
        self.write("m.json", {"run": {"command": ["false"]}, "name": "s"})
        self.taskfarm("m.json", status=1)
        with h5py.File(self.folder / "s.h5", "r+") as file:
            file.move("s", "x;touch pwned\n\x1b")
        said = self.taskfarm("status", "s.h5").stdout
        self.assertIn("  see: taskfarm show s.h5 $'x;touch pwned\\012\\033' 0\n", said)

    def test_completion_does_not_run_what_an_output_names(self):
        """bash's compgen expands its words, and an output's groups can have any name."""
        self.write("m.json", {"run": {"command": ["true"]}, "name": "s"})
        self.taskfarm("m.json")
        with h5py.File(self.folder / "s.h5", "r+") as file:
            file.move("s", "$(touch${IFS}pwned)")
        script = self.taskfarm("completion", "bash").stdout
        script += "\nCOMP_WORDS=(taskfarm show s.h5 ''); COMP_CWORD=3; _taskfarm"
        path = f"{os.path.dirname(farm.TASKFARM)}:{os.environ['PATH']}"
        subprocess.run(["bash", "-c", script], cwd=self.folder, env=farm.environment(PATH=path), stdin=subprocess.DEVNULL, check=True)
        self.assertFalse((self.folder / "pwned").exists())

    @farm.first
    def test_a_value_is_refused_where_a_shell_would_run_it(self):
        """Or where its quotes would be text; numbers can stand there."""
        can_not = ", where it can't be quoted for the shell: "
        for command, message in (
            ("cat <<X\n{v}\nX", "in a here-document" + can_not + 'set a variable before, as in v={x}, and write $v; or use "stdin"'),
            ("cat <<{v}\nX", "where a here-document's end is named" + can_not + "write a name"),
            ("echo `cat {v}`", "inside backquotes" + can_not + "write $(...) for them"),
            ("echo ${{x:-{v}}}", "inside ${...}" + can_not + "set a variable before, as in v={x}"),
            ("echo $(({v} + 1))", "inside $((...))" + can_not + "give it as a number"),
            ("# {v}\ntrue", "in a comment" + can_not + "remove it"),
            ("echo \\{v}", "behind a backslash" + can_not + "remove the backslash"),
            ("echo ${v}", "behind a $" + can_not + "remove the $; ${{v}} is the shell's own variable v"),
            ("echo $'a'; echo {v}", "behind what shells read differently ($'...', ((...)), case inside $(...))" + can_not
             + "set a variable at the start, as in v={x}"),
        ):  # fmt: skip
            with self.subTest(command=command):
                self.write("m.json", {"name": "s", "over": {"v": ["$(touch pwned)"]}, "run": {"command": command}})
                said = self.taskfarm("m.json", "--fresh", status=2).stderr
                self.assertEqual(said, f"m.json: /run/command: {{v}} stands {message}, or write {{v:raw}}\n")
        self.assertFalse((self.folder / "pwned").exists())
        self.write("m.json", {"name": "s", "over": {"v": ["it's $(touch pwned)\n#"], "n": [7], "x": [0.5]}, "results": {"out": {"type": "string", "from": "regex:.*"}},
                              "run": {"command": "# it's\nprintf %s \"$(printf %s {v})\" $(({n} + 1)) `echo {n:3d}`\ncat <<X\n{x:5.1f}\nX\n"}})  # fmt: skip
        self.taskfarm("m.json", "--fresh")
        self.assertEqual(json.loads(self.taskfarm("show", "s.h5", 0, "--json").stdout)["texts"]["stdout"], "it's $(touch pwned)\n#87  0.5\n")
        self.assertFalse((self.folder / "pwned").exists())

    def program(self, path, says):
        self.write(path, f"#!/bin/sh\necho '{{\"who\": \"{says}\"}}'\n").chmod(0o755)

    def test_the_program_is_that_of_the_task_s_environment(self):
        """What check finds is what runs: by the PATH of "env", else by that of the rank, from the task's folder on."""
        self.program("ours/tool", "ours")
        self.program("theirs/tool", "theirs")
        self.program("work/bin/tool", "relative")
        self.write("dark/tool", "not to be run")
        theirs, ours = f"{self.folder}/theirs:/usr/bin:/bin", f"{self.folder}/dark:{self.folder}/ours:{os.environ['PATH']}"
        service = "import json, sys\nfor line in sys.stdin: print(json.dumps({'index': json.loads(line)['index'], 'results': {'who': 'service'}}), flush=True)"
        self.write("theirs/serve", f"#!/usr/bin/python3\n{service}\n").chmod(0o755)
        runs = [
            ({"command": ["tool"]}, "ours"),
            ({"command": ["tool"], "env": {"PATH": theirs}}, "theirs"),
            ({"command": ["tool"], "env": {"PATH": "{p}"}}, "theirs"),
            ({"command": "tool", "env": {"PATH": theirs}}, "theirs"),
            ({"command": ["tool"], "env": {"PATH": "bin:/usr/bin:/bin"}, "cwd": "work"}, "relative"),
            ({"command": ["tool"], "env": {"PATH": ":/usr/bin:/bin"}, "cwd": "work/bin"}, "relative"),
            ({"service": ["serve"], "env": {"PATH": theirs}}, "service"),
        ]
        stages = [{"name": f"s{i}", "over": {"p": [theirs]}, "run": run, "results": {"who": "string"}} for i, (run, _) in enumerate(runs)]
        self.write("m.json", {"name": "m", "stages": stages})
        self.taskfarm("m.json", env={"PATH": ours})
        file = self.open("m.h5")
        self.assertEqual([file[f"s{i}/results/who"][0].decode() for i in range(len(runs))], [who for _, who in runs])
        for run, message in (
            ({"command": ["tool"], "env": {"PATH": "/usr/bin:/bin"}}, '/run/command/0: there is no program "tool" in PATH as "env" sets it'),
            ({"command": ["tool"], "env": {"PATH": f"{self.folder}/dark"}}, '/run/command/0: there is no program "tool" in PATH as "env" sets it'),
            ({"service": ["serve"]}, '/run/service/0: there is no program "serve" in PATH'),
        ):
            self.write("m.json", {"name": "s", "run": run})
            self.assertEqual(self.taskfarm("check", "m.json", status=2, env={"PATH": ours}).stderr, f"m.json: {message}\n")

    def test_check_warns_of_texts_within_scripts_and_shows_what_can_be_pasted(self):
        argv = ["env", "sh", "-ec", "cat {v} >&2; printf '%s|' \"$@\"", "sh", "{v}", "two words", "{n}", "a\tb'\x1b"]
        stages = [
            {"name": "a", "over": {"v": ["x y"], "n": [1]}, "run": {"command": argv}},
            {"name": "b", "over": {"v": ["x y"], "n": [1]}, "run": {"command": ["sh", "-c", "echo {n}; cat \"$1\"", "sh", "{v}"]}},
            {"name": "c", "over": {"v": ["true"]}, "run": {"command": ["bash", "-c", "{v}"]}},
            {"name": "d", "over": {"v": ["x y"]}, "run": {"command": ["/usr/bin/python3", "-c", "print('{v}')"]}},
        ]
        self.write("m.json", {"stages": stages})
        done = self.taskfarm("check", "m.json")
        expected = [
            f"m.json: /stages/{stage}/run/command/{place}: warning: {{v}} becomes a part of the script that {program} runs, whatever is in it; "
            "give it as an argument behind the script (sh -c '... \"$1\"' sh {v})"
            for stage, place, program in ((0, 3, "sh"), (3, 2, "/usr/bin/python3"))
        ]
        self.assertEqual(done.stderr.splitlines(), expected)
        told = json.loads(self.taskfarm("check", "m.json", "--json").stdout)
        self.assertEqual(told["warnings"], expected)
        self.assertEqual(
            [f"m.json: {d['pointer']}: {d['severity']}: {d['text']}" for d in told["diagnostics"] if d["id"] == "unsafe-placeholder"],
            expected,
        )
        shown = next(line for line in done.stdout.splitlines() if line.startswith("stage a: ")).split(" of ", 1)[1]
        self.write("x", "")
        pasted = subprocess.run(["bash", "-c", shown.replace("cat {v}", "true")], cwd=self.folder, capture_output=True, text=True, check=True)
        self.assertEqual(pasted.stdout, "|".join(argv[5:]) + "|")

    def test_a_safe_table_has_no_formulas(self):
        words = ["=1+2", "+1", "-x", "@sum", "\tx", "plain", "1=1", '=a,"b"', ""]
        self.write("m.json", {"name": "s", "over": {"w": words, "n": [-1]}, "run": {"command": ["true"]}})
        self.taskfarm("m.json")
        for options, prefix in (([], ""), (["--safe"], "'")):
            table = self.taskfarm("export", "s.h5", *options).stdout
            rows = list(csv.DictReader(io.StringIO(table, newline="")))
            expected = [prefix + w if w and w[0] in "=+-@\t" else w for w in words]
            self.assertEqual([r["w"] for r in rows], expected)
            self.assertEqual({r["n"] for r in rows}, {"-1"}, "a number is no formula")


if __name__ == "__main__":
    farm.main()
