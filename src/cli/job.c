/* taskfarm job: a batch script for the campaign: one of those in jobs/, which are a part of the program, with the three
 * lines filled in that are the user's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/diagnose.h"
#include "cli/job.h"
#include "cli/piped.h"

const char *job_system(int number) {
    return batch_systems()[number].name;
}

/* One that there is: the command line has been checked. */
static const batch_system *find_system(const char *name) {
    const batch_system *system = batch_systems();
    while (strcmp(system->name, name) != 0)
        system++;
    return system;
}

/* In whole minutes, no fewer. */
static void add_time(const batch_system *system, double seconds, tf_buf *out) {
    const long minutes = (long)ceil(seconds / 60);
    switch (system->how) {
    case HOURS_MINUTES_SECONDS: tf_buf_addf(out, "%02ld:%02ld:00", minutes / 60, minutes % 60); break;
    case HOURS_MINUTES: tf_buf_addf(out, "%ld:%02ld", minutes / 60, minutes % 60); break;
    case MINUTES: tf_buf_addf(out, "%ldm", minutes); break;
    }
}

/* The line with another number in the place of that behind `prefix`, and what is behind that. */
static bool fill_nodes(const char *line, size_t length, const char *prefix, int nodes, tf_buf *out) {
    const size_t head = strlen(prefix);
    if (strncmp(line, prefix, head) != 0)
        return false;
    const size_t digits = strspn(line + head, "0123456789");
    tf_buf_addf(out, "%s%d", prefix, nodes);
    tf_buf_add(out, line + head + digits, length - head - digits);
    return true;
}

static void fill_line(const options *o, const batch_system *system, const char *line, size_t length, tf_buf *out) {
    static const char manifest[] = "manifest=";
    if (o->nodes > 0 && fill_nodes(line, length, system->nodes, o->nodes, out))
        return;
    if (o->time > 0 && strncmp(line, system->time, strlen(system->time)) == 0) {
        tf_buf_adds(out, system->time);
        add_time(system, o->time, out);
    } else if (strncmp(line, manifest, sizeof manifest - 1) == 0) {
        tf_buf_adds(out, manifest);
        tf_buf_add_quoted(out, o->manifest);
    } else {
        tf_buf_add(out, line, length);
    }
}

/* Batch systems take a number alone as minutes. */
static void say_unit(const char *time) {
    if (time && time[strspn(time, "0123456789.")] == '\0')
        tf_say("--time %s: are seconds; %sm are minutes", time, time);
}

int cli_job(const options *o) {
    const batch_system *system = find_system(o->kind);
    loaded l;
    if (cli_is_piped(o->manifest))
        return cli_usage_error("%s: comes from a pipe, which is gone when the job starts: write it to a file",
                               o->manifest);
    cli_load(o, &l); /* better now than when the job starts */
    const bool right = l.it.campaign != NULL;
    if (!right)
        tf_print_text(stderr, tf_buf_text(&l.it.diags.lines), l.it.diags.lines.length);
    tf_buf text = {0};
    for (const char *line = system->script; *line && right;) {
        const size_t length = strcspn(line, "\n");
        fill_line(o, system, line, length, &text);
        tf_buf_addc(&text, '\n');
        line += length + (line[length] == '\n');
    }
    tf_print_text(stdout, tf_buf_text(&text), text.length);
    if (right)
        say_unit(o->time_text);
    tf_buf_free(&text);
    cli_unload(&l);
    return right ? TF_OK : TF_ERR_USAGE;
}
