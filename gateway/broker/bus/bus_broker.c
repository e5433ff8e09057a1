#include "gateway/broker/bus/bus_broker.h"

#include <stdlib.h>
#include <utlist.h>

#include "gateway/channels/patterns.h"
#include "gateway/channel_name.h"

#define COUNT_MS 100

/* ---- questions ---- */

void bus_ask(struct bus_broker *broker, size_t api, Bus__Question *question, asker_done_fn done,
                void *context)
{
    metrics_add(&broker->base.metrics, METRIC_QUESTIONS, 1);
    asker_ask(broker->asker, api, question, (int)broker->base.settings->bus.deadline_ms, done, context);
}

void bus_answer(struct bus_broker *broker, struct request *request)
{
    struct channel *about = request->about;

    users_close(&broker->users, request);
    request->about = NULL;
    port_post_answer(broker->base.ports[request->loop], request);
    if (about != NULL)
        bus_unhold(broker, about);
}

void bus_fail(struct bus_broker *broker, struct request *request)
{
    request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
    bus_answer(broker, request);
}

bool bus_succeeded(struct bus_broker *broker, struct request *request, enum err err,
                      const Bus__Answer *answer)
{
    if (err != ERR_OK) {
        metrics_add(&broker->base.metrics, METRIC_QUESTIONS_FAILED, 1);
        request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
        return false;
    }
    if (request->overtaken) {
        request_disconnect(request, DISCONNECT_SESSION_ENDED.code,
                           text(DISCONNECT_SESSION_ENDED.reason));
        return false;
    }
    if (answer->error_code == 0)
        return true;
    request_fail(request, (int)answer->error_code, wire_text(answer->error_message),
                 answer->error_temporary);
    return false;
}

void bus_ask_log(struct bus_broker *broker, const struct channel *channel, uint64_t after,
                 uint32_t limit, uint32_t bytes, asker_done_fn done, void *context)
{
    Bus__Question question = BUS__QUESTION__INIT;
    Bus__History history = BUS__HISTORY__INIT;
    Bus__StreamHistory stream = BUS__STREAM_HISTORY__INIT;

    if (channel->namespace == NULL) {
        history.channel = wire_bytes(channel_text(channel));
        history.after = after;
        history.limit = limit;
        history.bytes = bytes;
        question.ask_case = BUS__QUESTION__ASK_HISTORY;
        question.history = &history;
    } else {
        stream.channel = wire_bytes(channel_text(channel));
        stream.offset = after;
        stream.has_offset = true;
        stream.limit = limit;
        stream.bytes = bytes;
        stream.history_meta_ttl_ms = channel->namespace->history_meta_ttl_ms;
        question.ask_case = BUS__QUESTION__ASK_STREAM_HISTORY;
        question.stream_history = &stream;
    }
    bus_ask(broker, ASKER_ANY, &question, done, context);
}

/* ---- channels ---- */

struct channel *bus_find(struct bus_broker *broker, struct text name)
{
    struct channel *channel;

    HASH_FIND(hh, broker->map, name.at, name.len, channel);
    return channel;
}

struct channel *bus_find_own(struct bus_broker *broker, struct text user)
{
    char name[CHANNEL_NAME_MAX + 1];

    if (user.len > CHANNEL_NAME_MAX - sizeof("user:"))
        return NULL;
    return bus_find(broker, channel_name_make(name, "user:", user));
}

static bool has_log(struct text name, const struct namespace *namespace)
{
    if (namespace == NULL)
        return channel_name_kind(name) == CHANNEL_NAME_ROOM;
    return bus_has_stream(namespace) && !pattern_is(name, namespace);
}

struct channel *bus_channel(struct bus_broker *broker, struct text name,
                            const struct namespace *namespace)
{
    struct channel *channel = bus_find(broker, name);

    if (channel != NULL)
        return channel;
    channel = channel_create(name, namespace, has_log(name, namespace), broker->base.port_count,
                             &broker->holding);
    HASH_ADD_KEYPTR(hh, broker->map, channel->name, channel->name_len, channel);
    DL_APPEND2(broker->channels, channel, prev, next_channel);
    atomic_fetch_add_explicit(&broker->base.channel_count, 1, memory_order_relaxed);
    return channel;
}

/* A channel that nobody listens to or asks about keeps no state. */
static void drop_if_idle(struct bus_broker *broker, struct channel *channel)
{
    if (channel->holds > 0 || channel_is_listened_to(channel))
        return;
    listening_forget(broker, channel);
    heal_forget(broker, channel);
    sweep_forget(broker, channel);
    ring_clear(&broker->rings, &channel->ring);
    HASH_DEL(broker->map, channel);
    DL_DELETE2(broker->channels, channel, prev, next_channel);
    atomic_fetch_sub_explicit(&broker->base.channel_count, 1, memory_order_relaxed);
    channel_destroy(channel);
}

