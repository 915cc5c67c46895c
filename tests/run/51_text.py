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
        out = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other side is closed
                break
            if not piece:
                break
            out += piece
        os.close(master)
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

    def test_what_tasks_and_manifests_hold_reaches_a_terminal_visible(self):
        output, _ = self.evil_campaign()
        for verb in ("check", "plan"):
            self.assert_visible(self.on_a_terminal(verb, "m.json"))
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
        self.assertIn(r"no\xff: No such file", self.taskfarm(os.fsdecode(b"no\xff"), status=2).stderr)

    def test_programs_get_bytes(self):
        output, _ = self.evil_campaign()
        self.taskfarm("m.json", status=1)
        raw = subprocess.run(self.command("show", output, 1), cwd=self.folder, env=farm.environment(), capture_output=True, check=True).stdout
        self.assertIn(EVIL.encode(), raw)
        self.assertIn(EVIL, self.on_a_terminal("show", output, 1, "--raw"))
        self.assertIn("--raw is for text, not for --json, which escapes what is not seen", self.taskfarm("show", output, 1, "--raw", "--json", status=2).stderr)
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
                hint = said.splitlines()[-1].strip().removesuffix(" tells all of one")
                self.assertTrue(hint.startswith("taskfarm show "), said)
                shown = subprocess.run(["bash", "-c", hint.replace("taskfarm", '"$TASKFARM"', 1)], cwd=self.folder, env=farm.environment(),
                                       capture_output=True, text=True)  # fmt: skip
                self.assertEqual((shown.returncode, shown.stdout.splitlines()[:1]), (0, ["s[0]: failed"]), said + shown.stderr)
                self.assertFalse((self.folder / "pwned").exists())

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
