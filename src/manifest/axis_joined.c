/* Axes made of axes: side by side, or spaces one after another. */
#include "manifest/axis.h"

tf_space *axis_zip(struct loader *l, const axis_json *axis) {
    return axis->load_axes(l, &axis->where, axis->value, JOIN_ZIP);
}

static bool is_number(tf_type type) {
    return type == TF_INT64 || type == TF_FLOAT64;
}

/* Has the space the parameters of the first one, of types that go together? */
static bool check_alike(struct loader *l, const json_path *where, const tf_space *first, const tf_space *part) {
    bool is_sound = true;
    for (int p = 0; p < first->params; p++) {
        const tf_param_spec *spec = &first->param[p];
        const int own = tf_space_find(part, spec->name);
        if (own < 0 || part->params != first->params) {
            diagnose(l->diags, where, TF_DIAG_MISMATCH, "must have the same parameters as the first space%s%s%s",
                     own < 0 ? "; \"" : "", own < 0 ? spec->name : "", own < 0 ? "\" is missing" : "");
            return false;
        }
        const tf_type type = part->param[own].type;
        if (type != spec->type && !(is_number(type) && is_number(spec->type))) {
            diagnose(l->diags, where, TF_DIAG_MISMATCH, "\"%s\" has another type than in the first space", spec->name);
            is_sound = false;
        }
    }
    return is_sound;
}

tf_space *axis_concat(struct loader *l, const axis_json *axis) {
    const int count = cJSON_GetArraySize(axis->value);
    if (count == 0) {
        diagnose(l->diags, &axis->where, TF_DIAG_WRONG_LENGTH, "needs at least one space");
        return NULL;
    }
    tf_space **part = tf_arena_array(l->arena, (size_t)count, sizeof(tf_space *));
    bool is_sound = true;
    int n = 0;
    for (const cJSON *item = axis->value->child; item; item = item->next, n++) {
        const json_path here = json_path_index(&axis->where, n);
        part[n] = axis->load_axes(l, &here, item, JOIN_PRODUCT);
        if (part[n] && part[n]->sources)
            diagnose(l->diags, &here, TF_DIAG_CONFLICT, "rows of another stage can't be part of a concat");
        if (!part[n] || part[n]->sources)
            is_sound = false;
        else if (part[0])
            is_sound = check_alike(l, &here, part[0], part[n]) && is_sound;
    }
    tf_space *space = is_sound ? space_concat(l->arena, part, count) : NULL;
    if (is_sound && !space)
        diagnose(l->diags, &axis->where, TF_DIAG_TOO_LARGE, TOO_MANY_POINTS);
    return space;
}
