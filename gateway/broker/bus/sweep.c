/*
 * sweep: after something was lost that nobody can name: the heads of all rooms followed here are
 * compared with the APIs', page after page, one sweep at a time; whatever is behind is healed
 * (heal.c). Between pages is time for what is live (`heal.sweep_rate`). Bans and sessions that ended
 * meanwhile are asked for first. Then the users here are asked about (memberships.c). Last come the
 * operator's streams, which are looked at every while besides: so they live as long as somebody
 * listens, and one that Redis forgot is noticed. And holes: numbers of a publisher that were not heard
 * are asked for again (Replay), of the API that sent them.
 */
#include <stdlib.h>
#include <utlist.h>

#include "base/fail_point.h"
#include "base/log.h"
#include "gateway/broker/bus/bus_broker.h"

#define PAGE_CHANNELS 500

static void ask_bans(struct bus_broker *broker);
static void ask_ended(struct bus_broker *broker);
static void ask_page(struct bus_broker *broker);
static void start_users(struct bus_broker *broker);
static void ask_users(struct bus_broker *broker);
static void ask_streams(struct bus_broker *broker);
static void start_streams(struct bus_broker *broker);

/* ---- the sweep ---- */

static void on_timer(uv_timer_t *timer)
{
    struct bus_broker *broker = container_of(timer, struct bus_broker, sweep.timer);

    broker->sweep.next(broker);
}

static void pause_before(struct bus_broker *broker, void (*next)(struct bus_broker *broker),
                         int64_t pause_ms)
{
    broker->sweep.next = next;
    uv_timer_start(&broker->sweep.timer, on_timer, (uint64_t)pause_ms, 0);
}

void sweep_go_on(struct bus_broker *broker, void (*next)(struct bus_broker *broker))
{
    const int64_t every_ms = 1000 / broker->base.settings->heal.sweep_rate;
    const int64_t due_ms = broker->sweep.asked_ms + every_ms;

    if (due_ms > bus_now_ms(broker))
        pause_before(broker, next, due_ms - bus_now_ms(broker));
    else
        next(broker);
}

void sweep_ask(struct bus_broker *broker, Bus__Question *question, asker_done_fn done, void *context)
{
    metrics_add(&broker->base.metrics, METRIC_SWEEP_PAGES, 1);
    broker->sweep.asked_ms = bus_now_ms(broker);
    bus_ask(broker, ASKER_ANY, question, done, context);
}

/* From the start of this page, or of all if it was the first; the cursor stands. */
static void try_later(struct bus_broker *broker)
{
    pause_before(broker, ask_bans, broker->base.settings->heal.retry_ms);
}

static void begin(struct bus_broker *broker)
{
    broker->sweep.at_streams = false;
    broker->sweep.running = true;
    broker->sweep.again = false;
    broker->sweep.tell_stale = broker->sweep.tell_stale_next;
    broker->sweep.tell_stale_next = false;
    broker->sweep.cursor = broker->channels;
    metrics_add(&broker->base.metrics, METRIC_SWEEPS, 1);
    ask_bans(broker);
}

void sweep_start(struct bus_broker *broker, bool tell_stale)
{
    if (fail_point("no_healing"))
        return;
    broker->sweep.tell_stale_next = broker->sweep.tell_stale_next || tell_stale;
    if (broker->sweep.running)
        broker->sweep.again = true;
    else
        begin(broker);
}

static void end(struct bus_broker *broker)
{
    broker->sweep.running = false;
    if (broker->sweep.tell_stale)
        for (unsigned i = 0; i < broker->base.port_count; i++)
            port_post_notice(broker->base.ports[i], notice_create(NOTICE_STALE, (struct text){0}));
    if (broker->sweep.again)
        begin(broker);
}

void sweep_forget(struct bus_broker *broker, struct channel *channel)
{
    if (broker->sweep.cursor == channel)
        broker->sweep.cursor = channel->next_channel;
}

/* ---- 1. bans, and sessions that ended ---- */

static void on_bans(void *context, bool known)
{
    struct bus_broker *broker = context;

    if (known)
        sweep_go_on(broker, ask_ended);
    else
        try_later(broker);
}

static void ask_bans(struct bus_broker *broker)
{
    bans_ask(broker, on_bans, broker);
}

