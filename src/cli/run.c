/* taskfarm run: the campaign. Rank 0 reads the manifest and finds all that is wrong before MPI_Init; the other ranks
 * wait for it in MPI_Init. The spawner comes first, while this process is small and knows nothing of MPI. A process
 * that no launcher has started runs all by itself, without MPI. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/storage.h"
#include "cli/cli.h"
#include "cli/here.h"
#include "cli/piped.h"
#include "cli/planning.h"
#include "cli/reasons.h"
#include "farm/terms.h"
#include "progress/progress.h"
#include "slots/slots.h"
#include "store/mpi_file.h"
#include "store/resume/resume.h"

/* Says what there is to say of the output, if anything, to programs with a word that says what of. */
static void say_of_output(const options *o, const loaded *l, const char *about, tf_buf *text) {
    if (text->length > 0 && o->json)
        tf_event_say(stdout, about, text->data);
    else if (text->length > 0)
        tf_say("%s: %s", l->it.campaign->output, text->data);
    tf_buf_free(text);
}

/* Is the old output to be set aside for a run of this process alone, which will run all? */
static bool sets_aside(const options *o) {
    return o->fresh && o->targets == 0 && !tf_launched();
}

static tf_err prepare(const options *o, loaded *l, tf_store_plan **plan, tf_error *error) {
    *error = (tf_error){.code = TF_ERR_USAGE};
    if (l->it.campaign && sets_aside(o) && tf_farm_check_share(l->it.campaign, o->slots, error) != TF_OK)
        return error->code;
    if (l->it.campaign)
        *plan = cli_decide(o, l, o->fresh ? TF_STORE_FRESH : o->salvage ? TF_STORE_SALVAGE : TF_STORE_GO_ON, error);
    if (!*plan && o->json)
        return error->code; /* the last event says it */
    if (!*plan) {
        tf_print_text(stderr, tf_buf_text(&l->it.diags.lines), l->it.diags.lines.length);
        return error->code;
    }
    tf_loaded_tell(&l->it, *plan, o->word, o->words, o->set, o->sets);
    if (tf_store_prepare(*plan, error) != TF_OK)
        return error->code;
    tf_graph_touch(l->it.graph);
    if (*tf_store_note(*plan) && o->json)
        tf_event_say(stdout, "output", tf_store_note(*plan));
    else if (*tf_store_note(*plan))
        tf_say("%s", tf_store_note(*plan));
    tf_buf undone = {0}, code = {0}, dropped = {0};
    tf_store_tell_undone(*plan, &undone);
    tf_store_tell_code(*plan, o->json ? NULL : "--rerun code", &code);
    tf_graph_tell_dropped(l->it.graph, &dropped);
    say_of_output(o, l, "changed", &undone);
    say_of_output(o, l, "code", &code);
    say_of_output(o, l, "dropped", &dropped);
    reasons_say_again(&l->it);
    return TF_OK;
}

/* The last words, to people or, as the event `end`, to programs. */
static void sum_up(const options *o, const loaded *l, tf_err err, const tf_farm_result *result, cJSON **end) {
    if (o->json)
        *end = tf_event_end(err != TF_ERR_RUN ? l->it.campaign : NULL, result);
    if (o->json || err == TF_ERR_RUN)
        return;
    const char *output = cli_path_from(l->arena, l->here, l->it.campaign->output);
    tf_progress_summary(stderr, l->it.campaign, output, result);
    if (o->progress != TF_PROGRESS_NONE)
        tf_progress_reductions(stderr, l->it.campaign, output);
    if (*result->away && !o->exit_file)
        tf_farm_tell_nodes(result->away);
}

static planning *watch_planning(const options *o, const int *exit_to) {
    const double patience = o->patience > 0 ? o->patience : TF_USUAL_PATIENCE;
    return planning_begin(TOGETHER * patience, exit_to);
}

/* Who writes a manifest into a pipe takes as long as he likes. */
static bool comes_by_pipe(const options *o) {
    struct stat info;
    return stat(cli_piped_path(o->manifest), &info) == 0 && !S_ISREG(info.st_mode);
}

static tf_err load_and_prepare(const options *o, const int *exit_to, loaded *l, tf_store_plan **plan, tf_error *error) {
    planning *watched = watch_planning(o, exit_to);
    const bool is_unwatched = comes_by_pipe(o);
    if (is_unwatched)
        planning_end(watched);
    cli_load(o, l);
    if (is_unwatched)
        watched = watch_planning(o, exit_to);
    const tf_err err = prepare(o, l, plan, error);
    planning_end(watched);
    return err;
}

static bool uses_mpi(const options *o) {
    return o->mpi == OPTION_MPI_AUTO ? tf_launched() : o->mpi == OPTION_MPI_YES;
}

/* Without MPI processes that were started together know nothing of each other. */
static int check_mpi(const options *o) {
    const int ranks = tf_launch_ranks();
    if (o->mpi != OPTION_MPI_NO || !tf_launched() || ranks == 1)
        return TF_OK;
    if (ranks > 1)
        return cli_usage_error("--mpi no: a launcher has started this %d times, and each would run all tasks: start it "
                               "once, or leave --mpi no out",
                               ranks);
    return cli_usage_error(
        "--mpi no: a launcher has started this, and does not say how many times: leave --mpi no out, "
        "or start it without the launcher");
}

