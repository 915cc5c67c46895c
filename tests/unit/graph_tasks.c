/* Graphs of tasks made at random, against a model that knows no graph: loops over all tasks until nothing changes. */
#include "fixture.h"

#include <stdlib.h>

#include "graph/graph.h"

enum { MOST = 24, READS = 3, SOURCES = 4 };

/* Kinds of files, and the letters that their names begin with. */
typedef enum file_kind { OUTPUT, TEMPORARY, SOURCE } file_kind;
static const char letters[] = "ats";

/* Task i makes a<i>, and t<i>, which is temporary. It reads some such files of other tasks, and sources s<k>. */
typedef struct model {
    tf_disk disk;
    int tasks;
    int reads[MOST];
    int input[MOST][READS];           /* numbers of files. 2 * i: a<i>; 2 * i + 1: t<i>; 2 * MOST + k: s<k> */
    int64_t time[2 * MOST + SOURCES]; /* per file */
    int looked[2 * MOST + SOURCES];   /* per file: how often its time was asked for */
    bool done[MOST], stale[MOST];
    /* while it runs */
    bool ready[MOST], ended[MOST], failed[MOST], skipped[MOST];
    int unneeded[MOST];
} model;

static int64_t time_of(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)id;
    model *m = (model *)disk;
    int number = atoi(path + 1);
    const file_kind kind = (file_kind)(strchr(letters, *path) - letters);
    int file = kind == SOURCE ? 2 * MOST + number : 2 * number + (kind == TEMPORARY);
    m->looked[file]++;
    return m->time[file];
}

static int below(tf_rng *rng, int n) {
    return (int)tf_rng_below(rng, (uint64_t)n);
}

static void make_model(model *m, tf_rng *rng) {
    int order[MOST];
    *m = (model){.disk = {.time = time_of}, .tasks = 1 + below(rng, MOST)};
    for (int i = 0; i < m->tasks; i++)
        order[i] = i;
    tf_rng_shuffle(rng, order, (size_t)m->tasks, sizeof *order);
    for (int place = 0; place < m->tasks; place++) {
        int i = order[place];
        m->reads[i] = below(rng, READS + 1);
        for (int r = 0; r < m->reads[i]; r++)
            m->input[i][r] = place == 0 || below(rng, 4) == 0 ? 2 * MOST + below(rng, SOURCES)
                                                              : 2 * order[below(rng, place)] + below(rng, 2);
        m->done[i] = below(rng, 10) > 0;
    }
    bool fresh = below(rng, 2); /* times in the order of the graph */
    for (int f = 0; f < 2 * MOST + SOURCES; f++)
        m->time[f] = fresh && f < 2 * MOST ? 0 : below(rng, 3);
    for (int place = 0; place < m->tasks; place++)
        for (int k = 0; k < 2; k++) {
            int64_t *time = &m->time[2 * order[place] + k];
            *time = below(rng, 20) == 0 || (k && below(rng, 2)) ? TF_DISK_MISSING : fresh ? 10 + place : *time;
        }
}

static tf_campaign *campaign_of(const model *m) {
    tf_buf text = {0};
    tf_buf_adds(&text, "{\"name\": \"w\", \"over\": [{\"rows\": [");
    for (int i = 0; i < m->tasks; i++) {
        tf_buf_addf(&text, "%s{\"ins\": \"", i ? ", " : "");
        for (int r = 0; r < m->reads[i]; r++) {
            int file = m->input[i][r];
            const bool is_source = file >= 2 * MOST;
            tf_buf_addf(&text, "%c%d ", letters[is_source ? SOURCE : file % 2], is_source ? file - 2 * MOST : file / 2);
        }
        tf_buf_adds(&text, "\"}");
    }
    tf_buf_adds(&text, "]}], \"inputs\": {\"split\": \"{ins}\"}, \"outputs\": [\"a{index}\", {\"path\": \"t{index}\", "
                       "\"temp\": true}], \"run\": {\"function\": \"builtin:noop\"}}");
    tf_campaign *campaign = fixture_load(text.data, NULL);
    tf_buf_free(&text);
    return campaign;
}

