/*
 * Replies and pushes in JSON. Members stand in the order of the protocol's worked exchanges, and a
 * zero value is left out where the public server leaves it out: clients compare neither, people do.
 */
#include "gateway/protocol/reply.h"

#include "base/json.h"
#include "gateway/protocol/reply_rules.h"

/* ---- members ---- */

static void key_text_given(struct json_out *json, const char *name, struct text value)
{
    if (value.len > 0)
        json_key_text(json, name, value);
}

static void key_unsigned_given(struct json_out *json, const char *name, uint64_t value)
{
    if (value != 0)
        json_key_u64(json, name, value);
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
    json_key_raw(json, name, (struct text){0});
    reply_minify(json->buf, value);
}

static void key_expiry(struct json_out *json, bool expires, uint32_t ttl)
{
    key_true(json, "expires", expires);
    key_unsigned_given(json, "ttl", reply_ttl(expires, ttl));
}

static void add_client_info(struct json_out *json, const struct client_info *info)
{
    json_open(json, '{');
    json_key_text(json, "user", info->user); /* these two also when empty */
    json_key_text(json, "client", info->client);
    key_raw_given(json, "conn_info", info->conn_info);
    key_raw_given(json, "chan_info", info->chan_info);
    json_close(json, '}');
}

void reply_client_info(struct buf *out, const struct client_info *info)
{
    struct json_out json = {.buf = out};
    add_client_info(&json, info);
}

static void key_tags(struct json_out *json, const struct tag *tags, size_t count)
{
    if (count == 0)
        return;
    json_key(json, "tags");
    json_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        json_name(json, tags[i].key);
        json_text(json, tags[i].value);
    }
    json_close(json, '}');
}

static void add_publication(struct json_out *json, const struct publication *publication)
{
    json_open(json, '{');
    if (publication->as_text)
        json_key_text(json, "data", publication->data);
    else
        key_raw_given(json, "data", publication->data);
    if (publication->info != NULL) {
        json_key(json, "info");
        add_client_info(json, publication->info);
    }
    key_unsigned_given(json, "offset", publication->offset);
    key_tags(json, publication->tags, publication->tag_count);
    key_true(json, "delta", publication->is_delta);
    if (publication->time_ms != 0)
        json_key_i64(json, "time", publication->time_ms);
    key_text_given(json, "channel", publication->channel);
    key_text_given(json, "epoch", reply_epoch(publication));
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

static void add_subscribe_result(struct json_out *json, const struct subscribe_result *result)
{
    json_open(json, '{');
    key_expiry(json, result->expires, result->ttl);
    key_true(json, "recoverable", result->recoverable);
    key_true(json, "positioned", result->positioned);
    key_text_given(json, "epoch", result->epoch);
    key_unsigned_given(json, "offset", result->offset);
    key_true(json, "was_recovering", result->was_recovering);
    key_true(json, "recovered", result->recovered);
    if (result->publication_count > 0)
        key_publications(json, result->publications, result->publication_count);
    key_raw_given(json, "data", result->data);
    key_true(json, "delta", result->delta);
    json_close(json, '}');
}

static void key_subs(struct json_out *json, const struct connect_sub *subs, size_t count)
{
    if (count == 0)
        return;
    json_key(json, "subs");
    json_open(json, '{');
    for (size_t i = 0; i < count; i++) {
        json_name(json, subs[i].channel);
        add_subscribe_result(json, &subs[i].result);
    }
    json_close(json, '}');
}

static void add_connect_members(struct json_out *json, const struct connect_result *result)
{
    json_key_text(json, "client", result->client);
    key_text_given(json, "version", result->version);
    key_expiry(json, result->expires, result->ttl);
    key_raw_given(json, "data", result->data);
    key_subs(json, result->subs, result->sub_count);
    key_unsigned_given(json, "ping", result->ping);
    key_true(json, "pong", result->pong);
    key_text_given(json, "session", result->session);
    key_text_given(json, "node", result->node);
    if (result->time_ms != 0)
        json_key_i64(json, "time", result->time_ms);
}

/* ---- replies ---- */

/* {"id":3,"member":{ */
static struct json_out open_reply(struct buf *out, uint32_t id, const char *member)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    key_unsigned_given(&json, "id", id);
    json_key(&json, member);
    json_open(&json, '{');
    return json;
}

