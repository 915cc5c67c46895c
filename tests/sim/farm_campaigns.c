/* Master, workers and dependencies over the transport in memory: random campaigns with retries, files, "until", stages
 * of an earlier run, resources of several slots; stages that ranks can't run; ranks that die, signals, the end of the
 * wall time, disks that fill up. The farm (tests/unit/farm_memory.c) looks on all the while; here is what a run makes
 * of it in the end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/farm_memory.h"
#include "../unit/fixture.h"

/* What happens to a run beside its tasks. */
typedef struct plan {
    int deaths, signals;
    double death[FARM_RANKS], signal[2]; /* s from its start */
    int victim[FARM_RANKS];
    int cuts; /* links that are cut, and ranks that are stopped */
    struct {
        double from, to; /* s from its start */
        int victim;
        bool freezes, begun, over;
    } cut[FARM_RANKS];
    tf_intervals done[FARM_STAGES]; /* by an earlier run */
    const char *target;             /* a stage: only what it needs is to be run; NULL: all is */
} plan;

static double between(tf_rng *rng, double low, double high) {
    return low + (high - low) * tf_rng_double(rng);
}

static int below(tf_rng *rng, int count) {
    return (int)tf_rng_below(rng, (uint64_t)count);
}

static bool chance(tf_rng *rng, double share) {
    return tf_rng_double(rng) < share;
}

/* ---- Campaigns ---- */

typedef struct draft {
    tf_buf text;
    farm_setting *setting;
    int tasks[FARM_STAGES];
    bool has_files[FARM_STAGES];
} draft;

/* A task reads up to two files of tasks of stages before its own. */
static void add_reads(draft *d, int stage, int task, tf_rng *rng) {
    const char *gap = "";
    for (int n = 0; n < 2 && stage > 0; n++) {
        const int from = below(rng, stage);
        if (!d->has_files[from] || chance(rng, 0.3))
            continue;
        const int read = below(rng, d->tasks[from]);
        d->setting->stage[stage].reads[task][n] = FARM_TASKS * from + read + 1;
        tf_buf_addf(&d->text, "%s%c%d_%d", gap, "ft"[n], from, read);
        gap = " ";
    }
}

static void add_files(draft *d, int stage, tf_rng *rng) {
    tf_buf_adds(&d->text, "\"over\": [{\"rows\": [");
    for (int task = 0; task < d->tasks[stage]; task++) {
        tf_buf_adds(&d->text, task ? ", {\"ins\": \"" : "{\"ins\": \"");
        add_reads(d, stage, task, rng);
        tf_buf_adds(&d->text, "\"}");
    }
    tf_buf_addf(&d->text,
                "]}], \"inputs\": {\"split\": \"{ins}\"}, \"outputs\": [\"f%d_{index}\", {\"path\": "
                "\"t%d_{index}\", \"temp\": true}], ",
                stage, stage);
}

static void add_stage(draft *d, int stage, tf_rng *rng) {
    farm_stage *s = &d->setting->stage[stage];
    tf_buf *text = &d->text;
    const int kind = below(rng, 4);
    const bool has_files = kind > 1, has_until = kind == 1;
    d->tasks[stage] = 1 + below(rng, FARM_TASKS);
    d->has_files[stage] = has_files;
    *s = (farm_stage){.fails = chance(rng, 0.6) ? between(rng, 0, 0.4) : 0,
                      .excludes = chance(rng, 0.3) ? 0.2 : 0,
                      .skips = !has_files && chance(rng, 0.2) ? 0.2 : 0,
                      .seconds = (const double[]){1e-3, 1e-2, 0.1, 1, 10}[below(rng, 5)] * tf_rng_double(rng),
                      .enough = 0.2};
    tf_buf_addf(text, "%s{\"name\": \"s%d\", ", stage ? ", " : "", stage);
    if (has_files)
        add_files(d, stage, rng);
    else
        tf_buf_addf(text, "\"over\": {\"i\": {\"range\": [%d]}}, ", d->tasks[stage]);
    if (has_until)
        tf_buf_addf(text, "\"until\": {\"expr\": \"x.count > 5\", \"first\": %d}, ", 1 + below(rng, 20));
    if (stage > 0 && chance(rng, 0.4))
        tf_buf_addf(text, "\"after\": [\"s%d\"], ", below(rng, stage));
    if (chance(rng, 0.2))
        tf_buf_adds(text, "\"resources\": {\"slots\": 2}, ");
    if (chance(rng, 0.05))
        tf_buf_addf(text, "\"on_failure\": {\"stop_after\": %d}, ", 1 + below(rng, 5));
    tf_buf_addf(text, "\"retries\": %d, \"retry_delay\": %g, ", below(rng, 4), chance(rng, 0.5) ? 0 : 0.2);
    tf_buf_adds(text, !has_files && chance(rng, 0.8) ? "\"speculative\": true, \"run\": {\"command\": \"it\"}, "
                                                       "\"results\": {\"x\": \"float64\"}}"
                                                     : "\"run\": {\"expr\": {\"x\": \"1.0\"}}}");
}

