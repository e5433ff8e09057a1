/*
 * incoming: what comes from the bus, and how it goes on to the loops that listen.
 *
 * A publication of the operator's goes to the patterns that stand for its channel as it comes; one
 * of a log is put into its place first (channel.c): delivered, dropped, or held until
 * what is before it came. Then each loop with a reference gets it, and each loop with clients of
 * the people whom it adds or removes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/hash.h"
#include "base/id.h"
#include "base/log.h"
#include "gateway/broker/bus/bus_broker.h"
#include "gateway/channel_name.h"

/* ---- as the loops get it ---- */

static struct text *texts_of(const ProtobufCBinaryData *from, size_t count, struct text **places)
{
    struct text *texts = *places;

    for (size_t i = 0; i < count; i++)
        texts[i] = wire_text(from[i]);
    *places += count;
    return texts;
}

static struct client_info info_of(const Bus__Presence *presence)
{
    return (struct client_info){
        .user = wire_text(presence->user),
        .client = wire_text(presence->client),
        .conn_info = wire_text(presence->info),
        .chan_info = wire_text(presence->chan_info),
    };
}

/* The memory of what a parcel's content points to. */
struct places {
    struct text *texts;
    struct tag *tags;
    struct client_info info;
};

static struct parcel_content content_of(const Bus__Publication *from, struct places *places)
{
    struct text *at = places->texts =
        xcalloc(from->n_mentions + from->n_adds + from->n_removes + 1, sizeof(*at));

    places->tags = xcalloc(from->n_tags + 1, sizeof(*places->tags));
    for (size_t i = 0; i < from->n_tags; i++)
        places->tags[i] =
            (struct tag){wire_text(from->tags[i]->key), wire_text(from->tags[i]->value)};
    if (from->info != NULL)
        places->info = info_of(from->info);
    return (struct parcel_content){
        .channel = wire_text(from->channel),
        .data = wire_text(from->data),
        .epoch = wire_text(from->epoch),
        .offset = from->offset,
        .info = from->info != NULL ? &places->info : NULL,
        .tags = places->tags,
        .tag_count = from->n_tags,
        .is_json = !from->binary, /* an API's own, or looked at by the gateway that published it */
        .summary = wire_text(from->summary),
        .mentions_room = from->mentions_room,
        .mentions = texts_of(from->mentions, from->n_mentions, &at),
        .mention_count = from->n_mentions,
        .adds = texts_of(from->adds, from->n_adds, &at),
        .add_count = from->n_adds,
        .removes = texts_of(from->removes, from->n_removes, &at),
        .remove_count = from->n_removes,
        .closes = from->closes,
        .is_urgent = from->urgent,
        .revises = from->revises,
    };
}

static void free_places(struct places *places)
{
    free(places->texts);
    free(places->tags);
}

struct parcel *bus_parcel_matched(const Bus__Publication *from, struct text matched)
{
    struct places places;
    struct parcel_content content = content_of(from, &places);
    struct parcel *parcel;

    content.matched = matched;
    parcel = parcel_create(&content);
    free_places(&places);
    return parcel;
}

struct parcel *bus_parcel(const Bus__Publication *from)
{
    return bus_parcel_matched(from, (struct text){0});
}

/* With its difference to the one before, if that was the last that listeners have got. */
static struct parcel *parcel_after(const struct channel *channel, const Bus__Publication *from)
{
    const struct ring_entry *before = channel->ring.newest;
    struct places places;
    struct parcel_content content;
    struct parcel *parcel;

    if (!from->delta || from->offset == 0 || channel->strayed || before == NULL ||
        before->parcel->offset + 1 != from->offset)
        return bus_parcel(from);
    content = content_of(from, &places);
    parcel = parcel_create_after(&content, before->parcel);
    free_places(&places);
    return parcel;
}

/* ---- to the loops ---- */

/* A bit for each loop with clients of one of these users. */
static uint64_t loops_of(struct bus_broker *broker, const struct names *users)
{
    uint64_t loops = 0;

    for (size_t i = 0; i < users->count; i++) {
        const struct channel *own = bus_find_own(broker, users->at[i]);
        for (unsigned k = 0; own != NULL && k < broker->base.port_count; k++)
            if (own->given[k].full > 0)
                loops |= UINT64_C(1) << k;
    }
    return loops;
}

/* A parcel with `adds` carries a reference for those it adds: delivery.c takes it, whoever is
 * there. */