static void close_reply(struct json_out *json)
{
    json_close(json, '}');
    json_close(json, '}');
}

static void write_connect(struct buf *out, uint32_t id, const struct connect_result *result)
{
    struct json_out json = open_reply(out, id, "connect");
    add_connect_members(&json, result);
    close_reply(&json);
}

static void write_subscribe(struct buf *out, uint32_t id, const struct subscribe_result *result)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    key_unsigned_given(&json, "id", id);
    json_key(&json, "subscribe");
    add_subscribe_result(&json, result);
    json_close(&json, '}');
}

static void write_error(struct buf *out, uint32_t id, int code, struct text message, bool temporary)
{
    struct json_out json = open_reply(out, id, "error");
    json_key_i64(&json, "code", code);
    json_key_text(&json, "message", reply_words(message, protocol_error_message(code)));
    key_true(&json, "temporary", temporary);
    close_reply(&json);
}

static void write_empty(struct buf *out, uint32_t id, enum command_kind kind)
{
    struct json_out json = open_reply(out, id, reply_member_of(kind).name);
    close_reply(&json);
}

static void write_rpc(struct buf *out, uint32_t id, struct text data)
{
    struct json_out json = open_reply(out, id, "rpc");
    key_raw_given(&json, "data", data);
    close_reply(&json);
}

static void write_expiry(struct buf *out, uint32_t id, const char *member, bool expires,
                         uint32_t ttl)
{
    struct json_out json = open_reply(out, id, member);
    key_expiry(&json, expires, ttl);
    close_reply(&json);
}

static void write_refresh(struct buf *out, uint32_t id, bool expires, uint32_t ttl)
{
    write_expiry(out, id, "refresh", expires, ttl);
}

static void write_sub_refresh(struct buf *out, uint32_t id, bool expires, uint32_t ttl)
{
    write_expiry(out, id, "sub_refresh", expires, ttl);
}

static void write_presence(struct buf *out, uint32_t id, const struct client_info *entries,
                           size_t count)
{
    struct json_out json = open_reply(out, id, "presence");
    json_key(&json, "presence");
    json_open(&json, '{'); /* also when nobody is there */
    for (size_t i = 0; i < count; i++) {
        json_name(&json, entries[i].client);
        add_client_info(&json, &entries[i]);
    }
    json_close(&json, '}');
    close_reply(&json);
}

static void write_presence_stats(struct buf *out, uint32_t id, uint32_t clients, uint32_t users)
{
    struct json_out json = open_reply(out, id, "presence_stats");
    json_key_u64(&json, "num_clients", clients);
    json_key_u64(&json, "num_users", users);
    close_reply(&json);
}

static void write_history(struct buf *out, uint32_t id, const struct publication *publications,
                          size_t count, uint64_t offset, struct text epoch)
{
    struct json_out json = open_reply(out, id, "history");
    key_publications(&json, publications, count); /* these three also when empty or zero */
    json_key_text(&json, "epoch", epoch);
    json_key_u64(&json, "offset", offset);
    close_reply(&json);
}

/* ---- bare pushes, as unidirectional clients get them ---- */

/* {"channel":"room:7","member":{ */
static struct json_out open_bare(struct buf *out, struct text channel, const char *member)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    key_text_given(&json, "channel", channel);
    json_key(&json, member);
    json_open(&json, '{');
    return json;
}

static void bare_connect(struct buf *out, uint32_t id, const struct connect_result *result)
{
    struct connect_result told = *result;
    struct json_out json = open_bare(out, (struct text){0}, "connect");

    told.pong = false; /* such a client never sends anything, to any node */
    told.node = (struct text){0};
    add_connect_members(&json, &told);
    close_reply(&json);
}

static void bare_publication(struct buf *out, struct text channel,
                             const struct publication *publication)
{
    struct json_out json = {.buf = out};
    json_open(&json, '{');
    json_key_text(&json, "channel", channel);
    json_key(&json, "pub");
    add_publication(&json, publication);
    json_close(&json, '}');
}

static void bare_info(struct buf *out, struct text channel, const char *member,
                      const struct client_info *info)
{
    struct json_out json = open_bare(out, channel, member);
    json_key(&json, "info");
    add_client_info(&json, info);
    close_reply(&json);
}

static void bare_join(struct buf *out, struct text channel, const struct client_info *info)
{
    bare_info(out, channel, "join", info);
}

