/* The journal: what it says after each entry, and after the writing of one was cut off at any byte. */
#include "fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/journal.h"

static char folder[] = "/tmp/taskfarm-unit-XXXXXX";
static const char output[] = "a.h5", path[] = "a.h5.d/journal";

static void enter_folder(void) {
    tf_error error;
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    const int made = folder_make(output, &error);
    cr_assert_geq(made, 0, "%s", error.text);
    close(made);
}

static void leave_folder(void) {
    cr_assert_eq(tf_remove_tree(folder), 0);
}

TestSuite(journal, .init = enter_folder, .fini = leave_folder);

static contents_stage *add_stage(contents *c, const char *name) {
    contents_stage *stage = contents_add(c, strdup(name));
    stage->fingerprint = strdup("print");
    stage->tasks = 7;
    stage->tables = 1;
    stage->table = tf_alloc_array(1, sizeof *stage->table);
    *stage->table = (contents_table){.path = strdup("task/status"), .offset = 4096, .rows = 7, .row_bytes = 1};
    return stage;
}

static int64_t length_of(const char *name) {
    struct stat info;
    return stat(name, &info) == 0 ? info.st_size : -1;
}

static void add(folder_end *end, const contents *c, const contents_stage *stage, bool whole, bool dirty) {
    tf_error error;
    const journal_stage changed = {stage, whole};
    const tf_err err = journal_add(output, end, c, &changed, stage ? 1 : 0, dirty, &error);
    cr_assert_eq(err, TF_OK, "%s", error.text);
    cr_expect_eq(end->size, length_of(path));
}

/* What the journal says: "dirty a b+", where + is finished; "damaged". */
static void say(char text[100]) {
    contents c = {0};
    tf_error error;
    bool dirty = false, there = false;
    const tf_err err = journal_read(output, &c, &dirty, &there, &error);
    snprintf(text, 100, "%s", err != TF_OK ? "damaged" : dirty ? "dirty" : "clean");
    for (int s = 0; s < c.stages && err == TF_OK; s++) {
        const contents_stage *stage = &c.stage[s];
        snprintf(text + strlen(text), 100 - strlen(text), " %s%s", stage->name, stage->finished ? "+" : "");
        cr_expect(stage->tasks == 7 && stage->tables == 1 && stage->table->offset == 4096);
        cr_expect_eq(contents_find(&c, stage->name), stage);
    }
    contents_free(&c);
}

static void expect(const char *wanted) {
    char text[100];
    say(text);
    cr_expect_str_eq(text, wanted);
}

