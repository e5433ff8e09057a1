/*
 * Frames in. Three steps per frame, each of which may have to wait for more bytes: header, payload,
 * end. What is half received waits in the reader: header bytes in `header`, data in `partial`, a
 * control frame in `control`. The rules are those of RFC 6455 5.2 (frames), 5.4 (fragments),
 * 5.5 (control frames) and 7.4 (close codes), and of RFC 7692 6 (RSV1).
 */
#include "gateway/protocol/websocket.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "gateway/protocol/deflate.h"

#define OPCODE_CONTROL 0x8 /* this bit is set in every control opcode */
#define RSV_BITS       0x70
#define RSV1           0x40
#define CODE_NONE      1005

/* What a step says: go on, stop because the callback said so, or else the close code to answer. */
enum { READ_ON = 0, READ_STOP = -1 };

/* The frame and the message under way. */
struct websocket_half {
    struct websocket_reader *owner;
    size_t message_max;
    bool deflate;
    struct buf partial;       /* a message half received */
    unsigned char header[14]; /* the longest from a client: 2, 8 of length, 4 of mask */
    uint8_t header_len, opcode, message_opcode;
    bool fin;
    bool in_frame;   /* the header is complete, payload follows */
    bool in_message; /* fragments have come, the last one has not */
    bool compressed; /* the message's first frame had RSV1 */
    unsigned char mask[4];
    uint64_t payload_left, payload_at; /* bytes of this frame to come, and already here */
    size_t text_checked;               /* bytes of `partial` that are characters */
    struct buf control;                /* a control frame half received */
};

/* Where messages go. */
struct sink {
    websocket_message_fn on_message;
    void *context;
};

void websocket_reader_init(struct websocket_reader *reader, size_t message_max)
{
    *reader = (struct websocket_reader){
        .message_max = message_max < UINT32_MAX ? (uint32_t)message_max : UINT32_MAX,
    };
}

static void drop(struct websocket_half *half)
{
    buf_fini(&half->partial);
    buf_fini(&half->control);
}

void websocket_reader_fini(struct websocket_reader *reader)
{
    if (reader->half == NULL)
        return;
    drop(reader->half);
    free(reader->half);
    reader->half = NULL;
}

size_t websocket_reader_held(const struct websocket_reader *reader)
{
    return reader->half != NULL ? reader->half->partial.len : 0;
}

/* ---- header ---- */

static bool is_control(unsigned opcode)
{
    return (opcode & OPCODE_CONTROL) != 0;
}

/* Length of the header under way, as far as its first two bytes are known. */
static size_t header_size(const struct websocket_half *reader)
{
    if (reader->header_len < 2)
        return 2;
    const unsigned len = reader->header[1] & 0x7f;
    const size_t mask_bytes = (reader->header[1] & 0x80) != 0 ? 4 : 0;
    return 2 + mask_bytes + (len == 127 ? 8 : len == 126 ? 2 : 0);
}

static size_t fill_header(struct websocket_half *reader, const char *bytes, size_t len)
{
    size_t taken = 0;
    while (taken < len && reader->header_len < header_size(reader))
        reader->header[reader->header_len++] = (unsigned char)bytes[taken++];
    return taken;
}

/* RSV1 says that a message is compressed: in its first frame, if that was agreed upon. */
static bool check_reserved(const struct websocket_half *reader, unsigned first)
{
    const unsigned opcode = first & 0x0f;
    const bool may_compress =
        reader->deflate && (opcode == WEBSOCKET_TEXT || opcode == WEBSOCKET_BINARY);
    return (first & RSV_BITS & ~(may_compress ? RSV1 : 0u)) == 0;
}

/* The first two bytes tell what is no WebSocket client: refused before the rest is waited for. */
static int check_start(const struct websocket_half *reader)
{
    const unsigned first = reader->header[0], second = reader->header[1], opcode = first & 0x0f;
    const bool fin = (first & 0x80) != 0;

    if (!check_reserved(reader, first))
        return WEBSOCKET_PROTOCOL_ERROR;
    if ((second & 0x80) == 0) /* 5.1: a client masks */
        return WEBSOCKET_PROTOCOL_ERROR;
    switch (opcode) {
    case WEBSOCKET_CONTINUATION:
        return reader->in_message ? READ_ON : WEBSOCKET_PROTOCOL_ERROR;
    case WEBSOCKET_TEXT:
    case WEBSOCKET_BINARY:
        return reader->in_message ? WEBSOCKET_PROTOCOL_ERROR : READ_ON;
    case WEBSOCKET_CLOSE:
    case WEBSOCKET_PING:
    case WEBSOCKET_PONG:
        return fin && (second & 0x7f) <= WEBSOCKET_CONTROL_MAX ? READ_ON : WEBSOCKET_PROTOCOL_ERROR;
    default:
        return WEBSOCKET_PROTOCOL_ERROR;
    }
}

