/* Before anything runs: do the interpreter and the files of a Python function exist? A stage that comes before this one
 * may write the function's file, as it may a script; common values are read before anything runs. */
#include "host/preflight.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Is nothing there? What is there and can't be read is found out by who reads it. */
static bool is_missing(const char *path) {
    struct stat info;
    return stat(path, &info) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

static void check_file(const tf_stage_spec *stage, const char *member, const char *path, tf_diags *diags) {
    tf_buf text = {0};
    tf_buf_addf(&text, "there is no file %s", path);
    if (*path && is_missing(path))
        preflight_diagnose(diags, stage, member, TF_DIAG_FILE_MISSING, tf_buf_text(&text));
    tf_buf_free(&text);
}

void preflight_python(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags) {
    (void)program;
    const tf_python_spec *python = stage->run.python;
    preflight_program(stage, "interpreter", diags);
    if (stage->afters == 0)
        check_file(stage, "python", python->target.file, diags);
    if (stage->afters == 0 && python->init.text && strcmp(python->init.file, python->target.file) != 0)
        check_file(stage, "init", python->init.file, diags);
    for (int n = 0; n < python->commons; n++) {
        tf_buf member = {0};
        tf_buf_addf(&member, "common/%s", python->common[n].name);
        check_file(stage, tf_buf_text(&member), python->common[n].path, diags);
        tf_buf_free(&member);
    }
}

bool preflight_lacks_python(const tf_stage_spec *stage) {
    const tf_python_spec *python = stage->run.python;
    return python && (is_missing(*python->target.file ? python->target.file : ".") ||
                      is_missing(python->init.text && *python->init.file ? python->init.file : "."));
}
