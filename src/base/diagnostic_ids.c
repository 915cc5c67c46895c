/* The table of ids. docs/running.md lists the same, and tests/diagnostic_ids.py compares them. */
#include "base/diagnostic_ids.h"

#include <errno.h>

static const struct {
    const char *name, *meaning;
} ids[TF_DIAG_IDS] = {
    [TF_DIAG_NONE] = {"none", "Nothing is wrong."},
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
    [TF_DIAG_PROGRAM_MISSING] = {"program-missing", "A command's program is not there, or can't be executed."},
    [TF_DIAG_BAD_LIBRARY] = {"bad-library", "A function's library can't be loaded, or lacks the function."},
    [TF_DIAG_BAD_OPTION] = {"bad-option", "An option of the command line has a wrong value."},
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
