/*
 * What a client asks. Commands run one at a time, in order: one that asks others ends the run, and
 * what is behind it waits in the backlog until the answer is here. JavaScript clients send connect
 * and all their subscribes in one frame.
 */
#include "gateway/loop/client.h"

#include <stdlib.h>

#include "base/json.h"
#include "gateway/channel_name.h"
#include "gateway/channels/namespaces.h"
#include "gateway/channels/permissions.h"
#include "gateway/loop/connecting.h"
#include "gateway/loop/crowd.h"
#include "gateway/loop/expiry.h"
#include "gateway/loop/proxying.h"
#include "gateway/loop/rate.h"
#include "gateway/loop/subscribing.h"

/* ---- answers of the broker ---- */

/* A command's answer that needs nothing but a reply, which `write` makes of it. */
typedef void (*write_fn)(const struct codec *codec, struct buf *out, const struct request *request);

static void answer(struct request *request, write_fn write)
{
    struct client *client = request->client;
    struct buf out = {0};

    if (client_release(client)) {
        switch (request->outcome) {
        case REQUEST_DONE:
            frame_begin(&out);
            write(client_codec(client), &out, request);
            client_send_message(client, &out);
            break;
        case REQUEST_FAILED:
            client_send_failure(client, request->id, request->error, text(request->message),
                                request->temporary);
            break;
        case REQUEST_DISCONNECT:
            client_close(client, (struct disconnect){request->error, request->message});
            break;
        }
        if (client->state < CLIENT_CLOSING)
            client_resume(client);
    }
    request_destroy(request);
}

static struct request *about(struct client *client, enum request_kind kind,
                             const struct command *command,
                             void (*done)(struct loop *loop, struct request *request))
{
    struct request *request = client_request(client, kind, done);

    request->id = command->id;
    request->channel = request_keep(request, command->channel);
    request->data = request_keep(request, command->data);
    request->method = request_keep(request, command->method);
    return request;
}

/* ---- unsubscribe ---- */

static void reply_empty(struct client *client, const struct command *command)
{
    struct buf out = {0};

    frame_begin(&out);
    client_codec(client)->empty(&out, command->id, command->kind);
    client_send_message(client, &out);
}

static void run_unsubscribe(struct client *client, const struct command *command)
{
    const struct hub_channel *channel = hub_find(client->loop->hub, command->channel);

    if (channel != client->user) /* its place among the user's connections is not its choice */
        subscribing_end(client, command->channel, 0, (struct text){0});
    reply_empty(client, command);
}

/* ---- publish ---- */

/* What goes to `live:` is not stored and not checked by anybody else: its members are known here.
 */
static bool may_publish_live(const struct client *client, struct text name)
{
    return client_is_member(client, name) || client_is_subscribed(client, name);
}

static void write_published(const struct codec *codec, struct buf *out,
                            const struct request *request)
{
    codec->empty(out, request->id, COMMAND_PUBLISH);
}

static void on_published(struct loop *loop, struct request *request)
{
    answer(request, write_published);
}

static void publish_product(struct client *client, const struct command *command)
{
    const enum channel_name_kind kind = channel_name_kind(command->channel);

    if (command->data.len == 0 || command->channel.len > CHANNEL_NAME_MAX)
        client_send_error(client, command->id, PROTOCOL_BAD_REQUEST);
    else if (client_codec(client)->type != PROTOCOL_JSON && !client_is_json(command->data))
        client_send_error(client, command->id, PROTOCOL_BAD_REQUEST);
    else if (kind == CHANNEL_NAME_ROOM ||
             (kind == CHANNEL_NAME_LIVE && may_publish_live(client, command->channel)))
        client_ask(client, about(client, REQUEST_PUBLISH, command, on_published));
    else
        client_send_error(client, command->id, PROTOCOL_PERMISSION_DENIED);
}

static struct text chan_info_of(const struct client *client, struct text channel)
{
    const struct subscription *sub = client_subscription(client, channel);

    return sub != NULL && sub->extra != NULL ? sub->extra->info : (struct text){0};
}

static struct request *make_publish(struct client *client, const struct namespace *namespace,
                                    const struct command *command)
{
    struct request *request = about(client, REQUEST_PUBLISH, command, on_published);
    struct client_info info = client_info(client);

    info.chan_info = chan_info_of(client, command->channel);
    request_keep_info(request, &info);
    request->namespace = namespace;
    request->is_json = client_codec(client)->type == PROTOCOL_JSON;
    return request;
}

