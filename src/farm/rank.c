/* Every rank gets the messages about collective work in the same order, and does it when they arrive. */
#include "farm/rank.h"

#include "farm/loss.h"

static void end(rank *r, tf_err outcome) {
    if (r->watchman)
        watchman_let_end(r->watchman);
    r->ended = true;
    r->outcome = outcome;
}

/* ---- Collective work ---- */

static tf_err close_output(rank *r, const collect_message *close) {
    if (r->watchman)
        watchman_let_end(r->watchman); /* closing may take a while */
    const tf_run_state state = close->partial ? TF_STATE_STOPPED : tf_run_state_after((tf_err)close->outcome);
    const tf_err err = r->output->close(r->output->context, state, close->elapsed, r->error);
    end(r, (tf_err)close->outcome);
    return err;
}

static tf_err lay_out(rank *r, int stage) {
    const tf_err err = r->output->layout(r->output->context, stage, r->error);
    if (err == TF_OK && r->master)
        master_laid_out(r->master, stage);
    return err;
}

static tf_err take_step(rank *r, const collect_message *step) {
    switch ((collect_what)step->what) {
    case COLLECT_LAYOUT: return lay_out(r, step->stage);
    case COLLECT_FINISH: return r->output->finish(r->output->context, step->stage, step->enough, r->error);
    case COLLECT_CLOSE: return close_output(r, step);
    }
    return TF_OK;
}

/* What the rank is at, if it takes too long. */
static const char *name_step(const collect_message *step) {
    switch ((collect_what)step->what) {
    case COLLECT_LAYOUT: return "the layout of a stage by all ranks";
    case COLLECT_FINISH: return "the end of a stage (texts, reductions) by all ranks";
    case COLLECT_CLOSE: return "the end of the output by all ranks";
    }
    return "what all ranks do together";
}

static void collect(rank *r, const collect_message *step, size_t steps) {
    const bool holds = steps > 1;
    watchman_expect(r->watchman, name_step(step), limit_together(r->terms->patience, r->transport->rank));
    pulses_together(r->pulses, name_step(step));
    tf_err err = TF_OK;
    if (holds)
        r->output->hold(r->output->context);
    for (size_t n = 0; n < steps && err == TF_OK; n++)
        err = take_step(r, &step[n]);
    if (holds && err == TF_OK)
        err = r->output->release(r->output->context, r->error);
    pulses_together(r->pulses, NULL);
    if (err != TF_OK)
        end(r, err);
}

/* ---- Messages ---- */

static void hear_master(rank *r, const alive_message *answer) {
    pulses_meet(r->pulses);
    worker_heard(r->worker, answer);
}

static void leave(rank *r, const broken_message *message) {
    tf_error_set_as(r->error, (tf_err)message->code, (tf_diag_id)message->id, "%s", message->text);
    r->parted = message->apart;
    end(r, r->error->code);
}

static void remove_files(rank *r, const remove_message *message) {
    r->executor->remove_temp(r->executor->context, message->stage, message->index);
}

/* A stage may end with rows that this rank could not write yet: these come first, and nothing else is done meanwhile.
 */
static bool has_to_wait(rank *r) {
    return r->worker && worker_is_behind(r->worker);
}

/* It is there as soon as all that it has is written. */
static void answer_summons(rank *r) {
    if (r->ended || r->summons.number == 0 || has_to_wait(r))
        return;
    transport_send(r->transport, 0, TAG_HERE, &r->summons, sizeof r->summons);
    r->summons.number = 0;
}

static void handle_message(rank *r, const parcel *message) {
    switch ((message_tag)message->tag) {
    case TAG_GRANT: worker_grant(r->worker, message->payload, message->size / sizeof(grant_message)); break;
    case TAG_VERDICT: worker_judge(r->worker, message->payload); break;
    case TAG_DOUBLE: worker_double(r->worker, message->payload); break;
    case TAG_RULE: worker_rule(r->worker, message->payload); break;
    case TAG_SETTLE: worker_settle(r->worker, message->payload); break;
    case TAG_REMOVE: remove_files(r, message->payload); break;
    case TAG_DRAIN:
        if (r->worker)
            worker_drain(r->worker, (drain_how)((const drain_message *)message->payload)->how);
        break;
    case TAG_HEARD: hear_master(r, message->payload); break;
    case TAG_SUMMON: r->summons = *(const summon_message *)message->payload; break;
    case TAG_COLLECT:
        if (has_to_wait(r))
            tf_buf_add(&r->waiting, message->payload, message->size);
        else
            collect(r, message->payload, message->size / sizeof(collect_message));
        break;
    case TAG_PART:
        r->parted = true;
        end(r, TF_OK);
        break;
    case TAG_LEAVE: leave(r, message->payload); break;
    case TAG_HELLO:
    case TAG_ALIVE:
    case TAG_HERE:
    case TAG_REPORT:
    case TAG_SETTLED:
    case TAG_DOUBLED:
    case TAG_CLAIM:
    case TAG_UNABLE:
    case TAG_IDLE:
    case TAG_FAILURE:
    case TAG_NOTICE:
    case TAG_STORAGE:
    case TAG_SIGNAL:
    case TAG_DRAINED:
    case TAG_BROKEN: master_handle(r->master, message); break;
    }
}

static void do_waiting(rank *r) {
    if (r->waiting.length == 0 || has_to_wait(r))
        return;
    tf_buf steps = r->waiting;
    r->waiting = (tf_buf){0};
    collect(r, (const void *)steps.data, steps.length / sizeof(collect_message));
    tf_buf_free(&steps);
}

/* So many that the master acts now and then, however many come. */
static bool handle_messages(rank *r) {
    enum { AT_ONCE = 1000 };
    int handled = 0;
    parcel message;
    do_waiting(r);
    for (; handled < AT_ONCE && !r->ended && r->waiting.length == 0 &&
           r->transport->receive(r->transport->context, &message);
         handled++)
        handle_message(r, &message);
    return handled > 0;
}

/* ---- A turn ---- */

/* A worker that the master does not hear may do nothing, and ends when that lasts. */
static void keep_touch(rank *r) {
    if (r->ended || !r->worker)
        return;
    const worker_touch touch = worker_keep_touch(r->worker);
    r->is_unheard = touch != WORKER_IS_HEARD;
    if (touch != WORKER_IS_LOST)
        return;
    tf_error_set_as(r->error, TF_ERR_STOPPED, TF_DIAG_PROCESS_LOST, LOSS_OF_MASTER, r->transport->rank,
                    r->terms->patience);
    r->parted = true;
    end(r, TF_ERR_STOPPED);
}

/* Once the ranks part, what they say is of no interest any more. */
bool rank_turn(rank *r) {
    bool busy = (!r->master || master_parting(r->master) == PARTING_NOT) && handle_messages(r);
    answer_summons(r);
    keep_touch(r);
    if (r->ended || !r->master)
        return busy;
    busy = master_step(r->master) || busy;
    if (master_parting(r->master) == PARTING_OVER) {
        r->parted = true;
        end(r, master_outcome(r->master));
    }
    return busy;
}
