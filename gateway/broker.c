#include "gateway/broker.h"

#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "base/log.h"
#include "gateway/broker_state.h"
#include "gateway/channel_name.h"
#include "gateway/returns.h"

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

/* ---- publications to the loops ---- */

/* A bit for each loop with clients of one of these users. */
static uint64_t loops_of(struct broker *broker, const struct names *users)
{
    char name[CHANNEL_NAME_MAX + 1];
    uint64_t loops = 0;

    for (size_t i = 0; i < users->count; i++) {
        if (users->at[i].len > CHANNEL_NAME_MAX - sizeof("user:"))
            continue;
        const struct channel *channel =
            broker_find(broker, channel_name_make(name, "user:", users->at[i]));
        for (unsigned k = 0; channel != NULL && k < broker->port_count; k++)
            if (channel->given[k].full > 0)
                loops |= UINT64_C(1) << k;
    }
    return loops;
}

/* A parcel with `adds` carries a reference for those it adds: delivery.c takes it, whoever is
 * there. */
static void post(struct broker *broker, struct channel *channel, struct parcel *parcel)
{
    const uint64_t concerned = loops_of(broker, &parcel->adds) | loops_of(broker, &parcel->removes);
    const bool for_members =
        parcel->summary.len > 0 || parcel->adds.count > 0 || parcel->removes.count > 0;

    for (unsigned i = 0; i < broker->port_count; i++) {
        struct channel_given *given = &channel->given[i];
        if (given->full == 0 && !(given->member > 0 && for_members) && (concerned >> i & 1) == 0)
            continue;
        if (port_post_parcel(broker->ports[i], parcel) && parcel->adds.count > 0)
            given->member++;
    }
}

static void deliver(struct broker *broker, struct channel *channel, struct parcel *parcel)
{
    if (channel->streamed && parcel->offset != 0) {
        channel->next = parcel->offset + 1;
        if (parcel->frame != NULL)
            ring_add(&broker->rings, &channel->ring, parcel->frame);
        else
            ring_clear(&broker->rings, &channel->ring); /* it would have a hole */
    }
    post(broker, channel, parcel);
}

static void deliver_held(struct broker *broker, struct channel *channel)
{
    struct parcel *parcel;

    while ((parcel = channel_next_held(channel)) != NULL) {
        deliver(broker, channel, parcel);
        parcel_unref(parcel);
    }
}

void broker_settle(struct broker *broker, struct channel *channel)
{
    struct request *request = channel->waiting, *next;

    broker_hold(channel); /* answers let go of it */
    channel->waiting = NULL;
    for (; request != NULL; request = next) {
        next = request->waiting;
        if (channel->next > request->as_of)
            subscribes_go_on(request);
        else
            LL_PREPEND2(channel->waiting, request, waiting);
    }
    if (channel->state != CHANNEL_OPENING)
        heal_watch(broker, channel);
    atomic_store_explicit(&broker->ring_bytes, broker->rings.bytes, memory_order_relaxed);
    broker_unhold(broker, channel);
}

void broker_reset(struct broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch)
{
    log_info("%.*s: its subscribers start anew at %" PRIu64, TEXT_ARGS(channel_text(channel)),
             offset);
    metrics_add(&broker->metrics, METRIC_RESETS, 1);
    ring_clear(&broker->rings, &channel->ring);
    channel_place(channel, offset, epoch);
    for (unsigned i = 0; i < broker->port_count; i++)
        if (channel->given[i].full > 0 || channel->given[i].member > 0)
            port_post_notice(broker->ports[i], notice_create(NOTICE_RESET, channel_text(channel)));
    deliver_held(broker, channel);
}

void broker_place(struct broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch)
{
    broker_hold(channel);
    if (channel->state == CHANNEL_OPENING) {
        const uint64_t seen = channel->top;
        channel_enter(channel, CHANNEL_LIVE);
        channel_place(channel, offset, epoch);
        channel_expect(channel, seen); /* also what was too much to be held */
        deliver_held(broker, channel);
    } else if (!channel_has_epoch(channel, epoch)) {
        broker_reset(broker, channel, offset, epoch);
    } else {
        channel_expect(channel, offset);
    }
    broker_settle(broker, channel);
    broker_unhold(broker, channel);
}

/* ---- publications from the bus ---- */

static void note_each(struct broker *broker, const Bus__Publication *publication,
                      const ProtobufCBinaryData *users, size_t count, bool removed)
{
    int64_t room;

    if (count == 0 || broker->users.map == NULL ||
        !id_parse(channel_name_id(wire_text(publication->channel)), &room))
        return;
    for (size_t i = 0; i < count; i++)
        users_note(&broker->users, wire_text(users[i]), room, publication->offset, removed);
}

