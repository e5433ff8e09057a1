#include "gateway/loop/expiry.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/channels/namespaces.h"
#include "gateway/loop/keys.h"
#include "gateway/loop/proxying.h"
#include "gateway/loop/subscribing.h"
#include "gateway/token/verifier.h"

#define TTL_MAX_S (365 * 24 * 3600)

static int64_t now_s(void)
{
    return clock_wall_us() / 1000000;
}

uint32_t expiry_ttl(int64_t expires_s)
{
    const int64_t left = expires_s - now_s();

    if (left < 1)
        return 1;
    return left > TTL_MAX_S ? TTL_MAX_S : (uint32_t)left;
}

/* With grace where the client is the one to refresh: background tabs have slow timers. */
void expiry_set(struct client *client, int64_t expires_s)
{
    const struct settings *settings = client->loop->settings;
    const int64_t left_ms = (expires_s - now_s()) * 1000;

    client->expires_ms = 0;
    if (expires_s != 0)
        client->expires_ms = loop_now_ms(client->loop) + left_ms +
                             (client->expires_itself ? 0 : settings->client.expired_close_ms);
    if (client->state == CLIENT_CONNECTED)
        client_arm(client);
}

/* ---- the refresh proxy ---- */

#define RETRY_S 60 /* a back end that does not answer is asked again after so long */

/* Of what was asked about. A time that is over already says the same as `expired`. */
static bool is_end(const struct proxy_answer *answer)
{
    return !answer->has_result || answer->expired ||
           (answer->expires && answer->expire_at_s <= now_s());
}

static void apply_proxied(struct client *client, const struct proxy_answer *answer)
{
    char reason[PROXY_REASON_MAX + 1];

    switch (answer->outcome) {
    case PROXY_RESULT:
        if (is_end(answer)) {
            client_close(client, DISCONNECT_EXPIRED);
            break;
        }
        identity_take_info(&client->identity, answer->info.bytes);
        identity_take_meta(&client->identity, answer->meta);
        expiry_set(client, answer->expires ? answer->expire_at_s : 0);
        break;
    case PROXY_DISCONNECT:
        snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(answer->message));
        client_close(client, (struct disconnect){answer->code, reason});
        break;
    case PROXY_ERROR:
    case PROXY_FAILED:
        expiry_set(client, now_s() + RETRY_S);
        break;
    }
}

static void on_client_judged(void *context, struct proxy_answer *answer)
{
    struct client *client = context;

    if (client_release(client))
        apply_proxied(client, answer);
    proxy_answer_destroy(answer);
}

void expiry_client(struct client *client)
{
    struct proxy_question question = {.kind = PROXY_REFRESH};

    if (!client->expires_itself) {
        client_close(client, DISCONNECT_EXPIRED);
        return;
    }
    client->expires_ms = 0; /* until the answer is here */
    client_hold(client);
    if (!proxying_ask(client, proxying_find(client->loop, PROXY_REFRESH, NULL), &question,
                      on_client_judged, client)) {
        client_release(client);
        expiry_set(client, now_s() + RETRY_S);
    }
    client_arm(client);
}

/* ---- refresh ---- */

static void reply_refresh(struct client *client, const struct command *command, int64_t expires_s,
                          bool of_subscription)
{
    const struct codec *codec = client_codec(client);
    struct buf out = {0};

    frame_begin(&out);
    (of_subscription ? codec->sub_refresh : codec->refresh)(&out, command->id, expires_s != 0,
                                                            expiry_ttl(expires_s));
    client_send_message(client, &out);
}

static bool is_for(const struct connect_token *token, const struct client *client)
{
    struct loop *loop = client->loop;

    return text_equal(token->user, client_user(client)) &&
           (!loop_is_on_bus(loop) || token->session == client->session) &&
           !banned_has_token(&loop->banned, token->user, token->jti, token->issued_s, now_s());
}

static bool gives(const struct token_sub *subs, size_t count, struct text channel)
{
    for (size_t i = 0; i < count; i++)
        if (text_equal(subs[i].channel, channel))
            return true;
    return false;
}

/* Whether the token gives the server-side subscriptions that the client's own gave. */
static bool gives_the_same(const struct client *client, const struct connect_token *token)
{
    const struct identity *identity = client->identity;
    const size_t count = identity != NULL ? identity->token.sub_count : 0;

    if (token->sub_count != count)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!gives(token->subs, count, identity->token.subs[i].channel))
            return false;
    return true;
}

