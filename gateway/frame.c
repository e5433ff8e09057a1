#include "gateway/frame.h"

#include <stdio.h>
#include <stdlib.h>

#include "gateway/protocol/deflate.h"

#define CHUNK_PREFIX_MAX 16 /* "ffffffff\r\ndata: " */
/* Before a message: the longest header of a WebSocket frame or a chunk. */
#define MESSAGE_AT (sizeof(struct frame) + CHUNK_PREFIX_MAX)
_Static_assert(CHUNK_PREFIX_MAX >= WEBSOCKET_HEADER_MAX, "room for either");

static size_t deflate_min;

void frame_init(size_t deflate_min_bytes)
{
    deflate_min = deflate_min_bytes;
}

void frame_begin(struct buf *out)
{
    CHECK(out->len == 0);
    buf_reserve(out, MESSAGE_AT);
    out->len = MESSAGE_AT;
}

/* `prefix` goes before the message; all is in place. */
static struct frame *wrap(struct buf *out, const void *prefix, size_t prefix_len)
{
    struct frame *frame = xrealloc(out->at, out->len);

    *frame = (struct frame){
        .start = (uint32_t)(MESSAGE_AT - prefix_len),
        .len = (uint32_t)(out->len - MESSAGE_AT + prefix_len),
    };
    atomic_init(&frame->refs, 1);
    memcpy((char *)frame + frame->start, prefix, prefix_len);
    *out = (struct buf){0};
    return frame;
}

static struct frame *wrap_websocket(struct buf *out, enum websocket_opcode opcode, bool deflated)
{
    unsigned char header[WEBSOCKET_HEADER_MAX];
    const size_t payload_len = out->len - MESSAGE_AT;
    const size_t len = deflated ? websocket_header_deflated(opcode, payload_len, header)
                                : websocket_header(opcode, payload_len, header);

    return wrap(out, header, len);
}

/* A chunk of an HTTP answer (RFC 9112 7.1); `behind` follows it. */
static struct frame *wrap_chunk(struct buf *out, enum framing framing, struct text behind)
{
    const struct text before = framing == FRAMING_EVENT ? TEXT("data: ") : (struct text){0};
    const struct text after = framing == FRAMING_EVENT  ? TEXT("\n\n")
                              : framing == FRAMING_LINE ? TEXT("\n")
                                                        : (struct text){0};
    char prefix[CHUNK_PREFIX_MAX + 1];

    buf_add_text(out, after);
    const int len = snprintf(prefix, sizeof(prefix), "%zx\r\n%.*s",
                             before.len + out->len - MESSAGE_AT, (int)before.len, before.at);
    buf_add_text(out, TEXT("\r\n"));
    buf_add_text(out, behind);
    return wrap(out, prefix, (size_t)len);
}

/* Replaces the message by its compressed form; false: it is too small for that. */
static bool compress(struct buf *out)
{
    const struct text message = text_after(buf_text(out), MESSAGE_AT);
    struct buf smaller = {0};

    if (message.len < deflate_min)
        return false;
    frame_begin(&smaller);
    deflate_message(&smaller, message);
    buf_fini(out);
    *out = smaller;
    return true;
}

struct frame *frame_end(struct buf *out, enum format format)
{
    const struct format_row *row = &FORMATS[format];
    const bool deflated = row->is_deflated && compress(out);

    switch (row->framing) {
    case FRAMING_TEXT:
        return wrap_websocket(out, WEBSOCKET_TEXT, deflated);
    case FRAMING_BINARY:
        return wrap_websocket(out, WEBSOCKET_BINARY, deflated);
    case FRAMING_LINE:
    case FRAMING_EVENT:
    case FRAMING_NONE:
        break;
    }
    return wrap_chunk(out, row->framing, (struct text){0});
}

struct frame *frame_end_answer(struct buf *out, enum format format)
{
    return wrap_chunk(out, FORMATS[format].framing, TEXT("0\r\n\r\n"));
}

struct frame *frame_create(enum format format, struct text message)
{
    struct buf out = {0};

    frame_begin(&out);
    buf_add_text(&out, message);
    return frame_end(&out, format);
}

struct frame *frame_raw(struct text bytes)
{
    struct buf out = {0};

    frame_begin(&out);
    buf_add_text(&out, bytes);
    return wrap(&out, "", 0);
}

struct frame *frame_control(enum websocket_opcode opcode, struct text payload)
{
    struct buf out = {0};

    frame_begin(&out);
    buf_add_text(&out, payload);
    return wrap_websocket(&out, opcode, false);
}

struct frame *frame_close(int code, const char *reason)
{
    struct buf out = {0};

    frame_begin(&out);
    websocket_close_frame(&out, code, text(reason)); /* with its header */
    return wrap(&out, "", 0);
}

void frame_unref(struct frame *frame)
{
    if (frame != NULL && atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) == 1)
        free(frame);
}
