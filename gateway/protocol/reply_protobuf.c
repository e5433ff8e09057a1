/*
 * Replies and pushes in Protobuf: fields in the order of their numbers, zero values left out, but
 * never a submessage that says what a reply or push is about.
 */
#include "gateway/protocol/protobuf.h"
#include "gateway/protocol/reply.h"
#include "gateway/protocol/reply_rules.h"

/* Of Reply and Push: client.proto of `centrifugal/protocol`. */
enum {
    REPLY_ID = 1,
    REPLY_ERROR = 2,
    REPLY_PUSH = 4,
    REPLY_CONNECT = 5,
    REPLY_SUBSCRIBE = 6,
    REPLY_PRESENCE = 9,
    REPLY_PRESENCE_STATS = 10,
    REPLY_HISTORY = 11,
    REPLY_RPC = 13,
    REPLY_REFRESH = 14,
    REPLY_SUB_REFRESH = 15,
};
enum {
    PUSH_CHANNEL = 2,
    PUSH_PUB = 4,
    PUSH_JOIN = 5,
    PUSH_LEAVE = 6,
    PUSH_UNSUBSCRIBE = 7,
    PUSH_SUBSCRIBE = 9,
    PUSH_DISCONNECT = 11,
    PUSH_REFRESH = 12,
};

/* ---- fields ---- */

static void add_given(struct buf *out, uint32_t number, struct text value)
{
    if (value.len > 0)
        protobuf_add_bytes(out, number, value);
}

/* Numbers of any type but zigzag, and truths. */
static void add_number(struct buf *out, uint32_t number, uint64_t value)
{
    if (value != 0)
        protobuf_add_varint(out, number, value);
}

static void add_expiry(struct buf *out, uint32_t number, bool expires, uint32_t ttl)
{
    add_number(out, number, expires);
    add_number(out, number + 1, reply_ttl(expires, ttl));
}

static void add_client_info(struct buf *out, uint32_t number, const struct client_info *info)
{
    const size_t message = protobuf_open(out, number);
    add_given(out, 1, info->user);
    add_given(out, 2, info->client);
    add_given(out, 3, info->conn_info);
    add_given(out, 4, info->chan_info);
    protobuf_close(out, message);
}

static void add_tag(struct buf *out, uint32_t number, const struct tag *tag)
{
    const size_t entry = protobuf_open(out, number);
    protobuf_add_bytes(out, 1, tag->key);
    protobuf_add_bytes(out, 2, tag->value);
    protobuf_close(out, entry);
}

static void add_publication(struct buf *out, uint32_t number, const struct publication *publication)
{
    const size_t message = protobuf_open(out, number);
    add_given(out, 4, publication->data);
    if (publication->info != NULL)
        add_client_info(out, 5, publication->info);
    add_number(out, 6, publication->offset);
    for (size_t i = 0; i < publication->tag_count; i++)
        add_tag(out, 7, &publication->tags[i]);
    add_number(out, 8, publication->is_delta);
    add_number(out, 9, (uint64_t)publication->time_ms);
    add_given(out, 10, publication->channel);
    add_given(out, 14, reply_epoch(publication));
    protobuf_close(out, message);
}

static void add_publications(struct buf *out, uint32_t number,
                             const struct publication *publications, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_publication(out, number, &publications[i]);
}

static void add_subscribe_result(struct buf *out, uint32_t number,
                                 const struct subscribe_result *result)
{
    const size_t message = protobuf_open(out, number);
    add_expiry(out, 1, result->expires, result->ttl);
    add_number(out, 3, result->recoverable);
    add_given(out, 6, result->epoch);
    add_publications(out, 7, result->publications, result->publication_count);
    add_number(out, 8, result->recovered);
    add_number(out, 9, result->offset);
    add_number(out, 10, result->positioned);
    add_given(out, 11, result->data);
    add_number(out, 12, result->was_recovering);
    add_number(out, 13, result->delta);
    protobuf_close(out, message);
}

static void add_sub(struct buf *out, uint32_t number, const struct connect_sub *sub)
{
    const size_t entry = protobuf_open(out, number);
    protobuf_add_bytes(out, 1, sub->channel);
    add_subscribe_result(out, 2, &sub->result);
    protobuf_close(out, entry);
}

/* ---- replies ---- */

/* A message with its length before it: protobuf_open() without a key. */
static size_t open_message(struct buf *out)
{
    buf_add_byte(out, 0);
    return out->len;
}

/* The messages that are open while a reply or a push is written. */
struct opened {
    size_t reply, push, member; /* `push`: of pushes only */
};

static struct opened open_reply(struct buf *out, uint32_t id, uint32_t member)
{
    struct opened opened = {.reply = open_message(out)};
    add_number(out, REPLY_ID, id);
    opened.member = protobuf_open(out, member);
    return opened;
}

static void close_reply(struct buf *out, const struct opened *opened)
{
    protobuf_close(out, opened->member);
    protobuf_close(out, opened->reply);
}

static void write_connect(struct buf *out, uint32_t id, const struct connect_result *result)
{
    const struct opened opened = open_reply(out, id, REPLY_CONNECT);
    add_given(out, 1, result->client);
    add_given(out, 2, result->version);
    add_expiry(out, 3, result->expires, result->ttl);
    add_given(out, 5, result->data);
    for (size_t i = 0; i < result->sub_count; i++)
        add_sub(out, 6, &result->subs[i]);
    add_number(out, 7, result->ping);
    add_number(out, 8, result->pong);
    add_given(out, 9, result->session);
    add_given(out, 10, result->node);
    add_number(out, 11, (uint64_t)result->time_ms);
    close_reply(out, &opened);
}