/* `error` says why there is no spawner, if there is none. */
static tf_err run(const options *o, tf_spawner *spawner, loaded *l, tf_store_plan *plan, tf_finisher *finisher,
                  const int *exit_to, bool *parted, cJSON **end, tf_error *error) {
    const tf_error unable = *error;
    tf_farm_options farm = {.with_mpi = uses_mpi(o),
                            .campaign = l->it.campaign,
                            .bundle = l->it.campaign ? &l->it.recorder.bytes : NULL,
                            .plan = plan,
                            .graph = l->it.graph,
                            .walltime = o->walltime,
                            .started = o->started,
                            .grace = o->grace,
                            .patience = o->patience,
                            .stop_with = l->it.campaign ? o->stop_with : NULL, /* a launcher has one for rank 0 alone */
                            .exit_to = exit_to,
                            .finisher = finisher,
                            .spawner = spawner,
                            .no_spawner = unable.text,
                            .be_patient = mpi_file_be_patient,
                            .slots = o->slots,
                            .bind = (tf_bind)o->bind,
                            .sync = o->sync};
    tf_farm_result result = {0};
    tf_err err =
        tf_watch_run(&farm, (tf_progress_style)o->progress, o->json && l->it.campaign ? stdout : NULL, &result, error);
    *parted = result.parted;
    if (l->it.campaign)
        sum_up(o, l, err, &result, end);
    tf_farm_result_free(&result);
    return err;
}

/* `end`: what the run has said of itself; NULL: it has not begun. */
static void tell_end(tf_err err, const loaded *l, const tf_error *error, cJSON *end) {
    cJSON *json = end ? end : tf_event_end(NULL, NULL);
    cJSON_AddNumberToObject(json, "status", err);
    cJSON *list = cJSON_AddArrayToObject(json, "diagnostics");
    if (err == TF_ERR_USAGE || err == TF_ERR_RUN || *error->text)
        cli_add_failure(list, &l->it.diags, error);
    tf_event_print(stdout, json);
}

/* All of this rank. `exit_to`: where its exit status is written if the process is ended; NULL: nowhere. `parted`: the
 * process is to leave at once. */
static int run_rank(const options *o, const int *exit_to, bool *parted) {
    tf_error error = {0};
    if (check_mpi(o) != TF_OK)
        return TF_ERR_USAGE;
    if (!tf_launched() && tf_slots_check_descriptors(o->slots, &error) != TF_OK) { /* the ranks of others agree on it */
        tf_say("%s", error.text);
        return (int)error.code;
    }
    if (uses_mpi(o) &&
        tf_farm_check_room(&error) != TF_OK) { /* the others could not be told without MPI: launchers end them */
        tf_say("%s", error.text);
        return (int)error.code;
    }
    bool master = tf_launch_rank() == 0;
    loaded l = {0};
    tf_store_plan *plan = NULL;
    tf_spawner *spawner = tf_spawner_fork(NULL, &error);
    tf_err err = spawner ? TF_OK : error.code;
    tf_finisher *finisher = NULL;
    cJSON *end = NULL;
    if (err == TF_OK && master)
        err = load_and_prepare(o, exit_to, &l, &plan, &error);
    if (err == TF_OK && plan && tf_launched()) {
        finisher = tf_finisher_fork(l.it.campaign, &error);
        err = finisher ? TF_OK : error.code;
    }
    bool called_off = master && err != TF_OK; /* other ranks that can't fork say so together with all */
    if (!called_off)
        err = run(o, spawner, &l, plan, finisher, exit_to, parted, &end, &error);
    tf_finisher_free(finisher);
    if (master && o->json)
        tell_end(err, &l, &error, end);
    else if (master && (err == TF_ERR_RUN || (err == TF_ERR_STOPPED && *error.text)))
        tf_say("%s", error.text);
    if (called_off && uses_mpi(o) && tf_launched())
        tf_farm_call_off();
    tf_spawner_close(spawner);
    tf_store_plan_free(plan);
    if (master)
        cli_unload(&l);
    const bool is_unheard = !master && *parted && err == TF_ERR_STOPPED;
    if (is_unheard)
        tf_say("%s", error.text);
    return master || is_unheard ? (int)err : 0; /* a launcher reports each rank that says more */
}

/* Opens the file for the exit status of rank 0, if one is wanted. */
static tf_err open_exit_file(const options *o, int *fd) {
    if (!o->exit_file || tf_launch_rank() != 0)
        return TF_OK;
    *fd = open(o->exit_file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (*fd >= 0)
        return TF_OK;
    tf_say("--exit-file: %s can't be written: %s", o->exit_file, strerror(errno));
    return TF_ERR_RUN;
}

int cli_run(const options *o) {
    static const int broken[] = {SIGPIPE};
    int exit_to = -1;
    bool parted = false;
    if (o->dry_run)
        return tf_launch_rank() == 0 ? cli_plan(o) : TF_OK;
    tf_signals_ignore(broken, 1); /* nobody may read what it prints any more: it goes on */
    if (open_exit_file(o, &exit_to) != TF_OK)
        return TF_ERR_RUN;
    const int status = run_rank(o, &exit_to, &parted);
    fflush(NULL);
    tf_note_exit(exit_to, status);
    if (parted) /* MPI waits for nobody, and says nothing */
        _exit(status);
    return status;
}