static void on_ended(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;

    if (err != ERR_OK || answer->error_code != 0 || answer->told_case != BUS__ANSWER__TOLD_ENDED) {
        try_later(broker);
        return;
    }
    for (size_t i = 0; i < answer->ended->n_sessions; i++) {
        const Bus__EndedSession *session = answer->ended->sessions[i];
        bus_end_session(broker, wire_text(session->user), wire_text(session->session),
                           DISCONNECT_SESSION_ENDED.code, text(DISCONNECT_SESSION_ENDED.reason));
    }
    if (answer->ended->number > broker->ended.number && answer->ended->n_sessions > 0) {
        broker->ended.number = answer->ended->number;
        sweep_go_on(broker, ask_ended); /* an answer is a page: the last one is empty */
    } else {
        sweep_go_on(broker, ask_page);
    }
}

static void ask_ended(struct bus_broker *broker)
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
    sweep_ask(broker, &question, on_ended, broker);
}

/* ---- 2. heads, page after page ---- */

/* Rooms first, then streams. */
static bool is_swept(const struct bus_broker *broker, const struct channel *channel)
{
    return channel->streamed && channel->state != CHANNEL_OPENING &&
           (channel->namespace != NULL) == broker->sweep.at_streams;
}

/* Rooms have one epoch together, each stream has its own. */
static void take_heads(struct bus_broker *broker, const Bus__HeadList *told)
{
    for (size_t i = 0; i < told->n_heads; i++) {
        const Bus__Head *head = told->heads[i];
        struct channel *channel = bus_find(broker, wire_text(head->channel));
        if (channel != NULL && is_swept(broker, channel))
            bus_place(broker, channel, head->offset,
                      wire_text(channel->namespace == NULL ? told->epoch : head->epoch));
    }
}

static void on_heads(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;

    if (err != ERR_OK || answer->error_code != 0 || answer->told_case != BUS__ANSWER__TOLD_HEADS) {
        broker->sweep.cursor =
            broker->channels; /* which page it was is not known any more: channels come and go */
        try_later(broker);
        return;
    }
    take_heads(broker, answer->heads);
    sweep_go_on(broker, ask_page);
}

static void ask_page(struct bus_broker *broker)
{
    ProtobufCBinaryData names[PAGE_CHANNELS];
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Heads heads = BUS__HEADS__INIT;
    struct channel *at = broker->sweep.cursor;

    for (; at != NULL && heads.n_channels < PAGE_CHANNELS; at = at->next_channel)
        if (is_swept(broker, at))
            names[heads.n_channels++] = wire_bytes(channel_text(at));
    broker->sweep.cursor = at;
    if (heads.n_channels == 0) {
        start_users(broker);
        return;
    }
    heads.channels = names;
    question.ask_case = BUS__QUESTION__ASK_HEADS;
    question.heads = &heads;
    sweep_ask(broker, &question, on_heads, broker);
}

/* ---- 3. users, page after page ---- */

static void on_users(struct bus_broker *broker, bool told)
{
    if (told) {
        sweep_go_on(broker, ask_users);
        return;
    }
    broker->sweep.cursor = broker->channels;
    try_later(broker);
}

static void ask_users(struct bus_broker *broker)
{
    if (!memberships_tell(broker, on_users))
        start_streams(broker);
}

static void start_users(struct bus_broker *broker)
{
    broker->sweep.cursor = broker->channels;
    ask_users(broker);
}

/* ---- 4. streams, page after page ---- */

static void arm_check(struct bus_broker *broker, int64_t pause_ms);

/* Without Redis nobody can tell: the rooms do not wait for that. */
static void on_stream_heads(void *context, enum err err, const Bus__Answer *answer)
{
    struct bus_broker *broker = context;

    if (err != ERR_OK || answer->error_code != 0 || answer->told_case != BUS__ANSWER__TOLD_HEADS) {
        arm_check(broker, broker->base.settings->heal.retry_ms);
        end(broker);
        return;
    }
    take_heads(broker, answer->heads);
    sweep_go_on(broker, ask_streams);
}

static void ask_streams(struct bus_broker *broker)
{
    Bus__StreamHead streams[PAGE_CHANNELS], *list[PAGE_CHANNELS];
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__StreamHeads heads = BUS__STREAM_HEADS__INIT;
    struct channel *at = broker->sweep.cursor;

    for (; at != NULL && heads.n_streams < PAGE_CHANNELS; at = at->next_channel) {
        Bus__StreamHead *stream = &streams[heads.n_streams];
        if (!is_swept(broker, at))
            continue;
        bus__stream_head__init(stream);
        stream->channel = wire_bytes(channel_text(at));
        stream->history_meta_ttl_ms = at->namespace->history_meta_ttl_ms;
        list[heads.n_streams++] = stream;
    }
    broker->sweep.cursor = at;
    if (heads.n_streams == 0) {
        end(broker);
        return;
    }
    heads.streams = list;
    question.ask_case = BUS__QUESTION__ASK_STREAM_HEADS;
    question.stream_heads = &heads;
    sweep_ask(broker, &question, on_stream_heads, broker);
}

