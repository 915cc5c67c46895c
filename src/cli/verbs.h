/* The verbs as data: what parses the command line, and what tells of it, read the same table. */
#ifndef TF_CLI_VERBS_H
#define TF_CLI_VERBS_H

#include "cli/cli.h"

typedef struct verb {
    const char *name;
    int (*run)(const options *); /* returns the exit status */
    const char *(*kind)(
        int number);              /* the words that its first argument may be; NULL at their end. NULL: it has none */
    const char *arguments;        /* behind that, as in a synopsis: "FILE.h5 [STAGE] INDEX"; "": none */
    const char *needs;            /* what it can't do without, for messages; NULL: nothing */
    int files;                    /* so many arguments are manifests, outputs or other files; */
    bool has_targets, has_others; /* and others behind them are targets, or something else */
    uint64_t takes;               /* options */
    const char *about;            /* in a line */
    const char *more;             /* all that a manual says besides; paragraphs end with a newline. May be "" */
} verb;

/* The table; its end has no name. Nothing that it lists calls this: see options.verbs. */
const verb *verb_table(void);

static inline bool verb_takes(const verb *v, int option) {
    return (v->takes >> option & 1) != 0;
}

/* NULL: there is none of that name. */
const verb *verb_find(const verb *table, const char *name);

/* How many words its first argument may be. */
int verb_kinds(const verb *v);

/* As synopses have them: "[run]", which may be left out, or the verb's name; and what stands behind it. */
const char *verb_label(const verb *v);
void verb_add_arguments(const verb *v, tf_buf *out);

/* On stdout: of one verb, or of all (NULL). */
void print_help(const verb *table, const verb *v);

/* What all verbs have in common: paragraphs. */
#define SIGNALS_TEXT                                                                                                   \
    "SIGUSR1, SIGUSR2, SIGTERM and SIGINT let running tasks end and stop the run; a second one ends them, too."
#define STATUS_TEXT                                                                                                    \
    "0 all tasks done; 1 some failed; 2 wrong usage or manifest; 3 the run itself broke; 75 stopped early, run it "    \
    "again to go on."

#endif
