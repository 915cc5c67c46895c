"""taskfarm report: the page in headless Chromium, its figures against status and the file; and the trace.

Screenshots, in both colour schemes, are left in the build folder's screenshots/."""

import base64
import json
import re
import warnings

import farm
import h5py
import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

STATUS = ["pending", "done", "failed", "timeout", "skipped", "excluded", "cancelled"]
MOST = 100_000 if farm.SANITIZED else 1_000_000


def number(text):
    return int(re.sub(r"\D", "", text))


def page_data(path):
    text = path.read_text()
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1))


def cells(text):
    return np.frombuffer(base64.b64decode(text), "u1")


class Report(farm.FarmTest):
    @classmethod
    def setUpClass(cls):
        warnings.simplefilter("ignore")  # Selenium's own
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        cls.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        cls.screenshots = farm.BUILD / "screenshots"
        cls.screenshots.mkdir(exist_ok=True)

    @classmethod
    def tearDownClass(cls):
        cls.browser.quit()

    # ---- The browser ----

    def resize(self, width, height):
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    def scheme(self, name):
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]})

    def visit(self, name, path):
        """Opens a page: nothing is wrong with it, it fits any window, and it is kept as a picture."""
        self.resize(1280, 800)
        self.scheme("light")
        self.browser.get(f"file://{path}")
        self.assertEqual(self.script("return document.body.dataset.ready"), "yes")
        self.assertEqual(self.browser.get_log("browser"), [])
        self.assertEqual(self.script("return performance.getEntriesByType('resource').length"), 0)
        for width in (360, 800, 1280):
            self.resize(width, 800)
            self.assertLessEqual(self.script("return document.documentElement.scrollWidth"), width)
        for scheme in ("light", "dark"):
            self.scheme(scheme)
            self.resize(1280, self.script("return document.documentElement.scrollHeight"))
            self.browser.save_screenshot(str(self.screenshots / f"report-{name}-{scheme}.png"))
            paper = self.script("return getComputedStyle(document.body).backgroundColor")
            self.assertEqual(sum(map(int, re.findall(r"\d+", paper))) > 3 * 128, scheme == "light")
        self.scheme("light")
        self.resize(1280, 800)
        self.assertTrue(base64.b64decode(self.browser.print_page()).startswith(b"%PDF"))

    def script(self, text, *arguments):
        return self.browser.execute_script(text, *arguments)

    def text(self, element):
        return self.script("return document.getElementById(arguments[0]).textContent", element)

    def rows(self, section):
        """A table's cells, by its titles."""
        found = self.script(
            "return [...document.querySelectorAll('#' + arguments[0] + ' tr')].map(r => [...r.children].map(c => c.textContent))",
            section,
        )
        return [dict(zip(found[0], row, strict=True)) for row in found[1:]]

    def lanes(self):
        return self.script("return document.getElementById('lanes').toDataURL()")

    def compare(self, path, told):
        """The page says what status says."""
        total = {name: sum(stage.get(name, 0) for stage in told["stages"]) for name in ["tasks", *STATUS]}
        self.assertEqual(number(self.text("n-tasks")), total["tasks"])
        self.assertEqual(number(self.text("n-done")), total["done"])
        self.assertEqual(number(self.text("n-failed")), total["failed"] + total["timeout"])
        self.assertEqual(self.text("n-percent"), f"{told['percent']}%")
        self.assertEqual(self.text("state"), told["state"])
        stages = self.rows("stages")
        self.assertEqual([s["stage"] for s in stages], [s["name"] for s in told["stages"]])
        for row, stage in zip(stages, told["stages"], strict=True):
            for name in ["tasks", *STATUS]:
                self.assertEqual(number(row.get(name, "0")), stage.get(name, 0), name)
        failures = self.rows("failures")
        self.assertEqual(
            [(number(f["tasks"]), f["stage"], f["message"]) for f in failures],
            [(f["count"], f["stage"], f["message"]) for f in told["failures"]],
        )
        for row, failure in zip(failures, told["failures"], strict=True):
            self.assertEqual([int(n) for n in re.findall(r"\d+", row["first"])], failure["tasks"])
        data = page_data(path)
        self.assertEqual(data["status"]["elapsed"], told["elapsed"])
        self.assertEqual(len(self.rows("runs")), len(told["runs"]))
        return data

    def report(self, name, status=0, ranks=None):
        """Runs a campaign and opens its report. Returns the page's data."""
        self.taskfarm(f"{name}.json", status=status, ranks=ranks)
        self.assertEqual(self.taskfarm("report", f"{name}.h5").stdout, f"{name}.html\n")
        path = self.folder / f"{name}.html"
        told = json.loads(self.taskfarm("status", f"{name}.h5", "--json").stdout)
        self.visit(name, path)
        return self.compare(path, told)

    # ---- What the figures are ----

    def check_histograms(self, name, data):
        file = self.open(f"{name}.h5")
        self.assertGreater(len(data["spent"] + data["values"]), 0)
        for h in data["spent"] + data["values"]:
            status = file[f"{h['title']}/task/status"][()]
            where = "task" if h["unit"] else "results"
            x = file[f"{h['title']}/{where}/{h['name']}"][()]
            x = x[np.isin(status, [1, 2, 3]) if h["unit"] else status == 1].ravel().astype(float)
            good = x[np.isfinite(x)]
            self.assertEqual((h["count"], h["missing"]), (len(good), len(x) - len(good)), h["name"])
            self.assertEqual((h["low"], h["high"]), (good.min(), good.max()))
            self.assertAlmostEqual(h["mean"], good.mean(), delta=1e-9 * max(1, abs(good).max()))
            y, low, high = (np.log(v) if h["log"] else v for v in (good, h["low"], h["high"]))
            bins = len(h["bins"])
            which = np.minimum(((y - low) * (bins / (high - low) if high > low else 0)).astype(int), bins - 1)
            wrong = np.abs(np.bincount(which, minlength=bins) - h["bins"]).sum()
            self.assertLessEqual(wrong, 2e-5 * len(good) if h["log"] else 0, h["name"])

    def records(self, name):
        """Per stage what was run: worker, slot, start and duration."""
        with h5py.File(self.folder / f"{name}.h5") as file:
            for stage in file:
                task = file[f"{stage}/task"]
                if "start" not in task:
                    continue
                ran = np.isin(task["status"][()], [1, 2, 3]) & (task["start"][()] > 0)
                yield stage, {key: task[key][()][ran] for key in ("worker", "slot", "start", "duration", "status")} | {"index": np.nonzero(ran)[0]}

    def check_time(self, name, data, **slots):
        """Tasks of stages in `slots` take so many."""
        time = data["time"]
        spent = {stage: r["duration"].sum() for stage, r in self.records(name)}
        self.assertEqual(time["tasks"], sum(len(r["index"]) for _, r in self.records(name)))
        for stage, seconds in spent.items():
            self.assertAlmostEqual(data["stages"][stage]["seconds"], seconds, delta=1e-3 + 1e-6 * seconds)
        width = time["seconds"] / time["bins"]
        used = sum(cells(u).astype(float).sum() for u in time["use"]) / 255 * time["slots"] * width
        taken = sum(slots.get(stage, 1) * seconds for stage, seconds in spent.items())
        self.assertAlmostEqual(used, taken, delta=0.03 * taken + time["slots"] * width)
        slowest = sorted((d for _, r in self.records(name) for d in r["duration"]), reverse=True)
        self.assertTrue(np.allclose([t["duration"] for t in data["slowest"]], slowest[: len(data["slowest"])], atol=1e-5))

    def check_trace(self, name):
        self.assertEqual(self.taskfarm("report", f"{name}.h5", "--format", "trace").stdout, f"{name}.trace.json\n")
        events = json.loads((self.folder / f"{name}.trace.json").read_text())["traceEvents"]
        workers = {e["pid"] for e in events if e["ph"] == "M" and e["name"] == "process_name"}
        tasks = {(e["name"], e["args"]["index"]): e for e in events if e["ph"] == "X"}
        count = 0
        for stage, r in self.records(name):
            for i in range(len(r["index"])):
                event = tasks[stage, r["index"][i]]
                self.assertEqual((event["pid"], event["tid"]), (r["worker"][i], r["slot"][i]))
                self.assertAlmostEqual(event["dur"] / 1e6, r["duration"][i], delta=1e-5)
                self.assertEqual(event["cat"], STATUS[r["status"][i]])
                self.assertIn(event["pid"], workers)
                count += 1
        self.assertEqual(count, len(tasks))
        for stage, r in self.records(name):  # in one run times differ from the file's by a constant
            at = np.array([tasks[stage, i]["ts"] / 1e6 for i in r["index"]])
            self.assertLess(np.ptp(r["start"] - at), 1e-4)

    # ---- Campaigns ----

    @farm.first
    def test_an_empty_one(self):
        self.write("empty.json", {"over": {"f": {"glob": "none/*", "allow_empty": True}}, "run": {"command": ["ls", "{f}"]}})
        self.report("empty")
        self.assertIn("No task has been run", self.text("timenote"))
        self.assertFalse(self.browser.find_element(By.ID, "lanes").is_displayed())

    def test_a_small_one(self):
        write = "echo '{{\"snr\": '$(( {n} * 7 % 11 ))'.5, \"counts\": [1, 2, '{n}']}}'; : >{outputs}"
        stages = [
            {
                "name": "measure",
                "over": {"n": {"range": [24]}, "filter": ["R", "G"]},
                "outputs": "out/{filter}_{n}",
                "run": {"command": "sleep 0.0$(( {n} % 7 )); " + write},
                "results": {"snr": "float64", "counts": {"type": "int32", "shape": [3]}},
            },
            {
                "name": "collect",
                "over": {"filter": ["R", "G"]},
                "inputs": {"outputs_of": "measure", "match": ["filter"]},
                "run": {"command": "ls {inputs} | wc -l"},
                "results": {"files": {"type": "int64", "from": "field:1"}},
            },
            {"name": "good", "over": {"m": {"from": "measure"}}, "where": "snr > 5", "run": {"expr": {"root": "sqrt(snr)"}}},
            {"name": "afterwards", "after": ["good"], "run": {"command": "true"}, "record": "status"},
        ]
        self.write("small.json", {"stages": stages, "seed": 20261124, "record_env": ["LC_ALL"]})
        data = self.report("small", ranks=3)
        self.check_histograms("small", data)
        self.check_time("small", data)
        self.check_trace("small")
        self.assertEqual(sorted(map(tuple, data["edges"])), [("good", "afterwards", True), ("measure", "collect", False), ("measure", "good", False)])
        self.assertEqual(data["seed"], "20261124")
        self.assertEqual(self.text("manifest"), (self.folder / "small.json").read_text())
        self.assertIn("LC_ALL=C", self.rows("runs")[0]["environment"])
        self.zoom()
        self.sort()

    def zoom(self):
        all_of_it = self.lanes()
        self.browser.find_element(By.ID, "in").click()
        self.assertNotEqual(self.lanes(), all_of_it)
        first = self.text("shown")
        self.assertRegex(first, r"^[\d.]+ [mµ]?s to [\d.]+ m?s$")
        lanes = self.browser.find_element(By.ID, "lanes")
        lanes.send_keys("+")
        self.assertNotEqual(self.text("shown"), first)
        second = self.text("shown")
        lanes.send_keys(Keys.ARROW_RIGHT)
        self.assertNotEqual(self.text("shown"), second)
        lanes.send_keys("0")
        self.assertEqual((self.text("shown"), self.lanes()), ("", all_of_it))
        self.script(
            "document.getElementById('lanes').dispatchEvent(new WheelEvent('wheel', {deltaY: -100, clientX: 500, clientY: 100, cancelable: true}))"
        )
        self.assertNotEqual(self.lanes(), all_of_it)
        self.browser.find_element(By.ID, "out").click()
        self.browser.find_element(By.ID, "out").click()
        self.assertEqual(self.lanes(), all_of_it)
        # Everything that can be used can be reached by keys alone.
        reached = set()
        self.script("document.body.focus()")
        for _ in range(60):
            self.browser.switch_to.active_element.send_keys(Keys.TAB)
            reached.add(self.script("return document.activeElement.id || document.activeElement.tagName"))
        self.assertLessEqual({"in", "out", "all", "lanes", "SUMMARY", "BUTTON"}, reached)

    def sort(self):
        head = self.browser.find_element(By.XPATH, "//section[@id='slowest']//button[text()='took']")
        sorts = {}
        for _ in range(2):
            head.click()
            cell = self.script("return document.querySelector('#slowest th[aria-sort]').getAttribute('aria-sort')")
            sorts[cell] = [r["task"] for r in self.rows("slowest")]
        self.assertEqual(set(sorts), {"ascending", "descending"})
        durations = {str(t["index"]): t["duration"] for t in page_data(self.folder / "small.html")["slowest"]}
        if len(durations) == len(sorts["ascending"]):  # no index is there twice, of two stages
            for way, tasks in sorts.items():
                got = [durations[t] for t in tasks]
                self.assertEqual(got, sorted(got, reverse=way == "descending"))
        self.browser.find_element(By.XPATH, "//section[@id='stages']//button[text()='stage']").click()
        self.assertEqual([r["stage"] for r in self.rows("stages")], ["afterwards", "collect", "good", "measure"])

    def test_a_failed_one(self):
        hostile = "</script><script>throw 1</script><b>&amp; \"quoted\""
        fail = "test {n} -lt 15 || {{ printf %s '{text:raw}' >&2; exit 4; }}; test {n} -ne 3 || sleep 9; test {n} -ne 4 || kill -9 $$"
        stages = [
            {"name": "a", "over": {"n": {"range": [20]}}, "timeout": 0.5, "outputs": "a_{n}", "run": {"command": fail + "; : >a_{n}"}},
            {"name": "b", "over": {"n": {"range": [20]}}, "inputs": "a_{n}", "run": {"command": "sleep 0.01"}},
            {"name": "c", "over": {"m": {"from": "b"}}, "run": {"function": "builtin:fail", "args": {"every": 3}}},
        ]
        self.write("failed.json", {"stages": stages, "variables": {"text": hostile}})
        data = self.report("failed", status=1, ranks=2)
        self.check_time("failed", data)
        self.check_trace("failed")
        self.assertIn(f"exit status 4: {hostile}", [f["message"] for f in data["failures"]])
        self.assertTrue(all(f["command"] for f in data["failures"]))
        self.assertTrue(data["time"]["failed"])

    def test_one_of_many_tasks(self):
        stages = [
            {"name": "pi", "over": {"i": {"range": [MOST]}}, "record": "full", "run": {"function": "builtin:pi", "args": {"samples": 20}}, "results": {"pi": "float64"}},
            {"name": "square", "over": {"m": {"from": "pi"}}, "record": "full", "run": {"expr": {"y": "pi * pi", "large": "exp(9 * pi)"}}},
        ]
        self.write("many.json", {"stages": stages})
        data = self.report("many", ranks=3)
        self.check_histograms("many", data)
        self.check_time("many", data)
        self.assertIsNone(data["time"]["bars"])
        self.assertLess((self.folder / "many.html").stat().st_size, 2_000_000)
        before = self.lanes()
        self.browser.find_element(By.ID, "in").click()
        self.assertNotEqual(self.lanes(), before)

    # ---- Reductions, and the workflow ----

    def tables(self, section):
        """Each table's heading and its cells."""
        return self.script(
            "return [...document.querySelectorAll('#' + arguments[0] + ' h3')].map(h => [h.textContent, h.nextElementSibling.textContent, "
            "[...h.nextElementSibling.querySelectorAll('tr')].map(r => [...r.children].map(c => c.textContent))])",
            section,
        )

    @farm.first
    def test_what_befell_workers_and_what_was_noticed(self):
        """Of all runs; moments stand in one line."""
        self.write("trouble.json", {"over": {"i": {"range": [3]}}, "run": {"expr": {"y": "i"}}})
        self.taskfarm("trouble.json")
        text = 'rank 2 on node2 is slow: tasks of stage "s" take 15 times as long there as elsewhere ' * 3
        slow = {"kind": "slow", "rank": 2, "host": "node2", "since": "2026-11-30T14:10:57Z", "text": text}
        full = {"kind": "storage", "rank": 1, "host": "node<1>", "since": "2026-11-30T14:10:58Z", "end": "2026-11-30T14:11:02Z", "text": "x.h5: No space"}
        notice = {"stage": "s", "id": "cold", "text": "each slot imports <by> itself"}
        with h5py.File(self.folder / "trouble.h5", "r+") as file:
            (first,) = json.loads(file.attrs["runs"])
            runs = [first | {"incidents": [slow, full]}, first | {"run": 2, "notices": [notice]}]
            file.attrs["runs"] = json.dumps(runs)
        self.report("trouble")
        rows = self.rows("incidents")
        self.assertEqual([title.split(" \u2195")[0] for title in rows[0]], ["run", "rank", "host", "since (UTC)", "until", "what", "says"])
        self.assertEqual(
            [list(row.values()) for row in rows],
            [
                ["1", "2", "node2", "2026-11-30 14:10:57", "", "slow", text],
                ["1", "1", "node<1>", "2026-11-30 14:10:58", "2026-11-30 14:11:02", "storage", "x.h5: No space"],
            ],
        )
        (noticed,) = self.rows("noticed")
        self.assertEqual(list(noticed.values()), ["2", "s", "cold", "each slot imports <by> itself"])
        heights = self.script("return [...document.querySelectorAll('td.moment')].map(c => { const r = document.createRange(); r.selectNodeContents(c); return r.getClientRects().length; })")
        self.assertEqual(set(heights) - {0}, {1})

    def test_reductions_come_first(self):
        stage = {
            "name": "sq",
            "over": {"n": {"range": [60]}, "band": ["R", "<G>", "α"]},
            "run": {"expr": {"y": "n < 5 ? nan : n * n"}},
            "reduce": {
                "total": {"columns": {"y": ["mean", "argmax"]}},
                "by band": {"by": "band", "where": "n > 9", "columns": {"y": ["sum", "histogram:4", "topk:2"]}},
                "few": {"by": "n", "where": "n < 6", "columns": {"y": "mean"}},
                "none": {"by": "n", "where": "n < 0", "columns": {"y": "mean"}},
                "wide": {"columns": {"y": "histogram:90000"}},
            },
        }
        self.write("sq.json", {"stages": [stage, {"name": "plain", "run": {"expr": {"z": "1"}}}]})
        self.report("sq")
        self.assertEqual(self.script("return document.querySelector('main > section:not([hidden])').id"), "reductions")
        total, by_band, few, none, wide = self.tables("reductions")
        plain = lambda cells: [[c.rstrip(" \u2195") for c in row] for row in cells]
        self.assertEqual((total[0], plain(total[2])), ("sq.total", [["rows", "y.mean", "y.argmax"], ["180", "1276", "177"]]))
        self.assertEqual(by_band[0], "sq.by band by band where n > 9")
        rows = plain(by_band[2])
        self.assertEqual(rows[0], ["band", "rows", "y.sum", "y.histogram:4", "y.topk:2"])
        self.assertEqual([row[:3] + row[4:] for row in rows[1:]], [[b, "50", "69925", f"3481 [{t}], 3364 [{t - 3}]"] for b, t in (("<G>", 178), ("R", 177), ("α", 179))])
        bars = self.script("return [...document.querySelectorAll('#reductions svg.bins')].map(s => [s.getAttribute('aria-label'), s.querySelectorAll('rect').length])")
        self.assertEqual(bars, [["50 numbers from 100 to 3481", 4]] * 3)
        self.assertEqual([row[2] for row in plain(few[2])[1:]], ["\u2013"] * 5 + ["25"])
        self.assertEqual((none[1], wide[1]), ("No rows.", "1 group, too much for a page: taskfarm show FILE sq.wide"))
        self.write("no.json", {"run": {"expr": {"y": "1"}}})
        self.report("no")
        self.assertFalse(self.browser.find_element(By.ID, "reductions").is_displayed())

    def cards(self):
        found = self.script("return [...document.querySelectorAll('.card')].map(c => [c.lastChild.textContent, c.firstChild.textContent])")
        return {what: number(value) for what, value in found if what != "elapsed"}

    def test_cards_leave_no_task_out(self):
        stages = [
            {"name": "a", "over": {"n": {"range": [60]}}, "where": "n % 10 > 2", "run": {"command": "test {n} -ne 7"}},
            {"name": "b", "over": {"r": {"from": "a"}}, "run": {"command": "true"}},
            {"name": "c", "over": {"n": {"range": [5000]}}, "run": {"expr": {"x": "normal()"}}, "until": "x.stderr < 0.5"},
        ]
        self.write("cards.json", {"stages": stages, "seed": 1})
        self.report("cards", status=1)
        cards = self.cards()
        self.assertEqual(
            cards, {"tasks": 5120, "done": 1082, "failed": 1, "skipped": 1, "excluded by where": 36, "not run: enough is known": 4000, "complete": 100}
        )
        self.assertEqual(sum(cards.values()) - cards["tasks"] - cards["complete"], cards["tasks"])
        self.assertIn("c: enough was known after 1\u202f000 rows: x.stderr < 0.5", self.text("stages"))

    def test_parameters_of_the_slowest_tasks(self):
        stage = {"name": "a", "over": {"n": {"range": [4]}, "word": ["x", "y" * 100]}, "run": {"command": "test {n} -ne 2 || sleep 0.3"}}
        self.write("slow.json", {"stages": [stage]})
        data = self.report("slow")
        self.assertEqual({task["index"]: task["parameters"] for task in data["slowest"]}, {i: {"n": i // 2, "word": ["x", "y" * 100][i % 2]} for i in range(8)})
        self.assertEqual({row["parameters"] for row in self.rows("slowest")[:2]}, {"n = 2, word = x", "n = 2, word = " + "y" * 79 + "\u2026"})

    def test_parameters_of_other_stages_rows(self):
        """Numbers and texts, which are worked out."""
        stages = [
            {"name": "a", "over": {"n": {"range": [3]}, "word": ["x", "yy"]}, "run": {"expr": {"y": "n / 2"}}},
            {"name": "b", "over": {"r": {"from": "a"}, "last": ["z"]}, "run": {"command": "true"}},
        ]
        self.write("rows.json", {"stages": stages})
        data = self.report("rows")
        expected = {i: {"n": i // 2, "word": ["x", "yy"][i % 2], "y": i // 2 / 2, "last": "z"} for i in range(6)}
        self.assertEqual({task["index"]: task["parameters"] for task in data["slowest"]}, expected)

    HITS = """
        const boxes = [...document.querySelectorAll('#graph rect')].map(r => r.getBBox()), hits = [], svg = document.querySelector('#graph svg').viewBox.baseVal;
        for (const path of document.querySelectorAll('#graph path[fill=none]')) {
          const length = path.getTotalLength();
          for (let at = 0; at <= length; at += 1) {
            const p = path.getPointAtLength(at);
            if (p.x < 0 || p.y < 0 || p.x > svg.width || p.y > svg.height) hits.push(['outside', p.x, p.y]);
            boxes.forEach((b, i) => { if (p.x > b.x + 0.5 && p.x < b.x + b.width - 0.5 && p.y > b.y && p.y < b.y + b.height) hits.push([i, p.x, p.y]); });
          }
        }
        const crossed = boxes.some((a, i) => boxes.some((b, k) => k > i && Math.abs(a.x - b.x) < a.width && Math.abs(a.y - b.y) < a.height));
        return [hits.slice(0, 3), crossed, boxes.length, document.querySelectorAll('#graph path[fill=none]').length];
    """

    @farm.first
    def test_no_edge_of_the_workflow_passes_behind_a_box(self):
        chain = {"b": "a", "c": "ab", "d": "ac", "e": "ad"}
        random = np.random.default_rng(3)
        names = [f"s{n}" for n in range(14)]
        many = {name: [names[k] for k in np.nonzero(random.random(n) < 0.35)[0]] for n, name in enumerate(names)}
        for name, after in (("chain", {"a": "", **chain}), ("many", many)):
            stages = [{"name": n, "after": list(before), "run": {"expr": {"y": "1"}}} for n, before in after.items()]
            self.write(f"{name}.json", {"stages": stages})
            self.report(name)
            edges = sum(map(len, after.values()))
            self.assertEqual(self.script(self.HITS), [[], False, len(stages), edges], name)

    def test_arrows_that_the_manifest_tells_without_its_lists(self):
        self.write("raw/0.dat", "0")
        over = {"file": {"glob": "raw/*.dat"}}
        stages = [
            {"name": "bias", "inputs": {"glob": "raw/*.dat"}, "outputs": "out/bias", "run": {"command": ": >{outputs}"}},
            {"name": "flat", "over": {"n": [1, 2]}, "inputs": "out/bias", "outputs": "out/flat_{n}", "run": {"command": ": >{outputs}"}},
            {"name": "light", "over": dict(over, k=[1]), "inputs": {"flat": "out/flat_{k}", "raw": "{file}"}, "run": {"command": "true"}},
            {"name": "all", "inputs": {"outputs_of": "flat"}, "run": {"command": "true"}},
            {"name": "last", "after": ["light"], "run": {"command": "true"}},
        ]
        self.write("told.json", {"stages": stages})
        edges = [["bias", "flat", False], ["flat", "light", False], ["flat", "all", False], ["light", "last", True]]
        data = self.report("told")
        self.assertEqual(data["edges"], edges)
        self.assertEqual(self.script(self.HITS), [[], False, 5, 4])
        self.assertIn("There may be more: raw/*.dat was not opened.", self.text("graph"))
        self.taskfarm("report", "--trust", "told.h5", "-o", "all.html")
        self.visit("told-all", self.folder / "all.html")
        self.assertNotIn("was not opened", self.text("graph"))
        self.assertEqual(self.script(self.HITS), [[], False, 5, 4])

    def test_of_more_stages_than_a_picture_holds(self):
        stages = [{"name": f"s{n}", "run": {"expr": {"y": "1"}}, **({"after": [f"s{n - 1}"]} if n else {})} for n in range(501)]
        self.write("long.json", {"stages": stages})
        self.taskfarm("long.json")
        self.taskfarm("report", "long.h5")
        self.browser.get(f"file://{self.folder}/long.html")
        self.assertEqual(self.script("return document.body.dataset.ready"), "yes")
        self.assertEqual(self.text("graph"), "501 stages: taskfarm graph MANIFEST draws them.")

    def test_of_more_slots_than_lines(self):
        """Each line is several slots then; and of a campaign that was killed and took two runs."""
        self.write("wide.json", {"over": {"i": {"range": [900]}}, "run": {"command": "test {i} -lt 600 || test -e go || sleep 60"}})
        run = self.start("wide.json", "--slots", 300)
        self.addCleanup(farm.kill_all, run)
        self.wait_for(lambda: (self.folder / "wide.h5.d/heartbeat").exists(), "nothing runs")
        done = lambda: json.loads(self.taskfarm("status", "wide.h5", "--json").stdout)["stages"][0].get("done", 0)
        self.wait_for(lambda: done() >= 600, "tasks do not end")
        self.taskfarm("report", "wide.h5", "-o", "live.html")
        live = page_data(self.folder / "live.html")
        self.assertEqual((live["status"]["state"], live["status"]["stages"][0]["done"]), ("running", 600))
        farm.kill_all(run)
        self.write("go", "")
        data = self.report("wide")
        self.assertEqual(len(data["runs"]), 2)
        self.assertEqual([r["state"] for r in self.rows("runs")], ["killed", "complete"])
        self.assertEqual(data["time"]["tasks"], 900)
        self.assertGreater(data["time"]["per_lane"], 1)
        self.assertLess(data["time"]["seconds"], 60)
        self.check_time("wide", data)

    def test_of_tasks_that_take_several_slots(self):
        stages = [
            {"name": "one", "over": {"i": {"range": [6]}}, "run": {"command": "sleep 0.2"}},
            {"name": "all", "over": {"i": {"range": [4]}}, "run": {"command": "sleep 0.3"}, "resources": {"slots": 3}},
        ]
        self.write("c.json", {"stages": stages})
        self.taskfarm("c.json", "--slots", 3)
        self.taskfarm("report", "c.h5")
        data = page_data(self.folder / "c.html")
        self.assertEqual(data["time"]["slots"], 3)
        self.check_time("c", data, all=3)

    @farm.first
    def test_wrong_use(self):
        self.write("c.json", {"run": {"command": ["true"]}})
        self.taskfarm("c.json")
        for arguments, status, diagnostic in (
            (["report", "c.h5", "--format", "pdf"], 2, "--format pdf: must be html or trace"),
            (["report", "c.h5", "-o", "none/c.html"], 3, f"{self.folder}/none/c.html: can't be made: the folder {self.folder}/none is not there"),
            (["report", "c.h5", "-o", "/dev/full"], 3, "/dev/full: can't be written: No space left on device"),
            (["report", "d.h5"], 2, "d.h5: there is no such output, or nothing in it"),
        ):
            done = self.taskfarm(*arguments, status=status)
            self.assertEqual((done.stdout, done.stderr), ("", f"taskfarm: {diagnostic}\n"))


if __name__ == "__main__":
    farm.main()
