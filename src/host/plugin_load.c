/* Loading a function and its hooks: from a library, from this program, or a built-in one. */
#include "host/host.h"
#include "host/plugin.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Finds a function, or a hook of it. POSIX lets dlsym return functions as object pointers. */
static void *find(void *library, const char *symbol, const char *hook) {
    char name[512];
    snprintf(name, sizeof name, "%s%s", symbol, hook);
    return dlsym(library, name);
}

static tf_err open_builtin(const tf_run_spec *run, plugin_functions *fn, tf_error *error) {
    fn->task = builtin_function(run->symbol);
    fn->setup = builtin_setup(run->symbol);
    fn->teardown = builtin_teardown;
    if (fn->task)
        return TF_OK;
    const char *near = builtin_suggest(run->symbol);
    return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_LIBRARY, "there is no built-in function \"%s\"%s%s%s",
                           run->symbol, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static tf_err open_program(const tf_run_spec *run, const tf_function *program, plugin_functions *fn, tf_error *error) {
    for (const tf_function *f = program; f && f->name; f++) {
        if (strcmp(f->name, run->symbol) != 0)
            continue;
        *fn = (plugin_functions){.call = f->call,
                                 .task = f->call ? NULL : f->task,
                                 .batch = f->batch,
                                 .setup = f->setup,
                                 .teardown = f->teardown};
        if (fn->call || fn->task || fn->batch)
            return TF_OK;
    }
    return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_LIBRARY, "this program has no function \"%s\"",
                           run->symbol);
}

/* Opens a library from memory, if that is allowed here, or else by its path. */
static void *open_library(const tf_run_spec *run, int memory) {
    char path[4096];
    void *library = NULL;
    if (memory >= 0) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
    if (library)
        return library;
    bool here = !strchr(run->library, '/') && access(run->library, F_OK) == 0;
    snprintf(path, sizeof path, "%s%s", here ? "./" : "", run->library);
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

tf_err plugin_open(const tf_run_spec *run, const tf_function *program, int memory, plugin_functions *fn,
                   tf_error *error) {
    *fn = (plugin_functions){0};
    if (strcmp(run->library, TF_PROGRAM) == 0)
        return open_program(run, program, fn, error);
    if (strcmp(run->library, "builtin") == 0)
        return open_builtin(run, fn, error);
    fn->library = open_library(run, memory);
    if (!fn->library)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_LIBRARY, "can't load the library: %s", dlerror());
    const unsigned int *abi = dlsym(fn->library, "tf_plugin_abi");
    if (!abi)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_LIBRARY,
                               "%s is no plugin: it lacks the line TF_PLUGIN;", run->library);
    if (*abi != TF_PLUGIN_ABI)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_LIBRARY,
                               "%s was compiled for plugin interface %u, this taskfarm has %u: compile it anew",
                               run->library, *abi, TF_PLUGIN_ABI);
    fn->task = (tf_task_fn *)find(fn->library, run->symbol, "");
    fn->setup = (tf_setup_fn *)find(fn->library, run->symbol, "_setup");
    fn->batch = (tf_batch_fn *)find(fn->library, run->symbol, "_batch");
    fn->teardown = (tf_teardown_fn *)find(fn->library, run->symbol, "_teardown");
    if (!fn->task && !fn->batch)
        return tf_error_set_as(error, TF_ERR_USAGE, TF_DIAG_BAD_LIBRARY, "%s has no function \"%s\"", run->library,
                               run->symbol);
    return TF_OK;
}