void bus_hold(struct channel *channel)
{
    channel->holds++;
}

void bus_unhold(struct bus_broker *broker, struct channel *channel)
{
    CHECK(channel->holds > 0);
    channel->holds--;
    drop_if_idle(broker, channel);
}

/* ---- letters of the loops ---- */

static struct bus_broker *bus_of(struct broker *base)
{
    return container_of(base, struct bus_broker, base);
}

static void take_request(struct broker *base, struct request *request)
{
    struct bus_broker *broker = bus_of(base);

    request->broker = broker;
    switch (request->kind) {
    case REQUEST_CONNECT:
        connects_add(broker, request);
        break;
    case REQUEST_SUBSCRIBE:
        subscribes_start(broker, request);
        break;
    case REQUEST_PUBLISH:
    case REQUEST_HISTORY:
    case REQUEST_HISTORY_REMOVE:
        (request->namespace != NULL ? streams_start : questions_start)(broker, request);
        break;
    case REQUEST_ORDER:
    case REQUEST_EMULATION:
    case REQUEST_SURVEY:
    case REQUEST_NODES:
        fleet_start(broker, request);
        break;
    default:
        questions_start(broker, request);
    }
}

static void take_back(struct broker *base, unsigned loop, const struct returned *returned)
{
    struct bus_broker *broker = bus_of(base);
    struct channel *channel = bus_find(broker, returned->channel);

    if (returned->client.len > 0)
        lookers_left(broker->lookers, returned->channel, returned->client);
    if (returned->full == 0 && returned->member == 0)
        return;
    CHECK(channel != NULL);
    struct channel_given *given = &channel->given[loop];
    CHECK(given->full >= returned->full && given->member >= returned->member);
    given->full -= returned->full;
    given->member -= returned->member;
    if (channel->namespace != NULL && returned->full > 0 && !channel_is_followed(channel))
        broker_tell_occupied(base, channel_text(channel), false);
    if (channel->namespace == NULL && channel_name_kind(channel_text(channel)) == CHANNEL_NAME_USER && !channel_is_listened_to(channel))
        lookers_online(broker->lookers, channel_name_id(channel_text(channel)), false);
    drop_if_idle(broker, channel);
}

/* What feed and asker have counted since; not in every turn, since the feed has locks. */
static void count_bus(struct bus_broker *broker)
{
    struct metrics *metrics = &broker->base.metrics;
    struct feed_counters fed;
    struct asker_counters asked;

    if (broker->base.closing || bus_now_ms(broker) - broker->counted_ms < COUNT_MS)
        return;
    broker->counted_ms = bus_now_ms(broker);
    feed_count(broker->feed, &fed);
    asker_count(broker->asker, &asked);
    metrics_add(metrics, METRIC_BUS_FOREIGN,
                fed.foreign - broker->fed.foreign + asked.foreign - broker->asked.foreign);
    metrics_add(metrics, METRIC_BUS_UNTRUSTED, fed.untrusted - broker->fed.untrusted);
    metrics_add(metrics, METRIC_BUS_RECORDED, fed.repeats - broker->fed.repeats);
    metrics_add(metrics, METRIC_BUS_DROPPED, fed.dropped - broker->fed.dropped);
    metrics_add(metrics, METRIC_QUESTIONS_REFUSED, asked.refused - broker->asked.refused);
    metrics_add(metrics, METRIC_BUS_ENDED,
                fed.ended - broker->fed.ended + asked.ended - broker->asked.ended);
    broker->fed = fed;
    broker->asked = asked;
}

/* What there was no room for in this turn. */
static void count_overflows(struct bus_broker *broker)
{
    struct metrics *metrics = &broker->base.metrics;

    metrics_add(metrics, METRIC_RING_EVICTIONS, broker->rings.evictions);
    metrics_add(metrics, METRIC_BUS_NOT_HELD, broker->holding.let_go);
    metrics_add(metrics, METRIC_FACTS_VOID, broker->users.lost);
    metrics_add(metrics, METRIC_SESSIONS_FORGOTTEN, broker->ended.forgotten);
    broker->rings.evictions = 0;
    broker->holding.let_go = 0;
    broker->users.lost = 0;
    broker->ended.forgotten = 0;
}

static void end_turn(struct broker *base)
{
    struct bus_broker *broker = bus_of(base);

    count_bus(broker);
    count_overflows(broker);
    connects_flush(broker);
    doubts_flush(broker);
    lookers_flush(broker->lookers);
    ended_forget(&broker->ended, bus_now_ms(broker));
}

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
}

