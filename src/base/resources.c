/* Slots, memory and GPUs, counted. */
#include "base/base.h"

int64_t tf_resources_fit(const tf_resources *have, const tf_resources *need) {
    int64_t fit = have->slots / tf_resources_slots(need);
    if (need->memory > 0 && have->memory / need->memory < fit)
        fit = have->memory / need->memory;
    if (need->gpus > 0 && have->gpus / need->gpus < fit)
        fit = have->gpus / need->gpus;
    return fit > 0 ? fit : 0;
}

void tf_resources_subtract(tf_resources *have, const tf_resources *need, int64_t count) {
    have->slots -= count * tf_resources_slots(need);
    have->memory -= count * need->memory;
    have->gpus -= count * need->gpus;
}

bool tf_resources_equal(const tf_resources *a, const tf_resources *b) {
    return tf_resources_slots(a) == tf_resources_slots(b) && a->memory == b->memory && a->gpus == b->gpus;
}
