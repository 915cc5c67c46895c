/* What is to be run, and why. A task is stale for a reason of its own, or because what it reads will be made again:
 * reasons are found in the order of the graph. A temporary output that is missing is no reason, unless a task will read
 * it: that is found on the way back, and may make other tasks stale. Both ways are repeated until nothing changes. */
#include <stdlib.h>
#include <string.h>

#include "graph/nodes.h"

typedef struct planner {
    tf_graph *graph;
    const tf_wish *wish;
    tf_diags *diags;
    bool *forced;      /* per stage: --force names it */
    uint8_t *upstream; /* per node: something that it reads will be made again */
    bool *remade;      /* per stage: some of its rows that are done will be made again */
} planner;

/* ---- Targets ---- */

/* Selects what is wanted, and all that it needs. */
static void select_nodes(planner *p) {
    tf_graph *g = p->graph;
    for (node n = 0; n < g->nodes; n++)
        g->flags[n] = (uint16_t)(p->wish->targets ? g->flags[n] & ~SELECTED : g->flags[n] | SELECTED);
    for (int t = 0; t < p->wish->targets; t++)
        graph_select(g, p->wish->target[t], p->diags);
    for (node i = g->nodes; i-- > 0 && p->wish->targets;)
        for (uint32_t e = g->next.first[g->order[i]]; e < g->next.first[g->order[i] + 1]; e++)
            g->flags[g->order[i]] |= g->flags[g->next.to[e]] & SELECTED;
}

/* ---- Reasons ---- */

static bool contains(const tf_intervals *set, int64_t index) {
    return set && tf_intervals_contain(set, index, index + 1);
}

static bool inputs_changed(tf_graph *g, int stage, int64_t index, const tf_past *past) {
    return past->input_set && past->input_set[index] &&
           past->input_set[index] != tf_files_input_set(g->files, stage, index);
}

/* Has none of the inputs in g->paths whose contents count been removed as temporary? */
static bool has_all_contents(tf_graph *g) {
    bool has_all = true;
    for (size_t i = 0; i < g->paths.count; i++) {
        const char *path = tf_paths_text(&g->paths, i);
        const bool is_gone = graph_output_around(g, path) != TF_TABLE_NONE && graph_time_of(g, path) == TF_DISK_MISSING;
        has_all = has_all && !(g->paths.item[i].spec->by_hash && is_gone);
    }
    return has_all;
}

/* Is one of the inputs in g->paths whose contents count newer than what the task made? */
static bool contents_are_newer(tf_graph *g, node n, int64_t index, const tf_past *past) {
    const int64_t start = past->started ? graph_ns(past->started[index]) : INT64_MIN;
    const int64_t made = g->oldest[n] != INT64_MAX ? g->oldest[n] : start;
    bool are_newer = false;
    for (size_t i = 0; i < g->paths.count && made != INT64_MIN; i++) {
        const char *path = tf_paths_text(&g->paths, i);
        const bool is_outside = graph_output_around(g, path) == TF_TABLE_NONE;
        const int64_t limit = is_outside && start != INT64_MIN && start < made ? start : made;
        are_newer = are_newer || (g->paths.item[i].spec->by_hash && graph_time_with_inside(g, path) > limit);
    }
    return are_newer;
}

/* A temporary input that is gone has no contents to compare, and nothing has changed it: else its task would run again.
 * Since the hash is one of all inputs, the others are compared by their times then. */
static bool contents_changed(tf_graph *g, node n, int stage, int64_t index, const tf_past *past) {
    if (!past->input_hash || !past->input_hash[index])
        return false;
    uint64_t hash;
    int failure;
    tf_files_inputs(g->files, stage, index, &g->paths);
    if (g->flags[n] & READS_GONE && !has_all_contents(g))
        return contents_are_newer(g, n, index, past);
    return tf_files_hash(g->files, &g->paths, &hash, &failure) || past->input_hash[index] != hash;
}

