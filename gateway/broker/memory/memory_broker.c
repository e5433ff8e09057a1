#include <stdlib.h>
#include <utlist.h>

#include "gateway/broker/memory/memory_state.h"
#include "gateway/broker/survey.h"
#include "gateway/node.h"

#define TICK_MS   1000
#define TRIES_MAX 16 /* streams looked at, when room for one is needed */

static struct memory_broker *memory_of(struct broker *broker)
{
    return container_of(broker, struct memory_broker, base);
}

/* ---- channels ---- */

struct memory_channel *memory_find(const struct memory_broker *broker, struct text name)
{
    struct memory_channel *channel;

    HASH_FIND(hh, broker->map, name.at, name.len, channel);
    return channel;
}

struct memory_channel *memory_hold(struct memory_broker *broker, const struct request *request)
{
    struct memory_channel *channel = memory_find(broker, request->channel);

    if (channel == NULL) {
        channel =
            memory_channel_create(request->channel, request->namespace, broker->base.port_count);
        HASH_ADD_KEYPTR(hh, broker->map, channel->name, channel->name_len, channel);
    }
    channel->holds++;
    return channel;
}

static void forget_pattern(struct memory_broker *broker, struct memory_channel *channel)
{
    DL_DELETE(broker->patterns, channel);
    broker->pattern_count--;
    channel->is_pattern = false;
}

static void drop_if_idle(struct memory_broker *broker, struct memory_channel *channel)
{
    if (!memory_channel_is_idle(channel))
        return;
    if (channel->is_pattern)
        forget_pattern(broker, channel);
    HASH_DEL(broker->map, channel);
    memory_channel_destroy(channel);
}

void memory_let_go(struct memory_broker *broker, struct memory_channel *channel)
{
    CHECK(channel->holds > 0);
    channel->holds--;
    drop_if_idle(broker, channel);
}

/* ---- streams ---- */

static void drop_stream(struct memory_broker *broker, struct memory_channel *channel)
{
    stream_destroy(channel->stream);
    channel->stream = NULL;
    drop_if_idle(broker, channel);
}

static bool is_in_use(const struct memory_channel *channel)
{
    return channel->listened > 0 || channel->holds > 0;
}

/* One that keeps nothing but its position makes room, the longest so first. */
static bool make_room(struct memory_broker *broker)
{
    if (broker->streams.count < (size_t)broker->base.settings->memory.max_channels)
        return true;
    for (int i = 0; i < TRIES_MAX && broker->streams.empty != NULL; i++) {
        struct memory_channel *channel = broker->streams.empty->owner;
        if (!is_in_use(channel)) {
            drop_stream(broker, channel);
            return true;
        }
        stream_pass_over(channel->stream);
    }
    return false;
}

struct stream *memory_stream(struct memory_broker *broker, struct memory_channel *channel)
{
    const int64_t meta_ttl_ms = channel->namespace->history_meta_ttl_ms;
    const int64_t now_ms = broker_now_ms(&broker->base);

    if (channel->stream != NULL)
        stream_touch(channel->stream, meta_ttl_ms, now_ms);
    else if (make_room(broker))
        channel->stream = stream_create(&broker->streams, channel, meta_ttl_ms, now_ms);
    return channel->stream;
}

/* ---- time ---- */

/* Positions live as long as somebody listens who may have one. */
static void forget_streams(struct memory_broker *broker, int64_t now_ms)
{
    struct stream *stream;

    while ((stream = streams_forgotten(&broker->streams, now_ms)) != NULL) {
        struct memory_channel *channel = stream->owner;
        if (is_in_use(channel))
            stream_keep(stream, now_ms);
        else
            drop_stream(broker, channel);
    }
}

static void settle(struct memory_broker *broker)
{
    const int64_t now_ms = broker_now_ms(&broker->base);

    if (now_ms == broker->settled_ms)
        return;
    broker->settled_ms = now_ms;
    streams_expire(&broker->streams, now_ms);
    forget_streams(broker, now_ms);
    idempotency_expire(&broker->idempotency, now_ms);
}

static void on_tick(uv_timer_t *timer)
{
    settle(container_of(timer, struct memory_broker, tick));
}

/* ---- requests ---- */

void memory_answer(struct memory_broker *broker, struct request *request)
{
    request->outcome = REQUEST_DONE;
    port_post_answer(broker->base.ports[request->loop], request);
}

void memory_fail(struct memory_broker *broker, struct request *request, int error)
{
    request_fail(request, error, (struct text){0}, false);
    port_post_answer(broker->base.ports[request->loop], request);
}

static struct notice *make_order(const void *of)
{
    return notice_order(of);
}

static void pass_order_on(struct memory_broker *broker, struct request *request)
{
    broker_tell_all(&broker->base, make_order, request->order);
    memory_answer(broker, request);
}

/* The loop that made the session wrote its index into the first two digits; -1: none of ours did.
 */
static int loop_of(const struct memory_broker *broker, struct text session)
{
    const int high = session.len >= 2 ? text_hex_digit(session.at[0]) : -1;
    const int low = session.len >= 2 ? text_hex_digit(session.at[1]) : -1;
    if (high < 0 || low < 0)
        return -1;
    const int index = high * 16 + low;
    return index < (int)broker->base.port_count ? index : -1;
}

/* A session that is not there is no error: nobody but its client could tell. */
static void pass_commands_on(struct memory_broker *broker, struct request *request)
{
    const int loop = loop_of(broker, request->session);

    if (!text_equal(request->method, node_id())) {
        memory_fail(broker, request, PROTOCOL_NOT_AVAILABLE);
        return;
    }
    if (loop >= 0)
        port_post_notice(broker->base.ports[loop],
                         notice_emulation(request->session, request->data));
    memory_answer(broker, request);
}