static void post(struct bus_broker *broker, struct channel *channel, struct parcel *parcel)
{
    const uint64_t concerned = loops_of(broker, &parcel->adds) | loops_of(broker, &parcel->removes);
    const bool for_members =
        parcel->summary.len > 0 || parcel->adds.count > 0 || parcel->removes.count > 0 || parcel->closes;

    for (unsigned i = 0; i < broker->base.port_count; i++) {
        struct channel_given *given = &channel->given[i];
        if (given->full == 0 && !(given->member > 0 && for_members) && (concerned >> i & 1) == 0)
            continue;
        if (port_post_parcel(broker->base.ports[i], parcel) && parcel->adds.count > 0)
            given->member++;
    }
}

static void deliver(struct bus_broker *broker, struct channel *channel, struct parcel *parcel)
{
    if (channel->streamed && parcel->offset != 0) {
        channel->next = parcel->offset + 1;
        if (parcel->revises) { /* who comes back from before it asks the API, which tells of messages as they are */
            channel->revised = parcel->offset;
            ring_clear(&broker->rings, &channel->ring);
        }
        ring_add(&broker->rings, &channel->ring, parcel);
        if (channel->namespace != NULL)
            channel->ring_until_ms = bus_now_ms(broker) + channel->namespace->history_ttl_ms;
    }
    channel->strayed = parcel->offset == 0;
    channel->heard += parcel->offset == 0;
    post(broker, channel, parcel);
}

static void deliver_held(struct bus_broker *broker, struct channel *channel)
{
    struct parcel *parcel;

    while ((parcel = channel_next_held(channel)) != NULL) {
        deliver(broker, channel, parcel);
        parcel_unref(parcel);
    }
}

void bus_settle(struct bus_broker *broker, struct channel *channel)
{
    struct request *request = channel->waiting, *next;

    bus_hold(channel); /* answers let go of it */
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
    atomic_store_explicit(&broker->base.ring_bytes, broker->rings.bytes, memory_order_relaxed);
    bus_unhold(broker, channel);
}

/* As an id among those that were seen. */
static uint64_t epoch_id(const struct channel *channel, struct text epoch)
{
    return hash_text(hash_text(0, channel_text(channel)), epoch);
}

bool bus_has_left(const struct bus_broker *broker, const struct channel *channel, struct text epoch)
{
    const uint64_t id = epoch_id(channel, epoch);

    return broker->seen[id % SEEN_MAX] == id;
}

void bus_reset(struct bus_broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch)
{
    log_info("%.*s: its subscribers start anew at %" PRIu64, TEXT_ARGS(channel_text(channel)),
             offset);
    metrics_add(&broker->base.metrics, METRIC_RESETS, 1);
    ring_clear(&broker->rings, &channel->ring);
    if (!channel_has_epoch(channel, epoch))
        bus_was_seen(broker, epoch_id(channel, text(channel->epoch)));
    channel_place(channel, offset, epoch);
    for (struct request *request = channel->waiting; request != NULL; request = request->waiting)
        request->as_of = 0; /* it may never come: they begin where the log is now, too */
    for (unsigned i = 0; i < broker->base.port_count; i++)
        if (channel->given[i].full > 0 || channel->given[i].member > 0)
            port_post_notice(broker->base.ports[i], notice_create(NOTICE_RESET, channel_text(channel)));
    if (channel->namespace == NULL)
        sweep_start(broker, false); /* who is a member is asked anew */
    deliver_held(broker, channel);
}

/* Who listens without a position gets what was held while somebody else asked for one. */
static uint64_t beginning(const struct channel *channel, uint64_t offset, struct text epoch)
{
    const struct parcel *first = channel->held;

    if (channel->namespace == NULL || first == NULL || first->offset > offset ||
        !channel_is_followed(channel) || !text_equal(first->epoch, epoch))
        return offset;
    return first->offset - 1;
}

void bus_place(struct bus_broker *broker, struct channel *channel, uint64_t offset,
                  struct text epoch)
{
    bus_hold(channel);
    if (channel->state == CHANNEL_OPENING) {
        const uint64_t seen = channel->top;
        channel_enter(channel, CHANNEL_LIVE);
        channel_place(channel, beginning(channel, offset, epoch), epoch);
        channel_expect(channel, offset > seen ? offset : seen); /* also what was too much to be held */
        deliver_held(broker, channel);
    } else if (!channel_has_epoch(channel, epoch)) {
        if (!bus_has_left(broker, channel, epoch)) /* else an answer that is older than what is known */
            bus_reset(broker, channel, offset, epoch);
    } else {
        channel_expect(channel, offset);
    }
    bus_settle(broker, channel);
    bus_unhold(broker, channel);
}

/* ---- publications ---- */