/* Is an input newer than what was made of it? A task without outputs is compared by its start. A task with outputs is
 * compared by its start, too, as to inputs that no task makes: such a file may have changed after it was read and
 * before the output was written. Outputs that are later than the task's end have been declared good since, as by
 * --touch. In a folder that it reads a task may write what it likes: files in it are compared by the task's end. */
bool graph_input_is_newer(const tf_graph *g, node n, int64_t index, const tf_past *past) {
    const int64_t start = past->started ? graph_ns(past->started[index]) : INT64_MIN;
    const int64_t end = past->ended ? graph_ns(past->ended[index]) : INT64_MIN;
    const bool has_outputs = g->oldest[n] != INT64_MAX;
    const int64_t made = has_outputs ? g->oldest[n] : start;
    if (made != INT64_MIN && (g->newest[n] > made || (g->inside && g->inside[n] > made && g->inside[n] > end)))
        return true;
    return has_outputs && start != INT64_MIN && made <= end && g->outside[n] > start;
}

/* Will rows from which the stage takes points or arrays be made again? Then its own rows are outdated, whether or not
 * the stage is to be run. */
static bool takes_remade(const planner *p, int stage) {
    const tf_stage_spec *spec = &p->graph->campaign->stage[stage];
    for (int a = 0; a < spec->afters; a++) /* it comes after all that it takes from */
        if (p->remade[spec->after[a]] && tf_stage_takes_from(spec, spec->after[a]))
            return true;
    return false;
}

/* How many rows of other code are to be made again. They are kept unless the user says otherwise: they may have cost
 * weeks. */
static int64_t count_other_code(const planner *p, int stage) {
    const tf_intervals *rows = p->graph->past[stage].other_code;
    return rows && p->wish->remakes_code ? rows->total : 0;
}

/* Were the stage's rows made by something that it no longer runs? From this run on the output says what it runs now,
 * even if the stage is not run: so such rows can't stay in it, unless they are declared good. */
static bool is_outdated(const planner *p, int stage) {
    return p->graph->past[stage].changed && p->wish->by_code && !p->wish->touch;
}

/* Is a stage without files to be made again? It is made again as a whole. */
static bool is_stale(const planner *p, int stage) {
    return (p->graph->past[stage].changed && p->wish->by_code) || takes_remade(p, stage);
}

static tf_why task_reason(planner *p, node n, int stage, int64_t index) {
    tf_graph *g = p->graph;
    const tf_past *past = &g->past[stage];
    const tf_wish *w = p->wish;
    if (!contains(past->done, index)) {
        if (contains(past->failed, index))
            return TF_WHY_FAILED;
        if (past->changed && w->by_code)
            return TF_WHY_CODE;
        bool whole = (g->flags[n] & (HAS_OUTPUT | MISSES_OUTPUT)) == HAS_OUTPUT;
        return whole && past->other_points ? TF_WHY_PARAMS : g->flags[n] & HAS_OUTPUT ? TF_WHY_UNFINISHED : TF_WHY_NEW;
    }
    if (p->forced[stage])
        return TF_WHY_FORCED;
    if (w->by_code && (past->changed || contains(past->other_code, index)))
        return TF_WHY_CODE;
    if (g->flags[n] & MISSES_OUTPUT)
        return TF_WHY_MISSING;
    if (p->upstream[n] || takes_remade(p, stage))
        return TF_WHY_REMADE;
    if (w->by_time && graph_input_is_newer(g, n, index, past))
        return TF_WHY_NEWER;
    if (w->by_inputs && inputs_changed(g, stage, index, past))
        return TF_WHY_INPUTS;
    if (w->by_inputs && contents_changed(g, n, stage, index, past))
        return TF_WHY_CONTENTS;
    return TF_WHY_NOT;
}

/* May outputs be adopted of which no run has a record? Only if files are all that the task makes, and no run that was
 * killed can have left half of them. */
static bool may_adopt(const tf_graph *g, node n, int stage) {
    return !g->past[stage].interrupted && g->campaign->stage[stage].columns == 0 &&
           (g->flags[n] & (HAS_OUTPUT | MISSES_OUTPUT)) == HAS_OUTPUT;
}

