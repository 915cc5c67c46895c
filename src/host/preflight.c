/* Before anything runs: are the programs, libraries and functions there? Libraries are loaded in a child, for whatever
 * their constructors may do. */
#include "host/plugin.h"
#include "host/process.h"
#include "host/run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void complain_run(tf_diags *diags, const tf_stage_spec *stage, const char *member, const char *text) {
    char pointer[200];
    snprintf(pointer, sizeof pointer, "%s/run/%s", stage->pointer, member);
    tf_diags_add(diags, pointer, "%s", text);
}

/* ---- Programs ---- */

/* A template's text if it is the same for every task; NULL otherwise. Owned by `out`. */
static const char *constant(const tf_template *template, tf_buf *out) {
    if (!template || !tf_template_is_constant(template))
        return NULL;
    tf_template_expand(template, &(tf_point){0}, out);
    return tf_buf_text(out);
}

/* The PATH of its tasks: what "env" makes of it. false: each task has its own. `out` owns it. */
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

/* What is wrong with it goes to `text`. `folder`: NULL if it is another one for each task. */
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

static void check_command(const tf_stage_spec *stage, tf_diags *diags) {
    const tf_run_spec *run = &stage->run;
    tf_buf cwd = {0}, name = {0}, text = {0};
    const char *folder = run->cwd ? constant(run->cwd, &cwd) : "";
    struct stat info;
    if (folder && *folder && (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))) {
        tf_buf_addf(&text, "there is no folder %s", folder);
        complain_run(diags, stage, "cwd", tf_buf_text(&text));
    }
    const char *program = run->kind != TF_RUN_SHELL && run->argc ? constant(run->argv[0], &name) : NULL;
    tf_buf_clear(&text);
    if (program)
        check_program(run, program, folder, &text);
    if (text.length)
        complain_run(diags, stage, run->kind == TF_RUN_SERVICE ? "service/0" : "command/0", tf_buf_text(&text));
    tf_buf_free(&cwd);
    tf_buf_free(&name);
    tf_buf_free(&text);
}

/* ---- Functions ---- */

static void check_function(const tf_stage_spec *stage, const tf_function *program, tf_diags *diags) {
    int channel[2];
    if (pipe(channel) != 0)
        return; /* the run will say so */
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        plugin_functions functions;
        tf_error error = {0};
        close(channel[0]);
        if (plugin_open(&stage->run, program, -1, &functions, &error) != TF_OK &&
            write(channel[1], error.text, strlen(error.text)) < 0)
            _exit(1);
        _exit(0);
    }
    close(channel[1]);
    char text[1000] = "";
    size_t length = 0;
    ssize_t got;
    while (pid > 0 && length < sizeof text - 1 &&
           (got = read(channel[0], text + length, sizeof text - 1 - length)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    close(channel[0]);
    int status = pid > 0 ? tf_child_wait(pid) : 0;
    if (length)
        complain_run(diags, stage, "function", text);
    else if (WIFSIGNALED(status)) {
        char reason[64], message[200];
        snprintf(message, sizeof message, "loading %s: killed by %s", stage->run.library,
                 tf_format_signal(WTERMSIG(status), reason));
        complain_run(diags, stage, "function", message);
    }
}

void tf_host_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags) {
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        if (stage->run.kind == TF_RUN_FUNCTION)
            check_function(stage, program, diags);
        else if (stage->run.kind != TF_RUN_EXPR)
            check_command(stage, diags);
    }
}
