/* A run that is seen: its progress on stderr, and its heartbeat beside the output. */
#include <stdio.h>

#include "progress/events.h"

#define EVENT_INTERVAL 0.5 /* s */

typedef struct watchers {
    tf_progress *progress;
    tf_heartbeat *heartbeat; /* NULL on other ranks than the first */
    FILE *events;            /* NULL: no program listens */
    bool is_silent;          /* progress is told to nobody */
    double told;             /* when programs were last told, tf_now() */
} watchers;

static void warn(void *context, const char *id, const char *text) {
    const watchers *w = context;
    if (w->events)
        event_warn(w->events, id, text);
    else
        tf_progress_warn(w->progress, text);
}

static void show(void *context, const tf_farm_progress *now) {
    watchers *w = context;
    tf_progress_update(w->progress, now);
    const double rate = tf_progress_rate(w->progress);
    tf_heartbeat_update(w->heartbeat, now, rate);
    if (!w->events || w->is_silent || tf_now() - w->told < EVENT_INTERVAL)
        return;
    w->told = tf_now();
    event_progress(w->events, now, rate);
}

tf_err tf_watch_run(const tf_farm_options *farm, tf_progress_style style, FILE *events, tf_farm_result *result,
                    tf_error *error) {
    const bool is_for_people = !events || style != TF_PROGRESS_AUTO;
    watchers w = {.progress = tf_progress_new(is_for_people ? style : TF_PROGRESS_NONE, stderr),
                  .events = events,
                  .is_silent = style == TF_PROGRESS_NONE};
    if (events)
        tf_event_begin(events);
    if (farm->campaign)
        w.heartbeat = tf_heartbeat_new(farm->campaign);
    tf_farm_options watched = *farm;
    watched.on_progress = show;
    watched.on_warning = warn;
    watched.context = &w;
    tf_err err = tf_farm_run(&watched, result, error);
    tf_progress_free(w.progress);
    tf_heartbeat_free(w.heartbeat);
    return err;
}
