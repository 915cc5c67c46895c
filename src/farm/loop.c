/* One rank's life: MPI_Init, the campaign from rank 0, the event loop, MPI_Finalize. The loop never blocks: messages
 * are polled, rows are polled, and only when neither had anything does it nap, longer each time. */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "farm/farm.h"
#include "farm/libraries.h"
#include "farm/master.h"
#include "farm/node_share.h"
#include "farm/signals.h"
#include "farm/stage_end.h"
#include "farm/worker.h"

#define SHORTEST_NAP  10e-6 /* s */
#define PROGRESS_TICK 0.05

typedef struct rank {
    const tf_farm_options *options;
    MPI_Comm comm;
    tf_campaign *own_campaign; /* other ranks than 0 */
    const tf_campaign *campaign;
    tf_buf own_bundle;
    const tf_buf *bundle;
    tf_wire *wire;
    tf_slots *exec;
    tf_store *store;
    master *master; /* on rank 0 */
    worker *worker; /* on the others, and on rank 0 when it is alone */
    share share;    /* of the node */
    int lock;       /* this rank's on the output, until the store has it; -1: none */
    signals *signals;
    double told; /* when on_progress was last called */
    bool ended;
    bool parted; /* without the others, one of whom has died */
    tf_err outcome;
    tf_error *error;
} rank;

/* ---- Starting ---- */

/* Rank 0 has read the manifest and all that it names; the others are told. */
static tf_err share_campaign(rank *r) {
    uint64_t size = r->bundle ? r->bundle->length : 0;
    MPI_Bcast(&size, 1, MPI_UINT64_T, 0, r->comm);
    char *bytes = r->bundle ? r->bundle->data : tf_alloc(size);
    for (uint64_t at = 0; at < size;) {
        uint64_t part = size - at < (1u << 30) ? size - at : 1u << 30;
        MPI_Bcast(bytes + at, (int)part, MPI_BYTE, 0, r->comm);
        at += part;
    }
    if (r->bundle)
        return TF_OK;
    r->own_bundle = (tf_buf){.data = bytes, .length = size};
    r->bundle = &r->own_bundle;
    const char *workdir = tf_bundle_workdir(bytes, size);
    if (!workdir || chdir(workdir) != 0)
        return tf_error_set(r->error, TF_ERR_RUN, "rank %d can't change to the work folder %s: %s", wire_rank(r->wire),
                            workdir ? workdir : "", strerror(errno));
    r->own_campaign = tf_campaign_unbundle(bytes, size);
    if (!r->own_campaign)
        return tf_error_set(r->error, TF_ERR_RUN,
                            "rank %d can't read the campaign that rank 0 sent: is it another "
                            "version of taskfarm?",
                            wire_rank(r->wire));
    r->campaign = r->own_campaign;
    return TF_OK;
}

/* Each rank's part of its node; is there enough of it for every task that is to be run? */
static tf_err share_out(rank *r, bool works) {
    const tf_campaign *c = r->campaign;
    assert(c);
    bool gpus = false, several = false, *runs = tf_alloc_array((size_t)c->stages, sizeof *runs);
    for (int s = 0; s < c->stages; s++) {
        gpus = gpus || c->stage[s].need.gpus > 0;
        several = several || c->stage[s].need.slots > 1;
        runs[s] = r->options->graph && tf_graph_stage(r->options->graph, s)->run.total > 0;
    }
    const bool bind = several ? r->options->bind != TF_BIND_NONE : r->options->bind == TF_BIND_CORES;
    r->share = share_node(r->comm, works, r->options->slots, bind, gpus);
    tf_err err = share_suffices(r->comm, c, &r->share, runs, r->error);
    free(runs);
    return err;
}

