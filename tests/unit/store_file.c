/* The output file, written by one rank in this process and read back through HDF5 by itself. (Several ranks, and other
 * readers: tests/run.) */
#include "fixture.h"

#include <hdf5.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/change.h"
#include "store/make.h"
#include "store/resume/resume.h"

static char folder[] = "/tmp/taskfarm-unit-XXXXXX";

static void enter_folder(void) {
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
}

static void leave_folder(void) {
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(prepare, .init = enter_folder, .fini = leave_folder);
TestSuite(dataset, .init = enter_folder, .fini = leave_folder);
TestSuite(file, .init = enter_folder, .fini = leave_folder);

/* ---- Before MPI ---- */

static void touch(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
}

static tf_campaign *small_campaign(void) {
    return fixture_load("{\"name\": \"only\", \"output\": \"out.h5\", \"run\": {\"function\": \"builtin:noop\"}}",
                        NULL);
}

/* As a run does it that has nothing to redo. */
static tf_store_plan *prepare(const tf_campaign *campaign, tf_store_mode mode, tf_error *error) {
    tf_store_plan *plan = tf_store_plan_new(campaign, mode, false, NULL, error);
    if (!plan || tf_store_prepare(plan, error) == TF_OK)
        return plan;
    tf_store_plan_free(plan);
    return NULL;
}

static void expect_refusal(const char *output, bool fresh, const char *text) {
    tf_campaign *campaign = small_campaign();
    tf_error error = {0};
    campaign->output = output;
    cr_expect_null(prepare(campaign, fresh ? TF_STORE_FRESH : TF_STORE_GO_ON, &error));
    cr_expect_eq(error.code, TF_ERR_RUN);
    cr_expect_str_eq(error.text, text);
    tf_campaign_free(campaign);
}

/* Prepares out.h5 anew; the note must be this. */
static void prepare_fresh(const char *note) {
    tf_campaign *campaign = small_campaign();
    tf_error error;
    tf_store_plan *plan = prepare(campaign, TF_STORE_FRESH, &error);
    cr_assert_not_null(plan, "%s", error.text);
    cr_expect_str_eq(tf_store_note(plan), note);
    tf_store_plan_free(plan);
    tf_campaign_free(campaign);
}

Test(prepare, refuses_what_can_not_be_an_output) {
    mkdir("folder", 0777);
    touch("precious.h5", "data");
    expect_refusal("folder", false, "folder: the output is a folder; choose another name with --output");
    expect_refusal("/dev/null", true, "/dev/null: the output is not a regular file; choose another name with --output");
    expect_refusal("nowhere/out.h5", false, "nowhere/out.h5.d: can't be made: the folder nowhere is not there");
    for (int fresh = 0; fresh < 2; fresh++)
        expect_refusal("precious.h5", fresh, "precious.h5: is no HDF5 file; choose another name with --output");
    tf_buf text = {0};
    tf_read_file("precious.h5", &text);
    cr_expect_str_eq(text.data, "data");
    tf_buf_free(&text);
    cr_expect_neq(access("precious.h5.d", F_OK), 0, "nothing is left behind");
}

Test(prepare, sets_old_outputs_aside_under_the_first_free_name) {
    prepare_fresh("");
    for (int n = 1; n <= 3; n++) {
        char name[20], note[60];
        snprintf(name, sizeof name, "out.h5.%d", n);
        snprintf(note, sizeof note, "moved the old out.h5 to %s", name);
        prepare_fresh(note);
        cr_expect_eq(access(name, F_OK), 0);
    }
    cr_assert_eq(system("rm -r out.h5 out.h5.d"), 0);
    touch("out.h5", "");
    prepare_fresh(""); /* an empty file is nobody's */
}

Test(prepare, keeps_the_side_files_of_an_old_output_with_it) {
    prepare_fresh("");
    touch("out.h5.d/a-text", "a text");
    touch("out.h5.1", "older");
    prepare_fresh("moved the old out.h5 to out.h5.2");
    cr_expect_eq(access("out.h5.2.d/a-text", F_OK), 0);
    cr_expect_neq(access("out.h5.d/a-text", F_OK), 0);
}

/* ---- A whole file ---- */

enum { TASKS = 3000, BATCH = 100 };

/* What the file should hold: by task. Texts of kind k of a task are chosen by a hash, so that many have none. */
static bool has_text(int kind, int64_t task) {
    return tf_hash(&task, sizeof task, (uint64_t)kind) % 3 != 0;
}

static void expected_text(int kind, int64_t task, tf_buf *out) {
    size_t most = kind == TF_RECORD_COLUMN + 3 ? 3000 : kind == TF_RECORD_COLUMN + 2 ? 20 : 200;
    size_t length = has_text(kind, task) ? tf_hash(&task, sizeof task, 99) % most : 0;
    for (size_t i = 0; i < length; i++)
        tf_buf_addc(out, (char)('a' + (task + kind + (int64_t)i) % 26));
}

static const int kinds[] = {TF_RECORD_STDOUT, TF_RECORD_MESSAGE, TF_RECORD_COLUMN + 2, TF_RECORD_COLUMN + 3,
                            TF_RECORD_COLUMN + 4};

static void add_record(tf_buf *blobs, int64_t task, int kind, int attempt, const tf_buf *text) {
    size_t size = tf_record_size(text->length);
    char *record = tf_alloc(size);
    tf_record_write(record, 0, task, kind, attempt, tf_buf_text(text), text->length);
    tf_buf_add(blobs, record, size);
    free(record);
}

static void write_batch(tf_store *store, int64_t first) {
    static int64_t x[BATCH];
    static float grid[BATCH][2][3];
    static uint8_t status[BATCH], attempts[BATCH];
    tf_buf blobs = {0}, stale = {0};
    tf_buf_adds(&stale, "of an earlier attempt");
    for (int i = 0; i < BATCH; i++) {
        int64_t task = first + i;
        x[i] = 7 * task;
        for (int k = 0; k < 6; k++)
            grid[i][k / 3][k % 3] = (float)task + 0.125f * (float)k;
        status[i] = task % 5 ? TF_STATUS_DONE : TF_STATUS_FAILED;
        attempts[i] = 1;
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            tf_buf text = {0};
            expected_text(kinds[k], task, &text);
            if (has_text(kinds[k], task)) { /* in either order: the later attempt counts */
                if (task % 2)
                    add_record(&blobs, task, kinds[k], 1, &stale);
                add_record(&blobs, task, kinds[k], 2, &text);
                if (task % 2 == 0)
                    add_record(&blobs, task, kinds[k], 1, &stale);
            }
            tf_buf_free(&text);
        }
    }
    tf_rows rows = {.stage = 0,
                    .first = first,
                    .count = BATCH,
                    .params = (const void *const[]){x},
                    .columns = (const void *const[]){x, grid, NULL, NULL, NULL},
                    .status = status,
                    .attempts = attempts,
                    .blobs = tf_buf_text(&blobs),
                    .blobs_size = blobs.length};
    tf_error error;
    cr_assert_eq(tf_store_write(store, &rows, &error), TF_OK, "%s", error.text);
    tf_buf_free(&blobs);
    tf_buf_free(&stale);
}

