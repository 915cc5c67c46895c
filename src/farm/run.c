/* A run, from its team's beginning to its end: the campaign goes from rank 0 to all, each rank gets its part of its
 * node, slots and output are opened, and the loop is left to turn. Here and in what it calls before the loop ranks wait
 * for each other. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/storage.h"
#include "farm/farm.h"
#include "farm/launch.h"
#include "farm/libraries.h"
#include "farm/loop.h"
#include "farm/lost_together.h"
#include "farm/node_share.h"
#include "farm/transports.h"

typedef struct run {
    const tf_farm_options *options;
    tf_team team;
    tf_buf own_bundle;         /* the bundle that rank 0 has sent; empty on rank 0 */
    const tf_buf *bundle;      /* own_bundle, or that of rank 0 */
    tf_campaign *own_campaign; /* the campaign made from own_bundle; NULL on rank 0 */
    const tf_campaign *campaign;
    terms terms;
    int lock;         /* this rank's lock on the output, until the store takes it; -1: none */
    node_share share; /* this rank's part of its node */
    watchman *watchman;
    lost_together lost;
    pulses_ends ends; /* of `lost` */
    const transport *transport;
    tf_clock clock;
    tf_slots *slots; /* NULL on a rank that runs no tasks */
    executor executor;
    tf_store_life life; /* the watchman is told */
    store_output store;
    output output;
    int64_t *enough; /* on rank 0, per stage: with how many tasks it had enough; 0: it needed all */
    rank rank;       /* what the loop turns: made of the members above */
    tf_error *error;
} run;

/* ---- Starting ---- */

static const char starting[] = "the start of MPI";

static double patience_of(const tf_farm_options *o) {
    const char *text = getenv("TASKFARM_PATIENCE");
    double seconds;
    if (o->patience > 0)
        return o->patience;
    return text && tf_parse_duration(text, &seconds) && seconds > 0 ? seconds : TF_USUAL_PATIENCE;
}

/* Rank 0 alone knows where it can be reached, and what its patience is. */
static void start_pulses(run *r) {
    if (r->team.ranks == 1)
        return;
    r->lost = (lost_together){
        .watchman = r->watchman, .rank = r->team.rank, .tells_node = !r->options->exit_to || *r->options->exit_to < 0};
    r->ends = lost_together_ends(&r->lost);
    r->rank.pulses = pulses_new(r->team.rank, r->team.ranks, patience_of(r->options), &r->ends);
    pulses_invitation *invitation = pulses_invite(r->rank.pulses);
    tf_team_broadcast(&r->team, invitation, sizeof *invitation);
    r->lost.patience = invitation->patience;
    pulses_start(r->rank.pulses);
}

/* What comes next takes no longer than that, as a rule. */
static void expect(const run *r, const char *what) {
    watchman_expect(r->watchman, what, limit_together(patience_of(r->options), r->team.rank));
}

static void share_terms(run *r) {
    r->terms = (terms){.patience = patience_of(r->options), .recovers = launch_recovers()};
    tf_team_broadcast(&r->team, &r->terms, sizeof r->terms);
}

/* Rank 0 has read the manifest and all that it names; the others are told. */
static tf_err share_campaign(run *r) {
    uint64_t size = r->bundle ? r->bundle->length : 0;
    share_terms(r);
    tf_team_broadcast(&r->team, &size, sizeof size);
    char *bytes = r->bundle ? r->bundle->data : tf_alloc(size);
    tf_team_broadcast(&r->team, bytes, size);
    if (r->bundle)
        return TF_OK;
    r->own_bundle = (tf_buf){.data = bytes, .length = size};
    r->bundle = &r->own_bundle;
    const char *workdir = tf_bundle_workdir(bytes, size);
    if (!workdir || chdir(workdir) != 0)
        return tf_error_set_as(r->error, TF_ERR_RUN, tf_diag_of_read(errno),
                               "rank %d can't change to the work folder %s: %s", r->team.rank, workdir ? workdir : "",
                               strerror(errno));
    r->own_campaign = tf_campaign_unbundle(bytes, size);
    if (!r->own_campaign)
        return tf_error_set_as(r->error, TF_ERR_RUN, TF_DIAG_VERSION_MISMATCH,
                               "rank %d can't read the campaign that rank 0 sent: is it another "
                               "version of taskfarm?",
                               r->team.rank);
    r->campaign = r->own_campaign;
    return TF_OK;
}