static void write_journal(const char *bytes, size_t size) {
    FILE *file = fopen(path, "w");
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* The life of two stages. Where each entry ends, and what is said then, goes to `end` and `said`. */
enum { ENTRIES = 7 };
static void write_life(contents *c, size_t end[ENTRIES], char said[ENTRIES][100]) {
    folder_end at = {0};
    int n = 0;
    const struct {
        const char *stage;
        bool whole, dirty;
    } life[ENTRIES] = {{NULL, false, true}, {NULL, false, false}, {NULL, false, true}, {"a", true, false},
                       {NULL, false, true}, {"a", false, false},  {"b", true, false}};
    for (; n < ENTRIES; n++) {
        contents_stage *stage = life[n].whole   ? add_stage(c, life[n].stage)
                                : life[n].stage ? contents_find(c, life[n].stage)
                                                : NULL;
        if (stage && !life[n].whole)
            stage->finished = true;
        add(&at, c, stage, life[n].whole, life[n].dirty);
        end[n] = (size_t)at.size;
        say(said[n]);
    }
}

Test(journal, says_what_each_entry_has_added) {
    contents c = {.run = 1};
    size_t end[ENTRIES];
    char said[ENTRIES][100];
    static const char *const wanted[ENTRIES] = {"dirty",   "clean",    "dirty",     "clean a",
                                                "dirty a", "clean a+", "clean a+ b"};
    write_life(&c, end, said);
    for (int n = 0; n < ENTRIES; n++)
        cr_expect_str_eq(said[n], wanted[n], "entry %d: %s", n, said[n]);
    tf_error error;
    cr_expect_eq(journal_write(output, "journal", &c, false, &error), TF_OK);
    expect("clean a+ b");
    contents_free(&c);
}

/* Before the rows of a stage its entry is on disk; an entry that is cut off has said no more than that a change was
 * under way. Zeros stand where a disk has got the length of a file before its bytes. */
Test(journal, is_dirty_with_what_was_known_where_an_entry_is_cut_off) {
    contents c = {.run = 1};
    size_t end[ENTRIES];
    char said[ENTRIES][100];
    tf_buf whole = {0};
    write_life(&c, end, said);
    cr_assert_eq(tf_read_file(path, &whole), 0);
    for (size_t cut = end[0] + 1, n = 0; cut < end[ENTRIES - 1]; cut++) {
        char text[100];
        n += cut == end[n + 1];
        write_journal(whole.data, cut);
        say(text);
        cr_expect_str_eq(text + 5, said[n] + 5, "cut at %zu: %s", cut, text);
        cr_expect(cut == end[n] || strncmp(text, "dirty", 5) == 0, "cut at %zu: %s", cut, text);
        char *zeros = tf_alloc(end[n + 1]);
        memcpy(zeros, whole.data, cut);
        write_journal(zeros, end[n + 1]);
        free(zeros);
        say(text);
        cr_expect(strncmp(text, "dirty", 5) == 0 && strcmp(text + 5, said[n] + 5) == 0, "zeros from %zu: %s", cut,
                  text);
    }
    for (size_t cut = 0; cut < end[0]; cut++) {
        write_journal(whole.data, cut);
        expect("damaged");
    }
    tf_buf_free(&whole);
    contents_free(&c);
}

/* The disk has kept what it was given: whoever has changed it since did not write what we did. */
Test(journal, is_damaged_where_a_whole_entry_is_another_than_it_was) {
    contents c = {.run = 1};
    size_t end[ENTRIES];
    char said[ENTRIES][100];
    tf_buf whole = {0};
    write_life(&c, end, said);
    cr_assert_eq(tf_read_file(path, &whole), 0);
    for (int n = 0; n < ENTRIES; n++) {
        whole.data[end[n] - 3]++;
        write_journal(whole.data, whole.length);
        expect("damaged");
        whole.data[end[n] - 3]--;
    }
    tf_buf_free(&whole);
    contents_free(&c);
}

Test(journal, is_written_anew_where_it_is_not_as_it_was_left) {
    contents c = {.run = 1};
    size_t end[ENTRIES];
    char said[ENTRIES][100];
    write_life(&c, end, said);
    for (int way = 0; way < 3; way++) {
        folder_end at = {0};
        add(&at, &c, NULL, false, false);
        if (way == 0)
            cr_assert_eq(truncate(path, at.size - 1), 0);
        else if (way == 1)
            cr_assert_eq(remove(path), 0);
        else
            write_journal("somebody else's\n", 16);
        add(&at, &c, NULL, false, true);
        expect("dirty a+ b");
        add(&at, &c, NULL, false, false);
        expect("clean a+ b");
    }
    contents_free(&c);
}

/* The hundredth stage costs what the tenth does. */
Test(journal, grows_by_what_is_said) {
    contents c = {.run = 1};
    folder_end at = {0};
    int64_t cost[100];
    add(&at, &c, NULL, false, true);
    for (int n = 0; n < 100; n++) {
        char name[20];
        const int64_t before = at.size;
        snprintf(name, sizeof name, "s%02d", n);
        add_stage(&c, name);
        add(&at, &c, contents_find(&c, name), true, false);
        cost[n] = at.size - before;
        cr_expect_eq(cost[n], cost[0], "stage %d: %lld bytes", n, (long long)cost[n]);
    }
    contents_free(&c);
}

static void expect_runs(const char *wanted) {
    contents c = {0};
    tf_error error;
    bool dirty = false, there = false;
    cr_assert_eq(journal_read(output, &c, &dirty, &there, &error), TF_OK, "%s", error.text);
    cr_expect_not(dirty);
    cr_expect_str_eq(c.runs, wanted);
    contents_free(&c);
}

Test(journal, keeps_incidents_of_the_last_run) {
    contents c = {.runs = strdup("[{\"run\":1},{\"run\":2}]")};
    folder_end end = {0};
    tf_error error;
    add(&end, &c, NULL, false, false);
    cr_expect_eq(journal_add_incident(output, &end, &c, 0, "{\"rank\":1}", false, &error), TF_OK);
    cr_expect_eq(journal_add_incident(output, &end, &c, 1, "{\"rank\":3}", false, &error), TF_OK);
    expect_runs("[{\"run\":1},{\"run\":2,\"incidents\":[{\"rank\":1},{\"rank\":3}]}]");
    cr_expect_eq(journal_add_incident(output, &end, &c, 0, "{\"rank\":1,\"end\":\"now\"}", false, &error), TF_OK);
    expect_runs("[{\"run\":1},{\"run\":2,\"incidents\":[{\"rank\":1,\"end\":\"now\"},{\"rank\":3}]}]");
    contents_free(&c);
}

/* What the file is like the last words do not say: it is as it was. Behind an entry that was cut off there are none. */
Test(journal, keeps_the_last_incident_whatever_state_the_file_is_in) {
    tf_error error;
    for (int dirty = 0; dirty <= 1; dirty++) {
        contents c = {.runs = strdup("[{\"run\":1}]")};
        folder_end end = {0};
        add(&end, &c, NULL, false, false);
        cr_expect_eq(journal_add_incident(output, &end, &c, 0, "{\"rank\":1}", false, &error), TF_OK);
        add(&end, &c, NULL, false, dirty);
        cr_expect_eq(journal_add_last_incident(output, "{\"rank\":2}", &error), TF_OK, "%s", error.text);
        if (dirty)
            expect("dirty");
        else
            expect_runs("[{\"run\":1,\"incidents\":[{\"rank\":1},{\"rank\":2}]}]");
        contents_free(&c);
    }
    const int64_t whole = length_of(path);
    cr_assert_eq(truncate(path, whole - 1), 0);
    cr_expect_eq(journal_add_last_incident(output, "{\"rank\":3}", &error), TF_ERR_STOPPED);
    cr_expect_eq(length_of(path), whole - 1);
    expect("dirty");
    cr_assert_eq(remove(path), 0);
    cr_expect_neq(journal_add_last_incident(output, "{}", &error), TF_OK);
}

Test(journal, is_not_shaken_by_incidents_that_make_no_sense) {
    contents c = {.runs = strdup("[{\"run\":1}]")};
    contents_note_incident(&c, 1, "{}");
    contents_note_incident(&c, -1, "{}");
    contents_note_incident(&c, 0, "{");
    contents_note_incident(&c, 0, "[]");
    cr_expect_str_eq(c.runs, "[{\"run\":1}]");
    free(c.runs);
    c.runs = strdup("[]");
    contents_note_incident(&c, 0, "{}");
    cr_expect_str_eq(c.runs, "[]");
    contents_free(&c);
    contents_note_incident(&c, 0, "{}");
    cr_expect_null(c.runs);
}
