/* The formats of `export`. */
#include "report/export.h"

static const tf_format formats[] = {
    {.name = "csv", .is_table = true, .write = export_csv},
    {.name = "jsonl", .is_table = true, .write = export_jsonl},
    {.name = "hdf5", .reopens = true, .write = export_hdf5},
    {.name = "rocrate", .write = export_crate},
    {0},
};

const tf_format *tf_export_formats(void) {
    return formats;
}