static bool is_stale(const model *m, int i) {
    int64_t oldest = INT64_MAX, newest = INT64_MIN;
    if (!m->done[i] || m->time[2 * i] == TF_DISK_MISSING)
        return true;
    for (int k = 0; k < 2; k++)
        if (m->time[2 * i + k] != TF_DISK_MISSING && m->time[2 * i + k] < oldest)
            oldest = m->time[2 * i + k];
    for (int r = 0; r < m->reads[i]; r++) {
        int file = m->input[i][r];
        if (file < 2 * MOST && m->stale[file / 2])
            return true;
        newest = m->time[file] > newest ? m->time[file] : newest;
    }
    for (int j = 0; j < m->tasks; j++)
        for (int r = 0; r < m->reads[j] && m->stale[j]; r++)
            if (m->input[j][r] == 2 * i + 1 && m->time[2 * i + 1] == TF_DISK_MISSING)
                return true;
    return newest > oldest;
}

static void find_stale(model *m) {
    for (bool changed = true; changed;) {
        changed = false;
        for (int i = 0; i < m->tasks; i++) {
            bool stale = m->stale[i] || is_stale(m, i);
            changed = changed || stale != m->stale[i];
            m->stale[i] = stale;
        }
    }
}

/* Does j read what i makes? */
static bool reads(const model *m, int j, int i) {
    for (int r = 0; r < m->reads[j]; r++)
        if (m->input[j][r] / 2 == i && m->input[j][r] < 2 * MOST)
            return true;
    return false;
}

/* ---- What the graph tells ---- */

static void on_ready(void *context, int stage, int64_t first, int64_t count, int level) {
    model *m = context;
    (void)stage;
    cr_assert_eq(count, 1);
    cr_expect_not(m->ready[first], "task %d is ready twice", (int)first);
    m->ready[first] = true;
    int longest = 0; /* at least as many tasks as one that reads it has, and itself */
    for (int j = 0; j < m->tasks; j++)
        longest = reads(m, j, (int)first) ? 1 : longest;
    cr_expect(level > longest);
}

static void on_skip(void *context, int stage, int64_t first, int64_t count, int cause_stage, int64_t cause) {
    model *m = context;
    (void)stage, (void)cause_stage;
    cr_assert_eq(count, 1);
    cr_expect(m->failed[cause]);
    cr_expect_not(m->skipped[first], "task %d is skipped twice", (int)first);
    m->skipped[first] = true;
}

static void on_unneeded(void *context, int stage, int64_t index) {
    model *m = context;
    (void)stage;
    m->unneeded[index]++;
}

/* May it run, as far as the model knows? */
static bool may_run(const model *m, int i) {
    for (int j = 0; j < m->tasks; j++)
        if (reads(m, i, j) && m->stale[j] && (!m->ended[j] || m->failed[j]))
            return false;
    return m->stale[i];
}

static bool must_skip(const model *m, int i) {
    for (int j = 0; j < m->tasks; j++)
        if (reads(m, i, j) && m->stale[j] && (m->failed[j] || m->skipped[j]))
            return m->stale[i];
    return false;
}

/* Its temporary output has been read by all who will read it, or was left by an earlier run. */
static bool is_unneeded(const model *m, int i) {
    int readers = 0, running = 0;
    for (int j = 0; j < m->tasks; j++) {
        if (!reads(m, j, i))
            continue;
        readers++;
        running += m->stale[j];
        if (m->stale[j] && (!m->ended[j] || m->failed[j]))
            return false;
    }
    return running > 0 || (readers > 0 && !m->stale[i] && m->time[2 * i + 1] != TF_DISK_MISSING);
}

static void expect_agreement(const model *m) {
    for (int i = 0; i < m->tasks; i++) {
        cr_expect_eq(m->ready[i], may_run(m, i), "task %d", i);
        cr_expect_eq(m->skipped[i], must_skip(m, i), "task %d", i);
        cr_expect_eq(m->unneeded[i], is_unneeded(m, i), "t%d", i);
    }
}

static void run(model *m, tf_graph *graph, tf_rng *rng) {
    const tf_graph_events events = {.context = m, .ready = on_ready, .skip = on_skip, .unneeded = on_unneeded};
    tf_graph_start(graph, &events);
    expect_agreement(m);
    for (;;) {
        int open[MOST], count = 0;
        for (int i = 0; i < m->tasks; i++)
            if (m->ready[i] && !m->ended[i])
                open[count++] = i;
        if (count == 0)
            break;
        int i = open[below(rng, count)];
        m->ended[i] = true;
        m->failed[i] = below(rng, 8) == 0;
        tf_graph_ended(graph, 0, i, 1, !m->failed[i], &events);
        expect_agreement(m);
    }
    for (int i = 0; i < m->tasks; i++)
        cr_expect(!m->stale[i] || m->ended[i] || m->skipped[i], "task %d is forgotten", i);
}

