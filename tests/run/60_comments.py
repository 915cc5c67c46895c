"""Comments in manifests: //, /* */, a key "comment", and commas behind last members."""

import json
import random

import farm
import h5py

WRITTEN = """// A sweep, as somebody has left it.
{
  "comment": ["any", {"value": "will do"}],
  "variables": {"url": "http://x/*y*/"}, /* no comment in a string: "//" */
  "defaults": {"record": "status", "comment": "of all stages",},
  "stages": [
    {
      "name": "s", // its name
      "comment": "of a stage",
      "over": {"n": {"range": [4], "comment": "an axis"}, "t": ["a, ]", "/* b */", "// c",],},
      "run": {"command": ["echo", "{t}", "{n}", "{url}"], "comment": "of a run"},
      "results": {"y": {"type": "string", "from": "regex:(.*)", "comment": "of a column"}},
      "resources": {"slots": 1, "comment": 1},
      "capture": {"stdout": 0, "comment": null},
      "reduce": {"r": {"columns": {"n": ["max"]}, "comment": "of a reduction"}},
    }, /**/
  ],
}
/* the end **/"""

STRICT = {
    "variables": {"url": "http://x/*y*/"},
    "defaults": {"record": "status"},
    "stages": [
        {
            "name": "s",
            "over": {"n": {"range": [4]}, "t": ["a, ]", "/* b */", "// c"]},
            "run": {"command": ["echo", "{t}", "{n}", "{url}"]},
            "results": {"y": {"type": "string", "from": "regex:(.*)"}},
            "resources": {"slots": 1},
            "capture": {"stdout": 0},
            "reduce": {"r": {"columns": {"n": ["max"]}}},
        }
    ],
}


def without_comments(value):
    if isinstance(value, list):
        return [without_comments(v) for v in value]
    return {k: without_comments(v) for k, v in value.items() if k != "comment"} if isinstance(value, dict) else value


@farm.first
class Comments(farm.FarmTest):
    def rows(self, name):
        file = self.open(name)
        return [row.decode() for row in file["s/results/y"]], file["s/reduce/r/n.max"][()].tolist(), file.attrs["manifest"], file.attrs["manifest_text"]

    def test_a_manifest_with_comments_is_the_one_without(self):
        self.write("m.json", WRITTEN)
        self.write("strict.json", json.dumps(STRICT))
        for ranks in (None, 3):
            self.taskfarm("m.json", "--fresh", ranks=ranks)
            rows, most, manifest, written = self.rows("m.h5")
            self.assertEqual(rows, [f"{t} {n} http://x/*y*/" for n in range(4) for t in ("a, ]", "/* b */", "// c")])
            self.assertEqual(written, WRITTEN)
            self.assertEqual(without_comments(json.loads(manifest)), STRICT)
        self.assertIn("12 done, 0 failed, 12 of them before", self.taskfarm("strict.json", "-o", "m.h5").stderr)
        self.write("m.json", WRITTEN.replace("of a", "another one of a"))
        self.assertIn("12 done, 0 failed, 12 of them before", self.taskfarm("m.json").stderr)

    def test_what_reads_the_output_finds_the_campaign(self):
        self.write("m.json", WRITTEN)
        self.taskfarm("m.json")
        self.assertIn("runs\n  echo '// c' 1 'http://x/*y*/'", self.taskfarm("show", "m.h5", 5).stdout)
        self.taskfarm("report", "m.h5")
        self.assertIn("its name", (self.folder / "m.html").read_text())
        refused = self.taskfarm("export", "m.h5", "-o", "m.json", status=2).stderr
        self.assertEqual(refused, f"taskfarm: {self.folder.resolve()}/m.json: is the campaign's manifest; choose another name with --output\n")
        self.write("other.json", WRITTEN.replace('"s"', '"q"'))
        self.assertIn("other.json: is a manifest; ", self.taskfarm("export", "m.h5", "-o", "other.json", status=2).stderr)

    def test_an_output_of_a_version_without_it_goes_on(self):
        self.write("m.json", WRITTEN)
        self.taskfarm("m.json")
        with h5py.File(self.folder / "m.h5", "r+") as file:
            del file.attrs["manifest_text"]
        self.taskfarm("m.json")
        self.assertEqual(self.rows("m.h5")[3], WRITTEN)

    def test_mistakes_stand_where_they_were_written(self):
        cases = [
            ('{"run": /* é */ }', "m.json:1:17: not JSON: \"}\" was not expected here"),
            ('// é\n{"a" /* x\n y */ 1}', 'm.json:3:7: not JSON: "1" was not expected here'),
            ('{"run": {"echo": true}} /* open', 'm.json:1:25: not JSON: this comment does not end'),
            ('{"over": {"a": [,]}, "run": {"echo": true}}', 'm.json:1:17: not JSON: "," was not expected here'),
            ('{"over": {"a": [1,,]}, "run": {"echo": true}}', 'm.json:1:19: not JSON: "," was not expected here'),
            ('{"over": {"a": [1]}, "run": {"echo": true}},', 'm.json:1:44: not JSON: "," was not expected here'),
            ('{,"run": {"echo": true}}', 'm.json:1:2: not JSON: "," was not expected here'),
            ('{"run": {"echo": true}} / ', 'm.json:1:25: not JSON: "/" was not expected here'),
            ('{"over": {"comment": "x"}, "run": {"echo": true}}', "m.json: /over/comment: an axis must be a list of values or an object, not a string"),
            ('{"results": {"comment": "x"}, "run": {"command": "true"}}', 'm.json: /results/comment: unknown type "x"; '),
        ]
        for text, expected in cases:
            with self.subTest(text=text):
                self.write("m.json", text)
                self.assertTrue(self.taskfarm("check", "m.json", status=2).stderr.startswith(expected), expected)

    def test_comments_anywhere_change_nothing(self):
        """Put between the tokens of a manifest, whatever they hold; against what the program says of it without them."""
        dice = random.Random(1)
        strict = json.dumps(STRICT, indent=1)
        self.write("m.json", strict)
        told = json.loads(self.taskfarm("check", "--json", "m.json").stdout)
        for _ in range(20):
            text = ""
            for piece in strict.split("\n"):
                text += piece
                text += dice.choice(["\n", " // x /* y\n", '/* " */\n', " /* // \n ** / */\n", "//\n", "/***/ /*/*/\n", "\r\n"])
            text = text.replace("]", dice.choice(["]", "/**/]"])).replace('"// c"', '"// c",' if dice.random() < 0.5 else '"// c"')
            self.write("m.json", text)
            self.assertEqual(json.loads(self.taskfarm("check", "--json", "m.json").stdout), told, text)


farm.main()