static tf_err start(rank *r) {
    if (r->campaign) /* before others hear of the output */
        r->lock = tf_store_join(r->campaign, tf_store_plan_start(r->options->plan), 0);
    tf_err err = tf_store_agree(r->comm, share_campaign(r), r->error);
    if (err != TF_OK)
        return err;
    if (r->own_campaign)
        r->lock = tf_store_join(r->campaign, NULL, wire_rank(r->wire));
    bool works = wire_ranks(r->wire) == 1 || wire_rank(r->wire) > 0;
    err = tf_store_agree(r->comm, share_out(r, works), r->error);
    if (err != TF_OK)
        return err;
    if (works && !r->options->spawner)
        err = tf_error_set(r->error, TF_ERR_RUN, "rank %d can't start processes", wire_rank(r->wire));
    tf_err passed = libraries_pass_on(r->comm, r->campaign, works ? r->options->spawner : NULL, r->error);
    err = err == TF_OK ? passed : err;
    if (works && err == TF_OK) {
        r->exec = tf_slots_new(r->options->spawner, r->campaign, r->bundle, r->lock, wire_rank(r->wire),
                               &r->share.machine, r->share.slots, r->error);
        err = r->exec ? TF_OK : r->error->code;
    }
    if (r->exec)
        tf_slots_wake_by(r->exec, wire_fd(r->wire));
    err = tf_store_agree(r->comm, err, r->error);
    if (err != TF_OK)
        return err;
    int64_t mine = r->share.slots, slots;
    MPI_Allreduce(&mine, &slots, 1, MPI_INT64_T, MPI_SUM, r->comm);
    r->store = tf_store_open(r->campaign, r->comm, tf_store_plan_start(r->options->plan), r->lock, slots, r->error);
    r->lock = -1;
    if (!r->store)
        return r->error->code;
    if (r->exec)
        tf_slots_take_from(r->exec, (tf_task_source){.given = tf_store_given,
                                                     .taken = tf_store_taken,
                                                     .block = tf_store_block,
                                                     .context = r->store});
    if (wire_rank(r->wire) == 0)
        r->master = master_new(r->options, r->wire, r->store);
    if (works)
        r->worker = worker_new(r->campaign, r->wire, r->exec, r->store, r->options->sync);
    return TF_OK;
}

/* ---- The loop ---- */

static void end(rank *r, tf_err outcome) {
    signals_let_end(r->signals);
    r->ended = true;
    r->outcome = outcome;
}

static const char *state_name(tf_err outcome) {
    return outcome == TF_OK ? "complete" : outcome == TF_ERR_TASKS ? "failed" : "stopped";
}

/* Every rank comes here with the same messages in the same order. */
static void collect(rank *r, const collect_message *message) {
    tf_err err = TF_OK;
    switch ((collect_what)message->what) {
    case COLLECT_LAYOUT:
        err = tf_store_layout(r->store, message->stage, r->error);
        if (err == TF_OK && r->master)
            master_laid_out(r->master, message->stage);
        break;
    case COLLECT_FINISH: err = stage_end(r->store, r->campaign, message->stage, message->enough, r->error); break;
    case COLLECT_CLOSE:
        signals_let_end(r->signals);
        err = tf_store_close(r->store, message->partial ? "stopped" : state_name((tf_err)message->outcome),
                             message->elapsed, r->error);
        r->store = NULL;
        end(r, (tf_err)message->outcome);
        break;
    }
    if (err != TF_OK)
        end(r, err);
}

static void leave(rank *r, const broken_message *message) {
    tf_error_set(r->error, (tf_err)message->code, "%s", message->text);
    end(r, r->error->code);
}

static bool take_messages(rank *r) {
    enum { AT_ONCE = 1000 };
    int taken = 0, from, tag;
    const void *payload;
    size_t size;
    for (; taken < AT_ONCE && !r->ended && wire_receive(r->wire, &from, &tag, &payload, &size); taken++) {
        if (tag == TAG_GRANT) {
            const grant_message *grant = payload;
            worker_grant(r->worker, grant);
        } else if (tag == TAG_SETTLE) {
            worker_settle(r->worker, payload);
        } else if (tag == TAG_REMOVE) {
            const remove_message *message = payload;
            tf_slots_remove_temp(r->exec, message->stage, message->index);
        } else if (tag == TAG_DRAIN) {
            if (r->worker)
                worker_drain(r->worker, (drain_how)((const drain_message *)payload)->how);
        } else if (tag == TAG_PART) {
            r->parted = true;
            end(r, TF_OK);
        } else if (tag == TAG_COLLECT) {
            collect_message message = *(const collect_message *)payload;
            collect(r, &message);
        } else if (tag == TAG_LEAVE) {
            leave(r, payload);
        } else {
            master_take(r->master, from, tag, payload, size);
        }
    }
    return taken > 0;
}

static void take_signals(rank *r) {
    int number, count;
    while (signals_next(r->signals, &number, &count)) {
        signal_message message = {.signal = number, .count = count};
        wire_send(r->wire, 0, TAG_SIGNAL, &message, sizeof message);
    }
}

static void tell_progress(rank *r) {
    double now = tf_now();
    if (!r->master || !r->options->on_progress || (now - r->told < PROGRESS_TICK && !r->ended))
        return;
    tf_farm_result result;
    master_result(r->master, &result);
    r->told = now;
    r->options->on_progress(r->options->context, &result.progress);
}

static void nap(const rank *r, double seconds) {
    struct pollfd heard = {.fd = wire_fd(r->wire), .events = POLLIN};
    ppoll(&heard, 1, &(struct timespec){.tv_nsec = (long)(seconds * 1e9)}, NULL);
}

