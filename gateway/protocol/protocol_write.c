/*
 * Replies and pushes out. Members stand in the order of the protocol's worked exchanges, and a zero
 * value is left out where the public server leaves it out: clients compare neither, people do.
 */
#include "gateway/protocol/protocol.h"

/* ---- members ---- */

static void key_text_given(struct json_out *json, const char *name, struct text value)
{
    if (value.len > 0)
        json_key_text(json, name, value);
}

static void key_number_given(struct json_out *json, const char *name, int64_t value)
{
    if (value != 0)
        json_key_i64(json, name, value);
}

static void key_true(struct json_out *json, const char *name, bool value)
{
    if (value)
        json_key_bool(json, name, true);
}

/* JSON of others. A newline would end the reply for the client, and valid JSON has it between
 * tokens only. */
static void key_raw_given(struct json_out *json, const char *name, struct text value)
{
    if (value.len == 0)
        return;
    if (memchr(value.at, '\n', value.len) == NULL && memchr(value.at, '\r', value.len) == NULL) {
        json_key_raw(json, name, value);
        return;
    }
    struct buf minified = {0};
    protocol_minify(&minified, value);
    json_key_raw(json, name, buf_text(&minified));
    buf_fini(&minified);
}

/* The Python client looks for `ttl` wherever something expires, so it is never left out there. */
static void key_expiry(struct json_out *json, bool expires, uint32_t ttl)
{
    if (!expires)
        return;
    json_key_bool(json, "expires", true);
    json_key_i64(json, "ttl", ttl > 0 ? ttl : 1);
}

static void add_publication(struct json_out *json, const struct publication *publication)
{
    json_open(json, '{');
    key_raw_given(json, "data", publication->data);
    key_raw_given(json, "info", publication->info);
    key_number_given(json, "offset", (int64_t)publication->offset);
    if (publication->offset == 1) /* for a client that subscribed before there was an epoch */
        key_text_given(json, "epoch", publication->epoch);
    json_close(json, '}');
}

static void key_publications(struct json_out *json, const struct publication *publications,
                             size_t count)
{
    json_key(json, "publications");
    json_open(json, '[');
    for (size_t i = 0; i < count; i++)
        add_publication(json, &publications[i]);
    json_close(json, ']');
}

static void add_subscribe_members(struct json_out *json, const struct subscribe_result *result)
{
    key_expiry(json, result->expires, result->ttl);
    key_true(json, "recoverable", result->recoverable);
    key_true(json, "positioned", result->positioned);
    key_text_given(json, "epoch", result->epoch);
    key_number_given(json, "offset", (int64_t)result->offset);
    key_true(json, "was_recovering", result->was_recovering);
    key_true(json, "recovered", result->recovered);
    if (result->publication_count > 0)
        key_publications(json, result->publications, result->publication_count);
    key_raw_given(json, "data", result->data);
}

/* ---- replies ---- */

/* {"id":3,"member":{ */
static struct json_out open_reply(struct buf *out, uint32_t id, const char *member)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    key_number_given(&json, "id", id);
    json_key(&json, member);
    json_open(&json, '{');
    return json;
}

static void close_reply(struct json_out *json)
{
    json_close(json, '}');
    json_close(json, '}');
}

void protocol_connect(struct buf *out, uint32_t id, const struct connect_result *result)
{
    struct json_out json = open_reply(out, id, "connect");
    json_key_text(&json, "client", result->client);
    key_text_given(&json, "version", result->version);
    key_expiry(&json, result->expires, result->ttl);
    key_raw_given(&json, "data", result->data);
    key_raw_given(&json, "subs", result->subs);
    key_number_given(&json, "ping", result->ping);
    key_true(&json, "pong", result->pong);
    key_text_given(&json, "session", result->session);
    key_text_given(&json, "node", result->node);
    key_number_given(&json, "time", result->time_ms);
    close_reply(&json);
}

void protocol_subscribe(struct buf *out, uint32_t id, const struct subscribe_result *result)
{
    struct json_out json = open_reply(out, id, "subscribe");
    add_subscribe_members(&json, result);
    close_reply(&json);
}

void protocol_subscribe_object(struct buf *out, const struct subscribe_result *result)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    add_subscribe_members(&json, result);
    json_close(&json, '}');
}

void protocol_error(struct buf *out, uint32_t id, int code, const char *message, bool temporary)
{
    struct json_out json = open_reply(out, id, "error");
    if (message == NULL || message[0] == '\0')
        message = protocol_error_message(code);
    json_key_i64(&json, "code", code);
    json_key_text(&json, "message", text(message));
    key_true(&json, "temporary", temporary);
    close_reply(&json);
}

