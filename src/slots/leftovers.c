/* Files that tasks leave behind, which the rank removes. */
#include "slots/inner.h"

tf_files *slots_files(tf_slots *slots) {
    if (!slots->files)
        slots->files = tf_files_new(slots->campaign);
    return slots->files;
}

void tf_slots_remove_temp(tf_slots *slots, int stage, int64_t index) {
    tf_files *files = slots_files(slots);
    if (files_remove_temp(slots->campaign, files, stage, index) && !sweep_folders(slots, stage, index))
        files_remove_aside(slots->campaign, files, stage, index);
}
