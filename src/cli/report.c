/* taskfarm report: a page of all that there is to see of a campaign, or its tasks in time as a trace. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

/* sweep.h5 -> sweep.html, where the user stands */
static const char *default_name(const options *o, bool trace) {
    const char *slash = strrchr(o->manifest, '/'), *name = slash ? slash + 1 : o->manifest;
    const char *dot = strrchr(name, '.');
    const int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    return tf_arena_printf(o->arena, "%.*s.%s", length, name, trace ? "trace.json" : "html");
}

int cli_report(const options *o) {
    const bool trace = o->format && strcmp(o->format, "trace") == 0;
    if (o->format && !trace && strcmp(o->format, "html") != 0)
        return cli_usage_error("--format %s: must be html or trace", o->format);
    const char *path = o->output ? o->output : default_name(o, trace);
    char *here = getcwd(NULL, 0); /* the process is going to change its folder */
    const char *full = *path == '/' || !here ? path : tf_arena_printf(o->arena, "%s/%s", here, path);
    free(here);
    recalled r;
    tf_error error = {0};
    int status = cli_recall(o, &r);
    if (status != TF_OK)
        return status;
    FILE *out = fopen(full, "w");
    tf_err err = TF_OK;
    if (!out)
        err = tf_error_set(&error, TF_ERR_RUN, "%s", strerror(errno));
    else if (trace)
        err = tf_report_trace(out, &r.it, &error);
    else
        err = tf_report_page(out, &r.it, r.path, &error);
    if (out && fclose(out) != 0 && err == TF_OK)
        err = tf_error_set(&error, TF_ERR_RUN, "can't be written: %s", strerror(errno));
    if (err != TF_OK)
        fprintf(stderr, "taskfarm: %s: %s\n", path, error.text);
    else
        printf("%s\n", path);
    cli_forget(&r);
    return (int)err;
}