/* Marks what reads the node, as something that it reads will be made again. */
static void mark_readers(planner *p, node n) {
    const tf_graph *g = p->graph;
    for (uint32_t e = g->next.first[n]; e < g->next.first[n + 1]; e++) {
        node to = g->next.to[e];
        bool order_only = to >= g->tasks && g->extra[to - g->tasks].kind != EXTRA_GROUP;
        p->upstream[to] |= !order_only;
    }
}

/* Goes forwards through the graph and finds each task's reason. */
static void find_reasons(planner *p) {
    tf_graph *g = p->graph;
    memset(p->upstream, 0, g->nodes);
    for (int s = 0; s < g->stages; s++)
        p->remade[s] = g->past[s].dropped;
    for (node i = 0; i < g->nodes; i++) {
        node n = g->order[i];
        int64_t index;
        if (n >= g->tasks) {
            if (p->upstream[n] && g->extra[n - g->tasks].kind == EXTRA_GROUP)
                mark_readers(p, n);
            continue;
        }
        int stage = graph_task(g, n, &index);
        const bool wanted = g->flags[n] & SELECTED && !p->wish->touch;
        if (!g->stage[stage].linked) {
            if (g->past[stage].done->total > 0 &&
                (takes_remade(p, stage) || is_outdated(p, stage) ||
                 (wanted && (p->forced[stage] || is_stale(p, stage) || count_other_code(p, stage) > 0))))
                p->remade[stage] = true;
            continue;
        }
        if (g->why[n] != TF_WHY_NEEDED) {
            tf_why why = task_reason(p, n, stage, index);
            bool adopted = why == TF_WHY_PARAMS && !p->wish->by_params && may_adopt(g, n, stage);
            g->why[n] = adopted ? TF_WHY_NOT : (uint8_t)why;
        }
        if (contains(g->past[stage].done, index) &&
            (takes_remade(p, stage) || is_outdated(p, stage) || (wanted && g->why[n])))
            p->remade[stage] = true;
        if (g->why[n])
            mark_readers(p, n);
    }
}

/* Marks as needed the tasks whose temporary outputs this one will read, and which are missing. true if one of them was
 * not to be run so far. */
static bool need_inputs(tf_graph *g, int stage, int64_t index) {
    bool any = false;
    tf_files_inputs(g->files, stage, index, &g->paths);
    for (size_t i = 0; i < g->paths.count; i++) {
        const char *path = tf_paths_text(&g->paths, i);
        uint32_t output = graph_output_around(g, path);
        if (output == TF_TABLE_NONE || graph_made(g, output, path) != TF_DISK_MISSING || g->why[g->maker[output]])
            continue;
        g->why[g->maker[output]] = TF_WHY_NEEDED;
        any = true;
    }
    return any;
}

/* Goes backwards through the graph and finds temporary outputs that will be read again. true if there is one more. */
static bool find_needed(planner *p) {
    tf_graph *g = p->graph;
    bool any = false;
    for (node i = g->nodes; i-- > 0;) {
        node n = g->order[i];
        int64_t index;
        if (n >= g->tasks || !g->why[n] || (g->flags[n] & (SELECTED | READS_GONE)) != (SELECTED | READS_GONE))
            continue;
        int stage = graph_task(g, n, &index);
        any = need_inputs(g, stage, index) || any;
    }
    return any;
}

/* ---- The outcome ---- */

/* With --touch: need the task not run, since what it would make exists? */
static bool is_good(const tf_graph *g, node n, int stage, int64_t index) {
    return !(g->flags[n] & MISSES_OUTPUT) && (contains(g->past[stage].done, index) || may_adopt(g, n, stage));
}