static void close_all(struct broker *base)
{
    struct bus_broker *broker = bus_of(base);

    lookers_flush(broker->lookers); /* who left is told before the door closes */
    fleet_leave(broker);
    feed_close(broker->feed);
    asker_close(broker->asker);
    lookers_close(broker->lookers);
    fleet_close(broker);
    sweep_close(broker);
    doubts_close(broker);
    uv_close((uv_handle_t *)&broker->heal_timer, on_closed);
    uv_close((uv_handle_t *)&broker->sweep.timer, on_closed);
    uv_close((uv_handle_t *)&broker->sweep.check, on_closed);
}

static void free_all(struct broker *base)
{
    struct bus_broker *broker = bus_of(base);

    while (broker->channels != NULL) { /* fetches that were under way */
        broker->channels->holds = 0;
        drop_if_idle(broker, broker->channels);
    }
    ended_fini(&broker->ended);
    bans_close(broker);
    free(broker->seen);
    free(broker);
}

static void print(const struct broker *base, struct buf *out)
{
}

static size_t count_channels(const struct broker *base)
{
    const struct bus_broker *broker = (const struct bus_broker *)base;
    size_t count = 0;

    for (const struct channel *channel = broker->channels; channel != NULL;
         channel = channel->next_channel)
        count += channel_is_followed(channel);
    return count;
}

static const struct broker_kind bus_kind = {
    .take_request = take_request,
    .take_back = take_back,
    .count_channels = count_channels,
    .end_turn = end_turn,
    .print = print,
    .close = close_all,
    .free = free_all,
};

/* ---- opening ---- */

/* An API has said who it is: what it publishes is taken from now on, and it hears who we are. */
static void on_connected(void *context, size_t api, const struct publisher_place *publisher)
{
    struct bus_broker *broker = context;

    feed_trust(broker->feed, api, publisher);
    fleet_greet(broker, api);
}

static enum err open_bus(struct bus_broker *broker, const struct api_list *apis)
{
    const struct settings *settings = broker->base.settings;
    const struct feed_config feed = {
        .urls = (const char *const *)apis->events,
        .url_count = apis->count,
        .secret = text(settings->bus.key),
        .other_secret = text(settings->bus.other_key),
        .inbox_limit = (size_t)settings->bus.inbox_max,
        .inbox_bytes = (size_t)settings->bus.inbox_max_bytes,
        .silence_ms = (int)settings->bus.silence_ms,
    };
    const struct asker_config asker = {
        .urls = (const char *const *)apis->questions,
        .url_count = apis->count,
        .secret = text(settings->bus.key),
        .other_secret = text(settings->bus.other_key),
        .try_ms = (int)settings->bus.try_ms,
        .open_limit = (size_t)settings->bus.open_max,
        .on_connected = on_connected,
        .context = broker,
    };
    enum err err = asker_open(&broker->asker, broker->base.loop, &asker);

    broker->api_count = apis->count;
    if (err != ERR_OK)
        return err;
    if ((err = feed_open(&broker->feed, broker->base.loop, &feed, &incoming_events, broker)) !=
        ERR_OK)
        asker_close(broker->asker);
    return err;
}

static enum err open_apis(struct bus_broker *broker)
{
    struct api_list apis = {0};
    enum err err = ERR_INVALID;

    if (api_list_read(&apis, broker->base.settings->bus.apis))
        err = open_bus(broker, &apis);
    api_list_fini(&apis);
    return err;
}

enum err bus_broker_open(struct broker **out, uv_loop_t *loop, const struct settings *settings,
                         struct port *const *ports, unsigned port_count)
{
    struct bus_broker *broker = xcalloc(1, sizeof(*broker));
    enum err err;

    broker->base.loop = loop; /* broker_init() opens handles: when all else is sure */
    broker->base.settings = settings;
    broker->ended.max = (size_t)settings->session.remember_max;
    broker->ended.keep_ms = settings->session.remember_s * 1000;
    broker->holding.max_count = (size_t)settings->heal.hold_max;
    broker->holding.max_bytes = (size_t)settings->heal.hold_max_bytes;
    broker->rings.max_bytes = (size_t)settings->ring.max_bytes;
    broker->rings.max_count = (uint32_t)settings->client.recovery_max_publications;
    if ((err = open_apis(broker)) != ERR_OK) {
        free(broker);
        return err;
    }
    broker_init(&broker->base, &bus_kind, loop, settings, ports, port_count);
    broker->seen = xcalloc(SEEN_MAX, sizeof(*broker->seen));
    broker->lookers = lookers_open(broker);
    bans_open(broker);
    doubts_open(broker);
    fleet_open(broker);
    heal_open(broker);
    sweep_open(broker);
    *out = &broker->base;
    return ERR_OK;
}
