/* Types of datasets, and the table of what is recorded of each task. */
#include "store/types.h"

#include "rows/rows.h"

hid_t store_string_type(size_t size) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, size ? size : 1);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

hid_t store_bytes_type(size_t size) {
    hid_t type = store_string_type(size);
    H5Tset_cset(type, H5T_CSET_ASCII);
    return type;
}

hid_t store_number_type(tf_type type) {
    switch (type) {
    case TF_INT8: return H5Tcopy(H5T_STD_I8LE);
    case TF_INT16: return H5Tcopy(H5T_STD_I16LE);
    case TF_INT32: return H5Tcopy(H5T_STD_I32LE);
    case TF_INT64: return H5Tcopy(H5T_STD_I64LE);
    case TF_UINT8: return H5Tcopy(H5T_STD_U8LE);
    case TF_UINT16: return H5Tcopy(H5T_STD_U16LE);
    case TF_UINT32: return H5Tcopy(H5T_STD_U32LE);
    case TF_UINT64: return H5Tcopy(H5T_STD_U64LE);
    case TF_FLOAT32: return H5Tcopy(H5T_IEEE_F32LE);
    case TF_FLOAT64: return H5Tcopy(H5T_IEEE_F64LE);
    case TF_BOOL: {
        hid_t boolean = H5Tenum_create(H5T_STD_I8LE);
        H5Tenum_insert(boolean, "FALSE", &(int8_t){0});
        H5Tenum_insert(boolean, "TRUE", &(int8_t){1});
        return boolean;
    }
    case TF_STRING:
    case TF_BYTES:
    case TF_ANY: break;
    }
    return H5I_INVALID_HID;
}

hid_t store_param_type(const tf_param_spec *param) {
    const size_t size = (size_t)param->max_bytes;
    return param->type != TF_STRING ? store_number_type(param->type)
           : param->is_bytes        ? store_bytes_type(size)
                                    : store_string_type(size);
}

hid_t store_status_type(void) {
    hid_t type = H5Tenum_create(H5T_STD_U8LE);
    for (int value = 0; value < TF_STATUSES; value++)
        H5Tenum_insert(type, tf_status_name((uint8_t)value), &(uint8_t){(uint8_t)value});
    return type;
}

static const task_table task_tables[TASK_TABLES] = {
    [TASK_ATTEMPTS] = {"attempts", "attempts made", NULL, 1},
    [TASK_INPUT_SET] = {"input_set", "hash of the paths of its inputs", NULL, 8},
    [TASK_INPUT_HASH] = {"input_hash", "hash of the contents of inputs that are checked so", NULL, 8},
    [TASK_EXIT_CODE] = {"exit_code", "exit status of the last attempt, -1 if a signal ended it", NULL, 4},
    [TASK_SIGNAL] = {"signal", "signal that ended the last attempt, 0 for none", NULL, 4},
    [TASK_WORKER] = {"worker", "rank that ran the last attempt", NULL, 4},
    [TASK_SLOT] = {"slot", "slot of that rank", NULL, 4},
    [TASK_START] = {"start", "start of the last attempt", "seconds since 1970-01-01", 8},
    [TASK_DURATION] = {"duration", "elapsed time of the last attempt", "s", 8},
    [TASK_CPU] = {"cpu", "processor time of the last attempt", "s", 8},
    [TASK_MAX_RSS] = {"max_rss", "largest resident memory of the last attempt", "bytes", 8},
    [TASK_STATUS] = {"status", "how the task ended", NULL, 1},
};

const task_table *store_task_table(int which) {
    return &task_tables[which];
}

bool store_has_task_table(const tf_stage_spec *spec, int which) {
    switch (which) {
    case TASK_ATTEMPTS:
    case TASK_STATUS: return true;
    case TASK_INPUT_SET: return spec->inputs > 0;
    case TASK_INPUT_HASH: return tf_stage_hashes_inputs(spec);
    default: return spec->record_full;
    }
}

hid_t store_task_type(int which) {
    switch (which) {
    case TASK_ATTEMPTS: return H5Tcopy(H5T_STD_U8LE);
    case TASK_START:
    case TASK_DURATION:
    case TASK_CPU: return H5Tcopy(H5T_IEEE_F64LE);
    case TASK_MAX_RSS: return H5Tcopy(H5T_STD_I64LE);
    case TASK_INPUT_SET:
    case TASK_INPUT_HASH: return H5Tcopy(H5T_STD_U64LE);
    case TASK_STATUS: return store_status_type();
    default: return H5Tcopy(H5T_STD_I32LE);
    }
}

const char *store_blob_name(const tf_stage_spec *stage, int kind) {
    static const char *const names[] = {
        [TF_RECORD_STDOUT] = "stdout", [TF_RECORD_STDERR] = "stderr", [TF_RECORD_MESSAGE] = "message"};
    return kind < TF_RECORD_COLUMN ? names[kind] : stage->column[kind - TF_RECORD_COLUMN].name;
}
