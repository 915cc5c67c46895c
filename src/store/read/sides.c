/* Texts of stages that are not finished are in side files still, which were mapped while they were there. */
#include "store/read/reader.h"

static void sort_record(tf_reader *o, const tf_record *record, int64_t position) {
    const contents *c = &o->old.contents;
    int s = record->stage >= 0 && record->stage < c->names ? tf_reader_find(o, c->name[record->stage]) : -1;
    if (s < 0 || record->kind < 0 || record->index < 0 || record->index >= o->stage[s].contents->tasks)
        return;
    for (int f = 0; f < o->stage[s].fields; f++)
        if (o->stage[s].field[f].kind == record->kind)
            entries_add(&o->stage[s].field[f].side, record, position);
}

static void scan_side(tf_reader *o, const mapping *m) {
    int64_t position = 0;
    for (size_t at = 0; at < m->size;) {
        const tf_record *record = tf_record_at(m->bytes + at, m->size - at);
        if (!record)
            break;
        sort_record(o, record, position++);
        at += tf_record_size((size_t)record->length);
    }
}

void reader_read_sides(tf_reader *o) {
    if (o->has_sides)
        return;
    o->has_sides = true;
    for (int i = 0; i < o->sides; i++)
        scan_side(o, &o->side[i]);
    for (int s = 0; s < o->stages; s++)
        for (int f = 0; f < o->stage[s].fields; f++)
            entries_settle(&o->stage[s].field[f].side);
}
