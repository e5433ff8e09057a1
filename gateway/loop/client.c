#include "gateway/loop/client.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/loop/crowd.h"
#include "gateway/loop/emulated.h"
#include "gateway/loop/expiry.h"
#include "gateway/loop/hooks.h"
#include "gateway/loop/rate.h"
#include "gateway/loop/subscribing.h"

/* Who may go where. Rows: from, columns: to, in the order of the enum. */
static const bool may_enter[][CLIENT_GONE + 1] = {
    [CLIENT_NEW] = {[CLIENT_CONNECTING] = true,
                    [CLIENT_REFUSED] = true,
                    [CLIENT_CLOSING] = true,
                    [CLIENT_GONE] = true},
    [CLIENT_CONNECTING] = {[CLIENT_CONNECTED] = true,
                           [CLIENT_REFUSED] = true,
                           [CLIENT_CLOSING] = true,
                           [CLIENT_GONE] = true},
    [CLIENT_CONNECTED] = {[CLIENT_CLOSING] = true, [CLIENT_GONE] = true},
    [CLIENT_REFUSED] = {[CLIENT_CLOSING] = true, [CLIENT_GONE] = true},
    [CLIENT_CLOSING] = {[CLIENT_GONE] = true},
    [CLIENT_GONE] = {false},
};

struct client_info client_info(const struct client *client)
{
    return (struct client_info){
        .user = client_user(client),
        .client = text(client->id),
        .conn_info = client->identity != NULL ? client->identity->token.info : (struct text){0},
    };
}

bool client_is_json(struct text payload)
{
    return payload.len == 0 || json_is_valid(payload);
}

bool client_info_is_json(const struct client_info *info)
{
    return client_is_json(info->conn_info) && client_is_json(info->chan_info);
}

bool client_can_take(const struct client *client, struct text payload)
{
    return client_codec(client)->type != PROTOCOL_JSON || client_is_json(payload);
}

/* ---- states and deadlines ---- */

/* The earlier of two; 0: never. */
static int64_t sooner(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

/* 0: nothing to wait for. */
static int64_t due_ms(const struct client *client)
{
    const struct settings *settings = client->loop->settings;
    const int64_t now_ms = loop_now_ms(client->loop);

    switch (client->state) {
    case CLIENT_NEW:
        return now_ms + settings->client.stale_close_ms;
    case CLIENT_CONNECTED:
        return sooner(sooner(client->ping_ms, client->expires_ms),
                      sooner(client->tick_ms, client->write_ms));
    default:
        return now_ms + settings->client.close_ms;
    }
}

void client_arm(struct client *client)
{
    const int64_t due = due_ms(client);

    if (due != 0)
        wheel_arm(&client->loop->wheel, &client->deadline, due);
    else
        wheel_disarm(&client->deadline);
}

void client_enter(struct client *client, enum client_state state)
{
    CHECK(may_enter[client->state][state]);
    client->state = state;
    if (state == CLIENT_GONE)
        wheel_disarm(&client->deadline);
    else if (state != CLIENT_CONNECTING) /* the deadline of the new one goes on */
        client_arm(client);
}

/* Unidirectional clients cannot answer. */
static bool must_answer_pings(const struct client *client)
{
    return !client_codec(client)->unidirectional &&
           client->loop->settings->client.pong_timeout_ms > 0;
}

static void send_ping(struct client *client)
{
    struct loop *loop = client->loop;

    client_send(client, client->native_ping ? loop->native_ping
                                            : loop->pings[client->connection.format]);
}

static void ping_or_lose(struct client *client, int64_t now_ms)
{
    const struct settings *settings = client->loop->settings;

    if (client->awaits_pong) {
        metrics_add(&client->loop->metrics, METRIC_LOST_CLIENTS, 1);
        client_close(client, DISCONNECT_NO_PONG);
        return;
    }
    send_ping(client);
    client->awaits_pong = must_answer_pings(client);
    client->ping_ms = now_ms + (client->awaits_pong ? settings->client.pong_timeout_ms
                                                    : settings->client.ping_interval_ms);
    client_arm(client);
}

static void pong_came(struct client *client)
{
    const struct settings *settings = client->loop->settings;

    client->awaits_pong = false;
    client->ping_ms += settings->client.ping_interval_ms - settings->client.pong_timeout_ms;
    client_arm(client);
}

/* A pong that nobody waits for is a broken client. */
void client_take_pong(struct client *client)
{
    if (client->awaits_pong && !client->native_ping)
        pong_came(client);
    else
        client_close_bad(client);
}

/* RFC 6455 5.5.3: a WebSocket's pong may come unasked. */
void client_on_pong(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);

    if (client->awaits_pong && client->native_ping)
        pong_came(client);
}

