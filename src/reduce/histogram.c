/* Histograms: bins of equal width between the least and the most of all groups, so that these can be compared. */
#include "reduce/statistics.h"

#include "store/meet.h"

typedef struct binning {
    const stats *s;
    int64_t bins;
    const double *edges;
    int64_t *counter; /* cells x bins */
} binning;

static double linear_edge(double low, double high, double part) {
    return is_beyond(high - low, low, high) ? mix(low, high, part) : low + (high - low) * part;
}

static double log_edge(double low, double high, double part) {
    const double half = 0.5;
    if (!is_beyond(high / low, low, high))
        return low * pow(high / low, part);
    const double root = sqrt(high) / sqrt(low);
    return part < half ? low * pow(root, 2 * part) : high * pow(root, 2 * (part - 1));
}

static double *make_edges(const stats *s, const tf_stat_spec *stat) {
    double low = stat->log ? s->least_positive : s->least, high = s->most;
    double *edges = tf_alloc_array((size_t)stat->size + 1, sizeof *edges);
    if (!isfinite(low) || !isfinite(high)) {
        low = stat->log ? 1 : 0;
        high = stat->log ? 10 : 1;
    } else if (!(low < high)) {
        high = stat->log ? low * 2 : low + 0.5;
        low = stat->log ? low / 2 : low - 0.5;
    }
    for (int64_t i = 0; i <= stat->size; i++) {
        const double part = (double)i / (double)stat->size;
        edges[i] = stat->log ? log_edge(low, high, part) : linear_edge(low, high, part);
    }
    edges[0] = low;
    edges[stat->size] = high;
    return edges;
}

/* The bin that holds x: closed below, the last above too. */
static int64_t find_bin(const binning *b, double x) {
    int64_t low = 0, high = b->bins; /* edges[low] <= x < edges[high], or x is the last edge */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (x < b->edges[middle])
            high = middle;
        else
            low = middle;
    }
    return low;
}

static inline void count_in_bin(void *context, const cell_value *n) {
    const binning *b = context;
    if (n->x >= b->edges[0] && n->x <= b->edges[b->bins])
        b->counter[n->cell * b->bins + find_bin(b, n->x)]++;
}

static void scan_bins(void *context, const reduce_piece *piece) {
    const binning *b = context;
    each_number(b->s, piece, count_in_bin, context);
}

static tf_err make_histogram(stats *s, const stats_request *request) {
    const tf_stat_spec *stat = request->spec;
    reduce_result *out = request->result;
    out->edges = make_edges(s, stat);
    out->integers = tf_alloc_array((size_t)(s->cells * stat->size), sizeof *out->integers);
    binning b = {.s = s, .bins = stat->size, .edges = out->edges, .counter = out->integers};
    tf_err err = reduce_each(s->r, s->value, scan_bins, &b);
    if (err == TF_OK)
        store_sum_all(s->r->store, out->integers, s->cells * stat->size);
    return err;
}

const statistic statistic_histogram = {.name = "histogram", .make = make_histogram};
