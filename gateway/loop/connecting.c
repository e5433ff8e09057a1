#include "gateway/loop/connecting_parts.h"

#include <stdlib.h>
#include <strings.h>
#include <utlist.h>

#include "base/clock.h"
#include "gateway/channel_name.h"
#include "gateway/loop/crowd.h"
#include "gateway/loop/expiry.h"
#include "gateway/loop/keys.h"
#include "gateway/token/verifier.h"

#define BUS_USER_MAX 100 /* bytes; the product's users are numbers */

static void destroy(struct connecting *connecting)
{
    if (!connecting->who_is_kept)
        connect_token_fini(&connecting->who);
    arena_fini(&connecting->arena);
    free(connecting);
}

/* ---- ends ---- */

void connecting_end(struct connecting *connecting)
{
    client_release(connecting->client);
    destroy(connecting);
}

void connecting_close(struct connecting *connecting, struct disconnect why)
{
    client_close(connecting->client, why);
    connecting_end(connecting);
}

/* A unidirectional client has no replies: the error is told as the end. */
static struct disconnect disconnect_of(int error)
{
    switch (error) {
    case PROTOCOL_TOKEN_EXPIRED:
    case PROTOCOL_EXPIRED:
        return DISCONNECT_EXPIRED;
    case PROTOCOL_TOO_MANY_REQUESTS:
        return DISCONNECT_TOO_MANY_REQUESTS;
    case PROTOCOL_INTERNAL:
        return DISCONNECT_INTERNAL;
    case PROTOCOL_PERMISSION_DENIED:
        return DISCONNECT_PERMISSION_DENIED;
    default:
        return DISCONNECT_BAD_REQUEST;
    }
}

void connecting_refuse_as(struct connecting *connecting, int error, struct text message,
                          bool temporary)
{
    struct client *client = connecting->client;

    if (client_codec(client)->unidirectional) {
        connecting_close(connecting, disconnect_of(error));
        return;
    }
    client_refuse(client);
    client_send_failure(client, connecting->id, error, message, temporary);
    connecting_end(connecting);
}

void connecting_refuse(struct connecting *connecting, int error)
{
    connecting_refuse_as(connecting, error, (struct text){0}, protocol_error_is_temporary(error));
}

/* ---- the product's API ---- */

static void give_back_rooms(struct loop *loop, const struct request *request)
{
    char name[CHANNEL_NAME_MAX + 1];

    if (request->outcome != REQUEST_DONE)
        return;
    loop_return(loop, &(struct returned){.channel = channel_name_make(name, "user:", request->user),
                                         .full = 1});
    for (size_t i = 0; i < request->rooms.count; i++)
        loop_return(loop, &(struct returned){.channel = request->rooms.at[i], .member = 1});
}

static void follow_rooms(struct client *client, const struct request *request)
{
    struct hub *hub = client->loop->hub;
    char name[CHANNEL_NAME_MAX + 1];

    client->user = hub_given(hub, channel_name_make(name, "user:", request->user), 1, 0);
    hub_follow_first(&client->follower, client->user, HUB_FULL);
    client->loop->user_count += client->user->full.count == 1;
    for (size_t i = 0; i < request->rooms.count; i++) {
        struct hub_channel *room = hub_given(hub, request->rooms.at[i], 0, 1);
        hub_follow_first(&client->follower, room, HUB_MEMBER);
    }
}

/* 0, or the close code's. An order may have come since it was first asked. */
struct disconnect connecting_ban(const struct connecting *connecting)
{
    struct banned *banned = &connecting->client->loop->banned;
    const struct connect_token *who = &connecting->who;
    const int64_t now_s = clock_wall_us() / 1000000;

    if (banned_has_user(banned, who->user, now_s))
        return DISCONNECT_PERMISSION_DENIED;
    if (banned_has_token(banned, who->user, who->jti, who->issued_s, now_s))
        return DISCONNECT_INVALID_TOKEN;
    return (struct disconnect){0};
}

static void on_api_answer(struct loop *loop, struct request *request)
{
    struct connecting *connecting = request->context;
    struct client *client = connecting->client;
    const struct disconnect ban = connecting_ban(connecting);

    if (client->state >= CLIENT_CLOSING) {
        give_back_rooms(loop, request);
        connecting_end(connecting);
    } else if (request->outcome == REQUEST_FAILED) {
        connecting_refuse_as(connecting, request->error, text(request->message),
                             request->temporary);
    } else if (request->outcome == REQUEST_DISCONNECT) {
        connecting_close(connecting, (struct disconnect){request->error, request->message});
    } else if (ban.code != 0) {
        give_back_rooms(loop, request);
        connecting_close(connecting, ban);
    } else {
        follow_rooms(client, request);
        connecting_subscribe(connecting);
    }
    request_destroy(request);
}

