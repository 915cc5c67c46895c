/* What may befall workers. */
#ifndef TF_FARM_INCIDENT_KINDS_H
#define TF_FARM_INCIDENT_KINDS_H

typedef enum incident_kind {
    INCIDENT_DEAD,    /* its process has ended */
    INCIDENT_SILENT,  /* nothing is heard of it */
    INCIDENT_SICK,    /* tasks fail on it that do well elsewhere, or it can't start any */
    INCIDENT_SLOW,    /* tasks take much longer there than elsewhere */
    INCIDENT_STORAGE, /* storage fails it, or others as well, for a while */
    INCIDENT_KINDS
} incident_kind;

typedef struct incident_kind_row {
    const char *id; /* in JSON */
} incident_kind_row;

extern const incident_kind_row incident_kinds[INCIDENT_KINDS];

#endif