static void on_connected_deadline(struct client *client)
{
    const int64_t now_ms = loop_now_ms(client->loop);

    if (client->write_ms != 0 && client->write_ms <= now_ms) {
        metrics_add(&client->loop->metrics, METRIC_SLOW_CLIENTS, 1);
        connection_finish(&client->connection);
    } else if (client->expires_ms != 0 && client->expires_ms <= now_ms) {
        expiry_client(client);
    } else if (client->tick_ms != 0 && client->tick_ms <= now_ms) {
        expiry_subscriptions(client);
    } else if (client->ping_ms != 0 && client->ping_ms <= now_ms) {
        ping_or_lose(client, now_ms);
    } else {
        client_arm(client); /* the wheel is coarse */
    }
}

void client_on_deadline(void *context, struct wheel_node *node)
{
    struct client *client = container_of(node, struct client, deadline);

    connection_shrink(&client->connection);
    if (client->state == CLIENT_CONNECTED)
        on_connected_deadline(client);
    else if (client->state == CLIENT_NEW || client->state == CLIENT_CONNECTING)
        client_close(client, DISCONNECT_STALE);
    else
        connection_finish(&client->connection);
}

void client_on_blocked(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);
    const int64_t patience_ms = client->loop->settings->websocket.write_timeout_ms;

    client->write_ms =
        connection->blocked && patience_ms > 0 ? loop_now_ms(client->loop) + patience_ms : 0;
    if (client->state == CLIENT_CONNECTED)
        client_arm(client);
}

/* ---- sending ---- */

void client_send(struct client *client, struct frame *frame)
{
    connection_send(&client->connection, frame);
}

void client_send_message(struct client *client, struct buf *out)
{
    struct frame *frame = frame_end(out, (enum format)client->connection.format);

    client_send(client, frame);
    frame_unref(frame);
}

void client_send_failure(struct client *client, uint32_t id, int code, struct text message,
                         bool temporary)
{
    struct buf out = {0};

    metrics_add(&client->loop->metrics, METRIC_REPLIES_FAILED, 1);
    metrics_error(&client->loop->metrics, code);
    frame_begin(&out);
    client_codec(client)->error(&out, id, code, message, temporary);
    client_send_message(client, &out);
}

void client_send_error(struct client *client, uint32_t id, int code)
{
    client_send_failure(client, id, code, (struct text){0}, protocol_error_is_temporary(code));
}

/* ---- the end ---- */

/* The last one of its user here. */
static void leave_for_good(struct client *client)
{
    const struct text user = client_user(client);

    client->loop->user_count--;
    if (user.len > 0 && client->connected_s != 0)
        seen_note(&client->loop->seen, user, clock_wall_us() / 1000000);
}

/* Its subscriptions first: whoever hears of both hears it in this order. */
static void leave(struct client *client, struct disconnect why)
{
    /* Its place among the user's connections is no subscription of its own. */
    metrics_add(&client->loop->metrics, METRIC_SUBSCRIPTIONS_ENDED,
                client->follower.full_count - (client->user != NULL));
    if (client->user != NULL)
        subscribing_leave_all(client);
    if (client->user != NULL && client->connected_s != 0)
        hooks_disconnected(client, why.code, why.reason);
    if (client->member != NULL)
        crowd_leave(client->loop->shared->crowd, client->member, loop_now_ms(client->loop));
    client->member = NULL;
    if (client->user != NULL && client->user->full.count == 1)
        leave_for_good(client);
    client->user = NULL;
    hub_leave_all(client->loop->hub, &client->follower);
    buf_fini(&client->backlog);
}

void client_close(struct client *client, struct disconnect why)
{
    if (client->state >= CLIENT_CLOSING)
        return; /* several may have reasons */
    log_debug("client %s: closed with %d %s", client->id, why.code, why.reason);
    client_enter(client, CLIENT_CLOSING);
    leave(client, why);
    connection_close(&client->connection, why.code, why.reason,
                     why.code == DISCONNECT_SLOW.code || why.code == DISCONNECT_CLOSED.code);
}

void client_close_bad(struct client *client)
{
    metrics_add(&client->loop->metrics, METRIC_BAD_COMMANDS, 1);
    client_close(client, DISCONNECT_BAD_REQUEST);
}

void client_on_ending(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);

    if (client->state >= CLIENT_CLOSING)
        return;
    client_enter(client, CLIENT_CLOSING);
    leave(client, DISCONNECT_CLOSED);
}

void client_refuse(struct client *client)
{
    metrics_add(&client->loop->metrics, METRIC_CONNECTS_REFUSED, 1);
    client_answered(client);
    leave(client, DISCONNECT_CLOSED); /* what it was in already */
    connection_drop_held(&client->connection);
    client_enter(client, CLIENT_REFUSED);
}

/* Its memory goes at the end of the turn. */
static void bury(struct client *client)
{
    identity_destroy(client->identity);
    client->identity = NULL;
    rate_destroy(client->rate);
    LL_PREPEND(client->loop->dead, client);
}