static void read_all(hid_t file, const char *name, hid_t type, void *out) {
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    cr_assert(dataset >= 0, "there is no %s", name);
    cr_assert(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0);
    H5Dclose(dataset);
}

/* Rows, status and attempts must be what independent writers and a crash can be trusted with. */
static void check_layout(hid_t file, const char *name) {
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), how = H5Dget_create_plist(dataset);
    H5D_alloc_time_t when;
    H5D_fill_time_t fill;
    H5Pget_alloc_time(how, &when);
    H5Pget_fill_time(how, &fill);
    cr_expect(H5Pget_layout(how) == H5D_CONTIGUOUS && when == H5D_ALLOC_TIME_EARLY && fill == H5D_FILL_TIME_NEVER);
    H5Pclose(how);
    H5Dclose(dataset);
}

static void check_heap(hid_t file, const char *name, int kind) {
    char index_name[100];
    snprintf(index_name, sizeof index_name, "%s_index", name);
    int64_t(*index)[2] = tf_alloc_array(TASKS, sizeof *index);
    read_all(file, index_name, H5T_NATIVE_INT64, index);
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    hsize_t size;
    H5Sget_simple_extent_dims(space, &size, NULL);
    H5Sclose(space);
    H5Dclose(dataset);
    char *heap = tf_alloc(size + 1);
    read_all(file, name, H5T_NATIVE_UINT8, heap);
    int64_t end = 0;
    for (int64_t task = 0; task < TASKS; task++) {
        tf_buf expected = {0};
        expected_text(kind, task, &expected);
        cr_assert_eq(index[task][1], (int64_t)expected.length, "%s of task %lld", name, (long long)task);
        if (expected.length) {
            cr_assert_eq(index[task][0], end, "the heap is in task order, without gaps");
            cr_assert_arr_eq(heap + index[task][0], expected.data, expected.length);
        }
        end += (int64_t)expected.length;
        tf_buf_free(&expected);
    }
    cr_expect_eq(end, (int64_t)size);
    free(heap);
    free(index);
}