static tf_campaign *make_campaign(farm_setting *setting, tf_rng *rng) {
    draft d = {.setting = setting};
    const int stages = 1 + below(rng, FARM_STAGES);
    tf_buf_adds(&d.text, "{\"name\": \"c\", \"stages\": [");
    for (int s = 0; s < stages; s++)
        add_stage(&d, s, rng);
    tf_buf_adds(&d.text, "]}");
    if (setting->trace)
        puts(d.text.data);
    tf_campaign *campaign = fixture_load(d.text.data, NULL);
    tf_buf_free(&d.text);
    return campaign;
}

/* ---- Runs ---- */

/* Some are over before anybody is given up, and some never. */
static void make_cuts(farm_setting *setting, plan *p, tf_rng *rng) {
    setting->terms = (terms){.patience = between(rng, 4, 10) + 20 * setting->latency, .recovers = chance(rng, 0.5)};
    p->cuts = 1 + below(rng, FARM_RANKS - 1);
    for (int c = 0; c < p->cuts; c++) {
        const double from = between(rng, 0, chance(rng, 0.5) ? 1 : 10);
        const double lasts = setting->terms.patience * (chance(rng, 0.5) ? 0.5 : between(rng, 0, 3));
        p->cut[c].from = from;
        p->cut[c].to = chance(rng, 0.2) ? INFINITY : from + lasts;
        p->cut[c].victim = c + 1;
        p->cut[c].freezes = chance(rng, 0.5);
    }
}

static void make_run(farm_setting *setting, plan *p, tf_rng *rng) {
    setting->ranks = chance(rng, 0.1) ? 1 : FARM_RANKS;
    for (int r = 0; r < setting->ranks; r++)
        setting->slots[r] = r < 2 ? 2 : 1 + below(rng, FARM_SLOTS);
    for (int s = 0; s < FARM_STAGES && chance(rng, 0.5); s++)
        for (int r = 0; r < setting->ranks; r++)
            setting->unable[r][s] = chance(rng, 0.6);
    const bool some_are_slow = chance(rng, 0.7);
    for (int r = 0; r < setting->ranks && some_are_slow; r++)
        setting->slow[r] = chance(rng, 0.4) ? between(rng, 2, 15) : 0;
    setting->latency = (const double[]){0, 1e-3, 0.1, 0.1, 1, 3}[below(rng, 6)];
    setting->grace = between(rng, 0, 2);
    setting->walltime = chance(rng, 0.05) ? between(rng, 0.5, 10) : 0;
    setting->breaks = chance(rng, 0.03) ? 0.05 : 0;
    if (setting->ranks > 1 && chance(rng, 0.5))
        p->deaths = 1 + below(rng, FARM_RANKS - 1);
    for (int d = 0; d < p->deaths; d++) {
        p->death[d] = between(rng, 0, chance(rng, 0.5) ? 1 : 10);
        p->victim[d] = d + 1;
    }
    tf_rng_shuffle(rng, p->victim, (size_t)p->deaths, sizeof *p->victim);
    if (setting->ranks > 1 && p->deaths == 0 && setting->breaks == 0 && chance(rng, 0.5))
        make_cuts(setting, p, rng);
    p->signals = chance(rng, 0.1) ? 1 + below(rng, 2) : 0;
    for (int n = 0; n < p->signals; n++)
        p->signal[n] = between(rng, n ? p->signal[0] : 0, 5);
}

/* Rows that are there already, and what is asked for. */
static void make_past(const tf_campaign *campaign, plan *p, tf_rng *rng) {
    if (chance(rng, 0.15))
        p->target = campaign->stage[below(rng, campaign->stages)].name;
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        if (tf_stage_has_files(stage) || stage->until.expr || chance(rng, 0.7))
            continue;
        const int tasks = (int)tf_space_size(stage->space);
        for (int n = below(rng, 4); n > 0; n--) {
            const int first = below(rng, tasks);
            tf_intervals_add(&p->done[s], first, first + 1 + below(rng, tasks - first));
        }
        if (chance(rng, 0.2))
            tf_intervals_add(&p->done[s], 0, tasks);
    }
}

