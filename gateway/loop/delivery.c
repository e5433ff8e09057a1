/*
 * What is published, as one loop takes it. Membership travels in the log: a publication that adds
 * or removes people acts at its own place, between the one before and the one behind it.
 */
#include "gateway/loop/client.h"

#include "gateway/channel_name.h"

/* ---- membership ---- */

/* The channel "user:…", whose full listeners are this user's clients here; NULL: none. */
static struct hub_channel *clients_of(struct loop *loop, struct text user)
{
    char name[CHANNEL_NAME_MAX + 1];

    if (user.len > CHANNEL_NAME_MAX - sizeof("user:"))
        return NULL;
    return hub_find(loop->hub, channel_name_make(name, "user:", user));
}

static void add_members(struct loop *loop, struct hub_channel *room, const struct names *users)
{
    for (size_t i = 0; i < users->count; i++) {
        const struct hub_channel *clients = clients_of(loop, users->at[i]);
        for (uint32_t k = 0; clients != NULL && k < clients->full.count; k++)
            hub_follow(clients->full.at[k].follower, room, HUB_MEMBER);
    }
}

static void push_unsubscribe(struct client *client, struct text channel, int code,
                             const char *reason)
{
    struct buf payload = {0};

    frame_begin(&payload);
    protocol_push_unsubscribe(&payload, channel, code, reason);
    client_send_payload(client, &payload);
}

/* Ends a subscription; `flags`: what else ends with it. */
static void end_subscription(struct client *client, struct text name, unsigned flags, int code,
                             const char *reason)
{
    struct loop *loop = client->loop;
    struct hub_channel *channel = hub_find(loop->hub, name);
    const unsigned has = channel != NULL ? hub_flags(&client->follower, channel) : 0;

    if (has == 0)
        return;
    if ((has & HUB_FULL) != 0) {
        push_unsubscribe(client, name, code, reason);
        if (channel_name_kind(name) == CHANNEL_NAME_LIVE)
            loop_return(loop, &(struct returned){.channel = name,
                                                 .user = client_user(client),
                                                 .client = text(client->id)});
    }
    hub_unfollow(loop->hub, &client->follower, channel, HUB_FULL | flags);
}

static void remove_members(struct loop *loop, struct text room, const struct names *users)
{
    char live[CHANNEL_NAME_MAX + 1];
    const struct text live_name = channel_name_make(live, "live:", channel_name_id(room));

    for (size_t i = 0; i < users->count; i++) {
        const struct hub_channel *clients = clients_of(loop, users->at[i]);
        for (uint32_t k = 0; clients != NULL && k < clients->full.count; k++) {
            struct client *client = client_of(clients->full.at[k].follower);
            end_subscription(client, room, HUB_MEMBER, UNSUBSCRIBE_SERVER, "removed");
            end_subscription(client, live_name, 0, UNSUBSCRIBE_SERVER, "removed");
        }
    }
}

/* ---- publications ---- */

static void deliver(struct loop *loop, struct hub_channel *channel, struct parcel *parcel)
{
    if (parcel->frame == NULL || channel->full.count == 0)
        return;
    metrics_add(&loop->metrics, METRIC_DELIVERIES, hub_deliver(loop->hub, channel, parcel->frame));
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
    else if ((channel = hub_find(loop->hub, parcel->channel)) != NULL) {
        deliver(loop, channel, parcel);
        if (parcel->summary.len > 0)
            chats_tell(loop->chats, channel, parcel);
    }
    parcel_unref(parcel);
}

/* ---- notices ---- */

/* Backwards: each that is ended leaves the array, and the last one takes its place. */
static void reset(struct loop *loop, struct text name)
{
    struct hub_channel *channel = hub_find(loop->hub, name);

    if (channel == NULL)
        return;
    hub_deliver_summary(loop->hub, channel, loop->stale);
    for (uint32_t i = channel->full.count; i-- > 0;)
        end_subscription(client_of(channel->full.at[i].follower), name, 0, UNSUBSCRIBE_INSUFFICIENT,
                         "insufficient state");
}

static bool is_of_session(const struct client *client, struct text session)
{
    int64_t id;

    return session.len == 0 || (id_parse(session, &id) && id == client->session);
}

static void disconnect(struct loop *loop, const struct notice *notice)
{
    struct hub_channel *clients = clients_of(loop, notice->user);
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
            client_send(client, loop->stale);
}

static void tell_presence(struct loop *loop, const struct notice *notice)
{
    struct hub_channel *channel = hub_find(loop->hub, notice->channel);

    port_publication_read(&loop->port);
    if (channel != NULL)
        metrics_add(&loop->metrics, METRIC_DELIVERIES,
                    hub_deliver_presence(loop->hub, channel, notice->frame));
}

void delivery_notice(struct loop *loop, struct notice *notice)
{
    switch (notice->kind) {
    case NOTICE_PRESENCE:
        tell_presence(loop, notice);
        break;
    case NOTICE_RESET:
        reset(loop, notice->channel);
        break;
    case NOTICE_DISCONNECT:
        disconnect(loop, notice);
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
