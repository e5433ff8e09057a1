/*
 * incoming: what comes from the bus, and how it goes on to the loops that listen.
 *
 * A publication of a log is put into its place first (channel.c): delivered, dropped, or held until
 * what is before it came. Then each loop with a reference gets it, and each loop with clients of
 * the people whom it adds or removes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/id.h"
#include "base/log.h"
#include "gateway/broker/broker_state.h"
#include "gateway/channel_name.h"

/* ---- to the loops ---- */

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
    for (struct request *request = channel->waiting; request != NULL; request = request->waiting)
        request->as_of = 0; /* it may never come: they begin where the log is now, too */
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

/* ---- publications ---- */

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

const struct feed_events incoming_events = {on_batch, on_hole, on_publisher, on_lost};
