/* The formats of `report`. */
#include "report/export.h"

static const tf_format formats[] = {
    {.name = "html", .suffix = "html", .write = export_page},
    {.name = "trace", .suffix = "trace.json", .write = export_trace},
    {0},
};

const tf_format *tf_report_formats(void) {
    return formats;
}