static int64_t missing(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)disk, (void)path, (void)id;
    return TF_DISK_MISSING;
}

static tf_graph *make_graph(const tf_campaign *campaign, tf_disk *disk, const plan *p) {
    tf_past past[FARM_STAGES] = {0};
    tf_diags diags = {.file = "test.json"};
    const tf_wish wish = {.by_time = true,
                          .by_params = true,
                          .by_code = true,
                          .by_inputs = true,
                          .targets = p->target != NULL,
                          .target = &p->target};
    for (int s = 0; s < campaign->stages; s++)
        past[s].done = &p->done[s];
    tf_graph *graph = tf_graph_new(campaign, disk, &diags);
    cr_assert(graph && tf_graph_plan(graph, past, &wish, &diags), "%s", tf_buf_text(&diags.lines));
    return graph;
}

static void put_past(farm *f, const plan *p) {
    for (int s = 0; s < f->setting.campaign->stages; s++) {
        const tf_intervals *done = &p->done[s];
        for (size_t i = 0; i < done->count; i++)
            memset(&f->status[s][done->items[i].first], TF_STATUS_DONE,
                   (size_t)(done->items[i].end - done->items[i].first));
        f->finished[s] = done->total == tf_space_size(f->setting.campaign->stage[s].space);
    }
}

/* ---- What came of it ---- */

static int64_t tasks_of(const farm *f, int stage) {
    return f->enough[stage] ? f->enough[stage] : tf_space_size(f->setting.campaign->stage[stage].space);
}

/* Do so many failures stop the campaign? */
static bool stops_early(const farm *f) {
    for (int s = 0; s < f->setting.campaign->stages; s++)
        if (f->setting.campaign->stage[s].stop_after > 0)
            return true;
    return false;
}

static int64_t count_status(const farm *f, uint32_t statuses) {
    int64_t count = 0;
    for (int s = 0; s < f->setting.campaign->stages; s++)
        for (int task = 0; task < tf_space_size(f->setting.campaign->stage[s].space); task++)
            count += statuses >> f->status[s][task] & 1;
    return count;
}

static bool was_begun(const farm *f, int stage) {
    return f->node[0].laid_out[stage] || f->finished[stage];
}

/* Were all stages begun that the task needs, and none of them stopped since nobody could run it? */
static bool is_within_reach(const farm *f, int stage, int64_t task) {
    for (int n = 0; n < 2; n++) {
        const int read = f->setting.stage[stage].reads[task][n] - 1;
        if (read >= 0 && !is_within_reach(f, read / FARM_TASKS, read % FARM_TASKS))
            return false;
    }
    return was_begun(f, stage) && !f->stopped[stage];
}

static bool is_to_run(const farm *f, int stage, int64_t task) {
    return tf_intervals_contain(&tf_graph_stage(f->setting.graph, stage)->run, task, task + 1);
}

/* What the file must say of a task of a run that nobody has stopped. */
static tf_status wanted_status(const farm *f, int stage, int64_t task, const tf_intervals *before) {
    if (tf_intervals_contain(before, task, task + 1))
        return TF_STATUS_DONE;
    if (!is_to_run(f, stage, task))
        return TF_STATUS_PENDING;
    const tf_status ended = farm_expected(f, stage, task);
    const bool is_late = f->unsettled[stage][task] || f->unwritten[stage][task] || !is_within_reach(f, stage, task);
    return is_late && f->status[stage][task] == TF_STATUS_PENDING ? TF_STATUS_PENDING : ended;
}

/* Each task that was to be run has ended as it had to. */
static void check_stage(const farm *f, int stage, const tf_intervals *before) {
    for (int64_t task = 0; task < tasks_of(f, stage); task++) {
        const tf_status wanted = wanted_status(f, stage, task, before);
        farm_require(f, f->status[stage][task] == wanted, "s%d[%d] has ended as %s, not as %s", stage, (int)task,
                     tf_status_name(f->status[stage][task]), tf_status_name((uint8_t)wanted));
    }
}

