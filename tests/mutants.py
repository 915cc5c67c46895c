#!/usr/bin/python3
"""mutants.py BUILD [WORD]: do the tests of the farm notice faults? Each small fault below (those whose name has WORD in it) is put
into a copy of its file, which is compiled and linked into the tests in place of the original; one of them must fail. The sources
and the build stay as they are. BUILD is configured, and its tests are built."""

import json
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
TESTS = ("sim_farm_campaigns", "unit_farm_master", "unit_farm_dependencies")

MASTER, PEERS, UNTIL = "src/farm/master.c", "src/farm/peers.c", "src/farm/until.c"
DEPENDENCIES, WORKER = "src/farm/dependencies.c", "src/farm/worker.c"
CONTACT, GATHERING, LEAVING = "src/farm/contact.c", "src/farm/gathering.c", "src/farm/leaving.c"
STAGES = "src/sched/stages.c"

# What is wrong, where, and how: the text of the source, which must be there once, and what stands in its place.
MUTANTS = [
    (
        "a late report counts",
        MASTER,
        "if (!tf_sched_report(m->sched, from, r->stage, r->first, r->count, r->failed, r->seconds))\n        return;",
        "tf_sched_report(m->sched, from, r->stage, r->first, r->count, r->failed, r->seconds);",
    ),
    ("a dead worker's tasks are not given back", MASTER, "    tf_sched_worker_down(m->sched, rank);\n", ""),
    ("rows that a dead worker has written are run again", MASTER, "    written_visit(m->output, m->campaign, m->sched, rank, end_written, m);\n", ""),
    ("an attempt is not counted", MASTER, "r->count, r->retry, r->seconds", "r->count, r->retry - 1, r->seconds"),
    ("\"until\" is looked at too early", UNTIL, "if (!l->is_due || !tf_sched_has_caught_up(u->sched, stage))", "if (!l->is_due)"),
    ("\"until\" lets all tasks go at once", UNTIL, "    make_ready(u, stage, 0, l->next);", "    make_ready(u, stage, 0, tf_stage_so_far(spec));"),
    ("tasks that a worker can't run are forgotten", WORKER, "        give_back(w, stage, p.attempt, p.tasks);", "        (void)p;"),
    ("a stage that nobody can run is not stopped", MASTER, "unables_stop(m->unables, &is_sick)", "false"),
    ("a drain is not passed on", MASTER, "    transport_send_all(m->transport, TAG_DRAIN,", "    (void)(TAG_DRAIN +"),
    ("a worker that has drained is waited for", MASTER, "    tf_sched_worker_down(m->sched, message->from);\n", ""),
    ("nobody looks for the dead before collective work", MASTER, "        return;\n    bury_lost(m, 0);\n    if (has_loss(m))\n        for", "        return;\n    if (has_loss(m))\n        for"),
    ("ranks are not told to part", LEAVING, "            transport_send(l->transport, rank, TAG_PART, NULL, 0);", "            continue;"),
    ("what is finished after a death is not counted", MASTER, "    else\n        m->finished++;\n", ""),
    ("a dead rank is asked for help", PEERS, "    if (!p->peer[rank].is_lost)\n        return rank;", "    if (rank >= 0)\n        return rank;"),
    ("a broken rank is not told of", MASTER, "case TAG_BROKEN: break_off(m, payload); break;", "case TAG_BROKEN: break;"),
    ("ranks that break wait for the dead", MASTER, "    message.apart = has_loss(m);\n", ""),
    ("a failed task lets those behind it go", DEPENDENCIES, "tf_graph_ended(d->graph, stage, first, count, done, &what);", "tf_graph_ended(d->graph, stage, first, count, true, &what);"),
    ("skipped tasks are not counted", DEPENDENCIES, "    tf_sched_skip(d->sched, s->stage, s->count);\n", ""),
    ("rows are written before their stage is laid out", DEPENDENCIES, "if (d->is_open[run.stage] && d->helper != NOBODY) {", "if (d->helper != NOBODY) {"),
    ("rows of a stage that is finished are written", DEPENDENCIES, "    d->is_open[stage] = false;", "    (void)d, (void)stage;"),
    ("rows that wait for their stage are forgotten", DEPENDENCIES, "        if (d->deferred[i].stage == stage)\n            settle_skipped(d, &d->deferred[i]);\n        else", "        if (d->deferred[i].stage != stage)"),
    ("a waiting worker is not woken", STAGES, "    ready_add(st, level, first, first + count);\n    worker_wake_class(s, st->class_id);", "    ready_add(st, level, first, first + count);"),
    ("tasks that a host has left are forgotten", WORKER, "    requeue(w, rows->stage, rows->attempt, left);\n", ""),
    ("a task that failed is not tried again", WORKER, "return rows->attempt > w->campaign->stage", "return rows->attempt >= w->campaign->stage"),
    ("a worker writes when the master does not count on it", CONTACT, "    return now < c->until;", "    return now < c->until || now > 0;"),
    ("a worker that is not heard works on", CONTACT, "    return c->unheard > ", "    return c->unheard > 1e9 + "),
    ("a silent worker is not given up", PEERS, "    if (silent > p->patience + MARGIN + who->allowed)", "    if (false)"),
    ("one that was given up is listened to", MASTER, "    if (m->peers.peer[from].is_lost) {", "    if (false) {"),
    ("all begin together though one does not answer", GATHERING, "    if (!g->is_open || !peers_are_here(g->peers))", "    if (!g->is_open)"),
    ("an end that the launcher makes is not forestalled", MASTER, "    if (is_silent && !m->terms.recovers)", "    if (false)"),
    ("what was queued is run though the worker drains", WORKER, "    task_queue_clear(&w->queue);\n", ""),
]


