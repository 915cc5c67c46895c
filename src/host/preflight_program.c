/* Before anything runs: does the program exist? */
#include "host/preflight.h"
#include "host/process.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void preflight_diagnose(tf_diags *diags, const tf_stage_spec *stage, const char *member, tf_diag_id id,
                        const char *text) {
    char pointer[200];
    snprintf(pointer, sizeof pointer, "%s/run/%s", stage->pointer, member);
    tf_diags_add(diags, pointer, id, "%s", text);
}

/* A template's text if it is the same for every task; NULL otherwise. Owned by `out`. */
static const char *constant(const tf_template *template, tf_buf *out) {
    if (!template || !tf_template_is_constant(template))
        return NULL;
    tf_template_expand(template, &(tf_point){0}, out);
    return tf_buf_text(out);
}

/* Finds the PATH of the stage's tasks, which "env" may set; `out` owns it. false: each task has its own. */
static bool find_path(const tf_run_spec *run, tf_buf *out, const char **path) {
    *path = getenv("PATH");
    for (int e = 0; e < run->envc; e++)
        if (strcmp(run->env[e].name, "PATH") == 0) {
            *path = constant(run->env[e].value, out);
            return *path != NULL;
        }
    return true;
}

static bool has_relative_element(const char *path) {
    bool relative = *path != '/';
    for (const char *colon = path; (colon = strchr(colon, ':')); colon++)
        relative = relative || colon[1] != '/';
    return relative;
}

/* Adds to `text` what is wrong with the program. `folder`: where it starts; NULL: another one for each task. */
static void check_program(const tf_run_spec *run, const char *program, const char *folder, tf_buf *text) {
    tf_buf file = {0}, own = {0};
    const char *path;
    if (!*program) {
        tf_buf_adds(text, "the program's name is empty");
    } else if (strchr(program, '/')) {
        if (*program != '/' && folder && *folder)
            tf_buf_addf(&file, "%s/", folder);
        tf_buf_adds(&file, program);
        const int failure = *program == '/' || folder ? program_check(tf_buf_text(&file)) : 0;
        if (failure)
            tf_buf_addf(text, "can't run %s: %s", program,
                        failure == EACCES ? "it is not an executable file" : "there is no such file");
    } else if (find_path(run, &own, &path) && (folder || (path && !has_relative_element(path)))) {
        if (program_find(program, path, folder ? folder : "", &file) != 0)
            tf_buf_addf(text, "there is no program \"%s\" in PATH%s", program, own.length ? " as \"env\" sets it" : "");
    }
    tf_buf_free(&own);
    tf_buf_free(&file);
}

void preflight_program(const tf_stage_spec *stage, const char *member, tf_diags *diags) {
    const tf_run_spec *run = &stage->run;
    tf_buf cwd = {0}, name = {0}, text = {0};
    const char *folder = run->cwd ? constant(run->cwd, &cwd) : "";
    struct stat info;
    if (folder && *folder && (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))) {
        tf_buf_addf(&text, "there is no folder %s", folder);
        preflight_diagnose(diags, stage, "cwd", TF_DIAG_FILE_MISSING, tf_buf_text(&text));
    }
    const char *program = !run->is_shell && run->argc ? constant(run->argv[0], &name) : NULL;
    tf_buf_clear(&text);
    if (program)
        check_program(run, program, folder, &text);
    if (text.length)
        preflight_diagnose(diags, stage, member, TF_DIAG_PROGRAM_MISSING, tf_buf_text(&text));
    tf_buf_free(&cwd);
    tf_buf_free(&name);
    tf_buf_free(&text);
}
