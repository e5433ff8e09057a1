/*
 * What a client asks. Commands run one at a time, in order: one that asks the broker ends the run,
 * and the lines behind it wait in the backlog until the answer is here (answers.c). JavaScript
 * clients send connect and all their subscribes in one frame.
 */
#include "gateway/loop/client.h"

#include <stdlib.h>

#include "base/clock.h"
#include "gateway/channel_name.h"
#include "gateway/loop/token.h"

static void bad_request(struct client *client)
{
    metrics_add(&client->loop->metrics, METRIC_BAD_COMMANDS, 1);
    client_close(client, DISCONNECT_BAD_REQUEST);
}

static void reply_empty(struct client *client, uint32_t id, const char *member)
{
    struct buf payload = {0};

    frame_begin(&payload);
    protocol_empty(&payload, id, member);
    client_send_payload(client, &payload);
}

/* ---- asking the broker ---- */

/* The request knows who asks; the answer comes back to client_take_answer(). */
static void ask(struct client *client, struct request *request, const struct command *command)
{
    request->id = command->id;
    request->client = client;
    client->open = request;
    if (loop_ask(client->loop, request))
        return;
    client->open = NULL;
    request_destroy(request);
    client_send_error(client, command->id, PROTOCOL_INTERNAL);
}

static struct request *make_request(struct client *client, enum request_kind kind,
                                    const struct command *command)
{
    char session[ID_DIGITS_MAX + 1] = "";
    struct request_texts texts = {
        .user = client_user(client),
        .client_id = text(client->id),
        .channel = command->channel,
        .data = command->data,
        .method = command->method,
        .epoch = command->epoch,
    };
    struct request *request;

    if (client->session != 0)
        snprintf(session, sizeof(session), "%lld", (long long)client->session);
    texts.session = text(session);
    request = request_create(kind, &texts);
    request->offset = command->offset;
    request->flag = command->flag;
    request->limit = command->limit;
    request->recover = command->recover;
    request->has_since = command->has_since;
    request->reverse = command->reverse;
    request->join_leave = command->join_leave;
    return request;
}

static void ask_about(struct client *client, enum request_kind kind, const struct command *command)
{
    ask(client, make_request(client, kind, command), command);
}

/* ---- connect and refresh ---- */

static void ask_connect(struct client *client, const struct token *token,
                        const struct command *command)
{
    char session[ID_DIGITS_MAX + 1] = "";
    struct request_texts texts = {.user = token_user(token), .client_id = text(client->id)};

    if (token->session != 0)
        snprintf(session, sizeof(session), "%lld", (long long)token->session);
    texts.session = text(session);
    client->session = token->session;
    client_enter(client, CLIENT_CONNECTING);
    ask(client, request_create(REQUEST_CONNECT, &texts), command);
    if (client->open == NULL)
        client_refuse(client);
}

/* The loop's time at which a token of this expiry ends its connection; with grace, since background
 * tabs have slow timers. */
static int64_t end_of(const struct client *client, const struct token *token)
{
    if (token->expires_us == 0)
        return 0;
    const int64_t left_ms = (token->expires_us - clock_wall_us()) / 1000;
    return loop_now_ms(client->loop) + left_ms + client->loop->settings->client.expired_close_ms;
}

static void run_connect(struct client *client, const struct command *command)
{
    struct token token;

    if (client->state != CLIENT_NEW) {
        bad_request(client);
        return;
    }
    if (command->token.len == 0) {
        client_close(client, DISCONNECT_BAD_REQUEST);
        return;
    }
    switch (token_read(&token, command->token, client->loop->settings)) {
    case ERR_OK:
        client->expires_ms = end_of(client, &token);
        ask_connect(client, &token, command);
        break;
    case ERR_TOKEN_EXPIRED: /* the library gets a new one and comes again */
        client_send_error(client, command->id, PROTOCOL_TOKEN_EXPIRED);
        client_refuse(client);
        break;
    default:
        metrics_add(&client->loop->metrics, METRIC_CONNECTS_REFUSED, 1);
        client_close(client, DISCONNECT_INVALID_TOKEN);
    }
}

