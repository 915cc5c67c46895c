/* taskfarm status: how far a campaign is, from its output. */
#include "cli/cli.h"

int cli_status(const options *o) {
    tf_error error;
    tf_survey survey;
    tf_err err = tf_store_survey(o->manifest, &survey, &error);
    if (err != TF_OK)
        fprintf(stderr, "taskfarm: %s\n", error.text);
    else if (o->json)
        tf_report_status_json(stdout, o->manifest, &survey);
    else
        tf_report_status(stdout, o->manifest, &survey);
    tf_survey_free(&survey);
    return (int)err;
}