static void refuse(struct memory_broker *broker, struct request *request)
{
    memory_fail(broker, request, PROTOCOL_NOT_AVAILABLE);
}

typedef void (*take_fn)(struct memory_broker *broker, struct request *request);

static void survey(struct memory_broker *broker, struct request *request)
{
    survey_ask_alone(&broker->base, request);
}

static void tell_node(struct memory_broker *broker, struct request *request)
{
    survey_ask_node_alone(&broker->base, request);
}

static const take_fn takers[REQUEST_KIND_COUNT] = {
    [REQUEST_CONNECT] = memory_answer, /* the token said all */
    [REQUEST_SUBSCRIBE] = memory_subscribe,
    [REQUEST_PUBLISH] = memory_publish,
    [REQUEST_RPC] = refuse,
    [REQUEST_PRESENCE] = memory_presence,
    [REQUEST_PRESENCE_STATS] = memory_presence_stats,
    [REQUEST_HISTORY] = memory_history,
    [REQUEST_HISTORY_REMOVE] = memory_history_remove,
    [REQUEST_ORDER] = pass_order_on,
    [REQUEST_EMULATION] = pass_commands_on,
    [REQUEST_SURVEY] = survey,
    [REQUEST_NODES] = tell_node,
};

static bool needs_namespace(enum request_kind kind)
{
    return kind == REQUEST_SUBSCRIBE || kind == REQUEST_PUBLISH;
}

static void take_request(struct broker *base, struct request *request)
{
    struct memory_broker *broker = memory_of(base);

    settle(broker);
    if (request->namespace == NULL && needs_namespace(request->kind))
        memory_fail(broker, request, PROTOCOL_UNKNOWN_CHANNEL);
    else
        takers[request->kind](broker, request);
}

static void take_back(struct broker *base, unsigned loop, const struct returned *returned)
{
    struct memory_broker *broker = memory_of(base);
    struct memory_channel *channel = memory_find(broker, returned->channel);

    if (channel == NULL) {
        CHECK(returned->full == 0);
        return;
    }
    memory_channel_take_back(channel, loop, returned->full);
    if (returned->client.len > 0)
        memory_leave(broker, channel, returned->client);
    if (returned->full > 0 && channel->listened == 0)
        broker_tell_occupied(&broker->base, memory_channel_name(channel), false);
    drop_if_idle(broker, channel);
}

/* ---- gauges ---- */

static void end_turn(struct broker *base)
{
    struct memory_broker *broker = memory_of(base);
    const uint64_t evictions = broker->streams.evictions;

    broker->streams.evictions = 0;
    metrics_add(&base->metrics, METRIC_RING_EVICTIONS, evictions);
    atomic_store_explicit(&base->channel_count, HASH_COUNT(broker->map), memory_order_relaxed);
    atomic_store_explicit(&base->ring_bytes, broker->streams.bytes, memory_order_relaxed);
    atomic_store_explicit(&broker->stream_count, broker->streams.count, memory_order_relaxed);
}

static size_t count_channels(const struct broker *base)
{
    const struct memory_broker *broker = (const struct memory_broker *)base;
    size_t count = 0;

    for (const struct memory_channel *channel = broker->map; channel != NULL;
         channel = channel->hh.next)
        count += channel->listened > 0;
    return count;
}

static void print(const struct broker *base, struct buf *out)
{
    const struct memory_broker *broker = (const struct memory_broker *)base;

    metrics_print_one(out, "parley_gateway_streams", "gauge",
                      "Channels whose position and publications are kept",
                      atomic_load_explicit(&broker->stream_count, memory_order_relaxed));
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
}

static void close_tick(struct broker *base)
{
    uv_close((uv_handle_t *)&memory_of(base)->tick, on_closed);
}

/* Loops have stopped and need nothing any more, whether they gave it back or not. */
static void give_up(struct memory_broker *broker, struct memory_channel *channel)
{
    channel->listened = 0;
    while (channel->members != NULL)
        memory_channel_remove(channel, channel->members);
    if (channel->stream != NULL)
        drop_stream(broker, channel);
    else
        drop_if_idle(broker, channel);
}

static void free_broker(struct broker *base)
{
    struct memory_broker *broker = memory_of(base);

    while (broker->map != NULL)
        give_up(broker, broker->map);
    stream_store_fini(&broker->streams);
    idempotency_fini(&broker->idempotency);
    free(broker);
}

static const struct broker_kind kind = {
    .take_request = take_request,
    .take_back = take_back,
    .count_channels = count_channels,
    .end_turn = end_turn,
    .print = print,
    .close = close_tick,
    .free = free_broker,
};

enum err memory_broker_open(struct broker **out, uv_loop_t *loop, const struct settings *settings,
                            struct port *const *ports, unsigned port_count)
{
    struct memory_broker *broker = xcalloc(1, sizeof(*broker));

    broker->streams.max_bytes = (size_t)settings->memory.max_bytes;
    idempotency_init(&broker->idempotency, settings->memory.idempotency_ttl_ms,
                     IDEMPOTENCY_MAX_BYTES);
    CHECK(uv_timer_init(loop, &broker->tick) == 0);
    CHECK(uv_timer_start(&broker->tick, on_tick, TICK_MS, TICK_MS) == 0);
    broker_init(&broker->base, &kind, loop, settings, ports, port_count);
    atomic_store(&broker->base.is_ready, true); /* it waits for nobody */
    *out = &broker->base;
    return ERR_OK;
}
