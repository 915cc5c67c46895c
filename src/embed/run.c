/* A run within a program: what the program taskfarm does, on the program's communicator; and all that it changed in the
 * process meanwhile, the current folder, how signals are taken and HDF5's errors handled, is as it was. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "campaign/campaign.h"
#include "embed/embed.h"
#include "progress/progress.h"
#include "report/report.h"
#include "store/resume/resume.h"

#define GRACE 30.0 /* s */
#define SYNC  30.0 /* s */

struct tf_runner {
    tf_spawner *spawner;
    const tf_function *functions;
    tf_buf message;
    tf_buf ids; /* a tf_diag_id for each of its lines */
};

tf_runner *tf_runner_start(const tf_function *functions) {
    tf_error error;
    tf_spawner *spawner = tf_spawner_fork(functions, &error);
    if (!spawner)
        return NULL;
    tf_runner *runner = tf_alloc(sizeof *runner);
    *runner = (tf_runner){.spawner = spawner, .functions = functions};
    return runner;
}

void tf_runner_end(tf_runner *runner) {
    if (!runner)
        return;
    tf_spawner_close(runner->spawner);
    tf_buf_free(&runner->message);
    tf_buf_free(&runner->ids);
    free(runner);
}

const char *tf_runner_message(const tf_runner *runner) {
    return tf_buf_text(&runner->message);
}

const char *tf_runner_error_id(const tf_runner *runner, int line) {
    tf_diag_id id;
    if (line < 0 || (size_t)line >= runner->ids.length / sizeof id)
        return "";
    memcpy(&id, runner->ids.data + (size_t)line * sizeof id, sizeof id);
    return tf_diag_name(id);
}

static void add_id(tf_runner *runner, tf_diag_id id) {
    tf_buf_add(&runner->ids, (const char *)&id, sizeof id);
}

static void add_error(tf_runner *runner, const tf_error *error) {
    tf_buf_adds(&runner->message, error->text);
    add_id(runner, error->id);
}

static void add_diagnostics(tf_runner *runner, const tf_diags *diags) {
    tf_buf_adds(&runner->message, tf_buf_text(&diags->lines));
    for (int i = 0; i < diags->items; i++)
        add_id(runner, diags->item[i].id);
}

/* On the first rank: stages that were stopped, and the first line of why. */
static void add_stops(tf_runner *runner, const tf_campaign *campaign, const tf_farm_result *result) {
    for (const tf_farm_stop *stop = result->stop; stop < result->stop + result->stops; stop++) {
        tf_buf_addf(&runner->message, "%sstage \"%s\" was stopped: %.*s", stop > result->stop ? "\n" : "",
                    campaign->stage[stop->stage].name, (int)strcspn(stop->why, "\n"), stop->why);
        add_id(runner, TF_DIAG_SERVICE_FAILS);
    }
}

/* Calls that were wrong when the manifest was made. */
static void add_wrong(tf_runner *runner, const tf_buf *lines) {
    tf_buf_adds(&runner->message, tf_buf_text(lines));
    for (const char *end = tf_buf_text(lines); (end = strchr(end, '\n')); end++)
        add_id(runner, TF_DIAG_USAGE);
}

/* ---- The manifest, read as from a file ---- */

/* A source in which the manifest's path has the text; all else is the disk's. */
typedef struct memory_source {
    tf_source source;
    tf_source disk;
    const char *path, *text;
} memory_source;

static int read_memory(tf_source *self, const char *path, tf_buf *out) {
    memory_source *m = (memory_source *)(void *)self;
    if (strcmp(path, m->path) != 0)
        return m->disk.read(&m->disk, path, out);
    tf_buf_adds(out, m->text);
    return 0;
}

static int glob_disk(tf_source *self, const char *pattern, tf_buf *out) {
    memory_source *m = (memory_source *)(void *)self;
    return m->disk.glob(&m->disk, pattern, out);
}

static int scan_disk(tf_source *self, const char *path, int64_t batch, int64_t before, tf_buf *out) {
    memory_source *m = (memory_source *)(void *)self;
    return m->disk.scan(&m->disk, path, batch, before, out);
}

/* ---- On the first rank ---- */

typedef struct first {
    memory_source source;
    tf_load_options load;
    char *text, *workdir;
    tf_loaded it;
    tf_store_plan *plan;
} first;

/* Records the program's command line as that of the run. */
static void tell_command_line(first *f) {
    tf_buf words = {0};
    tf_read_file("/proc/self/cmdline", &words);
    const char **word = tf_alloc_array(words.length + 1, sizeof *word);
    int count = 0;
    for (size_t at = 0; at < words.length; at += strlen(words.data + at) + 1)
        word[count++] = words.data + at;
    tf_loaded_tell(&f->it, f->plan, word, count, NULL, 0);
    free(word);
    tf_buf_free(&words);
}