static void note_each(struct bus_broker *broker, const Bus__Publication *publication,
                      const ProtobufCBinaryData *users, size_t count, bool removed)
{
    int64_t room;

    if (count == 0 || broker->users.map == NULL ||
        !id_parse(channel_name_id(wire_text(publication->channel)), &room))
        return;
    for (size_t i = 0; i < count; i++)
        users_note(&broker->users, wire_text(users[i]), room, publication->offset, removed);
}

static void note_membership(struct bus_broker *broker, const Bus__Publication *publication)
{
    int64_t room;

    note_each(broker, publication, publication->adds, publication->n_adds, false);
    note_each(broker, publication, publication->removes, publication->n_removes, true);
    if (publication->closes && id_parse(channel_name_id(wire_text(publication->channel)), &room))
        users_note_all(&broker->users, room, publication->offset);
}

/* Nobody here listens to the room: it may add somebody who is here, or remove one whose connection
 * is just being told. */
static void take_stray(struct bus_broker *broker, const Bus__Publication *publication)
{
    struct parcel *parcel;
    struct channel *channel;

    if (publication->n_adds == 0 && publication->n_removes == 0)
        return;
    parcel = bus_parcel(publication);
    if ((loops_of(broker, &parcel->adds) | loops_of(broker, &parcel->removes)) != 0) {
        channel = bus_channel(broker, parcel->channel, NULL);
        bus_hold(channel);
        bus_place(broker, channel, parcel->offset - 1, parcel->epoch);
        deliver(broker, channel, parcel);
        bus_settle(broker, channel);
        bus_unhold(broker, channel);
    }
    parcel_unref(parcel);
}

static void take_early(struct bus_broker *broker, struct channel *channel,
                       const Bus__Publication *publication)
{
    struct parcel *parcel = bus_parcel(publication);

    metrics_add(&broker->base.metrics, METRIC_BUS_EARLY, channel->state != CHANNEL_OPENING);
    (void)!channel_hold(channel, parcel); /* what is not held is fetched: the gap is there all the same */
    if (channel->state != CHANNEL_OPENING)
        heal_watch(broker, channel);
    parcel_unref(parcel);
}

static void take_next(struct bus_broker *broker, struct channel *channel,
                      const Bus__Publication *publication)
{
    struct parcel *parcel = parcel_after(channel, publication);

    bus_hold(channel);
    deliver(broker, channel, parcel);
    deliver_held(broker, channel);
    bus_settle(broker, channel);
    bus_unhold(broker, channel);
    parcel_unref(parcel);
}

bool bus_was_seen(struct bus_broker *broker, uint64_t id)
{
    uint64_t *place = &broker->seen[id % SEEN_MAX];

    if (id == 0)
        return false;
    if (*place == id)
        return true;
    *place = id;
    return false;
}

/* False: a repeat, which no offset shows. */
static bool take_operators(struct bus_broker *broker, const Bus__Publication *publication)
{
    if (bus_was_seen(broker, publication->id))
        return publication->offset != 0;
    listening_tell_patterns(broker, publication);
    return true;
}

/* Those who listen without a position do not wait for one: the log begins with what comes. */
static bool has_no_place(const struct channel *channel)
{
    return channel->streamed && channel->state == CHANNEL_OPENING && channel->namespace != NULL &&
           channel->holds == 0;
}

/* It may be old news to those who follow the room, and yet nobody here has heard of it. */
static bool is_from_before(const struct channel *channel, const Bus__Publication *publication)
{
    return channel->namespace == NULL && channel->streamed && publication->offset != 0 &&
           (channel->state == CHANNEL_OPENING || publication->offset <= channel->began);
}

void bus_take(struct bus_broker *broker, const Bus__Publication *publication)
{
    const struct text name = wire_text(publication->channel), epoch = wire_text(publication->epoch);
    struct channel *channel = bus_find(broker, name);

    note_membership(broker, publication);
    if (publication->id != 0 && !take_operators(broker, publication))
        return;
    if (channel == NULL) {
        if (publication->offset != 0 && channel_name_kind(name) == CHANNEL_NAME_ROOM)
            take_stray(broker, publication);
        return; /* nobody here listens: the usual case once there are many gateways */
    }
    if (publication->offset != 0 && has_no_place(channel))
        bus_place(broker, channel, publication->offset - 1, epoch);
    if (channel->streamed && channel->state != CHANNEL_OPENING && publication->offset != 0 &&
        !channel_has_epoch(channel, epoch)) {
        if (bus_has_left(broker, channel, epoch))
            return;
        bus_reset(broker, channel, publication->offset - 1, epoch);
    }
    if (is_from_before(channel, publication))
        doubts_note(broker, publication);
    switch (channel_judge(channel, publication->offset)) {
    case CHANNEL_NEXT:
        take_next(broker, channel, publication);
        break;
    case CHANNEL_EARLY:
        take_early(broker, channel, publication);
        break;
    case CHANNEL_REPEAT:
        metrics_add(&broker->base.metrics, METRIC_BUS_REPEATS, 1);
        break;
    }
}

