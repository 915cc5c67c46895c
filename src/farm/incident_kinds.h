/* What may befall a worker. */
#ifndef TF_FARM_INCIDENT_KINDS_H
#define TF_FARM_INCIDENT_KINDS_H

typedef enum incident_kind {
    INCIDENT_DEAD,   /* its process has ended */
    INCIDENT_SILENT, /* nothing is heard of it */
    INCIDENT_SICK,   /* tasks fail on it that do well elsewhere, or it can't start any */
    INCIDENT_SLOW,   /* tasks take much longer there than elsewhere */
    INCIDENT_KINDS
} incident_kind;

typedef struct incident_kind_row {
    const char *id; /* in JSON */
    const char
        *over; /* what is said of its rank once it is over: "rank 3 on node2 is heard again"; NULL: it never is */
} incident_kind_row;

extern const incident_kind_row incident_kinds[INCIDENT_KINDS];

#endif
