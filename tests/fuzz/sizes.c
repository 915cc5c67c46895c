/* Any bytes as a space of long axes, side by side, one after another and multiplied, and as the shape of a column: the
 * campaign has as many tasks as they make, or is refused, and then it would have been too large. */
#include "target.h"

#include <stdio.h>

enum { DEEPEST = 4 };

#define MOST_POINTS ((long double)((int64_t)1 << 62))
#define SURELY      0x1p52L /* bytes: a campaign of less is not too large */

typedef struct bytes {
    const uint8_t *next, *end;
    int names;
} bytes;

static unsigned pick(bytes *b, unsigned n) {
    return b->next < b->end ? *b->next++ % n : 0;
}

static int64_t pick_length(bytes *b) {
    static const int64_t lengths[] = {
        1, 2, 3, 1000, 1 << 20, 1LL << 31, (1LL << 32) + 1, 1LL << 40, 1LL << 52, (1LL << 53) - 1};
    return lengths[pick(b, sizeof lengths / sizeof *lengths)];
}

/* Adds a space of a parameter of the name; returns how many points it has. */
static long double add_space(bytes *b, int depth, const char *name, tf_buf *out) {
    const unsigned kind = depth < DEEPEST ? pick(b, 4) : 0;
    long double points = 0;
    if (kind == 0) {
        const int64_t length = pick_length(b);
        tf_buf_addf(out, "[{\"name\": \"%s\", \"range\": [%lld]}]", name, (long long)length);
        return (long double)length;
    }
    if (kind == 1) { /* a product: the rest of it has names of its own */
        char other[20];
        snprintf(other, sizeof other, "p%d", b->names++);
        tf_buf_adds(out, "[{\"concat\": [");
        points = add_space(b, depth + 1, name, out);
        tf_buf_adds(out, "]}, {\"concat\": [");
        points *= add_space(b, depth + 1, other, out);
        tf_buf_adds(out, "]}]");
        return points;
    }
    tf_buf_adds(out, "[{\"concat\": [");
    for (unsigned n = 0, parts = 1 + pick(b, 3); n < parts; n++) {
        const int64_t length = pick_length(b);
        tf_buf_addf(out, "%s[{\"name\": \"%s\", \"range\": [%lld]}]", n ? ", " : "", name, (long long)length);
        points += (long double)length;
    }
    tf_buf_adds(out, "]}]");
    return points;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bytes b = {.next = data, .end = data + size};
    tf_buf text = {0};
    const int64_t rows = 1 + pick(&b, 200), columns = 1 + pick(&b, 200);
    const int64_t length = pick_length(&b);
    tf_buf_adds(&text, "{\"over\": ");
    const long double points = add_space(&b, 0, "x", &text);
    tf_buf_addf(&text,
                ", \"run\": {\"function\": \"builtin:noop\"}, \"results\": {\"y\": {\"type\": \"float64\", \"shape\": "
                "[%lld, %lld, %lld]}}}",
                (long long)rows, (long long)columns, (long long)length);
    const long double cells = (long double)rows * (long double)columns * (long double)length;
    const long double row = cells * 8 + 1000; /* bytes, at most */
    tf_campaign *campaign = texts_load(text.data, text.length, "", 0);
    if (campaign) {
        const tf_space *space = campaign->stage[0].space;
        _Alignas(8) char value[8];
        if (points > MOST_POINTS || (long double)tf_space_size(space) != points)
            abort();
        if ((long double)campaign->stage[0].column[0].elements != cells)
            abort();
        for (int p = 0; p < tf_space_params(space); p++)
            tf_space_fill(space, p, tf_space_size(space) - 1, 1, value);
    } else if (points <= MOST_POINTS && cells < 0x1p31L && points * row < SURELY) {
        abort();
    }
    tf_campaign_free(campaign);
    tf_buf_free(&text);
    return 0;
}
