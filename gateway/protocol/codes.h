/*
 * codes: errors, disconnects and unsubscribes of the Centrifuge protocol: numbers and words. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"

/* Errors in replies. */
enum protocol_error {
    PROTOCOL_INTERNAL = 100,
    PROTOCOL_UNAUTHORIZED = 101,
    PROTOCOL_UNKNOWN_CHANNEL = 102,
    PROTOCOL_PERMISSION_DENIED = 103,
    PROTOCOL_METHOD_NOT_FOUND = 104,
    PROTOCOL_ALREADY_SUBSCRIBED = 105,
    PROTOCOL_LIMIT_EXCEEDED = 106,
    PROTOCOL_BAD_REQUEST = 107,
    PROTOCOL_NOT_AVAILABLE = 108,
    PROTOCOL_TOKEN_EXPIRED = 109,
    PROTOCOL_EXPIRED = 110,
    PROTOCOL_TOO_MANY_REQUESTS = 111,
    PROTOCOL_UNRECOVERABLE = 112,
    PROTOCOL_CONFLICT = 113,
};
const char *protocol_error_message(int code); /* "permission denied"; "error" for others */
bool protocol_error_is_temporary(int code);   /* 100, 111, 113 */

/* Close codes and their reasons. */
struct disconnect {
    int code;
    const char *reason;
};
extern const struct disconnect DISCONNECT_CLOSED, DISCONNECT_SHUTDOWN, DISCONNECT_INTERNAL,
    DISCONNECT_EXPIRED, DISCONNECT_SUB_EXPIRED, DISCONNECT_SLOW, DISCONNECT_WRITE_ERROR,
    DISCONNECT_INSUFFICIENT_STATE, DISCONNECT_FORCE_RECONNECT, DISCONNECT_NO_PONG,
    DISCONNECT_TOO_MANY_REQUESTS, DISCONNECT_STATE_INVALIDATED, DISCONNECT_INVALID_TOKEN,
    DISCONNECT_BAD_REQUEST, DISCONNECT_STALE, DISCONNECT_FORCE, DISCONNECT_CONNECTION_LIMIT,
    DISCONNECT_CHANNEL_LIMIT, DISCONNECT_INAPPROPRIATE_PROTOCOL, DISCONNECT_PERMISSION_DENIED,
    DISCONNECT_NOT_AVAILABLE, DISCONNECT_TOO_MANY_ERRORS;
extern const struct disconnect DISCONNECT_SESSION_ENDED; /* 3500 "session ended" */

enum {
    UNSUBSCRIBE_SERVER = 2000,
    UNSUBSCRIBE_INSUFFICIENT = 2500,
    UNSUBSCRIBE_EXPIRED = 2501,
    UNSUBSCRIBE_INVALIDATED = 2502,
};
const char *protocol_unsubscribe_reason(int code); /* "server unsubscribe" ... */
