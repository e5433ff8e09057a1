/*
 * protocol: the Centrifuge client protocol v2 as bytes: commands in, replies and pushes out (JSON).
 *
 * Source of names and rules: the public protocol, `centrifugal/protocol` client.proto. No connection state here.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"

/* Errors in replies. */
enum protocol_error {
    PROTOCOL_INTERNAL = 100, PROTOCOL_UNAUTHORIZED = 101, PROTOCOL_UNKNOWN_CHANNEL = 102, PROTOCOL_PERMISSION_DENIED = 103,
    PROTOCOL_METHOD_NOT_FOUND = 104, PROTOCOL_ALREADY_SUBSCRIBED = 105, PROTOCOL_LIMIT_EXCEEDED = 106, PROTOCOL_BAD_REQUEST = 107,
    PROTOCOL_NOT_AVAILABLE = 108, PROTOCOL_TOKEN_EXPIRED = 109, PROTOCOL_EXPIRED = 110, PROTOCOL_TOO_MANY_REQUESTS = 111,
    PROTOCOL_UNRECOVERABLE = 112,
};
const char *protocol_error_message(int code);     /* "permission denied"; "error" for a code that is not above */
bool protocol_error_is_temporary(int code);       /* 100, 111 */

/* Close codes and their reasons. */
struct disconnect {
    int code;
    const char *reason;
};
extern const struct disconnect DISCONNECT_CLOSED, DISCONNECT_SHUTDOWN, DISCONNECT_INTERNAL, DISCONNECT_EXPIRED,
    DISCONNECT_SUB_EXPIRED, DISCONNECT_SLOW, DISCONNECT_WRITE_ERROR, DISCONNECT_INSUFFICIENT_STATE, DISCONNECT_FORCE_RECONNECT,
    DISCONNECT_NO_PONG, DISCONNECT_INVALID_TOKEN, DISCONNECT_BAD_REQUEST, DISCONNECT_STALE, DISCONNECT_FORCE,
    DISCONNECT_CONNECTION_LIMIT, DISCONNECT_CHANNEL_LIMIT, DISCONNECT_PERMISSION_DENIED, DISCONNECT_NOT_AVAILABLE,
    DISCONNECT_SESSION_ENDED; /* 3500 "session ended" */

enum { UNSUBSCRIBE_SERVER = 2000, UNSUBSCRIBE_INSUFFICIENT = 2500, UNSUBSCRIBE_EXPIRED = 2501 };

/* ---- in ---- */

enum command_kind {
    COMMAND_PONG, /* id 0 and no send, whatever else is there */
    COMMAND_CONNECT, COMMAND_PING, COMMAND_SUBSCRIBE, COMMAND_UNSUBSCRIBE, COMMAND_PUBLISH, COMMAND_PRESENCE,
    COMMAND_PRESENCE_STATS, COMMAND_HISTORY, COMMAND_RPC, COMMAND_SEND, COMMAND_REFRESH, COMMAND_SUB_REFRESH,
    COMMAND_UNKNOWN, /* an id, but no known member */
};

/*
 * Texts are unescaped and borrowed for the call; empty when absent. Raw ones are JSON as it stands. A member that is null is
 * absent; unknown members are ignored. With several requests in one command the first in the order of `enum command_kind` counts.
 */
struct command {
    uint32_t id;
    enum command_kind kind;
    struct text channel;      /* subscribe ... sub_refresh; empty where required = the caller's 3501 */
    struct text token;        /* connect, subscribe, refresh, sub_refresh */
    struct text data;         /* connect, subscribe, publish, rpc, send: raw JSON */
    struct text method;       /* rpc */
    struct text name, version; /* connect: what the client says it is */
    /* subscribe: the place to go on from */
    bool recover;
    uint64_t offset;          /* subscribe; history: since.offset */
    struct text epoch;
    bool positioned, recoverable, join_leave;
    int64_t flag;
    /* history */
    bool has_since, reverse;
    int32_t limit;
    struct json_value subs;   /* connect: map channel -> subscribe request */
};

/*
 * Reads one frame: commands separated by '\n', one trailing '\n' tolerated. Calls `each` in order; it returns false to stop
 * (it may have freed the frame then). False: the frame is not decodable (3501): no JSON object, an empty line, a wrong type;
 * commands before the bad one were delivered.
 */
MUST_CHECK bool protocol_read(struct text frame, bool (*each)(void *context, const struct command *command), void *context);

/*
 * ---- out: each appends one JSON object without any newline ----
 * Zero values are left out, an empty result is still written. JSON of others is passed on as it stands; only when it has
 * newlines is it minified. `expires` always comes with a `ttl`, of at least 1.
 */

struct publication { /* borrowed */
    struct text data;         /* JSON */
    uint64_t offset;          /* 0 = none */
    struct text epoch;        /* written with offset 1 only */
    struct text info;         /* ClientInfo as JSON; empty = none */
};

struct subscribe_result {
    bool recoverable, positioned, was_recovering, recovered, expires;
    uint32_t ttl;
    struct text epoch;
    uint64_t offset;
    const struct publication *publications; /* ascending */
    size_t publication_count;
    struct text data;
};

struct connect_result {
    struct text client, version;
    bool expires, pong;
    uint32_t ttl, ping; /* s */
    struct text data;
    struct text subs;   /* the whole JSON object channel -> result, or empty: built with protocol_subscribe_object() */
    struct text session, node;
    int64_t time_ms;    /* 0 = not sent */
};

void protocol_connect(struct buf *out, uint32_t id, const struct connect_result *result);
void protocol_subscribe(struct buf *out, uint32_t id, const struct subscribe_result *result);
void protocol_subscribe_object(struct buf *out, const struct subscribe_result *result); /* the bare object */
void protocol_error(struct buf *out, uint32_t id, int code, const char *message, bool temporary); /* NULL = the code's own */
void protocol_empty(struct buf *out, uint32_t id, const char *member); /* {"id":3,"publish":{}} */
void protocol_rpc(struct buf *out, uint32_t id, struct text data);
void protocol_refresh(struct buf *out, uint32_t id, bool expires, uint32_t ttl);
void protocol_presence(struct buf *out, uint32_t id, struct text entries); /* JSON object client -> ClientInfo */
void protocol_presence_stats(struct buf *out, uint32_t id, uint32_t clients, uint32_t users);
void protocol_history(struct buf *out, uint32_t id, const struct publication *publications, size_t count, uint64_t offset,
                      struct text epoch);
void protocol_client_info(struct buf *out, struct text user, struct text client, struct text conn_info);

/* Pushes. */
void protocol_push_publication(struct buf *out, struct text channel, const struct publication *publication);
void protocol_push_join(struct buf *out, struct text channel, struct text info);
void protocol_push_leave(struct buf *out, struct text channel, struct text info);
void protocol_push_unsubscribe(struct buf *out, struct text channel, int code, const char *reason);
void protocol_push_subscribe(struct buf *out, struct text channel, const struct subscribe_result *result);

/* Minifies JSON whitespace outside strings, so that no raw newline is left. `json` must be valid. */
void protocol_minify(struct buf *out, struct text json);