static uint64_t payload_size(const unsigned char *header)
{
    const unsigned len = header[1] & 0x7f;
    const size_t bytes = len == 127 ? 8 : len == 126 ? 2 : 0;
    uint64_t size = 0;

    if (bytes == 0)
        return len;
    for (size_t i = 0; i < bytes; i++)
        size = size << 8 | header[2 + i];
    return size;
}

/* The header is complete: opens the frame, unless its message would be too big. */
static int open_frame(struct websocket_half *reader)
{
    const unsigned opcode = reader->header[0] & 0x0f;
    const uint64_t size = payload_size(reader->header);

    /* `partial` is within the limit already; the top bit must be 0 (5.2). */
    if (size >> 63 != 0 ||
        (!is_control(opcode) && size > reader->message_max - reader->partial.len))
        return WEBSOCKET_TOO_BIG;
    reader->opcode = (uint8_t)opcode;
    reader->fin = (reader->header[0] & 0x80) != 0;
    memcpy(reader->mask, reader->header + reader->header_len - sizeof(reader->mask),
           sizeof(reader->mask));
    reader->payload_left = size;
    reader->payload_at = 0;
    if (opcode == WEBSOCKET_TEXT || opcode == WEBSOCKET_BINARY) {
        reader->message_opcode = (uint8_t)opcode;
        reader->compressed = (reader->header[0] & RSV1) != 0;
        reader->text_checked = 0;
    }
    return READ_ON;
}

/* Takes header bytes from `*bytes`; on READ_ON the frame is open, or `*len` is 0. */
static int read_header(struct websocket_half *reader, char **bytes, size_t *len)
{
    const size_t taken = fill_header(reader, *bytes, *len);
    int outcome;

    *bytes += taken;
    *len -= taken;
    if (reader->header_len < 2)
        return READ_ON;
    if ((outcome = check_start(reader)) != READ_ON)
        return outcome;
    if (reader->header_len < header_size(reader))
        return READ_ON;
    if ((outcome = open_frame(reader)) == READ_ON)
        reader->in_frame = true;
    return outcome;
}

/* ---- end of a frame ---- */

