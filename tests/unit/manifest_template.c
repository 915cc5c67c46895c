/* Templates: what placeholders become, plain, formatted, and quoted for the shell. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *text, *argument, *shell; /* NULL: not to be tried there */
} templates[] = {
    {"plain", "plain", "plain"},
    {"", "", NULL},
    {"{n}", "42", "42"},
    {"{x}", "0.1", "0.1"},
    {"{s}", "it's a $HOME", "'it'\\''s a $HOME'"},
    {"{flag}", "true", "true"},
    {"{word}", "plain-word", "plain-word"},
    {"{none}", "", "''"},
    {"{n:05d}|{n:x}|{x:.3f}|{n:8.2e}", "00042|2a|0.100|4.20e+01", "00042|2a|0.100|4.20e+01"},
    {"{word:12s}|", "  plain-word|", "'  plain-word'|"},
    {"{s:raw}", NULL, "it's a $HOME"},
    {"a {{literal}} brace", "a {literal} brace", "a {literal} brace"},
    {"{index}-{stage}", "1-only", "1-only"},
    {"{seed}", "SEED", "SEED"},
    {"{workdir}/{catalog}", "/work/a b.fits", "/work/'a b.fits'"},
    {"{limit} {ratio:.2f} {on}", "7 0.50 false", "7 0.50 false"},
    {"'{s:raw}' \"{n:raw}\"", NULL, "'it's a $HOME' \"42\""},
    {"\\'{n}", NULL, "\\'42"},
};

static const char head[] =
    "{\"name\": \"only\", \"seed\": 5, \"variables\": {\"catalog\": \"a b.fits\", \"limit\": 7, \"ratio\": 0.5, "
    "\"on\": "
    "false},\n \"over\": {\"n\": [1, 42], \"x\": [0.1], \"s\": [\"it's a $HOME\"], \"flag\": [true], \"word\": "
    "[\"plain-word\"], \"none\": [\"\"]},\n \"run\": {\"command\": ";

/* The text of the first argument, or of the shell command, at point 1. */
static char *expand(const char *text, bool shell) {
    tf_buf manifest = {0}, out = {0};
    tf_buf_addf(&manifest, "%s%s\"", head, shell ? "" : "[\"program\", ");
    for (const char *c = text; *c; c++)
        tf_buf_addf(&manifest, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    tf_buf_addf(&manifest, "\"%s}}", shell ? "" : "]");
    tf_campaign *campaign = fixture_load(manifest.data, NULL);
    const tf_space *space = campaign->stage[0].space;
    _Alignas(8) char values[6][8];
    const void *params[6];
    for (int p = 0; p < 6; p++) {
        tf_space_fill(space, p, 1, 1, values[p]);
        params[p] = values[p];
    }
    tf_point point = {.index = 1, .seed = tf_rng_task_seed(5, "only", 1), .params = params};
    tf_template_expand(campaign->stage[0].run.argv[shell ? 0 : 1], &point, &out);
    tf_buf_adds(&out, "");
    tf_campaign_free(campaign);
    tf_buf_free(&manifest);
    return out.data;
}

static void check(const char *text, const char *expected, bool shell) {
    char seed[32];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)tf_rng_task_seed(5, "only", 1));
    char *got = expand(text, shell);
    cr_expect_str_eq(got, strcmp(expected, "SEED") == 0 ? seed : expected, "%s%s", text, shell ? " (shell)" : "");
    free(got);
}

Test(template, becomes_an_argument) {
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (templates[i].argument)
            check(templates[i].text, templates[i].argument, false);
}

Test(template, is_quoted_for_the_shell) {
    for (size_t i = 0; i < sizeof templates / sizeof *templates; i++)
        if (templates[i].shell)
            check(templates[i].text, templates[i].shell, true);
}

/* Whatever the value, sh gives it back: the quoting is tried on the real one. */
Test(template, survives_the_shell) {
    static const char *const values[] = {"a b", "$(touch x)", "`id`",    "'",  "\"", "\\",
                                         "*",   "~",          "a;b|c&d", "-n", "#",  "\t"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        tf_buf manifest = {0}, command = {0};
        tf_buf_adds(&manifest, "{\"over\": {\"s\": [\"");
        for (const char *c = values[i]; *c; c++)
            tf_buf_addf(&manifest, *c == '\t' ? "\\t" : *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
        tf_buf_adds(&manifest, "\"]}, \"run\": {\"command\": \"printf %s {s}\"}}");
        tf_campaign *campaign = fixture_load(manifest.data, NULL);
        const char *string = values[i];
        const void *params[] = {&string};
        tf_template_expand(campaign->stage[0].run.argv[0], &(tf_point){.params = params}, &command);
        FILE *shell = popen(command.data, "r");
        char said[100] = "";
        size_t length = fread(said, 1, sizeof said - 1, shell);
        said[length] = '\0';
        cr_expect_eq(pclose(shell), 0);
        cr_expect_str_eq(said, values[i]);
        tf_campaign_free(campaign);
        tf_buf_free(&manifest);
        tf_buf_free(&command);
    }
}

Test(template, knows_what_it_needs) {
    tf_campaign *campaign =
        fixture_load("{\"over\": {\"n\": [1]}, \"variables\": {\"v\": 1},"
                     " \"run\": {\"command\": [\"program\", \"{v}-{stage}\", \"{n}\", \"{scratch}/x\"]}}",
                     NULL);
    const tf_template *const *argv = campaign->stage[0].run.argv;
    cr_expect(tf_template_is_constant(argv[0]) && tf_template_is_constant(argv[1]));
    cr_expect(!tf_template_is_constant(argv[2]) && !tf_template_is_constant(argv[3]));
    cr_expect(tf_template_uses_scratch(argv[3]) && !tf_template_uses_scratch(argv[2]));
    cr_expect_str_eq(tf_template_source(argv[3]), "{scratch}/x");
    tf_campaign_free(campaign);
}
