#include "bench/publication.h"

#include "gateway/protocol/reply.h"
#include "gateway/protocol/websocket.h"

#define DATA_TAIL "\"}"

void publication_data(struct buf *out, const struct publication_shape *shape, uint64_t offset)
{
    const size_t start = out->len;

    buf_printf(out, "{\"seq\":%llu,\"text\":\"", (unsigned long long)offset);
    const size_t filled = out->len - start + strlen(DATA_TAIL);
    CHECK(filled <= shape->data_bytes);
    memset(buf_reserve(out, shape->data_bytes - filled), 'x', shape->data_bytes - filled);
    out->len += shape->data_bytes - filled;
    buf_add_text(out, text(DATA_TAIL));
}

void publication_frame(struct buf *out, const struct publication_shape *shape, uint64_t offset)
{
    struct buf data = {0}, push = {0};
    unsigned char header[WEBSOCKET_HEADER_MAX];

    publication_data(&data, shape, offset);
    CODEC_JSON.push_publication(
        &push, shape->channel,
        &(struct publication){.data = buf_text(&data), .offset = offset, .epoch = shape->epoch});
    buf_add(out, header, websocket_header(WEBSOCKET_TEXT, push.len, header));
    buf_add_text(out, buf_text(&push));
    buf_fini(&data);
    buf_fini(&push);
}
