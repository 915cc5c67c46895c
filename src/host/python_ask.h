/* Questions to the interpreter of a stage: a process that gets a text, writes its answer, and ends. */
#ifndef TF_HOST_PYTHON_ASK_H
#define TF_HOST_PYTHON_ASK_H

#include "host/process.h"

typedef enum python_answer {
    PYTHON_ANSWERED,
    PYTHON_NOT_STARTED, /* after host_fail */
    PYTHON_SILENT,      /* it has ended without an answer: `status` says how */
    PYTHON_LATE,        /* there was none in time */
    PYTHON_LEFT         /* a signal to this process waits: nobody wants to know any more */
} python_answer;

typedef struct python_question {
    const char *verb; /* what is asked: see python_boot.h */
    const char *text; /* what it is asked of */
    double seconds;   /* that are waited for an answer */
    bool in_cwd;      /* it starts in the run's folder, not in the work folder */
} python_question;

/* Asks. Adds the answer to `answer`, and what it says on its standard error to h->err. It has ended afterwards, with
 * all of its process group; `status` gets its wait status. */
python_answer python_ask(host *h, const python_question *question, tf_buf *answer, int *status);

#endif
