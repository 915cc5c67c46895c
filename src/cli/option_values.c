/* How the values of options are read and stored. */
#include "cli/diagnose.h"
#include "cli/here.h"
#include "cli/options.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *member(options *o, const option_spec *spec) {
    return (char *)o + spec->at;
}

int option_set_flag(options *o, const option_spec *spec, const char *value) {
    (void)value;
    *(bool *)member(o, spec) = true;
    return TF_OK;
}

int option_set_text(options *o, const option_spec *spec, const char *value) {
    *(const char **)member(o, spec) = value;
    return TF_OK;
}

/* Relative to where the user stands, not to the work folder. */
int option_set_path(options *o, const option_spec *spec, const char *value) {
    const char *path = *value ? cli_absolute(o->arena, value) : value;
    *(const char **)member(o, spec) = path;
    return path ? TF_OK : TF_ERR_USAGE;
}

int option_set_integer(options *o, const option_spec *spec, const char *value) {
    int64_t number;
    if (!tf_parse_int(value, &number) || number < 1 || number > spec->most)
        return cli_usage_error("--%s %s: must be an integer from 1 to %lld", spec->name, value, (long long)spec->most);
    *(int *)member(o, spec) = (int)number;
    return TF_OK;
}

int option_set_descriptor(options *o, const option_spec *spec, const char *value) {
    int64_t number;
    if (!tf_parse_int(value, &number) || number < 0 || number > INT_MAX || number == 1 || number == 2)
        return cli_usage_error("--%s %s: must be 0, for standard input, or a file descriptor from 3 on", spec->name,
                               value);
    if (tf_launch_rank() == 0 && fcntl((int)number, F_GETFD) < 0)
        return cli_usage_error("--%s %s: no file is open as that descriptor", spec->name, value);
    int *own = tf_arena_alloc(o->arena, sizeof *own);
    *own = (int)number;
    *(const int **)member(o, spec) = own;
    return TF_OK;
}

static int set_time(options *o, const option_spec *spec, const char *value, bool may_be_none) {
    double *seconds = member(o, spec);
    if (may_be_none && strcmp(value, "0") == 0)
        *seconds = 0;
    else if (!tf_parse_duration(value, seconds) && !tf_parse_clock(value, seconds))
        return cli_usage_error("--%s %s: must be a time, as in 30, 30s, 5m, 2h, 1:30:00 or 2-12:00:00%s", spec->name,
                               value, may_be_none ? ", or 0" : "");
    if (*seconds > TF_LONGEST_TIME)
        return cli_usage_error("--%s %s: must be at most %d s, which are 31 years", spec->name, value, TF_LONGEST_TIME);
    return TF_OK;
}

int option_set_time(options *o, const option_spec *spec, const char *value) {
    return set_time(o, spec, value, false);
}

int option_set_job_time(options *o, const option_spec *spec, const char *value) {
    o->time_text = value;
    return option_set_time(o, spec, value);
}

int option_set_time_or_none(options *o, const option_spec *spec, const char *value) {
    return set_time(o, spec, value, true);
}

int option_set_choice(options *o, const option_spec *spec, const char *value) {
    int count = 0;
    for (; spec->word(count); count++) {
        if (strcmp(value, spec->word(count)) == 0) {
            *(int *)member(o, spec) = count;
            return TF_OK;
        }
    }
    tf_buf choices = {0};
    for (int n = 0; n < count; n++)
        tf_buf_add_choice(&choices, spec->word(n), n, count);
    const int status = cli_usage_error("--%s %s: must be %s", spec->name, value, tf_buf_text(&choices));
    tf_buf_free(&choices);
    return status;
}

int option_add_setting(options *o, const option_spec *spec, const char *value) {
    (void)spec;
    o->set[o->sets++] = value;
    return TF_OK;
}

int option_add_force(options *o, const option_spec *spec, const char *value) {
    (void)spec;
    o->force[o->forces++] = value;
    return TF_OK;
}

int option_add_target(options *o, const option_spec *spec, const char *value) {
    (void)spec;
    o->target[o->targets++] = value;
    return TF_OK;
}
