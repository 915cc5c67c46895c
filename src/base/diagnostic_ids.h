/* What can be wrong, for programs: each kind of mistake has an id, a short string that never changes and is never used
 * for another kind. Messages are for people, and may change. New kinds get new ids. */
#ifndef TF_BASE_DIAGNOSTIC_IDS_H
#define TF_BASE_DIAGNOSTIC_IDS_H

typedef enum tf_diag_id {
    TF_DIAG_NONE, /* none was set: an error has the id of its code then */

    /* In a manifest, its files or the command line */
    TF_DIAG_SYNTAX,
    TF_DIAG_DUPLICATE_KEY,
    TF_DIAG_UNKNOWN_KEY,
    TF_DIAG_MISPLACED_KEY,
    TF_DIAG_MISSING_KEY,
    TF_DIAG_WRONG_TYPE,
    TF_DIAG_WRONG_LENGTH,
    TF_DIAG_BAD_VALUE,
    TF_DIAG_OUT_OF_RANGE,
    TF_DIAG_TOO_LARGE,
    TF_DIAG_BAD_NAME,
    TF_DIAG_NAME_TAKEN,
    TF_DIAG_UNKNOWN_NAME,
    TF_DIAG_CONFLICT,
    TF_DIAG_MISMATCH,
    TF_DIAG_UNSUITABLE_TYPE,
    TF_DIAG_BAD_EXPRESSION,
    TF_DIAG_BAD_REGEX,
    TF_DIAG_BAD_PLACEHOLDER,
    TF_DIAG_UNKNOWN_PLACEHOLDER,
    TF_DIAG_UNSAFE_PLACEHOLDER,
    TF_DIAG_BAD_PATH,
    TF_DIAG_OUTSIDE_WORKDIR,
    TF_DIAG_FILE_MISSING,
    TF_DIAG_FILE_UNREADABLE,
    TF_DIAG_NO_MATCH,
    TF_DIAG_BAD_DATA,
    TF_DIAG_FILE_CLASH,
    TF_DIAG_CYCLE,
    TF_DIAG_PROTECTED_OUTPUT,
    TF_DIAG_FOREIGN_FOLDER,
    TF_DIAG_PROGRAM_MISSING,
    TF_DIAG_SERVICE_FAILS,
    TF_DIAG_IMPORT_FAILS,
    TF_DIAG_UNSEEDED,
    TF_DIAG_BAD_LIBRARY,
    TF_DIAG_BAD_OPTION,

    /* In a run, and with its output */
    TF_DIAG_USAGE,
    TF_DIAG_TASKS_FAILED,
    TF_DIAG_STOPPED,
    TF_DIAG_RUN_FAILED,
    TF_DIAG_NO_OUTPUT,
    TF_DIAG_NOT_AN_OUTPUT,
    TF_DIAG_NEWER_OUTPUT,
    TF_DIAG_OUTPUT_DAMAGED,
    TF_DIAG_OUTPUT_INCOMPLETE,
    TF_DIAG_OUTPUT_IN_USE,
    TF_DIAG_OUTPUT_REPLACED,
    TF_DIAG_CAMPAIGN_CHANGED,
    TF_DIAG_INPUT_CHANGED,
    TF_DIAG_BAD_DESTINATION,
    TF_DIAG_OTHER_USER,
    TF_DIAG_FILE_UNWRITABLE,
    TF_DIAG_DISK_FULL,
    TF_DIAG_HDF5,
    TF_DIAG_MPI,
    TF_DIAG_TOO_FEW_RESOURCES,
    TF_DIAG_SYSTEM_LIMIT,
    TF_DIAG_PROCESS_LOST,
    TF_DIAG_VERSION_MISMATCH,

    TF_DIAG_IDS
} tf_diag_id;

/* The id as a string: "unknown-key"; and what it means, in a sentence. */
const char *tf_diag_name(tf_diag_id id);
const char *tf_diag_meaning(tf_diag_id id);

/* The id for a file that can't be read, by its errno or TF_READ_...; and for one that can't be written, by its errno.
 */
tf_diag_id tf_diag_of_read(int failure);
tf_diag_id tf_diag_of_write(int failure);

#endif
