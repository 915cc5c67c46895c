/* The file system that the output is on, and what is good for it. */
#ifndef TF_STORE_DISK_H
#define TF_STORE_DISK_H

#include "manifest/manifest.h"

typedef enum disk_kind {
    DISK_OTHER,
    DISK_LUSTRE,
    DISK_GPFS /* today's Storage Scale */
} disk_kind;

typedef struct disk_info {
    disk_kind kind;
    int64_t block; /* bytes that are best written at once */
    bool laid_out; /* somebody has set the stripes of the folder: files in it get these */
} disk_info;

/* How a file is spread over the servers of a file system. */
typedef struct striping {
    int count;    /* number of servers; -1: all; 0: as many as the file system chooses */
    int64_t size; /* bytes of a stripe; 0: as the file system chooses */
} striping;

/* Of the file's folder. */
disk_info disk_find(const char *path);

/* Where large datasets are to begin: at multiples of so many bytes. 1: anywhere. */
int64_t disk_alignment(const disk_info *disk, const tf_campaign *campaign);

/* The stripes of an output that is about to have so many bytes: what the manifest wants; else, on Lustre, one for each
 * GB, unless the folder has its own. */
striping disk_stripes(const disk_info *disk, const tf_campaign *campaign, int64_t bytes);

/* Makes the file, empty, with these stripes, by Lustre's program lfs. false: it can't be, and `why` says so; the file
 * may be there or not. */
bool disk_create(const char *path, const striping *stripes, tf_buf *why);

/* To be called before the output is made: makes it with stripes where these are good for an output of so many bytes.
 * `note` says what can't be done. */
void disk_prepare(const char *path, const tf_campaign *campaign, int64_t bytes, tf_buf *note);

#endif