static void run_refresh(struct client *client, const struct command *command)
{
    struct token token;
    struct buf payload = {0};

    if (command->token.len == 0) {
        bad_request(client);
        return;
    }
    switch (token_read(&token, command->token, client->loop->settings)) {
    case ERR_OK:
        break;
    case ERR_TOKEN_EXPIRED:
        client_close(client, DISCONNECT_EXPIRED);
        return;
    default:
        client_close(client, DISCONNECT_INVALID_TOKEN);
        return;
    }
    if (!text_equal(token_user(&token), client_user(client)) || token.session != client->session) {
        client_close(client, DISCONNECT_INVALID_TOKEN);
        return;
    }
    client->expires_ms = end_of(client, &token);
    client_arm(client);
    frame_begin(&payload);
    protocol_refresh(&payload, command->id, token.expires_us != 0,
                     (uint32_t)((token.expires_us - clock_wall_us()) / 1000000));
    client_send_payload(client, &payload);
}

/* ---- channels ---- */

bool client_is_subscribed(const struct client *client, struct text name)
{
    const struct hub_channel *channel = hub_find(client->loop->hub, name);

    return channel != NULL && (hub_flags(&client->follower, channel) & HUB_FULL) != 0;
}

/* An error code, or 0: the broker is to be asked. */
static int check_subscribe(const struct client *client, struct text name)
{
    if (name.len > CHANNEL_NAME_MAX)
        return PROTOCOL_BAD_REQUEST;
    switch (channel_name_kind(name)) {
    case CHANNEL_NAME_CHATS:
        return PROTOCOL_ALREADY_SUBSCRIBED;
    case CHANNEL_NAME_USER:
        return text_equal(channel_name_id(name), client_user(client)) ? PROTOCOL_ALREADY_SUBSCRIBED
                                                                      : PROTOCOL_PERMISSION_DENIED;
    case CHANNEL_NAME_ROOM:
    case CHANNEL_NAME_LIVE:
    case CHANNEL_NAME_PUBLIC:
        break;
    default:
        return PROTOCOL_UNKNOWN_CHANNEL;
    }
    if (client_is_subscribed(client, name))
        return PROTOCOL_ALREADY_SUBSCRIBED;
    /* its own `user:` is one of them, but not its choice */
    if (client->follower.full_count > (uint32_t)client->loop->settings->client.channel_limit)
        return PROTOCOL_LIMIT_EXCEEDED;
    return 0;
}

static void run_subscribe(struct client *client, const struct command *command)
{
    const int error = check_subscribe(client, command->channel);

    if (error != 0)
        client_send_error(client, command->id, error);
    else
        ask_about(client, REQUEST_SUBSCRIBE, command);
}

static void run_unsubscribe(struct client *client, const struct command *command)
{
    const enum channel_name_kind kind = channel_name_kind(command->channel);
    struct hub_channel *channel = hub_find(client->loop->hub, command->channel);

    if (kind != CHANNEL_NAME_USER && channel != NULL &&
        (hub_flags(&client->follower, channel) & HUB_FULL) != 0) {
        if (kind == CHANNEL_NAME_LIVE)
            loop_return(client->loop, &(struct returned){.channel = command->channel,
                                                         .user = client_user(client),
                                                         .client = text(client->id)});
        hub_unfollow(client->loop->hub, &client->follower, channel, HUB_FULL);
    }
    reply_empty(client, command->id, "unsubscribe");
}

/* What goes to `live:` is not stored and not checked by anybody else: its members are known here.
 */
static bool may_publish_live(const struct client *client, struct text name)
{
    char buffer[CHANNEL_NAME_MAX + 1];
    const struct text room_name = channel_name_make(buffer, "room:", channel_name_id(name));
    const struct hub_channel *room = hub_find(client->loop->hub, room_name);

    return (room != NULL && (hub_flags(&client->follower, room) & HUB_MEMBER) != 0) ||
           client_is_subscribed(client, name);
}

static void run_publish(struct client *client, const struct command *command)
{
    const struct text name = command->channel;
    const enum channel_name_kind kind = channel_name_kind(name);

    if (command->data.len == 0 || name.len > CHANNEL_NAME_MAX)
        client_send_error(client, command->id, PROTOCOL_BAD_REQUEST);
    else if (kind == CHANNEL_NAME_ROOM ||
             (kind == CHANNEL_NAME_LIVE && may_publish_live(client, name)))
        ask_about(client, REQUEST_PUBLISH, command);
    else
        client_send_error(client, command->id, PROTOCOL_PERMISSION_DENIED);
}