/* ---- the other items ---- */

static void take_presence(struct bus_broker *broker, const Bus__Presence *presence, bool joined)
{
    const struct text name = wire_text(presence->channel);
    const struct channel *channel = bus_find(broker, name);
    const struct client_info info = info_of(presence);

    if (channel == NULL)
        return;
    for (unsigned i = 0; i < broker->base.port_count; i++)
        if (channel->given[i].full > 0)
            port_post_notice(broker->base.ports[i],
                             notice_presence(joined ? NOTICE_JOIN : NOTICE_LEAVE, name, &info));
}

/* Questions that are open are answered by it, too: their answers may be older. */
static void overtake(struct bus_broker *broker, struct text user_name, struct text session)
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

void bus_end_session(struct bus_broker *broker, struct text user, struct text session, int code,
                        struct text reason)
{
    const struct channel *own = bus_find_own(broker, user);
    int64_t id;

    if (session.len > 0 && id_parse(session, &id))
        ended_add(&broker->ended, id, bus_now_ms(broker));
    overtake(broker, user, session);
    for (unsigned i = 0; own != NULL && i < broker->base.port_count; i++)
        if (own->given[i].full > 0)
            port_post_notice(broker->base.ports[i], notice_disconnect(user, session, code, reason));
}

static void take_control(struct bus_broker *broker, const Bus__Control *control)
{
    struct text reason = wire_text(control->reason);
    int code = (int)control->code;

    if (control->kind != BUS__CONTROL__KIND__DISCONNECT)
        return; /* of a newer API */
    if (code < 3000 || code > 4999) {
        code = DISCONNECT_FORCE.code;
        reason = text(DISCONNECT_FORCE.reason);
    }
    bus_end_session(broker, wire_text(control->user), wire_text(control->session), code, reason);
}

/* Recent publications are gone: whoever comes now gets none of them. */
static void take_cleared(struct bus_broker *broker, const Bus__Cleared *cleared)
{
    struct channel *channel = bus_find(broker, wire_text(cleared->channel));

    if (channel != NULL && channel->namespace != NULL)
        ring_clear(&broker->rings, &channel->ring);
}

void bus_take_item(struct bus_broker *broker, size_t api, const Bus__Item *item)
{
    switch (item->what_case) {
    case BUS__ITEM__WHAT_PUBLICATION:
        metrics_add(&broker->base.metrics, METRIC_BUS_PUBLICATIONS, 1);
        bus_take(broker, item->publication);
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
    case BUS__ITEM__WHAT_CLEARED:
        take_cleared(broker, item->cleared);
        break;
    default:
        fleet_take(broker, api, item);
    }
}

/* ---- the feed ---- */

static void on_batch(void *context, size_t api, const Bus__Batch *batch)
{
    for (size_t i = 0; i < batch->n_items; i++)
        bus_take_item(context, api, batch->items[i]);
}

static void on_hole(void *context, size_t api, uint64_t publisher, uint64_t from, uint64_t to)
{
    struct bus_broker *broker = context;

    metrics_add(&broker->base.metrics, METRIC_BUS_HOLES, 1);
    sweep_hole(broker, api, publisher, from, to);
}

/*
 * The same one again: what it said meanwhile is a hole, and Replay brings it. Another one at the
 * same address: the API was started again, and what the old one said last may be lost.
 */
static void on_publisher(void *context, size_t api, uint64_t publisher)
{
    struct bus_broker *broker = context;
    const uint64_t before = broker->publishers[api];

    metrics_add(&broker->base.metrics, METRIC_BUS_HEARD, 1);
    log_info("bus: api %zu is heard (publisher %016" PRIx64 ")", api, publisher);
    broker->publishers[api] = publisher;
    sweep_start(broker, before != 0 && before != publisher);
}

static void on_lost(void *context, size_t api, uint64_t publisher)
{
    struct bus_broker *broker = context;

    metrics_add(&broker->base.metrics, METRIC_BUS_LOST, 1);
    log_warn("bus: api %zu is lost (publisher %016" PRIx64 ")", api, publisher);
}

const struct feed_events incoming_events = {on_batch, on_hole, on_publisher, on_lost};
