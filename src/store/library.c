/* HDF5 as a library that this process uses: how it starts, how it ends, and whose error handler it has. */
#include <hdf5.h>

#include "store/store.h"

void tf_store_own_exit(void) {
    H5dont_atexit();
}

void tf_store_init(void) {
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void tf_store_enter(tf_store_guest *guest) {
    unsigned is_new = 1;
    H5E_auto1_t old = NULL;
    H5E_auto2_t function = NULL;
    *guest = (tf_store_guest){0};
    H5open();
    H5Eauto_is_v2(H5E_DEFAULT, &is_new);
    guest->is_old = !is_new;
    if (is_new)
        H5Eget_auto2(H5E_DEFAULT, &function, &guest->data);
    else
        H5Eget_auto1(&old, &guest->data);
    guest->function = is_new ? (void (*)(void))function : (void (*)(void))old;
    tf_store_init();
}

void tf_store_leave(const tf_store_guest *guest) {
    if (guest->is_old)
        H5Eset_auto1((H5E_auto1_t)guest->function, guest->data);
    else
        H5Eset_auto2(H5E_DEFAULT, (H5E_auto2_t)guest->function, guest->data);
}
