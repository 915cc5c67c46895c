/* Errors: their ids, which no context takes from them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "base/base.h"

Test(error, has_the_id_of_its_code_or_one_that_tells_more) {
    tf_error error = {0};
    cr_expect_str_empty(tf_error_id(&error));
    static const struct {
        tf_err code;
        const char *id;
    } codes[] = {{TF_ERR_TASKS, "tasks-failed"},
                 {TF_ERR_USAGE, "usage"},
                 {TF_ERR_RUN, "run-failed"},
                 {TF_ERR_STOPPED, "stopped"}};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        cr_expect(tf_error_set(&error, codes[i].code, "no") == codes[i].code);
        cr_expect_str_eq(tf_error_id(&error), codes[i].id);
        const tf_error bare = {.code = codes[i].code};
        cr_expect_str_eq(tf_error_id(&bare), codes[i].id);
    }
    cr_expect(tf_error_set_as(&error, TF_ERR_RUN, TF_DIAG_OUTPUT_IN_USE, "%s: is in use", "x.h5") == TF_ERR_RUN);
    tf_error_context(&error, "rank %d", 3);
    cr_expect_str_eq(tf_error_id(&error), "output-in-use");
    cr_expect_str_eq(error.text, "rank 3: x.h5: is in use");
}

Test(error, of_a_file_tells_what_a_program_may_do_about_it) {
    cr_expect(tf_diag_of_read(ENOENT) == TF_DIAG_FILE_MISSING);
    cr_expect(tf_diag_of_read(EACCES) == TF_DIAG_FILE_UNREADABLE);
    cr_expect(tf_diag_of_read(TF_READ_IRREGULAR) == TF_DIAG_FILE_UNREADABLE);
    cr_expect(tf_diag_of_write(ENOSPC) == TF_DIAG_DISK_FULL);
    cr_expect(tf_diag_of_write(EDQUOT) == TF_DIAG_DISK_FULL);
    cr_expect(tf_diag_of_write(EACCES) == TF_DIAG_FILE_UNWRITABLE);
}

Test(error, ids_are_told_apart) {
    for (int a = 1; a < TF_DIAG_IDS; a++) {
        cr_assert_str_not_empty(tf_diag_name((tf_diag_id)a), "id %d has no row", a);
        cr_expect_str_not_empty(tf_diag_meaning((tf_diag_id)a));
        for (int b = 1; b < a; b++)
            cr_expect_str_neq(tf_diag_name((tf_diag_id)a), tf_diag_name((tf_diag_id)b));
    }
}