/* Takes back the reasons of tasks whose outputs --touch declares good. */
static void spare_good(tf_graph *g) {
    for (node n = 0; n < g->tasks; n++) {
        int64_t index;
        int stage = graph_task(g, n, &index);
        if (!g->stage[stage].linked || !(g->flags[n] & SELECTED) || !g->why[n] || !is_good(g, n, stage, index))
            continue;
        g->flags[n] |= TOUCHED;
        g->why[n] = TF_WHY_NOT;
    }
}

void tf_graph_touch(tf_graph *g) {
    for (node i = 0; i < g->nodes; i++) {
        node n = g->order[i];
        int64_t index;
        if (!(g->flags[n] & TOUCHED))
            continue;
        int stage = graph_task(g, n, &index);
        tf_files_outputs(g->files, stage, index, &g->paths);
        for (size_t p = 0; p < g->paths.count; p++)
            if (g->made[graph_output(g, tf_paths_text(&g->paths, p))] != TF_DISK_MISSING)
                g->disk->touch(g->disk, tf_paths_text(&g->paths, p));
    }
}

/* Reports a task that is to run again though an output of it is protected. */
static void diagnose_protected(planner *p, int stage, int64_t index) {
    tf_graph *g = p->graph;
    tf_buf text = {0};
    tf_task_name(g->campaign, stage, index, &text);
    tf_files_outputs(g->files, stage, index, &g->paths);
    size_t i = 0;
    while (!g->paths.item[i].spec->protect || g->made[graph_output(g, tf_paths_text(&g->paths, i))] == TF_DISK_MISSING)
        i++;
    tf_buf_addf(&text, ": its output %s is protected, and would be made again: ", tf_paths_text(&g->paths, i));
    tf_graph_explain(g, stage, index, &text);
    tf_diags_add(p->diags, "", TF_DIAG_PROTECTED_OUTPUT, "%s; remove it, or say --touch", tf_buf_text(&text));
    tf_buf_free(&text);
}

static void decide(planner *p, node n, int stage, int64_t index) {
    tf_graph *g = p->graph;
    tf_stage_plan *plan = &g->stage[stage].plan;
    bool done = contains(g->past[stage].done, index);
    if (g->why[n] && g->flags[n] & SELECTED && !p->wish->touch) {
        if (g->flags[n] & HAS_PROTECTED && p->diags->count < MOST_DIAGNOSTICS)
            diagnose_protected(p, stage, index);
        g->flags[n] |= RUNS;
        tf_intervals_add(&plan->run, index, index + 1);
        if (done)
            tf_intervals_add(&plan->redo, index, index + 1);
    } else if (!g->why[n] && !done) {
        tf_intervals_add(&plan->adopt, index, index + 1);
    } else {
        if (done && (takes_remade(p, stage) || is_outdated(p, stage)))
            tf_intervals_add(&plan->redo, index, index + 1);
        plan->withheld += !done || (g->why[n] && g->why[n] != TF_WHY_FORCED);
    }
}

/* Decides for a stage without files: tasks that are not done are run; all are if the stage has changed or is forced.
 * Rows of a stage that is not selected are dropped if what they were made of goes. */
static void decide_stage(planner *p, int stage) {
    tf_graph *g = p->graph;
    tf_stage_plan *plan = &g->stage[stage].plan;
    const tf_past *past = &g->past[stage];
    int64_t tasks = tf_stage_so_far(&g->campaign->stage[stage]);
    const bool stale = is_stale(p, stage), again = stale || p->forced[stage];
    if (!(g->flags[g->stage[stage].first] & SELECTED) || p->wish->touch) {
        plan->withheld = tasks - (stale ? 0 : past->done->total - count_other_code(p, stage));
        if (takes_remade(p, stage) || is_outdated(p, stage))
            tf_intervals_add_all(&plan->redo, past->done);
        return;
    }
    tf_intervals_add(&plan->run, 0, tasks);
    if (again)
        tf_intervals_add_all(&plan->redo, past->done);
    else
        tf_intervals_remove_all(&plan->run, past->done);
    if (!again && count_other_code(p, stage) > 0) {
        tf_intervals_add_all(&plan->run, past->other_code);
        tf_intervals_add_all(&plan->redo, past->other_code);
    }
    const bool is_other = plan->redo.total > 0 || (past->changed && p->wish->by_code);
    g->why[g->stage[stage].first] = p->forced[stage] ? TF_WHY_FORCED : is_other ? TF_WHY_CODE : TF_WHY_NEW;
}

