/* Manifests that nobody would write: right ones, damaged at random. Whatever the text, loading it ends: with a
 * campaign, or with a diagnostic. Under sanitizers this finds what reads or writes where it must not. */
#include "../unit/fixture.h"

#include <stdlib.h>

static const fixture_file files[] = {
    {"t.csv", "a,b\n1,\"x \"\"y\"\"\"\n2,z\n"},
    {"t.jsonl", "{\"c\": 1, \"d\": true}\n{\"c\": null, \"d\": false}\n"},
    {"raw/s_G_1.fits", ""},
    {"list.txt", "one\n\ntwo\n"},
    {NULL, NULL},
};

static const char *const seeds[] = {
    "{\"name\": \"n\", \"output\": \"{v}.h5\", \"seed\": 7, \"variables\": {\"v\": \"x\", \"w\": 2.5, \"z\": true}, "
    "\"over\": "
    "{\"i\": {\"range\": [0, 10, 3]}, \"x\": {\"linspace\": [0, 1, 5]}, \"l\": {\"logspace\": [1, 10, 3]}, "
    "\"q\": {\"sobol\": {\"u\": [0, 1], \"t\": [1e-3, 1, \"log\"]}, \"count\": 8}, \"s\": "
    "[\"a\", "
    "\"b\"], \"b\": [true, false]}, \"run\": {\"command\": \"echo {i:04d} {x:.3f} {s} {s:raw} {seed} {scratch} {{}} "
    "'{i:raw}' > "
    "{workdir}\", \"env\": {\"A\": \"{i}\"}, \"cwd\": \"{scratch}\", \"stdin\": \"{s}\"}, \"results\": {\"a\": "
    "\"float64\", \"c\": "
    "{\"type\": \"int16\", \"shape\": [2, 3], \"from\": \"regex:a(b|c)*\"}, \"d\": {\"type\": \"string\", \"from\": "
    "\"file:{scratch}/x.json\"}, \"e\": {\"type\": \"bool\", \"from\": \"field:2\"}}, \"capture\": {\"stdout\": "
    "\"4KB\", "
    "\"stderr\": 0}, \"record\": \"status\", \"store_params\": false}",
    "{\"defaults\": {\"run\": {\"function\": \"./lib.so:f\", \"args\": {\"a\": [1, {\"b\": \"{{c}}\"}]}}}, \"stages\": "
    "[{\"name\": "
    "\"one\", \"over\": [{\"csv\": \"t.csv\"}, {\"zip\": {\"p\": [1, 2], \"q\": [\"u\", \"v\"]}}]}, {\"name\": "
    "\"two\", \"after\": "
    "[\"one\"], \"over\": [{\"concat\": [{\"k\": [1]}, {\"k\": [2.5]}]}, {\"name\": \"f\", \"files\": "
    "\"raw/s_{filter}_{n}.fits\", "
    "\"wildcards\": {\"filter\": \"[GR]\"}}]}, {\"name\": \"three\", \"over\": [{\"jsonl\": \"t.jsonl\"}, {\"name\": "
    "\"line\", "
    "\"lines\": \"list.txt\"}, {\"name\": \"g\", \"glob\": \"*/*.fits\", \"allow_empty\": true}, {\"rows\": [{\"r\": "
    "1}, {\"r\": "
    "2}]}]}]}",
    "{\"defaults\": {\"run\": {\"command\": [\"x\", \"{inputs}\", \"{outputs.o}\"]}}, \"stages\": [{\"name\": \"one\", "
    "\"over\": {\"n\": [1, 2], \"k\": [\"a\", \"b\"]}, \"inputs\": {\"g\": {\"glob\": \"raw/*_{n}.fits\", "
    "\"allow_empty\": true}, \"h\": {\"path\": \"./a/../{k}\", \"check\": \"hash\"}}, \"outputs\": {\"o\": [{\"path\": "
    "\"o{index}\", \"temp\": true}, \"p{n}{k}\"]}, \"results\": {\"y\": \"float32\"}}, {\"name\": \"two\", \"over\": "
    "{\"k\": [\"a\", \"c\"]}, \"inputs\": [{\"outputs_of\": \"one.o\", \"match\": [\"k\"]}, {\"split\": \"u,v{k}\", "
    "\"by\": "
    "\",\"}], \"outputs\": {\"o\": {\"path\": \"../q{k}\", \"allow_outside\": true, \"protected\": true}}, \"log\": "
    "\"l{k}\"}, {\"name\": \"three\", \"over\": [{\"from\": \"one\", \"columns\": {\"a\": \"y\", \"b\": \"k\"}}, "
    "{\"name\": \"z\", \"range\": [2]}], \"run\": {\"command\": \"echo {a:.3f} {b} {z}\"}}]}",
};

