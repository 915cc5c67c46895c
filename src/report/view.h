/* A stage of an output as a table: fields that the output has, and parameters that only the campaign knows. A reduction
 * is a table, too, whose rows have no status. */
#ifndef TF_REPORT_VIEW_H
#define TF_REPORT_VIEW_H

#include "host/run.h"
#include "report/report.h"

typedef struct view view;

/* The stage must have begun; or it is the table of a reduction (tf_reader_reduction). `from` must outlive the view. */
view *view_new(const tf_recalled *from, int stage);
void view_free(view *v);

int64_t view_tasks(const view *v);
const tf_field *view_field(const view *v, int field);
int view_fields(const view *v);
int view_find(const view *v, const char *name);      /* -1: there is none */
int view_record(const view *v, const char *dataset); /* what is recorded of tasks: see tf_reader_record */
bool view_is_reduction(const view *v);

/* About how many bytes the field takes in a row. */
int64_t view_width(const view *v, int field);

/* How many rows of so many bytes are to be read at once, from one to `most`: what they take stays small, however wide
 * they are. */
int64_t view_piece(int64_t width, int64_t most);

/* A field of some tasks. All zeros is ready for use, of one field. */
typedef struct view_values {
    const tf_field *field;
    void *numbers; /* count x elements; NULL: the values are texts */
    size_t capacity;
    tf_blobs texts;
    bool *is_unknown; /* per row; NULL: all are known */
} view_values;

/* Parameters are stored with their rows: those of a row that is not written yet are worked out from the campaign, and
 * are unknown where that is. Results are unknown but of tasks that are done. */
tf_err view_read(view *v, int field, int64_t first, int64_t count, view_values *out, tf_error *error);
void view_values_free(view_values *values);

/* Elements of an array of which each task has a block (tf_field.grid): see tf_reader_elements. */
tf_err view_read_elements(view *v, int field, const int64_t *start, const int64_t *count, void *numbers,
                          tf_error *error);

/* Why the campaign gives no parameters: "the campaign can't be made again from ...". To be asked after view_read. */
const char *view_why_unknown(const view *v);

static inline bool view_is_known(const view_values *values, int64_t row) {
    return !values->is_unknown || !values->is_unknown[row];
}

/* Adds a value as JSON: null for what is no number or unknown, bytes in base64. */
void view_add_json(const view_values *values, int64_t row, tf_buf *out);

/* Adds one of its elements as it is written in a table: in CSV, if that needs it, with quotes; nothing if it is
 * unknown. */
void view_add_csv(const view_values *values, int64_t row, int64_t element, tf_buf *out);
void view_add_csv_text(const char *text, size_t length, tf_buf *out);

void view_add_base64(const char *bytes, size_t length, tf_buf *out);

/* Works out the parameters and files of a task, as its run did: they are not stored. `spec` is what tf_recalled_stage
 * found. Where that is NULL, or what the task takes can't be read, on_point is not called. */
void view_tell_point(const tf_recalled *from, const tf_stage_spec *spec, int64_t index, tf_host_on_point *on_point,
                     void *context);

#endif
