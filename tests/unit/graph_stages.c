/* The order of stages, and loops. */
#include "fixture.h"

#include <stdlib.h>

#include "graph/graph.h"

/* "a<b,c" is a stage a after b and c. */
static char *manifest_of(const char *const *stages, int count) {
    tf_buf text = {0};
    tf_buf_adds(&text, "{\"defaults\": {\"run\": {\"function\": \"builtin:noop\"}}, \"stages\": [");
    for (int i = 0; i < count; i++) {
        tf_buf_addf(&text, "%s{\"name\": \"%c\", \"after\": [", i ? ", " : "", stages[i][0]);
        for (const char *c = stages[i] + 1; *c; c += 2)
            tf_buf_addf(&text, "%s\"%c\"", c > stages[i] + 1 ? ", " : "", c[1]);
        tf_buf_adds(&text, "]}");
    }
    tf_buf_adds(&text, "]}");
    return text.data;
}

Test(graph, orders_stages_after_those_they_wait_for) {
    static const struct {
        const char *stages[5];
        int count;
        const char *order;
    } cases[] = {{{"a", "b", "c"}, 3, "abc"},
                 {{"a<b", "b<c", "c"}, 3, "cba"},
                 {{"a<d", "b", "c<a,b", "d"}, 4, "dabc"},
                 {{"a", "b<a", "c<a", "d<b,c", "e<a"}, 5, "abcde"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *manifest = manifest_of(cases[i].stages, cases[i].count);
        tf_campaign *campaign = fixture_load(manifest, NULL);
        tf_diags diags = {.file = "test.json"};
        cr_expect(tf_graph_check(campaign, &diags), "%s", tf_buf_text(&diags.lines));
        int order[5];
        char text[6] = "";
        tf_graph_order(campaign, order);
        for (int s = 0; s < cases[i].count; s++)
            text[s] = campaign->stage[order[s]].name[0];
        cr_expect_str_eq(text, cases[i].order);
        tf_campaign_free(campaign);
        free(manifest);
    }
}

Test(graph, shows_the_whole_of_each_loop) {
    static const struct {
        const char *stages[4];
        int count;
        const char *diagnostics;
    } cases[] = {
        {{"a<a"}, 1, "test.json: /stages/0/after: stages wait for each other: a -> a\n"},
        {{"a<b", "b<c", "c<a"}, 3, "test.json: /stages/0/after: stages wait for each other: a -> b -> c -> a\n"},
        {{"a", "b<c,a", "c<b"}, 3, "test.json: /stages/1/after: stages wait for each other: b -> c -> b\n"},
        {{"a<b", "b<a", "c<d", "d<c"},
         4,
         "test.json: /stages/0/after: stages wait for each other: a -> b -> a\n"
         "test.json: /stages/2/after: stages wait for each other: c -> d -> c\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *manifest = manifest_of(cases[i].stages, cases[i].count);
        tf_campaign *campaign = fixture_load(manifest, NULL);
        tf_diags diags = {.file = "test.json"};
        cr_expect(!tf_graph_check(campaign, &diags));
        cr_expect_str_eq(tf_buf_text(&diags.lines), cases[i].diagnostics);
        tf_diags_free(&diags);
        tf_campaign_free(campaign);
        free(manifest);
    }
}
