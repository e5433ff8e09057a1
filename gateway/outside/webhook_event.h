/*
 * webhook_event: what a webhook tells: something that happened to a connection or a channel, as
 * JSON.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

/* enumerator, `type` in the JSON, is about a connection, is about a channel */
#define WEBHOOK_TABLE(X)                                                                           \
    X(CONNECT, "connect", true, false)                                                             \
    X(DISCONNECT, "disconnect", true, false)                                                       \
    X(SUBSCRIBE, "subscribe", true, true)                                                          \
    X(UNSUBSCRIBE, "unsubscribe", true, true)                                                      \
    X(OCCUPIED, "occupied", false, true) /* the channel got its first subscriber */                \
    X(VACATED, "vacated", false, true)   /* and lost its last one */

enum webhook_kind {
#define X(name, type, client, channel) WEBHOOK_##name,
    WEBHOOK_TABLE(X)
#undef X
        WEBHOOK_KIND_COUNT,
};

struct webhook_event { /* texts are borrowed and UTF-8 */
    enum webhook_kind kind;
    struct text user, client; /* of the connection; `user` empty: anonymous */
    struct text transport;    /* connect; "websocket" ... */
    struct text channel;
    int code;           /* disconnect, unsubscribe */
    struct text reason; /* the same */
};

/* "connect" and so on; false: there is no such kind. */
bool webhook_kind_named(struct text name, enum webhook_kind *kind);

/* Appends the members, without the braces: the id is put in front when the event gets its place. */
void webhook_event_write(struct buf *out, const struct webhook_event *event, int64_t time_ms);
