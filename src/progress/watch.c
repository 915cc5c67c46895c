/* A run that is seen: its progress on stderr, and its heartbeat beside the output. */
#include <stdio.h>

#include "progress/progress.h"

typedef struct watchers {
    tf_progress *progress;
    tf_heartbeat *heartbeat; /* NULL on other ranks than the first */
} watchers;

static void warn(void *context, const char *text) {
    tf_progress_warn(((const watchers *)context)->progress, text);
}

static void show(void *context, const tf_farm_progress *now) {
    const watchers *w = context;
    tf_progress_update(w->progress, now);
    tf_heartbeat_update(w->heartbeat, now, tf_progress_rate(w->progress));
}

tf_err tf_watch_run(const tf_farm_options *farm, tf_progress_style style, tf_farm_result *result, tf_error *error) {
    watchers w = {.progress = tf_progress_new(style, stderr)};
    if (farm->campaign)
        w.heartbeat = tf_heartbeat_new(farm->campaign->output);
    tf_farm_options watched = *farm;
    watched.on_progress = show;
    watched.on_warning = warn;
    watched.context = &w;
    tf_err err = tf_farm_run(&watched, result, error);
    tf_progress_free(w.progress);
    tf_heartbeat_free(w.heartbeat);
    return err;
}
