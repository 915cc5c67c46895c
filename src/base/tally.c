/* Counts of texts. Texts that differ only in numbers are counted together, unless the number is an exit status, which
 * tells one failure from another. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum { MOST_ENTRIES = 256, LONGEST = 400 };

/* Makes the key that all texts of an entry have in common. */
static void make_key(int owner, const char *text, size_t length, tf_buf *key) {
    static const char status[] = "exit status ";
    size_t i = 0;
    tf_buf_addf(key, "%d ", owner);
    if (length > sizeof status - 1 && memcmp(text, status, sizeof status - 1) == 0)
        for (i = sizeof status - 1; i < length && isdigit((unsigned char)text[i]);)
            i++;
    tf_buf_add(key, text, i);
    while (i < length) {
        if (!isdigit((unsigned char)text[i])) {
            tf_buf_addc(key, text[i++]);
            continue;
        }
        while (i < length && (isdigit((unsigned char)text[i]) || text[i] == '.'))
            i++;
        tf_buf_addc(key, '0');
    }
}

static void merge_numbers(tf_tally_entry *entry, const int64_t *number, int numbers) {
    for (int n = 0; n < numbers; n++) {
        int at = entry->numbers;
        while (at > 0 && entry->number[at - 1] > number[n])
            at--;
        if (at == TF_TALLY_NUMBERS)
            continue;
        if (entry->numbers < TF_TALLY_NUMBERS)
            entry->numbers++;
        memmove(&entry->number[at + 1], &entry->number[at], (size_t)(entry->numbers - 1 - at) * sizeof *entry->number);
        entry->number[at] = number[n];
    }
}

/* Finds an entry, or adds it. NULL: there are too many entries. */
static tf_tally_entry *find_entry(tf_tally *tally, int owner, const tf_buf *key) {
    uint32_t at = tf_table_get(&tally->keys, key->data, key->length);
    if (at != TF_TABLE_NONE)
        return &tally->entry[at];
    if (tally->count == MOST_ENTRIES)
        return NULL;
    at = tf_table_add(&tally->keys, key->data, key->length, (uint32_t)tally->count);
    tally->entry = tf_realloc_array(tally->entry, (size_t)tally->count + 1, sizeof *tally->entry);
    tally->entry[tally->count++] = (tf_tally_entry){.owner = owner};
    return &tally->entry[at];
}

void tf_tally_add(tf_tally *tally, int owner, const char *text, size_t length, int64_t count, const int64_t *number,
                  int numbers) {
    tf_buf key = {0};
    length = length < LONGEST ? length : LONGEST;
    if (length > 0 && tf_utf8_invalid(text, length) >= 0) /* not in the middle of a character */
        length = (size_t)tf_utf8_invalid(text, length);
    make_key(owner, text, length, &key);
    tf_tally_entry *entry = find_entry(tally, owner, &key);
    tf_buf_free(&key);
    tally->total += count;
    if (!entry) {
        tally->others += count;
        return;
    }
    const bool is_lower = !entry->text || (numbers > 0 && number[0] < entry->number[0]);
    if (is_lower) {
        free(entry->text);
        entry->text = strndup(text, length);
    }
    entry->count += count;
    merge_numbers(entry, number, numbers);
}

void tf_tally_add_one(tf_tally *tally, int owner, const char *text, size_t length, int64_t number) {
    tf_tally_add(tally, owner, text, length, 1, &number, 1);
}

static int compare_entries(const void *a, const void *b) {
    const tf_tally_entry *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    if (x->owner != y->owner)
        return x->owner < y->owner ? -1 : 1;
    return (x->number[0] > y->number[0]) - (x->number[0] < y->number[0]);
}

void tf_tally_sort(tf_tally *tally) {
    if (tally->count)
        qsort(tally->entry, (size_t)tally->count, sizeof *tally->entry, compare_entries);
    tf_table_free(&tally->keys); /* entries have moved */
}

void tf_tally_copy(tf_tally *to, const tf_tally *from) {
    *to = *from;
    to->keys = (tf_table){0};
    to->entry = tf_alloc_array((size_t)from->count, sizeof *to->entry);
    for (int i = 0; i < from->count; i++) {
        to->entry[i] = from->entry[i];
        to->entry[i].text = strdup(from->entry[i].text);
    }
}

void tf_tally_free(tf_tally *tally) {
    for (int i = 0; i < tally->count; i++)
        free(tally->entry[i].text);
    free(tally->entry);
    tf_table_free(&tally->keys);
    *tally = (tf_tally){0};
}
