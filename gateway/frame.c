#include "gateway/frame.h"

#include <stdlib.h>

#define PAYLOAD_AT (sizeof(struct frame) + WEBSOCKET_HEADER_MAX)

static const char DATA_KEY[] = ",\"pub\":{\"data\":";

void frame_begin(struct buf *out)
{
    CHECK(out->len == 0);
    buf_reserve(out, PAYLOAD_AT);
    out->len = PAYLOAD_AT;
}

struct frame *frame_end(struct buf *out, enum websocket_opcode opcode)
{
    unsigned char header[WEBSOCKET_HEADER_MAX];
    const size_t header_len = websocket_header(opcode, out->len - PAYLOAD_AT, header);
    struct frame *frame = xrealloc(out->at, out->len);

    *frame = (struct frame){
        .start = (uint32_t)(PAYLOAD_AT - header_len),
        .len = (uint32_t)(out->len - PAYLOAD_AT + header_len),
    };
    atomic_init(&frame->refs, 1);
    memcpy((char *)frame + frame->start, header, header_len);
    *out = (struct buf){0};
    return frame;
}

struct frame *frame_create(enum websocket_opcode opcode, struct text payload)
{
    struct buf out = {0};

    frame_begin(&out);
    buf_add_text(&out, payload);
    return frame_end(&out, opcode);
}

/* Where the encoder put `data`. Quotes within the channel's name are escaped, so the key cannot
 * stand there. */
static void find_data(struct frame *frame, size_t data_len)
{
    const struct text bytes = frame_bytes(frame);
    const char *key = memmem(bytes.at, bytes.len, DATA_KEY, sizeof(DATA_KEY) - 1);

    CHECK(key != NULL);
    frame->data_at = (uint32_t)(key + sizeof(DATA_KEY) - 1 - (const char *)frame);
    frame->data_len = (uint32_t)data_len;
}

static bool has_newline(struct text json)
{
    return json.len > 0 &&
           (memchr(json.at, '\n', json.len) != NULL || memchr(json.at, '\r', json.len) != NULL);
}

struct frame *frame_publication(struct text channel, const struct publication *publication)
{
    struct publication shown = *publication;
    struct buf minified = {0}, out = {0};

    if (has_newline(shown.data)) {
        protocol_minify(&minified, shown.data);
        shown.data = buf_text(&minified);
    }
    frame_begin(&out);
    protocol_push_publication(&out, channel, &shown);
    struct frame *frame = frame_end(&out, WEBSOCKET_TEXT);
    frame->offset = shown.offset;
    if (shown.data.len > 0)
        find_data(frame, shown.data.len);
    buf_fini(&minified);
    return frame;
}

struct frame *frame_close(int code, const char *reason)
{
    struct buf bytes = {0};
    struct frame *frame;

    /* websocket_close_frame() writes the header too: it stands where the payload would. */
    frame_begin(&bytes);
    websocket_close_frame(&bytes, code, text(reason));
    const size_t len = bytes.len - PAYLOAD_AT;
    frame = frame_end(&bytes, WEBSOCKET_CLOSE);
    frame->start = PAYLOAD_AT;
    frame->len = (uint32_t)len;
    return frame;
}

void frame_unref(struct frame *frame)
{
    if (frame != NULL && atomic_fetch_sub_explicit(&frame->refs, 1, memory_order_acq_rel) == 1)
        free(frame);
}

struct text frame_data(const struct frame *frame)
{
    return text_of((const char *)frame + frame->data_at, frame->data_len);
}