/* What a client hears of a token that is not good; `expired`: when that is all that is wrong. */
static void refuse_token(struct client *client, const struct command *command,
                         enum token_verdict verdict, struct disconnect expired)
{
    switch (verdict) {
    case TOKEN_GOOD:
        break;
    case TOKEN_EXPIRED:
        client_close(client, expired);
        break;
    case TOKEN_WAIT:
        keys_fetch(client->loop);
        client_send_error(client, command->id, PROTOCOL_INTERNAL); /* it tries again */
        break;
    case TOKEN_UNAVAILABLE:
        client_send_error(client, command->id, PROTOCOL_INTERNAL);
        break;
    case TOKEN_BAD:
        client_close(client, DISCONNECT_INVALID_TOKEN);
        break;
    }
}

static void apply_refresh(struct client *client, const struct command *command,
                          struct connect_token *token)
{
    const int64_t expires_s = token->expires ? token->expires_s : 0;

    if (!is_for(token, client)) {
        client_close(client, DISCONNECT_INVALID_TOKEN);
        return;
    }
    if (!gives_the_same(client, token)) {
        client_close(client, DISCONNECT_INSUFFICIENT_STATE); /* it gets them by connecting anew */
        return;
    }
    if (token->expires && expires_s <= now_s()) {
        client_close(client, DISCONNECT_EXPIRED);
        return;
    }
    client->issued_s = token->issued_s;
    identity_take_token(&client->identity, token);
    expiry_set(client, expires_s);
    reply_refresh(client, command, expires_s, false);
}

void expiry_run_refresh(struct client *client, const struct command *command)
{
    struct connect_token token;

    if (command->token.len == 0 || client->expires_itself) {
        client_close_bad(client);
        return;
    }
    const enum token_verdict verdict = verifier_connect(
        client->loop->shared->verifier, command->token, clock_wall_us(), &token);
    if (verdict == TOKEN_GOOD)
        apply_refresh(client, command, &token);
    else
        refuse_token(client, command, verdict, DISCONNECT_EXPIRED);
    connect_token_fini(&token);
}

/* ---- subscriptions ---- */

void expiry_watch_subscriptions(struct client *client)
{
    if (client->tick_ms != 0)
        return;
    client->tick_ms =
        loop_now_ms(client->loop) + client->loop->settings->client.presence_update_interval_ms;
    if (client->state == CLIENT_CONNECTED)
        client_arm(client);
}

/* One that a back end judges: its channel, while it is asked. */
struct judged {
    struct client *client; /* held */
    struct text channel;
    struct arena arena;
};

static void end_expired(struct client *client, struct text channel, bool is_server_side)
{
    if (is_server_side)
        client_close(client, DISCONNECT_SUB_EXPIRED);
    else
        subscribing_end(client, channel, UNSUBSCRIBE_EXPIRED,
                        text(protocol_unsubscribe_reason(UNSUBSCRIBE_EXPIRED)));
}

static void apply_sub_proxied(struct client *client, struct text channel,
                              const struct proxy_answer *answer)
{
    struct subscription *sub = client_subscription(client, channel);
    char reason[PROXY_REASON_MAX + 1];

    if (sub == NULL || sub->extra == NULL)
        return;
    if (answer->outcome == PROXY_DISCONNECT) {
        snprintf(reason, sizeof(reason), "%.*s", TEXT_ARGS(answer->message));
        client_close(client, (struct disconnect){answer->code, reason});
    } else if (answer->outcome == PROXY_RESULT && is_end(answer)) {
        end_expired(client, channel, (sub->flags & HUB_SERVER) != 0);
    } else {
        sub->extra->expires_s = answer->outcome != PROXY_RESULT ? now_s() + RETRY_S
                                : answer->expires               ? answer->expire_at_s
                                                                : 0;
        sub_extra_take_info(sub->extra, answer->info.bytes);
        if (sub->extra->expires_s != 0)
            expiry_watch_subscriptions(client);
    }
}

static void on_sub_judged(void *context, struct proxy_answer *answer)
{
    struct judged *judged = context;

    if (client_release(judged->client))
        apply_sub_proxied(judged->client, judged->channel, answer);
    proxy_answer_destroy(answer);
    arena_fini(&judged->arena);
    free(judged);
}

