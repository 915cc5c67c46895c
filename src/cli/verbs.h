/* The verbs as data: what parses the command line, and what tells of it, read the same table. */
#ifndef TF_CLI_VERBS_H
#define TF_CLI_VERBS_H

#include "cli/cli.h"

typedef struct verb {
    const char *name;
    int (*run)(const options *); /* returns the exit status */

    /* The words that its first argument may be; NULL at their end. NULL: it has no such argument. */
    const char *(*kind)(int number);

    const char *arguments; /* the arguments behind that, as in a synopsis: "FILE.h5 [STAGE] TASK"; "": none */
    const char *needs;     /* what it can't do without, for messages; NULL: nothing */
    int files;             /* how many of these arguments, the first ones, are files */
    bool has_targets;      /* the arguments behind the files are targets */
    bool has_others;       /* the arguments behind the files are something else */
    uint64_t takes;        /* a set of options */
    const char *about;     /* in a line */
    const char *ends;      /* what its exit statuses mean */
    const char *more;      /* all else that its manual page says; paragraphs end with a newline. May be "" */
} verb;

/* The table; its end has no name. Nothing that it lists calls this: see options.verbs. */
const verb *verb_table(void);

static inline bool verb_takes(const verb *v, int option) {
    return (v->takes >> option & 1) != 0;
}

/* NULL: there is none of that name. */
const verb *verb_find(const verb *table, const char *name);

/* The one that is most like the name; NULL: none is. */
const char *verb_suggest(const verb *table, const char *name);

/* That of the first argument, NULL without one. An exit status after a diagnostic. */
int verb_of_argument(const options *options, const verb **found);

/* How many kinds the verb has; 0: none. */
int verb_kinds(const verb *v);

/* A synopsis: the verb's name ("[run]", since run may be left out), and its arguments. */
const char *verb_label(const verb *v);
void verb_add_arguments(const verb *v, tf_buf *out);

/* Prints help on one verb, or on all (NULL). */
void print_help(const verb *table, const verb *v);

/* What stands below the list of all verbs. */
#define SIGNALS_TEXT                                                                                                   \
    "SIGUSR1, SIGUSR2, SIGTERM and SIGINT let running tasks end and stop the run; a second one ends them, too."
#define ENDS_RUNNING                                                                                                   \
    "0 all tasks done; 1 some failed; 2 wrong usage or manifest; 3 the run itself broke; 75 stopped early, run it "    \
    "again to go on."

#endif
