/* Progress: done/total, failed, tasks a second, remaining time. The rate is that of the last half minute or so, so that
 * the remaining time follows when tasks become slower. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progress/progress.h"

#define RATE_MEMORY  30.0 /* s */
#define BAR_INTERVAL 0.1  /* s */

struct tf_progress {
    tf_progress_style style;
    FILE *out;
    double drawn;    /* when something was last shown; times are s since the run began */
    double interval; /* s to the next line */
    double seen;     /* when the last update was */
    int64_t ended;   /* tasks that had ended then */
    double weight;   /* seconds, those long ago counting less */
    double weighted; /* tasks that ended in these seconds, likewise */
    bool on_screen;  /* a bar is */
    bool stopping;   /* it has been said that the run stops */
};

tf_progress *tf_progress_new(tf_progress_style style, FILE *out) {
    tf_progress *p = tf_alloc(sizeof *p);
    *p = (tf_progress){.style = style, .out = out, .interval = 1};
    if (style == TF_PROGRESS_AUTO)
        p->style = isatty(fileno(out)) ? TF_PROGRESS_BAR : TF_PROGRESS_PLAIN;
    return p;
}

static void count_rate(tf_progress *p, const tf_farm_progress *now) {
    double span = now->elapsed - p->seen;
    if (span <= 0)
        return;
    if (p->seen == 0)
        p->ended = now->reused; /* no work of this run */
    double fade = exp(-span / RATE_MEMORY);
    p->weight = p->weight * fade + span;
    p->weighted = p->weighted * fade + (double)(now->done + now->failed - p->ended);
    p->seen = now->elapsed;
    p->ended = now->done + now->failed;
}

double tf_progress_rate(const tf_progress *p) {
    return p->weight > 0 ? p->weighted / p->weight : 0;
}

static int64_t all_tasks(const tf_farm_progress *now) {
    return now->tasks - now->withheld - now->skipped;
}

double tf_progress_left(const tf_farm_progress *now, double rate) {
    int64_t left = all_tasks(now) - now->done - now->failed;
    return left == 0 ? 0 : rate > 0 ? (double)left / rate : -1;
}

/* "420 000/1 000 000  3 failed  12 345/s  1m10s left" */
static void describe_progress(const tf_progress *p, const tf_farm_progress *now, tf_buf *out) {
    char done[32], tasks[32], failed[32], rate_text[32], left[32];
    int64_t ended = now->done + now->failed, all = all_tasks(now);
    double rate = tf_progress_rate(p);
    tf_buf_addf(out, "%s/%s", tf_format_count(ended, done), tf_format_count(all, tasks));
    if (now->failed)
        tf_buf_addf(out, "  %s failed", tf_format_count(now->failed, failed));
    if (rate >= 10)
        tf_buf_addf(out, "  %s/s", tf_format_count((int64_t)rate, rate_text));
    else if (rate > 0)
        tf_buf_addf(out, "  %.2g/s", rate);
    if (rate > 0 && ended < all)
        tf_buf_addf(out, "  %s left", tf_format_duration(tf_progress_left(now, rate), left));
}

static void draw_bar(tf_progress *p, const tf_farm_progress *now) {
    enum { NARROWEST = 10, WIDEST = 50 };
    struct winsize window;
    size_t width = ioctl(fileno(p->out), TIOCGWINSZ, &window) == 0 && window.ws_col > 0 ? window.ws_col : 80;
    int64_t all = all_tasks(now);
    double share = all ? (double)(now->done + now->failed) / (double)all : 1;
    tf_buf text = {0};
    describe_progress(p, now, &text);
    tf_buf line = {0};
    tf_buf_addf(&line, "\r\033[K%3d%% ", (int)(100 * share));
    if (width > text.length + NARROWEST + 9) {
        size_t room = width - text.length - 9;
        room = room > WIDEST ? WIDEST : room;
        tf_buf_addc(&line, '[');
        for (size_t i = 0; i < room; i++)
            tf_buf_addc(&line, (double)i < share * (double)room ? '=' : ' ');
        tf_buf_adds(&line, "] ");
    }
    tf_buf_adds(&line, tf_buf_text(&text));
    tf_print_bytes(p->out, line.data, line.length);
    fflush(p->out);
    p->on_screen = true;
    p->drawn = now->elapsed;
    tf_buf_free(&line);
    tf_buf_free(&text);
}

/* After 1 s, then 2, 5, 10, 20, 50 s ..., at last every ten minutes. */
static double next_interval(double interval) {
    double next = interval * (fmod(log10(interval), 1) > 0.2 && fmod(log10(interval), 1) < 0.5 ? 2.5 : 2);
    return next > 600 ? 600 : next;
}

static void print_line(tf_progress *p, const tf_farm_progress *now) {
    tf_buf text = {0};
    describe_progress(p, now, &text);
    tf_print(p->out, "taskfarm: %s\n", tf_buf_text(&text));
    fflush(p->out);
    p->drawn = now->elapsed;
    p->interval = next_interval(p->interval);
    tf_buf_free(&text);
}

void tf_progress_warn(tf_progress *p, const char *text) {
    if (p->on_screen)
        tf_print(p->out, "\r\033[K");
    p->on_screen = false;
    tf_print(p->out, "taskfarm: %s\n", text);
    fflush(p->out);
}

static void say_stopping(tf_progress *p, const tf_farm_progress *now) {
    char why[64] = "--walltime", running[32], text[300];
    p->stopping = true;
    if (now->stopping == TF_FARM_SILENCE) /* all has been said */
        return;
    if (now->stopping > 0)
        tf_format_signal(now->stopping, why);
    else if (now->stopping == TF_FARM_LOSS)
        snprintf(why, sizeof why, "the rank that is lost");
    else if (now->stopping == TF_FARM_SICK)
        snprintf(why, sizeof why, "workers that are sick");
    else if (now->stopping == TF_FARM_CALLER)
        snprintf(why, sizeof why, "--stop-with");
    snprintf(text, sizeof text, "stopping because of %s: tasks that have begun may end (%s are granted); %s at once",
             why, tf_format_count(now->running, running),
             now->stopping == SIGINT ? "press ctrl-C again to end them" : "another signal ends them");
    tf_progress_warn(p, text);
}

void tf_progress_update(tf_progress *p, const tf_farm_progress *now) {
    if (now->stopping && !p->stopping && p->style != TF_PROGRESS_NONE)
        say_stopping(p, now);
    count_rate(p, now);
    double since = now->elapsed - p->drawn;
    if (p->style == TF_PROGRESS_BAR && since >= BAR_INTERVAL)
        draw_bar(p, now);
    else if (p->style == TF_PROGRESS_PLAIN && since >= p->interval && now->finished < now->stages)
        print_line(p, now);
}

void tf_progress_free(tf_progress *p) {
    if (!p)
        return;
    if (p->on_screen)
        tf_print(p->out, "\r\033[K");
    free(p);
}
