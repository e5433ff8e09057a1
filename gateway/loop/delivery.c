/*
 * What is published, as one loop takes it. Membership travels in the log: a publication that adds
 * or removes people acts at its own place, between the one before and the one behind it.
 */
#include "gateway/loop/delivery.h"

#include "gateway/channel_name.h"
#include "gateway/loop/emulated.h"
#include "gateway/loop/orders.h"
#include "gateway/loop/subscribing.h"
#include "gateway/protocol/filter.h"

/* ---- membership ---- */

static void add_members(struct loop *loop, struct hub_channel *room, const struct names *users)
{
    for (size_t i = 0; i < users->count; i++) {
        const struct hub_channel *clients = loop_find_user(loop, users->at[i]);
        for (uint32_t k = 0; clients != NULL && k < clients->full.count; k++)
            hub_follow(clients->full.at[k].follower, room, HUB_MEMBER);
    }
}

/* A member who is removed loses what is of members, too. */
static void end_membership(struct client *client, struct text name)
{
    struct hub *hub = client->loop->hub;
    struct hub_channel *channel;

    subscribing_end(client, name, UNSUBSCRIBE_SERVER, TEXT("removed"));
    channel = hub_find(hub, name);
    if (channel != NULL)
        hub_unfollow(hub, &client->follower, channel, HUB_MEMBER);
}

static void remove_members(struct loop *loop, struct text room, const struct names *users)
{
    char live[CHANNEL_NAME_MAX + 1];
    const struct text live_name = channel_name_make(live, "live:", channel_name_id(room));

    for (size_t i = 0; i < users->count; i++) {
        const struct hub_channel *clients = loop_find_user(loop, users->at[i]);
        for (uint32_t k = 0; clients != NULL && k < clients->full.count; k++) {
            struct client *client = client_of(clients->full.at[k].follower);
            end_membership(client, room);
            subscribing_end(client, live_name, UNSUBSCRIBE_SERVER, TEXT("removed"));
        }
    }
}

static void send_stale(struct client *client)
{
    client_send(client, parcel_frame(client->loop->stale,
                                     (enum format)client->connection.format, SHAPE_PLAIN));
}

/* Those who are members already stay as they are. True: it is new to some. */
static bool add_to_room(struct loop *loop, struct hub_channel *room, const struct hub_channel *clients)
{
    bool is_new = false;

    for (uint32_t i = 0; clients != NULL && i < clients->full.count; i++) {
        struct follower *follower = clients->full.at[i].follower;
        if ((hub_flags(follower, room) & HUB_MEMBER) != 0)
            continue;
        hub_follow(follower, room, HUB_MEMBER);
        is_new = true;
    }
    hub_settle(loop->hub, room);
    return is_new;
}

/* What the log said meanwhile is in it: the broker took it into account, and told it before. */
static void take_rooms(struct loop *loop, const struct notice *notice)
{
    const struct hub_channel *clients = loop_find_user(loop, notice->user);
    bool missed = false;

    for (size_t i = 0; i < notice->rooms.count; i++)
        if (add_to_room(loop, hub_given(loop->hub, notice->rooms.at[i], 0, 1), clients))
            missed = true;
    for (uint32_t i = 0; missed && i < clients->full.count; i++)
        send_stale(client_of(clients->full.at[i].follower));
}

/* ---- one listener ---- */

/* Those who take deltas, or a part of what is published. */
static void send_special(struct client *client, struct subscription *sub, struct parcel *parcel)
{
    enum shape shape = SHAPE_PLAIN;

    if ((sub->flags & HUB_FILTERED) != 0 &&
        !filter_passes(sub->extra->filter, parcel->tags, parcel->tag_count))
        return;
    if ((sub->flags & HUB_DELTA) != 0) {
        /* A difference is to the publication before, which is what the client has, unless this is its
         * first one, or a filter hides some. */
        shape = (sub->flags & (HUB_DELTA_READY | HUB_FILTERED)) == HUB_DELTA_READY ? SHAPE_DELTA
                                                                                    : SHAPE_FULL;
        sub->flags |= HUB_DELTA_READY;
    }
    connection_send(&client->connection,
                    parcel_frame(parcel, (enum format)client->connection.format, shape));
}

void delivery_send(struct follower *follower, struct subscription *sub, struct parcel *parcel)
{
    struct client *client = client_of(follower);
    const enum format format = (enum format)client->connection.format;

    if (!parcel_may_go_to(parcel, format))
        connection_unfit(&client->connection);
    else if ((sub->flags & (HUB_DELTA | HUB_FILTERED)) != 0)
        send_special(client, sub, parcel);
    else
        connection_send(&client->connection, parcel_frame(parcel, format, SHAPE_PLAIN));
}

/* ---- publications ---- */

