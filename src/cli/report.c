/* taskfarm report: a page of all that there is to see of a campaign, or its tasks in time as a trace. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/destination.h"

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
    destination to;
    tf_err err = destination_open(&to, path, full, &r, &error);
    if (err == TF_OK) {
        err = trace ? tf_report_trace(to.file, &r.it, &error) : tf_report_page(to.file, &r.it, r.path, &error);
        if (err != TF_OK)
            tf_error_context(&error, "%s", path);
        err = destination_close(&to, err, &error);
    }
    if (err != TF_OK)
        tf_say("%s", error.text);
    else
        tf_print(stdout, "%s\n", path);
    cli_forget(&r);
    return (int)err;
}
