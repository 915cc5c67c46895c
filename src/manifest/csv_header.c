/* The first line of a table: the names of its columns, and what it has if it is no such line. */
#include "manifest/axis.h"
#include "manifest/csv.h"

#include <string.h>

/* A table with semicolons or tabs has one column for us, whose name is the whole line. */
static bool check_separator(struct loader *l, const json_path *where, const char *file, const char *name) {
    const char *separator = strpbrk(name, ";\t");
    if (separator)
        diagnose(l->diags, where, TF_DIAG_BAD_DATA,
                 "%s: line 1: its only column is \"%s\": is the table separated by %s? It must be by commas", file,
                 name, *separator == ';' ? "\";\"" : "tabs");
    return !separator;
}

static bool check_name(struct loader *l, const json_path *where, const char *file, const char *name, int column,
                       bool is_last) {
    if (*name)
        return check_param_name(l, where, "parameter", name);
    diagnose(l->diags, where, TF_DIAG_BAD_NAME, "%s: line 1: column %d has no name%s", file, column,
             is_last && column > 1 ? ": does the line end with a comma?" : "");
    return false;
}

bool csv_check_header(struct loader *l, const json_path *where, const char *file, const char *const *name, int count) {
    bool sound = count > 1 || check_separator(l, where, file, name[0]);
    tf_table names = {0};
    for (int c = 0; c < count && sound; c++) {
        sound = check_name(l, where, file, name[c], c + 1, c + 1 == count);
        if (sound && tf_table_add(&names, name[c], strlen(name[c]), (uint32_t)c) != (uint32_t)c) {
            diagnose(l->diags, where, TF_DIAG_BAD_DATA, "%s: line 1: two columns are called \"%s\"", file, name[c]);
            sound = false;
        }
    }
    tf_table_free(&names);
    return sound;
}

void csv_describe_fields(tf_buf *out, int64_t line, int64_t fields, int64_t expected, const char *first) {
    tf_buf_addf(out, ": line %lld: %lld field%s, expected %lld", (long long)line, (long long)fields,
                fields == 1 ? "" : "s", (long long)expected);
    if (*first == '#')
        tf_buf_addf(out, "; line 1, \"%s\", is taken for the header: csv has no comments", first);
}
