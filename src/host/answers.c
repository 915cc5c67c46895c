/* Files that a command's columns are read from ("from": "file:r.txt"). A file that existed before the attempt is not
 * its answer, whether somebody put it there or an earlier attempt left it; but it is not ours to remove. So it is noted
 * which file exists before an attempt: if it is still the same afterwards, the attempt has not written it. Below
 * {scratch}, and among the task's outputs, no file exists before; an input may be read as it is. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/host.h"

static double seconds_of(const struct timespec *time) {
    return (double)time->tv_sec + 1e-9 * (double)time->tv_nsec;
}

/* Waits until a file that is written from now on gets another time than this one has. */
static void wait_for_tick(const struct stat *info) {
    const double tick = 0.02, coarse_tick = 1;
    const bool coarse = info->st_ctim.tv_nsec == 0 && info->st_mtim.tv_nsec == 0;
    const double step = coarse ? coarse_tick : tick, left = seconds_of(&info->st_ctim) + step - tf_wall();
    if (left > 0)
        poll(NULL, 0, (int)(1000 * (left < step ? left : step)) + 1);
}

static bool is_input(const host *h, const char *path) {
    tf_buf normal = {0};
    bool found = false;
    tf_files_normalize(h->campaign, path, &normal);
    for (size_t i = 0; i < h->inputs.count && !found; i++)
        found = strcmp(tf_paths_text(&h->inputs, i), tf_buf_text(&normal)) == 0;
    tf_buf_free(&normal);
    return found;
}

static size_t most_columns(const tf_campaign *campaign) {
    int most = 0;
    for (int s = 0; s < campaign->stages; s++)
        most = campaign->stage[s].columns > most ? campaign->stage[s].columns : most;
    return (size_t)most;
}

void answers_before(host *h, const tf_point *point) {
    tf_buf path = {0};
    for (int c = 0; c < h->spec->columns; c++) {
        if (!h->spec->column[c].file)
            continue;
        if (!h->answer)
            h->answer = tf_alloc_array(most_columns(h->campaign), sizeof *h->answer);
        tf_buf_clear(&path);
        tf_template_expand(h->spec->column[c].file, point, &path);
        h->answer[c] = (struct stat){0};
        if (stat(tf_buf_text(&path), &h->answer[c]) == 0)
            wait_for_tick(&h->answer[c]);
    }
    tf_buf_free(&path);
}

static bool is_same_time(const struct timespec *a, const struct timespec *b) {
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool answers_is_new(const host *h, int column, const char *path) {
    const struct stat *before = &h->answer[column];
    struct stat now;
    const bool same = before->st_nlink > 0 && stat(path, &now) == 0 && now.st_dev == before->st_dev &&
                      now.st_ino == before->st_ino && now.st_size == before->st_size &&
                      is_same_time(&now.st_mtim, &before->st_mtim) && is_same_time(&now.st_ctim, &before->st_ctim);
    return !same || is_input(h, path);
}
