/* Before anything runs: are the programs, libraries and functions there? Libraries are loaded in a child, for whatever
 * their constructors may do. */
#include "exec/exec.h"
#include "exec/plugin.h"

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

static bool is_program(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static bool is_in_path(const char *name) {
    const char *path = getenv("PATH");
    if (!path)
        path = "/usr/bin:/bin";
    char candidate[4096];
    while (*path) {
        size_t length = strcspn(path, ":");
        snprintf(candidate, sizeof candidate, "%.*s/%s", (int)length, length ? path : ".", name);
        if (is_program(candidate))
            return true;
        path += length + (path[length] == ':');
    }
    return false;
}

/* A template's text if it is the same for every task; NULL otherwise. Owned by `out`. */
static const char *constant(const tf_template *template, tf_buf *out) {
    if (!template || !tf_template_is_constant(template))
        return NULL;
    tf_template_expand(template, &(tf_point){0}, out);
    return tf_buf_text(out);
}

static void check_command(const tf_stage_spec *stage, tf_diags *diags) {
    const tf_run_spec *run = &stage->run;
    tf_buf cwd = {0}, name = {0}, text = {0};
    const char *folder = constant(run->cwd, &cwd);
    struct stat info;
    if (folder && (stat(folder, &info) != 0 || !S_ISDIR(info.st_mode))) {
        tf_buf_addf(&text, "there is no folder %s", folder);
        complain_run(diags, stage, "cwd", tf_buf_text(&text));
    }
    bool own_path = false; /* a PATH of its own is searched by the command alone */
    for (int e = 0; e < run->envc; e++)
        own_path = own_path || strcmp(run->env[e].name, "PATH") == 0;
    const char *program = run->kind != TF_RUN_SHELL && run->argc ? constant(run->argv[0], &name) : NULL;
    const char *member = run->kind == TF_RUN_SERVICE ? "service/0" : "command/0";
    tf_buf_clear(&text);
    if (program && strchr(program, '/')) {
        if (*program != '/' && folder)
            tf_buf_addf(&text, "%s/", folder);
        tf_buf_adds(&text, program);
        bool found = is_program(tf_buf_text(&text)), known = *program == '/' || folder || !run->cwd;
        if (known && !found) {
            int why = access(tf_buf_text(&text), F_OK) == 0 ? EACCES : ENOENT;
            tf_buf_clear(&text);
            tf_buf_addf(&text, "can't run %s: %s", program,
                        why == EACCES ? "it is not an executable file" : "there is no such file");
            complain_run(diags, stage, member, tf_buf_text(&text));
        }
    } else if (program && *program && !own_path && !is_in_path(program)) {
        tf_buf_addf(&text, "there is no program \"%s\" in PATH", program);
        complain_run(diags, stage, member, tf_buf_text(&text));
    } else if (program && !*program) {
        complain_run(diags, stage, member, "the program's name is empty");
    }
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

void tf_exec_preflight(const tf_campaign *campaign, const tf_function *program, tf_diags *diags) {
    for (int s = 0; s < campaign->stages; s++) {
        const tf_stage_spec *stage = &campaign->stage[s];
        if (stage->run.kind == TF_RUN_FUNCTION)
            check_function(stage, program, diags);
        else if (stage->run.kind != TF_RUN_EXPR)
            check_command(stage, diags);
    }
}