/* Each rank's part of its node; is there enough of it for every task that is to be run? */
static tf_err share_out(run *r, bool works) {
    const tf_campaign *c = r->campaign;
    assert(c);
    bool gpus = false, several = false, *runs = tf_alloc_array((size_t)c->stages, sizeof *runs);
    for (int s = 0; s < c->stages; s++) {
        gpus = gpus || c->stage[s].need.gpus > 0;
        several = several || c->stage[s].need.slots > 1;
        runs[s] = r->options->graph && tf_graph_stage(r->options->graph, s)->run.total > 0;
    }
    const bool bind = several ? r->options->bind != TF_BIND_NONE : r->options->bind == TF_BIND_CORES;
    r->share = node_share_find(&r->team, works, r->options->slots, bind, gpus);
    tf_err err = node_share_suffices(&r->team, c, &r->share, runs, r->error);
    free(runs);
    return err;
}

/* In how many slots tasks may run at once, as far as this rank knows: hosts that nobody needs are not started. */
static int slots_in_use(const run *r) {
    int64_t tasks = 0;
    for (int s = 0; r->options->plan && s < r->campaign->stages; s++)
        tasks += tf_store_pending(r->options->plan, s)->total;
    return r->options->plan && tasks < r->share.slots ? (int)tasks : r->share.slots;
}

/* Starts the rank's slots, if it works. */
static tf_err start_slots(run *r, bool works) {
    tf_err err = TF_OK;
    if (works && !r->options->spawner)
        err = tf_error_set_as(r->error, TF_ERR_RUN, TF_DIAG_SYSTEM_LIMIT, "rank %d can't start processes: %s",
                              r->team.rank, r->options->no_spawner);
    const tf_err passed = libraries_pass_on(&r->team, r->campaign, works ? r->options->spawner : NULL, r->error);
    err = err == TF_OK ? passed : err;
    if (!works || err != TF_OK)
        return err;
    r->slots = tf_slots_new(r->options->spawner, r->campaign, r->bundle, r->lock, r->team.rank, &r->share.machine,
                            r->share.slots, slots_in_use(r), r->error);
    if (!r->slots)
        return r->error->code;
    tf_slots_wake_by(r->slots, r->transport->doorbell);
    return TF_OK;
}

static void note_life(void *context) {
    watchman_live(context);
}

static tf_err open_output(run *r) {
    r->life = (tf_store_life){.moves = note_life, .context = r->watchman};
    const int64_t slots = tf_team_sum(&r->team, r->share.slots);
    tf_store *store = tf_store_open(r->campaign, &r->team, tf_store_plan_start(r->options->plan), r->lock, slots,
                                    r->terms.patience, &r->life, r->error);
    r->lock = -1;
    r->store = (store_output){.campaign = r->campaign, .plan = r->options->plan, .store = store};
    if (!store)
        return r->error->code;
    if (r->slots)
        tf_slots_set_source(r->slots, (tf_task_source){.values = tf_store_upstream_values,
                                                       .status = tf_store_upstream_status,
                                                       .block = tf_store_block,
                                                       .array_file = tf_store_array_file,
                                                       .context = store});
    return TF_OK;
}

static tf_err set_up(run *r) {
    const transport *t = r->transport;
    if (r->options->be_patient)
        r->options->be_patient(patience_of(r->options));
    const bool works = r->team.ranks == 1 || r->team.rank > 0;
    if (r->campaign) /* before others hear of the output */
        r->lock = tf_store_join(r->campaign, tf_store_plan_start(r->options->plan), 0);
    tf_err err = tf_team_agree(&r->team, share_campaign(r), r->error);
    if (err != TF_OK)
        return err;
    if (r->own_campaign)
        r->lock = tf_store_join(r->campaign, NULL, r->team.rank);
    if (r->team.ranks > 1)
        watchman_guard_tasks(r->watchman, r->terms.patience);
    err = tf_team_agree(&r->team, share_out(r, works), r->error);
    if (err == TF_OK)
        err = tf_team_agree(&r->team, start_slots(r, works), r->error);
    if (err == TF_OK)
        err = open_output(r);
    if (err != TF_OK)
        return err;
    r->clock = tf_clock_system();
    r->executor = executor_slots(r->slots);
    r->output = output_store(&r->store);
    r->rank = (rank){.transport = t,
                     .output = &r->output,
                     .terms = &r->terms,
                     .watchman = r->watchman,
                     .pulses = r->rank.pulses,
                     .error = r->error};
    if (r->team.rank == 0)
        lost_together_note_in(&r->lost, r->campaign->output);
    if (r->team.rank == 0)
        r->rank.master = master_new(r->options, &r->terms, t, &r->clock, &r->output);
    if (!works)
        return TF_OK;
    tf_spawner_expect(r->options->spawner, r->terms.patience);
    r->rank.executor = &r->executor;
    r->rank.worker = worker_new(r->campaign, t, &r->clock, &r->executor, &r->output, &r->terms, r->options->sync);
    return TF_OK;
}