static void loop(rank *r) {
    double wait = 0;
    while (!r->ended) {
        double longest = wire_listen(r->wire);
        take_signals(r);
        bool busy = take_messages(r);
        if (r->ended)
            break;
        busy = (r->master && master_step(r->master)) || busy;
        tf_err outcome;
        if (r->master && master_has_parted(r->master, &outcome)) {
            r->parted = true;
            end(r, outcome);
            break;
        }
        wait = busy ? 0 : wait < SHORTEST_NAP ? SHORTEST_NAP : 2 * wait < longest ? 2 * wait : longest;
        if (r->worker && worker_step(r->worker, wait))
            wait = 0;
        else if (!r->worker && wait > 0)
            nap(r, wait);
        tell_progress(r);
    }
    tell_progress(r);
}

/* ---- The whole ---- */

/* Do all ranks go on from here? Rank 0 knows. */
static bool agree_to_run(MPI_Comm comm, bool run) {
    int32_t runs = run;
    MPI_Bcast(&runs, 1, MPI_INT32_T, 0, comm);
    return runs;
}

/* Open MPI looks for networks also where no launcher has started anything, for half the time that a single task takes.
 * What is set is for MPI_Init alone (tasks may be MPI programs), and nothing that the user has set. Its pointers that
 * files share are not used: the kind that takes a semaphore for them is turned off. Other threads wait for the disk and
 * for signals, and make no call of MPI. */
static tf_err init_mpi(tf_error *error) {
    static const char *const setting[][2] = {
        {"OMPI_MCA_sharedfp", "^sm"}, {"OMPI_MCA_pml", "ob1"}, {"OMPI_MCA_btl", "self"}};
    enum { ALWAYS = 1, SETTINGS = sizeof setting / sizeof *setting };
    const int settings = tf_launched() ? ALWAYS : SETTINGS;
    bool ours[SETTINGS] = {0};
    int level;
    for (int i = 0; i < settings; i++) {
        ours[i] = !getenv(setting[i][0]);
        setenv(setting[i][0], setting[i][1], false);
    }
    MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    for (int i = 0; i < settings; i++)
        if (ours[i])
            unsetenv(setting[i][0]);
    return level >= MPI_THREAD_FUNNELED ? TF_OK
                                        : tf_error_set(error, TF_ERR_RUN,
                                                       "this MPI allows no threads, not even such as do not use it "
                                                       "(MPI_THREAD_FUNNELED): use one that was built with them");
}

void tf_farm_call_off(void) {
    tf_error ignored;
    if (!tf_launched())
        return;
    init_mpi(&ignored);
    agree_to_run(MPI_COMM_WORLD, false);
    MPI_Finalize();
}

static tf_err begin_mpi(rank *r) {
    r->comm = MPI_COMM_WORLD;
    if (!r->options->comm)
        return init_mpi(r->error);
    MPI_Comm_dup(*r->options->comm, &r->comm);
    return TF_OK;
}

static void end_mpi(rank *r) {
    if (r->options->comm)
        MPI_Comm_free(&r->comm);
    else
        MPI_Finalize();
}

static void free_all(rank *r) {
    worker_free(r->worker);
    tf_slots_free(r->exec);
    tf_machine_free(&r->share.machine);
    tf_store_abandon(r->store); /* closed by now, unless the run broke */
    if (r->own_campaign && r->lock >= 0)
        close(r->lock);
    master_free(r->master);
    wire_free(r->wire);
    tf_campaign_free(r->own_campaign);
    tf_buf_free(&r->own_bundle);
}

static tf_err run(rank *r, tf_farm_result *result) {
    r->wire = wire_new(r->comm);
    if (r->options->spawner)
        tf_spawner_begin(r->options->spawner);
    tf_err err = start(r);
    if (err == TF_OK) {
        loop(r);
        err = r->outcome;
    }
    if (r->master) {
        master_result(r->master, result);
        tf_tally_copy(&result->failures, result->progress.failures);
        tf_tally_sort(&result->failures);
        result->progress.failures = &result->failures;
    }
    result->parted = r->parted;
    if (r->parted)
        wire_drop(r->wire);
    free_all(r);
    return err;
}

tf_err tf_farm_run(const tf_farm_options *options, tf_farm_result *result, tf_error *error) {
    rank r = {.options = options, .campaign = options->campaign, .bundle = options->bundle, .error = error, .lock = -1};
    const double end = options->walltime > 0 ? options->started + options->walltime : 0;
    tf_store_init();
    r.signals = signals_hold(end, options->grace, options->spawner);
    tf_err err = begin_mpi(&r);
    if (err == TF_OK)
        err = agree_to_run(r.comm, options->bundle != NULL) ? run(&r, result) : TF_ERR_USAGE;
    if (!r.parted)
        end_mpi(&r);
    else if (options->campaign)
        err = tf_finisher_run(options->finisher, options->plan, err, result->progress.elapsed, error);
    signals_release(r.signals, options->comm != NULL); /* without a program a late one is still of no interest */
    return err;
}
