/*
 * The first two bytes say how to chop, whether messages may be compressed (the top bit) and how
 * long one may be; the rest is what a client sent. However it is chopped, the same messages and the
 * same end must come out.
 */
#include <stdlib.h>

#include "base/utf8.h"
#include "gateway/protocol/websocket.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

struct heard {
    struct websocket_reader reader;
    struct buf log;
};

static bool on_message(void *context, enum websocket_opcode opcode, int code, struct text payload)
{
    struct heard *heard = context;

    const size_t times = heard->reader.deflate ? WEBSOCKET_INFLATED_TIMES : 1;
    CHECK(payload.len <= heard->reader.message_max * times || payload.len <= WEBSOCKET_CONTROL_MAX);
    if (opcode == WEBSOCKET_TEXT || opcode == WEBSOCKET_CLOSE)
        CHECK(utf8_valid(payload));
    buf_printf(&heard->log, "%d %d %zu ", opcode, code, payload.len);
    buf_add_text(&heard->log, payload);
    return true;
}

/* Feeds pieces of 1 to `piece_max` bytes, each in memory of its own size, for the sanitizer. */
static void read_chopped(struct heard *heard, struct text bytes, size_t piece_max, unsigned seed)
{
    int code = 0;

    while (bytes.len > 0 && code == 0) {
        seed = seed * 1664525u + 1013904223u;
        size_t count = 1 + (seed >> 16) % piece_max;
        count = count < bytes.len ? count : bytes.len;
        char *piece = xmalloc(count);
        memcpy(piece, bytes.at, count);
        code = websocket_read(&heard->reader, piece, count, on_message, heard);
        free(piece);
        bytes = text_after(bytes, count);
        CHECK(websocket_reader_held(&heard->reader) <= heard->reader.message_max);
    }
    buf_printf(&heard->log, "end %d", code);
}

static void read_whole(struct heard *heard, struct text bytes)
{
    char *copy = xmalloc(bytes.len);

    memcpy(copy, bytes.at, bytes.len);
    const int code = websocket_read(&heard->reader, copy, bytes.len, on_message, heard);
    free(copy);
    buf_printf(&heard->log, "end %d", code);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct heard whole = {0}, chopped = {0};

    if (len < 3)
        return 0;
    const struct text sent = text_of(bytes + 2, len - 2);
    const size_t message_max = bytes[1] * (size_t)16;
    websocket_reader_init(&whole.reader, message_max);
    websocket_reader_init(&chopped.reader, message_max);
    whole.reader.deflate = chopped.reader.deflate = (bytes[0] & 0x80) != 0;
    read_whole(&whole, sent);
    read_chopped(&chopped, sent, 1 + bytes[0] % 32u, bytes[0]);
    CHECK(text_equal(buf_text(&whole.log), buf_text(&chopped.log)));

    websocket_reader_fini(&whole.reader);
    websocket_reader_fini(&chopped.reader);
    buf_fini(&whole.log);
    buf_fini(&chopped.log);
    return 0;
}
