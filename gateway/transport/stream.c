#include "gateway/transport/stream.h"

#include "gateway/protocol/codes.h"

static void ignore(struct connection *connection, char *bytes, size_t len)
{
}

static struct frame *disconnect_push(const struct connection *connection, int code,
                                     const char *reason)
{
    struct buf out = {0};

    if (code == DISCONNECT_CLOSED.code)
        return NULL;
    frame_begin(&out);
    FORMATS[connection->format].codec->push_disconnect(&out, code, text(reason));
    return frame_end_answer(&out, (enum format)connection->format);
}

const struct transport TRANSPORT_STREAM = {ignore, disconnect_push};
