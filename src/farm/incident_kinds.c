/* The kinds of incidents, each with its id and with what is said when it is over. */
#include "farm/incident_kinds.h"

const incident_kind_row incident_kinds[INCIDENT_KINDS] = {
    [INCIDENT_DEAD] = {.id = "dead"},
    [INCIDENT_SILENT] = {.id = "silent", .over = "is heard again"},
    [INCIDENT_SICK] = {.id = "sick", .over = "is well again"},
    [INCIDENT_SLOW] = {.id = "slow", .over = "is as fast as the others again"},
};