Test(graph, agrees_with_a_model_on_what_is_stale_and_what_is_ready) {
    for (uint64_t seed = 1; seed <= 400; seed++) {
        tf_rng rng = tf_rng_seeded(seed);
        model m;
        make_model(&m, &rng);
        tf_campaign *campaign = campaign_of(&m);
        tf_diags diags = {.file = "test.json"};
        tf_graph *graph = tf_graph_new(campaign, &m.disk, &diags);
        cr_assert_not_null(graph, "seed %d: %s", (int)seed, tf_buf_text(&diags.lines));
        for (int f = 0; f < 2 * MOST + SOURCES; f++)
            cr_expect_leq(m.looked[f], 1);
        tf_intervals done = {0};
        for (int i = 0; i < m.tasks; i++)
            if (m.done[i])
                tf_intervals_add(&done, i, i + 1);
        const tf_past past = {.done = &done};
        const tf_wish wish = {.by_time = true, .by_params = true, .by_code = true, .by_inputs = true};
        cr_assert(tf_graph_plan(graph, &past, &wish, &diags));
        find_stale(&m);
        for (int i = 0; i < m.tasks; i++)
            cr_expect_eq(tf_intervals_contain(&tf_graph_stage(graph, 0)->run, i, i + 1), m.stale[i], "seed %d, task %d",
                         (int)seed, i);
        run(&m, graph, &rng);
        tf_graph_free(graph);
        tf_intervals_free(&done);
        tf_campaign_free(campaign);
    }
}

/* ---- By hand ---- */

static int64_t never(tf_disk *disk, const char *path, tf_disk_id *id) {
    (void)disk, (void)path, (void)id;
    return TF_DISK_MISSING;
}

Test(graph, counts_the_longest_path) {
    tf_campaign *campaign =
        fixture_load("{\"defaults\": {\"run\": {\"function\": \"builtin:noop\"}}, \"stages\": ["
                     "{\"name\": \"end\", \"after\": [\"sum\"]}, {\"name\": \"sum\", \"inputs\": {\"outputs_of\": "
                     "\"make\"}}, {\"name\": \"make\", \"over\": {\"n\": [0, 1]}, \"outputs\": \"x{n}\", \"after\": "
                     "[\"plain\"]}, {\"name\": \"plain\", \"over\": {\"n\": {\"range\": [1000000000000]}}}]}",
                     NULL);
    tf_diags diags = {.file = "test.json"};
    tf_disk disk = {.time = never};
    tf_graph *graph = tf_graph_new(campaign, &disk, &diags);
    cr_assert_not_null(graph, "%s", tf_buf_text(&diags.lines));
    const int levels[] = {1, 2, 3, 4};
    for (int s = 0; s < 4; s++)
        cr_expect_eq(tf_graph_level(graph, s), levels[s]);
    tf_graph_free(graph);
    tf_campaign_free(campaign);
}

Test(files, have_one_spelling_each) {
    static const char *const cases[][2] = {
        {"a", "a"},
        {"./a//b/", "a/b"},
        {"a/./../b", "b"},
        {"/work/a", "a"},
        {"/works/a", "/works/a"},
        {"../a", "../a"},
        {"a/../../b", "../b"},
        {"../../a/../b", "../../b"},
        {"/../a", "/a"},
        {"/a/../../b/.", "/b"},
        {"/work/../x", "../x"},
        {"a b", "a b"},
        {"...", "..."},
        {"a/..", ""},
        {"/work/", ""},
    };
    tf_campaign *campaign = fixture_load("{\"run\": {\"function\": \"builtin:noop\"}}", NULL);
    tf_buf out = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tf_files_normalize(campaign, cases[i][0], &out);
        cr_expect_str_eq(tf_buf_text(&out), cases[i][1], "%s: %s", cases[i][0], tf_buf_text(&out));
    }
    tf_buf_free(&out);
    tf_campaign_free(campaign);
}

Test(files, of_a_glob_are_not_those_of_the_campaign) {
    static const fixture_file there[] = {{"r/a", ""}, {"r/b", ""}, {"r/made", ""}, {NULL, NULL}};
    tf_campaign *campaign = fixture_load(
        "{\"inputs\": {\"glob\": \"r/*\"}, \"outputs\": \"r/made\", \"run\": {\"command\": [\"x\"]}}", there);
    tf_files *files = tf_files_new(campaign);
    tf_paths paths = {0};
    tf_files_inputs(files, 0, 0, &paths);
    cr_assert_eq(paths.count, 2);
    cr_expect_str_eq(tf_paths_text(&paths, 1), "r/b");
    tf_paths_free(&paths);
    tf_files_free(files);
    tf_campaign_free(campaign);
}