/* Returns TF_OK, or an outcome and its reason. */
static tf_err prepare(first *f, tf_runner *runner, const tf_manifest *manifest, const tf_run_options *o) {
    tf_error error = {.code = TF_ERR_USAGE};
    const tf_store_mode mode = o->fresh ? TF_STORE_FRESH : o->salvage ? TF_STORE_SALVAGE : TF_STORE_GO_ON;
    const tf_wish wish = {.by_time = true, .by_params = true, .by_code = true, .by_inputs = true};
    f->text = tf_manifest_text(manifest);
    f->workdir = getcwd(NULL, 0);
    f->source = (memory_source){.source = {.read = read_memory, .glob = glob_disk, .scan = scan_disk},
                                .disk = tf_source_disk(),
                                .path = "manifest",
                                .text = f->text};
    f->load = (tf_load_options){.path = "manifest", .display = "manifest", .workdir = f->workdir ? f->workdir : "/"};
    if (manifest->wrong.length) {
        add_wrong(runner, &manifest->wrong);
        return TF_ERR_USAGE;
    }
    tf_loaded_read(&f->load, &f->source.source, runner->functions, &f->it);
    if (f->it.campaign)
        f->plan = tf_loaded_decide(&f->it, mode, &wish, false, &error);
    if (f->plan) {
        tell_command_line(f);
        tf_store_prepare(f->plan, &error);
    }
    if (f->plan && error.code != TF_ERR_RUN && error.code != TF_ERR_STOPPED)
        return TF_OK;
    if (f->it.diags.count) {
        add_diagnostics(runner, &f->it.diags);
        return TF_ERR_USAGE;
    }
    add_error(runner, &error);
    return error.code;
}

static void free_first(first *f) {
    tf_store_plan_free(f->plan);
    tf_loaded_free(&f->it);
    free(f->text);
    free(f->workdir);
}

/* ---- All ranks together ---- */

/* All ranks get the first one's bytes. */
static void share_bytes(MPI_Comm comm, tf_buf *buf) {
    int rank;
    int64_t length = (int64_t)buf->length;
    MPI_Comm_rank(comm, &rank);
    MPI_Bcast(&length, 1, MPI_INT64_T, 0, comm);
    char *bytes = tf_alloc((size_t)length + 1);
    if (rank == 0 && length)
        memcpy(bytes, buf->data, (size_t)length);
    MPI_Bcast(bytes, (int)length, MPI_BYTE, 0, comm);
    tf_buf_clear(buf);
    tf_buf_add(buf, bytes, (size_t)length);
    free(bytes);
}

/* All ranks get the outcome that the first one knows, and its reason. */
static tf_err share_outcome(tf_runner *runner, MPI_Comm comm, tf_err err) {
    int outcome = (int)err;
    MPI_Bcast(&outcome, 1, MPI_INT, 0, comm);
    share_bytes(comm, &runner->message);
    share_bytes(comm, &runner->ids);
    return (tf_err)outcome;
}

int tf_run(tf_runner *runner, const tf_manifest *manifest, MPI_Comm comm, const tf_run_options *options) {
    static const tf_run_options none;
    const tf_run_options *o = options ? options : &none;
    int rank, here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    double started = tf_now();
    first f = {0};
    tf_error error = {0};
    tf_farm_result result = {0};
    tf_store_guest guest;
    tf_store_enter(&guest);
    tf_buf_clear(&runner->message);
    tf_buf_clear(&runner->ids);
    MPI_Comm_rank(comm, &rank);
    tf_err prepared = rank == 0 ? prepare(&f, runner, manifest, o) : TF_OK;
    tf_farm_options farm = {.comm = &comm,
                            .campaign = f.it.campaign,
                            .bundle = prepared == TF_OK && f.it.campaign ? &f.it.recorder.bytes : NULL,
                            .plan = f.plan,
                            .graph = f.it.graph,
                            .walltime = o->walltime,
                            .started = started,
                            .grace = o->grace > 0 ? o->grace : GRACE,
                            .spawner = runner->spawner,
                            .slots = o->slots,
                            .bind = o->unbound ? TF_BIND_NONE : TF_BIND_AUTO,
                            .sync = o->sync > 0 ? o->sync : SYNC};
    if (prepared != TF_OK)
        farm.campaign = NULL;
    tf_err err = tf_watch_run(&farm, rank == 0 && o->shows_progress ? TF_PROGRESS_AUTO : TF_PROGRESS_NONE, NULL,
                              &result, &error);
    if (prepared != TF_OK)
        err = prepared;
    else if (err == TF_ERR_RUN || (err == TF_ERR_STOPPED && *error.text))
        add_error(runner, &error);
    else if (result.stops > 0)
        add_stops(runner, farm.campaign, &result);
    if (!result.parted)
        err = share_outcome(runner, comm, err);
    tf_farm_result_free(&result);
    free_first(&f);
    if (here >= 0) {
        if (fchdir(here) != 0 && err == TF_OK)
            err = TF_ERR_RUN;
        close(here);
    }
    tf_store_leave(&guest);
    return (int)err;
}
