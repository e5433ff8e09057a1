#include "gateway/loop/orders.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/loop/client.h"
#include "gateway/loop/expiry.h"
#include "gateway/loop/single.h"
#include "gateway/loop/subscribing.h"

/* ---- whose ---- */

static bool is_spared(const struct order *order, const struct client *client)
{
    for (size_t i = 0; i < order->whitelist_count; i++)
        if (text_equal(order->whitelist[i], text(client->id)))
            return true;
    return false;
}

/* An emulated or unidirectional connection has a session, the latter's is its id. */
static struct text session_of(const struct client *client)
{
    if (client->identity != NULL && client->identity->session.len > 0)
        return client->identity->session;
    return text(client->id);
}

static bool concerns(const struct order *order, const struct client *client)
{
    return client->state == CLIENT_CONNECTED &&
           (order->client.len == 0 || text_equal(order->client, text(client->id))) &&
           (order->session.len == 0 || text_equal(order->session, session_of(client))) &&
           !is_spared(order, client);
}

/* ---- what ---- */

static void disconnect(struct client *client, const struct order *order)
{
    char reason[WEBSOCKET_CONTROL_MAX];

    if (single_spares(order, client))
        return;
    snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(order->reason));
    client_close(client, (struct disconnect){order->code, reason});
}

static void unsubscribe_all(struct client *client, const struct order *order)
{
    for (uint32_t i = client->follower.count; i-- > 0;) {
        const struct subscription *sub = &client->follower.subs[i];
        if ((sub->flags & HUB_FULL) != 0 && sub->channel != client->user)
            subscribing_end(client, hub_channel_name(sub->channel), order->code, order->reason);
    }
}

static void unsubscribe(struct client *client, const struct order *order)
{
    if (order->channel.len == 0)
        unsubscribe_all(client, order);
    else if (!text_equal(order->channel, hub_channel_name(client->user)))
        subscribing_end(client, order->channel, order->code, order->reason);
}

static void push_refresh(struct client *client, int64_t expires_s)
{
    struct buf out = {0};

    frame_begin(&out);
    client_codec(client)->push_refresh(&out, expires_s != 0, expiry_ttl(expires_s));
    client_send_message(client, &out);
}

static void refresh(struct client *client, const struct order *order)
{
    if (order->expired ||
        (order->expires_s != 0 && order->expires_s <= clock_wall_us() / 1000000)) {
        client_close(client, DISCONNECT_EXPIRED);
        return;
    }
    identity_take_info(&client->identity, order->info); /* what others are shown from now on */
    expiry_set(client, order->expires_s);
    push_refresh(client, order->expires_s);
}

/* ---- subscribe ---- */

static void push_missed(struct client *client, struct text channel,
                        const struct subscribe_result *result)
{
    for (size_t i = 0; i < result->publication_count; i++) {
        struct buf out = {0};
        frame_begin(&out);
        client_codec(client)->push_publication(&out, channel, &result->publications[i]);
        client_send_message(client, &out);
    }
}

static void on_subscribed(struct subscribing *subscribing, const struct subscribe_result *result,
                          int error, struct text message, bool temporary)
{
    struct client *client = subscribing->client;
    struct buf out = {0};

    if (error != 0)
        return; /* it is there already, or cannot be: the API does not wait for each connection */
    frame_begin(&out);
    client_codec(client)->push_subscribe(&out, subscribing->channel, result);
    client_send_message(client, &out);
    push_missed(client, subscribing->channel, result);
}

static void subscribe(struct client *client, const struct order *order)
{
    struct subscribing *subscribing = subscribing_create(client, order->channel);
    struct arena *arena = &subscribing->arena;

    subscribing->is_server_side = true;
    subscribing->finished = on_subscribed;
    subscribing->info = arena_text(arena, order->info);
    subscribing->data = arena_text(arena, order->data);
    subscribing->override = order->override;
    subscribing->expires_s = order->expires_s;
    if (order->has_recover_since) {
        subscribing->recover = true;
        subscribing->offset = order->offset;
        subscribing->epoch = arena_text(arena, order->epoch);
    }
    subscribing_begin(subscribing);
}

/* ---- who may come ---- */

static struct text jti_of(const struct client *client)
{
    return client->identity != NULL ? client->identity->token.jti : (struct text){0};
}

static void end_subscription(struct client *client, struct text channel)
{
    subscribing_end(client, channel, UNSUBSCRIBE_INVALIDATED,
                    text(protocol_unsubscribe_reason(UNSUBSCRIBE_INVALIDATED)));
}

/* Clients then ask for a new token. What the server subscribed it to is its own affair. Backwards:
 * one that ends leaves the array. */
static void end_revoked_subscriptions(struct client *client, const struct order *order)
{
    for (uint32_t i = client->follower.count; i-- > 0;) {
        const struct subscription *sub = &client->follower.subs[i];
        const struct text channel = hub_channel_name(sub->channel);
        if ((sub->flags & (HUB_FULL | HUB_SERVER)) != HUB_FULL || sub->channel == client->user)
            continue;
        if (order->kind == ORDER_REVOKE_TOKEN ? sub->extra != NULL &&
                                                    text_equal(sub->extra->jti, order->jti)
                                              : text_equal(channel, order->channel))
            end_subscription(client, channel);
    }
}

static void end_banned(struct client *client)
{
    struct banned *banned = &client->loop->banned;
    const int64_t now_s = clock_wall_us() / 1000000;

    if (banned_has_user(banned, client_user(client), now_s))
        client_close(client, DISCONNECT_PERMISSION_DENIED);
    else if (banned_has_token(banned, client_user(client), jti_of(client), client->issued_s, now_s))
        client_close(client, DISCONNECT_INVALID_TOKEN);
}

static void carry_out(struct client *client, const struct order *order)
{
    switch (order->kind) {
    case ORDER_DISCONNECT:
        disconnect(client, order);
        break;
    case ORDER_SUBSCRIBE:
        subscribe(client, order);
        break;
    case ORDER_UNSUBSCRIBE:
        unsubscribe(client, order);
        break;
    case ORDER_REFRESH:
        refresh(client, order);
        break;
    case ORDER_BLOCK_USER:
    case ORDER_UNBLOCK_USER:
        end_banned(client);
        break;
    case ORDER_REVOKE_TOKEN:
    case ORDER_REVOKE_USER:
        end_banned(client);
        if (client->state == CLIENT_CONNECTED)
            end_revoked_subscriptions(client, order);
        break;
    }
}

/* Backwards: one that is closed leaves the array. */
static void take_for_user(struct loop *loop, const struct order *order)
{
    struct hub_channel *user = loop_find_user(loop, order->user);

    for (uint32_t i = user != NULL ? user->full.count : 0; i-- > 0;) {
        struct client *client = client_of(user->full.at[i].follower);
        if (concerns(order, client))
            carry_out(client, order);
    }
}

static void take_for_all(struct loop *loop, const struct order *order)
{
    struct client *client, *next;

    for (client = loop->clients; client != NULL; client = next) {
        next = client->next;
        if (concerns(order, client))
            carry_out(client, order);
    }
}

void orders_take(struct loop *loop, const struct order *order)
{
    if (!banned_take(&loop->banned, order, clock_wall_us() / 1000000))
        return; /* every API says it, and the list of all does */
    if (order->any_user || order->kind == ORDER_REVOKE_TOKEN)
        take_for_all(loop, order);
    else
        take_for_user(loop, order);
}