static void write_subscribe(struct buf *out, uint32_t id, const struct subscribe_result *result)
{
    const size_t reply = open_message(out);
    add_number(out, REPLY_ID, id);
    add_subscribe_result(out, REPLY_SUBSCRIBE, result);
    protobuf_close(out, reply);
}

static void write_error(struct buf *out, uint32_t id, int code, struct text message, bool temporary)
{
    const struct opened opened = open_reply(out, id, REPLY_ERROR);
    add_number(out, 1, (uint32_t)code);
    add_given(out, 2, reply_words(message, protocol_error_message(code)));
    add_number(out, 3, temporary);
    close_reply(out, &opened);
}

static void write_empty(struct buf *out, uint32_t id, enum command_kind kind)
{
    const struct opened opened = open_reply(out, id, reply_member_of(kind).number);
    close_reply(out, &opened);
}

static void write_rpc(struct buf *out, uint32_t id, struct text data)
{
    const struct opened opened = open_reply(out, id, REPLY_RPC);
    add_given(out, 1, data);
    close_reply(out, &opened);
}

static void write_refresh(struct buf *out, uint32_t id, bool expires, uint32_t ttl)
{
    const struct opened opened = open_reply(out, id, REPLY_REFRESH);
    add_expiry(out, 3, expires, ttl);
    close_reply(out, &opened);
}

static void write_sub_refresh(struct buf *out, uint32_t id, bool expires, uint32_t ttl)
{
    const struct opened opened = open_reply(out, id, REPLY_SUB_REFRESH);
    add_expiry(out, 1, expires, ttl);
    close_reply(out, &opened);
}

static void write_presence(struct buf *out, uint32_t id, const struct client_info *entries,
                           size_t count)
{
    const struct opened opened = open_reply(out, id, REPLY_PRESENCE);
    for (size_t i = 0; i < count; i++) {
        const size_t entry = protobuf_open(out, 1);
        protobuf_add_bytes(out, 1, entries[i].client);
        add_client_info(out, 2, &entries[i]);
        protobuf_close(out, entry);
    }
    close_reply(out, &opened);
}

static void write_presence_stats(struct buf *out, uint32_t id, uint32_t clients, uint32_t users)
{
    const struct opened opened = open_reply(out, id, REPLY_PRESENCE_STATS);
    add_number(out, 1, clients);
    add_number(out, 2, users);
    close_reply(out, &opened);
}

static void write_history(struct buf *out, uint32_t id, const struct publication *publications,
                          size_t count, uint64_t offset, struct text epoch)
{
    const struct opened opened = open_reply(out, id, REPLY_HISTORY);
    add_publications(out, 1, publications, count);
    add_given(out, 2, epoch);
    add_number(out, 3, offset);
    close_reply(out, &opened);
}

/* ---- pushes ---- */

/* `channel` empty: none. */
static struct opened open_push(struct buf *out, struct text channel, uint32_t member)
{
    struct opened opened = {.reply = open_message(out)};
    opened.push = protobuf_open(out, REPLY_PUSH);
    add_given(out, PUSH_CHANNEL, channel);
    opened.member = protobuf_open(out, member);
    return opened;
}

static void close_push(struct buf *out, const struct opened *opened)
{
    protobuf_close(out, opened->member);
    protobuf_close(out, opened->push);
    protobuf_close(out, opened->reply);
}

static void push_publication(struct buf *out, struct text channel,
                             const struct publication *publication)
{
    const size_t reply = open_message(out), push = protobuf_open(out, REPLY_PUSH);
    add_given(out, PUSH_CHANNEL, channel);
    add_publication(out, PUSH_PUB, publication);
    protobuf_close(out, push);
    protobuf_close(out, reply);
}

static void push_info(struct buf *out, struct text channel, uint32_t member,
                      const struct client_info *info)
{
    const struct opened opened = open_push(out, channel, member);
    add_client_info(out, 1, info);
    close_push(out, &opened);
}

static void push_join(struct buf *out, struct text channel, const struct client_info *info)
{
    push_info(out, channel, PUSH_JOIN, info);
}

static void push_leave(struct buf *out, struct text channel, const struct client_info *info)
{
    push_info(out, channel, PUSH_LEAVE, info);
}

static void push_unsubscribe(struct buf *out, struct text channel, int code, struct text reason)
{
    const struct opened opened = open_push(out, channel, PUSH_UNSUBSCRIBE);
    add_number(out, 2, (uint32_t)code);
    add_given(out, 3, reply_words(reason, protocol_unsubscribe_reason(code)));
    close_push(out, &opened);
}

static void push_subscribe(struct buf *out, struct text channel,
                           const struct subscribe_result *result)
{
    const struct opened opened = open_push(out, channel, PUSH_SUBSCRIBE);
    add_number(out, 1, result->recoverable);
    add_given(out, 4, result->epoch);
    add_number(out, 5, result->offset);
    add_number(out, 6, result->positioned);
    add_given(out, 7, result->data);
    close_push(out, &opened);
}

static void push_refresh(struct buf *out, bool expires, uint32_t ttl)
{
    const struct opened opened = open_push(out, (struct text){0}, PUSH_REFRESH);
    add_expiry(out, 1, expires, ttl);
    close_push(out, &opened);
}

static void push_disconnect(struct buf *out, int code, struct text reason)
{
    const struct opened opened = open_push(out, (struct text){0}, PUSH_DISCONNECT);
    add_number(out, 1, (uint32_t)code);
    add_given(out, 2, reply_words(reason, REPLY_DISCONNECT_REASON));
    close_push(out, &opened);
}

const struct codec CODEC_PROTOBUF = {
    .type = PROTOCOL_PROTOBUF,
    .ping = {"\0", 1},
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
