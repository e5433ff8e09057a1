/*
 * request: a client's question to the broker. It is made on the client's loop, travels to the
 * broker and always comes back to that loop, once, with its answer; one block of memory, owned by
 * whoever holds it.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/text.h"
#include "gateway/mail/letter.h"
#include "gateway/mail/names.h"
#include "gateway/protocol/protocol.h"

struct broker;
struct channel;
struct client;
struct user;

enum request_kind {
    REQUEST_CONNECT,
    REQUEST_SUBSCRIBE,
    REQUEST_PUBLISH,
    REQUEST_RPC,
    REQUEST_PRESENCE,
    REQUEST_PRESENCE_STATS,
    REQUEST_HISTORY,
};

enum request_outcome {
    REQUEST_FAILED,     /* `error`, `message` say why */
    REQUEST_DONE,       /* `reply` holds the whole reply; connect: `rooms` */
    REQUEST_DISCONNECT, /* the client has to go: `error` is the close code, `message` the reason */
};

#define REQUEST_MESSAGE_MAX 123 /* as much as fits into a close frame (RFC 6455 5.5) */

struct request {
    struct letter letter;
    enum request_kind kind;
    unsigned loop;         /* where it comes from */
    struct client *client; /* that loop's; the broker never looks inside */

    /* The question. Texts point behind the struct. */
    uint32_t id; /* of the command */
    struct text user, session, client_id;
    struct text channel, data, method, epoch;
    uint64_t offset;
    int64_t flag; /* subscribe: the protocol's bits */
    int32_t limit;
    bool recover, has_since, reverse, join_leave;

    /* The answer. */
    enum request_outcome outcome;
    int error;
    bool temporary;
    char message[REQUEST_MESSAGE_MAX + 1]; /* empty: the code's own */
    struct buf reply;
    struct names rooms; /* connect: channels that this user's connection hears of; one reference
                           each was given */
    void *rooms_block;  /* their memory */

    /* The broker's, while it works on it. */
    struct broker *broker;
    struct channel *about; /* held */
    struct user *owner;
    struct request *prev, *next; /* of the owner's open ones */
    struct request *waiting;     /* next of those who wait for the channel to catch up */
    uint64_t as_of;
    bool streamed,
        overtaken; /* overtaken: something newer ended the session while the question was open */
    int tries;
};

/* Copies the texts. */
struct request_texts {
    struct text user, session, client_id, channel, data, method, epoch;
};
struct request *request_create(enum request_kind kind, const struct request_texts *texts);
void request_destroy(struct request *request);

/* An answer. `message` (may be longer, need not be a C string) empty: the code's own. */
void request_fail(struct request *request, int error, struct text message, bool temporary);
void request_disconnect(struct request *request, int code, struct text reason);