static void deliver(struct loop *loop, struct hub_channel *channel, struct parcel *parcel)
{
    if (channel->full.count > 0)
        metrics_add(&loop->metrics, METRIC_DELIVERIES, hub_deliver(loop->hub, channel, parcel));
}

static void deliver_with_removes(struct loop *loop, struct parcel *parcel)
{
    struct hub_channel *channel = hub_find(loop->hub, parcel->channel);

    if (channel != NULL)
        deliver(loop, channel, parcel);
    remove_members(loop, parcel->channel, &parcel->removes);
    channel = hub_find(loop->hub, parcel->channel);
    if (channel != NULL && parcel->summary.len > 0)
        chats_tell(loop->chats, channel, parcel);
}

static void tell_line(struct loop *loop, struct hub_channel *channel, struct parcel *parcel)
{
    if (parcel->is_urgent)
        chats_tell_now(loop->chats, channel, parcel);
    else
        chats_tell(loop->chats, channel, parcel);
}

/* Backwards: each that is ended leaves the array. */
static void end_listeners(struct loop *loop, struct text name)
{
    struct hub_channel *channel = hub_find(loop->hub, name);

    for (uint32_t i = channel != NULL ? channel->full.count : 0; i-- > 0;)
        subscribing_end(client_of(channel->full.at[i].follower), name, UNSUBSCRIBE_SERVER, TEXT("removed"));
}

/* The room is no more: those who listen lose it, and who is a member is one no longer. */
static void close_room(struct loop *loop, struct text room)
{
    char live[CHANNEL_NAME_MAX + 1];
    const struct hub_channel *channel;

    end_listeners(loop, room);
    end_listeners(loop, channel_name_make(live, "live:", channel_name_id(room)));
    while ((channel = hub_find(loop->hub, room)) != NULL && channel->summary.count > 0)
        hub_unfollow(loop->hub, channel->summary.at[0].follower, (struct hub_channel *)channel, HUB_MEMBER);
}

static void deliver_the_last(struct loop *loop, struct parcel *parcel)
{
    struct hub_channel *channel = hub_find(loop->hub, parcel->channel);

    if (channel == NULL)
        return;
    deliver(loop, channel, parcel);
    if (parcel->summary.len > 0)
        tell_line(loop, channel, parcel);
    close_room(loop, parcel->channel);
}

/* A parcel with `adds` carries a reference for those it adds. */
static void deliver_with_adds(struct loop *loop, struct parcel *parcel)
{
    struct hub_channel *channel = hub_given(loop->hub, parcel->channel, 0, 1);

    add_members(loop, channel, &parcel->adds);
    if (parcel->removes.count == 0) {
        deliver(loop, channel, parcel);
        if (parcel->summary.len > 0)
            chats_tell(loop->chats, channel, parcel);
        hub_settle(loop->hub, channel);
        return;
    }
    hub_settle(loop->hub, channel);
    deliver_with_removes(loop, parcel);
}

void delivery_parcel(struct loop *loop, struct parcel *parcel)
{
    struct hub_channel *channel;

    port_publication_read(&loop->port);
    metrics_add(&loop->metrics, METRIC_PUBLICATIONS, 1);
    if (parcel->adds.count > 0)
        deliver_with_adds(loop, parcel);
    else if (parcel->removes.count > 0)
        deliver_with_removes(loop, parcel);
    else if (parcel->closes)
        deliver_the_last(loop, parcel);
    else if ((channel = hub_find(loop->hub, parcel->channel)) != NULL) {
        deliver(loop, channel, parcel);
        if (parcel->summary.len > 0)
            tell_line(loop, channel, parcel);
    }
    parcel_unref(parcel);
}

/* ---- notices ---- */

/* What was published cannot be told: a subscription starts anew; of the server's making only a new
 * connection can. */
static void reset_one(struct client *client, unsigned flags, struct text name)
{
    if ((flags & HUB_POSITIONED) == 0)
        return;
    if ((flags & HUB_SERVER) != 0)
        client_close(client, DISCONNECT_INSUFFICIENT_STATE);
    else
        subscribing_end(client, name, UNSUBSCRIBE_INSUFFICIENT,
                        text(protocol_unsubscribe_reason(UNSUBSCRIBE_INSUFFICIENT)));
}

/* Who was removed meanwhile must not hear more of it. */
static void forget_members(struct loop *loop, struct text name)
{
    struct hub_channel *channel = hub_find(loop->hub, name);
    char live[CHANNEL_NAME_MAX + 1];
    const struct text live_name = channel_name_make(live, "live:", channel_name_id(name));

    while (channel != NULL && channel->summary.count > 0) {
        struct client *client = client_of(channel->summary.at[0].follower);
        hub_unfollow(loop->hub, &client->follower, channel, HUB_MEMBER);
        subscribing_end(client, live_name, UNSUBSCRIBE_INSUFFICIENT,
                        text(protocol_unsubscribe_reason(UNSUBSCRIBE_INSUFFICIENT)));
        channel = hub_find(loop->hub, name);
    }
}

