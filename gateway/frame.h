/*
 * frame: bytes ready for a socket, in one block with what the transport puts around them. Encoded
 * once, never changed, shared by all its receivers on all loops; the last unref frees it. Any
 * thread.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/text.h"
#include "gateway/format.h"
#include "gateway/protocol/websocket.h"

struct frame {
    atomic_uint refs;
    uint32_t start, len; /* of the bytes for the socket, from the struct's first byte */
};

/* Messages from so many bytes on are compressed where the format says so. Once, before threads start. */
void frame_init(size_t deflate_min_bytes);

/*
 * In place: frame_begin(&out); a codec appends a message to `out`; frame_end(&out, format), which
 * takes the memory of `out` and leaves it empty. Gives one reference.
 */
void frame_begin(struct buf *out);
struct frame *frame_end(struct buf *out, enum format format);
/* The last message of an HTTP answer, and its end. */
struct frame *frame_end_answer(struct buf *out, enum format format);

/* A message of bytes that are there already. */
struct frame *frame_create(enum format format, struct text message);
/* Bytes as they are, whatever the transport. */
struct frame *frame_raw(struct text bytes);
/* Control frames of WebSockets. */
struct frame *frame_control(enum websocket_opcode opcode, struct text payload);
struct frame *frame_close(int code, const char *reason);

static inline struct frame *frame_ref(struct frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}
void frame_unref(struct frame *frame); /* NULL does nothing */

static inline struct text frame_bytes(const struct frame *frame)
{
    return text_of((const char *)frame + frame->start, frame->len);
}