static void note_membership(struct broker *broker, const Bus__Publication *publication)
{
    note_each(broker, publication, publication->adds, publication->n_adds, false);
    note_each(broker, publication, publication->removes, publication->n_removes, true);
}

/* Nobody here listens to the room: it may add somebody who is here, or remove one whose connection
 * is just being told. */
static void take_stray(struct broker *broker, const Bus__Publication *publication)
{
    struct parcel *parcel;
    struct channel *channel;

    if (publication->n_adds == 0 && publication->n_removes == 0)
        return;
    parcel = parcel_create(publication, false);
    if ((loops_of(broker, &parcel->adds) | loops_of(broker, &parcel->removes)) != 0) {
        channel = broker_channel(broker, parcel->channel);
        broker_hold(channel);
        broker_place(broker, channel, parcel->offset - 1, parcel->epoch);
        deliver(broker, channel, parcel);
        broker_settle(broker, channel);
        broker_unhold(broker, channel);
    }
    parcel_unref(parcel);
}

static void take_early(struct broker *broker, struct channel *channel,
                       const Bus__Publication *publication)
{
    struct parcel *parcel = parcel_create(publication, true); /* somebody may follow by then */

    metrics_add(&broker->metrics, METRIC_BUS_EARLY, channel->state != CHANNEL_OPENING);
    if (channel_hold(channel, parcel, (size_t)broker->settings->heal.hold_max) &&
        channel->state != CHANNEL_OPENING)
        heal_watch(broker, channel);
    parcel_unref(parcel);
}

static void take_next(struct broker *broker, struct channel *channel,
                      const Bus__Publication *publication)
{
    const bool with_frame = channel->holds > 0 || channel_is_followed(channel);
    struct parcel *parcel = parcel_create(publication, with_frame);

    broker_hold(channel);
    deliver(broker, channel, parcel);
    deliver_held(broker, channel);
    broker_settle(broker, channel);
    broker_unhold(broker, channel);
    parcel_unref(parcel);
}

void broker_take(struct broker *broker, const Bus__Publication *publication)
{
    const struct text name = wire_text(publication->channel), epoch = wire_text(publication->epoch);
    struct channel *channel = broker_find(broker, name);

    note_membership(broker, publication);
    if (channel == NULL) {
        if (publication->offset != 0 && channel_name_kind(name) == CHANNEL_NAME_ROOM)
            take_stray(broker, publication);
        return; /* nobody here listens: the usual case once there are many gateways */
    }
    if (channel->streamed && channel->state != CHANNEL_OPENING && publication->offset != 0 &&
        !channel_has_epoch(channel, epoch))
        broker_reset(broker, channel, publication->offset - 1, epoch);
    switch (channel_judge(channel, publication->offset)) {
    case CHANNEL_NEXT:
        take_next(broker, channel, publication);
        break;
    case CHANNEL_EARLY:
        take_early(broker, channel, publication);
        break;
    case CHANNEL_REPEAT:
        metrics_add(&broker->metrics, METRIC_BUS_REPEATS, 1);
        break;
    }
}

/* ---- the other items ---- */

static void take_presence(struct broker *broker, const Bus__Presence *presence, bool joined)
{
    const struct text name = wire_text(presence->channel);
    const struct channel *channel = broker_find(broker, name);
    struct buf info = {0}, payload = {0};
    struct frame *frame;

    if (channel == NULL)
        return;
    protocol_client_info(&info, wire_text(presence->user), wire_text(presence->client),
                         wire_text(presence->info));
    frame_begin(&payload);
    if (joined)
        protocol_push_join(&payload, name, buf_text(&info));
    else
        protocol_push_leave(&payload, name, buf_text(&info));
    frame = frame_end(&payload, WEBSOCKET_TEXT);
    for (unsigned i = 0; i < broker->port_count; i++) {
        if (channel->given[i].full == 0)
            continue;
        struct notice *notice = notice_create(NOTICE_PRESENCE, name);
        notice->frame = frame_ref(frame);
        port_post_notice(broker->ports[i], notice);
    }
    frame_unref(frame);
    buf_fini(&info);
}

/* Questions that are open are answered by it, too: their answers may be older. */
static void overtake(struct broker *broker, struct text user_name, struct text session)
{
    struct user *user = users_find(&broker->users, user_name);
    struct request *request;

    if (user == NULL)
        return;
    DL_FOREACH(user->open, request)
    {
        if (session.len == 0 || text_equal(session, request->session))
            request->overtaken = true;
    }
}

void broker_end_session(struct broker *broker, struct text user, struct text session, int code,
                        struct text reason)
{
    char name[CHANNEL_NAME_MAX + 1];
    const struct channel *channel;
    int64_t id;

