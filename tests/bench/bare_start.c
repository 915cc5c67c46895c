/* bare_start FILE: the least that a run of one command is: makes an HDF5 file with one dataset by the serial driver,
 * runs /bin/true, and writes down that it did. It is linked with the libraries that taskfarm is linked with, since it
 * takes a while to load them. */
#include <cjson/cJSON.h>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <hwloc.h>
#include <math.h>
#include <mpi.h>
#include <muParserDLL.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

typedef void function(void);

/* One of each library: else the linker leaves it out. */
static function *const volatile linked[] = {
    (function *)hwloc_get_api_version, (function *)cJSON_Version, (function *)mupGetVersion,  (function *)erf,
    (function *)XXH_versionNumber,     (function *)H5DSis_scale,  (function *)MPI_Initialized};

static int run_true(void) {
    static char program[] = "/bin/true";
    char *words[] = {program, NULL};
    pid_t pid;
    int status;
    if (posix_spawn(&pid, program, NULL, NULL, words, environ) != 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    return status;
}

int main(int argc, char **argv) {
    if (argc != 2 || !linked[0])
        return 2;
    const hsize_t rows = 1;
    hid_t file = H5Fcreate(argv[1], H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &rows, NULL);
    hid_t dataset = H5Dcreate2(file, "status", H5T_STD_U8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const uint8_t status = run_true() == 0;
    const bool good = H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, &status) >= 0;
    H5Dclose(dataset);
    H5Sclose(space);
    return H5Fclose(file) >= 0 && good && status ? 0 : 1;
}