/* ---- The whole ---- */

/* Can tasks of the stage begin at once? */
static bool begins(const tf_farm_options *o, int stage) {
    const tf_stage_spec *spec = &o->campaign->stage[stage];
    return tf_store_pending(o->plan, stage)->total > 0 && spec->afters == 0 && !tf_stage_takes_rows(spec);
}

/* A process that is started alone knows at once what it will run: imports begin before all else, which they take longer
 * than. */
static void warm_up(const tf_farm_options *o) {
    tf_error ignored;
    if (!o->campaign || !o->plan || o->comm || tf_launched())
        return;
    for (int s = 0; s < o->campaign->stages; s++)
        if (o->campaign->stage[s].run.python && begins(o, s))
            tf_spawner_warm(o->spawner, o->bundle, s, &ignored);
}

static void free_all(run *r) {
    worker_free(r->rank.worker);
    tf_buf_free(&r->rank.waiting);
    tf_slots_free(r->slots);
    tf_machine_free(&r->share.machine);
    tf_store_abandon(r->store.store); /* closed by now, unless the run broke */
    if (r->own_campaign && r->lock >= 0)
        close(r->lock);
    master_free(r->rank.master);
    r->transport->close(r->transport->context);
    tf_campaign_free(r->own_campaign);
    tf_buf_free(&r->own_bundle);
}

static void copy_stops(const master *m, tf_farm_result *result) {
    const tf_farm_stop *stop = master_stopped(m, &result->stops);
    result->stop = tf_alloc_array((size_t)result->stops, sizeof *stop);
    if (result->stops > 0)
        memcpy(result->stop, stop, (size_t)result->stops * sizeof *stop);
}

/* Nodes' names are cut as in a HELLO. */
static void name_away(const master *m, tf_farm_result *result) {
    char here[sizeof((hello_message *)NULL)->host] = "";
    tf_buf text = {0};
    gethostname(here, sizeof here - 1);
    master_name_away(m, here, &text);
    snprintf(result->away, sizeof result->away, "%s", tf_buf_text(&text));
    tf_buf_free(&text);
}

static void copy_notices(tf_farm_result *result) {
    tf_farm_progress *p = &result->progress;
    result->noticed = tf_alloc_array((size_t)p->notices, sizeof *result->noticed);
    if (p->notices > 0)
        memcpy(result->noticed, p->noticed, (size_t)p->notices * sizeof *result->noticed);
    p->noticed = result->noticed;
}

static void copy_incidents(const master *m, tf_farm_result *result) {
    tf_buf list = {0};
    master_incidents(m, &list);
    result->incidents = list.data;
}

void tf_farm_result_free(tf_farm_result *result) {
    tf_tally_free(&result->failures);
    free(result->noticed);
    free(result->incidents);
    free(result->stop);
    *result = (tf_farm_result){0};
}

/* What is to be said and done is known. MPI may wait for a rank that is lost, or for a launcher's daemon. */
static void conclude(const run *r, tf_err outcome) {
    if (r->rank.parted)
        return;
    const char *words = outcome == TF_ERR_RUN ? r->error->text
                        : outcome == TF_OK    ? "all is done and in the output, but MPI does not end; with exit status "
                                                "75 the launcher ends what is left"
                                              : NULL;
    watchman_conclude(r->watchman, outcome == TF_OK ? TF_ERR_STOPPED : (int)outcome,
                      r->options->campaign ? words : NULL);
    watchman_expect(r->watchman, "the end of MPI", patience_of(r->options));
}

