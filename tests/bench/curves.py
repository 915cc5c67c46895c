"""How cost grows: with the number of tasks, measured; with the number of workers, simulated by scale.c with the cost of a
message as it was measured. Each curve is drawn as an SVG file."""

import subprocess
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update({"svg.hashsalt": "taskfarm", "svg.fonttype": "none", "font.size": 9, "axes.grid": True, "grid.alpha": 0.3})
from matplotlib import pyplot  # noqa: E402  # after the choice of what draws

SLOTS = 128
WORKERS = [10**n for n in range(1, 6)]
LENGTHS = [0.001, 0.01, 0.1, 1, 10, 100, 3600]
LONGEST_SIMULATION = 240  # s


def growth(observed):
    """A row for each number of tasks. `observed` runs so many and gives elapsed seconds and what rank 0 counts."""
    rows = []
    for power in range(3, 9):
        tasks = 10**power
        print(f"growth: 10^{power} tasks", file=sys.stderr, flush=True)
        elapsed, master = observed(tasks)
        rows.append(
            {
                "tasks": tasks,
                "tasks_per_second": tasks / elapsed,
                "master_cpu_ns_per_task": 1e3 * master["cpu_us"] / tasks,
                "messages_per_task": (master["sends"] + master["receives"]) / tasks,
                "bytes_per_task": (master["sent"] + master["received"]) / tasks,
            }
        )
    return rows


def reach(program, message_seconds):
    """A row for each number of workers and length of tasks; what would take too long to simulate is left out."""
    rows = []
    for workers in WORKERS:
        for length in LENGTHS:
            print(f"reach: {workers} workers, tasks of {length} s", file=sys.stderr, flush=True)
            command = [str(program), *map(str, [workers, SLOTS, length, message_seconds])]
            try:
                done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=LONGEST_SIMULATION)
            except subprocess.TimeoutExpired:
                continue
            efficiency, load, rate = map(float, done.stdout.split())
            rows.append(
                {
                    "workers": workers,
                    "slots": SLOTS,
                    "task_seconds": length,
                    "efficiency": efficiency,
                    "master_load": load,
                    "messages_per_second": rate,
                    "message_seconds": message_seconds,
                }
            )
    return rows


def grouped(number):
    return f"{number:,}".replace(",", " ")


def figure(title, x, y):
    drawing, axes = pyplot.subplots(figsize=(5, 3.2), layout="constrained")
    axes.set(title=title, xlabel=x, ylabel=y, xscale="log")
    return drawing, axes


def save(drawing, path):
    drawing.savefig(path, metadata={"Date": None})
    pyplot.close(drawing)


def draw_growth(rows, folder):
    columns = {
        "tasks_per_second": "tasks a second",
        "master_cpu_ns_per_task": "processor time of rank 0 per task (ns)",
        "bytes_per_task": "bytes of messages per task",
    }
    for name, label in columns.items():
        drawing, axes = figure("functions that do nothing, mpirun -n 3", "tasks", label)
        axes.plot([r["tasks"] for r in rows], [r[name] for r in rows], "o-")
        axes.set_yscale("log")
        save(drawing, folder / f"{name}.svg")
        yield f"{name}.svg", label


def draw_reach(rows, folder):
    columns = {"efficiency": "efficiency", "master_load": "load of rank 0"}
    for name, label in columns.items():
        drawing, axes = figure(f"simulated workers of {SLOTS} slots", "length of a task (s)", label)
        for workers in WORKERS:
            points = [(r["task_seconds"], r[name]) for r in rows if r["workers"] == workers]
            axes.plot(*zip(*points), "o-", label=f"{grouped(workers)} workers")
        axes.set_ylim(0, 1.05)
        axes.legend()
        save(drawing, folder / f"{name}.svg")
        yield f"{name}.svg", label


def table(rows, columns):
    """Markdown: columns as (key, heading, format)."""
    yield "| " + " | ".join(heading for _, heading, _ in columns) + " |"
    yield "| " + " | ".join("---" for _ in columns) + " |"
    for row in rows:
        yield "| " + " | ".join(shown(row[key]) for key, _, shown in columns) + " |"


def pictures(drawn):
    yield from (f"![{label}]({name})" for name, label in drawn)