/* Drops what was decided before. */
static void clear_plan(tf_graph *g) {
    for (int s = 0; s < g->stages; s++) {
        tf_intervals_free(&g->stage[s].plan.run);
        tf_intervals_free(&g->stage[s].plan.redo);
        tf_intervals_free(&g->stage[s].plan.adopt);
        g->stage[s].plan = (tf_stage_plan){0};
    }
    for (node n = 0; n < g->nodes; n++) {
        g->flags[n] &= (uint16_t) ~(SELECTED | RUNS | SKIPPED | TOUCHED);
        g->why[n] = TF_WHY_NOT;
    }
}

bool tf_graph_plan(tf_graph *g, const tf_past *past, const tf_wish *wish, tf_diags *diags) {
    int before = diags->count;
    planner p = {.graph = g, .wish = wish, .diags = diags};
    clear_plan(g);
    g->past = past;
    graph_correct_kept_times(g, past);
    p.forced = tf_alloc_array((size_t)g->stages, sizeof *p.forced);
    p.upstream = tf_alloc_array(g->nodes, sizeof *p.upstream);
    p.remade = tf_alloc_array((size_t)g->stages, sizeof *p.remade);
    for (int f = 0; f < wish->forces; f++) {
        int stage = tf_campaign_stage(g->campaign, wish->force[f], strlen(wish->force[f]));
        if (stage < 0)
            tf_diags_add(diags, "", TF_DIAG_UNKNOWN_NAME, "--force %s: there is no such stage", wish->force[f]);
        else
            p.forced[stage] = true;
    }
    select_nodes(&p);
    if (diags->count == before) {
        do
            find_reasons(&p);
        while (find_needed(&p));
        if (wish->touch)
            spare_good(g);
        int *order = tf_alloc_array((size_t)g->stages, sizeof *order);
        tf_graph_order(g->campaign, order);
        for (int o = 0; o < g->stages; o++) {
            int s = order[o];
            int64_t tasks = g->stage[s].linked ? tf_stage_so_far(&g->campaign->stage[s]) : 0;
            if (!g->stage[s].linked)
                decide_stage(&p, s);
            for (int64_t i = 0; i < tasks; i++)
                decide(&p, graph_node(g, s, i), s, i);
        }
        free(order);
        foreign_check(g, p.forced, diags);
    }
    free(p.forced);
    free(p.upstream);
    free(p.remade);
    return diags->count == before;
}

const tf_stage_plan *tf_graph_stage(const tf_graph *g, int stage) {
    return &g->stage[stage].plan;
}

/* Adds how many tasks of the stage lose their results and are not run again now. */
static void add_dropped(const tf_graph *g, int stage, tf_buf *out) {
    const tf_stage_plan *plan = &g->stage[stage].plan;
    const tf_past *past = &g->past[stage];
    const bool all = past->dropped && past->changed && past->done->total == 0 && plan->run.total == 0;
    char count[32];
    tf_intervals left = {0};
    tf_intervals_add_all(&left, &plan->redo);
    tf_intervals_remove_all(&left, &plan->run);
    if (all || left.total > 0)
        tf_buf_addf(out, "%s %s task%s of stage \"%s\"", out->length ? "," : "drops results of",
                    all ? "all" : tf_format_count(left.total, count), !all && left.total == 1 ? "" : "s",
                    g->campaign->stage[stage].name);
    tf_intervals_free(&left);
}

void tf_graph_tell_dropped(const tf_graph *g, tf_buf *out) {
    for (int s = 0; s < g->campaign->stages; s++)
        add_dropped(g, s, out);
    if (out->length)
        tf_buf_adds(out, ", since what makes them has changed; a run without targets makes them anew");
}
