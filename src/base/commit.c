/* The commit that this is built from. */
#include "commit.h"
#include "base/base.h"

const char *tf_commit(void) {
    return TASKFARM_COMMIT;
}