static tf_err run_to_end(run *r, tf_farm_result *result) {
    static const char beginning[] = "the beginning of what all ranks do together";
    expect(r, beginning);
    start_pulses(r);
    pulses_together(r->rank.pulses, beginning);
    r->transport = r->team.ranks == 1 ? transport_alone_open() : transport_mpi_open(r->team.comm);
    tf_err err = set_up(r);
    pulses_together(r->rank.pulses, NULL);
    if (err == TF_OK) {
        loop_run(&r->rank, r->options);
        err = r->rank.outcome;
    }
    pulses_end(r->rank.pulses);
    r->rank.pulses = NULL;
    expect(r, "the end of the run");
    conclude(r, err);
    if (r->rank.master) {
        master_result(r->rank.master, result);
        tf_tally_copy(&result->failures, result->progress.failures);
        tf_tally_sort(&result->failures);
        result->progress.failures = &result->failures;
        copy_notices(result);
        copy_incidents(r->rank.master, result);
        copy_stops(r->rank.master, result);
        r->enough = tf_alloc_array((size_t)r->campaign->stages, sizeof *r->enough);
        for (int s = 0; s < r->campaign->stages; s++)
            r->enough[s] = master_enough(r->rank.master, s);
        name_away(r->rank.master, result);
    }
    result->parted = r->rank.parted;
    if (r->rank.parted)
        r->transport->drop(r->transport->context);
    free_all(r);
    return err;
}

/* A rank that is silent may hold its lock still: then the output stays as after kill -9. */
static tf_err finish_alone(run *r, tf_err outcome, const tf_farm_result *result) {
    const tf_farm_options *o = r->options;
    expect(r, "the end of the output");
    const tf_err err = tf_finisher_run(o->finisher, o->plan, outcome, result->progress.elapsed, r->enough, r->error);
    return err == TF_ERR_RUN && r->error->id == TF_DIAG_OUTPUT_IN_USE ? TF_ERR_STOPPED : err;
}

/* A launcher ends all ranks as soon as one has left in no order: the first one is to be that, when it has finished the
 * output. It asks by SIGTERM, and kills those that have not left some seconds later. */
static void wait_for_first(const run *r) {
    if (r->terms.recovers)
        return;
    watchman_conclude(r->watchman, TF_OK, NULL);
    expect(r, "the end of rank 0");
    while (watchman_next_signal(r->watchman).number != SIGTERM)
        poll(NULL, 0, 50);
}

/* The end of a rank that may not wait for the others any more. A program with a main of its own has no finisher, and
 * ends as it wants to. */
static tf_err end_apart(run *r, tf_err outcome, const tf_farm_result *result) {
    const tf_farm_options *o = r->options;
    if (outcome != TF_OK && outcome != TF_ERR_TASKS && outcome != TF_ERR_STOPPED)
        return outcome;
    if (o->comm)
        return tf_error_set_as(
            r->error, TF_ERR_STOPPED, TF_DIAG_PROCESS_LOST,
            "a rank is lost, and MPI would wait for it: end the program with MPI_Abort; the next run "
            "goes on with what is in the output");
    if (o->campaign)
        return finish_alone(r, outcome, result);
    if (outcome == TF_OK)
        wait_for_first(r);
    return outcome;
}

/* MPI begins on all ranks together, so that rank 0 has planned by then, and whoever does not come now is lost. The
 * ranks of a program with a main of its own wait here for rank 0 to plan. */
static bool agree(const run *r) {
    if (!r->options->comm)
        expect(r, starting);
    return launch_agree(&r->team, r->options->bundle != NULL);
}

tf_err tf_farm_run(const tf_farm_options *options, tf_farm_result *result, tf_error *error) {
    run r = {.options = options, .campaign = options->campaign, .bundle = options->bundle, .error = error, .lock = -1};
    const double end = options->walltime > 0 ? options->started + options->walltime : 0;
    tf_store_init();
    if (options->spawner) {
        tf_spawner_begin(options->spawner);
        warm_up(options);
    }
    r.watchman = watchman_begin(end, options->grace, options->stop_with, options->exit_to, options->spawner);
    watchman_expect(r.watchman, starting, (options->campaign ? TOGETHER : PLANNING) * patience_of(options));
    tf_err err = launch_begin(options, &r.team, error);
    if (err == TF_OK && r.team.ranks == 1)
        watchman_know_alone(r.watchman);
    if (err == TF_OK)
        err = agree(&r) ? run_to_end(&r, result) : TF_ERR_USAGE;
    if (r.rank.parted)
        err = end_apart(&r, err, result);
    else
        launch_end(options, &r.team);
    free(r.enough);
    watchman_end(r.watchman, options->comm != NULL); /* without a program a late one is still of no interest */
    return err;
}