static void ask_api(struct connecting *connecting)
{
    struct client *client = connecting->client;
    struct request *request;

    client->session = connecting->who.session;
    request = client_request(client, REQUEST_CONNECT, on_api_answer);
    request->context = connecting;
    request->user = request_keep(request, connecting->who.user);
    if (loop_ask(client->loop, request))
        return;
    request_destroy(request);
    connecting_refuse(connecting, PROTOCOL_INTERNAL);
}

/* Alone there is nobody to ask; its place among the user's connections is the hub's affair. */
static void enter_alone(struct connecting *connecting)
{
    struct client *client = connecting->client;
    char name[CHANNEL_NAME_MAX + 2];
    const struct text prefix = client->loop->user_prefix;

    memcpy(name, prefix.at, prefix.len);
    if (connecting->who.user.len > 0)
        memcpy(name + prefix.len, connecting->who.user.at, connecting->who.user.len);
    client->user = hub_given(client->loop->hub,
                             text_of(name, prefix.len + connecting->who.user.len), 0, 0);
    hub_follow_first(&client->follower, client->user, HUB_FULL);
    client->loop->user_count += client->user->full.count == 1;
    connecting_subscribe(connecting);
}

/* ---- may they come in ---- */

/* False: the user has too many connections already. */
static bool join_crowd(const struct connecting *connecting)
{
    struct client *client = connecting->client;
    struct crowd *crowd = client->loop->shared->crowd;

    if (crowd == NULL || connecting->who.user.len == 0)
        return true;
    client->member = crowd_enter(crowd, connecting->who.user, loop_now_ms(client->loop));
    return client->member != NULL;
}

/* Its user does not connect too often. */
static bool passes_rate(const struct client *client)
{
    return client->member == NULL || crowd_passes(client->loop->shared->crowd, client->member,
                                                  COMMAND_CONNECT, loop_now_ms(client->loop));
}

/* What will be wanted later of who it is; most clients have nothing of it. */
static void keep_identity(struct connecting *connecting)
{
    struct client *client = connecting->client;
    const struct connect_token *who = &connecting->who;

    if (who->info.len == 0 && who->meta.len == 0 && !who->has_caps && who->jti.len == 0 &&
        (who->sub_count == 0 || connecting->by_proxy))
        return;
    if (client->identity == NULL)
        client->identity = identity_create();
    client->identity->token = *who;
    connecting->who_is_kept = true;
    if (connecting->by_proxy) {
        client->identity->token.info = arena_text(&client->identity->arena, who->info);
        client->identity->token.meta = arena_text(&client->identity->arena, who->meta);
        client->identity->token.subs = NULL;
        client->identity->token.sub_count = 0;
    }
}

static bool is_product_user(struct text user)
{
    return user.len > 0 && user.len <= BUS_USER_MAX;
}

/* On the bus a ban counts once the API has answered: only then is it sure that nobody has lifted it. */
void connecting_come_in(struct connecting *connecting)
{
    struct client *client = connecting->client;
    const struct settings *settings = client->loop->settings;
    const struct connect_token *who = &connecting->who;
    const int64_t now_s = clock_wall_us() / 1000000;
    const struct disconnect ban =
        loop_is_on_bus(client->loop) ? (struct disconnect){0} : connecting_ban(connecting);

    if (who->user.len == 0 && connecting->token.len > 0 &&
        settings->client.disallow_anonymous_connection_tokens) {
        connecting_close(connecting, DISCONNECT_PERMISSION_DENIED);
    } else if (loop_is_on_bus(client->loop) && !is_product_user(who->user)) {
        connecting_close(connecting, DISCONNECT_INVALID_TOKEN);
    } else if (ban.code != 0) {
        connecting_close(connecting, ban);
    } else if (who->expires && who->expires_s <= now_s) {
        connecting_refuse(connecting, PROTOCOL_EXPIRED);
    } else if (!join_crowd(connecting)) {
        connecting_close(connecting, DISCONNECT_CONNECTION_LIMIT);
    } else if (!passes_rate(client)) {
        connecting_refuse(connecting, PROTOCOL_TOO_MANY_REQUESTS);
    } else {
        client->issued_s = who->issued_s;
        client->expires_itself = settings->client.refresh_proxy_enabled;
        expiry_set(client, who->expires ? who->expires_s : 0);
        keep_identity(connecting);
        if (loop_is_on_bus(client->loop))
            ask_api(connecting);
        else
            enter_alone(connecting);
    }
}

/* ---- who is it ---- */