/* Backwards: each that is ended leaves the array, and the last one takes its place. */
static void reset(struct loop *loop, struct text name)
{
    struct hub_channel *channel = hub_find(loop->hub, name);

    if (channel == NULL)
        return;
    hub_deliver_summary(loop->hub, channel, loop->stale);
    for (uint32_t i = channel->full.count; i-- > 0;) {
        const struct listener_slot *slot = &channel->full.at[i];
        reset_one(client_of(slot->follower), slot->follower->subs[slot->place].flags, name);
    }
    if (loop_is_product(loop, name))
        forget_members(loop, name);
}

static bool is_of_session(const struct client *client, struct text session)
{
    int64_t id;

    return session.len == 0 || (id_parse(session, &id) && id == client->session);
}

static void disconnect(struct loop *loop, const struct notice *notice)
{
    struct hub_channel *clients = loop_find_user(loop, notice->user);
    char reason[WEBSOCKET_CONTROL_MAX];

    snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(notice->reason));
    for (uint32_t i = clients != NULL ? clients->full.count : 0; i-- > 0;) {
        struct client *client = client_of(clients->full.at[i].follower);
        if (is_of_session(client, notice->session))
            client_close(client, (struct disconnect){notice->code, reason});
    }
}

static void overrun(struct loop *loop)
{
    struct client *client, *next;

    metrics_add(&loop->metrics, METRIC_OVERRUNS, 1);
    port_overrun_read(&loop->port);
    for (client = loop->clients; client != NULL; client = next) {
        next = client->next;
        client_close(client, DISCONNECT_INSUFFICIENT_STATE);
    }
}

static void tell_stale(struct loop *loop)
{
    for (struct client *client = loop->clients; client != NULL; client = client->next)
        if (client->state == CLIENT_CONNECTED)
            send_stale(client);
}

/* ---- joins and leaves ---- */

static struct frame *presence_frame(enum format format, const struct notice *notice)
{
    const struct codec *codec = FORMATS[format].codec;
    struct buf out = {0};

    frame_begin(&out);
    (notice->kind == NOTICE_JOIN ? codec->push_join : codec->push_leave)(&out, notice->channel,
                                                                         &notice->info);
    return frame_end(&out, format);
}

static void tell_presence(struct loop *loop, const struct notice *notice)
{
    struct hub_channel *channel = hub_find(loop->hub, notice->channel);
    struct frame *frames[FORMAT_COUNT] = {0};
    const bool fit = client_info_is_json(&notice->info);

    port_publication_read(&loop->port);
    for (uint32_t i = 0; channel != NULL && i < channel->full.count; i++) {
        const struct listener_slot *slot = &channel->full.at[i];
        struct client *client = client_of(slot->follower);
        const enum format format = (enum format)client->connection.format;
        if ((slot->follower->subs[slot->place].flags & HUB_JOIN_LEAVE) == 0)
            continue;
        if (!fit && FORMATS[format].codec->type == PROTOCOL_JSON) {
            connection_unfit(&client->connection);
            continue;
        }
        if (frames[format] == NULL)
            frames[format] = presence_frame(format, notice);
        connection_send(&client->connection, frames[format]);
        metrics_add(&loop->metrics, METRIC_DELIVERIES, 1);
    }
    for (int i = 0; i < FORMAT_COUNT; i++)
        frame_unref(frames[i]);
}

void delivery_notice(struct loop *loop, struct notice *notice)
{
    switch (notice->kind) {
    case NOTICE_JOIN:
    case NOTICE_LEAVE:
        tell_presence(loop, notice);
        break;
    case NOTICE_ROOMS:
        take_rooms(loop, notice);
        break;
    case NOTICE_REMOVED:
        remove_members(loop, notice->channel, &(struct names){&notice->user, 1});
        break;
    case NOTICE_RESET:
        reset(loop, notice->channel);
        break;
    case NOTICE_DISCONNECT:
        disconnect(loop, notice);
        break;
    case NOTICE_ORDER:
        orders_take(loop, notice->order);
        break;
    case NOTICE_EMULATION:
        port_publication_read(&loop->port);
        emulated_take(loop, notice->session, notice->data);
        break;
    case NOTICE_STALE:
        tell_stale(loop);
        break;
    case NOTICE_OVERRUN:
        overrun(loop);
        break;
    case NOTICE_STOP:
    case NOTICE_CLOSE:
        break; /* loop.c did it */
    }
    notice_destroy(notice);
}
