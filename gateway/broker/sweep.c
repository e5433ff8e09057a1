/*
 * sweep: after something was lost that nobody can name: the heads of all rooms followed here are
 * compared with the APIs', page after page, one sweep at a time; whatever is behind is healed
 * (heal.c). Sessions that ended meanwhile are asked for first. And holes: numbers of a publisher
 * that were not heard are asked for again (Replay), of the API that sent them.
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "gateway/broker/broker_state.h"

#define PAGE_CHANNELS 500
#define HOLES_MAX     64 /* Replay questions open at once; more become a sweep */

static void ask_ended(struct broker *broker);
static void ask_page(struct broker *broker);

/* ---- the sweep ---- */

static void on_timer(uv_timer_t *timer)
{
    struct broker *broker = container_of(timer, struct broker, sweep.timer);

    ask_ended(broker);
}

/* From the start of this page, or of all if it was the first; the cursor stands. */
static void try_later(struct broker *broker)
{
    uv_timer_start(&broker->sweep.timer, on_timer, (uint64_t)broker->settings->heal.retry_ms, 0);
}

static void begin(struct broker *broker)
{
    broker->sweep.running = true;
    broker->sweep.again = false;
    broker->sweep.tell_stale = broker->sweep.tell_stale_next;
    broker->sweep.tell_stale_next = false;
    broker->sweep.cursor = broker->channels;
    metrics_add(&broker->metrics, METRIC_SWEEPS, 1);
    ask_ended(broker);
}

void sweep_start(struct broker *broker, bool tell_stale)
{
    broker->sweep.tell_stale_next = broker->sweep.tell_stale_next || tell_stale;
    if (broker->sweep.running)
        broker->sweep.again = true;
    else
        begin(broker);
}

static void end(struct broker *broker)
{
    broker->sweep.running = false;
    if (broker->sweep.tell_stale)
        for (unsigned i = 0; i < broker->port_count; i++)
            port_post_notice(broker->ports[i], notice_create(NOTICE_STALE, (struct text){0}));
    if (broker->sweep.again)
        begin(broker);
}

void sweep_forget(struct broker *broker, struct channel *channel)
{
    if (broker->sweep.cursor == channel)
        broker->sweep.cursor = channel->next_channel;
}

/* ---- 1. sessions that ended ---- */

static void on_ended(void *context, enum err err, const Bus__Answer *answer)
{
    struct broker *broker = context;

    if (err != ERR_OK || answer->error_code != 0 || answer->told_case != BUS__ANSWER__TOLD_ENDED) {
        try_later(broker);
        return;
    }
    for (size_t i = 0; i < answer->ended->n_sessions; i++) {
        const Bus__EndedSession *session = answer->ended->sessions[i];
        broker_end_session(broker, wire_text(session->user), wire_text(session->session),
                           DISCONNECT_SESSION_ENDED.code, text(DISCONNECT_SESSION_ENDED.reason));
    }
    if (answer->ended->number > broker->ended.number && answer->ended->n_sessions > 0) {
        broker->ended.number = answer->ended->number;
        ask_ended(broker); /* an answer is a page: the last one is empty */
    } else {
        ask_page(broker);
    }
}

static void ask_ended(struct broker *broker)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__EndedSessions ended = BUS__ENDED_SESSIONS__INIT;

    if (broker->ended.number == 0) { /* nobody has ever connected here */
        ask_page(broker);
        return;
    }
    ended.after = broker->ended.number;
    question.ask_case = BUS__QUESTION__ASK_ENDED_SESSIONS;
    question.ended_sessions = &ended;
    broker_ask(broker, ASKER_ANY, &question, on_ended, broker);
}

/* ---- 2. heads, page after page ---- */

static void take_heads(struct broker *broker, const Bus__HeadList *told)
{
    const struct text epoch = wire_text(told->epoch);

    for (size_t i = 0; i < told->n_heads; i++) {
        const Bus__Head *head = told->heads[i];
        struct channel *channel = broker_find(broker, wire_text(head->channel));
        if (channel != NULL && channel->streamed && channel->state != CHANNEL_OPENING)
            broker_place(broker, channel, head->offset, epoch);
    }
}

