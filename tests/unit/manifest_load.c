/* Campaigns: names, defaults, variables, options, and that a bundle is the campaign again. (Broken manifests and their
 * messages: tests/run/05_broken_manifests.py.) */
#include "fixture.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

Test(campaign, of_one_stage_is_named_after_its_file) {
    tf_campaign *c = fixture_load("{\"run\": {\"function\": \"builtin:noop\"}}", NULL);
    cr_expect_str_eq(c->name, "test");
    cr_expect_str_eq(c->output, "test.h5");
    cr_expect_str_eq(c->stage[0].name, "test");
    cr_expect_eq(c->seed, 0);
    tf_campaign_free(c);
    c = fixture_load("{\"name\": \"2 dF.v1\", \"run\": {\"function\": \"builtin:noop\"}}", NULL);
    cr_expect_str_eq(c->output, "2 dF.v1.h5");
    cr_expect_str_eq(c->stage[0].name, "_2_dF_v1");
    tf_campaign_free(c);
}

Test(campaign, gives_its_stages_defaults_which_they_override) {
    tf_campaign *c = fixture_load(
        "{\"defaults\": {\"run\": {\"command\": [\"measure\"]}, \"capture\": {\"stdout\": 0}, \"record\": \"status\"},"
        " \"stages\": [{\"name\": \"a\"}, {\"name\": \"b\", \"run\": {\"function\": \"lib.so:f\"}, \"after\": [\"a\"]},"
        " {\"name\": \"c\", \"record\": \"full\", \"capture\": {\"stderr\": \"1MB\"}}]}",
        NULL);
    cr_expect_eq(c->stages, 3);
    const tf_stage_spec *s = c->stage;
    cr_expect(strcmp(s[0].run.what, "command") == 0 && s[0].capture_stdout == 0 && s[0].capture_stderr == 65536);
    cr_expect(!s[0].record_full && !s[1].record_full && s[2].record_full);
    cr_expect(strcmp(s[1].run.what, "function") == 0 && strcmp(s[1].run.library, "lib.so") == 0);
    cr_expect(s[1].afters == 1 && s[1].after[0] == 0);
    cr_expect(s[2].capture_stderr == 1 << 20 && s[2].capture_stdout == 65536, "a stage's own capture is all its own");
    tf_campaign_free(c);
}

Test(campaign, records_commands_in_full_and_functions_by_status) {
    tf_campaign *c = fixture_load("{\"stages\": [{\"name\": \"a\", \"run\": {\"command\": \"true\"}},"
                                  " {\"name\": \"b\", \"run\": {\"function\": \"builtin:noop\"}}]}",
                                  NULL);
    cr_expect(c->stage[0].record_full && !c->stage[1].record_full);
    tf_campaign_free(c);
}

Test(campaign, takes_options_over_what_the_manifest_says) {
    static const char manifest[] = "{\"output\": \"{tag}.h5\", \"seed\": 1, \"variables\": {\"tag\": \"x\", \"n\": 1},"
                                   " \"run\": {\"command\": [\"{tag}\", \"{n}\"]}}";
    fixture f = fixture_new(manifest, NULL);
    tf_load_options options = fixture_options();
    tf_diags diags = {.file = "test.json"};
    options.seed = "18446744073709551615";
    options.set = (const char *[]){"tag=y=z", "n=2.5"};
    options.sets = 2;
    tf_campaign *c = tf_campaign_load(&options, &f.source, &diags);
    cr_assert_not_null(c, "%s", tf_buf_text(&diags.lines));
    cr_expect_eq(c->seed, UINT64_MAX);
    cr_expect_str_eq(c->output, "y=z.h5");
    tf_buf text = {0};
    tf_template_expand(c->stage[0].run.argv[1], &(tf_point){0}, &text);
    cr_expect_str_eq(tf_buf_text(&text), "2.5");
    tf_buf_free(&text);
    tf_campaign_free(c);
    options.output = "/elsewhere/out.h5";
    c = tf_campaign_load(&options, &f.source, &diags);
    cr_expect_str_eq(c->output, "/elsewhere/out.h5");
    tf_campaign_free(c);
}

