"""Stages joined by files: what waits for what, what is stale and why, and what becomes of the files."""

import json
import os
import shutil
import signal
import stat
import subprocess
import time

import farm
import h5py
from farm import DONE, FAILED

SKIPPED, EXCLUDED = 4, 5
RANKS = (None, 3) if farm.SOAK else (3,) if farm.SANITIZED else (None,)

# Bias frames -> a master bias -> a flat per filter -> science frames. "cat" stands for the arithmetic; every task logs.
RUN = 'echo {stage}{index} >>log; cat {inputs} >{outputs}; test ! -e fail-{stage}-{index}'


def pipeline(**more):
    stages = [
        {"name": "bias", "inputs": {"glob": "raw/bias_*"}, "outputs": "out/bias"},
        {
            "name": "flat",
            "over": {"filter": ["G", "R"]},
            "inputs": {"bias": {"outputs_of": "bias"}, "raw": {"glob": "raw/flat_{filter}_*"}},
            "outputs": "out/flat_{filter}",
        },
        {
            "name": "science",
            "over": [{"csv": "frames.csv"}],
            "inputs": ["raw/science_{frame}", "out/bias", {"outputs_of": "flat", "match": ["filter"]}],
            "outputs": "out/science_{frame}",
            "run": {"command": "echo {stage}{index} >>log; (cat {inputs}; echo {exposure}) >{outputs}"},
        },
    ]
    return {"defaults": {"run": {"command": RUN}}, "stages": [dict(s, **more.get(s["name"], {})) for s in stages]}


FRAMES = [("1", "G", 10), ("2", "R", 10), ("3", "R", 20), ("4", "G", 20)]


