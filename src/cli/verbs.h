/* The command line as data: what parses it, and what tells of it (help, manual pages, completion), read the same. */
#ifndef TF_CLI_VERBS_H
#define TF_CLI_VERBS_H

#include "cli/cli.h"

typedef struct verb {
    const char *name;
    int (*run)(const options *);
    const char *arguments;                  /* as in a synopsis: "FILE.h5 [STAGE] INDEX"; "": none */
    const char *needs;                      /* what it can't do without, for messages; NULL: nothing */
    bool has_kind, has_targets, has_others; /* before the first argument, and behind it */
    const char *takes;                      /* letters of its options */
    const char *about;                      /* in a line */
    const char *more; /* all that a manual says besides; paragraphs end with a newline. May be "" */
} verb;

extern const verb verbs[];
extern const int verb_count;

typedef struct option_spec {
    const char *name;
    int letter;         /* by which verbs name it */
    bool is_short;      /* the letter can be given, too */
    const char *value;  /* "FILE"; NULL: it takes none */
    const char *values; /* the words that there are for it, with spaces between; NULL: any */
    const char *about;
} option_spec;

extern const option_spec option_specs[];
extern const int option_count;

/* What all verbs have in common: paragraphs. */
extern const char signals_text[], status_text[];

const verb *find_verb(const char *name); /* NULL: there is none */

/* On stdout: of one verb, or of all (NULL). */
void print_help(const verb *v);

#endif
