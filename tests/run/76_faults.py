"""One call of the C library fails, of each kind of stage, wherever it comes from: see faults.py."""

import json

import farm
import faults

FUNCTION = {"over": {"i": {"range": [300]}}, "run": {"function": "builtin:random"}, "results": {"x": "float64", "s": "string"}}
SERVICE = "import json, sys\nfor line in sys.stdin:\n    i = json.loads(line)['index']\n    print(json.dumps({'index': i, 'results': {'y': i, 's': f'text {i}'}}), flush=True)\n"


def campaign(*stages, **files):
    """Makes the files of a campaign in a folder."""

    def make(folder):
        (folder / "x.json").write_text(json.dumps({"seed": 1, "stages": list(stages)}))
        for name, text in files.items():
            (folder / name).write_text(text)
        (folder / "raw").mkdir(exist_ok=True)
        for n in range(4):
            (folder / f"raw/{n}").write_text(f"raw {n}\n" * 100)

    return make


KINDS = {
    "function": campaign(FUNCTION | {"name": "f"}),
    "command": campaign(
        {"name": "c", "over": {"i": {"range": [6]}}, "run": {"command": "echo out {i}; echo err {i} >&2; echo '{{\"y\": '{i}'}}'"}, "results": {"y": "int64"}}
    ),
    "service": campaign(
        {
            "name": "s",
            "over": {"i": {"range": [12]}},
            "run": {"service": ["/usr/bin/python3", "-SE", "serve.py"]},
            "results": {"y": "int64", "s": "string"},
        },
        **{"serve.py": SERVICE},
    ),
    "files": campaign(
        {
            "name": "g",
            "over": {"i": {"range": [4]}},
            "inputs": {"raw": {"path": "raw/{i}", "stage_in": True}},
            "outputs": "out/{i}",
            "run": {"command": "cat {inputs} >{outputs}; echo {i} >{scratch}/n"},
        },
        {"name": "h", "inputs": {"outputs_of": "g"}, "outputs": "out/all", "run": {"command": "cat {inputs} >{outputs}"}},
    ),
    "from": campaign(FUNCTION | {"name": "f"}, {"name": "t", "over": [{"from": "f", "columns": {"x": "x"}}], "run": {"expr": {"z": "x * 2"}}}),
    "reductions": campaign(
        FUNCTION | {"name": "f", "reduce": {"all": {"columns": {"x": ["mean", "std", "median", "histogram:5"]}}}},
    ),
    "until": campaign(
        {"name": "u", "over": {"i": {"range": [3000]}}, "run": {"expr": {"x": "normal() + 3"}}, "until": "x.stderr < 0.1 * abs(x.mean)"},
    ),
    "python": campaign(
        {
            "name": "p",
            "over": {"i": {"range": [20]}},
            "run": {"python": "work.py:f", "interpreter": "/usr/bin/python3", "warm": False},
            "results": {"y": "float64", "s": "string"},
        },
        **{"work.py": "def f(i):\n    print('task', i)\n    return {'y': i / 2, 's': 'x' * i}\n"},
    ),
}
DRAWN = 96  # in all, of one rank and of three; the soak has every way of every site


@farm.unittest.skipIf(farm.SANITIZED, "AddressSanitizer wants to be first among the libraries")
class Faults(faults.FaultTest):
    limit = 150

    def test_every_kind_of_stage(self):
        rng = faults.seed()
        tried = 0
        for kind, make in KINDS.items():
            for ranks in (1, 3):
                found = self.count(make, ranks)
                tried += len(found)
                drawn = faults.everything(rng, found) if farm.SOAK else faults.draw(rng, found, DRAWN // len(KINDS) // 2)
                self.run_faults(make, ranks, drawn)
        print(f"{tried} call sites")
        self.tell()


if __name__ == "__main__":
    farm.main()
