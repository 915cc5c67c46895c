/* The table of ids. docs/running.md lists the same, and tests/diagnostic_ids.py compares them. */
#include "base/diagnostic_ids.h"

#include <errno.h>

static const struct {
    const char *name, *meaning;
} ids[TF_DIAG_IDS] = {
    [TF_DIAG_NONE] = {"", ""},
    [TF_DIAG_SYNTAX] = {"syntax", "The text is not JSON; line and column say where."},
    [TF_DIAG_DUPLICATE_KEY] = {"duplicate-key", "An object has a key twice."},
    [TF_DIAG_UNKNOWN_KEY] = {"unknown-key", "An object has a key that is not known here."},
    [TF_DIAG_MISPLACED_KEY] = {"misplaced-key", "A key does not belong here, or only beside another one."},
    [TF_DIAG_MISSING_KEY] = {"missing-key", "A key that is needed is missing."},
    [TF_DIAG_WRONG_TYPE] = {"wrong-type", "A value is of the wrong JSON type, such as a string for a list."},
    [TF_DIAG_WRONG_LENGTH] = {"wrong-length", "A list, an object or a text is empty, too short or too long."},
    [TF_DIAG_BAD_VALUE] = {"bad-value", "A value has the right type, but is not one that is accepted here."},
    [TF_DIAG_OUT_OF_RANGE] = {"out-of-range", "A number is too small, too large or not an integer."},
    [TF_DIAG_TOO_LARGE] = {"too-large", "Something exceeds a limit: points, tasks, elements, bytes."},
    [TF_DIAG_BAD_NAME] = {"bad-name", "A name is built in, or has characters that it must not have."},
    [TF_DIAG_NAME_TAKEN] = {"name-taken", "A name is already used for something else."},
    [TF_DIAG_UNKNOWN_NAME] = {"unknown-name", "There is no stage, parameter, column, variable or type of that name."},
    [TF_DIAG_CONFLICT] = {"conflict", "Two things exclude each other, or one can't do what the other asks for."},
    [TF_DIAG_MISMATCH] = {"mismatch", "Two things that must agree in length, shape, type or keys do not."},
    [TF_DIAG_UNSUITABLE_TYPE] = {"unsuitable-type",
                                 "A column, parameter or cell is of a type that can't be used here."},
    [TF_DIAG_BAD_EXPRESSION] = {"bad-expression", "An expression can't be understood."},
    [TF_DIAG_BAD_REGEX] = {"bad-regex",
                           "A regular expression can't be compiled, or takes too long to compile or match."},
    [TF_DIAG_BAD_PLACEHOLDER] = {"bad-placeholder", "A placeholder or its format is malformed."},
    [TF_DIAG_UNKNOWN_PLACEHOLDER] = {"unknown-placeholder", "A placeholder names nothing that is known here."},
    [TF_DIAG_UNSAFE_PLACEHOLDER] = {"unsafe-placeholder", "A placeholder's value would be read as part of a script."},
    [TF_DIAG_BAD_PATH] = {"bad-path", "A path is empty, or can't be used under this name."},
    [TF_DIAG_OUTSIDE_WORKDIR] = {"outside-workdir", "A task would write outside the work folder."},
    [TF_DIAG_FILE_MISSING] = {"file-missing", "A file or folder is not there."},
    [TF_DIAG_FILE_UNREADABLE] = {"file-unreadable", "A file can't be read."},
    [TF_DIAG_NO_MATCH] = {"no-match", "No file matches a pattern, or no task agrees with another."},
    [TF_DIAG_BAD_DATA] = {"bad-data", "The contents of a table, list or dataset are wrong."},
    [TF_DIAG_FILE_CLASH] = {"file-clash",
                            "A file has two uses that exclude each other, such as two tasks that write it."},
    [TF_DIAG_CYCLE] = {"cycle", "Stages or tasks wait for each other."},
    [TF_DIAG_PROTECTED_OUTPUT] = {"protected-output", "A protected output would be made again."},
    [TF_DIAG_FOREIGN_FOLDER] = {"foreign-folder",
                                "What no run has made stands where a task makes a folder, and would be removed."},
    [TF_DIAG_PROGRAM_MISSING] = {"program-missing", "A command's program is not there, or can't be executed."},
    [TF_DIAG_SERVICE_FAILS] = {"service-fails", "A service does not start, or does not take the stage's parameters."},
    [TF_DIAG_IMPORT_FAILS] = {"import-fails", "A Python function's module, or what it preloads, can't be imported."},
    [TF_DIAG_UNSEEDED] = {"unseeded", "A function draws random numbers that do not belong to its task."},
    [TF_DIAG_BAD_LIBRARY] = {"bad-library", "A function's library can't be loaded, or lacks the function."},
    [TF_DIAG_BAD_OPTION] = {"bad-option", "An option of the command line has a wrong value."},
    [TF_DIAG_USAGE] = {"usage", "A command line, or a call of the library, is wrong."},
    [TF_DIAG_TASKS_FAILED] = {"tasks-failed", "The run went to its end, and tasks failed."},
    [TF_DIAG_STOPPED] = {"stopped", "The run was stopped; started again it goes on."},
    [TF_DIAG_RUN_FAILED] = {"run-failed", "The run broke for a reason that has no id of its own."},
    [TF_DIAG_NO_OUTPUT] = {"no-output", "There is no such output, or nothing in it yet."},
    [TF_DIAG_NOT_AN_OUTPUT] = {"not-an-output",
                               "Something else has the output's name: a folder, another program's file."},
    [TF_DIAG_NEWER_OUTPUT] = {"newer-output", "The output was made by a later taskfarm."},
    [TF_DIAG_OUTPUT_DAMAGED] = {"output-damaged", "The output is damaged."},
    [TF_DIAG_OUTPUT_INCOMPLETE] = {"output-incomplete",
                                   "A run was interrupted, and part of what it left is missing or unfinished."},
    [TF_DIAG_OUTPUT_IN_USE] = {"output-in-use", "Another run has the output."},
    [TF_DIAG_OUTPUT_REPLACED] = {"output-replaced",
                                 "The output was removed, renamed, replaced or cut short during the run."},
    [TF_DIAG_CAMPAIGN_CHANGED] = {"campaign-changed",
                                  "The campaign has changed so much that the output's rows can't be kept."},
    [TF_DIAG_INPUT_CHANGED] = {"input-changed", "A file has changed since the manifest was read."},
    [TF_DIAG_BAD_DESTINATION] = {"bad-destination",
                                 "What is to be written would replace an output, a manifest or an input."},
    [TF_DIAG_OTHER_USER] = {"other-user", "The run's folder belongs to another user."},
    [TF_DIAG_FILE_UNWRITABLE] = {"file-unwritable", "A file can't be made, written or renamed."},
    [TF_DIAG_DISK_FULL] = {"disk-full", "There is no room: of the disk, a quota or the limit of file sizes."},
    [TF_DIAG_HDF5] = {"hdf5", "HDF5 can't read or write the output."},
    [TF_DIAG_MPI] = {"mpi", "MPI can't begin, or lacks something that is needed."},
    [TF_DIAG_TOO_FEW_RESOURCES] = {"too-few-resources", "A task needs more slots, memory or GPUs than any rank has."},
    [TF_DIAG_SYSTEM_LIMIT] = {"system-limit", "The system refuses a process, a socket or shared memory."},
    [TF_DIAG_PROCESS_LOST] = {"process-lost", "A process of taskfarm itself was killed, or does not answer."},
    [TF_DIAG_VERSION_MISMATCH] = {"version-mismatch", "Ranks run different versions of taskfarm."},
};

const char *tf_diag_name(tf_diag_id id) {
    return ids[id].name;
}

const char *tf_diag_meaning(tf_diag_id id) {
    return ids[id].meaning;
}

tf_diag_id tf_diag_of_read(int failure) {
    return failure == ENOENT || failure == ENOTDIR ? TF_DIAG_FILE_MISSING : TF_DIAG_FILE_UNREADABLE;
}

tf_diag_id tf_diag_of_write(int failure) {
    return failure == ENOSPC || failure == EDQUOT || failure == EFBIG ? TF_DIAG_DISK_FULL : TF_DIAG_FILE_UNWRITABLE;
}
