/* taskfarm report: a page of all that there is to see of a campaign, or its tasks in time as a trace. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/destination.h"
#include "cli/formats.h"

/* sweep.h5 -> sweep.html, where the user stands */
static const char *default_name(const options *o, const tf_format *format) {
    const char *slash = strrchr(o->manifest, '/'), *name = slash ? slash + 1 : o->manifest;
    const char *dot = strrchr(name, '.');
    const int length = dot && dot > name ? (int)(dot - name) : (int)strlen(name);
    return tf_arena_printf(o->arena, "%.*s.%s", length, name, format->suffix);
}

int cli_report(const options *o) {
    const tf_format *format = cli_find_format(tf_report_formats(), o->format);
    if (!format)
        return TF_ERR_USAGE;
    const char *path = o->output ? o->output : default_name(o, format);
    const char *full = cli_absolute(o->arena, path); /* the process is going to change its folder */
    if (!full)
        return TF_ERR_USAGE;
    recalled r;
    tf_error error = {0};
    int status = cli_recall(o, &r);
    if (status != TF_OK)
        return status;
    destination to;
    tf_err err = destination_open(&to, path, full, false, &r, &error);
    if (err == TF_OK) {
        err = format->write(to.file, &r.it, &(tf_export_options){.path = r.path}, &error);
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
