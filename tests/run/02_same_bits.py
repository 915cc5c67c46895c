"""Results, parameters and statuses are the same to the bit for any number of ranks and slots."""

import hashlib

import farm


def digest(group):
    """A hash of all bytes of a group's datasets."""
    total = hashlib.sha256()
    group.visititems(lambda name, item: total.update(name.encode()) or total.update(item[()].tobytes()))
    return total.hexdigest()


class SameBits(farm.FarmTest):
    def same(self, manifest, stages, options, runs):
        seen = {}
        for ranks, slots in runs:
            self.taskfarm(manifest, "--output", "out.h5", "--fresh", "--slots", slots, *options, ranks=ranks)
            file = self.open("out.h5")
            for stage in stages:
                parts = ["results", "params"] + (["text"] if "text" in file[stage] else [])
                found = tuple(digest(file[stage][part]) for part in parts)
                statuses = file[stage]["task/status"][()]
                self.assertTrue((statuses != 0).all())
                self.assertEqual(seen.setdefault(stage, (found, statuses.tobytes())), (found, statuses.tobytes()))
            self.done = int((statuses == farm.DONE).sum())
            file.close()
            (self.folder / "out.h5").unlink()

    @farm.first
    def test_a_bootstrap_of_a_million_replicates(self):
        runs = [(1, 1), (2, 1), (3, 1), (5, 1), (16, 1), (1, 4), (3, 4), (None, 2)]
        self.same(farm.example("bootstrap") / "manifest.json", ["bootstrap"], [], runs)
        self.assertEqual(self.done, 1000000)

    @farm.first
    def test_columns_of_every_type_and_texts(self):
        """Strings, bytes, captured output and messages too, though they are written from many side files."""
        manifest = self.write(
            "all.json",
            {
                "seed": 9,
                "stages": [
                    {
                        "name": "f",
                        "over": {"a": {"range": [50]}, "b": {"linspace": [0, 1, 30]}, "c": ["x", "a longer one"]},
                        "run": {"function": "builtin:random"},
                        "results": {
                            "number": "float64",
                            "grid": {"type": "float32", "shape": [2, 3]},
                            "count": "int16",
                            "flag": "bool",
                            "word": "string",
                            "raw": "bytes",
                        },
                    },
                    {
                        "name": "c",
                        "over": {"n": {"range": [60]}},
                        "run": {
                            "command": "echo {n} {seed}; echo error {n} >&2; "
                            'printf \'{{"text": "%0*d"}}\' $(( {n} * 40 + 1 )) {n}; exit $(( {n} % 7 == 6 ))'
                        },
                        "results": {"text": "string"},
                    },
                ],
            },
        )
        self.same(manifest, ["f", "c"], [], [(1, 1), (2, 2), (3, 1), (5, 3)])

    def taskfarm(self, *arguments, **options):
        """One of the stages above has failures."""
        status = 1 if "all.json" in str(arguments[0]) else 0
        return super().taskfarm(*arguments, status=status, **options)


farm.main()
