/* Tasks in time as Chrome's trace format, which Perfetto reads: a process a worker, a thread a slot, times in
 * microseconds since the first run began. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "report/export.h"
#include "report/figures.h"

typedef struct tracer {
    FILE *out;
    const tf_recalled *from;
    bool any;
    int stage; /* whose name is in `name` */
    tf_buf name;
} tracer;

static void trace_task(void *context, const bar *b, int worker, int slot) {
    tracer *t = context;
    if (t->stage != b->stage) {
        const char *name = tf_reader_stage(t->from->reader, b->stage);
        tf_buf_clear(&t->name);
        tf_buf_add_json(&t->name, name, strlen(name));
        t->stage = b->stage;
    }
    tf_print(t->out,
             "%s{\"ph\":\"X\",\"name\":%s,\"cat\":\"%s\",\"ts\":%.3f,\"dur\":%.3f,\"pid\":%d,\"tid\":%d,"
             "\"args\":{\"index\":%" PRId64 ",\"status\":\"%s\"}}",
             t->any ? ",\n" : "", tf_buf_text(&t->name), tf_status_name(b->status), 1e6 * b->start,
             1e6 * (b->end - b->start), worker, slot, b->index, tf_status_name(b->status));
    t->any = true;
}

static void trace_worker(void *context, int worker) {
    tracer *t = context;
    tf_print(t->out, "%s{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":%d,\"args\":{\"name\":\"worker %d\"}}",
             t->any ? ",\n" : "", worker, worker);
    t->any = true;
}

tf_err export_trace(FILE *out, const tf_recalled *from, const tf_export_options *options, tf_error *error) {
    (void)options;
    tracer t = {.out = out, .from = from, .stage = -1};
    tf_print(out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    tf_err err = each_bar(from, trace_worker, trace_task, &t, error);
    tf_print(out, "\n]}\n");
    tf_buf_free(&t.name);
    if (err == TF_OK && (fflush(out) != 0 || ferror(out)))
        err = tf_error_set_as(error, TF_ERR_RUN, tf_diag_of_write(errno), "can't be written: %s", strerror(errno));
    return err;
}
