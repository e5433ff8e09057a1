#include "gateway/loop/client.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/log.h"
#include "gateway/channel_name.h"

static const struct disconnect TOO_MANY_REQUESTS = {3013, "too many requests"};

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

/* ---- states and deadlines ---- */

static int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t due_ms(const struct client *client)
{
    const struct settings *settings = client->loop->settings;
    const int64_t now_ms = loop_now_ms(client->loop);

    switch (client->state) {
    case CLIENT_NEW:
        return now_ms + settings->client.stale_close_ms;
    case CLIENT_CONNECTED:
        return client->expires_ms != 0 ? min_i64(client->ping_ms, client->expires_ms)
                                       : client->ping_ms;
    default:
        return now_ms + settings->client.close_ms;
    }
}

void client_arm(struct client *client)
{
    wheel_arm(&client->loop->wheel, &client->deadline, due_ms(client));
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

static void ping_or_lose(struct client *client, int64_t now_ms)
{
    if (client->awaits_pong) {
        metrics_add(&client->loop->metrics, METRIC_LOST_CLIENTS, 1);
        client_close(client, DISCONNECT_NO_PONG);
        return;
    }
    client_send(client, client->loop->ping);
    client->awaits_pong = true;
    client->ping_ms = now_ms + client->loop->settings->client.pong_timeout_s * 1000;
    client_arm(client);
}

void client_take_pong(struct client *client)
{
    const struct settings *settings = client->loop->settings;

    if (!client->awaits_pong) {
        client_close(client, DISCONNECT_BAD_REQUEST);
        return;
    }
    client->awaits_pong = false;
    client->ping_ms += (settings->client.ping_interval_s - settings->client.pong_timeout_s) * 1000;
    client_arm(client);
}

void client_on_deadline(void *context, struct wheel_node *node)
{
    struct client *client = container_of(node, struct client, deadline);
    const int64_t now_ms = loop_now_ms(client->loop);

    connection_shrink(&client->connection);
    if (client->state == CLIENT_NEW || client->state == CLIENT_CONNECTING)
        client_close(client, DISCONNECT_STALE);
    else if (client->state != CLIENT_CONNECTED)
        connection_finish(&client->connection);
    else if (client->expires_ms != 0 && client->expires_ms <= now_ms)
        client_close(client, DISCONNECT_EXPIRED);
    else
        ping_or_lose(client, now_ms);
}

/* ---- sending ---- */

void client_send(struct client *client, struct frame *frame)
{
    connection_send(&client->connection, frame);
}

void client_send_payload(struct client *client, struct buf *payload)
{
    struct frame *frame = frame_end(payload, WEBSOCKET_TEXT);

    client_send(client, frame);
    frame_unref(frame);
}

void client_send_error(struct client *client, uint32_t id, int code)
{
    struct buf payload = {0};

    metrics_add(&client->loop->metrics, METRIC_REPLIES_FAILED, 1);
    frame_begin(&payload);
    protocol_error(&payload, id, code, NULL, protocol_error_is_temporary(code));
    client_send_payload(client, &payload);
}

/* ---- the end ---- */

/* Others who look at a room learn that this one does not any more. */
static void leave_live(struct client *client)
{
    for (uint32_t i = 0; i < client->follower.count; i++) {
        const struct subscription *sub = &client->follower.subs[i];
        const struct text name = hub_channel_name(sub->channel);
        if ((sub->flags & HUB_FULL) != 0 && channel_name_kind(name) == CHANNEL_NAME_LIVE)
            loop_return(client->loop, &(struct returned){.channel = name,
                                                         .user = client_user(client),
                                                         .client = text(client->id)});
    }
}

static void leave(struct client *client)
{
    if (client->user != NULL)
        leave_live(client);
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
    leave(client);
    connection_close(&client->connection, why.code, why.reason, why.code == DISCONNECT_SLOW.code);
}

void client_on_ending(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);

    if (client->state >= CLIENT_CLOSING)
        return;
    client_enter(client, CLIENT_CLOSING);
    leave(client);
}

void client_refuse(struct client *client)
{
    metrics_add(&client->loop->metrics, METRIC_CONNECTS_REFUSED, 1);
    buf_fini(&client->backlog);
    client_enter(client, CLIENT_REFUSED);
}

void client_bury(struct client *client)
{
    LL_PREPEND(client->loop->dead, client);
}

void client_on_gone(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);
    struct loop *loop = client->loop;

    if (client->state < CLIENT_CLOSING)
        leave(client);
    client_enter(client, CLIENT_GONE);
    metrics_add(&loop->metrics, METRIC_CONNECTIONS_CLOSED, 1);
    DL_DELETE(loop->clients, client);
    loop->client_count--;
    if (client->open == NULL)
        client_bury(client);
}

void client_on_slow(struct connection *connection)
{
    struct client *client = container_of(connection, struct client, connection);

    metrics_add(&client->loop->metrics, METRIC_SLOW_CLIENTS, 1);
    client_close(client, DISCONNECT_SLOW);
}

/* ---- commands come ---- */

static void keep_for_later(struct client *client, struct text lines)
{
    if (client->backlog.len + lines.len >=
        (size_t)client->loop->settings->client.backlog_max_bytes) {
        client_close(client, TOO_MANY_REQUESTS);
        return;
    }
    if (client->backlog.len > 0)
        buf_add_byte(&client->backlog, '\n');
    buf_add_text(&client->backlog, lines);
}

void client_on_message(struct connection *connection, struct text message)
{
    struct client *client = container_of(connection, struct client, connection);

    if (message.len > 0 && message.at[message.len - 1] == '\n')
        message.len--;
    if (text_equal(message, TEXT("{}")) && client->state == CLIENT_CONNECTED)
        client_take_pong(client); /* at once, whatever else waits */
    else if (message.len == 0)
        client_close(client, DISCONNECT_BAD_REQUEST);
    else if (client->open != NULL)
        keep_for_later(client, message);
    else
        client_run_commands(client, message);
}

void client_resume(struct client *client)
{
    struct buf lines = client->backlog;

    client->backlog = (struct buf){0};
    if (lines.len > 0)
        client_run_commands(client, buf_text(&lines));
    buf_fini(&lines);
}

void client_create(struct loop *loop, h2o_socket_t *socket, size_t request_bytes)
{
    struct client *client = xcalloc(1, sizeof(*client));

    client->loop = loop;
    id_uuid(client->id);
    DL_APPEND(loop->clients, client);
    loop->client_count++;
    loop->unfree_count++;
    metrics_add(&loop->metrics, METRIC_CONNECTIONS_OPENED, 1);
    client_arm(client);
    connection_open(&client->connection, &loop->connections, socket, request_bytes);
}