/* What the back end says of a publication, before it goes on. */
static void apply_publish(struct request *request, const struct proxy_answer *answer)
{
    struct tag *tags = arena_alloc(&request->arena, answer->tag_count * sizeof(*tags));

    if (answer->data.bytes.len > 0) {
        request->data = proxying_payload(&request->arena, &answer->data);
        request->is_json = !answer->data.is_binary;
    }
    request->skip_history = answer->skip_history;
    request->delta = answer->delta;
    request->version = answer->version;
    request->version_epoch = request_keep(request, answer->version_epoch);
    request->idempotency_key = request_keep(request, answer->idempotency_key);
    for (size_t i = 0; i < answer->tag_count; i++)
        tags[i] = (struct tag){request_keep(request, answer->tags[i].key),
                               request_keep(request, answer->tags[i].value)};
    request->tags = tags;
    request->tag_count = answer->tag_count;
}

/* A question of the client's that the proxy has answered otherwise than with a result. */
static void fail_by_proxy(struct request *request, const struct proxy_answer *answer)
{
    if (answer->outcome == PROXY_ERROR)
        request_fail(request, answer->code, answer->message, answer->temporary);
    else if (answer->outcome == PROXY_DISCONNECT)
        request_disconnect(request, answer->code, answer->message);
    else
        request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
}

/* Asks; `request` waits for the answer. The client is held, and its other commands wait. */
static void ask_proxy(struct request *request, struct proxy *proxy,
                      struct proxy_question *question, proxy_done_fn done)
{
    struct client *client = request->client;

    client->busy = true;
    client_hold(client);
    if (proxying_ask(client, proxy, question, done, request))
        return;
    request_fail(request, PROTOCOL_INTERNAL, (struct text){0}, true);
    request->done(client->loop, request);
}

static void on_publish_judged(void *context, struct proxy_answer *answer_of_proxy)
{
    struct request *request = context;
    struct client *client = request->client;

    if (answer_of_proxy->outcome == PROXY_RESULT && client->state < CLIENT_CLOSING) {
        apply_publish(request, answer_of_proxy);
        client_release(client);
        if (!client_ask(client, request))
            client_resume(client);
    } else {
        fail_by_proxy(request, answer_of_proxy);
        request->done(client->loop, request);
    }
    proxy_answer_destroy(answer_of_proxy);
}

static void publish_by_proxy(struct client *client, const struct namespace *namespace,
                             const struct command *command)
{
    struct proxy_question question = {
        .kind = PROXY_PUBLISH,
        .channel = command->channel,
        .data = command->data,
    };

    ask_proxy(make_publish(client, namespace, command),
              proxying_find(client->loop, PROXY_PUBLISH, namespace->publish_proxy_name), &question,
              on_publish_judged);
}

static void run_publish(struct client *client, const struct command *command)
{
    const struct settings *settings = client->loop->settings;
    const struct namespace *namespace;
    struct person person;
    int error;

    if (loop_is_product(client->loop, command->channel)) {
        publish_product(client, command);
        return;
    }
    if ((namespace = namespace_find(settings, command->channel)) == NULL) {
        client_send_error(client, command->id, PROTOCOL_UNKNOWN_CHANNEL);
        return;
    }
    if ((error = channel_check_name(settings, namespace, command->channel)) != 0 ||
        (error = channel_check_data(namespace, command->data,
                                    client_codec(client)->type == PROTOCOL_JSON)) != 0) {
        client_send_error(client, command->id, error);
        return;
    }
    person = client_person(client, command->channel);
    switch (permission_publish(settings, namespace, command->channel, &person)) {
    case ACCESS_GRANTED:
        client_ask(client, make_publish(client, namespace, command));
        break;
    case ACCESS_ASK_PROXY:
        publish_by_proxy(client, namespace, command);
        break;
    case ACCESS_DENIED:
        client_send_error(client, command->id, PROTOCOL_PERMISSION_DENIED);
        break;
    }
}

/* ---- presence and history ---- */

static void refuse_unfit(struct request *request)
{
    request_disconnect(request, DISCONNECT_INAPPROPRIATE_PROTOCOL.code,
                       text(DISCONNECT_INAPPROPRIATE_PROTOCOL.reason));
}

static void write_presence(const struct codec *codec, struct buf *out,
                           const struct request *request)
{
    codec->presence(out, request->id, request->entries, request->entry_count);
}

static void on_presence(struct loop *loop, struct request *request)
{
    const bool is_json = client_codec(request->client)->type == PROTOCOL_JSON;

    for (size_t i = 0; is_json && i < request->entry_count; i++)
        if (!client_info_is_json(&request->entries[i])) {
            refuse_unfit(request);
            break;
        }
    answer(request, write_presence);
}

static void write_presence_stats(const struct codec *codec, struct buf *out,
                                 const struct request *request)
{
    codec->presence_stats(out, request->id, request->client_count, request->user_count);
}

static void on_presence_stats(struct loop *loop, struct request *request)
{
    answer(request, write_presence_stats);
}