static void check_rows(const farm *f, const tf_farm_progress *end, const plan *p) {
    const bool is_stopped = end->stopping != 0 || f->broken > 0 || stops_early(f);
    bool somebody_lives = f->setting.ranks == 1;
    for (int r = 1; r < f->setting.ranks; r++)
        somebody_lives = somebody_lives || (f->node[r].greeted && !farm_is_lost(f, r));
    for (int s = 0; s < f->setting.campaign->stages; s++) {
        const bool must_be_whole = !is_stopped && somebody_lives && (was_begun(f, s) || (f->deaths == 0 && !p->target));
        if (must_be_whole)
            check_stage(f, s, &p->done[s]);
        for (int64_t task = 0; task < FARM_TASKS; task++)
            farm_require(f, f->status[s][task] != TF_STATUS_SKIPPED || task < tasks_of(f, s), "s%d[%d] is skipped", s,
                         (int)task);
    }
}

/* What the master says is what the rows say. */
static void check_counts(const farm *f, const tf_farm_progress *end, int64_t failures) {
    int64_t failed = count_status(f, 1u << TF_STATUS_FAILED | 1u << TF_STATUS_TIMEOUT);
    const int64_t done = count_status(f, 1u << TF_STATUS_DONE | 1u << TF_STATUS_EXCLUDED);
    int64_t skipped = count_status(f, 1u << TF_STATUS_SKIPPED);
    for (int s = 0; s < FARM_STAGES; s++)
        for (int task = 0; task < FARM_TASKS; task++)
            skipped += f->unsettled[s][task], failed += f->unwritten[s][task];
    const int64_t left_out = count_status(f, 1u << TF_STATUS_EXCLUDED);
    farm_require(f, end->failed == failed, "%d tasks have failed, not %d", (int)failed, (int)end->failed);
    farm_require(f, end->done == done, "%d tasks are done, not %d", (int)done, (int)end->done);
    farm_require(f, end->skipped == skipped, "%d tasks are skipped, not %d", (int)skipped, (int)end->skipped);
    farm_require(f, end->excluded == left_out, "%d tasks are left out, not %d", (int)left_out, (int)end->excluded);
    farm_require(f, end->running == 0, "%d tasks are running", (int)end->running);
    farm_require(f, f->deaths > 0 || failures == failed, "%d failures are told of, not %d", (int)failures, (int)failed);
}

static bool has_stopped_a_stage(const farm *f) {
    for (int s = 0; s < FARM_STAGES; s++)
        if (f->stopped[s])
            return true;
    return false;
}

/* Has every task of every stage ended, as far as the master can know? */
static bool is_whole(const farm *f) {
    for (int s = 0; s < f->setting.campaign->stages; s++)
        for (int64_t task = 0; task < tasks_of(f, s); task++)
            if (f->status[s][task] == TF_STATUS_PENDING && !f->unsettled[s][task] && !f->unwritten[s][task])
                return false;
    return true;
}

static void check_end(const farm *f, const tf_farm_progress *end, const plan *p) {
    const farm_node *first = &f->node[0];
    const tf_err outcome = first->rank.outcome;
    farm_require(f, outcome != TF_ERR_STOPPED || end->stopping || !is_whole(f), "a run that is whole has stopped");
    farm_require(f, outcome == TF_ERR_STOPPED || stops_early(f) || has_stopped_a_stage(f) || p->target || is_whole(f),
                 "a run ends with %d, and is not whole", (int)outcome);
    const tf_err by_rows = end->finished < end->stages && (end->stopping || first->rank.parted) ? TF_ERR_STOPPED
                           : end->failed > 0 || has_stopped_a_stage(f)                          ? TF_ERR_TASKS
                                                                                                : TF_OK;
    farm_require(f, outcome == by_rows, "the run ends with %d, not %d", (int)outcome, (int)by_rows);
    farm_require(f, !first->rank.parted || f->deaths > 0, "ranks part, and none has died");
    for (int r = 1; r < f->setting.ranks; r++) {
        const farm_node *node = &f->node[r];
        if (farm_is_lost(f, r) || f->node[r].is_frozen)
            continue;
        farm_require(f, node->rank.parted == first->rank.parted, "rank %d leaves in another way", r);
        farm_require(f, first->rank.parted || (node->rank.outcome == outcome && node->closed),
                     "rank %d leaves the output open, or ends with %d", r, (int)node->rank.outcome);
    }
    static const char *const states[] = {[TF_OK] = "complete", [TF_ERR_TASKS] = "failed", [TF_ERR_STOPPED] = "stopped"};
    const char *state = end->withheld > 0 || has_stopped_a_stage(f) ? "stopped" : states[outcome];
    farm_require(f, first->rank.parted || strcmp(f->state, state) == 0, "the output is \"%s\"", f->state);
}