static void wait_for_key(struct connecting *connecting)
{
    struct loop *loop = connecting->client->loop;

    if (connecting->give_up_ms == 0)
        connecting->give_up_ms = loop_now_ms(loop) + loop->settings->client.stale_close_ms / 2;
    DL_APPEND(loop->waiting_for_keys, connecting);
}

static void read_token(struct connecting *connecting)
{
    struct loop *loop = connecting->client->loop;

    switch (verifier_connect(loop->shared->verifier, connecting->token, clock_wall_us(),
                             &connecting->who)) {
    case TOKEN_GOOD:
        connecting_come_in(connecting);
        break;
    case TOKEN_EXPIRED: /* the library gets a new one and comes again */
        connecting_refuse(connecting, PROTOCOL_TOKEN_EXPIRED);
        break;
    case TOKEN_WAIT:
        connect_token_fini(&connecting->who);
        keys_fetch(loop);
        wait_for_key(connecting);
        break;
    case TOKEN_UNAVAILABLE:
        connecting_refuse(connecting, PROTOCOL_INTERNAL);
        break;
    case TOKEN_BAD:
        metrics_add(&loop->metrics, METRIC_CONNECTS_REFUSED, 1);
        connecting_close(connecting, DISCONNECT_INVALID_TOKEN);
        break;
    }
}

void connecting_retry(struct loop *loop)
{
    struct connecting *waiting = loop->waiting_for_keys, *connecting, *next;

    loop->waiting_for_keys = NULL;
    DL_FOREACH_SAFE(waiting, connecting, next)
    {
        DL_DELETE(waiting, connecting);
        if (connecting->client->state >= CLIENT_CLOSING)
            connecting_end(connecting);
        else if (loop_now_ms(loop) >= connecting->give_up_ms)
            connecting_refuse(connecting, PROTOCOL_INTERNAL);
        else
            read_token(connecting);
    }
}

/* The value of a header that came with the request; empty: it did not. */
static struct text header_of(const struct client *client, const char *name)
{
    const struct identity *identity = client->identity;

    for (size_t i = 0; identity != NULL && i < identity->header_count; i++)
        if (strcasecmp(identity->headers[i].name.at, name) == 0)
            return identity->headers[i].value;
    return (struct text){0};
}

void connecting_without_credentials(struct connecting *connecting)
{
    const struct client *client = connecting->client;
    const struct settings *settings = client->loop->settings;
    const struct text user = header_of(client, settings->client.user_id_http_header);

    if (user.len > 0 && user.len <= CLIENT_USER_MAX)
        connecting->who.user = arena_text(&connecting->arena, user);
    else if (!settings->client.allow_anonymous_connect_without_token &&
             !settings->client.insecure) {
        connecting_close(connecting, DISCONNECT_BAD_REQUEST);
        return;
    }
    connecting_come_in(connecting);
}

/* ---- the command ---- */

static void copy_positions(struct connecting *connecting, const struct command *command)
{
    struct arena *arena = &connecting->arena;
    struct command_position *to =
        arena_alloc(arena, command->position_count * sizeof(struct command_position));

    for (size_t i = 0; i < command->position_count; i++) {
        to[i] = command->positions[i];
        to[i].channel = arena_text(arena, to[i].channel);
        to[i].epoch = arena_text(arena, to[i].epoch);
    }
    connecting->positions = to;
    connecting->position_count = command->position_count;
}

/* Emulated headers are for proxies alone. */
static void keep_headers(struct client *client, const struct command *command)
{
    struct command_header *to;
    struct arena *arena;

    if (command->header_count == 0 || !client->loop->shared->wants_emulated_headers)
        return;
    if (client->identity == NULL)
        client->identity = identity_create();
    arena = &client->identity->arena;
    to = arena_alloc(arena, command->header_count * sizeof(*to));
    for (size_t i = 0; i < command->header_count; i++)
        to[i] = (struct command_header){arena_text(arena, command->headers[i].name),
                                        arena_text(arena, command->headers[i].value)};
    client->identity->emulated = to;
    client->identity->emulated_count = command->header_count;
}

void connecting_run(struct client *client, const struct command *command)
{
    struct connecting *connecting = xcalloc(1, sizeof(*connecting));
    struct arena *arena = &connecting->arena;

    connecting->client = client;
    client_hold(client);
    client->busy = true;
    client_enter(client, CLIENT_CONNECTING);
    connection_hold(&client->connection); /* the answer is the first that a client is told */
    connecting->id = command->id;
    connecting->token = arena_text(arena, command->token);
    connecting->data = arena_text(arena, command->data);
    connecting->name = arena_text(arena, command->name);
    connecting->version = arena_text(arena, command->version);
    copy_positions(connecting, command);
    keep_headers(client, command);
    if (connecting->token.len > 0)
        read_token(connecting);
    else
        connecting_ask_proxy(connecting);
}