static void on_heads(void *context, enum err err, const Bus__Answer *answer)
{
    struct broker *broker = context;

    if (err != ERR_OK || answer->error_code != 0 || answer->told_case != BUS__ANSWER__TOLD_HEADS) {
        broker->sweep.cursor =
            broker->channels; /* which page it was is not known any more: channels come and go */
        try_later(broker);
        return;
    }
    take_heads(broker, answer->heads);
    ask_page(broker);
}

static void ask_page(struct broker *broker)
{
    ProtobufCBinaryData names[PAGE_CHANNELS];
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Heads heads = BUS__HEADS__INIT;
    struct channel *at = broker->sweep.cursor;

    for (; at != NULL && heads.n_channels < PAGE_CHANNELS; at = at->next_channel)
        if (at->streamed && at->state != CHANNEL_OPENING)
            names[heads.n_channels++] = wire_bytes(channel_text(at));
    broker->sweep.cursor = at;
    if (heads.n_channels == 0) {
        end(broker);
        return;
    }
    heads.channels = names;
    question.ask_case = BUS__QUESTION__ASK_HEADS;
    question.heads = &heads;
    broker_ask(broker, ASKER_ANY, &question, on_heads, broker);
}

/* ---- holes ---- */

struct hole {
    struct broker *broker;
    size_t api;
    uint64_t publisher, from, to;
    struct hole *prev, *next;
};

static void close_hole(struct hole *hole)
{
    DL_DELETE(hole->broker->holes, hole);
    free(hole);
}

/* How many of the missing batches are there; their items are taken as if just received. */
static uint64_t take_batches(const struct hole *hole, const Bus__Replayed *told)
{
    uint64_t count = 0;

    for (size_t i = 0; i < told->n_batches; i++) {
        const Bus__Batch *batch = told->batches[i];
        if (batch->publisher != hole->publisher || batch->number < hole->from ||
            batch->number > hole->to)
            continue;
        for (size_t k = 0; k < batch->n_items; k++)
            broker_take_item(hole->broker, batch->items[k]);
        count++;
    }
    return count;
}

static void on_replayed(void *context, enum err err, const Bus__Answer *answer)
{
    struct hole *hole = context;
    struct broker *broker = hole->broker;
    uint64_t count = 0;

    if (err == ERR_OK && answer->error_code == 0 && answer->told_case == BUS__ANSWER__TOLD_REPLAYED)
        count = take_batches(hole, answer->replayed);
    if (count < hole->to - hole->from + 1) {
        log_warn("bus: %llu of %llu batches of publisher %016llx are lost; comparing all rooms",
                 (unsigned long long)(hole->to - hole->from + 1 - count),
                 (unsigned long long)(hole->to - hole->from + 1),
                 (unsigned long long)hole->publisher);
        metrics_add(&broker->metrics, METRIC_BUS_REPLAYS_FAILED, 1);
        sweep_start(broker, true);
    }
    close_hole(hole);
}

static size_t count_holes(const struct broker *broker)
{
    const struct hole *hole;
    size_t count;

    DL_COUNT(broker->holes, hole, count);
    return count;
}

void sweep_hole(struct broker *broker, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
    struct hole *hole;
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Replay replay = BUS__REPLAY__INIT;

    if (count_holes(broker) >= HOLES_MAX) {
        sweep_start(broker, true);
        return;
    }
    hole = xcalloc(1, sizeof(*hole));
    *hole =
        (struct hole){.broker = broker, .api = api, .publisher = publisher, .from = from, .to = to};
    DL_APPEND(broker->holes, hole);
    replay.publisher = publisher;
    replay.from = from;
    replay.to = to;
    question.ask_case = BUS__QUESTION__ASK_REPLAY;
    question.replay = &replay;
    broker_ask(broker, api, &question, on_replayed, hole);
}

/* ---- life ---- */

void sweep_open(struct broker *broker)
{
    CHECK(uv_timer_init(broker->loop, &broker->sweep.timer) == 0);
}

void sweep_close(struct broker *broker)
{
    while (broker->holes != NULL)
        close_hole(broker->holes);
}