/* Running tasks are not waited for when the grace is over, or after a second signal. What is said then takes a while.
 */
static void check_time(const farm *f, const tf_farm_progress *end, const plan *p) {
    const farm_setting *s = &f->setting;
    const double start = f->options.started, slack = 5 + 45 * s->latency + (f->deaths ? 20 : 0) +
                                                     (p->cuts ? (p->cuts + 10) * (s->terms.patience + 5) : 0);
    double latest = INFINITY;
    if (end->stopping > 0)
        latest = p->signal[0] + s->grace;
    if (end->stopping > 0 && p->signals > 1)
        latest = fmin(latest, p->signal[1]);
    if (end->stopping == TF_FARM_WALLTIME)
        latest = s->walltime;
    farm_require(f, f->now - start < latest + slack, "the run was to end after %g s", latest);
}

/* All hear that the disk is full, unless they part already. */
static void check_broken(const farm *f) {
    for (int r = 0; r < f->setting.ranks; r++) {
        const rank *here = &f->node[r].rank, *first = &f->node[0].rank;
        if (farm_is_lost(f, r) || f->node[r].is_frozen)
            continue;
        farm_require(f, here->outcome == TF_ERR_RUN || first->outcome != TF_ERR_RUN,
                     "rank %d does not hear that the disk is full", r);
        farm_require(f, here->parted == first->parted, "rank %d leaves in another way", r);
        farm_require(f, first->parted || f->deaths == 0, "rank %d waits for a dead one when it leaves", r);
    }
}

static void check(const farm *f, const plan *p) {
    tf_farm_result result;
    master_result(f->node[0].rank.master, &result);
    const tf_farm_progress *end = &result.progress;
    check_rows(f, end, p);
    if (f->broken > 0) {
        check_broken(f);
        return;
    }
    check_counts(f, end, end->failures->total);
    check_time(f, end, p);
    check_end(f, end, p);
}

/* ---- The test ---- */

static void send_signal(farm *f, int count) {
    int from = farm_below(f, f->setting.ranks);
    while (farm_is_lost(f, from) || f->node[from].is_frozen)
        from = (from + 1) % f->setting.ranks;
    const signal_message message = {.signal = 15, .count = count};
    const transport *t = &f->node[from].transport;
    if (!f->node[from].rank.ended)
        transport_send(t, 0, TAG_SIGNAL, &message, sizeof message);
}

/* As a rule one at which something that the rank has said is on its way. */
static bool is_bad_time(farm *f, int victim) {
    return f->route[victim][0].first || farm_chance(f, 0.1);
}

static bool is_ready(const farm *f, int stage, int64_t task) {
    if (!is_to_run(f, stage, task) || f->granted[stage][task] || f->unsettled[stage][task] ||
        f->status[stage][task] != TF_STATUS_PENDING || (f->may_grant[stage] && task >= f->may_grant[stage]))
        return false;
    for (int n = 0; n < 2; n++) {
        const int read = f->setting.stage[stage].reads[task][n] - 1;
        if (read >= 0 && !tf_status_is_good(f->status[read / FARM_TASKS][read % FARM_TASKS]))
            return false;
    }
    return true;
}

/* A task that nobody has had yet, and that the rank could run: FARM_TASKS * stage + task. -1: there is none. */
static int find_work(const farm *f, int number) {
    for (int s = 0; s < f->setting.campaign->stages; s++) {
        const tf_stage_spec *stage = &f->setting.campaign->stage[s];
        if (!f->node[0].laid_out[s] || f->finished[s] || f->stopped[s] || !farm_can_run(f, number, s))
            continue;
        for (int64_t task = 0; task < tf_space_size(stage->space); task++)
            if (is_ready(f, s, task))
                return (int)(FARM_TASKS * s + task);
    }
    return -1;
}

/* How long a worker may have nothing while others try tasks that have failed on it, one after the other. */
static double longest_suspicion(const farm *f) {
    double longest = 0, slowest = 1;
    for (int r = 0; r < f->setting.ranks; r++)
        slowest = fmax(slowest, f->setting.slow[r]);
    for (int s = 0; s < f->setting.campaign->stages; s++)
        if (f->setting.stage[s].fails > 0)
            longest = fmax(longest, 20 * slowest * f->setting.stage[s].seconds);
    return longest;
}

static bool is_cut_anywhere(const farm *f) {
    for (int r = 0; r < f->setting.ranks; r++)
        if (f->node[r].unheard_since > 0)
            return true;
    return false;
}

