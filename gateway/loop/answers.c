/*
 * What the broker answers. Answers and publications come through the same mailbox, so what is
 * published behind the position of an answer comes behind the answer.
 */
#include "gateway/loop/client.h"

#include <stdlib.h>

#include "base/version.h"
#include "gateway/channel_name.h"

/* ---- references that nobody waits for any more ---- */

static void give_back_subscribe(struct loop *loop, const struct request *request)
{
    struct returned returned = {.channel = request->channel, .full = 1};

    if (channel_name_kind(request->channel) == CHANNEL_NAME_LIVE) {
        returned.user = request->user;
        returned.client = request->client_id;
    }
    loop_return(loop, &returned);
}

static void give_back_connect(struct loop *loop, const struct request *request)
{
    char name[CHANNEL_NAME_MAX + 1];

    loop_return(loop, &(struct returned){.channel = channel_name_make(name, "user:", request->user),
                                         .full = 1});
    for (size_t i = 0; i < request->rooms.count; i++)
        loop_return(loop, &(struct returned){.channel = request->rooms.at[i], .member = 1});
}

static void give_back(struct loop *loop, const struct request *request)
{
    if (request->outcome != REQUEST_DONE)
        return;
    if (request->kind == REQUEST_CONNECT)
        give_back_connect(loop, request);
    if (request->kind == REQUEST_SUBSCRIBE)
        give_back_subscribe(loop, request);
}

/* ---- connect ---- */

static void follow_all(struct client *client, const struct request *request)
{
    struct hub *hub = client->loop->hub;
    char name[CHANNEL_NAME_MAX + 1];

    client->user = hub_given(hub, channel_name_make(name, "user:", request->user), 1, 0);
    hub_follow_first(&client->follower, client->user, HUB_FULL);
    for (size_t i = 0; i < request->rooms.count; i++) {
        struct hub_channel *room = hub_given(hub, request->rooms.at[i], 0, 1);
        hub_follow_first(&client->follower, room, HUB_MEMBER);
    }
}

static void reply_connect(struct client *client, uint32_t id)
{
    const struct settings *settings = client->loop->settings;
    const int64_t left_ms =
        client->expires_ms - settings->client.expired_close_ms - loop_now_ms(client->loop);
    struct buf payload = {0}, subs = {0};
    struct json_out json = {.buf = &subs};

    json_open(&json, '{');
    json_key_raw(&json, "chats", TEXT("{}"));
    json_text(&json, hub_channel_name(client->user));
    buf_add_text(&subs, TEXT(":{}}"));

    frame_begin(&payload);
    protocol_connect(&payload, id,
                     &(struct connect_result){
                         .client = text(client->id),
                         .version = TEXT("Parley " PARLEY_VERSION),
                         .expires = client->expires_ms != 0,
                         .ttl = left_ms > 1000 ? (uint32_t)(left_ms / 1000) : 1,
                         .ping = (uint32_t)settings->client.ping_interval_s,
                         .pong = true,
                         .subs = buf_text(&subs),
                     });
    client_send_payload(client, &payload);
    buf_fini(&subs);
}

static void finish_connect(struct client *client, const struct request *request)
{
    const int64_t interval_ms = client->loop->settings->client.ping_interval_s * 1000;

    /* The first ping at a random point of the interval's second half, so that they spread. */
    client->ping_ms = loop_now_ms(client->loop) + interval_ms / 2 +
                      (int64_t)(id_random() % (uint64_t)(interval_ms / 2));
    follow_all(client, request);
    client_enter(client, CLIENT_CONNECTED);
    metrics_add(&client->loop->metrics, METRIC_CONNECTS, 1);
    reply_connect(client, request->id);
}

/* ---- the others ---- */

static void send_reply(struct client *client, struct request *request)
{
    struct frame *frame = frame_end(&request->reply, WEBSOCKET_TEXT);

    client_send(client, frame);
    frame_unref(frame);
}

static void finish_subscribe(struct client *client, struct request *request)
{
    struct hub_channel *channel = hub_given(client->loop->hub, request->channel, 1, 0);

    hub_follow(&client->follower, channel, HUB_FULL | (request->join_leave ? HUB_JOIN_LEAVE : 0));
    metrics_add(&client->loop->metrics, METRIC_SUBSCRIBES, 1);
    send_reply(client, request);
}

static void finish_failed(struct client *client, const struct request *request)
{
    struct buf payload = {0};

    metrics_add(&client->loop->metrics, METRIC_REPLIES_FAILED, 1);
    frame_begin(&payload);
    protocol_error(&payload, request->id, request->error, request->message, request->temporary);
    client_send_payload(client, &payload);
    if (request->kind == REQUEST_CONNECT)
        client_refuse(client);
}

static void finish(struct client *client, struct request *request)
{
    switch (request->outcome) {
    case REQUEST_FAILED:
        finish_failed(client, request);
        return;
    case REQUEST_DISCONNECT:
        client_close(client, (struct disconnect){request->error, request->message});
        return;
    case REQUEST_DONE:
        break;
    }
    if (request->kind == REQUEST_CONNECT)
        finish_connect(client, request);
    else if (request->kind == REQUEST_SUBSCRIBE)
        finish_subscribe(client, request);
    else if (request->kind == REQUEST_HISTORY && !client_is_subscribed(client, request->channel))
        client_send_error(client, request->id, PROTOCOL_PERMISSION_DENIED); /* removed meanwhile */
    else
        send_reply(client, request);
}

void client_take_answer(struct loop *loop, struct request *request)
{
    struct client *client = request->client;

    client->open = NULL;
    if (client->state >= CLIENT_CLOSING) {
        give_back(loop, request);
        if (client->state == CLIENT_GONE)
            client_bury(client);
    } else {
        finish(client, request);
        client_resume(client);
    }
    request_destroy(request);
}