/* Presence belongs to `live:`, history to `room:`; both are for subscribers. */
static void run_for_subscriber(struct client *client, const struct command *command,
                               enum channel_name_kind kind, enum request_kind request)
{
    if (channel_name_kind(command->channel) != kind)
        client_send_error(client, command->id, PROTOCOL_NOT_AVAILABLE);
    else if (!client_is_subscribed(client, command->channel))
        client_send_error(client, command->id, PROTOCOL_PERMISSION_DENIED);
    else
        ask_about(client, request, command);
}

static void run_history(struct client *client, const struct command *command)
{
    if (command->reverse && command->has_since && command->offset == 0)
        client_send_error(client, command->id, PROTOCOL_BAD_REQUEST);
    else
        run_for_subscriber(client, command, CHANNEL_NAME_ROOM, REQUEST_HISTORY);
}

/* Subscriptions do not expire here, so there is nothing to refresh. */
static void run_sub_refresh(struct client *client, const struct command *command)
{
    client_send_error(client, command->id,
                      client_is_subscribed(client, command->channel) ? PROTOCOL_BAD_REQUEST
                                                                     : PROTOCOL_PERMISSION_DENIED);
}

/* ---- dispatch ---- */

static bool needs_channel(enum command_kind kind)
{
    switch (kind) {
    case COMMAND_SUBSCRIBE:
    case COMMAND_UNSUBSCRIBE:
    case COMMAND_PUBLISH:
    case COMMAND_PRESENCE:
    case COMMAND_PRESENCE_STATS:
    case COMMAND_HISTORY:
    case COMMAND_SUB_REFRESH:
        return true;
    default:
        return false;
    }
}

static void run_connected(struct client *client, const struct command *command)
{
    switch (command->kind) {
    case COMMAND_PONG:
        client_take_pong(client);
        break;
    case COMMAND_SUBSCRIBE:
        run_subscribe(client, command);
        break;
    case COMMAND_UNSUBSCRIBE:
        run_unsubscribe(client, command);
        break;
    case COMMAND_PUBLISH:
        run_publish(client, command);
        break;
    case COMMAND_PRESENCE:
        run_for_subscriber(client, command, CHANNEL_NAME_LIVE, REQUEST_PRESENCE);
        break;
    case COMMAND_PRESENCE_STATS:
        run_for_subscriber(client, command, CHANNEL_NAME_LIVE, REQUEST_PRESENCE_STATS);
        break;
    case COMMAND_HISTORY:
        run_history(client, command);
        break;
    case COMMAND_RPC:
        ask_about(client, REQUEST_RPC, command);
        break;
    case COMMAND_SEND:
        client_close(client, DISCONNECT_NOT_AVAILABLE);
        break;
    case COMMAND_REFRESH:
        run_refresh(client, command);
        break;
    case COMMAND_SUB_REFRESH:
        run_sub_refresh(client, command);
        break;
    default: /* a second connect, the old client-to-server ping, an unknown command */
        bad_request(client);
    }
}

static bool on_command(void *context, const struct command *command)
{
    struct client *client = context;

    metrics_add(&client->loop->metrics, METRIC_COMMANDS, 1);
    if (command->kind == COMMAND_CONNECT)
        run_connect(client, command);
    else if (client->state != CLIENT_CONNECTED ||
             (needs_channel(command->kind) && command->channel.len == 0))
        bad_request(client);
    else
        run_connected(client, command);
    return client->state < CLIENT_CLOSING;
}

/* Up to the next newline; `lines` moves on behind it. */
static struct text next_line(struct text *lines)
{
    const char *end = memchr(lines->at, '\n', lines->len);
    const size_t len = end != NULL ? (size_t)(end - lines->at) : lines->len;
    const struct text line = text_of(lines->at, len);

    *lines = text_after(*lines, len + (end != NULL));
    return line;
}

void client_run_commands(struct client *client, struct text lines)
{
    while (lines.len > 0 && client->state < CLIENT_REFUSED && client->open == NULL)
        if (!protocol_read(next_line(&lines), on_command, client))
            bad_request(client);
    if (lines.len > 0 && client->open != NULL) {
        if (client->backlog.len > 0)
            buf_add_byte(&client->backlog, '\n');
        buf_add_text(&client->backlog, lines);
    }
}