static void bare_leave(struct buf *out, struct text channel, const struct client_info *info)
{
    bare_info(out, channel, "leave", info);
}

static void bare_end(struct buf *out, struct text channel, const char *member, int code,
                     struct text reason)
{
    struct json_out json = open_bare(out, channel, member);
    json_key_i64(&json, "code", code);
    json_key_text(&json, "reason", reason);
    close_reply(&json);
}

static void bare_unsubscribe(struct buf *out, struct text channel, int code, struct text reason)
{
    bare_end(out, channel, "unsubscribe", code,
             reply_words(reason, protocol_unsubscribe_reason(code)));
}

static void bare_disconnect(struct buf *out, int code, struct text reason)
{
    bare_end(out, (struct text){0}, "disconnect", code,
             reply_words(reason, REPLY_DISCONNECT_REASON));
}

static void bare_subscribe(struct buf *out, struct text channel,
                           const struct subscribe_result *result)
{
    struct json_out json = open_bare(out, channel, "subscribe");
    key_true(&json, "recoverable", result->recoverable);
    key_true(&json, "positioned", result->positioned);
    key_text_given(&json, "epoch", result->epoch);
    key_unsigned_given(&json, "offset", result->offset);
    key_raw_given(&json, "data", result->data);
    close_reply(&json);
}

static void bare_refresh(struct buf *out, bool expires, uint32_t ttl)
{
    struct json_out json = open_bare(out, (struct text){0}, "refresh");
    key_expiry(&json, expires, ttl);
    close_reply(&json);
}

/* ---- the same within replies: {"push":{...}} ---- */

static void open_push(struct buf *out)
{
    buf_add_text(out, TEXT("{\"push\":"));
}

static void close_push(struct buf *out)
{
    buf_add_byte(out, '}');
}

static void push_publication(struct buf *out, struct text channel,
                             const struct publication *publication)
{
    open_push(out);
    bare_publication(out, channel, publication);
    close_push(out);
}

static void push_join(struct buf *out, struct text channel, const struct client_info *info)
{
    open_push(out);
    bare_join(out, channel, info);
    close_push(out);
}

static void push_leave(struct buf *out, struct text channel, const struct client_info *info)
{
    open_push(out);
    bare_leave(out, channel, info);
    close_push(out);
}

static void push_unsubscribe(struct buf *out, struct text channel, int code, struct text reason)
{
    open_push(out);
    bare_unsubscribe(out, channel, code, reason);
    close_push(out);
}

static void push_subscribe(struct buf *out, struct text channel,
                           const struct subscribe_result *result)
{
    open_push(out);
    bare_subscribe(out, channel, result);
    close_push(out);
}

static void push_refresh(struct buf *out, bool expires, uint32_t ttl)
{
    open_push(out);
    bare_refresh(out, expires, ttl);
    close_push(out);
}

static void push_disconnect(struct buf *out, int code, struct text reason)
{
    open_push(out);
    bare_disconnect(out, code, reason);
    close_push(out);
}

const struct codec CODEC_JSON = {
    .type = PROTOCOL_JSON,
    .ping = {"{}", 2},
    .connect = write_connect,
    .subscribe = write_subscribe,
    .error = write_error,
    .empty = write_empty,
    .rpc = write_rpc,
    .refresh = write_refresh,
    .sub_refresh = write_sub_refresh,
    .presence = write_presence,
    .presence_stats = write_presence_stats,
    .history = write_history,
    .push_publication = push_publication,
    .push_join = push_join,
    .push_leave = push_leave,
    .push_unsubscribe = push_unsubscribe,
    .push_subscribe = push_subscribe,
    .push_refresh = push_refresh,
    .push_disconnect = push_disconnect,
};

/* No other replies: nothing asks for them (reply.h). */
const struct codec CODEC_JSON_UNIDIRECTIONAL = {
    .type = PROTOCOL_JSON,
    .unidirectional = true,
    .ping = {"{}", 2},
    .connect = bare_connect,
    .push_publication = bare_publication,
    .push_join = bare_join,
    .push_leave = bare_leave,
    .push_unsubscribe = bare_unsubscribe,
    .push_subscribe = bare_subscribe,
    .push_refresh = bare_refresh,
    .push_disconnect = bare_disconnect,
};
