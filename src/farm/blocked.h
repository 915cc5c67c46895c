/* Which call of the system a thread stands in: what to tell people of one that does not come back. */
#ifndef TF_FARM_BLOCKED_H
#define TF_FARM_BLOCKED_H

#include <stddef.h>

enum { BLOCKED_TEXT = 160 };

/* "fsync of /scratch/r.h5", cut to fit; "": the thread of this process (gettid) is in no call on files, as it runs or
 * waits for other ranks, or that can't be seen. Any other thread may ask. */
void blocked_find(int thread, char text[BLOCKED_TEXT]);

#endif