/* Presence of `live:`, history of `room:`; both are for subscribers. */
static int check_product_access(const struct client *client, struct text channel,
                                enum channel_name_kind kind)
{
    if (channel_name_kind(channel) != kind)
        return PROTOCOL_NOT_AVAILABLE;
    return client_is_subscribed(client, channel) ? 0 : PROTOCOL_PERMISSION_DENIED;
}

/* 0, or the error; `*namespace` NULL: the product's own. */
static int check_access(const struct client *client, struct text channel,
                        enum channel_name_kind product_kind,
                        enum access (*permission)(const struct settings *,
                                                  const struct namespace *, struct text,
                                                  const struct person *),
                        const struct namespace **namespace)
{
    const struct settings *settings = client->loop->settings;
    struct person person;

    *namespace = NULL;
    if (loop_is_product(client->loop, channel))
        return check_product_access(client, channel, product_kind);
    *namespace = namespace_find(settings, channel);
    if (*namespace == NULL)
        return PROTOCOL_UNKNOWN_CHANNEL;
    person = client_person(client, channel);
    if (permission(settings, *namespace, channel, &person) != ACCESS_GRANTED)
        return PROTOCOL_PERMISSION_DENIED;
    return 0;
}

static void run_presence(struct client *client, const struct command *command)
{
    const bool all = command->kind == COMMAND_PRESENCE;
    const struct namespace *namespace;
    struct request *request;
    int error = check_access(client, command->channel, CHANNEL_NAME_LIVE, permission_presence,
                             &namespace);

    if (error == 0 && namespace != NULL && !namespace->presence)
        error = PROTOCOL_NOT_AVAILABLE;
    if (error != 0) {
        client_send_error(client, command->id, error);
        return;
    }
    request = all ? about(client, REQUEST_PRESENCE, command, on_presence)
                  : about(client, REQUEST_PRESENCE_STATS, command, on_presence_stats);
    request->namespace = namespace;
    /* A connection that gets more than its queue takes would be closed as slow. */
    request->bytes_max = (size_t)client->loop->settings->client.queue_max_bytes / 2;
    client_ask(client, request);
}

static void write_history(const struct codec *codec, struct buf *out, const struct request *request)
{
    struct publication *items = xcalloc(request->publication_count + 1, sizeof(*items));

    for (size_t i = 0; i < request->publication_count; i++)
        items[i] = parcel_publication(request->publications[i], SHAPE_PLAIN);
    codec->history(out, request->id, items, request->publication_count, request->position,
                   request->position_epoch);
    free(items);
}

static void on_history(struct loop *loop, struct request *request)
{
    struct client *client = request->client;

    for (size_t i = 0; i < request->publication_count; i++)
        if (!parcel_may_go_to(request->publications[i], (enum format)client->connection.format)) {
            refuse_unfit(request);
            break;
        }
    if (request->outcome == REQUEST_DONE && request->namespace == NULL &&
        client->state < CLIENT_CLOSING && !client_is_subscribed(client, request->channel))
        request_fail(request, PROTOCOL_PERMISSION_DENIED, (struct text){0}, false); /* removed meanwhile */
    answer(request, write_history);
}

static void run_history(struct client *client, const struct command *command)
{
    const struct namespace *namespace;
    struct request *request;
    int error = check_access(client, command->channel, CHANNEL_NAME_ROOM, permission_history,
                             &namespace);

    if (error == 0 && namespace != NULL && namespace->history_size == 0)
        error = PROTOCOL_NOT_AVAILABLE;
    if (error == 0 && command->reverse && command->has_since && command->offset == 0)
        error = PROTOCOL_BAD_REQUEST;
    if (error != 0) {
        client_send_error(client, command->id, error);
        return;
    }
    request = about(client, REQUEST_HISTORY, command, on_history);
    request->namespace = namespace;
    request->epoch = request_keep(request, command->epoch);
    request->offset = command->offset;
    request->limit = command->limit;
    request->has_since = command->has_since;
    request->reverse = command->reverse;
    client_ask(client, request);
}

/* ---- rpc ---- */

static void write_rpc(const struct codec *codec, struct buf *out, const struct request *request)
{
    codec->rpc(out, request->id, request->told);
}

static void on_rpc(struct loop *loop, struct request *request)
{
    answer(request, write_rpc);
}

static void on_rpc_answered(void *context, struct proxy_answer *told)
{
    struct request *request = context;

    if (told->outcome == PROXY_RESULT) {
        request->outcome = REQUEST_DONE;
        request->told = proxying_payload(&request->arena, &told->data);
        if (told->data.is_binary && !client_can_take(request->client, request->told))
            refuse_unfit(request);
    } else {
        fail_by_proxy(request, told);
    }
    proxy_answer_destroy(told);
    request->done(request->client->loop, request);
}

