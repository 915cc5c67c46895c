"""One call of the C library fails, of each kind of stage, wherever it comes from: see faults.py. Here: stages that have to do with files, with others' rows, and with all rows."""

import farm
import faults
from faults import FUNCTION, campaign

KINDS = {
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
}
DRAWN = 38  # of each kind


@farm.unittest.skipIf(farm.SANITIZED, "AddressSanitizer wants to be first among the libraries")
class Faults(faults.FaultTest):
    def test_stages_that_take_and_sum_up(self):
        self.try_kinds(KINDS, DRAWN)


if __name__ == "__main__":
    farm.main()
