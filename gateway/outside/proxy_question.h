/*
 * proxy_question: what the gateway asks the operator's back end, as JSON (protocol reference,
 * section 15). No I/O.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"

enum proxy_kind {
    PROXY_CONNECT,
    PROXY_REFRESH,
    PROXY_SUBSCRIBE,
    PROXY_PUBLISH,
    PROXY_SUB_REFRESH,
    PROXY_RPC,
};

struct proxy_question { /* texts are borrowed and UTF-8; those of other kinds are not looked at */
    enum proxy_kind kind;
    struct text client, transport, protocol; /* "websocket" ..., "json" or "protobuf" */
    bool is_binary;                          /* `data` goes as base64, whatever it is */
    struct text user;                        /* all but connect; empty: anonymous */
    struct text channel;                     /* subscribe, publish, sub_refresh */
    struct text token;                       /* subscribe; empty: none */
    struct text method;                      /* rpc */
    struct text name, version;               /* connect: what the client says it is */
    const struct text *channels; /* connect: `channel_count` that the client wishes for */
    size_t channel_count;
    struct text data; /* connect, subscribe, publish, rpc: JSON, or with `is_binary` any bytes */
    struct text meta; /* all but connect: JSON, as an earlier answer or the token had it */
};

/*
 * Appends the JSON object. False, and `out` is as it was: `data` or `meta` is no JSON (Protobuf
 * clients may send any bytes), so that it can only go with `is_binary`.
 */
MUST_CHECK bool proxy_question_write(struct buf *out, const struct proxy_question *question);
