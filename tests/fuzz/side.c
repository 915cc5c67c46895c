/* Any bytes as a side file that a killed run has left: the next run takes from it what is whole. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/resume/resume.h"
#include "target.h"

static const char manifest[] =
    "{\"output\": \"o.h5\", \"over\": {\"i\": {\"range\": [8]}}, \"run\": {\"command\": [\"true\"]}, "
    "\"results\": {\"x\": \"int64\", \"s\": \"string\"}, \"record\": \"status\"}";

/* The output and the journal of a run that was killed. */
typedef struct killed {
    tf_campaign *campaign;
    tf_buf output, journal, side;
} killed;

static void must(bool good) {
    if (!good)
        abort();
}

static void write_all(const char *path, const void *data, size_t size) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    must(fd >= 0 && write(fd, data, size) == (ssize_t)size && close(fd) == 0);
}

/* All eight tasks are done; each has left a string. */
static void run(killed *k) {
    tf_error error;
    char folder[] = "/tmp/taskfarm-fuzz-XXXXXX";
    must(mkdtemp(folder) && chdir(folder) == 0);
    k->campaign = texts_load(manifest, sizeof manifest - 1, "", 0);
    tf_store_plan *plan = tf_store_plan_new(k->campaign, TF_STORE_GO_ON, false, NULL, &error);
    bool ready = plan && tf_store_prepare(plan, &error) == TF_OK;
    const tf_team alone = tf_team_alone();
    tf_store *store =
        ready ? tf_store_open(k->campaign, &alone, tf_store_plan_start(plan), -1, 1, 0, NULL, &error) : NULL;
    must(store && tf_store_layout(store, 0, &error) == TF_OK);
    int64_t x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint8_t status[8], attempts[8];
    tf_buf records = {0};
    for (int i = 0; i < 8; i++) {
        char text[4] = "s0\n", record[sizeof(tf_record) + 8];
        text[1] = (char)('0' + i);
        status[i] = TF_STATUS_DONE;
        attempts[i] = 1;
        tf_record_write(record, 0, i, TF_RECORD_COLUMN + 1, 1, text, 2);
        tf_buf_add(&records, record, sizeof record);
    }
    tf_rows rows = {.attempt = 1,
                    .count = 8,
                    .params = (const void *const[]){x},
                    .columns = (const void *const[]){x, NULL},
                    .status = status,
                    .attempts = attempts,
                    .blobs = records.data,
                    .blobs_size = records.length};
    must(tf_store_write(store, &rows, &error) == TF_OK);
    tf_buf_free(&records);
    must(tf_read_file("o.h5.d/journal", &k->journal) == 0 &&
         tf_read_file("o.h5.d/run-1/rank-0000.text", &k->side) == 0);
    must(tf_store_close(store, TF_STATE_STOPPED, 0, &error) == TF_OK);
    must(tf_read_file("o.h5", &k->output) == 0);
    tf_store_plan_free(plan);
}

/* The killed run's output with another side file: how many tasks are left to do; -1 if it is refused. */
static int64_t go_on(const killed *k, const void *side, size_t size) {
    must(system("rm -rf o.h5.d && mkdir -p o.h5.d/run-1") == 0);
    write_all("o.h5", k->output.data, k->output.length);
    write_all("o.h5.d/journal", k->journal.data, k->journal.length);
    write_all("o.h5.d/run-1/rank-0000.text", side, size);
    tf_error error = {0};
    tf_store_plan *plan = tf_store_plan_new(k->campaign, TF_STORE_GO_ON, false, NULL, &error);
    bool ready = plan && tf_store_prepare(plan, &error) == TF_OK;
    int64_t left = ready ? tf_store_pending(plan, 0)->total : -1;
    must(ready || *error.text);
    tf_store_plan_free(plan);
    return left;
}

/* Records with right checksums and any contents, and behind them what is left of the input, which is none. */
static void make_records(const uint8_t *data, size_t size, tf_buf *out) {
    enum { HEADER = 6 };
    while (size >= HEADER && data[5] <= size - HEADER) {
        int64_t index = (int16_t)(data[2] | data[3] << 8);
        size_t length = data[5], bytes = tf_record_size(length);
        void *record = tf_alloc(bytes);
        tf_record_write(record, (int8_t)data[1], index, (int8_t)data[0], data[4], data + HEADER, length);
        tf_buf_add(out, record, bytes);
        free(record);
        data += HEADER + length;
        size -= HEADER + length;
    }
    tf_buf_add(out, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static killed k;
    if (!k.campaign) {
        run(&k);
        must(go_on(&k, k.side.data, k.side.length) == 0); /* of the side file as it was, all is kept */
        must(go_on(&k, "", 0) == 8);
    }
    tf_buf side = {0};
    make_records(data, size, &side);
    go_on(&k, tf_buf_text(&side), side.length);
    tf_buf_free(&side);
    return 0;
}