void client_hold(struct client *client)
{
    client->open++;
}

bool client_release(struct client *client)
{
    CHECK(client->open > 0);
    client->open--;
    if (client->state == CLIENT_GONE && client->open == 0)
        bury(client);
    return client->state < CLIENT_CLOSING;
}

void client_on_gone(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);
    struct loop *loop = client->loop;

    if (client->state < CLIENT_CLOSING)
        leave(client, DISCONNECT_CLOSED);
    client_enter(client, CLIENT_GONE);
    emulated_forget(client);
    metrics_add(&loop->metrics, METRIC_CONNECTIONS_CLOSED, 1);
    metrics_traffic(&loop->metrics, connection->format, TRAFFIC_CLOSED, 1);
    DL_DELETE(loop->clients, client);
    loop->client_count--;
    if (client->open == 0)
        bury(client);
}

void client_on_slow(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);

    metrics_add(&client->loop->metrics, METRIC_SLOW_CLIENTS, 1);
    client_close(client, DISCONNECT_SLOW);
}

void client_on_unfit(struct connection *connection)
{
    client_close(container_of(connection, struct client, connection),
                 DISCONNECT_INAPPROPRIATE_PROTOCOL);
}

/* ---- commands come ---- */

static void keep_for_later(struct client *client, struct text bytes)
{
    const bool is_json = client_codec(client)->type == PROTOCOL_JSON;

    if (client->backlog.len + bytes.len >=
        (size_t)client->loop->settings->client.backlog_max_bytes) {
        client_close(client, DISCONNECT_TOO_MANY_REQUESTS);
        return;
    }
    if (client->backlog.len == 0)
        client->backlog_us = client_clock_us();
    if (client->backlog.len > 0 && is_json)
        buf_add_byte(&client->backlog, '\n');
    buf_add_text(&client->backlog, bytes);
}

void client_on_message(struct connection *connection, struct text message)
{
    struct client *client = container_of(connection, struct client, connection);

    if (client->state == CLIENT_REFUSED)
        client_close_bad(client); /* it was to close by itself */
    /* A pong counts at once, whatever else waits. */
    else if (text_equal(message, client_codec(client)->ping) && client->state == CLIENT_CONNECTED)
        client_take_pong(client);
    else if (message.len == 0)
        client_close_bad(client);
    else if (client->busy)
        keep_for_later(client, message);
    else
        client_run_commands(client, message, client_clock_us());
}

void client_resume(struct client *client)
{
    struct buf bytes = client->backlog;

    client_answered(client);
    client->busy = false;
    client->backlog = (struct buf){0};
    if (bytes.len > 0)
        client_run_commands(client, buf_text(&bytes), client->backlog_us);
    buf_fini(&bytes);
}

/* ---- the beginning ---- */

/* What is in the arrival and will be wanted later. */
static void keep_arrival(struct client *client, struct arrival *arrival)
{
    struct identity *identity;

    if (arrival->header_count == 0 && !FORMATS[arrival->format].is_emulated)
        return;
    identity = client->identity = identity_create();
    identity->arena = arrival->arena; /* taken */
    arrival->arena = (struct arena){0};
    identity->headers = arrival->headers;
    identity->header_count = arrival->header_count;
    if (FORMATS[arrival->format].is_emulated)
        emulated_remember(client);
}

static void send_preface(struct client *client, struct text preface)
{
    struct frame *frame;

    if (preface.len == 0)
        return;
    frame = frame_raw(preface);
    client_send(client, frame);
    frame_unref(frame);
}

void client_create(struct arrival *arrival, h2o_socket_t *socket, size_t request_bytes)
{
    struct loop *loop = arrival->loop;
    struct client *client = xcalloc(1, sizeof(*client));
    struct connection *connection = &client->connection;

    client->loop = loop;
    id_uuid(client->id);
    client->native_ping = arrival->native_ping;
    connection->transport = arrival->transport;
    connection->format = (uint8_t)arrival->format;
    websocket_reader_init(&connection->reader,
                          (size_t)loop->settings->websocket.message_size_limit);
    connection->reader.deflate = FORMATS[arrival->format].is_deflated;
    DL_APPEND(loop->clients, client);
    loop->client_count++;
    loop->unfree_count++;
    metrics_add(&loop->metrics, METRIC_CONNECTIONS_OPENED, 1);
    metrics_traffic(&loop->metrics, connection->format, TRAFFIC_OPENED, 1);
    client_arm(client);
    keep_arrival(client, arrival);
    connection_open(connection, &loop->connections, socket, request_bytes);
    send_preface(client, arrival->preface);
    if (arrival->first.len > 0)
        connection_pass(connection, buf_text(&arrival->first));
    arrival_destroy(arrival);
}