Test(campaign, puts_variables_into_arguments_at_any_depth) {
    tf_campaign *c =
        fixture_load("{\"variables\": {\"v\": \"x\"}, \"run\": {\"function\": \"./lib{v}.so:f\", \"args\": "
                     "{\"a\": [\"{v}1\", {\"b\": \"{{{v}}}\"}], \"n\": 0.5}}}",
                     NULL);
    cr_expect_str_eq(c->stage[0].run.library, "./libx.so");
    cr_expect_str_eq(c->stage[0].run.symbol, "f");
    cr_expect_str_eq(c->stage[0].run.args, "{\"a\":[\"x1\",{\"b\":\"{x}\"}],\"n\":0.5}");
    tf_campaign_free(c);
}

Test(columns, have_types_shapes_and_sources) {
    tf_campaign *c = fixture_load(
        "{\"run\": {\"command\": \"true\"}, \"results\": {\"a\": \"float64\", \"b\": {\"type\": \"int16\", \"shape\": "
        "[3, "
        "4]}, \"c\": {\"type\": \"string\", \"from\": \"regex:x=(.*)\"}, \"d\": {\"type\": \"bool\", \"from\": "
        "\"field:3\"}, \"e\": {\"type\": \"bytes\", \"from\": \"file:{scratch}/e\"}}}",
        NULL);
    const tf_column_spec *k = c->stage[0].column;
    cr_assert_eq(c->stage[0].columns, 5);
    cr_expect(k[0].type == TF_FLOAT64 && k[0].rank == 0 && k[0].elements == 1 && strcmp(k[0].from, "json") == 0);
    cr_expect(k[1].rank == 2 && k[1].shape[0] == 3 && k[1].shape[1] == 4 && k[1].elements == 12);
    cr_expect(strcmp(k[2].from, "regex") == 0 && strcmp(k[2].regex, "x=(.*)") == 0);
    cr_expect(strcmp(k[3].from, "field") == 0 && k[3].field == 3);
    cr_expect(strcmp(k[4].from, "file") == 0 && tf_template_uses_scratch(k[4].file));
    tf_campaign_free(c);
}

