/*
 * websocket: RFC 6455 without any socket: the handshake's check and answer, frames in, frames out; and the frames of
 * permessage-deflate (RFC 7692, see deflate.h).
 *
 * Reading is a state machine fed with whatever bytes arrived; messages are unmasked and joined, control frames may stand
 * between fragments. Any thread, one at a time per reader.
 */
#pragma once

#include <stdbool.h>

#include "base/base.h"
#include "base/buf.h"
#include "base/text.h"

#define WEBSOCKET_HEADER_MAX 10  /* server to client: no mask */
#define WEBSOCKET_CONTROL_MAX 125 /* RFC 6455 5.5 */
#define WEBSOCKET_INFLATED_TIMES 10 /* a compressed message may say so many times `message_max` */

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0, WEBSOCKET_TEXT = 1, WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8, WEBSOCKET_PING = 9, WEBSOCKET_PONG = 10,
};

/* Close codes of RFC 6455 7.4.1 that we send. */
enum websocket_close {
    WEBSOCKET_NORMAL = 1000, WEBSOCKET_PROTOCOL_ERROR = 1002, WEBSOCKET_BAD_DATA = 1007, WEBSOCKET_TOO_BIG = 1009,
};

/* Sec-WebSocket-Accept for a 24-byte key (RFC 6455 4.2.2), 28 characters and NUL. */
void websocket_accept_key(struct text key, char out[29]);

/* Writes the header of an unfragmented, unmasked frame; returns its length (2, 4 or 10). */
size_t websocket_header(enum websocket_opcode opcode, size_t payload_len, unsigned char out[WEBSOCKET_HEADER_MAX]);
/* The same of a text or binary message whose payload is compressed (RSV1 is set). */
size_t websocket_header_deflated(enum websocket_opcode opcode, size_t payload_len,
                                 unsigned char out[WEBSOCKET_HEADER_MAX]);
/*
 * Appends a close frame; `reason` (UTF-8) is cut to 123 bytes at a character's end. 1005 writes one without code and
 * reason, so that whatever a peer's close frame said may be said back.
 */
void websocket_close_frame(struct buf *out, int code, struct text reason);

/* An idle reader is small: what is half received waits in memory of its own. */
struct websocket_reader {
    struct websocket_half *half; /* NULL: nothing is */
    uint32_t message_max;        /* bytes of one joined message, as they arrive */
    bool deflate; /* permessage-deflate was agreed upon: set by the owner, after websocket_reader_init() */
    bool closed;  /* a close frame or an error came: the rest is ignored */
};

void websocket_reader_init(struct websocket_reader *reader, size_t message_max);
void websocket_reader_fini(struct websocket_reader *reader);
size_t websocket_reader_held(const struct websocket_reader *reader); /* bytes of a message half received */

/*
 * What arrived. `payload` is borrowed for the call: the joined and inflated text or binary message (text checked to be
 * UTF-8), or the payload of a ping or pong, or a close frame's reason with its `code` (both checked; 1005 when it had none;
 * else 0). Returning false stops reading (the connection is going away): the callback may have ended and freed the reader.
 */
typedef bool (*websocket_message_fn)(void *context, enum websocket_opcode opcode, int code, struct text payload);

/*
 * Feeds `bytes` (unmasked in place). Returns 0, or the close code to answer with (1002, 1007, 1009). After that, and after
 * a peer's close frame, further bytes are ignored. A length above the limit is refused before anything is allocated, and a
 * text at the first byte that makes it no UTF-8, whatever of it is still to come. An unfragmented frame that lies wholly
 * within `bytes` is passed on without a copy, if it is not compressed.
 */
MUST_CHECK int websocket_read(struct websocket_reader *reader, char *bytes, size_t len, websocket_message_fn on_message,
                              void *context);
