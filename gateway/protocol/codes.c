#include "gateway/protocol/codes.h"

/* Messages and reasons as Centrifugo has them: some clients show them, some compare them. */
const struct disconnect DISCONNECT_CLOSED = {3000, "connection closed"};
const struct disconnect DISCONNECT_SHUTDOWN = {3001, "shutdown"};
const struct disconnect DISCONNECT_INTERNAL = {3004, "internal server error"};
const struct disconnect DISCONNECT_EXPIRED = {3005, "connection expired"};
const struct disconnect DISCONNECT_SUB_EXPIRED = {3006, "subscription expired"};
const struct disconnect DISCONNECT_SLOW = {3008, "slow"};
const struct disconnect DISCONNECT_WRITE_ERROR = {3009, "write error"};
const struct disconnect DISCONNECT_INSUFFICIENT_STATE = {3010, "insufficient state"};
const struct disconnect DISCONNECT_FORCE_RECONNECT = {3011, "force reconnect"};
const struct disconnect DISCONNECT_NO_PONG = {3012, "no pong"};
const struct disconnect DISCONNECT_TOO_MANY_REQUESTS = {3013, "too many requests"};
const struct disconnect DISCONNECT_STATE_INVALIDATED = {3014, "state invalidated"};
const struct disconnect DISCONNECT_INVALID_TOKEN = {3500, "invalid token"};
const struct disconnect DISCONNECT_BAD_REQUEST = {3501, "bad request"};
const struct disconnect DISCONNECT_STALE = {3502, "stale"};
const struct disconnect DISCONNECT_FORCE = {3503, "force disconnect"};
const struct disconnect DISCONNECT_CONNECTION_LIMIT = {3504, "connection limit"};
const struct disconnect DISCONNECT_CHANNEL_LIMIT = {3505, "channel limit"};
const struct disconnect DISCONNECT_INAPPROPRIATE_PROTOCOL = {3506, "inappropriate protocol"};
const struct disconnect DISCONNECT_PERMISSION_DENIED = {3507, "permission denied"};
const struct disconnect DISCONNECT_NOT_AVAILABLE = {3508, "not available"};
const struct disconnect DISCONNECT_TOO_MANY_ERRORS = {3509, "too many errors"};
const struct disconnect DISCONNECT_SESSION_ENDED = {3500, "session ended"};

static const char *const error_messages[] = {
    "internal server error", /* 100 */
    "unauthorized",          "unknown channel", "permission denied", "method not found",
    "already subscribed",    "limit exceeded",  "bad request",       "not available",
    "token expired",         "expired",         "too many requests", "unrecoverable position",
    "concurrent pagination", /* 113 */
};

const char *protocol_error_message(int code)
{
    if (code < PROTOCOL_INTERNAL || code > PROTOCOL_CONFLICT)
        return "error"; /* never empty: the Python client asks for it */
    return error_messages[code - PROTOCOL_INTERNAL];
}

bool protocol_error_is_temporary(int code)
{
    return code == PROTOCOL_INTERNAL || code == PROTOCOL_TOO_MANY_REQUESTS ||
           code == PROTOCOL_CONFLICT;
}

const char *protocol_unsubscribe_reason(int code)
{
    switch (code) {
    case UNSUBSCRIBE_INSUFFICIENT:
        return "insufficient state";
    case UNSUBSCRIBE_EXPIRED:
        return "subscription expired";
    case UNSUBSCRIBE_INVALIDATED:
        return "state invalidated";
    default:
        return "server unsubscribe"; /* never empty, as above */
    }
}
