/*
 * request: a question of a loop to the broker: of a client, or of a server API call. It is made on
 * a loop, travels to the broker and always comes back to that loop, once, with its answer; owned by
 * whoever holds it, all its texts live in its arena.
 */
#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"
#include "gateway/channels/namespace.h"
#include "gateway/mail/letter.h"
#include "gateway/mail/names.h"
#include "gateway/mail/order.h"
#include "gateway/mail/parcel.h"

struct bus_broker;
struct channel;
struct client;
struct filter;
struct loop;
struct user;

enum request_kind {
    REQUEST_CONNECT,   /* is the session alive, which rooms has the user (bus alone) */
    REQUEST_SUBSCRIBE, /* a reference to the channel, its position, what was missed */
    REQUEST_PUBLISH,
    REQUEST_RPC, /* the product's (bus alone) */
    REQUEST_PRESENCE,
    REQUEST_PRESENCE_STATS,
    REQUEST_HISTORY,
    REQUEST_HISTORY_REMOVE,
    REQUEST_ORDER,     /* `order` goes to all loops of all gateways */
    REQUEST_EMULATION, /* commands for the connection `session` of gateway `node` */
    REQUEST_SURVEY,    /* every gateway answers `survey`; `channels`, `connections` */
    REQUEST_NODES,     /* what is known of all gateways */
    REQUEST_KIND_COUNT,
};

enum request_outcome {
    REQUEST_FAILED,     /* `error`, `message` say why */
    REQUEST_DONE,       /* the answer is filled in */
    REQUEST_DISCONNECT, /* the client has to go: `error` is the close code, `message` the reason */
};

#define REQUEST_MESSAGE_MAX 123 /* as much as fits into a close frame (RFC 6455 5.5) */

struct request {
    struct letter letter;
    enum request_kind kind;
    struct arena arena;
    unsigned loop; /* where it comes from */
    /* On that loop, with the answer; takes the request. */
    void (*done)(struct loop *loop, struct request *request);
    struct client *client; /* that loop's; the broker never looks inside; NULL: nobody's */
    void *context;         /* the asker's own */

    /* The question. */
    uint32_t id; /* of the command */
    struct text user, session, client_id;
    struct text channel, data, method, epoch;
    const struct namespace *namespace; /* of `channel`; NULL: one of the product's own */
    uint64_t offset;
    int64_t flag;  /* subscribe: the protocol's bits */
    int32_t limit; /* history */
    size_t bytes_max; /* presence: what a list may have; beyond it is error 106 */
    bool recover, has_since, reverse;
    /* subscribe, with a namespace */
    bool wants_position, wants_recovery, cache_recovery; /* positions at all; a stream to recover from */
    bool tells_presence, tells_join_leave;
    bool is_member; /* subscribe, of the product's rooms: the loop knows that the user may */
    struct filter *filter; /* subscribe: owned until the loop takes it for the subscription; NULL: none */
    struct client_info info; /* subscribe: its entry in presence; publish: who published */
    bool has_info;
    /* publish */
    const struct tag *tags;
    size_t tag_count;
    struct text idempotency_key, version_epoch;
    uint64_t version;
    bool skip_history, delta, is_json;
    struct order *order; /* owned */

    /* The answer. */
    enum request_outcome outcome;
    int error;
    bool temporary;
    char message[REQUEST_MESSAGE_MAX + 1]; /* empty: the code's own */
    struct text told;          /* rpc: data; survey, nodes: JSON; subscribe, of a status: its state, JSON */
    struct text position_epoch; /* subscribe, publish, history: of the stream; empty: none */
    uint64_t position;         /* subscribe, publish, history: the stream's top */
    bool recovered;
    bool by_membership; /* subscribe: granted since the loop said is_member; if that still holds */
    struct parcel **publications; /* ascending (history: as asked); references of its own */
    size_t publication_count;
    struct client_info *entries; /* presence */
    size_t entry_count;
    uint32_t client_count, user_count; /* presence_stats */
    struct names rooms; /* connect: channels that this user's connection hears of; one reference
                           each was given */

    /* The bus broker's, while it works on it. */
    struct bus_broker *broker;
    struct channel *about; /* held */
    struct user *owner;
    struct request *prev, *next; /* of the owner's open ones */
    struct request *waiting;     /* next of those who wait for the channel to catch up */
    uint64_t as_of;
    bool streamed,
        overtaken; /* overtaken: something newer ended the session while the question was open */
    int tries;
};

struct request *request_create(enum request_kind kind,
                               void (*done)(struct loop *loop, struct request *request));
void request_destroy(struct request *request); /* NULL does nothing */

/* What an entry of presence takes in a reply, roughly. */
size_t request_entry_bytes(const struct client_info *entry);

/* Copies into its arena. */
static inline struct text request_keep(struct request *request, struct text text)
{
    return arena_text(&request->arena, text);
}
void request_keep_info(struct request *request, const struct client_info *info);
void request_keep_tags(struct request *request, const struct tag *tags, size_t count);

/* An answer. `message` (may be longer, need not be a C string) empty: the code's own. */
void request_fail(struct request *request, int error, struct text message, bool temporary);
void request_disconnect(struct request *request, int code, struct text reason);
/* Room for `max` publications; request_add_publication() takes a reference of its own. */
void request_begin_publications(struct request *request, size_t max);
void request_add_publication(struct request *request, struct parcel *parcel);
void request_drop_publications(struct request *request);
