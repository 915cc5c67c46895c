/* In a change of metadata HDF5's ranks wait for each other. One whose write fails leaves the others waiting for ever:
 * it ends them all as soon as MPI tells of the failure, before HDF5 goes on, with its reason. What was written before
 * the change is as safe then as after kill -9.
 *
 * Where MPI does not tell (mpi_file.c), and whatever else keeps ranks from coming to an end together, a thread keeps
 * watch. To wait is not wrong by itself: a file system may be away for minutes, a rank may be stopped in a debugger. So
 * people are told, and the process ends only where the disk is full and nothing has moved for a while. Who ends it
 * where nothing has moved for very long is told of each sign of life (the farm's watchman): this thread looks at the
 * file, and may be stuck at that itself.
 */
#include "store/vigil.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/stillness.h"
#include "base/storage.h"
#include "base/ticker.h"
#include "store/change.h"

/* ---- The judgement ---- */

vigil_memory vigil_begin(const vigil_terms *terms, double now) {
    return (vigil_memory){.alive = now, .roomy = now, .looked = now, .word = terms->word};
}

vigil_verdict vigil_judge(vigil_memory *m, const vigil_terms *terms, const vigil_sight *sight) {
    const bool was_stopped = sight->now - m->looked > 10 * terms->tick; /* nor could anything move meanwhile */
    if (sight->signs != m->signs || was_stopped) {
        m->alive = sight->now;
        m->word = terms->word;
    }
    if (!sight->is_full)
        m->roomy = sight->now;
    m->signs = sight->signs;
    m->looked = sight->now;
    const double silence = sight->now - m->alive;
    if (silence >= terms->full && sight->now - m->roomy >= terms->full)
        return VIGIL_END;
    if (silence < m->word)
        return VIGIL_WAIT;
    m->word *= 2;
    return VIGIL_TELL;
}

/* ---- The thread ---- */

struct vigil {
    const char *path;
    int fd;
    bool tells;
    vigil_terms terms;
    const tf_store_life *life;
    tf_thread_life watched;
    vigil_memory memory;
    tf_ticker *ticker;
    unsigned works; /* how often the rank has said that it is at work; atomic */
    unsigned seen;  /* of these by the last look */
};

/* Others see by the file's date that this rank is at work, though it neither reads nor writes. */
static void show_work(vigil *v) {
    const unsigned works = __atomic_load_n(&v->works, __ATOMIC_RELAXED);
    if (works != v->seen && v->fd >= 0)
        futimens(v->fd, NULL);
    v->seen = works;
}

static vigil_sight see_signs(const vigil *v) {
    enum { FULL = 64 << 10 }; /* bytes: no room for metadata */
    struct stat info = {0};
    if (v->fd >= 0)
        fstat(v->fd, &info);
    const int64_t moved[] = {info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    return (vigil_sight){.now = tf_now(),
                         .signs = tf_thread_signs(&v->watched, tf_hash(moved, sizeof moved, 0), false),
                         .is_full = tf_free_bytes(v->path) < FULL};
}

static void tell_or_end(const vigil *v, vigil_verdict verdict, double silence) {
    char text[32];
    if (verdict == VIGIL_END) {
        tf_say("%s: the disk is full, and the file can't be finished: make room, and run the same command again",
               v->path);
        _exit(TF_ERR_RUN);
    }
    if (verdict == VIGIL_TELL && v->tells)
        tf_say("%s: nothing has been read or written for %s: the file system is slow, or a rank has been stopped; this "
               "run goes on waiting",
               v->path, tf_format_duration(silence, text));
}

/* It may take as long as what is waited for. */
static void look(const tf_ticker *ticker, void *context) {
    vigil *v = context;
    show_work(v);
    const vigil_sight sight = see_signs(v);
    if (v->life && sight.signs != v->memory.signs)
        v->life->moves(v->life->context);
    const vigil_verdict verdict = vigil_judge(&v->memory, &v->terms, &sight);
    if (!tf_ticker_is_over(ticker))
        tell_or_end(v, verdict, sight.now - v->memory.alive);
}

vigil *vigil_start(const char *path, int fd, bool tells, const vigil_terms *terms, const tf_store_life *life) {
    vigil *v = tf_alloc(sizeof *v);
    *v = (vigil){.path = path,
                 .fd = fd,
                 .tells = tells,
                 .terms = *terms,
                 .life = life,
                 .watched = tf_thread_life_of_this(),
                 .memory = vigil_begin(terms, tf_now())};
    v->ticker = tf_ticker_start(terms->tick, look, v);
    return v;
}

void vigil_end(vigil *v) {
    if (!v)
        return;
    tf_ticker_end(v->ticker);
    free(v);
}

/* ---- The store ---- */

void store_begin_vigil(tf_store *s) {
    static const vigil_terms terms = {.word = 60, .full = 60, .tick = 1};
    if (s->team.ranks > 1 && !s->vigil)
        s->vigil = vigil_start(s->path, s->fd, s->team.rank == 0, &terms, s->life);
}

void store_show_work(const tf_store *s) {
    if (s->vigil)
        __atomic_add_fetch(&s->vigil->works, 1, __ATOMIC_RELAXED);
}

void store_end_vigil(tf_store *s) {
    vigil_end(s->vigil);
    s->vigil = NULL;
}

/* The last line of an error's text says what the system has said; those before it, of MPICH, name functions. */
static const char *last_line(const char *text) {
    const char *last = strrchr(text, '\n');
    return last ? last + 1 : text;
}

/* MPI's handler of errors of the file. */
static void end_all(MPI_File *file, int *code, ...) {
    char reason[MPI_MAX_ERROR_STRING], host[256] = "";
    int length = 0, rank = 0;
    (void)file;
    MPI_Error_string(*code, reason, &length);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    gethostname(host, sizeof host - 1);
    tf_say("rank %d on %s can't read or write the output: %s; with the cause removed the same command line goes on",
           rank, host, last_line(reason));
    MPI_Abort(MPI_COMM_WORLD, (int)tf_err_of_storage(tf_storage_failure_in(reason)));
}

void store_guard(const tf_store *s, bool on) {
    MPI_File *file = NULL;
    MPI_Errhandler handler = MPI_ERRORS_RETURN;
    if (s->team.ranks == 1 || H5Iis_valid(s->file) <= 0 ||
        H5Fget_vfd_handle(s->file, H5P_DEFAULT, (void **)&file) < 0 || !file)
        return;
    if (on && MPI_File_create_errhandler(end_all, &handler) != MPI_SUCCESS)
        return;
    MPI_File_set_errhandler(*file, handler);
    if (on)
        MPI_Errhandler_free(&handler);
}
