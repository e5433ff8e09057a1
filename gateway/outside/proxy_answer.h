/*
 * proxy_answer: what the operator's back end says, read from JSON (protocol reference, section 15).
 * No I/O. Members that are not known, or not of this kind, are ignored; null is absent.
 */
#pragma once

#include "base/buf.h"
#include "base/text.h"
#include "gateway/channels/sub_override.h"
#include "gateway/outside/proxy_question.h"

#define PROXY_REASON_MAX 123 /* as much as fits into a close frame (RFC 6455 5.5) */

enum proxy_outcome {
    PROXY_RESULT,
    PROXY_ERROR,      /* `code`, `message`, `temporary`: for the client, as they are */
    PROXY_DISCONNECT, /* the client has to go: `code`, and `message` is the reason */
    PROXY_FAILED,     /* no usable answer: `why`, for the log */
};

struct proxy_payload {
    struct text bytes; /* empty: none. JSON as it stands, so perhaps with newlines */
    bool is_binary;    /* it came as base64: any bytes, decoded */
};

struct proxy_sub { /* connect: a server-side subscription */
    struct text channel;
    struct proxy_payload info, data;
    int64_t expire_at_s; /* Unix time; as below */
    bool expires;
    bool cache_recover;
    struct sub_override override;
};

struct proxy_tag {
    struct text key, value;
};

struct proxy_answer {
    enum proxy_outcome outcome;
    char why[160];

    int code; /* error: any above 0; disconnect: proxy_may_disconnect() */
    struct text message;
    bool temporary;

    /* The result. All of it is empty without one. */
    bool has_result;           /* false: there was none, or it was null */
    struct text user;          /* connect */
    bool expired;              /* refresh, sub_refresh */
    bool expires;              /* connect, refresh, subscribe, sub_refresh: at `expire_at_s` */
    int64_t expire_at_s;       /* Unix time, not beyond the year 9999; 0: never */
    struct proxy_payload info; /* connect, refresh, subscribe, sub_refresh */
    struct proxy_payload data; /* connect, subscribe, publish, rpc */
    struct text meta, caps;    /* connect, `meta` also refresh: JSON; empty: none */
    struct text *channels;     /* connect */
    size_t channel_count;
    struct proxy_sub *subs; /* connect */
    size_t sub_count;
    struct sub_override override; /* subscribe */

    /* publish */
    struct proxy_tag *tags;
    size_t tag_count;
    bool skip_history, delta;
    struct text idempotency_key, version_epoch;
    uint64_t version;

    /* The memory of the texts. */
    struct buf body, decoded;
};

/* Takes `body`'s bytes, which leaves it empty. Always answers. */
struct proxy_answer *proxy_answer_read(enum proxy_kind kind, struct buf *body);

/* Answers that came in another way. Texts are borrowed for as long as the answer lives. */
struct proxy_answer *proxy_answer_failed(const char *format, ...)
    __attribute__((format(printf, 1, 2)));
struct proxy_answer *proxy_answer_error(int code, struct text message, bool temporary);
struct proxy_answer *proxy_answer_disconnect(int code, struct text reason);

void proxy_answer_destroy(struct proxy_answer *answer); /* NULL does nothing */

/* What a back end may close with: its own codes (4000 to 4999), or one that the protocol has. */
bool proxy_may_disconnect(int64_t code);