/* Pieces that matter to the grammar. */
static const char *const pieces[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     "\"",
                                     ",",
                                     ":",
                                     "\\",
                                     "{x}",
                                     "null",
                                     "-1",
                                     "1e9",
                                     "true",
                                     "\"a\"",
                                     "{{",
                                     "9e999",
                                     "0",
                                     "[]",
                                     "{}",
                                     "{s:d}",
                                     "''",
                                     "\n",
                                     "9223372036854775807",
                                     "-9223372036854775808",
                                     "18446744073709551616",
                                     "NaN",
                                     "\\u0000",
                                     "\\ud800",
                                     "%s",
                                     "\xC3",
                                     "\"run\"",
                                     "\"over\"",
                                     "\"name\"",
                                     "range",
                                     "regex:(",
                                     "field:0",
                                     "\x01",
                                     "{:}",
                                     "*"};

static size_t pick(tf_rng *rng, size_t n) {
    return (size_t)tf_rng_below(rng, n);
}

/* One to three changes: a byte, a piece put in, a run taken out or said twice, or the rest cut off. */
static void mutate(tf_rng *rng, const char *seed, tf_buf *out) {
    tf_buf_adds(out, seed);
    for (size_t changes = 1 + pick(rng, 3); changes > 0 && out->length > 1; changes--) {
        size_t at = pick(rng, out->length), run = 1 + pick(rng, 20);
        run = run < out->length - at ? run : out->length - at;
        tf_buf text = {0};
        tf_buf_add(&text, out->data, at);
        switch (pick(rng, 6)) {
        case 0:
            tf_buf_addc(&text, (char)pick(rng, 256));
            run = 1;
            break;
        case 1:
        case 2:
            tf_buf_adds(&text, pieces[pick(rng, sizeof pieces / sizeof *pieces)]);
            run = pick(rng, 2) ? 0 : run;
            break;
        case 3: break;
        case 4:
            tf_buf_add(&text, out->data + at, run);
            run = 0;
            break;
        default: run = out->length - at;
        }
        tf_buf_add(&text, out->data + at + run, out->length - at - run);
        tf_buf_free(out);
        *out = text;
    }
}

Test(manifest, undamaged_is_a_campaign) {
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        tf_campaign_free(fixture_load(seeds[i], files));
}

Test(manifest, however_damaged_is_a_campaign_or_a_diagnostic) {
    int right = 0, wrong = 0;
    for (int round = 0; round < 20000; round++) {
        tf_rng rng = tf_rng_start(2026, round);
        tf_buf text = {0};
        mutate(&rng, seeds[round % 2], &text);
        fixture f = fixture_new(tf_buf_text(&text), files);
        tf_load_options options = fixture_options();
        tf_diags diags = {.file = "test.json"};
        tf_campaign *campaign = tf_campaign_load(&options, &f.source, &diags);
        cr_assert((campaign == NULL) == (diags.count > 0), "round %d: %s", round, tf_buf_text(&text));
        cr_assert(campaign || strncmp(diags.lines.data, "test.json", 9) == 0);
        for (int s = 0; campaign && s < campaign->stages; s++) { /* what can be loaded can be computed */
            const tf_space *space = campaign->stage[s].space;
            tf_buf value = {0};
            for (int p = 0; p < tf_space_params(space) && tf_space_size(space) > 0; p++)
                fixture_value(space, p, tf_space_size(space) - 1, &value);
            tf_buf_free(&value);
        }
        right += campaign != NULL;
        wrong += campaign == NULL;
        tf_campaign_free(campaign);
        tf_diags_free(&diags);
        tf_buf_free(&text);
    }
    cr_expect(right > 100 && wrong > 5000, "%d right, %d wrong: the damage is too small or too large", right, wrong);
}
