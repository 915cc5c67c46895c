/* The plugin interface, run in this process. TEST_PLUGIN is tests/plugin/plugin.c as a library. */
#include "outcome.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

static const char over_all[] =
    "\"over\": [{\"rows\": [{\"flag\": true, \"count\": 5, \"number\": 0.5, \"word\": \"x\"}, "
    "{\"flag\": false, \"count\": -7, \"number\": 2, \"word\": \"\"}]}]";
static const char all_columns[] = "\"results\": {\"b\": \"bool\", \"i\": \"int32\", \"u\": \"uint64\", \"f\": "
                                  "\"float32\", \"s\": \"string\", \"raw\": "
                                  "\"bytes\", \"grid\": {\"type\": \"int16\", \"shape\": [2, 3]}}";

/* A campaign of one stage that runs a function of the test plugin. */
static tf_campaign *load(const char *function, const char *args, const char *members) {
    tf_buf manifest = {0};
    tf_buf_addf(&manifest, "{\"seed\": 77, \"run\": {\"function\": \"%s:%s\", \"args\": {%s}}, %s}", TEST_PLUGIN,
                function, args, members);
    tf_campaign *campaign = fixture_load(manifest.data, NULL);
    tf_buf_free(&manifest);
    return campaign;
}

static char *join(const char *a, const char *b) {
    static char text[4000];
    snprintf(text, sizeof text, "%s, %s", a, b);
    return text;
}

Test(function, gets_every_parameter_and_sets_every_column) {
    tf_campaign *campaign = load("convert", "\"scale\": 3, \"prefix\": \"pre\"", join(over_all, all_columns));
    outcome *o = outcome_run_here(campaign);
    for (int64_t i = 0; i < 2; i++)
        cr_assert_eq(o->status[i], TF_STATUS_DONE, "%s", outcome_text(o, i, TF_RECORD_MESSAGE));
    cr_expect(o->number[0][0] == 0 && o->number[1][0] == 1);
    cr_expect(o->number[0][1] == -5 && o->number[1][1] == 7);
    cr_expect(o->number[0][2] == 0x1p64);
    cr_expect(o->number[0][3] == 1.5 && o->number[1][3] == 6);
    cr_expect(o->number[0][6] == 0 && o->number[1][6] == 10);
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_COLUMN + 4), "pre-x");
    cr_expect_str_eq(outcome_text(o, 1, TF_RECORD_COLUMN + 4), "pre-");
    cr_expect_str_eq(outcome_text(o, 1, TF_RECORD_STDERR), "task 1 of 2\n");
    outcome_free(o);
    tf_campaign_free(campaign);
}

Test(function, may_use_names) {
    tf_campaign *campaign = load("by_name", "", join(over_all, all_columns));
    outcome *o = outcome_run_here(campaign);
    cr_expect_eq(o->status[1], TF_STATUS_DONE, "%s", outcome_text(o, 1, TF_RECORD_MESSAGE));
    cr_expect(o->number[1][1] == 7 && o->number[1][3] == 4);
    outcome_free(o);
    tf_campaign_free(campaign);
}