Test(parameters, of_large_spaces_are_stored_only_when_asked_for) {
    static const struct {
        const char *manifest;
        bool stored;
    } cases[] = {
        {"{\"over\": {\"i\": {\"range\": [10000000]}}, \"run\": {\"function\": \"builtin:noop\"}}", true},
        {"{\"over\": {\"i\": {\"range\": [10000001]}}, \"run\": {\"function\": \"builtin:noop\"}}", false},
        {"{\"over\": {\"i\": {\"range\": [10000001]}}, \"store_params\": true, \"run\": {\"function\": "
         "\"builtin:noop\"}}",
         true},
        {"{\"over\": {\"i\": [1]}, \"store_params\": false, \"run\": {\"function\": \"builtin:noop\"}}", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tf_campaign *c = fixture_load(cases[i].manifest, NULL);
        cr_expect_eq(c->stage[0].store_params, cases[i].stored, "case %zu", i);
        tf_campaign_free(c);
    }
}

/* ---- Bundles ---- */

Test(bundle, is_the_campaign_again_whatever_became_of_the_files) {
    static const fixture_file files[] = {
        {"t.csv", "a,b\n1,x\n2,y\n"}, {"raw/1.fits", ""}, {"raw/2.fits", ""}, {NULL, NULL}};
    static const char manifest[] =
        "{\"seed\": 3, \"variables\": {\"v\": 1}, \"over\": [{\"csv\": \"t.csv\"}, {\"name\": "
        "\"f\", \"glob\": \"raw/*.fits\"}], \"run\": {\"command\": [\"p\", \"{v}\"]}}";
    fixture f = fixture_new(manifest, files);
    tf_load_options options = fixture_options();
    options.set = (const char *[]){"v=9"};
    options.sets = 1;
    tf_recorder recorder;
    tf_diags diags = {.file = "test.json"};
    tf_recorder_start(&recorder, &options, &f.source);
    tf_campaign *first = tf_campaign_load(&options, &recorder.source, &diags);
    cr_assert_not_null(first, "%s", tf_buf_text(&diags.lines));
    cr_expect_eq(f.reads, 2, "each file is read once");
    tf_campaign *second = tf_campaign_unbundle(recorder.bytes.data, recorder.bytes.length);
    cr_assert_not_null(second);
    cr_expect_eq(f.reads, 2);
    cr_expect_str_eq(tf_bundle_workdir(recorder.bytes.data, recorder.bytes.length), "/work");
    tf_buf a = {0}, b = {0};
    fixture_points(first->stage[0].space, &a);
    fixture_points(second->stage[0].space, &b);
    tf_template_expand(first->stage[0].run.argv[1], &(tf_point){0}, &a);
    tf_template_expand(second->stage[0].run.argv[1], &(tf_point){0}, &b);
    cr_expect_str_eq(a.data, b.data);
    cr_expect(strstr(a.data, "a=2 b='y' f='raw/2.fits'9") != NULL, "%s", a.data);
    cr_expect_str_eq(first->text, second->text);
    for (size_t cut = 0; cut < recorder.bytes.length; cut += 7)
        cr_expect_null(tf_campaign_unbundle(recorder.bytes.data, cut), "cut at %zu", cut);
    tf_buf_free(&a);
    tf_buf_free(&b);
    tf_campaign_free(first);
    tf_campaign_free(second);
    tf_recorder_free(&recorder);
}

Test(schema, is_json_and_knows_the_keys) {
    tf_buf text = {0};
    tf_schema_write(&text);
    cJSON *schema = cJSON_Parse(text.data);
    cr_assert_not_null(schema);
    const cJSON *defs = cJSON_GetObjectItem(schema, "$defs");
    static const char *const names[] = {"stage", "defaults", "axis", "space", "run", "column", "capture", "type"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_not_null(cJSON_GetObjectItem(defs, names[i]), "%s", names[i]);
    cJSON_Delete(schema);
    tf_buf_free(&text);
}

Test(files, are_folders_where_their_paths_end_in_a_slash) {
    static const struct {
        const char *path;
        bool is_folder;
    } expected[] = {{"out/1.ms", true}, {"out/1.txt", false}, {"b", false}, {"c", true}, {"e/f", true}, {"/x", true}};
    tf_campaign *c = fixture_load("{\"over\": {\"k\": [1]}, \"outputs\": [\"out/{k}.ms/\", \"out/{k}.txt\", "
                                  "{\"split\": \"b c/ ./d/../e/f//\"}, {\"path\": \"/x/\", \"allow_outside\": true}], "
                                  "\"run\": {\"function\": \"builtin:noop\"}}",
                                  NULL);
    tf_files *files = tf_files_new(c);
    tf_paths paths = {0};
    tf_buf shown = {0};
    tf_files_outputs(files, 0, 0, &paths);
    cr_assert_eq(paths.count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < paths.count; i++) {
        cr_expect_str_eq(tf_paths_text(&paths, i), expected[i].path);
        cr_expect_eq(paths.item[i].is_folder, expected[i].is_folder, "%s", expected[i].path);
    }
    tf_paths_show(&paths, 0, &shown);
    cr_expect_str_eq(shown.data, "out/1.ms/");
    tf_buf_free(&shown);
    tf_paths_free(&paths);
    tf_files_free(files);
    tf_campaign_free(c);
}

Test(files, are_of_outputs_that_they_are_or_lie_in) {
    static const struct {
        const char *path;
        bool is_of;
    } cases[] = {{"out/a", true},    {"out/a/b/c", true}, {"out/ab", false}, {"out", false},
                 {"x/out/a", false}, {"/y", true},        {"/y/z", true},    {"", false}};
    tf_table outputs = {0};
    cr_expect(!tf_files_are_of(&outputs, "out/a"));
    tf_table_add(&outputs, "out/a", 5, 0);
    tf_table_add(&outputs, "/y", 2, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        cr_expect_eq(tf_files_are_of(&outputs, cases[i].path), cases[i].is_of, "%s", cases[i].path);
    tf_table_free(&outputs);
}
