/* Room on the disk is looked for before anything is written to it: a stage that does not fit should fail now, not in
 * the night. In a change of metadata one rank whose write fails ends the run, so that is seen to before as well. And
 * rows are written faster to blocks that are the file's. Where the file system can't reserve, nothing is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "store/change.h"
#include "store/meet.h"
#include "store/stage_tables.h"

/* ---- How long the file may become ---- */

typedef struct extent {
    int64_t first, end; /* bytes of the file */
} extent;

void store_learn_limit(tf_store *s) {
    struct rlimit limit;
    const bool is_limited = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < INT64_MAX;
    const int64_t mine = is_limited ? (int64_t)limit.rlim_cur : INT64_MAX;
    s->limit = store_min(s, mine);
    s->limited = (int)store_min(s, mine == s->limit ? s->team.rank : s->team.ranks);
}

static tf_err too_long(const tf_store *s, int stage, int64_t length, tf_error *error) {
    char needed[32], most[32];
    return tf_error_set_as(
        error, TF_ERR_RUN, TF_DIAG_DISK_FULL,
        "%s: with stage \"%s\" it has %s, and rank %d may write no file of more than %s: raise ulimit -f", s->path,
        s->campaign->stage[stage].name, tf_format_size(length, needed), s->limited, tf_format_size(s->limit, most));
}

/* The dataset's bytes in the file; none: first and end are the same. */
static extent place_of(const table *t) {
    contents_table place;
    h5_fault fault = {0};
    if (t->dataset <= 0 || !contents_place(t->dataset, &place, &fault) || place.offset < 0)
        return (extent){0, 0};
    return (extent){place.offset, place.offset + place.rows * place.row_bytes};
}

tf_err store_check_length(const tf_store *s, int stage, const table *t, tf_error *error) {
    const int64_t end = s->team.rank == 0 ? place_of(t).end : 0;
    return end > s->limit ? too_long(s, stage, end, error) : TF_OK;
}

/* ---- Room ---- */

enum {
    DESCRIPTION = 4 << 10, /* bytes of metadata a dataset, about */
    BEHIND = 16 << 10,     /* bytes of metadata behind the last dataset, about */
    SMALL = 1 << 20        /* a gap between datasets that is not larger holds metadata */
};

/* What a stage's datasets need, and whether it could be had. */
typedef struct reservation {
    int fd;
    extent *list;
    int count;
    int64_t bytes; /* of all extents together */
    int64_t end;   /* where the last of them ends */
    int failure;   /* errno of the first extent that could not be reserved; 0: all could */
} reservation;

static bool is_full(int failure) {
    return failure == ENOSPC || failure == EDQUOT || failure == EFBIG;
}

static tf_err refuse(const tf_store *s, int stage, int64_t needed, int64_t there, int failure, tf_error *error) {
    char some[32], all[32];
    return tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(failure),
                           "%s: stage \"%s\" needs %s, and %s are free: %s", s->path, s->campaign->stage[stage].name,
                           tf_format_size(needed, some), tf_format_size(there, all), strerror(failure));
}

static void reserve_part(reservation *r, int64_t first, int64_t end) {
    if (r->failure == 0 && end > first &&
        fallocate(r->fd, FALLOC_FL_KEEP_SIZE, (off_t)first, (off_t)(end - first)) != 0)
        r->failure = errno;
}

static void add_table(void *context, const char *folder, const char *name, table *t) {
    (void)folder, (void)name;
    reservation *r = context;
    const extent place = place_of(t);
    if (place.end == place.first)
        return;
    r->bytes += place.end - place.first;
    r->end = place.end > r->end ? place.end : r->end;
    r->list[r->count++] = place;
}

static int by_place(const void *a, const void *b) {
    const int64_t first = ((const extent *)a)->first, second = ((const extent *)b)->first;
    return (first > second) - (first < second);
}

/* Are so many bytes more than the disk has, and the file already? Asked before all of it is reserved: what is reserved
 * in vain is missed by others meanwhile. */
static bool is_beyond(const reservation *r, int64_t there) {
    struct stat info;
    const int64_t own = fstat(r->fd, &info) == 0 ? (int64_t)info.st_blocks * 512 : 0;
    return r->bytes > own && r->bytes - own > there;
}

/* The datasets, and the metadata between them and behind them. Where the file system can't reserve, it may take up
 * less room than it says. */
static void reserve_parts(reservation *r, int64_t there) {
    qsort(r->list, (size_t)r->count, sizeof *r->list, by_place);
    if (r->count)
        reserve_part(r, r->list[0].first, r->list[0].first + 1);
    if (r->failure == 0 && is_beyond(r, there))
        r->failure = ENOSPC;
    for (int i = 0; i < r->count; i++) {
        const int64_t next = i + 1 < r->count ? r->list[i + 1].first : r->list[i].end + BEHIND;
        const bool has_metadata = next > r->list[i].end && next - r->list[i].end <= SMALL;
        reserve_part(r, r->list[i].first, has_metadata ? next : r->list[i].end);
    }
}

tf_err store_reserve(const tf_store *s, int stage, tf_error *error) {
    const tf_stage_spec *spec = &s->campaign->stage[stage];
    if (s->team.rank != 0 || s->fd < 0)
        return TF_OK;
    const int64_t there = tf_free_bytes(s->path);
    const size_t axes = (size_t)tf_space_params(spec->space);
    reservation r = {.fd = s->fd, .list = tf_alloc_array((size_t)store_most_tables(spec) + axes, sizeof *r.list)};
    store_each_table(s, stage, add_table, &r);
    for (size_t p = 0; p < axes && s->stage[stage].axis; p++)
        add_table(&r, "axes", NULL, &s->stage[stage].axis[p]);
    const bool fits = r.end <= s->limit;
    if (fits)
        reserve_parts(&r, there);
    free(r.list);
    if (!fits)
        return too_long(s, stage, r.end, error);
    return is_full(r.failure) ? refuse(s, stage, r.bytes, there, r.failure, error) : TF_OK;
}

tf_err store_make_room(const tf_store *s, int stage, int datasets, tf_error *error) {
    const int64_t needed = (int64_t)(datasets + 1) * DESCRIPTION;
    const int64_t there = s->team.rank == 0 ? tf_free_bytes(s->path) : INT64_MAX;
    tf_err err = there < needed ? refuse(s, stage, needed, there, ENOSPC, error) : TF_OK;
    return store_agree(s, err, error);
}