/* A method that the operator has a back end for; on the bus the product's API has the others. */
static void run_rpc(struct client *client, const struct command *command)
{
    struct proxy_question question = {
        .kind = PROXY_RPC,
        .method = command->method,
        .data = command->data,
    };
    int error;
    struct proxy *proxy = proxying_find_rpc(client->loop, command->method, &error);

    if (proxy != NULL)
        ask_proxy(about(client, REQUEST_RPC, command, on_rpc), proxy, &question, on_rpc_answered);
    else if (loop_is_on_bus(client->loop))
        client_ask(client, about(client, REQUEST_RPC, command, on_rpc));
    else
        client_send_error(client, command->id, error);
}

/* ---- dispatch ---- */

static void run_send(struct client *client, const struct command *command)
{
    client_close(client, DISCONNECT_NOT_AVAILABLE); /* nobody takes messages without an answer */
}

static void run_pong(struct client *client, const struct command *command)
{
    client_take_pong(client);
}

static const struct {
    void (*run)(struct client *client, const struct command *command);
    bool needs_channel;
} runs[COMMAND_KIND_COUNT] = {
    /* A second connect, the old client-to-server ping and what is unknown are not here: 3501. */
    [COMMAND_PONG] = {run_pong, false},
    [COMMAND_SUBSCRIBE] = {subscribing_run_command, true},
    [COMMAND_UNSUBSCRIBE] = {run_unsubscribe, true},
    [COMMAND_PUBLISH] = {run_publish, true},
    [COMMAND_PRESENCE] = {run_presence, true},
    [COMMAND_PRESENCE_STATS] = {run_presence, true},
    [COMMAND_HISTORY] = {run_history, true},
    [COMMAND_RPC] = {run_rpc, false},
    [COMMAND_SEND] = {run_send, false},
    [COMMAND_REFRESH] = {expiry_run_refresh, false},
    [COMMAND_SUB_REFRESH] = {expiry_run_sub_refresh, false}, /* its token may tell the channel */
};

/* A user's connections share a limit, and each has its own. */
static bool passes_rates(const struct client *client, const struct command *command)
{
    const struct settings *settings = client->loop->settings;
    const int64_t now_ms = loop_now_ms(client->loop);

    return command->kind == COMMAND_PONG ||
           (rate_passes(client->rate, &settings->client.client_rate, command->kind, now_ms) &&
            (client->member == NULL ||
             crowd_passes(client->loop->shared->crowd, client->member, command->kind, now_ms)));
}

static void run_command(struct client *client, const struct command *command)
{
    if (command->kind == COMMAND_CONNECT && client->state == CLIENT_NEW)
        connecting_run(client, command);
    else if (client->state != CLIENT_CONNECTED || runs[command->kind].run == NULL ||
             (runs[command->kind].needs_channel && command->channel.len == 0))
        client_close_bad(client);
    else if (!passes_rates(client, command))
        client_send_error(client, command->id, PROTOCOL_TOO_MANY_REQUESTS);
    else
        runs[command->kind].run(client, command);
}

void client_answered(struct client *client)
{
    const enum command_kind kind = client->command;

    client->command = 0;
    if (kind != 0)
        metrics_command(&client->loop->metrics, kind, client_clock_us() - client->arrived_us);
}

static void on_command(void *context, const struct command *command)
{
    struct client *client = context;

    metrics_add(&client->loop->metrics, METRIC_COMMANDS, 1);
    client->command = (uint8_t)command->kind;
    run_command(client, command);
    if (!client->busy && client->state < CLIENT_CLOSING)
        client_answered(client);
}

/* All that a unidirectional client ever says is who it is. */
static void run_unidirectional(struct client *client, struct text bytes)
{
    if (client->state == CLIENT_NEW && !command_read_connect(bytes, on_command, client))
        client_close_bad(client);
}

static void keep_rest(struct client *client, struct text bytes)
{
    if (client->backlog.len > 0 && client_codec(client)->type == PROTOCOL_JSON)
        buf_add_byte(&client->backlog, '\n');
    buf_add_text(&client->backlog, bytes);
}

void client_run_commands(struct client *client, struct text bytes, uint32_t arrived_us)
{
    const enum protocol_type type = client_codec(client)->type;
    struct text command;

    client->arrived_us = arrived_us;
    if (client_codec(client)->unidirectional) {
        run_unidirectional(client, bytes);
        return;
    }
    while (bytes.len > 0 && client->state < CLIENT_REFUSED && !client->busy)
        if (!command_cut(type, &bytes, &command) || !command_read(type, command, on_command, client))
            client_close_bad(client);
    if (bytes.len > 0 && client->busy && client->state < CLIENT_REFUSED) {
        client->backlog_us = arrived_us; /* nothing else can be there yet */
        keep_rest(client, bytes);
    }
}