/* Nobody is idle for long while there is work for it, unless the run is to end. */
static void check_idle(farm *f) {
    const double most = 5 + 45 * f->setting.latency + longest_suspicion(f) +
                        (is_cut_anywhere(f) ? f->setting.terms.patience + 5 : 0); /* all may be summoned twice */
    const bool hands_out = !f->drains && !stops_early(f) && f->broken == 0;
    for (int r = f->setting.ranks > 1; r < f->setting.ranks; r++) {
        farm_node *node = &f->node[r];
        const bool is_idle = !farm_is_lost(f, r) && !node->is_frozen && !node->is_cut && !node->rank.is_unheard &&
                             !node->rank.ended && farm_idle(f, r) == f->setting.slots[r];
        const int work = is_idle && hands_out ? find_work(f, r) : -1;
        if (work < 0)
            node->idle_since = f->now;
        farm_require(f, f->now - node->idle_since < most, "rank %d has nothing to do, and s%d[%d] is ready", r,
                     work / FARM_TASKS, work % FARM_TASKS);
    }
}

/* Not while all work together: who waits then for one that is cut off is ended by the watchman, which is not here. */
static void cut_or_heal(farm *f, plan *p, int c) {
    const double time = f->now - f->options.started;
    const int victim = p->cut[c].victim;
    const bool begins = !p->cut[c].begun && time > p->cut[c].from && farm_may_kill(f, victim);
    const bool ends = p->cut[c].begun && !p->cut[c].over && time > p->cut[c].to;
    if (!begins && !ends)
        return;
    p->cut[c].begun = true;
    p->cut[c].over = ends;
    if (p->cut[c].freezes)
        farm_freeze(f, victim, begins);
    else
        farm_cut(f, victim, begins);
}

static void run(farm *f, plan *p) {
    const double start = f->now;
    int signalled = 0;
    for (int quiet = 0, turns = 0; !farm_is_over(f) && !f->hangs; turns++) {
        quiet = farm_turn(f) ? 0 : quiet + 1;
        if (quiet > 1) {
            check_idle(f);
            farm_wait(f, 0.3);
        }
        f->now += 1e-5;
        for (int c = 0; c < p->cuts; c++)
            cut_or_heal(f, p, c);
        for (int d = 0; d < p->deaths; d++)
            if (f->now - start > p->death[d] && farm_may_kill(f, p->victim[d]) && is_bad_time(f, p->victim[d]))
                farm_kill(f, p->victim[d]);
        for (; signalled < p->signals && f->now - start > p->signal[signalled]; signalled++)
            send_signal(f, signalled + 1);
        farm_require(f, f->now - start < 40000 && turns < 500000, "the run does not end");
    }
}

/* Returns how many tasks were started a second time. */
static int try_seed(uint64_t seed, bool trace) {
    tf_rng rng = tf_rng_start(seed, 0);
    farm_setting setting = {.seed = seed, .trace = trace};
    plan p = {0};
    tf_campaign *campaign = make_campaign(&setting, &rng);
    make_run(&setting, &p, &rng);
    make_past(campaign, &p, &rng);
    tf_disk disk = {.time = missing};
    setting.campaign = campaign;
    setting.graph = make_graph(campaign, &disk, &p);
    farm *f = tf_alloc(sizeof *f);
    farm_open(f, &setting);
    put_past(f, &p);
    farm_start(f);
    run(f, &p);
    if (!f->hangs)
        check(f, &p);
    const int doubles = f->doubles;
    farm_close(f);
    free(f);
    tf_graph_free(setting.graph);
    for (int s = 0; s < FARM_STAGES; s++)
        tf_intervals_free(&p.done[s]);
    tf_campaign_free(campaign);
    return doubles;
}

/* 1000 seeds from 1, or as many as TASKFARM_SEEDS says; or the one in TASKFARM_SEED, whose messages are printed. */
Test(farm, runs_each_task_of_random_campaigns_to_one_end) {
    const char *one = getenv("TASKFARM_SEED"), *many = getenv("TASKFARM_SEEDS");
    const uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    const uint64_t count = one ? 1 : many ? strtoull(many, NULL, 10) : 1000;
    int doubles = 0;
    for (uint64_t seed = first; seed < first + count; seed++)
        doubles += try_seed(seed, one != NULL);
    cr_expect(doubles > 100 || count < 1000, "%d tasks were started a second time", doubles);
}