/* RFC 6455 7.4 and the registry it opens: 1004 to 1006 and 1015 are never sent. */
static bool is_close_code(int code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static int give_close(struct websocket_half *reader, const struct sink *sink, struct text payload)
{
    int code = CODE_NONE;

    if (payload.len == 1)
        return WEBSOCKET_PROTOCOL_ERROR;
    if (payload.len >= 2) {
        code = (unsigned char)payload.at[0] << 8 | (unsigned char)payload.at[1];
        if (!is_close_code(code))
            return WEBSOCKET_PROTOCOL_ERROR;
        payload = text_after(payload, 2);
    }
    if (!utf8_valid(payload))
        return WEBSOCKET_BAD_DATA;
    reader->owner->closed = true; /* 5.5.1: nothing after it counts */
    sink->on_message(sink->context, WEBSOCKET_CLOSE, code, payload);
    return READ_STOP;
}

static int give_control(struct websocket_half *reader, const struct sink *sink,
                        struct text payload)
{
    if (reader->opcode == WEBSOCKET_CLOSE)
        return give_close(reader, sink, payload);
    return sink->on_message(sink->context, reader->opcode, 0, payload) ? READ_ON : READ_STOP;
}

static int give_plain(struct websocket_half *reader, const struct sink *sink, struct text payload)
{
    const enum websocket_opcode opcode = reader->message_opcode;

    if (opcode == WEBSOCKET_TEXT && !utf8_valid(payload))
        return WEBSOCKET_BAD_DATA;
    return sink->on_message(sink->context, opcode, 0, payload) ? READ_ON : READ_STOP;
}

static size_t inflated_max(const struct websocket_half *reader)
{
    return reader->message_max < SIZE_MAX / WEBSOCKET_INFLATED_TIMES
               ? reader->message_max * WEBSOCKET_INFLATED_TIMES
               : SIZE_MAX;
}

static int give_compressed(struct websocket_half *reader, const struct sink *sink,
                           struct text payload)
{
    struct buf inflated = {0};
    int outcome;

    switch (inflate_message(&inflated, payload, inflated_max(reader))) {
    case ERR_OK:
        outcome = give_plain(reader, sink, buf_text(&inflated));
        break;
    case ERR_TOO_LARGE:
        outcome = WEBSOCKET_TOO_BIG;
        break;
    default:
        outcome = WEBSOCKET_BAD_DATA;
        break;
    }
    buf_fini(&inflated);
    return outcome;
}

static int give_message(struct websocket_half *reader, const struct sink *sink,
                        struct text payload)
{
    reader->in_message = false;
    return reader->compressed ? give_compressed(reader, sink, payload)
                              : give_plain(reader, sink, payload);
}

/* Gives what was put together in `waiting`. It is taken out of the reader first, since the callback
 * may end the reader. */
static int give_waiting(struct websocket_half *reader, const struct sink *sink,
                        struct buf *waiting)
{
    struct buf taken = *waiting;
    int outcome;

    *waiting = (struct buf){0};
    outcome = is_control(reader->opcode) ? give_control(reader, sink, buf_text(&taken))
                                         : give_message(reader, sink, buf_text(&taken));
    buf_fini(&taken);
    return outcome;
}

/* ---- payload ---- */

/* XORs `bytes`, the first of which is number `at` of its frame, with the frame's mask. */
static void unmask(char *bytes, size_t len, const unsigned char mask[4], uint64_t at)
{
    unsigned char eight[8];
    uint64_t mask_word, word;
    size_t i = 0;

    for (size_t k = 0; k < sizeof(eight); k++)
        eight[k] = mask[(at + k) % 4];
    memcpy(&mask_word, eight, sizeof(mask_word));
    for (; i + sizeof(word) <= len; i += sizeof(word)) {
        memcpy(&word, bytes + i, sizeof(word)); /* `bytes` may be unaligned */
        word ^= mask_word;
        memcpy(bytes + i, &word, sizeof(word));
    }
    for (; i < len; i++)
        bytes[i] = (char)(bytes[i] ^ eight[i % 8]);
}

/* RFC 6455 8.1, at once: who has begun with what is no text does not get to send the rest. */
static bool may_become_text(struct websocket_half *reader)
{
    size_t whole;

    if (reader->message_opcode != WEBSOCKET_TEXT || reader->compressed ||
        reader->partial.len == reader->text_checked)
        return true;
    if (!utf8_valid_start(text_after(buf_text(&reader->partial), reader->text_checked), &whole))
        return false;
    reader->text_checked += whole;
    return true;
}

/* `bytes` are the whole payload or a piece of it. */
static int take_payload(struct websocket_half *reader, const struct sink *sink, char *bytes,
                        size_t len)
{
    const bool control = is_control(reader->opcode);
    const bool is_whole = reader->payload_at == 0 && len == reader->payload_left;
    struct buf *waiting = control ? &reader->control : &reader->partial;

    unmask(bytes, len, reader->mask, reader->payload_at);
    reader->payload_at += len;
    reader->payload_left -= len;
    if (reader->payload_left == 0) {
        reader->in_frame = false;
        reader->header_len = 0;
    }
    if (is_whole && control)
        return give_control(reader, sink, text_of(bytes, len));
    if (is_whole && reader->fin && reader->opcode != WEBSOCKET_CONTINUATION)
        return give_message(reader, sink, text_of(bytes, len)); /* the usual case: no copy */

    buf_add(waiting, bytes, len);
    if (!control && !may_become_text(reader))
        return WEBSOCKET_BAD_DATA;
    if (reader->in_frame)
        return READ_ON;
    if (control || reader->fin)
        return give_waiting(reader, sink, waiting);
    reader->in_message = true;
    return READ_ON;
}

static int read_all(struct websocket_half *reader, const struct sink *sink, char *bytes, size_t len)
{
    int outcome = READ_ON;

    while (len > 0 && outcome == READ_ON) {
        if (!reader->in_frame &&
            ((outcome = read_header(reader, &bytes, &len)) != READ_ON || !reader->in_frame))
            break;
        const size_t count = len < reader->payload_left ? len : (size_t)reader->payload_left;
        outcome = take_payload(reader, sink, bytes, count); /* also when the payload is empty */
        bytes += count;
        len -= count;
    }
    return outcome;
}

static bool is_idle(const struct websocket_half *half)
{
    return half->header_len == 0 && !half->in_frame && !half->in_message;
}

/* What is half received until the next bytes come. */
static void keep(struct websocket_reader *reader, const struct websocket_half *half)
{
    reader->half = xmalloc(sizeof(*half));
    *reader->half = *half;
}

int websocket_read(struct websocket_reader *reader, char *bytes, size_t len,
                   websocket_message_fn on_message, void *context)
{
    const struct sink sink = {on_message, context};
    struct websocket_half half = {
        .owner = reader, .message_max = reader->message_max, .deflate = reader->deflate};
    int outcome;

    if (reader->closed)
        return 0;
    /* Out of the reader, which the callback may end. */
    if (reader->half != NULL)
        half = *reader->half;
    free(reader->half);
    reader->half = NULL;
    outcome = read_all(&half, &sink, bytes, len);
    if (outcome == READ_ON && !is_idle(&half)) {
        keep(reader, &half);
        return 0;
    }
    drop(&half);
    if (outcome == READ_STOP)
        return 0; /* the reader may be gone */
    reader->closed = outcome != READ_ON;
    return outcome;
}