static void check_cells(hid_t file, const char *name, int kind) {
    hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), type = H5Dget_type(dataset);
    size_t cell = H5Tget_size(type);
    cr_expect_eq(H5Tget_cset(type), H5T_CSET_UTF8);
    cr_expect(cell < 20, "cells as long as the longest value");
    char *cells = tf_alloc(cell * TASKS);
    cr_assert(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells) >= 0);
    for (int64_t task = 0; task < TASKS; task++) {
        tf_buf expected = {0};
        expected_text(kind, task, &expected);
        cr_assert_eq(strnlen(cells + (size_t)task * cell, cell), expected.length);
        cr_assert_arr_eq(cells + (size_t)task * cell, tf_buf_text(&expected), expected.length);
        tf_buf_free(&expected);
    }
    free(cells);
    H5Tclose(type);
    H5Dclose(dataset);
}

static void check_attribute(hid_t file, const char *name, const char *expected) {
    hid_t attribute = H5Aopen(file, name, H5P_DEFAULT), type = H5Aget_type(attribute);
    char *text = NULL;
    cr_assert(H5Tis_variable_str(type) > 0 && H5Tget_cset(type) == H5T_CSET_UTF8);
    H5Aread(attribute, type, &text);
    cr_expect_str_eq(text, expected);
    H5free_memory(text);
    H5Tclose(type);
    H5Aclose(attribute);
}

static void check_file(const tf_campaign *campaign) {
    hid_t file = H5Fopen("out.h5", H5F_ACC_RDONLY, H5P_DEFAULT);
    cr_assert(file >= 0);
    check_attribute(file, "format", "taskfarm");
    check_attribute(file, "state", "failed");
    check_attribute(file, "manifest", campaign->text);
    static int64_t x[TASKS];
    static float grid[TASKS][6];
    static uint8_t status[TASKS];
    read_all(file, "only/params/n", H5T_NATIVE_INT64, x);
    for (int64_t i = 0; i < TASKS; i++)
        cr_assert_eq(x[i], 7 * i);
    read_all(file, "only/results/grid", H5T_NATIVE_FLOAT, grid);
    hid_t dataset = H5Dopen2(file, "only/task/status", H5P_DEFAULT), type = H5Dget_type(dataset);
    cr_assert(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, status) >= 0);
    char name[20];
    H5Tenum_nameof(type, &(uint8_t){TF_STATUS_TIMEOUT}, name, sizeof name);
    cr_expect_str_eq(name, "timeout");
    H5Tclose(type);
    H5Dclose(dataset);
    for (int64_t i = 0; i < TASKS; i++) {
        cr_assert_eq(status[i], i % 5 ? TF_STATUS_DONE : TF_STATUS_FAILED);
        for (int k = 0; k < 6; k++)
            cr_assert_eq(grid[i][k], (float)i + 0.125f * (float)k);
    }
    static const char *const tables[] = {"only/params/n", "only/results/x", "only/results/grid", "only/task/status"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        check_layout(file, tables[i]);
    check_heap(file, "only/text/stdout", TF_RECORD_STDOUT);
    check_heap(file, "only/text/message", TF_RECORD_MESSAGE);
    check_cells(file, "only/results/word", TF_RECORD_COLUMN + 2);
    check_heap(file, "only/text/story", TF_RECORD_COLUMN + 3);
    check_heap(file, "only/text/raw", TF_RECORD_COLUMN + 4);
    cr_expect_eq(H5Lexists(file, "only/text/stderr", H5P_DEFAULT), 0, "what no task wrote is not there");
    H5Fclose(file);
}

