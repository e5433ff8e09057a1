/*
 * client_request: a client's questions to the broker, and what of its channels is known here.
 */
#include <stdlib.h>

#include "gateway/channel_name.h"
#include "gateway/loop/client.h"

/* ---- its channels ---- */

struct subscription *client_subscription(const struct client *client, struct text name)
{
    const struct hub_channel *channel = hub_find(client->loop->hub, name);
    struct subscription *sub =
        channel != NULL ? hub_subscription(&client->follower, channel) : NULL;

    return sub != NULL && (sub->flags & HUB_FULL) != 0 ? sub : NULL;
}

bool client_is_subscribed(const struct client *client, struct text name)
{
    return client_subscription(client, name) != NULL;
}

bool client_is_member(const struct client *client, struct text channel)
{
    char name[CHANNEL_NAME_MAX + 1];
    const enum channel_name_kind kind =
        loop_is_product(client->loop, channel) ? channel_name_kind(channel) : CHANNEL_NAME_UNKNOWN;
    const struct hub_channel *room;

    if (kind != CHANNEL_NAME_ROOM && kind != CHANNEL_NAME_LIVE)
        return false;
    room = hub_find(client->loop->hub,
                    channel_name_make(name, "room:", channel_name_id(channel)));
    return room != NULL && (hub_flags(&client->follower, room) & HUB_MEMBER) != 0;
}

/* ---- asking the broker ---- */

struct request *client_request(struct client *client, enum request_kind kind,
                               void (*done)(struct loop *loop, struct request *request))
{
    struct request *request = request_create(kind, done);
    struct buf session = {0};

    if (client->session != 0)
        buf_add_i64(&session, client->session);
    request->session = request_keep(request, buf_text(&session));
    buf_fini(&session);
    request->client = client;
    request->client_id = request_keep(request, text(client->id));
    if (client->user != NULL)
        request->user = request_keep(request, client_user(client));
    return request;
}

bool client_ask(struct client *client, struct request *request)
{
    const uint32_t id = request->id;

    client->busy = true;
    client_hold(client);
    if (loop_ask(client->loop, request))
        return true;
    request_destroy(request);
    client_release(client);
    client->busy = false;
    client_send_error(client, id, PROTOCOL_INTERNAL);
    return false;
}