static void start_streams(struct bus_broker *broker)
{
    broker->sweep.at_streams = true;
    broker->sweep.cursor = broker->channels;
    ask_streams(broker);
}

/* Often enough for streams that are followed and idle: they must not end meanwhile. */
static int64_t check_pause(const struct settings *settings)
{
    int64_t pause_ms = settings->client.channel_position_check_delay_ms;

    for (size_t i = 0; i <= settings->channel.namespace_count; i++) {
        const struct namespace *namespace = i < settings->channel.namespace_count
                                                ? &settings->channel.namespaces[i]
                                                : &settings->channel.without_namespace;
        if (bus_has_stream(namespace) && namespace->history_meta_ttl_ms / 2 < pause_ms)
            pause_ms = namespace->history_meta_ttl_ms / 2;
    }
    return pause_ms;
}

static void on_check(uv_timer_t *timer)
{
    struct bus_broker *broker = container_of(timer, struct bus_broker, sweep.check);

    arm_check(broker, check_pause(broker->base.settings));
    if (broker->sweep.running)
        return; /* that comes to the streams, too */
    broker->sweep.running = true;
    broker->sweep.tell_stale = false;
    start_streams(broker);
}

static void arm_check(struct bus_broker *broker, int64_t pause_ms)
{
    if (pause_ms > 0)
        uv_timer_start(&broker->sweep.check, on_check, (uint64_t)pause_ms, 0);
}

/* ---- holes ---- */

struct hole {
    struct bus_broker *broker;
    size_t api;
    uint64_t publisher, from, to;
    struct hole *prev, *next;
};

static void close_hole(struct hole *hole)
{
    DL_DELETE(hole->broker->holes, hole);
    hole->broker->hole_count--;
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
            bus_take_item(hole->broker, hole->api, batch->items[k]);
        count++;
    }
    return count;
}

static void on_replayed(void *context, enum err err, const Bus__Answer *answer)
{
    struct hole *hole = context;
    struct bus_broker *broker = hole->broker;
    uint64_t count = 0;

    if (err == ERR_OK && answer->error_code == 0 && answer->told_case == BUS__ANSWER__TOLD_REPLAYED)
        count = take_batches(hole, answer->replayed);
    if (count < hole->to - hole->from + 1) {
        log_warn("bus: %llu of %llu batches of publisher %016llx are lost; comparing all rooms",
                 (unsigned long long)(hole->to - hole->from + 1 - count),
                 (unsigned long long)(hole->to - hole->from + 1),
                 (unsigned long long)hole->publisher);
        metrics_add(&broker->base.metrics, METRIC_BUS_REPLAYS_FAILED, 1);
        sweep_start(broker, true);
    }
    close_hole(hole);
}

void sweep_hole(struct bus_broker *broker, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
    struct hole *hole;
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__Replay replay = BUS__REPLAY__INIT;

    if (fail_point("no_healing"))
        return;
    if (broker->hole_count >= (size_t)broker->base.settings->heal.hole_max) {
        metrics_add(&broker->base.metrics, METRIC_BUS_HOLES_SWEPT, 1);
        sweep_start(broker, true);
        return;
    }
    hole = xcalloc(1, sizeof(*hole));
    *hole =
        (struct hole){.broker = broker, .api = api, .publisher = publisher, .from = from, .to = to};
    DL_APPEND(broker->holes, hole);
    broker->hole_count++;
    replay.publisher = publisher;
    replay.from = from;
    replay.to = to;
    question.ask_case = BUS__QUESTION__ASK_REPLAY;
    question.replay = &replay;
    bus_ask(broker, api, &question, on_replayed, hole);
}

/* ---- life ---- */

void sweep_open(struct bus_broker *broker)
{
    CHECK(uv_timer_init(broker->base.loop, &broker->sweep.timer) == 0);
    CHECK(uv_timer_init(broker->base.loop, &broker->sweep.check) == 0);
    arm_check(broker, check_pause(broker->base.settings));
}

void sweep_close(struct bus_broker *broker)
{
    memberships_close(broker);
    while (broker->holes != NULL)
        close_hole(broker->holes);
}
