"""The one-rank case under valgrind: no invalid access, nothing uninitialised, nothing of ours lost."""

import subprocess

import farm


class Valgrind(farm.FarmTest):
    @farm.unittest.skipIf(farm.SANITIZED, "valgrind does not run programs with sanitizers")
    def test_finds_nothing(self):
        self.write(
            "all.json",
            {
                "seed": 2,
                "hints": {"cb_nodes": 1, "striping_unit": "64KB"},
                "stages": [
                    {
                        "name": "f",
                        "over": {"i": {"range": [300]}, "s": ["a", "b"]},
                        "run": {"function": "builtin:random"},
                        "results": {"x": "float64", "w": "string", "g": {"type": "int16", "shape": [3]}},
                    },
                    {
                        "name": "c",
                        "after": ["f"],
                        "over": {"i": {"range": [6]}},
                        "run": {"command": 'echo "{{\\"y\\": {i:raw}}}"; exit $(( {i} == 3 ))'},
                        "results": {"y": "int32"},
                        "inputs": [{"path": "in", "stage_in": True}],
                        "resources": {"slots": 2, "memory": "1GB", "gpus": 1},
                    },
                ],
            },
        )
        self.write("in", "of all")
        done = subprocess.run(
            [
                "valgrind",
                "--trace-children=no",
                "--leak-check=full",
                "--show-leak-kinds=definite",
                "--errors-for-leak-kinds=definite",
                "--error-exitcode=99",
                "--suppressions=/usr/share/openmpi/openmpi-valgrind.supp",
                f"--suppressions={farm.SOURCE}/tests/sanitize/valgrind.supp",
                "--num-callers=40",
                farm.TASKFARM,
                "all.json",
                "--slots",
                "2",
            ],
            cwd=self.folder,
            env=farm.environment(CUDA_VISIBLE_DEVICES="0,1"),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 1, done.stderr)  # one of the commands fails
        self.assertIn("taskfarm: all: 605 done, 1 failed", done.stderr)
        self.assertIn("ERROR SUMMARY: 0 errors", done.stderr)


farm.main()