def mutate(path, old, new):
    text = (SOURCE / path).read_text()
    if text.count(old) != 1:
        sys.exit(f"{path}: this is there {text.count(old)} times, not once:\n{old}")
    return text.replace(old, new)


def compile_commands(build):
    """How each source is compiled, by its path."""
    entries = json.loads((build / "compile_commands.json").read_text())
    return {entry["file"]: shlex.split(entry["command"]) for entry in entries}


def link_command(build, test):
    ninja = subprocess.run(["ninja", "-C", build, "-t", "commands", test], capture_output=True, text=True, check=True)
    return shlex.split(ninja.stdout.splitlines()[-1].removeprefix(": && ").removesuffix(" && :"))


def compile_mutant(build, folder, command, text):
    source, object_ = folder / "mutant.c", folder / "mutant.o"
    source.write_text(text)
    command[command.index("-o") + 1] = str(object_)
    command[command.index("-c") + 1] = str(source)
    subprocess.run([*command, "-w"], cwd=build, check=True)
    return object_


def run_with(build, folder, test, *objects):
    """Runs the test with the objects before the library that has the originals. What it said, or None if all was well."""
    command = link_command(build, test)
    at = command.index("-o")
    command[at + 1] = str(folder / test)
    command[at:at] = map(str, objects)
    subprocess.run(command, cwd=build, check=True)
    done = subprocess.run([folder / test, "--short-filename"], capture_output=True, text=True, errors="replace")
    said = re.search(r"seed [1-9]\d*, .*?(?=; to repeat it)|runtime error.*|ERROR: .*|\[FAIL\] .*(?=:)", done.stderr)
    return None if done.returncode == 0 else said[0] if said else "ends in another way"


def main(build, word=""):
    build = pathlib.Path(build).resolve()
    compile_ = compile_commands(build)
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        for test in TESTS:
            said = run_with(build, pathlib.Path(folder), test)
            if said:
                sys.exit(f"{test} fails without a fault: {said}")
    for name, path, old, new in MUTANTS:
        if word not in name:
            continue
        text = mutate(path, old, new)
        with tempfile.TemporaryDirectory() as name_of_folder:
            folder = pathlib.Path(name_of_folder)
            object_ = compile_mutant(build, folder, list(compile_[str(SOURCE / path)]), text)
            said = next(filter(None, (run_with(build, folder, test, object_) for test in TESTS)), None)
        print(f"{path}: {name}: {said or 'MISSED'}", flush=True)
        missed += said is None
    return 1 if missed else 0


sys.exit(main(*sys.argv[1:]))
