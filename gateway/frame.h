/*
 * frame: bytes ready for a WebSocket, header and payload in one block. Encoded once, never changed,
 * shared by all its receivers on all loops; the last unref frees it. Any thread.
 */
#pragma once

#include <stdatomic.h>

#include "base/buf.h"
#include "base/text.h"
#include "gateway/protocol/protocol.h"
#include "gateway/protocol/websocket.h"

struct frame {
    atomic_uint refs;
    uint32_t start, len;        /* of the bytes for the socket, from the struct's first byte */
    uint32_t data_at, data_len; /* a publication's `data` within them; 0: no publication */
    uint64_t offset;            /* a publication's; 0: none */
};

/* All give one reference to the caller. */
struct frame *frame_create(enum websocket_opcode opcode, struct text payload);
struct frame *frame_publication(struct text channel, const struct publication *publication);
struct frame *frame_close(int code, const char *reason);

/*
 * In place: frame_begin(&out); append the payload to `out`; frame_end(&out, opcode), which takes
 * the memory of `out` and leaves it empty.
 */
void frame_begin(struct buf *out);
struct frame *frame_end(struct buf *out, enum websocket_opcode opcode);

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
struct text frame_data(const struct frame *frame); /* of a publication: its `data`, JSON */