void protocol_empty(struct buf *out, uint32_t id, const char *member)
{
    struct json_out json = open_reply(out, id, member);
    close_reply(&json);
}

void protocol_rpc(struct buf *out, uint32_t id, struct text data)
{
    struct json_out json = open_reply(out, id, "rpc");
    key_raw_given(&json, "data", data);
    close_reply(&json);
}

void protocol_refresh(struct buf *out, uint32_t id, bool expires, uint32_t ttl)
{
    struct json_out json = open_reply(out, id, "refresh");
    key_expiry(&json, expires, ttl);
    close_reply(&json);
}

void protocol_presence(struct buf *out, uint32_t id, struct text entries)
{
    struct json_out json = open_reply(out, id, "presence");
    key_raw_given(&json, "presence", entries.len > 0 ? entries : TEXT("{}"));
    close_reply(&json);
}

void protocol_presence_stats(struct buf *out, uint32_t id, uint32_t clients, uint32_t users)
{
    struct json_out json = open_reply(out, id, "presence_stats");
    json_key_i64(&json, "num_clients", clients);
    json_key_i64(&json, "num_users", users);
    close_reply(&json);
}

void protocol_history(struct buf *out, uint32_t id, const struct publication *publications,
                      size_t count, uint64_t offset, struct text epoch)
{
    struct json_out json = open_reply(out, id, "history");
    key_publications(&json, publications, count); /* these three also when empty or zero */
    json_key_text(&json, "epoch", epoch);
    json_key_i64(&json, "offset", (int64_t)offset);
    close_reply(&json);
}

void protocol_client_info(struct buf *out, struct text user, struct text client,
                          struct text conn_info)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    json_key_text(&json, "user", user); /* these two also when empty */
    json_key_text(&json, "client", client);
    key_raw_given(&json, "conn_info", conn_info);
    json_close(&json, '}');
}

/* ---- pushes ---- */

/* {"push":{"channel":"room:7","member": */
static struct json_out open_push(struct buf *out, struct text channel, const char *member)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    json_key(&json, "push");
    json_open(&json, '{');
    json_key_text(&json, "channel", channel);
    json_key(&json, member);
    return json;
}

static void close_push(struct json_out *json)
{
    json_close(json, '}');
    json_close(json, '}');
}

void protocol_push_publication(struct buf *out, struct text channel,
                               const struct publication *publication)
{
    struct json_out json = open_push(out, channel, "pub");
    add_publication(&json, publication);
    close_push(&json);
}

static void push_info(struct buf *out, struct text channel, const char *member, struct text info)
{
    struct json_out json = open_push(out, channel, member);
    json_open(&json, '{');
    key_raw_given(&json, "info", info);
    json_close(&json, '}');
    close_push(&json);
}

void protocol_push_join(struct buf *out, struct text channel, struct text info)
{
    push_info(out, channel, "join", info);
}

void protocol_push_leave(struct buf *out, struct text channel, struct text info)
{
    push_info(out, channel, "leave", info);
}

void protocol_push_unsubscribe(struct buf *out, struct text channel, int code, const char *reason)
{
    struct json_out json = open_push(out, channel, "unsubscribe");
    json_open(&json, '{');
    json_key_i64(&json, "code", code);
    json_key_text(&json, "reason", text(reason));
    json_close(&json, '}');
    close_push(&json);
}

void protocol_push_subscribe(struct buf *out, struct text channel,
                             const struct subscribe_result *result)
{
    struct json_out json = open_push(out, channel, "subscribe");
    json_open(&json, '{');
    key_true(&json, "recoverable", result->recoverable);
    key_true(&json, "positioned", result->positioned);
    key_text_given(&json, "epoch", result->epoch);
    key_number_given(&json, "offset", (int64_t)result->offset);
    key_raw_given(&json, "data", result->data);
    json_close(&json, '}');
    close_push(&json);
}

/* ---- payloads ---- */

static bool is_json_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

void protocol_minify(struct buf *out, struct text json)
{
    char *const start = buf_reserve(out, json.len); /* it never grows */
    char *at = start;
    bool in_string = false;

    for (size_t i = 0; i < json.len; i++) {
        const char byte = json.at[i];
        if (!in_string && is_json_space(byte))
            continue;
        *at++ = byte;
        if (byte == '"')
            in_string = !in_string;
        else if (byte == '\\' && i + 1 < json.len)
            *at++ =
                json.at[++i]; /* a backslash stands in strings only; what it escapes ends none */
    }
    out->len += (size_t)(at - start);
}
