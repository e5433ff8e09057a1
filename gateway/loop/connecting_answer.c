#include "gateway/loop/connecting_parts.h"

#include "base/clock.h"
#include "base/version.h"
#include "gateway/loop/expiry.h"
#include "gateway/loop/hooks.h"
#include "gateway/loop/rate.h"
#include "gateway/loop/single.h"
#include "gateway/node.h"

static void begin_pings(struct client *client)
{
    const int64_t interval_ms = client->loop->settings->client.ping_interval_ms;

    /* The first one at a random point of the interval's second half, so that they spread. */
    if (interval_ms > 0)
        client->ping_ms = loop_now_ms(client->loop) + interval_ms / 2 +
                          (int64_t)(id_random() % (uint64_t)(interval_ms / 2 + 1));
}

static uint32_t ping_seconds(const struct client *client)
{
    const int64_t ms = client->loop->settings->client.ping_interval_ms;

    return client->native_ping ? 0 : (uint32_t)((ms + 999) / 1000);
}

static void reply(struct connecting *connecting)
{
    struct client *client = connecting->client;
    const struct settings *settings = client->loop->settings;
    const struct codec *codec = client_codec(client);
    struct connect_sub *subs =
        arena_alloc(&connecting->arena, (connecting->sub_count + 2) * sizeof(*subs));
    size_t count = 0;
    struct buf out = {0};

    if (loop_is_on_bus(client->loop)) {
        subs[count++].channel = TEXT("chats");
        subs[count++].channel = hub_channel_name(client->user);
    }
    for (size_t i = 0; i < connecting->sub_count; i++)
        if (connecting->subs[i].done)
            subs[count++] = connecting->subs[i].answer;
    const struct identity *identity = client->identity;
    const bool is_emulated = client_format(client)->is_emulated;
    const struct connect_result result = {
        .client = text(client->id),
        .version = TEXT("Parley " PARLEY_VERSION),
        .expires = client->expires_ms != 0 && !client->expires_itself,
        .ttl = expiry_ttl(connecting->who.expires_s),
        .ping = ping_seconds(client),
        .pong = ping_seconds(client) > 0 && !codec->unidirectional &&
                settings->client.pong_timeout_ms > 0,
        .data = connecting->told,
        .subs = subs,
        .sub_count = count,
        .session = is_emulated           ? identity->session
                   : codec->unidirectional ? text(client->id)
                                           : (struct text){0},
        .node = is_emulated ? node_id() : (struct text){0},
        .time_ms = settings->client.connect_include_server_time ? clock_wall_us() / 1000 : 0,
    };
    frame_begin(&out);
    codec->connect(&out, connecting->id, &result);
    struct frame *frame = frame_end(&out, (enum format)client->connection.format);
    connection_go_on(&client->connection, frame);
    frame_unref(frame);
}

/* In the order in which it is: a connection, then its subscriptions. */
static void tell_hooks(const struct connecting *connecting)
{
    hooks_connected(connecting->client);
    for (size_t i = 0; i < connecting->sub_count; i++)
        if (connecting->subs[i].done)
            hooks_subscribed(connecting->client, connecting->subs[i].channel);
}

void connecting_answer(struct connecting *connecting)
{
    struct client *client = connecting->client;
    const struct disconnect ban = connecting_ban(connecting);

    if (ban.code != 0) {
        connecting_close(connecting, ban);
        return;
    }
    client->rate = rate_create(&client->loop->settings->client.client_rate);
    client->connected_s = clock_wall_us() / 1000000;
    begin_pings(client);
    client_enter(client, CLIENT_CONNECTED);
    metrics_add(&client->loop->metrics, METRIC_CONNECTS, 1);
    tell_hooks(connecting);
    reply(connecting);
    connecting_end(connecting);
    single_claim(client);
    client_resume(client);
}
