"""One call of the C library fails, of each kind of stage, wherever it comes from: see faults.py. Here: functions, commands, services, Python."""

import farm
import faults
from faults import FUNCTION, campaign

SERVICE = "import json, sys\nfor line in sys.stdin:\n    i = json.loads(line)['index']\n    print(json.dumps({'index': i, 'results': {'y': i, 's': f'text {i}'}}), flush=True)\n"

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
DRAWN = 38  # of each kind


@farm.unittest.skipIf(farm.SANITIZED, "AddressSanitizer wants to be first among the libraries")
class Faults(faults.FaultTest):
    def test_stages_that_run_programs(self):
        self.try_kinds(KINDS, DRAWN)


if __name__ == "__main__":
    farm.main()
