#include "gateway/broker/broker.h"

#include <stdlib.h>
#include <utlist.h>

#include "gateway/broker/api_list.h"
#include "gateway/broker/broker_state.h"
#include "gateway/channel_name.h"
#include "gateway/mail/returns.h"

#define FEED_INBOX_LIMIT 8192

/* ---- questions ---- */

void broker_ask(struct broker *broker, size_t api, Bus__Question *question, asker_done_fn done,
                void *context)
{
    metrics_add(&broker->metrics, METRIC_QUESTIONS, 1);
    asker_ask(broker->asker, api, question, (int)broker->settings->bus.deadline_ms, done, context);
}

void broker_answer(struct broker *broker, struct request *request)
{
    struct channel *about = request->about;

    users_close(&broker->users, request);
    request->about = NULL;
    port_post_answer(broker->ports[request->loop], request);
    if (about != NULL)
        broker_unhold(broker, about);
}

void broker_fail(struct broker *broker, struct request *request)
{
    request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
    broker_answer(broker, request);
}

bool broker_succeeded(struct broker *broker, struct request *request, enum err err,
                      const Bus__Answer *answer)
{
    if (err != ERR_OK) {
        metrics_add(&broker->metrics, METRIC_QUESTIONS_FAILED, 1);
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

/* ---- channels ---- */

struct channel *broker_find(struct broker *broker, struct text name)
{
    struct channel *channel;

    HASH_FIND(hh, broker->map, name.at, name.len, channel);
    return channel;
}

struct channel *broker_channel(struct broker *broker, struct text name)
{
    struct channel *channel = broker_find(broker, name);

    if (channel != NULL)
        return channel;
    channel =
        channel_create(name, channel_name_kind(name) == CHANNEL_NAME_ROOM, broker->port_count);
    HASH_ADD_KEYPTR(hh, broker->map, channel->name, channel->name_len, channel);
    DL_APPEND2(broker->channels, channel, prev, next_channel);
    atomic_fetch_add_explicit(&broker->channel_count, 1, memory_order_relaxed);
    return channel;
}

/* A channel that nobody listens to or asks about keeps no state. */
static void drop_if_idle(struct broker *broker, struct channel *channel)
{
    if (channel->holds > 0 || channel_is_listened_to(channel))
        return;
    heal_forget(broker, channel);
    sweep_forget(broker, channel);
    ring_clear(&broker->rings, &channel->ring);
    HASH_DEL(broker->map, channel);
    DL_DELETE2(broker->channels, channel, prev, next_channel);
    atomic_fetch_sub_explicit(&broker->channel_count, 1, memory_order_relaxed);
    channel_destroy(channel);
}

void broker_hold(struct channel *channel)
{
    channel->holds++;
}

void broker_unhold(struct broker *broker, struct channel *channel)
{
    CHECK(channel->holds > 0);
    channel->holds--;
    drop_if_idle(broker, channel);
}

/* ---- letters of the loops ---- */

static void take_request(struct broker *broker, struct request *request)
{
    request->broker = broker;
    switch (request->kind) {
    case REQUEST_CONNECT:
        connects_add(broker, request);
        break;
    case REQUEST_SUBSCRIBE:
        subscribes_start(broker, request);
        break;
    default:
        questions_start(broker, request);
    }
}

static void take_back(struct broker *broker, unsigned loop, const struct returned *returned)
{
    struct channel *channel = broker_find(broker, returned->channel);

    if (returned->client.len > 0)
        lookers_left(broker->lookers, returned->channel, returned->client);
    if (returned->full == 0 && returned->member == 0)
        return;
    CHECK(channel != NULL);
    struct channel_given *given = &channel->given[loop];
    CHECK(given->full >= returned->full && given->member >= returned->member);
    given->full -= returned->full;
    given->member -= returned->member;
    drop_if_idle(broker, channel);
}

static void close_all(struct broker *broker);

static void take_returns(struct broker *broker, struct returns *returns)
{
    struct returned returned;
    size_t at = 0;

    while (returns_next(returns, &at, &returned))
        take_back(broker, returns->loop, &returned);
    if (returns->last && ++broker->stopped_count == broker->port_count)
        close_all(broker);
    returns_destroy(returns);
}

static void on_letter(void *context, void *item)
{
    const struct letter *letter = item;

    if (letter->kind == LETTER_REQUEST)
        take_request(context, item);
    else
        take_returns(context, item);
}

/* ---- turns ---- */

static void end_turn(struct broker *broker)
{
    connects_flush(broker);
    lookers_flush(broker->lookers);
    ended_forget(&broker->ended, broker_now_ms(broker));
}

static void before_poll(uv_prepare_t *handle)
{
    end_turn(container_of(handle, struct broker, before_poll));
}

static void after_poll(uv_check_t *handle)
{
    end_turn(container_of(handle, struct broker, after_poll));
}

/* ---- opening ---- */

static enum err open_bus(struct broker *broker, const struct api_list *apis)
{
    const struct settings *settings = broker->settings;
    const struct feed_config feed = {
        .urls = (const char *const *)apis->events,
        .url_count = apis->count,
        .secret = text(settings->bus.key),
        .inbox_limit = FEED_INBOX_LIMIT,
        .silence_ms = (int)settings->bus.silence_ms,
    };
    const struct asker_config asker = {
        .urls = (const char *const *)apis->questions,
        .url_count = apis->count,
        .secret = text(settings->bus.key),
        .try_ms = (int)settings->bus.try_ms,
        .open_limit = (size_t)settings->bus.open_max,
    };
    enum err err = asker_open(&broker->asker, broker->loop, &asker);

    if (err != ERR_OK)
        return err;
    if ((err = feed_open(&broker->feed, broker->loop, &feed, &incoming_events, broker)) != ERR_OK)
        asker_close(broker->asker);
    return err;
}

static void start_turns(struct broker *broker)
{
    CHECK(uv_prepare_init(broker->loop, &broker->before_poll) == 0);
    CHECK(uv_prepare_start(&broker->before_poll, before_poll) == 0);
    CHECK(uv_check_init(broker->loop, &broker->after_poll) == 0);
    CHECK(uv_check_start(&broker->after_poll, after_poll) == 0);
}

enum err broker_open(struct broker **out, uv_loop_t *loop, const struct settings *settings,
                     struct port *const *ports, unsigned port_count)
{
    struct broker *broker = xcalloc(1, sizeof(*broker));
    struct api_list apis = {0};
    enum err err = ERR_INVALID;

    broker->loop = loop;
    broker->settings = settings;
    broker->ports = ports;
    broker->port_count = port_count;
    broker->ended.max = (size_t)settings->session.remember_max;
    broker->ended.keep_ms = settings->session.remember_s * 1000;
    broker->rings.max_bytes = (size_t)settings->ring.max_bytes;
    broker->rings.max_count = (uint32_t)settings->client.recovery_max_publications;
    if (!api_list_read(&apis, settings->bus.apis) || (err = open_bus(broker, &apis)) != ERR_OK) {
        api_list_fini(&apis);
        free(broker);
        return err;
    }
    api_list_fini(&apis);
    /* Requests: one per client; returns: one per turn of a loop. */
    broker->inbox = mailbox_open(
        loop, (size_t)settings->http.connection_limit * port_count + (1 << 16), on_letter, broker);
    broker->lookers = lookers_open(broker);
    heal_open(broker);
    sweep_open(broker);
    start_turns(broker);
    *out = broker;
    return ERR_OK;
}

struct mailbox *broker_inbox(struct broker *broker)
{
    return broker->inbox;
}

struct metrics *broker_metrics(struct broker *broker)
{
    return &broker->metrics;
}

atomic_bool *broker_is_ready(struct broker *broker)
{
    return &broker->is_ready;
}

void broker_print(void *context, struct buf *out)
{
    const struct broker *broker = context;

    metrics_print_one(out, "parley_gateway_channels", "gauge",
                      "Channels that somebody here listens to",
                      atomic_load_explicit(&broker->channel_count, memory_order_relaxed));
    metrics_print_one(out, "parley_gateway_ring_bytes", "gauge",
                      "Bytes of recent publications kept for recovery",
                      atomic_load_explicit(&broker->ring_bytes, memory_order_relaxed));
}

/* ---- closing ---- */

void broker_stop(struct broker *broker)
{
    if (atomic_exchange(&broker->stopping, true))
        return;
    for (unsigned i = 0; i < broker->port_count; i++)
        port_post_notice(broker->ports[i], notice_create(NOTICE_STOP, (struct text){0}));
}

static void on_closed(uv_handle_t *handle)
{
}

/* All loops have stopped: no client and no request is left. */
static void close_all(struct broker *broker)
{
    for (unsigned i = 0; i < broker->port_count; i++)
        port_post_notice(broker->ports[i], notice_create(NOTICE_CLOSE, (struct text){0}));
    lookers_flush(broker->lookers); /* who left is told before the door closes */
    feed_close(broker->feed);
    asker_close(broker->asker);
    lookers_close(broker->lookers);
    sweep_close(broker);
    uv_close((uv_handle_t *)&broker->heal_timer, on_closed);
    uv_close((uv_handle_t *)&broker->sweep.timer, on_closed);
    uv_close((uv_handle_t *)&broker->before_poll, on_closed);
    uv_close((uv_handle_t *)&broker->after_poll, on_closed);
    mailbox_close(broker->inbox);
}

void broker_free(struct broker *broker)
{
    while (broker->channels != NULL) { /* fetches that were under way */
        broker->channels->holds = 0;
        drop_if_idle(broker, broker->channels);
    }
    ended_fini(&broker->ended);
    free(broker);
}
