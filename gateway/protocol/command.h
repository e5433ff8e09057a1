/*
 * command: what clients send, decoded: one `struct command` whether it came as JSON or as Protobuf.
 * What a command means is gateway/loop's affair.
 *
 * Source of names and rules: the public protocol, `centrifugal/protocol` client.proto. No
 * connection state here; any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/text.h"

enum protocol_type { PROTOCOL_JSON, PROTOCOL_PROTOBUF };

enum command_kind {
    COMMAND_PONG, /* id 0 and no send, whatever else is there */
    COMMAND_CONNECT,
    COMMAND_PING,
    COMMAND_SUBSCRIBE,
    COMMAND_UNSUBSCRIBE,
    COMMAND_PUBLISH,
    COMMAND_PRESENCE,
    COMMAND_PRESENCE_STATS,
    COMMAND_HISTORY,
    COMMAND_RPC,
    COMMAND_SEND,
    COMMAND_REFRESH,
    COMMAND_SUB_REFRESH,
    COMMAND_UNKNOWN, /* an id, but no known member */
    COMMAND_KIND_COUNT,
};

/* A position of a server-side subscription that the client wants to go on from (connect). */
struct command_position {
    struct text channel, epoch;
    uint64_t offset;
    bool recover;
};

/* An emulated header (connect). */
struct command_header {
    struct text name, value;
};

/*
 * Texts are unescaped and borrowed for the call; empty when absent. `data` is the payload: raw JSON
 * as it stands (JSON), or opaque bytes (Protobuf). In JSON a member that is null is absent; unknown
 * members and fields are ignored. With several requests in one command the first in the order of
 * `enum command_kind` counts. Texts are UTF-8 without NUL, but payloads and filters in
 * Protobuf may be any bytes.
 */
struct command {
    uint32_t id;
    enum command_kind kind;
    struct text channel;       /* subscribe ... sub_refresh; empty where required = 3501 by the caller */
    struct text token;         /* connect, subscribe, refresh, sub_refresh */
    struct text data;          /* connect, subscribe, publish, rpc, send */
    struct text method;        /* rpc */
    struct text name, version; /* connect: what the client says it is */
    struct text delta;         /* subscribe: "fossil" */
    struct text filter;        /* subscribe: `tf` as it stands, JSON or a FilterNode message */
    struct text epoch;         /* subscribe; history: since.epoch */
    uint64_t offset;           /* subscribe; history: since.offset */
    int64_t flag;              /* subscribe: SUBSCRIBE_FLAG_* */
    int32_t type;              /* subscribe, publish, sub_refresh */
    int32_t limit;             /* history */
    bool recover, positioned, recoverable, join_leave; /* subscribe */
    bool has_since, reverse;                           /* history */
    struct command_position *positions;                /* connect: `subs`; one may be there twice */
    size_t position_count;
    struct command_header *headers; /* connect */
    size_t header_count;
};

enum { SUBSCRIBE_FLAG_REJECT_UNRECOVERED = 2 };

/* Bounds of one command's lists; more is not decodable. */
#define COMMAND_POSITIONS_MAX 1024
#define COMMAND_HEADERS_MAX   64

/*
 * Cuts the first command off `frame`, which moves on behind it: JSON commands are separated by '\n'
 * (one at the end of the frame is tolerated), Protobuf ones are prefixed by their length. False:
 * not decodable (3501): an empty frame or line, a length over the end. A Protobuf command of no
 * bytes is a pong.
 */
MUST_CHECK bool command_cut(enum protocol_type type, struct text *frame, struct text *command);

/* Reads one and calls `take` with it, at most once. False: not decodable (3501). */
MUST_CHECK bool command_read(enum protocol_type type, struct text bytes,
                             void (*take)(void *context, const struct command *command),
                             void *context);

/*
 * The bare ConnectRequest of a unidirectional client; `take` gets COMMAND_CONNECT with id 0. Always
 * JSON.
 */
MUST_CHECK bool command_read_connect(struct text json,
                                     void (*take)(void *context, const struct command *command),
                                     void *context);

/* {"session","node","data"}, or EmulationRequest in Protobuf. Texts are borrowed for the call. */
struct emulation {
    struct text node, session, data;
};
MUST_CHECK bool command_read_emulation(enum protocol_type type, struct text bytes,
                                       void (*take)(void *context, const struct emulation *request),
                                       void *context);
