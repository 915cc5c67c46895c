/* A plugin that uses HDF5 itself, whose messages are its user's. */
#include <hdf5.h>
#include <taskfarm/plugin.h>

TF_PLUGIN;

TF_EXPORT int open_nothing(const tf_task *task, tf_row *row);

int open_nothing(const tf_task *task, tf_row *row) {
    (void)task, (void)row;
    return H5Fopen("none.h5", H5F_ACC_RDONLY, H5P_DEFAULT) < 0 ? 0 : 1;
}
