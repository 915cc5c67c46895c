/* Attributes of groups and datasets (see attributes.h). */
#include "store/attributes.h"

#include <time.h>

#include "base/base.h"

herr_t store_attribute(hid_t object, const char *name, hid_t type, const void *value) {
    hid_t space = H5Screate(H5S_SCALAR);
    hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    herr_t result = attribute < 0 ? -1 : H5Awrite(attribute, type, value);
    H5Aclose(attribute);
    H5Sclose(space);
    return result;
}

/* As readers like it best: h5py gives a str for text of varying length, bytes for cells. */
static hid_t text_type(void) {
    hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    H5Tset_cset(type, H5T_CSET_UTF8);
    return type;
}

herr_t store_attribute_text(hid_t object, const char *name, const char *text) {
    hid_t type = text_type();
    herr_t result = store_attribute(object, name, type, &text);
    H5Tclose(type);
    return result;
}

herr_t store_attribute_encoding(hid_t dataset) {
    return store_attribute_text(dataset, "_Encoding", "utf-8");
}

herr_t store_change_attribute(hid_t object, const char *name, hid_t type, const void *value) {
    hid_t attribute = H5Aopen(object, name, H5P_DEFAULT);
    herr_t result = H5Awrite(attribute, type, value);
    H5Aclose(attribute);
    return result;
}

herr_t store_change_text(hid_t object, const char *name, const char *text) {
    hid_t type = text_type();
    herr_t result = store_change_attribute(object, name, type, &text);
    H5Tclose(type);
    return result;
}

bool store_is_there(hid_t parent, const char *name) {
    return H5Lexists(parent, name, H5P_DEFAULT) > 0;
}

void store_now(char text[32]) {
    tf_format_time(tf_wall(), text);
}