    if (session.len > 0 && id_parse(session, &id))
        ended_add(&broker->ended, id, broker_now_ms(broker));
    overtake(broker, user, session);
    if (user.len > CHANNEL_NAME_MAX - sizeof("user:"))
        return;
    channel = broker_find(broker, channel_name_make(name, "user:", user));
    for (unsigned i = 0; channel != NULL && i < broker->port_count; i++)
        if (channel->given[i].full > 0)
            port_post_notice(broker->ports[i], notice_disconnect(user, session, code, reason));
}

static void take_control(struct broker *broker, const Bus__Control *control)
{
    struct text reason = wire_text(control->reason);
    int code = (int)control->code;

    if (control->kind != BUS__CONTROL__KIND__DISCONNECT)
        return; /* of a newer API */
    if (code < 3000 || code > 4999) {
        code = DISCONNECT_FORCE.code;
        reason = text(DISCONNECT_FORCE.reason);
    }
    broker_end_session(broker, wire_text(control->user), wire_text(control->session), code, reason);
}

void broker_take_item(struct broker *broker, const Bus__Item *item)
{
    switch (item->what_case) {
    case BUS__ITEM__WHAT_PUBLICATION:
        metrics_add(&broker->metrics, METRIC_BUS_PUBLICATIONS, 1);
        broker_take(broker, item->publication);
        break;
    case BUS__ITEM__WHAT_JOIN:
        take_presence(broker, item->join, true);
        break;
    case BUS__ITEM__WHAT_LEAVE:
        take_presence(broker, item->leave, false);
        break;
    case BUS__ITEM__WHAT_CONTROL:
        take_control(broker, item->control);
        break;
    default:
        break; /* of a newer API */
    }
}

/* ---- the feed ---- */

static void on_batch(void *context, size_t api, const Bus__Batch *batch)
{
    for (size_t i = 0; i < batch->n_items; i++)
        broker_take_item(context, batch->items[i]);
}

static void on_hole(void *context, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
    struct broker *broker = context;

    metrics_add(&broker->metrics, METRIC_BUS_HOLES, 1);
    sweep_hole(broker, api, publisher, from, to);
}

/*
 * The same one again: what it said meanwhile is a hole, and Replay brings it. Another one at the
 * same address: the API was started again, and what the old one said last may be lost.
 */
static void on_publisher(void *context, size_t api, uint64_t publisher)
{
    struct broker *broker = context;
    const uint64_t before = broker->publishers[api];

    log_info("bus: api %zu is heard (publisher %016" PRIx64 ")", api, publisher);
    atomic_store(&broker->is_ready, true);
    broker->publishers[api] = publisher;
    sweep_start(broker, before != 0 && before != publisher);
}

static void on_lost(void *context, size_t api, uint64_t publisher)
{
    log_warn("bus: api %zu is lost (publisher %016" PRIx64 ")", api, publisher);
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

/* "tcp://10.0.0.1:7800": events there, questions at the next port. False: no such address. */
static bool add_api(struct text base, char **events, char **questions)
{
    const char *colon = memrchr(base.at, ':', base.len);
    char *url = xstrndup(base.at, base.len);
    char *end = NULL;
    long port = 0;

    if (colon != NULL)
        port = strtol(url + (colon + 1 - base.at), &end, 10);
    if (colon == NULL || *end != '\0' || port < 1 || port > 65534) {
        free(url);
        return false;
    }
    struct buf next = {0};
    buf_printf(&next, "%.*s:%ld", (int)(colon - base.at), base.at, port + 1);
    *events = url;
    *questions = xstrdup(buf_cstring(&next));
    buf_fini(&next);
    return true;
}

struct api_list {
    char *events[BROKER_APIS_MAX], *questions[BROKER_APIS_MAX];
    size_t count;
};

static void api_list_fini(struct api_list *apis)
{
    for (size_t i = 0; i < apis->count; i++) {
        free(apis->events[i]);
        free(apis->questions[i]);
    }
}

static bool read_apis(struct api_list *apis, const char *list)
{
    while (*list != '\0') {
        const size_t gap = strspn(list, ", ");
        const size_t len = strcspn(list += gap, ", ");
        if (len == 0)
            break;
        if (apis->count == BROKER_APIS_MAX ||
            !add_api(text_of(list, len), &apis->events[apis->count],
                     &apis->questions[apis->count])) {
            log_error("bus.apis: %.*s is no address like tcp://127.0.0.1:7800, or one too many",
                      (int)len, list);
            return false;
        }
        apis->count++;
        list += len;
    }
    return apis->count > 0;
}

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
    const struct feed_events events = {on_batch, on_hole, on_publisher, on_lost};
    enum err err = asker_open(&broker->asker, broker->loop, &asker);

    if (err != ERR_OK)
        return err;
    if ((err = feed_open(&broker->feed, broker->loop, &feed, &events, broker)) != ERR_OK)
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
    if (!read_apis(&apis, settings->bus.apis) || (err = open_bus(broker, &apis)) != ERR_OK) {
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
