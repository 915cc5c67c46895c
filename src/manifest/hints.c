/* "hints": how the output's file is laid out and written, for MPI-IO and parallel file systems. MPI ignores a hint that
 * it does not know; so a name that is nearly a known one is a mistake here. */
#include "manifest/load.h"

#include <string.h>

/* What every MPI takes: Open MPI 4 is the strictest. */
enum { LONGEST_NAME = 35, LONGEST_VALUE = 255, STRIPE_STEP = 64 << 10 };

/* Reserved by the MPI standard (4.0, section 14.2.8), and ROMIO's own. */
static const char *const known[] = {
    "access_style",   "cb_block_size", "cb_buffer_size", "cb_config_list",        "cb_nodes",
    "chunked",        "chunked_item",  "chunked_size",   "collective_buffering",  "direct_read",
    "direct_write",   "file_perm",     "filename",       "ind_rd_buffer_size",    "ind_wr_buffer_size",
    "io_node_list",   "nb_proc",       "num_io_nodes",   "romio_cb_ds_threshold", "romio_cb_read",
    "romio_cb_write", "romio_ds_read", "romio_ds_write", "romio_no_indep_rw",     "striping_factor",
    "striping_unit",
};

static void check_name(struct loader *l, const json_path *here, const char *name) {
    const size_t count = sizeof known / sizeof *known;
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, known[i]) == 0)
            return;
    const char *near = tf_suggest(name, known, count);
    if (near)
        diagnose(l->diags, here, TF_DIAG_UNKNOWN_KEY, "unknown hint \"%s\"; did you mean \"%s\"?", name, near);
    else if (*name == '\0' || strlen(name) > LONGEST_NAME)
        diagnose(l->diags, here, TF_DIAG_BAD_NAME, "the name of a hint has 1 to %d characters", LONGEST_NAME);
}

static const char *load_value(struct loader *l, const json_path *here, const cJSON *item) {
    int64_t integer;
    if (json_int(item, &integer))
        return tf_arena_printf(l->arena, "%lld", (long long)integer);
    if (cJSON_IsBool(item))
        return cJSON_IsTrue(item) ? "true" : "false";
    if (cJSON_IsString(item) && strlen(item->valuestring) <= LONGEST_VALUE)
        return tf_arena_strdup(l->arena, item->valuestring);
    diagnose(l->diags, here, TF_DIAG_BAD_VALUE, "must be an integer, true, false, or a string of at most %d characters",
             LONGEST_VALUE);
    return "";
}

static void load_stripes(struct loader *l, const json_path *here, tf_campaign *campaign, tf_hint *hint) {
    int64_t number = 0;
    if (strcmp(hint->name, "striping_factor") == 0) {
        if (!tf_parse_int(hint->value, &number) || number < -1 || number == 0 || number > INT32_MAX)
            diagnose(l->diags, here, TF_DIAG_OUT_OF_RANGE,
                     "must be a number of stripes, or -1 for as many as there can be");
        campaign->stripes = (int)number;
    } else if (strcmp(hint->name, "striping_unit") == 0) {
        if (!tf_parse_size(hint->value, &number) || number <= 0 || number % STRIPE_STEP || number > UINT32_MAX)
            diagnose(l->diags, here, TF_DIAG_OUT_OF_RANGE, "must be a multiple of 64KB below 4GB, as in \"4MB\"");
        campaign->stripe_size = number;
        hint->value = tf_arena_printf(l->arena, "%lld", (long long)number);
    }
}

void load_hints(struct loader *l, const json_path *root, const cJSON *json, tf_campaign *campaign) {
    const cJSON *hints = json_object(l->diags, root, json, "hints");
    tf_hint *list = tf_arena_array(l->arena, (size_t)cJSON_GetArraySize(hints), sizeof *list);
    const json_path where = json_path_key(root, "hints");
    for (const cJSON *item = hints ? hints->child : NULL; item; item = item->next) {
        const json_path here = json_path_key(&where, item->string);
        const int before = l->diags->count;
        check_name(l, &here, item->string);
        tf_hint *hint = &list[campaign->hints++];
        hint->name = tf_arena_strdup(l->arena, item->string);
        hint->value = load_value(l, &here, item);
        if (l->diags->count == before)
            load_stripes(l, &here, campaign, hint);
    }
    campaign->hint = list;
}
