/* The kinds of incidents, each with its id. */
#include "farm/incident_kinds.h"

const incident_kind_row incident_kinds[INCIDENT_KINDS] = {
    [INCIDENT_DEAD] = {.id = "dead"}, [INCIDENT_SILENT] = {.id = "silent"},   [INCIDENT_SICK] = {.id = "sick"},
    [INCIDENT_SLOW] = {.id = "slow"}, [INCIDENT_STORAGE] = {.id = "storage"},
};
