/*
 * reply: what clients are sent: replies and pushes as bytes, in JSON or Protobuf, for bidirectional
 * or unidirectional transports. No framing of transports here (gateway/frame.h), any thread.
 *
 * Each writer appends one Reply (unidirectional: one Push): in JSON an object without any newline,
 * in Protobuf a message with its length before it. Zero values are left out, an empty result is
 * still written. JSON payloads of others are passed on as they stand; only when they have newlines
 * are they minified. `expires` always comes with a `ttl` of at least 1.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "gateway/protocol/command.h"
#include "gateway/protocol/tag.h"

struct client_info {
    struct text user, client;
    struct text conn_info, chan_info; /* payloads; empty = none */
};

struct publication { /* borrowed */
    struct text data;
    uint64_t offset;                /* 0 = none */
    struct text epoch;              /* written with offset 1 only */
    const struct client_info *info; /* who published; NULL = none */
    const struct tag *tags;
    size_t tag_count;
    int64_t time_ms;     /* 0 = not told */
    struct text channel; /* wildcard subscriptions only */
    bool is_delta;       /* `data` is a delta to the previous one */
    bool as_text; /* delta subscriptions: `data` (JSON or delta) goes into JSON as a string; nothing
                     in Protobuf */
};

struct subscribe_result {
    bool recoverable, positioned, was_recovering, recovered, expires, delta;
    uint32_t ttl;      /* s */
    struct text epoch;
    uint64_t offset;
    const struct publication *publications; /* ascending */
    size_t publication_count;
    struct text data;
};

/* One server-side subscription of a connection. */
struct connect_sub {
    struct text channel;
    struct subscribe_result result;
};

struct connect_result {
    struct text client, version;
    bool expires, pong;
    uint32_t ttl, ping; /* s; ping 0: none */
    struct text data;
    const struct connect_sub *subs;
    size_t sub_count;
    struct text session, node;
    int64_t time_ms; /* 0 = not sent */
};

/* How one kind of client is written to. Every function appends to `out`. */
struct codec {
    enum protocol_type type;
    bool unidirectional; /* bare pushes; the replies below are never asked for and NULL, but
                            connect(): it writes the Connect push, without `node` and `pong` */
    struct text ping;    /* {} or one zero byte */

    /* Replies. */
    void (*connect)(struct buf *out, uint32_t id, const struct connect_result *result);
    void (*subscribe)(struct buf *out, uint32_t id, const struct subscribe_result *result);
    void (*error)(struct buf *out, uint32_t id, int code, struct text message, bool temporary);
    void (*empty)(struct buf *out, uint32_t id, enum command_kind kind); /* unsubscribe, publish */
    void (*rpc)(struct buf *out, uint32_t id, struct text data);
    void (*refresh)(struct buf *out, uint32_t id, bool expires, uint32_t ttl);
    void (*sub_refresh)(struct buf *out, uint32_t id, bool expires, uint32_t ttl);
    void (*presence)(struct buf *out, uint32_t id, const struct client_info *entries, size_t count);
    void (*presence_stats)(struct buf *out, uint32_t id, uint32_t clients, uint32_t users);
    void (*history)(struct buf *out, uint32_t id, const struct publication *publications,
                    size_t count, uint64_t offset, struct text epoch);

    /* Pushes. */
    void (*push_publication)(struct buf *out, struct text channel,
                             const struct publication *publication);
    void (*push_join)(struct buf *out, struct text channel, const struct client_info *info);
    void (*push_leave)(struct buf *out, struct text channel, const struct client_info *info);
    void (*push_unsubscribe)(struct buf *out, struct text channel, int code, struct text reason);
    void (*push_subscribe)(struct buf *out, struct text channel,
                           const struct subscribe_result *result);
    void (*push_refresh)(struct buf *out, bool expires, uint32_t ttl);
    void (*push_disconnect)(struct buf *out, int code, struct text reason);
};
extern const struct codec CODEC_JSON, CODEC_PROTOBUF, CODEC_JSON_UNIDIRECTIONAL;

/* Minifies JSON whitespace outside strings, so that no raw newline is left. `json` must be valid. */
void reply_minify(struct buf *out, struct text json);

/* ClientInfo alone, JSON: {"user":…,"client":…,"conn_info":…,"chan_info":…}. */
void reply_client_info(struct buf *out, const struct client_info *info);
