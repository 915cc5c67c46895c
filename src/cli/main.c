/* taskfarm: the verb, its options, and its exit status. */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cli/arguments.h"

/* The verb, removed from argv; NULL: there is none. */
static const verb *remove_verb(const verb *table, int *argc, char **argv) {
    const verb *v = *argc > 1 ? verb_find(table, argv[1]) : NULL;
    if (!v)
        return NULL;
    memmove(&argv[1], &argv[2], (size_t)(*argc - 1) * sizeof *argv);
    (*argc)--;
    return v;
}

/* Whoever started this program may have ignored the ends of its children, or closed its standard error. A file that may
 * grow no further is an error like a full disk. How files end is for us to say. */
static void begin_process(void) {
    static const int limits[] = {SIGXFSZ};
    tf_open_standard();
    tf_store_own_exit();
    signal(SIGCHLD, SIG_DFL);
    tf_signals_ignore(limits, 1);
}

/* What was to be printed has been, or the exit status says that it was not. */
static int end_output(int status) {
    errno = 0;
    const bool lost = ferror(stdout) != 0;
    if (fflush(stdout) == 0 && !lost)
        return status;
    tf_say("can't write to standard output: %s", errno ? strerror(errno) : "not all was written");
    return status == TF_OK || status == TF_ERR_TASKS ? TF_ERR_RUN : status;
}

int main(int argc, char **argv) {
    begin_process();
    tf_arena *arena = tf_arena_new();
    const int words = argc;
    const char **word = tf_arena_array(arena, (size_t)words, sizeof *word);
    for (int i = 0; i < words; i++)
        word[i] = argv[i];
    const verb *table = verb_table(), *given = remove_verb(table, &argc, argv);
    const verb *v = given ? given : verb_find(table, "run");
    options o = {
        .verbs = table, .verb = v->name, .sync = 30, .grace = 30, .latency = -1, .started = tf_now(), .arena = arena};
    o.words = words;
    o.word = word;
    o.set = tf_arena_array(o.arena, (size_t)argc, sizeof *o.set);
    o.force = tf_arena_array(o.arena, (size_t)argc, sizeof *o.force);
    o.target = tf_arena_array(o.arena, (size_t)argc, sizeof *o.target);
    o.argument = tf_arena_array(o.arena, (size_t)argc, sizeof *o.argument);
    int status = arguments_parse(&o, v, given != NULL, argc, argv);
    if (status < 0)
        status = v->run(&o);
    tf_arena_free(o.arena);
    return end_output(status);
}
