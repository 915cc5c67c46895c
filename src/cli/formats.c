/* --format: one of the formats that report's tables list. */
#include "cli/formats.h"

#include <string.h>

#include "cli/diagnose.h"

static void refuse_format(const tf_format *table, const char *name) {
    tf_buf list = {0};
    int count = 0;
    while (table[count].name)
        count++;
    for (int n = 0; n < count; n++)
        tf_buf_add_choice(&list, table[n].name, n, count);
    cli_usage_error("--format %s: must be %s", name, tf_buf_text(&list));
    tf_buf_free(&list);
}

const tf_format *cli_find_format(const tf_format *table, const char *name) {
    if (!name)
        return table;
    for (const tf_format *format = table; format->name; format++)
        if (strcmp(format->name, name) == 0)
            return format;
    refuse_format(table, name);
    return NULL;
}