Test(function, fails_its_task_alone_and_says_why) {
    static const struct {
        const char *how, *message; /* NULL: done */
    } cases[] = {
        {"nothing wrong", NULL},
        {"too large", "a value does not fit column \"small\" of type int8"},
        {"fraction", "a value does not fit column \"small\" of type int8"},
        {"no such column", "the function sets a column \"smal\", and the stage has none of that name"},
        {"no such parameter", "the function reads a parameter \"what\", and the stage has none of that name"},
        {"string as number", "the function reads parameter \"how\" as a number, and it is a string"},
        {"text in a number", "the function sets column \"small\" as text, and it is int8"},
        {"not UTF-8", "the text for column \"text\" is not UTF-8; use type \"bytes\""},
        {"says why", "because, that is why"},
        {"says nothing", "misuse returned 42"},
        {"unset", "the function did not set column \"text\" of type string"},
        {"unset number", "the function did not set column \"given\" of type float32"},
        {"nothing wrong again", NULL},
    };
    tf_buf members = {0};
    int count = sizeof cases / sizeof *cases;
    for (int i = 0; i < count; i++)
        tf_buf_addf(&members, "%s\"%s\"", i ? ", " : "\"over\": {\"how\": [", cases[i].how);
    tf_buf_adds(&members, "]}, \"results\": {\"small\": \"int8\", \"text\": \"string\", \"none\": {\"type\": "
                          "\"float64\", \"optional\": true}, \"given\": \"float32\"}");
    tf_campaign *campaign = load("misuse", "", members.data);
    outcome *o = outcome_run_here(campaign);
    for (int i = 0; i < count; i++) {
        bool done = !cases[i].message;
        cr_expect_eq(o->status[i], done ? TF_STATUS_DONE : TF_STATUS_FAILED, "%s", cases[i].how);
        cr_expect_str_eq(outcome_text(o, i, TF_RECORD_MESSAGE), done ? "" : cases[i].message);
        cr_expect_eq(o->number[i][0], done, "%s: a failed task keeps no results", cases[i].how);
        cr_expect_str_eq(outcome_text(o, i, TF_RECORD_COLUMN + 1), done ? "fine" : "");
        cr_expect(isnan(o->number[i][2]), "an optional number that is not set is NaN");
    }
    outcome_free(o);
    tf_campaign_free(campaign);
    tf_buf_free(&members);
}

