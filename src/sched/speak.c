/* When a worker speaks: it decides by itself, so that a master of many workers hears from each as often as it can. */
#include "sched/sched.h"

static bool may_speak(const tf_standing *s) {
    return s->since >= s->workers * TF_SERVICE_SECONDS;
}

bool tf_should_report(const tf_standing *s) {
    const double most = 0.05; /* s */
    if (s->ended == 0 || !may_speak(s))
        return false;
    bool starving = s->queue_empty && s->idle > 0 && s->idle >= s->slots / 8;
    bool much = 4 * s->ended >= s->ended + s->held;
    return starving || much || s->since >= most;
}

bool tf_should_say_idle(const tf_standing *s, int known) {
    return s->ended == 0 && s->queue_empty && s->idle > known && s->idle < s->slots && may_speak(s);
}