class Workflows(farm.FarmTest):
    def make_frames(self, exposures=(10, 10, 20, 20)):
        for name in ("bias_1", "bias_2", "flat_G_1", "flat_G_2", "flat_R_1"):
            self.write(f"raw/{name}", f"{name}\n")
        for frame, _, _ in FRAMES:
            self.write(f"raw/science_{frame}", f"science_{frame}\n")
        self.write_table(exposures)

    def write_table(self, exposures):
        rows = [f"{frame},{band},{e}\n" for (frame, band, _), e in zip(FRAMES, exposures)]
        self.write("frames.csv", "frame,filter,exposure\n" + "".join(rows))

    def touch(self, name):
        """Later than all that there is."""
        later = max(p.stat().st_mtime_ns for p in self.folder.rglob("*")) + 10**7
        self.wait_for(lambda: time.time_ns() > later, "the clock")
        os.utime(self.folder / name)

    def plan(self, *options):
        """{task: why}"""
        done = json.loads(self.taskfarm("plan", "w.json", "--json", *options).stdout)
        found = {}
        for s in done["stages"]:
            self.assertEqual(s["run"], sum(s["reasons"].values()))
            for task in s.get("list", []):
                found[task["task"]] = task["why"]
        return found

    def ran(self):
        log = self.folder / "log"
        lines = sorted(log.read_text().split()) if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def run_and_compare(self, *options, ranks=None, status=0):
        """What a run runs is what the plan says."""
        planned = sorted(task.split("[")[0] for task in self.plan(*options))
        done = self.taskfarm("w.json", *options, ranks=ranks, status=status)
        ran = self.ran()
        self.assertEqual([r.rstrip("0123456789") for r in ran], planned)
        return ran, done

    def test_tasks_run_in_the_order_of_their_files(self):
        self.make_frames()
        self.write("w.json", pipeline())
        for ranks in RANKS if farm.SANITIZED else (None, 2, 3, 5):
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                self.taskfarm("w.json", "--fresh", ranks=ranks)
                self.assertEqual(len(self.ran()), 7)
                flat = "bias_1\nbias_2\nflat_R_1\n"
                self.assertEqual((self.folder / "out/flat_R").read_text(), flat)
                science = "science_3\nbias_1\nbias_2\n" + flat + "20\n"
                self.assertEqual((self.folder / "out/science_3").read_text(), science)
                self.assertEqual(self.plan(), {})
                self.taskfarm("w.json", ranks=ranks)
                self.assertEqual(self.ran(), [])

    @farm.first
    def test_only_what_is_stale_runs_again(self):
        self.make_frames()
        self.write("w.json", pipeline())
        self.taskfarm("w.json")
        self.ran()
        science = "science[frame={}, filter={}, exposure={}]".format
        for ranks in RANKS:
            (self.folder / "out/flat_R").unlink()
            self.assertEqual(
                self.plan(),
                {"flat[filter=R]": "missing", science(2, "R", 10): "remade", science(3, "R", 20): "remade"},
            )
            self.assertEqual(self.run_and_compare(ranks=ranks)[0], ["flat1", "science1", "science2"])
            self.touch("raw/bias_2")
            self.assertEqual(self.plan()["bias"], "newer")
            self.assertEqual(len(self.run_and_compare(ranks=ranks)[0]), 7)
            self.touch("raw/science_4")
            self.assertEqual(self.plan(), {science(4, "G", 20): "newer"})
            self.assertEqual(self.run_and_compare(ranks=ranks)[0], ["science3"])
            self.write_table((10, 10, 30, 20))
            self.assertEqual(self.plan(), {science(3, "R", 30): "params"})
            self.assertEqual(self.run_and_compare(ranks=ranks)[0], ["science2"])
            self.write_table((10, 10, 20, 20))
            self.assertEqual(self.run_and_compare(ranks=ranks)[0], ["science2"])
            (self.folder / "raw/flat_G_2").unlink()
            self.assertEqual(self.plan()["flat[filter=G]"], "inputs")
            self.assertEqual(self.run_and_compare(ranks=ranks)[0], ["flat0", "science0", "science3"])
            self.write("raw/flat_G_2", "flat_G_2\n")
            self.assertEqual(self.plan()["flat[filter=G]"], "newer")
            self.run_and_compare(ranks=ranks)
        changed = pipeline(flat={"run": {"command": RUN + "; true"}})
        self.write("w.json", changed)
        self.assertEqual(self.plan()["flat[filter=G]"], "code")
        self.assertEqual(len(self.plan("--rerun", "mtime,params,inputs")), 0)
        self.assertEqual(len(self.run_and_compare()[0]), 6)
        self.assertEqual(self.plan(), {})

    def test_reasons_are_told_in_words(self):
        self.make_frames()
        self.write("w.json", pipeline())
        text = self.taskfarm("plan", "w.json").stdout
        self.assertIn("stage flat: 2 of 2 tasks\n  flat[filter=G]: has not been run\n", text)
        self.assertTrue(text.endswith("w: 7 of 7 tasks are to be run\n"))
        self.taskfarm("w.json")
        self.assertEqual(self.taskfarm("plan", "w.json").stdout, "w: nothing is to be run: 7 of 7 tasks are done\n")
        self.touch("raw/bias_1")
        text = self.taskfarm("w.json", "-n").stdout
        self.assertIn("  bias: input raw/bias_1 is newer than output out/bias\n", text)
        self.assertIn("  flat[filter=R]: input out/bias will be made again\n", text)
        (self.folder / "out/science_2").unlink()
        self.assertIn("]: output out/science_2 is missing\n", self.taskfarm("plan", "w.json", "--rerun", "code").stdout)
        self.write("many.json", {"over": {"n": {"range": [30]}}, "outputs": "x{n}", "run": {"command": "touch {outputs}"}})
        text = self.taskfarm("plan", "many.json").stdout
        self.assertIn("stage many: 30 of 30 tasks\n  30 have not been run, as many[n=0]\n", text)
        self.assertEqual(self.taskfarm("plan", "many.json", "-v").stdout.count("has not been run"), 30)

    def test_commands_are_told_before_they_run(self):
        self.make_frames()
        self.write("w.json", pipeline())
        told = self.taskfarm("plan", "w.json", "out/flat_R", "--commands").stdout
        run = "echo {} >>log; cat {} >{}; test ! -e fail-{}\n".format
        self.assertEqual(
            told,
            "stage bias: 1 of 1 tasks\n  bias: has not been run\n    "
            + run("bias0", "raw/bias_1 raw/bias_2", "out/bias", "bias-0")
            + "stage flat: 1 of 2 tasks\n  flat[filter=R]: has not been run\n    "
            + run("flat1", "out/bias raw/flat_R_1", "out/flat_R", "flat-1")
            + "w: 2 of 7 tasks are to be run, 5 are not selected\n",
        )
        self.taskfarm("w.json", "out/flat_R")
        listed = json.loads(self.taskfarm("plan", "w.json", "--commands", "--json").stdout)["stages"]
        self.assertEqual([[t["index"] for t in s["list"]] for s in listed], [[], [0], [0, 1, 2, 3]])
        self.assertEqual(
            listed[2]["list"][1],
            {
                "index": 1,
                "task": "science[frame=2, filter=R, exposure=10]",
                "why": "new",
                "reason": "has not been run",
                "command": "echo science1 >>log; (cat raw/science_2 out/bias out/flat_R; echo 10) >out/science_2",
            },
        )

    def test_told_commands_can_be_copied(self):
        words = ["a b", "c'd", "$HOME\n*", "{n}"]
        argv = {"command": ["printf", "%s,", "{word}", "{outputs}"], "env": {"K": "{word}"}, "cwd": "in", "stdin": "{word}"}
        text = {"command": 'cat >{outputs}; echo "$K"{word} >>{outputs}', "env": {"K": "{word}"}, "stdin": "{word}\n"}
        stages = [
            {"name": name, "over": {"word": words}, "outputs": f"{name}{{index}}", "run": run} for name, run in (("argv", argv), ("text", text))
        ]
        self.write("w.json", {"stages": stages})
        (self.folder / "in").mkdir()
        told = self.taskfarm("plan", "w.json", "--commands").stdout
        for name in ("argv", "text"):
            for index, word in enumerate(words):
                lines = told.split(f"stage {name}")[1].split("has not been run\n")[index + 1].splitlines()
                script = "\n".join(line[4:] for line in lines if line.startswith("    "))
                came = subprocess.run(["bash", "-c", script], cwd=self.folder, capture_output=True, text=True, check=True).stdout
                if name == "argv":
                    self.assertEqual(came, f"{word},{self.folder}/argv{index},")
                else:
                    self.assertEqual((self.folder / f"text{index}").read_text(), f"{word}\n{word}{word}\n")

    def test_what_others_than_commands_are_given(self):
        stages = [
            {"name": "a", "over": {"n": {"range": [4]}}, "run": {"expr": {"y": "n / 2"}}},
            {"name": "b", "over": [{"from": "a"}], "where": "n != 1", "run": {"command": "echo {n} {y:.2f} {scratch}"}},
            {"name": "c", "over": [{"from": "a"}], "where": "y != 1", "run": {"service": ["{py}", "s.py"]}, "results": {"z": "int"}},
        ]
        self.write("w.json", {"variables": {"py": "python3"}, "stages": stages})
        self.write("s.py", "")

        def listed(*options):
            stages = json.loads(self.taskfarm("plan", "w.json", "--commands", "--json", *options).stdout)["stages"]
            return {s["name"]: s["list"] for s in stages}

        found = listed()
        self.assertEqual([(t["runs"], t["given"]["params"]) for t in found["a"]], [("y = n / 2", {"n": n}) for n in range(4)])
        self.assertEqual([t["command"] for t in found["b"]], [f"echo {n} {{y:.2f}} '{{scratch}}'" for n in (0, 2, 3)])
        self.assertEqual([t["task"] for t in found["b"]], ["b[0]", "b[2]", "b[3]"])
        self.assertEqual([t["given"]["params"] for t in found["c"]], [{"n": n, "y": "{y}"} for n in range(4)])
        self.taskfarm("w.json", "a")
        found = listed()
        self.assertEqual(found["a"], [])
        self.assertEqual([t["command"] for t in found["b"]], [f"echo {n} {n / 2:.2f} '{{scratch}}'" for n in (0, 2, 3)])
        self.assertEqual([t["given"]["params"] for t in found["c"]], [{"n": n, "y": n / 2} for n in (0, 1, 3)])
        told = self.taskfarm("plan", "w.json", "--commands", "c").stdout
        self.assertIn("stage c: 4 of 4 tasks\n  runs\n    python3 s.py\n  c[0]: has not been run\n    {\"index\":0,", told)
        self.assertEqual([t["command"] for t in listed("--force", "a")["b"]], [f"echo {n} {{y:.2f}} '{{scratch}}'" for n in (0, 2, 3)])
        self.assertEqual(listed("--fresh")["c"][3]["given"]["params"], {"n": 3, "y": "{y}"})
        (self.folder / "w.h5").unlink()
        shutil.rmtree(self.folder / "w.h5.d", ignore_errors=True)
        self.assertEqual(listed()["c"][3]["given"]["params"], {"n": 3, "y": "{y}"})

    @farm.first
    def test_targets_forcing_and_touching(self):
        self.make_frames()
        self.write("w.json", pipeline())
        self.assertIn("w: 1 of 7 tasks is to be run, 6 are not selected\n", self.taskfarm("plan", "w.json", "out/bias").stdout)
        self.taskfarm("w.json", "out/flat_R")
        self.assertEqual(self.ran(), ["bias0", "flat1"])
        with h5py.File(self.folder / "w.h5") as file:
            self.assertEqual(file.attrs["state"], "stopped")
        done = self.taskfarm("w.json", "science[frame=2]")
        self.assertEqual(self.ran(), ["science1"])
        self.assertIn("4 not selected", done.stderr)
        self.taskfarm("w.json", "--until", "flat")
        self.assertEqual(self.ran(), ["flat0"])
        self.taskfarm("w.json")
        self.assertEqual(self.ran(), ["science0", "science2", "science3"])
        with h5py.File(self.folder / "w.h5") as file:
            self.assertEqual(file.attrs["state"], "complete")
        ran, _ = self.run_and_compare("--force", "flat")
        self.assertEqual(len(ran), 6)
        self.touch("raw/bias_2")
        self.assertEqual(self.plan("--touch"), {})
        self.assertEqual(len(self.plan()), 7, "a plan changes nothing")
        self.taskfarm("w.json", "--touch")
        self.assertEqual(self.ran(), [])
        self.assertEqual(self.plan(), {})
        shutil.move(self.folder / "w.h5", self.folder / "away")
        self.assertEqual(len(self.plan()), 7)
        self.taskfarm("w.json", "--touch", ranks=3)
        self.assertEqual((self.plan(), self.ran()), ({}, []))
        with h5py.File(self.folder / "w.h5") as file:
            self.assertEqual(file.attrs["state"], "complete")
            self.assertEqual(list(file["science/task/attempts"]), [0] * 4)

    @farm.first
    def test_a_task_waits_for_its_own_files_alone(self):
        """Science frames of R run while the flat of G is still being made: it waits for one of them."""
        self.make_frames()
        waits = "test {filter} = R || until test -e out/science_2; do sleep 0.01; done; cat {inputs} >{outputs}"
        self.write("w.json", pipeline(flat={"run": {"command": waits}, "timeout": "60s"}))
        for ranks in RANKS:
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            self.taskfarm("w.json", "--fresh", "--slots", "2", ranks=ranks)

    def test_outputs_of_some_tasks(self):
        """Those of which an expression of their parameters is true: alone, and with a match."""
        frame = {
            "name": "frame",
            "over": {"n": {"range": [6]}, "filter": ["R", "G"]},
            "outputs": "f{n}{filter}",
            "run": {"command": "echo {n}{filter} >{outputs:raw}"},
        }

        def reader(name, where, **more):
            chosen = {"outputs_of": "frame", "where": where, **more}
            run = {"command": "cat {inputs} >{outputs}"}
            return {"name": name, "inputs": {"chosen": chosen}, "outputs": name + "{filter}", "over": {"filter": ["R", "G"]}, "run": run}

        def write(least):
            where = f"n >= {least} && n != best"
            stages = [frame, reader("all", where + " && filter == 'R'"), reader("own", where, match=["filter"])]
            self.write("w.json", {"variables": {"best": 4}, "stages": stages})

        write(2)
        self.taskfarm("w.json", ranks=3)
        read = {name: (self.folder / name).read_text().split() for name in ("allR", "allG", "ownR", "ownG")}
        chosen = {band: [f"{n}{band}" for n in (2, 3, 5)] for band in "RG"}
        self.assertEqual(read, {"allR": chosen["R"], "allG": chosen["R"], "ownR": chosen["R"], "ownG": chosen["G"]})
        self.assertIn("nothing is to be run", self.taskfarm("plan", "w.json").stdout)
        write(3)
        self.assertIn("4 of 16 tasks", self.taskfarm("plan", "w.json").stdout)
        self.taskfarm("w.json")
        self.assertEqual((self.folder / "ownG").read_text().split(), ["3G", "5G"])
        write(9)
        done = self.taskfarm("w.json", status=2)
        self.assertIn("agrees with this task", done.stderr)

    def test_tasks_that_are_left_out_have_no_files(self):
        """Neither read nor made: what is missing for them is no mistake, and nobody gets what they would have made."""
        self.make_frames()
        (self.folder / "raw/science_2").unlink()
        (self.folder / "raw/flat_R_1").unlink()
        left_out = {"where": "filter == 'G'"}
        sums = {"name": "sum", "inputs": {"outputs_of": "science"}, "outputs": "out/sum"}
        manifest = pipeline(flat=left_out, science=left_out)
        manifest["stages"].append(sums)
        self.write("w.json", manifest)
        for ranks in RANKS:
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            self.taskfarm("w.json", "--fresh", ranks=ranks)
            made = sorted(p.name for p in (self.folder / "out").iterdir())
            self.assertEqual(made, ["bias", "flat_G", "science_1", "science_4", "sum"])
            science = [(self.folder / f"out/science_{n}").read_text() for n in (1, 4)]
            self.assertEqual((self.folder / "out/sum").read_text(), "".join(science))
            with self.open("w.h5") as file:
                self.assertEqual(file["science/task/status"][()].tolist(), [DONE, EXCLUDED, EXCLUDED, DONE])
        self.assertIn("nothing is to be run: 5 of 8 tasks are done, 3 are left out by where", self.taskfarm("plan", "w.json").stdout)
        self.touch("raw/flat_G_1")
        plan = self.taskfarm("plan", "w.json", "-v").stdout
        self.assertNotIn("filter=R", plan)
        self.assertIn("input raw/flat_G_1 is newer than output out/flat_G", plan)
        manifest["stages"][2].pop("where")
        self.write("w.json", manifest)
        done = self.taskfarm("w.json", status=2)
        self.assertIn("raw/science_2 is not there, and no task makes it", done.stderr)
        self.assertIn('no task of stage "flat" agrees with this task', done.stderr)

    def test_what_is_furthest_from_the_end_runs_first(self):
        command = 'echo {stage}{index} >>log; touch {outputs}'
        stages = [
            {"name": "last", "over": {"n": [0]}, "inputs": "b{n}", "outputs": "c{n}"},
            {"name": "alone", "over": {"n": [0, 1]}, "outputs": "d{n}"},
            {"name": "middle", "over": {"n": [0]}, "inputs": "a{n}", "outputs": "b{n}"},
            {"name": "first", "over": {"n": [0, 1]}, "outputs": "a{n}"},
        ]
        self.write("w.json", {"defaults": {"run": {"command": command}}, "stages": stages})
        self.taskfarm("w.json", "--slots", "1")
        order = (self.folder / "log").read_text().split()
        self.assertEqual(order[:2], ["first0", "middle0"])
        self.assertEqual(sorted(order[2:]), ["alone0", "alone1", "first1", "last0"])

    @farm.first
    def test_a_failure_skips_what_depends_on_it_alone(self):
        self.make_frames()
        self.write("w.json", pipeline())
        for ranks in RANKS:
            with self.subTest(ranks=ranks):
                shutil.rmtree(self.folder / "out", ignore_errors=True)
                self.write("fail-flat-1", "")
                done = self.taskfarm("w.json", "--fresh", ranks=ranks, status=1)
                self.assertEqual(self.ran(), ["bias0", "flat0", "flat1", "science0", "science3"])
                self.assertIn("4 done, 1 failed, 2 skipped in ", done.stderr)
                with h5py.File(self.folder / "w.h5") as file:
                    self.assertEqual(list(file["flat/task/status"]), [DONE, FAILED])
                    self.assertEqual(list(file["science/task/status"]), [DONE, SKIPPED, SKIPPED, DONE])
                    self.assertEqual(self.heap(file["science"], "message")[1], b"flat[filter=R] has failed")
                    self.assertEqual(file["science/params/frame"][2], 3)
                    self.assertEqual(file.attrs["state"], "failed")
                self.assertFalse((self.folder / "out/flat_R").exists())
                self.assertEqual(self.plan()["flat[filter=R]"], "failed")
                (self.folder / "fail-flat-1").unlink()
                self.taskfarm("w.json", ranks=ranks)
                self.assertEqual(self.ran(), ["flat1", "science1", "science2"])

    @farm.first
    def test_outputs_are_whole_or_not_there(self):
        task = {
            "over": {"how": ["fail", "hang", "die", "forget", "folder", "good"]},
            "outputs": {"a": "deep/{how}/a", "b": "deep/{how}/b"},
            "log": "logs/{how}.log",
            "timeout": "0.5s",
            "run": {"command": "echo old{outputs.a:raw}; echo half >{outputs.a}; case {how} in fail) exit 1;; hang) sleep 60;;"
                    " die) kill -9 $$;; forget) exit 0;; folder) mkdir {outputs.b}; exit 0;; esac; echo >{outputs.b}"},
        }
        self.write("w.json", task)
        self.taskfarm("w.json", status=1)
        file = self.open("w.h5")
        self.assertEqual(list(file["w/task/status"]), [2, 3, 2, 2, 2, 1])
        messages = self.heap(file["w"], "message")
        self.assertEqual(messages[3:5], [b"output deep/forget/b was not made", b"output deep/folder/b is a folder, and must be a file; the name of a folder ends in /"])
        made = sorted(str(p.relative_to(self.folder)) for p in self.folder.glob("deep/*/*") if p.is_file())
        self.assertEqual(made, ["deep/good/a", "deep/good/b"])
        self.assertEqual((self.folder / "logs/hang.log").read_text(), "olddeep/hang/a\n")
        file.close()
        (self.folder / "deep/folder/b").rmdir()
        self.taskfarm("w.json", "--keep-incomplete", "--latency-wait", "0.1", status=1)
        self.assertEqual((self.folder / "deep/fail/a.incomplete").read_text(), "half\n")
        self.assertEqual(self.heap(self.open("w.h5")["w"], "message")[3], b"output deep/forget/b was not made (waited for 0.1s)")

    def test_an_attempt_finds_nothing_of_the_one_before(self):
        command = "test ! -e {outputs} && touch {outputs}; test $TASKFARM_ATTEMPT -eq 3"
        self.write("w.json", {"outputs": "x", "retries": 2, "run": {"command": command}})
        self.write("x", "of old")
        self.taskfarm("w.json")
        self.assertEqual((self.folder / "x").read_text(), "")

    def test_functions_have_files_too(self):
        self.write("in-1", "one\n")
        self.write("in-2", "two\n")
        stage = {"over": {"n": [0]}, "inputs": ["in-1", "in-2"], "outputs": {"all": "out/{n}"}}
        self.write("w.json", dict(stage, run={"function": f"{farm.BUILD}/tests/libtest_plugin.so:join"}))
        for ranks in RANKS[-1:]:
            self.write("in-2", "crash\n")
            self.taskfarm("w.json", ranks=ranks, status=1)
            self.assertFalse((self.folder / "out/0").exists())
            self.write("in-2", "two\n")
            self.taskfarm("w.json", ranks=ranks)
            self.assertEqual((self.folder / "out/0").read_text(), "one\ntwo\n")

    def test_temporary_outputs_go_with_their_last_reader(self):
        stages = [
            {"name": "raw", "over": {"n": [0, 1]}, "outputs": {"t": {"path": "t{n}", "temp": True}, "keep": "k{n}"}},
            {"name": "half", "over": {"n": [0, 1]}, "inputs": "t{n}", "outputs": "h{n}"},
            {"name": "sum", "inputs": {"outputs_of": "raw.t"}, "outputs": "s"},
        ]
        command = "echo {stage}{index} >>log; for f in {outputs}; do echo >$f; done; test ! -e fail-{stage}-{index}"
        self.write("w.json", {"defaults": {"run": {"command": command}}, "stages": stages})
        for ranks in RANKS:
            self.write("fail-half-1", "")
            self.taskfarm("w.json", "--fresh", ranks=ranks, status=1)
            there = {n for n in ("t0", "t1", "k0", "k1", "h0", "h1", "s") if (self.folder / n).exists()}
            self.assertEqual(there, {"t1", "k0", "k1", "h0", "s"})
            (self.folder / "fail-half-1").unlink()
            self.ran()
            self.assertEqual(self.plan(), {"half[n=1]": "failed"})
            self.taskfarm("w.json", ranks=ranks)
            self.assertEqual((self.ran(), self.plan()), (["half1"], {}))
            self.wait_for(lambda: not (self.folder / "t1").exists(), "t1 goes")
            (self.folder / "h0").unlink()
            again = {"raw[n=0]": "needed", "half[n=0]": "missing", "sum": "remade", "raw[n=1]": "needed"}
            self.assertEqual(self.plan(), dict(again, **{"half[n=1]": "remade"}))
            self.run_and_compare(ranks=ranks)
            self.assertFalse((self.folder / "t0").exists())
            for name in ("h0", "h1", "s", "k0", "k1"):
                (self.folder / name).unlink()

    def test_protected_outputs_become_read_only(self):
        self.write("w.json", {"outputs": {"path": "p", "protected": True}, "run": {"command": "echo >{outputs}"}})
        self.taskfarm("w.json")
        self.assertEqual(stat.S_IMODE((self.folder / "p").stat().st_mode) & 0o222, 0)
        before = self.files()
        done = self.taskfarm("w.json", "--fresh", status=2)
        self.assertIn("its output p is protected, and would be made again: has not", done.stderr)
        self.assertEqual(self.files(), before)
        done = self.taskfarm("w.json", "--force", "w", status=2)
        self.assertEqual(done.stderr, "w.json: w: its output p is protected, and would be made again: forced; remove it, or say --touch\n")
        (self.folder / "p").unlink()
        self.taskfarm("w.json")

    def test_contents_where_times_tell_nothing(self):
        self.write("a", "1\n")
        self.write("b", "1\n")
        inputs = [{"path": "a", "check": "hash"}, "b"]
        self.write("w.json", {"inputs": inputs, "outputs": "c", "run": {"command": "echo {stage}{index} >>log; cat {inputs} >{outputs}"}})
        self.taskfarm("w.json")
        self.touch("a")
        self.assertEqual(self.plan(), {})
        self.write("a", "2\n")
        self.assertEqual(self.plan(), {"w": "contents"})
        self.ran()
        self.run_and_compare()
        self.touch("b")
        self.assertEqual(self.plan(), {"w": "newer"})

    def test_contents_of_what_is_gone_are_no_change(self):
        """A temporary output has no contents any more; nothing has changed it, and what is read beside it may have."""
        for made in ("t{n}", "t{n}.ms/"):
            with self.subTest(made=made):
                self.setUp()
                self.write("other", "1\n")
                self.write("raw", "1\n")
                fill = "mkdir -p {outputs} && cp raw {outputs}/x" if made.endswith("/") else "cp raw {outputs}"
                log = "echo {stage}{index} >>log; "
                read = [{"path": made.rstrip("/"), "check": "hash"}, {"path": "other", "check": "hash"}]
                stages = [
                    {"name": "a", "over": {"n": [0, 1]}, "inputs": {"path": "raw", "check": "hash"}, "outputs": {"path": made, "temp": True}, "run": {"command": log + fill}},
                    {"name": "b", "over": {"n": [0, 1]}, "inputs": read, "outputs": "b{n}", "run": {"command": log + "cat other >{outputs}"}},
                    {"name": "c", "inputs": {"outputs_of": "b"}, "outputs": "c", "run": {"command": log + "cat {inputs} >{outputs}"}},
                ]
                self.write("w.json", {"stages": stages})
                self.taskfarm("w.json", "--slots", 1)
                self.assertEqual(sorted(self.ran()), ["a0", "a1", "b0", "b1", "c0"])
                self.assertFalse((self.folder / made.format(n=0)).exists())
                self.assertEqual(self.plan(), {})
                self.assertIn("nothing was to be done", self.taskfarm("w.json").stderr)
                again = {"a[n=0]": "needed", "a[n=1]": "needed", "b[n=0]": "remade", "b[n=1]": "remade", "c": "remade"}
                self.write("other", "2\n")
                self.touch("other")
                self.assertEqual(self.plan(), again)
                self.run_and_compare()
                self.write("raw", "2\n")
                self.touch("raw")
                self.assertEqual({why for why in self.plan().values()}, {"contents", "remade"})
                self.run_and_compare()

    @farm.first
    def test_a_missing_input_is_told_once(self):
        stages = [
            {"name": "dark", "over": {"i": {"range": [3]}}, "where": "i > 0", "inputs": "raw/dark", "run": {"command": ["true"]}},
            {"name": "calib", "over": {"i": {"range": [400]}}, "inputs": ["raw/dark", "raw/{i}", "./raw/dark"], "run": {"command": ["true"]}},
            {"name": "one", "inputs": "raw/other", "run": {"command": ["true"]}},
        ]
        (self.folder / "raw").mkdir()
        for i in range(400):
            (self.folder / f"raw/{i}").touch()
        self.write("w.json", {"stages": stages})
        told = [
            "w.json: /stages/0/inputs: raw/dark is not there, and no task makes it; 402 tasks need it, first: dark[i=1]",
            "w.json: /stages/2/inputs: one: raw/other is not there, and no task makes it",
        ]
        self.assertEqual(self.taskfarm("check", "w.json", status=2).stderr.splitlines(), told)

    def test_lists_of_paths_in_a_table(self):
        """As in sample sheets, and in what makefiles become: tasks of one stage wait for each other."""
        rows = [
            {"ins": "b c", "outs": "d e"},
            {"ins": "", "outs": "a"},
            {"ins": "a", "outs": "b"},
            {"ins": " a  b", "outs": "c"},
            {"ins": "d", "outs": "f"},
        ]
        stage = {"over": [{"rows": rows}], "inputs": {"split": "{ins}"}, "outputs": {"split": "{outs}"}}
        argv = ["sh", "-c", 'echo w{index} >>log; shift; touch "$@"', "sh", "{index}", "{outputs}"]
        self.write("w.json", dict(stage, run={"command": argv}))
        for ranks in RANKS:
            self.taskfarm("w.json", "--fresh", ranks=ranks)
            order = (self.folder / "log").read_text().split()
            self.ran()
            self.assertEqual(order, ["w1", "w2", "w3", "w0", "w4"])
            for name in "abcdef":
                (self.folder / name).unlink()

    def test_an_iteration_is_a_stage_that_reads_itself(self):
        rows = [{"n": n, "before": n - 1} for n in range(30, 0, -1)]
        stage = {"over": [{"rows": rows}], "inputs": "x{before}", "outputs": "x{n}"}
        self.write("x0", "0\n")
        self.write("w.json", dict(stage, run={"command": "echo $(( $(cat {inputs}) + 1 )) >{outputs}"}))
        for ranks in RANKS:
            self.taskfarm("w.json", "--fresh", ranks=ranks)
            self.assertEqual((self.folder / "x30").read_text(), "30\n")
        (self.folder / "x10").unlink()
        self.assertEqual(len(self.plan()), 21)

    def test_files_and_after(self):
        stages = [
            {"name": "list", "over": {"n": [0, 1]}, "run": {"command": "echo {stage}{index} >>log"}},
            {"name": "make", "after": ["list"], "over": {"n": [0, 1]}, "outputs": "x{n}", "run": {"command": "echo {stage}{index} >>log; touch {outputs}"}},
            {"name": "end", "after": ["make"], "run": {"command": "echo {stage}{index} >>log"}},
        ]
        self.write("w.json", {"stages": stages})
        for ranks in RANKS:
            self.taskfarm("w.json", "--fresh", ranks=ranks)
            order = (self.folder / "log").read_text().split()
            self.assertEqual((sorted(order[:2]), sorted(order[2:4]), order[4]), (["list0", "list1"], ["make0", "make1"], "end0"))
            self.ran()
        done = self.taskfarm("w.json", "--fresh", "make")
        self.assertIn("4 done, 0 failed, 1 not selected", done.stderr)

    def test_paths_are_absolute_where_a_command_runs_elsewhere(self):
        self.write("a", "text\n")
        run = {"command": ["sh", "-c", 'cat "$1" >"$2"', "sh", "{inputs}", "{outputs}"], "cwd": "/"}
        self.write("w.json", {"inputs": "./a", "outputs": "sub/../out/b", "run": run})
        self.taskfarm("w.json")
        self.assertEqual((self.folder / "out/b").read_text(), "text\n")

    @farm.first
    def test_the_graph(self):
        self.make_frames()
        self.write("w.json", pipeline(science={"after": ["bias"]}))
        text = self.taskfarm("graph", "w.json").stdout
        self.assertIn('"bias" -> "flat";', text)
        self.assertIn('"flat" -> "science";', text)
        self.assertIn('"bias" -> "science" [style=dashed];', text)
        checked = self.taskfarm("check", "w.json").stdout
        for line in ("  input bias: outputs of bias\n", "  input raw: raw/flat_{filter}_* (glob)\n", "  output: out/bias\n"):
            self.assertIn(line, checked)
        tasks = self.taskfarm("graph", "w.json", "--tasks").stdout
        for drawn in (text, tasks):
            done = subprocess.run(["dot", "-Tplain"], input=drawn, capture_output=True, text=True, check=True)
            self.assertGreater(done.stdout.count("node "), 2)
        self.assertIn("science[frame=3, filter=R, exposure=20]", tasks)

    def test_a_second_signal_leaves_no_half_outputs(self):
        self.write("w.json", {"over": {"n": [0, 1]}, "outputs": "o{n}", "run": {"command": "echo half >{outputs}; sleep 1000"}})
        for ranks in RANKS:
            run = self.start("w.json", "--slots", "1", ranks=ranks)
            self.wait_for((self.folder / "o0").exists, "the first task begins")
            farm.ask_to_stop(run)
            self.wait_for(lambda: "stopping" in (self.folder / "stderr").read_text(), "it does not stop")
            farm.ask_to_stop(run)
            self.assertEqual(run.wait(60), 75, (self.folder / "stderr").read_text())
            self.assertEqual([n for n in (0, 1) if (self.folder / f"o{n}").exists()], [])

    def test_killed_in_the_middle(self):
        self.make_frames()
        self.write("w.json", pipeline(flat={"run": {"command": RUN + "; test {filter} = G || test -e go || sleep 60"}}))
        for ranks in RANKS:
            shutil.rmtree(self.folder / "out", ignore_errors=True)
            (self.folder / "go").unlink(missing_ok=True)
            run = self.start("w.json", "--fresh", "--slots", "2", ranks=ranks)
            for made in ("science_1", "science_4", "flat_R"):  # the frames of G, and half of the flat of R
                self.wait_for((self.folder / "out" / made).exists, made)
            files = self.files()
            self.assertIn("flat[filter=R]", self.plan())
            self.assertEqual(set(self.files()), set(files))
            farm.kill_all(run)
            self.ran()
            (self.folder / "go").touch()
            self.assertEqual(self.plan()["flat[filter=R]"], "unfinished")
            self.taskfarm("w.json", ranks=ranks)
            self.assertEqual([r for r in self.ran() if r in ("bias0", "flat0", "flat1")], ["flat1"])
            self.assertEqual(self.plan(), {})


farm.main()