Test(function, whose_setup_fails_fails_every_task_and_is_not_called) {
    static const struct {
        const char *function, *args, *message;
    } cases[] = {
        {"never", "\"catalogue\": \"gaia\"", "no catalogue gaia"},
        {"never", "\"catalogue\": 3", "argument \"catalogue\" must be a string"},
        {"unbound", "", "unbound needs a parameter \"nowhere\", and the stage has none of that name"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tf_campaign *campaign = load(cases[i].function, cases[i].args, "\"over\": {\"n\": [1, 2, 3]}");
        outcome *o = outcome_run_here(campaign);
        for (int64_t k = 0; k < 3; k++) {
            cr_expect_eq(o->status[k], TF_STATUS_FAILED);
            cr_expect_str_eq(outcome_text(o, k, TF_RECORD_MESSAGE), cases[i].message);
        }
        outcome_free(o);
        tf_campaign_free(campaign);
    }
}

Test(batch_form, gives_what_single_tasks_give) {
    static const char over[] = "\"name\": \"same\", \"over\": {\"k\": {\"range\": [500]}}";
    tf_campaign *one = load("draw", "", join(over, "\"results\": {\"x\": \"float64\"}"));
    tf_campaign *many = load("draws", "", join(over, "\"results\": {\"x\": \"float64\", \"s\": \"string\"}"));
    outcome *a = outcome_run_here(one), *b = outcome_run_here(many);
    for (int64_t i = 0; i < 500; i++) {
        char text[40];
        snprintf(text, sizeof text, "row %lld", (long long)i);
        bool failed = i % 7 == 3;
        tf_rng rng = tf_rng_start(tf_rng_stage_key(77, "same", 0), i);
        cr_assert_eq(a->number[i][0], tf_rng_double(&rng) + (double)i);
        cr_assert_eq(b->status[i], failed ? TF_STATUS_FAILED : TF_STATUS_DONE);
        cr_assert(failed ? isnan(b->number[i][0]) : b->number[i][0] == a->number[i][0]);
        cr_assert_str_eq(outcome_text(b, i, TF_RECORD_MESSAGE), failed ? "seven" : "");
        cr_assert_str_eq(outcome_text(b, i, TF_RECORD_COLUMN + 1), failed ? "" : text);
    }
    outcome_free(a);
    outcome_free(b);
    tf_campaign_free(one);
    tf_campaign_free(many);
}

/* What a batch function has not written is found because it is as it was. */
Test(batch_form, fails_rows_whose_floats_it_leaves) {
    static const char *const messages[] = {"", "the function did not set column \"x\" of type float32",
                                           "", "the function did not set column \"grid\" of type float64",
                                           "", ""};
    tf_campaign *campaign = load("leaves", "",
                                 "\"over\": {\"n\": {\"range\": [6]}}, \"results\": {\"x\": \"float32\", \"grid\": "
                                 "{\"type\": \"float64\", \"shape\": [3]}, \"whole\": \"int32\", "
                                 "\"none\": {\"type\": \"float64\", \"optional\": true}}");
    outcome *o = outcome_run_here(campaign);
    for (int i = 0; i < 6; i++) {
        const bool done = *messages[i] == '\0';
        cr_expect_eq(o->status[i], done ? TF_STATUS_DONE : TF_STATUS_FAILED, "%d", i);
        cr_expect_str_eq(outcome_text(o, i, TF_RECORD_MESSAGE), messages[i]);
        cr_expect(done && i != 2 ? o->number[i][0] == i : isnan(o->number[i][0]), "%d: %g", i, o->number[i][0]);
        cr_expect(done && i != 4 ? o->number[i][1] == i : isnan(o->number[i][1]), "%d: %g", i, o->number[i][1]);
        cr_expect(isnan(o->number[i][3]));
    }
    outcome_free(o);
    tf_campaign_free(campaign);
}

Test(batch_form, fails_all_rows_where_it_names_one_that_is_not_there) {
    static const struct {
        const char *how, *message;
    } cases[] = {
        {"text", "strays_batch names row 6 of a batch of 6, whose rows count from 0"},
        {"bytes", "strays_batch names row -1 of a batch of 6, whose rows count from 0"},
        {"failure", "strays_batch names row 6 of a batch of 6, whose rows count from 0"},
        {"block", "strays_batch names row 6 of a batch of 6, whose rows count from 0"},
        {"array", "strays_batch names row 6 of a batch of 6, whose rows count from 0"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char args[60];
        snprintf(args, sizeof args, "\"how\": \"%s\"", cases[c].how);
        tf_campaign *campaign =
            load("strays", args, "\"over\": {\"n\": {\"range\": [6]}}, \"results\": {\"s\": \"string\"}");
        outcome *o = outcome_run_here(campaign);
        for (int i = 0; i < 6; i++) {
            cr_expect_eq(o->status[i], TF_STATUS_FAILED);
            cr_expect_str_eq(outcome_text(o, i, TF_RECORD_MESSAGE), cases[c].message);
            cr_expect_str_eq(outcome_text(o, i, TF_RECORD_COLUMN), "");
        }
        outcome_free(o);
        tf_campaign_free(campaign);
    }
}

Test(hooks, run_once_a_host) {
    char path[] = "/tmp/taskfarm-unit-XXXXXX", args[100];
    close(mkstemp(path));
    snprintf(args, sizeof args, "\"file\": \"%s\"", path);
    tf_campaign *campaign = load("tally", args, "\"over\": {\"n\": {\"range\": [20]}}");
    outcome *o = outcome_run_here(campaign);
    tf_buf lines = {0}, expected = {0};
    tf_read_file(path, &lines);
    tf_buf_addf(&expected, "setup %ld\nteardown %ld\n", (long)getpid(), (long)getpid());
    cr_expect_str_eq(lines.data, expected.data);
    tf_buf_free(&lines);
    tf_buf_free(&expected);
    unlink(path);
    outcome_free(o);
    tf_campaign_free(campaign);
}

Test(builtin, functions_do_what_they_say) {
    tf_campaign *campaign =
        fixture_load("{\"over\": {\"r\": {\"range\": [200]}}, \"run\": {\"function\": \"builtin:pi\", \"args\": "
                     "{\"samples\": 10000}}, \"results\": {\"pi\": \"float64\"}}",
                     NULL);
    outcome *o = outcome_run_here(campaign);
    double sum = 0;
    for (int i = 0; i < 200; i++)
        sum += o->number[i][0];
    cr_expect_float_eq(sum / 200, M_PI, 5 * 1.64 / sqrt(200 * 10000.0)); /* five standard errors */
    outcome_free(o);
    tf_campaign_free(campaign);
    campaign =
        fixture_load("{\"over\": {\"r\": {\"range\": [10]}}, \"run\": {\"function\": \"builtin:fail\", \"args\": "
                     "{\"every\": 4}}}",
                     NULL);
    o = outcome_run_here(campaign);
    for (int i = 0; i < 10; i++)
        cr_expect_eq(o->status[i], i % 4 ? TF_STATUS_DONE : TF_STATUS_FAILED);
    outcome_free(o);
    tf_campaign_free(campaign);
}

Test(preflight, names_what_is_missing) {
    static const struct {
        const char *run, *diagnostics; /* NULL: all right */
    } cases[] = {
        {"{\"function\": \"builtin:noop\"}", NULL},
        {"{\"function\": \"" TEST_PLUGIN ":convert\"}", NULL},
        {"{\"command\": [\"sh\", \"-c\", \"true\"]}", NULL},
        {"{\"command\": [\"/bin/sh\"]}", NULL},
        {"{\"command\": [\"{n}\"]}", NULL},
        {"{\"command\": \"whatever the shell finds\"}", NULL},
        {"{\"function\": \"builtin:nop\"}",
         "test.json: /run/function: there is no built-in function \"nop\"; did you mean \"noop\"?\n"},
        {"{\"function\": \"" TEST_PLUGIN ":conver\"}",
         "test.json: /run/function: " TEST_PLUGIN " has no function \"conver\"\n"},
        {"{\"function\": \"libm.so.6:cos\"}",
         "test.json: /run/function: libm.so.6 is no plugin: it lacks the line TF_PLUGIN;\n"},
        {"{\"command\": [\"no-such-program-anywhere\", \"x\"]}",
         "test.json: /run/command/0: there is no program \"no-such-program-anywhere\" in PATH\n"},
        {"{\"command\": [\"/nowhere/program\"]}",
         "test.json: /run/command/0: can't run /nowhere/program: there is no such file\n"},
        {"{\"command\": [\"/etc/passwd\"]}",
         "test.json: /run/command/0: can't run /etc/passwd: it is not an executable file\n"},
        {"{\"command\": [\"\"]}", "test.json: /run/command/0: the program's name is empty\n"},
        {"{\"command\": [\"true\"], \"cwd\": \"/nowhere\"}", "test.json: /run/cwd: there is no folder /nowhere\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tf_buf manifest = {0};
        tf_buf_addf(&manifest, "{\"over\": {\"n\": [\"a\"]}, \"run\": %s}", cases[i].run);
        tf_campaign *campaign = fixture_load(manifest.data, NULL);
        tf_diags diags = {.file = "test.json"};
        tf_host_preflight(campaign, NULL, &diags);
        cr_expect_str_eq(tf_buf_text(&diags.lines), cases[i].diagnostics ? cases[i].diagnostics : "");
        tf_diags_free(&diags);
        tf_campaign_free(campaign);
        tf_buf_free(&manifest);
    }
}

Test(function, goes_on_in_the_only_process_that_there_is_after_changing_it) {
    tf_campaign *campaign = fixture_load(
        "{\"over\": {\"k\": {\"range\": [30]}}, \"run\": {\"function\": \"" TEST_PLUGIN ":untidy\"}}", NULL);
    outcome *o = outcome_run_here(campaign);
    for (int64_t k = 0; k < 30; k++)
        cr_assert_eq(o->status[k], TF_STATUS_DONE);
    outcome_free(o);
    tf_campaign_free(campaign);
}