static void ask_about(struct client *client, struct subscription *sub)
{
    const struct namespace *namespace =
        namespace_find(client->loop->settings, hub_channel_name(sub->channel));
    struct judged *judged = xcalloc(1, sizeof(*judged));
    struct proxy_question question = {.kind = PROXY_SUB_REFRESH};

    judged->client = client;
    judged->channel = arena_text(&judged->arena, hub_channel_name(sub->channel));
    question.channel = judged->channel;
    sub->extra->expires_s = now_s() + RETRY_S; /* unless the answer says otherwise */
    client_hold(client);
    if (proxying_ask(client,
                     proxying_find(client->loop, PROXY_SUB_REFRESH,
                                   namespace->sub_refresh_proxy_name),
                     &question, on_sub_judged, judged))
        return;
    client_release(client);
    arena_fini(&judged->arena);
    free(judged);
}

/* The first one that is over; NULL: none. `*more`: there are others that will be. */
static struct subscription *find_expired(const struct client *client, bool *more)
{
    const int64_t grace_s = client->loop->settings->client.expired_sub_close_ms / 1000;
    const int64_t now = now_s();

    *more = false;
    for (uint32_t i = 0; i < client->follower.count; i++) {
        struct subscription *sub = &client->follower.subs[i];
        if (sub->extra == NULL || sub->extra->expires_s == 0)
            continue;
        *more = true;
        if (sub->extra->expires_s + (sub->extra->by_proxy ? 0 : grace_s) <= now)
            return sub;
    }
    return NULL;
}

void expiry_subscriptions(struct client *client)
{
    struct subscription *sub;
    bool more;

    client->tick_ms = 0;
    while (client->state == CLIENT_CONNECTED && (sub = find_expired(client, &more)) != NULL) {
        if (sub->extra->by_proxy)
            ask_about(client, sub);
        else
            end_expired(client, hub_channel_name(sub->channel), (sub->flags & HUB_SERVER) != 0);
    }
    if (client->state != CLIENT_CONNECTED)
        return;
    if (more)
        expiry_watch_subscriptions(client);
    client_arm(client);
}

static void apply_sub_refresh(struct client *client, const struct command *command,
                              const struct subscribe_token *token)
{
    /* The Python client up to 0.5.0 leaves the channel out. */
    const struct text channel = command->channel.len > 0 ? command->channel : token->channel;
    struct subscription *sub = client_subscription(client, channel);
    const int64_t expires_s = token->expires ? token->expires_s : 0;

    if (!text_equal(token->user, client_user(client)) || !text_equal(token->channel, channel) ||
        (token->client.len > 0 && !text_equal(token->client, text(client->id))) ||
        banned_has_sub_token(&client->loop->banned, token->user, channel, token->jti,
                             token->issued_s, now_s())) {
        client_close(client, DISCONNECT_INVALID_TOKEN);
        return;
    }
    if (token->expires && expires_s <= now_s()) {
        client_close(client, DISCONNECT_SUB_EXPIRED);
        return;
    }
    if (sub == NULL) {
        client_send_error(client, command->id, PROTOCOL_PERMISSION_DENIED);
        return;
    }
    if (sub->extra == NULL)
        sub->extra = xcalloc(1, sizeof(*sub->extra));
    sub_extra_take_token(sub->extra, token);
    sub->extra->expires_s = expires_s;
    if (expires_s != 0)
        expiry_watch_subscriptions(client);
    reply_refresh(client, command, expires_s, true);
}

/* Then the client has no say. */
static bool is_judged_by_proxy(const struct client *client, struct text channel)
{
    const struct namespace *namespace =
        loop_is_product(client->loop, channel) ? NULL
                                               : namespace_find(client->loop->settings, channel);

    return namespace != NULL && namespace->sub_refresh_proxy_enabled;
}

void expiry_run_sub_refresh(struct client *client, const struct command *command)
{
    struct subscribe_token token;

    if (command->channel.len > 0 && !client_is_subscribed(client, command->channel)) {
        client_send_error(client, command->id, PROTOCOL_PERMISSION_DENIED);
        return;
    }
    if (is_judged_by_proxy(client, command->channel)) {
        client_close_bad(client);
        return;
    }
    if (command->token.len == 0) {
        if (command->channel.len == 0)
            client_close_bad(client);
        else
            client_send_error(client, command->id, PROTOCOL_BAD_REQUEST);
        return;
    }
    const enum token_verdict verdict = verifier_subscribe(
        client->loop->shared->sub_verifier, command->token, clock_wall_us(), &token);
    if (verdict == TOKEN_GOOD)
        apply_sub_refresh(client, command, &token);
    else
        refuse_token(client, command, verdict, DISCONNECT_SUB_EXPIRED);
    subscribe_token_fini(&token);
}