static void holds_what_was_written_in_any_order(const tf_team *team) {
    tf_campaign *campaign = fixture_load("{\"name\": \"only\", \"output\": \"out.h5\", \"over\": {\"n\": {\"range\": "
                                         "[0, 21000, 7]}}, \"run\": {\"function\": "
                                         "\"builtin:noop\"}, \"results\": {\"x\": \"int64\", \"grid\": {\"type\": "
                                         "\"float32\", \"shape\": [2, 3]}, \"word\": "
                                         "\"string\", \"story\": \"string\", \"raw\": \"bytes\"}}",
                                         NULL);
    tf_error error;
    tf_store_plan *plan = prepare(campaign, TF_STORE_GO_ON, &error);
    cr_assert_not_null(plan, "%s", error.text);
    tf_store *store = tf_store_open(campaign, team, tf_store_plan_start(plan), -1, 1, 0, NULL, &error);
    cr_assert_not_null(store, "%s", error.text);
    cr_assert_eq(tf_store_layout(store, 0, &error), TF_OK, "%s", error.text);
    int64_t order[TASKS / BATCH];
    for (int i = 0; i < TASKS / BATCH; i++)
        order[i] = i;
    tf_rng rng = tf_rng_start(1, 0);
    tf_rng_shuffle(&rng, order, TASKS / BATCH, sizeof *order);
    for (int i = 0; i < TASKS / BATCH; i++)
        write_batch(store, order[i] * BATCH);
    cr_expect_eq(access("out.h5.d/run-1/rank-0000.text", F_OK), 0);
    cr_assert_eq(tf_store_blobs(store, 0, &error), TF_OK, "%s", error.text);
    cr_assert_eq(tf_store_finish(store, 0, 0, &error), TF_OK, "%s", error.text);
    tf_store_close_stage(store, 0);
    cr_assert_eq(tf_store_close(store, TF_STATE_FAILED, 1.5, &error), TF_OK, "%s", error.text);
    cr_expect_neq(access("out.h5.d", F_OK), 0, "a reader needs one file");
    check_file(campaign);
    tf_store_plan_free(plan);
    tf_campaign_free(campaign);
}

Test(file, holds_what_was_written_in_any_order) {
    const tf_team alone = tf_team_alone();
    tf_store_init();
    holds_what_was_written_in_any_order(&alone);
}

Test(file, holds_what_was_written_in_any_order_under_mpi) {
    tf_store_init();
    MPI_Init(NULL, NULL);
    const tf_team world = tf_team_of(MPI_COMM_WORLD);
    holds_what_was_written_in_any_order(&world);
    MPI_Finalize();
}

Test(file, that_can_not_be_opened_is_an_error_with_the_reason) {
    tf_campaign *campaign = small_campaign();
    tf_error error;
    tf_store_plan *plan = prepare(campaign, TF_STORE_GO_ON, &error);
    cr_assert_not_null(plan, "%s", error.text);
    const tf_team alone = tf_team_alone();
    unlink("out.h5");
    cr_expect_null(tf_store_open(campaign, &alone, tf_store_plan_start(plan), -1, 1, 0, NULL, &error));
    cr_expect_eq(error.code, TF_ERR_RUN);
    cr_expect_str_eq(error.text, "out.h5: can't be opened: No such file or directory");
    tf_store_plan_free(plan);
    tf_campaign_free(campaign);
}

/* ---- Datasets ---- */

/* HDF5 gives what was freed to the next that asks; the same for a dimension, which nobody writes. */
Test(dataset, reads_as_zeros_where_an_older_one_was) {
    enum { SIZE = 100000 };
    uint8_t *bytes = tf_alloc(SIZE);
    const hsize_t length = SIZE, half = SIZE / 2;
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    tf_store s = {.path = "zeros.h5", .team = tf_team_alone(), .fd = -1, .lock = -1};
    s.file = H5Fcreate(s.path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    hid_t old = store_dataset(&s, s.file, "old", H5T_STD_U8LE, 1, &length);
    hid_t next = store_dataset(&s, s.file, "next", H5T_STD_U8LE, 1, &length);
    const int64_t place = (int64_t)H5Dget_offset(old);
    memset(bytes, 0xff, SIZE);
    H5Dwrite(old, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    H5Dwrite(next, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    H5Dclose(old);
    H5Ldelete(s.file, "old", H5P_DEFAULT);
    H5Fflush(s.file, H5F_SCOPE_GLOBAL);
    hid_t made[] = {store_dataset(&s, s.file, "made", H5T_STD_U8LE, 1, &half),
                    store_dimension(&s, s.file, "length", half / 2)};
    cr_expect_eq(s.uncleared, 0);
    for (size_t m = 0; m < 2; m++) {
        const int64_t offset = (int64_t)H5Dget_offset(made[m]);
        cr_expect(offset >= place && offset < place + SIZE, "it is where the old one was: %lld", (long long)offset);
        memset(bytes, 1, SIZE);
        H5Dread(made[m], H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
        int64_t written = 0;
        for (hsize_t i = 0; i < half / (m + 1); i++)
            written += bytes[i] != 0;
        cr_expect_eq(written, 0, "%zu: %lld bytes", m, (long long)written);
        H5Dclose(made[m]);
    }
    H5Dread(next, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    for (int i = 0; i < SIZE; i++)
        cr_assert_eq(bytes[i], 0xff, "what lies beside it stays");
    H5Dclose(next);
    H5Fclose(s.file);
    H5Pclose(access);
    free(bytes);
}
